"""The controlled world: belief against exact posterior, the curve of pre-training, temperatures over the true one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BOUND = 0.02  # the error that every seed's PLM must stay below
RATIOS = (0.125, 8.0)  # ends of the axis T / T*; what lies beyond stands at the edge as an arrow


def prepare_posterior_check(proba: np.ndarray, posterior: np.ndarray, bins: int = 20) -> pd.DataFrame:
    """Compare a model's probabilities with the exact ones, option by option.

    Parameters
    ----------
    proba, posterior : (N, K)
    bins : equal-width bins of the exact probability

    Returns
    -------
    DataFrame
        A row a bin that is not empty: ``exact`` and ``model`` (means), ``low`` and ``high`` (5 % and 95 % quantiles of
        the model's), ``n`` options.

    Raises
    ------
    ValueError
        If the shapes differ, or ``bins`` is below 1.
    """
    import pandas as pd

    if np.shape(proba) != np.shape(posterior):
        raise ValueError(f"proba has shape {np.shape(proba)}, posterior {np.shape(posterior)}; they must be equal")
    if bins < 1:
        raise ValueError(f"bins is {bins}; give at least 1")
    flat = pd.DataFrame({"exact": np.ravel(posterior), "model": np.ravel(proba)})
    groups = flat.groupby(np.minimum((flat["exact"] * bins).astype(int), bins - 1))
    ends = {"low": groups["model"].quantile(0.05), "high": groups["model"].quantile(0.95), "n": groups.size()}
    return groups.mean().assign(**ends).reset_index(drop=True)


def plot_posterior_check(
    proba: np.ndarray, posterior: np.ndarray, ax: Axes | None = None, colour: str = style.PLM, title: str = ""
) -> Axes:
    """Draw every option's probability against the exact one, and `prepare_posterior_check` over it."""
    ax = style.canvas(ax, (3.8, 3.8))
    ax.plot([0, 1], [0, 1], color=style.QUIET, linestyle=":", linewidth=1)
    ax.scatter(posterior, proba, s=4, color=colour, alpha=0.15, linewidths=0, rasterized=True)
    table = prepare_posterior_check(proba, posterior)
    spread = np.abs([table["model"] - table["low"], table["high"] - table["model"]])
    error = np.abs(np.subtract(proba, posterior)).mean()
    label = f"mean, 5 % to 95 %\nmean absolute error {error:.4f}"
    ax.errorbar(table["exact"], table["model"], spread, fmt="o", color=style.INK, ms=4, lw=1.2, label=label)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    style.label(ax, "Exact probability of an option", "Probability of the model", title)
    return style.legend(ax, loc="upper left")


def plot_pretraining(curve: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw the curve of pre-training on two axes: log loss beside the least possible, error beside the bound.

    Parameters
    ----------
    curve : DataFrame with ``step``, ``loss`` and ``least`` (nats), ``error`` (mean absolute probability)

    Raises
    ------
    ValueError
        If it holds no row.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    if not len(curve):
        raise ValueError("curve holds no row; give one for each look at the model in training")
    axes = style.beside(axes, 2, (8.4, 3.2))
    least = curve["least"].iloc[0]
    for ax, name, line, text, axis in (
        (axes[0], "loss", least, f"least possible: {least:.3f}", "Log loss (nats)"),
        (axes[1], "error", BOUND, f"bound: {BOUND:g}", "Mean absolute error (probability)"),
    ):
        style.tidy(ax).plot(curve["step"], curve[name], "o-", color=style.PLM, markersize=4)
        ax.axhline(line, color=style.QUIET, linestyle=":", linewidth=1, label=text)
        style.legend(style.label(ax, "Step", axis), loc="upper right")
    axes[1].set_yscale("log")
    axes[1].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[1].yaxis.set_major_formatter("{x:g}")
    axes[1].yaxis.set_minor_locator(NullLocator())
    return np.asarray(axes)


def plot_against_truth(
    summary: pd.DataFrame, studies: list[str], methods: list[str], columns: int = 3, axes=None
) -> np.ndarray:
    """Draw each method's temperature over the true one, a panel a study; return the axes.

    Parameters
    ----------
    summary : DataFrame
        A row a (study, method), as `dualalign.lab.world.table.against_truth` returns it. The dot is the mean ratio, the
        thick line its 95 % interval, the thin line the range over the seeds; a number at the right counts the seeds in
        which no finite temperature exists.
    studies, methods : in the order to draw

    Raises
    ------
    ValueError
        If there is nothing to draw, or the summary lacks one of them, or holds one twice.
    """
    if not len(studies) or not len(methods):
        raise ValueError(f"{len(studies)} studies and {len(methods)} methods; give at least one of each")
    known = summary.set_index(["study", "method"])
    lacking = [pair for pair in itertools.product(studies, methods) if pair not in known.index]
    if lacking:
        study, method = lacking[0]
        raise ValueError(f"summary holds no row of {method!r} in {study!r}; draw what against_truth returned")
    if known.index.has_duplicates:
        raise ValueError("summary holds {1!r} in {0!r} twice".format(*known.index[known.index.duplicated()][0]))
    axes = style.panels(len(studies), axes, height=0.65 + 0.19 * len(methods), columns=columns)
    for ax, study in zip(axes.flat, studies, strict=False):
        _truth_panel(ax, known.loc[study].loc[list(methods)], study)
        style.label(ax, "T / T*", "")
    return axes


def _truth_panel(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    low, high = RATIOS
    ax.axvline(1, color=style.QUIET, linestyle=":", linewidth=1)
    for height, row in enumerate(rows.itertuples()):
        colour, marker = style.method_colour(row.Index), style.METHOD_MARKER.get(row.Index, "o")
        ends = np.clip([row.least, row.most, row.low, row.high, row.ratio], low, high)
        ax.plot(ends[:2], [height] * 2, color=colour, linewidth=0.8)
        ax.plot(ends[2:4], [height] * 2, color=colour, linewidth=3, solid_capstyle="butt")
        beyond = "<" if row.ratio < low else ">" if row.ratio > high else marker
        ax.plot(ends[4], height, beyond, color=colour, markersize=5)
        if row.seeds > row.finite:
            where = {"transform": ax.get_yaxis_transform(), "va": "center"}  # right of the axes, where room is made
            ax.text(1.01, height, f"∞ {row.seeds - row.finite:.0f}", color=style.INK, fontsize=style.TICK_SIZE, **where)
    ax.set_xscale("log", base=2)
    ax.set(xlim=(low / 1.15, high * 1.15), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows.index)
    ax.set_xticks([0.125, 0.25, 0.5, 1, 2, 4, 8], ["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    style.label(ax, "", "", title)
