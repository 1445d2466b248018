"""Exercises of lesson 5, Aligning with the PLM: many questions, and those on which the models disagree."""

from __future__ import annotations

import math

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import aligned, best_on_grid, crossing, kl, rounded, softmax


def _questions(rng: np.random.Generator, n: int, apart: float, gain: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a PLM and of a PoLM that is surer and, to the extent of `apart`, of another opinion."""
    plm = rng.normal(0, 1.2, (n, 4))
    polm = gain * (plm + apart * rng.normal(0, 1.2, (n, 4)))
    return np.round(plm, 1), np.round(polm, 1)


def _least_mean_loss(logits: np.ndarray, belief: np.ndarray) -> float:
    return best_on_grid(lambda t: float(kl(belief, softmax(logits, t)).mean()))


def _traces(plm_logits: np.ndarray, polm_logits: np.ndarray):
    from dualalign.traces import Traces

    n, k = plm_logits.shape
    asked = tuple(f"q{i}" for i in range(n))
    return Traces(plm_logits[:, None], polm_logits[:, None], np.zeros(n, int), np.full(n, k), asked)


# -- One temperature for all -------------------------------------------------------------------------------------------


def give_five(rng: np.random.Generator) -> dict:
    """Five questions: the PLM's beliefs and the PoLM's logits."""
    plm, polm = _questions(rng, 5, apart=0.35)
    return {"plm": rounded(softmax(plm)), "polm_logits": polm}


def one_for_all(given: Given) -> float:
    """Return the one temperature that aligns all."""
    return aligned(given.polm_logits, given.plm)


def _library(given: Given) -> float:
    from dualalign.calibrators import AlignAll

    return AlignAll().fit(_traces(np.log(given.plm), given.polm_logits)).temperature_


ONE_FOR_ALL = Exercise(
    name="one-for-all",
    title="One temperature for five questions",
    give=give_five,
    solve=one_for_all,
    compare=Number(decimals=2),
    right=(
        lambda g: _least_mean_loss(g.polm_logits, g.plm),
        _library,
        lambda g: [round(one_for_all(g), 2)],
    ),
    wrong=(
        Wrong(
            "mean of five temperatures",
            lambda g: float(np.mean([aligned(z[None], p[None]) for z, p in zip(g.polm_logits, g.plm, strict=True)])),
            "You averaged the questions' own temperatures. What is averaged is the loss, at one temperature for all.",
        ),
        Wrong(
            "equal mean confidence",
            lambda g: crossing(lambda t: float((softmax(g.polm_logits, t).max(axis=1) - g.plm.max(axis=1)).mean())),
            "There the two mean confidences are equal. The slope of the loss compares means of logits.",
        ),
        Wrong(
            "one average question",
            lambda g: aligned(g.polm_logits.mean(axis=0)[None], g.plm.mean(axis=0)[None]),
            "You averaged logits and beliefs first, as if option 1 meant the same in every question.",
        ),
    ),
    minutes=7,
)


# -- No best temperature -----------------------------------------------------------------------------------------------


def give_twelve(rng: np.random.Generator) -> dict:
    """Twelve questions, on some of which no temperature is best."""
    plm, polm = _questions(rng, 12, apart=1.5, gain=1.5)
    return {"plm": rounded(softmax(plm)), "polm_logits": polm}


def no_optimum(given: Given) -> int:
    """Return on how many the loss falls without end."""
    expected = (given.plm * given.polm_logits).sum(axis=1)
    return int((expected <= given.polm_logits.mean(axis=1)).sum())


def _favourite(given: Given) -> np.ndarray:
    """What the PLM gives to the PoLM's answer."""
    return given.plm[np.arange(len(given.plm)), given.polm_logits.argmax(axis=1)]


def _none_by_loss(given: Given) -> int:
    """Count the questions whose loss is not smaller anywhere than at an infinite temperature."""
    far, grid = 1e7, np.geomspace(0.05, 1e4, 2000)
    losses = np.array([kl(given.plm, softmax(given.polm_logits, t)) for t in grid])
    return int((losses.min(axis=0) >= kl(given.plm, softmax(given.polm_logits, far))).sum())


def _clear(rng: np.random.Generator) -> dict:
    """Draw until no question lies on the border."""
    while True:
        given = give_twelve(rng)
        margin = (given["plm"] * (given["polm_logits"] - given["polm_logits"].mean(axis=1, keepdims=True))).sum(axis=1)
        if np.abs(margin).min() > 0.02:
            return given


NO_OPTIMUM = Exercise(
    name="no-optimum",
    title="How many have no best temperature?",
    give=_clear,
    solve=no_optimum,
    compare=Number(decimals=0),
    right=(
        _none_by_loss,
        lambda g: sum(math.isinf(aligned(z[None], p[None])) for z, p in zip(g.polm_logits, g.plm, strict=True)),
        lambda g: str(no_optimum(g)),
    ),
    wrong=(
        Wrong(
            "the rule of 1/K",
            lambda g: int((_favourite(g) < 0.25).sum()),
            "You asked whether the PoLM's favourite gets less than 1/4. With four options the other logits count too.",
        ),
        Wrong(
            "every disagreement",
            lambda g: int((g.plm.argmax(axis=1) != g.polm_logits.argmax(axis=1)).sum()),
            "You counted the disagreements. Some of them have a finite best temperature: see the slope at beta = 0.",
        ),
        Wrong(
            "the favourite gets less than a half",
            lambda g: int((_favourite(g) < 0.5).sum()),
            "One half is the border for two options. Here are four: the slope at beta = 0 is a difference of means.",
        ),
    ),
    minutes=6,
    level=3,
)


# -- Who is right where they differ? -----------------------------------------------------------------------------------


def give_counts(rng: np.random.Generator) -> dict:
    """Of a thousand questions, on how many the models agree and each is right."""
    agree = int(rng.integers(600, 800))
    both, apart = int(agree * rng.uniform(0.55, 0.7)), 1000 - agree
    plm, polm = int(apart * rng.uniform(0.2, 0.35)), int(apart * rng.uniform(0.25, 0.5))
    return {"questions": 1000, "agree": agree, "both_right": both, "plm_right": both + plm, "polm_right": both + polm}


def right_apart(given: Given) -> float:
    """Return how often the PoLM is right where the models disagree."""
    return (given.polm_right - given.both_right) / (given.questions - given.agree)


WHO_IS_RIGHT = Exercise(
    name="who-is-right",
    title="Who is right where they differ?",
    give=give_counts,
    solve=right_apart,
    compare=Number(decimals=3),
    right=(
        lambda g: f"{100 * right_apart(g):.1f} %",
        lambda g: np.mean(
            [1] * (g.polm_right - g.both_right) + [0] * (g.questions - g.agree - g.polm_right + g.both_right)
        ),
        lambda g: (g.polm_right / g.questions - g.both_right / g.questions) / (1 - g.agree / g.questions),
    ),
    wrong=(
        Wrong(
            "disagreement means that the PoLM is wrong",
            lambda g: 0.0,
            "You took the PLM for the truth. How many of the PoLM's right answers lie outside the agreement?",
        ),
        Wrong(
            "one is wrong, so the other is right",
            lambda g: 1 - (g.plm_right - g.both_right) / (g.questions - g.agree),
            "You gave the PoLM every question that the PLM gets wrong there. With four options both can be wrong.",
        ),
        Wrong(
            "the share of all questions",
            lambda g: g.polm_right / g.questions,
            "This is the PoLM's accuracy on everything. Asked is that on the questions of disagreement.",
        ),
        Wrong(
            "the PLM's share",
            lambda g: (g.plm_right - g.both_right) / (g.questions - g.agree),
            "This is how often the PLM is right there. Asked is the PoLM.",
        ),
    ),
    minutes=5,
)


# -- What DACA keeps ---------------------------------------------------------------------------------------------------


def give_labelled(rng: np.random.Generator) -> dict:
    """Ten questions with both models' logits and the right answers."""
    plm, polm = _questions(rng, 10, apart=0.8)
    label = np.where(rng.random(10) < 0.5, polm.argmax(axis=1), rng.integers(0, 4, 10))
    return {"plm_logits": plm, "polm_logits": polm, "label": label}


def _kept(given: Given, keep: np.ndarray) -> float:
    return aligned(given.polm_logits[keep], softmax(given.plm_logits[keep])) if keep.any() else math.inf


def _agree(given: Given) -> np.ndarray:
    return given.plm_logits.argmax(axis=1) == given.polm_logits.argmax(axis=1)


def _daca(given: Given) -> float:
    from dualalign.calibrators import DACA

    return DACA().fit(_traces(given.plm_logits, given.polm_logits)).temperature_


DACA_KEEPS = Exercise(
    name="daca-keeps",
    title="What DACA keeps",
    give=give_labelled,
    solve=lambda g: _kept(g, _agree(g)),
    compare=Number(decimals=2),
    right=(
        _daca,
        lambda g: _least_mean_loss(g.polm_logits[_agree(g)], softmax(g.plm_logits[_agree(g)])),
        lambda g: f"{_kept(g, _agree(g)):.2f}",
    ),
    wrong=(
        Wrong(
            "keeps every question",
            lambda g: _kept(g, np.full(len(g.label), True)),
            "This is the temperature of align-all. Which questions does DACA leave out?",
        ),
        Wrong(
            "keeps the questions that the PoLM gets right",
            lambda g: _kept(g, g.polm_logits.argmax(axis=1) == g.label),
            "You used the labels. DACA has none: agreement is between the two models, not with the truth.",
        ),
        Wrong(
            "keeps the disagreements",
            lambda g: _kept(g, ~_agree(g)),
            "You kept what DACA drops.",
        ),
    ),
    minutes=7,
)

EXERCISES = [ONE_FOR_ALL, NO_OPTIMUM, WHO_IS_RIGHT, DACA_KEEPS]
