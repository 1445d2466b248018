"""Files that are no results: crafted JSON, foreign bytes, pipes. One line that names the file; nothing left behind."""

from __future__ import annotations

import json
import os
import random

import pytest
from imports_kit import DATA, SAMPLES, helm_state, lm_eval_rows, write_helm, write_jsonl

from dualalign.traces.imports import from_helm, from_lm_eval, from_logprobs, reading

READERS = {"lm-eval": from_lm_eval, "helm": from_helm, "logprobs": from_logprobs}
CONTENTS = {
    "empty": b"",
    "blank lines": b"\n\n \n",
    "no JSON": b"hello",
    "bytes": bytes(range(128, 256)),
    "half a row": json.dumps(lm_eval_rows("base")[0]).encode()[:400],
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a deep row": b'{"doc_id": 1, "arguments": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a long number": b'{"doc_id": ' + b"9" * 10_000 + b"}",
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "NaN": b"NaN",
    "zip": b"PK\x03\x04" + bytes(100),
    "safetensors": b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
    "half a character as an id": b'{"id": "\\ud800", "custom_id": "\\ud800", "doc_id": "\\ud800"}',
    "a state of nothing": b'{"adapter_spec": {}, "request_states": []}',
    "a state of numbers": b'{"adapter_spec": 7, "request_states": [1, 2]}',
    "a state that ends": b'{"adapter_spec": {"method": "multiple_choice_joint"}, "request_states": [{"instance": {',
    "a key that is no text": b"{3: 4}",
    "a comma too many": b'{"request_states": [,]}',
}


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("case", CONTENTS)
def test_a_foreign_file_is_named_in_one_line(format, case, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(CONTENTS[case])
    with pytest.raises(ValueError, match=r"x\.json") as caught:
        READERS[format](path, path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + 2 * len(str(path))


@pytest.mark.parametrize("format", READERS)
def test_pipes_folders_and_nothing_are_refused_at_once(format, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, message in (("pipe", "is no regular file"), ("absent", "does not exist")):
        with pytest.raises(ValueError, match=message):
            READERS[format](tmp_path / name, tmp_path / name)
    with pytest.raises(ValueError, match=r"is a folder|holds no samples|scenario_state\.json: does not exist"):
        READERS[format](tmp_path, tmp_path)


def test_a_folder_of_pipes_is_refused(tmp_path):
    os.mkfifo(tmp_path / "samples_a_2026-01-01T00-00-00.1.jsonl")
    with pytest.raises(ValueError, match="is no regular file"):
        from_lm_eval(tmp_path, tmp_path)


def test_a_name_that_is_no_name_is_not_taken_from_the_results(tmp_path):
    for content in ("[" * 100_000, '{"model_name": 3}', "x", '{"model_name": "\\ud800"}'):
        for model in ("base", "chat"):
            (tmp_path / model).mkdir(exist_ok=True)
            write_jsonl(tmp_path / model / SAMPLES, lm_eval_rows(model))
            (tmp_path / model / SAMPLES.replace("samples_tiny_cloze", "results").replace(".jsonl", ".json")).write_text(
                content
            )
        assert from_lm_eval(tmp_path / "base", tmp_path / "chat").metadata["plm"] == SAMPLES


def test_rows_and_files_have_a_largest_size(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROW", 2**12)
    with pytest.raises(ValueError, match="row 2: longer than 0 MiB"):
        from_lm_eval(*[write_jsonl(tmp_path / "x.jsonl", [lm_eval_rows("base")[0], {"a": "b" * 5000}])] * 2)
    run = write_helm(tmp_path, "base", lambda state: state["request_states"][1].update(annotations={"a": "b" * 5000}))
    with pytest.raises(ValueError, match=r"request_states\[1\]: longer than 0 MiB"):
        from_helm(run, run)
    monkeypatch.setattr(reading, "MAX_FILE", 2**10)
    with pytest.raises(ValueError, match="more than 0; split the run"):
        from_helm(run, run)


def test_a_byte_order_mark_blank_lines_and_carriage_returns_are_no_harm(tmp_path):
    for model in ("base", "chat"):
        text = "\ufeff\r\n" + "\r\n\r\n".join(json.dumps(row, ensure_ascii=False) for row in lm_eval_rows(model))
        (tmp_path / f"{model}.jsonl").write_bytes(text.encode())
    assert len(from_lm_eval(tmp_path / "base.jsonl", tmp_path / "chat.jsonl")) == 4


def test_a_state_laid_out_in_any_way_is_read_alike(tmp_path):
    plain = from_helm(*[write_helm(tmp_path, model) for model in ("base", "chat")])
    for indent in (None, 2, "\t"):
        for model in ("base", "chat"):
            folder = write_helm(tmp_path, model)
            state = dict(reversed(helm_state(model).items())) | {
                "annotator_specs": [],
                "more": [{"request_states": [1]}],
            }
            (folder / "scenario_state.json").write_text("\n" + json.dumps(state, indent=indent) + "\r\n ")
        again = from_helm(*[tmp_path / f.name for f in sorted(tmp_path.iterdir())])
        assert (again.polm_final == plain.polm_final).all()


@pytest.mark.parametrize("format", ["lm-eval", "helm"])
def test_damaged_bytes_never_end_in_another_error(format, tmp_path):
    """300 copies of a real file, each cut or with bytes changed: read, or refused in one line."""
    source = DATA / ("lm_eval/base/" + SAMPLES if format == "lm-eval" else "helm/base.json")
    raw, rng, messages = source.read_bytes(), random.Random(0), []
    path = tmp_path / "x.json"
    for _ in range(300):
        changed = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.2 else raw)
        for _ in range(rng.randrange(1, 4)):
            if changed:
                changed[rng.randrange(len(changed))] = rng.choice(b'0{}[]",:n \\x\xff-')
        path.write_bytes(changed)
        try:
            READERS[format](path, path)
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all("x.json" in message and "\n" not in message for message in messages)
