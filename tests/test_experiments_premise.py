"""The premise dial: what is turned, whose labels decide, and that the rows equal what is computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from dualalign import DACA, AlignAll, DualAlign, TemperatureScaling, drift, metrics, protocol
from dualalign.experiments import main, premise, registry, table
from dualalign.experiments.unit import MAIN, SETS, Name

NAME = Name(MAIN, "arc-easy", "choices")
FAST = {"seeds": [0, 1], "draws": 40, "refits": 6}
GRID = ["0.25", "0.354", "0.5", "0.707", "1", "1.41", "2", "2.83", "4"]


def informed(traces):
    """Let labels lean to either model's answer, so that they have a temperature for both."""
    asked = np.arange(len(traces))
    labels = np.where(asked % 2, traces.polm_final.argmax(1), traces.plm_final.argmax(1)) + (asked % 3 == 0)
    return replace(traces, labels=labels % traces.n_options)


def rows(traces, **options):
    return table.frame(premise.rows("", {NAME: traces}, **(FAST | options)))


@pytest.fixture(scope="module")
def traces(random_traces):
    return informed(random_traces(90, padded=True))


@pytest.fixture(scope="module")
def made(traces):
    return rows(traces)


def value(found):
    return found.set_index(["method", "reading", "seed", "metric"])["value"]


# -- The dial ------------------------------------------------------------------------------------------------------


def test_all_layers_are_multiplied_or_the_last_alone(random_traces):
    traces = random_traces(20, padded=True)
    real = np.isfinite(traces.plm_logits)
    for layers, inner in (("all", 3.0), ("last", 1.0)):
        turned = premise.dialled(traces, 3.0, layers)
        np.testing.assert_array_equal(turned.polm_logits, traces.polm_logits)
        np.testing.assert_allclose(turned.plm_final[real[:, -1]], 3 * traces.plm_final[real[:, -1]], rtol=1e-6)
        np.testing.assert_allclose(
            turned.plm_logits[:, :-1][real[:, :-1]], inner * traces.plm_logits[:, :-1][real[:, :-1]]
        )
        assert (turned.plm_logits[~real] == -np.inf).all()
        np.testing.assert_array_equal(drift.agreement(turned), drift.agreement(traces))


@pytest.mark.parametrize("scale", [0, -1, np.inf, np.nan])
def test_a_scale_that_is_none_is_refused(scale, random_traces):
    with pytest.raises(ValueError, match=r"scale is .*; give a positive, finite number"):
        premise.dialled(random_traces(5), scale)
    with pytest.raises(ValueError, match="layers is 'inner'"):
        premise.dialled(random_traces(5), 1.0, "inner")


def test_the_calibrating_scale_has_the_least_log_loss(traces):
    z, row = traces.plm_final.astype(float), np.arange(len(traces))

    def loss(log_s):
        scaled = np.where(np.isfinite(z), z * np.exp(log_s), -np.inf)
        return -log_softmax(scaled, axis=1)[row, traces.labels].mean()

    best = np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10}).x)
    assert premise.calibrating_scale(traces) == pytest.approx(best, rel=1e-5)
    half = premise.dialled(traces, 0.5)
    assert premise.calibrating_scale(half) == pytest.approx(2 * best, rel=1e-5)


def test_labels_that_speak_against_the_plm_have_no_scale(random_traces):
    traces = random_traces(30)
    wrong = replace(traces, labels=traces.plm_final.argmin(axis=1))
    assert premise.calibrating_scale(wrong) == 0
    assert list(premise.scales(wrong)) == GRID


def test_an_infinitely_sure_plm_makes_align_all_temperature_scaling_on_its_answers(traces):
    sure = premise.dialled(traces, 1e5)
    answers = replace(traces, labels=traces.plm_final.argmax(axis=1))
    expected = TemperatureScaling().fit(answers).temperature_
    assert 0.1 < expected < 50
    assert AlignAll().fit(sure).temperature_ == pytest.approx(expected, rel=1e-6)
    assert DACA().fit(sure).temperature_ == 0.01  # the lower edge: it sees right answers only


# -- Whose labels decide -------------------------------------------------------------------------------------------


def test_no_label_of_the_test_side_enters_a_fit_or_a_scale(traces):
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.3, [0])
    options = {"seeds": [0], "refits": 2}
    fits = {}
    for name, chosen in (("before", []), ("test", test), ("fit", fit[::4])):
        labels = traces.labels.copy()
        labels[chosen] = (labels[chosen] + 1) % traces.n_options[chosen]
        found = rows(replace(traces, labels=labels), **options)
        decided = found["metric"].isin(["temperature", "scale"]) | found["metric"].str.startswith("inherited")
        fits[name] = value(found[decided]), value(found[found["metric"] == "accuracy"])
    (before, right), (after, other) = fits["before"], fits["test"]
    assert before.equals(after)
    assert not right.equals(other)
    common = before.index.intersection(fits["fit"][0].index)
    changed = common[before[common] != fits["fit"][0][common]]
    repaired = changed.get_level_values("reading").str.contains("labels")
    assert repaired.any()
    assert set(changed[~repaired].get_level_values("method")) == {"temperature-scaling"}


# -- The rows ------------------------------------------------------------------------------------------------------


def test_every_setting_has_every_method(made):
    split = made[(made["seed"] >= 0) & (made["metric"] == "ece")]
    by = split.groupby("reading")["method"].agg(set)
    settings = [*GRID, "labels", "labels-agree"]
    everyone = {"plm", *premise.DIALLED, *premise.CONTROLS}
    assert by.to_dict() == {f"s={s}": everyone for s in settings} | {
        f"s={s} layers=last": {"process-only", "dual-align"} for s in settings
    }
    assert set(split["n"]) == {63}
    grid = made[(made["metric"] == "scale") & made["reading"].isin([f"s={s}" for s in GRID])]
    assert sorted(set(grid["value"])) == pytest.approx(2.0 ** (np.arange(-4, 5) / 2), rel=1e-12)


def test_undialled_rows_are_those_of_the_main_comparison(traces, made):
    known = value(table.frame(main.rows("", {NAME: traces}, [0, 1], 40)))
    ours = value(made)
    for method in (*premise.DIALLED, *premise.CONTROLS, "plm"):
        for metric in ("ece", "confidence", "accuracy", *(["temperature"] if method not in ("plm", "basecal") else [])):
            assert ours[method, "s=1", 1, metric] == known[method, "", 1, metric], (method, metric)
    assert ours["daca", "s=1 against=temperature-scaling", -1, "ece_minus"] == pytest.approx(
        known.xs("ece", level="metric")[[("daca", "", s) for s in (0, 1)]].mean()
        - known.xs("ece", level="metric")[[("temperature-scaling", "", s) for s in (0, 1)]].mean()
    )


def test_a_turned_row_equals_a_fit_by_hand(traces, made):
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.3, [1])
    ours = value(made)
    for setting, layers in (("2.83", "all"), ("labels", "all"), ("0.5", "last")):
        reading = f"s={setting}" + (" layers=last" if layers == "last" else "")
        scale = {"2.83": 8**0.5, "0.5": 0.5}.get(setting) or ours["plm", "s=labels", 1, "scale"]
        plm = traces.plm_logits.copy()
        plm[:, 0 if layers == "all" else -1 :] *= np.float32(scale)
        turned = replace(traces, plm_logits=plm)
        fitted = DualAlign().fit(turned.select(fit))
        assert ours["dual-align", reading, 1, "temperature"] == fitted.temperature_
        proba = softmax(traces.polm_final[test].astype(float) / fitted.temperature_, axis=1)
        confidence, right = metrics.top_label(proba, traces.labels[test])
        assert ours["dual-align", reading, 1, "confidence"] == pytest.approx(confidence.mean(), abs=1e-12)
        assert ours["dual-align", reading, 1, "ece"] == pytest.approx(metrics.ece(confidence, right), abs=1e-12)
        assert ours["dual-align", reading, 1, "ece_floor"] == pytest.approx(metrics.ece_floor(confidence), rel=0.1)
    expected = premise.calibrating_scale(traces.select(fit))
    agreeing = traces.select(fit[drift.agreement(traces)[fit]])
    assert ours["plm", "s=labels", 1, "scale"] == expected
    assert ours["plm", "s=labels-agree", 1, "scale"] == premise.calibrating_scale(agreeing)


def test_the_dial_moves_no_control(made):
    controls = made[made["method"].isin(premise.CONTROLS) & (made["seed"] >= 0) & (made["metric"] != "refused")]
    assert (controls.groupby(["method", "seed", "metric"])["value"].nunique() == 1).all()
    ours = value(made)
    for method in premise.CONTROLS:
        assert ours[method, "", -1, "inherited"] == ours[method, "", -1, "inherited_high"] == 0


def test_methods_that_read_the_last_layer_do_not_ask_which_were_multiplied(traces):
    for method in (AlignAll, DACA):
        fits = {method().fit(premise.dialled(traces, 2.0, layers)).temperature_ for layers in premise.LAYERS}
        assert len(fits) == 1


def test_differences_are_those_of_the_rows(made):
    scores = made[(made["seed"] >= 0) & (made["metric"] == "ece")].groupby(["method", "reading"])["value"].mean()
    minus = made[made["metric"] == "ece_minus"]
    for row in minus.itertuples():
        reading, _, rival = row.reading.partition(" against=")
        assert row.value == pytest.approx(scores[row.method, reading] - scores[rival, reading], abs=1e-12)
    rivals = minus["method"] + minus["reading"].str.split(" against=").str[1]
    settings = len(GRID) + 2
    assert (rivals == "align-alldaca").sum() == (rivals == "align-alldual-align").sum() == settings
    assert minus["reading"].str.endswith("temperature-scaling").sum() == 3 * len(premise.DIALLED)


# -- How much is inherited -----------------------------------------------------------------------------------------


def test_inherited_is_the_rise_of_confidence_over_that_of_the_plm(made):
    ours = value(made)
    for method in premise.DIALLED:
        by_split = []
        for seed in (0, 1):
            rise, own = (
                ours[m, "s=2", seed, "confidence"] - ours[m, "s=0.5", seed, "confidence"] for m in (method, "plm")
            )
            by_split.append(rise / own)
        assert ours[method, "", -1, "inherited"] == pytest.approx(np.mean(by_split), abs=1e-9)
        assert ours[method, "", -1, "inherited_least"] == pytest.approx(min(by_split), abs=1e-9)
        assert ours[method, "", -1, "inherited_most"] == pytest.approx(max(by_split), abs=1e-9)


def test_a_sharpened_copy_inherits_everything(random_traces):
    """Its temperature is c / s, so its belief is the PLM's, whatever s."""
    traces = random_traces(60)
    copy = replace(traces, polm_logits=3 * traces.plm_logits)
    found = premise.inherited(copy, [0, 1], 6)
    for method in ("align-all", "daca", "confidence-only", "dual-align", "basecal"):
        assert found[method]["inherited"] == pytest.approx(1, abs=1e-6)
        assert found[method]["inherited_low"] == pytest.approx(1, abs=1e-6)


def test_the_interval_resamples_both_sides_of_a_split(traces):
    """For BaseCal, which fits nothing, by hand."""
    found = premise.inherited(traces, [0, 1], 8)["basecal"]
    splits = [split for _, split in protocol.enumerate_splits(traces, 0.3, [0, 1])]
    answer = traces.polm_final.argmax(axis=1)
    z = traces.plm_final.astype(float)

    def ratio(test):
        p = {s: softmax(z[test] * s, axis=1) for s in (0.5, 2.0)}
        mine, plm = ([q[np.arange(len(test)), answer[test]].mean(), q.max(axis=1).mean()] for q in p.values())
        return (plm[0] - mine[0]) / (plm[1] - mine[1])

    drawn = []
    for draw in range(8):
        rng, (fit, test) = np.random.default_rng(draw), splits[draw % 2]
        rng.choice(fit, len(fit))  # the fit side is drawn first
        drawn.append(ratio(rng.choice(test, len(test))))
    low, high = np.quantile(drawn, [0.025, 0.975])
    centre = np.mean([ratio(test) for _, test in splits])
    assert found["inherited"] == pytest.approx(centre)
    assert (found["inherited_low"], found["inherited_high"]) == pytest.approx((2 * centre - high, 2 * centre - low))
    assert premise.inherited(traces, [0, 1], 8)["basecal"] == found


def test_a_method_that_refuses_leaves_its_refusals_only(random_traces):
    traces = informed(random_traces(60))
    opposite = replace(traces, plm_logits=-traces.polm_logits)  # the models never agree
    found = rows(opposite)
    assert set(found[found["method"] == "daca"]["metric"]) == {"refused"}
    assert not found["reading"].str.contains("against=daca|labels-agree").any()
    assert "inherited" in set(found[found["method"] == "align-all"]["metric"])


def test_which_traces_are_dialled():
    names = [Name(p, s, y) for p in (MAIN, "dpo", "rlvr") for s in SETS for y in ("choices", "cloze")]
    names = [n for n in names if n.style == "choices" or n.pair == MAIN]
    units = registry.get("premise").units(names)
    assert len(units) == 7 + 2 * 3
    assert {n.set for (n,) in units.values() if n.pair != MAIN} == {"arc-easy", "openbookqa", "mmlu"}
