"""Vector and matrix scaling: more parameters than one temperature, on DACA's loss or on labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .alignment import DACA
from .base import Calibrator
from .baselines import TemperatureScaling
from .search import Optimum

LOSSES = ("daca", "labels")
RIDGE = 1e-9  # see _Scaling
_SLOPE = 1e-10  # of loss and ridge, in nats a unit of a scaled weight: what the search aims at,
_ENOUGH = 1e-7  # and what will do where rounding stops it
_STEPS = 500


class _Scaling(Calibrator):
    """q = softmax(W z + b), z the PoLM's final logits less their mean over the row's options; W diagonal or full.

    A constant added to a row of logits means nothing, but W z would read it; hence the mean. An option that a row lacks
    enters as 0, what an average option has, and has probability 0. The loss is convex, and its least value does not
    depend on the search. Which W and b reach it can: some changes of W and b move no probability, and an option that no
    fitted question has moves none either. A ridge of `RIDGE` times half the squared distance from temperature scaling
    on the same loss, in units of the logits' root mean square, picks the nearest; it moves no probability noticeably.
    Where no finite optimum exists (labels that a scaling can separate) the ridge alone holds W and b, and `reason_`
    says so. `objective_` is the mean loss without the ridge, in nats: no more than temperature scaling's, but by the
    ridge's trifle where there is no finite optimum. `temperature_` is 1 and means nothing. Negative weights are
    allowed; a wider trace's further options get temperature scaling's weight and no bias.

    Attributes
    ----------
    weights_ : (K,) the diagonal of W, or (K, K)
    bias_ : (K,)
    """

    weights_: np.ndarray
    bias_: np.ndarray
    has_temperature: ClassVar[bool] = False
    loss: str

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        rows, target = self._targets(traces)
        plain = (DACA() if self.loss == "daca" else TemperatureScaling()).fit(traces)
        logits = traces.polm_final[rows]
        loss = ScalingLoss(logits, target, self._free(logits.shape[1]), plain)
        self._beta, (self._matrix, self.bias_) = loss.beta, loss.minimise()
        self.weights_ = self._shown(self._matrix)
        return Optimum(1.0, loss.value(self._matrix, self.bias_), self._reason(loss)), len(logits)

    def _targets(self, traces: Traces) -> tuple[np.ndarray, np.ndarray]:
        """Return which questions enter the fit, bool (N,), and what q is fitted to there, (n, K)."""
        drift.one_of("loss", self.loss, LOSSES)
        rows = drift.agreement(traces) if self.loss == "daca" else traces.labels >= 0
        if not rows.any() and self.loss == "daca":
            raise ValueError(f"traces has no question on which the two models agree; {self.name} needs one")
        if not rows.any():
            raise ValueError(f"labels are all unknown (-1); {self.name} with loss 'labels' needs labels, try 'daca'")
        if self.loss == "daca":
            return rows, np.exp(drift.log_softmax_options(traces.plm_final[rows]))
        return rows, np.eye(traces.mask.shape[1])[traces.labels[rows]]

    def _reason(self, loss: ScalingLoss) -> str:
        if loss.falls_for_ever(self._matrix, self.bias_):
            return "no finite optimum within reach: the loss falls as weights grow; a small ridge holds them"
        return f"{self._words}; no temperature is fitted"

    def predict_proba(self, traces: Traces) -> np.ndarray:
        """Return softmax(W z + b) over the real options, float64 (N, K), 0 where padded."""
        self._fitted("bias_")
        width = traces.mask.shape[1]
        shared = min(width, len(self.bias_))
        weights, bias = self._beta * np.eye(width), np.zeros(width)
        weights[:shared, :shared], bias[:shared] = self._matrix[:shared, :shared], self.bias_[:shared]
        return np.exp(log_scaled(centred(traces.polm_final), traces.mask, weights, bias))

    def prediction(self, traces: Traces) -> np.ndarray:
        """Return the option that is most probable once scaled, int (N,), the first one on ties."""
        return self.predict_proba(traces).argmax(axis=1)


@dataclass(eq=False)
class VectorScaling(_Scaling):
    """A weight and a bias for each option: q = softmax(w * z + b) (Guo et al., arXiv:1706.04599).

    Parameters
    ----------
    loss : "daca" the mean of KL(p_g || q) over the questions on which the two models agree, label-free [D]
        (arXiv:2505.16690); "labels" the mean negative log-likelihood of the labels, unknown ones (-1) left out

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> p_g = np.array([[[0.8, 0.2]], [[0.6, 0.4]], [[0.3, 0.7]]])
    >>> traces = from_arrays(np.log(p_g), np.log(p_g**2 * [3, 1]))  # a PoLM twice as sure, that leans to the first
    >>> da.VectorScaling().fit(traces).predict_proba(traces).round(3).tolist()
    [[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]
    """

    loss: str = "daca"
    name: ClassVar[str] = "vector-scaling"
    _words: ClassVar[str] = "a weight and a bias for each option"

    def _free(self, k: int) -> np.ndarray:
        return np.hstack([np.eye(k, dtype=bool), np.ones((k, 1), dtype=bool)])

    def _shown(self, weights: np.ndarray) -> np.ndarray:
        return np.diagonal(weights).copy()


@dataclass(eq=False)
class MatrixScaling(_Scaling):
    """A full matrix and a bias: q = softmax(W z + b) (Guo et al., arXiv:1706.04599). Options as in `VectorScaling`.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> p_g = np.array([[[0.8, 0.2]], [[0.6, 0.4]], [[0.3, 0.7]]])
    >>> traces = from_arrays(np.log(p_g), np.log(p_g**2 * [3, 1]))  # a PoLM twice as sure, that leans to the first
    >>> da.MatrixScaling().fit(traces).predict_proba(traces).round(3).tolist()
    [[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]
    """

    loss: str = "daca"
    name: ClassVar[str] = "matrix-scaling"
    _words: ClassVar[str] = "a weight for each pair of options and a bias for each option"

    def _free(self, k: int) -> np.ndarray:
        return np.ones((k, k + 1), dtype=bool)

    def _shown(self, weights: np.ndarray) -> np.ndarray:
        return weights


def centred(logits: np.ndarray) -> np.ndarray:
    """Return logits (N, K) less their mean over each row's real options, float64, 0 where padded.

    Examples
    --------
    >>> da.calibrators.scaling.centred(np.array([[1.0, 3.0, -np.inf]])).tolist()
    [[-1.0, 1.0, 0.0]]
    """
    real = np.isfinite(logits)
    z = np.where(real, logits, 0.0).astype(np.float64)
    return np.where(real, z - z.sum(axis=1, keepdims=True) / real.sum(axis=1, keepdims=True), 0.0)


def log_scaled(z: np.ndarray, real: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return log softmax(W z + b) over the real options, (N, K), -inf where padded.

    Examples
    --------
    >>> z, real = np.log([[0.8, 0.2]]), np.ones((1, 2), bool)
    >>> np.exp(da.calibrators.scaling.log_scaled(z, real, np.eye(2), np.log([1, 4]))).round(3).tolist()
    [[0.5, 0.5]]
    """
    return drift.log_softmax_options(np.where(real, z @ weights.T + bias, -np.inf))


class ScalingLoss:
    """Mean of KL(target || softmax(W z + b)) over rows, with exact gradient and Hessian, and its least point.

    A target that is all on one option makes it the negative log-likelihood.

    Parameters
    ----------
    logits : (N, K), -inf where padded
    target : (N, K) probabilities
    free : bool (K, K + 1), which entries of [W b] may move
    plain : temperature scaling, fitted on the same loss; `beta` = 1 / T is where the search starts and the ridge pulls.
        Where T is no optimum but an edge of its range, every slope can be 0: `beta` then gives the logits root mean
        square 1

    Examples
    --------
    >>> from dualalign.calibrators.scaling import ScalingLoss
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.8, 0.2]], [[0.3, 0.7]]])
    >>> plain = da.DACA().fit(from_arrays(g, 2 * g))
    >>> loss = ScalingLoss(2 * g[:, 0], np.exp(g[:, 0]), np.ones((2, 3), bool), plain)
    >>> abs(round(loss.value(np.eye(2) / 2, np.zeros(2)), 6))  # half the logits, and the two models are the same
    0.0
    """

    def __init__(self, logits: np.ndarray, target: np.ndarray, free: np.ndarray, plain: Calibrator) -> None:
        self.z, self.real, self.target, self.free = centred(logits), np.isfinite(logits), target, free
        self.unit = float(np.sqrt((self.z**2).sum() / self.real.sum())) or 1.0
        self.x = np.hstack([self.z / self.unit, np.ones((len(self.z), 1))])  # (N, K + 1), so that b is a weight too
        self.beta = 1.0 / (self.unit if plain.reason_ and np.isfinite(plain.temperature_) else plain.temperature_)
        self.start = np.eye(*free.shape) * self.beta * self.unit
        self.entropy = -float((target * np.log(np.where(target > 0, target, 1.0))).sum()) / len(target)

    def value(self, weights: np.ndarray, bias: np.ndarray) -> float:
        """Return the mean loss of W and b, in nats."""
        return self._cross_entropy(log_scaled(self.z, self.real, weights, bias)) - self.entropy

    def minimise(self) -> tuple[np.ndarray, np.ndarray]:
        """Return W (K, K) and b (K,) at the optimum of loss and ridge.

        Raises
        ------
        ValueError
            Where the search does not get there.
        """
        from scipy.optimize import minimize

        options = {"gtol": _SLOPE, "maxiter": _STEPS}
        found = minimize(
            self._ridged, self.start[self.free], jac=True, hess=self._hessian, method="trust-exact", options=options
        )
        if not np.abs(found.jac).max() <= _ENOUGH:
            raise ValueError(f"the search did not converge (slope {np.abs(found.jac).max():.2g}); check the logits")
        scaled = self._whole(found.x)
        return scaled[:, :-1] / self.unit, scaled[:, -1]

    def falls_for_ever(self, weights: np.ndarray, bias: np.ndarray) -> bool:
        """Whether the loss alone still falls from the optimum of loss and ridge: no finite optimum, or none in reach.

        Newton's next step on the loss tells. Where a scaling separates the rows, errors shrink as exp(-log-odds), and
        the step adds about 1 to some log-odds however far one has gone; near a finite optimum it adds nothing.
        """
        moved = np.column_stack([weights * self.unit, bias])[self.free]
        slope = self._ridged(moved)[1] - RIDGE * (moved - self.start[self.free])
        step = np.zeros(self.start.shape)
        step[self.free] = np.linalg.solve(self._hessian(moved), slope)
        scores = self.x @ step.T
        return bool(np.ptp(np.where(self.real, scores, scores[:, :1]), axis=1).max() > 0.5)

    def _whole(self, moved: np.ndarray) -> np.ndarray:
        scaled = self.start.copy()
        scaled[self.free] = moved
        return scaled

    def _log_q(self, moved: np.ndarray) -> np.ndarray:
        return drift.log_softmax_options(np.where(self.real, self.x @ self._whole(moved).T, -np.inf))

    def _cross_entropy(self, log_q: np.ndarray) -> float:
        return -float((self.target * np.where(self.target > 0, log_q, 0.0)).sum()) / len(log_q)

    def _ridged(self, moved: np.ndarray) -> tuple[float, np.ndarray]:
        log_q, away = self._log_q(moved), moved - self.start[self.free]
        gradient = (np.exp(log_q) - self.target).T @ self.x / len(log_q)  # (K, K + 1)
        value = self._cross_entropy(log_q) - self.entropy + RIDGE / 2 * float(away @ away)
        return value, gradient[self.free] + RIDGE * away

    def _hessian(self, moved: np.ndarray) -> np.ndarray:
        q, k = np.exp(self._log_q(moved)), self.z.shape[1]
        spread = q[:, :, None] * (np.eye(k) - q[:, None, :])  # (N, K, K)
        products = self.x[:, :, None] * self.x[:, None, :]  # (N, K + 1, K + 1)
        whole = spread.reshape(len(q), -1).T @ products.reshape(len(q), -1) / len(q)
        whole = whole.reshape(k, k, k + 1, k + 1).transpose(0, 2, 1, 3).reshape(k * (k + 1), -1)
        free = np.flatnonzero(self.free)
        return whole[np.ix_(free, free)] + RIDGE * np.eye(len(free))
