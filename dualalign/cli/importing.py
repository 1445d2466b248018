"""`dualalign import`: a trace from what other programs wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..bounded import visible
from . import options as o

FORMATS = "lm-eval, helm, logprobs or arrays"
Format = Annotated[str, typer.Argument(metavar="FORMAT", help=f"{FORMATS}, see below.", show_default=False)]
Plm = Annotated[str, typer.Option(metavar="FILE", help="The pre-trained model's file, or the folder of its run.")]
Polm = Annotated[str, typer.Option(metavar="FILE", help="The post-trained model's, of the same questions.")]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The .safetensors trace file to write.")]
Score = Annotated[
    str | None,
    typer.Option(
        help="What an option's score is. lm-eval: sum (default), per-char, per-byte, pmi; helm: sum, per-token, pmi."
    ),
]
Missing = Annotated[
    str | None,
    typer.Option(
        help="An option not among the top log-probabilities: error (default), drop the question, or bound it."
    ),
]
Match = Annotated[
    str | None, typer.Option(help="logprobs: tokens must be exact (default), or stripped of blanks around them.")
]
Questions = Annotated[
    str | None, typer.Option(metavar="FILE", help="logprobs, arrays: a question file, for options, labels and groups.")
]
Style = Annotated[
    str | None, typer.Option(help="logprobs with --questions: letters (default) or choices: what stands for an option.")
]
OptionIds = Annotated[
    str | None, typer.Option(metavar="FILE", help="arrays: a .npy file with the options' tokens, (K,) or (N, K).")
]
Prompts = Annotated[str | None, typer.Option(help="same (default), or any where the models were asked in other words.")]
Unmatched = Annotated[str | None, typer.Option(help="Questions that one run lacks: error (default) or drop.")]
NoLabels = Annotated[bool, typer.Option("--no-labels", help="Leave the right answers out.")]


def import_(
    format: Format,
    plm: Plm,
    polm: Polm,
    out: Out,
    score: Score = None,
    missing: Missing = None,
    match: Match = None,
    questions: Questions = None,
    style: Style = None,
    option_ids: OptionIds = None,
    prompts: Prompts = None,
    unmatched: Unmatched = None,
    no_labels: NoLabels = False,
    plm_name: o.PlmName = None,
    polm_name: o.PolmName = None,
    dtype: o.Stored = "float32",
) -> None:
    """Make a trace of two runs that other programs wrote, over the same questions.

    lm-eval: samples_*.jsonl of lm-evaluation-harness with --log_samples (multiple choice), or the folder they are in.
    helm: scenario_state.json of a HELM run, or its folder.
    logprobs: JSONL of responses with log-probabilities (OpenAI, vLLM, SGLang), one question a line.
    arrays: .safetensors, .npz or .npy with logits or residual streams of every layer (TransformerLens, nnsight,
    tuned-lens).
    The first three hold the last layer only: dual-align needs the inner layers, daca does not.
    """
    from ..traces import imports
    from ..traces.validate import check_target

    if format not in imports.FORMATS:
        raise ValueError(f"FORMAT is {format!r}; allowed are {', '.join(imports.FORMATS)}")
    given = {"score": score, "missing": missing, "match": match, "questions": questions, "style": style}
    given |= {"option_ids": option_ids, "prompts": prompts, "unmatched": unmatched}
    given |= {"labels": False if no_labels else None, "plm_name": plm_name, "polm_name": polm_name}
    options = {name: value for name, value in given.items() if value is not None}
    idle = [name for name in options if name not in imports.FORMATS[format].options]
    if idle:
        raise ValueError(f"--{idle[0].replace('_', '-')} has no effect on {format}; leave it out")
    check_target(out, [path for path in (plm, polm, questions, option_ids) if path])
    traces = imports.FORMATS[format].read(plm, polm, **options)
    traces.save(out, dtype)
    print(visible(summary(out, traces)))


def summary(out: Path, traces) -> str:
    """One line on what was written, and on what was left out of it."""
    layers = f"{traces.n_layers} layers" if traces.n_layers > 1 else "the last layer only"
    about = f"{out}: {len(traces)} questions, {layers}, {traces.metadata['plm']} and {traces.metadata['polm']}"
    left_out, bounded = (traces.metadata.get(key, "") for key in ("left_out", "bounded"))
    return "; ".join(one for one in (about, left_out and f"left out: {left_out}", bounded) if one)
