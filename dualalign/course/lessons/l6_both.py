"""Exercises of lesson 6, Dual-Align: the weight of a question, the objective, and its readings."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import entropy, js, kl, percent

LN2 = math.log(2)

# -- How much of each loss ---------------------------------------------------------------------------------------------


def give_beliefs(rng: np.random.Generator) -> dict:
    """Both models' beliefs in one question."""
    plm, polm = percent(rng, 4, least=3), percent(rng, 4)
    return {"plm": rng.permutation(plm), "polm": rng.permutation(polm)}


def weight(given: Given) -> float:
    """Return the weight 1 - JSD / ln 2."""
    return float(1 - js(given.plm, given.polm) / LN2)


def _by_entropies(given: Given) -> float:
    middle = (given.plm + given.polm) / 2
    return float(1 - (entropy(middle) - (entropy(given.plm) + entropy(given.polm)) / 2) / LN2)


def _in_bits(given: Given) -> float:
    middle = (given.plm + given.polm) / 2
    return float(1 - sum((p * np.log2(p / middle)).sum() for p in (given.plm, given.polm)) / 2)


WEIGHT = Exercise(
    name="question-weight",
    title="How much of each loss?",
    give=give_beliefs,
    solve=weight,
    compare=Number(decimals=3),
    right=(_by_entropies, _in_bits, lambda g: f"{weight(g):.3f}"),
    wrong=(
        Wrong(
            "near one where the models differ",
            lambda g: float(js(g.plm, g.polm) / LN2),
            "Your weight is largest where the models differ most. Is the confidence loss wanted there?",
        ),
        Wrong(
            "not divided by ln 2",
            lambda g: float(1 - js(g.plm, g.polm)),
            "For two beliefs without a common option your weight would not be zero. What is the largest JSD, in nats?",
        ),
        Wrong(
            "KL for JSD",
            lambda g: float(1 - kl(g.plm, g.polm) / LN2),
            "You took the KL divergence, which has no upper bound: this weight can fall below zero.",
        ),
        Wrong(
            "divided by ln 2 twice",
            lambda g: float(1 - js(g.plm, g.polm) / LN2**2),
            "A divergence in bits is at most 1 already. Divide by ln 2 only where it is in nats.",
        ),
    ),
    minutes=5,
)


# -- Which temperature? ------------------------------------------------------------------------------------------------

TEMPERATURES = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0])


def give_losses(rng: np.random.Generator) -> dict:
    """Both losses of six questions over a grid of temperatures, and the weights."""
    log_t = np.log(TEMPERATURES)
    best_c, best_s = rng.normal(1.9, 0.3, (6, 1)), rng.normal(0.9, 0.3, (6, 1))
    steep_c, steep_s = rng.uniform(0.1, 0.6, (6, 1)), rng.uniform(0.1, 0.6, (6, 1))
    confidence = np.round(0.05 + steep_c * (log_t - best_c) ** 2, 3)
    process = np.round(steep_s * (log_t - best_s) ** 2, 3)
    weights = np.round(np.r_[rng.uniform(0.75, 0.98, 4), rng.uniform(0.05, 0.5, 2)], 2)
    return {"temperatures": TEMPERATURES, "C": confidence, "S": process, "w": weights}


def objective(given: Given) -> np.ndarray:
    """Return the objective at every temperature of the grid."""
    return given.w @ given.C + (1 - given.w) @ given.S


def chosen(given: Given) -> float:
    """Return the temperature of the grid with the lowest objective."""
    return float(given.temperatures[objective(given).argmin()])


def _at_least(given: Given, values: np.ndarray) -> float:
    return float(given.temperatures[np.argmin(values)])


def _by_loop(given: Given) -> float:
    rows = range(len(given.w))
    totals = [
        sum(given.w[i] * given.C[i, j] + (1 - given.w[i]) * given.S[i, j] for i in rows)
        for j in range(len(given.temperatures))
    ]
    return float(given.temperatures[totals.index(min(totals))])


CHOSEN = Exercise(
    name="objective-choice",
    title="Which temperature does Dual-Align choose?",
    give=give_losses,
    solve=chosen,
    compare=Number(decimals=1),
    right=(_by_loop, lambda g: f"{chosen(g):g}", lambda g: _at_least(g, objective(g) / len(g.w))),
    wrong=(
        Wrong(
            "the weights exchanged",
            lambda g: _at_least(g, (1 - g.w) @ g.C + g.w @ g.S),
            "You gave w to the process loss. Which loss is wanted where the models end close together?",
        ),
        Wrong(
            "no weights",
            lambda g: _at_least(g, (g.C + g.S).sum(axis=0)),
            "You added the losses without their weights.",
        ),
        Wrong(
            "the mean of two minima",
            lambda g: (_at_least(g, g.w @ g.C) + _at_least(g, (1 - g.w) @ g.S)) / 2,
            "You averaged the minima of the two halves. Add the losses first, then look for the least.",
        ),
        Wrong(
            "the confidence loss alone",
            lambda g: _at_least(g, g.w @ g.C),
            "This is the least of the first half. What do the questions with a small weight ask for?",
        ),
        Wrong(
            "the process loss alone",
            lambda g: _at_least(g, (1 - g.w) @ g.S),
            "This is the least of the second half. Both halves are added before the least is taken.",
        ),
    ),
    minutes=6,
)


# -- A reading in disguise ---------------------------------------------------------------------------------------------


def give_reading(rng: np.random.Generator) -> dict:
    """A number of layers, and the weight of a question."""
    return {"layers": int(rng.integers(3, 9)), "w": round(float(rng.uniform(0.7, 0.95)), 3)}


def disguise(given: Given) -> float:
    """Return the weight that the mean reading needs to do what the sum does with the given one."""
    return given.w / (given.w + (1 - given.w) * given.layers**2)


def _by_odds(given: Given) -> float:
    odds = given.w / (1 - given.w) / given.layers**2
    return odds / (1 + odds)


DISGUISE = Exercise(
    name="reading-disguised",
    title="A reading in disguise",
    give=give_reading,
    solve=disguise,
    compare=Number(decimals=3),
    right=(
        _by_odds,
        lambda g: 1 - (1 - g.w) * g.layers**2 / ((1 - g.w) * g.layers**2 + g.w),
        lambda g: f"{100 * disguise(g):.1f} %",
    ),
    wrong=(
        Wrong(
            "a factor changes no minimum",
            lambda g: g.w,
            "A common factor would change nothing. Here only one of the two losses grows.",
        ),
        Wrong(
            "the square is forgotten",
            lambda g: g.w / (g.w + (1 - g.w) * g.layers),
            "A sum over m layers is m times their mean. So the gap grows by m. And S?",
        ),
        Wrong(
            "the factor at the other loss",
            lambda g: g.w / (g.w + (1 - g.w) / g.layers**2),
            "Your weight has grown, so the confidence loss counts more. Which loss became larger?",
        ),
    ),
    minutes=6,
    level=3,
)

EXERCISES = [WEIGHT, CHOSEN, DISGUISE]
