"""From a lesson: the guide for whoever teaches it, with what every checker says."""

from __future__ import annotations

from book_course import material_line
from lesson import Lesson
from lesson_notebooks import LEVELS


def guide_page(lesson: Lesson, registry: dict) -> str:
    """Return the instructor guide as Markdown.

    Parameters
    ----------
    lesson : Lesson
    registry : dict of str to dualalign.course.Exercise
    """
    goals = "\n".join(f"- {goal}" for goal in lesson.goals)
    parts = [
        f"# Guide to lesson {lesson.number}: {lesson.title}",
        f"{lesson.minutes} minutes. {material_line(lesson.stem, page=False)}",
        f"## Goals\n\nAt the end, students are able to\n\n{goals}",
        lesson.guide,
        f"## Exercises and what their checkers say\n\n{_summary(lesson, registry)}",
        *(_answers(exercise.title, registry[exercise.name]) for exercise in lesson.exercises),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(lesson: Lesson, registry: dict) -> str:
    rows = [
        f"| {number}. {_cell(exercise.title)} | {about.minutes} | {LEVELS[about.level]} | {about.level} |"
        for number, exercise in enumerate(lesson.exercises, start=1)
        for about in [registry[exercise.name]]
    ]
    minutes = sum(registry[exercise.name].minutes for exercise in lesson.exercises)
    head = "| exercise | minutes | level | points |\n|---|---|---|---|"
    return f"{head}\n" + "\n".join(rows) + f"\n| all | {minutes} | | {_points(lesson, registry)} |"


def _points(lesson: Lesson, registry: dict) -> int:
    return sum(registry[exercise.name].level for exercise in lesson.exercises)


def _answers(title: str, about) -> str:
    rows = "\n".join(f"| {_cell(wrong.misconception)} | {_cell(wrong.hint)} |" for wrong in about.wrong)
    head = "| what the student has in mind | what the checker says |\n|---|---|"
    return f"### {title}\n\n{head}\n{rows}\n| anything else | {_cell(about.hint)} |"


def _cell(text: str) -> str:
    """Return plain text for a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("$", "\\$").replace("*", "\\*").replace("_", "\\_")
