"""Judged answers: the signal against a count of pairs, the finite optimum against the solver, the verdict's rule."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_traces
from hypothesis import given, settings
from hypothesis import strategies as st

import dualalign as da
from dualalign import align_all, judged, metrics
from dualalign.protocol import Answers

seeds = st.integers(0, 2**31)


def answers(n: int = 60, seed: int = 0, strength: float = 0.0) -> da.Traces:
    """Two answers a question; the log-odds of Yes rise with `strength` where the answer is right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    odds = rng.normal(size=(2, n)) + strength * (1 - 2 * labels)
    plm, polm = (np.stack([z, np.zeros(n)], axis=1)[:, None].repeat(2, axis=1).astype(np.float32) for z in odds)
    return da.Traces(plm, polm, labels, np.full(n, 2), tuple(f"set/{i // 2}/{i % 2}" for i in range(n)))


def test_answers_to_one_question_share_its_id_and_its_side():
    traces = judged.by_question(answers(8))
    assert traces.question_ids == ("set/0", "set/0", "set/1", "set/1", "set/2", "set/2", "set/3", "set/3")
    assert judged.by_question(replace(answers(2), question_ids=("a", "b"))).question_ids == ("a", "b")
    for fit, test in metrics.repeated_splits(traces.question_ids, (), 0.5, range(3)):
        assert not {traces.question_ids[i] for i in fit} & {traces.question_ids[i] for i in test}


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_signal_is_the_share_of_pairs_put_in_order(seed):
    traces = answers(30, seed, strength=0.5)
    p = judged.p_true(traces, "polm")
    right, wrong = p[traces.labels == 0], p[traces.labels == 1]
    wins = np.mean([(a > b) + (a == b) / 2 for a in right for b in wrong])
    found = judged.signal(traces, "polm", draws=50)
    assert found.value == pytest.approx(wins)
    assert found.value == pytest.approx(metrics.auroc(p, traces.labels == 0))


def test_signal_interval_draws_questions():
    """The same answer ten times over is one answer: the interval must not shrink."""
    one = replace(answers(100, 1, 0.4), question_ids=tuple(f"q{i}" for i in range(100)))
    ten = da.Traces.concat([one] * 10)
    a, b = judged.signal(one, "polm"), judged.signal(ten, "polm")
    assert (b.value, b.low, b.high) == pytest.approx((a.value, a.low, a.high))
    rows = replace(ten, question_ids=tuple(map(str, range(1000))))
    c = judged.signal(rows, "polm")
    assert (c.high - c.low) < 0.5 * (a.high - a.low)
    expected = metrics.interval(metrics.auroc, judged.p_true(one, "polm"), one.labels == 0, draws=4000)
    assert (a.low, a.high) == pytest.approx(expected, abs=0.01)


def test_signal_and_odds_refuse_what_they_cannot_judge():
    traces = answers(6)
    with pytest.raises(ValueError, match="labels are all alike"):
        judged.signal(replace(traces, labels=np.zeros(6, int)), "plm")
    with pytest.raises(ValueError, match="more than two options"):
        judged.p_true(make_traces(5), "plm")


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([2, 3, 5]))
def test_a_question_has_a_finite_optimum_where_the_solver_finds_one(seed, k):
    rng = np.random.default_rng(seed)
    g, f = (rng.normal(size=(4, 2, k)).astype(np.float32) for _ in range(2))
    g[0, :, -1] = f[0, :, -1] = -np.inf if k > 2 else 0.3
    options = np.full(4, k)
    options[0] -= k > 2
    traces = da.Traces(g, f, np.zeros(4, int), options, tuple("abcd"))
    finite = align_all.has_finite_optimum(traces)
    for i in range(4):
        fit = da.AlignAll().fit(traces.select([i, i]))
        assert math.isfinite(fit.temperature_) == finite[i] or "edge" in fit.reason_


def test_with_two_options_no_finite_optimum_is_disagreement_and_the_best_is_a_ratio():
    traces = answers(200, 4)
    finite = align_all.has_finite_optimum(traces)
    np.testing.assert_array_equal(finite, da.drift.agreement(traces))
    ratio = judged.log_odds(traces, "polm") / judged.log_odds(traces, "plm")
    for i in np.flatnonzero(finite & (ratio > 0.02) & (ratio < 50))[:20]:
        assert da.AlignAll().fit(traces.select([i, i])).temperature_ == pytest.approx(ratio[i], rel=1e-5)


def test_p_true_is_the_other_event():
    traces = answers(50, 2, 1.0)
    verdicts = Answers(traces.question_ids, da.Vanilla().fit(traces).predict_proba(traces), traces.labels)
    found = judged.as_p_true(verdicts)
    np.testing.assert_allclose(found.values, 1 / (1 + np.exp(-judged.log_odds(traces, "polm"))), atol=1e-12)
    np.testing.assert_array_equal(found.outcomes, traces.labels == 0)
    with pytest.raises(ValueError, match="a confidence alone"):
        judged.as_p_true(Answers(traces.question_ids, np.ones(50), traces.labels))
    (half,) = judged.coin([verdicts])
    assert (half.values == 0.5).all()
    assert metrics.ece(*metrics.top_label(half.values, half.outcomes)) == pytest.approx(
        abs((traces.labels == 0).mean() - 0.5)
    )


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_verdicts_error_is_never_the_larger(seed):
    """Bins that fold at one half: a bin of verdicts is two bins of answers, whose errors can cancel."""
    traces = answers(80, seed, 0.7)
    verdicts = Answers(traces.question_ids, da.Vanilla().fit(traces).predict_proba(traces), traces.labels)
    about = judged.as_p_true(verdicts)
    of_verdicts = metrics.ece(*metrics.top_label(verdicts.values, verdicts.outcomes))
    assert of_verdicts <= metrics.ece(about.values, about.outcomes) + 1e-12


def test_verdict_needs_a_signal_first():
    known, chance = judged.Signal(0.7, 0.65, 0.75), judged.Signal(0.5, 0.45, 0.55)
    wins = pd.DataFrame({"minus": [-0.1, -0.05], "p": [0.01, 0.04]}, index=["vanilla", "daca"])
    assert judged.verdict(chance, wins, ["vanilla", "daca"]) == "undecided"
    assert judged.verdict(known, wins, ["vanilla", "daca"]) == "supported"
    assert judged.verdict(known, wins.assign(p=[0.01, 0.2]), ["vanilla", "daca"]) == "undecided"
    assert judged.verdict(known, wins.assign(minus=[0.1, -0.05]), ["vanilla", "daca"]) == "contradicted"
    assert judged.verdict(known, wins.assign(minus=[0.1, -0.05], p=[0.3, 0.01]), ["vanilla", "daca"]) == "undecided"
