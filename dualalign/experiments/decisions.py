"""What the methods' decisions cost: abstaining at every price, and answers above a threshold chosen for a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .. import decisions, protocol
from ..calibrators import METHODS
from ..decisions import Held
from ..traces import Traces
from .main import OURS, minus
from .unit import Experiment, Name, Row, each, fitted, tidy

CONSTANT = "constant"  # one confidence for all: the accuracy on the fit side, which needs its labels
JUDGED = ("vanilla", "align-all", "daca", OURS, "basecal", "agreement", "temperature-scaling")
PRICES = (0.2, 0.4, 0.6, 0.8)  # shown by name beside the mean over all prices
TARGETS = (0.5, 0.6, 0.7, 0.8)  # accuracies promised


def held_out(
    traces: Traces,
    methods: Iterable[str] = (*JUDGED, CONSTANT),
    seeds: Iterable[int] = range(5),
    right: np.ndarray | None = None,
) -> dict[str, list[Held]]:
    """What each method says on its held-out 70 %, a `Held` a split. A method that refuses a split is left out.

    Parameters
    ----------
    traces : labelled
    methods : names in `METHODS`, and "constant"
    seeds : one split each
    right : (N,) in place of whether the PoLM's answer is the label: its exact chance of being right, say
    """
    right = traces.polm_final.argmax(axis=1) == traces.labels if right is None else right
    methods, seeds, found = list(methods), list(seeds), {}
    for _, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for name in methods:
            if name == CONSTANT:
                said = [np.full(len(rows), right[fit].mean()) for rows in (test, fit)]
            elif fitted(calibrator := METHODS[name](), fitting):
                said = [calibrator.confidence(side) for side in (testing, fitting)]
            else:
                continue
            found.setdefault(name, []).append(Held(testing.question_ids, said[0], right[test], said[1]))
    return {name: sides for name, sides in found.items() if len(sides) == len(seeds)}


def promises(sides: list[Held], target: float) -> decisions.Above:
    """Answers above the threshold that promises `target` on the fit side of each split, judged on its other side."""
    return decisions.above(sides, [decisions.threshold_for(side.fitting, target) for side in sides])


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 50_000) -> Iterator[Row]:
    """All rows of one trace.

    Each split: `cost`, the mean over all prices, and `cost_20`, ..., at one price in hundredths. Rows of seed -1: with
    reading `target=0.6`, ..., what `decisions.above` returns of all splits together, n being the different questions
    answered; and `cost_minus` with `_low`, `_high` and `_p`, Dual-Align's cost less that of the method in `reading`.
    """
    ((name, traces),) = read.items()
    seeds = list(seeds)
    judged = held_out(traces, seeds=seeds)
    for method, sides in judged.items():
        for seed, side in zip(seeds, sides, strict=True):
            at = decisions.costs(side.confidence, side.right, PRICES).mean(axis=1)
            cost = {"cost": decisions.mean_cost(side.confidence, side.right).mean()}
            cost |= {f"cost_{round(100 * c)}": value for c, value in zip(PRICES, at, strict=True)}
            yield from tidy(name, cost, method=method, seed=seed, n=len(side.right))
        for target in TARGETS if method != CONSTANT else ():
            made = promises(sides, target)._asdict()
            n = made.pop("answered")
            yield from tidy(name, made, method=method, reading=f"target={target}", n=n)
    paid = {m: [decisions.mean_cost(s.confidence, s.right) for s in sides] for m, sides in judged.items()}
    drawn = {m: decisions.bootstrap(judged[m], values, draws=draws) for m, values in paid.items()}
    n = len({question for side in judged[OURS] for question in side.questions})
    for rival in (m for m in drawn if m != OURS):
        found = minus({"cost": protocol.difference(drawn[OURS], drawn[rival])})
        yield from tidy(name, found, method=OURS, reading=rival, n=n)


EXPERIMENT = Experiment("decisions", "what the methods' decisions cost", each(lambda name: name.own_style), rows)
