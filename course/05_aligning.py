# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 5: Aligning a model with the one it came from
#
# Mira has two models and no labels. The old one, the PLM, doubts where it should. The new one, the PoLM, answers as she wants and doubts nothing. One knob is hers to turn: the temperature of the new
# one. She would like to turn it until the new model doubts as the old one does. But what exactly should then be equal?
#
# | You need | [Lesson 1](01_confidence.ipynb): softmax and temperature; [lesson 4](04_drift.ipynb): two models, one question |
# |---|---|
# | **Helpful** | derivatives of the softmax; [chapter 4](../notebooks/04_deriving_dual_align.ipynb) and [chapter 10](../notebooks/10_why_align_all_fails.ipynb) for the whole story |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - say which mistake a KL divergence punishes, and write it the right way round,
# - derive the slope of the loss, and check a derivation by a finite difference,
# - say what is equal at the best temperature, and what is not,
# - tell when no finite temperature is best,
# - say what align-all and DACA do with disagreements, and what a disagreement cannot tell.

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

import dualalign as da
from dualalign import course, drift, metrics, plots, protocol
from dualalign.book import say
from dualalign.course import maths

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it draws your own data

# %% [markdown] tags=["slide-only"]
# ## Two models, no labels
#
# - PLM $g$: its confidence can be trusted (we assume it today)
# - PoLM $f$: better manners, too sure
# - one knob: $q_T = \operatorname{softmax}(z_f / T)$
# - **Turn it until the two are equal. Equal in what?**

# %% [markdown] tags=["slide"]
# ## One question, two beliefs
#
# Four options. The PLM believes 48, 40, 11 and 1 %. The PoLM has the logits 6, 3, 1 and 0.
#
# **Predict first.** The PoLM is 94 % sure of option A and the PLM is 48 % sure of it. Write down a temperature at which you would stop.

# %% tags=["slide"]
p = np.array([0.48, 0.40, 0.11, 0.01])
z = np.array([6.0, 3.0, 1.0, 0.0])
beliefs = {f"PoLM, T = {t}": maths.softmax(z, t) for t in (1, 2, 3, 4, 6, 8)}
pd.DataFrame(beliefs | {"PLM": p}, index=["A", "B", "C", "D"]).T.round(2)

# %% [markdown]
# No row equals the last one. One number cannot set three free probabilities, so *near* has to be given a meaning.
#
# ## A divergence has a direction
#
# The usual measure of how far a belief $q$ is from a belief $p$ is the [KL divergence](../notebooks/04_deriving_dual_align.ipynb):
#
# $$ \mathrm{KL}(p \,\|\, q) = \sum_k p_k \ln \frac{p_k}{q_k} \ge 0, \quad \text{and } 0 \text{ only for } q = p. $$
#
# It is an average of log-ratios, and **the first belief takes the average**. So it makes a difference who comes first.

# %% [markdown] tags=["slide"]
# ### Which mistake costs more?
#
# The PLM's belief is $p$. Two candidates for $q$: one *rules out* option B, which $p$ holds likely; one is *flat*, and gives much to D, which $p$ holds unlikely.
#
# **Predict first.** Which one is worse by $\mathrm{KL}(p \,\|\, q)$? And by $\mathrm{KL}(q \,\|\, p)$?

# %% tags=["slide"]
candidates = {"rules out B": np.array([0.80, 0.01, 0.15, 0.04]), "flat": np.full(4, 0.25)}
both = {name: (maths.kl(p, q), maths.kl(q, p)) for name, q in candidates.items()}
pd.DataFrame(both, index=["KL(p || q)", "KL(q || p)"]).T.round(3)

# %% tags=["remove-input"]
say(
    "With the PLM first, ruling out B costs {out_first:.2f} nats and being flat {flat_first:.2f}. With the candidate first it is {out_last:.2f} and {flat_last:.2f}: the order turns round. "
    "PLM first means: *whatever the PLM holds possible, keep possible*. That is a good instruction for a model that is too sure.",
    out_first=both["rules out B"][0],
    flat_first=both["flat"][0],
    out_last=both["rules out B"][1],
    flat_last=both["flat"][1],
)

# %% [markdown] tags=["slide-only"]
# ## The confidence loss
#
# $$ C(T) = \mathrm{KL}\big(p_g \,\|\, \operatorname{softmax}(z_f / T)\big) $$
#
# - PLM first: what it holds possible must stay possible
# - no label anywhere
# - **Exercise: which way round?** (5 min)

# %% [markdown]
# From here on the **confidence loss** of a question is $C(T) = \mathrm{KL}(p_g \,\|\, q_T)$ with $q_T = \operatorname{softmax}(z_f / T)$.
#
# ```{exercise} Which way round?
# :label: ex-kl-order
#
# Your task shows the PLM's belief `plm`, the PoLM's logits `polm_logits` and a `temperature`. Compute the confidence loss at that temperature, in nats, to three decimals.
# ```

# %%
task = course.task("kl-order", me)
task

# %% [markdown]
# ```{solution-start} ex-kl-order
# :class: dropdown
# ```

# %% tags=["solution"]
q = np.exp(task.polm_logits / task.temperature)
q = q / q.sum()
answer = (task.plm * np.log(task.plm / q)).sum()
print(f"{answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The terms are weighted with the PLM's belief, because it comes first. The logarithm is the natural one, and the temperature divides the logits before the softmax.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## What turns the knob
#
# Write $\beta = 1/T$. The only part of the loss with $\beta$ in it is $-\sum_k p_k \ln q_k = \ln \sum_k e^{\beta z_k} - \beta \sum_k p_k z_k$.
#
# **Predict first.** Differentiate it by $\beta$. What does each of the two terms become?

# %% [markdown] tags=["slide"]
# ### The slope is a difference of two means
#
# $$ \frac{dC}{d\beta} = \underbrace{\sum_k q_k z_k}_{\text{what the PoLM expects of its logits}} - \underbrace{\sum_k p_k z_k}_{\text{what the PLM expects of the PoLM's logits}} $$
#
# Both are means of the *same* logits, those of the PoLM, under two beliefs.

# %% [markdown]
# A derivation is not finished before it has met a number. Here it meets a finite difference:

# %%
beta, h = 0.5, 1e-5
losses = [maths.kl(p, maths.softmax(z * b)) for b in (beta - h, beta + h)]
slope = (maths.softmax(z * beta) - p) @ z
print(f"formula {slope:.6f}, finite difference {(losses[1] - losses[0]) / (2 * h):.6f}")

# %% [markdown]
# ```{exercise} The force on the temperature
# :label: ex-kl-slope
#
# Write a function `slope(z, p, beta)` that returns $dC/d\beta$ for the logits `z` and the PLM's belief `p`, both arrays of the same length. It should work for ties, for a PLM that is certain, for one option, and at
# `beta = 0`. Check it by a finite difference on the data of your task, then hand over the function itself.
# ```

# %%
task = course.task("kl-slope", me)
task

# %% [markdown]
# ```{solution-start} ex-kl-slope
# :class: dropdown
# ```

# %% tags=["solution"]
def slope(z, p, beta):
    q = np.exp(beta * (z - z.max()))
    return (q / q.sum()) @ z - p @ z


print(f"{slope(task.polm_logits, task.plm, task.beta):.4f}")
task.check(slope)

# %% [markdown] tags=["solution"]
# Taking off the largest logit before the exponential changes no probability and avoids an overflow. At $\beta = 0$ the belief $q$ is uniform, so the slope is the plain mean of the logits less the PLM's mean of them.
# Remember that: it decides below whether there is a best temperature at all.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Equal in what?
#
# The loss is least where its slope is zero: where **the PoLM expects of its own logits what the PLM's belief expects of them**. Not where both are equally sure, and not where both are equally undecided.
#
# **Predict first.** For the question above: will the best temperature lie above or below the one at which both are 48 % sure of A?

# %% tags=["slide"] mystnb={"figure": {"caption": "One question. Left: the confidence loss over the temperature, with the temperatures at which three things are equal. Right: what the PoLM and the PLM expect of the PoLM's logits. What to see: the loss is least where the two curves on the right meet, and not where the two models are equally sure.", "name": "fig-course-one-question"}, "image": {"alt": "Two panels. Left, a valley of the loss over a logarithmic temperature axis; its lowest point is marked at T = {t_logits:.2f}, beside marks for equal confidences at T = {t_confidence:.2f} and equal entropies at T = {t_entropy:.2f}. Right, a falling curve that meets a level line of {expected:.2f} at T = {t_logits:.2f}."}}
one = plots.prepare_one_question(p, z)
axes = plots.plot_one_question(one)

# %% tags=["remove-input"]
say(
    "The loss is least at T = {t_logits:.2f}, where both beliefs expect {expected:.2f} of the PoLM's logits. There the PoLM is {sure:.0%} sure of A, the PLM {plm_sure:.0%}. Equal confidence would need T = {t_confidence:.2f}, and equal entropy T = {t_entropy:.2f}.",
    t_logits=one.met["expected logits"],
    t_confidence=one.met["confidences"],
    t_entropy=one.met["entropies"],
    expected=one.plm["expected"],
    sure=float(maths.softmax(z, one.met["expected logits"]).max()),
    plm_sure=one.plm["confidence"],
)

# %% [markdown]
# ```{exercise} Equal in what?
# :label: ex-equal-logits
#
# Your task shows the PLM's belief `plm` and the PoLM's logits `polm_logits` for one question. Find the temperature with the least confidence loss, to two decimals. You may search a fine grid, or solve for a zero of your `slope`.
# ```

# %%
task = course.task("equal-logits", me)
task

# %% [markdown]
# ```{solution-start} ex-equal-logits
# :class: dropdown
# ```

# %% tags=["solution"]
grid = np.arange(0.3, 40, 0.002)
beliefs = np.exp(task.polm_logits / grid[:, None])
beliefs = beliefs / beliefs.sum(axis=1, keepdims=True)
answer = grid[(task.plm * np.log(task.plm / beliefs)).sum(axis=1).argmin()]
print(f"T = {answer:.2f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The grid step has to be finer than the rounding asked for. Solving `slope(...) = 0` by bisection in $\beta$ is shorter and exact; it works because the slope only rises with $\beta$: its own derivative is the variance of the
# logits under $q$, which is never negative.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Many questions, one temperature
#
# Mira needs one temperature for all her questions. **Align-all** takes the one with the least *mean* loss. Means of slopes are slopes of means, so at its optimum
#
# $$ \sum_x \mathbb{E}_{q_T}[z_f(x)] = \sum_x \mathbb{E}_{p_g}[z_f(x)]. $$
#
# **Predict first.** One question alone wants T = 2, another T = 8. Will the two together want 5?

# %% tags=["slide"]
pair_z = np.array([[6.0, 1.0, 0.0, 0.0], [1.5, 1.0, 0.5, 0.0]])
pair_p = np.array([maths.softmax(pair_z[0], 2), maths.softmax(pair_z[1], 8)])
together = maths.aligned(pair_z, pair_p)
print(f"alone: 2 and 8; together: {together:.2f}")

# %% tags=["remove-input"]
say(
    "They want {both_want:.2f}. A question pulls with its slope, and logits that lie far apart make steep slopes: the first question is nearly alone in deciding.",
    both_want=together,
)

# %% [markdown]
# ```{exercise} One temperature for five questions
# :label: ex-one-for-all
#
# Your task holds five questions with four options each: the PLM's beliefs `plm` (5 × 4) and the PoLM's logits `polm_logits` (5 × 4). Find align-all's temperature, to two decimals.
# ```

# %%
task = course.task("one-for-all", me)
task

# %% [markdown]
# ```{solution-start} ex-one-for-all
# :class: dropdown
# ```

# %% tags=["solution"]
grid = np.arange(0.3, 40, 0.002)[:, None, None]
beliefs = np.exp(task.polm_logits / grid)
beliefs = beliefs / beliefs.sum(axis=2, keepdims=True)
mean_loss = (task.plm * np.log(task.plm / beliefs)).sum(axis=2).mean(axis=1)
answer = grid[mean_loss.argmin(), 0, 0]
print(f"T = {answer:.2f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The order matters: first the loss of each question at a common temperature, then the mean, then the minimum. The mean of five minima is another number, and the mean confidences of the two models differ at the optimum.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## When no temperature is best
#
# At $\beta = 0$, an infinite temperature, the PoLM says $1/K$ for every option. If the loss rises from there, nothing beats saying nothing. So a question has a finite best temperature exactly if
#
# $$ \mathbb{E}_{p_g}[z_f] > \frac1K \sum_k z_f(k). $$
#
# **Predict first.** The PoLM's logits are 1, .9, −5, −5. The PLM gives its favourite only 20 %, less than a blind guess. Is there a finite best temperature?

# %% tags=["slide"]
doubted = np.array([0.20, 0.79, 0.005, 0.005]), np.array([1.0, 0.9, -5.0, -5.0])
opposed = np.array([0.30, 0.02, 0.02, 0.66]), np.array([1.0, 0.95, 0.95, -10.0])
cases = {"doubted": doubted, "opposed": opposed}
rows = {name: (g[0], g @ f, f.mean(), maths.aligned(f[None], g[None])) for name, (g, f) in cases.items()}
pd.DataFrame(rows, index=["PLM's belief in the favourite", "PLM's mean logit", "plain mean", "best T"]).T.round(3)

# %% [markdown]
# The first PLM doubts the PoLM's favourite and still shares its message: *one of the first two*. The second gives the favourite 30 %, more than a guess, and yet contradicts what the PoLM says: *not D*. With two options the favourite's
# share decides, with more it does not. ([Chapter 10](../notebooks/10_why_align_all_fails.ipynb) counts both cases.)
#
# ```{exercise} How many have no best temperature?
# :label: ex-no-optimum
#
# Your task holds twelve questions with four options: `plm` (12 × 4) and `polm_logits` (12 × 4). For how many of them is there no finite temperature with the least confidence loss?
# ```

# %%
task = course.task("no-optimum", me)
task

# %% [markdown]
# ```{solution-start} ex-no-optimum
# :class: dropdown
# ```

# %% tags=["solution"]
expected = (task.plm * task.polm_logits).sum(axis=1)
answer = (expected <= task.polm_logits.mean(axis=1)).sum()
favourite = task.plm[np.arange(12), task.polm_logits.argmax(axis=1)]
print(f"{answer} without a finite optimum; the favourite gets less than 1/4 on {(favourite < 0.25).sum()}")
task.check(answer)

# %% [markdown] tags=["solution"]
# All logits count, not the favourite's alone. Together with other questions such a question does no harm to the search: it only pulls the common temperature upwards.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Where the two models differ
#
# Now real questions: the book's main pair on ARC-Easy. On some the two models give different answers. Mira has no labels; this page has, to check her guesses.
#
# **Predict first.** The PLM is calibrated on this set. Where the two differ, how often is the PoLM right? And the PLM?

# %% tags=["slide"]
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
agree = drift.agreement(traces)
answers = {"PLM": traces.plm_final.argmax(axis=1), "PoLM": traces.polm_final.argmax(axis=1)}
right = pd.DataFrame({name: given == traces.labels for name, given in answers.items()})
where = np.where(agree, "agree", "differ")
right.groupby(where).mean().assign(questions=pd.Series(where).value_counts()).round(3)

# %% tags=["remove-input"]
on = right.groupby(where).mean()
say(
    "Where the models differ the PoLM is right on {polm_differ:.0%}, the PLM on {plm_differ:.0%}: each is often wrong, neither always. On {neither:.0%} of those questions both are. A disagreement says that at least one is wrong. It does not say which.",
    polm_differ=on.loc["differ", "PoLM"],
    plm_differ=on.loc["differ", "PLM"],
    neither=float((~right[~agree].any(axis=1)).mean()),
)

# %% [markdown]
# ```{exercise} Who is right where they differ?
# :label: ex-who-is-right
#
# A colleague reports five counts: the number of `questions`, on how many the models `agree`, on how many *both are right* (`both_right`, always where they agree), and how many the PLM and the PoLM get right in all
# (`plm_right`, `polm_right`). On which share of the questions of *disagreement* is the PoLM right? Three decimals, or a per cent string such as `"31.2 %"`.
# ```

# %%
task = course.task("who-is-right", me)
task

# %% [markdown]
# ```{solution-start} ex-who-is-right
# :class: dropdown
# ```

# %% tags=["solution"]
apart = task.questions - task.agree
answer = (task.polm_right - task.both_right) / apart
plm = (task.plm_right - task.both_right) / apart
print(f"PoLM {answer:.3f}, PLM {plm:.3f}, neither {1 - answer - plm:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Where they agree they are right together, so what a model gets right beyond that, it gets right on the disagreements. The three shares add up to one, because there the two answers cannot both be right.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Keep them or drop them?
#
# A disagreement pulls the temperature up: the PLM gives little to the PoLM's favourite, so its mean logit is small, and only a flat PoLM can match it.
#
# - **Align-all** keeps every question.
# - **DACA** {cite:p}`luo2025daca` drops the disagreements: what the PLM thinks of *its own* answer says nothing about how sure to be of *another*.
#
# **Predict first.** Which of the two finds the higher temperature?

# %% tags=["slide"] mystnb={"figure": {"caption": "The mean confidence loss over the temperature: over all questions (align-all) and over those of agreement (DACA), ARC-Easy. What to see: the disagreements lift the loss and move its lowest point to the right.", "name": "fig-course-losses"}, "image": {"alt": "Two valleys over a logarithmic temperature axis; DACA's lowest point lies at T = {t_daca:.2f} and align-all's further right, at T = {t_all:.2f}."}}
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)
ax = plots.plot_losses(plots.prepare_losses(fitting))

# %%
chosen = ("vanilla", "align-all", "daca", "temperature-scaling")
fitted = {name: da.METHODS[name]().fit(fitting) for name in chosen}
judged = {name: {"T": one.temperature_} | protocol.judge(one, testing, draws=200) for name, one in fitted.items()}
table = pd.DataFrame(judged).T[["T", "confidence", "accuracy", "ece", "ece_floor"]]
table.round(3)

# %% tags=["remove-input"]
gap = table["confidence"] - table["accuracy"]
say(
    "Align-all finds T = {t_all:.2f} and ends {gap_all:+.3f} from its accuracy, DACA T = {t_daca:.2f} and {gap_daca:+.3f}, on held-out questions. With labels it would have been T = {t_oracle:.2f}. "
    "Dropping the disagreements brings the temperature down. Both stay above the one from labels here: even where the models agree, the PLM expects less of the PoLM's logits than the truth does.",
    t_all=table["T"]["align-all"],
    t_daca=table["T"]["daca"],
    t_oracle=table["T"]["temperature-scaling"],
    gap_all=gap["align-all"],
    gap_daca=gap["daca"],
)

# %% [markdown]
# ```{exercise} What DACA keeps
# :label: ex-daca-keeps
#
# Your task holds ten questions: `plm_logits` and `polm_logits` (10 × 4), and `label`, the right option of each. Find DACA's temperature, to two decimals. One of the three arrays is not needed.
# ```

# %%
task = course.task("daca-keeps", me)
task

# %% [markdown]
# ```{solution-start} ex-daca-keeps
# :class: dropdown
# ```

# %% tags=["solution"]
keep = task.plm_logits.argmax(axis=1) == task.polm_logits.argmax(axis=1)
z_f, p_g = task.polm_logits[keep], maths.softmax(task.plm_logits[keep])
grid = np.arange(0.3, 40, 0.002)
losses = [maths.kl(p_g, maths.softmax(z_f, t)).mean() for t in grid]
answer = grid[np.argmin(losses)]
print(f"{keep.sum()} questions kept, T = {answer:.2f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Agreement is between the two models. A label would be a great help, and DACA does not have one.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## What this lesson does not show
#
# - **That the PLM may be trusted.** All of today rests on it. Lesson 7 takes it away.
# - **Whether dropping helps in general.** On these questions DACA's temperature is nearer to that from labels. It leaves out two things, what the PLM lacks on disagreement and how over-confident the PoLM is there, and they pull in
#   opposite directions. [Chapter 10](../notebooks/10_why_align_all_fails.ipynb) shows both forces, and a world in which the second one wins.
# - **The published protocol.** DACA's code runs an optimiser for a fixed number of steps; here the optimum is exact.
#
# ## Summary
#
# - KL with the PLM first keeps possible what the PLM holds possible.
# - The slope in $\beta = 1/T$ is a difference of two means of the PoLM's logits. At the optimum these means are equal; the confidences are not.
# - Where the PLM's belief expects no more of the logits than their plain mean, no finite temperature is best.
# - Align-all keeps the disagreements, DACA drops them. Without a label nobody knows who was right there.
#
# **Next:** [lesson 6](06_dual_align.ipynb), which finds a use for the disagreements.

# %% [markdown]
# ## Check yourself

# %%
course.quiz("l5")

# %% [markdown] tags=["slide-only"]
# ## What to take home
#
# - KL with the PLM first: keep possible what it holds possible
# - optimum: equal **expected logits**, not equal confidence
# - no finite optimum where $\mathbb{E}_{p_g}[z_f] \le$ the plain mean
# - disagreement: at least one is wrong, and nobody knows which

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0–5 | Mira's knob: everybody writes down a temperature for the table of beliefs and keeps it | slides 1–3 |
# | 5–15 | KL has a direction; prediction by show of hands, then the two numbers | section 2 |
# | 15–22 | exercise *Which way round?*, alone | ex-kl-order |
# | 22–34 | derive the slope at the board, finite difference on screen | section 3 |
# | 34–44 | exercise *The force on the temperature*, in pairs | ex-kl-slope |
# | 44–54 | equal in what? compare with the temperatures of minute 5; then *Equal in what?* in pairs | figure 1, ex-equal-logits |
# | 54–60 | many questions: who pulls harder? | section 5 |
# | 60–67 | no finite optimum: the two rows of the table | section 6 |
# | 67–74 | where they differ: guesses on paper, then the table; *Who is right where they differ?* | ex-who-is-right |
# | 74–82 | keep or drop: debate in two groups, then the figure | figure 2 |
# | 82–90 | quiz, take home | quiz l5 |
#
# *One temperature for five questions*, *How many have no best temperature?* and *What DACA keeps* are homework; together about twenty minutes.

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. Two bar charts side by side, PLM and PoLM, four options each. Leave room below.
# 2. The definition of KL. Underline the first belief and write "takes the average".
# 3. $C(\beta) = \ln \sum e^{\beta z} - \beta\,\mathbb{E}_p[z] + \text{const}$; differentiate term by term under it. Box the difference of means.
# 4. A falling curve $\mathbb{E}_{q_T}[z]$ over $T$ from $z_{\max}$ to the plain mean, and a level line $\mathbb{E}_p[z]$. Mark the crossing. Then move the line below the plain mean: no crossing. This one drawing carries sections 4 and 6.
# 5. Under it two arrows, "agree" and "differ", with lengths for slopes. Cross one out: DACA.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# - **"At the optimum both models are equally sure."** Natural, since confidence is what we want to mend. Let them evaluate the loss a little to the left and right of that temperature.
# - **"KL is a distance, so the order is a convention."** Ask which of the two is infinite when $q$ rules something out. Then ask which kind of mistake an over-confident model makes.
# - **"Disagreement means that the PoLM is wrong."** It comes from "the PLM is calibrated". A calibrated model that says 40 % is wrong more often than not. Show the table.
# - **"The mean loss has the mean of the temperatures as its optimum."** Draw two valleys of different steepness and push them together.
# - **"An infinite temperature is a bug."** It is an answer: on this question the PLM contradicts what the PoLM says, and the best single temperature says nothing.

# %% [markdown] tags=["guide"]
# ## Discussion
#
# 1. *Why is the PLM put first?* Listen for: the PoLM is too sure, so the mistake to punish is ruling things out; with the PoLM first a PoLM that is sure of one of the PLM's favourites is nearly free of blame.
# 2. *Your temperature of minute 5: what had you made equal?* Listen for confidence, entropy, "looks alike"; then for the insight that each of these is another loss.
# 3. *DACA throws away every disagreement, a large part of the questions here. Is that waste or caution?* Listen for: the PLM's belief in its own answer is no evidence about another; but the disagreements are where the PoLM may be most over-confident.
# 4. *A colleague says: "T went to infinity, so I capped it at 10."* Listen for: a cap is a choice without a reason; ask which questions cause it, and report it.
# 5. *What would you need in order to know whether the disagreements should be kept?* Listen for: labels there, or an assumption on what post-training did.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# Leave out section 5 but for its formula, and the table in section 6: say "the line may lie below the whole curve" at the board and go on. Do not leave out the table of who is right where they differ: lesson 6 starts from it.
