"""Decisions: thresholds, prices, cascades and resamples against brute force, and a world whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kendalltau

from dualalign import decisions, metrics
from dualalign.decisions import Held

RUN = Path(__file__).resolve().parent.parent / "data/results/world_seed0.safetensors"
PRICES = np.linspace(0, 1, 21)


@st.composite
def answers(draw, least: int = 1):
    """Confidences with ties and with both ends, and outcomes."""
    n = draw(st.integers(least, 30))
    value = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0]), st.floats(0, 1))
    confidence = np.array(draw(st.lists(value, min_size=n, max_size=n)))
    return confidence, np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))


def side(confidence, right, questions=None, fitting=()) -> Held:
    questions = [f"q{i}" for i in range(len(confidence))] if questions is None else questions
    return Held(questions, np.asarray(confidence, dtype=float), np.asarray(right), np.asarray(fitting))


def sides(n: int = 60, splits: int = 3, seed: int = 0) -> list[Held]:
    """Overlapping splits of one set of questions, with ties."""
    rng = np.random.default_rng(seed)
    confidence, right = np.round(rng.random(n), 1), rng.random(n) < 0.5
    kept = [np.sort(rng.choice(n, 2 * n // 3, replace=False)) for _ in range(splits)]
    return [side(confidence[k], right[k], [f"q{i}" for i in k]) for k in kept]


# -- The order of the questions --------------------------------------------------------------------------------------


@given(answers(least=2), st.randoms(use_true_random=False))
def test_swapped_pairs_counted_one_by_one(found, random):
    first, _ = found
    second = np.array(random.sample(list(first), len(first)))
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    up = {(i, j) for i, j in pairs if first[i] > first[j]}, {(i, j) for i, j in pairs if second[i] > second[j]}
    down = {(i, j) for i, j in pairs if first[i] < first[j]}, {(i, j) for i, j in pairs if second[i] < second[j]}
    swaps = len(up[0] & down[1]) + len(down[0] & up[1])
    assert decisions.swapped(first, second) == pytest.approx(swaps / len(pairs))


def test_swapped_pairs_are_kendalls_tau_without_ties():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 200))
    assert decisions.swapped(first, second) == pytest.approx((1 - kendalltau(first, second).statistic) / 2)
    assert decisions.swapped(first, first**3) == 0
    assert decisions.swapped(first, 1 - first) == 1


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=20), st.floats(0.3, 8))
def test_a_temperature_swaps_no_pair_of_two_option_questions(gaps, temperature):
    gaps = np.abs(np.unique(np.round(gaps, 3)))
    if len(gaps) > 1:
        assert decisions.swapped(1 / (1 + np.exp(-gaps)), 1 / (1 + np.exp(-gaps / temperature))) == 0


def test_swapped_wants_the_same_questions():
    with pytest.raises(ValueError, match="confidences of 2 and 3 questions"):
        decisions.swapped([0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="two or more"):
        decisions.swapped([0.1], [0.1])


# -- Thresholds --------------------------------------------------------------------------------------------------------


@given(answers(), st.floats(0, 1))
def test_threshold_is_the_least_that_keeps_the_promise(found, target):
    confidence, _ = found
    enough = [t for t in confidence if confidence[confidence >= t].mean() >= target - 1e-12]
    assert decisions.threshold_for(confidence, target) == (min(enough) if enough else np.inf)


def test_threshold_by_hand():
    assert decisions.threshold_for([0.9, 0.5, 0.7, 0.5], 0.7) == 0.7  # with one more 0.5 the mean would be 0.7, but it
    assert decisions.threshold_for([0.9, 0.5, 0.7], 0.7) == 0.5  # ties with another
    assert decisions.threshold_for([0.6, 0.6], 0.7) == np.inf
    assert decisions.threshold_for([0.7] * 10, 0.7) == 0.7
    with pytest.raises(ValueError, match="target is 70"):
        decisions.threshold_for([0.5], 70)


def test_above_by_hand():
    found = decisions.above([side([0.9, 0.6, 0.3, 0.6], [1, 0, 0, 1])], [0.6])
    assert found[:3] == pytest.approx((0.75, 0.7, 2 / 3))
    assert found[3:5] == pytest.approx([float(v) for v in metrics.wilson(2, 3)])
    assert found.answered == 3


def test_above_counts_a_question_of_several_splits_once():
    one = side([0.9, 0.8, 0.2], [1, 0, 1])
    single, double = decisions.above([one], [0.5]), decisions.above([one, one], [0.5, 0.5])
    assert double == pytest.approx(single)
    other = side([0.9], [1], ["q0"])  # q0 is answered twice, q1 once: an effective size of 9 / 5
    uneven = decisions.above([one, other], [0.5, 0.5])
    assert uneven.delivered == pytest.approx(2 / 3)
    assert uneven[3:5] == pytest.approx([float(v) for v in metrics.wilson(1.2, 1.8)])


def test_above_a_threshold_that_nothing_reaches():
    found = decisions.above([side([0.5], [1])], [np.inf])
    assert (found.coverage, found.answered) == (0, 0)
    assert np.isnan(found[1:5]).all()
    with pytest.raises(ValueError, match="1 splits and 2 thresholds"):
        decisions.above([side([0.5], [1])], [0.1, 0.2])


def test_a_calibrated_confidence_keeps_its_promise():
    rng = np.random.default_rng(1)
    confidence = rng.beta(2, 2, 40_000)
    threshold = decisions.threshold_for(confidence, 0.7)
    found = decisions.above([side(confidence, rng.random(40_000) < confidence)], [threshold])
    assert found.promised == pytest.approx(0.7, abs=1e-4)
    assert found.low < 0.7 < found.high
    assert found.high - found.low < 0.02


# -- Abstaining at a price ---------------------------------------------------------------------------------------------


@given(answers(), st.floats(0, 1))
def test_costs_one_question_at_a_time(found, price):
    confidence, right = found
    expected = [(0 if r else 1) if 1 - p < price else price for p, r in zip(confidence, right, strict=True)]
    np.testing.assert_array_equal(decisions.costs(confidence, right, [price])[0], expected)


@settings(max_examples=30)
@given(st.floats(0, 1), st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)))
def test_mean_cost_is_the_integral_over_prices(confidence, right):
    whole, _ = quad(lambda c: decisions.costs([confidence], [right], [c])[0, 0], 0, 1, points=[1 - confidence])
    assert decisions.mean_cost([confidence], [right])[0] == pytest.approx(whole, abs=1e-7)


@given(answers())
def test_mean_cost_is_half_of_brier_and_half_of_error(found):
    confidence, right = found
    expected = (metrics.top_label_brier(confidence, right) + 1 - right.mean()) / 2
    assert decisions.mean_cost(confidence, right).mean() == pytest.approx(expected)


@given(answers(), st.floats(0, 1))
def test_hindsight_is_the_best_of_every_threshold(found, price):
    confidence, right = found
    tried = {t: np.where(confidence >= t, 1 - right, price).mean() for t in [*confidence, np.inf]}
    (threshold,), (cost,) = decisions.hindsight(confidence, right, [price])
    assert cost == pytest.approx(min(tried.values()))
    assert tried[threshold] == pytest.approx(cost)
    np.testing.assert_allclose(decisions.threshold_costs(confidence, right, [price], [threshold]).mean(), cost)


@given(answers())
def test_no_confidence_beats_its_threshold_in_hindsight(found):
    confidence, right = found
    _, best = decisions.hindsight(confidence, right, PRICES)
    assert (decisions.costs(confidence, right, PRICES).mean(axis=1) >= best - 1e-12).all()
    assert (best <= np.minimum(PRICES, 1 - right.mean()) + 1e-12).all()  # never and always are thresholds too


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_exact_probabilities_have_no_regret_and_others_have_no_less(pairs):
    chance, other = map(np.array, zip(*pairs, strict=True))
    np.testing.assert_array_equal(decisions.exact_regret(chance, chance, PRICES), 0)
    assert (decisions.exact_regret(other, chance, PRICES) >= -1e-15).all()


def test_mean_regret_is_half_the_squared_error_of_the_confidence():
    rng = np.random.default_rng(2)
    chance, other = rng.random((2, 50))
    prices = (np.arange(20_000) + 0.5) / 20_000
    regret = decisions.exact_regret(other, chance, prices).mean(axis=0)
    np.testing.assert_allclose(regret, (other - chance) ** 2 / 2, atol=1e-4)


def test_what_no_decision_can_use_is_refused():
    for arguments, message in (
        (([0.5], [1, 0], [0.1]), r"confidence has 1 entries, right \(2,\)"),
        (([0.5], [2], [0.1]), "right holds values outside 0 to 1"),
        (([0.5], [np.nan], [0.1]), "right holds values outside 0 to 1"),
        (([0.5], [1], [1.5]), r"prices are \[1.5\]"),
        (([0.5], [1], []), r"prices are \[\]"),
        (([1.5], [1], [0.1]), "give probabilities"),
    ):
        with pytest.raises(ValueError, match=message):
            decisions.costs(*arguments)


# -- A known truth -----------------------------------------------------------------------------------------------------


def test_the_world_s_exact_posterior_has_no_regret_and_its_models_have():
    from dualalign import drift
    from dualalign.lab.world import STUDIES, Run
    from dualalign.lab.world.measure import chance_of

    run, study = Run.load(RUN), STUDIES["sharpen-sft"]
    traces, pi = run.traces(study), run.pi[study.questions]
    chance = chance_of(traces.polm_final.argmax(axis=1), pi)
    own = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1)
    belief = np.exp(drift.log_softmax_options(traces.plm_final))
    borrowed = np.take_along_axis(belief, traces.polm_final.argmax(axis=1)[:, None], axis=1)[:, 0]
    truth, plm, polm = (decisions.exact_regret(c, chance, PRICES).mean() for c in (chance, borrowed, own))
    assert truth == 0
    assert 0 < plm < polm / 10
    # Drawn labels in place of chances: no threshold beats the exact confidence by more than noise and its own choice.
    right = traces.polm_final.argmax(axis=1) == traces.labels
    paid = decisions.costs(chance, right, PRICES).mean(axis=1)
    np.testing.assert_allclose(paid, np.minimum(PRICES[:, None], 1 - chance).mean(axis=1), atol=0.03)
    assert (paid - decisions.hindsight(chance, right, PRICES)[1]).max() < 0.015


# -- A second model ----------------------------------------------------------------------------------------------------


def test_cascade_by_hand():
    right, asked = decisions.cascade([0.9, 0.4, 0.6], [1, 0, 0], [0, 1, 1], 0.6)
    assert right.tolist() == [1, 1, 0]
    assert asked.tolist() == [False, True, False]
    assert decisions.cascade([0.9], [1], [0], np.inf)[1].all()


def test_second_answers_go_with_their_questions():
    found = [side([0.5, 0.6], [1, 0], ["b", "a"]), side([0.5], [1], ["c"])]
    seconds = decisions.matched(found, {"a": True, "b": False, "c": True, "d": False})
    assert [s.tolist() for s in seconds] == [[False, True], [True]]
    with pytest.raises(ValueError, match="question 'c' has no second answer"):
        decisions.matched(found, {"a": True, "b": False})


@given(answers(), st.randoms(use_true_random=False))
def test_frontier_is_the_cascade_at_every_threshold(found, random):
    confidence, first = found
    second = np.array([random.random() < 0.5 for _ in first])
    shares, accuracy = decisions.cascade_frontier(confidence, first, second)
    thresholds = [np.inf, *sorted(set(confidence), reverse=True)]
    assert len(shares) == len(thresholds)
    for share, value, threshold in zip(shares, accuracy, thresholds, strict=True):
        right, asked = decisions.cascade(confidence, first, second, threshold)
        assert (share, value) == pytest.approx((asked.mean(), right.mean()))


# -- Resamples ---------------------------------------------------------------------------------------------------------


def test_bootstrap_starts_with_the_questions_as_they_are():
    found = sides()
    values = [np.stack([s.confidence, s.right]) for s in found]
    drawn = decisions.bootstrap(found, values, draws=10)
    assert drawn.shape == (11, 2)
    np.testing.assert_allclose(drawn[0], np.concatenate(values, axis=1).mean(axis=1))
    weights = [np.stack([s.confidence > 0.5, np.ones(len(s.right))]) for s in found]
    expected = np.average(np.concatenate(values, axis=1), weights=np.concatenate(weights, axis=1), axis=1)
    np.testing.assert_allclose(decisions.bootstrap(found, values, weights, draws=0)[0], expected)


def test_bootstrap_against_questions_drawn_one_by_one():
    """The same counts, by hand: a question drawn twice stands twice in every split that holds it."""
    found, draws = sides(n=12), 40
    drawn = decisions.bootstrap(found, [s.right for s in found], draws=draws, seed=5)
    areas = decisions.bootstrap_aurc(found, draws=draws, seed=5)
    names = np.unique(np.concatenate([s.questions for s in found]))
    picks = np.random.default_rng(5).integers(0, len(names), (draws, len(names)))
    for row, pick in enumerate(picks, 1):
        rows = [np.concatenate([np.flatnonzero(np.asarray(s.questions) == names[i]) for i in pick]) for s in found]
        expected = np.concatenate([s.right[r] for s, r in zip(found, rows, strict=True)]).mean()
        assert drawn[row] == pytest.approx(expected)
        by_split = [metrics.aurc(s.confidence[r], s.right[r]) for s, r in zip(found, rows, strict=True)]
        assert areas[row] == pytest.approx(np.mean(by_split))


def test_methods_are_resampled_alike():
    found = sides()
    shifted = [s._replace(confidence=s.confidence / 2) for s in found]
    first, second = (decisions.bootstrap(f, [s.right for s in f], draws=20) for f in (found, shifted))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(decisions.bootstrap_aurc(found, 20), decisions.bootstrap_aurc(shifted, 20))


@given(answers())
def test_resampled_aurc_begins_at_the_metric(found):
    assert decisions.bootstrap_aurc([side(*found)], draws=0)[0] == pytest.approx(metrics.aurc(*found))


def test_bootstrap_is_not_a_number_where_no_weight_was_drawn():
    one = side([0.9, 0.1], [1, 0])
    drawn = decisions.bootstrap([one], [one.right], [np.array([1, 0])], draws=200)
    assert drawn[0] == 1
    assert set(drawn[~np.isnan(drawn)]) == {1.0}
    assert 0 < np.isnan(drawn).mean() < 0.5
