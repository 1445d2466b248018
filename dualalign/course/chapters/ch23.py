"""Exercise of chapter 23, Use it on your own pair."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_log(rng: np.random.Generator) -> dict:
    """Log-probabilities of four options that hold about four fifths of the vocabulary's probability."""
    z = np.sort(rng.normal(0, 1.5, 4))[::-1]
    z[0] += 1.0
    share = rng.uniform(0.7, 0.9)
    logprobs = z - np.logaddexp.reduce(z) + math.log(share)
    return {"logprobs": rng.permutation(logprobs).round(3).tolist(), "T": round(float(rng.uniform(1.6, 3.0)), 1)}


def over_options(given: Given, beta: float) -> float:
    """The largest probability of a softmax over the options alone."""
    z = beta * np.asarray(given.logprobs)
    return float(np.exp(z.max() - np.logaddexp.reduce(z)))


def calibrated(given: Given) -> float:
    """Return the answer at the temperature of the trace."""
    return over_options(given, 1 / given.T)


def by_gaps(given: Given) -> float:
    """From the gaps to the best option: 1 / sum exp(-gap / T)."""
    best = max(given.logprobs)
    return 1 / sum(math.exp((value - best) / given.T) for value in given.logprobs)


def by_powers(given: Given) -> float:
    """Probabilities to the power 1 / T, normalised."""
    p = np.exp(given.logprobs) ** (1 / given.T)
    return float(p.max() / p.sum())


EXERCISES = [
    Exercise(
        name="from-log",
        title="A confidence from a server's log",
        give=give_log,
        solve=calibrated,
        compare=Number(decimals=3),
        right=(by_gaps, by_powers, lambda g: f"{100 * calibrated(g):.2f} %"),
        wrong=(
            Wrong(
                "forgets the temperature",
                lambda g: over_options(g, 1.0),
                "That is the confidence at temperature 1. Where does T come in?",
            ),
            Wrong(
                "multiplies by the temperature",
                lambda g: over_options(g, g.T),
                "Your answer is surer than the model was. Logits are divided by T, not multiplied.",
            ),
            Wrong(
                "keeps the vocabulary's share",
                lambda g: math.exp(max(g.logprobs)),
                "These are probabilities over the whole vocabulary. The confidence is over the options alone.",
            ),
            Wrong(
                "divides the probability",
                lambda g: over_options(g, 1.0) / g.T,
                "You divided a probability by T. The temperature acts on logits, before the softmax.",
            ),
            Wrong(
                "tempers, but does not normalise",
                lambda g: math.exp(max(g.logprobs) / g.T),
                "The options' probabilities must sum to 1 after the temperature, too. Normalise over them.",
            ),
        ),
        minutes=5,
    ),
]
