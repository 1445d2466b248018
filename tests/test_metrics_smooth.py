"""Smooth ECE where its area is known in closed form, at its narrowest and widest, and what it holds in memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf

from dualalign import metrics
from dualalign.metrics import smooth

RNG = np.random.default_rng(8)
CONFIDENCE = np.concatenate([RNG.uniform(0.3, 1, 40), [0.0, 1.0, 0.5, 0.5]])
CORRECT = RNG.random(44) < CONFIDENCE - 0.1
PAIRS = CONFIDENCE, CORRECT


def area_of_two(apart: float, sigma: float) -> float:
    """Area of the smoothed residuals of a right answer at 0.5 and a wrong one at 0.5 + apart, far from 0 and 1."""
    right, wrong = 0.25, 0.25 + apart / 2
    crossing = 0.5 + apart / 2 - sigma**2 * np.log(wrong / right) / apart
    shares = erf((crossing - 0.5) / (sigma * np.sqrt(2))), erf((crossing - 0.5 - apart) / (sigma * np.sqrt(2)))
    return right * shares[0] - wrong * shares[1]


@pytest.mark.parametrize("apart", [1e-2, 1e-3, 1e-4])
def test_two_close_confidences_smooth_to_the_closed_form(apart):
    value = metrics.smooth_ece([0.5, 0.5 + apart], [True, False])
    assert value == pytest.approx(brentq(lambda s: area_of_two(apart, s) - s, 1e-4, 0.06, xtol=1e-15), rel=1e-9)


def test_a_smooth_ece_below_the_finest_width_is_the_area_at_that_width(monkeypatch):
    monkeypatch.setattr(smooth, "_FINEST", 0.03)
    for apart, finest in [(1e-2, False), (1e-3, True), (1e-4, True)]:  # the widths are 0.045, 0.014 and 0.0045
        value = metrics.smooth_ece([0.5, 0.5 + apart], [True, False])
        assert (value == pytest.approx(area_of_two(apart, 0.03), rel=1e-9)) == finest
        assert (value < 0.03) == finest


def test_one_sign_everywhere_needs_no_smoothing(monkeypatch):
    monkeypatch.setattr(smooth._SmoothedResidual, "area", None)
    assert metrics.smooth_ece([0.2, 0.7], [True, True]) == pytest.approx((0.8 + 0.3) / 2, abs=1e-15)
    assert metrics.smooth_ece([0.2, 0.7], [False, False]) == pytest.approx(0.45, abs=1e-15)


def test_modes_are_the_same_however_many_are_held_and_asked_for(monkeypatch):
    whole = smooth._SmoothedResidual(CONFIDENCE, CORRECT.astype(float))
    expected = [np.mean((CORRECT - CONFIDENCE) * np.cos(k * np.pi * CONFIDENCE)) for k in range(9)]
    assert whole.modes(9) == pytest.approx(expected, abs=1e-15)
    before, value = whole.coefficients, metrics.smooth_ece(*PAIRS)
    assert whole.modes(4) == pytest.approx(expected[:4], abs=1e-15)
    assert whole.coefficients is before  # computed once
    monkeypatch.setattr(smooth, "_CELLS", 130)
    few = smooth._SmoothedResidual(CONFIDENCE, CORRECT.astype(float))
    assert few.modes(2) == pytest.approx(expected[:2], abs=1e-15)
    assert few.modes(9) == pytest.approx(expected, abs=1e-15)
    assert metrics.smooth_ece(*PAIRS) == pytest.approx(value, abs=1e-13)


def area_by_images(points: np.ndarray, residuals: np.ndarray, sigma: float) -> float:
    """Area of residuals under the reflected kernel, for one change of sign: mirror images and the error function."""
    images = np.concatenate([side * points + 2 * m for m in range(-9, 10) for side in (1, -1)])
    weights = np.tile(residuals, 38)

    def density(t: float) -> float:
        return (weights * np.exp(-(((t - images) / sigma) ** 2) / 2)).sum()

    def integral(t: float) -> float:
        return (weights * erf((t - images) / (sigma * np.sqrt(2)))).sum() / 2

    crossing = brentq(density, 0, 1, xtol=1e-14)
    return abs(integral(crossing) - integral(0)) + abs(integral(1) - integral(crossing))


@pytest.mark.parametrize("wrong", [0.7, 0.9, 1.0])
def test_the_widest_smoothing_is_the_closed_form(wrong):
    """A right answer of confidence 0 and a wrong one of a high confidence: few modes are left, and all count."""
    points, residuals = np.array([0.0, wrong]), np.array([0.5, -wrong / 2])
    expected = brentq(lambda sigma: area_by_images(points, residuals, sigma) - sigma, 0.2, 0.6, xtol=1e-14)
    assert metrics.smooth_ece(points, [True, False]) == pytest.approx(expected, rel=1e-10)


def test_residuals_of_almost_one_sign_are_bracketed():
    assert metrics.smooth_ece([0.2, 2e-11], [True, False]) == pytest.approx(0.4 - 1e-11, abs=1e-12)


def test_a_coarse_grid_still_holds_every_mode(monkeypatch):
    value = metrics.smooth_ece(*PAIRS)
    monkeypatch.setattr(smooth, "_GRID", 4)
    assert metrics.smooth_ece(*PAIRS) == pytest.approx(value, abs=1e-3)
