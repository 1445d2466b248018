"""Methods side by side: estimates with intervals, each beside its noise floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

COLUMNS = ("method", "value", "low", "high", "floor")


def prepare_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Check a tidy table of results and sort it, the smallest value first.

    Parameters
    ----------
    table : DataFrame
        A row a method: ``method``, ``value``, ``low``, ``high`` (interval; NaN where unknown; one that
        corrects for noise need not hold the value), ``floor`` (NaN: none).

    Raises
    ------
    ValueError
        For a missing column, or a method that stands twice.
    """
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"table lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    twice = table["method"][table["method"].duplicated()]
    if len(twice):
        raise ValueError(f"table holds method {twice.iloc[0]!r} twice; give one row a method")
    return table.sort_values("value", kind="stable", ignore_index=True)


def plot_methods(table: pd.DataFrame, ax: Axes | None = None, quantity: str = "ECE") -> Axes:
    """Draw `prepare_methods`: a dot and its interval per method, best on top; the short bar is the noise floor."""
    ax = style.canvas(ax, (4.8, 0.6 + 0.3 * len(table)))
    for height, row in enumerate(table.itertuples()):
        colour = style.method_colour(row.method)
        ax.plot([row.low, row.high], [height, height], color=colour, linewidth=2, solid_capstyle="butt")
        ax.plot(row.value, height, style.METHOD_MARKER.get(row.method, "o"), color=colour, markersize=7)
    rows = np.arange(len(table))
    ax.vlines(table["floor"], rows - 0.35, rows + 0.35, color=style.QUIET, linewidth=2, label="noise floor")
    ax.set_yticks(rows, table["method"])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    style.label(ax, quantity, "")
    return style.legend(ax, loc="lower right", bbox_to_anchor=(1, 1)) if table["floor"].notna().any() else ax


def plot_sets(
    table: pd.DataFrame, reference: Mapping[str, float], columns: int = 3, quantity: str = "ECE"
) -> np.ndarray:
    """Draw the methods of several question sets, a panel a set, in one order and on one scale; return the axes.

    Parameters
    ----------
    table : DataFrame
        The columns of `prepare_methods`, and ``set``; every set with the same methods.
    reference : mapping of set to float
        The PLM's own value, a dotted line in the set's panel.
    """
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(table["set"]))
    rows = -(-len(names) // columns)
    height = 0.55 + 0.24 * table["method"].nunique()
    size = {"figsize": (3.1 * columns, height * rows + 0.4), "sharex": True, "sharey": True, "squeeze": False}
    axes = plt.subplots(rows, columns, layout="constrained", **size)[1]
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    for ax, name in zip(axes.flat, names, strict=False):
        _set_panel(style.tidy(ax), table[table["set"] == name], reference[name], name)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_xlim(0, 1.05 * float(table[["value", "high", "floor"]].max().max()))
    for ax in axes[-1]:
        style.label(ax, quantity, "")
    return axes


def _set_panel(ax: Axes, table: pd.DataFrame, reference: float, name: str) -> None:
    ax.axvline(reference, color=style.PLM, linestyle=":", linewidth=1.2)
    for height, row in enumerate(table.itertuples()):
        colour = style.method_colour(row.method)
        ax.plot([row.low, row.high], [height, height], color=colour, linewidth=2, solid_capstyle="butt")
        ax.plot(row.value, height, style.METHOD_MARKER.get(row.method, "o"), color=colour, markersize=6)
        ax.plot(row.floor, height, "|", color=style.QUIET, markersize=9, markeredgewidth=2)
    ax.set_yticks(range(len(table)), table["method"])
    ax.set_xlim(left=0)
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    style.label(ax, "", "", name)
