"""Exercises of lesson 2, first half: luck, and the expected calibration error by hand and in code."""

from __future__ import annotations

from math import comb

import numpy as np
from scipy.stats import binom

from dualalign import metrics
from dualalign.course.answers import Function, Number
from dualalign.course.exercise import Exercise, Given, Wrong

FIFTHS = np.arange(1, 6) / 5


def give_luck(rng: np.random.Generator) -> dict:
    """How many answers were right, fewer than the confidence announced."""
    n, shown = int(rng.integers(40, 141)), int(rng.integers(68, 89)) / 100
    short = rng.uniform(0.8, 1.6) * np.sqrt(n * shown * (1 - shown))
    return {"answers": n, "confidence": shown, "right": round(n * shown - short)}


def luck(given: Given) -> float:
    """Return the probability of so few or fewer at the announced confidence."""
    return float(binom.cdf(given.right, given.answers, given.confidence))


def _luck_by_sum(given: Given) -> float:
    n, c = given.answers, given.confidence
    return sum(comb(n, k) * c**k * (1 - c) ** (n - k) for k in range(given.right + 1))


def _luck_by_draws(given: Given) -> float:
    draws = np.random.default_rng(0).binomial(given.answers, given.confidence, 200_000)
    return float((draws <= given.right).mean())


def give_record(rng: np.random.Generator) -> dict:
    """Draw 24 answers whose confidences avoid the edges of the five bins, and leave the lowest bin empty."""
    confidence = rng.integers(25, 100, 24) / 100
    confidence = np.where(np.isin(confidence.round(2), FIFTHS.round(2)), confidence + 0.01, confidence).round(2)
    return {"confidence": confidence, "correct": rng.random(24) < confidence - 0.15}


def _gaps(given: Given) -> tuple[np.ndarray, np.ndarray]:
    """Return count and accuracy less mean confidence of the bins that hold an answer."""
    index = (given.confidence * 5).astype(int)
    held = [index == b for b in np.unique(index)]
    gaps = [given.correct[rows].mean() - given.confidence[rows].mean() for rows in held]
    return np.array([rows.sum() for rows in held]), np.array(gaps)


def record_error(given: Given) -> float:
    """Return the ECE over five bins."""
    return metrics.ece(given.confidence, given.correct, bins=5)


def _with_pandas(given: Given) -> float:
    import pandas as pd

    frame = pd.DataFrame({"c": given.confidence, "a": given.correct.astype(float)})
    means = frame.groupby((given.confidence * 5).astype(int)).agg(["mean", "size"])
    return float((means["c"]["size"] * (means["a"]["mean"] - means["c"]["mean"]).abs()).sum() / len(frame))


def _centres(given: Given) -> float:
    index = (given.confidence * 5).astype(int)
    rows = [index == b for b in range(5)]
    return sum(abs(given.correct[r].sum() - r.sum() * (b / 5 + 0.1)) for b, r in enumerate(rows)) / len(index)


def _unweighted(given: Given) -> float:
    return float(np.abs(_gaps(given)[1]).mean())


def give_example(rng: np.random.Generator) -> dict:
    """Eight answers, their bins, and the ECE that a function must return."""
    confidence = rng.integers(20, 100, 8) / 100
    correct = rng.random(8) < confidence
    return {
        "confidence": confidence,
        "correct": correct,
        "bins": 4,
        "expected": round(_library(confidence, correct), 4),
    }


def _library(confidence, correct, bins=4):
    return metrics.ece(confidence, correct, bins=bins)


def _by_mask(confidence, correct, bins=4):
    total = 0.0
    for b in range(bins):
        last = confidence <= 1 if b == bins - 1 else confidence < (b + 1) / bins
        rows = (confidence >= b / bins) & last
        total += abs(correct[rows].sum() - confidence[rows].sum())
    return total / len(confidence)


def _by_index(confidence, correct, bins=4):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return np.abs(np.bincount(index, correct - confidence)).sum() / len(index)


def _by_dict(confidence, correct, bins=4):
    sums: dict[int, float] = {}
    for c, a in zip(confidence.tolist(), correct.tolist(), strict=True):
        b = min(int(c * bins), bins - 1)
        sums[b] = sums.get(b, 0.0) + a - c
    return sum(map(abs, sums.values())) / len(confidence)


def _phantom(confidence, correct, bins=4):
    return np.abs(np.bincount((confidence * bins).astype(int), correct - confidence)).sum() / len(confidence)


def _closed_right(confidence, correct, bins=4):
    index = np.maximum(np.ceil(confidence * bins).astype(int), 1)
    return np.abs(np.bincount(index, correct - confidence)).sum() / len(confidence)


def _plain_mean(confidence, correct, bins=4):
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return np.mean([abs((correct - confidence)[index == b].mean()) for b in np.unique(index)])


def _signed(confidence, correct, bins=4):
    return abs((correct - confidence).mean())


CASES = (
    (np.array([0.9, 0.9, 0.6, 0.3]), np.array([1.0, 0.0, 1.0, 0.0]), 4),
    (np.array([1.0, 0.8, 1.0]), np.array([0.0, 1.0, 1.0]), 4),
    (np.array([0.5, 0.6, 0.25, 0.3, 0.75]), np.array([1.0, 0.0, 1.0, 0.0, 1.0]), 4),
    (np.array([0.7]), np.array([1.0]), 4),
    (np.array([0.0, 0.0, 0.2]), np.array([0.0, 1.0, 0.0]), 4),
    (np.array([0.4, 0.4, 0.45, 0.95, 0.99]), np.array([1.0, 0.0, 0.0, 1.0, 0.0]), 2),
)

EXERCISES = [
    Exercise(
        name="l2-luck",
        title="Was it luck?",
        give=give_luck,
        solve=luck,
        compare=Number(decimals=2),
        right=(_luck_by_sum, _luck_by_draws, lambda g: f"{100 * luck(g):.1f} %"),
        wrong=(
            Wrong(
                "exactly so many",
                lambda g: float(binom.pmf(g.right, g.answers, g.confidence)),
                "That is the chance of exactly this record. Any single record is improbable. How probable is one as "
                "bad as this or worse?",
            ),
            Wrong(
                "leaves out the record itself",
                lambda g: float(binom.cdf(g.right - 1, g.answers, g.confidence)),
                "You counted the records that are worse. The record that was seen belongs to 'as bad or worse'.",
            ),
            Wrong(
                "the other tail",
                lambda g: 1 - luck(g),
                "This is the chance of a better record. Fewer right answers are the worse direction here.",
            ),
            Wrong(
                "the share itself",
                lambda g: g.right / g.answers,
                "That is the share of right answers. The question is how often a helper whose promise is kept shows "
                "such a share or a smaller one.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="l2-ece",
        title="The error of a small record",
        give=give_record,
        solve=record_error,
        compare=Number(decimals=3),
        right=(
            _with_pandas,
            lambda g: f"{record_error(g):.3f}",
            lambda g: float((_gaps(g)[0] * np.abs(_gaps(g)[1])).sum() / len(g.correct)),
        ),
        wrong=(
            Wrong(
                "mean distance of each answer",
                lambda g: float(np.abs(g.confidence - g.correct).mean()),
                "You averaged |confidence - right or wrong| over single answers. That is large even for a perfect "
                "helper: one answer is 0 or 1, never 0.7. Group first, then compare means.",
            ),
            Wrong(
                "one bin for everything",
                lambda g: float(abs(g.confidence.mean() - g.correct.mean())),
                "You compared the two overall means, so bins that are too sure and bins that are too unsure cancel. "
                "Take the absolute value inside each bin.",
            ),
            Wrong(
                "averages the bins unweighted",
                _unweighted,
                "Every bin counted the same for you. A bin of one answer would then weigh as much as a bin of ten.",
            ),
            Wrong(
                "the largest gap",
                lambda g: float(np.abs(_gaps(g)[1]).max()),
                "That is the worst bin (the maximum calibration error). The ECE is a mean.",
            ),
            Wrong(
                "the middle of the bin for its mean confidence",
                _centres,
                "You took the middle of each bin as its confidence. Take the mean of the confidences that are in it.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="l2-code",
        title="ECE in code, edges included",
        give=give_example,
        solve=lambda g: _library,
        compare=Function(CASES, Number(decimals=6)),
        right=(lambda g: _by_mask, lambda g: _by_index, lambda g: _by_dict),
        wrong=(
            Wrong(
                "a bin of its own for confidence 1",
                lambda g: _phantom,
                "Your function puts a confidence of exactly 1 into a bin of its own, one more than was asked for. The "
                "last bin is closed at both ends.",
            ),
            Wrong(
                "bins closed at the right end",
                lambda g: _closed_right,
                "A confidence that lies on an edge goes into your lower bin. Here each bin holds its lower edge.",
            ),
            Wrong(
                "averages the bins unweighted",
                lambda g: _plain_mean,
                "Your function gives every bin the same weight. How many answers does each hold?",
            ),
            Wrong(
                "the absolute value comes too late",
                lambda g: _signed,
                "The gaps of your bins cancel: the absolute value must be taken of each bin, before the sum.",
            ),
        ),
        minutes=12,
        level=3,
        hint="Try confidences of exactly 0, 0.5 and 1, a single answer, and a bin without answers.",
    ),
]
