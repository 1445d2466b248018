"""The notebook runner: what reruns and why, a failure that keeps the last good copy, torch out of reach."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
import run_notebooks

PARAMETERS = ("n = 2", ["parameters"])


def write(path, *cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for number, (source, tags) in enumerate(cells):
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}, id=f"cell-{number}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "dualalign/a.py": "A = 1",
        "data/t.bin": "x",
        "data/README.md": "r",
        "requirements.lock": "l",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(root, *arguments):
    return run_notebooks.main(["--root", str(root), *arguments])


def test_runs_once_then_says_what_changed(root, capsys):
    write(root / "notebooks/01_a.ipynb", PARAMETERS, ("print(n * 21)", []))
    assert run(root) == 0
    copy = root / "book/notebooks/01_a.ipynb"
    first = copy.read_bytes()
    assert "42" in first.decode()
    assert run(root) == 0
    (root / "data/README.md").write_text("prose is no input")
    assert run(root) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == ["01_a: runs (no executed copy yet)", "01_a: unchanged", "01_a: unchanged"]
    (root / "dualalign/a.py").write_text("A = 2")
    assert run(root) == 0
    assert "01_a: runs (dualalign/a.py changed)" in capsys.readouterr().out
    (root / "dualalign/a.py").write_text("A = 1")
    assert run(root) == 0
    assert copy.read_bytes() == first, "two runs of the same inputs must give the same bytes"


def test_failure_keeps_the_good_copy_and_torch_is_out_of_reach(root, capsys):
    copy = root / "book/notebooks/01_a.ipynb"
    write(copy, ("print('good')", []))
    good = copy.read_bytes()
    write(root / "notebooks/01_a.ipynb", ("import torch", []))
    assert run(root) == 1
    assert "blocked: this page must run without it" in capsys.readouterr().err
    assert copy.read_bytes() == good
    assert [p.name for p in copy.parent.iterdir()] == ["01_a.ipynb"]


def test_unknown_parameter_is_one_line_and_runs_nothing(root, capsys):
    write(root / "notebooks/01_a.ipynb", PARAMETERS)
    assert run(root, "-p", "m", "3") == 2
    assert capsys.readouterr().err == "-p m: no notebook has this parameter; known: n\n"
    assert not (root / "book").exists()


def test_unknown_name_is_refused(root, capsys):
    write(root / "notebooks/01_a.ipynb", PARAMETERS)
    assert run(root, "02_b") == 2
    assert capsys.readouterr().err == "02_b: no such notebook; known: 01_a\n"


def test_a_live_copy_serves_a_plain_build_but_not_the_reverse(root):
    source = root / "notebooks/05_live.ipynb"
    write(source, ("live = False", ["parameters"]))
    live, plain = {"live": True}, {}
    assert run_notebooks.parameters_for(source, {}, live=True) == (live, [live])
    assert run_notebooks.parameters_for(source, {}, live=False) == (plain, [plain, live])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "no executed copy yet"),
        ({"parameters": {"n": 3}, "inputs": {"a": "1"}}, "parameters were {'n': 3}"),
        ({"parameters": {}, "inputs": {"a": "0", "gone": "2"}}, "a changed and 1 more"),
        ({"parameters": {}, "inputs": {"a": "1"}}, ""),
    ],
)
def test_reasons(record, reason):
    assert run_notebooks.why_rerun(record, {"a": "1"}, [{}]) == reason


def test_an_alt_text_without_its_value_fails_the_page_by_name(root, capsys):
    source = root / "notebooks/01_a.ipynb"
    write(source, ("from IPython.display import display", []))
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[0].metadata["mystnb"] = {"image": {"alt": "{ece:.2f}"}}
    nbformat.write(notebook, source)
    assert run(root) == 1
    assert "01_a, cell 1, alt: nothing is glued as 'ece'" in capsys.readouterr().err
    assert not (root / "book/notebooks/01_a.ipynb").exists()
