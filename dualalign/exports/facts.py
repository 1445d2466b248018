"""What an export says: the temperature, and what it was fitted on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..calibrators import Calibrator
    from ..traces import Traces

SOURCE = ("plm", "polm", "questions", "prompt")
PER_TOKEN = "logits of single tokens"  # what a trace holds unless its metadata name other scores


@dataclass(frozen=True)
class Facts:
    """A finite temperature and its source.

    Parameters
    ----------
    temperature : T > 0, finite; it divides logits
    method, objective, n, reason : of the fit; objective is None where the method has none
    source : plm, polm, questions, prompt, scores: strings from the trace
    """

    temperature: float
    method: str
    objective: float | None
    n: int
    reason: str
    source: dict[str, str]

    @property
    def beta(self) -> float:
        """1/T, which multiplies logits."""
        return 1.0 / self.temperature

    @property
    def note(self) -> str:
        """What the temperature was fitted on and what it may be used for, in words."""
        said = {key: value or "not named in the trace" for key, value in self.source.items()}
        scores = self.source["scores"]
        where = (
            "the logits of the answer options' tokens at the last token of the prompt"
            if scores == PER_TOKEN or scores.endswith("one token each")
            else f"the scores of whole options ({scores}), not the logits of single tokens"
        )
        return (
            f"T = {self.temperature:.6g} was fitted by {self.method} on {self.n} questions. "
            f"Questions: {said['questions']}. Prompt: {said['prompt']}. Post-trained model: {said['polm']}. "
            f"Pre-trained model: {said['plm']}. It divides {where}; no prediction changes. "
            "Elsewhere (other questions, prompts or models, sampled text) it is untested."
        )


def facts(calibrator: Calibrator, traces: Traces) -> Facts:
    """Return the facts of a fitted calibrator.

    Raises
    ------
    ValueError
        One line, where there is no finite temperature, or the method is more than a temperature.

    Examples
    --------
    >>> from dualalign.exports import facts
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.8, 0.2]], [[0.3, 0.7]]])
    >>> traces = from_arrays(g, 2 * g, metadata={"plm": "base", "polm": "chat"})
    >>> found = facts(da.DACA().fit(traces), traces)
    >>> round(found.temperature, 3), found.n, found.source["polm"]
    (2.0, 2, 'chat')
    """
    temperature, objective = float(calibrator.temperature_), float(calibrator.objective_)
    if not math.isfinite(temperature):
        raise ValueError(f"{calibrator.name}: {calibrator.reason_}; there is nothing to export")
    if not calibrator.has_temperature:
        raise ValueError(f"{calibrator.name} is not a temperature ({calibrator.reason_}); export another method")
    source = {key: traces.metadata.get(key, "") for key in SOURCE}
    source["scores"] = traces.metadata.get("scores") or PER_TOKEN
    found = objective if math.isfinite(objective) else None
    return Facts(temperature, calibrator.name, found, int(calibrator.n_fit_), calibrator.reason_, source)
