"""Exercises of chapter 15, Borrowed references."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong


def give_depths(rng: np.random.Generator) -> dict:
    """The PLM's entropy by layer, the deeper PoLM's number of layers, and a peak layer."""
    plm_layers = int(rng.integers(4, 6))
    entropy = np.round(np.sort(rng.uniform(0.2, 1.38, plm_layers))[::-1], 2)
    polm_layers = plm_layers + int(rng.integers(3, 6))
    return {"plm_entropy": entropy, "polm_layers": polm_layers, "peak": int(rng.integers(2, plm_layers))}


def first_aligned(given: Given) -> float:
    """Return the PLM's mean entropy over the layers l >= peak, matched with min(l, L_g)."""
    layers = np.arange(given.peak, given.polm_layers + 1)
    return float(given.plm_entropy[np.minimum(layers, len(given.plm_entropy)) - 1].mean())


def by_loop(given: Given) -> float:
    """The mean entropy of the matched layers, one layer after the other."""
    depth = len(given.plm_entropy)
    seen = [given.plm_entropy[min(layer, depth) - 1] for layer in range(given.peak, given.polm_layers + 1)]
    return sum(seen) / len(seen)


def by_padding(given: Given) -> float:
    """The same, with the last layer repeated."""
    padded = np.pad(given.plm_entropy, (0, given.polm_layers - len(given.plm_entropy)), mode="edge")
    return float(padded[given.peak - 1 :].mean())


def relative_depth(given: Given) -> float:
    """Return the mean entropy where layers are matched by their relative depth."""
    layers = np.arange(given.peak, given.polm_layers + 1)
    matched = np.maximum(1, np.round(layers * len(given.plm_entropy) / given.polm_layers).astype(int))
    return float(given.plm_entropy[matched - 1].mean())


def give_references(rng: np.random.Generator) -> dict:
    """Draw gaps of both signs and agreements without a tie; the reference that agrees most is not the best one."""
    agreement = np.sort(rng.choice(np.arange(40, 90), 4, replace=False)) / 100
    size = np.round(np.sort(rng.uniform(0.02, 0.3, 4)), 2)
    gap = size * np.array([-1, 1, -1, 1]) * rng.choice([-1, 1])
    agreement = np.r_[rng.permutation(agreement[:-1]), agreement[-1]]  # the most agreeable one stands last ...
    others = 1 + rng.permutation(3)  # ... and takes one of the three larger gaps
    order = rng.permutation(4)
    return {"agreement": agreement[order], "gap": gap[np.r_[others[0], 0, others[1:]][::-1]][order]}


def regret(given: Given) -> float:
    """Return what choosing by agreement costs against the best reference."""
    sizes = np.abs(given.gap)
    return float(sizes[given.agreement.argmax()] - sizes.min())


def by_sorting(given: Given) -> float:
    """The same, by sorting."""
    rows = sorted(zip(given.agreement, np.abs(given.gap), strict=True))
    return rows[-1][1] - sorted(size for _, size in rows)[0]


EXERCISES = [
    Exercise(
        name="first-aligned",
        title="Two depths",
        give=give_depths,
        solve=first_aligned,
        compare=Number(decimals=3),
        right=(by_loop, by_padding, lambda g: f"{first_aligned(g):.3f}"),
        wrong=(
            Wrong(
                "each layer of the PLM once",
                lambda g: float(g.plm_entropy[g.peak - 1 :].mean()),
                "You averaged over the PLM's layers. The mean runs over the PoLM's: what stands beside those beyond?",
            ),
            Wrong(
                "the map of relative depth",
                relative_depth,
                "That is the default map. First-aligned counts layers from the start.",
            ),
            Wrong(
                "the last layer always",
                lambda g: float(g.plm_entropy[-1]),
                "That is final-only. Below its own depth the PLM still has layers to match.",
            ),
            Wrong(
                "one layer too late",
                lambda g: first_aligned(Given(**{**vars(g), "peak": g.peak + 1})),
                "Layers count from 1 and the peak layer itself belongs to the mean.",
            ),
        ),
        minutes=6,
        hint="List the PoLM's layers from the peak to the last, and beside each the PLM's layer that goes with it.",
    ),
    Exercise(
        name="blind-sign",
        title="A sign that flatters",
        give=give_references,
        solve=regret,
        compare=Number(decimals=3),
        right=(
            by_sorting,
            lambda g: np.ptp([abs(g.gap[g.agreement.argmax()]), np.abs(g.gap).min()]),
            lambda g: f"{regret(g):.3f}",
        ),
        wrong=(
            Wrong(
                "signed gaps",
                lambda g: float(g.gap[g.agreement.argmax()] - g.gap.min()),
                "The most negative gap is not the smallest error. Too little confidence is an error too.",
            ),
            Wrong(
                "the gap itself",
                lambda g: float(abs(g.gap[g.agreement.argmax()])),
                "That is the error of the rule's choice. Regret compares it with the best choice.",
            ),
            Wrong(
                "the rule turned round",
                lambda g: float(np.abs(g.gap)[g.agreement.argmin()] - np.abs(g.gap).min()),
                "You took the reference that agrees least.",
            ),
            Wrong(
                "against the worst",
                lambda g: float(np.abs(g.gap).max() - np.abs(g.gap[g.agreement.argmax()])),
                "You compared with the worst choice. Regret is measured against the best.",
            ),
        ),
        minutes=4,
        hint="Which reference does the rule take? Set the size of its gap, sign or no sign, beside the smallest size.",
    ),
]
