"""What must hold of what the chapters and the course compute, whatever they are given."""

from __future__ import annotations

import math
import os
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from conftest import make_traces
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_kit import answers, few, full, once, pairs, permuted, same, seeds, some
from test_properties_tables import table

from dualalign import (
    Traces,
    all_readings,
    book,
    carry,
    course,
    decisions,
    drift,
    early_stopping,
    experiments,
    inner,
    judged,
    ledger,
    metrics,
    order,
    plots,
    protocol,
    readings,
    references,
    results,
    travel,
)
from dualalign.decisions import Held
from dualalign.models import ModelSpec, cache_folder

finite = st.floats(-1, 1)


# ---- intervals and verdicts


@given(finite, finite)
@some
def test_a_verdict_turns_round_with_its_interval(a, b):
    low, high = sorted((a, b))
    words = {"beats": "loses to", "loses to": "beats"}
    there, back = results.verdict(low, high), results.verdict(-high, -low)
    assert back == words.get(there, there)
    assert (there in words) == (low > 0 or high < 0)


@given(finite, finite, st.sampled_from([-1, 1]), st.floats(-0.5, 0.5))
@some
def test_a_claim_and_its_opposite_are_never_both_supported(a, b, sign, margin):
    low, high = sorted((a, b))
    claim = replace(ledger.CLAIMS[0], sign=sign, margin=margin)
    there, back = claim.side(low, high), replace(claim, sign=-sign).side(low, high)
    turned = {ledger.SUPPORTED: ledger.CONTRADICTED, ledger.CONTRADICTED: ledger.SUPPORTED}
    assert back == turned.get(there, there) or margin in (low, high)
    assert replace(claim, margin=-margin, sign=-sign).side(-high, -low) == there
    assert claim.side(math.nan, high) == ledger.UNDECIDED


@st.composite
def by_set(draw):
    """A value a setting, of two to four sets."""
    sets = draw(st.lists(st.sampled_from("abcd"), min_size=2, max_size=8))
    return pd.DataFrame({"set": sets, "value": [draw(finite) for _ in sets]}).assign(low=-1.0, high=1.0)


@given(by_set(), st.floats(-2, 2), seeds)
@some
def test_means_over_sets_move_with_the_values_and_count_a_set_once(rows, shift, seed):
    value, low, high, sets = ledger.over_sets(rows)
    assert sets == rows["set"].nunique()
    assert value == pytest.approx(rows.groupby("set")["value"].mean().mean())
    assert math.isnan(low) if sets == 1 else low <= value + 1e-12 and value <= high + 1e-12
    moved = ledger.over_sets(rows.assign(value=rows["value"] + shift).sample(frac=1, random_state=seed))
    assert moved[:3] == pytest.approx((value + shift, low + shift, high + shift), nan_ok=True, abs=1e-9)
    means = rows.groupby("set")["value"].mean()
    assert all_readings.over_sets(means)[0] == pytest.approx(value)
    found = ledger.judge(replace(ledger.CLAIMS[0], settings=lambda _: rows, worst="", needs=None), rows)
    assert (found["value"], found["sets"]) == pytest.approx((value, sets))
    assert sum(found[state] for state in ledger.STATES) == found["settings"] == len(rows)


@given(seeds)
@once
def test_the_ledger_is_its_claims_one_by_one_whatever_the_order_of_rows(seed):
    rows = experiments.load(experiments=["main", "claims", "size"])
    rows = rows.sample(frac=1, random_state=seed, ignore_index=True)
    whole = ledger.ledger(rows)
    assert list(whole.index) == [claim.number for claim in ledger.CLAIMS]
    claim = ledger.CLAIMS[seed % len(ledger.CLAIMS)]
    assert ledger.judge(claim, rows)["verdict"] == whole.loc[claim.number, "verdict"]
    assert ledger.has_signal(rows) == ledger.has_signal(rows.iloc[::-1])
    same(ledger.open_ended(rows)["value"].tolist(), ledger.open_ended(rows.iloc[::-1])["value"].tolist())


@given(st.integers(3, 6), seeds, st.floats(-1, 1))
@some
def test_the_jackknife_moves_and_turns_with_its_matrix(n, seed, shift):
    wide = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, n)))
    found, moved = travel.over_pairs(wide), travel.over_pairs(wide + shift)
    assert moved[:3] == pytest.approx(np.array(found[:3]) + shift)
    turned = travel.over_pairs(-wide.T)
    assert turned[:3] == pytest.approx((-found.value, -found.high, -found.low))
    assert turned.p == pytest.approx(found.p)
    off = wide.to_numpy()[~np.eye(n, dtype=bool)]
    assert found.value == pytest.approx(off.mean())


@given(seeds)
@once
def test_wins_are_counted_for_every_target_once(seed):
    rows = table("transfer")
    names = list(travel.matrix(rows, "daca"))
    holds = pd.Series(np.random.default_rng(seed).random(len(names)) < 0.5, names)
    found = travel.wins(rows, "daca", "temperature-scaling", holds)
    less = travel.own_less_carried(rows, "daca", "temperature-scaling").to_numpy()
    off = ~np.eye(len(names), dtype=bool)
    assert sum(count[0] for count in found.values()) == (less[off] < 0).sum()
    assert sum(count[1] for count in found.values()) == off.sum()


@given(st.booleans())
@once
def test_the_factors_are_the_readings_on_offer(halves):
    found, open_ones = all_readings.factors(halves), readings.open_readings()
    assert all(len(set(levels)) == len(levels) > 1 for levels in found.values())
    assert len(all_readings.factors(True)["weight"]) > len(all_readings.factors(False)["weight"])
    cube = all_readings.cube(table("factorial"), halves=halves)
    assert cube.values.shape[1:-1] == tuple(map(len, found.values()))
    named = [levels[at] for levels, at in zip(found.values(), cube.default, strict=True)]
    assert all(0 <= at < len(levels) for levels, at in zip(found.values(), cube.default, strict=True))
    for name, level in zip(found, named, strict=True):
        assert name not in open_ones.index or str(open_ones.loc[name, "default"]) == level


# ---- answers carried, judged, decided


@given(full, seeds)
@few
def test_a_question_stands_on_one_side_under_every_variant(given, seed):
    variants = {"a": given, "b": given.select(np.arange(len(given))[::-1])}
    for found, sides in carry.shared_splits(variants, 0.4, [seed]):
        assert found == seed
        asked = [{variants[name].question_ids[i] for i in sides[name][1]} for name in variants]
        assert asked[0] == asked[1]
        assert sorted([*sides["a"][0], *sides["a"][1]]) == list(range(len(given)))


@given(full, seeds)
@few
def test_what_is_carried_to_the_same_questions_costs_nothing(given, seed):
    variants = {"a": given, "b": given}
    found = carry.carry(variants, ["align-all", "vanilla"], 0.5, [seed])
    assert len(found) == 8
    table = carry.errors(found, draws=3)
    assert (table.groupby("method")["ece"].nunique() == 1).all()
    assert carry.excess(found, "align-all", draws=4).value == pytest.approx(0, abs=1e-12)
    sides = {m: [c.answers for c in found if c.method == m] for m in ("align-all", "vanilla")}
    compared = carry.against(sides, "align-all", draws=4)
    assert compared["value"].to_dict() == pytest.approx(table.groupby("method")["ece"].mean().to_dict())
    gap = compared["value"]["align-all"] - compared["value"]["vanilla"]
    assert compared["minus"]["vanilla"] == pytest.approx(gap)
    assert math.isnan(compared["minus"]["align-all"])


def judged_traces(n: int, seed: int):
    two = make_traces(n, 2, 2, seed)
    return replace(two, question_ids=tuple(f"q{i // 2}/{i % 2}" for i in range(n)))


@given(st.integers(4, 20), seeds)
@few
def test_log_odds_are_the_logit_of_p_true(n, seed):
    traces = judged_traces(n, seed)
    for model in ("plm", "polm"):
        odds, p = judged.log_odds(traces, model), judged.p_true(traces, model)
        np.testing.assert_allclose(np.log(p / (1 - p)), odds, atol=1e-5)
        turned = replace(traces, plm_logits=traces.plm_logits[..., ::-1], polm_logits=traces.polm_logits[..., ::-1])
        np.testing.assert_allclose(judged.log_odds(turned, model), -odds)
        parts = plots.prepare_p_true(traces, model, bins=4)
        assert [parts[side].sum() for side in ("right", "wrong")] == pytest.approx([1, 1])
    assert len(set(judged.by_question(traces).question_ids)) == (n + 1) // 2


@given(answers())
@few
def test_a_coin_has_the_error_of_one_half(given):
    labels = given[1] % 2
    sides = [protocol.Answers(tuple(map(str, range(len(labels)))), np.tile([0.5, 0.5], (len(labels), 1)), labels)]
    (found,) = judged.coin(sides)
    assert metrics.brier(found.values, found.outcomes) == pytest.approx(0.5)
    assert found.questions == sides[0].questions


@given(st.lists(st.tuples(finite, st.floats(0, 1)), min_size=3, max_size=3), st.floats(0.3, 0.7))
@some
def test_claim_11_needs_a_signal_and_every_rival(rows, low):
    names = ["vanilla", "daca", "align-all"]
    compared = pd.DataFrame(rows, names, ["minus", "p"])
    found = judged.verdict(judged.Signal(0.7, low, 0.9), compared, names)
    beaten = [minus < 0 and p < 0.05 for minus, p in rows]
    assert (found == "supported") == (low > 0.5 and all(beaten))
    assert found != "contradicted" or (low > 0.5 and rows[0][0] > 0)


@given(pairs(least=2), st.floats(0, 1), st.floats(0, 1))
@some
def test_a_higher_threshold_answers_less(given, a, b):
    confidence, right = given
    side = Held([f"q{i}" for i in range(len(right))], confidence, right, confidence)
    lower, higher = (decisions.above([side], [t]) for t in sorted((a, b)))
    assert higher.coverage <= lower.coverage
    assert decisions.above([side], [0.0]).coverage == 1
    assert decisions.above([side], [0.0]).delivered == pytest.approx(right.mean())
    assert decisions.above([side, side], [a, a]).delivered == pytest.approx(
        decisions.above([side], [a]).delivered, nan_ok=True
    )
    (again,) = decisions.matched([side], dict(zip(side.questions, right, strict=True)))
    assert np.array_equal(again, right)


@given(pairs(least=2), seeds)
@few
def test_resamples_are_means_within_the_range_of_the_values(given, seed):
    confidence, right = given
    side = Held([f"q{i}" for i in range(len(right))], confidence, right, confidence)
    drawn = decisions.bootstrap([side, side], [confidence, confidence], draws=6, seed=seed)
    assert drawn.shape == (7,)
    assert drawn[0] == pytest.approx(confidence.mean())
    assert ((drawn >= confidence.min() - 1e-12) & (drawn <= confidence.max() + 1e-12)).all()
    weighted = decisions.bootstrap([side], [confidence], [np.ones_like(confidence) * 3], draws=6, seed=seed)
    np.testing.assert_allclose(weighted, drawn)


@given(st.integers(2, 4), seeds)
@some
def test_what_is_chosen_is_never_better_than_the_best(cases, seed):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(cases), ["own", "other"]], names=["case", "reference"])
    columns = [*references.SIGNS, "ece"]
    found = references.chosen(pd.DataFrame(rng.random((2 * cases, len(columns))), index, columns))
    assert (found["regret"] >= 0).all()
    assert (found.xs("best", level="rule")["regret"] == 0).all()
    assert (found.groupby(level="case")["regret"].max() > 0).all()


@given(seeds)
@once
def test_signs_are_read_case_by_case(seed):
    rows = table("references")
    cases = list(plots.prepare_references(rows)["case"].unique())[:2]
    found = plots.prepare_signs(rows, cases, "basecal")
    again = plots.prepare_signs(rows.sample(frac=1, random_state=seed, ignore_index=True), cases, "basecal")
    same(found.sort_index(), again.sort_index())


# ---- orders, paths


@given(full)
@few
def test_entropies_lie_between_none_and_that_of_a_blind_guess(given):
    z = given.polm_final
    found = inner.mean_entropy(z)
    assert found == pytest.approx(drift.entropy(z).mean())
    assert 0 <= found <= math.log(z.shape[1])
    assert inner.mean_entropy(z / 4) >= found


@given(full, seeds)
@few
def test_paths_begin_at_one_and_learn_from_what_is_kept(given, seed):
    found = early_stopping.tau_paths(given, ["align-all"], [0.1, 0.05], 3, seed)
    assert all(path.shape == (4,) and path[0] == 1 for path in found.values())
    rows = early_stopping.few_questions(given, len(given), 2, seed=seed)
    if drift.agreement(given).any():
        assert rows["exact"].tolist() == pytest.approx([early_stopping.optimum(given, "daca")] * 2)
    else:
        assert rows.empty


@given(seeds)
@once
def test_orders_are_split_by_question(seed):
    given = make_traces(16, 3, 3, seed)
    whole = Traces.concat([given, permuted(given, np.array([1, 2, 0])), permuted(given, np.array([2, 0, 1]))])
    found = order.held_out(whole, plain=["vanilla"], seeds=[seed])
    asked = {name: side.questions for name, (side,) in found.items() if name != "consistency"}
    assert len(set(map(frozenset, asked.values()))) == 1
    assert all(np.allclose(side.values.sum(axis=1), 1) for name, (side,) in found.items() if np.ndim(side.values) == 2)


# ---- pages with a script: what Python says the page shows


@given(pairs(least=12), st.sampled_from([10, 20, 50]), st.sampled_from([5, 10, 20]))
@once  # each simulates millions of answers
def test_the_floor_of_a_page_lies_within_its_quantiles(given, n, bins):
    confidence, correct = given
    found = plots.floor_state(confidence, correct, n, bins)
    assert 0 <= found.low <= found.floor <= found.high <= 1
    assert found.measured == pytest.approx(plots.prepare_floor(confidence, correct).measured[bins])
    assert 0 <= found.share <= 1
    assert len(plots.floor_explorer(confidence, correct)) < 100_000


@given(seeds, st.floats(0.3, 8))
@few
def test_the_pages_of_a_trace_say_what_the_room_says(seed, temperature):
    traces = make_traces(12, 4, 3, seed)
    name = traces.question_ids[seed % 12]
    one = plots.layer_state(traces, name, temperature)
    assert one.pdl == pytest.approx(drift.peak_layer(traces)[seed % 12], abs=traces.n_layers)
    np.testing.assert_allclose(one.plm.sum(axis=-1), 1)
    np.testing.assert_allclose(one.polm.sum(axis=-1), 1)
    held = plots.prepare_layers(traces, count=5, seed=seed)
    assert len(held.traces) <= len(traces)
    assert set(held.traces.question_ids) <= set(traces.question_ids)
    data = plots.prepare_slider(traces, {"T": temperature}, bins=5)
    state = plots.slider_state(data, temperature)
    exact = protocol.at_temperature(traces, temperature)
    top = metrics.top_label(exact.values, exact.outcomes)
    assert state.accuracy == pytest.approx(top[1].mean())
    assert state.confidence == pytest.approx(top[0].mean(), abs=1e-2)
    assert state.count.sum() == len(traces)
    objective = plots.objective_state(traces, temperature, 0.5)
    assert objective.total == pytest.approx(objective.confidence + objective.process)
    assert objective.total > 0
    for page in (plots.temperature_slider(traces), plots.layer_explorer(traces), plots.objective_explorer(traces)):
        assert len(page) < 100_000
        assert "http" not in page.replace("http://www.w3.org", "")


# ---- the course and the book

EXERCISES = sorted(course.exercises())
names = st.text("abcxyz", min_size=1, max_size=6)


@given(st.sampled_from(EXERCISES), names)
@some
def test_an_exercise_takes_its_solution_and_knows_its_wrong_answers(name, student):
    exercise = course.exercises()[name]
    task = exercise.task(student)
    assert task.separates()
    right = exercise.solve(task.given)
    assert task.check(right).ok
    assert course.check(name, right, student).ok
    assert not task.check(...).ok
    for wrong in exercise.wrong:
        found = task.check(wrong.answer(task.given))
        assert (found.ok, found.message) == (False, wrong.hint)
    read = exercise.compare.read(right)
    assert exercise.compare.same(read, read)


@given(st.sampled_from(EXERCISES), names)
@settings(max_examples=3)
def test_the_audit_of_the_course_finds_nothing(name, student):
    assert course.faults([course.exercises()[name]], [student, student + "b"]) == []


NUMBER = st.floats(-1e3, 1e3)


@given(NUMBER, st.lists(NUMBER, min_size=1, max_size=5), st.sampled_from(["true", "false"]))
@some
def test_the_same_answer_in_another_form_is_the_same(x, many, word):
    number, numbers, choice = course.Number(3), course.Numbers(3), course.Choice()
    for form in (x, np.float64(x), [x], np.array([[x]]), repr(x)):
        assert number.same(number.read(form), number.read(x))
    for form in (many, np.array(many), np.array([many]), tuple(many), pd.Series(many)):
        assert numbers.same(numbers.read(form), numbers.read(many))
    assert not number.same(number.read(x + 0.01), number.read(x))
    assert not numbers.same(numbers.read(many), numbers.read([*many, x]))
    for form in (word.upper(), f" '{word}' ", word == "true"):
        assert choice.same(choice.read(form), choice.read(word))
    function = course.Function([(x,), (2.0,)], number)
    assert function.same(function.read(lambda z: z + 1), function.read(lambda z: 1.0 + z))
    assert not function.same(function.read(lambda z: z + 1), function.read(lambda z: z + 2))


@given(st.sampled_from(sorted(course.quizzes())))
@some
def test_a_quiz_is_a_test_where_each_item_says_what_to_read(name):
    found = course.quiz(name)
    assert found is course.quizzes()[name]
    assert found.is_test == all(item.read for item in found.items)
    assert all(sum(option.right for option in item.options) == 1 for item in found.items)


@given(names)
@few
def test_folders_are_those_of_the_environment_or_of_the_clone(name):
    with patch.dict(os.environ, {"DUALALIGN_TRACES": name, "DUALALIGN_CACHE": name}):
        assert course.traces_folder() == name
        assert cache_folder() == Path(name)
    with patch.dict(os.environ):
        os.environ.pop("DUALALIGN_TRACES", None)
        os.environ.pop("DUALALIGN_CACHE", None)
        assert Path(course.traces_folder(Path(__file__).parent)).is_dir()
        assert cache_folder().name == "dualalign"


@given(st.text("abc/_-", min_size=1, max_size=8), st.sampled_from([None, "main"]), st.sampled_from([None, "x/y"]))
@some
def test_a_model_is_named_without_the_paths_of_this_machine(source, revision, adapter):
    found = ModelSpec(source, adapter, revision=revision).name
    assert ModelSpec(source, adapter, revision=revision, label="ours").name == "ours"
    assert str(Path.cwd()) not in found
    assert (f"@{revision}" in found) == (revision is not None)
    assert ("+" in found) == (adapter is not None)


@given(st.floats(-1e6, 1e6), names)
@some
def test_what_is_glued_can_be_quoted(value, name):
    shown = []
    with patch("IPython.display.display", lambda data, **more: shown.append((data, more))):
        book.glue(name, np.float64(value))
        book.say("x is {x:.3f}", x=value)
        with pytest.raises(ValueError, match="the value is NaN"):
            book.glue(name, math.nan)
    (data, more), (_, again), (sentence, _) = shown
    assert more["metadata"]["scrapbook"]["name"] == name
    assert again["metadata"]["scrapbook"]["name"] == "x"
    assert [float(v) for v in data.values()] == [value]
    assert sentence.data == f"x is {value:.3f}"


@given(names)
@few
def test_only_our_own_command_is_run(word):
    with redirect_stdout(StringIO()), pytest.raises(ValueError, match="only dualalign is run"):
        book.command(f"{word} fit")
