"""Risk at every coverage and its mean, against every order of tied questions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import metrics


def brute_aurc(confidence, correct):
    """Mean over every order of the questions that sorts them by confidence."""
    orders = [
        order
        for order in itertools.permutations(range(len(confidence)))
        if all(confidence[a] >= confidence[b] for a, b in itertools.pairwise(order))
    ]
    risks = [[1 - np.mean([correct[i] for i in order[:k]]) for k in range(1, len(order) + 1)] for order in orders]
    return np.mean(risks)


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=6))
def test_aurc_against_every_order_of_ties(pairs):
    confidence, correct = zip(*pairs, strict=True)
    assert metrics.aurc(confidence, correct) == pytest.approx(brute_aurc(confidence, correct), abs=1e-12)


def test_aurc_at_its_ends_and_its_curve():
    assert metrics.aurc([0.3, 0.9], [True, True]) == 0
    assert metrics.aurc([0.3, 0.9], [False, False]) == 1
    coverage, risk = metrics.risk_coverage([0.1, 0.9, 0.5, 0.5], [False, True, True, False])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(risk, [0, 0.25, 1 / 3, 0.5])
    rng = np.random.default_rng(0)
    confidence, right = rng.random(500), rng.random(500) < 0.4
    assert metrics.aurc(confidence, right) == metrics.aurc(confidence**3, right)  # only the order counts
    low, high = metrics.interval(metrics.aurc, confidence, right, draws=50)
    assert low < 0.6 < high
    with pytest.raises(ValueError, match="NaN"):
        metrics.aurc([np.nan], [True])
