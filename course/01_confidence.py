# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 1: How sure is a model?
#
# Mira builds a study helper for a school. It answers multiple-choice science questions and shows how sure it is. Today it showed "98 %" beside a wrong
# answer, and a pupil asked: *who says 98?* Where does the number come from, and could one other number make it honest?
#
# | You need | Python and NumPy; a browser to read, Jupyter for the exercises |
# |---|---|
# | **Helpful** | having met a softmax once |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - turn logits into a confidence, also where questions have different numbers of options;
# - say what a temperature does to logits, to odds and to probabilities;
# - find the temperature that makes a model as sure as you want, for one question and on average;
# - say what no temperature can change, and what it can change although many believe that it cannot.

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
from scipy.special import softmax

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
# | 0 | Mira's pupil: who says 98? Collect guesses, comment on none | title slide |
# | 3 | Predict first: four versions, each writes an order down, then show the table | *Predict first* |
# | 10 | Logits, softmax, odds; students do *How many times as probable?* | board 1, exercise 1 |
# | 20 | Confidence, padding; *A table with holes* in pairs | exercise 2 |
# | 31 | The recorded pair: surer, and better? | table, histogram |
# | 36 | Temperature: odds, powers; *A temperature without logits*, *The temperature you need* | board 2, exercises 3 and 4 |
# | 56 | Which temperature? *As sure as she wants, on average* | sweep figure, exercise 5 |
# | 69 | What no temperature changes; vote, then *When the order of two questions turns* | board 3, exercise 6 |
# | 82 | Quiz, each alone, then the item with the most wrong answers together | quiz |
# | 88 | Limits, summary, what comes next | last slide |

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. A number line with four logits on it. Shift the whole ladder by 10: nothing happens. Stretch it by 2: the gaps double. Write "gap = log odds" beside the top gap.
# 2. Below it three columns, $T = 1$, $T = 2$, $T \to \infty$, with odds 9 : 1, 3 : 1, 1 : 1. Students fill in the confidences (0.90, 0.75, 0.50).
# 3. Two curves of confidence against $T$ from the same height: one falls to 1/2, the other to 1/4. Mark where they cross. Leave it there until the end.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# | what students say | why | what to do |
# |---|---|---|
# | "A logit of 8 means it is very sure" | logits look like scores on a fixed scale | add 100 to all; ask what the softmax sees |
# | "Divide 0.9 by 2" | *temperature divides* is remembered without *what* | let them add up the results over the options |
# | "High temperature means random answers" | they know temperature from sampling | here nothing is sampled; ask for the argmax at T = 100 |
# | "Matching the mean makes it calibrated" | one number feels like the whole | two groups, one too sure, one too unsure, same mean |
# | "A zero in the table is no option" | zeros mean *nothing* elsewhere | exp(0) = 1; ask for the logit whose weight is 0 |

# %% [markdown] tags=["guide"]
# ## Discussion
#
# - *The PoLM is surer and no better. Is that a fault of the model or of its training?* Listen for: training on few questions many times rewards sureness on those; nothing in it
#   punishes sureness elsewhere. Do not let "it is too small" pass: its PLM has the same size.
# - *May Mira choose T so that the mean confidence equals the accuracy on questions whose answers she knows?* Listen for: yes, on questions like those; she needs labels, and the subjects pupils ask about may differ.
# - *She has no labels. What could she match instead?* Listen for: the base model. And for the doubt: only if the base model is honest itself. That doubt is the rest of the course.
# - *Should the helper show a number at all?* Listen for: what a pupil does with it; a word or a colour hides the same claim.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# In 50 minutes, stop after the sweep figure: leave out *The temperature you need* and *When the order of two questions turns* (homework), show the sweep figure instead of letting students run it, and give the quiz as an exit
# ticket. Keep *Predict first* and *A table with holes*: the bugs of later lessons start there.

# %% [markdown] tags=["slide"]
# ## Predict first
#
# A question has four options; the model gives each a **logit**, a number that may be anything. Four versions of one question:
#
# | version | logits |
# |---|---|
# | A | 2, 1, 0, −1 |
# | B | 102, 101, 100, 99 |
# | C | 4, 2, 0, −2 |
# | D | 2, 1, 0, −1, −1, −1, −1 |
#
# In which is the model surest of its first option? In which least? Are any two the same? Write your order down before you run the next cell.

# %% [markdown] tags=["slide-only"]
# ## What came out
#
# - A and B: the same
# - C: stretched, surer
# - D: three more rivals

# %% tags=["slide"]
versions = {
    "A": [2, 1, 0, -1],
    "B": [102, 101, 100, 99],
    "C": [4, 2, 0, -2],
    "D": [2, 1, 0, -1, -1, -1, -1],
}
first = {name: softmax(z)[0] for name, z in versions.items()}
pd.DataFrame({"probability of the first option": first}).round(3)

# %% [markdown]
# A and B are the same. C is surer: the logits were stretched. D is less sure, although its first four logits are those of A: three more rivals take their share. The next section says why.

# %% [markdown]
# ## From logits to probabilities
#
# The **softmax** gives each option a weight, $e^{z_k}$, and makes the weights sum to 1:
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}. $$
#
# By hand, and by a library:

# %%
z = np.array([2.0, 1.0, 0.0, -1.0])
weights = np.exp(z)
print("by hand", (weights / weights.sum()).round(4), "  library", softmax(z).round(4))

# %% [markdown]
# Divide one probability by another, and the sum in the denominator drops out:
#
# $$ \frac{p_1}{p_2} = \frac{e^{z_1}}{e^{z_2}} = e^{z_1 - z_2}. $$
#
# So a *difference* of logits is the logarithm of the **odds** between two options. A number added to all logits changes no difference, and no probability. That is all a logit can tell.

# %% [markdown] tags=["slide-only"]
# ## Logits and odds
#
# - $p_k = e^{z_k} / \sum_j e^{z_j}$
# - $p_1 / p_2 = e^{z_1 - z_2}$
# - a gap of logits is the logarithm of the odds
# - adding a constant changes nothing

# %% [markdown]
# ```{exercise} How many times as probable?
# :label: ex-l1-odds
# `task.logits` are the logits of one question. How many times as probable as the second most probable option is the most probable one? Give a number, right to two decimals.
# ```

# %%
task = course.task("l1-odds", me)
task

# %% [markdown]
# ```{solution-start} ex-l1-odds
# :class: dropdown
# ```

# %% tags=["solution"]
second, first = np.sort(task.logits)[-2:]
task.check(np.exp(first - second))

# %% [markdown] tags=["solution"]
# The other two options are not needed: they stand in both denominators and drop out.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Prediction and confidence
#
# The **prediction** is the option with the largest probability; the **confidence** is that probability. When this course says that a helper is "90 % sure", it means this number.
#
# Questions differ in their number of options, and tables do not. In our files a missing option has the logit $-\infty$: its weight is $e^{-\infty} = 0$, and it takes no share.

# %%
ragged = np.array([[1.0, 0.5, -0.2], [1.0, 0.5, -np.inf]])
softmax(ragged, axis=1).round(3)

# %% [markdown] tags=["slide-only"]
# ## Prediction, confidence, padding
#
# - prediction: the option with the largest probability
# - confidence: that probability
# - a missing option has logit $-\infty$, weight 0
# - **What would happen with a 0 there?**

# %% [markdown]
# ```{exercise} A table with holes
# :label: ex-l1-padding
# A colleague exported five questions into one table, `task.logits` (a row a question). Question $i$ has `task.n_options[i]` options, in the first columns; the rest of its row
# was filled with zeros. Compute the confidence of each question: five numbers, right to three decimals.
# ```

# %%
task = course.task("l1-padding", me)
print(task.logits)
task

# %% [markdown]
# ```{solution-start} ex-l1-padding
# :class: dropdown
# ```

# %% tags=["solution"]
real = np.arange(task.logits.shape[1]) < task.n_options[:, None]
answer = softmax(np.where(real, task.logits, -np.inf), axis=1).max(axis=1)
task.check(answer)

# %% [markdown] tags=["solution"]
# `real` is true where an option exists. A loop over rows, each cut to `z[:k]`, is as good. The zeros must go *before* the softmax: a logit of 0 has the weight 1, and where all true
# logits are negative it would even win.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## What post-training did to Mira's helper
#
# Her base model is called the **PLM** (pre-trained). Trained further, it is the **PoLM** (post-trained), the helper that pupils meet. Both have answered the same grade-school science questions (ARC-Easy, a public test
# set). What they said is kept in a file, a **trace**.

# %% [markdown] tags=["slide-only"]
# ## What post-training did to Mira's helper
#
# - PLM: her base model; PoLM: the same model, trained further
# - both answer the same grade-school science questions (ARC-Easy)
# - **surer? better?** Guess both before the table comes

# %% tags=["slide"]
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
judged = {}
for model, logits in {"PLM": traces.plm_final, "PoLM": traces.polm_final}.items():
    confidence, correct = metrics.top_label(softmax(logits.astype(float), axis=1), traces.labels)
    high = (confidence > 0.9).mean()
    judged[model] = {"confidence": confidence.mean(), "accuracy": correct.mean(), "above 0.9": high}
table = pd.DataFrame(judged).T
table.round(3)

# %% [markdown] tags=["slide-only"]
# ## Surer, question by question
#
# - vertical lines: means

# %% tags=["slide"] mystnb={"figure": {"caption": "Confidence of both models on the same questions; vertical lines are the means. What to see: before post-training the bulk of the questions lies in the middle; afterwards it stands at the right edge.", "name": "fig-l1-confidence"}, "image": {"alt": "Two stepped histograms of confidence on ARC-Easy. The PLM's has its mean at {plm_confidence:.2f} and almost nothing above 0.9; the PoLM's piles up at the right edge, with its mean at {polm_confidence:.2f} and {polm_high:.0%} of the questions above 0.9."}}
ax = plots.plot_confidence(plots.prepare_confidence(traces))

# %% tags=["remove-input"]
say(
    "The PLM is {plm_confidence:.0%} sure on average and right on {plm_accuracy:.0%}. The PoLM is {polm_confidence:.0%} sure and right on {polm_accuracy:.0%}. "
    "On {polm_high:.0%} of the questions it is more than 90 % sure.",
    plm_confidence=table.confidence["PLM"],
    polm_confidence=table.confidence["PoLM"],
    plm_accuracy=table.accuracy["PLM"],
    polm_accuracy=table.accuracy["PoLM"],
    polm_high=table["above 0.9"]["PoLM"],
)

# %% [markdown]
# The answers became no better, and the tone much surer. Pupils hear the tone.

# %% [markdown] tags=["slide"]
# ## One number: the temperature
#
# Divide all logits by the same positive number $T$ before the softmax:
#
# $$ p_k(T) = \frac{e^{z_k / T}}{\sum_j e^{z_j / T}}. $$
#
# $T$ is the **temperature**. Above 1 it shrinks all gaps and flattens; below 1 it sharpens.

# %% tags=["slide"] mystnb={"figure": {"caption": "One question with four options under all temperatures (log axis). What to see: the lines never cross, so the answer stays; at the left one option has everything, at the right all come together at one quarter.", "name": "fig-l1-one-question"}, "image": {"alt": "Four lines, the probabilities of four options against the temperature on a log axis. They never cross. The first falls from {one_at_half:.2f} at T = 0.5 through {one_at_1:.2f} at T = 1 to {one_at_20:.2f} at T = 20, where all four are close to a quarter."}}
grid, z = np.geomspace(0.3, 20, 100), np.array([3.0, 1.5, 0.5, 0.0])
ax = plots.style.canvas(None, (5.4, 3.2))
for k, (colour, dash) in enumerate(zip(plots.style.OPTIONS, ["-", "--", "-.", ":"], strict=False)):
    ax.plot(grid, softmax(z / grid[:, None], axis=1)[:, k], color=colour, ls=dash, label=f"logit {z[k]}")
ax.set(xscale="log", ylim=(0, 1), xticks=[0.5, 1, 2, 5, 10, 20], xticklabels=[0.5, 1, 2, 5, 10, 20])
ax.minorticks_off()
plots.style.legend(plots.style.label(ax, "Temperature T", "Probability"))
for name, t in {"half": 0.5, "1": 1, "20": 20}.items():
    glue(f"one_at_{name}", softmax(z / t).max())

# %% [markdown]
# ### In odds and in powers
#
# Gaps are log odds. Dividing a gap by $T$ takes the odds to the power $1/T$: at $T = 2$, odds of 9 : 1 become $\sqrt{9} : 1$, that is 3 : 1. The confidence goes from 0.9 to 0.75.
#
# The same holds for probabilities, if they are made to sum to 1 again: $p_k(T) \propto p_k^{1/T}$, because $z_k$ and $\log p_k$ differ by a constant only. A check:

# %%
p, t = softmax([3.0, 1.5, 0.5, 0.0]), 2.0
powered = p ** (1 / t)
print("from logits", softmax(np.array([3.0, 1.5, 0.5, 0.0]) / t).round(4))
print("by powers  ", (powered / powered.sum()).round(4))

# %% [markdown] tags=["slide-only"]
# ## Temperature in odds
#
# - a gap becomes gap / $T$
# - odds become odds to the power $1/T$
# - at $T = 2$: 9 : 1 becomes **? : 1**
# - $p_k(T) \propto p_k^{1/T}$: no logits needed

# %% [markdown]
# ```{exercise} A temperature without logits
# :label: ex-l1-powers
# A service returns only probabilities, `task.probabilities`. What would the confidence be at the temperature `task.temperature`? Right to three decimals.
# ```

# %%
task = course.task("l1-powers", me)
task

# %% [markdown]
# ```{solution-start} ex-l1-powers
# :class: dropdown
# ```

# %% tags=["solution"]
powered = task.probabilities ** (1 / task.temperature)
task.check(powered.max() / powered.sum())

# %% [markdown] tags=["solution"]
# `softmax(np.log(task.probabilities) / task.temperature).max()` is the same: the logarithms of the probabilities are logits. So a service that hides its logits hides nothing.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Turn it round
#
# A two-option question has logits 5 and 1. It should be 80 % sure.
#
# - log odds now: 4
# - log odds wanted: $\log(0.8 / 0.2) = \log 4$
# - **Which $T$?**

# %% [markdown]
# ```{exercise} The temperature you need
# :label: ex-l1-duel
# A question has two options, with the logits `task.logits`. At which temperature is its confidence `task.wanted`? Derive a formula, then give the number, right to two decimals.
# ```

# %%
task = course.task("l1-duel", me)
task

# %% [markdown]
# ```{solution-start} ex-l1-duel
# :class: dropdown
# ```

# %% tags=["solution"]
log_odds_now = task.logits.max() - task.logits.min()
log_odds_wanted = np.log(task.wanted / (1 - task.wanted))
task.check(log_odds_now / log_odds_wanted)

# %% [markdown] tags=["solution"]
# With two options the confidence $c$ has the odds $c : (1 - c)$. Their logarithm must be the gap divided by $T$. So $T$ is the gap we have over the gap we want.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Which temperature?
#
# One temperature must serve all questions. Then there is no formula, but there is a search. The mean confidence falls as $T$ grows, always: from near 1 down to that of a guess, one over the number of options. So it meets every value in between once. Here for Mira's PoLM.

# %%
temperatures = np.geomspace(0.5, 12, 60)
z = traces.polm_final.astype(float)
means = np.array([softmax(z / t, axis=1).max(axis=1).mean() for t in temperatures])
targets = table.accuracy["PoLM"], table.confidence["PLM"]
t_labels, t_plm = (np.interp(-wanted, -means, temperatures) for wanted in targets)  # np.interp wants rising values
print(f"as sure as it is right: T = {t_labels:.2f}    as sure as the PLM: T = {t_plm:.2f}")

# %% [markdown] tags=["slide-only"]
# ## Which temperature?
#
# - one $T$ for all questions: no formula, a search
# - wanted = accuracy: needs labels
# - wanted = the PLM's mean confidence: needs none. **What must you believe?**

# %% [markdown] tags=["slide-only"]
# ## The mean confidence falls with $T$
#
# - every wanted value above a guess is met once

# %% tags=["slide"] mystnb={"figure": {"caption": "Mean confidence of the PoLM against the temperature. Dashed: its accuracy, which no temperature moves. Dotted: the mean confidence of the PLM. What to see: where the falling curve meets each of the two lines.", "name": "fig-l1-sweep"}, "image": {"alt": "A curve of mean confidence that falls as the temperature grows. It meets the flat line of the PoLM's accuracy at T = {t_labels:.2f} and the line of the PLM's mean confidence nearby, at T = {t_plm:.2f}."}}
ax = plots.style.canvas(None, (5.4, 3.2))
ax.plot(temperatures, means, color=plots.style.POLM, label="PoLM, mean confidence")
ax.axhline(table.accuracy["PoLM"], color=plots.style.INK, ls="--", lw=1, label="PoLM, accuracy")
ax.axhline(table.confidence["PLM"], color=plots.style.PLM, ls=":", lw=1.6, label="PLM, mean confidence")
ax.plot([t_labels, t_plm], targets, "o", color=plots.style.POLM)
ax.set(xscale="log", ylim=(0.2, 1), xticks=[0.5, 1, 2, 4, 8], xticklabels=[0.5, 1, 2, 4, 8])
ax.minorticks_off()
ax = plots.style.legend(plots.style.label(ax, "Temperature T", "Share"))

# %% tags=["remove-input"]
say(
    "With labels Mira would choose T = {t_labels:.2f}: there the PoLM is on average as sure as it is right. Without any label, she can make it as sure as the PLM is: T = {t_plm:.2f}. "
    "On these questions the two are close because the PLM happens to be nearly as sure as it is right. That is luck until somebody checks it.",
    t_labels=float(t_labels),
    t_plm=float(t_plm),
)

# %% [markdown]
# ```{exercise} As sure as she wants, on average
# :label: ex-l1-match
# `task.logits` are the logits of 60 questions with four options each. Find the temperature at which the *mean* confidence over all questions is `task.wanted`, right to two decimals.
# ```

# %%
task = course.task("l1-match", me)
task

# %% [markdown]
# ```{solution-start} ex-l1-match
# :class: dropdown
# ```

# %% tags=["solution"]
low, high = 0.1, 100.0
while high - low > 1e-6:
    middle = (low + high) / 2
    mean = softmax(task.logits / middle, axis=1).max(axis=1).mean()
    low, high = (middle, high) if mean > task.wanted else (low, middle)
task.check(low)

# %% [markdown] tags=["solution"]
# Bisection: the mean confidence falls with $T$, so if it is still too high at the middle, the answer lies to the right. `scipy.optimize.brentq` does the same in one line, and a fine grid is good enough.
# No step needed a label.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## What can no temperature change?
#
# Vote before you read on. At $T = 4$ instead of 1, which of these can differ?
#
# 1. the predictions,
# 2. the accuracy,
# 3. which of two *questions* the helper is surer of.

# %% tags=["slide"]
rows = {}
for t in (1, 2, 4, 8):
    confidence, correct = metrics.top_label(softmax(z / t, axis=1), traces.labels)
    auroc = metrics.auroc(confidence, correct)
    rows[t] = {"mean confidence": confidence.mean(), "accuracy": correct.mean(), "AUROC": auroc}
swept = pd.DataFrame(rows).rename_axis("T", axis=1)
swept.round(4)

# %% [markdown]
# A positive number keeps the order of the options of *one* question. So predictions and accuracy stay. The last row is the chance that a right answer has a higher confidence than a wrong one (**AUROC**; one half is
# guessing). It moves, a little: the order of *different* questions may change.

# %% tags=["remove-input"]
say(
    "From T = 1 to T = 8 the accuracy stays at {kept:.3f}, the mean confidence falls from {conf_1:.2f} to {conf_8:.2f}, and the AUROC goes from {auroc_1:.3f} to {auroc_8:.3f}. "
    "A temperature mends the scale. It hardly teaches the helper which of its answers to doubt.",
    kept=swept[8]["accuracy"],
    conf_1=swept[1]["mean confidence"],
    conf_8=swept[8]["mean confidence"],
    auroc_1=swept[1]["AUROC"],
    auroc_8=swept[8]["AUROC"],
)

# %% [markdown] tags=["slide-only"]
# ## What stays, what may turn
#
# - the order of the options of one question: stays
# - predictions, accuracy: stay
# - the order of two questions: **may turn**
# - AUROC: how often a right answer is surer than a wrong one
# - hint: where do both confidences go as $T \to \infty$?

# %% [markdown]
# ```{exercise} When the order of two questions turns
# :label: ex-l1-overtake
# One question has two options, with logits `task.two_options`; another has four, with logits `task.four_options`, three of them equal. At $T = 1$ the helper is surer of the second. At which temperature is it equally sure of both? Give the number, right to
# two decimals. (Write both confidences as $1 / (1 + \dots)$ first; there is a formula.)
# ```

# %%
task = course.task("l1-overtake", me)
task

# %% [markdown]
# ```{solution-start} ex-l1-overtake
# :class: dropdown
# ```

# %% tags=["solution"]
t = (task.four_options.max() - task.two_options.max()) / np.log(3)
print([softmax(logits / t).max().round(4) for logits in (task.two_options, task.four_options)])
task.check(t)

# %% [markdown] tags=["solution"]
# With gap $a$ and one rival, $c = 1/(1 + e^{-a/T})$. With gap $b$ and three equal rivals, $c = 1/(1 + 3 e^{-b/T})$. They are equal where $e^{-a/T} = 3 e^{-b/T}$, that is $b - a = T \log 3$. Above this temperature the
# helper is surer of the first: with $T \to \infty$ one confidence goes to 1/2, the other to 1/4.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Quiz

# %%
course.quiz("l1")

# %% [markdown]
# ## What this lesson does not show
#
# - **Whether 60 % means 60 %.** We matched a mean. A helper can be right on average and wrong in every single bin; [lesson 2](02_measuring.ipynb) measures that.
# - **Free text.** Confidence here is a share among the options listed. What is not listed does not count, even where it is the right answer.
# - **That the PLM deserves trust.** On these questions it is nearly as sure as it is right. On others it may not be; [lesson 7](07_premise.ipynb) is about nothing else.

# %% [markdown] tags=["slide"]
# ## Summary
#
# - Only differences of logits count; a difference is the logarithm of the odds.
# - Confidence is the largest probability. Mask missing options with $-\infty$ *before* the softmax.
# - A temperature divides logits, takes odds to the power $1/T$, and changes no answer.
# - The mean confidence falls with $T$, so any wanted mean above that of a guess can be met. *Which* one to meet is the question of this course.

# %% [markdown]
# Mira can now answer the pupil: the model says 98, it means a share among four options, and one number could make it say 60 instead. She does not know yet whether 60 would be true.
#
# **Next:** [lesson 2, measuring](02_measuring.ipynb). For depth: [chapter 1](../notebooks/01_start_here.ipynb).
