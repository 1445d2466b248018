"""The verdict of a report: may this temperature be used, and what speaks for and against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift, metrics
from dualalign.calibrators import DualAlign

if TYPE_CHECKING:
    from dualalign.calibrators import Calibrator
    from dualalign.traces import Traces

FEW_AGREE, SOME_AGREE = 30, 100  # agreeing questions: below the first no use, below the second with care
FEW_LABELS = 30  # with fewer labels nothing is said about calibration
OFF, FAR_OFF = 0.05, 0.10  # ECE of the PLM above its noise floor: above the first with care, above the second no use
WIDE, TOO_WIDE = 1.25, 2.0  # ratio of the ends of T's interval over resampled questions
RESAMPLES, RESAMPLED = 20, 2000  # refits, and the most questions in each


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, what was found, and a state: "ok", "care", "fail" or "unknown"."""

    name: str
    found: str
    state: str


@dataclass(frozen=True)
class Verdict:
    """The sentence on top of a report, the checks behind it, and the fitted calibrator."""

    sentence: str
    checks: tuple[Check, ...]
    calibrator: Calibrator

    @property
    def state(self) -> str:
        """The worst state of the checks: "fail", "care" or "ok"; what is unknown decides nothing."""
        states = {check.state for check in self.checks}
        return next(state for state in ("fail", "care", "ok") if state in states or state == "ok")


def judge(traces: Traces, seed: int = 0) -> Verdict:
    """Fit Dual-Align at its defaults and decide whether its temperature may be used.

    Raises
    ------
    ValueError
        Where Dual-Align cannot be fitted at all: fewer than two questions, or a single layer.
    """
    calibrator = DualAlign().fit(traces)
    checks = [_optimum(calibrator), _agreeing(traces), _stable(traces, seed), _direction(traces, calibrator)]
    checks += [_plm_calibrated(traces, seed), _error_falls(traces, calibrator, seed)]
    return Verdict(_sentence(traces, calibrator, checks), tuple(checks), calibrator)


def confidence_pairs(traces: Traces, logits: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence and correctness on the questions whose label is known."""
    known = traces.labels >= 0
    proba = np.exp(drift.log_softmax_options(logits[known], temperature))
    return proba.max(axis=1), logits[known].argmax(axis=1) == traces.labels[known]


def mean_confidence(logits: np.ndarray, temperature: float = 1.0) -> float:
    """Return the mean probability of the predicted option."""
    return float(np.exp(drift.log_softmax_options(logits, temperature)).max(axis=1).mean())


def _optimum(calibrator: Calibrator) -> Check:
    name, reason = "The objective has its lowest point inside the search range", calibrator.reason_
    found = reason or f"T = {calibrator.temperature_:.3f}, objective {calibrator.objective_:.4f} nats"
    return Check(name, found, "fail" if reason else "ok")


def _agreeing(traces: Traces) -> Check:
    n = int(drift.agreement(traces).sum())
    state = "fail" if n < FEW_AGREE else "care" if n < SOME_AGREE else "ok"
    found = f"{n:,} of {len(traces):,} ({n / len(traces):.0%})" + ("" if state == "ok" else ": too few to rely on")
    return Check("The two models agree on enough questions", found, state)


def _stable(traces: Traces, seed: int) -> Check:
    rng, n = np.random.default_rng(seed), min(len(traces), RESAMPLED)
    fits = [DualAlign().fit(traces.select(rng.integers(0, len(traces), n))).temperature_ for _ in range(RESAMPLES)]
    name = "T hardly depends on which questions were asked"
    if not np.isfinite(fits).all():
        return Check(name, f"{np.isinf(fits).sum()} of {RESAMPLES} resamples have no finite optimum", "fail")
    low, high = np.quantile(fits, [0.025, 0.975])
    state = "ok" if high / low < WIDE else "care" if high / low < TOO_WIDE else "fail"
    return Check(name, f"95 % of {RESAMPLES} resamples of {n:,} questions give T from {low:.2f} to {high:.2f}", state)


def _direction(traces: Traces, calibrator: Calibrator) -> Check:
    name, (plm, polm) = "The PoLM is more confident than the PLM", map(mean_confidence, _finals(traces))
    found = f"mean confidence {polm:.3f} against {plm:.3f}"
    if calibrator.temperature_ < 1:
        return Check(name, f"{found}: T below 1 makes the PoLM more confident still", "care")
    return Check(name, found, "ok" if polm > plm else "care")


def _finals(traces: Traces) -> tuple[np.ndarray, np.ndarray]:
    return traces.plm_final, traces.polm_final


def _labelled(traces: Traces) -> str:
    """Return why nothing can be said about calibration, or an empty string where it can."""
    n = int((traces.labels >= 0).sum())
    if n >= FEW_LABELS:
        return ""
    return "cannot be known: no question has a label" if n == 0 else f"cannot be known: only {n} questions have a label"


def _plm_calibrated(traces: Traces, seed: int) -> Check:
    name = "The PLM itself is calibrated"
    if _labelled(traces):
        return Check(name, _labelled(traces), "unknown")
    confidence, correct = confidence_pairs(traces, traces.plm_final)
    error, floor = metrics.ece(confidence, correct), metrics.ece_floor(confidence, seed=seed)
    low, high = metrics.interval(metrics.ece, confidence, correct, seed=seed)
    state = "ok" if error - floor <= OFF else "care" if error - floor <= FAR_OFF else "fail"
    return Check(name, f"ECE {error:.3f} [{low:.3f}, {high:.3f}], noise floor {floor:.3f}", state)


def _error_falls(traces: Traces, calibrator: Calibrator, seed: int) -> Check:
    name = "The calibration error falls"
    if _labelled(traces):
        return Check(name, _labelled(traces), "unknown")
    before = confidence_pairs(traces, traces.polm_final)
    after = confidence_pairs(traces, traces.polm_final, calibrator.temperature_)
    change = metrics.paired_difference(metrics.ece, after, before, seed=seed)
    state = "ok" if change.high < 0 else "fail" if change.low > 0 else "care"
    return Check(name, f"ECE changes by {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]", state)


REASONS = (
    "{found}",
    "too few questions on which the two models agree: {found}",
    "the temperature is not stable: {found}",
    "the PoLM is not the more confident of the two: {found}",
    "the PLM is not calibrated on these questions, and its error is passed on: {found}",
    "the calibration error does not clearly fall: {found}",
)


def _sentence(traces: Traces, calibrator: Calibrator, checks: list[Check]) -> str:
    def reasons(state: str) -> str:
        said = [why.format(found=c.found) for why, c in zip(REASONS, checks, strict=True) if c.state == state]
        return "; ".join(said)

    if reasons("fail"):
        return f"Do not use: {reasons('fail')}."
    t, before = calibrator.temperature_, mean_confidence(traces.polm_final)
    after = mean_confidence(traces.polm_final, t)
    moves = f"mean confidence {'falls' if after < before else 'rises'} from {before:.2f} to {after:.2f}"
    premise = " It rests on the PLM's calibration, which cannot be known here." if reasons("unknown") else ""
    if reasons("care"):
        return f"Use T = {t:.2f} with care: {moves}; but {reasons('care')}.{premise}"
    return f"Use T = {t:.2f}: {moves}.{premise}"
