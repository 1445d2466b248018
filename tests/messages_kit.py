"""What a reader is told, whole: the messages of refusals, in tests/data/messages, where they can be read in a row."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

DATA = Path(__file__).parent / "data/messages"


@functools.cache
def messages(table: str) -> dict[str, str]:
    """Case: message, without the folders of the test; "…" stands for words of Python or of a library."""
    return json.loads((DATA / f"{table}.json").read_text("utf-8"))


def check_message(table: str, case: str, error: BaseException, *left_out: object) -> None:
    """Hold a message against the one on file, to the letter: place, names, numbers, what to do."""
    found = str(error)
    for text in left_out:
        found = found.replace(str(text), "")
    expected = re.escape(messages(table)[case]).replace("…", ".*")
    assert re.fullmatch(expected, found), f"tests/data/messages/{table}.json, {case!r}: {found}"
