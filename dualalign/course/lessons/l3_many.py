"""Exercises of lesson 3, second half: many comparisons, winners, averages of small sets."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong

RIVALS = 6


def give_holm(rng: np.random.Generator) -> dict:
    """Six p-values around the thresholds of Holm's steps."""
    small = rng.uniform(0.001, 0.006, 1)
    middle = rng.uniform(0.008, 0.011, 1) + np.array([0, 0.0008, 0.02])
    return {"p": rng.permutation(np.concatenate([small, middle, rng.uniform(0.06, 0.6, 2)])).round(4)}


def holm(given: Given) -> np.ndarray:
    """Return adjusted p-values: the i-th smallest times the number not yet decided, never falling, at most 1."""
    order = np.argsort(given.p)
    stepped = np.maximum.accumulate(given.p[order] * (RIVALS - np.arange(RIVALS)))
    adjusted = np.empty(RIVALS)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def _holm_by_loop(given: Given) -> list[float]:
    found, largest = {}, 0.0
    for done, i in enumerate(sorted(range(RIVALS), key=lambda i: given.p[i])):
        largest = max(largest, (RIVALS - done) * given.p[i])
        found[i] = min(1.0, float(largest))
    return [found[i] for i in range(RIVALS)]


def _holm_by_definition(given: Given) -> np.ndarray:
    smaller = [[q for q in given.p if q <= p] for p in given.p]
    return np.array([min(1, max(q * (given.p >= q).sum() for q in qs)) for qs in smaller]).round(4)


def _holm_with_pandas(given: Given) -> np.ndarray:
    import pandas as pd

    p = pd.Series(given.p).sort_values()
    return (p * np.arange(RIVALS, 0, -1)).cummax().clip(upper=1).sort_index().to_numpy()


def _hochberg_rate(given: Given) -> np.ndarray:
    """Benjamini and Hochberg's adjusted p-values: the false discovery rate."""
    order = np.argsort(given.p)
    scaled = given.p[order] * RIVALS / np.arange(1, RIVALS + 1)
    adjusted = np.empty(RIVALS)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted


def _without_maximum(given: Given) -> np.ndarray:
    rank = np.argsort(np.argsort(given.p))
    return np.minimum(given.p * (RIVALS - rank), 1)


def give_winner(rng: np.random.Generator) -> dict:
    """Draw errors of eight methods on the validation and the test side of 25 splits: nearly equal, so luck decides."""
    true = 0.06 + rng.normal(0, 0.003, 8)
    validation, test = (true + rng.normal(0, 0.012, (25, 8)) for _ in range(2))
    return {"validation": validation.round(5), "test": test.round(5)}


def winner(given: Given) -> float:
    """Return the mean test error of the methods that win on validation."""
    rows = np.arange(len(given.test))
    return float(given.test[rows, given.validation.argmin(axis=1)].mean())


def _winner_by_loop(given: Given) -> str:
    pairs = zip(given.validation.tolist(), given.test.tolist(), strict=True)
    return f"{np.mean([test[validation.index(min(validation))] for validation, test in pairs]):.4f}"


def _winner_by_taking(given: Given) -> np.float64:
    return np.take_along_axis(given.test, given.validation.argmin(axis=1)[:, None], axis=1).mean()


def give_subjects(rng: np.random.Generator) -> dict:
    """A number of subjects, and the noise floor of all questions pooled."""
    return {"subjects": int(rng.integers(12, 60)), "pooled_floor": round(rng.uniform(0.012, 0.028), 4)}


def subjects(given: Given) -> float:
    """Return the floor of the mean over subjects."""
    return given.pooled_floor * float(np.sqrt(given.subjects))


EXERCISES = [
    Exercise(
        name="l3-holm",
        title="Six rivals, one method",
        give=give_holm,
        solve=holm,
        compare=Numbers(decimals=3),
        right=(_holm_by_loop, _holm_by_definition, _holm_with_pandas),
        wrong=(
            Wrong(
                "every p-value times six",
                lambda g: np.minimum(RIVALS * g.p, 1),
                "You multiplied every p-value by the number of tests: that is Bonferroni's correction, which is valid "
                "and throws findings away. Holm multiplies by the number of tests not yet decided.",
            ),
            Wrong(
                "adjusted values that fall",
                _without_maximum,
                "One of your adjusted values is smaller than that of a smaller p-value. A weaker finding cannot "
                "become the stronger one: let no value fall below the one before it.",
            ),
            Wrong(
                "factors without sorting",
                lambda g: np.minimum(g.p * np.arange(RIVALS, 0, -1), 1),
                "You gave the factors in the order of the list. The largest belongs to the smallest p-value: sort "
                "first.",
            ),
            Wrong(
                "rate of false discoveries",
                _hochberg_rate,
                "This is the correction of Benjamini and Hochberg. It bounds the share of false findings, not the "
                "chance of a single one. Start from the smallest p-value and its largest factor.",
            ),
            Wrong(
                "sorted, not as given",
                lambda g: np.sort(holm(g)),
                "These are the right numbers in the wrong order: give them back in the order of `task.p`.",
            ),
        ),
        minutes=10,
        level=3,
    ),
    Exercise(
        name="l3-winner",
        title="What the winner is worth",
        give=give_winner,
        solve=winner,
        compare=Number(decimals=4),
        right=(_winner_by_loop, _winner_by_taking, lambda g: [winner(g)]),
        wrong=(
            Wrong(
                "the score that made it win",
                lambda g: float(g.validation.min(axis=1).mean()),
                "You report the errors by which the winners were chosen. They won partly by luck on just these "
                "questions. Which questions have not been used for the choice?",
            ),
            Wrong(
                "the winner chosen by the test",
                lambda g: float(g.test.min(axis=1).mean()),
                "You chose on the test side. Then the test is no test any more.",
            ),
            Wrong(
                "no choice at all",
                lambda g: float(g.test.mean()),
                "You averaged over all methods. Only the chosen one would be shipped.",
            ),
            Wrong(
                "one winner for all splits",
                lambda g: float(g.test[:, g.validation.mean(axis=0).argmin()].mean()),
                "You chose one method by its mean over all splits. Each split is a world of its own: choose anew in "
                "each, with what would be known there.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="l3-subjects",
        title="An average that keeps its noise",
        give=give_subjects,
        solve=subjects,
        compare=Number(decimals=3),
        right=(
            lambda g: g.pooled_floor / np.sqrt(1 / g.subjects),
            lambda g: f"{100 * subjects(g):.2f} %",
            lambda g: np.exp(np.log(g.pooled_floor) + np.log(g.subjects) / 2),
        ),
        wrong=(
            Wrong(
                "averaging takes the noise out",
                lambda g: g.pooled_floor,
                "You let the average over subjects undo the noise of each. It would, if the noise had a sign. An ECE "
                "is never negative: what do you average?",
            ),
            Wrong(
                "averaging takes out even more",
                lambda g: g.pooled_floor / np.sqrt(g.subjects),
                "You divided. The mean of many noisy numbers is steadier than one of them, but not smaller: first "
                "ask what one subject shows.",
            ),
            Wrong(
                "noise grows with the number of subjects",
                lambda g: g.pooled_floor * g.subjects,
                "A subject has fewer questions by this factor. The floor goes with the root of the number of "
                "questions.",
            ),
        ),
        minutes=5,
    ),
]
