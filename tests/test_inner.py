"""Temperatures layer by layer: against a grid, and on models whose factor is known."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import make_traces
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

import dualalign as da
from dualalign import inner


def scaled(factors, n=50, k=4, seed=0):
    """Traces whose PoLM is the PLM times one factor a layer."""
    z = np.random.default_rng(seed).normal(0, 1.5, (n, len(factors), k)).astype(np.float32)
    polm = z * np.asarray(factors, np.float32)[None, :, None]
    return da.Traces(z, polm, [-1] * n, [k] * n, tuple(f"q{i}" for i in range(n)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.2, 8), min_size=2, max_size=4))
def test_a_factor_is_found_again(factors):
    assert inner.layer_temperatures(scaled(factors)) == pytest.approx(factors, rel=1e-4)


def test_against_a_grid():
    traces = make_traces(n=30, seed=3)
    found = inner.layer_temperatures(traces)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 4001))
    for layer in range(traces.n_layers):
        z_f, z_g = traces.polm_logits[:, layer].astype(float), traces.plm_logits[:, layer].astype(float)
        target = np.mean([entropy(softmax(row)) for row in z_g])
        gaps = [abs(np.mean(entropy(softmax(z_f / t, axis=1), axis=1)) - target) for t in grid]
        assert found[layer] == pytest.approx(grid[int(np.argmin(gaps))], rel=3e-3)


def test_rows_are_those_chosen():
    traces = make_traces(n=30, seed=4)
    some = np.arange(30) < 10
    assert inner.layer_temperatures(traces, some) == pytest.approx(inner.layer_temperatures(traces.select(some)))
    assert np.isnan(inner.layer_temperatures(traces, np.zeros(30, bool))).all()


def test_no_temperature_makes_a_constant_model_less_certain():
    traces = scaled([1.0, 1.0])
    flat = da.Traces(
        traces.plm_logits, np.zeros_like(traces.polm_logits), traces.labels, traces.n_options, traces.question_ids
    )
    assert np.isnan(inner.layer_temperatures(flat)).all()


def test_one_factor_on_all_layers_is_what_every_view_finds():
    traces = scaled([3.0, 3.0, 3.0, 3.0], n=200)
    process = da.ProcessOnly(weight=0.0)
    views = [traces, inner.last_layer_only(traces), inner.inner_layers_only(traces)]
    assert [process.fit(view).temperature_ for view in views] == pytest.approx([3.0] * 3, rel=1e-3)


def test_another_factor_inside_pulls_the_process_loss_away():
    process, traces = da.ProcessOnly(weight=0.0), scaled([1.0, 8.0, 6.0, 4.0], n=200)  # most peaks are at layer 2
    assert process.fit(inner.last_layer_only(traces)).temperature_ == pytest.approx(4.0, rel=1e-3)
    assert 4.2 < process.fit(traces).temperature_ < 8.0


def test_inner_layers_need_three_layers():
    with pytest.raises(ValueError, match="at least 3"):
        inner.inner_layers_only(scaled([1.0, 1.0]))
