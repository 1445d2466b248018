"""How many labels are worth more than none: temperature scaling on n of them, label-free methods on every question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .. import metrics, protocol
from ..calibrators import METHODS
from ..traces import Traces
from .unit import Experiment, Name, Row, each, fitted, tidy

SUPERVISED = "temperature-scaling"
LABEL_FREE = ("vanilla", "align-all", "daca", "dual-align", "basecal", "agreement")
SIZES = (5, 10, 20, 50, 100, 200, 500)


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 4) -> Iterator[Row]:
    """All rows of one trace: fitted on one half of the questions, judged on the other.

    `n` is the number of questions fitted on. A label-free method takes all of the half (`seed` is the split); the
    supervised one takes `draws` random parts of it for each size (`seed` counts splits and draws), and all of it.
    """
    ((name, traces),) = read.items()
    for split, (seed, (half, test)) in enumerate(protocol.enumerate_splits(traces, 0.5, seeds)):
        testing = traces.select(test)
        for method in LABEL_FREE:
            yield from _judged(name, method, traces.select(half), testing, split)
        for n in (n for n in SIZES if n < len(half)):
            for draw in range(draws):
                drawn = np.sort(np.random.default_rng([seed, n, draw]).choice(half, n, replace=False))
                yield from _judged(name, SUPERVISED, traces.select(drawn), testing, split * draws + draw)
        yield from _judged(name, SUPERVISED, traces.select(half), testing, split)


def _judged(name: Name, method: str, fitting: Traces, testing: Traces, seed: int) -> Iterator[Row]:
    calibrator, where = METHODS[method](), {"method": method, "seed": seed, "n": len(fitting)}
    if not fitted(calibrator, fitting):
        yield from tidy(name, {"refused": 1}, **where)
        return
    found = protocol.answers(calibrator, testing)
    if np.ndim(found.values) == 1:  # no probabilities, so no likelihood
        yield from tidy(name, {"ece": metrics.ece(found.values, found.outcomes)}, **where)
        return
    ece = metrics.ece(*metrics.top_label(found.values, found.outcomes))
    yield from tidy(name, {"ece": ece, "nll": metrics.nll(found.values, found.outcomes)}, **where)


EXPERIMENT = Experiment("labels", "how many labels are worth more than none", each(lambda name: name.compared), rows)
