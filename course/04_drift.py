# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 4: Where do two models part?
#
# "Where do plants get most of the energy they need to live and grow?" Both versions of Mira's study helper answer *sunlight*. The base model is less than half sure, the post-trained one almost certain. One model, trained a little more: where, between
# the first layer and the last, did they part?
#
# | You need | [Lesson 1](01_confidence.ipynb): softmax, confidence, PLM and PoLM |
# |---|---|
# | **Helpful** | what a transformer block is; correlation |
# | **Time** | 90 minutes |
#
# **You will be able to**
#
# - read a model after each of its layers, and say what such a reading is worth;
# - measure how undecided a belief is, and how far apart two beliefs are;
# - find the layer at which two models part, and how undecided one stays from there on;
# - recognise a claim that tests itself.

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

# %% tags=["remove-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import rel_entr, softmax
from scipy.stats import entropy, spearmanr

import dualalign as da
from dualalign import course, drift, metrics, plots
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"  # your name or number: it decides which data you get in the exercises

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what | material |
# |---|---|---|
# | 0 | One question, two models, one answer. Students draw the two lines of belief by layer as they expect them | *Predict first*, figure |
# | 8 | Residual stream and lens; *Reading in the middle* | board 1, exercise 1 |
# | 26 | Entropy as a number of options; *Between how many options does it hesitate?* | exercise 2 |
# | 37 | Divergence: why with the mean? *How far apart are two beliefs?* | board 2, exercise 3 |
# | 53 | Where they part; *Where do they part?* | figure, exercise 4 |
# | 63 | How undecided from there on; *How undecided from there on?* | board 3, exercise 5 |
# | 73 | The claim: read it aloud, ask how to test it, only then show the table with its calibrated control, and the two clouds; *A claim that tests itself* | table, figure, exercise 6 |
# | 84 | Quiz | quiz |
# | 89 | Limits; what lesson 5 does with all this | last slide |

# %% [markdown] tags=["guide"]
# ## Board plan
#
# 1. A vertical line, the stream; blocks add arrows to it from the side. At the top: norm, unembedding, logits. Then draw the same norm and unembedding again, at layer 2, dashed: the lens.
# 2. Two bars of belief, p and q, and their mean m between them. Write KL(p‖m) and KL(q‖m) on the two arms. Ask what happens to KL(p‖q) where q is 0.
# 3. A curve of divergence by layer with one jump. Mark l*. Shade the layers from l* to L: over these the entropies are averaged.

# %% [markdown] tags=["guide"]
# ## Common misconceptions
#
# | what students say | why | what to do |
# |---|---|---|
# | "At layer 5 the model believes B" | the lens prints beliefs | the reading uses the last norm; show how sure layer 1 looks |
# | "KL and JSD are the same up to symmetry" | both compare beliefs | p = (1, 0), q = (0, 1): one is infinite |
# | "The peak is where they differ most" | the word *peak* | the quiz item with 0.1, 0.5, 0.2, 0.3, 0.6 |
# | "0 log 0 is an error" | NaN on the screen | limit of x log x; a missing option adds nothing |
# | "Low entropy means over-confident" | both sound like *too sure* | a model that is always right and always sure |
# | "A negative rank correlation settles it" | ranks are held to be the safe choice | the calibrated control in the table; the two sloping clouds |

# %% [markdown] tags=["guide"]
# ## Discussion
#
# - *The lens looks certain after layer 1. Is the model?* Listen for: the last norm blows a small vector up; readings of early layers say more about the lens than about the model.
# - *Two models give the same answer by different ways. Is one of them safer to ship?* Listen for: nothing in the figure speaks of right and wrong; they would need labels, or other questions.
# - *The final divergence is larger where the models disagree. Why is that no discovery?* Listen for: to choose different options, the last beliefs must differ; it follows from the definition.
# - *Name another claim that tests itself.* Listen for: pupils who study more hours report more hours of study; models with larger logits have lower entropy. What both share is the same quantity on both sides.

# %% [markdown] tags=["guide"]
# ## If time is short
#
# In 50 minutes: show *Reading in the middle* worked out instead of setting it, hand out `drift.js_divergence`, and keep *Where do they part?*, *How undecided from there on?* and *A claim that tests itself*. Lesson 6 needs the first two of these.

# %% [markdown] tags=["slide"]
# ## Predict first
#
# The question about plants, in a model of 18 layers. Suppose you could ask it after every layer.
#
# - Draw, for the base model, the probability of *sunlight* against the layer.
# - Draw it for the post-trained model on top.
# - Where do your two lines part: early, late, little by little?

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
divergence = drift.layer_divergence(traces)
peaks = drift.peak_layer(divergence)
plants = traces.question_ids.index("arc_easy_test/21")

# %% [markdown] tags=["slide-only"]
# ## The question about plants
#
# - D is *sunlight*; compare with your drawing
# - solid: base model, dashed: post-trained
# - below: how far apart the two beliefs are
# - dotted: where that changes most

# %% tags=["slide"] mystnb={"figure": {"caption": "Top: what both models believe of the four options after each layer, for the question about plants (D is *sunlight*). Bottom: how far apart the two beliefs are; the dotted line marks the layer at which that changes most. What to see: the beliefs swing together through the first half, then part almost at once.", "name": "fig-l4-one"}, "image": {"alt": "Top, lines of belief by layer for two models: together in the first half, apart afterwards; at the end the PLM gives sunlight {plm_sunlight:.2f} and the PoLM {polm_sunlight:.2f}. Bottom, their divergence, with its largest change at layer {plants_peak}."}}
figure, (top, bottom) = plt.subplots(2, 1, figsize=(5.6, 5), layout="constrained", sharex=True, height_ratios=[2, 1])
plots.plot_beliefs(plots.prepare_beliefs(traces, plants), top)
top.set_xlabel("")
top.get_legend().set_loc("upper center")
plots.style.tidy(bottom).plot(np.arange(1, traces.n_layers + 1), divergence[plants], "o-", color=plots.style.INK, ms=4)
bottom.axvline(peaks[plants], color=plots.style.QUIET, ls=":")
plots.style.label(bottom, "Layer", "Divergence (nats)")
final = [softmax(z[plants][:4].astype(float))[3] for z in (traces.plm_final, traces.polm_final)]
glue("plm_sunlight", final[0])
glue("polm_sunlight", final[1])
glue("plants_peak", int(peaks[plants]))

# %% [markdown] tags=["slide-only"]
# ## What we need
#
# - how does one ask a model after a layer?
# - how far is *far apart*?

# %% [markdown]
# How does one ask a model after a layer? How far apart is "far apart"? And what is the dotted line good for? One after the other.

# %% [markdown]
# ## Reading in the middle
#
# A transformer carries a vector from block to block, the *residual stream*; every block adds something to it. Only after the last block does it become logits: a final **norm** divides the stream $h$ by its own size and multiplies each coordinate by a gain $g$, then the **unembedding** takes an inner
# product with one row $u_k$ for each option:
#
# $$ \operatorname{rms}(h) = \sqrt{\tfrac1D \textstyle\sum_i h_i^2}, \qquad z_k = u_k \cdot \Bigl( g \odot \frac{h}{\operatorname{rms}(h)} \Bigr), $$
#
# with $D$ coordinates; $\odot$ multiplies coordinate by coordinate. The **logit lens** does just this after *every* block. In numbers, for a stream of three coordinates and two options:

# %%
h, g = np.array([2.0, -1.0, 2.0]), np.array([1.0, 0.5, 2.0])
u = np.array([[0.3, 0.1, 0.4], [0.2, -0.6, 0.1]])
normed = g * h / np.sqrt((h**2).mean())
print("logits", (u @ normed).round(3), " beliefs", softmax(u @ normed).round(3))
print("ten times the stream", softmax(u @ (g * 10 * h / np.sqrt(((10 * h) ** 2).mean()))).round(3))

# %% [markdown]
# The size of the stream does not matter: the norm divides it out. That must happen at every layer *by that layer's own size*. The stream grows on its way; a lens that takes the last layer's size for all of them shrinks the early logits, and that is a hidden temperature.

# %% [markdown] tags=["slide-only"]
# ## The logit lens
#
# - stream → norm → unembedding → logits
# - the lens: the same after every block
# - norm: by **this layer's own** size
# - at the last layer: the model's own logits
# - before it: a reading with the last layer's eyes

# %% [markdown]
# ```{exercise} Reading in the middle
# :label: ex-l4-lens
# `task.stream` is the stream of a small model after each of its four blocks (a row a layer, six coordinates), `task.gain` the gain of its final norm, and `task.unembedding` holds a row for each of three options. Read the model after every layer. Give the probability, after each layer,
# of the option that the *last* layer predicts: four numbers, right to three decimals.
# ```

# %%
task = course.task("l4-lens", me)
task

# %% [markdown]
# ```{solution-start} ex-l4-lens
# :class: dropdown
# ```

# %% tags=["solution"]
rms = np.sqrt((task.stream**2).mean(axis=1, keepdims=True))
beliefs = softmax((task.gain * task.stream / rms) @ task.unembedding.T, axis=1)
task.check(beliefs[:, beliefs[-1].argmax()])

# %% [markdown] tags=["solution"]
# `keepdims=True` keeps a column of sizes, one a layer, so that each row is divided by its own.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## How undecided?
#
# The **entropy** of a belief is
#
# $$ H(p) = -\sum_k p_k \log p_k. $$
#
# With the natural logarithm its unit is the *nat*. It is 0 for a certain belief and $\log K$ for one that is equal over $K$ options. So $e^{H}$ reads as a number of options: between how many equal ones would a model be as undecided as this?

# %%
for p in ([0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.97, 0.01, 0.01, 0.01]):
    print(p, f"H = {entropy(p):.3f} nats, e^H = {np.exp(entropy(p)):.3f} options")

# %% [markdown]
# A probability of 0 adds nothing, because $x \log x \to 0$ as $x \to 0$. A computer does not know that: `0 * np.log(0)` is NaN. Options that a question does not have must be left out.

# %% [markdown] tags=["slide-only"]
# ## Entropy
#
# - $H = -\sum_k p_k \log p_k$, in nats
# - $e^H$: between how many options?
# - $0 \log 0 = 0$: leave missing options out

# %% [markdown] tags=["slide-only"]
# ## The first layer looks certain. Is it?
#
# - all questions, read by the lens

# %% tags=["slide"] mystnb={"figure": {"caption": "Mean number of options between which each model hesitates, read by the lens after each layer, over all questions of ARC-Easy (most have four options). What to see: both go together until the middle, then the post-trained one stays more decided. And a warning: the first layer looks almost certain.", "name": "fig-l4-entropy"}, "image": {"alt": "Two lines by layer. They run together in the first half and part in the second; at the last layer the PLM hesitates between {options_plm:.1f} options and the PoLM between {options_polm:.1f}. At the first layer both look nearly certain, with {options_first:.1f}."}}
layers = np.arange(1, traces.n_layers + 1)
logits = {"PLM": traces.plm_logits, "PoLM": traces.polm_logits}
undecided = {model: np.exp(drift.entropy(z)).mean(axis=0) for model, z in logits.items()}
ax, style = plots.style.canvas(None, (5.4, 2.8)), plots.style
for model, values in undecided.items():
    line = style.MARKER[model] + style.DASH[model]
    ax.plot(layers, values, line, color=style.MODEL[model], ms=4, label=model)
ax.set_ylim(1, 4)
plots.style.legend(plots.style.label(plots.style.integer_ticks(ax), "Layer", "Options (e to the entropy)"))
glue("options_plm", undecided["PLM"][-1])
glue("options_polm", undecided["PoLM"][-1])
glue("options_first", undecided["PoLM"][0])

# %% [markdown]
# Does the model know the answer after one layer? No. That the first layer looks certain says how the *lens* works: it reads an early stream with a norm and an unembedding that were trained for the last one.

# %% [markdown]
# ```{exercise} Between how many options does it hesitate?
# :label: ex-l4-effective
# `task.beliefs` holds four beliefs, a row each, over up to five options; options that a question does not have are 0. Give $e^{H}$ of each belief: four numbers, right to three decimals.
# ```

# %%
task = course.task("l4-effective", me)
print(task.beliefs)
task

# %% [markdown]
# ```{solution-start} ex-l4-effective
# :class: dropdown
# ```

# %% tags=["solution"]
answer = []
for p in task.beliefs:
    real = p[p > 0]
    answer.append(np.exp(-(real * np.log(real)).sum()))
task.check(answer)

# %% [markdown] tags=["solution"]
# `2 ** entropy(p, base=2)` gives the same: the base does not matter if it is the same in both places.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## How far apart?
#
# The **KL divergence** of a belief $q$ from a belief $p$ is $\mathrm{KL}(p \,\|\, q) = \sum_k p_k \log (p_k / q_k)$: what it costs to believe $q$ where $p$ is right. It is not symmetric, and infinite where $q$ says 0 and $p$ does not. The **Jensen-Shannon divergence** (JSD) compares both with their mean $m = (p + q) / 2$:
#
# $$ \mathrm{JSD}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m) = H(m) - \tfrac12 \bigl( H(p) + H(q) \bigr). $$
#
# It is 0 for equal beliefs, and $\log 2$ for two without anything in common. A check, for the last layer of the question about plants (`rel_entr` is $p \log (p / q)$, with $0 \log 0 = 0$):

# %%
p, q = (softmax(z[plants][:4].astype(float)) for z in (traces.plm_final, traces.polm_final))
m = (p + q) / 2
print(f"from KL {(rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2:.6f}", end=", ")
print(f"from entropies {entropy(m) - (entropy(p) + entropy(q)) / 2:.6f}, library {divergence[plants, -1]:.6f}")

# %% [markdown] tags=["slide-only"]
# ## Jensen-Shannon divergence
#
# - KL(p‖q): infinite where q is 0 and p is not
# - JSD: both against their mean
# - $= H(m) - \frac12 (H(p) + H(q))$
# - from 0 to $\log 2$ nats
# - beware: some libraries return its **root**

# %% [markdown]
# ```{exercise} How far apart are two beliefs?
# :label: ex-l4-jsd
# Write a function `jsd(p, q)` of two arrays of probabilities that returns their Jensen-Shannon divergence in nats. Hand the *function* to the checker; it will try zeros, equal beliefs, and beliefs without anything in common. For `task.p` and `task.q` it should return `task.expected`, up to rounding in the fourth decimal.
# ```

# %%
task = course.task("l4-jsd", me)
task

# %% [markdown]
# ```{solution-start} ex-l4-jsd
# :class: dropdown
# ```

# %% tags=["solution"]
def jsd(p, q):
    m = (p + q) / 2
    return (rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2


print(jsd(task.p, task.q), task.expected)
task.check(jsd)

# %% [markdown] tags=["solution"]
# `rel_entr` knows that $0 \log 0 = 0$. Where $m$ is 0, so are $p$ and $q$.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## Over all questions
#
# At each layer, the divergence of the two models' beliefs; separately for questions on which they finally choose the same option, and a different one.

# %% tags=["slide"] mystnb={"figure": {"caption": "Divergence of PLM and PoLM by layer, median and quartiles over the questions of ARC-Easy. What to see: nearly nothing in the first half, in both groups; then a step in both; towards the end more where the models finally disagree.", "name": "fig-l4-divergence"}, "image": {"alt": "Two lines with bands by layer. Both stay near zero in the first half. At the last layer the median is {agree_last:.2f} nats where the models agree and {disagree_last:.2f} where they disagree."}}
ax = plots.plot_layer_divergence(plots.prepare_layer_divergence(traces))
agree = drift.agreement(traces)
glue("agree_last", float(np.median(divergence[agree, -1])))
glue("disagree_last", float(np.median(divergence[~agree, -1])))

# %% [markdown]
# That the last value is larger on disagreement is no discovery: two models that choose different options must differ in the end. The picture of the way there is the interesting part.

# %% [markdown]
# ## Where do they part?
#
# Let $d_l$ be the divergence after layer $l$. The **peak divergence layer** (PDL) of a question is where it changes most from one layer to the next:
#
# $$ l^* = \arg\max_{l = 2, \dots, L} \; | d_l - d_{l-1} |. $$
#
# Layers are counted from 1, and the change from $l - 1$ to $l$ belongs to $l$. It is not where the divergence is largest, and a fall counts like a rise.

# %% tags=["remove-input"]
say(
    "For the question about plants it is layer {plants_peak_again}, with a change of {plants_jump:.2f} nats. Over all questions half of the peaks lie between layers {peak_low:.0f} and {peak_high:.0f} of {n_layers}; {peak_last:.0%} lie at the last layer.",
    plants_peak_again=int(peaks[plants]),
    plants_jump=float(np.abs(np.diff(divergence[plants])).max()),
    peak_low=float(np.quantile(peaks, 0.25)),
    peak_high=float(np.quantile(peaks, 0.75)),
    n_layers=traces.n_layers,
    peak_last=float((peaks == traces.n_layers).mean()),
)

# %% [markdown] tags=["slide-only"]
# ## Peak divergence layer
#
# - $l^* = \arg\max_{l \ge 2} |d_l - d_{l-1}|$
# - where it **changes** most, not where it is largest
# - rise or fall
# - 0.1, 0.5, 0.2, 0.3, 0.6: **which layer?**

# %% [markdown]
# ```{exercise} Where do they part?
# :label: ex-l4-peak
# `task.divergence` holds the divergence of two models for six questions (rows) after each of ten layers (columns). Find the peak divergence layer of each question: six whole numbers, layers counted from 1.
# ```

# %%
task = course.task("l4-peak", me)
print(task.divergence)
task

# %% [markdown]
# ```{solution-start} ex-l4-peak
# :class: dropdown
# ```

# %% tags=["solution"]
jumps = np.abs(np.diff(task.divergence, axis=1))  # the first column is the change from layer 1 to layer 2
task.check(jumps.argmax(axis=1) + 2)

# %% [markdown] tags=["solution"]
# `argmax` counts from 0, and the first jump leads to layer 2: hence + 2.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## How undecided from there on?
#
# The **inferential stability entropy** (ISE) of a model at a question is the mean entropy of its beliefs from the peak to the last layer, both included:
#
# $$ \mathrm{ISE} = \frac{1}{L - l^* + 1} \sum_{l = l^*}^{L} H(p^l). $$
#
# Entropies are averaged, not beliefs. That is a choice: a model that is sure of A in one layer and of B in the next has a *small* ISE by this definition, and would have a large one if beliefs were averaged first. [Chapter 4](../notebooks/04_deriving_dual_align.ipynb) compares such readings.

# %% [markdown] tags=["slide-only"]
# ## Inferential stability entropy
#
# - mean entropy from $l^*$ to $L$, both included
# - entropies averaged, not beliefs
# - sure of A, then sure of B: ISE **small or large?**

# %% tags=["slide"]
stability = {model: drift.stability_entropy(z, peaks) for model, z in logits.items()}
by_group = {m: [v[agree].mean(), v[~agree].mean()] for m, v in stability.items()}
pd.DataFrame(by_group, index=["they agree", "they disagree"]).round(3)

# %% [markdown]
# ```{exercise} How undecided from there on?
# :label: ex-l4-ise
# `task.logits` are the logits of one question after each of eight layers (rows), for four options; its peak divergence layer is `task.peak`, counted from 1. What is its ISE, in nats? Right to three decimals.
# ```

# %%
task = course.task("l4-ise", me)
task

# %% [markdown]
# ```{solution-start} ex-l4-ise
# :class: dropdown
# ```

# %% tags=["solution"]
entropies = entropy(softmax(task.logits, axis=1), axis=1)
task.check(entropies[task.peak - 1 :].mean())

# %% [markdown] tags=["solution"]
# Layer `peak`, counted from 1, is row `peak - 1`. `drift.stability_entropy(task.logits[None], np.array([task.peak]))` gives the same.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown] tags=["slide"]
# ## A claim
#
# *A low ISE of the post-trained model goes with over-confidence.*
#
# How would you test it? Which two columns would you correlate?

# %% [markdown] tags=["slide-only"]
# ## Against what?
#
# - against confidence: **cannot fail**, entropy is part of both
# - against correctness: another question
# - against confidence **minus** correctness: surer than right

# %% [markdown] tags=["slide-only"]
# ## With a calibrated control
#
# - **which row cannot fail? Which column deceives?**

# %% [markdown]
# The obvious test holds the ISE against the confidence. It cannot fail: the last layer is part of both, and there a low entropy *is* a high confidence. Over-confident means surer than right. So the column to hold it against is **confidence minus correctness**, where correctness is 1 for a right answer and 0 for a wrong one.
#
# There is a second trap. Take *means*, not a rank correlation (Spearman's, the correlation of the ranks). To see why, the table has a control: a calibrated model, made as in lesson 2 by tossing a coin for each answer. It has no over-confidence anywhere.

# %% tags=["slide"]
confidence, correct = metrics.top_label(softmax(traces.polm_final.astype(float), axis=1), traces.labels)
tossed = np.random.default_rng(0).random(len(confidence)) < confidence
low = stability["PoLM"] < np.median(stability["PoLM"])
excess = {"confidence − correctness": confidence - correct, "the same, calibrated": confidence - tossed}
columns = {"confidence": confidence, **excess}
halves = {name: {"lower-ISE half": c[low].mean(), "higher-ISE half": c[~low].mean()} for name, c in columns.items()}
claim = pd.DataFrame(halves).T
claim["difference"] = claim["lower-ISE half"] - claim["higher-ISE half"]
claim["rank correlation"] = [spearmanr(stability["PoLM"], c).statistic for c in columns.values()]
claim.round(3)

# %% [markdown] tags=["slide-only"]
# ## Two clouds
#
# - above zero: wrong answers; below: right ones
# - each cloud falls, in a calibrated model as well
# - **do the black means fall?**

# %% tags=["slide"] mystnb={"figure": {"caption": "ISE of the PoLM against confidence minus correctness; every faint point is a question, above zero where it was wrong. Black: means of ten equal groups with 95 % intervals. The correlation above is of the values, not of their ranks. What to see: whether the black means fall from left to right. They hardly do, although the two clouds both slope.", "name": "fig-l4-stability"}, "image": {"alt": "Two sloping clouds of points, wrong answers above zero and right ones below, with ten black means. The means stay between {gap_low:.2f} and {gap_high:.2f}; the half of the questions with lower entropy lies {gap_difference:+.3f} above the other half."}}
prepared = plots.prepare_stability(traces)
ax = plots.plot_stability(prepared)
glue("gap_low", float(prepared.bin_gap.min()))
glue("gap_high", float(prepared.bin_gap.max()))

# %% tags=["remove-input"]
gap = confidence - correct
error = np.sqrt(gap[low].var(ddof=1) / low.sum() + gap[~low].var(ddof=1) / (~low).sum())
apart = abs(claim["difference"].iloc[1]) > 1.96 * error
say(
    "The half with the lower ISE is surer by {confidence_difference:+.3f}; that says nothing. Its excess of confidence over correctness is larger by {gap_difference:+.3f}, with a standard error of {gap_error:.3f}. "
    "The rank correlation, {rho_gap:.2f}, looks like evidence, until one sees {rho_tossed:.2f} for the calibrated control. By the means, {claim_verdict}.",
    claim_verdict="the halves differ" if apart else "these questions do not tell the halves apart",
    confidence_difference=claim["difference"]["confidence"],
    gap_difference=claim["difference"]["confidence − correctness"],
    gap_error=float(error),
    rho_gap=claim["rank correlation"]["confidence − correctness"],
    rho_tossed=claim["rank correlation"]["the same, calibrated"],
)

# %% [markdown]
# Why do ranks deceive? Look at the two clouds. A wrong answer lies above zero by its confidence, so sure errors (low ISE) lie highest. A right one lies below zero by what it was not sure of, so sure ones lie highest there, too. Both clouds fall, in a calibrated model as well; only in the *mean* do they balance.

# %% [markdown]
# ```{exercise} A claim that tests itself
# :label: ex-l4-circular
# `task.stability`, `task.confidence` and `task.correct` are the ISE, the confidence and the correctness of another model on 200 questions. Test the claim that *a low ISE goes with over-confidence*. Cut the questions into the 100 with the lowest and the 100 with the highest ISE. Take the mean, over each half, of the
# quantity that measures over-confidence question by question, and give low half minus high half, right to three decimals.
# ```

# %%
task = course.task("l4-circular", me)
task

# %% [markdown]
# ```{solution-start} ex-l4-circular
# :class: dropdown
# ```

# %% tags=["solution"]
low = task.stability < np.median(task.stability)
gap = task.confidence - task.correct
print(f"confidence alone: {task.confidence[low].mean() - task.confidence[~low].mean():+.3f}")
task.check(gap[low].mean() - gap[~low].mean())

# %% [markdown] tags=["solution"]
# A positive value speaks for the claim. How large it must be to be more than chance, lesson 3 answers: compare it with its standard error, the root of the sum of the two halves' squared standard errors.

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# ## Quiz

# %%
course.quiz("l4")

# %% [markdown]
# ## What this lesson does not show
#
# - **What a model thinks.** The lens reads early streams with the last layer's norm and unembedding. A belief "after layer 5" is a reading, not a thought.
# - **Why they part.** A jump at layer 12 is a place, not a cause.
# - **That any of it calibrates.** Whether making two models equally undecided on the way also makes one of them honest is the question of [lesson 6](06_dual_align.ipynb).

# %% [markdown] tags=["slide"]
# ## Summary
#
# - The logit lens applies the model's last norm and unembedding after every layer, each layer normed by its own size.
# - Entropy says how undecided a belief is; $e^H$ is a number of options. JSD says how far apart two beliefs are, from 0 to $\log 2$ nats.
# - The peak divergence layer is where JSD changes most; the ISE is the mean entropy from there to the end.
# - A claim about over-confidence needs confidence *minus correctness*, and means. Against confidence it tests itself; by ranks even a calibrated model seems to confirm it.

# %% [markdown]
# Mira has found the place where her two models part. What to do with it, she does not know yet. For depth: [chapter 3](../notebooks/03_two_kinds_of_drift.ipynb).
#
# **Next:** [lesson 5, aligning](05_aligning.ipynb).
