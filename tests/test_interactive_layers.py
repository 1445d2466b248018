"""The layer explorer: its numbers against `drift`, and the page's own numbers in a browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from interactive_kit import browse, check_form, run_code, same_drawing, static_parts

from dualalign import drift
from dualalign.plots import layer_explorer, layer_state, prepare_layers
from dualalign.questions import Question

NUMBERS = ("jump", "ise_plm", "ise_polm", "plm_confidence", "polm_confidence")


def asked(traces, text="Why {pdl} is <b>it</b> & so?"):
    options = [
        tuple(f"option {k} of {key}" for k in range(n))
        for key, n in zip(traces.question_ids, traces.n_options, strict=True)
    ]
    return [Question(key, text, o, 0) for key, o in zip(traces.question_ids, options, strict=True)]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
def test_state_equals_drift_up_to_the_rounding_of_logits(random_traces, temperature):
    traces = random_traces(30, (4, 6), 5, 1, True)
    layer = drift.peak_layer(traces)
    ise = {
        "ise_plm": drift.stability_entropy(drift.matched_plm(traces), layer),
        "ise_polm": drift.stability_entropy(traces.polm_logits, layer, temperature),
    }
    divergence, heated = drift.layer_divergence(traces), drift.log_softmax_options(traces.polm_final, temperature)
    for i, key in enumerate(traces.question_ids):
        state = layer_state(traces, key, temperature)
        assert state.pdl == layer[i]
        assert state.divergence == pytest.approx(divergence[i], abs=1e-3)
        assert {name: getattr(state, name) for name in ise} == pytest.approx(
            {n: v[i] for n, v in ise.items()}, abs=5e-3
        )
        assert state.polm_answer == traces.polm_final[i].argmax()
        assert state.polm_confidence == pytest.approx(np.exp(heated[i].max()), abs=2e-3)


def test_only_questions_with_a_short_text_are_chosen_and_picks_are_what_they_say(random_traces):
    traces = random_traces(60, 5)
    data = prepare_layers(traces, [*asked(traces)[:20], Question("q25", "long " * 60, ("a", "b"))], count=10)
    assert len(data.traces) == 10
    assert {int(key[1:]) for key in data.traces.question_ids} <= set(range(20))
    agree, final = drift.agreement(data.traces), drift.final_divergence(data.traces)
    assert agree[data.picks["They agree"]]
    assert not agree[data.picks["They disagree"]]
    assert final.argmax() == data.picks["Furthest apart"]
    wrong = data.picks["Sure and wrong"]
    assert data.traces.polm_final[wrong].argmax() != data.traces.labels[wrong]


def test_bad_input_is_one_clear_line(random_traces):
    traces = random_traces(5, 3)
    with pytest.raises(ValueError, match="none of them is in the traces"):
        prepare_layers(traces, [Question("x", "?", ("a", "b"))])
    with pytest.raises(ValueError, match="question is 'x'"):
        layer_state(traces, "x")


def test_page_is_small_repeatable_and_accessible(random_traces):
    traces = random_traces(60, 18, 4, 3)
    html = layer_explorer(traces, asked(traces, "<script>alert(1)</script> {x}."))
    assert html == layer_explorer(traces, asked(traces, "<script>alert(1)</script> {x}."))
    check_form(html)
    check_form(layer_explorer(replace(traces, labels=np.full(60, -1))))  # neither texts nor labels


@pytest.fixture(scope="module")
def browsed(random_traces, tmp_path_factory):
    """What a browser shows: (traces, html, page), other questions chosen and the temperature moved."""
    traces = random_traces(30, 7, 5, 7, True)
    html = layer_explorer(traces, asked(traces), count=12, name="mine")
    moves = (
        "move('question', 3); move('temperature', 2); move('temperature', -1.35); press('pick', 2); press('pick', 1);"
    )
    return traces, html, browse(html, moves, tmp_path_factory.mktemp("layers"))


def test_browser_computes_what_python_computes(browsed):
    traces, _, page = browsed
    assert len({seen["state"]["id"] for seen in page["seen"]}) >= 3
    for seen in page["seen"]:
        shown = seen["state"]
        state = run_code(seen["code"], mine=traces)
        assert (state.id, state.pdl) == (shown["id"], shown["pdl"])
        assert (state.plm_answer, state.polm_answer) == (shown["plm_answer"], shown["polm_answer"])
        assert [shown[n] for n in NUMBERS] == pytest.approx([getattr(state, n) for n in NUMBERS], abs=1e-9)
        for name in ("plm", "polm", "divergence"):
            assert np.asarray(shown[name]) == pytest.approx(getattr(state, name), abs=1e-9)
        assert f"PDL: layer {state.pdl}, jump {state.jump:.3f}" in seen["text"]
        assert f"ISE: PLM {state.ise_plm:.3f}, PoLM {state.ise_polm:.3f} at T = {shown['t']:.3f}" in seen["text"]
        assert f"at layer {state.pdl}, by {state.jump:.3f} nats" in seen["title"]


def test_first_printed_and_static_state_are_one(browsed):
    _, html, page = browsed
    first, *moved, printed, last = page["seen"]
    svg, text = static_parts(html)
    same_drawing(svg, first["svg"])
    assert (first["text"], printed["text"], printed["title"]) == (text, text, first["title"])
    assert last == moved[-1]


def test_page_fits_a_phone_and_does_not_jump(browsed):
    page = browsed[2]
    assert not page["wide"]
    assert page["small"] == 0
    assert len({seen["height"] for seen in page["seen"]}) == 1
