"""PriDe and CAPE against loops and a model whose prior is known, and what permuting options must not change."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_traces
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

import dualalign as da
from dualalign.calibrators import average_permutations
from dualalign.calibrators.permutations import _Questions, log_place_priors

seeds = st.integers(0, 2**31)


def rotations(k: int) -> list[tuple[int, ...]]:
    return [tuple((i + start) % k for i in range(k)) for start in range(k)]


def every_order(k: int) -> list[tuple[int, ...]]:
    return list(itertools.permutations(range(k)))


def permuted(
    n: int = 5, k: int = 4, seed: int = 0, orders=every_order, prior=None, noise: float = 0.0, padded: bool = False
) -> da.Traces:
    """Questions in several orders, logit = what the option says + prior of the place + noise; two layers."""
    rng = np.random.default_rng(seed)
    rows = []
    for question in range(n):
        own = int(rng.integers(2, k + 1)) if padded else k
        content, label = rng.normal(size=(2, own)) * 2, int(rng.integers(own))
        for order in orders(own):
            logits = content[:, list(order)] + (0 if prior is None else prior[:own]) + noise * rng.normal(size=(2, own))
            logits = np.pad(logits + rng.normal(), ((0, 0), (0, k - own)), constant_values=-np.inf)
            places = [*order, *[-1] * (k - own)]
            rows.append((logits, places, order.index(label), own, f"q{question}", f"group-{question % 2}"))
    logits, order, labels, n_options, ids, groups = zip(*rows, strict=True)
    polm = np.array(logits, dtype=np.float32)
    return da.Traces(polm / 2, polm, np.array(labels), np.array(n_options), ids, groups, {"polm": "m"}, np.array(order))


# -- PriDe ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orders", [rotations, every_order])
def test_pride_recovers_the_prior_of_a_model_that_has_one(orders):
    prior = np.array([0.7, -0.4, 0.1, 1.3])
    calibrator = da.PriDe(permuted=permuted(3, orders=orders, prior=prior)).fit(make_traces(10))
    np.testing.assert_allclose(log_softmax(calibrator.log_prior_), log_softmax(prior), atol=1e-6)
    asked = permuted(6, seed=9, prior=prior)
    without = permuted(6, seed=9)
    np.testing.assert_allclose(calibrator.predict_proba(asked), softmax(without.polm_final, axis=1), atol=1e-6)
    assert (calibrator.prediction(asked) == without.polm_final.argmax(axis=1)).all()
    assert (calibrator.prediction(asked) != asked.polm_final.argmax(axis=1)).any()
    assert calibrator.n_fit_ == 3
    assert calibrator.temperature_ == 1.0
    assert "no temperature is fitted" in calibrator.reason_


def test_pride_is_the_papers_formula():
    """A question's prior is the softmax of its mean log-probabilities; the prior is the mean of those."""
    asked, traces = permuted(7, prior=np.array([1.0, 0, 0, -1]), noise=0.8), make_traces(20)
    p = softmax(asked.polm_final.astype(np.float64), axis=1).reshape(7, 24, 4)
    prior = np.mean([softmax(np.log(rows).mean(axis=0)) for rows in p], axis=0)
    expected = softmax(traces.polm_final.astype(np.float64), axis=1) / prior
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(da.PriDe(permuted=asked).fit(traces).predict_proba(traces), expected, atol=1e-12)


@settings(max_examples=30)
@given(seeds)
def test_pride_does_not_depend_on_the_order_of_rows_or_on_which_order_is_the_first(seed):
    asked = permuted(4, seed=seed, noise=0.5, padded=True)
    rng, first = np.random.default_rng(seed), log_place_priors(asked)
    n_options = dict(zip(asked.question_ids, asked.n_options, strict=True))
    renamed = {question: np.append(rng.permutation(n), np.arange(n, 4)) for question, n in n_options.items()}
    order = np.array([renamed[q][row] for q, row in zip(asked.question_ids, asked.order, strict=True)])
    other = replace(asked, order=np.where(asked.mask, order, -1), labels=np.full(len(asked), -1))
    np.testing.assert_allclose(log_place_priors(other), first, atol=1e-9)
    shuffled = asked.select(rng.permutation(len(asked)))
    names = list(dict.fromkeys(shuffled.question_ids))
    np.testing.assert_allclose(log_place_priors(shuffled), first[[int(name[1:]) for name in names]], atol=1e-9)


def test_pride_counts_questions_with_fewer_options_against_their_own_chance():
    asked = permuted(30, seed=2, noise=1.0, padded=True)
    calibrator = da.PriDe(permuted=asked).fit(make_traces(10))
    found = [[] for _ in range(4)]
    for question in dict.fromkeys(asked.question_ids):
        rows = [i for i, name in enumerate(asked.question_ids) if name == question]
        own = asked.n_options[rows[0]]
        prior = softmax(log_softmax(asked.polm_final[rows, :own].astype(np.float64), axis=1).mean(axis=0))
        for place in range(own):
            found[place].append(prior[place] * own)
    np.testing.assert_allclose(np.exp(calibrator.log_prior_), [np.mean(values) for values in found], rtol=1e-12)


def test_what_pride_cannot_use_is_said():
    traces, asked = make_traces(10), permuted(3)
    for nothing in (None, asked.select([])):
        with pytest.raises(ValueError, match="permuted holds no traces; pride needs traces of questions asked in sev"):
            da.PriDe(permuted=nothing).fit(traces)
    with pytest.raises(ValueError, match="traces has no order"):
        da.PriDe(permuted=traces).fit(traces)
    with pytest.raises(ValueError, match="order of question 'q1' is uneven; show each option at each place equally"):
        da.PriDe(permuted=asked.select(np.arange(len(asked)) != 30)).fit(traces)
    twice = da.Traces.concat([asked, asked])
    np.testing.assert_allclose(log_place_priors(twice), log_place_priors(asked), atol=1e-12)


# -- CAPE ----------------------------------------------------------------------------------------------------------


def mean_by_loop(asked: da.Traces, logits: np.ndarray) -> np.ndarray:
    """Mean probability of each original option, a question at a time, (questions, K)."""
    names, width = list(dict.fromkeys(asked.question_ids)), asked.mask.shape[1]
    total, rows = np.zeros((len(names), width)), np.zeros(len(names))
    for row, name in enumerate(asked.question_ids):
        own = asked.n_options[row]
        p = softmax(logits[row, :own].astype(np.float64))
        for place in range(own):
            total[names.index(name), asked.order[row, place]] += p[place]
        rows[names.index(name)] += 1
    return total / rows[:, None]


@settings(max_examples=30)
@given(seeds, st.booleans())
def test_cape_is_the_mean_over_the_orders(seed, padded):
    asked = permuted(4, seed=seed, noise=1.0, padded=padded)
    asked = asked.select(np.random.default_rng(seed).permutation(len(asked)))
    calibrator, expected = da.CAPE().fit(asked), mean_by_loop(asked, asked.polm_final)
    np.testing.assert_allclose(calibrator.predict_proba(asked), expected, atol=1e-12)
    np.testing.assert_allclose(calibrator.confidence(asked), expected.max(axis=1), atol=1e-12)
    averaged = average_permutations(asked)
    assert (calibrator.prediction(asked) == expected.argmax(axis=1)).all()
    for layer, side in itertools.product(range(2), ("plm_logits", "polm_logits")):
        proba = softmax(getattr(averaged, side)[:, layer].astype(np.float64), axis=1)
        np.testing.assert_allclose(proba, mean_by_loop(asked, getattr(asked, side)[:, layer]), atol=1e-6)


def test_the_averaged_trace_keeps_everything_else():
    asked = permuted(5, seed=3, noise=1.0, padded=True)
    averaged = average_permutations(asked)
    first = [asked.question_ids.index(f"q{i}") for i in range(5)]  # the first order is the original one
    assert averaged.question_ids == tuple(f"q{i}" for i in range(5))
    assert averaged.groups == tuple(f"group-{i % 2}" for i in range(5))
    np.testing.assert_array_equal(averaged.labels, asked.labels[first])
    np.testing.assert_array_equal(averaged.n_options, asked.n_options[first])
    assert averaged.order is None
    assert averaged.metadata["polm"] == "m"
    assert averaged.metadata["variant"] == "mean over option orders"
    vanilla = da.Vanilla().fit(averaged).predict_proba(averaged)
    np.testing.assert_allclose(vanilla, da.CAPE().fit(asked).predict_proba(asked), atol=1e-6)
    assert da.DACA().fit(averaged).n_fit_ == 5
    assert average_permutations(replace(asked, groups=())).groups == ()
    hidden = replace(asked, labels=np.full(len(asked), -1))
    assert (average_permutations(hidden).labels == -1).all()


@settings(max_examples=30)
@given(seeds, st.booleans())
def test_how_a_row_lists_its_options_changes_nothing(seed, padded):
    """Columns of a row and its order permuted together say the same of the same options."""
    asked, rng = permuted(3, seed=seed, noise=1.0, padded=padded), np.random.default_rng(seed)
    columns = np.array([[*rng.permutation(n), *range(n, 4)] for n in asked.n_options])
    moved = {
        side: np.take_along_axis(getattr(asked, side), columns[:, None], axis=2)
        for side in ("plm_logits", "polm_logits")
    }
    labels = np.argmax(columns == asked.labels[:, None], axis=1)
    other = replace(asked, **moved, labels=labels, order=np.take_along_axis(asked.order, columns, axis=1))
    one, two = (da.CAPE().fit(given).predict_proba(given) for given in (asked, other))
    np.testing.assert_allclose(one, two, atol=1e-12)
    np.testing.assert_array_equal(average_permutations(asked).labels, average_permutations(other).labels)


def test_a_model_that_reads_places_only_knows_nothing_on_average():
    asked = replace(permuted(4), polm_logits=np.tile(np.array([3.0, 1, 0, -1], dtype=np.float32), (96, 2, 1)))
    np.testing.assert_allclose(da.CAPE().fit(asked).predict_proba(asked), 0.25, atol=1e-12)
    sharp = replace(asked, polm_logits=asked.polm_logits * np.float32(1e5))
    assert np.isfinite(average_permutations(sharp).polm_final).all()
    np.testing.assert_allclose(da.CAPE().fit(sharp).predict_proba(sharp), 0.25, atol=1e-12)


def test_the_first_row_of_a_question_is_its_first_and_the_first_that_differs_is_named():
    asked = permuted(9)
    asked = asked.select(np.random.default_rng(0).permutation(len(asked)))
    names = list(dict.fromkeys(asked.question_ids))
    questions = _Questions(asked)
    assert questions.first.tolist() == [asked.question_ids.index(name) for name in names]
    assert questions.counts.tolist() == [24] * 9
    last = [len(asked) - 1 - asked.question_ids[::-1].index(name) for name in names]  # the last row of each question
    wrong, (one, two) = list(asked.groups), sorted(last)[:2]
    wrong[one] = wrong[two] = "other"
    with pytest.raises(ValueError, match=f"^rows of question '{asked.question_ids[one]}' differ in their group; give"):
        _Questions(replace(asked, groups=tuple(wrong)))


def test_a_question_asked_once_keeps_its_probabilities():
    asked = permuted(6, orders=lambda k: [tuple(reversed(range(k)))], noise=1.0)
    expected = softmax(asked.polm_final.astype(np.float64), axis=1)[:, ::-1]
    np.testing.assert_allclose(da.CAPE().fit(asked).predict_proba(asked), expected, atol=1e-12)


def test_ties_go_to_the_first_original_option():
    asked = permuted(2)
    flat = replace(asked, polm_logits=np.zeros_like(asked.polm_logits))
    assert (da.CAPE().fit(flat).prediction(flat) == 0).all()


def test_what_cape_cannot_average_is_said():
    asked = permuted(3, padded=True, seed=1)
    assert len(set(asked.n_options)) > 1
    with pytest.raises(ValueError, match="traces has no order; give a trace of permuted options"):
        da.CAPE().fit(asked).predict_proba(make_traces(4))
    with pytest.raises(ValueError, match="traces holds no question"):
        average_permutations(asked.select([]))
    with pytest.raises(ValueError, match="CAPE is not fitted"):
        da.CAPE().predict_proba(asked)
    for field, wrong in (
        ("label", replace(asked, labels=np.zeros(len(asked), dtype=int))),
        ("number of options", replace(asked, question_ids=("same",) * len(asked))),
        ("group", replace(asked, groups=("other", *asked.groups[1:]))),
    ):
        with pytest.raises(ValueError, match=f"rows of question '.*' differ in their {field}; give each question an"):
            average_permutations(wrong)


# -- Methods that need more than a plain trace ---------------------------------------------------------------------


def test_methods_that_need_more_say_what():
    from dualalign.calibrators import PLAIN_METHODS
    from dualalign.protocol import DEFAULT_METHODS

    needs = {name: method.needs for name, method in da.METHODS.items() if method.needs}
    assert needs == {"contextual": "content_free", "pride": "permuted", "cape": "permuted"}
    assert set(PLAIN_METHODS) == set(DEFAULT_METHODS) == set(da.METHODS) - set(needs)
    traces = make_traces(30)
    for name in PLAIN_METHODS:
        assert da.METHODS[name]().fit(traces).name == name


def test_a_method_without_a_temperature_has_1():
    traces, asked = make_traces(30), permuted(3)
    extra = {"content_free": traces.select([0]), "permuted": asked}
    for method in da.METHODS.values():
        if not method.has_temperature:
            options = {name: value for name, value in extra.items() if name in method.__dataclass_fields__}
            assert method(**options).fit(asked).temperature_ == 1.0
            assert method(**options).fit(asked).reason_
