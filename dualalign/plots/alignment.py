"""Aligning on every question: forces on the temperature, its path under Adam, own optima, what it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualalign import align_all, drift, early_stopping
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

METHODS = ("align-all", "daca")
_FORCES = {
    "agree": (style.AGREE, "o", "lacking on agreement"),
    "disagree": (style.DISAGREE, "^", "lacking on disagreement"),
    "left out": (style.QUIET, "X", "left out by DACA"),
}
_SUMS = {m: (style.METHOD[m], style.METHOD_MARKER[m], m) for m in METHODS}
_FITS = {
    "agree": (style.AGREE, "o", "agreement only"),
    "all": (style.METHOD["align-all"], "v", "all questions"),
    "disagree": (style.DISAGREE, "^", "disagreement only"),
}


def plot_forces(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw `align_all.forces` of several pairs: left the parts, right the slopes of align-all and DACA at T*.

    Parameters
    ----------
    table : DataFrame indexed by (pair, row of `align_all.forces`), with ``value``, ``low`` and ``high``
    """
    n = len(dict.fromkeys(table.index.get_level_values(0)))
    axes = style.beside(axes, 2, (8.4, 1.3 + 0.34 * n), sharey=True)
    for ax, looks, name in zip(axes, (_FORCES, _SUMS), ("Parts", "Slope of the loss"), strict=True):
        _rows(style.tidy(ax), table, looks)
        style.label(ax, f"{name} (logits / T*)", "")
        style.legend(ax, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=1 if looks is _FORCES else 2)
    axes[0].invert_yaxis()
    return np.asarray(axes)


def plot_aligned_gaps(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `align_all.aligned_gaps` of several settings: mean confidence less accuracy after each kind of alignment.

    Parameters
    ----------
    table : DataFrame indexed by (setting, fit), with ``value``, ``low`` and ``high``
    """
    n = len(dict.fromkeys(table.index.get_level_values(0)))
    ax = _rows(style.canvas(ax, (6.0, 1.0 + 0.34 * n)), table, _FITS)
    ax.invert_yaxis()
    style.label(ax, "Confidence less accuracy, held-out questions", "")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.42, 1), ncols=3)


def _rows(ax: Axes, table: pd.DataFrame, looks: Mapping[str, tuple[str, str, str]]) -> Axes:
    """Draw a dot and its interval for each look, a row a setting; a line at zero."""
    names = list(dict.fromkeys(table.index.get_level_values(0)))
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    for i, (key, (colour, marker, label)) in enumerate(looks.items()):
        rows = table.xs(key, level=1)
        heights = np.array([names.index(name) for name in rows.index]) + 0.22 * (i - (len(looks) - 1) / 2)
        ax.hlines(heights, rows["low"], rows["high"], color=colour, linewidth=2)
        ax.plot(rows["value"], heights, marker, color=colour, markersize=5, label=label)
    ax.set_yticks(np.arange(len(names)), names)
    return ax


@dataclass(frozen=True)
class TauPaths:
    """Paths of the published protocol, (method, rate) -> (epochs + 1,), and each method's exact optimum."""

    paths: dict[tuple[str, float], np.ndarray]
    optima: dict[str, float]


def prepare_tau_paths(
    traces: Traces, rates: Iterable[float] = (0.05, 0.1), epochs: int = 2000, seed: int = 0
) -> TauPaths:
    """Run the published protocol for align-all and DACA, and find both optima."""
    paths = early_stopping.tau_paths(traces, METHODS, rates, epochs, seed)
    return TauPaths(paths, {method: early_stopping.optimum(traces, method) for method in METHODS})


def plot_tau_paths(pairs: Mapping[str, TauPaths], published: int = 400, axes=None) -> np.ndarray:
    """Draw `prepare_tau_paths` of several pairs, a panel each; return the axes.

    The dashed lines are the optima; the vertical line is where the published protocol stops. A method's marker stands
    on its paths and at the right end of its optimum, so that the picture needs no colour.
    """
    axes = _free_panels(len(pairs), axes)
    for ax, (name, data) in zip(axes.flat, pairs.items(), strict=False):
        slowest = min((rate for _, rate in data.paths), default=0)
        for (method, rate), path in data.paths.items():
            look = {"lw": 1.0 if rate == slowest else 1.8, "ls": ":" if rate == slowest else "-"}
            look |= {"marker": style.METHOD_MARKER[method], "markersize": 5, "markevery": max(1, len(path) // 8)}
            ax.plot(path, color=style.METHOD[method], label=f"{method}, rate {rate:g}", **look)
        for method, goal in data.optima.items():
            if np.isfinite(goal):
                end = {"marker": style.METHOD_MARKER[method], "markersize": 5, "markevery": [1], "clip_on": False}
                ax.axhline(goal, color=style.METHOD[method], ls="--", lw=1, **end)
        ax.axvline(published, color=style.QUIET, lw=1)
        ax.set_ylim(bottom=0)
        style.label(ax, "Epoch", "Temperature" if ax is axes.flat[0] else "", name)
    style.legend(axes.flat[0], loc="lower right")
    return axes


def plot_stops(pairs: Mapping[str, tuple[np.ndarray, np.ndarray, pd.DataFrame]], axes=None) -> np.ndarray:
    """Draw the held-out ECE over the temperature, and where each method ends, a panel a pair; return the axes.

    Parameters
    ----------
    pairs : name -> (temperatures, ECE at each, `early_stopping.stops`). Filled: the optimum; open: the protocol at its
        published 400 epochs, the smaller mark at the smaller rate.
    """
    axes = _free_panels(len(pairs), axes)
    for ax, (name, (temperatures, errors, table)) in zip(axes.flat, pairs.items(), strict=False):
        ax.plot(temperatures, errors, color=style.INK, lw=1.2)
        shown = table[table["epochs"].isin([0, 400])]
        for row in shown.itertuples():
            exact = row.epochs == 0
            look = {"color": style.METHOD[row.method], "ls": "", "marker": style.METHOD_MARKER[row.method]}
            look |= {"markerfacecolor": None if exact else "white", "markersize": 5 + 2 * (exact or row.rate > 0.05)}
            text = row.method + (", optimum" if exact else f", rate {row.rate:g}")
            ax.plot(row.temperature, row.ece, label=text, **look)
        ax.axhline(table["floor"].mean(), color=style.QUIET, lw=1, ls=":")
        _log_ticks(ax, temperatures)
        ax.set_ylim(bottom=0)
        style.label(ax, "Temperature", "ECE" if ax is axes.flat[0] else "", name)
    style.shared_legend(axes, columns=3)
    return axes


def _log_ticks(ax: Axes, temperatures: np.ndarray) -> None:
    ax.set_xscale("log")
    ticks = [t for t in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128) if temperatures.min() <= t <= temperatures.max()]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()


def prepare_own_temperatures(traces: Traces) -> dict[str, np.ndarray]:
    """Each question's own best temperature, sorted, by regime; inf where there is none."""
    own, agree = align_all.own_temperature(traces), drift.agreement(traces)
    return {"agree": np.sort(own[agree]), "disagree": np.sort(own[~agree])}


def plot_own_temperatures(pairs: Mapping[str, dict[str, np.ndarray]], axes=None) -> np.ndarray:
    """Draw `prepare_own_temperatures`: the share of questions whose own optimum lies at or below T, a panel a pair.

    What a curve lacks to 1 at the right edge has a larger optimum or none at all; the legend says how many have none.
    """
    axes = _free_panels(len(pairs), axes)
    edges = np.geomspace(0.25, 128, 200)
    for ax, (name, data) in zip(axes.flat, pairs.items(), strict=False):
        for regime, own in data.items():
            share = np.searchsorted(own, edges, side="right") / max(len(own), 1)
            text = f"{regime}: none for {np.isinf(own).mean() if len(own) else 0:.1%}"
            ax.plot(edges, share, style.DASH[regime], color=style.REGIME[regime], lw=1.6, label=text)
        _log_ticks(ax, edges)
        ax.set_ylim(0, 1.28)  # room for the legend above the curves
        ax.set_yticks(np.linspace(0, 1, 6))
        style.label(ax, "Own best temperature", "Share of questions" if ax is axes.flat[0] else "", name)
        style.legend(ax, loc="upper left", handlelength=1.4, borderaxespad=0.1)
    return axes


def _free_panels(n: int, axes) -> np.ndarray:
    """Panels in one row, each on its own scale."""
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(1, n, figsize=(3.1 * n, 3.0), layout="constrained", squeeze=False)[1]
    axes = np.atleast_2d(axes)
    for ax in axes.flat:
        style.tidy(ax)
    return axes
