"""Exercises of chapter 20, The ledger."""

from __future__ import annotations

import numpy as np
from scipy import stats

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_effects(rng: np.random.Generator) -> dict:
    """The effects of a claim in seven sets."""
    return {"effects": np.round(rng.normal(rng.uniform(0.005, 0.03), 0.02, 7), 3)}


def lower_end(given: Given, quantile: float = 0.975, ddof: int = 1, root: bool = True) -> float:
    """Return the lower end of Student's interval over the sets."""
    n = len(given.effects)
    error = given.effects.std(ddof=ddof) / (np.sqrt(n) if root else 1)
    return float(given.effects.mean() - stats.t.ppf(quantile, n - 1) * error)


def by_the_library(given: Given) -> float:
    """The same from SciPy's interval."""
    error = stats.sem(given.effects)
    return float(stats.t.interval(0.95, len(given.effects) - 1, given.effects.mean(), error)[0])


def by_a_test(given: Given) -> float:
    """The same from SciPy's test of one sample."""
    return float(stats.ttest_1samp(given.effects, 0).confidence_interval(0.95).low)


EXERCISES = [
    Exercise(
        name="verdict",
        title="A verdict by hand",
        give=give_effects,
        solve=lower_end,
        compare=Number(decimals=4),
        right=(by_the_library, by_a_test, lambda g: f"{lower_end(g):.4f}"),
        wrong=(
            Wrong(
                "the normal quantile for seven sets",
                lambda g: float(g.effects.mean() - 1.959964 * stats.sem(g.effects)),
                "That is the quantile of a normal distribution. With seven sets the spread is a guess too: Student's.",
            ),
            Wrong(
                "the spread of the sets, not of their mean",
                lambda g: lower_end(g, root=False),
                "That is the spread of one more set. The claim is about the mean: the root of their number enters.",
            ),
            Wrong(
                "the standard deviation of a population",
                lambda g: lower_end(g, ddof=0),
                "You divided by n under the root. The seven sets stand for others: a sample's deviation takes n - 1.",
            ),
            Wrong(
                "a one-sided quantile",
                lambda g: lower_end(g, quantile=0.95),
                "That quantile leaves 5 % below. The rule's 95 % interval leaves 2.5 % on either side.",
            ),
            Wrong(
                "a degree of freedom for every set",
                lambda g: float(g.effects.mean() - stats.t.ppf(0.975, len(g.effects)) * stats.sem(g.effects)),
                "You took seven degrees of freedom. The mean was estimated from the same seven numbers: one is spent.",
            ),
            Wrong(
                "the upper end",
                lambda g: float(2 * g.effects.mean() - lower_end(g)),
                "That is the upper end. The claim says that the effect is positive: it stands or falls with the lower.",
            ),
            Wrong(
                "no interval at all",
                lambda g: float(g.effects.mean()),
                "That is the mean effect, the middle of the interval. How far would it move with seven other sets?",
            ),
            Wrong(
                "a percentile of the seven sets",
                lambda g: float(np.percentile(g.effects, 2.5)),
                "That is a low value among the seven sets. The rule asks where the mean over sets may lie.",
            ),
        ),
        minutes=8,
        hint="Mean of the seven, less Student's quantile times the standard error of that mean; four decimals.",
    )
]
