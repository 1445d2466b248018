"""The trace file: what goes in comes out, the same content gives the same bytes, and nothing is half-written."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from messages_kit import refusal

import dualalign as da
from dualalign.traces import SCHEMA


def same(a: da.Traces, b: da.Traces) -> bool:
    arrays = ("plm_logits", "polm_logits", "labels", "n_options")
    fields = ("question_ids", "groups", "metadata")
    return all(np.array_equal(getattr(a, x), getattr(b, x)) for x in arrays) and all(
        getattr(a, x) == getattr(b, x) for x in fields
    )


@pytest.mark.parametrize("layers", [6, (3, 7)])
@pytest.mark.parametrize("padded", [False, True])
def test_a_file_returns_what_was_saved(random_traces, tmp_path, layers, padded):
    traces = random_traces(20, layers, 5, padded=padded)
    traces.save(tmp_path / "t.safetensors")
    assert same(da.Traces.load(tmp_path / "t.safetensors"), traces)


def test_same_content_gives_the_same_bytes(random_traces, tmp_path):
    names = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for i, name in enumerate(names[:5]):  # the order in which metadata is given must not show either
        traces = random_traces(5)
        keys = np.random.default_rng(i).permutation(list(traces.metadata))
        shuffled = {str(key): traces.metadata[key] for key in keys}
        da.Traces(traces.plm_logits, traces.polm_logits, traces.labels, traces.n_options, traces.question_ids,
                  traces.groups, shuffled).save(name)  # fmt: skip
    da.Traces.load(names[0]).save(names[5])
    assert len({name.read_bytes() for name in names}) == 1


def test_the_file_is_plain_safetensors_as_designed(random_traces, tmp_path):
    from safetensors import safe_open

    random_traces(4).save(tmp_path / "t.safetensors")
    with safe_open(str(tmp_path / "t.safetensors"), framework="np") as file:
        assert set(file.keys()) == {"plm_logits", "polm_logits", "labels", "n_options"}
        metadata = file.metadata()
        assert file.get_tensor("labels").dtype == np.int64
    assert metadata["schema"] == SCHEMA == "dualalign/traces/1"
    assert json.loads(metadata["question_ids"]) == ["q0", "q1", "q2", "q3"]
    content = (tmp_path / "t.safetensors").read_bytes()
    assert struct.unpack("<Q", content[:8])[0] % 8 == 0


def test_non_ascii_ids_survive(random_traces, tmp_path):
    traces = random_traces(2)
    named = da.Traces(traces.plm_logits, traces.polm_logits, traces.labels, traces.n_options, ("é", '"\n—'))
    named.save(tmp_path / "t.safetensors")
    assert da.Traces.load(tmp_path / "t.safetensors").question_ids == ("é", '"\n—')


def test_float16_on_disk_is_float32_in_memory(random_traces, tmp_path):
    traces = random_traces(10, padded=True)
    traces.save(tmp_path / "t.safetensors", dtype="float16")
    loaded = da.Traces.load(tmp_path / "t.safetensors")
    assert loaded.plm_logits.dtype == np.float32
    assert np.array_equal(loaded.mask, traces.mask)
    real = np.isfinite(traces.polm_logits)
    np.testing.assert_allclose(loaded.polm_logits[real], traces.polm_logits[real], rtol=1e-3, atol=1e-6)


def test_float16_refuses_what_it_cannot_hold(random_traces, tmp_path):
    big = random_traces(3, scale=1e6)
    with pytest.raises(ValueError, match="polm_logits holds values beyond float16"):
        big.save(tmp_path / "t.safetensors", dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing(random_traces, tmp_path, monkeypatch):
    path = tmp_path / "t.safetensors"
    random_traces(3).save(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match=r"t\.safetensors: cannot be written .No space left"):
        random_traces(4).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("index", [[3, 1, 1], slice(2, 9, 3), np.arange(12) % 2 == 0, [], np.array([-1])])
def test_select_takes_the_same_rows_of_everything(random_traces, index):
    traces = random_traces(12, padded=True)
    rows = np.arange(12)[index if not isinstance(index, list) else np.array(index, dtype=int)]
    part = traces.select(index)
    assert len(part) == len(rows)
    assert np.array_equal(part.polm_logits, traces.polm_logits[rows])
    assert np.array_equal(part.labels, traces.labels[rows])
    assert part.question_ids == tuple(f"q{i}" for i in rows)
    assert part.groups == tuple(f"group-{i % 3}" for i in rows)


def test_concat_of_parts_is_the_whole(random_traces):
    traces = random_traces(9, padded=True)
    assert same(da.Traces.concat([traces.select(slice(0, 4)), traces.select(slice(4, 9))]), traces)


def test_concat_pads_joins_metadata_and_fills_orders(random_traces):
    wide, narrow = random_traces(3, k=5), random_traces(2, k=3)
    order = np.array([[2, 0, 1], [1, 2, 0]])
    permuted = da.Traces(narrow.plm_logits, narrow.polm_logits, narrow.labels, narrow.n_options, narrow.question_ids,
                         metadata={"plm": "other", "prompt": "letters"}, order=order)  # fmt: skip
    both = da.Traces.concat([wide, permuted])
    assert both.mask.tolist() == [[True] * 5] * 3 + [[True] * 3 + [False] * 2] * 2
    assert both.metadata["plm"] == "random-base + other"
    assert both.metadata["prompt"] == "letters"
    assert both.groups[3:] == ("", "")
    assert both.order.tolist() == [[0, 1, 2, 3, 4]] * 3 + [[2, 0, 1, -1, -1], [1, 2, 0, -1, -1]]


def test_concat_refuses_other_depths_and_nothing(random_traces):
    with pytest.raises(ValueError, match="different depths"):
        da.Traces.concat([random_traces(2, 4), random_traces(2, 5)])
    with pytest.raises(ValueError, match="parts is empty"):
        da.Traces.concat([])


def test_float64_logits_are_taken_and_overflow_is_refused(random_traces):
    traces = random_traces(2)
    kept = da.Traces(traces.plm_logits.astype(np.float64), *fields(traces)[1:])
    assert kept.plm_logits.dtype == np.float32
    with pytest.raises(ValueError, match=r"plm_logits is -?inf at question 0"):
        da.Traces(traces.plm_logits.astype(np.float64) * 1e60, *fields(traces)[1:])


def fields(traces: da.Traces) -> list:
    return [traces.plm_logits, traces.polm_logits, traces.labels, traces.n_options, traces.question_ids]


def broken(traces: da.Traces, name: str, value) -> dict:
    names = ("plm_logits", "polm_logits", "labels", "n_options", "question_ids", "groups", "metadata")
    return {key: getattr(traces, key) for key in names} | {name: value}


def changed(array: np.ndarray, place, value) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


BAD_FIELDS = {
    "two axes": ("plm_logits", lambda t: t.plm_logits[0], r"plm_logits has shape \(6, 4\)"),
    "one option": ("plm_logits", lambda t: t.plm_logits[:, :, :1], "at least 2 options"),
    "no layer": ("polm_logits", lambda t: t.polm_logits[:, :0], r"polm_logits has shape \(8, 0, 4\)"),
    "other questions": ("plm_logits", lambda t: t.plm_logits[1:], "questions and options must match"),
    "whole-number logits": ("plm_logits", lambda t: np.zeros((8, 6, 4), dtype=int), "not floating point"),
    "NaN": (
        "polm_logits",
        lambda t: changed(t.polm_logits, (2, 1, 0), np.nan),
        "is nan at question 2 .id 'q2'., layer 2",
    ),
    "infinite": ("plm_logits", lambda t: changed(t.plm_logits, (0, 5, 1), np.inf), "is inf at question 0"),
    "-inf in an option": ("plm_logits", lambda t: changed(t.plm_logits, (0, 5, 1), -np.inf), "must be finite"),
    "labels too short": ("labels", lambda t: t.labels[:-1], r"labels has shape \(7,\) for 8 questions"),
    "label too large": ("labels", lambda t: changed(t.labels, 3, 4), "labels is 4 at question 3"),
    "label too small": ("labels", lambda t: changed(t.labels, 3, -2), "labels is -2 at question 3"),
    "label of floats": ("labels", lambda t: t.labels.astype(float), "labels is float64, not integer"),
    "no options": ("n_options", lambda t: changed(t.n_options, 1, 0), "n_options is 0 at question 1"),
    "more options than K": ("n_options", lambda t: changed(t.n_options, 1, 5), "must lie in 2..4"),
    "ids too short": ("question_ids", lambda t: t.question_ids[:-1], "question_ids holds 7 ids for 8 questions"),
    "ids not strings": ("question_ids", lambda t: range(8), "question_ids must be a sequence of strings"),
    "half a character in an id": ("question_ids", lambda t: ("\ud800",) * 8, "with half a character"),
    "half a character in the metadata": ("metadata", lambda t: {"plm": "\udfff"}, "with half a character"),
    "no groups at all": ("groups", lambda t: None, "groups must be a sequence of strings"),
    "no metadata at all": ("metadata", lambda t: None, "metadata is a NoneType"),
    "groups too short": ("groups", lambda t: ("a",), "groups holds 1 names for 8 questions"),
    "metadata not strings": ("metadata", lambda t: {"a": 1}, "metadata 'a' is a int"),
    "order of another shape": ("order", lambda t: np.zeros((8, 3), dtype=int), r"order has shape \(8, 3\)"),
    "order that repeats": ("order", lambda t: np.zeros((8, 4), dtype=int), "order is no permutation"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_field_is_named_in_one_line(random_traces, case):
    name, value, message = BAD_FIELDS[case]
    traces = random_traces(8)
    with refusal("fields", case, match=message):
        da.Traces(**broken(traces, name, value(traces)))


def test_padding_that_is_not_minus_infinity_is_named(random_traces):
    traces = random_traces(8)
    fewer = broken(traces, "n_options", changed(traces.n_options, 1, 2)) | {"labels": np.zeros(8, dtype=int)}
    with pytest.raises(ValueError, match=r"plm_logits is .* at question 1 .*option 2, past its 2 options"):
        da.Traces(**fewer)


def test_a_foreign_schema_in_the_metadata_does_not_spoil_the_file(random_traces, tmp_path):
    traces = random_traces(8)
    da.Traces(**broken(traces, "metadata", {"schema": "other", "plm": "g"})).save(tmp_path / "t.safetensors")
    assert da.Traces.load(tmp_path / "t.safetensors").metadata == {"schema": "dualalign/traces/1", "plm": "g"}
