"""Numbers and figures of the premise dial: by hand, and that what is drawn is what the tables say."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dualalign import plots
from dualalign.experiments import table
from dualalign.plots import style
from dualalign.plots.premise import last_crossing

matplotlib.use("Agg")

PLM_GAP = {"0.5": -0.2, "1": 0.0, "2": 0.2}
GAP = {
    "align-all": {"0.5": -0.25, "1": -0.10, "2": 0.02},
    "daca": {"0.5": -0.22, "1": -0.02, "2": 0.14},
    "dual-align": {"0.5": -0.21, "1": 0.0, "2": 0.18},
    "vanilla": {"0.5": 0.3, "1": 0.3, "2": 0.3},
}
SHARE = {"align-all": 0.6, "daca": 0.8}
P = {"0.5": 0.004, "1": 0.02, "2": 0.001}


pytestmark = pytest.mark.usefixtures("closed")


def scores(gap, seed, scale=None, temperature=None):
    """Confidence 0.5 + gap and accuracy 0.5, the ECE the absolute gap; two splits lie 0.02 apart."""
    shifted = gap + (0.01 if seed else -0.01)
    found = {"confidence": 0.5 + shifted, "accuracy": 0.5, "ece": abs(gap), "ece_floor": 0.01 + 0.01 * seed, "nll": 1.0}
    found |= {"scale": scale} if scale else {}
    return found | ({"temperature": temperature} if temperature else {})


def rows(pair="sft4", name="arc-easy"):
    where = {"experiment": "premise", "pair": pair, "set": name, "style": "choices"}
    for seed in (0, 1):
        for setting, plm_gap in PLM_GAP.items():
            at = where | {"reading": f"s={setting}", "seed": seed, "n": 70}
            every = {"plm": scores(plm_gap, seed, scale=float(setting))}
            every |= {m: scores(gap[setting], seed, temperature=2 / float(setting)) for m, gap in GAP.items()}
            for method, found in every.items():
                yield from ({**at, "method": method, "metric": k, "value": v} for k, v in found.items())
            at["reading"] += " layers=last"
            for k, v in scores(0.05, seed, temperature=3.0).items():
                yield {**at, "method": "dual-align", "metric": k, "value": v}
        at = where | {"reading": "s=labels", "seed": seed, "method": "plm"}
        yield from ({**at, "metric": k, "value": v} for k, v in scores(0.01, seed, scale=1.1 + seed / 10).items())
    for setting in PLM_GAP:
        for rival in ("daca", "dual-align"):
            value = abs(GAP["align-all"][setting]) - abs(GAP[rival][setting])
            at = where | {"method": "align-all", "reading": f"s={setting} against={rival}"}
            yield {**at, "metric": "ece_minus", "value": value}
            yield {**at, "metric": "ece_minus_p", "value": P[setting] if rival == "daca" else 0.03}
    for method, p in (("align-all", 0.03), ("daca", 0.02)):
        at = where | {"method": method, "reading": "s=labels against=temperature-scaling"}
        ends = {"": 0.02, "_low": 0.01, "_high": 0.03, "_p": p}
        yield from ({**at, "metric": f"ece_minus{k}", "value": v} for k, v in ends.items())
    for method, share in SHARE.items():
        ends = {"": 0, "_low": -0.1, "_high": 0.1, "_least": -0.05, "_most": 0.05}
        at = where | {"method": method, "n": 100}
        yield from ({**at, "metric": f"inherited{k}", "value": share + v} for k, v in ends.items())


@pytest.fixture(scope="module")
def found():
    return table.frame([*rows(), *rows("dpo", "mmlu")])


@pytest.fixture(scope="module")
def dial(found):
    return plots.prepare_dial(found)


# -- Numbers -------------------------------------------------------------------------------------------------------


def test_the_dial_averages_over_splits(dial):
    one = dial.set_index(["pair", "set", "method", "setting"]).loc[("sft4", "arc-easy", "daca", "2")]
    assert one["gap"] == pytest.approx(0.14)
    assert one["plm_gap"] == pytest.approx(0.2)
    assert (one["scale"], one["temperature"]) == (2.0, 1.0)
    assert one["ece"] == pytest.approx(0.14)
    assert one["accuracy"] == 0.5
    assert one["floor"] == pytest.approx(0.015)
    assert one["gap_spread"] == pytest.approx(np.std([-0.01, 0.01], ddof=1))
    assert one["ece_spread"] == 0
    assert dial.groupby(["pair", "set", "method"])["scale"].apply(lambda s: s.is_monotonic_increasing).all()
    labels = dial[dial["setting"] == "labels"]
    assert labels["scale"].tolist() == pytest.approx([1.15, 1.15])
    assert len(dial) == 2 * (3 * (1 + len(GAP)) + 1)


def test_the_last_layer_alone_is_kept_apart(found, dial):
    last = plots.prepare_dial(found, "last")
    assert set(last["method"]) == {"plm", "dual-align"}
    ours = last[last["method"] == "dual-align"]
    assert ours["gap"].tolist() == pytest.approx([0.05] * 6)
    assert ours["plm_gap"].tolist() == pytest.approx([*PLM_GAP.values()] * 2)
    assert (dial[dial["method"] == "dual-align"]["temperature"] != 3.0).all()
    with pytest.raises(ValueError, match=r"no setting of the dial for layers='last'; give the experiment 'premise'"):
        plots.prepare_dial(found[~found["reading"].str.contains("last")], "last")


def test_inherited_shares_by_name(found):
    shares = plots.prepare_inherited(found).set_index(["pair", "set", "method"])
    assert len(shares) == 4
    one = shares.loc[("dpo", "mmlu", "daca")]
    assert one[["value", "low", "high", "least", "most"]].tolist() == pytest.approx([0.8, 0.7, 0.9, 0.75, 0.85])


def test_last_crossing_by_hand():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert last_crossing(x, np.array([1.0, 1.0, -1.0, -2.0])) == 1.5
    assert last_crossing(x, np.array([-1.0, 3.0, -1.0, -2.0])) == 1.75  # an earlier lead does not count
    assert last_crossing(x, np.array([-1.0, -1.0, -1.0, -2.0])) == -np.inf
    assert np.isnan(last_crossing(x, np.array([-1.0, -1.0, -1.0, 0.0])))
    assert last_crossing(x, np.array([0.0, 0.0, 0.0, -2.0])) == 2.0


def test_crossings_by_hand(found):
    crossings = plots.prepare_crossings(found)
    assert len(crossings) == 4
    daca, dual = (crossings[crossings["rival"] == r].iloc[0] for r in ("daca", "dual-align"))
    assert daca["crossing"] == pytest.approx(0.2 * 0.08 / 0.20)  # 0.08 at a gap of 0, -0.12 at 0.2
    assert daca["opposite"] == pytest.approx(0.2 * 0.12 / 0.28)  # the gaps sum to -0.12 and 0.16
    assert dual["crossing"] == pytest.approx(0.2 * 0.10 / 0.26)
    # six tests: .001 and .004 hold (.006, .020), .02 does not (.08), nor .03
    assert (daca["better"], daca["worse"], daca["settings"]) == (1, 1, 3)
    assert (dual["better"], dual["worse"]) == (0, 0)
    loose = plots.prepare_crossings(found, 0.5)
    assert loose[["better", "worse"]].to_numpy().tolist() == [[1, 2]] * 4


def test_what_is_left_after_repair_is_corrected_by_pair_and_set(found):
    left = plots.prepare_repaired(found)
    assert len(left) == 4
    assert left["holm"].tolist() == pytest.approx([0.04] * 4)
    assert left[["value", "low", "high"]].to_numpy().tolist() == [[0.02, 0.01, 0.03]] * 4
    with pytest.raises(ValueError, match="no difference of these methods; give the experiment 'premise'"):
        plots.prepare_repaired(found, "1")


def test_natural_gaps_by_hand():
    def row(method, seed, metric, value, reading=""):
        where = {"pair": "dpo", "set": "mmlu", "method": method, "reading": reading}
        return where | {"seed": seed, "metric": metric, "value": value}

    every = {"plm": (0.5, 0.4), "daca": (0.7, 0.4)}
    main = [row("plm", -1, "confidence", 0.9), row("daca", -1, "ece_minus", 0.9, "vanilla")]
    for seed in (0, 1):
        for method, (confidence, accuracy) in every.items():
            main.append(row(method, seed, "confidence", confidence + seed / 10))
            main.append(row(method, seed, "accuracy", accuracy + seed / 10))
    gaps = plots.prepare_natural_gaps(pd.DataFrame(main))
    assert gaps[["pair", "set", "method"]].to_numpy().tolist() == [["dpo", "mmlu", "daca"]]
    assert gaps[["plm_gap", "gap"]].to_numpy() == pytest.approx(np.array([[0.1, 0.3]]))


# -- Figures -------------------------------------------------------------------------------------------------------


def drawn(ax):
    """Lines with a label, as points."""
    return {c.get_label(): c.lines[0].get_xydata() for c in ax.containers}


def test_the_dial_draws_temperatures_and_gaps(dial):
    here = dial[dial["pair"] == "sft4"]
    given = Figure().subplots(1, 2)
    axes = plots.plot_dial(here, ["daca", "vanilla"], 1.1, given)
    assert list(axes) == list(given)
    rows = here[here["method"] == "daca"]
    np.testing.assert_allclose(drawn(axes[0])["daca"], rows[["scale", "temperature"]])
    np.testing.assert_allclose(drawn(axes[1])["daca"], rows[["plm_gap", "gap"]])
    assert drawn(axes[1]).keys() == {"daca", "vanilla"}
    diagonal = next(line for line in axes[1].lines if line.get_label() == "all inherited")
    np.testing.assert_allclose(diagonal.get_xydata(), [[-0.2, -0.2], [0.2, 0.2]])
    assert any(list(line.get_xdata()) == [1.1, 1.1] for line in axes[0].lines)
    assert (axes[0].get_xscale(), axes[0].get_yscale()) == ("log", "log")
    assert to_hex(axes[1].containers[0].lines[0].get_color()) == style.METHOD["daca"]


def test_an_infinite_temperature_has_no_place(dial):
    here = dial[dial["pair"] == "sft4"].copy()
    here.loc[(here["method"] == "daca") & (here["setting"] == "0.5"), "temperature"] = np.inf
    axes = plots.plot_dial(here, ["daca"], 1.0)
    assert np.isnan(drawn(axes[0])["daca"][0, 1])
    axes[0].figure.draw_without_rendering()


def test_errors_stand_beside_floor_spread_and_the_plm_as_it_comes(dial):
    both = pd.concat([dial[dial["pair"] == "sft4"], dial[dial["pair"] == "dpo"]])
    axes = plots.plot_dial_errors(both, ["align-all", "daca"])
    assert [ax.get_title(loc="left") for ax in axes.flat] == ["arc-easy", "mmlu"]
    rows = dial[(dial["pair"] == "sft4") & (dial["method"] == "daca")]
    np.testing.assert_allclose(drawn(axes.flat[0])["daca"], rows[["plm_gap", "ece"]])
    floor = next(line for line in axes.flat[0].lines if line.get_label() == "noise floor")
    np.testing.assert_allclose(floor.get_ydata(), 0.015)
    assert any(np.allclose(line.get_xdata(), 0.0) and line.get_linestyle() == ":" for line in axes.flat[0].lines)
    assert axes.flat[0].figure.legends  # above, as no panel is left over
    others = [both[both["set"] == "mmlu"].assign(set=name) for name in ("piqa", "csqa")]
    axes = plots.plot_dial_errors(pd.concat([both, *others]), ["align-all", "daca"])
    assert axes.flat[4].get_legend() is not None  # in the panel that is left over


def test_inherited_shares_are_drawn_where_they_are(found):
    axes = plots.plot_inherited(plots.prepare_inherited(found), ["align-all", "daca"], ["arc-easy", "mmlu"])
    assert [label.get_text() for label in axes.flat[0].get_yticklabels()] == ["dpo", "sft4"]
    points = {line.get_label(): line for line in axes.flat[0].lines if line.get_label() in SHARE}
    for method, share in SHARE.items():
        assert points[method].get_xdata().tolist() == pytest.approx([share])
        assert abs(points[method].get_ydata()[0] - 1) < 0.5  # the row of sft4
    ((low, high),) = [s[:, 0] for s in axes.flat[0].collections[0].get_segments()]
    assert (low, high) == pytest.approx((0.5, 0.7))
    assert points["align-all"].get_marker() != points["daca"].get_marker()


def test_natural_gaps_mark_what_is_marked():
    gaps = pd.DataFrame({"pair": ["a", "b"], "set": "mmlu", "method": "daca", "plm_gap": [0.1, 0.3], "gap": [0.2, 0.0]})
    axes = plots.plot_natural_gaps(gaps, ["daca"], marked=["b"])
    by = {line.get_marker(): line.get_xydata().tolist() for line in axes.flat[0].lines}
    assert by["o"] == [[0.1, 0.2]]
    assert by["^"] == [[0.3, 0.0]]
    np.testing.assert_allclose(axes.flat[0].lines[0].get_xydata(), [[0.1, 0.1], [0.3, 0.3]])
