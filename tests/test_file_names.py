"""A file may be called anything: its name is never run, never an option, never markup, never moves the cursor."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import make_traces
from no_network import python_path

from dualalign.cli import app

ROOT = Path(__file__).resolve().parent.parent
RUNS = "touch ran"
NAMES = {
    "spaces": "a trace  of mine",
    "quotes": 'it\'s "mine"',
    "command": f"$({RUNS})",
    "backticks": f"`{RUNS}`",
    "pipeline": f"x;{RUNS};x|{RUNS}&{RUNS}",
    "newline": f"a\n{RUNS}\n",
    "dash": "-o",
    "option": "--out=ran",
    "glob": "*",
    "home": "~",
    "percent": "%s{0}{x}$HOME",
    "markup": "<script>ran()<\\script><img src=x onerror=ran()>",
    "rich markup": "[red]x[link=x]",
    "escape": "\x1b[2J\x1b]0;ran\x07",
    "direction": "a\u202egnp.\u2066",
    "not text": b"\xff\xfe".decode("utf-8", "surrogateescape"),
}


@pytest.fixture(params=NAMES.values(), ids=NAMES.keys())
def name(request, tmp_path, monkeypatch):
    """A trace under this name, alone in the folder that the commands run in."""
    monkeypatch.chdir(tmp_path)
    make_traces(30, 4, 4).save(tmp_path / "t.safetensors")
    os.rename("t.safetensors", f"{request.param}.safetensors")
    return request.param


CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def run(capsys, *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        app(list(words))
    out, err = capsys.readouterr()
    assert ended.value.code == code, err
    assert not CONTROL.search(out + err)
    return err if code else out


def only(*expected: str) -> None:
    """The folder holds these files and nothing that a name made."""
    assert sorted(os.listdir()) == sorted(expected)


def test_a_name_is_a_name(name, capsys):
    trace, module = f"{name}.safetensors", f"{name}.py"
    given = ["--", trace] if name.startswith("-") else [trace]
    assert json.loads(run(capsys, "fit", "--json", *given))["n"] == 30
    shown = run(capsys, "info", *given)
    assert not re.fullmatch(r"[!-~]+", name) or name in shown
    run(capsys, "export", f"--out=./{module}", *given)
    only(trace, module)
    compile(Path(module).read_text(encoding="utf-8"), "module", "exec")


@pytest.mark.parametrize("name", [NAMES[key] for key in ("quotes", "markup", "escape", "not text")], indirect=True)
def test_a_page_shows_the_name_as_text(name, capsys):
    page = f"{name}.html"
    run(capsys, "report", f"--out=./{page}", f"./{name}.safetensors")
    only(f"{name}.safetensors", page)
    html = Path(page).read_text(encoding="utf-8")
    assert "<img src=x" not in html
    assert "ran()</script>" not in html
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert [script for script in scripts if "ran" in script.split()] == []


def test_a_file_that_is_not_there_is_one_line(name, capsys):
    said = run(capsys, "fit", f"./{name}.none", code=2)
    assert said.startswith("dualalign: ")
    assert said.count("\n") == 1
    only(f"{name}.safetensors")


def test_the_process_itself_takes_the_name_too(tmp_path):
    """Once through a real command line, with the name that a shell would run."""
    trace = tmp_path / f"{NAMES['command']}.safetensors"
    make_traces(30, 4, 4).save(trace)
    command = [sys.executable, "-m", "dualalign", "fit", "--json", trace.name]
    environment = os.environ | {"PYTHONPATH": python_path(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == [trace.name]
