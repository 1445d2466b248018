# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Use it on your own pair
#
# Mira's next project uses two models that are not in this book. How does she get her temperature, and how does she know that it deserves trust?
#
# Three commands, and a file that her server reads. This page runs all of it on a pair so small that it fits into the repository, without network. Put your own names in their place.
#
# | You need | [Start here](01_start_here.ipynb) |
# |---|---|
# | **Helpful** | [Which method should I use?](21_which_method.ipynb) |
# | **Time** | 20 minutes; to run the models yourself, `make live`: ten seconds more |
#
# **You will be able to** trace a pair of models from a folder, a file or a hub, read the verdict on its temperature, hand the temperature to a server, and use the method's simpler relatives on logs that you already have.

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
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import dualalign as da
from dualalign import course, drift, plots
from dualalign.book import command, say
from dualalign.lab.world import measure
from dualalign.lab.world import pair as tiny

# %% tags=["parameters"]
folder = "../data/pair"
live = False
me = "reader"

# %% [markdown]
# ## The pair and the questions
#
# Two folders, as `save_pretrained` writes them, and a file of questions. We copy them, so that nothing here can spoil the original.

# %%
here = Path(tempfile.mkdtemp()) / "pair"
shutil.copytree(folder, here)
shipped = here / "trace.safetensors"
files = [f for f in sorted(here.rglob("*")) if f.is_file()]
pd.Series({str(f.relative_to(here)): f.stat().st_size for f in files}, name="bytes").to_frame()

# %% [markdown]
# Both models come from the [controlled world](07_world.ipynb): `plm` was trained until it knew, `polm` was trained on too few documents too often. They are tiny, but they are a true pair, and the exact belief in every answer is known. At the end of this page that tells us whether the temperature was right. You will not have that.
#
# A question is a line of JSON, or a row of a Parquet file:

# %%
lines = (here / "questions.jsonl").read_text().splitlines()
print(lines[0], lines[-1], sep="\n")
labelled = sum(json.loads(line)["answer"] is not None for line in lines)

# %% tags=["remove-input"]
say(
    "`answer` is the index of the right option, or `null` where nobody knows. Here {labelled} of {asked:,} questions have one. No label-free method looks at them; they serve to judge. `group` (a subject) and `context` (a passage to read first) are optional.",
    labelled=labelled,
    asked=len(lines),
)

# %% [markdown]
# ## One: the trace
#
# Both models read every question once. At each layer the logits of the option tokens are kept, nothing else. Everything after this step works from the file, on any laptop, without the models.
#
# ```bash
# dualalign trace --plm plm --polm polm --questions questions.jsonl --style cloze --out mine.safetensors
# ```

# %%
if live:
    trace = "dualalign trace --plm plm --polm polm --questions questions.jsonl --style cloze --out mine.safetensors"
    command(trace, here)
else:
    shutil.copy(shipped, here / "mine.safetensors")  # the same pair, questions and style

# %% tags=["remove-input"]
from IPython.display import Markdown

note = "This page **ran the command** on the machine that built it."
absent = "This page was built **without the models**: the shipped trace of the same pair stands in. `make live` runs it."
Markdown(f":::{{note}}\n{note if live else absent}\n:::")

# %%
command("dualalign info mine.safetensors", here)

# %% [markdown]
# The line that matters most is `prompt`. A **prompt style** decides what the models are asked:
#
# | `--style` | The model sees | and is scored by |
# |---|---|---|
# | `letters` (default) | the options behind letters | the letter; for large models |
# | `choices` | the options in a row | the first token of the option |
# | `cloze` | no options | the first token of the option |
# | `p-true` | a proposed answer | `Yes` or `No` |
#
# Small models often cannot tie a letter to an option ([chapter 2](02_reliability.ipynb)). Look at the accuracy before you believe anything else.

# %% [markdown]
# **Your models, by name.** `--plm` and `--polm` take any of these:
#
# | What you have | Write |
# |---|---|
# | a folder of safetensors, in one file or in many | `./my-model` |
# | a model on the hub | `org/name`, with `--plm-revision` for a branch, tag or commit |
# | a GGUF file | `./my-model.gguf`; it is unpacked once into a cache |
# | a base and a LoRA adapter | `--polm BASE --polm-adapter ADAPTER`, a folder or `org/name@revision` |
#
# Any decoder that `transformers` loads will do. The tests read 35 families, and compare every layer with the same model cut off there. One that finishes in a way that the lens does not know is refused, not read wrongly.
#
# Only safetensors are read, never pickles. What comes from the hub is compared with its published checksum. Code from a repository is not run, unless you allow it with `--trust-remote-code`.
#
# **Do the two read alike?** Two tokenizers may cut an option differently. Then the two models answer different questions, and their distributions cannot be compared. `--check` looks at all questions before any weights are read:
# %%
if live:
    command("dualalign trace --plm plm --polm polm --questions questions.jsonl --style cloze --out mine.safetensors --check", here)
else:
    print("(shown where the models run)")

# %% [markdown]
# Where some differ it says how many, which, and what the tokens are. For two models of different families give `--foreign`, and read [chapter 15](15_foreign_references.ipynb) first.
#
# **A chat template?** A post-trained model often expects one. `--chat-template polm` puts each question into the PoLM's own template and reads the first token of its turn. Know what that does: the two models then read *different prompts*. Their divergence, at every layer, is that of the weights and of the prompt together, and a peak layer may be the template's. The trace says so, and the report passes it on. `--chat-template both` keeps the prompts alike, at the price of asking the PLM in a form that it never saw.
#
# **Does it fit?** `--dtype bfloat16` halves the memory; `--device auto` takes the best device. What a large pair needs is the subject of [the next chapter](24_at_scale.ipynb).
#
# **A run that stops** goes on where it was when you give the same command again.

# %% [markdown]
# ## Two: what drifted, and the temperature

# %%
command("dualalign diagnose mine.safetensors", here)

# %% [markdown]
# The first table splits the questions by whether the two models agree, and shows how far apart they are ([chapter 3](03_two_kinds_of_drift.ipynb)). The second needs labels. The third lists what speaks against a fit.

# %%
command("dualalign fit mine.safetensors --method dual-align --method daca --method align-all", here)

# %% [markdown]
# The same in Python, where `T` is `temperature_` and the probabilities come ready-made:

# %%
traces = da.Traces.load(here / "mine.safetensors")
calibrator = da.DualAlign().fit(traces)
probabilities = calibrator.predict_proba(traces)
print(calibrator.temperature_, probabilities[0].round(3))

# %% [markdown]
# ## Three: may I use it?
#
# ```bash
# dualalign report mine.safetensors --questions questions.jsonl --out report.html
# ```
#
# <a href="../reports/own_pair.html">This is the page that it writes</a>; of several traces it makes <a href="../reports/several.html">one page with a table to sort</a>. On top stands the verdict:

# %%
verdict = da.report.judge(traces)
print(verdict.sentence)

# %% [markdown]
# Take the labels away, and the verdict must become more careful. It does:

# %%
from dataclasses import replace

print(da.report.judge(replace(traces, labels=np.full(len(traces), -1))).sentence)

# %% [markdown]
# A label-free temperature hands on the PLM's calibration, good or bad. Whether it is good, only labels on some of *your* questions can show. A few hundred are enough to see a large error; [chapter 2](02_reliability.ipynb) tells how many you need.

# %% mystnb={"figure": {"caption": "Reliability of the PoLM on the labelled questions, as it is and at Dual-Align's temperature, with Wilson intervals. The label-free fit saw none of these labels. What to see: the marks lie far below the diagonal on the left, and at it on the right.", "name": "fig-own-pair"}, "image": {"alt": "Two reliability diagrams. The PoLM's ECE falls from {ece_before:.3f} as it is to {ece_after:.3f} at its temperature; the noise floors are {floor_before:.3f} and {floor_after:.3f}."}}
from dualalign.book import glue
from dualalign.checks import confidence_pairs

before, after = (plots.prepare_reliability(*confidence_pairs(traces, traces.polm_final, t)) for t in (1.0, calibrator.temperature_))
for name, data in (("before", before), ("after", after)):
    glue(f"ece_{name}", data.ece)
    glue(f"floor_{name}", data.floor)
axes = plots.plot_reliability_pair(before, after, titles=("PoLM as it is", f"at T = {calibrator.temperature_:.2f}"))

# %% [markdown]
# ## And was it right?
#
# In this world we can ask. The exact belief $\pi$ in every option gives the temperature with the least expected loss, without noise, and the exact calibration error at any other.

# %%
facts, pi = tiny.facts()
chance = measure.chance_of(traces.polm_final.argmax(axis=1), pi)
fitted = {name: method().fit(traces).temperature_ for name, method in (("vanilla", da.Vanilla), ("daca", da.DACA), ("dual-align", da.DualAlign), ("align-all", da.AlignAll), ("temperature-scaling", da.TemperatureScaling))}
fitted["the truth"] = measure.true_optimum(traces.polm_final, pi).temperature
log_p = {name: drift.log_softmax_options(traces.polm_final, t) for name, t in fitted.items()}
error = {name: measure.calibration_error(np.exp(p).max(axis=1), chance) for name, p in log_p.items()}
loss = {name: measure.exact_loss(p, pi) for name, p in log_p.items()}
exact = pd.DataFrame({"T": fitted, "exact calibration error": error, "exact log loss": loss})
exact.round(4)

# %% tags=["remove-input"]
say(
    "Dual-Align's $T = {t:.2f}$ takes the exact calibration error from {error_before:.3f} to {error_dual:.3f}; the best temperature for the log loss, {t_true:.2f}, leaves {error_true:.3f}. The labels of {labelled_fit} questions would have given {t_scaling:.2f}. Align-all comes closest here, as it must where the PLM's belief is exact: [chapter 7](07_world.ipynb) has the proof, and shows worlds in which it is not so.",
    t=fitted["dual-align"],
    t_true=fitted["the truth"],
    t_scaling=fitted["temperature-scaling"],
    error_before=error["vanilla"],
    error_dual=error["dual-align"],
    error_true=error["the truth"],
    labelled_fit=labelled,
)

# %% [markdown]
# ## Into the serving stack
#
# One command writes what a server or a library reads. `--format` takes `generation-config`, `vllm`, `sglang`, `logits-processor`, `sklearn`, `netcal` and `json`:

# %%
command("dualalign export mine.safetensors --format vllm --out serve.json", here)
serve = json.loads((here / "serve.json").read_text())
print(serve["serve"], serve["request"], serve["logprobs"], sep="\n")

# %% [markdown]
# Each file says what its temperature was fitted on. Two of them hold the inverse: scikit-learn and netcal *multiply* logits.

# %%
command("dualalign export mine.safetensors --format sklearn --out sklearn.json", here)
beta = json.loads((here / "sklearn.json").read_text())["attributes"]["beta_"]
print(f"beta = {beta:.4f}, 1 / T = {1 / calibrator.temperature_:.4f}")

# %% [markdown]
# **Read this before you sample with it.** The temperature was learned from option tokens at the last token of a prompt. It is meant for *reading a confidence*: divide the options' logits by $T$, take the softmax over the options, and report the largest. In a sampler it divides the logits of the whole vocabulary, and [chapter 18](18_at_generation.ipynb) shows how a text falls apart then.
#
# A server that reports log-probabilities is enough. They differ from logits by one constant per token position, and a softmax does not see a constant:

# %%
logits = traces.polm_final[0].astype(float)
log_probabilities = logits - np.logaddexp.reduce([*logits, 9.0, 7.0])  # as a server reports them: two more tokens in its vocabulary
confidence = np.exp(drift.log_softmax_options(log_probabilities, calibrator.temperature_))
print(confidence.round(4), probabilities[0].round(4))
assert np.allclose(confidence, probabilities[0])

# %% [markdown]
# ## Without the models: logs that you already have
#
# Somebody has run both models already, and kept the log-probabilities of the options. Then there is nothing to trace:
#
# | You have | Command |
# |---|---|
# | lm-evaluation-harness, run with `--log_samples` | `dualalign import lm-eval --plm RUN --polm RUN --out t.safetensors` |
# | a HELM run | `dualalign import helm ...` |
# | responses of a server (OpenAI's form, vLLM, SGLang), one a line | `dualalign import logprobs ...` |
# | arrays of every layer (TransformerLens, nnsight, tuned-lens) | `dualalign import arrays ...` |
#
# The first three hold the *last* layer only. What can be done with that? We make such logs from our own trace:

# %%
finals = {"plm": traces.plm_final, "polm": traces.polm_final}
for name, z in finals.items():
    log_p = drift.log_softmax_options(z)
    said = [{"choices": [{"logprobs": {"top_logprobs": [dict(zip("ABCD", row.tolist(), strict=True))]}}]} for row in log_p]
    rows = [{"id": q, "options": [*"ABCD"], "response": one} for q, one in zip(traces.question_ids, said, strict=True)]
    (here / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
command("dualalign import logprobs --plm plm.jsonl --polm polm.jsonl --out logs.safetensors", here)

# %%
command("dualalign fit logs.safetensors --method daca", here)
command("dualalign fit logs.safetensors --method dual-align", here, fails=True)

# %% [markdown]
# Methods that look at the answers alone work as before. Dual-Align looks at the path to the answer, and says in one line that there is none.
#
# Two warnings. An option that is not among the server's top log-probabilities is an error: `--missing drop` leaves the question out, `--missing bound` takes an upper bound for it. And the sum over the tokens of a long option, as lm-evaluation-harness scores it, is another quantity than one logit: its temperature belongs to that score.
#
# ## What this page does not show
#
# - **A large pair.** Two models of 54,000 weights behave as told because they were built to. On real pairs the verdicts differ; [chapter 8](08_main_comparison.ipynb) shows how much.
# - **That your questions are the right ones.** A temperature fits the questions it was learned on. [Chapter 14](14_transfer.ipynb) measures what is lost on others.
# - **A hub.** Names of a hub are resolved by its own client; this page was built without network. The tests run that code against a small server on the same machine.
#
# ## Summary
#
# - `dualalign trace`, `fit` and `report` take two model names and unlabelled questions to a temperature and a verdict. The trace file alone is enough for everything after the first step.
# - The verdict says what the temperature rests on. Without labels it cannot know whether the PLM is calibrated, and it says so.
# - The temperature belongs where a confidence is read, over the options. It does not belong into a sampler.
#
# Mira sends the report to her colleague, and puts the temperature where her helper computes what it shows.
#
# **Next:** [At scale](24_at_scale.ipynb).
#
# ```{exercise} A confidence from a server's log
# :label: ex-from-log
# A server reports the log-probabilities `logprobs` of the options' tokens, over its whole vocabulary, at temperature 1. With the calibrated temperature `T`, how confident is the model in the option that it prefers? Answer to three decimals.
# ```

# %%
task = course.task("from-log", me)
task

# %% [markdown]
# ```{solution-start} ex-from-log
# :class: dropdown
# ```

# %% tags=["solution"]
tempered = np.exp(np.array(task.logprobs) / task.T)
task.check(tempered.max() / tempered.sum())

# %% [markdown] tags=["solution"]
# The log-probabilities are the logits less one constant, which cancels in the softmax over the options. Dividing them by $T$ and normalising over the options is all there is to do.

# %% [markdown]
# ```{solution-end}
# ```
