"""Open readings: what each option changes, which factors make the variance, what hindsight gains, and other lenses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_LOUD, _WEAK = style.METHOD["dual-align"], style.QUIET
_VERDICT = {"raises": ("s", style.POLM), "lowers": ("o", style.PLM)}  # marker and colour
_VERDICT |= {"undecided": ("D", _WEAK), "small": ("|", style.INK)}


class Forest(NamedTuple):
    """Rows from top to bottom: names, heights (a gap between arguments), and the table in that order."""

    names: list[str]
    heights: np.ndarray
    table: pd.DataFrame


def prepare_forest(effects: pd.DataFrame) -> Forest:
    """Order `readings.effects` for a forest plot, the options of one argument together.

    Raises
    ------
    ValueError
        If the table has no row.
    """
    if effects.empty:
        raise ValueError("effects has no row; give those of readings.effects")
    argument = [name.split("=")[0] for name in effects.index]
    changes = np.array([a != b for a, b in zip(argument, argument[:1] + argument[:-1], strict=True)])
    heights = np.arange(len(effects)) + 0.5 * np.cumsum(changes)
    return Forest([name.replace("=", " = ") for name in effects.index], heights, effects)


def plot_forest(data: Forest, verdicts: Sequence[str], margin: float, axes=None) -> np.ndarray:
    """Draw `prepare_forest`: difference of the error from the default, and temperature over the default's.

    Marks are means over the sets, lines their 95 % intervals; the band is ±margin. Return the axes.
    """
    axes = _beside(axes, (7.4, 0.9 + 0.27 * len(data.names)), (1.25, 1))
    error, ratio = axes.flat
    error.axvspan(-margin, margin, color=_WEAK, alpha=0.15, linewidth=0)
    columns = ((error, "value", "low", "high"), (ratio, "ratio", "ratio_low", "ratio_high"))
    for ax, *names in columns:
        ax.axvline(0 if ax is error else 1, color=_WEAK, linestyle=":", linewidth=1.2)
        for height, word, row in zip(data.heights, verdicts, data.table[names].to_numpy(), strict=True):
            marker, colour = _VERDICT[word]
            ax.plot(row[1:], [height, height], color=colour, linewidth=1.5)
            ax.plot(row[0], height, marker, color=colour, markersize=7, markeredgewidth=2)
    for word in dict.fromkeys(verdicts):
        marker, colour = _VERDICT[word]
        error.plot([], [], marker, color=colour, markersize=7, markeredgewidth=2, label=word)
    style.legend(error, loc="lower left", bbox_to_anchor=(0, 1.06), ncols=4)
    error.set_yticks(data.heights, data.names)
    error.set_ylim(data.heights[-1] + 0.7, -0.7)
    error.locator_params(axis="x", nbins=6)
    _log_ticks(ratio, data.table[["ratio_low", "ratio_high"]].to_numpy())
    style.label(error, "Error less that of the default", "")
    style.label(ratio, "Temperature over that of the default", "")
    return axes


def _log_ticks(ax, values: np.ndarray) -> None:
    """A logarithmic axis with plain numbers as ticks."""
    ax.set_xscale("log", base=2)
    low, high = min(values.min(), 1) / 1.05, max(values.max(), 1) * 1.05
    ticks = [t for t in (0.125, 0.25, 0.5, 0.7, 1, 1.4, 2, 4, 8) if low <= t <= high]
    ax.set_xlim(low, high)
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()


def plot_factors(tables: Mapping[str, pd.DataFrame], axes=None) -> np.ndarray:
    """Draw `all_readings.by_factor`, a panel a quantity; return the axes.

    The full bar is a factor's main effect, the pale one all terms it enters; the line is the range over the sets.
    """
    factors = list(next(iter(tables.values())).index)
    axes = _beside(axes, (3.3 * len(tables) + 0.8, 0.9 + 0.3 * len(factors)), (1,) * len(tables))
    at = np.arange(len(factors))
    for ax, (name, table) in zip(axes.flat, tables.items(), strict=True):
        rows = table.loc[factors]
        ax.barh(at, rows["total"], color=_LOUD, alpha=0.3, label="with interactions")
        ax.barh(at, rows["main"], color=_LOUD, height=0.45, label="alone")
        ax.hlines(at, rows["low"], rows["high"], color=style.INK, linewidth=1.2, label="range over the sets")
        ax.set_xlim(0, 1)
        style.label(ax, "Share of the variance", "", name)
    axes.flat[0].set_yticks(at, factors)
    axes.flat[0].set_ylim(len(factors) - 0.5, -0.5)
    style.legend(axes.flat[-1], loc="lower right")
    return axes


def plot_hindsight(found: pd.DataFrame, floor: pd.Series, quantity: str = "ECE", ax=None):
    """Draw `all_readings.hindsight`: the range of all readings, the default with its spread, and the choices.

    Parameters
    ----------
    floor : noise floor of the default, a value a set; a set that has none gets no mark
    """
    ax = style.canvas(ax, (6.6, 0.9 + 0.36 * len(found)))
    at = np.arange(len(found))
    ax.hlines(at, found["best"], found["worst"], color=_WEAK, linewidth=5, alpha=0.35, label="all readings")
    look = {"color": _LOUD, "linewidth": 1.6, "markersize": 7}
    ax.errorbar(found["default"], at, xerr=found["spread"], fmt="D", label="default ± spread over splits", **look)
    ax.plot(found["best"], at, "o", color=style.INK, markerfacecolor="none", markersize=8, label="best in hindsight")
    ax.plot(found["elsewhere"], at, "^", color=style.PLM, markersize=7, label="best on the other sets")
    ax.plot(floor.reindex(found.index), at, "|", color=style.INK, markersize=12, markeredgewidth=2, label="noise floor")
    ax.set_yticks(at, found.index)
    ax.set_ylim(len(at) - 0.5, -0.5)
    ax.set_xlim(left=0)
    style.legend(ax, loc="lower left", bbox_to_anchor=(-0.12, 1.0), ncols=3)
    return style.label(ax, quantity, "")


def plot_lenses(layers: pd.DataFrame, titles: Mapping[str, str], axes=None) -> np.ndarray:
    """Draw the layers of `lab.lenses.record`, a column a lens: entropies, and how far the last layer is.

    Parameters
    ----------
    titles : name of each lens that is drawn, from left to right
    """
    import matplotlib.pyplot as plt

    if axes is None:
        options = {"figsize": (2.7 * len(titles), 4.6), "layout": "constrained", "sharex": True, "squeeze": False}
        axes = plt.subplots(2, len(titles), **options)[1]
    means = layers.groupby(["lens", "layer"])[[f"{m}_{what}" for m in ("plm", "polm") for what in ("entropy", "far")]]
    means = means.mean()
    for i, (column, (lens, title)) in enumerate(zip(axes.T, titles.items(), strict=True)):
        for ax, what, name in zip(column, ("entropy", "far"), ("Entropy", "KL from the last layer"), strict=True):
            for model in ("PLM", "PoLM"):
                values = means.loc[lens][f"{model.lower()}_{what}"]
                look = {"color": style.MODEL[model], "linestyle": style.DASH[model], "marker": style.MARKER[model]}
                style.tidy(ax).plot(values.index, values, markersize=3.5, linewidth=1.3, label=model, **look)
            ax.set_ylim(bottom=0)
            unit = "" if i else f"{name} (nats)"
            style.label(ax, "Layer" if what == "far" else "", unit, title if what == "entropy" else "")
            style.integer_ticks(ax)
    style.legend(axes[0, 0], loc="best")
    return axes


def _beside(axes, size: tuple[float, float], widths: tuple[float, ...]) -> np.ndarray:
    if axes is None:
        import matplotlib.pyplot as plt

        options = {"figsize": size, "layout": "constrained", "sharey": True, "squeeze": False, "width_ratios": widths}
        axes = plt.subplots(1, len(widths), **options)[1]
    for ax in axes.flat:
        style.tidy(ax)
        ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    return axes
