"""Exercises of chapter 24, At scale."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_bill(rng: np.random.Generator) -> dict:
    """A model's size, questions and tokens of each, a card's speed and its price an hour."""
    return {
        "billions": int(rng.integers(7, 120)),
        "questions": int(rng.integers(5, 30)) * 1000,
        "tokens": int(rng.integers(80, 400)),
        "speed": int(rng.integers(15, 45)) * 10,
        "price": round(float(rng.uniform(1.5, 6)), 2),
    }


def seconds(given: Given, models: int = 2, per_weight: int = 2) -> float:
    """Seconds of one card: two operations a weight and token, both models."""
    return models * per_weight * given.billions * 1e9 * given.questions * given.tokens / (given.speed * 1e12)


def bill(given: Given) -> float:
    """Return the price of tracing, from its seconds."""
    return seconds(given) / 3600 * given.price


def by_tokens(given: Given) -> float:
    """From the tokens that a card reads in an hour."""
    an_hour = given.speed * 1e12 * 3600 / (2 * given.billions * 1e9)
    return 2 * given.questions * given.tokens / an_hour * given.price


def by_question(given: Given) -> float:
    """The same, question by question."""
    a_question = 2 * 2 * given.billions * given.tokens * 1e9
    return given.questions * a_question / (given.speed * 1e12) * (given.price / 3600)


def give_cards(rng: np.random.Generator) -> dict:
    """Weights that need more than one card in two bytes, and fewer in one."""
    while True:
        given = {"billions": int(rng.integers(40, 450)), "card": int(rng.choice([24, 48, 80, 141]))}
        if 3 <= math.ceil(2 * given["billions"] / given["card"]) <= 30 and 2 * given["billions"] % given["card"]:
            return given


def cards(given: Given) -> float:
    """Return how many cards hold the weights."""
    return math.ceil(2 * given.billions / given.card)


def by_filling(given: Given) -> float:
    """Fill card after card."""
    left, used = 2 * given.billions, 0
    while left > 0:
        left, used = left - given.card, used + 1
    return used


EXERCISES = [
    Exercise(
        name="bill",
        title="What does the pair cost?",
        give=give_bill,
        solve=bill,
        compare=Number(decimals=2),
        right=(by_tokens, by_question, lambda g: round(bill(g), 2)),
        wrong=(
            Wrong(
                "one model",
                lambda g: bill(g) / 2,
                "A pair is two models, and each reads every question.",
            ),
            Wrong(
                "what training costs",
                lambda g: 3 * bill(g),
                "Six operations a weight and token are training's, with its way back. A trace goes forward only.",
            ),
            Wrong(
                "seconds for hours",
                lambda g: seconds(g) * g.price,
                "The price is by the hour. How many seconds has one?",
            ),
            Wrong(
                "hours instead of money",
                lambda g: seconds(g) / 3600,
                "These are the hours of one card. What do they cost?",
            ),
            Wrong(
                "one token a question",
                lambda g: bill(g) / g.tokens,
                "Every token of the prompt passes through the model, not only the last one, where it is read.",
            ),
        ),
        minutes=5,
    ),
    Exercise(
        name="cards",
        title="How many cards hold it?",
        give=give_cards,
        solve=cards,
        compare=Number(decimals=1),
        right=(by_filling, lambda g: -(-2 * g.billions // g.card), lambda g: float(cards(g))),
        wrong=(
            Wrong(
                "twice too much",
                lambda g: math.ceil(4 * g.billions / g.card),
                "Did you take four bytes a weight, or both models at once? The trace loads one model after the other.",
            ),
            Wrong(
                "one byte a weight",
                lambda g: math.ceil(g.billions / g.card),
                "bfloat16 takes two bytes a weight.",
            ),
            Wrong(
                "part of a card",
                lambda g: 2 * g.billions / g.card,
                "Nobody rents a fraction of a card. Round up.",
            ),
            Wrong(
                "rounds down",
                lambda g: 2 * g.billions // g.card,
                "The last weights have no place. Round up.",
            ),
        ),
        minutes=3,
    ),
]
