"""Conditions under which Dual-Align should not be trusted, each looked up in a trace alone. Pure functions.

Without labels a trace can show that a fit is fragile. It cannot show whether the PLM is calibrated, which decides most.
Thresholds are constants with their reasons; "Lab" marks reasons that were measured on the traces in data/traces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from . import drift, metrics
from .calibrators import DualAlign
from .calibrators.objective import ConfidencePart, ProcessPart, confidence_weight
from .calibrators.search import T_MAX, T_MIN, minimise

if TYPE_CHECKING:
    from .traces import Traces

# Agreeing questions: below the first no use, below the second with care. Lab: of random draws from `sft4` on ARC-Easy
# with 30 of them, 95 % give DACA temperatures that differ by a factor of up to 1.4; with 100, 1.2.
FEW_AGREE, SOME_AGREE = 30, 100
# Share of questions on which the models disagree, above it with care: for most questions the PLM then speaks of another
# answer than the one to be calibrated. Lab: all but one of those above it have SmolLM2 as a model or come after DPO.
MOSTLY_DISAGREE = 0.5
# Ratio of the ends of T's interval over resampled questions: above the first with care, above the second no use. Lab:
# on ARC-Easy a T 1.25 times too high lowers the mean confidence of `sft4` by 0.04, twice too high by 0.09; see OFF.
WIDE, TOO_WIDE = 1.25, 2.0
RESAMPLES, RESAMPLED = 20, 2000  # refits, and the most questions in each
# Above 1/K, for the PLM's mean confidence and for its accuracy: below the first no use, below the second with care. As
# in the chapter on recipes, where a PLM less than 5 points above chance knows next to nothing, and 10 are asked for.
AT_CHANCE, ABOVE_CHANCE = 0.05, 0.10
FEW_LABELS = 30  # with fewer labels nothing is said: the standard error of an accuracy is then up to 0.09
OFF, FAR_OFF = 0.05, 0.10  # ECE of the PLM above its noise floor: above the first with care, above the second no use
# The process loss is flat where it moves the optimum by less than this and bends the objective there by less than this
# share. Lab: resampling moves T by more (its interval is at least 1.8 % wide on every trace of 500 questions or more).
FLAT = 0.01
# Share of questions on which a prediction hangs on a tie: above it with care. Agreement and accuracy may be off by that
# much, about one standard error of either on 600 questions.
MANY_TIES = 0.02

STATES = ("fail", "care", "ok")  # from worst to best; "unknown" and "note" decide nothing


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Parameters
    ----------
    name : short and stable, "agreeing-questions" say
    condition : what should hold, a sentence without its full stop
    found : what was found
    state : "ok", "care", "fail", "unknown" (cannot be known from this trace) or "note" (information only)
    fault : what is wrong where it does not hold, to stand before `found`; "" where `found` says it
    """

    name: str
    condition: str
    found: str
    state: str
    fault: str = ""

    @property
    def said(self) -> str:
        """What was found, with what is wrong before it where something is."""
        return f"{self.fault}: {self.found}" if self.fault and self.state in ("fail", "care") else self.found


def examine(traces: Traces, calibrator: DualAlign | None = None, seed: int = 0) -> tuple[Check, ...]:
    """Look at every condition.

    Parameters
    ----------
    traces : Traces
    calibrator : DualAlign fitted on them; by default the default options are fitted
    seed : of the resamples and of the noise floor

    Raises
    ------
    ValueError
        Where Dual-Align cannot be fitted at all: fewer than two questions, or a single layer.
    """
    fitted = calibrator or DualAlign().fit(traces)
    checks = [optimum(fitted), agreeing(traces), disagreement(traces), stability(traces, fitted, seed)]
    checks += [direction(traces, fitted), undecided(traces), process(traces, fitted), ties(traces), reading(traces)]
    return (*checks, chance(traces), calibration(traces, seed))


def worst(checks: Iterable[Check]) -> str:
    """Return the worst state of checks: "fail", "care" or "ok"; what is unknown, and a note, decide nothing."""
    states = {check.state for check in checks}
    return next((state for state in STATES if state in states), "ok")


def confidence_pairs(traces: Traces, logits: np.ndarray, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence and correctness on the questions whose label is known."""
    known = traces.labels >= 0
    proba = np.exp(drift.log_softmax_options(logits[known], temperature))
    return proba.max(axis=1), logits[known].argmax(axis=1) == traces.labels[known]


def mean_confidence(logits: np.ndarray, temperature: float = 1.0) -> float:
    """Return the mean probability of the predicted option."""
    return float(np.exp(drift.log_softmax_options(logits, temperature)).max(axis=1).mean())


def unlabelled(traces: Traces) -> str:
    """Return why nothing can be said that takes labels, or "" where it can."""
    n = int((traces.labels >= 0).sum())
    if n >= FEW_LABELS:
        return ""
    return "cannot be known: no question has a label" if n == 0 else f"cannot be known: only {n} questions have a label"


# -- Does the fit hold? --------------------------------------------------------------------------------------------


def optimum(calibrator: DualAlign) -> Check:
    """A finite optimum, away from the edges of the search."""
    reason = calibrator.reason_
    found = reason or f"T = {calibrator.temperature_:.3f}, objective {calibrator.objective_:.4f} nats"
    condition = "The objective has its lowest point inside the search range"
    return Check("optimum", condition, found, "fail" if reason else "ok")


def agreeing(traces: Traces) -> Check:
    """Enough questions for the confidence loss."""
    n = int(drift.agreement(traces).sum())
    found = f"{n:,} of {len(traces):,} ({n / len(traces):.0%})"
    fault, condition = "too few questions on which the two models agree", "The two models agree on enough questions"
    return Check("agreeing-questions", condition, found, _below(n, FEW_AGREE, SOME_AGREE), fault)


def disagreement(traces: Traces) -> Check:
    """Agreement on most questions, and above what two blind guessers would show."""
    rate, chance_rate = float(drift.agreement(traces).mean()), float((1 / traces.n_options).mean())
    blind = rate - 2 * _error_of_rate(rate, len(traces)) <= chance_rate
    state = "fail" if blind else "care" if 1 - rate > MOSTLY_DISAGREE else "ok"
    found = f"they disagree on {1 - rate:.0%}" + ("; two blind guessers would not clearly do so more often" * blind)
    condition, fault = "The two models agree on most questions", "the two models differ on too many questions"
    return Check("disagreement", condition, found, state, fault)


def stability(traces: Traces, calibrator: DualAlign, seed: int = 0) -> Check:
    """Refits on resampled questions give about the same T."""
    ask = ("stability", "T hardly depends on which questions were asked")
    if calibrator.reason_:
        return Check(*ask, "not looked at: there is no T to resample", "unknown")
    rng, n = np.random.default_rng(seed), min(len(traces), RESAMPLED)
    draws = (rng.integers(0, len(traces), n) for _ in range(RESAMPLES))
    fits = [replace(calibrator).fit(traces.select(rows)).temperature_ for rows in draws]
    fault = "the temperature is not stable"
    if not np.isfinite(fits).all():
        return Check(*ask, f"{np.isinf(fits).sum()} of {RESAMPLES} resamples have no finite optimum", "fail", fault)
    low, high = np.quantile(fits, [0.025, 0.975])
    state = "ok" if high / low < WIDE else "care" if high / low < TOO_WIDE else "fail"
    found = f"95 % of {RESAMPLES} resamples of {n:,} questions give T from {low:.2f} to {high:.2f}"
    return Check(*ask, found, state, fault)


def direction(traces: Traces, calibrator: DualAlign) -> Check:
    """Post-training raised confidence, which is what a temperature above 1 undoes."""
    plm, polm = mean_confidence(traces.plm_final), mean_confidence(traces.polm_final)
    found, state = f"mean confidence {polm:.3f} against {plm:.3f}", "ok" if polm > plm else "care"
    if calibrator.temperature_ < 1:
        found, state = f"{found}: T below 1 makes the PoLM more confident still", "care"
    fault = "the PoLM is not the more confident of the two"
    return Check("direction", "The PoLM is more confident than the PLM", found, state, fault)


def process(traces: Traces, calibrator: DualAlign) -> Check:
    """The process loss has one valley, and changes the result."""
    ask = ("process-loss", "The process loss has a say, and one valley")
    confidence, part = _parts(traces, calibrator)
    valleys = _valleys(part)
    if valleys > 1:
        fault = "the process loss has several valleys, so a little can move T far"
        return Check(*ask, f"{valleys} valleys between T = {T_MIN:g} and {T_MAX:g}", "care", fault)
    if calibrator.reason_:
        return Check(*ask, "not looked at: there is no T at which to look", "unknown")
    t, alone = calibrator.temperature_, minimise(confidence).temperature
    moved, bend = abs(math.log(t / alone)) if math.isfinite(alone) else math.inf, _bend(part, t)
    share = abs(bend) / (abs(bend) + abs(_bend(confidence, t)) or 1.0)
    found = f"without it T would be {alone:.3f}; it makes {share:.1%} of the curvature at T"
    state = "care" if moved < FLAT and share < FLAT else "ok"
    return Check(*ask, found, state, "the process loss is flat, and T is that of the confidence loss alone")


def ties(traces: Traces) -> Check:
    """Few predictions hang on a tie of the two largest logits, as half precision makes them."""
    finals = traces.plm_final, traces.polm_final
    tied = np.mean([np.diff(np.sort(z, axis=1)[:, -2:], axis=1)[:, 0] == 0 for z in finals], axis=1)
    half = all(np.array_equal(z, z.astype(np.float16)) for z in finals)
    kind = "half" if half else "full"
    found = f"{tied[0]:.1%} of the PLM's and {tied[1]:.1%} of the PoLM's; the logits are in {kind} precision"
    condition, fault = "Hardly any prediction hangs on a tie", "equal logits decide the answer too often"
    return Check("ties", condition, found, "care" if tied.max() > MANY_TIES else "ok", fault)


def reading(traces: Traces) -> Check:
    """What the metadata say of how the two models were read: information, no verdict."""
    depths, said = (traces.plm_logits.shape[1], traces.n_layers), []
    if depths[0] != depths[1]:
        said.append(f"{depths[0]} and {depths[1]} layers, matched by relative depth")
    mixed = {key: traces.metadata.get(key, "") for key in ("prompt", "variant", "dtype", "softcap")}
    said += [f"{key} {value}" for key, value in mixed.items() if any(mark in value for mark in (" / ", " + "))]
    found = "; ".join(said) or f"{depths[0]} layers each, and the same way as far as the trace says"
    return Check("reading", "Both models were read alike", found, "note" if said else "ok")


# -- Does the PLM deserve to be copied? ----------------------------------------------------------------------------


def undecided(traces: Traces) -> Check:
    """The PLM's confidence is above that of a blind guess: else T flattens whatever the PoLM knows."""
    mean, blind = mean_confidence(traces.plm_final), float((1 / traces.n_options).mean())
    found = f"mean confidence {mean:.3f}, a blind guess {blind:.3f}"
    state = _below(mean - blind, AT_CHANCE, ABOVE_CHANCE)
    fault = "the PLM hardly prefers any option, and would make the PoLM as undecided"
    return Check("plm-decided", "The PLM prefers some options to others", found, state, fault)


def chance(traces: Traces) -> Check:
    """With labels: the PLM is right more often than a blind guess."""
    ask = ("plm-above-chance", "The PLM answers better than chance")
    if why := unlabelled(traces):
        return Check(*ask, why, "unknown")
    known = traces.labels >= 0
    right, blind = confidence_pairs(traces, traces.plm_final)[1].mean(), float((1 / traces.n_options[known]).mean())
    error = _error_of_rate(blind, int(known.sum()))
    state = _below(right - blind, AT_CHANCE, max(ABOVE_CHANCE, 2 * error))
    found = f"accuracy {right:.3f}, chance {blind:.3f} with a standard error of {error:.3f}"
    return Check(*ask, found, state, "the PLM knows little about these questions")


def calibration(traces: Traces, seed: int = 0) -> Check:
    """With labels: the PLM's error is near its noise floor."""
    ask = ("plm-calibrated", "The PLM itself is calibrated")
    if why := unlabelled(traces):
        return Check(*ask, why, "unknown")
    confidence, correct = confidence_pairs(traces, traces.plm_final)
    error, floor = metrics.ece(confidence, correct), metrics.ece_floor(confidence, seed=seed)
    low, high = metrics.interval(metrics.ece, confidence, correct, seed=seed)
    state = "ok" if error - floor <= OFF else "care" if error - floor <= FAR_OFF else "fail"
    found = f"ECE {error:.3f} [{low:.3f}, {high:.3f}], noise floor {floor:.3f}"
    return Check(*ask, found, state, "the PLM is not calibrated on these questions, and its error is passed on")


# -- Helpers -------------------------------------------------------------------------------------------------------


def _below(value: float, bad: float, poor: float) -> str:
    return "fail" if value < bad else "care" if value < poor else "ok"


def _error_of_rate(rate: float, n: int) -> float:
    return math.sqrt(rate * (1 - rate) / n)


def _parts(traces: Traces, cal: DualAlign) -> tuple[ConfidencePart, ProcessPart]:
    w = confidence_weight(traces, cal.weight)
    process_part = ProcessPart(traces, 1 - w, cal.aggregate, cal.tempered, cal.process, cal.peak, cal.base)
    return ConfidencePart(traces, w, cal.kl, cal.base), process_part


def _slope(part: ConfidencePart | ProcessPart, log_t: float) -> float:
    """Derivative with respect to log T."""
    beta = math.exp(-log_t)
    return -beta * part(beta)[1]


def _bend(part: ConfidencePart | ProcessPart, t: float, h: float = 1e-4) -> float:
    """Second derivative with respect to log T, from two exact slopes."""
    return (_slope(part, math.log(t) + h) - _slope(part, math.log(t) - h)) / (2 * h)


def _valleys(part: ProcessPart, points: int = 65) -> int:
    """How often the slope turns from falling to rising over the range of the search."""
    slopes = np.array([_slope(part, s) for s in np.linspace(math.log(T_MIN), math.log(T_MAX), points)])
    signs = np.sign(slopes[slopes != 0])
    return int(((signs[:-1] < 0) & (signs[1:] > 0)).sum())
