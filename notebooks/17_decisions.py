# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What a calibrated confidence buys: decisions and their cost
#
# When should the study helper say "ask your teacher"? Every such answer costs a teacher's minute. Every wrong answer costs a pupil's trust.
#
# A confidence is there to be acted on: answer or stay silent, trust the small model or ask a larger one. A low calibration error is worth something only if those decisions get better. Do they?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | [A world where the truth is known](07_world.ipynb) |
# | **Time** | 25 minutes |
#
# **You will be able to** say what a temperature can change in a decision and what it cannot, choose a threshold without labels and check its promise, price an abstention, set up a cascade, and turn a Brier score into a cost.

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
from dualalign import course, decisions, drift, metrics, plots, protocol
from dualalign.book import glue, say
from dualalign.experiments import table
from dualalign.experiments.decisions import held_out, promises

# %% tags=["parameters"]
folder = "../data/traces"
results = "../data/results"
pair, main_set, style = "sft4", "arc-easy", "choices"
methods = ["vanilla", "align-all", "daca", "dual-align", "basecal", "temperature-scaling"]
me = "reader"
targets = [0.6, 0.7, 0.8]
cascade_targets = [0.5, 0.6, 0.7]

# %%
rows = table.load(f"{results}/table", ["decisions"])
main = table.load(f"{results}/table", ["main"]).query("(style == @style or pair != @pair) and variant == ''")
split_costs = rows[(rows.metric == "cost") & (rows.seed >= 0)]
cost = split_costs.pivot_table(index=["pair", "set"], columns="method", values="value", sort=False)
label_free = ["vanilla", "align-all", "daca", "dual-align", "basecal", "agreement"]
cheapest = cost[label_free].idxmin(axis=1)
minus = rows[rows.metric.str.startswith("cost_minus")].pivot(index=["pair", "set", "reading"], columns="metric", values="value")
minus["p (Holm)"] = protocol.holm(minus.cost_minus_p)
plm = main[(main.method == "plm") & (main.seed == -1)].pivot(index=["pair", "set"], columns="metric", values="value")
above_chance = plm.accuracy - main[main.metric == "chance"].set_index(["pair", "set"]).value
premise = ((above_chance >= 0.10) & (plm.ece - plm.ece_floor <= 0.04)).loc[cost.index].rename("premise")

# %% tags=["remove-input"]
found = {m: minus.xs(r, level="reading") for m, r in (("vanilla", "vanilla"), ("daca", "daca"), ("align", "align-all"), ("basecal", "basecal"))}
less = {f"less_{m}": int(((t["p (Holm)"] < 0.05) & (t.cost_minus < 0)).sum()) for m, t in found.items()}
more = {f"more_{m}": int(((t["p (Holm)"] < 0.05) & (t.cost_minus > 0)).sum()) for m, t in found.items() if m != "vanilla"}
say(
    "**The short answer**, for {n_traces} traces (pairs x sets). The first two lines count only what is told apart after Holm's correction over all {tests} comparisons.\n\n"
    "- Acting on Dual-Align's confidence is cheaper than acting on the PoLM's own on {less_vanilla}.\n"
    "- Against the other label-free methods there is no such winner. Dual-Align is cheaper than DACA on {less_daca} and dearer on {more_daca}, than `align-all` on {less_align} and {more_align}, than BaseCal on {less_basecal} and {more_basecal}.\n"
    "- By the mean alone `align-all` is the cheapest of all on {first_align}, BaseCal on {first_basecal}, Dual-Align on {first_dual}. But on the {n_premise} whose PLM meets the premise it is BaseCal on {premise_basecal}.",
    n_traces=len(cost),
    **{f"first_{n}": int((cheapest == m).sum()) for n, m in (("dual", "dual-align"), ("align", "align-all"), ("basecal", "basecal"))},
    n_premise=int(premise.sum()),
    premise_basecal=int((cheapest[premise] == "basecal").sum()),
    tests=int(minus.cost_minus_p.notna().sum()),
    **(less | more),
)

# %% [markdown]
# "Cheaper" will mean: wrong answers and silences cost less together, on average over all prices that a silence may have. The way there takes four steps: the order of the questions, the threshold, the price, the second model. The first three use the main pair on ARC-Easy, where the PLM is about calibrated: five splits, fitted on 30 % of the questions, judged on the others.

# %%
traces = da.Traces.load(f"{folder}/{pair}__{main_set}__{style}.safetensors")
held = held_out(traces, methods)
test_error = 1 - np.mean([side.right.mean() for side in held["vanilla"]])
print(f"{len(traces)} questions, {len(held['vanilla'])} splits; the PoLM errs on {test_error:.1%} of the held-out ones")

# %% [markdown]
# ## What a temperature hardly changes: whom to answer first
#
# **Selective prediction** answers the surest questions first. The *risk* is the share of wrong answers among them, the *coverage* the share of questions answered. The curve of risk over coverage depends on the order of the questions alone.
#
# Can one temperature for all questions change that order? With two options the confidence is $1 / (1 + e^{-m/T})$, where $m$ is the gap between the two logits. It rises with $m$ at every $T$, so no two questions swap places.
#
# With $K > 2$ options they can. For small $T$ the order is that of the gap between the best two logits. For large $T$ the confidence is about $\frac{1}{K} + \frac{z_{\max} - \bar z}{K T}$, and the order that of the gap to the *mean* logit (and questions with fewer options move to the front).
#
# A question whose runner-up is close, and whose others are far behind, moves forward as $T$ grows. How many pairs of questions swap?

# %%
pairs_of_two = da.Traces.load(f"{folder}/{pair}__piqa__{style}.safetensors")
sure = {n: {t: np.exp(drift.log_softmax_options(x.polm_final, t)).max(axis=1) for t in (1, 2, 4, 8, 16)} for n, x in ((main_set, traces), ("piqa", pairs_of_two))}
right = traces.polm_final.argmax(axis=1) == traces.labels
swaps = pd.DataFrame({f"swapped, {n}": {t: decisions.swapped(by[1], c) for t, c in by.items()} for n, by in sure.items()})
swaps[f"AURC, {main_set}"] = [metrics.aurc(c, right) for c in sure[main_set].values()]
swaps.rename_axis("T").round(4)

# %% tags=["remove-input"]
say(
    "At $T = 4$ a share of {swap_4:.1%} of all pairs of ARC-Easy questions stands the other way round than at $T = 1$; on PIQA, with two options, {swap_piqa:.1%}.",
    swap_4=swaps.loc[4, f"swapped, {main_set}"],
    swap_piqa=swaps.loc[4, "swapped, piqa"],
)

# %% [markdown]
# The **AURC** of the last column is the mean risk over all coverages; lower is better. So some pairs swap. Does that help? The whole curve, held out:

# %% mystnb={"figure": {"caption": "Risk against coverage, mean over five splits of ARC-Easy. The dotted line is the error of answering everything. What to see: the lines of all fitted temperatures lie on one another, and that of the PoLM as it comes (`vanilla`) close by; BaseCal, whose confidence comes from the other model, has an order of its own. At the far left few questions are answered, and the lines jump.", "name": "fig-risk-coverage"}, "image": {"alt": "Curves of risk over coverage rising to the total error; those of all fitted temperatures coincide, vanilla's runs close by, and BaseCal's lies below over most of the range. Against the PoLM as it comes the area under the curve changes by {least_gain:+.4f} to {most_gain:+.4f} for the temperatures and by {basecal_gain:+.4f} for BaseCal."}}
ax = plots.plot_risk_coverage(held)

# %% [markdown]
# The area under each curve, less that of the PoLM as it comes (2,000 paired resamples of questions):

# %%
area = {m: decisions.bootstrap_aurc(sides) for m, sides in held.items()}
against_vanilla = {m: protocol.difference(area[m], area["vanilla"]) for m in methods[1:]}
order_table = pd.DataFrame(against_vanilla, index=["difference", "low", "high", "p"]).T
order_table.insert(0, "AURC", [area[m][0] for m in order_table.index])
order_table["p (Holm)"] = protocol.holm(order_table.p)
order_table.round(4)

# %% tags=["remove-input"]
tempered = order_table.drop(index="basecal")
gain = protocol.difference(area["basecal"], area["dual-align"])
say(
    "The temperatures change the AURC by {least_gain:+.4f} to {most_gain:+.4f}, BaseCal by {basecal_gain:+.4f}; after Holm's correction {apart} of these {compared} differences can be told from zero. BaseCal less Dual-Align: {gain:+.4f} (95 % interval {gain_low:+.4f} to {gain_high:+.4f}).",
    least_gain=tempered.difference.max(),
    most_gain=tempered.difference.min(),
    apart=int((order_table["p (Holm)"] < 0.05).sum()),
    compared=len(order_table),
    basecal_gain=order_table.difference["basecal"],
    gain=gain.value,
    gain_low=gain.low,
    gain_high=gain.high,
)

# %% [markdown]
# Where only the order matters, the choice of a temperature has little to give. Another *source* of confidence might give more.
#
# ## What it does change: the threshold
#
# A risk-coverage curve tells no one where to stop. A user says "answer when you are at least 70 % sure", and takes that number at its word. How often are the answers above a threshold right? (DACA's Figure 5 {cite:p}`luo2025daca` asks this too; its curves can also be read as accuracy within a bin.)

# %% mystnb={"figure": {"caption": "Left: accuracy of the answers with confidence of at least t, with 95 % intervals, where 30 questions or more are answered; right: the share of questions answered. Marks of one threshold stand side by side. What to see: a calibrated confidence lies on or above the dotted diagonal, since the answers above t are on average surer than t. The PoLM as it comes lies far below it at high thresholds. Those above it pay in coverage.", "name": "fig-thresholds"}, "image": {"alt": "Two panels over thresholds: delivered accuracy per method with a diagonal, and coverage falling per method. At a threshold of {at_threshold} the PoLM as it comes answers {answers_vanilla:.0%} and is right on {accuracy_vanilla:.0%} of these; Dual-Align answers {answers_dual:.0%} and is right on {accuracy_dual:.0%}."}}
glue("at_threshold", targets[0])
for key, method in (("vanilla", "vanilla"), ("dual", "dual-align")):
    sides = held[method]
    sure_right = np.concatenate([s.right[s.confidence >= targets[0]] for s in sides])
    glue(f"accuracy_{key}", sure_right.mean()), glue(f"answers_{key}", len(sure_right) / sum(len(s.right) for s in sides))
axes = plots.plot_thresholds(held)

# %% [markdown]
# Better than a threshold by feel: choose it for a **target accuracy**. Among the fitting questions, which need no labels, take the least $t$ above which the mean confidence reaches the target. That mean is a promise. (If the mean over all questions exceeds the target, everything is answered.)
#
# Is it kept on the held-out questions? For a target of 70 %:

# %%
kept = {(m, target): promises(sides, target) for m, sides in held.items() for target in targets}
promised = pd.DataFrame(kept.values(), index=pd.MultiIndex.from_tuples(kept, names=["method", "target"])).reset_index()
at = promised[promised.target == targets[1]].set_index("method").drop(columns="target")
at.round(3)

# %% mystnb={"figure": {"caption": "What a promised accuracy delivers on held-out ARC-Easy: dot, with its 95 % Wilson interval; dotted line: the promise; at the right the share of questions answered. What to see: left of the line the promise is broken, right of it the method is more careful than asked, and answers less. A row without a dot answered nothing; near nothing, the interval is wide.", "name": "fig-promises"}, "image": {"alt": "Three panels, one a promised accuracy, of delivered accuracy for six methods with intervals and coverages. Promised {target:.0%}, the PoLM as it comes delivers {got_vanilla:.0%} on all questions; Dual-Align delivers {got_dual:.0%} on {cover_dual:.0%} of them."}}
axes = plots.plot_promises(promised)

# %% tags=["remove-input"]
others = at.drop(index="vanilla")
say(
    "Promised {target:.0%}, the PoLM as it comes answers {cover_vanilla:.0%} and delivers {got_vanilla:.0%}. The other five deliver {least_got:.0%} or more, on {most_cover:.0%} of the questions or fewer; Dual-Align {got_dual:.0%} on {cover_dual:.0%}.",
    target=targets[1],
    cover_vanilla=at.coverage["vanilla"],
    got_vanilla=at.delivered["vanilla"],
    least_got=others.delivered.min(),
    most_cover=others.coverage.max(),
    got_dual=at.delivered["dual-align"],
    cover_dual=at.coverage["dual-align"],
)

# %% [markdown]
# `answered` counts the questions answered on at least one split. A question that is answered on several is one piece of evidence, and the interval counts it as such (Kish's effective number of questions). It takes the thresholds as given.
#
# ### Is the promise kept elsewhere?
#
# Here the methods without labels err on the safe side, and [we saw why](06_what_post_training_does.ipynb): on agreement the PLM is under-confident, and its caution is copied. That need not be so on other sets. So the same for all pairs and sets, with none left out. As before, the premise is met where the PLM is ten points above chance and its ECE no more than 0.04 above the noise floor:

# %%
premise.groupby("set", sort=False).agg(["sum", "size"]).T.set_axis(["premise met", "traces"])

# %% [markdown]
# And what becomes of a promise of 60 %. It is `broken` where the whole interval of the delivered accuracy lies below it, `exceeded` where the whole interval lies above, else `near`; a method that answers nothing is `silent`.

# %%
made = rows[rows.reading.str.startswith("target=")].pivot(index=["pair", "set", "method", "reading"], columns="metric", values="value").reset_index()
made["target"] = made.reading.str.removeprefix("target=").astype(float)
made["outcome"] = np.select([made.coverage == 0, made.high < made.target, made.low > made.target], ["silent", "broken", "exceeded"], "near")
made = made[made.target == targets[0]].join(premise, on=["pair", "set"])
outcomes = made.groupby("method").outcome.value_counts().unstack(fill_value=0)
outcomes["broken, premise met"] = made[made.premise & (made.outcome == "broken")].groupby("method").size()
outcomes["coverage"] = made.groupby("method").coverage.mean()
outcomes.fillna(0).astype({"broken, premise met": int}).loc[[*methods, "agreement"]].round(2)

# %% tags=["remove-input"]
say(
    "Of {traces_promised} promises of {promise:.0%} the PoLM as it comes breaks {broken_vanilla}, Dual-Align {broken_dual}. On the {traces_met} traces that meet the premise Dual-Align breaks {met_dual}. (Single intervals, not corrected for their number: about one in forty would lie below by chance.)\n\n"
    "Temperature scaling, which has seen labels, breaks {broken_oracle}, and is silent on {silent_oracle}.",
    promise=targets[0],
    traces_promised=len(cost),
    traces_met=int(premise.sum()),
    silent_oracle=int(outcomes.silent["temperature-scaling"]),
    **{f"broken_{n}": int(outcomes.broken[m]) for n, m in (("vanilla", "vanilla"), ("dual", "dual-align"), ("oracle", "temperature-scaling"))},
    met_dual=int(np.nan_to_num(outcomes["broken, premise met"]["dual-align"])),
)

# %% [markdown]
# Where the premise fails, an over-confident PLM passes its promises on. A promise above what a model can do should end in silence. Temperature scaling's often does.
#
# ## The price of saying nothing
#
# Let a wrong answer cost 1, a right one nothing, and no answer a price $c$ between 0 and 1: what a human's look at the question costs, say. If the answer is right with probability $p$, answering costs $1 - p$ on average. So

# %% [markdown]
# $$
# \text{answer} \iff 1 - p < c .
# $$ (eq-bayes-rule)

# %% [markdown]
# This is **Bayes' rule for decisions**. No threshold is tuned: the price sets it. That works if $p$ is what it says.
#
# Three yardsticks: never answering costs $c$; always answering costs the error rate; and the best threshold *in hindsight*, chosen with the labels of the very questions it is judged on, is the least that a rule of this order can pay.
# The **regret** is the cost above that.

# %%
prices = np.linspace(0.05, 0.95, 19)
curves = []
for method in methods:
    joined = [np.concatenate([getattr(s, k) for s in held[method]]) for k in ("confidence", "right")]
    best = decisions.hindsight(*joined, prices)[0]
    paid = [decisions.costs(s.confidence, s.right, prices) for s in held[method]]
    over = [p - decisions.threshold_costs(s.confidence, s.right, prices, best) for p, s in zip(paid, held[method], strict=True)]
    drawn = decisions.bootstrap(held[method], over)
    low, high = np.quantile(drawn[1:], [0.025, 0.975], axis=0)
    mean_paid = np.concatenate(paid, axis=1).mean(axis=1)
    curves.append(pd.DataFrame({"method": method, "price": prices, "cost": mean_paid, "regret": drawn[0], "low": low, "high": high}))
priced = pd.concat(curves)

# %% mystnb={"figure": {"caption": "Cost and regret over the price of no answer, held-out ARC-Easy, mean over five splits; bands: 95 % by resampled questions, the best threshold kept fixed (so that a resample may fall below it). What to see: at prices below about one half, acting on the PoLM's own confidence costs more than never answering at all; the other confidences stay near the best threshold of their own order.", "name": "fig-costs"}, "image": {"alt": "Left: cost curves between a rising line for never answering and a flat one for always answering. Right: regret curves with bands, high for vanilla and near zero for the others. Averaged over all prices Dual-Align saves {saved:.3f} of the {own:.3f} a question that the PoLM as it comes pays."}}
axes = plots.plot_costs(priced, test_error)

# %%
priced[priced.price.round(2).isin([0.2, 0.4, 0.6, 0.8])].pivot(index="method", columns="price", values="cost").loc[methods].rename(columns="c = {:.1f}".format).round(3)

# %% [markdown]
# ### All prices at once: the Brier score is a cost
#
# Nobody knows everybody's $c$. What does a confidence cost on average, if every $c$ from 0 to 1 is equally likely? A question with confidence $p$ and outcome $a$ (1 or 0) is left alone while $c \le 1 - p$ and answered above:

# %% [markdown]
# $$
# \int_0^{1-p} c\,dc + \int_{1-p}^{1} (1 - a)\,dc \;=\; \tfrac{1}{2}(1-p)^2 + (1-a)\,p \;=\; \tfrac{1}{2}\big[(p - a)^2 + (1 - a)\big].
# $$ (eq-brier-cost)

# %% [markdown]
# (The two forms agree because $a^2 = a$.) The mean of $(p - a)^2$ is the top-label {term}`Brier score`. So the mean cost is **half the top-label Brier score plus half the error rate**. Checked on the PoLM as it comes, by adding up the rule over a fine grid of prices:

# %%
side = held["vanilla"][0]
fine = (np.arange(10_000) + 0.5) / 10_000
print(f"by the rule {decisions.costs(side.confidence, side.right, fine).mean():.5f}, by the formula {decisions.mean_cost(side.confidence, side.right).mean():.5f}")

# %% [markdown]
# No temperature changes the error rate. Hence a method's decisions get cheaper exactly as its top-label Brier score falls, and the ECE alone does not say by how much.

# %%
mean_costs = {m: [decisions.mean_cost(s.confidence, s.right) for s in held[m]] for m in methods}
resampled = {m: decisions.bootstrap(held[m], values) for m, values in mean_costs.items()}
utility = pd.DataFrame({m: protocol.difference(resampled[m], resampled["dual-align"]) for m in methods if m != "dual-align"}, index=["more than Dual-Align", "low", "high", "p"]).T
utility["p (Holm)"] = protocol.holm(utility.p)
scores = {m: [np.mean([f(s.confidence, s.right) for s in held[m]]) for f in (metrics.ece, metrics.top_label_brier)] for m in methods}
summary = pd.DataFrame(scores, index=["ECE", "Brier"]).T.assign(cost=[r[0] for r in resampled.values()])
summary.insert(1, "spread", [np.std([metrics.ece(s.confidence, s.right) for s in held[m]], ddof=1) for m in methods])
summary.insert(2, "floor", [np.mean([metrics.ece_floor(s.confidence, draws=200) for s in held[m]]) for m in methods])
summary.round(4)

# %% [markdown]
# `spread` is the standard deviation of the ECE over the splits. The differences in cost, each method's less Dual-Align's, by resampled questions:

# %%
utility.drop(columns="p").round(4)

# %% tags=["remove-input"]
flat = np.concatenate([decisions.mean_cost(s.confidence, s.right) for s in held_out(traces, ["constant"])["constant"]]).mean()
by_ece, by_cost = summary.ECE.idxmin(), summary.cost.idxmin()
say(
    "`{by_ece}` has the least ECE, `{by_cost}` the least cost.\n\nDual-Align saves {saved:.3f} of {own:.3f} a question. How much of that is only the level? One confidence for all questions, the PoLM's accuracy on the labelled fitting questions, would cost {flat:.3f}: knowing the accuracy alone brings {share_flat:.0%} of the saving. "
    "The rest is what confidence *by question* buys.",
    by_ece=by_ece,
    by_cost=by_cost,
    saved=summary.cost["vanilla"] - summary.cost["dual-align"],
    own=summary.cost["vanilla"],
    flat=flat,
    share_flat=(summary.cost["vanilla"] - flat) / (summary.cost["vanilla"] - summary.cost["dual-align"]),
)

# %% [markdown]
# ### Does the rule pay where the truth is known?
#
# In the [controlled world](07_world.ipynb) each answer's chance of being right is known, so a cost is an exact expectation. Who knows the chance $\pi$ pays $\min(c, 1 - \pi)$, and nobody can pay less. Averaged over all prices, the regret of saying $p$ is $\frac{1}{2}(p - \pi)^2$. First the check: does saying $\pi$ itself have no regret, at any price?

# %%
from dualalign.lab.world import STUDIES, Run, measure

run = Run.load(f"{results}/world_seed0.safetensors")
worlds, exact = {}, {}
for name in ("sharpen-sft", "added-sft", "reversed-sft"):
    study, world = STUDIES[name], run.traces(STUDIES[name])
    exact[name] = measure.chance_of(world.polm_final.argmax(axis=1), run.pi[study.questions])
    worlds[name] = held_out(world, methods, right=exact[name])
truth = {n: float(np.abs(decisions.exact_regret(chance, chance, prices)).max()) for n, chance in exact.items()}
pd.Series(truth, name="largest regret of the exact chance")

# %% mystnb={"figure": {"caption": "Exact regret over the price, one seed of the controlled world: after post-training that sharpened, added knowledge, or reversed beliefs. What to see: at low prices the PoLM's own confidence has the highest regret; at high ones no temperature matters, since nearly everything is answered. BaseCal, the exact belief up to the PLM's scatter, pays almost nothing after sharpening and reversal; where the PoLM knows what the PLM does not, it pays most at high prices, for its silence.", "name": "fig-world-regret"}, "image": {"alt": "Three panels of exact regret over the price for six methods; vanilla highest at low prices, BaseCal near zero in two panels. Temperature scaling leaves {left_sharpen:.0%}, {left_added:.0%} and {left_reversed:.0%} of vanilla's regret after sharpening, added knowledge and reversal."}}
world_regret = {(n, m): np.concatenate([decisions.exact_regret(s.confidence, s.right, prices) for s in sides], axis=1).mean(axis=1) for n, by in worlds.items() for m, sides in by.items()}
regrets = pd.DataFrame(world_regret, index=pd.Index(prices, name="price")).rename_axis(["study", "method"], axis=1)
axes = plots.plot_regret(regrets.unstack().rename("regret").reset_index())

# %% [markdown]
# The mean regret over all prices:

# %%
half_square = {n: {m: np.mean([((s.confidence - s.right) ** 2).mean() / 2 for s in sides]) for m, sides in by.items()} for n, by in worlds.items()}
pd.DataFrame(half_square).round(4)

# %% tags=["remove-input"]
left = {n: half_square[n]["temperature-scaling"] / half_square[n]["vanilla"] for n in half_square}
say(
    "Even temperature scaling, which has seen labels, leaves {left_sharpen:.0%}, {left_added:.0%} and {left_reversed:.0%} of the regret of the PoLM's own confidence (sharpened, added, reversed). Post-training bent these confidences, and the temperature that suits the labels does not bend them back.",
    **{f"left_{n.split('-')[0]}": value for n, value in left.items()},
)

# %% [markdown]
# ## A cascade: whom to ask next
#
# A cheap first model answers where it is sure; else a second model is asked. Does a calibrated confidence make a better cascade? We try two, each with both models on the same questions:
#
# - **same size, slower reading.** First the PoLM of the main pair, read from listed choices: one call. Second the PLM, read by the text of each option (`cloze`): one call an option, so about 4.
# - **small first.** First SmolLM2-135M-Instruct (`cloze`), then our PLM of about twice as many weights (`cloze`): a price of 2.
#
# The prices, in calls of the first model, are assumptions; change them at will. A question passed on costs both calls. Thresholds are set as before, without labels, for a target accuracy of the answers that the first model keeps.

# %%
foreign = da.Traces.load(f"{folder}/smollm2__{main_set}__cloze.safetensors")
price = {"same size, slower reading": 4.0, "small first": 2.0}
answers = dict(zip(foreign.question_ids, foreign.plm_final.argmax(axis=1) == foreign.labels, strict=True))
shared = traces.select([i for i, q in enumerate(traces.question_ids) if q in answers])
first = dict(zip(price, (held_out(shared, methods), held_out(foreign, methods)), strict=True))
second = {name: decisions.matched(by["vanilla"], answers) for name, by in first.items()}
alone = {name: (np.mean([s.right.mean() for s in by["vanilla"]]), np.mean([v.mean() for v in second[name]])) for name, by in first.items()}
pd.DataFrame(alone, index=["first alone", "second alone"]).T.assign(price=price, questions=[len(shared), len(foreign)]).round(3)

# %% [markdown]
# BaseCal needs the PLM at every question. In the first cascade that is one more call each, and it is counted. In the second the PLM *is* the second model: BaseCal has paid for its answer before it decides not to use it. So it is left out there.

# %%
points = []
for name, by in first.items():
    for method, target in ((m, t) for m in methods for t in cascade_targets if (name, m) != ("small first", "basecal")):
        passed = [decisions.cascade(s.confidence, s.right, o, decisions.threshold_for(s.fitting, target)) for s, o in zip(by[method], second[name], strict=True)]
        drawn = decisions.bootstrap(by[method], [np.stack(p) for p in passed])
        low, high = np.quantile(drawn[1:, 0], [0.025, 0.975])
        calls = 1 + (method == "basecal") + price[name] * drawn[0, 1]
        points.append({"cascade": name, "method": method, "target": target, "asked": drawn[0, 1], "cost": calls, "accuracy": drawn[0, 0], "low": low, "high": high})
cascades = pd.DataFrame(points)
frontiers = {name: {m: plots.prepare_frontier(by[m], second[name], price[name]) for m in ("vanilla", "dual-align")} for name, by in first.items()}

# %% mystnb={"figure": {"caption": "Accuracy against cost of two cascades on ARC-Easy: a larger mark is a higher target. Lines: every threshold on the PoLM's own confidence (solid) and on Dual-Align's (dashed); dotted: passing questions on at random. What to see: the two lines run close together, and the marks of the temperatures near them. Calibration chooses the place on the line more than the line. The PoLM's own confidence keeps nearly every answer, whatever the target: its three marks lie at the lower left. BaseCal stands to the right in the first panel: its extra call.", "name": "fig-cascade"}, "image": {"alt": "Two panels of accuracy over cost with a frontier, a dotted straight line, and marks of six methods at three targets. The frontier of the PoLM's own confidence is at most {bend_first:.3f} and {bend_second:.3f} above passing on at random, so all marks of the temperatures lie close to one curve."}}
axes = plots.plot_cascade(cascades, frontiers)

# %% [markdown]
# The first cascade for a target of 60 %; `asked` is the share of questions passed on:

# %%
one = cascades[(cascades.cascade == "same size, slower reading") & (cascades.target == cascade_targets[1])]
one.set_index("method")[["asked", "cost", "accuracy", "low", "high"]].round(3)

# %% tags=["remove-input"]
by_method = one.set_index("method")
own = {n: by["vanilla"] for n, by in frontiers.items()}
bend = {n: float((line.accuracy - np.interp(line.cost, line.cost.iloc[[0, -1]], line.accuracy.iloc[[0, -1]])).max()) for n, line in own.items()}
peak = {n: float(line.accuracy.max()) - alone[n][1] for n, line in own.items()}
say(
    "- **Where a target puts a method.** For {cascade_target:.0%} the PoLM's own confidence passes on {asked_vanilla:.1%} of the questions, Dual-Align {asked_dual:.0%}, temperature scaling {asked_oracle:.0%}.\n"
    "- **What a place costs.** The second model alone costs {price_alone:.0f}; a cascade that costs more is a loss. Dual-Align's costs {cost_dual:.2f}.\n"
    "- **What the order allows.** The solid line is at most {bend_first:.3f} (small first: {bend_second:.3f}) above passing on at random, and at most {peak_first:.3f} ({peak_second:.3f}) above the second model alone. No threshold does better.",
    cascade_target=cascade_targets[1],
    **{f"asked_{n}": by_method.asked[m] for n, m in (("vanilla", "vanilla"), ("dual", "dual-align"), ("oracle", "temperature-scaling"))},
    **{f"{n}_{i}": values[c] for n, values in (("bend", bend), ("peak", peak)) for i, c in zip(("first", "second"), own, strict=True)},
    price_alone=price["same size, slower reading"],
    cost_dual=by_method.cost["dual-align"],
)

# %% [markdown]
# Does the temperature move the line at all? Let each first model pass on its less sure half. The accuracy by the PoLM's own confidence less that by Dual-Align's, with 95 % intervals:

# %%
halves = {}
for name, by in first.items():
    kept_half = {m: [decisions.cascade(s.confidence, s.right, o, np.median(s.confidence))[0] for s, o in zip(by[m], second[name], strict=True)] for m in ("vanilla", "dual-align")}
    halves[name] = protocol.difference(*(decisions.bootstrap(by[m], values) for m, values in kept_half.items()))
half_table = pd.DataFrame(halves, index=["difference", "low", "high", "p"]).T
half_table["p (Holm)"] = protocol.holm(half_table.p)
half_table.round(4)

# %% tags=["remove-input"]
say(
    "Told apart from zero after Holm's correction: {halves_apart} of {halves_all}. Here the PoLM's own order does {better_order}. By the AURC Dual-Align's did ({area_change:+.4f}, lower is better). Where questions have more than two options a temperature moves the order a little, and may help one use and hurt another.",
    better_order="better" if (half_table.difference > 0).all() else "better in one and worse in the other",
    halves_apart=int((half_table["p (Holm)"] < 0.05).sum()),
    halves_all=len(half_table),
    area_change=order_table.difference["dual-align"],
)

# %% [markdown]
# ## Every pair and set
#
# The mean cost over all prices, held out, five splits, for each of the nine pairs on each of the seven sets, read in the pair's own style. `constant` gives every question the same confidence: the accuracy on the fitting questions, so it has seen their labels. It is what one number about the model buys.

# %%
everyone = [*methods, "agreement", "constant"]
cost.groupby("set", sort=False)[everyone].mean().T.rename_axis("mean over pairs").round(3)

# %% [markdown]
# Many leads are too small to be told apart. Dual-Align against each rival, trace by trace, corrected together by Holm:

# %%
sign = np.select([minus["p (Holm)"] >= 0.05, minus.cost_minus < 0], ["not told apart", "Dual-Align cheaper"], "Dual-Align dearer")
verdicts = pd.crosstab(minus.index.get_level_values("reading"), sign).rename_axis("against").rename_axis(None, axis=1)
median = minus.cost_minus.groupby("reading").median().rename("median difference")
verdicts.join(median).loc[[m for m in everyone if m != "dual-align"]].round(4)

# %% mystnb={"figure": {"caption": "Mean cost less that of `constant`, one mark a trace, filled where the PLM's premise holds; bar: mean. Left of the dotted line confidence by question is worth more than one number from labels. What to see: the PoLM's own confidence is right of it nearly everywhere; the filled marks of the three alignments and of BaseCal lie left of it or at it, their open ones mostly right; temperature scaling scatters little.", "name": "fig-savings"}, "image": {"alt": "Strips of marks, one a trace, for seven methods, on both sides of a zero line. Where the premise holds, Dual-Align is cheaper than one constant confidence on {in_dual} of {n_met} traces; where it fails, on {out_dual} of {n_other}."}}
saved_cost = cost[[*methods, "agreement"]].sub(cost["constant"], axis=0).melt(ignore_index=False).reset_index()
saved_cost = saved_cost.join(premise, on=["pair", "set"])
ax = plots.plot_savings(saved_cost, "Mean cost less that of one constant confidence")

# %% [markdown]
# On how many traces is a method cheaper than `constant`?

# %%
beats = saved_cost.assign(below=saved_cost.value < 0).groupby(["premise", "method"]).below.agg(["sum", "size"])
names = {True: f"premise met, of {premise.sum()}", False: f"not met, of {(~premise).sum()}"}
beats["sum"].unstack("premise").reindex(columns=[True, False]).rename(columns=names).loc[[*methods, "agreement"]].rename_axis(None, axis=1)

# %% tags=["remove-input"]
say(
    "Where the premise holds ({n_met} traces), Dual-Align is cheaper than `constant` on {in_dual}; on the other {n_other}, on {out_dual}. The PoLM's own confidence costs more than never answering, 0.5, on {never} of {all_traces} traces; Dual-Align's on {never_dual}.",
    n_met=int(beats.loc[(True, "dual-align"), "size"]),
    n_other=int(beats.loc[(False, "dual-align"), "size"]),
    in_dual=int(beats.loc[(True, "dual-align"), "sum"]),
    out_dual=int(beats.loc[(False, "dual-align"), "sum"]),
    never=int((cost["vanilla"] > 0.5).sum()),
    never_dual=int((cost["dual-align"] > 0.5).sum()),
    all_traces=len(cost),
)

# %% [markdown]
# So why is `align-all` the cheapest of the label-free methods so often? A larger temperature means a lower confidence, and where a model knows little the lowest confidence is the cheapest.

# %%
count = {name: cheapest[chosen].value_counts() for name, chosen in (("premise met", premise), ("not met", ~premise))}
pd.DataFrame(count).reindex(label_free).fillna(0).astype(int).rename_axis("cheapest label-free")

# %% tags=["remove-input"]
temperatures = main[main.metric == "temperature"].pivot_table(index=["pair", "set"], columns="method", values="value", aggfunc="median").loc[cost.index]
hot = (temperatures[["align-all", "daca", "dual-align"]].idxmax(axis=1) == "align-all").sum()
say(
    "Of the three alignments `align-all` has the largest temperature on {hot} of {fitted_traces} traces. On {near_chance} traces the PLM is less than ten points above chance. So its lead is a fact about weak models on hard sets, no merit of aligning on all questions.",
    hot=int(hot),
    fitted_traces=len(temperatures),
    near_chance=int((above_chance.loc[cost.index] < 0.10).sum()),
)

# %% [markdown]
# ## What this page does not show
#
# - **Real prices.** A wrong answer costs 1 here, whatever the question. The mean over all $c$ gives every price the same weight; a user with one price should look at that one.
# - **That a threshold travels.** Threshold and temperature are fitted on questions of the same set. Elsewhere both may be off.
# - **The uncertainty of the fit.** Intervals resample the held-out questions; temperatures and thresholds stay as they are. Five splits of the same questions are no new questions, and were not counted as such.
# - **Cascades as they are built.** Two weak models and a second reading, with prices that we assumed. A router that is trained, or a much better second model, is another matter.
# - **Hindsight without flattery.** The best threshold in hindsight is chosen on the questions that it is judged on. Regrets are a little too large for that reason.
#
# ## Summary
#
# - One temperature does not change the order of two-option questions. With more options it swaps some, but the curve of risk over coverage hardly moved here. What it does change is where to stop.
# - Averaged over all prices, the cost of decisions is half the top-label Brier score plus half the error rate. To compare methods by what they are good for, look there, not at the ECE alone.
# - Acting on the PoLM's own confidence is dear. Each label-free temperature repairs most of that where the PLM is calibrated. They differ little from one another there, and BaseCal, which has another order, is often cheaper still; but it calls the PLM at every question.
# - Where the premise fails, every label-free method but `align-all` breaks most of its promises. On most traces one number from labels, the accuracy, then buys more than a label-free confidence by question.
#
# So Mira sets the price of a teacher's minute and lets the rule decide. She looks at the Brier score, not at the ECE alone, when she chooses whose confidence to use.
#
# **Next:** [beyond the last prompt token](18_at_generation.ipynb).
#
# ```{exercise} What does honesty save?
# :label: ex-abstain
# A wrong answer costs 1 and silence costs `price`. A model is right on a share `accuracy` of the questions and says `says` on all of them. What does it pay a question by Bayes' rule {eq}`eq-bayes-rule`, and what would it pay if it said `accuracy` instead? Answer the saving, to three decimals.
# ```

# %%
task = course.task("abstain", me)
task

# %% [markdown]
# ```{solution-start} ex-abstain
# :class: dropdown
# ```

# %% tags=["solution"]
pays = {said: 1 - task.accuracy if 1 - said < task.price else task.price for said in (task.says, task.accuracy)}
print({said: round(paid, 2) for said, paid in pays.items()})
task.check(pays[task.says] - pays[task.accuracy])

# %% [markdown] tags=["solution"]
# The over-confident model answers, since one minus what it says is below the price. The honest one stays silent. Calibration alone saves the difference, without any order among the questions.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Two calibrated methods
# :label: ex-brier
# The PoLM is right on a share `accuracy` of the questions. One method says exactly that for every question. Another says 1 where the answer is right and 0 where it is wrong. Both have an ECE of zero. By how much is the mean cost over all prices larger for the first? Three decimals.
# ```

# %%
task = course.task("brier", me)
task

# %% [markdown]
# ```{solution-start} ex-brier
# :class: dropdown
# ```

# %% tags=["solution"]
brier_of_first = task.accuracy * (1 - task.accuracy)  # the second has none
task.check(brier_of_first / 2)

# %% [markdown] tags=["solution"]
# By {eq}`eq-brier-cost` the first pays $\frac{1}{2}[\bar a (1 - \bar a) + 1 - \bar a]$, the second $\frac{1}{2}(1 - \bar a)$. The error rate is the same for both and cancels. No calibration error shows the difference.

# %% [markdown]
# ```{solution-end}
# ```
