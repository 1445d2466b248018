"""What must hold of every measure, whatever the confidences: bounds, order, ties, brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies_kit import answers, few, full, pairs, same, seeds, shares, some

import dualalign as da
from dualalign import metrics, protocol

PAIRED = {
    "ece": metrics.ece,
    "adaptive_ece": metrics.adaptive_ece,
    "mce": metrics.mce,
    "smooth_ece": metrics.smooth_ece,
    "top_label_brier": metrics.top_label_brier,
    "accuracy": lambda confidence, correct: metrics.accuracy(correct),
    "aurc": metrics.aurc,
}
PROPER = {"brier": (metrics.brier, 2), "nll": (metrics.nll, np.inf)}


@pytest.mark.parametrize("name", PAIRED)
@given(pairs(), seeds)
@some
def test_measures_lie_in_their_range_and_know_no_order(name, given, seed):
    confidence, correct = given
    found, rows = PAIRED[name](confidence, correct), np.random.default_rng(seed).permutation(len(correct))
    assert 0 <= found <= 1
    assert PAIRED[name](confidence[rows], correct[rows]) == pytest.approx(found, abs=1e-12)
    assert PAIRED[name](np.tile(confidence, 3), np.tile(correct, 3)) == pytest.approx(found, abs=1e-9) or name in (
        "adaptive_ece",
        "aurc",
        "smooth_ece",
    )


@pytest.mark.parametrize("name", PROPER)
@given(answers(), seeds)
@some
def test_proper_scores_against_a_loop(name, given, seed):
    (proba, labels), (score, most) = given, PROPER[name]
    one = {"brier": lambda p, k: sum((q - (i == k)) ** 2 for i, q in enumerate(p)), "nll": lambda p, k: -np.log(p[k])}[
        name
    ]
    with np.errstate(divide="ignore"):
        exact = np.mean([one(p, k) for p, k in zip(proba, labels, strict=True)])
    assert score(proba, labels) == pytest.approx(exact)
    assert 0 <= score(proba, labels) <= most
    options = np.random.default_rng(seed).permutation(proba.shape[1])
    assert score(proba[:, options], np.argsort(options)[labels]) == pytest.approx(exact)


@given(st.integers(1, 40))
@some
def test_edges_part_the_unit_interval_evenly(bins):
    edges = metrics.bin_edges(bins)
    assert (edges[0], edges[-1], len(edges)) == (0, 1, bins + 1)
    np.testing.assert_allclose(np.diff(edges), 1 / bins)
    inside = metrics.equal_width((edges[:-1] + edges[1:]) / 2, bins)
    assert inside.tolist() == list(range(bins))


@given(pairs(), st.integers(1, 12), seeds)
@some
def test_equal_mass_keeps_order_and_ties_together(given, bins, seed):
    confidence, rows = given[0], np.random.default_rng(seed).permutation(len(given[0]))
    found = metrics.equal_mass(confidence, bins)
    assert np.array_equal(found[rows], metrics.equal_mass(confidence[rows], bins))
    by_size = found[np.argsort(confidence, kind="stable")]
    assert (np.diff(by_size) >= 0).all()
    assert all(len(set(found[confidence == value])) == 1 for value in confidence)
    if len(set(confidence)) == len(confidence):
        sizes = np.bincount(found, minlength=bins)
        assert sizes.tolist() == [len(part) for part in np.array_split(confidence, bins)]


@given(pairs())
@some
def test_risk_over_coverage_ends_at_the_error_of_all(given):
    confidence, correct = given
    coverage, risk = metrics.risk_coverage(confidence, correct)
    assert coverage.tolist() == [(k + 1) / len(correct) for k in range(len(correct))]
    assert risk[-1] == pytest.approx(1 - metrics.accuracy(correct))
    assert ((risk >= -1e-12) & (risk <= 1 + 1e-12)).all()
    wrong = risk * np.arange(1, len(risk) + 1)
    assert (np.diff(wrong, prepend=0) >= -1e-9).all()  # one more answer is at most one more mistake
    assert (np.diff(wrong, prepend=0) <= 1 + 1e-9).all()


@given(st.integers(0, 200), st.integers(1, 200), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
@some
def test_wilson_solves_its_equation_and_grows_with_the_level(right, count, a, b):
    """Its ends are where the share lies z standard errors of the end away (Wilson 1927)."""
    from scipy.stats import norm

    right, (narrow, wide) = min(right, count), sorted((a, b))
    low, high = metrics.wilson(right, count, wide)
    share, z = right / count, norm.ppf((1 + wide) / 2)
    for end in (low, high):
        assert (share - end) ** 2 == pytest.approx(z**2 * end * (1 - end) / count, abs=1e-9)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    within = metrics.wilson(right, count, narrow)
    assert low <= within[0] + 1e-12
    assert within[1] <= high + 1e-12
    mirrored = metrics.wilson(count - right, count, wide)
    np.testing.assert_allclose(mirrored, (1 - high, 1 - low), atol=1e-12)


@given(pairs(), seeds)
@few
def test_the_floor_is_the_mean_of_what_perfect_models_show(given, seed):
    confidence = given[0]
    found = metrics.noise_draws(metrics.ece, confidence, draws=7, seed=seed, bins=5)
    rng = np.random.default_rng(seed)
    by_hand = [metrics.ece(confidence, rng.random(len(confidence)) < confidence, bins=5) for _ in range(7)]
    np.testing.assert_allclose(found, by_hand, atol=1e-12)
    assert metrics.noise_floor(metrics.ece, confidence, 7, seed, bins=5) == pytest.approx(np.mean(by_hand))
    assert metrics.ece_floor(confidence, 5, 7, seed) == pytest.approx(np.mean(by_hand))
    certain = np.round(confidence)
    assert metrics.ece_floor(certain, draws=7, seed=seed) == 0  # what is sure cannot be wrong by chance


@given(pairs(least=2), seeds, st.floats(0.1, 0.9), st.floats(0.1, 0.9))
@few
def test_intervals_lie_in_range_and_grow_with_the_level(given, seed, a, b):
    levels = sorted((a, b))
    narrow, wide = (metrics.interval(metrics.ece, *given, level=one, draws=40, seed=seed) for one in levels)
    assert 0 <= wide.low <= narrow.low + 1e-12
    assert narrow.high - 1e-12 <= wide.high <= 1


@given(pairs(least=2), seeds)
@few
def test_a_paired_difference_changes_sign_with_its_sides(given, seed):
    confidence, correct = given
    other = (1 - confidence, correct)
    there = metrics.paired_difference(metrics.ece, given, other, draws=20, seed=seed)
    back = metrics.paired_difference(metrics.ece, other, given, draws=20, seed=seed)
    assert there.value == pytest.approx(metrics.ece(*given) - metrics.ece(*other))
    np.testing.assert_allclose(there, (-back.value, -back.high, -back.low), atol=1e-12)
    nothing = metrics.paired_difference(metrics.ece, given, given, draws=20, seed=seed)
    assert tuple(nothing) == (0, 0, 0)


@given(answers(), seeds)
@few
def test_the_summary_repeats_each_measure(given, seed):
    proba, labels = given
    found, top = metrics.summary(proba, labels, bins=7, draws=9, seed=seed), metrics.top_label(proba, labels)
    for name in ("ece", "adaptive_ece", "debiased_ece", "mce"):
        assert found[name] == getattr(metrics, name)(*top, 7)
    for name in ("smooth_ece", "top_label_brier", "auroc"):
        assert found[name] == pytest.approx(getattr(metrics, name)(*top), nan_ok=True)
    assert found["accuracy"] == metrics.accuracy(top[1])
    assert (found["brier"], found["nll"]) == (metrics.brier(proba, labels), metrics.nll(proba, labels))
    assert found["ece_floor"] == metrics.ece_floor(top[0], 7, 9, seed)
    measured = protocol.measure(protocol.Answers(tuple(map(str, range(len(labels)))), proba, labels), 9, seed)
    assert measured["aurc"] == metrics.aurc(*top)
    assert measured["mce"] == metrics.mce(*top)


@given(st.integers(1, 4), st.integers(4, 15), seeds)
@few
def test_resampled_means_of_a_method_with_itself_never_differ(splits, n, seed):
    rng = np.random.default_rng(seed)
    ids = tuple(f"q{i}" for i in range(n))
    sides = [protocol.Answers(ids, rng.dirichlet(np.ones(3), n), rng.integers(0, 3, n)) for _ in range(splits)]
    drawn = protocol.bootstrap({"a": sides, "b": sides[::-1]}, ["ece", "brier"], draws=8, seed=seed)
    exact = np.mean([metrics.ece(*metrics.top_label(side.values, side.outcomes)) for side in sides])
    assert drawn["a", "ece"][0] == pytest.approx(exact)
    assert drawn["a", "brier"][0] == pytest.approx(np.mean([metrics.brier(*side[1:]) for side in sides]))
    for quantity in ("ece", "brier"):
        assert drawn["a", quantity].shape == (9,)
        np.testing.assert_allclose(drawn["a", quantity], drawn["b", quantity], atol=1e-12)
    assert protocol.difference(drawn["a", "ece"], drawn["a", "ece"]).value == 0


@given(st.data())
@few
def test_splits_cover_each_question_once_and_comparisons_are_paired(data):
    traces, seed = data.draw(full), data.draw(seeds)
    for found, (fit, test) in protocol.enumerate_splits(traces, 0.4, [seed, seed + 1]):
        assert found in (seed, seed + 1)
        assert sorted([*fit, *test]) == list(range(len(traces)))
    table = protocol.compare(traces, ["vanilla", "align-all"], 0.5, [seed], draws=3)
    assert (table.groupby("seed")["accuracy"].nunique() == 1).all()  # no temperature touches it
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.5, [seed])
    fitted = da.AlignAll().fit(traces.select(fit))
    same(
        protocol.judge(fitted, traces.select(test), 3, seed),
        table.iloc[1].drop(["method", "seed", "temperature", "n_fit", "reason"]).to_dict(),
        rel=1e-9,
    )
    mean = protocol.averaged(table)
    assert mean.set_index("method")["value"].to_dict() == pytest.approx(table.groupby("method")["ece"].mean().to_dict())


@given(answers(), shares)
@few
def test_mixing_with_a_blind_guess_lowers_confidence(given, share):
    proba, labels = given
    mixed = (1 - share) * proba + share / proba.shape[1]
    assert (metrics.top_label(mixed, labels)[0] <= metrics.top_label(proba, labels)[0] + 1e-12).all()
