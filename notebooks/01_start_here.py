# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here: from a trace to a temperature
#
# A quiz has four options a question. A language model answers, and says how sure it is. When it says "90 %", is it right nine times in ten?
#
# Before post-training, a model often comes close. After it, usually not. This page takes one recorded pair of models and, without
# looking at a single right answer, finds the number that mends the second one.
#
# | You need | a browser; to rerun, Python and five minutes |
# |---|---|
# | **Helpful** | knowing what a softmax is |
# | **Time** | 10 minutes |
#
# **You will be able to** load a trace, fit a temperature without labels, say what it changes and what it cannot change, and
# name the assumption that everything rests on.

# %% tags=["remove-cell"]
# Where the project is missing (Colab, this file alone): fetch it, install it, go to its notebooks.
import os
import subprocess
import sys
from importlib import invalidate_caches, util
from pathlib import Path

if util.find_spec("dualalign") is None or not Path("../data/traces").is_dir():
    home = Path(".." if Path("../data/traces").is_dir() else "dualalign-book").resolve()
    address = os.environ.get("DUALALIGN_REPOSITORY", "https://github.com/dualalign/dualalign")
    home.is_dir() or subprocess.run(["git", "clone", "--quiet", "--depth=1", address, home], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", home], check=True)
    os.chdir(home / "notebooks"), invalidate_caches()

# %% [markdown]
# ## Two models and one file
#
# We call the pre-trained model the **PLM**, and the same weights after post-training the **PoLM**. Both are made by us from
# gemma-3-270m, a small published base model {cite:p}`gemma2025report`.
#
# As it comes, a model of this size cannot take such a test. So the PLM is the base *mid-trained*: one pass over exam-like questions, each seen once. The PoLM
# is the PLM after four more passes over a small part of those questions. It is our post-trained version, not a published model.
#
# Both have read every question of the ARC-Easy test set. Neither has been trained on any of them.
# What they said is kept in a **trace**: at each layer, one logit for each option.

# %%
from pathlib import Path

import dualalign as da
from dualalign import metrics, plots, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
traces

# %% [markdown]
# ## How sure, and how often right?
#
# A model's **prediction** is the option with the largest probability. Its **confidence** is that probability.

# %%
table = protocol.both_models({"ARC-Easy": traces}).set_index("model")
table[["n", "chance", "accuracy", "confidence", "ece", "ece_floor"]].round(3)

# %% tags=["remove-input"]
say(
    "The PLM is right on {plm_accuracy:.0%} of the questions and {plm_confidence:.0%} sure on average. "
    "The PoLM is right on {polm_accuracy:.0%} and {polm_confidence:.0%} sure: "
    "confidence moved by {rise:+.0%}, accuracy by {gain:+.0%}. That gap is what we are here to close.",
    plm_accuracy=table.accuracy["PLM"],
    plm_confidence=table.confidence["PLM"],
    polm_accuracy=table.accuracy["PoLM"],
    polm_confidence=table.confidence["PoLM"],
    rise=table.confidence["PoLM"] - table.confidence["PLM"],
    gain=table.accuracy["PoLM"] - table.accuracy["PLM"],
)

# %% [markdown]
# `ece` is the expected calibration error: the mean distance between confidence and accuracy, explained in
# [the next chapter](02_reliability.ipynb). `ece_floor` is what a perfectly calibrated model would score on as many questions.

# %% [markdown]
# ## Five lines
#
# Put some questions aside to judge by. Fit on the others. No label enters the fit: `DualAlign` looks at the two models' logits only.

# %%
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)
calibrator = da.DualAlign().fit(fitting)
probabilities = calibrator.predict_proba(testing)
print(f"T = {calibrator.temperature_:.3f}, from {calibrator.n_fit_} questions; judged on {len(testing)}")

# %% [markdown]
# The result is one number, the **temperature** $\tau$ (in code, `temperature_`). The PoLM's logits are divided by it before the softmax:
#
# $$ p = \operatorname{softmax}(z / \tau). $$
#
# Above 1 it flattens the probabilities, below 1 it sharpens them. The same from a shell:
#
# ```bash
# dualalign fit data/traces/sft4__arc-easy__choices.safetensors --method dual-align
# ```

# %% [markdown]
# ## What changes

# %%
before = metrics.top_label(da.Vanilla().fit(fitting).predict_proba(testing), testing.labels)
after = metrics.top_label(probabilities, testing.labels)
diagrams = plots.prepare_reliability(*before), plots.prepare_reliability(*after)

# %% mystnb={"figure": {"caption": "The PoLM on held-out questions, as it comes (left) and with the temperature of Dual-Align (right). Each dot is a bin of questions: on the dotted diagonal, confidence and accuracy are equal. The faint bars are the errors that the ECE averages; the strip on top counts the questions. After the temperature the dots move to the left, towards the diagonal.", "name": "fig-before-after"}, "image": {"alt": "Two reliability diagrams of the PoLM on held-out ARC-Easy questions. Before calibration most questions lie at confidences above 0.9 and far below the diagonal; after it confidences are spread out and lie closer to the diagonal."}}
axes = plots.plot_reliability_pair(*diagrams, titles=("T = 1", f"T = {calibrator.temperature_:.2f}"))

# %% tags=["remove-input"]
say(
    "Mean confidence goes from {before_confidence:.2f} to {after_confidence:.2f}, at an accuracy of {accuracy:.2f}. "
    "The ECE goes from {before_ece:.3f} to {after_ece:.3f}; a perfectly calibrated model with these confidences "
    "would show about {floor:.3f} on so few questions.",
    before_confidence=diagrams[0].mean_confidence,
    after_confidence=diagrams[1].mean_confidence,
    accuracy=diagrams[1].mean_accuracy,
    before_ece=diagrams[0].ece,
    after_ece=diagrams[1].ece,
    floor=diagrams[1].floor,
)

# %% [markdown]
# ## What does not change
#
# Dividing all logits by one positive number keeps their order. Every answer stays what it was, and so does the accuracy.

# %%
unchanged = (probabilities.argmax(axis=1) == testing.polm_final.argmax(axis=1)).all()
print(f"every prediction unchanged: {unchanged}")

# %% [markdown]
# ## Try it
#
# Move the slider. The buttons go to the temperature found here without labels, to no calibration, and to the *oracle*: the best temperature when
# the labels are known.

# %% tags=["hide-input"]
from IPython.display import HTML

oracle = da.TemperatureScaling().fit(fitting)
marks = {"Dual-Align": calibrator.temperature_, "T = 1": 1.0, "oracle": oracle.temperature_}
HTML(plots.temperature_slider(testing, marks))

# %% [markdown]
# *An interactive reliability diagram. What to see: as T grows the dots wander left and the number of very sure answers falls; the accuracy does not
# move; the ECE has one valley, and it is wide.*

# %% [markdown]
# ## Where the number comes from, and when not to trust it
#
# Without labels, the fit needs something else to believe in. It believes in the PLM: the temperature is chosen so that the PoLM
# becomes as sure as the PLM is, on the way through the layers as well as at the end. [Chapter 4](04_deriving_dual_align.ipynb) derives it.
#
# So everything rests on one premise: **the PLM is calibrated here.** With labels one can check. Below, every set that we traced in this
# prompt style; `excess` is the ECE minus its noise floor.

# %%
files = sorted(Path(folder).glob(f"{pair}__*__choices.safetensors"))
sets = {file.stem.split("__")[1]: da.Traces.load(file) for file in files}
premise = protocol.both_models(sets, draws=300)
premise["excess"] = premise["ece"] - premise["ece_floor"]
premise.pivot(index="set", columns="model", values=["accuracy", "confidence", "excess"]).round(3)

# %%
excess = premise.pivot(index="set", columns="model", values="excess")
results = {name: da.DualAlign().fit(t).temperature_ for name, t in sets.items()}
temperatures = premise[premise.model == "PLM"].set_index("set")[["n", "chance", "accuracy"]].assign(T=results)
temperatures.round(3)

# %% tags=["remove-input"]
say(
    "The PLM's excess is smallest on **{best}** ({best_excess:.3f}) and largest on **{worst}** ({worst_excess:.3f}). "
    "Where the PLM itself is over-confident, the temperature inherits its error: "
    "it repairs what post-training did, not what was wrong before.",
    best=excess["PLM"].idxmin(),
    best_excess=excess["PLM"].min(),
    worst=excess["PLM"].idxmax(),
    worst_excess=excess["PLM"].max(),
)

# %% [markdown]
# ## Summary
#
# - A trace holds what two models said, layer by layer. It is all that the methods need.
# - `da.DualAlign().fit(traces).temperature_` is found without labels. It changes confidence, never an answer.
# - It is as good as the PLM's own calibration allows. Check that first where you can.
#
# **Next:** [how far to trust a reliability diagram](02_reliability.ipynb). What was measured on which files stands in `data/README.md`.
#
# ```{exercise}
# :label: ex-halve
# Suppose the PoLM's logits were all multiplied by 2. What would the fitted temperature be, and what the calibrated probabilities?
# ```
#
# ```{solution} ex-halve
# :class: dropdown
# For the confidence loss alone, $\tau$ doubles and nothing else changes: $2z/(2\tau) = z/\tau$. For Dual-Align the answer is not exactly 2, because its weights
# $w(x)$ are computed from the logits as they come, before any temperature. Multiply `polm_logits` by 2 and compare.
# ```
