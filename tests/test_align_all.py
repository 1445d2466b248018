"""Why aligning on every question fails: mean logits, finite optima and stops against brute force and by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

import dualalign as da
from dualalign import align_all, change, drift, early_stopping, metrics

LOGIT = st.floats(-6, 6, width=32)
OPTIONS = st.integers(2, 6)


def traces_of(z_g, z_f, labels=None) -> da.Traces:
    """One layer's logits, (N, K), as traces of two equal layers."""
    g, f = (np.repeat(np.asarray(z, dtype=np.float32)[:, None], 2, axis=1) for z in (z_g, z_f))
    n, k = g.shape[0], g.shape[2]
    labels = np.zeros(n, dtype=int) if labels is None else np.asarray(labels)
    return da.Traces(g, f, labels, np.full(n, k), tuple(f"q{i}" for i in range(n)))


def loss(z_g, z_f, beta: float) -> float:
    """KL(p_g || softmax(beta z_f)) of one question, written out."""
    z_g, z_f = np.asarray(z_g, float), np.asarray(z_f, float)
    return float((softmax(z_g) * (log_softmax(z_g) - log_softmax(beta * z_f))).sum())


@st.composite
def questions(draw, options=OPTIONS):
    k = draw(options)
    return draw(arrays(np.float32, k, elements=LOGIT)), draw(arrays(np.float32, k, elements=LOGIT))


# -- Mean logits ---------------------------------------------------------------------------------------------------


def test_expected_logits_by_hand(random_traces):
    traces = random_traces(9, 2, k=5, padded=True)
    belief = align_all.plm_belief(traces)
    assert belief.sum(axis=1) == pytest.approx(np.ones(9))
    for row in range(9):
        k = traces.n_options[row]
        z = traces.polm_final[row, :k].astype(float)
        p = softmax(traces.plm_final[row, :k].astype(float))
        assert align_all.expected_logit(traces, belief)[row] == pytest.approx(p @ (z - z.max()))
        assert align_all.expected_logit(traces)[row] == pytest.approx((z - z.max())[traces.labels[row]])


def test_a_label_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="labels are unknown"):
        align_all.expected_logit(traces_of([[0.0, 1.0]] * 2, [[1.0, 0.0]] * 2, [0, -1]))


@pytest.mark.parametrize("seed", range(6))
def test_the_forces_are_the_slopes_at_the_true_temperature_and_say_who_ends_above_it(random_traces, seed):
    """Against finite differences of losses written out, and against the temperatures that the calibrators find."""
    base = random_traces(300, 2, seed=seed)
    rng = np.random.default_rng(seed)
    informed = softmax(base.polm_final * 0.6, axis=1)  # labels that the PoLM knows something about: a finite T*
    labels = (informed.cumsum(axis=1) < rng.random((300, 1))).sum(axis=1).clip(max=3)
    traces = da.Traces(base.plm_logits, base.polm_logits, labels, base.n_options, base.question_ids)
    found, oracle = align_all.forces(traces, draws=20)["value"], da.TemperatureScaling().fit(traces).temperature_
    agree, h, beta = drift.agreement(traces), 1e-5, 1 / oracle
    for name, kept in (("align-all", np.ones(300, bool)), ("daca", agree)):
        low, high = (
            sum(loss(g, f, b) for g, f in zip(traces.plm_final[kept], traces.polm_final[kept], strict=True)) / 300
            for b in (beta - h, beta + h)
        )
        assert found[name] == pytest.approx(beta * (high - low) / (2 * h), abs=1e-6)
        temperature = da.METHODS[name]().fit(traces).temperature_
        assert (found[name] > 0) == (temperature > oracle)
    assert found["align-all"] == pytest.approx(found["agree"] + found["disagree"])
    assert found["daca"] == pytest.approx(found["agree"] - found["left out"])


def test_an_exact_belief_exerts_no_force_on_align_all(random_traces):
    traces = random_traces(50)
    exact = align_all.forces(traces, truth=align_all.plm_belief(traces), draws=10)["value"]
    assert exact[["agree", "disagree", "align-all"]].tolist() == pytest.approx([0, 0, 0], abs=1e-15)
    assert exact["daca"] == -exact["left out"]


def test_forces_have_no_unit_where_the_true_temperature_is_infinite(random_traces):
    traces = random_traces(50)
    uniform = np.full((50, 4), 0.25)
    assert align_all.forces(traces, truth=uniform, draws=10)["value"].isna().all()


def test_beliefs_on_disagreement_by_hand():
    g = np.log([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    f = [[0, 1, 0], [1, 0, 0], [1, 0, 0]]  # the third agrees
    table = align_all.on_disagreement(traces_of(g, f, [0, 0, 2]), draws=50)
    assert table.loc["PLM's answer", ["belief", "accuracy"]].tolist() == pytest.approx([0.6, 0.5])
    assert table.loc["PoLM's answer", ["belief", "accuracy", "gap"]].tolist() == pytest.approx([0.2, 0.5, -0.3])
    same = align_all.on_disagreement(traces_of(f, f), draws=50)
    assert same.isna().all(axis=None)


# -- Proposition 3.3 -----------------------------------------------------------------------------------------------


@given(questions())
def test_the_criterion_is_that_of_brute_force(question):
    """A finite optimum exists where some finite beta has a smaller loss than beta = 0, on a fine grid."""
    z_g, z_f = question
    traces = traces_of([z_g, z_g], [z_f, z_f])
    tilt = softmax(z_g.astype(float)) @ z_f - z_f.mean()
    assume(abs(tilt) > 1e-3)
    lowest = min(loss(z_g, z_f, beta) for beta in np.geomspace(1e-6, 50, 300))
    assert align_all.has_finite_optimum(traces)[0] == (lowest < loss(z_g, z_f, 0.0) - 1e-12)


@given(questions(st.just(2)))
def test_with_two_options_the_criterion_is_one_half(question):
    z_g, z_f = question
    assume(abs(z_f[0] - z_f[1]) > 1e-3 and abs(z_g[0] - z_g[1]) > 1e-3)
    favourite = softmax(z_g.astype(float))[z_f.argmax()]
    traces = traces_of([z_g, z_g], [z_f, z_f])
    assert align_all.has_finite_optimum(traces)[0] == (favourite > 0.5)
    assert change.reversal(traces)[0] == (favourite < 0.5)


@given(questions(), st.floats(0.1, 5))
def test_with_equal_rivals_the_rule_of_one_over_k_is_exact(question, lead):
    """What the proposition needs for K >= 3: that f tells no difference between the options it does not choose."""
    z_g, k = question[0], len(question[0])
    z_f = np.zeros(k)
    z_f[0] = lead
    favourite = softmax(z_g.astype(float))[0]
    assume(abs(favourite - 1 / k) > 1e-4)
    assert align_all.has_finite_optimum(traces_of([z_g, z_g], [z_f, z_f]))[0] == (favourite > 1 / k)


@given(questions())
def test_a_questions_own_temperature_is_that_of_a_minimiser(question):
    z_g, z_f = question
    assume(abs(softmax(z_g.astype(float)) @ z_f - z_f.mean()) > 1e-2 and np.ptp(z_f) > 0.1)
    own = align_all.own_temperature(traces_of([z_g, z_g], [z_f, z_f]))[0]
    best = minimize_scalar(lambda b: loss(z_g, z_f, b), bounds=(-200, 200), method="bounded", options={"xatol": 1e-9})
    if not 0.01 < best.x < 50:
        assert own > 100 if best.x <= 0.01 else own < 0.1
    else:
        assert own == pytest.approx(1 / best.x, rel=1e-3)
        assert loss(z_g, z_f, 1 / own) <= best.fun + 1e-12


def test_the_counter_example_of_four_options():
    """p_g of the favourite is 0.2 < 1/4, yet the best T is finite; and the converse, 0.3 > 1/4 without one."""
    finite = traces_of(np.log([[0.2, 0.79, 0.005, 0.005]]), [[1, 0.9, -5, -5]])
    assert change.reversal(finite).tolist() == [True]
    assert align_all.has_finite_optimum(finite).tolist() == [True]
    assert align_all.own_temperature(finite)[0] == pytest.approx(1.43, abs=0.005)
    none = traces_of(np.log([[0.3, 0.02, 0.02, 0.66]]), [[1, 0.95, 0.95, -10]])
    assert change.reversal(none).tolist() == [False]
    assert align_all.own_temperature(none).tolist() == [math.inf]


def test_the_table_of_finite_optima_counts_right():
    g = np.log([[0.2, 0.79, 0.005, 0.005], [0.3, 0.02, 0.02, 0.66], [0.1, 0.1, 0.1, 0.7], [0.7, 0.1, 0.1, 0.1]])
    f = [[1, 0.9, -5, -5], [1, 0.95, 0.95, -10], [1, 0, 0, 0], [1, 0, 0, 0]]
    row = align_all.finite_optima({"pair": traces_of(g, f)}).loc["pair"]
    assert row.tolist() == pytest.approx([3, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0])


# -- Proposition 3.2 -----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0.25, 1), st.booleans()), min_size=1, max_size=60))
def test_an_ece_is_at_least_the_gap_of_the_means(answers):
    confidence, right = (np.array(column) for column in zip(*answers, strict=True))
    gap = abs(confidence.mean() - right.mean())
    error = metrics.ece(confidence, right)
    assert error >= gap - 1e-12
    signs = {np.sign((confidence - right)[members].sum()) for members in _bins(confidence)}
    if not {-1.0, 1.0} <= signs:
        assert error == pytest.approx(gap, abs=1e-12)


def _bins(confidence: np.ndarray) -> list[np.ndarray]:
    place = metrics.equal_width(confidence, 10)
    return [place == b for b in np.unique(place)]


# -- Where the published protocol stops ----------------------------------------------------------------------------


def test_stops_are_the_fits_of_the_calibrators(random_traces):
    traces = random_traces(80, 2)
    table = early_stopping.stops(traces, rates=[0.1], epochs=[15, 40], seeds=[0, 1], draws=100)
    assert [tuple(row) for row in table[["method", "epochs"]].itertuples(index=False)] == [
        ("align-all", 0), ("daca", 0), ("align-all", 15), ("align-all", 40), ("daca", 15), ("daca", 40)
    ]  # fmt: skip
    splits = list(metrics.repeated_splits(traces.question_ids, traces.groups, 0.3, [0, 1]))
    logs, errors = {}, {}
    for seed, (fit, test) in enumerate(splits):
        for epochs in (0, 15, 40):
            options = {"optimizer": "adam", "epochs": epochs, "seed": seed} if epochs else {}
            fitted = da.DACA(**options).fit(traces.select(fit))
            proba = fitted.predict_proba(traces.select(test))
            logs.setdefault(epochs, []).append(math.log(fitted.temperature_))
            errors.setdefault(epochs, []).append(metrics.ece(*metrics.top_label(proba, traces.labels[test])))
    for row in table[table.method == "daca"].itertuples():
        assert row.temperature == pytest.approx(math.exp(np.mean(logs[row.epochs])))
        assert row.distance == pytest.approx(math.exp(np.mean(logs[row.epochs]) - np.mean(logs[0])))
        assert row.ece == pytest.approx(np.mean(errors[row.epochs]))
        if row.epochs:
            assert row.minus == pytest.approx(np.mean(errors[row.epochs]) - np.mean(errors[0]))
            assert row.low <= row.high
    assert table[table.epochs == 0][["minus", "low", "high", "p"]].isna().all(axis=None)


def test_align_alls_path_ends_near_its_optimum(random_traces):
    traces = random_traces(60, 2)
    paths = early_stopping.tau_paths(traces, ["align-all", "daca"], [0.1], 2000)
    for method in ("align-all", "daca"):
        best = da.METHODS[method]().fit(traces).temperature_
        assert early_stopping.optimum(traces, method) == best
        assert paths[method, 0.1][-1] == pytest.approx(best, rel=1e-3)
    with pytest.raises(ValueError, match="method is 'basecal'"):
        early_stopping.kept_questions(traces, "basecal")


def test_the_curve_of_the_error_is_the_error_at_each_temperature(random_traces):
    traces = random_traces(70, 2)
    found = early_stopping.ece_curve(traces, np.array([0.5, 3.0]), seeds=[4], bins=7)
    ((_, test),) = metrics.repeated_splits(traces.question_ids, traces.groups, 0.3, [4])
    for value, temperature in zip(found, (0.5, 3.0), strict=True):
        proba = softmax(traces.polm_final[test].astype(float) / temperature, axis=1)
        right = proba.argmax(axis=1) == traces.labels[test]
        assert value == pytest.approx(metrics.ece(proba.max(axis=1), right, bins=7))


def test_few_questions_are_fitted_as_daca_fits_them(random_traces):
    traces = random_traces(50, 2)
    table = early_stopping.few_questions(traces, 8, 4, rate=0.1, seed=3)
    rng, expected = np.random.default_rng(3), []
    for _ in range(4):
        few = traces.select(np.sort(rng.choice(50, 8, replace=False)))
        expected.append([da.DACA().fit(few).temperature_, da.DACA(optimizer="adam").fit(few).raw_temperature_])
    np.testing.assert_allclose(table.to_numpy(), expected, rtol=1e-12)


def test_exchanged_models_change_places(random_traces):
    traces = random_traces(6, (3, 5))
    other = early_stopping.exchanged(traces)
    np.testing.assert_array_equal(other.plm_logits, traces.polm_logits)
    np.testing.assert_array_equal(other.polm_logits, traces.plm_logits)
    assert other.question_ids == traces.question_ids


# -- Claim 4 -------------------------------------------------------------------------------------------------------


def test_the_gaps_after_alignment_by_hand(random_traces):
    traces = random_traces(120, 2)
    table = align_all.aligned_gaps(traces, seeds=[0, 1, 2], draws=400)
    expected = {name: [] for name in align_all.FITS}
    for fit, test in metrics.repeated_splits(traces.question_ids, traces.groups, 0.3, range(3)):
        fitting, testing = traces.select(fit), traces.select(test)
        agree = drift.agreement(fitting)
        for name, rows in (("agree", agree), ("all", slice(None)), ("disagree", ~agree)):
            confidence = da.AlignAll().fit(fitting.select(rows)).confidence(testing)
            right = testing.polm_final.argmax(axis=1) == testing.labels
            expected[name].append(confidence.mean() - right.mean())
    means = {name: np.mean(values) for name, values in expected.items()}
    assert table.loc[list(align_all.FITS), "value"].tolist() == pytest.approx(list(means.values()))
    assert table.value["disagree - agree"] == pytest.approx(means["disagree"] - means["agree"])
    assert table.value["all - agree"] == pytest.approx(means["all"] - means["agree"])
    ratio = table.temperature["disagree"] / table.temperature["agree"]
    assert table.temperature["disagree - agree"] == pytest.approx(ratio)
    width = (table.high - table.low)[["agree", "disagree - agree"]]
    assert width["disagree - agree"] < width["agree"] / 2  # the noise of the answers cancels
    assert ((table.p < 0.05) == ((table.low > 0) | (table.high < 0))).all()


def test_the_interval_of_a_gap_is_that_of_a_mean():
    """One split, each question once: the standard error of the bootstrap is the textbook's."""
    values = np.random.default_rng(0).normal(size=(400, 1))
    drawn = align_all._resampled_means(values, np.ones((400, 1)), 4000)
    assert drawn[0] == pytest.approx(values.mean())
    assert drawn[1:].std() == pytest.approx(values.std() / 20, rel=0.05)


def test_verdicts_are_corrected_for_their_number():
    table = pd.DataFrame({"value": [-0.1, 0.2, -0.3, 0.1], "p": [0.001, 0.002, 0.03, 0.5]})
    assert align_all.verdicts(table).tolist() == ["under", "over", "undecided", "undecided"]
    assert align_all.verdicts(table.iloc[[2]]).tolist() == ["under"]  # alone, p = 0.03 decides
