"""The search for one temperature: every way it can end, and valleys that a coarse look would miss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from dualalign.calibrators import search
from dualalign.calibrators.search import Optimum, minimise

UPPER, LOWER = "at the upper edge of the search, 100", "at the lower edge of the search, 0.01"
AT_100 = math.exp(-math.log(100))  # the beta of the search's last point
ENDLESS = "no finite optimum: the objective falls as the temperature grows without end"


def step_at(edge: float, below: float, above: float):
    """A value for T beyond 1 / edge and another before it, without slope."""
    return lambda beta: (below if beta < edge else above, 0.0)


def plateau(beta: float) -> tuple[float, float]:
    """Flat over the one cell of the grid that begins at T = 1, rising as a square on both sides of it."""
    away = -math.log(beta) - math.log(10_000) / 64
    beyond = max(abs(away) - math.log(10_000) / 64 - 1e-9, 0.0)
    return beyond**2, -2 * math.copysign(beyond, away) / beta


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (lambda beta: (2.0, 0.0), Optimum(1.0, 2.0, "every temperature gives the same objective; left at 1")),
        (
            lambda beta: (beta, 1.0),
            Optimum(math.inf, 1e-30, ENDLESS),
        ),
        (
            step_at(1e-3, 0.5, 1.0),
            Optimum(math.inf, 0.5, ENDLESS),
        ),
        (
            lambda beta: ((beta - 1e-3) ** 2, 2 * (beta - 1e-3)),
            Optimum(100.0, 0.009**2, f"{UPPER}: the optimum lies beyond it"),
        ),
        (
            step_at(1e-3, 2.0, 1.0),
            Optimum(100.0, 1.0, f"{UPPER}: below it every temperature gives the same objective"),
        ),
        (
            lambda beta: (-beta, -1.0),
            Optimum(0.01, -100.0, f"{LOWER}: the objective does not rise as the temperature falls to it"),
        ),
        (lambda beta: (max(beta, AT_100), float(beta > AT_100)), Optimum(math.inf, AT_100, ENDLESS)),
        (plateau, Optimum(1.0, 0.0)),
        (lambda beta: ((beta - 4) ** 2 - 3, 2 * (beta - 4)), Optimum(0.25, -3.0)),
        (lambda beta: ((beta - 0.02) ** 2, 2 * (beta - 0.02)), Optimum(50.0, 0.0)),
        (lambda beta: ((beta - 90) ** 2, 2 * (beta - 90)), Optimum(1 / 90, 0.0)),
    ],
    ids=[
        "flat", "falling", "a step down", "beyond", "a step up", "rising", "even", "plateau", "1/4", "50", "1/90",
    ],
)  # fmt: skip
def test_every_end_of_the_search(objective, expected):
    asked = []
    found = minimise(lambda beta: asked.append(beta) or objective(beta))
    assert all(0 < beta < math.inf for beta in asked)
    assert found.temperature == pytest.approx(expected.temperature, rel=1e-9)
    assert found.objective == pytest.approx(expected.objective, rel=1e-12, abs=1e-15)
    assert found.reason == expected.reason


def test_a_valley_within_a_cell_of_the_grid_is_found():
    """Every point of the grid rises, and none is lower than another: only the cubic through a cell shows its valley."""
    grid = np.linspace(math.log(0.01), math.log(100), 33)
    for cell in (0, 8, 31):
        slopes = np.full(33, 0.1)
        slopes[cell : cell + 2] = 1.0
        curve = CubicHermiteSpline(grid, np.ones(33), slopes)
        inside = curve.derivative()
        found = minimise(lambda beta, f=curve, d=inside: (float(f(-math.log(beta))), -float(d(-math.log(beta))) / beta))
        fine = np.linspace(grid[0], grid[-1], 100_001)
        assert math.log(found.temperature) == pytest.approx(fine[curve(fine).argmin()], abs=1e-4)
        assert found.objective <= curve(fine).min() < 0.98
        assert found.reason == ""


@pytest.mark.parametrize("seed", [3, 65])
def test_of_five_valleys_the_deepest_is_polished(seed):
    rng = np.random.default_rng(seed)
    at, width, depth = (
        np.linspace(-3.9, 3.9, 5) + rng.uniform(-0.3, 0.3, 5),
        rng.uniform(0.25, 0.9, 5),
        rng.uniform(0.5, 0.75, 5),
    )

    def wells(beta: float) -> tuple[float, float]:
        s = -math.log(beta)
        each = depth * np.exp(-(((s - at) / width) ** 2))
        return float(1 - each.sum()), -float((2 * (s - at) / width**2 * each).sum()) / beta

    fine = np.linspace(-4.6, 4.6, 20_001)
    best = fine[np.argmin([wells(math.exp(-s))[0] for s in fine])]
    found = minimise(wells)
    assert math.log(found.temperature) == pytest.approx(best, abs=5e-4)
    assert wells(1 / found.temperature)[1] == pytest.approx(0, abs=1e-9)


def test_a_root_is_polished_though_the_grid_has_the_same_value():
    """Ripples move the root by 1e-8 in log T, and the value by 1e-16: the grid's point is as low, but is no root."""

    def slope(s: float) -> float:
        return 2 * (s - 0.1) + 5e-8 * math.cos(50 * s)

    found = minimise(
        lambda beta: (
            1 + (math.log(beta) + 0.1) ** 2 - 1e-9 * math.sin(50 * math.log(beta)),
            -slope(-math.log(beta)) / beta,
        )
    )
    root = brentq(slope, 0.0, 0.2, xtol=1e-15)
    assert math.log(found.temperature) == pytest.approx(root, abs=1e-11)


def test_a_grid_point_must_beat_a_root_by_more_than_rounding():
    root, point = (0.3, 1.0), (0.2, 1.0 - 5e-15)
    assert search._within_rounding([root, point]) == [root]
    assert search._within_rounding([root, (0.2, 1.0 - 1e-13)]) == [root, (0.2, 1.0 - 1e-13)]
    assert search._within_rounding([(0.4, 3.0), root, point]) == [(0.4, 3.0), root]
    assert search._within_rounding([point]) == [point]
    assert search._within_rounding([(0.3, 100.0), (0.2, 100 - 5e-13)]) == [(0.3, 100.0)]
    assert search._within_rounding([(0.3, 0.0), (0.2, 0.0)]) == [(0.3, 0.0)]
    assert search._within_rounding([(0.3, -1.0), (0.2, -1.0 - 5e-15)]) == [(0.3, -1.0)]
