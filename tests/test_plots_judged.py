"""Figures of judged answers: the bars hold the shares, the marks their answers."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

import dualalign as da
from dualalign import align_all, judged, plots

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def traces(n: int = 80) -> da.Traces:
    rng = np.random.default_rng(5)
    plm, polm = rng.normal(size=(2, n, 2, 2)).astype(np.float32)
    return da.Traces(plm, polm, rng.integers(2, size=n), np.full(n, 2), tuple(f"q/{i}" for i in range(n)))


def test_p_true_shares_against_a_count():
    found, t = plots.prepare_p_true(traces(), "polm", bins=5), traces()
    p = 1 / (1 + np.exp(-(t.polm_final[:, 0] - t.polm_final[:, 1]).astype(float)))
    for name, label in (("right", 0), ("wrong", 1)):
        inside = [sum(int(x * 5) == b for x in p[t.labels == label]) for b in range(5)]
        assert found[name].tolist() == pytest.approx((np.array(inside) / (t.labels == label).sum()).tolist())


def test_p_true_draws_both_models():
    axes = plots.plot_p_true(traces(), bins=5)
    for ax, model in zip(axes, ("plm", "polm"), strict=True):
        shares = plots.prepare_p_true(traces(), model, 5)
        drawn = [patch.get_data().values for patch in ax.patches]  # filled and outlined right, outlined wrong
        for values, name in zip(drawn, ("right", "right", "wrong"), strict=True):
            np.testing.assert_array_equal(values, shares[name])
    assert [ax.get_title(loc="left") for ax in axes] == ["PLM", "PoLM"]


def test_log_odds_fall_apart_by_quadrant():
    t = traces()
    ax = plots.plot_log_odds(t)
    finite = align_all.has_finite_optimum(t)
    for marks, rows in zip(ax.collections, (finite, ~finite), strict=True):
        points = marks.get_offsets()
        np.testing.assert_allclose(points[:, 0], judged.log_odds(t, "plm")[rows])
        np.testing.assert_allclose(points[:, 1], judged.log_odds(t, "polm")[rows])
    assert (ax.collections[0].get_offsets().prod(axis=1) > 0).all()  # same sign: both say Yes, or both say No
    assert (ax.collections[1].get_offsets().prod(axis=1) < 0).all()
