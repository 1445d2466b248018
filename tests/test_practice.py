"""The practitioner's tables, by hand from small tables of results."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import practice, protocol
from dualalign.experiments.table import frame

MODELS = {  # chance, the PLM's accuracy, confidence, ECE, noise floor -> situation
    "a": (0.25, 0.50, 0.49, 0.07, 0.03, "calibrated"),
    "b": (0.25, 0.50, 0.60, 0.11, 0.03, "off"),
    "c": (0.25, 0.29, 0.45, 0.16, 0.03, "at chance"),
    "d": (0.25, 0.24, 0.29, 0.05, 0.03, "undecided"),
    "e": (0.20, 0.26, 0.26, 0.05, 0.03, "calibrated"),
}
ECE = {"a": (0.05, 0.06), "b": (0.30, 0.10), "c": (0.40, 0.20), "d": (0.02, 0.02), "e": (0.07, 0.08)}


def where(name, method="", metric="", seed=-1, n=100, value=0.0, **more):
    return {"pair": name, "set": "s", "style": "choices", "method": method, "metric": metric} | (
        {"seed": seed, "n": n, "value": value} | more
    )


@pytest.fixture
def main():
    rows = []
    for name, (chance, accuracy, confidence, ece, floor, _) in MODELS.items():
        rows += [where(name, metric="chance", value=chance), where(name, metric="agreement", value=0.6)]
        plm = {"accuracy": accuracy, "confidence": confidence, "ece": ece, "ece_floor": floor}
        rows += [where(name, "plm", metric, value=value) for metric, value in plm.items()]
        for seed in (0, 1):
            for method, value in zip(("dual-align", practice.SUPERVISED), ECE[name], strict=True):
                rows.append(where(name, method, "ece", seed, value=value + (0.01 if seed else -0.01)))
    return frame(rows)


def test_every_setting_has_one_situation(main):
    found = practice.situations(main)
    assert found["situation"].droplevel([1, 2]).to_dict() == {name: row[-1] for name, row in MODELS.items()}
    assert found.loc[("b", "s", "choices"), ["excess", "gap", "n"]].tolist() == pytest.approx([0.08, 0.10, 100])


def test_means_over_splits_and_then_over_settings(main):
    wide = practice.held_out(main)
    assert wide["dual-align"].droplevel([1, 2]).to_dict() == pytest.approx({name: e[0] for name, e in ECE.items()})
    means = practice.by_situation(wide, practice.situations(main)["situation"])
    assert list(means.index) == list(practice.SITUATIONS)
    assert means.loc["calibrated"].to_dict() == pytest.approx({"dual-align": 0.06, practice.SUPERVISED: 0.07})


def test_clear_differences_are_corrected_within_a_rival(main):
    p = {"a": 0.004, "b": 0.011, "c": 0.012, "d": 0.3, "e": 0.9}
    gap = {"a": -0.02, "b": 0.03, "c": -0.04, "d": -0.1, "e": 0.2}
    minus = []
    for name in MODELS:
        minus += [where(name, "dual-align", "ece_minus", value=gap[name], reading="daca")]
        minus += [where(name, "dual-align", "ece_minus_p", value=p[name], reading="daca")]
        minus += [where(name, "dual-align", "ece_minus", value=-1.0, reading="vanilla")]
        minus += [where(name, "dual-align", "ece_minus_p", value=0.001, reading="vanilla")]
    found = practice.clear(frame(minus), practice.situations(main)["situation"])
    assert protocol.holm(list(p.values())) == pytest.approx([0.02, 0.044, 0.044, 0.6, 0.9])
    daca = found.xs("daca", level="rival")
    assert daca["better"].to_dict() == {"calibrated": 1, "off": 0, "at chance": 1, "undecided": 0}
    assert daca["worse"].to_dict() == {"calibrated": 0, "off": 1, "at chance": 0, "undecided": 0}
    assert found.xs("vanilla", level="rival")[["better", "settings"]].sum().tolist() == [5, 5]


def labelled(name, losses, free, half=64):
    rows = [where(name, "dual-align", "ece", seed, half, value) for seed, value in enumerate(free)]
    for n, values in losses.items():
        rows += [where(name, practice.SUPERVISED, "ece", seed, n, value) for seed, value in enumerate(values)]
    return rows


def test_gaps_of_labels_and_how_many_are_needed():
    rows = labelled("a", {5: [0.3, 0.1], 10: [0.05, 0.05], 20: [0.2, 0.1], 50: [0.04, 0.02], 64: [0.9]}, [0.1, 0.06])
    rows += labelled("b", {5: [0.01], 10: [0.01], 20: [0.01], 64: [0.0]}, [0.02])
    rows += labelled("c", {5: [0.01], 10: [0.3], 64: [0.0]}, [0.02])
    gaps = practice.label_gaps(frame(rows))
    a = gaps[gaps["pair"] == "a"].set_index("n")["gap"]
    assert a.to_dict() == pytest.approx({5: 0.12, 10: -0.03, 20: 0.07, 50: -0.05})
    needed = practice.labels_needed(gaps).droplevel([1, 2, 3]).to_dict()
    assert needed == {"a": 50, "b": 5, "c": math.inf}
    situation = pd.Series("off", gaps.set_index(practice.SETTING).index.unique())
    table = practice.label_quantiles(gaps, situation).set_index("n")
    assert table["settings"].to_dict() == {5: 3, 10: 3, 20: 2, 50: 1}
    assert table.loc[10, ["median", "low", "high", "wins"]].tolist() == pytest.approx([-0.01, -0.02, 0.135, 2 / 3])


def test_enough_labels_is_decided_by_the_hardest_rival():
    wins = {"x": {5: 0.5, 10: 0.8, 20: 0.7, 50: 0.9}, "y": {5: 1.0, 10: 0.9, 20: 0.9, 50: 0.8}}
    rows = [
        {"rival": rival, "n": n, "gap": -1.0 if i < round(10 * share) else 1.0, "setting": i}
        for rival, shares in wins.items()
        for n, share in shares.items()
        for i in range(10)
    ]
    gaps = pd.DataFrame(rows)
    assert practice.enough_labels(gaps, 0.75) == 50
    assert practice.enough_labels(gaps, 0.7) == 10
    assert practice.enough_labels(gaps, 0.9) == math.inf
    assert practice.enough_labels(gaps, 0.5) == 5


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_needed_labels_against_a_plain_loop(wins):
    sizes = [2**i for i in range(len(wins))]
    gaps = pd.DataFrame({"n": sizes, "gap": [-1.0 if win else 0.0 for win in wins]})
    expected = min((n for i, n in enumerate(sizes) if all(wins[i:])), default=math.inf)
    keys = dict.fromkeys(practice.SETTING, "x") | {"rival": "r"}
    assert practice.labels_needed(gaps.assign(**keys).sample(frac=1, random_state=0)).item() == expected


def test_few_questions_gives_the_spread_of_the_temperature():
    temperatures = {"a": np.linspace(1, 3, 41), "b": np.linspace(2, 4, 41)}
    rows = [
        where(name, "daca", metric, seed, n, value)
        for name, ts in temperatures.items()
        for n in (10, 45)
        for seed, t in enumerate(ts)
        for metric, value in (("temperature", t), ("ece", 0.1 if name == "a" else 0.3))
    ]
    found = practice.few_questions(frame(rows))
    ratios = [np.quantile(ts, 0.975) / np.quantile(ts, 0.025) for ts in temperatures.values()]
    assert list(found.index) == [("daca", 10)]
    assert found.loc[("daca", 10)].tolist() == pytest.approx([np.sqrt(ratios[0] * ratios[1]), 0.2])


@pytest.fixture
def trust():
    states = {"a": (0, 0, 0), "b": (0, 0, 2), "c": (1, 2, 2), "d": (0, 1, 0), "e": (0, 0, 0)}
    names = ("stability", "plm-above-chance", "plm-calibrated")
    rows = [
        where(p, "dual-align", name, value=v) for p, vs in states.items() for name, v in zip(names, vs, strict=True)
    ]
    return frame(row for row in rows if (row["pair"], row["metric"]) != ("e", "plm-calibrated"))  # unknown: no row


def test_what_the_conditions_sort(trust, main):
    found = practice.warned(trust, main)
    excess = {name: dual - oracle for name, (dual, oracle) in ECE.items()}
    assert found["warned"].to_dict() == {
        "stability": 1,
        "plm-above-chance": 2,
        "plm-calibrated": 2,
        "any, no labels": 1,
        "any, with labels": 3,
    }
    assert found.loc["plm-calibrated", "over"] == pytest.approx((excess["b"] + excess["c"]) / 2)
    assert found.loc["any, with labels", "under"] == pytest.approx((excess["a"] + excess["e"]) / 2)


def test_which_failures_were_announced(trust, main):
    assert practice.caught(trust, main, far=0.15) == {"far": 2, "without_labels": 1, "with_labels": 2}
    assert practice.caught(trust, main, far=-0.005) == {"far": 3, "without_labels": 1, "with_labels": 3}
