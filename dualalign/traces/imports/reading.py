"""Files that others wrote: JSON and JSONL read with limits, and values taken from them with their type checked.

Every failure is one ValueError line that names file and row. No text from a file is repeated at length, none is run.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

from ...bounded import MAX_ROW, content, json_rows, shown, utf8
from ..validate import whole_text

MAX_NAME = 300  # characters of an id, which stands in every message about its question
LARGEST = 3e38  # above it a number is none in single precision
MAX_FILE = 2**30  # bytes of a file that is one JSON value
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def jsonl(path: Path) -> Iterator[tuple[str, dict]]:
    """Yield the place ("file, row 3") and the object of every line that is not blank."""
    for row, value in json_rows(path, MAX_ROW):
        yield f"{path}, row {row}", mapping(value, f"{path}, row {row}", "the row")


def members(path: Path, streamed: str) -> Iterator[tuple[str, object]]:
    """Yield the members of a file that is one JSON object, in order; those of the list `streamed` one by one.

    A list of gigabytes is never held as Python objects: ``("streamed[0]", ...), ("streamed[1]", ...)``.
    """
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ValueError(f"{path}: has {size >> 20:,} MiB, more than {MAX_FILE >> 20:,}; split the run")
    text = utf8(content(path, MAX_FILE), str(path), "utf-8-sig")
    at = _past(text, _skip(text, 0), "{", path)
    while text[at : at + 1] != "}":
        _past(text, at, '"', path)  # a key is text
        key, at = _value(text, at, f"{path}")
        at = _past(text, _skip(text, at), ":", path)
        if key == streamed and text[at : at + 1] == "[":
            at = yield from _elements(text, at, path, streamed)
        else:
            value, at = _value(text, at, f"{path}, {shown(key)}")
            yield key, value
        at = _comma(text, at, "}", path)
    if _skip(text, at + 1) != len(text):
        raise ValueError(f"{path}: goes on behind its JSON object (character {at + 1})")


def _elements(text: str, at: int, path: Path, name: str) -> Iterator[tuple[str, object]]:
    at, index = _past(text, at, "[", path), 0
    while text[at : at + 1] != "]":
        place = f"{name}[{index}]"
        value, at = _value(text, at, f"{path}, {place}")
        yield place, value
        at, index = _comma(text, at, "]", path), index + 1
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    return _BLANK.match(text, at).end()


def _past(text: str, at: int, mark: str, path: Path) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"{path}: not a JSON object (expected {mark} at character {at})")
    return _skip(text, at + 1)


def _comma(text: str, at: int, end: str, path: Path) -> int:
    at = _skip(text, at)
    return at if text[at : at + 1] == end else _past(text, at, ",", path)


def _value(text: str, at: int, where: str) -> tuple[object, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets thousands deep
        raise ValueError(f"{where}: JSON beyond any result; expected a list of requests") from None
    if end - at > MAX_ROW:
        raise ValueError(f"{where}: longer than {MAX_ROW >> 20} MiB; expected one request")
    return value, _skip(text, end)


# -- Values --------------------------------------------------------------------------------------------------------


def mapping(value: object, where: str, what: str) -> dict:
    """Return an object; refuse anything else."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {what} is {kind(value)}, expected an object")
    return value


def listed(value: object, where: str, what: str) -> list:
    """Return a list; refuse anything else."""
    if not isinstance(value, list):
        raise ValueError(f"{where}: {what} is {kind(value)}, expected a list")
    return value


def text(value: object, where: str, what: str) -> str:
    """Return text that a file can hold; refuse anything else, and half a character."""
    if not isinstance(value, str):
        raise ValueError(f"{where}: {what} is {kind(value)}, expected text")
    try:
        return whole_text(what, value)
    except ValueError:
        raise ValueError(
            f"{where}: {what} holds {shown(value)}, with half a character in it; repair the text"
        ) from None


def name(value: object, where: str, what: str) -> str:
    """Return an id as text: text that is not empty, or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: {what} is {kind(value)}, expected text or a whole number")
    if len(value) > MAX_NAME:
        raise ValueError(f"{where}: {what} has {len(value):,} characters, more than {MAX_NAME}; give a short one")
    return text(value, where, what)


def number(value: object, where: str, what: str) -> float:
    """Return a finite number; text that spells one is taken too (lm-evaluation-harness writes "-4.03")."""
    try:
        found = math.nan if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) < LARGEST:
        said = repr(value)[:40] if isinstance(value, (str, int, float)) else kind(value)
        raise ValueError(f"{where}: {what} is {said}, expected a finite number; run or drop this question again")
    return found


def index(value: object, n: int, where: str, what: str) -> int:
    """Return a label: 0 to n - 1, or -1 for null and for negative numbers (unknown)."""
    if value is None:
        return -1
    if isinstance(value, bool) or not isinstance(value, int) or value >= n:
        said = value if isinstance(value, int) and abs(value) < 10**9 else kind(value)
        raise ValueError(f"{where}: {what} is {said}, expected 0 to {n - 1}, or null where unknown")
    return max(value, -1)


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "missing"}
    return names.get(type(value), "a number")
