"""The layer explorer: for a question of the reader's choice, what the two models believe after every layer.

The page holds, of each chosen question, the distance of every option's logit from the best one at every layer, in
thousandths; `layer_state` rounds alike, so that the browser computes the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots.interactive import widget
from dualalign.plots.interactive.layers_drawing import BOX, RULES, SIZE, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dualalign.questions import Question
    from dualalign.traces import Traces

COUNT = 40  # questions in one page: about 60 kB at 18 layers and four options
LONGEST = 200  # characters of a question and its options: a longer one would leave a hole under every other
TITLE = (
    "Question {number}. The divergence of the two models changes most at layer {pdl}, by {jump} nats, and is {final} "
    "at the last. From there on the mean entropy (ISE) is {ise_plm} nats for the PLM and {ise_polm} for the PoLM at "
    "T = {t}. The PLM answers {plm_answer}, {plm_confidence} sure; the PoLM {polm_answer}, {polm_confidence} sure; "
    "right is {right}."
)
CELLS = (
    "Right: {right}",
    "● PLM: {plm_answer}, {plm_confidence} sure",
    "■ PoLM: {polm_answer}, {polm_confidence} sure",
    "PDL: layer {pdl}, jump {jump}",
    "last divergence {final}",
    "ISE: PLM {ise_plm}, PoLM {ise_polm} at T = {t}",
)


@dataclass(frozen=True)
class LayerState:
    """What the page shows of one question at one temperature; layers are 1-based, options 0-based.

    `plm` and `polm` are beliefs (L, K), the PoLM's at the temperature from the peak layer on; `divergence` (L,) is that
    of both models as they are.
    """

    id: str
    pdl: int
    jump: float
    ise_plm: float
    ise_polm: float
    plm_answer: int
    polm_answer: int
    plm_confidence: float
    polm_confidence: float
    plm: np.ndarray = field(repr=False)
    polm: np.ndarray = field(repr=False)
    divergence: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class LayerData:
    """What the page holds: the chosen questions' traces and texts (None where unknown), and picks by name."""

    traces: Traces
    texts: list[Question | None]
    picks: dict[str, int]


def layer_state(traces: Traces, question: str, temperature: float = 1.0) -> LayerState:
    """Compute what the page shows of the question with this id, from logits rounded to thousandths.

    Raises
    ------
    ValueError
        For an id that the traces do not hold, or a temperature that is not positive.
    """
    if question not in traces.question_ids:
        raise ValueError(f"question is {question!r}, which the traces do not hold")
    one = traces.select([traces.question_ids.index(question)])
    count, pdl = int(one.n_options[0]), drift.peak_layer(one)
    logits = {"plm": drift.matched_plm(one)[:, :, :count], "polm": one.polm_logits[:, :, :count]}
    rounded = {model: -_gaps(z) / 1000 for model, z in logits.items()}
    log_plm, log_polm = (drift.log_softmax_options(z) for z in rounded.values())
    heated = drift.log_softmax_options(rounded["polm"], temperature)
    heated = np.where(np.arange(1, one.n_layers + 1)[:, None] < pdl, log_polm[0], heated[0])
    plm, polm, divergence = np.exp(log_plm[0]), np.exp(heated), drift.js_divergence(log_plm, log_polm)[0]
    answers = [int(z[0, -1].argmax()) for z in rounded.values()]
    return LayerState(
        id=question,
        pdl=int(pdl[0]),
        jump=float(abs(divergence[pdl[0] - 1] - divergence[pdl[0] - 2])),
        ise_plm=float(drift.stability_entropy(rounded["plm"], pdl)[0]),
        ise_polm=float(drift.stability_entropy(rounded["polm"], pdl, temperature)[0]),
        plm_answer=answers[0],
        polm_answer=answers[1],
        plm_confidence=float(plm[-1, answers[0]]),
        polm_confidence=float(polm[-1, answers[1]]),
        plm=plm,
        polm=polm,
        divergence=divergence,
    )


def _gaps(logits: np.ndarray) -> np.ndarray:
    """Return how far each option's logit lies below the best, in whole thousandths."""
    logits = logits.astype(np.float64)
    return np.rint((logits.max(axis=-1, keepdims=True) - logits) * 1000)


def prepare_layers(
    traces: Traces, questions: Sequence[Question] | None = None, count: int = COUNT, seed: int = 0
) -> LayerData:
    """Choose the questions that the page offers: a few picks, and a seeded random sample.

    Parameters
    ----------
    traces : Traces
    questions : sequence of Question
        Their texts, found by id; only questions with a text of at most 200 characters are then chosen.
    count, seed : how many questions, and the seed of the sample

    Raises
    ------
    ValueError
        Where no text fits a question of the traces.
    """
    found = {q.id: q for q in questions or () if len(q.question) + sum(map(len, q.options)) <= LONGEST}
    pool = [i for i, key in enumerate(traces.question_ids) if questions is None or key in found]
    if not pool:
        raise ValueError("questions: none of them is in the traces, or all are too long to show")
    picks = _picks(traces.select(pool))
    rest = np.random.default_rng(seed).permutation(len(pool))
    chosen = np.sort(list(dict.fromkeys([*picks.values(), *map(int, rest)]))[: max(count, len(picks))])
    places = {name: int(np.searchsorted(chosen, i)) for name, i in picks.items()}
    shown = traces.select([pool[i] for i in chosen])
    return LayerData(shown, [found.get(key) for key in shown.question_ids], places)


def _picks(traces: Traces) -> dict[str, int]:
    """Name some questions worth a look: the typical of both kinds, then extremes; what there is none of is left out."""
    divergence, agree = drift.layer_divergence(traces), drift.agreement(traces)
    final, pdl = divergence[:, -1], drift.peak_layer(divergence)
    confidence = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1)
    wrong = (traces.labels >= 0) & (traces.polm_final.argmax(axis=1) != traces.labels)
    scores = {
        "They disagree": np.where(~agree, -np.abs(final - np.median(final[~agree])), -np.inf)
        if (~agree).any()
        else None,
        "They agree": np.where(agree, -np.abs(final - np.median(final[agree])), -np.inf) if agree.any() else None,
        "Furthest apart": final,
        "Earliest PDL": -pdl.astype(float),
        "Sure and wrong": np.where(wrong, confidence, -np.inf) if wrong.any() else None,
    }
    return {name: int(score.argmax()) for name, score in scores.items() if score is not None}


def layer_explorer(
    traces: Traces,
    questions: Sequence[Question] | None = None,
    count: int = COUNT,
    seed: int = 0,
    name: str = "traces",
) -> str:
    """Return the interactive figure as one HTML string of under 100 kB; parameters as `prepare_layers`.

    ``name`` is what the traces are called in the lines of Python that a reader copies. In a notebook:
    ``IPython.display.HTML(layer_explorer(traces, questions))``.
    """
    data = prepare_layers(traces, questions, count, seed)
    first = next(iter(data.picks.values()))
    code = f"from dualalign import plots\nplots.layer_state({name}, {{id}}, {{t}})"
    payload = _payload(data, first) | {"title": TITLE, "code": code}
    state = layer_state(data.traces, data.traces.question_ids[first])
    right = int(data.traces.labels[first])
    cells = " ".join(f'<span class="item">{cell}</span>' for cell in CELLS)
    svg = draw(state, right, int(data.traces.n_options.max()))
    controls, note = _controls(widget.uid(payload), data, first), f"shown is question {first + 1} at T = 1."
    above = _texts(data, first)
    return widget.page("layers", payload, _shown(first, state, right), svg, cells, controls, note, SIZE, RULES, above)


def _payload(data: LayerData, first: int) -> dict[str, object]:
    traces, rows = data.traces, []
    matched, pdl = drift.matched_plm(traces), drift.peak_layer(traces)
    for i, key in enumerate(traces.question_ids):
        one = [_encoded(z[i, :, : traces.n_options[i]]) for z in (matched, traces.polm_logits)]
        rows.append({"id": key, "pdl": int(pdl[i]), "right": int(traces.labels[i]), "plm": one[0], "polm": one[1]})
    most = int(traces.n_options.max())
    return {"box": BOX, "layers": traces.n_layers, "options": most, "first": first, "questions": rows}


def _encoded(logits: np.ndarray) -> str:
    return ";".join(",".join(f"{gap:.0f}" for gap in row) for row in _gaps(logits))


def _shown(number: int, state: LayerState, right: int) -> dict[str, str]:
    """Format the numbers as the script does."""
    found = {"number": str(number + 1), "id": json.dumps(state.id, ensure_ascii=False), "pdl": str(state.pdl)}
    found |= {"t": widget.temperature_text(1.0), "final": f"{state.divergence[-1]:.3f}"}
    for name in ("jump", "ise_plm", "ise_polm", "plm_confidence", "polm_confidence"):
        found[name] = f"{getattr(state, name):.3f}"
    answers = {"plm_answer": state.plm_answer, "polm_answer": state.polm_answer, "right": right}
    return found | {name: chr(ord("A") + option) if option >= 0 else "?" for name, option in answers.items()}


def _texts(data: LayerData, first: int) -> str:
    """Lay all questions on one place, so that the height stays whichever is shown."""
    parts = []
    for number, (q, key) in enumerate(zip(data.texts, data.traces.question_ids, strict=True)):
        options = "".join(f"<li>{escape(option)}</li>" for option in q.options) if q else ""
        on = ' class="on"' if number == first else ""
        asked = escape(q.question if q else key)
        parts.append(
            f'<div data-part="text"{on}><p>{number + 1}. {asked}</p>{f"<ol>{options}</ol>" if q else ""}</div>'
        )
    return f'<div class="stack">{"".join(parts)}</div>'


def _controls(uid: str, data: LayerData, first: int) -> str:
    kinds = np.where(drift.agreement(data.traces), "agree", "disagree")
    options = "".join(
        f'<option value="{i}"{" selected" if i == first else ""}>{i + 1} · {kind} · {escape(_short(q, key))}</option>'
        for i, (kind, q, key) in enumerate(zip(kinds, data.texts, data.traces.question_ids, strict=True))
    )
    picks = "".join(widget.button("pick", pick, i, i == first) for pick, i in data.picks.items())
    label = f'<label for="{uid}-question">Question (of {len(data.texts)}; type its number)</label>'
    select = f'<select id="{uid}-question" data-part="question">{options}</select>'
    heat = "Temperature of the PoLM, from the PDL on"
    slider = widget.slider(uid, "temperature", heat, -2, 4, widget.STEP, 0, "T = 1.000")
    return f'{label}{select}<div class="buttons">{picks}</div>{slider}'


def _short(question: Question | None, key: str, longest: int = 44) -> str:
    words = question.question if question else key
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
