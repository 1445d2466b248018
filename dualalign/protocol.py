"""How methods are compared: repeated splits by question, fitted on one side, judged on the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import drift, metrics
from .calibrators import METHODS, PLAIN_METHODS, BaseCal, Calibrator

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

DEFAULT_METHODS = PLAIN_METHODS


def judge(calibrator: Calibrator, traces: Traces, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """Every metric of a fitted method on labelled traces; ECE beside its noise floor and a 95 % bootstrap interval.

    A method without probabilities (BaseCal) has no proper score over options: `brier` and `nll` are NaN there.
    """
    if isinstance(calibrator, BaseCal):
        values, outcomes = calibrator.confidence(traces), calibrator.prediction(traces) == traces.labels
    else:
        values, outcomes = calibrator.predict_proba(traces), traces.labels
    row = {"brier": np.nan, "nll": np.nan} | metrics.summary(values, outcomes, draws=draws, seed=seed)
    low, high = row.pop("ece_interval")
    return row | {"ece_low": low, "ece_high": high}


def compare(
    traces: Traces,
    methods: Iterable[str] | Mapping[str, Calibrator] = DEFAULT_METHODS,
    fraction: float = 0.3,
    seeds: Iterable[int] = range(5),
    draws: int = 1000,
) -> pd.DataFrame:
    """Fit every method on a share of the questions and judge it on the others, once a seed.

    Parameters
    ----------
    traces : Traces, all labelled (labels enter no fit but that of `temperature-scaling`)
    methods : names in `METHODS`, or a mapping of names to unfitted calibrators
    fraction : share of the questions to fit on; 0.3 after [D] (arXiv:2505.16690)
    seeds : one split each, the same for every method, so that differences are paired
    draws : of each noise floor and bootstrap interval

    Returns
    -------
    DataFrame
        One row a (method, seed): temperature, n_fit, reason, and what `judge` returns.
    """
    import pandas as pd

    named = methods if isinstance(methods, Mapping) else {name: METHODS[name]() for name in methods}
    rows = []
    for seed, (fit, test) in enumerate_splits(traces, fraction, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for name, calibrator in named.items():
            calibrator.fit(fitting)
            found = {"temperature": calibrator.temperature_, "n_fit": calibrator.n_fit_, "reason": calibrator.reason_}
            rows.append({"method": name, "seed": seed} | found | judge(calibrator, testing, draws, seed))
    return pd.DataFrame(rows)


def both_models(sets: Mapping[str, Traces], draws: int = 1000) -> pd.DataFrame:
    """Judge the PLM and the PoLM as they come, on every labelled set.

    Returns
    -------
    DataFrame
        A row a (set, model): chance (mean of 1/K), agreement of the two models, and what `judge` returns. `ece_p` is
        the share of perfectly calibrated models of the same confidences with an ECE at least as high.
    """
    import pandas as pd

    rows = []
    for name, traces in sets.items():
        shared = {"chance": float((1 / traces.n_options).mean()), "agreement": float(drift.agreement(traces).mean())}
        for model, logits in (("PLM", traces.plm_final), ("PoLM", traces.polm_final)):
            proba = np.exp(drift.log_softmax_options(logits))
            row = metrics.summary(proba, traces.labels, draws=draws)
            low, high = row.pop("ece_interval")
            rows.append({"set": name, "model": model} | shared | row | {"ece_low": low, "ece_high": high})
    return pd.DataFrame(rows)


def enumerate_splits(traces: Traces, fraction: float, seeds: Iterable[int]):
    """Yield (seed, (fit, test)) for labelled questions, stratified by group."""
    seeds = list(seeds)
    return zip(seeds, metrics.repeated_splits(traces.question_ids, traces.groups, fraction, seeds), strict=True)


def averaged(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """Average `compare` over seeds for `plots.plot_methods`.

    Returns
    -------
    DataFrame
        A row a method: ``value``, ``low``, ``high``, ``floor`` (means over the splits; the interval and the floor are
        known for the ECE only and NaN for other quantities), ``temperature`` (median) and ``spread``, the standard
        deviation of the value over the splits.
    """
    groups = table.groupby("method", sort=False)
    out = groups[quantity].agg(value="mean", spread="std")
    bounds = {"low": "ece_low", "high": "ece_high", "floor": "ece_floor"}
    for name, column in bounds.items():
        out[name] = groups[column].mean() if quantity == "ece" else np.nan
    out["temperature"] = groups["temperature"].median()
    return out.reset_index()
