"""Every combination of the open readings, on the seven sets of the main pair."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from .. import protocol
from ..calibrators import DualAlign
from ..traces import Traces
from .ablation import OPTIONS, scores
from .main import OURS
from .unit import MAIN, Experiment, Name, Row, each, fitted, tidy


def combinations() -> Iterator[dict[str, object]]:
    """Every combination once: gaps taken layer by layer know no aggregate."""
    for values in itertools.product(*OPTIONS.values()):
        options = dict(zip(OPTIONS, values, strict=True))
        if options["process"] != "per-layer" or options["aggregate"] == OPTIONS["aggregate"][0]:
            yield options


def reading(options: Mapping[str, object]) -> str:
    """``aggregate=mean-entropy tempered=all ...``, in the order of `OPTIONS`."""
    return " ".join(f"{argument}={option}" for argument, option in options.items())


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5)) -> Iterator[Row]:
    """Temperature, ECE and Brier score of every combination on every split."""
    ((name, traces),) = read.items()
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for options in combinations():
            calibrator = DualAlign(**options)
            where = {"method": OURS, "reading": reading(options), "seed": seed, "n": len(test)}
            if not fitted(calibrator, fitting):
                yield from tidy(name, {"refused": 1}, **where)
                continue
            found = scores(protocol.answers(calibrator, testing))
            fit_row = {"temperature": calibrator.temperature_, "ece": found["ece"], "brier": found["brier"]}
            yield from tidy(name, fit_row, **where)


EXPERIMENT = Experiment(
    "factorial", "every combination of readings, main pair", each(lambda n: n.own_style and n.pair == MAIN), rows, True
)
