"""What a reader is told, whole: the messages of refusals, in tests/data/messages, where they can be read in a row."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data/messages"


@functools.cache
def messages(table: str) -> dict[str, str]:
    """Case: message, without the folders of the test; "…" stands for words of Python or of a library."""
    return json.loads((DATA / f"{table}.json").read_text("utf-8"))


@contextmanager
def refusal(
    table: str, case: str, *left_out: object, match: str = r"^\S", error: type[Exception] = ValueError
) -> Iterator[None]:
    """Expect a refusal with the message on file, to the letter: place, names, numbers, what to do."""
    with pytest.raises(error, match=match) as caught:
        yield
    found = str(caught.value)
    for text in left_out:
        found = found.replace(str(text), "")
    expected = re.escape(messages(table)[case]).replace("…", ".*")
    assert re.fullmatch(expected, found), f"tests/data/messages/{table}.json, {case!r}: {found}"
