"""Exercises of chapter 19, What the reviewers asked."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from dualalign import drift
from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_two_factors(rng: np.random.Generator) -> dict:
    """The PLM's gap of two logits, and the PoLM's factors on an inner and on the last layer."""
    inner = round(float(rng.uniform(1.3, 2.2)), 1)
    last = round(float(rng.uniform(4.0, 7.0)), 1)
    return {"gap": round(float(rng.uniform(0.6, 1.6)), 2), "inner_factor": inner, "last_factor": last}


def binary_entropy(gap: np.ndarray) -> np.ndarray:
    """Return the entropy of two options whose logits differ by `gap`, in nats."""
    p = 1 / (1 + np.exp(-np.asarray(gap, dtype=float)))
    return -p * np.log(p) - (1 - p) * np.log1p(-p)


def excess_entropy(given: Given, tau: float) -> float:
    """Return the PoLM's mean entropy at a temperature less that of the PLM, in nats."""
    factors = np.array([given.inner_factor, given.last_factor])
    return float(binary_entropy(given.gap * factors / tau).mean() - binary_entropy(given.gap))


def compromise(given: Given) -> float:
    """Return the temperature at which the mean entropies agree."""
    return float(brentq(lambda tau: excess_entropy(given, tau), given.inner_factor, given.last_factor))


def by_minimising(given: Given) -> float:
    """The root as the lowest point of the squared excess."""
    ends = (given.inner_factor, given.last_factor)
    found = minimize_scalar(
        lambda tau: excess_entropy(given, tau) ** 2, bounds=ends, method="bounded", options={"xatol": 1e-8}
    )
    return float(found.x)


def by_the_library(given: Given) -> float:
    """The root with the module's own entropy."""
    factors = np.array([given.inner_factor, given.last_factor])
    logits = np.stack([given.gap * factors, np.zeros(2)], axis=1)
    target = drift.entropy(np.array([given.gap, 0.0]))
    return float(brentq(lambda tau: drift.entropy(logits, tau).mean() - target, 0.1, 100))


EXERCISES = [
    Exercise(
        name="factor",
        title="Two factors",
        give=give_two_factors,
        solve=compromise,
        compare=Number(decimals=2),
        right=(by_minimising, by_the_library, lambda g: f"{compromise(g):.2f}"),
        wrong=(
            Wrong(
                "the last layer decides",
                lambda g: g.last_factor,
                "That is what the last layer needs. The loss sees the mean over both layers.",
            ),
            Wrong(
                "the mean of the factors",
                lambda g: (g.inner_factor + g.last_factor) / 2,
                "You averaged the factors. The loss averages entropies, and entropy is not linear in the temperature.",
            ),
            Wrong(
                "the geometric mean of the factors",
                lambda g: float(np.sqrt(g.inner_factor * g.last_factor)),
                "You averaged the logarithms of the factors. The loss averages entropies: solve for equal means.",
            ),
            Wrong(
                "divides instead of multiplying",
                lambda g: 1 / compromise(g),
                "You found 1/T. The PoLM's logits are larger than the PLM's, so they are divided by more than 1.",
            ),
        ),
        minutes=12,
        level=3,
        hint="Write the entropy of two options with logit gap d, and solve for equal means over the two layers.",
    )
]
