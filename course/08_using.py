# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 8: What a good confidence is worth
#
# Mira's helper now shows a calibrated number. A pupil reads "72 %". Should the helper answer, or say "ask your teacher"? That depends on what a wrong answer costs, and what a teacher's minute does. And of all the methods of this course, which one should
# she ship?
#
# | You need | [Lesson 2](02_measuring.ipynb): ECE and its floor; [lesson 7](07_premise.ipynb): the premise |
# |---|---|
# | **Helpful** | expected values; [chapter 17](../notebooks/17_decisions.ipynb) and [chapter 21](../notebooks/21_which_method.ipynb) for the whole story |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - turn prices into a threshold, and say why the accuracy on other questions does not enter,
# - read a risk-coverage curve, and say what a temperature cannot change in it,
# - derive that a Brier score is a cost, and say what an ECE does not see,
# - choose a threshold for a promised accuracy without labels,
# - choose a method by what you have, and report an error that did not help to choose it.

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
from dualalign import checks, course, decisions, metrics, plots, practice, protocol
from dualalign.book import say
from dualalign.experiments import table
from dualalign.experiments.decisions import held_out, promises

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it draws your own data

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
methods = ["vanilla", "align-all", "dual-align", "basecal", "temperature-scaling"]
held = held_out(traces, methods)  # five splits: what each method says about the questions held out
parts = ("confidence", "right")
joined = {m: [np.concatenate([getattr(s, part) for s in sides]) for part in parts] for m, sides in held.items()}

# %% [markdown] tags=["slide"]
# ## 72 %: answer or ask?
#
# A wrong answer costs a pupil ten minutes. Asking the teacher costs two. A right answer costs nothing.
#
# **Predict first.** Should the helper answer at 72 %? From which confidence on? Does it matter how often it is right on the whole?

# %% tags=["slide"]
p = np.array([0.5, 0.6, 0.72, 0.78, 0.82, 0.9, 0.98])
prices = pd.DataFrame({"answer": 10 * (1 - p), "ask": 2.0}, index=pd.Index(p, name="confidence"))
prices.assign(do=np.where(prices.answer < prices.ask, "answer", "ask"))

# %% [markdown]
# Answer while $10\,(1 - p) < 2$: from 80 % on. With a wrong answer as the unit of cost, and $c$ the price of silence,
#
# $$ \text{answer} \iff 1 - p < c. $$
#
# The threshold comes from the prices alone. How often the helper is right on average does not enter, since *this* question has its own chance. But $p$ has to be what it says.
#
# ```{exercise} From which confidence on?
# :label: ex-price-threshold
#
# Now a right answer is worth something, too: it *earns* `reward` points, a wrong one costs `wrong` points, and asking costs `ask` points. From which confidence on should a calibrated helper answer? Three decimals or per cent.
# ```

# %%
task = course.task("price-threshold", me)
task

# %% [markdown]
# ```{solution-start} ex-price-threshold
# :class: dropdown
# ```

# %% tags=["solution"]
answer = (task.wrong - task.ask) / (task.reward + task.wrong)
p = answer
print(f"at {answer:.3f} answering earns {p * task.reward - (1 - p) * task.wrong:.3f}, asking {-task.ask}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Answer while $p \cdot \text{reward} - (1 - p) \cdot \text{wrong} \ge -\text{ask}$, and solve for $p$. Only the *difference* between a right and a wrong answer, and between asking and a wrong answer, counts.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## The rule
#
# $$ \text{answer} \iff 1 - p < c $$
#
# - $c$: price of silence, in units of a wrong answer
# - the threshold is $1 - c$; no average accuracy enters
# - **What is $c$ for a homework helper? For a medical one?**

# %% [markdown] tags=["slide"]
# ## What acting on it costs
#
# The rule is optimal for a confidence that keeps its promise. The PoLM as it comes does not.
#
# **Predict first.** At a price of .3, is it cheaper to act on the PoLM's own confidence, or never to answer at all?

# %%
price_grid = np.linspace(0.05, 0.95, 19)
curves = []
for name, sides in held.items():
    best = decisions.hindsight(*joined[name], price_grid)[0]
    paid = [decisions.costs(s.confidence, s.right, price_grid) for s in sides]
    least = [decisions.threshold_costs(s.confidence, s.right, price_grid, best) for s in sides]
    drawn = decisions.bootstrap(sides, [cost - less for cost, less in zip(paid, least, strict=True)], draws=300)
    low, high = np.quantile(drawn[1:], [0.025, 0.975], axis=0)
    found = {"price": price_grid, "cost": np.concatenate(paid, axis=1).mean(axis=1), "regret": drawn[0]}
    curves.append(pd.DataFrame(found | {"low": low, "high": high}).assign(method=name))
priced = pd.concat(curves)

# %% tags=["slide"] mystnb={"figure": {"caption": "Left: cost of acting on each confidence over the price of silence, held-out ARC-Easy; the rising line is never to answer, the level one always to answer. Right: what that is above the best threshold in hindsight. Bands: 95 % by bootstrap; the best threshold was chosen on the questions as they are, so in a resample it need not be the best. What to see: at low prices the PoLM's own confidence costs more than silence; the other confidences stay near the best threshold of their own order, and are cheaper than both dotted lines in the middle only.", "name": "fig-course-costs"}, "image": {"alt": "Two panels over the price of silence. Left, cost curves: at a price of {price:.1f} acting on the PoLM's own confidence costs {cost_vanilla:.2f}, on Dual-Align's {cost_dual:.2f}, never answering {price:.2f}. Right, regret: up to {regret_vanilla:.2f} for the PoLM as it comes, at most {regret_others:.2f} for the others."}}
axes = plots.plot_costs(priced, 1 - joined["vanilla"][1].mean())

# %% tags=["remove-input"]
at = priced[np.isclose(priced.price, 0.3)].set_index("method")["cost"]
worst = priced.groupby("method")["regret"].max()
say(
    "At a price of {price:.1f}, acting on the PoLM's own confidence costs {cost_vanilla:.2f} a question, on Dual-Align's {cost_dual:.2f}, on temperature scaling's {cost_oracle:.2f}. Never answering would cost {price:.2f}: trusting a boaster is worse than silence. At this price the calibrated helpers hardly answer either.",
    price=0.3,
    cost_vanilla=at["vanilla"],
    cost_dual=at["dual-align"],
    cost_oracle=at["temperature-scaling"],
    regret_vanilla=worst["vanilla"],
    regret_others=worst.drop("vanilla").max(),
)

# %% tags=["remove-input"]
dual = priced[priced.method == "dual-align"].set_index("price")["cost"]
gain = np.minimum(dual.index, 1 - joined["vanilla"][1].mean()) - dual  # on the cheaper of never and always answering
worth = gain.index[gain > 0.01]
say(
    "Dual-Align saves most at a price of {gain_at:.2f}: {gain:.3f} a question on the cheaper of never and always answering. It saves more than 0.01 only at prices from {gain_from:.2f} to {gain_to:.2f}.",
    gain_at=gain.idxmax(),
    gain=gain.max(),
    gain_from=worth.min(),
    gain_to=worth.max(),
)

# %% [markdown]
# ```{exercise} What acting on it costs
# :label: ex-cost-of-acting
#
# Your task shows ten answers: the `confidence` in each and whether it was `right` (1 or 0), and the `price` of silence; a wrong answer costs 1, a right one nothing. A helper answers exactly if one less its confidence is below the price. What does that cost
# on the mean over all ten questions? Three decimals.
# ```

# %%
task = course.task("cost-of-acting", me)
task

# %% [markdown]
# ```{solution-start} ex-cost-of-acting
# :class: dropdown
# ```

# %% tags=["solution"]
answers = 1 - task.confidence < task.price
paid = np.where(answers, 1 - task.right, task.price)
answer = paid.mean()
expected = np.minimum(task.price, 1 - task.confidence).mean()
print(f"{answers.sum()} answered, cost {answer:.3f}; expected by the helper {expected:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# What the helper expects to pay is not what it pays: the difference is its over-confidence, in the currency of the pupil.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Whom to answer first
#
# Answer the surest questions first. **Coverage** is the share of questions answered, **risk** the share of wrong answers *among those*.
#
# **Predict first.** A temperature brings every confidence down. What does it do to the risk-coverage curve?

# %% tags=["slide"] mystnb={"figure": {"caption": "Risk over coverage, mean over five splits of ARC-Easy. The dotted line is the error of answering everything. What to see: the lines of all temperatures run nearly together; BaseCal, whose confidence comes from the other model, has an order of its own: more errors among its very surest answers, fewer after the first tenth.", "name": "fig-course-risk"}, "image": {"alt": "Curves of risk over coverage. The mean risk is {aurc_vanilla:.3f} for the PoLM as it comes, {aurc_dual:.3f} for Dual-Align and {aurc_oracle:.3f} for temperature scaling, nearly the same curve, and {aurc_basecal:.3f} for BaseCal."}}
ax = plots.plot_risk_coverage(held)

# %% tags=["remove-input"]
drawn = {m: decisions.bootstrap_aurc(sides, draws=1000) for m, sides in held.items()}
area = {m: values[0] for m, values in drawn.items()}
apart = protocol.difference(drawn["basecal"], drawn["dual-align"])
say(
    "The mean risk over all coverages is {aurc_vanilla:.3f} for the PoLM as it comes, {aurc_dual:.3f} for Dual-Align, {aurc_oracle:.3f} for temperature scaling: a temperature hardly changes the order of the questions. BaseCal takes the PLM's probability of the PoLM's answer, another *source*, and has {aurc_basecal:.3f}; that it is better than Dual-Align's is not sure ({apart:+.3f}, 95 % interval {apart_low:+.3f} to {apart_high:+.3f}).",
    aurc_vanilla=area["vanilla"],
    aurc_dual=area["dual-align"],
    aurc_oracle=area["temperature-scaling"],
    aurc_basecal=area["basecal"],
    apart=apart.value,
    apart_low=apart.low,
    apart_high=apart.high,
)

# %% [markdown]
# So where only the order counts, there is little for a temperature to win. What it changes is where a *threshold* cuts.
#
# ```{exercise} The surest first
# :label: ex-surest-first
#
# Twelve answers, in no order: `confidence`, `right`. Answer the surest ones until the `coverage` is reached. What is the risk? Three decimals or per cent.
# ```

# %%
task = course.task("surest-first", me)
task

# %% [markdown]
# ```{solution-start} ex-surest-first
# :class: dropdown
# ```

# %% tags=["solution"]
answered = np.argsort(-task.confidence)[: round(12 * task.coverage)]
answer = 1 - task.right[answered].mean()
print(f"{len(answered)} answered, risk {answer:.3f}; of everything {1 - task.right.mean():.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Coverage counts questions, risk counts errors among the answers. They are two axes, not two names of one.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## All prices at once
#
# Nobody knows every pupil's price. Average the cost over all prices from 0 to 1. A question with confidence $p$ and outcome $a$ (1 right, 0 wrong) stays silent while $c \le 1 - p$:
#
# $$ \int_0^{1-p} c\,dc + \int_{1-p}^{1} (1 - a)\,dc $$
#
# **Predict first.** Solve the two integrals. Which known score appears?

# %% [markdown] tags=["slide"]
# ### A Brier score is a cost
#
# $$ \tfrac12 (1 - p)^2 + (1 - a)\,p \;=\; \tfrac12 \big[ \underbrace{(p - a)^2}_{\text{top-label Brier}} + \underbrace{(1 - a)}_{\text{error}} \big] $$
#
# The error cannot be changed by any temperature. So, averaged over all prices, decisions get cheaper by half of what the top-label Brier score falls. At a single price that need not be so.

# %%
p, c = 0.8, (np.arange(100_000) + 0.5) / 100_000
for a in (1, 0):
    by_sum = np.where(1 - p < c, 1 - a, c).mean()
    print(f"a = {a}: formula {((p - a) ** 2 + 1 - a) / 2:.5f}, sum over prices {by_sum:.5f}")

# %% [markdown]
# ```{exercise} All prices at once
# :label: ex-all-prices
#
# Ten answers: `confidence`, `right`. What does acting on them cost on the mean, averaged over every price of silence from 0 to 1? Three decimals.
# ```

# %%
task = course.task("all-prices", me)
task

# %% [markdown]
# ```{solution-start} ex-all-prices
# :class: dropdown
# ```

# %% tags=["solution"]
brier = ((task.confidence - task.right) ** 2).mean()
error = 1 - task.right.mean()
answer = (brier + error) / 2
print(f"Brier {brier:.3f}, error {error:.3f}, cost {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# For $a = 1$ the two sides are $\tfrac12(1-p)^2$ each; for $a = 0$ they are $\tfrac12(1-p)^2 + p = \tfrac12(1 + p^2)$. A model that is always certain and wrong pays 1, at every price.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## A small ECE is cheap
#
# One more competitor: say the *same* confidence for every answer, the accuracy on some labelled questions.
#
# **Predict first.** Where will it stand by ECE? By cost? By AUROC, the chance that a right answer has more confidence than a wrong one?

# %% tags=["slide"]
judged = held | held_out(traces, ["constant"])  # at every answer: the accuracy on the questions fitted on
judges = {"ECE": metrics.ece, "Brier": metrics.top_label_brier, "AUROC": metrics.auroc, "cost": decisions.mean_cost}
judges["floor"] = lambda confidence, right: metrics.ece_floor(confidence)  # of the ECE: what noise alone would show
scores = pd.DataFrame(
    [
        {k: np.mean(judge(side.confidence, side.right)) for k, judge in judges.items()} | {"method": name, "split": i}
        for name, sides in judged.items()
        for i, side in enumerate(sides)
    ]
).set_index(["method", "split"])[["ECE", "floor", "Brier", "cost", "AUROC"]]
mean = scores.groupby("method", sort=False).mean()
mean.round(3)

# %% tags=["remove-input"]
say(
    "Each score is taken split by split, and then averaged: the five constants are not the same, too high on one split and too low on the next, and put together these errors would cancel to an ECE of {pooled:.3f}. "
    "So judged, the constant has an ECE of {flat_ece:.3f}, Dual-Align {dual_ece:.3f}. By cost the order is another, in {dearer} of {n_splits} splits: {flat_cost:.3f} against {dual_cost:.3f}; the PoLM as it comes pays {raw_cost:.3f}. Much of what calibration saves here, knowing one accuracy saves as well. The rest is what a confidence *by question* buys, and no ECE can see it.",
    pooled=metrics.ece(*(np.concatenate([getattr(s, part) for s in judged["constant"]]) for part in parts)),
    flat_ece=mean.ECE["constant"],
    dual_ece=mean.ECE["dual-align"],
    flat_cost=mean.cost["constant"],
    dual_cost=mean.cost["dual-align"],
    raw_cost=mean.cost["vanilla"],
    dearer=int((scores.cost["constant"] > scores.cost["dual-align"]).sum()),
    n_splits=len(judged["constant"]),
)

# %% [markdown]
# The Brier score is **proper**: in expectation nobody gains by saying anything but what they believe. An ECE is not: it can be had by saying one number.
#
# ```{exercise} Which one to ship?
# :label: ex-which-to-ship
#
# Four confidences for the same forty answers, `A` to `D`, and which answers were `right`. Mira's pupils have all kinds of prices. Which of the four should she ship? Answer with its letter.
# ```

# %%
task = course.task("which-to-ship", me)
task

# %% [markdown]
# ```{solution-start} ex-which-to-ship
# :class: dropdown
# ```

# %% tags=["solution"]
found = {
    name: {"mean": values.mean(), "ECE": metrics.ece(values, task.right), "Brier": ((values - task.right) ** 2).mean()}
    for name, values in ((name, getattr(task, name)) for name in "ABCD")
}
print(pd.DataFrame(found).T.round(3))
answer = min(found, key=lambda name: found[name]["Brier"])
task.check(answer)

# %% [markdown] tags=["solution"]
# The answers are the same, so the error term is, too, and the top-label Brier score orders the costs. The smallest ECE belongs to the one that says the same number forty times.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## What each number sees
#
# | | order of questions | level of confidence |
# |---|---|---|
# | AUROC, risk-coverage | yes | no |
# | ECE | no | yes |
# | Brier, cost | yes | yes |

# %% [markdown] tags=["slide"]
# ## A promise without labels
#
# The head teacher asks for "at least 70 % of the answers shown are right". Without labels: take the least threshold above which the *mean confidence* reaches 70 %.
#
# **Predict first.** Who will keep the promise on held-out questions: the PoLM as it comes, Dual-Align, temperature scaling?

# %% tags=["slide"]
target = 0.7
kept = pd.DataFrame({name: promises(sides, target) for name, sides in held.items()}, index=decisions.Above._fields).T
kept = kept[["coverage", "delivered", "low", "high"]].astype(float)
kept.round(2)

# %% tags=["remove-input"]
sure = [f"`{m}`" for m in kept.index[kept.low >= target]]
doubtful = [f"`{m}`" for m in kept.index[(kept.delivered >= target) & (kept.low < target)]]
say(
    "`delivered` is the share of right answers among those given, `low` to `high` its 95 % interval. The promise is kept by {sure}; {doubtful} delivers enough, but {target:.0%} lies inside its interval. "
    "The PoLM as it comes answers {cover_raw:.1%} and delivers {got_raw:.0%}. Dual-Align answers only {cover_dual:.0%} and delivers {got_dual:.0%} ({low_dual:.0%} to {high_dual:.0%}): it is too careful on the questions it is surest of. A promise can be broken by boasting, and made useless by modesty.",
    sure=", ".join(sure),
    doubtful=", ".join(doubtful),
    target=target,
    cover_raw=kept.coverage["vanilla"],
    got_raw=kept.delivered["vanilla"],
    cover_dual=kept.coverage["dual-align"],
    got_dual=kept.delivered["dual-align"],
    low_dual=kept.low["dual-align"],
    high_dual=kept.high["dual-align"],
)

# %% [markdown]
# ```{exercise} A promise of so much accuracy
# :label: ex-kept-promise
#
# Fifteen calibrated confidences, and a `target`. Answers are given where the confidence is at least $t$. What is the least $t$ among the confidences for which the answers given have a mean confidence of at least the target? Two decimals.
# ```

# %%
task = course.task("kept-promise", me)
task

# %% [markdown]
# ```{solution-start} ex-kept-promise
# :class: dropdown
# ```

# %% tags=["solution"]
ordered = np.sort(task.confidence)[::-1]
running = np.cumsum(ordered) / np.arange(1, 16)
answer = ordered[running >= task.target - 1e-12][-1]  # a mean that is the target counts, rounded or not
print(pd.DataFrame({"confidence": ordered, "mean so far": running.round(3)}).head(10).to_string(index=False))
task.check(answer)

# %% [markdown] tags=["solution"]
# From the surest down, the running mean falls. One may go on below the target with single answers as long as the mean holds: surer answers make up for them.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Which method?
#
# The book sorts its settings by what the PLM is on those questions ([chapter 21](../notebooks/21_which_method.ipynb)); the first that fits counts:
#
# - **undecided**: its mean confidence is less than 5 points above a guess,
# - **at chance**: its accuracy is less than 5 points above a guess,
# - **off**: it knows something, but its ECE is more than .05 above the floor (a wider limit than that of lesson 7),
# - **calibrated**: the rest.
#
# **Predict first.** For which of them would you rather have 100 labels than any method without labels?

# %%
main, labels = (table.load(f"{folder}/../results/table", [name]) for name in ("main", "labels"))
situation = practice.situations(main)["situation"]
means = practice.by_situation(practice.held_out(main), situation)
gaps = practice.label_gaps(labels).join(situation, on=practice.SETTING)
enough = {name: practice.enough_labels(gaps[gaps.situation == name]) for name in means.index}

# %% tags=["slide"]
columns = {"dual-align": "dual-align", "daca": "daca", "align-all": "align-all", "temperature-scaling": "labels"}
shown = means[list(columns)].rename(columns=columns).assign(enough=pd.Series(enough))
shown.assign(settings=situation.value_counts()).round(3)

# %% tags=["remove-input"]
calm = gaps[(gaps.situation == "calibrated") & (gaps.rival == "dual-align")]
last = calm[calm.n == calm.n.max()]
say(
    "Mean ECE on held-out questions; `labels` is temperature scaling with the labels of all questions to fit on, and `enough` the number of labels from which on it beats every label-free method on three quarters of the settings (inf: not with the largest number tried; where the PLM is calibrated that is {most}, and there the labels beat Dual-Align on {wins:.0%} of the settings that have so many).",
    most=calm.n.max(),
    wins=(last.gap < 0).mean(),
)

# %% tags=["remove-input"]
best = means[list(practice.LABEL_FREE)].idxmin(axis=1)
say(
    "Where the PLM is calibrated, on {n_sets} sets only, `{best_calm}` has the smallest mean error of the label-free methods ({least_calm:.3f}, with no test of the difference); where it is off, `{best_off}` has it ({least_off:.3f}); in the other rows, {best_rest}. "
    "So the first question is not which method, but what the PLM is on *these* questions. About {few} labels are the fewest for which the book's own checks say anything about that.",
    few=checks.FEW_LABELS,
    n_sets=situation[situation == "calibrated"].index.unique("set").size,
    best_rest=", ".join(f"`{name}`" for name in best.drop(["calibrated", "off"]).unique()),
    best_calm=best["calibrated"],
    least_calm=means.loc["calibrated", best["calibrated"]],
    best_off=best["off"],
    least_off=means.loc["off", best["off"]],
)

# %% [markdown]
# Mira tries six methods on a validation split, and has a test split that nobody has looked at.
#
# ```{exercise} Which error may be reported?
# :label: ex-chosen-before
#
# Your task shows six `methods` with their ECE on a `validation` split and on a `test` split. She chooses one method, honestly, and reports one number for it, honestly. Which number? Three decimals.
# ```

# %%
task = course.task("chosen-before", me)
task

# %% [markdown]
# ```{solution-start} ex-chosen-before
# :class: dropdown
# ```

# %% tags=["solution"]
chosen = task.validation.argmin()
answer = task.test[chosen]
print(f"{task.methods[chosen]}: test {answer:.3f}; the best of six on the test {task.test.min():.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The validation error helped to choose, so it is too small on average; the best test error would have been chosen after the fact. What is left is the test error of the method chosen before.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Thirty labels
#
# You have a PLM, a PoLM, a thousand questions, thirty labels.
#
# 1. fit a temperature on the thirty?
# 2. or check the PLM with them, and align on the thousand?
#
# **Vote, then give a reason.**

# %% [markdown] tags=["slide-only"]
# ## The project
#
# - one pair, one set, one page of 400 words
# - premise, method, judgement, what may be shown
# - rubric of seven rows; "nothing can be shown here" can have full marks

# %% [markdown]
# ## The project
#
# You can now do the whole thing for a pair and a set of your own choice: check the premise, choose a method, calibrate, judge, and say what may be shown to a pupil. [The project](../teach/project.md) says what to hand in and how it is judged.

# %% [markdown]
# ## What this lesson does not show
#
# - **Real prices.** A minute of a teacher and a wrong belief of a pupil have no common unit. The rule says what follows from prices, not what they are.
# - **What pupils do with a number.** Somebody who reads "72 %" may hear "right".
# - **Shift.** Thresholds and temperatures were fitted on questions like those they were judged on.
# - **A fair race.** The method with the smallest mean error on the book's settings is the best of several on *these* pairs.
#
# ## Summary
#
# - Prices make the threshold; the confidence must keep its promise for that to pay.
# - A temperature hardly changes the order of the questions. It changes where a threshold cuts.
# - Over all prices the cost is half the top-label Brier score plus half the error rate. An ECE does not see the order, and a small one is no small cost.
# - A promise can be broken by boasting and made useless by modesty.
# - First ask what the PLM is on these questions. Choose before the test, and report the test.
#
# **Next:** [the project](../teach/project.md), and the [post-test](post_test.md).

# %% [markdown]
# ## Check yourself

# %%
course.quiz("l8")

# %% [markdown] tags=["slide-only"]
# ## What to take home
#
# - answer $\iff 1 - p < c$
# - temperature: threshold yes, order hardly
# - Brier = cost; ECE alone is cheap
# - choose before the test
# - **Project:** one pair, one set, one page

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0–8 | 72 %: vote, table, threshold from prices | section 1 |
# | 8–14 | *From which confidence on?* alone | ex-price-threshold |
# | 14–26 | what acting on it costs: predict, figure; exercise in pairs | figure 1, ex-cost-of-acting |
# | 26–36 | whom to answer first: draw a curve, figure; *The surest first* | figure 2, ex-surest-first |
# | 36–48 | all prices at once: integrals at the board, check on screen | section 4 |
# | 48–60 | a small ECE is cheap: *Which one to ship?* in pairs; then predict three columns, table | ex-which-to-ship |
# | 60–68 | a promise without labels: predict, table | section 6 |
# | 68–78 | which method: table, discussion 4; *Which error may be reported?* | ex-chosen-before |
# | 78–86 | quiz | quiz l8 |
# | 86–90 | project: hand out the page, form teams | project |
#
# *All prices at once* and *A promise of so much accuracy* are homework, about fifteen minutes.

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. A line from 0 to 1 for $p$. Two cost lines over it: $10(1 - p)$ falling, 2 level. Mark where they cross; move the level line up and down.
# 2. Twelve ticks and crosses sorted by confidence. Cover the right half with your hand: coverage is how many are seen, risk how many crosses among them.
# 3. A unit square, price across, cost up. For a right answer with $p = .8$ shade the small triangle up to $1 - p$; for a wrong one the triangle and then the full height. Read off $\tfrac12 (1 - p)^2$ and $p$.
# 4. A table: rows constant, Dual-Align, PoLM; columns ECE, cost, AUROC. Guesses in red, numbers in black.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# - **"Answer if it is right more often than not."** A threshold of one half is a price of one half. Ask whether a wrong answer and a question to the teacher cost a pupil the same.
# - **"Answer if the helper's accuracy is high enough."** Accuracy is an average over other questions. Give two questions with 95 % and 40 % and the same average.
# - **"Risk = 1 − coverage."** Two shares that lie between 0 and 1. Use the covered ticks and crosses.
# - **"Lowest ECE, best confidence."** The constant. Let them find it themselves in *Which one to ship?* before the discussion.
# - **"The smallest test error is the result."** Ask how many were tried; show lesson 6's columns *best* and *elsewhere* again.

# %% [markdown] tags=["guide"]
# ## Discussion
#
# 1. *Who sets the price of silence in a school?* Listen for: it is a value judgement, differs by subject and pupil; a system that averages over prices hides it.
# 2. *Would you rather have a model whose promise is broken by five points or one that keeps it and answers hardly anything?* Listen for: what the alternative to an answer is; how the pupil hears the number.
# 3. *Why can BaseCal order questions otherwise than every temperature?* Listen for: another source of confidence, the PLM's belief in the PoLM's answer; it costs a second model at each question.
# 4. *You have thirty labels. Fit on them, or check the PLM with them?* Listen for: the noise of thirty; the table row by row; that the same labels may serve both, in that order, and should not judge the result.
# 5. *A vendor reports ECE .01. What do you ask?* Listen for: on how many questions, floor, Brier or AUROC, chosen on what, calibrated for whom.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# Give section 4 as a result with the drawing of the unit square, and leave the promise for the project. Keep *Which one to ship?*: it undoes the belief that a small ECE is the goal.
