# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 6: Dual-Align, or what a disagreement can still teach
#
# On many questions Mira's two models give different answers. DACA throws these away. That seems a waste: the old model cannot say how sure one should be of an answer that is not its own, but it does say *something*. What?
#
# | You need | [Lesson 5](05_aligning.ipynb): the confidence loss; [lesson 4](04_drift.ipynb): peak layer, stability entropy |
# |---|---|
# | **Helpful** | [chapter 4](../notebooks/04_deriving_dual_align.ipynb), where the method is derived; [chapter 9](../notebooks/09_readings.ipynb), where all its readings are measured |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - say what an entropy knows about a belief, and what it does not,
# - compute the process loss and find where it vanishes,
# - say why a vanished loss need not mean a calibrated model,
# - compute a question's weight and put the objective together,
# - name what the public record leaves open, and judge a result chosen among many readings.

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
from dualalign import all_readings, course, drift, ledger, metrics, plots, protocol, readings, results
from dualalign.book import say
from dualalign.course import maths
from dualalign.experiments import table

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it draws your own data

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
agree = drift.agreement(traces)
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)

# %% tags=["remove-input"]
say(
    "Of the {n} ARC-Easy questions of this lesson the two models disagree on {apart:.0%}. These are the questions that DACA throws away.",
    n=len(traces),
    apart=float((~agree).mean()),
)

# %% [markdown] tags=["slide"]
# ## What is left to learn from a disagreement?
#
# The PLM believes 10, 70 and 20 %. The PoLM believes 90, 7 and 3 %.
#
# **Predict first.** Which of these can the PLM still tell the PoLM: which option is right, how sure to be of option A, or how sure to be at all?

# %% tags=["slide"]
plm, polm = np.array([0.10, 0.70, 0.20]), np.array([0.90, 0.07, 0.03])
exchanged = plm[[1, 0, 2]]  # the PLM's belief with A and B exchanged
beliefs = {"PLM": plm, "PLM, A and B exchanged": exchanged, "PoLM": polm}
rows = {name: [*belief, belief.max(), maths.entropy(belief)] for name, belief in beliefs.items()}
pd.DataFrame(rows, index=["A", "B", "C", "confidence", "entropy"]).T.round(2)

# %% [markdown]
# Exchange two options, and the entropy stays. **Entropy knows how decided a belief is, and not for what.** That is just what is left when the answers differ: not *which*, but *how decided*.
# It is a bet, of course: that a question which leaves the PLM undecided ought to leave the PoLM undecided as well.

# %% [markdown] tags=["slide"]
# ## Where to read it
#
# The answer is worked out over the layers. [Lesson 4](04_drift.ipynb) found the **peak layer**, where the two models part most sharply. Dual-Align {cite:p}`luo2026dualalign` reads entropies from there on:
#
# $$ \mathrm{ISE}(x; \tau) = \frac{1}{L - l^\star + 1} \sum_{l \ge l^\star} H\big(\operatorname{softmax}(z^l / \tau)\big) $$
#
# ($\tau$ is the $T$ of lesson 5 in the paper's letter, $L$ the number of layers, $l^\star$ the peak layer.)
#
# **Predict first.** From the peak layer on the PoLM's logits lie further apart. Which model's curve lies lower there?

# %%
tau = da.DualAlign().fit(fitting).temperature_
shown = traces.question_ids.index("arc_easy_test/437")  # the models disagree on it
decided = plots.prepare_decided(traces, shown, tau)
inside = decided[decided.inside].mean()

# %% tags=["slide"] mystnb={"figure": {"caption": "How decided both models are, layer by layer, on one question on which they disagree. Shaded: from the peak layer on; marks at the right: the means there, which are the stability entropies. Circle: PLM; square: PoLM; diamond: PoLM at T. What to see: at the peak layer the PoLM is suddenly decided, and only near the end less so; a temperature lifts its curve at every layer, by different amounts.", "name": "fig-course-decided"}, "image": {"alt": "Three curves of entropy over the layers. From the peak layer {peak} on the PLM's mean is {ise_plm:.2f} nats, the PoLM's {ise_polm:.2f}, and {ise_heated:.2f} once its logits are divided by {tau:.2f}."}}
ax = plots.plot_decided(decided, tau)

# %% tags=["remove-input"]
say(
    "From layer {peak} on, the PLM's entropy is {ise_plm:.2f} nats on average and the PoLM's {ise_polm:.2f}. Divided by {tau:.2f}, the temperature that Dual-Align finds on this set, it is {ise_heated:.2f}. One temperature serves all questions, so on a single one it may overshoot. And no temperature makes the two curves the same: that would take one for each layer.",
    peak=int(decided[decided.inside].layer.min()),
    ise_plm=inside["PLM"],
    ise_polm=inside["PoLM"],
    ise_heated=inside["PoLM at T"],
    tau=tau,
)

# %% [markdown]
# Two entropies can be compared only if it is clear *at which temperature* each was taken. The PLM's is always taken at 1. The PoLM's is taken at $\tau$, the number we are looking for.
#
# ```{exercise} How decided, from the peak on
# :label: ex-ise-by-hand
#
# Your task shows the logits of a model for three options at five layers (`logits`, 5 × 3, first layer first), the `peak` layer (counted from 1) and a `temperature`, which divides the logits of every layer from the peak on.
# Compute the stability entropy: the mean entropy from the peak layer to the last, the peak included. In nats, three decimals.
# ```

# %%
task = course.task("ise-by-hand", me)
task

# %% [markdown]
# ```{solution-start} ex-ise-by-hand
# :class: dropdown
# ```

# %% tags=["solution"]
beliefs = np.exp(task.logits[task.peak - 1 :] / task.temperature)
beliefs = beliefs / beliefs.sum(axis=1, keepdims=True)
entropies = -(beliefs * np.log(beliefs)).sum(axis=1)
answer = entropies.mean()
print(entropies.round(3), f"mean {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Layer `peak` is row `peak - 1`. First the entropy of each layer, then the mean: the entropy of the mean belief is another reading, in which a model that changes its mind looks undecided.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## The process loss
#
# $$ S(x; \tau) = \big(\mathrm{ISE}_f(x; \tau) - \mathrm{ISE}_g(x; 1)\big)^2 $$
#
# **Predict first.** Does $\mathrm{ISE}_f$ always grow with $\tau$? And so, how many valleys can $S$ of one question have?

# %% [markdown]
# The entropy of a softmax never falls as the temperature grows, because $dH/d\tau = \operatorname{Var}_q(z)/\tau^3 \ge 0$. A check by finite difference:

# %%
z, tau_0, h = np.array([4.0, 2.5, 0.0, -1.0]), 2.0, 1e-5
q = maths.softmax(z, tau_0)
variance = q @ z**2 - (q @ z) ** 2
low, high = (maths.entropy(maths.softmax(z, t)) for t in (tau_0 - h, tau_0 + h))
print(f"formula {variance / tau_0**3:.6f}, finite difference {(high - low) / (2 * h):.6f}")

# %% [markdown]
# So a mean of entropies grows too, meets the PLM's at one temperature, and $S$ of one question has one valley. The *mean* of many such losses may have several. That is why the search looks at the whole range first.
#
# ```{exercise} Equally decided
# :label: ex-equally-decided
#
# Your task shows the logits of both models from the peak layer to the last (`plm_layers` and `polm_layers`, a row a layer, four options). The PLM keeps temperature 1. Find the temperature of the PoLM, dividing all of its layers
# shown, at which the process loss is zero. Two decimals.
# ```

# %%
task = course.task("equally-decided", me)
task

# %% [markdown]
# ```{solution-start} ex-equally-decided
# :class: dropdown
# ```

# %% tags=["solution"]
target = maths.entropy(maths.softmax(task.plm_layers)).mean()
grid = np.arange(0.05, 60, 0.002)
found = maths.entropy(maths.softmax(task.polm_layers / grid[:, None, None])).mean(axis=1)
answer = grid[np.abs(found - target).argmin()]
print(f"target {target:.3f} nats, T = {answer:.2f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The PLM's stability entropy is a fixed number. The PoLM's rises with the temperature from 0 to $\ln 4$, so it meets that number exactly once. Which options either model prefers did not enter anywhere.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## The loss is zero. Is the model calibrated?
#
# **Predict first.** Suppose that on every question the process loss vanished, and that the PLM is calibrated. Must the PoLM be calibrated then?
#
# - yes: it is now as decided as a calibrated model
# - no: something is missing

# %% [markdown]
# ```{exercise} The process loss has vanished
# :label: ex-loss-vanished
#
# Ten questions with *two* options each. Your task shows how sure each model was of its own answer (`plm_confidence`, and `polm_confidence` as it came), and whether that answer is right (`plm_right`, `polm_right`: 1 or 0). Only the last layer is read.
# Suppose that a fit makes the process loss zero on *every* question. What is the PoLM's gap then, its mean confidence less its accuracy? Three decimals.
# ```

# %%
task = course.task("loss-vanished", me)
task

# %% [markdown]
# ```{solution-start} ex-loss-vanished
# :class: dropdown
# ```

# %% tags=["solution"]
now = task.plm_confidence  # two options, equal entropies: equally sure, perhaps of different ones
answer = now.mean() - task.polm_right.mean()
inherited = now.mean() - task.plm_right.mean()
print(f"gap {answer:+.3f}: the PLM's own {inherited:+.3f}, and {answer - inherited:+.3f} of accuracy")
task.check(answer)

# %% [markdown] tags=["solution"]
# With two options equal entropies are equal confidences. So the PoLM says what the PLM says, about its own answers. Its gap is the PLM's gap plus the PLM's accuracy less the PoLM's. What post-training did to accuracy
# no entropy can tell.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Both losses, weighted by the question
#
# $$ \min_\tau \; \frac1N \sum_x w(x)\, C(x; \tau) + \big(1 - w(x)\big)\, S(x; \tau), \qquad w(x) = 1 - \frac{\mathrm{JSD}(p_g, p_f)}{\ln 2} $$
#
# - $C$ is the confidence loss of lesson 5
# - models end close together: $w$ near 1, align the answer's confidence
# - models end far apart: $w$ near 0, align the process
#
# **Predict first.** What is the mean weight where the two models agree, and where they do not?

# %% tags=["slide"]
weight = 1 - drift.final_divergence(traces) / np.log(2)
where = np.where(agree, "agree", "differ")
by_regime = pd.Series(weight).groupby(where).describe()[["count", "mean", "min", "25%", "75%", "max"]]
by_regime.round(2)

# %% tags=["remove-input"]
say(
    "The mean weight is {w_agree:.2f} where the models agree and {w_differ:.2f} where they do not. Not 1 and 0: models can agree and be unequally sure, or disagree and both hardly know. So even on disagreements most of the weight is with the confidence loss here.",
    w_agree=float(by_regime.loc["agree", "mean"]),
    w_differ=float(by_regime.loc["differ", "mean"]),
)

# %% [markdown]
# ```{exercise} How much of each loss?
# :label: ex-question-weight
#
# Your task shows the final beliefs of both models about one question, `plm` and `polm`. Compute the weight $w$ of its confidence loss, three decimals. (The divergence of Jensen and Shannon is the mean of the two KL divergences to
# the middle $m = (p_g + p_f)/2$; in nats it is at most $\ln 2$.)
# ```

# %%
task = course.task("question-weight", me)
task

# %% [markdown]
# ```{solution-start} ex-question-weight
# :class: dropdown
# ```

# %% tags=["solution"]
middle = (task.plm + task.polm) / 2
divergence = sum((p * np.log(p / middle)).sum() for p in (task.plm, task.polm)) / 2
answer = 1 - divergence / np.log(2)
print(f"JSD {divergence:.3f} nats, w = {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Equal beliefs have $w = 1$. Beliefs without a common option have a divergence of $\ln 2$ and $w = 0$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Who decides?
#
# Each half has its own valley. The optimum of the sum lies where the two slopes cancel.
#
# **Predict first.** The confidence half alone wants a higher temperature than the process half. Nearer to which of them will Dual-Align end?

# %% tags=["slide"] mystnb={"figure": {"caption": "Dual-Align's objective over the temperature and its two weighted parts, ARC-Easy. What to see: the process part has its valley further left, and the steeper and heavier part draws the optimum of the sum to its side.", "name": "fig-course-objective"}, "image": {"alt": "Three curves over a logarithmic temperature axis: the total with its lowest point at T = {t_dual:.2f}, between the process part alone at {t_process:.2f} and the confidence part alone at {t_confidence:.2f}."}}
ax = plots.plot_objective(plots.prepare_objective(fitting))

# %%
methods = ("vanilla", "align-all", "daca", "confidence-only", "process-only", "dual-align", "temperature-scaling")
fitted = {name: da.METHODS[name]().fit(fitting) for name in methods}
judged = {name: {"T": one.temperature_} | protocol.judge(one, testing, draws=200) for name, one in fitted.items()}
halves = pd.DataFrame(judged).T[["T", "confidence", "accuracy", "ece", "ece_floor"]]
halves.round(3)

# %% tags=["remove-input"]
say(
    "The process half alone asks for T = {t_process:.2f}, the confidence half for {t_confidence:.2f}. Together they settle at {t_dual:.2f}; DACA is at {t_daca:.2f} and the temperature from labels at {t_oracle:.2f}. In this set two quite different ideas, dropping disagreements and weighing them, end close together. By the ECE on this split the process half alone has {ece_process:.3f} and both together {ece_dual:.3f}: two errors so close on one split are no result.",
    t_process=halves["T"]["process-only"],
    t_confidence=halves["T"]["confidence-only"],
    t_dual=halves["T"]["dual-align"],
    t_daca=halves["T"]["daca"],
    t_oracle=halves["T"]["temperature-scaling"],
    ece_process=halves.ece["process-only"],
    ece_dual=halves.ece["dual-align"],
)

# %% [markdown]
# ```{exercise} Which temperature does Dual-Align choose?
# :label: ex-objective-choice
#
# Your task holds six questions and thirteen `temperatures`: the confidence losses `C` and the process losses `S` (6 × 13, a row a question, a column a temperature), and the weights `w`. Which of the temperatures has the least objective?
# ```

# %%
task = course.task("objective-choice", me)
task

# %% [markdown]
# ```{solution-start} ex-objective-choice
# :class: dropdown
# ```

# %% tags=["solution"]
confidence = (task.w[:, None] * task.C).mean(axis=0)
process = ((1 - task.w)[:, None] * task.S).mean(axis=0)
answer = task.temperatures[(confidence + process).argmin()]
for name, part in {"C half": confidence, "S half": process, "both": confidence + process}.items():
    print(f"{name}: {task.temperatures[part.argmin()]:g}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The two halves are added before the minimum is taken. Taking the minimum of each and averaging would ignore how steep each of them is.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## What the record leaves open
#
# The paper's text is not ours in full; its summaries and reviews can be read in more than one way. Among what is open: how layers are aggregated, which layers $\tau$ divides, the form of $w$, the direction of the KL, the base of the logarithm.
#
# **Predict first.** Of these five, which will move the temperature most, and which hardly at all?

# %%
rows = table.load(f"{folder}/../results/table", ["ablation"])
effects = readings.effects(rows, "ece")
effects["verdict"] = readings.verdicts(effects, 0.01)
effects["asks"] = [{part.argument: part.asks for part in readings.OPEN}[name.split("=")[0]] for name in effects.index]
columns = {"asks": "asks", "value": "change of ECE", "low": "low", "high": "high", "p_holm": "p (Holm)"}
columns |= {"verdict": "verdict", "ratio": "T ratio"}

# %% tags=["slide"]
asked = ["aggregate=sum-entropy", "tempered=last", "weight=hard", "kl=polm-first", "base=2"]
effects.loc[asked, ["ratio", "value"]].rename(columns=columns).round(2)

# %% [markdown]
# `T ratio` is the temperature over the default's. Of the five the sum over the layers moves it most, the base of the logarithm least.
#
# Here are all changes of one choice ([chapter 9](../notebooks/09_readings.ipynb) explains each): the mean change of the ECE, its 95 % interval over the sets, and the p-value after Holm's correction ([lesson 3](03_comparing.ipynb)) for all rows of the table. The verdict follows a rule:
#
# - **small**: the whole interval lies within ±.01,
# - **raises** or **lowers**: not small, and the corrected p-value is at most .05,
# - **undecided**: the rest, even where the interval by itself leaves out zero. Among so many intervals one does so by chance more often than not.

# %%
effects[list(columns)].rename(columns=columns).round(3).sort_values("verdict", kind="stable")

# %% tags=["remove-input"]
counted = effects.verdict.value_counts()
say(
    "That is every single change from our default, over all pairs and sets. {raises} of {changes} changes raise the error, {lowers} lower it, {small} change it by less than .01, and {undecided} are undecided; of these, {outside} have an interval without zero. The temperature runs from {ratio_low:.2f} to {ratio_high:.2f} times the default's. "
    "Our default was fixed before any of these numbers were seen.",
    changes=len(effects),
    **{word: int(counted.get(word, 0)) for word in ("raises", "lowers", "small", "undecided")},
    outside=int(((effects.verdict == "undecided") & (effects.low * effects.high > 0)).sum()),
    ratio_low=float(effects.ratio.min()),
    ratio_high=float(effects.ratio.max()),
)

# %% [markdown]
# Some readings are others in disguise. A sum over layers is larger than their mean, so with `sum-entropy` the process loss outweighs the confidence loss, just as if the weight had been lowered.
#
# ```{exercise} A reading in disguise
# :label: ex-reading-disguised
#
# Suppose that every question has the same number of `layers` from its peak to the last, and that the weight is a fixed number `w`. With `sum-entropy` the stability entropies of both models are *sums* over these layers instead of means.
# Which fixed weight, used with means, finds the same temperature? Three decimals.
# ```

# %%
task = course.task("reading-disguised", me)
task

# %% [markdown]
# ```{solution-start} ex-reading-disguised
# :class: dropdown
# ```

# %% tags=["solution"]
larger = task.layers**2  # a gap grows with the number of layers, its square with the square
answer = task.w / (task.w + (1 - task.w) * larger)
print(f"the process loss is {larger} times as large: w = {task.w} acts like {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The objective becomes $wC + (1 - w)\,m^2 S$. Only the ratio of the two factors decides where the minimum lies. Dividing both by their sum gives the weight that does the same with means.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Choosing a reading afterwards
#
# There are hundreds of combinations of readings. On the main pair, somebody tries them all on a test set and reports the best.
#
# **Predict first.** How much of the gain over the default is left when the reading was chosen on *other* sets?

# %% tags=["slide"]
cube = all_readings.cube(table.load(f"{folder}/../results/table", ["factorial"]), "ece")
hindsight = all_readings.hindsight(cube)
hindsight[["default", "best", "elsewhere"]].round(3)

# %% tags=["remove-input"]
gain, kept = (all_readings.over_sets(hindsight[name]) for name in ("gain", "kept"))
premise = results.premise(table.load(f"{folder}/../results/table", ["main"])).loc[pair, "choices"].holds
calm = hindsight[premise.loc[hindsight.index]]
say(
    "`best` picks for each set, among {many} readings, by its own test questions, `elsewhere` the reading that is best on the other sets. Hindsight gains {gain:.3f} of ECE on average. Chosen elsewhere, {kept:.3f} of it is left (95 % interval {kept_low:+.3f} to {kept_high:+.3f}): nothing that can be told from zero. On the {n_calm} sets whose PLM is calibrated ({calm}) the reading chosen elsewhere even has {calm_elsewhere:.3f}, where the default has {calm_default:.3f}.",
    many=int(np.prod(cube.values.shape[1:-1])),
    n_calm=len(calm),
    calm=", ".join(calm.index),
    calm_elsewhere=calm.elsewhere.mean(),
    calm_default=calm.default.mean(),
    gain=gain[0],
    kept=kept[0],
    kept_low=kept[1],
    kept_high=kept[2],
)

# %% [markdown] tags=["slide"]
# ## So, is it better than DACA?
#
# **Predict first.** On the book's pairs and sets, with labels in hand to judge: yes, no, or cannot say?

# %% tags=["slide"]
main = table.load(f"{folder}/../results/table", ["main"])
errors = results.by_setting(main[ledger.own_style(main)], "ece")
others = ["vanilla", "process-only", "daca", "confidence-only", "align-all", "temperature-scaling"]
rivals = results.difference(errors, others)
rivals[["value", "low", "high", "p_holm"]].round(3)

# %% tags=["remove-input"]
say(
    "That is the ECE of Dual-Align less that of each rival, over {sets} sets; below zero Dual-Align is better. Against DACA it is {daca:+.3f} ({daca_low:+.3f} to {daca_high:+.3f}): Dual-Align {daca_verdict} DACA. Against align-all it is {all_:+.3f}: the plain method has the {all_word} mean here. Lesson 7 asks why. (Holm's correction is for {tests} rivals here. Chapter 8 makes more comparisons, and there the lead of temperature scaling does not stand. It also splits the mean by family of models: on one of two Dual-Align is ahead of DACA.)",
    sets=int(rivals.sets["daca"]),
    daca=rivals.value["daca"],
    daca_low=rivals.low["daca"],
    daca_high=rivals.high["daca"],
    daca_verdict=results.verdict(rivals.low["daca"], rivals.high["daca"]),
    tests=len(others),
    all_=rivals.value["align-all"],
    all_word="lower" if rivals.value["align-all"] > 0 else "higher",
)

# %% [markdown]
# ## What this lesson does not show
#
# - **What the authors did.** Ours is one reading of a method whose text we do not have in full. No number of theirs is quoted.
# - **Why inner layers should help.** $\tau$ divides every layer in the fit and only the last one in use. That the inner layers know how decided one should be is the bet, not a result.
# - **A PLM that is wrong.** Every loss of this lesson copies the PLM, one its beliefs, the other its decidedness.
#
# ## Summary
#
# - Entropy knows how decided a belief is, not for what: so it can be compared even where the answers differ.
# - The process loss is a squared gap of stability entropies. The loss of one question has one valley; the mean of many may have several.
# - A process loss of zero makes the PoLM as decided as the PLM. Whether that is right depends on both models' accuracy.
# - The weight is near 1 where the models end close together. It shades, it does not switch.
# - By their mean ECE on the book's settings Dual-Align and DACA cannot be told apart. A reading chosen after the test is a result about the test.
#
# **Next:** [lesson 7](07_premise.ipynb): what if the old model is wrong?

# %% [markdown]
# ## Check yourself

# %%
course.quiz("l6")

# %% [markdown] tags=["slide-only"]
# ## What to take home
#
# - entropy: how decided, not for what
# - $w$ near 1: align confidence; $w$ near 0: align the process
# - loss zero $\ne$ calibrated
# - fix the reading before the test

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0–8 | what is left to learn from a disagreement: three hands-up votes, then the table | section 1 |
# | 8–18 | peak layer and stability entropy, figure; *How decided, from the peak on* | figure 1, ex-ise-by-hand |
# | 18–28 | process loss: derive $dH/d\tau$ or quote it, check it; *Equally decided* in pairs | section 3, ex-equally-decided |
# | 28–38 | vote: zero loss, calibrated? Exercise, vote again | ex-loss-vanished |
# | 38–48 | weight: predict two means, table, *How much of each loss?* | ex-question-weight |
# | 48–58 | who decides: figure; *Which temperature does Dual-Align choose?* | figure 2, ex-objective-choice |
# | 58–68 | readings: vote for the two most and the two least important, table | section 7 |
# | 68–76 | choosing afterwards: predict, table, why is so little left? | section 8 |
# | 76–82 | is it better than DACA? Read the interval together | section 9 |
# | 82–90 | quiz, take home | quiz l6 |
#
# *A reading in disguise* is homework, ten minutes with the explanation.

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. Two bar charts that favour different options. Under each its entropy. Exchange two bars of one: the entropy stays.
# 2. A path of layers as a line of dots, the peak circled. From there on a bracket: "mean entropy".
# 3. A rising curve $\mathrm{ISE}_f(\tau)$, a level line $\mathrm{ISE}_g$, their crossing; below it the parabola-like $S$. This is the drawing of lesson 5 turned upside down: point that out.
# 4. The objective in one line, $w$ and $1 - w$ in two colours. Then two valleys side by side with arrows for slopes; mark where the arrows cancel.
# 5. A table with columns default, best, elsewhere, empty. Fill in guesses before the numbers.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# - **"The loss is zero, so the model is calibrated."** A loss compares two models; calibration compares a model with the truth. The exercise takes the gap apart into two sums; write them on the board.
# - **"$w$ is near 1 where the models differ."** From "weight = how much there is to correct". Ask what the confidence loss does where the answers differ.
# - **Entropies compared at different temperatures.** In the first figure the PoLM's curve is drawn twice. Ask which of the two is compared with what, and why the PLM is not heated.
# - **"A sum instead of a mean is only a factor."** It is, on *one* of two terms.
# - **"More readings tried, more thorough."** More readings tried on the test set, more optimism. Column *elsewhere* is the cure.

# %% [markdown] tags=["guide"]
# ## Discussion
#
# 1. *When would you not want a PoLM to be as undecided as its PLM?* Listen for: where post-training taught it something; a medical model that has learned medicine.
# 2. *The weights of agreements and disagreements overlap. Is that a fault?* Listen for: it shades by how far the beliefs are apart, not by the argmax; but then much of the weight stays with the confidence loss, even on disagreements.
# 3. *Why is the PLM's entropy taken at temperature 1?* Listen for: it is the reference, we trust it as it is; heating both would let both drift to infinity, where all entropies are equal.
# 4. *You review a paper whose method has four free choices, all fixed "by preliminary experiments". What do you ask?* Listen for: on which questions; how many were tried; what happens on sets not looked at.
# 5. *Dual-Align and DACA are not told apart. Is that a negative result?* Listen for: an interval with zero inside is not equality; what difference would matter in practice, and could seven sets show it?

# %% [markdown] tags=["guide"]
# ## If time is short
#
# Skip the derivative of the entropy and *Equally decided*; the level line and the rising curve at the board say it all. Shorten the readings to the table and one sentence. Keep the vote on "zero loss": it prepares lesson 7.
