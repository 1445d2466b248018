"""Quizzes: one question at a time, a reason for every option, usable by keyboard, screen reader and without script."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One option of a question.

    Attributes
    ----------
    text : str
        Plain text; `code` between backticks.
    feedback : str
        Why it is right, or what the reader who chose it has in mind and where that goes wrong.
    right : bool
    """

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Item:
    """A question with its options, of which exactly one is right.

    Attributes
    ----------
    question : str
        Plain text; `code` between backticks.
    options : tuple of Option
    read : str
        The page of the book to read by whoever misses it, "notebooks/02_reliability" or "course/02_measuring".
    """

    question: str
    options: tuple[Option, ...]
    read: str = ""

    def __post_init__(self):
        right = sum(option.right for option in self.options)
        if len(self.options) < 3 or right != 1:
            raise ValueError(
                f"{self.question[:60]!r}: {len(self.options)} options, {right} of them right; at least 3, 1"
            )
        if poor := [option.text for option in self.options if len(option.feedback) < 15]:
            raise ValueError(f"{self.question[:60]!r}: the option {poor[0]!r} has no feedback")


@dataclass(frozen=True)
class Quiz:
    """A quiz; as the last line of a notebook cell it shows itself.

    Where every item says what to read, it is a test: no feedback before the end, then a score and what to read.

    Attributes
    ----------
    name : str
        Unique in the course.
    title : str
    items : tuple of Item
    """

    name: str
    title: str
    items: tuple[Item, ...]

    @property
    def is_test(self) -> bool:
        """Whether every item says what to read: then it is a test."""
        return all(item.read for item in self.items)

    def __repr__(self) -> str:
        return f"Quiz {self.name!r}: {self.title} ({len(self.items)} items)"

    def _repr_html_(self) -> str:
        from dualalign.course.quiz_html import quiz_html

        return quiz_html(self)
