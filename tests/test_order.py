"""Places, votes and exchangeable wordings against loops, enumeration and models whose bias is known."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

import dualalign as da
from dualalign import metrics, order

seeds = st.integers(0, 2**31)


def permuted(n: int = 6, k: int = 4, seed: int = 0, prior=0.0, noise: float = 0.0, short: bool = False) -> da.Traces:
    """Questions in every order; the PoLM's logit is what the option says + prior of the place + noise."""
    rng, rows = np.random.default_rng(seed), []
    for question in range(n):
        own = k - 1 if short and question == 0 else k
        says, label = rng.normal(size=own) * 2, int(rng.integers(own))
        for shown in itertools.permutations(range(own)):
            logits = says[list(shown)] + np.resize(prior, own) + noise * rng.normal(size=own)
            pad = (0, k - own)
            plm = np.pad(says[list(shown)], pad, constant_values=-np.inf)
            polm = np.pad(logits, pad, constant_values=-np.inf)
            rows.append(
                ([plm, plm], [polm, polm], [*shown, *[-1] * (k - own)], shown.index(label), own, f"q{question}")
            )
    plm, polm, shown, labels, n_options, ids = zip(*rows, strict=True)
    return da.Traces(
        np.float32(plm), np.float32(polm), np.array(labels), np.array(n_options), ids, order=np.array(shown)
    )


def shuffled(traces: da.Traces, seed: int = 0) -> da.Traces:
    return traces.select(np.random.default_rng(seed).permutation(len(traces)))


# -- Places --------------------------------------------------------------------------------------------------------


def test_a_model_without_a_bias_chooses_every_place_equally_often():
    table = order.place_shares(permuted(prior=[3.0, 0, 0, 0])).set_index(["model", "place"])
    assert table.chosen["plm"].tolist() == pytest.approx([0.25] * 4)
    assert table.chosen["polm"][1] > 0.4
    assert table.chosen_low["polm"][1] > 0.25
    assert table.right["polm"][1] > table.right["plm"][1]  # it finds the right option more often where it stands first


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_place_shares_against_loops(seed):
    traces = shuffled(permuted(5, 3, seed, noise=1.0))
    table = order.place_shares(traces, draws=20).set_index(["model", "place"])
    for model, logits in (("plm", traces.plm_final), ("polm", traces.polm_final)):
        for place in range(3):
            named = [int(row.argmax()) == place for row in logits]
            assert table.chosen[model, place + 1] == pytest.approx(np.mean(named))
            hits = [n for n, label in zip(named, traces.labels, strict=True) if label == place]
            assert table.right[model, place + 1] == pytest.approx(np.mean(hits))


def test_place_intervals_resample_questions_not_rows():
    """Forty questions that always choose the first place or never: the rows say nothing more than the questions do."""
    traces = permuted(40, 2, seed=3)
    logits = np.zeros_like(traces.polm_logits)
    logits[:, :, 0] = np.where(np.char.endswith(traces.question_ids, "1"), 1.0, -1.0)[:, None]
    table = order.place_shares(replace(traces, polm_logits=logits), draws=2000).set_index(["model", "place"])
    share = table.chosen["polm", 1]
    half = (table.chosen_high["polm", 1] - table.chosen_low["polm", 1]) / 2
    assert half == pytest.approx(1.96 * np.sqrt(share * (1 - share) / 40), rel=0.15)


def test_questions_with_other_numbers_of_options_do_not_count():
    table = order.place_shares(permuted(5, short=True), draws=10)
    assert set(table.n) == {4}
    assert set(table.place) == {1, 2, 3, 4}
    with pytest.raises(ValueError, match="uneven"):
        order.place_shares(permuted(3).select(slice(0, 50)))


# -- Orders --------------------------------------------------------------------------------------------------------


def test_as_written_finds_the_identity():
    traces = shuffled(permuted(5, short=True))
    found = order.as_written(traces)
    assert len(found) == 5
    for row in range(5):
        own = found.n_options[row]
        assert found.order[row, :own].tolist() == list(range(own))
    with pytest.raises(ValueError, match="5 questions have 6 rows in the original order"):
        order.as_written(da.Traces.concat([traces, found.select([0])]))
    with pytest.raises(ValueError, match="no order"):
        order.as_written(replace(traces, order=None))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_votes_against_a_count(seed):
    traces = shuffled(permuted(5, 4, seed, prior=[1.0, 0, 0, 0], noise=1.5, short=True), seed)
    named: dict[str, Counter] = {}
    right: dict[str, int] = {}
    for row, question in enumerate(traces.question_ids):
        named.setdefault(question, Counter())[int(traces.order[row, traces.polm_final[row].argmax()])] += 1
        right[question] = int(traces.order[row, traces.labels[row]])
    found = order.votes(traces)
    assert found.questions == tuple(named)
    assert found.outcomes.tolist() == list(right.values())
    for shares, count in zip(found.values, named.values(), strict=True):
        assert shares.tolist() == pytest.approx([count[i] / count.total() for i in range(4)])
    assert np.array_equal(order.votes(traces, "plm").values.max(axis=1), np.ones(5))  # the PLM has no bias and no noise


def test_votes_refuse_rows_of_different_labels():
    traces = permuted(2, 3)
    wrong = replace(traces, labels=np.roll(traces.labels, 1))
    with pytest.raises(ValueError, match="differ in their label"):
        order.votes(wrong)
    with pytest.raises(ValueError, match="no order"):
        order.votes(replace(traces, order=None))
    with pytest.raises(ValueError, match="model is 'f'"):
        order.votes(traces, "f")


def test_by_order_holds_every_question_once():
    parts = order.by_order(shuffled(permuted(5, 3)))
    assert sorted(parts) == list(itertools.permutations(range(3)))
    for shown, part in parts.items():
        assert sorted(part.question_ids) == [f"q{i}" for i in range(5)]
        assert (part.order == shown).all()


# -- Exchangeable wordings -----------------------------------------------------------------------------------------


def two_wordings(n: int, seed: int = 0) -> dict[str, da.Traces]:
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(2, n, 2, 3)).astype(np.float32), rng.integers(3, size=n)
    ids, k = tuple(f"q{i}" for i in range(n)), np.full(n, 3)
    return {name: da.Traces(z, z, labels, k, ids) for name, z in zip("ab", logits, strict=True)}


def test_exchange_agrees_with_every_deal():
    """Six questions under two wordings can be dealt in 2^6 ways: the test must know their mean and their tail."""
    wordings = two_wordings(6)
    p = [softmax(t.polm_final.astype(np.float64), axis=1) for t in wordings.values()]
    labels, spreads = wordings["a"].labels, []
    for swap in itertools.product([0, 1], repeat=6):
        sides = [np.stack([p[s ^ side][i] for i, s in enumerate(swap)]) for side in (0, 1)]
        top = [(q.max(axis=1), q.argmax(axis=1) == labels) for q in sides]
        scores = [(r.mean(), c.mean(), metrics.ece(c, r)) for c, r in top]
        spreads.append(np.std(scores, axis=0, ddof=1))
    table = order.exchange(wordings, draws=4000)
    assert table.spread.tolist() == pytest.approx(spreads[0].tolist())
    assert table.expected.tolist() == pytest.approx(np.mean(spreads, axis=0).tolist(), rel=0.05)
    tail = [(np.array(s) >= spreads[0][i] - 1e-12).mean() for i, s in enumerate(zip(*spreads, strict=True))]
    assert table.p.tolist() == pytest.approx(tail, abs=0.03)


def test_exchange_sees_a_wording_that_confuses_and_not_one_that_does_nothing():
    wordings = two_wordings(200)
    sure = replace(wordings["b"], polm_logits=wordings["b"].polm_logits * 8)
    moved = order.exchange({"a": wordings["a"], "b": sure}, draws=200)
    assert moved.p["confidence"] < 0.01
    assert moved.p["accuracy"] > 0.05
    same = order.exchange({"a": wordings["a"], "b": wordings["a"]}, draws=50)
    assert (same[["spread", "expected"]] == 0).all(axis=None)
    assert (same.p == 1).all()
    with pytest.raises(ValueError, match="different questions"):
        order.exchange({"a": wordings["a"], "b": wordings["b"].select(slice(0, 10))})


# -- Methods on the same held-out questions ------------------------------------------------------------------------


def test_held_out_asks_every_method_the_same_questions():
    traces = permuted(20, 3, seed=2, prior=[1.5, 0, 0], noise=0.5)
    found = order.held_out(traces, ["vanilla", "dual-align", "batch"], seeds=[0, 4])
    names = {"vanilla", "dual-align", "batch", "pride", "cape", "consistency", "plm"}
    assert names | {"cape + daca", "cape + dual-align", "cape + temperature-scaling"} == set(found)
    splits = metrics.repeated_splits(traces.question_ids, (), 0.3, [0, 4])
    for side, (fit, test) in enumerate(splits):
        asked = order.as_written(traces.select(test))
        for answers in found.values():
            assert answers[side].questions == asked.question_ids
            np.testing.assert_array_equal(answers[side].outcomes, asked.labels)
        expected = da.CAPE().fit(traces.select(fit)).predict_proba(traces.select(test))
        np.testing.assert_allclose(found["cape"][side].values, expected, atol=1e-6)
        pride = da.PriDe(permuted=traces.select(fit)).fit(asked)
        np.testing.assert_allclose(found["pride"][side].values, pride.predict_proba(asked), atol=1e-12)
        np.testing.assert_array_equal(found["consistency"][side].values, order.votes(traces.select(test)).values)


def test_held_out_takes_questions_without_content():
    traces, empty = permuted(20, 3, seed=2, prior=[1.5, 0, 0], noise=0.5), permuted(2, 3, seed=5, prior=[1.5, 0, 0])
    found = order.held_out(traces, ["vanilla"], seeds=[0], content_free=empty)
    ((_, test),) = metrics.repeated_splits(traces.question_ids, (), 0.3, [0])
    asked = order.as_written(traces.select(test))
    contextual = da.ContextualCalibration(content_free=empty).fit(asked)
    np.testing.assert_allclose(found["contextual"][0].values, contextual.predict_proba(asked), atol=1e-12)
