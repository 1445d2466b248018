"""Where exercises and quizzes are found: every module of `lessons` and `chapters` lists its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dualalign.course.exercise import Exercise, Task, Verdict
    from dualalign.course.quiz import Quiz


def _modules() -> Iterator[ModuleType]:
    for room in ("lessons", "chapters"):
        package = import_module(f"dualalign.course.{room}")
        for found in sorted(iter_modules(package.__path__), key=lambda m: m.name):
            yield import_module(f"{package.__name__}.{found.name}")


def _collected(listing: str) -> dict[str, Any]:
    """Collect what the modules list under one name; a name that occurs twice is refused."""
    found: dict[str, Any] = {}
    for module in _modules():
        for thing in getattr(module, listing, ()):
            if thing.name in found:
                raise ValueError(f"{module.__name__}: the name {thing.name!r} is taken")
            found[thing.name] = thing
    return found


@cache
def exercises() -> dict[str, Exercise]:
    """Return every exercise of the course and of the chapters by name."""
    return _collected("EXERCISES")


@cache
def quizzes() -> dict[str, Quiz]:
    """Return every quiz by name."""
    return _collected("QUIZZES")


def quiz(name: str) -> Quiz:
    """Return a quiz; as the last line of a notebook cell it shows itself.

    Raises
    ------
    ValueError
        Where no quiz has this name.
    """
    return _known(quizzes(), name, "quiz")


def task(name: str, student: str) -> Task:
    """Return an exercise with the data of a student: the same name and student give the same data everywhere.

    Parameters
    ----------
    name : str
        As in the book, without the prefix ``ex-``.
    student : str
        A name or number; other names get other data.

    Raises
    ------
    ValueError
        Where no exercise has this name, or the student has none.
    """
    return _known(exercises(), name, "exercise").task(student)


def check(name: str, answer: Any, student: str) -> Verdict:
    """Check an answer: `task` and its `check` in one call."""
    return task(name, student).check(answer)


def _known(found: dict[str, Any], name: str, kind: str) -> Any:
    if name.removeprefix("ex-") not in found:
        raise ValueError(f"{name!r}: no such {kind}; known: {', '.join(found)}")
    return found[name.removeprefix("ex-")]
