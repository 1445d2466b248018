"""Both losses, the weights and the objective against loops over scipy's definitions, and slopes against differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pairs_kit import two_models
from scipy.special import log_softmax, rel_entr, softmax
from scipy.stats import entropy

import dualalign as da
from dualalign import drift
from dualalign.calibrators import objective
from dualalign.calibrators.objective import ConfidencePart, ProcessPart, confidence_weight

BETAS = (0.01, 0.3, 1.0, 2.5, 100.0)
READINGS = list(itertools.product(drift.AGGREGATES, drift.TEMPERED, ("squared-gap", "per-layer"), drift.PEAK_RULES))


def options(traces, side: str, row: int, layer: int) -> np.ndarray:
    return getattr(traces, f"{side}_logits")[row, layer - 1, : traces.n_options[row]].astype(np.float64)


def matched(traces, layer: int) -> int:
    return max(1, round(layer * traces.plm_logits.shape[1] / traces.n_layers))


def confidence_by_loop(traces, beta: float, kl: str) -> np.ndarray:
    losses = []
    for row in range(len(traces)):
        p = softmax(options(traces, "plm", row, traces.plm_logits.shape[1]))
        log_q = log_softmax(beta * options(traces, "polm", row, traces.n_layers))
        q = np.exp(log_q)
        losses.append((p * (np.log(p) - log_q)).sum() if kl == "plm-first" else rel_entr(q, p).sum())
    return np.array(losses)


def ise_by_loop(paths: list[np.ndarray], aggregate: str) -> float:
    if aggregate == "entropy-mean":
        return entropy(np.mean(paths, axis=0))
    return (np.mean if aggregate == "mean-entropy" else np.sum)([entropy(p) for p in paths])


def process_by_loop(traces, beta: float, aggregate: str, tempered: str, process: str, peak: str) -> np.ndarray:
    losses, last = [], traces.n_layers
    for row, start in enumerate(drift.peak_layer(traces, peak)):
        layers = range(start, last + 1)
        heat = [beta if tempered == "all" or layer == last else 1.0 for layer in layers]
        f = [softmax(b * options(traces, "polm", row, layer)) for b, layer in zip(heat, layers, strict=True)]
        g = [softmax(options(traces, "plm", row, matched(traces, layer))) for layer in layers]
        if process == "per-layer":
            losses.append(np.mean([(entropy(a) - entropy(b)) ** 2 for a, b in zip(f, g, strict=True)]))
        else:
            losses.append((ise_by_loop(f, aggregate) - ise_by_loop(g, aggregate)) ** 2)
    return np.array(losses)


def slope_by_difference(part, beta: float) -> float:
    step = 1e-5 * beta
    return (part(beta + step)[0] - part(beta - step)[0]) / (2 * step)


@pytest.mark.parametrize("kl", ["plm-first", "polm-first"])
@pytest.mark.parametrize("base", ["e", "2"])
def test_confidence_part_is_the_weighted_mean_of_the_divergence(random_traces, kl, base):
    traces = random_traces(15, (4, 6), 5, padded=True)
    weight = np.random.default_rng(0).random(15) * (np.arange(15) > 2)
    part = ConfidencePart(traces, weight, kl, base)
    unit = 1.0 if base == "e" else np.log(2)
    for beta in BETAS:
        expected = (weight * confidence_by_loop(traces, beta, kl)).mean() / unit
        assert part(beta)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert part(beta)[1] == pytest.approx(slope_by_difference(part, beta), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("aggregate", "tempered", "process", "peak"), READINGS)
def test_process_part_is_the_weighted_mean_of_the_squared_gap(random_traces, aggregate, tempered, process, peak):
    traces = random_traces(9, (4, 6), 5, padded=True)
    weight = np.random.default_rng(0).random(9) * (np.arange(9) > 1)
    reading = (aggregate, tempered, process, peak)
    part, bits = ProcessPart(traces, weight, *reading), ProcessPart(traces, weight, *reading, base="2")
    for beta in BETAS:
        expected = (weight * process_by_loop(traces, beta, *reading)).mean()
        assert part(beta)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert part(beta)[1] == pytest.approx(slope_by_difference(part, beta), rel=1e-6, abs=1e-7)
        assert bits(beta)[0] == pytest.approx(expected / np.log(2) ** 2, rel=1e-9, abs=1e-9)


def test_blocks_of_questions_add_up(random_traces, monkeypatch):
    traces, weight = random_traces(50, 9), np.random.default_rng(0).random(50)
    whole = ProcessPart(traces, weight)(0.7)
    monkeypatch.setattr("dualalign.calibrators.objective._BLOCK_ROWS", 20)
    parts = ProcessPart(traces, weight)
    assert len(parts.blocks) > 5
    ends = np.cumsum(10 - drift.peak_layer(traces))  # a block ends with the question that fills its 20 rows
    sizes = [len(list(group)) for _, group in itertools.groupby(ends // 20)]
    assert [len(path.counts) for path, _, _ in parts.blocks] == sizes
    assert parts(0.7) == pytest.approx(whole, rel=1e-12)


def test_weights_are_their_definitions(random_traces):
    traces = random_traces(25, 4, 5, padded=True)
    p, q = (np.exp(drift.log_softmax_options(z)) for z in (traces.plm_final, traces.polm_final))
    mixture = (p + q) / 2
    divergence = (rel_entr(p, mixture) + rel_entr(q, mixture)).sum(axis=1) / 2
    np.testing.assert_allclose(confidence_weight(traces, "jsd"), 1 - divergence / np.log(2), atol=1e-9)
    np.testing.assert_allclose(confidence_weight(traces, "tv"), np.minimum(p, q).sum(axis=1), atol=1e-9)
    assert (confidence_weight(traces, "hard") == (p.argmax(axis=1) == q.argmax(axis=1))).all()
    assert (confidence_weight(traces, 0.25) == 0.25).all()


def test_losses_stay_finite_where_probabilities_underflow(random_traces):
    traces = random_traces(6, 4, padded=True, scale=1e6)
    for kl in ("plm-first", "polm-first"):
        part = ConfidencePart(traces, np.ones(6), kl)
        assert np.isfinite([part(beta) for beta in (1e-30, 1e-9, 1.0, 100.0)]).all()
    for aggregate, tempered, process, peak in READINGS:
        part = ProcessPart(traces, np.ones(6), aggregate, tempered, process, peak)
        assert np.isfinite([part(beta) for beta in (1e-30, 1e-9, 1.0, 100.0)]).all()


def test_what_nobody_says_of_the_objective_is_what_is_stated(random_traces):
    traces, weight = random_traces(9, 5, padded=True), np.linspace(0, 1, 9)
    plain, stated = ConfidencePart(traces, weight), ConfidencePart(traces, weight, "plm-first", "e")
    assert plain(0.7) == stated(0.7)
    stated = ProcessPart(traces, weight, "mean-entropy", "all", "squared-gap", "max-jump", "e")
    assert ProcessPart(traces, weight)(0.7) == stated(0.7)
    assert (confidence_weight(traces) == confidence_weight(traces, "jsd")).all()
    z, log_g = drift.options_first(traces.polm_final), drift.log_softmax_first(traces.plm_final)
    for one, two in zip(
        objective.confidence_loss(z, log_g, 0.7), objective.confidence_loss(z, log_g, 0.7, "plm-first"), strict=True
    ):
        assert (one == two).all()
    readings = ("mean-entropy", "all", "jsd", "squared-gap", "plm-first", "max-jump", "e")
    first, second = (da.DualAlign(*options).fit(traces) for options in ((), readings))
    assert (first.temperature_, first.objective_) == (second.temperature_, second.objective_)


def test_fixed_weights_may_be_0_and_1(random_traces):
    traces = random_traces(12, 4)
    assert (confidence_weight(traces, 0) == 0).all()
    assert (confidence_weight(traces, 1) == 1).all()
    assert confidence_weight(traces, 1).dtype == np.float64
    assert ProcessPart(traces, np.zeros(12))(0.7) == (0.0, 0.0)  # nothing to align
    whole, half = da.DualAlign(weight=1).fit(traces), da.ConfidenceOnly(weight=1).fit(traces)
    assert whole.temperature_ == half.temperature_ == pytest.approx(da.AlignAll().fit(traces).temperature_, rel=1e-9)
    assert da.DualAlign(weight=0).fit(traces).temperature_ == da.ProcessOnly(weight=0).fit(traces).temperature_


def test_weights_of_models_that_share_nothing_are_not_negative():
    rng = np.random.default_rng(0)
    g, f = rng.normal(size=(300, 6)) * 3, rng.normal(size=(300, 6)) * 3
    g[:, 3:] -= 400
    f[:, :3] -= 400
    traces = two_models(g, f)
    for weight in ("jsd", "tv", "hard"):
        found = confidence_weight(traces, weight)
        assert (found >= 0).all()
        assert found.max() < 1e-12


def test_a_question_without_weight_is_not_looked_at(random_traces):
    traces = random_traces(8, 4)
    weight = np.array([0, 1, 0, 0.5, 0, 0, 2, 0])
    for part in (ConfidencePart, ProcessPart):
        some = part(traces.select(weight > 0), weight[weight > 0])(0.8)
        assert part(traces, weight)(0.8) == pytest.approx((some[0] * 3 / 8, some[1] * 3 / 8), rel=1e-12)
    assert ConfidencePart(traces, weight).z_f.shape == (4, 3)
    path, target, used = ProcessPart(traces, weight).blocks[0]
    assert len(path.counts) == len(target) == len(used) == 3
