"""The trace file as others see it: its JSON Schema, and a reader of 30 lines that shares no code with ours."""

from __future__ import annotations

import copy
import importlib.util
import json
import struct
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import dualalign as da

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = sorted((ROOT / "data/traces").glob("*.safetensors"))
READER = ROOT / "examples/read_trace.py"
SCHEMA = json.loads(files("dualalign.traces").joinpath("schema.json").read_text("utf-8"))


def header(path: Path) -> dict:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def saved(random_traces, tmp_path):
    """A fresh file, with an order as permuted traces have it."""
    from dataclasses import replace

    traces = random_traces(6, (4, 5), 3)
    replace(traces, order=np.tile([2, 0, 1], (6, 1))).save(tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


def test_every_shipped_trace_and_a_fresh_one_follow_the_schema(validator, saved):
    assert len(SHIPPED) > 50
    for path in (*SHIPPED, saved):
        found = header(path)
        validator.validate(found)
        inner = SCHEMA["$defs"]["strings"]["contentSchema"]
        for name in ("question_ids", "groups"):
            jsonschema.validate(json.loads(found["__metadata__"].get(name, "[]")), inner)


def test_the_schema_knows_every_key_of_the_metadata_that_is_written():
    known = set(SCHEMA["properties"]["__metadata__"]["properties"])
    assert {key for path in SHIPPED for key in header(path)["__metadata__"]} <= known
    from dualalign.traces.imports import from_lm_eval

    runs = [ROOT / "tests/data/imports/lm_eval" / model for model in ("base", "chat")]
    assert set(from_lm_eval(*runs).metadata) <= known


def _at(found: dict, *keys: str, value: object) -> None:
    for key in keys[:-1]:
        found = found[key]
    found[keys[-1]] = value


BROKEN = {
    "another schema": lambda h: _at(h, "__metadata__", "schema", value="dualalign/traces/2"),
    "no metadata": lambda h: h.pop("__metadata__"),
    "no ids": lambda h: h["__metadata__"].pop("question_ids"),
    "metadata that is no string": lambda h: _at(h, "__metadata__", "plm", value=3),
    "no labels": lambda h: h.pop("labels"),
    "an unknown array": lambda h: _at(h, "more", value=h["labels"]),
    "two axes": lambda h: _at(h, "plm_logits", "shape", value=[6, 3]),
    "no layer": lambda h: _at(h, "plm_logits", "shape", value=[6, 0, 3]),
    "one option": lambda h: _at(h, "polm_logits", "shape", value=[6, 5, 1]),
    "a negative axis": lambda h: _at(h, "labels", "shape", value=[-6]),
    "doubles": lambda h: _at(h, "plm_logits", "dtype", value="F64"),
    "labels of floats": lambda h: _at(h, "labels", "dtype", value="F32"),
    "an order of one axis": lambda h: _at(h, "order", "shape", value=[6]),
    "three offsets": lambda h: _at(h, "labels", "data_offsets", value=[0, 1, 2]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_the_loader_refuses_the_schema_refuses(case, validator, saved, tmp_path):
    found = copy.deepcopy(header(saved))
    BROKEN[case](found)
    assert not validator.is_valid(found)
    text = json.dumps(found).encode()
    raw = saved.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    with pytest.raises(ValueError, match=r"x\.safetensors"):
        da.Traces.load(tmp_path / "x.safetensors")


def reader():
    spec = importlib.util.spec_from_file_location("read_trace", READER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_trace


def chosen(saved: Path) -> list[Path]:
    """Half precision with padded rows, two depths, permuted options, single precision."""
    names = ("dpo__arc-challenge__choices", "smollm2__arc-easy__cloze", "sft4__arc-easy__choices__permutations")
    return [*(ROOT / "data/traces" / f"{name}.safetensors" for name in names), saved]


def test_thirty_lines_read_what_we_read(saved):
    padded = 0
    for path in chosen(saved):
        arrays, metadata = reader()(path)
        traces = da.Traces.load(path)
        padded += int((traces.n_options < traces.mask.shape[1]).sum())
        for name in ("plm_logits", "polm_logits", "labels", "n_options"):
            assert arrays[name].dtype == getattr(traces, name).dtype
            assert np.array_equal(arrays[name], getattr(traces, name))
        assert (traces.order is None) == ("order" not in arrays)
        assert traces.order is None or np.array_equal(arrays["order"], traces.order)
        assert tuple(metadata.pop("question_ids")) == traces.question_ids
        assert tuple(metadata.pop("groups")) == traces.groups
        assert metadata == traces.metadata
    assert padded > 100
    assert header(chosen(saved)[0])["plm_logits"]["dtype"] == "F16"


def test_the_reader_is_short_and_needs_numpy_alone(saved):
    text = READER.read_text("utf-8")
    assert len(text.splitlines()) <= 30
    imported = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imported == {"json", "struct", "sys", "numpy"}
    said = subprocess.run([sys.executable, READER, saved], capture_output=True, text=True, check=True).stdout
    assert "'polm_logits': (6, 5, 3)" in said
    assert "random-base random-chat" in said
