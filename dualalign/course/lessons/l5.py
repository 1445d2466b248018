"""Exercises of lesson 5, Aligning with the PLM: one question and one temperature."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Function, Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import aligned, best_on_grid, crossing, entropy, kl, percent, softmax

# -- Which way round ---------------------------------------------------------------------------------------------------


def give_question(rng: np.random.Generator) -> dict:
    """The PLM's belief in one question, and the PoLM's logits."""
    top, rest = rng.uniform(5, 9), rng.uniform(-3, 3.5, 3)
    logits = np.array([top, *np.sort(rest)[::-1]])
    return {"plm": percent(rng, 4, least=3, concentration=1.5), "polm_logits": np.round(logits, 1)}


def give_pair(rng: np.random.Generator) -> dict:
    """The same, and a temperature."""
    return give_question(rng) | {"temperature": round(float(rng.uniform(1.5, 3.5)), 1)}


def which_way(given: Given) -> float:
    """Return the KL divergence from the PLM's belief to the PoLM's at the temperature, in nats."""
    return float(kl(given.plm, softmax(given.polm_logits, given.temperature)))


def _by_cross_entropy(given: Given) -> float:
    log_q = given.polm_logits / given.temperature
    log_q = log_q - math.log(np.exp(log_q).sum())
    return float(-(given.plm @ log_q) - entropy(given.plm))


WHICH_WAY = Exercise(
    name="kl-order",
    title="Which way round?",
    give=give_pair,
    solve=which_way,
    compare=Number(decimals=3),
    right=(
        _by_cross_entropy,
        lambda g: f"{which_way(g):.3f}",
        lambda g: sum(p * math.log(p / q) for p, q in zip(g.plm, softmax(g.polm_logits, g.temperature), strict=True)),
    ),
    wrong=(
        Wrong(
            "KL the wrong way round",
            lambda g: float(kl(softmax(g.polm_logits, g.temperature), g.plm)),
            "You weighted the terms with the PoLM's belief. Whose expectation is KL(PLM || PoLM)?",
        ),
        Wrong(
            "cross-entropy taken for the divergence",
            lambda g: which_way(g) + float(entropy(g.plm)),
            "This does not vanish where the two beliefs are the same: the PLM's own uncertainty is still in it.",
        ),
        Wrong(
            "multiplies by the temperature",
            lambda g: float(kl(g.plm, softmax(g.polm_logits, 1 / g.temperature))),
            "Your PoLM has become surer than it was. Does a temperature multiply the logits or divide them?",
        ),
        Wrong(
            "counts in bits",
            lambda g: which_way(g) / math.log(2),
            "The size is right up to a constant factor: look at the base of your logarithm. Nats are asked for.",
        ),
    ),
    minutes=5,
)


# -- The slope ---------------------------------------------------------------------------------------------------------


def slope(z: np.ndarray, p: np.ndarray, beta: float) -> float:
    """Return the slope of the confidence loss in beta = 1/T."""
    return float((softmax(np.asarray(z) * beta) - p) @ z)


def _slope_by_loop(z: np.ndarray, p: np.ndarray, beta: float) -> float:
    powers = [math.exp(beta * (value - max(z))) for value in z]
    return sum((power / sum(powers) - belief) * value for power, belief, value in zip(powers, p, z, strict=True))


def _slope_by_difference(z: np.ndarray, p: np.ndarray, beta: float, h: float = 1e-4) -> float:
    loss = [math.log(np.exp(b * (z - z.max())).sum()) - b * float(p @ (z - z.max())) for b in (beta - h, beta + h)]
    return (loss[1] - loss[0]) / (2 * h)


CASES = (
    (np.array([3.0, 1.0, 0.5]), np.array([0.5, 0.3, 0.2]), 1.0),
    (np.array([3.0, 1.0, 0.5]), np.array([0.2, 0.7, 0.1]), 0.4),
    (np.array([2.0, 2.0, -1.0]), np.array([0.4, 0.4, 0.2]), 0.8),  # a tie
    (np.array([1.0, 1.0]), np.array([0.9, 0.1]), 2.0),  # no temperature matters
    (np.array([4.0, 0.0]), np.array([1.0, 0.0]), 0.5),  # a PLM that is certain
    (np.array([4.0, 0.0, -2.0]), np.array([0.6, 0.3, 0.1]), 0.0),  # an infinite temperature
    (np.array([7.0]), np.array([1.0]), 1.0),  # one option
)
SLOPE = Exercise(
    name="kl-slope",
    title="The force on the temperature",
    give=lambda rng: give_pair(rng) | {"beta": round(float(rng.uniform(0.2, 0.9)), 2)},
    solve=lambda g: slope,
    compare=Function(CASES, Number(decimals=4)),
    right=(
        lambda g: _slope_by_loop,
        lambda g: _slope_by_difference,
        lambda g: lambda z, p, beta: np.sum(softmax(z * beta) * z) - np.dot(p, z),
    ),
    wrong=(
        Wrong(
            "the sign turned round",
            lambda g: lambda z, p, beta: -slope(z, p, beta),
            "Compare with a finite difference: your sign is the other one. Which belief's mean comes first?",
        ),
        Wrong(
            "a difference of confidences",
            lambda g: lambda z, p, beta: float(softmax(z * beta).max() - np.max(p)),
            "You compare how sure the models are. The derivative compares what two beliefs expect of the same logits.",
        ),
        Wrong(
            "beta is forgotten in the softmax",
            lambda g: lambda z, p, beta: slope(z, p, 1.0),
            "Your slope is the same at every beta, but the loss is no straight line. Where does beta enter q?",
        ),
        Wrong(
            "differentiates by T",
            lambda g: lambda z, p, beta: -(beta**2) * slope(z, p, beta),
            "You went one step further, to the derivative by T = 1 / beta. Asked is the one by beta.",
        ),
    ),
    minutes=8,
    level=3,
)


# -- Equal in what? ----------------------------------------------------------------------------------------------------


def best_temperature(given: Given) -> float:
    """Return the temperature that aligns the question."""
    return aligned(given.polm_logits[None], given.plm[None])


def _equal(given: Given, what) -> float:
    """The temperature at which the PoLM's belief has as much of something as the PLM's; it falls with T."""
    return crossing(lambda t: float(what(softmax(given.polm_logits, t)) - what(given.plm)))


EQUAL = Exercise(
    name="equal-logits",
    title="Equal in what?",
    give=give_question,
    solve=best_temperature,
    compare=Number(decimals=2),
    right=(
        lambda g: best_on_grid(lambda t: float(kl(g.plm, softmax(g.polm_logits, t)))),
        lambda g: f"{best_temperature(g):.2f}",
        lambda g: crossing(lambda t: slope(g.polm_logits, g.plm, 1 / t)),
    ),
    wrong=(
        Wrong(
            "equal confidence",
            lambda g: _equal(g, np.max),
            "There the models are equally sure of their favourite. Is the loss smaller a little beside it?",
        ),
        Wrong(
            "equal entropy",
            lambda g: _equal(g, lambda belief: -entropy(belief)),
            "There the two models are equally undecided. That is another loss, which comes in lesson 6.",
        ),
        Wrong(
            "beta for T",
            lambda g: 1 / best_temperature(g),
            "You found the factor that multiplies the logits. The temperature divides them.",
        ),
        Wrong(
            "KL the wrong way round",
            lambda g: best_on_grid(lambda t: float(kl(softmax(g.polm_logits, t), g.plm))),
            "This makes KL(PoLM || PLM) small. In the loss of this lesson the PLM comes first.",
        ),
    ),
    minutes=8,
)

EXERCISES = [WHICH_WAY, SLOPE, EQUAL]
