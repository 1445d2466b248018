"""Metrics at their edges: stated defaults, options passed on, what is just allowed and just refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import foldnorm

from dualalign import metrics
from dualalign.metrics import _checks, resampling

RNG = np.random.default_rng(8)
CONFIDENCE = np.concatenate([RNG.uniform(0.3, 1, 40), [0.0, 1.0, 0.5, 0.5]])
CORRECT = RNG.random(44) < CONFIDENCE - 0.1
PAIRS = CONFIDENCE, CORRECT
WORSE = np.clip(CONFIDENCE + 0.2, 0, 1), CORRECT


# -- Defaults and options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "arguments", "stated"),
    [
        (metrics.bin_edges, (), {"bins": 10}),
        (metrics.ece, PAIRS, {"bins": 10}),
        (metrics.adaptive_ece, PAIRS, {"bins": 10}),
        (metrics.mce, PAIRS, {"bins": 10}),
        (metrics.debiased_ece, PAIRS, {"bins": 10}),
        (metrics.wilson, (3, 7), {"level": 0.95}),
        (metrics.reliability, PAIRS, {"bins": 10, "kind": "equal-width", "level": 0.95}),
        (metrics.noise_draws, (metrics.ece, CONFIDENCE), {"draws": 1000, "seed": 0, "bins": 10}),
        (metrics.noise_draws, (metrics.adaptive_ece, CONFIDENCE), {"draws": 1000, "seed": 0, "bins": 10}),
        (metrics.noise_draws, (metrics.mce, CONFIDENCE), {"draws": 1000, "seed": 0, "bins": 10}),
        (metrics.noise_draws, (metrics.debiased_ece, CONFIDENCE), {"draws": 1000, "seed": 0, "bins": 10}),
        (metrics.noise_floor, (metrics.ece, CONFIDENCE), {"draws": 1000, "seed": 0}),
        (metrics.ece_floor, (CONFIDENCE,), {"bins": 10, "draws": 1000, "seed": 0}),
        (metrics.interval, (metrics.ece, *PAIRS), {"level": 0.95, "draws": 1000, "seed": 0, "bins": 10}),
        (metrics.paired_difference, (metrics.ece, WORSE, PAIRS), {"level": 0.95, "draws": 1000, "seed": 0, "bins": 10}),
        (metrics.summary, PAIRS, {"bins": 10, "level": 0.95, "draws": 1000, "seed": 0}),
    ],
)
def test_what_nobody_says_is_what_the_signature_states(call, arguments, stated):
    np.testing.assert_array_equal(call(*arguments), call(*arguments, **stated))


def test_splits_that_nobody_specifies_are_five_of_three_tenths():
    plain, stated = (
        list(found) for found in (metrics.repeated_splits(20), metrics.repeated_splits(20, (), 0.3, range(5)))
    )
    assert len(plain) == 5
    assert all((a == b).all() for one, two in zip(plain, stated, strict=True) for a, b in zip(one, two, strict=True))


def test_a_summary_hands_its_options_on():
    found = metrics.summary(*PAIRS, bins=4, level=0.5, draws=60, seed=7)
    perfect = metrics.noise_draws(metrics.ece, CONFIDENCE, 60, 7, bins=4)
    low, high = metrics.interval(metrics.ece, *PAIRS, level=0.5, draws=60, seed=7, bins=4)
    expected = {
        "n": 44,
        "accuracy": CORRECT.mean(),
        "confidence": CONFIDENCE.mean(),
        "ece": metrics.ece(*PAIRS, 4),
        "ece_floor": perfect.mean(),
        "ece_p": (1 + sum(draw >= metrics.ece(*PAIRS, 4) for draw in perfect)) / 61,
        "ece_interval": (low, high),
        "adaptive_ece": metrics.adaptive_ece(*PAIRS, 4),
        "debiased_ece": metrics.debiased_ece(*PAIRS, 4),
        "smooth_ece": metrics.smooth_ece(*PAIRS),
        "mce": metrics.mce(*PAIRS, 4),
        "top_label_brier": metrics.top_label_brier(*PAIRS),
        "auroc": metrics.auroc(*PAIRS),
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-15), name
    proba = np.column_stack([CONFIDENCE, 1 - CONFIDENCE])
    whole = metrics.summary(proba, 1 - CORRECT, draws=5)
    assert list(whole) == [*expected, "brier", "nll"]
    assert whole["brier"] == metrics.brier(proba, 1 - CORRECT)


def test_a_floor_hands_its_options_on():
    floor = metrics.noise_draws(metrics.ece, CONFIDENCE, 60, 7, bins=4).mean()
    assert metrics.ece_floor(CONFIDENCE, 4, 60, 7) == floor
    assert metrics.noise_floor(metrics.ece, CONFIDENCE, 60, 7, bins=4) == floor


def test_an_answer_of_confidence_0_is_never_right_by_chance(monkeypatch):
    class Least:
        random = staticmethod(np.zeros)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Least)
    assert metrics.ece_floor([0.0, 0.0], draws=2) == 0.0
    assert metrics.ece_floor([0.5, 1e-9], draws=2) == pytest.approx(0.75)  # any other confidence is above 0


def test_a_draw_as_high_as_the_error_counts_for_chance():
    assert metrics.summary([1.0, 1.0], [True, True], draws=9)["ece_p"] == 1.0


def test_resamples_take_the_options_and_the_seed():
    value = metrics.ece(*WORSE, 4) - metrics.ece(*PAIRS, 4)
    found = metrics.paired_difference(metrics.ece, WORSE, PAIRS, level=0.8, draws=70, seed=5, bins=4)
    rng = np.random.default_rng(5)
    rows = [rng.integers(0, 44, 44) for _ in range(70)]
    resampled = [metrics.ece(WORSE[0][r], CORRECT[r], 4) - metrics.ece(CONFIDENCE[r], CORRECT[r], 4) for r in rows]
    low, high = np.quantile(resampled, [0.1, 0.9])
    assert found == pytest.approx((value, 2 * value - high, 2 * value - low), abs=1e-12)
    plain = metrics.paired_difference(lambda c, y, bins: metrics.ece(c, y, bins), WORSE, PAIRS, 0.8, 70, 5, bins=4)
    assert plain == pytest.approx(found, abs=1e-12)  # without a kernel
    single = [metrics.ece(WORSE[0][r], CORRECT[r], 4) for r in rows]
    low, high = np.quantile(single, [0.1, 0.9])
    twice = 2 * metrics.ece(*WORSE, 4)
    found = metrics.interval(metrics.ece, *WORSE, level=0.8, draws=70, seed=5, bins=4)
    assert found == pytest.approx((twice - high, twice - low), abs=1e-12)


def test_a_kernel_stands_for_its_metric():
    @_checks.by_rows(lambda confidence, correct: np.full(len(correct), 7.0), high=9.0)
    def metric(confidence: np.ndarray, correct: np.ndarray) -> float:
        return 6.0

    assert metrics.noise_draws(metric, CONFIDENCE, 3).tolist() == [7.0] * 3
    assert metrics.interval(metric, *PAIRS, draws=3) == (5.0, 5.0)
    assert metrics.paired_difference(metric, PAIRS, WORSE, draws=3) == (0.0, 0.0, 0.0)


def test_an_interval_stays_within_what_the_metric_can_be():
    rare = np.arange(30) == 0  # 2 value - q would lie below 0
    low, high = metrics.interval(metrics.accuracy, rare, draws=400)
    assert (low, high) == pytest.approx((0, 2 / 30), abs=0.04)
    assert low == 0
    assert metrics.debiased_ece.bounds == (-1.0, 1.0)
    assert metrics.brier.bounds == (0.0, 2.0)
    assert metrics.nll.bounds == (0.0, np.inf)
    assert metrics.interval(lambda y: y.mean() - 5, rare, draws=50)[1] < -4  # no bounds are known


def test_a_basic_interval_leaves_undefined_resamples_out():
    resampled = np.append(np.arange(101) / 100, [np.nan] * 50)
    assert resampling._basic_interval(0.3, resampled, 0.9) == pytest.approx((0.6 - 0.95, 0.6 - 0.05))
    for value, found in [(np.nan, resampled), (np.inf, resampled), (0.3, np.full(3, np.nan))]:
        assert np.isnan(resampling._basic_interval(value, found, 0.9)).all()


def test_how_many_resamples_are_held(monkeypatch):
    monkeypatch.setattr(resampling, "_CELLS", 100)
    assert list(resampling._chunks(10, 30)) == [3, 3, 3, 1]
    assert list(resampling._chunks(3, 0)) == [3]
    assert list(resampling._chunks(2, 101)) == [1, 1]
    assert list(resampling._chunks(200, 1)) == [100, 100]
    assert resampling._width({}, np.zeros((5, 3)), np.zeros(5)) == 15
    assert resampling._width({"bins": 40}, np.zeros((5, 3))) == 40
    assert resampling._width({"other": 40}, np.zeros(0)) == 1


# -- What is allowed and what is not -------------------------------------------------------------------------------


def test_bounds_and_kernel_are_attached_to_a_metric():
    def metric() -> None:
        """Nothing."""

    assert _checks.by_rows(len)(metric) is metric
    assert (metric.rows, metric.bounds) == (len, (0.0, 1.0))
    assert _checks.by_rows(None, -2.0, 3.0)(metric).bounds == (-2.0, 3.0)
    assert metric.rows is None


def test_rounding_is_forgiven_and_cut_off():
    assert _checks.check_confidence([1 + 9e-7, -9e-7, 0.5]).tolist() == [1.0, 0.0, 0.5]
    for wrong in ([1 + 2e-6], [-2e-6], [3e-6 + 1, 0.0]):
        with pytest.raises(ValueError, match="give probabilities, from 0 to 1"):
            _checks.check_confidence(wrong)
    proba, labels = _checks.check_proba([[0.5, 0.50005], [0.2, 0.8]], np.array([0, 1], dtype=np.uint8))
    assert proba.dtype == np.float64
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"^proba: row 1 sums to 1.0002; each row must sum to 1$"):
        _checks.check_proba([[0.5, 0.5], [0.5, 0.5002]], [0, 1])
    with pytest.raises(ValueError, match=r"^proba: row 1 sums to 0.999; each row must sum to 1$"):
        _checks.check_proba([[0.5, 0.5], [0.5, 0.499]], [0, 1])


def test_exactly_the_rounding_allowed_is_allowed(monkeypatch):
    monkeypatch.setattr(_checks, "_ROUNDING", 2**-10)
    monkeypatch.setattr(_checks, "_SUM_ROUNDING", 2**-10)
    assert _checks.check_confidence([1 + 2**-10, -(2**-10)]).tolist() == [1.0, 0.0]
    assert len(_checks.check_proba([[0.5, 0.5 + 2**-10]], [0])[0]) == 1


def test_one_question_and_two_options_are_enough():
    assert metrics.accuracy([True]) == 1.0
    assert metrics.brier([[1.0, 0.0]], [1]) == 2.0
    assert metrics.ece([0.25], [1], bins=1) == 0.75
    assert metrics.aurc([0.5], [0]) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _checks.check_proba([[1.0]], [0]), r"proba has shape (1, 1); give (N, K) with N >= 1 questions and"),
        (lambda: _checks.check_proba([[0.5, 0.5]] * 3, [-1, 0, 1]), "labels: 1 of 3 are negative (unknown); keep the"),
        (lambda: _checks.check_proba([[0.5, 0.5]] * 3, [0, 2, 5]), "labels reach 5, but proba has 2 options (0 is the"),
        (lambda: _checks.check_proba([[0.5, 0.5]], [True]), "labels is of type bool; give the whole-number index of"),
        (lambda: _checks.check_proba([[0.5, 0.5]], ["a"]), "labels is of type <U1; give the whole-number index of"),
        (lambda: _checks.check_proba([[0.5, 0.5]], [[0]]), "labels has shape (1, 1), proba (1, 2); give one label a"),
        (lambda: _checks.check_proba([[0.5, np.nan]] * 2, [0, 0]), "proba holds 2 NaN; remove or repair those"),
        (lambda: _checks.check_proba([[1.5, -0.5]], [0]), "proba runs from -0.5 to 1.5; give probabilities"),
        (lambda: _checks.check_proba([["a", "b"]], [0]), "proba is not an array of numbers"),
        (
            lambda: _checks.check_correct([0, 1, 2]),
            "correct holds values other than 0 and 1; give whether each predict",
        ),
        (lambda: _checks.check_correct([np.nan, 1]), "correct holds 1 NaN"),
        (lambda: _checks.check_correct([[True]]), "correct has shape (1, 1); give one true or false a question"),
        (lambda: _checks.check_correct({}), "correct is not an array of numbers"),
        (lambda: _checks.check_count("draws", 2, least=3), "draws is 2; give a whole number of at least 3"),
        (lambda: _checks.check_count("draws", np.bool_(True)), "draws is np.True_; give a whole number of at least 1"),
        (lambda: _checks.check_share("level", 0), "level is 0; give a number between 0 and 1"),
        (lambda: _checks.check_share("level", 1.0), "level is 1.0; give a number between 0 and 1"),
        (lambda: metrics.reliability(*PAIRS, kind="equal"), "kind is 'equal'; allowed are 'equal-width', 'equal-mass'"),
        (lambda: metrics.noise_draws(metrics.ece, CONFIDENCE, bins=0), "bins is 0; give a whole number of at least 1"),
        (lambda: metrics.wilson(1, 2, level=2), "level is 2; give a number between 0 and 1"),
    ],
)
def test_what_is_wrong_is_said_first(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call()


def test_counts_and_shares_come_back_as_plain_numbers():
    assert type(_checks.check_count("draws", np.int32(3), least=3)) is int
    assert type(_checks.check_share("level", np.float32(0.5))) is float


# -- Bins ----------------------------------------------------------------------------------------------------------


def test_undefined_shares_are_silent():
    with np.errstate(all="raise"):
        assert metrics.nll([[1.0, 0.0]], [1]) == np.inf
        assert np.isnan(metrics.wilson(0, 0)).all()
        table = metrics.reliability([0.05, 0.15], [True, False], bins=10)
        assert np.isnan(metrics.auroc([0.5], [True]))
        assert metrics.risk_coverage([0.5, 0.5, 0.2], [True, False, True])[1] == pytest.approx([0.5, 0.5, 1 / 3])
        assert metrics.debiased_ece([0.5, 0.95], [True, False]) == pytest.approx((0.5 + 0.95) / 2)
    assert table["count"].tolist() == [1, 1, *[0] * 8]
    assert table["confidence"].tolist()[:2] == [0.05, 0.15]
    assert table.loc[2:, "accuracy_low"].isna().all()


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_debiased_ece_is_its_definition_with_the_mean_of_a_folded_normal(bins):
    confidence = np.array([0.0, 0.05, 0.08, 0.3, 0.35, 0.38, 0.5, 0.96, 1.0])
    correct = np.array([0, 1, 0, 1, 1, 0, 1, 1, 1])
    total = 0.0
    for k in range(bins):
        inside = np.minimum((confidence * bins).astype(int), bins - 1) == k
        if n := inside.sum():
            accuracy = correct[inside].mean()
            gap, spread = accuracy - confidence[inside].mean(), np.sqrt(accuracy * (1 - accuracy) / n)
            noisy = foldnorm(abs(gap) / spread, scale=spread).mean() if spread else abs(gap)
            total += n / 9 * (2 * abs(gap) - noisy)
    assert metrics.debiased_ece(confidence, correct, bins) == pytest.approx(total, abs=1e-12)


def test_a_wilson_interval_stays_within_0_and_1():
    count = np.arange(1, 200)  # rounding alone carries some of these beyond
    for right in (0 * count, count):
        low, high = metrics.wilson(right, count)
        assert (low >= 0).all()
        assert (high <= 1).all()


def test_equal_mass_bounds_are_the_least_and_greatest_confidence():
    table = metrics.reliability([0.9, 0.1, 0.4, 0.4, 0.6], [True] * 5, bins=3, kind="equal-mass", level=0.9)
    assert table["low"].tolist() == [0.1, 0.6, 0.9]  # the tie goes to the bin of its first question
    assert table["high"].tolist() == [0.4, 0.6, 0.9]
    assert table["count"].tolist() == [3, 1, 1]
    assert table["accuracy_low"].tolist() == pytest.approx(metrics.wilson([3, 1, 1], [3, 1, 1], 0.9)[0].tolist())
    empty = metrics.reliability([0.5, 0.5], [True, False], bins=2, kind="equal-mass")
    assert empty["count"].tolist() == [2, 0]
    assert np.isnan(empty.loc[1, ["low", "high"]].astype(float)).all()


def test_what_rounding_carries_beyond_belongs_to_the_outer_bins():
    assert metrics.equal_width(np.array([-1e-9, 0.0, 1.0, 1 + 1e-9]), 4).tolist() == [0, 0, 3, 3]


def test_bins_work_along_the_last_axis():
    rows = np.random.default_rng(1).permutation(24).reshape(2, 12) / 24
    found = metrics.equal_mass(rows, 5)
    assert (found == [metrics.equal_mass(row, 5) for row in rows]).all()
    assert found.dtype == np.int64
