"""Everything to report of a method at once, its ECE beside the noise floor and an interval."""

from __future__ import annotations

import numpy as np

from .binned import adaptive_ece, debiased_ece, ece, mce
from .resampling import Interval, interval, noise_draws
from .scores import accuracy, auroc, brier, nll, top_label, top_label_brier
from .smooth import smooth_ece


def summary(
    values: np.ndarray, outcomes: np.ndarray, bins: int = 10, level: float = 0.95, draws: int = 1000, seed: int = 0
) -> dict[str, float | int | Interval]:
    """Judge probabilities by labels, or confidences by whether they were right.

    Parameters
    ----------
    values, outcomes : proba (N, K) and labels int (N,), or confidence (N,) and correct bool (N,)
    bins : of every binned error
    level, draws, seed : of the ECE's interval and of its noise floor

    Returns
    -------
    dict
        `n`, `accuracy`, `confidence` (mean), `ece`, `ece_floor`, `ece_interval` (low, high), `ece_p` (share of
        perfectly calibrated draws whose ECE is at least this high), `adaptive_ece`, `debiased_ece`, `smooth_ece`,
        `mce`, `top_label_brier`, `auroc`; with probabilities also `brier` and `nll` (nats).

    Raises
    ------
    ValueError
        As `ece` and `brier`.

    Examples
    --------
    >>> found = da.metrics.summary([[0.7, 0.3], [0.4, 0.6]], [0, 0], draws=100)
    >>> [round(found[name], 3) for name in ("n", "accuracy", "confidence", "ece", "nll")]
    [2, 0.5, 0.65, 0.45, 0.636]
    """
    proper = {}
    if np.ndim(values) == 2:
        proper = {"brier": brier(values, outcomes), "nll": nll(values, outcomes)}
        values, outcomes = top_label(values, outcomes)
    error = ece(values, outcomes, bins)
    return {
        "n": len(values),
        "accuracy": accuracy(outcomes),
        "confidence": float(np.mean(values)),
        "ece": error,
        **_noise(error, noise_draws(ece, values, draws, seed, bins=bins)),
        "ece_interval": interval(ece, values, outcomes, level=level, draws=draws, seed=seed, bins=bins),
        "adaptive_ece": adaptive_ece(values, outcomes, bins),
        "debiased_ece": debiased_ece(values, outcomes, bins),
        "smooth_ece": smooth_ece(values, outcomes),
        "mce": mce(values, outcomes, bins),
        "top_label_brier": top_label_brier(values, outcomes),
        "auroc": auroc(values, outcomes),
        **proper,
    }


def _noise(error: float, perfect: np.ndarray) -> dict[str, float]:
    return {"ece_floor": float(perfect.mean()), "ece_p": float((1 + (perfect >= error).sum()) / (1 + len(perfect)))}
