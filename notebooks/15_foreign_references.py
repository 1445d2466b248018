# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Borrowed references: another family, another depth, an instruct model
#
# Mira would like to try a model whose makers published the instruct version only. Its base is not to be had. Can the PLM that she has stand in for it?
#
# A borrowed reference may be of another family, of another depth, or no raw base any more. Which layer is then held against which? And if there are two candidates, can one choose without labels?
#
# | You need | [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | [The premise dial](13_premise_dial.ipynb) |
# | **Time** | 25 minutes |
#
# **You will be able to** judge a borrowed reference before you trust it, say what a map between layers of two depths can and cannot change, test whether a sign without labels would have picked the better of two
# references, and take a temperature's error apart.

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
from dualalign import course, experiments, layer_maps, ledger, plots, protocol, references, results
from dualalign.book import glue, say
from dualalign.experiments import references as borrowed

# %% tags=["parameters"]
folder = "../data/traces"
table_folder = "../data/results/table"
main_set = "arc-easy"
me = "reader"

# %%
table = experiments.load(table_folder, ["references"])
found = plots.prepare_references(table)
plain = found[found.layers == layer_maps.DEFAULT]
against = plots.prepare_reference_differences(table, "methods")
cases = list(plain.case.cat.categories)
foreign, own, joined = cases
names = list(dict.fromkeys(table["set"]))
fitted_t = plain.pivot(index=["case", "set"], columns="method", values="temperature")
forces = plots.prepare_forces(table)

# %% tags=["remove-input"]
sure = against.assign(better=(against.value < 0) & (against.p_holm < 0.05), worse=(against.value > 0) & (against.p_holm < 0.05)).groupby("against")[["better", "worse"]].sum()
hotter = fitted_t["temperature-scaling"] > fitted_t[["dual-align", "daca", "align-all"]].max(axis=1)
rivals = against[against.against != "basecal"].set_index(["case", "set", "against"]).value
cold = [(fitted_t.loc[k[:2], "dual-align"] < fitted_t.loc[k[:2], k[2]]) == (v > 0) for k, v in rivals.items() if hotter[k[:2]]]

# %% tags=["remove-input"]
say(
    "**In short.** The page has {settings} settings (a pair, a set), none of them with the PoLM's own raw base as reference. There Dual-Align's calibration error is clearly\n\n"
    "- below DACA's in {daca_b}, above it in {daca_w};\n"
    "- below BaseCal's in {base_b}, above it in {base_w};\n"
    "- below plain `align-all`'s in {all_b}, above it in {all_w}: it {verdict} `align-all`.\n\n"
    "The reason flatters nobody. In {sharp} settings the reference's confidence exceeds its accuracy by more than 0.1, and in {hotter} the temperature that the labels choose is above those of all three. There the method with the higher temperature has the smaller error in {cold} of {colds} comparisons of Dual-Align with the other two, whatever it reads in the models.",
    settings=len(hotter),
    verdict="does not beat" if sure.better["align-all"] <= sure.worse["align-all"] else "beats",
    hotter=int(hotter.sum()),
    sharp=int((forces.gap > 0.1).sum()),
    cold=int(np.sum(cold)),
    colds=len(cold),
    **{f"{short}_{end[0]}": int(sure.loc[name, end]) for short, name in (("daca", "daca"), ("base", "basecal"), ("all", "align-all")) for end in ("better", "worse")},
)

# %% [markdown]
# (*Clearly*: the paired difference over questions, corrected after Holm over all comparisons of the list together.)
#
# ## Three pairs from three models
#
# **SmolLM2-135M-Instruct** is a public model that others post-trained: another family than our PLM, another tokenizer, 30 layers instead of 18. We trained it further by SFT on 400 questions. That gives three pairs, each read in the style `cloze`:
#
# | pair (reference → PoLM) | the reference is |
# |---|---|
# | PLM → SmolLM2 | of another family and depth |
# | SmolLM2 → SFT | the PoLM's own start, but an instruct model |
# | PLM → SFT | of another family and depth, for the same PoLM |
#
# The third pair was never traced. Two files hold the same questions, one with our PLM and one with the SFT model, so they can be **joined by question**: `references.joined` takes the PLM from the first and the PoLM from the second, and refuses
# if a label differs.

# %%
files = {name: [da.Traces.load(f"{folder}/{pair}__{name}__cloze.safetensors") for pair in (borrowed.FOREIGN, borrowed.FURTHER)] for name in names}
third = {name: references.joined(*both) for name, both in files.items()}
traces = {case: {name: (*files[name], third[name])[i] for name in names} for i, case in enumerate(cases)}
{case: repr(by_set[main_set]) for case, by_set in traces.items()}

# %% [markdown]
# One caution belongs here. Our PLM has read the whole training pool once, in all styles, and the SFT model 400 questions of that pool. They are strangers by weights and family. By their lessons they are not.
#
# ## Is the reference calibrated here?
#
# As in the other chapters a reference deserves trust where it is at least 10 points above chance, and its ECE is near the noise floor. `above` is its accuracy above chance. `polm` is that of the SFT model, for comparison; it is the same beside either reference.

# %%
models = {"PLM": traces[joined], "SmolLM2": traces[own]}
parts = {n: protocol.both_models(by_set, draws=500).set_index(["model", "set"]) for n, by_set in models.items()}
seen = pd.concat({n: part.loc["PLM"].assign(polm=(part.accuracy - part.chance)["PoLM"]) for n, part in parts.items()}, names=["reference"])
seen["above"] = seen.accuracy - seen.chance
seen["trust"] = (seen.above >= results.CHANCE_MARGIN) & (seen.ece - seen.ece_floor <= ledger.CALIBRATED)
seen[["above", "ece", "ece_low", "ece_high", "ece_floor", "trust", "polm"]].round(3)

# %% tags=["remove-input"]
trusted = [f"{reference} on {name}" for reference, name in seen.index[seen.trust]]
ahead = seen[seen.above >= results.CHANCE_MARGIN]
say(
    "Trusted: {trusted}. Well above chance: {ahead}. Everywhere else the reference knows little, and its confidence exceeds its accuracy by up to {gap:.2f}. The SFT model itself is at least 10 points above chance on {polm_knows} of {all_sets} sets.",
    trusted=", ".join(trusted) or "none",
    ahead=", ".join(f"{reference} on {name}" for reference, name in ahead.index),
    gap=(seen.confidence - seen.accuracy).max(),
    polm_knows=int((seen.loc["PLM"].polm >= results.CHANCE_MARGIN).sum()),
    all_sets=len(names),
)

# %% [markdown]
# ## Every method on every pair
#
# Which method copes best with a borrowed reference? Five splits by question, 30 % to fit on, the same splits for both references of one PoLM. The oracle `temperature-scaling` sees labels.

# %% mystnb={"figure": {"caption": "Held-out ECE of seven methods on seven sets, a panel a pair (reference → PoLM); grey bar: noise floor of the oracle. What to see: the oracle is near its floor and most label-free methods are far from it; with our PLM as reference their errors are smallest on ARC-Easy, with SmolLM2 those of align-all and agreement are not.", "name": "fig-borrowed-methods"}, "image": {"alt": "Three panels of calibration errors by question set, one for each pair of reference and PoLM, with a mark for each method and a bar for the noise floor. With our PLM as reference to SmolLM2, Dual-Align's error is {dual_least:.2f} on ARC-Easy and up to {dual_most:.2f} elsewhere; the oracle's is {oracle_most:.2f} at most."}}
drawn = ["vanilla", "basecal", "daca", "dual-align", "align-all", "agreement", "temperature-scaling"]
on_foreign = plain[plain.case == foreign].pivot(index="set", columns="method", values="ece")
glue("dual_least", on_foreign["dual-align"][main_set]), glue("dual_most", on_foreign["dual-align"].max())
glue("oracle_most", on_foreign["temperature-scaling"].max())
axes = plots.plot_styles(plain.assign(style=plain.case.astype(str)), drawn)

# %% [markdown]
# On ARC-Easy the marks cover each other. Here are their numbers, and those of the other methods (ECE, means over the splits):

# %%
here = plain[plain["set"] == main_set].rename(columns={"temperature": "T", "ece": "ECE"})
order = [m for m in protocol.DEFAULT_METHODS if m in set(here.method)]
here.pivot(index="method", columns="case", values="ECE").loc[order].round(3)

# %% [markdown]
# How much of that is noise?

# %%
beside = here[here.method.isin(order)].groupby("case", observed=True)
pd.DataFrame({"lowest floor": beside.floor.min(), "highest floor": beside.floor.max(), "largest spread over splits": beside.spread.max()}).round(3)

# %% [markdown]
# And the temperatures, medians over the splits (BaseCal, batch calibration, and vector and matrix scaling have none):

# %%
here.pivot(index="method", columns="case", values="T").loc[order].dropna().round(2)

# %% [markdown]
# Is Dual-Align ahead of its rivals? `mean` is the difference of its ECE from the rival's over the sets. `lower` and `higher` count the sets in which it is clear (Holm over all rows and sets). `hotter` counts those in which the oracle's temperature is above both of theirs; BaseCal has none.

# %%
hot = {m: fitted_t["temperature-scaling"] > fitted_t[["dual-align", *({m} & set(fitted_t))]].max(axis=1) for m in borrowed.AGAINST}
rows = against.assign(lower=(against.value < 0) & (against.p_holm < 0.05), higher=(against.value > 0) & (against.p_holm < 0.05))
rows["oracle hotter"] = [hot[r.against][r.case, r.set] for r in rows.itertuples()]
counted = rows.groupby(["case", "against"], observed=True).agg(mean=("value", "mean"), lower=("lower", "sum"), higher=("higher", "sum"), hotter=("oracle hotter", "sum"))
counted.round(3)

# %% [markdown]
# On ARC-Easy alone, the one set on which our PLM is calibrated:

# %%
on_main = against[against["set"] == main_set].set_index(["case", "against"])
on_main[["value", "low", "high", "p_holm"]].round(3)

# %% tags=["remove-input"]
warmer = {rival: (fitted_t["dual-align"] > fitted_t[rival]).sum() for rival in ("daca", "align-all")}
told = [f"against `{r.Index[1]}` for {r.Index[0]} ({r.value:+.3f})" for r in on_main.itertuples() if r.p_holm < 0.05]
say(
    "Told from zero there: {told}.\n\nOn the other sets look at the temperatures before you praise a method: Dual-Align's is above DACA's in {over_daca} and above `align-all`'s in {over_all} of {n_settings} settings. Where the oracle's is higher than both, the colder of the two tends to lose. That says little about which one reads the models better.",
    over_daca=int(warmer["daca"]),
    over_all=int(warmer["align-all"]),
    n_settings=len(fitted_t),
    told="; ".join(told) or "none",
)

# %% [markdown]
# ## Which layer with which?
#
# The process loss and the peak divergence layer compare layer $l$ of the PoLM with *some* layer of the PLM. At equal depth nobody asks which. Here somebody must. Five rules beside the default, none of which sees a label:
#
# | map | layer $l$ of the PoLM goes with layer ... of the PLM |
# |---|---|
# | `relative-depth` (default) | $\max(1, \operatorname{round}(l\, L_g / L_f))$ |
# | `last-aligned` | $\max(1, l - L_f + L_g)$: count from the end |
# | `first-aligned` | $\min(l, L_g)$: count from the start |
# | `final-only` | $L_g$ always: a control without any path |
# | `nearest-divergence` | the rising map with the least mean JSD of the two beliefs |
# | `nearest-rank` | the rising map with the best mean rank correlation of the options |
#
# The last two look at beliefs about options only, so they need no common space of representations. A *rising* map never goes back; the best one is found by dynamic programming. In every map the last layer goes with the last.
# The rank rule does not see how sharp a layer is.
#
# `layer_maps.rematched` puts a map in force: it returns traces in which the PLM has one layer for each layer of the PoLM, and everything that reads traces follows.

# %% mystnb={"figure": {"caption": "The maps found on ARC-Easy, all questions, for two pairs. What to see: left, for the foreign reference, both maps by belief hold every layer of SmolLM2, or all but the first, against the last one of the PLM, as final-only does (its marks are covered); right, where the two models are relatives, they climb beside the diagonal in steps, and relative-depth, last-aligned and first-aligned lie on it.", "name": "fig-layer-maps"}, "image": {"alt": "Two panels of PLM layer over PoLM layer for six maps: rising lines at different slopes and offsets on the left, and lines on or beside the diagonal on the right. The best rank correlation of an inner layer with any layer of the reference is {inner_foreign:.2f} on average for the stranger and {inner_own:.2f} for the relative."}}
axes = plots.plot_layer_maps({case: plots.prepare_layer_maps(traces[case][main_set]) for case in (foreign, own)})

# %% tags=["remove-input"]
best = {case: [(1 - layer_maps.rank_cost(t)).max(axis=1) for t in traces[case].values()] for case in (foreign, own)}
inner = {case: np.mean([r[:-1].mean() for r in by_set]) for case, by_set in best.items()}
say(
    "Is there a counterpart to be found? Take an inner layer of SmolLM2, and of all layers of the PLM the one that ranks the options most alike. Their rank correlation is {inner_foreign:.2f} on average (1 is the same order, 0 chance; mean over layers and sets). The same search between SmolLM2 and its own further training gives {inner_own:.2f}. "
    "So a stranger's inner layers have no close counterpart in what they say about options, and no map can supply one. (At the PoLM's last layer the two numbers are {last_foreign:.2f} and {last_own:.2f}: there the relative is hardly closer than the stranger.)",
    inner_foreign=inner[foreign],
    inner_own=inner[own],
    **{f"last_{name}": np.mean([r[-1] for r in best[case]]) for name, case in (("foreign", foreign), ("own", own))},
)

# %% [markdown]
# What follows from the map? Means over the sets, each beside the default map:
#
# - `peak`: the median peak layer on the questions to fit on, in the last column under the default; `moved`: the share of them whose peak layer is another one than under the default;
# - `T process` and `T dual`: the temperatures of the process loss and of Dual-Align, over those of the default map;
# - `ece`: the difference of Dual-Align's ECE; `lower` and `higher`: the number of sets in which it is clear (Holm over all rows and sets).
#
# Maps by belief were found on the questions to fit on. At equal depth, SmolLM2 → SFT, three of the rules are one and the same map.

# %%
effects = plots.prepare_map_effects(table)
default = effects.peak.xs(layer_maps.DEFAULT, level="layers").rename("peak, default")
effects.drop(layer_maps.DEFAULT, level="layers").join(default, on="case").round(3)

# %% mystnb={"figure": {"caption": "Temperature under each map over that under the default map, for the foreign reference PLM → SmolLM2. What to see: the process loss alone moves by up to half, and not always the same way; Dual-Align moves less, and first-aligned always raises it.", "name": "fig-map-temperatures"}, "image": {"alt": "Two panels, process-only and Dual-Align, with one row a question set and a mark for each layer map at the ratio of temperatures. Averaged over sets, the process loss moves by a factor of {own_process_low:.2f} to {own_process_high:.2f}, Dual-Align by {own_dual_low:.2f} to {own_dual_high:.2f}."}}
moves = effects.loc[foreign].drop(layer_maps.DEFAULT)[["T process", "T dual"]].agg(["min", "max"])
glue("own_process_low", moves["T process"]["min"]), glue("own_process_high", moves["T process"]["max"])
glue("own_dual_low", moves["T dual"]["min"]), glue("own_dual_high", moves["T dual"]["max"])
axes = plots.plot_map_temperatures(found[found.case == foreign], ["process-only", "dual-align"])

# %% tags=["remove-input"]
others = effects.drop(layer_maps.DEFAULT, level="layers")
unlike = others.drop(own, level="case")
tested = plots.prepare_reference_differences(table, "maps")
control = others.xs("final-only", level="layers").ece
ends = {f"{n}_{end}": getattr(unlike[c], f)() for n, c in (("moved", "moved"), ("process", "T process"), ("dual", "T dual"), ("ece", "ece")) for end, f in (("low", "min"), ("high", "max"))}

# %% tags=["remove-input"]
say(
    "With a foreign reference, in both pairs that have one:\n\n"
    "- {moved_low:.0%} to {moved_high:.0%} of the questions get another peak layer;\n"
    "- the process loss's temperature changes by a factor of {process_low:.2f} to {process_high:.2f}, Dual-Align's by {dual_low:.2f} to {dual_high:.2f};\n"
    "- Dual-Align's mean ECE changes by {ece_low:+.3f} to {ece_high:+.3f}.\n\n"
    "Over all three pairs, {n_sure} of {n_tests} differences of ECE are clear, on {main_named} {n_main}. Even the control `final-only`, which compares no path at all, changes Dual-Align's mean ECE by {control:+.3f} to {control_high:+.3f} only.",
    **ends,
    n_tests=len(tested),
    n_sure=int((tested.p_holm < 0.05).sum()),
    main_named=main_set,
    n_main=int((tested.p_holm[tested["set"] == main_set] < 0.05).sum()),
    control=control.min(),
    control_high=control.max(),
)

# %% tags=["remove-input"]
temperature_of = found[found.method == "dual-align"].set_index(["case", "layers", "set"])["temperature"]
clear = tested[tested.p_holm < 0.05]
warm = [temperature_of[r.case, r.layers, r.set] > temperature_of[r.case, layer_maps.DEFAULT, r.set] for r in clear.itertuples()]
weight = 1 - pd.concat([plots.prepare_signs(table, [case], "dual-align").divergence for case in (foreign, joined)]) / np.log(2)

# %% tags=["remove-input"]
say(
    "So the map decides where the peak is and what the process loss says, and Dual-Align moves less. One reason is how it weighs its two losses: the confidence loss, which reads last layers only, has {weight_low:.0%} to {weight_high:.0%} of the weight with a foreign reference.\n\n"
    "In {warm} of the {n_clear} clear differences the map with the higher temperature has the smaller error, as among the methods. These pairs give no reason to prefer another map to the default.",
    weight_low=weight.min(),
    weight_high=weight.max(),
    warm=int((np.array(warm) == (clear.value < 0)).sum()),
    n_clear=len(clear),
)

# %% [markdown]
# ## Two references for one PoLM
#
# The SFT model has two possible references: its own start, SmolLM2, and our PLM. Which serves better? All questions and splits are the same, so the two can be compared question by question.

# %% mystnb={"figure": {"caption": "ECE with the own reference less that with the borrowed one, for four methods; 95 % intervals, paired over questions; filled: clear after Holm's correction over all 28. What to see: right of zero the borrowed reference is better; BaseCal stands there on every set, DACA on five, and align-all is on the left on four.", "name": "fig-two-references"}, "image": {"alt": "Dot plot with a row a question set and four methods a row: differences of calibration error between two references, with intervals and a line at zero. On average BaseCal gains {gain_basecal:+.2f} from the borrowed reference, DACA {gain_daca:+.2f}, align-all {gain_plain:+.2f}."}}
two = plots.prepare_reference_differences(table, "references")
ax = plots.plot_two_references(two)

# %%
count = two.assign(own=(two.value < 0) & (two.p_holm < 0.05), borrowed=(two.value > 0) & (two.p_holm < 0.05)).groupby("method")
for key, method in (("basecal", "basecal"), ("daca", "daca"), ("plain", "align-all")):
    glue(f"gain_{key}", count.value.mean()[method])
count.agg(mean=("value", "mean"), own_better=("own", "sum"), borrowed_better=("borrowed", "sum")).round(3)

# %% [markdown]
# `own_better` and `borrowed_better` count the sets in which one of the two is clearly better.
#
# Would a sign without labels have told? Three candidates, each read on the questions to fit on: choose the reference that **agrees** more often with the PoLM, the one whose final beliefs **diverge** less from the PoLM's, or the **more confident** one.

# %%
signs = {m: plots.prepare_signs(table, [own, joined], m) for m in borrowed.SHARED}
shown = signs["dual-align"].groupby(["set", "reference"])[list(references.SIGNS)].mean()
shown.rename({own: "own", joined: "borrowed"}, level="reference").unstack("reference").round(3)

# %% [markdown]
# `regret` is the ECE of the reference chosen above that of the better one of the two, mean over sets and splits. `always` is no sign but a habit, for comparison. The last column is the share of cases in which a rule chose the borrowed reference.

# %%
made = pd.concat({m: references.chosen(rows) for m, rows in signs.items()}, names=["method"])
regret = made.regret.groupby(["rule", "method"]).mean().unstack("method").drop("best")
regret.assign(**{"chose the borrowed": (made.reference == joined).groupby("rule").mean()}).round(3)

# %% tags=["remove-input"]
share = (made.reference == joined).groupby("rule").mean()
same = regret.loc[f"always {joined}"] <= regret.loc[["agreement", "divergence"]].min() + 1e-12
three = ["daca", "dual-align", "basecal"]
say(
    "For DACA, Dual-Align and BaseCal the signs by agreement and divergence did well: a regret of {most:.3f} at most, against {least:.3f} to {worst:.3f} for confidence. For `align-all` it is the other way round ({all_low:.3f} and {all_high:.3f} against {all_confidence:.3f}).\n\n"
    "But who always borrows, without any look, has no larger regret than either of these signs, for {same} of {methods_compared} methods. They were right here because they nearly always said the same.",
    most=regret.loc[["agreement", "divergence"], three].max().max(),
    least=regret.loc["plm_confidence", three].min(),
    worst=regret.loc["plm_confidence", three].max(),
    **{f"all_{n}": regret.loc[rule, "align-all"] for n, rule in (("low", "divergence"), ("high", "agreement"), ("confidence", "plm_confidence"))},
    same=int(same.sum()),
    methods_compared=len(same),
)

# %% [markdown]
# Read this with care. There is one PoLM and one choice between two models; the sets repeat that choice and are not independent trials of it.
#
# The signs point at our PLM because the SFT model learned from the same pool, and the PLM
# is also the better calibrated of the two. Both facts happen to favour it here. An over-confident model that is close to the PoLM, its own earlier checkpoint say, would be chosen by the same signs.
#
# ## What agreement selects, and the temperature it costs
#
# DACA copies the PLM's confidence on the agreeing questions $A$. So what counts is the PLM's gap *there*, mean confidence less accuracy. What error of the temperature does a gap of that size predict?
#
# Go from DACA's temperature to the oracle's in five steps. Between them stand four temperatures, each the one at which the PoLM's mean confidence has a given value:

# %% [markdown]
# $$
# \ln \frac{T_\mathrm{DACA}}{T_\mathrm{oracle}} = \text{matching} + \underbrace{\text{own} + \text{selection}}_{\text{predicted by the gap on } A} + \text{dropping} + \text{oracle}.
# $$ (eq-temperature-parts)

# %% [markdown]
# - *matching*: from DACA's temperature to the one for the PLM's mean confidence on $A$. A KL divergence matches mean logits, not mean confidences;
# - *own*: from there to the one for that confidence less the PLM's gap over *all* questions: its own miscalibration;
# - *selection*: from there to the one for the accuracy on $A$: what choosing the agreeing questions has added;
# - *dropping*: from there to the one for the accuracy on all questions, measured on all: the disagreements come back;
# - *oracle*: from there to the least log loss.
#
# The steps need labels, so this is a diagnosis and no method. All questions of a set enter, and there is no split. By construction the steps add up, whatever the data. The largest deviation:

# %%
steps = forces.dropna(subset=["total"])
float((steps[list(references.FORCES)].sum(axis=1) - steps["total"]).abs().max())

# %% [markdown]
# `gap_agree` is the gap on $A$, with its 95 % interval over questions; `predicted` is *own* and *selection* together; `total` is the left side. All but the gaps are logarithms of temperatures: $-0.7$ is half the temperature.

# %%
forces[["gap", "gap_agree", "gap_agree_low", "gap_agree_high", "predicted", "dropping", "total"]].round(2)

# %% [markdown]
# (Rows without a number have an infinite temperature among the six, or one at the edge of the search: an accuracy or a confidence that is asked for on the way is no better than chance.)

# %% mystnb={"figure": {"caption": "DACA's error of temperature over what the gap on agreement predicts alone (left) and together with the dropped disagreements (right), all settings in which every temperature is finite. What to see: large gaps go with large errors, nearly all below zero; the right panel has the same errors over the better prediction, and there the marks lie closer to the dotted line of perfect prediction, most of them above it.", "name": "fig-temperature-parts"}, "image": {"alt": "Two scatter plots with a diagonal: DACA's logarithmic temperature error over its prediction, three marks for three pairs. The gap on agreement alone misses by {median_gap:.2f} in the median, with the dropped disagreements by {median_both:.2f}; {negative} of {n_known} errors are below zero."}}
axes = plots.plot_temperature_parts(forces)

# %% tags=["remove-input"]
known = forces[forces.total.notna()]
lifts = (forces.gap_agree < forces.gap).groupby("case", observed=True).sum()
errors = {"gap": known.predicted - known.total, "both": known.predicted + known.dropping - known.total}

# %% tags=["remove-input"]
say(
    "Does the prediction hold? In {n_known} of {n_forces} settings all temperatures are finite. There the gap on agreement predicts the size of DACA's error to within {median_gap:.2f} (median, in ln T), and together with the dropped disagreements to within {median_both:.2f}. It predicts the sign in {signs_right}, which is little of a test: the error is negative in {negative}.\n\n"
    "- The step *matching* is positive in {matching_up} of them, {matching_low:+.2f} to {matching_high:+.2f}.\n"
    "- *Selection* has no fixed sign: on agreement the gap is smaller than overall in {lift_foreign} of {n_sets} sets for the first pair, in {lift_own} for the second, in {lift_joined} for the third. ([Beside our recipes](06_what_post_training_does.ipynb), on ARC-Easy, it was smaller.)",
    n_known=len(known),
    n_forces=len(forces),
    signs_right=int((np.sign(known.predicted) == np.sign(known.total)).sum()),
    negative=int((known.total < 0).sum()),
    **{f"median_{name}": values.abs().median() for name, values in errors.items()},
    matching_up=int((known.matching > 0).sum()),
    matching_low=known.matching.min(),
    matching_high=known.matching.max(),
    n_sets=len(names),
    **{f"lift_{name}": int(lifts[case]) for name, case in (("foreign", foreign), ("own", own), ("joined", joined))},
)

# %% [markdown]
# The five steps on ARC-Easy:

# %%
forces.xs(main_set, level="set")[[*references.FORCES, "total"]].round(2)

# %% tags=["remove-input"]
instruct = forces.loc[(own, main_set)]
say(
    "The second row shows how an over-confident reference can serve well by luck. Its own error is {own_step:+.2f}; selection gives back {selection_step:+.2f} and matching {matching_step:+.2f}. Together with the rest DACA's error is {total_step:+.2f} ({total_step_low:+.2f} to {total_step_high:+.2f}). Nothing in a trace without labels shows that the sum would be small.",
    **{f"{name}_step": instruct[name] for name in ("own", "selection", "matching", "total")},
    total_step_low=instruct["total_low"],
    total_step_high=instruct["total_high"],
)

# %% [markdown]
# ## What this page does not show
#
# - **A good reference, but on one set.** Ours is to be trusted on ARC-Easy only, in this style. On the other sets the page measures how errors of the reference are passed on.
# - **Other foreigners.** Two references, both small, and one of them a pupil of the same pool as the PoLM. Whether family or lessons matter, three pairs cannot say.
# - **Layers as such.** Maps were judged by beliefs about options. Two layers may do the same work and say it in another way.
# - **A rule for choosing.** One PoLM with two references is a single choice.
#
# ## Summary
#
# - Look first whether the reference is calibrated *in this style, on this set*. Here that left one set of seven.
# - Where the reference is over-confident and every method too cold, the higher temperature is the better one, whatever its reason. A ranking of methods there is a ranking of temperatures.
# - The layer map moves the peak layer of most questions and the temperature of the process loss, and Dual-Align's temperature little. Even a map without any path changes little.
# - The borrowed reference served DACA, Dual-Align and BaseCal better than the PoLM's own, over-confident start. Agreement and divergence would have said so; one case is no rule.
# - The error of DACA's temperature follows the reference's gap on the agreeing questions, and the dropped disagreements.
#
# Mira may borrow her PLM for questions like those of ARC-Easy, and she knows it only because labels showed it calibrated there. Elsewhere, harder science included, it would hand its own ignorance to a stranger.
#
# **Next:** [open-ended answers](16_open_ended.ipynb).
#
# ```{exercise} Two depths
# :label: ex-first-aligned
# A PLM has the entropies `plm_entropy` at its layers 1, 2, ... (nats). The PoLM has `polm_layers` layers, and the peak layer of a question is `peak`. The process loss needs the mean of the PLM's entropies over the PoLM's layers from the peak to the last. What is it under `first-aligned`? Three decimals.
# ```

# %%
task = course.task("first-aligned", me)
task

# %% [markdown]
# ```{solution-start} ex-first-aligned
# :class: dropdown
# ```

# %% tags=["solution"]
layers = np.arange(task.peak, task.polm_layers + 1)  # of the PoLM, from the peak on
matched = np.minimum(layers, len(task.plm_entropy))  # of the PLM
print(dict(zip(layers.tolist(), matched.tolist(), strict=True)))
task.check(task.plm_entropy[matched - 1].mean())

# %% [markdown] tags=["solution"]
# The PLM's last layer is counted once for each layer that the PoLM has beyond it. If the peak lies at or above the PLM's depth, only its final answer enters and no path: then the loss is that of `final-only`.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A sign that flatters
# :label: ex-blind-sign
# A PoLM may be aligned with one of several references. `agreement` is the share of questions on which each answers as the PoLM does, `gap` each one's mean confidence less its accuracy. Suppose that alignment hands on exactly this gap.
# A rule takes the reference with the highest agreement. What is its regret: the size of the gap that it gets, less the smallest size to be had? Three decimals.
# ```

# %%
task = course.task("blind-sign", me)
task

# %% [markdown]
# ```{solution-start} ex-blind-sign
# :class: dropdown
# ```

# %% tags=["solution"]
sizes = np.abs(task.gap)
chosen = task.agreement.argmax()
print(f"takes number {chosen + 1}, with a gap of {task.gap[chosen]:+.2f}")
task.check(sizes[chosen] - sizes.min())

# %% [markdown] tags=["solution"]
# Agreement says who resembles the PoLM. An earlier checkpoint of an over-confident model resembles it most, and hands on most of its error.

# %% [markdown]
# ```{solution-end}
# ```
