# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A live run
#
# Mira shows her numbers to a colleague, who asks: how do I know that they came from a model? Every page so far read a file. Is the file true?
#
# This page asks the two models themselves, on the machine that builds it, and compares what they say with what was shipped.
#
# | You need | [Deriving Dual-Align](04_deriving_dual_align.ipynb); to run the models, `make live` |
# |---|---|
# | **Time** | 5 minutes, of which the models take one or two |
#
# **You will be able to** trace a pair of models on your own processor, say how far two machines may differ, and decide whether a recorded file can be trusted.

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
from dualalign import course, drift, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data"
pair = "sft4"
live = False
me = "reader"

# %% [markdown]
# ## The questions
#
# The first questions of the ARC-Easy test set travel with the project (CC BY-SA 4.0, see `data/README.md`), and so do their rows of the shipped trace. This is what a model reads:

# %%
questions = da.questions.load_file(f"{folder}/questions/arc-easy.jsonl")
shipped = da.Traces.load(f"{folder}/traces/{pair}__arc-easy__choices.safetensors")
row = {name: i for i, name in enumerate(shipped.question_ids)}
shipped = shipped.select([row[q.id] for q in questions])
print(len(questions), "questions; the first prompt:\n")
print(da.questions.render(questions[0], "choices"))

# %% [markdown]
# ## The models
#
# Both models are the same published base, which comes as a Python package, plus a small correction to its weights, an *adapter* ({term}`LoRA`): `plm` for the PLM, `sft4` for the PoLM. The adapters stand in
# `data/adapters`, with the notice that the base model's terms ask for. Where the page runs live, the next cell loads both models and asks them.

# %%
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="IProgress not found")  # a progress bar's wish, not a fault

source = shipped
if live:
    from dualalign.models import load_model
    from dualalign.traces.collect import collect

    base, adapters = "package:gemma3-270m", Path(folder) / "adapters"
    plm, polm = (load_model(base, adapters / name, label=name) for name in ("plm", pair))
    with tempfile.TemporaryDirectory() as scratch:
        path = collect(plm, polm, questions, "choices", Path(scratch) / "live.safetensors", progress=False)
        source = da.Traces.load(path)

# %% tags=["remove-input"]
from IPython.display import Markdown

note = "This page **ran the models** on the machine that built it."
absent = (
    "This page was built **without the models**: it shows the shipped trace in their place. "
    "`make live` installs the model package and runs them."
)
Markdown(f":::{{note}}\n{note if live else absent}\n:::")

# %% [markdown]
# ## Is it the same?
#
# Equal bytes cannot be asked for. A logit is a sum of millions of products, and every processor adds them in its own order. So we ask for two things: no
# option's log-probability may differ by more than a **tolerance of 0.02 nats**, at any layer, in either model; and no more than one answer in two hundred may change.

# %%
tolerance, gap = 0.02, {}
k = source.mask.shape[1]  # the whole set is padded to its longest question
for name in ("plm_logits", "polm_logits"):
    here, there = (drift.log_softmax_options(getattr(t, name)[:, :, :k]) for t in (source, shipped))
    gap[name] = np.abs(np.where(np.isfinite(there), here - np.where(np.isfinite(there), there, 0), 0)).max()
changed = int((source.polm_final.argmax(1) != shipped.polm_final.argmax(1)).sum())
pd.Series({**gap, "tolerance": tolerance, "answers changed": changed}).to_frame("largest")

# %%
assert source.question_ids == shipped.question_ids
assert max(gap.values()) <= tolerance, f"largest difference {max(gap.values()):.4f} nats"
assert changed <= len(questions) // 200

# %% [markdown]
# The page fails if either bound is broken. Why is a changed answer allowed at all? If the first option's log-probability may sink by the tolerance and the second's rise by it, two options change places when they were less than two tolerances apart. How many are?

# %% tags=["remove-input"]
best = -np.sort(-drift.log_softmax_options(shipped.polm_final), axis=1)[:, :2]
close = int((best[:, 0] - best[:, 1] <= 2 * tolerance).sum())
say(
    "Of these {n} questions, {close} are such close calls for the PoLM.",
    n=len(questions),
    close=close,
)

# %% [markdown]
# ## And the temperature?

# %%
both = {"shipped": shipped, "live" if live else "shipped again": source}
table = protocol.both_models(both, draws=200).set_index(["set", "model"])
table[["n", "accuracy", "confidence", "ece", "ece_floor"]].round(4)

# %% tags=["remove-input"]
temperatures = [da.DualAlign().fit(t).temperature_ for t in (shipped, source)]
say(
    "Dual-Align finds T = {there:.4f} from the shipped trace and T = {here:.4f} from {source}. (These are the first {few} questions of the set; chapter 1 fitted on others, hence another T.)",
    few=len(questions),
    source="the live one" if live else "the same file, read again",
    there=temperatures[0],
    here=temperatures[1],
)

# %% [markdown]
# ## Your own pair
#
# The same two calls, `load_model` and `collect`, read any pair that transformers can load: [Use it on your own pair](23_your_own_pair.ipynb).
#
# ## What this page does not show
#
# - **More than a sample.** Only the first questions of one set, in one prompt style, are asked anew. The other traces were made by the same code, and `dualalign.lab` remakes them.
# - **The training.** That the adapters came about as described is not checked here. [Rerun it](../rerun.md) says how to train them again.
# - **Anything, where it was built without the models.** The note above says which it was.
#
# ## Summary
#
# - A trace can be checked: ask the models again and compare, with a tolerance that was fixed beforehand.
# - Two processors rarely give the same last digits. Answers that were close calls may change; a temperature, which averages over questions, hardly moves.
# - Whoever doubts a number of this book can run `make live`.
#
# Mira's colleague can now check for himself.
#
# **Next:** [what seven post-training recipes do to confidence](06_what_post_training_does.ipynb).
#
# ```{exercise} How many answers could change?
# :label: ex-close-calls
# For twelve questions, `first` and `second` are the probabilities of a model's two likeliest options. On another machine each log-probability may differ by up to `tolerance` nats, in either direction. On how many of the twelve could the model then answer otherwise? A whole number.
# ```

# %%
task = course.task("close-calls", me)
task

# %% [markdown]
# ```{solution-start} ex-close-calls
# :class: dropdown
# ```

# %% tags=["solution"]
apart = np.log(task.first) - np.log(task.second)
print(apart.round(3))
task.check(int((apart <= 2 * task.tolerance).sum()))

# %% [markdown] tags=["solution"]
# A tolerance on log-probabilities is one on ratios: 0.02 nats are two percent of a probability, whatever its size. The two options can move towards each other, so twice the tolerance counts.

# %% [markdown]
# ```{solution-end}
# ```
