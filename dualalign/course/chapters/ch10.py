"""Exercises of chapter 10, Why aligning on everything fails."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy.special import logsumexp, softmax

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_lacking(rng: np.random.Generator) -> dict:
    """Four questions: the PoLM's logits, the PLM's belief, and the right answers."""
    logits = np.round(rng.normal(0, 2, (4, 3)), 1)
    right = logits.argmax(axis=1)
    right[rng.integers(4)] = rng.integers(3)
    plm = np.round(softmax(logits * rng.uniform(0.1, 0.9) + rng.normal(0, 0.8, (4, 3)), axis=1), 2)
    plm[:, 2] = np.round(1 - plm[:, 0] - plm[:, 1], 2)
    return {"polm_logits": logits, "plm": plm, "right": right}


def in_truth(given: Given) -> np.ndarray:
    """Return the PoLM's logit of the right answer, (4,)."""
    return given.polm_logits[np.arange(4), given.right]


def lacking(given: Given) -> float:
    """Return the mean logit under the truth less that under the PLM's belief."""
    return float((in_truth(given) - (given.plm * given.polm_logits).sum(axis=1)).mean())


def by_one_hot(given: Given) -> float:
    """The same, from the difference of a one-hot truth and the belief."""
    return float(np.einsum("nk,nk->", np.eye(3)[given.right] - given.plm, given.polm_logits) / 4)


def by_slopes(given: Given) -> float:
    """Take the difference of two losses: what the PoLM expects cancels at any beta."""

    def loss(belief: np.ndarray, beta: float) -> float:
        log_q = beta * given.polm_logits - logsumexp(beta * given.polm_logits, axis=1, keepdims=True)
        return float(-(belief * log_q).sum(axis=1).mean())

    def slope(belief: np.ndarray) -> float:
        return (loss(belief, 0.51) - loss(belief, 0.49)) / 0.02

    return slope(given.plm) - slope(np.eye(3)[given.right])


def on_agreement(given: Given) -> float:
    """The same, of questions on which the models agree only."""
    agree = given.plm.argmax(axis=1) == given.polm_logits.argmax(axis=1)
    return float((agree * (in_truth(given) - (given.plm * given.polm_logits).sum(axis=1))).mean())


def give_speed(rng: np.random.Generator) -> dict:
    """Adam's rate, the batch, the number of questions, and where the optimum lies."""
    batch = int(rng.choice([64, 128, 256]))
    questions = batch * int(rng.integers(1, 4)) + int(rng.integers(10, batch - 10))
    rate = float(rng.choice([0.01, 0.02, 0.05]))
    return {"rate": rate, "batch": batch, "questions": questions, "optimum": round(float(rng.uniform(6, 40)), 1)}


def epochs_at(given: Given, steps_an_epoch: int, start: int = 1) -> int:
    """Count in exact fractions, so that no rounding adds an epoch."""
    way = Fraction(str(given.optimum)) - start
    return math.ceil(way / (Fraction(str(given.rate)) * steps_an_epoch))


def fewest_epochs(given: Given) -> int:
    """Return the fewest epochs in which Adam can have walked to the optimum."""
    return epochs_at(given, math.ceil(given.questions / given.batch))


def by_walking(given: Given) -> int:
    """Walk in hundredths of a temperature, an epoch at a time."""
    rate, at, epochs = round(100 * given.rate), 100, 0
    while at < round(100 * given.optimum):
        at += rate * len(range(0, given.questions, given.batch))
        epochs += 1
    return epochs


EXERCISES = [
    Exercise(
        name="lacking",
        title="Too high or too low?",
        give=give_lacking,
        solve=lacking,
        compare=Number(decimals=3),
        right=(by_one_hot, by_slopes, lambda g: f"{lacking(g):.3f}"),
        wrong=(
            Wrong(
                "the sign",
                lambda g: -lacking(g),
                "The other way round: what the truth expects, less what the PLM expects.",
            ),
            Wrong(
                "the PoLM's own expectation",
                lambda g: float((in_truth(g) - (softmax(g.polm_logits, axis=1) * g.polm_logits).sum(axis=1)).mean()),
                "You took the PoLM's probabilities. It is the PLM's belief that is held against the truth.",
            ),
            Wrong(
                "probabilities instead of logits",
                lambda g: float(1 - g.plm[np.arange(4), g.right].mean()),
                "That is what the PLM's probability of the right option lacks of 1. Delta is a mean of the PoLM's "
                "logits.",
            ),
            Wrong(
                "the sum over the questions",
                lambda g: 4 * lacking(g),
                "You added the questions up. Delta is their mean.",
            ),
            Wrong(
                "agreement only",
                on_agreement,
                "That is the part on agreement alone. Align-all takes every question.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="speed",
        title="How far can it walk?",
        give=give_speed,
        solve=fewest_epochs,
        compare=Number(decimals=0),
        right=(
            by_walking,
            lambda g: str(fewest_epochs(g)),
            lambda g: -((100 - round(100 * g.optimum)) // (round(100 * g.rate) * -(-g.questions // g.batch))),
        ),
        wrong=(
            Wrong(
                "an epoch is one step",
                lambda g: epochs_at(g, 1),
                "You counted steps. An epoch takes a step for each batch of questions.",
            ),
            Wrong(
                "the last batch is forgotten",
                lambda g: epochs_at(g, g.questions // g.batch),
                "You left out the smaller last batch: it is a step too.",
            ),
            Wrong(
                "rounded down",
                lambda g: fewest_epochs(g) - 1,
                "Almost: after so many epochs it has not arrived. Round up.",
            ),
            Wrong(
                "a broken number of steps",
                lambda g: math.ceil((g.optimum - 1) / g.rate * g.batch / g.questions),
                "An epoch has a whole number of steps: the smaller last batch is one as well.",
            ),
            Wrong(
                "starts at zero",
                lambda g: epochs_at(g, math.ceil(g.questions / g.batch), start=0),
                "You walked all the way from 0. Where does the protocol start?",
            ),
        ),
        minutes=5,
    ),
]
