# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 2: May a pupil rely on "80 %"?
#
# Mira keeps a record. Of sixty answers that her study helper showed at "80 %", forty-one were right. That is less than it promised. Is the helper too sure of itself, or was it bad luck,
# and how would one tell?
#
# | You need | [Lesson 1](01_confidence.ipynb): prediction, confidence, temperature, trace |
# |---|---|
# | **Helpful** | the binomial distribution |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - say how surprising a record is if every promise is kept;
# - read and draw a reliability diagram, and compute its expected calibration error by hand and in code;
# - compute what a *perfect* helper would show on as many questions, and judge a measured error by it;
# - say what such an error cannot see.

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

# %% tags=["remove-input"]
import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import binom

import dualalign as da
from dualalign import course, metrics, plots
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it decides which data you get in the exercises

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0 | 41 of 60 at "80 %": vote *too sure*, *luck*, *cannot say* | *Predict first* |
# | 5 | Run the cell; the bars; students do *Was it luck?* | figure, exercise 1 |
# | 18 | Reliability diagram on the board with the twelve answers; ECE by hand | board 1 |
# | 27 | *The error of a small record*, then *ECE in code, edges included* in pairs: one writes, one looks for the edge that breaks it | exercises 2 and 3 |
# | 47 | The helper itself: before and after a temperature | reliability figure |
# | 52 | What would a perfect helper show? Vote *zero* or *not zero*, then *The error of a perfect helper* | board 2, exercise 4 |
# | 65 | The floor against the number of questions; *How many questions must she collect?* | floor figure, exercise 5 |
# | 73 | What an error cannot see: the constant; *Right on average, wrong for everybody* | exercise 6 |
# | 82 | Quiz | quiz |
# | 88 | Limits, summary | last slide |

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. A square with its diagonal. Twelve answers as ticks on the lower edge, coloured right or wrong: 0.30 ✗, 0.35 ✓, 0.40 ✗, 0.55 ✓, 0.55 ✗, 0.60 ✓, 0.65 ✗, 0.80 ✓, 0.85 ✗, 0.90 ✓, 0.95 ✓, 1.00 ✓. Cut at 0.25, 0.5 and 0.75 into bins, one dot a bin, the gap to the diagonal as a thick bar. Write the number of answers under each dot; the ECE is the mean bar, weighted by these.
# 2. Beside it the same ticks without colours. Now luck answers: for each tick a student draws a number from 0 to 99 (a telephone, `rng.integers(100)`); right if it is below the confidence in percent. That is a *perfect* helper. Draw its dots. They miss the diagonal too.
# 3. An axis of N: 100, 400, 1600; floor f, f/2, f/4. Leave room for lesson 3, which puts intervals there.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# | what students say | why | what to do |
# |---|---|---|
# | "A perfect model has ECE 0" | *expected* is read as *on this record* | the draw of board 2 |
# | "Exactly 41 is very improbable, so it was no luck" | probability of one outcome for a tail | ask for the chance of exactly 48, the promised number |
# | "ECE is the mean distance of confidence and correctness" | the name says *expected error* | compute it for a perfect helper at 0.7 |
# | "More bins are finer, so better" | resolution without noise | one answer a bin: what is the gap then? |
# | "Averaging over bins" | a mean of means | two bins, one of 1 answer, one of 99 |
# | "ECE 0 is what we want" | a goal is mistaken for the purpose | the constant |

# %% [markdown] tags=["guide"]
# ## Discussion
#
# - *Would you ship the helper after 41 of 60?* Listen for: what it costs to wait, what a wrong promise costs a pupil; that an honest helper looks as bad now and then, so 60 answers warn and do not settle. The best answers ask for a number of questions.
# - *A paper reports ECE 0.02 on 300 questions. What do you ask its authors?* Listen for: bins, floor or interval, number of questions, which questions.
# - *Who is served by a helper that is calibrated on average?* Listen for: the school's statistics, not the pupil of one topic. How small may a group become before noise eats the answer?
# - *Could Mira choose the bins after seeing the dots?* Listen for: yes, and she would find the picture she likes. Fix bins before.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# In 50 minutes: *Was it luck?* as homework; hand out `ece` from the library instead of *ECE in code, edges included*; keep *The error of a perfect helper*, which carries the lesson, and show the floor figure without its exercise.

# %% [markdown] tags=["slide"]
# ## Predict first
#
# Sixty answers were shown at 80 %. The promise is kept if each is right with probability 0.8: 48 are expected.
#
# - Between which two numbers would you put the right answers of such an honest helper, most of the time?
# - Is 41 inside?
#
# Write both down, then look.

# %% [markdown] tags=["slide-only"]
# ## Sixty honest answers
#
# - how wide is the hill?
# - where is 41?

# %% tags=["slide"] mystnb={"figure": {"caption": "How many of sixty answers are right if each is right with probability 0.8. Darker: as few as Mira counted, or fewer. What to see: how wide the hill is, and that its foot reaches her count.", "name": "fig-l2-luck"}, "image": {"alt": "Bars of a binomial distribution around {promised:.0f} right answers of {asked}. The left foot, {counted} or fewer, is darker; it holds {tail:.1%} of the whole."}}
asked, shown, counted = 60, 0.8, 41
k = np.arange(36, 60)
ax = plots.style.canvas(None, (5.4, 2.8))
for rows, shade, label in ((k > counted, 0.35, "more"), (k <= counted, 1, "as few as counted, or fewer")):
    ax.bar(k[rows], binom.pmf(k[rows], asked, shown), color=plots.style.PLM, alpha=shade, label=label)
plots.style.legend(ax, loc="upper left")
plots.style.label(plots.style.integer_ticks(ax), "Right answers of 60", "Probability")
for name, value in {"asked": asked, "promised": asked * shown, "counted": counted}.items():
    glue(name, value)

# %% [markdown] tags=["slide-only"]
# ## As bad or worse
#
# - not the chance of *exactly* this record
# - the chance of this one **or a worse one**, if every promise is kept
# - small: hard to call luck. Not small: nothing shown

# %% tags=["remove-input", "slide"]
say(
    "An honest helper shows a record as bad as Mira's, or worse, in {tail:.1%} of cases. That is rare, not impossible: among {one_in:.0f} honest helpers, one such record is expected.",
    tail=float(binom.cdf(counted, asked, shown)),
    one_in=1 / float(binom.cdf(counted, asked, shown)),
)

# %% [markdown]
# The number to compute is the chance of *as bad or worse*, not of exactly this record: with many questions each single record is improbable, the most probable one included.

# %% [markdown]
# ```{exercise} Was it luck?
# :label: ex-l2-luck
# Another record: `task.answers` answers were shown at the confidence `task.confidence`, and `task.right` of them were right. If every promise is kept, how probable is a record as bad as this or worse? Right to two decimals;
# a simulation of 100,000 records is good enough.
# ```

# %%
task = course.task("l2-luck", me)
task

# %% [markdown]
# ```{solution-start} ex-l2-luck
# :class: dropdown
# ```

# %% tags=["solution"]
records = np.random.default_rng(0).binomial(task.answers, task.confidence, 100_000)
print(f"simulated {(records <= task.right).mean():.4f}")
task.check(binom.cdf(task.right, task.answers, task.confidence))

# %% [markdown] tags=["solution"]
# The distribution function at `task.right` includes `task.right` itself. A simulation shows the same without a formula.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Calibrated
#
# - of the answers shown at $c$, a share $c$ is right, for every $c$
# - no two confidences are equal: group them in bins
# - **What is lost by grouping?**

# %% [markdown] tags=["slide-only"]
# ## Twelve answers, four bins
#
# - gap = share right − mean confidence

# %% [markdown]
# ## All confidences at once
#
# A helper shows many numbers, not one. It is **calibrated** if, for every $c$, a share $c$ of the answers shown at $c$ is right. No two confidences are quite the same, so we group them in **bins**, and compare in each bin
# the mean confidence $\bar c$ with the share of right answers $\bar a$. Here are twelve answers in four bins; each bin holds its lower edge, and the last one both.

# %% tags=["slide"]
confidence = np.array([0.30, 0.35, 0.40, 0.55, 0.55, 0.60, 0.65, 0.80, 0.85, 0.90, 0.95, 1.00])
correct = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1])
by_bin = metrics.reliability(confidence, correct, bins=4)[["low", "high", "count", "confidence", "accuracy"]]
by_bin.assign(gap=by_bin.accuracy - by_bin.confidence).round(3)

# %% [markdown]
# The **expected calibration error** (ECE) is the mean gap without its sign, each bin weighted by how many answers it holds:
#
# $$ \mathrm{ECE} = \sum_b \frac{n_b}{N} \, \bigl| \bar a_b - \bar c_b \bigr|. $$
#
# A check against the library:

# %%
gap = np.abs(by_bin.accuracy - by_bin.confidence)
print(f"by hand {(by_bin['count'] * gap).sum() / 12:.4f}, library {metrics.ece(confidence, correct, bins=4):.4f}")

# %% [markdown] tags=["slide-only"]
# ## Expected calibration error
#
# - group by confidence; in each bin: mean confidence, share right
# - $\mathrm{ECE} = \sum_b \frac{n_b}{N} |\bar a_b - \bar c_b|$
# - absolute value **inside** each bin
# - weight **by answers**, not by bins

# %% [markdown]
# ```{exercise} The error of a small record
# :label: ex-l2-ece
# `task.confidence` and `task.correct` are a record of 24 answers. Compute the ECE with *five* bins of equal width, that is [0, 0.2), [0.2, 0.4), …, [0.8, 1], right to three decimals. Do it without the library first.
# ```

# %%
task = course.task("l2-ece", me)
print(task.confidence, task.correct.astype(int), sep="\n")
task

# %% [markdown]
# ```{solution-start} ex-l2-ece
# :class: dropdown
# ```

# %% tags=["solution"]
record = pd.DataFrame({"c": task.confidence, "a": task.correct.astype(float)})
grouped = record.groupby(np.floor(task.confidence * 5).clip(max=4)).agg({"c": "mean", "a": ["mean", "size"]})
grouped.columns = ["confidence", "accuracy", "count"]
answer = (grouped["count"] * (grouped.accuracy - grouped.confidence).abs()).sum() / len(record)
task.check(answer)

# %% [markdown] tags=["solution"]
# Multiplying by the count and dividing by it cancel: it is enough to sum `accuracy - confidence` over the answers of each bin, take absolute values, add them up and divide by $N$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Write it so that it survives
#
# - confidence exactly 1
# - confidence exactly on an edge
# - one answer
# - an empty bin
# - **In which bin is 0.5, if there are four?**

# %% [markdown]
# ```{exercise} ECE in code, edges included
# :label: ex-l2-code
# Write a function `ece(confidence, correct, bins)` of two arrays and the number of equal-width bins. Each bin holds its lower edge and not its upper one; the last bin holds both. Hand the *function* to the checker: it will try confidences
# of 0, of 1 and on edges, a single answer, and empty bins. On the example below it should return `task.expected`, up to rounding in the fourth decimal.
# ```

# %%
task = course.task("l2-code", me)
task

# %% [markdown]
# ```{solution-start} ex-l2-code
# :class: dropdown
# ```

# %% tags=["solution"]
def ece(confidence, correct, bins):
    index = np.minimum(np.floor(confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(index, correct - confidence)
    return np.abs(gaps).sum() / len(confidence)


print(ece(task.confidence, task.correct, task.bins), task.expected)
task.check(ece)

# %% [markdown] tags=["solution"]
# `np.minimum` is what confidence 1 needs: without it, 1 opens a bin of its own. Public libraries have had this fault. `np.bincount` adds 0 for an empty bin, so nothing is divided by zero.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Does 60 mean 60?
#
# In lesson 1 Mira chose the temperature at which her post-trained helper (the PoLM) is on average as sure as its base model (the PLM). No label was used. Is it calibrated now, or only as sure as it should be on average?

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
plm, polm = traces.plm_final.astype(float), traces.polm_final.astype(float)
wanted = softmax(plm, axis=1).max(axis=1).mean()
t = brentq(lambda t: softmax(polm / t, axis=1).max(axis=1).mean() - wanted, 0.5, 20)  # where this is zero
helpers = {"PLM": plm, "PoLM": polm, "PoLM, tempered": polm / t}
scored = {name: metrics.top_label(softmax(z, axis=1), traces.labels) for name, z in helpers.items()}
diagrams = {name: plots.prepare_reliability(*answers) for name, answers in scored.items()}

# %% [markdown] tags=["slide-only"]
# ## One temperature later
#
# - bars: 95 % intervals; faint bars: the gaps

# %% tags=["slide"] mystnb={"figure": {"caption": "Reliability of the PoLM as it comes (left) and with the temperature of lesson 1 (right). Bars through the dots: 95 % intervals of the accuracy in a bin. Faint thick bars: the gaps that the ECE averages. The strip on top counts answers; the brackets hold an interval of the ECE (lesson 3). What to see: on the left the dots above one half lie far below the diagonal; on the right the dots with many answers come close to it.", "name": "fig-l2-reliability"}, "image": {"alt": "Two reliability diagrams. Left, the PoLM: dots far below the diagonal, ECE {ece_polm:.3f}. Right, the same model at temperature {t_mean:.2f}: dots close to the diagonal, ECE {ece_tempered:.3f}."}}
axes = plots.plot_reliability_pair(diagrams["PoLM"], diagrams["PoLM, tempered"], titles=("T = 1", f"T = {t:.2f}"))

# %% [markdown]
# Here and below there are ten bins of equal width.

# %% tags=["remove-input"]
say(
    "One number, T = {t_mean:.2f}, takes the ECE from {ece_polm:.3f} to {ece_tempered:.3f}. The PLM's own is {ece_plm:.3f}. Neither is zero. Must it be?",
    t_mean=t,
    ece_polm=diagrams["PoLM"].ece,
    ece_tempered=diagrams["PoLM, tempered"].ece,
    ece_plm=diagrams["PLM"].ece,
)

# %% [markdown] tags=["slide"]
# ## What would a perfect helper show?
#
# Take the confidences of the PLM and forget which answers were right. Toss a coin for each answer that falls on *right* with exactly that confidence. This helper is calibrated by construction.
#
# **Is its ECE zero?**

# %%
confidence, correct = scored["PLM"]
rng = np.random.default_rng(0)
one = rng.random(len(confidence)) < confidence
print(f"one perfect helper: ECE {metrics.ece(confidence, one):.4f}")
many = metrics.noise_draws(metrics.ece, confidence, draws=1000)
print(f"a thousand of them: {many.mean():.4f} on average")

# %% [markdown] tags=["slide-only"]
# ## A thousand perfect helpers
#
# - no: it is not zero
# - the real one lies among them

# %% tags=["slide"] mystnb={"figure": {"caption": "The ECE of a thousand perfect helpers with the PLM's confidences, on as many questions as were asked. Full line: their mean, the noise floor. Dashed: what the real PLM shows. What to see: the real one lies inside the hill.", "name": "fig-l2-perfect"}, "image": {"alt": "Histogram of the ECE of a thousand perfect helpers around a mean of {floor_plm:.3f}. The PLM's measured ECE, {ece_plm:.3f}, lies inside the histogram: {share_plm:.0%} of the perfect helpers look worse."}}
ax = plots.style.canvas(None, (5.4, 2.8))
ax.hist(many, bins=30, color=plots.style.PLM, alpha=0.5)
ax.axvline(many.mean(), color=plots.style.INK, label="noise floor")
ax.axvline(metrics.ece(confidence, correct), color=plots.style.POLM, ls="--", label="the PLM")
ax = plots.style.legend(plots.style.label(ax, "ECE", "Perfect helpers"))

# %% [markdown]
# The mean over perfect helpers is the **noise floor**. What the measured ECE has above it is the **excess**. For all three:

# %% [markdown] tags=["slide-only"]
# ## Noise floor
#
# - keep the confidences, toss the answers: right with probability $c$
# - mean ECE of many such helpers = **noise floor**
# - excess = ECE − floor

# %% tags=["slide"]
rows = {}
for name, (c, a) in scored.items():
    draws = metrics.noise_draws(metrics.ece, c, draws=1000)
    worse = (draws >= metrics.ece(c, a)).mean()
    rows[name] = {"ECE": metrics.ece(c, a), "floor": draws.mean(), "perfect helpers that look worse": worse}
verdict = pd.DataFrame(rows).T
verdict.insert(2, "excess", verdict["ECE"] - verdict["floor"])
verdict.round(4)

# %% tags=["remove-input"]
say(
    "The PLM shows {ece_plm_again:.3f}. A perfect helper would show {floor_plm:.3f} on average, and {share_plm:.0%} of perfect helpers look worse: on these questions nothing speaks against the PLM. "
    "The excess of the PoLM is {excess_polm:.3f} as it comes and {excess_tempered:.3f} with the temperature.",
    ece_plm_again=verdict["ECE"]["PLM"],
    floor_plm=verdict["floor"]["PLM"],
    share_plm=verdict["perfect helpers that look worse"]["PLM"],
    excess_tempered=verdict["excess"]["PoLM, tempered"],
    excess_polm=verdict["excess"]["PoLM"],
)

# %% [markdown]
# ```{exercise} The error of a perfect helper
# :label: ex-l2-floor
# A helper shows the same confidence, `task.confidence`, at each of `task.answers` answers, and is perfectly calibrated: each is right with exactly that probability, independently. All answers fall into one bin. What is its ECE *on average* over many
# such records? Right to three decimals. (Simulate at least 100,000 records, or sum over the binomial distribution.)
# ```

# %%
task = course.task("l2-floor", me)
task

# %% [markdown]
# ```{solution-start} ex-l2-floor
# :class: dropdown
# ```

# %% tags=["solution"]
right = np.random.default_rng(0).binomial(task.answers, task.confidence, 200_000)
print(f"simulated {np.abs(right / task.answers - task.confidence).mean():.4f}")
k = np.arange(task.answers + 1)
task.check(binom.pmf(k, task.answers, task.confidence) @ np.abs(k / task.answers - task.confidence))

# %% [markdown] tags=["solution"]
# One bin, so the ECE of a record is |share right − confidence|. Its mean is about 0.8 standard deviations of the share, $0.8 \sqrt{c (1 - c) / n}$: not zero, and falling with the root of $n$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## How many questions?
#
# And if she had asked fewer questions, or more?

# %% [markdown] tags=["slide-only"]
# ## How many questions?
#
# - floor ∝ $1 / \sqrt{N}$
# - half the noise: **how many** times the questions?
# - an ECE without its floor is half a number

# %% tags=["slide"] mystnb={"figure": {"caption": "The ECE of a perfect helper against the number of questions (log axis), with the PLM's confidences; band: 5 % to 95 % of records. What to see: at a few dozen questions, perfect looks terrible.", "name": "fig-l2-floor"}, "image": {"alt": "A falling line with a band: the mean ECE of a perfect helper is {floor_30:.2f} at 30 questions, {floor_300:.3f} at 300 and {floor_10000:.3f} at 10,000."}}
floor = plots.prepare_noise_floor(confidence)
ax = plots.plot_noise_floor(floor)
for n, mean in zip(floor.n, floor["mean"], strict=True):
    glue(f"floor_{n}", mean)

# %%
floor.assign(**{"mean × √n": floor["mean"] * np.sqrt(floor.n)})[["n", "mean", "mean × √n"]].round(3)

# %% [markdown]
# The last column hardly moves: the floor falls like $1/\sqrt{n}$. And with the number of bins, on the same answers?

# %%
print({bins: round(metrics.ece_floor(confidence, bins=bins, draws=200), 3) for bins in (5, 10, 20, 50)})

# %% [markdown]
# It rises: more bins leave fewer answers in each. So two ECEs can be compared only with the same bins.

# %% [markdown]
# ```{exercise} How many questions must she collect?
# :label: ex-l2-size
# With `task.answers` questions, Mira's noise floor is `task.floor`. She wants it down to `task.wanted`, with confidences of the same kind. How many questions does she need altogether? To the nearest ten.
# ```

# %%
task = course.task("l2-size", me)
task

# %% [markdown]
# ```{solution-start} ex-l2-size
# :class: dropdown
# ```

# %% tags=["solution"]
task.check(task.answers * (task.floor / task.wanted) ** 2)

# %% [markdown] tags=["solution"]
# The product of floor and $\sqrt{n}$ stays: $f_1 \sqrt{n_1} = f_2 \sqrt{n_2}$. Half the noise costs four times the questions.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## What the error cannot see
#
# Two helpers with a small ECE may be worth very different things. The first says the same number at every question, namely the accuracy. The **Brier score** below is the mean of (confidence − correctness)², where correctness is 1 for a right answer and 0 for a wrong one; AUROC was in lesson 1.

# %% [markdown] tags=["slide-only"]
# ## What an ECE cannot see
#
# - a constant: ECE 0, knows nothing
# - groups inside a bin: too sure here, too unsure there
# - who is served by "calibrated on average"?

# %% tags=["slide"]
constant = np.full(len(correct), correct.mean())
scores = {"ECE": metrics.ece, "Brier": metrics.top_label_brier, "AUROC": metrics.auroc}
two = {"the PLM": confidence, "a constant": constant}
pd.DataFrame({name: {s: f(c, correct) for s, f in scores.items()} for name, c in two.items()}).round(3)

# %% [markdown]
# The constant wins by ECE. It loses by Brier, and its AUROC is that of a coin: it tells no answer from another.
#
# The second helper is calibrated over all questions and over no topic. In one bin, answers on biology may be more often right than shown, and answers on physics less often. They cancel, for the school's statistics. They do not cancel for a pupil.

# %% [markdown]
# ```{exercise} Right on average, wrong for everybody
# :label: ex-l2-topics
# In one bin there are answers on four topics: `task.answers` of each, shown at the mean confidence `task.confidence`, of which `task.right` were right. Compute, for each topic, the distance between share right and confidence; then the mean of these distances *over
# answers*. Right to three decimals. Compare with what the whole bin shows.
# ```

# %%
task = course.task("l2-topics", me)
task

# %% [markdown]
# ```{solution-start} ex-l2-topics
# :class: dropdown
# ```

# %% tags=["solution"]
gaps = task.right / task.answers - task.confidence
print(f"topic by topic {gaps.round(3)}, the whole bin {np.average(gaps, weights=task.answers):+.3f}")
task.check(np.average(np.abs(gaps), weights=task.answers))

# %% [markdown] tags=["solution"]
# The ECE of the bin sees only the second number. But do not cut too finely: a topic with few answers has a large distance by luck alone, as the exercise before showed.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Quiz

# %%
course.quiz("l2")

# %% [markdown]
# ## What this lesson does not show
#
# - **How far the measured value itself can be trusted.** The floor says what noise alone shows. An interval around a measured error, and around a difference of two, comes in [lesson 3](03_comparing.ipynb).
# - **All ways to bin.** Bins of equal size, bins without noise, no bins at all: [chapter 2](../notebooks/02_reliability.ipynb) compares them.
# - **Other questions.** Nothing speaks against the PLM *here*. That is a statement about one set of questions.

# %% [markdown] tags=["slide"]
# ## Summary
#
# - Ask how probable a record *as bad or worse* is if every promise is kept.
# - ECE: the gap of each bin without its sign, weighted by answers. Confidence 1 belongs to the last bin.
# - A perfect helper has a positive ECE, the noise floor. It falls with the root of the number of questions.
# - A constant can have ECE 0. Put Brier or AUROC beside it, and look at groups.

# %% [markdown]
# Mira's sixty answers are a warning and no verdict. She now knows how the noise falls, and so how long the next record must be.
#
# **Next:** [lesson 3, comparing](03_comparing.ipynb).
