"""The committed notebooks of every lesson: made from it, run without an answer, right with the solution."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("IPython")
pytest.importorskip("papermill")
import matplotlib
from browser_kit import ROOT
from lesson import lessons

import course as course_tool

STEMS = [path.stem for path in lessons(ROOT)]


def read(kind, stem):
    return nbformat.read(ROOT / "course" / kind / f"{stem}.ipynb", as_version=4).cells


def kind(cell):
    return cell.metadata.get("nbgrader", {})


def test_they_are_made_from_the_lessons():
    assert course_tool.main(["--check"]) == 0


@pytest.mark.parametrize("stem", STEMS)
def test_nothing_needs_an_answer_and_every_solution_is_right(stem, monkeypatch):
    """A student's notebook runs on past what is not solved: no later cell leans on a solution."""
    matplotlib.use("agg")
    monkeypatch.chdir(ROOT / "course" / "exercises")
    student, solved, right = {}, {}, 0
    for released, source in zip(read("exercises", stem), read("solutions", stem), strict=True):
        if released.cell_type != "code":
            continue
        if kind(released).get("grade"):
            with pytest.raises(AssertionError, match="There is no answer yet"):
                exec(released.source, student)
            exec(source.source, solved)
            right += 1
        elif kind(released).get("grade_id") == "student":
            student["me"] = "a student"
        else:
            exec(released.source, student)
        if kind(released).get("grade_id", "").endswith("-answer"):
            solved = dict(student)
            exec(source.source, solved)
    matplotlib.pyplot.close("all")
    assert right >= 5
