"""Decisions by confidence: risk and coverage, thresholds and what they deliver, prices of abstaining, cascades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import decisions, metrics
from dualalign.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.decisions import Held

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))


def prepare_risk_coverage(held: Mapping[str, Sequence[Held]], steps: int = 50) -> pd.DataFrame:
    """Share of wrong answers among the surest questions, at ``steps`` coverages up to 1, a mean over the splits.

    Returns
    -------
    DataFrame
        A row a (method, coverage): ``method``, ``coverage``, ``risk``.
    """
    import pandas as pd

    grid, rows = np.arange(1, steps + 1) / steps, []
    for method, sides in held.items():
        risks = [metrics.risk_coverage(side.confidence, side.right)[1] for side in sides]
        at = [risk[np.ceil(np.round(grid * len(risk), 9)).astype(int) - 1] for risk in risks]
        rows += [{"method": method, "coverage": c, "risk": r} for c, r in zip(grid, np.mean(at, axis=0), strict=True)]
    return pd.DataFrame(rows)


def plot_risk_coverage(held: Mapping[str, Sequence[Held]], ax: Axes | None = None) -> Axes:
    """Draw `prepare_risk_coverage`, a line a method; a dotted line is the error of answering everything."""
    ax = style.canvas(ax, (5.4, 3.4))
    table = prepare_risk_coverage(held)
    for (method, rows), dash in zip(table.groupby("method", sort=False), _cycle(held), strict=True):
        look = {"color": style.method_colour(method), "linestyle": dash, "linewidth": 1.6}
        ax.plot(rows["coverage"], rows["risk"], label=method, **look)
    everything = table.loc[table["coverage"] == 1, "risk"].iloc[0]
    ax.axhline(everything, color=style.QUIET, linestyle=":", linewidth=1)
    ax.set(xlim=(0, 1.02), ylim=(0, None))
    style.label(ax, "Coverage: share of questions answered", "Risk: share of these wrong")
    return style.legend(ax, loc="lower right")


def prepare_thresholds(
    held: Mapping[str, Sequence[Held]], thresholds: Sequence[float] = THRESHOLDS, least: int = 30
) -> pd.DataFrame:
    """Answer where confidence >= t: `dualalign.decisions.above` by method and threshold, all splits together.

    ``delivered``, ``low`` and ``high`` are NaN where fewer than ``least`` different questions are answered.
    """
    import pandas as pd

    rows = []
    for method, sides in held.items():
        for threshold in thresholds:
            found = decisions.above(sides, [threshold] * len(sides))._asdict()
            if found["answered"] < least:
                found |= dict.fromkeys(("promised", "delivered", "low", "high"), np.nan)
            rows.append({"method": method, "threshold": threshold} | found)
    return pd.DataFrame(rows)


def plot_thresholds(
    held: Mapping[str, Sequence[Held]], thresholds: Sequence[float] = THRESHOLDS, least: int = 30, axes=None
) -> np.ndarray:
    """Draw `prepare_thresholds` on two axes: accuracy above the threshold with its interval, and coverage."""
    table, axes = prepare_thresholds(held, thresholds, least), style.beside(axes, 2, (8.4, 3.4))
    for ax in axes:
        style.tidy(ax)
    axes[0].plot([0, 1], [0, 1], color=style.QUIET, linestyle=":", linewidth=1)
    shifts = (np.arange(len(held)) - (len(held) - 1) / 2) * 0.008  # beside each other, not on top
    for (method, rows), dash, shift in zip(table.groupby("method", sort=False), _cycle(held), shifts, strict=True):
        look = {"color": style.method_colour(method), "marker": style.METHOD_MARKER.get(method, "o"), "markersize": 4}
        spread = [rows["delivered"] - rows["low"], rows["high"] - rows["delivered"]]
        x = rows["threshold"] + shift
        axes[0].errorbar(x, rows["delivered"], spread, linestyle=dash, linewidth=1.2, elinewidth=1, **look)
        axes[0].plot([], [], linestyle=dash, linewidth=1.2, label=method, **look)
        axes[1].plot(x, rows["coverage"], linestyle=dash, linewidth=1.2, **look)
    ends = (min(thresholds) - 0.05, max(thresholds) + 0.05)
    axes[0].set(xlim=ends, ylim=(0.2, 1.02))
    axes[1].set(xlim=ends, ylim=(0, 1.02))
    style.label(axes[0], "Threshold t", "Accuracy where confidence ≥ t")
    style.label(axes[1], "Threshold t", "Coverage")
    style.legend(axes[0], loc="lower right")  # below the diagonal, where only an over-confident method comes
    return axes


def plot_promises(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw what a promised accuracy delivers, a panel a target, a row a method; return the axes.

    Parameters
    ----------
    table : DataFrame
        A row a (method, target): ``method``, ``target``, and ``coverage``, ``delivered``, ``low`` and ``high`` as
        `dualalign.decisions.above` returns them. The dotted line is the target; at the right stands the coverage.
    """
    targets = sorted(table["target"].unique())
    methods = list(dict.fromkeys(table["method"]))
    axes = style.panels(len(targets), axes, height=0.8 + 0.26 * len(methods))
    for ax, target in zip(axes.flat, targets, strict=False):
        ax.axvline(target, color=style.QUIET, linestyle=":", linewidth=1.2)
        rows = table[table["target"] == target].set_index("method").loc[methods]
        for height, row in enumerate(rows.itertuples()):
            look = {"color": style.method_colour(row.Index)}
            ax.plot([row.low, row.high], [height] * 2, linewidth=2, solid_capstyle="butt", **look)
            ax.plot(row.delivered, height, style.METHOD_MARKER.get(row.Index, "o"), markersize=6, **look)
            where = {"transform": ax.get_yaxis_transform(), "va": "center", "ha": "right"}
            shown = "<1%" if 0 < row.coverage < 0.005 else f"{row.coverage:.0%}"
            ax.text(1.0, height, shown, color=style.INK, fontsize=style.TICK_SIZE, **where)
        ax.set_yticks(range(len(methods)), methods)
        ax.set(xlim=(0.3, 1.18), ylim=(len(methods) - 0.5, -0.5))
        ax.set_xticks([0.4, 0.6, 0.8, 1.0])
        style.label(ax, "Delivered accuracy", "", f"promised {target:.0%}")
    return axes


def plot_costs(table: pd.DataFrame, error: float, axes=None) -> np.ndarray:
    """Draw the cost a question over the price of abstaining, and the regret, on two axes.

    Parameters
    ----------
    table : DataFrame
        A row a (method, price): ``method``, ``price``, ``cost``, and ``regret`` with its interval ``low``, ``high``.
    error : share of wrong answers: the cost of always answering
    """
    axes = style.beside(axes, 2, (8.4, 3.5))
    prices = np.unique(table["price"])
    for ax in axes:
        style.tidy(ax)
    axes[0].plot(prices, prices, color=style.QUIET, linestyle=":", linewidth=1.2)
    axes[0].axhline(error, color=style.QUIET, linestyle=":", linewidth=1.2)
    axes[0].text(prices[0], error, "always answer", va="bottom", color=style.INK, fontsize=style.TICK_SIZE)
    axes[0].text(0.9, 0.9, "never answer", va="bottom", ha="right", color=style.INK, fontsize=style.TICK_SIZE)
    groups = table.groupby("method", sort=False)
    for (method, rows), dash in zip(groups, _cycle(groups.groups), strict=True):
        look = {"color": style.method_colour(method), "linestyle": dash, "linewidth": 1.6}
        axes[0].plot(rows["price"], rows["cost"], label=method, **look)
    _regret(axes[1], table)
    axes[0].set(xlim=(0, 1), ylim=(0, 1))
    style.label(axes[0], "Price c of no answer", "Cost a question")
    style.label(axes[1], "Price c of no answer", "Regret: cost above the best threshold")
    style.legend(axes[0], loc="lower right")
    return axes


def plot_regret(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw the regret over the price of abstaining, a panel a study, a line a method; return the axes.

    Parameters
    ----------
    table : DataFrame
        A row a (study, method, price): ``study``, ``method``, ``price``, ``regret``.
    """
    studies = list(dict.fromkeys(table["study"]))
    axes = style.panels(len(studies), axes, height=2.8)
    for ax, study in zip(axes.flat, studies, strict=False):
        _regret(ax, table[table["study"] == study])
        style.label(ax, "Price c of no answer", "", study)
    axes.flat[0].set_ylabel("Exact regret a question", color=style.INK, fontsize=style.LABEL_SIZE)
    style.legend(axes.flat[0], loc="upper right")
    return axes


def _regret(ax: Axes, table: pd.DataFrame) -> None:
    groups = table.groupby("method", sort=False)
    for (method, rows), dash in zip(groups, _cycle(groups.groups), strict=True):
        colour = style.method_colour(method)
        if "low" in rows:
            ax.fill_between(rows["price"], rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)
        ax.plot(rows["price"], rows["regret"], color=colour, linestyle=dash, linewidth=1.6, label=method)
    ax.axhline(0, color=style.QUIET, linestyle=":", linewidth=1)
    ax.set_xlim(0, 1)


def prepare_frontier(
    sides: Sequence[Held], second: Sequence[np.ndarray], price: float, steps: int = 50
) -> pd.DataFrame:
    """Accuracy of a cascade over its cost, 1 + price * share passed on: every threshold, a mean over the splits."""
    import pandas as pd

    grid = np.arange(steps + 1) / steps
    curves = []
    for side, other in zip(sides, second, strict=True):
        share, accuracy = decisions.cascade_frontier(side.confidence, side.right, other)
        curves.append(np.interp(grid, share[::-1], accuracy[::-1]))
    return pd.DataFrame({"cost": 1 + price * grid, "accuracy": np.mean(curves, axis=0)})


def plot_cascade(points: pd.DataFrame, frontiers: Mapping[str, Mapping[str, pd.DataFrame]], axes=None) -> np.ndarray:
    """Draw accuracy over cost, a panel a cascade: where each method's thresholds land, beside all thresholds.

    Parameters
    ----------
    points : DataFrame
        A row a (cascade, method, target): ``cascade``, ``method``, ``target``, ``cost``, ``accuracy``; a larger mark is
        a higher target.
    frontiers : cascade -> method -> its line, as `prepare_frontier` returns it; the dotted line passes on at random
    """
    axes = style.beside(axes, len(frontiers), (8.4, 3.7))
    targets = sorted(points["target"].unique())
    for ax, (name, lines) in zip(axes, frontiers.items(), strict=True):
        style.tidy(ax)
        for (method, line), dash in zip(lines.items(), _cycle(lines), strict=True):
            ax.plot(line["cost"], line["accuracy"], color=style.method_colour(method), linestyle=dash, linewidth=1.2)
        ends = line.iloc[[0, -1]]
        ax.plot(ends["cost"], ends["accuracy"], color=style.QUIET, linestyle=":", linewidth=1.2)
        for method, rows in points[points["cascade"] == name].groupby("method", sort=False):
            sizes = [14 + 16 * targets.index(target) for target in rows["target"]]
            look = {"color": style.method_colour(method), "marker": style.METHOD_MARKER.get(method, "o")}
            ax.scatter(rows["cost"], rows["accuracy"], s=sizes, alpha=0.85, linewidths=0, label=method, **look)
        style.label(ax, "Cost a question, in first calls", "Accuracy", name)
        style.legend(ax, loc="lower right")
    return axes


def plot_savings(table: pd.DataFrame, x: str, ax: Axes | None = None) -> Axes:
    """Draw one value of every trace, a row a method, and their mean as a bar; filled where the premise holds.

    Parameters
    ----------
    table : DataFrame
        A row a (method, trace): ``method``, ``value``, ``premise`` (bool).
    x : what the value is
    """
    methods = list(dict.fromkeys(table["method"]))
    ax = style.canvas(ax, (6.4, 0.8 + 0.42 * len(methods)))
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1.2)
    for height, method in enumerate(methods):
        rows = table[table["method"] == method]
        for premise, shift in ((False, 0.14), (True, -0.14)):
            values = rows.loc[rows["premise"] == premise, "value"]
            look = {"facecolor": style.method_colour(method) if premise else "none", "linewidths": 0.9}
            marks = style.METHOD_MARKER.get(method, "o").replace("*", "o")
            edge = style.method_colour(method)
            ax.scatter(values, np.full(len(values), height + shift), s=20, edgecolor=edge, marker=marks, **look)
        ax.plot([rows["value"].mean()] * 2, [height - 0.38, height + 0.38], color=style.INK, linewidth=2)
    ax.set_yticks(range(len(methods)), methods)
    ax.set_ylim(len(methods) - 0.5, -0.5)
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    return style.label(ax, x, "")


def _cycle(lines: Sequence[str] | Mapping[str, object]) -> list:
    return [_DASHES[i % len(_DASHES)] for i in range(len(lines))]
