"""The notebook runner: what reruns and why, a failure that keeps the last good copy, torch out of reach."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
import freshness
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


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_new_prose_goes_around_the_old_outputs(root, capsys):
    source, copy = root / "notebooks/01_a.ipynb", root / "book/notebooks/01_a.ipynb"
    write(source, PARAMETERS, ("a = n", ["hide-input"]), ("print(a * 21)", []))
    assert run(root, "-p", "n", "4") == 0

    def prose(notebook):
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# New", id="new"))
        notebook.cells[3].metadata["mystnb"] = {"image": {"alt": "{{new}}"}}

    edit(source, prose)
    assert run(root, "-p", "n", "4") == 0
    spliced = copy.read_bytes()
    assert "01_a: new prose" in capsys.readouterr().out
    assert run(root, "-p", "n", "4", "--force") == 0
    assert copy.read_bytes() == spliced, "prose put in and a whole run must give the same bytes"
    executed = nbformat.read(copy, as_version=4)
    assert [cell.id for cell in executed.cells] == ["new", "cell-0", "injected-parameters", "cell-1", "cell-2"]
    assert executed.cells[4].outputs[0].text == "84\n"
    assert executed.cells[4].metadata["mystnb"]["image"]["alt"] == "{new}"
    assert run(root, "-p", "n", "4") == 0
    assert "01_a: unchanged" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["source", "tags", "order"])
def test_a_change_of_code_is_no_prose(root, capsys, change):
    source = root / "notebooks/01_a.ipynb"
    write(source, PARAMETERS, ("a = 1", []))

    def code(notebook):
        if change == "source":
            notebook.cells[1].source = "a = 2"
        elif change == "tags":
            notebook.cells[1].metadata["tags"] = ["remove-cell"]
        else:
            notebook.cells.reverse()

    assert run(root) == 0
    edit(source, code)
    assert run(root) == 0
    assert "01_a: runs (code of 01_a.ipynb changed)" in capsys.readouterr().out


def test_lessons_run_beside_chapters(root):
    write(root / "course/01_l.ipynb", ("print('lesson')", []))
    (root / "book/course").mkdir(parents=True)
    (root / "book/course/02_gone.ipynb").write_text("{}")
    assert run(root) == 0
    assert [p.name for p in (root / "book/course").iterdir()] == ["01_l.ipynb"]


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
    assert freshness.why_rerun(record, {"a": "1"}, [{}]) == reason


def test_an_alt_text_without_its_value_fails_the_page_by_name(root, capsys):
    source = root / "notebooks/01_a.ipynb"
    write(source, ("from IPython.display import display", []))
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[0].metadata["mystnb"] = {"image": {"alt": "{ece:.2f}"}}
    nbformat.write(notebook, source)
    assert run(root) == 1
    assert "01_a, cell 1, alt: nothing is glued as 'ece'" in capsys.readouterr().err
    assert not (root / "book/notebooks/01_a.ipynb").exists()


def test_pages_at_a_time_change_no_byte_and_one_that_fails_stops_no_other(root, capfd):
    for name in ("01_a", "02_b"):
        write(root / f"notebooks/{name}.ipynb", PARAMETERS, (f"print(n, {name!r})", []))
    assert run(root, "--jobs", "1") == 0
    copies = [root / f"book/notebooks/{name}.ipynb" for name in ("01_a", "02_b")]
    alone = [copy.read_bytes() for copy in copies]
    write(root / "notebooks/03_c.ipynb", ("1 / 0", []))
    assert run(root, "--force", "--jobs", "3") == 1
    assert [copy.read_bytes() for copy in copies] == alone
    assert "03_c: failed" in capfd.readouterr().err


def test_a_stream_that_the_kernel_cut_is_one_again(root):
    cell = "import sys, time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.3)\ndisplay(7)\nprint(3)"
    write(root / "notebooks/01_a.ipynb", (cell, []))
    assert run(root) == 0
    outputs = nbformat.read(root / "book/notebooks/01_a.ipynb", as_version=4).cells[0].outputs
    assert [o.get("text") for o in outputs] == ["0\n1\n2\n", None, "3\n"]
