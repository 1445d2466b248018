"""Exact losses and calibration errors of the controlled world, against definitions, solvers and draws of labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from dualalign import Traces, metrics
from dualalign.lab.world import measure


def logits(seed: int, n: int = 60, k: int = 4, scale: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, (n, k))


def beliefs(seed: int, n: int = 60, k: int = 4) -> np.ndarray:
    return np.random.default_rng(seed + 1000).dirichlet(np.full(k, 0.6), n)


# -- Log loss ------------------------------------------------------------------------------------------------------


def test_exact_loss_against_a_loop():
    log_p, pi = log_softmax(logits(0), axis=1), beliefs(0)
    total = sum(-pi[i, a] * log_p[i, a] for i in range(60) for a in range(4))
    assert measure.exact_loss(log_p, pi) == pytest.approx(total / 60, rel=1e-12)


def test_exact_loss_is_what_drawn_labels_cost_on_average():
    rng, log_p, pi = np.random.default_rng(1), log_softmax(logits(1), axis=1), beliefs(1)
    labels = (rng.random((4000, 60, 1)) > pi.cumsum(axis=1)).sum(axis=2).clip(max=3)
    costs = -log_p[np.arange(60), labels].mean(axis=1)
    assert abs(costs.mean() - measure.exact_loss(log_p, pi)) < 4 * costs.std() / math.sqrt(4000)


def test_exact_loss_at_the_edges():
    sure = np.log(np.maximum(np.eye(4), 0), where=np.eye(4) > 0, out=np.full((4, 4), -np.inf))
    assert measure.exact_loss(sure, np.eye(4)) == 0.0  # an option that never holds costs nothing at -inf
    assert measure.exact_loss(sure, np.eye(4)[::-1]) > 1e100
    assert measure.exact_loss(np.full((3, 4), -math.log(4)), beliefs(0, 3)) == pytest.approx(math.log(4))


@given(seed=st.integers(0, 500))
def test_nothing_costs_less_than_the_exact_belief(seed):
    pi = beliefs(seed)
    assert measure.exact_loss(log_softmax(logits(seed), axis=1), pi) > measure.exact_loss(np.log(pi), pi)


# -- The true temperature ------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 500), scale=st.floats(0.5, 8))
def test_true_optimum_against_scipy(seed, scale):
    z, pi = logits(seed, scale=scale), softmax(logits(seed) + logits(seed + 1), axis=1)

    def loss(log_t: float) -> float:
        return -(pi * log_softmax(z / math.exp(log_t), axis=1)).sum() / len(z)

    ends = math.log(0.01), math.log(100)
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10})
    best = measure.true_optimum(z, pi)
    if math.isfinite(best.temperature) and not best.reason:
        assert math.log(best.temperature) == pytest.approx(found.x, abs=1e-4)
        assert best.objective == pytest.approx(measure.exact_loss(log_softmax(z / best.temperature, axis=1), pi))
    assert best.objective <= found.fun + 1e-12


@given(seed=st.integers(0, 500), t=st.floats(0.05, 20))
def test_true_optimum_finds_the_temperature_that_was_hidden(seed, t):
    z = logits(seed)
    assert measure.true_optimum(z, softmax(z / t, axis=1)).temperature == pytest.approx(t, rel=1e-6)


def test_true_optimum_at_the_edges():
    z = logits(3)
    none = measure.true_optimum(z, np.full((60, 4), 0.25))
    assert none.temperature == math.inf
    assert none.objective == pytest.approx(math.log(4))
    turned = measure.true_optimum(z, softmax(-z, axis=1))  # the least likely option is the likeliest
    assert turned.temperature == math.inf
    certain = measure.true_optimum(z, np.eye(4)[z.argmax(axis=1)])
    assert certain.temperature == 0.01
    assert "lower edge" in certain.reason


# -- Calibration error ---------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 500), bins=st.integers(1, 15))
def test_calibration_error_against_a_loop(seed, bins):
    rng = np.random.default_rng(seed)
    confidence, chance = rng.random((2, 40))
    total = 0.0
    for b in range(bins):
        inside = [i for i in range(40) if b / bins <= confidence[i] < (b + 1) / bins]
        if inside:
            total += len(inside) * abs(np.mean([chance[i] for i in inside]) - np.mean([confidence[i] for i in inside]))
    assert measure.calibration_error(confidence, chance, bins) == pytest.approx(total / 40, abs=1e-12)


def test_calibration_error_is_the_ece_of_endless_labels():
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.25, 1, 50)
    chance = np.clip(confidence - rng.uniform(-0.1, 0.3, 50), 0, 1)
    many = 40_000
    right = rng.random((many, 50)) < chance
    found = metrics.ece(np.repeat(confidence[None], many, 0).ravel(), right.ravel())
    assert found == pytest.approx(measure.calibration_error(confidence, chance), abs=0.002)


def test_calibration_error_by_hand():
    # the edge 0.3 opens the bin [0.3, 0.4); 1 lies in the last bin, with 0.95
    confidence, chance = np.array([0.29, 0.3, 0.95, 1.0]), np.array([0.39, 0.2, 0.9, 0.85])
    assert measure.calibration_error(confidence, chance) == pytest.approx((0.1 + 0.1 + 0.2) / 4)
    assert measure.calibration_error(confidence, confidence) == 0.0
    assert measure.calibration_error(np.array([1.0]), np.array([0.0])) == 1.0
    one_bin = np.array([0.61, 0.69]), np.array([0.69, 0.61])  # errors inside a bin cancel
    assert measure.calibration_error(*one_bin) == pytest.approx(0, abs=1e-15)
    assert measure.calibration_error(*one_bin, bins=20) == pytest.approx(0.08)


@settings(max_examples=25)
@given(seed=st.integers(0, 200))
def test_calibration_optimum_against_a_loop(seed):
    z, pi = logits(seed, 25), beliefs(seed, 25)
    chance = [pi[i, int(np.argmax(z[i]))] for i in range(25)]
    grid = [0.05 * 400 ** (i / 300) for i in range(301)]
    errors = []
    for t in grid:
        confidence = softmax(z / t, axis=1).max(axis=1)
        errors.append(measure.calibration_error(confidence, np.array(chance)))
    found = measure.calibration_optimum(z, pi)
    at = int(np.argmin(np.abs(np.log(grid) - math.log(found))))
    assert found == pytest.approx(grid[at], rel=1e-9)
    assert errors[at] == pytest.approx(min(errors), abs=1e-12)


@pytest.mark.parametrize("step", [60, 150, 240])
def test_calibration_optimum_finds_a_hidden_temperature_of_its_grid(step):
    z, t = logits(7, 400), 0.05 * 400 ** (step / 300)
    assert measure.calibration_optimum(z, softmax(z / t, axis=1)) == pytest.approx(t, rel=1e-9)


def test_chance_of_a_prediction():
    pi = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
    assert measure.chance_of(np.array([2, 1]), pi).tolist() == [0.7, 0.3]


# -- The PLM by regime ---------------------------------------------------------------------------------------------


def pair(plm, polm) -> Traces:
    g, f = (np.log(np.asarray(p, np.float32))[:, None, :] for p in (plm, polm))
    n, _, k = g.shape
    return Traces(g, f, [-1] * n, [k] * n, tuple(f"q{i}" for i in range(n)))


def test_regime_gaps_by_hand():
    traces = pair([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75]], [[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]])
    found = measure.regime_gaps(traces, np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]]))
    assert found == pytest.approx({"all": (0.25 + 0.5 - 0.25) / 3, "agree": 0.0, "disagree": 0.5}, abs=1e-6)


def test_an_exact_belief_has_no_gap_in_any_regime():
    pi, polm = beliefs(3), beliefs(4)
    assert list(measure.regime_gaps(pair(pi, polm), pi).values()) == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_regime_without_a_question_has_no_gap():
    assert math.isnan(measure.regime_gaps(pair([[0.7, 0.3]], [[0.9, 0.1]]), np.array([[0.7, 0.3]]))["disagree"])
