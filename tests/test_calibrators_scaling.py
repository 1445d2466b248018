"""Vector and matrix scaling against scikit-learn, a linear programme and a plain search; what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_traces
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, check_grad, linprog, minimize
from scipy.special import log_softmax, softmax

import dualalign as da
from dualalign.calibrators.scaling import ScalingLoss

BOTH = pytest.mark.parametrize("method", [da.VectorScaling, da.MatrixScaling])
SIDES = ("plm_logits", "polm_logits")
seeds = st.integers(0, 2**31)
methods = st.sampled_from([da.VectorScaling, da.MatrixScaling])
losses = st.sampled_from(["daca", "labels"])


def informed(n: int, k: int = 4, seed: int = 0, padded: bool = False) -> da.Traces:
    """Random traces whose labels follow the PoLM loosely, so that a finite optimum exists."""
    traces = make_traces(n, 2, k, seed, padded)
    z = traces.polm_final / 3 + np.random.default_rng(seed).gumbel(size=traces.polm_final.shape)
    return replace(traces, labels=z.argmax(axis=1))


def options_of(traces: da.Traces, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The PoLM's logits less their mean, and the PLM's probabilities, of the options that a row has."""
    n = traces.n_options[row]
    z = traces.polm_final[row, :n].astype(np.float64)
    return z - z.mean(), softmax(traces.plm_final[row, :n].astype(np.float64))


def kl_by_loop(traces: da.Traces, weights: np.ndarray, bias: np.ndarray) -> float:
    """Mean of KL(p_g || softmax(W z + b)) over the agreeing questions, each with its own options only."""
    total, agreeing = 0.0, np.flatnonzero(da.drift.agreement(traces))
    for row in agreeing:
        z, p = options_of(traces, row)
        log_q = log_softmax(weights[: len(z), : len(z)] @ z + bias[: len(z)])
        total += (p * (np.log(p) - log_q)).sum()
    return total / len(agreeing)


@BOTH
@pytest.mark.parametrize(("n", "k", "padded"), [(60, 3, False), (80, 4, True), (30, 2, False)])
def test_the_label_free_optimum_is_the_one_of_a_plain_search(method, n, k, padded):
    traces = make_traces(n, 2, k, 3, padded)
    full = method is da.MatrixScaling

    def whole(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (theta[:-k].reshape(k, k) if full else np.diag(theta[:-k])), theta[-k:]

    start = np.concatenate([np.eye(k).ravel() if full else np.ones(k), np.zeros(k)])
    found = minimize(lambda theta: kl_by_loop(traces, *whole(theta)), start, method="BFGS", options={"gtol": 1e-7})
    fitted = method().fit(traces)
    assert fitted.objective_ == pytest.approx(found.fun, abs=1e-9)
    assert fitted.objective_ <= found.fun + 1e-12
    weights, bias = whole(found.x)
    for row in range(n):
        z, _ = options_of(traces, row)
        expected = softmax(weights[: len(z), : len(z)] @ z + bias[: len(z)])
        np.testing.assert_allclose(fitted.predict_proba(traces)[row, : len(z)], expected, atol=2e-4)


@BOTH
def test_the_objective_is_that_of_the_weights_shown(method):
    traces = make_traces(50, 2, 4, 5, padded=True)
    fitted = method().fit(traces)
    weights = fitted.weights_ if method is da.MatrixScaling else np.diag(fitted.weights_)
    assert fitted.objective_ == pytest.approx(kl_by_loop(traces, weights, fitted.bias_), rel=1e-12)
    assert fitted.n_fit_ == da.drift.agreement(traces).sum() < 50
    assert fitted.temperature_ == 1.0
    assert "no temperature is fitted" in fitted.reason_


def test_with_labels_matrix_scaling_is_multinomial_regression():
    """A row with all options, its logits less their mean: scikit-learn's model without a penalty."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    traces = informed(400)
    z = traces.polm_final.astype(np.float64)
    z -= z.mean(axis=1, keepdims=True)
    reference = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(z, traces.labels)
    fitted = da.MatrixScaling(loss="labels").fit(traces)
    np.testing.assert_allclose(fitted.predict_proba(traces), reference.predict_proba(z), atol=1e-5)
    nll = -np.log(reference.predict_proba(z)[np.arange(400), traces.labels]).mean()
    assert fitted.objective_ == pytest.approx(nll, abs=1e-10)
    assert (fitted.prediction(traces) == reference.predict(z)).all()


def test_with_labels_vector_scaling_of_two_options_is_binary_regression():
    """Of two options only z_1 - z_0 counts, so that two weights are one."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    traces = informed(300, k=2)
    gap = np.diff(traces.polm_final.astype(np.float64), axis=1)
    reference = linear_model.LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(gap, traces.labels)
    fitted = da.VectorScaling(loss="labels").fit(traces)
    np.testing.assert_allclose(fitted.predict_proba(traces), reference.predict_proba(gap), atol=1e-6)
    assert fitted.weights_.sum() / 2 == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert np.diff(fitted.bias_)[0] == pytest.approx(reference.intercept_[0], abs=1e-5)


@BOTH
@pytest.mark.parametrize("loss", ["daca", "labels"])
def test_slope_and_curvature_are_exact(method, loss):
    traces = informed(25, 3, 1, padded=True)
    _, target = method(loss=loss)._targets(replace(traces, plm_logits=traces.polm_logits))
    problem = ScalingLoss(traces.polm_final, target, method()._free(3), da.Vanilla().fit(traces))
    at = np.random.default_rng(0).normal(size=int(problem.free.sum()))
    assert check_grad(lambda t: problem._ridged(t)[0], lambda t: problem._ridged(t)[1], at) < 1e-6
    curvature = np.array([approx_fprime(at, lambda t, i=i: problem._ridged(t)[1][i]) for i in range(len(at))])
    np.testing.assert_allclose(problem._hessian(at), curvature, atol=1e-6)


@settings(max_examples=40)
@given(seeds, st.integers(10, 80), st.integers(2, 5), st.booleans(), losses, st.floats(0.05, 20))
def test_more_parameters_reach_no_higher_loss(seed, n, k, padded, loss, scale):
    traces = make_traces(n, 2, k, seed, padded, scale)
    assume(da.drift.agreement(traces).any())
    one = (da.DACA() if loss == "daca" else da.TemperatureScaling()).fit(traces)
    vector, matrix = (method(loss=loss).fit(traces) for method in (da.VectorScaling, da.MatrixScaling))
    slack = 1e-6 if "no finite" in vector.reason_ + matrix.reason_ else 1e-12  # the ridge's trifle
    assert -1e-12 <= matrix.objective_ <= vector.objective_ + slack
    assert vector.objective_ <= one.objective_ + slack


@settings(max_examples=40)
@given(seeds, methods, losses, st.booleans())
def test_a_constant_added_to_a_row_and_the_order_of_questions_change_nothing(seed, method, loss, padded):
    traces = informed(30, 3, seed, padded)
    assume(da.drift.agreement(traces).any())
    rng = np.random.default_rng(seed)
    moved = replace(traces, polm_logits=traces.polm_logits + rng.integers(-8, 8, (30, 1, 1)).astype(np.float32))
    first, second = (method(loss=loss).fit(given.select(rng.permutation(30))) for given in (traces, moved))
    assume("no finite" not in first.reason_)
    np.testing.assert_allclose(first.predict_proba(traces), second.predict_proba(moved), atol=1e-4)
    assert first.objective_ == pytest.approx(second.objective_, abs=1e-6)


@settings(max_examples=40)
@given(seeds, methods, losses)
def test_relabelling_the_options_relabels_the_result(seed, method, loss):
    traces = informed(30, 4, seed)
    assume(da.drift.agreement(traces).any())
    order = np.random.default_rng(seed).permutation(4)
    back = np.argsort(order)
    logits = {side: getattr(traces, side)[:, :, order] for side in SIDES}
    renamed = replace(traces, **logits, labels=back[traces.labels])
    first, second = (method(loss=loss).fit(given) for given in (traces, renamed))
    assume("no finite" not in first.reason_)
    np.testing.assert_allclose(first.predict_proba(traces)[:, order], second.predict_proba(renamed), atol=1e-5)
    np.testing.assert_allclose(first.bias_[order], second.bias_, atol=1e-4)


@BOTH
@pytest.mark.parametrize("loss", ["daca", "labels"])
def test_padding_is_no_option(method, loss):
    """Two more columns that no row has: the same probabilities, and 0 there."""
    traces = informed(60, 4, 2, padded=True)
    wide = {side: np.pad(getattr(traces, side), ((0, 0), (0, 0), (0, 2)), constant_values=-np.inf) for side in SIDES}
    narrow, padded = method(loss=loss).fit(traces), method(loss=loss).fit(replace(traces, **wide))
    proba = padded.predict_proba(replace(traces, **wide))
    np.testing.assert_allclose(proba[:, :4], narrow.predict_proba(traces), atol=1e-6)
    assert (proba[:, 4:] == 0).all()
    assert (narrow.predict_proba(traces)[~traces.mask] == 0).all()
    np.testing.assert_allclose(narrow.predict_proba(traces).sum(axis=1), 1)


@BOTH
def test_an_option_that_the_fit_never_saw_is_scaled_like_the_rest_and_has_no_bias(method):
    narrow, wide = make_traces(40, 2, 3, 1), make_traces(10, 2, 5, 2)
    fitted, beta = method().fit(narrow), 1 / da.DACA().fit(narrow).temperature_
    z = wide.polm_final.astype(np.float64)
    z -= z.mean(axis=1, keepdims=True)
    weights = fitted.weights_ if method is da.MatrixScaling else np.diag(fitted.weights_)
    expected = softmax(np.hstack([z[:, :3] @ weights.T + fitted.bias_, beta * z[:, 3:]]), axis=1)
    np.testing.assert_allclose(fitted.predict_proba(wide), expected, atol=1e-12)
    assert method().fit(wide).predict_proba(narrow).shape == (40, 3)


@BOTH
def test_one_agreeing_question_is_matched_exactly(method):
    plm, polm = np.array([[2.0, 1, 0], [0, 0, 1]]), np.array([[1.0, 0.5, 0], [1, 0, 0]])
    plm, polm = (np.repeat(z[:, None].astype(np.float32), 2, axis=1) for z in (plm, polm))
    traces = da.Traces(plm, polm, np.full(2, -1), np.full(2, 3), ("a", "b"))
    fitted = method().fit(traces)
    assert fitted.n_fit_ == 1
    np.testing.assert_allclose(fitted.predict_proba(traces)[0], softmax(plm[0, -1]), atol=1e-6)
    assert fitted.objective_ == pytest.approx(0, abs=1e-12)


@BOTH
def test_equal_logits_are_ties_that_the_bias_alone_decides(method):
    plm = np.tile(np.array([1.0, 2.0, 0.0], dtype=np.float32), (4, 2, 1))
    traces = da.Traces(plm, np.zeros_like(plm), np.full(4, -1), np.full(4, 3), tuple("abcd"))
    flipped = replace(traces, plm_logits=plm[..., [1, 0, 2]])  # the first option wins both, as ties go to the first
    fitted = method().fit(flipped)
    np.testing.assert_allclose(fitted.predict_proba(flipped), softmax(plm[:, -1, [1, 0, 2]], axis=1), atol=1e-6)
    assert (fitted.prediction(flipped) == 0).all()
    shared = replace(traces, plm_logits=np.zeros_like(plm))
    assert (method().fit(shared).prediction(shared) == 0).all()


@BOTH
def test_predictions_can_change(method):
    traces = informed(200, 4, 7)
    fitted = method(loss="labels").fit(traces)
    assert (fitted.prediction(traces) == fitted.predict_proba(traces).argmax(axis=1)).all()
    assert (fitted.prediction(traces) != traces.polm_final.argmax(axis=1)).any()
    np.testing.assert_array_equal(fitted.confidence(traces), fitted.predict_proba(traces).max(axis=1))


def separable_by_programme(traces: da.Traces, full: bool) -> bool:
    """Whether some scaling gives every label at least the score of every rival, and somewhere more."""
    k, gains = traces.mask.shape[1], []
    for row, label in enumerate(traces.labels):
        z, _ = options_of(traces, row)
        x = np.append(np.pad(z, (0, k - len(z))), 1.0)
        for rival in set(range(len(z))) - {label}:
            gain = np.zeros((k, k + 1))
            gain[label], gain[rival] = x, -x
            gains.append(gain.ravel() if full else np.concatenate([np.diagonal(gain), gain[:, -1]]))
    gains = np.array(gains)
    found = linprog(-gains.sum(axis=0), -gains, np.zeros(len(gains)), bounds=(-1, 1))
    return (gains @ found.x).max() > 1e-5


@pytest.mark.parametrize("seed", range(12))
@BOTH
def test_labels_that_a_scaling_can_separate_are_reported(seed, method):
    """Few questions can be separated, many cannot."""
    traces = informed((8, 12, 20, 40)[seed % 4], (2, 3)[seed % 2], seed, padded=seed % 3 == 0)
    fitted = method(loss="labels").fit(traces)
    assert ("no finite optimum" in fitted.reason_) == separable_by_programme(traces, method is da.MatrixScaling)


@BOTH
def test_an_option_that_is_never_right_has_no_finite_bias(method):
    traces = informed(200, 3, 1)
    traces = traces.select(traces.labels != 2)
    fitted = method(loss="labels").fit(traces)
    assert "no finite optimum" in fitted.reason_
    assert fitted.predict_proba(traces)[:, 2].max() < 1e-5
    assert "no finite" not in method().fit(traces).reason_


@BOTH
@pytest.mark.parametrize("loss", ["daca", "labels"])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4, 1e30])
def test_nothing_overflows_where_labels_are_what_the_model_says(method, loss, scale):
    traces = make_traces(30, 2, 4, 1, scale=scale)
    sharp = traces.polm_logits / scale * np.float32(1e4)  # p_g underflows to one option
    traces = replace(traces, labels=traces.polm_final.argmax(axis=1), plm_logits=sharp)
    with np.errstate(all="raise", under="ignore"):
        fitted = method(loss=loss).fit(traces)
        proba = fitted.predict_proba(traces)
    assert fitted.objective_ < 1e-3
    assert loss == "daca" or "no finite optimum" in fitted.reason_
    assert np.isfinite(fitted.bias_).all()
    assert np.isfinite(fitted.weights_).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (fitted.prediction(traces) == traces.labels).all()


@BOTH
def test_what_cannot_be_fitted_is_said(method):
    opposed = np.tile(np.array([1.0, 0.0], dtype=np.float32), (3, 2, 1))
    traces = da.Traces(opposed, -opposed, np.full(3, -1), np.full(3, 2), tuple("abc"))
    with pytest.raises(ValueError, match=f"no question on which the two models agree; {method.name} needs one"):
        method().fit(traces)
    with pytest.raises(ValueError, match=f"labels are all unknown .* {method.name} with loss 'labels' needs labels"):
        method(loss="labels").fit(traces)
    with pytest.raises(ValueError, match=r"^loss is 'nll'; allowed are 'daca', 'labels'$"):
        method(loss="nll").fit(traces)
    with pytest.raises(ValueError, match="is not fitted; call fit"):
        method().predict_proba(traces)


@BOTH
def test_the_label_free_fit_reads_no_label_and_unknown_ones_are_left_out(method):
    traces = informed(80, 3, 4)
    hidden = replace(traces, labels=np.full(80, -1))
    np.testing.assert_array_equal(method().fit(hidden).bias_, method().fit(traces).bias_)
    half = replace(traces, labels=np.where(np.arange(80) < 60, traces.labels, -1))
    some, known = (method(loss="labels").fit(given) for given in (half, traces.select(slice(60))))
    np.testing.assert_allclose(some.bias_, known.bias_, atol=1e-8)
    assert some.n_fit_ == 60
