"""Figures beyond the last prompt token: prepared numbers by hand, and that what is drawn is what the tables say."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from dualalign import plots
from dualalign.plots import style
from dualalign.plots.generation import SAMPLED, WIDTHS

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def exact() -> pd.DataFrame:
    """Three questions, the PoLM at three temperatures, and a PLM that no figure may take for it."""
    rows = []
    for model, chosen_by, t in (
        ("PLM", "none", 1),
        ("PoLM", "none", 1),
        ("PoLM", "grid", 2),
        ("PoLM", "dual-align", 4),
    ):
        for i in range(3):
            values = dict.fromkeys(WIDTHS, t * (i + 1) + 100.0 * (model == "PLM"))
            rows.append(
                {"model": model, "chosen_by": chosen_by, "temperature": float(t), "question_id": f"q{i}"} | values
            )
    return pd.DataFrame(rows)


def lines(ax: Axes) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_xydata() for line in ax.lines}


def test_widths_are_means_and_quantiles_of_the_polm():
    table = plots.prepare_widths(exact())
    assert table.index.tolist() == [1, 2, 4]
    assert table["mass"].tolist() == [2, 4, 8]
    assert table.loc[2, ["nucleus_low", "nucleus_high"]].tolist() == pytest.approx([2.4, 5.6])
    assert table["chosen_by"].tolist() == ["none", "grid", "dual-align"]


def test_widths_are_drawn_with_the_chosen_temperature_and_the_uniform_line():
    axes = plots.plot_widths(exact(), 1000)
    assert lines(axes.flat[0])["vocabulary"].tolist() == [[1, 2], [2, 4], [4, 8]]
    assert axes.flat[2].get_yscale() == "log"
    levels = [line.get_ydata()[0] for line in axes.flat[0].lines if len(set(line.get_ydata())) == 1]
    assert np.log(1000) in levels
    for ax in axes.flat:
        chosen = [line.get_xdata()[0] for line in ax.lines if line.get_color() == style.method_colour("dual-align")]
        assert chosen == [4]


def settings() -> pd.DataFrame:
    rows, value = {}, 1.0
    for chosen_by, temperature in (("none", 1.0), ("dual-align", 5.0)):
        for top_p in (1.0, 0.9):
            value += 1
            ends = {
                f"{name}{end}": value + d for name in SAMPLED for end, d in (("", 0), ("_low", -0.5), ("_high", 0.5))
            }
            rows[chosen_by, temperature, top_p] = ends
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["chosen_by", "temperature", "top_p"])


def test_sampled_text_is_drawn_by_way_of_sampling():
    axes = plots.plot_sampled(settings(), {"none": "1", "dual-align": "5"})
    drawn = [ax for ax in axes.flat if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in drawn] == list(SAMPLED.values())
    for ax in drawn:
        assert lines(ax)["top-p 1"][:, 1].tolist() == [2, 4]
        assert lines(ax)["top-p 0.9"][:, 1].tolist() == [3, 5]
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "5"]
        ends = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
        assert ends == [[1.5, 2.5], [3.5, 4.5]]


def places() -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `prepare_offsets` makes of two offsets, and the layers it was made of."""
    figures = ("accuracy", "confidence", "ece", "ece_low", "ece_high", "ece_floor")
    models = [
        {"set": offset, "model": model, "agreement": 0.5 + offset / 10}
        | {name: offset + i / 10 + 5 * (model == "PoLM") for i, name in enumerate(figures)}
        for offset in (0, 1)
        for model in ("PLM", "PoLM")
    ]
    fits = [
        {"reading": f"offset-{o}", "method": m, "seed": s, "temperature": 1.0 + o + s}
        for o in (0, 1)
        for m in ("vanilla", "daca")
        for s in (0, 1, 5)
    ]
    layers = [
        {"reading": reading, "layer": layer, "regime": regime, "divergence": layer + (regime == "agree") * 9 + i}
        for i, reading in enumerate(("offset-0", "offset-1", "mean-offsets"))
        for layer in (1, 2)
        for regime in ("all", "agree")
    ]
    return plots.prepare_offsets(pd.DataFrame(models), pd.DataFrame(fits), pd.DataFrame(layers)), pd.DataFrame(layers)


def test_places_hold_both_models_and_the_median_temperature():
    table = places()[0]
    assert table.index.tolist() == [0, 1]
    assert table["accuracy_PLM"].tolist() == [0, 1]
    assert table["ece_floor_PoLM"].tolist() == [5.5, 6.5]
    assert table["agreement"].tolist() == [0.5, 0.6]
    assert table["divergence"].tolist() == [2, 3]  # of the last layer, over all questions
    assert table["T_daca"].tolist() == [2, 3]
    assert "T_vanilla" not in table


def test_places_are_drawn_with_the_prompts_end_on_the_right():
    table = places()[0]
    axes = plots.plot_offsets(table)
    assert lines(axes.flat[0])["PoLM accuracy"].tolist() == [[0, 5], [1, 6]]
    assert lines(axes.flat[1])["PLM"].tolist() == [[0, 0.2], [1, 1.2]]
    assert lines(axes.flat[2])["divergence (nats)"].tolist() == [[0, 2], [1, 3]]
    assert lines(axes.flat[3])["daca"].tolist() == [[0, 2], [1, 3]]
    for ax in axes.flat:
        left, right = ax.get_xlim()
        assert left > right


def test_the_map_of_layers_runs_towards_the_prompts_end():
    ax = plots.plot_place_layers(places()[1])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "0"]
    mesh = ax.collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(2, 2), [[2, 1], [3, 2]])
