"""Compare shipped traces with models that were trained anew: the check of the pairs whose weights are not shipped."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import drift
from ..traces import Traces
from . import catalogue
from .catalogue import Entry
from .runs import missing, need, run
from .tracing import Models, again, allowance, deviation
from .weights import FILES, sha256

# The same machine gives the same weights. On another, sums differ in their last bits, and nobody can derive how far
# training carries that. Measured once: 75 steps of SFT from weights changed by 1e-7 of themselves moved no option's
# probability by 1e-4, where the training itself moved them by .11 on average. Longer runs and other libraries may do
# more: both numbers are a choice.
MOVED = 0.02  # mean absolute change of an option's probability
ACCURACY = 0.02  # absolute change of accuracy: four of 200 questions
SHIPPED = {name for pair in catalogue.PAIRS.values() if pair.shipped for name in pair.sides}


@dataclass(frozen=True)
class Change:
    """What became of one side of a shipped trace.

    Parameters
    ----------
    trace, side, model : str
    nats : float
        Largest change of an option's log-probability at any layer.
    beyond : float
        How far a question goes beyond its `tracing.allowance`, in nats; 0 where none does.
    moved : float
        Mean absolute change of an option's probability.
    accuracy : float
        Change of accuracy.
    """

    trace: str
    side: str
    model: str
    nats: float
    beyond: float
    moved: float
    accuracy: float

    @property
    def fails(self) -> str:
        """Why this is not the model of the trace; empty where it is.

        Shipped weights must give the shipped logits; remade ones may differ by `MOVED` and `ACCURACY`.
        """
        where = f"{self.trace}: {self.model} ({self.side})"
        if self.model in SHIPPED and self.beyond > 0:
            return f"{where} is {self.beyond:.3g} nats beyond the tolerance"
        if self.moved > MOVED:
            return f"{where} moves an option's probability by {self.moved:.3f} on average (at most {MOVED})"
        if abs(self.accuracy) > ACCURACY:
            return f"{where} changes accuracy by {self.accuracy:+.3f} (at most {ACCURACY})"
        return ""

    def __str__(self) -> str:
        verdict = "differs" if self.fails else "ok"
        return (
            f"{self.trace} {self.side} {self.model}: at most {self.nats:.2g} nats, moved {self.moved:.4f}, "
            f"accuracy {self.accuracy:+.3f}  {verdict}"
        )


def entries_of(pair: str) -> list[Entry]:
    """The shipped traces of a pair; ValueError, one line, for an unknown pair."""
    if pair not in catalogue.PAIRS:
        raise ValueError(f"{pair}: no such pair; known are {', '.join(catalogue.PAIRS)}")
    return [entry for entry in catalogue.CATALOGUE.values() if entry.pair == pair and entry.path.exists()]


def to_compare(pair: str) -> list[Entry]:
    """The same; ValueError, one line, where there is none."""
    entries = entries_of(pair)
    if not entries:
        raise ValueError(f"{pair}: no trace of this pair is in {catalogue.TRACES}; nothing to compare with")
    return entries


def remade_pairs() -> list[str]:
    """Pairs whose weights are not shipped while traces of them are."""
    return [name for name, pair in catalogue.PAIRS.items() if not pair.shipped and entries_of(name)]


def remake(pair: str, mirror=None) -> None:
    """Train what is missing of a pair, and say of each whether it came out as the weights of the shipped record."""
    to_compare(pair)  # before hours of training
    for name in missing(*catalogue.PAIRS[pair].sides):
        record = catalogue.ADAPTERS / name / "run.json"
        before = json.loads(record.read_text("utf-8")).get("sha256") if record.is_file() else None
        folder = run(name, mirror)
        own = next(sha256(folder / file) for file in FILES if (folder / file).exists())
        print(f"{name}: {'the very weights' if own == before else 'not the very weights'} of run.json", flush=True)


def check(pair: str, n: int = 200, mirror=None) -> list[Change]:
    """Trace ``n`` questions of each shipped trace of a pair with the models that are here now.

    Raises
    ------
    ValueError
        One line: unknown pair, no shipped trace, weights that are not here.
    """
    entries = to_compare(pair)
    need(*catalogue.PAIRS[pair].sides)
    models, changes = Models(catalogue.PAIRS[pair]), []
    with tempfile.TemporaryDirectory() as scratch:
        for entry in entries:
            now, then = again(entry, models, n, Path(scratch) / f"{entry.name}.safetensors", mirror)
            for change in compare(entry, now, then):
                print(change, flush=True)
                changes.append(change)
    return changes


def compare(entry: Entry, now: Traces, then: Traces) -> list[Change]:
    """The changes of both sides of a trace."""
    change = deviation(now, then)
    beyond = (change - allowance(then, entry.stored)).max(axis=0).clip(min=0)
    changes = []
    for column, (side, model) in enumerate(zip(("plm", "polm"), catalogue.PAIRS[entry.pair].sides, strict=True)):
        moved, accuracy = _moved(getattr(now, f"{side}_final"), getattr(then, f"{side}_final"), then.labels)
        nats = float(change[:, column].max())
        changes.append(Change(entry.name, side, model, nats, float(beyond[column]), moved, accuracy))
    return changes


def _moved(now: np.ndarray, then: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean absolute change of an option's probability, and change of accuracy."""
    then = then[:, : now.shape[1]]
    here, there = (np.exp(drift.log_softmax_options(z)) for z in (now, then))
    accuracy = [(z.argmax(1) == labels).mean() for z in (now, then)]
    return float(np.abs(here - there)[np.isfinite(now)].mean()), float(accuracy[0] - accuracy[1])


def verdict(changes: list[Change]) -> None:
    """Raise ValueError, one line with the first failure and their number, unless every side passes."""
    failures = [change.fails for change in changes if change.fails]
    if failures:
        raise ValueError(f"{failures[0]}; {len(failures)} of {len(changes)} comparisons failed")
