"""Exercises of chapter 3, Two kinds of drift."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_beliefs(rng: np.random.Generator) -> dict:
    """Two beliefs in four options, each sure that one option is wrong, and not of the same one."""
    first, second = rng.permutation(4)[:2]
    return {"plm": _belief(rng, first), "polm": _belief(rng, second)}


def _belief(rng: np.random.Generator, excluded: int) -> np.ndarray:
    """A belief over four options in twentieths, one of them 0."""
    parts = np.zeros(4)
    parts[np.arange(4) != excluded] = rng.multinomial(14, [1 / 3] * 3) + 2
    return parts / 20


def entropy(p: np.ndarray) -> float:
    """Return the entropy in nats, zeros left out."""
    return float(-sum(x * np.log(x) for x in p if x > 0))


def jsd(given: Given) -> float:
    """Return the entropy of the mean belief less the mean of the entropies, in nats."""
    p, q = given.plm, given.polm
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def by_definition(given: Given) -> float:
    """The JSD as the mean of two KL divergences from the middle."""
    middle = (given.plm + given.polm) / 2
    return float((rel_entr(given.plm, middle) + rel_entr(given.polm, middle)).sum() / 2)


def one_sided(given: Given) -> float:
    """The KL divergence of the PLM alone from the middle: half of what is asked."""
    return float(rel_entr(given.plm, (given.plm + given.polm) / 2).sum())


def give_path(rng: np.random.Generator) -> dict:
    """A divergence by layer that rises, falls back at one layer by more than it ever rose, and ends high."""
    steps = rng.uniform(0.02, 0.09, 8)
    fall = int(rng.integers(3, 6))
    steps[fall] = -rng.uniform(0.12, 0.15)
    steps[-1] += 0.01
    return {"divergence": np.round(0.03 + np.abs(np.cumsum(steps)), 2)}


def peak(given: Given) -> int:
    """Return the layer, counted from 1, at which the divergence changes most."""
    return int(np.abs(np.diff(given.divergence)).argmax()) + 2


def by_loop(given: Given) -> int:
    """The peak layer, by looking at one layer after the other."""
    best, layer = -1.0, 0
    for number in range(2, len(given.divergence) + 1):
        change = abs(given.divergence[number - 1] - given.divergence[number - 2])
        if change > best:
            best, layer = change, number
    return layer


EXERCISES = [
    Exercise(
        name="jsd",
        title="How far apart are two beliefs?",
        give=give_beliefs,
        solve=jsd,
        compare=Number(decimals=3),
        right=(by_definition, lambda g: jensenshannon(g.plm, g.polm) ** 2, lambda g: f"{by_definition(g):.3f}"),
        wrong=(
            Wrong(
                "bits instead of nats",
                lambda g: jsd(g) / np.log(2),
                "That is in bits, with logarithms to base 2. Nats were asked: natural logarithms.",
            ),
            Wrong(
                "the root of it",
                lambda g: float(jensenshannon(g.plm, g.polm)),
                "That is the Jensen-Shannon distance, which some libraries return. How do you get the divergence?",
            ),
            Wrong(
                "one side only",
                one_sided,
                "You took one of the two KL divergences from the middle. The other model's counts as well.",
            ),
            Wrong(
                "forgets to halve",
                lambda g: 2 * jsd(g),
                "You added the two KL divergences. Each has a weight in the definition.",
            ),
            Wrong(
                "total variation",
                lambda g: float(np.abs(g.plm - g.polm).sum() / 2),
                "That is half the sum of absolute differences, another distance. No logarithm took part.",
            ),
        ),
        minutes=5,
        hint="Form the middle belief first. A term with probability 0 counts as 0, although its logarithm is infinite.",
    ),
    Exercise(
        name="peak",
        title="Where do the paths part?",
        give=give_path,
        solve=peak,
        compare=Number(decimals=0),
        right=(
            by_loop,
            lambda g: float(np.argmax(np.abs(g.divergence[1:] - g.divergence[:-1])) + 2),
            lambda g: f"{1 + max(range(1, 8), key=lambda i: abs(g.divergence[i] - g.divergence[i - 1]))}",
        ),
        wrong=(
            Wrong(
                "where the divergence is largest",
                lambda g: int(g.divergence.argmax()) + 1,
                "At that layer the divergence is largest. Where does it change most?",
            ),
            Wrong(
                "rises only",
                lambda g: int(np.diff(g.divergence).argmax()) + 2,
                "You looked for the largest rise. The definition has bars around the difference: a fall counts too.",
            ),
            Wrong(
                "the layer before the change",
                lambda g: int(np.abs(np.diff(g.divergence)).argmax()) + 1,
                "One off. A change belongs to the layer that it leads to, and layers count from 1.",
            ),
        ),
        minutes=3,
        level=1,
    ),
]
