"""Exercises of chapter 5, A live run."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_close_calls(rng: np.random.Generator) -> dict:
    """Draw twelve questions, the two likeliest options of each; in many of them nearly alike."""
    second = rng.uniform(0.15, 0.45, 12)
    apart = np.exp(rng.uniform(0.003, 0.12, 12))
    return {"first": (second * apart).round(4), "second": second.round(4), "tolerance": 0.02}


def could_change(given: Given) -> int:
    """Count the questions whose two likeliest options are no more than two tolerances apart."""
    return int((np.log(given.first) - np.log(given.second) <= 2 * given.tolerance).sum())


def by_pushing(given: Given) -> int:
    """Push the first option down and the second up as far as the tolerance lets them, and look."""
    down, up = math.exp(-given.tolerance), math.exp(given.tolerance)
    return sum(bool(b * up >= a * down) for a, b in zip(given.first, given.second, strict=True))


EXERCISES = [
    Exercise(
        name="close-calls",
        title="How many answers could change?",
        give=give_close_calls,
        solve=could_change,
        compare=Number(decimals=0),
        right=(
            by_pushing,
            lambda g: float(np.sum(g.first / g.second <= math.exp(2 * g.tolerance))),
            lambda g: str(could_change(g)),
        ),
        wrong=(
            Wrong(
                "only one of the two moves",
                lambda g: int((np.log(g.first / g.second) <= g.tolerance).sum()),
                "You let one option move. The first may sink and the second may rise, each by the tolerance.",
            ),
            Wrong(
                "differences of probabilities",
                lambda g: int((g.first - g.second <= g.tolerance).sum()),
                "You took differences of probabilities. The tolerance is one of log-probabilities.",
            ),
            Wrong(
                "the questions that cannot change",
                lambda g: 12 - could_change(g),
                "You counted the others, those that are safe.",
            ),
        ),
        minutes=5,
        hint="For one question: how low can the first log-probability get, how high the second?",
    )
]
