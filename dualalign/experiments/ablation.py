"""One factor at a time: every reading of Dual-Align that the record leaves open, around the default, on all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .. import drift, metrics, protocol
from ..calibrators import DualAlign
from ..calibrators.objective import KL_DIRECTIONS, PROCESSES, WEIGHTS
from ..traces import Traces
from .main import OURS, minus
from .unit import Experiment, Name, Row, each, fitted, tidy

OPTIONS = {
    "aggregate": drift.AGGREGATES,
    "tempered": drift.TEMPERED,
    "weight": (*WEIGHTS, 0.0, 0.25, 0.5, 0.75, 1.0),
    "process": PROCESSES,
    "kl": KL_DIRECTIONS,
    "base": tuple(drift.BASES),
    "peak": drift.PEAK_RULES,
}
DEFAULT = "default"


def readings() -> dict[str, DualAlign]:
    """The default, and every other option of every argument: ``weight=tv``."""
    default = DualAlign()
    others = [(a, option) for a, options in OPTIONS.items() for option in options if option != getattr(default, a)]
    return {DEFAULT: default} | {f"{a}={option}": DualAlign(**{a: option}) for a, option in others}


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 10_000) -> Iterator[Row]:
    """All rows of one trace: each reading on each split and, with seed -1, its scores less those of the default."""
    ((name, traces),) = read.items()
    held_out: dict[str, list[protocol.Answers]] = {}
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for reading, calibrator in readings().items():
            where = {"method": OURS, "reading": reading, "seed": seed, "n": len(test)}
            if not fitted(calibrator, fitting):
                yield from tidy(name, {"refused": 1}, **where)
                continue
            found = protocol.answers(calibrator, testing)
            held_out.setdefault(reading, []).append(found)
            yield from tidy(name, {"temperature": calibrator.temperature_} | scores(found), **where)
    drawn = protocol.bootstrap({r: f for r, f in held_out.items() if len(f) == len(held_out[DEFAULT])}, draws=draws)
    n = len({question for found in held_out[DEFAULT] for question in found.questions})
    for reading in [r for r, quantity in drawn if quantity == "ece" and r != DEFAULT]:
        found = {q: protocol.difference(drawn[reading, q], drawn[DEFAULT, q]) for q in protocol.QUANTITIES}
        yield from tidy(name, minus(found), method=OURS, reading=reading, n=n)


def scores(found: protocol.Answers) -> dict[str, float]:
    """ECE, Brier score and likelihood, without what takes resampling."""
    ece = metrics.ece(*metrics.top_label(found.values, found.outcomes))
    return {"ece": ece} | {q: getattr(metrics, q)(found.values, found.outcomes) for q in ("brier", "nll")}


EXPERIMENT = Experiment(
    "ablation", "one reading at a time, on every pair and set", each(lambda name: name.own_style), rows
)
