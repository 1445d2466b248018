"""Exercises of chapter 16, Open-ended answers."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from dualalign import metrics
from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_two_judges(rng: np.random.Generator) -> dict:
    """Two models' probability of yes."""
    plm = round(float(rng.uniform(0.55, 0.72)), 2)
    return {"plm_yes": plm, "polm_yes": round(float(rng.uniform(0.85, 0.98)), 2)}


def ratio_of_log_odds(given: Given) -> float:
    """Return the temperature at which the PoLM says yes as often as the PLM."""
    return float(logit(given.polm_yes) / logit(given.plm_yes))


def by_solving(given: Given) -> float:
    """The same, by a numerical root."""
    return float(brentq(lambda t: expit(logit(given.polm_yes) / t) - given.plm_yes, 0.1, 1000))


def by_powers(given: Given) -> float:
    """Odds are powers of each other: odds_f ** (1 / T) = odds_g."""
    odds = [p / (1 - p) for p in (given.polm_yes, given.plm_yes)]
    return float(1 / (np.log(odds[1]) / np.log(odds[0])))


def give_known(rng: np.random.Generator) -> dict:
    """The share of questions that a judge knows."""
    return {"known": round(float(rng.uniform(0.08, 0.45)), 2)}


def auroc_of_knower(given: Given) -> float:
    """Return the AUROC of one who knows that share and guesses the rest."""
    return 1 - (1 - given.known) ** 2 / 2


def by_counting(given: Given) -> float:
    """Take a hundred right and a hundred wrong answers in the given shares."""
    known = round(100 * given.known)
    right = np.array([1.0] * known + [0.5] * (100 - known))
    wrong = np.array([0.0] * known + [0.5] * (100 - known))
    return float(metrics.auroc(np.concatenate([right, wrong]), np.repeat([True, False], 100)))


EXERCISES = [
    Exercise(
        name="two-options",
        title="One question, two judges",
        give=give_two_judges,
        solve=ratio_of_log_odds,
        compare=Number(decimals=2),
        right=(by_solving, by_powers, lambda g: f"{ratio_of_log_odds(g):.2f}"),
        wrong=(
            Wrong(
                "a ratio of probabilities",
                lambda g: g.polm_yes / g.plm_yes,
                "You divided probabilities. A temperature divides logits; with two options that is the log-odds.",
            ),
            Wrong(
                "a ratio of odds",
                lambda g: (g.polm_yes / (1 - g.polm_yes)) / (g.plm_yes / (1 - g.plm_yes)),
                "You divided the odds. One logarithm is missing on each of them.",
            ),
            Wrong(
                "the temperature upside down",
                lambda g: 1 / ratio_of_log_odds(g),
                "That is 1/T. The PoLM is the surer one: its log-odds must shrink.",
            ),
            Wrong(
                "a ratio of log-probabilities",
                lambda g: float(np.log(g.plm_yes) / np.log(g.polm_yes)),
                "You took log p of Yes alone. The softmax of two options sees the difference of their logits.",
            ),
            Wrong(
                "a difference of log-odds",
                lambda g: float(logit(g.polm_yes) - logit(g.plm_yes)),
                "You subtracted. A temperature divides: by what must the PoLM's log-odds be divided to meet the PLM's?",
            ),
            Wrong(
                "distances from one half",
                lambda g: (g.polm_yes - 0.5) / (g.plm_yes - 0.5),
                "You compared distances of probabilities from one half. A temperature works on the logits behind them.",
            ),
        ),
        minutes=5,
    ),
    Exercise(
        name="coin",
        title="A judge who knows a little",
        give=give_known,
        solve=auroc_of_knower,
        compare=Number(decimals=3),
        right=(
            by_counting,
            lambda g: g.known + (1 - g.known) * g.known + (1 - g.known) ** 2 / 2,
            lambda g: f"{100 * auroc_of_knower(g):.1f}%",
        ),
        wrong=(
            Wrong(
                "both answers must be known",
                lambda g: g.known**2 + (1 - g.known**2) / 2,
                "You asked for both to be known. If one is known it has 0 or 1, and that is enough to put it in order.",
            ),
            Wrong(
                "accuracy of a guesser",
                lambda g: g.known + (1 - g.known) / 2,
                "That is how often a verdict is right. AUROC compares a right answer with a wrong one: two answers.",
            ),
            Wrong(
                "ties count in full",
                lambda g: 1 - (1 - g.known) ** 2,
                "You left the ties out. Two answers of 0.5 tie, and a tie counts one half.",
            ),
            Wrong(
                "ignores what is known",
                lambda g: 0.5,
                "One half is the coin's. The judge puts some pairs in order for certain.",
            ),
            Wrong(
                "the share itself",
                lambda g: g.known,
                "That is how much the judge knows. Even a judge who knows nothing has the coin's AUROC, as ties count.",
            ),
        ),
        minutes=6,
    ),
]
