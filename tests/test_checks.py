"""The conditions under which Dual-Align should not be trusted: each on a trace that has this fault and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pairs_kit as kit
import pytest

from dualalign import METHODS, DualAlign, Traces, checks, drift, metrics, plots

SHIPPED = Path(__file__).parent.parent / "data" / "traces"
WITH_LABELS = {"plm-above-chance", "plm-calibrated"}


def found(traces, calibrator=None):
    return {check.name: check for check in checks.examine(traces, calibrator)}


def warned(traces):
    return {name: check.state for name, check in found(traces).items() if check.state in ("care", "fail")}


def test_a_good_pair_has_every_condition_checked_and_none_broken():
    assert {check.state for check in found(kit.calibrated_pair()).values()} == {"ok"}
    assert len(found(kit.calibrated_pair())) == 11


@pytest.mark.parametrize(
    ("name", "state", "traces"),
    [
        ("optimum", "fail", kit.beyond_the_edge()),
        ("agreeing-questions", "fail", kit.calibrated_pair(28, noise=0.02)),
        ("agreeing-questions", "care", kit.calibrated_pair(80, noise=0.02)),
        ("disagreement", "care", kit.calibrated_pair(noise=3.0)),
        ("stability", "care", kit.unstable()),
        ("stability", "fail", kit.unstable(1.5)),
        ("direction", "care", kit.calibrated_pair(sharp=0.3)),
        ("plm-decided", "care", kit.no_labels(kit.calibrated_pair(plm_sharp=0.2))),
        ("plm-decided", "fail", kit.no_labels(kit.calibrated_pair(plm_sharp=0.14, sharp=1.5))),
        ("process-loss", "care", kit.same_but_for_a_little()),
        ("process-loss", "care", kit.two_valleys()),
        ("ties", "care", kit.tied(0.03)),
        ("plm-above-chance", "care", kit.right_on(kit.calibrated_pair(plm_sharp=0.35), 0.33)),
        ("plm-above-chance", "fail", kit.right_on(kit.calibrated_pair(plm_sharp=0.35), 0.29)),
        ("plm-calibrated", "care", kit.right_on(kit.calibrated_pair(), 0.50)),
        ("plm-calibrated", "fail", kit.right_on(kit.calibrated_pair(), 0.40)),
    ],
)
def test_each_fault_gives_its_own_warning_and_no_other(name, state, traces):
    assert warned(traces) == {name: state}


def test_no_finite_optimum_is_a_fault_and_leaves_nothing_to_resample():
    seen = found(kit.impossible())
    assert seen["optimum"].state == "fail"
    assert "no finite optimum" in seen["optimum"].found
    assert {seen[name].state for name in ("stability", "process-loss")} == {"unknown"}


def test_resamples_without_a_finite_optimum_are_counted():
    traces = kit.nearly_impossible()
    infinite = sum(np.isinf(DualAlign().fit(traces.select(rows)).temperature_) for rows in _resamples(len(traces)))
    seen = found(traces)
    assert seen["optimum"].state == "ok"
    assert 0 < infinite < checks.RESAMPLES
    assert seen["stability"].state == "fail"
    assert seen["stability"].found == f"{infinite} of {checks.RESAMPLES} resamples have no finite optimum"


def _resamples(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, n) for _ in range(checks.RESAMPLES)]


def test_two_models_that_agree_no_more_than_blind_guessers():
    traces = kit.calibrated_pair(noise=50.0)
    check = found(traces)["disagreement"]
    assert check.state == "fail"
    assert check.found.startswith(f"they disagree on {1 - drift.agreement(traces).mean():.0%}; ")


def test_a_reading_that_differs_is_a_note_and_decides_nothing():
    base = kit.calibrated_pair()
    mixed = replace(base, metadata=base.metadata | {"dtype": "float32 / bfloat16", "prompt": "choices + cloze"})
    assert found(mixed)["reading"].found == "prompt choices + cloze; dtype float32 / bfloat16"
    deeper = replace(base, plm_logits=np.repeat(base.plm_logits, 2, axis=1))
    assert found(deeper)["reading"].found == "12 and 6 layers, matched by relative depth"
    for traces in (mixed, deeper):
        assert found(traces)["reading"].state == "note"
        assert checks.worst(found(traces).values()) == "ok"


def test_what_takes_labels_is_unknown_without_them_and_all_else_is_the_same():
    for traces in (kit.calibrated_pair(), kit.unstable(), kit.two_valleys()):
        known, unknown = found(traces), found(kit.no_labels(traces))
        assert {name for name, check in unknown.items() if check.state == "unknown"} == WITH_LABELS
        assert all(known[name] == unknown[name] for name in known.keys() - WITH_LABELS)
    few = replace(kit.calibrated_pair(), labels=np.where(np.arange(600) < 29, 0, -1))
    assert found(few)["plm-calibrated"].found == "cannot be known: only 29 questions have a label"


def test_few_labels_must_be_clearly_above_chance():
    base = kit.calibrated_pair()
    best, rows = base.plm_final.argmax(axis=1), np.arange(600)
    few = replace(base, labels=np.where(rows < 15, best, np.where(rows < 40, (best + 1) % 4, -1)))
    assert checks.ABOVE_CHANCE < 15 / 40 - 0.25 < 2 * np.sqrt(0.25 * 0.75 / 40)
    assert found(few)["plm-above-chance"].state == "care"


def test_the_process_check_compares_with_the_confidence_loss_alone():
    traces = kit.calibrated_pair()
    seen = found(traces)["process-loss"].found
    assert seen.startswith(f"without it T would be {METHODS['confidence-only']().fit(traces).temperature_:.3f}; ")
    t, h = DualAlign().fit(traces).temperature_, 0.02
    curves = plots.prepare_objective(traces, temperatures=t * np.exp(h * np.arange(-1, 2))).table
    bends = {name: abs(np.diff(curves[name], 2)[0]) for name in ("confidence", "process")}
    share = bends["process"] / sum(bends.values())
    assert f"it makes {share:.1%} of" in seen
    assert share > checks.FLAT


def test_the_fitted_calibrators_own_options_are_used():
    traces = kit.calibrated_pair(200)
    default, other = found(traces), found(traces, DualAlign(weight=0.1).fit(traces))
    assert default["optimum"] != other["optimum"]
    fits = [DualAlign(weight=0.1).fit(traces.select(rows)).temperature_ for rows in _resamples(200)]
    low, high = np.quantile(fits, [0.025, 0.975])
    assert other["stability"].found.endswith(f"give T from {low:.2f} to {high:.2f}")


def test_ties_are_counted_by_hand_and_half_precision_is_seen():
    traces = kit.tied(0.03)
    rows = [sorted(row)[-1] == sorted(row)[-2] for row in traces.polm_final.tolist()]
    seen = found(traces)["ties"].found
    assert seen == f"0.0% of the PLM's and {np.mean(rows):.1%} of the PoLM's; the logits are in full precision"
    half = replace(traces, **{k: getattr(traces, k).astype(np.float16).astype(np.float32) for k in LOGITS})
    assert found(half)["ties"].found.endswith("in half precision")


LOGITS = ("plm_logits", "polm_logits")


def test_the_numbers_that_labels_allow():
    traces = kit.right_on(kit.calibrated_pair(), 0.45)
    seen = found(traces)
    assert "accuracy 0.450, chance 0.250" in seen["plm-above-chance"].found
    proba = np.exp(drift.log_softmax_options(traces.plm_final))
    error = metrics.ece(*metrics.top_label(proba, traces.labels))
    assert seen["plm-calibrated"].found.startswith(f"ECE {error:.3f} [")


def test_padded_options_are_no_ties(random_traces):
    traces = random_traces(60, 4, 5, padded=True)
    assert found(traces)["ties"].found.startswith("0.0% of the PLM's and 0.0% of")


def test_worst_of_states():
    of = [checks.Check("", "", "", state) for state in ("ok", "note", "unknown", "care", "fail")]
    assert [checks.worst(of[:n]) for n in range(6)] == ["ok", "ok", "ok", "ok", "care", "fail"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("sft4__arc-easy__choices", {}),
        ("smollm2__arc-easy__cloze", {}),
        ("sft4__medmcqa__choices", {"plm-above-chance": "fail", "plm-calibrated": "fail"}),
        ("sft4__arc-easy__letters", {"plm-decided": "fail", "plm-above-chance": "fail"}),
        ("dpo__csqa__choices", {"disagreement": "care", "plm-above-chance": "care", "plm-calibrated": "care"}),
        (
            "smollm2-sft4__piqa__cloze",
            {"stability": "care", "direction": "care", "process-loss": "care"}
            | {"plm-above-chance": "fail", "plm-calibrated": "fail"},
        ),
    ],
)
def test_shipped_pairs(file, expected):
    assert warned(Traces.load(SHIPPED / f"{file}.safetensors")) == expected
