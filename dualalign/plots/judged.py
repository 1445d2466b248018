"""Answers judged Yes or No: how P(True) lies for right and wrong answers, and where a temperature can be aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import align_all, judged
from dualalign.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

_LOOK = {"right": (style.AGREE, "-"), "wrong": (style.DISAGREE, "--")}


def prepare_p_true(traces: Traces, model: str, bins: int = 20) -> dict[str, np.ndarray]:
    """The shares of the ``right`` and of the ``wrong`` answers in each of equal bins of P(True), (bins,)."""
    p, right = judged.p_true(traces, model), traces.labels == 0
    counts = {name: np.histogram(p[rows], bins, (0, 1))[0] for name, rows in (("right", right), ("wrong", ~right))}
    return {name: count / max(count.sum(), 1) for name, count in counts.items()}


def plot_p_true(traces: Traces, axes=None, bins: int = 20) -> np.ndarray:
    """Draw `prepare_p_true` of both models, side by side; the right answers are filled."""
    axes = style.beside(axes, 2, (7.2, 2.8), sharex=True)
    edges = np.linspace(0, 1, bins + 1)
    for ax, model, title in zip(axes, ("plm", "polm"), ("PLM", "PoLM"), strict=True):
        for name, share in prepare_p_true(traces, model, bins).items():
            colour, dash = _LOOK[name]
            if name == "right":
                ax.stairs(share, edges, fill=True, color=colour, alpha=0.3)
            ax.stairs(share, edges, color=colour, linestyle=dash, linewidth=1.6, label=f"{name} answers")
        ax.set_xlim(0, 1)
        style.label(style.tidy(ax), "P(True)", "Share of answers", title)
    axes[1].set_ylabel("")
    style.legend(axes[0], loc="upper left")
    return axes


def plot_log_odds(traces: Traces, ax: Axes | None = None) -> Axes:
    """Draw the log-odds of Yes, the PoLM's over the PLM's, apart by whether aligning that answer has an optimum."""
    ax = style.canvas(ax, (5.0, 3.6))
    x, y = judged.log_odds(traces, "plm"), judged.log_odds(traces, "polm")
    finite = align_all.has_finite_optimum(traces)
    looks = (("finite optimum", finite, style.AGREE, "o"), ("no finite optimum", ~finite, style.DISAGREE, "^"))
    for name, rows, colour, marker in looks:
        ax.scatter(x[rows], y[rows], s=14, color=colour, marker=marker, alpha=0.55, linewidths=0, label=name)
    ax.axhline(0, color=style.QUIET, linestyle=":", linewidth=1)
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    style.label(ax, "Log-odds of Yes, PLM", "Log-odds of Yes, PoLM")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
