# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the reviewers asked
#
# Before she relies on a method, Mira shows it to four colleagues. Each asks one thing.
#
# - Why should inner layers matter, if only the last one is scaled?
# - What does weighting buy over sorting?
# - Must all drift be undone? The post-training was paid for.
# - Are the two regimes seen anywhere else?
#
# The reviewers of Dual-Align asked the same, and its paper leaves the answers open. These four can be tried on our traces and in the controlled world.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [A world where the truth is known](07_world.ipynb) |
# |---|---|
# | **Helpful** | [which open readings matter](09_readings.ipynb) |
# | **Time** | 20 minutes |
#
# **You will be able to** derive when inner layers measure what the last layer needs, test it on a pair, and say what a temperature can and cannot keep.
#
# Question D, on generated text and other positions in the prompt, has [a page of its own](18_at_generation.ipynb).

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
from dualalign import course, drift, inner, plots, protocol
from dualalign.book import glue, say
from dualalign.experiments import table
from dualalign.lab.world import STUDIES, measure
from dualalign.lab.world.run import Run

# %% tags=["parameters"]
folder = "../data/traces"
results = "../data/results"
question_set = "arc-easy"
me = "reader"
pairs = {"sft1": "choices", "sft4": "choices", "sft1-full": "choices", "dpo": "choices", "rlvr": "choices", "sft1-dpo": "choices", "sft1-dpo-rlvr": "choices", "smollm2": "cloze"}

# %% [markdown]
# ## A. Why should inner layers help, when only the last one is scaled?
#
# The process loss compares entropies of inner layers. But the temperature that it finds divides the last layer's logits alone. Is that not a mismatch?
#
# There is one case in which it is none. Suppose post-training multiplied the logits of every layer from the [peak layer](04_deriving_dual_align.ipynb) $l^*$ on by the same factor $a$: $z_f^l = a\, z_g^l$. Then at $\tau = a$

# %% [markdown]
# $$
# H\big(\operatorname{softmax}(z_f^l / a)\big) = H\big(\operatorname{softmax}(z_g^l)\big) \quad \text{for every } l \ge l^*,
# $$ (eq-one-factor)

# %% [markdown]
# so the process loss is zero, and $a$ is also what the last layer needs. Inner layers are then more measurements of one number. That is worth having when questions are few.
#
# Is it so? Take a pair, replace the PoLM's logits by three times the PLM's, at every layer:

# %%
own = da.Traces.load(f"{folder}/sft4__{question_set}__choices.safetensors")
tripled = da.Traces(own.plm_logits, 3 * own.plm_logits, own.labels, own.n_options, own.question_ids)
made = da.ProcessOnly(weight=0.0).fit(tripled)  # weight 0: every question counts the same
print(f"T = {made.temperature_:.4f}, process loss {made.objective_:.1e}")

# %% [markdown]
# If the factor differs from layer to layer, the process loss settles on a compromise, and the last layer gets a share of the others' factor.
#
# That can be tested. For each layer there is one temperature $T_l$ at which the PoLM's mean entropy is the PLM's. If the reasoning holds, these should be equal from the middle on.

# %% mystnb={"figure": {"caption": "The factor by which post-training scaled the logits, layer by layer: the temperature at which the PoLM's mean entropy at a layer is that of the PLM's matched layer. The large mark is the last layer; grey crosses: the foreign reference. What to see: on the pairs of one family the first layers stay near 1, and the last layer was scaled more than any before it. With the foreign reference it is the other way round.", "name": "fig-factors"}, "image": {"alt": "Lines of the layer temperature over relative depth for eight pairs. On the pairs of one family they start near 1, rise from the middle on, and jump at the last layer: from {before_low:.1f} to {before_high:.1f} at the layer before it to {end_low:.1f} to {end_high:.1f}. The foreign reference is highest inside, at {foreign_most:.1f}, and ends at {foreign_end:.1f}."}}
traces = {p: da.Traces.load(f"{folder}/{p}__{question_set}__{s}.safetensors") for p, s in pairs.items()}
factors = {p: inner.layer_temperatures(t) for p, t in traces.items()}
for name, layer in {"before": -2, "end": -1}.items():
    at = [f[layer] for p, f in factors.items() if p != "smollm2"]
    glue(f"{name}_low", min(at)), glue(f"{name}_high", max(at))
glue("foreign_most", max(factors["smollm2"]))
glue("foreign_end", factors["smollm2"][-1])
ax = plots.plot_layer_temperatures(factors)

# %%
process = da.ProcessOnly(weight=0.0)
views = {"all layers": lambda t: t, "last layer": inner.last_layer_only, "inner layers": inner.inner_layers_only}
found = {p: {name: process.fit(view(t)).temperature_ for name, view in views.items()} for p, t in traces.items()}
temperatures = pd.DataFrame(found).T
temperatures["daca"] = [da.DACA().fit(t).temperature_ for t in traces.values()]
temperatures["oracle"] = [da.TemperatureScaling().fit(t).temperature_ for t in traces.values()]
temperatures.round(2)

# %% [markdown]
# The first three columns are the process loss alone, every question counting the same: as it is, as if the last layer were the only one, and as if it were not there. They differ a little from the figure, for the loss compares entropies question by question and the figure their means.
#
# The oracle here has seen the labels of the same questions.

# %% tags=["remove-input"]
own = temperatures.drop(index="smollm2")
above = {m: int((own[m] > own["oracle"]).sum()) for m in ("last layer", "daca", "all layers")}

# %% tags=["remove-input"]
say(
    "The factors are not equal. On the {n} pairs of one family:\n\n"
    "- The last layer alone asks for {last_low:.1f} to {last_high:.1f}, the inner layers for {inner_low:.1f} to {inner_high:.1f}.\n"
    "- So the inner layers pull the temperature *down*, by {ratio:.0%} on average from the second column to the first.\n"
    "- The last layer alone overshoots the oracle on {over} pairs, and DACA on {over_daca}. All layers together fall short of it on {under_all}.\n\n"
    "So where inner layers help here, two errors oppose each other. They do not measure the same thing.",
    n=len(own),
    last_low=own["last layer"].min(),
    last_high=own["last layer"].max(),
    inner_low=own["inner layers"].min(),
    inner_high=own["inner layers"].max(),
    ratio=float(1 - np.exp(np.log(own["all layers"] / own["last layer"]).mean())),
    **dict(over=above["last layer"], over_daca=above["daca"], under_all=len(own) - above["all layers"]),
)

# %% [markdown]
# ## B. What does weighting buy over sorting?
#
# Dual-Align weighs both losses for every question, by how far the two models' answers are apart. The simpler rule sorts: confidence alignment on agreement, process alignment on disagreement. That is `weight="hard"`. What does it cost?
#
# Below, by pair: the held-out ECE and Brier score of sorting less those of weighting, means over the sets and five splits. `better` and `worse` count the sets on which sorting's ECE is clearly lower or higher (paired bootstrap, Holm's correction over all pairs and sets).

# %%
rows = table.load(f"{results}/table", ["ablation"])
rows = rows[(rows.reading == "weight=hard") & (rows.seed == -1)]
hard = rows.pivot_table(index=["pair", "set"], columns="metric", values="value")
hard["holm"] = protocol.holm(hard["ece_minus_p"])
hard["better"], hard["worse"] = ((hard.holm < 0.05) & (sign * hard.ece_minus < 0) for sign in (1, -1))
columns = {"sets": ("holm", "size"), "ece": ("ece_minus", "mean"), "brier": ("brier_minus", "mean"), "better": ("better", "sum"), "worse": ("worse", "sum")}
of_pair = hard.groupby("pair").agg(**columns).sort_values("ece")
of_pair.round(3)

# %% tags=["remove-input"]
say(
    "Of {n_sorted} settings, sorting is clearly better on {better} and clearly worse on {worse}. On average it changes the ECE by {mean:+.3f}, most on `{most_pair}`. {verdict}",
    n_sorted=len(hard),
    better=int(hard.better.sum()),
    worse=int(hard.worse.sum()),
    mean=hard.ece_minus.mean(),
    most_pair=of_pair.ece.abs().idxmax(),
    verdict="So the weighting buys little on these pairs." if abs(hard.ece_minus.mean()) < 0.005 else "So the choice matters on these pairs, and how much depends on the pair.",
)

# %% [markdown]
# ## C. Which drift should be kept?
#
# Post-training is *meant* to change a model. A method that undoes all drift would undo that too. In the controlled world wanted and unwanted drift are known: in `mixed`, a quarter of the topics were given real knowledge (*told*), a
# quarter false beliefs (*reversed*). Each kind of topic has a [true temperature](07_world.ipynb) of its own. `loss` is what remains at that temperature: the mean cross-entropy to the true probabilities, in nats.

# %%
run = Run.load(f"{results}/world_seed0.safetensors")
study = STUDIES["mixed-sft"]
mixed, pi = run.traces(study), run.pi[study.questions]
kinds, agree = np.array(mixed.groups), drift.agreement(mixed)
parts = {"all": np.ones(len(mixed), bool)} | {k: kinds == k for k in ("told", "reversed", "plain")} | {"agree": agree, "disagree": ~agree}
best = {name: measure.true_optimum(mixed.polm_final[rows], pi[rows]) for name, rows in parts.items()}
pd.DataFrame({name: {"questions": parts[name].sum(), "true T": b.temperature, "loss": b.objective} for name, b in best.items()}).T.round(3)

# %% tags=["remove-input"]
share = {name: rows.mean() for name, rows in parts.items()}
by_kind = sum(share[k] * best[k].objective for k in ("told", "reversed", "plain"))
by_regime = sum(share[k] * best[k].objective for k in ("agree", "disagree"))
say(
    "One true temperature for all costs {one:.3f} nats a question. One for each kind of topic would bring that to {by_kind:.3f}. One for agreeing and one for disagreeing questions brings it to {by_regime:.3f}, and that sorting needs no label.",
    one=best["all"].objective,
    by_kind=by_kind,
    by_regime=by_regime,
)

# %% [markdown]
# That is the answer of this world. A temperature keeps every answer, wanted or not. It only changes how sure the model is of all of them together. What should be kept is a matter of *answers*: to be less sure of the false ones, a method must tell them from the true ones.
#
# A temperature for each regime is the simplest such method. Would it help in other worlds too?

# %%
worlds = {}
for name in ("sharpen-sft", "added-sft", "reversed-sft", "mixed-sft"):
    t, p = run.traces(STUDIES[name]), run.pi[STUDIES[name].questions]
    a = drift.agreement(t)
    worlds[name] = {k: measure.true_optimum(t.polm_final[r], p[r]).temperature for k, r in (("agree", a), ("disagree", ~a))}
regime = pd.DataFrame(worlds).T
regime.round(2)

# %% tags=["remove-input"]
heat = regime.disagree / regime.agree
say(
    "In all of them disagreeing questions want the higher temperature: {least:.1f} times that of agreeing ones in `{least_name}`, {most:.1f} times in `{most_name}`. A single temperature lies between, and is wrong for both. "
    "How far the two should be apart depends on what disagreement means, and a trace alone does not say that.",
    least=heat.min(),
    least_name=heat.idxmin(),
    most=heat.max(),
    most_name=heat.idxmax(),
)

# %% [markdown]
# ## E. Do the two regimes appear elsewhere?
#
# The claim has two halves: on agreement the paths of the two models [stay close](03_two_kinds_of_drift.ipynb), and on disagreement they part at one layer.
#
# Two quantities tell: the last layer's divergence, and the share of all movement between layers that the largest jump makes up. For each, take the median on disagreement less that on agreement. The table counts sets by the sign of that difference, where its 95 % interval leaves zero out.

# %%
rows = table.load(f"{results}/table", ["claims"])
rows = rows[rows["style"].ne("p-true") & rows.metric.isin([f"{m}{e}" for m in ("divergence", "jump_share") for e in ("", "_low", "_high")])]
wide = rows.pivot_table(index=["pair", "set"], columns="metric", values="value")
signs = pd.DataFrame({m: np.select([wide[f"{m}_low"] > 0, wide[f"{m}_high"] < 0], ["larger", "smaller"], "not told apart") for m in ("divergence", "jump_share")}, index=wide.index)
counts = {m: signs[m].groupby("pair").value_counts().unstack(fill_value=0) for m in signs}
pd.concat(counts, axis=1).fillna(0).astype(int)

# %% tags=["remove-input"]
say(
    "Of {n_settings} settings, the last layer's divergence is larger on disagreement in {far}. The jump makes up a larger share of the movement in {jump}, and a smaller one in {smaller}. "
    "The first half of the claim holds widely. In part it had to: models that answer differently cannot be equal in the last layer. The second half is not a property of these pairs in general.",
    n_settings=len(signs),
    far=int((signs.divergence == "larger").sum()),
    jump=int((signs.jump_share == "larger").sum()),
    smaller=int((signs.jump_share == "smaller").sum()),
)

# %% [markdown]
# ## What this page does not show
#
# - **Inner layers of larger models.** Their factors may be nearer to one another. `inner.layer_temperatures` on a trace of yours tells.
# - **Another lens.** A tuned lens would give other inner logits, and other factors.
# - **That two temperatures are better in practice.** In the world they were chosen knowing the truth.
#
# ## Summary
#
# - Inner layers measure what the last layer needs if post-training scaled all of them alike. On our pairs it did not.
# - Weighting by divergence and sorting by agreement are not the same. On average sorting has the larger error here.
# - A temperature cannot keep wanted drift and undo the rest; it can only be right on average. Two of them, one for each regime, do better in the world.
# - Paths are further apart on disagreement. That they part at one layer is not general here.
#
# Mira keeps the third answer in mind: her temperature will not tell a pupil which of the new answers to doubt.
#
# **Next:** [the ledger](20_ledger.ipynb), with a verdict for every claim.
#
# ```{exercise} Two factors
# :label: ex-factor
# One question, two layers from the peak on, two options. The PLM's logit gap (first option less second) is `gap` at both layers. Post-training multiplied it by `inner_factor` at the inner layer and by `last_factor` at the last one.
# The process loss is the squared difference of the *mean* entropies of the two layers, the PoLM's at temperature $\tau$ less the PLM's at 1, in nats. Which $\tau$ makes it zero? Two decimals.
# ```

# %%
task = course.task("factor", me)
task

# %% [markdown]
# ```{solution-start} ex-factor
# :class: dropdown
# ```

# %% tags=["solution"]
from scipy.optimize import brentq

polm = task.gap * np.array([task.inner_factor, task.last_factor])
pairs_of_logits = np.stack([polm, np.zeros(2)], axis=1)
target = drift.entropy(np.array([task.gap, 0.0]))
tau = brentq(lambda t: drift.entropy(pairs_of_logits, t).mean() - target, 0.05, 100)
print(f"T = {tau:.2f}, between {task.inner_factor} and {task.last_factor}")
task.check(tau)

# %% [markdown] tags=["solution"]
# With one factor for both layers, $\tau$ would be that factor. With two, the process loss is zero between them, and the last layer gets less than it needs. That is the compromise of question A, in one line of arithmetic.

# %% [markdown]
# ```{solution-end}
# ```
