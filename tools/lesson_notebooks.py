"""From a lesson: the solution notebook, an nbgrader source, and the exercise notebook, as nbgrader releases it.

Each exercise becomes a cell to write in, with the solution between nbgrader's marks, and a locked cell that calls the
checker and asserts. A released notebook is the source without what stands between the marks.
"""

from __future__ import annotations

import copy
import hashlib
import re
import textwrap
from collections import Counter

import first_cell
import nbformat
from lesson import LABEL, Exercise, Lesson, checked_expression, tags
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from plain_markdown import for_notebook, plain

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "# ^ yours"  # what course/solutions/nbgrader_config.py puts in the place of a solution
LEVELS = {1: "recall", 2: "apply", 3: "derive or design"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
FOLDER = re.compile(r"^folder = .*$", re.M)
ME = re.compile(r"^me = .*\n?", re.M)
STUDENT = 'me = ""  # your name or number between the quotes: it draws your data'
INSTALL = """# Where the project is missing (Colab, this file alone): fetch it and install it.
import subprocess
import sys
from importlib import invalidate_caches, util
from pathlib import Path

if util.find_spec("dualalign") is None:
    home = Path("dualalign-book").resolve()
    home.is_dir() or subprocess.run(["git", "clone", "--quiet", "--depth=1", "ADDRESS", home], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", home], check=True)
    invalidate_caches()"""
REGION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}$", re.S | re.M)


def source_notebook(lesson: Lesson, registry: dict, address: str) -> nbformat.NotebookNode:
    """Return the solution notebook of a lesson, with nbgrader's metadata.

    Parameters
    ----------
    lesson : Lesson
    registry : dict of str to dualalign.course.Exercise
    address : str
        Of the repository.
    """
    inside = {i: e for e in lesson.exercises for i in range(e.solution[0] - 1, e.last + 1)}
    cells = []
    for place, cell in enumerate(lesson.cells):
        exercise = inside.get(place)
        if exercise and place == exercise.last:
            cells += exercise_cells(lesson, exercise, registry[exercise.name].level)
        elif not exercise and not tags(cell) & {"guide", "slide-only"}:
            cells += _cell(cell, registry, address)
    for cell, name in zip(cells, _names(cells), strict=True):
        cell.id = name
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def _cell(cell, registry: dict, address: str) -> list:
    """Return what becomes of a cell outside the solutions."""
    if cell.cell_type == "markdown":
        return [new_markdown_cell(plain(cell.source, for_notebook, lambda match: heading(match, registry)))]
    if cell.source.startswith(first_cell.FIRST_LINE):
        return [new_code_cell(INSTALL.replace("ADDRESS", address))]
    if "parameters" in tags(cell):
        return parameter_cells(cell.source)
    return [new_code_cell(cell.source)]


def heading(match: re.Match, registry: dict) -> str:
    """Return an exercise's statement under a heading with its minutes."""
    name = LABEL.search(match["body"])[1]
    about = registry[name]
    body = re.sub(r"^:[\w-]+:[^\n]*\n", "", match["body"], flags=re.M).strip()
    title = match["title"].strip() or about.title
    return f"### Exercise: {title} ({about.minutes} min, {LEVELS[about.level]})\n\n{plain(body, for_notebook)}"


def parameter_cells(source: str) -> list:
    """Return the parameters for a notebook that may run anywhere, and a cell for the student's name."""
    rest = ME.sub("", source).strip()
    rest = FOLDER.sub("folder = course.traces_folder()", rest)
    name = f'{STUDENT}\n{BEGIN}\nme = "reader"\n{END}'
    return [new_code_cell(rest), new_code_cell(name, metadata=_nbgrader("student", solution=True))]


def exercise_cells(lesson: Lesson, exercise: Exercise, points: int) -> list:
    """Return the cell of the answer and the locked cell of the check."""
    name = exercise.name
    answer = f"answer = ...  # your code here, as many lines as you need\n{BEGIN}\n{solution(lesson, exercise)}\n{END}"
    test = f"verdict = course.task({name!r}, me).check(answer)\nassert verdict, verdict".replace("'", '"')
    graded = _nbgrader(f"{name}-test", grade=True, locked=True, points=points)
    return [
        new_code_cell(f"{answer}\ntask.check(answer)", metadata=_nbgrader(f"{name}-answer", solution=True)),
        # the tag lets "run all" go on past an exercise that is not solved yet
        new_code_cell(test, metadata={"tags": ["raises-exception"], **graded}),
    ]


def solution(lesson: Lesson, exercise: Exercise) -> str:
    """Return the code of a solution, its prose as comments, with the answer under its name."""
    parts = []
    code = [i for i in exercise.solution if lesson.cells[i].cell_type == "code"]
    for place in exercise.solution:
        source = lesson.cells[place].source
        if place == code[-1]:
            before, expression = checked_expression(source, exercise.name)
            parts += [before] if before else []
            parts += [] if expression == "answer" else [f"answer = {expression}"]
        else:
            parts.append(source if place in code else commented(source))
    return "\n".join(parts)


def commented(text: str) -> str:
    """Return Markdown as comment lines."""
    paragraphs = plain(text, for_notebook).split("\n\n")
    width = {"width": 100, "initial_indent": "# ", "subsequent_indent": "# "}
    return "\n#\n".join(textwrap.fill(p, break_long_words=False, break_on_hyphens=False, **width) for p in paragraphs)


def _nbgrader(name: str, grade: bool = False, locked: bool = False, solution: bool = False, points: int = 0) -> dict:
    points_of = {"points": points} if grade else {}
    kind = {"grade": grade, "grade_id": name, "locked": locked, "solution": solution, "task": False}
    return {"nbgrader": {"cell_type": "code", **kind, **points_of, "schema_version": 3}}


def _names(cells: list) -> list[str]:
    """Return ids that follow from what the cells hold, so that a changed cell changes its own id alone."""
    seen: Counter = Counter()
    names = []
    for cell in cells:
        graded = cell.metadata.get("nbgrader", {}).get("grade_id")
        name = graded or "c" + hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names


def released(source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook that students get: what nbgrader's generate_assignment does, without its checksums."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        kind = cell.metadata.get("nbgrader", {})
        if kind.get("solution"):
            cell.source = REGION.sub(rf"\1{STUB}", cell.source)
            cell.metadata["deletable"] = False
        elif kind.get("locked"):
            cell.metadata |= {"deletable": False, "editable": False}
    return notebook
