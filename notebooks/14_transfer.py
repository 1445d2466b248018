# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Does a temperature travel?
#
# Mira found a temperature for science questions. Next term the biology teacher wants the helper for first aid. May she keep the number, or must she fit again?
#
# If a temperature travels, nobody needs to fit twice. And then perhaps nobody needs a label-free method: somebody has labels *somewhere*, and their temperature could be carried over. So this page asks two things. Which temperatures travel? And what does a label-free fit on your own questions buy against a supervised one from elsewhere?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [the premise dial](13_premise_dial.ipynb) |
# |---|---|
# | **Helpful** | the jackknife, permutation tests |
# | **Time** | 20 minutes |
#
# **You will be able to** read a table of transfers, tell a temperature that travels from one that knows nothing of the place it came from, decide between own questions and foreign labels, and say when one temperature a subject is worth its noise.

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
import pandas as pd

from dualalign import course, plots, protocol, results, travel
from dualalign.book import glue, say
from dualalign.experiments import table

# %% tags=["parameters"]
folder = "../data/results/table"
methods = ["dual-align", "daca", "temperature-scaling"]
own_methods = ["dual-align", "daca", "align-all", "agreement", "temperature-scaling"]
me = "reader"
pair, style = "sft4", "choices"  # those of the experiment; for the premise

# %%
rows = table.load(folder, ["transfer"])
excess = {method: travel.excess(rows, method) for method in methods}
temperatures = pd.DataFrame({m: travel.own(rows, m, "temperature", "median") for m in own_methods})
oracle = "temperature-scaling"
carried = travel.matrix(rows, oracle)
duels = pd.DataFrame(
    {m: travel.over_pairs(travel.own_less_carried(rows, m, oracle)) for m in own_methods}, index=travel.Mean._fields
).T
duels["p (Holm)"] = protocol.holm(duels.p)
premise = results.premise(table.load(folder, ["main"])).loc[pair, style]
better = travel.wins(rows, "dual-align", oracle, premise.holds)
lost = pd.DataFrame({m: travel.over_pairs(one) for m, one in excess.items()}, index=travel.Mean._fields).T
lost["p (Holm)"] = protocol.holm(lost.p)

# %% tags=["remove-input"]
dual = duels.loc["dual-align"]
say(
    "**The short answer.** A label-free temperature travels. Used on another set, Dual-Align's costs {lost_dual:+.4f} of ECE ({lost_dual_low:+.4f} to {lost_dual_high:+.4f}) against a fit on the spot. "
    "That is less of a virtue than it seems: label-free temperatures are much the same number everywhere, and the right number is not. One that was fitted with labels costs {lost_oracle:+.4f} on another set ({lost_oracle_low:+.4f} to {lost_oracle_high:+.4f}). With only {n_sets} sets that loss is not beyond doubt: p = {lost_oracle_p:.2f} after Holm's correction.",
    n_sets=len(carried),
    lost_dual=lost.value["dual-align"],
    lost_dual_low=lost.low["dual-align"],
    lost_dual_high=lost.high["dual-align"],
    lost_oracle=lost.value[oracle],
    lost_oracle_low=lost.low[oracle],
    lost_oracle_high=lost.high[oracle],
    lost_oracle_p=lost.loc[oracle, "p (Holm)"],
)

# %% tags=["remove-input"]
say(
    "So which one? Dual-Align fitted on a set's own questions {verdict} a temperature that was fitted with labels on *another* set and carried over: the ECE differs by {dual_value:+.3f} ({dual_low:+.3f} to {dual_high:+.3f}). "
    "It depends on the set. Where the premise holds ({sets_hold} sets), Dual-Align is better than {better_holds} of {all_holds} foreign temperatures; where it fails, better than only {better_fails} of {all_fails}.",
    verdict=results.verdict(dual.low, dual.high),
    dual_value=dual.value,
    dual_low=dual.low,
    dual_high=dual.high,
    sets_hold=int(premise.holds.sum()),
    better_holds=better["holds"][0],
    all_holds=better["holds"][1],
    better_fails=better["fails"][0],
    all_fails=better["fails"][1],
)

# %% [markdown]
# ## The sets, and their own temperatures
#
# Are the right temperatures of two sets alike at all? The main pair, seven sets. Every method is fitted on 30 % of each set and judged on the other 70 % of every set, itself included, over five splits. The table shows each set's own temperature (median over the splits), beside what the PLM is worth there: its accuracy above a blind guess, and whether the premise holds (10 points above chance, ECE within 0.04 of
# its noise floor).

# %%
order = temperatures[oracle].sort_values().index
short = temperatures.rename(columns={oracle: "oracle"}).loc[order]
short.join(premise[["above_chance", "holds"]]).round(2)

# %% tags=["remove-input"]
spans = temperatures.max() / temperatures.min()
say(
    "The oracle's largest temperature is {span_oracle:.1f} times its smallest, Dual-Align's {span_dual:.1f} times and DACA's {span_daca:.1f} times.\n\nWhere the premise holds the oracle lies between {in_low:.1f} and {in_high:.1f}; where it fails, between {out_low:.1f} and {out_high:.1f}.",
    span_oracle=spans[oracle],
    span_dual=spans["dual-align"],
    span_daca=spans["daca"],
    in_low=temperatures[oracle][premise.holds].min(),
    in_high=temperatures[oracle][premise.holds].max(),
    out_low=temperatures[oracle][~premise.holds].min(),
    out_high=temperatures[oracle][~premise.holds].max(),
)

# %% [markdown]
# ## From every set to every other
#
# What is lost by using a temperature from elsewhere? The ECE with it, less the ECE of the same method fitted on the target itself, on the same held-out questions.

# %% mystnb={"figure": {"caption": "ECE on the column's set with a temperature from the row's set, less that of the column's own fit by the same method; hundredths, means over five splits. Sets in the order of the oracle's temperature. What to see: the oracle loses little near the diagonal and up to {worst_oracle:.2f} in the corners, where a low temperature meets a set that needs a high one or the other way round; the panels of the label-free methods are pale, and hold about as many losses as gains.", "name": "fig-transfer"}, "image": {"alt": "Three heat maps of excess calibration error, set fitted on against set judged on. Temperature scaling loses {lost_oracle:.3f} on average and up to {worst_oracle:.2f} in the corners; Dual-Align's cells run from {least_dual:+.2f} to {worst_dual:+.2f}, about as many losses as gains."}}
glue("worst_oracle", excess[oracle].max().max())
glue("least_dual", excess["dual-align"].min().min()), glue("worst_dual", excess["dual-align"].max().max())
axes = plots.plot_transfer(excess, order)

# %% [markdown]
# A set enters many cells, as a source and as a target, so the cells are not independent. The intervals below come from the jackknife: leave out one set altogether, row and column, and see how much the mean moves.

# %%
lost.rename(columns={"value": "extra ECE"}).round(4)

# %% tags=["remove-input"]
negative = {m: int((one.to_numpy() < 0).sum()) for m, one in excess.items()}
cells = len(order) * (len(order) - 1)
say(
    "Is the oracle's loss only chance? Its interval lies above zero, but not after Holm's correction over the three methods. The count points the same way: of {cells} transfers, a foreign temperature gives a *smaller* ECE than the set's own in {neg_oracle} for the oracle, {neg_dual} for Dual-Align and {neg_daca} for DACA.",
    cells=cells,
    neg_dual=negative["dual-align"],
    neg_daca=negative["daca"],
    neg_oracle=negative[oracle],
)

# %% [markdown]
# ### Which sets travel
#
# Is there a way to know beforehand? If a temperature carries information about its set, sets with similar temperatures should exchange them cheaply. Distance is measured in $1/T$, since that is what multiplies the logits: from 25 to 50 is a small step, from 2 to 4 a large one.
#
# The test is a permutation test: it gives the sets' temperatures to the sets in every possible order, and counts how often the correlation comes out as large.

# %%
distances = {m: travel.distance(temperatures[m]) for m in methods}
goes_with = pd.DataFrame(
    {m: travel.mantel(excess[m], distances[m]) for m in methods}, index=["rank correlation", "p"]
).T
goes_with.assign(**{"p (Holm)": protocol.holm(goes_with.p)}).round(4)

# %% mystnb={"figure": {"caption": "What each transfer loses, by the distance between the two sets' own 1/T; a point an ordered pair of sets. What to see: for the oracle the loss grows with the distance; the label-free methods have short distances, and their points open like a fan, gains and losses alike.", "name": "fig-transfer-distance"}, "image": {"alt": "Three scatter plots of excess calibration error against the distance of inverse temperatures. For temperature scaling the loss grows with the distance, with a rank correlation of {rho_oracle:.2f}; for Dual-Align the correlation is {rho_dual:.2f}."}}
glue("rho_oracle", goes_with.loc[oracle, "rank correlation"]), glue("rho_dual", goes_with.loc["dual-align", "rank correlation"])
axes = plots.plot_distances({m: plots.prepare_distances(distances[m], excess[m]) for m in methods})

# %% tags=["remove-input"]
ranked = temperatures["dual-align"].corr(temperatures[oracle], method="spearman")
say(
    "So the oracle's temperatures carry information about their sets (p = {p_oracle:.4f}), and nothing of the kind is seen in Dual-Align's (p = {p_dual:.2f}). Nor are Dual-Align's low where the oracle's are low: across the sets, the rank correlation of the two is {ranked:+.2f}.",
    p_oracle=goes_with.p[oracle],
    p_dual=goes_with.p["dual-align"],
    ranked=ranked,
)

# %% [markdown]
# Why? A label-free method matches the PoLM to the PLM, and how much sharper post-training made the PoLM differs little from set to set. Whether the PLM is *right* does differ, and it takes labels to see that.
#
# ## Own questions, or foreign labels?
#
# You have no labels for your set. Do you fit a label-free temperature on your own questions, or take the temperature that somebody fitted with labels on another set?

# %%
own = pd.DataFrame({m: travel.own(rows, m) for m in methods}).loc[order]
floor = travel.own(rows, oracle, "ece_floor")
others = pd.DataFrame({name: carried[name].drop(name).agg(["min", "mean", "max"]) for name in order}).T
names = {"temperature-scaling": "oracle", "min": "best", "max": "worst"}
own.join(others).join(floor.rename("floor")).rename(columns=names).round(3)

# %% [markdown]
# `dual-align`, `daca` and `oracle` are fitted on the set itself. `best`, `mean` and `worst` are of the six temperatures that the oracle has elsewhere. `floor` is the noise floor of the oracle's own fit. (Other temperatures have other floors. That is how a foreign one can lie below this one.)

# %% mystnb={"figure": {"caption": "ECE by set: own fits of Dual-Align, DACA and the oracle, and the oracle's temperatures carried from the six other sets (small grey dots and their range); the dark bar is the noise floor of the oracle's own fit. What to see: for arc-easy and openbookqa, where the premise holds, the two label-free marks lie at the left end of the grey range or beyond it; in each row below, some foreign temperature is better than both.", "name": "fig-transfer-labels"}, "image": {"alt": "A row for each set with marks for three own fits and small dots for the supervised temperatures carried from the other sets. Dual-Align's own fit is better than {better_holds} of {all_holds} of these where the premise holds, and than {better_fails} of {all_fails} where it fails."}}
ax = plots.plot_carried_labels(own, carried, floor)

# %% [markdown]
# And on the mean over the sets? Each method's ECE on its own set less that of the foreign oracle, over all ordered pairs, with intervals by the jackknife over sets:

# %%
duels.rename(columns={"value": "own less carried"}).round(3)

# %% tags=["remove-input"]
say(
    "No method here can be told apart from the foreign labels after correction. But the mean over the sets hides the premise, and Dual-Align is not the best of the label-free ones. `align-all`, which [needs no good PLM](13_premise_dial.ipynb), is better than {also_holds} of {also_all_holds} foreign temperatures where the premise holds, and than {also_fails} of {also_all_fails} where it fails.",
    also_all_holds=better["holds"][1],
    also_all_fails=better["fails"][1],
    **{f"also_{group}": counts[0] for group, counts in travel.wins(rows, "align-all", oracle, premise.holds).items()},
)

# %% [markdown]
# ## One for each subject, or one for all?
#
# Should history and chemistry have their own temperatures? DACA's paper fits one temperature for each of MMLU's 57 subjects, on a few dozen validation questions each, and averages the ECE over subjects. Here is the same on all subjects of our MMLU file: 30 % of a subject's questions to fit on.

# %%
found = travel.subjects(rows).loc[["dual-align", "daca", "align-all", oracle]]
labels = {
    "ece": "pooled",
    "floor": "its floor",
    "subject_ece": "by subject",
    "subject_floor": "its floor ",
    "spread": "± splits",
}
found.rename(columns=labels).round(3)

# %% [markdown]
# `pooled` is the ECE of all questions together, whichever temperature each was given. `by subject` is computed subject by subject and then averaged, which is the paper's way. `± splits` is the standard deviation of `pooled` over the five splits.
#
# Mind the second floor. Averaging over many small subjects gives a *perfectly calibrated* model the error in the last column but one. The pooled numbers have a floor of about a tenth of that, and they are the ones to look at.
#
# Is one temperature a subject worth it? The pooled ECE with one a subject, less that with one for all, paired by question (the fits stay as they are; the questions judged on are resampled). Below zero: one a subject is better.

# %%
paired = travel.each_less_all(rows).loc[["dual-align", "daca", "align-all", oracle]]
paired["p_holm"] = protocol.holm(paired.p)
paired.drop(columns="p").rename(columns={"value": "each less all", "p_holm": "p (Holm)"}).round(4)

# %% [markdown]
# Why does it not help? The subjects' own temperatures: median and quartiles (`low`, `high`) over subjects and splits, the share that is `infinite`, and the median number of `questions` that such a fit has.

# %%
alone = travel.subject_temperatures(rows).loc[["dual-align", "daca", "align-all", oracle]]
alone.round(2)

# %% tags=["remove-input"]
helped = paired.index[(paired.p_holm < 0.05) & (paired.value < 0)]
hurt = paired.index[(paired.p_holm < 0.05) & (paired.value > 0)]

# %% tags=["remove-input"]
say(
    "After Holm's correction one temperature a subject is better for {helped}, and worse for {hurt}; the change of {most} is the largest.\n\n"
    "- With labels, the fit is noisy: a subject has {questions:.0f} of them in the median, and {infinite:.0%} of the oracle's fits end at an infinite temperature.\n"
    "- Without labels, a subject's temperature varies little (quartiles {q_low:.1f} and {q_high:.1f} for Dual-Align). There is little to lose or to gain.\n\n"
    "Averaged by subject, the oracle with one temperature for all has an ECE of {by_subject:.3f} over a floor of {by_subject_floor:.3f}: nothing is left there for a subject's temperature to repair.",
    helped=", ".join(f"`{m}`" for m in helped) or "none of these methods",
    hurt=", ".join(f"`{m}` ({paired.value[m]:+.4f})" for m in hurt) or "none of them",
    most=f"`{paired.value.abs().idxmax()}`",
    by_subject=found.loc[(oracle, travel.ALL), "subject_ece"],
    by_subject_floor=found.loc[(oracle, travel.ALL), "subject_floor"],
    questions=alone.questions[oracle],
    infinite=alone.infinite[oracle],
    q_low=alone.low["dual-align"],
    q_high=alone.high["dual-align"],
)

# %% [markdown]
# This also bears on a reported success. A label-free method that beats *per-subject* supervised temperature scaling on MMLU may have beaten the noise of some twenty labels. Here, against one supervised temperature for all subjects, none of the label-free methods comes near: see `pooled` in the first table.
#
# ## What this page does not show
#
# - **More than seven sets.** The intervals over sets are wide, and the jackknife of such means errs on the wide side.
# - **Other pairs.** All of this is the main pair, in one prompt style. Between styles and wordings, see [prompts](12_prompts_and_order.ipynb).
# - **A choice among foreign sets.** `best` was found by looking at the target's labels. Somebody without labels would get `mean`, or must know which set is alike.
# - **Subjects of a set with signal.** The premise fails on MMLU for this pair, so the subject's temperature had little to find.
#
# ## Summary
#
# - Label-free temperatures travel: they hardly depend on the set, so little is lost, and as often something is gained.
# - The oracle's temperature depends on the set. Carried over it loses, and the more, the further apart the two temperatures are.
# - Own questions without labels, or labels from elsewhere? On the mean over these sets they are not told apart. Where the premise holds the own fit is better; where it fails, mostly not.
# - One temperature for all subjects is the safer choice on MMLU: a temperature for each is clearly better for no method here.
#
# The first-aid questions are not science questions. If Mira's temperature is label-free, she may keep it: a new fit costs her no label, and on average it changes little. If it was fitted with labels on science questions, she must not carry it over on trust. Neither tells her whether the confidences are right; that depends on what the PLM knows of first aid.
#
# **Next:** [borrowed references](15_foreign_references.ipynb).
#
# ```{exercise} How far apart are two temperatures?
# :label: ex-inverse
# A PoLM's logit of its favourite leads the three other options, all equal, by `lead`. Somebody carries the temperature `from_t` to a set that needs `to_t`. By how many percentage points of confidence is this question then wrong? (Confidence at `from_t` less confidence at `to_t`, one decimal.)
# ```

# %%
task = course.task("inverse", me)
task

# %% [markdown]
# ```{solution-start} ex-inverse
# :class: dropdown
# ```

# %% tags=["solution"]
import math

sure = {t: 1 / (1 + 3 * math.exp(-task.lead / t)) for t in (task.from_t, task.to_t, 25, 50)}
print({t: round(c, 3) for t, c in sure.items()})
task.check(100 * (sure[task.from_t] - sure[task.to_t]))

# %% [markdown] tags=["solution"]
# The last two temperatures are as far apart in $T$ as many sets are, and hardly differ in confidence. What multiplies the logits is $1/T$, so the distances of this page are taken there.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The constant traveller
# :label: ex-constant-traveller
# A method answers the same temperature on every set without looking at it. `ece` holds its error on the sets A, B and C, and `own_best` the error of the best temperature of each. The number is fitted on A and used on B. Answer two numbers, in a list: how much ECE is lost by travelling, and how much against the best temperature that B could have had?
# ```

# %%
task = course.task("constant-traveller", me)
task

# %% [markdown]
# ```{solution-start} ex-constant-traveller
# :class: dropdown
# ```

# %% tags=["solution"]
travelling = task.ece[1] - task.ece[1]  # carried from A less fitted on B: the same number, so the same error
task.check([travelling, task.ece[1] - task.own_best[1]])

# %% [markdown] tags=["solution"]
# It loses exactly nothing by travelling, since its fit at home is the same number. Whether it is good is another matter, and the second number says so. A loss by travelling can only be read beside the error at home.

# %% [markdown]
# ```{solution-end}
# ```
