"""Reliability diagrams, the noise floor of the calibration error, and histograms of confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift, metrics
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces


@dataclass(frozen=True)
class Reliability:
    """The numbers of one reliability diagram.

    Attributes
    ----------
    bins : DataFrame
        A row a bin, as `dualalign.metrics.reliability` returns it: edges, count, mean confidence, accuracy and its 95 %
        Wilson interval.
    ece, floor : float
        Expected calibration error, and its mean over draws of a perfectly calibrated model with these confidences.
    interval : tuple of float
        95 % bootstrap interval of the ECE; it corrects for noise, so it may lie below the ECE itself.
    mean_confidence, mean_accuracy : float
    """

    bins: pd.DataFrame
    ece: float
    floor: float
    interval: tuple[float, float]
    mean_confidence: float
    mean_accuracy: float


def prepare_reliability(
    confidence: np.ndarray, correct: np.ndarray, bins: int = 10, draws: int = 1000, seed: int = 0
) -> Reliability:
    """Bin confidences and compute everything a reliability diagram shows.

    Parameters
    ----------
    confidence : (N,) array
        Probability of the predicted option.
    correct : (N,) bool array
    bins : int
        Equal-width bins [low, high) over [0, 1], the last one closed.
    draws, seed : int
        Of the noise floor and the bootstrap interval.

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1], unequal lengths or no question.
    """
    table = metrics.reliability(confidence, correct, bins)
    ece = metrics.ece(confidence, correct, bins=bins)
    floor = metrics.ece_floor(confidence, bins=bins, draws=draws, seed=seed)
    interval = metrics.interval(metrics.ece, confidence, correct, draws=draws, seed=seed, bins=bins)
    return Reliability(table, ece, floor, tuple(interval), float(np.mean(confidence)), float(np.mean(correct)))


def plot_reliability(data: Reliability, ax: Axes | None = None, colour: str = style.POLM, title: str = "") -> Axes:
    """Draw `prepare_reliability`: accuracy against confidence with Wilson intervals; above it, how many questions."""
    ax = style.canvas(ax, (3.8, 4.2))
    ax.plot([0, 1], [0, 1], color=style.QUIET, linestyle=":", linewidth=1)
    table, (low, high) = data.bins, data.interval
    spread = np.abs([table["accuracy_low"] - table["accuracy"], table["accuracy_high"] - table["accuracy"]])
    label = f"ECE {data.ece:.3f} [{low:.3f}, {high:.3f}]\nnoise floor {data.floor:.3f}"
    ax.errorbar(
        table["confidence"], table["accuracy"], spread, fmt="o", color=colour, ms=5, lw=1.4, capsize=2, label=label
    )
    ax.vlines(table["confidence"], table["accuracy"], table["confidence"], color=colour, alpha=0.25, linewidth=5)
    _count_strip(ax, table, colour)
    style.label(ax, "Confidence", "Accuracy", title)
    return style.legend(ax, loc="upper left", bbox_to_anchor=(0, 0.84))


def _count_strip(ax: Axes, table: pd.DataFrame, colour: str) -> None:
    """Draw the counts as a strip of bars above the diagram, the largest count written beside it."""
    most, edges = table["count"].max(), np.append(table["low"], table["high"].iloc[-1])
    ax.stairs(1.06 + 0.14 * table["count"] / most, edges, baseline=1.06, fill=True, color=colour, alpha=0.55)
    ax.set(xlim=(0, 1), ylim=(0, 1.22), yticks=np.arange(6) / 5, aspect="equal")
    ax.spines["left"].set_bounds(0, 1)
    ax.text(-0.02, 1.2, f"{most:,}", ha="right", va="top", color=style.INK, fontsize=style.TICK_SIZE)


def plot_reliability_pair(before: Reliability, after: Reliability, axes=None, titles=("Before", "After")) -> np.ndarray:
    """Draw two reliability diagrams side by side on ``axes`` (two of them, or a new figure); return the two axes."""
    axes = style.beside(axes, 2, (7.4, 4.2), sharey=True)
    for ax, data, colour, title in zip(
        axes, (before, after), (style.POLM, style.METHOD["dual-align"]), titles, strict=True
    ):
        plot_reliability(data, ax, colour, title)
    axes[1].set_ylabel("")
    return np.asarray(axes)


def prepare_noise_floor(
    confidence: np.ndarray,
    sizes: tuple[int, ...] = (30, 100, 300, 1000, 3000, 10000),
    bins: int = 10,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Simulate the ECE of a perfectly calibrated model on ``n`` questions with confidences like these.

    Returns
    -------
    DataFrame
        Columns ``n``, ``mean``, ``low`` and ``high`` (5 % and 95 % quantiles) of the ECE over the draws.
    """
    import pandas as pd

    rng, rows = np.random.default_rng(seed), []
    for n in sizes:
        errors = metrics.noise_draws(metrics.ece, rng.choice(confidence, n), draws, seed, bins=bins)
        rows.append((n, errors.mean(), *np.quantile(errors, [0.05, 0.95])))
    return pd.DataFrame(rows, columns=["n", "mean", "low", "high"])


def plot_noise_floor(floor: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `prepare_noise_floor`: what 'perfect' looks like as the number of questions grows (log axis)."""
    ax = style.canvas(ax)
    ax.fill_between(floor["n"], floor["low"], floor["high"], color=style.PLM, alpha=0.2, lw=0, label="5 % to 95 %")
    ax.plot(floor["n"], floor["mean"], "o-", color=style.PLM, label="mean", markersize=4)
    ax.set_xscale("log")
    ax.set_xticks(floor["n"], [f"{n:,}" for n in floor["n"]])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    style.label(ax, "Questions", "ECE of a perfectly calibrated model")
    return style.legend(ax, loc="upper right")


def prepare_confidence(traces: Traces, bins: int = 20) -> pd.DataFrame:
    """Count the final confidences of both models in equal-width bins.

    Returns
    -------
    DataFrame
        Columns ``model`` ("PLM", "PoLM"), ``low``, ``high`` (edges), ``share`` of the questions, ``mean`` confidence.
    """
    import pandas as pd

    edges, parts = metrics.bin_edges(bins), []
    for model, logits in (("PLM", traces.plm_final), ("PoLM", traces.polm_final)):
        confidence = np.exp(drift.log_softmax_options(logits)).max(axis=1)
        share = np.bincount(metrics.equal_width(confidence, bins), minlength=bins) / len(confidence)
        rows = {"model": model, "low": edges[:-1], "high": edges[1:], "share": share, "mean": confidence.mean()}
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def plot_confidence(histogram: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `prepare_confidence`: one stepped histogram a model, a vertical line at its mean."""
    ax = style.canvas(ax)
    for model, rows in histogram.groupby("model"):
        colour, mean = style.MODEL[model], rows["mean"].iloc[0]
        edges = np.append(rows["low"], rows["high"].iloc[-1])
        ax.stairs(
            rows["share"], edges, color=colour, linestyle=style.DASH[model], lw=1.6, label=f"{model}: mean {mean:.2f}"
        )
        ax.stairs(rows["share"], edges, color=colour, fill=True, alpha=0.15)
        ax.axvline(mean, color=colour, linestyle=style.DASH[model], linewidth=1)
    ax.set_xlim(0, 1)
    style.label(ax, "Confidence", "Share of questions")
    return style.legend(ax, loc="upper left")
