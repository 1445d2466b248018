"""Proper scores, AUROC and smooth ECE against loops and public libraries; every bad input says what is wrong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from dualalign import metrics


@pytest.fixture
def proba_and_labels():
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.full(4, 0.7), 200), rng.integers(0, 4, 200)


def test_proper_scores_agree_with_scikit_learn(proba_and_labels):
    proba, labels = proba_and_labels
    confidence, correct = metrics.top_label(proba, labels)
    assert metrics.nll(proba, labels) == pytest.approx(log_loss(labels, proba), abs=1e-9)
    assert metrics.brier(proba, labels) == pytest.approx(((proba - np.eye(4)[labels]) ** 2).sum(1).mean(), abs=1e-12)
    assert metrics.top_label_brier(confidence, correct) == pytest.approx(
        brier_score_loss(correct, confidence), abs=1e-12
    )
    assert metrics.accuracy(correct) == (proba.argmax(1) == labels).mean()


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_auroc_counts_pairs_and_ties_half(rows):
    confidence, correct = np.array([c for c, _ in rows]) / 6, np.array([y for _, y in rows])
    value = metrics.auroc(confidence, correct)
    if correct.all() or not correct.any():
        assert np.isnan(value)
        return
    pairs = [(a > b) + (a == b) / 2 for a in confidence[correct] for b in confidence[~correct]]
    assert value == pytest.approx(np.mean(pairs), abs=1e-12)
    assert value == pytest.approx(roc_auc_score(correct, confidence), abs=1e-12)


def test_padded_options_and_certain_answers():
    proba = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    assert metrics.nll(proba, np.array([0, 1])) == pytest.approx(np.log(2) / 2)
    assert metrics.nll(proba, np.array([1, 1])) == np.inf
    assert metrics.brier(proba, np.array([1, 0])) == pytest.approx((2 + 0.5) / 2)
    assert metrics.top_label(proba, np.array([0, 1]))[1].tolist() == [True, False]  # the first option wins a tie


def reflected_area(confidence, correct, sigma):
    """Integral of |mean residual under a reflected Gaussian|, by mirror images and adaptive quadrature."""
    images = np.concatenate([confidence + 2 * m for m in range(-8, 9)] + [2 * m - confidence for m in range(-8, 9)])
    residuals = np.tile((correct - confidence) / len(confidence), 34)

    def smoothed(t):
        kernel = np.exp(-(((t - images) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
        return abs((residuals * kernel).sum())

    ends = np.linspace(0, 1, 201)
    return sum(quad(smoothed, a, b, epsabs=1e-12)[0] for a, b in pairwise(ends))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_smooth_ece_is_the_fixed_point_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    confidence = np.append(rng.beta(4, 1, 30), [0.0, 1.0, 1.0])
    correct = rng.random(33) < confidence - 0.1
    value = metrics.smooth_ece(confidence, correct)
    assert reflected_area(confidence, correct, value) == pytest.approx(value, abs=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_smooth_ece_agrees_with_relplot():
    relplot = pytest.importorskip("relplot")
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.25, 1, 500)
    correct = rng.random(500) < confidence**2
    assert metrics.smooth_ece(confidence, correct) == pytest.approx(relplot.smECE(confidence, correct * 1.0), abs=2e-3)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), st.booleans()), min_size=1, max_size=20
    )
)
def test_smooth_ece_lies_between_the_mean_gap_and_the_mean_residual(rows):
    confidence, correct = np.array([c for c, _ in rows]), np.array([y for _, y in rows])
    value = metrics.smooth_ece(confidence, correct)
    assert value >= abs(correct.mean() - confidence.mean()) - 1e-9
    assert value <= np.abs(correct - confidence).mean() + 1e-9


GOOD = np.array([0.5, 0.7]), np.array([True, False])


@pytest.mark.parametrize(
    ("confidence", "correct", "message"),
    [
        ([0.5, np.nan], GOOD[1], "confidence holds 1 NaN"),
        ([0.5, 1.2], GOOD[1], "confidence runs from 0.5 to 1.2"),
        ([-0.5, 1.0], GOOD[1], "confidence runs from -0.5"),
        ([0.5, np.inf], GOOD[1], "confidence runs from 0.5 to inf"),
        ([], [], r"confidence has shape \(0,\)"),
        (np.ones((2, 2)), GOOD[1], r"confidence has shape \(2, 2\)"),
        (["high", "low"], GOOD[1], "confidence is not an array of numbers"),
        (GOOD[0], [True], "confidence has 2 entries, correct 1"),
        (GOOD[0], [0.0, 0.5], "correct holds values other than 0 and 1"),
        (GOOD[0], [], r"correct has shape \(0,\)"),
    ],
)
@pytest.mark.parametrize(
    "metric", ["ece", "adaptive_ece", "debiased_ece", "smooth_ece", "mce", "top_label_brier", "auroc"]
)
def test_bad_pairs_are_named(metric, confidence, correct, message):
    with pytest.raises(ValueError, match=message) as caught:
        getattr(metrics, metric)(confidence, correct)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("proba", "labels", "message"),
    [
        ([[0.5, 0.5]], [-1], "labels: 1 of 1 are negative"),
        ([[0.5, 0.5]], [2], "labels reach 2, but proba has 2 options"),
        ([[0.5, 0.5]], [0.0], "labels is of type float64"),
        ([[0.5, 0.5]], [0, 1], r"labels has shape \(2,\)"),
        ([[0.5, 0.6]], [0], "row 0 sums to 1.1"),
        ([[np.nan, 0.6]], [0], "proba holds 1 NaN"),
        ([[1.5, -0.5]], [0], "proba runs from -0.5 to 1.5"),
        ([0.5, 0.5], [0, 0], r"proba has shape \(2,\)"),
        (np.ones((0, 2)), [], r"proba has shape \(0, 2\)"),
    ],
)
@pytest.mark.parametrize("metric", ["brier", "nll", "top_label"])
def test_bad_probabilities_are_named(metric, proba, labels, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, metric)(proba, np.asarray(labels))


@pytest.mark.parametrize("bins", [0, -1, 2.5, True, "10"])
def test_bad_bins_are_named(bins):
    for metric in (metrics.ece, metrics.adaptive_ece, metrics.reliability):
        with pytest.raises(ValueError, match="bins is"):
            metric(*GOOD, bins=bins)


def test_float32_overshoot_is_forgiven():
    assert metrics.ece(np.array([np.nextafter(np.float32(1), np.float32(2))]), [True]) == 0.0
