"""Collect a trace: run both models over the questions, batch by batch, and keep every finished batch."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from ..questions import Question
from . import validate
from .again import Recorded
from .artifact import Traces
from .encode import Encoded, batch_plan, encode_pair, longer
from .progress import progress as show_progress
from .reader import Reader
from .shards import Shards
from .sharing import as_text, reading, shared_start
from .team import Team
from .tokens import is_spec
from .writing import TraceFile

SIDES = ("plm", "polm")


def collect(
    plm,
    polm,
    questions: Sequence[Question],
    style: str,
    out: str | os.PathLike,
    batch_size: int | str = "auto",
    on_clash: str = "error",
    wording: str = "",
    resume: bool = True,
    progress: bool = True,
    *,
    foreign: bool = False,
    chat: str = "none",
    set_name: str = "",
    variant: str | None = None,
    order: Sequence[Sequence[int]] | None = None,
    stored: str = "float32",
    share_prefix: bool = True,
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
        most one batch, and its finished file has the same bytes as that of an uninterrupted run. Several processes
        that were started together share the work, see `Team`; the first writes the file.
    batch_size : int or "auto"
        Questions a batch; together with the questions it fixes which are computed together. "auto" cuts by the number
        of tokens, see `encode.batch_plan`. A batch that does not fit into memory is halved, see `Reader`.
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
    chat : {"none", "polm", "both"}
        Who reads the questions in its chat template, see `encode_pair`.
    set_name : str
        Name and revision of the question set, for the file's metadata.
    variant : str, optional
        What is special about this trace, for the metadata; the wording by default.
    order : sequence of permutations, optional
        For questions whose options were permuted: the original index of the option at each place.
    stored : {"float32", "float16"}
        How logits are written.
    share_prefix : bool
        Whether a start that all prompts share is computed once a model, where it is long enough to pay, see `sharing`.

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
    team = Team.here()
    plm = Recorded(plm) if isinstance(plm, Traces) else plm
    recorded = isinstance(plm, Recorded)
    kept, *encoded = encode_pair(polm if recorded else plm, polm, questions, style, wording, on_clash, foreign, chat)
    if recorded:
        asked = _asked(style, "both" if chat == "both" else "none")
        plm.check(kept, [len(row) for row in encoded[0].options], asked, wording if variant is None else variant)
    plan = batch_plan(longer(*encoded), batch_size)
    starts = [shared_start(side.prompts) if share_prefix else 0 for side in encoded]
    shards = Shards(out, _run(plm, polm, kept, encoded, batch_size, starts), resume, team)
    for side, model, tokens, start in zip(SIDES, (plm, polm), encoded, starts, strict=True):
        _run_side(side, model, tokens, start, plan, shards, progress and team.leads, kept)
    if not team.leads:
        return out
    for side in SIDES:
        shards.wait(side, len(plan))
    metadata = _metadata(plm, polm, _asked(style, chat), set_name, wording if variant is None else variant)
    shared = as_text([shards.noted(side) for side in SIDES])
    metadata |= {"shared_tokens": shared} if shared else {}
    rows = None if order is None else _kept_order(order, questions, kept)
    _put_together(out, kept, encoded[0].options, plan, shards, metadata, rows, stored)
    shards.remove()
    return out


def _check_arguments(questions: Sequence[Question], out: Path, batch_size: int | str, on_clash: str) -> None:
    if not questions:
        raise ValueError("questions: none given; a trace needs at least one")
    if batch_size != "auto" and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"batch_size: {batch_size!r}; give 'auto', or a whole number of at least 1")
    if on_clash not in ("error", "skip"):
        raise ValueError(f"on_clash: {on_clash!r}; give 'error' or 'skip'")
    validate.check_target(out)


def _run(plm, polm, questions: list[Question], encoded: list[Encoded], batch_size: int | str, starts: list) -> dict:
    """All that decides the numbers of this run, to know its half-finished folder again."""
    ids = hashlib.sha256("\n".join(q.id for q in questions).encode()).hexdigest()
    tokens = [tokens.digest() for tokens in encoded]
    run = {"question ids": ids, "prompts": tokens, "batch size": batch_size, "packages": created_by()}
    run["shared tokens"] = starts
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


def _run_side(
    side: str, model, tokens: Encoded, start: int, plan, shards: Shards, show: bool, questions: list[Question]
) -> None:
    """Compute what is missing of one model, and is this process's to do."""
    missing = shards.missing(side, len(plan))
    mine = shards.team.share(missing)
    if not mine:
        return
    if isinstance(model, Recorded):
        for batch in mine:
            part = [questions[i] for i in plan[batch]]
            shards.write(side, batch, model.read(part, max(len(tokens.options[i]) for i in plan[batch])))
        return
    total, todo, alone = len(questions), sum(len(plan[b]) for b in missing), shards.team.size == 1
    loaded = _loaded(model)
    lens, shared = reading(loaded, tokens, start, side, shards)
    read, name = Reader(loaded, lens), f"{side} {model.name}" + (f", {shared} tokens shared" if shared else "")
    with show_progress(name, total, total - todo, show) as advance:
        for batch in mine:
            rows = plan[batch]
            logits = read([tokens.prompts[i] for i in rows], [tokens.options[i] for i in rows])
            _check_finite(logits, [tokens.options[i] for i in rows], [questions[i] for i in rows], loaded)
            shards.write(side, batch, logits)
            now = todo - len(rows) if alone else sum(len(plan[b]) for b in shards.missing(side, len(plan)))
            advance(todo - now)
            todo = now


def _check_finite(logits: np.ndarray, options: list[list[int]], questions: list[Question], loaded) -> None:
    real = np.arange(logits.shape[2]) < np.array([len(row) for row in options])[:, None]
    bad = ~np.isfinite(np.where(real[:, None, :], logits, 0)).all(axis=(1, 2))
    if bad.any():
        raise ValueError(
            f"{loaded.name}: logits of question {questions[int(bad.argmax())].id!r} are not finite in {loaded.dtype}; "
            f"try dtype float32, or check the weights"
        )


def _put_together(
    out: Path,
    questions: list[Question],
    options: list[list[int]],
    plan: list[list[int]],
    shards: Shards,
    metadata: dict[str, str],
    order: list[Sequence[int]] | None,
    stored: str,
) -> None:
    """Write the finished batches into one file, one after the other; each is checked as a trace by itself."""
    groups = [q.group for q in questions] if any(q.group for q in questions) else []
    depths = tuple(shards.read(side, 0, len(plan[0])).shape[1] for side in SIDES)
    k, ids = max(map(len, options)), [q.id for q in questions]
    permuted = order is not None
    with TraceFile(out, len(questions), k, depths, ids, groups, metadata, stored, permuted) as file:
        for batch, rows in enumerate(plan):
            part = _as_traces([questions[i] for i in rows], [len(options[i]) for i in rows], shards, batch)
            file.write(rows, part if order is None else replace(part, order=_wide([order[i] for i in rows], part)))


def _as_traces(questions: list[Question], n_options: list[int], shards: Shards, batch: int) -> Traces:
    plm, polm = (shards.read(side, batch, len(questions)) for side in SIDES)
    return Traces(
        plm_logits=plm,
        polm_logits=polm,
        labels=np.array([-1 if q.answer is None else q.answer for q in questions]),
        n_options=np.array(n_options),
        question_ids=tuple(q.id for q in questions),
    )


def _kept_order(order, questions: Sequence[Question], kept: list[Question]) -> list[Sequence[int]]:
    """Entries of ``order`` for the questions that are kept."""
    stays = {id(q) for q in kept}
    return [o for o, q in zip(order, questions, strict=True) if id(q) in stays]


def _wide(order: list[Sequence[int]], part: Traces) -> np.ndarray:
    """Orders as an array (n, K'), filled up with -1."""
    k = part.mask.shape[1]
    return np.array([[*o, *[-1] * (k - len(o))] for o in order])


def _asked(style: str, chat: str) -> str:
    """The prompt style as the metadata have it: what each model read, where that differs."""
    in_chat = f"{style} in its chat template"
    return {"none": style, "both": in_chat, "polm": f"{style} / {in_chat}"}[chat]


def _metadata(plm, polm, style: str, set_name: str, variant: str) -> dict[str, str]:
    return {
        "plm": plm.name,
        "polm": polm.name,
        "questions": set_name,
        "prompt": style,
        "created_by": created_by(),
        "dtype": _both(plm.dtype, polm.dtype),
        "device": _both(_kind(plm), _kind(polm)),
        "softcap": _both(plm.softcap, polm.softcap),
        "variant": variant,
    } | _origin(plm, polm)


def _origin(plm, polm) -> dict[str, str]:
    """Which commits of the hub were read, and whether code of theirs might run; nothing where all lies here."""
    specs = [model if is_spec(model) else getattr(model, "spec", None) for model in (plm, polm)]
    commits = [getattr(spec, "commits", "") for spec in specs]
    code = ["allowed" if getattr(spec, "trust_remote_code", False) else "off" for spec in specs]
    found = {"commits": " / ".join(commit or "local" for commit in commits)} if any(commits) else {}
    return found | ({"remote_code": _both(*code)} if "allowed" in code else {})


def _kind(model) -> str:
    """What kind of device computed: cpu, cuda, mps; of a recorded trace what it says, of a spread model its map."""
    if isinstance(model, Recorded):
        return model.device
    if is_spec(model):
        return model.device_kind
    return model.device.split(":")[0]


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
