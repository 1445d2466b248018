"""The course under nbgrader itself: a release, three students, and the scores that the gradebook ends with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from no_network import python_path

pytest.importorskip("nbgrader", reason="nbgrader lives in an environment of its own: make course-test")
import nbformat
from nbgrader.api import Gradebook

pytestmark = pytest.mark.nbgrader
ROOT = Path(__file__).resolve().parent.parent
LESSON = "01_confidence"
BIN = Path(sys.executable).parent  # nbgrader calls alembic by its bare name
NAME = 'me = ""  # your name or number between the quotes: it draws your data'


def nbgrader(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": python_path(ROOT), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def kind(cell):
    return cell.metadata.get("nbgrader", {})


def answers():
    """Return the solution of every exercise: id of its cell -> code."""
    source = nbformat.read(ROOT / "course" / "solutions" / f"{LESSON}.ipynb", as_version=4)
    return {kind(c)["grade_id"]: c.source for c in source.cells if kind(c).get("solution")}


def hand_in(folder, student, name, solved):
    """Put a released notebook into what a student submitted, with some of its exercises solved."""
    notebook = nbformat.read(folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    right = answers()
    for cell in notebook.cells:
        label = kind(cell).get("grade_id", "") if kind(cell).get("solution") else ""
        if label == "student":
            cell.source = f"me = {name!r}"
        elif label in solved:
            cell.source = right[label]
        elif label:
            cell.source = "answer = 12345"
    write(folder, student, notebook)


def write(folder, student, notebook):
    target = folder / "submitted" / student / LESSON / f"{LESSON}.ipynb"
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module", autouse=True)
def path():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(BIN), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course folder in which four students were graded."""
    folder = tmp_path_factory.mktemp("nbgrader") / "calibration"
    (folder / "source" / LESSON).mkdir(parents=True)
    shutil.copyfile(ROOT / "course/solutions/nbgrader_config.py", folder / "nbgrader_config.py")
    shutil.copyfile(ROOT / f"course/solutions/{LESSON}.ipynb", folder / "source" / LESSON / f"{LESSON}.ipynb")
    nbgrader(folder, "generate_assignment", LESSON, "--create")
    labels = [label for label in answers() if label != "student"]
    hand_in(folder, "solved", "Ada Lovelace", labels)
    hand_in(folder, "half", "bob", labels[::2])
    hand_in(folder, "nameless", "", labels)
    write(folder, "untouched", nbformat.read(folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4))
    nbgrader(folder, "autograde", LESSON, "--create")
    return folder


@pytest.fixture(scope="module")
def scores(graded):
    """Score of every test cell: student -> {id of the cell: (score, points)}."""
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}") as book:
        return {
            submission.student.id: {
                grade.name: (grade.score, grade.max_score) for grade in submission.notebooks[0].grades
            }
            for submission in book.assignment_submissions(LESSON)
        }


def test_release_is_the_exercise_notebook(graded):
    released = nbformat.read(graded / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    ours = nbformat.read(ROOT / "course" / "exercises" / f"{LESSON}.ipynb", as_version=4)

    def essence(cell):
        metadata = {k: v for k, v in cell.metadata.items() if k != "nbgrader"}
        mark = {k: v for k, v in kind(cell).items() if k not in ("checksum", "points")}
        return cell.cell_type, cell.id, cell.source, metadata, mark

    assert [essence(c) for c in released.cells] == [essence(c) for c in ours.cells]
    assert NAME in next(c.source for c in ours.cells if kind(c).get("grade_id") == "student")


def test_points_are_levels(scores):
    from dualalign import course

    levels = {name: exercise.level for name, exercise in course.exercises().items()}
    assert {name.removesuffix("-test"): points for name, (_, points) in scores["solved"].items()} == {
        name.removesuffix("-test"): levels[name.removesuffix("-test")] for name in scores["solved"]
    }


def test_solved_gets_all_untouched_and_nameless_nothing(scores):
    assert len(scores["solved"]) >= 5
    assert all(score == points > 0 for score, points in scores["solved"].values())
    assert [score for score, _ in scores["untouched"].values()] == [0] * len(scores["solved"])
    assert [score for score, _ in scores["nameless"].values()] == [0] * len(scores["solved"])


def test_half_gets_its_half(scores):
    earned = {name: score for name, (score, _) in scores["half"].items()}
    right = {f"{label.removesuffix('-answer')}-test" for label in [x for x in answers() if x != "student"][::2]}
    assert {name for name, score in earned.items() if score > 0} == right


def test_a_nameless_notebook_says_what_is_missing(graded):
    notebook = nbformat.read(graded / "autograded" / "nameless" / LESSON / f"{LESSON}.ipynb", as_version=4)
    errors = [o.evalue for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert errors
    assert "give your name or number" in errors[0]
