"""What noise does to a metric: its floor under perfect calibration, its interval, the difference of two methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ._checks import check_confidence, check_count, check_share
from .binned import ece

_CELLS = 1 << 21  # resampled values held in memory at a time


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two methods (first minus second) and its confidence interval."""

    value: float
    low: float
    high: float


def noise_draws(
    metric: Callable[..., float], confidence: np.ndarray, draws: int = 1000, seed: int = 0, **options: object
) -> np.ndarray:
    """Values of a metric that a perfectly calibrated model with these confidences would show, (draws,).

    In every draw each answer is right with the probability that its confidence states, independently.

    Parameters
    ----------
    metric : a function of (confidence, correct): `ece`, `adaptive_ece`, `mce`, `smooth_ece`, `auroc`, ...
    confidence : (N,) probability of the predicted option
    draws, seed : simulated data sets, and the seed of their answers
    options : passed to the metric, `bins=15` say

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1], no question or no draw.

    Examples
    --------
    >>> da.metrics.noise_draws(da.metrics.ece, [0.5], draws=3).tolist()  # one answer is right or wrong, never half
    [0.5, 0.5, 0.5]
    """
    confidence, rng = check_confidence(confidence), np.random.default_rng(seed)
    values = _kernel(metric, options)
    parts = [rng.random((rows, len(confidence))) < confidence for rows in _chunks(draws, _width(options, confidence))]
    return np.concatenate([values(confidence[None], correct.astype(np.float64)) for correct in parts])


def noise_floor(
    metric: Callable[..., float], confidence: np.ndarray, draws: int = 1000, seed: int = 0, **options: object
) -> float:
    """Mean of `noise_draws`: what the metric shows where nothing is wrong. Parameters as there.

    Examples
    --------
    >>> round(da.metrics.noise_floor(da.metrics.mce, [0.5] * 100), 2)  # all in one bin: as the ECE
    0.04
    """
    return float(noise_draws(metric, confidence, draws, seed, **options).mean())


def ece_floor(confidence: np.ndarray, bins: int = 10, draws: int = 1000, seed: int = 0) -> float:
    """Mean ECE that a perfectly calibrated model with these confidences would show on as many questions.

    Parameters
    ----------
    confidence : (N,) probability of the predicted option
    bins : equal-width bins, as in `ece`
    draws, seed : simulated data sets, and the seed of their answers

    Raises
    ------
    ValueError
        For NaN, values outside [0, 1] or no question.

    Examples
    --------
    >>> round(da.metrics.ece_floor([0.5] * 100), 2)  # E|heads / 100 - 1/2| of 100 coins: sqrt(2 / pi) 0.05
    0.04
    >>> round(da.metrics.ece_floor([0.5] * 10_000), 3)
    0.004
    """
    return noise_floor(ece, confidence, draws, seed, bins=bins)


def interval(
    metric: Callable[..., float],
    *arrays: np.ndarray,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    **options: object,
) -> Interval:
    """Basic bootstrap interval of a metric over questions: 2 value - q, with q the quantiles over resamples.

    A calibration error is biased upwards by noise, and a resample adds that noise once more. Percentiles of the
    resamples count it twice; this interval takes it out, and so may lie below the estimate itself. Simulated on the
    ECE of 300 questions whose true error is 0.05, percentile intervals of level 0.95 hold the truth in 66 % of cases,
    these in 86 %; with 2,000 questions and a true error of 0.10 both do in 94 to 95 %. Close to perfect calibration no
    bootstrap is exact: judge there by `noise_draws`. For means (accuracy, Brier, likelihood) the two hardly differ.

    Parameters
    ----------
    metric : any function of the arrays, `ece` with (confidence, correct) or `brier` with (proba, labels), say
    arrays : (N, ...) what the metric takes; the same questions are drawn from each
    level : share of such intervals that should hold the true value
    draws, seed : resamples of the questions, and their seed
    options : passed to the metric

    Returns
    -------
    Interval
        (low, high), within the values that the metric can take; NaN where the metric itself is NaN or infinite.

    Raises
    ------
    ValueError
        What the metric refuses; a level outside 0 to 1, or no draw.

    Examples
    --------
    >>> low, high = da.metrics.interval(da.metrics.accuracy, [True, False] * 50)  # 1/2, give or take 1.96 * 0.05
    >>> round(low, 1), round(high, 1)
    (0.4, 0.6)
    """
    value = metric(*arrays, **options)
    arrays = tuple(np.asarray(array) for array in arrays)
    resampled = [
        _kernel(metric, options)(*(array[rows] for array in arrays))
        for rows in _resamples(arrays, _width(options, *arrays), draws, seed)
    ]
    return Interval(*np.clip(_basic_interval(value, np.concatenate(resampled), level), *_bounds(metric)).tolist())


def paired_difference(
    metric: Callable[..., float],
    first: tuple[np.ndarray, ...],
    second: tuple[np.ndarray, ...],
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    **options: object,
) -> Difference:
    """Difference of a metric between two methods on the same questions, with a paired bootstrap interval.

    Parameters
    ----------
    first, second : what the metric takes, for each method, ((N,), (N,)) say; row i of both is the same question
    level, draws, seed, options : as in `interval`

    Returns
    -------
    Difference
        metric(*first) - metric(*second): negative where the first method errs less.

    Raises
    ------
    ValueError
        As `interval`; where the two have different numbers of questions.

    Examples
    --------
    >>> always, half = [True] * 100, [True, False] * 50
    >>> found = da.metrics.paired_difference(da.metrics.accuracy, (always,), (half,))
    >>> [round(part, 1) for part in found]  # 1 - 1/2, and its interval
    [0.5, 0.4, 0.6]
    """
    value = float(metric(*first, **options) - metric(*second, **options))
    first, second = tuple(map(np.asarray, first)), tuple(map(np.asarray, second))
    if len(first[0]) != len(second[0]):
        raise ValueError(f"first has {len(first[0])} questions, second {len(second[0])}; compare on the same questions")
    values, parts = _kernel(metric, options), []
    for rows in _resamples(first, _width(options, *first), draws, seed):
        parts.append(values(*(a[rows] for a in first)) - values(*(a[rows] for a in second)))
    return Difference(value, *_basic_interval(value, np.concatenate(parts), level))


def _kernel(metric: Callable[..., float], options: dict[str, object]) -> Callable[..., np.ndarray]:
    """The metric for many resamples at once; a metric without such a kernel is called once a resample."""
    rows = getattr(metric, "rows", None)
    if rows is not None:
        return lambda *arrays: rows(*arrays, **options)

    def one_by_one(*arrays: np.ndarray) -> np.ndarray:
        draws = max(map(len, arrays))
        wide = [np.broadcast_to(array, (draws, *array.shape[1:])) for array in arrays]
        return np.array([metric(*row, **options) for row in zip(*wide, strict=True)])

    return one_by_one


def _bounds(metric: Callable[..., float]) -> tuple[float, float]:
    return getattr(metric, "bounds", (-np.inf, np.inf))


def _chunks(draws: int, width: int) -> Iterator[int]:
    rows = max(1, _CELLS // max(width, 1))
    for start in range(0, check_count("draws", draws), rows):
        yield min(rows, draws - start)


def _width(options: dict[str, object], *arrays: np.ndarray) -> int:
    """The cells of one resample: its largest array, or its bins where there are more of those."""
    return max(*(array.size for array in arrays), check_count("bins", options.get("bins", 1)))


def _resamples(arrays: tuple[np.ndarray, ...], width: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng, n = np.random.default_rng(seed), len(arrays[0])
    for rows in _chunks(draws, width):
        yield rng.integers(0, n, (rows, n))


def _basic_interval(value: float, resampled: np.ndarray, level: float) -> Interval:
    tail = (1 - check_share("level", level)) / 2
    resampled = resampled[~np.isnan(resampled)]
    if not np.isfinite(value) or not resampled.size:
        return Interval(np.nan, np.nan)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(2 * value - high), float(2 * value - low))
