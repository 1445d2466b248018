"""What must hold of whatever is computed from a trace: how its questions stand and are written says nothing.

``EACH`` gives something a question, ``ALL`` a number or a table of the whole trace, ``MADE`` other traces. The order of
the questions, a constant added to all options' logits, and columns without an option change nothing of what they say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_kit import few, frozen, full, reordered, same, seeds, shifted, some, traces, widened

import dualalign as da
from dualalign import (
    align_all,
    change,
    checks,
    drift,
    early_stopping,
    inner,
    judged,
    layer_maps,
    order,
    plots,
    protocol,
    references,
    report,
)


def ise(t, **options):
    return drift.stability_entropy(t.polm_logits, drift.peak_layer(t), **options)


EACH = {
    "final_divergence": drift.final_divergence,
    "layer_divergence": drift.layer_divergence,
    "peak_layer": drift.peak_layer,
    "regimes": drift.regimes,
    "agreement": drift.agreement,
    "entropy": lambda t: drift.entropy(t.polm_logits),
    "stability_entropy": ise,
    "sum of entropies": lambda t: ise(t, aggregate="sum-entropy", temperature=2.0),
    "entropy of the mean": lambda t: ise(t, aggregate="entropy-mean", tempered="last", temperature=0.5),
    "log_softmax_first": lambda t: drift.log_softmax_first(t.plm_logits).max(axis=0),
    "largest option at 0": lambda t: drift.options_first(t.polm_logits).max(axis=0),
    "largest_jump": change.largest_jump,
    "outcomes": change.outcomes,
    "reversal": change.reversal,
    "has_finite_optimum": align_all.has_finite_optimum,
    "expected_logit": align_all.expected_logit,
    "expected_logit under the PLM": lambda t: align_all.expected_logit(t, align_all.plm_belief(t)),
    "plm_belief": lambda t: align_all.plm_belief(t).max(axis=1),
    "kept_questions": lambda t: early_stopping.kept_questions(t, "daca"),
    "basecal": lambda t: da.BaseCal().fit(t).confidence(t),
    "at_temperature": lambda t: protocol.at_temperature(t, 3.0).values.max(axis=1),
    "answers": lambda t: protocol.answers(da.Vanilla().fit(t), t).values.max(axis=1),
    "confidence_pairs": lambda t: np.stack(checks.confidence_pairs(t, t.plm_final, 2.0), axis=1),
    "final_logits": lambda t: order.final_logits(t, "plm").argmax(axis=1),
}


def values(table, *columns):
    return table[list(columns)]


def said(check):
    return check.condition, check.found, check.state, check.said


ALL = {
    "finite_optima": lambda t: align_all.finite_optima({"pair": t}),
    "on_disagreement": lambda t: values(align_all.on_disagreement(t, draws=5), "belief", "accuracy", "gap"),
    "align_all.forces": lambda t: values(align_all.forces(t, draws=5), "value"),
    "references.forces": references.forces,
    "signs": references.signs,
    "inflation": lambda t: {name: one.value for name, one in change.inflation(t, draws=5).items()},
    "regime_contrast": lambda t: change.regime_contrast(change.largest_jump(t), drift.agreement(t), draws=5).value,
    "both_models": lambda t: values(
        protocol.both_models({"set": t}, draws=5), "accuracy", "ece", "brier", "nll", "agreement"
    ),
    "judge": lambda t: {k: protocol.judge(da.AlignAll().fit(t), t, draws=5)[k] for k in ("ece", "nll", "auroc", "mce")},
    "mean_confidence": lambda t: checks.mean_confidence(t.polm_final, 2.0),
    "optimum": lambda t: early_stopping.optimum(t, "align-all"),
    "agreeing": lambda t: said(checks.agreeing(t)),
    "disagreement": lambda t: said(checks.disagreement(t)),
    "chance": lambda t: said(checks.chance(t)),
    "undecided": lambda t: said(checks.undecided(t)),
    "unlabelled": checks.unlabelled,
    "direction": lambda t: said(checks.direction(t, da.Vanilla().fit(t))),
    "reading": lambda t: said(checks.reading(t)),
    "divergence_cost": lambda t: layer_maps.divergence_cost(t),
    "rank_cost": lambda t: layer_maps.rank_cost(t),
    "prepare_layer_divergence": plots.prepare_layer_divergence,
    "prepare_confidence": lambda t: plots.prepare_confidence(t, bins=3),
    "prepare_own_temperatures": plots.prepare_own_temperatures,
    "prepare_peaks": lambda t: plots.prepare_peaks(t).groupby("layer").size(),
    "prepare_losses": lambda t: plots.prepare_losses(t, np.array([0.5, 1.0, 4.0])).table,
    "prepare_objective": lambda t: plots.prepare_objective(t, temperatures=np.array([0.5, 1.0, 4.0])).table,
    "prepare_stability": lambda t: np.sort(plots.prepare_stability(t, bins=3).entropy),
    "prepare_objective_grid": lambda t: plots.prepare_objective_grid(t).means,
}


@pytest.mark.parametrize("name", EACH)
@given(traces, seeds)
@few
def test_what_is_said_of_a_question_hangs_on_nothing_else(name, given, seed):
    found, before = np.asarray(EACH[name](given)), frozen(given)
    moved, rows = reordered(given, seed)
    same(found[rows], np.asarray(EACH[name](moved)))
    same(found, np.asarray(EACH[name](shifted(given, seed))))
    same(found, np.asarray(EACH[name](widened(given))))
    assert frozen(given) == before


@pytest.mark.parametrize("name", ALL)
@given(traces, seeds)
@few
def test_what_is_said_of_all_questions_hangs_on_no_order(name, given, seed):
    found, before = ALL[name](given), frozen(given)
    same(found, ALL[name](reordered(given, seed)[0]), rel=1e-4)
    same(found, ALL[name](shifted(given, seed)), rel=1e-4)
    same(found, ALL[name](widened(given)), rel=1e-4)
    assert frozen(given) == before


MADE = {
    "exchanged": early_stopping.exchanged,
    "inner_layers_only": inner.inner_layers_only,
    "last_layer_only": inner.last_layer_only,
    "by_question": judged.by_question,
    "rematched": lambda t: layer_maps.rematched(t, np.append(np.arange(t.n_layers - 1, 0, -1), t.n_layers)),
    "joined with itself": lambda t: references.joined(t, t),
}


@pytest.mark.parametrize("name", MADE)
@given(full, seeds)
@few
def test_traces_are_made_question_by_question(name, given, seed):
    before, (moved, rows) = frozen(given), reordered(given, seed)
    same(vars(MADE[name](given).select(rows)), vars(MADE[name](moved)), rel=0, at=0)
    assert frozen(given) == before


@given(full)
@few
def test_what_is_undone_is_what_was(given):
    same(vars(early_stopping.exchanged(early_stopping.exchanged(given))), vars(given), rel=0, at=0)
    same(vars(references.joined(given, given)), vars(given), rel=0, at=0)
    same(
        vars(layer_maps.rematched(given, drift.match_layers(given.n_layers, given.n_layers))), vars(given), rel=0, at=0
    )
    assert np.array_equal(inner.inner_layers_only(given).polm_final, given.polm_logits[:, -2])
    assert np.array_equal(inner.last_layer_only(given).polm_final, given.polm_final)
    assert (np.diff(drift.layer_divergence(inner.last_layer_only(given))) == 0).all()


@given(full, seeds)
@few
def test_a_join_keeps_the_plm_of_one_and_the_polm_of_the_other(given, seed):
    other, rows = reordered(replace(given, plm_logits=given.plm_logits[..., ::-1]), seed)
    found = references.joined(other, given.select(rows[:3]))
    assert found.question_ids == tuple(given.question_ids[i] for i in rows[:3])
    assert np.array_equal(found.plm_logits, given.plm_logits[rows[:3]][..., ::-1])
    assert np.array_equal(found.polm_logits, given.polm_logits[rows[:3]])


@given(st.integers(1, 40), st.integers(1, 40))
@some
def test_matched_layers_rise_from_the_first_to_the_last(n_plm, n_polm):
    found = drift.match_layers(n_plm, n_polm)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == n_plm
    assert 1 <= found.min() <= max(1, round(n_plm / n_polm))
    assert (
        np.abs(found / n_plm - np.arange(1, n_polm + 1) / n_polm) <= max(0.5, 1 - n_plm / n_polm) / n_plm + 1e-12
    ).all()


@given(traces)
@few
def test_every_map_names_layers_of_the_plm(given):
    """Nothing more may be asked of other orders: where two layers cost the same, rounding decides."""
    depth, found = given.plm_logits.shape[1], plots.prepare_layer_maps(given)
    assert found.index.tolist() == list(range(1, given.n_layers + 1))
    assert found.to_numpy().min() >= 1
    assert found.to_numpy().max() <= depth
    assert found["relative-depth"].tolist() == drift.match_layers(depth, given.n_layers).tolist()
    assert set(found["final-only"]) == {depth}


@given(traces)
@few
def test_the_plm_is_taken_at_its_matched_layers(given):
    found, layers = drift.matched_plm(given), drift.match_layers(given.plm_logits.shape[1], given.n_layers)
    assert found.shape == given.polm_logits.shape
    for at, layer in enumerate(layers):
        assert np.array_equal(found[:, at], given.plm_logits[:, layer - 1])


@given(traces)
@few
def test_divergence_is_that_of_exact_distributions(given):
    """By scipy's own entropy, option by option: JSD = H(mean) - mean of H."""
    from scipy.stats import entropy

    found, bits = drift.layer_divergence(given), drift.layer_divergence(given, base="2")
    plm = drift.matched_plm(given).astype(np.float64)
    for i in range(len(given)):
        k = given.n_options[i]
        p, q = (
            np.exp(z[i, :, :k]) / np.exp(z[i, :, :k]).sum(axis=1, keepdims=True)
            for z in (plm, given.polm_logits.astype(np.float64))
        )
        exact = entropy((p + q) / 2, axis=1) - (entropy(p, axis=1) + entropy(q, axis=1)) / 2
        np.testing.assert_allclose(found[i], exact, atol=1e-12)
    np.testing.assert_allclose(bits * np.log(2), found)
    assert (found >= 0).all()
    assert (found <= np.log(2)).all()
    np.testing.assert_allclose(drift.final_divergence(given), found[:, -1], atol=1e-12)


@given(st.text(), st.lists(st.text(), max_size=4))
@some
def test_one_of_takes_what_is_listed_and_nothing_else(value, allowed):
    if value in allowed:
        assert drift.one_of("name", value, tuple(allowed)) == value
    else:
        with pytest.raises(ValueError, match="name is"):
            drift.one_of("name", value, tuple(allowed))


@given(traces, st.floats(0.05, 20), st.floats(0.05, 20))
@few
def test_heat_lowers_confidence_and_changes_no_answer(given, a, b):
    cool, hot = sorted((a, b))
    sides = [protocol.at_temperature(given, t) for t in (cool, hot, np.inf)]
    mine = [side.values.max(axis=1) for side in sides]
    assert (mine[0] >= mine[1] - 1e-12).all()
    assert (mine[1] >= mine[2] - 1e-8).all()
    for side in sides:
        np.testing.assert_allclose(side.values.sum(axis=1), 1)
        assert np.array_equal(side.values.argmax(axis=1), given.polm_final.argmax(axis=1))
        assert side.questions == given.question_ids
    assert checks.mean_confidence(given.polm_final, cool) >= checks.mean_confidence(given.polm_final, hot) - 1e-12


@given(traces, st.floats(0.2, 5))
@few
def test_the_temperature_for_a_confidence_gives_it_back(given, temperature):
    target = checks.mean_confidence(given.polm_final, temperature)
    assert references.temperature_for(given.polm_final, target) == pytest.approx(temperature, rel=1e-4)
    assert references.temperature_for(given.polm_final, 0.0) == np.inf
    assert references.temperature_for(given.polm_final, 1.1) == 0


@given(traces)
@few
def test_basecal_says_a_confidence_and_no_probabilities(given):
    found = da.BaseCal().fit(given)
    exact = np.exp(drift.log_softmax_options(given.plm_final))[np.arange(len(given)), given.polm_final.argmax(axis=1)]
    np.testing.assert_allclose(found.confidence(given), exact)
    with pytest.raises(ValueError, match="no probabilities"):
        found.predict_proba(given)


@given(full)
@few
def test_a_finite_optimum_of_one_question_is_where_the_mean_logits_meet(given):
    own = align_all.own_temperature(given)
    finite = np.isfinite(own)
    assert np.array_equal(finite, align_all.has_finite_optimum(given) & finite)
    belief = align_all.expected_logit(given, align_all.plm_belief(given))
    for i in np.flatnonzero(finite & (own > 0.05) & (own < 50)):
        softened = np.exp(drift.log_softmax_options(given.polm_final[[i]], own[i]))
        assert align_all.expected_logit(given.select([i]), softened)[0] == pytest.approx(belief[i], abs=1e-4)


@given(full)
@few
def test_equal_readings_give_equal_temperatures(given):
    from dualalign import readings

    table = readings.equivalences(given)
    np.testing.assert_allclose(table["first"], table["second"], rtol=1e-4)


@given(full)
@few
def test_forces_add_up_to_the_whole_error(given):
    found = references.forces(given)
    parts = [found[name] for name in references.FORCES]
    assert np.isnan(parts).all() == np.isnan(found["total"])
    assert sum(parts) == pytest.approx(found["total"], nan_ok=True, abs=1e-9)
    table = references.forces_with_intervals(given, draws=3)
    assert {name: one.value for name, one in table.items()} == pytest.approx(found, nan_ok=True)


@given(traces, seeds)
@settings(max_examples=2)
def test_the_worst_of_checks_decides_and_the_report_repeats_it(given, seed):
    found = report.judge(given, seed)
    assert found.state == checks.worst(found.checks) == checks.worst(found.checks[::-1])
    assert found.temperature is None or found.temperature == found.calibrator.temperature_
    assert all(reason in found.sentence for reason in found.reasons)
    assert found.headline in found.sentence
    assert (found.state == "ok") == (not found.reasons)
    assert found.moves.startswith("mean confidence")
    table, how = report.side_by_side(given, seed)
    assert table["method"].is_unique
    assert how
    done = checks.examine(given, da.DualAlign().fit(given), seed)
    assert [one.condition for one in done] == [one.condition for one in found.checks[: len(done)]]
    fit = da.DualAlign().fit(given)
    each = [
        checks.optimum(fit),
        checks.process(given, fit),
        checks.stability(given, fit, seed),
        checks.calibration(given, seed),
        checks.ties(given),
    ]
    assert all(one in done for one in each)


@given(st.lists(st.sampled_from(["ok", "care", "fail", "note", "unknown"])), seeds)
@some
def test_the_worst_state_never_gets_better_with_more_checks(states, seed):
    made = [report.Check("name", "condition", "found", state, "fault") for state in states]
    rank = ("ok", "care", "fail").index
    for cut in range(len(made)):
        assert rank(checks.worst(made[:cut])) <= rank(checks.worst(made))
    assert all(one.said == ("fault: found" if one.state in ("fail", "care") else "found") for one in made)
