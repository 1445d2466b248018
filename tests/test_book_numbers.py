"""Numbers are compared build to build, and what a rerun costs is measured and shown."""

from __future__ import annotations

import json

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
import book_costs
import check_numbers
import costs
from test_book_glued import record


def executed(root, values, **parameters):
    for folder in ("notebooks", "book/notebooks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        cells = [nbformat.v4.new_code_cell("", outputs=[record(k, repr(v)) for k, v in values.items()], id="a")]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"dualalign_run": {"parameters": parameters}})
        nbformat.write(notebook, root / folder / "01_a.ipynb")


def compare(root, *arguments):
    return check_numbers.main(["--root", str(root), *arguments])


def test_numbers_are_written_and_then_agree(tmp_path, capsys):
    executed(tmp_path, {"ece": 0.25, "who": "sft4", "t": float("inf"), "n": 3})
    assert compare(tmp_path) == 1
    assert compare(tmp_path, "--write") == 0
    assert compare(tmp_path) == 0
    assert "numbers: 4 of 1 notebooks, as recorded" in capsys.readouterr().out
    stored = json.loads((tmp_path / "book/numbers.json").read_text())
    exact = {"n": 3, "t": "inf", "who": "sft4"}
    expected = {key: {"value": value, "tolerance": 0} for key, value in exact.items()}
    assert stored == {"notebooks/01_a": {"ece": {"value": 0.25, "tolerance": 1e-6}, **expected}}


def test_a_wider_tolerance_stays_with_its_reason(tmp_path):
    executed(tmp_path, {"ece": 0.25, "t": 2.0})
    compare(tmp_path, "--write")
    path = tmp_path / "book/numbers.json"
    stored = json.loads(path.read_text())
    stored["notebooks/01_a"]["ece"] |= {"tolerance": 0.1, "reason": "a flat minimum"}
    path.write_text(json.dumps(stored))
    executed(tmp_path, {"ece": 0.26, "t": 2.0})
    assert compare(tmp_path) == 0
    assert compare(tmp_path, "--write") == 0
    stored = json.loads(path.read_text())["notebooks/01_a"]
    assert stored["ece"] == {"value": 0.26, "tolerance": 0.1, "reason": "a flat minimum"}
    executed(tmp_path, {"ece": 0.26, "t": 2.1})
    assert compare(tmp_path) == 1


def test_a_count_must_be_equal(tmp_path):
    executed(tmp_path, {"n": 10_000_000})
    compare(tmp_path, "--write")
    executed(tmp_path, {"n": 10_000_001})
    assert compare(tmp_path) == 1


def test_each_number_of_the_book_has_a_tolerance_and_a_wider_one_its_reason():
    stored = check_numbers.recorded(check_numbers.ROOT)
    entries = {(name, key): entry for name, values in stored.items() for key, entry in values.items()}
    assert len(entries) > 1000
    for place, entry in entries.items():
        widest = check_numbers.entry(entry["value"], None)["tolerance"]
        assert 0 <= entry["tolerance"] <= widest or entry["reason"].strip(), place


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"ece": 0.2500001, "who": "a"}, "notebooks/01_a: ece was 0.25, is 0.2500001"),
        ({"ece": 0.75, "who": "a"}, "notebooks/01_a: ece was 0.25, is 0.75 (2.0e+00 of its size)"),
        ({"ece": 0.25, "who": "b"}, "notebooks/01_a: who was 'a', is 'b' (another word)"),
        ({"ece": 0.25}, "notebooks/01_a: who is gone (it was 'a')"),
        ({"ece": 0.25, "who": "a", "n": 2}, "notebooks/01_a: n is new (2)"),
    ],
)
def test_each_change_is_named(tmp_path, capsys, monkeypatch, values, line):
    monkeypatch.setattr(check_numbers, "TOLERANCE", 1e-9)
    executed(tmp_path, {"ece": 0.25, "who": "a"})
    compare(tmp_path, "--write")
    executed(tmp_path, values)
    capsys.readouterr()
    assert compare(tmp_path) == 1
    assert line in capsys.readouterr().out


def test_a_report_forgives_what_another_processor_does(tmp_path, capsys):
    executed(tmp_path, {"ece": 0.25, "p": 0.002, "n": 3, "who": "a"})
    compare(tmp_path, "--write")
    executed(tmp_path, {"ece": 0.2524, "p": 0.003, "n": 4, "who": "b"})  # last digits, a resample, ties that turned
    assert compare(tmp_path, "--report") == 0
    assert "ece was 0.25, is 0.2524" in capsys.readouterr().out
    executed(tmp_path, {"ece": 0.2526, "p": 0.002, "n": 3, "who": "a"})
    assert compare(tmp_path, "--report") == 1
    executed(tmp_path, {"ece": 0.25, "p": 0.002, "n": 3, "who": "a", "m": 2})
    assert compare(tmp_path, "--report") == 1


def test_rounding_and_live_runs_are_no_change(tmp_path):
    executed(tmp_path, {"ece": 0.25, "zero": 0.0})
    compare(tmp_path, "--write")
    executed(tmp_path, {"ece": 0.25 + 1e-9, "zero": 1e-12})
    assert compare(tmp_path) == 0
    executed(tmp_path, {"ece": 0.75}, live=True)
    assert compare(tmp_path) == 0


def test_a_cost_is_measured_and_said(tmp_path):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cell = nbformat.v4.new_code_cell("held = bytearray(80_000_000); import time; time.sleep(0.4)", id="a")
    (tmp_path / "notebooks").mkdir()
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), tmp_path / "notebooks/01_a.ipynb"
    )
    assert costs.main(["--root", str(tmp_path)]) == 0
    stored = json.loads((tmp_path / "book/costs.json").read_text())
    cost = stored["notebooks"]["notebooks/01_a"]
    assert cost["wall_s"] > 0.4
    assert 100 < cost["memory_mb"] < 400
    assert cost["cpu_s"] > 0
    said = book_costs.line({"wall_s": 3.1, "cpu_s": 2.0, "memory_mb": 261}, {"cores": 2, "python": "3.11.7"})
    assert said == "To rerun: 4 s and 270 MB on two cores (Python 3.11)"
