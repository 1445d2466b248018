"""Few questions: temperature and error by the number of questions fitted on, and what few of them cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

QUANTITIES = {"temperature": "Temperature", "ece": "ECE"}


def prepare_draws(found: pd.DataFrame, pair: str, quantity: str) -> pd.DataFrame:
    """Median and quartiles over the draws of `few.draws`, by set, method and n; all of the half is one fit.

    Returns
    -------
    DataFrame
        A row a (set, method, n): `median`, `low`, `high`, `floor`.

    Raises
    ------
    ValueError
        For a pair without rows, or another quantity than ``temperature`` and ``ece``.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}; give one of {', '.join(QUANTITIES)}")
    rows = found[found["pair"] == pair]
    if rows.empty:
        raise ValueError(f"pair {pair!r} has no draws; those that have are {', '.join(sorted(found['pair'].unique()))}")
    groups = rows.dropna(subset=[quantity]).groupby(["set", "method", "n"])
    # the nearest draw, not one between two: there is nothing halfway to an infinite temperature
    quartiles = {name: 100 * q for name, q in (("median", 0.5), ("low", 0.25), ("high", 0.75))}
    table = {
        name: groups[quantity].agg(lambda v, q=q: np.percentile(v, q, method="nearest"))
        for name, q in quartiles.items()
    }
    return groups["floor"].first().to_frame().assign(**table).reset_index()


def plot_draws(
    data: pd.DataFrame, methods: Sequence[str], quantity: str, oracle: str = "temperature-scaling", axes=None
) -> np.ndarray:
    """Draw `prepare_draws`, a panel a set: lines are medians, bands quartiles; return the axes.

    The dotted line is the oracle fitted on all of the half. For the ECE a grey line is that oracle's noise floor; for
    the temperature the axis is logarithmic and ends at 30: what lies above, or is infinite, is drawn at its edge.
    """
    names = list(dict.fromkeys(data["set"]))
    axes = style.panels(len(names), axes, height=2.15)
    top = 30.0 if quantity == "temperature" else np.inf
    for ax, name in zip(axes.flat, names, strict=False):
        panel = data[data["set"] == name]
        best = panel[panel["method"] == oracle].sort_values("n").iloc[-1]
        ax.axhline(min(best["median"], top), color=style.INK, linestyle=":", linewidth=1.2, label="oracle, all")
        if quantity == "ece":
            ax.axhline(best["floor"], color=style.QUIET, linewidth=2, alpha=0.6, label="noise floor")
        for method in methods:
            rows = panel[panel["method"] == method].sort_values("n")
            low, middle, high = (rows[part].clip(upper=top) for part in ("low", "median", "high"))
            colour, marker = style.method_colour(method), style.METHOD_MARKER.get(method, "o")
            ax.fill_between(rows["n"], low, high, color=colour, alpha=0.18, linewidth=0)
            ax.plot(rows["n"], middle, color=colour, marker=marker, markersize=4, linewidth=1.3, label=method)
        _sizes(ax, data["n"])
        title = f"{name} ({panel['n'].max():,})"
        style.label(ax, "Questions" if ax in axes[-1] else "", QUANTITIES[quantity] if ax in axes[:, 0] else "", title)
    if quantity == "temperature":
        _log_temperatures(axes.flat[0], top)
    else:
        axes.flat[0].set_ylim(bottom=0)
    if not style.legend_in_free_panel(axes, len(names)):
        style.legend(axes.flat[0], loc="best")
    return axes


def _sizes(ax: Axes, sizes: pd.Series) -> None:
    from matplotlib.ticker import NullLocator

    ticks = [n for n in (10, 20, 50, 100, 200, 500, 1000) if n <= sizes.max()]
    ax.set_xscale("log")
    ax.set_xticks(ticks, [str(n) if n in (10, 50, 200, 1000) else "" for n in ticks])
    ax.xaxis.set_minor_locator(NullLocator())


def _log_temperatures(ax: Axes, top: float) -> None:
    from matplotlib.ticker import NullLocator

    ax.set_yscale("log")
    ax.set_ylim(2, top * 1.12)
    ax.set_yticks([2, 3, 5, 10, 20, 30], ["2", "3", "5", "10", "20", "30+"])
    ax.yaxis.set_minor_locator(NullLocator())


def plot_few(near: pd.DataFrame, cost: pd.DataFrame, methods: Sequence[str], axes=None) -> np.ndarray:
    """Draw two tables of `few.over_sets`: draws near the temperature of all questions, and ECE lost; return the axes.

    Whiskers are 95 % intervals over the sets; the methods are moved apart.
    """
    axes = style.beside(axes, 2, (7.6, 3.0))
    words = ("Draws within 10 % of T of all", "ECE lost against all")
    for ax, table, word in zip(axes, (near, cost), words, strict=True):
        sizes = sorted(table.index.get_level_values("n").unique())
        style.tidy(ax)
        for place, method in enumerate(methods):
            rows = table.loc[method].loc[sizes]
            at = np.arange(len(sizes)) + 0.13 * (place - (len(methods) - 1) / 2)
            ends = np.abs(rows[["low", "high"]].to_numpy().T - rows["value"].to_numpy())
            colour, marker = style.method_colour(method), style.METHOD_MARKER.get(method, "o")
            look = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1, "elinewidth": 1.4}
            ax.errorbar(at, rows["value"], yerr=ends, label=method, **look)
        ax.set_xticks(range(len(sizes)), [str(n) for n in sizes])
        ax.grid(axis="y", color=style.QUIET, alpha=0.25, linewidth=0.6)
        style.label(ax, "Questions", word)
    axes[0].set_ylim(0, 1)
    axes[1].axhline(0, color=style.QUIET, linestyle=":", linewidth=1.2)
    style.legend(axes[1], loc="upper right")
    return axes
