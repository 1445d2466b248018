# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How many questions does it need?
#
# Mira can collect questions from old homework: without answers, but it costs her evenings. Are thirty enough for a temperature, or must it be three hundred? And a colleague offers to label a few. How many labels are worth more than all her questions?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [The main comparison](08_main_comparison.ipynb) |
# |---|---|
# | **Helpful** | standard errors |
# | **Time** | 20 minutes |
#
# **You will be able to**
#
# - say how far a temperature from $n$ questions strays from that of all questions;
# - tell a steady temperature from a good one;
# - name the number of labels at which temperature scaling overtakes the methods without labels.

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
from dualalign import course, few, ledger, plots, practice, results
from dualalign.book import glue, say
from dualalign.experiments import table

pd.set_option("display.max_colwidth", None)

# %% tags=["parameters"]
folder = "../data/results/table"
traces_folder = "../data/traces"
me = "reader"
pair = "sft4"
methods = ["dual-align", "daca", "align-all", "temperature-scaling"]
rivals = ["daca", "align-all", "temperature-scaling"]

# %%
size = table.load(folder, ["size"])
found = few.draws(size)
sizes = few.by_size(found)
near, cost = few.over_sets(sizes, "near"), few.over_sets(sizes, "cost")
near_minus, cost_minus, ece_minus = (few.compared(sizes, quantity, rivals) for quantity in ("near", "cost", "ece"))
labels_minus = ece_minus.loc["temperature-scaling", ["value", "low", "high", "p_holm"]]
claim = ledger.judge(next(claim for claim in ledger.CLAIMS if claim.number == "7"), size)

# %% [markdown]
# ## The short answer
#
# DACA throws away the questions on which the two models disagree; Dual-Align uses them all. So Dual-Align should get by with fewer. The [ledger](20_ledger.ipynb), which sets our evidence beside the paper's claims, counts this as claim 7.

# %% tags=["remove-input"]
n_most = int(near.index.get_level_values("n").max())
say(
    "- *The temperature settles sooner.* With {n_most} questions Dual-Align's lies within 10 % of that of all questions in {near_dual:.0%} of the draws, DACA's in {near_daca:.0%} (95 % interval of the difference: {near_low:+.0f} to {near_high:+.0f} points).\n"
    "- *The error hardly notices:* claim 7 is **{verdict}**. Fitted on 10 to 100 questions instead of all, both methods lose some ECE. Dual-Align's loss less DACA's is {value:+.4f} ({low:+.4f} to {high:+.4f} over {sets} sets).\n"
    "- *Steady is not right.* `{least}` is the least steady of the four methods below. Yet with {n_most} labels its ECE is {ts:.3f}, where Dual-Align has {dual:.3f} with as many questions. (Difference {gap:+.3f}, {gap_low:+.3f} to {gap_high:+.3f}; after the correction for many tests $p$ is {gap_p:.2f}, so not sure.)",
    **{name: claim[name] for name in ("verdict", "value", "low", "high", "sets")},
    n_most=n_most,
    near_dual=near.value["dual-align", n_most],
    near_daca=near.value["daca", n_most],
    least=near.value.xs(n_most, level="n")[methods].idxmin(),
    **{f"near_{end}": 100 * near_minus[end]["daca", n_most] for end in ("low", "high")},
    **dict(zip(("gap", "gap_low", "gap_high", "gap_p"), labels_minus.loc[n_most], strict=True)),
    ts=sizes[(sizes.n == n_most) & (sizes.method == "temperature-scaling")].groupby("set").ece.mean().mean(),
    dual=sizes[(sizes.n == n_most) & (sizes.method == "dual-align")].groupby("set").ece.mean().mean(),
)

# %% [markdown]
# ## The experiment
#
# Cut each question set in two halves. From the first draw $n$ questions, 20 times, without putting any back, and fit every method on the same draw. Judge all on the second half, which no fit has seen.
#
# There are three [pairs](08_main_comparison.ipynb): the main one, one of another recipe, one of another family. They were chosen before any result. The first half holds this many questions:

# %%
halves = found.groupby(["pair", "set"], sort=False)["half"].first().unstack("set")
halves

# %% [markdown]
# Where $n$ is nearly all of the half, the 20 draws are nearly the same questions. So a mean over the sets is shown only for those $n$ that are at most half of the smallest first half.
#
# ## How soon does the temperature settle?

# %% mystnb={"figure": {"caption": "Temperature by the number of questions fitted on, main pair, a panel a set (in brackets: all of the first half). Lines are medians of 20 draws, bands quartiles; the dotted line is the oracle with all labels; 30+ collects what is larger or infinite. What to see: the bands of the label-free methods close quickly, at much the same temperature in every set; the wide grey band of temperature scaling closes around the dotted line, which lies far above them in four of the seven.", "name": "fig-size-t"}, "image": {"alt": "Seven panels of temperature against number of questions for Dual-Align, DACA, align-all and temperature scaling, with quartile bands. With all questions Dual-Align ends between {d_low:.1f} and {d_high:.1f} over the sets, the oracle between {o_low:.1f} and {o_high:.1f}."}}
axes = plots.plot_draws(plots.prepare_draws(found, pair, "temperature"), methods, "temperature")

# %% tags=["remove-input"]
of_pair = found[(found.pair == pair) & (found.n == found.half)].pivot(
    index="set", columns="method", values="temperature"
)
say(
    "With all questions of the first half, Dual-Align's temperatures lie between {d_low:.1f} and {d_high:.1f} over the sets, DACA's between {a_low:.1f} and {a_high:.1f}, the oracle's between {o_low:.1f} and {o_high:.1f} (the search ends at 100).",
    d_low=of_pair["dual-align"].min(),
    d_high=of_pair["dual-align"].max(),
    a_low=of_pair["daca"].min(),
    a_high=of_pair["daca"].max(),
    o_low=of_pair["temperature-scaling"].min(),
    o_high=of_pair["temperature-scaling"].max(),
)

# %% [markdown]
# ### When a fit fails
#
# DACA has nothing to fit on if the two models agree on no question of a draw; then it refuses. If they agree on a share $a$ of all questions, $n$ random ones hold no agreement with probability $(1 - a)^n$. For $a = 0.3$:

# %%
pd.Series({n: (1 - 0.3) ** n for n in (5, 10, 20)}, name="DACA refuses").rename_axis("questions").to_frame().map("{:.2%}".format)

# %% [markdown]
# Any method can also find that its objective falls without end, and answer $T = \infty$, or stop at an edge of the search (0.01 or 100). The share of draws with any of this, over all pairs and sets, by $n$:

# %%
failed = (
    sizes.assign(failed=sizes.refused + sizes.infinite + sizes.edge)
    .groupby(["method", "n"])["failed"]
    .mean()
    .unstack("n")
)
failed.loc[methods].map("{:.1%}".format)

# %% tags=["remove-input"]
of_daca = found[(found.method == "daca") & (found.n == found.n.min())]
agree = sizes[sizes.method == "daca"].groupby(["pair", "set"]).used.mean()
supervised = sizes[sizes.method == "temperature-scaling"]
fails = (supervised.infinite + supervised.edge).groupby(supervised["set"]).mean()
n_least = int(found.n.min())

# %% tags=["remove-input"]
say(
    "DACA refused {refused} of its {tried} draws of {n_least} questions (what the table counts for it are stops at an edge). The models agree on {agree_least:.0%} of the questions or more in each setting (a pair on a set); at these rates {expected:.1f} refusals were to be expected. So refusing is a problem of very small samples only. Labels are the noisier guide: temperature scaling often finds no temperature, or one at an edge. More labels do not always help: on {worst_set} {worst_failed:.0%} of its fits fail over all $n$. (The largest $n$ have the larger sets only, so the row need not fall.)",
    refused=int(of_daca.refused.sum()),
    worst_set=fails.idxmax(),
    worst_failed=fails.max(),
    tried=len(of_daca),
    n_least=n_least,
    agree_least=agree.min(),
    expected=float(((1 - agree) ** n_least).mean() * len(of_daca)),
)

# %% [markdown]
# ## What is a steady temperature worth?
#
# Two questions are easily taken for one. Is the temperature from $n$ questions near that of all questions, by the same method? And what does it lose in calibration error, against that same fit on all?

# %% mystnb={"figure": {"caption": "Left: share of draws whose temperature lies within 10 % of the same method's from all questions. Right: held-out ECE less that of the fit on all questions. Means over seven sets with 95 % intervals. What to see: on the left the diamonds of Dual-Align stand on top and the stars of temperature scaling far below; on the right all marks but the stars lie close together; whether they differ, the paired table below tells.", "name": "fig-size-cost"}, "image": {"alt": "Two panels against number of questions, for four methods with intervals. With {n_most} questions {near_dual:.0%} of Dual-Align's draws, {near_daca:.0%} of DACA's and {near_ts:.0%} of temperature scaling's lie near the final temperature; the label-free methods then lose at most {at_most:.3f} of ECE."}}
axes = plots.plot_few(near, cost, methods)
glue("near_ts", near.value["temperature-scaling", n_most])

# %% [markdown]
# Here is Dual-Align less each rival, on the same draws. As in the main comparison, a difference is averaged over the pairs of a set, the interval is Student's $t$ over the sets, and the last column is Holm's correction over the rows of each part.

# %%
both = {"near": near_minus, "ECE lost": cost_minus}
shown = pd.concat(
    {
        name: rows.loc[["daca", "temperature-scaling"], ["value", "low", "high", "p_holm"]]
        for name, rows in both.items()
    },
    names=["quantity"],
)
shown.rename(columns={"p_holm": "p (Holm)"}).round(4)

# %% tags=["remove-input"]
sure = {name: rows.loc["daca"].query("p_holm < 0.05").index.tolist() for name, rows in both.items()}
say(
    "The $n$ at which the difference to DACA stands after the correction: {near_sure} for the temperature, {cost_sure} for the ECE lost.",
    near_sure=", ".join(map(str, sure["near"])) or "none",
    cost_sure=", ".join(map(str, sure["ECE lost"])) or "none",
)

# %% [markdown]
# Why does the steadier temperature not buy a clearly smaller error? Because what straying costs is counted from where the method ends. A fit on all questions that ends at a poor temperature can only gain by straying towards a better one. The mean ECE lost, by set:

# %%
by_set = sizes[sizes.small & sizes.method.isin(methods)].groupby(["set", "method"])["cost"].mean().unstack()[methods]
final = found[(found.n == found.half) & found.method.eq("dual-align")].groupby("set")[["ece", "floor"]].mean()
by_set.join(final.rename(columns={"ece": "all: dual", "floor": "floor"})).round(3)

# %% [markdown]
# (Means over the pairs and over each $n$ up to half of the first half. The last two columns are the ECE of Dual-Align fitted on all questions, and its noise floor.)

# %% tags=["remove-input"]
gained = by_set < 0
say(
    "Fitted on few questions, the mean error is *smaller* than with all of them for align-all in {all_sets} of the {n_sets} sets, for DACA in {daca_sets}, for Dual-Align in {dual_sets} and for temperature scaling in {ts_sets}.",
    n_sets=len(by_set),
    all_sets=int(gained["align-all"].sum()),
    daca_sets=int(gained["daca"].sum()),
    dual_sets=int(gained["dual-align"].sum()),
    ts_sets=int(gained["temperature-scaling"].sum()),
)

# %% mystnb={"figure": {"caption": "Held-out ECE by the number of questions fitted on, main pair, drawn as before; the grey line is the oracle's noise floor, a mean over perfect models, so an error can lie below it. What to see: more questions bring temperature scaling down towards the dotted line; the lines of Dual-Align and DACA run nearly level, and end above the dotted one in every set but openbookqa.", "name": "fig-size-ece"}, "image": {"alt": "Seven panels of calibration error against number of questions for four methods, with quartile bands, the oracle's error and its noise floor. On MedMCQA Dual-Align stays near {level_dual:.3f} however many questions it has, and temperature scaling ends at {level_ts:.3f}."}}
axes = plots.plot_draws(plots.prepare_draws(found, pair, "ece"), methods, "ece")
for key, method in (("dual", "dual-align"), ("ts", "temperature-scaling")):
    glue(f"level_{key}", found[(found.pair == pair) & (found.n == found.half) & (found.method == method)].set_index("set").ece["medmcqa"])

# %% [markdown]
# ### Claim 7, by the ledger's rule
#
# The rule was written down before the table was filled: the ECE lost by fitting on 10, 20, 50 and 100 questions instead of all, Dual-Align's less DACA's, a mean over these $n$; then over the pairs of a set; then Student's $t$ over the sets.

# %%
pd.Series(claim).loc[["text", "effect", "value", "low", "high", "sets", "verdict"]].to_frame("claim 7")

# %% [markdown]
# The rule counts $n = 100$ in sets whose first half is hardly larger. There both methods lose next to nothing, and the difference is drawn towards 0. This makes the claim harder to support and harder to contradict.
#
# ## Is DACA less steady because it discards?
#
# DACA minimises the same loss as align-all, on the share $a$ of the questions on which the models agree. Suppose these were questions like any others. What would throwing the rest away cost? The scatter of a mean falls as one over the root of the number of questions. So the standard deviation of $\ln T$ would grow by the factor $1/\sqrt{a}$.
#
# Is that so for a temperature, which is no mean? Align-all on 100 random questions, and on a random half of them, two hundred times:

# %%
trace, rng = da.Traces.load(f"{traces_folder}/{pair}__arc-easy__choices.safetensors"), np.random.default_rng(0)
drawn = [rng.choice(len(trace), 100, replace=False) for _ in range(200)]
log_t = {n: [np.log(da.AlignAll().fit(trace.select(rows[:n])).temperature_) for rows in drawn] for n in (100, 50)}
print(f"half of the questions: {np.std(log_t[50]) / np.std(log_t[100]):.2f} times the scatter; expected {1 / np.sqrt(0.5):.2f}")

# %% [markdown]
# Nearly. And DACA? Here is the scatter of each method as a ratio to align-all's at the same $n$ (geometric means over the settings). `expected` is $1/\sqrt{a}$, `agree` is $a$.

# %%
thin = few.thinned(sizes)
ratios = np.exp(np.log(thin.set_index("n")[["expected", "daca", "confidence-only", "dual-align"]]).groupby("n").mean())
ratios.assign(agree=thin.groupby("n").used.mean(), settings=thin.groupby("n").size()).round(2)

# %% tags=["remove-input"]
log_ratio = np.log(thin[thin.n == n_most].set_index("set")[["daca", "expected"]])
below, alone = (ledger.over_sets(v.rename("value").reset_index()) for v in (log_ratio.daca - log_ratio.expected, log_ratio.daca))
say(
    "With {n_draw} questions DACA should scatter {scatter_due:.2f} times as much as align-all. It scatters {seen:.2f} times as much, {ratio:.2f} of what its number of questions says ({ratio_low:.2f} to {ratio_high:.2f} over the sets). That it is steadier than align-all itself is not sure: {alone:.2f} times, {alone_low:.2f} to {alone_high:.2f}.",
    n_draw=n_most,
    scatter_due=ratios.expected[n_most],
    seen=ratios.daca[n_most],
    **{f"ratio{end}": float(np.exp(value)) for end, value in zip(("", "_low", "_high"), below[:3], strict=True)},
    **{f"alone{end}": float(np.exp(value)) for end, value in zip(("", "_low", "_high"), alone[:3], strict=True)},
)

# %% [markdown]
# A likely reason: the disagreements are the questions that [pull hardest](10_why_align_all_fails.ipynb) at a temperature, a PoLM sure of one option beside a PLM that believes in another. Leaving them out removes questions, and the most contrary ones at that.
#
# Dual-Align keeps them at a smaller weight. The column `confidence-only` shows how steady that alone is; the step to `dual-align` is what the process loss adds. (Settings with an infinite temperature drop out of this table, so its first rows rest on others than the rest: see `settings`.)
#
# ## What are labels worth?
#
# First with equal numbers: $n$ labelled questions for temperature scaling, the same $n$ without labels for Dual-Align. Dual-Align's ECE less that of temperature scaling, over the sets:

# %%
labels_minus.rename(columns={"p_holm": "p (Holm)"}).round(3)

# %% tags=["remove-input"]
say(
    "The interval leaves out zero at $n$ = {clear_n}. After Holm's correction over the rows of all rivals the difference stands at {sure_n} $n$.",
    clear_n=", ".join(map(str, labels_minus.index[labels_minus.low * labels_minus.high > 0])) or "no size",
    sure_n=int((labels_minus.p_holm < 0.05).sum()) or "no",
)

# %% [markdown]
# Then the harder comparison: temperature scaling on $n$ labels against the label-free methods on *all* questions of the first half. From which number of labels on (5, 10, 20, 50, 100, 200, 500, as far as the half reaches) is its mean ECE the lower one, there and at every larger number? This counts means: a difference of 0.001 counts as one of 0.1.
#
# The table holds every pair, set and style of this book, sorted by the premise: it *holds* where the PLM is at least 10 points above chance, and its ECE within 0.04 of the noise floor. The columns are the lower quartile, median and upper quartile of the number over the settings; ∞ means that the labels still lose at the largest $n$ tried (100 in some settings, 500 in others), and `never` is the share of such settings.

# %%
label_gaps = practice.label_gaps(table.load(folder, ["labels"]))
needed = practice.labels_needed(label_gaps).rename("labels").reset_index()
premise = results.premise(table.load(folder, ["main"]))["holds"].rename("holds").reset_index()
needed = needed.merge(premise, on=["pair", "style", "set"]).assign(
    premise=lambda d: np.where(d.holds, "holds", "fails")
)
groups = needed.groupby(["premise", "rival"])["labels"]
quarter = {
    name: groups.quantile(q, interpolation="nearest") for name, q in (("lower", 0.25), ("median", 0.5), ("upper", 0.75))
}
wide = pd.DataFrame(quarter).assign(never=groups.agg(lambda v: np.isinf(v).mean()), settings=groups.size())
wide.assign(
    never=wide.never.map("{:.0%}".format), **{c: wide[c].map("{:.0f}".format).replace("inf", "∞") for c in quarter}
)

# %% tags=["remove-input"]
spoken = {key: "more than were tried" if np.isinf(value) else f"{value:.0f}" for key, value in wide["median"].items()}
say(
    "Where the premise fails, the median number of labels that beats Dual-Align by the mean is {fails} (5 is the smallest that we tried). Where it holds it is {holds}, and in {never:.0%} of these settings no number tried is enough. (Those {n_holds} settings lie on {n_sets_holds} question sets only.)",
    fails=spoken["fails", "dual-align"],
    holds=spoken["holds", "dual-align"],
    never=wide.never["holds", "dual-align"],
    n_holds=int(wide.settings["holds", "dual-align"]),
    n_sets_holds=int(needed[needed.holds]["set"].nunique()),
)

# %% [markdown]
# How sure is that? Here is the ECE of temperature scaling on $n$ labels less that of Dual-Align on all questions, a mean over the sets with its 95 % interval (Student's $t$ over the sets; `beats`: the share of the settings with a lower mean):

# %%
rated = label_gaps[label_gaps.rival == "dual-align"].merge(premise, on=["pair", "style", "set"])
rated = rated[rated.n <= 100].rename(columns={"gap": "value"})
worth = {}
for (holds, n), rows in rated.groupby(["holds", "n"]):
    found_here = dict(zip(("value", "low", "high", "sets"), ledger.over_sets(rows[["set", "value"]]), strict=True))
    worth["holds" if holds else "fails", n] = found_here | {"beats": (rows.value < 0).mean(), "settings": len(rows)}
worth = pd.DataFrame(worth).T.rename_axis(["premise", "labels"])
worth.astype({"sets": int, "settings": int}).round(3)

# %% tags=["remove-input"]
at_fails = worth.loc["fails"]
sure_from = int(at_fails.index[at_fails.high < 0].min())
say(
    "Where the premise fails the interval lies below zero from {sure_from} labels on ({sure_value:+.3f}, {sure_low:+.3f} to {sure_high:+.3f}); with {n_first} labels it does not ({first_value:+.3f}, {first_low:+.3f} to {first_high:+.3f}). "
    "Where it holds the mean stays above zero up to {n_last} labels, but {n_sets_worth} sets are too few for an interval that says anything.",
    sure_from=sure_from,
    n_first=int(at_fails.index.min()),
    n_last=int(worth.loc["holds"].query("value > 0").index.max()),
    n_sets_worth=int(worth.loc["holds"].sets.max()),
    **{f"sure_{k}": at_fails.loc[sure_from, k] for k in ("value", "low", "high")},
    **{f"first_{k}": at_fails.iloc[0][k] for k in ("value", "low", "high")},
)

# %% [markdown]
# The page [Which method should I use?](21_which_method.ipynb) makes advice of this.
#
# ## What this page does not show
#
# - **Fewer than ten questions**, where DACA would begin to refuse.
# - **Other halves.** Each set was cut once. The 20 draws differ, the questions judged on do not; the intervals over sets hold both, those of one panel do not.
# - **Larger sets.** The comparison over all sets ends where the smallest one does.
# - **A test of each setting.** The table of labels needed counts means, setting by setting; only the means over the sets have an interval.
# - **Questions chosen with care.** All draws are random. Questions on which the PoLM is most sure, say, may be worth more.
#
# ## Summary

# %% tags=["remove-input"]
free = ["dual-align", "daca", "align-all"]
at_most = cost.value.xs(n_most, level="n")[free].max()
ranked = near.value.xs(n_most, level="n")[methods].sort_values(ascending=False)
of_all = found[(found.n == found.half) & found.method.isin(free)]
ece_all = of_all.groupby(["method", "set"]).ece.mean().groupby("method").mean()

# %% tags=["remove-input"]
say(
    "- A label-free temperature needs few questions: with {n_few}, the label-free methods lose at most {at_most:.3f} of ECE on average, while with all questions they differ among each other by {between:.3f} (`{best_all}` {ece_best:.3f}, `{worst_all}` {ece_worst:.3f}).\n"
    "- From the steadiest temperature to the least steady, by the means: {ranked}. Whether Dual-Align's steadiness saves calibration error against DACA is {verdict_again}.",
    n_few=n_most,
    at_most=at_most,
    between=ece_all.max() - ece_all.min(),
    best_all=ece_all.idxmin(),
    ece_best=ece_all.min(),
    worst_all=ece_all.idxmax(),
    ece_worst=ece_all.max(),
    ranked=", ".join(f"`{name}`" for name in ranked.index),
    verdict_again=claim["verdict"],
)

# %% [markdown]
# - DACA discards about half of the questions, and yet its temperature scatters far less than so few questions would. Likely the questions that it keeps are more alike. Whether it is steadier than align-all, which discards none, is not sure.
# - A steady temperature can be steadily wrong. It settles where the PLM puts it.
# - What labels are worth depends on the premise. Where it fails, labels soon have the lower error on average; the last table says from which number on that is sure. Where it holds, on few sets, often no number that we tried has.
#
# Mira stops collecting after a few dozen questions. She spends the next evenings on labels: only they can tell whether her PLM may be trusted, and [chapter 2](02_reliability.ipynb) says that they must come by the hundred.
#
# **Next:** [prompts, wordings and the order of options](12_prompts_and_order.ipynb)
#
# ```{exercise} When does DACA refuse?
# :label: ex-refuse
# Two models agree on a share `agree` of all questions. How many random questions must Mira collect at least, so that DACA finds nothing to fit on with a probability of at most `limit`? A whole number.
# ```

# %%
task = course.task("refuse", me)
task

# %% [markdown]
# ```{solution-start} ex-refuse
# :class: dropdown
# ```

# %% tags=["solution"]
n = 1
while (1 - task.agree) ** n > task.limit:  # the probability that none of n questions is an agreement
    n += 1
print(f"{n} questions: {(1 - task.agree) ** n:.5f}; one less: {(1 - task.agree) ** (n - 1):.5f}")
task.check(n)

# %% [markdown] tags=["solution"]
# By logarithms: $n \ge \ln(\text{limit}) / \ln(1 - a)$, rounded up. (The logarithm of a number below 1 is negative, so dividing by it turns the inequality.)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What is a discarded question worth?
# :label: ex-thin
# On `questions` questions the two models agree on a share `agree`, and DACA's $\ln T$ scatters `ratio` times as much as that of align-all on the same questions. How many questions would align-all need for the scatter that DACA has? The nearest whole number.
# ```

# %%
task = course.task("thin", me)
task

# %% [markdown]
# ```{solution-start} ex-thin
# :class: dropdown
# ```

# %% tags=["solution"]
needed_by_all = task.questions / task.ratio**2  # scatter ~ 1 / sqrt(n)
used = task.agree * task.questions
print(f"DACA used {used:.0f} questions; align-all needs {needed_by_all:.0f} to be as steady")
task.check(needed_by_all)

# %% [markdown] tags=["solution"]
# The share $a$ does not enter: the ratio was measured, with everything that discarding does. Had the agreeing questions been like any others, the ratio would be $1/\sqrt{a}$, and align-all would need only as many questions as DACA keeps. That it needs more shows that the questions DACA keeps are not like any others; likely they are more alike.

# %% [markdown]
# ```{solution-end}
# ```
