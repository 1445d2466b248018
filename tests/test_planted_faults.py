"""Every planted fault still fits the files, names a check that exists, and was caught when all were tried last."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

pytest.importorskip("docutils")
import book_planted
import plant_faults
from no_network import python_path

ROOT = Path(__file__).resolve().parent.parent
FAULTS = plant_faults.read_faults()
MADE = {"book/index.md": "tests/planted/page.md"}  # what a preparation puts into the copy


@pytest.fixture
def stored():
    return json.loads((ROOT / plant_faults.RESULTS).read_text(encoding="utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_still_fits(fault):
    content = (ROOT / MADE.get(fault.file, fault.file)).read_bytes()
    assert plant_faults.planted(fault, content) != content
    path, _, test = shlex.split(fault.check)[0].partition("::")
    assert (ROOT / path).is_file()
    assert not fault.is_test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")
    assert fault.is_test or fault.says
    assert fault.needs in plant_faults.PREPARE


def test_the_list_is_as_asked_for():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20


def test_the_recorded_results_are_those_of_the_list_and_all_were_caught(stored):
    """`make faults WRITE=1` after a change of the list."""
    assert [(row["name"], row["digest"]) for row in stored["faults"]] == [(f.name, f.digest) for f in FAULTS]
    assert [row["name"] for row in stored["faults"] if not row["caught"]] == []


def test_the_page_has_a_row_a_fault_and_says_what_got_through(stored):
    text = "\n".join(book_planted.lines(FAULTS, stored))
    assert f"**{len(FAULTS)} of {len(FAULTS)} faults were caught**" in text
    assert all(len(re.split(r"(?<!\\)\|", line)) == 5 for line in text.splitlines() if line.startswith("|"))
    assert book_planted.said("FAILED tests/test_a.py::test_b - AssertionError: assert 2 == 1") == "assert 2 == 1"
    assert book_planted.said("FAILED tests/test_a.py::test_b - assert False") == book_planted.said("") == ""
    assert book_planted.check(FAULTS[0]).endswith(" (`test_calibrators_losses.py`)")
    missed = {**stored, "faults": [row | {"caught": False, "message": ""} for row in stored["faults"]]}
    assert book_planted.lines(FAULTS, missed)[0].startswith(f"**0 of {len(FAULTS)}")


@pytest.fixture
def copy(tmp_path, monkeypatch):
    real = plant_faults.environment
    monkeypatch.setattr(plant_faults, "environment", lambda at: real(at) | {"PYTHONPATH": python_path(at)})
    (tmp_path / "tests").mkdir()
    (tmp_path / "a.py").write_text("A = 1\n")
    (tmp_path / "tests/test_a.py").write_text("def test_a():\n    from a import A\n    assert A == 1\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for command in (["init", "-q"], ["add", "-A"]):
        plant_faults.subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def fault(**changed):
    plain = {"name": "x", "part": "p", "what": "w", "file": "a.py", "check": "tests/test_a.py::test_a", "old": "1"}
    return plant_faults.Fault(**plain | changed)


@pytest.mark.parametrize(
    ("new", "caught"),
    [("2", "FAILED tests/test_a.py::test_a - assert 2 == 1"), ("1  # the same", ""), ("b", "")],
)
def test_only_a_check_that_fails_for_the_fault_has_caught_it(copy, new, caught):
    outcome = plant_faults.try_fault(fault(new=new), copy, set())
    assert (outcome.caught, outcome.message) == (bool(caught), caught)
    plant_faults.restore(copy)
    assert (copy / "a.py").read_text() == "A = 1\n"


def test_a_check_that_fails_without_the_fault_proves_nothing(copy):
    (copy / "a.py").write_text("A = 3\n")
    plant_faults.subprocess.run(["git", "add", "-A"], cwd=copy, check=True)
    with pytest.raises(ValueError, match="does not pass without the fault"):
        plant_faults.try_fault(fault(new="2", old="3"), copy, set())


@pytest.mark.parametrize("old", ["", "2", "a"])
def test_a_fault_that_does_not_apply_exactly_once_is_named(old):
    with pytest.raises(ValueError, match=r"^x: its text stands \d+ times in a\.py"):
        plant_faults.planted(fault(old=old), b"a = 1\na = 3")


def test_a_fault_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        plant_faults.planted(fault(new="("), b"a = 1")


def test_a_bit_is_turned_from_either_end():
    assert plant_faults.planted(fault(flip=-1), b"ab") == b"ac"
    assert plant_faults.planted(fault(flip=0), b"ab") == b"`b"
