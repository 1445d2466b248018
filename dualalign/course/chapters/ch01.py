"""Exercises of chapter 1, Start here."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_doubled(rng: np.random.Generator) -> dict:
    """A temperature, and the factor by which all logits are multiplied."""
    return {"temperature": round(float(rng.uniform(1.5, 6.0)), 2), "factor": round(float(rng.uniform(1.6, 4.0)), 1)}


def doubled(given: Given) -> float:
    """Return the temperature of the multiplied logits: it grows by the same factor."""
    return given.temperature * given.factor


EXERCISES = [
    Exercise(
        name="halve",
        title="Louder logits",
        give=give_doubled,
        solve=doubled,
        compare=Number(decimals=2),
        right=(
            lambda g: np.float32(g.factor) * np.float32(g.temperature),
            lambda g: f"{g.temperature * g.factor:.2f}",
            lambda g: [1 / (1 / (g.factor * g.temperature))],
        ),
        wrong=(
            Wrong(
                "the factor cancels the other way",
                lambda g: g.temperature / g.factor,
                "You divided by the factor. Larger logits make a surer model: does it need more flattening, or less?",
            ),
            Wrong(
                "a temperature belongs to the answers",
                lambda g: g.temperature,
                "The answers stay the same, but the temperature divides the logits, and they have changed.",
            ),
            Wrong(
                "adds on a log scale",
                lambda g: g.temperature + g.factor,
                "You added. The probabilities stay if z / T stays: what must T do when z is multiplied?",
            ),
        ),
        minutes=4,
    )
]
