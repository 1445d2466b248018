"""Calibration errors over bins, and the table behind a reliability diagram.

The bins are [low, high) with the last one closed, their edges the numbers k / bins: confidence 0.3 opens the bin
[0.3, 0.4), and confidence 1 belongs to the last bin. (Public libraries disagree here, torchmetrics #3510.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._checks import by_rows, check_count, check_pairs, check_share

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("equal-width", "equal-mass")


def bin_edges(bins: int = 10) -> np.ndarray:
    """Return the edges k / bins of equal-width bins over [0, 1], (bins + 1,).

    Examples
    --------
    >>> da.metrics.bin_edges(4).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return np.arange(check_count("bins", bins) + 1) / bins


def equal_width(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return the equal-width bin of each confidence, 0 to bins - 1, in the shape of `confidence`.

    Examples
    --------
    >>> da.metrics.equal_width(np.array([0.0, 0.29, 0.3, 1.0]), bins=10).tolist()
    [0, 2, 3, 9]
    """
    return np.clip(np.searchsorted(bin_edges(bins), confidence, side="right") - 1, 0, bins - 1)


def equal_mass(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Return the equal-mass bin of each confidence along the last axis, 0 to bins - 1.

    The sorted confidences are cut as by `numpy.array_split`; equal confidences stay together, in the bin of the first
    of them, so that the order of the questions does not matter.

    Examples
    --------
    >>> da.metrics.equal_mass(np.array([0.9, 0.2, 0.1, 0.2]), bins=2).tolist()  # 0.2 stays together
    [1, 0, 0, 0]
    """
    check_count("bins", bins)
    n = confidence.shape[-1]
    order = np.argsort(confidence, axis=-1, kind="stable")
    ordered = np.take_along_axis(confidence, order, axis=-1)
    position = np.broadcast_to(np.arange(n), ordered.shape)
    first = np.ones(ordered.shape, dtype=bool)
    first[..., 1:] = ordered[..., 1:] > ordered[..., :-1]
    run = np.maximum.accumulate(np.where(first, position, 0), axis=-1)
    sizes = n // bins + (np.arange(bins) < n % bins)
    index = np.empty(confidence.shape, dtype=np.int64)
    np.put_along_axis(index, order, np.repeat(np.arange(bins), sizes)[run], axis=-1)
    return index


def _sums(index: np.ndarray, values: np.ndarray, bins: int) -> np.ndarray:
    """Sum (draws, N) values by bin, (draws, bins); `index` is (draws, N) or (1, N)."""
    flat = index + bins * np.arange(len(values))[:, None]
    return np.bincount(flat.ravel(), values.ravel(), len(values) * bins).reshape(len(values), bins)


def _counts(index: np.ndarray, shape: tuple[int, int], bins: int) -> np.ndarray:
    return _sums(index, np.ones((len(index), shape[1])), bins)


def _ece_rows(confidence: np.ndarray, correct: np.ndarray, bins: int = 10, binning=equal_width) -> np.ndarray:
    gaps = _sums(binning(confidence, bins), correct - confidence, bins)
    return np.abs(gaps).sum(axis=1) / correct.shape[1]


def _adaptive_rows(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> np.ndarray:
    return _ece_rows(confidence, correct, bins, equal_mass)


def _mce_rows(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> np.ndarray:
    index = equal_width(confidence, bins)
    gaps = _sums(index, correct - confidence, bins)
    return (np.abs(gaps) / np.maximum(_counts(index, correct.shape, bins), 1)).max(axis=1)


def _debiased_rows(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> np.ndarray:
    index = equal_width(confidence, bins)
    count = np.maximum(_counts(index, correct.shape, bins), 1)
    gap = _sums(index, correct - confidence, bins) / count
    accuracy = _sums(index, correct + 0 * confidence, bins) / count
    noise = np.sqrt(accuracy * (1 - accuracy) / count)
    return (count * (2 * np.abs(gap) - _folded_normal_mean(gap, noise))).sum(axis=1) / correct.shape[1]


def _folded_normal_mean(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """E|X| of a normal X."""
    from scipy.special import ndtr

    ratio = np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > 0)
    folded = deviation * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * (1 - 2 * ndtr(-ratio))
    return np.where(deviation > 0, folded, np.abs(mean))


@by_rows(_ece_rows)
def ece(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error, sum_m (n_m / N) |accuracy_m - mean confidence_m| over bins m (arXiv:1706.04599).

    Parameters
    ----------
    confidence : (N,) probability of the predicted option
    correct : (N,) bool, whether the prediction was right
    bins : number of equal-width bins [low, high), the last one closed

    Returns
    -------
    float
        A probability, 0 to 1. Read it beside `ece_floor` and `interval`: noise alone makes it positive.

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1], unequal lengths or no question.

    Examples
    --------
    >>> round(da.metrics.ece([0.9, 0.9, 0.6], [True, False, True]), 3)  # 2/3 |1/2 - 0.9| + 1/3 |1 - 0.6|
    0.4
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_ece_rows(confidence[None], correct[None], bins)[0])


@by_rows(_adaptive_rows)
def adaptive_ece(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """Adaptive ECE (AECE): as `ece` over equal-mass bins; see `equal_mass` for how ties are kept together.

    Parameters and errors as `ece`.

    Examples
    --------
    >>> confidence, correct = [0.6, 0.7, 0.8, 0.9], [False, True, True, True]
    >>> round(da.metrics.adaptive_ece(confidence, correct, bins=2), 3)  # |1/2 - 0.65| and |1 - 0.85|
    0.15
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_adaptive_rows(confidence[None], correct[None], bins)[0])


@by_rows(_mce_rows)
def mce(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """Maximum calibration error: the largest |accuracy - mean confidence| of a bin that holds a question.

    One question alone in a bin decides it, so its noise floor is high. Parameters and errors as `ece`.

    Examples
    --------
    >>> round(da.metrics.mce([0.9, 0.9, 0.6], [True, False, True]), 3)  # |1/2 - 0.9| and |1 - 0.6|
    0.4
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_mce_rows(confidence[None], correct[None], bins)[0])


@by_rows(_debiased_rows, low=-1.0)
def debiased_ece(confidence: np.ndarray, correct: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error less the bias that a noisy accuracy gives each bin (Kumar et al., arXiv:1909.10155).

    The estimator is `normal_debiased_ce` (l1) of their reference code: 2 ECE - E[ECE'], where in ECE' the accuracy a of
    a bin of n questions is drawn from Normal(a, a (1 - a) / n). The expectation is taken in closed form, they take the
    mean of 1000 draws. Under perfect calibration it takes away 41 % of the noise (2 - sqrt(2) = 0.59 of the floor
    stays), so it needs its `noise_floor` too. A bin whose answers are all right or all wrong (a single question, say)
    is left as it is. Parameters and errors as `ece`.

    Returns
    -------
    float
        A probability, maybe slightly negative.

    Examples
    --------
    >>> confidence, correct = [0.5, 0.5], [True, False]  # an ECE of 0, by luck: two answers cannot say so
    >>> round(da.metrics.debiased_ece(confidence, correct), 3)  # 0 - sqrt(2 / pi) sqrt(1/2 1/2 / 2)
    -0.282
    """
    confidence, correct = check_pairs(confidence, correct)
    return float(_debiased_rows(confidence[None], correct[None], bins)[0])


def wilson(right: np.ndarray, count: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval of the share right / count (Wilson 1927), (low, high); NaN where count is 0.

    Parameters
    ----------
    right, count : (...,) how many of how many
    level : share of such intervals that hold the truth; ValueError outside 0 to 1

    Examples
    --------
    >>> [float(end.round(3)) for end in da.metrics.wilson(8, 10)]  # wider below than above: 8 of 10 is near the top
    [0.49, 0.943]
    """
    from scipy.special import ndtri

    right, count = np.asarray(right, dtype=np.float64), np.asarray(count, dtype=np.float64)
    z2 = ndtri((1 + check_share("level", level)) / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = right / count
        centre = (right + z2 / 2) / (count + z2)
        half = np.sqrt(z2 * (count * share * (1 - share) + z2 / 4)) / (count + z2)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def reliability(
    confidence: np.ndarray, correct: np.ndarray, bins: int = 10, kind: str = "equal-width", level: float = 0.95
) -> pd.DataFrame:
    """The table behind a reliability diagram, one row a bin.

    Parameters
    ----------
    confidence, correct : (N,) as in `ece`
    kind : "equal-width" or "equal-mass"
    level : of the Wilson interval of each bin's accuracy

    Returns
    -------
    DataFrame
        `low`, `high` (edges; for equal mass the least and greatest confidence), `count`, `confidence` (mean),
        `accuracy`, `accuracy_low`, `accuracy_high`. An empty bin keeps its row, with count 0 and NaN.

    Raises
    ------
    ValueError
        As `ece`; for an unknown kind, or a level outside 0 to 1.

    Examples
    --------
    >>> table = da.metrics.reliability([0.9, 0.9, 0.6], [True, False, True], bins=2)
    >>> table[["low", "high", "count", "confidence", "accuracy"]].round(3).loc[1].tolist()
    [0.5, 1.0, 3.0, 0.8, 0.667]
    """
    import pandas as pd

    confidence, correct = check_pairs(confidence, correct)
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; allowed are {', '.join(map(repr, KINDS))}")
    index = (equal_width if kind == "equal-width" else equal_mass)(confidence, bins)
    count, right = np.bincount(index, minlength=bins), np.bincount(index, correct, bins)
    low, high = _bounds(confidence, index, bins, kind)
    with np.errstate(invalid="ignore"):
        table = {"low": low, "high": high, "count": count, "confidence": np.bincount(index, confidence, bins) / count}
        table["accuracy"] = right / count
    table["accuracy_low"], table["accuracy_high"] = wilson(right, count, level)
    return pd.DataFrame(table)


def _bounds(confidence: np.ndarray, index: np.ndarray, bins: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind == "equal-width":
        return bin_edges(bins)[:-1], bin_edges(bins)[1:]
    low, high = np.full(bins, np.nan), np.full(bins, np.nan)
    np.fmin.at(low, index, confidence)
    np.fmax.at(high, index, confidence)
    return low, high
