"""Figures of the main comparison: what is drawn is what the tables hold."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dualalign import plots
from dualalign.plots import style

matplotlib.use("Agg")
PAIRS, SETS = ["dpo", "sft1"], ["arc-easy", "mmlu", "piqa"]


pytestmark = pytest.mark.usefixtures("closed")


def differences(rivals=("daca", "basecal")) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (rival, pair, "choices", name, rng.uniform(-0.3, 0.3), rng.uniform(0, 0.2))
        for rival in rivals
        for pair in PAIRS
        for name in SETS
    ]
    return pd.DataFrame(rows, columns=["rival", "pair", "style", "set", "value", "p_holm"])


def test_heat_maps_hold_every_difference_in_the_order_asked_for():
    table = differences()
    order = SETS[::-1]
    data = plots.prepare_against(table, ["basecal", "daca"], PAIRS, order)
    assert list(data) == ["basecal", "daca"]
    for row in table.itertuples():
        at = PAIRS.index(row.pair), order.index(row.set)
        assert data[row.rival].value[at] == row.value
        assert data[row.rival].found[at] == (row.p_holm <= 0.05)


def test_cells_say_the_sign_in_print_and_frame_what_was_found():
    table = differences()
    data = plots.prepare_against(table, ["daca", "basecal"], PAIRS, SETS)
    axes = plots.plot_against(data, PAIRS, SETS)
    for ax, found in zip(axes.flat, data.values(), strict=True):
        numbers = [text.get_text() for text in ax.texts]
        assert numbers == [f"{100 * v:+.0f}".replace("-", "−") for v in found.value.ravel()]
        assert [text.get_weight() == "bold" for text in ax.texts] == found.found.ravel().tolist()
        assert len(ax.patches) == found.found.sum() > 0
        low, high = ax.images[0].get_clim()
        assert low == -high  # zero is the middle of the colours
    assert [t.get_text() for t in axes[0, 0].get_yticklabels()] == PAIRS
    assert [t.get_text() for t in axes[0, 1].get_xticklabels()] == SETS


def test_colours_part_the_signs_for_every_kind_of_colour_vision():
    """The two ends differ in blue against yellow, so neither a red nor a green weakness merges them."""
    data = plots.prepare_against(differences(["daca"]), ["daca"], PAIRS, SETS)
    ax = plots.plot_against(data, PAIRS, SETS, columns=1)[0, 0]
    low, high = (np.array(ax.images[0].cmap(x)[:3]) for x in (0.1, 0.9))
    assert low[2] - high[2] > 0.3


def test_numbers_stand_out_from_their_cells():
    """Contrast after WCAG 2: at least 4.5 : 1 for every colour of the map."""
    table = differences(["daca"]).assign(value=[-0.2, -0.15, -0.1, 0.0, 0.12, 0.2])
    data = plots.prepare_against(table, ["daca"], PAIRS, SETS)
    ax = plots.plot_against(data, PAIRS, SETS, columns=1)[0, 0]
    for text, value in zip(ax.texts, data["daca"].value.ravel(), strict=True):
        rgb = np.array(ax.images[0].to_rgba(value)[:3])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light = 0.05 + linear @ [0.2126, 0.7152, 0.0722]
        assert (1.05 / light if text.get_color() == "white" else light / 0.05) >= 4.5


def test_a_missing_cell_stays_empty():
    table = differences(["daca"]).iloc[1:]
    data = plots.prepare_against(table, ["daca"], PAIRS, SETS)
    assert np.isnan(data["daca"].value[0, 0])
    assert not data["daca"].found[0, 0]
    assert len(plots.plot_against(data, PAIRS, SETS)[0, 0].texts) == 5


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="rival 'batch' has no difference; those that have are basecal, daca"):
        plots.prepare_against(differences(), ["batch"], PAIRS, SETS)
    twice = pd.concat([differences(["daca"]), differences(["daca"]).assign(style="cloze")])
    with pytest.raises(ValueError, match="pair 'dpo' stands in two styles"):
        plots.prepare_against(twice, ["daca"], PAIRS, SETS)


def test_gaps_are_drawn_as_mean_and_range():
    rng = np.random.default_rng(1)
    groups = {name: pd.DataFrame(rng.normal(size=(4, 2)), columns=["daca", "vanilla"]) for name in ("holds", "fails")}
    axes = plots.plot_gaps(groups, ["vanilla", "daca"])
    for ax, (name, table) in zip(axes.flat, groups.items(), strict=True):
        assert ax.get_title(loc="left") == f"{name} (4)"
        lines = ax.lines[1:]  # the first is zero
        for height, method in enumerate(["vanilla", "daca"]):
            values = table[method]
            assert lines[2 * height].get_xdata().tolist() == [values.min(), values.max()]
            assert lines[2 * height + 1].get_xydata().tolist() == [[values.mean(), height]]
            assert lines[2 * height + 1].get_color() == style.METHOD[method]
    assert axes.flat[0].get_ylim()[0] > axes.flat[0].get_ylim()[1]  # the first method on top


def test_stages_keep_their_order_and_their_floor():
    stages = ["sft1", "sft1-dpo"]
    values = pd.DataFrame({"daca": [0.2, 0.1], "vanilla": [0.3, 0.5], "floor": [0.02, 0.03]}, index=stages)
    spread = pd.DataFrame({"daca": [0.01, 0.02], "vanilla": [0.03, 0.04]}, index=stages)
    axes = plots.plot_stages({"all": values, "bad": values + 0.4}, {"all": spread, "bad": spread})
    ax = axes.flat[0]
    low, high = ax.get_ylim()
    assert (low, axes.flat[1].get_ylim()) == (0, (low, high))
    assert high > 0.9 + 0.04  # the highest bar of the other panel
    assert [t.get_text() for t in ax.get_xticklabels()] == stages
    bars = {bar.get_label(): bar for bar in ax.containers}
    for method in ("daca", "vanilla"):
        data, _, (length,) = bars[method]
        assert data.get_ydata().tolist() == values[method].tolist()
        ends = np.array([segment[:, 1] for segment in length.get_segments()])
        assert np.diff(ends).ravel() == pytest.approx(2 * spread[method].to_numpy())
    floor = next(line for line in ax.lines if line.get_label() == "noise floor")
    assert floor.get_ydata().tolist() == [0.02, 0.03]
