"""Every method on one trace, side by side: fitted on one half of the questions, judged on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import metrics
from dualalign.calibrators import METHODS, PLAIN_METHODS
from dualalign.one_layer import check_layers

if TYPE_CHECKING:
    import pandas as pd

    from dualalign.calibrators import Calibrator
    from dualalign.traces import Traces

LEAST = 20  # questions that a split needs; with fewer, methods are fitted and judged on all of them


def side_by_side(traces: Traces, seed: int = 0) -> tuple[pd.DataFrame, str]:
    """Fit and judge every method that needs nothing but the trace.

    Returns
    -------
    table : DataFrame
        A row a method: ``method``, ``temperature``, ``confidence``, ``value`` (ECE), ``low``, ``high``, ``floor``,
        ``brier``, ``nll`` (nats), ``note`` (why a method gave no result, or what its fit says).
    how : str
        What was fitted and judged on what, in words.
    """
    import pandas as pd

    fit, test, how = _split(traces, seed)
    return pd.DataFrame([_row(name, fit, test, seed) for name in PLAIN_METHODS]), how


def _split(traces: Traces, seed: int) -> tuple[Traces, Traces, str]:
    if len(set(traces.question_ids)) < LEAST:
        return traces, traces, f"Fitted and judged on the same {len(traces)} questions: too few to split."
    fit, test = next(metrics.repeated_splits(traces.question_ids, traces.groups, fraction=0.5, seeds=[seed]))
    how = f"Fitted on {len(fit):,} questions drawn at random, judged on the other {len(test):,}."
    return traces.select(fit), traces.select(test), how


def _row(name: str, fit: Traces, test: Traces, seed: int) -> dict[str, object]:
    row = {"method": name} | dict.fromkeys(("temperature", "confidence", "value", "low", "high", "floor"), np.nan)
    try:
        calibrator = METHODS[name]()
        check_layers(calibrator, fit)
        calibrator.fit(fit)
        row["confidence"] = float(calibrator.confidence(test).mean())
        row["temperature"] = calibrator.temperature_ if calibrator.has_temperature else np.nan
        return row | {"note": calibrator.reason_} | _judged(calibrator, test, seed)
    except (
        ValueError
    ) as error:  # no labels, no inner layers, no agreement, an option that a prior never saw: the row says which
        return row | {"note": str(error)}


def _judged(calibrator: Calibrator, test: Traces, seed: int) -> dict[str, float]:
    known = test.labels >= 0
    if not known.any():
        return {}
    test = test.select(known)
    confidence, correct = calibrator.confidence(test), calibrator.prediction(test) == test.labels
    low, high = metrics.interval(metrics.ece, confidence, correct, seed=seed)
    row = {"value": metrics.ece(confidence, correct), "low": low, "high": high}
    row["floor"] = metrics.ece_floor(confidence, seed=seed)
    if calibrator.name != "basecal":  # it gives a confidence only
        proba = calibrator.predict_proba(test)
        row |= {"brier": metrics.brier(proba, test.labels), "nll": metrics.nll(proba, test.labels)}
    return row
