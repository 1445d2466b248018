"""BaseCal, the prior methods and the Adam replica against plain loops and against torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax
from strategies_kit import widened

import dualalign as da
from dualalign.calibrators.adam import soft_cross_entropy_slope


def final(traces: da.Traces, side: str) -> list[np.ndarray]:
    return [z[:n].astype(np.float64) for z, n in zip(getattr(traces, f"{side}_final"), traces.n_options, strict=True)]


def test_basecal_is_the_plms_probability_of_the_polms_answer(random_traces):
    traces = random_traces(20, padded=True)
    pairs = zip(final(traces, "plm"), final(traces, "polm"), strict=True)
    expected = [softmax(g)[f.argmax()] for g, f in pairs]
    np.testing.assert_allclose(da.BaseCal().fit(traces).confidence(traces), expected, atol=1e-12)


def test_vanilla_is_the_softmax(random_traces):
    traces = random_traces(20, padded=True)
    expected = [softmax(f).max() for f in final(traces, "polm")]
    np.testing.assert_allclose(da.Vanilla().fit(traces).confidence(traces), expected, atol=1e-12)


def test_batch_calibration_divides_the_mean_out(random_traces):
    traces = random_traces(20)
    p = softmax(traces.polm_final.astype(np.float64), axis=1)
    expected = p / p.mean(axis=0)
    expected /= expected.sum(axis=1, keepdims=True)
    calibrator = da.BatchCalibration().fit(traces)
    np.testing.assert_allclose(calibrator.predict_proba(traces), expected, atol=1e-12)
    assert (calibrator.prediction(traces) == expected.argmax(axis=1)).all()
    assert (calibrator.prediction(traces) != traces.polm_final.argmax(axis=1)).any()


def test_a_row_with_fewer_options_counts_against_its_own_chance(random_traces):
    traces = random_traces(200, padded=True)
    p = da.Vanilla().fit(traces).predict_proba(traces)
    for option in range(4):
        rows = traces.n_options > option
        expected = (p[rows, option] * traces.n_options[rows]).mean()
        assert math.exp(da.BatchCalibration().fit(traces).log_prior_[option]) == pytest.approx(expected, rel=1e-12)


def test_contextual_calibration_makes_content_free_questions_uniform(random_traces):
    blank, traces = random_traces(1, seed=5), random_traces(20)
    calibrator = da.ContextualCalibration(content_free=blank).fit(traces)
    np.testing.assert_allclose(calibrator.predict_proba(blank), 0.25, atol=1e-12)
    prior = softmax(blank.polm_final[0].astype(np.float64))
    expected = softmax(traces.polm_final.astype(np.float64), axis=1) / prior
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibrator.predict_proba(traces), expected, atol=1e-12)


def test_an_option_that_a_prior_never_saw_is_left_as_it_is_and_no_prior_underflows(random_traces):
    narrow, wide = random_traces(6, k=3), random_traces(6, k=5)
    prior = da.BatchCalibration().fit(narrow)
    divided = wide.polm_final - np.append(prior.log_prior_, [0.0, 0.0])
    np.testing.assert_allclose(prior.predict_proba(wide), softmax(divided, axis=1), atol=1e-12)
    assert da.BatchCalibration().fit(wide).predict_proba(narrow).shape == (6, 3)
    sharp = random_traces(6, scale=1e5)
    assert np.isfinite(da.BatchCalibration().fit(sharp).predict_proba(sharp)).all()


def test_an_option_that_no_row_of_the_fit_has_is_left_as_it_is(random_traces):
    """The fit's columns are as wide as the trace's, but the last one is padding in every row."""
    narrow, wide = random_traces(6, k=3), random_traces(6, k=4, seed=2)
    with np.errstate(divide="raise"):
        prior = da.BatchCalibration().fit(widened(narrow, 1))
    assert prior.log_prior_[3] == -np.inf
    divided = wide.polm_final - np.append(prior.log_prior_[:3], 0.0)
    np.testing.assert_allclose(prior.predict_proba(wide), softmax(divided, axis=1), atol=1e-12)


def replica_by_loop(g: np.ndarray, f: np.ndarray, rate: float, epochs: int) -> float:
    """Full-batch Adam on the published loss, one question at a time."""
    tau, first, second = 1.0, 0.0, 0.0
    for step in range(1, epochs + 1):
        slope = 0.0
        for z_g, z_f in zip(g, f, strict=True):
            if z_g.argmax() == z_f.argmax():
                p, q = softmax(z_g), softmax(z_f / tau)
                mean = (q * z_f).sum()
                slope += sum(p[k] * (z_f[k] - mean) / tau**2 for k in range(len(p)) if q[k] >= 1e-8) / len(g)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        tau -= rate * (first / (1 - 0.9**step)) / (math.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return tau


@pytest.mark.parametrize("scale", [0.5, 3.0, 30.0])
def test_the_adam_replica_follows_the_published_steps(random_traces, scale):
    traces = random_traces(12, scale=scale)
    calibrator = da.DACA(optimizer="adam", epochs=60).fit(traces)
    expected = replica_by_loop(np.array(final(traces, "plm")), np.array(final(traces, "polm")), 0.1, 60)
    assert calibrator.raw_temperature_ == pytest.approx(expected, rel=1e-8)
    assert "published Adam protocol" in calibrator.reason_


@pytest.mark.models
def test_the_adam_replica_is_torchs(random_traces):
    import torch

    traces = random_traces(20)
    g, f = (torch.tensor(z, dtype=torch.float64) for z in (traces.plm_final, traces.polm_final))
    tau = torch.nn.Parameter(torch.ones((), dtype=torch.float64))
    optimizer = torch.optim.Adam([tau], lr=0.05)
    agreeing = (g.argmax(1) == f.argmax(1)).double()
    for _ in range(50):
        optimizer.zero_grad()
        loss = -(g.softmax(1) * (f / tau).softmax(1).clamp(min=1e-8).log()).sum(1) * agreeing
        loss.mean().backward()
        optimizer.step()
    calibrator = da.DACA(optimizer="adam", learning_rate=0.05, epochs=50).fit(traces)
    assert calibrator.raw_temperature_ == pytest.approx(tau.item(), rel=1e-9)


def test_the_replica_nears_the_optimum_is_seeded_and_skips_padding(random_traces):
    traces = random_traces(600, 2, padded=True)
    exact = da.DACA().fit(traces)
    first, second = (da.DACA(optimizer="adam", epochs=150, seed=3).fit(traces) for _ in range(2))
    assert first.temperature_ == second.temperature_
    assert first.temperature_ == pytest.approx(exact.temperature_, rel=0.05)
    assert first.objective_ >= exact.objective_
    assert first.n_fit_ == exact.n_fit_ == da.drift.agreement(traces).sum()


def test_a_replica_that_turns_negative_is_reported_and_never_used():
    """The optimum is at T = 0.01; steps of 0.1 jump over zero."""
    z = np.tile(np.array([8.0, 0.0], dtype=np.float32), (4, 2, 1))
    traces = da.Traces(z, z / 800, np.zeros(4, dtype=int), np.full(4, 2), tuple("abcd"))
    calibrator = da.DACA(optimizer="adam", epochs=12).fit(traces)
    assert calibrator.raw_temperature_ < 0
    assert calibrator.temperature_ == 0.01
    assert "no valid temperature" in calibrator.reason_


def test_the_slope_of_the_published_loss(random_traces):
    """Against differences of the loss written out; a clamped option carries none."""
    z, p = np.array([[0.0, 0.0], [-1.0, -40.0]]), np.array([[0.3, 0.4], [0.7, 0.6]])

    def loss(tau: float) -> float:
        return -(p * np.log(np.maximum(softmax(z / tau, axis=0), 1e-8))).sum() / 2

    for tau in (0.5, 1.0, 2.0, -1.0):
        expected = (loss(tau + 1e-6) - loss(tau - 1e-6)) / 2e-6
        assert soft_cross_entropy_slope(z, p, tau) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("option", "value"),
    [("epochs", 0), ("epochs", 1.5), ("batch_size", -2), ("learning_rate", math.nan), ("learning_rate", "fast")],
)
def test_a_setting_of_the_replica_that_makes_no_sense_is_named(random_traces, option, value):
    with pytest.raises(ValueError, match=f"{option} is {value!r}"):
        da.DACA(optimizer="adam", **{option: value}).fit(random_traces(10))
