"""Noise floor, intervals, paired differences and splits against exact expectations."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from dualalign import metrics


def made(n=300, seed=0, shift=0.1):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.3, 1, n)
    return confidence, rng.random(n) < confidence - shift


def test_floor_of_one_confidence_is_the_mean_deviation_of_a_binomial():
    n, p = 50, 0.7
    hits = np.arange(n + 1)
    exact = (binom.pmf(hits, n, p) * np.abs(hits / n - p)).sum()
    spread = np.sqrt((binom.pmf(hits, n, p) * (hits / n - p) ** 2).sum() - exact**2)
    assert metrics.ece_floor(np.full(n, p), draws=20_000) == pytest.approx(exact, abs=4 * spread / np.sqrt(20_000))


def test_floor_on_300_questions_is_about_what_the_book_says():
    assert metrics.ece_floor(np.random.default_rng(0).uniform(0.25, 1, 300)) == pytest.approx(0.056, abs=0.008)


def test_floor_falls_with_the_square_root_of_the_questions():
    confidence = made(400)[0]
    assert metrics.ece_floor(np.tile(confidence, 16)) == pytest.approx(metrics.ece_floor(confidence) / 4, rel=0.1)


def test_floor_is_zero_where_nothing_is_uncertain():
    assert metrics.ece_floor(np.array([0.0, 1.0, 1.0])) == 0.0


@pytest.mark.parametrize(
    "metric",
    [metrics.ece, metrics.adaptive_ece, metrics.mce, metrics.debiased_ece, metrics.top_label_brier, metrics.auroc],
)
def test_kernels_of_many_draws_equal_the_metric_draw_by_draw(metric):
    confidence = np.append(made(60)[0], [0.0, 1.0, 0.5, 0.5])
    draws = metrics.noise_draws(metric, confidence, draws=7, seed=3)
    simulated = np.random.default_rng(3).random((7, 64)) < confidence
    assert draws == pytest.approx([metric(confidence, correct) for correct in simulated], abs=1e-12)
    plain = metrics.interval(lambda *arrays: metric(*arrays), confidence, simulated[0], draws=40)  # no kernel
    bounded = np.clip(plain, *metric.bounds)
    assert metrics.interval(metric, confidence, simulated[0], draws=40) == pytest.approx(tuple(bounded), abs=1e-12)


def test_proper_scores_resample_whole_questions():
    rng = np.random.default_rng(0)
    proba, labels = rng.dirichlet(np.ones(4), 80), rng.integers(0, 4, 80)
    for metric in (metrics.brier, metrics.nll):
        plain = metrics.interval(lambda p, y, metric=metric: metric(p, y), proba, labels, draws=50)
        assert metrics.interval(metric, proba, labels, draws=50) == pytest.approx(plain, abs=1e-12)


def test_interval_of_a_mean_is_the_normal_one():
    correct = np.arange(1000) < 700
    half = norm.ppf(0.95) * np.sqrt(0.7 * 0.3 / 1000)
    found = metrics.interval(metrics.accuracy, correct, level=0.9, draws=4000)
    assert found == pytest.approx((0.7 - half, 0.7 + half), abs=0.003)


def test_interval_holds_the_true_error_as_often_as_the_docstring_says():
    rng, held = np.random.default_rng(0), 0
    for seed in range(120):
        confidence = rng.uniform(0.3, 1, 1500)
        correct = rng.random(1500) < confidence - 0.1
        low, high = metrics.interval(metrics.ece, confidence, correct, draws=200, seed=seed)
        held += low <= 0.1 <= high
    assert 108 <= held <= 120  # 95 % of 120 is 114


def test_interval_and_floor_depend_on_the_seed_alone():
    pairs = made()
    assert metrics.interval(metrics.ece, *pairs) == metrics.interval(metrics.ece, *pairs)
    assert metrics.interval(metrics.ece, *pairs) != metrics.interval(metrics.ece, *pairs, seed=1)
    assert metrics.ece_floor(pairs[0]) == metrics.ece_floor(pairs[0])


def test_chunks_do_not_change_the_draws(monkeypatch):
    confidence, correct = made(50)
    whole = metrics.ece_floor(confidence), metrics.interval(metrics.ece, confidence, correct)
    monkeypatch.setattr("dualalign.metrics.resampling._CELLS", 130)
    assert (metrics.ece_floor(confidence), metrics.interval(metrics.ece, confidence, correct)) == whole


def test_paired_difference_is_sharper_than_two_intervals():
    confidence, correct = made(400, shift=0.0)
    worse = np.clip(confidence + 0.15, 0, 1)
    found = metrics.paired_difference(metrics.top_label_brier, (worse, correct), (confidence, correct))
    expected = metrics.top_label_brier(worse, correct) - metrics.top_label_brier(confidence, correct)
    single = metrics.interval(metrics.top_label_brier, worse, correct)
    assert found.value == pytest.approx(expected)
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < single.high - single.low
    same = metrics.paired_difference(metrics.ece, (confidence, correct), (confidence, correct))
    assert same == (0.0, 0.0, 0.0)


def test_undefined_metric_has_an_undefined_interval():
    assert np.isnan(metrics.interval(metrics.auroc, np.array([0.5, 0.6]), np.array([True, True]))).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, y: metrics.interval(metrics.ece, c, y, level=1.0), "level is 1.0"),
        (lambda c, y: metrics.interval(metrics.ece, c, y, draws=0), "draws is 0"),
        (lambda c, y: metrics.interval(metrics.ece, c, y[:-1]), "confidence has 300 entries, correct 299"),
        (lambda c, y: metrics.ece_floor(c, draws=1.5), "draws is 1.5"),
        (lambda c, y: metrics.ece_floor([]), "confidence has shape"),
        (
            lambda c, y: metrics.paired_difference(metrics.ece, (c, y), (c[1:], y[1:])),
            "first has 300 questions, second 299",
        ),
        (lambda c, y: list(metrics.repeated_splits(1)), "fraction 0.3 of 1 different questions"),
        (lambda c, y: list(metrics.repeated_splits(9, fraction=0)), "fraction is 0"),
        (lambda c, y: list(metrics.repeated_splits(9, groups=["a"])), "groups has 1 entries for 9 questions"),
    ],
)
def test_bad_requests_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*made())


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), min_size=4, max_size=80), st.floats(0.2, 0.8))
def test_splits_keep_questions_together_and_cover_everything(rows, fraction):
    ids, groups = [f"q{i}" for i, _ in rows], [f"g{g}" for _, g in rows]
    if not 0 < round(len(set(ids)) * fraction) < len(set(ids)):
        return
    for fit, test in metrics.repeated_splits(ids, groups, fraction, seeds=(0, 1)):
        assert sorted([*fit, *test]) == list(range(len(ids)))
        assert not {ids[i] for i in fit} & {ids[i] for i in test}
        assert len({ids[i] for i in fit}) == round(len(set(ids)) * fraction)


def test_splits_are_stratified_and_differ_by_seed():
    groups = np.repeat(["a", "b", "c"], [100, 50, 11])
    splits = list(metrics.repeated_splits(161, groups, 0.3, seeds=range(4)))
    for fit, _ in splits:
        assert np.abs(np.unique(groups[fit], return_counts=True)[1] - [30, 15, 3.3]).max() <= 1
    assert len({tuple(fit) for fit, _ in splits}) == 4


def test_splits_of_single_question_groups_are_random_too():
    firsts = [tuple(fit) for fit, _ in metrics.repeated_splits(10, [f"g{i}" for i in range(10)], 0.5, seeds=range(20))]
    assert len(set(firsts)) > 10


def test_a_split_takes_every_nth_question_of_groups_in_random_order():
    groups = np.array(list("aababcabbacabab"))
    for seed, (fit, test) in enumerate(metrics.repeated_splits(15, groups, 0.4, seeds=range(6))):
        rng = np.random.default_rng(seed)
        numbers, ranks = rng.random(15), dict(zip("abc", rng.permutation(3), strict=True))
        order = sorted(range(15), key=lambda i: (ranks[groups[i]], numbers[i]))
        assert fit.tolist() == sorted(order[int((j + 0.5) * 15 / 6)] for j in range(6))
        assert fit.dtype == test.dtype == np.int64


def test_a_number_of_questions_may_be_numpys_and_two_are_enough():
    assert [fit.tolist() for fit, _ in metrics.repeated_splits(np.int64(2), fraction=0.5, seeds=[0, 1, 2, 3])]
    with pytest.raises(ValueError, match=r"^fraction 0.9 of 3 different questions leaves one side empty; give more"):
        next(metrics.repeated_splits(["a", "b", "c", "a"], fraction=0.9))
    with pytest.raises(ValueError, match=r"^fraction 0.1 of 3 different"):
        next(metrics.repeated_splits(3, fraction=0.1))
    with pytest.raises(ValueError, match=r"^groups has 2 entries for 3 questions; give one each, or none$"):
        next(metrics.repeated_splits(3, groups=["a", "b"]))


def test_summary_puts_floor_and_interval_beside_the_ece():
    rng = np.random.default_rng(0)
    proba, labels = rng.dirichlet(np.ones(4), 250), rng.integers(0, 4, 250)
    confidence, correct = metrics.top_label(proba, labels)
    found = metrics.summary(proba, labels, draws=200)
    assert found["ece_floor"] == metrics.ece_floor(confidence, draws=200)
    assert found["ece_interval"] == metrics.interval(metrics.ece, confidence, correct, draws=200)
    assert found["nll"] == metrics.nll(proba, labels)
    assert found["ece_p"] == pytest.approx(1 / 201)  # chance level answers at these confidences are no noise
    without = metrics.summary(confidence, correct, draws=200)
    assert {k: v for k, v in found.items() if k not in ("brier", "nll")} == without


def test_p_value_is_uniform_under_perfect_calibration():
    p = [metrics.summary(*made(100, seed, shift=0.0), draws=99, seed=seed)["ece_p"] for seed in range(60)]
    assert 0.35 < np.mean(p) < 0.65
    assert min(p) >= 0.01


def test_many_bins_need_no_more_memory_than_many_questions():
    confidence, correct = made(20)
    tracemalloc.start()
    found = metrics.summary(confidence, correct, bins=200_000, draws=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**27  # all draws at once would take 100 x 200,000 numbers twice: 320 MB
    assert found["ece"] == metrics.adaptive_ece(confidence, correct, 20)


@pytest.mark.parametrize("level", ["0.95", None, 1, float("nan")])
def test_a_level_is_a_number_between_0_and_1(level):
    with pytest.raises(ValueError, match="level is"):
        metrics.interval(metrics.ece, *made(20), level=level, draws=5)
