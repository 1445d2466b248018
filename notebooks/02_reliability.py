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
# Mira tries her helper on a few of her own questions. It says "70 %" for ten of its answers, and six are right. Is the helper over-confident, or was that luck? How many questions must she collect before she may tell?
#
# Many tables of calibration errors leave that question out. This page does not.
#
# | You need | [Start here](01_start_here.ipynb) |
# |---|---|
# | **Helpful** | the binomial distribution |
# | **Time** | 25 minutes |
#
# **You will be able to** compute the expected calibration error and what a perfect model would show in its place, read an interval beside it, say which of two reported numbers can be compared, and check where a model's confidence may be trusted.

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
from scipy.stats import binom

import dualalign as da
from dualalign import course, metrics, plots, protocol
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"

# %% [markdown]
# ## Six of ten
#
# Suppose the helper is perfectly honest: of the answers given with 70 %, seven in ten are right in the long run. How often would it, by luck, get six or fewer of ten? And 60 or fewer of a hundred?

# %% tags=["remove-input"]
say(
    "Six or fewer of ten: {p_ten:.0%} of the time. Sixty or fewer of a hundred: {p_hundred:.0%}. The first says nothing. The second is hard to put down to luck.",
    p_ten=binom.cdf(6, 10, 0.7),
    p_hundred=binom.cdf(60, 100, 0.7),
)

# %% [markdown]
# The rest of this page does the same for a whole model, which says many different percentages. We take the PLM of the last chapter, the model that everything later is measured against.

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
proba = np.exp(da.drift.log_softmax_options(traces.plm_final))
confidence, correct = metrics.top_label(proba, traces.labels)
print(f"{len(traces)} questions, the PLM: accuracy {correct.mean():.3f}, mean confidence {confidence.mean():.3f}")

# %% [markdown]
# ## The calibration error
#
# Let $c(x)$ be the confidence in the answer to question $x$, and $a(x) = 1$ if that answer is right, else 0. A model is **calibrated** if, among all questions with
# confidence $c$, a share $c$ is answered rightly:
#
# $$ \mathbb{E}[\,a(x) \mid c(x) = c\,] = c \quad \text{for every } c. $$
#
# Hardly two questions have exactly the same confidence. So one groups them into **bins**, ranges of confidence: here ten of equal width, $B_1, \dots, B_{10}$. In each bin, how far is the mean confidence from the share of right answers?
# The **expected calibration error** (ECE) averages that distance over the $N$ questions, with $|B_m|$ questions in bin $m$, a share $\overline{a}_m$ of them answered rightly, at a mean confidence $\overline{c}_m$:
#
# $$ \mathrm{ECE} = \sum_{m} \frac{|B_m|}{N} \,\bigl|\, \overline{a}_m - \overline{c}_m \,\bigr|. $$
#
# By hand it is three lines. The library must give the same number.

# %%
index = np.minimum((confidence * 10).astype(int), 9)  # bins [0, .1), [.1, .2), ..., [.9, 1]
gaps = [correct[index == m].sum() - confidence[index == m].sum() for m in range(10)]
by_hand = np.abs(gaps).sum() / len(correct)
print(f"by hand {by_hand:.6f}, library {metrics.ece(confidence, correct):.6f}")

# %% [markdown]
# Drawn bin by bin, that is the **reliability diagram**.

# %% mystnb={"figure": {"caption": "Reliability of the PLM on ARC-Easy, with a 95 % interval for the accuracy in each bin. What to see: {touch} of {bins_shown} intervals reach the diagonal, and where one does not, the PLM is too modest; the two bins on the right hold few questions, and their intervals say so.", "name": "fig-plm-reliability"}, "image": {"alt": "Reliability diagram of the PLM on ARC-Easy. The expected calibration error is {plm_ece:.3f}; most dots lie near the diagonal, the others above it, and {touch} of {bins_shown} intervals reach it."}}
diagram = plots.prepare_reliability(confidence, correct)
table = diagram.bins[diagram.bins["count"] > 0]
glue("plm_ece", diagram.ece)
glue("bins_shown", len(table))
glue("touch", int(((table.accuracy_low <= table.confidence) & (table.confidence <= table.accuracy_high)).sum()))
ax = plots.plot_reliability(diagram, colour=plots.style.PLM, title="PLM")

# %% [markdown]
# ## What would a perfect model show?
#
# Keep the confidences and throw the coins anew: let question $x$ be answered rightly with probability exactly $c(x)$. That model is
# calibrated by construction. What is its ECE?

# %%
rng = np.random.default_rng(0)
perfect = rng.random(len(confidence)) < confidence
print(f"one perfectly calibrated world: ECE {metrics.ece(confidence, perfect):.4f}")
print(f"the mean over 1,000 of them:    {metrics.ece_floor(confidence):.4f}")

# %% [markdown]
# Not zero, because no bin hits its mean exactly. The mean over many such worlds is the **noise floor**. How does it depend on the number of questions?
#
# In a bin, the sum of $a(x) - c(x)$ is a sum of independent coins with mean zero and variance $\sum c(x)(1 - c(x))$. It is nearly normal, and a normal variable of standard deviation $s$ is on average $s \sqrt{2/\pi}$ away from zero. So
#
# $$ \text{noise floor} \approx \frac1N \sqrt{\frac2\pi} \; \sum_m \sqrt{\sum_{x \in B_m} c(x)\,(1 - c(x))}. $$
#
# Four times the questions double each inner root, and the $N$ in front grows fourfold: the floor halves. **It falls as $1/\sqrt{N}$.** Does the formula hold?

# %%
variance = confidence * (1 - confidence)
roots = [np.sqrt(variance[index == m].sum()) for m in range(10)]
formula = np.sqrt(2 / np.pi) * sum(roots) / len(confidence)
print(f"formula {formula:.4f}, simulated {metrics.ece_floor(confidence):.4f}")

# %% [markdown]
# Choose a number of questions and see what an honest model shows on so many.

# %% tags=["hide-input"]
from IPython.display import HTML

HTML(plots.floor_explorer(confidence, correct))

# %% [markdown]
# *Interactive: the ECE that a perfectly calibrated model shows, over the number of questions (both axes logarithmic), and its draws at the number that you choose. What to see: the floor is a
# straight line, as $1/\sqrt{N}$ is on such axes; up to the number that we have, and beyond it, the measured error (dashed) lies among those that perfect models show. The share given is that of the draws at or above the measured error.*

# %% tags=["remove-input"]
floor = plots.prepare_noise_floor(confidence)
say(
    "With 30 questions the floor is {floor_30:.3f}; with 300, {floor_300:.3f}; with 10,000, {floor_10000:.3f}.",
    **{f"floor_{n}": m for n, m in zip(floor.n, floor["mean"], strict=True)},
)

# %% [markdown]
# ### Averages of small sets keep the floor of the small sets
#
# MMLU is an exam in many subjects. Some papers compute an ECE for each subject and average. Does averaging not take the noise away? It does not, because an ECE is never
# negative: its noise cannot cancel. Pooling all questions *first* does it. Both, for perfectly calibrated answers with the PLM's confidences:

# %%
mmlu = da.Traces.load(f"{folder}/{pair}__mmlu__choices.safetensors")
c_mmlu = np.exp(da.drift.log_softmax_options(mmlu.plm_final)).max(axis=1)
subject = np.asarray(mmlu.groups)
per_subject = [metrics.ece_floor(c_mmlu[subject == s], draws=200) for s in np.unique(subject)]
pooled = metrics.ece_floor(c_mmlu, draws=200)

# %% tags=["remove-input"]
say(
    "Averaged over {subjects} subjects of about {each:.0f} questions, a perfect model shows {averaged:.3f}; pooled over all {questions:,} questions, {pooled:.3f}. The law gives {by_law:.2f} for the average, the pooled floor times the root of the number of subjects; with so few questions in ten bins it is a little rough. So a report that averages subjects cannot be compared with one that pools, unless each is first freed of its own floor.",
    subjects=len(per_subject),
    each=len(mmlu) / len(per_subject),
    averaged=float(np.mean(per_subject)),
    questions=len(mmlu),
    pooled=pooled,
    by_law=float(pooled * np.sqrt(len(per_subject))),
)

# %% [markdown]
# ## Is the error more than luck?
#
# The floor says what luck alone shows on average. Two more numbers help to judge a measured ECE: the share of perfect models that show as much (`ece_p`), and an **interval**, the range of values that the data leave plausible.
#
# The interval comes from the **bootstrap**: draw as many questions from the set, with replacement, a thousand times, and see how far the ECE moves. Each such draw adds luck of its own, so its ECE is too high, by about as much as the measured value itself is. So a draw that is 0.01 above the measured value counts as 0.01 below it (the *basic* bootstrap),
# and the middle 95 % of the mirrored draws are the interval. It can lie entirely below the measured value. Very close to perfect calibration no bootstrap interval keeps its promise. There, look at the floor and at `ece_p`.

# %%
low, high = metrics.interval(metrics.ece, confidence, correct)
summary = metrics.summary(proba, traces.labels)
print(f"ECE {summary['ece']:.4f}   floor {summary['ece_floor']:.4f}   interval [{low:.4f}, {high:.4f}]")

# %% tags=["remove-input"]
say(
    "Of perfectly calibrated models with these confidences, {ece_p:.0%} show an ECE of {ece:.3f} or more. So the PLM's error on these questions may well be luck.",
    ece_p=summary["ece_p"],
    ece=summary["ece"],
)

# %% [markdown]
# ## One word, many numbers
#
# Two papers report "the" calibration error of one model and differ. Who is wrong? Perhaps nobody:

# %%
rows = {}
for model, logits in {"PLM": traces.plm_final, "PoLM": traces.polm_final}.items():
    found = metrics.summary(np.exp(da.drift.log_softmax_options(logits)), traces.labels)
    rows[model] = {k: found[k] for k in ("ece", "ece_floor", "adaptive_ece", "debiased_ece", "smooth_ece", "mce")}
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# - `ece`: ten bins of equal width, $[\text{low}, \text{high})$, the last one closed, so that confidence 1 has a bin.
# - `adaptive_ece`: ten bins of equal *size*. Questions with the same confidence stay together, even if the bins then differ a little.
# - `debiased_ece`: the luck in each bin is estimated from the bin's own accuracy and taken off; under perfect calibration that takes away the share $\sqrt2 - 1$ of the floor, and leaves the rest.
# - `smooth_ece`: no bins; a kernel smooths the errors, and its width follows from the data.
# - `mce`: the worst bin. If that bin holds few questions it is mostly luck, if it holds many it is real: see below.
#
# Floors and shares are simulated; with other draws their last digits move.

# %% tags=["remove-input"]
worst = {}
for model, logits in {"PLM": traces.plm_final, "PoLM": traces.polm_final}.items():
    found = plots.prepare_reliability(*metrics.top_label(np.exp(da.drift.log_softmax_options(logits)), traces.labels)).bins
    worst[model] = found.loc[(found.accuracy - found.confidence).abs().idxmax(), "count"]
say(
    "The worst bin of the PLM holds {worst_plm:.0f} questions, that of the PoLM {worst_polm:.0f}.",
    worst_plm=worst["PLM"],
    worst_polm=worst["PoLM"],
)

# %% [markdown]
# The number of bins matters too. The PLM once more:

# %%
bins = [5, 10, 15, 20, 50]
measured = [metrics.ece(confidence, correct, bins=b) for b in bins]
floors = [metrics.ece_floor(confidence, bins=b, draws=200) for b in bins]
pd.DataFrame({"ece": measured, "floor": floors}, index=pd.Index(bins, name="bins")).round(4)

# %% [markdown]
# More bins, fewer questions in each, more luck. So say the number of bins, and give the floor.

# %% [markdown]
# ## A low ECE is cheap
#
# Suppose the helper gives the same confidence to every answer, namely its accuracy. Its ECE is then zero, and it has become useless: it no longer says *which*
# answers to doubt. Three scores see that; two of them stand in the table below, since such a constant says nothing of the other options. With $p_k$ the probability of option $k$ and $y$ the right one,
#
# - the **Brier score** is the mean of $\sum_k (p_k - [k = y])^2$, the squared distance between what was said and what came true; of the chosen option alone, it is the mean of $(c - a)^2$;
# - the **negative log-likelihood** (NLL) is the mean of $-\ln p_y$, and punishes certainty in a wrong answer hardest;
# - **AUROC** is how often a right answer has a higher confidence than a wrong one. It sees the order alone: 1 is perfect, 0.5 a coin.

# %%
constant = np.full(len(correct), correct.mean())
scores = {"ECE": metrics.ece, "Brier (chosen option)": metrics.top_label_brier, "AUROC": metrics.auroc}
cheap = {who: [f(c, correct) for f in scores.values()] for who, c in {"the PLM": confidence, "a constant": constant}.items()}
pd.DataFrame(cheap, index=list(scores)).round(3)

# %% [markdown]
# Can a temperature improve the order? With two options it cannot: there a confidence grows with the gap between the two logits, and division keeps the order of all gaps. With four options a little can change, since the other three count too. The PoLM, with two options (PIQA) and with four:

# %%
two = da.Traces.load(f"{folder}/{pair}__piqa__choices.safetensors")
order = {
    f"T = {t}": [metrics.auroc(*metrics.top_label(np.exp(da.drift.log_softmax_options(x.polm_final, t)), x.labels)) for x in (two, traces)]
    for t in (1.0, 5.0)
}
pd.DataFrame(order, index=["AUROC, two options", "AUROC, four options"]).round(4)

# %% [markdown]
# A temperature mends the scale of confidence. The order stays, or nearly.

# %% [markdown]
# ## Where may the PLM be trusted?
#
# Everything later leans on the PLM's confidence. So the same check, with its floor, on every set that we recorded, and for three ways to put a question, the **prompt styles**:
# `choices` lists the options in a row and reads the first word of the answer; `letters` puts them behind letters and reads the letter; `cloze` lists none, and reads the first word of each option all the same.
# The next table shows how far the accuracy lies above blind guessing (`above_chance`), and the {term}`excess`, the ECE less its floor.

# %%
styles = ("choices", "letters", "cloze")
files = [f for s in styles for f in sorted(Path(folder).glob(f"{pair}__*__{s}.safetensors"))]
sets = {tuple(f.stem.split("__")[1:]): da.Traces.load(f) for f in files}
found = protocol.both_models(sets, draws=300).query("model == 'PLM'").reset_index(drop=True)
found[["set", "style"]] = pd.DataFrame(found["set"].tolist())
plm = found.assign(above_chance=found.accuracy - found.chance, excess=found.ece - found.ece_floor)
plm.pivot(index="set", columns="style", values=["above_chance", "excess"]).round(3)

# %% [markdown]
# A model that knows nothing can be calibrated only by admitting it. Where does the PLM know something, at least ten points more than a guess?

# %%
knows = plm[plm.above_chance >= 0.10].sort_values("excess")
knows.set_index(["style", "set"])[["n", "above_chance", "ece", "ece_floor", "excess", "ece_p"]].round(3)

# %% tags=["remove-input"]
missed = plm[plm.above_chance < 0.10].sort_values("above_chance").iloc[-1]
say(
    "In {known} of {total} combinations. In {honest} of those luck alone would do as an explanation of its error (`ece_p` above 0.05), which on a few hundred questions is a weak test. The next candidate ({next_set} in `{next_style}`) misses the ten points by {miss:.2f} of a point. In the style `letters` the accuracy less a guess is {letters:+.1f} points on average: a model of this size hardly ties a letter to an option.",
    total=len(plm),
    known=len(knows),
    honest=int((knows.ece_p > 0.05).sum()),
    next_set=missed["set"],
    next_style=missed["style"],
    miss=100 * (0.10 - missed.above_chance),
    letters=100 * plm[plm["style"] == "letters"].above_chance.mean(),
)

# %% [markdown]
# That is the ground on which this book stands: on the easier science questions (ARC-Easy and OpenBookQA) put in the style `choices` nothing here speaks against the premise, and in most other places much does. With so few questions as OpenBookQA has, that is a weak test. (ARC-Easy in `cloze` would do as well; the book keeps to one style.)
#
# ### How the PLM came to be calibrated: with labels
#
# Ours was not so from the start: its pass over the training questions left it too sure (first row below). Two things were done, both on
# *development* questions, which were held out from the pass and belong to no evaluation set. The weights of the last third of the pass were averaged. And
# one number, the gain, a factor on all that leaves the model's last layer, was fitted to the lowest NLL, with the right answers known. The gain multiplies all logits: it is a temperature built into the weights.

# %%
import json

run = json.loads(Path(folder, "../adapters/plm/run.json").read_text())
pd.DataFrame(run["dev"]).T.rename(columns={"nll": "NLL"}).astype({"n": int}).round(3)

# %% tags=["remove-input"]
say(
    "A gain of {gain:.3f} acts like a temperature of {as_temperature:.2f}. That mean confidence then meets accuracy on these {n} questions is no finding, it was fitted. Whether it holds elsewhere is what the tables above answer.",
    gain=run["gain"],
    as_temperature=1 / run["gain"],
    n=int(run["dev"]["with gain"]["n"]),
)

# %% [markdown]
# ## What this page does not show
#
# - **All that a model could say.** Confidence here is a softmax over the options that the quiz offers. A model may be calibrated in that sense and not in another.
# - **Dependence between questions.** Floors and intervals treat questions as independent draws. Questions from one exam are more alike than that, so the true uncertainty is larger.
# - **That the PLM is calibrated for every pupil's question.** An ECE is a mean. A model can be too sure of physics, too modest in biology, and look right on both together.
#
# ## Summary
#
# - An ECE without a noise floor is half a number. With 30 questions an honest model looks bad.
# - The floor falls as $1/\sqrt{N}$, and averages over small sets keep the floor of the small sets.
# - A constant has an ECE of zero. Look at Brier score, NLL and AUROC as well.
# - Our PLM's confidence was set right with labels, on development questions. It may be trusted on a few sets in one or two styles, and not elsewhere. Check before you lean on it.
#
# Six of ten told Mira nothing. She will collect questions by the hundred, and write the floor beside every error.
#
# **Next:** [what post-training does between the first layer and the last](03_two_kinds_of_drift.ipynb).
#
# ```{exercise} How many questions must Mira collect?
# :label: ex-floor
# Mira has collected `n` questions. A perfectly calibrated model with her model's confidences would show an ECE of `floor` on them. How many questions of the same kind does she need, in all, for a noise floor of at most `wanted`? A whole number, rounded up.
# ```

# %%
task = course.task("floor", me)
task

# %% [markdown]
# ```{solution-start} ex-floor
# :class: dropdown
# ```

# %% tags=["solution"]
times_lower = task.floor / task.wanted
needed = int(np.ceil(task.n * times_lower**2))
task.check(needed)

# %% [markdown] tags=["solution"]
# The floor is a constant over $\sqrt{N}$. To make it three times lower one needs nine times the questions. The interactive figure shows the same: compare the floor at one $N$ and at ten times that.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Which report shows the larger error?
# :label: ex-two-reports
# Two reports on the same questions, which come from `subjects` subjects of equal size. The first computes an ECE for each subject and averages them: `ece_first`. The second, about another model with like confidences, pools all questions: `ece_second`, with a noise floor of `floor_second`. Floors follow the $1/\sqrt{N}$ law. How much of each error does luck not explain? Answer two excesses in a list, the first report's first; three decimals.
# ```

# %%
task = course.task("two-reports", me)
task

# %% [markdown]
# ```{solution-start} ex-two-reports
# :class: dropdown
# ```

# %% tags=["solution"]
floor_first = task.floor_second * np.sqrt(task.subjects)  # a subject holds so many times fewer questions
answer = [task.ece_first - floor_first, task.ece_second - task.floor_second]
print(np.round(answer, 3))
task.check(answer)

# %% [markdown] tags=["solution"]
# The first report shows the larger number and the smaller error.

# %% [markdown]
# ```{solution-end}
# ```
