"""Objectives over the temperature: Dual-Align with its two parts, and the losses of align-all and DACA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.calibrators import DualAlign
    from dualalign.traces import Traces

TEMPERATURES = np.geomspace(0.25, 16, 97)
PARTS = {
    "total": ("dual-align", "-", "total"),
    "confidence": ("confidence-only", "--", "confidence part, mean of w C"),
    "process": ("process-only", "-.", "process part, mean of (1 - w) S"),
}


@dataclass(frozen=True)
class Curves:
    """Curves over the temperature and where each has its lowest point.

    Attributes
    ----------
    table : DataFrame
        ``temperature`` and a column a curve, in nats (or what the calibrator's base makes of them).
    optima : dict of str to (float, float)
        Temperature and value of the lowest point; the temperature is ``inf`` where there is no finite one.
    """

    table: pd.DataFrame
    optima: dict[str, tuple[float, float]]


def prepare_objective(
    traces: Traces, calibrator: DualAlign | None = None, temperatures: np.ndarray = TEMPERATURES
) -> Curves:
    """Evaluate Dual-Align's objective and its two weighted parts on a grid of temperatures.

    Parameters
    ----------
    traces : Traces
    calibrator : DualAlign
        Its options are used, and it is fitted on ``traces`` if it is not fitted yet; by default the default options.
    temperatures : (M,) array

    Returns
    -------
    Curves
        Columns ``confidence`` (mean of w C), ``process`` (mean of (1 - w) S) and ``total``; one optimum, of the total.
    """
    import pandas as pd

    from dualalign.calibrators import DualAlign
    from dualalign.calibrators.objective import ConfidencePart, ProcessPart, confidence_weight

    cal = calibrator or DualAlign()
    if not hasattr(cal, "temperature_"):
        cal.fit(traces)
    w = confidence_weight(traces, cal.weight)
    confidence = ConfidencePart(traces, w, cal.kl, cal.base)
    process = ProcessPart(traces, 1 - w, cal.aggregate, cal.tempered, cal.process, cal.peak, cal.base)
    columns = {"temperature": temperatures} | {"confidence": _values(confidence, temperatures)}
    table = pd.DataFrame(columns | {"process": _values(process, temperatures)})
    table["total"] = table["confidence"] + table["process"]
    return Curves(table, {"total": (cal.temperature_, cal.objective_)})


def prepare_losses(traces: Traces, temperatures: np.ndarray = TEMPERATURES) -> Curves:
    """Evaluate the losses of align-all (every question) and DACA (agreeing questions) on a grid of temperatures.

    Returns
    -------
    Curves
        Columns ``align-all`` and ``daca``; the latter is missing where the two models agree on no question.
    """
    import pandas as pd

    from dualalign.calibrators import DACA, AlignAll
    from dualalign.calibrators.objective import ConfidencePart

    agree = drift.agreement(traces)
    methods = {"align-all": (AlignAll(), np.ones(len(traces)))}
    if agree.any():
        methods["daca"] = (DACA(), agree / agree.mean())
    columns, optima = {"temperature": temperatures}, {}
    for name, (cal, weight) in methods.items():
        columns[name] = _values(ConfidencePart(traces, weight), temperatures)
        cal.fit(traces)
        optima[name] = cal.temperature_, cal.objective_
    return Curves(pd.DataFrame(columns), optima)


def _values(part, temperatures: np.ndarray) -> np.ndarray:
    return np.array([part(1 / t)[0] for t in temperatures])


def plot_objective(curves: Curves, ax: Axes | None = None) -> Axes:
    """Draw `prepare_objective`: the total and its parts over log T, the optimum marked."""
    ax = _log_axis(style.canvas(ax), curves)
    for column, (method, dash, name) in PARTS.items():
        colour = style.METHOD[method]
        ax.plot(curves.table["temperature"], curves.table[column], dash, color=colour, lw=1.8, label=name)
    _mark(ax, curves, "total", "dual-align")
    style.label(ax, "Temperature", "Mean loss (nats)")
    return style.legend(ax, loc="upper right")


def plot_losses(curves: Curves, ax: Axes | None = None) -> Axes:
    """Draw `prepare_losses`: both losses over log T, each optimum marked."""
    ax = _log_axis(style.canvas(ax), curves)
    for name, dash in (("align-all", "--"), ("daca", "-")):
        if name in curves.table:
            colour = style.METHOD[name]
            ax.plot(curves.table["temperature"], curves.table[name], dash, color=colour, lw=1.8, label=name)
            _mark(ax, curves, name, name)
    style.label(ax, "Temperature", "Mean KL from the PLM (nats)")
    return style.legend(ax, loc="upper right")


def _mark(ax: Axes, curves: Curves, column: str, method: str) -> None:
    t, value = curves.optima[column]
    if not np.isfinite(t):
        ax.plot([], [], " ", label=f"{method}: no finite optimum")
        return
    look = {"color": style.METHOD[method], "markersize": 8, "markeredgecolor": style.INK}
    ax.plot(t, value, style.METHOD_MARKER[method], label=f"{method}: T = {t:.2f}", **look)
    ax.axvline(t, color=look["color"], linestyle=":", linewidth=1)


def _top(curves: Curves) -> float:
    """A little above every loss within a factor of 3 of an optimum; or at high T where there is none."""
    temperature = curves.table["temperature"]
    optima = [t for t, _ in curves.optima.values() if np.isfinite(t)] or [temperature.max()]
    near = (temperature >= min(optima) / 3) & (temperature <= max(optima) * 3)
    return float(curves.table[near].drop(columns="temperature").max().max()) * 1.25 or 1.0


def _log_axis(ax: Axes, curves: Curves) -> Axes:
    """Put T on a log axis with plain tick labels; the loss axis leaves out what lies far above the interesting part."""
    ax.set_xscale("log")
    low, high = curves.table["temperature"].min(), curves.table["temperature"].max()
    ticks = [t for t in (0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 100) if low <= t <= high]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set_ylim(0, _top(curves))
    return ax
