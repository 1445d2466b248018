"""A finished trace in the place of its PLM: several PoLMs against one PLM cost one pass of the PLM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..questions import Question
from .artifact import Traces


@dataclass(frozen=True)
class Recorded:
    """The PLM of a finished trace; it answers the questions of that trace by looking them up.

    Parameters
    ----------
    traces : Traces
    """

    traces: Traces

    @property
    def name(self) -> str:
        """What the trace calls its PLM."""
        return self.traces.metadata.get("plm", "")

    @property
    def dtype(self) -> str:
        """Type of the PLM's weights, as the trace says; "" where it does not."""
        return self.traces.metadata.get("dtype", "").split(" / ")[0]

    @property
    def device(self) -> str:
        """Kind of device that computed the PLM's logits, as the trace says."""
        return self.traces.metadata.get("device", "").split(" / ")[0]

    @property
    def softcap(self) -> str:
        """Soft-capping of the PLM's final logits, as the trace says."""
        return self.traces.metadata.get("softcap", "").split(" / ")[0]

    def check(self, questions: list[Question], n_options: list[int], style: str, wording: str) -> None:
        """Raise ValueError, one line, where the trace does not hold these questions, asked in this way."""
        found = (self.traces.metadata.get("prompt"), self.traces.metadata.get("variant", ""))
        if found != (style, wording):
            raise ValueError(f"plm: the finished trace was asked as {found}, this run asks {(style, wording)}")
        place = self._places()
        for question, k in zip(questions, n_options, strict=True):
            row = place.get(question.id)
            if row is None or self.traces.n_options[row] != k:
                raise ValueError(f"plm: the finished trace has no question {question.id!r} with {k} options")

    def read(self, questions: list[Question], k: int) -> np.ndarray:
        """Logits of these questions, float32 (B, L, k)."""
        place = self._places()
        return self.traces.plm_logits[[place[q.id] for q in questions], :, :k]

    def _places(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.traces.question_ids)}
