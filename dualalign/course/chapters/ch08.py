"""Exercises of chapter 8, The main comparison."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from dualalign import metrics
from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_family(rng: np.random.Generator) -> dict:
    """A family of paired tests, rivals times settings, and its level."""
    level = float(rng.choice([0.01, 0.02, 0.05, 0.1]))
    return {"rivals": int(rng.integers(4, 13)), "settings": int(rng.integers(12, 80)), "level": level}


def fewest_resamples(given: Given) -> int:
    """Return how many resamples let a p-value pass Holm's first step."""
    return round(2 * given.rivals * given.settings / given.level) - 1


def by_search(given: Given) -> int:
    """Add resamples until the smallest corrected p-value is small enough."""
    level, tests = Fraction(str(given.level)), given.rivals * given.settings
    return next(r for r in range(1, 10**6) if 2 * tests * level.denominator <= level.numerator * (r + 1))


def give_constant(rng: np.random.Generator) -> dict:
    """An accuracy, and a constant confidence above it."""
    accuracy = round(float(rng.uniform(0.3, 0.7)), 2)
    return {"accuracy": accuracy, "constant": round(accuracy + float(rng.uniform(0.08, 0.25)), 2)}


def of_constant(given: Given) -> list[float]:
    """Return ECE, top-label Brier score and AUROC of a constant confidence."""
    a, c = given.accuracy, given.constant
    return [abs(c - a), a * (1 - c) ** 2 + (1 - a) * c**2, 0.5]


def by_counting(given: Given) -> list[float]:
    """Take a hundred questions and ask the library."""
    right = np.arange(100) < round(100 * given.accuracy)
    confidence = np.full(100, given.constant)
    return [f(confidence, right) for f in (metrics.ece, metrics.top_label_brier, metrics.auroc)]


def by_variance(given: Given) -> np.ndarray:
    """Use that a mean square is a variance and a squared mean."""
    off = given.constant - given.accuracy
    return np.array([off, given.accuracy * (1 - given.accuracy) + off**2, 1 / 2])


EXERCISES = [
    Exercise(
        name="family",
        title="A family too large",
        give=give_family,
        solve=fewest_resamples,
        compare=Number(decimals=0),
        right=(
            by_search,
            lambda g: str(fewest_resamples(g)),
            lambda g: 2 * Fraction(g.rivals * g.settings) / Fraction(str(g.level)) - 1,
        ),
        wrong=(
            Wrong(
                "no correction",
                lambda g: round(2 / g.level) - 1,
                "That is enough for one test. Holm multiplies the smallest p-value by the number of tests.",
            ),
            Wrong(
                "only one rival's family",
                lambda g: round(2 * g.settings / g.level) - 1,
                "That is the family of one rival. Here the tests against all rivals are corrected together.",
            ),
            Wrong(
                "the p-value is 2/R",
                lambda g: fewest_resamples(g) + 1,
                "Nearly: one more than needed. The smallest p-value is 2 / (R + 1), and at the level is enough.",
            ),
            Wrong(
                "one tail only",
                lambda g: round(g.rivals * g.settings / g.level) - 1,
                "A two is missing: the test counts both tails, so the smallest p-value is 2 / (R + 1).",
            ),
        ),
        minutes=5,
    ),
    Exercise(
        name="constant",
        title="A helper that always says the same",
        give=give_constant,
        solve=of_constant,
        compare=Numbers(decimals=3),
        right=(by_counting, by_variance, lambda g: [round(x, 3) for x in of_constant(g)]),
        wrong=(
            Wrong(
                "squares the mean error",
                lambda g: [abs(g.constant - g.accuracy), (g.constant - g.accuracy) ** 2, 0.5],
                "You squared the mean error. The Brier score squares answer by answer: one square for right answers, "
                "another for wrong ones.",
            ),
            Wrong(
                "the Brier score of the accuracy",
                lambda g: [abs(g.constant - g.accuracy), g.accuracy * (1 - g.accuracy), 0.5],
                "Your Brier score is that of a constant which equals the accuracy. This one does not.",
            ),
            Wrong(
                "AUROC of a useless confidence is 0",
                lambda g: [*of_constant(g)[:2], 0.0],
                "An AUROC of 0 is a perfect order upside down. Here all answers tie: how much does a tie count?",
            ),
            Wrong(
                "AUROC of a perfect order",
                lambda g: [*of_constant(g)[:2], 1.0],
                "An AUROC of 1 is a perfect order. Here all answers tie: how much does a tie count?",
            ),
            Wrong(
                "another order of the three",
                lambda g: [of_constant(g)[i] for i in (1, 0, 2)],
                "You changed the places: the ECE comes first, then the Brier score, then the AUROC.",
            ),
            Wrong(
                "AUROC is the accuracy",
                lambda g: [*of_constant(g)[:2], g.accuracy],
                "Your AUROC is the accuracy. AUROC compares a right answer with a wrong one, however many there are.",
            ),
        ),
        minutes=6,
    ),
]
