"""When two answers are the same: numbers, arrays, choices and functions, each in the forms that students write."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np


class Compare(Protocol):
    """How an exercise compares an answer with another."""

    def read(self, answer: Any) -> Any:
        """Return the answer in one plain form; ValueError says what form is expected."""

    def same(self, answer: Any, other: Any) -> bool:
        """Tell whether two answers that were read are the same."""


@dataclass(frozen=True)
class Number:
    """One number, right to so many decimals: a float, a fraction, an array of one number, "0.31" or "31 %".

    Attributes
    ----------
    decimals : int
        An answer that was rounded to so many decimals is right: the bound is 0.6 units of the last one.
    """

    decimals: int = 3

    def read(self, answer: Any) -> float:
        """Return a float; ValueError where the answer is no number, or several."""
        if isinstance(answer, str):
            return _number_in(answer)
        if isinstance(answer, Fraction):
            return float(answer)
        if isinstance(answer, bool | np.bool_) or callable(answer):
            raise ValueError(f"one number is expected, not {answer!r}")
        return float(_array(answer, "one number").reshape(-1)[0]) if np.size(answer) == 1 else _refuse(answer)

    def same(self, answer: float, other: float) -> bool:
        """Whether both are infinite alike, or apart by at most 0.6 units of the last decimal."""
        if math.isinf(other) or math.isinf(answer):
            return answer == other
        return abs(answer - other) <= 0.6 * 10.0**-self.decimals


def _number_in(text: str) -> float:
    """Read "0.31", "31 %" or "1/3"."""
    plain = text.strip().replace(" ", "").replace("−", "-")
    try:
        if plain.endswith("%"):
            return float(plain[:-1]) / 100
        return float(Fraction(plain)) if "/" in plain else float(plain)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"one number is expected, not {text!r}") from None


def _refuse(answer: Any) -> float:
    raise ValueError(f"one number is expected, not {np.size(answer)} of them (shape {np.shape(answer)})")


def _array(answer: Any, expected: str) -> np.ndarray:
    try:
        return np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{expected} is expected, not {type(answer).__name__}") from None


@dataclass(frozen=True)
class Numbers:
    """An array, list or series of numbers; the shape counts, save for axes of length one.

    Attributes
    ----------
    decimals : int
        As for `Number`, for each entry.
    """

    decimals: int = 3

    def read(self, answer: Any) -> np.ndarray:
        """Return a float array without axes of length one; ValueError where it holds no numbers."""
        array = np.squeeze(_array(answer, "an array of numbers"))
        return array if array.ndim else array.reshape(1)

    def same(self, answer: np.ndarray, other: np.ndarray) -> bool:
        """Whether shapes are equal and every entry is as near as for `Number`; NaN equals NaN."""
        if answer.shape != other.shape:
            return False
        return bool(np.allclose(answer, other, rtol=0, atol=0.6 * 10.0**-self.decimals, equal_nan=True))


@dataclass(frozen=True)
class Choice:
    """One of a few words, or True and False; case, spaces and quotes do not count.

    Attributes
    ----------
    options : sequence of str
        The words that may be answered.
    """

    options: Sequence[str] = ("true", "false")

    def read(self, answer: Any) -> str:
        """Return the option as the exercise spells it; ValueError where it is none of them."""
        word = str(answer).strip().strip("'\"").casefold()
        short = {"yes": "true", "no": "false"} if set(self.options) == {"true", "false"} else {}
        known = {option.casefold(): option for option in self.options}
        if short.get(word, word) not in known:
            raise ValueError(f"one of {', '.join(self.options)} is expected, not {answer!r}")
        return known[short.get(word, word)]

    def same(self, answer: str, other: str) -> bool:
        """Whether both are the same option."""
        return answer == other


@dataclass(frozen=True)
class Function:
    """A function of the student's, compared by what it returns on cases that the exercise chooses.

    Attributes
    ----------
    cases : sequence of tuple
        Arguments of each call. Ties, one row, confidence 0 and 1 belong here: a formula that fails there is wrong.
    result : Compare
        How the returned values are compared.
    """

    cases: Sequence[tuple]
    result: Compare = Numbers()

    def read(self, answer: Any) -> list:
        """Return what the answer's function gives for each case; ValueError where it is no function."""
        if not callable(answer):
            raise ValueError(f"a function is expected, not {type(answer).__name__}")
        return [self._returned(answer, case) for case in self.cases]

    def _returned(self, function: Callable, case: tuple) -> Any:
        copies = [np.array(a) if isinstance(a, np.ndarray) else a for a in case]
        try:
            with np.errstate(all="ignore"):
                returned = function(*copies)
            return self.result.read(returned)
        except Exception as error:  # whatever a student's code raises is an answer to be told, not a crash of ours
            return f"{type(error).__name__}: {error}"

    def same(self, answer: list, other: list) -> bool:
        """Whether every case gives the same: an error by its message, a value as `result` says."""
        return all(
            mine == theirs if isinstance(mine, str) or isinstance(theirs, str) else self.result.same(mine, theirs)
            for mine, theirs in zip(answer, other, strict=True)
        )
