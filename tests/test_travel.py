"""Does a temperature travel: matrices, the jackknife and the exchange of sets, against plain loops."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dualalign import protocol, travel
from dualalign.experiments import table

SETS = ["arc-easy", "csqa", "mmlu", "piqa"]
METHODS = ("daca", "temperature-scaling")


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(0)
    return {(m, s, t, seed): rng.uniform(0, 0.3) for m in METHODS for s in SETS for t in SETS for seed in range(3)}


@pytest.fixture(scope="module")
def rows(values):
    where = {"experiment": "transfer", "pair": "sft4", "style": "choices", "metric": "ece"}
    return table.frame(
        where | {"method": m, "reading": f"from={s}", "set": t, "seed": seed, "value": value}
        for (m, s, t, seed), value in values.items()
    )


def square(n: int, seed: int = 0) -> pd.DataFrame:
    names = list("abcdefgh")[:n]
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, n)), names, names)


def test_rows_are_fitted_on_and_columns_judged_on(rows, values):
    wide, excess, own = travel.matrix(rows, "daca"), travel.excess(rows, "daca"), travel.own(rows, "daca")
    for s in SETS:
        for t in SETS:
            cell, diagonal = (np.mean([values["daca", x, t, seed] for seed in range(3)]) for x in (s, t))
            assert wide.loc[s, t] == pytest.approx(cell)
            assert excess.loc[s, t] == pytest.approx(cell - diagonal)
            assert own[t] == pytest.approx(diagonal)


def test_own_fits_are_compared_with_what_was_carried_to_the_same_target(rows):
    minus = travel.own_less_carried(rows, "daca", "temperature-scaling")
    own, carried = travel.own(rows, "daca"), travel.matrix(rows, "temperature-scaling")
    for s in SETS:
        for t in SETS:
            assert minus.loc[s, t] == pytest.approx(own[t] - carried.loc[s, t])
    same = travel.own_less_carried(rows, "daca", "daca")
    assert same.to_numpy() == pytest.approx(-travel.excess(rows, "daca").to_numpy())


def test_wins_count_every_foreign_temperature_once(rows):
    holds = pd.Series([True, False, False, True], SETS[::-1])  # in another order than the table's
    own, carried = travel.own(rows, "daca"), travel.matrix(rows, "temperature-scaling")
    found = travel.wins(rows, "daca", "temperature-scaling", holds)
    for name, kind in (("holds", True), ("fails", False)):
        pairs = [(s, t) for s in SETS for t in SETS if s != t and holds[t] == kind]
        assert found[name] == (sum(own[t] < carried.loc[s, t] for s, t in pairs), len(pairs))
    assert 0 < found["holds"][0] + found["fails"][0] < 12


def test_a_method_that_refused_a_set_is_named(rows):
    with pytest.raises(ValueError, match="no ece of method 'batch' between sets"):
        travel.matrix(rows, "batch")
    with pytest.raises(ValueError, match="method 'daca' was not fitted on every set"):
        travel.matrix(rows[~((rows.method == "daca") & (rows.reading == "from=mmlu"))], "daca")


def test_jackknife_against_a_loop():
    wide = square(5)
    found = travel.over_pairs(wide)
    names = list(wide)
    mean = lambda kept: np.mean([wide.loc[s, t] for s in kept for t in kept if s != t])  # noqa: E731
    left = [mean([n for n in names if n != out]) for out in names]
    error = math.sqrt(4 / 5 * sum((one - np.mean(left)) ** 2 for one in left))
    assert found.value == pytest.approx(mean(names))
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / error, 4))


def test_of_a_matrix_of_set_effects_the_jackknife_is_the_t_test():
    effect = pd.Series(np.random.default_rng(1).normal(size=6), list("abcdef"))
    wide = pd.DataFrame((effect.to_numpy()[:, None] + effect.to_numpy()) / 2, effect.index, effect.index)
    low, high = stats.t.interval(0.95, 5, effect.mean(), stats.sem(effect))
    assert travel.over_pairs(wide)[:3] == pytest.approx([effect.mean(), low, high])


def test_intervals_cover_the_mean_of_new_sets():
    """Of 300 matrices with effects of source and target, the 95 % intervals hold 0 in at least 93 %."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        x = rng.normal(size=(7, 1)) + rng.normal(size=7) + 0.3 * rng.normal(size=(7, 7))
        found = travel.over_pairs(pd.DataFrame(x))
        held += found.low <= 0 <= found.high
    assert held >= 0.93 * 300


def test_nothing_lost_is_no_finding():
    assert travel.over_pairs(pd.DataFrame(np.zeros((4, 4)))) == (0, 0, 0, 1)
    with pytest.raises(ValueError, match="at least three sets"):
        travel.over_pairs(pd.DataFrame(np.zeros((2, 2))))
    with pytest.raises(ValueError, match="square matrix"):
        travel.over_pairs(pd.DataFrame(np.zeros((3, 4))))


def test_distance_knows_the_infinite_temperature():
    found = travel.distance(pd.Series([2.0, 4.0, math.inf], list("abc")))
    assert found.loc["a"].tolist() == [0, 0.25, 0.5]
    assert found.loc["c", "b"] == 0.25


@pytest.mark.parametrize("seed", range(3))
def test_exchange_of_sets_against_a_loop(seed):
    first, second = square(4, seed), square(4, seed + 10)
    off = ~np.eye(4, dtype=bool)

    def correlation(order):
        exchanged = second.to_numpy()[np.ix_(order, order)]
        return stats.spearmanr(first.to_numpy()[off], exchanged[off]).statistic

    every = [correlation(list(order)) for order in permutations(range(4))]
    found = travel.mantel(first, second)
    assert found[0] == pytest.approx(every[0])
    assert found[1] == pytest.approx(np.mean(np.array(every) >= every[0] - 1e-9))


@given(st.integers(0, 100))
def test_a_matrix_goes_with_itself_whatever_it_is(seed):
    one = square(5, seed)
    correlation, p = travel.mantel(one, np.exp(one))
    assert correlation == pytest.approx(1)
    assert p == pytest.approx(1 / math.factorial(5))


def test_matrices_of_other_sets_are_refused():
    with pytest.raises(ValueError, match="different sets"):
        travel.mantel(square(4), square(4).rename(index={"a": "z"}))
    nine = pd.DataFrame(np.zeros((9, 9)))
    with pytest.raises(ValueError, match="at most eight"):
        travel.mantel(nine, nine)


@pytest.fixture(scope="module")
def by_subject():
    rng, rows = np.random.default_rng(5), []
    where = {"experiment": "transfer", "pair": "sft4", "set": "mmlu", "style": "choices", "variant": "full"}
    for method in ("daca", "vanilla", "temperature-scaling"):
        of = where | {"method": method}
        for reading in (travel.ALL, travel.EACH):
            for seed in range(3):
                for metric in ("ece", "ece_floor", "subject_ece", "subject_ece_floor", "nll"):
                    rows.append(of | {"reading": reading, "seed": seed, "metric": metric, "value": rng.uniform()})
        for end in ("", "_low", "_high", "_p"):
            rows.append(of | {"reading": travel.EACH, "metric": f"ece_minus{end}", "value": rng.uniform()})
        for i, t in enumerate((1.0, 2.0, 3.0, 4.0, math.inf)):
            more = {"reading": f"subject={i}", "seed": 0, "n": 10 * i + 2, "metric": "temperature", "value": t}
            rows.append(of | more)
    return table.frame(rows)


def test_one_temperature_a_subject_against_one_for_all(by_subject):
    found = travel.subjects(by_subject)
    assert list(found.columns) == ["ece", "floor", "subject_ece", "subject_floor", "spread"]
    for (method, reading), row in found.iterrows():
        rows = by_subject[(by_subject.method == method) & (by_subject.reading == reading) & (by_subject.seed >= 0)]
        of = lambda metric, rows=rows: rows[rows.metric == metric]["value"]  # noqa: E731
        assert row["ece"] == pytest.approx(of("ece").mean())
        assert row["spread"] == pytest.approx(np.std(of("ece"), ddof=1))
        assert row["subject_floor"] == pytest.approx(of("subject_ece_floor").mean())


def test_differences_are_corrected_over_the_methods_that_have_a_temperature(by_subject):
    found = travel.each_less_all(by_subject)
    assert list(found.index) == ["daca", "temperature-scaling"]
    value = by_subject.set_index(["method", "metric", "seed"])["value"]
    assert found["p"].tolist() == [value[m, "ece_minus_p", -1] for m in found.index]
    assert found["p_holm"].tolist() == protocol.holm(found["p"]).tolist()
    assert found.loc["daca", "high"] == value["daca", "ece_minus_high", -1]


def test_temperatures_of_subjects_by_rank(by_subject):
    found = travel.subject_temperatures(by_subject)
    assert list(found.index) == ["daca", "temperature-scaling"]
    assert found.loc["daca"].to_dict() == {"low": 2, "median": 3, "high": 4, "infinite": 0.2, "questions": 22}
