"""Does a low stability entropy go with over-confidence? ISE against confidence minus correctness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dualalign.traces import Traces


@dataclass(frozen=True)
class StabilityGap:
    """The numbers of the ISE scatter.

    Attributes
    ----------
    entropy : (M,) array
        ISE of the PoLM per labelled question, in nats.
    gap : (M,) array
        Confidence minus correctness: positive is over-confident. Held against confidence itself, the plot would show
        little but that low entropy *is* high confidence.
    agree : (M,) bool array
    bin_entropy, bin_gap, bin_low, bin_high : (B,) array
        Means over equal-mass bins of the entropy, with a 95 % normal interval of the mean gap.
    correlation, p_value : float
        Pearson's correlation of entropy and gap; NaN where either is constant. It is zero on average for a calibrated
        model. A rank correlation is not: among the wrong answers as among the right ones the gap falls with the
        confidence, so ranks fall with the entropy even where every mean gap is zero.
    """

    entropy: np.ndarray
    gap: np.ndarray
    agree: np.ndarray
    bin_entropy: np.ndarray
    bin_gap: np.ndarray
    bin_low: np.ndarray
    bin_high: np.ndarray
    correlation: float
    p_value: float


def prepare_stability(traces: Traces, aggregate: str = "mean-entropy", bins: int = 10) -> StabilityGap:
    """Compute the PoLM's ISE and its confidence minus correctness on the questions whose labels are known.

    Raises
    ------
    ValueError
        Where fewer than two questions have a label.
    """
    known = np.flatnonzero(traces.labels >= 0)
    if known.size < 2:
        raise ValueError(f"traces hold {known.size} known labels; confidence minus correctness needs at least 2")
    entropy = drift.stability_entropy(traces.polm_logits, drift.peak_layer(traces), aggregate=aggregate)[known]
    belief = np.exp(drift.log_softmax_options(traces.polm_final[known]))
    gap = belief.max(axis=1) - (belief.argmax(axis=1) == traces.labels[known])
    parts = np.array_split(np.argsort(entropy, kind="stable"), min(bins, known.size // 2))
    mean = np.array([gap[part].mean() for part in parts])
    half = np.array([1.96 * gap[part].std(ddof=1) / np.sqrt(len(part)) for part in parts])
    centre = np.array([entropy[part].mean() for part in parts])
    agree = drift.agreement(traces)[known]
    return StabilityGap(entropy, gap, agree, centre, mean, mean - half, mean + half, *_correlation(entropy, gap))


def _correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    from scipy import stats

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), float("nan")
    result = stats.pearsonr(x, y)
    return float(result.statistic), float(result.pvalue)


def plot_stability(data: StabilityGap, ax: Axes | None = None) -> Axes:
    """Draw `prepare_stability`: a faint point a question, binned means with intervals, and the line of no bias."""
    ax = style.canvas(ax)
    for name, rows in (("agree", data.agree), ("disagree", ~data.agree)):
        points = {"marker": style.MARKER[name], "color": style.REGIME[name], "s": 9, "alpha": 0.3, "linewidths": 0}
        ax.scatter(data.entropy[rows], data.gap[rows], label=f"{name} (n = {rows.sum():,})", rasterized=True, **points)
    spread = np.abs(np.stack([data.bin_low, data.bin_high]) - data.bin_gap)
    ax.errorbar(data.bin_entropy, data.bin_gap, spread, fmt="o", color=style.INK, ms=5, capsize=2, label="mean, 95 %")
    ax.axhline(0, color=style.QUIET, linestyle=":", linewidth=1)
    ax.set_ylim(-1.05, 1.55)  # room for the legend
    ax.set_yticks([-1, -0.5, 0, 0.5, 1])
    style.label(ax, "Stability entropy of the PoLM (nats)", "Confidence minus correctness")
    title = "" if np.isnan(data.correlation) else f"Correlation {data.correlation:+.2f}"
    return style.legend(ax, loc="upper right", ncols=3, title=title, columnspacing=1, handletextpad=0.4)
