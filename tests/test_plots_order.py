"""Figures of orders, wordings and styles: what is drawn is what the tables say."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dualalign import plots
from dualalign.plots import style

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def places() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"model": np.repeat(["plm", "polm"], 3), "place": [1, 2, 3] * 2})
    for name in ("chosen", "right"):
        value = rng.uniform(0.2, 0.6, 6)
        table = table.assign(**{name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.1})
    return table


def errors() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        (method, source, target, seed, rng.uniform(0.5, 9), rng.uniform(0.02, 0.2), 0.03)
        for method in ("daca", "dual-align")
        for source in "xyz"
        for target in "xyz"
        for seed in range(4)
    ]
    return pd.DataFrame(rows, columns=["method", "source", "target", "seed", "temperature", "ece", "floor"])


def test_places_draw_every_share_and_its_interval():
    table = places()
    axes = plots.plot_places(table)
    for ax, name in zip(axes, ("chosen", "right"), strict=True):
        for line, (_, rows) in zip(ax.lines[:2], table.groupby("model"), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), rows[name])
            np.testing.assert_allclose(line.get_xdata(), rows["place"], atol=0.2)
        for bars, (_, rows) in zip(ax.collections, table.groupby("model"), strict=True):
            ends = np.array([segment[:, 1] for segment in bars.get_segments()])
            np.testing.assert_allclose(ends, rows[[f"{name}_low", f"{name}_high"]])
    assert axes[0].lines[2].get_ydata()[0] == pytest.approx(1 / 3)
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["PLM", "PoLM"]
    given = Figure().subplots(1, 2)
    assert plots.plot_places(table, given) is given


@pytest.mark.parametrize("quantity", ["temperature", "ece"])
def test_variants_are_spread_both_ways(quantity):
    table = errors()
    found = plots.prepare_variants(table, quantity)
    for method, row in found.iterrows():
        own = table[(table.method == method) & (table.source == table.target)]
        within_split = [own[own.seed == s][quantity].std() for s in range(4)]
        within_variant = [own[own.source == v][quantity].std() for v in "xyz"]
        assert row["mean"] == pytest.approx(own[quantity].mean())
        assert row.variants == pytest.approx(np.sqrt(np.mean(np.square(within_split))))
        assert row.splits == pytest.approx(np.sqrt(np.mean(np.square(within_variant))))
        assert row.floor == pytest.approx(0.03)


def test_variants_draw_a_mark_each():
    table = errors()
    axes = plots.plot_variants(table, ["dual-align", "daca"])
    own = table[table.source == table.target]
    for ax, quantity in zip(axes, ("temperature", "ece"), strict=True):
        marks = [line for line in ax.lines if line.get_marker() == "o"]
        for height, (line, method) in enumerate(zip(marks, ["dual-align", "daca"], strict=True)):
            rows = own[own.method == method]
            expected = [rows[rows.source == v][quantity].mean() for v in "xyz"]
            np.testing.assert_allclose(line.get_xdata(), expected)
            assert set(line.get_ydata()) == {height}
            assert line.get_color() == style.method_colour(method)
            (reach,) = ax.collections[height].get_segments()
            np.testing.assert_allclose(reach[:, 0], [rows[quantity].min(), rows[quantity].max()])
    assert [tick.get_text() for tick in axes[0].get_yticklabels()] == ["dual-align", "daca"]
    assert axes[0].get_xscale() == "log"


def test_carried_cells_hold_their_means():
    table = errors()
    grid = plots.prepare_carried(table, "daca")
    assert grid.loc["x", "z"] == pytest.approx(
        table[(table.method == "daca") & (table.source == "x") & (table.target == "z")].ece.mean()
    )
    axes = plots.plot_carried({"daca": grid, "dual-align": plots.prepare_carried(table, "dual-align")})
    cells = {text.get_position(): text.get_text() for text in axes[0].texts}
    assert cells == {(j, i): f"{grid.iloc[i, j]:.3f}"[1:] for i in range(3) for j in range(3)}
    limits = {ax.images[0].get_clim() for ax in axes}
    assert len(limits) == 1  # one scale of colour


def test_styles_draw_every_method_and_the_floor():
    rng = np.random.default_rng(2)
    index = pd.MultiIndex.from_product([["one", "two"], ["a", "b", "c"], ["daca", "vanilla"]])
    table = index.to_frame(index=False, name=["style", "set", "method"])
    table = table.assign(ece=rng.uniform(size=12), floor=rng.uniform(size=12))
    axes = plots.plot_styles(table, ["vanilla", "daca"])
    for ax, name in zip(axes, ("one", "two"), strict=True):
        rows = table[table["style"] == name].set_index(["method", "set"])
        assert ax.get_title(loc="left") == name
        for line, (method, column) in zip(
            ax.lines, [("vanilla", "ece"), ("daca", "ece"), ("daca", "floor")], strict=True
        ):
            np.testing.assert_array_equal(line.get_xdata(), rows.loc[method, column].loc[["a", "b", "c"]])
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["vanilla", "daca"]
