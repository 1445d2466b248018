"""Exercises of chapter 17, What a calibrated confidence buys."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_abstention(rng: np.random.Generator) -> dict:
    """The model answers, as it is too sure; the honest one would not."""
    accuracy = round(float(rng.uniform(0.4, 0.7)), 2)
    price = round(float(rng.uniform(0.15, 1 - accuracy - 0.08)), 2)
    says = round(float(rng.uniform(max(accuracy, 1 - price) + 0.02, 0.99)), 2)
    return {"accuracy": accuracy, "says": says, "price": price}


def paid(given: Given, said: float) -> float:
    """Return the mean cost of the Bayes rule: answer where 1 - said < price."""
    return 1 - given.accuracy if 1 - said < given.price else given.price


def saving(given: Given) -> float:
    """Return what a calibrated confidence saves."""
    return paid(given, given.says) - paid(given, given.accuracy)


def by_playing(given: Given) -> float:
    """Play ten thousand questions in the exact shares."""
    wrong = np.arange(10_000) >= round(10_000 * given.accuracy)
    cost = {s: np.where(1 - s < given.price, wrong, given.price).mean() for s in (given.says, given.accuracy)}
    return float(cost[given.says] - cost[given.accuracy])


def give_accuracy(rng: np.random.Generator) -> dict:
    """The accuracy of one group of answers."""
    return {"accuracy": round(float(rng.choice([rng.uniform(0.2, 0.45), rng.uniform(0.55, 0.9)])), 2)}


def half_variance(given: Given) -> float:
    """Return the mean cost over all prices: half the variance of the outcome."""
    return given.accuracy * (1 - given.accuracy) / 2


def by_integrating(given: Given) -> float:
    """Average the cost of the rule over a fine grid of prices."""
    price = (np.arange(20_000) + 0.5) / 20_000
    first = np.where(1 - given.accuracy < price, 1 - given.accuracy, price).mean()
    second = (given.accuracy * 0 + (1 - given.accuracy) * price).mean()  # silent where wrong, right elsewhere
    return float(first - second)


def by_brier(given: Given) -> float:
    """The same, as half a Brier score of a hundred outcomes."""
    outcome = np.arange(100) < round(100 * given.accuracy)
    return float(((given.accuracy - outcome) ** 2).mean() / 2)


EXERCISES = [
    Exercise(
        name="abstain",
        title="What does honesty save?",
        give=give_abstention,
        solve=saving,
        compare=Number(decimals=3),
        right=(by_playing, lambda g: 1 - g.accuracy - g.price, lambda g: f"{100 * saving(g):.1f} %"),
        wrong=(
            Wrong(
                "the cost instead of the saving",
                lambda g: paid(g, g.says),
                "That is what the model pays as it is. What would it pay if it said its accuracy?",
            ),
            Wrong(
                "believes what the model says",
                lambda g: 1 - g.says - g.price,
                "You took the model's word for its error rate. It is wrong on one less its accuracy.",
            ),
            Wrong(
                "the honest model answers too",
                lambda g: 0.0,
                "You let both models act alike. Apply the rule to what each of them says.",
            ),
            Wrong(
                "the difference of confidences",
                lambda g: g.says - g.accuracy,
                "That is how over-confident the model is. The saving is a difference of costs.",
            ),
            Wrong(
                "the saving upside down",
                lambda g: -saving(g),
                "The sign is turned. A saving is what the model pays now less what it would pay.",
            ),
        ),
        minutes=5,
    ),
    Exercise(
        name="brier",
        title="Two calibrated methods",
        give=give_accuracy,
        solve=half_variance,
        compare=Number(decimals=3),
        right=(by_integrating, by_brier, lambda g: f"{half_variance(g):.3f}"),
        wrong=(
            Wrong(
                "calibrated is calibrated",
                lambda g: 0.0,
                "Both have an ECE of zero, but the ECE is not a cost. Look at the Brier score of each.",
            ),
            Wrong(
                "the whole Brier score",
                lambda g: 2 * half_variance(g),
                "That is the Brier score of the first. The mean cost takes half of it.",
            ),
            Wrong(
                "the cost of the first",
                lambda g: half_variance(g) + (1 - g.accuracy) / 2,
                "That is what the first method pays in all. The second pays for its errors, too.",
            ),
            Wrong(
                "the error rate",
                lambda g: (1 - g.accuracy) / 2,
                "Half the error rate is paid by both of them, so it cancels.",
            ),
        ),
        minutes=6,
        level=3,
    ),
]
