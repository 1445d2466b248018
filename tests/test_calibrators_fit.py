"""Every fit against brute force, the cases with no finite optimum, the edges of the search, and every refusal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pairs_kit import two_models
from scipy.optimize import minimize_scalar

import dualalign as da
from dualalign.calibrators.objective import ConfidencePart, ProcessPart, confidence_weight
from dualalign.calibrators.search import minimise

GRID = np.linspace(math.log(0.01), math.log(100), 1001)


def brute_force(objective) -> tuple[float, float]:
    """Return (log T, value) of the lowest point on a fine grid, polished by values alone."""
    values = [objective(math.exp(-s))[0] for s in GRID]
    i = int(np.argmin(values))
    bounds = GRID[max(i - 1, 0)], GRID[min(i + 1, len(GRID) - 1)]
    polished = minimize_scalar(lambda s: objective(math.exp(-s))[0], bounds=bounds, method="bounded",
                               options={"xatol": 1e-11})  # fmt: skip
    return min((float(polished.x), float(polished.fun)), (float(GRID[i]), values[i]), key=lambda pair: pair[1])


def objective_of(calibrator, traces):
    """The objective of a method, put together from its parts as its docstring says."""
    n, name = len(traces), calibrator.name
    if name == "daca":
        agreeing = da.drift.agreement(traces)
        return ConfidencePart(traces.select(agreeing), np.ones(agreeing.sum()))
    if name == "align-all":
        return ConfidencePart(traces, np.ones(n))
    w = confidence_weight(traces, calibrator.weight)
    parts = [lambda beta: (0.0, 0.0)] * 2
    if name != "process-only":
        parts[0] = ConfidencePart(traces, w, calibrator.kl, calibrator.base)
    if name != "confidence-only":
        names = ("aggregate", "tempered", "process", "peak", "base")
        parts[1] = ProcessPart(traces, 1 - w, *(getattr(calibrator, option) for option in names))
    return lambda beta: tuple(map(sum, zip(parts[0](beta), parts[1](beta), strict=True)))


FITS = {
    "align-all": da.AlignAll(),
    "daca": da.DACA(),
    "confidence-only": da.ConfidenceOnly(),
    "confidence-only, reversed": da.ConfidenceOnly(kl="polm-first", weight="tv"),
    "process-only": da.ProcessOnly(),
    "process-only, mean of layers": da.ProcessOnly(aggregate="entropy-mean"),
    "process-only, last": da.ProcessOnly(tempered="last", weight="hard"),
    "dual-align": da.DualAlign(),
    "dual-align, sum": da.DualAlign(aggregate="sum-entropy", base="2", peak="max-rise"),
    "dual-align, per layer": da.DualAlign(process="per-layer", weight=0.5, peak="max-divergence"),
    "dual-align, reversed": da.DualAlign(kl="polm-first", aggregate="entropy-mean", tempered="last"),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(("seed", "scale"), [(0, 0.1), (1, 3.0), (2, 60.0)])
def test_a_fit_is_the_brute_force_optimum(random_traces, name, seed, scale):
    traces = random_traces(12, (4, 5), 5, seed, padded=True, scale=scale)
    calibrator = FITS[name].fit(traces)
    objective = objective_of(calibrator, traces)
    log_t, value = brute_force(objective)
    if math.isinf(calibrator.temperature_):
        assert calibrator.reason_.startswith("no finite optimum")
        assert calibrator.objective_ <= value
        return
    assert 0.01 <= calibrator.temperature_ <= 100
    assert calibrator.objective_ == pytest.approx(objective(1 / calibrator.temperature_)[0], rel=1e-12)
    close = abs(math.log(calibrator.temperature_) - log_t) < 1e-6
    assert close or calibrator.objective_ <= value * (1 + 1e-12)


def test_every_valley_is_searched():
    """Three valleys in log T, the deepest one narrow and far from T = 1."""

    def objective(beta: float) -> tuple[float, float]:
        s = -math.log(beta)
        wells = [(0.5, -3.0, 0.8), (0.6, 0.5, 0.9), (0.7, 3.6, 0.5)]
        value = 1 - sum(depth * math.exp(-(((s - at) / width) ** 2)) for depth, at, width in wells)
        slope = sum(2 * d * (s - at) / w**2 * math.exp(-(((s - at) / w) ** 2)) for d, at, w in wells)
        return value, -slope / beta

    found, (log_t, value) = minimise(objective), brute_force(objective)
    assert math.log(found.temperature) == pytest.approx(log_t, abs=1e-6)
    assert log_t == pytest.approx(3.6, abs=0.05)
    assert found.objective <= value * (1 + 1e-12)


def test_proposition_3_3_fails_for_four_options():
    """f's top class has g-probability .2 < 1/4, and yet the best temperature is 1.43, not infinite."""
    g, f = np.log([0.2, 0.79, 0.005, 0.005]), [1.0, 0.9, -5.0, -5.0]
    calibrator = da.AlignAll().fit(two_models([g, g], [f, f]))
    assert calibrator.temperature_ == pytest.approx(1.43, abs=0.005)
    assert calibrator.reason_ == ""


def test_two_options_in_closed_form():
    """With two options KL is 0 where the log-odds match: T = odds of f / odds of g."""
    calibrator = da.AlignAll().fit(two_models([[0.5, 0.0]] * 2, [[3.0, 0.0]] * 2))
    assert calibrator.temperature_ == pytest.approx(6.0, rel=1e-9)
    assert calibrator.objective_ == pytest.approx(0.0, abs=1e-15)


def test_no_finite_optimum_is_said_and_gives_uniform_probabilities():
    traces = two_models([[0.0, 1.0, 0.5]] * 3, [[4.0, -1.0, 0.0]] * 3, labels=[1, 1, 2])
    for calibrator in (da.AlignAll(), da.ConfidenceOnly(), da.TemperatureScaling(), da.Agreement()):
        calibrator.fit(traces)
        assert calibrator.temperature_ == math.inf
        assert calibrator.reason_.startswith("no finite optimum")
        np.testing.assert_allclose(calibrator.predict_proba(traces), 1 / 3)
        assert (calibrator.prediction(traces) == 0).all()
    assert da.TemperatureScaling().fit(traces).objective_ == pytest.approx(np.log(3), rel=1e-12)


def test_an_optimum_beyond_the_range_stops_at_the_edge_and_says_so():
    for scale, edge, word in [(1e4, 100.0, "upper edge"), (1e-4, 0.01, "lower edge")]:
        traces = two_models([[1.0, 0.0, 0.2]] * 4, [[scale, 0.0, scale * 0.3]] * 4)
        for calibrator in (da.AlignAll(), da.DACA(), da.ProcessOnly(weight=0.5), da.DualAlign(weight=0.5)):
            calibrator.fit(traces)
            assert calibrator.temperature_ == edge
            assert word in calibrator.reason_


def test_certain_and_right_ends_at_the_lower_edge():
    traces = two_models([[9.0, 0.0]] * 3, [[3.0, 0.0]] * 3, labels=[0, 0, 0])
    for calibrator in (da.TemperatureScaling(), da.Agreement()):
        calibrator.fit(traces)
        assert calibrator.temperature_ == 0.01
        assert "lower edge" in calibrator.reason_


def test_identical_models_need_no_temperature(random_traces):
    traces = random_traces(20)
    same = da.Traces(traces.plm_logits, traces.plm_logits, traces.labels, traces.n_options, traces.question_ids)
    for calibrator in (da.AlignAll(), da.DACA(), da.ConfidenceOnly(), da.DualAlign(), da.ProcessOnly(weight=0.3)):
        assert calibrator.fit(same).temperature_ == pytest.approx(1.0, rel=1e-6)
    assert da.ProcessOnly().fit(same).temperature_ == 1.0
    assert "same objective" in da.ProcessOnly().fit(same).reason_


def test_uniform_models_leave_every_temperature_equal():
    traces = two_models([[0.0, 1.0]] * 2, [[2.0, 2.0]] * 2, labels=[0, 1])
    for calibrator in (da.AlignAll(), da.TemperatureScaling(), da.Agreement(), da.DualAlign()):
        assert calibrator.fit(traces).temperature_ == 1.0
        assert "every temperature gives the same" in calibrator.reason_


def test_agreement_matches_mean_confidence_with_the_rate(random_traces):
    traces = random_traces(60, padded=True)
    calibrator = da.Agreement().fit(traces)
    assert calibrator.confidence(traces).mean() == pytest.approx(da.drift.agreement(traces).mean(), abs=1e-9)
    assert calibrator.objective_ == pytest.approx(0, abs=1e-9)


def test_temperature_scaling_ignores_unknown_labels(random_traces):
    traces = random_traces(30)
    labels = np.where(np.arange(30) < 20, traces.polm_final.argmax(axis=1), traces.labels)
    known = da.Traces(traces.plm_logits, traces.polm_logits, labels, traces.n_options, traces.question_ids)
    hidden = np.where(np.arange(30) % 3 == 0, -1, labels)
    some = da.Traces(traces.plm_logits, traces.polm_logits, hidden, traces.n_options, traces.question_ids)
    fitted, expected = da.TemperatureScaling().fit(some), da.TemperatureScaling().fit(known.select(hidden >= 0))
    assert fitted.temperature_ == pytest.approx(expected.temperature_, rel=1e-12)
    assert fitted.n_fit_ == 20
    proba = np.exp(da.drift.log_softmax_options(known.polm_final[hidden >= 0], fitted.temperature_))
    nll = -np.log(proba[np.arange(20), labels[hidden >= 0]]).mean()
    assert fitted.objective_ == pytest.approx(nll, rel=1e-12)


def extra(method: type, traces: da.Traces) -> dict[str, da.Traces]:
    """What a method needs beside plain traces: one question without content, or one in its four rotations."""
    order = (np.arange(4) + np.arange(4)[:, None]) % 4
    rotated = replace(traces.select(slice(4)), question_ids=("q",) * 4, groups=(), labels=np.full(4, -1), order=order)
    known = {"content_free": traces.select([0]), "permuted": rotated}
    return {name: value for name, value in known.items() if name in method.__dataclass_fields__}


def test_how_many_questions_entered_the_fit(random_traces):
    traces = random_traces(40)
    agreeing = int(da.drift.agreement(traces).sum())
    counts = dict.fromkeys(("vanilla", "basecal", "cape"), 0) | {"contextual": 1, "pride": 1}
    counts |= dict.fromkeys(("daca", "vector-scaling", "matrix-scaling"), agreeing)
    for name, method in da.METHODS.items():
        assert method(**extra(method, traces)).fit(traces).n_fit_ == counts.get(name, 40)
    assert da.ConfidenceOnly(weight="hard").fit(traces).n_fit_ == agreeing
    assert da.ProcessOnly(weight="hard").fit(traces).n_fit_ == 40 - agreeing


def bad_options() -> list:
    names = {"aggregate", "tempered", "process", "kl", "peak", "base", "weight"}
    cases = [(method, name) for method in (da.DualAlign, da.ProcessOnly, da.ConfidenceOnly) for name in sorted(names)]
    return [case for case in cases if case[1] in case[0].__dataclass_fields__] + [(da.DACA, "optimizer")]


@pytest.mark.parametrize(("method", "name"), bad_options())
@pytest.mark.parametrize("value", ["other", None, ("e",)])
def test_an_unknown_option_is_named_with_what_is_allowed(random_traces, method, name, value):
    with pytest.raises(ValueError, match=f"^{name} is .*; allowed are '") as caught:
        method(**{name: value}).fit(random_traces(5))
    assert "\n" not in str(caught.value)


def test_a_fixed_weight_lies_between_0_and_1(random_traces):
    for weight in (-0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match="a fixed weight lies in"):
            da.DualAlign(weight=weight).fit(random_traces(5))


@pytest.mark.parametrize("name", sorted(da.METHODS))
def test_no_question_is_refused_and_one_where_something_is_fitted(random_traces, name):
    calibrator = da.METHODS[name](**extra(da.METHODS[name], random_traces(4)))
    with pytest.raises(ValueError, match=f"traces holds no question; {name} needs at least"):
        calibrator.fit(random_traces(3).select([]))
    if calibrator.least == 2:
        with pytest.raises(ValueError, match=f"traces holds 1 question; {name} needs at least 2"):
            calibrator.fit(random_traces(1))
    else:
        assert calibrator.fit(random_traces(1)).temperature_ == 1.0


def test_what_a_method_lacks_is_said():
    traces = two_models([[0.0, 1.0]] * 3, [[1.0, 0.0]] * 3)
    with pytest.raises(ValueError, match="no question on which the two models agree; daca"):
        da.DACA(optimizer="adam").fit(traces)
    with pytest.raises(ValueError, match="weight 'hard' is 0 for every question"):
        da.ConfidenceOnly(weight="hard").fit(traces)
    with pytest.raises(ValueError, match="content_free holds no traces"):
        da.ContextualCalibration().fit(traces)
    with pytest.raises(ValueError, match="needs at least 2"):
        da.DualAlign().fit(two_models([[0.0, 1.0]] * 3, [[1.0, 0.0]] * 3, layers=1))
    with pytest.raises(ValueError, match="DualAlign is not fitted; call fit"):
        da.DualAlign().predict_proba(traces)
    with pytest.raises(ValueError, match="basecal gives no probabilities"):
        da.BaseCal().fit(traces).predict_proba(traces)


@pytest.mark.parametrize("found", ["t.safetensors", None, np.zeros((2, 3, 4))])
def test_what_is_no_trace_is_refused(found):
    with pytest.raises(ValueError, match="give Traces"):
        da.Vanilla().fit(found)


def test_a_fixed_weight_may_be_a_numpy_number(random_traces):
    traces = random_traces(10)
    assert (
        da.DualAlign(weight=np.float32(0.5)).fit(traces).temperature_
        == da.DualAlign(weight=0.5).fit(traces).temperature_
    )
