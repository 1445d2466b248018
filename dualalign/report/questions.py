"""The questions with the largest drift: which they are, what each model answers, and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift, plots
from dualalign.report.html import Html, said, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dualalign.questions import Question
    from dualalign.report.checks import Verdict
    from dualalign.traces import Traces

LARGEST = 15  # questions in the table


def questions_section(traces: Traces, verdict: Verdict, asked: Mapping[str, Question] | None, label: str) -> str:
    """Return the HTML of the table; `asked` has the questions by id where their file is at hand."""
    rows = largest(traces)
    names, cells = [], []
    for row in rows:
        found = _cells(traces, verdict, int(row), (asked or {}).get(traces.question_ids[row]))
        names, cells = list(found), [*cells, list(found.values())]
    known = sum(traces.question_ids[row] in (asked or {}) for row in rows)
    note = "" if known else WITHOUT
    shown = table(names, cells, f"Questions with the largest drift, {label}")
    return f"<h3>The {len(rows)} questions with the largest drift</h3>{shown}{WORDS}{note}"


def largest(traces: Traces) -> np.ndarray:
    """Return the rows with the largest jump at their peak layer, the largest first; with one layer, divergence."""
    if traces.n_layers == 1:
        return np.argsort(-drift.final_divergence(traces), kind="stable")[:LARGEST]
    return plots.prepare_peaks(traces)["jump"].to_numpy().argsort(kind="stable")[::-1][:LARGEST]


def _cells(traces: Traces, verdict: Verdict, row: int, question: Question | None) -> dict[str, object]:
    one = traces.select([row])
    options = _options(one, question)
    proba = {name: np.exp(drift.log_softmax_options(z))[0] for name, z in (("g", one.plm_final), ("f", one.polm_final))}
    label = int(one.labels[0])
    found: dict[str, object] = {"Question": _title(traces.question_ids[row], question, options)}
    found |= {"Group": said(one.groups[0])} if one.groups else {}
    if one.n_layers > 1:
        divergence = drift.layer_divergence(one)
        layer = int(drift.peak_layer(divergence)[0])
        found |= {"Peak layer": layer, "Jump": float(abs(divergence[0, layer - 1] - divergence[0, max(layer - 2, 0)]))}
    found |= {"Final divergence": float(drift.final_divergence(one)[0])}
    found |= {"PLM says": _answer(proba["g"], options), "PoLM says": _answer(proba["f"], options)}
    if verdict.temperature:
        found |= {f"PoLM at T = {verdict.temperature:.2f}": f"{verdict.calibrator.confidence(one)[0]:.2f}"}
    return found | {"PoLM right": "" if label < 0 else "yes" if proba["f"].argmax() == label else "no"}


def _options(one: Traces, question: Question | None) -> list[str]:
    """The options in the order in which they were shown; none where the question in the file has another number."""
    k = int(one.n_options[0])
    if question is None or len(question.options) != k:
        return []
    return [question.options[i] for i in (range(k) if one.order is None else one.order[0, :k])]


def _title(name: str, question: Question | None, options: list[str]) -> Html:
    if not options:
        return Html(f"{said(name)}{OTHER if question else ''}")
    listed = "".join(f"<li>{said(option, 80)}</li>" for option in options)
    proposed = f"<br>Proposed answer: {said(question.proposed)}" if question.proposed else ""
    return Html(f"{said(question.question)}{proposed}<ul>{listed}</ul><small>{said(name, 80)}</small>")


def _answer(proba: np.ndarray, options: list[str]) -> Html:
    place = int(proba.argmax())
    words = said(options[place], 80) if options else f"option {place + 1}"
    return Html(f"{words} ({proba[place]:.2f})")


WORDS = (
    "<p>Jump and divergence in nats. In brackets stands how sure the model is of its answer; right is judged of the "
    "PoLM's answer, where there is a label.</p>"
)
OTHER = "<br><small>in the question file with another number of options</small>"
WITHOUT = "<p>With <code>--questions FILE</code> the table shows what was asked and answered.</p>"
