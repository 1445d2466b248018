"""What post-training recipes do, side by side: the premise, the shift of confidence, new answers, and the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dualalign import change, drift
from dualalign.plots import style
from dualalign.plots.layers import plot_layer_divergence, prepare_layer_divergence
from dualalign.plots.reliability import Reliability, plot_reliability

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

_OUTCOME = dict(zip(change.OUTCOMES, ("#1b9e77", "#3c91a8", "#0072b2", "#d55e00", "#9a60b4"), strict=True))
_HATCH = dict(zip(change.OUTCOMES, ("", "....", "", "////", "xxxx"), strict=True))


def plot_premise(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `protocol.both_models` for one model: its ECE, interval and noise floor, a row a set.

    Filled dots are sets on which an ECE this high is rare for a calibrated model (``ece_p`` below 0.05); open dots are
    those on which it is not.
    """
    ax = style.canvas(ax, (5.4, 0.9 + 0.24 * len(table)))
    for height, row in enumerate(table.itertuples()):
        ax.plot([row.ece_low, row.ece_high], [height, height], color=style.PLM, linewidth=2, solid_capstyle="butt")
        face = style.PLM if row.ece_p < 0.05 else "white"
        ax.plot(row.ece, height, "o", color=style.PLM, markerfacecolor=face, markersize=6)
    rows = np.arange(len(table))
    ax.vlines(table["ece_floor"], rows - 0.35, rows + 0.35, color=style.QUIET, linewidth=2, label="noise floor")
    ax.set_yticks(rows, table["set"])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.grid(axis="x", color=style.QUIET, alpha=0.25, linewidth=0.6)
    style.label(ax, "ECE of the PLM", "")
    return style.legend(ax, loc="lower right", bbox_to_anchor=(1, 1))


def plot_shift(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw accuracy and confidence before and after each recipe, a panel a question set; return the axes.

    Parameters
    ----------
    table : DataFrame
        `protocol.both_models` of several pairs: ``set``, ``pair``, ``model``, ``accuracy``, ``confidence``. The PLM of
        every pair of one set must be the same.
    """
    names = list(dict.fromkeys(table["set"]))
    axes = style.panels(len(names), axes, height=3.2, columns=4)
    pairs = list(dict.fromkeys(table["pair"]))
    for ax, name in zip(axes.flat, names, strict=False):
        _shift_panel(ax, table[table["set"] == name], pairs, name)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    if not style.legend_in_free_panel(axes, len(names)):
        style.legend(axes.flat[0], loc="lower right")
    return axes


def _shift_panel(ax: Axes, table: pd.DataFrame, pairs: list[str], title: str) -> None:
    ax.plot([0, 1], [0, 1], color=style.QUIET, linestyle=":", linewidth=1)
    start = table[table["model"] == "PLM"].iloc[0]
    ax.plot(start.accuracy, start.confidence, "o", color=style.PLM, markersize=7, label="PLM")
    for row in table[table["model"] == "PoLM"].itertuples():
        i = pairs.index(row.pair)
        colour, marker = style.OPTIONS[(i + 1) % len(style.OPTIONS)], "s^vD*XPp<>"[i]
        ax.plot([start.accuracy, row.accuracy], [start.confidence, row.confidence], color=colour, lw=0.8, alpha=0.6)
        ax.plot(row.accuracy, row.confidence, marker, color=colour, markersize=6, label=row.pair)
    ax.set(xlim=(0.15, 0.8), ylim=(0.15, 1.02), aspect="equal")
    style.label(ax, "Accuracy", "Confidence", title)


def plot_chain(stages: Mapping[str, Reliability], axes=None) -> np.ndarray:
    """Draw the reliability of a chain of checkpoints, the PLM first, side by side; return the axes."""
    axes = style.beside(axes, len(stages), (3.3 * len(stages), 4.0), sharey=True)
    for ax, (name, data) in zip(axes, stages.items(), strict=True):
        plot_reliability(data, ax, style.PLM if ax is axes[0] else style.POLM, name)
    for ax in axes[1:]:
        ax.set_ylabel("")
    return axes


def plot_outcomes(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `change.of_pairs`: what became of the PLM's answers, a stacked bar a pair."""
    ax = style.canvas(ax, (6.4, 0.9 + 0.34 * len(table)))
    left = np.zeros(len(table))
    for name in change.OUTCOMES:
        bars = {"color": _OUTCOME[name], "hatch": _HATCH[name], "edgecolor": style.HATCH_EDGE, "linewidth": 0}
        ax.barh(np.arange(len(table)), table[name], left=left, height=0.7, label=name, **bars)
        left += table[name].to_numpy()
    ax.set_yticks(np.arange(len(table)), table.index)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    style.label(ax, "Share of questions", "")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=3)


def plot_recipe_layers(pairs: Mapping[str, Traces], axes=None) -> np.ndarray:
    """Draw the layer divergence of several pairs by agreement, a panel a pair on one scale; return the axes."""
    axes = style.panels(len(pairs), axes, height=2.7, columns=4)
    for ax, (name, traces) in zip(axes.flat, pairs.items(), strict=False):
        plot_layer_divergence(prepare_layer_divergence(traces), ax)
        ax.set_title(name, color=style.INK, fontsize=style.LABEL_SIZE + 1, loc="left")
        style.label(ax, "Layer", "" if ax in axes[:, 1:].flat else "Divergence (nats)")
    return axes


def plot_contrasts(table: pd.DataFrame, quantity: str, x: str, ax: Axes | None = None) -> Axes:
    """Draw one difference of `change.of_pairs` with its interval, a row a pair; a line at zero."""
    ax = style.canvas(ax, (5.0, 0.8 + 0.26 * len(table)))
    rows = np.arange(len(table))
    low, value, high = (table[f"{quantity}{end}"] for end in ("_low", "", "_high"))
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    ax.hlines(rows, low, high, color=style.POLM, linewidth=2)
    ax.plot(value, rows, "s", color=style.POLM, markersize=5)
    ax.set_yticks(rows, table.index)
    ax.invert_yaxis()
    return style.label(ax, x, "")


def plot_regime_gaps(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `change.by_regime` of several pairs: the PLM's gap over all questions, on agreement and on disagreement.

    Parameters
    ----------
    table : DataFrame indexed by (pair, regime), with ``gap``, ``gap_low`` and ``gap_high``
    """
    pairs = list(dict.fromkeys(table.index.get_level_values(0)))
    ax = style.canvas(ax, (6.0, 1.0 + 0.36 * len(pairs)))
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    looks = {"all": (style.PLM, "o"), "agree": (style.AGREE, "s"), "disagree": (style.DISAGREE, "^")}
    for i, (regime, (colour, marker)) in enumerate(looks.items()):
        rows = table.xs(regime, level=1)
        heights = np.array([pairs.index(name) for name in rows.index]) + 0.22 * (i - 1)
        ax.hlines(heights, rows["gap_low"], rows["gap_high"], color=colour, linewidth=2)
        ax.plot(rows["gap"], heights, marker, color=colour, markersize=5, label=regime)
    ax.set_yticks(np.arange(len(pairs)), pairs)
    ax.invert_yaxis()
    style.label(ax, "Confidence of the PLM less its accuracy", "")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=3)


def plot_layer_map(n_plm: int, n_polm: int, ax: Axes | None = None) -> Axes:
    """Draw which layer of the PLM each layer of a PoLM of another depth is held against (`drift.match_layers`)."""
    ax = style.canvas(ax, (4.6, 3.0))
    layers = np.arange(1, n_polm + 1)
    ax.plot([0, n_polm], [0, n_plm], color=style.QUIET, linestyle=":", linewidth=1, label="equal relative depth")
    ax.plot(layers, drift.match_layers(n_plm, n_polm), "o", color=style.POLM, markersize=4, label="matched layer")
    style.integer_ticks(ax, both=True)
    style.label(ax, "Layer of the PoLM", "Layer of the PLM")
    return style.legend(ax, loc="upper left")
