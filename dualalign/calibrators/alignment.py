"""The label-free methods that align f with g: align-all, daca, the two halves of Dual-Align, and Dual-Align."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .adam import ADAM_PROTOCOL, adam_temperature
from .base import Calibrator
from .objective import ConfidencePart, ProcessPart, confidence_weight
from .search import T_MIN, Objective, Optimum, minimise

OPTIMIZERS = ("exact", "adam")


@dataclass(eq=False)
class AlignAll(Calibrator):
    """Mean over every question of KL(p_g || softmax(z_f / T)): naive alignment [D].

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g, z_f = np.log([[[0.2, 0.79, 0.005, 0.005]]] * 2), [[[1.0, 0.9, -5.0, -5.0]]] * 2  # the two disagree
    >>> round(da.AlignAll().fit(from_arrays(g, z_f)).temperature_, 2)
    1.43
    """

    name: ClassVar[str] = "align-all"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        return minimise(ConfidencePart(traces, np.ones(len(traces)))), len(traces)


@dataclass(eq=False)
class DACA(Calibrator):
    """Mean of KL(p_g || softmax(z_f / T)) over the questions on which the two models agree [D] (arXiv:2505.16690).

    The replica's unguarded result is `raw_temperature_`; where it is no valid temperature, `temperature_` is 0.01.

    Parameters
    ----------
    optimizer : "exact" the optimum; "adam" a replica of the published protocol, for comparison only (see adam.py)
    learning_rate, epochs, batch_size, seed : of the replica. The rate is 0.1 in [D]'s code and 0.05 in its text.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g, z_f = np.log([[[0.8, 0.2]], [[0.3, 0.7]]]), np.log([[[0.64, 0.04]], [[0.99, 0.01]]])
    >>> calibrator = da.DACA().fit(from_arrays(g, z_f))  # the first question alone: there z_f is twice log p_g
    >>> round(calibrator.temperature_, 3), calibrator.n_fit_
    (2.0, 1)
    """

    optimizer: str = "exact"
    learning_rate: float = ADAM_PROTOCOL["learning_rate"]
    epochs: int = ADAM_PROTOCOL["epochs"]
    batch_size: int = ADAM_PROTOCOL["batch_size"]
    seed: int = 0
    name: ClassVar[str] = "daca"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        drift.one_of("optimizer", self.optimizer, OPTIMIZERS)
        agreeing = drift.agreement(traces)
        if not agreeing.any():
            raise ValueError("traces has no question on which the two models agree; daca needs one, try dual-align")
        objective = ConfidencePart(traces, agreeing / agreeing.mean())
        optimum = minimise(objective) if self.optimizer == "exact" else self._replica(traces, agreeing, objective)
        return optimum, int(agreeing.sum())

    def _replica(self, traces: Traces, agreeing: np.ndarray, objective: Objective) -> Optimum:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a whole number of at least 1")
        if not isinstance(self.learning_rate, Real) or not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate is {self.learning_rate!r}; give a positive number")
        raw, reason = adam_temperature(traces, agreeing, self.learning_rate, self.epochs, self.batch_size, self.seed)
        self.raw_temperature_ = raw
        temperature = raw if raw >= T_MIN else T_MIN
        return Optimum(temperature, objective(1 / temperature)[0], reason)


@dataclass(eq=False)
class ConfidenceOnly(Calibrator):
    """The confidence half of Dual-Align: mean over x of w(x) C(x; T). Options as in `DualAlign`.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.3, 0.7]]])  # two questions, two layers, two options
    >>> calibrator = da.ConfidenceOnly().fit(from_arrays(g, 2 * g))
    >>> round(calibrator.temperature_, 3), abs(round(calibrator.objective_, 6))
    (2.0, 0.0)
    """

    weight: str | float = "jsd"
    kl: str = "plm-first"
    base: str = "e"
    name: ClassVar[str] = "confidence-only"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        weight = confidence_weight(traces, self.weight)
        if not (weight > 0).any():
            raise ValueError(f"weight {self.weight!r} is 0 for every question; confidence-only has nothing to align")
        return minimise(ConfidencePart(traces, weight, self.kl, self.base)), int((weight > 0).sum())


@dataclass(eq=False)
class ProcessOnly(Calibrator):
    """The process half of Dual-Align: mean over x of (1 - w(x)) S(x; T). Options as in `DualAlign`.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.3, 0.7]]])  # two questions, two layers, two options
    >>> calibrator = da.ProcessOnly().fit(from_arrays(g, 2 * g))  # entropies alone see no difference between options
    >>> round(calibrator.temperature_, 3), round(da.ProcessOnly().fit(from_arrays(g, -2 * g)).temperature_, 3)
    (2.0, 2.0)
    """

    aggregate: str = "mean-entropy"
    tempered: str = "all"
    weight: str | float = "jsd"
    process: str = "squared-gap"
    peak: str = "max-jump"
    base: str = "e"
    name: ClassVar[str] = "process-only"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        share = 1.0 - confidence_weight(traces, self.weight)
        part = ProcessPart(traces, share, self.aggregate, self.tempered, self.process, self.peak, self.base)
        return minimise(part), int((share > 0).sum())


@dataclass(eq=False)
class DualAlign(Calibrator):
    """Dual-Align [P] (arXiv:2601.04277): mean over x of w(x) C(x; T) + (1 - w(x)) S(x; T), see objective.py.

    The public record leaves several readings open; each is a named option.

    Parameters
    ----------
    aggregate : "mean-entropy", "sum-entropy" or "entropy-mean": how ISE runs over the layers from the peak on
    tempered : "all" layers from the peak on, or the "last" only
    weight : "jsd", "tv", "hard", or a number in 0..1 for a fixed weight
    process : "squared-gap" of the two ISEs, or the mean of the squared "per-layer" gaps (no aggregate then)
    kl : "plm-first" KL(p_g || q_T), or "polm-first" KL(q_T || p_g)
    peak : "max-jump", "max-rise" or "max-divergence", see drift.peak_layer
    base : "e" or "2", the logarithm of C and S. Weight and peak do not depend on it; C is divided by ln 2 and the
        squared entropies of S by its square, so base 2 gives S 1.44 times the say against C

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.3, 0.7]]])  # two questions, two layers, two options
    >>> calibrator = da.DualAlign().fit(from_arrays(g, 2 * g))  # a PoLM with twice the logits at every layer
    >>> round(calibrator.temperature_, 3)
    2.0
    """

    aggregate: str = "mean-entropy"
    tempered: str = "all"
    weight: str | float = "jsd"
    process: str = "squared-gap"
    kl: str = "plm-first"
    peak: str = "max-jump"
    base: str = "e"
    name: ClassVar[str] = "dual-align"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        w = confidence_weight(traces, self.weight)
        confidence = ConfidencePart(traces, w, self.kl, self.base)
        process = ProcessPart(traces, 1.0 - w, self.aggregate, self.tempered, self.process, self.peak, self.base)

        def objective(beta: float) -> tuple[float, float]:
            (c, c_slope), (s, s_slope) = confidence(beta), process(beta)
            return c + s, c_slope + s_slope

        return minimise(objective), len(traces)
