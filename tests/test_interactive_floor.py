"""The noise-floor explorer: its simulation against `metrics`, and the page's own numbers in a browser."""

from __future__ import annotations

import numpy as np
import pytest
from interactive_kit import browse, check_form, run_code, same_drawing, static_parts

from dualalign import metrics
from dualalign.plots import floor_explorer, floor_state
from dualalign.plots.interactive.floor import mulberry32, prepare_floor

NUMBERS = ("floor", "low", "high", "drawn", "measured", "share")


def mulberry_by_hand(seed, count):
    """The published C code, a number at a time."""
    found, mask = [], 0xFFFFFFFF
    for _ in range(count):
        seed = (seed + 0x6D2B79F5) & mask
        t = ((seed ^ seed >> 15) * (seed | 1)) & mask
        t ^= (t + (t ^ t >> 7) * (t | 61)) & mask
        found.append((t ^ t >> 14) / 2**32)
    return found


@pytest.fixture(scope="module")
def answers():
    """Confidences and answers of an over-confident model."""
    rng = np.random.default_rng(3)
    confidence = rng.beta(4, 2, 400)
    return confidence, rng.random(400) < confidence - 0.08


def test_generator_is_mulberry32():
    for seed in (1, 7, 2**32 - 1):
        assert mulberry32(seed, 50).tolist() == mulberry_by_hand(seed, 50)
    assert mulberry32(5, 100_000).mean() == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("n", "bins"), [(30, 5), (300, 10), (3000, 20)])
def test_floor_is_the_metric(answers, n, bins):
    confidence, correct = answers
    state = floor_state(confidence, correct, n, bins)
    sampled = np.random.default_rng(0).choice(confidence, n)
    assert state.floor == pytest.approx(metrics.ece_floor(sampled, bins=bins), rel=0.12)
    assert state.low < state.floor < state.high
    assert state.measured == metrics.ece(confidence, correct, bins=bins)
    assert state.histogram.sum() == 500


def test_a_shown_draw_is_one_of_the_simulated(answers):
    data = prepare_floor(*answers)
    place = np.flatnonzero(floor_state(*answers).table["mean"])[9]
    for draw in (1, 7, 500):
        assert floor_state(*answers, 300, 15, draw).drawn == pytest.approx(data.errors[15][draw - 1, place], abs=1e-12)


def test_bad_input_is_one_clear_line(answers):
    with pytest.raises(ValueError, match="n is 11, bins is 10; allowed are n in"):
        floor_state(*answers, 11)
    with pytest.raises(ValueError, match="confidence"):
        prepare_floor(np.array([0.5, np.nan]))


def test_page_is_small_repeatable_and_accessible(answers):
    html = floor_explorer(*answers)
    assert html == floor_explorer(*answers)
    check_form(html)
    alone = floor_explorer(answers[0])
    check_form(alone)
    assert "measured" not in static_parts(alone)[1]
    check_form(floor_explorer(np.random.default_rng(0).random(14_000)))


@pytest.fixture(scope="module")
def browsed(answers, tmp_path_factory):
    """What a browser shows: the page after other sizes, bins and draws."""
    html = floor_explorer(*answers, name="mine", answers="right")
    moves = (
        "move('n', 0); press('bins', 3); press('again'); move('n', 18);" + "press('again');" * 22 + "press('bins', 0);"
    )
    return html, browse(html, moves, tmp_path_factory.mktemp("floor"))


def test_browser_computes_what_python_computes(answers, browsed):
    page = browsed[1]
    assert {seen["state"]["n"] for seen in page["seen"]} == {10, 300, 10_000}
    for seen in [*page["seen"][:6], page["seen"][-3], page["seen"][-1]]:
        shown, state = seen["state"], run_code(seen["code"], mine=answers[0], right=answers[1])
        assert [shown[name] for name in NUMBERS] == pytest.approx([getattr(state, n) for n in NUMBERS], abs=1e-12)
        assert shown["draws"] == pytest.approx(state.draws.tolist(), abs=1e-12)
        assert shown["histogram"] == state.histogram.tolist()
        assert f"noise floor {state.floor:.3f}90 %: {state.low:.3f} to {state.high:.3f}" in seen["text"]
        assert f"draw {shown['draw']} shows {state.drawn:.3f}" in seen["title"]


def test_first_printed_and_static_state_are_one(browsed):
    html, page = browsed
    first, *moved, printed, last = page["seen"]
    svg, text = static_parts(html)
    same_drawing(svg, first["svg"])
    assert (first["text"], printed["text"], printed["title"]) == (text, text, first["title"])
    assert last == moved[-1]


def test_page_without_answers_works_in_a_browser(answers, tmp_path):
    html = floor_explorer(answers[0])
    page = browse(html, "move('n', 3);", tmp_path)
    same_drawing(static_parts(html)[0], page["seen"][0]["svg"])
    assert page["seen"][1]["state"]["measured"] is None


def test_page_fits_a_phone_and_does_not_jump(browsed):
    page = browsed[1]
    assert not page["wide"]
    assert page["small"] == 0
    assert len({seen["height"] for seen in page["seen"]}) == 1
