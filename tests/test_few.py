"""How many questions: summaries against plain loops over small tables of results."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dualalign import few
from dualalign.experiments import table

METHODS = ("dual-align", "daca", "align-all", "confidence-only", "temperature-scaling")
SETS = {"arc-easy": 400, "mmlu": 60, "piqa": 300}
SIZES = (10, 20, 50)


def fits(draws: int = 6, seed: int = 0, n_pairs: int = 2) -> list[dict]:
    """Rows of the experiment `size`: T scatters as 1 / sqrt(n), DACA uses half."""
    rng, rows = np.random.default_rng(seed), []
    for pair in ("sft4", "dpo")[:n_pairs]:
        for name, half in SETS.items():
            for method in METHODS:
                for n in (*SIZES, half):
                    for draw in range(draws if n < half else 1):
                        where = {"experiment": "size", "pair": pair, "set": name, "style": "choices"}
                        where |= {"method": method, "seed": draw, "n": n}
                        t = 3 * math.exp(rng.normal() / math.sqrt(n))
                        found = {
                            "temperature": t,
                            "ece": 0.05 + abs(rng.normal()) / n,
                            "n_fit": n // (1 + (method == "daca")),
                        }
                        if n == half:
                            found["ece_floor"] = 0.03
                        rows += [where | {"metric": metric, "value": value} for metric, value in found.items()]
    return rows


def value_of(rows, **where):
    """The values of the rows that match, by draw."""
    found = [row for row in rows if all(row[name] == value for name, value in where.items())]
    return np.array([row["value"] for row in sorted(found, key=lambda row: row["seed"])])


@pytest.fixture(scope="module")
def rows():
    return fits()


@pytest.fixture(scope="module")
def sizes(rows):
    return few.by_size(few.draws(table.frame(rows)))


def test_every_draw_stands_beside_its_own_fit_on_all(rows):
    found = few.draws(table.frame(rows))
    assert len(found) == sum(row["metric"] == "temperature" for row in rows)
    for row in found.sample(40, random_state=0).itertuples():
        where = {"pair": row.pair, "set": row.set, "method": row.method}
        assert row.half == SETS[row.set]
        assert row.t_all == value_of(rows, metric="temperature", n=SETS[row.set], **where).item()
        assert row.ece_all == value_of(rows, metric="ece", n=SETS[row.set], **where).item()
        assert row.floor == 0.03
        assert not row.refused


def test_what_draws_have_in_common_against_a_loop(rows, sizes):
    assert set(sizes["n"]) == set(SIZES)
    for row in sizes.itertuples():
        where = {"pair": row.pair, "set": row.set, "method": row.method}
        t, ece = (value_of(rows, metric=metric, n=row.n, **where) for metric in ("temperature", "ece"))
        t_all, ece_all = (value_of(rows, metric=m, n=SETS[row.set], **where).item() for m in ("temperature", "ece"))
        assert row.near == pytest.approx(np.mean(np.abs(t - t_all) <= 0.1 * t_all))
        assert row.cost == pytest.approx(ece.mean() - ece_all)
        assert row.spread == pytest.approx(np.std(np.log(t), ddof=1))
        assert row.used == (0.5 if row.method == "daca" else 1)
        assert row.small == (row.n <= SETS[row.set] / 2)


def test_refusals_infinities_and_edges_are_counted_apart():
    rows = fits(draws=5, n_pairs=1)
    of = {"method": "daca", "set": "arc-easy", "n": 10}
    kept = [r for r in rows if not (all(r[k] == v for k, v in of.items()) and r["seed"] == 0)]
    refused = next(r for r in rows if all(r[k] == v for k, v in of.items())) | {
        "metric": "refused",
        "value": 1.0,
        "seed": 0,
    }
    values = {1: math.inf, 2: 100.0, 3: 0.01}
    for row in kept:
        if all(row[k] == v for k, v in of.items()) and row["metric"] == "temperature" and row["seed"] in values:
            row["value"] = values[row["seed"]]
    found = few.by_size(few.draws(table.frame([*kept, refused])))
    one = found[(found["method"] == "daca") & (found["set"] == "arc-easy") & (found["n"] == 10)].iloc[0]
    assert one[["refused", "infinite", "edge"]].tolist() == pytest.approx([0.2, 0.2, 0.4])
    assert one["near"] <= 0.2
    assert one["spread"] == math.inf


def test_two_infinite_temperatures_are_near_each_other():
    rows = fits(draws=2, n_pairs=1)
    for row in rows:
        if row["method"] == "daca" and row["metric"] == "temperature":
            row["value"] = math.inf
    found = few.by_size(few.draws(table.frame(rows)))
    assert (found[found["method"] == "daca"][["near", "infinite"]] == 1).all(axis=None)


def test_means_over_sets_are_students_over_sizes_that_every_set_has(sizes):
    found = few.over_sets(sizes, "cost")
    assert set(found.index.get_level_values("n")) == {10, 20}  # 50 of mmlu's 60 are no different questions
    means = sizes[(sizes["method"] == "daca") & (sizes["n"] == 20)].groupby("set")["cost"].mean()
    low, high = stats.t.interval(0.95, 2, means.mean(), stats.sem(means))
    assert found.loc[("daca", 20)].tolist() == pytest.approx([means.mean(), low, high, 3])


def test_paired_differences_and_their_correction(sizes):
    found = few.compared(sizes, "cost", ["daca", "align-all"])
    assert list(found.index) == [(rival, n) for rival in ("align-all", "daca") for n in (10, 20)]
    wide = sizes.pivot(index=["pair", "set", "n"], columns="method", values="cost")
    for (rival, n), row in found.iterrows():
        means = (wide["dual-align"] - wide[rival]).xs(n, level="n").groupby("set").mean()
        assert row["value"] == pytest.approx(means.mean())
        assert row["p"] == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    order = found["p"].sort_values()
    assert found.loc[order.index[0], "p_holm"] == pytest.approx(min(1, 4 * order.iloc[0]))


def test_a_method_that_only_has_fewer_questions_scatters_as_expected():
    rng, rows = np.random.default_rng(3), []
    for row in fits(draws=400, n_pairs=1):
        if row["metric"] == "temperature" and row["n"] in SIZES:
            n = row["n"] / (2 if row["method"] == "daca" else 1)
            row = row | {"value": 3 * math.exp(rng.normal() / math.sqrt(n))}
        rows.append(row)
    found = few.thinned(few.by_size(few.draws(table.frame(rows))))
    assert found["expected"].tolist() == pytest.approx([math.sqrt(2)] * len(found))
    assert found["daca"].to_numpy() == pytest.approx(found["expected"], rel=0.25)
    assert found["daca"].mean() == pytest.approx(math.sqrt(2), rel=0.06)
    assert found["dual-align"].mean() == pytest.approx(1, rel=0.06)
    assert set(zip(found["set"], found["n"], strict=True)) == {
        (name, n) for name, half in SETS.items() for n in SIZES if n <= half / 2
    }


def test_infinite_spreads_are_left_out(rows):
    spoiled = [dict(row) for row in rows]
    for row in spoiled:
        if row["method"] == "align-all" and row["n"] == 10 and row["metric"] == "temperature":
            row["value"] = math.inf
    assert 10 not in set(few.thinned(few.by_size(few.draws(table.frame(spoiled))))["n"])


def test_another_table_is_refused():
    with pytest.raises(ValueError, match="no row of the experiment size"):
        few.draws(table.frame([]))
