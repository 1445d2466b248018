# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two kinds of drift
#
# Post-training changes a model. Sometimes it keeps the answer and only becomes surer of it. Sometimes it takes another way through the layers and arrives
# somewhere else. The paper {cite:p}`luo2026dualalign` calls the first **confidence drift** and the second **process drift**, and builds its method on the difference.
#
# Is the difference there, in a pair that we can open? This page looks.
#
# | You need | [Start here](01_start_here.ipynb) |
# |---|---|
# | **Helpful** | entropy and KL divergence; what a residual stream is |
# | **Time** | 20 minutes |
#
# **You will be able to** read a logit lens, compute the divergence of two models layer by layer, find the peak divergence layer, and say what the
# stability entropy measures and what it does not.

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
from dualalign import change, drift, metrics, plots
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
agree = drift.agreement(traces)
print(f"{len(traces)} questions; the two models agree on {agree.mean():.1%} of them")

# %% [markdown]
# ## Reading a model in the middle
#
# A decoder adds to a running vector, the *residual stream*, block after block. Only behind the last block does it become logits: a final norm, then one row of the
# unembedding for each token. The **logit lens** does the same after *every* block $l$, at the last token of the prompt, for the $K$ tokens
# that the options begin with:
#
# $$ z_m^l(x) \in \mathbb{R}^K, \qquad p_m^l = \operatorname{softmax}(z_m^l). $$
#
# At the last layer $l = L$ it equals the model's own logits. That is checked whenever a model is loaded.
#
# Here is one question. Each colour is an option; full lines are the PLM, dashed ones the PoLM.

# %%
divergence = drift.layer_divergence(traces)
typical = divergence[:, -1] - np.where(agree, np.median(divergence[agree, -1]), np.median(divergence[~agree, -1]))
order = np.argsort(np.abs(typical))
one_agree = next(i for i in order if agree[i])
one_disagree = next(i for i in order if not agree[i])
print(traces.question_ids[one_agree], "|", traces.question_ids[one_disagree])

# %% mystnb={"figure": {"caption": "What the two models believe after each layer, for the question of each kind whose final divergence is the median one: where they agree (left), where they disagree (right). What to see: beliefs swing on the way, because the lens reads inner states with the last layer's head; yet the two models swing together for the first half, and part only in the second.", "name": "fig-beliefs"}, "image": {"alt": "Two line plots of option probabilities by layer. Full lines (PLM) and dashed lines (PoLM) swing together in the first half of the layers and separate in the second half."}}
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
for ax, i, title in zip(axes, (one_agree, one_disagree), ("They agree", "They disagree"), strict=True):
    plots.plot_beliefs(plots.prepare_beliefs(traces, int(i)), ax)
    ax.set_title(title)

# %% [markdown]
# ## How far apart, layer by layer
#
# The **layer divergence** is the Jensen-Shannon divergence of the two models' beliefs:
#
# $$ d_l(x) = \mathrm{JSD}(p_g^l \,\|\, p_f^l) = \tfrac12 \mathrm{KL}(p_g^l \| m) + \tfrac12 \mathrm{KL}(p_f^l \| m), \qquad m = \tfrac12 (p_g^l + p_f^l). $$
#
# The letter $g$ is the PLM and $f$ the PoLM, as in the paper; its predecessor DACA {cite:p}`luo2025daca` writes them the other way round. In nats it lies between 0 and $\ln 2$. Written out for one question, it must agree with the library:

# %%
k = traces.n_options[0]  # the rest is padding
p, q = (np.exp(drift.log_softmax_options(z[0, :k])) for z in (traces.plm_final, traces.polm_final))
m = (p + q) / 2
by_hand = sum(0.5 * a * np.log(a / c) + 0.5 * b * np.log(b / c) for a, b, c in zip(p, q, m, strict=True))
print(f"by hand {by_hand:.10f}, library {divergence[0, -1]:.10f}")

# %% mystnb={"figure": {"caption": "Layer divergence of PLM and PoLM: median and quartiles over questions, where the models finally agree and where they do not. What to see: in which layers the two curves begin to part, and how far the bands overlap.", "name": "fig-divergence"}, "image": {"alt": "Median layer divergence by layer for agreement and disagreement with quartile bands and a dotted line at ln 2."}}
ax = plots.plot_layer_divergence(plots.prepare_layer_divergence(traces))

# %% tags=["remove-input"]
final = {name: float(np.median(divergence[rows, -1])) for name, rows in {"agree": agree, "disagree": ~agree}.items()}
half = drift.match_layers(1, traces.n_layers).size // 2
say(
    "At the last layer the median divergence is {final_agree:.3f} nats on agreement and {final_disagree:.3f} on disagreement. "
    "Half-way, at layer {half}, both medians are small: {half_agree:.4f} and {half_disagree:.4f}.",
    final_agree=final["agree"],
    final_disagree=final["disagree"],
    half=half,
    half_agree=float(np.median(divergence[agree, half - 1])),
    half_disagree=float(np.median(divergence[~agree, half - 1])),
)

# %% [markdown]
# That the *final* divergence is larger on disagreement is no discovery: two models that choose different options must differ in the end. The question is
# whether they part **at one place**.

# %% [markdown]
# ## The peak divergence layer
#
# For each question, the **peak divergence layer** (PDL) is where the divergence changes most from one layer to the next:
#
# $$ l^*(x) = \arg\max_{l \in 2..L} \; |d_l(x) - d_{l-1}(x)|. $$

# %%
peaks = plots.prepare_peaks(traces)
peaks.groupby("regime")[["layer", "jump", "final"]].describe().loc[:, (slice(None), ["25%", "50%", "75%"])].round(3)

# %% mystnb={"figure": {"caption": "Left: where the peak divergence layer lies. Right: how large the jump there is, as a cumulative share of questions. What to see: whether disagreement comes with a larger jump, and how much the two groups overlap.", "name": "fig-peaks"}, "image": {"alt": "Left, bars of the share of questions per peak layer by agreement; right, cumulative curves of the jump size by agreement."}}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
plots.plot_peak_layers(peaks, traces.n_layers, axes[0])
ax = plots.plot_peak_jumps(peaks, axes[1])

# %% [markdown]
# Is the difference between the groups more than chance? And is it more than what the final divergence alone would bring? We ask the second question of the *share* of a
# question's total movement that happens in its largest jump: 1 means all at once, a small number means little by little.

# %%
movement = np.abs(np.diff(divergence, axis=1)).sum(axis=1)
sharpness = peaks.jump.to_numpy() / movement
found = {n: change.regime_contrast(v, agree) for n, v in {"jump": peaks.jump.to_numpy(), "sharpness": sharpness}.items()}
contrast = pd.DataFrame(found, index=["difference", "low", "high"]).T
contrast.round(3)

# %% tags=["remove-input"]
word = {1: "larger on disagreement", -1: "larger on agreement", 0: "not told apart by these questions"}
verdict = {name: word[int(np.sign(r.low) * (np.sign(r.low) == np.sign(r.high)))] for name, r in contrast.iterrows()}
say(
    "The largest jump is **{jump_verdict}** (difference of medians {jump:+.3f} nats, 95 % interval {jump_low:+.3f} to {jump_high:+.3f}). "
    "Its share of the whole movement is **{sharp_verdict}** ({sharp:+.3f}, {sharp_low:+.3f} to {sharp_high:+.3f}).",
    jump_verdict=verdict["jump"],
    jump=contrast.difference["jump"],
    jump_low=contrast.low["jump"],
    jump_high=contrast.high["jump"],
    sharp_verdict=verdict["sharpness"],
    sharp=contrast.difference["sharpness"],
    sharp_low=contrast.low["sharpness"],
    sharp_high=contrast.high["sharpness"],
)

# %% [markdown]
# ## Inferential stability entropy
#
# From the peak on, how undecided does a model stay? The **inferential stability entropy** (ISE) is the mean entropy of its beliefs from the PDL to the last layer:
#
# $$ \mathrm{ISE}_m(x; \tau) = \frac{1}{L - l^* + 1} \sum_{l = l^*}^{L} H\bigl(\operatorname{softmax}(z_m^l / \tau)\bigr). $$
#
# The public record leaves open whether the mean is taken over entropies, as here, or over beliefs before the entropy. The code offers each reading by name
# (`aggregate=`); [the next chapter](04_deriving_dual_align.ipynb) compares them.

# %%
layer = drift.peak_layer(traces)
ise = {
    "PLM": drift.stability_entropy(traces.plm_logits, layer),
    "PoLM": drift.stability_entropy(traces.polm_logits, layer),
}
pd.DataFrame({m: [v[agree].mean(), v[~agree].mean()] for m, v in ise.items()}, index=["agree", "disagree"]).round(3)

# %% tags=["hide-input"]
from IPython.display import HTML

questions = da.questions.load(f"{folder}/../questions/arc-easy.jsonl")
HTML(plots.layer_explorer(traces, questions))

# %% [markdown]
# *Interactive: what the two models believe about one question after each layer, with its PDL and both ISEs. What to see: choose a few questions and ask whether the beliefs part in one
# jump or little by little; then raise the temperature, which moves the PoLM's ISE and leaves every answer where it was.*

# %% [markdown]
# The paper's claim is that a low ISE of the PoLM goes with over-confidence. Plotted against *confidence* this would be empty: low entropy
# is high confidence, by definition. A reviewer said so, and is right. So we plot it against confidence **minus** correctness.

# %% mystnb={"figure": {"caption": "Stability entropy of the PoLM against its confidence minus correctness. Every faint point is a question: above zero it was wrong, below zero right. The black dots are means of equal groups with 95 % intervals. What to see: whether the black dots fall from left to right.", "name": "fig-ise"}, "image": {"alt": "Scatter of stability entropy against confidence minus correctness with binned means and a zero line."}}
stability = plots.prepare_stability(traces)
ax = plots.plot_stability(stability)

# %% tags=["remove-input"]
say(
    "The mean gap goes from {first:+.2f} in the tenth of the questions with the lowest ISE to {last:+.2f} in the tenth with the highest. "
    "Question by question the rank correlation is {correlation:+.2f} (p = {p_value:.2g}).",
    first=float(stability.bin_gap[0]),
    last=float(stability.bin_gap[-1]),
    correlation=stability.correlation,
    p_value=stability.p_value,
)

# %% [markdown]
# ## What this page does not show
#
# - **Cause.** The lens reads what the last norm and unembedding would make of an inner state. In early layers that is not what the model itself makes of it.
# - **Generality.** One base, one recipe, one style. The two regimes may look different in larger models or after reinforcement learning.
# - **Usefulness.** That drift can be measured does not mean that aligning it calibrates. That is the next chapter.
#
# ## Summary
#
# - The logit lens gives a belief per layer; the Jensen-Shannon divergence compares two models' beliefs; its largest change marks the PDL.
# - On disagreement the models differ more in the end, necessarily. Whether they part in one jump is an empirical question, answered above with an interval.
# - ISE must be judged against confidence minus correctness, not against confidence.
#
# **Next:** [from confidence to process: deriving Dual-Align](04_deriving_dual_align.ipynb).
#
# ```{exercise}
# :label: ex-jsd
# Show that $d_l \le \ln 2$, and say when it is reached.
# ```
#
# ```{solution} ex-jsd
# :class: dropdown
# In $\mathrm{KL}(p \| m)$ every ratio $p/m$ is at most 2, because $m \ge p/2$. So each KL is at most $\ln 2$, and so is their mean. It is reached
# when the two beliefs never give probability to the same option.
# ```
