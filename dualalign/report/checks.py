"""The verdict of a report: may this temperature be used, and what speaks for and against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualalign import metrics
from dualalign.checks import Check, confidence_pairs, mean_confidence, unlabelled, worst
from dualalign.one_layer import default_calibrator, examine

if TYPE_CHECKING:
    from dualalign.calibrators import Calibrator
    from dualalign.traces import Traces


@dataclass(frozen=True)
class Verdict:
    """The sentence on top of a report, the checks behind it, and the fitted calibrator."""

    sentence: str
    checks: tuple[Check, ...]
    calibrator: Calibrator

    @property
    def state(self) -> str:
        """The worst state of the checks: "fail", "care" or "ok"."""
        return worst(self.checks)


def judge(traces: Traces, seed: int = 0) -> Verdict:
    """Fit Dual-Align at its defaults, or DACA where there is one layer, and decide whether its temperature may be used.

    Raises
    ------
    ValueError
        Where it cannot be fitted at all: fewer than two questions, say.
    """
    calibrator = default_calibrator(traces).fit(traces)
    checks = (*examine(traces, calibrator, seed), _error_falls(traces, calibrator, seed))
    return Verdict(_sentence(traces, calibrator, checks), checks, calibrator)


def _error_falls(traces: Traces, calibrator: Calibrator, seed: int) -> Check:
    ask = ("error-falls", "The calibration error falls")
    if why := unlabelled(traces):
        return Check(*ask, why, "unknown")
    before = confidence_pairs(traces, traces.polm_final)
    after = confidence_pairs(traces, traces.polm_final, calibrator.temperature_)
    change = metrics.paired_difference(metrics.ece, after, before, seed=seed)
    state = "ok" if change.high < 0 else "fail" if change.low > 0 else "care"
    found = f"ECE changes by {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
    return Check(*ask, found, state, "the calibration error does not clearly fall")


def _sentence(traces: Traces, calibrator: Calibrator, checks: tuple[Check, ...]) -> str:
    def reasons(state: str) -> str:
        return "; ".join(check.said for check in checks if check.state == state)

    if reasons("fail"):
        return f"Do not use: {reasons('fail')}."
    t, before = calibrator.temperature_, mean_confidence(traces.polm_final)
    by = "" if traces.n_layers > 1 else f" by {calibrator.name}, for the trace holds the last layer only"
    after = mean_confidence(traces.polm_final, t)
    moves = f"mean confidence {'falls' if after < before else 'rises'} from {before:.2f} to {after:.2f}"
    premise = " It rests on the PLM's calibration, which cannot be known here." if unlabelled(traces) else ""
    if reasons("care"):
        return f"Use T = {t:.2f}{by} with care: {moves}; but {reasons('care')}.{premise}"
    return f"Use T = {t:.2f}{by}: {moves}.{premise}"
