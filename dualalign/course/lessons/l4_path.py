"""Exercises of lesson 4, second half: where two models part, how stable one stays, and a claim that tests itself."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from scipy.stats import entropy, spearmanr

from dualalign import drift
from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_peak(rng: np.random.Generator) -> dict:
    """Draw layer divergences of six questions: small steps, one large one up or down, and a slow rise at the end."""
    steps = rng.uniform(0, 0.05, (6, 10)) * rng.choice([-1, 1], (6, 10))
    steps[:, 0] = rng.uniform(0.2, 0.35, 6)
    rows = np.arange(6)
    steps[rows, rng.integers(2, 7, 6)] = rng.choice([-1, 1], 6) * rng.uniform(0.12, 0.18, 6)
    steps[:, 7:] = rng.uniform(0.03, 0.09, (6, 3))
    return {"divergence": steps.cumsum(axis=1).clip(0, drift.LN2).round(3)}


def peak(given: Given) -> np.ndarray:
    """Return the peak divergence layer of every question, 1-based."""
    return np.abs(np.diff(given.divergence, axis=1)).argmax(axis=1) + 2


def _peak_by_loop(given: Given) -> list[int]:
    found = []
    for d in given.divergence:
        jumps = {layer: abs(d[layer - 1] - d[layer - 2]) for layer in range(2, len(d) + 1)}
        found.append(max(jumps, key=jumps.get))
    return found


def _peak_by_squares(given: Given) -> np.ndarray:
    moved = np.zeros_like(given.divergence)
    moved[:, 1:] = (given.divergence[:, 1:] - given.divergence[:, :-1]) ** 2
    return moved.argmax(axis=1) + 1.0


def give_ise(rng: np.random.Generator) -> dict:
    """Logits of one question at eight layers, and the peak layer."""
    logits = (rng.normal(0, 1, (8, 4)) * np.linspace(0.5, 3.5, 8)[:, None]).round(2)
    return {"logits": logits, "peak": int(rng.integers(3, 6))}


def _entropies(given: Given) -> np.ndarray:
    return entropy(softmax(given.logits, axis=1), axis=1)


def ise(given: Given) -> float:
    """Return the mean entropy from the peak on, in nats."""
    return float(_entropies(given)[given.peak - 1 :].mean())


def _ise_by_hand(given: Given) -> float:
    p = np.exp(given.logits[given.peak - 1 :])
    p /= p.sum(axis=1, keepdims=True)
    return float(-(p * np.log(p)).sum() / (8 - given.peak + 1))


def _ise_of_the_mean(given: Given) -> float:
    return float(entropy(softmax(given.logits, axis=1)[given.peak - 1 :].mean(axis=0)))


def give_circular(rng: np.random.Generator) -> dict:
    """Draw 200 questions: entropy falls with confidence, as it must; being right depends on it a little."""
    confidence = rng.uniform(0.35, 0.99, 200)
    stability = (1.4 - 1.3 * confidence + rng.normal(0, 0.12, 200)).clip(0.01) + rng.uniform(0, 0.01, 200)
    correct = rng.random(200) < rng.uniform(0.3, 0.4) + rng.uniform(0.2, 0.6) * confidence
    return {"stability": stability.round(6), "confidence": confidence.round(3), "correct": correct}


def _low_less_high(given: Given, column: np.ndarray) -> float:
    """Return the mean of a column over the half with the lower entropy, less its mean over the other half."""
    order = np.argsort(given.stability)
    return float(column[order[:100]].mean() - column[order[100:]].mean())


def circular(given: Given) -> float:
    """Return the gap of the low-ISE questions less that of the others."""
    return _low_less_high(given, given.confidence - given.correct)


def _circular_by_mask(given: Given) -> np.float64:
    low = given.stability < np.median(given.stability)
    gap = given.confidence - given.correct
    return gap[low].mean() - gap[~low].mean()


def _circular_by_loop(given: Given) -> str:
    rows = sorted(zip(given.stability.tolist(), given.confidence.tolist(), given.correct.tolist(), strict=True))
    sums = [sum(c - a for _, c, a in half) / 100 for half in (rows[:100], rows[100:])]
    return f"{100 * (sums[0] - sums[1]):.2f} %"


EXERCISES = [
    Exercise(
        name="l4-peak",
        title="Where do they part?",
        give=give_peak,
        solve=peak,
        compare=Numbers(decimals=0),
        right=(_peak_by_loop, _peak_by_squares, lambda g: drift.peak_layer(g.divergence)),
        wrong=(
            Wrong(
                "the largest divergence",
                lambda g: g.divergence.argmax(axis=1) + 1,
                "You took the layer where the models are furthest apart. The peak is where that changes most from one "
                "layer to the next.",
            ),
            Wrong(
                "one layer too early",
                lambda g: peak(g) - 1,
                "You named the layer before the jump. The jump from layer l - 1 to l belongs to l, and layers are "
                "counted from 1.",
            ),
            Wrong(
                "two layers too early",
                lambda g: peak(g) - 2,
                "That is the position in the list of jumps, counted from 0. The first jump in the list leads to layer "
                "2.",
            ),
            Wrong(
                "parting only, not coming together",
                lambda g: np.diff(g.divergence, axis=1).argmax(axis=1) + 2,
                "You looked for the largest rise. The definition has an absolute value: a fall is a change as well.",
            ),
        ),
        minutes=7,
    ),
    Exercise(
        name="l4-ise",
        title="How undecided from there on?",
        give=give_ise,
        solve=ise,
        compare=Number(decimals=3),
        right=(
            _ise_by_hand,
            lambda g: drift.stability_entropy(g.logits[None], np.array([g.peak])),
            lambda g: f"{ise(g):.3f}",
        ),
        wrong=(
            Wrong(
                "starts after the peak",
                lambda g: float(_entropies(g)[g.peak :].mean()),
                "You started one layer late. The peak layer itself belongs to the mean; with layers counted from 1 "
                "and arrays from 0, mind the difference.",
            ),
            Wrong(
                "all layers",
                lambda g: float(_entropies(g).mean()),
                "You averaged over all layers. Before the peak the two models still go together.",
            ),
            Wrong(
                "sum, not mean",
                lambda g: float(_entropies(g)[g.peak - 1 :].sum()),
                "You added the entropies up. Then a question with an early peak has a larger value only because it "
                "has more layers.",
            ),
            Wrong(
                "entropy of the mean belief",
                _ise_of_the_mean,
                "You averaged the beliefs before taking the entropy. A model that is sure of A in one layer and of B "
                "in the next then looks undecided. It is another reading; here the entropies are averaged.",
            ),
            Wrong(
                "bits",
                lambda g: ise(g) / drift.LN2,
                "These are bits: the logarithm has base 2. Here entropies are in nats.",
            ),
        ),
        minutes=7,
    ),
    Exercise(
        name="l4-circular",
        title="A claim that tests itself",
        give=give_circular,
        solve=circular,
        compare=Number(decimals=3),
        right=(
            _circular_by_mask,
            _circular_by_loop,
            lambda g: _low_less_high(g, g.confidence) - _low_less_high(g, g.correct.astype(float)),
        ),
        wrong=(
            Wrong(
                "confidence only",
                lambda g: _low_less_high(g, g.confidence),
                "You compared the confidence of the two halves. A low entropy is a high confidence, so this would "
                "come out for any model. What does over-confidence need besides?",
            ),
            Wrong(
                "correctness only",
                lambda g: _low_less_high(g, g.correct.astype(float)),
                "You asked in which half more answers are right. Over-confidence is about being surer than right.",
            ),
            Wrong(
                "the halves, or the difference, the other way round",
                lambda g: -circular(g),
                "The sign is turned. Take confidence minus correctness, and the half with the low entropy first.",
            ),
            Wrong(
                "distance without sign",
                lambda g: _low_less_high(g, np.abs(g.confidence - g.correct)),
                "You dropped the sign of confidence minus correctness. Then even a calibrated model has a large value "
                "wherever it is unsure (lesson 2). Keep the sign and let luck cancel in the mean.",
            ),
            Wrong(
                "a rank correlation",
                lambda g: float(spearmanr(g.stability, g.confidence - g.correct).statistic),
                "This is a rank correlation. It is negative for a calibrated model, too, as the page shows. Compare "
                "the means of the two halves.",
            ),
            Wrong(
                "a correlation",
                lambda g: float(np.corrcoef(g.stability, g.confidence - g.correct)[0, 1]),
                "You correlated the right two columns. Asked is a difference of means, which has the unit of a "
                "probability: how much larger is one half's mean?",
            ),
        ),
        minutes=8,
        level=3,
    ),
]
