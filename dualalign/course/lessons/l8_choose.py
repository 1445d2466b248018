"""Exercises of lesson 8, Using it: which confidence to ship, which threshold, which method."""

from __future__ import annotations

import numpy as np

from dualalign import decisions, metrics
from dualalign.course.answers import Choice, Number
from dualalign.course.exercise import Exercise, Given, Wrong

# -- Which one to ship? ------------------------------------------------------------------------------------------------

NAMES = "ABCD"


def give_four(rng: np.random.Generator) -> dict:
    """Draw four confidences for the same answers: sharp, constant, boasting, timid, in some order."""
    while True:
        chance = rng.choice([0.25, 0.4, 0.75, 0.9], 40)
        right = (rng.random(40) < chance).astype(int)
        sharp = np.clip(chance + 0.05 + rng.normal(0, 0.03, 40), 0.05, 0.98)
        kinds = [sharp, np.full(40, right.mean()), chance**0.25, 0.25 + 0.2 * (chance - 0.25)]
        kinds = [np.round(values, 2) for values in kinds]
        if _least(kinds, right, metrics.top_label_brier) == 0 and _least(kinds, right, metrics.ece) == 1:
            order = rng.permutation(4)
            return {**{name: kinds[i] for name, i in zip(NAMES, order, strict=True)}, "right": right}


def _least(kinds: list[np.ndarray], right: np.ndarray, score) -> int:
    return int(np.argmin([score(values, right) for values in kinds]))


def _kinds(given: Given) -> list[np.ndarray]:
    return [getattr(given, name) for name in NAMES]


def ship(given: Given) -> str:
    """Return the name of the confidence with the least Brier score."""
    return NAMES[_least(_kinds(given), given.right, metrics.top_label_brier)]


def _by_cost(given: Given) -> str:
    return NAMES[int(np.argmin([decisions.mean_cost(values, given.right).mean() for values in _kinds(given)]))]


def _by_prices(given: Given) -> str:
    prices = np.linspace(0, 1, 2001)
    paid = [decisions.costs(values, given.right, prices).mean() for values in _kinds(given)]
    return f"'{NAMES[int(np.argmin(paid))].lower()}'"


SHIP = Exercise(
    name="which-to-ship",
    title="Which one to ship?",
    give=give_four,
    solve=ship,
    compare=Choice(tuple(NAMES)),
    right=(_by_cost, _by_prices, lambda g: NAMES[np.argmin([((v - g.right) ** 2).sum() for v in _kinds(g)])]),
    wrong=(
        Wrong(
            "the smallest ECE",
            lambda g: NAMES[_least(_kinds(g), g.right, metrics.ece)],
            "You took the smallest calibration error. Look at its values: can a user tell one answer from another?",
        ),
        Wrong(
            "the surest one",
            lambda g: NAMES[int(np.argmax([v.mean() for v in _kinds(g)]))],
            "You took the one that sounds best. Hold its mean against how often the answers are right.",
        ),
        Wrong(
            "the most careful one",
            lambda g: NAMES[int(np.argmin([v.mean() for v in _kinds(g)]))],
            "You took the most modest one. Silence has a price, too, and it is silent on good answers.",
        ),
    ),
    minutes=7,
)


# -- A promise ---------------------------------------------------------------------------------------------------------


def give_promise(rng: np.random.Generator) -> dict:
    """Fifteen confidences, and the accuracy that is promised."""
    confidence = rng.permutation(rng.choice(np.arange(30, 97), 15, replace=False)) / 100
    return {"confidence": confidence, "target": float(rng.choice([0.7, 0.75, 0.8]))}


def threshold(given: Given) -> float:
    """Return the least threshold above which the mean confidence keeps the promise."""
    return decisions.threshold_for(given.confidence, given.target)


def _from_the_top(given: Given) -> float:
    ordered = np.sort(given.confidence)[::-1]
    running = np.cumsum(ordered) / np.arange(1, 16)
    return float(ordered[running >= given.target - 1e-12][-1])


PROMISE = Exercise(
    name="kept-promise",
    title="A promise of so much accuracy",
    give=give_promise,
    solve=threshold,
    compare=Number(decimals=2),
    right=(
        _from_the_top,
        lambda g: min(t for t in g.confidence if g.confidence[g.confidence >= t].mean() >= g.target - 1e-12),
        lambda g: f"{threshold(g):.2f}",
    ),
    wrong=(
        Wrong(
            "the target as threshold",
            lambda g: g.target,
            "With that threshold every answer keeps the promise by itself. Promised is the accuracy of all together.",
        ),
        Wrong(
            "a share of the questions",
            lambda g: float(np.sort(g.confidence)[::-1][round(15 * (1 - g.target)) - 1]),
            "You answered a share of the questions. The target is an accuracy, not a coverage.",
        ),
        Wrong(
            "the first question below the target",
            lambda g: float(np.sort(g.confidence[g.confidence < g.target])[-1]),
            "You stopped as soon as a single confidence fell below the target. How high is the mean at that point?",
        ),
    ),
    minutes=6,
)


# -- Chosen before the test --------------------------------------------------------------------------------------------

METHODS = ("align-all", "daca", "dual-align", "basecal", "agreement", "process-only")


def give_errors(rng: np.random.Generator) -> dict:
    """Errors of six methods on validation and test questions."""
    true = rng.uniform(0.05, 0.12, 6)
    noisy = {name: np.round(np.abs(true + rng.normal(0, 0.025, 6)), 3) for name in ("validation", "test")}
    return {"methods": METHODS, **noisy}


def honest(given: Given) -> float:
    """Return the test error of the method that wins on validation."""
    return float(given.test[given.validation.argmin()])


CHOSEN = Exercise(
    name="chosen-before",
    title="Which error may be reported?",
    give=give_errors,
    solve=honest,
    compare=Number(decimals=3),
    right=(
        lambda g: dict(zip(g.methods, g.test, strict=True))[g.methods[int(np.argmin(g.validation))]],
        lambda g: min(zip(g.validation, g.test, strict=True))[1],
        lambda g: f"{honest(g):.3f}",
    ),
    wrong=(
        Wrong(
            "chosen on the test split",
            lambda g: float(g.test.min()),
            "You chose the method by the numbers that are to be reported. The best of six is always a little lucky.",
        ),
        Wrong(
            "the error it was chosen by",
            lambda g: float(g.validation.min()),
            "The choice is fine, but this error helped to make it. Report one that did not.",
        ),
        Wrong(
            "the validation error of the test's best",
            lambda g: float(g.validation[g.test.argmin()]),
            "You let the test choose, and reported the other split. Choose on validation, report the test.",
        ),
        Wrong(
            "the mean of all methods",
            lambda g: float(g.test.mean()),
            "Nobody uses the mean of six methods. One of them was chosen, and before the test.",
        ),
    ),
    minutes=4,
)

EXERCISES = [SHIP, PROMISE, CHOSEN]
