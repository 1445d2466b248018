# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 3: Is it better, or was it lucky?
#
# Mira has a temperature for her study helper. A colleague proposes another. On the same questions the two differ a little, and their intervals overlap. *So there is no difference*, says the colleague. Is that so? And if she tries twenty more
# temperatures and takes the best, how good is it really?
#
# | You need | [Lesson 2](02_measuring.ipynb): ECE, noise floor, Brier score |
# |---|---|
# | **Helpful** | standard error of a mean; p-values |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - keep the questions to judge by apart from those to fit on, also where one question is asked in several wordings;
# - put a bootstrap interval around an error, and say why an ECE needs it mirrored;
# - compare two methods question by question, and say how many questions settle a difference;
# - correct for many comparisons, and say what a winner is worth;
# - say why an average over small sets keeps their noise.

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

import dualalign as da
from dualalign import course, metrics, plots, protocol
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
# | 0 | Two overlapping intervals: vote *no difference*, *a difference*, *cannot say*. Keep the votes on the board | *Predict first* |
# | 5 | Fit and judge on the same questions: how flattering? *The same question on both sides* | table, exercise 1 |
# | 16 | The bootstrap by hand with five slips of paper; *An interval for an error* | board 1, exercise 2 |
# | 33 | Paired differences; back to the vote; *How uncertain is the difference?* (*How many questions settle it?* as homework) | difference slide, exercise 3 |
# | 47 | Twenty equal rivals; Holm on the board; *Six rivals, one method* | board 2, exercise 5 |
# | 62 | What is a winner worth? *What the winner is worth* | board 3, winner figure, exercise 6 |
# | 73 | MMLU by subject or pooled: vote, then the table; *An average that keeps its noise* | table, exercise 7 |
# | 82 | Quiz | quiz |
# | 88 | Limits, summary | last slide |

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. Five slips with numbers in a hat. Draw five with replacement, write the mean; again; again. A column of means is a bootstrap. Under it an axis: truth, measured ECE to its right, cloud of resamples further right. Draw the mirror.
# 2. Six p-values in a column, sorted. Beside them the factors 6, 5, 4, 3, 2, 1. Cross out the first that fails, and all below it.
# 3. Eight darts thrown at one target by equal players. Ring the best one. Throw again: where does the ringed player land?

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# | what students say | why | what to do |
# |---|---|---|
# | "The intervals overlap, so no difference" | two pictures are compared in place of one number | show two columns of scores, then the column of differences |
# | "Shuffle and split: nothing is shared" | rows are taken for questions | one question in three wordings; ask what was learnt |
# | "The bootstrap makes more data" | resampling looks like collecting | it shows how the answer would wobble; the five slips stay five |
# | "p < 0.05 in one of six, so it works" | each test is read alone | six dice, any six |
# | "We report the best of our runs" | choosing feels like improving | throw the darts again |
# | "Averaging over subjects removes noise" | true for means of signed noise | is an ECE ever negative? |

# %% [markdown] tags=["guide"]
# ## Discussion
#
# - *A difference of 0.002 in Brier score has an interval without zero. Does Mira care?* Listen for: certain is not large; what would a pupil notice? The other way round as well: a large difference with a wide interval is a reason to collect more.
# - *May she look at the test questions once to choose the number of bins?* Listen for: choosing is fitting, whatever is chosen. One look is a small leak; twenty are not.
# - *Questions of one exam resemble each other. What does that do to all these intervals?* Listen for: too narrow; resample exams, not questions.
# - *Which family do the tests belong to: all in the paper, all in the table, all in the row?* Listen for: the claim decides. "Best of six" is one family of six.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# In 50 minutes: leave out *The same question on both sides* and *How many questions settle it?* (homework, with the quiz), do Holm on the board instead of as an exercise, and show the table of MMLU without its exercise. Keep *An interval for an error* and *What the winner is worth*.

# %% [markdown]
# ## Predict first
#
# Two temperatures for the same helper, judged by the Brier score on the same questions. Below, each score with its 95 % interval. They overlap.
#
# - No difference?
# - A difference?
# - Cannot be said from this?
#
# Vote, and write down why.

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)
wanted = softmax(fitting.plm_final.astype(float), axis=1).max(axis=1).mean()
z = fitting.polm_final.astype(float)
t_mira = brentq(lambda t: softmax(z / t, axis=1).max(axis=1).mean() - wanted, 0.5, 20)  # where this is zero
settings = {"Mira": t_mira, "colleague": 2.5}
proba = {name: softmax(testing.polm_final.astype(float) / t, axis=1) for name, t in settings.items()}
scored = {name: metrics.top_label(p, testing.labels) for name, p in proba.items()}

# %% [markdown] tags=["slide-only"]
# ## Predict first
#
# Brier score, same questions, 95 % intervals. *Is there a difference?*

# %% tags=["slide"] mystnb={"figure": {"caption": "Brier score of two temperatures on the same held-out questions, with 95 % bootstrap intervals (smaller is better). What to see: the intervals overlap. Whether that settles the vote is for later on this page.", "name": "fig-l3-overlap"}, "image": {"alt": "Two dots with horizontal intervals: Mira's temperature at {brier_mira:.3f}, the colleague's at {brier_colleague:.3f}. The intervals overlap between {overlap_low:.3f} and {overlap_high:.3f}."}}
brier = metrics.top_label_brier
intervals = pd.DataFrame({n: metrics.interval(brier, *s) for n, s in scored.items()}, index=["low", "high"]).T
values = np.array([brier(*s) for s in scored.values()])
ax = plots.style.canvas(None, (5.4, 1.7))
for y, (value, low, high) in enumerate(zip(values, intervals.low, intervals.high, strict=True)):
    ax.errorbar(value, y, xerr=[[value - low], [high - value]], fmt="os"[y], color=plots.style.POLM, capsize=3)
ax.set(yticks=[0, 1], yticklabels=list(scored), ylim=(-0.6, 1.6))
plots.style.label(ax, "Brier score", "")
for key, value in zip(("brier_mira", "brier_colleague"), values, strict=True):
    glue(key, value)
glue("overlap_low", intervals.low.max())
glue("overlap_high", intervals.high.min())

# %% [markdown]
# How Mira found her temperature was the subject of lesson 1: it makes the PoLM as sure, on average, as the PLM. New is *where* she found it: on three tenths of the questions. Both temperatures are judged on the other seven tenths. Why that matters comes first.

# %% [markdown]
# ## Fit on some, judge by others
#
# Suppose she had 20 labelled questions, fitted a temperature to them by log loss, and judged it on the same 20. Here thirty times, with thirty draws of 20 questions. NLL is the mean of $-\log p$ of the right option: smaller is better.

# %% [markdown] tags=["slide-only"]
# ## Fit on some, judge by others
#
# - a temperature fitted to 20 questions, judged by NLL (smaller is better)
# - **which side looks better?**

# %% tags=["slide"]
rows = []
for fit20, rest in metrics.repeated_splits(len(traces), fraction=20 / len(traces), seeds=range(30)):
    calibrator = da.TemperatureScaling().fit(traces.select(fit20))
    sides = {"the same 20": traces.select(fit20), "all other questions": traces.select(rest)}
    rows.append({n: metrics.nll(calibrator.predict_proba(side), side.labels) for n, side in sides.items()})
flattery = pd.DataFrame(rows).agg(["mean", "std"])
flattery.round(3)

# %% tags=["remove-input"]
say(
    "Judged on the questions it was fitted to, the temperature looks better by {flattery:.3f} on average. It is one parameter; with more parameters, or more settings tried, the flattery grows.",
    flattery=flattery["all other questions"]["mean"] - flattery["the same 20"]["mean"],
)

# %% [markdown] tags=["slide-only"]
# ## Split by question
#
# - fitted and judged on the same questions: flattering
# - split **by question**, not by row
# - one question in three wordings: three rows, one side
# - choosing is fitting

# %% [markdown]
# A split must be made by *question*. If a question is asked in two wordings, both rows belong to one side: `metrics.repeated_splits` takes the ids and keeps them together. A split by row does not.

# %% [markdown]
# ```{exercise} The same question on both sides
# :label: ex-l3-leak
# `task.question_ids` names the question of each row; some questions fill several rows, in other words. Somebody split by row: `task.fit_rows` are the row numbers to fit on, the other rows are for judging. How many of the rows for judging hold a question
# that was also fitted on?
# ```

# %%
task = course.task("l3-leak", me)
print(task.question_ids)
task

# %% [markdown]
# ```{solution-start} ex-l3-leak
# :class: dropdown
# ```

# %% tags=["solution"]
is_fit = np.isin(np.arange(len(task.question_ids)), task.fit_rows)
leaked = np.isin(task.question_ids[~is_fit], task.question_ids[is_fit])
task.check(leaked.sum())

# %% [markdown] tags=["solution"]
# All these rows would be judged by something that has seen them. Split the *ids* at random, and let the rows follow.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## An interval by resampling
#
# How would the error wobble with other questions of the same kind? We have no others. The **bootstrap** draws as many questions as there are from those at hand, *with replacement*, and computes the error again; a thousand times.
#
# For an ECE there is a catch: the resamples are too high.

# %% [markdown] tags=["slide-only"]
# ## An interval by resampling
#
# - draw as many answers, *with replacement*
# - true ECE here: 0

# %% tags=["slide"] mystnb={"figure": {"caption": "ECE of a thousand resamples of 150 answers of a calibrated helper that was made up for this figure: its true error is zero. Full line: the ECE measured on the 150. Dashed: the mean of the resamples. What to see: the measured value lies above the truth, and the resamples lie above the measured value once more.", "name": "fig-l3-bootstrap"}, "image": {"alt": "Histogram of resampled ECE values with mean {resampled_mean:.3f}, to the right of the measured value {measured:.3f}, which is itself to the right of the true value, zero."}}
rng = np.random.default_rng(1)
c = rng.uniform(0.3, 1, 150)
a = rng.random(150) < c
resampled = np.array([metrics.ece(c[rows], a[rows]) for rows in rng.integers(0, 150, (1000, 150))])
ax = plots.style.canvas(None, (5.4, 2.6))
ax.hist(resampled, bins=30, color=plots.style.PLM, alpha=0.5)
ax.axvline(metrics.ece(c, a), color=plots.style.POLM, label="measured")
ax.axvline(resampled.mean(), color=plots.style.INK, ls="--", label="mean of the resamples")
ax.set_xlim(left=0)
plots.style.legend(plots.style.label(ax, "ECE", "Resamples"))
glue("measured", metrics.ece(c, a))
glue("resampled_mean", resampled.mean())

# %% [markdown]
# Noise lifts an ECE, because gaps count without their sign. The measured value carries this once; a resample carries it twice. So as the resamples lie to the *right* of the measured value, the truth is likely to lie to the *left* of it, by about as much.
#
# The **basic** bootstrap interval uses that. Let $v$ be the measured value and $q_{2.5}, q_{97.5}$ the quantiles of the resamples. Mirror them at $v$:
#
# $$ [\, 2v - q_{97.5}, \; 2v - q_{2.5} \,]. $$
#
# For a mean, such as the Brier score, mirrored and unmirrored hardly differ.

# %% [markdown] tags=["slide-only"]
# ## Mirror it
#
# - noise lifts an ECE: measured > truth, resamples > measured
# - basic interval: $[2v - q_{97.5},\ 2v - q_{2.5}]$
# - for means: hardly a difference
# - **On the board: where is the truth?**

# %% [markdown]
# ```{exercise} An interval for an error
# :label: ex-l3-bootstrap
# `task.confidence` and `task.correct` are 120 answers. Each of the 1,000 rows of `task.resamples` holds 120 positions of answers, drawn with replacement. Compute the ECE (ten bins, `metrics.ece`) of every resample, and from them the basic 95 % interval: two numbers,
# low and high, right to two decimals.
# ```

# %%
task = course.task("l3-bootstrap", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-bootstrap
# :class: dropdown
# ```

# %% tags=["solution"]
measured = metrics.ece(task.confidence, task.correct)
resampled = [metrics.ece(task.confidence[rows], task.correct[rows]) for rows in task.resamples]
low, high = np.quantile(resampled, [0.025, 0.975])
print(f"measured {measured:.3f}, mean of the resamples {np.mean(resampled):.3f}")
task.check([2 * measured - high, 2 * measured - low])

# %% [markdown] tags=["solution"]
# As a rule the mean of the resamples lies above the measured value: that is the noise counted twice. `metrics.interval(metrics.ece, confidence, correct)` does the same with resamples of its own.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Back to the vote: look at the difference
#
# Both temperatures were judged on the same questions. A hard question costs both. That shared part makes both intervals wide, and it cancels in the *difference*, question by question.

# %%
scores = {name: (c - a) ** 2 for name, (c, a) in scored.items()}  # the Brier score of each question
difference = scores["Mira"] - scores["colleague"]
found = metrics.paired_difference(brier, scored["Mira"], scored["colleague"], draws=5000)
print(f"correlation of the two scores over questions: {np.corrcoef(*scores.values())[0, 1]:.3f}")
print(f"Mira minus colleague: {found.value:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f}")

# %% tags=["remove-input", "slide"]
verdict = {1: "the colleague's is better", -1: "Mira's is better", 0: "these questions do not tell them apart"}
say(
    "The interval of the difference runs from {diff_low:+.4f} to {diff_high:+.4f}: {verdict}. The single intervals overlapped all the same, because the two scores go together (correlation {correlation:.2f}).",
    diff_low=found.low,
    diff_high=found.high,
    verdict=verdict[int(np.sign(found.low) * (np.sign(found.low) == np.sign(found.high)))],
    correlation=float(np.corrcoef(*scores.values())[0, 1]),
)

# %% [markdown]
# For a mean there is a formula. Let $d_i$ be the difference at question $i$ and $s_d$ its standard deviation: the standard error of the mean difference is $s_d / \sqrt{N}$. A check:

# %%
by_formula = difference.std(ddof=1) / np.sqrt(len(difference))
by_bootstrap = (found.high - found.low) / (2 * 1.96)
print(f"formula {by_formula:.5f}, bootstrap {by_bootstrap:.5f}")

# %% [markdown] tags=["slide-only"]
# ## Paired differences
#
# - one number a question: $d_i = a_i - b_i$
# - standard error $s_d / \sqrt{N}$
# - not from two separate intervals
# - question: how many questions until a difference $\delta$ stands out?

# %% [markdown]
# ```{exercise} How uncertain is the difference?
# :label: ex-l3-paired
# `task.first` and `task.second` are the Brier scores of two methods, question by question, on the same 150 questions. What is the standard error of the difference of their means? Right to three decimals; a bootstrap with a few thousand resamples is good enough.
# ```

# %%
task = course.task("l3-paired", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-paired
# :class: dropdown
# ```

# %% tags=["solution"]
d = task.first - task.second
single = [s.std(ddof=1) / np.sqrt(len(s)) for s in (task.first, task.second)]
print(f"standard errors of the two means: {single[0]:.3f} and {single[1]:.3f}")
task.check(d.std(ddof=1) / np.sqrt(len(d)))

# %% [markdown] tags=["solution"]
# The difference is known far better than either mean: the two scores share what makes a question hard.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ```{exercise} How many questions settle it?
# :label: ex-l3-enough
# Mira expects two methods to differ by `task.difference` in Brier score. From a pilot she knows that single scores vary with a standard deviation of `task.spread_of_scores`, and the differences, question by question, with `task.spread_of_differences`. How many questions does she need for the
# 95 % interval of the difference to reach just this far to each side (1.96 standard errors)? To the nearest ten.
# ```

# %%
task = course.task("l3-enough", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-enough
# :class: dropdown
# ```

# %% tags=["solution"]
task.check((1.96 * task.spread_of_differences / task.difference) ** 2)

# %% [markdown] tags=["solution"]
# Solve $1.96\, s_d / \sqrt{N} = \delta$ for $N$. With so many questions she finds the difference in about half of all cases only; to find it in four cases of five she needs about twice as many.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Many comparisons
#
# Twenty rivals that are all as good as Mira's method: how often is at least one "significantly" worse or better at the 5 % level, if the tests are independent?

# %%
alarms = np.random.default_rng(0).random((100_000, 20)) < 0.05
false_alarm, formula = alarms.any(axis=1).mean(), 1 - 0.95**20
print(f"simulated {false_alarm:.3f}, formula {formula:.3f}")

# %% [markdown]
# The **correction of Holm** keeps this chance at 5 %, whatever the dependence between the tests. Sort the $m$ p-values. Multiply the smallest by $m$, the next by $m - 1$, and so on; let no value fall below the one before it; cut at 1. What is still below 0.05 is found.

# %% [markdown] tags=["slide-only"]
# ## Many comparisons
#
# - 20 equal rivals, 5 % each: **how often** at least one false alarm?
# - Holm: smallest p × m, next × (m − 1), …
# - never falling; at most 1
# - which tests are one family?

# %% tags=["slide"]
p = np.array([0.030, 0.001, 0.012, 0.400])
ordered = np.sort(p)
steps = pd.DataFrame({"p, sorted": ordered, "factor": [4, 3, 2, 1]})
steps["product"] = steps["p, sorted"] * steps["factor"]
steps["adjusted"] = steps["product"].cummax().clip(upper=1)
print("library, in the order given:", protocol.holm(p).round(3))
steps

# %% [markdown]
# ```{exercise} Six rivals, one method
# :label: ex-l3-holm
# `task.p` are the p-values of six comparisons. Adjust them by Holm's correction and give the six adjusted values *in the order of* `task.p`, right to three decimals. Do it in NumPy or by hand, then compare with `protocol.holm`.
# ```

# %%
task = course.task("l3-holm", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-holm
# :class: dropdown
# ```

# %% tags=["solution"]
order = np.argsort(task.p)
adjusted = np.empty(6)
adjusted[order] = np.maximum.accumulate(task.p[order] * np.arange(6, 0, -1)).clip(max=1)
print(f"found without correction: {(task.p < 0.05).sum()}, with it: {(adjusted < 0.05).sum()}")
task.check(adjusted)

# %% [markdown] tags=["solution"]
# `adjusted[order] = …` puts the values back where they came from.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## What is a winner worth?
#
# Take methods that are all equally good; what differs between them on a validation set is noise. Choose the one that looks best, and measure it again on other questions.

# %% [markdown] tags=["slide-only"]
# ## The more you try, the better it looks
#
# - the error by which it won
# - its error on other questions

# %% tags=["slide"] mystnb={"figure": {"caption": "Equally good methods (true error 0.060), each measured with noise of standard deviation 0.012. Dashed: the error with which the best of them won. Full: the error of that winner on other questions. What to see: the more methods are tried, the better the winner looks, and it never is.", "name": "fig-l3-winner"}, "image": {"alt": "Two lines against the number of methods tried. The error by which the winner won falls to {winner_32:.3f} with 32 methods; its error on other questions stays at {honest_32:.3f}."}}
rng, tried = np.random.default_rng(0), np.array([1, 2, 4, 8, 16, 32])
chosen, again = rng.normal(0.06, 0.012, (2, 4000, 32))
won_with = np.array([chosen[:, :m].min(axis=1).mean() for m in tried])
worth = np.array([np.take_along_axis(again, chosen[:, :m].argmin(axis=1)[:, None], 1).mean() for m in tried])
ax = plots.style.canvas(None, (5.4, 2.8))
ax.plot(tried, won_with, "s--", color=plots.style.POLM, label="error by which it won")
ax.plot(tried, worth, "o-", color=plots.style.PLM, label="its error on other questions")
ax.set_xscale("log")
ax.set_xticks(tried, tried)
ax.minorticks_off()
plots.style.legend(plots.style.label(ax, "Methods tried", "Error of the winner"))
glue("winner_32", won_with[-1])
glue("honest_32", worth[-1])

# %% [markdown]
# ```{exercise} What the winner is worth
# :label: ex-l3-winner
# On each of 25 splits, eight methods were measured twice: `task.validation` and `task.test` (a row a split, a column a method; smaller is better). The rule is: on each split, ship the method that is best on the validation side. What error does this rule bring on average? Give an honest
# number, right to four decimals.
# ```

# %%
task = course.task("l3-winner", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-winner
# :class: dropdown
# ```

# %% tags=["solution"]
best = task.validation.argmin(axis=1)
answer = task.test[np.arange(25), best].mean()
print(f"honest {answer:.4f}; the errors by which they won {task.validation.min(axis=1).mean():.4f}")
print(f"chosen by the test {task.test.min(axis=1).mean():.4f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Choose with one side, measure with the other. The winners' own error and the smallest test error are both flattering.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Averages of small sets
#
# MMLU is a test with many subjects. One may compute an ECE for each subject and average, or pool all questions first. Which is larger? Why?

# %% tags=["slide"]
mmlu = da.Traces.load(f"{folder}/{pair}__mmlu__choices.safetensors")
c, a = metrics.top_label(softmax(mmlu.plm_final.astype(float), axis=1), mmlu.labels)
subject = np.asarray(mmlu.groups)
names, count = np.unique(subject, return_counts=True)
each = [(metrics.ece(c[subject == s], a[subject == s]), metrics.ece_floor(c[subject == s], draws=100)) for s in names]
ways = {"mean over subjects": np.mean(each, axis=0), "pooled": (metrics.ece(c, a), metrics.ece_floor(c, draws=200))}
mmlu_table = pd.DataFrame(ways, index=["ECE", "noise floor"]).T
mmlu_table.assign(excess=mmlu_table["ECE"] - mmlu_table["noise floor"]).round(3)

# %% tags=["remove-input"]
say(
    "With {n_subjects} subjects of {per_subject:.0f} questions on average, a *perfect* helper would show {floor_mean:.3f} as the mean over subjects, and {floor_pooled:.3f} pooled. Of the two values in the table, {ece_mean:.3f} and {ece_pooled:.3f}, the larger one is mostly noise.",
    n_subjects=len(names),
    per_subject=float(count.mean()),
    floor_mean=mmlu_table["noise floor"]["mean over subjects"],
    floor_pooled=mmlu_table["noise floor"]["pooled"],
    ece_mean=mmlu_table["ECE"]["mean over subjects"],
    ece_pooled=mmlu_table["ECE"]["pooled"],
)

# %% [markdown]
# An average of many numbers is steady. It is not unbiased: each subject's ECE is lifted by its own noise, and an average of lifted numbers is lifted.
#
# Nor can the two excesses be compared. Gaps and noise do not simply add up: where the noise is large, a true gap of the same size lifts an ECE less.

# %% [markdown] tags=["slide-only"]
# ## Averages keep the floor of the small sets
#
# - each subject's ECE is lifted by its noise
# - an average of lifted numbers is lifted
# - floor ∝ $1/\sqrt{n}$, with the $n$ of **one subject**

# %% [markdown]
# ```{exercise} An average that keeps its noise
# :label: ex-l3-subjects
# A test has `task.subjects` subjects with equally many questions and confidences of the same kind. Pooled over all its questions, a perfect helper shows an ECE of `task.pooled_floor`. By the square-root law of lesson 2, what does a perfect helper show as the *mean over subjects*? Right to three decimals.
# ```

# %%
task = course.task("l3-subjects", me)
task

# %% [markdown]
# ```{solution-start} ex-l3-subjects
# :class: dropdown
# ```

# %% tags=["solution"]
task.check(task.pooled_floor * np.sqrt(task.subjects))

# %% [markdown] tags=["solution"]
# A subject has $N/S$ questions, so its floor is $\sqrt S$ times the pooled one. All subjects have it, and so does their mean.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Quiz

# %%
course.quiz("l3")

# %% [markdown]
# ## What this lesson does not show
#
# - **Questions that resemble each other.** Every interval here treats questions as independent draws. Questions of one exam are more alike, and the intervals then too narrow.
# - **Intervals near zero.** Where the true error is near zero, no bootstrap of an ECE keeps its promise; judge there by the noise floor.
# - **Whether a difference matters.** An interval says that it is there. What it is worth to a pupil is for [lesson 8](08_using.ipynb).

# %% [markdown] tags=["slide"]
# ## Summary
#
# - Fit on some questions, judge by others; split by question, not by row.
# - A bootstrap interval of an ECE is mirrored, because noise lifts an ECE.
# - Compare two methods by the differences question by question, never by two separate intervals.
# - Correct for the number of comparisons, and report a winner's error on questions that did not choose it.
# - An average over small sets keeps the noise floor of the small sets.

# %% [markdown]
# Mira and her colleague now argue about one number with an interval, instead of two that overlap. For depth: [chapter 2](../notebooks/02_reliability.ipynb) and, on many comparisons, [chapter 8](../notebooks/08_main_comparison.ipynb).
#
# **Next:** [lesson 4, drift](04_drift.ipynb).
