"""The main comparison: differences by pair and set, over-confidence by method, errors along a chain of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MAP = "PuOr_r"  # below zero purple, above orange: apart for every kind of colour vision, and in print by their numbers


class Against(NamedTuple):
    """Differences to one rival, and which of them were found, both (pairs, sets); NaN where there is none."""

    value: np.ndarray
    found: np.ndarray


def prepare_against(
    differences: pd.DataFrame, rivals: Sequence[str], pairs: Sequence[str], sets: Sequence[str], level: float = 0.05
) -> dict[str, Against]:
    """Arrange `results.against` as a table a rival, pairs by sets.

    Raises
    ------
    ValueError
        For a rival without a difference, or a pair that was read in two styles.
    """
    out = {}
    for rival in rivals:
        rows = differences[differences["rival"] == rival]
        if rows.empty:
            known = ", ".join(sorted(differences["rival"].unique()))
            raise ValueError(f"rival {rival!r} has no difference; those that have are {known}")
        twice = rows.duplicated(["pair", "set"])
        if twice.any():
            raise ValueError(f"pair {rows.loc[twice, 'pair'].iloc[0]!r} stands in two styles; choose one of them")
        wide = rows.set_index(["pair", "set"])[["value", "p_holm"]].unstack("set").reindex(list(pairs))
        value, p = (wide[name].reindex(columns=list(sets)).to_numpy(float) for name in ("value", "p_holm"))
        out[rival] = Against(value, p <= level)
    return out


def plot_against(
    data: Mapping[str, Against], pairs: Sequence[str], sets: Sequence[str], limit: float = 0.2, columns: int = 2
) -> np.ndarray:
    """Draw `prepare_against`: a heat map a rival, the difference in hundredths in each cell; return the axes.

    A cell is framed and its number bold where the difference was found. Colours end at ±`limit`; the numbers do not.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(data) // columns)
    size = (0.9 + 0.5 * columns * len(sets), (0.8 + 0.27 * len(pairs)) * rows + 0.7)
    options = {"figsize": size, "layout": "constrained", "sharex": True, "sharey": True, "squeeze": False}
    axes = plt.subplots(rows, columns, **options)[1]
    for ax in axes.flat[len(data) :]:
        ax.set_visible(False)
    for ax, (rival, found) in zip(axes.flat, data.items(), strict=False):
        picture = _heat_map(style.tidy(ax), found, limit, f"dual-align − {rival}")
        ax.set_xticks(range(len(sets)), sets, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(pairs)), pairs)
    bar = axes[0, 0].figure.colorbar(picture, ax=axes, location="bottom", extend="both", shrink=0.6, aspect=40)
    bar.set_label("← Dual-Align lower      difference      rival lower →", color=style.INK, fontsize=style.LABEL_SIZE)
    bar.ax.tick_params(colors=style.INK, labelsize=style.TICK_SIZE)
    return axes


def _heat_map(ax: Axes, data: Against, limit: float, title: str):
    from matplotlib.patches import Rectangle

    picture = ax.imshow(data.value, cmap=_MAP, vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(data.value):
        if np.isnan(value):
            continue
        found = data.found[row, column]
        colour = "white" if _is_dark(picture.to_rgba(value)) else "black"
        look = {"ha": "center", "va": "center", "fontsize": style.TICK_SIZE, "color": colour}
        number = f"{100 * value:+.0f}".replace("-", "−")
        ax.text(column, row, number, weight="bold" if found else "normal", **look)
        if found:
            frame = {"fill": False, "edgecolor": colour, "linewidth": 1.3}
            ax.add_patch(Rectangle((column - 0.44, row - 0.42), 0.88, 0.84, **frame))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return style.label(ax, "", "", title) and picture


def _is_dark(rgba: Sequence[float]) -> bool:
    """Whether white stands out more than black: relative luminance below 0.18, where both contrasts are equal."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722))) < 0.18


def plot_gaps(gaps: Mapping[str, pd.DataFrame], methods: Sequence[str], axes=None) -> np.ndarray:
    """Draw mean confidence less accuracy of methods, a panel a group of settings; return the axes.

    Parameters
    ----------
    gaps : mapping of a group's name to a table, a row a setting and a column a method
    methods : from top to bottom

    The dot is the mean over the settings, the line runs from the least to the largest.
    """
    axes = style.panels(len(gaps), axes, height=0.9 + 0.26 * len(methods), columns=2)
    for ax, (name, table) in zip(axes.flat, gaps.items(), strict=False):
        ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1.2)
        for height, method in enumerate(methods):
            values, colour = table[method].dropna(), style.method_colour(method)
            ax.plot([values.min(), values.max()], [height, height], color=colour, linewidth=1.5)
            ax.plot(values.mean(), height, style.METHOD_MARKER.get(method, "o"), color=colour, markersize=7)
        ax.set_yticks(range(len(methods)), methods)
        ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
        style.label(ax, "Mean confidence less accuracy", "", f"{name} ({len(table)})")
    axes.flat[0].set_ylim(len(methods) - 0.5, -0.5)
    return axes


def plot_stages(
    values: Mapping[str, pd.DataFrame], spread: Mapping[str, pd.DataFrame], quantity: str = "ECE", axes=None
) -> np.ndarray:
    """Draw the error of methods along a chain of checkpoints, a panel a group of sets; return the axes.

    Parameters
    ----------
    values : mapping of a group's name to a table, a row a checkpoint (in order) and a column a method; a column
        `floor` is drawn as the noise floor
    spread : of the same shape without `floor`: half the length of each error bar
    """
    axes = style.panels(len(values), axes, height=3.2, columns=2)
    for ax, (name, table) in zip(axes.flat, values.items(), strict=False):
        at = np.arange(len(table))
        if "floor" in table:
            ax.plot(at, table["floor"], color=style.QUIET, linestyle=":", linewidth=1.5, label="noise floor")
        methods = [method for method in table if method != "floor"]
        for number, method in enumerate(methods):
            shift = 0.06 * (number - (len(methods) - 1) / 2)  # so that error bars do not hide each other
            look = {"color": style.method_colour(method), "marker": style.METHOD_MARKER.get(method, "o")}
            ax.errorbar(at + shift, table[method], spread[name][method], **look, linewidth=1.2, label=method)
        ax.set_xticks(at, table.index)
        ax.set_xlim(-0.4, len(table) - 0.6)
        style.label(ax, "", quantity if ax is axes.flat[0] else "", name)
    axes.flat[0].set_ylim(bottom=0)  # shared, so only when all is drawn
    style.shared_legend(axes, "upper center")
    return axes
