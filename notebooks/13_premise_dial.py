# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The premise dial: what each method inherits from the PLM
#
# Mira's temperature rests on trust in one model, the PLM. She asks the question that a careful person asks of any reference: if it is wrong, how wrong am I?
#
# That can be found out, because the PLM's confidence is easy to spoil on purpose. This page turns it like a dial, from timid to cocksure, and watches how much of the error each method takes over.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | [A world where the truth is known](07_world.ipynb); covariance |
# | **Time** | 25 minutes |
#
# **You will be able to** say what share of a reference's error a method inherits, derive why that share is smaller where all questions are aligned, say when plain `align-all` beats DACA and Dual-Align, and judge
# whether a calibrated PLM would be enough.

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
from dualalign import course, drift, experiments, metrics, plots, protocol
from dualalign.book import glue, say
from dualalign.experiments import premise
from dualalign.experiments.unit import Name

# %% tags=["parameters"]
folder = "../data/traces"
results = "../data/results/table"
pair = "sft4"
main_set = "arc-easy"
me = "reader"

# %%
table = experiments.load(results, ["premise"])
dial = plots.prepare_dial(table)
inherited = plots.prepare_inherited(table)
here = dial[(dial.pair == pair) & (dial.set == main_set)]
share = inherited.pivot(index=["pair", "set"], columns="method", values="value")
compared = experiments.load(results, ["main"])  # as they come, each pair in its own style
compared = compared[[Name(*key).own_style for key in zip(*(compared[c] for c in ("pair", "set", "style", "variant")), strict=True)]]
style = table.loc[table["pair"] == pair, "style"].iloc[0]

# %% tags=["remove-input"]
say(
    "**In short.** A PLM that is wrong makes the methods that follow it wrong. Of a change of its error they take over, on average over {combinations} combinations of pair and set:\n\n"
    "- plain `align-all` {plain:.0%}, less than Dual-Align in {plain_below} of them;\n"
    "- Dual-Align {dual:.0%};\n"
    "- DACA {daca:.0%}.\n\n"
    "So {least} resists a wrong PLM best of these three. What ignores the PLM's confidence takes over nothing. "
    "(All layers of the PLM are made wrong alike. The last section asks what changes for Dual-Align if only the last one is.)",
    least=f"`{share[['align-all', 'dual-align', 'daca']].mean().idxmin()}`",
    dual=share["dual-align"].mean(),
    daca=share["daca"].mean(),
    plain=share["align-all"].mean(),
    plain_below=int((share["align-all"] < share["dual-align"]).sum()),
    combinations=len(share),
)

# %% [markdown]
# ## The dial
#
# Multiply the PLM's logits by $s > 0$. Its answers stay, and so does its accuracy. Its confidence falls for $s < 1$ and rises for $s > 1$. The labels say which $s$ is best, so every other $s$ is an error that we know.
#
# Call **gap** the mean confidence of a model less its accuracy. It is positive for an over-confident model. Both are measured on held-out questions. The dial is turned for those and for the questions to fit on alike.

# %%
own = here[(here.method == "plm") & here.setting.isin(["0.25", "0.5", "1", "2", "4", "labels"])]
own.set_index("setting")[["scale", "gap", "gap_spread", "ece", "floor", "ece_spread"]].round(3)

# %% [markdown]
# Means over the same five splits as [before](04_deriving_dual_align.ipynb), 30 % of the questions to fit on and 70 % to judge by. `gap_spread` and `ece_spread` are standard deviations over the splits. `floor` is the ECE of a perfectly calibrated model with these confidences.
#
# The row `labels` is the PLM *repaired*: its $s$ has the least log loss on the labels of the questions to fit on. More of that below.
#
# **Which logits?** Dual-Align reads inner layers too. We multiply all layers by the same $s$. Every lens ends in the same unembedding matrix, so this is a PLM with $s$ times that matrix: one model, sharper
# or flatter as a whole. Peak layer, weights and stability entropies are then computed anew. One could multiply the last layer alone; that would tear it off the others. We measured
# that too, and [come back to it](#the-last-layer-alone).
#
# The grid of $s$ was fixed beforehand: from a quarter to four, each the last times $\sqrt 2$. Labels enter two fits only: that of the repaired PLM and that of the oracle.
#
# ## What one temperature can follow
#
# If the PLM becomes a little surer, how far does the fitted temperature follow? Before the results, a prediction.
#
# Write $z_g$ and $z_f$ for the final logits of PLM and PoLM on one question $x$. The dialled PLM believes $p_{g,s} = \operatorname{softmax}(s z_g)$, the tempered PoLM $q_\beta = \operatorname{softmax}(\beta z_f)$, with $\beta = 1/T$. `align-all` and DACA minimise the mean of $\mathrm{KL}(p_{g,s} \,\|\, q_\beta)$ over their questions. At the optimum the PoLM's expected logits are
# [equal under both beliefs](04_deriving_dual_align.ipynb):

# %% [markdown]
# $$
# \sum_x \mathbb{E}_{q_\beta}[z_f] = \sum_x \mathbb{E}_{p_{g,s}}[z_f].
# $$
#
# Turn the dial a little. The left side changes by $\operatorname{Var}_{q_\beta}(z_f)\, d\beta$ and the right side by $\operatorname{Cov}_{p_{g,s}}(z_g, z_f)\, ds$, question by question. So

# %% [markdown]
# $$
# \frac{d\beta}{ds} = \frac{\sum_x \operatorname{Cov}_{p_{g,s}}(z_g, z_f)}{\sum_x \operatorname{Var}_{q_\beta}(z_f)}.
# $$ (eq-follow)
#
# In words: a question pulls the temperature along as far as the two models' logits *rise and fall together* under the PLM's belief. Where they agree on the answer, they mostly do. Where they disagree, the dial makes the PLM surer of an option that the PoLM
# does not prefer, and the pull should be weaker, or even backward.

# %%
traces = da.Traces.load(f"{folder}/{Name(pair, main_set, style)}.safetensors")
fit, test = next(metrics.repeated_splits(traces.question_ids, traces.groups, 0.3, [0]))
fitting, testing = traces.select(fit), traces.select(test)
z_g, z_f = (np.where(fitting.mask, z, 0).astype(float) for z in (fitting.plm_final, fitting.polm_final))
p_g, agree = np.exp(drift.log_softmax_options(fitting.plm_final)), drift.agreement(fitting)
covariance = (p_g * z_g * z_f).sum(1) - (p_g * z_g).sum(1) * (p_g * z_f).sum(1)

# %%
rows = {}
for name, chosen in (("align-all", np.full(len(fit), True)), ("daca", agree)):
    beta = {s: 1 / da.METHODS[name]().fit(premise.dialled(fitting, s)).temperature_ for s in (0.99, 1.0, 1.01)}
    q = np.exp(drift.log_softmax_options(fitting.polm_final, 1 / beta[1.0]))
    variance = (q * z_f**2).sum(1) - (q * z_f).sum(1) ** 2
    formula = covariance[chosen].sum() / variance[chosen].sum()
    rows[name] = {"β": beta[1.0], "dβ/ds by formula": formula, "by difference": (beta[1.01] - beta[0.99]) / 0.02}
pd.DataFrame(rows).T.round(4)

# %% tags=["remove-input"]
say(
    "The formula holds. The mean covariance is {cov_agree:.2f} on the agreeing questions and {cov_other:.2f} on the others, where it is negative for {cov_negative:.0%} of them. So a method that keeps the disagreements should follow the PLM less. ({cov_share:.0%} of the questions that this split fits on are disagreements.)",
    cov_agree=covariance[agree].mean(),
    cov_other=covariance[~agree].mean(),
    cov_negative=(covariance[~agree] < 0).mean(),
    cov_share=(~agree).mean(),
)

# %% [markdown]
# ## What happens
#
# One pair and one set first. Three controls cannot move, because the dial changes no answer: `vanilla` ignores the PLM, `agreement` reads only whether the answers are the same, `temperature-scaling` reads labels.

# %% mystnb={"figure": {"caption": "The dial on ARC-Easy. Left: each method's temperature over the factor of the PLM's logits; the dotted line is the factor that the labels choose. Right: mean confidence less accuracy of each method over that of the PLM; on the thick grey diagonal all of the PLM's error is inherited. What to see: the aligned methods turn with the dial, none of them as steeply as the diagonal but process-only; align-all and basecal are the flattest; the controls are level.", "name": "fig-dial"}, "image": {"alt": "Two panels: falling curves of temperature over the dial, and rising curves of the methods' gap over the PLM's gap, with horizontal controls. On this set align-all takes over {here_all:.0%} of the PLM's error, Dual-Align {here_dual:.0%}, DACA {here_daca:.0%}."}}
shown = ["align-all", "basecal", "daca", "dual-align", "process-only", "agreement", "temperature-scaling", "vanilla"]
calibrated = here.loc[(here.method == "plm") & (here.setting == "labels"), "scale"].iloc[0]
axes = plots.plot_dial(here, shown, calibrated)

# %% [markdown]
# `basecal` has no temperature. How much calibration does the dial cost? The gap and the ECE with the PLM as it comes and with its logits doubled (`floor` and `spread` are means over the two):

# %%
two = here[here.setting.isin(["1", "2"]) & here.method.isin(shown)].groupby("method")
at = {setting: here[here.setting == setting].set_index("method") for setting in ("1", "2")}
numbers = pd.DataFrame({f"{q}, s={setting}": at[setting][q] for setting in at for q in ("gap", "ece")}).loc[shown]
numbers.assign(floor=two["floor"].mean(), spread=two["ece_spread"].mean()).round(3)

# %% [markdown]
# `align-all` shows two errors that offset each other: it is too unsure with the PLM as it comes, and doubling the PLM's logits takes just that away. For `basecal` a small gap hides a larger ECE. Here is its gap with doubled logits, one split, where the models agree and where they do not:

# %%
doubled = [premise.dialled(part, 2.0) for part in (fitting, testing)]
error = da.BaseCal().fit(doubled[0]).confidence(doubled[1]) - (testing.polm_final.argmax(1) == testing.labels)
pd.Series(error).groupby(drift.agreement(testing)).mean().rename({True: "agree", False: "disagree"}).round(3)

# %% [markdown]
# Too sure on the one kind, too unsure on the other: the mean of the two is near zero, the ECE is not.
#
# ### On every set
#
# Does `align-all` come out ahead on every set, once the PLM is too sure?

# %% mystnb={"figure": {"caption": "Calibration error over the PLM's own gap, all sets of one pair. Bars are standard deviations over five splits, the thick grey line is the largest noise floor of the methods drawn (a method with a smaller floor can lie below it), the dotted line is the PLM as it comes. What to see: most curves fall to a valley and rise, on MedMCQA and PIQA they only rise; at the right end align-all has the smallest error of the four methods that follow the PLM's confidence.", "name": "fig-dial-errors"}, "image": {"alt": "Seven panels, one a question set, with curves of calibration error over the gap of the PLM for align-all, DACA, Dual-Align and BaseCal, most of them a valley, and level lines for agreement and temperature scaling. At the right end, at a factor of 4, align-all has the smallest error of the four in {end_best} of {end_sets} sets."}}
drawn = ["align-all", "daca", "dual-align", "basecal", "agreement", "temperature-scaling"]
at_end = dial[(dial.pair == pair) & (dial.setting == "4")].pivot(index="set", columns="method", values="ece")[drawn[:4]]
glue("end_best", int((at_end.idxmin(axis=1) == "align-all").sum())), glue("end_sets", len(at_end))
axes = plots.plot_dial_errors(dial[dial.pair == pair], drawn)

# %% [markdown]
# ## How much is inherited
#
# How much of the PLM's error does a method take over? Let the PLM's logits go from half to double, and divide the rise of the method's gap by the rise of the PLM's. That is the **inherited share**. One means all of the PLM's error, zero none of it.
# No accuracy changes, so it is a quotient of two changes of mean confidence.
#
# Each interval comes from 200 resamples: the questions to fit on and those held out are drawn anew, and every method is fitted anew. So it knows the noise of the fit as well as that of the test. It is the interval of a single split; the dot
# is the mean of five. The main pair was dialled on all seven sets, the other pairs on the three of this figure.

# %% mystnb={"figure": {"caption": "Inherited share, with 95 % intervals, a panel a set, a row a pair. Zero: nothing of the PLM's error is inherited. One: all of it. What to see: in every row align-all and basecal stand left of DACA; process-only stands at one or right of it; the two pairs with SmolLM2 separate the methods most.", "name": "fig-inherited"}, "image": {"alt": "Three panels of dots with intervals, five methods for each pair. Over all pairs and sets align-all inherits {align_min:.0%} to {align_max:.0%}, DACA {daca_min:.0%} to {daca_max:.0%}, Dual-Align {dual_min:.0%} to {dual_max:.0%}, and process-only {process_min:.0%} to {process_max:.0%}."}}
sets = ["arc-easy", "openbookqa", "mmlu"]
axes = plots.plot_inherited(inherited, ["align-all", "basecal", "daca", "dual-align", "process-only"], sets)

# %%
main_share = inherited[(inherited.pair == pair) & (inherited.set == main_set)].set_index("method")
for key, method in (("all", "align-all"), ("dual", "dual-align"), ("daca", "daca")):
    glue(f"here_{key}", main_share.value[method])
main_share.loc[[*premise.DIALLED, *premise.CONTROLS], ["value", "low", "high", "least", "most"]].round(3)

# %% [markdown]
# That was the main pair on the main set: the share, its interval from `low` to `high`, and the `least` and the `most` over the five splits. And over all combinations:

# %%
ends = share[["align-all", "basecal", "daca", "dual-align", "process-only"]].agg(["min", "mean", "max"]).T
for method in ("align-all", "daca", "dual-align", "process-only"):
    glue(f"{method.split('-')[0]}_min", ends["min"][method]), glue(f"{method.split('-')[0]}_max", ends["max"][method])
ends.round(2)

# %% tags=["remove-input"]
bounds = inherited.set_index(["pair", "set", "method"])[["low", "high"]].unstack("method")
apart = {m: int((bounds["high"]["align-all"] < bounds["low"][m]).sum()) for m in ("daca", "dual-align")}
say(
    "The whole interval of `align-all` lies below that of DACA in {apart_daca} of {all_combinations} combinations, and below that of Dual-Align in {apart_dual}. Dual-Align inherits less than DACA in {dual_below}.",
    all_combinations=len(share),
    apart_daca=apart["daca"],
    apart_dual=apart["dual-align"],
    dual_below=int((share["dual-align"] < share["daca"]).sum()),
)

# %% [markdown]
# Why so? Here is the rise of mean confidence from half to double once more, in one split, on the held-out questions where the models agree and where they do not:

# %%
rise = {}
for method in ("plm", "align-all", "daca", "dual-align", "basecal"):
    turned = [(premise.dialled(fitting, s), premise.dialled(testing, s)) for s in (premise.HALF, premise.DOUBLE)]
    if method == "plm":
        low, high = (np.exp(drift.log_softmax_options(t.plm_final)).max(1) for _, t in turned)
    else:
        low, high = (da.METHODS[method]().fit(f).confidence(t) for f, t in turned)
    both = drift.agreement(testing)
    rise[method] = {"all": (high - low).mean(), "agree": (high - low)[both].mean(), "disagree": (high - low)[~both].mean()}
pd.DataFrame(rise).T.round(3)

# %% [markdown]
# - **DACA** copies on agreement, where the two models' logits move together. One temperature makes the expected logits equal there, not the confidences. So even there it need not rise as far as the PLM.
# - **`align-all`** feels the pull of the disagreements, which is weaker, and here and there backward.
# - **`basecal`** gives the PLM's belief in the PoLM's answer. Where that answer is not the PLM's, the belief *falls* as the PLM grows surer.
# - **`process-only`** reads no answer, only how decided the PLM is. An entropy does not know on which option the PLM has decided, so disagreement does not soften the copy. Dual-Align gives this loss its largest weight on the disagreeing questions,
#   in place of the soft pull that `align-all` has there.
#
# The shares of `basecal` and `align-all` are close, and that is no accident. Suppose that on every question the PoLM's logits had two values, the favourite's a fixed step above the rest. An expected logit is then the step times the belief in the favourite, plus a constant.
# So equal expected logits are equal mean beliefs in the PoLM's favourite: the mean confidence of `align-all` is that of `basecal`. Checked on the questions to fit on, with a PoLM made so:

# %%
favourite = np.arange(z_f.shape[1]) == fitting.polm_final.argmax(1)[:, None]
steps = np.where(fitting.mask, 4.0 * favourite, -np.inf)[:, None].repeat(fitting.polm_logits.shape[1], axis=1)
stepped = da.Traces(fitting.plm_logits, steps, fitting.labels, fitting.n_options, fitting.question_ids)
{m: round(float(da.METHODS[m]().fit(stepped).confidence(stepped).mean()), 6) for m in ("align-all", "basecal")}

# %% tags=["remove-input"]
agreement = compared[compared.metric == "agreement"].set_index(["pair", "set"])["value"].loc[share.index]
say(
    "The real logits have more than two values, and the two shares differ by {twins_mean:.2f} on average and by {twins_max:.2f} at most.\n\n"
    "Do the disagreements really make the difference? The more often two models agree, the more `align-all` should inherit. Over the combinations the rank correlation is {rank_plain:+.2f} for `align-all`, and {rank_daca:+.2f} for DACA, which does not see the disagreements.",
    twins_mean=(share["align-all"] - share["basecal"]).abs().mean(),
    twins_max=(share["align-all"] - share["basecal"]).abs().max(),
    rank_plain=share["align-all"].corr(agreement, method="spearman"),
    rank_daca=share["daca"].corr(agreement, method="spearman"),
)

# %% [markdown]
# ### The end of the dial
#
# What if the reference is sure of everything? Let $s$ grow without end. The PLM then stakes everything on its own answer $a_g$, and $\mathrm{KL}(p_{g,s} \,\|\, q)$ becomes $-\ln q(a_g)$. So `align-all` ends as *temperature scaling with the PLM's answers as labels*. Each disagreement
# is a label that the PoLM gets wrong, and that keeps the temperature up. DACA sees only questions on which the PoLM is right by these labels. Nothing holds it: its temperature falls to the lower edge of the search.

# %%
sure = premise.dialled(fitting, 1e5)
answers = da.Traces(fitting.plm_logits, fitting.polm_logits, fitting.plm_final.argmax(1), fitting.n_options, fitting.question_ids)
ends = {"align-all": da.AlignAll().fit(sure), "PLM's answers as labels": da.TemperatureScaling().fit(answers)}
ends |= {"daca": da.DACA().fit(sure), "dual-align": da.DualAlign().fit(sure), "agreement": da.Agreement().fit(sure)}
end = pd.DataFrame({n: {"T": c.temperature_, "confidence": c.confidence(testing).mean()} for n, c in ends.items()}).T
end.assign(agreement=drift.agreement(testing).mean(), accuracy=(testing.polm_final.argmax(1) == testing.labels).mean()).round(3)

# %% [markdown]
# The first two rows are the same fit, as they should be. `agreement` stands beside them because it sets the mean confidence to the share of agreement outright. (The column of that name is for held-out questions; on those that this split fits on, the models happen to agree less.)
#
# The disagreements that DACA discards are a brake. They are no evidence about the truth, but they keep a reference that is sure of everything from making the PoLM sure of everything.
#
# ## When does align-all win?
#
# Of two temperatures that make a model err to opposite sides, the better one is the one that errs less. `align-all` has the higher temperature wherever the disagreements pull upwards. So it should win once its under-confidence is smaller than
# its rival's over-confidence. That is where the sum of the two gaps turns positive.

# %%
crossings = plots.prepare_crossings(table)
natural = dial[(dial.method == "plm") & (dial.setting == "1")].set_index(["pair", "set"])["plm_gap"]
of_pair = crossings[crossings.pair == pair].set_index(["set", "rival"])[["crossing", "opposite", "better", "worse"]]
of_pair.insert(0, "as it comes", [natural[pair, name] for name, _ in of_pair.index])
of_pair.round(3)

# %% [markdown]
# `as it comes` is the PLM's gap at $s = 1$. `crossing` is the gap of the PLM from which on `align-all` has the smaller ECE; $-\infty$ means on the whole grid. `opposite` is where the prediction puts it.
#
# `better` and `worse` count, of the nine settings of $s$, those in which `align-all` is told to be better or worse than the rival. (Paired bootstrap over questions; Holm's correction over the settings and both rivals, for each pair and set by itself.)

# %% tags=["remove-input"]
grid = dial[~dial.setting.str.startswith("labels")].set_index(["pair", "set", "setting", "method"])[["gap", "ece"]].unstack("method")
signs = {m: np.sign(grid["ece"]["align-all"] - grid["ece"][m]) == np.sign(grid["gap"]["align-all"].abs() - grid["gap"][m].abs()) for m in ("daca", "dual-align")}
crossings["natural"] = [natural[p, s] for p, s in zip(crossings.pair, crossings.set, strict=True)]
won = crossings[crossings.natural > crossings.crossing].groupby("rival").size()
finite = crossings[np.isfinite(crossings.crossing)]
quartiles = {"quarter": finite.crossing.quantile(0.25), "median": finite.crossing.median(), "three_quarters": finite.crossing.quantile(0.75)}
beyond = {"always": int((crossings.crossing == -np.inf).sum()), "never": int(crossings.crossing.isna().sum())}

# %% tags=["remove-input"]
say(
    "Over all pairs and sets:\n\n"
    "- The smaller absolute gap names the method with the smaller ECE in {right_daca:.0%} of the settings against DACA, and in {right_dual:.0%} against Dual-Align. So the gaps decide nearly all of it.\n"
    "- The crossing lies at a finite gap of the PLM in {finite} of {comparisons} comparisons; its median is {median:+.3f} (middle half {quarter:+.3f} to {three_quarters:+.3f}). In {always} more `align-all` has the smaller error on the whole grid, in {never} not even at its end.\n"
    "- As the PLM comes, its gap is above the crossing with DACA in {won_daca} of {per_rival} combinations, and above that with Dual-Align in {won_dual}.",
    right_daca=signs["daca"].mean(),
    right_dual=signs["dual-align"].mean(),
    finite=len(finite),
    comparisons=len(crossings),
    **quartiles,
    **beyond,
    won_daca=int(won.get("daca", 0)),
    won_dual=int(won.get("dual-align", 0)),
    per_rival=len(crossings) // 2,
)

# %% [markdown]
# So `align-all` needs no good PLM to win. Mostly it needs an over-confident one. Its own error, too little confidence, then takes back a part of the PLM's error.
#
# No trace without labels says on which side of the crossing one stands.
#
# ## The premise repaired
#
# Now set the dial where the labels of the questions to fit on want it. **This is a diagnosis, not a method:** who has these labels can calibrate the PoLM itself, as the oracle does on the same labels. The question is whether the PLM's calibration is
# all that the methods lack.
#
# Two repairs. `labels` takes the best $s$ over all questions to fit on. `labels-agree` takes the best $s$ over those on which the models agree, since [that is where DACA copies](06_what_post_training_does.ipynb) and where a PLM that is calibrated on average need not be calibrated.

# %%
settings = {"as it comes": "1", "labels": "labels", "labels-agree": "labels-agree"}
left = {title: plots.prepare_repaired(table, setting).set_index(["pair", "set", "method"]) for title, setting in settings.items()}
mine = {title: rows.loc[(pair, main_set)].loc[[*premise.DIALLED]] for title, rows in left.items()}
cells = {title: [f"{r.value:+.3f} ({r.low:+.3f} to {r.high:+.3f})" for r in rows.itertuples()] for title, rows in mine.items()}
pd.DataFrame(cells, index=[*premise.DIALLED])

# %% [markdown]
# That is the ECE less the oracle's, with paired 95 % intervals, on the main pair and set. An interval above zero: the oracle is better, on these questions, before any correction for the number of comparisons. (The intervals are percentiles of resamples, and need not be centred on the difference.)
#
# Now all pairs and sets: the mean of that difference, and the number of combinations in which the oracle is told to be better (Holm's correction over the six methods of a combination).

# %%
mean = pd.DataFrame({title: rows["value"].groupby("method").mean() for title, rows in left.items()})
told = pd.DataFrame({f"told, {t}": ((r.holm < 0.05) & (r.value > 0)).groupby("method").sum() for t, r in left.items()})
mean.join(told).loc[[*premise.DIALLED]].round(3)

# %% tags=["remove-input"]
repaired = dial[(dial.setting == "labels") & (dial.method == "plm")].set_index(["pair", "set"])
excess = repaired.ece - repaired.floor
ours = {t: r.xs("dual-align", level="method") for t, r in left.items()}

# %% tags=["remove-input"]
say(
    "Is the repaired PLM really calibrated? Its ECE is {excess_median:.3f} above its noise floor in the median, {excess_max:.3f} at most. With it every mean distance shrinks, but not to nothing: {somewhere} of the {methods} methods are told to be worse than the oracle in at least one of {combos} combinations, and Dual-Align is told to be better than the oracle in {better_after}.\n\n"
    "Not told from zero is not zero: the sets are small. (`labels-agree` has {combos_agree} combinations; for the rest the labels of a split asked for a factor of zero.)",
    excess_median=excess.median(),
    excess_max=excess.max(),
    better_after=int(((ours["labels"].holm < 0.05) & (ours["labels"].value < 0)).sum()),
    combos=len(ours["labels"]),
    combos_agree=len(ours["labels-agree"]),
    methods=len(told),
    somewhere=int((told["told, labels"] > 0).sum()),
)

# %% [markdown]
# What is left after repair? A calibrated PLM knows how often *it* is right. The PoLM may be right more often, or less. That difference is knowledge that post-training added or destroyed, and no confidence of the PLM can tell it.

# %% tags=["remove-input"]
after = dial[dial.setting == "labels"].set_index(["pair", "set", "method"])
right, rest = after.accuracy.unstack("method"), after.gap.unstack("method")
loss = right["plm"] - right["vanilla"]
most = left["labels"]["value"].xs("dual-align", level="method").idxmax()
say(
    "Over the combinations, the gap that is left after repair goes with the PLM's accuracy less the PoLM's: correlation {left_dual:+.2f} for Dual-Align, {left_daca:+.2f} for DACA, {left_plain:+.2f} for `align-all`.\n\nDual-Align's largest distance from the oracle after repair is that of `{most_pair}`, {most_set} ({most_value:+.3f}): "
    "the PLM, calibrated, is right on {most_plm:.1%} of the questions, and the PoLM on {most_polm:.1%}.",
    **{f"left_{k}": loss.corr(rest[m]) for k, m in (("dual", "dual-align"), ("daca", "daca"), ("plain", "align-all"))},
    most_pair=most[0],
    most_set=most[1],
    most_value=ours["labels"]["value"][most],
    most_plm=right["plm"][most],
    most_polm=right["vanilla"][most],
)

# %% [markdown]
# So a calibrated PLM is a good part of what is missing, for DACA and Dual-Align most of it, and not all. One factor repairs the PLM's confidence on average; what the methods copy is its confidence on the questions that agreement selects, or its belief in another model's answers.
#
# Where the PLM knows next to nothing, repair works for a duller reason: a PLM that admits its ignorance gives every method a low confidence, and the oracle's is low as well.
#
# ## The gaps as they come
#
# Are such gaps met in practice? No dial now. Each dot is a pair and a set, here all pairs on all sets: the PLM's gap as it is, and the gap that a method is left with.

# %% mystnb={"figure": {"caption": "The gap of each method over that of the PLM, all pairs and sets as they come. Triangles: the two pairs with SmolLM2. On the thick grey line a method's gap is the PLM's. What to see: the uncalibrated PoLM is over-confident in every dot; of the methods that follow the PLM, the dots of DACA rise most and those of align-all and basecal least; temperature scaling lies near zero.", "name": "fig-natural-gaps"}, "image": {"alt": "Six scatter panels, one a method, of the method's gap over the PLM's gap, with a diagonal. Straight lines through the dots have slopes of {slope_daca:.2f} for DACA, {slope_dual:.2f} for Dual-Align and {slope_all:.2f} for align-all; the uncalibrated PoLM has a mean gap of {gap_vanilla:.2f}."}}
panels = ["vanilla", "align-all", "daca", "dual-align", "basecal", "temperature-scaling"]
axes = plots.plot_natural_gaps(plots.prepare_natural_gaps(compared), panels, marked=("smollm2", "smollm2-sft4"))

# %%
gaps = plots.prepare_natural_gaps(compared)
by = gaps[gaps.method.isin(panels)].groupby("method")[["plm_gap", "gap"]]
lines = by.apply(lambda g: pd.Series({"slope": np.polyfit(g.plm_gap, g.gap, 1)[0], "r": g.plm_gap.corr(g.gap), "mean gap": g.gap.mean(), "mean |gap|": g.gap.abs().mean(), "dots": len(g)}))
for key, method in (("daca", "daca"), ("dual", "dual-align"), ("all", "align-all")):
    glue(f"slope_{key}", lines.slope[method])
glue("gap_vanilla", lines["mean gap"]["vanilla"])
lines.loc[panels].round(2).astype({"dots": int})

# %% [markdown]
# The sets themselves spread the PLM's gap about as far as the dial did, so its range is no exotic one. But these slopes are descriptions, not shares: pairs and sets differ in much besides the PLM's gap, and most pairs share one PLM, so that the dots are far from independent.
#
# (the-last-layer-alone)=
# ## The last layer alone
#
# Above, all layers of the PLM were multiplied. What if only the last one is wrong? Then the target of the process loss should move less, since it is a mean over the layers from the peak on. Here are that target, the PLM's stability entropy (nats), and the peak layer,
# means over the questions of the main set:

# %%
target = {}
for layers in premise.LAYERS:
    for s in (premise.HALF, 1.0, premise.DOUBLE):
        turned = premise.dialled(traces, s, layers)
        peak = drift.peak_layer(turned)
        target[layers, f"s={s:g}"] = {"peak layer": peak.mean(), "stability entropy": drift.stability_entropy(drift.matched_plm(turned), peak).mean()}
pd.DataFrame(target).T.round(2)

# %% [markdown]
# It does. And the share that Dual-Align inherits, from half to double, with all layers dialled and with the last alone, beside the two methods that read no inner layer:

# %%
last = plots.prepare_dial(table, "last").query("method == 'dual-align'").assign(layers="last")
both = pd.concat([dial[dial.method == "dual-align"].assign(layers="all"), last])
ends = both[both.setting.isin(["0.5", "2"])].pivot(index=["pair", "set"], columns=["layers", "setting"], values=["gap", "plm_gap"])
rise = {n: (ends["gap", n, "2"] - ends["gap", n, "0.5"]) / (ends["plm_gap", n, "2"] - ends["plm_gap", n, "0.5"]) for n in ("all", "last")}
beside = pd.DataFrame(rise).rename(columns={"all": "dual-align, all layers", "last": "dual-align, last alone"})
beside.assign(**{"align-all": share["align-all"], "daca": share["daca"]}).describe().loc[["mean", "min", "max"]].round(3)

# %% tags=["remove-input"]
layers = pd.DataFrame(rise)
say(
    "With the last layer alone, Dual-Align inherits {layers_last:.0%} on average instead of {layers_all:.0%}. That is less than DACA in {layers_below_daca} of {layers_n} combinations, and less than `align-all` in {layers_below_plain}.\n\n"
    "Which reading is right depends on how a PLM comes to be over-confident. A sharper unembedding sharpens every lens; training that sharpens the last blocks does not.",
    layers_last=layers["last"].mean(),
    layers_all=layers["all"].mean(),
    layers_below_daca=int((layers["last"] < share["daca"]).sum()),
    layers_below_plain=int((layers["last"] < share["align-all"]).sum()),
    layers_n=len(layers),
)

# %% [markdown]
# ## What this page does not show
#
# - **Other ways to be wrong.** One factor makes a PLM over-confident everywhere alike. A PLM that is wrong on some subjects, or biased to an option, may be inherited otherwise.
# - **Large models.** Nine pairs, two families, up to 270 million parameters. The formula holds for any; the shares are those of these pairs.
# - **Why `process-only` copies more than all.** That it does not soften the copy is explained above, that its share exceeds one is not.
# - **A way to find the crossing without labels.** The PLM's gap needs labels.
# - **Independence.** Seven pairs share one PLM, and the splits share questions. Counts over combinations are counts, not tests.
#
# ## Summary
#
# - A method that aligns with a PLM takes over a share of its error. The share is a number that can be measured: turn the PLM's confidence, and see how far the method's follows.
# - The temperature follows the PLM as far as the two models' logits vary together under the PLM's belief. Disagreements weaken that. So DACA, which discards them, copied more of the PLM's error than `align-all`, not less.
# - An entropy does not know which option it favours. The process loss alone copied a change of the PLM's confidence in full, and more.
# - Plain `align-all` wins once the PLM is over-confident enough for its rivals to err more upwards than it errs downwards.
# - A calibrated PLM brought the methods near the oracle, but to calibrate it takes the very labels that would calibrate the PoLM. What is left goes with what post-training did to accuracy.
#
# If her PLM is wrong, Mira is wrong by most of it, with DACA as with Dual-Align. So she wants a few labels after all: not to fit with, but to see whether her PLM is right.
#
# **Next:** [does a temperature travel?](14_transfer.ipynb)
#
# ```{exercise} What is left of an error
# :label: ex-dial-copy
# Turning the PLM from timid to cocksure moved its mean confidence from `plm_low` to `plm_high`, and a method's from `method_low` to `method_high`. No accuracy changed. The PLM of a new set of questions is over-confident by `plm_gap`; with a calibrated PLM the method would be calibrated there.
#
# By how much is the method over-confident (its gap, a share of one), if it inherits the same share? Three decimals.
# ```

# %%
task = course.task("dial-copy", me)
task

# %% [markdown]
# ```{solution-start} ex-dial-copy
# :class: dropdown
# ```

# %% tags=["solution"]
inherited_share = (task.method_high - task.method_low) / (task.plm_high - task.plm_low)
print(f"inherited share {inherited_share:.2f}")
task.check(inherited_share * task.plm_gap)

# %% [markdown] tags=["solution"]
# The share is a quotient of two changes. It says nothing of the level: a method with a small share may still be far off for reasons of its own, as `align-all` is.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Does a disagreement pull?
# :label: ex-dial-two
# One question with the PLM's logits `plm` and the PoLM's `polm`. Turning the dial a little, at $s = 1$, pulls the PoLM's inverse temperature by the covariance of the two logit vectors under the PLM's belief ({eq}`eq-follow`). Compute it, to three decimals. Its sign says which way this question pulls: does the PoLM grow surer with the PLM, or less sure?
# ```

# %%
task = course.task("dial-two", me)
task

# %% [markdown]
# ```{solution-start} ex-dial-two
# :class: dropdown
# ```

# %% tags=["solution"]
belief = np.exp(drift.log_softmax_options(task.plm))
pull = belief @ (task.plm * task.polm) - (belief @ task.plm) * (belief @ task.polm)
print(f"covariance {pull:.3f}: the PoLM becomes {'surer' if pull > 0 else 'less sure'} when the PLM does")
task.check(pull)

# %% [markdown] tags=["solution"]
# The two models favour different options here. Whether the pull is backward depends on all the logits, weighted by what the PLM believes. That is why disagreements weaken the pull in the mean, and do not always reverse it.

# %% [markdown]
# ```{solution-end}
# ```
