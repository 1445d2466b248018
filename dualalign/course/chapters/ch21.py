"""Exercises of chapter 21, Which method should I use?"""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_errors(rng: np.random.Generator) -> dict:
    """Draw errors of either sign for the PLM; both methods pull towards too little confidence."""
    pull = -round(float(rng.uniform(4, 12)), 1)
    small = -round(float(rng.uniform(0.5, 3)), 1)
    size = round(float(rng.uniform(2, 15)), 1)
    return {"plm_error": float(rng.choice([-size, size])), "align_all_adds": pull, "dual_align_adds": small}


def size_difference(given: Given) -> float:
    """Return the size of align-all's error less that of Dual-Align's."""
    return abs(given.plm_error + given.align_all_adds) - abs(given.plm_error + given.dual_align_adds)


def by_arrays(given: Given) -> np.floating:
    """The same, with arrays."""
    sizes = np.abs(given.plm_error + np.array([given.dual_align_adds, given.align_all_adds]))
    return np.diff(sizes)[0]


def by_squares(given: Given) -> float:
    """The same, by roots of squares."""
    big, small = ((given.plm_error + a) ** 2 for a in (given.align_all_adds, given.dual_align_adds))
    return math.sqrt(big) - math.sqrt(small)


def give_check(rng: np.random.Generator) -> dict:
    """An accuracy, and the gap that a check must be able to see."""
    return {"accuracy": round(float(rng.uniform(0.3, 0.8)), 2), "gap": round(float(rng.uniform(0.05, 0.15)), 3)}


def labels_needed(given: Given) -> int:
    """Return how many labels make the interval of the accuracy no wider than the gap."""
    return math.ceil(1.96**2 * given.accuracy * (1 - given.accuracy) / given.gap**2)


def by_counting(given: Given) -> int:
    """The same, label by label."""
    n = 1
    while 1.96 * math.sqrt(given.accuracy * (1 - given.accuracy) / n) > given.gap:
        n += 1
    return n


def by_a_range(given: Given) -> int:
    """The same, over a range of sizes."""
    n = np.arange(1, 5000)
    half = 1.96 * np.sqrt(given.accuracy * (1 - given.accuracy) / n)
    return int(n[half <= given.gap].min())


EXERCISES = [
    Exercise(
        name="which-under",
        title="Do two errors cancel?",
        give=give_errors,
        solve=size_difference,
        compare=Number(decimals=2),
        right=(by_arrays, by_squares, lambda g: f"{size_difference(g):.2f}"),
        wrong=(
            Wrong(
                "forgets the PLM's own error",
                lambda g: abs(g.align_all_adds) - abs(g.dual_align_adds),
                "You compared only what the methods add. Each adds it to the error that the PLM already has.",
            ),
            Wrong(
                "compares signed errors",
                lambda g: g.align_all_adds - g.dual_align_adds,
                "You subtracted signed errors, so the PLM's dropped out. Sizes were asked: too little is an error too.",
            ),
            Wrong(
                "the other way round",
                lambda g: -size_difference(g),
                "That is how much smaller align-all's error is. The question asks how much larger.",
            ),
        ),
        minutes=4,
        level=1,
        hint="First the signed error of each method, the PLM's included. Then their sizes. Then the difference.",
    ),
    Exercise(
        name="which-thirty",
        title="How many labels does a check need?",
        give=give_check,
        solve=labels_needed,
        compare=Number(decimals=0),
        right=(by_counting, by_a_range, lambda g: f"{labels_needed(g)}"),
        wrong=(
            Wrong(
                "one standard error is enough",
                lambda g: math.ceil(g.accuracy * (1 - g.accuracy) / g.gap**2),
                "That is one standard error. A 95 % interval reaches almost two of them to either side.",
            ),
            Wrong(
                "forgets the square",
                lambda g: math.ceil(1.96 * math.sqrt(g.accuracy * (1 - g.accuracy)) / g.gap),
                "The error falls with the square root of the number of labels: solve for n, and square.",
            ),
            Wrong(
                "the variance of a count of one kind",
                lambda g: math.ceil(1.96**2 * g.accuracy / g.gap**2),
                "You took p for the variance. A right answer is a coin with variance p (1 - p).",
            ),
            Wrong(
                "the whole width",
                lambda g: math.ceil((2 * 1.96) ** 2 * g.accuracy * (1 - g.accuracy) / g.gap**2),
                "You made the whole width as small as the gap. The half width was asked.",
            ),
            Wrong(
                "the worst case",
                lambda g: math.ceil(1.96**2 / 4 / g.gap**2),
                "That is right for any accuracy, so more than is needed: put in the accuracy that you expect.",
            ),
            Wrong(
                "1.96 not squared",
                lambda g: math.ceil(1.96 * g.accuracy * (1 - g.accuracy) / g.gap**2),
                "Solve for n once more: 1.96 stands outside the root, so it is squared too.",
            ),
            Wrong(
                "rounds down",
                lambda g: labels_needed(g) - 1,
                "With one label less the interval is still too wide. Round up.",
            ),
        ),
        minutes=6,
        hint="Write the half width with n labels, set it equal to the gap, and solve for n.",
    ),
]
