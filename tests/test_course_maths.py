"""What the exercises on aligning share, against the library and by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dualalign import drift
from dualalign.calibrators import AlignAll
from dualalign.course import maths
from dualalign.traces import Traces


@pytest.fixture
def questions():
    rng = np.random.default_rng(3)
    plm, polm = rng.normal(0, 1.2, (40, 4)), rng.normal(0, 3, (40, 4))
    return plm, polm + 2 * plm


def test_beliefs_are_those_of_the_library(questions):
    plm, polm = questions
    np.testing.assert_allclose(maths.softmax(polm, 2.5), np.exp(drift.log_softmax_options(polm, 2.5)), atol=1e-12)
    np.testing.assert_allclose(maths.entropy(maths.softmax(plm)), drift.entropy(plm), atol=1e-12)
    logs = drift.log_softmax_options(plm), drift.log_softmax_options(polm)
    np.testing.assert_allclose(maths.js(*np.exp(logs)), drift.js_divergence(*logs), atol=1e-9)
    assert maths.entropy([1.0, 0.0]) == 0


def test_aligned_is_align_all(questions):
    plm, polm = (values.astype(np.float32) for values in questions)
    names = tuple(map(str, range(40)))
    traces = Traces(plm[:, None], polm[:, None], np.zeros(40, int), np.full(40, 4), names)
    found = maths.aligned(polm.astype(float), maths.softmax(plm.astype(float)))
    assert found == pytest.approx(AlignAll().fit(traces).temperature_, rel=1e-5)
    losses = [maths.kl(maths.softmax(plm), maths.softmax(polm, t)).mean() for t in (found / 1.02, found, found * 1.02)]
    assert losses[1] < min(losses[0], losses[2])


def test_no_temperature_is_best_where_the_plm_contradicts():
    z = np.array([[1.0, 0.95, 0.95, -10.0]])
    assert math.isinf(maths.aligned(z, np.array([[0.30, 0.02, 0.02, 0.66]])))
    assert math.isinf(maths.crossing(lambda t: 1.0))


def test_grid_finds_a_valley():
    assert maths.best_on_grid(lambda t: (math.log(t) - math.log(3.7)) ** 2) == pytest.approx(3.7, abs=1e-3)


def test_drawn_and_rounded_beliefs_are_beliefs():
    rng = np.random.default_rng(0)
    drawn = np.array([maths.percent(rng, 4) for _ in range(200)])
    assert (drawn >= 0.02).all()
    assert (np.diff(drawn) <= 0).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    rounded = maths.rounded(rng.dirichlet(np.full(4, 0.2), 200))
    assert (rounded >= 0.001).all()
    np.testing.assert_allclose(rounded.sum(axis=1), 1)
    np.testing.assert_allclose(rounded, np.round(rounded, 3))
