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
# Mira can still choose how her model is post-trained: let it imitate good answers, let it prefer one answer over another, or reward it for right ones. Do all of them make it too sure? Which of them changes answers?
# And if a vendor keeps the base model to himself, what else can serve as the PLM?
#
# This page takes one PLM, post-trains it in seven ways on the same 1,200 questions, and looks.
#
# | You need | [Calibration](02_reliability.ipynb), [Two kinds of drift](03_two_kinds_of_drift.ipynb), [Deriving Dual-Align](04_deriving_dual_align.ipynb) |
# |---|---|
# | **Helpful** | having trained a model once |
# | **Time** | 30 minutes |
#
# **You will be able to** say what a training loss asks of a model's confidence, separate sharper confidence from changed answers, compare recipes by intervals, and judge whether another model may stand in for the PLM.

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
from dualalign import change, course, drift, metrics, plots, protocol
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
recipes = ["sft1", "sft4", "sft1-full", "dpo", "rlvr", "sft1-dpo", "sft1-dpo-rlvr"]
chain = ["sft1", "sft1-dpo", "sft1-dpo-rlvr"]
main_set = "arc-easy"
me = "reader"

# %% [markdown]
# ## Three ways to post-train
#
# Our models read a question and answer with one word. So every loss fits on one line. Let $p_f$ be the model's probability
# of a word, $y$ the right option, $y^-$ a wrong one, and $p_0$ the model that the training starts from:
#
# | recipe | loss of one question |
# |---|---|
# | **SFT**, supervised fine-tuning: imitate the right answer | $-\ln p_f(y)$, over the whole vocabulary |
# | **DPO** {cite:p}`rafailov2023dpo`, direct preference optimisation: prefer the right answer to a wrong one | $-\ln \sigma\!\left(\beta \left[\ln \frac{p_f(y)}{p_f(y^-)} - \ln \frac{p_0(y)}{p_0(y^-)}\right]\right)$ |
# | **RLVR**, reinforcement learning with a reward that can be verified: 1 for the right option | $-p_f(y)$, softmax over the $K$ options |
#
# ($\sigma$ is the logistic function. RLVR is usually run on groups of sampled answers, as in GRPO {cite:p}`shao2024grpo`. With $K$ options the expected reward can be computed exactly, and we do that. No advantage is scaled, and no penalty for leaving $p_0$ is added. All three are in `dualalign/lab/losses.py`.)
#
# ### What does a loss ask for?
#
# Suppose the evidence in a question with two options says that the first is right with probability $\pi$, and no one can know more. An honest model says $\pi$. Which $p$ makes each expected loss smallest?
#
# - SFT: $-\pi \ln p - (1 - \pi) \ln (1 - p)$ is smallest at $p = \pi$. A loss with this property is called *proper*: it rewards honesty.
# - RLVR: $-\pi p - (1 - \pi)(1 - p)$ is a straight line in $p$. If $\pi > \frac12$ it is lowest at $p = 1$: certainty.
# - DPO: its loss is the log loss of a model whose log-odds are $\beta$ times what $p$ has moved from $p_0$. So it is smallest where $\beta\,[\operatorname{logit}(p) - \operatorname{logit}(p_0)] = \operatorname{logit}(\pi)$, with $\operatorname{logit}(p) = \ln \frac{p}{1 - p}$. With $\beta = 0.1$, ours, the evidence is counted ten times over.
#
# The check, with $\pi = 0.7$ and a start at 0.5: try every $p$ and take the best.

# %%
from scipy.special import expit, log_expit

grid = np.linspace(-12, 12, 24001)  # log-odds of the first option, tried one by one
evidence, beta = 0.7, 0.1
losses = {
    "SFT": -evidence * log_expit(grid) - (1 - evidence) * log_expit(-grid),
    "DPO": -evidence * log_expit(beta * grid) - (1 - evidence) * log_expit(-beta * grid),
    "RLVR": -evidence * expit(grid) - (1 - evidence) * expit(-grid),
}
formula = {"SFT": 0.7, "DPO": expit(np.log(0.7 / 0.3) / beta), "RLVR": 1.0}
pd.DataFrame({"best p tried": {n: expit(grid[v.argmin()]) for n, v in losses.items()}, "formula": formula}).round(4)

# %% [markdown]
# So before any training one may guess: DPO and RLVR will make the model surer than the evidence, and SFT will do it only by showing the same questions again, until the model knows them by heart.
#
# ## Seven runs
#
# All start from the PLM of this book, or from the recipe named under `start`: `sft1-dpo-rlvr` is a chain of three. `full` trains nearly all weights; the
# others leave the weights alone and learn a small correction to them (**LoRA**, of rank 16). DPO's wrong option is drawn at random, once for each question.
# The 1,200 questions are among those that the PLM saw in its own pass. So even `sft1`, which sees each once, sees it for the second time.

# %%
runs = {name: json.loads(Path(folder, f"../adapters/{name}/run.json").read_text()) for name in recipes}
columns = ["start", "method", "full", "epochs", "learning_rate", "seed"]
table = pd.DataFrame({name: {c: run["recipe"].get(c) for c in columns} for name, run in runs.items()}).T
table = table.fillna({"method": "sft", "full": False})
table.assign(questions=[r["questions"] for r in runs.values()], minutes=[round(r["seconds"] / 60, 1) for r in runs.values()])

# %% [markdown]
# The number of epochs differs, and so does the learning rate of full fine-tuning. So this table cannot separate what a recipe does from what repetition does. The [next page](07_world.ipynb) separates them.
#
# How sure was each model of its own questions as they streamed by, and how often was it right? Means over the first and the last fifth of each run:

# %%
curves = {name: pd.DataFrame(run["curve"])[["confidence", "accuracy"]] for name, run in runs.items()}
fifth = {name: len(curve) // 5 for name, curve in curves.items()}
ends = {"first fifth": {n: c.head(fifth[n]).mean() for n, c in curves.items()}, "last fifth": {n: c.tail(fifth[n]).mean() for n, c in curves.items()}}
pd.concat({when: pd.DataFrame(means).T for when, means in ends.items()}, axis=1).round(3)

# %% [markdown]
# `sft4` ends by knowing its questions by heart. In `sft1-dpo` and `sft1-dpo-rlvr` the accuracy falls: probably the first questions of a stage are still remembered from the stage before, and by its end that memory is overwritten.
#
# ## Is the PLM calibrated?
#
# Whatever a recipe does, a method without labels can only undo it towards the PLM. [Chapter 2](02_reliability.ipynb) checked the PLM; here is the same check as a picture, over all sets and prompt styles.

# %%
styles = ("choices", "letters", "cloze")
files = [f for s in styles for f in sorted(Path(folder).glob(f"sft4__*__{s}.safetensors"))]
sets = {" · ".join(f.stem.split("__")[1:]): da.Traces.load(f) for f in files}
premise = protocol.both_models(sets, draws=300).query("model == 'PLM'")
premise = premise.assign(above_chance=premise.accuracy - premise.chance, excess=premise.ece - premise.ece_floor)

# %% mystnb={"figure": {"caption": "The premise, set by set: ECE of the PLM before any post-training, with a 95 % interval; the grey bar is the noise floor. Open dots: an error this high is not rare for a calibrated model (p at least 0.05). What to see: few dots lie on or left of their grey bar, and two of those, in letters, belong to a PLM that knows next to nothing.", "name": "fig-premise"}, "image": {"alt": "Calibration error of the PLM for {total} combinations of question set and prompt style, each with interval and noise floor. On {held} of them the PLM is well above chance and near its noise floor."}}
ax = plots.plot_premise(premise)

# %% tags=["remove-input"]
holds = premise[(premise.excess <= 0.04) & (premise.above_chance >= 0.10)]
chance = premise[premise.above_chance < 0.05]
say(
    "Of {total} combinations, the PLM is both at least ten points above chance and within 0.04 of its noise floor on **{held}**: {names}. We say there that **the premise holds**. "
    "In {blind} it is less than five points above chance; there it knows next to nothing.",
    total=len(premise),
    held=len(holds),
    names=", ".join(holds["set"]) or "none",
    blind=len(chance),
)

# %% [markdown]
# All that follows is in the style `choices`, in which the PLM was mostly trained, up to the section on other references.

# %% [markdown]
# ## Does post-training inflate confidence?
#
# First the ECE of every model on every set:

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
# The last two columns hold a row's mean noise floor and half the width of its mean 95 % interval. (On MedMCQA, all but `sft4` were asked a random thousand of the questions, less those that `choices` cannot read.)
#
# Did these models become surer, or worse at answering? The ECE does not say which.

# %% mystnb={"figure": {"caption": "Accuracy and mean confidence of the PLM (circle) and of its seven post-trained versions, a panel a set. On the dotted diagonal the mean confidence equals the accuracy. What to see: the lines go up, and hardly to either side.", "name": "fig-shift"}, "image": {"alt": "Panels, one a question set, with accuracy on the horizontal and mean confidence on the vertical axis. From the PLM to a post-trained version the confidence rises by up to {rise_most:.2f}; the accuracy moves by {accuracy_low:+.2f} to {accuracy_high:+.2f}."}}
axes = plots.plot_shift(both)

# %% [markdown]
# For each question take the rise of confidence less the rise of correctness. Its mean is the **inflation**. Both models answer the same questions, so its interval is that of a paired difference.

# %%
changed = {s: change.of_pairs({p: pairs[p, s] for p in recipes}, draws=500) for s in names}
easy = changed[main_set]
easy[["n", "confidence", "accuracy", "inflation", "inflation_low", "inflation_high"]].round(3)

# %% mystnb={"figure": {"caption": "Inflation on ARC-Easy, from the PLM to each PoLM, with 95 % intervals. What to see: every recipe inflates; whatever ends with DPO does so most, one epoch of SFT least.", "name": "fig-inflation"}, "image": {"alt": "Inflation of confidence for seven recipes with intervals, all right of zero: from {easy_least:.2f} to {easy_most:.2f} on ARC-Easy."}}
glue("easy_least", easy.inflation.min())
glue("easy_most", easy.inflation.max())
ax = plots.plot_contrasts(easy, "inflation", "Rise of confidence less rise of accuracy")

# %% tags=["remove-input"]
everywhere = pd.concat(changed, names=["set"])
above = everywhere[everywhere.inflation_low > 0]
mean_inflation = everywhere.groupby("pair").inflation.mean()
say(
    "On all sets: in {above} of {combinations} combinations of recipe and set the interval lies above zero (not in: {below}). Averaged over the sets, `{most}` inflates most ({most_value:+.3f}) and `{least}` least ({least_value:+.3f}). "
    "Confidence rose by up to {rise_most:.3f}; accuracy moved by {accuracy_low:+.3f} to {accuracy_high:+.3f}. That is the direction which the losses foretold.",
    above=len(above),
    below=", ".join(f"`{pair}` on {name}" for name, pair in everywhere.index.difference(above.index)) or "none",
    combinations=len(everywhere),
    **dict(most=mean_inflation.idxmax(), most_value=mean_inflation.max(), least=mean_inflation.idxmin(), least_value=mean_inflation.min()),
    accuracy_low=everywhere.accuracy.min(),
    accuracy_high=everywhere.accuracy.max(),
    rise_most=everywhere.confidence.max(),
)

# %% [markdown]
# ## Along the chain
#
# Models in use are post-trained in stages. Ours: one epoch of SFT, then DPO, then RLVR. At which stage is calibration lost?

# %% mystnb={"figure": {"caption": "Reliability on ARC-Easy along the chain, from the PLM to the last stage. What to see: the dots leave the diagonal with SFT, drop far below it with DPO, and come back a little with RLVR.", "name": "fig-chain"}, "image": {"alt": "Four reliability diagrams in a row, PLM, SFT, DPO and RLVR, with calibration errors of {path}."}}
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
# Why does a reward lower confidence here, when it asks for certainty? On a question where the model's favourite is wrong, the reward moves probability away from it. DPO left the model sure of many wrong options, so there was much to move. That may be the reason; we did not test it.

# %% [markdown]
# ## Surer, or different?
#
# A PoLM can keep the PLM's answer and be surer of it. Or it can answer otherwise, rightly or wrongly. A mean confidence does not tell these apart; counting does.

# %% mystnb={"figure": {"caption": "What became of the PLM's answers on ARC-Easy. The first two segments keep the answer; the other three have a new one. What to see: every recipe changes a quarter of the answers or more, and puts about as many wrong as right.", "name": "fig-outcomes"}, "image": {"alt": "Stacked bars, one a recipe. Answers put right less answers put wrong run from {net_low:+.3f} to {net_high:+.3f} of all questions; of the answers that changed, {right_low:.0%} to {right_high:.0%} became right."}}
ax = plots.plot_outcomes(easy)

# %%
easy[["agreement", "sharpening", "reversed", "now right", "now wrong"]].round(3)

# %% [markdown]
# `agreement` is the share of answers that stayed, `sharpening` their mean rise of confidence. `reversed` is the share of questions on which the PoLM chose an option that the PLM held less likely than a blind guess.

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
# According to the paper, the models stay close through the layers where they agree, and part at one layer where they disagree. [Chapter 3](03_two_kinds_of_drift.ipynb) saw little of that in `sft4`. And in the others?

# %% mystnb={"figure": {"caption": "Divergence of PLM and PoLM by layer on ARC-Easy, median and quartiles, a panel a recipe, one scale. What to see: both curves rise in the same layers, in every recipe; the surer a recipe makes the model, the more the two part even where they agree.", "name": "fig-recipe-layers"}, "image": {"alt": "Seven panels, one a recipe, of the layer divergence. At its highest the median on agreement is {level_low:.2f} to {level_high:.2f} nats, that on disagreement {disagree_low:.2f} to {disagree_high:.2f}; both rise in the same layers."}}
axes = plots.plot_recipe_layers({p: pairs[p, main_set] for p in recipes})

# %% tags=["remove-input"]
levels = {p: [np.median(drift.layer_divergence(t)[keep], axis=0).max() for keep in (drift.agreement(t), ~drift.agreement(t))] for p, t in ((p, pairs[p, main_set]) for p in recipes)}
level = pd.DataFrame(levels, index=["agree", "disagree"]).T
say(
    "At its highest the median on agreement is {level_low:.3f} (`{agree_least}`) to {level_high:.3f} nats (`{agree_most}`), that on disagreement "
    "{disagree_low:.3f} to {disagree_high:.3f}.",
    level_low=level.agree.min(),
    agree_least=level.agree.idxmin(),
    level_high=level.agree.max(),
    agree_most=level.agree.idxmax(),
    disagree_low=level.disagree.min(),
    disagree_high=level.disagree.max(),
)

# %% mystnb={"figure": {"caption": "Largest jump of the divergence between neighbouring layers: median on disagreement less median on agreement, ARC-Easy, with 95 % intervals. What to see: right of zero, disagreement comes with the larger jump, as the paper says; the differences are small beside the divergences above.", "name": "fig-jump"}, "image": {"alt": "Difference of median jumps for seven recipes with intervals: from {jump_least:.3f} to {jump_most:.3f} nats. For {n_larger} of them the interval lies above zero."}}
glue("jump_least", easy.jump.min())
glue("jump_most", easy.jump.max())
glue("n_larger", int((easy.jump_low > 0).sum()))
ax = plots.plot_contrasts(easy, "jump", "Median jump: disagreement less agreement (nats)")

# %% tags=["remove-input"]
larger, smaller = (easy[easy.jump_low > 0].index, easy[easy.jump_high < 0].index)
say(
    "The jump is larger on disagreement for {larger}, smaller for {smaller}, and not told apart for the rest. (Whether it is also a larger *share* of the movement is [another question](03_two_kinds_of_drift.ipynb).)",
    larger=", ".join(f"`{n}`" for n in larger) or "none",
    smaller=", ".join(f"`{n}`" for n in smaller) or "none",
)

# %% [markdown]
# ## Which temperature does each need?
#
# Five splits of ARC-Easy, 30 % to fit on, as [before](04_deriving_dual_align.ipynb). First the temperatures, then the ECE on held-out questions; `temperature-scaling` is the oracle.

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
    "`spread` is the largest standard deviation over the splits. By more than that, Dual-Align's error is smaller than DACA's for {better} and larger for {worse}. Within 0.02 of the oracle come Dual-Align for {near_dual}, "
    "DACA for {near_daca} and align-all for {near_all} of {recipes_compared} recipes. (The oracle has the lowest log loss on the questions fitted on, not the lowest ECE on others; so a method can fall below it.)",
    **named,
    near_dual=near["dual-align"],
    near_daca=near["daca"],
    near_all=near["align-all"],
    recipes_compared=len(errors),
)

# %% [markdown]
# ## Can another model stand in for the PLM?
#
# Often the base of a post-trained model is not to be had. Two experiments with **SmolLM2-135M-Instruct**, a model that others made and post-trained: another family, with 30 layers instead of 18. ([Chapter 15](15_foreign_references.ipynb) has more.)
# Both are read in the style `cloze`, in which SmolLM2 did best on development questions.
#
# *A stranger as reference.* Our PLM stands in for SmolLM2's own base. The two share neither weights nor vocabulary; each reads the questions in its own tokens. Which layers are to be compared? We match them by relative depth:
# layer $l$ of SmolLM2, with its $L_f = 30$ layers, goes with layer $\max(1, \operatorname{round}(l L_g / L_f))$ of the PLM, with $L_g = 18$.

# %% mystnb={"figure": {"caption": "Which layer of the PLM each layer of SmolLM2 is held against. What to see: every layer has a partner at about the same relative depth, and most layers of the PLM serve twice.", "name": "fig-layer-map"}, "image": {"alt": "Dots along the diagonal of equal relative depth: {layers_f} layers of SmolLM2 matched with {layers_g} of the PLM."}}
foreign = {s: da.Traces.load(f"{folder}/smollm2__{s}__cloze.safetensors") for s in names}
glue("layers_g", foreign[main_set].plm_logits.shape[1])
glue("layers_f", foreign[main_set].n_layers)
ax = plots.plot_layer_map(foreign[main_set].plm_logits.shape[1], foreign[main_set].n_layers)

# %% [markdown]
# *A post-trained model as reference.* SmolLM2-135M-Instruct itself is the reference, and the PoLM is our further post-training of it: four epochs of SFT on 400 questions.

# %%
own = {s: da.Traces.load(f"{folder}/smollm2-sft4__{s}__cloze.safetensors") for s in names}
both_kinds = {("foreign", s): t for s, t in foreign.items()} | {("instruct", s): t for s, t in own.items()}
found = protocol.both_models(both_kinds, draws=200)
found[["reference", "set"]] = pd.DataFrame(found["set"].tolist())
by = found.set_index(["reference", "set", "model"])
by[["accuracy", "confidence", "ece"]].unstack("model").round(2)

# %% [markdown]
# (Under `foreign` the PLM is ours and the PoLM is SmolLM2. Under `instruct` the PLM is SmolLM2 and the PoLM is what we made of it.) How well does each reference serve on ARC-Easy?

# %%
selected = {f"foreign, {main_set}": foreign[main_set], f"instruct, {main_set}": own[main_set]}
results = {n: protocol.averaged(protocol.compare(t, methods, draws=100)) for n, t in selected.items()}
reference = pd.concat(results, names=["pair", None]).reset_index(0)
reference.pivot(index="pair", columns="method", values="value")[list(methods)].round(3)

# %% tags=["remove-input"]
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
# On ARC-Easy a stranger served; on that set and in this style it is calibrated itself. A badly calibrated reference served DACA, which looks at the agreeing questions alone, and Dual-Align less; align-all made things worse. Why?
#
# ### What the reference says where both agree
#
# DACA brings the PoLM near to the PLM's confidence on the agreeing questions. So what counts is the PLM's calibration *there*, and there it is another one. That two models agree is itself
# evidence that the answer is right, and the PLM's confidence has not seen that evidence. Below, `gap` is the PLM's mean confidence less its accuracy.

# %%
examined = {p: pairs[p, main_set] for p in recipes} | {"foreign": foreign[main_set], "instruct": own[main_set]}
where = pd.concat({n: change.by_regime(t, draws=500) for n, t in examined.items()}, names=["pair"])
where[["n", "confidence", "accuracy", "gap", "gap_low", "gap_high"]].round(3)

# %% mystnb={"figure": {"caption": "The reference's mean confidence less its accuracy: over all questions, where the PoLM agrees with it, and where it does not, ARC-Easy, with 95 % intervals. Left of zero the reference is under-confident. What to see: in every row agreement stands left of the mean over all questions and disagreement right of it.", "name": "fig-selection"}, "image": {"alt": "Gap between the reference's confidence and accuracy for nine pairs. Beside our recipes it is {agree_low:+.2f} to {agree_high:+.2f} where the models agree and {other_low:+.2f} to {other_high:+.2f} where they do not."}}
ax = plots.plot_regime_gaps(where)

# %% tags=["remove-input"]
gap = where.gap.unstack()
relatives = gap.loc[recipes]
say(
    "For the PLM of this book the gap is {everywhere:+.3f} over all questions; beside our recipes it is {agree_low:+.3f} to {agree_high:+.3f} where the models agree, and "
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
# So two forces act on DACA's temperature. The PLM, calibrated on average, is too modest where the models agree, and that pushes the temperature up. Dropping the disagreements, on which a PoLM is most over-confident,
# pushes it down. Here the first force won for nearly all recipes; the [next page](07_world.ipynb) takes the two apart. And an over-confident reference can profit: its own error and that of agreement have opposite
# signs. That is luck, and no check without labels can tell it from skill.
#
# Mira now knows that her trouble is not one recipe's: each of the seven makes a model surer, and two of the three losses ask for it. She also knows what to ask of a stand-in: is *it* calibrated on my questions?

# %% [markdown]
# ## What this page does not show
#
# - **Scale.** One base of 270 million parameters, and one model of 135 million. Larger ones may be better calibrated before post-training, and may drift otherwise.
# - **The recipes at their best.** Each was run once, with one seed and one setting, on 1,200 questions. A smaller rate or a stronger pull to the start (a larger $\beta$, a KL term) should sharpen less.
#   The ranking of recipes is a fact about these runs, not about SFT, DPO or RLVR.
# - **Long answers.** Every answer here is one token. In generated text, confidence has other places to go.
# - **A PLM that was born calibrated.** Ours was made nearly so by one pass and one fitted number, and only on sets like those of the pass ([how](02_reliability.ipynb)).
# - **Causes.** The losses say what a training asks for, the figures what came of it. Whether the one caused the other was not tested.
#
# ## Summary
#
# - Log loss rewards honesty; a reward asks for certainty, and DPO counts the evidence $1/\beta$ times. From our PLM every recipe raised confidence more than accuracy.
# - Surer and different are two things: `sft1` and `sft1-full` sharpen alike, and the second changes far more answers.
# - The premise holds on few sets here. Where it fails, what comes of aligning depends on the method: beside SmolLM2, DACA served and align-all did harm.
# - A reference is as good as its calibration *on the questions it is copied on*, whatever its family. Agreement selects questions, and selection shifts calibration.
#
# **Next:** [a world where the truth is known](07_world.ipynb).
#
# ```{exercise} What does each loss ask for?
# :label: ex-proper
# A question has two options, and the evidence supports the first with probability `pi`. The model gives it `start` before training. Which probability of the first option minimises the expected loss of SFT, of DPO with `beta`, and of RLVR? A list of three, in this order; three decimals.
# ```

# %%
task = course.task("proper", me)
task

# %% [markdown]
# ```{solution-start} ex-proper
# :class: dropdown
# ```

# %% tags=["solution"]
def log_odds(p):
    return np.log(p / (1 - p))


dpo = expit(log_odds(task.start) + log_odds(task.pi) / task.beta)
print(round(dpo, 3))
task.check([task.pi, dpo, 1.0])

# %% [markdown] tags=["solution"]
# SFT asks for the evidence. RLVR's loss is a straight line in $p$, lowest at 1. DPO moves the log-odds from where they start by $\operatorname{logit}(\pi)/\beta$; only with $\beta = 1$ and a start at one half would that be $\pi$.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The other side of agreement
# :label: ex-selection
# On a share `agreement` of the questions two models agree. There the PLM's mean confidence less its accuracy is `gap_agree`; over all questions it is `gap_all`. What is it where they disagree? One number, three decimals.
# ```

# %%
task = course.task("selection", me)
task

# %% [markdown]
# ```{solution-start} ex-selection
# :class: dropdown
# ```

# %% tags=["solution"]
rest = 1 - task.agreement
answer = (task.gap_all - task.agreement * task.gap_agree) / rest
print(round(answer, 3))
task.check(answer)

# %% [markdown] tags=["solution"]
# The two gaps, each weighted by its share, make the gap of all questions. So a PLM that is calibrated on average and too modest on agreement *must* be over-confident on disagreement, the more the fewer the disagreements are.

# %% [markdown]
# ```{solution-end}
# ```
