"""The temperature slider: its numbers against the metrics, and the page's own numbers in a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from interactive_kit import Page, browse, check_form, run_code, same_drawing, static_parts

from dualalign import drift, metrics
from dualalign.plots import prepare_slider, slider_state, temperature_slider


@pytest.mark.parametrize("temperature", [0.01, 0.7, 1.0, 2.5, 100.0])
def test_state_equals_the_metrics_on_the_rounded_logits(random_traces, temperature):
    traces = random_traces(80, 3, 5, 1, True)
    state = slider_state(prepare_slider(traces), temperature)
    top = traces.polm_final.astype(float).max(axis=1, keepdims=True)
    rounded = -np.round(top - traces.polm_final, 3)
    confidence = np.exp(drift.log_softmax_options(rounded, temperature)).max(axis=1)
    correct = traces.polm_final.argmax(axis=1) == traces.labels
    assert state.ece == pytest.approx(metrics.ece(confidence, correct), abs=1e-12)
    assert state.confidence == pytest.approx(confidence.mean(), abs=1e-12)
    assert state.accuracy == correct.mean()
    assert state.count.sum() == len(traces)


def test_rounding_moves_no_confidence_by_more_than_it_can(random_traces):
    traces = random_traces(200, 3, 4, 2)
    exact = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1).mean()
    assert abs(slider_state(prepare_slider(traces), 1.0).confidence - exact) < 2.5e-4  # half a thousandth in each gap


def test_only_labelled_questions_count_and_large_sets_are_sampled(random_traces):
    traces = random_traces(50, 3)
    labels = traces.labels.copy()
    labels[:20] = -1
    data = prepare_slider(replace(traces, labels=labels), limit=10)
    assert (len(data.correct), data.total) == (10, 30)
    numbers = static_parts(temperature_slider(replace(traces, labels=labels), limit=10))[1]
    assert "10 questions (a random sample of 30)" in numbers


def test_bad_input_is_one_clear_line(random_traces):
    traces = random_traces(5, 3)
    with pytest.raises(ValueError, match="no known label"):
        prepare_slider(replace(traces, labels=np.full(5, -1)))
    with pytest.raises(ValueError, match=r"'x' is -1\.0; a temperature is positive"):
        prepare_slider(traces, {"x": -1.0})


def test_marks_that_are_not_finite_are_left_out_and_one_is_added(random_traces):
    assert prepare_slider(random_traces(5, 3), {"a": np.inf, "b": 2.0}).marks == {"T = 1": 1.0, "b": 2.0}
    assert prepare_slider(random_traces(5, 3), {"as it is": 1.0}).marks == {"as it is": 1.0}


def test_page_is_small_repeatable_and_accessible(random_traces):
    traces = random_traces(1500, 2, 5, 4)
    html = temperature_slider(traces, {"Dual-Align": 1.83, "<script>alert(1)</script>": 2.0})
    assert html == temperature_slider(traces, {"Dual-Align": 1.83, "<script>alert(1)</script>": 2.0})
    check_form(html)


def test_two_figures_on_a_page_share_no_id(random_traces):
    pages = [temperature_slider(random_traces(20, 2, 4, seed)) for seed in (0, 1)]
    first, second = ({attrs["id"] for _, attrs in Page(page).tags if "id" in attrs} for page in pages)
    assert not first & second


MOVES = "".join(f"move('slider', Math.log2({t}));" for t in (0.3, 1, 2.2, 9.7)) + "press('mark', 1);"


@pytest.fixture(scope="module")
def browsed(random_traces, tmp_path_factory):
    """What a browser shows: (traces, html, page), the slider moved, then the button of T = 1.83 pressed."""
    traces = random_traces(300, 3, 4, 7, True)
    html = temperature_slider(traces, {"Dual-Align": 1.8304}, name="mine")
    return traces, html, browse(html, MOVES, tmp_path_factory.mktemp("slider"))


def test_browser_computes_what_python_computes(browsed):
    traces, _, page = browsed
    data = prepare_slider(traces, {"Dual-Align": 1.83})
    assert page["seen"][-1]["state"]["t"] == 1.83  # the button's temperature, not the slider's nearest step
    for seen in page["seen"]:
        state = slider_state(data, seen["state"]["t"])
        assert seen["state"]["count"] == state.count.tolist()
        expected = [state.ece, state.confidence, state.accuracy]
        assert [seen["state"][key] for key in ("ece", "confidence", "accuracy")] == pytest.approx(expected, abs=1e-12)
        numbers = f"T = {seen['state']['t']:.3f}, ECE {state.ece:.3f}, mean confidence {state.confidence:.3f}"
        assert numbers in seen["text"]
        assert f"at T = {seen['state']['t']:.3f} the ECE is {state.ece:.3f}" in seen["title"]
        assert repr(run_code(seen["code"], mine=traces)) == repr(state)


def test_browser_draws_what_python_draws(browsed):
    traces, html, page = browsed
    first, *moved, printed, last = page["seen"]
    svg, text = static_parts(html)
    same_drawing(svg, first["svg"])
    assert (printed["text"], printed["title"], first["text"]) == (text, first["title"], text)
    assert last["svg"] == moved[-1]["svg"] != printed["svg"]
    state = slider_state(prepare_slider(traces, {"Dual-Align": 1.83}), 1.83)
    dots = [tuple(map(float, d)) for d in re.findall(r'class="point" r="4.5" cx="(.*?)" cy="(.*?)"', last["svg"])]
    for dot, n, total, right in zip(dots, state.count, state.confidence_sum, state.right, strict=True):
        assert n == 0 or dot == pytest.approx((48 + 300 * total / n, 62 + 300 * (1 - right / n)), abs=0.006)


def test_page_fits_a_phone_and_does_not_jump(browsed):
    page = browsed[2]
    assert not page["wide"]
    assert page["small"] == 0
    assert len({seen["height"] for seen in page["seen"]}) == 1
