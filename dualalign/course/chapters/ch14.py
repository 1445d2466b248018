"""Exercises of chapter 14, Does a temperature travel?"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import softmax

from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_lead(rng: np.random.Generator) -> dict:
    """The lead of one option over three others, and the temperatures of two subjects."""
    low = round(float(rng.uniform(1.5, 3.0)), 1)
    ends = [low, round(low * float(rng.uniform(1.5, 3.0)), 1)]
    rng.shuffle(ends)
    return {"lead": round(float(rng.uniform(2, 6)), 1), "from_t": ends[0], "to_t": ends[1]}


def confidence(lead: float, temperature: float) -> float:
    """Return the confidence of one option with a lead over three others."""
    return 1 / (1 + 3 * math.exp(-lead / temperature))


def points_wrong(given: Given) -> float:
    """Return by how many points the carried temperature misses the confidence."""
    return 100 * (confidence(given.lead, given.from_t) - confidence(given.lead, given.to_t))


def by_softmax(given: Given) -> float:
    """The same, with all four logits."""
    z = np.array([given.lead, 0.0, 0.0, 0.0])
    return float(100 * (softmax(z / given.from_t).max() - softmax(z / given.to_t).max()))


def by_odds(given: Given) -> float:
    """The same, from odds."""
    odds = np.exp(given.lead / np.array([given.from_t, given.to_t])) / 3
    return float(-100 * np.diff(odds / (1 + odds))[0])


def give_traveller(rng: np.random.Generator) -> dict:
    """ECEs of a carried temperature on three sets, and those of each set's own best."""
    ece = np.round(rng.uniform(0.05, 0.3, 3), 3)
    return {"ece": ece, "own_best": np.round(ece * rng.uniform(0.2, 0.8, 3), 3)}


def two_losses(given: Given) -> list[float]:
    """Return what is lost by travelling, and what is lost against the best temperature of B."""
    return [0.0, float(given.ece[1] - given.own_best[1])]


EXERCISES = [
    Exercise(
        name="inverse",
        title="How far apart are two temperatures?",
        give=give_lead,
        solve=points_wrong,
        compare=Number(decimals=1),
        right=(by_softmax, by_odds, lambda g: f"{points_wrong(g):.1f}"),
        wrong=(
            Wrong(
                "the sign",
                lambda g: -points_wrong(g),
                "The size is right. Which of the two temperatures is in use, and which is needed?",
            ),
            Wrong(
                "forgets the other options",
                lambda g: 100 * (1 / (1 + math.exp(-g.lead / g.from_t)) - 1 / (1 + math.exp(-g.lead / g.to_t))),
                "You compared the favourite with one other option. There are three.",
            ),
            Wrong(
                "a share instead of points",
                lambda g: points_wrong(g) / 100,
                "That is a share of one (a percent sign makes one). Points were asked, as a plain number.",
            ),
            Wrong(
                "tempers the probability",
                lambda g: 100 * confidence(g.lead, 1) * (1 / g.from_t - 1 / g.to_t),
                "You divided the confidence by T. A temperature divides logits.",
            ),
        ),
        minutes=5,
        hint="Write out the four logits, divide them by one temperature, take the softmax. Then the other temperature.",
    ),
    Exercise(
        name="constant-traveller",
        title="The constant traveller",
        give=give_traveller,
        solve=two_losses,
        compare=Numbers(decimals=3),
        right=(
            lambda g: [g.ece[1] - g.ece[1], g.ece[1] - g.own_best[1]],
            lambda g: np.array([[0.0], [(g.ece - g.own_best)[1]]]),
            lambda g: (0, round(float(-np.subtract(g.own_best, g.ece)[1]), 3)),
        ),
        wrong=(
            Wrong(
                "home against away",
                lambda g: [float(g.ece[1] - g.ece[0]), float(g.ece[1] - g.own_best[1])],
                "You compared two sets. A loss by travelling compares two fits on the same questions, those of B.",
            ),
            Wrong(
                "travelling takes the whole error",
                lambda g: [float(g.ece[1] - g.own_best[1])] * 2,
                "That is how bad the method is on B. Travelling is measured against the same method fitted on B.",
            ),
            Wrong(
                "the best temperature of the other set",
                lambda g: [0.0, float(g.ece[1] - g.own_best[0])],
                "The first number is right. For the second, keep the set: what could B have had?",
            ),
            Wrong(
                "the two numbers exchanged",
                lambda g: two_losses(g)[::-1],
                "Mind the order: first the loss by travelling, then the loss against the best temperature of B.",
            ),
            Wrong(
                "a loss with a minus sign",
                lambda g: [0.0, -two_losses(g)[1]],
                "A loss counts upwards: the error that you have less the error that you could have had.",
            ),
        ),
        minutes=3,
        level=1,
        hint="Two numbers, in this order. Which temperature is used on B, and which would a fit there have given?",
    ),
]
