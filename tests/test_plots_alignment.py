"""Figures of aligning on every question: what is drawn is what the tables say."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dualalign import align_all, drift, early_stopping, plots
from dualalign.plots import style

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def drawn(ax, label: str):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return line


def test_forces_stand_beside_their_slopes(random_traces):
    tables = {name: align_all.forces(random_traces(60, 2, seed=i), draws=20) for i, name in enumerate("ab")}
    table = pd.concat(tables)
    table[:] = np.random.default_rng(0).normal(size=table.shape)  # random labels have no finite true temperature
    left, right = plots.plot_forces(table)
    for ax, label, key in (
        (left, "lacking on agreement", "agree"),
        (left, "left out by DACA", "left out"),
        (right, "align-all", "align-all"),
        (right, "daca", "daca"),
    ):
        np.testing.assert_array_equal(drawn(ax, label).get_xdata(), table.xs(key, level=1)["value"])
    assert [text.get_text() for text in left.get_yticklabels()] == ["a", "b"]
    segments = np.array([s[:, 0] for s in right.collections[0].get_segments()])
    np.testing.assert_array_equal(segments, table.xs("align-all", level=1)[["low", "high"]])


def test_gaps_are_drawn_a_row_a_setting(random_traces):
    table = pd.concat({"one": align_all.aligned_gaps(random_traces(60, 2), seeds=[0], draws=50)})
    ax = plots.plot_aligned_gaps(table)
    labels = {"agreement only": "agree", "all questions": "all", "disagreement only": "disagree"}
    for label, key in labels.items():
        assert drawn(ax, label).get_xdata().tolist() == [table.value["one", key]]
    assert ax.get_legend() is not None


def test_paths_and_optima_are_those_of_the_protocol(random_traces):
    traces = random_traces(30, 2)
    data = plots.prepare_tau_paths(traces, rates=(0.05, 0.1), epochs=20)
    np.testing.assert_array_equal(
        data.paths["daca", 0.1], early_stopping.tau_paths(traces, ["daca"], [0.1], 20)["daca", 0.1]
    )
    assert data.optima == {m: early_stopping.optimum(traces, m) for m in ("align-all", "daca")}
    ax = plots.plot_tau_paths({"pair": data}, published=12).flat[0]
    np.testing.assert_array_equal(drawn(ax, "daca, rate 0.1").get_ydata(), data.paths["daca", 0.1])
    assert drawn(ax, "daca, rate 0.05").get_linestyle() == ":"
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert levels == list(data.optima.values())
    assert ax.get_title(loc="left") == "pair"


def test_an_optimum_that_does_not_exist_has_no_line():
    data = plots.TauPaths({("daca", 0.1): np.array([1.0, 2.0])}, {"daca": np.inf})
    ax = plots.plot_tau_paths({"pair": data}).flat[0]
    assert not [line for line in ax.get_lines() if line.get_linestyle() == "--"]


def test_stops_lie_where_the_table_says(random_traces):
    traces, grid = random_traces(60, 2), np.geomspace(0.5, 8, 5)
    table = early_stopping.stops(traces, rates=[0.05, 0.1], epochs=[400], seeds=[0], draws=20)
    curve = early_stopping.ece_curve(traces, grid, seeds=[0])
    ax = plots.plot_stops({"pair": (grid, curve, table)}).flat[0]
    np.testing.assert_array_equal(ax.get_lines()[0].get_xydata(), np.stack([grid, curve], axis=1))
    exact = table[(table.method == "daca") & (table.epochs == 0)].iloc[0]
    assert drawn(ax, "daca, optimum").get_xydata().tolist() == [[exact.temperature, exact.ece]]
    slow = table[(table.method == "align-all") & (table.rate == 0.05)].iloc[0]
    mark = drawn(ax, "align-all, rate 0.05")
    assert mark.get_xydata().tolist() == [[slow.temperature, slow.ece]]
    assert mark.get_markerfacecolor() == "white"
    assert len(ax.figure.legends[0].get_texts()) == 6


def test_own_temperatures_are_counted_with_those_that_have_none(random_traces):
    traces = random_traces(50, 2)
    data = plots.prepare_own_temperatures(traces)
    agree, own = drift.agreement(traces), align_all.own_temperature(traces)
    assert len(data["agree"]) == agree.sum()
    np.testing.assert_array_equal(data["disagree"], np.sort(own[~agree]))
    ax = plots.plot_own_temperatures({"pair": data}).flat[0]
    for line, regime in zip(ax.get_lines(), ("agree", "disagree"), strict=True):
        at_four = np.argmin(np.abs(line.get_xdata() - 4))
        assert line.get_ydata()[at_four] == np.mean(data[regime] <= line.get_xdata()[at_four])
        assert line.get_color() == style.REGIME[regime]
        assert f"{np.isinf(data[regime]).mean():.1%}" in line.get_label()
