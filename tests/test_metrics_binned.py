"""Binned calibration errors against brute-force loops, closed forms and public libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import metrics

GRID = [k / 20 for k in range(21)]  # ties, both ends and every bin edge
ANY = st.one_of(st.sampled_from(GRID), st.floats(0, 1))
PAIRS = st.lists(st.tuples(ANY, st.booleans()), min_size=1, max_size=40).map(
    lambda rows: (np.array([r[0] for r in rows]), np.array([r[1] for r in rows]))
)
BINS = st.integers(1, 15)


def loop_bins(confidence, bins):
    """Members of each bin [k / bins, (k + 1) / bins), the last one closed."""
    members = [[] for _ in range(bins)]
    for i, c in enumerate(confidence):
        k = next((k for k in range(bins) if k / bins <= c < (k + 1) / bins), bins - 1)
        members[k].append(i)
    return members


def loop_mass_bins(confidence, bins):
    """Members of the groups of numpy.array_split, ties moved to the group of the first of them."""
    order = sorted(range(len(confidence)), key=lambda i: confidence[i])
    members, home = [[] for _ in range(bins)], {}
    for k, part in enumerate(np.array_split(order, bins)):
        for i in part:
            members[home.setdefault(confidence[i], k)].append(i)
    return members


def gaps(members, confidence, correct):
    return [(len(m), abs(np.mean(correct[m]) - np.mean(confidence[m]))) for m in members if m]


@given(PAIRS, BINS)
def test_ece_and_mce_equal_a_loop_over_bins(pairs, bins):
    found = gaps(loop_bins(pairs[0], bins), *pairs)
    assert metrics.ece(*pairs, bins=bins) == pytest.approx(sum(n * g for n, g in found) / len(pairs[0]), abs=1e-12)
    assert metrics.mce(*pairs, bins=bins) == pytest.approx(max(g for _, g in found), abs=1e-12)


@given(PAIRS, BINS)
def test_adaptive_ece_equals_a_loop_over_groups(pairs, bins):
    found = gaps(loop_mass_bins(pairs[0], bins), *pairs)
    expected = sum(n * g for n, g in found) / len(pairs[0])
    assert metrics.adaptive_ece(*pairs, bins=bins) == pytest.approx(expected, abs=1e-12)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_of_the_questions_does_not_matter(pairs, random):
    order = list(range(len(pairs[0])))
    random.shuffle(order)
    for metric in (metrics.ece, metrics.adaptive_ece, metrics.mce, metrics.debiased_ece):
        assert metric(pairs[0][order], pairs[1][order]) == pytest.approx(metric(*pairs), abs=1e-12)


def test_edges_belong_to_the_bin_they_open():
    confidence = np.array([0.0, 0.1, 0.3, 0.6, 0.7, 0.9, np.nextafter(0.3, 0), np.nextafter(1, 0), 1.0])
    assert metrics.equal_width(confidence, 10).tolist() == [0, 1, 3, 6, 7, 9, 2, 9, 9]


def test_confidence_one_shares_the_last_bin_with_its_neighbours():
    # 1.0 and 0.9 average to 0.95 with accuracy 1/2; a phantom bin for 1.0 would give (1 + 0.1) / 2
    assert metrics.ece([1.0, 0.9], [False, True]) == pytest.approx(0.45)


@pytest.mark.parametrize("metric", [metrics.ece, metrics.adaptive_ece, metrics.mce, metrics.smooth_ece])
def test_closed_forms(metric):
    assert metric([1.0, 1.0, 1.0], [True, True, True]) == 0.0
    assert metric([1.0], [False]) == pytest.approx(1.0)
    assert metric([0.25], [True]) == pytest.approx(0.75)
    assert metric(np.full(8, 0.6), np.arange(8) < 4) == pytest.approx(0.1)  # a constant: |accuracy - confidence|


def test_ties_only_give_one_bin():
    assert set(metrics.equal_mass(np.full(50, 0.7), 10)) == {0}


def test_equal_mass_without_ties_gives_groups_of_array_split():
    index = metrics.equal_mass(np.random.default_rng(0).permutation(23) / 23, 10)
    assert np.bincount(index).tolist() == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]


def test_debiased_ece_equals_the_monte_carlo_of_its_definition():
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.2, 1, 200)
    correct = rng.random(200) < confidence - 0.1
    share, level, right = zip(
        *[(len(m) / 200, confidence[m].mean(), correct[m].mean()) for m in loop_bins(confidence, 10) if m],
        strict=True,
    )
    share, level, right = map(np.array, (share, level, right))
    drawn = rng.normal(right, np.sqrt(right * (1 - right) / (200 * share)), (100_000, len(share)))
    expected = 2 * metrics.ece(confidence, correct) - (np.abs(drawn - level) @ share).mean()
    assert metrics.debiased_ece(confidence, correct) == pytest.approx(expected, abs=5e-4)


def test_debiased_ece_agrees_with_its_reference_code():
    calibration = pytest.importorskip("calibration")
    rng = np.random.default_rng(5)
    confidence, correct = rng.random(400), rng.random(400) < 0.5
    np.random.seed(0)  # the reference draws from the global generator
    members = [m for m in loop_bins(confidence, 10) if m]
    binned = [[(confidence[i], int(correct[i])) for i in m] for m in members]
    reference = calibration.utils.normal_debiased_ce(binned, power=1, resamples=20_000)
    assert metrics.debiased_ece(confidence, correct) == pytest.approx(reference, abs=2e-3)


def test_debiased_ece_leaves_the_stated_share_of_the_floor():
    confidence = np.random.default_rng(0).uniform(0.25, 0.95, 2000)
    floors = [metrics.noise_floor(metric, confidence, draws=2000) for metric in (metrics.debiased_ece, metrics.ece)]
    assert floors[0] / floors[1] == pytest.approx(2 - np.sqrt(2), abs=0.03)


@pytest.mark.models
def test_ece_and_mce_agree_with_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional")
    rng = np.random.default_rng(1)
    confidence, correct = rng.random(500), rng.random(500) < 0.6
    tensors = torch.tensor(confidence), torch.tensor(correct.astype(np.int64))
    for norm, metric in (("l1", metrics.ece), ("max", metrics.mce)):
        witness = functional.calibration_error(*tensors, task="binary", n_bins=10, norm=norm)
        assert metric(confidence, correct) == pytest.approx(float(witness), abs=1e-6)


@given(PAIRS, BINS)
def test_reliability_table_holds_every_question_once(pairs, bins):
    for kind in ("equal-width", "equal-mass"):
        table = metrics.reliability(*pairs, bins=bins, kind=kind)
        filled = table[table["count"] > 0]
        assert len(table) == bins
        assert table["count"].sum() == len(pairs[0])
        assert (filled["count"] * filled["accuracy"]).sum() == pytest.approx(pairs[1].sum())
        assert (filled["confidence"] >= filled["low"] - 1e-12).all()
        assert (filled["confidence"] <= filled["high"] + 1e-12).all()
        assert (filled["accuracy_low"] <= filled["accuracy"] + 1e-12).all()
        assert (filled["accuracy"] <= filled["accuracy_high"] + 1e-12).all()
        assert table[table["count"] == 0]["accuracy"].isna().all()


def test_reliability_table_gives_the_ece():
    rng = np.random.default_rng(2)
    confidence, correct = rng.uniform(0.5, 1, 90), rng.random(90) < 0.7
    table = metrics.reliability(confidence, correct)
    gap = (table["accuracy"] - table["confidence"]).abs().fillna(0)
    assert (table["count"] * gap).sum() / 90 == pytest.approx(metrics.ece(confidence, correct), abs=1e-12)
    assert table.loc[0, ["low", "high", "count"]].tolist() == [0.0, 0.1, 0]


@pytest.mark.parametrize(("right", "count"), [(0, 5), (3, 7), (5, 5), (50, 120)])
def test_wilson_equals_scipy(right, count):
    from scipy.stats import binomtest

    expected = binomtest(right, count).proportion_ci(0.9, method="wilson")
    assert np.allclose(metrics.wilson(right, count, level=0.9), [expected.low, expected.high], atol=1e-12)
