"""Exercises of chapter 6, What post-training does to confidence."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, logit

from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_evidence(rng: np.random.Generator) -> dict:
    """The share pi of the preferred answer, the belief at the start, and DPO's beta."""
    return {
        "pi": round(float(rng.uniform(0.6, 0.75)), 2),
        "start": round(float(rng.uniform(0.3, 0.45)), 2),
        "beta": round(float(rng.uniform(0.4, 0.8)), 1),
    }


def optima(given: Given) -> list[float]:
    """Return the best probability of the first option for SFT, DPO and RLVR."""
    return [given.pi, float(expit(logit(given.start) + logit(given.pi) / given.beta)), 1.0]


def searched(given: Given) -> list[float]:
    """Minimise each expected loss over the log-odds."""

    def sft(h: float) -> float:
        return -given.pi * log_expit(h) - (1 - given.pi) * log_expit(-h)

    def dpo(h: float) -> float:
        moved = given.beta * (h - logit(given.start))
        return -given.pi * log_expit(moved) - (1 - given.pi) * log_expit(-moved)

    def rlvr(h: float) -> float:
        return -given.pi * expit(h) - (1 - given.pi) * expit(-h)

    return [float(expit(minimize_scalar(f, bounds=(-30, 30), method="bounded").x)) for f in (sft, dpo, rlvr)]


def by_odds(given: Given) -> np.ndarray:
    """The three optima from odds: SFT copies pi, DPO multiplies the odds, RLVR goes to 1."""
    odds = given.start / (1 - given.start) * (given.pi / (1 - given.pi)) ** (1 / given.beta)
    return np.array([given.pi, odds / (1 + odds), 1])


def give_selection(rng: np.random.Generator) -> dict:
    """How often the models agree, and the gap of confidence there and on all questions."""
    return {
        "agreement": round(float(rng.uniform(0.55, 0.8)), 2),
        "gap_agree": -round(float(rng.uniform(0.04, 0.12)), 3),
        "gap_all": round(float(rng.uniform(0.01, 0.03)), 3),
    }


def gap_disagree(given: Given) -> float:
    """Return the gap on disagreement: the two gaps, weighted by their shares, make that of all questions."""
    return (given.gap_all - given.agreement * given.gap_agree) / (1 - given.agreement)


def by_counting(given: Given) -> float:
    """The same with 10,000 questions: sums of confidence less correctness."""
    n, agree = 10_000, 10_000 * given.agreement
    return (n * given.gap_all - agree * given.gap_agree) / (n - agree)


EXERCISES = [
    Exercise(
        name="proper",
        title="What does each loss ask for?",
        give=give_evidence,
        solve=optima,
        compare=Numbers(decimals=3),
        right=(searched, by_odds, lambda g: [round(value, 3) for value in optima(g)]),
        wrong=(
            Wrong(
                "every loss asks for the evidence",
                lambda g: [g.pi] * 3,
                "Only one of the three losses is smallest at the evidence. Look at the two others once more.",
            ),
            Wrong(
                "forgets beta",
                lambda g: [g.pi, float(expit(logit(g.start) + logit(g.pi))), 1.0],
                "In DPO the evidence is not added as it is: what is its log-odds divided by?",
            ),
            Wrong(
                "forgets where DPO starts",
                lambda g: [g.pi, float(expit(logit(g.pi) / g.beta)), 1.0],
                "DPO measures from the model that it starts from. Where are the log-odds of `start`?",
            ),
            Wrong(
                "the reward wants what is likely, as likely as it is",
                lambda g: [*optima(g)[:2], g.pi],
                "The first two are right. The expected reward is a straight line in p: where is a line lowest?",
            ),
            Wrong(
                "adds probabilities instead of log-odds",
                lambda g: [g.pi, min(1.0, g.start + g.pi / g.beta), 1.0],
                "You added probabilities. What adds up in DPO are log-odds.",
            ),
        ),
        minutes=8,
        level=3,
    ),
    Exercise(
        name="selection",
        title="The other side of agreement",
        give=give_selection,
        solve=gap_disagree,
        compare=Number(decimals=3),
        right=(
            by_counting,
            lambda g: g.gap_agree + (g.gap_all - g.gap_agree) / (1 - g.agreement),
            lambda g: f"{100 * gap_disagree(g):.2f} %",
        ),
        wrong=(
            Wrong(
                "the gaps add up",
                lambda g: g.gap_all - g.gap_agree,
                "You took one gap from the other. The two kinds of questions are not equally many.",
            ),
            Wrong(
                "shares swapped",
                lambda g: (g.gap_all - (1 - g.agreement) * g.gap_agree) / g.agreement,
                "You gave the agreeing questions the share of the others.",
            ),
            Wrong(
                "the mirror image",
                lambda g: -g.gap_agree,
                "The sign does turn. But a gap on few questions must be larger to balance one on many.",
            ),
            Wrong(
                "forgets to divide",
                lambda g: g.gap_all - g.agreement * g.gap_agree,
                "That is the part of the mean that disagreement contributes. What is the gap on those questions?",
            ),
        ),
        minutes=4,
    ),
]
