"""Rows of decisions: what is held out, and that the rows equal what is computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dualalign import DACA, DualAlign, drift, metrics, protocol
from dualalign import decisions as pure
from dualalign.experiments import decisions, registry, table
from dualalign.experiments.unit import MAIN, Name

NAME = Name(MAIN, "arc-easy", "choices")
SEEDS = [0, 3]


@pytest.fixture(scope="module")
def traces(random_traces):
    return random_traces(120, padded=True)


@pytest.fixture(scope="module")
def made(traces):
    return table.frame(decisions.rows("", {NAME: traces}, seeds=SEEDS, draws=200))


def value(made):
    return made.set_index(["method", "reading", "seed", "metric"])["value"]


def test_registered_and_of_each_pair_s_own_style():
    units = registry.get("decisions").units(
        [NAME, Name(MAIN, "arc-easy", "cloze"), Name("dpo", "piqa", "choices"), Name(MAIN, "arc-easy", "choices", "w1")]
    )
    assert sorted(units) == ["dpo__piqa__choices", "sft4__arc-easy__choices"]


def test_held_out_is_the_protocol_s_split(traces):
    found = decisions.held_out(traces, ["daca", "constant"], SEEDS)
    for (_, (fit, test)), daca, constant in zip(
        protocol.enumerate_splits(traces, 0.3, SEEDS), found["daca"], found["constant"], strict=True
    ):
        fitted = DACA().fit(traces.select(fit))
        right = traces.polm_final.argmax(axis=1) == traces.labels
        assert daca.questions == traces.select(test).question_ids
        np.testing.assert_array_equal(daca.confidence, fitted.confidence(traces.select(test)))
        np.testing.assert_array_equal(daca.fitting, fitted.confidence(traces.select(fit)))
        np.testing.assert_array_equal(daca.right, right[test])
        assert set(constant.confidence) == {right[fit].mean()}


def test_labels_of_the_test_side_move_no_confidence(traces):
    _, test = next(protocol.enumerate_splits(traces, 0.3, [0]))[1]
    labels = traces.labels.copy()
    labels[test] = 0
    before, after = (decisions.held_out(t, seeds=[0]) for t in (traces, replace(traces, labels=labels)))
    for name in before:
        np.testing.assert_array_equal(before[name][0].confidence, after[name][0].confidence)


def test_an_exact_chance_may_stand_for_right_and_wrong(traces):
    chance = np.linspace(0, 1, len(traces))
    (side,) = decisions.held_out(traces, ["vanilla"], [0], chance)["vanilla"]
    _, test = next(protocol.enumerate_splits(traces, 0.3, [0]))[1]
    np.testing.assert_array_equal(side.right, chance[test])


def test_a_method_that_refuses_a_split_is_left_out(traces):
    away = traces.select(~drift.agreement(traces))  # DACA has nothing to fit on
    found = decisions.held_out(away, ["vanilla", "daca"], SEEDS)
    assert list(found) == ["vanilla"]
    rows = table.frame(decisions.rows("", {NAME: away}, seeds=SEEDS, draws=10))
    assert "daca" not in set(rows["method"]) | set(rows["reading"])


def test_costs_by_hand(traces, made):
    found = value(made)
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, SEEDS):
        proba = DualAlign().fit(traces.select(fit)).predict_proba(traces.select(test))
        confidence, right = metrics.top_label(proba, traces.labels[test])
        at = {c: np.where(confidence > 1 - c, ~right, c).mean() for c in (0.2, 0.4, 0.6, 0.8)}
        for price, expected in at.items():
            assert found["dual-align", "", seed, f"cost_{round(100 * price)}"] == pytest.approx(expected)
        brier = metrics.top_label_brier(confidence, right)
        assert found["dual-align", "", seed, "cost"] == pytest.approx((brier + 1 - right.mean()) / 2)


def test_promises_by_hand(traces, made):
    shown = made[(made["method"] == "vanilla") & (made["reading"] == "target=0.8")].set_index("metric")
    p = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1)
    right = traces.polm_final.argmax(axis=1) == traces.labels
    answered = []
    for _, (fit, test) in protocol.enumerate_splits(traces, 0.3, SEEDS):
        least = min(t for t in p[fit] if p[fit][p[fit] >= t].mean() >= 0.8)
        answered += list(test[p[test] >= least])
    assert shown["value"]["delivered"] == pytest.approx(right[answered].mean())
    assert shown["value"]["promised"] == pytest.approx(p[answered].mean())
    assert shown["value"]["coverage"] == pytest.approx(len(answered) / (2 * len(test)))
    assert set(shown["n"]) == {len(set(answered))}
    assert shown["value"]["low"] < shown["value"]["delivered"] < shown["value"]["high"]


def test_differences_are_paired_and_of_the_cost(traces, made):
    found = value(made)
    rivals = {*decisions.JUDGED, decisions.CONSTANT} - {"dual-align"}
    assert set(made.loc[made["metric"] == "cost_minus", "reading"]) == rivals
    for rival in rivals:
        by_split = [found["dual-align", "", s, "cost"] - found[rival, "", s, "cost"] for s in SEEDS]
        assert found["dual-align", rival, -1, "cost_minus"] == pytest.approx(np.mean(by_split))
    held = decisions.held_out(traces, seeds=SEEDS)
    costs = {m: [pure.mean_cost(*side[1:3]) for side in held[m]] for m in ("dual-align", "daca")}
    ours, theirs = (pure.bootstrap(held[m], values, draws=200) for m, values in costs.items())
    low, high = np.quantile((ours - theirs)[1:], [0.025, 0.975])
    assert found["dual-align", "daca", -1, "cost_minus_low"] == pytest.approx(low)
    assert found["dual-align", "daca", -1, "cost_minus_high"] == pytest.approx(high)
