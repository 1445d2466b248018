"""Exercises of chapter 18, Beyond the last prompt token."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_vocabulary(rng: np.random.Generator) -> dict:
    """The logits of two options, and how many other tokens have the logit 0."""
    top = round(float(rng.uniform(14, 24)), 1)
    options = np.array([top, round(top - float(rng.uniform(0.5, 3)), 1)])
    return {"options": options, "others": int(rng.integers(20_000, 260_000))}


def half_mass(given: Given) -> float:
    """Return the temperature at which the options' exponentials sum to the number of the other tokens."""
    return float(brentq(lambda t: np.log(np.exp(given.options / t).sum()) - np.log(given.others), 0.2, 50))


def by_bisection(given: Given) -> float:
    """The temperature at which the options hold half of the mass, by bisection."""
    low, high = 0.2, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        raised = np.exp(np.append(given.options, 0.0) / middle) * np.array([1, 1, given.others])
        low, high = (middle, high) if raised[:2].sum() / raised.sum() > 0.5 else (low, middle)
    return low


def on_a_grid(given: Given) -> float:
    """The same, read off a grid."""
    grid = np.linspace(0.5, 5, 20_001)
    mass = np.exp(given.options[:, None] / grid).sum(axis=0)
    return float(np.interp(-0.5, -mass / (mass + given.others), grid))


EXERCISES = [
    Exercise(
        name="mass",
        title="When the options lose",
        give=give_vocabulary,
        solve=half_mass,
        compare=Number(decimals=2),
        right=(by_bisection, on_a_grid, lambda g: f"{half_mass(g):.2f}"),
        wrong=(
            Wrong(
                "counts one of the two options",
                lambda g: float(g.options[0] / np.log(g.others)),
                "You let the first option alone reach one half. The two together are asked for.",
            ),
            Wrong(
                "averages the options first",
                lambda g: float(g.options.mean() / np.log(g.others / 2)),
                "You took two options with the mean logit. Exponentials are summed, and the larger one weighs more.",
            ),
            Wrong(
                "averages the options, counts one",
                lambda g: float(g.options.mean() / np.log(g.others)),
                "You took one option with the mean logit. There are two; their exponentials are summed, not averaged.",
            ),
            Wrong(
                "tempers the probability instead of the logits",
                lambda g: float(np.log(np.exp(g.options).sum()) / np.log(g.others)),
                "You summed at T = 1 and divided the logarithm of the sum. Each logit is divided before the sum.",
            ),
            Wrong(
                "the temperature upside down",
                lambda g: 1 / half_mass(g),
                "That is 1/T. At T = 1 the options hold nearly everything: must T rise or fall?",
            ),
        ),
        minutes=8,
    )
]
