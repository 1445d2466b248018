"""Ways to break a Parquet file: columns of other types, with nulls, twice; and few bytes that spell out very many."""

from __future__ import annotations

import datetime
import decimal
import io
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_changes_kit import cut, flip, poke


def parquet_columns(raw: bytes, rng: random.Random) -> bytes:
    """The table written anew: a column of another type, with nulls, twice, or left out; packed in another way."""
    try:
        table = pq.read_table(io.BytesIO(raw))
    except Exception:  # already broken
        return poke(raw, rng)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    if not columns:
        return cut(raw, rng)
    name = rng.choice(list(columns))
    odd = rng.choice((_odd, _odd, _odd, _other_width, _bomb))(rng, len(table), columns[name])
    pairs = [(one, odd if one == name else values) for one, values in columns.items()]
    pairs = rng.choice((pairs, pairs, pairs, [*pairs, (name, odd)], [p for p in pairs if p[0] != name], pairs[:1], []))
    size = min((len(values) for _, values in pairs), default=0)
    made = pa.Table.from_arrays([values[:size] for _, values in pairs], names=[one for one, _ in pairs])
    buffer = io.BytesIO()
    codec = rng.choice(("none", "snappy", "zstd", "gzip", "brotli", "lz4"))
    options = {
        "compression": codec,
        "data_page_version": rng.choice(("1.0", "2.0")),
        "use_dictionary": rng.random() < 0.5,
    }
    try:
        pq.write_table(made, buffer, row_group_size=rng.choice((None, 1, 2)), **options)
    except (pa.ArrowException, OSError):  # a type that Parquet has not
        return flip(raw, rng)
    return buffer.getvalue()


def _odd(rng: random.Random, n: int, old: pa.ChunkedArray) -> pa.Array:
    """n values of a type that a question has not, or has in part."""
    day, stamp = datetime.date(1, 1, 1), datetime.datetime(1677, 9, 22)
    some = rng.choice(
        (
            (None, None),
            (True, None),
            (3.5, None),
            (float("nan"), pa.float16()),
            (float("inf"), None),
            (-1, pa.int8()),
            (2**63, pa.uint64()),
            ("", None),
            ("a\nb", None),
            ("\0", None),
            (b"\xff\xfe", pa.binary()),
            (["a", None], None),
            ([], pa.list_(pa.string())),
            (["a"] * 27, None),
            ([1, 2], None),
            ([["a"], ["b"]], None),
            ({"a": 1}, None),
            ([("k", "v"), ("k", "w")], pa.map_(pa.string(), pa.string())),
            (decimal.Decimal("1.5"), None),
            (day, None),
            (stamp, pa.timestamp("ns")),
            (datetime.time(1), None),
            (datetime.timedelta(1), pa.duration("ns")),
            (["a", "b"], pa.list_(pa.string(), 2)),
            (["a", "b"], pa.large_list(pa.large_string())),
            ("x" * 10**5, None),
            (1e300, None),
            (stamp, pa.timestamp("s", "No/Where")),
        )
    )
    value, kind = some
    keep = [rng.random() < 0.3 for _ in range(n)]
    try:
        return pa.array([None if gone else value for gone in keep], kind)
    except (pa.ArrowException, OverflowError, ValueError):
        return pa.array([None] * n, pa.null())


def _other_width(rng: random.Random, n: int, old: pa.ChunkedArray) -> pa.Array:
    """The same values in another type that can hold them; text that is no UTF-8."""
    kinds = [
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.string_view(),
        pa.binary(),
        pa.float64(),
        pa.large_list(pa.string()),
    ]
    try:
        return old.cast(rng.choice(kinds)).combine_chunks()
    except (pa.ArrowException, OSError):
        bad = pa.array([b"\xff\xed\xa0\x80"] * n, pa.binary())
        return pa.StringArray.from_buffers(n, bad.buffers()[1], bad.buffers()[2])


def _bomb(rng: random.Random, n: int, old: pa.ChunkedArray) -> pa.Array:
    """One long text for very many rows: a few kilobytes, packed."""
    rows, length = rng.choice(((16_000, 2**17), (300_000, 100), (4, 2**24)))
    index = pa.array(np.zeros(rows, np.int32))
    text = pa.DictionaryArray.from_arrays(index, pa.array(["x" * length]))
    if rng.random() < 0.5:
        return text
    return pa.ListArray.from_arrays(pa.array(np.arange(0, rows + 1, 2, dtype=np.int32)), text)
