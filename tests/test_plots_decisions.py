"""Figures of decisions: the prepared numbers by hand, and that what is drawn is what the tables say."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dualalign import decisions, metrics, plots
from dualalign.decisions import Held
from dualalign.plots import style

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def sides(seed: int, n: int = 100) -> list[Held]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        confidence = rng.random(n)
        found.append(Held([f"q{i}" for i in range(n)], confidence, rng.random(n) < confidence, confidence[:20]))
    return found


HELD = {"vanilla": sides(0), "daca": sides(1), "dual-align": sides(2)}
COLOURS = [style.METHOD[name] for name in HELD]


# -- Risk and coverage ------------------------------------------------------------------------------------------------


def test_risk_coverage_is_the_mean_over_the_splits():
    table = plots.prepare_risk_coverage(HELD, steps=10)
    assert len(table) == 30
    curves = [metrics.risk_coverage(s.confidence, s.right)[1] for s in HELD["daca"]]
    rows = table[table["method"] == "daca"]
    assert rows["coverage"].tolist() == pytest.approx(np.arange(1, 11) / 10)
    assert rows["risk"].tolist() == pytest.approx([np.mean([c[10 * k - 1] for c in curves]) for k in range(1, 11)])
    odd = [Held(list("abc"), np.array([0.9, 0.5, 0.1]), np.array([1, 0, 0]), np.array([]))]
    assert plots.prepare_risk_coverage({"x": odd}, steps=3)["risk"].tolist() == pytest.approx([0, 1 / 2, 2 / 3])


def test_risk_coverage_draws_a_line_a_method():
    ax = plots.plot_risk_coverage(HELD)
    table = plots.prepare_risk_coverage(HELD)
    for line, name in zip(ax.lines[:3], HELD, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), table.loc[table["method"] == name, "risk"])
    assert [to_hex(line.get_color()) for line in ax.lines[:3]] == COLOURS
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3  # a grey print stays readable
    assert ax.lines[3].get_ydata()[0] == pytest.approx(np.mean([1 - s.right.mean() for s in HELD["vanilla"]]))


# -- Thresholds -------------------------------------------------------------------------------------------------------


def test_thresholds_are_above_and_silent_where_few_answer():
    table = plots.prepare_thresholds(HELD, [0.5, 0.99], least=30).set_index(["method", "threshold"])
    expected = decisions.above(HELD["daca"], [0.5, 0.5])
    assert table.loc[("daca", 0.5), list(decisions.Above._fields)].tolist() == pytest.approx(list(expected))
    few = table.loc[("daca", 0.99)]
    assert few["answered"] < 30
    assert np.isnan(few[["promised", "delivered", "low", "high"]].astype(float)).all()
    assert few["coverage"] == pytest.approx(np.mean([(s.confidence >= 0.99).mean() for s in HELD["daca"]]))


def test_thresholds_draw_delivered_accuracy_and_coverage():
    left, right = plots.plot_thresholds(HELD, [0.5, 0.7])
    table = plots.prepare_thresholds(HELD, [0.5, 0.7])
    for bars, line, name in zip(left.containers, right.lines, HELD, strict=True):
        rows = table[table["method"] == name]
        mean, _, (spread,) = bars.lines
        np.testing.assert_array_equal(mean.get_ydata(), rows["delivered"])
        ends = np.array([segment[:, 1] for segment in spread.get_segments()])
        np.testing.assert_allclose(ends, rows[["low", "high"]])
        np.testing.assert_array_equal(line.get_ydata(), rows["coverage"])
        assert np.abs(line.get_xdata() - [0.5, 0.7]).max() < 0.02
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(HELD)


PROMISES = pd.DataFrame(
    [
        ("vanilla", 0.6, 0.98, 0.48, 0.45, 0.51),
        ("daca", 0.6, 0.2, 0.7, 0.62, 0.77),
        ("vanilla", 0.8, 0.9, 0.5, 0.4, 0.6),
        ("daca", 0.8, 0.0, np.nan, np.nan, np.nan),
        ("dual-align", 0.6, 0.2, 0.65, 0.6, 0.7),
        ("dual-align", 0.8, 0.004, 1.0, 0.7, 1.0),
    ],
    columns=["method", "target", "coverage", "delivered", "low", "high"],
)


def test_promises_stand_beside_their_target():
    axes = plots.plot_promises(PROMISES)
    first, second = axes.flat
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["promised 60%", "promised 80%"]
    assert [ax.lines[0].get_xdata()[0] for ax in axes.flat] == [0.6, 0.8]
    assert [line.get_xdata().tolist() for line in first.lines[1:]] == [
        [0.45, 0.51],
        [0.48],
        [0.62, 0.77],
        [0.7],
        [0.6, 0.7],
        [0.65],
    ]
    assert [text.get_text() for text in second.texts] == ["90%", "0%", "<1%"]
    assert np.isnan(second.lines[4].get_xdata()).all()  # nothing answered, nothing delivered
    assert [label.get_text() for label in first.get_yticklabels()] == ["vanilla", "daca", "dual-align"]


# -- Prices -----------------------------------------------------------------------------------------------------------

COSTS = pd.DataFrame(
    {
        "method": ["vanilla"] * 3 + ["daca"] * 3,
        "price": [0.1, 0.5, 0.9] * 2,
        "cost": [0.3, 0.45, 0.5, 0.1, 0.4, 0.5],
        "regret": [0.2, 0.1, 0.02, 0.0, 0.02, 0.02],
        "low": [0.1, 0.05, 0.0, -0.01, 0.0, 0.0],
        "high": [0.3, 0.15, 0.04, 0.01, 0.04, 0.04],
    }
)


def test_costs_beside_never_and_always():
    left, right = plots.plot_costs(COSTS, error=0.5)
    never, always, *lines = left.lines
    np.testing.assert_array_equal(never.get_xdata(), never.get_ydata())
    assert always.get_ydata() == [0.5, 0.5]
    for drawn, column in ((lines, "cost"), (right.lines[:2], "regret")):
        for line, (_, rows) in zip(drawn, COSTS.groupby("method", sort=False), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), rows[column])
    band = right.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.0, 0.3)


def test_regret_has_a_panel_a_study():
    table = pd.concat([COSTS.drop(columns=["low", "high"]).assign(study=s) for s in ("one", "two")])
    axes = plots.plot_regret(table)
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["one", "two"]
    for ax in axes.flat:
        assert [to_hex(line.get_color()) for line in ax.lines[:2]] == [style.METHOD["vanilla"], style.METHOD["daca"]]
        assert not ax.collections


# -- Cascades ---------------------------------------------------------------------------------------------------------


def test_frontier_runs_from_the_first_model_alone_to_the_second():
    second = [np.ones(100, dtype=bool)] * 2
    line = plots.prepare_frontier(HELD["vanilla"], second, price=4, steps=10)
    assert line["cost"].tolist() == pytest.approx(1 + 4 * np.arange(11) / 10)
    assert line["accuracy"].iloc[0] == pytest.approx(np.mean([s.right.mean() for s in HELD["vanilla"]]))
    assert line["accuracy"].iloc[-1] == 1
    kept = [np.sort(s.confidence)[::-1][49] for s in HELD["vanilla"]]  # half of the questions, no ties
    half = [np.where(s.confidence >= t, s.right, True).mean() for s, t in zip(HELD["vanilla"], kept, strict=True)]
    assert line["accuracy"].iloc[5] == pytest.approx(np.mean(half))


def test_cascade_marks_grow_with_the_target():
    line = pd.DataFrame({"cost": [1.0, 3.0, 5.0], "accuracy": [0.5, 0.6, 0.62]})
    points = pd.DataFrame(
        [("a", "daca", 0.6, 3.0, 0.6), ("a", "daca", 0.5, 2.0, 0.55), ("b", "vanilla", 0.6, 1.0, 0.5)],
        columns=["cascade", "method", "target", "cost", "accuracy"],
    )
    better = line.assign(accuracy=[0.5, 0.61, 0.62])
    first, second = plots.plot_cascade(points, {"a": {"vanilla": line, "daca": better}, "b": {"vanilla": line}})
    assert first.get_title(loc="left") == "a"
    marks = first.collections[0]
    assert marks.get_offsets().tolist() == [[3.0, 0.6], [2.0, 0.55]]
    assert marks.get_sizes()[0] > marks.get_sizes()[1]
    assert [to_hex(drawn.get_color()) for drawn in first.lines] == [*COLOURS[:2], style.QUIET]
    assert first.lines[1].get_ydata().tolist() == [0.5, 0.61, 0.62]
    assert first.lines[2].get_xdata().tolist() == [1.0, 5.0]  # at random
    assert second.collections[0].get_offsets().tolist() == [[1.0, 0.5]]


# -- Every trace ------------------------------------------------------------------------------------------------------


def test_savings_show_every_trace_and_the_mean():
    table = pd.DataFrame(
        [("vanilla", 0.1, True), ("vanilla", 0.3, False), ("daca", -0.1, True)], columns=["method", "value", "premise"]
    )
    ax = plots.plot_savings(table, "cost")
    drawn = [(c.get_offsets()[:, 0].tolist(), len(c.get_facecolors())) for c in ax.collections]
    assert [x for x, _ in drawn] == [[0.3], [0.1], [], [-0.1]]
    assert [filled for _, filled in drawn] == [0, 1, 0, 1]
    assert [line.get_xdata()[0] for line in ax.lines[1:]] == pytest.approx([0.2, -0.1])
    assert ax.get_xlabel() == "cost"


def test_given_axes_are_drawn_on_and_global_settings_stay():
    before = dict(matplotlib.rcParams)
    given = Figure().subplots(1, 2)
    assert list(plots.plot_costs(COSTS, 0.5, given)) == list(given)
    assert list(plots.plot_thresholds(HELD, axes=given)) == list(given)
    one = Figure().subplots()
    assert plots.plot_risk_coverage(HELD, one) is one
    assert dict(matplotlib.rcParams) == before
