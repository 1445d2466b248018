"""References: joined traces hold what they should, choices by hand, and forces that add up to DACA's error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_traces
from pairs_kit import calibrated_pair, impossible
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from dualalign import drift, references


def two_files(n=30):
    plm_from = replace(make_traces(n, (4, 6), seed=1), metadata={"plm": "ours", "polm": "instruct"})
    polm_from = replace(
        make_traces(n, (6, 6), seed=2), labels=plm_from.labels, metadata={"plm": "instruct", "polm": "more"}
    )
    return plm_from, polm_from


def test_joined_takes_each_model_from_its_file_by_question():
    plm_from, polm_from = two_files()
    order = np.random.default_rng(0).permutation(30)
    both = references.joined(plm_from.select(order[:25]), polm_from)
    kept = np.sort(order[:25])
    assert both.question_ids == tuple(f"q{i}" for i in kept)  # in the order of the second
    np.testing.assert_array_equal(both.plm_logits, plm_from.plm_logits[kept])
    np.testing.assert_array_equal(both.polm_logits, polm_from.polm_logits[kept])
    np.testing.assert_array_equal(both.labels, polm_from.labels[kept])
    assert both.groups == tuple(polm_from.groups[i] for i in kept)
    assert (both.metadata["plm"], both.metadata["polm"]) == ("ours", "more")
    np.testing.assert_array_equal(references.joined(polm_from, polm_from).plm_logits, polm_from.plm_logits)


@pytest.mark.parametrize("wider", ["plm", "polm"])
def test_joined_pads_to_the_width_of_the_polm(wider):
    plm_from, polm_from = two_files()

    def padded(traces):
        more = [
            np.pad(z, [(0, 0), (0, 0), (0, 2)], constant_values=-np.inf)
            for z in (traces.plm_logits, traces.polm_logits)
        ]
        return replace(traces, plm_logits=more[0], polm_logits=more[1])

    both = (
        references.joined(padded(plm_from), polm_from)
        if wider == "plm"
        else references.joined(plm_from, padded(polm_from))
    )
    np.testing.assert_array_equal(both.plm_logits[:, :, :4], plm_from.plm_logits)
    assert both.plm_logits.shape[2] == (4 if wider == "plm" else 6)


def test_traces_that_do_not_belong_together_are_refused():
    plm_from, polm_from = two_files()
    with pytest.raises(ValueError, match="labels differ for question 'q0'"):
        references.joined(plm_from, replace(polm_from, labels=(polm_from.labels + 1) % 4))
    with pytest.raises(ValueError, match="share no question"):
        references.joined(plm_from.select([0, 1]), polm_from.select([2, 3]))
    with pytest.raises(ValueError, match="plm_from holds a question twice"):
        references.joined(plm_from.select([0, 0]), polm_from)
    turned = replace(polm_from, order=np.tile(np.arange(4), (30, 1)))
    with pytest.raises(ValueError, match="polm_from has permuted options"):
        references.joined(plm_from, turned)


def test_signs_by_hand():
    traces = make_traces(40, (3, 5), padded=True)
    p, q = (softmax(z.astype(float), axis=1) for z in (traces.plm_final, traces.polm_final))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        js = [np.nansum(x * np.log(x / middle), axis=1) for x in (p, q)]
    found = references.signs(traces)
    assert found["agreement"] == (p.argmax(1) == q.argmax(1)).mean()
    assert found["plm_confidence"] == pytest.approx(p.max(1).mean())
    assert found["divergence"] == pytest.approx(np.mean(js))
    assert references.signs(replace(traces, labels=np.full(40, -1))) == found


def test_choices_follow_their_signs():
    index = pd.MultiIndex.from_product([["x", "y"], [0], ["ours", "own"]], names=["set", "seed", "reference"])
    found = pd.DataFrame(
        {
            "agreement": [0.5, 0.6, 0.7, 0.6],
            "plm_confidence": [0.9, 0.8, 0.4, 0.5],
            "divergence": [0.2, 0.1, 0.3, 0.4],
            "ece": [0.10, 0.04, 0.05, 0.30],
        },
        index=index,
    )
    made = references.chosen(found)
    pick = made.reference.unstack("rule")
    assert pick.loc[("x", 0)].to_dict() == {
        "agreement": "own",
        "plm_confidence": "ours",
        "divergence": "own",
        "always ours": "ours",
        "always own": "own",
        "best": "own",
    }
    assert pick.loc[("y", 0), ["agreement", "plm_confidence", "divergence", "best"]].tolist() == [
        "ours",
        "own",
        "ours",
        "ours",
    ]
    regret = made.regret.unstack("rule")
    assert (regret["best"] == 0).all()
    assert regret["plm_confidence"].tolist() == pytest.approx([0.06, 0.25])
    assert made.ece.unstack("rule")["always own"].tolist() == [0.04, 0.30]
    one = references.chosen(found.xs(0, level="seed"))  # a case of one column
    assert one.loc[("x", "agreement"), "reference"] == "own"


def test_the_temperature_for_a_confidence():
    z = make_traces(40, padded=True).polm_final.astype(float)
    for target in (0.5, 0.8, 0.99):
        t = references.temperature_for(z, target)
        assert softmax(z / t, axis=1).max(axis=1).mean() == pytest.approx(target, abs=1e-9)
    assert references.temperature_for(z, 0.2) == np.inf  # less than a blind guess
    assert references.temperature_for(z, 1.1) == 0.0


def test_forces_add_up_to_the_error_of_daca():
    traces = calibrated_pair(500, seed=3)
    found = references.forces(traces)
    f, row = traces.polm_final.astype(float), np.arange(500)
    g = softmax(traces.plm_final.astype(float), axis=1)
    agree = g.argmax(1) == f.argmax(1)

    def best(loss):
        return minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x

    def matched(rows, target):
        return best(lambda s: (softmax(f[rows] / np.exp(s), axis=1).max(1).mean() - target) ** 2)

    daca = best(lambda s: -(g * log_softmax(f / np.exp(s), axis=1)).sum(1)[agree].mean())
    oracle = best(lambda s: -log_softmax(f / np.exp(s), axis=1)[row, traces.labels].mean())
    right = g.argmax(1) == traces.labels
    gap, copied = (g.max(1) - right).mean(), g.max(1)[agree].mean()
    steps = [daca, matched(agree, copied), matched(agree, copied - gap), matched(agree, right[agree].mean())]
    steps += [matched(np.full(500, True), (f.argmax(1) == traces.labels).mean()), oracle]
    np.testing.assert_allclose([found[name] for name in references.FORCES], -np.diff(steps), atol=1e-4)
    assert found["total"] == pytest.approx(daca - oracle, abs=1e-5)
    assert found["total"] == pytest.approx(sum(found[name] for name in references.FORCES))
    assert found["gap"] == pytest.approx(gap)
    assert found["gap_agree"] == pytest.approx((g.max(1) - right)[agree].mean())


def test_an_overconfident_reference_is_its_own_force():
    sharp = references.forces(calibrated_pair(2000, plm_sharp=1.5, noise=0.0))
    exact = references.forces(calibrated_pair(2000, noise=0.0))
    assert sharp["own"] < exact["own"] - 0.2  # too low a temperature
    for found in (sharp, exact):  # no disagreement: nothing is selected, nothing dropped
        assert found["selection"] == pytest.approx(0, abs=1e-6)
        assert found["dropping"] == pytest.approx(0, abs=1e-6)


def test_without_a_finite_temperature_there_are_no_forces():
    found = references.forces(impossible())
    assert np.isnan([found[name] for name in (*references.FORCES, "total")]).all()
    assert np.isfinite(found["gap"])
    apart = calibrated_pair(30)
    apart = replace(apart, polm_logits=-apart.plm_logits)
    assert not drift.agreement(apart).any()
    assert np.isnan(references.forces(apart)["gap_agree"])


def test_intervals_of_forces():
    traces = calibrated_pair(300)
    made = references.forces_with_intervals(traces, draws=40)
    again = [references.forces(traces.select(r)) for r in _resamples(300, 40)]
    value = references.forces(traces)
    assert {name: d.value for name, d in made.items()} == value
    low, high = np.quantile([one["total"] for one in again], [0.025, 0.975])
    assert made["total"][1:] == pytest.approx((2 * value["total"] - high, 2 * value["total"] - low))
    none = references.forces_with_intervals(impossible(), draws=3)
    assert np.isnan(none["total"]).all()
    assert none["gap"].low <= none["gap"].high


def _resamples(n, draws):
    rng = np.random.default_rng(0)
    return [rng.integers(0, n, n) for _ in range(draws)]
