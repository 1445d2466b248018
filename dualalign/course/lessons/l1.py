"""Exercises of lesson 1, first half: from logits to a confidence, and what a temperature does to it."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_softmax, softmax

from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong

WIDEST = 5  # columns of the padded table


def give_odds(rng: np.random.Generator) -> dict:
    """Logits of four options, the best ahead by a gap."""
    gap, lowest = rng.uniform(0.5, 2.2), rng.uniform(1.0, 4.0)
    ladder = lowest + np.array([0.0, 0.6, 1.4, 1.4 + gap])
    return {"logits": rng.permutation(ladder).round(2)}


def gap(logits: np.ndarray) -> float:
    """Return the largest logit less the second."""
    second, first = np.sort(logits)[-2:]
    return float(first - second)


def odds(given: Given) -> float:
    """Return the odds of the best option against the second."""
    return float(np.exp(gap(given.logits)))


def _ratio(values: np.ndarray) -> float:
    second, first = np.sort(values)[-2:]
    return float(first / second)


def give_padding(rng: np.random.Generator) -> dict:
    """Logits of five questions with 2 to 5 options, padded with zeros, and the numbers of options."""
    n_options = rng.permutation([2, 3, 3, 4, 5])
    logits = rng.normal(-0.6, 1.5, (5, WIDEST)).round(2)
    return {"logits": np.where(np.arange(WIDEST) < n_options[:, None], logits, 0.0), "n_options": n_options}


def padded_confidence(given: Given) -> np.ndarray:
    """Return the confidence of each question over its real options, (5,)."""
    rows = zip(given.logits, given.n_options, strict=True)
    return np.array([softmax(z[:k]).max() for z, k in rows])


def _masked_confidence(given: Given) -> np.ndarray:
    real = np.arange(WIDEST) < given.n_options[:, None]
    return softmax(np.where(real, given.logits, -np.inf), axis=1).max(axis=1)


def _ratio_of_sums(given: Given) -> list[float]:
    real = np.arange(WIDEST) < given.n_options[:, None]
    weights = np.exp(given.logits) * real
    return (weights.max(axis=1) / weights.sum(axis=1)).round(3).tolist()


def _shares(given: Given) -> np.ndarray:
    return np.array([z[:k].max() / np.abs(z[:k]).sum() for z, k in zip(given.logits, given.n_options, strict=True)])


def give_powers(rng: np.random.Generator) -> dict:
    """A belief over four options, and a temperature."""
    sharp = (0.96 * softmax(rng.normal(0, 2.0, 4)) + 0.01).round(3)
    sharp[0] = round(1 - sharp[1:].sum(), 3)
    return {"probabilities": rng.permutation(sharp), "temperature": round(rng.uniform(1.6, 3.5), 1)}


def powers(given: Given) -> float:
    """Return the confidence after the temperature, from the probabilities alone."""
    return float(softmax(np.log(given.probabilities) / given.temperature).max())


def _by_power(p: np.ndarray, power: float) -> float:
    return float((p**power).max() / (p**power).sum())


def _log_masked(given: Given) -> np.ndarray:
    real = np.arange(WIDEST) < given.n_options[:, None]
    return log_softmax(np.where(real, given.logits, -1e9), axis=1)


EXERCISES = [
    Exercise(
        name="l1-odds",
        title="How many times as probable?",
        give=give_odds,
        solve=odds,
        compare=Number(decimals=2),
        right=(
            lambda g: _ratio(softmax(g.logits)),
            lambda g: f"{np.exp(gap(g.logits)):.2f}",
            lambda g: np.exp(np.max(g.logits)) / np.exp(np.sort(g.logits)[2]),
        ),
        wrong=(
            Wrong(
                "ratio of the logits",
                lambda g: _ratio(g.logits),
                "You divided one logit by the other. Add 100 to all logits: the probabilities stay, your ratio does "
                "not. What about two logits stays?",
            ),
            Wrong(
                "the gap itself",
                lambda g: gap(g.logits),
                "The gap of the logits is the right thing to look at, but it is a logarithm of what is asked.",
            ),
            Wrong(
                "probability in place of odds",
                lambda g: float(expit(gap(g.logits))),
                "That is the share of the first among these two, a number below 1. How many times as probable is it "
                "as the second?",
            ),
            Wrong(
                "odds against all the others together",
                lambda g: float(softmax(g.logits).max() / (1 - softmax(g.logits).max())),
                "You compared the first option with all the others together. The question names one rival only.",
            ),
        ),
        minutes=5,
        level=1,
    ),
    Exercise(
        name="l1-padding",
        title="A table with holes",
        give=give_padding,
        solve=padded_confidence,
        compare=Numbers(decimals=3),
        right=(_masked_confidence, _ratio_of_sums, lambda g: np.exp(_log_masked(g)).max(axis=1)[:, None]),
        wrong=(
            Wrong(
                "padding counted as an option",
                lambda g: softmax(g.logits, axis=1).max(axis=1),
                "The zeros that fill the table took part in your softmax. A logit of 0 is no absence: it has the "
                "weight exp(0) = 1. What logit has no weight?",
            ),
            Wrong(
                "one softmax over the whole table",
                lambda g: softmax(g.logits).max(axis=1),
                "All your probabilities together sum to 1. Each question is a distribution of its own: mind the axis.",
            ),
            Wrong(
                "shares of the logits",
                _shares,
                "You divided logits by their sum. Logits can be negative and have no zero point: exponentiate first.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="l1-powers",
        title="A temperature without logits",
        give=give_powers,
        solve=powers,
        compare=Number(decimals=3),
        right=(
            lambda g: _by_power(g.probabilities, 1 / g.temperature),
            lambda g: f"{100 * _by_power(g.probabilities, 1 / g.temperature):.1f} %",
            lambda g: np.exp(log_softmax((np.log(g.probabilities) + 7) / g.temperature)).max(),
        ),
        wrong=(
            Wrong(
                "divides the probabilities, not the logits",
                lambda g: float(g.probabilities.max()),
                "Nothing changed. If you divide probabilities by T and make them sum to 1 again, T cancels. What must "
                "be divided by T?",
            ),
            Wrong(
                "the power upside down",
                lambda g: _by_power(g.probabilities, g.temperature),
                "This is surer than before, but the temperature is above 1. Check which way your power goes.",
            ),
            Wrong(
                "forgets to normalise again",
                lambda g: float(g.probabilities.max() ** (1 / g.temperature)),
                "Add up what you get for all four options. Is it 1?",
            ),
            Wrong(
                "softmax of the probabilities",
                lambda g: float(softmax(g.probabilities / g.temperature).max()),
                "You put probabilities into a softmax as if they were logits. Which function of a probability is a "
                "logit?",
            ),
        ),
        minutes=6,
    ),
]
