# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The main comparison: which method calibrates best?
#
# Mira has a drawer full of methods by now, and one study helper to ship. Which method leaves the smallest error? And would it be the same one for another model, or for a medical exam instead of school science?
#
# A table of means answers the first question at once. For the second it has to be taken apart.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | [the controlled world](07_world.ipynb); paired tests |
# | **Time** | 25 minutes |
#
# **You will be able to**
#
# - read a comparison of calibrators with its noise floor, spread and intervals;
# - say which differences survive a correction for their number;
# - see through a low ECE;
# - tell whether a ranking depends on the PLM.

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

from dualalign import course, ledger, plots, results
from dualalign.book import glue, say
from dualalign.experiments import table

# %% tags=["parameters"]
folder = "../data/results/table"
me = "reader"
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
proper = {name: results.difference(results.by_setting(own, name), ["daca", "align-all"]) for name in ("brier", "nll")}

# %% [markdown]
# ## The short answer
#
# A *setting* is one pair of models on one set of questions. All errors are measured on held-out questions.

# %% tags=["remove-input"]
say(
    "**Is Dual-Align the best on our pairs? {answer}.**\n\n"
    "- Of the methods without labels, `{best}` has the lowest mean {of}: {best_value:.3f}. Dual-Align has {ours_value:.3f}. Perfectly calibrated answers, as sure as Dual-Align's, would show {floor_value:.3f}; the oracle, which sees labels, has {oracle_value:.3f}.\n"
    "- Dual-Align {verb_daca} its predecessor DACA: the difference is {daca_value:+.3f} (95 % interval {daca_low:+.3f} to {daca_high:+.3f} over {daca_sets} sets). It {verb_basecal} BaseCal, which reports the PLM's own probability: {basecal_value:+.3f} ({basecal_low:+.3f} to {basecal_high:+.3f}).\n"
    "- By scores of all options it {short_brier} DACA (Brier score {short_brier_value:+.4f}) and {short_nll} it (NLL {short_nll_value:+.4f}); these two are not corrected for their number, and come from the pairs of SmolLM2 alone (below).",
    **{f"short_{name}": results.verdict(d.low["daca"], d.high["daca"]) for name, d in proper.items()},
    **{f"short_{name}_value": d.value["daca"] for name, d in proper.items()},
    answer="Yes" if best == results.OURS and set(verbs.values()) == {"beats"} else "No",
    of=metric.upper().replace("_", " "),
    **{f"verb_{name}": verb for name, verb in verbs.items()},
    **{f"{name}_{c}": row[c] for name, row in rivals_first.iterrows() for c in ("value", "low", "high")},
    **dict(daca_sets=int(rivals_first.sets["daca"]), best=best, best_value=means[best], ours_value=means[results.OURS], oracle_value=means[results.ORACLE]),
    floor_value=results.by_setting(own, "ece_floor")[results.OURS].mean(),
)

# %% tags=["remove-input"]
say(
    "**Why? Probably because of the PLM.** In {n_failing} of {settings} settings it knows little, or is not calibrated: its mean confidence is {off_plm:+.3f} off its accuracy. Whatever is aligned with it inherits some of that. "
    "In the other {n_holding} settings the lowest error of these methods without labels is that of `{best_holds}`. A constant, the same confidence at every answer, needs no label either; it has {constant_holds:.3f} there, where Dual-Align has {ours_holds:.3f}.\n\n"
    "The rest of this page says how sure these sentences are.",
    n_failing=len(failing),
    settings=len(errors),
    off_plm=gaps.loc[failing, "plm"].mean(),
    n_holding=len(holding),
    best_holds=errors.loc[holding, label_free].mean().idxmin(),
    constant_holds=errors.loc[holding, results.CONSTANTS[0]].mean(),
    ours_holds=errors.loc[holding, results.OURS].mean(),
)

# %% [markdown]
# ## What is compared
#
# Nine pairs of models on seven question sets, each pair in its own prompt style:
#
# | pair | PoLM | reference (the PLM) | style |
# |---|---|---|---|
# | `sft1`, `sft4`, `sft1-full`, `dpo`, `rlvr`, `sft1-dpo`, `sft1-dpo-rlvr` | the [seven recipes](06_what_post_training_does.ipynb); `sft4` is the main pair | this book's PLM | choices |
# | `smollm2` | SmolLM2-135M-Instruct, a published model | this book's PLM: a stranger to it | cloze |
# | `smollm2-sft4` | the same model after more training of ours | SmolLM2-135M-Instruct | cloze |
#
# And these methods:
#
# | method | what it does |
# |---|---|
# | `vanilla` | nothing: the PoLM as it comes |
# | `align-all`, `daca` | one temperature from the [confidence loss](04_deriving_dual_align.ipynb): over all questions, or over those on which the models agree |
# | `dual-align` | one temperature from the confidence loss and the process loss, weighted by question |
# | `confidence-only`, `process-only` | each half of Dual-Align alone, with its weights |
# | `basecal` | keeps the PoLM's answer and reports the PLM's probability of it; nothing is fitted |
# | `agreement` | the temperature at which the mean confidence equals the share of questions on which the models agree |
# | `vector-scaling`, `matrix-scaling` | DACA's loss with more parameters than one |
# | `batch` | asks no PLM: divides out how probable each place in the list of options is on average |
# | `temperature-scaling` | the **oracle**: of these the only one that sees labels. It has the least NLL on the questions fitted on; on the others its ECE need not be the least |
# | `plm` | the PLM itself, on its own answers |
#
# In every setting there are five random splits, with 30 % of the questions to fit on and 70 % to judge by. They are the same for every method.
#
# All numbers come from one table, which `python -m dualalign.experiments main` remakes from the traces. What can be changed on this page alone stands in the cell of parameters above: another measure, fewer sets, other rivals. The ten bins of the ECE cannot: they are fixed when the table is made.

# %% [markdown]
# ## The standings

# %%
standings = results.ranks(errors, ["plm", results.ORACLE, *results.CONSTANTS])[["rank", "best"]]
standings = standings.reindex(errors.columns).assign(error=means, spread=results.by_setting(own, metric, "std").mean())
for column in ("ece_low", "ece_high", "ece_floor"):
    standings[column] = results.by_setting(own, column).mean()
standings.sort_values("error").round(3)

# %% [markdown]
# All are means over the settings.
#
# - `rank` is the mean rank among the methods that need no label (1 is best), and `best` counts the settings in which a method came first.
# - `spread` is the standard deviation over the five splits.
# - `ece_low` to `ece_high` is the 95 % interval of one split. It [takes off the noise](02_reliability.ipynb) that resampling adds, so it need not hold the error.
# - `ece_floor` is what perfectly calibrated answers with the same confidences would show.
#
# The two constants come in a moment. First, the same test questions judged by other scores:

# %%
others = ["brier", "top_label_brier", "nll", "auroc", "accuracy"]
beside = pd.DataFrame({name: results.by_setting(own, name).mean() for name in others})
beside.loc[standings.sort_values("error").index].round(3)

# %% [markdown]
# `brier` and `nll` judge the probabilities of all options. BaseCal and the constants give a confidence only, so `top_label_brier` judges that: the mean of $(c - a)^2$, where $c$ is the confidence and $a$ is 1 for a right answer and 0 for a wrong one. `auroc` asks how often a right answer has more confidence than a wrong one, over all pairs of such answers; a tie counts one half.

# %% tags=["remove-input"]
auroc = beside.auroc[label_free]
say(
    "We say that a method *beats* another if the whole interval of the difference lies below zero, without a correction for the number of comparisons. Over the sets, Dual-Align {brier_verb} DACA by the Brier score ({brier_daca:+.4f}, {brier_low:+.4f} to {brier_high:+.4f}) and {nll_verb} it by NLL ({nll_daca:+.4f}, {nll_low:+.4f} to {nll_high:+.4f}). Against align-all the differences are {brier_all:+.4f} and {nll_all:+.4f}, above zero where align-all is better. "
    "The AUROC of all methods without labels lies between {auroc_low:.3f} and {auroc_high:.3f}: a temperature moves confidence, and hardly its order.",
    **{f"{n}_verb": results.verdict(d.low["daca"], d.high["daca"]) for n, d in proper.items()},
    **{f"{n}_{c}": d[c]["daca"] for n, d in proper.items() for c in ("low", "high")},
    **{f"{n}_{short}": d.value[m] for n, d in proper.items() for short, m in (("daca", "daca"), ("all", "align-all"))},
    auroc_low=auroc.min(),
    auroc_high=auroc.max(),
)

# %% [markdown]
# ### How good is a method that knows nothing?
#
# Suppose the study helper showed the same confidence at every answer. Pupils would learn nothing from it. Yet look at two rows of the standings:
#
# - `constant` is as sure of every answer as the PLM was on average over the questions to fit on. It needs no label.
# - `constant (labels)` takes the PoLM's accuracy on those questions instead.
#
# All its answers fall into one bin. So its ECE is $|c - \text{accuracy}|$, where $c$ is the constant. In code, with a PoLM that is right on 4 of 10 questions:

# %%
from dualalign import metrics

right = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
scores = (metrics.ece, metrics.top_label_brier, metrics.auroc)
pd.DataFrame({c: [score([c] * 10, right) for score in scores] for c in (0.4, 0.7)}, index=["ECE", "top-label Brier", "AUROC"]).round(3)

# %% tags=["remove-input"]
c, labelled = results.CONSTANTS
less = errors[c] < errors[results.OURS]
say(
    "In the table, `constant (labels)` has a mean ECE of {labelled_ece:.3f}, where the oracle has {oracle_ece:.3f}. But its AUROC is {auroc_constant:.1f}: it cannot tell one answer from another. "
    "The constant without labels has {free:.3f}, and where the PLM is calibrated {free_holds:.3f}; Dual-Align has {dual_holds:.3f} there. In {below} of {of_settings} settings this constant has a smaller error than Dual-Align, {below_hold} of them among the {holding} in which the premise holds.\n\n"
    "The top-label Brier score is {brier_labelled:.3f} for `constant (labels)`, {brier_oracle:.3f} for the oracle and {brier_dual:.3f} for Dual-Align.",
    labelled_ece=means[labelled],
    oracle_ece=means[results.ORACLE],
    auroc_constant=beside.auroc[labelled],
    **dict(free=means[c], free_holds=errors.loc[holding, c].mean(), dual_holds=errors.loc[holding, results.OURS].mean()),
    **dict(below=int(less.sum()), of_settings=len(less), below_hold=int(less[holding].sum()), holding=len(holding)),
    **{f"brier_{n}": beside.top_label_brier[m] for n, m in (("labelled", labelled), ("oracle", results.ORACLE), ("dual", results.OURS))},
)

# %% [markdown]
# So a small ECE is no proof of a good calibrator. Models of this size answer many sets near chance, and there even the Brier score can hardly tell a constant from the rest. Look at AUROC too: it shows what the confidence is worth.
#
# ## Which differences are more than luck?
#
# The sets are few, and the rivals are many. Both matter.
#
# *Few sets.* The pairs share their questions and most share their PLM, so the settings are not as many experiments. We take the sets as the units: a difference is averaged over the pairs of a set, and the interval is Student's $t$ over the sets. Below zero, Dual-Align has the smaller error.
#
# *Many rivals.* Of twenty tests of differences that do not exist, on average one will have a p-value below 0.05 by luck. **Holm's correction** guards against that: multiply the smallest p-value by the number of tests, the next by one less, and so on; no corrected value may be smaller than the one before. The tests that are corrected together are a *family*. Here the family is all rivals of the table.

# %%
compared = [name for name in standings.sort_values("error").index if name not in (results.OURS, "plm", *results.CONSTANTS)]
differences = results.difference(errors, compared)
differences[["value", "low", "high", "p", "p_holm", "sets"]].round(3)

# %% tags=["remove-input"]
clear = differences[differences.p_holm <= 0.05]
say(
    "After the correction Dual-Align is better than {better}, worse than {worse}, and not told apart from {open}. Not told apart is not equal: from the oracle it differs by {from_oracle:+.3f} (95 % interval {oracle_low:+.3f} to {oracle_high:+.3f}; corrected $p$ = {oracle_p:.2f}).",
    better=", ".join(f"`{n}`" for n in clear.index[clear.value < 0]) or "none",
    worse=", ".join(f"`{n}`" for n in clear.index[clear.value > 0]) or "none",
    **dict(zip(("from_oracle", "oracle_low", "oracle_high", "oracle_p"), differences.loc[results.ORACLE, ["value", "low", "high", "p_holm"]], strict=True)),
    open=", ".join(f"`{n}`" for n in differences.index.difference(clear.index, sort=False)) or "none",
)

# %% [markdown]
# ### Setting by setting
#
# Mira has one pair and one set, not a mean over all of them. Within a setting the questions are the units: both methods answer the same ones, so they are resampled together. A question that stands in several splits is drawn in all of them. Here a family is all settings *of one rival*.

# %%
by_question = results.against(own, quantity)
results.tally(by_question)

# %% [markdown]
# `lower` and `higher` count the settings in which Dual-Align's error was below or above the rival's; the inner columns count those that survive the correction.
#
# Why not one family of everything? The p-value of a bootstrap is a share of its resamples. The test takes the rarer side of zero, counts one resample more than it found there, and doubles the share, for either side would have counted. With $R$ resamples that is never below $2/(R + 1)$, whatever the data.

# %% tags=["remove-input"]
say(
    "The smallest p-value here is {p_min:.4f}. In one family Holm would multiply it by all {tests} tests, which gives {p_all:.2f}: nothing could ever be found. (Not resampled were {unsampled}.)",
    p_min=by_question.p.min(),
    tests=len(by_question),
    p_all=min(1.0, by_question.p.min() * len(by_question)),
    unsampled=", ".join(f"`{n}`" for n in compared if n not in set(by_question.rival)) or "none",
)

# %% mystnb={"figure": {"caption": "Calibration error of Dual-Align less that of a rival, in hundredths; a panel a rival, a row a pair, a column a set. Minus (purple): Dual-Align has the smaller error. Plus (orange): the rival has. Framed and bold: found after Holm's correction; a frame is about certainty, not size, so on large sets a small difference has one. What to see: in DACA's panel most framed minus signs stand in the two rows of SmolLM2, and the framed plus signs above them; in align-all's panel the first column has minus signs, most others plus.", "name": "fig-against"}, "image": {"alt": "Six heat maps, pairs by question sets, of the signed difference of calibration errors. Against DACA, Dual-Align is better in {daca_better} and worse in {daca_worse} of {daca_settings} settings after correction; most of the better ones are the two pairs of SmolLM2. Against align-all the signs change from set to set."}}
pairs = list(dict.fromkeys(by_question.pair))
drawn_rivals = [name for name in rivals if name in set(by_question.rival)]
axes = plots.plot_against(plots.prepare_against(by_question, drawn_rivals, pairs, sets), pairs, sets)

# %% tags=["remove-input"]
counts = results.tally(by_question)
mixed = [n for n in counts.index if counts.loc[n, "lower, Holm"] and counts.loc[n, "higher, Holm"]]
say(
    "Against DACA, Dual-Align is better in {daca_better} and worse in {daca_worse} of {daca_settings} settings after the correction{basecal_clause}. Rivals with findings of both signs: {mixed}. For those no average says what happens on a pair of yours.",
    daca_better=int(counts.loc["daca", "lower, Holm"]),
    daca_worse=int(counts.loc["daca", "higher, Holm"]),
    daca_settings=int(counts.settings["daca"]),
    basecal_clause="".join(f"; against BaseCal in {int(r['lower, Holm'])} and {int(r['higher, Holm'])}" for n, r in counts.iterrows() if n == "basecal"),
    mixed=", ".join(f"`{n}`" for n in mixed) or "none",
)

# %% [markdown]
# ## The main pair, set by set

# %% mystnb={"figure": {"caption": "The main pair on every set: mean calibration error over five splits, with the mean 95 % interval. The interval takes off the luck that resampling adds, so it need not hold the marker. The grey bar is the noise floor of the method, the dotted line the PLM's own ECE. What to see: the oracle stays near its bar on every set; on MedMCQA, where the PLM's own ECE is largest, every other method stands far from its own.", "name": "fig-main-pair"}, "image": {"alt": "Seven panels, one a question set, of the calibration error of nine methods with intervals and noise floors. On ARC-Easy Dual-Align has {easy_dual:.3f} and align-all {easy_all:.3f}; on MedMCQA {med_dual:.3f} and {med_all:.3f}, where the PLM itself has {med_plm:.3f} and the oracle {med_oracle:.3f}."}}
shown = ["vanilla", "agreement", "process-only", "basecal", "daca", "dual-align", "confidence-only", "align-all", results.ORACLE]
columns = {"value": "ece", "low": "ece_low", "high": "ece_high", "floor": "ece_floor"}
drawn = {name: results.by_setting(own, column).loc[main_pair][shown].stack() for name, column in columns.items()}
drawn = pd.DataFrame(drawn).reset_index()
ordered = pd.concat([drawn[drawn["set"] == name] for name in sets])
axes = plots.plot_sets(ordered, premise.ece.loc[main_pair, "choices"])
ece = drawn.set_index(["set", "method"])["value"]
for key, place in (("easy", sets[0]), ("med", sets[-1])):
    for method in ("dual-align", "align-all", results.ORACLE):
        glue(f"{key}_{'oracle' if method == results.ORACLE else method.split('-')[0].replace('align', 'all')}", ece[place, method])
glue("med_plm", premise.ece.loc[main_pair, "choices"][sets[-1]])

# %%
mine = errors.loc[main_pair].droplevel("style").loc[sets]
mine[shown].T.round(3)

# %% tags=["remove-input"]
free_first = mine[label_free].idxmin(axis=1)
ahead = mine[label_free].min(axis=1) < mine[results.ORACLE]
say(
    "On {n_sets} sets {n_first} different methods come first among those without labels. On {n_ahead} the first of them has even less error than the oracle: the best of many on one set is also the luckiest. So one set does not tell Mira which method to take.",
    n_sets=len(mine),
    n_first=free_first.nunique(),
    n_ahead=int(ahead.sum()),
)

# %% [markdown]
# ## Where the premise holds, and where it fails
#
# Every method but `vanilla`, `batch` and the oracle trusts something of the PLM. So sort the settings by whether it deserves that. The premise *holds* in a setting if the PLM's accuracy is well above chance and its ECE near the noise floor. To know that takes labels.

# %% tags=["remove-input"]
say(
    "With accuracy at least {margin:.2f} above chance, and an ECE within {near:.2f} of the floor, it holds in {n_hold} settings, on {which}.",
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

# %% [markdown]
# `gap` is mean confidence less accuracy: above zero, over-confident. The figure shows its range.

# %% mystnb={"figure": {"caption": "Mean confidence less accuracy on held-out questions, in the settings in which the premise holds and in which it fails. Dot: mean over the settings; line: from the least to the largest. Right of zero the PoLM is over-confident. What to see: beside a calibrated PLM, align-all lies left of zero, and DACA and Dual-Align nearer to it. Beside a PLM that fails, all dots but the oracle's lie well right of zero, those of align-all and BaseCal the least.", "name": "fig-main-gaps"}, "image": {"alt": "Two panels of dots with ranges: over-confidence of the PLM and nine methods. Where the premise holds, the PLM is {gap_plm_h:+.3f} off, Dual-Align {gap_dual_h:+.3f} and align-all {gap_all_h:+.3f}. Where it fails, the PLM is {gap_plm_f:+.3f} off, Dual-Align {gap_dual_f:+.3f} and align-all {gap_all_f:+.3f}."}}
order = ["plm", "process-only", "agreement", "vector-scaling", "daca", "dual-align", "confidence-only", "align-all", "basecal", results.ORACLE]
axes = plots.plot_gaps({name: gaps.loc[index] for name, index in groups.items()}, order)
for short, method in (("plm", "plm"), ("dual", "dual-align"), ("all", "align-all")):
    for group, index in groups.items():
        glue(f"gap_{short}_{group.split()[1][0]}", gaps.loc[index, method].mean())

# %% [markdown]
# Two errors add up here. One is the PLM's own, which an aligned PoLM inherits. The other comes with aligning: a PLM that is calibrated on average can be [under-confident where both models agree](06_what_post_training_does.ipynb), and over-confident where they do not ([chapter 10](10_why_align_all_fails.ipynb) measures it). The sum can be small by luck. Nor is a mean gap the error: where the premise fails BaseCal and align-all have nearly the same gap, and quite different errors, for BaseCal is [too sure of some questions and not sure enough of others](../course/07_premise.ipynb).
# The [controlled world](07_world.ipynb) shows the two apart: there align-all finds the true temperature where the PLM's belief is exact, and stays over-confident where the PLM is.

# %%
tested = ["daca", "basecal", "align-all", "confidence-only", results.ORACLE]
split = {name: results.difference(errors.loc[index], tested) for name, index in groups.items()}
pd.concat(split)[["value", "low", "high", "p_holm", "sets"]].round(3)

# %% tags=["remove-input"]
temperature = results.by_setting(own, "temperature")
below_oracle = {g: (temperature.loc[i, ["daca", "dual-align", "align-all"]].lt(temperature.loc[i, results.ORACLE], axis=0)).mean() for g, i in groups.items()}
free = [m for m in label_free if m in temperature]
leaders = {g: errors.loc[i, label_free].mean().nsmallest(3) for g, i in groups.items()}

# %% tags=["remove-input"]
say(
    "That table is Dual-Align's error less a rival's again. The order changes: where the premise holds the three lowest errors without labels, constants left out, are those of {three_hold}; where it fails, {three_fail}. Dual-Align less align-all is {all_holds:+.3f} in the first group and {all_fails:+.3f} in the second. "
    "But the first group has {sets_hold} sets only, so its intervals are wide.\n\n"
    "The temperatures say why. The oracle's is above align-all's in {align_h:.0%} of the settings in which the premise holds, and in {align_f:.0%} of the others; above Dual-Align's in {dual_h:.0%} and {dual_f:.0%}. Of the methods without labels align-all has the highest temperature in {hottest} of {settings_again} settings.",
    hottest=int((temperature[free].idxmax(axis=1) == "align-all").sum()),
    settings_again=len(temperature),
    three_hold=", ".join(f"`{m}` ({v:.3f})" for m, v in leaders["premise holds"].items()),
    three_fail=", ".join(f"`{m}` ({v:.3f})" for m, v in leaders["premise fails"].items()),
    all_holds=split["premise holds"].value["align-all"],
    all_fails=split["premise fails"].value["align-all"],
    sets_hold=int(split["premise holds"].sets.max()),
    **{f"{m.split('-')[0]}_{g.split()[1][0]}": below_oracle[g][m] for g in groups for m in ("dual-align", "align-all")},
)

# %% [markdown]
# So the lead of `align-all` in the standings, itself not certain, need not be a lead in method. It gives the highest temperatures, and most of our settings need a temperature higher than the PLM asks for. [Why it does so](10_why_align_all_fails.ipynb) has a page of its own.
#
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
    "Dual-Align's mean error is below DACA's for {smaller} of {n_pairs} pairs. By more than the spread over the splits it is below for {clearly}, and above for {clearly_not}.",
    smaller=int((lead > 0).sum()),
    n_pairs=len(lead),
    clearly=", ".join(f"`{p}` ({-lead[p]:+.3f})" for p in lead.index[lead > split_spread]) or "none",
    clearly_not=", ".join(f"`{p}` ({-lead[p]:+.3f})" for p in lead.index[lead < -split_spread]) or "none",
)

# %% tags=["remove-input"]
brier = results.by_setting(own, "brier")
by_brier = {name: results.difference(brier.loc[index], ["daca"]).loc["daca"] for name, index in families.items()}
say(
    "So the mean hides two families. Over the recipes of this book's PLM, Dual-Align {own_verb} DACA: {own_daca:+.3f} ({own_low:+.3f} to {own_high:+.3f} over the sets). Over the two pairs of SmolLM2 it {smollm2_verb} it: {smollm2_daca:+.3f} ({smollm2_low:+.3f} to {smollm2_high:+.3f}). "
    "The Brier score says the same: {own_brier:+.4f} ({own_brier_low:+.4f} to {own_brier_high:+.4f}) and {smollm2_brier:+.4f} ({smollm2_brier_low:+.4f} to {smollm2_brier_high:+.4f}). Dual-Align's ECE less align-all's is {own_all:+.3f} in the first family and {smollm2_all:+.3f} in the second.",
    **{f"{n}_brier{end}": d[c] for n, d in by_brier.items() for end, c in (("", "value"), ("_low", "low"), ("_high", "high"))},
    **{f"{n}_{short}": d.value[m] for n, d in by_family.items() for short, m in (("daca", "daca"), ("all", "align-all"))},
    **{f"{n}_{c}": d[c]["daca"] for n, d in by_family.items() for c in ("low", "high")},
    **{f"{n}_verb": results.verdict(d.low["daca"], d.high["daca"]) for n, d in by_family.items()},
)

# %% mystnb={"figure": {"caption": "Error along the chain SFT, DPO, RLVR: mean over the sets on which the premise holds for these pairs, and over the others. Bars: mean standard deviation over the splits; dotted: noise floor of Dual-Align. The uncalibrated model would lie far above. What to see: after DPO and RLVR the order of align-all, DACA and Dual-Align on the left is the reverse of that on the right; after SFT the three can hardly be told apart.", "name": "fig-chain-errors"}, "image": {"alt": "Two panels of lines over three checkpoints, one line a method. After the second stage Dual-Align has {mid_dual_h:.3f} and align-all {mid_all_h:.3f} where the premise holds, but {mid_dual_f:.3f} and {mid_all_f:.3f} where it fails."}}
floor = results.by_setting(own, "ece_floor")[results.OURS].rename("floor")
both = {g: errors.loc[i, some].join(floor).groupby("pair").mean().loc[chain] for g, i in groups.items()}
deviation = {g: results.by_setting(own, metric, "std").loc[i, some].groupby("pair").mean().loc[chain] for g, i in groups.items()}
axes = plots.plot_stages({g: values.drop(columns="vanilla") for g, values in both.items()}, deviation)
for group, values in both.items():
    for short, method in (("dual", "dual-align"), ("all", "align-all")):
        glue(f"mid_{short}_{group.split()[1][0]}", values.loc[chain[1], method])

# %%
pd.concat(both, names=["group"]).round(3)

# %% [markdown]
# ## More parameters, or none?
#
# One temperature treats all options alike. DACA's authors also put their loss on **vector scaling** (a factor and an offset for each option) and on **matrix scaling** (a matrix and offsets). What does the freedom buy? BaseCal goes the other way and fits nothing.

# %%
flexible = ["daca", "vector-scaling", "matrix-scaling", "basecal", results.OURS]
wanted = ["ece", "ece_floor", "top_label_brier", "brier", "nll", "auroc", "accuracy"]
pd.DataFrame({name: results.by_setting(own, name).mean() for name in wanted}).loc[flexible].round(3)

# %% [markdown]
# DACA's error less that of each; below zero DACA is better:

# %%
from_daca = results.difference(errors, ["vector-scaling", "matrix-scaling", "basecal"], ours="daca")
from_daca[["value", "low", "high", "p_holm"]].round(3)

# %% [markdown]
# Offsets and a matrix can reorder the options, so these two may change an answer. What became of the accuracy: the mean change with its interval over the sets, and the least and the most of any setting.

# %%
accuracy = results.by_setting(own, "accuracy")
moved = accuracy[flexible].sub(accuracy["vanilla"], axis=0)
kept = {m: results.difference(accuracy, ["vanilla"], ours=m).loc["vanilla", ["value", "low", "high"]] for m in ("vector-scaling", "matrix-scaling")}
change = pd.DataFrame(kept).T.assign(least=moved.min(), most=moved.max())
change.round(3)

# %% tags=["remove-input"]
sure_ones = int(((from_daca.low > 0) | (from_daca.high < 0)).sum())
say(
    "In the table of DACA's differences {n_sure} of the three intervals leave out zero: neither more parameters nor none buys {bought}. In the setting that lost most, the accuracy moved by {worst:+.3f}.",
    n_sure=sure_ones,
    bought="the same" if sure_ones else "anything that we can show",
    worst=change.least.min(),
)

# %% [markdown]
# The authors of BaseCal report it ahead of DACA on MMLU {cite:p}`tan2026basecal`. Its price is another one. It gives one number and no distribution: no second choice, nothing to sample from. And the number is the PLM's, so the PLM must run at every question for good. A temperature needs the PLM once.
#
# ## Other styles of asking
#
# The main pair was also read with bare letters, and in the cloze style, which lists no options. First the PLM, means over the sets (`gap` is confidence less accuracy):

# %%
by_style = premise.loc[main_pair].groupby("style")
about_plm = by_style[["above_chance", "gap", "ece", "floor"]].mean().assign(**{"sets that hold": by_style["holds"].sum()})
about_plm.round(3)

# %% [markdown]
# Then the error of the PoLM:

# %%
in_styles = results.by_setting(rows, metric).loc[main_pair].groupby("style").mean()[["vanilla", "daca", "dual-align", "align-all", results.ORACLE, "constant"]]
in_styles.assign(floor=results.by_setting(rows, "ece_floor").loc[main_pair, results.OURS].groupby("style").mean()).round(3)

# %% tags=["remove-input"]
worth = results.by_setting(rows, "auroc").loc[main_pair, results.OURS].groupby("style").mean()
say(
    "In letters the PLM knows next to nothing ({above_letters:+.3f} above chance), and nearly admits it. So the aligned PoLM admits it too: its error falls from {before:.3f} to {after:.3f}. But its AUROC is {auroc_letters:.3f}, that of a coin. "
    "In cloze the PLM claims more than it knows ({gap_cloze:+.3f}), and the PoLM learns the boast: Dual-Align leaves {after_cloze:.3f}, the oracle {oracle_cloze:.3f}.",
    above_letters=about_plm.loc["letters", "above_chance"],
    gap_cloze=about_plm.loc["cloze", "gap"],
    before=in_styles.loc["letters", "vanilla"],
    after=in_styles.loc["letters", results.OURS],
    after_cloze=in_styles.loc["cloze", results.OURS],
    oracle_cloze=in_styles.loc["cloze", results.ORACLE],
    auroc_letters=worth["letters"],
)

# %% [markdown]
# An honest "I do not know" has a low ECE and is worth as much as a constant. Beside a PLM near chance, differences between methods say little about the methods.
#
# ## What this page does not show
#
# - **Large models.** Two bases, of 135 and 270 million parameters, near chance on many sets. A PLM that is calibrated on all of them may order the methods otherwise; the settings in which the premise holds are our best guess, and they are few.
# - **The papers' numbers.** None is quoted, and the default readings of Dual-Align are [ours](04_deriving_dual_align.ipynb). The next page asks which of them matter.
# - **Independent settings.** Eight of nine pairs share a PLM, and the sets are alike in part. The intervals over sets are, if anything, too narrow.
# - **The luck of training.** Each recipe was run once.
# - **Methods that need more than a trace**, such as an empty question or permuted options. [Prompts and order](12_prompts_and_order.ipynb) has them.
#
# ## Summary

# %% tags=["remove-input"]
say(
    "- Over all settings `{first_place}` has the lowest mean error without labels, and Dual-Align stands at place {place}. Where the PLM is calibrated, the lowest of the methods is that of `{first_holds}`; Dual-Align stands at place {place_holds}, and a constant without labels has less still.\n"
    "- Against DACA, Dual-Align is {sum_daca:+.3f} ({sum_low:+.3f} to {sum_high:+.3f}) in {sum_of}. That is {sum_own:+.3f} over the recipes of our own PLM and {sum_smollm2:+.3f} over the pairs of SmolLM2.",
    first_place=best,
    place=int(means[label_free].rank()[results.OURS]),
    first_holds=leaders["premise holds"].index[0],
    place_holds=int(errors.loc[holding, label_free].mean().rank()[results.OURS]),
    sum_of=metric.upper().replace("_", " "),
    **{f"sum_{n}": differences.loc["daca", c] for n, c in (("daca", "value"), ("low", "low"), ("high", "high"))},
    sum_smollm2=by_family["smollm2"].value["daca"],
    sum_own=by_family["own"].value["daca"],
)

# %% [markdown]
# - The order of the means changes with the PLM's own error; with few sets on one side, more cannot be shown here. Say how calibrated the PLM is before you say which method is best.
# - A constant can have a tiny ECE. Put the floor, a proper score and AUROC beside it.
# - Count your comparisons, and choose the family of tests so that it can find something.
#
# Mira does not pick the method from the top of the table. She first asks how calibrated her PLM is on school science.
#
# **Next:** [which readings of the method matter](09_readings.ipynb)
#
# ```{exercise} A family too large
# :label: ex-family
# You compare one method with `rivals` rivals in `settings` settings by a paired bootstrap, and correct *all* tests as one family after Holm. You want a corrected p-value of at most `level` to be possible. How many resamples do you need at least? A whole number.
# ```

# %%
task = course.task("family", me)
task

# %% [markdown]
# ```{solution-start} ex-family
# :class: dropdown
# ```

# %% tags=["solution"]
tests = task.rivals * task.settings
resamples = round(2 * tests / task.level) - 1  # tests * 2 / (R + 1) = level
print(f"{tests} tests; the smallest corrected p-value is {tests * 2 / (resamples + 1):.3f}")
task.check(resamples)

# %% [markdown] tags=["solution"]
# Holm multiplies the smallest p-value, $2/(R + 1)$, by the number of tests. With fewer resamples nothing can be found, whatever the data. A family of one rival needs far fewer.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A helper that always says the same
# :label: ex-constant
# A study helper is right on a share `accuracy` of its questions, and shows the confidence `constant` at every answer. What are its ECE, its top-label Brier score and its AUROC? Give the three numbers in this order, to three decimals.
# ```

# %%
task = course.task("constant", me)
task

# %% [markdown]
# ```{solution-start} ex-constant
# :class: dropdown
# ```

# %% tags=["solution"]
a, c = task.accuracy, task.constant
answer = [abs(c - a), a * (1 - c) ** 2 + (1 - a) * c**2, 0.5]
print(answer)
task.check(answer)

# %% [markdown] tags=["solution"]
# All answers fall into one bin, so the ECE is one distance. The Brier score is $(1 - c)^2$ where the answer is right and $c^2$ where it is wrong. All answers tie, so a right one beats a wrong one half of the time.
#
# If the helper knew exactly which answers are right, and said 1 or 0, all three would be perfect: 0, 0 and 1. A constant equal to the accuracy has an ECE of 0 as well. The ECE alone cannot tell the two apart.

# %% [markdown]
# ```{solution-end}
# ```
