"""The table of results: one Parquet file an experiment, one row a number. Written whole, read back checked."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..traces.artifact import write_whole

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path("data/results/table")
TRACES = Path("data/traces")
REMAKE = "python -m dualalign.experiments"
SCHEMA = "dualalign/table/1"
_TEXT = ("experiment", "pair", "set", "style", "variant", "method", "reading")
COLUMNS = (*_TEXT, "seed", "n", "metric", "value")
KEY = COLUMNS[:-1]
_KEPT = b"dualalign"  # key of our JSON in the file's metadata


class Unit(NamedTuple):
    """What one step of an experiment gave: its rows, and the digest of every file that decided them."""

    rows: pd.DataFrame
    inputs: dict[str, str]


def frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Rows as a table with the right columns, types and order; a column that a row lacks is "" (seed: -1, n: 0).

    Raises
    ------
    ValueError
        For an unknown column, or two rows that differ in their value only.
    """
    import pandas as pd

    rows = list(rows)
    if unknown := sorted({name for row in rows for name in row} - set(COLUMNS)):
        raise ValueError(f"column {unknown[0]!r} is unknown; known are {', '.join(COLUMNS)}")
    absent = dict.fromkeys((*_TEXT, "metric"), "") | {"seed": -1, "n": 0, "value": np.nan}
    columns = {name: [row.get(name, absent[name]) for row in rows] for name in COLUMNS}
    table = pd.DataFrame({name: pd.Series(values, dtype=_TYPES[name]) for name, values in columns.items()})
    twice = table.duplicated(list(KEY))
    if twice.any():
        row = ", ".join(f"{name} {value}" for name, value in table.loc[twice, list(KEY)].iloc[0].items())
        raise ValueError(f"two rows are the same but for the value: {row}")
    return table.sort_values(list(KEY), kind="stable", ignore_index=True)


_TYPES = dict.fromkeys(COLUMNS, "str") | {"seed": "int64", "n": "int64", "value": "float64"}


def write(path: Path, units: Mapping[str, Unit]) -> None:
    """Write the units of one experiment, in the order of their names: the same units give the same bytes."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    units = {name: units[name] for name in sorted(units)}
    kept = {"schema": SCHEMA, **_packed(units)}
    rows = pd.concat([unit.rows for unit in units.values()])
    table = pa.Table.from_pydict({name: rows[name].to_numpy() for name in COLUMNS}, _schema())
    table = table.replace_schema_metadata({_KEPT: json.dumps(kept, sort_keys=True)})
    options = {"compression": "zstd", "compression_level": 19, "write_page_checksum": True}
    buffer = io.BytesIO()
    pq.write_table(table, buffer, use_dictionary=[*KEY], **options)  # values hardly repeat
    write_whole(path, buffer.getvalue())


def read(path: Path) -> dict[str, Unit]:
    """Read what `write` wrote.

    Raises
    ------
    ValueError
        One line that names the file and what is wrong with it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True, partitioning=None)
        kept = json.loads((table.schema.metadata or {})[_KEPT])
        if kept["schema"] != SCHEMA or not table.schema.equals(_schema()):
            raise ValueError("another schema")
        return _unpacked(table.to_pandas().astype(_TYPES), kept)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path}: damaged, or not a table of results") from None


def load(folder: str | Path = FOLDER, experiments: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the table of results.

    Parameters
    ----------
    folder : where the files are
    experiments : names of those to read; all that are there by default

    Returns
    -------
    DataFrame
        A row a number: strings `experiment`, `pair`, `set`, `style`, `variant`, `method`, `reading` ("" where one does
        not apply) and `metric`; int64 `seed` (-1 where several splits enter) and `n` (questions); float64 `value`.

    Raises
    ------
    ValueError
        One line that names what is missing or damaged, and the command that remakes it.
    """
    import pandas as pd

    folder = Path(folder)
    names = sorted(path.stem for path in folder.glob("*.parquet")) if experiments is None else list(experiments)
    if not names:
        raise ValueError(f"{folder}: holds no table of results; make it with {REMAKE}")
    tables = []
    for name in names:
        try:
            tables += [unit.rows for unit in read(folder / f"{name}.parquet").values()]
        except ValueError as error:
            raise ValueError(f"{error}; make it anew with {REMAKE} {name}") from None
    return pd.concat(tables, ignore_index=True)


def _schema():
    import pyarrow as pa

    kinds = {"str": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    return pa.schema([(name, kinds[_TYPES[name]]) for name in COLUMNS])


def _packed(units: Mapping[str, Unit]) -> dict[str, object]:
    """The digests as JSON: each input file once, with the units that it entered by their numbers of rows and inputs."""
    pool = sorted({item for unit in units.values() for item in unit.inputs.items()})
    number = {item: i for i, item in enumerate(pool)}
    spans = {name: [len(unit.rows), *(number[item] for item in unit.inputs.items())] for name, unit in units.items()}
    return {"inputs": pool, "units": spans}


def _unpacked(rows: pd.DataFrame, kept: dict) -> dict[str, Unit]:
    units, start = {}, 0
    for name, (count, *used) in kept["units"].items():
        part = rows.iloc[start : start + count].reset_index(drop=True)
        units[name] = Unit(part, dict(tuple(kept["inputs"][i]) for i in used))
        start += count
    if start != len(rows):
        raise ValueError("rows that belong to no unit")
    return units
