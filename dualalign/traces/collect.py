"""Collect a trace: run both models over the questions, batch by batch, and keep every finished batch."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from ..questions import Question
from . import validate
from .again import Recorded
from .artifact import Traces
from .encode import Encoded, batch_plan, encode_pair, is_spec
from .progress import progress as show_progress
from .shards import Shards

SIDES = ("plm", "polm")


def collect(
    plm,
    polm,
    questions: Sequence[Question],
    style: str,
    out: str | os.PathLike,
    batch_size: int = 16,
    on_clash: str = "error",
    wording: str = "",
    resume: bool = True,
    progress: bool = True,
    *,
    foreign: bool = False,
    set_name: str = "",
    variant: str | None = None,
    order: Sequence[Sequence[int]] | None = None,
    stored: str = "float32",
) -> Path:
    """Trace a pair of models over questions and write the trace file.

    Parameters
    ----------
    plm, polm : LoadedModel or ModelSpec
        The pre-trained and the post-trained model. A `ModelSpec` is loaded when its turn comes and let go afterwards,
        so that only one model is in memory at a time. A finished `Traces` as ``plm`` gives its PLM's logits instead.
    questions : sequence of Question
    style : {"letters", "choices", "cloze", "p-true"}
    out : path
        The file to write; finished batches wait in the folder ``OUT.part`` beside it. A run that was killed loses at
        most one batch, and its finished file has the same bytes as that of an uninterrupted run.
    batch_size : int
        Questions a batch; together with the questions it fixes which are computed together.
    on_clash : {"error", "skip"}
        What to do with a question whose options cannot be told apart by one token.
    wording : str
        An instruction that stands before every question.
    resume : bool
        False to start over where a part of this run is found.
    progress : bool
        Show rate and time left on stderr.
    foreign : bool
        True for two models with different tokenizers; each reads the questions in its own tokens.
    set_name : str
        Name and revision of the question set, for the file's metadata.
    variant : str, optional
        What is special about this trace, for the metadata; the wording by default.
    order : sequence of permutations, optional
        For questions whose options were permuted: the original index of the option at each place.
    stored : {"float32", "float16"}
        How logits are written.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        One line that names what is wrong; nothing half-written under the name ``out``.
    """
    out = Path(out)
    _check_arguments(questions, out, batch_size, on_clash)
    plm = Recorded(plm) if isinstance(plm, Traces) else plm
    recorded = isinstance(plm, Recorded)
    kept, *encoded = encode_pair(polm if recorded else plm, polm, questions, style, wording, on_clash, foreign)
    if recorded:
        plm.check(kept, [len(row) for row in encoded[0].options], style, wording if variant is None else variant)
    plan = batch_plan(encoded[0], batch_size)
    shards = Shards(out, _run(plm, polm, kept, encoded, batch_size), resume)
    for side, model, tokens in zip(SIDES, (plm, polm), encoded, strict=True):
        _run_side(side, model, tokens, plan, shards, progress, kept)
    metadata = _metadata(plm, polm, style, set_name, wording if variant is None else variant)
    traces = _assemble(kept, encoded, plan, shards, metadata)
    if order is not None:
        traces = dataclasses.replace(traces, order=_kept_order(order, questions, kept, traces.mask.shape[1]))
    traces.save(out, stored)
    shards.remove()
    return out


def _check_arguments(questions: Sequence[Question], out: Path, batch_size: int, on_clash: str) -> None:
    if not questions:
        raise ValueError("questions: none given; a trace needs at least one")
    if batch_size < 1:
        raise ValueError(f"batch_size: {batch_size}; give 1 or more")
    if on_clash not in ("error", "skip"):
        raise ValueError(f"on_clash: {on_clash!r}; give 'error' or 'skip'")
    validate.check_target(out)


def _run(plm, polm, questions: list[Question], encoded: list[Encoded], batch_size: int) -> dict:
    """All that decides the numbers of this run, to know its half-finished folder again."""
    ids = hashlib.sha256("\n".join(q.id for q in questions).encode()).hexdigest()
    tokens = [tokens.digest() for tokens in encoded]
    run = {"question ids": ids, "prompts": tokens, "batch size": batch_size, "packages": created_by()}
    return run | {side: _fingerprint(model) for side, model in zip(SIDES, (plm, polm), strict=True)}


def _fingerprint(model) -> dict:
    if isinstance(model, Recorded):
        return {"trace": hashlib.sha256(model.traces.plm_logits.tobytes()).hexdigest()}
    if is_spec(model):
        return model.fingerprint()
    digest = hashlib.sha256()
    for weight in model.model.parameters():
        digest.update(weight.detach().flatten()[:16].float().cpu().numpy().tobytes())
    return {"name": model.name, "dtype": model.dtype, "device": model.device, "weights": digest.hexdigest()}


def _loaded(model):
    if not is_spec(model):
        return model
    gc.collect()  # what is left of the model before this one
    return model.load()


def _run_side(side: str, model, tokens: Encoded, plan, shards: Shards, show: bool, questions: list[Question]) -> None:
    """Compute what is missing of one model."""
    missing = shards.missing(side, len(plan))
    if not missing:
        return
    if isinstance(model, Recorded):
        for batch in missing:
            part = [questions[i] for i in plan[batch]]
            shards.write(side, batch, model.read(part, max(len(tokens.options[i]) for i in plan[batch])))
        return
    total, todo = len(questions), sum(len(plan[b]) for b in missing)
    loaded = _loaded(model)
    lens = loaded.lens
    with show_progress(f"{side} {model.name}", total, total - todo, show) as advance:
        for batch in missing:
            rows = plan[batch]
            logits = _read(lens, [tokens.prompts[i] for i in rows], [tokens.options[i] for i in rows])
            _check_finite(logits, [tokens.options[i] for i in rows], [questions[i] for i in rows], loaded)
            shards.write(side, batch, logits)
            advance(len(rows))


def _read(lens, prompts: list[list[int]], options: list[list[int]]) -> np.ndarray:
    try:
        return lens(prompts, options)
    except RuntimeError as e:
        if "out of memory" in str(e) or "can't allocate memory" in str(e):
            shape = f"{len(prompts)} prompts of {max(map(len, prompts))} tokens"
            raise ValueError(f"batch_size: a batch of {shape} does not fit into memory; give a smaller one") from None
        raise


def _check_finite(logits: np.ndarray, options: list[list[int]], questions: list[Question], loaded) -> None:
    real = np.arange(logits.shape[2]) < np.array([len(row) for row in options])[:, None]
    bad = ~np.isfinite(np.where(real[:, None, :], logits, 0)).all(axis=(1, 2))
    if bad.any():
        raise ValueError(
            f"{loaded.name}: logits of question {questions[int(bad.argmax())].id!r} are not finite in {loaded.dtype}; "
            f"try dtype float32, or check the weights"
        )


def _assemble(questions: list[Question], encoded: list[Encoded], plan, shards: Shards, metadata: dict) -> Traces:
    n_options = np.array([len(row) for row in encoded[0].options])
    plm, polm = (shards.read(side, plan, int(n_options.max())) for side in SIDES)
    return Traces(
        plm_logits=plm,
        polm_logits=polm,
        labels=np.array([-1 if q.answer is None else q.answer for q in questions]),
        n_options=n_options,
        question_ids=tuple(q.id for q in questions),
        groups=tuple(q.group for q in questions) if any(q.group for q in questions) else (),
        metadata=metadata,
    )


def _kept_order(order, questions: Sequence[Question], kept: list[Question], k: int) -> np.ndarray:
    """Rows of ``order`` for the questions that are kept, (N, K), filled up with -1."""
    stays = {id(q) for q in kept}
    rows = [o for o, q in zip(order, questions, strict=True) if id(q) in stays]
    return np.array([[*o, *[-1] * (k - len(o))] for o in rows])


def _metadata(plm, polm, style: str, set_name: str, variant: str) -> dict[str, str]:
    return {
        "plm": plm.name,
        "polm": polm.name,
        "questions": set_name,
        "prompt": style,
        "created_by": created_by(),
        "dtype": _both(plm.dtype, polm.dtype),
        "softcap": _both(plm.softcap, polm.softcap),
        "variant": variant,
    }


def _both(plm: str, polm: str) -> str:
    return plm if plm == polm else f"{plm} / {polm}"


def created_by() -> str:
    """Names and versions of the packages that decide the numbers."""
    return "; ".join(f"{name} {_version(name)}" for name in ("dualalign", "torch", "transformers", "numpy"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        from .. import __version__

        return __version__ if name == "dualalign" else "unknown"
