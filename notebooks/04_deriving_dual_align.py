# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From confidence to process: deriving Dual-Align
#
# Mira wants one number, the temperature of her post-trained model. She has no right answers. What she has is the model from before, whose doubts were about right. The obvious idea is to make the new one as sure as the old.
# But how, on a question where the two choose *different* answers?
#
# This page starts from the obvious idea, finds out what goes wrong with it, and arrives at the objective of Dual-Align {cite:p}`luo2026dualalign`. Then every method is held against the right answers.
#
# | You need | [Two kinds of drift](03_two_kinds_of_drift.ipynb) |
# |---|---|
# | **Helpful** | derivatives of a logarithm |
# | **Time** | 35 minutes |
#
# **You will be able to** derive the best temperature of the plain method and say when there is none, write down both losses of Dual-Align, read its objective over the temperature, and judge a comparison of methods by its intervals.

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
from pathlib import Path

import dualalign as da
from dualalign import course, drift, metrics, plots, protocol
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "sft4"
me = "reader"

# %%
traces = da.Traces.load(f"{folder}/{pair}__arc-easy__choices.safetensors")
fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
fitting, testing = traces.select(fit), traces.select(test)
print(f"{len(fitting)} questions to fit on, {len(testing)} to judge by")

# %% [markdown]
# ## First try: align every question
#
# Let $p_g$ be the PLM's belief about a question (at its last layer), $z$ the PoLM's logits and $q_\tau = \operatorname{softmax}(z / \tau)$ what the PoLM says at temperature $\tau$. How badly does $q_\tau$ stand in for $p_g$? That is a **KL divergence**, the question's **confidence loss**:
#
# $$ C(x; \tau) = \mathrm{KL}\bigl(p_g \,\|\, q_\tau\bigr) = \sum_k p_g(k) \ln \frac{p_g(k)}{q_\tau(k)}. $$
#
# Which $\tau$ makes it smallest? Write $\beta = 1/\tau$. Then $\ln q_\tau(k) = \beta z_k - \ln \sum_j e^{\beta z_j}$. The derivative of the second term is the mean of $z$ under $q_\tau$, so
#
# $$ \frac{dC}{d\beta} = \mathbb{E}_{q_\tau}[z] - \mathbb{E}_{p_g}[z]. $$
#
# The best temperature is the one at which the PoLM expects of its own logits what the PLM's belief expects of them. The slope itself has the derivative $\mathrm{Var}_{q_\tau}[z] \ge 0$, so in $\beta$ the loss is convex: it has one valley at most. Is the slope right? Nudge $\beta$ and see:

# %%
k = testing.n_options[0]  # the rest is padding
z, p_g = testing.polm_final[0, :k].astype(float), np.exp(drift.log_softmax_options(testing.plm_final[0, :k]))
beta, h = 0.7, 1e-6
low, high = ((p_g * (np.log(p_g) - drift.log_softmax_options(b * z))).sum() for b in (beta - h, beta + h))
slope = (np.exp(drift.log_softmax_options(beta * z)) - p_g) @ z
print(f"formula {slope:.8f}, finite difference {(high - low) / (2 * h):.8f}")

# %% [markdown]
# The mean of $C$ over *all* questions gives the plain method, **align-all**. **DACA** {cite:p}`luo2025daca` takes the mean over the questions on which the models agree. Does it matter?

# %% mystnb={"figure": {"caption": "The confidence loss over the temperature: the mean over all questions (align-all) and over those on which the models agree (daca). What to see: with the questions of disagreement the lowest point lies at a higher temperature.", "name": "fig-losses"}, "image": {"alt": "Two loss curves over a logarithmic temperature axis. The loss over all questions is lowest at a temperature of {t_all:.2f}, the loss over the agreeing questions at {t_agree:.2f}."}}
ax = plots.plot_losses(plots.prepare_losses(fitting))

# %%
same = drift.agreement(fitting)
groups = {"agree": fitting.select(same), "all": fitting, "disagree": fitting.select(~same)}
found = {name: da.AlignAll().fit(rows).temperature_ for name, rows in groups.items()}

# %% tags=["remove-input"]
say(
    "Aligned on the questions of agreement alone, T = {t_agree:.2f}; on all, {t_all:.2f}; on those of disagreement alone, {t_disagree:.2f}.",
    **{f"t_{name}": t for name, t in found.items()},
)

# %% [markdown]
# Why do disagreements pull upwards? There the PLM gives the PoLM's favourite little. So $\mathbb{E}_{p_g}[z]$ is small, and only a flat $q_\tau$ can match it.
# DACA's answer is to drop those questions. Its argument: how sure the PLM is of *its own* answer says nothing about how sure to be of *another* one. [Chapter 7](07_world.ipynb) puts that to the test.

# %% [markdown]
# ### When there is no best temperature
#
# How far can a disagreement pull? At $\beta = 0$ the PoLM says every option alike, and the slope is the plain mean of $z$ less $\mathbb{E}_{p_g}[z]$. Only if that is negative does the loss fall as $\beta$ leaves 0. If it is not, **no finite temperature is best**: the loss falls for ever as
# $\tau \to \infty$. The code says so and returns no large stray number. Here the two models believe the opposite of each other:

# %%
four = traces.select(traces.n_options == 4)
z_f = four.polm_logits[:, :, :4]
opposed = da.Traces(-z_f, z_f, four.labels, four.n_options, four.question_ids)
impossible = da.AlignAll().fit(opposed)
print(impossible.temperature_, "|", impossible.reason_)

# %% [markdown]
# DACA's Proposition 3.3 gives a simpler rule: on a question of disagreement the best temperature is infinite whenever the PLM gives the PoLM's favourite less than $1/K$. For two options that
# is true (the first exercise below). For more it is not. Here the favourite has $0.2 < 1/4$, yet a finite temperature is best, since the runner-up's logit is nearly as high and the PLM gives it a lot:

# %%
g, f = np.log([[[0.2, 0.79, 0.005, 0.005]]] * 2), np.array([[[1.0, 0.9, -5.0, -5.0]]] * 2)
counter = da.Traces(g, f, labels=np.zeros(2, int), n_options=np.full(2, 4), question_ids=("a", "b"))
print(f"T = {da.AlignAll().fit(counter).temperature_:.3f}")

# %% [markdown]
# ## Second try: align how decided the models are
#
# Dropping the disagreements wastes them. What can the PLM still tell about such a question? Not which option. But perhaps how *decided*
# a model should be while it works on it. The [last chapter](03_two_kinds_of_drift.ipynb) had a number for that: the stability entropy (ISE), the mean entropy from the peak divergence layer on. The **process loss** is its squared gap, with the PoLM's logits divided by $\tau$ at all those layers:
#
# $$ S(x; \tau) = \bigl(\mathrm{ISE}_f(x; \tau) - \mathrm{ISE}_g(x; 1)\bigr)^2. $$
#
# Does a temperature have a grip on it? The entropy of $q_\tau$ changes with $\tau$ by $dH/d\tau = \mathrm{Var}_{q_\tau}[z] / \tau^3 \ge 0$: it never falls. So each question's $S$ has one valley. (Their mean can have several, so the search looks at the whole range first.) The same check:

# %%
tau, h = 1.7, 1e-5
entropy = [drift.entropy(z, t) for t in (tau - h, tau + h)]
q = np.exp(drift.log_softmax_options(z, tau))
variance = q @ z**2 - (q @ z) ** 2
print(f"formula {variance / tau**3:.8f}, finite difference {(entropy[1] - entropy[0]) / (2 * h):.8f}")

# %% [markdown]
# ## Both, weighted by the question
#
# **Dual-Align** takes both losses. Each question decides for itself how much of either it gets:
#
# $$ \min_\tau \; \frac1N \sum_x \; w(x)\, C(x; \tau) + \bigl(1 - w(x)\bigr)\, S(x; \tau), \qquad w(x) = 1 - \frac{d_L(x)}{\ln 2}. $$
#
# Here $d_L$ is the divergence of the two models at the last layer, at most $\ln 2$. Where the models end close together, $w$ is near 1 and the confidence in the answer is aligned. Where they end far apart, the process is.
# The whole objective is in one file, `dualalign/calibrators/objective.py`.

# %% tags=["hide-input"]
from IPython.display import HTML

HTML(plots.objective_explorer(fitting, name="fitting"))

# %% [markdown]
# *Interactive: the objective over the temperature, its two weighted parts, and how the questions' weights are spread. What to see: each part has its valley at another temperature; the
# weight decides between them, so give all questions the same weight, move it from 0 to 1, and watch the lowest point travel.*

# %%
halves = {name: da.METHODS[name]().fit(fitting) for name in ("confidence-only", "process-only", "dual-align")}
pd.DataFrame({"T": {n: c.temperature_ for n, c in halves.items()}, "loss": {n: c.objective_ for n, c in halves.items()}}).round(3)

# %% tags=["remove-input"]
weights = 1 - drift.layer_divergence(fitting)[:, -1] / np.log(2)
say(
    "With a mean weight of {mean_weight:.2f} the confidence loss has most of the say. Alone it would choose T = {t_confidence:.2f}, the process loss {t_process:.2f}; together they choose {t_dual:.2f}.",
    mean_weight=float(weights.mean()),
    t_confidence=halves["confidence-only"].temperature_,
    t_process=halves["process-only"].temperature_,
    t_dual=halves["dual-align"].temperature_,
)

# %% [markdown]
# ## What the public record leaves open
#
# The paper's text is not in our hands in full, and its summaries and reviews can be read in more than one way. Every reading is a named option of `DualAlign`. Below one option is changed at a time, the others stay
# at their defaults (first row). Fitted as before, judged on the held-out questions; [chapter 9](09_readings.ipynb) does this on every set.

# %%
readings = {
    "default": {},
    "entropy of the mean belief": {"aggregate": "entropy-mean"},
    "sum over layers": {"aggregate": "sum-entropy"},
    "tau divides the last layer only": {"tempered": "last"},
    "squared gaps layer by layer": {"process": "per-layer"},
    "weight by total variation": {"weight": "tv"},
    "hard weight: agreement": {"weight": "hard"},
    "fixed weight 0.5": {"weight": 0.5},
    "KL the other way round": {"kl": "polm-first"},
    "peak = largest divergence": {"peak": "max-divergence"},
    "logarithms to base 2": {"base": "2"},
}

# %%
rows = {name: da.DualAlign(**options).fit(fitting) for name, options in readings.items()}
judged = pd.DataFrame({n: {"T": c.temperature_} | protocol.judge(c, testing, draws=200) for n, c in rows.items()}).T
judged[["T", "confidence", "ece", "ece_floor", "brier", "nll"]].astype(float).round(3)

# %% tags=["remove-input"]
say(
    "Over these readings T runs from {t_low:.2f} to {t_high:.2f} and the ECE from {e_low:.3f} to {e_high:.3f}: what the record leaves open matters. "
    "The default was chosen because the record leans to it, before any of these numbers were seen, and stays.",
    t_low=float(judged["T"].min()),
    t_high=float(judged["T"].max()),
    e_low=float(judged["ece"].min()),
    e_high=float(judged["ece"].max()),
)

# %% [markdown]
# ## Every method, held against the right answers
#
# One division of the questions into a part to fit on and a part to judge by, a **split**, is one throw of the dice. So take five, the same for every method, again with 30 % to fit on. Beside the methods you know there are
#
# | method | what it does |
# |---|---|
# | `vanilla` | nothing: the PoLM as it comes |
# | `confidence-only`, `process-only` | one half of Dual-Align's objective, with its weights |
# | `basecal` | reports the PLM's probability of the PoLM's answer (**BaseCal**); fits nothing |
# | `agreement` | the temperature at which the mean confidence equals the share of questions on which the models agree |
# | `vector-scaling`, `matrix-scaling` | DACA's loss with more freedom: a factor and a shift for each option, or a whole matrix |
# | `batch` | no temperature: divides by the PoLM's mean belief, so that no option is favoured |
# | `temperature-scaling` | the temperature of the lowest NLL: the **oracle**, for it alone sees right answers |

# %%
results = protocol.compare(traces, draws=300)
summary = protocol.averaged(results).set_index("method")
others = results.groupby("method", sort=False)[["confidence", "accuracy", "brier", "nll", "auroc"]].mean()
columns = {"temperature": "T", "value": "ece", "low": "low", "high": "high", "floor": "floor"}
summary[list(columns)].rename(columns=columns).join(others).round(3)

# %% mystnb={"figure": {"caption": "Calibration error of every method on held-out ARC-Easy questions, mean over five splits, with the mean 95 % interval. (It takes off the luck that resampling adds, so it need not hold the marker.) The grey bar is the noise floor. What to see: Dual-Align, process-only and DACA lie close together, well left of align-all; only the oracle reaches its floor.", "name": "fig-methods"}, "image": {"alt": "Markers with intervals for twelve methods. The expected calibration error is {vanilla:.3f} without calibration, {align_all:.3f} with align-all, {daca:.3f} with DACA, {dual:.3f} with Dual-Align and {oracle:.3f} with the oracle."}}
ax = plots.plot_methods(plots.prepare_methods(summary.reset_index()))

# %% tags=["remove-input"]
ece = summary["value"]
label_free = ece.drop("temperature-scaling")
say(
    "Without calibration the ECE is {vanilla:.3f}. Align-all brings it to {align_all:.3f}, DACA to {daca:.3f}, Dual-Align to {dual:.3f}, the oracle to {oracle:.3f}. "
    "The lowest without right answers is that of **{best}**.",
    vanilla=ece["vanilla"],
    align_all=ece["align-all"],
    dual=ece["dual-align"],
    daca=ece["daca"],
    oracle=ece["temperature-scaling"],
    best=label_free.idxmin(),
)

# %% [markdown]
# Are such differences real? The intervals of two methods may overlap although one is always better, since both err on the same hard questions. Take the difference on the same resampled questions, the **paired difference**, and much of the noise cancels. On the first split:

# %%
mine = da.DualAlign().fit(fitting).predict_proba(testing)
pairs = {}
for name in ("vanilla", "align-all", "daca", "confidence-only", "process-only", "temperature-scaling"):
    other = da.METHODS[name]().fit(fitting).predict_proba(testing)
    scores = [metrics.top_label(p, testing.labels) for p in (mine, other)]
    d = metrics.paired_difference(metrics.ece, *scores)
    pairs[name] = {"ECE of dual-align less": d.value, "low": d.low, "high": d.high}
paired = pd.DataFrame(pairs).T
paired.round(3)

# %% tags=["remove-input"]
better = [n for n, r in paired.iterrows() if r.high < 0]
worse = [n for n, r in paired.iterrows() if r.low > 0]
say(
    "Dual-Align is clearly better (the whole interval below zero) than {better}. It is clearly worse than {worse}. The lead over DACA is {lead:.3f}: more than the luck of these questions, and small.",
    better=", ".join(better) or "none",
    worse=", ".join(worse) or "none",
    lead=abs(paired.loc["daca", "ECE of dual-align less"]),
)

# %% [markdown]
# ## Where the premise fails
#
# On ARC-Easy the PLM is calibrated. What happens on sets where it is not?

# %%
files = sorted(Path(folder).glob(f"{pair}__*__choices.safetensors"))
sets = {file.stem.split("__")[1]: da.Traces.load(file) for file in files}
chosen = ("vanilla", "align-all", "daca", "dual-align", "basecal", "temperature-scaling")
tables = {name: protocol.averaged(protocol.compare(t, chosen, draws=100)) for name, t in sets.items()}
everything = pd.concat(tables, names=["set", None]).reset_index(0)
wide = everything.pivot(index="set", columns="method", values="value")[list(chosen)]

# %%
premise = protocol.both_models(sets, draws=100).query("model == 'PLM'").set_index("set")
wide.assign(**{"the PLM": premise["ece"], "floor": premise["ece_floor"]}).sort_values("the PLM").round(3)

# %% mystnb={"figure": {"caption": "Calibration error on every set in the style choices, a panel a set; the dotted line is the ECE of the PLM itself, the grey bars are noise floors. What to see: the further right the dotted line, the larger the error that DACA and Dual-Align keep; the oracle stays near its floor everywhere.", "name": "fig-sets"}, "image": {"alt": "Seven panels of markers with intervals, one a question set. Over the sets, the error of Dual-Align and that of the PLM itself have a correlation of {follows:.2f}; align-all is lowest without right answers on {all_wins} of {n_sets} sets."}}
axes = plots.plot_sets(everything, premise["ece"])

# %% tags=["remove-input"]
without = wide.drop(columns=["vanilla", "temperature-scaling"])
say(
    "The error that Dual-Align keeps follows that of the PLM (correlation {follows:.2f} over {n_sets} sets). And there is a surprise: on {all_wins} of {n_sets} sets plain align-all has the lowest error of the label-free methods of this figure. "
    "It errs towards too little confidence, as the table of methods showed for ARC-Easy; where the PLM is over-confident, the two errors cancel in part.",
    follows=float(wide["dual-align"].corr(premise["ece"])),
    n_sets=len(wide),
    all_wins=int((without.idxmin(axis=1) == "align-all").sum()),
)

# %% [markdown]
# Mira draws two conclusions. On questions like ARC-Easy she can calibrate without a right answer. Elsewhere the result depends on which error meets which, and without right answers she cannot see that. [Chapter 10](10_why_align_all_fails.ipynb) returns to it.
#
# ## What this page does not show
#
# - **Larger models, other recipes.** One small pair. [Chapter 8](08_main_comparison.ipynb) compares the methods on all of ours.
# - **Why two errors cancel.** That this is where align-all's lead comes from is a reading of two tables, not a test. On OpenBookQA, where the PLM is calibrated, it does not explain it.
# - **The luck of the fit.** The paired intervals resample the questions to judge by, not those fitted on.
# - **The paper's own numbers.** None is quoted here; our readings are ours.
#
# ## Summary
#
# - The best temperature of the confidence loss makes the PoLM expect of its own logits what the PLM's belief expects of them. It may not exist; then the code says so.
# - Disagreements pull align-all upwards. DACA drops them; Dual-Align uses them through the process loss, by a weight for each question.
# - On ARC-Easy, where the premise holds, Dual-Align and DACA end about halfway between align-all and the oracle; Dual-Align leads by little. Where the premise fails, they keep much of the PLM's error.
# - A difference between methods needs a paired interval before it is called one.
#
# **Next:** [a live run of both models](05_live.ipynb).
#
# ```{exercise} Two options, four questions
# :label: ex-two
# Four questions with $K = 2$ options. On each, the PoLM's logit of its favourite leads the other by `lead`, and the PLM gives that favourite the probability `p_plm`. Which temperature minimises each question's confidence loss? Four numbers, two decimals; `inf` where there is no finite one.
# ```

# %%
task = course.task("two", me)
task

# %% [markdown]
# ```{solution-start} ex-two
# :class: dropdown
# ```

# %% tags=["solution"]
log_odds = np.log(task.p_plm / (1 - task.p_plm))
answer = np.where(log_odds > 0, task.lead / np.abs(log_odds), np.inf)
print(answer.round(2))
task.check(answer)

# %% [markdown] tags=["solution"]
# With two options $q_\tau$ can match $p_g$ exactly: $1/(1 + e^{-\text{lead}/\tau}) = p$ gives $\tau = \text{lead} / \ln\frac{p}{1-p}$. For $p \le \tfrac12$ no positive $\tau$ does. The slope at $\beta = 0$ is then
# $\text{lead}\,(\tfrac12 - p) \ge 0$, and since $C$ is convex in $\beta$ the loss is smallest at $\beta = 0$. So for two options DACA's rule is right.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Where is there a best temperature?
# :label: ex-finite
# Five questions with four options each: row $i$ of `p_plm` is the PLM's belief, row $i$ of `z_polm` holds the PoLM's logits. For which questions is a finite temperature best? A list of five: `True` where it is, `False` where the loss falls for ever.
# ```

# %%
task = course.task("finite", me)
pd.concat({"p_plm": pd.DataFrame(task.p_plm), "z_polm": pd.DataFrame(task.z_polm)}, axis=1)

# %% [markdown]
# ```{solution-start} ex-finite
# :class: dropdown
# ```

# %% tags=["solution"]
slope_at_zero = task.z_polm.mean(axis=1) - (task.p_plm * task.z_polm).sum(axis=1)
print(slope_at_zero.round(2))
task.check(slope_at_zero < 0)

# %% [markdown] tags=["solution"]
# Neither agreement nor the favourite's probability decides it. What counts is whether the PLM expects more of the PoLM's logits than their plain mean.

# %% [markdown]
# ```{solution-end}
# ```
