"""Question files: JSONL and Parquet, one row a question."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .schema import Question, check_unique, question_from_row


def load_file(path: str | os.PathLike) -> list[Question]:
    """Load questions from a ``.jsonl`` or ``.parquet`` file.

    Raises
    ------
    ValueError
        Names the file, the row, what was found and what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such question file")
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _jsonl_rows(path)
    questions = [question_from_row(row, f"{path}, row {i}") for i, row in rows]
    return check_unique(questions, str(path))


def save_file(questions: list[Question], path: str | os.PathLike) -> Path:
    """Write questions as JSONL, atomically. Returns the path."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text("".join(json.dumps(q.to_row(), ensure_ascii=False) + "\n" for q in questions), "utf-8")
        os.replace(partial, path)
    except OSError as e:
        raise ValueError(f"{path}: cannot be written ({e.strerror}); give a file name in an existing folder") from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def _jsonl_rows(path: Path):
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines() would also cut at U+2028 inside a string
    except UnicodeDecodeError as e:
        raise ValueError(f"{path}: not UTF-8 text (byte {e.start}); save the file as UTF-8 JSONL") from None
    for i, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield i, json.loads(line)
        except json.JSONDecodeError as e:
            raise ValueError(f"{path}, row {i}: not JSON ({e.msg}); expected one object a line") from None
        except (ValueError, RecursionError):  # a number of thousands of digits, brackets thousands deep
            raise ValueError(f"{path}, row {i}: JSON beyond any question; expected one object a line") from None


def _parquet_rows(path: Path):
    import pyarrow
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as e:
        raise ValueError(f"{path}: not a readable Parquet file ({str(e).splitlines()[0]})") from None
    yield from enumerate(table.to_pylist(), 1)
