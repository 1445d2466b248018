"""Exercises of chapter 13, The premise dial."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from dualalign import drift
from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_dial(rng: np.random.Generator) -> dict:
    """Confidences of the PLM and of a method at two ends of the dial, and the PLM's gap."""
    plm_low, method_low = (round(float(rng.uniform(*ends)), 2) for ends in ((0.3, 0.4), (0.35, 0.45)))
    plm_high = round(plm_low + float(rng.uniform(0.25, 0.4)), 2)
    method_high = round(method_low + (plm_high - plm_low) * float(rng.uniform(0.3, 0.9)), 2)
    gap = round(float(rng.uniform(0.06, 0.2)), 2)
    return {
        "plm_low": plm_low,
        "plm_high": plm_high,
        "method_low": method_low,
        "method_high": method_high,
        "plm_gap": gap,
    }


def handed_on(given: Given) -> float:
    """Return the part of the PLM's gap that the method takes over."""
    return given.plm_gap * (given.method_high - given.method_low) / (given.plm_high - given.plm_low)


def by_a_line(given: Given) -> float:
    """The method's confidence is a straight line over the PLM's: its slope times the gap."""
    plm, method = (given.plm_low, given.plm_high), (given.method_low, given.method_high)
    return float(np.polyfit(plm, method, 1)[0] * given.plm_gap)


def by_ratio(given: Given) -> np.ndarray:
    """The same, from the two changes."""
    changes = np.diff([[given.method_low, given.method_high], [given.plm_low, given.plm_high]])
    return changes[0] / changes[1] * given.plm_gap


def give_disagreement(rng: np.random.Generator) -> dict:
    """Draw a question on which the two models favour different options."""
    while True:
        plm, polm = np.round(rng.normal(0, 1.3, 4), 1), np.round(rng.normal(0, 2.5, 4), 1)
        if plm.argmax() != polm.argmax():
            return {"plm": plm, "polm": polm}


def covariance(given: Given) -> float:
    """Return the covariance of the two logit vectors under the PLM's belief (chapter 13)."""
    p = np.exp(drift.log_softmax_options(given.plm))
    return float(p @ (given.plm * given.polm) - (p @ given.plm) * (p @ given.polm))


def by_centring(given: Given) -> float:
    """The covariance of the two models' logits under the PLM's belief, from centred logits."""
    p = softmax(given.plm)
    return float(p @ ((given.plm - p @ given.plm) * (given.polm - p @ given.polm)))


def by_difference(given: Given) -> float:
    """The PLM's mean of the PoLM's logits moves with s by just this covariance."""
    h = 1e-5
    return float((softmax((1 + h) * given.plm) - softmax((1 - h) * given.plm)) @ given.polm / (2 * h))


EXERCISES = [
    Exercise(
        name="dial-copy",
        title="What is left of an error",
        give=give_dial,
        solve=handed_on,
        compare=Number(decimals=3),
        right=(by_a_line, by_ratio, lambda g: f"{100 * handed_on(g):.2f} %"),
        wrong=(
            Wrong(
                "all of it",
                lambda g: g.plm_gap,
                "That is the PLM's own error, inherited in full. The method followed only a part of the PLM's way.",
            ),
            Wrong(
                "the quotient upside down",
                lambda g: g.plm_gap * (g.plm_high - g.plm_low) / (g.method_high - g.method_low),
                "You divided the PLM's change by the method's. The share is the method's of the PLM's.",
            ),
            Wrong(
                "levels instead of changes",
                lambda g: g.plm_gap * g.method_high / g.plm_high,
                "You divided two confidences. The share is a quotient of two changes.",
            ),
            Wrong(
                "the rest, not the share",
                lambda g: g.plm_gap - handed_on(g),
                "That is the part that the method did not take over.",
            ),
            Wrong(
                "the share itself",
                lambda g: handed_on(g) / g.plm_gap,
                "That is the share. The question asks for an error: how much of `plm_gap` is it?",
            ),
            Wrong(
                "the change of the method",
                lambda g: g.method_high - g.method_low,
                "That is how far the method moved. Set it beside how far the PLM moved.",
            ),
        ),
        minutes=5,
        hint="Take two changes first: how far did the PLM's confidence rise, and how far the method's?",
    ),
    Exercise(
        name="dial-two",
        title="Does a disagreement pull?",
        give=give_disagreement,
        solve=covariance,
        compare=Number(decimals=3),
        right=(by_centring, by_difference, lambda g: f"{covariance(g):.3f}"),
        wrong=(
            Wrong(
                "every option counts the same",
                lambda g: float(np.cov(g.plm, g.polm, ddof=0)[0, 1]),
                "You gave each option the same weight. The covariance is taken under the PLM's belief.",
            ),
            Wrong(
                "under the PoLM's belief",
                lambda g: float(
                    softmax(g.polm) @ (g.plm * g.polm) - (softmax(g.polm) @ g.plm) * (softmax(g.polm) @ g.polm)
                ),
                "You weighted by the PoLM's belief. The dial turns the PLM's: its belief moves.",
            ),
            Wrong(
                "the mean product, not centred",
                lambda g: float(softmax(g.plm) @ (g.plm * g.polm)),
                "You forgot to subtract the product of the means. Adding a constant to all logits must change nothing.",
            ),
            Wrong(
                "the sign",
                lambda g: -covariance(g),
                "The size is right. Is the mean product above the product of the means, or below it?",
            ),
        ),
        minutes=8,
        level=3,
        hint="E[ab] - E[a] E[b], with the PLM's probabilities as weights.",
    ),
]
