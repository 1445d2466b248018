"""Parquet files of questions, read so that a small file cannot fill the memory.

A file of a kilobyte may hold one long text and a million rows that point at it, or a question with a run of a million
options. So texts stay in the file's dictionary until it is known how many options a row has, and each becomes one
Python object, however many rows have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..bounded import plain, shown
from .schema import FIELDS, MAX_OPTIONS

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_TEXT = 2**28  # bytes that any Parquet file may spell out; a larger one
_INFLATION = 100  # so many times its size
_BATCH = 2**14  # rows in memory at a time


class _WrongError(ValueError):
    """What is wrong with a table that can be read, said in whole."""


def parquet_rows(path: Path) -> Iterator[tuple[int, dict]]:
    """Yield number and row of a Parquet file; columns that are no fields of a question are not read.

    Raises
    ------
    ValueError
        Names the file: no Parquet, a column that no question has, or more text than a file of its size can hold.
    """
    most, held, row = max(_TEXT, _INFLATION * path.stat().st_size), 0, 0
    batches = _batches(path, most)
    while True:
        try:
            batch = next(batches, None)
        except _WrongError as e:
            raise ValueError(str(e)) from None
        except Exception as e:  # Arrow's own, dates beyond any, bytes that are no text, ...
            raise ValueError(f"{path}: not a readable Parquet file ({plain(e)})") from None
        if batch is None:
            return
        for values in zip(*batch.values(), strict=True):
            row, held = row + 1, held + sum(map(_length, values))
            if held > most:
                raise ValueError(f"{path}: spells out more than {most >> 20} MiB of text; write fewer questions")
            yield row, dict(zip(batch, values, strict=True))


def _batches(path: Path, most: int) -> Iterator[dict[str, list]]:
    """Values of the known columns, batch by batch, of a file that says of itself what is possible."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        wanted = [name for name in FIELDS if name in schema.names]
        for name in wanted:
            _check_column(path, schema, name)
        paths = [file.schema.column(i).path for i in range(len(file.schema))]
        leaves = {i: leaf for i, leaf in enumerate(paths) if leaf.split(".")[0] in wanted}
        _check_size(path, file, leaves, most)
    with pq.ParquetFile(path, read_dictionary=list(leaves.values())) as file:
        row = 0
        for group in range(file.num_row_groups if wanted else 0):  # a dictionary of lists must not cross their border
            for batch in file.iter_batches(_BATCH, [group], wanted, use_threads=False):
                for column in filter(lambda column: _is_list(column.type), batch.columns):
                    _check_lengths(path, column, row)
                row += batch.num_rows
                yield {name: _values(batch.column(name)) for name in wanted}


def _check_column(path: Path, schema: pa.Schema, name: str) -> None:
    """Refuse a name that stands twice, and lists of lists, structures, bytes and dates: no question has them."""
    import pyarrow.types as t

    if schema.names.count(name) > 1:
        raise _WrongError(f"{path}: two columns are called {name}")
    kind = schema.field(name).type
    inner = kind.value_type if _is_list(kind) else kind
    inner = inner.value_type if t.is_dictionary(inner) else inner
    simple = (t.is_null, t.is_boolean, t.is_integer, t.is_floating, t.is_string, t.is_large_string, t.is_string_view)
    if not any(is_it(inner) for is_it in simple):
        raise _WrongError(f"{path}: column {name} is {shown(str(kind))}; expected text, numbers or a list of texts")


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as t

    return t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)


def _check_size(path: Path, file: pq.ParquetFile, leaves: dict[int, str], most: int) -> None:
    """Refuse more bytes than the file's size allows, and more values than its questions can have options."""
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    if (total := sum(group.total_byte_size for group in groups)) > most:
        raise _WrongError(f"{path}: holds {total >> 20} MiB, far more than its size allows")
    file.scan_contents(list(leaves.values()))  # raises where `column` would end the process: at a damaged footer
    for group in groups:
        for i, leaf in leaves.items():
            if (values := group.column(i).num_values) > MAX_OPTIONS * group.num_rows:
                raise _WrongError(f"{path}: {values:,} {leaf.split('.')[0]} for {group.num_rows:,} questions")


def _check_lengths(path: Path, column: pa.Array, before: int) -> None:
    """Refuse a row with more options than any question has, before they become Python objects."""
    lengths = column.value_lengths().to_pylist()
    for row, n in enumerate(lengths, before + 1):
        if n is not None and n > MAX_OPTIONS:
            raise _WrongError(f"{path}, row {row}: {n:,} options, expected 2 to {MAX_OPTIONS}")


def _values(array: pa.Array) -> list:
    """Python values of a column; equal texts of a dictionary are one object."""
    import pyarrow.types as t

    if t.is_dictionary(array.type):
        used = array.indices.unique()
        words = dict(zip(used.to_pylist(), array.dictionary.take(used).to_pylist(), strict=True))
        return [words[i] for i in array.indices.to_pylist()]
    if not _is_list(array.type):
        return array.to_pylist()
    flat, at, found = _values(array.flatten()), 0, []
    for n in array.value_lengths().to_pylist():
        found.append(None if n is None else flat[at : at + n])
        at += n or 0
    return found


def _length(value: object) -> int:
    """Characters of a value's texts: a text that many rows share counts for each of them."""
    return sum(map(_length, value)) if isinstance(value, list) else len(value) if isinstance(value, str) else 8
