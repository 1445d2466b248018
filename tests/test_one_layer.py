"""Traces that hold the last layer only: what works on them, and what says that it needs the inner layers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pairs_kit import calibrated_pair
from typer.testing import CliRunner

import dualalign as da
from dualalign import checks, drift, one_layer, plots
from dualalign.cli import app
from dualalign.report import judge, side_by_side, write_report

MESSAGE = (
    "needs the inner layers; this trace holds the last layer only: use daca, or trace the pair with dualalign trace"
)
NEED_LAYERS = ("process-only", "dual-align")


def last_only(traces: da.Traces) -> da.Traces:
    return replace(traces, plm_logits=traces.plm_logits[:, -1:], polm_logits=traces.polm_logits[:, -1:])


@pytest.fixture
def path(tmp_path):
    last_only(calibrated_pair(300)).save(tmp_path / "t.safetensors")
    return str(tmp_path / "t.safetensors")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output + result.stderr
    return result.stderr if code else result.stdout


def test_all_methods_but_two_give_what_they_give_on_the_whole_trace(path):
    whole = calibrated_pair(300)
    rows = {row["method"]: row for row in json.loads(run("fit", path, "--method", "all", "--json"))}
    for name, row in rows.items():
        if name in NEED_LAYERS:
            assert row["reason"] == f"{name} {MESSAGE}"
            assert row["temperature"] is None
        else:
            assert row["temperature"] == da.METHODS[name]().fit(whole).temperature_


@pytest.mark.parametrize("command", ["fit", "export"])
@pytest.mark.parametrize("method", NEED_LAYERS)
def test_one_method_alone_says_so_in_one_line(command, method, path, tmp_path):
    out = ("--out", tmp_path / "t.json") if command == "export" else ()
    assert run(command, path, "--method", method, *out, code=2) == f"dualalign: {method} {MESSAGE}\n"


def test_a_reading_that_looks_for_no_jump_is_allowed(path):
    row = json.loads(run("fit", path, "--peak", "max-divergence", "--json"))
    assert row["temperature"] == da.DualAlign(peak="max-divergence").fit(da.Traces.load(path)).temperature_


def test_diagnose_reads_the_last_layer(path):
    traces = da.Traces.load(path)
    found = json.loads(run("diagnose", path, "--json", "--draws", 20))
    agreeing = drift.agreement(traces)
    assert found["confidence-drift"]["final_divergence"] == pytest.approx(
        drift.final_divergence(traces)[agreeing].mean()
    )
    assert found["confidence-drift"]["ise_polm"] == pytest.approx(drift.entropy(traces.polm_final)[agreeing].mean())
    assert "layers" in {check["name"] for check in found["warnings"]}
    words = " ".join(run("diagnose", path, "--draws", 20).split())
    assert "DACA (the trace holds the last layer only) here: no warning" in words


def test_the_verdict_is_dacas_and_says_so():
    traces = last_only(calibrated_pair())
    verdict, t = judge(traces), da.DACA().fit(traces).temperature_
    assert verdict.calibrator.temperature_ == t
    assert verdict.sentence.startswith(f"Use T = {t:.2f} by daca, for the trace holds the last layer only: ")
    assert {check.name: check.state for check in verdict.checks}["layers"] == "note"


def test_with_layers_the_checks_are_those_of_dual_align():
    traces = calibrated_pair(200)
    calibrator = one_layer.default_calibrator(traces).fit(traces)
    assert calibrator.name == "dual-align"
    assert one_layer.examine(traces, calibrator) == checks.examine(traces)


def test_a_resample_without_agreement_is_a_failed_check_and_no_error():
    traces = last_only(calibrated_pair(400))
    agreeing, other = drift.agreement(traces), np.flatnonzero(~drift.agreement(traces))
    few = traces.select([*np.flatnonzero(agreeing)[:1], *other[:5]])
    states = {check.name: check for check in judge(few).checks}
    assert states["stability"].state == "fail"
    assert "cannot be fitted: traces has no question on which the two models agree" in states["stability"].said


def test_the_report_is_written_and_explains(path, tmp_path):
    page = write_report(path, tmp_path / "r.html").read_text()
    assert "where the two models part cannot be seen" in page
    assert page.count(MESSAGE) == len(NEED_LAYERS)
    table, _ = side_by_side(da.Traces.load(path))
    assert set(table[table["note"].str.contains("inner layers")]["method"]) == set(NEED_LAYERS)


def test_peaks_of_one_layer_are_the_final_divergence():
    traces = last_only(calibrated_pair(50))
    peaks = plots.prepare_peaks(traces)
    assert (peaks["layer"] == 1).all()
    np.testing.assert_allclose(peaks["jump"], peaks["final"])
