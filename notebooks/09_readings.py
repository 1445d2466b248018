# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which open readings matter?
#
# Mira wants to run Dual-Align as its authors meant it. She has the paper's public summary and its reviews, not its full text, and finds nine places that can be read in more than one way. Which of them must she settle before she trusts a number? And would it be fair to keep the reading that works best on her test questions?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [The main comparison](08_main_comparison.ipynb) |
# |---|---|
# | **Helpful** | analysis of variance |
# | **Time** | 25 minutes |
#
# **You will be able to**
#
# - name what is open in the method;
# - tell choices that matter from choices that do not;
# - read a decomposition of variance;
# - say why a reading must be fixed before the test.

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
from dualalign import all_readings, course, ledger, plots, readings
from dualalign.book import say
from dualalign.experiments import table
from dualalign.lab import lenses

pd.set_option("display.max_colwidth", None)

# %% tags=["parameters"]
folder = "../data"
me = "reader"
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

# %% [markdown]
# ## The short answer
#
# A *reading* names what it changes, `kl=polm-first` say; the names are explained in the next section.

# %% tags=["remove-input"]
names = {word: [f"`{n}`" for n in effects.index[effects.verdict == word]] for word in ("raises", "lowers", "small", "undecided")}
gain, kept = (all_readings.over_sets(choices[name]) for name in ("gain", "kept"))
lower_share = (all_readings.standing(cube)["error"] < choices["default"].mean()).mean()
of_sets = {name: choices[name].mean() for name in ("default", "best", "worst")}
words = {"answer": "Yes" if names["raises"] or names["lowers"] else "Not that we can show", "place_of": "not the best" if lower_share > 0 else "the best"}

# %% tags=["remove-input"]
say(
    "**Does it matter how the paper is read? {answer}.**\n\n"
    "- *One choice changed at a time.* Of {options} changes, {n_raises} raise the error on our pairs ({raises}; with a weight of 0 it is no longer Dual-Align), {n_lowers} lower it, and {n_small} change it by less than {margin} ({small}). The other {n_undecided} are undecided.\n"
    "- *All combinations, on the main pair.* Our default has a mean {of} of {default:.3f}. Of the {readings} combinations ({counted}, the levels of each choice multiplied) {lower:.0%} have less, so it is {place_of} reading here.\n"
    "- *Picking afterwards.* Who picks the best reading for each set by its labels reports {best:.3f}; who picks the worst, {worst:.3f}. But a reading that was picked on the other sets keeps {could_keep:+.3f} of the gain of {could_gain:.3f}, which cannot be told apart from nothing (95 % interval {keep_low:+.3f} to {keep_high:+.3f}).",
    **words,
    **of_sets,
    **{f"n_{word}": len(found) for word, found in names.items()},
    **{word: ", ".join(names[word]) or "none" for word in ("raises", "small")},
    **dict(margin=margin, options=len(effects), readings=cube.values[0, ..., 0].size, lower=lower_share, could_gain=gain[0]),
    counted=" × ".join(str(len(levels)) for levels in cube.factors.values()),
    of="ECE" if quantity == "ece" else "Brier score",
    **dict(zip(("could_keep", "keep_low", "keep_high"), kept, strict=True)),
)

# %% [markdown]
# ## What is open

# %%
readings.open_readings()

# %% [markdown]
# The last column says what the record has: [P] is the paper's public summary, [R] its public reviews, [D] the full text of DACA. The symbols are those of [the derivation](04_deriving_dual_align.ipynb): $C$ is the confidence loss, $S$ the process loss, $w$ the weight of a question, $\tau$ the temperature.
#
# What the names mean, where they do not say it:
#
# - *aggregate*: `mean-entropy` averages the entropies of the layers, `sum-entropy` adds them, `entropy-mean` takes the entropy of the mean belief;
# - *process*: `squared-gap` squares the difference of the two aggregates, `per-layer` the difference in each layer;
# - *weight*: `jsd` and `tv` grow as the models end closer together, measured by JSD or by total variation (half the sum of the absolute differences); `hard` is 1 on agreement and 0 on disagreement; a number is the same for every question;
# - *peak*: the layer at which the divergence changes most (`max-jump`), rises most (`max-rise`), or is largest (`max-divergence`).
#
# The default was chosen because the record leans to it, before any of these numbers were seen. Nothing on this page changes it.
#
# The last two rows are no options of the calibrator: they change the trace. They come at the end.
#
# ### Different names for the same thing
#
# Before comparing, ask which combinations can differ at all. Some cannot:
#
# - **A weight of 1** leaves the confidence loss alone, the same for every question. That is `align-all`. A weight of 0 leaves the process loss alone. Neither is Dual-Align any more; call them the *halves*.
# - **Layer by layer** (`process=per-layer`), gaps are squared before anything is aggregated. So the aggregate does not enter. A fixed weight of 1 does not see any choice about $S$, and one of 0 none about $C$.
# - **A softmax over the whole vocabulary**, renormalised over the $K$ options, is the softmax over the $K$ options. So at the output it makes no difference which of the two one takes.
# - **The base of the logarithm** is another weight. In base 2 each $C$ is divided by $\ln 2$, and each $S$, being a square, by $(\ln 2)^2$. Multiply the objective by $\ln 2$, which moves no minimum:
#
# $$ w\,C + (1 - w)\,\frac{S}{\ln 2}. $$
#
# So in base 2 the process loss counts $1/\ln 2 = 1.44$ times as much. With a fixed weight this is base e with the weight
#
# $$ w' = \frac{w}{w + (1 - w)/\ln 2}. $$
#
# Is that so? Each row names two combinations; beside them the temperatures that they find on ARC-Easy.

# %%
traces = da.Traces.load(f"{folder}/traces/sft4__arc-easy__choices.safetensors")
readings.equivalences(traces).round(4)

# %% [markdown]
# ## One at a time
#
# Each row of the next table changes one choice and leaves the others at the default, on every pair and set of the [main comparison](08_main_comparison.ipynb), five splits each.
#
# - `change` is the mean difference of the held-out error from the default. `low` to `high` is its 95 % interval over the sets, and `Holm` its p-value, corrected over all rows.
# - `moved` is the mean size of the difference in a setting, whatever its sign.
# - `Brier` is the mean change of the Brier score, which unlike an ECE cannot be had for nothing.
# - `verdict` is `small` where the whole interval lies within the margin; else `raises` or `lowers` where the p-value is at most 0.05, and `undecided` for the rest.

# %%
brier = readings.effects(rows, "brier")
columns = {"value": "change", "low": "low", "high": "high", "p_holm": "Holm", "moved": "moved", "brier": "Brier", "verdict": "verdict"}
effects.assign(brier=brier["value"])[list(columns)].rename(columns=columns).round(3)

# %% [markdown]
# An undecided choice can still move the error much: up on one set and down on the next. What do the rows that raise the error have in common?

# %% mystnb={"figure": {"caption": "One choice at a time. Left: error less that of the default, with 95 % intervals over the sets; the band is the margin. Right: temperature over that of the default, on a logarithmic axis, with its interval. What to see: the rows left of 1 in the right panel have the larger errors in the left one, and the rows on the line at 1 change nothing.", "name": "fig-readings"}, "image": {"alt": "Forest plot of {options} changed choices in two panels: difference of the error from the default's, and ratio of the temperatures. The lower the temperature, the larger the error; the rank correlation is {rank:+.2f}."}}
axes = plots.plot_forest(plots.prepare_forest(effects), list(effects.verdict), margin)

# %% tags=["remove-input"]
main = rows[(rows.experiment == "main") & (rows.seed >= 0) & ledger.own_style(rows)]
default = main[main.method == "dual-align"].pivot_table(index=["pair", "set"], columns="metric", values="value")
oracle = main[main.metric == "temperature"].pivot_table(index=["pair", "set"], columns="method", values="value")
fixed = effects[effects.index.str.match(r"weight=\d")]
rank = effects["ratio"].rank().corr(effects["value"].rank())

# %% tags=["remove-input"]
say(
    "The rank correlation of the two panels is {rank:+.2f}: the more a reading raises the temperature, the {direction} the error. So most of these choices do one and the same thing. They move the temperature, "
    "and in {below} of {settings} settings the default's is below that of the oracle, which sees labels. (The default's mean ECE is {ece:.3f}, its noise floor {ece_floor:.3f}.)\n\n"
    "The fixed weights are a dial: from 0 to 1 the temperature goes from {t_low:.2f} to {t_high:.2f} times the default's.",
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
# Means hide settings. How often was a difference found in a single setting (a pair on a set), by the paired bootstrap over questions? `lower` and `higher` count the settings in which the changed choice has the smaller or the larger error. Each row is a family of its own for Holm's correction.

# %%
found = effects[["lower", "higher", "settings", "ratio", "ratio_low", "ratio_high"]]
found.rename(columns={"ratio": "T ratio", "ratio_low": "low", "ratio_high": "high"}).round(2)

# %% tags=["remove-input"]
both = effects[(effects.lower > 0) & (effects.higher > 0)]
quiet = effects[effects.moved <= margin / 2]
say(
    "After the correction {n_both} of {n_options} changes help in some settings and hurt in others. Changed alone, these hardly move a mean, a setting's error by no more than {half} on average: {quiet}. In single settings differences were found ({quiet_found} of {quiet_settings}), and the next section asks what they do together with others.",
    n_both=len(both),
    n_options=len(effects),
    half=margin / 2,
    quiet=", ".join(f"`{name}`" for name in quiet.index) or "none",
    quiet_found=", ".join(str(n) for n in quiet.lower + quiet.higher) or "none",
    quiet_settings=int(effects.settings.max()),
)

# %% [markdown]
# ## All at once
#
# Can one trust such a list? Suppose that two choices do nothing alone, and much together. Changed one at a time, both look harmless. Here are four errors of that kind, two choices with two options each:

# %%
error = np.array([[2.0, 2.0], [2.0, 6.0]])  # default and option of the first choice (rows), of the second (columns)
first = error.mean(axis=1, keepdims=True) - error.mean()
second = error.mean(axis=0, keepdims=True) - error.mean()
together = error - error.mean() - first - second
parts = {"first": first, "second": second, "both together": together}
shares = pd.Series({name: np.broadcast_to(part, error.shape).var() / error.var() for name, part in parts.items()})
small_mains = shares["first"] + shares["second"]
pd.DataFrame({"share of the variance": shares}).T.assign(sum=shares.sum()).round(3)

# %% [markdown]
# Each value is the grand mean, plus a **main effect** of each choice (the mean of its row or column less the grand mean), plus what is left: their **interaction**. The parts are orthogonal, so their variances add up to the whole. With more choices there are more parts of the same kind.
#
# Note what a main effect is: a mean over the other choice's options. The bad corner shows in it, though neither choice does harm alone. So a large share of main effects does not mean that one change from the default would have seen it.
#
# Now the real thing: every combination of the readings, on the seven sets of the main pair. Aggregate and process count as one factor `S` with four levels, since layer by layer knows no aggregate. The five splits are one more factor. (The split is among the factors, so the column `alone` holds its main effect, too.) In the table, `alone` is the share of the main effect, `total` that of everything which the factor enters; both are means over the sets.

# %%
inner = {name: all_readings.cube(rows, name, halves=False) for name in ("temperature", quantity)}
shares = {"log T": all_readings.variance(inner["temperature"], log=True), "error": all_readings.variance(inner[quantity])}
shares["error, with halves"] = all_readings.variance(cube)
factors = {name: all_readings.by_factor(found) for name, found in shares.items()}
pd.concat({n: f[["main", "total"]].set_axis(["alone", "total"], axis=1) for n, f in factors.items()}, axis=1).round(3)

# %% mystnb={"figure": {"caption": "Shares of the variance by factor, means over seven sets, without the halves (weights 0 and 1). Dark: the factor alone. Pale: with all its interactions. Line: range of the pale bar over the sets. What to see: two factors do nearly everything, a large part of it through interactions; in the right panel the lines are long, so the shares differ much from set to set.", "name": "fig-factors-variance"}, "image": {"alt": "Bars of variance shares for seven factors in two panels, log temperature and error. Of the error's variance {first} enters {first_share:.0%} and {second} {second_share:.0%}; base, KL direction and peak rule {idle_share:.1%} each or less."}}
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
    "Of the variance of the error, `{first}` enters {first_share:.0%} and `{second}` {second_share:.0%} (an interaction counts for each factor in it); {idle} enter {idle_share:.1%} each or less. The choice of the split makes {splits:.0%}.\n\n"
    "The largest interaction is {pair}: {pair_share:.0%}, and {pair_t:.0%} for log T. If τ divides the last layer only, that layer alone must close the whole gap of the entropies, and how they are aggregated decides how far it must go.\n\n"
    "All main effects together are {mains:.0%}, interactions of two {twos:.0%}. A main effect is a mean over all other choices, so this is not what one change from the default sees: of the four errors above that saw nothing, though their main effects are {small_mains:.0%} of the variance.",
    first=total.index[0],
    second=total.index[1],
    first_share=total.iloc[0],
    second_share=total.iloc[1],
    idle=", ".join(f"`{name}`" for name in idle.index),
    idle_share=idle.max(),
    pair="`" + top.replace(" × ", "` × `") + "`",
    **dict(pair_share=pairs["error"][top], pair_t=pairs["log T"][top], small_mains=small_mains),
    **{name: orders["error"][kind] for name, kind in (("mains", "main effects"), ("twos", "of two"), ("splits", "splits"))},
)

# %% tags=["remove-input"]
where = [name for name, axis in zip(cube.factors, range(1, 7), strict=True) if endless.any(axis=tuple(a for a in range(8) if a != axis)).sum() == 1]
say(
    "Why are the halves left out of the figure? Of {fits} fits (every combination on every set and split) {endless} have no finite optimum, and all of these have the same level of {where}: a weight of 0, and τ on the last layer only. No temperature of one layer may then be high enough to make up for the others. The answer is $T = \\infty$, the same confidence $1/K$ for every answer.",
    fits=endless.size,
    endless=int(endless.sum()),
    where=" and of ".join(f"`{name}`" for name in where) or "no factor",
)

# %% [markdown]
# A share depends on which options are offered. Had we offered weights from 0.6 to 0.7 only, the weight would make up less. It describes this list of readings, not the method.
#
# ## The best reading in hindsight
#
# Whoever has all of these results may be tempted to report the best. How much would that gain, and how much of it is real?
#
# `best` picks a reading for each set by its own test questions. `elsewhere` picks the reading that is best on the mean of the *other* sets; it has not seen this one. What is left of the gain is `kept`, and the rest is *optimism*.

# %%
columns = ["default", "spread", "best", "worst", "elsewhere"]
choices[columns].assign(floor=floor).round(3)

# %% mystnb={"figure": {"caption": "The main pair, set by set: the error of every combination (grey bar), of the default with its standard deviation over the splits, of the best in hindsight, and of the one that is best on the other sets. What to see: the grey bars are many times longer than the spread over the splits, and the best in hindsight lies below the default's noise floor on every set. The triangle, chosen elsewhere, helps on most sets and hurts on ARC-Easy and OpenBookQA, the two on which the premise holds.", "name": "fig-hindsight"}, "image": {"alt": "Horizontal ranges of the error over all readings for seven sets. The range is {span:.3f} wide on average, {times:.0f} times the spread over the splits; the best in hindsight lies below the default's noise floor on every set."}}
ax = plots.plot_hindsight(choices, floor, "ECE" if quantity == "ece" else "Brier score")

# %% tags=["remove-input"]
proper = all_readings.hindsight(inner[quantity])
kinds = {"all": choices, "proper": proper}
intervals = {f"{kind}_{name}": all_readings.over_sets(found[name]) for kind, found in kinds.items() for name in ("gain", "kept", "optimism")}
say(
    "The readings span {span:.3f} on average, {times:.0f} times the spread over the splits. Picking in hindsight gains {gain:.3f} over the default ({gain_low:.3f} to {gain_high:.3f} over the sets). Of this {kept:+.3f} ({kept_low:+.3f} to {kept_high:+.3f}) is kept, and {optimism:.3f} "
    "({optimism_low:+.3f} to {optimism_high:+.3f}) is optimism. Without the halves the gain is {p_gain:.3f}, of which {p_kept:+.3f} ({p_kept_low:+.3f} to {p_kept_high:+.3f}) is kept.",
    span=(choices.worst - choices.best).mean(),
    times=((choices.worst - choices.best).mean() / choices.spread.mean()),
    **{f"{name}{end}": value for name in ("gain", "kept", "optimism") for end, value in zip(("", "_low", "_high"), intervals[f"all_{name}"], strict=True)},
    **{f"p_{name}{end}": value for name in ("gain", "kept") for end, value in zip(("", "_low", "_high"), intervals[f"proper_{name}"], strict=True)},
)

# %% tags=["remove-input"]
by_brier = all_readings.hindsight(all_readings.cube(rows, "brier"))
brier_gain, brier_kept = (all_readings.over_sets(by_brier[name]) for name in ("gain", "kept"))
say(
    "In the Brier score the same game gains {brier_gain:.3f} of {brier_default:.3f}, and {brier_kept:+.3f} ({brier_low:+.3f} to {brier_high:+.3f}) is kept.",
    brier_default=by_brier["default"].mean(),
    brier_gain=brier_gain[0],
    **dict(zip(("brier_kept", "brier_low", "brier_high"), brier_kept, strict=True)),
)

# %% [markdown]
# Is there at least one reading that wins everywhere? These have the lowest error on at least one set, named by what they change; among these the lowest mean first, eight rows at most. `best` counts the sets on which a reading wins, ties included, and `beats` those on which it is below the default.

# %%
standing = all_readings.standing(cube)
standing[standing.best > 0].head(8).round(3)

# %% tags=["remove-input"]
say(
    "No reading wins on more than {most} of {sets} sets. {beats} of {count} have a lower error than the default on every set, and {losing} on none.",
    most=int(standing.best.max()),
    sets=len(cube.sets),
    beats=int((standing.beats == len(cube.sets)).sum()),
    count=len(standing),
    losing=int((standing.beats == 0).sum()),
)

# %% tags=["remove-input"]
errors, heats = cube.values.mean(axis=-1), all_readings.cube(rows, "temperature").values.mean(axis=-1)
winners = {name: heats[i].flat[errors[i].argmin()] for i, name in enumerate(cube.sets)}
hottest = max(winners, key=winners.get)
say(
    "An error far below what perfectly calibrated answers would show is partly selected noise. But the floor is the default's, and a reading with other confidences has another: on {hottest} the winner has a temperature of {heat:.0f}, so nearly the same confidence at every answer, an honest \"I do not know\".",
    hottest=hottest,
    heat=winners[hottest],
)

# %% [markdown]
# Nobody need try hundreds of readings to profit from this. It is enough to fix the ambiguous parts while looking at a test set, and to describe the result as the method. That is why our default was fixed first and stays.
#
# ## Other lenses
#
# Two choices change what an inner layer says. The record restricts the *output* to $K$ tokens, and is silent about inner layers. And the [logit lens](03_two_kinds_of_drift.ipynb) is crude in early layers. A **tuned lens** {cite:p}`belrose2023tuned` first maps what a layer holds to where the last layer would have it.
#
# `python -m dualalign.lab lenses` reads the main pair in three ways on the first 60 questions of `data/questions/arc-easy.jsonl`:
#
# - over the $K$ options, the default;
# - over every token of the vocabulary;
# - over the $K$ options behind a tuned lens. Ours is simple: for each model and layer an affine map, fitted by ridge regression to the last layer, over all tokens but the first of the prompts of the other 140 questions. Every fifth of these prompts chose the penalty. No label enters.
#
# Weights and confidence loss stay as they are.

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

# %% mystnb={"figure": {"caption": "Three readings of inner layers, means over 60 questions. Top: entropy by layer. Bottom: KL divergence of the last layer's belief from the layer's, in the lens's own tokens; each panel has its own scale. What to see: in the PLM the tuned lens is nearer to the last layer than the plain one, in the PoLM it is much farther off from layer 2 to about layer 11; over all tokens entropies are, in most layers, several times as large.", "name": "fig-lenses"}, "image": {"alt": "Six panels, entropy and distance from the last layer by layer, for three lenses and two models. In early layers the tuned lens brings the PLM from {plm_plain:.2f} to {plm_tuned:.2f} nats of the last layer, but takes the PoLM from {polm_plain:.2f} to {polm_tuned:.2f}."}}
titles = {"options": "K options", "vocabulary": "All tokens", "tuned": "K options, tuned"}
axes = plots.plot_lenses(layers, titles)

# %% tags=["remove-input"]
ahead = layers[layers.layer < layers.layer.max()].assign(half=lambda t: np.where(t.layer < 12, "early", "late"))
far = ahead.groupby(["half", "lens"])[["plm_far", "polm_far"]].mean()
say(
    "On the mean of layers 1 to 11 the last layer's belief in the $K$ options is {plm_plain:.2f} nats away in the PLM, and {plm_tuned:.2f} behind the tuned lens. In the PoLM it is {polm_plain:.2f} and {polm_tuned:.2f}. From layer 12 on it is {plm_plain_late:.2f} and {plm_tuned_late:.2f} in the PLM, {polm_plain_late:.2f} and {polm_tuned_late:.2f} in the PoLM. "
    "A map can be right about all tokens on the whole and wrong, with confidence, about a few options.",
    **{f"{side}_{name}{end}": far.loc[(half, lens), f"{side}_far"] for side in ("plm", "polm") for name, lens in (("plain", "options"), ("tuned", "tuned")) for end, half in (("", "early"), ("_late", "late"))},
)

# %% [markdown]
# What the method makes of each lens: [ISE](03_two_kinds_of_drift.ipynb) of both models in nats, the median peak layer, and the share of questions whose peak layer is the same as under the default.

# %%
read = lenses.summary(layers)
same = read.pivot(index="question_id", columns="lens", values="peak")
view = read.groupby("lens").agg(ise_plm=("ise_plm", "mean"), ise_polm=("ise_polm", "mean"), peak=("peak", "median")).loc[list(titles)]
view.assign(same_peak=[(same[name] == same["options"]).mean() for name in view.index]).round(2)

# %% [markdown]
# Then the temperatures. `ratio` is to the default lens; `from` and `to` are its percentile interval over 200 bootstrap samples of the 60 questions. The last two columns judge each temperature on the other questions of the shipped trace.

# %%
fits = lenses.temperatures(layers, curves, traces).set_index(["method", "lens"])
fits.rename(columns={"temperature": "T", "ratio_low": "from", "ratio_high": "to"}).drop(columns=["low", "high"]).round(3)

# %% tags=["remove-input"]
dual = fits.loc["dual-align"]
squares = ((read.ise_polm - read.ise_plm) ** 2).groupby(read.lens).mean()
apart = [name for name in ("vocabulary", "tuned") if not dual["ratio_low"][name] <= 1 <= dual["ratio_high"][name]]
say(
    "For Dual-Align the interval of the ratio leaves out 1 for {apart}. {lens_verdict} Over all tokens the mean squared gap of the ISEs at $T = 1$ is {gap_ratio:.0f} times what it is over the options. So there the process loss outweighs the confidence loss, as with a weight near 0.",
    apart=", ".join(f"`{name}`" for name in apart) or "neither",
    lens_verdict="So on these questions it can matter what an inner layer is read through; where the interval holds 1, no difference was found." if apart else "Neither was shown to matter on these questions.",
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
# - Which layers $\tau$ divides and how entropies are aggregated work together. Changing one choice at a time from the default cannot show that.
# - The range over readings is much wider than the spread over splits. A reading fixed after the test is a result about the test.
#
# Mira writes her reading down before she looks at a test question, and says so in her report.
#
# **Next:** [why aligning everything fails](10_why_align_all_fails.ipynb)
#
# ```{exercise} A weight in another base
# :label: ex-base
# Somebody computes both losses with logarithms to the base `base`, and gives the confidence loss the fixed weight `weight`. Which fixed weight finds the same temperature with natural logarithms? Three decimals.
# ```

# %%
task = course.task("base", me)
task

# %% [markdown]
# ```{solution-start} ex-base
# :class: dropdown
# ```

# %% tags=["solution"]
w, unit = task.weight, np.log(task.base)
confidence_part, process_part = w / unit, (1 - w) / unit**2  # what C and S are multiplied by
print(f"the process loss counts {1 / unit:.2f} times as much as in base e")
task.check(confidence_part / (confidence_part + process_part))

# %% [markdown] tags=["solution"]
# $C$ is one logarithm and is divided by $\ln b$ once; $S$ is the square of a difference of logarithms and is divided twice. Only the ratio of the two factors matters. In a base above e the process loss counts less, in a base below e more.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How much is interaction?
# :label: ex-shares
# The table `errors` holds the error for two options of one choice (rows) and three of another (columns). Which share of its variance is interaction? Three decimals.
# ```

# %%
task = course.task("shares", me)
task

# %% [markdown]
# ```{solution-start} ex-shares
# :class: dropdown
# ```

# %% tags=["solution"]
e = task.errors
row = e.mean(axis=1, keepdims=True) - e.mean()
column = e.mean(axis=0, keepdims=True) - e.mean()
left = e - e.mean() - row - column
print(left.round(2))
task.check(left.var() / e.var())

# %% [markdown] tags=["solution"]
# What the two main effects cannot say is left over. Its rows and columns have mean zero, so its variance is simply added to theirs.

# %% [markdown]
# ```{solution-end}
# ```
