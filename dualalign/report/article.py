"""One trace as a part of the page: verdict, lines to copy, checks, calibration, drift, questions, methods, origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from dualalign.report.calibration import calibration_section
from dualalign.report.checks import Verdict, judge
from dualalign.report.html import Html, said, table
from dualalign.report.layers import drift_section
from dualalign.report.methods import methods_section, side_by_side
from dualalign.report.questions import questions_section
from dualalign.report.serving import serving_section

if TYPE_CHECKING:
    import pandas as pd

    from dualalign.questions import Question
    from dualalign.traces import Traces

MARKS = {"ok": "✓ holds", "care": "! care", "fail": "✗ fails", "unknown": "? unknown", "note": "i note"}


@dataclass(frozen=True)
class Article:
    """A trace with all that the page says of it: computed once, shown in its own part and in the table of all."""

    name: str
    traces: Traces
    verdict: Verdict
    results: pd.DataFrame
    how: str
    place: int

    @property
    def anchor(self) -> str:
        """The part's place on the page."""
        return f"trace-{self.place}"

    @cached_property
    def calibration(self) -> str:
        """The part on calibration: the only one with scripts, and without any text from data."""
        return calibration_section(self.traces, self.verdict)

    def html(self, asked: Mapping[str, Question] | None = None) -> str:
        """Return the part as HTML."""
        traces, verdict, label = self.traces, self.verdict, f"trace {self.place}"
        parts = (
            self._top(),
            serving_section(verdict, self.name),
            self.calibration,
            drift_section(traces, verdict.temperature, label) if len(traces) > 1 else "",
            questions_section(traces, verdict, asked, label),
            methods_section(self.results, self.how, label),
            self._origin(label),
        )
        return f'<article id="{self.anchor}">{"".join(parts)}</article>'

    def _top(self) -> str:
        traces, verdict = self.traces, self.verdict
        layers = f"{traces.n_layers} layers" if traces.n_layers > 1 else "the last layer only"
        labelled = int((traces.labels >= 0).sum())
        about = f"{len(traces):,} questions, {labelled:,} of them labelled; {layers}"
        rows = [
            (c.condition, c.found, Html(f'<span class="mark {c.state}">{MARKS[c.state]}</span>'))
            for c in verdict.checks
        ]
        shown = table(("Check", "Found", "State"), rows, f"Checks, trace {self.place}")
        return (
            f"<h2>{said(self.name)}</h2><p>{about}.</p>{_verdict(verdict)}"
            f"<h3>What this rests on</h3>{shown}"
            "<p>A temperature divides the final logits, so no prediction and no accuracy changes.</p>"
        )

    def _origin(self, label: str) -> str:
        rows = [(key, value) for key, value in sorted(self.traces.metadata.items()) if value]
        return f"<h3>Where this comes from</h3>{table(('Field of the trace', 'Value'), rows, f'Origin, {label}')}"


def _verdict(verdict: Verdict) -> str:
    """The answer in large letters; below it what the temperature does, or the reasons."""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    moves = "" if verdict.temperature is None or verdict.state == "fail" else f"{verdict.moves.capitalize()}."
    lines = [f"<p>{text}</p>" for text in (escape(moves), escape(verdict.premise if moves else "")) if text]
    listed = f"<ul>{reasons}</ul>" if reasons else ""
    return (
        f'<div class="verdict {verdict.state}"><p class="headline">{verdict.headline}</p>{"".join(lines)}{listed}</div>'
    )


def article(name: str, traces: Traces, place: int) -> Article:
    """Judge a trace and fit every method on it."""
    verdict, (results, how) = judge(traces), side_by_side(traces)
    return Article(name, traces, verdict, results, how, place)
