"""Which readings matter: the analysis of variance by hand and against least squares, the rest against counting."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from dualalign import DualAlign, all_readings, protocol, readings
from dualalign.experiments import ablation, factorial, table
from dualalign.experiments.unit import Name

SETS = ("arc-easy", "mmlu", "piqa")
RNG = np.random.default_rng(0)


def test_every_argument_of_the_method_is_listed_as_open():
    found = readings.open_readings()
    arguments = [field.name for field in dataclasses.fields(DualAlign)]
    assert set(found.index) == {*arguments, "vocabulary", "lens"}
    for argument in arguments:
        options = {str(found["default"][argument]), *found["others"][argument].split(", ")}
        assert options == set(map(str, ablation.OPTIONS[argument]))
        assert found["default"][argument] == getattr(DualAlign(), argument)


# -- One at a time -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(random_traces):
    """Two pairs on three sets."""
    found = []
    for seed, (pair, name) in enumerate(itertools.product(("dpo", "sft1"), SETS)):
        traces = {Name(pair, name, "choices"): random_traces(60, seed=seed)}
        found += list(ablation.rows("", traces, range(2), 400))
    return table.frame(row | {"experiment": "ablation"} for row in found)


def test_effects_are_means_over_sets_with_students_interval(rows):
    found = readings.effects(rows)
    assert list(found.index) == [
        f"{a}={o}" for a, os in ablation.OPTIONS.items() for o in os if o != getattr(DualAlign(), a)
    ]
    value = rows.set_index(["metric", "reading", "set", "pair", "seed"])["value"].sort_index()
    p = []
    for reading, row in found.iterrows():
        each = value["ece_minus", reading].droplevel("seed")
        means = [each[s].mean() for s in SETS]
        low, high = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
        assert (row.value, row.low, row.high) == pytest.approx((np.mean(means), low, high))
        assert row.moved == pytest.approx(each.abs().mean())
        log_t = {r: np.log(value["temperature", r]).groupby("set").mean() for r in (reading, "default")}
        assert row.ratio == pytest.approx(math.exp((log_t[reading] - log_t["default"]).mean()))
        assert row.ratio_low <= row.ratio <= row.ratio_high
        p.append(stats.ttest_1samp(means, 0).pvalue)
    assert found["p_holm"].to_numpy() == pytest.approx(protocol.holm(p))


def test_settings_are_counted_after_holm_within_an_option(rows):
    found, each = readings.effects(rows), readings.differences(rows)
    assert found["lower"].sum() + found["higher"].sum() > 0
    for reading, part in each.groupby("reading"):
        adjusted = protocol.holm(part["p"])
        assert part["p_holm"].to_numpy() == pytest.approx(adjusted)
        counted = found.loc[reading, ["lower", "higher", "settings"]].tolist()
        value = part["value"].to_numpy()
        assert counted == [(value[adjusted <= 0.05] < 0).sum(), (value[adjusted <= 0.05] > 0).sum(), 6]
    with pytest.raises(ValueError, match="no differences of 'aurc' in the ablation; there are ece"):
        readings.differences(rows, "aurc")


def test_verdicts_by_hand():
    import pandas as pd

    cases = [
        ("small", 0.002, -0.001, 0.005, 0.001),  # found, but too small to matter
        ("lowers", -0.03, -0.05, -0.01, 0.04),
        ("raises", 0.03, 0.005, 0.05, 0.04),
        ("undecided", 0.03, 0.005, 0.05, 0.06),
        ("undecided", 0.0, -0.02, 0.02, 1.0),
    ]
    found = pd.DataFrame([c[1:] for c in cases], columns=["value", "low", "high", "p_holm"])
    assert readings.verdicts(found, margin=0.01).tolist() == [c[0] for c in cases]


@pytest.mark.parametrize("seed", range(3))
def test_readings_called_the_same_method_are(random_traces, seed):
    found = readings.equivalences(random_traces(50, seed=seed, padded=True))
    assert found["first"].to_numpy() == pytest.approx(found["second"].to_numpy(), rel=1e-6)
    assert found["first"].nunique() > 3


# -- All at once ---------------------------------------------------------------------------------------------------


def test_shares_of_two_by_two_by_hand():
    """Values 0, 2 | 4, 10: the mean is 4, rows add 3, columns 2, and the interaction 1."""
    assert all_readings.shares(np.array([[0.0, 2.0], [4.0, 10.0]])) == pytest.approx(
        {(0,): 9 / 14, (1,): 4 / 14, (0, 1): 1 / 14}
    )
    assert set(all_readings.shares(np.ones((2, 3))).values()) == {0.0}


def by_least_squares(values: np.ndarray) -> dict[tuple[int, ...], float]:
    """Share of each term: what dummy variables of it add to the variance that those of its parts explain."""
    cells = list(np.ndindex(values.shape))
    y = np.array([values[cell] for cell in cells])

    def explained(terms):
        columns = [np.ones(len(y))]
        for axes in terms:
            for level in np.ndindex(*(values.shape[a] for a in axes)):
                here = [all(cell[a] == v for a, v in zip(axes, level, strict=True)) for cell in cells]
                columns.append(np.array(here, float))
        fit = np.stack(columns, 1) @ np.linalg.lstsq(np.stack(columns, 1), y, rcond=None)[0]
        return ((fit - y.mean()) ** 2).sum()

    out = {}
    for order in range(1, values.ndim + 1):
        for axes in itertools.combinations(range(values.ndim), order):
            parts = [p for n in range(1, order) for p in itertools.combinations(axes, n)]
            out[axes] = (explained([*parts, axes]) - explained(parts)) / ((y - y.mean()) ** 2).sum()
    return out


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 4), (2, 2, 2, 3)])
def test_shares_against_least_squares(shape):
    values = RNG.normal(size=shape)
    assert all_readings.shares(values) == pytest.approx(by_least_squares(values), abs=1e-9)


@given(hnp.arrays(float, (2, 3, 2), elements=st.floats(-100, 100, width=32)))
def test_shares_sum_to_one_and_ignore_scale_and_place(values):
    found = all_readings.shares(values)
    if np.ptp(values) > 1e-3:
        assert sum(found.values()) == pytest.approx(1)
        assert all_readings.shares(3 - 2 * values) == pytest.approx(found, abs=1e-7)


def test_what_adds_up_has_no_interaction():
    a, b, c = RNG.normal(size=(4, 1, 1)), RNG.normal(size=(1, 2, 1)), RNG.normal(size=(1, 1, 3))
    found = all_readings.shares(a + b + c)
    assert sum(share for axes, share in found.items() if len(axes) > 1) == pytest.approx(0, abs=1e-12)
    assert found[0,] == pytest.approx(a.var() / (a.var() + b.var() + c.var()))


def made(value, metric="ece", seeds=range(2)):
    """A factorial table from a function of (options, set, seed)."""
    return table.frame(
        {"experiment": "factorial", "pair": "sft4", "set": name, "style": "choices", "method": "dual-align"}
        | {"reading": factorial.reading(options), "seed": seed, "metric": metric, "value": value(options, name, seed)}
        for name in SETS
        for options in factorial.combinations()
        for seed in seeds
    )


def test_the_cube_puts_every_value_in_its_place():
    known = {}

    def value(options, name, seed):
        key = (name, factorial.reading(options), seed)
        return known.setdefault(key, float(RNG.normal()))

    cube = all_readings.cube(made(value))
    assert cube.values.shape == (3, 4, 2, 8, 2, 2, 3, 2)
    for options in list(factorial.combinations())[::37]:
        process = "per-layer" if options["process"] == "per-layer" else options["aggregate"]
        levels = {name: str(options[name]) for name in cube.factors if name != "S"} | {"S": process}
        at = tuple(cube.factors[name].index(levels[name]) for name in cube.factors)
        assert cube.values[(1, *at, 1)] == known["mmlu", factorial.reading(options), 1]
    default = {name: getattr(DualAlign(), name) for name in ablation.OPTIONS}
    assert cube.values[(0, *cube.default, 0)] == known["arc-easy", factorial.reading(default), 0]
    assert all_readings.cube(made(value), halves=False).values.shape == (3, 4, 2, 6, 2, 2, 3, 2)


def test_a_design_with_a_hole_is_refused():
    rows = made(lambda *_: 1.0)
    with pytest.raises(ValueError, match="lacks 1 of 4608 values of 'ece'"):
        all_readings.cube(rows.drop(index=5))
    with pytest.raises(ValueError, match="of 'speed'"):
        all_readings.cube(rows, "speed")
    cube = all_readings.cube(made(lambda o, s, seed: math.inf if o["kl"] == "plm-first" else 1.0))
    with pytest.raises(ValueError, match="2304 values are infinite; leave the halves out"):
        all_readings.variance(cube)


def test_variance_by_factor_and_order():
    """kl moves by 1 either way, base by 2, their product by 1, the split by 1: variances 1, 4, 1 and 1 of 7."""

    def value(options, name, seed):
        kl, base = (1 if options[a] == o else -1 for a, o in (("kl", "plm-first"), ("base", "e")))
        return 10 + kl + 2 * base + kl * base + (1 if seed else -1)

    found = all_readings.variance(all_readings.cube(made(value)))
    factor = all_readings.by_factor(found)
    assert list(factor.index) == ["S", "tempered", "weight", "kl", "base", "peak", "split"]
    assert factor["main"][["kl", "base", "split", "peak"]].tolist() == pytest.approx([1 / 7, 4 / 7, 1 / 7, 0])
    assert factor.loc[["kl", "base"], "total"].tolist() == pytest.approx([2 / 7, 5 / 7])
    assert (factor["high"] - factor["low"]).abs().max() == pytest.approx(0)
    order = all_readings.by_order(found)
    assert order[["main effects", "of two", "of more", "splits"]].tolist() == pytest.approx([5 / 7, 1 / 7, 0, 1 / 7])


def test_hindsight_against_counting():
    rows = made(lambda *_: float(RNG.uniform(0.05, 0.3)))
    found = all_readings.hindsight(all_readings.cube(rows))
    default = factorial.reading({name: getattr(DualAlign(), name) for name in ablation.OPTIONS})
    means = rows.groupby(["set", "reading"])["value"].mean().unstack("set")
    for name, row in found.iterrows():
        column, others = means[name], means.drop(columns=name).mean(axis=1)
        assert row["default"] == pytest.approx(column[default])
        assert (row["best"], row["worst"]) == pytest.approx((column.min(), column.max()))
        assert row["elsewhere"] == pytest.approx(column[others.idxmin()])
        assert row["lower"] == pytest.approx((column < column[default]).mean())
        assert row["optimism"] == pytest.approx(column[others.idxmin()] - column.min())
        assert row["gain"] == pytest.approx(row["kept"] + row["optimism"])
        of_splits = rows[(rows.reading == default) & (rows.set == name)]["value"]
        assert row["spread"] == pytest.approx(of_splits.std())
    low, high = stats.t.interval(0.95, 2, found["gain"].mean(), stats.sem(found["gain"]))
    assert all_readings.over_sets(found["gain"]) == pytest.approx((found["gain"].mean(), low, high))


def test_standing_counts_ties_and_wins():
    def value(options, name, seed):
        best = {"arc-easy": "plm-first", "mmlu": "plm-first", "piqa": "polm-first"}[name]
        return 0.1 if options["kl"] == best else 0.2

    found = all_readings.standing(all_readings.cube(made(value)))
    other = found.index.str.contains("kl=polm-first")
    assert len(found) == len(set(found.index)) == 768
    assert other.sum() == 768 / 2
    assert found[~other]["best"].eq(2).all()
    assert found[other][["best", "beats"]].eq(1).all(axis=None)  # the default is plm-first
    assert found.loc["default", ["best", "beats", "error"]].tolist() == pytest.approx([2, 0, 0.4 / 3])
    assert "S=per-layer weight=0.25" in found.index
    assert found["error"].is_monotonic_increasing


def test_floors_are_those_of_the_default_on_the_main_pair():
    where = {"experiment": "main", "pair": "sft4", "style": "choices", "method": "dual-align", "metric": "ece_floor"}
    rows = [where | {"set": "piqa", "seed": seed, "value": value} for seed, value in ((0, 0.1), (1, 0.3), (-1, 9.0))]
    elsewhere = ({"pair": "dpo"}, {"style": "cloze"})
    other = [where | {"set": "piqa", "seed": 0, "value": 7.0} | changed for changed in elsewhere]
    assert all_readings.floors(table.frame([*rows, *other])).to_dict() == {"piqa": pytest.approx(0.2)}
    assert all_readings.floors(table.frame(rows), "brier").empty
