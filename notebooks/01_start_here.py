# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Start here: one number for a model that is too sure
#
# Mira builds a study helper for a secondary school. It answers science questions with four options and shows how sure it is. Pupils believe what it shows. Of the answers
# that it gives with 90 %, are nine in ten right?
#
# They are not, and Mira knows since when: before the last round of training, which made the model useful, its doubts were about right. This page takes two such models
# and finds, **without a single right answer**, one number that gives the second model its doubts back. Right answers are used only to judge it, and, before this page begins, to set the first model's doubts right.
#
# | You need | a browser; to rerun the page, Python and five minutes |
# |---|---|
# | **Helpful** | knowing what a softmax is |
# | **Time** | 10 minutes |
#
# **You will be able to** load a trace, find a temperature without labels, say what it changes and what it cannot change, and name the one assumption that everything rests on.

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
# The model before the last round of training is the **PLM**, the pre-trained language model. The same weights after it are the **PoLM**, the post-trained one.
#
# We stand in for Mira's two models with a pair of our own, made from gemma-3-270m, a small published base model {cite:p}`gemma2025report`. As it comes, a model of this size
# is of little use on such a test. So our PLM is that base **mid-trained**: one pass over exam-like questions. Its confidence was then set right by one number, fitted on a few hundred other questions *whose answers were known* ([the next chapter](02_reliability.ipynb) shows how). Our PoLM is the PLM after four more passes over a small part of the training questions.
#
# So labels did enter, once: they made the first model's doubts honest. What follows takes them over to the second model, and needs no more of them.
#
# Both then read the ARC-Easy test set: science questions from American schools, on none of which we trained either model. For each question a model gives every option a raw score, its
# **logit**; a softmax turns the logits into probabilities that add up to 1. A model works in layers, one after the other, and logits can be read after each ([chapter 3](03_two_kinds_of_drift.ipynb)). Those of both models are kept in one file, a **trace**.

# %%
from pathlib import Path

import numpy as np

import dualalign as da
from dualalign import course, metrics, plots, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
traces

# %% [markdown]
# (`sft4` is this PoLM's name in files and tables. Almost all questions have four options; the file has room for the few that have five.)
#
# ## How sure, and how often right?
#
# A model answers with the option of the largest probability, and that probability is its **confidence**. The share of right answers is its **accuracy**. A model whose
# confidence is higher than its accuracy is **over-confident**. Which of our two is?

# %%
table = protocol.both_models({"ARC-Easy": traces}).set_index("model")
sure, right = metrics.top_label(da.Vanilla().fit(traces).predict_proba(traces), traces.labels)  # of the PoLM
table[["n", "chance", "accuracy", "confidence", "ece", "ece_floor"]].round(3)

# %% tags=["remove-input"]
say(
    "Training changed the accuracy by {gain:+.1f} points and the mean confidence by {rise:+.1f}. The PLM claims about what it achieves. The PoLM is {polm_confidence:.0%} sure on average and {polm_accuracy:.0%} right. Of the {n_sure} answers that it gives with 90 % or more, {right_sure:.0%} are right.",
    gain=100 * (table.accuracy["PoLM"] - table.accuracy["PLM"]),
    rise=100 * (table.confidence["PoLM"] - table.confidence["PLM"]),
    polm_confidence=table.confidence["PoLM"],
    polm_accuracy=table.accuracy["PoLM"],
    n_sure=int((sure >= 0.9).sum()),
    right_sure=float(right[sure >= 0.9].mean()),
)

# %% [markdown]
# `n` counts the questions, and `chance` is the accuracy of blind guessing. The last two columns say in one number how far confidence and accuracy are apart. `ece`, the expected calibration error, groups answers by confidence, takes the distance between mean confidence and accuracy in each group, and averages the distances.
# Luck alone keeps it from zero: `ece_floor` is what a model whose confidence is exactly right would still show on so many questions. [The next chapter](02_reliability.ipynb) explains both.

# %% [markdown]
# ## Five lines
#
# The method is Dual-Align {cite:p}`luo2026dualalign`; this book derives it in [chapter 4](04_deriving_dual_align.ipynb) and puts it to the test.
#
# Set most questions aside, to judge by: they are **held out**. Fit on the others. The file knows the right answers, but `DualAlign` does not look at them. It reads the two models' logits and nothing else.

# %%
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)
calibrator = da.DualAlign().fit(fitting)
probabilities = calibrator.predict_proba(testing)
print(f"T = {calibrator.temperature_:.3f}, from {calibrator.n_fit_} questions; judged on {len(testing)}")

# %% [markdown]
# The result is one number, the **temperature** $\tau$ (in code and figures, T). The PoLM's logits $z$ are divided by it before the softmax:
#
# $$ p = \operatorname{softmax}(z / \tau). $$
#
# Above 1 it brings the probabilities closer together, so the model becomes less sure. Below 1 it drives them apart. The same from a shell, on all questions of the file (so the number comes out a little different):
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

# %% mystnb={"figure": {"caption": "The PoLM on held-out questions, as it comes (left) and with the temperature of Dual-Align (right). A dot is a group of answers of similar confidence; its thin bar is a 95 % interval for the group's accuracy. On the dotted diagonal, confidence equals accuracy, and the broad faint bars are the distances that the ECE averages. The strip on top counts the questions, its number those of the tallest bar; the bracket after the ECE is its 95 % interval. What to see: in the left panel the dots of the sure answers lie far below the diagonal; in the right panel they lie near it, mostly above.", "name": "fig-before-after"}, "image": {"alt": "Two reliability diagrams of the PoLM on held-out questions. As it comes, the mean confidence is {before_confidence:.2f} at an accuracy of {accuracy:.2f}, and the dots from 0.5 up lie far below the diagonal. At the temperature of Dual-Align the mean confidence is {after_confidence:.2f}, and the dots lie near the diagonal."}}
axes = plots.plot_reliability_pair(*diagrams, titles=("T = 1", f"T = {calibrator.temperature_:.2f}"))

# %% tags=["remove-input"]
say(
    "The ECE falls from {before_ece:.3f} to {after_ece:.3f}; the floor is {floor:.3f}. The mean confidence falls from {before_confidence:.2f} to {after_confidence:.2f}, past the accuracy of {accuracy:.2f}: "
    "the temperature is a little too high, and the model now a little too modest.",
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
# Dividing all logits of a question by one positive number keeps their order. So every answer should stay what it was, and the accuracy with it. Does it?

# %%
unchanged = (probabilities.argmax(axis=1) == testing.polm_final.argmax(axis=1)).all()
print(f"every answer unchanged: {unchanged}")

# %% [markdown]
# A temperature mends how sure a model is. It makes no model wiser.
#
# ## Try it
#
# Move the slider. One button goes to the temperature found here without labels, one to the PoLM as it comes, and one to the {term}`oracle`: a temperature fitted with the right answers known. How close did we come without them?

# %% tags=["hide-input"]
from IPython.display import HTML

oracle = da.TemperatureScaling().fit(fitting)
marks = {"Dual-Align": calibrator.temperature_, "T = 1": 1.0, "oracle": oracle.temperature_}
HTML(plots.temperature_slider(testing, marks, name="testing"))

# %% tags=["remove-input"]
best = metrics.top_label(oracle.predict_proba(testing), testing.labels)
say(
    "At the oracle, T = {t_oracle:.2f}, the ECE is {oracle_ece:.3f}; without labels, at T = {t_dual:.2f}, it is {dual_ece:.3f}.",
    t_oracle=oracle.temperature_,
    oracle_ece=metrics.ece(*best),
    t_dual=calibrator.temperature_,
    dual_ece=diagrams[1].ece,
)

# %% [markdown]
# *An interactive reliability diagram. What to see: as T grows the dots move left and cross the diagonal, the very sure answers vanish, and the accuracy stays. The ECE is small near the oracle and grows to both sides.*

# %% [markdown]
# ## Where the number comes from, and when not to trust it
#
# Without right answers, the fit has to believe in something else. It believes in the PLM. It chooses the temperature at which the PoLM's probabilities come closest to the PLM's, weighed against how undecided both are on the way there. The two wishes need not meet at one temperature, so the PoLM need not end exactly as sure as the PLM; [chapter 4](04_deriving_dual_align.ipynb) derives how.
#
# So everything rests on one **premise: the PLM's own confidence is right, on these very questions.** Is it? On a few hundred questions it was made so. Elsewhere one has to check, with labels. Below is every question set that we recorded with the same kind of prompt: school science (arc-easy, arc-challenge, openbookqa), common sense (csqa, piqa), university subjects (mmlu), medicine (medmcqa).
#
# The `excess` is the ECE less its floor: what luck does not explain. The table gives it for the PLM, for the PoLM, and for the PoLM at a temperature that was fitted on each set without labels (means over five divisions of its questions).

# %%
files = sorted(Path(folder).glob(f"{pair}__*__choices.safetensors"))
sets = {file.stem.split("__")[1]: da.Traces.load(file) for file in files}
fits = {name: protocol.averaged(protocol.compare(t, ["dual-align"], draws=100)).iloc[0] for name, t in sets.items()}
models = protocol.both_models(sets, draws=300)
plm, polm = (models[models.model == m].set_index("set") for m in ("PLM", "PoLM"))
cooled = {name: da.drift.log_softmax_options(t.polm_final, fits[name].temperature) for name, t in sets.items()}
aligned = {name: np.exp(log_p).max(axis=1).mean() for name, log_p in cooled.items()}

# %%
premise = plm[["n", "chance", "accuracy", "confidence"]].assign(
    confidence_aligned=aligned,
    excess_PLM=plm.ece - plm.ece_floor,
    excess_PoLM=polm.ece - polm.ece_floor,
    excess_aligned={name: fit.value - fit.floor for name, fit in fits.items()},
    T={name: fit.temperature for name, fit in fits.items()},
).sort_values("excess_PLM")
premise.round(3)

# %% tags=["remove-input"]
least, most = premise.iloc[0], premise.iloc[-1]
say(
    "The rows stand in the order of the PLM's own excess. On **{best}** it is {best_plm:.3f}, and the aligned PoLM keeps {best_aligned:.3f}. On **{worst}** it is {worst_plm:.3f}: there the PLM is right on {worst_accuracy:.0%}, where blind guessing would give {worst_chance:.0%}, "
    "and is {worst_confidence:.0%} sure. The aligned PoLM keeps {worst_aligned:.3f}.",
    best=premise.index[0],
    best_plm=least.excess_PLM,
    best_aligned=least.excess_aligned,
    worst=premise.index[-1],
    worst_plm=most.excess_PLM,
    worst_accuracy=most.accuracy,
    worst_chance=most.chance,
    worst_confidence=most.confidence,
    worst_aligned=most.excess_aligned,
)

# %% tags=["remove-input"]
added, left = premise.excess_PoLM - premise.excess_PLM, premise.excess_aligned - premise.excess_PLM
say(
    "On every set the temperature takes away at least {least_taken:.0%} of what post-training added. On {below} of {n_sets} the aligned PoLM even keeps less than the PLM has: it ends a little less sure (on {modest} sets, by {least_gap:.2f} to {most_gap:.2f}). That helps where the PLM is too sure, and harms a little where it is not. Where the PLM is furthest off, the result still is.",
    least_taken=(1 - left / added).min(),
    below=int((left < 0).sum()),
    n_sets=len(premise),
    modest=int((premise.confidence_aligned < premise.confidence).sum()),
    least_gap=(premise.confidence - premise.confidence_aligned).min(),
    most_gap=(premise.confidence - premise.confidence_aligned).max(),
)

# %% [markdown]
# Mira now has a number for science questions. Two things she does not have yet: a way to tell whether the error that is left is real or luck, and a way to know where the premise holds.
#
# ## What this page does not show
#
# - **A better model.** Accuracy near one half is far from what a school would want. The pair is small, so that every number here can be recomputed on a laptop.
# - **That Dual-Align is the best choice.** It is the only method on this page. [Chapter 4](04_deriving_dual_align.ipynb) sets rivals beside it.
# - **What to do without any labels.** The check of the premise used them, and so did the making of our PLM: its confidence was fitted on labelled questions.
#
# ## Summary
#
# - A trace holds what two models said, layer by layer. The methods need nothing else.
# - `da.DualAlign().fit(traces).temperature_` is found without right answers. It changes how sure the PoLM is, never what it answers.
# - It takes the PoLM back to about the PLM's confidence, here a little below. Labels made that confidence right on some questions; where it is furthest off, the result still is.
#
# **Next:** [how far to trust a reliability diagram](02_reliability.ipynb). What was measured on which files stands in `data/README.md`.
#
# ```{exercise} Louder logits
# :label: ex-halve
# For some PoLM a temperature of `temperature` was found. Then all its logits are multiplied by `factor`; nothing else changes. At which temperature does the PoLM now give the same probabilities as it gave at the old one? One number, two decimals.
# ```

# %%
task = course.task("halve", me)
task

# %% [markdown]
# ```{solution-start} ex-halve
# :class: dropdown
# ```

# %% tags=["solution"]
from scipy.special import softmax

z = [3.0, 1.0, 0.5, 0.0]  # any logits will do
louder = [task.factor * one for one in z]
answer = task.temperature * task.factor
print(softmax([one / task.temperature for one in z]).round(4), softmax([one / answer for one in louder]).round(4))
task.check(answer)

# %% [markdown] tags=["solution"]
# The probabilities depend on $z / \tau$ alone, so $\tau$ must grow with $z$. How loud a model's logits are says nothing by itself; a temperature belongs to one model.

# %% [markdown]
# ```{solution-end}
# ```
