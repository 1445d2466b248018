"""Exercises of lesson 7, The premise: a true temperature, when it holds, when two errors cancel, what travels."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import aligned, best_on_grid, rounded, softmax

# -- The true temperature ----------------------------------------------------------------------------------------------


def give_world(rng: np.random.Generator) -> dict:
    """Ten questions: the true beliefs, the PLM's, blank on three, and the PoLM's logits."""
    truth = rng.normal(0, 1.3, (10, 4))
    hidden = np.arange(10) >= 7  # what the PoLM has learned and the PLM cannot know
    polm = 3.0 * truth + 1.5 * rng.normal(0, 1, (10, 4))
    exact = rounded(softmax(truth))
    plm = np.where(hidden[:, None], rounded(softmax(0.1 * rng.normal(0, 1, (10, 4)))), exact)
    return {"truth": exact, "plm": plm, "polm_logits": np.round(polm, 1)}


def too_high(given: Given) -> float:
    """Return how many times too high the temperature fitted to the PLM is."""
    return aligned(given.polm_logits, given.plm) / aligned(given.polm_logits, given.truth)


def _log_loss(given: Given, target: np.ndarray) -> float:
    return best_on_grid(lambda t: float(-(target * np.log(softmax(given.polm_logits, t))).sum(axis=1).mean()))


def _dropped(given: Given) -> float:
    same = given.plm.argmax(axis=1) == given.polm_logits.argmax(axis=1)
    return aligned(given.polm_logits[same], given.plm[same]) / aligned(given.polm_logits, given.truth)


TRUE_TEMPERATURE = Exercise(
    name="true-temperature",
    title="How far from the true temperature?",
    give=give_world,
    solve=too_high,
    compare=Number(decimals=2),
    right=(
        lambda g: _log_loss(g, g.plm) / _log_loss(g, g.truth),
        lambda g: f"{too_high(g):.3f}",
        lambda g: np.exp(np.log(aligned(g.polm_logits, g.plm)) - np.log(aligned(g.polm_logits, g.truth))),
    ),
    wrong=(
        Wrong(
            "a calibrated PLM means the true temperature",
            lambda g: 1.0,
            "The PLM is calibrated for what it can see. Is its belief the truth on the last three questions?",
        ),
        Wrong(
            "the other way round",
            lambda g: 1 / too_high(g),
            "You divided the true temperature by align-all's.",
        ),
        Wrong(
            "DACA's temperature",
            _dropped,
            "You dropped the disagreements. Align-all keeps every question.",
        ),
    ),
    minutes=8,
)


# -- Does the premise hold? --------------------------------------------------------------------------------------------


def give_settings(rng: np.random.Generator) -> dict:
    """Accuracy, chance, ECE and noise floor of the PLM in twelve settings."""
    good, off, guessing = (int(n) for n in (rng.integers(2, 5), rng.integers(1, 4), rng.integers(1, 4)))
    knows = np.arange(12) < good + off
    near = (np.arange(12) < good) | (np.arange(12) >= 12 - guessing)
    chance, floor = np.full(12, 0.25), rng.choice([0.02, 0.03, 0.05, 0.06], 12)
    accuracy = chance + np.where(knows, rng.uniform(0.12, 0.3, 12), rng.uniform(0.01, 0.08, 12))
    ece = floor + np.where(near, rng.uniform(0.0, 0.035, 12), rng.uniform(0.05, 0.2, 12))
    order = rng.permutation(12)
    shown = {"chance": chance, "accuracy": accuracy, "ece": ece, "floor": floor}
    return {name: np.round(values, 3)[order] for name, values in shown.items()}


def _knows(given: Given) -> np.ndarray:
    return given.accuracy - given.chance >= 0.10


def _near(given: Given) -> np.ndarray:
    return given.ece - given.floor <= 0.04 + 1e-9


def holds(given: Given) -> int:
    """Return in how many the premise holds."""
    return int((_knows(given) & _near(given)).sum())


HOLDS = Exercise(
    name="premise-holds",
    title="In how many settings does the premise hold?",
    give=give_settings,
    solve=holds,
    compare=Number(decimals=0),
    right=(
        lambda g: sum(
            a - c >= 0.1 and e - f <= 0.04 + 1e-9
            for a, c, e, f in zip(g.accuracy, g.chance, g.ece, g.floor, strict=True)
        ),
        lambda g: str(holds(g)),
        lambda g: 12 - np.count_nonzero(~_knows(g) | ~_near(g)),
    ),
    wrong=(
        Wrong(
            "the ECE without its floor",
            lambda g: int((_knows(g) & (g.ece <= 0.04)).sum()),
            "You held the bare ECE against .04. On few questions even a perfect model has more than that.",
        ),
        Wrong(
            "calibration alone",
            lambda g: int(_near(g).sum()),
            "You also counted PLMs that hardly beat a guess. Those may be calibrated because they say nothing.",
        ),
        Wrong(
            "knowledge alone",
            lambda g: int(_knows(g).sum()),
            "You counted every PLM that knows something. It also has to say how well it knows it.",
        ),
    ),
    minutes=4,
)


# -- When align-all wins -----------------------------------------------------------------------------------------------


def give_lines(rng: np.random.Generator) -> dict:
    """Start and slope of two methods' gaps over the PLM's gap."""
    values = {
        "start_all": -rng.uniform(0.07, 0.12),
        "share_all": rng.uniform(0.35, 0.6),
        "start_daca": -rng.uniform(0.02, 0.06),
        "share_daca": rng.uniform(0.65, 0.9),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def wins_from(given: Given) -> float:
    """Return the gap of the PLM from which on align-all is the nearer one."""
    return -(given.start_all + given.start_daca) / (given.share_all + given.share_daca)


def _by_search(given: Given) -> float:
    gap = np.arange(0, 0.5, 0.0001)
    ours, rival = (
        abs(start + share * gap)
        for start, share in ((given.start_all, given.share_all), (given.start_daca, given.share_daca))
    )
    return float(gap[np.flatnonzero(ours < rival)[0]])


ALIGN_ALL_WINS = Exercise(
    name="align-all-wins",
    title="When does align-all win?",
    give=give_lines,
    solve=wins_from,
    compare=Number(decimals=3),
    right=(
        _by_search,
        lambda g: f"{100 * wins_from(g):.2f} %",
        lambda g: float(np.linalg.solve([[g.share_all, 1], [g.share_daca, -1]], [-g.start_all, -g.start_daca])[0]),
    ),
    wrong=(
        Wrong(
            "equal gaps",
            lambda g: (g.start_all - g.start_daca) / (g.share_daca - g.share_all),
            "There both gaps are the same number. Errors are equally large also where one is the other's negative.",
        ),
        Wrong(
            "where align-all has no gap",
            lambda g: -g.start_all / g.share_all,
            "There align-all makes no error at all. It is ahead before that.",
        ),
        Wrong(
            "where DACA has no gap",
            lambda g: -g.start_daca / g.share_daca,
            "There DACA makes no error at all, so nothing can be ahead of it. Go on from there.",
        ),
    ),
    minutes=6,
    level=3,
)


# -- A temperature from elsewhere --------------------------------------------------------------------------------------


def give_travel(rng: np.random.Generator) -> dict:
    """ECEs of temperatures carried between five sets, and of label-free ones of their own."""
    own = rng.uniform(0.04, 0.12, 5)
    carried = rng.uniform(0.03, 0.2, (5, 5)) + np.linspace(-0.02, 0.04, 5)[:, None]
    carried[np.diag_indices(5)] = rng.uniform(0.02, 0.03, 5)
    return {"carried": np.round(carried, 3), "own": np.round(own, 3)}


def own_less_carried(given: Given) -> float:
    """Return the mean of own less carried over all journeys."""
    others = ~np.eye(5, dtype=bool)
    return float((given.own[None, :] - given.carried)[others].mean())


TRAVEL = Exercise(
    name="carried-labels",
    title="Own questions or foreign labels?",
    give=give_travel,
    solve=own_less_carried,
    compare=Number(decimals=4),
    right=(
        lambda g: np.mean([g.own[t] - g.carried[s, t] for s in range(5) for t in range(5) if s != t]),
        lambda g: g.own.mean() - (g.carried.sum() - np.trace(g.carried)) / 20,
        lambda g: [own_less_carried(g)],
    ),
    wrong=(
        Wrong(
            "a set carries to itself",
            lambda g: float((g.own[None, :] - g.carried).mean()),
            "You counted the diagonal: there the labels are those of the set itself, and nothing was carried.",
        ),
        Wrong(
            "the best source",
            lambda g: float((g.own - (g.carried + np.eye(5)).min(axis=0)).mean()),
            "You took the best source for each set. To know which one that is takes the labels you do not have.",
        ),
        Wrong(
            "the other sign",
            lambda g: -own_less_carried(g),
            "The size is right. Asked is own less carried: below zero, the own fit is better.",
        ),
    ),
    minutes=5,
)

EXERCISES = [TRUE_TEMPERATURE, HOLDS, ALIGN_ALL_WINS, TRAVEL]
