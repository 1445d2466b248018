# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond the last prompt token: generation and other positions
#
# A colleague takes Mira's temperature and puts it into the sampler of the study helper. The helper begins to speak in tongues. What went wrong?
#
# The pages before this one read the models at one place, the last token of the prompt, and looked at a handful of tokens there, the first of each option. A temperature was learned from them. Three questions stay open:
#
# - What does that temperature do to text, if someone samples with it?
# - Is the last prompt token the right place to read?
# - Does it matter that an option of several words is judged by its first token?

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

# %% [markdown]
# | You need | [Calibration](02_reliability.ipynb), [Deriving Dual-Align](04_deriving_dual_align.ipynb) |
# |---|---|
# | **Helpful** | top-p sampling |
# | **Time** | 20 minutes |
#
# **You will be able to** say why a temperature learned on option tokens does not belong into a sampler, use it without harm, compare places and readings with a noise floor beside them, and tell which of your numbers depend on the reading.

# %%
import json
from pathlib import Path

import numpy as np
import pandas as pd

from dualalign import course, drift, metrics, plots, protocol
from dualalign.book import glue, say
from dualalign.lab import continuations, readings

# %% tags=["parameters"]
folder = "../data/results"
draws = 500
top_p = 0.9
me = "reader"

# %% [markdown]
# All tables of this page are made by `python -m dualalign.lab generation` from the shipped models `plm` and `sft4` and the 200 questions of `data/questions/arc-easy.jsonl`; no model runs here.

# %%
names = ("generation", "generation_prompt", "positions", "positions_layers", "positions_fits")
tokens, exact, logits, layers, fits = (pd.read_parquet(f"{folder}/{name}.parquet") for name in names)
chosen = exact[exact.model == "PoLM"].drop_duplicates("temperature").set_index("chosen_by").temperature
t_dual, t_oracle = chosen["dual-align"], chosen["temperature-scaling"]
vocabulary = exact.vocabulary.iloc[0]  # tokens

# %%
offsets = [f"offset-{j}" for j in range(8)]
places = {j: readings.traces_from(logits, "choices", name) for j, name in enumerate(offsets)}
places["mean"] = readings.traces_from(logits, "choices", "mean-offsets")
models = protocol.both_models(places, draws=draws)

# %% tags=["remove-input"]
at = exact[exact.model == "PoLM"].groupby("temperature")[["entropy", "option_entropy", "mass", "nucleus", "option_first"]].mean()
calm = [row.set for row in models[models.model == "PLM"].itertuples() if row.set != "mean" and row.ece - row.ece_floor <= 0.04]
say(
    "**In short.**\n\n"
    "- Used in a sampler, over the whole vocabulary, a calibrated temperature does harm, and not Dual-Align's alone. At its $T = {t_short:.1f}$ the options of a question together keep {mass_short:.1%} of the probability instead of {start_short:.0%}; at the oracle's $T = {o_short:.1f}$, {oracle_short:.1%}. What is sampled then is noise.\n"
    "- Where one reads decides whether the PLM can be trusted. Among the prompt's last eight tokens its ECE is near the noise floor (within .04) {calm_short}.",
    calm_short="at the very last only" if calm == [0] else "at these (0 is the very last): " + (", ".join(map(str, calm)) or "none"),
    **dict(t_short=t_dual, o_short=t_oracle, mass_short=at.mass[t_dual], oracle_short=at.mass[t_oracle], start_short=at.mass[1.0]),
)

# %% [markdown]
# ## One temperature, two distributions
#
# Let $z$ be the logits over the whole vocabulary $V$, and $O \subset V$ the $K$ option tokens. The calibrated confidence is a softmax over $O$. A sampler takes the softmax over $V$. With $\beta = 1/T$ the options together have probability

# %% [markdown]
# $$
# M(\beta) = \frac{\sum_{k \in O} e^{\beta z_k}}{\sum_{v \in V} e^{\beta z_v}},
# \qquad
# \frac{d \ln M}{d \beta} = \mathbb{E}_{O}[z] - \mathbb{E}_{V}[z],
# $$ (eq-option-mass)

# %% [markdown]
# where both means are taken under the tempered distributions over $O$ and over $V$. The logarithm of each sum has its mean logit as slope; that is all of the proof. Checked on three options among a thousand tokens:

# %%
rng = np.random.default_rng(0)
z = np.concatenate([[6.0, 5.0, 3.0], rng.normal(0, 1, 997)])
beta, h = 0.5, 1e-5
log_mass = [np.logaddexp.reduce(b * z[:3]) - np.logaddexp.reduce(b * z) for b in (beta - h, beta + h)]
over = [np.exp(beta * x - np.logaddexp.reduce(beta * x)) @ x for x in (z[:3], z)]
print(f"formula {over[0] - over[1]:.6f}, finite difference {(log_mass[1] - log_mass[0]) / (2 * h):.6f}")

# %% [markdown]
# Two things follow.
#
# - Within $O$ the other tokens do not matter: the ratio of two options is $e^{\beta (z_j - z_k)}$. This is what calibration fixes.
# - As long as options have larger logits than the average token that would be sampled, a higher temperature moves probability *out of* $O$. In the limit $M \to K / |V|$.
#
# No objective of this book sees $M$. So how much leaves? At the last prompt token that can be computed exactly, for any temperature, without drawing a single token.

# %%
columns = ["entropy", "option_entropy", "mass", "nucleus"]
groups = exact.assign(T=exact.temperature.round(2)).groupby(["model", "T"])
spread = groups[columns].mean()
spread.insert(0, "chosen by", groups.chosen_by.first())
spread.round({"entropy": 2, "option_entropy": 2, "mass": 3, "nucleus": 0})

# %% [markdown]
# Means over the questions: `entropy` of the whole vocabulary and `option_entropy` of the options alone, in nats; `mass`, the options' probability $M$; and the size of the **nucleus**, the smallest set of tokens that holds 0.9 of the probability. `dual-align` and `temperature-scaling` (the oracle, which saw labels) were fitted to the whole shipped trace of ARC-Easy; `grid` stands for temperatures in between.

# %% mystnb={"figure": {"caption": "The PoLM behind the last prompt token, by temperature: mean over 200 questions, bands from the 10 % to the 90 % quantile. Dashed upright lines: the temperatures of the oracle (left) and of Dual-Align (right). Dotted: the uniform distribution over the vocabulary. What to see: the options' entropy rises gently, the vocabulary's runs to its limit, and the options lose nearly all their probability before the calibrated temperatures are reached.", "name": "fig-widths"}, "image": {"alt": "Three panels over temperature: entropy of vocabulary and options, probability of the options, and nucleus size. Between T = 1 and Dual-Align's T = {t:.1f} the options' probability falls from {mass_one:.0%} to {mass_dual:.1%}, and the nucleus grows from {n_one:.0f} to {n_dual:,.0f} tokens."}}
axes = plots.plot_widths(exact, vocabulary)

# %% tags=["remove-input"]
plm_row = exact[exact.model == "PLM"][columns].mean()
say(
    "At Dual-Align's $T = {t:.2f}$ the options' own entropy has grown from {h_one:.2f} to {h_dual:.2f} nats, near the PLM's {h_plm:.2f}: the wanted effect. But the options' probability falls from {mass_one:.1%} to {mass_dual:.1%}, and the nucleus grows from {n_one:.0f} to {n_dual:,.0f} tokens.\n\n"
    "Greedy decoding notices nothing: at every temperature the likeliest token is an option for {first:.0%} of the questions.",
    **dict(mass_one=at.mass[1.0], t=t_dual, mass_dual=at.mass[t_dual], n_one=at.nucleus[1.0], n_dual=at.nucleus[t_dual]),
    **dict(h_one=at.option_entropy[1.0], h_dual=at.option_entropy[t_dual], h_plm=plm_row.option_entropy, first=at.option_first[1.0]),
)

# %% [markdown]
# The reason is plain arithmetic. The vocabulary has a quarter of a million tokens. A temperature that is right for four of them flattens the distance to all others as well, and there are so many of them that together they win.
#
# The first row of the table shows that the PLM is no reference for text either.

# %% tags=["remove-input"]
gain_built_in = json.loads(Path(folder, "../adapters/plm/run.json").read_text())["gain"]
say(
    "Its training ended by multiplying all logits by a gain of {built_in:.3f}, [fitted to option tokens](02_reliability.ipynb). That is a temperature of {built_in_t:.2f}, built into the weights, and it widens every softmax, also the one over the vocabulary. There the PLM has "
    "{wide:.1f} nats of entropy, and {kept:.0%} of the probability on options. An objective that looks at option tokens alone leaves the rest of the vocabulary to chance.",
    **dict(built_in=gain_built_in, built_in_t=1 / gain_built_in, wide=plm_row.entropy, kept=plm_row.mass),
)

# %% [markdown]
# ## What is sampled
#
# The PoLM continues 50 prompts, twice each, by 24 tokens, at three temperatures, each with all tokens (`top-p 1`) and with the nucleus only (`top-p 0.9`). Every way of sampling uses the same random numbers. The first sample of the first question:

# %%
first = tokens[(tokens.question_id == tokens.question_id.iloc[0]) & (tokens["sample"] == 0)]
texts = {key: continuations.text_of(rows) for key, rows in first.round({"temperature": 2}).groupby(["temperature", "top_p"])}
pd.Series(texts).rename_axis(["T", "top-p"]).str.slice(0, 60).to_frame("the PoLM goes on with")

# %%
questions = continuations.by_question(tokens)
table = continuations.by_setting(questions, draws=draws)
shown = ["entropy", "sampled_entropy", "nucleus", "option", "distinct_2", "repetition", "logp_plm"]
short = table[shown].round({"nucleus": 0}).round(2).reset_index().round({"temperature": 2})
short.set_index(["chosen_by", "temperature", "top_p"]).set_axis(["entropy", "sampled", "nucleus", "option", "distinct", "repeated", "log p, PLM"], axis=1)

# %% [markdown]
# Means over the questions. `entropy` is that of the tempered distribution, `sampled` of what top-p leaves of it, both in nats a token; `option` the share of samples whose first token is one of the options; `distinct` the share of different pairs among the neighbouring
# pairs of tokens in a question's two samples; `repeated` the share of a sample's tokens that stood in it before; `log p, PLM` the mean log-probability of the sampled tokens under the PLM at temperature 1, in nats a token.

# %% mystnb={"figure": {"caption": "Sampled continuations by temperature, with 95 % bootstrap intervals over 50 questions. What to see: from T = 1 to either calibrated temperature every measure jumps, and top-p hardly matters; only at T = 1 does the first token answer the question.", "name": "fig-sampled"}, "image": {"alt": "Six panels, one a measure of sampled text, with three temperatures on the horizontal axis and two marks for top-p. From T = 1 to Dual-Align's temperature the share of samples that begin with an option changes by {option:+.2f}, and the PLM finds the text {plm:.1f} nats a token less likely."}}
labels = {"none": "1", "temperature-scaling": f"{t_oracle:.1f} (oracle)", "dual-align": f"{t_dual:.1f} (Dual-Align)"}
axes = plots.plot_sampled(table, labels)

# %% [markdown]
# Dual-Align's temperature less $T = 1$, both with top-p 0.9, on the same questions:

# %%
compared = ["entropy", "option", "distinct_2", "repetition", "logp_plm"]
sampled = {name: questions.xs((name, top_p), level=("chosen_by", "top_p"), drop_level=False) for name in labels}
gain = continuations.gained(sampled["dual-align"], sampled["none"], compared, level=1 - 0.05 / len(compared), draws=2000)
pd.DataFrame(gain, index=["difference", "low", "high"]).T.round(3)

# %% tags=["remove-input"]
say(
    "{apart} of {several} intervals leave out zero. They are wide enough to hold all together (Bonferroni; basic bootstrap, which may reach past the end of a scale). Hardly a sample begins with an option any more (a share lower by {fewer:.2f}), and the PLM finds the text {plm:.1f} nats a token less likely.",
    apart=sum(d.low > 0 or d.high < 0 for d in gain.values()),
    several=len(compared),
    option=gain["option"].value,
    fewer=-gain["option"].value,
    plm=-gain["logp_plm"].value,
)

# %% [markdown]
# Look at `distinct` and `repeated`. At $T = 1$ this small model goes round in circles, and noise never does. Judged by diversity alone, the noise would be the better text.
#
# ### The answer token and what comes after
#
# The PoLM was trained at one token, the first of the answer. Is the rest of its text over-confident too? That cannot be said: later tokens have no label. What can be seen is how undecided the PoLM is there:

# %%
plain = tokens[(tokens.chosen_by == "none") & (tokens.top_p == 1)]
part = np.where(plain.step == 0, "answer token", np.where(plain.step < 8, "tokens 2 to 8", "tokens 9 to 24"))
parts = plain.assign(part=part, surprise=-plain.logp_polm, gap=-plain.logp_polm - plain.entropy).groupby("part")
noise = 2 * parts.gap.std() / np.sqrt(parts.size())
parts[["entropy", "surprise", "gap"]].mean().assign(**{"±": noise, "log p, PLM": parts.logp_plm.mean()}).round(2)

# %% [markdown]
# `surprise` is minus the PoLM's own log-probability of what it sampled. In expectation it equals the entropy; so `gap` should be noise (`±`: two standard errors), which checks the sampler.
#
# ## Using the temperature without harm
#
# If a calibrated belief is to be *sampled*, temper the options and nothing else. Together they keep the probability $M(1)$ that they had; among them it is shared out by $\operatorname{softmax}(z_O / T)$; all other tokens stay as they are. The chain rule gives the entropy of that distribution:
#
# $$ H = h(M) + M\,H_O(T) + (1 - M)\,H_{V \setminus O}. $$
#
# Here $h$ is the entropy of a coin with probability $M$, and only $H_O$ depends on $T$. Checked on the thousand tokens from above, with the three options tempered:

# %%
from scipy.stats import entropy

p = np.exp(z - np.logaddexp.reduce(z))
mass = p[:3].sum()
shared = np.exp(z[:3] / 5) / np.exp(z[:3] / 5).sum()
directly = entropy(np.concatenate([mass * shared, p[3:]]))
by_chain = entropy(np.array([mass, 1 - mass])) + mass * entropy(shared) + (1 - mass) * entropy(p[3:] / (1 - mass))
print(f"summed over all tokens {directly:.6f}, by the chain rule {by_chain:.6f}")

# %% [markdown]
# All that is needed is recorded, so the two ways can be compared at every temperature:

# %%
mixed = continuations.tempered_options(exact)
careful = mixed[mixed.model == "PoLM"].groupby("temperature")[["entropy", "option_entropy", "mass"]].mean()
tempered = {"all logits": at[["entropy", "mass"]], "options only": careful[["entropy", "mass"]], "options": careful[["option_entropy"]]}
pd.concat(tempered, axis=1).set_axis(at.index.round(2)).round(3)

# %% tags=["remove-input"]
say(
    "Tempered by Dual-Align on the options only, the distribution at the answer token has {h_kept:.2f} nats of entropy instead of {h_lost:.1f}, and the options keep {m_kept:.1%}. This needs to know where an answer stands and what the options are. In free text nobody knows that, and the temperature has nothing to say there.",
    h_kept=careful.entropy[t_dual],
    h_lost=at.entropy[t_dual],
    m_kept=careful.mass[t_dual],
)

# %% [markdown]
# ## Is the last prompt token the right place?
#
# A causal model reads from left to right, so every token of the prompt is a place at which the option tokens have logits, at every layer. The prompt ends with the last option, a line break and `Answer:`. Most frequent tokens, counted from the end:

# %%
ends = logits[logits.reading.isin(offsets)].groupby("reading").piece.value_counts(normalize=True).groupby("reading").head(1)
ends.reset_index().rename(columns={"proportion": "share of questions"}).set_index("reading").round(2)

# %% [markdown]
# How good and how sure are the two models when read there? (`mean` averages the logits over the eight places.)

# %%
readings.side_by_side(models).round(3)

# %% [markdown]
# And how far are they apart, and which temperatures follow?

# %%
beside = plots.prepare_offsets(models[models["set"] != "mean"], fits, layers)
beside[["agreement", "divergence", "T_dual-align", "T_daca", "T_temperature-scaling"]].round(2)

# %% mystnb={"figure": {"caption": "Reading 0 to 7 tokens before the prompt's end (0 on the right), 200 questions. ECE with 95 % intervals, noise floor dotted; temperatures are medians over ten splits, on a logarithmic axis. What to see: the PoLM is over-confident at every place, the PLM near its floor at the last token only; there the label-free temperatures lie above the oracle's, at all other places below it.", "name": "fig-offsets"}, "image": {"alt": "Four panels over the place of reading: accuracy and confidence, calibration error with noise floor, agreement and divergence, and temperatures of three methods. The PoLM's confidence exceeds its accuracy by {gap_low:.2f} to {gap_high:.2f}; Dual-Align's temperature runs from {d_low:.1f} to {d_high:.1f} over the places, the oracle's from {o_low:.1f} to {o_high:.1f}."}}
axes = plots.plot_offsets(beside)

# %% mystnb={"figure": {"caption": "Mean divergence of the two models by place and layer. What to see: in the lower half of the stack they hardly part anywhere; above it they part at every place, most at the prompt's last token and at the line break two tokens before it.", "name": "fig-place-layers"}, "image": {"alt": "Map of mean divergence over place and layer: dark in the lower half; the largest mean, {map_most:.2f} nats, stands at layer {map_layer} and {map_place} tokens before the prompt's last one."}}
at_most = layers[layers.regime.eq("all") & layers.reading.str.startswith("offset-")].nlargest(1, "divergence").iloc[0]
glue("map_most", at_most.divergence), glue("map_layer", int(at_most.layer)), glue("map_place", int(at_most.reading.removeprefix("offset-")))
ax = plots.plot_place_layers(layers)

# %% [markdown]
# Calibration error of the PoLM after each method, place by place: fitted on half of the questions, judged on the other half, mean over ten splits. `floor` is that of `dual-align`, on 100 questions; `spread` the largest standard deviation over the splits in a row.

# %%
methods = ["vanilla", "daca", "dual-align", "temperature-scaling"]
at_places = fits[(fits["style"] == "choices") & fits.reading.isin([*offsets, "mean-offsets"])]
by_place = at_places.groupby(["reading", "method"]).agg(ece=("ece", "mean"), spread=("ece", "std"), floor=("ece_floor", "mean")).unstack()
errors = by_place.ece[methods].assign(floor=by_place.floor["dual-align"], spread=by_place.spread.max(axis=1)).loc[[*offsets, "mean-offsets"]]
errors.round(3)

# %% tags=["remove-input"]
ahead, least = errors["daca"] - errors["dual-align"], errors[["daca", "dual-align"]].min(axis=1)
say(
    "Dual-Align's mean error is below DACA's in {ahead} of {rows} rows, in {clear} of them by more than `spread`. The oracle's is below both by more than `spread` in {oracle}.",
    ahead=int((ahead > 0).sum()),
    rows=len(errors),
    clear=int((ahead > errors["spread"]).sum()),
    oracle=int((least - errors["temperature-scaling"] > errors["spread"]).sum()),
)

# %% [markdown]
# Does the PoLM know less at another place? Its accuracy there less that at the last prompt token, on the same questions. The eight intervals hold together (Bonferroni).

# %%
hits = {name: (t.polm_final.argmax(1) == t.labels).astype(float) for name, t in places.items()}
others = [name for name in places if name != 0]
level = 1 - 0.05 / len(others)
moved = {name: metrics.paired_difference(metrics.accuracy, (hits[name],), (hits[0],), level=level, draws=2000) for name in others}
pd.DataFrame(moved, index=["accuracy less", "low", "high"]).T.rename_axis("place").round(3)

# %% tags=["remove-input"]
seen = models[models.model == "PoLM"].set_index("set")
plm_seen = models[models.model == "PLM"].set_index("set")
better, worse = [str(n) for n, d in moved.items() if d.low > 0], [str(n) for n, d in moved.items() if d.high < 0]
t_d, t_o = beside["T_dual-align"], beside["T_temperature-scaling"]
say(
    "- **The PoLM's accuracy.** {apart_places} From 200 questions smaller differences cannot be told.\n"
    "- **Its confidence** exceeds its accuracy in all nine readings, by {gap_low:.2f} to {gap_high:.2f}.\n"
    "- **The PLM's ECE** lies within .04 of its noise floor at {calm} of these {n_places} readings: {calm_at}.\n"
    "- **Temperatures.** Dual-Align's runs from {d_low:.1f} to {d_high:.1f} over the eight places, the oracle's from {o_low:.1f} to {o_high:.1f}.",
    apart_places=f"Its interval leaves out zero at: {', '.join(better + worse)}." if better + worse else "No interval leaves out zero.",
    calm_at=", ".join(f"`{n}`" for n in plm_seen.index[plm_seen.ece - plm_seen.ece_floor <= 0.04]) or "none",
    **dict(gap_low=(seen.confidence - seen.accuracy).min(), gap_high=(seen.confidence - seen.accuracy).max()),
    **dict(calm=int((plm_seen.ece - plm_seen.ece_floor <= 0.04).sum()), n_places=len(plm_seen)),
    **dict(d_low=t_d.min(), d_high=t_d.max(), o_low=t_o.min(), o_high=t_o.max()),
)

# %% [markdown]
# The PLM's training and its gain were read at the last prompt token, and there its premise holds.

# %% tags=["remove-input"]
early = errors.loc["offset-1"]
say(
    "One token earlier the same PLM is over-confident, and what is aligned to it keeps an ECE of {early_dual:.2f} where the oracle has {early_oracle:.2f}. At the other places the gap is smaller.",
    early_dual=early["dual-align"],
    early_oracle=early["temperature-scaling"],
)

# %% [markdown]
# A model that is calibrated at one place need not be at another. For answers that end elsewhere, check the PLM *there* first.
#
# ## The whole text instead of its first token
#
# An option such as *Most ecosystems are found on land* has many tokens, and this book reads the first. Three readings of one option $a = (a_1, \dots, a_n)$ behind the prompt $x$:
#
# - **first**: $\ln p(a_1 \mid x)$, as everywhere in this book;
# - **sum**: $\ln p(a \mid x) = \sum_i \ln p(a_i \mid x, a_{<i})$, the log-probability of the whole text;
# - **mean**: the sum divided by $n$, so that long options are not punished for their length. (Evaluation harnesses often divide by bytes or characters, to the same end.)
#
# A softmax over the options turns each into a belief. For `sum` that is what Bayes' rule gives: the probability of each text, given that one of the $K$ texts is said. For `mean` it is not a probability of anything; its scale is arbitrary, and its temperature must make up for that.

# %%
styles = [(s, r) for s in ("choices", "cloze") for r in readings.TEXT_READINGS]
whole = {f"{s} · {r}": readings.traces_from(logits, s, r) for s, r in styles}
lengths = logits[logits.reading == "sum"].groupby("style").length.agg(lambda rows: np.concatenate(rows.tolist()))
of_texts = protocol.both_models(whole, draws=draws)
readings.side_by_side(of_texts).round(3)

# %% [markdown]
# Temperatures and errors, fitted and judged as above. Dual-Align is missing: it reads inner layers, and a text of several tokens has a lens at each of them.

# %%
named = fits.assign(set=fits["style"] + " · " + fits.reading)
named = named[named.reading.isin(readings.TEXT_READINGS)].groupby(["set", "method"])
medians = {"T": named.temperature.median(), "ECE": named.ece.mean()}
fitted = {c: v.unstack()[["daca", "temperature-scaling"]] for c, v in medians.items()}
floor = named.ece_floor.mean().unstack()[["daca", "temperature-scaling"]].max(axis=1).to_frame("floor")
agreement = of_texts[of_texts.model == "PoLM"].set_index("set")[["agreement"]]
pd.concat(fitted | {"both": floor.join(agreement)}, axis=1).loc[list(whole)].round(3)

# %% [markdown]
# Does the reading change how often the PoLM is right?

# %%
right = {name: (t.polm_final.argmax(1) == t.labels).astype(float) for name, t in whole.items()}
pairs = {f"{s} · {r}": (right[f"{s} · {r}"], right[f"{s} · first"]) for s in ("choices", "cloze") for r in ("sum", "mean")}
level = 1 - 0.05 / len(pairs)
change = {name: metrics.paired_difference(metrics.accuracy, (a,), (b,), level=level, draws=2000) for name, (a, b) in pairs.items()}
pd.DataFrame(change, index=["accuracy less that of first", "low", "high"]).T.round(3)

# %% [markdown]
# And does it change whether the PLM is calibrated? Its ECE less that of the first token:

# %%
surest = {name: np.exp(drift.log_softmax_options(t.plm_final)).max(axis=1) for name, t in whole.items()}
knows = {name: (t.plm_final.argmax(1) == t.labels).astype(float) for name, t in whole.items()}
ece_pairs = {name: [(surest[n], knows[n]) for n in (name, f"{name.split(' ')[0]} · first")] for name in pairs}
ece_change = {name: metrics.paired_difference(metrics.ece, *both, level=level, draws=2000) for name, both in ece_pairs.items()}
pd.DataFrame(ece_change, index=["PLM's ECE less that of first", "low", "high"]).T.round(3)

# %% tags=["remove-input"]
apart = [name for name, d in change.items() if d.low > 0 or d.high < 0]
ece_apart = [name for name, d in ece_change.items() if d.low > 0 or d.high < 0]
of_plm = of_texts[of_texts.model == "PLM"].set_index("set")
oracle_t, daca_t = (fitted["T"][m].loc[list(whole)] for m in ("temperature-scaling", "daca"))
say(
    "An option has {tokens:.1f} tokens on average, and {single:.0%} of them have one. Accuracy differs from that of the first token for {apart_readings} (intervals that hold together, Bonferroni).\n\n"
    "The PLM's ECE differs for {ece_readings}. Over all six readings it goes from {g_low:.3f} (`{g_least}`) to {g_high:.3f} (`{g_most}`), DACA's temperature from {t_low:.1f} to {t_high:.1f}, the oracle's from {reading_low:.1f} to {reading_high:.1f}.",
    tokens=lengths["cloze"].mean(),
    single=(lengths["cloze"] == 1).mean(),
    apart_readings=", ".join(f"`{n}`" for n in apart) or "none of the four",
    **dict(g_low=of_plm.ece.min(), g_high=of_plm.ece.max(), g_least=of_plm.ece.idxmin(), g_most=of_plm.ece.idxmax()),
    ece_readings=", ".join(f"`{n}`" for n in ece_apart) or "none of them",
    **dict(t_low=daca_t.min(), t_high=daca_t.max(), reading_low=oracle_t.min(), reading_high=oracle_t.max()),
)

# %% [markdown]
# ## What this page does not show
#
# - **Text that a model was trained to write.** The PoLM is a model of 270 million parameters, trained at one token. A chat model answers in sentences. What it would say at its own calibrated temperature has to be measured there; the derivation of the options' lost probability holds for any vocabulary.
# - **Answers behind a chain of thought.** "Where to read when answers are long" also asks about answers that follow reasoning. These prompts have none.
# - **Dual-Align on whole texts.** It would need a rule for the inner layers of several tokens, and has none.
# - **Small differences.** With 200 questions the noise floor of an ECE is high. Readings whose errors lie within it are not told apart.
#
# ## Summary
#
# - A calibrated temperature answers one question: given that an option is said, which one? It does not ask whether an option is said.
# - Used on the whole vocabulary it takes the probability away from the options, the faster the larger the vocabulary. Top-p does not repair that.
# - To sample a calibrated answer, temper the option logits alone. Elsewhere in a text such a temperature has no meaning.
# - Read where the PLM is calibrated. The PLM of this pair is at the last prompt token, where its own training was read; one token earlier it is not, and there the label-free methods inherit that.
# - A temperature belongs to its reading. First token, whole text and mean over its tokens are three scales of belief; fit it on the reading that is used.
#
# Mira takes the temperature out of the sampler. She uses it in one place only: where the helper, having answered, says how sure it is.
#
# **Next:** [what the reviewers asked](19_open_questions.ipynb).
#
# ```{exercise} When the options lose
# :label: ex-mass
# Two options have the logits `options`. The vocabulary has `others` more tokens, all with logit 0. At which temperature do the two options together hold exactly one half of the probability? Two decimals.
# ```

# %%
task = course.task("mass", me)
task

# %% [markdown]
# ```{solution-start} ex-mass
# :class: dropdown
# ```

# %% tags=["solution"]
from scipy.optimize import brentq

half = brentq(lambda t: np.exp(task.options / t).sum() - task.others, 0.5, 20)
at_one = np.exp(task.options).sum()
print(f"T = {half:.2f}; at T = 1 they hold {at_one / (at_one + task.others):.4f}")
task.check(half)

# %% [markdown] tags=["solution"]
# One half means that the options' sum equals that of all other tokens: $e^{z_1/T} + e^{z_2/T} = $ `others`. The options' ratio, $e^{(z_1 - z_2)/T}$, is all that calibration looks at, and it says nothing of this.

# %% [markdown]
# ```{solution-end}
# ```
