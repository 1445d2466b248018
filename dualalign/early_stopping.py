"""Where the published protocol of DACA [D] stops: 400 epochs of Adam beside the exact optimum (arXiv:2505.16690)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import drift, metrics, protocol
from .calibrators import DACA, AlignAll
from .calibrators.adam import ADAM_PROTOCOL, adam_path
from .calibrators.search import T_MIN

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces


class Stop(NamedTuple):
    """What a fit is called: a ``method``, a ``rate``, and the ``epochs`` after which it stopped, 0 for the optimum."""

    method: str
    rate: float
    epochs: int


def kept_questions(traces: Traces, method: str) -> np.ndarray:
    """bool (N,): the questions that enter the loss of "align-all" or "daca"."""
    drift.one_of("method", method, (AlignAll.name, DACA.name))
    return np.ones(len(traces), dtype=bool) if method == AlignAll.name else drift.agreement(traces)


def optimum(traces: Traces, method: str) -> float:
    """The exact temperature of "align-all" or "daca"."""
    return (AlignAll() if method == AlignAll.name else DACA()).fit(traces).temperature_


def tau_paths(
    traces: Traces, methods: Iterable[str], rates: Iterable[float], epochs: int, seed: int = 0
) -> dict[tuple[str, float], np.ndarray]:
    """(method, rate): raw T from the start to the last epoch of the published protocol, (epochs + 1,)."""
    kept = {method: kept_questions(traces, method) for method in methods}
    return {(m, r): adam_path(traces, rows, r, epochs, seed=seed) for m, rows in kept.items() for r in rates}


def stops(
    traces: Traces,
    methods: Sequence[str] = (AlignAll.name, DACA.name),
    rates: Sequence[float] = (0.05, 0.1),
    epochs: Sequence[int] = (400, 2000),
    seeds: Iterable[int] = range(5),
    fraction: float = 0.3,
    draws: int = 1000,
) -> pd.DataFrame:
    """Fit by the published protocol and exactly, on repeated splits, and judge both on the held-out questions.

    Returns
    -------
    DataFrame
        A row a `Stop`: ``method``, ``rate``, ``epochs`` (0: the optimum), ``temperature`` (geometric mean over the
        splits, what is no valid temperature counted as 0.01), ``distance`` (geometric mean of T over the optimum),
        ``ece`` and ``floor`` (means over the splits), and ``minus`` with ``low``, ``high`` and ``p``: its ECE less that
        of the optimum (`protocol.bootstrap`; NaN for the optimum itself).
    """
    import pandas as pd

    found: dict[Stop, list[float]] = {}
    answers: dict[Stop, list[protocol.Answers]] = {}
    for seed, (fit, test) in protocol.enumerate_splits(traces, fraction, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        paths = tau_paths(fitting, methods, rates, max(epochs), seed)
        reached = {Stop(m, 0.0, 0): optimum(fitting, m) for m in methods}
        reached |= {Stop(m, r, e): max(float(path[e]), T_MIN) for (m, r), path in paths.items() for e in epochs}
        for stop, temperature in reached.items():
            found.setdefault(stop, []).append(temperature)
            answers.setdefault(stop, []).append(protocol.at_temperature(testing, temperature))
    drawn = protocol.bootstrap(answers, ["ece"], draws=draws)
    return pd.DataFrame([_stop_row(stop, found, answers, drawn) for stop in found])


def _stop_row(stop: Stop, found: Mapping, answers: Mapping, drawn: Mapping) -> dict[str, object]:
    exact = Stop(stop.method, 0.0, 0)
    logs, goal = np.log(found[stop]), np.log(found[exact])
    floors = [metrics.ece_floor(side.values.max(axis=1), draws=200) for side in answers[stop]]
    row = stop._asdict() | {"temperature": np.exp(logs.mean()), "distance": np.exp((logs - goal).mean())}
    row |= {"ece": drawn[stop, "ece"][0], "floor": np.mean(floors)}
    if stop == exact:
        return row | dict.fromkeys(("minus", "low", "high", "p"), np.nan)
    against = protocol.difference(drawn[stop, "ece"], drawn[exact, "ece"])
    return row | {"minus": against.value, "low": against.low, "high": against.high, "p": against.p}


def ece_curve(
    traces: Traces, temperatures: np.ndarray, seeds: Iterable[int] = range(5), fraction: float = 0.3, bins: int = 10
) -> np.ndarray:
    """ECE of the PoLM on the held-out questions at each temperature, a mean over the splits, (len(temperatures),)."""
    tests = [traces.select(test) for _, (_, test) in protocol.enumerate_splits(traces, fraction, seeds)]
    curves = []
    for testing in tests:
        sides = (protocol.at_temperature(testing, t) for t in temperatures)
        curves.append([metrics.ece(*metrics.top_label(side.values, side.outcomes), bins=bins) for side in sides])
    return np.mean(curves, axis=0)


def few_questions(
    traces: Traces, n: int, samples: int, rate: float = ADAM_PROTOCOL["learning_rate"], seed: int = 0
) -> pd.DataFrame:
    """DACA on random samples of a few questions: the exact optimum, and where 400 epochs of Adam stop.

    Returns
    -------
    DataFrame
        A row a sample with an agreeing question: ``exact`` and ``adam`` (raw, so it can be negative).
    """
    import pandas as pd

    rng, rows = np.random.default_rng(seed), []
    for _ in range(samples):
        few = traces.select(np.sort(rng.choice(len(traces), n, replace=False)))
        agreeing = drift.agreement(few)
        if agreeing.any():
            rows.append((optimum(few, DACA.name), adam_path(few, agreeing, rate)[-1]))
    return pd.DataFrame(rows, columns=["exact", "adam"])


def exchanged(traces: Traces) -> Traces:
    """The same questions with the two models in each other's place."""
    return replace(traces, plm_logits=traces.polm_logits, polm_logits=traces.plm_logits)
