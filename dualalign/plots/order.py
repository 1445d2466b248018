"""One question asked in many ways: places chosen, temperatures by wording, errors of a carried temperature, styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd

_MODEL = {"plm": "PLM", "polm": "PoLM"}


def plot_places(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw `order.place_shares`: how often each place is chosen, and the accuracy with the right option there."""
    axes = style.beside(axes, 2, (7.2, 3.0))
    places = np.unique(table["place"])
    for ax, quantity in zip(axes, ("chosen", "right"), strict=True):
        style.tidy(ax)
        for shift, (model, rows) in zip((-0.1, 0.1), table.groupby("model", sort=False), strict=True):
            name = _MODEL[model]
            x, colour = rows["place"] + shift, style.MODEL[name]
            ax.vlines(x, rows[f"{quantity}_low"], rows[f"{quantity}_high"], color=colour, linewidth=2)
            ax.plot(x, rows[quantity], style.MARKER[name], color=colour, markersize=6, label=name)
        ax.set_xticks(places)
    axes[0].axhline(1 / len(places), color=style.QUIET, linestyle=":", linewidth=1.2)
    style.label(axes[0], "Place", "Share of answers there")
    style.label(axes[1], "Place of the right option", "Accuracy")
    style.legend(axes[0], loc="upper right")
    return axes


def prepare_variants(table: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """How far a quantity moves with the variant and with the split, both on the other's same values.

    Parameters
    ----------
    table : DataFrame
        `carry.errors`; rows fitted and judged under the same variant count.
    quantity : ``temperature`` or ``ece``

    Returns
    -------
    DataFrame
        A row a method: ``mean``; ``variants``, the standard deviation over variants within a split; ``splits``, that
        over splits within a variant (root mean squares); ``floor``, the mean noise floor.
    """
    import pandas as pd

    rows = {}
    for method, own in table[table["source"] == table["target"]].groupby("method", sort=False):
        grid = own.pivot(index="source", columns="seed", values=quantity).to_numpy()
        over = [float(np.sqrt((grid.std(axis=axis, ddof=1) ** 2).mean())) for axis in (0, 1)]
        rows[method] = {
            "mean": grid.mean(),
            "variants": over[0],
            "splits": over[1],
            "floor": own["floor"].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def plot_variants(table: pd.DataFrame, methods: Sequence[str], axes=None) -> np.ndarray:
    """Draw temperature and ECE by method: a mark a variant (mean over splits), a line from least to most of all splits.

    Parameters
    ----------
    table : DataFrame
        `carry.errors`; rows fitted and judged under the same variant are drawn.
    methods : the rows, from top to bottom
    """
    axes = style.beside(axes, 2, (7.6, 0.9 + 0.34 * len(methods)), sharey=True)
    own = table[table["source"] == table["target"]]
    for ax, quantity in zip(axes, ("temperature", "ece"), strict=True):
        style.tidy(ax)
        for height, method in enumerate(methods):
            rows, colour = own[own["method"] == method], style.method_colour(method)
            ax.hlines(height, rows[quantity].min(), rows[quantity].max(), color=colour, linewidth=1, alpha=0.6)
            means = rows.groupby("source", sort=False)[quantity].mean()
            ax.plot(means, np.full(len(means), height), "o", color=colour, markersize=5, alpha=0.6)
            if quantity == "ece":
                ax.plot(rows["floor"].mean(), height, "|", color=style.QUIET, markersize=11, markeredgewidth=2)
        ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    axes[0].set_xscale("log")
    shown = own.loc[own["method"].isin(methods), "temperature"]
    style.plain_ticks(axes[0], (0.5, 1, 2, 3, 4, 6, 8, 12, 20, 50), 0.9 * shown.min(), 1.1 * shown.max())
    axes[1].set_xlim(left=0)
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].invert_yaxis()
    style.label(axes[0], "Temperature", "")
    style.label(axes[1], "ECE (bar: noise floor)", "")
    return axes


def prepare_carried(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """The mean ECE over splits of one method in `carry.errors`: fitted under the row, judged under the column."""
    rows = table[table["method"] == method]
    names = list(dict.fromkeys(rows["source"]))
    grid = rows.groupby(["source", "target"])["ece"].mean().unstack()
    return grid.loc[names, list(dict.fromkeys(rows["target"]))]


def plot_carried(grids: dict[str, pd.DataFrame], axes=None) -> np.ndarray:
    """Draw `prepare_carried` of several methods, a panel each, one scale of colour; the numbers stand in the cells."""
    axes = style.beside(axes, len(grids), (3.5 * len(grids), 3.4))
    most = max(float(grid.to_numpy().max()) for grid in grids.values())
    for ax, (method, grid) in zip(axes, grids.items(), strict=True):
        ax.imshow(grid, cmap="Blues", vmin=0, vmax=2.4 * most, aspect="auto")
        for (i, j), value in np.ndenumerate(grid.to_numpy()):
            shown = f"{value:.3f}".removeprefix("0")
            ax.text(j, i, shown, ha="center", va="center", color=style.INK, fontsize=style.TICK_SIZE)
        ax.set_xticks(range(len(grid.columns)), grid.columns)
        ax.set_yticks(range(len(grid.index)), grid.index)
        ax.tick_params(colors=style.INK, labelsize=style.TICK_SIZE, length=0)
        style.label(ax, "Judged under", "Fitted under" if ax is axes[0] else "", method)
    return axes


def plot_styles(table: pd.DataFrame, methods: Sequence[str], axes=None) -> np.ndarray:
    """Draw the ECE of methods by question set, a panel a style, on one scale; return the axes.

    Parameters
    ----------
    table : DataFrame
        A row a (style, set, method): ``ece`` and ``floor``. The grey bar is the floor of the last method.
    methods : which to draw
    """
    names, sets = (list(dict.fromkeys(table[column])) for column in ("style", "set"))
    axes = style.beside(axes, len(names), (7.6, 1.2 + 0.32 * len(sets)), sharex=True, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        rows = table[table["style"] == name]
        for method in methods:
            found = rows[rows["method"] == method].set_index("set").reindex(sets)
            marker = style.METHOD_MARKER.get(method, "o")
            look = {"color": style.method_colour(method), "markersize": 6, "label": method}
            style.tidy(ax).plot(found["ece"], range(len(sets)), marker, linestyle="none", **look)
        ax.plot(found["floor"], range(len(sets)), "|", color=style.QUIET, markersize=10, markeredgewidth=2)
        ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
        style.label(ax, "ECE", "", name)
    axes[0].set_yticks(range(len(sets)), sets)
    axes[0].invert_yaxis()
    axes[0].set_xlim(left=0)
    style.shared_legend(axes, columns=5)
    return axes
