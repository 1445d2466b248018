"""The published DACA protocol, step by step, for comparison only: it stops where Adam stops, not at the optimum."""

from __future__ import annotations

import numpy as np

from .. import drift
from ..traces import Traces

ADAM_PROTOCOL = {"learning_rate": 0.1, "epochs": 400, "batch_size": 256}
_CLAMP = 1e-8  # probabilities below it enter the published loss as this constant, so they carry no slope
_DECAY = (0.9, 0.999)
_EPSILON = 1e-8


def adam_temperature(
    traces: Traces, agreeing: np.ndarray, learning_rate: float, epochs: int, batch_size: int, seed: int
) -> tuple[float, str]:
    """Return (raw temperature, reason) of Adam on the soft cross-entropy of [D]'s reference code.

    The end of `adam_path` from T = 1. It can be negative: the reason then says so.

    Examples
    --------
    >>> from dualalign.calibrators.adam import adam_temperature
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.log([[[0.8, 0.2]]]), np.log([[[0.64, 0.04]]]))  # best at T = 2
    >>> temperature, reason = adam_temperature(traces, np.array([True]), 0.1, 1, 256, 0)  # one epoch: one step
    >>> round(temperature, 3), reason
    (1.1, 'where the published Adam protocol stops, which need not be the optimum')
    """
    temperature = float(adam_path(traces, agreeing, learning_rate, epochs, batch_size, seed)[-1])
    return temperature, _reason(temperature)


def adam_path(
    traces: Traces,
    kept: np.ndarray,
    learning_rate: float = ADAM_PROTOCOL["learning_rate"],
    epochs: int = ADAM_PROTOCOL["epochs"],
    batch_size: int = ADAM_PROTOCOL["batch_size"],
    seed: int = 0,
    start: float = 1.0,
) -> np.ndarray:
    """Return the raw temperature at the start and after each epoch of the published protocol [C], (epochs + 1,).

    T is not kept positive; rows that are not kept stay in the batch and its denominator with loss 0; batches are drawn
    anew every epoch, seeded, so that a longer run begins with the shorter one.

    Parameters
    ----------
    kept : bool (N,), the agreeing questions for DACA, every question for align-all
    learning_rate, epochs, batch_size, seed : as in `DACA`
    start : T before the first step, not 0; 1 in [D]

    Raises
    ------
    ValueError
        For a start that is 0 or not finite.

    Examples
    --------
    >>> from dualalign.calibrators.adam import adam_path
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.log([[[0.8, 0.2]]]), np.log([[[0.64, 0.04]]]))  # best at T = 2
    >>> adam_path(traces, np.array([True]), epochs=100)[[0, 1, 100]].round(1).tolist()  # at first 0.1 an epoch
    [1.0, 1.1, 2.0]
    """
    if start == 0 or not np.isfinite(start):
        raise ValueError(f"start is {start}; give a finite temperature other than 0")
    z, p = _published_arrays(traces, kept)
    real = z > drift.FLOOR
    logits = np.where(real, z, 0.0)
    rng, temperature, moments, step = np.random.default_rng(seed), float(start), (0.0, 0.0), 0
    path = [temperature]
    for _ in range(epochs):
        order = rng.permutation(len(kept))
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            slope = _slope(logits[:, rows], real[:, rows], p[:, rows], temperature)
            step += 1
            change, moments = _adam_step(slope, moments, step)
            temperature -= learning_rate * change
        path.append(temperature)
    return np.array(path)


def _published_arrays(traces: Traces, agreeing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return z_f (FLOOR where padded) and p_g (all 0 in a disagreeing row), both (K, N)."""
    z = drift.options_first(traces.polm_final)
    return z, np.exp(drift.log_softmax_first(traces.plm_final)) * agreeing


def soft_cross_entropy_slope(z: np.ndarray, p: np.ndarray, temperature: float) -> float:
    """Return d/dT of the batch mean of -sum p_g log(max(softmax(z_f / T), 1e-8)).

    z : (K, B) shifted logits, drift.FLOOR where padded; p : (K, B), all zero in a disagreeing row.

    Examples
    --------
    >>> from dualalign.calibrators.adam import soft_cross_entropy_slope
    >>> z, p = np.array([[0.0], [-np.log(3)]]), np.array([[1.0], [0.0]])
    >>> round(soft_cross_entropy_slope(z, p, 1.0), 3)  # E_p z - E_q z, by T^2: (ln 3) / 4
    0.275
    """
    real = z > drift.FLOOR
    return _slope(np.where(real, z, 0.0), real, p, temperature)


def _slope(logits: np.ndarray, real: np.ndarray, p: np.ndarray, temperature: float) -> float:
    scaled = np.where(real, logits / temperature, -np.inf)
    q = np.exp(scaled - scaled.max(axis=0))
    q /= q.sum(axis=0)
    centred = logits - (q * logits).sum(axis=0)
    return float((p * (q >= _CLAMP) * centred).sum() / (temperature**2 * logits.shape[1]))


def _adam_step(slope: float, moments: tuple[float, float], step: int) -> tuple[float, tuple[float, float]]:
    first = _DECAY[0] * moments[0] + (1 - _DECAY[0]) * slope
    second = _DECAY[1] * moments[1] + (1 - _DECAY[1]) * slope * slope
    scale = np.sqrt(second / (1 - _DECAY[1] ** step)) + _EPSILON
    return float(first / (1 - _DECAY[0] ** step) / scale), (first, second)


def _reason(temperature: float) -> str:
    if temperature >= 0.01:
        return "where the published Adam protocol stops, which need not be the optimum"
    return f"the published Adam protocol stopped at {temperature:.4g}, no valid temperature; set to 0.01"
