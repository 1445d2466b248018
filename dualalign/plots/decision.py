"""Which method to use: a chart of questions and answers, and what labels are worth."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from dualalign.plots import style

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.text import Text

_WIDTH = 38  # characters in a line of a box
_GAP = 3.2  # lines between boxes


def plot_decision(steps: Sequence[tuple[str, str]], otherwise: str, ax: Axes | None = None) -> Axes:
    """Draw questions in a column: "yes" leads right to an answer, "no" down to the next, and at the end `otherwise`.

    Parameters
    ----------
    steps : pairs of a question and its answer, in words; they are broken into lines
    otherwise : what holds where every question was answered by no
    """
    rows = [*steps, (otherwise,)]
    texts = [[fill(text, _WIDTH) for text in row] for row in rows]
    heights = [max(text.count("\n") + 1 for text in row) + _GAP for row in texts]  # in lines of text
    ax = style.canvas(ax, (7.2, 0.165 * sum(heights) + 0.2))
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(sum(heights), 0))
    above = None
    for i, row in enumerate(texts):
        y = sum(heights[:i]) + heights[i] / 2
        first = _box(ax, 0.23, y, row[0], style.PLM if len(row) > 1 else style.AGREE)
        if above is not None:
            _arrow(ax, above, first, "no")
        if len(row) > 1:
            _arrow(ax, first, _box(ax, 0.77, y, row[1], style.AGREE), "yes")
        above = first
    return ax


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> Text:
    frame = {"boxstyle": "round,pad=0.45", "facecolor": "none", "edgecolor": colour, "linewidth": 1.4}
    place = {"ha": "center", "va": "center", "bbox": frame}
    return ax.text(x, y, text, color=style.INK, fontsize=style.LABEL_SIZE, **place)


def _arrow(ax: Axes, start: Text, end: Text, word: str) -> None:
    """From the edge of one box to that of another, with a word beside it."""
    (x0, y0), (x1, y1) = start.get_position(), end.get_position()
    edges = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(), "shrinkA": 1, "shrinkB": 1}
    look = {"arrowstyle": "->", "color": style.QUIET, "linewidth": 1.2} | edges
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=look)
    down = x0 == x1
    place = {"ha": "left", "va": "center"} if down else {"ha": "center", "va": "bottom"}
    at = ((x0 + x1) / 2 + 0.012 * down, (y0 + y1) / 2)
    ax.text(*at, word, color=style.INK, fontsize=style.TICK_SIZE, fontstyle="italic", **place)


def plot_label_gaps(
    table: pd.DataFrame, rivals: Sequence[str] = ("dual-align", "daca", "align-all"), axes=None
) -> np.ndarray:
    """Draw `practice.label_quantiles`: what n labels gain or lose against label-free methods, a panel a situation.

    Lines are medians over the settings, bands their quartiles; a line at zero. Return the axes.
    """
    from matplotlib.ticker import NullLocator

    names = list(dict.fromkeys(table["situation"]))
    axes = style.panels(len(names), axes, height=2.7, columns=2)
    for ax, name in zip(axes.flat, names, strict=False):
        ax.axhline(0, color=style.QUIET, linestyle=":", linewidth=1)
        for rival in rivals:
            rows = table[(table["situation"] == name) & (table["rival"] == rival)].sort_values("n")
            colour, marker = style.method_colour(rival), style.METHOD_MARKER.get(rival, "o")
            ax.fill_between(rows["n"], rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)
            ax.plot(rows["n"], rows["median"], marker=marker, color=colour, markersize=5, linewidth=1.4, label=rival)
        ax.set_xscale("log")
        ax.set_xticks(sorted(set(table["n"])), [str(n) for n in sorted(set(table["n"]))])
        ax.xaxis.set_minor_locator(NullLocator())
        first = ax in axes[:, 0]
        style.label(ax, "Labels", "ECE with labels\nless without" if first else "", f"PLM {name}")
    style.legend(axes.flat[0], loc="lower left")
    return axes
