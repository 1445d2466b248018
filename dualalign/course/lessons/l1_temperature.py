"""Exercises of lesson 1, second half: which temperature, and what none can change."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.lessons.l1 import gap


def give_duel(rng: np.random.Generator) -> dict:
    """Two logits, and the confidence that is wanted."""
    low = round(rng.uniform(-2, 2), 2)
    apart = round(rng.uniform(2.5, 6.0), 2)
    return {"logits": np.array([low, round(low + apart, 2)]), "wanted": round(rng.uniform(0.6, 0.85), 2)}


def duel(given: Given) -> float:
    """Return the temperature that gives it."""
    return gap(given.logits) / float(np.log(given.wanted / (1 - given.wanted)))


def give_match(rng: np.random.Generator) -> dict:
    """Logits of sixty questions, and the mean confidence that is wanted."""
    logits = rng.normal(0, 1, (60, 4)) * rng.uniform(1.5, 6, (60, 1))
    return {"logits": logits, "wanted": round(rng.uniform(0.52, 0.64), 3)}


def _surplus(temperature: float, logits: np.ndarray, wanted: float) -> float:
    return softmax(logits / temperature, axis=-1).max(axis=-1).mean() - wanted


def match(given: Given) -> float:
    """Return the temperature that gives it."""
    return brentq(_surplus, 0.05, 500, args=(given.logits, given.wanted))


def _bisected(given: Given) -> float:
    low, high = 0.05, 500.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _surplus(middle, given.logits, given.wanted) > 0 else (low, middle)
    return low


def _grid(given: Given) -> float:
    grid = np.arange(0.5, 25, 0.005)
    means = softmax(given.logits[None] / grid[:, None, None], axis=-1).max(axis=-1).mean(axis=-1)
    return float(grid[np.abs(means - given.wanted).argmin()])


def _own_temperatures(given: Given) -> float:
    return float(np.mean([brentq(_surplus, 1e-6, 1e6, args=(z[None], given.wanted)) for z in given.logits]))


def _mean_gap(given: Given) -> float:
    mean = np.mean([gap(z) for z in given.logits])
    return float(mean / np.log(given.wanted / (1 - given.wanted)))


def give_overtake(rng: np.random.Generator) -> dict:
    """A question with two options and one with four, whose order of confidence changes with T."""
    few, crossing = round(rng.uniform(0.5, 1.5), 2), rng.uniform(1.5, 5.0)
    many = round(few + crossing * np.log(3), 2)
    return {"two_options": np.array([few, 0.0]), "four_options": rng.permutation([many, 0.0, 0.0, 0.0])}


def overtake(given: Given) -> float:
    """Return the temperature at which both are equally sure."""
    return float((given.four_options.max() - given.two_options.max()) / np.log(3))


def _confidence_gap(temperature: float, given: Given) -> float:
    return softmax(given.two_options / temperature).max() - softmax(given.four_options / temperature).max()


def _overtake_grid(given: Given) -> str:
    grid = np.arange(1.0, 8.0, 0.002)
    return f"{grid[np.abs([_confidence_gap(t, given) for t in grid]).argmin()]:.3f}"


EXERCISES = [
    Exercise(
        name="l1-duel",
        title="The temperature you need",
        give=give_duel,
        solve=duel,
        compare=Number(decimals=2),
        right=(
            lambda g: brentq(_surplus, 0.05, 500, args=(g.logits[None], g.wanted)),
            lambda g: f"{-gap(g.logits) / np.log(1 / g.wanted - 1):.2f}",
            lambda g: [gap(g.logits) / (np.log(g.wanted) - np.log1p(-g.wanted))],
        ),
        wrong=(
            Wrong(
                "takes 1/T for T",
                lambda g: 1 / duel(g),
                "That is the inverse. A temperature below 1 sharpens; do you want the model surer here, or less sure?",
            ),
            Wrong(
                "logarithm of the probability, not of the odds",
                lambda g: gap(g.logits) / -np.log(g.wanted),
                "You used log c. The gap of two logits is the logarithm of the odds, c against 1 - c.",
            ),
            Wrong(
                "ratio of the confidences",
                lambda g: float(softmax(g.logits).max() / g.wanted),
                "You divided the confidence now by the confidence wanted. The temperature acts on logits, so compare "
                "the gap you have with the gap you want.",
            ),
            Wrong(
                "difference of the gaps",
                lambda g: gap(g.logits) - np.log(g.wanted / (1 - g.wanted)),
                "You subtracted the gap wanted from the gap now. A temperature divides.",
            ),
        ),
        minutes=6,
        level=3,
    ),
    Exercise(
        name="l1-match",
        title="As sure as she wants, on average",
        give=give_match,
        solve=match,
        compare=Number(decimals=2),
        right=(_bisected, _grid, lambda g: f"{match(g):.2f}"),
        wrong=(
            Wrong(
                "ratio of the mean confidences",
                lambda g: float(softmax(g.logits, axis=1).max(axis=1).mean() / g.wanted),
                "You divided the mean confidence now by the mean wanted. Try your temperature: what is the mean "
                "confidence with it? Confidence is not proportional to 1/T.",
            ),
            Wrong(
                "a temperature a question, then the mean",
                _own_temperatures,
                "You brought every question to the wanted confidence and averaged the temperatures. One temperature "
                "must serve all, and only the mean confidence must be right.",
            ),
            Wrong(
                "the formula for two options with the mean gap",
                _mean_gap,
                "You used the two-option formula with the average gap. There are four options, and the confidence of "
                "an average question is not the average confidence.",
            ),
            Wrong(
                "takes 1/T for T",
                lambda g: 1 / match(g),
                "That is 1/T: multiplying the logits by it gives the wanted mean. Which number divides them?",
            ),
        ),
        minutes=10,
    ),
    Exercise(
        name="l1-overtake",
        title="When the order of two questions turns",
        give=give_overtake,
        solve=overtake,
        compare=Number(decimals=2),
        right=(lambda g: brentq(_confidence_gap, 0.3, 50, args=(g,)), _overtake_grid, lambda g: f"{overtake(g):.2f}"),
        wrong=(
            Wrong(
                "a temperature never changes an order",
                lambda g: np.inf,
                "It never changes the order of the options of one question. These are two questions with different "
                "numbers of options: what do both confidences tend to as T grows?",
            ),
            Wrong(
                "counts the rivals without a logarithm",
                lambda g: float((g.four_options.max() - g.two_options.max()) / 3),
                "Three rivals weigh three times as much as one; seen from the logits, that is a shift by a logarithm.",
            ),
            Wrong(
                "counts the options, not the rivals",
                lambda g: float((g.four_options.max() - g.two_options.max()) / np.log(4)),
                "You have log 4, but the favourite is no rival of itself. Write both confidences as 1 / (1 + ...).",
            ),
            Wrong(
                "ratio of the gaps",
                lambda g: float(g.four_options.max() / g.two_options.max()),
                "You asked which temperature turns one gap into the other. The same temperature divides both gaps, so "
                "this cannot be where the confidences meet.",
            ),
        ),
        minutes=10,
        level=3,
    ),
]
