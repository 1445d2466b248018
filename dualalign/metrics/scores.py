"""Proper scores, discrimination and accuracy: what stands beside a calibration error, never ECE alone."""

from __future__ import annotations

import numpy as np

from ._checks import by_rows, check_correct, check_pairs, check_proba


def top_label(proba: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence float64 (N,), the largest probability, and correct bool (N,); the first option wins a tie.

    Parameters
    ----------
    proba : (N, K), rows sum to 1 (padded options hold 0)
    labels : int (N,), index of the right option

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1], rows that do not sum to 1, wrong lengths or unknown labels.

    Examples
    --------
    >>> confidence, correct = da.metrics.top_label([[0.7, 0.3], [0.4, 0.6]], [0, 0])
    >>> confidence.tolist(), correct.tolist()
    ([0.7, 0.6], [True, False])
    """
    proba, labels = check_proba(proba, labels)
    return proba.max(axis=1), proba.argmax(axis=1) == labels


def _accuracy_rows(correct: np.ndarray) -> np.ndarray:
    return correct.mean(axis=1)


def _brier_rows(proba: np.ndarray, labels: np.ndarray) -> np.ndarray:
    right = np.take_along_axis(proba, labels[..., None], axis=-1)[..., 0]
    return ((proba**2).sum(axis=-1) - 2 * right + 1).mean(axis=-1)


def _top_label_brier_rows(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return ((confidence - correct) ** 2).mean(axis=1)


def _nll_rows(proba: np.ndarray, labels: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -np.log(np.take_along_axis(proba, labels[..., None], axis=-1)[..., 0]).mean(axis=-1)


def _auroc_rows(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    n_right = correct.sum(axis=1)
    pairs = n_right * (correct.shape[1] - n_right)
    wins = (rankdata(confidence, axis=1) * correct).sum(axis=1) - n_right * (n_right + 1) / 2
    return np.divide(wins, pairs, out=np.full(len(correct), np.nan), where=pairs > 0)


@by_rows(_accuracy_rows)
def accuracy(correct: np.ndarray) -> float:
    """Share of right predictions, from `correct` bool (N,).

    Examples
    --------
    >>> da.metrics.accuracy([True, False, True, True])
    0.75
    """
    return float(check_correct(correct).mean())


@by_rows(_brier_rows, high=2.0)
def brier(proba: np.ndarray, labels: np.ndarray) -> float:
    """Multi-class Brier score: mean of sum_k (p_k - [k is right])^2, 0 to 2 (Brier 1950).

    DACA's tables report `top_label_brier` under this name. Parameters and errors as `top_label`.

    Examples
    --------
    >>> round(da.metrics.brier([[0.8, 0.2]], [0]), 3)  # 0.2^2 + 0.2^2
    0.08
    """
    proba, labels = check_proba(proba, labels)
    return float(_brier_rows(proba, labels))


@by_rows(_top_label_brier_rows)
def top_label_brier(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Brier score of the confidence alone: mean of (confidence - correct)^2, 0 to 1; arrays (N,) as in `ece`.

    Examples
    --------
    >>> round(da.metrics.top_label_brier([0.8], [True]), 3)  # half of `brier` where there are two options
    0.04
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_top_label_brier_rows(confidence[None], correct[None])[0])


@by_rows(_nll_rows, high=np.inf)
def nll(proba: np.ndarray, labels: np.ndarray) -> float:
    """Negative log-likelihood of the right option, mean, in nats; `inf` where a right option has probability 0.

    Nothing is clipped. Parameters and errors as `top_label`.

    Examples
    --------
    >>> round(da.metrics.nll([[0.25, 0.75], [1.0, 0.0]], [0, 0]), 3)  # the mean of ln 4 and 0
    0.693
    """
    proba, labels = check_proba(proba, labels)
    return float(_nll_rows(proba, labels))


@by_rows(_auroc_rows)
def auroc(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Chance that a right answer has a higher confidence than a wrong one, ties count half; arrays (N,) as in `ece`.

    NaN where every answer is right or every answer is wrong: there the quantity does not exist.

    Examples
    --------
    >>> da.metrics.auroc([0.9, 0.8, 0.3], [True, False, True])  # of two pairs, right against wrong, one is in order
    0.5
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_auroc_rows(confidence[None], correct[None])[0])
