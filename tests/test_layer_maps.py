"""Layer maps: by hand, by brute force, and against SciPy; a map in force changes only what reads inner layers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from conftest import make_traces
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import kendalltau

from dualalign import DACA, DualAlign, ProcessOnly, drift, layer_maps


@pytest.mark.parametrize(
    ("name", "deeper", "shallower"),
    [
        ("relative-depth", [1, 1, 2, 2, 2, 3], [2, 4, 6]),
        ("last-aligned", [1, 1, 1, 1, 2, 3], [4, 5, 6]),
        ("first-aligned", [1, 2, 3, 3, 3, 3], [1, 2, 6]),
        ("final-only", [3, 3, 3, 3, 3, 3], [6, 6, 6]),
    ],
)
def test_maps_by_depth_written_out(name, deeper, shallower):
    assert layer_maps.layer_map(make_traces(3, (3, 6)), name).tolist() == deeper
    assert layer_maps.layer_map(make_traces(3, (6, 3)), name).tolist() == shallower
    if name != "final-only":
        assert layer_maps.layer_map(make_traces(3, 4), name).tolist() == [1, 2, 3, 4]


@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from(layer_maps.MAPS), st.integers(0, 99))
def test_every_map_rises_and_ends_at_the_last_layer(n_plm, n_polm, name, seed):
    layers = layer_maps.layer_map(make_traces(5, (n_plm, n_polm), seed=seed, padded=True), name)
    assert layers.shape == (n_polm,)
    assert layers.min() >= 1
    assert layers[-1] == n_plm
    assert (np.diff(layers) >= 0).all()


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 10_000))
def test_the_nearest_map_is_the_best_of_all_that_rise(n_rows, n_columns, seed):
    cost = np.random.default_rng(seed).integers(0, 4, (n_rows, n_columns)).astype(float)  # with ties
    everything = [(*p, n_columns) for p in combinations_with_replacement(range(1, n_columns + 1), n_rows - 1)]
    totals = {p: sum(cost[row, column - 1] for row, column in enumerate(p)) for p in everything}
    found = tuple(layer_maps.nearest_in_order(cost).tolist())
    assert totals[found] == min(totals.values())


def test_costs_equal_scipys():
    traces = make_traces(12, (3, 4), padded=True)
    divergence, rank = layer_maps.divergence_cost(traces), layer_maps.rank_cost(traces)
    assert divergence.shape == rank.shape == (4, 3)
    for f in range(4):
        for g in range(3):
            pairs = [
                (traces.polm_logits[i, f, :k].astype(float), traces.plm_logits[i, g, :k].astype(float))
                for i, k in enumerate(traces.n_options)
            ]
            js = [jensenshannon(softmax(a), softmax(b)) ** 2 for a, b in pairs]
            assert divergence[f, g] == pytest.approx(np.mean(js), abs=1e-12)
            assert rank[f, g] == pytest.approx(1 - np.mean([kendalltau(a, b).statistic for a, b in pairs]))


def test_a_planted_map_is_found():
    base = make_traces(60, (5, 5))
    planted = np.array([1, 1, 3, 4, 4, 5])
    copied = replace(base, polm_logits=3.0 * base.plm_logits[:, planted - 1])  # as ranks the same, but sharper
    assert layer_maps.layer_map(copied, "nearest-rank").tolist() == planted.tolist()
    same = replace(base, polm_logits=base.plm_logits[:, planted - 1])
    assert layer_maps.layer_map(same, "nearest-divergence").tolist() == planted.tolist()


def test_ranks_do_not_see_a_temperature_and_no_label_enters():
    traces = make_traces(20, (4, 6), padded=True)
    sharper = replace(traces, polm_logits=traces.polm_logits * 4)
    np.testing.assert_array_equal(layer_maps.rank_cost(traces), layer_maps.rank_cost(sharper))
    unlabelled = replace(traces, labels=np.full(len(traces), -1))
    for name in layer_maps.MAPS:
        np.testing.assert_array_equal(layer_maps.layer_map(traces, name), layer_maps.layer_map(unlabelled, name))


def test_the_default_map_in_force_changes_nothing():
    traces = make_traces(50, (4, 6))
    mapped = layer_maps.rematched(traces, layer_maps.layer_map(traces))
    assert mapped.plm_logits.shape == mapped.polm_logits.shape
    np.testing.assert_array_equal(drift.layer_divergence(mapped), drift.layer_divergence(traces))
    for method in (DualAlign, ProcessOnly):
        assert method().fit(mapped).temperature_ == method().fit(traces).temperature_


def test_another_map_reaches_the_inner_layers_and_not_the_answers():
    traces = make_traces(50, (4, 6))
    layers = layer_maps.layer_map(traces, "last-aligned")
    mapped = layer_maps.rematched(traces, layers)
    by_hand = drift.js_divergence(
        drift.log_softmax_options(traces.plm_logits[:, layers - 1]), drift.log_softmax_options(traces.polm_logits)
    )
    np.testing.assert_allclose(drift.layer_divergence(mapped), by_hand, atol=1e-15)
    np.testing.assert_array_equal(mapped.plm_final, traces.plm_final)
    assert DACA().fit(mapped).temperature_ == DACA().fit(traces).temperature_
    assert ProcessOnly().fit(mapped).temperature_ != ProcessOnly().fit(traces).temperature_


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([1, 2, 4], "give 6 whole numbers"),
        ([1.0, 1.0, 2.0, 3.0, 3.0, 4.0], "layers is float64"),
        ([0, 1, 2, 3, 3, 4], "runs from 0 to 4; the PLM has layers 1..4"),
        ([1, 1, 2, 3, 5, 4], "runs from 1 to 5"),
        ([1, 1, 2, 3, 3, 3], "ends with 3; the last must be the PLM's last, 4"),
    ],
)
def test_bad_maps_are_refused(layers, said):
    with pytest.raises(ValueError, match=said):
        layer_maps.rematched(make_traces(5, (4, 6)), np.array(layers))
    with pytest.raises(ValueError, match="name is 'nearest'; allowed are 'relative-depth'"):
        layer_maps.layer_map(make_traces(5, (4, 6)), "nearest")
