"""Trace the entries of the catalogue, and check what was shipped against what the models say now."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import drift
from ..models import LoadedModel
from ..traces import Traces
from ..traces.collect import collect
from . import catalogue
from .catalogue import Entry, Pair


class Models:
    """The two models of one pair, loaded when first asked for and kept."""

    def __init__(self, pair: Pair):
        self.pair = pair
        self._loaded: dict[str, LoadedModel] = {}

    def plm(self) -> LoadedModel:
        return self._load(0)

    def polm(self) -> LoadedModel:
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


def deviation(entry: Entry, models: Models, n: int, scratch: Path, mirror=None) -> np.ndarray:
    """Largest change of an option's log-probability, nats, at any layer, of each of ``n`` questions of a shipped trace.

    The questions are spread evenly over the file. Returns (n, 2): PLM and PoLM.
    """
    shipped = Traces.load(entry.path)
    rows = np.linspace(0, len(shipped) - 1, min(n, len(shipped))).astype(int)
    wanted = {shipped.question_ids[i] for i in rows}
    questions = [q for q in entry.select(mirror) if q.id in wanted]
    now = Traces.load(
        collect(
            models.plm(), models.polm(), questions, entry.style, scratch, wording=entry.wording,
            foreign=models.pair.foreign, progress=False,
        )
    )  # fmt: skip
    then = shipped.select([shipped.question_ids.index(i) for i in now.question_ids])
    return np.stack([_largest_change(getattr(now, s), getattr(then, s)) for s in ("plm_logits", "polm_logits")], 1)


def _largest_change(now: np.ndarray, then: np.ndarray) -> np.ndarray:
    k = now.shape[-1]  # the whole file may be padded to more options
    here, there = drift.log_softmax_options(now), drift.log_softmax_options(then[..., :k])
    return np.abs(np.where(np.isfinite(here), here - there, 0)).max(axis=(1, 2))
