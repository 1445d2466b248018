"""The verdict of a report: may this temperature be used, and what speaks for and against it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dualalign import checks as looked_at
from dualalign import metrics
from dualalign.calibrators import Vanilla
from dualalign.checks import Check, confidence_pairs, mean_confidence, unlabelled, worst
from dualalign.one_layer import default_calibrator, examine

if TYPE_CHECKING:
    from dualalign.calibrators import Calibrator
    from dualalign.traces import Traces


@dataclass(frozen=True)
class Verdict:
    """May the temperature be used?

    Parameters
    ----------
    checks : what was looked at
    calibrator : the fitted one that gives the temperature; `Vanilla` where none could be fitted
    before, after : mean confidence of the PoLM as it is, and at the temperature
    by : where the temperature is not Dual-Align's, whose it is and why, else ""
    premise : what it rests on that cannot be known, a sentence, else ""
    """

    checks: tuple[Check, ...]
    calibrator: Calibrator
    before: float
    after: float
    by: str = ""
    premise: str = ""

    @property
    def state(self) -> str:
        """The worst state of the checks: "fail", "care" or "ok"."""
        return worst(self.checks)

    @property
    def temperature(self) -> float | None:
        """The temperature, None where none could be fitted or none is finite."""
        t = float(self.calibrator.temperature_)
        return t if math.isfinite(t) and self.calibrator.n_fit_ else None

    @property
    def headline(self) -> str:
        """What to do, in a few words."""
        t = f"Use T = {self.calibrator.temperature_:.2f}{self.by}"
        return {"fail": "Do not use", "care": f"{t} with care", "ok": t}[self.state]

    @property
    def moves(self) -> str:
        """What the temperature does to the mean confidence."""
        how = "falls" if self.after < self.before else "rises"
        return f"mean confidence {how} from {self.before:.2f} to {self.after:.2f}"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against it: the checks that fail, else those that ask for care."""
        return tuple(check.said for check in self.checks if check.state == self.state != "ok")

    @property
    def sentence(self) -> str:
        """The whole verdict, as text."""
        said = {"fail": "; ".join(self.reasons), "ok": self.moves}
        said["care"] = f"{self.moves}; but {said['fail']}"
        premise = f" {self.premise}" if self.premise and self.state != "fail" else ""
        return f"{self.headline}: {said[self.state]}.{premise}"


def judge(traces: Traces, seed: int = 0) -> Verdict:
    """Fit Dual-Align at its defaults, or DACA where the trace holds the last layer only, and judge its temperature.

    Where neither can be fitted (a single question, say), the verdict says so; nothing is raised.
    """
    before = mean_confidence(traces.polm_final)
    try:
        calibrator = default_calibrator(traces).fit(traces)
    except ValueError as error:
        return Verdict(_no_fit(traces, error), Vanilla().fit(traces), before, before)
    checks = (*examine(traces, calibrator, seed), _error_falls(traces, calibrator, seed))
    after = mean_confidence(traces.polm_final, calibrator.temperature_)
    by = "" if traces.n_layers > 1 else f" by {calibrator.name}, for the trace holds the last layer only"
    premise = "It rests on the PLM's calibration, which cannot be known here." if unlabelled(traces) else ""
    return Verdict(checks, calibrator, before, after, by, premise)


def _no_fit(traces: Traces, error: ValueError) -> tuple[Check, ...]:
    found = str(error).split(";")[0]
    fit = Check("fit", "A temperature can be fitted", found, "fail", "there is no temperature")
    return fit, looked_at.agreeing(traces), looked_at.disagreement(traces), looked_at.reading(traces)


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
