"""What a confidence is good for: answer above a threshold, abstain at a price, or ask a second model.

Pure functions of arrays. A wrong answer costs 1, a right one nothing, and no answer the price c, 0 to 1. `right` is 1
or 0 for each question; where the truth is known it may be the exact chance that the answer is right, and a cost is then
an expectation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from . import metrics
from .metrics._checks import check_confidence, check_pairs

_CELLS = 1 << 21  # counts held in memory at a time


class Held(NamedTuple):
    """What a method says on one split: the held-out questions (N,), its confidences and whether it was right there,
    and its confidences (M,) on the questions that it was fitted on, whose labels nobody needs."""

    questions: Sequence[str]
    confidence: np.ndarray
    right: np.ndarray
    fitting: np.ndarray


class Above(NamedTuple):
    """Answers above a threshold: share of the questions, mean confidence (the promise), accuracy (what was delivered)
    with its Wilson interval, and the number of different questions answered. NaN where none was."""

    coverage: float
    promised: float
    delivered: float
    low: float
    high: float
    answered: int


# -- The order of the questions ----------------------------------------------------------------------------------------


def swapped(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the pairs of questions that two confidences (N,) put in opposite order; a tie in either is no swap."""
    first, second = (check_confidence(values) for values in (first, second))
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"confidences of {len(first)} and {len(second)} questions; give the same two or more for both")
    opposite = sum(
        int((np.sign(first[i] - first[i + 1 :]) * np.sign(second[i] - second[i + 1 :]) < 0).sum())
        for i in range(len(first) - 1)
    )
    return opposite / (len(first) * (len(first) - 1) / 2)


# -- Thresholds --------------------------------------------------------------------------------------------------------


def threshold_for(confidence: np.ndarray, target: float) -> float:
    """Least threshold above which the mean confidence is at least `target`; `inf` (answer nothing) where none is.

    No label enters: whether the promise is kept depends on calibration alone.
    """
    confidence = check_confidence(confidence)
    if not 0 <= target <= 1:
        raise ValueError(f"target is {target}; give an accuracy from 0 to 1")
    ordered, ends = _descending(confidence)
    sums = np.cumsum(confidence[ordered])[ends]
    reached = ends[sums >= target * (ends + 1) * (1 - 1e-12)]  # equal confidences meet their own mean, rounded or not
    return float(confidence[ordered][reached[-1]]) if len(reached) else np.inf


def above(sides: Sequence[Held], thresholds: Sequence[float], level: float = 0.95) -> Above:
    """Answer where confidence >= the split's threshold, all splits together.

    A question answered on several splits is no new evidence. Wilson's interval is therefore that of
    (sum w)^2 / sum w^2 questions, w being how often each was answered (Kish's effective size). The thresholds are
    taken as given.

    Raises
    ------
    ValueError
        If there is not one threshold a split.
    """
    if len(sides) != len(thresholds) or not len(sides):
        raise ValueError(f"{len(sides)} splits and {len(thresholds)} thresholds; give one threshold a split")
    answered = np.concatenate([s.confidence >= t for s, t in zip(sides, thresholds, strict=True)])
    questions, confidence, right = (np.concatenate([np.asarray(s[i]) for s in sides]) for i in range(3))
    if not answered.any():
        return Above(0.0, np.nan, np.nan, np.nan, np.nan, 0)
    times = np.unique(questions[answered], return_counts=True)[1]
    size, delivered = times.sum() ** 2 / (times**2).sum(), float(right[answered].mean())
    low, high = metrics.wilson(delivered * size, size, level)
    promised = float(confidence[answered].mean())
    return Above(float(answered.mean()), promised, delivered, float(low), float(high), len(times))


# -- Abstaining at a price ---------------------------------------------------------------------------------------------


def costs(confidence: np.ndarray, right: np.ndarray, prices: Sequence[float]) -> np.ndarray:
    """Cost of each question under the Bayes rule "answer iff 1 - confidence < c", (C, N).

    Parameters
    ----------
    confidence : (N,) probability of the prediction
    right : (N,) whether it was right, or its chance of being right
    prices : (C,) price c of no answer, 0 to 1
    """
    confidence, right, price = _checked(confidence, right, prices)
    return np.where(1 - confidence < price, 1 - right, price)


def mean_cost(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cost of each question under the Bayes rule, averaged over all prices from 0 to 1, (N,).

    The integral of `costs` is ((1 - p)^2 + 2 (1 - a) p) / 2. For a in {0, 1} that is ((p - a)^2 + 1 - a) / 2: half the
    top-label Brier score and half the error rate.
    """
    confidence, right, _ = _checked(confidence, right, [0])
    return ((1 - confidence) ** 2 + 2 * (1 - right) * confidence) / 2


def hindsight(confidence: np.ndarray, right: np.ndarray, prices: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Best threshold for each price when the outcomes are known: thresholds (C,) and mean costs (C,).

    The threshold may be `inf`: never answer. Chosen on the outcomes that it is judged by, it flatters itself a little.
    """
    confidence, right, price = _checked(confidence, right, prices)
    ordered, ends = _descending(confidence)
    wrong = np.concatenate([[0.0], np.cumsum(1 - right[ordered])[ends]])
    thresholds = np.concatenate([[np.inf], confidence[ordered][ends]])
    unanswered = len(confidence) - np.concatenate([[0], ends + 1])
    cost = (wrong + price * unanswered) / len(confidence)
    best = cost.argmin(axis=1)
    return thresholds[best], cost[np.arange(len(cost)), best]


def threshold_costs(
    confidence: np.ndarray, right: np.ndarray, prices: Sequence[float], thresholds: Sequence[float]
) -> np.ndarray:
    """Cost of each question when those with confidence >= t are answered, a threshold a price, (C, N)."""
    confidence, right, price = _checked(confidence, right, prices)
    return np.where(confidence >= np.reshape(thresholds, (-1, 1)), 1 - right, price)


def exact_regret(confidence: np.ndarray, chance: np.ndarray, prices: Sequence[float]) -> np.ndarray:
    """Expected cost above that of one who knows each answer's `chance` of being right, (C, N); never negative.

    Who knows it pays min(c, 1 - chance), so `confidence` = `chance` has no regret at any price.
    """
    _, chance, price = _checked(confidence, chance, prices)
    return costs(confidence, chance, prices) - np.minimum(price, 1 - chance)


# -- A second model ----------------------------------------------------------------------------------------------------


def cascade(
    confidence: np.ndarray, first: np.ndarray, second: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the first model's answer where confidence >= threshold, else take the second's: right (N,), asked (N,)."""
    confidence, first = check_pairs(confidence, first)
    confidence, second = check_pairs(confidence, second)
    asked = ~(confidence >= threshold)
    return np.where(asked, second, first), asked


def matched(sides: Sequence[Held], answers: Mapping[str, bool]) -> list[np.ndarray]:
    """What a second model's answers, right or wrong by question, are worth on the questions of each split, (N,).

    Raises
    ------
    ValueError
        For a question that the second model was not asked.
    """
    if lacking := [q for side in sides for q in side.questions if q not in answers]:
        raise ValueError(
            f"question {lacking[0]!r} has no second answer; keep the questions that both models were asked"
        )
    return [np.array([answers[q] for q in side.questions]) for side in sides]


def cascade_frontier(confidence: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of questions passed on and accuracy of the cascade at every threshold, from passing on all to none."""
    confidence, first = check_pairs(confidence, first)
    confidence, second = check_pairs(confidence, second)
    ordered, ends = _descending(confidence)
    gained = np.concatenate([[0.0], np.cumsum((first - second)[ordered])[ends]])
    kept = np.concatenate([[0], ends + 1])
    return 1 - kept / len(first), (second.sum() + gained) / len(first)


# -- Resampled questions -----------------------------------------------------------------------------------------------


def bootstrap(
    sides: Sequence[Held],
    values: Sequence[np.ndarray],
    weights: Sequence[np.ndarray] | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Resample the questions of all splits together: mean of values, (1 + draws, ...), the first as they are.

    A question counts equally often in every split that holds it. Two calls with the same questions, draws and seed use
    the same resamples, so their difference is paired: `dualalign.protocol.difference`.

    Parameters
    ----------
    sides : the splits
    values : a split each, (..., N)
    weights : the same shape; the mean is sum(weights * values) / sum(weights), NaN where no weight was drawn
    """
    shape = np.shape(values[0])[:-1]
    weights = [np.ones(np.shape(v)) for v in values] if weights is None else weights
    ids, owner = _owners(sides)
    above_line, below = np.zeros((2, len(ids), *shape))
    for rows, value, weight in zip(owner, values, weights, strict=True):
        for total, part in ((above_line, np.multiply(weight, value)), (below, np.asarray(weight, dtype=np.float64))):
            np.add.at(total, rows, np.moveaxis(part, -1, 0))
    parts = []
    for counts in _counts(len(ids), draws, seed):
        over, under = (counts @ total.reshape(len(ids), -1) for total in (above_line, below))
        parts.append(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))
    return np.concatenate(parts).reshape(-1, *shape)


def bootstrap_aurc(sides: Sequence[Held], draws: int = 2000, seed: int = 0) -> np.ndarray:
    """Area under the risk-coverage curve, a mean over the splits, on the resamples of `bootstrap`, (1 + draws,)."""
    ids, owner = _owners(sides)
    parts = []
    for counts in _counts(len(ids), draws, seed):
        parts.append(np.mean([_aurc(side, counts[:, rows]) for side, rows in zip(sides, owner, strict=True)], axis=0))
    return np.concatenate(parts)


def _aurc(side: Held, counts: np.ndarray) -> np.ndarray:
    """`metrics.aurc` of questions that stand `counts` (draws, N) times each."""
    ordered, ends = _descending(np.asarray(side.confidence, dtype=np.float64))
    counts, wrong = counts[:, ordered], 1.0 - np.asarray(side.right)[ordered]
    n, errors = (np.cumsum(a, axis=1)[:, ends] for a in (counts, counts * wrong))
    before, errors_before = (np.concatenate([np.zeros((len(a), 1)), a[:, :-1]], axis=1) for a in (n, errors))
    size = n - before
    rate = np.divide(errors - errors_before, size, out=np.zeros_like(size), where=size > 0)
    # The j-th of m tied questions has risk (E + j r) / (n + j); over j that sums to r m + (E - n r) (H[n + m] - H[n]).
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(n.max()) + 1))])
    steps = harmonic[n.astype(np.int64)] - harmonic[before.astype(np.int64)]
    return (rate * size + (errors_before - before * rate) * steps).sum(axis=1) / n[:, -1]


def _owners(sides: Sequence[Held]) -> tuple[np.ndarray, list[np.ndarray]]:
    asked = [np.asarray(side.questions) for side in sides]
    ids, owner = np.unique(np.concatenate(asked), return_inverse=True)
    return ids, np.split(owner, np.cumsum([len(side) for side in asked])[:-1])


def _counts(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n questions is drawn, some draws at a time; the very first row holds each once."""
    rng, left = np.random.default_rng(seed), draws
    yield np.ones((1, n))
    while left > 0:
        rows = min(left, max(1, _CELLS // n))
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        left -= rows


def _descending(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order from the surest down, and the last place of every run of ties in it: a threshold parts no tie."""
    ordered = np.argsort(-confidence, kind="stable")
    return ordered, np.flatnonzero(np.append(np.diff(confidence[ordered]) != 0, True))


def _checked(
    confidence: np.ndarray, right: np.ndarray, prices: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidences and outcomes (N,) and prices (C, 1), or a ValueError that says what is wrong."""
    confidence = check_confidence(confidence)
    right, prices = np.asarray(right, dtype=np.float64), np.asarray(prices, dtype=np.float64)
    if right.shape != confidence.shape:
        raise ValueError(f"confidence has {len(confidence)} entries, right {right.shape}; give one of each a question")
    if not ((right >= 0) & (right <= 1)).all():
        raise ValueError("right holds values outside 0 to 1; give whether each answer was right, or its chance of it")
    if prices.ndim != 1 or not prices.size or not ((prices >= 0) & (prices <= 1)).all():
        raise ValueError(f"prices are {prices.tolist()}; give one or more, from 0 (abstain freely) to 1 (as an error)")
    return confidence, right, prices[:, None]
