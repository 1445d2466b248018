"""An exercise: data drawn for a student, a reference answer, and the wrong answers that are known by name."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from dualalign.course.answers import Compare

Given = SimpleNamespace
DRAWS = 200  # tries to find data on which every documented wrong answer differs from the right one


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that students are known to give.

    Attributes
    ----------
    misconception : str
        Its name, a few words: "divides the probabilities, not the logits".
    answer : callable
        Given the data, the wrong answer.
    hint : str
        What the student is told: the misconception and where to look, never the answer.
    """

    misconception: str
    answer: Callable[[Given], Any]
    hint: str


@dataclass(frozen=True)
class Exercise:
    """One exercise with its checker.

    Attributes
    ----------
    name : str
        Its label in the book without the prefix ``ex-``.
    title : str
    give : callable
        From a random generator, the student's data as a dict of name to value.
    solve : callable
        From the data (attributes), the reference answer.
    compare : Compare
        What form the answer has.
    right : tuple of callables
        At least three other ways to the answer that must be accepted: another formula, the library, another form.
    wrong : tuple of Wrong
        At least three that must be rejected, each with its own hint.
    minutes : int
    level : int
        1 recall, 2 apply, 3 derive or design.
    hint : str
        What is said to a wrong answer that is not documented.
    """

    name: str
    title: str
    give: Callable[[np.random.Generator], Mapping[str, Any]]
    solve: Callable[[Given], Any]
    compare: Compare
    right: tuple[Callable[[Given], Any], ...]
    wrong: tuple[Wrong, ...]
    minutes: int
    level: int = 2
    hint: str = (
        "Not this, and no mistake that we know by name. Check what is asked and in which unit, then try a small case."
    )

    def task(self, student: str) -> Task:
        """Draw the data of a student.

        The draw is repeated until no documented wrong answer is right by chance.

        Raises
        ------
        ValueError
            Where the student has no name.
        RuntimeError
            Where a wrong answer cannot be told from the right one: a fault of the exercise.
        """
        if not isinstance(student, str) or not student.strip():
            raise ValueError('student: give your name or number as a string, student="ada" for example')
        rng = np.random.default_rng(seed_of(self.name, student))
        for _ in range(DRAWS):
            task = Task(self, student.strip(), Given(**self.give(rng)))
            if task.separates():
                return task
        raise RuntimeError(f"{self.name}: no draw tells every wrong answer from the right one")


def seed_of(name: str, student: str) -> int:
    """Return a seed that is the same on every machine; the case of the name and spaces around it do not count."""
    text = f"{name}/{student.strip().casefold()}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class Verdict:
    """What a checker says: whether the answer is right, and a sentence."""

    ok: bool
    message: str
    misconception: str = ""

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return textwrap.fill(f"{'✓ Right.' if self.ok else '✗ Not yet.'} {self.message}".rstrip(), 100)


@dataclass(frozen=True)
class Task:
    """An exercise with the data of one student; the data are its attributes (`given` holds them all)."""

    exercise: Exercise
    student: str
    given: Given = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "given":
            raise AttributeError(name)
        try:
            return getattr(self.given, name)
        except AttributeError:
            known = ", ".join(vars(self.given)) or "nothing"
            raise AttributeError(f"task {self.exercise.name!r} gives {known}; it has no {name!r}") from None

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *vars(self.given)])

    def __repr__(self) -> str:
        lines = [f"{self.exercise.title} ({self.exercise.minutes} min), data of {self.student}"]
        return "\n".join([*lines, *(f"  {name} = {_short(value)}" for name, value in vars(self.given).items())])

    def separates(self) -> bool:
        """Tell whether no documented wrong answer is right by chance, and no two of them are the same."""
        read = [self.exercise.compare.read(w.answer(self.given)) for w in self.exercise.wrong]
        right = self.exercise.compare.read(self.exercise.solve(self.given))
        same = self.exercise.compare.same
        twins = any(same(a, b) for i, a in enumerate(read) for b in read[:i])
        return not twins and not any(same(w, right) for w in read)

    def check(self, answer: Any) -> Verdict:
        """Compare an answer with the reference, then with the wrong answers that are known by name."""
        compare = self.exercise.compare
        if answer is ... or answer is None:
            return Verdict(False, "There is no answer yet: replace the three dots.")
        try:
            mine = compare.read(answer)
        except ValueError as error:
            return Verdict(False, f"This has another form: {error}.")
        right = compare.read(self.exercise.solve(self.given))
        if compare.same(mine, right):
            return Verdict(True, "")
        for wrong in self.exercise.wrong:
            if compare.same(mine, compare.read(wrong.answer(self.given))):
                return Verdict(False, wrong.hint, wrong.misconception)
        return Verdict(False, self._raised(mine) or self._misshapen(mine, right) or self.exercise.hint)

    @staticmethod
    def _misshapen(answer: Any, right: Any) -> str:
        """Say how many numbers are expected, where an array has another shape."""
        shapes = [value.shape for value in (answer, right) if isinstance(value, np.ndarray)]
        if len(set(shapes)) < 2:
            return ""
        return f"This has another form: an array of shape {shapes[1]} is expected, not {shapes[0]}."

    @staticmethod
    def _raised(answer: Any) -> str:
        """Name the error that a student's function raised, where it did."""
        errors = [value for value in answer if isinstance(value, str)] if isinstance(answer, list) else []
        return f"Your function raised {errors[0]}." if errors else ""


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, threshold=12, separator=", ", suppress_small=True)
        return text if value.size <= 12 else f"array of shape {value.shape}"
    return str(value) if callable(value) or isinstance(value, str | int) else f"{value!r:.100}"
