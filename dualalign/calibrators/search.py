"""One temperature, found for certain: scan the whole range, then polish every valley that could hold the optimum."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Objective = Callable[[float], tuple[float, float]]  # beta -> (value, derivative with respect to beta)

T_MIN, T_MAX = 0.01, 100.0
_POINTS = 33  # 0.29 apart in log T: softmax is analytic within pi/2 of the real log T axis, so a valley spans several
_VALLEYS = 3  # how many brackets are polished, the lowest first
_AT_INFINITY = 1e-30  # a beta at which every objective equals its limit to the last bit
_NEAR_INFINITY = 1e-9  # a beta at which the slope has the sign that it keeps down to 0
_FLAT = 1e-14  # a relative range of values that is rounding


@dataclass(frozen=True)
class Optimum:
    """A temperature, the objective there, and a reason where there is something to say about it.

    Examples
    --------
    >>> da.calibrators.search.Optimum(2.0, 0.1)
    Optimum(temperature=2.0, objective=0.1, reason='')
    """

    temperature: float
    objective: float
    reason: str = ""


def minimise(objective: Objective) -> Optimum:
    """Return the lowest point of an objective over T in [0.01, 100], or T = inf where it falls all the way to there.

    Examples
    --------
    >>> from dualalign.calibrators.search import minimise
    >>> found = minimise(lambda beta: ((beta - 0.5) ** 2, 2 * (beta - 0.5)))
    >>> round(found.temperature, 6)
    2.0
    >>> minimise(lambda beta: (beta**2, 2 * beta)).temperature  # best where every option is as likely as any
    inf
    """
    scan = _Scan(objective)
    log_t, value = min(scan.candidates(), key=lambda pair: pair[1])
    limit = objective(_AT_INFINITY)[0]
    flat = np.ptp(scan.values) <= _FLAT * np.abs(scan.values).max()
    if flat and abs(limit - value) <= _FLAT * abs(value):
        return Optimum(1.0, objective(1.0)[0], "every temperature gives the same objective; left at 1")
    if (limit < value or log_t == scan.log_t[-1]) and objective(_NEAR_INFINITY)[1] >= 0:
        return Optimum(math.inf, limit, "no finite optimum: the objective falls as the temperature grows without end")
    if flat or log_t == scan.log_t[-1]:
        found = "below it every temperature gives the same objective" if flat else "the optimum lies beyond it"
        return Optimum(T_MAX, value, f"at the upper edge of the search, {T_MAX:g}: {found}")
    if log_t == scan.log_t[0]:
        found = "the objective does not rise as the temperature falls to it"
        return Optimum(T_MIN, value, f"at the lower edge of the search, {T_MIN:g}: {found}")
    return Optimum(math.exp(log_t), value)


class _Scan:
    """Values and slopes, with respect to log T, on a grid that the spline through them has refined."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.log_t = np.linspace(math.log(T_MIN), math.log(T_MAX), _POINTS)
        self.values, self.slopes = np.array([self.at(s) for s in self.log_t]).T
        self._refine()

    def at(self, log_t: float) -> tuple[float, float]:
        """Return the value at log T, and the slope in log T."""
        beta = math.exp(-log_t)
        value, slope = self.objective(beta)
        return value, -beta * slope

    def _refine(self) -> None:
        """Add the turning points of the cubic through values and slopes: a valley between two points shows itself."""
        from scipy.interpolate import CubicHermiteSpline

        spline = CubicHermiteSpline(self.log_t, self.values, self.slopes)
        turns = spline.derivative().roots(discontinuity=False, extrapolate=False)
        turns = turns[np.isfinite(turns) & ~np.isin(turns, self.log_t)]
        turns = turns[np.argsort(spline(turns), kind="stable")][: 2 * _VALLEYS]
        found = np.array([self.at(s) for s in turns]).reshape(-1, 2)
        order = np.argsort(np.concatenate([self.log_t, turns]), kind="stable")
        self.log_t = np.concatenate([self.log_t, turns])[order]
        self.values = np.concatenate([self.values, found[:, 0]])[order]
        self.slopes = np.concatenate([self.slopes, found[:, 1]])[order]

    def candidates(self) -> list[tuple[float, float]]:
        """Return (log T, value) of the polished valleys, and of the lowest point seen anyway."""
        from scipy.optimize import brentq

        lowest = int(np.argmin(self.values))
        seen = [(float(self.log_t[lowest]), float(self.values[lowest]))]
        starts = np.flatnonzero((self.slopes[:-1] < 0) & (self.slopes[1:] > 0))
        ends = np.minimum(self.values[starts], self.values[starts + 1])
        for i in starts[np.argsort(ends, kind="stable")][:_VALLEYS]:
            root = brentq(lambda s: self.at(s)[1], self.log_t[i], self.log_t[i + 1], xtol=1e-12)
            seen.insert(0, (float(root), self.at(root)[0]))
        return _within_rounding(seen)


def _within_rounding(seen: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Drop a grid point that beats a polished root by rounding only."""
    *roots, (_, value) = seen
    if any(root_value <= value + _FLAT * abs(value) for _, root_value in roots):
        return roots
    return seen
