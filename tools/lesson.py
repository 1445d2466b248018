"""A lesson of the course as its source has it: what each cell is for, its exercises, and what is missing.

course/NN_topic.py is the only source; reader page, slides, guide, exercise and solution notebooks are made from it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jupytext

FEWEST_EXERCISES = 5
SLIDES = (12, 20)  # of a lesson, with its title and its goals
FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{exercise\} *(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.S | re.M)
LABEL = re.compile(r"^:label: +ex-(\S+)\n", re.M)
TASK = re.compile(r"course\.task\(\s*[\"'](?:ex-)?([\w-]+)[\"']")
GATE = re.compile(r"\A`{3,}\{solution-(start|end)\}([^\n]*)\n(?::[^\n]*\n)*`{3,}\s*\Z")
QUIZ = re.compile(r"course\.quiz\(\s*[\"']([\w-]+)[\"']")
HEADING = re.compile(r"^#{1,6} +(.+)$", re.M)
GUIDE = ("Minutes", "Board plan", "Common misconceptions", "Discussion", "If time is short")
DISCUSSION = 4


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson and where its solution stands: indices of the lesson's cells."""

    name: str
    title: str
    solution: tuple[int, ...]  # cells between the two gates
    last: int  # the closing gate


@dataclass(frozen=True)
class Lesson:
    """The cells of a lesson; everything else is read from them."""

    stem: str
    cells: list

    @property
    def number(self) -> int:
        return int(self.stem.split("_")[0])

    @property
    def title(self) -> str:
        """Return the title without "Lesson N:"."""
        return re.sub(r"^Lesson \d+: *", "", _first(HEADING, self.cells[0].source))

    @property
    def opening(self) -> str:
        """Return what stands between the title and the box."""
        return _first(re.compile(r"\A#[^\n]*\n(.*?)(?=^\||\Z)", re.S | re.M), self.cells[0].source).strip()

    @property
    def minutes(self) -> int:
        return int(_first(re.compile(r"^\| \*\*Time\*\* *\|[^|]*?(\d+) minutes", re.M), self.cells[0].source) or 0)

    @property
    def goals(self) -> list[str]:
        """Return the bullets after "You will be able to"."""
        after = self.cells[0].source.partition("**You will be able to**")[2]
        bullets = re.findall(r"^[-*] +(.+(?:\n[ \t]+\S.*)*)", after, re.M)
        return [re.sub(r"\s+", " ", bullet) for bullet in bullets]

    def with_tag(self, *wanted: str) -> list:
        return [cell for cell in self.cells if tags(cell) & set(wanted)]

    @cached_property
    def guide(self) -> str:
        return "\n\n".join(cell.source for cell in self.with_tag("guide"))

    @cached_property
    def exercises(self) -> list[Exercise]:
        """Return the exercises in order; ValueError names what one lacks."""
        found = [(place, match) for place, cell in enumerate(self.cells) for match in _statements(cell)]
        return [_exercise(self.cells, place, match) for place, match in found]


def _first(pattern: re.Pattern, text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""


def _statements(cell) -> list[re.Match]:
    return list(FENCE.finditer(cell.source)) if cell.cell_type == "markdown" else []


def _exercise(cells: list, place: int, match: re.Match) -> Exercise:
    """Find an exercise's task, gates and solution behind its statement."""
    name = _first(LABEL, match["body"])
    if not name:
        raise ValueError(f"cell {place + 1}: an exercise without ':label: ex-NAME'")
    gates = [(i, g) for i in range(place, len(cells)) if (g := GATE.match(cells[i].source))]
    if len(gates) < 2 or [g[1] for _, g in gates[:2]] != ["start", "end"] or gates[0][1][2].strip() != f"ex-{name}":
        raise ValueError(f"exercise {name}: no {{solution-start}} ex-{name} and {{solution-end}}, each alone in a cell")
    (start, _), (end, _) = gates[:2]
    if not any(name in TASK.findall(cell.source) for cell in cells[place:start]):
        raise ValueError(f"exercise {name}: no cell calls course.task({name!r}, me) before the solution")
    solution = tuple(range(start + 1, end))
    code = [i for i in solution if cells[i].cell_type == "code"]
    if not code or not all("solution" in tags(cells[i]) for i in solution):
        raise ValueError(f"exercise {name}: its solution needs a code cell, and the tag 'solution' on every cell")
    checked_expression(cells[code[-1]].source, name)
    return Exercise(name, match["title"].strip() or name, solution, end)


def checked_expression(source: str, name: str) -> tuple[str, str]:
    """Split a solution's last cell into what comes before ``task.check(...)`` and the expression that it checks."""
    last = ast.parse(source).body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "task.check" and len(call.args) == 1):
        raise ValueError(f"exercise {name}: its solution does not end with task.check(answer)")
    before = "\n".join(source.splitlines()[: last.lineno - 1]).rstrip()
    return before, ast.get_source_segment(source, call.args[0])


def read(path: Path) -> Lesson:
    return Lesson(path.stem, jupytext.read(path).cells)


def lessons(root: Path) -> list[Path]:
    """Return the sources of the lessons in order."""
    return sorted((root / "course").glob("[0-9][0-9]_*.py"))


def faults(lesson: Lesson, known: dict) -> list[str]:
    """Say what a lesson lacks; `known` holds the registered exercises by name."""
    found = [*_head_faults(lesson), *_guide_faults(lesson), *_slide_faults(lesson)]
    try:
        names = [exercise.name for exercise in lesson.exercises]
    except ValueError as error:
        return [*found, str(error)]
    found += [f"exercise {name}: no checker in dualalign.course" for name in names if name not in known]
    if len(names) < FEWEST_EXERCISES:
        found.append(f"{len(names)} exercises, at least {FEWEST_EXERCISES}")
    if not any(QUIZ.search(cell.source) for cell in lesson.cells if cell.cell_type == "code"):
        found.append('no quiz: a cell course.quiz("lN")')
    return found


def _head_faults(lesson: Lesson) -> list[str]:
    found = []
    if not lesson.cells[0].source.startswith(f"# Lesson {lesson.number}: "):
        found.append(f"the title is not '# Lesson {lesson.number}: …'")
    if not lesson.minutes:
        found.append("no row '| **Time** | N minutes |'")
    if len(lesson.goals) < 2:
        found.append("'**You will be able to**' is followed by fewer than 2 bullets")
    parameters = "\n".join(cell.source for cell in lesson.with_tag("parameters"))
    lacking = [n for n in ("folder", "me") if not re.search(rf"^{n} = ", parameters, re.M)]
    return found + [f"the parameters cell sets no {name!r}" for name in lacking]


def _guide_faults(lesson: Lesson) -> list[str]:
    sections = {_first(HEADING, part): part for part in re.split(r"(?=^## )", lesson.guide, flags=re.M)}
    found = [f"the guide has no section '## {name}'" for name in GUIDE if name not in sections]
    questions = re.findall(r"^(?:[-*]|\d+\.) ", sections.get("Discussion", ""), re.M)
    if "Discussion" in sections and len(questions) < DISCUSSION:
        found.append(f"the guide discusses {len(questions)} questions, at least {DISCUSSION}")
    return found


def _slide_faults(lesson: Lesson) -> list[str]:
    shown = [(n, c) for n, c in enumerate(lesson.cells, start=1) if tags(c) & {"slide", "slide-only"}]
    texts = [(n, c) for n, c in shown if c.cell_type == "markdown"]
    found = [f"cell {n}: a slide without a title" for n, c in texts if not (HEADING.search(c.source) or _statements(c))]
    if shown and shown[0][1].cell_type == "code":
        found.append(f"cell {shown[0][0]}: a figure before the first slide")
    if not SLIDES[0] <= len(texts) + 2 <= SLIDES[1]:  # the title and the goals are slides of their own
        found.append(f"{len(texts) + 2} slides with title and goals, {SLIDES[0]} to {SLIDES[1]} are right")
    return found
