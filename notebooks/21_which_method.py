# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which method should I use?
#
# Mira has her two models, a thousand questions without answers, and an afternoon in which she could label some of them. Which temperature should the study helper use?
#
# It is not always that of Dual-Align. The [short answer](#the-short-answer) below says when it is not.
#
# | You need | [Start here](01_start_here.ipynb) |
# |---|---|
# | **Helpful** | [a reliability diagram](02_reliability.ipynb) |
# | **Time** | 15 minutes |
#
# **You will be able to** choose a method by what you have, say how many labels are worth more than none, run the checks that need only a trace, and name what no such check can see.
#
# This page is for someone who wants to decide, not to understand. It draws on every pair, set and prompt style of this book, and every number in its advice is computed from them.

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

import dualalign as da
from dualalign import checks, course, plots, practice
from dualalign.book import glue, say
from dualalign.experiments import table

pd.set_option("display.max_colwidth", None)  # sentences stand in these tables

# %% tags=["parameters"]
results = "../data/results/table"
folder = "../data/traces"
share = 0.75  # of the settings on which labels must win, to be called enough
me = "reader"
fine, doubtful = "sft4__arc-easy__choices", "sft4__medmcqa__choices"

# %% [markdown]
# ## What decides: the PLM
#
# A *setting* is one pair of models on one question set in one prompt style. We sort all settings by what the PLM is on those questions, with its labels in hand, in this order:
#
# | name | meaning |
# |---|---|
# | **undecided** | its mean confidence is less than 5 points above a blind guess |
# | **at chance** | its accuracy is less than 5 points above a blind guess |
# | **off** | it knows something, but its calibration error is more than .05 above its noise floor |
# | **calibrated** | the rest: the premise of label-free calibration holds |
#
# These limits are looser than the main comparison's.
#
# The limits are those of the checks further down. That for the error is the report's, that for accuracy comes from the chapter on [recipes](06_what_post_training_does.ipynb), and the same 5 points are taken for confidence.

# %%
main, labels, trust, size = (table.load(results, [name]) for name in ("main", "labels", "trust", "size"))
plm = practice.situations(main)
situation = plm["situation"]
counted = practice.by_situation(plm[["chance", "accuracy", "confidence", "excess", "gap"]], situation)
counted.insert(0, "settings", situation.value_counts())
counted.insert(1, "sets", plm.reset_index().groupby("situation")["set"].nunique())
counted.round(3)

# %% [markdown]
# `excess` is the PLM's calibration error less its noise floor, and `gap` its mean confidence less its accuracy. Now what each method makes of the PoLM:

# %%
error, floor = practice.held_out(main), practice.held_out(main, "ece_floor")
half_width = (practice.held_out(main, "ece_high") - practice.held_out(main, "ece_low")) / 2
shown = ["vanilla", "dual-align", "daca", "align-all", "basecal", "temperature-scaling"]
means = practice.by_situation(error, situation)
short = means[shown].rename(columns={"temperature-scaling": "labels"})
short["floor"] = practice.by_situation(floor, situation)["dual-align"]
short.assign(**{"±": practice.by_situation(half_width, situation)["dual-align"]}).round(3)

# %% [markdown]
# That is the calibration error (ECE) on held-out questions, a mean over the settings; five splits, 30 % to fit on. `vanilla` is the PoLM as it comes, `labels` is temperature scaling on labels. The last two columns are Dual-Align's mean noise floor and
# half the mean width of its 95 % interval, for a single setting.
#
# Means of different settings hide which differences are sure. For each setting the difference is paired on the same questions. Below, on how many settings Dual-Align is *clearly better / clearly worse* than a rival (95 %, Holm's correction over the settings of a rival):

# %%
clear = practice.clear(main, situation)
text = clear["better"].astype(str) + " / " + clear["worse"].astype(str)
rivals = ["vanilla", "daca", "align-all", "basecal", "agreement", "temperature-scaling"]
versus = text.unstack("rival").loc[list(means.index), rivals]
versus.assign(settings=situation.value_counts())

# %% [markdown]
# (the-short-answer)=
# ### The short answer

# %% tags=["hide-input"]
gaps = practice.label_gaps(labels).join(situation, on=practice.SETTING)
enough = practice.enough_labels(gaps, share)
at_enough = gaps[(gaps.n == enough) & (gaps.rival == "dual-align")]
wins = at_enough.gap.lt(0).groupby(at_enough.situation).mean()
best = means[list(practice.LABEL_FREE)].idxmin(axis=1)
assert best["off"] == "align-all"  # explained below, after the chart
short_names = {"at chance": "chance", "off": "off", "calibrated": "calm"}
mean_of = {f"{m[:4]}_{k}": means.loc[name, m] for name, k in short_names.items() for m in ("dual-align", "daca", "align-all")}
named = {f"best_{k}": best[name] for name, k in short_names.items()} | {f"least_{k}": means.loc[name, best[name]] for name, k in short_names.items()}
total = clear.groupby("rival")[["better", "worse"]].sum()
tally = {f"{column}_{rival[:4]}": int(total.loc[rival, column]) for rival in ("daca", "align-all") for column in total}
tally |= {f"calm_{column}": int(value) for column, value in clear.loc[("calibrated", "daca")].items()}

# %% tags=["remove-input"]
say(
    "**Dual-Align is not the best choice everywhere.** Means are held-out ECEs.\n\n"
    "- *PLM calibrated:* `{best_calm}` has the smallest mean ({least_calm:.3f}; DACA {daca_calm:.3f}, align-all {alig_calm:.3f}). Against DACA it is clearly better on {calm_better} and clearly worse on {calm_worse} of {calm_settings} settings.\n"
    "- *PLM off:* `{best_off}` ({least_off:.3f}; Dual-Align {dual_off:.3f}). *At chance:* `{best_chance}` ({least_chance:.3f}; Dual-Align {dual_chance:.3f}).\n"
    "- *All {settings} settings:* Dual-Align is clearly better than align-all on {better_alig} and clearly worse on {worse_alig}; against DACA {better_daca} and {worse_daca}.\n"
    "- *Labels:* with {enough:.0f} or more, temperature scaling beats each method without labels on at least {share:.0%} of all settings. Beside a calibrated PLM, so many labels beat Dual-Align on {wins_calibrated:.0%} only.",
    **(named | mean_of | tally),
    settings=len(plm),
    enough=enough,
    share=share,
    wins_calibrated=wins["calibrated"],
)

# %% [markdown]
# Settings share questions, and most share one PLM. So "a share of the settings" says how often something happened here. It is no probability for your pair.
#
# ## If you have labels
#
# Labels go into one number, so few of them go far. Here temperature scaling on $n$ labels is held against methods that use *every* question of the same half without labels. Both are judged on the other half; five splits, four draws of the labels in each.

# %% mystnb={"figure": {"caption": "What labels are worth, by what the PLM is: ECE of temperature scaling on so many labels less that of a method without labels. Line: median over the settings; band: quartiles. Below zero the labels win. Settings with too few questions for a size drop out, so the right ends rest on fewer. What to see: where the lines cross zero, and that they cross last where the PLM is calibrated.", "name": "fig-label-worth"}, "image": {"alt": "Four panels, one for each kind of PLM, of the difference in calibration error over the number of labels, for Dual-Align, DACA and align-all; the lines fall as labels are added. Against Dual-Align the median crosses zero at {cross_chance:.0f} labels where the PLM is at chance and {cross_off:.0f} where it is off; where it is calibrated, {enough:.0f} labels win on {wins_calibrated:.0%} of the settings only."}}
axes = plots.plot_label_gaps(practice.label_quantiles(gaps.drop(columns="situation"), situation))

# %%
needed = practice.labels_needed(gaps).unstack("rival")
likelihood = practice.labels_needed(practice.label_gaps(labels, "nll")).unstack("rival")
three = ["dual-align", "daca", "align-all"]
medians = {"ECE": needed[three].groupby(situation).median(), "likelihood": likelihood[three].groupby(situation).median()}
glue("cross_chance", medians["ECE"].loc["at chance", "dual-align"])
glue("cross_off", medians["ECE"].loc["off", "dual-align"])
pd.concat(medians, axis=1).loc[list(means.index)]

# %% [markdown]
# The table has the median number of labels from which on every larger number wins (`inf`: half of the settings or more do not win at the largest size they have; the right ends of the figure leave out settings with too few questions, so its line can lie below zero all the same), by ECE and by log-likelihood. A method can look good by one and not by the other; the likelihood is a proper score and
# punishes a temperature that a handful of unlucky labels has made extreme.

# %% tags=["remove-input"]
by_kind = {name: practice.enough_labels(gaps[gaps.situation == name], share) for name in means.index}
told = {name: "never, up to the largest size" if value == float("inf") else f"{value:.0f}" for name, value in by_kind.items()}
say(
    "To win against each rival on at least {winning_share:.0%} of the settings takes {all_settings:.0f} labels over all settings. By what the PLM is: undecided {n_undecided}, at chance {n_chance}, off {n_off}, calibrated {n_calibrated}. "
    "To learn which of these you have takes labels too: {few_labels} are the least for which the checks below say anything.",
    winning_share=share,
    all_settings=enough,
    n_undecided=told["undecided"],
    n_chance=told["at chance"],
    n_off=told["off"],
    n_calibrated=told["calibrated"],
    few_labels=checks.FEW_LABELS,
)

# %% [markdown]
# ## If you have few questions
#
# Without labels too, a temperature needs questions. Here is what drawing another $n$ questions does to $T$: `spread` is the ratio of the ends of its central 95 % over 20 draws, a geometric mean over traces (experiment `size`; inf where some draw of some trace has no finite $T$).

# %%
few = practice.few_questions(size)
few.unstack("method").round(3)

# %% tags=["remove-input"]
at = size[[*practice.SETTING, "n"]].drop_duplicates().n.value_counts()
first, last = at.index.min(), at.index[at == at.max()].max()  # the largest that every trace has
ends = {"first": first, "last": last}
measured = {f"{q}_{m[:4]}_{end}": few.loc[(m, n), q] for q in few for m in ("dual-align", "daca") for end, n in ends.items()}
say(
    "Over the draws of {few_first} questions Dual-Align's $T$ spreads by a factor of {spread_dual_first:.1f} and DACA's by {spread_daca_first:.1f}; at {few_last} questions by {spread_dual_last:.2f} and {spread_daca_last:.2f}. "
    "The mean error of Dual-Align goes from {ece_dual_last:.3f} at {few_last} questions to {ece_dual_first:.3f} at {few_first}; of DACA from {ece_daca_last:.3f} to {ece_daca_first:.3f}. ({size_traces} traces; larger sizes rest on fewer of them, and cannot be compared with these.)",
    **(measured | {f"few_{end}": n for end, n in ends.items()}),
    size_traces=len(size[practice.SETTING].drop_duplicates()),
)

# %% [markdown]
# DACA drops the questions on which the models disagree; Dual-Align drops none. With so few questions, labelling them all may be cheap: compare the section above.
#
# ## If the reference is foreign
#
# Often the base of a model is not public. Here our PLM is the reference for SmolLM2-135M-Instruct, of another family:

# %%
foreign = error.xs("smollm2", level="pair").droplevel("style")
known = plm.xs("smollm2", level="pair").droplevel("style")[["situation", "excess"]]
foreign_table = known.join(foreign[["dual-align", "daca", "align-all", "basecal", "temperature-scaling"]])
foreign_table.sort_values("excess").round(3)

# %% tags=["remove-input"]
ordered = foreign_table.sort_values("excess")
say(
    "On `{good}`, where the foreign PLM is best calibrated, Dual-Align's error is {good_dual:.3f} and DACA's {good_daca:.3f}; on `{bad}`, where it is worst, {bad_dual:.3f} and {bad_daca:.3f}. Over the {foreign_sets} sets, the rank correlation of Dual-Align's error with the PLM's excess is {rank:.2f}. "
    "So ask what the reference knows of *these questions*. Whether an own one would do better, this table does not say.",
    good=ordered.index[0],
    bad=ordered.index[-1],
    good_dual=ordered["dual-align"].iloc[0],
    good_daca=ordered["daca"].iloc[0],
    bad_dual=ordered["dual-align"].iloc[-1],
    bad_daca=ordered["daca"].iloc[-1],
    foreign_sets=len(foreign_table),
    rank=foreign_table["excess"].corr(foreign_table["dual-align"], method="spearman"),
)

# %% [markdown]
# ## If the PLM is near chance
#
# Such a PLM has little to teach. It can say so (*undecided*), and then aligning lowers the PoLM's confidence to that of a blind guess. Or it can be sure of itself (*at chance*), and then much of its error is copied. AUROC is the chance that a right answer has more confidence than a wrong one; .5 is a coin.

# %%
ranking = practice.by_situation(practice.held_out(main, "auroc"), situation)[["vanilla", "dual-align", "basecal"]]
ranking.round(3)

# %% tags=["remove-input"]
say(
    "With an undecided PLM, Dual-Align's error is only {blind_error:.3f}, but its AUROC is {blind_auroc:.2f}: a confidence near that of a blind guess is hardly ever far off, and says nothing. With a PLM at chance, the error is {chance_error:.3f} at an AUROC of {chance_auroc:.2f}. "
    "A temperature cannot add knowledge. BaseCal, the PLM's own confidence in the PoLM's answer, has a mean AUROC of {base_auroc:.2f} where the PLM is calibrated, against {dual_auroc:.2f} of Dual-Align and {vanilla_auroc:.2f} of the PoLM as it comes: consider it if you only want to sort answers.",
    blind_error=means.loc["undecided", "dual-align"],
    blind_auroc=ranking.loc["undecided", "dual-align"],
    chance_error=means.loc["at chance", "dual-align"],
    chance_auroc=ranking.loc["at chance", "dual-align"],
    base_auroc=ranking.loc["calibrated", "basecal"],
    dual_auroc=ranking.loc["calibrated", "dual-align"],
    vanilla_auroc=ranking.loc["calibrated", "vanilla"],
)

# %% [markdown]
# ## The chart
#
# The same in words, as a list for those who do not see the picture. Methods and numbers are taken from the tables above; the numbers in brackets are mean ECEs: of temperature scaling with all labels of a fitting split, and of the last two where the PLM is calibrated, which nobody knows without labels.

# %%
some = f"{checks.FEW_LABELS} labels or more, and by them the PLM is"
steps = [
    (f"Labels for {enough:.0f} or more of these questions?", f"temperature scaling ({error['temperature-scaling'].mean():.2f})"),
    (f"{some} at chance?", f"temperature scaling; enough here: {told['at chance']} labels"),
    (f"{some} off?", "temperature scaling; how sure that is with so few, the section on labels says"),
    ("Does dualalign diagnose warn of anything?", "mend what it names (questions, prompt style, reference), or get labels"),
]
otherwise = f"dual-align ({means.loc['calibrated', 'dual-align']:.2f}) or daca ({means.loc['calibrated', 'daca']:.2f}), on trust in the PLM"
pd.DataFrame([*steps, ("Otherwise", otherwise)], columns=["ask, in this order", "if yes"], index=range(1, len(steps) + 2))

# %% mystnb={"figure": {"caption": "The questions of the list above, from top to bottom. What to see: Dual-Align stands at the end of the column, after three questions that need labels and one that does not.", "name": "fig-decision"}, "image": {"alt": "Flow chart of the list above: four questions in a column, each with an arrow named yes to the advice at its right and an arrow named no to the next. The first asks for {enough:.0f} labels or more and leads to temperature scaling; the last arrow leads to Dual-Align or DACA, with mean errors of {dual_calm:.3f} and {daca_calm:.3f} where the PLM is calibrated."}}
ax = plots.plot_decision(steps, otherwise)

# %% [markdown]
# Why does `align-all` come first among the methods without labels where the PLM is off? All questions together pull its temperature up, towards too little confidence, and the PLM's error pulls the other way. Two errors cancel in part. Beside an *under-confident* PLM they would add.

# %% tags=["remove-input"]
off = plm[situation == "off"]
say(
    "Here the PLM was over-confident in {over_confident} of the {off_settings} settings in which it is off. So the advice for that case has been seen for over-confident PLMs{only}.",
    over_confident=int((off.gap > 0).sum()),
    off_settings=len(off),
    only=" only" if (off.gap > 0).all() else ", mostly",
)

# %% [markdown]
# ## When not to trust Dual-Align: what a trace can tell
#
# `dualalign diagnose` looks at these conditions, and `dualalign report` puts them on top of its page. A condition that fails says *do not trust it*; *care* says that it is near the edge. The thresholds and their reasons are in `dualalign/checks.py`.
#
# ```bash
# dualalign diagnose data/traces/sft4__medmcqa__choices.safetensors
# ```

# %%
pairs = {name: da.Traces.load(f"{folder}/{name}.safetensors") for name in (fine, doubtful)}
found = {name: checks.examine(traces) for name, traces in pairs.items()}
pd.DataFrame({c.name: (c.condition, c.state) for c in found[fine]}, index=["what should hold", fine]).T

# %% [markdown]
# That trace is fine. The next one is not. Its last column is the same trace with its labels taken away:

# %%
without = da.Traces(pairs[doubtful].plm_logits, pairs[doubtful].polm_logits, pairs[doubtful].labels * 0 - 1, pairs[doubtful].n_options, pairs[doubtful].question_ids)
blind = checks.examine(without)
rows = {c.name: (c.found, c.state, b.state) for c, b in zip(found[doubtful], blind, strict=True)}
pd.DataFrame(rows, index=["found", doubtful, "no labels"]).T

# %% tags=["remove-input"]
failed = [c for c in found[doubtful] if c.state == "fail"]
say(
    "With labels: **{verdict_with}** ({reasons}). Without: **{verdict_without}**. Nothing in the logits betrays a PLM that is sure of what it does not know.",
    verdict_with={"fail": "do not trust it", "care": "use with care", "ok": "no warning"}[checks.worst(found[doubtful])],
    verdict_without={"fail": "do not trust it", "care": "use with care", "ok": "no warning"}[checks.worst(blind)],
    reasons="; ".join(c.said for c in failed),
)

# %% [markdown]
# ### Do the warnings sort good from bad?
#
# For every setting: Dual-Align's held-out error less that of temperature scaling on labels, averaged over the settings with a warning (`over`) and over those without (`under`).

# %%
sorted_by = practice.warned(trust, main)
sorted_by.astype({"warned": int}).round(3)

# %% tags=["remove-input"]
seen = practice.caught(trust, main)
together = {"free": "any, no labels", "told": "any, with labels"}
say(
    "On {far_settings} settings Dual-Align is more than {far_limit:.2f} above the oracle. Of these, {caught_without} had a warning that needs no label, and {caught_with} had one when labels count. "
    "Conditions that need no label warn of {warned_free} of {all_counted} settings, where Dual-Align is {over_free:.3f} above the oracle on average; without a warning {under_free:.3f}. With labels {warned_told} are warned of: {over_told:.3f} against {under_told:.3f}. "
    "So a trace without labels can raise an alarm; its silence means little. Not every condition sorts alone: the table has some whose `over` is no larger than their `under`.",
    far_settings=seen["far"],
    far_limit=checks.FAR_OFF,
    caught_without=seen["without_labels"],
    caught_with=seen["with_labels"],
    all_counted=len(plm),
    **{f"{key}_{k}": sorted_by.loc[name, column] for k, name in together.items() for key, column in (("over", "over"), ("under", "under"))},
    **{f"warned_{k}": int(sorted_by.loc[name, "warned"]) for k, name in together.items()},
)

# %% [markdown]
# The reasons for several thresholds were measured on these traces, and the labels behind two of the conditions are those of the test questions, so this table flatters the warnings. Conditions that never fired here are tested on traces built for them.
#
# ## What this page does not show
#
# - **Your pair.** Small models, our own post-training but for SmolLM2, seven sets. The numbers in the boxes of the chart are of these settings, and so is the order of methods.
# - **A fair race for the chart.** Each box names the method with the smallest mean error *on these settings*. The best of several is always a little lucky. The table of clear differences shows how little some of them differ.
# - **PLMs that are too modest.** See the sentence below the chart. The [controlled world](07_world.ipynb) has only exact and over-confident ones.
# - **Shift.** Labels were drawn from the same questions as the test. Labels from elsewhere are worth less.
#
# ## Summary
#
# - Labels first. The figure says how many were worth more than none, by what the PLM is.
# - Without labels, everything rests on the PLM's calibration on these very questions. Where it is bad, Dual-Align and DACA pass its error on.
# - `dualalign diagnose` finds fragile fits. It cannot find a PLM that is wrong and sure. Labels can.
#
# So Mira labels first, as many as the afternoon allows, to see what her PLM is. Then she reads the list above from the top.
#
# **Next:** [your own pair](../your_own_pair.md).
#
# ```{exercise} Do two errors cancel?
# :label: ex-which-under
# All numbers are mean confidence less accuracy, in percentage points. The PLM's own error on some questions is `plm_error`. Aligning on everything adds `align_all_adds` to it, Dual-Align adds `dual_align_adds`.
# By how many points is the size of align-all's error larger than the size of Dual-Align's? (Negative: it is smaller.)
# ```

# %%
task = course.task("which-under", me)
task

# %% [markdown]
# ```{solution-start} ex-which-under
# :class: dropdown
# ```

# %% tags=["solution"]
sizes = {name: abs(task.plm_error + added) for name, added in (("align-all", task.align_all_adds), ("Dual-Align", task.dual_align_adds))}
print(sizes)
task.check(sizes["align-all"] - sizes["Dual-Align"])

# %% [markdown] tags=["solution"]
# What is added is negative: alignment on everything errs towards too little confidence. Beside an over-confident PLM it takes back a part of the error. Beside an under-confident one it adds to it, and the reason for preferring align-all is gone.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How many labels does a check need?
# :label: ex-which-thirty
# You expect the PLM to be right on a share `accuracy` of the questions. You want a check that notices if its mean confidence is off by `gap`: the half width of the 95 % interval of the accuracy (normal, $1.96$ standard errors) must be at most `gap`.
# How many labels is that, rounded up?
# ```

# %%
task = course.task("which-thirty", me)
task

# %% [markdown]
# ```{solution-start} ex-which-thirty
# :class: dropdown
# ```

# %% tags=["solution"]
import math

labels_needed = math.ceil(1.96**2 * task.accuracy * (1 - task.accuracy) / task.gap**2)
print(labels_needed)
task.check(labels_needed)

# %% [markdown] tags=["solution"]
# The standard error is $\sqrt{p(1-p)/n}$, so half the gap takes four times the labels. Thirty labels notice only a large error. Use them for both: check the PLM coarsely, then read the figure at that number in the panel that fits. Where the line lies below zero,
# fit on the labels; where it lies above, fit Dual-Align on all questions without labels.

# %% [markdown]
# ```{solution-end}
# ```
