"""Exercises of lesson 8, Using it: prices, the order of the questions, and what a score has to do with a cost."""

from __future__ import annotations

import numpy as np

from dualalign import decisions, metrics
from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong

# -- From which confidence on? -----------------------------------------------------------------------------------------


def give_prices(rng: np.random.Generator) -> dict:
    """The cost of a wrong answer and of asking, and the reward of a right answer."""
    wrong, reward = int(rng.integers(10, 61)), int(rng.integers(1, 16))
    return {"wrong": wrong, "ask": int(rng.integers(1, wrong // 2 + 1)), "reward": reward}


def from_here_on(given: Given) -> float:
    """Return the confidence from which on answering is the cheaper."""
    return (given.wrong - given.ask) / (given.wrong + given.reward)


def _on_a_grid(given: Given) -> float:
    p = np.linspace(0, 1, 200_001)
    return float(p[p * given.reward - (1 - p) * given.wrong >= -given.ask - 1e-12][0])


PRICES = Exercise(
    name="price-threshold",
    title="From which confidence on?",
    give=give_prices,
    solve=from_here_on,
    compare=Number(decimals=3),
    right=(
        _on_a_grid,
        lambda g: f"{100 * from_here_on(g):.1f} %",
        lambda g: 1 - (g.ask + g.reward) / (g.wrong + g.reward),
    ),
    wrong=(
        Wrong(
            "more likely right than wrong",
            lambda g: 0.5,
            "At one half a right answer is as likely as a wrong one. Here they do not count alike.",
        ),
        Wrong(
            "the price of asking over that of an error",
            lambda g: g.ask / g.wrong,
            "That is how likely an error may be, were there no reward. A confidence is the other side of it.",
        ),
        Wrong(
            "the reward is forgotten",
            lambda g: 1 - g.ask / g.wrong,
            "You compared an error with a question to the teacher. A right answer is worth something as well.",
        ),
        Wrong(
            "silence is free",
            lambda g: g.wrong / (g.wrong + g.reward),
            "From there on answering pays more than nothing. But the alternative is to ask, and that costs.",
        ),
    ),
    minutes=5,
)


# -- What acting on it costs -------------------------------------------------------------------------------------------


def give_answers(rng: np.random.Generator) -> dict:
    """Ten answers with confidence and outcome, and the price of asking."""
    confidence = np.sort(rng.choice(np.arange(30, 99), 10, replace=False))[::-1] / 100
    right = (rng.random(10) < confidence - 0.15).astype(int)
    return {"confidence": confidence, "right": right, "price": round(int(rng.integers(15, 45)) / 100 + 0.005, 3)}


def acting(given: Given) -> float:
    """Return the mean cost of acting by the confidence."""
    return float(np.where(1 - given.confidence < given.price, 1 - given.right, given.price).mean())


def _answered_only(given: Given) -> float:
    answered = 1 - given.confidence < given.price
    return float((1 - given.right)[answered].mean()) if answered.any() else -1.0


ACTING = Exercise(
    name="cost-of-acting",
    title="What acting on it costs",
    give=give_answers,
    solve=acting,
    compare=Number(decimals=3),
    right=(
        lambda g: decisions.costs(g.confidence, g.right, [g.price]).mean(),
        lambda g: sum(1 - r if 1 - c < g.price else g.price for c, r in zip(g.confidence, g.right, strict=True)) / 10,
        lambda g: f"{acting(g):.3f}",
    ),
    wrong=(
        Wrong(
            "believes the promise",
            lambda g: float(np.minimum(g.price, 1 - g.confidence).mean()),
            "This is what the model expects to pay. What it pays depends on whether its answers are right.",
        ),
        Wrong(
            "the threshold is the price",
            lambda g: float(np.where(g.confidence > g.price, 1 - g.right, g.price).mean()),
            "You answered where the confidence exceeds the price. Compare the price with the chance of an error.",
        ),
        Wrong(
            "silence costs nothing",
            lambda g: float(np.where(1 - g.confidence < g.price, 1 - g.right, 0).mean()),
            "You forgot to pay for the questions that were not answered.",
        ),
        Wrong(
            "the answered ones only",
            _answered_only,
            "You averaged over the answers given. Every question costs something, answered or not.",
        ),
    ),
    minutes=6,
)


# -- The surest first --------------------------------------------------------------------------------------------------


def give_order(rng: np.random.Generator) -> dict:
    """Twelve answers with confidence and outcome, and a coverage."""
    confidence = rng.permutation(np.sort(rng.choice(np.arange(30, 99), 12, replace=False))) / 100
    right = (rng.random(12) < confidence).astype(int)
    return {"confidence": confidence, "right": right, "coverage": float(rng.choice([0.25, 0.5, 0.75]))}


def _surest(given: Given) -> np.ndarray:
    return np.argsort(-given.confidence)[: round(12 * given.coverage)]


def risk(given: Given) -> float:
    """Return the error rate among the surest answers at that coverage."""
    return float(1 - given.right[_surest(given)].mean())


def _by_library(given: Given) -> float:
    coverage, risks = metrics.risk_coverage(given.confidence, given.right)
    return float(np.interp(given.coverage, coverage, risks))


RISK = Exercise(
    name="surest-first",
    title="The surest first",
    give=give_order,
    solve=risk,
    compare=Number(decimals=3),
    right=(
        _by_library,
        lambda g: f"{100 * risk(g):.1f} %",
        lambda g: (1 - g.right)[_surest(g)].sum() / len(_surest(g)),
    ),
    wrong=(
        Wrong(
            "the accuracy",
            lambda g: 1 - risk(g),
            "This is the share of right answers. Risk counts the wrong ones.",
        ),
        Wrong(
            "risk is one less coverage",
            lambda g: 1 - g.coverage,
            "That is the share of questions left unanswered. Risk is the share of wrong answers among those given.",
        ),
        Wrong(
            "out of all questions",
            lambda g: float((1 - g.right)[_surest(g)].sum() / 12),
            "You divided by all questions. The risk is a share of the questions that were answered.",
        ),
        Wrong(
            "the least sure first",
            lambda g: float(1 - g.right[np.argsort(g.confidence)[: round(12 * g.coverage)]].mean()),
            "You answered those of which the model is least sure.",
        ),
        Wrong(
            "in the order of the list",
            lambda g: float(1 - g.right[: round(12 * g.coverage)].mean()),
            "You took the first questions of the list. They are not sorted by confidence.",
        ),
    ),
    minutes=5,
)


# -- All prices at once ------------------------------------------------------------------------------------------------


def all_prices(given: Given) -> float:
    """Return the mean cost over all prices from 0 to 1."""
    return float(((given.confidence - given.right) ** 2).mean() + (1 - given.right.mean())) / 2


def _integrated(given: Given) -> float:
    prices = (np.arange(20_000) + 0.5) / 20_000
    return float(decisions.costs(given.confidence, given.right, prices).mean())


ALL_PRICES = Exercise(
    name="all-prices",
    title="All prices at once",
    give=lambda rng: {k: v for k, v in give_answers(rng).items() if k != "price"},
    solve=all_prices,
    compare=Number(decimals=3),
    right=(
        _integrated,
        lambda g: decisions.mean_cost(g.confidence, g.right).mean(),
        lambda g: np.mean((1 - g.confidence) ** 2 / 2 + (1 - g.right) * g.confidence),
    ),
    wrong=(
        Wrong(
            "the Brier score itself",
            lambda g: float(((g.confidence - g.right) ** 2).mean()),
            "The integral of c from 0 to 1 - p brings a factor of one half, and wrong answers stay wrong at any price.",
        ),
        Wrong(
            "both terms, not halved",
            lambda g: 2 * all_prices(g),
            "Both terms are there. Which factor did the integral of c bring?",
        ),
        Wrong(
            "half the Brier score",
            lambda g: float(((g.confidence - g.right) ** 2).mean() / 2),
            "A term is missing that no confidence changes. What does a model pay that is always certain and wrong?",
        ),
        Wrong(
            "the gap of the means",
            lambda g: float(abs(g.confidence.mean() - g.right.mean())),
            "That is how far the mean confidence is from the accuracy. A cost adds up question by question.",
        ),
    ),
    minutes=7,
    level=3,
)

EXERCISES = [PRICES, ACTING, RISK, ALL_PRICES]
