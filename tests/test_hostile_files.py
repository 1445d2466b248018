"""Small files that ask for much: of memory, of patience, of a terminal. Each is one plain line that names the file."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_traces
from fuzz_kit import Memory
from safetensors.numpy import save

from dualalign.bounded import plain
from dualalign.cli import app
from dualalign.models.folder import check_folder
from dualalign.questions import load_file
from dualalign.traces.imports import from_array_files
from dualalign.traces.shards import Shards
from dualalign.traces.stream import TraceStream


def written(ids: pa.Array, questions: pa.Array, options: pa.Array) -> bytes:
    out = io.BytesIO()
    fields = {"id": ids, "question": questions, "options": options, "answer": pa.array([0] * len(ids))}
    pq.write_table(pa.table(fields), out, compression="zstd", compression_level=9)
    return out.getvalue()


def same(text: str, n: int) -> pa.Array:
    """One text n times, kept once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


def lists(values: pa.Array, n: int) -> pa.Array:
    """n lists of as many values each."""
    return pa.ListArray.from_arrays(pa.array(np.linspace(0, len(values), n + 1).astype(np.int32)), values)


def ids(n: int) -> pa.Array:
    return pa.array([str(i) for i in range(n)])


def uneven(n: int) -> pa.Array:
    """Few options in most rows and all the others in the last: in sum no more than the rows may have."""
    ends = [*range(0, 2 * n, 2), 20 * n]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), same("x" * 2**20, 20 * n))


BOMBS: dict[str, Callable[[], bytes]] = {
    "4,000 options of a megabyte": lambda: written(ids(1), pa.array(["?"]), lists(same("x" * 10**6, 4000), 1)),
    "4,000 options of a megabyte in one of many rows": lambda: written(ids(200), same("?", 200), uneven(200)),
    "26 options of four megabytes in each row": lambda: written(
        ids(64), same("?", 64), lists(same("x" * 2**22, 64 * 26), 64)
    ),
    "4,000,000 options": lambda: written(ids(1), pa.array(["?"]), lists(same("x", 4 * 10**6), 1)),
    "10,000 questions of a megabyte": lambda: written(
        ids(10**4), same("x" * 10**6, 10**4), lists(same("a", 20000), 10**4)
    ),
    "one row 2,000,000 times": lambda: written(
        same("q", 2 * 10**6), same("?", 2 * 10**6), lists(same("a", 4 * 10**6), 2 * 10**6)
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_table_of_kilobytes_does_not_fill_the_memory(tmp_path, bomb):
    path = tmp_path / "q.parquet"
    path.write_bytes(BOMBS[bomb]())
    assert path.stat().st_size < 2**17
    memory = Memory()
    with pytest.raises(ValueError, match=r"q\.parquet") as caught:
        load_file(path)
    assert memory.grown() < 2**27
    assert str(caught.value).isprintable()


def test_a_damaged_footer_does_not_end_the_process():
    """pyarrow 26 aborts where a column's histogram has another length than its levels; found by fuzzing."""
    path = Path(__file__).parent / "data/hostile/levels.parquet"
    code = "import sys; from dualalign.questions import load_file; load_file(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "levels.parquet: not a readable Parquet file" in done.stderr


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_table_is_read_alike_however_it_is_packed(tmp_path, dictionary):
    rows = [{"id": f"q{i}", "question": f"{i % 3}?", "options": ["a", "b", "c"][: 2 + i % 2]} for i in range(100)]
    rows = [
        row | {"answer": None if i % 5 == 0 else i % 2, "group": "g" if i % 2 else None} for i, row in enumerate(rows)
    ]
    table = pa.Table.from_pylist(rows)
    for kind in (
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
    ):
        at = table.schema.get_field_index("options")
        packed = table.set_column(at, "options", pa.array([row["options"] for row in rows], kind))
        pq.write_table(packed, tmp_path / "q.parquet", use_dictionary=dictionary, row_group_size=7)
        found = load_file(tmp_path / "q.parquet")
        assert [(q.id, q.question, list(q.options), q.answer, q.group or None) for q in found] == [
            tuple(row.values()) for row in rows
        ]


def test_a_row_of_too_many_options_is_named(tmp_path):
    options = pa.array([["a", "b"], ["a"] * 27, ["a", "b"]])
    (tmp_path / "q.parquet").write_bytes(written(ids(3), pa.array(["?"] * 3), options))
    with pytest.raises(ValueError, match=r"q\.parquet, row 2: 27 options, expected 2 to 26"):
        load_file(tmp_path / "q.parquet")


@pytest.mark.parametrize("column", [[[["a"]]], [{"a": 1}], [b"a"]])
def test_a_column_that_no_question_has_is_named_before_it_is_read(tmp_path, column):
    table = pa.table({"id": ["q"], "question": ["?"], "options": pa.array(column)})
    pq.write_table(table, tmp_path / "q.parquet")
    with pytest.raises(ValueError, match=r"q\.parquet: column options is '(list|struct|binary)"):
        load_file(tmp_path / "q.parquet")


def test_a_column_twice_is_named(tmp_path):
    table = pa.Table.from_arrays([ids(1), ids(1)], names=["id", "id"])
    pq.write_table(table, tmp_path / "q.parquet")
    with pytest.raises(ValueError, match=r"q\.parquet: two columns are called id"):
        load_file(tmp_path / "q.parquet")


def test_what_a_library_says_of_a_file_cannot_move_the_cursor(tmp_path):
    assert plain("a\x1b[2J\nb\x0f\u202ec", 20) == "a?[2J b??c"
    (tmp_path / "t.safetensors").write_bytes(struct.pack("<Q", 40) + b'{"a":{"dtype":"\x1b[2J\xc2\x9b"}}'.ljust(40))
    (tmp_path / "q.parquet").write_bytes(_thrift_of_an_unknown_type())
    np.savez(tmp_path / "a.npz", **{"\x1b[2J": np.array([{}], object)})
    for read, name in ((TraceStream, "t.safetensors"), (load_file, "q.parquet")):
        with pytest.raises(ValueError, match=name) as caught:
            read(tmp_path / name)
        assert str(caught.value).isprintable()
    with pytest.raises(ValueError, match=r"a\.npz") as caught:
        from_array_files(tmp_path / "a.npz", tmp_path / "a.npz")
    assert str(caught.value).isprintable()


def _thrift_of_an_unknown_type() -> bytes:
    """A footer whose first field is of type 15, which the reader repeats as it stands."""
    return b"PAR1" + b"\x1f" * 16 + struct.pack("<I", 16) + b"PAR1"


def test_no_text_of_a_trace_moves_the_cursor_of_a_terminal(tmp_path, capsys):
    made, evil = make_traces(n=6, layers=2), "\x1b]0;x\x07\x1b[2Jy\r\u202ez\x9b31m"
    path = tmp_path / "t.safetensors"
    replace(made, metadata={"plm": evil, evil: evil}, groups=(evil,) * 6).save(path)
    for command in (["info", str(path)], ["info", str(path), "--json"], ["fit", str(path), "--method", evil]):
        with pytest.raises(SystemExit):
            app(command)
        said = "".join(capsys.readouterr())
        assert "y" in said
        assert not set("\x1b\x07\r\x9b\u202e") & set(said)
    header = {"schema": "\x1b[2J" + "s" * 10**5, "question_ids": "[]"}
    path.write_bytes(save({"x": np.zeros(1)}, header))
    with pytest.raises(SystemExit):
        app(["info", str(path)])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert len(line) < 2100


def test_weights_that_are_a_circle_of_links_are_none(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="holds no weights"):
        check_folder(tmp_path)
    (tmp_path / "real.safetensors").write_bytes(b"")
    assert check_folder(tmp_path) == str(tmp_path)  # whether all weights are there is for the index to say


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_in_a_folder_of_a_model_is_named_and_not_waited_for(tmp_path, linked):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    assert check_folder(folder) == str(folder)
    place = tmp_path / "elsewhere" if linked else folder / "tokenizer.json"
    os.mkfifo(place)
    if linked:
        (folder / "tokenizer.json").symlink_to(place)
    with pytest.raises(ValueError, match=r"model: tokenizer\.json is no regular file"):
        check_folder(folder)


def test_starting_over_where_the_folder_is_a_link_does_not_go_on_with_its_batches(tmp_path):
    run = {"plm": "tiny"}
    Shards(tmp_path / "a.safetensors", run).write("plm", 0, np.zeros((1, 1, 2), np.float32))
    (tmp_path / "b.safetensors.part").symlink_to(tmp_path / "a.safetensors.part")
    with pytest.raises(ValueError, match=r"b\.safetensors\.part: cannot be removed to start over"):
        Shards(tmp_path / "b.safetensors", run, resume=False)
    assert Shards(tmp_path / "a.safetensors", run).missing("plm", 1) == []
