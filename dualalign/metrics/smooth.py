"""Smooth calibration error: no bins, hence no edges (Blasiok and Nakkiran, arXiv:2309.12236)."""

from __future__ import annotations

import numpy as np

from ._checks import by_rows, check_pairs

_NEGLIGIBLE = 9.0  # a mode with k pi sigma above this weighs less than exp(-40)
_GRID = 4096  # least number of grid cells in which a change of sign is looked for
_CELLS = 1 << 21  # cosines held in memory at a time
_FINEST = 1e-4  # widths below would need tens of thousands of modes


class _SmoothedResidual:
    """r_sigma(t) = mean_i (y_i - f_i) K_sigma(t, f_i), K the Gaussian kernel reflected at 0 and 1.

    Reflection makes K the heat kernel of [0, 1], K_sigma(t, f) = 1 + 2 sum_k exp(-(k pi sigma)^2 / 2) cos(k pi t)
    cos(k pi f), k >= 1. So r is a cosine series, whose integral is known in closed form.
    """

    def __init__(self, confidence: np.ndarray, correct: np.ndarray):
        self.points, place = np.unique(confidence, return_inverse=True)
        self.residuals = np.bincount(place, correct - confidence) / len(confidence)
        self.coefficients = np.zeros(0)

    def modes(self, count: int) -> np.ndarray:
        """mean_i (y_i - f_i) cos(k pi f_i) for k below `count`; computed once, extended when asked for more."""
        step = max(1, _CELLS // len(self.points))
        for start in range(len(self.coefficients), count, step):
            k = np.arange(start, min(start + step, count))
            new = np.cos(np.pi * k[:, None] * self.points) @ self.residuals
            self.coefficients = np.append(self.coefficients, new)
        return self.coefficients[:count]

    def area(self, sigma: float) -> float:
        """Integral of |r_sigma| over [0, 1]: between changes of sign it is a difference of the antiderivative."""
        from scipy.fft import dct, next_fast_len

        k = np.arange(1, int(_NEGLIGIBLE / (np.pi * sigma)) + 2)
        weights = 2 * self.modes(len(k) + 1)[1:] * np.exp(-((np.pi * k * sigma) ** 2) / 2)
        cells = next_fast_len(max(_GRID, 4 * len(k)))
        series = np.zeros(cells + 1)
        series[0], series[1 : len(k) + 1] = 2 * self.coefficients[0], weights
        values = dct(series, type=1) / 2
        ends = np.concatenate([[0.0], _crossings(values, cells), [1.0]])
        integral = self.coefficients[0] * ends + np.sin(np.pi * ends[:, None] * k) @ (weights / (np.pi * k))
        return float(np.abs(np.diff(integral)).sum())


def _crossings(values: np.ndarray, cells: int) -> np.ndarray:
    """Where the line through neighbouring grid values crosses 0; an error e there changes the area by O(e^2) only."""
    at = np.flatnonzero(np.signbit(values[1:]) != np.signbit(values[:-1]))
    return (at + values[at] / (values[at] - values[at + 1])) / cells


@by_rows(None)
def smooth_ece(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Smooth ECE: the width sigma at which the residuals, smoothed by a kernel of that width, have area sigma.

    The smoothed error falls as sigma grows, so this sigma is unique; it is found by bracketing, to 1e-12. Where it lies
    below 1e-4, the error smoothed with 1e-4 is returned, itself below 1e-4.

    Parameters
    ----------
    confidence : (N,) probability of the predicted option
    correct : (N,) bool

    Returns
    -------
    float
        A probability, 0 to 1. Positive by noise alone, as every calibration error: see `noise_floor`.

    Raises
    ------
    ValueError
        As `ece`.

    Examples
    --------
    >>> round(da.metrics.smooth_ece([0.75] * 4, [True, True, True, False]), 3)
    0.0
    >>> round(da.metrics.smooth_ece([0.9, 0.6], [False, False]), 3)  # over-confident throughout: by the mean of both
    0.75
    """
    from scipy.optimize import brentq

    residual = _SmoothedResidual(*check_pairs(confidence, correct))
    least, most = abs(residual.residuals.sum()), np.abs(residual.residuals).sum()
    if most - least <= 1e-12:  # one sign everywhere (or nothing to smooth): smoothing changes nothing
        return float(least)
    high = most * (1 + 1e-9)  # area(sigma) <= most, so this brackets from above in spite of rounding
    while high > _FINEST and residual.area(high / 2) < high / 2:
        high /= 2
    if high <= _FINEST:
        return residual.area(_FINEST)
    return float(brentq(lambda sigma: residual.area(sigma) - sigma, high / 2, high, xtol=1e-13))
