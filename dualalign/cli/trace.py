"""``dualalign trace``: run a pair of models over a question set and write the trace file."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..bounded import visible
from . import options as o

if TYPE_CHECKING:
    from ..models import ModelSpec


def _batch_size(text: str) -> int | str:
    if text != "auto" and not (text.isdecimal() and int(text) > 0):
        raise ValueError(f"--batch-size is {text!r}; give auto, or a whole number of at least 1")
    return text if text == "auto" else int(text)


Plm = Annotated[str, typer.Option(help="Pre-trained model: folder, .gguf file, package:NAME, hub id or id@revision.")]
Polm = Annotated[str, typer.Option(help="Post-trained model, named the same ways.")]
PlmAdapter = Annotated[str | None, typer.Option(help="LoRA adapter of the pre-trained model: folder or hub id.")]
PolmAdapter = Annotated[str | None, typer.Option(help="LoRA adapter of the post-trained model: folder or hub id.")]
PlmRevision = Annotated[str | None, typer.Option(help="Branch, tag or commit of the pre-trained model's hub id.")]
PolmRevision = Annotated[str | None, typer.Option(help="Branch, tag or commit of the post-trained model's hub id.")]
Questions = Annotated[str, typer.Option(help="A .jsonl or .parquet file, or the name of a question set.")]
Out = Annotated[Path, typer.Option(help="The .safetensors file to write.")]
Mirror = Annotated[str | None, typer.Option(help="Folder with local copies of the hub's question sets.")]
Style = Annotated[str, typer.Option(help="Prompt style: letters, choices, cloze or p-true.")]
Wording = Annotated[str, typer.Option(help="An instruction to stand before every question.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first N questions.")]
Sample = Annotated[int | None, typer.Option(min=1, help="Take N questions at random.")]
Seed = Annotated[int, typer.Option(help="Seed of --sample.")]
SkipClashes = Annotated[bool, typer.Option("--skip-clashes", help="Leave out questions whose options share a token.")]
BatchSize = Annotated[
    str,
    typer.Option(callback=_batch_size, help="Questions a batch, or auto: by length. What does not fit is halved."),
]
Dtype = Annotated[str, typer.Option(help="Type of the weights: float32, bfloat16, float16, or int8 (bitsandbytes).")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto for the best one here.")]
Chat = Annotated[str, typer.Option("--chat-template", help="Who reads its chat template: none, polm or both.")]
DeviceMap = Annotated[
    str | None, typer.Option(help="Spread a model's layers: auto, balanced, sequential, or a JSON file.")
]
MaxMemory = Annotated[str | None, typer.Option(help="What a map may use of each device: 0=20GiB,cpu=100GiB.")]
Foreign = Annotated[bool, typer.Option("--foreign", help="Allow two models with different tokenizers.")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code", help="Run Python code of the models' repositories, which can do all that you can."
    ),
]
Share = Annotated[
    bool, typer.Option(help="Read a start that all prompts share once a model, not once a question, where that pays.")
]
Check = Annotated[bool, typer.Option("--check", help="Compare the two tokenizers on all questions, and stop.")]
Restart = Annotated[bool, typer.Option("--restart", help="Start over instead of going on with a stopped run.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def trace(
    plm: Plm,
    polm: Polm,
    questions: Questions,
    out: Out,
    plm_adapter: PlmAdapter = None,
    polm_adapter: PolmAdapter = None,
    plm_revision: PlmRevision = None,
    polm_revision: PolmRevision = None,
    plm_name: o.PlmName = None,
    polm_name: o.PolmName = None,
    mirror: Mirror = None,
    style: Style = "letters",
    wording: Wording = "",
    limit: Limit = None,
    sample: Sample = None,
    seed: Seed = 0,
    skip_clashes: SkipClashes = False,
    batch_size: BatchSize = "auto",
    dtype: Dtype = "float32",
    device: Device = "auto",
    device_map: DeviceMap = None,
    max_memory: MaxMemory = None,
    foreign: Foreign = False,
    chat: Chat = "none",
    trust: Trust = False,
    share_prefix: Share = True,
    check: Check = False,
    restart: Restart = False,
    quiet: Quiet = False,
) -> None:
    """Trace a pair of models: the logits of every answer option, after every layer, for every question.

    A run that was stopped goes on where it was when the same command is given again. Several processes share the work:
    accelerate launch --multi_gpu --num_processes 4 -m dualalign.cli trace ... (without cards, too).
    """
    chosen, set_name = choose(questions, mirror, limit, sample, seed)
    check_early(out, style, chosen, questions)
    placed = dict(dtype=dtype, device=device, device_map=device_map, max_memory=max_memory, trust_remote_code=trust)
    pair = _pair((plm, plm_adapter, plm_revision, plm_name), (polm, polm_adapter, polm_revision, polm_name), **placed)
    if check:
        typer.echo(visible(_tokenizers(pair, chosen, style, wording, chat)))
        return
    how = {"wording": wording, "chat": chat, "foreign": foreign, "share_prefix": share_prefix, "set_name": set_name}
    _collect(pair, chosen, style, out, batch_size, skip_clashes, resume=not restart, progress=not quiet, **how)


def choose(name: str, mirror: str | None, limit: int | None, sample: int | None, seed: int) -> tuple[list, str]:
    """Load the questions and pick some; return them with the set's name, extent and digest for the file's metadata.

    Raises
    ------
    ValueError
        If the set cannot be read, or both ``limit`` and ``sample`` are given.
    """
    from ..questions import load

    if limit and sample:
        raise ValueError("--limit and --sample: give one of them")
    questions = load(name, mirror)
    total, picked = len(questions), ""
    if limit and limit < total:
        questions, picked = questions[:limit], f", first {limit} of {total}"
    if sample and sample < total:
        rows = sorted(random.Random(seed).sample(range(total), sample))
        questions, picked = [questions[i] for i in rows], f", {sample} of {total} at random, seed {seed}"
    rows = json.dumps([q.to_row() for q in questions], sort_keys=True, ensure_ascii=False).encode()
    short = Path(name).name if Path(name).exists() else name
    return questions, f"{short}{picked}, sha256 {hashlib.sha256(rows).hexdigest()[:16]}"


def check_early(out: Path, style: str, questions: list, source: str) -> None:
    """Raise ValueError for what can be known to fail before a model is looked at."""
    from ..questions import render
    from ..traces.validate import check_target

    check_target(out, [source])
    for question in questions:
        render(question, style)


def _pair(*models: tuple[str, str | None, str | None, str | None], **placed: object) -> list[ModelSpec]:
    """Two models of (source, adapter, revision, name), checked as far as can be without their weights."""
    from ..models import ModelSpec

    pair = [ModelSpec(source, adapter, revision=at, label=name, **placed) for source, adapter, at, name in models]
    for spec in pair:
        spec.check()
    return pair


def _tokenizers(pair: list[ModelSpec], questions: list, style: str, wording: str, chat: str) -> str:
    """What comparing the two tokenizers on all questions found, in words."""
    from ..traces.tokens import tokenizer_report

    return "\n".join(tokenizer_report(*pair, questions, style, wording, chat).lines())


def _collect(
    pair: list[ModelSpec], questions: list, style: str, out: Path, batch_size: int | str, skip: bool, **how: object
) -> None:
    """Trace, and say what was written; of several processes the first one says it."""
    from ..traces.collect import collect
    from ..traces.team import Team

    collect(*pair, questions, style, out, batch_size, "skip" if skip else "error", **how)
    if Team.here().leads:
        typer.echo(visible(summary(out, len(questions))))


def summary(out: Path, n_asked: int) -> str:
    """One line on what was written."""
    from ..traces.stream import TraceStream

    traces = TraceStream(out)  # its header says it all: a trace may be larger than the memory
    skipped = f", {n_asked - len(traces)} left out (options share a token)" if len(traces) < n_asked else ""
    shared = f", {traces.metadata['shared_tokens']} tokens shared" if "shared_tokens" in traces.metadata else ""
    plm, polm = (traces.metadata[key] for key in ("plm", "polm"))
    return f"{out}: {len(traces)} questions{skipped}, {traces.n_layers} layers, {plm} and {polm}{shared}"
