"""Exercises of chapter 7, A world where the truth is known."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logit, softmax

from dualalign.course.answers import Numbers
from dualalign.course.exercise import Exercise, Given, Wrong

OPTIONS = 4


def give_witnesses(rng: np.random.Generator) -> dict:
    """Two modest witnesses for one option against a better one for another."""
    first, second = rng.permutation(list("ABCD"))[:2]
    modest, good = round(float(rng.uniform(0.5, 0.75)), 2), round(float(rng.uniform(0.78, 0.95)), 2)
    return {"reliability": [modest, modest, good], "says": [str(first), str(first), str(second)]}


def _product_of(given: Given) -> np.ndarray:
    """Return the likelihood of what the sources say under each option, not normalised, (4,)."""
    product = np.ones(OPTIONS)
    for r, said in zip(given.reliability, given.says, strict=True):
        product *= [r if option == said else (1 - r) / (OPTIONS - 1) for option in "ABCD"]
    return product


def belief(given: Given) -> np.ndarray:
    """Return the exact belief in A, B, C and D: a product over witnesses, made to add up to 1."""
    product = _product_of(given)
    return product / product.sum()


def by_log_odds(given: Given) -> np.ndarray:
    """Add log-odds against an option that nobody names."""
    z = {option: 0.0 for option in "ABCD"}
    for r, said in zip(given.reliability, given.says, strict=True):
        z[said] += math.log((OPTIONS - 1) * r / (1 - r))
    return softmax(list(z.values()))


def by_odds(given: Given) -> list[float]:
    """The belief by multiplying the odds of each option, source by source."""
    odds = [1.0] * OPTIONS
    for r, said in zip(given.reliability, given.says, strict=True):
        odds["ABCD".index(said)] *= 3 * r / (1 - r)
    return [round(o / sum(odds), 3) for o in odds]


def _shares(given: Given, weight) -> np.ndarray:
    """A belief that adds up a weight for each source instead of multiplying."""
    parts = np.zeros(OPTIONS)
    for r, said in zip(given.reliability, given.says, strict=True):
        parts["ABCD".index(said)] += weight(r)
    return parts / parts.sum()


def _product(given: Given, silent) -> np.ndarray:
    """A belief whose sources that say something else count as `silent` of their reliability."""
    parts = np.ones(OPTIONS)
    for r, said in zip(given.reliability, given.says, strict=True):
        parts *= [r if option == said else silent(r) for option in "ABCD"]
    return parts / parts.sum()


def only_named(given: Given) -> np.ndarray:
    """Return the exact belief with the options that nobody names left out."""
    named = belief(given) * [option in given.says for option in "ABCD"]
    return named / named.sum()


def give_random_answers(rng: np.random.Generator) -> dict:
    """The lead of one option over three others, and how sure the PLM is of it."""
    return {"lead": round(float(rng.uniform(5, 9)), 1), "plm_sure": round(float(rng.uniform(0.45, 0.85)), 2)}


def two_temperatures(given: Given) -> list[float]:
    """Return what align-all and DACA find: an infinite temperature, and one that makes the PoLM as sure as the PLM."""
    return [math.inf, given.lead / (logit(given.plm_sure) + math.log(3))]


def equal_expectations(given: Given) -> list[float]:
    """Solve E_q[z] = E_p[z] by bisection, for the questions of either method."""

    def solve(share: float) -> float:
        low, high = 0.0, 100.0
        for _ in range(200):
            beta = (low + high) / 2
            q = math.exp(beta * given.lead) / (math.exp(beta * given.lead) + 3)
            low, high = (beta, high) if q < share - 1e-15 else (low, beta)
        return math.inf if beta < 1e-9 else 1 / beta

    return [solve(0.25), solve(given.plm_sure)]


EXERCISES = [
    Exercise(
        name="witnesses",
        title="Two against one",
        give=give_witnesses,
        solve=belief,
        compare=Numbers(decimals=3),
        right=(by_log_odds, by_odds, lambda g: belief(g).reshape(1, 4)),
        wrong=(
            Wrong(
                "the majority",
                lambda g: _shares(g, lambda r: 1.0),
                "You counted heads. A witness of reliability 0.9 tells more than one of 0.5: how much more?",
            ),
            Wrong(
                "adds reliabilities",
                lambda g: _shares(g, lambda r: r),
                "You added reliabilities. Independent reports multiply probabilities; what adds up are log-odds.",
            ),
            Wrong(
                "a product that does not add up to one",
                _product_of,
                "The ratios are right, but these do not add up to one. Divide by their sum.",
            ),
            Wrong(
                "all of the error to each other option",
                lambda g: _product(g, lambda r: 1 - r),
                "A witness who errs names one of three options. You gave each of them the whole 1 - r.",
            ),
            Wrong(
                "no probability for options not named",
                only_named,
                "You left the options that no one names with nothing. All three witnesses may be wrong at once.",
            ),
        ),
        minutes=6,
    ),
    Exercise(
        name="exact",
        title="Answers drawn at random",
        give=give_random_answers,
        solve=two_temperatures,
        compare=Numbers(decimals=2),
        right=(
            equal_expectations,
            lambda g: [np.inf, round(g.lead / math.log(3 * g.plm_sure / (1 - g.plm_sure)), 2)],
            lambda g: np.array([np.inf, g.lead / (np.log(g.plm_sure) - np.log((1 - g.plm_sure) / 3))]),
        ),
        wrong=(
            Wrong(
                "both methods match the PLM",
                lambda g: [two_temperatures(g)[1]] * 2,
                "DACA's is right. On all questions: how much does the PLM give to an option drawn at random?",
            ),
            Wrong(
                "only two options",
                lambda g: [math.inf, g.lead / float(logit(g.plm_sure))],
                "For DACA you let one option stand against the answer. There are three.",
            ),
            Wrong(
                "no temperature can repair it",
                lambda g: [math.inf, math.inf],
                "For align-all that is right. DACA never sees the questions on which the random option is another one.",
            ),
            Wrong(
                "the other way round",
                lambda g: two_temperatures(g)[::-1],
                "Both numbers are right, in the other order.",
            ),
        ),
        minutes=8,
        level=3,
        hint="At the best temperature the PoLM expects of its own logits what the PLM's belief expects of them.",
    ),
]
