"""Exercises of lesson 4, first half: the logit lens, entropy, and the divergence of two beliefs."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, rel_entr, softmax
from scipy.stats import entropy

from dualalign import drift
from dualalign.course.answers import Function, Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong

LAYERS, WIDTH, OPTIONS = 4, 6, 3


def give_lens(rng: np.random.Generator) -> dict:
    """Draw a stream that grows from layer to layer, the gain of the final norm, and three rows to read with."""
    blocks = rng.normal(0, 1, (LAYERS, WIDTH)) * np.array([0.6, 0.9, 1.3, 2.0])[:, None]
    return {
        "stream": blocks.cumsum(axis=0).round(2),
        "gain": rng.uniform(0.4, 1.8, WIDTH).round(2),
        "unembedding": rng.normal(0, 0.8, (OPTIONS, WIDTH)).round(2),
    }


def _beliefs(stream: np.ndarray, gain: np.ndarray, unembedding: np.ndarray) -> np.ndarray:
    rms = np.sqrt((stream**2).mean(axis=-1, keepdims=True))
    return softmax(stream / rms * gain @ unembedding.T, axis=-1)


def _of_the_last(beliefs: np.ndarray) -> np.ndarray:
    """Return the probability, after each layer, of the option that the last layer predicts."""
    return beliefs[:, beliefs[-1].argmax()]


def lens(given: Given) -> np.ndarray:
    """Return the probability, after each layer, of the option that the last layer predicts, (L,)."""
    return _of_the_last(_beliefs(given.stream, given.gain, given.unembedding))


def _lens_by_loop(given: Given) -> list[float]:
    rows = []
    for h in given.stream:
        z = [sum(h * given.gain * w) * WIDTH**0.5 / np.linalg.norm(h) for w in given.unembedding]
        rows.append(np.exp(z) / np.exp(z).sum())
    return [float(row[rows[-1].argmax()]) for row in rows]


def _lens_folded(given: Given) -> np.ndarray:
    """The gain folded into the unembedding, and logarithms to the end."""
    unit = given.stream / np.sqrt(np.einsum("ld,ld->l", given.stream, given.stream) / WIDTH)[:, None]
    log_p = log_softmax(np.einsum("ld,kd->lk", unit, given.unembedding * given.gain), axis=1)
    return np.exp(log_p[:, log_p[-1].argmax()]).round(3)


def _last_scale(given: Given) -> np.ndarray:
    rms = np.sqrt((given.stream[-1] ** 2).mean())
    return _of_the_last(softmax(given.stream / rms * given.gain @ given.unembedding.T, axis=1))


def give_effective(rng: np.random.Generator) -> dict:
    """Draw four beliefs over up to five options, padded with zeros, one of them without padding."""
    beliefs = np.zeros((4, 5))
    for row, k in enumerate(rng.permutation([3, 4, 4, 5])):
        p = rng.dirichlet(np.full(k, 0.9)).clip(0.02)
        beliefs[row, :k] = p / p.sum()
    beliefs = beliefs.round(3)
    beliefs[:, 0] = (1 - beliefs[:, 1:].sum(axis=1)).round(3)
    return {"beliefs": beliefs}


def _nats(beliefs: np.ndarray) -> np.ndarray:
    return entropy(beliefs, axis=1)


def effective(given: Given) -> np.ndarray:
    """Return the effective number of options, e to the entropy, of each belief."""
    return np.exp(_nats(given.beliefs))


def _careless(given: Given) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.exp(-(given.beliefs * np.log(given.beliefs)).sum(axis=1))


def give_pair(rng: np.random.Generator) -> dict:
    """Two beliefs, one option with no probability, and their JSD in nats."""
    p, q = (np.append(1 + rng.multinomial(17, weights), 0) / 20 for weights in rng.dirichlet([1, 1, 1], 2))
    return {"p": p, "q": q, "expected": round(_js(p, q), 4)}


def _js(p, q):
    return float(jensenshannon(p, q) ** 2)


def _js_from_kl(p, q):
    m = (p + q) / 2
    return (rel_entr(p, m).sum() + rel_entr(q, m).sum()) / 2


def _js_from_entropies(p, q):
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def _js_from_logs(p, q):
    with np.errstate(divide="ignore"):
        return drift.js_divergence(np.log(p), np.log(q))


def _js_by_hand(p, q):
    total = 0.0
    for a, b in zip(p, q, strict=True):
        total += sum(x * np.log(2 * x / (a + b)) for x in (a, b) if x > 0) / 2
    return total


PAIRS = (
    (np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.5, 0.3])),
    (np.array([0.6, 0.4, 0.0]), np.array([0.1, 0.9, 0.0])),
    (np.array([1.0, 0.0]), np.array([0.0, 1.0])),
    (np.array([0.25, 0.25, 0.25, 0.25]), np.array([0.25, 0.25, 0.25, 0.25])),
    (np.array([0.9, 0.1, 0.0, 0.0]), np.array([0.0, 0.3, 0.3, 0.4])),
)

EXERCISES = [
    Exercise(
        name="l4-lens",
        title="Reading in the middle",
        give=give_lens,
        solve=lens,
        compare=Numbers(decimals=3),
        right=(_lens_by_loop, _lens_folded, lambda g: lens(g)[:, None]),
        wrong=(
            Wrong(
                "no norm",
                lambda g: _of_the_last(softmax(g.stream * g.gain @ g.unembedding.T, axis=1)),
                "You read the stream without the final norm. It grows from layer to layer, and so would the model's "
                "certainty, whatever it thinks.",
            ),
            Wrong(
                "the last layer's scale for all",
                _last_scale,
                "You divided every layer by the size of the last one. Each layer's stream is normed by its own size; "
                "otherwise the lens carries a hidden temperature.",
            ),
            Wrong(
                "the gain forgotten",
                lambda g: _of_the_last(_beliefs(g.stream, np.ones(WIDTH), g.unembedding)),
                "The norm has a gain for each coordinate, and it comes before the unembedding.",
            ),
            Wrong(
                "each layer's own favourite",
                lambda g: _beliefs(g.stream, g.gain, g.unembedding).max(axis=1),
                "You followed the largest probability of each layer. Asked is one option all the way: that which the "
                "last layer predicts.",
            ),
        ),
        minutes=10,
    ),
    Exercise(
        name="l4-effective",
        title="Between how many options does it hesitate?",
        give=give_effective,
        solve=effective,
        compare=Numbers(decimals=3),
        right=(
            lambda g: 2 ** entropy(g.beliefs, base=2, axis=1),
            lambda g: [float(np.prod(p[p > 0] ** -p[p > 0])) for p in g.beliefs],
            lambda g: np.exp(-np.where(g.beliefs > 0, g.beliefs * np.log(g.beliefs + 1e-300), 0).sum(axis=1)).round(3),
        ),
        wrong=(
            Wrong(
                "the logarithm of a missing option",
                _careless,
                "There is a NaN: 0 times log 0. A missing option adds nothing to an entropy; leave it out before you "
                "take logarithms.",
            ),
            Wrong(
                "bits in one place, nats in the other",
                lambda g: np.exp(entropy(g.beliefs, base=2, axis=1)),
                "You took logarithms to base 2 and raised e to the result. The two bases must be the same; then the "
                "answer does not depend on which.",
            ),
            Wrong(
                "nats in one place, bits in the other",
                lambda g: 2 ** _nats(g.beliefs),
                "You took natural logarithms and raised 2 to the result. The two bases must be the same.",
            ),
            Wrong(
                "the entropy itself",
                lambda g: _nats(g.beliefs),
                "That is the entropy. For four equal options it is log 4, but the model hesitates between 4.",
            ),
            Wrong(
                "counts the options",
                lambda g: (g.beliefs > 0).sum(axis=1),
                "You counted the options there are. A belief of 0.97, 0.01, 0.01, 0.01 hardly hesitates between four.",
            ),
        ),
        minutes=7,
    ),
    Exercise(
        name="l4-jsd",
        title="How far apart are two beliefs?",
        give=give_pair,
        solve=lambda g: _js,
        compare=Function(PAIRS, Number(decimals=4)),
        right=(lambda g: _js_from_kl, lambda g: _js_from_entropies, lambda g: _js_from_logs, lambda g: _js_by_hand),
        wrong=(
            Wrong(
                "a distance, not a divergence",
                lambda g: lambda p, q: jensenshannon(p, q),
                "This is the square root. `scipy.spatial.distance.jensenshannon` returns a distance; the divergence "
                "is its square.",
            ),
            Wrong(
                "sign reversed",
                lambda g: lambda p, q: -_js_from_entropies(p, q),
                "Your divergence is negative: you took the mean of the entropies less the entropy of the mean. Which "
                "of the two is larger, if beliefs are mixed?",
            ),
            Wrong(
                "bits",
                lambda g: lambda p, q: _js(p, q) / drift.LN2,
                "Two beliefs without anything in common give you 1: these are bits. Here the divergence is in nats.",
            ),
            Wrong(
                "the two beliefs compared directly",
                lambda g: lambda p, q: (rel_entr(p, q).sum() + rel_entr(q, p).sum()) / 2,
                "You compared p with q and q with p. That is infinite where one of them says 0. Compare both with "
                "their mean.",
            ),
            Wrong(
                "one side only",
                lambda g: lambda p, q: rel_entr(p, (p + q) / 2).sum(),
                "You compared p with the mean, but not q. Exchange p and q: the divergence must not change.",
            ),
        ),
        minutes=10,
        level=3,
        hint="Try two equal beliefs, two without anything in common, and one with a zero in both.",
    ),
]
