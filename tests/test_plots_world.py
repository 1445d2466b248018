"""Figures of the controlled world: the prepared numbers by hand, and that what is drawn is what the tables say."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dualalign import plots
from dualalign.plots import style

matplotlib.use("Agg")

CURVE = pd.DataFrame({"step": [60, 120, 180], "loss": [1.7, 0.8, 0.6], "least": 0.59, "error": [0.1, 0.03, 0.011]})
METHODS = ["vanilla", "daca", "dual-align"]
COLUMNS = ["study", "method", "ratio", "low", "high", "least", "most", "finite", "seeds"]
SUMMARY = pd.DataFrame(
    [
        ("one", "vanilla", 0.05, 0.04, 0.06, 0.03, 0.07, 20, 20),  # all of it left of the axis
        ("one", "daca", 0.8, 0.7, 0.9, 0.5, 1.25, 20, 20),
        ("one", "dual-align", 20.0, 9.0, 40.0, 4.0, math.inf, 13, 20),  # right of it, and 7 without end
        ("two", "vanilla", 1.0, 1.0, 1.0, 1.0, 1.0, 20, 20),
        ("two", "daca", math.nan, math.nan, math.nan, math.inf, math.inf, 0, 20),
        ("two", "dual-align", 1.5, 1.25, 1.75, 0.01, 2.0, 20, 20),
    ],
    columns=COLUMNS,
)


pytestmark = pytest.mark.usefixtures("closed")


def ax() -> Axes:
    return Figure(layout="constrained").subplots()


# -- Belief against exact posterior --------------------------------------------------------------------------------


def test_posterior_check_by_hand():
    exact = np.array([[0.0, 0.1, 0.24], [0.3, 0.45, 1.0]])
    model = np.array([[0.1, 0.2, 0.6], [0.5, 0.4, 0.9]])
    table = plots.prepare_posterior_check(model, exact, bins=4)
    assert table["n"].tolist() == [3, 2, 1]  # the third of four bins is empty; 1 belongs to the last
    assert table["exact"].tolist() == pytest.approx([0.34 / 3, 0.375, 1.0])
    assert table["model"].tolist() == pytest.approx([0.3, 0.45, 0.9])
    assert table["low"].tolist() == pytest.approx([0.11, 0.405, 0.9])
    assert table["high"].tolist() == pytest.approx([0.56, 0.495, 0.9])


def test_posterior_check_draws_every_option_and_its_bins():
    rng = np.random.default_rng(0)
    exact, model = rng.dirichlet(np.ones(4), (2, 100))
    drawn = plots.plot_posterior_check(model, exact, given := ax(), title="seed 0")
    assert drawn is given
    points = drawn.collections[0].get_offsets()
    np.testing.assert_array_equal(points, np.stack([exact.ravel(), model.ravel()], axis=1))
    table = plots.prepare_posterior_check(model, exact)
    means, _, (bars,) = drawn.containers[0].lines
    np.testing.assert_array_equal(means.get_xydata(), table[["exact", "model"]])
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, table[["low", "high"]])
    error = np.mean([abs(a - b) for a, b in zip(model.ravel(), exact.ravel(), strict=True)])
    assert f"{error:.4f}" in drawn.get_legend().get_texts()[0].get_text()
    assert drawn.get_title(loc="left") == "seed 0"


def test_an_exact_reader_lies_on_the_diagonal():
    exact = np.random.default_rng(1).dirichlet(np.ones(4), 200)
    table = plots.prepare_posterior_check(exact, exact)
    np.testing.assert_array_equal(table["model"], table["exact"])
    assert table["n"].sum() == 800


def test_posterior_check_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"proba has shape \(2, 4\), posterior \(3, 4\)"):
        plots.prepare_posterior_check(np.ones((2, 4)), np.ones((3, 4)))
    with pytest.raises(ValueError, match="bins is 0"):
        plots.prepare_posterior_check(np.ones((2, 4)), np.ones((2, 4)), bins=0)


# -- Pre-training --------------------------------------------------------------------------------------------------


def test_pretraining_shows_both_curves_beside_what_bounds_them():
    given = Figure().subplots(1, 2)
    drawn = plots.plot_pretraining(CURVE, given)
    assert list(drawn) == list(given)
    for one, name, line, text in ((drawn[0], "loss", 0.59, "0.590"), (drawn[1], "error", 0.02, "0.02")):
        np.testing.assert_array_equal(one.lines[0].get_xydata(), CURVE[["step", name]])
        assert one.lines[1].get_ydata() == [line, line]
        assert text in one.get_legend().get_texts()[0].get_text()
        assert one.get_xlabel() == "Step"
    assert (drawn[0].get_yscale(), drawn[1].get_yscale()) == ("linear", "log")
    drawn[1].figure.draw_without_rendering()
    shown = {label.get_text() for label in drawn[1].get_yticklabels()}
    assert {"0.01", "0.02", "0.05", "0.1"} <= shown


def test_pretraining_makes_its_own_axes_and_refuses_an_empty_curve():
    assert len(plots.plot_pretraining(CURVE)) == 2
    with pytest.raises(ValueError, match="curve holds no row"):
        plots.plot_pretraining(CURVE.iloc[:0])


# -- Temperatures over the true one --------------------------------------------------------------------------------


def panel(study: str) -> Axes:
    return plots.plot_against_truth(SUMMARY, [study], METHODS).flat[0]


def drawn_rows(one: Axes) -> list[tuple]:
    """(range, interval, dot, marker, colour) of each row; the first line of a panel is that at 1."""
    lines = one.lines[1:]
    rows = [lines[i : i + 3] for i in range(0, len(lines), 3)]
    assert [{float(y) for line in row for y in line.get_ydata()} for row in rows] == [{0.0}, {1.0}, {2.0}]
    return [
        (*(line.get_xdata().tolist() for line in row), row[2].get_marker(), to_hex(row[2].get_color())) for row in rows
    ]


def test_ratios_beyond_the_axis_stand_at_its_edge_as_arrows():
    left, inside, right = drawn_rows(panel("one"))
    assert left == ([0.125, 0.125], [0.125, 0.125], [0.125], "<", style.METHOD["vanilla"])
    assert inside == ([0.5, 1.25], [0.7, 0.9], [0.8], "^", style.METHOD["daca"])
    assert right == ([4.0, 8.0], [8.0, 8.0], [8.0], ">", style.METHOD["dual-align"])
    low, high = panel("one").get_xlim()
    assert low < 0.125 < 8 < high  # an arrow is not cut


def test_seeds_without_a_finite_temperature_are_counted_beside_their_row():
    one, two = panel("one"), panel("two")
    assert [(text.get_text(), text.get_position()[1]) for text in one.texts] == [("∞ 7", 2)]
    assert [(text.get_text(), text.get_position()[1]) for text in two.texts] == [("∞ 20", 1)]
    _, none, inside = drawn_rows(two)
    assert np.isnan(none[2]).all()  # no dot where no seed has a temperature
    assert inside[:3] == ([0.125, 2.0], [1.25, 1.75], [1.5])


def test_methods_and_studies_stand_in_the_order_asked_for():
    methods = ["dual-align", "vanilla"]
    axes = plots.plot_against_truth(SUMMARY, ["two", "one"], methods)
    assert [one.get_title(loc="left") for one in axes.flat] == ["two", "one"]
    first = axes.flat[0]
    assert [label.get_text() for label in first.get_yticklabels()] == methods
    assert first.get_ylim() == (1.5, -0.5)  # the first on top
    assert [label.get_text() for label in first.get_xticklabels()] == ["1/8", "1/4", "1/2", "1", "2", "4", "8"]
    assert first.get_xticks().tolist() == [0.125, 0.25, 0.5, 1, 2, 4, 8]
    assert {one.get_xlabel() for one in axes.flat} == {"T / T*"}


def test_panels_that_are_left_over_are_hidden_and_those_above_keep_their_numbers():
    table = pd.concat([SUMMARY[SUMMARY["study"] == "two"].assign(study=name) for name in "abcd"])
    axes = plots.plot_against_truth(table, list("abcd"), METHODS)
    assert axes.shape == (2, 3)
    assert [one.get_visible() for one in axes.flat] == [True] * 4 + [False] * 2
    axes.flat[0].figure.draw_without_rendering()
    assert all(one.xaxis.get_tick_params()["labelbottom"] for one in axes.flat[:4])


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="summary holds no row of 'align-all' in 'one'"):
        plots.plot_against_truth(SUMMARY, ["one"], ["vanilla", "align-all"])
    with pytest.raises(ValueError, match="summary holds no row of 'vanilla' in 'three'"):
        plots.plot_against_truth(SUMMARY, ["one", "three"], METHODS)
    with pytest.raises(ValueError, match="summary holds 'vanilla' in 'one' twice"):
        plots.plot_against_truth(pd.concat([SUMMARY, SUMMARY.iloc[:1]]), ["one"], METHODS)
    for studies, methods in ([], METHODS), (["one"], []):
        with pytest.raises(ValueError, match="give at least one of each"):
            plots.plot_against_truth(SUMMARY, studies, methods)


def test_global_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    plots.plot_pretraining(CURVE)
    plots.plot_posterior_check(np.full((3, 4), 0.25), np.full((3, 4), 0.25))
    plots.plot_against_truth(SUMMARY, ["one"], METHODS)
    assert dict(matplotlib.rcParams) == before
