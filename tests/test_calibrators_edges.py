"""Calibrators at their edges: what each says in words, what is just allowed, where the published protocol ends."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_traces
from pairs_kit import two_models
from scipy.special import softmax

import dualalign as da
from dualalign import drift
from dualalign.calibrators import adam
from dualalign.calibrators.objective import ConfidencePart, ProcessPart, confidence_weight

UPPER, LOWER = "at the upper edge of the search, 100", "at the lower edge of the search, 0.01"


# -- What is said --------------------------------------------------------------------------------------------------


def test_what_each_method_says_of_a_fit():
    traces = make_traces(30)
    order = (np.arange(4) + np.arange(4)[:, None]) % 4
    asked = replace(traces.select(slice(4)), question_ids=("q",) * 4, groups=(), labels=np.full(4, -1), order=order)
    said = {
        da.Vanilla(): "nothing is fitted",
        da.BaseCal(): "nothing is fitted: the confidence is the PLM's",
        da.BatchCalibration(): "divides out the mean probability of each option; no temperature is fitted",
        da.ContextualCalibration(traces.select([0])): (
            "divides out the probability of each option without content; no temperature is fitted"
        ),
        da.PriDe(asked): "divides out the prior of each place; no temperature is fitted",
        da.CAPE(): "nothing is fitted: averages a question's probabilities over the orders of its options",
        da.VectorScaling(): "a weight and a bias for each option; no temperature is fitted",
        da.MatrixScaling(): "a weight for each pair of options and a bias for each option; no temperature is fitted",
        da.DACA("adam", epochs=3): "where the published Adam protocol stops, which need not be the optimum",
        da.DACA(): "",
    }
    for calibrator, reason in said.items():
        assert calibrator.fit(traces).reason_ == reason
        assert math.isnan(calibrator.objective_) == ("fitted" in reason and "scaling" not in calibrator.name)


def test_where_the_confidence_meets_the_rate_at_which_models_agree():
    far, near = [400.0, 0.0], [2e-4, 0.0]
    same, other = [1.0, 0.0], [0.0, 1.0]
    padded = [2.0, 0.0, -np.inf]
    endless, equal = "no finite optimum: the models agree on", "every temperature gives the same confidence; left at 1"
    cases = [
        ([same, other], [near, near], math.inf, 0.0, f"{endless} 0.500, no more than chance"),
        ([other, other, same], [same] * 3, math.inf, 1 / 6, f"{endless} 0.333, no more than chance"),
        ([padded, [0.0, 2.0, -np.inf]], [padded] * 2, math.inf, 0.0, f"{endless} 0.500, no more than chance"),
        ([same, same, other], [[500.0, 0.0]] * 3, 100.0, softmax([5, 0])[0] - 2 / 3, f"{UPPER}: the optimum lies"),
        ([same, same, other], [near] * 3, 0.01, 2 / 3 - softmax([0.02, 0])[0], f"{LOWER}: the models agree on 0.667"),
        ([same, same], [far] * 2, 0.01, 0.0, f"{LOWER}: the models agree on 1.000"),
        ([same, other], [[0.0, 0.0]] * 2, 1.0, 0.0, equal),
        ([same] * 2, [[0.0, 0.0]] * 2, 1.0, 0.5, equal),
        ([same, same, other], [[3.0, 0.0]] * 3, 3 / math.log(2), 0.0, ""),
    ]
    for g, f, temperature, remains, reason in cases:
        fitted = da.Agreement().fit(two_models(g, f))
        assert fitted.temperature_ == pytest.approx(temperature, rel=1e-9)
        assert fitted.objective_ == pytest.approx(remains, abs=1e-7)
        assert fitted.objective_ >= 0
        assert fitted.reason_.startswith(reason)
        assert bool(fitted.reason_) == bool(reason)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: da.DACA("adam", epochs=0).fit(t), "epochs is 0; give a whole number of at least 1"),
        (lambda t: da.DACA("adam", batch_size=0).fit(t), "batch_size is 0; give a whole number of at least 1"),
        (lambda t: da.DACA("adam", batch_size="9").fit(t), "batch_size is '9'; give a whole number of at least 1"),
        (lambda t: da.DACA("adam", learning_rate=0).fit(t), "learning_rate is 0; give a positive number"),
        (lambda t: da.DACA("adam", learning_rate=math.inf).fit(t), "learning_rate is inf; give a positive number"),
        (lambda t: da.DACA("adam", learning_rate=None).fit(t), "learning_rate is None; give a positive number"),
        (lambda t: adam.adam_path(t, np.ones(6), start=0), "start is 0; give a finite temperature other than 0"),
        (lambda t: confidence_weight(t, True), "weight is True; allowed are 'jsd', 'tv', 'hard' or a number in 0..1"),
        (lambda t: confidence_weight(t, 1.001), "weight is 1.001; a fixed weight lies in 0..1"),
        (lambda t: confidence_weight(t, "JSD"), "weight is 'JSD'; allowed are 'jsd', 'tv', 'hard' or a number in 0..1"),
        (lambda t: ConfidencePart(t, np.ones(6), "both"), "kl is 'both'; allowed are 'plm-first', 'polm-first'"),
        (lambda t: ConfidencePart(t, np.ones(6), base="10"), "base is '10'; allowed are 'e', '2'"),
        (lambda t: ProcessPart(t, np.ones(6), "mean"), "aggregate is 'mean'; allowed are 'mean-entropy', 'sum-ent"),
        (lambda t: ProcessPart(t, np.ones(6), tempered="no"), "tempered is 'no'; allowed are 'all', 'last'"),
        (lambda t: ProcessPart(t, np.ones(6), process="no"), "process is 'no'; allowed are 'squared-gap', 'per-layer'"),
        (lambda t: ProcessPart(t, np.ones(6), peak="no"), "peak is 'no'; allowed are 'max-jump', 'max-rise', 'max-div"),
        (lambda t: ProcessPart(t, np.ones(6), base="no"), "base is 'no'; allowed are 'e', '2'"),
        (lambda t: da.Vanilla().fit([t]), "traces is a list; give Traces, a file's with Traces.load(path)"),
        (lambda t: da.DualAlign().fit(t.select([0])), "traces holds 1 question; dual-align needs at least 2"),
        (lambda t: da.DualAlign().fit(t.select([])), "traces holds no question; dual-align needs at least 2"),
        (lambda t: da.DACA().confidence(t), "DACA is not fitted; call fit(traces) first"),
        (lambda t: da.BaseCal().confidence(t), "BaseCal is not fitted; call fit(traces) first"),
        (lambda t: da.BatchCalibration().predict_proba(t), "BatchCalibration is not fitted; call fit(traces) first"),
        (
            lambda t: da.BaseCal().predict_proba(t),
            "basecal gives no probabilities, only a confidence; use confidence(traces)",
        ),
        (
            lambda t: da.TemperatureScaling().fit(replace(t, labels=np.full(6, -1))),
            "labels are all unknown (-1); temperature-scaling needs labels, try dual-align",
        ),
        (
            lambda t: da.ContextualCalibration(t.select([])).fit(t),
            "content_free holds no traces; contextual needs traces of content-free questions",
        ),
        (
            lambda t: da.PriDe(t.select([])).fit(t),
            "permuted holds no traces; pride needs traces of questions asked in several orders",
        ),
        (
            lambda t: da.CAPE().fit(t).predict_proba(t),
            "traces has no order; give a trace of permuted options, which names each place's option",
        ),
        (
            lambda t: da.CAPE().fit(t).predict_proba(replace(t, order=np.tile(np.arange(4), (6, 1))).select([])),
            "traces holds no question; give at least one",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        call(make_traces(6))


def test_the_slope_at_a_negative_temperature_does_not_overflow():
    """There the least logit weighs most; one question's 1000 must not drown another's 1."""
    z, p = np.array([[0.0, 0.0], [-1000.0, -1.0]]), np.array([[0.3, 0.4], [0.7, 0.6]])
    q = np.array([[0.0, 1 / (1 + math.e)], [1.0, math.e / (1 + math.e)]])
    expected = (p * (q >= 1e-8) * (z - (q * z).sum(axis=0))).sum() / 2
    assert adam.soft_cross_entropy_slope(z, p, -1.0) == pytest.approx(expected, rel=1e-12)


def test_models_that_never_agree_are_named():
    traces = two_models([[0.0, 1.0]] * 3, [[1.0, 0.0]] * 3)
    words = "traces has no question on which the two models agree; daca needs one, try dual-align"
    with pytest.raises(ValueError, match=f"^{words}$"):
        da.DACA().fit(traces)


# -- The published protocol ----------------------------------------------------------------------------------------


def test_the_published_protocol_is_what_nobody_changes():
    traces = make_traces(300, 2)
    kept = drift.agreement(traces)
    path = adam.adam_path(traces, kept)
    np.testing.assert_array_equal(path, adam.adam_path(traces, kept, 0.1, 400, 256, 0, 1.0))
    fitted = da.DACA(optimizer="adam").fit(traces)
    assert fitted.temperature_ == fitted.raw_temperature_ == path[-1]
    assert fitted.objective_ == pytest.approx(
        ConfidencePart(traces.select(kept), np.ones(kept.sum()))(1 / path[-1])[0], rel=1e-12
    )


def test_one_epoch_of_one_question_at_a_time_is_allowed():
    traces = make_traces(6)
    assert da.DACA("adam", epochs=np.int64(1), batch_size=1, learning_rate=np.float64(1e-3)).fit(traces).reason_


def test_where_the_replica_ends_is_said_from_a_hundredth_on():
    valid = "where the published Adam protocol stops, which need not be the optimum"
    assert adam._reason(0.01) == adam._reason(3.0) == valid
    expected = "the published Adam protocol stopped at 0.009988, no valid temperature; set to 0.01"
    assert adam._reason(0.0099876) == expected


def test_an_option_at_the_clamp_carries_slope_and_padding_none(monkeypatch):
    z, p = np.array([[0.0], [-1.0], [-3.0]]), np.array([[0.5], [0.3], [0.2]])
    q = softmax(z[:, 0] / 2)
    terms = p[:, 0] * (z[:, 0] - q @ z[:, 0]) / 4
    monkeypatch.setattr(adam, "_CLAMP", 0.0)
    assert adam.soft_cross_entropy_slope(z, p, 2.0) == pytest.approx(terms.sum(), rel=1e-12)
    exact = np.exp(z[:, 0] / 2) / np.exp(z[:, 0] / 2).sum()
    monkeypatch.setattr(adam, "_CLAMP", exact[1])
    assert adam.soft_cross_entropy_slope(z, p, 2.0) == pytest.approx(terms[:2].sum(), rel=1e-12)
    padded = np.vstack([z, [[drift.FLOOR]]]), np.vstack([p, [[0.0]]])
    for temperature in (2.0, -2.0):
        assert adam.soft_cross_entropy_slope(*padded, temperature) == adam.soft_cross_entropy_slope(z, p, temperature)
