"""Exercises of chapter 22, Errata."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_logits_and_shares(rng: np.random.Generator) -> dict:
    """Draw until the threshold is well inside (0, 1)."""
    while True:
        logits = np.round(np.sort(rng.normal(0, 2, 4))[::-1], 1)
        shares = np.round(rng.dirichlet([1, 1, 1]), 2)
        shares[-1] = round(1 - shares[:-1].sum(), 2)
        given = Given(logits=logits, shares=shares)
        if logits[0] > logits[1] and shares.min() > 0 and 0.05 < threshold(given) < 0.95:
            return vars(given)


def threshold(given: Given) -> float:
    """Return the p at which the PLM's mean of the PoLM's logits equals their plain mean (DACA, Prop. 3.3, mended)."""
    others = given.shares @ given.logits[1:]
    return float((given.logits.mean() - others) / (given.logits[0] - others))


def by_bisection(given: Given) -> float:
    """The belief in the first option from which on the optimum is finite, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        belief = np.array([middle, *((1 - middle) * given.shares)])
        low, high = (middle, high) if belief @ given.logits < given.logits.mean() else (low, middle)
    return high


def by_a_line(given: Given) -> float:
    """The PLM's mean is a straight line in p: interpolate it where it meets the plain mean."""
    ends = given.shares @ given.logits[1:], given.logits[0]
    return float(np.interp(given.logits.mean(), ends, (0.0, 1.0)))


def own_confidence(given: Given) -> float:
    """Return the confidence of the logits as they are."""
    raised = np.exp(given.logits - given.logits.max())
    return float(raised[0] / raised.sum())


EXERCISES = [
    Exercise(
        name="errata-two",
        title="Where infinity begins",
        give=give_logits_and_shares,
        solve=threshold,
        compare=Number(decimals=3),
        right=(by_bisection, by_a_line, lambda g: f"{100 * threshold(g):.1f} %"),
        wrong=(
            Wrong(
                "the proposition as written",
                lambda g: 1 / 4,
                "That is 1/K, the rule as written. It holds if the PLM splits the rest evenly. Does it here?",
            ),
            Wrong(
                "the rule of two options",
                lambda g: 1 / 2,
                "One half is the rule for two options. Here the three others have different logits.",
            ),
            Wrong(
                "compares the two models' confidences",
                own_confidence,
                "That is the PoLM's own confidence. Finite or not is decided at an infinite T, where it is flat.",
            ),
            Wrong(
                "forgets that the rest is split unevenly",
                lambda g: float((g.logits.mean() - g.logits[1]) / (g.logits[0] - g.logits[1])),
                "You gave all the rest to the second option. It is split in the proportions of shares.",
            ),
            Wrong(
                "lets the rest keep its weight",
                lambda g: float((g.logits.mean() - g.shares @ g.logits[1:]) / g.logits[0]),
                "Your PLM's probabilities sum to 1 + p. The other three share what is left of 1.",
            ),
        ),
        minutes=12,
        level=3,
        hint="Write the PLM's mean of the logits as a function of p, and ask where it equals the plain mean.",
    )
]
