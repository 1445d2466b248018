"""Figures: the prepared numbers against loops, what is drawn, and that global settings stay as they were."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dualalign import drift, metrics, plots
from dualalign.plots import style

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def traces(random_traces):
    return random_traces(60, (5, 6), 4, 3, True)


def ax() -> Axes:
    return Figure(layout="constrained").subplots()


def pairs(traces):
    proba = np.exp(drift.log_softmax_options(traces.polm_final))
    return proba.max(axis=1), proba.argmax(axis=1) == traces.labels


def drawings(traces):
    """Every plot of the package, as functions of an axes."""
    reliability = plots.prepare_reliability(*pairs(traces), draws=20)
    peaks = plots.prepare_peaks(traces)
    table = pd.DataFrame({"method": ["vanilla", "daca"], "value": [0.3, 0.1], "low": 0.0, "high": 0.4, "floor": 0.02})
    grid = np.geomspace(0.25, 16, 9)
    return {
        "reliability": lambda a: plots.plot_reliability(reliability, a),
        "floor": lambda a: plots.plot_noise_floor(plots.prepare_noise_floor(pairs(traces)[0], (30, 60), draws=5), a),
        "confidence": lambda a: plots.plot_confidence(plots.prepare_confidence(traces), a),
        "divergence": lambda a: plots.plot_layer_divergence(plots.prepare_layer_divergence(traces), a),
        "peaks": lambda a: plots.plot_peak_layers(peaks, traces.n_layers, a),
        "jumps": lambda a: plots.plot_peak_jumps(peaks, a),
        "beliefs": lambda a: plots.plot_beliefs(plots.prepare_beliefs(traces, 0), a),
        "stability": lambda a: plots.plot_stability(plots.prepare_stability(traces), a),
        "objective": lambda a: plots.plot_objective(plots.prepare_objective(traces, temperatures=grid), a),
        "losses": lambda a: plots.plot_losses(plots.prepare_losses(traces, grid), a),
        "methods": lambda a: plots.plot_methods(plots.prepare_methods(table), a),
    }


def test_every_plot_draws_on_the_axes_it_is_given_and_leaves_global_settings_alone(traces):
    import matplotlib.pyplot as plt

    before, open_figures = dict(matplotlib.rcParams), plt.get_fignums()
    for name, draw in drawings(traces).items():
        given = ax()
        assert draw(given) is given, name
        assert given.has_data(), name
        assert given.get_xlabel(), name
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == open_figures


def test_a_plot_without_axes_makes_its_own():
    import matplotlib.pyplot as plt

    drawn = plots.plot_reliability(plots.prepare_reliability([0.0, 1.0, 0.5], [False, True, True], draws=5))
    assert drawn.figure in map(plt.figure, plt.get_fignums())
    plt.close(drawn.figure)


def test_reliability_shows_the_bins_of_the_metric(traces):
    confidence, correct = pairs(traces)
    data = plots.prepare_reliability(confidence, correct, draws=50)
    gaps = (data.bins["confidence"] - data.bins["accuracy"]).abs() * data.bins["count"]
    assert gaps.sum() / len(confidence) == pytest.approx(data.ece, abs=1e-12)
    assert data.floor == metrics.ece_floor(confidence, draws=50)
    drawn = plots.plot_reliability(data, ax())
    shown = drawn.containers[0].lines[0].get_xydata()
    full = data.bins[data.bins["count"] > 0]
    np.testing.assert_array_equal(shown[~np.isnan(shown).any(axis=1)], full[["confidence", "accuracy"]])
    assert f"{data.ece:.3f}" in drawn.get_legend().get_texts()[0].get_text()
    assert f"noise floor {data.floor:.3f}" in drawn.get_legend().get_texts()[0].get_text()


def test_pair_shares_its_height_and_keeps_order(traces):
    data = plots.prepare_reliability(*pairs(traces), draws=5)
    figure = Figure()
    left, right = plots.plot_reliability_pair(data, data, figure.subplots(1, 2), titles=("one", "two"))
    assert [a.get_title(loc="left") for a in (left, right)] == ["one", "two"]


def test_noise_floor_falls_with_the_number_of_questions():
    table = plots.prepare_noise_floor(np.linspace(0.3, 0.95, 200), (50, 5000), draws=40)
    assert table["mean"][1] < table["mean"][0] / 5
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()


def test_layer_divergence_by_agreement_against_a_loop(traces):
    table, divergence = plots.prepare_layer_divergence(traces), drift.layer_divergence(traces)
    agree = drift.agreement(traces)
    for row in table.itertuples():
        values = divergence[agree if row.regime == "agree" else ~agree, row.layer - 1]
        assert row.n == len(values)
        assert [row.low, row.median, row.high] == pytest.approx(np.percentile(values, [25, 50, 75]))


def test_peaks_against_a_loop(traces):
    divergence = drift.layer_divergence(traces)
    for row, path in zip(plots.prepare_peaks(traces).itertuples(), divergence, strict=True):
        jumps = np.abs(np.diff(path))
        assert (row.layer, row.jump) == (int(np.argmax(jumps)) + 2, pytest.approx(jumps.max()))
        assert row.final == path[-1]


def test_peak_bars_add_up_to_one_per_regime(traces):
    drawn = plots.plot_peak_layers(plots.prepare_peaks(traces), traces.n_layers, ax())
    assert [sum(bar.get_height() for bar in bars) for bars in drawn.containers] == pytest.approx([1, 1])


def test_beliefs_add_up_at_every_layer_and_leave_out_padding(traces):
    short = int(np.argmin(traces.n_options))
    table = plots.prepare_beliefs(traces, short)
    assert table["option"].max() + 1 == traces.n_options[short]
    assert table.groupby(["model", "layer"])["probability"].sum().to_numpy() == pytest.approx(1)
    with pytest.raises(ValueError, match="index is 60, but the traces hold 60 questions"):
        plots.prepare_beliefs(traces, 60)


def test_strips_have_one_option_each_and_both_models_in_other_dashes_and_markers(traces):
    import matplotlib.pyplot as plt

    table = plots.prepare_beliefs(traces, 0)
    axes = plots.plot_belief_strips(table, right=1)
    assert [ax.get_title("left") for ax in axes.flat] == ["A", "B (right)", "C", "D"][: traces.n_options[0]]
    for option, ax in enumerate(axes.flat):
        plm, polm = ax.lines
        assert plm.get_linestyle() != polm.get_linestyle()
        assert plm.get_marker() != polm.get_marker()
        rows = table[(table["option"] == option) & (table["model"] == "PoLM")]
        np.testing.assert_array_equal(polm.get_ydata(), rows["probability"])
    plt.close(axes.flat[0].figure)


def test_stability_gap_is_confidence_minus_correctness(traces):
    data = plots.prepare_stability(traces, bins=5)
    confidence, correct = pairs(traces)
    np.testing.assert_allclose(data.gap, confidence - correct)
    assert np.average(data.bin_gap) == pytest.approx(data.gap.mean())  # 60 questions: five bins of 12
    assert (np.diff(data.bin_entropy) > 0).all()


def test_stability_needs_labels(traces):
    from dataclasses import replace

    with pytest.raises(ValueError, match="0 known labels"):
        plots.prepare_stability(replace(traces, labels=np.full(len(traces), -1)))


def test_objective_has_its_lowest_point_where_it_is_marked(traces):
    curves = plots.prepare_objective(traces)
    temperature, value = curves.optima["total"]
    assert value <= curves.table["total"].min()
    near = curves.table["temperature"][curves.table["total"].idxmin()]
    assert abs(np.log(near / temperature)) < 0.05
    np.testing.assert_allclose(curves.table["total"], curves.table["confidence"] + curves.table["process"])


def test_losses_against_a_loop(traces):
    curves = plots.prepare_losses(traces, np.array([0.5, 1.0, 3.0]))
    log_g, agree = drift.log_softmax_options(traces.plm_final), drift.agreement(traces)
    for row in curves.table.itertuples(index=False):
        log_q = drift.log_softmax_options(traces.polm_final, row.temperature)
        kl = np.array([(np.exp(g[m]) * (g[m] - q[m])).sum() for g, q, m in zip(log_g, log_q, traces.mask, strict=True)])
        assert [row[1], row[2]] == pytest.approx([kl.mean(), kl[agree].mean()], rel=1e-9)


def test_no_finite_optimum_is_said_instead_of_drawn(traces):
    curves = plots.prepare_objective(traces)
    curves.optima["total"] = (np.inf, 1.0)
    drawn = plots.plot_objective(curves, ax())
    assert "dual-align: no finite optimum" in [text.get_text() for text in drawn.get_legend().get_texts()]


def test_methods_table_is_checked_and_sorted():
    table = pd.DataFrame({"method": ["a", "b"], "value": [0.2, 0.1], "low": 0.0, "high": 0.3, "floor": np.nan})
    assert list(plots.prepare_methods(table)["method"]) == ["b", "a"]
    assert plots.plot_methods(plots.prepare_methods(table), ax()).get_legend() is None
    with pytest.raises(ValueError, match="lacks the column 'floor'"):
        plots.prepare_methods(table.drop(columns="floor"))
    with pytest.raises(ValueError, match="'a' twice"):
        plots.prepare_methods(table.assign(method="a"))


def luminance(colour: str) -> float:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
def test_every_colour_stands_out_from_light_and_dark_pages(ground):
    colours = {*style.METHOD.values(), *style.OPTIONS, *style.REGIME.values(), *style.MODEL.values(), style.QUIET}
    assert {c: round(contrast(c, ground), 2) for c in colours if contrast(c, ground) < 3} == {}


def test_paired_series_differ_in_more_than_colour():
    for one, other in (("PLM", "PoLM"), ("agree", "disagree")):
        assert style.DASH[one] != style.DASH[other]
        assert style.MARKER[one] != style.MARKER[other]
