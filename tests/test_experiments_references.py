"""The experiment on borrowed references: three pairs from two files, and rows that equal what is computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dualalign import DualAlign, ProcessOnly, drift, layer_maps, metrics, protocol
from dualalign import references as parts
from dualalign.experiments import references, registry, table
from dualalign.experiments.unit import Name

FOREIGN, FURTHER = Name("smollm2", "csqa", "cloze"), Name("smollm2-sft4", "csqa", "cloze")
OURS, OWN = "reference=plm", "reference=smollm2"


@pytest.fixture(scope="module")
def read(random_traces):
    foreign, further = random_traces(60, (4, 6), seed=1), random_traces(60, (6, 6), seed=2)
    labels = np.where(np.arange(60) % 2, further.polm_final.argmax(1), foreign.plm_final.argmax(1))
    return {FOREIGN: replace(foreign, labels=labels), FURTHER: replace(further, labels=labels)}


@pytest.fixture(scope="module")
def made(read):
    rows = table.frame(references.rows("csqa", read, seeds=[0, 1], draws=40, refits=4))
    return rows.set_index(["pair", "method", "reading", "seed", "metric"])["value"].sort_index()


def split(traces, seed):
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.3, [seed])
    return traces.select(fit), traces.select(test)


def test_units_are_sets_that_both_pairs_have():
    names = [FOREIGN, FURTHER, Name("smollm2", "piqa", "cloze"), Name("sft4", "piqa", "cloze")]
    assert registry.get("references").units(names) == {"csqa": [FOREIGN, FURTHER]}


def test_three_pairs_of_two_files(read):
    found = references.settings(read)
    assert list(found) == [(FOREIGN, OURS), (FURTHER, OWN), (FURTHER, OURS)]
    both = found[FURTHER, OURS]
    np.testing.assert_array_equal(both.plm_logits, read[FOREIGN].plm_logits)
    np.testing.assert_array_equal(both.polm_logits, read[FURTHER].polm_logits)
    with pytest.raises(ValueError, match="smollm2__csqa__cloze lacks questions of smollm2-sft4__csqa__cloze"):
        references.settings(read | {FOREIGN: read[FOREIGN].select(slice(0, 50))})


@pytest.mark.parametrize("where", [(FURTHER, OURS), (FURTHER, OWN), (FOREIGN, OURS)])
def test_a_split_by_hand(read, made, where):
    (name, reading), traces = where, references.settings(read)[where]
    fitting, testing = split(traces, 1)
    fitted = DualAlign().fit(fitting)
    row = made.loc[name.pair, "dual-align", reading, 1]
    assert row["temperature"] == fitted.temperature_
    assert row["ece"] == metrics.ece(*metrics.top_label(fitted.predict_proba(testing), testing.labels))
    assert row["ece_floor"] == metrics.ece_floor(fitted.confidence(testing), 10, 200, 1)
    assert made.loc[name.pair, "", reading, 1][list(parts.SIGNS)].to_dict() == parts.signs(fitting)
    peaks = {"peak": np.median(drift.peak_layer(fitting)), "peak_moved": 0}
    assert made.loc[name.pair, "", reading, 1][list(peaks)].to_dict() == peaks
    plm = metrics.top_label(np.exp(drift.log_softmax_options(testing.plm_final)), testing.labels)
    assert made.loc[name.pair, "plm", reading, 1]["ece"] == metrics.ece(*plm)


def test_a_map_is_found_on_the_fit_side_and_reaches_the_process(read, made):
    traces = references.settings(read)[FURTHER, OURS]
    fitting, testing = split(traces, 0)
    for name in ("last-aligned", "nearest-rank"):
        layers = layer_maps.layer_map(fitting, name)
        mapped, reading = layer_maps.rematched(fitting, layers), f"{OURS} map={name}"
        fitted = ProcessOnly().fit(mapped)
        row = made.loc["smollm2-sft4", "process-only", reading, 0]
        assert row["temperature"] == fitted.temperature_
        assert row["ece"] == metrics.ece(*metrics.top_label(fitted.predict_proba(testing), testing.labels))
        about = made.loc["smollm2-sft4", "", reading, 0]
        assert about["peak"] == np.median(drift.peak_layer(mapped))
        assert about["peak_moved"] == (drift.peak_layer(mapped) != drift.peak_layer(fitting)).mean()


def test_maps_that_equal_depth_makes_the_default_are_left_out(made):
    readings = set(made.reset_index().reading)
    assert f"{OURS} map=last-aligned" in readings
    assert f"{OWN} map=last-aligned" not in readings
    assert {f"{OWN} map={name}" for name in ("final-only", *layer_maps.BY_BELIEF)} <= readings


def test_differences_are_those_of_the_mean_errors(made):
    def mean(method, reading):
        return np.mean([made.loc["smollm2-sft4", method, reading, seed, "ece"] for seed in (0, 1)])

    expected = {
        ("dual-align", f"{OWN} against=basecal"): mean("dual-align", OWN) - mean("basecal", OWN),
        ("dual-align", f"{OURS} against=daca"): mean("dual-align", OURS) - mean("daca", OURS),
        ("daca", f"{OWN} against={OURS}"): mean("daca", OWN) - mean("daca", OURS),
        ("process-only", f"{OURS} map=final-only against=default"): mean("process-only", f"{OURS} map=final-only")
        - mean("process-only", OURS),
    }
    for (method, reading), value in expected.items():
        row = made.loc["smollm2-sft4", method, reading, -1]
        assert row["ece_minus"] == pytest.approx(value)
        assert row["ece_minus_low"] <= row["ece_minus_high"]
        assert 0 < row["ece_minus_p"] <= 1


def test_forces_stand_beside_their_intervals(read, made):
    traces = references.settings(read)[FURTHER, OWN]
    expected = parts.forces_with_intervals(traces, 4)
    row = made.loc["smollm2-sft4", "", OWN, -1]
    for name in ("gap_agree", "total"):
        found = [row[f"force_{name}{end}"] for end in ("", "_low", "_high")]
        assert found == pytest.approx(list(expected[name]))
