"""Vector and matrix scaling where nothing decides: the ridge alone, a step of half a log-odds, a search that stops."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_traces
from strategies_kit import widened

import dualalign as da
from dualalign.calibrators import scaling
from dualalign.calibrators.scaling import RIDGE, ScalingLoss

BOTH = pytest.mark.parametrize("method", [da.VectorScaling, da.MatrixScaling])


def informed(n: int, k: int = 3, seed: int = 1) -> da.Traces:
    """Random traces whose labels follow the PoLM loosely, so that a finite optimum exists."""
    traces = make_traces(n, 2, k, seed)
    z = traces.polm_final / 3 + np.random.default_rng(seed).gumbel(size=traces.polm_final.shape)
    return replace(traces, labels=z.argmax(axis=1))


def problem_of(traces: da.Traces, method: type) -> ScalingLoss:
    k = traces.mask.shape[1]
    return ScalingLoss(
        traces.polm_final, np.eye(k)[traces.labels], method()._free(k), da.TemperatureScaling().fit(traces)
    )


@BOTH
def test_an_option_that_no_question_has_keeps_the_weight_of_temperature_scaling(method):
    traces = make_traces(60, 2, 3, 1)
    fitted = method().fit(widened(traces, 1))
    beta = 1 / da.DACA().fit(traces).temperature_
    weights = fitted.weights_ if method is da.MatrixScaling else np.diag(fitted.weights_)
    assert weights[3] == pytest.approx([0, 0, 0, beta], abs=1e-6)
    assert fitted.bias_[3] == pytest.approx(0, abs=1e-6)


@BOTH
def test_logits_that_are_all_equal_keep_a_weight_of_one(method):
    traces = replace(make_traces(5, 2, 3), polm_logits=np.zeros((5, 2, 3), dtype=np.float32))
    traces = replace(traces, plm_logits=np.tile(np.array([1.0, 0.5, 0.0], dtype=np.float32), (5, 2, 1)))
    weights = method().fit(traces).weights_
    np.testing.assert_allclose(weights, np.eye(3) if method is da.MatrixScaling else np.ones(3), atol=1e-6)


@BOTH
def test_the_ridge_is_half_its_weight_times_the_squared_distance(method):
    """A thousand on every bias moves no probability: only the ridge sees it."""
    problem = problem_of(informed(40), method)
    far = problem.start.copy()
    far[:, -1] += 1000
    near, slope = problem._ridged(problem.start[problem.free])
    value, far_slope = problem._ridged(far[problem.free])
    assert near == pytest.approx(problem.value(problem.start[:, :-1] / problem.unit, problem.start[:, -1]), rel=1e-12)
    assert value - near == pytest.approx(RIDGE / 2 * 3e6, rel=1e-9)
    expected = RIDGE * (far - problem.start)[problem.free]
    np.testing.assert_allclose(far_slope - slope, expected, atol=1e-12)


def test_half_a_log_odds_within_a_question_is_what_tells_a_finite_optimum():
    """Off the optimum by 0.45 within a question, of either sign, so that the scores of all span 0.6."""
    problem = problem_of(informed(200), da.MatrixScaling)
    weights, bias = problem.minimise()
    z, share = problem.z[:, 2], np.array([-0.1, -0.1, 0.2])
    middle, reach = (z.max() + z.min()) / 2, np.ptp(z) / 2
    scores = (z - middle)[:, None] / reach * share
    assert np.ptp(scores, axis=1).max() == pytest.approx(0.3)
    assert np.ptp(scores) == pytest.approx(0.4)
    off = np.zeros((3, 3))
    off[:, 2] = share / reach
    for times, tells in [(0, False), (1, False), (1.45, False), (2.5, True)]:
        moved = weights + times * off, bias - times * off[:, 2] * middle
        assert problem.falls_for_ever(*moved) is tells


@BOTH
def test_a_fit_gives_no_warning_and_says_where_it_ends(method, monkeypatch):
    traces = informed(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method(loss="labels").fit(traces)
    separated = replace(traces, labels=traces.polm_final.argmax(axis=1))
    words = "no finite optimum within reach: the loss falls as weights grow; a small ridge holds them"
    assert method(loss="labels").fit(separated).reason_ == words
    monkeypatch.setattr(scaling, "_ENOUGH", -1.0)
    with pytest.raises(ValueError, match=r"^the search did not converge \(slope \d\S*\); check the logits$"):
        method(loss="labels").fit(traces)
