"""Temperatures carried between variants: splits that share questions, costs and comparisons against plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_traces
from scipy.special import log_softmax

import dualalign as da
from dualalign import carry, metrics, protocol


def variants(n: int = 40, seed: int = 0) -> dict[str, da.Traces]:
    one = make_traces(n, seed=seed)
    return {"one": one, "two": replace(one, polm_logits=one.polm_logits * 3.0), "few": one.select(slice(5, 25))}


def test_a_question_stands_on_the_same_side_everywhere():
    asked = variants()
    for seed, sides in carry.shared_splits(asked, seeds=[0, 3]):
        fit = {name: {asked[name].question_ids[i] for i in rows} for name, (rows, _) in sides.items()}
        test = {name: {asked[name].question_ids[i] for i in rows} for name, (_, rows) in sides.items()}
        assert not set().union(*fit.values()) & set().union(*test.values())
        assert len(fit["one"]) == 12  # 0.3 of 40
        assert fit["one"] == fit["two"]
        assert fit["few"] == fit["one"] & set(asked["few"].question_ids)
        ((rows, _),) = metrics.repeated_splits(np.array(asked["one"].question_ids), asked["one"].groups, 0.3, [seed])
        assert fit["one"] == {asked["one"].question_ids[i] for i in rows}  # the splits of the rest of the book


def test_groups_are_stratified_over_all_variants():
    one = make_traces(40)
    one = replace(one, groups=("a",) * 20 + ("b",) * 20)
    ((_, sides),) = carry.shared_splits({"one": one, "half": one.select(slice(0, 20))}, seeds=[1])
    assert np.isin(sides["one"][0], range(20)).sum() == 6
    assert len(sides["half"][0]) == 6


def test_carry_fits_under_the_source_and_judges_the_target():
    asked = variants()
    found = carry.carry(asked, ["vanilla", "dual-align"], seeds=[2])
    assert len(found) == 2 * 9
    ((_, sides),) = carry.shared_splits(asked, seeds=[2])
    for c in found:
        fitted = da.METHODS[c.method]().fit(asked[c.source].select(sides[c.source][0]))
        assert c.temperature == fitted.temperature_
        target = asked[c.target].select(sides[c.target][1])
        assert c.answers.questions == target.question_ids
        expected = np.exp(log_softmax(target.polm_final.astype(float) / fitted.temperature_, axis=1))
        np.testing.assert_allclose(c.answers.values, expected, atol=1e-12)
    own = carry.carry(asked, ["vanilla", "dual-align"], seeds=[2], across=False)
    assert [c[:5] for c in own] == [c[:5] for c in found if c.source == c.target]


def test_errors_are_those_of_the_metrics():
    found = carry.carry(variants(), ["daca", "basecal"], seeds=[0])
    table = carry.errors(found, bins=7)
    assert len(table) == len(found)
    for row, c in zip(table.itertuples(), found, strict=True):
        confidence = c.answers.values.max(axis=1) if c.method == "daca" else c.answers.values
        right = c.answers.values.argmax(axis=1) == c.answers.outcomes if c.method == "daca" else c.answers.outcomes
        assert row.ece == pytest.approx(metrics.ece(confidence, right, 7))
        assert row.floor == pytest.approx(metrics.ece_floor(confidence, 7, 100))
        assert (row.method, row.source, row.target, row.seed) == (c.method, c.source, c.target, c.seed)


def test_excess_is_the_mean_loss_of_a_foreign_temperature():
    found = carry.carry(variants(), ["temperature-scaling", "vanilla"], seeds=range(2))
    errors = carry.errors(found)
    mine = errors[errors.method == "temperature-scaling"].set_index(["source", "target", "seed"]).ece
    by_hand = [mine[a, b, s] - mine[b, b, s] for a, b, s in mine.index if a != b]
    cost = carry.excess(found, "temperature-scaling", draws=200)
    assert cost.value == pytest.approx(np.mean(by_hand))
    assert cost.low <= cost.high
    assert carry.excess(found, "vanilla", draws=50)[:3] == (0.0, 0.0, 0.0)  # T = 1 is 1 everywhere
    with pytest.raises(ValueError, match="daca was judged under no variant but its own"):
        carry.excess(found, "daca")


def test_against_compares_on_the_same_resamples():
    found = carry.carry({"one": make_traces(60)}, ["dual-align", "vanilla", "basecal"], seeds=range(2))
    held_out = {m: [c.answers for c in found if c.method == m] for m in ("dual-align", "vanilla", "basecal")}
    table = carry.against(held_out, draws=400)
    drawn = protocol.bootstrap(held_out, ["ece"], draws=400)
    for rival in ("vanilla", "basecal"):
        expected = protocol.difference(drawn["dual-align", "ece"], drawn[rival, "ece"])
        assert table.loc[rival, ["minus", "minus_low", "minus_high"]].tolist() == pytest.approx(expected[:3])
        value = np.mean(
            [
                metrics.ece(*(metrics.top_label(a.values, a.outcomes) if rival == "vanilla" else a[1:]))
                for a in held_out[rival]
            ]
        )
        assert table.loc[rival, "value"] == pytest.approx(value)
        low, high = np.quantile(drawn[rival, "ece"][1:], [0.025, 0.975])
        assert table.loc[rival, ["low", "high"]].tolist() == pytest.approx([2 * value - high, 2 * value - low])
    raw = [protocol.difference(drawn["dual-align", "ece"], drawn[r, "ece"]).p for r in ("vanilla", "basecal")]
    assert table.loc[["vanilla", "basecal"], "p"].tolist() == pytest.approx(protocol.holm(raw).tolist())
    assert table.loc["dual-align"].isna()[["minus", "p"]].all()
    assert set(carry.against(held_out, quantity="brier", draws=50).index) == {"dual-align", "vanilla"}
