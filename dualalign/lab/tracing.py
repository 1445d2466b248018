"""Trace the entries of the catalogue, and check what was shipped against what the models say now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import drift
from ..models import LoadedModel
from ..questions import Question
from ..traces import Traces
from ..traces.collect import collect
from . import catalogue
from .catalogue import Entry, Pair

TOLERANCE = 0.02  # nats, of any option's log-probability at any layer: processors add in different orders


class Models:
    """The two models of one pair, loaded when first asked for and kept."""

    def __init__(self, pair: Pair):
        self.pair = pair
        self._loaded: dict[str, LoadedModel] = {}

    def plm(self) -> LoadedModel:
        """Return the PLM, loaded when it is first asked for."""
        return self._load(0)

    def polm(self) -> LoadedModel:
        """Return the PoLM, loaded when it is first asked for."""
        return self._load(1)

    def _load(self, side: int) -> LoadedModel:
        spec = self.pair.specs()[side]
        if spec.name not in self._loaded:
            self._loaded[spec.name] = spec.load()
        return self._loaded[spec.name]


def trace(entry: Entry, models: Models, mirror=None) -> Path:
    """Make one trace file of the catalogue; a killed run goes on where it stopped."""
    questions, orders = entry.select(mirror), None
    if entry.variant == "permutations":
        questions, orders = zip(*(both for q in questions for both in catalogue.permuted(q)), strict=True)
    plm = Traces.load(catalogue.TRACES / f"{entry.plm_of}.safetensors") if entry.plm_of else models.plm()
    return collect(
        plm,
        models.polm(),
        list(questions),
        entry.style,
        entry.path,
        on_clash="skip",
        wording=entry.wording,
        foreign=models.pair.foreign,
        set_name=entry.questions,
        order=orders,
        stored=entry.stored,
    )


def again(
    entry: Entry, models: Models, n: int, scratch: Path, mirror=None, questions: list[Question] | None = None
) -> tuple[Traces, Traces]:
    """Trace ``n`` questions of a shipped trace anew, spread evenly over its file.

    Parameters
    ----------
    entry : Entry
    models : Models
    n : int
    scratch : Path
        Where the new trace is written.
    mirror : path, optional
    questions : list of Question, optional
        Take these instead of the entry's whole set, which needs its source.

    Returns
    -------
    Traces, Traces
        Now and as shipped, the same questions in the same order.

    Raises
    ------
    ValueError
        If the trace holds none of the questions, or the sources are not here.
    """
    shipped = Traces.load(entry.path)
    by_id = {q.id: q for q in (entry.select(mirror) if questions is None else questions)}
    known = [row for row, name in enumerate(shipped.question_ids) if name in by_id]
    if not known:
        raise ValueError(f"{entry.path}: holds none of the {len(by_id)} questions")
    rows = [known[i] for i in np.linspace(0, len(known) - 1, min(n, len(known))).astype(int)]
    asked = [_as_shown(by_id[shipped.question_ids[row]], shipped, row) for row in rows]
    options = {"wording": entry.wording, "foreign": models.pair.foreign, "progress": False}
    now = collect(models.plm(), models.polm(), asked, entry.style, scratch, **options)
    return Traces.load(now), shipped.select(rows)


def _as_shown(question: Question, shipped: Traces, row: int) -> Question:
    """The question with its options in the order of its row of the trace."""
    if shipped.order is None:
        return question
    order = shipped.order[row, : shipped.n_options[row]].tolist()
    return replace(question, options=tuple(question.options[i] for i in order), answer=order.index(question.answer))


def deviation(now: Traces, then: Traces) -> np.ndarray:
    """Largest change of an option's log-probability, nats, at any layer: (N, 2), PLM and PoLM."""
    sides = ((getattr(now, side), getattr(then, side)) for side in ("plm_logits", "polm_logits"))
    return np.stack([_largest_change(here, there) for here, there in sides], 1)


def allowance(then: Traces, stored: str, tolerance: float = TOLERANCE) -> np.ndarray:
    """How far `deviation` may go: ``tolerance``, and for float16 twice its rounding of the largest logit: (N, 2).

    Rounding to 11 significant bits moves a logit by at most 2^-11 of itself; a log-probability is a logit less the
    log-sum-exp of all, which moves by no more than the largest of them does.
    """
    if stored == "float32":
        return np.full((len(then), 2), tolerance)
    largest = [np.abs(np.where(np.isfinite(z), z, 0)).max(axis=(1, 2)) for z in (then.plm_logits, then.polm_logits)]
    return tolerance + 2 * 2.0**-11 * np.stack(largest, 1)


def _largest_change(now: np.ndarray, then: np.ndarray) -> np.ndarray:
    k = now.shape[-1]  # the whole file may be padded to more options
    here, there = drift.log_softmax_options(now), drift.log_softmax_options(then[..., :k])
    real = np.isfinite(here)
    return np.abs(np.where(real, here, 0) - np.where(real, there, 0)).max(axis=(1, 2))
