"""Exercises of lesson 2, second half: the noise floor, and errors that an average hides."""

from __future__ import annotations

from math import comb, floor

import numpy as np
from scipy.stats import binom

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_floor(rng: np.random.Generator) -> dict:
    """A number of answers, all of one confidence."""
    return {"answers": int(rng.integers(30, 91)), "confidence": round(rng.uniform(0.6, 0.85), 3)}


def perfect_error(given: Given) -> float:
    """Return the mean ECE of a perfectly calibrated model, exactly."""
    k = np.arange(given.answers + 1)
    return float(binom.pmf(k, given.answers, given.confidence) @ np.abs(k / given.answers - given.confidence))


def _by_draws(given: Given) -> float:
    right = np.random.default_rng(0).binomial(given.answers, given.confidence, 400_000)
    return float(np.abs(right / given.answers - given.confidence).mean())


def _de_moivre(given: Given) -> float:
    n, c = given.answers, given.confidence
    m = floor(n * c) + 1
    return 2 * m * comb(n, m) * c**m * (1 - c) ** (n - m + 1) / n


def _deviation(given: Given) -> float:
    return float(np.sqrt(given.confidence * (1 - given.confidence) / given.answers))


def give_size(rng: np.random.Generator) -> dict:
    """The noise floor of some answers, and the floor that is wanted."""
    wanted = round(rng.uniform(0.008, 0.016), 4)
    return {"answers": int(rng.integers(96, 320)), "floor": round(wanted * rng.uniform(2.5, 5), 4), "wanted": wanted}


def size(given: Given) -> float:
    """Return how many answers have that floor."""
    return given.answers * (given.floor / given.wanted) ** 2


def give_topics(rng: np.random.Generator) -> dict:
    """Draw four topics: two too sure, two too unsure, so that the pooled gap is small."""
    answers = rng.integers(40, 240, 4)
    confidence = rng.uniform(0.72, 0.78, 4).round(3)
    gaps = rng.permutation(np.array([-0.18, -0.08, 0.1, 0.14])) + rng.uniform(-0.03, 0.03, 4)
    return {"answers": answers, "confidence": confidence, "right": np.rint(answers * (confidence + gaps)).astype(int)}


def topic_gaps(given: Given) -> np.ndarray:
    """Return accuracy less confidence of every topic."""
    return given.right / given.answers - given.confidence


def topics(given: Given) -> float:
    """Return the mean size of the gaps, weighted by answers."""
    return float(np.average(np.abs(topic_gaps(given)), weights=given.answers))


def _pooled(given: Given) -> float:
    return float(abs(np.average(topic_gaps(given), weights=given.answers)))


EXERCISES = [
    Exercise(
        name="l2-floor",
        title="The error of a perfect helper",
        give=give_floor,
        solve=perfect_error,
        compare=Number(decimals=3),
        right=(_by_draws, _de_moivre, lambda g: f"{perfect_error(g):.3f}"),
        wrong=(
            Wrong(
                "zero for a perfect helper",
                lambda g: 0.0,
                "Perfect on average is not perfect on every record. Draw one record: is the share of right answers "
                "exactly the confidence?",
            ),
            Wrong(
                "standard deviation for mean distance",
                _deviation,
                "That is the standard deviation of the share, the root of a mean square. An ECE averages absolute "
                "distances, which are smaller.",
            ),
            Wrong(
                "distance of single answers",
                lambda g: 2 * g.confidence * (1 - g.confidence),
                "You averaged |right or wrong - confidence| over single answers. Average the answers of a record "
                "first, then take the distance.",
            ),
        ),
        minutes=8,
        level=3,
    ),
    Exercise(
        name="l2-size",
        title="How many questions must she collect?",
        give=give_size,
        solve=size,
        compare=Number(decimals=-1),
        right=(
            lambda g: np.ceil(size(g) - 1e-9),
            lambda g: (np.sqrt(g.answers) * g.floor / g.wanted) ** 2,
            lambda g: str(round(size(g))),
        ),
        wrong=(
            Wrong(
                "half the noise, twice the questions",
                lambda g: g.answers * g.floor / g.wanted,
                "You let the floor fall in proportion to the number of questions. Look at the last column of the "
                "table: what stays the same when the number grows?",
            ),
            Wrong(
                "the root of the ratio",
                lambda g: g.answers * np.sqrt(g.floor / g.wanted),
                "The root belongs to the number of questions: the floor goes with 1 / sqrt(N). Solve that for N.",
            ),
            Wrong(
                "only the additional ones",
                lambda g: size(g) - g.answers,
                "These are the questions still to be added. Asked is how many there must be altogether.",
            ),
        ),
        minutes=5,
    ),
    Exercise(
        name="l2-topics",
        title="Right on average, wrong for everybody",
        give=give_topics,
        solve=topics,
        compare=Number(decimals=3),
        right=(
            lambda g: np.abs(g.right - g.answers * g.confidence).sum() / g.answers.sum(),
            lambda g: sum(n * abs(x) for n, x in zip(g.answers, topic_gaps(g), strict=True)) / sum(g.answers),
            lambda g: f"{100 * topics(g):.2f} %",
        ),
        wrong=(
            Wrong(
                "topics pooled first",
                _pooled,
                "You pooled the topics before taking the distance, so too sure and too unsure cancel. A pupil of "
                "biology gets nothing from what chemistry makes up for.",
            ),
            Wrong(
                "topics unweighted",
                lambda g: float(np.abs(topic_gaps(g)).mean()),
                "Every topic counted the same. Asked is the mean over answers: a topic with more answers counts more.",
            ),
            Wrong(
                "the worst topic",
                lambda g: float(np.abs(topic_gaps(g)).max()),
                "That is the topic with the largest distance. Asked is the mean.",
            ),
        ),
        minutes=8,
    ),
]
