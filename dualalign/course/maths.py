"""What the exercises on aligning share: beliefs, divergences, and the temperature at which something is met.

Short on purpose and apart from `dualalign.calibrators`: a reference answer should not rest on what it checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

T_RANGE = 1e-3, 1e6  # where `crossing` looks for a temperature


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return softmax(logits / temperature) over the last axis."""
    scaled = np.asarray(logits, dtype=float) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def entropy(belief: np.ndarray) -> np.ndarray:
    """Return the entropy over the last axis, in nats; 0 log 0 counts as 0."""
    belief = np.asarray(belief, dtype=float)
    return -(belief * np.log(np.where(belief > 0, belief, 1.0))).sum(axis=-1)


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return KL(p || q) over the last axis, in nats, for beliefs without zeros."""
    return (p * np.log(p / q)).sum(axis=-1)


def js(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon divergence over the last axis, in nats, for beliefs without zeros."""
    middle = (np.asarray(p) + np.asarray(q)) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def crossing(falling: Callable[[float], float]) -> float:
    """Return the temperature at which a function that falls with it reaches zero; `inf` where it never does."""
    low, high = (math.log(end) for end in T_RANGE)
    if falling(T_RANGE[1]) > 0:
        return math.inf
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(math.exp(middle)) > 0 else (low, middle)
    return math.exp(low)


def aligned(logits: np.ndarray, belief: np.ndarray) -> float:
    """Return the temperature of the least mean KL(belief || softmax(logits / T)) over the rows: equal mean logits.

    `inf` where the beliefs expect no more of the logits than their plain mean.
    """
    target = (belief * logits).sum(axis=-1).mean()
    if target <= np.mean(logits, axis=-1).mean():
        return math.inf
    return crossing(lambda t: (softmax(logits, t) * logits).sum(axis=-1).mean() - target)


def best_on_grid(loss: Callable[[float], float], low: float = 0.05, high: float = 60.0, steps: int = 4001) -> float:
    """Return the temperature of the least loss, by a grid and two finer ones round the best point."""
    for _ in range(3):
        grid = np.geomspace(low, high, steps)
        best = int(np.argmin([loss(t) for t in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, steps - 1)]
        steps = 101
    return float(grid[best])


def percent(rng: np.random.Generator, options: int, least: int = 2, concentration: float = 1.0) -> np.ndarray:
    """Draw a belief in whole percent, none of it below `least`, the largest first."""
    spare = rng.multinomial(100 - least * options, rng.dirichlet(np.full(options, concentration)))
    return np.sort(spare + least)[::-1] / 100


def rounded(belief: np.ndarray, decimals: int = 3) -> np.ndarray:
    """Round beliefs (N, K) so that none is zero and each still sums to one: the largest option takes the rest."""
    out = np.maximum(np.round(belief, decimals), 10.0**-decimals)
    rows, top = np.arange(len(out)), out.argmax(axis=1)
    out[rows, top] += 1 - out.sum(axis=1)
    return np.round(out, decimals)
