"""Exercises of chapter 2, Calibration, and how far to trust a reliability diagram."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_pilot(rng: np.random.Generator) -> dict:
    """The noise floor of a pilot study of n questions, and the floor that is wanted."""
    n = int(rng.integers(200, 1000))
    return {"n": n, "floor": round(float(rng.uniform(0.7, 0.95) / math.sqrt(n)), 3), "wanted": 0.01}


def questions_needed(given: Given) -> float:
    """Return the smallest whole number of questions whose noise floor is no higher than wanted."""
    return math.ceil(given.n * (given.floor / given.wanted) ** 2 - 1e-9)


def one_by_one(given: Given) -> int:
    """Count upwards until the floor is low enough."""
    n = given.n
    while given.floor * math.sqrt(given.n / n) > given.wanted + 1e-12:
        n += 1
    return n


def give_reports(rng: np.random.Generator) -> dict:
    """One ECE averaged over subjects, one pooled over all questions, and the floor of the pooled one."""
    subjects, each = int(rng.integers(16, 40)), int(rng.integers(15, 31))
    pooled_floor = round(float(rng.uniform(0.7, 0.9) / math.sqrt(subjects * each)), 3)
    apart = float(rng.uniform(0.01, 0.03))
    return {
        "subjects": subjects,
        "ece_first": round(pooled_floor * math.sqrt(subjects) + apart, 3),
        "ece_second": round(pooled_floor + apart + float(rng.uniform(0.01, 0.04)), 3),
        "floor_second": pooled_floor,
    }


def two_excesses(given: Given) -> list[float]:
    """Return what luck does not explain in either report: the averaged one, then the pooled one."""
    floor_first = given.floor_second * math.sqrt(given.subjects)
    return [given.ece_first - floor_first, given.ece_second - given.floor_second]


EXERCISES = [
    Exercise(
        name="floor",
        title="How many questions must Mira collect?",
        give=give_pilot,
        solve=questions_needed,
        compare=Number(decimals=0),
        right=(
            one_by_one,
            lambda g: np.ceil(g.n / (g.wanted / g.floor) ** 2 - 1e-9),
            lambda g: f"{math.ceil(math.exp(math.log(g.n) + 2 * math.log(g.floor / g.wanted)) - 1e-6)}",
        ),
        wrong=(
            Wrong(
                "the floor falls in proportion",
                lambda g: math.ceil(g.n * g.floor / g.wanted),
                "You let the floor fall as 1/N. Luck averages out more slowly: see the formula for the floor.",
            ),
            Wrong(
                "the square root on the wrong side",
                lambda g: math.ceil(g.n * math.sqrt(g.floor / g.wanted)),
                "You took the root of the ratio of floors. The floor goes with the root of N; solve that for N.",
            ),
            Wrong(
                "the ratio upside down",
                lambda g: math.ceil(g.n * (g.wanted / g.floor) ** 2),
                "That is fewer questions than Mira has. A lower floor needs more.",
            ),
            Wrong(
                "rounded down",
                lambda g: questions_needed(g) - 1,
                "Almost: with one question fewer than needed the floor is still too high. Round up.",
            ),
            Wrong(
                "those that are lacking",
                lambda g: questions_needed(g) - g.n,
                "That is how many she lacks. Asked is how many she needs in all, with those that she has.",
            ),
        ),
        minutes=4,
        hint="Write the floor as a constant over the root of N. Her n questions give the constant; round up.",
    ),
    Exercise(
        name="two-reports",
        title="Which report shows the larger error?",
        give=give_reports,
        solve=two_excesses,
        compare=Numbers(decimals=3),
        right=(
            lambda g: np.array([g.ece_first, g.ece_second]) - g.floor_second * np.array([math.sqrt(g.subjects), 1]),
            lambda g: [round(value, 3) for value in two_excesses(g)],
            lambda g: (
                g.ece_first - math.sqrt(g.subjects * g.floor_second**2),
                float(np.subtract(g.ece_second, g.floor_second)),
            ),
        ),
        wrong=(
            Wrong(
                "one floor for both",
                lambda g: [g.ece_first - g.floor_second, g.ece_second - g.floor_second],
                "You took the same floor off both. How many questions has each ECE that the first report averages?",
            ),
            Wrong(
                "averaging removes the noise",
                lambda g: [g.ece_first - g.floor_second / math.sqrt(g.subjects), g.ece_second - g.floor_second],
                "You let the mean over subjects average the noise away. An ECE is never negative: noise cannot cancel.",
            ),
            Wrong(
                "the floor falls in proportion",
                lambda g: [g.ece_first - g.floor_second * g.subjects, g.ece_second - g.floor_second],
                "You let the floor go with 1/N. A subject holds so many times fewer questions: which power counts?",
            ),
            Wrong(
                "the order",
                lambda g: two_excesses(g)[::-1],
                "The two belong the other way round: the first report comes first.",
            ),
            Wrong(
                "the reported numbers as they stand",
                lambda g: [g.ece_first, g.ece_second],
                "Those are the reported errors. Asked is what luck does not explain: take off each report's own floor.",
            ),
        ),
        minutes=6,
        level=3,
    ),
]
