"""Traces that hold the last layer only, as imports make them: which methods cannot use them, and what stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import checks
from .calibrators import DACA, DualAlign

if TYPE_CHECKING:
    from .calibrators import Calibrator
    from .traces import Traces

_NO_JUMP = ("", "max-divergence")  # readings of the peak that one layer is enough for


def check_layers(calibrator: Calibrator, traces: Traces) -> None:
    """Raise ValueError, one line, where a method looks for a jump between layers and there is one layer."""
    if traces.n_layers == 1 and getattr(calibrator, "peak", "") not in _NO_JUMP:
        raise ValueError(
            f"{calibrator.name} needs the inner layers; this trace holds the last layer only: "
            "use daca, or trace the pair with dualalign trace"
        )


def default_calibrator(traces: Traces) -> Calibrator:
    """Return Dual-Align at its defaults, or DACA where there is one layer; not fitted yet."""
    return DualAlign() if traces.n_layers > 1 else DACA()


def examine(traces: Traces, calibrator: Calibrator, seed: int = 0) -> tuple[checks.Check, ...]:
    """Look at every condition of `checks.examine` that the trace allows; with one layer there is no process loss."""
    if traces.n_layers > 1:
        return checks.examine(traces, calibrator, seed)
    found = [checks.optimum(calibrator), checks.agreeing(traces), checks.disagreement(traces)]
    found += [_stability(traces, calibrator, seed), checks.direction(traces, calibrator)]
    found += [checks.undecided(traces), _layers(calibrator), checks.ties(traces), checks.reading(traces)]
    return (*found, checks.chance(traces), checks.calibration(traces, seed))


def _stability(traces: Traces, calibrator: Calibrator, seed: int) -> checks.Check:
    """As `checks.stability`; among few questions a resample may hold none on which the two models agree."""
    try:
        return checks.stability(traces, calibrator, seed)
    except ValueError as error:
        condition, fault = "T hardly depends on which questions were asked", "the temperature is not stable"
        return checks.Check("stability", condition, f"a resample cannot be fitted: {error}", "fail", fault)


def _layers(calibrator: Calibrator) -> checks.Check:
    found = f"the last layer only, so Dual-Align cannot be fitted; the temperature is that of {calibrator.name}"
    return checks.Check("layers", "The trace holds the inner layers", found, "note")
