"""The command as a process: streams, exit codes, a closed pipe, and what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest


def start(*arguments, module="dualalign", **options):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture
def path(random_traces, tmp_path):
    random_traces(30, 4, 4).save(tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


@pytest.mark.parametrize("module", ["dualalign", "dualalign.cli"])
def test_fit_prints_json_alone(path, module):
    process = start("fit", path, "--json", module=module)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.count("\n") == 1
    assert json.loads(out)["temperature"] > 0


def test_an_error_is_one_line_on_stderr(tmp_path):
    process = start("fit", tmp_path / "absent.safetensors")
    out, err = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert err.startswith("dualalign: ")
    assert err.count("\n") == 1
    assert "absent.safetensors" in err


@pytest.mark.parametrize("arguments", [["fit", "PATH"], ["fit", "PATH", "--json"], ["--help"]])
def test_a_closed_pipe_is_no_error(path, arguments):
    process = start(*(path if argument == "PATH" else argument for argument in arguments))
    process.stdout.close()
    err = process.stderr.read()
    assert (process.wait(), err) == (0, "")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from dualalign.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'scipy', 'pandas', 'matplotlib', 'safetensors'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "diagnose" in process.stdout


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_without_unicode_shows_every_file(random_traces, tmp_path, options):
    traces = replace(random_traces(4), metadata={"plm": "größe 🙂"})
    traces.save(tmp_path / "t.safetensors")
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "dualalign", "info", str(tmp_path / "t.safetensors"), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=ascii_only, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if options:
        assert json.loads(done.stdout)["metadata"]["plm"] == "größe 🙂"
    else:
        assert r"gr\xf6\xdfe" in done.stdout


def test_a_closed_output_is_no_error(random_traces, tmp_path):
    random_traces(4).save(tmp_path / "t.safetensors")
    command = f'"{sys.executable}" -m dualalign fit "{tmp_path}/t.safetensors" --json >&-'
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_one_of_several_processes_says_which_it_is(monkeypatch, capsys):
    from dualalign.cli import app

    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit):
        app(["info", "nowhere"])
    assert capsys.readouterr().err.startswith("dualalign, process 1: nowhere")
