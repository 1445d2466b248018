"""The course: exercises whose data differ from student to student, checkers that name the misconception, quizzes.

A student's session::

    from dualalign import course

    task = course.task("halve", student="ada")   # the data of this student
    task.check(answer)                            # right, or a hint; offline

Everything is computed: there is no file of answers, and no label of an evaluation question.
"""

from __future__ import annotations

from dualalign.course.answers import Choice, Compare, Function, Number, Numbers
from dualalign.course.audit import faults
from dualalign.course.exercise import Exercise, Task, Verdict, Wrong
from dualalign.course.place import traces_folder
from dualalign.course.quiz import Item, Option, Quiz
from dualalign.course.registry import check, exercises, quiz, quizzes, task

__all__ = [
    "Choice",
    "Compare",
    "Exercise",
    "Function",
    "Item",
    "Number",
    "Numbers",
    "Option",
    "Quiz",
    "Task",
    "Verdict",
    "Wrong",
    "check",
    "exercises",
    "faults",
    "quiz",
    "quizzes",
    "task",
    "traces_folder",
]
