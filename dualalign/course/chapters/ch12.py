"""Exercises of chapter 12, Prompts, wordings and the order of options."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_first_place(rng: np.random.Generator) -> dict:
    """The share of questions whose answer is steady, and the number of options."""
    return {"steady": round(float(rng.uniform(0.15, 0.75)), 3), "options": int(rng.integers(3, 6))}


def consistency(given: Given) -> float:
    """Return the share of the orders in which the most frequent answer is given."""
    return given.steady + (1 - given.steady) / given.options


def by_counting(given: Given) -> float:
    """Ask both kinds of model in every order and count the votes of the majority."""

    def of(named: list[int]) -> float:
        return float(np.bincount(named).max() / len(named))

    orders = list(permutations(range(given.options)))
    by_place, by_option = of([o[0] for o in orders]), of([0 for _ in orders])
    return given.steady * by_option + (1 - given.steady) * by_place


def give_orders(rng: np.random.Generator) -> dict:
    """Draw three rows of which at least two have other favourites."""
    while True:
        orders = np.round(rng.dirichlet(np.ones(3), 3), 2)
        orders[:, 2] = np.round(1 - orders[:, 0] - orders[:, 1], 2)
        if len(set(orders.argmax(axis=1))) > 1 and (orders > 0.02).all():
            return {"orders": orders}


def taken_off(given: Given) -> float:
    """Return how much confidence averaging over the orders takes off."""
    return float(given.orders.max(axis=1).mean() - given.orders.mean(axis=0).max())


def by_option(given: Given) -> float:
    """Take the least, over the options, of the mean shortfall from each row's favourite."""
    return float((given.orders.max(axis=1, keepdims=True) - given.orders).mean(axis=0).min())


def by_loops(given: Given) -> float:
    """The same without arrays."""
    rows = given.orders.tolist()
    return sum(max(row) for row in rows) / 3 - max(sum(column) / 3 for column in zip(*rows, strict=True))


def by_logits(given: Given) -> float:
    """Average logarithms instead of probabilities."""
    mean = np.exp(np.log(given.orders).mean(axis=0))
    return float(given.orders.max(axis=1).mean() - (mean / mean.sum()).max())


EXERCISES = [
    Exercise(
        name="first-place",
        title="The first option, always",
        give=give_first_place,
        solve=consistency,
        compare=Number(decimals=3),
        right=(
            by_counting,
            lambda g: 1 - (1 - Fraction(str(g.steady))) * (1 - Fraction(1, g.options)),
            lambda g: f"{100 * consistency(g):.1f} %",
        ),
        wrong=(
            Wrong(
                "looking at places only counts as nothing",
                lambda g: g.steady,
                "You gave the other questions a consistency of 0. Some option always has the most votes.",
            ),
            Wrong(
                "counts orders instead of options",
                lambda g: g.steady + (1 - g.steady) / math.factorial(g.options),
                "You divided by the number of orders. In how many of them does one given option stand first?",
            ),
            Wrong(
                "naming one place is being consistent",
                lambda g: 1.0,
                "The place stays the same, the option that stands there does not. Votes count options.",
            ),
            Wrong(
                "an even split between two options",
                lambda g: g.steady + (1 - g.steady) / 2,
                "You let two options share the votes. Over all orders every option stands first equally often.",
            ),
        ),
        minutes=4,
    ),
    Exercise(
        name="average-confidence",
        title="What averaging takes off",
        give=give_orders,
        solve=taken_off,
        compare=Number(decimals=3),
        right=(by_option, by_loops, lambda g: f"{taken_off(g):.3f}"),
        wrong=(
            Wrong(
                "the confidence of CAPE itself",
                lambda g: float(g.orders.mean(axis=0).max()),
                "That is CAPE's confidence. Asked is how far it lies below the mean of the three confidences.",
            ),
            Wrong(
                "the wrong way round",
                lambda g: -taken_off(g),
                "Which of the two is larger? Yours has the sign of the other.",
            ),
            Wrong(
                "averages logarithms",
                by_logits,
                "You averaged logarithms (or logits). CAPE averages the probabilities themselves.",
            ),
            Wrong(
                "against the first order only",
                lambda g: float(g.orders[0].max() - g.orders.mean(axis=0).max()),
                "You compared with the first order alone. Take the mean confidence of all three.",
            ),
        ),
        minutes=5,
    ),
]
