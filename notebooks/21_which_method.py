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
# The limits are those of the [checks](#what-a-trace-can-tell) further down. They are a little looser than those of the [main comparison](08_main_comparison.ipynb).

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
#
# | method | the PoLM's confidences are brought to |
# |---|---|
# | `vanilla` | nothing: the PoLM as it comes |
# | `dual-align` | the PLM's, with each question weighed by how far the models' answers are apart |
# | `daca` | the PLM's, on the questions on which both models agree |
# | `align-all` | the PLM's, on all questions |
# | `basecal` | none: the PLM's own confidence in the PoLM's answer is shown |
# | `agreement` | the share of questions on which both models agree |
# | `labels` (`temperature-scaling`) | the right answers |

# %%
error, floor = practice.held_out(main), practice.held_out(main, "ece_floor")
half_width = (practice.held_out(main, "ece_high") - practice.held_out(main, "ece_low")) / 2
shown = ["vanilla", "dual-align", "daca", "align-all", "basecal", "temperature-scaling"]
means = practice.by_situation(error, situation)
short = means[shown].rename(columns={"temperature-scaling": "labels"})
short["floor"] = practice.by_situation(floor, situation)["dual-align"]
short.assign(**{"±": practice.by_situation(half_width, situation)["dual-align"]}).round(3)

# %% [markdown]
# That is the calibration error (ECE) on held-out questions, a mean over the settings; five splits, 30 % to fit on. The last two columns are Dual-Align's mean noise floor and half the mean width of its 95 % interval, for a single setting.
#
# Which of these differences are sure? Below is on how many settings Dual-Align is *clearly better / clearly worse* than a rival: a [paired difference](02_reliability.ipynb) on the same questions, at 95 %, with Holm's correction for their number.

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

# %% mystnb={"figure": {"caption": "What labels are worth, by what the PLM is: ECE of temperature scaling on so many labels less that of a method without labels. Line: median over the settings; band: quartiles. Below zero the labels win. Five labels are the fewest tried. Settings with too few questions for a size drop out, so the right ends rest on fewer. What to see: where the lines cross zero, and that they cross last where the PLM is calibrated.", "name": "fig-label-worth"}, "image": {"alt": "Four panels, one for each kind of PLM, of the difference in calibration error over the number of labels, for Dual-Align, DACA and align-all; the lines fall as labels are added. Half of the settings favour labels over Dual-Align for good from {cross_chance:.0f} labels on, the fewest tried, where the PLM is at chance, and from {cross_off:.0f} where it is off; where it is calibrated, {enough:.0f} labels win on {wins_calibrated:.0%} of the settings only."}}
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
# The table has the median number of labels from which on every larger number wins, by ECE and by log-likelihood. `inf`: half of the settings or more do not win at the largest size they have. The line of the figure can lie below zero there all the same, since it leaves out settings with too few questions.
#
# A method can look good by one measure and not by the other. The likelihood is a [proper score](02_reliability.ipynb), and punishes a temperature that a handful of unlucky labels has made extreme.

# %% tags=["remove-input"]
by_kind = {name: practice.enough_labels(gaps[gaps.situation == name], share) for name in means.index}
told = {name: "never, up to the largest size" if value == float("inf") else f"{value:.0f}" for name, value in by_kind.items()}
say(
    "Half of the settings may not be enough for you. To win against each rival on at least {winning_share:.0%} of them takes {all_settings:.0f} labels. By what the PLM is:\n\n"
    "| PLM | labels |\n|---|---|\n| undecided | {n_undecided} |\n| at chance | {n_chance} |\n| off | {n_off} |\n| calibrated | {n_calibrated} |\n\n"
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
# Without labels too, a temperature needs questions. How much does $T$ change with the questions drawn? `spread` is the ratio of the ends of its central 95 % over 20 draws, a geometric mean over traces (`inf` where some draw of some trace has no finite $T$). `ece` is the mean held-out error.

# %%
few = practice.few_questions(size)
few.unstack("method").round(3)

# %% tags=["remove-input"]
at = size[[*practice.SETTING, "n"]].drop_duplicates().n.value_counts()
first, last = at.index.min(), at.index[at == at.max()].max()  # the largest that every trace has
ends = {"first": first, "last": last}
measured = {f"{q}_{m[:4]}_{end}": few.loc[(m, n), q] for q in few for m in ("dual-align", "daca") for end, n in ends.items()}
say(
    "From {few_last} questions down to {few_first} the mean error of Dual-Align goes from {ece_dual_last:.3f} to {ece_dual_first:.3f}, and that of DACA from {ece_daca_last:.3f} to {ece_daca_first:.3f}. "
    "But a single $T$ means less and less: see its spread. ({size_traces} traces; sizes above {few_last} rest on fewer of them, and cannot be compared with these.)",
    **(measured | {f"few_{end}": n for end, n in ends.items()}),
    size_traces=len(size[practice.SETTING].drop_duplicates()),
)

# %% [markdown]
# With so few questions, labelling them all may be cheap. Compare the section above.
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
    "On `{good}`, where the foreign PLM is best calibrated, Dual-Align's error is {good_dual:.3f}; on `{bad}`, where it is worst, {bad_dual:.3f}. Over the {foreign_sets} sets, the rank correlation of Dual-Align's error with the PLM's excess is {rank:.2f}.\n\n"
    "So ask what the reference knows of *these questions*. Whether an own one would do better is the subject of [another chapter](15_foreign_references.ipynb).",
    good=ordered.index[0],
    bad=ordered.index[-1],
    good_dual=ordered["dual-align"].iloc[0],
    bad_dual=ordered["dual-align"].iloc[-1],
    foreign_sets=len(foreign_table),
    rank=foreign_table["excess"].corr(foreign_table["dual-align"], method="spearman"),
)

# %% [markdown]
# ## If the PLM is near chance
#
# Such a PLM has little to teach. It can say so (*undecided*), and then aligning lowers the PoLM's confidence to that of a blind guess. Or it can be sure of itself (*at chance*), and then much of its error is copied.
#
# Can such a confidence sort answers? AUROC is the chance that a right answer has more confidence than a wrong one; .5 is a coin.

# %%
ranking = practice.by_situation(practice.held_out(main, "auroc"), situation)[["vanilla", "dual-align", "basecal"]]
ranking.round(3)

# %% tags=["remove-input"]
say(
    "- *Undecided:* Dual-Align's error is only {blind_error:.3f}, but its AUROC is {blind_auroc:.2f}. A confidence near that of a blind guess is hardly ever far off, and says nothing.\n"
    "- *At chance:* the error is {chance_error:.3f} at an AUROC of {chance_auroc:.2f}. A temperature cannot add knowledge.\n"
    "- *Calibrated:* BaseCal has a mean AUROC of {base_auroc:.2f}, against {dual_auroc:.2f} of Dual-Align and {vanilla_auroc:.2f} of the PoLM as it comes. Consider it if you only want to sort answers.",
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
# The advice as a list, then as a picture of the same. The methods and numbers are those of the tables above.
#
# Numbers in brackets are mean ECEs. That of temperature scaling is with all labels of a fitting split, over all settings. Those of the last two are for a calibrated PLM, and nobody knows without labels whether it is one.

# %%
some = f"{checks.FEW_LABELS} labels or more, and by them the PLM is"
steps = [
    (f"Labels for {enough:.0f} or more of these questions?", f"temperature scaling ({error['temperature-scaling'].mean():.3f})"),
    (f"{some} at chance?", f"temperature scaling; enough here: {told['at chance']} labels"),
    (f"{some} off?", "temperature scaling; how sure that is with so few, the section on labels says"),
    ("Does dualalign diagnose warn of anything?", "mend what it names (questions, prompt style, reference), or get labels"),
]
otherwise = f"dual-align ({means.loc['calibrated', 'dual-align']:.3f}) or daca ({means.loc['calibrated', 'daca']:.3f}), on trust in the PLM"
pd.DataFrame([*steps, ("Otherwise", otherwise)], columns=["ask, in this order", "if yes"], index=range(1, len(steps) + 2))

# %% mystnb={"figure": {"caption": "The questions of the list above, from top to bottom. What to see: Dual-Align stands at the end of the column, after three questions that need labels and one that does not.", "name": "fig-decision"}, "image": {"alt": "Flow chart of the list above: four questions in a column, each with an arrow named yes to the advice at its right and an arrow named no to the next. The first asks for {enough:.0f} labels or more and leads to temperature scaling; the last arrow leads to Dual-Align or DACA, with mean errors of {dual_calm:.3f} and {daca_calm:.3f} where the PLM is calibrated."}}
ax = plots.plot_decision(steps, otherwise)

# %% [markdown]
# Why does `align-all` come first among the methods without labels where the PLM is off? All questions together pull its temperature up, towards too little confidence. The PLM's error pulls the other way. The two cancel in part. Beside an *under-confident* PLM they would add.

# %% tags=["remove-input"]
off = plm[situation == "off"]
say(
    "Here the PLM was over-confident in {over_confident} of the {off_settings} settings in which it is off. So the advice for that case has been seen for over-confident PLMs{only}.",
    over_confident=int((off.gap > 0).sum()),
    off_settings=len(off),
    only=" only" if (off.gap > 0).all() else ", mostly",
)

# %% [markdown]
# (what-a-trace-can-tell)=
# ## When not to trust Dual-Align: what a trace can tell
#
# `dualalign diagnose` looks at the conditions below, and `dualalign report` puts them on top of its page. Each is *ok*, near the edge (*care*), or fails (*do not trust it*). The thresholds and their reasons are in `dualalign/checks.py`.
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
    "With labels: **{verdict_with}**, by {n_failed} conditions that ask for labels. Without: **{verdict_without}**. Nothing in the logits betrays a PLM that is sure of what it does not know.",
    verdict_with={"fail": "do not trust it", "care": "use with care", "ok": "no warning"}[checks.worst(found[doubtful])],
    verdict_without={"fail": "do not trust it", "care": "use with care", "ok": "no warning"}[checks.worst(blind)],
    n_failed=len(failed),
)

# %% [markdown]
# ### Do the warnings sort good from bad?
#
# For every setting: Dual-Align's held-out error less that of temperature scaling on labels, as a mean over the settings with a warning and over those without.

# %%
sorted_by = practice.warned(trust, main)
sorted_by.astype({"warned": int}).rename(columns={"over": "with a warning", "under": "without"}).round(3)

# %% tags=["remove-input"]
seen = practice.caught(trust, main)
together = {"free": "any, no labels", "told": "any, with labels"}
say(
    "- *The bad cases:* on {far_settings} settings Dual-Align is more than {far_limit:.2f} above the oracle. {caught_without} of them had a warning that needs no label, {caught_with} had one when labels count.\n"
    "- *Without labels:* {warned_free} of {all_counted} settings are warned of. There Dual-Align is {over_free:.3f} above the oracle, elsewhere {under_free:.3f}.\n"
    "- *With labels:* {warned_told} are warned of: {over_told:.3f}, elsewhere {under_told:.3f}.\n\n"
    "So a trace without labels can raise an alarm, but its silence means little. And not every condition sorts alone. `plm-decided`, for one, warns of small errors: there it is the knowledge that is missing, as the AUROC shows.",
    far_settings=seen["far"],
    far_limit=checks.FAR_OFF,
    caught_without=seen["without_labels"],
    caught_with=seen["with_labels"],
    all_counted=len(plm),
    **{f"{key}_{k}": sorted_by.loc[name, column] for k, name in together.items() for key, column in (("over", "over"), ("under", "under"))},
    **{f"warned_{k}": int(sorted_by.loc[name, "warned"]) for k, name in together.items()},
)

# %% [markdown]
# This table flatters the warnings. Several thresholds were chosen on these traces, and the labels behind two conditions are those of the test questions. Conditions that never fired here are tested on traces built for them.
#
# ## What this page does not show
#
# - **Your pair.** Small models, our own post-training but for SmolLM2, seven sets. The numbers of the chart are theirs, and so is the order of methods.
# - **A fair race.** The short answer names the methods with the smallest mean error *on these settings*. The best of several tends to be a little lucky. The table of clear differences shows how little some of them differ.
# - **PLMs that are too modest.** Below the chart it says that we have none. The [controlled world](07_world.ipynb) has only exact and over-confident ones.
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
# **Next:** [use it on your own pair](23_your_own_pair.ipynb).
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
# The standard error is $\sqrt{p(1-p)/n}$, so half the gap takes four times the labels. Thirty labels notice only a large error.
#
# Use your labels twice. First check the PLM with them. Then find their number in the panel of the figure that fits. Where the line lies below zero, fit on the labels. Where it lies above, fit Dual-Align on all questions without labels.

# %% [markdown]
# ```{solution-end}
# ```
