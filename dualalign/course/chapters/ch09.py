"""Exercises of chapter 9, Which open readings matter?"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_base(rng: np.random.Generator) -> dict:
    """A base of the logarithm, and the weight of the confidence loss."""
    base = int(rng.choice([2, 4, 5, 6, 8, 10, 12, 16]))
    return {"base": base, "weight": round(float(rng.uniform(0.3, 0.8)), 2)}


def natural_weight(given: Given, power: int = 1) -> float:
    """Return the weight in base e; `power` is how much more often S is divided by ln b than C is."""
    return given.weight / (given.weight + (1 - given.weight) / math.log(given.base) ** power)


def by_odds(given: Given) -> float:
    """The weight in the other base, by its odds."""
    odds = given.weight / (1 - given.weight) * math.log(given.base)
    return odds / (1 + odds)


def by_minimum(given: Given) -> float:
    """Find the weight whose optimum is that of the objective in the other base, for C = (t - 1)² and S = (t - 2)²."""
    unit = math.log(given.base)

    def loss(t: float) -> float:
        return given.weight * (t - 1) ** 2 / unit + (1 - given.weight) * (t - 2) ** 2 / unit**2

    return 2 - float(minimize_scalar(loss, bounds=(1, 2), method="bounded", options={"xatol": 1e-9}).x)


def give_errors(rng: np.random.Generator) -> dict:
    """The errors of two readings times three readings, (2, 3)."""
    return {"errors": rng.integers(2, 20, (2, 3)).astype(float)}


def interaction(errors: np.ndarray) -> np.ndarray:
    """Return what is left when the means of rows and columns are taken out, (2, 3)."""
    rows = errors.mean(axis=1, keepdims=True)
    return errors - rows - errors.mean(axis=0, keepdims=True) + errors.mean()


def share(given: Given) -> float:
    """Return the interaction's share of the variance."""
    return float(interaction(given.errors).var() / given.errors.var())


def by_regression(given: Given) -> float:
    """Leave what a least-squares fit of both choices without a product leaves."""
    row, column = np.indices(given.errors.shape)
    design = np.column_stack([np.ones(6), row.ravel(), column.ravel() == 1, column.ravel() == 2]).astype(float)
    values = given.errors.ravel()
    left = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return float(left @ left / ((values - values.mean()) @ (values - values.mean())))


def by_the_rest(given: Given) -> float:
    """The same, as what the two main effects leave."""
    e = given.errors
    return 1 - (e.mean(axis=1).var() + e.mean(axis=0).var()) / e.var()


def from_the_corner(given: Given) -> float:
    """Take the first cell as the default and change one choice at a time."""
    e = given.errors
    left = e - e[:, :1] - e[:1] + e[0, 0]
    return float(left.var() / e.var())


EXERCISES = [
    Exercise(
        name="base",
        title="A weight in another base",
        give=give_base,
        solve=natural_weight,
        compare=Number(decimals=3),
        right=(by_odds, by_minimum, lambda g: f"{100 * natural_weight(g):.1f} %"),
        wrong=(
            Wrong(
                "the base does not matter",
                lambda g: g.weight,
                "You kept the weight. C is divided by ln b once: how often is S, a square?",
            ),
            Wrong(
                "the ratio upside down",
                lambda g: natural_weight(g, power=-1),
                "Turn the ratio round: compare what a gap of entropies becomes in a larger base, and its square.",
            ),
            Wrong(
                "only the process loss changes",
                lambda g: natural_weight(g, power=2),
                "You divided S twice and C not at all. C is a logarithm too.",
            ),
            Wrong(
                "the factor is the weight",
                lambda g: g.weight / math.log(g.base),
                "That is the factor of C, not a weight: weight and counterweight must add up to 1.",
            ),
        ),
        minutes=6,
        level=3,
    ),
    Exercise(
        name="shares",
        title="How much is interaction?",
        give=give_errors,
        solve=share,
        compare=Number(decimals=3),
        right=(by_regression, by_the_rest, lambda g: f"{share(g):.3f}"),
        wrong=(
            Wrong(
                "the share of the main effects",
                lambda g: 1 - share(g),
                "That is what the two main effects explain. Interaction is what they leave.",
            ),
            Wrong(
                "one choice at a time from the first cell",
                from_the_corner,
                "You measured from the first cell. A main effect is the mean of a row or column less the grand mean.",
            ),
            Wrong(
                "the variance itself",
                lambda g: share(g) * float(g.errors.var()),
                "That is the variance of what is left. Asked is its share: divide by that of all six errors.",
            ),
            Wrong(
                "per cent without the sign",
                lambda g: 100 * share(g),
                "A share lies between 0 and 1. Per cent need their sign.",
            ),
            Wrong(
                "a share of standard deviations",
                lambda g: math.sqrt(share(g)),
                "You compared standard deviations. Only variances of orthogonal parts add up to the whole.",
            ),
            Wrong(
                "the rows only",
                lambda g: float((g.errors - g.errors.mean(axis=1, keepdims=True)).var() / g.errors.var()),
                "You took off the rows only. What is left still holds the other choice's main effect.",
            ),
        ),
        minutes=7,
    ),
]
