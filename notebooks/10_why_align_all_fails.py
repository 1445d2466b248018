# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why aligning on everything fails, and when it does not
#
# On some questions Mira's two models give different answers. May she use these questions to fit a temperature? DACA {cite:p}`luo2025daca` throws them away: aligning on disagreements, it says, makes the PoLM under-confident. Is that so? And why?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [The controlled world](07_world.ipynb) |
# |---|---|
# | **Helpful** | convex functions of one variable; what the optimiser Adam does; [Holm's correction](08_main_comparison.ipynb) |
# | **Time** | 35 minutes |
#
# **You will be able to**
#
# - say from two means whether a method's temperature is too high;
# - tell an optimum from a stop;
# - decide whether a question has a finite best temperature;
# - judge a claim about under-confidence with an interval.
#
# One line of algebra decides the temperature. With it three things that look alike come apart: what the PLM does not know, where an optimiser happened to stop, and questions that have no best temperature at all.
#
# The answer in short: align-all ends at too high a temperature where the PLM does not know what its PoLM knows. Where the PLM is itself over-confident, the one error takes off some of the other.

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
from dualalign import align_all, course, drift, early_stopping, metrics, plots, protocol
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
results = "../data/results"
me = "reader"
recipes = ["sft1", "sft4", "sft1-full", "dpo", "rlvr", "sft1-dpo", "sft1-dpo-rlvr"]
closely = ["sft4", "rlvr", "dpo"]  # one of each loss
main_pair, main_set = "sft4", "arc-easy"
rates = (0.05, 0.1)  # of the published text, and of its code
draws = 4000  # of each bootstrap; Holm's correction asks for many

# %%
pairs = {p: da.Traces.load(f"{folder}/{p}__{main_set}__choices.safetensors") for p in recipes}
splits = {p: next(protocol.enumerate_splits(t, 0.3, [0]))[1] for p, t in pairs.items()}
fitting = {p: t.select(splits[p][0]) for p, t in pairs.items()}
print(f"{len(pairs)} pairs on {main_set}, {len(fitting[main_pair])} questions to fit on in each split")

# %% [markdown]
# ## What decides the temperature?
#
# Suppose somebody hands you a belief $b(x)$ over the options of every question. Which temperature brings the PoLM closest to it?
#
# Write $\beta = 1/T$ and $q_\beta = \operatorname{softmax}(\beta z_f)$, where $z_f$ are the PoLM's logits. The loss $-\sum_k b_k \ln q_\beta(k)$ is convex in $\beta$, and its slope is
#
# $$ \mathbb{E}_{q_\beta}[z_f] - \mathbb{E}_b[z_f]. $$
#
# So the best $\beta$ is where two means of the *same* logits meet, averaged over the questions: what the PoLM expects of its logits, and what the belief expects of them.
#
# - Take the PLM's belief $p_g$ for $b$: that is `align-all`.
# - Take the truth $\pi$ (the exact chances of each answer, or the labels): that is the temperature of least log loss, $T^\star$.
#
# A check on the main pair. At align-all's temperature the two means should be equal:

# %%
traces = fitting[main_pair]
tau = early_stopping.optimum(traces, "align-all")
q = np.exp(drift.log_softmax_options(traces.polm_final, tau))
means = [align_all.expected_logit(traces, belief).mean() for belief in (q, align_all.plm_belief(traces))]
print(f"T = {tau:.4f}: under the PoLM {means[0]:.6f}, under the PLM {means[1]:.6f} (largest logit = 0)")

# %% [markdown]
# ### Is align-all's temperature too high?
#
# Look at the slope of align-all's loss *at the true temperature*. There $\mathbb{E}_q[z_f]$ and $\mathbb{E}_\pi[z_f]$ have the same mean, so the slope is
#
# $$ \Delta = \operatorname{mean}_x \big( \mathbb{E}_\pi[z_f] - \mathbb{E}_{p_g}[z_f] \big) = \Delta_{\text{agree}} + \Delta_{\text{disagree}}. $$
#
# The two parts are sums over the questions on which the models agree, and over the others, each divided by the number of all questions. If the slope is positive, a smaller $\beta$ is better, and $T$ ends above $T^\star$. Nothing else enters:
#
# > **Align-all's temperature is too high exactly if $\Delta > 0$** (where $T^\star$ is finite)**:** if the PLM's beliefs expect less of the PoLM's logits than the truth does.
#
# DACA sums over agreement only. At $T^\star$ it leaves out
#
# $$ R = \operatorname{mean}_x \mathbb{1}[\text{disagree}] \, \big(\mathbb{E}_q[z_f] - \mathbb{E}_\pi[z_f]\big), $$
#
# the PoLM's excess on disagreement. So DACA's slope there is $\Delta_{\text{agree}} - R$. Two forces: what the PLM lacks on agreement pushes DACA's temperature up, and leaving out the questions on which the PoLM is most over-confident pushes it down.
#
# Both slopes against finite differences of the losses, on the main pair:

# %%
traces = pairs[main_pair]
beta, h, agree = 1 / da.TemperatureScaling().fit(traces).temperature_, 1e-4, drift.agreement(traces)
p_g, z_f = align_all.plm_belief(traces), traces.polm_final.astype(float)
log_q = (np.nan_to_num(drift.log_softmax_options(z_f, 1 / b), neginf=0) for b in (beta + h, beta - h))  # padding: 0
above, below = (-(p_g * found).sum(axis=1) for found in log_q)  # the loss of each question
slope = (above - below) / (2 * h)
truth, plm, polm = (align_all.expected_logit(traces, b) for b in (None, p_g, np.exp(drift.log_softmax_options(z_f, 1 / beta))))
left_out = (~agree * (polm - truth)).mean()
print(f"align-all: Delta {(truth - plm).mean():.4f}, finite difference {slope.mean():.4f}")
print(f"DACA: Delta_agree - R {(agree * (truth - plm)).mean() - left_out:.4f}, finite difference {(agree * slope).mean():.4f}")

# %% [markdown]
# ### Where the PLM's belief is exact
#
# In the [controlled world](07_world.ipynb) $\pi$ is known. If $p_g = \pi$, every term of $\Delta$ is 0, on agreement and on disagreement, whatever became of the PoLM. In `sharpen` and `reversed` the PLM of that world has learned nearly all there is to know. In `added` and `mixed`, post-training adds knowledge that was hidden from it. In `doubled` its logits were doubled, which makes it over-confident. After SFT, in logits divided by $T^\star$:

# %%
from dualalign.lab.world import STUDIES
from dualalign.lab.world.run import Run

run = Run.load(f"{results}/world_seed0.safetensors")
studies = ["sharpen-sft", "reversed-sft", "added-sft", "mixed-sft", "doubled-sharpen-sft"]
world = {n: align_all.forces(run.traces(STUDIES[n]), run.pi[STUDIES[n].questions])["value"] for n in studies}
pd.DataFrame(world).T.round(3)

# %% [markdown]
# `agree` and `disagree` are the two parts of $\Delta$, `left out` is $R$. The last two columns are the slopes of both methods.

# %% tags=["remove-input"]
exact = [n for n in studies if n.startswith(("sharpen", "reversed"))]
frame = pd.DataFrame(world).T
say(
    "- *Belief exact* but for what one pass of training left: the PLM lacks at most {largest_exact:.3f}.\n"
    "- *Knowledge added:* it lacks {added_agree:.3f} on agreement and {added_apart:.3f} on disagreement, and align-all ends too high.\n"
    "- *Logits doubled:* it lacks {doubled:+.3f} in all. An over-confident PLM pulls align-all *below* $T^\\star$.\n"
    "- DACA's slope is below zero in {below} of the {rows} rows: there what it leaves out outweighs the rest.",
    largest_exact=float(frame.loc[exact, ["agree", "disagree"]].abs().max().max()),
    added_agree=frame.agree["added-sft"],
    added_apart=frame.disagree["added-sft"],
    doubled=frame["align-all"]["doubled-sharpen-sft"],
    below=int((frame.daca < 0).sum()),
    rows=len(frame),
)

# %% [markdown]
# ### Where it is calibrated on average only
#
# A real PLM can be calibrated on average and still not know what its PoLM knows. Then the questions on which they disagree are not a random sample. There the PLM has chosen its own answer, and the PoLM has seen reason to leave it. So *there* one expects the PLM's belief in its own answer to be too high, and in the PoLM's answer too low.
#
# This is regression to the mean: choose cases by what one judge saw and the other did not, and the other judge's estimates are off in a known direction. Is it so on our pairs? In the table `gap` is belief less accuracy, `low` to `high` its 95 % interval.

# %%
apart = pd.concat({p: align_all.on_disagreement(t) for p, t in pairs.items()}, names=["pair", "belief in the"])
apart.round(3)

# %% tags=["remove-input"]
own, other = (apart.xs(name, level=1) for name in ("PLM's answer", "PoLM's answer"))
say(
    "On disagreement the PLM's belief in its own answer is above that answer's accuracy for {own_high} of {n_recipes} pairs (the whole 95 % interval), and its belief in the PoLM's answer is below that answer's accuracy for {other_low}. "
    "That is the first half of DACA's argument. The second half is what this does to the temperature:",
    own_high=int((own.low > 0).sum()),
    other_low=int((other.high < 0).sum()),
    n_recipes=len(pairs),
)

# %% mystnb={"figure": {"caption": "Forces on the temperature at T*, the temperature of least log loss, ARC-Easy, all questions; 95 % intervals. Left: what the PLM's belief lacks on agreement and on disagreement, and what DACA leaves out, in logits divided by T*. Right: the slopes of both losses there; right of zero the method ends above T*. What to see: in sum the PLM lacks more on agreement, in every row, though several intervals overlap; DACA's slopes lie nearer to zero than align-all's.", "name": "fig-forces"}, "image": {"alt": "Two panels of dot plots with a row for each of {n_pairs} pairs. Left, three parts of the force: in sum the PLM lacks more on agreement than on disagreement in {more_agree} rows. Right, the slopes: align-all's is above zero, whole interval, in {align_high} rows, DACA's in {daca_high}."}}
forces = pd.concat({p: align_all.forces(t) for p, t in pairs.items()}, names=["pair", "part"])
axes = plots.plot_forces(forces)

# %% tags=["remove-input"]
part = forces["value"].unstack()
low = forces["low"].unstack()
share = pd.Series({p: drift.agreement(t).mean() for p, t in pairs.items()})
say(
    "Align-all's slope at $T^\\star$ is above zero, whole interval, for {align_high} of {n_pairs} pairs, DACA's for {daca_high}. In sum the PLM lacks more on agreement than on disagreement for {more_agree} of them; but agreement also holds more of the questions. Per question it is {more_each} of {n_pairs_again}. (These are point values.) "
    "The disagreements make up only {share_low:.0%} to {share_high:.0%} of align-all's $\\Delta$. The rest DACA keeps.",
    align_high=int((low["align-all"] > 0).sum()),
    daca_high=int((low["daca"] > 0).sum()),
    more_agree=int((part["agree"] > part["disagree"]).sum()),
    more_each=int((part["agree"] / share > part["disagree"] / (1 - share)).sum()),
    n_pairs_again=len(part),
    share_low=(part["disagree"] / part["align-all"]).min(),
    share_high=(part["disagree"] / part["align-all"]).max(),
    n_pairs=len(part),
)

# %% [markdown]
# Why does DACA still come nearer? It drops what the PLM lacks on disagreement, and it leaves out the PoLM's excess there, which belongs to the true slope. The second is an error of its own, of the opposite sign. Two errors that cancel in part are a fact about these pairs, not a principle: in the world above the second one is the larger.
#
# ## Does the optimiser arrive?
#
# The published protocol does not solve for the optimum. It runs the optimiser Adam from $T = 1$ for 400 epochs, in batches of 256 questions; an epoch takes as many steps as there are batches. The rate is 0.05 in the text and 0.1 in the code. Here is that protocol, replicated step by step:

# %% mystnb={"figure": {"caption": "Temperature over the epochs of the published protocol, for align-all (▼) and DACA (▲) at both rates; ARC-Easy, questions to fit on of the first split. Dashed: the exact optima; vertical line: 400 epochs, where the protocol stops; the markers at the right edge name the optima. What to see: for sft4 and rlvr the faster paths have nearly arrived at 400; for dpo no path has, and there the two methods still lie almost on top of one another.", "name": "fig-tau"}, "image": {"alt": "Three panels, one a pair, with four rising curves of the temperature over 2,000 epochs and two dashed levels. For dpo at rate 0.1, align-all stands at {tau_align:.1f} after 400 epochs and DACA at {tau_daca:.1f}, while their optima are {goal_align:.1f} and {goal_daca:.1f}."}}
paths = {p: plots.prepare_tau_paths(fitting[p], rates) for p in closely}
axes = plots.plot_tau_paths(paths)
for method in ("align-all", "daca"):
    glue(f"tau_{method.split('-')[0]}", float(paths[closely[-1]].paths[method, max(rates)][400]))
    glue(f"goal_{method.split('-')[0]}", float(paths[closely[-1]].optima[method]))

# %% [markdown]
# A step of Adam is at most about as long as the rate. It is shorter while the slope fades, since Adam divides a short memory of the slope by a longer one. The loss is flat at large $T$: its slope in $T$ falls like $1/T^2$. So the larger the optimum, the further from it the protocol stops. **Stopping early is a hidden regulariser:** it pulls the temperature towards where it started.
#
# What does that do to the error? Fit on five splits and judge on the held-out questions. First, how far the temperature came in 400 epochs, as a ratio to the optimum (geometric means over the splits):

# %%
stops = {p: early_stopping.stops(t, rates=rates, epochs=(400, 2000) if p in closely else (400,), draws=draws) for p, t in pairs.items()}
stops = pd.concat(stops, names=["pair", None]).reset_index(0)
wide = {"index": "pair", "columns": ["method", "rate"]}
published = stops[stops.epochs == 400]
published.pivot(**wide, values="distance").loc[recipes].round(2)

# %% [markdown]
# Then the ECE on the held-out questions. A rate of 0 stands for the optimum.

# %%
reached = stops[stops.epochs.isin([0, 400])]
floor = reached.groupby("pair").floor.mean()
errors = reached.pivot(**wide, values="ece").sort_index(axis=1).loc[recipes]
errors.columns = [f"{method} {rate:g}" for method, rate in errors.columns]
errors.assign(floor=floor).round(3)

# %% mystnb={"figure": {"caption": "Held-out ECE over the temperature (line), and where each method ends: filled at the optimum, open after 400 epochs. Means over five splits, ARC-Easy; the dotted line is the noise floor. Where a stop has arrived, its open marker hides the filled one (DACA in sft4 and rlvr). What to see: for sft4 and rlvr every end lies right of the valley, so stopping early is nearer to it; for dpo DACA's optimum is in the valley and both methods' stops lie left of it.", "name": "fig-stops"}, "image": {"alt": "Three panels of a valley-shaped error curve over a logarithmic temperature axis, with filled and open markers of align-all and DACA. For dpo DACA's optimum has an ECE of {dpo_optimum:.3f}, its stop at rate 0.05 {dpo_stop:.3f}; for rlvr {rlvr_optimum:.3f} and {rlvr_stop:.3f}."}}
grid = np.geomspace(2, 48, 25)
ends = {p: (grid, early_stopping.ece_curve(pairs[p], grid), stops[stops.pair == p]) for p in closely}
axes = plots.plot_stops(ends)
for name in ("dpo", "rlvr"):
    glue(f"{name}_optimum", errors.loc[name, "daca 0"])
    glue(f"{name}_stop", errors.loc[name, "daca 0.05"])

# %% [markdown]
# Which of these differences are more than noise? For each pair, method and rate: ECE after 400 epochs less ECE at the optimum (`minus`), on the same resampled questions, with Holm's correction over all of them. Those that remain:

# %%
tested = published.assign(adjusted=protocol.holm(published["p"]))
clear = tested[tested.adjusted < 0.05].set_index(["pair", "method", "rate"])
clear[["distance", "minus", "low", "high", "adjusted"]].round(3)

# %% tags=["remove-input"]
furthest = published.reset_index(drop=True).loc[published["distance"].argmin()]
reach = stops[stops.pair == furthest.pair].set_index(["method", "rate", "epochs"])["temperature"]
say(
    "Of {tests} comparisons {lower} have a lower ECE than their optimum and {higher} a higher one. The furthest stop is that of {far_method} on `{far_pair}` at rate {far_rate:g}: {far:.0%} of the optimum. "
    "There align-all and DACA stop at T = {same_align:.2f} and {same_daca:.2f}, while their optima are {true_align:.1f} and {true_daca:.1f} (geometric means over the five splits; the figure shows the first).",
    tests=len(tested),
    lower=int((clear.minus < 0).sum()),
    higher=int((clear.minus > 0).sum()),
    far_method=furthest.method,
    far_pair=furthest.pair,
    far_rate=furthest.rate,
    far=furthest.distance,
    **{f"same_{m.split('-')[0]}": reach[m, furthest.rate, 400] for m in ("align-all", "daca")},
    **{f"true_{m.split('-')[0]}": reach[m, 0.0, 0] for m in ("align-all", "daca")},
)

# %% tags=["remove-input"]
gained = tested.reset_index(drop=True).loc[tested["minus"].argmin()]
say(
    "With {draws_used} resamples no corrected value is below {least_p:.3f}. The largest gain of stopping early, {gained:+.3f} ({gained_low:+.3f} to {gained_high:+.3f}) for {gained_method} on `{gained_pair}` at rate {gained_rate:g}, {gained_word} the correction.",
    draws_used=draws,
    least_p=len(tested) * 2 / (draws + 1),
    **dict(gained=gained.minus, gained_method=gained.method, gained_pair=gained.pair, gained_rate=gained.rate),
    **dict(gained_low=gained.low, gained_high=gained.high),
    gained_word="survives" if gained.adjusted < 0.05 else "does not survive",
)

# %% [markdown]
# So whether the hidden regulariser helps depends on where the optimum lies. If that is too high, stopping short is a gain that nobody chose. If it is about right, stopping far short is a loss. And a comparison of two methods that both stop early partly compares their speed.
#
# Does patience settle it? After 2,000 epochs, five times as many:

# %%
late = stops[stops.epochs == 2000]
table = {"T / optimum": late.pivot(**wide, values="distance"), "ECE": late.pivot(**wide, values="ece")}
pd.concat(table, axis=1).loc[closely].round(3)

# %% [markdown]
# ### Other starts
#
# Does the start matter? Align-all at rate 0.1 for 400 epochs, from starts between 0.02 and 100; the last row is the optimum.

# %%
from dualalign.calibrators.adam import adam_path

starts = (0.02, 0.1, 1, 3, 10, 30, 100)
kept = {p: early_stopping.kept_questions(fitting[p], "align-all") for p in closely}
ended = {p: [adam_path(fitting[p], kept[p], 0.1, 400, start=s)[-1] for s in starts] for p in closely}
optima = pd.DataFrame({p: [early_stopping.optimum(fitting[p], "align-all")] for p in closely}, index=["optimum"])
pd.concat([pd.DataFrame(ended, index=pd.Index(starts, name="start")), optima]).round(2)

# %% tags=["remove-input"]
say(
    "For `dpo` the same method at the same rate ends anywhere from {start_low:.1f} to {start_high:.1f}. From starts above the optimum all pairs come within {above:.0%} of it.",
    start_low=min(ended["dpo"]),
    start_high=max(ended["dpo"]),
    above=max(abs(t / optima[p].iloc[0] - 1) for p in closely for s, t in zip(starts, ended[p], strict=True) if s > optima[p].iloc[0]),
)

# %% [markdown]
# ### Few questions
#
# With few questions an epoch is one step, and a sample's optimum can lie anywhere. DACA on 60 random samples of ten questions of `dpo`; then with the two models exchanged, so that the reference is the surer one, as an over-confident foreign reference would be.

# %%
both = {"as it is": pairs["dpo"], "exchanged": early_stopping.exchanged(pairs["dpo"])}
small = {name: early_stopping.few_questions(t, 10, 60) for name, t in both.items()}
useless = {name: (t.adam < t.exact / 2) | (t.adam > 2 * t.exact) for name, t in small.items()}
columns = {n: [len(t), t.exact.median(), useless[n].mean(), (t.adam < 0).mean()] for n, t in small.items()}
names = ["samples", "median optimum", "off by more than a factor of 2", "negative"]
pd.DataFrame.from_dict(columns, orient="index", columns=names).round(3)

# %% tags=["remove-input"]
worst = small["exchanged"].loc[small["exchanged"].adam.idxmin()]
say(
    "A negative temperature turns the least likely option into the favourite. It arises where the optimum is small: steps of 0.1 jump over zero, and the loss has no guard there. In one sample the optimum is {worst_exact:.3f} and the protocol stops at {worst_adam:.2f}.",
    worst_exact=worst.exact,
    worst_adam=worst.adam,
)

# %% [markdown]
# This book therefore fits exactly, and keeps the replica for comparison. The numbers below are exact fits.
#
# ## Which questions have no best temperature?
#
# Now take a single question. Its loss is convex in $\beta$, and it rises in the end, because $p_g$ gives every option something. So it has a minimum at some $\beta > 0$ exactly if its slope at $\beta = 0$ is negative. At $\beta = 0$ the PoLM is uniform. Hence:
#
# > **A question has a finite best temperature exactly if the PLM's mean of the PoLM's logits exceeds their plain mean:** $\mathbb{E}_{p_g}[z_f] > \frac1K \sum_k z_f(k)$.
#
# DACA's Proposition 3.3 gives another rule: there is none where the PLM holds the PoLM's favourite less likely than $1/K$. [Chapter 4](04_deriving_dual_align.ipynb)'s question once more:

# %%
z, g = np.array([1.0, 0.9, -5.0, -5.0]), np.array([0.2, 0.79, 0.005, 0.005])
beta = np.linspace(0, 2, 20001)[:, None]
loss = np.log(np.exp(beta * z).sum(axis=1)) - beta[:, 0] * (g @ z)  # -sum g log q
best = 1 / beta[loss.argmin(), 0]
print(f"favourite {g[z.argmax()]:.2f} < 1/4; E_g[z] = {g @ z:.3f} > mean {z.mean():.3f}; best T = {best:.2f}")

# %% [markdown]
# The PLM doubts the PoLM's favourite, but not what the PoLM *says*: that the answer is one of the first two. The rule says nothing of favourites above $1/K$. Who reads it as *exactly where* is wrong there too:

# %%
z, g = np.array([1.0, 0.95, 0.95, -10.0]), np.array([0.3, 0.02, 0.02, 0.66])
loss = np.log(np.exp(beta * z).sum(axis=1)) - beta[:, 0] * (g @ z)
print(f"favourite {g[z.argmax()]:.2f} > 1/4; E_g[z] = {g @ z:.3f} < mean {z.mean():.3f}; least loss at beta = {beta[loss.argmin(), 0]:g}")

# %% [markdown]
# The least loss at $\beta = 0$ means $T = \infty$: no finite optimum.
#
# With two options the two rules are one, because $\mathbb{E}_{p_g}[z_f] - \operatorname{mean} z_f = (p_g(\text{favourite}) - \tfrac12)(z_1 - z_2)$, where $z_1$ is the larger logit. With more options they are one only where the PoLM gives all rivals the same logit.
#
# By brute force, on random questions: a question has a finite optimum if its loss at one of 400 values of $\beta$ is below its value at 0. Read as *exactly where*, how often is each rule wrong?

# %%
rng, counts = np.random.default_rng(0), {}
beta = np.geomspace(1e-4, 60, 400)[:, None, None]
for k in (2, 3, 4, 5, 8):
    z, g = rng.normal(0, 2, (2000, k)), rng.dirichlet(np.ones(k), 2000)
    z -= z.max(axis=1, keepdims=True)
    loss = np.log(np.exp(beta * z).sum(-1)) - beta[..., 0] * (g * z).sum(-1)
    finite = loss.min(axis=0) < np.log(k)
    criterion, rule = (g * z).sum(1) > z.mean(1), g[np.arange(2000), z.argmax(1)] >= 1 / k
    counts[k] = {"finite": finite.mean(), "criterion wrong": (criterion != finite).mean(), "1/K wrong": (rule != finite).mean()}
brute = pd.DataFrame(counts).T.rename_axis("options")
brute.round(4)

# %% [markdown]
# The few questions on which the criterion seems wrong have an optimum so near to $\beta = 0$ that the grid cannot show it.
#
# And on our pairs? Of the disagreeing questions, the share without a finite optimum (`none`), without one by the rule of $1/K$ (`rule`), by the rule but not in fact (`false alarm`), and in fact but not by the rule (`missed`). The last column is the share of the *agreeing* questions with none.

# %%
finite = align_all.finite_optima(pairs)
finite.round(3)

# %% mystnb={"figure": {"caption": "Share of questions whose own best temperature lies at or below T, where the models agree and where they do not, ARC-Easy. What to see: most disagreeing questions have a finite best temperature, a higher one than the agreeing questions have; a minority has none, which the legend counts.", "name": "fig-own"}, "image": {"alt": "Three panels of two rising curves each: agreement reaches one, disagreement stays well below one. In the panels shown {drawn_low:.0%} to {drawn_high:.0%} of the disagreeing questions have no finite best temperature."}}
axes = plots.plot_own_temperatures({p: plots.prepare_own_temperatures(pairs[p]) for p in closely})
glue("drawn_low", float(finite["none"][closely].min()))
glue("drawn_high", float(finite["none"][closely].max()))

# %% tags=["remove-input"]
say(
    "{none_low:.0%} to {none_high:.0%} of the disagreeing questions have no finite optimum; the rule names {rule_says_low:.0%} to {rule_says_high:.0%}, about {alarm_share:.0%} of them wrongly. "
    "All other disagreeing questions pull towards a temperature that is finite.",
    none_low=finite["none"].min(),
    none_high=finite["none"].max(),
    rule_says_low=finite["rule"].min(),
    rule_says_high=finite["rule"].max(),
    alarm_share=(finite["false alarm"] / finite["rule"]).mean(),
)

# %% [markdown]
# ## Is an ECE a difference of means?
#
# DACA's Proposition 3.2 turns a difference of mean confidence and accuracy into an ECE. In general only one direction holds. With $c$ the confidence and $a(c)$ the accuracy at that confidence,
#
# $$ \mathrm{ECE} = \mathbb{E}\,\big| c - a(c) \big| \;\ge\; \big|\, \mathbb{E}[c] - \mathbb{E}[a] \,\big|, $$
#
# with equality exactly if $c - a(c)$ does not change its sign. A case with two levels, each for half of the questions:

# %%
level, accuracy = np.array([0.5, 0.9]), np.array([0.7, 0.7])
print(f"ECE {np.abs(level - accuracy).mean():.2f}, |mean confidence - accuracy| {abs((level - accuracy).mean()):.2f}")

# %% [markdown]
# Under-confident where it is unsure, over-confident where it is sure: the means agree, and the ECE does not vanish. On our pairs, after align-all, on held-out questions of the first split:

# %%
bounds = {}
for name, t in pairs.items():
    told = protocol.at_temperature(t.select(splits[name][1]), early_stopping.optimum(fitting[name], "align-all"))
    c, right = metrics.top_label(told.values, told.outcomes)
    bounds[name] = {"ECE": metrics.ece(c, right), "|gap|": abs(c.mean() - right.mean()), "floor": metrics.ece_floor(c)}
bounds = pd.DataFrame(bounds).T
bounds.assign(excess=(bounds["ECE"] - bounds["|gap|"]).clip(lower=0)).round(3)

# %% tags=["remove-input"]
say(
    "The ECE exceeds the gap of the means by up to {excess:.3f}, {floor_word} its own noise floor. Where the two are close, the PoLM errs in one direction at nearly every level. A gap near zero would say little about the ECE.",
    excess=float((bounds["ECE"] - bounds["|gap|"]).max()),
    floor_word="below" if ((bounds["ECE"] - bounds["|gap|"]) < bounds["floor"]).all() else "in places above",
)

# %% [markdown]
# ## Does aligning on disagreements make the PoLM under-confident?
#
# The [ledger](20_ledger.ipynb), which sets our evidence beside the paper's claims, counts this as claim 4. The test: fit on agreement only, on all questions, on disagreement only. Then take mean confidence less accuracy over *all* held-out questions.
#
# Five splits; questions are resampled, the same ones for all three fits. The settings are every recipe on the main set, and the main pair on every other set. Holm's correction runs over the whole table. `under` and `over`: found to be under- or over-confident.

# %%
others = ["arc-challenge", "openbookqa", "csqa", "piqa", "mmlu", "medmcqa"]
sets = {s: da.Traces.load(f"{folder}/{main_pair}__{s}__choices.safetensors") for s in others}
settings = pairs | {f"{main_pair}, {s}": t for s, t in sets.items()}
gaps = pd.concat({n: align_all.aligned_gaps(t, draws=draws) for n, t in settings.items()}, names=["setting", "fit"])

# %%
single = gaps[gaps.index.get_level_values("fit").isin(align_all.FITS)]
verdict = align_all.verdicts(single).unstack()[list(align_all.FITS)]
values = single["value"].unstack()[list(align_all.FITS)].round(3)
pd.concat({"confidence less accuracy": values, "verdict": verdict}, axis=1).loc[list(settings)]

# %% mystnb={"figure": {"caption": "Mean confidence less accuracy on held-out questions after aligning on three kinds of questions, 95 % intervals. The first seven rows are ARC-Easy, the others the main pair on other sets. Left of zero the PoLM is under-confident. The intervals are not corrected and the verdicts of the table are, so an interval can miss zero where the table says undecided. What to see: in each row disagreement lies furthest left; where the row as a whole lies depends on the set.", "name": "fig-gaps"}, "image": {"alt": "Dot plot with {settings} rows of three intervals each. Aligned on disagreement only, every row lies furthest left; there the PoLM is under-confident in {under} rows, over-confident in {over}, undecided in {undecided}."}}
ax = plots.plot_aligned_gaps(gaps)

# %% [markdown]
# Where a row lies seems to depend on the PLM. So put the PLM's own gap beside it. `after` is the PoLM's gap after aligning on disagreement only. `shift` is what that differs by from aligning on agreement only, with its paired interval.

# %%
premise = protocol.both_models({main_set: pairs[main_pair]} | sets, draws=200).query("model == 'PLM'").set_index("set")
premise["PLM's gap"] = premise["confidence"] - premise["accuracy"]
shift = gaps.xs("disagree - agree", level=1)
rows = {s: shift.loc[main_pair if s == main_set else f"{main_pair}, {s}"] for s in premise.index}
after = {s: gaps["value"][(main_pair if s == main_set else f"{main_pair}, {s}", "disagree")] for s in premise.index}
beside = premise[["PLM's gap", "ece", "ece_floor"]].assign(after=after, shift={s: r.value for s, r in rows.items()})
beside.assign(low={s: r.low for s, r in rows.items()}, high={s: r.high for s, r in rows.items()}).round(3)

# %% tags=["remove-input"]
words = {word: int((verdict["disagree"] == word).sum()) for word in ("under", "over", "undecided")}
on_main = verdict.loc[list(pairs)]
ruled = "so in every setting" if words["under"] == len(verdict) else "so in none" if not words["under"] else "so in some settings, not in general,"
apart_sets = verdict.loc[[n for n in verdict.index if n not in pairs]]

# %% tags=["remove-input"]
say(
    "- **As a shift, yes:** aligning on disagreements instead of agreements lowers the mean confidence in {shifted} of {settings} settings (whole paired interval).\n"
    "- **As a state, it depends:** after aligning on disagreement only the PoLM is under-confident in {under}, over-confident in {over} and undecided in {undecided}: {ruled} on our pairs. (The ledger asks for the settings as a whole.)\n"
    "- On {main_name}, where the PLM's own gap is {plm_gap:+.3f}, it is under-confident for {main_under} of {main_n} recipes. But there aligning on *agreement* alone leaves {agree_main_under} of them under-confident, too.\n"
    "- On the main pair's other sets aligning on agreement alone leaves it over-confident in {agree_over} of {n_sets}, aligning on all in {all_over}, on disagreement alone in {disagree_over_sets}.",
    shifted=int((shift.high < 0).sum()),
    settings=len(shift),
    **words,
    **dict(ruled=ruled, main_name=main_set, plm_gap=premise["PLM's gap"][main_set], main_n=len(on_main), n_sets=len(apart_sets)),
    main_under=int((on_main["disagree"] == "under").sum()),
    agree_main_under=int((on_main["agree"] == "under").sum()),
    **{name: int((apart_sets[fit] == "over").sum()) for name, fit in (("agree_over", "agree"), ("all_over", "all"), ("disagree_over_sets", "disagree"))},
)

# %% tags=["remove-input"]
say(
    "Over the {n_rank} sets the PLM's own gap and the gap after aligning on disagreement have a rank correlation of {rank:.2f}. (So few sets make that a hint.)",
    rank=beside["PLM's gap"].corr(beside["after"], method="spearman"),
    n_rank=len(beside),
)

# %% [markdown]
# So when does align-all *not* end too high? Where $\Delta \le 0$. Beside an exact PLM ($\Delta = 0$) it ends at the true temperature. Where the PLM is so over-confident that its excess outweighs what it does not know, it ends below, and fails the other way. There it can still be nearer to the truth than DACA, because two errors of opposite sign cancel in part. Without labels nobody can see which case holds.
#
# ## What this page does not show
#
# - **That disagreements should be dropped, or kept.** Both are bets on $\Delta$. The derivation says what the bet is about; only labels, or a world with known truth, can settle it.
# - **Independent evidence.** All pairs share one PLM, and the recipes on ARC-Easy share their questions. Seven rows that agree are not seven experiments.
# - **The noise of a fit.** Intervals resample the questions that judge, with every fitted temperature as it is; five splits average over the fits. So the paired intervals of a shift are narrow.
# - **The original's runs.** The replica follows the published protocol step by step, in double precision, with our seeds and on our models.
# - **The propositions' wording.** We know them from the public record, and state what holds in our own letters.
#
# ## Summary
#
# - Two means of the same logits decide the temperature. Align-all ends above $T^\star$ exactly if the truth expects more of the PoLM's logits than the PLM's beliefs do.
# - A PLM that is calibrated on average can underestimate the PoLM where the two disagree. What it lacks where they *agree* counts as well, and DACA keeps that.
# - The published protocol stops early, the further from the optimum the larger that is. That can help or hurt, and it blurs the difference between methods.
# - A question has a finite best temperature exactly if $\mathbb{E}_{p_g}[z_f]$ exceeds the plain mean of $z_f$. Read as *exactly where*, the rule of $1/K$ is right in general for two options only.
# - Aligning on disagreements lowers confidence. Whether the result is *under*-confident depends on the PLM as well.
#
# Mira keeps her disagreements in mind, and does not hope that dropping them mends what her PLM does not know.
#
# **Next:** [how many questions does it need?](11_how_many_questions.ipynb) The slips met here stand in the [errata](22_errata.ipynb).
#
# ```{exercise} Too high or too low?
# :label: ex-lacking
# Four questions with three options each: `polm_logits` holds $z_f$, `plm` the PLM's probabilities, and `right` the right option of each question, counted from 0. What is $\Delta$? Three decimals. (Then look at its sign: does align-all end above $T^\star$ here?)
# ```

# %%
task = course.task("lacking", me)
task

# %% [markdown]
# ```{solution-start} ex-lacking
# :class: dropdown
# ```

# %% tags=["solution"]
z = task.polm_logits
truth = z[np.arange(4), task.right]  # all of the truth lies on the right option
plm = (task.plm * z).sum(axis=1)
delta = (truth - plm).mean()
print(f"align-all ends {'above' if delta > 0 else 'below'} T*")
task.check(delta)

# %% [markdown] tags=["solution"]
# With labels, $\mathbb{E}_\pi[z_f]$ is the logit of the right option. Note what is *not* needed: $T^\star$ itself, and the PoLM's probabilities.
#
# A PLM that is uniform on every question, and admits that it knows nothing, is calibrated. Yet $\mathbb{E}_{p_g}[z_f]$ is then the plain mean of the logits, no question has a finite optimum, and align-all answers $T = \infty$. Calibration is not knowledge.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How far can it walk?
# :label: ex-speed
# Adam starts at $T = 1$ with the rate `rate`, in batches of `batch` questions, on `questions` questions. The last batch of an epoch may be smaller. The optimum is `optimum`. Suppose that no step is longer than the rate. How many epochs does it take at least? A whole number.
# ```

# %%
task = course.task("speed", me)
task

# %% [markdown]
# ```{solution-start} ex-speed
# :class: dropdown
# ```

# %% tags=["solution"]
import math

steps_an_epoch = math.ceil(task.questions / task.batch)
steps = (task.optimum - 1) / task.rate
print(f"{steps:.1f} steps at least, {steps_an_epoch} in an epoch")
task.check(math.ceil(round(steps / steps_an_epoch, 6)))

# %% [markdown] tags=["solution"]
# The true number is far larger. Adam divides a short memory of the slope by a long one; the slope falls like $1/T^2$ while the long memory still holds the steep start, so the steps shrink.

# %% [markdown]
# ```{solution-end}
# ```
