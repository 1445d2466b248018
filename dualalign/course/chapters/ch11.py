"""Exercises of chapter 11, How many questions does it need?"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_refuse(rng: np.random.Generator) -> dict:
    """How often the models agree, and the chance of a refusal that is still taken."""
    return {"agree": round(float(rng.uniform(0.12, 0.45)), 3), "limit": float(rng.choice([0.05, 0.02, 0.01, 0.005]))}


def fewest(given: Given) -> int:
    """Return the fewest questions with which DACA is refused that rarely."""
    return math.ceil(math.log(given.limit) / math.log(1 - given.agree))


def by_trying(given: Given) -> int:
    """The same, number by number."""
    return next(n for n in range(1, 10_000) if (1 - given.agree) ** n <= given.limit)


def by_geometric(given: Given) -> float:
    """Take the quantile of the number of the first agreement."""
    return float(stats.geom.ppf(1 - given.limit, given.agree))


def give_thin(rng: np.random.Generator) -> dict:
    """Questions, the agreement rate, and how DACA's spread compares with that of all questions."""
    agree, ratio = rng.uniform(0.35, 0.7), rng.uniform(0.75, 0.93)
    return {"questions": int(rng.integers(40, 200)), "agree": round(float(agree), 2), "ratio": round(float(ratio), 2)}


def as_steady(given: Given) -> float:
    """Return how many questions DACA needs to be as steady."""
    return given.questions / given.ratio**2


EXERCISES = [
    Exercise(
        name="refuse",
        title="When does DACA refuse?",
        give=give_refuse,
        solve=fewest,
        compare=Number(decimals=0),
        right=(by_trying, by_geometric, lambda g: f"{fewest(g)}"),
        wrong=(
            Wrong(
                "all questions agree",
                lambda g: math.ceil(math.log(g.limit) / math.log(g.agree)),
                "You asked that all questions be agreements. DACA refuses if none of them is.",
            ),
            Wrong(
                "one too few",
                lambda g: fewest(g) - 1,
                "With so many the probability is still above the limit. Which way must one round?",
            ),
            Wrong(
                "the mean wait for the first",
                lambda g: math.ceil(1 / g.agree),
                "That is how long one waits for the first agreement on average. The limit does not enter there.",
            ),
            Wrong(
                "probabilities add up",
                lambda g: math.ceil((1 - g.limit) / g.agree),
                "You added the chances of the single questions. Chances that several things all fail are multiplied.",
            ),
        ),
        minutes=4,
    ),
    Exercise(
        name="thin",
        title="What is a discarded question worth?",
        give=give_thin,
        solve=as_steady,
        compare=Number(decimals=0),
        right=(
            lambda g: round(as_steady(g)),
            lambda g: math.exp(math.log(g.questions) - 2 * math.log(g.ratio)),
            lambda g: f"{as_steady(g):.0f}",
        ),
        wrong=(
            Wrong(
                "the square is missing",
                lambda g: g.questions / g.ratio,
                "The scatter falls with the root of the number of questions, not with the number itself.",
            ),
            Wrong(
                "the ratio upside down",
                lambda g: g.questions * g.ratio**2,
                "Who scatters less here? The other method needs more questions to be as steady.",
            ),
            Wrong(
                "as many as DACA keeps",
                lambda g: g.agree * g.questions,
                "That would be so if agreeing questions were like any others. The measured ratio says otherwise.",
            ),
            Wrong(
                "counts the discarding twice",
                lambda g: g.agree * g.questions / g.ratio**2,
                "The ratio was measured with the discarding in it: the share must not enter a second time.",
            ),
        ),
        minutes=5,
        level=3,
    ),
]
