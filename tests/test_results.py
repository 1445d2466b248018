"""Summaries of the main comparison: against counting by hand, and against the metrics themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dualalign import ledger, metrics, protocol, results
from dualalign.experiments import main, table
from dualalign.experiments.unit import Name

NAMES = (Name("dpo", "arc-easy", "choices"), Name("sft1", "piqa", "choices"))


@pytest.fixture(scope="module")
def traces(random_traces):
    """Two settings, of which every third answer of the PoLM is right for sure."""
    out = {}
    for seed, name in enumerate(NAMES):
        plain = random_traces(n=90, seed=seed)
        asked = np.arange(len(plain))
        labels = np.where(asked % 3 == 0, plain.polm_final.argmax(1), plain.labels)
        out[name] = replace(plain, labels=labels)
    return out


@pytest.fixture(scope="module")
def rows(traces):
    found = [row for name, held in traces.items() for row in main.rows("", {name: held}, range(3), 60)]
    return table.frame(row | {"experiment": "main"} for row in found)


def made(values, metric="ece", seeds=(0, 1)):
    """A table from {(pair, set, method): value}, the same in every split."""
    where = {"experiment": "main", "style": "choices", "metric": metric}
    return table.frame(
        where | {"pair": p, "set": s, "method": m, "seed": seed, "value": value}
        for (p, s, m), value in values.items()
        for seed in seeds
    )


def test_a_setting_is_the_mean_and_the_spread_of_its_splits(rows):
    chosen = rows[(rows.pair == "dpo") & (rows.method == "daca") & (rows.metric == "ece") & (rows.seed >= 0)]
    where = ("dpo", "choices", "arc-easy")
    assert results.by_setting(rows).loc[where, "daca"] == pytest.approx(np.mean(chosen.value))
    assert results.by_setting(rows, statistic="std").loc[where, "daca"] == pytest.approx(np.std(chosen.value, ddof=1))


def test_a_method_that_missed_a_split_has_no_mean():
    parts = made({("a", "x", "daca"): 0.1, ("a", "x", "vanilla"): 0.2})
    kept = parts[(parts.method != "daca") | (parts.seed == 0)]
    wide = results.by_setting(kept)
    assert math.isnan(wide["daca"].iloc[0])
    assert wide["vanilla"].iloc[0] == 0.2


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match=r"'speed' has no row a split .* it holds ece"):
        results.by_setting(made({("a", "x", "daca"): 0.1}), "speed")
    with pytest.raises(ValueError, match="no differences of 'aurc'"):
        results.against(made({("a", "x", "daca"): 0.1}), "aurc")


def test_differences_are_tested_over_sets():
    ece = {"x": (0.1, 0.3), "y": (0.2, 0.2), "z": (0.5, 0.1)}
    ours = {(pair, name, "dual-align"): 0.1 for name in ece for pair in "ab"}
    theirs = {(pair, name, "daca"): value for name, two in ece.items() for pair, value in zip("ab", two, strict=True)}
    wide = results.by_setting(
        made(ours | theirs | {(p, s, "vanilla"): 0.15 + i / 100 for p in "ab" for i, s in enumerate(ece)})
    )
    found = results.difference(wide, ["daca", "vanilla"])
    means = [0.1 - np.mean(two) for two in ece.values()]
    low, high = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    daca = found.loc["daca"]
    assert (daca.value, daca.low, daca.high) == pytest.approx((np.mean(means), low, high))
    statistic = np.mean(means) / stats.sem(means)
    assert daca.p == pytest.approx(2 * stats.t.sf(abs(statistic), 2))
    assert found.p_holm.to_numpy() == pytest.approx(protocol.holm(found.p))
    assert (found.sets == 3).all()


def test_one_set_has_a_difference_but_no_test():
    wide = results.by_setting(made({(p, "x", m): v for p in "ab" for m, v in (("dual-align", 0.1), ("daca", 0.3))}))
    found = results.difference(wide, ["daca"]).loc["daca"]
    assert found.value == pytest.approx(-0.2)
    assert np.isnan([found.low, found.high, found.p, found.p_holm]).all()


def test_settings_carry_the_bootstrap_and_holm_within_a_rival(rows):
    found = results.against(rows)
    assert set(found.rival) == set(main.AGAINST)
    wide = results.by_setting(rows)
    for row in found.itertuples():
        held = wide.loc[(row.pair, row.style, row.set)]
        assert row.value == pytest.approx(held["dual-align"] - held[row.rival])  # bootstrapped on the same splits
    for _, family in found.groupby("rival"):
        assert len(family) == len(NAMES)
        assert family.p_holm.to_numpy() == pytest.approx(protocol.holm(family.p))
    brier = results.against(rows, "brier")
    assert "basecal" not in set(brier.rival)


def test_the_tally_counts_settings():
    found = results.against(
        table.frame(
            {"experiment": "main", "method": "dual-align", "reading": "daca", "set": name, "metric": m, "value": v}
            for name, value, p in (("x", -0.1, 0.001), ("y", -0.2, 0.04), ("z", 0.3, 0.002), ("w", 0.1, 0.9))
            for m, v in (("ece_minus", value), ("ece_minus_p", p))
        )
    )
    counts = results.tally(found).loc["daca"]
    assert counts[["lower", "lower, Holm", "higher, Holm", "higher", "settings"]].tolist() == [2, 1, 1, 2, 4]


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=5))
def test_ranks_sum_up_and_leave_the_oracle_out(values):
    methods = ("daca", "dual-align", "temperature-scaling")
    cells = {("a", f"s{i}", m): v for i, row in enumerate(values) for m, v in zip(methods, row, strict=True)}
    found = results.ranks(results.by_setting(made(cells)))
    assert set(found.index) == {"daca", "dual-align"}
    assert found["rank"].sum() == pytest.approx(3)  # 1 + 2, or 1.5 twice
    assert (found.settings == len(values)).all()


def test_the_premise_asks_for_knowledge_and_calibration():
    found = {}
    for name, accuracy, ece in (("good", 0.5, 0.05), ("blind", 0.3, 0.02), ("bold", 0.5, 0.2)):
        cells = {"accuracy": accuracy, "confidence": accuracy + ece, "ece": ece, "ece_floor": 0.02}
        found |= {(name, metric, "plm"): value for metric, value in cells.items()} | {(name, "chance", ""): 0.25}
    where = {"experiment": "main", "pair": "a", "style": "choices"}
    found = results.premise(
        table.frame(where | {"set": s, "metric": q, "method": m, "value": v} for (s, q, m), v in found.items())
    ).droplevel(["pair", "style"])
    assert found.holds.to_dict() == {"good": True, "blind": False, "bold": False}
    assert found.gap.to_dict() == pytest.approx({"good": 0.05, "blind": 0.02, "bold": 0.2})
    assert found.above_chance["good"] == pytest.approx(0.25)


def test_constants_score_what_the_metrics_say(traces, rows):
    found = results.constant(rows).set_index(["pair", "method", "seed", "metric"])
    for name, held in traces.items():
        for seed, (fit, test) in protocol.enumerate_splits(held, 0.3, range(3)):
            fitting, testing = held.select(fit), held.select(test)
            right = {side: t.polm_final.argmax(1) == t.labels for side, t in (("fit", fitting), ("test", testing))}
            plm = main.answers_of(fitting, fitting.plm_final).values.max(1).mean()
            for method, value in (("constant", plm), ("constant (labels)", right["fit"].mean())):
                sure = np.full(len(testing), value)
                expected = {
                    "confidence": value,
                    "accuracy": metrics.accuracy(right["test"]),
                    "ece": metrics.ece(sure, right["test"]),
                    "top_label_brier": metrics.top_label_brier(sure, right["test"]),
                    "auroc": metrics.auroc(sure, right["test"]),
                    "aurc": metrics.aurc(sure, right["test"]),
                }
                row = found.loc[name.pair, method, seed]
                assert row.n.unique().tolist() == [len(testing)]
                assert row.value[list(expected)].to_dict() == pytest.approx(expected, abs=1e-6)
                floor = metrics.noise_floor(metrics.ece, sure, draws=20_000)
                assert row.value["ece_floor"] == pytest.approx(floor, rel=0.03)


def test_a_constant_stands_beside_the_others(rows):
    import pandas as pd

    both = pd.concat([rows, results.constant(rows)])
    assert {"constant", "constant (labels)"} < set(results.by_setting(both))
    assert list(results.constant(rows).columns) == list(rows.columns)


def test_the_verdict_of_an_interval_is_that_of_the_ledger():
    words = {"beats": "supported", "loses to": "contradicted", "cannot be told apart from": "undecided"}
    claim = next(c for c in ledger.CLAIMS if c.number == "5 (daca)")
    for low, high in ((-0.2, -0.1), (0.1, 0.2), (-0.1, 0.2)):
        assert words[results.verdict(low, high)] == claim.side(low, high)
