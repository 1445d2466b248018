"""What must hold whatever the traces: invariances of the temperature, and accuracy that no temperature touches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import make_traces
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dualalign as da

SCALAR = (da.AlignAll, da.DACA, da.ConfidenceOnly, da.ProcessOnly, da.DualAlign, da.Agreement, da.TemperatureScaling)
seeds = st.integers(0, 2**31)
method = st.sampled_from(SCALAR)
few = settings(deadline=None, max_examples=25)


def rebuilt(traces: da.Traces, plm: np.ndarray, polm: np.ndarray, **changes) -> da.Traces:
    fields = {"labels": traces.labels, "n_options": traces.n_options, "question_ids": traces.question_ids} | changes
    return da.Traces(plm, polm, **fields)


def same_fit(method, a: da.Traces, b: da.Traces, factor: float = 1.0) -> None:
    if method is da.DACA and not da.drift.agreement(a).any():
        with pytest.raises(ValueError, match="needs one"):
            method().fit(b)
        return
    first = method().fit(a)
    second = method().fit(b)
    if first.temperature_ in (0.01, 100) and factor != 1:  # the true optimum lies beyond; scaling may bring it in
        assert first.reason_
        return
    if 0.01 < first.temperature_ * factor < 100:  # rounding decides in which bit the slope changes sign
        assert second.temperature_ == pytest.approx(first.temperature_ * factor, rel=1e-6)
    else:
        assert second.reason_


@given(method, seeds)
@few
def test_the_order_of_questions_and_options_does_not_matter(method, seed):
    traces = make_traces(15, 4, 4, seed)
    rng = np.random.default_rng(seed)
    rows, options = rng.permutation(15), rng.permutation(4)
    moved = traces.select(rows)
    labels = np.argsort(options)[moved.labels]
    same_fit(
        method, traces, rebuilt(moved, moved.plm_logits[:, :, options], moved.polm_logits[:, :, options], labels=labels)
    )


@given(method, seeds)
@few
def test_padding_changes_nothing(method, seed):
    traces = make_traces(15, 4, 4, seed, padded=True)
    wide = [
        np.pad(z, ((0, 0), (0, 0), (0, 3)), constant_values=-np.inf) for z in (traces.plm_logits, traces.polm_logits)
    ]
    padded = rebuilt(traces, *wide)
    same_fit(method, traces, padded)
    calibrator = da.AlignAll().fit(traces)
    np.testing.assert_allclose(calibrator.predict_proba(padded)[:, :4], calibrator.predict_proba(traces), atol=1e-15)
    assert (calibrator.predict_proba(padded)[:, 4:] == 0).all()


@given(
    st.sampled_from([da.AlignAll, da.DACA, da.TemperatureScaling, da.Agreement]),
    seeds,
    st.sampled_from([0.25, 2.0, 8.0]),
)
@few
def test_scaling_the_logits_of_f_scales_the_temperature(method, seed, factor):
    traces = make_traces(15, 4, 4, seed)
    scaled = rebuilt(traces, traces.plm_logits, traces.polm_logits * np.float32(factor))
    same_fit(method, traces, scaled, factor)


@given(method, seeds)
@few
def test_adding_a_constant_to_a_layer_changes_nothing(method, seed):
    traces = make_traces(15, 4, 4, seed)
    whole = [np.round(z * 64) / 64 for z in (traces.plm_logits, traces.polm_logits)]  # so that float32 adds exactly
    shift = np.random.default_rng(seed).integers(-50, 50, (2, 15, 4, 1)).astype(np.float32)
    same_fit(method, rebuilt(traces, *whole), rebuilt(traces, whole[0] + shift[0], whole[1] + shift[1]))


@given(method, seeds, st.sampled_from([0.01, 1.0, 300.0]))
@few
def test_accuracy_never_changes_and_probabilities_are_probabilities(method, seed, scale):
    traces = make_traces(15, 4, 4, seed, padded=True, scale=scale)
    assume(method is not da.DACA or da.drift.agreement(traces).any())
    calibrator = method().fit(traces)
    proba = calibrator.predict_proba(traces)
    assert calibrator.temperature_ > 0
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert (proba[~traces.mask] == 0).all()
    assert (calibrator.prediction(traces) == traces.polm_final.argmax(axis=1)).all()
    if math.isfinite(calibrator.temperature_):
        assert (proba.argmax(axis=1) == traces.polm_final.argmax(axis=1)).all()
    assert (calibrator.confidence(traces) == proba.max(axis=1)).all()


@given(seeds)
@few
def test_a_fit_does_not_touch_traces_and_repeats_itself(seed):
    traces = make_traces(15, 4, 4, seed, padded=True)
    before = traces.polm_logits.copy(), traces.plm_logits.copy()
    first, second = da.DualAlign().fit(traces), da.DualAlign().fit(traces)
    assert (first.temperature_, first.objective_) == (second.temperature_, second.objective_)
    assert np.array_equal(before[0], traces.polm_logits)
    assert np.array_equal(before[1], traces.plm_logits)


def test_ties_keep_the_first_option():
    z = np.zeros((3, 2, 3), dtype=np.float32)
    z[:, :, 1:] = 1.0
    traces = da.Traces(z, z, np.full(3, 1), np.full(3, 3), ("a", "b", "c"))
    calibrator = da.DualAlign().fit(traces)
    assert (calibrator.prediction(traces) == 1).all()
    assert (calibrator.predict_proba(traces).argmax(axis=1) == 1).all()
