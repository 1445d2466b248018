"""Files that are no traces: truncated, lying, foreign or crafted. One line that names the file; never a crash."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
from messages_kit import refusal
from safetensors.numpy import save

import dualalign as da


def tensors(n: int = 3, **changes) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=(n, 2, 4)).astype(np.float32) for name in ("plm_logits", "polm_logits")}
    made |= {"labels": np.zeros(n, dtype=np.int64), "n_options": np.full(n, 4)}
    return {name: value for name, value in (made | changes).items() if value is not None}


def metadata(n: int = 3, **changes) -> dict[str, str]:
    made = {"schema": "dualalign/traces/1", "question_ids": json.dumps([f"q{i}" for i in range(n)]), "groups": "[]"}
    return {name: value for name, value in (made | changes).items() if value is not None}


GOOD = save(tensors(), metadata())


def with_header(change) -> bytes:
    (length,) = struct.unpack("<Q", GOOD[:8])
    header = json.loads(GOOD[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + GOOD[8 + length :]


def offsets(header: dict) -> None:
    header["labels"]["data_offsets"][1] += 1 << 40


def overlap(header: dict) -> None:
    header["polm_logits"]["data_offsets"] = header["plm_logits"]["data_offsets"]


def huge_shape(header: dict) -> None:
    header["plm_logits"]["shape"] = [1 << 62, 1 << 62, 4]


def negative_shape(header: dict) -> None:
    header["plm_logits"]["shape"] = [-3, 2, 4]


class Trap:
    def __reduce__(self):
        return pytest.fail, ("the file was unpickled",)


NOT_SAFETENSORS = {
    "empty": b"",
    "text": b"question,answer\nwhat is this?,a table\n",
    "pickle": pickle.dumps(Trap()),
    "zip": b"PK\x03\x04" + bytes(64),
    "seven bytes": GOOD[:7],
    "header size beyond the file": struct.pack("<Q", 1 << 20) + GOOD[8:],
    "header size beyond memory": struct.pack("<Q", (1 << 63) + 5) + GOOD[8:],
    "header cut short": GOOD[:40],
    "tensor cut short": GOOD[:-8],
    "one byte missing": GOOD[:-1],
    "bytes after the end": GOOD + bytes(16),
    "extra-long header": struct.pack("<Q", 1 << 27) + b'{"a":' + b" " * 64 + GOOD,
    "header is not JSON": struct.pack("<Q", 8) + b"\xff" * 8,
    "header is a list": struct.pack("<Q", 8) + b"[1,2,3] ",
    "deeply nested header": struct.pack("<Q", 20_000) + b"[" * 20_000,
    "offsets beyond the file": with_header(offsets),
    "overlapping tensors": with_header(overlap),
    "shape that overflows": with_header(huge_shape),
    "negative shape": with_header(negative_shape),
    "unknown type": GOOD.replace(b'"F32"', b'"F33"'),
}

NOT_TRACES = {
    "no schema": (tensors(), metadata(schema=None), "no schema in its metadata"),
    "no metadata": (tensors(), None, "no schema in its metadata"),
    "another schema": (tensors(), metadata(schema="dualalign/traces/9"), "schema 'dualalign/traces/9'"),
    "foreign tensors": ({"weight": np.zeros((2, 2))}, {"format": "pt"}, "no schema in its metadata"),
    "no labels": (tensors(labels=None), metadata(), "lacks labels"),
    "no ids": (tensors(), metadata(question_ids=None), "lacks question_ids"),
    "one tensor too many": (tensors(weight=np.zeros(2)), metadata(), "unknown tensors weight"),
    "float64 logits": (tensors(plm_logits=np.zeros((3, 2, 4))), metadata(), "plm_logits is float64"),
    "whole-number logits": (tensors(plm_logits=np.zeros((3, 2, 4), dtype=int)), metadata(), "plm_logits is int64"),
    "int32 labels": (tensors(labels=np.zeros(3, dtype=np.int32)), metadata(), "labels is int32"),
    "ids are not JSON": (tensors(), metadata(question_ids="q0,q1"), "question_ids is not JSON"),
    "ids nest too deep": (tensors(), metadata(question_ids="[" * 100_000), "question_ids is not JSON"),
    "ids are an object": (tensors(), metadata(question_ids="{}"), "question_ids is a JSON dict"),
    "ids are numbers": (tensors(), metadata(question_ids="[1, 2, 3]"), "question_ids must be a sequence of strings"),
    "ids too few": (tensors(), metadata(n=2), "question_ids holds 2 ids for 3 questions"),
    "NaN": (tensors(polm_logits=np.full((3, 2, 4), np.nan, np.float32)), metadata(), "polm_logits is nan"),
    "labels out of range": (tensors(labels=np.array([0, 4, 0])), metadata(), "labels is 4 at question 1"),
}


@pytest.mark.parametrize("case", NOT_SAFETENSORS)
def test_not_a_safetensors_file(tmp_path, case):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(NOT_SAFETENSORS[case])
    with pytest.raises(ValueError, match="not a whole safetensors file") as caught:
        da.Traces.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", NOT_TRACES)
def test_a_safetensors_file_that_is_no_trace(tmp_path, case):
    arrays, strings, message = NOT_TRACES[case]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(save(arrays, strings))
    with refusal("not_traces", case, f"{tmp_path}/", match=message):
        da.Traces.load(path)


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "cut.safetensors"
    for length in range(0, len(GOOD), 7):
        path.write_bytes(GOOD[:length])
        with pytest.raises(ValueError, match="not a whole safetensors file"):
            da.Traces.load(path)


def test_missing_file_and_folders(random_traces, tmp_path):
    with pytest.raises(ValueError, match=r"none\.safetensors: does not exist; give the path of a trace file"):
        da.Traces.load(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="is a folder"):
        da.Traces.load(tmp_path)
    with pytest.raises(ValueError, match="is a folder; give a file name"):
        random_traces(2).save(tmp_path)
    with pytest.raises(ValueError, match="does not exist; give a file name in an existing folder"):
        random_traces(2).save(tmp_path / "no" / "t.safetensors")


def test_the_good_file_is_good(tmp_path):
    (tmp_path / "good.safetensors").write_bytes(GOOD)
    assert len(da.Traces.load(tmp_path / "good.safetensors")) == 3
