"""The Dual-Align objective, all of it, in the letters of the paper: g = PLM, f = PoLM, beta = 1 / tau.

Minimise over tau > 0 the mean over x of  w(x) C(x; tau) + (1 - w(x)) S(x; tau),  where

- C(x; tau) = KL(p_g^L || softmax(z_f^L / tau))  is the confidence alignment, `confidence_loss`;
- S(x; tau) = (ISE_f(x; tau) - ISE_g(x; 1))^2    is the process alignment, `process_loss`;
- w(x)      = 1 - d_L(x) / ln 2                  is the weight, `confidence_weight`.

Sources: [P] Luo et al., arXiv:2601.04277, the scheme and ISE; [R] its public reviews, the two losses and a weight a
question; [D] arXiv:2505.16690, the direction of the KL. What no source states is an argument, named in each docstring.
Every loss comes with its exact derivative with respect to beta. Arrays hold options first, (K, rows), shifted so that
the largest option is 0, in nats; see drift.options_first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np

from .. import drift
from ..traces import Traces

WEIGHTS = ("jsd", "tv", "hard")
KL_DIRECTIONS = ("plm-first", "polm-first")
PROCESSES = ("squared-gap", "per-layer")
_BLOCK_ROWS = 8192  # rows (questions x layers) evaluated at a time: the arrays of one block fit the processor's cache

Loss = tuple[np.ndarray, np.ndarray]  # a loss a question, and its derivative with respect to beta


def moments(z: np.ndarray, beta: float | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log-normaliser, mean and variance of z under q = softmax(beta z), each (rows,).

    Examples
    --------
    >>> from dualalign.calibrators.objective import moments
    >>> z = np.array([[0.0], [-np.log(3)]])  # softmax: 3/4 and 1/4
    >>> [part.round(3).tolist() for part in moments(z, 1.0)]  # ln 4/3, -ln 3 / 4, 3/16 (ln 3)^2
    [[0.288], [-0.275], [0.226]]
    """
    q = np.exp(beta * z)
    total = q.sum(axis=0)
    q *= z
    mean = q.sum(axis=0) / total
    q *= z
    return np.log(total), mean, q.sum(axis=0) / total - mean * mean


# -- C: confidence alignment ---------------------------------------------------------------------------------------


def confidence_loss(z_f: np.ndarray, log_g: np.ndarray, beta: float, kl: str = "plm-first") -> Loss:
    """C(x; tau): the KL divergence between p_g and q = softmax(beta z_f) [R], PLM first as in [D]; "polm-first" [O].

    PLM first it is convex in beta, with the slope E_q[z_f] - E_(p_g)[z_f]: the optimum matches the mean logits.

    Parameters
    ----------
    z_f : (K, N) shifted logits of the PoLM's last layer
    log_g : (K, N) log-probabilities of the PLM's last layer, FLOOR where padded

    Examples
    --------
    >>> from dualalign.calibrators.objective import confidence_loss
    >>> z_f, log_g = np.array([[0.0], [-np.log(3)]]), np.log([[0.5], [0.5]])
    >>> [part.round(3).tolist() for part in confidence_loss(z_f, log_g, 1.0)]  # ln 4/3 + (ln 3)/2 - ln 2, and (ln 3)/4
    [[0.144], [0.275]]
    """
    log_total, mean, variance = moments(z_f, beta)
    if kl == "plm-first":  # sum p_g (log p_g - log q)
        p_g = np.exp(log_g)
        mean_g = (p_g * z_f).sum(axis=0)
        return (p_g * log_g).sum(axis=0) - beta * mean_g + log_total, mean - mean_g
    q = np.exp(beta * z_f - log_total)  # sum q (log q - log p_g)
    cross = (q * log_g).sum(axis=0)
    covariance = (q * log_g * (z_f - mean)).sum(axis=0)
    return beta * mean - log_total - cross, beta * variance - covariance


# -- S: process alignment ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """One model's layers from the peak to the last, of a block of questions, packed row after row.

    z : (K, rows) shifted logits; counts : (n,) rows of each question; heated : what tau divides, 1 or 0 a row.

    Examples
    --------
    >>> from dualalign.calibrators.objective import Path
    >>> Path(np.zeros((2, 3)), np.array([1, 2])).per_question(np.array([1.0, 10.0, 100.0])).tolist()
    [1.0, 110.0]
    """

    z: np.ndarray
    counts: np.ndarray
    heated: np.ndarray | float = 1.0

    def per_question(self, values: np.ndarray) -> np.ndarray:
        """Sum a value a row over the layers of each question: (..., rows) -> (..., n)."""
        return np.add.reduceat(values, np.cumsum(self.counts) - self.counts, axis=-1)

    def beta(self, beta: float) -> float | np.ndarray:
        """Return beta where tau applies and 1 elsewhere."""
        return beta if isinstance(self.heated, float) else np.where(self.heated > 0, beta, 1.0)


def layer_entropies(path: Path, beta: float) -> Loss:
    """H(softmax(beta z)) of every row; dH/dbeta = -beta Var_q(z), hence dH/dtau = Var_q(z) / tau^3.

    Examples
    --------
    >>> from dualalign.calibrators.objective import Path, layer_entropies
    >>> layer_entropies(Path(np.zeros((2, 3)), np.array([1, 2])), 1.0)[0].round(3).tolist()  # ln 2 each
    [0.693, 0.693, 0.693]
    """
    rows_beta = path.beta(beta)
    log_total, mean, variance = moments(path.z, rows_beta)
    return log_total - rows_beta * mean, -rows_beta * variance * path.heated


def stability_entropy(path: Path, beta: float, aggregate: str) -> Loss:
    """ISE(x; tau) [P], as drift.stability_entropy; how layers are aggregated is open [O].

    Examples
    --------
    >>> from dualalign.calibrators.objective import Path, stability_entropy
    >>> stability_entropy(Path(np.zeros((2, 3)), np.array([1, 2])), 1.0, "sum-entropy")[0].round(3).tolist()
    [0.693, 1.386]
    """
    if aggregate == "entropy-mean":
        return _entropy_of_mean(path, beta)
    entropies, slopes = (path.per_question(values) for values in layer_entropies(path, beta))
    return (entropies, slopes) if aggregate == "sum-entropy" else (entropies / path.counts, slopes / path.counts)


def _entropy_of_mean(path: Path, beta: float) -> Loss:
    rows_beta = path.beta(beta)
    log_total, mean, _ = moments(path.z, rows_beta)
    q = np.exp(rows_beta * path.z - log_total)
    mean_q = path.per_question(q) / path.counts
    mean_slope = path.per_question(q * (path.z - mean) * path.heated) / path.counts
    log_mean = np.log(np.where(mean_q > 0, mean_q, 1.0))
    return -(mean_q * log_mean).sum(axis=0), -(log_mean * mean_slope).sum(axis=0)


def process_loss(path: Path, target: np.ndarray, beta: float, aggregate: str, process: str) -> Loss:
    """S(x; tau): the squared gap between ISE_f(x; tau) and `target` = ISE_g(x; 1) [R].

    "per-layer" [O]: the mean over layers of the squared gaps, `target` then holding g's entropy of every row.

    Examples
    --------
    >>> from dualalign.calibrators.objective import Path, process_loss
    >>> path, certain = Path(np.zeros((2, 3)), np.array([1, 2])), np.zeros(2)
    >>> process_loss(path, certain, 1.0, "mean-entropy", "squared-gap")[0].round(3).tolist()  # (ln 2 - 0)^2
    [0.48, 0.48]
    """
    per_layer = process == "per-layer"
    value, slope = layer_entropies(path, beta) if per_layer else stability_entropy(path, beta, aggregate)
    gap = value - target
    loss, loss_slope = gap * gap, 2 * gap * slope
    if per_layer:
        return path.per_question(loss) / path.counts, path.per_question(loss_slope) / path.counts
    return loss, loss_slope


# -- w: the weight of a question -----------------------------------------------------------------------------------


def confidence_weight(traces: Traces, weight: str | float = "jsd") -> np.ndarray:
    """w(x) in 0..1, (N,), the share of C; S gets 1 - w. Its form is open [O].

    "jsd" 1 - d_L(x) / ln 2; "tv" 1 - TV(p_g^L, p_f^L); "hard" 1 on agreement, else 0; a number: the same for all.
    ValueError for another name, or a number outside 0 to 1.

    Examples
    --------
    >>> from dualalign.calibrators.objective import confidence_weight
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays([[[99.0, 0.0]], [[99.0, 0.0]]], [[[99.0, 0.0]], [[0.0, 99.0]]])  # at one, opposed
    >>> confidence_weight(traces).round(3).tolist()
    [1.0, 0.0]
    """
    if isinstance(weight, Real) and not isinstance(weight, bool):
        if not 0 <= weight <= 1:
            raise ValueError(f"weight is {weight}; a fixed weight lies in 0..1")
        return np.full(len(traces), float(weight))
    if not isinstance(weight, str) or weight not in WEIGHTS:
        raise ValueError(f"weight is {weight!r}; allowed are {', '.join(map(repr, WEIGHTS))} or a number in 0..1")
    if weight == "jsd":
        return 1.0 - drift.final_divergence(traces) / drift.LN2
    if weight == "tv":
        p_g, p_f = (np.exp(drift.log_softmax_options(z)) for z in (traces.plm_final, traces.polm_final))
        return np.clip(1.0 - np.abs(p_g - p_f).sum(axis=1) / 2, 0.0, 1.0)
    return drift.agreement(traces).astype(float)


# -- The objective -------------------------------------------------------------------------------------------------


class ConfidencePart:
    """Mean over x of weight(x) C(x; tau), as a function of beta: (value, slope).

    Examples
    --------
    >>> from dualalign.calibrators.objective import ConfidencePart
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.8, 0.2]]])
    >>> loss, slope = ConfidencePart(from_arrays(g, 2 * g), np.ones(1))(0.5)  # at T = 2 the two are the same
    >>> abs(round(loss, 6)), abs(round(slope, 6))
    (0.0, 0.0)
    """

    def __init__(self, traces: Traces, weight: np.ndarray, kl: str = "plm-first", base: str = "e") -> None:
        drift.one_of("kl", kl, KL_DIRECTIONS)
        drift.one_of("base", base, drift.BASES)
        used = weight > 0
        self.z_f = drift.options_first(traces.polm_final[used])
        self.log_g = drift.log_softmax_first(traces.plm_final[used])
        self.weight, self.kl = weight[used] / (len(weight) * drift.BASES[base]), kl

    def __call__(self, beta: float) -> tuple[float, float]:
        loss, slope = confidence_loss(self.z_f, self.log_g, beta, self.kl)
        return float(self.weight @ loss), float(self.weight @ slope)


class ProcessPart:
    """Mean over x of weight(x) S(x; tau), as a function of beta: (value, slope).

    Only layers from the peak on, of questions with a weight, are kept; g's entropies are computed once.

    Examples
    --------
    >>> from dualalign.calibrators.objective import ProcessPart
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]]])
    >>> part = ProcessPart(from_arrays(g, 2 * g), np.ones(1))
    >>> abs(round(part(0.5)[0], 6)), part(1.0)[0] > 0  # the entropies are the same at T = 2, and not at 1
    (0.0, True)
    """

    def __init__(
        self,
        traces: Traces,
        weight: np.ndarray,
        aggregate: str = "mean-entropy",
        tempered: str = "all",
        process: str = "squared-gap",
        peak: str = "max-jump",
        base: str = "e",
    ) -> None:
        drift.one_of("aggregate", aggregate, drift.AGGREGATES)
        drift.one_of("tempered", tempered, drift.TEMPERED)
        drift.one_of("process", process, PROCESSES)
        drift.one_of("base", base, drift.BASES)
        self.aggregate, self.process = aggregate, process
        self.weight = weight / (len(weight) * drift.BASES[base] ** 2)
        peaks = drift.peak_layer(traces, drift.one_of("peak", peak, drift.PEAK_RULES))
        self.blocks = list(self._blocks(traces, peaks, tempered))

    def _blocks(self, traces: Traces, peaks: np.ndarray, tempered: str) -> Iterator[tuple]:
        matched, used = drift.matched_plm(traces), np.flatnonzero(self.weight > 0)
        counts = traces.n_layers + 1 - peaks
        cuts = np.flatnonzero(np.diff(np.cumsum(counts[used]) // _BLOCK_ROWS)) + 1
        for rows in np.split(used, cuts) if len(used) else []:
            inside = np.arange(1, traces.n_layers + 1) >= peaks[rows, None]
            path_g = Path(drift.options_first(matched[rows][inside]), counts[rows])
            heated = 1.0 if tempered == "all" else np.nonzero(inside)[1] == traces.n_layers - 1
            path_f = Path(drift.options_first(traces.polm_logits[rows][inside]), counts[rows], heated)
            yield path_f, self._target(path_g), self.weight[rows]

    def _target(self, path_g: Path) -> np.ndarray:
        if self.process == "per-layer":
            return layer_entropies(path_g, 1.0)[0]
        return stability_entropy(path_g, 1.0, self.aggregate)[0]

    def __call__(self, beta: float) -> tuple[float, float]:
        value = slope = 0.0
        for path, target, weight in self.blocks:
            loss, loss_slope = process_loss(path, target, beta, self.aggregate, self.process)
            value, slope = value + float(weight @ loss), slope + float(weight @ loss_slope)
        return value, slope
