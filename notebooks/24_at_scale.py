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
# The sizes stand in each model's `config.json`. Four are well known (as published; their weights are not needed for a sum):

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
measured.set_index(["dtype", "size"])[[*shown]].rename(columns=shown).round({"seconds a batch": 2}).round(0)

# %% tags=["remove-input"]
by_type = measured.groupby("dtype").speed
span = by_type.max() / by_type.min()
ratio = measured.operations.max() / measured.operations.min()
memory_off = (measured.working / measured.said).agg(["min", "max"])
say(
    "*Measured* with `benchmarks/scale.py`: {batch} prompts of {length} tokens, the least of three runs. From the smallest to the largest model the operations grow {ratio:.0f}-fold; the speed that is reached stays within a factor of {span32:.2f} in float32 and {span16:.2f} in bfloat16. So {eq} predicts time well once one speed is known. Working memory it only roughly predicts: the measurement is {low:.1f} to {high:.1f} times the sum.",
    batch=record["batch"],
    length=record["tokens"],
    ratio=ratio,
    span32=span["float32"],
    span16=span["bfloat16"],
    low=memory_off["min"],
    high=memory_off["max"],
    eq="the sum above",
)

# %% [markdown]
# ## The bill
#
# No large card was at hand for this book. So its speed is *assumed*: the maker's peak for bfloat16 times a share of it. The share, the price and the card's memory stand in the parameters at the top of this page. Put your own in their place.

# %%
card = scale.Machine("one card", peak * share, memory, price)
bills = pd.DataFrame({name: scale.cost(d, card, questions, tokens) for name, d in decoders.items()}).T
bills["trace (MB)"] = [scale.trace_bytes(questions, d.layers, 4) / 1e6 for d in decoders.values()]
bill = bills.assign(weights=bills.weights / 1e9, peak=bills.peak / 1e9, minutes=bills.hours * 60)[["weights", "peak", "cards", "minutes", "money", "trace (MB)"]]
bill.rename(columns={"weights": "weights (GB)", "peak": "peak (GB)", "minutes": "minutes of one card", "money": "dollars"}).round(2)

# %% tags=["remove-input"]
large = bills.loc["Llama-3.1-70B"]
say(
    "A pair of seventy billion weights over {n:,} questions: {cards:.0f} cards to hold one model at a time, {minutes:.0f} minutes of card time, **{money:.2f} dollars**. *Arithmetic* on an *assumed* speed of {speed:.0f} · 10¹² operations a second. Reading the weights from disk, twice {weights:.0f} GB, may well take longer than the passes.",
    n=questions,
    cards=large.cards,
    minutes=large.hours * 60,
    money=large.money,
    speed=peak * share / 1e12,
    weights=large.weights / 1e9,
)

# %% [markdown]
# Where the model is spread over several cards by layers, one card works while the others wait: the same card time, but all of the cards are paid for. The bill is then `cards` times as high. A tensor-parallel server avoids that, and then gives the last layer only ([import its logs](23_your_own_pair.ipynb)).
#
# ## What is *not* computed
#
# The usual recipe asks for all hidden states and unembeds each of them into the whole vocabulary. The lens unembeds a handful of rows at one token. For one batch of sixteen prompts:

# %%
def_rows = {}
for name, d in decoders.items():
    whole = scale.unembedding_bytes(d, 16, tokens, d.layers) / 1e9
    last = scale.unembedding_bytes(d, 16, tokens) / 1e9
    ours = 16 * d.layers * 4 * 4 / 1e9
    def_rows[name] = {"every layer and token": whole, "last layer, every token": last, "this lens": ours}
unembedded = pd.DataFrame(def_rows).T
unembedded.map("{:,.6f}".format)

# %% [markdown]
# Gigabytes of logits in float32; *arithmetic*. `benchmarks/trace.py` runs the recipe beside ours and prints the ratio of times and of memory; its table stands in [benchmarks/README.md](https://github.com/dualalign/dualalign/blob/main/benchmarks/README.md).

# %% mystnb={"figure": {"caption": "Dollars for a pair over all questions, by the length of a prompt, for four models on the assumed card; both axes are logarithmic. What to see: cost grows in proportion to length, the attention's square shows only at the far right, and the mixture of experts costs what its used weights cost.", "name": "fig-bill"}, "image": {"alt": "Rising lines of dollars over prompt length for five models. At 150 tokens the pair of Llama-3.1-70B costs {d70:.2f} dollars and that of Llama-3.1-405B {d405:.2f}; at 8,000 tokens the 70B pair costs {d70_long:.0f}."}}
from dualalign import plots

lengths = np.geomspace(30, 8000, 25).astype(int)
curves = pd.DataFrame({name: [scale.cost(d, card, questions, int(t))["money"] for t in lengths] for name, d in decoders.items()}, index=lengths)
at = {name: scale.cost(decoders[name], card, questions, 150)["money"] for name in ("Llama-3.1-70B", "Llama-3.1-405B")}
glue("d70", at["Llama-3.1-70B"]), glue("d405", at["Llama-3.1-405B"])
glue("d70_long", scale.cost(decoders["Llama-3.1-70B"], card, questions, 8000)["money"])
ax = plots.plot_bill(curves)
