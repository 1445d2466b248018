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
# Mira compares her model before and after its last training, question by question. On some it gives the old answer and is only surer of it. On others it gives a new one.
# Are these two different changes, so that one cure cannot fit both? And can one see, inside the model, where the change happens?
#
# The paper {cite:p}`luo2026dualalign` says yes to both and builds its method on the difference. This page looks.
#
# | You need | [Calibration](02_reliability.ipynb) |
# |---|---|
# | **Helpful** | that a language model is a stack of layers, each adding to the result of the one before |
# | **Time** | 25 minutes |
#
# **You will be able to** read a logit lens, compute how far two models are apart at each layer, find the layer at which they part, and say what the stability entropy measures and what it does not.

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
from dualalign import change, course, drift, metrics, plots
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"

# %% [markdown]
# ## Two kinds of questions
#
# The two models **agree** on a question if they choose the same option, and **disagree** if not. Where they agree, post-training can have changed the probabilities, but not the choice: **confidence drift**. Where they disagree it
# changed the answer, and with it, says the paper, the way to the answer: **process drift**. How often is it the one, and how often the other?

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
agree = drift.agreement(traces)
print(f"{len(traces)} questions; the two models agree on {agree.mean():.1%} of them")

# %% [markdown]
# ## Reading a model in the middle
#
# A language model keeps a running vector and adds to it, layer after layer. Only behind the last layer does the vector become logits: it is normalised, and multiplied with one row of weights for each
# word that may follow. The **logit lens** takes that last step early. It reads the vector after *every* layer $l$ as if $l$ were the last, at the end of the question, for the $K$ words that the $K$ options begin with:
#
# $$ z_m^l(x) \in \mathbb{R}^K, \qquad p_m^l = \operatorname{softmax}(z_m^l). $$
#
# Here $m$ is the model: $g$ for the PLM, $f$ for the PoLM, as in the paper. (Its predecessor DACA {cite:p}`luo2025daca` writes them the other way round.) We call $p_m^l$ the model's *belief* after layer $l$. At the last layer, $L$, it is what the model says; that is checked whenever a model is loaded.
#
# Two questions as examples, one of each kind. They are not picked by eye: of the questions whose text comes with the book, each is the one whose final distance is nearest to the median of its kind.

# %%
divergence = drift.layer_divergence(traces)  # explained below
final = divergence[:, -1]
middle = {same: np.median(final[agree == same]) for same in (True, False)}
texts = {q.id: q for q in da.questions.load(f"{folder}/../questions/arc-easy.jsonl")}
known = np.isin(traces.question_ids, list(texts))
typical = {s: int(np.where(known & (agree == s), np.abs(final - middle[s]), np.inf).argmin()) for s in (True, False)}
for same, i in typical.items():
    one = texts[traces.question_ids[i]]
    print("They agree." if same else "They disagree.", one.question)
    print(*(f"  {letter}  {option}" for letter, option in zip("ABCDE", one.options, strict=False)), sep="\n")

# %% mystnb={"figure": {"caption": "What the two models believe after each layer, about a question on which they agree (left) and one on which they disagree (right): a strip for each option, its probability from 0 to 1. Full lines with dots are the PLM, dashed ones with squares the PoLM. What to see: beliefs swing on the way, since the lens reads unfinished states; up to the middle the two models swing together, and then they part.", "name": "fig-beliefs"}, "image": {"alt": "Two columns of four strips, option probabilities by layer. Up to the middle layer the PLM's and the PoLM's probability of an option differ by at most {early_gap:.2f}; after it, by up to {late_gap:.2f}."}}
import matplotlib.pyplot as plt

figure, axes = plt.subplots(4, 2, figsize=(9, 6), layout="constrained", sharex=True, sharey=True)
halves = []
for column, i in enumerate(typical.values()):
    beliefs = plots.prepare_beliefs(traces, i)
    plots.plot_belief_strips(beliefs, traces.labels[i], axes[:, column])
    axes[0, column].set_title(("They agree", "They disagree")[column], fontsize=9, color=plots.style.INK)
    wide = beliefs.pivot(index=["layer", "option"], columns="model", values="probability")
    apart = (wide["PLM"] - wide["PoLM"]).abs().groupby("layer").max()
    halves.append([apart.loc[:9].max(), apart.loc[10:].max()])
early_late = np.max(halves, axis=0)
glue("early_gap", early_late[0])
glue("late_gap", early_late[1])

# %% [markdown]
# ## How far apart, layer by layer?
#
# To look at more than two questions we need one number for the distance of two beliefs. Two measures lead to it. The **entropy** $H(p) = -\sum_k p(k) \ln p(k)$ says how undecided one belief is: 0 if one option has everything, $\ln K$ if all are equal. (With the natural logarithm the unit is the *nat*.)
# The {term}`KL divergence` $\mathrm{KL}(p \,\|\, q) = \sum_k p(k) \ln \frac{p(k)}{q(k)}$ says how badly $q$ stands in for $p$; it is 0 if they are equal, and it is another number if the two change places.
#
# The **Jensen-Shannon divergence** (JSD) treats both alike. It measures each belief against the middle of the two. At layer $l$, for question $x$,
#
# $$ d_l(x) = \mathrm{JSD}(p_g^l \,\|\, p_f^l) = \tfrac12 \mathrm{KL}(p_g^l \,\|\, \bar p) + \tfrac12 \mathrm{KL}(p_f^l \,\|\, \bar p), \qquad \bar p = \tfrac12 (p_g^l + p_f^l). $$
#
# It cannot be large without end. Since $\bar p \ge p/2$ for either belief $p$, each ratio $p/\bar p$ is at most 2, each KL at most $\ln 2 \approx 0.69$, and so is their mean. The bound is reached if the two beliefs share no option.
# Does the library give what the formula says, and does it keep to the bound?

# %%
k = traces.n_options[0]  # the rest is padding
p, q = (np.exp(drift.log_softmax_options(z[0, :k])) for z in (traces.plm_final, traces.polm_final))
between = (p + q) / 2
by_hand = 0.5 * (p * np.log(p / between)).sum() + 0.5 * (q * np.log(q / between)).sum()
print(f"by hand {by_hand:.10f}, library {divergence[0, -1]:.10f}")
print(f"largest of all questions and layers {divergence.max():.3f}, bound {np.log(2):.3f}")

# %% mystnb={"figure": {"caption": "Divergence of PLM and PoLM at each layer: median and quartiles over questions. What to see: almost nothing up to layer 10, a hump at layer 12, and a second rise at the last layer; up to layer 15, questions of agreement and of disagreement look the same.", "name": "fig-divergence"}, "image": {"alt": "Median layer divergence by layer. Half-way it is {half_agree:.3f} nats on agreement and {half_disagree:.3f} on disagreement; at layer 12 there is a hump of {hump_agree:.2f} and {hump_disagree:.2f}; at the last layer {final_agree:.3f} and {final_disagree:.3f}. The bands overlap at every layer."}}
ax = plots.plot_layer_divergence(plots.prepare_layer_divergence(traces))

# %% tags=["remove-input"]
half = traces.n_layers // 2
say(
    "At the last layer the median is {final_agree:.3f} nats on agreement and {final_disagree:.3f} on disagreement; at layer {half}, {half_agree:.3f} and {half_disagree:.3f}; at layer 12, {hump_agree:.3f} and {hump_disagree:.3f}.",
    final_agree=float(middle[True]),
    final_disagree=float(middle[False]),
    half=half,
    half_agree=float(np.median(divergence[agree, half - 1])),
    half_disagree=float(np.median(divergence[~agree, half - 1])),
    hump_agree=float(np.median(divergence[agree, 11])),
    hump_disagree=float(np.median(divergence[~agree, 11])),
)

# %% [markdown]
# That they end further apart on disagreement is hardly a discovery: beliefs that choose different options cannot be equal, and those that choose the same can. And agreement is not calm either: the models part there too. So is there any sign that disagreement takes *another way*?
#
# ## The layer at which they part
#
# The paper's sign is a sudden step. For each question, the **peak divergence layer** (PDL) is where the divergence changes most from one layer to the next, up or down:
#
# $$ l^*(x) = \arg\max_{l \in 2..L} \; |d_l(x) - d_{l-1}(x)|. $$

# %%
peaks = plots.prepare_peaks(traces)
quartiles = peaks.groupby("regime")[["layer", "jump", "final"]].quantile([0.25, 0.5, 0.75]).unstack()
quartiles.round(2)

# %% [markdown]
# By hand, for the first question:

# %%
steps = np.abs(np.diff(divergence[0]))
print(f"largest step into layer {steps.argmax() + 2}; library {drift.peak_layer(traces)[0]}")

# %% mystnb={"figure": {"caption": "Left: where the PDL lies. Right: how large the change there is, as the share of questions at or below. What to see: the PDL lies at layer 12 or later for either kind of question; the jumps on disagreement are a little larger, and the two kinds overlap almost wholly.", "name": "fig-peaks"}, "image": {"alt": "Left, bars of the share of questions by peak layer: {late:.0%} of the questions have it at layer 12 or later. Right, cumulative curves of the jump, with medians of {jump_agree:.2f} nats on agreement and {jump_disagree:.2f} on disagreement."}}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
plots.plot_peak_layers(peaks, traces.n_layers, axes[0])
ax = plots.plot_peak_jumps(peaks, axes[1])
medians = peaks.groupby("regime").jump.median()
glue("late", float((peaks.layer >= 12).mean()))
glue("jump_agree", medians["agree"])
glue("jump_disagree", medians["disagree"])

# %% [markdown]
# Is that small difference more than chance? And is it a *sudden* step, or does everything on a disagreeing question simply move more? The second question needs another number: the share of a
# question's whole movement, over all layers, that happens in its largest jump. A share of 1 means all at once; a small one, little by little.

# %%
movement = np.abs(np.diff(divergence, axis=1)).sum(axis=1)
measured = {"jump": peaks.jump.to_numpy(), "share of the movement": peaks.jump.to_numpy() / movement}
found = {name: change.regime_contrast(values, agree) for name, values in measured.items()}
contrast = pd.DataFrame(found, index=["disagree less agree", "low", "high"]).T
contrast.round(3)

# %% tags=["remove-input"]
word = {1: "larger on disagreement", -1: "larger on agreement", 0: "not told apart by these questions"}
verdict = {name: word[int(np.sign(r.low) * (np.sign(r.low) == np.sign(r.high)))] for name, r in contrast.iterrows()}
say(
    "The table holds differences of medians with 95 % intervals. The largest jump is **{jump_verdict}**, by {jump:+.3f} nats ({jump_low:+.3f} to {jump_high:+.3f}). "
    "Its share of the movement is **{share_verdict}** ({share:+.3f}, {share_low:+.3f} to {share_high:+.3f}).",
    jump_verdict=verdict["jump"],
    share_verdict=verdict["share of the movement"],
    **{f"{name}{end}": contrast.loc[row, column] for name, row in (("jump", "jump"), ("share", "share of the movement")) for end, column in (("", "disagree less agree"), ("_low", "low"), ("_high", "high"))},
)

# %% [markdown]
# So in this pair post-training moves the models further where they end up disagreeing, and these questions show no other manner of moving. Two sharply different regimes are not what we see.

# %% [markdown]
# ## How undecided on the way?
#
# There is a second sign that the paper uses. From the layer of parting on, how undecided does a model stay? The **inferential stability entropy** (ISE) is the mean entropy of its beliefs from the PDL to the last layer, with its logits divided by a temperature $\tau$ if one is given:
#
# $$ \mathrm{ISE}_m(x; \tau) = \frac{1}{L - l^* + 1} \sum_{l = l^*}^{L} H\bigl(\operatorname{softmax}(z_m^l / \tau)\bigr). $$
#
# If the PDL is the last layer, the ISE is the entropy of the answer alone.
#
# (What the authors have published leaves open whether the mean is taken over entropies, as here, or over beliefs before the entropy. The [next chapter](04_deriving_dual_align.ipynb) compares such readings.)

# %%
layer = drift.peak_layer(traces)
ise = {
    "PLM": drift.stability_entropy(traces.plm_logits, layer),
    "PoLM": drift.stability_entropy(traces.polm_logits, layer),
}
pd.DataFrame({m: [v[agree].mean(), v[~agree].mean()] for m, v in ise.items()}, index=["agree", "disagree"]).round(3)

# %% tags=["remove-input"]
way = layer < traces.n_layers
inner = {"PLM": drift.matched_plm(traces), "PoLM": traces.polm_logits}
before = {m: drift.stability_entropy(z[way, :-1], layer[way]) for m, z in inner.items()}
say(
    "On average the PoLM's ISE is {ise_polm:.2f} nats where the PLM's is {ise_plm:.2f}. Is it more decided only at the end? Leave the last layer out (and with it the {only_last:.0%} of the questions whose PDL it is), and the two are {before_polm:.2f} and {before_plm:.2f}: more decided on the way as well. Either model is a little less decided where the two disagree.",
    only_last=float((layer == traces.n_layers).mean()),
    before_polm=float(before["PoLM"].mean()),
    before_plm=float(before["PLM"].mean()),
    ise_polm=float(ise["PoLM"].mean()),
    ise_plm=float(ise["PLM"].mean()),
)

# %% [markdown]
# Look at single questions yourself:

# %% tags=["hide-input"]
from IPython.display import HTML

questions = da.questions.load(f"{folder}/../questions/arc-easy.jsonl")
HTML(plots.layer_explorer(traces, questions))

# %% [markdown]
# *Interactive: what the two models believe about one question after each layer, with its PDL and both ISEs. What to see: choose a few questions and ask whether the beliefs part in one
# jump or little by little; then raise the temperature, which moves the PoLM's ISE and leaves every answer where it was.*

# %% [markdown]
# ### Does a low ISE warn of over-confidence?
#
# That is the paper's claim: a model that is too decided on the way is too sure at the end. Drawn against *confidence* the claim would be empty, since a decided belief *is* a confident one. A reviewer of the paper said so, and is right.
# So we draw ISE against confidence **less** correctness: positive for every wrong answer, negative for every right one, and zero on average for a calibrated model.

# %% mystnb={"figure": {"caption": "Stability entropy of the PoLM against its confidence less its correctness. A faint point is a question, its colour whether the models agree on it: above zero it was answered wrongly, below zero rightly. Black dots: means of ten groups of equal size, with 95 % intervals. What to see: the PoLM is over-confident at any ISE; the black dots lie level up to the last, which holds the questions with the highest ISE and lies lower.", "name": "fig-ise"}, "image": {"alt": "Scatter of stability entropy against confidence less correctness. The mean gap is {first:+.2f} in the tenth of questions with the lowest entropy and {last:+.2f} in the tenth with the highest, without a trend between them; the correlation is {correlation:+.2f}."}}
stability = plots.prepare_stability(traces)
ax = plots.plot_stability(stability)

# %% tags=["remove-input"]
say(
    "The mean gap is {first:+.2f} in the tenth with the lowest ISE and {last:+.2f} in the tenth with the highest. Over all questions the correlation is {correlation:+.3f} (p = {p_value:.2f}): on this set a low ISE does not warn of over-confidence.",
    first=float(stability.bin_gap[0]),
    last=float(stability.bin_gap[-1]),
    correlation=stability.correlation,
    p_value=stability.p_value,
)

# %% [markdown]
# Beware of a *rank* correlation here. Among the wrong answers the gap falls with the ISE, for a decided error is a confident error; and among the right ones likewise. So the rank correlation comes out negative even for a model that is perfectly calibrated. To see it, throw the coins anew (once), as in the [last chapter](02_reliability.ipynb), so that the PoLM's confidences are true:

# %%
from scipy.stats import spearmanr

sure = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1)
honest = sure - (np.random.default_rng(0).random(len(sure)) < sure)
for name, gap in {"the PoLM": stability.gap, "a calibrated model": honest}.items():
    print(f"{name}: rank correlation {spearmanr(stability.entropy, gap).statistic:+.3f}")

# %% [markdown]
# The calibrated model shows the stronger one, and has no over-confidence to be warned of. So we keep to means. Do other sets of questions tell the same?

# %%
files = sorted(Path(folder).glob(f"{pair}__*__choices.safetensors"))
by_set = {}
for file in files:
    one = da.Traces.load(file)
    found, right = plots.prepare_stability(one), one.polm_final.argmax(axis=1) == one.labels
    by_set[file.stem.split("__")[1]] = [right.mean() - (1 / one.n_options).mean(), found.correlation, found.p_value]
warned = pd.DataFrame(by_set, index=["above chance", "correlation", "p"]).T.sort_values("above chance", ascending=False)
warned.round(3)

# %% tags=["remove-input"]
say(
    "They do not. On {n_warned} of {n_sets} sets the correlation is clearly negative (p below 0.05), as the paper says, but those are the sets on which the PoLM is at most {most_above:.0f} points better than a blind guess. "
    "The more the right answers are luck, the more the gap is the confidence itself, less a constant, and the nearer we are to the empty picture.",
    n_warned=int((warned.p < 0.05).sum()),
    n_sets=len(warned),
    most_above=float(100 * warned["above chance"][warned.p < 0.05].max()),
)

# %% [markdown]
# ## What this page does not show
#
# - **Cause.** The lens says what the last step would make of an unfinished state. In early layers that is not what the model itself makes of it.
# - **Generality.** One base, one recipe, one prompt style. [Chapter 6](06_what_post_training_does.ipynb) looks at seven recipes; larger models may differ again.
# - **Usefulness.** That drift can be measured does not mean that aligning it calibrates. That is the next chapter.
#
# ## Summary
#
# - The logit lens gives a belief for each layer, the JSD measures how far two models' beliefs are apart, and its largest change marks the PDL.
# - On disagreement the models end further apart and jump further. That the jump is another share of the movement, these questions do not show: of two sharply different kinds of drift we see little here.
# - ISE says how undecided a model stays from the PDL on. It must be judged against confidence less correctness, by means and not by ranks. It then warns of over-confidence on the sets on which the PoLM knows little, and not on the two on which it knows most.
#
# Mira knows where the readings of her two models part: in the upper layers, on nearly all questions. Where the weights changed, the lens does not say. She still needs a cure, and has seen little reason why it must be two.
#
# **Next:** [from confidence to process: deriving Dual-Align](04_deriving_dual_align.ipynb).
#
# ```{exercise} How far apart are two beliefs?
# :label: ex-jsd
# `plm` and `polm` are the beliefs of two models in four options. What is their Jensen-Shannon divergence, in nats? One number, three decimals. Mind the zeros: $0 \ln 0$ counts as 0.
# ```

# %%
task = course.task("jsd", me)
task

# %% [markdown]
# ```{solution-start} ex-jsd
# :class: dropdown
# ```

# %% tags=["solution"]
between = (task.plm + task.polm) / 2
kl = [
    sum(p * np.log(p / mid) for p, mid in zip(belief, between, strict=True) if p > 0)
    for belief in (task.plm, task.polm)
]
print([float(one.round(4)) for one in kl])
task.check((kl[0] + kl[1]) / 2)

# %% [markdown] tags=["solution"]
# The middle belief is zero only where both are, so no logarithm of the definition is infinite. That is one reason to prefer the JSD to a KL divergence between the two models, which would be infinite here.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Where do the paths part?
# :label: ex-peak
# `divergence` holds $d_1, \dots, d_8$ of one question. Which is its peak divergence layer? A whole number; the first layer is 1.
# ```

# %%
task = course.task("peak", me)
task

# %% [markdown]
# ```{solution-start} ex-peak
# :class: dropdown
# ```

# %% tags=["solution"]
steps = np.abs(np.diff(task.divergence))  # steps[0] leads from layer 1 to layer 2
print(steps.round(2))
task.check(int(steps.argmax()) + 2)

# %% [markdown] tags=["solution"]
# The largest change here is a fall: at that layer the two models come closer. The definition does not ask in which direction they move.

# %% [markdown]
# ```{solution-end}
# ```
