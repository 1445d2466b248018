"""How many questions a fit needs: random draws from one half of the questions, judged on the other half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .. import metrics, protocol
from ..calibrators import METHODS
from ..traces import Traces
from .ablation import scores
from .unit import MAIN, Experiment, Name, Row, each, fitted, tidy

METHODS_COMPARED = ("dual-align", "daca", "align-all", "temperature-scaling", "confidence-only")
# Beside the main pair one of another recipe and one of another family, chosen before any result.
PAIRS = (MAIN, "dpo", "smollm2-sft4")
SIZES = (10, 20, 50, 100, 200, 500)


def rows(unit: str, read: Mapping[Name, Traces], draws: int = 20) -> Iterator[Row]:
    """All rows of one trace: `n` questions fitted on, `seed` the draw; all of the half is one draw, seed 0.

    The noise floor stands beside the fit on all of the half only: it takes resampling.
    """
    ((name, traces),) = read.items()
    ((_, (half, test)),) = protocol.enumerate_splits(traces, 0.5, [0])
    testing = traces.select(test)
    for n in [n for n in SIZES if n < len(half)] + [len(half)]:
        for seed in range(draws if n < len(half) else 1):
            drawn = np.sort(np.random.default_rng([n, seed]).choice(half, n, replace=False))
            fitting = traces.select(drawn)
            for method in METHODS_COMPARED:
                calibrator, where = METHODS[method](), {"method": method, "seed": seed, "n": n}
                if not fitted(calibrator, fitting):
                    yield from tidy(name, {"refused": 1}, **where)
                    continue
                answered = protocol.answers(calibrator, testing)
                found = scores(answered)
                if n == len(half):
                    found["ece_floor"] = metrics.ece_floor(metrics.top_label(answered.values, answered.outcomes)[0])
                fit_row = {"temperature": calibrator.temperature_, "n_fit": calibrator.n_fit_}
                yield from tidy(name, fit_row | found, **where)


def _wanted(name: Name) -> bool:
    return name.own_style and name.pair in PAIRS


EXPERIMENT = Experiment("size", "how many questions a fit needs", each(_wanted), rows)
