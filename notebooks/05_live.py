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
# Every page so far read a file. Is the file true? This page asks the two models themselves, on this machine, about the first questions of ARC-Easy, and compares
# what they say with what was shipped.
#
# | You need | [Start here](01_start_here.ipynb); to run the models, `make live` |
# |---|---|
# | **Time** | 5 minutes, of which the models take one or two |

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
from dualalign import drift, protocol
from dualalign.book import say

# %% tags=["parameters"]
folder = "../data"
pair = "sft4"
live = False

# %% [markdown]
# ## The questions
#
# They travel with the project (ARC, CC BY-SA 4.0, see `data/README.md`).

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
# The PLM is the packaged base plus our adapter `plm`; the PoLM is the same base plus our adapter `sft4`. Both adapters are small (LoRA) and stand in
# `data/adapters`, with the notice that the base model's terms ask for.

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
# Logits are sums of some hundred million products, and every processor adds them in its own order. So we do not ask for equal bytes. We ask that no
# option's log-probability differs by more than the **tolerance of 0.02 nats**, at any layer, in either model, and that no more than one prediction in two hundred changes.

# %%
tolerance, gap = 0.02, {}
k = source.mask.shape[1]  # the whole set is padded to its longest question
for name in ("plm_logits", "polm_logits"):
    here, there = (drift.log_softmax_options(getattr(t, name)[:, :, :k]) for t in (source, shipped))
    gap[name] = np.abs(np.where(np.isfinite(there), here - np.where(np.isfinite(there), there, 0), 0)).max()
changed = int((source.polm_final.argmax(1) != shipped.polm_final.argmax(1)).sum())
pd.Series({**gap, "predictions changed": changed, "tolerance": tolerance}).to_frame("largest difference")

# %%
assert source.question_ids == shipped.question_ids
assert max(gap.values()) <= tolerance, f"largest difference {max(gap.values()):.4f} nats"
assert changed <= len(questions) // 200

# %% [markdown]
# ## And the temperature?

# %%
both = {"shipped": shipped, "live" if live else "shipped again": source}
table = protocol.both_models(both, draws=200).set_index(["set", "model"])
table[["n", "accuracy", "confidence", "ece", "ece_floor"]].round(4)

# %% tags=["remove-input"]
temperatures = [da.DualAlign().fit(t).temperature_ for t in (shipped, source)]
say(
    "On these {n} questions Dual-Align finds T = {there:.4f} from the shipped trace and T = {here:.4f} from the one above.",
    n=len(questions),
    there=temperatures[0],
    here=temperatures[1],
)

# %% [markdown]
# ## Your own pair
#
# The same two calls read any pair that transformers can load: [Your own pair](../your_own_pair.md).
#
# **Next:** [what seven post-training recipes do to confidence](06_what_post_training_does.ipynb).
