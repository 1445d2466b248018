"""`dualalign import`: from files to a trace that the other commands take."""

from __future__ import annotations

import json

import numpy as np
import pytest
from imports_kit import DATA, lm_eval_rows, write_helm, write_jsonl
from typer.testing import CliRunner

import dualalign as da
from dualalign.cli import app
from dualalign.traces import imports

LM_EVAL = ("--plm", DATA / "lm_eval/base", "--polm", DATA / "lm_eval/chat")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output + result.stderr
    if code:
        assert result.stdout == ""
        assert result.stderr.startswith("dualalign: ")
        assert result.stderr.count("\n") == 1
    return result.stderr if code else result.stdout


def test_a_run_of_the_harness_goes_all_the_way(tmp_path):
    out = tmp_path / "t.safetensors"
    assert (
        run("import", "lm-eval", *LM_EVAL, "--out", out)
        == f"{out}: 4 questions, the last layer only, tiny/base and tiny/chat\n"
    )
    traces = da.Traces.load(out)
    assert np.array_equal(traces.polm_final, imports.from_lm_eval(*LM_EVAL[1::2]).polm_final)
    rows = {row["method"]: row for row in json.loads(run("fit", out, "--method", "all", "--json"))}
    assert rows["temperature-scaling"]["temperature"] == da.TemperatureScaling().fit(traces).temperature_
    assert "tiny/chat" in run("info", out)
    assert "the last layer only" in run("diagnose", out, "--draws", 20)
    run("report", out, "--out", tmp_path / "r.html")
    run("export", out, "--method", "temperature-scaling", "--out", tmp_path / "t.json")
    assert "sum of log-probabilities" in json.loads((tmp_path / "t.json").read_text())["note"]


def test_helm_arrays_and_logprobs_have_their_options(tmp_path):
    out = tmp_path / "t.safetensors"
    helm = [write_helm(tmp_path, model) for model in ("base", "chat")]
    run("import", "helm", "--plm", helm[0], "--polm", helm[1], "--score", "pmi", "--plm-name", "g", "--out", out)
    assert da.Traces.load(out).metadata["plm"] == "g"
    logits = np.random.default_rng(0).normal(size=(3, 2, 9)).astype(np.float32)
    np.save(tmp_path / "a.npy", logits)
    np.save(tmp_path / "ids.npy", np.array([1, 5]))
    both = ("--plm", tmp_path / "a.npy", "--polm", tmp_path / "a.npy")
    said = run("import", "arrays", *both, "--option-ids", tmp_path / "ids.npy", "--out", out, "--dtype", "float16")
    assert "3 questions, 2 layers, a.npy and a.npy" in said
    np.testing.assert_allclose(da.Traces.load(out).plm_logits, logits[:, :, [1, 5]], atol=2e-3)
    rows = [
        {"id": i, "options": ["A", "B"], "logprobs": [{"A": -1, "B": -2, "C": -3} if i else {"A": -1}]}
        for i in range(3)
    ]
    file = write_jsonl(tmp_path / "x.jsonl", rows)
    said = run("import", "logprobs", "--plm", file, "--polm", file, "--missing", "drop", "--out", out)
    assert said.endswith("; left out: 1 questions: an option not among the top tokens\n")
    said = run("import", "logprobs", "--plm", file, "--polm", file, "--missing", "bound", "--out", out)
    assert "1 options of 1 questions (pre-trained), 1 options of 1 questions (post-trained) have an upper bound" in said


def test_the_help_names_every_format():
    words = run("import", "--help")
    for name in imports.FORMATS:
        assert f"{name}:" in words
    assert "import" in run("--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pickle", *LM_EVAL), "FORMAT is 'pickle'; allowed are lm-eval, helm, logprobs, arrays"),
        (("lm-eval", *LM_EVAL, "--match", "exact"), "--match has no effect on lm-eval; leave it out"),
        (("arrays", *LM_EVAL, "--prompts", "any"), "--prompts has no effect on arrays"),
        (("lm-eval", *LM_EVAL, "--score", "mean"), "--score is 'mean'"),
        (("lm-eval", *LM_EVAL, "--dtype", "int8"), "dtype is 'int8'"),
        (("lm-eval", *LM_EVAL[:2]), "Missing option '--polm'; see dualalign import --help"),
        (("lm-eval", "--plm", "absent", "--polm", "absent"), "absent: does not exist; give a samples_*.jsonl"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(arguments, message, tmp_path):
    assert message in run("import", *arguments, "--out", tmp_path / "t.safetensors", code=2)
    assert list(tmp_path.iterdir()) == []


def test_what_is_read_is_never_overwritten(tmp_path):
    file = write_jsonl(tmp_path / "x.jsonl", lm_eval_rows("base"))
    before = file.read_bytes()
    assert "is also read here" in run("import", "lm-eval", "--plm", file, "--polm", file, "--out", file, code=2)
    assert file.read_bytes() == before
