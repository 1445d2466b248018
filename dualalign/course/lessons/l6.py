"""Exercises of lesson 6, Dual-Align: how decided a model is, from the peak layer on."""

from __future__ import annotations

import numpy as np

from dualalign import drift
from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import aligned, crossing, entropy, softmax

# -- From the peak on --------------------------------------------------------------------------------------------------


def give_layers(rng: np.random.Generator) -> dict:
    """Logits of one question at five layers, the peak layer and a temperature."""
    growth = np.linspace(0.5, 3.5, 5)[:, None]
    logits = np.round(growth * rng.normal(0, 1.2, (5, 3)) + rng.normal(0, 0.3, (5, 3)), 1)
    return {"logits": logits, "peak": int(rng.integers(2, 5)), "temperature": round(float(rng.uniform(1.5, 3.5)), 1)}


def from_peak(given: Given) -> float:
    """Return the ISE at the temperature: the mean entropy from the peak on, in nats."""
    return float(entropy(softmax(given.logits[given.peak - 1 :], given.temperature)).mean())


def _last_tempered(given: Given) -> float:
    heated = np.r_[np.ones(4), given.temperature][:, None]
    return float(entropy(softmax(given.logits / heated))[given.peak - 1 :].mean())


FROM_PEAK = Exercise(
    name="ise-by-hand",
    title="How decided, from the peak on",
    give=give_layers,
    solve=from_peak,
    compare=Number(decimals=3),
    right=(
        lambda g: drift.stability_entropy(g.logits[None], np.array([g.peak]), g.temperature),
        lambda g: sum(drift.entropy(row, g.temperature) for row in g.logits[g.peak - 1 :]) / (6 - g.peak),
        lambda g: f"{from_peak(g):.3f}",
    ),
    wrong=(
        Wrong(
            "the temperature is left out",
            lambda g: float(entropy(softmax(g.logits[g.peak - 1 :])).mean()),
            "You left out the temperature, which divides the logits first.",
        ),
        Wrong(
            "every layer",
            lambda g: float(entropy(softmax(g.logits, g.temperature)).mean()),
            "You averaged over all layers. Stability is read from the peak layer on.",
        ),
        Wrong(
            "one layer too late",
            lambda g: float(entropy(softmax(g.logits[g.peak :], g.temperature)).mean()),
            "Your first layer comes after the peak. Layers count from 1, rows of an array from 0.",
        ),
        Wrong(
            "the temperature divides the last layer only",
            _last_tempered,
            "That is another reading of the paper. Here every layer from the peak on is divided by the temperature.",
        ),
        Wrong(
            "entropy of the mean belief",
            lambda g: float(entropy(softmax(g.logits[g.peak - 1 :], g.temperature).mean(axis=0))),
            "You mixed the beliefs first. A model that jumps from one certainty to another then looks undecided.",
        ),
    ),
    minutes=6,
)


# -- Equally decided ---------------------------------------------------------------------------------------------------


def give_paths(rng: np.random.Generator) -> dict:
    """Both models' logits from the peak on, the PoLM's growing."""
    layers = int(rng.integers(3, 5))
    plm = np.round(rng.normal(0, 1.0, (layers, 4)), 1)
    polm = np.round(np.linspace(1.5, 4, layers)[:, None] * rng.normal(0, 1.0, (layers, 4)), 1)
    return {"plm_layers": plm, "polm_layers": polm}


def decided(given: Given) -> float:
    """Return the temperature at which the two ISEs are equal."""
    target = entropy(softmax(given.plm_layers)).mean()
    return crossing(lambda t: float(target - entropy(softmax(given.polm_layers, t)).mean()))


def _on_grid(given: Given) -> float:
    grid = np.arange(0.05, 60, 0.004)[:, None, None]
    found = entropy(softmax(given.polm_layers / grid)).mean(axis=1)
    return float(grid[((found - entropy(softmax(given.plm_layers)).mean()) ** 2).argmin(), 0, 0])


def _last_layers(given: Given, what) -> float:
    """The temperature at which the last layers have as much of something that falls with it."""
    target = what(softmax(given.plm_layers[-1]))
    return crossing(lambda t: float(what(softmax(given.polm_layers[-1], t)) - target))


DECIDED = Exercise(
    name="equally-decided",
    title="Equally decided",
    give=give_paths,
    solve=decided,
    compare=Number(decimals=2),
    right=(
        _on_grid,
        lambda g: f"{decided(g):.2f}",
        lambda g: crossing(
            lambda t: float((entropy(softmax(g.plm_layers)) - entropy(softmax(g.polm_layers, t))).sum())
        ),
    ),
    wrong=(
        Wrong(
            "the last layer alone",
            lambda g: _last_layers(g, lambda belief: -entropy(belief)),
            "You matched the entropies of the last layer. The process loss averages over all layers from the peak on.",
        ),
        Wrong(
            "equal confidence",
            lambda g: _last_layers(g, np.max),
            "You made the two models equally sure of their favourites. Compare entropies instead, over all the layers.",
        ),
        Wrong(
            "the confidence loss",
            lambda g: aligned(g.polm_layers[-1:], softmax(g.plm_layers[-1:])),
            "This is the optimum of lesson 5's confidence loss. The process loss does not ask which option it is.",
        ),
        Wrong(
            "beta for T",
            lambda g: 1 / decided(g),
            "You found the factor that multiplies the logits. The temperature divides them.",
        ),
    ),
    minutes=7,
)


# -- It has vanished ---------------------------------------------------------------------------------------------------


def give_outcomes(rng: np.random.Generator) -> dict:
    """Confidence and outcome of both models on ten questions."""
    plm = np.round(rng.uniform(0.55, 0.9, 10), 2)
    right = {"plm_right": rng.random(10) < plm, "polm_right": rng.random(10) < 0.6}
    polm = np.round(rng.uniform(0.85, 0.99, 10), 2)
    return {"plm_confidence": plm, "polm_confidence": polm, **{k: v.astype(int) for k, v in right.items()}}


def gap_left(given: Given) -> float:
    """Return the gap that remains when the PoLM is as sure as the PLM."""
    return float(given.plm_confidence.mean() - given.polm_right.mean())


VANISHED = Exercise(
    name="loss-vanished",
    title="The process loss has vanished",
    give=give_outcomes,
    solve=gap_left,
    compare=Number(decimals=3),
    right=(
        lambda g: sum(c - r for c, r in zip(g.plm_confidence, g.polm_right, strict=True)) / 10,
        lambda g: f"{100 * gap_left(g):.1f} %",
        lambda g: (g.plm_confidence.mean() - g.plm_right.mean()) + (g.plm_right.mean() - g.polm_right.mean()),
    ),
    wrong=(
        Wrong(
            "a loss of zero means calibrated",
            lambda g: 0.0,
            "The loss compares two models. What does the PoLM say now, and how often is it right?",
        ),
        Wrong(
            "the PLM's own gap",
            lambda g: float(g.plm_confidence.mean() - g.plm_right.mean()),
            "This is the PLM's gap. The PoLM took over the PLM's confidence, but it gives its own answers.",
        ),
        Wrong(
            "the gap before",
            lambda g: float(g.polm_confidence.mean() - g.polm_right.mean()),
            "This is the gap of the PoLM as it came. After the fit it no longer says these confidences.",
        ),
        Wrong(
            "PLM less PoLM",
            lambda g: float(g.plm_confidence.mean() - g.polm_confidence.mean()),
            "You compared the two models' confidences. A gap is a confidence less how often the answers are right.",
        ),
    ),
    minutes=6,
)

EXERCISES = [FROM_PEAK, DECIDED, VANISHED]
