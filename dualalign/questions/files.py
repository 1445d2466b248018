"""Question files: JSONL and Parquet, one row a question."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..bounded import is_file, json_rows
from .schema import FIELDS, Question, check_unique, question_from_row

_TEXT = 2**28  # bytes that any Parquet file may spell out; a larger one
_INFLATION = 100  # so many times its size
_BATCH = 2**28  # bytes of a column in memory at a time, at most


def load_file(path: str | os.PathLike) -> list[Question]:
    """Load questions from a ``.jsonl`` or ``.parquet`` file.

    Raises
    ------
    ValueError
        Names the file, the row, what was found and what to do.
    """
    path = Path(path)
    if not is_file(path):
        raise ValueError(f"{path}: no such question file")
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else json_rows(path)
    return check_unique((question_from_row(row, f"{path}, row {i}") for i, row in rows), str(path))


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


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict]]:
    """Rows a few at a time, of the columns that a question has: a file of kilobytes may spell out gigabytes."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name in FIELDS]
            most = max(_TEXT, _INFLATION * path.stat().st_size)
            size, held, row = _packed_size(file.metadata, most), 0, 0
            for batch in file.iter_batches(max(1, min(64, _BATCH // size)), columns=wanted, use_threads=False):
                for found in batch.to_pylist():
                    row, held = row + 1, held + _spelled(list(found.values()))
                    if held > most:
                        raise ValueError(f"spells out more than {most >> 20} MiB of text; write fewer questions")
                    yield row, found
    except Exception as e:  # Arrow's own, dates beyond any, bytes that are no text, ...
        found = " ".join(str(e).split())[:200]
        raise ValueError(f"{path}: not a readable Parquet file ({found})") from None


def _spelled(value: object) -> int:
    """Characters of all texts in a value; Arrow's own count has a text that many rows share once."""
    if isinstance(value, list):
        return sum(map(_spelled, value))
    return len(value) if isinstance(value, (str, bytes)) else 8


def _packed_size(metadata, most: int) -> int:
    """Bytes of the largest column of a part of the file, which no text in it can exceed, and at least 1."""
    parts = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    sizes = [part.column(i).total_uncompressed_size for part in parts for i in range(part.num_columns)]
    if sum(sizes) > most:
        raise ValueError(f"holds {sum(sizes) >> 20} MiB, far more than its size allows")
    return max(1, *sizes, 0)
