"""The table of results: its columns, its bytes, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from dualalign import experiments
from dualalign.experiments import table

ROW = {"experiment": "toy", "pair": "p", "set": "s", "style": "choices", "method": "m", "metric": "ece"}


def toy(seeds=range(3), **columns):
    return table.frame({**ROW, "seed": seed, "n": 7, "value": seed / 3, **columns} for seed in seeds)


def save(folder, name="toy", **units):
    folder.mkdir(exist_ok=True)
    found = {unit: table.Unit(rows, {"a.safetensors": "1", "drift.py": unit}) for unit, rows in units.items()}
    table.write(folder / f"{name}.parquet", found)
    return folder / f"{name}.parquet"


def test_columns_and_types():
    rows = toy()
    assert tuple(rows.columns) == experiments.COLUMNS
    assert {str(rows[name].dtype) for name in ("seed", "n")} == {"int64"}
    assert rows["value"].dtype == np.float64
    assert (rows["variant"] == "").all()
    assert all(pd.api.types.is_string_dtype(rows[name]) or rows[name].dtype == object for name in table.KEY[:7])


def test_what_is_written_is_read(tmp_path):
    path = save(tmp_path, b=toy(), a=toy([5], value=np.inf))
    units = table.read(path)
    assert list(units) == ["a", "b"]
    pd.testing.assert_frame_equal(units["b"].rows, toy())
    assert units["b"].inputs == {"a.safetensors": "1", "drift.py": "b"}
    found = experiments.load(tmp_path)
    assert found["seed"].tolist() == [5, 0, 1, 2]
    assert found["value"].tolist() == [np.inf, 0, 1 / 3, 2 / 3]
    pd.testing.assert_frame_equal(pd.read_parquet(path).astype(found.dtypes), found)  # any other reader sees the same


def test_the_order_of_rows_and_units_changes_no_byte(tmp_path):
    one = save(tmp_path / "one", b=toy(range(50)), a=toy([5]))
    two = save(tmp_path / "two", a=toy([5]), b=toy(reversed(range(50))))
    assert one.read_bytes() == two.read_bytes()
    assert save(tmp_path / "two", a=toy([5]), b=toy(range(49))).read_bytes() != one.read_bytes()


def test_rows_that_make_no_table_are_refused():
    with pytest.raises(ValueError, match="column 'metrics' is unknown; known are experiment, pair"):
        toy(metrics="ece")
    with pytest.raises(ValueError, match=r"two rows are the same but for the value: .*seed 1, n 7"):
        toy([1, 2, 1])


def test_only_the_experiments_named_are_read(tmp_path):
    save(tmp_path, "one", u=toy([1]))
    save(tmp_path, "two", u=toy([2]))
    assert experiments.load(tmp_path, ["two"])["seed"].tolist() == [2]
    assert experiments.load(tmp_path)["seed"].tolist() == [1, 2]


def test_a_missing_table_names_the_folder_and_the_command(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: holds no table of results; make it with python -m dualalign\.exp"):
        experiments.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"toy\.parquet: no such file; make it anew with python -m .*experiments toy$"):
        experiments.load(tmp_path, ["toy"])


def test_any_flipped_byte_of_the_data_or_a_lost_end_is_refused(tmp_path):
    path = save(tmp_path, u=toy(range(500)))
    whole = path.read_bytes()
    broken = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), len(whole) // 60)]
    refused = 0
    for content in [*broken, whole[: len(whole) // 2], whole[:-1], b"", b"PAR1"]:
        path.write_bytes(content)
        found, message = loaded(tmp_path)
        if message:
            refused += 1
            assert re.fullmatch(r".*toy\.parquet: damaged.*python -m dualalign\.experiments toy", message)
        else:  # a byte that decides nothing, a statistic in the footer say
            pd.testing.assert_frame_equal(found, toy(range(500)))
    assert refused > len(broken) * 2 / 3


def loaded(folder):
    try:
        return experiments.load(folder), ""
    except ValueError as error:
        return None, str(error)


def test_another_table_is_refused(tmp_path):
    toy().to_parquet(tmp_path / "toy.parquet")
    with pytest.raises(ValueError, match="not a table of results"):
        experiments.load(tmp_path)
    (tmp_path / "toy.parquet").unlink()
    (tmp_path / "toy.parquet").mkdir()
    with pytest.raises(ValueError, match="not a table of results"):
        experiments.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ValueError, match="cannot be written"):
        table.write(tmp_path / "absent" / "toy.parquet", {"u": table.Unit(toy(), {})})
