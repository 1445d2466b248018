"""Does every checker do what it promises? The build refuses a fault that `faults` finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualalign.course.exercise import Exercise, Task

STUDENTS = ("reader", "ada", "42", "grace hopper", "zoë", "s-1017", "x", "李雷")
FEWEST = 3  # right forms and documented wrong answers of an exercise


def faults(exercises: Iterable[Exercise], students: Iterable[str] = STUDENTS) -> list[str]:
    """Return a line for every promise that an exercise breaks.

    Each must accept at least three right forms, reject at least three documented wrong answers, each with a hint of
    its own that does not give the answer away, and give other data to other students.
    """
    students = tuple(students)
    return [f"{e.name}: {fault}" for e in exercises for fault in _of(e, students)]


def _of(exercise: Exercise, students: tuple[str, ...]) -> Iterator[str]:
    if len(exercise.right) < FEWEST:
        yield f"{len(exercise.right)} right forms, at least {FEWEST}"
    if len(exercise.wrong) < FEWEST:
        yield f"{len(exercise.wrong)} documented wrong answers, at least {FEWEST}"
    hints = [wrong.hint for wrong in exercise.wrong]
    if len(set(hints)) < len(hints) or not all(len(hint) >= 20 for hint in hints):
        yield "every wrong answer needs a hint of its own"
    try:
        tasks = [exercise.task(student) for student in students]
    except Exception as error:  # whatever stops a student is a fault of the exercise
        yield f"no task: {type(error).__name__}: {error}"
        return
    if len({_print(task.given) for task in tasks}) < len(tasks):
        yield "two students have the same data"
    for task in tasks:
        yield from _of_task(task)


def _of_task(task: Task) -> Iterator[str]:
    exercise, who = task.exercise, task.student
    if not task.check(exercise.solve(task.given)):
        yield f"rejects its own answer ({who})"
    for place, form in enumerate(exercise.right, start=1):
        if not (verdict := task.check(form(task.given))):
            yield f"rejects right form {place} ({who}): {verdict.message}"
    for wrong in exercise.wrong:
        verdict = task.check(wrong.answer(task.given))
        if verdict:
            yield f"accepts the wrong answer {wrong.misconception!r} ({who})"
        elif verdict.message != wrong.hint:
            yield f"gives no hint of its own for {wrong.misconception!r} ({who}): {verdict.message}"


def _print(given: Any) -> str:
    return repr({name: getattr(value, "tolist", lambda v=value: v)() for name, value in vars(given).items()})
