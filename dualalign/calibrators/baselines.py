"""What alignment is held against: no calibration, the PLM's own confidence, the agreement rate, and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .base import Calibrator, unfitted
from .objective import moments
from .search import T_MAX, T_MIN, Optimum, minimise


@dataclass(eq=False)
class Vanilla(Calibrator):
    """The PoLM as it comes, T = 1.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.zeros((1, 1, 2)), np.log([[[0.9, 0.1]]]))
    >>> da.Vanilla().fit(traces).predict_proba(traces).round(3).tolist()
    [[0.9, 0.1]]
    """

    name: ClassVar[str] = "vanilla"
    least: ClassVar[int] = 1

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        return unfitted("nothing is fitted"), 0


@dataclass(eq=False)
class BaseCal(Calibrator):
    """The PLM's probability of the PoLM's answer, p_g^L[argmax p_f^L] (arXiv:2601.03042). Nothing is fitted.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.log([[[0.7, 0.3]]]), np.log([[[0.1, 0.9]]]))
    >>> da.BaseCal().fit(traces).confidence(traces).round(3).tolist()  # the PoLM says the second option
    [0.3]
    """

    name: ClassVar[str] = "basecal"
    has_temperature: ClassVar[bool] = False
    least: ClassVar[int] = 1

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        return unfitted("nothing is fitted: the confidence is the PLM's"), 0

    def predict_proba(self, traces: Traces) -> np.ndarray:
        """Refuse: BaseCal gives a confidence only."""
        raise ValueError("basecal gives no probabilities, only a confidence; use confidence(traces)")

    def confidence(self, traces: Traces) -> np.ndarray:
        """Return the PLM's probability of the option that the PoLM predicts, (N,)."""
        self._fitted("temperature_")
        p_g = np.exp(drift.log_softmax_options(traces.plm_final))
        return np.take_along_axis(p_g, self.prediction(traces)[:, None], axis=1)[:, 0]


@dataclass(eq=False)
class Agreement(Calibrator):
    """The T at which the PoLM's mean confidence equals the rate at which the two models agree (after arXiv:2106.13799).

    `objective_` is the gap that remains, in probability: 0 unless the rate cannot be met.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g, z_f = [[[1.0, 0.0]]] * 3 + [[[0.0, 1.0]]], [[[2 * np.log(3), 0.0]]] * 4  # three of four agree
    >>> round(da.Agreement().fit(from_arrays(g, z_f)).temperature_, 3)  # odds of 3 to 1
    2.0
    """

    name: ClassVar[str] = "agreement"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        z, rate = drift.options_first(traces.polm_final), float(drift.agreement(traces).mean())
        return _match_confidence(z, rate), len(traces)


def _match_confidence(z: np.ndarray, rate: float) -> Optimum:
    """Solve mean confidence = rate; the mean confidence falls as T grows."""
    from scipy.optimize import brentq

    def gap(log_t: float) -> float:
        return float(np.exp(-moments(z, math.exp(-log_t))[0]).mean()) - rate  # the largest option has weight exp(0)

    low, high = math.log(T_MIN), math.log(T_MAX)
    limit = float(np.mean(1.0 / (z > drift.FLOOR).sum(axis=0))) - rate
    if gap(low) == gap(high):
        return Optimum(1.0, abs(gap(0.0)), "every temperature gives the same confidence; left at 1")
    if limit >= 0:
        return Optimum(math.inf, limit, f"no finite optimum: the models agree on {rate:.3f}, no more than chance")
    if gap(high) >= 0:
        return Optimum(T_MAX, gap(high), f"at the upper edge of the search, {T_MAX:g}: the optimum lies beyond it")
    if gap(low) <= 0:
        return Optimum(T_MIN, -gap(low), f"at the lower edge of the search, {T_MIN:g}: the models agree on {rate:.3f}")
    root = brentq(gap, low, high, xtol=1e-12)
    return Optimum(math.exp(root), abs(gap(root)))


@dataclass(eq=False)
class TemperatureScaling(Calibrator):
    """The supervised oracle: mean negative log-likelihood of the labels (Guo et al., arXiv:1706.04599), in nats.

    Questions with an unknown label (-1) are left out.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> z_f = [[[2 * np.log(3), 0.0]]] * 4
    >>> traces = from_arrays(np.zeros((4, 1, 2)), z_f, labels=[0, 0, 0, 1])  # right three times of four
    >>> round(da.TemperatureScaling().fit(traces).temperature_, 3)  # odds of 3 to 1
    2.0
    """

    name: ClassVar[str] = "temperature-scaling"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        known = traces.labels >= 0
        if not known.any():
            raise ValueError("labels are all unknown (-1); temperature-scaling needs labels, try dual-align")
        z = drift.options_first(traces.polm_final[known])
        right = np.take_along_axis(z, traces.labels[known][None, :], axis=0)[0]

        def likelihood(beta: float) -> tuple[float, float]:
            log_total, mean, _ = moments(z, beta)
            return float((log_total - beta * right).mean()), float((mean - right).mean())

        return minimise(likelihood), int(known.sum())
