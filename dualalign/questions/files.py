"""Question files: JSONL and Parquet, one row a question."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..bounded import is_file, json_rows
from .schema import Question, check_unique, question_from_row
from .tables import parquet_rows


def load_file(path: str | os.PathLike) -> list[Question]:
    """Load questions from a ``.jsonl`` or ``.parquet`` file.

    Raises
    ------
    ValueError
        Names the file, the row, what was found and what to do.

    Examples
    --------
    >>> from dualalign.questions import Question, load_file, save_file
    >>> question = Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> load_file(save_file([question], "q.jsonl")) == [question]
    True
    """
    path = Path(path)
    if not is_file(path):
        raise ValueError(f"{path}: no such question file")
    rows = parquet_rows(path) if path.suffix.lower() == ".parquet" else json_rows(path)
    return check_unique((question_from_row(row, f"{path}, row {i}") for i, row in rows), str(path))


def save_file(questions: list[Question], path: str | os.PathLike) -> Path:
    """Write questions as JSONL, atomically. Returns the path.

    Raises
    ------
    ValueError
        Names the file that cannot be written, and why.

    Examples
    --------
    >>> from dualalign.questions import Question, save_file
    >>> question = Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> save_file([question], "q.jsonl").read_text()
    '{"id": "ice", "question": "What is ice?", "options": ["hot", "cold"], "answer": 1}\\n'
    """
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
