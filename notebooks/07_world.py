# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A world where the truth is known
#
# Mira's temperature comes out too high. Whose fault is that: the method's, the PLM's, or chance's? On real questions she cannot tell, for nobody knows how sure one *should* be. There are right answers, and they are noisy.
#
# This page builds a small world, the **controlled world**, in which the right belief can be computed for every question. A tiny transformer learns it, is post-trained, and drifts. Then each method's temperature is held against the true one.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | Bayes' rule |
# | **Time** | 35 minutes; to train the models yourself, `make live`: half a minute more |
#
# **You will be able to** compute the exact belief in a noisy fact, say when aligning on *all* questions is exactly right, say when discarding disagreements helps and when it hurts, and predict how a method errs when its PLM is wrong.

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
from dualalign import course, plots
from dualalign.book import glue, say
from dualalign.lab.world import STUDIES, World, draw, generator, measure, posterior, simulate, table
from dualalign.lab.world.run import CURVE, Run, beliefs

# %% tags=["parameters"]
folder = "../data/results"
live = False
seed = 0
me = "reader"

# %% [markdown]
# ## How sure should one be?
#
# In this world a question is asked about a *document*. A document names its topic by one token, its *key*, and holds up to five statements. Each statement is a witness who says which of four options, A to D, is the answer. There are three kinds of witnesses. They
# tell the truth with probability 0.9, 0.7 or 0.5; if not, they name one of the three other options, each as likely.
#
# Suppose a 90 % witness says C and a 70 % witness says D. How sure should one be of C? With $K = 4$ options, a witness of reliability $r$ names the true option with probability $r$, and each other one with probability $\frac{1 - r}{K - 1}$. Witnesses err independently, and before they speak all options are alike. So by Bayes' rule the belief $\pi$ in option $a$ is a product over the witnesses $w$:

# %% [markdown]
# $$
# \pi(a \mid x) \;\propto\; \prod_{w} \begin{cases} r_w & \text{if } w \text{ reports } a \\ \frac{1 - r_w}{K - 1} & \text{otherwise.}\end{cases}
# $$ (eq-posterior)

# %%
facts = draw(World(), 6, np.random.default_rng(7), count=3)
pi = posterior(World(), facts)
said = [", ".join(f"{generator.RELIABILITIES[w]:.0%} says {'ABCD'[o]}" for w, o in zip(*row, strict=True)) for row in zip(facts.witness[:, :3], facts.report[:, :3], strict=True)]
pd.DataFrame(pi.round(3), columns=[*"ABCD"]).assign(statements=said, truth=["ABCD"[t] for t in facts.truth])

# %% [markdown]
# Each row is one document with its statements, the exact belief in the four options, and the truth, which a model never sees when it is asked. Are these beliefs right? Then they must be calibrated: draw many documents, and see how often the likeliest option is true.

# %%
many = draw(World(), 100_000, np.random.default_rng(0))
sure = posterior(World(), many).max(axis=1)
hit = posterior(World(), many).argmax(axis=1) == many.truth
by_tenth = pd.DataFrame({"belief": sure, "true": hit}).groupby(np.minimum((sure * 10).astype(int), 9)).mean()
print(f"largest distance of belief and share of true ones, by tenths: {(by_tenth.belief - by_tenth['true']).abs().max():.4f}")

# %% [markdown]
# ## A PLM that nobody calibrated
#
# A transformer of six layers and 54,000 weights reads such documents, each only once. It is trained to the lowest log loss of the answer. That loss is proper: in expectation it is smallest when the model's
# probabilities equal $\pi$. Nothing in the training mentions calibration. Does the model come to it?

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # a progress bar's wish, not a fault
run = simulate(seed) if live else Run.load(f"{folder}/world_seed0.safetensors")
seeds, pairs, layers, methods = (pd.read_parquet(f"{folder}/world_{name}.parquet") for name in ("seeds", "pairs", "layers", "methods"))

# %% tags=["remove-input"]
from IPython.display import Markdown

trained = f"This page **trained seed {run.seed} anew** on the machine that built it, in {sum(run.seconds.values()):.0f} s of processor time: the PLM and every PoLM."
shown = f"Shown is seed {run.seed} as it was shipped; its training took {sum(run.seconds.values()):.0f} s of processor time, the PLM and every PoLM. `make live` trains it anew."
Markdown(f":::{{note}}\n{trained if live else shown} The tables over {len(seeds)} seeds are remade by `python -m dualalign.lab world`.\n:::")

# %% mystnb={"figure": {"caption": "Pre-training, one pass. Left: log loss, and the least that any reader could reach. Right: mean absolute difference between the model's probabilities and the exact ones, on held-out questions, with the bound of 0.02 that we asked for (log axis). (The loss is that of the training documents, its bound that of 500 held-out ones; the table below has another sample with another bound.) What to see: the loss comes close to its line, and the error falls below its own.", "name": "fig-world-curve"}, "image": {"alt": "Two curves over training steps: the log loss falls to its lower bound, and the mean error of a probability falls from {error_first:.2f} to {error_last:.3f}."}}
curve = pd.DataFrame(run.curve, columns=list(CURVE))
glue("error_first", float(curve["error"].iloc[0]))
glue("error_last", float(curve["error"].iloc[-1]))
axes = plots.plot_pretraining(curve)

# %% [markdown]
# Figures on this page show one seed; tables are means over many. Is this seed the one that the tables hold?

# %%
shipped_row = seeds[seeds.seed == run.seed].iloc[0]
same = ["error", "calibration_error", "loss", "accuracy"]
pd.DataFrame({"shown here": pd.Series(table.seed_row(run))[same], "shipped": shipped_row[same]}).T.astype(float).round(4)

# %% [markdown]
# A small ECE would not prove much: a model that says the same for every question can have that. So compare every single probability with the exact one, on questions never shown.

# %% mystnb={"figure": {"caption": "Every option of 2,000 held-out questions: the PLM's probability against the exact one; black, means and the middle 90 %. What to see: the means lie on the diagonal, and most single beliefs within about a tenth of it; the scatter is what one pass leaves.", "name": "fig-world-posterior"}, "image": {"alt": "Scatter of the model's option probabilities over the exact ones, close to the diagonal; they differ by {error_last:.3f} on average."}}
ax = plots.plot_posterior_check(beliefs(run.plm["told-0"]), run.pi["told-0"])

# %% [markdown]
# Over the seeds: `error` is the mean absolute difference over all options, `belief_error` that of the predicted option alone, `calibration_error` the exact ECE. `least_loss` is what a reader who knows $\pi$ would pay on the same questions.

# %%
seeds[["error", "belief_error", "calibration_error", "loss", "least_loss", "accuracy", "best_accuracy", "seconds"]].describe().loc[["mean", "std", "min", "max"]].round(4)

# %% tags=["remove-input"]
say(
    "Over {n} seeds the mean absolute error of a probability lies between {low:.4f} and {high:.4f}. The PLM is right on {accuracy:.1%} of the questions; the best possible reader on {best:.1%}. Guessing honestly pays, and the model has found it out.",
    n=len(seeds),
    low=seeds.error.min(),
    high=seeds.error.max(),
    accuracy=seeds.accuracy.mean(),
    best=seeds.best_accuracy.mean(),
)

# %% [markdown]
# ## Five kinds of post-training
#
# From here the same PLM is post-trained by the losses of the [last page](06_what_post_training_does.ipynb): SFT, DPO and RLVR, on 320 documents seen 16 times each. What does this reward? That is the dial:
#
# - **control**: SFT on documents that are all new, from the world as it was. Nothing should change.
# - **sharpen**: the world as it was, the same 320 documents again and again. Nothing new can be learned. What changes is due to repetition and, for DPO and RLVR, to a loss that is not proper.
# - **added**: on half of the topics the key itself tells the answer, right nine times in ten. The PLM could not know that. The PoLM gains real knowledge.
# - **reversed**: on a quarter of the topics post-training rewards the key's option *whatever the witnesses say*, while the truth stays with the witnesses. The PoLM learns something false.
# - **mixed**: both, on a quarter of the topics each.
#
# (`once` marks runs on documents that are all new.) To post-training, added and reversed look alike: a key that predicts the reward. Only the truth tells them apart.

# %%
columns = ["accuracy_plm", "confidence_plm", "accuracy_polm", "confidence_polm", "best_accuracy", "agreement", "calibration_error_plm", "calibration_error_polm", "t_true"]
holds = [name for name, study in STUDIES.items() if study.premise]
fails = [name for name, study in STUDIES.items() if not study.premise]
means = pairs.groupby("study", sort=False)[columns].mean()
short = ["acc. PLM", "conf. PLM", "acc. PoLM", "conf. PoLM", "best acc.", "agree", "error PLM", "error PoLM", "T*"]
means.loc[holds].set_axis(short, axis=1).round(3)

# %% [markdown]
# Means over the seeds. Accuracy and calibration error (`error`) are exact: each answer counts with its true chance of being right, so there is no luck to subtract. `best acc.` is the accuracy of a reader who knows $\pi$; `T*` is explained below. The control disagrees with the PLM on some questions although hardly a belief has moved: where two options are about equally likely, a little is enough.

# %% tags=["remove-input"]
say(
    "The control moves confidence by {control:+.3f}. The same loss on the same documents 16 times moves it by {sft:+.3f}; DPO moves it by {dpo:+.3f} and RLVR by {rlvr:+.3f}, while accuracy moves by {a_sft:+.3f}, {a_dpo:+.3f} and {a_rlvr:+.3f}: "
    "so for SFT it is repetition that inflates, as the [last page](06_what_post_training_does.ipynb) guessed; DPO and RLVR were not run without it. With added knowledge SFT gains {added:+.3f} of accuracy; with reversed beliefs it loses {lost:.3f}.",
    control=means.confidence_polm["control"] - means.confidence_plm["control"],
    **{n: means.confidence_polm[f"sharpen-{n}"] - means.confidence_plm[f"sharpen-{n}"] for n in ("sft", "dpo", "rlvr")},
    **{f"a_{n}": means.accuracy_polm[f"sharpen-{n}"] - means.accuracy_plm[f"sharpen-{n}"] for n in ("sft", "dpo", "rlvr")},
    added=means.accuracy_polm["added-sft"] - means.accuracy_plm["added-sft"],
    lost=means.accuracy_plm["reversed-sft"] - means.accuracy_polm["reversed-sft"],
)

# %% mystnb={"figure": {"caption": "Divergence of PLM and PoLM by layer, one seed, on agreement and disagreement: in the control, and after SFT that sharpens, adds knowledge, or reverses beliefs. What to see: the control moves nothing; repetition parts the paths on disagreement; changed beliefs part them further, from the first layers on.", "name": "fig-world-layers"}, "image": {"alt": "Four panels of layer divergence: control, sharpen, added and reversed, all by SFT. On disagreement, the median at the last layer is {shown_control:.3f}, {shown_sharpen:.2f}, {shown_added:.2f} and {shown_reversed:.2f} nats in this seed; on agreement it stays near zero."}}
shown_layers = ["control", "sharpen-sft", "added-sft", "reversed-sft"]
drawn = {name: run.traces(STUDIES[name]) for name in shown_layers}
axes = plots.plot_recipe_layers(drawn)
for name, pair in drawn.items():
    apart = ~da.drift.agreement(pair)
    glue(f"shown_{name.split('-')[0]}", float(np.median(da.drift.layer_divergence(pair)[apart, -1])))

# %%
last = layers[layers.layer == layers.layer.max()].pivot_table(index="study", columns="regime", values="median", sort=False)
middle = layers[layers.layer == layers.layer.max() // 2].pivot_table(index="study", columns="regime", values="median", sort=False)
pd.concat({"middle layer": middle, "last layer": last}, axis=1).loc[holds].round(3)

# %% [markdown]
# (Means over the seeds; the figure shows one.) So may one read off the divergence which kind of drift it was? No: after DPO and RLVR the paths part as far in `sharpen`, without any changed belief.
#
# ## The true temperature
#
# Which temperature *should* a method find? Since $\pi$ is known, so is the best single temperature for a PoLM with logits $z_f$: the one with the least expected log loss,

# %% [markdown]
# $$
# T^\star = \arg\min_T\; \mathbb{E}_x \Big[ -\sum_a \pi(a \mid x) \ln \operatorname{softmax}\big(z_f(x)/T\big)_a \Big].
# $$ (eq-true-temperature)

# %% [markdown]
# No answer is drawn; the expectation over answers is exact. Now hold it beside what align-all minimises: the mean of $\mathrm{KL}(p_g \,\|\, \operatorname{softmax}(z_f/T))$. Written out, that is the same expression with $p_g$ in the place
# of $\pi$, plus a term without $T$. Hence, without any experiment:
#
# > **If the PLM's belief is exact, aligning on all questions gives exactly $T^\star$,** whatever post-training has done to the PoLM, disagreements included.
#
# Does it? Give align-all the exact belief for a PLM, and a PoLM that was led astray.

# %%
led_astray = run.traces(STUDIES["reversed-sft"])
truth = run.pi[STUDIES["reversed-sft"].questions]
best = measure.true_optimum(led_astray.polm_final, truth).temperature
oracle_plm = np.log(truth)[:, None, :].repeat(led_astray.n_layers, axis=1)
exact = da.Traces(oracle_plm, led_astray.polm_logits, led_astray.labels, led_astray.n_options, led_astray.question_ids)
print(f"T* {best:.5f}, align-all beside the exact belief {da.AlignAll().fit(exact).temperature_:.5f}")
print(f"align-all beside the trained PLM {da.AlignAll().fit(led_astray).temperature_:.5f}")

# %% [markdown]
# Is our trained PLM exact? In `sharpen` and `reversed` it is, up to the scatter in the figure above. In `added` and `mixed` it is calibrated for what it can see, but what the key tells is hidden from it.
# So "the premise holds" has two meanings, and for real models we can only hope for the weaker one: calibrated on average.
#
# Every other method without right answers leaves this optimum on purpose. DACA drops the questions on which the two models disagree; Dual-Align gives them less weight and adds the process loss. Each is a bet on what disagreement means. Who wins which bet? Each method's temperature over the true one:

# %%
compared = table.against_truth(methods, pairs)
order = ["vanilla", "agreement", "process-only", "confidence-only", "daca", "dual-align", "align-all", "temperature-scaling"]
ratio = compared.pivot(index="study", columns="method", values="ratio")[order]
ratio.loc[holds].round(2)

# %% mystnb={"figure": {"caption": "The premise holds: each method's temperature over the true one. Marker: geometric mean over 20 seeds; thick line: its 95 % interval; thin line: range of the seeds. Left of 1 the PoLM stays over-confident, right of 1 it becomes under-confident. What to see: align-all sits on 1 in the rows of sharpen and reversed, right of it in added and mixed; DACA sits left of 1 where align-all sits on it, and near 1 in added-sft.", "name": "fig-world-holds"}, "image": {"alt": "Twelve panels of temperature ratios, a panel a combination of dial and recipe, eight methods each. Where the PLM is exact, align-all is at most {drawn_off:.1%} off the true temperature and DACA between {drawn_daca_low:+.0%} and {drawn_daca_high:+.0%}; where knowledge was added, align-all is between {drawn_align_low:+.0%} and {drawn_align_high:+.0%}, DACA between {drawn_added_low:+.0%} and {drawn_added_high:+.0%}."}}
panels = [n for n in holds if not n.endswith("once") and n != "control"]
axes = plots.plot_against_truth(compared, panels, order)
alike = {dial: [n for n in panels if n.startswith(dial)] for dial in ("sharpen", "reversed", "added")}
exactly = ratio.loc[alike["sharpen"] + alike["reversed"]] - 1
glue("drawn_off", float(exactly["align-all"].abs().max()))
for name, values in {"daca": exactly.daca, "align": ratio["align-all"][alike["added"]] - 1, "added": ratio.daca[alike["added"]] - 1}.items():
    glue(f"drawn_{name}_low", float(values.min())), glue(f"drawn_{name}_high", float(values.max()))

# %% tags=["remove-input"]
gap = np.log(ratio)
exact = [n for n in holds if n.startswith(("sharpen", "reversed"))]
added, mixture = ([n for n in holds if n.startswith(dial)] for dial in ("added", "mixed"))
told = [*added, *mixture]
groups = {"exact PLM": exact, "added knowledge": added, "mixture": mixture}
off = {
    (name, end): {m: float(np.expm1(getattr(gap.loc[studies, m], end)())) for m in ("align-all", "daca", "dual-align")}
    for name, studies in groups.items()
    for end in ("min", "mean", "max")
}
pd.DataFrame(off).map("{:+.1%}".format)

# %% tags=["remove-input"]
say(
    "The table gives how far a method's temperature lies from $T^\\star$: the least, the mean and the most over the studies of a group ({n_exact}, {n_added} and {n_mixed}). A mean alone would deceive, for errors of both signs cancel in it. "
    "Where the PLM's belief is exact, `align-all` stays within {off:.1%} of $T^\\star$, and DACA lies below it in every study ({daca_exact_min:+.0%} to {daca_exact_max:+.0%}). "
    "Where post-training added knowledge and nothing else, `align-all` is {align_added_min:+.0%} to {align_added_max:+.0%} off. DACA is {daca_added_min:+.0%} to {daca_added_max:+.0%} off: too high in one study, too low in another, and {daca_added:+.1%} on average only because these cancel.",
    n_exact=len(exact),
    n_added=len(added),
    n_mixed=len(mixture),
    off=float(np.expm1(gap.loc[exact, "align-all"].abs().max())),
    daca_added=off["added knowledge", "mean"]["daca"],
    **{f"{m.split('-')[0]}_{k.split()[0]}_{end}": off[k, end][m] for m in ("align-all", "daca") for k in ("exact PLM", "added knowledge") for end in ("min", "max")},
)

# %% [markdown]
# DACA's authors argue that aligning on disagreements makes the PoLM under-confident. In one kind of world that is true: where disagreement means that the PoLM has *learned* something the PLM does not know.
# Where it means that the PoLM was *led astray*, the disagreements are the very questions that show how over-confident it is, and dropping them leaves it so.
#
# ### Does agreement shift a belief?
#
# On real pairs a PLM that is calibrated on average was too modest where the PoLM agreed, as we [saw](06_what_post_training_does.ipynb). Here the effect can be switched on and off. Whether two models agree depends on the question alone.
# So a belief that is exact for each question stays exact on any selection of questions; one that is only right on average need not. The PLM's mean confidence less its exact chance of being right:

# %%
examined = [STUDIES[f"{dial}-sft"] for dial in ("sharpen", "reversed", "added", "mixed")]
gaps = pd.DataFrame({study.name: measure.regime_gaps(run.traces(study), run.pi[study.questions]) for study in examined}).T
gaps.round(3)

# %% tags=["remove-input"]
say(
    "In seed {seed}, the gap differs between agreement and disagreement by {sharpen_gap:.3f} after sharpening and {reversed_gap:.3f} after reversal, but by {added_gap:.3f} where knowledge was added. On the real pairs the sign is that of "
    "added knowledge, as one expects of any PLM that is right on average only.",
    seed=run.seed,
    **{f"{n}_gap": abs(gaps.disagree[f"{n}-sft"] - gaps.agree[f"{n}-sft"]) for n in ("sharpen", "reversed", "added")},
)

# %% [markdown]
# ### Can one temperature serve both?
#
# In `mixed` some disagreements are knowledge and some are error. Mean confidence less exact chance of being right, after SFT, on the topics where the key tells the answer (`told`), on the reversed ones, and on the rest (`plain`):

# %%
kinds = ["bias_told", "bias_reversed", "bias_plain"]
mixed = methods[methods.study == "mixed-sft"].groupby("method", sort=False)[kinds]
mixed.mean().round(3)

# %% tags=["remove-input"]
dual = mixed.mean().loc["dual-align"]
oracle = mixed.mean().loc["temperature-scaling"]
say(
    "Dual-Align leaves the PoLM too modest on the topics it was told ({told:+.3f}) and too sure on those it was misled about ({turned:+.3f}). The oracle, which has seen right answers, does no better: {o_told:+.3f} and {o_turned:+.3f}. No single temperature can, whoever chooses it.",
    told=dual.bias_told,
    turned=dual.bias_reversed,
    o_told=oracle.bias_told,
    o_turned=oracle.bias_reversed,
)

# %% [markdown]
# ## When the premise fails
#
# Now the PLM is wrong, in two ways. **doubled**: its logits are doubled, so it is over-confident. **changed**: after pre-training the witnesses became less reliable, and nobody told the models. The first is a
# fault of the reference, the second a shift of the world.

# %%
means.loc[fails].set_axis(short, axis=1).round(3)

# %% mystnb={"figure": {"caption": "The premise fails: each method's temperature over the true one, drawn as before. What to see: in all panels but doubled-added-sft the methods that copy the PLM's confidence or entropy land left of 1; the oracle stays on 1. (vanilla and agreement do not read the PLM's confidence: where they land is their own doing.)", "name": "fig-world-fails"}, "image": {"alt": "Six panels of temperature ratios for studies whose PLM is over-confident, eight methods each. The ratio of Dual-Align runs from {dual_low:.2f} to {dual_high:.2f}."}}
glue("dual_low", float(ratio.loc[fails, "dual-align"].min()))
glue("dual_high", float(ratio.loc[fails, "dual-align"].max()))
axes = plots.plot_against_truth(compared, fails, order)

# %% [markdown]
# ## And the calibration error?
#
# A temperature may be far off and do little harm. So here is the exact calibration error of every method in every study, a mean over the seeds. (Nor is the least error always at $T^\star$, which has the least *log loss*: a method off $T^\star$ can have the smaller calibration error.)

# %%
error = methods.groupby(["study", "method"], sort=False)["calibration_error"].agg(["mean", "std"]).unstack("method")
everything = ["vanilla", "basecal", "daca", "dual-align", "align-all", "temperature-scaling", "confidence-only", "process-only", "agreement", "batch"]
error["mean"].loc[[*holds, *fails], everything].round(3)

# %% tags=["remove-input"]
label_free = [m for m in everything if m not in ("vanilla", "temperature-scaling")]
first = error["mean"][label_free].idxmin(axis=1)
say(
    "`basecal` gives the PLM's probability of the PoLM's answer and fits nothing. Of all methods without right answers it has the smallest error in {basecal} of the {known} studies with an exact PLM (the control left out), and in {basecal_told} of the {taught} with added knowledge.",
    basecal=int((first.loc[exact] == "basecal").sum()),
    known=len(exact),
    basecal_told=int((first.loc[told] == "basecal").sum()),
    taught=len(told),
)

# %% tags=["remove-input"]
wins = {rival: error["mean"]["dual-align"] < error["mean"][rival] for rival in ("daca", "align-all")}
say(
    "Dual-Align's error is below DACA's in {beats} of {n_holds} studies in which the premise holds (the control counted), and in {beats_fails} of {n_fails} in which it fails. Below align-all's it is in {beats_all} of those {n_holds_again} and in {beats_all_fails} of those {n_fails_again}. "
    "The standard deviation over the seeds is {std_low:.3f} to {std_high:.3f}.",
    beats=int(wins["daca"].loc[holds].sum()),
    **dict(n_holds=len(holds), n_holds_again=len(holds), n_fails_again=len(fails)),
    beats_fails=int(wins["daca"].loc[fails].sum()),
    n_fails=len(fails),
    beats_all=int(wins["align-all"].loc[holds].sum()),
    beats_all_fails=int(wins["align-all"].loc[fails].sum()),
    std_low=error["std"].min().min(),
    std_high=error["std"].max().max(),
)

# %% [markdown]
# BaseCal succeeds for the same reason as align-all: where the PLM knows all there is to know, copying it is best. Where the PoLM has learned something, copying cannot give it credit.
# (It still wins where DPO and RLVR have bent the PoLM's confidences so far that no temperature straightens them.)
#
# Two rows deserve a second look. In `added-once` and `doubled-control` SFT saw fresh documents only, and the PoLM is calibrated as it comes. There every alignment makes it worse, and nothing in a trace says so.
#
# Mira's question has an answer, then: her temperature may be too high because her PLM lacks what the PoLM has learned, or too low because her PLM is too sure itself. Or the method errs: beside an exact PLM DACA ends low, by what it drops. What chance does, the thin lines of the figures show. Which of these it is, the two models alone do not tell.
#
# ## What this page does not show
#
# - **That real PLMs are like this one.** Here the PLM reads the very distribution that it is asked about, in one format. Pre-training data are not like that.
# - **How large the effects are elsewhere.** Six layers, width 32, four options, 2,000 questions. That align-all finds $T^\star$ beside an exact PLM follows from the derivation; all else is this world's.
# - **What inner layers know.** The process loss reads them, but no inner layer has a known truth, here either. That it pulls the temperature up or down in this world says nothing about other models.
# - **That disagreement can be told apart.** Knowledge and error are both a key that predicts the reward. Their traces differ in degree, and we built the degrees. A rule that separates them needs labels, or an assumption.
#
# ## Summary
#
# - Log loss on fresh data makes a model calibrated, belief by belief, without anyone asking.
# - If the PLM's belief is exact, align-all finds the true temperature, and DACA leaves the PoLM over-confident.
# - If post-training added knowledge, align-all makes the PoLM under-confident. Discarding disagreements mends that for SFT with repetition, and in part for SFT on fresh documents; after DPO and RLVR, and in a mixture of knowledge and error, it overshoots. Dual-Align stood in between in this world.
# - If the PLM is wrong, most methods that copy it leave the PoLM over-confident, though not where two errors cancel. Where post-training left the model calibrated but the PLM is wrong or knows less, aligning does harm.
#
# **Next:** [every pair, every set, every method](08_main_comparison.ipynb).
#
# ```{exercise} Two against one
# :label: ex-witnesses
# Three witnesses speak. `reliability` says how often each tells the truth, `says` which of the options A to D each named; who errs names one of the three others, each as likely. How sure should you be of A, B, C and D? A list of four probabilities, three decimals.
# ```

# %%
task = course.task("witnesses", me)
task

# %% [markdown]
# ```{solution-start} ex-witnesses
# :class: dropdown
# ```

# %% tags=["solution"]
product = np.ones(4)
for reliable, said in zip(task.reliability, task.says, strict=True):
    product *= [reliable if option == said else (1 - reliable) / 3 for option in "ABCD"]
print((product / product.sum()).round(3))
task.check(product / product.sum())

# %% [markdown] tags=["solution"]
# Against an option that nobody names, a witness multiplies the odds of his own by $r / \frac{1 - r}{3}$. Two modest witnesses may outweigh a good one, or not; it is the product that decides, neither the number of heads nor the best of them.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Answers drawn at random
# :label: ex-exact
# A post-trained model picks one of four options at random on every question, whatever it says; the logit of its pick leads the three others, all equal, by `lead`. The PLM's belief is exact, and its mean confidence is `plm_sure`, and the same on the questions on which they agree. With very many questions, which temperatures do align-all and DACA find? A list of two, two decimals; `inf` where there is no finite one.
# ```

# %%
task = course.task("exact", me)
task

# %% [markdown]
# ```{solution-start} ex-exact
# :class: dropdown
# ```

# %% tags=["solution"]
# At the best T the PoLM gives its pick, on average, what the PLM gives it: 1/4 on all questions, plm_sure where they agree.
log_odds_against_one = np.log(3 * task.plm_sure / (1 - task.plm_sure))
print(round(task.lead / log_odds_against_one, 2))
task.check([np.inf, task.lead / log_odds_against_one])

# %% [markdown] tags=["solution"]
# Over all questions the PLM gives a random option one quarter on average, which is what a blind guess deserves: an infinite temperature, and the true one. DACA keeps the questions on which the pick happens to be the PLM's favourite. There the PoLM must look as sure as the PLM is. Its temperature is finite, and wrong: its answers are right one time in four.

# %% [markdown]
# ```{solution-end}
# ```
