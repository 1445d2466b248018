"""Divergence, peak layer and stability entropy against loops over scipy's definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from dualalign import Traces, drift

LOGITS = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-800, 800))


def real(traces: Traces, side: str, row: int, layer: int) -> np.ndarray:
    """Logits of the options that a row has, of a 1-based layer."""
    return getattr(traces, f"{side}_logits")[row, layer - 1, : traces.n_options[row]].astype(np.float64)


@pytest.mark.parametrize("depths", [(5, 5), (3, 7), (9, 4)])
@pytest.mark.parametrize("base", ["e", "2"])
def test_layer_divergence_is_the_squared_jensen_shannon_distance(random_traces, depths, base):
    traces = random_traces(12, depths, 5, padded=True)
    found = drift.layer_divergence(traces, base=base)
    for row in range(12):
        for layer in range(1, depths[1] + 1):
            matched = max(1, round(layer * depths[0] / depths[1]))
            p, q = softmax(real(traces, "plm", row, matched)), softmax(real(traces, "polm", row, layer))
            expected = jensenshannon(p, q, base=np.e if base == "e" else 2) ** 2
            assert found[row, layer - 1] == pytest.approx(expected, abs=1e-9)
    assert drift.final_divergence(traces) == pytest.approx(drift.layer_divergence(traces)[:, -1], abs=1e-12)


@given(LOGITS, st.data())
@settings(deadline=None, max_examples=60)
def test_divergence_is_bounded_and_symmetric_and_padding_counts_nowhere(z, data):
    other = data.draw(arrays(np.float64, z.shape, elements=st.floats(-800, 800)))
    log_p, log_q = drift.log_softmax_options(z), drift.log_softmax_options(other)
    divergence = drift.js_divergence(log_p, log_q)
    assert (divergence >= 0).all()
    assert (divergence <= np.log(2)).all()
    assert drift.js_divergence(log_q, log_p) == pytest.approx(divergence, abs=1e-12)
    assert (drift.js_divergence(log_p, log_p) == 0).all()
    padded = [drift.log_softmax_options(np.pad(a, ((0, 0), (0, 2)), constant_values=-np.inf)) for a in (z, other)]
    assert drift.js_divergence(*padded) == pytest.approx(divergence, abs=1e-12)


def test_divergence_at_the_edges():
    certain, opposite = np.log(np.array([1.0, 1e-320])), np.array([-np.inf, 0.0])
    assert drift.js_divergence(certain, opposite) == pytest.approx(np.log(2), abs=1e-12)
    assert drift.js_divergence(opposite, np.log([0.5, 0.5])) == pytest.approx(
        jensenshannon([0, 1], [0.5, 0.5]) ** 2, abs=1e-12
    )


@given(LOGITS, st.floats(1e-2, 1e2))
@settings(deadline=None, max_examples=60)
def test_log_softmax_and_entropy_are_scipys(z, temperature):
    found = drift.log_softmax_options(z, temperature)
    np.testing.assert_allclose(found, log_softmax(z / temperature, axis=1), rtol=1e-9, atol=1e-9)
    expected = entropy(softmax(z / temperature, axis=1), axis=1)
    np.testing.assert_allclose(drift.entropy(z, temperature), expected, atol=1e-9)


def test_an_infinite_temperature_is_uniform_over_real_options():
    log_p = drift.log_softmax_options(np.array([[3.0, -1.0, -np.inf]]), np.inf)
    assert np.exp(log_p).tolist() == [[0.5, 0.5, 0.0]]
    for temperature in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="temperature is"):
            drift.log_softmax_options(np.zeros(2), temperature)


def test_layers_of_unequal_depth_are_matched_as_written():
    for n_plm, n_polm in [(4, 4), (3, 10), (10, 3), (1, 5), (26, 18)]:
        expected = [max(1, round(layer * n_plm / n_polm)) for layer in range(1, n_polm + 1)]
        assert drift.match_layers(n_plm, n_polm).tolist() == expected
        assert expected[-1] == n_plm


def test_peak_layer_rules_on_a_known_path():
    divergence = np.array([[0.1, 0.5, 0.1, 0.4, 0.6], [0.6, 0.1, 0.4, 0.3, 0.5], [0.2, 0.2, 0.2, 0.2, 0.2]])
    assert drift.peak_layer(divergence).tolist() == [2, 2, 2]  # ties: the first
    assert drift.peak_layer(divergence, "max-rise").tolist() == [2, 3, 2]
    assert drift.peak_layer(divergence, "max-divergence").tolist() == [5, 1, 1]


def test_peak_layer_of_traces_is_the_largest_jump(random_traces):
    traces = random_traces(30, 7, padded=True)
    jumps = np.abs(np.diff(drift.layer_divergence(traces), axis=1))
    assert (drift.peak_layer(traces) == jumps.argmax(axis=1) + 2).all()
    assert drift.peak_layer(traces).min() >= 2


def stability_by_loop(traces, row, peak, temperature, aggregate, tempered) -> float:
    last = traces.n_layers
    rows = [
        softmax(real(traces, "polm", row, layer) / (temperature if tempered == "all" or layer == last else 1.0))
        for layer in range(peak, last + 1)
    ]
    if aggregate == "entropy-mean":
        return entropy(np.mean(rows, axis=0))
    return (np.mean if aggregate == "mean-entropy" else np.sum)([entropy(p) for p in rows])


@pytest.mark.parametrize("aggregate", drift.AGGREGATES)
@pytest.mark.parametrize("tempered", drift.TEMPERED)
@pytest.mark.parametrize("temperature", [0.05, 1.0, 7.0])
def test_stability_entropy_is_its_definition(random_traces, aggregate, tempered, temperature):
    traces = random_traces(10, 6, 5, padded=True)
    peaks = np.arange(10) % 6 + 1
    found = drift.stability_entropy(traces.polm_logits, peaks, temperature, aggregate, tempered)
    expected = [stability_by_loop(traces, i, peaks[i], temperature, aggregate, tempered) for i in range(10)]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_agreement_and_regimes(random_traces):
    traces = random_traces(50, padded=True)
    same = [real(traces, "plm", i, 6).argmax() == real(traces, "polm", i, 6).argmax() for i in range(50)]
    assert drift.agreement(traces).tolist() == same
    assert (drift.regimes(traces) == "confidence-drift").tolist() == same
    assert set(drift.regimes(traces)) == {"confidence-drift", "process-drift"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: drift.layer_divergence(t, base="10"), "base is '10'; allowed are 'e', '2'"),
        (lambda t: drift.peak_layer(t, "first"), "rule is 'first'; allowed are 'max-jump'"),
        (lambda t: drift.stability_entropy(t.polm_logits, np.ones(4), aggregate="mean"), "aggregate is 'mean'"),
        (lambda t: drift.stability_entropy(t.polm_logits, np.ones(4), tempered="first"), "tempered is 'first'"),
        (lambda t: drift.stability_entropy(t.polm_logits, np.zeros(4)), "peak_layer runs from 0"),
        (lambda t: drift.peak_layer(np.zeros((3, 1))), "needs at least 2"),
    ],
)
def test_unknown_options_are_named(random_traces, call, words):
    with pytest.raises(ValueError, match=words):
        call(random_traces(4, 3))


def test_a_temperature_of_one_is_where_nobody_gives_one(random_traces):
    traces, peaks = random_traces(6, 4), np.array([1, 2, 3, 4, 1, 2])
    z = traces.polm_logits
    np.testing.assert_allclose(drift.entropy(z), entropy(softmax(z.astype(np.float64), axis=-1), axis=-1), atol=1e-12)
    expected = [stability_by_loop(traces, i, peaks[i], 1.0, "mean-entropy", "all") for i in range(6)]
    np.testing.assert_allclose(drift.stability_entropy(z, peaks), expected, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 3.0])
def test_log_softmax_at_whole_temperatures_with_padding(temperature):
    z = np.array([[3.0, -1.0, 0.5, -np.inf], [0.0, -np.inf, -np.inf, -2.0]])
    np.testing.assert_allclose(drift.log_softmax_options(z, temperature), log_softmax(z / temperature, axis=1))


def test_options_first_puts_each_rows_largest_option_at_zero():
    z = np.array([[[3.0, -1.0, -np.inf], [10.0, 12.0, 11.0]], [[-5.0, -5.0, -7.0], [-1.0, -np.inf, -np.inf]]])
    found = drift.options_first(z)
    assert found.shape == (3, 2, 2)
    assert found.dtype == np.float64
    expected = [[[0, -4, drift.FLOOR], [-2, 0, -1]], [[0, 0, -2], [0, drift.FLOOR, drift.FLOOR]]]
    assert np.moveaxis(found, 0, -1).tolist() == expected


@pytest.mark.parametrize(("rows_at_a_time", "questions"), [(9, 3), (6, 2), (4, 1), (2, 1)])
def test_layer_divergence_holds_few_rows_at_a_time_and_does_each_once(
    random_traces, monkeypatch, rows_at_a_time, questions
):
    traces, held = random_traces(13, 3, padded=True), []
    whole, plain = drift.layer_divergence(traces), drift.log_softmax_first
    monkeypatch.setattr(drift, "_CHUNK_ROWS", rows_at_a_time)
    monkeypatch.setattr(drift, "log_softmax_first", lambda z: held.append(len(z)) or plain(z))
    assert (drift.layer_divergence(traces) == whole).all()
    assert max(held) == questions
    assert sum(held) == 2 * len(traces)  # both models


def test_two_layers_have_one_jump():
    assert drift.peak_layer(np.array([[0.1, 0.3], [0.4, 0.2]])).tolist() == [2, 2]


@pytest.mark.parametrize("aggregate", drift.AGGREGATES)
def test_padding_and_options_without_probability_give_no_warning(aggregate):
    z = np.array([[[0.0, 1.0, -np.inf], [2.0, -2000.0, -np.inf]]])
    with np.errstate(divide="raise", invalid="raise"):
        assert drift.stability_entropy(z, np.array([2]), aggregate=aggregate).tolist() == [0.0]


def test_divergence_of_models_within_rounding_is_not_negative():
    z = np.random.default_rng(0).normal(size=(200, 4))
    near = drift.log_softmax_options(z + 1e-8 * np.random.default_rng(1).normal(size=z.shape))
    assert drift.js_divergence(drift.log_softmax_options(z), near).min() >= 0
