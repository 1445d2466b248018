"""Answering only where confident: what share of the given answers is wrong, at every coverage."""

from __future__ import annotations

import numpy as np

from ._checks import by_rows, check_pairs


def _risks(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Risk at coverage 1/N, 2/N, ..., 1, (draws, N); `confidence` is (draws, N) or (1, N)."""
    confidence = np.broadcast_to(confidence, correct.shape)
    order = np.argsort(-confidence, axis=1, kind="stable")
    ordered, errors = (np.take_along_axis(a, order, axis=1) for a in (confidence, 1.0 - correct))
    first = np.ones(ordered.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] < ordered[:, :-1]
    run = np.cumsum(first.ravel()) - 1
    shared = np.bincount(run, errors.ravel()) / np.bincount(run)  # in a tie every question stands for all of them
    return shared[run].reshape(errors.shape).cumsum(axis=1) / np.arange(1, errors.shape[1] + 1)


def _aurc_rows(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return _risks(confidence, correct).mean(axis=1)


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Answer the k most confident questions only, k = 1..N (Geifman and El-Yaniv, arXiv:1705.08500).

    Parameters
    ----------
    confidence : (N,) probability of the predicted option
    correct : (N,) bool

    Returns
    -------
    coverage, risk : float64 (N,)
        k / N, and the share of wrong answers among those k; where confidences tie, the mean over every order of the
        tied questions.

    Raises
    ------
    ValueError
        As `ece`.

    Examples
    --------
    >>> coverage, risk = da.metrics.risk_coverage([0.9, 0.8, 0.3], [True, False, True])
    >>> coverage.round(3).tolist(), risk.round(3).tolist()
    ([0.333, 0.667, 1.0], [0.0, 0.5, 0.333])
    """
    confidence, correct = check_pairs(confidence, correct)
    return np.arange(1, len(correct) + 1) / len(correct), _risks(confidence[None], correct[None])[0]


@by_rows(_aurc_rows)
def aurc(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk over coverages 1/N, 2/N, ..., 1; lower is better.

    It sees the order of the confidences and the accuracy, never whether the confidences are calibrated. Parameters and
    errors as `ece`.

    Examples
    --------
    >>> round(da.metrics.aurc([0.9, 0.8, 0.3], [True, False, True]), 3)  # the mean of 0, 1/2 and 1/3
    0.278
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_aurc_rows(confidence[None], correct[None])[0])
