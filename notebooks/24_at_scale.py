# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # At scale
#
# Mira's school board asks about the large models: seventy billion weights, fourteen thousand questions. What would that temperature cost, in hours, in cards, in money?
#
# Less than most people guess. A trace reads every prompt once and writes nothing; it is the cheapest thing one can do with a large model. This page does the sums, and holds them against measurements wherever a measurement was possible. Every number is labelled: *measured*, *arithmetic* or *assumed*.
#
# | You need | [Use it on your own pair](23_your_own_pair.ipynb) |
# |---|---|
# | **Helpful** | what a transformer block computes |
# | **Time** | 20 minutes |
#
# **You will be able to** estimate time, memory and money of a trace from a model's `config.json`, choose between more memory, more processes and fewer bits, and say which of these numbers were measured.

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

from dualalign import course, scale
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/results"
questions, tokens = 14_042, 150  # as many as MMLU has, of the length that its prompts have or so
peak, share = 989e12, 0.4  # operations a second of one large card in bfloat16, and how much of that a forward pass reaches
memory, price = 80e9, 3.0  # bytes of that card, dollars an hour
me = "reader"

# %% [markdown]
# ## What a forward pass costs
#
# Every token of a prompt passes every matrix of every block. A weight takes part in one multiplication and one addition. So a decoder with $P$ weights in its blocks needs about $2P$ operations a token, and for a prompt of $T$ tokens

# %% [markdown]
# $$
# \underbrace{2 P\, T}_{\text{matrices}} \; + \; \underbrace{4\, L\, d\, T^2}_{\text{attention}}
# $$ (eq-operations)

# %% [markdown]
# where $L$ is the number of layers and $d$ the width of all heads together. The second term is small until prompts get long. Nothing is unembedded but a few rows at the last token, so the vocabulary does not appear.
#
# The sizes stand in each model's `config.json`. Five that are well known; their weights are not needed for a sum:

# %%
configs = json.loads(Path(f"{folder}/decoders.json").read_text())
decoders = {name: scale.Decoder.from_config(config) for name, config in configs.items()}
sizes = pd.DataFrame({name: {"layers": d.layers, "width": d.width, "weights (10⁹)": d.parameters / 1e9, "used by a token (10⁹)": d.layers * d.block(d.active) / 1e9, "10¹² operations a prompt": d.operations(tokens) / 1e12} for name, d in decoders.items()}).T
sizes.round({"weights (10⁹)": 2, "used by a token (10⁹)": 2, "10¹² operations a prompt": 1}).astype({"layers": int, "width": int})

# %% [markdown]
# *Arithmetic.* The tests compare the weights with those that `transformers` counts in the same models, and the operations with those that torch counts in a small one. In a mixture of experts a token passes two of eight MLPs: such a model is cheap to run, and dear to hold.
#
# ## Does the sum hold?
#
# Random Llamas of three sizes, read by this project's lens on one machine with two cores and no card:

# %%
record = json.loads(Path(f"{folder}/scale.json").read_text())
measured = pd.DataFrame(record["rows"]).assign(weights=lambda d: (d.parameters / 1e6).round(), speed=lambda d: d.speed / 1e9, working=lambda d: d.working / 1e6, said=lambda d: d.said / 1e6)
shown = {"weights": "weights (10⁶)", "seconds": "seconds a batch", "speed": "10⁹ operations a second", "working": "MB beside the weights", "said": "MB by the sum"}
digits = {"weights": "{:.0f}", "seconds": "{:.2f}", "speed": "{:.0f}", "working": "{:.0f}", "said": "{:.0f}"}
plain = measured.set_index(["dtype", "size"])[[*shown]]
plain.apply(lambda column: column.map(digits[column.name].format)).rename(columns=shown)

# %% tags=["remove-input"]
by_type = measured.groupby("dtype").speed
span = by_type.max() / by_type.min()
ratio = measured.operations.max() / measured.operations.min()
memory_off = (measured.working / measured.said).agg(["min", "max"])
say(
    "*Measured* with `benchmarks/scale.py`: {batch} prompts of {length} tokens, the least of three runs. From the smallest to the largest model the operations grow {ratio:.0f}-fold; the speed that is reached stays within a factor of {span32:.2f} in float32 and {span16:.2f} in bfloat16. So {{eq}}`eq-operations` predicts time well once one speed is known. Working memory it only roughly predicts: the measurement is {low:.1f} to {high:.1f} times the sum.",
    batch=record["batch"],
    length=record["tokens"],
    ratio=ratio,
    span32=span["float32"],
    span16=span["bfloat16"],
    low=memory_off["min"],
    high=memory_off["max"],
)

# %% [markdown]
# ## The bill
#
# No large card was at hand for this book. So its speed is *assumed*: the maker's peak for bfloat16 times a share of it. The share, the price and the card's memory stand in the parameters at the top of this page. Put your own in their place.

# %%
card = scale.Machine("one card", peak * share, memory, price)
bills = pd.DataFrame({name: scale.cost(d, card, questions, tokens) for name, d in decoders.items()}).T
bills["spread"] = bills.money * bills.cards  # layer by layer over the cards: one works, all are paid for
bills["trace (MB)"] = [scale.trace_bytes(questions, d.layers, 4) / 1e6 for d in decoders.values()]
bill = bills.assign(weights=bills.weights / 1e9, peak=bills.peak / 1e9, minutes=bills.hours * 60)[["weights", "peak", "cards", "minutes", "money", "spread", "trace (MB)"]]
bill.rename(columns={"weights": "weights (GB)", "peak": "peak (GB)", "minutes": "card minutes", "money": "dollars", "spread": "spread over cards"}).astype({"cards": int}).round(2)

# %% tags=["remove-input"]
large = bills.loc["Llama-3.1-70B"]
say(
    "A pair of seventy billion weights over {n:,} questions: {cards:.0f} cards to hold one model at a time, {minutes:.0f} minutes in all, **{money:.2f} dollars** where one card works at a time and all of them are paid for. *Arithmetic* on an *assumed* speed of {speed:.0f} · 10¹² operations a second. Reading the weights from disk, twice {weights:.0f} GB, may well take longer than the passes.",
    n=questions,
    cards=large.cards,
    minutes=large.hours * 60,
    money=large.spread,
    speed=peak * share / 1e12,
    weights=large.weights / 1e9,
)

# %% [markdown]
# `dollars` is the price of the operations alone. `spread over cards` is what one pays when the layers lie on several cards: while one card works, the others wait. A server that splits every matrix avoids the waiting, but then reports the last layer only; [such logs can be imported](23_your_own_pair.ipynb).
#
# ## What is *not* computed
#
# The usual recipe asks for all hidden states and unembeds each of them into the whole vocabulary. The lens unembeds a handful of rows at one token. For one batch of sixteen prompts:

# %%
rows = {}
for name, d in decoders.items():
    whole = scale.unembedding_bytes(d, 16, tokens, d.layers) / 1e6
    last = scale.unembedding_bytes(d, 16, tokens) / 1e6
    ours = 16 * d.layers * 4 * 4 / 1e6
    rows[name] = {"every layer and token": whole, "last layer, every token": last, "this lens": ours}
unembedded = pd.DataFrame(rows).T
unembedded.map("{:,.2f}".format)

# %% [markdown]
# Megabytes of logits in float32; *arithmetic*. `benchmarks/trace.py` runs the recipe beside ours and prints the ratio of times and of memory; its table stands in [benchmarks/README.md](https://github.com/dualalign/dualalign/blob/main/benchmarks/README.md).

# %% mystnb={"figure": {"caption": "Dollars for a pair over all questions, by the length of a prompt, for five models on the assumed card; both axes are logarithmic. What to see: cost grows in proportion to length, the attention's square shows only at the far right, and the mixture of experts costs what its used weights cost.", "name": "fig-bill"}, "image": {"alt": "Rising lines of dollars over prompt length for five models. At 150 tokens the pair of Llama-3.1-70B costs {d70:.2f} dollars and that of Llama-3.1-405B {d405:.2f}; at 8,000 tokens the 70B pair costs {d70_long:.0f}."}}
from dualalign import plots

lengths = np.geomspace(30, 8000, 25).astype(int)
curves = pd.DataFrame({name: [scale.cost(d, card, questions, int(t))["money"] for t in lengths] for name, d in decoders.items()}, index=lengths)
at = {name: scale.cost(decoders[name], card, questions, 150)["money"] for name in ("Llama-3.1-70B", "Llama-3.1-405B")}
glue("d70", at["Llama-3.1-70B"]), glue("d405", at["Llama-3.1-405B"])
glue("d70_long", scale.cost(decoders["Llama-3.1-70B"], card, questions, 8000)["money"])
ax = plots.plot_bill(curves)

# %% [markdown]
# ## Three ways to make it fit
#
# **Spread the layers.** `--device-map auto` puts some blocks on each card, and what is left into the machine's memory or on disk. Nothing else changes: the lens reads each block where it lies.
#
# ```bash
# dualalign trace --plm BASE --polm CHAT --questions q.jsonl --out t.safetensors --dtype bfloat16 --device-map auto
# ```
#
# **Fewer bits.** `--dtype bfloat16` halves the weights, `--dtype int8` (with the package bitsandbytes) quarters those of the blocks. Logits are float32 whatever the weights are. Fewer bits change the model that is read: the trace says which type it was, and the two models of a pair should share it.
#
# **Smaller batches.** A batch that does not fit is halved by itself, down to one question, and later batches are cut before they fail. The plan of batches depends on the questions alone, never on the memory found. A halved batch changes the last digits, by about a millionth of a logit in float32.
#
# ## Two ways to make it fast
#
# **Several processes.** `accelerate launch` starts one process a card, or a few on one processor. Each takes its share of the same plan of batches and leaves its results in one folder; the first puts them together. Several machines need a folder that all of them see.
#
# ```bash
# accelerate launch --multi_gpu --num_processes 4 -m dualalign.cli trace --plm BASE --polm CHAT --questions q.jsonl --out t.safetensors
# ```
#
# (The flag is called so without cards, too.) *Measured* on the two cores, loading included:

# %%
processes = pd.DataFrame(record["processes"])
processes.assign(seconds=processes.seconds.round(1)).set_index(["processes", "threads"])

# %% tags=["remove-input"]
one, _, two = record["processes"]
assert one["sha256"] == two["sha256"]
say(
    "Two processes take {ratio_two:.2f} of the time of one with as many threads each, and write **the same bytes**. That is promised for float32 and equal numbers of threads, and tested with two and with four processes. With other threads, types or devices a logit may differ by its own rounding: `dualalign.traces.team.TOLERANCE` says by how much.",
    ratio_two=two["seconds"] / one["seconds"],
)

# %% [markdown]
# Whatever stops it, even `kill -9`: give the same command again, with any number of processes, and it goes on. `dualalign merge` joins traces of different questions.
#
# **A shared start.** Where all prompts begin alike, with a long instruction or with worked examples, that start is computed once. *Measured*, beside the sum:

# %%
starts = pd.DataFrame(record["starts"]).assign(faster=lambda d: d.each / d.once)
named = {"each": "seconds, read each time", "once": "read once", "faster": "times as fast", "said": "by the sum"}
starts.set_index("start")[[*named]].rename(columns=named).rename_axis("tokens of the start").round(2)

# %% tags=["remove-input"]
longest = record["starts"][-1]
say(
    "A batch of {batch_start} prompts of {tail} tokens behind a start of {start}: {faster:.1f} times as fast. Every run tries the shared start on its first prompts against reading them whole, and leaves it alone where the two differ.",
    batch_start=record["batch"],
    tail=record["tokens"],
    start=longest["start"],
    faster=longest["each"] / longest["once"],
)

# %% [markdown]
# ## After the trace
#
# The file is small, and everything after it runs on a laptop: the temperature, its checks, the report. What a fit costs is measured by `benchmarks/fit.py` in passes over the array, so that the number means the same elsewhere. A trace that memory does not hold is read in blocks (`dualalign fit --stream`, by itself above two gigabytes); `benchmarks/stream.py` fits a million questions.
#
# ## What this page does not show
#
# - **A measured card.** No figure here was taken on one. The speed is an assumption, and the bill is as good as that.
# - **Loading.** Weights come from a disk or over a network, and a large model can take longer to arrive than to answer.
# - **Kernels.** The sum counts attention in full. A good kernel skips the half that is masked, and on short prompts a card waits for memory and not for sums, so that small batches reach a smaller share of the peak.
# - **Prices.** They change by the month and by the place. Put yours into the parameters.
#
# ## Summary
#
# - A trace costs two operations for each weight in the blocks, token and model, and nothing for the vocabulary. Time follows from one measured speed.
# - Memory is the weights of one model at a time; what a batch needs beside them is small, and the lens never holds logits over the vocabulary.
# - For a pair of seventy billion weights over the whole of MMLU that is minutes of card time and a few dollars, on an assumed speed. The trace that remains fits into an e-mail.
#
# Mira writes to the board: the machine for an hour, and the afternoon in which she labels two hundred questions. The second is the dearer part.
#
# **Next:** [the course](../course/index.md), or the [glossary](../glossary.md).
#
# ```{exercise} What does the pair cost?
# :label: ex-bill
# Two models of `billions` · 10⁹ weights read `questions` prompts of `tokens` tokens. A card reaches `speed` · 10¹² operations a second and costs `price` dollars an hour. What does the pair cost on one card, in dollars? Leave attention out. Two decimals.
# ```

# %%
task = course.task("bill", me)
task

# %% [markdown]
# ```{solution-start} ex-bill
# :class: dropdown
# ```

# %% tags=["solution"]
operations = 2 * (2 * task.billions * 1e9) * task.questions * task.tokens  # two models, two operations a weight and token
task.check(operations / (task.speed * 1e12) / 3600 * task.price)

# %% [markdown] tags=["solution"]
# Equation {eq}`eq-operations` without its second term, times questions and models, over the speed: seconds. The rest is a price list.

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How many cards hold it?
# :label: ex-cards
# A model of `billions` · 10⁹ weights in bfloat16, cards of `card` · 10⁹ bytes. How many cards hold the weights while a pair is traced? Leave the working memory out.
# ```

# %%
task = course.task("cards", me)
task

# %% [markdown]
# ```{solution-start} ex-cards
# :class: dropdown
# ```

# %% tags=["solution"]
task.check(-(-2 * task.billions // task.card))  # two bytes a weight, rounded up

# %% [markdown] tags=["solution"]
# The two models are loaded one after the other, so one of them decides.

# %% [markdown]
# ```{solution-end}
# ```
