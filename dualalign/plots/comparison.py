"""Methods side by side: estimates with intervals, each beside its noise floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
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
