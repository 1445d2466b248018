# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Calibration, and how far to trust a reliability diagram
#
# A weather forecaster says "70 % rain" on a hundred days. It rains on seventy of them: she is **calibrated**. It rains on sixty: is she not, or was that luck?
#
# Almost every table of calibration errors leaves the second question out. This page does not.
#
# | You need | [Start here](01_start_here.ipynb) |
# |---|---|
# | **Helpful** | the binomial distribution |
# | **Time** | 20 minutes |
#
# **You will be able to** define the expected calibration error, compute what a perfect model would score, read an interval beside it, and say
# which of two numbers from two papers can be compared.

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

# %%
import numpy as np
import pandas as pd
from pathlib import Path

import dualalign as da
from dualalign import metrics, plots, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
proba = np.exp(da.drift.log_softmax_options(traces.plm_final))
confidence, correct = metrics.top_label(proba, traces.labels)
print(f"{len(traces)} questions, the PLM: accuracy {correct.mean():.3f}, mean confidence {confidence.mean():.3f}")

# %% [markdown]
# ## The definition
#
# Let $c(x)$ be the confidence and $a(x)$ be 1 if the prediction is right, else 0. A model is calibrated if, among all questions with
# confidence $c$, a share $c$ is answered rightly:
#
# $$ \mathbb{E}[\,a(x) \mid c(x) = c\,] = c \quad \text{for every } c. $$
#
# No two questions have exactly the same confidence, so one groups them into bins. With equal-width bins $B_1, \dots, B_M$ the **expected calibration
# error** is
#
# $$ \mathrm{ECE} = \sum_{m} \frac{|B_m|}{N} \,\bigl|\, \overline{a}_m - \overline{c}_m \,\bigr|. $$
#
# Written out, it is three lines. The library must give the same number.

# %%
index = np.minimum((confidence * 10).astype(int), 9)  # bins [0, .1), [.1, .2), ..., [.9, 1]
gaps = [correct[index == m].sum() - confidence[index == m].sum() for m in range(10)]
by_hand = np.abs(gaps).sum() / len(correct)
print(f"by hand {by_hand:.6f}, library {metrics.ece(confidence, correct):.6f}")

# %% mystnb={"figure": {"caption": "Reliability of the PLM on ARC-Easy. The bars through the dots are 95 % intervals of the accuracy in each bin: short where there are many questions, long where there are few. What to see: how many of them touch the diagonal.", "name": "fig-plm-reliability"}, "image": {"alt": "Reliability diagram of the PLM on ARC-Easy with Wilson intervals; most bins lie somewhat below the diagonal."}}
diagram = plots.prepare_reliability(confidence, correct)
ax = plots.plot_reliability(diagram, colour=plots.style.PLM, title="PLM")

# %% [markdown]
# ## What would a perfect model score?
#
# Take the same confidences, and throw the coins anew: question $x$ is answered rightly with probability exactly $c(x)$. That model is
# calibrated by construction. Its ECE is not zero, because no bin hits its mean exactly.

# %%
rng = np.random.default_rng(0)
perfect = rng.random(len(confidence)) < confidence
print(f"one perfectly calibrated world: ECE {metrics.ece(confidence, perfect):.4f}")
print(f"the mean over 1,000 of them:   {metrics.ece_floor(confidence):.4f}")

# %% [markdown]
# The mean over many such worlds is the **noise floor**. It depends on the confidences and, above all, on the number of questions.

# %% tags=["hide-input"]
from IPython.display import HTML

HTML(plots.floor_explorer(confidence, correct))

# %% [markdown]
# *Interactive: the ECE that a perfectly calibrated model shows, over the number of questions (both axes logarithmic), and its draws at the number that you choose. What to see: the floor falls
# with the square root of the number of questions; below some number, the measured error (dashed) is one that a perfect model shows as well.*

# %% tags=["remove-input"]
floor = plots.prepare_noise_floor(confidence)
say(
    "With 30 questions the floor is {floor_30:.3f}; with 300, {floor_300:.3f}; with 10,000, {floor_10000:.3f}.",
    **{f"floor_{n}": m for n, m in zip(floor.n, floor["mean"], strict=True)},
)

# %% [markdown]
# ### Averages of small sets keep the floor of the small sets
#
# MMLU has 57 subjects. Computing an ECE for each and averaging does *not* average the noise away, because an ECE is never
# negative. Pooling all questions first does. Here both, for perfectly calibrated answers with the PLM's confidences.

# %%
mmlu = da.Traces.load(f"{folder}/{pair}__mmlu__choices.safetensors")
c_mmlu = np.exp(da.drift.log_softmax_options(mmlu.plm_final)).max(axis=1)
subject = np.asarray(mmlu.groups)
per_subject = [metrics.ece_floor(c_mmlu[subject == s], draws=200) for s in np.unique(subject)]
pooled = metrics.ece_floor(c_mmlu, draws=200)

# %% tags=["remove-input"]
say(
    "Averaged over {subjects} subjects of about {each:.0f} questions, a perfect model shows an ECE of {averaged:.3f}; "
    "pooled over all {questions:,} questions, {pooled:.3f}. A table that averages subjects cannot be compared with one that pools.",
    subjects=len(per_subject),
    each=len(mmlu) / len(per_subject),
    averaged=float(np.mean(per_subject)),
    questions=len(mmlu),
    pooled=pooled,
)

# %% [markdown]
# ## An interval
#
# The floor says what noise alone would show. An **interval** says how far the measured value itself can be trusted. We resample the
# questions with replacement a thousand times. Each resample adds noise of its own, so its ECE is too high on average; the interval is therefore mirrored around
# the measured value (the *basic* bootstrap). It takes that extra noise off, and can lie entirely below the measured value. Very close to
# perfect calibration no such interval keeps its promise; there, look at the floor and at the share `ece_p` below.

# %%
low, high = metrics.interval(metrics.ece, confidence, correct)
summary = metrics.summary(proba, traces.labels)
print(f"ECE {summary['ece']:.4f}   interval [{low:.4f}, {high:.4f}]   floor {summary['ece_floor']:.4f}")

# %% tags=["remove-input"]
say(
    "Among perfectly calibrated models with these confidences, a share of {ece_p:.3f} shows an ECE of {ece:.3f} or more. "
    "That number, and not the ECE alone, says whether the PLM's error is more than luck.",
    ece_p=summary["ece_p"],
    ece=summary["ece"],
)

# %% [markdown]
# ## One word, many numbers
#
# "The" calibration error depends on choices that are rarely printed. Here are those that `dualalign.metrics` offers, for both models.

# %%
rows = {}
for model, logits in {"PLM": traces.plm_final, "PoLM": traces.polm_final}.items():
    found = metrics.summary(np.exp(da.drift.log_softmax_options(logits)), traces.labels)
    rows[model] = {k: found[k] for k in ("ece", "ece_floor", "adaptive_ece", "debiased_ece", "smooth_ece", "mce")}
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# - `ece`: ten bins of equal width, $[\text{low}, \text{high})$, the last one closed, so that confidence 1 has a bin.
# - `adaptive_ece`: ten bins of equal *size*. Questions with the same confidence stay together, even if the bins then differ a little.
# - `debiased_ece`: the noise of each bin is estimated and taken off.
# - `smooth_ece`: no bins at all; a kernel smooths the errors, and its width is chosen by a fixed point rather than by hand.
# - `mce`: the worst bin. With few questions that is the emptiest bin, so it is mostly noise.
#
# The number of bins matters too:

# %%
bins = [5, 10, 15, 20, 50]
pd.DataFrame(
    {
        "ece": [metrics.ece(confidence, correct, bins=b) for b in bins],
        "floor": [metrics.ece_floor(confidence, bins=b, draws=200) for b in bins],
    },
    index=pd.Index(bins, name="bins"),
).round(4)

# %% [markdown]
# More bins, more noise: the floor rises in every row, whatever the error does. Compare the difference, or say the number of bins.

# %% [markdown]
# ## A low ECE is cheap
#
# Say the same confidence for every question, namely the accuracy. The ECE is then zero, and the model has become useless: it no longer says *which*
# answers to doubt. So we never report an ECE alone. The **Brier score** and the **negative log-likelihood** reward knowing which is
# which; **AUROC** asks only for the order.

# %%
constant = np.full(len(correct), correct.mean())
pd.DataFrame(
    {
        "the PLM": [f(confidence, correct) for f in (metrics.ece, metrics.top_label_brier, metrics.auroc)],
        "a constant": [f(constant, correct) for f in (metrics.ece, metrics.top_label_brier, metrics.auroc)],
    },
    index=["ECE", "Brier (top label)", "AUROC"],
).round(4)

# %% [markdown]
# One temperature cannot change AUROC on two-option questions at all, and hardly on others. Calibration by temperature mends the scale, not the order.

# %% [markdown]
# ## The premise, set by set
#
# Back to the question of the last chapter: where is *our* PLM calibrated? In each prompt style that we recorded, with the floor beside it.
# `letters` lists options behind letters and reads the letter; `choices` lists them in a row and reads the first word of the answer itself;
# `cloze` lists none.

# %%
styles = ("choices", "letters", "cloze")
files = [f for s in styles for f in sorted(Path(folder).glob(f"{pair}__*__{s}.safetensors"))]
sets = {tuple(f.stem.split("__")[1:]): da.Traces.load(f) for f in files}
found = protocol.both_models(sets, draws=300)
found[["set", "style"]] = pd.DataFrame(found["set"].tolist())
found = found.assign(above_chance=found.accuracy - found.chance, excess=found.ece - found.ece_floor)
columns = ["n", "chance", "accuracy", "confidence", "ece", "ece_floor", "excess"]
found[found.model == "PLM"].set_index(["style", "set"])[columns].round(3)

# %%
plm = found[found.model == "PLM"]
knows = plm[plm.above_chance >= 0.10].sort_values("excess")
knows.set_index(["style", "set"])[["n", "above_chance", "excess", "ece_p"]].round(3)

# %% tags=["remove-input"]
say(
    "Of {total} combinations of set and style, the PLM is at least ten points above chance in {known}. "
    "Among these its ECE exceeds the noise floor by {least:.3f} at best and {most:.3f} at worst. "
    "In the style `letters` it is {letters:+.3f} above chance on average: a model of this size hardly binds a letter to an option.",
    total=len(plm),
    known=len(knows),
    least=knows.excess.min(),
    most=knows.excess.max(),
    letters=plm[plm["style"] == "letters"].above_chance.mean(),
)

# %% [markdown]
# ### How the PLM came to be calibrated, as far as it is
#
# No base model of this size is calibrated for free, and ours was not. Its one pass over the training questions left it too sure. Two things were done about it, both on
# *development* questions: a part of the training pool that was held out from the pass, and no evaluation question. The weights of the last third of the pass were averaged; and
# one number, the gain of the final norm, was fitted by log loss. The gain scales all logits, like a temperature that is built into the weights.

# %%
import json

run = json.loads(Path(folder, "../adapters/plm/run.json").read_text())
pd.DataFrame(run["dev"]).T.round(3)

# %% tags=["remove-input"]
say(
    "The weights kept were the *{kept}* ones, and the gain is {gain:.3f}. On the {n} development questions the mean confidence then meets the accuracy, as it must: "
    "that is what was fitted. Whether it holds on questions of other kinds is what the table above shows.",
    kept=run["kept"],
    gain=run["gain"],
    n=int(run["dev"]["with gain"]["n"]),
)

# %% [markdown]
# ## What this page does not show
#
# Confidence here is a softmax over the options that the quiz offers, not over everything the model could say. A model may be calibrated in one sense and
# not in the other. And all intervals treat questions as independent draws; questions from one exam are more alike than that.
#
# ## Summary
#
# - An ECE without a noise floor is half a number. With 30 questions a perfect model looks bad.
# - Averages over small sets keep the floor of the small sets.
# - A constant has an ECE of zero. Look at Brier, NLL and AUROC as well.
#
# **Next:** [what post-training does between the first layer and the last](03_two_kinds_of_drift.ipynb).
#
# ```{exercise}
# :label: ex-floor
# How many questions does it take until the noise floor is below 0.01? Use `metrics.ece_floor` on confidences drawn from those of the PLM.
# ```
#
# ```{solution} ex-floor
# :class: dropdown
# The floor falls with $1/\sqrt{N}$. Read it off the interactive figure at one $N$, and multiply $N$ by the square of the ratio; then check with
# `plots.prepare_noise_floor(confidence, sizes=(...,))`.
# ```
