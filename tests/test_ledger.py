"""The ledger: verdicts against counting by hand, on tables made for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dualalign import ledger
from dualalign.experiments import table as tables

SETS = ("arc-easy", "mmlu", "csqa")


def rows(experiment, metric, values, spread=0.01, method="", reading="", style="choices"):
    """Rows of one metric with its ends, from {(pair, set): value}."""
    for (pair, name), value in values.items():
        where = {"experiment": experiment, "pair": pair, "set": name, "style": style}
        where |= {"method": method, "reading": reading}
        for end, shift in (("", 0), ("_low", -spread), ("_high", spread)):
            yield where | {"metric": f"{metric}{end}", "value": value + shift}


def table(*parts):
    return tables.frame(row for part in parts for row in part)


def claim(number):
    return next(c for c in ledger.CLAIMS if c.number == number)


def test_interval_is_students_over_sets_of_means_over_pairs():
    values = {("sft4", "arc-easy"): 0.1, ("dpo", "arc-easy"): 0.3, ("sft4", "mmlu"): 0.4, ("sft4", "csqa"): 0.6}
    found = ledger.judge(claim("1"), table(rows("claims", "inflation", values)))
    means = [0.2, 0.4, 0.6]
    low, high = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    assert (found["value"], found["low"], found["high"]) == pytest.approx((0.4, low, high))
    assert (found["sets"], found["settings"], found["supported"]) == (3, 4, 4)
    assert found["verdict"] == "undecided"  # three sets, and the interval holds zero
    assert low < 0 < high


@pytest.mark.parametrize(("shift", "verdict"), [(1.0, "supported"), (-1.0, "contradicted"), (0.0, "undecided")])
def test_the_side_of_the_margin_decides(shift, verdict):
    values = {("sft4", name): shift + noise for name, noise in zip(SETS, (-0.01, 0.0, 0.01), strict=True)}
    found = ledger.judge(claim("1"), table(rows("claims", "inflation", values)))
    assert found["verdict"] == verdict


def test_a_claim_over_rivals_is_decided_by_the_least_favourable_one():
    better = {("sft4", name): -0.3 for name in SETS}
    worse = {("sft4", name): 0.2 + i / 100 for i, name in enumerate(SETS)}
    parts = [rows("main", "ece_minus", better, method="dual-align", reading=r) for r in ledger.RIVALS if r != "daca"]
    parts.append(rows("main", "ece_minus", worse, method="dual-align", reading="daca"))
    found = ledger.judge(claim("5"), table(*parts))
    assert (found["decided_by"], found["verdict"]) == ("daca", "contradicted")
    assert (found["supported"], found["contradicted"]) == (12, 3)


def test_only_the_main_pairs_own_style_counts():
    values = {("sft4", name): 0.5 for name in SETS}
    other = rows("claims", "inflation", {("sft4", "mmlu"): -9.0}, style="letters")
    found = ledger.judge(claim("1"), table(rows("claims", "inflation", values), other))
    assert found["value"] == pytest.approx(0.5)


def test_nothing_changed_supports_an_untouched_accuracy():
    values = {("sft4", name): 0.0 for name in SETS}
    kept = table(rows("claims", "predictions_changed", values, spread=0.0, method="dual-align"))
    assert ledger.judge(claim("9"), kept)["verdict"] == "supported"
    values["sft4", "mmlu"] = 0.1
    changed = table(rows("claims", "predictions_changed", values, spread=0.0, method="dual-align"))
    assert ledger.judge(claim("9"), changed)["verdict"] == "undecided"


def test_the_premise_stands_above_its_floor():
    error = rows("main", "ece", {("sft4", name): 0.12 for name in SETS}, method="plm")
    floor = rows("main", "ece_floor", {("sft4", name): 0.02 for name in SETS}, method="plm")
    found = ledger.judge(claim("G"), table(error, floor))
    assert (found["value"], found["verdict"]) == (pytest.approx(0.10), "contradicted")


def test_the_cost_of_few_questions_by_hand():
    cells = {("dual-align", 10): 0.2, ("dual-align", 80): 0.1, ("daca", 10): 0.5, ("daca", 80): 0.1}
    where = {"experiment": "size", "pair": "sft4", "style": "choices", "seed": 0, "metric": "ece"}
    made = [where | {"set": s, "method": m, "n": n, "value": v} for s in SETS for (m, n), v in cells.items()]
    found = ledger.excess_of_few(tables.frame(made), sizes=(10,))
    assert found["value"].tolist() == pytest.approx([-0.3] * 3)


def test_open_ended_answers_have_an_interval_of_their_own():
    made = table(rows("claims", "ece_minus", {("sft4", "nq-open"): -0.1}, 0.02, "dual-align", "vanilla", "p-true"))
    found = ledger.judge(claim("11"), made)
    assert (found["low"], found["high"], found["verdict"]) == (pytest.approx(-0.12), pytest.approx(-0.08), "supported")


def test_a_judge_without_a_signal_decides_nothing():
    parts = [rows("claims", "ece_minus", {("sft4", "nq-open"): -0.1}, 0.02, "dual-align", "vanilla", "p-true")]
    parts.append(rows("claims", "signal", {("sft4", "nq-open"): 0.51}, 0.05, "polm", style="p-true"))
    assert ledger.judge(claim("11"), table(*parts))["verdict"] == "undecided"


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from(ledger.CLAIMS))
def test_a_verdict_changes_sides_with_the_effect(a, b, c):
    low, high = sorted((a, b))
    mirrored = c.side(2 * c.margin - high, 2 * c.margin - low)
    opposite = dict(zip(ledger.STATES, reversed(ledger.STATES), strict=True))
    if not (low == high == c.margin or math.isclose(low, c.margin) or math.isclose(high, c.margin)):
        assert mirrored == opposite[c.side(low, high)]


def test_no_interval_is_no_verdict():
    assert claim("1").side(math.nan, math.nan) == "undecided"


def test_numbers_are_unique():
    numbers = [c.number for c in ledger.CLAIMS]
    assert len(numbers) == len(set(numbers))
