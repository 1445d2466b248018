# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Open-ended answers, judged by the model itself: P(True)
#
# "Who wrote the national anthem?" Not every pupil's question comes with four options. Mira has an idea: let the study helper propose an answer, ask it whether the answer is right, and read the probability of Yes. That probability is called **P(True)** {cite:p}`kadavath2022know`.
#
# The open question becomes one with two options, and everything in this book applies. Claim 11 of the [ledger](20_ledger.ipynb) says that Dual-Align carries over to it. Does it here?
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb) |
# |---|---|
# | **Helpful** | the AUROC, in [Calibration](02_reliability.ipynb) |
# | **Time** | 20 minutes |
#
# **You will be able to** check that a judge knows anything before calibrating it, tell two meanings of "calibrated" apart, solve the alignment of a two-option question by hand, and say why a smaller ECE can be worth nothing.

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
from dualalign import align_all, carry, course, drift, judged, metrics, plots, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data/traces"
adapters = "../data/adapters"
pair = "sft4"
me = "reader"
bins = 10
seeds = [0, 1, 2, 3, 4]
draws = 5000

# %%
traces = judged.by_question(da.Traces.load(f"{folder}/{pair}__nq-open__p-true.safetensors"))
knows = {name: judged.signal(traces, model, draws=draws) for name, model in (("PLM", "plm"), ("PoLM", "polm"))}
fitted = carry.carry({"nq-open": traces}, protocol.DEFAULT_METHODS, seeds=seeds, across=False)
held_out = {m: [c.answers for c in fitted if c.method == m] for m in protocol.DEFAULT_METHODS}
held_out["coin"] = judged.coin(held_out["vanilla"])
compared = carry.against(held_out, bins=bins, draws=draws)
baselines = [m for m in protocol.DEFAULT_METHODS if m not in ("dual-align", "temperature-scaling", "vector-scaling", "matrix-scaling", "confidence-only", "process-only")]
ruling = judged.verdict(knows["PoLM"], compared, baselines)

# %% tags=["remove-input"]
unbeaten = [m for m in baselines if not (compared.minus[m] < 0 and compared.p[m] < 0.05)]
say(
    "**The short answer: claim 11 is {ruling} here.**\n\n"
    "- Dual-Align lowers the ECE from {vanilla:.3f} to {dual:.3f}. From {unbeaten} it is not told apart.\n"
    "- But a coin, which says one half to everything, has an ECE of {coin:.3f}.\n"
    "- And the PoLM's P(True) does not know right from wrong: it ranks a right answer above a wrong one with a chance of {auroc:.3f} ({auroc_low:.3f} to {auroc_high:.3f}), where 0.5 is blind.",
    ruling=ruling,
    vanilla=compared.value["vanilla"],
    dual=compared.value["dual-align"],
    auroc=knows["PoLM"].value,
    auroc_low=knows["PoLM"].low,
    auroc_high=knows["PoLM"].high,
    coin=compared.value["coin"],
    unbeaten=", ".join(f"`{m}`" for m in unbeaten) or "(none)",
)

# %% [markdown]
# ## What is judged, and by whom
#
# NQ-open holds questions that people typed into a search engine. Question-answering systems answered them, and people judged which answers were right. Here each row is one such answer; the right ones include the reference answers of the set. The model reads
#
# > Question: …
# > Proposed answer: …
# > Is the proposed answer right? Yes or No.
#
# and the two options are Yes and No. The label is the human verdict. So the *answers* are not the model's own, though the judgement is: a judge is easier to test on answers whose truth people have settled.

# %%
per_question = pd.Series(traces.question_ids).value_counts()
pd.Series({"answers": len(traces), "questions": len(per_question), "most answers to one question": per_question.max(), "right (share)": round(float((traces.labels == 0).mean()), 3)}, name="here").to_frame()

# %% [markdown]
# Some questions have several answers. Splits and resamples keep all answers to a question together, or a question would stand on both sides.
#
# Did the models ever practise this? Their training held no NQ-open. It held other questions in this form, with one of the options as the proposed answer. The table gives their share: among the questions that the style `choices` can read, since the options start with different tokens, and among those that it cannot.

# %%
recipes = {name: json.loads(Path(f"{adapters}/{run}/run.json").read_text("utf-8"))["recipe"] for name, run in (("PLM", "plm"), ("PoLM, after it", pair))}
pd.DataFrame({name: {"of readable questions": r["mix"].get("p-true", 0), "of the others": r["clash_mix"].get("p-true", 0)} for name, r in recipes.items()}).T

# %% [markdown]
# So the PLM judged a little, and post-training never asked for it.
#
# ## Does the judge know anything?
#
# This comes first. A judge whose P(True) does not depend on the truth can be calibrated perfectly, by saying the base rate to everything. So before any ECE: is P(True) higher for right answers?

# %% mystnb={"figure": {"caption": "P(True) of right and of wrong answers, as shares of each. Mind the two vertical scales. What to see: the PLM says nearly the same to everything. The PoLM does not, but its outlines of right and wrong answers cross again and again.", "name": "fig-p-true"}, "image": {"alt": "Two histograms of P(True), with right answers filled and wrong answers outlined: on one another in the PLM, crossing many times in the PoLM. The PLM's P(True) has a standard deviation of {std_plm:.3f}, the PoLM's {std_polm:.3f}; the PoLM ranks a right answer above a wrong one with a chance of {auroc:.2f}."}}
axes = plots.plot_p_true(traces)

# %%
rows = {}
for name, model in (("PLM", "plm"), ("PoLM", "polm")):
    p, yes = judged.p_true(traces, model), judged.log_odds(traces, model) > 0
    rows[name] = {"AUROC": knows[name].value, "low": knows[name].low, "high": knows[name].high, "says Yes": yes.mean(), "mean P(True)": p.mean(), "std": p.std()}
pd.DataFrame(rows).T.round(3)

# %% tags=["remove-input"]
blind = [n for n, s in knows.items() if not s.low > 0.5]
say(
    "Not above chance: {blind}. The answers are many enough to say so: the intervals exclude an AUROC above {limit:.2f} for both models. What post-training changed is the spread of P(True), {std_plm:.3f} before and {std_polm:.3f} after. The judge speaks with more conviction, and knows {more}.",
    blind=" and ".join(blind) or "neither (both are above it)",
    limit=max(s.high for s in knows.values()),
    std_plm=rows["PLM"]["std"],
    std_polm=rows["PoLM"]["std"],
    more="as little as before" if len(blind) == 2 else "something",
)

# %% [markdown]
# ## Two meanings of calibrated
#
# With two options there are two events that a probability can be about:
#
# - the **verdict** (Yes or No, whichever is likelier) is right; its confidence is at least one half. This is the confidence of the rest of the book;
# - the **answer** is right; its probability is P(True), from 0 to 1. This is what a user wants to know.
#
# The first is the more forgiving. Let a model say 0.8 to one half of the answers, of which 60 % are right, and 0.2 to the other half, of which none is. P(True) is 0.2 too high everywhere: an ECE of 0.2. The verdicts all have confidence 0.8, and their accuracy is $(0.6 + 1) / 2 = 0.8$: an ECE of 0.

# %%
said, is_right = np.repeat([0.8, 0.2], 50), np.arange(100) < 30
says_yes = said > 0.5
of_verdicts = metrics.ece(np.where(says_yes, said, 1 - said), says_yes == is_right)
print(f"ECE of the verdicts {of_verdicts:.2f}, of the answers {metrics.ece(said, is_right):.2f}")

# %% [markdown]
# A leaning towards Yes cancels in the verdicts, because what makes Yes too sure makes No not sure enough. The reverse does not happen. Each bin of the verdicts joins two bins of P(True), $p$ and $1 - p$, and joining bins never raises an ECE. (Only a probability on a bin's edge may fall otherwise.)
#
# How do the two models do?

# %%
perfect = {}
for name, model in (("PLM", traces.plm_final), ("PoLM", traces.polm_final)):
    one = protocol.Answers(traces.question_ids, np.exp(drift.log_softmax_options(model)), traces.labels)
    for event, found in (("verdict", one), ("answer", judged.as_p_true(one))):
        s = protocol.measure(found, draws=1000)
        perfect[name, event] = {k: s[k] for k in ("confidence", "accuracy", "ece", "ece_low", "ece_high", "ece_floor", "ece_p")}
premise = pd.DataFrame(perfect).T.rename_axis(["model", "event"])
premise.rename(columns={"ece_low": "low", "ece_high": "high", "ece_floor": "floor", "ece_p": "p"}).round(3)

# %% tags=["remove-input"]
polm_yes, plm_yes = (judged.log_odds(traces, model) > 0 for model in ("polm", "plm"))
p, truth = judged.p_true(traces, "polm"), traces.labels == 0
too_sure = {"Yes": (p - truth)[polm_yes].mean(), "No": (truth - p)[~polm_yes].mean()}
sides = "both are too sure" if min(too_sure.values()) > 0 else "not both are too sure"
why = f"the PLM says Yes to {plm_yes.mean():.0%}; of the PoLM's Yes and No, {sides} (by {too_sure['Yes']:.2f} and {too_sure['No']:.2f})"
say(
    "`accuracy` is the share of right verdicts, or of right answers; `p` the chance that a calibrated model shows an ECE as large. Verdict and answer have nearly the same ECE here (at most {apart_events:.4f} apart): nothing cancels, since {why}.",
    apart_events=float((premise.ece.unstack().verdict - premise.ece.unstack().answer).abs().max()),
    why=why,
)

# %% tags=["remove-input"]
say(
    "The premise of label-free calibration is a calibrated PLM above chance. The PLM's verdicts have an ECE of {plm:.3f} (floor {floor:.3f}, p = {p:.3f}) and an accuracy of {accuracy:.3f}: the premise {holds}.",
    plm=premise.ece["PLM", "verdict"],
    floor=premise.ece_floor["PLM", "verdict"],
    p=premise.ece_p["PLM", "verdict"],
    accuracy=premise.accuracy["PLM", "verdict"],
    holds="fails" if not knows["PLM"].low > 0.5 or premise.ece_p["PLM", "verdict"] < 0.05 else "holds",
)

# %% [markdown]
# ## Two options: the alignment by hand
#
# Let $m_g$ and $m_f$ be the log-odds of Yes of the two models: the logit of Yes less that of No. Then P(True) is $\sigma(m) = 1 / (1 + e^{-m})$. With two options the confidence loss of one question has its optimum where the two beliefs are equal:
#
# $$ \sigma(m_f / \tau) = \sigma(m_g) \quad\Longrightarrow\quad \tau = \frac{m_f}{m_g}. $$
#
# That is positive only if both models say the same. If they say different things, no positive $\tau$ can make them equal, and the nearest is $\tau = \infty$. So with two options "no finite optimum" and "disagreement" are one and the same. DACA's Proposition 3.3 {cite:p}`luo2025daca` says so, and for $K = 2$ it is right. (For three options or more [it is not](04_deriving_dual_align.ipynb).)
#
# The formula against the optimiser, on three answers:

# %%
finite, agree = align_all.has_finite_optimum(traces), drift.agreement(traces)
ratio = judged.log_odds(traces, "polm") / judged.log_odds(traces, "plm")
rows = np.flatnonzero(finite & (ratio > 0.1) & (ratio < 50))[:3]
solved = [da.AlignAll().fit(traces.select([i, i])).temperature_ for i in rows]
pd.DataFrame({"ratio of log-odds": ratio[rows], "temperature found": solved}).round(6)

# %% mystnb={"figure": {"caption": "Log-odds of Yes of every answer, the PoLM's over the PLM's (whose scale is about ten times finer). What to see: the PLM says Yes to nearly everything, so whether an answer has a finite optimum is decided by what the PoLM says.", "name": "fig-log-odds"}, "image": {"alt": "Scatter of the PoLM's log-odds over the PLM's; circles where both have the same sign, triangles where the signs differ, which are {share:.0%} of the answers. The PLM says Yes to {plm_yes:.0%} of them, so nearly all points lie right of zero."}}
ax = plots.plot_log_odds(traces)

# %% tags=["remove-input"]
say(
    "{none} of the {n} answers ({share:.1%}) have no finite optimum. \"Finite optimum\" and \"agreement\" sort {same} of {n_again} answers alike, as derived. And since the PLM says Yes to {plm_yes:.1%}, \"agreement\" and \"the PoLM says Yes\" sort {overlap:.1%} alike: DACA, which is fitted on agreement, is fitted on the PoLM's Yes.",
    none=int((~finite).sum()),
    n=len(traces),
    share=float((~finite).mean()),
    same=int((finite == agree).sum()),
    n_again=len(traces),
    plm_yes=float(plm_yes.mean()),
    overlap=float((agree == polm_yes).mean()),
)

# %% [markdown]
# ## Every method
#
# Five splits, 30 % of the questions to fit on. `coin` says 0.5 to everything (and Yes, where a verdict is needed); it is the yardstick. First the temperatures:

# %%
errors = carry.errors(fitted, bins, draws=100)
temperatures = errors.groupby("method", sort=False).temperature.agg(["median", "min", "max"])
hasnt = [m for m in protocol.DEFAULT_METHODS if not da.METHODS[m].has_temperature or m == "vanilla"]
temperatures.drop(hasnt).round(2)

# %% [markdown]
# The ECE of the verdicts, held out:

# %%
compared.rename(columns={"value": "ece"})[["ece", "low", "high", "floor"]].round(3)

# %% [markdown]
# And Dual-Align's ECE less that of each row, paired by question; `p` is Holm's over all rows:

# %%
compared.drop("dual-align")[["minus", "minus_low", "minus_high", "p"]].round(3)

# %% mystnb={"figure": {"caption": "ECE of the verdicts on held-out answers, mean over five splits, with 95 % intervals over questions; grey strokes: noise floors. What to see: no method without labels has a smaller error than the coin, which knows nothing.", "name": "fig-judged-methods"}, "image": {"alt": "Dot plot of the calibration error of all methods, with intervals and noise floors, sorted. The coin, which knows nothing, has {coin:.3f}, Dual-Align {dual:.3f}, the PoLM as it comes {vanilla:.3f}."}}
ax = plots.plot_methods(plots.prepare_methods(compared.reset_index()))

# %% tags=["remove-input"]
infinite = errors[np.isinf(errors.temperature)].groupby("method").seed.nunique()
say(
    "Dual-Align's ECE less the coin's is {coin_minus:+.3f} ({coin_low:+.3f} to {coin_high:+.3f}): {coin_told}. Temperature scaling, which sees labels, finds no finite optimum in {inf} of {splits} splits. There the labels say that this PoLM's log-odds deserve no belief.",
    coin_told="not told apart" if compared.minus_low["coin"] < 0 < compared.minus_high["coin"] else "told apart",
    inf=int(infinite.get("temperature-scaling", 0)),
    splits=len(seeds),
    coin_minus=compared.minus["coin"],
    coin_low=compared.minus_low["coin"],
    coin_high=compared.minus_high["coin"],
)

# %% [markdown]
# ### What decides the ECE here?

# %% tags=["remove-input"]
by_t = pd.DataFrame({"T": temperatures["median"].drop(["basecal", "batch", "vector-scaling", "matrix-scaling"]), "ece": compared["value"]}).dropna()
say(
    "Over the {fitted} methods that are a single temperature (1 for `vanilla`), the rank correlation of $T$ with the ECE is {rho:+.2f}: the flatter, the better. Flattening is right for a judge without a signal.\n\n"
    "Dual-Align flattened because the PLM says nearly the same to everything. Nothing in a label-free fit knew that this was right.",
    fitted=len(by_t),
    rho=float(by_t["T"].rank().corr(by_t["ece"].rank())),
)

# %% [markdown]
# ### The other event: is the answer right?
#
# The same, with the ECE of P(True) itself. BaseCal is missing: it gives a confidence in the verdict only.

# %%
about = {m: [judged.as_p_true(a) for a in found] for m, found in held_out.items() if found[0].values.ndim == 2}
answers = carry.against(about, bins=bins, draws=draws)
auroc = {m: np.mean([metrics.auroc(a.values, a.outcomes) for a in found]) for m, found in about.items()}
answers.rename(columns={"value": "ece"})[["ece", "low", "high", "floor", "minus", "p"]].join(pd.Series(auroc, name="AUROC")).round(3)

# %% tags=["remove-input"]
one_knob = [m for m in auroc if m not in ("coin", "vector-scaling", "matrix-scaling", "batch")]
finite_knob = [m for m in one_knob if np.isfinite(temperatures["max"].get(m, 1.0))]
say(
    "The methods stand in much the same order (rank correlation of the two ECEs {order_kept:.2f}).\n\nDividing the log-odds by a finite temperature keeps their order. So the {knobs} methods whose temperatures are all finite share one AUROC, {shared_auroc:.3f}, {exactly}. (Above it was {auroc_all:.3f}, over all answers; here it is the mean of five held-out parts.) A temperature cannot make a judge know more.",
    order_kept=float(answers.value.rank().corr(compared.value.loc[answers.index].rank())),
    knobs=len(finite_knob),
    shared_auroc=auroc["vanilla"],
    exactly="exactly" if np.ptp([auroc[m] for m in finite_knob]) == 0 else f"up to {np.ptp([auroc[m] for m in finite_knob]):.0e}",
    auroc_all=knows["PoLM"].value,
)

# %% [markdown]
# ## The verdict, computed
#
# The rule is in `dualalign/judged.py`. Claim 11 is **undecided** unless the PoLM's AUROC is above 0.5 with its whole interval. Only then can it be
#
# - **supported**, if Dual-Align's ECE is below that of every label-free baseline after Holm's correction;
# - or **contradicted**, if it is above that of the PoLM as it comes.

# %%
print(f"PoLM's AUROC above 0.5: {knows['PoLM'].low > 0.5}; claim 11 on this trace: {ruling}")

# %% [markdown]
# Would the answer have been another without the first condition?

# %%
wins = pd.DataFrame({"ECE below": compared.minus[baselines] < 0, "p": compared.p[baselines], "told apart": compared.p[baselines] < 0.05})
wins.round(3)

# %% tags=["remove-input"]
forced = judged.verdict(judged.Signal(1.0, 1.0, 1.0), compared, baselines)
say(
    "With a judge that knows something, the same errors would read: **{forced}**. Dual-Align is below {told} of {of} baselines beyond doubt.",
    forced=forced,
    told=int((wins["ECE below"] & wins["told apart"]).sum()),
    of=len(wins),
)

# %% [markdown]
# ## What this page does not show
#
# - **That P(True) does not work.** Far larger models judge their answers well above chance {cite:p}`kadavath2022know`. Whether ours lacks the facts or the skill of judging, this trace cannot say.
# - **The model's own answers.** These came from other systems. A model may judge its own samples differently.
# - **TruthfulQA**, on which DACA's paper {cite:p}`luo2025daca` reports. The copy that we could package has right answers only; with the hub and a larger pair one can [rerun it](../rerun.md).
# - **A natural base rate.** The share of right answers is that of the sampled rows. A coin looks well calibrated because that share is near one half.
# - **Confidence in long texts.** One judged answer has one number. Which sentence of a paragraph is wrong, it does not say.
#
# ## Summary
#
# - Ask first whether the judge tells right from wrong. Without that an ECE rewards saying nothing.
# - Verdict and answer are two events. State which one a calibration error is about.
# - With two options alignment is a ratio of log-odds; where the models disagree there is no finite optimum, and DACA's rule of dropping disagreements drops exactly those.
# - A finite temperature cannot change the order of P(True). A bias towards Yes, or a lack of knowledge, is out of its reach.
#
# Mira drops the idea for now. Her helper does not tell right answers from wrong ones, and no temperature will change that.
#
# **Next:** [what a calibrated confidence buys](17_decisions.ipynb).
#
# ```{exercise} One question, two judges
# :label: ex-two-options
# Both models say Yes to a proposed answer, the PLM with probability `plm_yes`, the PoLM with `polm_yes`. Which temperature aligns the PoLM with the PLM? Two decimals.
# ```

# %%
task = course.task("two-options", me)
task

# %% [markdown]
# ```{solution-start} ex-two-options
# :class: dropdown
# ```

# %% tags=["solution"]
log_odds = {name: float(np.log(p / (1 - p))) for name, p in (("PLM", task.plm_yes), ("PoLM", task.polm_yes))}
print(log_odds)
task.check(log_odds["PoLM"] / log_odds["PLM"])

# %% [markdown] tags=["solution"]
# Two options align by a ratio of log-odds, not of probabilities. Were the PLM below one half, the ratio would be negative, and no finite temperature would be best.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A judge who knows a little
# :label: ex-coin
# Half of all answers are right. Of the right and of the wrong ones alike a judge knows the share `known` for certain, and says 1 or 0; to all others it says 0.5. It is calibrated, as the coin is. What is its AUROC: the chance that a right answer has a higher P(True) than a wrong one, a tie counting one half? Three decimals.
# ```

# %%
task = course.task("coin", me)
task

# %% [markdown]
# ```{solution-start} ex-coin
# :class: dropdown
# ```

# %% tags=["solution"]
both_unknown = (1 - task.known) ** 2  # then a right and a wrong answer tie
auroc = (1 - both_unknown) + both_unknown / 2
task.check(auroc)

# %% [markdown] tags=["solution"]
# Take a right and a wrong answer at random. If the judge knows either of them, they are in order; if it knows neither, they tie. The ECE of judge and coin is 0 in both cases: it does not see the difference.

# %% [markdown]
# ```{solution-end}
# ```
