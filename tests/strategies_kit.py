"""Strategies of the property tests, and what may be done to traces without changing what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from conftest import make_traces
from hypothesis import Phase, settings
from hypothesis import strategies as st

import dualalign as da

once = settings(max_examples=1, phases=[Phase.generate])  # where a smaller example says no more
few = settings(max_examples=5)
some = settings(max_examples=20)
seeds = st.integers(0, 2**31)
layers = st.one_of(st.integers(2, 5), st.tuples(st.integers(2, 5), st.integers(2, 5)))
traces = st.builds(
    make_traces, n=st.integers(8, 20), layers=layers, k=st.integers(2, 5), seed=seeds, padded=st.booleans()
)
full = st.builds(make_traces, n=st.integers(8, 20), layers=st.integers(3, 5), k=st.integers(3, 4), seed=seeds)
shares = st.floats(0, 1)


@st.composite
def pairs(draw, least: int = 1):
    """Confidences (N,) and whether they were right, ties among them."""
    n = draw(st.integers(least, 30))
    rng = np.random.default_rng(draw(seeds))
    return rng.random(n).round(draw(st.sampled_from([1, 2, 12]))), rng.random(n) < draw(shares)


@st.composite
def answers(draw, least: int = 2):
    """Probabilities (N, K), rows of zeros and ones among them, and labels (N,)."""
    n, k = draw(st.integers(least, 30)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(seeds))
    proba = rng.dirichlet(np.full(k, draw(st.sampled_from([0.3, 1.0, 5.0]))), n)
    return proba / proba.sum(axis=1, keepdims=True), rng.integers(0, k, n)


def reordered(given: da.Traces, seed: int) -> tuple[da.Traces, np.ndarray]:
    """Return the questions in another order, and the order."""
    order = np.random.default_rng(seed).permutation(len(given))
    return given.select(order), order


def shifted(given: da.Traces, seed: int) -> da.Traces:
    """Return traces with a constant added to the logits of each question, layer and model: no probability changes.

    The constants are whole, so that float32 loses nothing of the differences that decide ties.
    """
    rng = np.random.default_rng(seed)
    moved = [
        z + rng.integers(-4, 5, (*z.shape[:2], 1)).astype(np.float32) for z in (given.plm_logits, given.polm_logits)
    ]
    return replace(given, plm_logits=moved[0], polm_logits=moved[1])


def widened(given: da.Traces, by: int = 2) -> da.Traces:
    """Return traces with columns that hold no option."""
    wide = [
        np.pad(z, ((0, 0), (0, 0), (0, by)), constant_values=-np.inf) for z in (given.plm_logits, given.polm_logits)
    ]
    return replace(given, plm_logits=wide[0], polm_logits=wide[1])


def permuted(given: da.Traces, places: np.ndarray) -> da.Traces:
    """Return the same questions with option ``places[i]`` shown at place i."""
    shown = [z[:, :, places] for z in (given.plm_logits, given.polm_logits)]
    orders = np.tile(places, (len(given), 1))
    labels = np.argsort(places)[given.labels]
    fields = {"n_options": given.n_options, "question_ids": given.question_ids, "groups": given.groups}
    return da.Traces(*shown, labels=labels, order=orders, metadata=given.metadata, **fields)


def frozen(value: object) -> object:
    """Return what tells whether a value was changed: every array as bytes, every table as such."""
    if isinstance(value, da.Traces):
        return tuple(frozen(part) for part in vars(value).values())
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes() if value.dtype != object else tuple(value.ravel())
    if hasattr(value, "to_numpy"):
        return tuple(map(str, value.axes)), frozen(value.to_numpy())
    if isinstance(value, dict):
        return tuple((key, frozen(part)) for key, part in sorted(value.items()))
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else repr(value)


def same(left: object, right: object, rel: float = 1e-5, at: float = 2e-6) -> None:
    """Assert that two results say the same, numbers up to rounding; tables row by row of their index."""
    if hasattr(left, "to_numpy"):
        assert left.index.equals(right.index)
        same(left.reset_index().to_dict("list"), right.reset_index().to_dict("list"), rel, at)
    elif isinstance(left, da.Traces):
        same(vars(left), vars(right), rel, at)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            same(left[key], right[key], rel, at)
    elif isinstance(left, np.ndarray) and left.dtype.kind in "fc":
        np.testing.assert_allclose(right, left, rtol=rel, atol=at)
    elif isinstance(left, np.ndarray):
        assert np.array_equal(left, right)
    elif isinstance(left, float | np.floating):
        assert np.isclose(left, right, rtol=rel, atol=at, equal_nan=True), (left, right)
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            same(one, other, rel, at)
    else:
        assert left == right
