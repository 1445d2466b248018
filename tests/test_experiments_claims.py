"""Claim 3's effect: a correlation that is zero for a calibrated model, and negative where decided models overdo it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dualalign import drift, metrics
from dualalign.experiments import claims


@given(st.integers(0, 10_000), st.integers(3, 60))
def test_correlation_is_numpys(seed, n):
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    assert np.isclose(claims.correlation(a, b), np.corrcoef(a, b)[0, 1])


def test_correlation_of_a_constant_is_nothing():
    assert np.isnan(claims.correlation(np.ones(5), np.arange(5.0)))


def answered(traces, chance):
    """Label the PoLM's answer right with the given chances; else another option."""
    answer = traces.polm_final.argmax(axis=1)
    right = np.random.default_rng(1).random(len(traces)) < chance
    return replace(traces, labels=np.where(right, answer, (answer + 1) % traces.n_options))


def test_a_calibrated_model_shows_none_and_an_overconfident_one_does(random_traces):
    traces = random_traces(3000)
    confidence, _ = metrics.top_label(np.exp(drift.log_softmax_options(traces.polm_final)), traces.labels)
    calibrated = claims.stability_against_overconfidence(answered(traces, confidence), draws=200)
    assert calibrated.low < 0 < calibrated.high
    blind = claims.stability_against_overconfidence(answered(traces, np.full(len(traces), 0.4)), draws=200)
    assert blind.high < 0
