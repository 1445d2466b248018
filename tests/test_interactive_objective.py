"""The objective explorer: its curves and optimum against the calibrators, and the page's own numbers in a browser."""

from __future__ import annotations

import numpy as np
import pytest
from interactive_kit import browse, check_form, run_code, same_drawing, static_parts

import dualalign as da
from dualalign.plots import objective_explorer, objective_state, prepare_objective

PARTS = ("total", "confidence", "process")


@pytest.mark.parametrize("weight", ["jsd", "hard", 0.0, 0.35, 1.0])
def test_curves_and_optimum_are_the_calibrators(random_traces, weight):
    traces = random_traces(120, 6, 4, 2, True)
    fitted = da.DualAlign(weight=weight).fit(traces)
    state = objective_state(traces, 2.0, weight)
    table = prepare_objective(traces, fitted, np.array([2.0])).table.iloc[0]
    assert [getattr(state, part) for part in PARTS] == pytest.approx(
        [table[part] for part in PARTS], rel=1e-6, abs=1e-9
    )
    assert state.lowest["total"] == pytest.approx(fitted.temperature_, rel=1e-3)
    assert state.value == pytest.approx(fitted.objective_, rel=1e-5, abs=1e-7)
    assert state.histogram.sum() == 120


def test_an_optimum_outside_the_range_is_none(random_traces):
    traces = random_traces(40, 4)
    assert np.isnan(objective_state(traces, 1.0, 1.0).lowest["process"])  # a curve of zeros
    with pytest.raises(ValueError, match=r"weight is 1\.5; a fixed weight lies in 0\.\.1"):
        objective_state(traces, 1.0, 1.5)


def test_page_is_small_repeatable_and_accessible(random_traces):
    traces = random_traces(60, 8, 4, 3)
    html = objective_explorer(traces)
    assert html == objective_explorer(traces)
    check_form(html)


@pytest.fixture(scope="module")
def browsed(random_traces, tmp_path_factory):
    """What a browser shows: (traces, html, page), the temperature moved and each kind of weight chosen."""
    traces = random_traces(80, 6, 5, 7, True)
    html = objective_explorer(traces, name="mine")
    moves = "move('tau', 140); press('go'); move('weight', 'hard'); move('fixed', 0.35); press('go'); move('fixed', 1);"
    return traces, html, browse(html, moves, tmp_path_factory.mktemp("objective"))


def test_browser_computes_what_python_computes(browsed):
    traces, _, page = browsed
    assert {seen["state"]["weight"] for seen in page["seen"]} == {"jsd", "hard", 0.35, 1}
    for seen in page["seen"]:
        shown, state = seen["state"], run_code(seen["code"], mine=traces)
        assert shown["t"] == pytest.approx(state.temperature, rel=1e-12)
        expected = [getattr(state, part) for part in (*PARTS, "mean_weight")]
        assert [shown[part] for part in (*PARTS, "mean_weight")] == pytest.approx(expected, abs=1e-12)
        assert shown["histogram"] == state.histogram.tolist()
        for part in PARTS:
            t = shown["optima"][part]["t"]
            assert (np.nan if t is None else t) == pytest.approx(state.lowest[part], rel=1e-9, nan_ok=True)
        assert f"total {state.total:.4f}lowest at T = {state.lowest['total']:.2f}" in seen["text"]
        assert f"At T = {shown['t']:.3f} it is {state.total:.4f} nats" in seen["title"]


def test_button_leads_to_the_lowest_point(browsed):
    seen = browsed[2]["seen"][2]["state"]
    assert seen["t"] == pytest.approx(seen["optima"]["total"]["t"], rel=0.012)
    assert "not in use" in browsed[2]["seen"][2]["said"]
    assert "w = 0.35" in browsed[2]["seen"][4]["said"]


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
