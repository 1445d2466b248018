"""Traces at their borders: files, streams, parts of a run, teams and progress; last allowed values, whole messages."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from messages_kit import refusal
from safetensors.numpy import save_file

from dualalign import Traces
from dualalign.questions import Question
from dualalign.traces import progress, reader, shards, team, validate
from dualalign.traces.again import Recorded
from dualalign.traces.artifact import write_whole
from dualalign.traces.reader import Reader
from dualalign.traces.shards import Shards
from dualalign.traces.stream import BLOCK_BYTES, TraceStream
from dualalign.traces.team import Team
from dualalign.traces.writing import TraceFile, merge

GIVEN = ("plm_logits", "polm_logits", "labels", "n_options")


def refused(case: str, call, *left_out) -> None:
    """Hold the message of a refusal against the one on file."""
    with refusal("traces", case, *left_out):
        call()


def same(a: Traces, b: Traces) -> bool:
    arrays = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in GIVEN)
    return arrays and (a.question_ids, a.groups, a.metadata) == (b.question_ids, b.groups, b.metadata)


# -- In memory and in one file ---------------------------------------------------------------------------------------


def test_a_trace_in_words(random_traces):
    traces = random_traces(8)
    assert repr(traces) == "Traces(8 questions, 6 layers, 4 options, random-base and random-chat)"
    assert repr(replace(traces, metadata={"plm": ""})).endswith(", unnamed and unnamed)")
    assert np.array_equal(traces.plm_final, traces.plm_logits[:, 5])
    assert np.array_equal(traces.polm_final, traces.polm_logits[:, 5])
    assert len(traces.select(np.array([]))) == 0
    with pytest.raises(IndexError):
        traces.select([1.0])


def test_what_none_of_the_parts_has_the_whole_has_not(random_traces):
    bare = replace(random_traces(4, padded=True), groups=())
    both = Traces.concat([bare, bare])
    assert (both.groups, both.order, len(both)) == ((), None, 8)
    order = np.where(bare.mask, np.arange(4)[::-1] - (4 - bare.n_options)[:, None], -1)
    permuted = replace(bare, order=order)
    assert replace(permuted, order=order.astype(np.int32)).order.dtype == np.int64
    assert np.array_equal(Traces.concat([permuted, permuted]).order, np.tile(order, (2, 1)))
    assert Traces.concat([bare, replace(bare, metadata={})]).metadata == bare.metadata
    mixed = Traces.concat([permuted, bare]).order
    assert np.array_equal(mixed[4:], np.where(bare.mask, np.arange(4), -1))


def test_an_order_is_saved_with_the_trace(random_traces, tmp_path):
    traces = random_traces(5, padded=True)
    order = np.where(traces.mask, np.arange(4), -1)
    replace(traces, order=order).save(tmp_path / "t")
    found = Traces.load(tmp_path / "t")
    assert np.array_equal(found.order, order)
    assert same(found, traces)
    replace(traces, question_ids=("é", *"bcde"), groups=("ü",) * 5, metadata={"plm": "ß"}).save(tmp_path / "t")
    assert all(letter.encode() in (tmp_path / "t").read_bytes() for letter in "éüß")  # not as \\u00e9
    assert np.array_equal(found.select([3, 1]).order, order[[3, 1]])


def test_the_least_and_the_most_that_a_field_may_hold(random_traces):
    traces = random_traces(4)
    ends = replace(traces, labels=np.array([-1, 1, 3, 0]), n_options=np.full(4, 4, np.uint8))
    assert ends.n_options.dtype == np.int64
    two = Traces(
        traces.plm_logits[..., :2], traces.polm_logits[..., :2], np.array([1, 0, -1, 1]), np.full(4, 2), list("abcd")
    )
    assert two.question_ids == ("a", "b", "c", "d")
    none = replace(traces.select([]), labels=[], n_options=[], question_ids=(), groups=())
    assert (len(none), none.labels.dtype) == (0, np.int64)
    assert replace(traces, question_ids=("\ud7ff", "\ue000", "", "x")).question_ids[:2] == ("\ud7ff", "\ue000")


def changed(array: np.ndarray, place, value) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


ORDER = np.tile(np.arange(4), (8, 1))
WRONG_FIELDS = {
    "a lone string as ids": lambda t: replace(t, question_ids="abcdefgh"),
    "half a character at the end": lambda t: replace(t, question_ids=("\udfff",) * 8),
    "a list of metadata": lambda t: replace(t, metadata=["plm"]),
    "a key of metadata that is no text": lambda t: replace(t, metadata={1: "a"}),
    "half a character in a key": lambda t: replace(t, metadata={"\ud800": "a"}),
    "an order of floats": lambda t: replace(t, order=ORDER * 1.0),
    "an order that repeats in row 2": lambda t: replace(t, order=changed(ORDER, (2, 0), 1)),
    "an order past the end": lambda t: replace(t, order=changed(ORDER, (3, 0), 4)),
    "PoLM logits of two axes": lambda t: replace(t, polm_logits=t.polm_logits[0]),
    "other options": lambda t: replace(t, plm_logits=t.plm_logits[..., :3]),
    "n_options of another length": lambda t: replace(t, n_options=t.n_options[1:]),
    "one option only": lambda t: replace(t, n_options=changed(t.n_options, 7, 1)),
    "a label of an option that is not there": lambda t: replace(
        t,
        labels=changed(t.labels, 6, 3),
        n_options=changed(t.n_options, 6, 3),
        plm_logits=changed(t.plm_logits, (6, slice(None), 3), -np.inf),
        polm_logits=changed(t.polm_logits, (6, slice(None), 3), -np.inf),
    ),
    "infinity past the options": lambda t: replace(
        t,
        n_options=changed(t.n_options, 5, 3),
        labels=np.zeros(8, int),
        plm_logits=changed(t.plm_logits, (5, slice(None), 3), np.inf),
        polm_logits=changed(t.polm_logits, (5, slice(None), 3), -np.inf),
    ),
    "NaN past the options": lambda t: replace(
        t,
        n_options=changed(t.n_options, 5, 3),
        labels=np.zeros(8, int),
        plm_logits=changed(t.plm_logits, (5, slice(None), 3), -np.inf),
        polm_logits=changed(t.polm_logits, (5, slice(None), 3), np.nan),
    ),
    "nothing to join": lambda t: Traces.concat([]),
    "two depths": lambda t: Traces.concat([t, replace(t, plm_logits=t.plm_logits[:, 1:])]),
}


@pytest.mark.parametrize("case", WRONG_FIELDS)
def test_a_bad_field_is_told_word_by_word(random_traces, case):
    refused(case, lambda: WRONG_FIELDS[case](random_traces(8)))


def text(path: Path) -> Path:
    path.write_text("no trace")
    return path


def test_places_for_files_are_told_word_by_word(random_traces, tmp_path):
    traces, here = random_traces(2), f"{tmp_path}"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for case, call in {
        "a pipe to load": lambda: Traces.load(tmp_path / "pipe"),
        "a folder to load": lambda: Traces.load(tmp_path / "folder"),
        "nothing to load": lambda: Traces.load(tmp_path / "absent"),
        "nothing to stream": lambda: TraceStream(tmp_path / "absent"),
        "a text to stream": lambda: TraceStream(text(tmp_path / "text")),
        "a text to load": lambda: Traces.load(text(tmp_path / "text")),
        "a pipe to save": lambda: traces.save(tmp_path / "pipe"),
        "a folder to save": lambda: traces.save(tmp_path / "folder"),
        "no folder": lambda: traces.save(tmp_path / "no" / "t"),
        "another type": lambda: traces.save(tmp_path / "t", "float64"),
        "beyond half precision": lambda: replace(traces, plm_logits=traces.plm_logits * 1e6).save(
            tmp_path / "t", "float16"
        ),
        "a place without a folder": lambda: write_whole(tmp_path / "no" / "t", b""),
    }.items():
        refused(case, call, here)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe", "text"]
    assert validate.check_target(tmp_path / "new", [tmp_path / "absent", tmp_path / "pipe"]) is None


@pytest.mark.filterwarnings("error")
def test_what_overflows_is_refused_without_a_warning_beside(random_traces, tmp_path):
    traces = random_traces(2)
    with pytest.raises(ValueError, match=r"^polm_logits is -?inf at question 0"):
        replace(traces, polm_logits=traces.polm_logits.astype(np.float64) * 1e60)
    big = replace(traces, polm_logits=traces.polm_logits * 1e6)
    for write in (lambda: big.save(tmp_path / "t", "float16"), lambda: written(big, tmp_path / "t")):
        with pytest.raises(ValueError, match=r"^polm_logits holds values beyond float16 \(65504\); store float32$"):
            write()
    assert list(tmp_path.iterdir()) == []


def written(traces: Traces, path: Path) -> None:
    with TraceFile(path, 2, 4, (6, 6), traces.question_ids, [], {}, "float16") as file:
        file.write([0, 1], traces)


def test_a_file_written_whole_has_the_bytes_on_disk_before_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((os.fstat(file).st_size, (tmp_path / "t").exists())))
    write_whole(tmp_path / "t", b"12345")
    assert seen == [(5, False)]
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def tampered(path: Path, **more) -> Path:
    traces = {"plm_logits": np.zeros((2, 1, 2), np.float32), "labels": np.zeros(2, np.int64)}
    traces |= {"polm_logits": traces["plm_logits"], "n_options": np.full(2, 2)} | more.pop("tensors", {})
    strings = {"schema": "dualalign/traces/1", "question_ids": '["a", "b"]'} | more
    save_file({k: v for k, v in traces.items() if v is not None}, path, {k: v for k, v in strings.items() if v})
    return path


@pytest.mark.parametrize("read", [Traces.load, TraceStream], ids=["whole", "stream"])
def test_a_file_that_lacks_or_has_too_much_is_told_word_by_word(tmp_path, read):
    path = tmp_path / "t"
    assert len(read(tampered(path))) == 2
    zeros = np.zeros(2)
    for case, more in {
        "all is lacking": {"tensors": dict.fromkeys(GIVEN) | {"order": np.zeros((2, 2), np.int64)}, "question_ids": ""},
        "too much": {"tensors": {"zz": zeros, "aa": zeros}},
        "orders of floats": {"tensors": {"order": np.zeros((2, 2))}},
        "counts of floats": {"tensors": {"n_options": zeros}},
        "double precision": {"tensors": {"polm_logits": np.zeros((2, 1, 2))}},
        "groups that are no list": {"groups": "3"},
        "no JSON": {"question_ids": "["},
    }.items():
        refused(case, lambda more=more: read(tampered(path, **more)), f"{tmp_path}/")


# -- A stream --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("questions", "rows"), [(0, 1), (1, 1), (1.99, 1), (2, 2), (9, 9)])
def test_a_block_holds_as_many_questions_as_fit(random_traces, tmp_path, questions, rows):
    random_traces(9, (2, 5), 3).save(tmp_path / "t")
    stream = TraceStream(tmp_path / "t", block_bytes=int(questions * 4 * (2 + 5) * 3))
    assert stream.rows == rows
    assert [(part.start, part.stop) for part, _ in stream.blocks()] == [
        (i, min(i + rows, 9)) for i in range(0, 9, rows)
    ]
    assert BLOCK_BYTES == 2**24
    assert TraceStream(tmp_path / "t").rows == 2**24 // (4 * 7 * 3)


def test_all_that_a_file_holds_comes_in_blocks(random_traces, tmp_path):
    traces = random_traces(7, (2, 5), 4, padded=True)
    traces = replace(traces, order=np.where(traces.mask, np.arange(4), -1))
    for dtype in ("float32", "float16"):
        traces.save(tmp_path / "t", dtype)
        stream = TraceStream(str(tmp_path / "t"), block_bytes=300)
        parts = [part for _, part in stream.blocks()]
        assert len(parts) > 2
        whole = Traces.load(tmp_path / "t")
        assert same(Traces.concat(parts), whole)
        assert np.array_equal(np.concatenate([part.order for part in parts]), traces.order)
    assert (len(stream), stream.n_layers, stream.passes) == (7, 5, 1)
    assert stream.metadata == traces.metadata
    assert stream.shapes["order"] == (7, 4)
    last = stream.last_layer()
    assert last is stream.last_layer()
    assert stream.passes == 2
    assert np.array_equal(last.plm_logits, whole.plm_logits[:, -1:])
    assert np.array_equal(last.polm_logits, whole.polm_logits[:, -1:])
    assert (last.question_ids, last.groups, last.metadata) == (traces.question_ids, traces.groups, traces.metadata)
    replace(traces, groups=()).save(tmp_path / "t")
    assert [part.groups for _, part in TraceStream(tmp_path / "t").blocks()] == [()]


def test_a_file_that_changes_or_does_not_fit_is_told_word_by_word(random_traces, tmp_path):
    path = tmp_path / "t"
    random_traces(6, 2, 3).save(path)
    stream = TraceStream(path)
    os.truncate(path, path.stat().st_size - 1)
    refused("a file that became shorter", lambda: list(stream.blocks()), f"{tmp_path}/")
    tampered(path, question_ids='["a"]')
    refused("an id too few in a stream", lambda: list(TraceStream(path).blocks()), f"{tmp_path}/")
    tampered(path, groups='["a"]')
    refused("a group too few in a stream", lambda: list(TraceStream(path).blocks()), f"{tmp_path}/")
    tampered(path, tensors={"labels": np.array([0, 9])})
    refused("a bad block", lambda: list(TraceStream(path, 1).blocks()), f"{tmp_path}/")
    tampered(path, tensors={"polm_logits": np.zeros((2, 1, 2), np.uint8)})
    refused("bytes as logits", lambda: TraceStream(path), f"{tmp_path}/")
    tampered(path, tensors={"labels": np.zeros(3, np.int64)})
    refused("a label too many", lambda: TraceStream(path), f"{tmp_path}/")
    tampered(path, tensors={"order": np.zeros(2, np.int64)})
    refused("an order of one axis", lambda: TraceStream(path), f"{tmp_path}/")


# -- Written in pieces, and joined -----------------------------------------------------------------------------------


def opened(path: Path, n: int = 4) -> TraceFile:
    return TraceFile(path, n, 4, (2, 2), [str(i) for i in range(n)], [], {})


def failing(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["truncate", "pwrite", "fsync", "replace"])
def test_a_full_disk_is_one_line_wherever_it_shows(random_traces, tmp_path, monkeypatch, name):
    def write():
        with opened(tmp_path / "t", 2) as file:
            if name == "fsync":
                monkeypatch.setattr(os, name, failing)
            file.write([1, 0], random_traces(2, 2))

    if name != "fsync":
        monkeypatch.setattr(os, name, failing)
    refused("a full disk", write, f"{tmp_path}/")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir() if path.name == "t"] == []


def test_a_full_disk_half_way_is_one_line(random_traces, tmp_path, monkeypatch):
    def write():
        with opened(tmp_path / "t", 2) as file:
            monkeypatch.setattr(os, "pwrite", failing)
            file.write([1, 0], random_traces(2, 2))

    refused("a full disk", write, f"{tmp_path}/")
    assert list(tmp_path.iterdir()) == []


def test_one_row_at_a_time_gives_the_bytes_of_save(random_traces, tmp_path):
    traces = random_traces(6, (2, 3), padded=True)
    strings = {"question_ids": tuple("äöü") + tuple("abc"), "groups": ("é",) * 6, "metadata": {"plm": "ß"}}
    traces = replace(traces, order=np.where(traces.mask, np.arange(4), -1), **strings)
    traces.save(tmp_path / "whole")
    with TraceFile(tmp_path / "rows", 6, 4, (2, 3), *list(strings.values())[:2], {"plm": "ß"}, permuted=True) as file:
        for row in range(6):
            one = traces.select([row])
            k = int(one.n_options[0])  # no wider than its question
            file.write([row], replace(one, **{name: getattr(one, name)[..., :k] for name in (*GIVEN[:2], "order")}))
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "whole").read_bytes()


def test_rows_and_parts_must_be_as_many(random_traces, tmp_path):
    with pytest.raises(ValueError, match="zip"), opened(tmp_path / "t") as file:
        file.write([1, 0, 2], random_traces(2, 2))
    with pytest.raises(ValueError, match="dtype is 'float64'"):
        TraceFile(tmp_path / "t", 1, 4, (2, 2), ["a"], [], {}, "float64")
    with pytest.raises(ValueError, match="zip"):
        TraceFile(tmp_path / "t", 1, 4, (2, 2, 2), ["a"], [], {})


def test_a_file_in_the_making_is_readable_as_any_other(random_traces, tmp_path):
    with opened(tmp_path / "t", 2) as file:
        assert file.sibling.name == f".t.{os.getpid()}.tmp"
        assert file.sibling.stat().st_mode & 0o777 == 0o666 & ~umask()
        file.write([1, 0], random_traces(2, 2))
    assert Traces.load(tmp_path / "t").question_ids == ("0", "1")


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def parts(traces: Traces, folder: Path, **second) -> list[Path]:
    """A trace in two files, the second changed."""
    paths = [folder / "1", folder / "2"]
    traces.select(slice(0, 2)).save(paths[0])
    replace(traces.select(slice(2, None)), **second).save(paths[1])
    return paths


def test_joined_files_keep_what_they_have(random_traces, tmp_path):
    traces = replace(random_traces(5, (2, 3), padded=True), groups=())
    found = Traces.load(merge(parts(traces, tmp_path), tmp_path / "out", "float16"))
    assert same(found, replace(found, groups=()))
    assert found.groups == ()
    header = (tmp_path / "out").read_bytes()[8:400].decode("utf-8", "ignore")
    assert '"F16"' in header
    grouped = Traces.load(merge(parts(traces, tmp_path, groups=("x",) * 3), tmp_path / "out"))
    assert grouped.groups == ("", "", "x", "x", "x")
    order = np.where(traces.mask, np.arange(4), -1)
    permuted = replace(traces, order=order, question_ids=("a", "b", "a", "b", "a"))
    paths = parts(permuted, tmp_path)
    assert same(Traces.load(merge(paths, str(tmp_path / "out"))), permuted)
    assert np.array_equal(Traces.load(tmp_path / "out").order, order)


@pytest.mark.parametrize("key", ["plm", "polm", "prompt", "variant", "dtype"])
def test_files_of_two_kinds_are_told_word_by_word(random_traces, tmp_path, key):
    traces = random_traces(5)
    paths = parts(traces, tmp_path, metadata={k: v for k, v in traces.metadata.items() if k != key} | {key: "other"})
    refused(f"another {key}", lambda: merge(paths, tmp_path / "out"), f"{tmp_path}/")


def test_files_that_do_not_belong_together_are_told_word_by_word(random_traces, tmp_path):
    traces, here = random_traces(5, (2, 3)), f"{tmp_path}/"
    refused("no file to join", lambda: merge([], tmp_path / "out"), here)
    order = np.tile(np.arange(4), (3, 1))
    for case, second in {
        "one permuted": {"order": order},
        "the PLM deeper": {"plm_logits": traces.polm_logits[2:]},
        "the PoLM shallower": {"polm_logits": traces.plm_logits[2:]},
        "a question twice": {"question_ids": ("x", "y", "q0")},
    }.items():
        paths = parts(traces, tmp_path, **second)
        refused(case, lambda paths=paths: merge(paths, tmp_path / "out"), here)
    refused("its own file", lambda: merge(paths, paths[0]), here)
    assert not (tmp_path / "out").exists()


# -- Finished batches of a run ---------------------------------------------------------------------------------------


def kept(folder: Path, run: dict | None = None, **more) -> Shards:
    return Shards(folder / "t", {"a": 1} if run is None else run, **more)


def test_a_batch_comes_back_as_it_was(tmp_path):
    one, logits = kept(tmp_path), np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert one.missing("plm", 2) == [0, 1]
    one.write("plm", 1, logits)
    assert np.array_equal(one.read("plm", 1, 2), logits)
    assert np.array_equal(np.load(one.path("plm", 1)), logits)
    assert (one.missing("plm", 3), one.missing("polm", 2)) == ([0, 2], [0, 1])
    assert sorted(path.name for path in one.folder.iterdir()) == ["plm-000001.npy", "run.json"]
    assert json.loads((one.folder / "run.json").read_text()) == {"a": 1}
    again = kept(tmp_path, {"a": 1})
    assert again.missing("plm", 2) == [0]
    assert kept(tmp_path, {"b": 1}, resume=False).missing("plm", 2) == [0, 1]
    again.remove()
    assert not again.folder.exists()


def test_processes_write_to_names_of_their_own(tmp_path, monkeypatch):
    one, names = kept(tmp_path), []
    one.team = Team(3, 4)
    monkeypatch.setattr(os, "replace", lambda a, b: names.append((Path(a).name, Path(b).name)))
    monkeypatch.setattr(os, "fsync", lambda file: names.append(os.fstat(file).st_size > 128 + 32))
    one.write("polm", 12, np.zeros((1, 1, 2), np.float32))
    assert names == [True, ("polm-000012.3.tmp", "polm-000012.npy")]


@pytest.mark.parametrize("array", [np.zeros((2, 3), np.float32), np.zeros((3, 1, 2), np.float32), np.zeros((2, 1, 2))])
def test_a_batch_of_another_kind_is_damaged(tmp_path, array):
    one = kept(tmp_path)
    one.write("plm", 0, array)
    refused("a damaged batch", lambda: one.read("plm", 0, 2), f"{tmp_path}/")


class Trap:
    def __reduce__(self):
        return pytest.fail, ("a batch was unpickled",)


def test_no_batch_is_pickled_or_unpickled(tmp_path):
    one, file = kept(tmp_path), io.BytesIO()
    with pytest.raises(ValueError, match="allow_pickle=False"):
        one.write("plm", 0, np.array([[[None]]]))
    np.save(file, np.array([[[Trap()]]]), allow_pickle=True)
    path = one.path("plm", 0)
    path.write_bytes(file.getvalue() + shards._digest(path, file.getvalue()))
    refused("a damaged batch", lambda: one.read("plm", 0, 1), f"{tmp_path}/")


def test_a_batch_that_is_too_large_is_damaged(tmp_path, monkeypatch):
    one = kept(tmp_path)
    one.write("plm", 0, np.zeros((2, 1, 2), np.float32))
    size = one.path("plm", 0).stat().st_size
    monkeypatch.setattr(shards, "_MOST", size)
    assert len(one.read("plm", 0, 2)) == 2
    monkeypatch.setattr(shards, "_MOST", size - 1)
    refused("a damaged batch", lambda: one.read("plm", 0, 2), f"{tmp_path}/")


def test_what_is_shared_is_noted(tmp_path):
    one, here = kept(tmp_path), f"{tmp_path}/"
    assert one.noted("plm") is None
    for n in (0, 7, 2**31 - 1):
        one.note("plm", n)
        assert one.noted("plm") == n
    for text in (
        '{"shared tokens": -1}',
        '{"shared tokens": 2147483648}',
        '{"shared tokens": true}',
        "{}",
        "[1]",
        "x",
        "3",
    ):
        (one.folder / "plm.json").write_text(text)
        refused("a damaged note", lambda: one.noted("plm"), here)
    (one.folder / "plm.json").unlink()
    (one.folder / "plm.json").symlink_to(tmp_path / "absent")
    refused("a damaged note", lambda: one.noted("plm"), here)


def test_folders_that_cannot_be_used_are_told_word_by_word(tmp_path, monkeypatch):
    here = f"{tmp_path}/"
    one = kept(tmp_path, {f"key {i}": i for i in range(12)})
    refused("another run", lambda: kept(tmp_path, {}), here)
    refused("other keys", lambda: kept(tmp_path, {f"key {i}": i for i in range(10)} | {"more": 1}), here)
    (one.folder / "run.json").write_text(json.dumps({"k" * 99: 1}))
    refused("a long key", lambda: kept(tmp_path, {}), here)
    for text in ("[]", "x"):
        (one.folder / "run.json").write_text(text)
        refused("a damaged run", lambda: kept(tmp_path), here)
    refused("several to start over", lambda: kept(tmp_path, resume=False, team=Team(0, 2)), here)
    one.remove()
    (tmp_path / "t.part").symlink_to(tmp_path)
    refused("a link to start over", lambda: kept(tmp_path, resume=False), here)
    (tmp_path / "t.part").unlink()
    (tmp_path / "t.part").write_text("")
    refused("a file in its place", lambda: kept(tmp_path), here)


def test_the_first_waits_until_every_batch_is_there(tmp_path, monkeypatch):
    one, asked = kept(tmp_path), []
    monkeypatch.setattr(Team, "wait", lambda self, missing: asked.append(missing()))
    one.write("plm", 0, np.zeros((1, 1, 2), np.float32))
    one.wait("plm", 3)
    assert asked == [[1, 2]]


# -- Teams -----------------------------------------------------------------------------------------------------------


def clock(monkeypatch, module, times: list[float]) -> list[float]:
    """Put a clock in the place of a module's; returns the times that were slept."""
    slept, left = [], iter(times)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(left), sleep=slept.append))
    return slept


def test_patience_begins_anew_with_every_batch(monkeypatch):
    slept = clock(monkeypatch, team, [0, 10, 10, 20, 20, 30, 30])
    left = [[1, 2, 3], [2, 3], [3], []]
    Team(0, 2).wait(lambda: left.pop(0), patience=10)
    assert (left, slept) == ([], [0.2] * 3)
    clock(monkeypatch, team, [0, 1800, 1800.1])
    refused("patience", lambda: Team(0, 2).wait(lambda: [4, 5]))
    clock(monkeypatch, team, [0])
    Team(0, 2).wait(list)


@pytest.mark.parametrize("words", [("1", "1"), ("-1", "2"), ("x", "2"), ("0", "0"), ("0", "x"), ("", "")])
def test_words_that_make_no_team(monkeypatch, words):
    for name, value in zip(("RANK", "WORLD_SIZE"), words, strict=True):
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"^RANK='.*' and WORLD_SIZE='.*' make no team; start with accelerate launch$"):
        Team.here()


def test_half_of_what_a_launcher_says(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert Team.here() == Team(0, 3)
    assert [Team(1, 3).share([0, 1, 4, 5]), Team(0, 3).leads, Team(1, 3).leads] == [[1, 4], True, False]
    monkeypatch.delenv("WORLD_SIZE")
    assert Team.here() == Team()


@pytest.mark.parametrize("cards", [False, True])
def test_a_team_gathers_where_its_devices_are(monkeypatch, cards):
    met = []
    state = lambda cpu: SimpleNamespace(wait_for_everyone=lambda: met.append(cpu))  # noqa: E731
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: cards)))
    monkeypatch.setitem(sys.modules, "accelerate", SimpleNamespace(PartialState=state))
    Team(0, 1).gather()
    assert met == []
    Team(1, 2).gather()
    assert met == [not cards]


# -- Reading what does not fit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cards", [False, True])
def test_memory_is_given_back(monkeypatch, cards):
    emptied = []
    cuda = SimpleNamespace(is_available=lambda: cards, empty_cache=lambda: emptied.append("cards"))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(reader.gc, "collect", lambda: emptied.append("rest"))
    reader.release()
    assert emptied == (["rest", "cards"] if cards else ["rest"])


def test_halves_are_filled_up_to_the_most_options(monkeypatch):
    monkeypatch.setattr(reader, "release", lambda: None)

    def lens(prompts, options):
        if len(prompts) > 1:
            raise MemoryError
        return np.full((1, 1, len(options[0])), len(options[0]), np.float32)

    found = Reader(SimpleNamespace(name="m"), lens)([[1], [1], [1]], [[0, 1], [0, 1, 2], [0, 1]])
    assert found[:, 0].tolist() == [[2, 2, -np.inf], [3, 3, 3], [2, 2, -np.inf]]


def test_the_least_that_failed_is_remembered(monkeypatch):
    monkeypatch.setattr(reader, "release", lambda: None)
    sizes = []

    def lens(prompts, options):
        sizes.append(len(prompts) * max(map(len, prompts)))
        if sizes[-1] >= 12:
            raise MemoryError
        return np.zeros((len(prompts), 1, 2), np.float32)

    read = Reader(SimpleNamespace(name="m"), lens)
    assert read.too_much == float("inf")
    assert read([[1] * 4] * 3, [[0, 1]] * 3).shape == (3, 1, 2)
    assert (read.too_much, sizes) == (12, [12, 8, 4])
    assert read([[1] * 2] * 8, [[0, 1]] * 8).shape == (8, 1, 2)
    assert (read.too_much, sizes[3:]) == (12, [8, 8])
    refused("one question too large", lambda: read([[1] * 12], [[0, 1]]))


# -- Progress --------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_the_rate(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    clock(monkeypatch, progress, [100.0, 102.0, 104.0])
    with progress.progress("polm chat", 40, 20) as advance:
        advance(4)
        advance(6)
    frames = [frame.strip() for frame in re.split(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]", screen.getvalue())]
    text = " ".join(" ".join(frames).split())
    assert text.startswith("polm chat ━")
    assert re.search(r"━ 20/40 [-:\d]{7} ", text)  # no rate before the first batch
    assert re.search(r"━ 30/40 2.5 questions/s [-:\d]{7}$", text)  # of this run: 10 questions in 4 seconds


def test_the_first_instant_is_no_division_by_zero():
    from rich.progress import Progress

    bar = Progress(disable=True)
    task = bar.add_task("", total=5, completed=2, rate="")
    now = time.monotonic() + 1000  # a start that is still to come
    progress._advance(bar, task, 0, 2, now)
    assert bar.tasks[0].fields["rate"] == "0.0 questions/s"
    progress._advance(bar, task, 1, 2, now)
    assert (bar.tasks[0].completed, bar.tasks[0].fields["rate"]) == (3, "1000000000.0 questions/s")


def test_lines_come_every_thirty_seconds(monkeypatch, capsys):
    clock(monkeypatch, progress, [100.0, 129.9, 130.0, 159.9, 160.0])
    with progress.progress("plm base", 90) as advance:
        for n in (1, 2, 3, 4):
            advance(n)
    assert capsys.readouterr().err.splitlines() == [
        "plm base: 3 of 90 questions, 0.1 a second, 14 min 30 s left",
        "plm base: 10 of 90 questions, 0.17 a second, 8 min 0 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(60, "1 min 0 s"), (3600, "1 h 0 min"), (86_399, "23 h 59 min"), (86_400, "1 d 0 h")]
)
def test_units_begin_where_they_are_whole(seconds, words):
    assert progress.duration(seconds) == words


# -- A finished trace in the place of its PLM ------------------------------------------------------------------------


def test_a_finished_trace_says_what_its_plm_was(random_traces):
    traces = random_traces(3, padded=True)
    said = {"plm": "base", "dtype": "float16 / float32", "device": "cuda / cpu", "softcap": "30 / none"}
    found = Recorded(replace(traces, metadata=said))
    assert (found.name, found.dtype, found.device, found.softcap) == ("base", "float16", "cuda", "30")
    bare = Recorded(replace(traces, metadata={}))
    assert (bare.name, bare.dtype, bare.device, bare.softcap) == ("", "", "", "")


def test_a_finished_trace_answers_its_own_questions(random_traces):
    traces = replace(random_traces(4), metadata={"prompt": "letters"})
    asked = [Question(f"q{i}", "?", ("a", "b", "c", "d")) for i in (2, 0)]
    recorded = Recorded(traces)
    recorded.check(asked, [4, 4], "letters", "")
    assert np.array_equal(recorded.read(asked, 3), traces.plm_logits[[2, 0], :, :3])
    Recorded(replace(traces, metadata={"prompt": "letters", "variant": "please"})).check(
        asked, [4, 4], "letters", "please"
    )
    refused("another style", lambda: recorded.check(asked, [4, 4], "choices", ""))
    refused("another wording", lambda: recorded.check(asked, [4, 4], "letters", "please"))
    refused("fewer options", lambda: recorded.check(asked, [4, 3], "letters", ""))
    refused("another question", lambda: recorded.check([Question("new", "?", ("a", "b"))], [2], "letters", ""))
    refused("nothing said", lambda: Recorded(replace(traces, metadata={})).check(asked, [4, 4], "letters", ""))
    with pytest.raises(ValueError, match="zip"):
        recorded.check(asked, [4], "letters", "")
