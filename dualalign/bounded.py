"""Files that others wrote, read with limits: no pipe or device, no more bytes than there should be, JSON or nothing.

Every failure is one ValueError line that names the file, and the row where there is one.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterator
from pathlib import Path

MAX_ROW = 2**24  # bytes of one row: far above any question, and at most half a gigabyte once parsed
MAX_JSON = 2**26  # bytes of a configuration: the index of a model of a thousand files has a hundredth of it
_GROWTH = 2**20  # bytes that a file may have grown since its size was asked
# What moves a terminal's cursor, colours it or turns the reading order, and what no encoding has; lines stay.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 60, 60


def is_file(path: Path) -> bool:
    """Whether there is such a regular file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def regular_file(path: str | Path, what: str) -> Path:
    """Return the path of a file that can be read; refuse folders, pipes and devices."""
    path = Path(path)
    if not is_file(path):
        found = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "does not exist"
        raise ValueError(f"{path}: {found}; give {what}")
    return path


def content(path: str | Path, most: int = MAX_JSON) -> bytes:
    """Return the bytes of a regular file of at most so many."""
    path = regular_file(path, "a file")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            raw = file.read(min(size + _GROWTH, most) + 1)  # a file of the system may say 0 and have no end
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    if max(size, len(raw)) > most or len(raw) > size + _GROWTH:
        raise ValueError(f"{path}: has more than {min(size + _GROWTH, most) >> 20} MiB, or no end")
    return raw


def json_value(path: str | Path, most: int = MAX_JSON) -> object:
    """Return what a JSON file of at most so many bytes holds."""
    return _parsed(utf8(content(path, most), str(path), "utf-8-sig"), str(path))


def json_rows(path: Path, most: int = MAX_ROW) -> Iterator[tuple[int, object]]:
    """Yield the number and the value of every line that is not blank; no line has more bytes than so many."""
    try:
        with path.open("rb") as file:
            for row, line in enumerate(iter(lambda: file.readline(most + 1), b""), 1):
                where = f"{path}, row {row}"
                if len(line) > most:
                    raise ValueError(f"{where}: longer than {most >> 20} MiB; expected one question a line")
                text = utf8(line, where, "utf-8-sig" if row == 1 else "utf-8")
                if text.strip():
                    yield row, _parsed(text, where)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON ({error.msg}); expected one object a line") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets thousands deep
        raise ValueError(f"{where}: JSON beyond any question; expected one object a line") from None


def utf8(raw: bytes, where: str, encoding: str) -> str:
    """Return bytes as text; ``where`` begins the message for what is none."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def plain(error: object, most: int = 200) -> str:
    """Return what a library says of a file in one line of at most so many characters, none of which controls."""
    return visible(" ".join(str(error)[: 4 * most].split())[:most])


def visible(text: str) -> str:
    """Return text of others as a terminal may show it: without what controls it."""
    return _CONTROL.sub("?", text)


def shown(value: object) -> str:
    """Return a value of a file as a message may tell it: short and in one line, whatever it is."""
    return _SHORT.repr(value)
