"""The experiments behind the practitioner's page: what n labels are worth, and what the conditions say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pairs_kit as kit
import pytest

from dualalign import checks, metrics, protocol
from dualalign.calibrators import METHODS
from dualalign.experiments import labels, table, trust
from dualalign.experiments.unit import MAIN, Name

NAME = Name(MAIN, "arc-easy", "choices")


def of(traces, **options):
    return table.frame(labels.rows("", {NAME: traces}, **({"seeds": range(2), "draws": 3} | options)))


@pytest.fixture(scope="module")
def traces():
    return kit.calibrated_pair(90)


def test_each_method_gets_its_questions(traces):
    rows = of(traces).query("metric == 'ece'")
    supervised = rows[rows["method"] == labels.SUPERVISED]
    assert supervised.groupby("n")["seed"].apply(list).to_dict() == {
        5: [0, 1, 2, 3, 4, 5],
        10: [0, 1, 2, 3, 4, 5],
        20: [0, 1, 2, 3, 4, 5],
        45: [0, 1],
    }
    free = rows[rows["method"] != labels.SUPERVISED]
    assert set(free["n"]) == {45}
    assert free.groupby("method")["seed"].apply(list).to_dict() == {m: [0, 1] for m in labels.LABEL_FREE}
    assert rows[(rows["method"] == labels.SUPERVISED) & (rows["n"] == 5)]["value"].nunique() > 2


def test_the_numbers_are_those_of_fits_by_hand(traces):
    value = of(traces).set_index(["method", "n", "seed", "metric"])["value"]
    ((_, (half, test)),) = protocol.enumerate_splits(traces, 0.5, [1])
    fitting, testing = traces.select(half), traces.select(test)
    for method in labels.LABEL_FREE:
        calibrator = METHODS[method]().fit(fitting)
        right = calibrator.prediction(testing) == testing.labels
        assert value[method, 45, 1, "ece"] == metrics.ece(calibrator.confidence(testing), right)
    drawn = np.sort(np.random.default_rng([1, 20, 2]).choice(half, 20, replace=False))
    proba = METHODS[labels.SUPERVISED]().fit(traces.select(drawn)).predict_proba(testing)
    assert value[labels.SUPERVISED, 20, 1 * 3 + 2, "nll"] == metrics.nll(proba, testing.labels)
    assert ("basecal", 45, 1, "nll") not in value.index


def test_only_the_supervised_method_sees_labels_and_only_those_to_fit_on(traces):
    ((_, (half, test)),) = protocol.enumerate_splits(traces, 0.5, [0])
    before = of(traces, seeds=[0])
    moved = {side: traces.labels.copy() for side in ("fit", "test")}
    for side, rows in (("fit", half), ("test", test)):
        moved[side][rows] = (moved[side][rows] + 1) % 4
    after = {side: of(replace(traces, labels=array), seeds=[0]) for side, array in moved.items()}
    changed = before["value"] != after["fit"]["value"]
    assert set(before["method"][changed]) == {labels.SUPERVISED}
    assert (before["value"] != after["test"]["value"]).mean() > 0.9


def test_a_refusal_leaves_one_row(traces):
    rows = of(replace(traces, plm_logits=-traces.polm_logits), seeds=[0])
    assert rows[rows["method"] == "daca"][["metric", "value"]].to_numpy().tolist() == [["refused", 1.0]]


def test_trust_holds_the_state_of_each_condition():
    for traces in (kit.calibrated_pair(), kit.unstable(1.5), kit.no_labels(kit.tied())):
        rows = table.frame(trust.rows("", {NAME: traces})).set_index("metric")["value"].to_dict()
        states = {check.name: check.state for check in checks.examine(traces)}
        assert {name for name, state in states.items() if state in ("unknown", "note")} == states.keys() - rows.keys()
        assert all(states[name] == ("ok", "care", "fail")[int(code)] for name, code in rows.items())
