# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What post-training does to confidence
#
# So far one PoLM stood for all of post-training. But there are many ways to post-train: imitate answers, prefer one answer over another, earn a reward.
# Do they all inflate confidence? Do they all change answers? And was the PLM, which every label-free method trusts, calibrated in the first place?
#
# This page takes one PLM, post-trains it in seven ways on the same 1,200 questions, and looks.
#
# | You need | [Calibration](02_reliability.ipynb), [Two kinds of drift](03_two_kinds_of_drift.ipynb) |
# |---|---|
# | **Helpful** | what SFT, DPO and reinforcement learning optimise |
# | **Time** | 25 minutes |
#
# **You will be able to** check the premise of label-free calibration, separate sharper confidence from changed answers, compare recipes with intervals, and say
# whether a reference model must be a raw base.

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
import json
from pathlib import Path

import numpy as np
import pandas as pd

import dualalign as da
from dualalign import change, drift, metrics, plots, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
recipes = ["sft1", "sft4", "sft1-full", "dpo", "rlvr", "sft1-dpo", "sft1-dpo-rlvr"]
chain = ["sft1", "sft1-dpo", "sft1-dpo-rlvr"]
main_set = "arc-easy"

# %% [markdown]
# ## The recipes
#
# A question is read at the last token of its prompt, and an answer is one token. So every loss can be written in one line. With $p_f$ the model's probability
# of a token, $y$ the right option, $y^-$ a wrong one and $p_0$ the model the run starts from:
#
# | recipe | loss of one question |
# |---|---|
# | **SFT** (supervised fine-tuning) | $-\ln p_f(y)$, over the whole vocabulary |
# | **DPO** {cite:p}`rafailov2023dpo` | $-\ln \sigma\!\left(\beta \left[\ln \frac{p_f(y)}{p_f(y^-)} - \ln \frac{p_0(y)}{p_0(y^-)}\right]\right)$ |
# | **RLVR** (a verifiable reward of 1 for the right option) | $-\sum_k p_f(k)\, r(k) = -p_f(y)$, softmax over the $K$ options |
#
# RLVR is usually run on groups of sampled answers, as in GRPO {cite:p}`shao2024grpo`. With $K$ options the expected reward can be computed exactly, and we do that: it is what the mean of a group tends
# to as the group grows. No advantage is scaled, and no KL term is added. All three are in `dualalign/lab/losses.py`.
#
# The 1,200 questions are a part of those of the PLM's own pass. So even `sft1`, with its single epoch, sees them for the second time.
#
# One loss rewards calibration and two do not. Let the evidence say that the first of two options is right with probability $\pi$. The log loss of SFT is *proper*: in expectation it is smallest at
# $p_f = \pi$. The expected reward is linear in $p_f$, so its optimum is certainty of the likelier option. DPO's optimum has the log-odds of $p_0$ plus $\operatorname{logit}(\pi) / \beta$:
# with $\beta = 0.1$ it counts the evidence ten times over. Before any number, then, one may guess that DPO and RLVR sharpen, and that SFT sharpens by seeing the same questions again.

# %%
runs = {name: json.loads(Path(folder, f"../adapters/{name}/run.json").read_text()) for name in recipes}
columns = ["start", "method", "full", "epochs", "learning_rate", "seed"]
table = pd.DataFrame({name: {c: run["recipe"].get(c) for c in columns} for name, run in runs.items()}).T
table = table.fillna({"method": "sft", "full": False})
table.assign(questions=[r["questions"] for r in runs.values()], minutes=[round(r["seconds"] / 60, 1) for r in runs.values()])

# %% [markdown]
# All start from the PLM of this book, or from the recipe named under `start`: `sft1-dpo-rlvr` is a chain of three, with a checkpoint each. `full` trains every weight but the embeddings; the
# others train a LoRA update of rank 16. DPO has $\beta = 0.1$, and $y^-$ is a wrong option drawn at random once for each question.
# The rate is the same for all LoRA runs, and a tenth of it for full fine-tuning. The number of epochs differs: so what a recipe does and what repetition does are not separated by this table.
# The [next page](07_world.ipynb) separates them.
#
# Here is how sure each model became of the questions it was trained on, as they streamed by, and how often it was right: means over the first and the last fifth of the run.

# %%
curves = {name: pd.DataFrame(run["curve"])[["confidence", "accuracy"]] for name, run in runs.items()}
fifth = {name: len(curve) // 5 for name, curve in curves.items()}
ends = {"first fifth": {n: c.head(fifth[n]).mean() for n, c in curves.items()}, "last fifth": {n: c.tail(fifth[n]).mean() for n, c in curves.items()}}
pd.concat({when: pd.DataFrame(means).T for when, means in ends.items()}, axis=1).round(3)

# %% [markdown]
# On its own questions the PLM starts where it stands. Within the later stages of the chain the accuracy falls: the first questions of a stage are still remembered from the stage before, and by its end that
# memory has been overwritten.
#
# ## Premise first: is the PLM calibrated?
#
# Every label-free method here trusts the PLM's confidence. If it is wrong, the best alignment in the world learns the error. So before any recipe: the PLM
# alone, on every set and in every prompt style, with its noise floor and an interval.

# %%
styles = ("choices", "letters", "cloze")
files = [f for s in styles for f in sorted(Path(folder).glob(f"sft4__*__{s}.safetensors"))]
sets = {" · ".join(f.stem.split("__")[1:]): da.Traces.load(f) for f in files}
premise = protocol.both_models(sets, draws=300).query("model == 'PLM'")
premise = premise.assign(above_chance=premise.accuracy - premise.chance, excess=premise.ece - premise.ece_floor)
premise.set_index("set")[["n", "above_chance", "confidence", "ece", "ece_low", "ece_high", "ece_floor", "ece_p"]].round(3)

# %% mystnb={"figure": {"caption": "The premise, set by set: expected calibration error of the PLM before any post-training, with a 95 % interval; the grey bar is the noise floor. Open dots: an error this high is not rare (p at least 0.05) for a calibrated model. What to see: few dots lie on or left of their grey bar, and two of those, in letters, belong to a PLM that knows next to nothing.", "name": "fig-premise"}, "image": {"alt": "Forest plot of the calibration error of the PLM for every question set in three prompt styles, each with interval and noise floor."}}
ax = plots.plot_premise(premise)

# %% tags=["remove-input"]
holds = premise[(premise.excess <= 0.04) & (premise.above_chance >= 0.10)]
chance = premise[premise.above_chance < 0.05]
say(
    "Of {total} combinations, the PLM is both at least ten points above chance and within .04 of its noise floor on **{held}**: {names}. "
    "In {blind} it is less than five points above chance: there it knows next to nothing, and being calibrated would mean saying so.",
    total=len(premise),
    held=len(holds),
    names=", ".join(holds["set"]) or "none",
    blind=len(chance),
)

# %% [markdown]
# The style `choices` is the one that most of the PLM's pass was in. `cloze` is more accurate on several sets, but there the PLM is calibrated on ARC-Easy alone. All that follows is in `choices`, up to the section on foreign references.

# %% [markdown]
# ## Each recipe, before and after

# %%
names = ["arc-easy", "arc-challenge", "openbookqa", "csqa", "piqa", "mmlu", "medmcqa"]
pairs = {(p, s): da.Traces.load(f"{folder}/{p}__{s}__choices.safetensors") for p in recipes for s in names}
assert "sft4" in recipes  # its traces hold the PLM in single precision
both = protocol.both_models(pairs, draws=200)
both[["pair", "set"]] = pd.DataFrame(both["set"].tolist())
polm = both[both.model == "PoLM"].pivot(index="set", columns="pair", values="ece").loc[names, recipes]
polm.insert(0, "PLM", both[(both.model == "PLM") & (both.pair == "sft4")].set_index("set")["ece"])
width = (both.ece_high - both.ece_low) / 2
polm.assign(floor=both.groupby("set").ece_floor.mean(), **{"±": width.groupby(both["set"]).mean()}).round(3)

# %% [markdown]
# That table is the ECE of each model. The PLM's column is its own. The last two hold the mean noise floor of a row and half the width of its mean 95 % interval. (MedMCQA holds a random thousand of its questions, less those that `choices` cannot read, for all but `sft4`.)
# An ECE mixes two things, so here are accuracy and confidence apart.

# %% mystnb={"figure": {"caption": "Accuracy and mean confidence of the PLM (circle) and of its seven post-trained versions, a panel a set. On the dotted diagonal the mean confidence is as high as the accuracy. What to see: the lines go up far more than they go to either side.", "name": "fig-shift"}, "image": {"alt": "Panels, one a question set, with accuracy on the horizontal and confidence on the vertical axis; every recipe lies above the PLM, most at nearly the same accuracy."}}
axes = plots.plot_shift(both)

# %% [markdown]
# ### Claim: post-training inflates confidence more than accuracy
#
# Take each question twice, once with either model. Confidence rose by so much, accuracy by so much; the difference is the **inflation**. Both come from the same questions, so the
# interval is that of a paired difference.

# %%
changed = {s: change.of_pairs({p: pairs[p, s] for p in recipes}, draws=500) for s in names}
easy = changed[main_set]
easy[["n", "confidence", "accuracy", "inflation", "inflation_low", "inflation_high"]].round(3)

# %% mystnb={"figure": {"caption": "How much more confidence rose than accuracy, from the PLM to each PoLM, on ARC-Easy, with 95 % intervals. What to see: whether any interval touches zero, and which recipes inflate most.", "name": "fig-inflation"}, "image": {"alt": "Dot plot of confidence inflation for seven recipes with intervals and a dotted line at zero."}}
ax = plots.plot_contrasts(easy, "inflation", "Rise of confidence less rise of accuracy")

# %% tags=["remove-input"]
everywhere = pd.concat(changed, names=["set"])
above = everywhere[everywhere.inflation_low > 0]
mean_inflation = everywhere.groupby("pair").inflation.mean()
say(
    "In {above} of {combinations} combinations of recipe and set the interval lies above zero (not in: {below}). Averaged over the sets, `{most}` inflates most ({most_value:+.3f}) and `{least}` least ({least_value:+.3f}). "
    "Accuracy moved by {accuracy_low:+.3f} to {accuracy_high:+.3f}.",
    above=len(above),
    below=", ".join(f"`{pair}` on {name}" for name, pair in everywhere.index.difference(above.index)) or "none",
    combinations=len(everywhere),
    **dict(most=mean_inflation.idxmax(), most_value=mean_inflation.max(), least=mean_inflation.idxmin(), least_value=mean_inflation.min()),
    accuracy_low=everywhere.accuracy.min(),
    accuracy_high=everywhere.accuracy.max(),
)

# %% [markdown]
# ## Along the chain
#
# Production models are post-trained in stages. Ours: one epoch of SFT, then DPO, then RLVR. Reliability at each checkpoint:

# %% mystnb={"figure": {"caption": "Reliability on ARC-Easy along the chain, from the PLM to the last checkpoint. What to see: the stage at which the dots leave the diagonal, and how far the last stage is from bringing them back.", "name": "fig-chain"}, "image": {"alt": "Four reliability diagrams in a row: PLM, after SFT, after DPO, after RLVR."}}
stages = {"PLM": pairs["sft4", main_set].plm_final} | {p: pairs[p, main_set].polm_final for p in chain}
labels = pairs["sft1", main_set].labels
scored = {n: metrics.top_label(np.exp(drift.log_softmax_options(z)), labels) for n, z in stages.items()}
diagrams = {n: plots.prepare_reliability(*s, draws=300) for n, s in scored.items()}
axes = plots.plot_chain(diagrams)

# %%
columns = ["accuracy", "confidence", "ece", "ece_floor", "ece_interval", "brier", "nll", "auroc"]
rows = {n: metrics.summary(np.exp(drift.log_softmax_options(z)), labels, draws=300) for n, z in stages.items()}
stage_table = pd.DataFrame(rows).T[columns]
intervals = [f"{a:.3f} to {b:.3f}" for a, b in stage_table.pop("ece_interval")]
stage_table.astype(float).round(3).assign(ece_interval=intervals)

# %% tags=["remove-input"]
ece = stage_table["ece"].astype(float)
step = ece.diff().dropna()
say(
    "The ECE goes {path}. The largest step is the one to `{largest}` ({size:+.3f}); the last stage changes it by {last:+.3f}.",
    path=", ".join(f"{v:.3f} ({n})" for n, v in ece.items()),
    largest=step.idxmax(),
    size=step.max(),
    last=step.iloc[-1],
)

# %% [markdown]
# A reward can lower confidence too. Where the preferred option is wrong, the expected reward moves probability away from it. After DPO, which left the model sure of many wrong options, that may be what lowers
# the confidence here; from the PLM the same loss mostly sharpened. We did not test the cause.

# %% [markdown]
# ## Which recipe sharpens, which reverses?
#
# A PoLM can keep the PLM's answer and be surer of it. Or it can answer otherwise: rightly, or wrongly. Counting both is more telling than any average.

# %% mystnb={"figure": {"caption": "What became of the PLM's answers on ARC-Easy. The first two segments keep the answer; the other three have a new one. What to see: how many answers changed, and whether more of them were put right than put wrong.", "name": "fig-outcomes"}, "image": {"alt": "Stacked bars, one a recipe, of the shares of questions with the same answer and higher or lower confidence, and of those put right, put wrong, or wrong otherwise."}}
ax = plots.plot_outcomes(easy)

# %%
easy[["agreement", "sharpening", "reversed", "now right", "now wrong"]].round(3)

# %% [markdown]
# `sharpening` is the mean rise of confidence where the answer stayed. `reversed` is the share of questions on which the PoLM chose an option that the PLM held less likely than a blind guess.

# %% tags=["remove-input"]
net = easy["now right"] - easy["now wrong"]
say(
    "`{sharp}` sharpens most ({sharp_value:+.3f}); `{reverse}` reverses most ({reverse_value:.1%} of the questions). "
    "Answers put right less answers put wrong run from {net_low:+.3f} (`{worst}`) to {net_high:+.3f} (`{best}`). Of the answers that changed, {right_low:.0%} to {right_high:.0%} became right.",
    sharp=easy.sharpening.idxmax(),
    sharp_value=easy.sharpening.max(),
    reverse=easy.reversed.idxmax(),
    reverse_value=easy.reversed.max(),
    net_low=net.min(),
    worst=net.idxmin(),
    net_high=net.max(),
    best=net.idxmax(),
    right_low=(easy["now right"] / (1 - easy.agreement)).min(),
    right_high=(easy["now right"] / (1 - easy.agreement)).max(),
)

# %% [markdown]
# ## Layer by layer
#
# The paper sees two regimes: on agreement the paths through the layers stay close, on disagreement they part at one layer. One recipe showed a part of that
# [earlier](03_two_kinds_of_drift.ipynb). Do the others?

# %% mystnb={"figure": {"caption": "Divergence of PLM and PoLM by layer on ARC-Easy, median and quartiles, a panel a recipe, one scale. What to see: in which layers the two curves part, and which recipes move the paths even where both models agree.", "name": "fig-recipe-layers"}, "image": {"alt": "Seven panels, one a recipe, of the layer divergence on agreement and on disagreement."}}
axes = plots.plot_recipe_layers({p: pairs[p, main_set] for p in recipes})

# %% tags=["remove-input"]
levels = {p: [np.median(drift.layer_divergence(t)[keep], axis=0).max() for keep in (drift.agreement(t), ~drift.agreement(t))] for p, t in ((p, pairs[p, main_set]) for p in recipes)}
level = pd.DataFrame(levels, index=["agree", "disagree"]).T
say(
    "Not quite. In every recipe both curves rise in the same layers. At its highest the median on agreement is {level_low:.3f} (`{agree_least}`) to {level_high:.3f} nats (`{agree_most}`), that on disagreement "
    "{disagree_low:.3f} to {disagree_high:.3f}. So the paths move apart on agreement too, and further on disagreement.",
    level_low=level.agree.min(),
    agree_least=level.agree.idxmin(),
    level_high=level.agree.max(),
    agree_most=level.agree.idxmax(),
    disagree_low=level.disagree.min(),
    disagree_high=level.disagree.max(),
)

# %% mystnb={"figure": {"caption": "Largest jump of the divergence between neighbouring layers: median on disagreement less median on agreement, ARC-Easy, with 95 % intervals. What to see: right of zero, disagreement comes with the larger jump, as the paper says; left of zero it does not.", "name": "fig-jump"}, "image": {"alt": "Dot plot of the difference of median jumps for seven recipes with intervals."}}
ax = plots.plot_contrasts(easy, "jump", "Median jump: disagreement less agreement (nats)")

# %% tags=["remove-input"]
larger, smaller = (easy[easy.jump_low > 0].index, easy[easy.jump_high < 0].index)
say(
    "The jump is larger on disagreement for {larger}, smaller for {smaller}, and not told apart for the rest. (Whether it is also a larger *share* of the movement is [another question](03_two_kinds_of_drift.ipynb).)",
    larger=", ".join(f"`{n}`" for n in larger) or "none",
    smaller=", ".join(f"`{n}`" for n in smaller) or "none",
)

# %% [markdown]
# ## What it means for calibration
#
# Each PoLM needs its own temperature. Five splits of ARC-Easy, 30 % to fit on, as [before](04_deriving_dual_align.ipynb); `temperature-scaling` has seen labels.

# %%
methods = ("vanilla", "align-all", "daca", "dual-align", "temperature-scaling")
tables = {p: protocol.averaged(protocol.compare(pairs[p, main_set], methods, draws=100)) for p in recipes}
compared = pd.concat(tables, names=["pair", None]).reset_index(0)
temperatures = compared.pivot(index="pair", columns="method", values="temperature").loc[recipes, list(methods)]
temperatures.round(2)

# %%
errors = compared.pivot(index="pair", columns="method", values="value").loc[recipes, list(methods)]
errors.assign(floor=compared.groupby("pair").floor.mean(), spread=compared.groupby("pair").spread.max()).round(3)

# %% tags=["remove-input"]
lead = errors["daca"] - errors["dual-align"]
spread = compared.groupby("pair").spread.max().loc[recipes]
named = {name: ", ".join(f"`{p}`" for p in recipes if chosen[p]) or "none" for name, chosen in (("better", lead > spread), ("worse", lead < -spread))}
near = {m: int((errors[m] - errors["temperature-scaling"] <= 0.02).sum()) for m in ("dual-align", "daca", "align-all")}
say(
    "`spread` is the largest standard deviation over the splits. By more than that, Dual-Align's error is smaller than DACA's for {better} and larger for {worse}. Within .02 of the oracle come Dual-Align for {near_dual}, "
    "DACA for {near_daca} and align-all for {near_all} of {recipes_compared} recipes. (The oracle minimises log loss on the questions it was fitted on, not the ECE of others; so a method can fall below it.)",
    **named,
    near_dual=near["dual-align"],
    near_daca=near["daca"],
    near_all=near["align-all"],
    recipes_compared=len(errors),
)

# %% [markdown]
# ## Must the reference be a raw base, or of the same family?
#
# Often the base of a post-trained model is not public. Two experiments with **SmolLM2-135M-Instruct**, a real model that others post-trained
# (another family, 30 layers instead of 18).
#
# Both are read in the style `cloze` here, without listed options: of three styles the one in which SmolLM2 answered most questions of a development set rightly (questions of the training pool that nobody trained on).
#
# *Foreign reference.* Our PLM is the reference for SmolLM2-135M-Instruct, which shares with it neither weights nor tokenizer. Each reads the questions in its own tokens. Layers are matched by relative depth:
# layer $l$ of $f$ goes with layer $\max(1, \operatorname{round}(l L_g / L_f))$ of $g$.

# %% mystnb={"figure": {"caption": "Which layer of the 18-layer PLM each layer of the 30-layer SmolLM2 is held against. What to see: every layer has a partner at about the same relative depth, and most layers of the PLM serve twice.", "name": "fig-layer-map"}, "image": {"alt": "Steps of matched layers along the diagonal of equal relative depth."}}
foreign = {s: da.Traces.load(f"{folder}/smollm2__{s}__cloze.safetensors") for s in names}
ax = plots.plot_layer_map(foreign[main_set].plm_logits.shape[1], foreign[main_set].n_layers)

# %% [markdown]
# *Instruct model as reference.* SmolLM2-135M-Instruct itself is the reference, and the PoLM is our further post-training of it: four epochs of SFT on 400 questions.

# %%
own = {s: da.Traces.load(f"{folder}/smollm2-sft4__{s}__cloze.safetensors") for s in names}
both_kinds = {("foreign", s): t for s, t in foreign.items()} | {("instruct", s): t for s, t in own.items()}
found = protocol.both_models(both_kinds, draws=200)
found[["reference", "set"]] = pd.DataFrame(found["set"].tolist())
columns = ["n", "chance", "accuracy", "confidence", "ece", "ece_floor", "agreement"]
found.set_index(["reference", "set", "model"])[columns].round(3)

# %%
selected = {f"foreign, {main_set}": foreign[main_set], f"instruct, {main_set}": own[main_set]}
results = {n: protocol.averaged(protocol.compare(t, methods, draws=100)) for n, t in selected.items()}
reference = pd.concat(results, names=["pair", None]).reset_index(0)
reference.pivot(index="pair", columns="method", values="value")[list(methods)].round(3)

# %% tags=["remove-input"]
by = found.set_index(["reference", "set", "model"])
value = reference.set_index(["pair", "method"])["value"]
say(
    "SmolLM2-135M-Instruct answers ARC-Easy {accuracy:.1%} rightly at a mean confidence of {confidence:.2f}. With our PLM as a foreign reference Dual-Align brings its ECE from {vanilla_f:.3f} to {dual_f:.3f} "
    "(DACA {daca_f:.3f}, oracle {oracle_f:.3f}). As a reference for its own further post-training it has an ECE of {reference_ece:.3f} itself, and Dual-Align goes from {vanilla_i:.3f} to {dual_i:.3f} (DACA {daca_i:.3f}, oracle {oracle_i:.3f}). "
    "That post-training raised accuracy more than confidence on {opposite} of {all_sets} sets: SmolLM2 began over-confident, and the log loss corrects that too.",
    accuracy=by.accuracy["foreign", main_set, "PoLM"],
    confidence=by.confidence["foreign", main_set, "PoLM"],
    reference_ece=by.ece["instruct", main_set, "PLM"],
    **{f"{k}_{n[0]}": value[f"{n}, {main_set}", m] for n in ("foreign", "instruct") for k, m in (("vanilla", "vanilla"), ("daca", "daca"), ("dual", "dual-align"), ("oracle", "temperature-scaling"))},
    opposite=sum(change.inflation(t, draws=1)["inflation"].value < 0 for t in own.values()),
    all_sets=len(own),
)

# %% [markdown]
# On ARC-Easy a foreign reference served; that is the set on which it is calibrated itself. A reference that is badly calibrated served as well, but only DACA, which looks at the agreeing questions alone.
# The next table shows why.
#
# ### What the reference says where both agree
#
# DACA's temperature brings the PoLM near to the PLM's confidence on the agreeing questions. So what counts is the PLM's calibration *there*. And there it is another one: that two models agree is itself
# evidence that the answer is right, and the PLM's confidence has not seen it.

# %%
examined = {p: pairs[p, main_set] for p in recipes} | {"foreign": foreign[main_set], "instruct": own[main_set]}
where = pd.concat({n: change.by_regime(t, draws=500) for n, t in examined.items()}, names=["pair"])
where[["n", "confidence", "accuracy", "gap", "gap_low", "gap_high"]].round(3)

# %% mystnb={"figure": {"caption": "The PLM's mean confidence less its accuracy: over all questions, where the PoLM agrees with it, and where it does not, ARC-Easy, with 95 % intervals. Left of zero the PLM is under-confident. What to see: beside every pair, agreement stands left of the mean over all questions and disagreement right of it; two of the intervals reach zero.", "name": "fig-selection"}, "image": {"alt": "Dot plot of the gap between the PLM's confidence and accuracy for nine pairs, in three colours for all questions, agreement and disagreement."}}
ax = plots.plot_regime_gaps(where)

# %% tags=["remove-input"]
gap = where.gap.unstack()
relatives = gap.loc[recipes]
say(
    "`gap` is the PLM's mean confidence less its accuracy. For the PLM of this book it is {everywhere:+.3f} over all questions; beside our recipes it is {agree_low:+.3f} to {agree_high:+.3f} where the models agree, and "
    "{other_low:+.3f} to {other_high:+.3f} where they do not. SmolLM2 as its own reference is over-confident by {instruct:+.3f} over all questions, but by only {instruct_agree:+.3f} on agreement. "
    "DACA's temperature is above the oracle's for {daca_above} of {recipes_beside} recipes.",
    **{f"{n}_{e}": getattr(relatives[c], f)() for n, c in (("agree", "agree"), ("other", "disagree")) for e, f in (("low", "min"), ("high", "max"))},
    everywhere=relatives.loc[recipes[0], "all"],
    instruct=gap.loc["instruct", "all"],
    instruct_agree=gap.loc["instruct", "agree"],
    daca_above=int((temperatures["daca"] > temperatures["temperature-scaling"]).sum()),
    recipes_beside=len(recipes),
)

# %% [markdown]
# Here the PLM, calibrated on average, is under-confident on agreement and over-confident on disagreement. That pushes DACA's temperature up. Dropping the disagreements, on which a PoLM is most over-confident,
# pushes it down: the [next page](07_world.ipynb) takes the two apart. Here the first force won for nearly all recipes. An over-confident reference can profit, because its error and that of agreement have opposite
# signs. That is luck, and no label-free check can tell it from skill.

# %% [markdown]
# ## What this page does not show
#
# - **Scale.** One base of 270 million parameters, and one of 135 million. Larger models may be better calibrated before post-training, and may drift otherwise.
# - **The recipes at their best.** Each was run once, with one seed and one setting, on 1,200 questions. A smaller rate or a stronger pull to the start (a larger $\beta$, a KL term) should sharpen less.
#   The ranking of recipes is a fact about these runs, not about SFT, DPO or RLVR.
# - **Long answers.** Every answer here is one token. In generated text, confidence has other places to go.
# - **A PLM that was born calibrated.** Ours was made nearly so by one pass and one fitted number, and only on sets like those of the pass ([how](02_reliability.ipynb)).
# - **The causes.** The layer-wise figures show where two models differ, read through one lens. They do not say why.
#
# ## Summary
#
# - Check the premise first. It holds on few sets here, and where it fails, aligning copies the fault.
# - From our PLM, nearly every recipe raised confidence more than accuracy on every set. From an over-confident start SFT did the reverse. A loss that is not proper asks for more confidence than the evidence gives.
# - Sharpening and changing answers are different things: `sft1` and `sft1-full` sharpen alike, and one of them reverses far more answers.
# - A reference is as good as its calibration *on the questions it is copied on*, whatever its family. Agreement selects questions, and selection shifts calibration.
#
# **Next:** [a world where the truth is known](07_world.ipynb).
#
# ```{exercise}
# :label: ex-proper
# A question has two options, and the evidence supports the first with probability 0.7. Which $p_f$ minimises the expected loss of SFT, and which that of RLVR?
# ```
#
# ```{solution} ex-proper
# :class: dropdown
# SFT: $-0.7 \ln p - 0.3 \ln(1 - p)$ has its minimum at $p = 0.7$. RLVR: $-(0.7 p + 0.3 (1 - p)) = -0.3 - 0.4 p$ falls up to $p = 1$: certainty, although the answer is wrong three times in ten.
# ```
