"""What the experiments compute: no label of a test side enters a fit, and the rows equal what is computed by hand."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from dualalign import DACA, DualAlign, metrics, protocol
from dualalign.calibrators import METHODS
from dualalign.experiments import ablation, factorial, main, size, table, transfer
from dualalign.experiments.unit import MAIN, SETS, Name

NAME = Name(MAIN, "arc-easy", "choices")
SUPERVISED = {"temperature-scaling"}
FAST = {"seeds": [0], "draws": 40}


def informed(traces):
    """Let two answers of three be right, so that labels have a temperature."""
    asked = np.arange(len(traces))
    return replace(traces, labels=(traces.polm_final.argmax(1) + (asked % 3 == 0)) % traces.n_options)


def relabelled(traces, chosen):
    """Move the label of the chosen rows to another option."""
    labels = traces.labels.copy()
    labels[chosen] = (labels[chosen] + 1) % traces.n_options[chosen]
    assert (labels[chosen] != traces.labels[chosen]).all()
    return replace(traces, labels=labels)


def of_main(traces, **options):
    return table.frame(main.rows("", {NAME: traces}, **(FAST | options)))


def of_transfer(traces):
    others = {NAME: traces, Name(MAIN, "piqa", "choices"): traces}
    subjects = transfer.rows("subjects", {NAME: traces}, [0], draws=40)
    return table.frame([*transfer.rows("sets", others, [0]), *subjects])


EXPERIMENTS = {
    "main": (of_main, 0.3),
    "ablation": (lambda traces: table.frame(ablation.rows("", {NAME: traces}, **FAST)), 0.3),
    "size": (lambda traces: table.frame(size.rows("", {NAME: traces}, draws=3)), 0.5),
    "transfer": (of_transfer, 0.3),
}


def temperatures(rows):
    found = rows[rows["metric"].isin(["temperature", "n_fit", "refused"])]
    return found.set_index(["set", "method", "reading", "seed", "n", "metric"])["value"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_label_of_the_test_side_enters_a_fit(name, random_traces):
    of, fraction = EXPERIMENTS[name]
    traces = informed(random_traces(80))
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, fraction, [0])
    before = of(traces)
    after = of(relabelled(traces, test))
    assert len(temperatures(before))
    assert temperatures(before).equals(temperatures(after))
    assert not before.query("metric == 'ece'").equals(after.query("metric == 'ece'"))  # where labels should matter
    refitted = temperatures(of(relabelled(traces, fit)))
    changed = set(refitted.index[refitted != temperatures(before)].get_level_values("method"))
    assert changed == (set() if name == "ablation" else SUPERVISED)


def test_main_equals_the_protocol_and_the_metrics(random_traces):
    traces = random_traces(80, padded=True)
    rows = of_main(traces, seeds=range(2))
    compared = protocol.compare(traces, seeds=range(2)).set_index(["method", "seed"])
    wide = rows[rows["seed"] >= 0].pivot(index=["method", "seed"], columns="metric", values="value")
    assert set(wide.index.get_level_values("method")) == {*protocol.DEFAULT_METHODS, "plm"}
    wanted = "temperature n_fit accuracy confidence ece ece_floor ece_low ece_high ece_p debiased_ece smooth_ece "
    wanted += "adaptive_ece mce brier top_label_brier nll auroc aurc"
    assert {*wanted.split()} == {*wide.columns}
    for metric in wanted.split():
        np.testing.assert_array_equal(wide.loc[compared.index, metric], compared[metric].astype(float), err_msg=metric)
    assert (rows[rows["seed"] >= 0]["n"] == 56).all()
    proba = np.exp(traces.plm_final - np.log(np.exp(traces.plm_final).sum(1, keepdims=True)))
    plm = rows[(rows["method"] == "plm") & (rows["seed"] == -1)].set_index("metric")["value"]
    assert plm["brier"] == pytest.approx(metrics.brier(proba, traces.labels), abs=1e-6)
    pair = rows[(rows["method"] == "") & (rows["seed"] == -1)].set_index("metric")["value"]
    assert pair["agreement"] == (traces.plm_final.argmax(1) == traces.polm_final.argmax(1)).mean()
    assert pair["chance"] == (1 / traces.n_options).mean()


def test_differences_of_main_are_those_of_its_own_scores(random_traces):
    rows = of_main(random_traces(80), seeds=range(3))
    scores = rows[rows["seed"] >= 0].groupby(["method", "metric"])["value"].mean()
    minus = rows[rows["metric"].str.contains("_minus")]
    assert set(minus["reading"]) == set(main.AGAINST)
    assert (minus["method"] == "dual-align").all()
    assert (minus["seed"] == -1).all()
    for (rival, metric), value in minus.set_index(["reading", "metric"])["value"].items():
        quantity, _, part = metric.partition("_minus")
        if not part:
            assert value == pytest.approx(scores["dual-align", quantity] - scores[rival, quantity], abs=1e-12)
    assert not len(minus[(minus["reading"] == "basecal") & ~minus["metric"].str.startswith("ece")])
    parts = minus.assign(part=minus["metric"].str.split("_minus").str[1]).groupby("part")["value"].size()
    assert set(parts.index) == {"", "_low", "_high", "_p"}
    assert parts.nunique() == 1


def test_a_method_that_refuses_leaves_one_row(random_traces):
    traces = random_traces(60)
    opposite = replace(traces, plm_logits=-traces.polm_logits)  # the models never agree
    with pytest.raises(ValueError, match="no question on which the two models agree"):
        DACA().fit(opposite)
    rows = of_main(opposite)
    assert rows[rows["method"] == "daca"][["metric", "value"]].to_numpy().tolist() == [["refused", 1.0]]
    assert "daca" not in set(rows["reading"])
    assert "align-all" in set(rows["reading"])
    assert not (rows[rows["method"] == "dual-align"]["metric"] == "refused").any()


def test_ablation_holds_every_option_of_every_argument():
    found = ablation.readings()
    options = {a: {reading.split("=")[1] for reading in found if reading.startswith(f"{a}=")} for a in ablation.OPTIONS}
    assert options.keys() == {field.name for field in fields(DualAlign)}
    assert options == {
        "aggregate": {"sum-entropy", "entropy-mean"},
        "tempered": {"last"},
        "weight": {"tv", "hard", "0.0", "0.25", "0.5", "0.75", "1.0"},
        "process": {"per-layer"},
        "kl": {"polm-first"},
        "base": {"2"},
        "peak": {"max-rise", "max-divergence"},
    }
    for reading, calibrator in found.items():
        different = [a for a in ablation.OPTIONS if getattr(calibrator, a) != getattr(DualAlign(), a)]
        assert len(different) == (reading != "default")


def test_ablation_equals_fits_by_hand(random_traces):
    traces = random_traces(80)
    rows = table.frame(ablation.rows("", {NAME: traces}, **FAST))
    value = rows.set_index(["reading", "seed", "metric"])["value"]
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.3, [0])
    for reading, options in {
        "default": {},
        "weight=0.25": {"weight": 0.25},
        "kl=polm-first": {"kl": "polm-first"},
    }.items():
        calibrator = DualAlign(**options).fit(traces.select(fit))
        proba, labels = calibrator.predict_proba(traces.select(test)), traces.labels[test]
        assert value[reading, 0, "temperature"] == calibrator.temperature_
        assert value[reading, 0, "nll"] == metrics.nll(proba, labels)
        gap = metrics.nll(proba, labels) - value["default", 0, "nll"]
        if reading != "default":
            assert value[reading, -1, "nll_minus"] == pytest.approx(gap, abs=1e-12)


def test_factorial_holds_every_combination_once():
    found = list(factorial.combinations())
    names = [factorial.reading(options) for options in found]
    assert len(found) == len(set(names)) == (3 + 1) * 2 * 8 * 2 * 2 * 3
    one = "aggregate=mean-entropy tempered=all weight=jsd process=squared-gap kl=plm-first base=e peak=max-jump"
    assert one in names


def test_a_combination_that_is_left_out_changes_nothing(random_traces):
    """Gaps taken layer by layer know no aggregate."""
    fits = {
        DualAlign(process="per-layer", aggregate=a).fit(random_traces(40)).temperature_
        for a in ablation.OPTIONS["aggregate"]
    }
    assert len(fits) == 1


def test_the_factorial_keeps_the_prediction_where_a_temperature_is_infinite(random_traces):
    """A PLM that knows nothing, and a PoLM whose last layer alone is tempered and always right."""
    plain = random_traces(40, k=4)
    flat = replace(plain, plm_logits=plain.plm_logits * 1e-3, labels=plain.polm_final.argmax(1))
    rows = table.frame(factorial.rows("", {NAME: flat}, [0]))
    wide = rows.pivot(index="reading", columns="metric", values="value")
    endless = wide[np.isinf(wide["temperature"])]
    assert len(endless) > 10
    assert endless["ece"].to_numpy() == pytest.approx(1 - 1 / 4)
    assert endless["brier"].to_numpy() == pytest.approx((1 - 1 / 4) ** 2 + 3 / 16, abs=1e-6)


def test_size_draws_from_one_half_and_judges_on_the_other(random_traces):
    traces = random_traces(90)
    rows = table.frame(size.rows("", {NAME: traces}, draws=4))
    assert rows.groupby("n")["seed"].nunique().to_dict() == {10: 4, 20: 4, 45: 1}
    ((_, (half, test)),) = protocol.enumerate_splits(traces, 0.5, [0])
    value = rows.set_index(["method", "n", "seed", "metric"])["value"]
    for method in size.METHODS_COMPARED:
        calibrator = METHODS[method]().fit(traces.select(half))
        assert value[method, 45, 0, "temperature"] == calibrator.temperature_
        brier = metrics.brier(calibrator.predict_proba(traces.select(test)), traces.labels[test])
        assert value[method, 45, 0, "brier"] == pytest.approx(brier, abs=1e-8)  # T = inf: see protocol.answers
    confidence = calibrator.confidence(traces.select(test))
    assert value[method, 45, 0, "ece_floor"] == pytest.approx(metrics.ece_floor(confidence))
    assert set(rows[rows["metric"] == "ece_floor"]["n"]) == {45}
    drawn = [value["align-all", 10, seed, "temperature"] for seed in range(4)]
    assert len(set(drawn)) == 4


def test_transfer_to_the_same_set_is_the_main_comparison(random_traces):
    one, two = random_traces(60), random_traces(50, seed=1, scale=4.0)
    other = Name(MAIN, "piqa", "choices")
    rows = table.frame(transfer.rows("sets", {NAME: one, other: two}, range(2)))
    value = rows.set_index(["set", "reading", "method", "seed", "metric"])["value"]
    compared = protocol.compare(one, transfer.CARRIED, seeds=range(2)).set_index(["method", "seed"])
    for (method, seed), row in compared.iterrows():
        for metric in ("temperature", "ece", "nll", "ece_p"):
            assert value["arc-easy", "from=arc-easy", method, seed, metric] == row[metric]
        carried = value["piqa", "from=arc-easy", method, seed, "temperature"]
        assert carried == row["temperature"]
    assert set(rows["n"]) == {42, 35}


def test_subjects_are_fitted_alone_and_judged_together(random_traces):
    traces = random_traces(90)
    rows = table.frame(transfer.rows("subjects", {NAME: traces}, [0], draws=40))
    value = rows[rows["seed"] == 0].set_index(["method", "reading", "metric"])["value"]
    ((_, (fit, test)),) = protocol.enumerate_splits(traces, 0.3, [0])
    groups, labels = np.asarray(traces.groups), traces.labels[test]
    proba = np.empty((len(test), 4))
    for subject in set(traces.groups):
        calibrator = DualAlign().fit(traces.select(fit[groups[fit] == subject]))
        assert value["dual-align", f"subject={subject}", "temperature"] == calibrator.temperature_
        inside = groups[test] == subject
        proba[inside] = calibrator.predict_proba(traces.select(test[inside]))
    assert value["dual-align", "one-per-subject", "ece"] == pytest.approx(
        metrics.ece(*metrics.top_label(proba, labels))
    )
    by_subject = [
        metrics.ece(*metrics.top_label(proba[m], labels[m])) for m in (groups[test] == s for s in set(groups))
    ]
    assert value["dual-align", "one-per-subject", "subject_ece"] == pytest.approx(np.mean(by_subject))
    floor = metrics.ece_floor(proba.max(axis=1), seed=0)
    assert value["dual-align", "one-per-subject", "ece_floor"] == pytest.approx(floor, rel=0.1)  # in another order
    whole = DualAlign().fit(traces.select(fit))
    assert value["dual-align", "one-for-all", "nll"] == pytest.approx(
        metrics.nll(whole.predict_proba(traces.select(test)), labels)
    )
    minus = rows[(rows["seed"] == -1) & (rows["reading"] == "one-per-subject")].set_index(["method", "metric"])["value"]
    for method in transfer.CARRIED:
        both = (value[method, f"one-{reading}", "ece"] for reading in ("per-subject", "for-all"))
        assert minus[method, "ece_minus"] == pytest.approx(np.subtract(*both), abs=1e-12)
        assert minus[method, "ece_minus_low"] <= minus[method, "ece_minus_high"]
    assert minus["vanilla", "ece_minus_high"] == minus["vanilla", "ece_minus_low"] == 0


def test_a_subject_that_cannot_be_fitted_keeps_its_confidence(random_traces):
    traces = random_traces(60)
    opposite = np.asarray(traces.groups) == "group-0"
    plm = np.where(opposite[:, None, None], -traces.polm_logits, traces.plm_logits)
    rows = table.frame(transfer.rows("subjects", {NAME: replace(traces, plm_logits=plm)}, [0], draws=40))
    value = rows[rows["seed"] == 0].set_index(["method", "reading", "metric"])["value"]
    assert value["daca", "one-per-subject", "refused"] == 1
    assert value["align-all", "one-per-subject", "refused"] == 0
    assert ("daca", "subject=group-0", "temperature") not in value.index
    assert ("daca", "subject=group-1", "temperature") in value.index


def test_which_traces_each_experiment_takes():
    names = [Name(p, s, y, v) for p in (MAIN, "dpo") for s in SETS for y in ("choices", "cloze") for v in ("", "full")]
    names = [n for n in names if n.style == "choices" or (n.pair == MAIN and not n.variant)]
    names.append(Name(MAIN, "nq-open", "p-true"))
    found = {
        e.name: e.units(names) for e in (main.EXPERIMENT, ablation.EXPERIMENT, factorial.EXPERIMENT, size.EXPERIMENT)
    }
    assert {name: len(units) for name, units in found.items()} == {
        "main": 21,
        "ablation": 14,
        "factorial": 7,
        "size": 14,
    }
    assert {n.variant for units in found.values() for (n,) in units.values()} == {""}
    assert {unit: len(read) for unit, read in transfer.units(names).items()} == {"sets": 7, "subjects": 1}
    assert all(str(Name.parse(str(name))) == str(name) for name in names)
    with pytest.raises(ValueError, match="notes: no name of a trace"):
        Name.parse("notes")
