"""The ledger of claims: how many settings speak for each, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign.ledger import CONTRADICTED, STATES, SUPPORTED, UNDECIDED
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLOUR = {SUPPORTED: style.AGREE, UNDECIDED: "#9a9a9a", CONTRADICTED: style.POLM}
_HATCH = {SUPPORTED: "", UNDECIDED: "....", CONTRADICTED: "////"}


def plot_ledger(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `ledger.ledger`: a bar a claim, the shares of its settings by their own interval, and the verdict in words.

    A claim without settings that have an interval of their own shows its verdict only.
    """
    ax = style.canvas(ax, (7.2, 1.0 + 0.27 * len(table)))
    rows, total = np.arange(len(table)), table["settings"].to_numpy(float)
    left = np.zeros(len(table))
    for state in STATES:
        share = np.divide(table[state].to_numpy(float), total, out=np.zeros(len(table)), where=total > 0)
        look = {"color": _COLOUR[state], "hatch": _HATCH[state], "edgecolor": style.HATCH_EDGE, "linewidth": 0}
        ax.barh(rows, share, left=left, height=0.7, label=state, **look)
        left += share
    for row, (verdict, count) in enumerate(zip(table["verdict"], table["settings"], strict=True)):
        ax.text(1.02, row, f"{verdict} ({count})", va="center", color=style.INK, fontsize=style.TICK_SIZE)
    ax.set_yticks(rows, table.index)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.32)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    style.label(ax, "Share of settings; at the right the verdict over the sets (settings counted)", "Claim")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3)
