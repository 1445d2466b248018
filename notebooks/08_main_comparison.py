# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The main comparison: which method calibrates best?

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

from dualalign import ledger, plots, results
from dualalign.book import say
from dualalign.experiments import table

# %% tags=["parameters"]
folder = "../data/results/table"
metric = "ece"  # or top_label_brier
quantity = "ece"  # of the paired differences setting by setting; or brier, nll (BaseCal then drops out)
sets = ["arc-easy", "arc-challenge", "openbookqa", "csqa", "piqa", "mmlu", "medmcqa"]  # two at least
rivals = ["daca", "basecal", "align-all", "confidence-only", "process-only", "agreement"]  # of the heat maps
main_pair = "sft4"
chain = ["sft1", "sft1-dpo", "sft1-dpo-rlvr"]

# %%
rows = table.load(folder, ["main"])
rows = rows[rows["set"].isin(sets)]
rows = pd.concat([rows, results.constant(rows)])
own = rows[ledger.own_style(rows)]  # the main pair was read in two more styles
errors = results.by_setting(own, metric)
premise = results.premise(rows)
holding = errors.index.intersection(premise.index[premise.holds])
failing = errors.index.difference(holding)
gaps = results.by_setting(own, "confidence") - results.by_setting(own, "accuracy")

# %%
means = errors.mean()
label_free = results.ranks(errors, ["plm", results.ORACLE, *results.CONSTANTS]).index
rivals_first = results.difference(errors, ["daca", "basecal"])
verbs = {name: results.verdict(row.low, row.high) for name, row in rivals_first.iterrows()}
best = means[label_free].idxmin()
foreign = errors.index.get_level_values("pair").str.startswith("smollm2")
families = {"own": errors.index[~foreign], "smollm2": errors.index[foreign]}
by_family = {name: results.difference(errors.loc[index], ["daca", "basecal", "align-all"]) for name, index in families.items()}

# %% tags=["remove-input"]
say(
    "**Does Dual-Align calibrate best on our pairs? {answer}.** On held-out questions it {verb_daca} DACA (difference of {of} {daca_value:+.3f}, 95 % interval {daca_low:+.3f} to {daca_high:+.3f} over {daca_sets} sets), "
    "and it {verb_basecal} BaseCal ({basecal_value:+.3f}, {basecal_low:+.3f} to {basecal_high:+.3f}). Without labels the lowest mean {of} is that of `{best}`: {best_value:.3f}, against {ours_value:.3f} for Dual-Align. "
    "The mean hides two families: against DACA it is {first_own:+.3f} over the recipes of this book's PLM and {first_smollm2:+.3f} over the pairs of SmolLM2. "
    "The oracle, which sees labels, has {oracle_value:.3f}, and a perfectly calibrated model as sure as Dual-Align would show about {floor_value:.3f}.",
    answer="Yes" if best == results.OURS and set(verbs.values()) == {"beats"} else "No",
    of=metric.upper().replace("_", " "),
    **{f"verb_{name}": verb for name, verb in verbs.items()},
    **{f"{name}_{c}": row[c] for name, row in rivals_first.iterrows() for c in ("value", "low", "high")},
    **dict(daca_sets=int(rivals_first.sets["daca"]), best=best, best_value=means[best], ours_value=means[results.OURS], oracle_value=means[results.ORACLE]),
    **{f"first_{name}": d.value["daca"] for name, d in by_family.items()},
    floor_value=results.by_setting(own, "ece_floor")[results.OURS].mean(),
)

# %% tags=["remove-input"]
off = gaps.loc[failing].mean()
say(
    "Why? Because of the PLM. In {failing} of {settings} settings (a pair on a set) it knows little or is not calibrated; there its mean confidence is {off_plm:+.3f} off its accuracy. The PoLM inherits that from it: aligned by DACA it is "
    "{off_daca:+.3f} off, by Dual-Align {off_dual:+.3f}, by align-all {off_align:+.3f}. In the {holding} settings with a calibrated PLM the figures are {on_daca:+.3f}, {on_dual:+.3f} and {on_align:+.3f}, and of all methods without labels the lowest error is that of `{best_holds}`.",
    failing=len(failing),
    settings=len(errors),
    holding=len(holding),
    **{f"off_{m.split('-')[0]}": off[m] for m in ("plm", "daca", "dual-align", "align-all")},
    **{f"on_{m.split('-')[0]}": gaps.loc[holding, m].mean() for m in ("daca", "dual-align", "align-all")},
    best_holds=errors.loc[holding, label_free].mean().idxmin(),
)

# %% [markdown]
# Both facts were seen before on smaller ground. In the [controlled world](07_world.ipynb) align-all finds the true temperature where the PLM's belief is exact, and DACA stays below it; where the PLM is over-confident, nearly all that trust it
# stay over-confident. And on real pairs [agreement selects](06_what_post_training_does.ipynb): a PLM that is calibrated on average is under-confident where both models agree, and over-confident where they do not. So
# aligning adds an error of its own to that of the PLM, and the sum can be small by luck.
#
# The rest of this page says how sure these statements are, and where they change.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | [the controlled world](07_world.ipynb); paired tests |
# | **Time** | 25 minutes |
#
# **You will be able to** read a comparison of calibrators with its floor, spread and intervals, say which differences survive a correction for their number, see through a low ECE, and tell whether a ranking
# depends on the PLM.
#
# ## What is compared
#
# Nine pairs of models and seven question sets. Seven PoLMs come from the PLM of this book; `smollm2` is a real instruct model beside that PLM as a foreign reference; `smollm2-sft4` is further post-training of it, with itself as the reference.
# Each pair is read in its own prompt style. For every setting there are five random splits, 30 % of the questions to fit on and 70 % to judge by, the same for every method. No label enters a fit, but for
# `temperature-scaling`, the **oracle**.
#
# All numbers come from one table, which `python -m dualalign.experiments main` remakes from the traces. Its ECE has ten bins. That is fixed when the table is made: the number is a default of `metrics.summary` and `protocol.bootstrap`. Change it there, and the command sees that its modules changed and runs again.
# What can be changed on this page alone stands in its second cell: another measure, fewer sets, other rivals.
#
# Two names are new. `agreement` takes the temperature at which the mean confidence equals the rate at which the two models agree. `batch` divides out the mean probability of each place and has no temperature.
# Methods that need more than a trace of the questions, such as an empty question or permuted options, are not in this table.
#
# ## The standings

# %%
standings = results.ranks(errors, ["plm", results.ORACLE, *results.CONSTANTS])[["rank", "best"]]
standings = standings.reindex(errors.columns).assign(error=means, spread=results.by_setting(own, metric, "std").mean())
for column in ("ece_low", "ece_high", "ece_floor"):
    standings[column] = results.by_setting(own, column).mean()
standings.sort_values("error").round(3)

# %% [markdown]
# Means over the settings. `rank` is the mean rank among the methods that need no label (1 is best), and `best` counts the settings in which a method came first. `spread` is the standard deviation over the five splits. `ece_low` and `ece_high`
# are the ends of the 95 % bootstrap interval of a split, which takes off the noise that resampling adds. `ece_floor` is what a perfectly calibrated model of the same confidences would show. `plm` is the PLM itself, on its own answers. The two constants come in a moment.
#
# ECE is one view. Here are the others on the same test questions:

# %%
others = ["brier", "top_label_brier", "nll", "auroc", "aurc", "accuracy"]
beside = pd.DataFrame({name: results.by_setting(own, name).mean() for name in others})
beside.loc[standings.sort_values("error").index].round(3)

# %% [markdown]
# `brier` and `nll` judge the whole distribution over the options. BaseCal and the constants have none, only a confidence; `top_label_brier` judges that. `auroc` asks whether right answers get more confidence than wrong ones, and `aurc` is the area under the
# risk-coverage curve.

# %% tags=["remove-input"]
proper = {name: results.difference(results.by_setting(own, name), ["daca", "align-all"]) for name in ("brier", "nll")}
auroc = beside.auroc[label_free]
say(
    "Over all sets, by the Brier score Dual-Align {brier_verb} DACA ({brier_daca:+.4f}, {brier_low:+.4f} to {brier_high:+.4f}), and by NLL it {nll_verb} it ({nll_daca:+.4f}, {nll_low:+.4f} to {nll_high:+.4f}). Against align-all it is {brier_all:+.4f} and {nll_all:+.4f}. "
    "The AUROC of the methods without labels lies between {auroc_low:.3f} and {auroc_high:.3f}: a temperature moves confidence, and hardly its order.",
    **{f"{n}_verb": results.verdict(d.low["daca"], d.high["daca"]) for n, d in proper.items()},
    **{f"{n}_{c}": d[c]["daca"] for n, d in proper.items() for c in ("low", "high")},
    **{f"{n}_{short}": d.value[m] for n, d in proper.items() for short, m in (("daca", "daca"), ("all", "align-all"))},
    auroc_low=auroc.min(),
    auroc_high=auroc.max(),
)

# %% [markdown]
# ### ECE alone is cheap
#
# Two rows of the standings are not methods but a warning. `constant` is equally sure of every answer: as sure as the PLM was on average over the questions to fit on. It needs no label. `constant (labels)` takes the PoLM's accuracy there instead. All their answers fall
# into one bin, so their ECE is $|c - \text{accuracy}|$ with $c$ the constant, and their floor is the mean deviation of a share from its chance.

# %% tags=["remove-input"]
c, labelled = results.CONSTANTS
first = errors[[c, results.OURS]]
say(
    "Knowing nothing but one accuracy, `constant (labels)` has a mean ECE of {labelled_ece:.3f} at a floor of {labelled_floor:.3f}; the oracle has {oracle_ece:.3f}. Its AUROC is {auroc_constant:.1f}: it cannot tell one answer from another. The label-free constant has {free:.3f}, "
    "and {free_holds:.3f} where the premise holds. There Dual-Align has {dual_holds:.3f}; over all settings the constant's error is below Dual-Align's in {below} of {of_settings}. "
    "The top-label Brier score is {brier_labelled:.3f} for `constant (labels)`, {brier_oracle:.3f} for the oracle and {brier_dual:.3f} for Dual-Align.",
    labelled_ece=means[labelled],
    labelled_floor=standings.ece_floor[labelled],
    oracle_ece=means[results.ORACLE],
    auroc_constant=beside.auroc[labelled],
    **dict(free=means[c], free_holds=errors.loc[holding, c].mean(), dual_holds=errors.loc[holding, results.OURS].mean()),
    below=int((first[c] < first[results.OURS]).sum()),
    of_settings=len(first),
    **{f"brier_{n}": beside.top_label_brier[m] for n, m in (("labelled", labelled), ("oracle", results.ORACLE), ("dual", results.OURS))},
)

# %% [markdown]
# So a small ECE is no proof of a good calibrator. Models of this size answer many sets near chance, and there even the Brier score can hardly tell a constant from the rest. Look at AUROC and AURC too: they show what the confidence is worth.
#
# ## Against each rival
#
# Pairs share their questions and their PLM. So, as in the [ledger](20_ledger.ipynb), the *sets* are the units: a difference is averaged over the pairs of a set, and the interval is Student's $t$ over the sets. `p_holm` is the p-value of that test after Holm's correction;
# the family are the rivals of this table. Below zero, Dual-Align has the smaller error.

# %%
compared = [name for name in standings.sort_values("error").index if name not in (results.OURS, "plm", *results.CONSTANTS)]
differences = results.difference(errors, compared)
differences[["value", "low", "high", "p", "p_holm", "sets"]].round(3)

# %% tags=["remove-input"]
clear = differences[differences.p_holm <= 0.05]
say(
    "After the correction Dual-Align is better than {better}, worse than {worse}, and not told apart from {open}.",
    better=", ".join(f"`{n}`" for n in clear.index[clear.value < 0]) or "none",
    worse=", ".join(f"`{n}`" for n in clear.index[clear.value > 0]) or "none",
    open=", ".join(f"`{n}`" for n in differences.index.difference(clear.index, sort=False)) or "none",
)

# %% [markdown]
# ### Setting by setting
#
# Within one setting the questions are the units. Both methods answer the same ones, so they are resampled together; a question that stands in several splits is drawn in all of them. Here the family of Holm's correction is all settings *of one rival*.

# %%
by_question = results.against(own, quantity)
results.tally(by_question)

# %% [markdown]
# `lower` and `higher` count the settings in which Dual-Align's error was below or above the rival's; the inner columns count those that survive the correction.

# %% tags=["remove-input"]
say(
    "A larger family would be idle. $R$ resamples give no p-value below $2/(R + 1)$. The smallest here is {p_min:.4f}; Holm multiplies the smallest of all {tests} tests by their number, which gives {p_all:.2f}. (Not resampled were {unsampled}.)",
    p_min=by_question.p.min(),
    tests=len(by_question),
    p_all=min(1.0, by_question.p.min() * len(by_question)),
    unsampled=", ".join(f"`{n}`" for n in compared if n not in set(by_question.rival)) or "none",
)

# %% mystnb={"figure": {"caption": "Calibration error of Dual-Align less that of a rival, in hundredths, for every pair and set; a panel a rival. Purple and a minus: Dual-Align has the smaller error; orange and a plus: the rival has. Framed and bold: found after Holm's correction over the settings of that rival. What to see: in DACA's panel most purple frames stand in the two rows of SmolLM2 and the orange ones above them; align-all's panel changes sign from the first column to most others.", "name": "fig-against"}, "image": {"alt": "Six heat maps of pairs by question sets with the signed difference of calibration errors in each cell and frames round those that are significant."}}
pairs = list(dict.fromkeys(by_question.pair))
drawn_rivals = [name for name in rivals if name in set(by_question.rival)]
axes = plots.plot_against(plots.prepare_against(by_question, drawn_rivals, pairs, sets), pairs, sets)

# %% tags=["remove-input"]
counts = results.tally(by_question)
mixed = [n for n in counts.index if counts.loc[n, "lower, Holm"] and counts.loc[n, "higher, Holm"]]
say(
    "Against DACA, Dual-Align is better in {daca_better} and worse in {daca_worse} of {daca_settings} settings after the correction{basecal_clause}. Rivals with findings of both signs: {mixed}. For those no average over settings says what happens on a pair of yours.",
    daca_better=int(counts.loc["daca", "lower, Holm"]),
    daca_worse=int(counts.loc["daca", "higher, Holm"]),
    daca_settings=int(counts.settings["daca"]),
    basecal_clause="".join(f"; against BaseCal in {int(r['lower, Holm'])} and {int(r['higher, Holm'])}" for n, r in counts.iterrows() if n == "basecal"),
    mixed=", ".join(f"`{n}`" for n in mixed) or "none",
)

# %% [markdown]
# ## The main pair, set by set

# %%
shown = ["vanilla", "agreement", "process-only", "basecal", "daca", "dual-align", "confidence-only", "align-all", results.ORACLE]
mine = errors.loc[main_pair].droplevel("style").loc[sets]
mine[shown].T.round(3)

# %% mystnb={"figure": {"caption": "The main pair on every set: mean calibration error over five splits, with the mean 95 % interval; the grey bar is the noise floor of the method, the dotted line the PLM's own ECE. What to see: the oracle stays near its bar on every set; on MedMCQA, where the PLM's own ECE is largest, every other method stands far from its own.", "name": "fig-main-pair"}, "image": {"alt": "Seven panels, one a question set, of the calibration error of nine methods with intervals and noise floors."}}
columns = {"value": "ece", "low": "ece_low", "high": "ece_high", "floor": "ece_floor"}
drawn = {name: results.by_setting(own, column).loc[main_pair][shown].stack() for name, column in columns.items()}
drawn = pd.DataFrame(drawn).reset_index()
ordered = pd.concat([drawn[drawn["set"] == name] for name in sets])
axes = plots.plot_sets(ordered, premise.ece.loc[main_pair, "choices"])

# %% [markdown]
# ## Where the premise holds, and where it fails
#
# Every method but the oracle, `vanilla` and `batch` trusts something of the PLM. That uses an unchecked premise. We call it held in a setting if the PLM's accuracy is well above chance and its ECE near the floor, on all questions of the set: the lab's rule, in numbers below. It needs labels, so without them nobody can check it.

# %% tags=["remove-input"]
say(
    "Accuracy at least {margin:.2f} above chance, and ECE within {near:.2f} of the floor: that holds in {n_hold} settings, on {which}.",
    margin=results.CHANCE_MARGIN,
    near=ledger.CALIBRATED,
    n_hold=len(holding),
    which=", ".join(f"{s} in {style}" for style, s in sorted({key[1:] for key in holding})),
)

# %%
groups = {"premise holds": holding, "premise fails": failing}
names = [m for m in standings.sort_values("error").index if m not in ("vanilla", "batch")]
by_premise = {g: pd.DataFrame({"error": errors.loc[i, names].mean(), "floor": results.by_setting(own, "ece_floor").loc[i, names].mean(), "gap": gaps.loc[i, names].mean()}) for g, i in groups.items()}
pd.concat(by_premise, axis=1).round(3)

# %% mystnb={"figure": {"caption": "Mean confidence less accuracy on held-out questions, in settings in which the premise holds and in which it fails. Dot: mean over the settings; line: from the least to the largest. Right of zero the PoLM is over-confident. What to see: beside a calibrated PLM, align-all lies left of zero, and the dots of DACA and Dual-Align closer to it; beside a PLM that fails all dots but the oracle's lie well right of it, those of align-all and BaseCal the least.", "name": "fig-main-gaps"}, "image": {"alt": "Two panels of dots with ranges, one a group of settings: over-confidence of the PLM and nine methods, around zero where the premise holds and above zero where it fails."}}
order = ["plm", "process-only", "agreement", "vector-scaling", "daca", "dual-align", "confidence-only", "align-all", "basecal", results.ORACLE]
axes = plots.plot_gaps({name: gaps.loc[index] for name, index in groups.items()}, order)

# %%
tested = ["daca", "basecal", "align-all", "confidence-only", results.ORACLE]
split = {name: results.difference(errors.loc[index], tested) for name, index in groups.items()}
pd.concat(split)[["value", "low", "high", "p_holm", "sets"]].round(3)

# %% tags=["remove-input"]
temperature = results.by_setting(own, "temperature")
below_oracle = {g: (temperature.loc[i, ["daca", "dual-align", "align-all"]].lt(temperature.loc[i, results.ORACLE], axis=0)).mean() for g, i in groups.items()}
leaders = {g: errors.loc[i, label_free].mean().nsmallest(3) for g, i in groups.items()}
say(
    "Does the conclusion change? {changes}. Where the premise holds the three lowest mean errors without labels are those of {three_hold}; where it fails, {three_fail}. Dual-Align less align-all is {all_holds:+.3f} in the first group and {all_fails:+.3f} in the second. "
    "The first group has {sets_hold} sets only, so its intervals say little. The oracle's temperature lies above Dual-Align's in {dual_h:.0%} of the settings in which the premise holds and in {dual_f:.0%} of the others; above align-all's in {align_h:.0%} and {align_f:.0%}.",
    changes="Yes" if leaders["premise holds"].index[0] != leaders["premise fails"].index[0] else "No, the lowest is the same",
    three_hold=", ".join(f"`{m}` ({v:.3f})" for m, v in leaders["premise holds"].items()),
    three_fail=", ".join(f"`{m}` ({v:.3f})" for m, v in leaders["premise fails"].items()),
    all_holds=split["premise holds"].value["align-all"],
    all_fails=split["premise fails"].value["align-all"],
    sets_hold=int(split["premise holds"].sets.max()),
    **{f"{m.split('-')[0]}_{g.split()[1][0]}": below_oracle[g][m] for g in groups for m in ("dual-align", "align-all")},
)

# %% [markdown]
# This is how one should read the standings. The lead of `align-all` there is not a lead in method. It gives the highest temperatures, and most of our settings need a temperature higher than the PLM asks for. [Why it does so](10_why_align_all_fails.ipynb) has a page of its own.
# Choosing a method by such a table means choosing by the fault of one's PLM. [The premise dial](13_premise_dial.ipynb) turns that fault up and down on purpose.
#
# ## Recipe by recipe, and along the chain

# %%
some = ["vanilla", "basecal", "daca", "dual-align", "align-all", results.ORACLE]
recipes = errors[some].groupby("pair").mean().assign(floor=results.by_setting(own, "ece_floor")[results.OURS].groupby("pair").mean())
recipes.round(3)

# %% [markdown]
# Means over the sets; `floor` is that of Dual-Align.

# %% tags=["remove-input"]
split_spread = results.by_setting(own, metric, "std")[["daca", "dual-align"]].max(axis=1).groupby("pair").mean()
lead = recipes["daca"] - recipes["dual-align"]
say(
    "Dual-Align's mean error is below DACA's for {smaller} of {n_pairs} pairs; by more than the mean spread over the splits for {clearly}, and above it by more for {clearly_not}. It is furthest below on `{most}` ({most_value:+.3f}) and furthest above on `{least}` ({least_value:+.3f}).",
    smaller=int((lead > 0).sum()),
    n_pairs=len(lead),
    clearly=", ".join(f"`{p}`" for p in lead.index[lead > split_spread]) or "none",
    clearly_not=", ".join(f"`{p}`" for p in lead.index[lead < -split_spread]) or "none",
    **dict(most=lead.idxmax(), most_value=-lead.max(), least=lead.idxmin(), least_value=-lead.min()),
)

# %% tags=["remove-input"]
brier = results.by_setting(own, "brier")
by_brier = {name: results.difference(brier.loc[index], ["daca"]).loc["daca"] for name, index in families.items()}
say(
    "The families differ. Over the recipes of this book's PLM, Dual-Align less DACA is {own_daca:+.3f} ({own_low:+.3f} to {own_high:+.3f} over sets), less align-all {own_all:+.3f}; over the two pairs of SmolLM2 {smollm2_daca:+.3f} ({smollm2_low:+.3f} to {smollm2_high:+.3f}) and {smollm2_all:+.3f}. "
    "So Dual-Align {own_verb} DACA in the first family and {smollm2_verb} it in the second. By the Brier score the differences from DACA are {own_brier:+.4f} ({own_brier_low:+.4f} to {own_brier_high:+.4f}) and {smollm2_brier:+.4f} ({smollm2_brier_low:+.4f} to {smollm2_brier_high:+.4f}).",
    **{f"{n}_brier{end}": d[c] for n, d in by_brier.items() for end, c in (("", "value"), ("_low", "low"), ("_high", "high"))},
    **{f"{n}_{short}": d.value[m] for n, d in by_family.items() for short, m in (("daca", "daca"), ("all", "align-all"))},
    **{f"{n}_{c}": d[c]["daca"] for n, d in by_family.items() for c in ("low", "high")},
    **{f"{n}_verb": results.verdict(d.low["daca"], d.high["daca"]) for n, d in by_family.items()},
)

# %% mystnb={"figure": {"caption": "Error along the chain SFT, DPO, RLVR: mean over the sets on which the premise holds for these pairs, and over the others. Bars: mean standard deviation over the splits; dotted: noise floor of Dual-Align. The uncalibrated model is in the table below; it would lie far above. What to see: the order of align-all, DACA and Dual-Align on the left is not the order on the right.", "name": "fig-chain-errors"}, "image": {"alt": "Two panels of lines over three checkpoints, one line a method, with the noise floor dotted."}}
floor = results.by_setting(own, "ece_floor")[results.OURS].rename("floor")
both = {g: errors.loc[i, some].join(floor).groupby("pair").mean().loc[chain] for g, i in groups.items()}
deviation = {g: results.by_setting(own, metric, "std").loc[i, some].groupby("pair").mean().loc[chain] for g, i in groups.items()}
axes = plots.plot_stages({g: values.drop(columns="vanilla") for g, values in both.items()}, deviation)

# %%
pd.concat(both, names=["group"]).round(3)

# %% [markdown]
# ## More parameters, or none
#
# DACA's authors also put their loss on vector scaling (a factor and an offset an option) and on matrix scaling (a matrix and offsets); this is what stands for their Table 9 here. BaseCal goes the other way and fits nothing: it keeps the PoLM's answer and takes the PLM's probability of it.

# %%
flexible = ["daca", "vector-scaling", "matrix-scaling", "basecal", results.OURS]
wanted = ["ece", "ece_floor", "top_label_brier", "brier", "nll", "auroc", "accuracy"]
pd.DataFrame({name: results.by_setting(own, name).mean() for name in wanted}).loc[flexible].round(3)

# %%
from_daca = results.difference(errors, ["vector-scaling", "matrix-scaling", "basecal"], ours="daca")
accuracy = results.by_setting(own, "accuracy")
moved = accuracy[flexible].sub(accuracy["vanilla"], axis=0)
kept = {m: results.difference(accuracy, ["vanilla"], ours=m).loc["vanilla", ["value", "low", "high"]] for m in ("vector-scaling", "matrix-scaling")}
change = pd.DataFrame(kept).T.assign(least=moved.min(), most=moved.max())
from_daca[["value", "low", "high", "p_holm"]].round(3)

# %%
change.round(3)

# %% [markdown]
# First, DACA's error less that of each (below zero: DACA is better), over sets. Then, what became of the accuracy on held-out questions: the mean change with its interval over sets, and the least and the most of any setting. The offsets and the matrix can reorder the options, so these two are calibrators that may change the answer.

# %% tags=["remove-input"]
say(
    "DACA {vector_verb} vector scaling ({vector:+.3f}) and {matrix_verb} matrix scaling ({matrix:+.3f}). Accuracy moved by {lost_v:+.3f} and {lost_m:+.3f} on average, and by {worst:+.3f} in the setting that lost most. "
    "BaseCal and the methods of one temperature change it by {untouched:.3f} at most. Here DACA {basecal_verb_daca} BaseCal ({basecal_daca:+.3f}, {b_low:+.3f} to {b_high:+.3f}).",
    **{f"{m.split('-')[0]}_verb": results.verdict(from_daca.low[m], from_daca.high[m]) for m in ("vector-scaling", "matrix-scaling")},
    **{m.split("-")[0]: from_daca.value[m] for m in ("vector-scaling", "matrix-scaling")},
    **dict(lost_v=change.value["vector-scaling"], lost_m=change.value["matrix-scaling"], worst=change.least.min()),
    untouched=moved[["daca", "basecal", results.OURS]].abs().max().max(),
    basecal_verb_daca=results.verdict(from_daca.low["basecal"], from_daca.high["basecal"]),
    **dict(basecal_daca=from_daca.value["basecal"], b_low=from_daca.low["basecal"], b_high=from_daca.high["basecal"]),
)

# %% [markdown]
# The authors of BaseCal report it ahead of DACA on MMLU {cite:p}`tan2026basecal`. BaseCal is limited in another way. It gives one number, not a distribution: no log loss, no second choice, nothing to sample from. And its confidence in an answer is the PLM's, so the PLM must run at every question for good; a temperature needs it once.
#
# ## Other styles of asking
#
# The main pair was also read with bare letters and in the cloze style, where options are not listed. First the PLM, means over the sets:

# %%
by_style = premise.loc[main_pair].groupby("style")
about_plm = by_style[["above_chance", "gap", "ece", "floor"]].mean().assign(**{"sets that hold": by_style["holds"].sum()})
about_plm.round(3)

# %%
in_styles = results.by_setting(rows, metric).loc[main_pair].groupby("style").mean()[["vanilla", "daca", "dual-align", "align-all", results.ORACLE, "constant"]]
in_styles.assign(floor=results.by_setting(rows, "ece_floor").loc[main_pair, results.OURS].groupby("style").mean()).round(3)

# %% tags=["remove-input"]
worth = results.by_setting(rows, "auroc").loc[main_pair, results.OURS].groupby("style").mean()
say(
    "In letters the PLM is {above_letters:+.3f} above chance and its mean confidence {gap_letters:+.3f} off its accuracy: it knows next to nothing, and nearly says so. Aligned with it, the PoLM's error falls from {before:.3f} to {after:.3f} by Dual-Align and {after_daca:.3f} by DACA, "
    "at an AUROC of {auroc_letters:.3f}. In cloze the PLM is {above_cloze:+.3f} above chance and {gap_cloze:+.3f} off; Dual-Align leaves {after_cloze:.3f} at an AUROC of {auroc_cloze:.3f}, and the oracle {oracle_cloze:.3f}.",
    **{f"{n}_{s}": about_plm.loc[s, c] for s in ("letters", "cloze") for n, c in (("above", "above_chance"), ("gap", "gap"))},
    before=in_styles.loc["letters", "vanilla"],
    after=in_styles.loc["letters", results.OURS],
    after_daca=in_styles.loc["letters", "daca"],
    after_cloze=in_styles.loc["cloze", results.OURS],
    oracle_cloze=in_styles.loc["cloze", results.ORACLE],
    **{f"auroc_{s}": worth[s] for s in ("letters", "cloze")},
)

# %% [markdown]
# What can one expect of a PLM near chance? If it admits that it does not know, an aligned PoLM admits it too. That is an honest result with a low ECE, and it is worth as much as a constant. If the PLM claims more than it knows, the PoLM learns its boast.
# In both cases differences between methods say little about the methods.
#
# ## What this page does not show
#
# - **Large models.** Two bases, of 135 and 270 million parameters, near chance on many sets. A PLM that is calibrated on all of them may order the methods otherwise; the group of settings in which the premise holds is our best guess, and it is small.
# - **The papers' numbers.** None is quoted, and the default readings of Dual-Align are [ours](04_deriving_dual_align.ipynb). Which [reading matters](09_readings.ipynb) is the next page.
# - **Independent settings.** Eight of nine pairs share a PLM, and the sets are alike in part. The intervals over sets are, if anything, too narrow; the counts of settings are not independent findings.
# - **Uncertainty of training.** Each recipe was run once.
#
# ## Summary

# %% tags=["remove-input"]
say(
    "- Over all settings `{first_place}` has the lowest mean error without labels; Dual-Align stands at place {place}. Where the PLM is calibrated, the lowest is that of `{first_holds}`, and Dual-Align stands at place {place_holds}.\n"
    "- Against DACA, Dual-Align is {sum_daca:+.3f} ({sum_low:+.3f} to {sum_high:+.3f}) in {sum_of}; setting by setting there are {sum_better} findings for it and {sum_worse} against it. The mean is {sum_own:+.3f} over the recipes of our own PLM and {sum_smollm2:+.3f} over the pairs of SmolLM2.",
    first_place=best,
    place=int(means[label_free].rank()[results.OURS]),
    first_holds=leaders["premise holds"].index[0],
    place_holds=int(errors.loc[holding, label_free].mean().rank()[results.OURS]),
    sum_of=metric.upper().replace("_", " "),
    **{f"sum_{n}": differences.loc["daca", c] for n, c in (("daca", "value"), ("low", "low"), ("high", "high"))},
    sum_smollm2=by_family["smollm2"].value["daca"],
    sum_own=by_family["own"].value["daca"],
    sum_better=int(counts.loc["daca", "lower, Holm"]),
    sum_worse=int(counts.loc["daca", "higher, Holm"]),
)

# %% [markdown]
# - A ranking of label-free methods depends on the PLM's own error. Say how calibrated the PLM is before you say which method is best.
# - A constant can have a tiny ECE. Put the floor, a proper score and AUROC beside it.
# - Count your comparisons, and choose the family of tests so that it can find something.
#
# **Next:** [which readings matter](09_readings.ipynb).
#
# ```{exercise}
# :label: ex-family
# With $R$ resamples the smallest p-value of a paired bootstrap is $2 / (R + 1)$. You compare one method with 7 rivals in 63 settings and correct all tests as one family. How many resamples do you need at least to find anything at the level 0.05?
# ```
#
# ```{solution} ex-family
# :class: dropdown
# Holm multiplies the smallest p-value by the number of tests, $7 \cdot 63 = 441$. So $441 \cdot 2 / (R + 1) \le 0.05$, that is $R \ge 17{,}639$. With $10{,}000$ nothing could be found, whatever the data; a family of 63 needs only $R \ge 2{,}519$.
# ```
#
# ```{exercise}
# :label: ex-constant
# A model answers 40 % of the questions rightly. What are the ECE, the top-label Brier score and the AUROC of the constant confidence 0.4? Which of them would change if the model knew exactly which of its answers are right, and said 1 or 0?
# ```
#
# ```{solution} ex-constant
# :class: dropdown
# ECE 0: all answers fall into one bin, whose confidence is its accuracy. Brier $0.4 \cdot 0.6^2 + 0.6 \cdot 0.4^2 = 0.24$. AUROC 0.5. With perfect knowledge the ECE is still 0, the Brier score falls to 0 and the AUROC rises to 1. The ECE is the only one that cannot see the difference.
# ```
