"""The commands against the module's own calls, through typer's runner."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pairs_kit import calibrated_pair, right_on
from typer.testing import CliRunner

import dualalign as da
from dualalign import checks
from dualalign.cli import app


@pytest.fixture
def path(random_traces, tmp_path):
    random_traces(60, 5, 4, seed=3, padded=True).save(tmp_path / "t.safetensors")
    return str(tmp_path / "t.safetensors")


@pytest.fixture
def unlabelled(path, tmp_path):
    traces = da.Traces.load(path)
    replace(traces, labels=np.full(len(traces), -1)).save(tmp_path / "u.safetensors")
    return str(tmp_path / "u.safetensors")


@pytest.fixture
def rotated(random_traces, tmp_path):
    """One question in the four rotations of its options."""
    order = (np.arange(4) + np.arange(4)[:, None]) % 4
    asked = replace(random_traces(4, 5, 4), question_ids=("q",) * 4, groups=(), labels=np.full(4, -1), order=order)
    asked.save(tmp_path / "rotated.safetensors")
    return str(tmp_path / "rotated.safetensors")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output + result.stderr
    if code:
        assert result.stdout == ""
        assert result.stderr.startswith("dualalign: ")
        assert result.stderr.count("\n") == 1
        return result.stderr
    assert result.stderr == ""
    return result.stdout


def test_fit_json_is_the_five_facts_of_the_fit(path):
    printed = json.loads(run("fit", path, "--method", "dual-align", "--json"))
    fitted = da.DualAlign().fit(da.Traces.load(path))
    assert list(printed) == ["method", "temperature", "objective", "n", "reason"]
    assert printed["method"] == "dual-align"
    assert printed["temperature"] == fitted.temperature_
    assert printed["objective"] == fitted.objective_
    assert printed["n"] == 60
    assert printed["reason"] == fitted.reason_


@pytest.mark.parametrize(
    ("option", "value", "reading"),
    [
        ("--aggregate", "entropy-mean", {"aggregate": "entropy-mean"}),
        ("--tempered", "last", {"tempered": "last"}),
        ("--weight", "tv", {"weight": "tv"}),
        ("--weight", "0.25", {"weight": 0.25}),
        ("--process", "per-layer", {"process": "per-layer"}),
        ("--kl", "polm-first", {"kl": "polm-first"}),
        ("--peak", "max-divergence", {"peak": "max-divergence"}),
        ("--base", "2", {"base": "2"}),
    ],
)
def test_every_open_reading_is_an_option(path, option, value, reading):
    printed = json.loads(run("fit", path, option, value, "--json"))
    fitted = da.DualAlign(**reading).fit(da.Traces.load(path))
    assert printed["objective"] == pytest.approx(fitted.objective_, rel=1e-12)
    assert printed["objective"] != da.DualAlign().fit(da.Traces.load(path)).objective_


def test_fit_all_methods_gives_a_row_each(path, unlabelled, rotated):
    plain = json.loads(run("fit", path, "--method", "all", "--json"))
    assert [row["method"] for row in plain] == [name for name, method in da.METHODS.items() if not method.needs]
    extra = ("--content-free", unlabelled, "--permuted", rotated)
    rows = json.loads(run("fit", path, "--method", "all", *extra, "--json"))
    assert [row["method"] for row in rows] == list(da.METHODS)
    given = {"content_free": da.Traces.load(unlabelled), "permuted": da.Traces.load(rotated)}
    for row in rows:
        method = da.METHODS[row["method"]]
        options = {name: value for name, value in given.items() if name in method.__dataclass_fields__}
        fitted = method(**options).fit(da.Traces.load(path))
        assert (row["temperature"], row["n"], row["reason"]) == (fitted.temperature_, fitted.n_fit_, fitted.reason_)


def test_fit_all_without_labels_says_so_in_the_row(unlabelled):
    rows = {row["method"]: row for row in json.loads(run("fit", unlabelled, "--method", "all", "--json"))}
    assert rows["temperature-scaling"]["temperature"] is None
    assert "labels" in rows["temperature-scaling"]["reason"]
    assert rows["dual-align"]["temperature"] > 0


def test_fit_without_a_finite_optimum_prints_null(random_traces, tmp_path):
    traces = random_traces(20, 4, 3)
    flat = replace(traces, plm_logits=np.zeros_like(traces.plm_logits))
    flat.save(tmp_path / "flat.safetensors")
    printed = json.loads(run("fit", tmp_path / "flat.safetensors", "--method", "align-all", "--json"))
    assert printed["temperature"] is None
    assert "no finite optimum" in printed["reason"]
    assert "no finite optimum" in " ".join(run("fit", tmp_path / "flat.safetensors", "--method", "align-all").split())


def test_fit_table_and_several_methods(path):
    words = run("fit", path, "--method", "daca", "--method", "temperature-scaling")
    for name in ("daca", "temperature-scaling"):
        assert f"{da.METHODS[name]().fit(da.Traces.load(path)).temperature_:.3f}" in words
    assert len(json.loads(run("fit", path, "--method", "daca", "--method", "vanilla", "--json"))) == 2


def test_fit_joins_several_files(path, tmp_path):
    traces = da.Traces.load(path)
    for name, part in (("a", slice(0, 25)), ("b", slice(25, 60))):
        traces.select(part).save(tmp_path / f"{name}.safetensors")
    joined = run("fit", tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--json")
    assert json.loads(joined)["objective"] == pytest.approx(da.DualAlign().fit(traces).objective_, rel=1e-12)


def test_diagnose_json_equals_drift_and_metrics(path):
    found = json.loads(run("diagnose", path, "--json", "--draws", 50))
    traces = da.Traces.load(path)
    agree, divergence = da.drift.agreement(traces), da.drift.layer_divergence(traces)
    assert found["agreement"] == agree.mean()
    layers = da.drift.peak_layer(traces)
    for name, rows in (("confidence-drift", agree), ("process-drift", ~agree)):
        part = found[name]
        assert part["n"] == rows.sum()
        assert part["layer_divergence"] == pytest.approx(divergence[rows].mean(0), abs=1e-12)
        assert part["final_divergence"] == pytest.approx(divergence[rows, -1].mean(), abs=1e-12)
        assert part["peak_layer"] == np.median(layers[rows])
        jumps = [divergence[i, layers[i] - 1] - divergence[i, layers[i] - 2] for i in np.flatnonzero(rows)]
        assert part["peak_jump"] == pytest.approx(np.mean(jumps), abs=1e-12)
        entropy = da.drift.stability_entropy(traces.polm_logits, layers)[rows].mean()
        assert part["ise_polm"] == pytest.approx(entropy, abs=1e-12)
    proba = np.exp(da.drift.log_softmax_options(traces.polm_final))
    expected = da.metrics.summary(proba, traces.labels, draws=50)
    assert found["polm"].pop("ece_interval") == pytest.approx(expected.pop("ece_interval"))
    assert found["polm"] == pytest.approx(expected)


def test_diagnose_without_labels_leaves_accuracy_out(unlabelled):
    found = json.loads(run("diagnose", unlabelled, "--json"))
    assert set(found["plm"]) == {"n", "confidence"}
    words = run("diagnose", unlabelled)
    assert "accuracy" not in words
    assert "mean confidence" in words


def test_diagnose_where_both_models_always_agree(path, tmp_path):
    traces = da.Traces.load(path)
    replace(traces, plm_logits=traces.polm_logits).save(tmp_path / "same.safetensors")
    found = json.loads(run("diagnose", tmp_path / "same.safetensors", "--json"))
    assert found["agreement"] == 1.0
    assert found["confidence-drift"]["final_divergence"] == 0.0
    assert found["process-drift"]["n"] == 0
    assert found["process-drift"]["peak_layer"] is None
    assert "nan" not in run("diagnose", tmp_path / "same.safetensors")


def test_diagnose_table_puts_floor_and_interval_beside_the_ece(path):
    words = run("diagnose", path, "--draws", 50)
    found = json.loads(run("diagnose", path, "--draws", 50, "--json"))
    for model in ("plm", "polm"):
        for key in ("accuracy", "confidence", "ece", "ece_floor"):
            assert f"{found[model][key]:.3f}" in words
        assert "{:.3f} to {:.3f}".format(*found[model]["ece_interval"]) in words


def test_diagnose_lists_what_was_checked_and_its_state(path):
    found = json.loads(run("diagnose", path, "--json", "--seed", 3, "--aggregate", "sum-entropy"))["warnings"]
    fitted = da.DualAlign(aggregate="sum-entropy").fit(da.Traces.load(path))
    expected = checks.examine(da.Traces.load(path), fitted, 3)
    assert found == [{"name": c.name, "found": c.found, "state": c.state} for c in expected]
    assert {c["state"] for c in found} > {"ok"}  # random logits: something is wrong with them


def test_diagnose_says_in_words_whether_to_trust_it(tmp_path):
    for traces, title in ((calibrated_pair(), "no warning"), (right_on(calibrated_pair(), 0.42), "do not trust it")):
        traces.save(tmp_path / "p.safetensors")
        words = run("diagnose", tmp_path / "p.safetensors", "--draws", 20)
        assert f"Dual-Align here: {title}" in words
        said = [check for check in checks.examine(traces) if check.state == "fail"]
        assert words.count("FAILS") == len(said)
        assert all(check.fault in " ".join(words.split()) for check in said)


def test_diagnose_where_dual_align_cannot_be_fitted(path, tmp_path):
    da.Traces.load(path).select([0]).save(tmp_path / "one.safetensors")
    (only,) = json.loads(run("diagnose", tmp_path / "one.safetensors", "--json"))["warnings"]
    assert (only["name"], only["state"]) == ("fit", "fail")
    assert "needs at least 2" in only["found"]


def test_diagnose_of_models_of_different_depth(random_traces, tmp_path):
    random_traces(30, (8, 5), 4).save(tmp_path / "d.safetensors")
    found = json.loads(run("diagnose", tmp_path / "d.safetensors", "--json"))
    assert found["layers"] == 5
    assert len(found["process-drift"]["layer_divergence"]) == 5


def test_info_tells_sizes_and_metadata(path):
    found = json.loads(run("info", path, "--json"))
    assert found["valid"] is True
    assert found["plm_logits"] == [60, 5, 4]
    assert found["options"] == [2, 4]
    assert found["groups"] == 3
    assert found["metadata"]["plm"] == "random-base"
    words = run("info", path)
    for text in ("60 x 5 x 4", "2 to 4", "random-chat", "letters"):
        assert text in words


def test_export_json_names_its_source(path, tmp_path):
    said = run("export", path, "--out", tmp_path / "t.json", "--method", "daca")
    written = json.loads((tmp_path / "t.json").read_text())
    assert written["temperature"] == da.DACA().fit(da.Traces.load(path)).temperature_
    assert (written["plm"], written["polm"], written["prompt"]) == ("random-base", "random-chat", "letters")
    assert f"{written['temperature']:.6g}" in said
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".tmp"] == []


def test_export_generation_config_keeps_what_was_there(path, tmp_path):
    out = tmp_path / "generation_config.json"
    out.write_text('{"eos_token_id": [1, 106], "temperature": 1.0, "top_p": 0.95}')
    run("export", path, "--out", out, "--format", "generation-config")
    written = json.loads(out.read_text())
    temperature = da.DualAlign().fit(da.Traces.load(path)).temperature_
    assert "fitted by dual-align on 60 questions" in written.pop("_dualalign")
    assert written == {"eos_token_id": [1, 106], "top_p": 0.95, "do_sample": True, "temperature": temperature}


@pytest.mark.models
def test_transformers_reads_the_exported_generation_config(path, tmp_path):
    transformers = pytest.importorskip("transformers")
    run("export", path, "--out", tmp_path / "generation_config.json", "--format", "generation-config")
    config = transformers.GenerationConfig.from_pretrained(tmp_path)
    assert config.temperature == da.DualAlign().fit(da.Traces.load(path)).temperature_
    assert config.do_sample is True


def test_export_of_no_temperature_writes_nothing(path, tmp_path, random_traces):
    traces = random_traces(20, 4, 3)
    replace(traces, plm_logits=np.zeros_like(traces.plm_logits)).save(tmp_path / "flat.safetensors")
    flat, out = tmp_path / "flat.safetensors", tmp_path / "t.json"
    assert "nothing to export" in run("export", flat, "--out", out, "--method", "align-all", code=2)
    for method in ("basecal", "batch", "vector-scaling", "matrix-scaling"):
        assert "is not a temperature" in run("export", path, "--out", out, "--method", method, code=2)
    assert not out.exists()


def test_a_failed_export_leaves_the_old_file(path, tmp_path):
    out = tmp_path / "generation_config.json"
    out.write_text("[]")
    assert "not a JSON object" in run("export", path, "--out", out, "--format", "generation-config", code=2)
    assert out.read_text() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "absent.safetensors"], "absent.safetensors: does not exist"),
        (["info", "absent.safetensors"], "absent.safetensors: does not exist"),
        (["diagnose", "absent.safetensors"], "absent.safetensors: does not exist"),
        (["fit", "PATH", "--method", "dual"], "--method is 'dual'; allowed are vanilla, "),
        (["fit", "PATH", "--aggregate", "median"], "--aggregate is 'median'; allowed are 'mean-entropy'"),
        (["fit", "PATH", "--method", "all", "--kl", "both"], "--kl is 'both'; allowed are 'plm-first'"),
        (["fit", "PATH", "--weight", "1.5"], "--weight is 1.5; a fixed weight lies in 0..1"),
        (["fit", "PATH", "--weight", "nan"], "--weight is nan"),
        (["fit", "PATH", "--weight", "half"], "--weight is 'half'; allowed are jsd, tv, hard or a number in 0..1"),
        (["fit", "PATH", "--method", "vanilla", "--peak", "max-rise"], "--peak has no effect on vanilla"),
        (["fit", "PATH", "--method", "contextual"], "content_free holds no traces"),
        (["fit", "PATH", "--method", "pride"], "permuted holds no traces"),
        (["fit", "UNLABELLED", "--method", "temperature-scaling"], "labels are all unknown"),
        (["diagnose", "PATH", "--bins", "0"], "bins is 0"),
        (["diagnose", "PATH", "--level", "2"], "level is 2.0"),
        (["export", "PATH", "--out", "absent/t.json"], "absent/t.json: folder absent does not exist"),
        (["export", "PATH", "--out", "t.json", "--format", "yaml"], "--format is 'yaml'; allowed are json"),
        (["export", "PATH"], "Missing option '--out'; see dualalign export --help"),
        (["fit"], "Missing argument 'TRACES'; see dualalign fit --help"),
        (["fit", "PATH", "--metod", "daca"], "No such option: --metod"),
        (["calibrate"], "No such command 'calibrate'"),
        (["diagnose", "PATH", "--bins", "ten"], "Invalid value for '--bins'"),
    ],
)
def test_errors_are_one_line_and_code_2(arguments, message, path, unlabelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"PATH": path, "UNLABELLED": unlabelled}
    before = sorted(tmp_path.iterdir())
    assert message in run(*(names.get(argument, argument) for argument in arguments), code=2)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"not a tensor", b"\xff" * 64])
def test_a_foreign_file_is_named(content, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(content)
    for command in ("fit", "diagnose", "info"):
        assert "x.safetensors: not a whole safetensors file" in run(command, tmp_path / "x.safetensors", code=2)


def test_a_truncated_trace_is_named(path, tmp_path):
    whole = Path(path).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "cut.safetensors: not a whole safetensors file" in run("fit", tmp_path / "cut.safetensors", code=2)


def test_help_and_version():
    commands = run("--help")
    assert run() == commands
    for name in ("trace", "merge", "diagnose", "fit", "report", "export", "info"):
        assert name in commands
        assert "Usage: dualalign " + name in run(name, "--help")
    assert run("--version") == f"dualalign {da.__version__}\n"


def test_report_writes_one_page(path, tmp_path):
    pytest.importorskip("dualalign.report")
    out = tmp_path / "report.html"
    assert str(out) in run("report", path, "--out", out)
    assert out.read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("out", ["t.safetensors", "./t.safetensors", "linked.safetensors"])
@pytest.mark.parametrize("command", ["report", "export"])
def test_a_trace_is_never_overwritten_by_what_is_made_of_it(command, out, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked.safetensors").symlink_to(path)
    before = Path(path).read_bytes()
    assert "is also read here" in run(command, path, "--out", out, code=2)
    assert Path(path).read_bytes() == before


def test_a_device_is_no_place_for_a_file(path, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for command in ("report", "export"):
        assert "pipe: is no regular file" in run(command, path, "--out", pipe, code=2)
    assert pipe.is_fifo()
    assert "pipe: is no regular file" in run("info", pipe, code=2)


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_full_disk_names_the_file_and_leaves_the_old_one(command, path, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out"
    out.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert f"{out}: cannot be written (No space left on device)" in run(command, path, "--out", out, code=2)
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "t.safetensors"]


def test_a_generation_config_may_begin_with_a_byte_order_mark_but_must_be_json(path, tmp_path):
    out = tmp_path / "generation_config.json"
    out.write_text('\ufeff{"eos_token_id": 1}', encoding="utf-8")
    run("export", path, "--format", "generation-config", "--out", out)
    assert json.loads(out.read_text())["eos_token_id"] == 1
    out.write_text("[" * 100_000)
    assert "not a JSON object" in run("export", path, "--format", "generation-config", "--out", out, code=2)


def test_no_memory_is_one_line_too(path, monkeypatch):
    def huge(*_, **__):
        raise MemoryError("Unable to allocate 7.28 TiB for an array")

    monkeypatch.setattr(da.metrics, "summary", huge)
    assert "Unable to allocate 7.28 TiB" in run("diagnose", path, code=2)


def test_parts_of_a_trace_are_merged(path, tmp_path):
    traces = da.Traces.load(path)
    for i, rows in enumerate((slice(0, 20), slice(20, 60))):
        traces.select(rows).save(tmp_path / f"{i}.safetensors")
    parts = [str(tmp_path / f"{i}.safetensors") for i in (0, 1)]
    done = CliRunner().invoke(app, ["merge", *parts, "--out", str(tmp_path / "whole.safetensors")])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'whole.safetensors'}\n")
    assert (tmp_path / "whole.safetensors").read_bytes() == Path(path).read_bytes()


def test_a_fit_in_blocks_gives_the_same_table(path, tmp_path):
    whole, blocks = (json.loads(run("fit", path, "--method", "all", "--json", *how)) for how in ((), ("--stream",)))
    for one, other in zip(whole, blocks, strict=True):
        assert other["method"] == one["method"]
        if one["method"] in ("contextual", "pride", "cape"):
            continue
        assert other["temperature"] == pytest.approx(one["temperature"], rel=1e-9)
    assert "passes over the file" in run("fit", path, "--stream")
    assert "over the file" not in run("fit", path)
    assert "--stream reads one file" in run("fit", path, path, "--stream", code=2)
    assert "does not exist, or is no file" in run("fit", tmp_path / "none", "--stream", code=2)
