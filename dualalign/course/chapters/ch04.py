"""Exercises of chapter 4, Deriving Dual-Align."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax

from dualalign.course.answers import Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_two_options(rng: np.random.Generator) -> dict:
    """The PoLM's lead of one option over the other in four questions, and the PLM's belief in it."""
    shares = np.array([rng.uniform(0.55, 0.7), rng.uniform(0.2, 0.45), rng.uniform(0.75, 0.9), rng.uniform(0.2, 0.45)])
    order = rng.permutation(4)
    return {"lead": rng.uniform(1.0, 4.0, 4).round(1), "p_plm": shares[order].round(2)}


def best_temperatures(given: Given) -> np.ndarray:
    """Return lead / log-odds where the PLM leans to the PoLM's favourite, else infinity."""
    return np.where(given.p_plm > 0.5, given.lead / np.abs(logit(given.p_plm)), np.inf)


def searched(given: Given) -> list[float]:
    """Minimise the KL divergence over 1 / T, one question after the other."""
    return [_search(lead, p) for lead, p in zip(given.lead, given.p_plm, strict=True)]


def _search(lead: float, p: float) -> float:
    """The best temperature of one question by a numerical search; inf where the loss falls without end."""

    def loss(beta: float) -> float:
        q = expit(beta * lead)
        return -p * math.log(q) - (1 - p) * math.log(1 - q)

    beta = minimize_scalar(loss, bounds=(0, 10), method="bounded", options={"xatol": 1e-10}).x
    return math.inf if beta < 1e-4 else 1 / beta


def by_slope(given: Given) -> list[float]:
    """The same in closed form, from where the slope in 1/T vanishes."""
    return [
        math.inf if p <= 0.5 else float(lead / math.log(p / (1 - p)))
        for lead, p in zip(given.lead, given.p_plm, strict=True)
    ]


def give_four_options(rng: np.random.Generator) -> dict:
    """Five questions; in one of them the rules of thumb and the slope at infinite temperature part ways."""
    plm = rng.dirichlet([0.8] * 4, 5).round(2)
    plm[:, -1] = (1 - plm[:, :-1].sum(axis=1)).round(2)
    return {"p_plm": plm, "z_polm": rng.normal(0, 1.5, (5, 4)).round(1)}


def finite(given: Given) -> np.ndarray:
    """Tell for each question whether the PLM expects more of the PoLM's logits than their plain mean."""
    return (given.p_plm * given.z_polm).sum(axis=1) > given.z_polm.mean(axis=1)


def finite_by_step(given: Given) -> np.ndarray:
    """Compare the loss at a very high temperature with that at an infinite one."""
    q = softmax(given.z_polm * 1e-5, axis=1)
    return -(given.p_plm * np.log(q)).sum(axis=1) < np.log(4)


def favourite(given: Given) -> np.ndarray:
    """Return the PLM's probability of the PoLM's answer, (5,)."""
    return given.p_plm[np.arange(5), given.z_polm.argmax(axis=1)]


EXERCISES = [
    Exercise(
        name="two",
        title="Two options, four questions",
        give=give_two_options,
        solve=best_temperatures,
        compare=Numbers(decimals=2),
        right=(searched, by_slope, lambda g: [round(float(t), 2) for t in best_temperatures(g)]),
        wrong=(
            Wrong(
                "a negative temperature",
                lambda g: g.lead / logit(g.p_plm),
                "Some of your temperatures are negative, which reverses the answer. Which positive T is best there?",
            ),
            Wrong(
                "the PLM's own answer",
                lambda g: g.lead / np.abs(logit(g.p_plm)),
                "You matched how sure the PLM is of its own answer. Asked is its probability of the PoLM's favourite.",
            ),
            Wrong(
                "multiplies instead of dividing",
                lambda g: np.where(g.p_plm > 0.5, np.abs(logit(g.p_plm)) / g.lead, np.inf),
                "That is 1 / T, the factor on the logits.",
            ),
            Wrong(
                "leaves the probability where the odds belong",
                lambda g: np.where(g.p_plm > 0.5, g.lead / g.p_plm, np.inf),
                "Set the PoLM's probability, 1 / (1 + exp(-lead / T)), equal to p_plm and solve for T.",
            ),
        ),
        minutes=8,
        level=3,
        hint="Set the PoLM's probability at T equal to the PLM's. Where does no positive T do it?",
    ),
    Exercise(
        name="finite",
        title="Where is there a best temperature?",
        give=give_four_options,
        solve=finite,
        compare=Numbers(decimals=0),
        right=(
            finite_by_step,
            lambda g: [int(p @ z > z.mean()) for p, z in zip(g.p_plm, g.z_polm, strict=True)],
            lambda g: (((g.p_plm - 0.25) * g.z_polm).sum(axis=1) > 0).astype(float),
        ),
        wrong=(
            Wrong(
                "where the models agree",
                lambda g: g.p_plm.argmax(axis=1) == g.z_polm.argmax(axis=1),
                "You marked the questions of agreement. On some others a finite one is best too: see the slope.",
            ),
            Wrong(
                "the favourite against 1/K",
                lambda g: favourite(g) > 0.25,
                "You looked at the PoLM's favourite alone. With four options the other three logits count as well.",
            ),
            Wrong(
                "the slope the other way round",
                lambda g: ~finite(g),
                "Those are the questions without one. Which sign must the slope have at beta = 0 for the loss to fall?",
            ),
            Wrong(
                "the favourite against one half",
                lambda g: favourite(g) > 0.5,
                "One half is the border for two options. What takes its place with four?",
            ),
        ),
        minutes=6,
        level=3,
    ),
]
