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
# On real questions nobody knows how sure one *should* be. There are labels, and an ECE with its noise. So when a method's temperature is off, it is hard to say whose
# fault it is: the method's, the PLM's, or chance's.
#
# This page builds a small world in which the right belief can be computed for every question. A tiny transformer learns that world, is post-trained, and drifts. Then each method's temperature
# is held against the true one.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb), [What post-training does](06_what_post_training_does.ipynb) |
# |---|---|
# | **Helpful** | Bayes' rule in log-odds |
# | **Time** | 25 minutes; to train the models yourself, `make live`: half a minute more |
#
# **You will be able to** compute the exact belief in a noisy fact, say when aligning on *all* questions is exactly right, say when discarding disagreements helps and when it hurts, and
# predict how a method errs when its PLM is wrong.

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

from dualalign import plots
from dualalign.book import say
from dualalign.lab.world import STUDIES, World, draw, generator, measure, posterior, simulate, table
from dualalign.lab.world.run import CURVE, Run, beliefs

# %% tags=["parameters"]
folder = "../data/results"
live = False
seed = 0

# %% [markdown]
# ## A document, and what one should believe
#
# A document has a topic (its *key*), up to five statements, a question and an answer. Each statement is a witness who reports one of four options. There are three kinds of witnesses, who
# tell the truth with probability 0.9, 0.7 or 0.5. When they do not, they name one of the other options, each as likely.
#
# A reader who knows how reliable the witnesses are can do no better than Bayes. A report by a witness of reliability $r$ multiplies the odds of its option by $r\,/\,\frac{1 - r}{K - 1}$. So
# log-odds add up. Every option is as likely as any other before a witness speaks, so the belief is

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
# Each row is one document, with the exact belief in its four options.
#
# ## A PLM that is calibrated because log loss is proper
#
# A transformer of six layers and 54,000 weights reads such documents once, each of them new. Its loss is the log loss of the answer. That loss is smallest, in expectation, when the model's
# probabilities equal $\pi$. Nothing in training mentions calibration; the model comes to it because guessing honestly pays.

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

# %% mystnb={"figure": {"caption": "Pre-training, one pass. Left: log loss and the least that any reader could reach. Right: mean absolute difference between the model's probabilities and the exact ones on held-out questions, with the bound of 0.02 that we asked for. What to see: the loss comes close to its line, and the error falls below its own.", "name": "fig-world-curve"}, "image": {"alt": "Two curves over training steps: log loss falling to a dotted line, and error falling below 0.02."}}
axes = plots.plot_pretraining(pd.DataFrame(run.curve, columns=list(CURVE)))

# %% [markdown]
# Is it the run that the tables know? The seed's row in the shipped table, beside the run shown here:

# %%
shipped_row = seeds[seeds.seed == run.seed].iloc[0]
same = ["error", "calibration_error", "loss", "accuracy"]
pd.DataFrame({"shown here": pd.Series(table.seed_row(run))[same], "shipped": shipped_row[same]}).T.astype(float).round(4)

# %% [markdown]
# An ECE of nearly zero would not be enough here: a model that says the same for every question can have that. So we compare every probability with the exact one, on questions that were never shown.

# %% mystnb={"figure": {"caption": "Every option of 2,000 held-out questions: the PLM's probability against the exact one. What to see: the averages lie on the diagonal, and most single beliefs within about a tenth of it; the scatter is what one pass leaves.", "name": "fig-world-posterior"}, "image": {"alt": "Scatter of the model's option probabilities over the exact posterior, close to the diagonal, with means and ranges by bin."}}
ax = plots.plot_posterior_check(beliefs(run.plm["told-0"]), run.pi["told-0"])

# %%
seeds[["error", "belief_error", "calibration_error", "loss", "least_loss", "accuracy", "best_accuracy", "seconds"]].describe().loc[["mean", "std", "min", "max"]].round(4)

# %% tags=["remove-input"]
say(
    "Over {n} seeds the mean absolute error of a probability lies between {low:.4f} and {high:.4f}. The PLM is right on {accuracy:.1%} of the questions, and the best possible reader on {best:.1%}.",
    n=len(seeds),
    low=seeds.error.min(),
    high=seeds.error.max(),
    accuracy=seeds.accuracy.mean(),
    best=seeds.best_accuracy.mean(),
)

# %% [markdown]
# ## What post-training does: the dials
#
# From here the same PLM is post-trained by the losses of the [last page](06_what_post_training_does.ipynb): SFT, DPO and RLVR, on 320 documents seen 16 times each; and, as a control, SFT on
# documents that are all new (`once`). What differs is the world that post-training rewards:
#
# - **sharpen**: the world as it was. Nothing new can be learned, so what changes is the doing of repetition and, for DPO and RLVR, of a loss that is not proper.
# - **added**: on half of the topics the key itself tells the answer, right nine times in ten. The PLM could not know that. The PoLM gains real knowledge.
# - **reversed**: on a quarter of the topics post-training rewards the key's option *whatever the witnesses say*, while the truth stays with the witnesses. The PoLM learns something false.
# - **mixed**: both, a quarter of the topics each.
#
# To post-training, added and reversed look alike in kind: a key that predicts the reward. Only the truth tells them apart.
# (On the last page an answer was called reversed when the PLM had held it less likely than a guess. Here the word names a dial.)

# %%
columns = ["accuracy_plm", "confidence_plm", "accuracy_polm", "confidence_polm", "best_accuracy", "agreement", "calibration_error_plm", "calibration_error_polm", "t_true"]
holds = [name for name, study in STUDIES.items() if study.premise]
fails = [name for name, study in STUDIES.items() if not study.premise]
means = pairs.groupby("study", sort=False)[columns].mean()
short = ["acc. PLM", "conf. PLM", "acc. PoLM", "conf. PoLM", "best acc.", "agree", "error PLM", "error PoLM", "T*"]
means.loc[holds].set_axis(short, axis=1).round(3)

# %% [markdown]
# Means over the seeds. In the control the two models disagree on some questions although hardly a belief has moved: where two options are about equally likely, a little is enough. Accuracy and calibration error are exact: each answer counts with its true chance of being right, so no noise of labels has to be subtracted. `best acc.` is that of a reader who knows $\pi$. The last column is the true temperature
# $T^\star$, of which more below.

# %% tags=["remove-input"]
say(
    "The control moves confidence by {control:+.3f}. The same loss on the same documents 16 times moves it by {sft:+.3f}; DPO moves it by {dpo:+.3f} and RLVR by {rlvr:+.3f}, and the three move accuracy by {a_sft:+.3f}, {a_dpo:+.3f} and {a_rlvr:+.3f}: "
    "confidence drift, made on purpose. With added knowledge SFT gains {added:+.3f} of accuracy; with reversed beliefs it loses {lost:.3f}.",
    control=means.confidence_polm["control"] - means.confidence_plm["control"],
    **{n: means.confidence_polm[f"sharpen-{n}"] - means.confidence_plm[f"sharpen-{n}"] for n in ("sft", "dpo", "rlvr")},
    **{f"a_{n}": means.accuracy_polm[f"sharpen-{n}"] - means.accuracy_plm[f"sharpen-{n}"] for n in ("sft", "dpo", "rlvr")},
    added=means.accuracy_polm["added-sft"] - means.accuracy_plm["added-sft"],
    lost=means.accuracy_plm["reversed-sft"] - means.accuracy_polm["reversed-sft"],
)

# %% mystnb={"figure": {"caption": "Divergence of PLM and PoLM by layer, one seed, on agreement and disagreement: in the control, and after SFT that sharpens, adds knowledge, or reverses beliefs. What to see: the control moves nothing; repetition parts the paths on disagreement; for SFT, changed beliefs part them further, from the first layers on.", "name": "fig-world-layers"}, "image": {"alt": "Four panels of layer divergence by regime: control, sharpen, added and reversed, all by SFT."}}
shown_layers = ["control", "sharpen-sft", "added-sft", "reversed-sft"]
axes = plots.plot_recipe_layers({name: run.traces(STUDIES[name]) for name in shown_layers})

# %%
last = layers[layers.layer == layers.layer.max()].pivot_table(index="study", columns="regime", values="median", sort=False)
middle = layers[layers.layer == layers.layer.max() // 2].pivot_table(index="study", columns="regime", values="median", sort=False)
pd.concat({"middle layer": middle, "last layer": last}, axis=1).loc[holds].round(3)

# %% [markdown]
# After DPO and RLVR the paths part as far without any changed belief: the size of the divergence does not say which kind of drift it was.
#
# ## The true temperature
#
# Since $\pi$ is known, so is the best single temperature for a PoLM $f$: the one with the least expected log loss,

# %% [markdown]
# $$
# T^\star = \arg\min_T\; \mathbb{E}_x \Big[ -\sum_a \pi(a \mid x) \ln \operatorname{softmax}\big(z_f(x)/T\big)_a \Big].
# $$ (eq-true-temperature)

# %% [markdown]
# No label is drawn; the expectation over answers is exact. Compare it with what `align-all` minimises: the mean of $\mathrm{KL}(p_g \,\|\, \operatorname{softmax}(z_f/T))$. That is the same expression with $p_g$ in the place
# of $\pi$, plus a term without $T$. Hence, without any experiment:
#
# > **If the PLM's belief is exact, aligning on all questions gives exactly $T^\star$,** whatever post-training has done to $f$, disagreements included.
#
# Is the PLM exact? In `sharpen` and `reversed` it is, up to the scatter that the figure of all beliefs showed. In `added` and `mixed` it is calibrated for what it can see, but the key's message is hidden from it.
# So "the premise holds" has two meanings, and the real premise is the weaker one: calibrated on average.
#
# Every other method leaves this optimum by choice: DACA drops the questions on which the two models disagree, Dual-Align gives them less weight and adds the process loss. Each choice is a bet about what disagreement means.

# %%
compared = table.against_truth(methods, pairs)
order = ["vanilla", "agreement", "process-only", "confidence-only", "daca", "dual-align", "align-all", "temperature-scaling"]
ratio = compared.pivot(index="study", columns="method", values="ratio")[order]
ratio.loc[holds].round(2)

# %% mystnb={"figure": {"caption": "The premise holds: each method's temperature over the true one. Dot: geometric mean over 20 seeds; thick line: its 95 % interval; thin line: range of the seeds. Left of 1 the PoLM stays over-confident, right of 1 it becomes under-confident. What to see: align-all sits on 1 in the rows of sharpen and reversed and right of it in added; DACA sits left of 1 where align-all is right; where knowledge was added it is nearer to 1 than align-all after SFT and DPO, and falls as far short in mixed.", "name": "fig-world-holds"}, "image": {"alt": "Twelve panels of temperature ratios, a panel a combination of dial and recipe, eight methods each."}}
axes = plots.plot_against_truth(compared, [n for n in holds if not n.endswith("once") and n != "control"], order)

# %% tags=["remove-input"]
gap = np.log(ratio)
exact = [n for n in holds if n.startswith(("sharpen", "reversed"))]
added, mixture = ([n for n in holds if n.startswith(dial)] for dial in ("added", "mixed"))
told = [*added, *mixture]
mean_gap = {f"{m.split('-')[0]}_{k}": float(np.expm1(gap.loc[studies, m].mean())) for m in ("align-all", "daca", "dual-align") for k, studies in (("exact", exact), ("added", added), ("mixed", mixture))}
say(
    "Where the PLM's belief is exact ({n_exact} studies), `align-all` is within {off:.1%} of $T^\\star$ on the mean over the seeds; on average DACA is {daca_exact:+.0%} and Dual-Align {dual_exact:+.0%} off. "
    "Where post-training added knowledge and nothing else ({n_added}), `align-all` is {align_added:+.0%} off, DACA {daca_added:+.1%} and Dual-Align {dual_added:+.0%}. In the mixture ({n_mixed}) they are {align_mixed:+.0%}, {daca_mixed:+.0%} and {dual_mixed:+.0%} off.",
    n_exact=len(exact),
    off=float(np.expm1(gap.loc[exact, "align-all"].abs().max())),
    n_added=len(added),
    n_mixed=len(mixture),
    **{name: value for name, value in mean_gap.items() if name != "align_exact"},
)

# %% [markdown]
# So the claim that "aligning on disagreements makes the PoLM under-confident" is true in one kind of world and false in another. It is true where disagreement means that the PoLM has learned something.
# Where it means that the PoLM has been led astray, the disagreements are the very questions that show how over-confident it is, and dropping them leaves it so.
#
# ### Agreement does not shift an exact belief
#
# On the real pairs we [saw](06_what_post_training_does.ipynb) that a calibrated PLM is under-confident where the PoLM agrees. Here that effect can be switched on and off. Whether two models agree is a function of the question.
# A belief that is exact given the question stays exact on any subset of questions. A belief that is calibrated only on average need not. The PLM's mean confidence less its exact chance of being right:

# %%
examined = [STUDIES[f"{dial}-sft"] for dial in ("sharpen", "reversed", "added", "mixed")]
gaps = pd.DataFrame({study.name: measure.regime_gaps(run.traces(study), run.pi[study.questions]) for study in examined}).T
gaps.round(3)

# %% tags=["remove-input"]
say(
    "In seed {seed}, the PLM's gap between agreement and disagreement is {sharpen_gap:.3f} after sharpening and {reversed_gap:.3f} after reversal, but {added_gap:.3f} where knowledge was added. On the real pairs the sign is that of "
    "added knowledge, as one expects of a PLM that is calibrated on average only; how much of it is knowledge, labels of this kind cannot say.",
    seed=run.seed,
    **{f"{n}_gap": abs(gaps.disagree[f"{n}-sft"] - gaps.agree[f"{n}-sft"]) for n in ("sharpen", "reversed", "added")},
)

# %% [markdown]
# ### One temperature cannot serve both
#
# In `mixed` some disagreements are knowledge and some are error. Mean confidence less exact chance of being right, by kind of topic, after SFT:

# %%
kinds = ["bias_told", "bias_reversed", "bias_plain", "bias_agree", "bias_disagree"]
mixed = methods[methods.study == "mixed-sft"].groupby("method", sort=False)[kinds]
mixed.mean().round(3)

# %% tags=["remove-input"]
dual = mixed.mean().loc["dual-align"]
oracle = mixed.mean().loc["temperature-scaling"]
say(
    "Dual-Align leaves the told topics {told:+.3f} and the reversed ones {turned:+.3f} off. The supervised oracle, which has seen labels, is off by {o_told:+.3f} and {o_turned:+.3f}: no temperature can fix that, whoever chooses it.",
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

# %% mystnb={"figure": {"caption": "The premise fails: each method's temperature over the true one, drawn as before. What to see: the label-free methods land left of 1 in all panels but doubled-added-sft, so the PoLM inherits the PLM's over-confidence; the supervised oracle stays on 1.", "name": "fig-world-fails"}, "image": {"alt": "Six panels of temperature ratios for studies whose PLM is over-confident, eight methods each."}}
axes = plots.plot_against_truth(compared, fails, order)

# %%
error = methods.groupby(["study", "method"], sort=False)["calibration_error"].agg(["mean", "std"]).unstack("method")
everything = ["vanilla", "basecal", "daca", "dual-align", "align-all", "temperature-scaling", "confidence-only", "process-only", "agreement", "batch"]
error["mean"].loc[[*holds, *fails], everything].round(3)

# %% [markdown]
# That is the exact calibration error of every method in every study, a mean over the seeds.

# %% tags=["remove-input"]
label_free = [m for m in everything if m not in ("vanilla", "temperature-scaling")]
first = error["mean"][label_free].idxmin(axis=1)
say(
    "`basecal`, which gives the PLM's own confidence in the PoLM's answer and fits nothing, has the smallest error of all label-free methods in {basecal} of the {known} studies with an exact PLM, and in {basecal_told} of the {taught} with added knowledge.",
    basecal=int((first.loc[exact] == "basecal").sum()),
    known=len(exact),
    basecal_told=int((first.loc[told] == "basecal").sum()),
    taught=len(told),
)

# %% tags=["remove-input"]
wins = {rival: error["mean"]["dual-align"] < error["mean"][rival] for rival in ("daca", "align-all")}
say(
    "Dual-Align's error is below DACA's in {beats} of {n_holds} studies in which the premise holds, and in {beats_fails} of {n_fails} in which it fails; below align-all's in {beats_all} and in {beats_all_fails}. "
    "The standard deviation over the seeds is {std_low:.3f} to {std_high:.3f}.",
    beats=int(wins["daca"].loc[holds].sum()),
    n_holds=len(holds),
    beats_fails=int(wins["daca"].loc[fails].sum()),
    n_fails=len(fails),
    beats_all=int(wins["align-all"].loc[holds].sum()),
    beats_all_fails=int(wins["align-all"].loc[fails].sum()),
    std_low=error["std"].min().min(),
    std_high=error["std"].max().max(),
)

# %% [markdown]
# (The first count leaves out the control.) BaseCal's success has the same reason as that of `align-all`: where the PLM knows all there is to know, copying it is best. Where the PoLM has learned something, BaseCal cannot give it credit;
# it still wins where DPO and RLVR have bent the PoLM's confidences so far that no temperature straightens them.
#
# Two rows deserve a second look. In `added-once` and `doubled-control` SFT saw fresh documents only, and the PoLM is calibrated as it comes. There every alignment makes it worse, and nothing in a trace says so.
#
# ## What this page does not show
#
# - **That real PLMs are like this one.** Here the PLM reads the very distribution that it is asked about, in one format. Pre-training data are not like that.
# - **How large the effects are elsewhere.** Six layers, width 32, four options, 2,000 questions. That align-all finds $T^\star$ beside an exact PLM follows from the derivation; all else is this world's.
# - **What inner layers know.** The process loss reads them, but nothing in this world has a known truth at an inner layer. That it pulls the temperature up or down here says nothing about other models.
# - **That disagreement can be told apart.** Knowledge and error are both a key that predicts the reward. Their traces differ in degree, and we built the degrees. A rule that separates them needs labels, or an assumption.
#
# ## Summary
#
# - Log loss on fresh data makes a model calibrated, belief by belief, without anyone asking.
# - If the PLM's belief is exact, align-all gives the true temperature: no other one has a smaller expected log loss. DACA then leaves the PoLM over-confident. (By calibration error, another yardstick, BaseCal does better still.)
# - If post-training added knowledge, align-all makes the PoLM under-confident. Discarding disagreements repairs that after SFT; in a mixture of knowledge and error it overshoots. Dual-Align stood in between in this world.
# - If the PLM is wrong, the label-free methods inherit most of its error.
# - Where post-training left the model calibrated, aligning it can only do harm.
#
# **Next:** [rerun it](../rerun.md), or start with [your own pair](../your_own_pair.md).
#
# ```{exercise}
# :label: ex-witnesses
# Two witnesses of reliability 0.7 report option A, one of reliability 0.9 reports B. There are four options. Which one should you believe, and how much?
# ```
#
# ```{solution} ex-witnesses
# :class: dropdown
# Believe A. Relative to a silent option, A has odds of $(0.7 / 0.1)^2 = 49$, B has $0.9 / 0.0333 = 27$, C and D have 1 each. So $\pi(A) = 49 / 78 \approx 0.63$ and $\pi(B) = 27 / 78 \approx 0.35$.
# ```
#
# ```{exercise}
# :label: ex-exact
# On every question a post-trained model is nearly certain of an option drawn at random, whatever the evidence. The PLM's belief is exact. Which temperature does `align-all` find as the questions grow in number, and is it the true one?
# ```
#
# ```{solution} ex-exact
# :class: dropdown
# An infinite one: the PoLM's logits say nothing about $\pi$, so the uniform belief has the least loss. It is the true one, because the two objectives are the same. DACA keeps the questions on which the random option
# happens to be the PLM's favourite. There it must look as sure as the PLM is, and no less: its temperature is finite, and wrong.
# ```
