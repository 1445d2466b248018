"""Temperatures that travel: errors between sets, distance against loss, and carried labels against none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MAP = "PuOr_r"  # as in the main comparison: purple below zero, orange above


def plot_transfer(grids: Mapping[str, pd.DataFrame], order: Sequence[str], limit: float = 0.15) -> np.ndarray:
    """Draw `travel.excess` of several methods, a heat map each, in hundredths; return the axes.

    Rows are the sets fitted on, columns those judged on, both in `order`. The diagonal is 0 and left empty. Colours
    end at ±`limit`; the numbers do not.
    """
    axes = style.beside(None, len(grids), (2.55 * len(grids) + 0.7, 3.5), sharey=True)
    for ax, (name, grid) in zip(axes, grids.items(), strict=True):
        values = grid.loc[list(order), list(order)].to_numpy(copy=True)
        np.fill_diagonal(values, np.nan)
        picture = style.tidy(ax).imshow(values, cmap=_MAP, vmin=-limit, vmax=limit, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            if row != column:
                _number(ax, column, row, value, limit)
        ax.set_xticks(range(len(order)), order, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(order)), order)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        style.label(ax, "Judged on", "Fitted on" if ax is axes[0] else "", name)
    bar = axes[0].figure.colorbar(picture, ax=axes, location="bottom", extend="both", shrink=0.6, aspect=40)
    bar.set_label("ECE less that of the target's own fit", color=style.INK, fontsize=style.LABEL_SIZE)
    bar.ax.tick_params(colors=style.INK, labelsize=style.TICK_SIZE)
    return axes


def _number(ax: Axes, x: int, y: int, value: float, limit: float) -> None:
    colour = "white" if abs(value) > 0.75 * limit else "black"
    hundredths = round(100 * value)
    text = f"{hundredths:+d}".replace("-", "−") if hundredths else "0"
    ax.text(x, y, text, ha="center", va="center", fontsize=style.TICK_SIZE, color=colour)


def prepare_distances(distance: pd.DataFrame, excess: pd.DataFrame) -> pd.DataFrame:
    """Two matrices as a row an ordered pair of different sets: `source`, `target`, `distance`, `excess`.

    Raises
    ------
    ValueError
        Where they are not of the same sets.
    """
    import pandas as pd

    if list(distance.index) != list(excess.index):
        raise ValueError("the two matrices are of different sets")
    names = list(excess.index)
    rows = [(s, t, distance.loc[s, t], excess.loc[s, t]) for s in names for t in names if s != t]
    return pd.DataFrame(rows, columns=["source", "target", "distance", "excess"])


def plot_distances(data: Mapping[str, pd.DataFrame], axes=None) -> np.ndarray:
    """Draw `prepare_distances` of several methods, a panel each: what is lost by the distance of 1/T."""
    axes = style.panels(len(data), axes, height=2.5)
    for ax, (name, rows) in zip(axes.flat, data.items(), strict=False):
        ax.axhline(0, color=style.QUIET, linestyle=":", linewidth=1.2)
        marker, colour = style.METHOD_MARKER.get(name, "o"), style.method_colour(name)
        ax.plot(rows["distance"], rows["excess"], marker, color=colour, markersize=5, alpha=0.75, linestyle="none")
        style.label(ax, "Distance of 1/T", "ECE less own fit's" if ax is axes.flat[0] else "", name)
    return axes


def plot_carried_labels(
    own: pd.DataFrame, carried: pd.DataFrame, floor: pd.Series, oracle: str = "temperature-scaling", ax=None
) -> Axes:
    """Draw each target's errors: own fits, and the oracle's temperatures carried from every other set.

    Parameters
    ----------
    own : DataFrame
        A row a set, a column a method fitted on that set; drawn by their marks.
    carried : DataFrame
        `travel.matrix` of the oracle; off the diagonal a small dot each, and a line from the least to the largest.
    floor : by set, a grey bar
    """
    ax = style.canvas(ax, (6.4, 0.9 + 0.42 * len(own)))
    colour = style.method_colour(oracle)
    for height, name in enumerate(own.index):
        others = carried[name].drop(name)
        ax.plot([others.min(), others.max()], [height, height], color=colour, linewidth=1)
        ax.plot(
            others,
            np.full(len(others), height),
            "o",
            color=colour,
            markersize=4,
            label=_once(f"{oracle}, carried", height),
        )
        ax.plot(
            floor[name],
            height,
            "|",
            color=style.INK,
            markersize=13,
            markeredgewidth=2,
            label=_once("noise floor", height),
        )
        for method in own.columns:
            look = {"color": style.method_colour(method), "markersize": 8, "linestyle": "none"}
            marker = style.METHOD_MARKER.get(method, "o")
            ax.plot(own.loc[name, method], height, marker, label=_once(f"{method}, own", height), **look)
    ax.set_yticks(range(len(own)), own.index)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    style.label(ax, "ECE", "")
    return style.legend(ax, loc="upper left", bbox_to_anchor=(1, 1))


def _once(name: str, height: int) -> str:
    """The name in the legend, for the first row only."""
    return name if height == 0 else "_" + name
