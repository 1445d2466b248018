# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Errata, with arithmetic
#
# Mira reads DACA {cite:p}`luo2025daca`, the paper that Dual-Align grew from, with a pencil in her hand. A proposition makes her stop: is that true for four options? A table makes her stop: would a perfect model not score the same?
#
# Careful papers hold slips, and so does this book. None of those below takes anything from DACA's idea, without which these pages would not exist.
#
# | You need | [Calibration](02_reliability.ipynb), [Deriving Dual-Align](04_deriving_dual_align.ipynb) |
# |---|---|
# | **Helpful** | the paper beside you, version 2 |
# | **Time** | 20 minutes |
#
# **You will be able to** check each entry yourself, and say which of them changes a conclusion.
#
# Each entry says what is written, what we find, and whether it matters. Where arithmetic can decide, it runs here. A number that only differs between text and table is quoted from both. A later version of the paper may have mended any of them.

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
from dualalign import course, drift, metrics
from dualalign.book import say
from dualalign.experiments import table as results_table

# %% tags=["parameters"]
folder = "../data/traces"
subjects, questions = 57, 14042
draws = 300
me = "reader"

# %% [markdown]
# ## 1. When is the best temperature infinite?
#
# Take a question on which the two models disagree. Is there a temperature at which the PoLM fits the PLM best, or does the fit improve for ever as the temperature grows?
#
# *Written* (Proposition 3.3): on a disagreeing question the temperature that aligns the PoLM with the PLM is infinite whenever the PLM gives the PoLM's favourite less than $1/K$.
#
# *Found*: true for two options, false for three and more. Here is a question with four. The PoLM narrowly prefers the first option, the PLM clearly the second.

# %%
z_f, p_g = np.array([1.0, 0.9, -5.0, -5.0]), np.array([0.2, 0.79, 0.005, 0.005])
one = da.Traces(np.log(p_g)[None, None].repeat(2, 1), z_f[None, None].repeat(2, 1), [1], [4], ("example",))
twice = one.select([0, 0])  # a fit asks for two questions; the same one twice has the same optimum
best = da.AlignAll().fit(twice)
pd.DataFrame({"logit of the PoLM": z_f, "PLM": p_g, "PoLM at the best T": np.exp(drift.log_softmax_options(z_f[None], best.temperature_))[0]}, index=[*"ABCD"]).round(3)

# %% tags=["remove-input"]
say(
    "The PLM gives the PoLM's favourite {plm:.2f}, less than 1/4. Yet the best temperature is finite: {best:.2f}.\n\nThe rule that holds was [derived before](10_why_align_all_fails.ipynb): the best temperature is finite exactly where the PLM's mean of the PoLM's logits exceeds their plain mean. "
    "Here these are {under_plm:+.2f} and {plain:+.2f}.",
    plm=p_g[0],
    best=best.temperature_,
    under_plm=p_g @ z_f,
    plain=z_f.mean(),
)

# %% [markdown]
# How often does it matter? Take the disagreeing questions of our main pair, and count those to which the proposition gives an infinite temperature, and those that have one.

# %%
main = da.Traces.load(f"{folder}/sft4__arc-easy__choices.safetensors")
apart = main.select(~drift.agreement(main))
g, z = np.exp(drift.log_softmax_options(apart.plm_final)), np.where(apart.mask, apart.polm_final, 0.0)
said = g[np.arange(len(apart)), apart.polm_final.argmax(axis=1)] < 1 / apart.n_options
true = (g * z).sum(axis=1) <= z.sum(axis=1) / apart.n_options
pd.crosstab(pd.Series(said, name="infinite by the proposition"), pd.Series(true, name="infinite in fact"))

# %% tags=["remove-input"]
say(
    "The proposition gives {said_share:.0%} of these {n} questions an infinite temperature, the criterion {true_share:.0%}. On {wrong:.0%} the two differ.\n\n"
    "*Does it change a conclusion?* No: the proposition explains why disagreements raise the temperature, and they do. It does change [who is to blame](10_why_align_all_fails.ipynb).",
    said_share=said.mean(),
    true_share=true.mean(),
    n=len(apart),
    wrong=(said != true).mean(),
)

# %% [markdown]
# ## 2. A noise floor of several per cent
#
# How small can an error get, if it is averaged over small subjects?
#
# *Written* (Table 1): ECE averaged over MMLU's subjects, about 8 to 10 % for the calibrated models.
#
# *Found*: with ten bins and some 246 questions a subject, even a *perfectly calibrated* model shows a good part of that. This is its [noise floor](02_reliability.ipynb).
#
# The floor depends on the confidences. So here are three sets of them: those of our PoLM at its oracle temperature, uniform ones, and very sure ones. MCE is the error of the worst bin.

# %%
rng = np.random.default_rng(0)
each, pooled = questions // subjects, questions
oracle = da.TemperatureScaling().fit(main).confidence(main)
drawn = {"our PoLM, calibrated": rng.choice(oracle, pooled), "uniform in 0.25 to 1": rng.uniform(0.25, 1, pooled), "mostly above 0.9": 1 - 0.75 * rng.beta(0.5, 4, pooled)}
floors = {
    name: {
        "ECE by subject": np.mean([metrics.ece_floor(c[i * each : (i + 1) * each], draws=draws) for i in range(subjects)]),
        "MCE by subject": np.mean([metrics.noise_floor(metrics.mce, c[i * each : (i + 1) * each], draws=draws) for i in range(subjects)]),
        "ECE, all together": metrics.ece_floor(c, draws=draws),
    }
    for name, c in drawn.items()
}
pd.DataFrame(floors).T.round(3)

# %% tags=["remove-input"]
table = pd.DataFrame(floors).T
say(
    "Averaged over the subjects, a perfect model shows an ECE of {low:.1%} to {high:.1%}, and an MCE of {mce_low:.0%} to {mce_high:.0%}. Over all questions together the ECE is {pooled_low:.1%} to {pooled_high:.1%}.\n\n"
    "*Does it change a conclusion?* It narrows one. The floor itself moves by {floor_span:.1f} points with the confidences, so a difference of a point or two between calibrated models may be one of floors. That an uncalibrated post-trained model is far off stands.",
    low=table["ECE by subject"].min(),
    high=table["ECE by subject"].max(),
    floor_span=100 * np.ptp(table["ECE by subject"]),
    mce_low=table["MCE by subject"].min(),
    mce_high=table["MCE by subject"].max(),
    pooled_low=table["ECE, all together"].min(),
    pooled_high=table["ECE, all together"].max(),
)

# %% [markdown]
# ## 3. Better than supervision?
#
# Can a method without labels beat one that has them?
#
# *Written*: on MMLU the label-free method beats supervised temperature scaling. There the supervised temperature is fitted on a subject's validation questions, about 27.
#
# *Found*: 27 labels are few. How few? Here is the held-out ECE of temperature scaling on our main pair by the number of labels, against that of DACA without any.

# %%
results = results_table.load("../data/results/table", ["size"])
rows = results[(results.experiment == "size") & (results.pair == "sft4") & (results["set"] == "arc-easy") & (results.metric == "ece")]
by_n = rows[rows.method.isin(["daca", "temperature-scaling"])].groupby(["n", "method"])["value"].agg(["mean", "std"]).unstack("method")
by_n.round(3)

# %% [markdown]
# Each row is a mean over random draws of so many questions, with its standard deviation. DACA gets the same questions without labels. (Of all questions there is one draw.)

# %% tags=["remove-input"]
mean, spread = by_n["mean"], by_n["std"]
say(
    "Our rows lie on both sides of 27 labels:\n\n"
    "- With 20, supervision is at {sup_20:.3f} and DACA at {daca_20:.3f}. That is about even, but supervision spreads {wider:.1f} times as much over the draws: one draw may come out either way.\n"
    "- With 50, supervision is at {sup_50:.3f} and DACA at {daca_50:.3f}.\n\n"
    "*Does it change a conclusion?* It narrows one. On our pair supervision is ahead on average from {ahead_from} labels on, and 27 are not far above. What a supervisor with a few hundred labels would do, the comparison does not say.",
    ahead_from=int(mean.index[mean["temperature-scaling"] < mean["daca"]].min()),
    sup_20=mean["temperature-scaling"][20],
    daca_20=mean["daca"][20],
    wider=spread["temperature-scaling"][20] / spread["daca"][20],
    sup_50=mean["temperature-scaling"][50],
    daca_50=mean["daca"][50],
)

# %% [markdown]
# ## 4. A Brier score that does not move
#
# Can calibration remove thirty points of error and leave the Brier score where it was?
#
# *Written* (Table 7, row 1): calibration takes the ECE from 35.8 % to 5.8 %, and the top-label Brier score from .219 to .218.
#
# *Found*: the top-label Brier score is the mean of $(c - y)^2$. Sort the questions into the bins of the ECE. In bin $b$, with a share $w_b$ of the questions, the mean of $c - y$ is the gap $g_b$. Then
#
# $$
# \text{Brier} = \sum_b w_b\, g_b^2 + \text{rest}, \qquad \text{ECE} = \sum_b w_b\, |g_b| .
# $$
#
# The rest is the variance of $c - y$ inside the bins. The first sum is the calibration error that the score holds. It is at least $\text{ECE}^2$, by Jensen's inequality. It is at most the ECE, for no gap is larger than 1.
#
# Is it so? Here are all our pairs on ARC-Easy, as they come:

# %%
from pathlib import Path

parts = {}
for path in sorted(Path(folder).glob("*__arc-easy__c*.safetensors")):
    traces = da.Traces.load(path)
    c, y = metrics.top_label(np.exp(drift.log_softmax_options(traces.polm_final)), traces.labels)
    bins = pd.DataFrame({"bin": np.ceil(10 * c), "off": c - y}).groupby("bin")["off"]
    weight = bins.size() / len(c)
    first, rest = (weight * bins.mean() ** 2).sum(), (weight * bins.var(ddof=0)).sum()
    parts[path.stem] = {"ECE squared": metrics.ece(c, y) ** 2, "first sum": first, "ECE": metrics.ece(c, y), "left over": metrics.top_label_brier(c, y) - first - rest}
parts = pd.DataFrame(parts).T
assert parts["ECE squared"].le(parts["first sum"]).all()
assert parts["first sum"].le(parts["ECE"]).all()
parts.agg(["min", "max"]).round(3)

# %% [markdown]
# Now the row of the paper. What can be calibration error in it, and what is left for the rest?

# %%
quoted = pd.DataFrame({"ECE": [0.358, 0.058], "Brier": [0.219, 0.218]}, index=["before", "after"])
least, most = quoted.ECE**2, quoted.ECE.clip(upper=quoted.Brier)
rest = pd.DataFrame({"rest, at least": quoted.Brier - most, "rest, at most": quoted.Brier - least})
quoted.assign(**{"first sum, at least": least, "first sum, at most": most}).join(rest).round(3)

# %% tags=["remove-input"]
say(
    "Before, at most {rest_before:.3f} of the score is rest; afterwards at least {rest_after:.3f}. So calibration would have made the confidences much worse at telling right from wrong. But one temperature hardly changes their order. "
    "Averages over seeds or subjects obey the same bounds. So at least one of the four numbers is probably not of this row.\n\n"
    "*Does it change a conclusion?* No, it is one row.",
    rest_before=rest["rest, at most"]["before"],
    rest_after=rest["rest, at least"]["after"],
)

# %% [markdown]
# ## 5. Four hundred epochs are a regulariser
#
# Is the temperature that was published the best one, or the last one?
#
# *Written* (Figure 2b): the temperature of naive alignment over epochs of Adam, used after 400 of them.
#
# *Found*: the curve has not arrived there. Stopping early keeps the temperature small, which the analysis does not mention. An exact solver finds a larger one.
#
# *Does it change a conclusion?* Partly: the error of naive alignment depends on when one stops. The arithmetic takes a chapter: [why aligning on everything fails](10_why_align_all_fails.ipynb) replays the protocol beside the exact optimum.
#
# ## 6. Text and tables
#
# These entries need the paper beside you. The numbers are calibration errors in per cent.
#
# | where | written | found |
# |---|---|---|
# | text, main table | the text: Qwen3-8B, 8.566 | the table has 8.393 |
# | text on SFT and DPO | the text: 25.193 | that is the row of RLVR; SFT and DPO have 25.120 |
# | Table 10 | DeepSeek-V3 with Qwen2.5-7B: 6.990 ± 0.102 | the same digits as the PLM's own row |
# | several tables | MCE 10.000 ± 0.000 | five seeds hardly give one number to five digits, unless it is a constant of the code |
# | Figure 6 | one diagram each for SFT and for DPO | the two are the same diagram |
# | Figure 5 | "accuracy above a threshold" | the curve reads like accuracy within a bin, see [decisions](17_decisions.ipynb) |
#
# *Do they change a conclusion?* No.
#
# ## What this page does not show
#
# - **That the paper is wrong.** Its main result is that agreement carries a usable signal. The [main comparison](08_main_comparison.ipynb) checks that on our pairs.
# - **That the quotes are exact.** The table of section 6 was made from the public record, not from the typeset paper. Hold it against the paper before you cite it.
# - **Our own slips.** They go into the changelog when we find them. Please [report](https://github.com/dualalign/dualalign/issues) those that we have not found.
# - **Dual-Align's own tables.** They are not in our hands, so nothing here is about them.
#
# ## Summary
#
# - Proposition 3.3 holds for two options. For more, a finite temperature may exist where it sees none, and on our main pair it often does.
# - An ECE averaged over small subjects has a floor of several points. It needs that floor printed beside it.
# - One row of one table asks for more than a temperature can do. A few numbers differ between text and table.
# - No entry overturns the paper's conclusion. Two narrow a comparison. One changes the reason: see [why aligning on everything fails](10_why_align_all_fails.ipynb).
#
# Mira's pencil marks did not cost DACA its place on her list. She now asks for the floor beside every error that she reads.
#
# **Next:** the [symbols](../symbols.md), the [glossary](../glossary.md), or a class: [the course](../course/index.md).
#
# ```{exercise} Where infinity begins
# :label: ex-errata-two
# A PoLM gives four options the logits `logits`; the first is its favourite. A PLM gives that favourite the probability $p$, and splits the rest over the other three in the proportions `shares`.
# Below which $p$ is the best temperature of this question infinite? Answer to three decimals. (The rule is in section 1.)
# ```

# %%
task = course.task("errata-two", me)
task

# %% [markdown]
# ```{solution-start} ex-errata-two
# :class: dropdown
# ```

# %% tags=["solution"]
others = task.shares @ task.logits[1:]  # the PLM's mean of the logits, were the favourite impossible
threshold = (task.logits.mean() - others) / (task.logits[0] - others)
task.check(threshold)

# %% [markdown] tags=["solution"]
# The PLM's mean of the PoLM's logits is $p z_1 + (1 - p)\,m$, where $m$ is the mean of the other three under `shares`. The temperature is infinite where this does not exceed the plain mean $\bar z$, that is for
# $p \le (\bar z - m)/(z_1 - m)$.
#
# If the rest is split evenly, this is $1/K$: then the proposition is right. With two options there is nothing to split, so for $K = 2$ it is always right, and the threshold is one half.

# %% [markdown]
# ```{solution-end}
# ```
