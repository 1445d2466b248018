"""Figures of few questions: what is drawn is what the tables hold."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dualalign import plots

matplotlib.use("Agg")
SETS = ("arc-easy", "mmlu")
METHODS = ["dual-align", "daca", "temperature-scaling"]


pytestmark = pytest.mark.usefixtures("closed")


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    rows = [
        {"pair": "sft4", "set": s, "method": m, "n": n, "seed": i, "floor": 0.03, "ece": rng.uniform(0.05, 0.2)}
        | {"temperature": 3 + rng.uniform()}
        for s in SETS
        for m in METHODS
        for n in (10, 100, 400)
        for i in range(9 if n < 400 else 1)
    ]
    return pd.DataFrame(rows)


def line(ax, name):
    return next(one for one in ax.lines if one.get_label() == name)


def test_lines_are_medians_and_bands_quartiles_of_the_draws(found):
    data = plots.prepare_draws(found, "sft4", "ece")
    axes = plots.plot_draws(data, METHODS, "ece")
    for ax, name in zip(axes.flat, SETS, strict=False):
        assert ax.get_title(loc="left") == f"{name} (400)"
        for method, band in zip(METHODS, ax.collections, strict=True):
            groups = found[(found["set"] == name) & (found["method"] == method)].groupby("n")["ece"]
            assert line(ax, method).get_ydata() == pytest.approx(groups.median().to_numpy())
            drawn = band.get_paths()[0].vertices
            inside = drawn[drawn[:, 0] == 10][:, 1]
            assert inside.min() == pytest.approx(groups.quantile(0.25).iloc[0])
            assert inside.max() == pytest.approx(groups.quantile(0.75).iloc[0])
        best = found[(found["set"] == name) & (found["method"] == METHODS[-1]) & (found["n"] == 400)]
        assert set(line(ax, "oracle, all").get_ydata()) == {best["ece"].item()}
        assert set(line(ax, "noise floor").get_ydata()) == {0.03}
    assert axes[0, 0].get_ylim()[0] == 0


def test_an_infinite_temperature_is_a_draw_like_others_and_drawn_at_the_edge(found):
    chosen = (found["method"] == "daca") & (found["n"] == 10) & (found["seed"] < 6)
    found.loc[chosen, "temperature"] = math.inf
    data = plots.prepare_draws(found, "sft4", "temperature")
    one = data[(data["set"] == "mmlu") & (data["method"] == "daca") & (data["n"] == 10)].iloc[0]
    assert one["median"] == one["high"] == math.inf
    assert 3 < one["low"] < 4
    ax = plots.plot_draws(data, METHODS, "temperature").flat[0]
    assert line(ax, "daca").get_ydata()[0] == 30
    assert ax.get_ylim()[1] > 30
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "30+"


def test_a_refused_draw_has_no_temperature(found):
    chosen = (found["method"] == "daca") & (found["n"] == 10) & (found["seed"] < 8)
    found.loc[chosen, ["temperature", "ece"]] = math.nan
    data = plots.prepare_draws(found, "sft4", "ece")
    one = data[(data["set"] == "mmlu") & (data["method"] == "daca") & (data["n"] == 10)].iloc[0]
    assert one["low"] == one["median"] == one["high"]


def test_bad_draws_are_refused(found):
    with pytest.raises(ValueError, match="pair 'dpo' has no draws; those that have are sft4"):
        plots.prepare_draws(found, "dpo", "ece")
    with pytest.raises(ValueError, match="quantity is 'nll'; give one of temperature, ece"):
        plots.prepare_draws(found, "sft4", "nll")


def test_shares_and_costs_with_their_intervals():
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([METHODS, [10, 20]], names=["method", "n"])
    near, cost = (
        pd.DataFrame({"value": v, "low": v - 0.02, "high": v + 0.03}, index) for v in rng.uniform(0.1, 0.9, (2, 6))
    )
    axes = plots.plot_few(near, cost, METHODS)
    for ax, table in zip(axes, (near, cost), strict=True):
        assert len(ax.containers) == len(METHODS)
        for bar in ax.containers:
            data, _, (whisker,) = bar
            rows = table.loc[bar.get_label()]
            assert data.get_ydata().tolist() == rows["value"].tolist()
            ends = np.array([segment[:, 1] for segment in whisker.get_segments()])
            assert ends == pytest.approx(rows[["low", "high"]].to_numpy())
        assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "20"]
    places = [bar[0].get_xdata()[0] for bar in axes[0].containers]
    assert len(set(places)) == len(METHODS)
    assert np.mean(places) == pytest.approx(0)
