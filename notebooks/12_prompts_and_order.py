# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Prompts, wordings and the order of options
#
# Mira fitted her temperature on questions asked in one way. In the study helper a colleague puts an instruction in front; next year somebody will list the options behind letters, or in another order. Does the temperature survive that? And could asking in several ways replace it?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [The main comparison](08_main_comparison.ipynb) |
# |---|---|
# | **Helpful** | permutation tests |
# | **Time** | 25 minutes |
#
# **You will be able to**
#
# - tell a spread over wordings from noise;
# - say whether a temperature survives another prompt;
# - measure a preference for a place with an interval that counts questions and not rows;
# - hold methods that ask many times against methods that ask once.

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
from pathlib import Path

import numpy as np
import pandas as pd

import dualalign as da
from dualalign import carry, course, drift, metrics, order, plots, protocol
from dualalign.book import glue, say

pd.set_option("display.max_colwidth", None)

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
main_set = "arc-easy"
me = "reader"
bins = 10
seeds = [0, 1, 2, 3, 4]
draws = 5000

# %%
stem = f"{folder}/{pair}__{main_set}__choices"
permuted = da.Traces.load(f"{stem}__permutations.safetensors")
wordings = {f.stem[-1]: da.Traces.load(f) for f in sorted(Path(folder).glob(f"{Path(stem).name}__wording*"))}
plain = da.Traces.load(f"{stem}.safetensors")
wordings = {"0": plain.select(np.isin(plain.question_ids, wordings["1"].question_ids)), **wordings}
fitted = ("vanilla", "align-all", "confidence-only", "daca", "dual-align", "process-only", "agreement", "basecal", "temperature-scaling")
by_wording = carry.carry(wordings, fitted, seeds=seeds)
empty = da.Traces.load(f"{folder}/sft4__content-free__choices__neutral.safetensors")
held_out = order.held_out(permuted, seeds=seeds, content_free=empty)
rivals = carry.against(held_out, bins=bins, draws=draws)

# %%
styles = ("choices", "letters", "cloze")
of_styles = {style: da.Traces.load(f"{folder}/{pair}__{main_set}__{style}.safetensors") for style in styles}
carried_methods = ("align-all", "daca", "dual-align", "temperature-scaling")
by_style_carried = carry.carry(of_styles, carried_methods, seeds=seeds)
readable = [c for c in by_style_carried if "letters" not in (c.source, c.target)]
without = pd.DataFrame({m: carry.excess(readable, m, bins, draws) for m in carried_methods}, index=protocol.Comparison._fields).T

# %% [markdown]
# ## The short answer

# %% tags=["remove-input"]
label_free = rivals.drop(["plm", "temperature-scaling", "cape + temperature-scaling"])
by_p = {name: ", ".join(f"`{n}`" for n in rivals.index[chosen]) or "none" for name, chosen in (("beaten", (rivals.minus < 0) & (rivals.p < 0.05)), ("lost", (rivals.minus > 0) & (rivals.p < 0.05)), ("level", rivals.p >= 0.05))}
cost = carry.excess(by_wording, "dual-align", bins, draws)
of_style = carry.excess(by_style_carried, "dual-align", bins, draws)

# %% tags=["remove-input"]
say(
    "- *Another wording was harmless here.* A temperature fitted under another wording costs Dual-Align {cost:+.4f} of ECE ({cost_low:+.4f} to {cost_high:+.4f}). Another *style* costs {of_style:+.3f}, but mostly to and from `letters`, a style that these models cannot read: between the two others it costs {two_styles:+.3f} ({two_low:+.3f} to {two_high:+.3f}).\n"
    "- *Asking in all orders is no substitute for a temperature.* The method CAPE asks each question in all 24 orders of its options and leaves an ECE of {cape_alone:.3f}. Dual-Align asks once and leaves {dual:.3f}, at a noise floor of {dual_floor:.3f}.\n"
    "- *Beside the other methods* (named below): Dual-Align is better than {beaten}, worse than {lost}, and cannot be told from {level}.",
    cost=cost.value,
    cost_low=cost.low,
    cost_high=cost.high,
    of_style=of_style.value,
    **{f"two_{name}": without.loc["dual-align", field] for name, field in (("styles", "value"), ("low", "low"), ("high", "high"))},
    dual=rivals.value["dual-align"],
    dual_floor=rivals.floor["dual-align"],
    cape_alone=rivals.value["cape"],
    **by_p,
)

# %% [markdown]
# ## Six wordings of the same 500 questions
#
# The style `choices` puts a question and its options. A wording adds an instruction in front. All five instructions were written before any was tried; wording 0 is the plain prompt of the other chapters.

# %%
pd.DataFrame({name: {"said before the question": t.metadata["variant"]} for name, t in wordings.items()}).T.rename_axis("wording")

# %% [markdown]
# The accuracy differs from wording to wording. But would it not differ anyway?
#
# Suppose that the wording does not matter. Then a question's six answers could be dealt to the six wordings in any way. So deal them at random, question by question, many times, and look at the spread that comes out. It is the **noise floor of a spread**: what six wordings that do nothing would show. The share of deals with at least the observed spread is a p-value, and no distribution was assumed.

# %%
tests = pd.concat({name: order.exchange(wordings, model, bins) for name, model in (("PLM", "plm"), ("PoLM", "polm"))}, names=["model"])
tests["p (Holm)"] = protocol.holm(tests.pop("p"))
tests.round(4)

# %% tags=["remove-input"]
moved = [f"the {model}'s {quantity} (from {row.low:.3f} to {row.high:.3f})" for (model, quantity), row in tests.iterrows() if row["p (Holm)"] < 0.05]
say(
    "`spread` is the standard deviation over the wordings, `expected` its noise floor. After [Holm's correction](08_main_comparison.ipynb) for {tests} tests, the wording moves {moved}. The PoLM's ECE goes from {low:.3f} to {high:.3f}: that looks like much, but wordings that do nothing would show a spread of {expected:.4f}, and the observed one is {spread:.4f} ($p$ = {p_spread:.2f} after the correction).",
    tests=len(tests),
    moved=" and ".join(moved) or "none of them",
    low=tests.low["PoLM", "ece"],
    high=tests.high["PoLM", "ece"],
    spread=tests.spread["PoLM", "ece"],
    p_spread=tests["p (Holm)"]["PoLM", "ece"],
    expected=tests.expected["PoLM", "ece"],
)

# %% [markdown]
# Why is the floor so low? Over six *fresh* samples of 500 questions the spread would be the standard error of a share. The same questions share most of their noise:

# %%
a = float((wordings["0"].polm_final.argmax(axis=1) == wordings["0"].labels).mean())
print(f"spread of the PoLM's accuracy, fresh samples: {np.sqrt(a * (1 - a) / len(wordings['0'])):.4f}; the same questions: {tests.expected['PoLM', 'accuracy']:.4f}")

# %% [markdown]
# So a table of results over five prompts is not five experiments.
#
# ### Does the temperature move?
#
# Every method is fitted on 30 % of the questions and judged on the others, under each wording, on the same five splits.

# %%
errors = carry.errors(by_wording, bins)
drifts = {q: plots.prepare_variants(errors, q).drop(["basecal", "vanilla"] if q == "temperature" else []) for q in ("temperature", "ece")}
drifts["temperature"][["mean", "variants", "splits"]].round(3)

# %% [markdown]
# `variants` is the standard deviation of $T$ over the wordings, with the split held fixed. `splits` is that over the splits, with the wording held fixed. (The fitting sides of two splits share questions, so the second is somewhat too small.) The same for the ECE, beside the noise floor of one ECE:

# %%
drifts["ece"].round(3)

# %% mystnb={"figure": {"caption": "Temperature and ECE of each method under six wordings: a dot a wording (mean over five splits), a thin line from the least to the most of all splits and wordings; on the right the grey bar is the noise floor. What to see: how close the dots of a method lie together, beside how long its line is.", "name": "fig-wordings"}, "image": {"alt": "Two panels with a row a method: six dots of temperature, and six dots of calibration error, each with a line of the range over splits. The temperature of Dual-Align moves by {dual_w:.2f} over the wordings and by {dual_s:.2f} over the splits, around {dual_mean:.2f}."}}
axes = plots.plot_variants(errors, [m for m in fitted if m != "basecal"])

# %% tags=["remove-input"]
t_drift = drifts["temperature"]
say(
    "The temperature of Dual-Align moves by {dual_w:.2f} over the wordings and by {dual_s:.2f} over the splits, around {dual_mean:.2f}. "
    "For the temperature of {calmer} of {methods} fitted methods it matters more which questions they were fitted on than how these were worded. The ECE of Dual-Align varies by {ece_w:.3f} over the wordings and by {ece_s:.3f} over the splits, both well below the noise floor of one ECE.",
    ece_w=drifts["ece"].variants["dual-align"],
    ece_s=drifts["ece"].splits["dual-align"],
    dual_w=t_drift.variants["dual-align"],
    dual_s=t_drift.splits["dual-align"],
    dual_mean=t_drift["mean"]["dual-align"],
    calmer=int((t_drift.variants < t_drift.splits).sum()),
    methods=len(t_drift),
)

# %% [markdown]
# ## Other styles
#
# An instruction is a small change. A [style](02_reliability.ipynb) is a large one. `letters` lists the options as A, B, C, D and reads the letter. `cloze` lists no options and reads the first token of each. The question and the truth stay, but the model must do another thing.
#
# `choices` and `cloze` cannot read a question of which two options begin with the same token, so the questions of two styles overlap in part only. First the premise: is the PLM above chance, and calibrated?

# %%
sets = sorted(f.stem.split("__")[1] for f in Path(folder).glob(f"{pair}__*__cloze.safetensors"))
traces = {(style, s): da.Traces.load(f"{folder}/{pair}__{s}__{style}.safetensors") for style in styles for s in sets}
premise = protocol.both_models(traces, draws=300).query("model == 'PLM'")
premise[["style", "set"]] = pd.DataFrame(premise["set"].tolist(), index=premise.index)
premise["above"] = [metrics.wilson(round(r.accuracy * r.n), r.n)[0] > r.chance for r in premise.itertuples()]
shown = premise.rename(columns={"ece_floor": "floor", "ece_p": "p"}).set_index(["style", "set"])
shown[["n", "chance", "accuracy", "above", "ece", "floor", "p"]].round(3)

# %% tags=["remove-input"]
level = premise.groupby("style")
holds = premise[premise.above & (premise.ece_p > 0.05)]
say(
    "`above`: the 95 % interval of the accuracy lies above chance. That is so on {choices} sets in `choices`, {letters} in `letters` and {cloze} in `cloze`, of {n_sets} each. `p` is the share of calibrated models of the same confidences with an ECE at least as high.\n\n"
    "The PLM is above chance and not told from calibrated on {holds} (in brackets, accuracy less chance). These are {tests_made} tests without a correction, so a small lead may be luck; chapter 2 asks for ten points.",
    tests_made=len(premise),
    **{style: int(level.above.sum()[style]) for style in styles},
    n_sets=len(sets),
    holds=", ".join(f"{r.set} in `{r.style}` ({r.accuracy - r.chance:+.2f})" for r in holds.itertuples()) or "none",
)

# %%
compared = ("vanilla", "align-all", "daca", "dual-align", "temperature-scaling")
tables, paired = {}, {}
for key, one in traces.items():
    found = carry.carry({key[1]: one}, compared, seeds=seeds, across=False)
    tables[key] = carry.errors(found, bins, draws=50).groupby("method", sort=False)[["temperature", "ece", "floor"]].mean()
    sides = {m: [c.answers for c in found if c.method == m] for m in ("dual-align", "daca")}
    paired[key] = carry.against(sides, bins=bins, draws=draws).loc["daca"]
by_style = pd.concat(tables, names=["style", "set"]).reset_index()
duel = pd.DataFrame(paired).T.assign(p=lambda d: protocol.holm(d.p))

# %% mystnb={"figure": {"caption": "ECE on held-out questions, a panel a style, a row a set, mean over five splits; the grey bar is the noise floor of temperature scaling. What to see: in every style the square of the uncalibrated PoLM lies far out; how near the other marks come to the star of the oracle differs from set to set. In letters all come near it, for there the best that one can do is to admit that one knows nothing.", "name": "fig-styles"}, "image": {"alt": "Three panels of calibration errors, styles choices, letters and cloze, with a row for each question set and a mark for each method. Without calibration the error lies between {vanilla_low:.3f} and {vanilla_high:.3f}; Dual-Align lowers it in {lowered} of {cases} cases."}}
axes = plots.plot_styles(by_style, compared)

# %% tags=["remove-input"]
ece_by = by_style.pivot_table(index=["style", "set"], columns="method", values="ece")
below, above = (duel[(duel.p < 0.05) & (sign * duel.minus > 0)] for sign in (-1, 1))

# %% tags=["remove-input"]
say(
    "Without calibration the PoLM's ECE lies between {vanilla_low:.3f} and {vanilla_high:.3f} over the {cases} cases. Dual-Align lowers it in {lowered}. Against DACA, paired by question and corrected for {cases_again} comparisons, Dual-Align is better in {better} ({better_in}) and worse in {worse} ({worse_in}). "
    "The oracle has the smallest ECE of the five in {oracle} cases.",
    vanilla_low=ece_by.vanilla.min(),
    vanilla_high=ece_by.vanilla.max(),
    cases=len(ece_by),
    cases_again=len(duel),
    lowered=int((ece_by["dual-align"] < ece_by.vanilla).sum()),
    **dict(better=len(below), worse=len(above)),
    better_in=", ".join(f"{s} in `{style}`" for style, s in below.index) or "none",
    worse_in=", ".join(f"{s} in `{style}`" for style, s in above.index) or "none",
    oracle=int((ece_by.idxmin(axis=1) == "temperature-scaling").sum()),
)

# %% [markdown]
# ## A temperature fitted elsewhere
#
# Now Mira's question. Fit under one wording, judge under another, never on the same question. Then the same for the styles of ARC-Easy; a question that two styles share is used to fit in both, or to judge in both.
#
# `extra ECE` is the mean over all fits from elsewhere, less the fit under the same prompt, paired. The p-values are adjusted together.

# %%
style_errors = carry.errors(by_style_carried, bins)
costs = {(where, m): carry.excess(found, m, bins, draws) for where, found in (("wordings", by_wording), ("styles", by_style_carried)) for m in carried_methods}
table = pd.DataFrame(costs, index=protocol.Comparison._fields).T
table["p"] = protocol.holm(table.p)
table.rename(columns={"value": "extra ECE"}).round(4)

# %% mystnb={"figure": {"caption": "ECE of Dual-Align and of temperature scaling: fitted under the row's wording, judged under the column's, mean over five splits. Each figure has its own scale of shading. What to see: the numbers of a column lie close together, and the diagonal does not stand out.", "name": "fig-carried"}, "image": {"alt": "Two six by six tables of calibration errors, wording fitted under against wording judged under, shaded by size. The diagonal does not stand out: another wording costs Dual-Align {cost:+.4f}."}}
axes = plots.plot_carried({m: plots.prepare_carried(errors, m) for m in ("dual-align", "temperature-scaling")})

# %% mystnb={"figure": {"caption": "The same over three styles of ARC-Easy. What to see: the smallest number of each column stands on the diagonal; what is lost off it is largest in the row and the column of letters, and small between choices and cloze for temperature scaling.", "name": "fig-carried-styles"}, "image": {"alt": "Two three by three tables of calibration errors over the styles choices, letters and cloze. The smallest number of each column stands on the diagonal: another style costs Dual-Align {style_cost:+.3f}."}}
axes = plots.plot_carried({m: plots.prepare_carried(style_errors, m) for m in ("dual-align", "temperature-scaling")})
glue("style_cost", table.value["styles", "dual-align"])

# %% tags=["remove-input"]
matter = {where: [m for m in carried_methods if table.p[where, m] < 0.05] for where in ("wordings", "styles")}
text = {where: ", ".join(f"`{m}` ({table.value[where, m]:+.3f})" for m in found) or "no method" for where, found in matter.items()}
say(
    "Between wordings the extra error differs from zero for {w_text}; between styles for {s_text}. But in `letters` the PoLM's accuracy on ARC-Easy is {a_letters:.3f}, no better than a guess. What is left between `choices` and `cloze`, which it can read?",
    w_text=text["wordings"],
    s_text=text["styles"],
    a_letters=float((of_styles["letters"].polm_final.argmax(axis=1) == of_styles["letters"].labels).mean()),
)

# %%
without[["value", "low", "high"]].rename(columns={"value": "extra ECE"}).round(4)

# %% tags=["remove-input"]
say(
    "Temperature scaling then loses {ts_two:+.3f} ({ts_low:+.3f} to {ts_high:+.3f}), Dual-Align {two_again:+.3f} ({two_again_low:+.3f} to {two_again_high:+.3f}). So most of the cost of another style is that of `letters`, a style that the model cannot read; the rest cannot be told from zero. (We looked at this only after the table of all styles, so take these intervals as a description.) "
    "The temperatures say the same. Here are medians over the splits; an infinite one says that the best use of the PoLM's logits is to ignore them:",
    ts_two=without.loc["temperature-scaling", "value"],
    ts_low=without.loc["temperature-scaling", "low"],
    ts_high=without.loc["temperature-scaling", "high"],
    two_again=without.loc["dual-align", "value"],
    two_again_low=without.loc["dual-align", "low"],
    two_again_high=without.loc["dual-align", "high"],
)

# %%
style_t = style_errors[style_errors.source == style_errors.target].pivot_table(index="method", columns="source", values="temperature", aggfunc="median", sort=False)
style_t.round(2)

# %% [markdown]
# ## The order of the options
#
# Does the helper prefer the first option, because it is first? Every one of the 500 questions was also asked with its options in *every* order: 24 for four options. Over all orders each option stands at each place equally often. So whatever the options say cancels, and a model without a preference for a place chooses every place equally often.

# %%
places = order.place_shares(permuted, level=1 - 0.05 / 8, draws=draws)
places.set_index(["model", "place"]).drop(columns="n").round(3)

# %% mystnb={"figure": {"caption": "Left: how often each place is chosen over all orders; dotted line: no preference. Right: accuracy by the place of the right option. Intervals over questions, wide enough that the eight on the left hold together with 95 %. What to see: both models choose the last place least often; they also seem to be right least often when the right option stands there, but there the intervals overlap.", "name": "fig-places"}, "image": {"alt": "Two panels over the four places, with a mark for the PLM and one for the PoLM: the share of answers at each place, from {polm_most:.3f} to {polm_least:.3f} for the PoLM where 0.25 is no preference, and the accuracy when the right option stands there."}}
axes = plots.plot_places(places)

# %% tags=["remove-input"]
k = places.place.max()
off = {m: [int(r.place) for r in rows.itertuples() if not r.chosen_low <= 1 / k <= r.chosen_high] for m, rows in places.groupby("model")}
of = places.set_index(["model", "place"])
say(
    "The PLM's intervals leave out $1/K$ at places {plm_off}, the PoLM's at {polm_off}. The most chosen place has {plm_most:.3f} of the PLM's answers and {polm_most:.3f} of the PoLM's, the least chosen {plm_least:.3f} and {polm_least:.3f}. So there is a preference, a small one. From the most to the least chosen place it is {range_plm:.3f} for the PLM and {range_polm:.3f} for the PoLM; we made no test of the difference. (A model that always named one place would have 1 there.)",
    plm_off=", ".join(map(str, off["plm"])) or "none",
    polm_off=", ".join(map(str, off["polm"])) or "none",
    **{f"{m}_{n}": getattr(of.chosen[m], f)() for m in ("plm", "polm") for n, f in (("most", "max"), ("least", "min"))},
    **{f"range_{m}": float(np.ptp(of.chosen[m])) for m in ("plm", "polm")},
)

# %% [markdown]
# Is one order better than another? The same test as for the wordings, now over the 24 orders:

# %%
orders = order.by_order(permuted)
order_tests = pd.concat({name: order.exchange(orders, model, bins) for name, model in (("PLM", "plm"), ("PoLM", "polm"))}, names=["model"])
order_tests["p (Holm)"] = protocol.holm(order_tests.pop("p"))
order_tests.round(4)

# %% tags=["remove-input"]
say("After the correction {found_orders} spread is larger than luck allows (smallest $p$: {least_p:.2f}).", found_orders=int((order_tests["p (Holm)"] < 0.05).sum()) or "no", least_p=order_tests["p (Holm)"].min())

# %% [markdown]
# The test asks about an order as a whole ("second, first, third, fourth"), averaged over questions whose right option stands anywhere. A preference for a place need not show there: it helps some questions and hurts others.
#
# ### If it repeats itself, is it right?
#
# A model that names the same option in all orders seems to know something. The share of orders that name the majority's option is called **consistency**. It is a confidence that needs no logits.

# %%
named = {name: order.votes(permuted, model) for name, model in (("PLM", "plm"), ("PoLM", "polm"))}
top = {name: metrics.top_label(found.values, found.outcomes) for name, found in named.items()}
steady = pd.DataFrame({n: {"mean consistency": c.mean(), "always the same": (c == 1).mean(), "right then": r[c == 1].mean(), "right otherwise": r[c < 1].mean(), "accuracy": r.mean()} for n, (c, r) in top.items()}).T
steady.round(3)

# %% mystnb={"figure": {"caption": "Consistency as a confidence: the share of orders that name the majority's option, against how often that option is right; 95 % intervals of a share; the number beside the strip is its highest count; ECE with its interval and noise floor. What to see: but for one bin with few questions, both models lie below the diagonal, and the top bin holds most questions.", "name": "fig-consistency"}, "image": {"alt": "Two reliability diagrams of consistency over option orders, of the PLM and of the PoLM, with the counts as bars above. The PoLM names the same option in every order for {same:.1%} of the questions, and is right in {right:.1%} of those."}}
axes = plots.plot_chain({name: plots.prepare_reliability(*found, bins=bins) for name, found in top.items()})

# %% tags=["remove-input"]
say(
    "The PoLM names the same option in every order for {same:.1%} of the questions, and is right in {right:.1%} of those; the PLM for {plm_same:.1%}, right in {plm_right:.1%}. To repeat oneself is not to be right. The question stays the same, and so does a mistaken belief about it.",
    same=steady["always the same"]["PoLM"],
    right=steady["right then"]["PoLM"],
    plm_same=steady["always the same"]["PLM"],
    plm_right=steady["right then"]["PLM"],
)

# %% [markdown]
# ## Ask many times, or ask once?
#
# Five rivals need no PLM:
#
# - **batch calibration** {cite:p}`zhou2024batch` divides out the mean probability of each place over the questions fitted on;
# - **contextual calibration** {cite:p}`zhao2021contextual` divides out what the model says to questions without content ("N/A", say), whose empty options stand at every place equally often;
# - **PriDe** {cite:p}`zheng2024pride` learns how probable each place is from questions asked in all orders, and divides it out;
# - **CAPE** {cite:p}`jiang2023cape` averages the probabilities over the orders (the permutation half of the method);
# - **consistency**, as above.
#
# The first three use one run of the model for a new question, the last two all 24. What contextual calibration divides out here is nearly even:

# %%
prior = np.exp(drift.log_softmax_options(empty.polm_final)).mean(axis=0)
pd.DataFrame([prior], columns=[f"place {i + 1}" for i in range(len(prior))], index=["PoLM, questions without content"]).round(3)

# %% [markdown]
# All methods answer the same held-out questions; five splits, 30 % to fit on. Methods of one run are asked in the original order. `cape + NAME` fits a method on the averaged orders; `plm` is the PLM alone, on its own answers.

# %%
runs = pd.Series({name: 24 if name.startswith(("cape", "consistency")) else 1 for name in rivals.index})
rivals.assign(runs=runs)[["runs", "value", "low", "high", "floor"]].rename(columns={"value": "ece"}).round(3)

# %% mystnb={"figure": {"caption": "ECE on the same held-out questions, mean over five splits, with 95 % intervals over questions; grey bars: noise floors. What to see: the rivals without a PLM (batch, contextual, PriDe, CAPE, consistency) all lie far right of the methods that use the PLM or labels.", "name": "fig-rivals"}, "image": {"alt": "Dot plot of the calibration error of fifteen methods with intervals and noise floors, sorted. Dual-Align has {dual:.3f}; the uncalibrated PoLM {vanilla:.3f}, PriDe {pride:.3f}, CAPE {cape:.3f}, consistency {votes:.3f}."}}
ax = plots.plot_methods(plots.prepare_methods(rivals.reset_index()))

# %% [markdown]
# Which differences are more than luck? `minus` is Dual-Align's ECE less that of the row, with a paired 95 % interval over questions; `p` is Holm's over all rows.

# %%
rivals.drop("dual-align")[["minus", "minus_low", "minus_high", "p"]].round(3)

# %% [markdown]
# And by the Brier score, beside confidence, accuracy and AUROC:

# %%
brier = carry.against(held_out, quantity="brier", draws=draws)
others = {}
for name, found in held_out.items():
    sides = [metrics.top_label(a.values, a.outcomes) if a.values.ndim == 2 else (a.values, a.outcomes) for a in found]
    others[name] = {"confidence": np.mean([c.mean() for c, _ in sides]), "accuracy": np.mean([r.mean() for _, r in sides]), "auroc": np.mean([metrics.auroc(*s) for s in sides])}
brier[["value", "minus", "p"]].rename(columns={"value": "Brier"}).join(pd.DataFrame(others).T).round(3)

# %% tags=["remove-input"]
found = pd.DataFrame(others).T
worse_brier = [n for n, r in brier.iterrows() if r.minus < 0 and r.p < 0.05]
better_brier = [n for n, r in brier.iterrows() if r.minus > 0 and r.p < 0.05]

# %% tags=["remove-input"]
say(
    "- *Places.* PriDe takes the ECE from {vanilla:.3f} to {pride:.3f}, contextual calibration to {contextual:.3f}, batch calibration to {batch:.3f}. What is left is over-confidence, and dividing by places does not reach it.\n"
    "- *Averaging.* CAPE takes it to {cape:.3f}, and moves accuracy from {acc:.3f} to {acc_cape:.3f}, for 24 runs.\n"
    "- *Repeating.* Consistency has an ECE of {votes:.3f}, by the mean above that of the PoLM's own confidence, and tells right from wrong with an AUROC of {votes_auroc:.3f} (own confidence: {own_auroc:.3f}).\n"
    "- By the Brier score Dual-Align is better than {brier_beaten}, and worse than {brier_lost}.",
    **{name: rivals.value[name] for name in ("vanilla", "pride", "contextual", "batch", "cape")},
    acc=found.accuracy["vanilla"],
    acc_cape=found.accuracy["cape"],
    votes=rivals.value["consistency"],
    **dict(votes_auroc=found.auroc["consistency"], own_auroc=found.auroc["vanilla"]),
    brier_beaten=", ".join(f"`{n}`" for n in worse_brier) or "none",
    brier_lost=", ".join(f"`{n}`" for n in better_brier) or "none",
)

# %% [markdown]
# Why does a temperature on averaged orders (`cape + dual-align`) not help? A likely reason: averaging changed the reference and the PoLM:

# %%
averaged = da.calibrators.average_permutations(permuted)
both = protocol.both_models({"one order": order.as_written(permuted), "averaged": averaged}, draws=300).set_index(["model", "set"])
both.loc[["PLM", "PoLM"], ["accuracy", "confidence", "ece", "ece_low", "ece_high", "ece_floor"]].round(3)

# %% tags=["remove-input"]
say(
    "It takes the PoLM's accuracy from {a_one:.3f} to {a_mean:.3f}. The confidence that the PLM offers as a model goes from {c_one:.3f} to {c_mean:.3f}. A PoLM that gains accuracy and is aligned with a confidence that does not rise as much ends up less sure than it should be.",
    a_one=both.accuracy["PoLM", "one order"],
    a_mean=both.accuracy["PoLM", "averaged"],
    c_one=both.confidence["PLM", "one order"],
    c_mean=both.confidence["PLM", "averaged"],
)

# %% [markdown]
# Is CAPE really more accurate than one run, and consistency a worse sign of being right than the probability? Neither needs a fit, so all 500 questions can answer, paired. (The original order is one of 24. A fairer rival of CAPE's accuracy is the mean over all orders.)

# %%
once = order.as_written(permuted)
single = metrics.top_label(da.Vanilla().fit(once).predict_proba(once), once.labels)
mean = metrics.top_label(da.CAPE().fit(permuted).predict_proba(permuted), once.labels)
share_right = named["PoLM"].values[np.arange(len(once)), once.labels]  # of a question's orders
pairs = {"accuracy: CAPE less original order": (metrics.accuracy, mean[1:], single[1:]), "accuracy: CAPE less mean of orders": (np.mean, (mean[1] * 1.0,), (share_right,)), "AUROC: consistency less original order": (metrics.auroc, top["PoLM"], single), "AUROC: CAPE less original order": (metrics.auroc, mean, single)}
gains = pd.DataFrame({n: metrics.paired_difference(m, a, b, draws=draws)._asdict() for n, (m, a, b) in pairs.items()}).T
gains.round(3)

# %% tags=["remove-input"]
sure = [f"{name} ({row.value:+.3f})" for name, row in gains.iterrows() if not row.low <= 0 <= row.high]
say("Intervals that leave out zero: {sure}. (Four comparisons, not corrected.)", sure="; ".join(sure) or "none")

# %% [markdown]
# ## What this page does not show
#
# - **Wordings that change the task.** Ours are one sentence in front of the question. Examples in the prompt, or a chat template, may move more; the three styles hint at how much.
# - **The best prompt.** No wording was chosen for its result, and none should be on these questions.
# - **Every pair.** One PoLM, and orders and wordings of one set. One of its three styles is one that it cannot read.
#
# ## Summary
#
# - The spread over wordings has a noise floor. Compare with it before calling a model sensitive to prompts.
# - Whether a temperature can be carried to another prompt is a measurement: fit under one, judge under the other, on other questions, paired. Here it survived other wordings. Between styles it did not where one of the two was `letters`, which these models cannot read; between the others the loss cannot be told from zero.
# - A preference for places shows when every order is asked. Its interval must count questions: the 24 rows of one question are not 24 questions.
# - Dividing out a preference for places changes which place is favoured; a temperature changes how sure the model is. A method can do one without the other.
# - A repeated answer is a stable answer, not yet a right one.
#
# Mira lets her colleague keep the instruction. When somebody wants letters, she will first see whether the model can read them, and then fit again.
#
# **Next:** [the premise dial](13_premise_dial.ipynb)
#
# ```{exercise} The first option, always
# :label: ex-first-place
# On a share `steady` of its questions a model names the same option in every order. On all others it names whatever stands first. Every question has `options` options and is asked in all orders. What is the model's mean consistency? Three decimals.
# ```

# %%
task = course.task("first-place", me)
task

# %% [markdown]
# ```{solution-start} ex-first-place
# :class: dropdown
# ```

# %% tags=["solution"]
from itertools import permutations

orders = list(permutations(range(task.options)))
votes = [sum(order[0] == option for order in orders) / len(orders) for option in range(task.options)]
print(f"share of the orders in which each option stands first: {np.round(votes, 3)}")
task.check(task.steady + (1 - task.steady) * max(votes))

# %% [markdown] tags=["solution"]
# Each option stands first in $1/K$ of the orders. So a model that only looks at the place gets $1/K$ from consistency, and CAPE gives each option $1/K$: both say that it knows nothing. Being steady, on the other hand, counts in full, whether it is right or not.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What averaging takes off
# :label: ex-average-confidence
# A question was asked in three orders. Each row of `orders` holds the probabilities of its options under one order, put back into their original places. By how much does the confidence of CAPE lie below the mean confidence of the three orders? Three decimals. Can the answer ever be negative?
# ```

# %%
task = course.task("average-confidence", me)
task

# %% [markdown]
# ```{solution-start} ex-average-confidence
# :class: dropdown
# ```

# %% tags=["solution"]
confidence_of_mean = task.orders.mean(axis=0).max()
mean_confidence = task.orders.max(axis=1).mean()
print(f"CAPE {confidence_of_mean:.3f}, mean over the orders {mean_confidence:.3f}")
task.check(mean_confidence - confidence_of_mean)

# %% [markdown] tags=["solution"]
# It is never negative. For each option $k$ the mean of $p_o(k)$ over the orders $o$ is at most the mean of $\max_j p_o(j)$; take the largest on the left. The two are equal where one option is the favourite in all orders. So CAPE lowers confidence where, and only where, the orders disagree.

# %% [markdown]
# ```{solution-end}
# ```
