"""Figures of borrowed references: tables that regroup the experiment's rows, and marks where the tables say."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from dualalign import layer_maps, plots, protocol
from dualalign.experiments import references, table
from dualalign.experiments.unit import Name
from dualalign.plots import style
from dualalign.plots.references import CASES, FAMILIES

matplotlib.use("Agg")
SETS = ("csqa", "piqa")
FOREIGN, OWN, BORROWED = CASES.values()


pytestmark = pytest.mark.usefixtures("closed")


@pytest.fixture(scope="module")
def made(random_traces):
    rows = []
    for seed, name in enumerate(SETS):
        foreign, further = random_traces(50, (4, 6), seed=2 * seed), random_traces(50, (6, 6), seed=2 * seed + 1)
        labels = np.where(np.arange(50) % 3, further.polm_final.argmax(1), foreign.plm_final.argmax(1))
        read = {
            Name("smollm2", name, "cloze"): replace(foreign, labels=labels),
            Name("smollm2-sft4", name, "cloze"): replace(further, labels=labels),
        }
        found = references.rows(name, read, seeds=[0, 1, 2], draws=60, refits=4)
        rows += [{**row, "experiment": "references"} for row in found]
    return table.frame(rows)


def at(made, pair, reading, method, metric, name):
    rows = made[(made.pair == pair) & (made.reading == reading) & (made.method == method) & (made.metric == metric)]
    return rows[rows.set == name].sort_values("seed")["value"].to_numpy()


def test_splits_are_summarised(made):
    found = plots.prepare_references(made).set_index(["case", "layers", "set", "method"])
    assert list(found.index.get_level_values("case").unique()) == list(CASES.values())
    for (pair, reading), case in CASES.items():
        for layers, tail in ((layer_maps.DEFAULT, ""), ("final-only", " map=final-only")):
            row = found.loc[case, layers, "piqa", "dual-align"]
            ece, t = (at(made, pair, reading + tail, "dual-align", m, "piqa") for m in ("ece", "temperature"))
            assert row["ece"] == pytest.approx(ece.mean())
            assert row["spread"] == pytest.approx(ece.std(ddof=1))
            assert row["temperature"] == np.median(t)
            assert row["floor"] == pytest.approx(
                at(made, pair, reading + tail, "dual-align", "ece_floor", "piqa").mean()
            )
    assert np.isnan(found.loc[OWN, layer_maps.DEFAULT, "csqa", "basecal"]["temperature"])
    assert (OWN, "last-aligned", "csqa", "dual-align") not in found.index  # equal depth
    assert found.loc[FOREIGN, layer_maps.DEFAULT, "csqa", "plm"]["ece"] > 0


def test_families_of_differences(made):
    found = {family: plots.prepare_reference_differences(made, family) for family in FAMILIES}
    assert len(found["methods"]) == 3 * 3 * 2
    assert len(found["maps"]) == (5 + 3 + 5) * 2
    assert set(found["maps"].method) == {"dual-align"}
    assert len(found["references"]) == 4 * 2
    for rows in found.values():
        np.testing.assert_allclose(rows["p_holm"], protocol.holm(rows["p"]))
    row = found["references"].set_index(["set", "method"]).loc["csqa", "daca"]
    (pair, own), (_, borrowed) = list(CASES)[1:]
    difference = (
        at(made, pair, own, "daca", "ece", "csqa").mean() - at(made, pair, borrowed, "daca", "ece", "csqa").mean()
    )
    assert row["value"] == pytest.approx(difference)
    assert row["low"] <= row["high"]


def test_effects_of_maps(made):
    found = plots.prepare_map_effects(made)
    assert len(found) == 6 + 4 + 6
    default = found.xs(layer_maps.DEFAULT, level="layers")
    assert (default[["T process", "T dual"]] == 1).all().all()
    assert (default["moved"] == 0).all()
    (pair, reading), case = next(iter(CASES.items()))
    row, tail = found.loc[case, "first-aligned"], " map=first-aligned"
    ratios = [
        np.median(at(made, pair, reading + tail, "process-only", "temperature", name))
        / np.median(at(made, pair, reading, "process-only", "temperature", name))
        for name in SETS
    ]
    assert row["T process"] == pytest.approx(np.prod(ratios) ** 0.5)
    moved = [at(made, pair, reading + tail, "", "peak_moved", name).mean() for name in SETS]
    assert row["moved"] == pytest.approx(np.mean(moved))
    maps = plots.prepare_reference_differences(made, "maps")
    maps = maps[(maps.case == case) & (maps.layers == "first-aligned")]
    assert row["ece"] == pytest.approx(maps.value.mean())
    assert row["lower"] == ((maps.p_holm < 0.05) & (maps.value < 0)).sum()
    assert row["higher"] == ((maps.p_holm < 0.05) & (maps.value > 0)).sum()


def test_signs_stand_beside_an_error(made):
    found = plots.prepare_signs(made, [OWN, BORROWED], "basecal")
    assert found.shape[0] == 2 * 3 * 2
    pair, reading = list(CASES)[1]
    row = found.loc["piqa", 1, OWN]
    for name, method in (("agreement", ""), ("divergence", ""), ("ece", "basecal")):
        assert row[name] == at(made, pair, reading, method, name, "piqa")[1]


def test_forces_are_regrouped(made):
    found = plots.prepare_forces(made)
    pair, reading = list(CASES)[2]
    row = found.loc[BORROWED, "csqa"]
    assert row["gap_agree_low"] == at(made, pair, reading, "", "force_gap_agree_low", "csqa")[0]
    assert row["predicted"] == pytest.approx(row["own"] + row["selection"], nan_ok=True)


def test_layer_maps_draw_every_layer(random_traces):
    traces = random_traces(30, (4, 6))
    maps = plots.prepare_layer_maps(traces)
    assert list(maps) == list(layer_maps.MAPS)
    assert maps.index.tolist() == [1, 2, 3, 4, 5, 6]
    axes = plots.plot_layer_maps({"one": maps, "two": maps[["final-only"]]})
    for line, name in zip(axes[0].lines, maps, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), layer_maps.layer_map(traces, name))
    assert [ax.get_title(loc="left") for ax in axes] == ["one", "two"]
    given = Figure().subplots(1, 1, squeeze=False)[0]
    assert plots.plot_layer_maps({"one": maps}, given) is given


def test_map_temperatures_draw_ratios(made):
    rows = plots.prepare_references(made)
    rows = rows[rows.case == FOREIGN]
    axes = plots.plot_map_temperatures(rows, ["process-only", "dual-align"])
    wide = rows[rows.method == "dual-align"].pivot(index="set", columns="layers", values="temperature")
    drawn = {line.get_label(): line.get_xdata() for line in axes[1].lines if not line.get_label().startswith("_")}
    assert set(drawn) == set(layer_maps.MAPS) - {layer_maps.DEFAULT}
    for name, x in drawn.items():
        np.testing.assert_allclose(x, wide[name] / wide[layer_maps.DEFAULT])
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list(SETS)


def test_two_references_fill_what_survives_correction(made):
    rows = plots.prepare_reference_differences(made, "references")
    rows.loc[0, "p_holm"], rows.loc[1, "p_holm"] = 0.01, 0.5
    ax = plots.plot_two_references(rows)
    marks = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert sorted(line.get_xdata()[0] for line in marks) == sorted(rows.value)
    face = {line.get_xdata()[0]: line.get_markerfacecolor() for line in marks}
    assert face[rows.value[0]] == style.method_colour(rows.method[0])
    assert face[rows.value[1]] == "white"
    ends = np.concatenate([[s[:, 0] for s in bars.get_segments()] for bars in ax.collections])
    assert sorted(map(tuple, ends)) == sorted(zip(rows.low, rows.high, strict=True))


def test_parts_of_the_temperature_are_drawn_where_known(made):
    rows = plots.prepare_forces(made)
    rows.loc[(OWN, "csqa"), "total"] = np.nan
    axes = plots.plot_temperature_parts(rows)
    known = rows[rows.total.notna()]
    for ax, x in zip(axes, (known.predicted, known.predicted + known.dropping), strict=True):
        drawn = [xy for line in ax.lines[1:] for xy in line.get_xydata().tolist()]
        np.testing.assert_allclose(sorted(drawn), sorted(zip(x, known.total, strict=True)))
