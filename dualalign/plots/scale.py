"""What tracing a pair costs, by the length of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def plot_bill(curves: pd.DataFrame, ax: Axes | None = None, unit: str = "dollars") -> Axes:
    """Draw money over prompt length, both logarithmic.

    Parameters
    ----------
    curves : DataFrame
        A row a length (tokens, the index), a column a model.
    """
    ax = style.canvas(ax, (6.4, 3.8))
    for i, name in enumerate(curves):
        look = {"color": style.OPTIONS[i], "marker": style.OPTION_MARKER[i], "markevery": 4, "ms": 4, "lw": 1.6}
        ax.loglog(curves.index, curves[name], label=name, **look)
    style.label(ax, "Tokens of a prompt", f"Cost of the pair ({unit})")
    return style.legend(ax, loc="upper left")
