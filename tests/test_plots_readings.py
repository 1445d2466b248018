"""Figures of the open readings: what is drawn is what the tables hold."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dualalign import plots
from dualalign.plots import style

matplotlib.use("Agg")
RNG = np.random.default_rng(0)


pytestmark = pytest.mark.usefixtures("closed")


def effects() -> pd.DataFrame:
    names = ["weight=tv", "weight=hard", "kl=polm-first", "peak=max-rise"]
    value, ratio = np.array([0.03, -0.04, 0.001, 0.0]), np.array([0.8, 1.3, 1.01, 0.99])
    spread = {"low": value - 0.01, "high": value + 0.02, "ratio_low": ratio / 1.1, "ratio_high": ratio * 1.2}
    return pd.DataFrame({"value": value, "ratio": ratio} | spread, index=names)


def test_a_forest_keeps_the_options_of_an_argument_together():
    data = plots.prepare_forest(effects())
    assert np.diff(data.heights).tolist() == [1, 1.5, 1.5]
    assert data.names[0] == "weight = tv"
    with pytest.raises(ValueError, match="effects has no row"):
        plots.prepare_forest(effects().iloc[:0])


def test_a_forest_draws_every_mean_with_its_interval_and_verdict():
    table, words = effects(), ["raises", "lowers", "small", "undecided"]
    axes = plots.plot_forest(plots.prepare_forest(table), words, 0.01).flat
    for ax, name, low, high in ((axes[0], "value", "low", "high"), (axes[1], "ratio", "ratio_low", "ratio_high")):
        drawn = [line.get_xdata() for line in ax.lines if len(line.get_xdata())]
        lines, dots = [x for x in drawn if len(x) == 2][1:], [x for x in drawn if len(x) == 1]
        assert np.array(lines) == pytest.approx(table[[low, high]].to_numpy())
        assert np.ravel(dots) == pytest.approx(table[name].to_numpy())
    labels = axes[0].get_legend_handles_labels()
    assert labels[1] == words
    assert len({(h.get_marker(), h.get_color()) for h in labels[0]}) == 4
    assert axes[0].get_ylim()[0] > axes[0].get_ylim()[1]  # the first row on top
    assert axes[1].get_xscale() == "log"


def test_bars_are_the_shares():
    tables = {
        name: pd.DataFrame(
            {"main": RNG.uniform(0, 0.3, 3), "total": RNG.uniform(0.3, 0.6, 3), "low": 0.2, "high": 0.7},
            index=["S", "weight", "split"],
        )
        for name in ("log T", "ECE")
    }
    axes = plots.plot_factors(tables)
    for ax, table in zip(axes.flat, tables.values(), strict=True):
        widths = [bar.get_width() for bar in ax.patches]
        assert widths == pytest.approx([*table["total"], *table["main"]])
        assert ax.get_xlim() == (0, 1)
    assert [t.get_text() for t in axes.flat[0].get_yticklabels()] == ["S", "weight", "split"]


def test_hindsight_draws_each_choice_of_each_set():
    sets = ["arc-easy", "mmlu"]
    values = {"default": [0.1, 0.12], "spread": [0.01, 0.02], "best": [0.02, 0.03], "worst": [0.3, 0.25]}
    found = pd.DataFrame(values | {"elsewhere": [0.05, 0.04]}, index=sets)
    floor = pd.Series({"mmlu": 0.03, "arc-easy": 0.06})
    ax = plots.plot_hindsight(found, floor)
    by_label = {line.get_label(): line.get_xdata() for line in ax.lines}
    assert by_label["best in hindsight"].tolist() == [0.02, 0.03]
    assert by_label["best on the other sets"].tolist() == [0.05, 0.04]
    assert by_label["noise floor"].tolist() == [0.06, 0.03]  # by name, not by place
    assert [t.get_text() for t in ax.get_yticklabels()] == sets
    ranges = next(c for c in ax.collections if c.get_label() == "all readings")
    assert [segment[:, 0].tolist() for segment in ranges.get_segments()] == [[0.02, 0.3], [0.03, 0.25]]


def test_lenses_draw_the_means_of_each_layer():
    titles = {"options": "K options", "tuned": "Tuned"}
    columns = ["plm_entropy", "polm_entropy", "plm_far", "polm_far"]
    layers = pd.DataFrame(
        [(lens, q, layer, *RNG.uniform(size=4)) for lens in titles for q in "ab" for layer in (1, 2, 3)],
        columns=["lens", "question_id", "layer", *columns],
    )
    axes = plots.plot_lenses(layers, titles)
    assert axes.shape == (2, 2)
    for column, lens in zip(axes.T, titles, strict=True):
        for ax, what in zip(column, ("entropy", "far"), strict=True):
            for line, model in zip(ax.lines, ("plm", "polm"), strict=True):
                wanted = layers[layers.lens == lens].groupby("layer")[f"{model}_{what}"].mean()
                assert line.get_ydata() == pytest.approx(wanted.to_numpy())
    assert [ax.get_title(loc="left") for ax in axes[0]] == list(titles.values())
    assert axes[0, 0].lines[0].get_color() == style.PLM
    units = [[ax.get_ylabel() for ax in row] for row in axes]
    assert units == [["Entropy (nats)", ""], ["KL from the last layer (nats)", ""]]
