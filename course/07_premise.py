# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 7: What if the old model is wrong?
#
# Until now Mira trusted her old model's doubts. Nobody has checked them on her pupils' questions, and without labels nobody can. If the old model boasts as well, what will the new one learn from it? And is there a method that would notice?
#
# | You need | [Lesson 5](05_aligning.ipynb): align-all and DACA; [lesson 6](06_dual_align.ipynb): the process loss |
# |---|---|
# | **Helpful** | Bayes' rule in odds; covariance; [chapter 7](../notebooks/07_world.ipynb), [chapter 13](../notebooks/13_premise_dial.ipynb) and [chapter 14](../notebooks/14_transfer.ipynb) for the whole story |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - say what the premise of label-free calibration is, and check it with labels,
# - measure which share of a reference's error a method inherits, and derive who follows it,
# - compute an exact belief, and say when aligning on all questions is exactly right,
# - explain how the plainest method can have the smallest error for a bad reason,
# - decide between own questions without labels and labels from elsewhere.

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
from dualalign import course, drift, ledger, metrics, plots, results, travel
from dualalign.book import say
from dualalign.calibrators import METHODS
from dualalign.course import maths
from dualalign.experiments import premise, table

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it draws your own data

# %%
tables = f"{folder}/../results/table"
shipped = table.load(tables, ["premise"])
dial, inherited = plots.prepare_dial(shipped), plots.prepare_inherited(shipped)

# %% [markdown] tags=["slide-only"]
# ## The premise
#
# - every method so far copies something of the PLM
# - the **premise**: the PLM's confidence is right on these questions
# - checking it takes labels; using it does not
# - **What if it fails?**

# %% [markdown] tags=["slide"]
# ## Turn the old model's confidence like a dial
#
# We can spoil a PLM on purpose: multiply its logits by $s$. Its answers stay, and its confidence rises with $s$. The **gap** is mean confidence less accuracy.
#
# **Predict first.** Double the PLM's logits, so that it boasts. Which of these will follow least: align-all, DACA, or the process loss alone?

# %% tags=["slide"] mystnb={"figure": {"caption": "The dial on ARC-Easy. Left: each method's temperature over the factor of the PLM's logits. Right: each method's gap over the PLM's gap; on the thick grey diagonal all of the PLM's error is inherited. The dotted upright on the left is the factor at which the PLM is calibrated. What to see: the methods that copy the PLM turn with the dial, align-all the least; what ignores the PLM's confidence does not move.", "name": "fig-course-dial"}, "image": {"alt": "Two panels. Left, falling curves of temperature over the dial. Right, rising curves of the method's gap over the PLM's gap: align-all takes over {share_align:.0%} of a change, DACA {share_daca:.0%}, the process loss alone {share_process:.0%}; temperature scaling is level."}}
here = dial[(dial.pair == pair) & (dial.set == "arc-easy")]
shown = ["align-all", "daca", "dual-align", "process-only", "temperature-scaling"]
calibrated = here.loc[(here.method == "plm") & (here.setting == "labels"), "scale"].iloc[0]
axes = plots.plot_dial(here, shown, calibrated)

# %% [markdown]
# The **inherited share** is how much of a change of the PLM's gap, from half to double its logits, a method takes over. The table gives it on ARC-Easy, and its mean, least and largest value over all combinations of pair and set.

# %%
of_pair = inherited[(inherited.pair == pair) & (inherited.set == "arc-easy")].set_index("method")
share = inherited.pivot(index=["pair", "set"], columns="method", values="value")
everywhere = share[shown].agg(["mean", "min", "max"]).T
everywhere.insert(0, "ARC-Easy", of_pair["value"].reindex(shown))
everywhere.round(2)

# %% tags=["remove-input"]
say(
    "On ARC-Easy the share is {share_align:.0%} for align-all, {share_daca:.0%} for DACA and {share_process:.0%} for the process loss alone; "
    "over all {combinations} combinations of pair and set, on the mean, {mean_align:.0%}, {mean_daca:.0%}, {mean_dual:.0%} for Dual-Align and {mean_process:.0%}.",
    share_align=of_pair.value["align-all"],
    share_daca=of_pair.value["daca"],
    share_process=of_pair.value["process-only"],
    combinations=len(share),
    **{f"mean_{name.split('-')[0]}": share[name].mean() for name in ("align-all", "daca", "dual-align", "process-only")},
)

# %% [markdown]
# ```{exercise} What is inherited
# :label: ex-inherited-share
#
# Your task shows five settings of the dial (`scales`, from half to double): the mean confidence of the PLM and of a method there (`plm_confidence`, `method_confidence`), and both accuracies, which the dial does not change.
# Compute the inherited share from half to double: the rise of the method's gap over the rise of the PLM's gap. Three decimals or per cent.
# ```

# %%
task = course.task("inherited-share", me)
task

# %% [markdown]
# ```{solution-start} ex-inherited-share
# :class: dropdown
# ```

# %% tags=["solution"]
method, plm = (values[-1] - values[0] for values in (task.method_confidence, task.plm_confidence))
answer = method / plm
print(f"the method rises by {method:.3f}, the PLM by {plm:.3f}: share {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The accuracies cancel: the dial changes no answer, so a rise of the gap is a rise of the mean confidence.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## The inherited share
#
# $$ \text{share} = \frac{\text{rise of the method's gap}}{\text{rise of the PLM's gap}} $$
#
# - 0: ignores the PLM's confidence; 1: copies all of its error
# - no accuracy changes, so it is a ratio of mean confidences
# - **What is the share of temperature scaling? Of a model aligned perfectly?**

# %% [markdown] tags=["slide"]
# ## Why does one follow less than the other?
#
# At the optimum both beliefs expect the same of the PoLM's logits. Turn the dial a little, and both sides change. A mean under a softmax changes by a covariance: with $\beta$ the left side by the variance of $z_f$, with $s$ the right one by its covariance with $z_g$. Equate both:
#
# $$ \frac{d\beta}{ds} = \frac{\sum_x \operatorname{Cov}_{p_g}(z_g, z_f)}{\sum_x \operatorname{Var}_{q_\beta}(z_f)}. $$
#
# **Predict first.** Where the two models disagree, will the covariance of their logits be larger or smaller?

# %% tags=["slide"]
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
z_g, z_f = (np.where(traces.mask, z, 0).astype(float) for z in (traces.plm_final, traces.polm_final))
p_g, agree = np.exp(drift.log_softmax_options(traces.plm_final)), drift.agreement(traces)
covariance = (p_g * z_g * z_f).sum(1) - (p_g * z_g).sum(1) * (p_g * z_f).sum(1)
q = np.exp(drift.log_softmax_options(traces.polm_final, METHODS["align-all"]().fit(traces).temperature_))
variance = (q * z_f**2).sum(1) - (q * z_f).sum(1) ** 2
pulls = pd.DataFrame({"covariance": covariance, "variance": variance, "negative": covariance < 0})
pulled = pulls.groupby(np.where(agree, "agree", "differ")).mean()
pulled.assign(pull=pulled.covariance / pulled.variance).round(3)

# %%
fitted = [METHODS["align-all"]().fit(premise.dialled(traces, s)).temperature_ for s in (0.99, 1.01)]
print(f"formula {covariance.sum() / variance.sum():.4f}, by difference {(1 / fitted[1] - 1 / fitted[0]) / 0.02:.4f}")

# %% tags=["remove-input"]
say(
    "The mean covariance is {cov_agree:.2f} on agreement and {cov_differ:.2f} on disagreement, where it is negative on {negative:.0%} of the questions. The variance is smaller there, too, but less so: divided by it, agreement pulls with {pull_agree:.2f} and disagreement with {pull_differ:.2f}. So disagreements are a brake: a method that drops them follows the PLM more closely, into its errors too.",
    cov_agree=pulled.covariance["agree"],
    cov_differ=pulled.covariance["differ"],
    negative=pulled.negative["differ"],
    pull_agree=pulled.covariance["agree"] / pulled.variance["agree"],
    pull_differ=pulled.covariance["differ"] / pulled.variance["differ"],
)

# %% [markdown]
# ```{exercise} Who follows the dial?
# :label: ex-dial-pull
#
# Your task holds six questions with three options: `plm_logits` and `polm_logits` (6 × 3). Find align-all's $\beta = 1/T$ for them, and then $d\beta/ds$ at $s = 1$: how fast it follows when the PLM's logits are multiplied by $s$. Three decimals. The
# covariance is taken under the PLM's belief, the variance under the aligned PoLM's. `maths.aligned(polm_logits, beliefs)` returns align-all's temperature; check your formula with it, at $s = 0.99$ and at $s = 1.01$.
# ```

# %%
task = course.task("dial-pull", me)
task

# %% [markdown]
# ```{solution-start} ex-dial-pull
# :class: dropdown
# ```

# %% tags=["solution"]
z_g, z_f = task.plm_logits, task.polm_logits
p = maths.softmax(z_g)
q = maths.softmax(z_f, maths.aligned(z_f, p))  # at the temperature of equal mean logits
covariance = (p * z_g * z_f).sum(1) - (p * z_g).sum(1) * (p * z_f).sum(1)
variance = (q * z_f**2).sum(1) - (q * z_f).sum(1) ** 2
answer = covariance.sum() / variance.sum()
low, high = (1 / maths.aligned(z_f, maths.softmax(s * z_g)) for s in (0.99, 1.01))
print(f"formula {answer:.4f}, by difference {(high - low) / 0.02:.4f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# Differentiate $\sum_x \mathbb{E}_{q_\beta}[z_f] = \sum_x \mathbb{E}_{p_{g,s}}[z_f]$ on both sides. A mean under a softmax changes by a covariance: with $\beta$ by $\operatorname{Var}_q(z_f)$, with $s$ by $\operatorname{Cov}_p(z_g, z_f)$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## A world in which the truth is known
#
# On real questions nobody knows how sure one *should* be. In a small world one can compute it: witnesses of known reliability $r$ report one of $K$ options; those who err name any wrong one. A report for an option multiplies its odds by
#
# $$ \frac{r}{(1 - r) / (K - 1)}. $$
#
# **Predict first.** Two witnesses of 70 % say A, one of 90 % says B, there are four options. Whom do you believe?

# %% tags=["slide"]
odds = {"A": (0.7 / (0.3 / 3)) ** 2, "B": 0.9 / (0.1 / 3), "C": 1.0, "D": 1.0}
beliefs = pd.Series(odds) / sum(odds.values())
pd.DataFrame({"odds": odds, "belief": beliefs}).round(3)

# %% [markdown]
# ```{exercise} Four witnesses
# :label: ex-four-witnesses
#
# Four options A to D, each as likely before anybody speaks. Your task shows four witnesses: the `reliability` of each, and what each `says`. How sure should you be of A? Three decimals or per cent.
# ```

# %%
task = course.task("four-witnesses", me)
task

# %% [markdown]
# ```{solution-start} ex-four-witnesses
# :class: dropdown
# ```

# %% tags=["solution"]
likely = {
    option: np.prod([r if said == option else (1 - r) / 3 for r, said in zip(task.reliability, task.says, strict=True)])
    for option in "ABCD"
}
answer = likely["A"] / sum(likely.values())
print({option: round(float(value / sum(likely.values())), 3) for option, value in likely.items()})
task.check(answer)

# %% [markdown] tags=["solution"]
# Independent reports multiply. A witness who errs picks one of three wrong options, so a good witness says more here than among two options.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Calibrated or exact?
#
# - **exact**: the right belief on every question
# - **calibrated**: right on average over questions with the same confidence
# - a PLM that says 25 % on everything it cannot read is calibrated, not exact
# - **Does agreement with the PoLM keep a calibrated belief calibrated?**

# %% [markdown] tags=["slide"]
# ## When is aligning on everything exactly right?
#
# Let $\pi$ be the exact belief. The true temperature $T^\star$ makes the expected log loss $-\sum_k \pi_k \ln q_k$ least. Align-all minimises the same with $p_g$ in the place of $\pi$.
#
# - $p_g = \pi$: **align-all finds $T^\star$**, whatever post-training did
# - the PoLM has learned what the PLM cannot know: $p_g$ is calibrated, but it is not the exact belief $\pi$
#
# **Predict first.** In the second case, will align-all's temperature be too high or too low?

# %% [markdown]
# The world is that of [chapter 7](../notebooks/07_world.ipynb). In `sharpen` post-training only made the PoLM surer; in `reversed` it taught something false; in `added` something true that the PLM cannot know; `doubled-sharpen` is as `sharpen`, beside a PLM with doubled logits. The table gives each method's temperature over the true one.

# %%
from dualalign.lab.world import table as world

truth = world.against_truth(*(pd.read_parquet(f"{tables}/../world_{name}.parquet") for name in ("methods", "pairs")))
studies = ["sharpen-sft", "reversed-sft", "added-sft", "doubled-sharpen-sft"]
ratio = truth.pivot(index="study", columns="method", values="ratio").loc[studies]
order = ["vanilla", "daca", "dual-align", "align-all", "temperature-scaling"]
ratio[order].round(2)

# %% tags=["slide"] mystnb={"figure": {"caption": "A world with known truth: each method's temperature over the true one, in four studies. Left of 1 the model stays over-confident, right of 1 it becomes under-confident. Marker: geometric mean over 20 seeds; thick line: its 95 % interval; thin line: the range of the seeds. What to see: align-all sits on 1 where the PLM's belief is exact (sharpen, reversed), right of it where knowledge was added, and left of it where the PLM's logits were doubled.", "name": "fig-course-world"}, "image": {"alt": "Four panels of temperature ratios. Align-all: {sharpen_align:.2f} after sharpening, {reversed_align:.2f} after reversal, {added_align:.2f} with added knowledge, {doubled_align:.2f} beside a PLM with doubled logits. DACA: {sharpen_daca:.2f}, {reversed_daca:.2f}, {added_daca:.2f} and {doubled_daca:.2f}."}}
axes = plots.plot_against_truth(truth, studies, order, columns=2)

# %% tags=["remove-input"]
shown_methods = {"daca": "daca", "align": "align-all"}
named = {f"{s.split('-')[0]}_{k}": ratio.loc[s, m] for s in studies for k, m in shown_methods.items()}
say(
    "Post-training only sharpened: align-all is at {sharpen_align:.2f} of the true temperature, DACA at {sharpen_daca:.2f}. It taught something false (`reversed`): {reversed_align:.2f} and {reversed_daca:.2f}. It added knowledge: {added_align:.2f} and {added_daca:.2f}. Beside a PLM with doubled logits: {doubled_align:.2f} and {doubled_daca:.2f}. "
    "So a disagreement may mean knowledge or error, and a method that treats all of them alike bets on one of the two.",
    **named,
)

# %% [markdown]
# ```{exercise} How far from the true temperature?
# :label: ex-true-temperature
#
# Your task holds ten questions with four options: the exact belief `truth`, the PLM's belief `plm`, and the PoLM's logits `polm_logits` (each 10 × 4). On the last three questions the PoLM has learned something that the PLM cannot know. Divide align-all's
# temperature by the true one. Two decimals. (A fine grid will do, or `maths.aligned(polm_logits, beliefs)`.)
# ```

# %%
task = course.task("true-temperature", me)
task

# %% [markdown]
# ```{solution-start} ex-true-temperature
# :class: dropdown
# ```

# %% tags=["solution"]
grid = np.geomspace(0.3, 60, 20000)
log_q = [np.log(maths.softmax(task.polm_logits, t)) for t in grid]
beliefs = {"align-all": task.plm, "true": task.truth}
best = {name: grid[np.argmin([-(b * q).sum() for q in log_q])] for name, b in beliefs.items()}
answer = best["align-all"] / best["true"]
print({name: round(float(t), 2) for name, t in best.items()}, f"ratio {answer:.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# On the last three questions the PLM honestly says that it does not know, and so it expects less of the PoLM's logits than the truth does. That pulls the temperature up: the PoLM is made too modest about what it has learned.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## A disagreement: knowledge or error?
#
# | post-training | disagreements show | dropping them |
# |---|---|---|
# | added knowledge | what the PLM cannot know | helps |
# | taught falsehoods | how over-confident the PoLM is | hurts |
#
# **How would you tell, from a trace?**

# %% [markdown] tags=["slide"]
# ## Does the premise hold on real sets?
#
# The book's rule, which needs labels: the PLM is at least 10 points above chance, and its ECE is within .04 of its noise floor.
#
# **Predict first.** On how many of seven question sets will a small PLM pass both?

# %% tags=["slide"]
main = table.load(tables, ["main"])
held = results.premise(main)
one = held.loc[pair, "choices"]
short = one.assign(excess=one.ece - one.floor).rename(columns={"above_chance": "above chance"})
short.sort_values("excess")[["above chance", "gap", "excess", "holds"]].round(3)

# %% tags=["remove-input"]
say(
    "For the main pair the premise holds on {sets_hold} of {sets} sets; over all pairs and prompt styles in {settings_hold} of {settings} settings. Where it fails, the PLM's mean gap is {gap_fails:+.2f}: in {little} of those {failing} it is less than ten points above a guess, and claims at least four points more than it knows.",
    sets_hold=int(one.holds.sum()),
    sets=len(one),
    settings_hold=int(held.holds.sum()),
    settings=len(held),
    gap_fails=float(held.gap[~held.holds].mean()),
    little=int(((held.above_chance < 0.10) & (held.gap >= 0.04) & ~held.holds).sum()),
    failing=int((~held.holds).sum()),
)

# %% [markdown]
# `gap` is mean confidence less accuracy, `excess` the ECE less its floor. Both conditions are needed. A PLM that answers like a die and says 25 % is calibrated, and teaches nothing. One that knows a lot and boasts teaches boasting.
#
# ```{exercise} In how many settings does the premise hold?
# :label: ex-premise-holds
#
# Your task shows twelve settings: `chance` and `accuracy` of the PLM, its `ece` and the noise `floor` of that ECE. In how many does the premise hold by the rule above?
# ```

# %%
task = course.task("premise-holds", me)
task

# %% [markdown]
# ```{solution-start} ex-premise-holds
# :class: dropdown
# ```

# %% tags=["solution"]
knows = task.accuracy - task.chance >= 0.10
near = task.ece - task.floor <= 0.04
answer = (knows & near).sum()
print(pd.DataFrame({"knows": knows, "near its floor": near}).value_counts().to_string())
task.check(answer)

# %% [markdown] tags=["solution"]
# The floor matters: on few questions even a perfectly calibrated model shows more than .04. And calibration without knowledge does not count.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## The plainest method comes first. Why?
#
# **Predict first.** Which method has the smallest mean error over all settings of the book, without labels? And where the premise holds?

# %% [markdown]
# The settings are those in a pair's own prompt style (above, two more styles of the main pair are counted in). `basecal` fits nothing: its confidence is the PLM's probability of the PoLM's answer.

# %% tags=["slide"]
own = main[ledger.own_style(main)]
errors, confident = results.by_setting(own, "ece"), results.by_setting(own, "confidence")
gaps = confident - results.by_setting(own, "accuracy")
holding = errors.index.intersection(held.index[held.holds])
kept = ["vanilla", "daca", "dual-align", "align-all", "basecal", "temperature-scaling"]
parts = {"holds": holding, "fails": errors.index.difference(holding)}
both = {"ECE": errors[kept], "gap": gaps[kept]}
means = {(f"premise {k}", name): values.loc[i].mean() for k, i in parts.items() for name, values in both.items()}
pd.DataFrame(means).round(3)

# %% tags=["remove-input"]
say(
    "Over all {n} settings the lowest mean error of these methods without labels is that of `{first}` ({first_value:.3f}; Dual-Align {dual_value:.3f}; chapter 8 cannot tell the two apart over its sets). Where the premise holds ({n_holds} settings, on {n_sets} sets) Dual-Align has {dual_holds:.3f} and align-all {align_holds:.3f}, with a gap of {align_gap:+.3f}: there align-all is too modest. "
    "Where it fails, that modesty meets a boastful PLM, and align-all's gap is {align_fails:+.3f}, where Dual-Align's is {dual_fails:+.3f}: two errors that would cancel in part.",
    n=len(errors),
    first=errors[[*kept[1:-1]]].mean().idxmin(),
    first_value=errors[[*kept[1:-1]]].mean().min(),
    dual_value=errors["dual-align"].mean(),
    n_holds=len(holding),
    n_sets=holding.unique("set").size,
    dual_holds=errors.loc[holding, "dual-align"].mean(),
    align_holds=errors.loc[holding, "align-all"].mean(),
    align_gap=gaps.loc[holding, "align-all"].mean(),
    align_fails=gaps.loc[parts["fails"], "align-all"].mean(),
    dual_fails=gaps.loc[parts["fails"], "dual-align"].mean(),
)

# %% [markdown]
# But look at BaseCal. It has the same two gaps, and not the lead. So small gaps of the mean are not the whole explanation. An ECE is never smaller than the size of the mean gap; it is larger where the confidence is too high on some questions and too low on others. Are BaseCal's errors of both signs, *within* one set?

# %%
halves = {}
for name in one.index[~one.holds]:
    read = da.Traces.load(f"{folder}/{pair}__{name}__choices.safetensors")
    right = read.polm_final.argmax(axis=1) == read.labels
    for method in ("align-all", "basecal"):
        sure = METHODS[method]().fit(read).confidence(read)
        low, high = np.array_split((sure - right)[np.argsort(sure)], 2)
        whole = {"gap": np.mean(sure - right), "ECE": metrics.ece(sure, right)}
        halves[method, name] = {"less sure half": low.mean(), "surer half": high.mean(), **whole}
signs = pd.DataFrame(halves).T.groupby(level=0).mean()
signs.round(3)

# %% tags=["remove-input"]
fails = parts["fails"]
say(
    "On the {n_fail} sets of the main pair where the premise fails, BaseCal's gap is {low_basecal:+.3f} in the less sure half of the questions and {high_basecal:+.3f} in the surer half; align-all's is {low_align:+.3f} and {high_align:+.3f}. "
    "Over all settings where it fails, the mean size of align-all's gap is {size_align:.3f} and its ECE hardly larger, {ece_align:.3f}; BaseCal's gap is as small, {size_basecal:.3f}, and its ECE {ece_basecal:.3f}. "
    "So both have a small gap, and only for align-all, whose error goes mostly one way, is that a low ECE as well. This fits two errors that cancel; that it is the whole reason of the lead, the tables do not show.",
    n_fail=int((~one.holds).sum()),
    low_basecal=signs.loc["basecal", "less sure half"],
    high_basecal=signs.loc["basecal", "surer half"],
    low_align=signs.loc["align-all", "less sure half"],
    high_align=signs.loc["align-all", "surer half"],
    **{f"size_{m.split('-')[0]}": gaps.loc[fails, m].abs().mean() for m in ("align-all", "basecal")},
    **{f"ece_{m.split('-')[0]}": errors.loc[fails, m].mean() for m in ("align-all", "basecal")},
)

# %% [markdown]
# ```{exercise} When does align-all win?
# :label: ex-align-all-wins
#
# Suppose that on some set each method's gap is a straight line in the PLM's gap $x$: align-all's is `start_all` $+$ `share_all` $\cdot\, x$, DACA's is `start_daca` $+$ `share_daca` $\cdot\, x$. From which $x \ge 0$ on is align-all's gap smaller *in size* than DACA's?
# Three decimals.
# ```

# %%
task = course.task("align-all-wins", me)
task

# %% [markdown]
# ```{solution-start} ex-align-all-wins
# :class: dropdown
# ```

# %% tags=["solution"]
answer = -(task.start_all + task.start_daca) / (task.share_all + task.share_daca)
gap_all, gap_daca = task.start_all + task.share_all * answer, task.start_daca + task.share_daca * answer
print(f"x = {answer:.3f}: gaps {gap_all:+.3f} and {gap_daca:+.3f}")
task.check(answer)

# %% [markdown] tags=["solution"]
# At $x = 0$ DACA is nearer to zero. As $x$ grows both gaps rise, DACA's faster. The sizes are equal where one gap is the negative of the other: align-all is still below zero, DACA already above. From there on align-all is nearer.
# Without labels nobody knows $x$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide-only"]
# ## Two errors that cancel
#
# - align-all errs towards modesty
# - most PLMs of the book err towards boasting
# - sum: a small gap; a low ECE only if the error goes one way (BaseCal's does not)
# - **What happens to the ranking when next year's PLM is calibrated?**

# %% [markdown] tags=["slide"]
# ## Own questions, or labels from elsewhere?
#
# Somebody has labels for *another* set. Mira could carry that supervised temperature over, or fit a label-free one on her own questions.
#
# **Predict first.** Which one is better: where the premise holds, and where it fails?

# %% tags=["slide"]
moved = table.load(tables, ["transfer"])
duel = travel.over_pairs(travel.own_less_carried(moved, "dual-align", "temperature-scaling"))
wins = travel.wins(moved, "dual-align", "temperature-scaling", one.holds)
counts = {f"premise {group}": {"own fit better": won, "of": tried} for group, (won, tried) in wins.items()}
pd.DataFrame(counts).T

# %% tags=["remove-input"]
say(
    "Over all ordered pairs of sets, Dual-Align on the own questions less the carried temperature is {duel:+.3f} of ECE ({duel_low:+.3f} to {duel_high:+.3f}): not told apart on the mean. Where the premise holds the own fit is better than {won_holds} of {all_holds} foreign temperatures, where it fails than {won_fails} of {all_fails}. (One pair; {sets_holding} sets on the one side, {sets_failing} on the other, each in many of these comparisons.) To know on which side you are takes labels of your own.",
    duel=duel.value,
    duel_low=duel.low,
    duel_high=duel.high,
    won_holds=wins["holds"][0],
    all_holds=wins["holds"][1],
    won_fails=wins["fails"][0],
    all_fails=wins["fails"][1],
    sets_holding=int(one.holds.sum()),
    sets_failing=int((~one.holds).sum()),
)

# %% [markdown]
# ```{exercise} Own questions or foreign labels?
# :label: ex-carried-labels
#
# Five sets. `carried[i, j]` is the ECE on set `j` of a supervised temperature fitted on set `i`; `own[j]` is the ECE on set `j` of a label-free temperature fitted there. Compute the mean of *own less carried* over all ordered pairs of two different sets. Three
# decimals or more.
# ```

# %%
task = course.task("carried-labels", me)
task

# %% [markdown]
# ```{solution-start} ex-carried-labels
# :class: dropdown
# ```

# %% tags=["solution"]
differences = task.own[None, :] - task.carried
others = ~np.eye(5, dtype=bool)
answer = differences[others].mean()
print(f"{answer:+.4f}; own better in {(differences[others] < 0).sum()} of {others.sum()}")
task.check(answer)

# %% [markdown] tags=["solution"]
# The diagonal is no transfer. And the best source for each set may not be picked: who could see which one it is would have labels of that set.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## What this lesson does not show
#
# - **Other ways to be wrong.** The dial makes a PLM surer, or less sure, by one factor on all questions. One that is wrong about some subjects only may be inherited otherwise.
# - **Large models.** The real pairs are small, and near chance on several sets. That the premise holds in few settings is a fact about them.
# - **A way to see it without labels.** A trace can raise alarms. It cannot tell a PLM that is sure and right from one that is sure and wrong.
# - **How real post-training mixes knowledge and error.** In the world we built the degrees ourselves.
#
# ## Summary
#
# - The premise: the PLM's confidence is right on these questions. It needs knowledge and calibration, and labels to check.
# - A method inherits a share of the PLM's error. Disagreements are a brake; dropping them copies more.
# - Where the PLM's belief is exact, align-all finds the true temperature. Where the PoLM has learned something, it makes the PoLM too modest.
# - A low mean error may be two errors that cancel. Ask for the gap beside it; and a small gap may hide errors of both signs.
# - On the main pair, own questions mostly beat foreign labels where the premise holds, and mostly not where it fails. On the mean the two are not told apart.
#
# **Next:** [lesson 8](08_using.ipynb): what is a good confidence worth?

# %% [markdown]
# ## Check yourself

# %%
course.quiz("l7")

# %% [markdown] tags=["slide-only"]
# ## What to take home
#
# - aligned to a teacher $\ne$ calibrated
# - inherited share: measure it
# - disagreement: knowledge or error, and a trace does not say which
# - two errors can cancel, until the PLM changes

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0–12 | the dial: vote who follows least, figure, define the inherited share; *What is inherited* | figure 1, ex-inherited-share |
# | 12–20 | why: both sides of the balance change; covariance on agreement and disagreement | section 2 |
# | 20–32 | the world: whom do you believe? Vote, odds, *Four witnesses* | ex-four-witnesses |
# | 32–46 | when is align-all exactly right? Derive in two lines, predict the four panels, figure | figure 2 |
# | 46–56 | *How far from the true temperature?* in pairs | ex-true-temperature |
# | 56–64 | the premise on real sets: guess a number, table; *In how many settings …* | ex-premise-holds |
# | 64–76 | the plainest method wins: table, gaps, *When does align-all win?* with a drawing | ex-align-all-wins |
# | 76–82 | own questions or foreign labels | section 7 |
# | 82–90 | quiz, take home | quiz l7 |
#
# *Who follows the dial?* (ten minutes, the hardest of the course) and *Own questions or foreign labels?* are homework.

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. Axes: PLM's gap across, method's gap up. Diagonal "inherits everything", level line "inherits nothing". Let the class draw its guess for align-all.
# 2. $\sum \mathbb{E}_q[z_f] = \sum \mathbb{E}_p[z_f]$. Under the left side "moves with $\beta$: variance", under the right "moves with $s$: covariance".
# 3. Odds of four options as towers; each witness multiplies one tower.
# 4. Two lines of log loss, one with $\pi$, one with $p_g$; strike out what is the same. "If $p_g = \pi$ these are the same line."
# 5. Two rising lines over the PLM's gap, one steeper. Mark where each is zero, and where one is the mirror image of the other. Leave it on the board for the discussion.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# - **"Aligned to a teacher means calibrated."** Ask for the PoLM's accuracy, then for the teacher's. Put on the board: the teacher says 85 % and is right on 60 %; the pupil is right on 55 %.
# - **"The accurate model is the calibrated one."** A model that is right nine times in ten and always says 99 % is not.
# - **"Calibrated means exact."** The PLM that says 25 % on every question of a four-option test it cannot read is calibrated. It knows nothing. The world's `added` study shows the cost.
# - **"Align-all has the smallest error, so use it."** Ask for its gap in both columns of the table; then ask what happens when next year's PLM is better calibrated.
# - **"Pick the best source set."** By which labels?

# %% [markdown] tags=["guide"]
# ## Discussion
#
# 1. *Two papers rank the same methods in opposite order. Name a reason that has nothing to do with the methods.* Listen for: their PLMs err in different directions.
# 2. *Is an under-confident PLM safer?* Listen for: it depends on the use; the errors of align-all then add instead of cancelling.
# 3. *In `reversed`, the disagreements show how over-confident the PoLM is. In `added`, they show what it has learned. Could a trace tell?* Listen for: both are a key that predicts the reward; without labels or an assumption, no.
# 4. *Mira can label thirty questions. What should she check first?* Listen for: the PLM's accuracy against chance and its gap, with the noise of thirty in mind; then lesson 8.
# 5. *Why does a label-free temperature travel so well between sets, and why is that no praise?* Listen for: it measures how much sharper the PoLM is than the PLM, which hardly depends on the set; whether the PLM is right does.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# Skip section 2 but for its last sentence, and section 7. Do not skip the drawing of the two lines: it is the answer to "which method is best?".
