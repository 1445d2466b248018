# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which open readings matter?

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
from dualalign import all_readings, ledger, plots, readings
from dualalign.book import say
from dualalign.experiments import table
from dualalign.lab import lenses

pd.set_option("display.max_colwidth", None)

# %% tags=["parameters"]
folder = "../data"
quantity = "ece"  # or brier, which has no noise floor
margin = 0.01  # a difference below this is called small
anew = False  # True: run the models (environment of `make live`) on ten of the questions of the last section

# %%
rows = table.load(f"{folder}/results/table", ["ablation", "factorial", "main"])
effects = readings.effects(rows, quantity)
effects["verdict"] = readings.verdicts(effects, margin)
cube = all_readings.cube(rows, quantity)
choices = all_readings.hindsight(cube)
floor = all_readings.floors(rows, quantity)

# %% tags=["remove-input"]
names = {word: [f"`{n}`" for n in effects.index[effects.verdict == word]] for word in ("raises", "lowers", "small", "undecided")}
gain, kept = (all_readings.over_sets(choices[name]) for name in ("gain", "kept"))
lower_share = (all_readings.standing(cube)["error"] < choices["default"].mean()).mean()
of_sets = {name: choices[name].mean() for name in ("default", "best", "worst")}
words = {"answer": "Yes" if names["raises"] or names["lowers"] else "Not that we can show", "place_of": "not the best" if lower_share > 0 else "the best"}

# %% tags=["remove-input"]
say(
    "**Does it matter how the paper is read? {answer}.** Of {options} changes of a single choice, {n_raises} raise the error of Dual-Align on our pairs ({raises}), {n_lowers} lower it, and {n_small} change it by less than {margin} ({small}). "
    "The other {n_undecided} are undecided. On the main pair our default has a mean {of} of {default:.3f} over the sets, and {lower:.0%} of the {readings} combinations have less, so it is {place_of} reading here. Who picks the best one for each set by its labels reports {best:.3f}, who picks the worst {worst:.3f}. "
    "But a reading that is picked on the other sets keeps {could_keep:+.3f} of that gain of {could_gain:.3f} (95 % interval {keep_low:+.3f} to {keep_high:+.3f}).",
    **words,
    **of_sets,
    **{f"n_{word}": len(found) for word, found in names.items()},
    **{word: ", ".join(names[word]) or "none" for word in ("raises", "small")},
    **dict(margin=margin, options=len(effects), readings=cube.values[0, ..., 0].size, lower=lower_share, could_gain=gain[0]),
    of="ECE" if quantity == "ece" else "Brier score",
    **dict(zip(("could_keep", "keep_low", "keep_high"), kept, strict=True)),
)

# %% [markdown]
# The paper is not in our hands in full, and its summaries and reviews leave several parts of the method open. Each can be read in more than one way, and the code offers every reading by name. One of them is the default. It was chosen
# because the record leans to it, before any of these numbers were seen, and nothing on this page changes it.
#
# This page asks three questions. Which choices change the result? How do they work together? And how much could one gain by choosing after the fact?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [The main comparison](08_main_comparison.ipynb) |
# |---|---|
# | **Helpful** | analysis of variance |
# | **Time** | 25 minutes |
#
# **You will be able to** name what is open in the method, tell choices that matter from choices that do not, read a decomposition of variance, and say why a reading must be fixed before the test.
#
# ## What is open

# %%
readings.open_readings()

# %% [markdown]
# [P] is the paper's public summary, [R] its public reviews, [D] the full text of DACA. The symbols are those of [Deriving Dual-Align](04_deriving_dual_align.ipynb): $C$ is the confidence loss, $S$ the process loss, $w$ the weight of a question. The last two rows are no
# options of the calibrator, for they change the trace. They come at the end.
#
# ### Readings that are the same
#
# Some combinations differ in name only.
#
# - **A weight of 1** leaves the confidence loss alone, the same for every question. That is `align-all`. A weight of 0 leaves the process loss alone. Neither is Dual-Align any more: call them the *halves*.
# - **The base of the logarithm** only reweights. In base 2 each $C$ is divided by $\ln 2$, and each $S$, a square, by $(\ln 2)^2$. Up to a common factor the objective is $w\,C + (1 - w)\,S / \ln 2$: the process loss counts
#   1.44 times as much. With a fixed weight this is base e with another weight; for the halves it is nothing.
# - **Layer by layer**, gaps are squared before anything is aggregated, so the aggregate does not enter. A fixed weight of 1 does not see any choice about $S$, and one of 0 none about $C$.
# - **A softmax over the whole vocabulary**, renormalised over the $K$ options, is the softmax over the $K$ options.
#
# The first column names two of them; the others are the temperatures that they find on ARC-Easy.

# %%
traces = da.Traces.load(f"{folder}/traces/sft4__arc-easy__choices.safetensors")
readings.equivalences(traces).round(4)

# %% [markdown]
# ## One at a time
#
# Each row changes one choice and leaves the others at the default, on every pair and set: nine pairs, seven sets, five splits. `change` is the mean difference of the error from the default on held-out questions. Its interval is Student's t over the
# sets, because pairs share questions and a PLM; `Holm` is the p-value of the same test, corrected over all rows. `moved` is the mean size of the difference in a setting (a pair on a set), whatever its sign. `Brier` is the mean change of the Brier score, which unlike an ECE cannot be had for nothing.

# %%
brier = readings.effects(rows, "brier")
columns = {"value": "change", "low": "low", "high": "high", "p_holm": "Holm", "moved": "moved", "brier": "Brier", "verdict": "verdict"}
effects.assign(brier=brier["value"])[list(columns)].rename(columns=columns).round(3)

# %% [markdown]
# `small`: the whole interval lies within the margin. Otherwise `raises` or `lowers` where the p-value is at most .05, and `undecided` for the rest. A choice can be undecided and still move the error much: up on one set and down on the next.

# %% mystnb={"figure": {"caption": "One choice at a time. Left: error less that of the default, with 95 % intervals over the sets; the band is the margin. Right: temperature over that of the default. What to see: the rows whose temperature is below 1 have the larger errors, and the rows on the line at 1 change nothing.", "name": "fig-readings"}, "image": {"alt": "Forest plot of fifteen changed choices with two panels, difference of error and ratio of temperatures; sum-entropy and small fixed weights have the largest errors and the lowest temperatures."}}
axes = plots.plot_forest(plots.prepare_forest(effects), list(effects.verdict), margin)

# %% tags=["remove-input"]
main = rows[(rows.experiment == "main") & (rows.seed >= 0) & ledger.own_style(rows)]
default = main[main.method == "dual-align"].pivot_table(index=["pair", "set"], columns="metric", values="value")
oracle = main[main.metric == "temperature"].pivot_table(index=["pair", "set"], columns="method", values="value")
fixed = effects[effects.index.str.match(r"weight=\d")]
rank = effects["ratio"].rank().corr(effects["value"].rank())

# %% tags=["remove-input"]
say(
    "Over all settings the default has a mean ECE of {ece:.3f}, and its noise floor is {ece_floor:.3f}. The rank correlation of the two panels is {rank:+.2f}: the more a reading raises the temperature, the {direction} the error. So most of these choices do one and the same thing. They move the temperature, "
    "and in {below} of {settings} settings the default's is below that of the oracle, which sees labels. The fixed weights show it as a dial: from 0 to 1 the temperature goes from {t_low:.2f} to {t_high:.2f} times the default's.",
    ece=default["ece"].mean(),
    ece_floor=default["ece_floor"].mean(),
    rank=rank,
    direction="lower" if rank < 0 else "higher",
    below=int((oracle["dual-align"] < oracle["temperature-scaling"]).sum()),
    settings=len(oracle),
    t_low=fixed["ratio"].iloc[0],
    t_high=fixed["ratio"].iloc[-1],
)

# %% [markdown]
# `sum-entropy` belongs on that dial too. A sum over $m$ layers is $m$ times their mean, so a squared gap grows by $m^2$. The process loss then outweighs the confidence loss, as with a weight near 0.
#
# Means hide settings. Here is how often a difference was found in a single setting, by the paired bootstrap over questions. Each option is a family of its own for Holm: 10,000 resamples cannot give a p-value small enough for one family of all options and settings.

# %%
found = effects[["lower", "higher", "settings", "ratio", "ratio_low", "ratio_high"]]
found.rename(columns={"ratio": "T ratio", "ratio_low": "low", "ratio_high": "high"}).round(2)

# %% tags=["remove-input"]
both = effects[(effects.lower > 0) & (effects.higher > 0)]
quiet = effects[effects.moved <= margin / 2]
say(
    "{n_both} of {n_options} changes help in some settings and hurt in others, after correction. The choices that move a setting's error by no more than {half} on average are {quiet}: which of their options the paper meant does not matter here.",
    n_both=len(both),
    n_options=len(effects),
    half=margin / 2,
    quiet=", ".join(f"`{name}`" for name in quiet.index) or "none",
)

# %% [markdown]
# ## All at once
#
# One choice at a time says nothing about combinations. So here is every combination, on the seven sets of the main pair. Aggregate and process count as one factor `S` with four levels, since layer by layer knows no aggregate.
#
# In such a full design the value of a cell is a sum: the grand mean, a main effect of each factor, an interaction of each two, and so on. These parts are orthogonal, so their variances add up to the whole. The five splits are one more factor. The table has the
# shares of the variance, means over the sets. `alone` is the main effect, `total` is everything that the factor enters.

# %%
inner = {name: all_readings.cube(rows, name, halves=False) for name in ("temperature", quantity)}
shares = {"log T": all_readings.variance(inner["temperature"], log=True), "error": all_readings.variance(inner[quantity])}
shares["error, with halves"] = all_readings.variance(cube)
factors = {name: all_readings.by_factor(found) for name, found in shares.items()}
pd.concat({n: f[["main", "total"]].set_axis(["alone", "total"], axis=1) for n, f in factors.items()}, axis=1).round(3)

# %% mystnb={"figure": {"caption": "Shares of the variance by factor, means over seven sets; the halves (weights 0 and 1) are left out. Dark: the factor alone. Pale: with all its interactions. Line: range of the pale bar over the sets. What to see: two factors do nearly everything, a large part of it through interactions.", "name": "fig-factors-variance"}, "image": {"alt": "Bars of variance shares for seven factors in two panels, log temperature and error; S and tempered are long, kl, base and peak hardly visible."}}
axes = plots.plot_factors({name: factors[name] for name in ("log T", "error")})

# %% tags=["remove-input"]
endless = np.isinf(all_readings.cube(rows, "temperature").values)
pairs = {name: found[found["order"] == 2].groupby("term")["share"].mean() for name, found in shares.items()}
orders = {name: all_readings.by_order(found) for name, found in shares.items()}
total = factors["error"]["total"].drop("split").sort_values(ascending=False)
idle = total[total < 0.05]
top = pairs["error"].idxmax()

# %% tags=["remove-input"]
say(
    "Of the variance of the error, `{first}` enters {first_share:.0%} and `{second}` {second_share:.0%} (interactions count for each factor in them); the factors {idle} enter {idle_share:.1%} each or less. The largest interaction is {pair} ({pair_share:.0%}, and {pair_t:.0%} for log T): "
    "if τ divides the last layer only, that layer alone must close the whole gap of the entropies, and how they are aggregated decides how far it must go. Main effects make up {mains:.0%}, interactions of two {twos:.0%}, and the choice of the split {splits:.0%}. "
    "So one choice at a time tells about {mains:.0%} of this story.",
    first=total.index[0],
    second=total.index[1],
    first_share=total.iloc[0],
    second_share=total.iloc[1],
    idle=", ".join(f"`{name}`" for name in idle.index),
    idle_share=idle.max(),
    pair="`" + top.replace(" × ", "` × `") + "`",
    **dict(pair_share=pairs["error"][top], pair_t=pairs["log T"][top]),
    **{name: orders["error"][kind] for name, kind in (("mains", "main effects"), ("twos", "of two"), ("splits", "splits"))},
)

# %% tags=["remove-input"]
where = [name for name, axis in zip(cube.factors, range(1, 7), strict=True) if endless.any(axis=tuple(a for a in range(8) if a != axis)).sum() == 1]
say(
    "The halves are left out of the figure for a reason: of {fits} fits {endless} have no finite optimum, and all of these have the same level of {where}. With a weight of 0 and τ on the last layer only, no temperature of one layer may be high enough to make up for the others. The answer then is $T = \\infty$: the same confidence, $1/K$, for every answer.",
    fits=endless.size,
    endless=int(endless.sum()),
    where=" and ".join(f"`{name}`" for name in where) or "no factor",
)

# %% [markdown]
# A share depends on which options are offered: had we offered weights from 0.6 to 0.7 only, the weight would make up less. It describes this list of readings, not the method.
#
# ## The best reading in hindsight
#
# Someone who has all of these results may be tempted to report the best. How much would that gain, and how much of it is real? `best` picks a reading for each set by its own test questions. `elsewhere` picks the reading that is best on the mean of the *other* six sets; that one has not
# seen the set. What is left of the gain is `kept`, the rest is optimism.

# %%
columns = ["default", "spread", "best", "worst", "elsewhere"]
choices[columns].assign(floor=floor).round(3)

# %% mystnb={"figure": {"caption": "The main pair, set by set: the error of every combination (grey), of the default with its standard deviation over the splits, of the best in hindsight and of the one that is best on the other sets. What to see: the grey bars are many times longer than the spread over the splits, and the best in hindsight lies below the noise floor on every set.", "name": "fig-hindsight"}, "image": {"alt": "Horizontal ranges of the error over all readings for seven sets, with marks for the default, the best reading, the best on other sets and the noise floor."}}
ax = plots.plot_hindsight(choices, floor, "ECE" if quantity == "ece" else "Brier score")

# %% tags=["remove-input"]
proper = all_readings.hindsight(inner[quantity])
kinds = {"all": choices, "proper": proper}
intervals = {f"{kind}_{name}": all_readings.over_sets(found[name]) for kind, found in kinds.items() for name in ("gain", "kept", "optimism")}
say(
    "The choice of the reading spans {span:.3f} on average, {times:.0f} times the spread over the splits. Picking in hindsight gains {gain:.3f} over the default ({gain_low:.3f} to {gain_high:.3f} over the sets). Of this {kept:+.3f} ({kept_low:+.3f} to {kept_high:+.3f}) is kept by the reading chosen elsewhere; the optimism is {optimism:.3f} "
    "({optimism_low:+.3f} to {optimism_high:+.3f}). Among the readings that keep both losses the gain is {p_gain:.3f}, and {p_kept:+.3f} ({p_kept_low:+.3f} to {p_kept_high:+.3f}) of it is kept.",
    span=(choices.worst - choices.best).mean(),
    times=((choices.worst - choices.best).mean() / choices.spread.mean()),
    **{f"{name}{end}": value for name in ("gain", "kept", "optimism") for end, value in zip(("", "_low", "_high"), intervals[f"all_{name}"], strict=True)},
    **{f"p_{name}{end}": value for name in ("gain", "kept") for end, value in zip(("", "_low", "_high"), intervals[f"proper_{name}"], strict=True)},
)

# %% tags=["remove-input"]
by_brier = all_readings.hindsight(all_readings.cube(rows, "brier"))
brier_gain, brier_kept = (all_readings.over_sets(by_brier[name]) for name in ("gain", "kept"))
say(
    "In the Brier score the same choice gains {brier_gain:.3f} of {brier_default:.3f}, and {brier_kept:+.3f} ({brier_low:+.3f} to {brier_high:+.3f}) is kept.",
    brier_default=by_brier["default"].mean(),
    brier_gain=brier_gain[0],
    **dict(zip(("brier_kept", "brier_low", "brier_high"), brier_kept, strict=True)),
)

# %%
standing = all_readings.standing(cube)
standing[standing.best > 0].head(8).round(3)

# %% tags=["remove-input"]
say(
    "Those are readings that have the lowest error on at least one set, named by what they change (ties included; eight rows at most, the lowest mean first). The best of them wins on {most} of {sets} sets, so {verdict}. {beats} of {count} readings have a lower error than the default on every set, and {losing} on none.",
    most=int(standing.best.max()),
    sets=len(cube.sets),
    verdict="no single reading wins on all" if standing.best.max() < len(cube.sets) else "one reading wins on all",
    beats=int((standing.beats == len(cube.sets)).sum()),
    count=len(standing),
    losing=int((standing.beats == 0).sum()),
)

# %% [markdown]
# An error below the noise floor is less than a perfectly calibrated model with the default's confidences would show on average. To find such errors is to select noise.
#
# A paper need not try 768 readings to profit. It is enough to fix the ambiguous parts while looking at a test set, and to describe the result as the method. That is why our default was fixed first and stays.
#
# ## Other lenses
#
# Two choices change what an inner layer says. The record restricts the *output* to $K$ tokens, and is silent about inner layers. And a logit lens is crude in early layers; a **tuned lens** {cite:p}`belrose2023tuned` first maps a layer's residual stream to where the last layer's would be.
#
# `python -m dualalign.lab lenses` reads the main pair in three ways on the first 60 questions of `data/questions/arc-easy.jsonl`: over the $K$ options (the default), over every token, and over the $K$ options behind a tuned lens. Ours is a simple one: for each model and layer an affine map, fitted by ridge
# regression to the last layer's stream, over all tokens but the first of the prompts of the other 140 questions. Every fifth of these prompts chose the penalty. No label enters. Weights and confidence loss stay as they are.

# %%
layers, curves = (pd.read_parquet(f"{folder}/results/{name}.parquet") for name in ("lenses", "lenses_curves"))
if anew:
    import warnings

    from IPython.display import display
    from dualalign.models import load_model

    warnings.filterwarnings("ignore", message="IProgress not found")

    models = [load_model("package:gemma3-270m", f"{folder}/adapters/{name}", label=name) for name in ("plm", "sft4")]
    asked = da.questions.load_file(f"{folder}/questions/arc-easy.jsonl")
    now = lenses.record(*models, asked[:10], asked[lenses.SAMPLE :])[0]
    both = now.merge(layers, on=["lens", "question_id", "layer"], suffixes=("", "_shipped"))
    gaps = {c: (both[c] - both[f"{c}_shipped"]).abs().groupby(both.lens).max() for c in ("plm_entropy", "polm_entropy")}
    display(pd.DataFrame(gaps).rename_axis("largest difference"))

# %% mystnb={"figure": {"caption": "Three readings of inner layers, means over 60 questions. Top: entropy by layer. Bottom: divergence of the last layer's belief from the layer's, in the lens's own tokens. What to see: in the PLM the tuned lens is nearer to the last layer than the plain one, in the PoLM it is much farther off until about layer 12; over all tokens entropies are several times as large.", "name": "fig-lenses"}, "image": {"alt": "Six panels, entropy and distance from the last layer by layer, for three lenses and two models."}}
titles = {"options": "K options", "vocabulary": "All tokens", "tuned": "K options, tuned"}
axes = plots.plot_lenses(layers, titles)

# %% tags=["remove-input"]
ahead = layers[layers.layer < layers.layer.max()].assign(half=lambda t: np.where(t.layer < 12, "early", "late"))
far = ahead.groupby(["half", "lens"])[["plm_far", "polm_far"]].mean()
say(
    "How far is the last layer's belief in the $K$ options from an inner layer's? In the PLM {plm_plain:.2f} nats on the mean of layers 1 to 11 and {plm_tuned:.2f} behind the tuned lens; in the PoLM {polm_plain:.2f} and {polm_tuned:.2f}. From layer 12 on it is {plm_plain_late:.2f} and {plm_tuned_late:.2f} in the PLM, {polm_plain_late:.2f} and {polm_tuned_late:.2f} in the PoLM. "
    "A map can be right about streams on the whole and wrong, with confidence, about a few options.",
    **{f"{side}_{name}{end}": far.loc[(half, lens), f"{side}_far"] for side in ("plm", "polm") for name, lens in (("plain", "options"), ("tuned", "tuned")) for end, half in (("", "early"), ("_late", "late"))},
)

# %%
read = lenses.summary(layers)
same = read.pivot(index="question_id", columns="lens", values="peak")
view = read.groupby("lens").agg(ise_plm=("ise_plm", "mean"), ise_polm=("ise_polm", "mean"), peak=("peak", "median")).loc[list(titles)]
view.assign(same_peak=[(same[name] == same["options"]).mean() for name in view.index]).round(2)

# %% [markdown]
# ISE of both models in nats, the median peak layer, and the share of questions with the same peak layer as under the default. Now the temperatures, with percentile intervals of 200 bootstrap samples of the 60 questions. `ratio` is to the default lens on the same samples. The last two columns judge each temperature on the other questions of the shipped trace.

# %%
fits = lenses.temperatures(layers, curves, traces).set_index(["method", "lens"])
fits.rename(columns={"temperature": "T", "ratio_low": "from", "ratio_high": "to"}).drop(columns=["low", "high"]).round(3)

# %% tags=["remove-input"]
alone, dual = fits.loc["process-only"], fits.loc["dual-align"]
squares = ((read.ise_polm - read.ise_plm) ** 2).groupby(read.lens).mean()
apart = [name for name in ("vocabulary", "tuned") if not dual["ratio_low"][name] <= 1 <= dual["ratio_high"][name]]
say(
    "For the process loss alone the temperature is {p_options:.2f} over the $K$ options, {p_vocabulary:.2f} over all tokens, and {p_tuned:.2f} behind the tuned lens. For Dual-Align it is {d_options:.2f}, {d_vocabulary:.2f} and {d_tuned:.2f}; the interval of the ratio leaves out 1 for {apart}. "
    "{lens_verdict} Over all tokens the mean squared gap of the ISEs at $T = 1$ is {gap_ratio:.0f} times what it is over the options, so there the process loss outweighs the confidence loss, as with a weight near 0.",
    **{f"p_{name}": alone["temperature"][name] for name in titles},
    **{f"d_{name}": dual["temperature"][name] for name in titles},
    apart=", ".join(f"`{name}`" for name in apart) or "neither",
    lens_verdict="What inner layers are read through is one more choice that matters." if apart else "Neither was shown to matter on these questions.",
    gap_ratio=float(squares["vocabulary"] / squares["options"]),
)

# %% [markdown]
# ## What this page does not show
#
# - **What the authors did.** A reading with a small error on our pairs need not be theirs, and one with a large error may be.
# - **Another design.** The full design is on one pair, and its shares depend on the options that are offered. Readings outside this list, a weight of another form for instance, were not tried.
# - **A good reading.** A lower error may mean that two faults cancel: where the PLM is over-confident, whatever raises the temperature helps. The [premise dial](13_premise_dial.ipynb) takes that apart.
# - **A good tuned lens.** Ours was fitted on few prompts of one kind, and 60 questions are few.
#
# ## Summary
#
# - Some open choices are names for the same thing. Check for these first.
# - Most of the others move one quantity, the temperature. What they do to the error follows from whether the default's temperature was too low or too high.
# - Which layers $\tau$ divides and how entropies are aggregated work together, which one choice at a time cannot show.
# - The range over readings is much wider than the spread over splits. A reading fixed after the test is a result about the test.
#
# **Next:** [why aligning everything fails](10_why_align_all_fails.ipynb).
#
# ```{exercise}
# :label: ex-base
# In base 10, how much more would the process loss count against the confidence loss than in base e? Which fixed weight in base e is the same as 0.75 in base 10?
# ```
#
# ```{solution} ex-base
# :class: dropdown
# $C$ is divided by $\ln 10$ and $S$ by $(\ln 10)^2$, so $S$ counts $1 / \ln 10 = 0.43$ times as much: less, not more. The weight is $0.75 / (0.75 + 0.25 / \ln 10) = 0.87$.
# ```
#
# ```{exercise}
# :label: ex-shares
# Two factors with two levels each have the values 1, 1 in the first row and 1, 5 in the second. Which share of the variance is interaction?
# ```
#
# ```{solution} ex-shares
# :class: dropdown
# The mean is 2. Rows add −1 and +1, columns −1 and +1, and what is left is +1, −1 in the first row and −1, +1 in the second. Each of the three parts has variance 1, so the share is one third.
# ```
