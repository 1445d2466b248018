"""What only a world with a known truth allows: exact losses, exact calibration errors, and the true temperature.

Everything here is an expectation under the exact posterior pi(a | x), over the questions at hand: no label is drawn, so
no noise floor is needed. z is the PoLM's final logits, (N, K).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import drift, metrics
from ...calibrators.objective import moments
from ...calibrators.search import Optimum, minimise

if TYPE_CHECKING:
    from ...traces import Traces

BINS = 10
_GRID = np.exp(np.linspace(math.log(0.05), math.log(20), 301))  # 2 % apart


def exact_loss(log_p: np.ndarray, pi: np.ndarray) -> float:
    """Expected log loss of log-probabilities (N, K): the mean of -sum_a pi(a | x) log p(a | x), in nats."""
    return float(-(pi * np.maximum(log_p, drift.FLOOR)).sum(axis=1).mean())


def true_optimum(z: np.ndarray, pi: np.ndarray) -> Optimum:
    """T*: the temperature with the least exact expected log loss. In 1/T the loss is convex, so there is one."""
    first, weights = drift.options_first(z), pi.T
    aimed = (weights * first).sum(axis=0)

    def loss(beta: float) -> tuple[float, float]:
        log_total, mean, _ = moments(first, beta)
        return float((log_total - beta * aimed).mean()), float((mean - aimed).mean())

    return minimise(loss)


def calibration_error(confidence: np.ndarray, chance: np.ndarray, bins: int = BINS) -> float:
    """Exact expected calibration error, a probability: ECE with each answer's exact chance in place of right or wrong.

    The mean over questions of their bin's |mean chance - mean confidence|, in equal-width bins.

    Parameters
    ----------
    confidence : (N,) probability that the method gives to its prediction
    chance : (N,) pi(prediction | x), the probability that the prediction is right
    """
    index = metrics.equal_width(confidence, bins)
    return float(np.abs(np.bincount(index, chance - confidence, bins)).sum() / len(chance))


def calibration_optimum(z: np.ndarray, pi: np.ndarray) -> float:
    """The temperature with the least exact calibration error, on a grid 2 % apart over [0.05, 20].

    The error jumps where a confidence crosses the edge of a bin, so no slope leads to it; a grid does.
    """
    chance = chance_of(z.argmax(axis=1), pi)
    errors = [calibration_error(np.exp(drift.log_softmax_options(z, t)).max(axis=1), chance) for t in _GRID]
    return float(_GRID[int(np.argmin(errors))])


def chance_of(prediction: np.ndarray, pi: np.ndarray) -> np.ndarray:
    """pi(prediction | x), the exact probability that each prediction is right, (N,)."""
    return np.take_along_axis(pi, prediction[:, None], axis=1)[:, 0]


def regime_gaps(traces: Traces, pi: np.ndarray) -> dict[str, float]:
    """The PLM's mean confidence less its exact chance of being right: over all questions, on agreement, otherwise.

    As `dualalign.change.by_regime`, with the exact posterior in place of labels; NaN for a regime without a question.
    """
    confidence = np.exp(drift.log_softmax_options(traces.plm_final)).max(axis=1)
    excess, agree = confidence - chance_of(traces.plm_final.argmax(axis=1), pi), drift.agreement(traces)
    rows = {"all": np.ones_like(agree), "agree": agree, "disagree": ~agree}
    return {name: float(excess[chosen].mean()) if chosen.any() else math.nan for name, chosen in rows.items()}
