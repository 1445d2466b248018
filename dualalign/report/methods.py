"""Every method on one trace, side by side: fitted on one half of the questions, judged on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import metrics, plots
from dualalign.calibrators import METHODS, PLAIN_METHODS
from dualalign.checks import unlabelled
from dualalign.one_layer import check_layers
from dualalign.report.figures import svg_figure
from dualalign.report.html import table

if TYPE_CHECKING:
    import pandas as pd

    from dualalign.calibrators import Calibrator
    from dualalign.traces import Traces

LEAST = 20  # questions that a split needs; with fewer, methods are fitted and judged on all of them
SUPERVISED = ("temperature-scaling",)  # these read labels
COLUMNS = {
    "method": "Method",
    "temperature": "T",
    "confidence": "Mean confidence",
    "value": "ECE",
    "span": "95 % interval",
    "floor": "Noise floor",
    "brier": "Brier",
    "nll": "NLL (nats)",
    "note": "Note",
}


def side_by_side(traces: Traces, seed: int = 0) -> tuple[pd.DataFrame, str]:
    """Fit and judge every method that needs nothing but the trace.

    Returns
    -------
    table : DataFrame
        A row a method: ``method``, ``temperature``, ``confidence``, ``value`` (ECE), ``low``, ``high``, ``floor``,
        ``brier``, ``nll`` (nats), ``note`` (why a method gave no result, or what its fit says). Nothing is judged with
        fewer than `checks.FEW_LABELS` labels.
    how : str
        What was fitted and judged on what, in words.
    """
    import pandas as pd

    fit, test, how = _split(traces, seed)
    judged = not unlabelled(traces)
    return pd.DataFrame([_row(name, fit, test, judged, seed) for name in PLAIN_METHODS]), how


def _split(traces: Traces, seed: int) -> tuple[Traces, Traces, str]:
    different = len(set(traces.question_ids))
    if different < LEAST:
        return traces, traces, f"Fitted and judged on the same {len(traces)} questions: too few to split."
    fit, test = next(metrics.repeated_splits(traces.question_ids, traces.groups, fraction=0.5, seeds=[seed]))
    what = "questions" if different == len(traces) else "rows (all rows of a question on one side)"
    how = f"Fitted on {len(fit):,} {what} drawn at random, judged on the other {len(test):,}."
    return traces.select(fit), traces.select(test), how


def _row(name: str, fit: Traces, test: Traces, judged: bool, seed: int) -> dict[str, object]:
    row = {"method": name, "note": ""}
    row |= dict.fromkeys(("temperature", "confidence", "value", "low", "high", "floor", "brier", "nll"), np.nan)
    try:
        calibrator = METHODS[name]()
        check_layers(calibrator, fit)
        calibrator.fit(fit)
        row["confidence"] = float(calibrator.confidence(test).mean())
        row["temperature"] = calibrator.temperature_ if calibrator.has_temperature else np.nan
        return row | {"note": calibrator.reason_} | (_judged(calibrator, test, seed) if judged else {})
    except ValueError as error:  # labels, inner layers or agreement lacking: the row says which
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


def methods_section(results: pd.DataFrame, how: str, label: str) -> str:
    """Return the HTML of `side_by_side`; `label` tells its table from others on the page."""
    rows = results.assign(span=[span(low, high) for low, high in zip(results["low"], results["high"], strict=True)])
    kept = [
        name for name in COLUMNS if (rows[name].notna() & (rows[name] != "")).any()
    ]  # without labels most are empty
    judged = results.dropna(subset="value")
    figure = methods_figure(judged) if len(judged) else ""
    shown = table([COLUMNS[name] for name in kept], rows[kept].to_numpy().tolist(), f"Methods, {label}")
    return f"<h3>Methods side by side</h3><p>{how}{'' if len(judged) else UNJUDGED}</p>{figure}{shown}"


def span(low: float, high: float) -> str:
    """Return an interval in words, nothing where there is none."""
    return "" if np.isnan(low) else f"{low:.3f} to {high:.3f}"


def methods_figure(judged: pd.DataFrame, what: str = "ECE") -> str:
    """Draw methods with their error, interval and floor, the best on top."""
    ordered = plots.prepare_methods(judged)
    ends = "; ".join(f"{row.method} {row.value:.3f}" for row in ordered.itertuples())
    text = f"{what} with 95 % interval and noise floor: {ends}."
    size = (4.0, 0.9 + 0.26 * len(ordered))
    return svg_figure(lambda ax: plots.plot_methods(ordered, ax), text, text, size)


UNJUDGED = (
    " Without labels only what the methods ask for can be compared, not how well they do: a temperature far from the "
    "others is a reason to look, not an error."
)
