"""A thousand broken files for the loaders (make fuzz: a hundred thousand), what they found, and the fuzzing itself."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz_folders_kit import KINDS, RUN, read_config
from fuzz_kit import broken, drawn, run
from fuzz_loaders_kit import _npy, array_files, rows
from imports_kit import helm_state, lm_eval_rows, write_jsonl

from dualalign.models.folder import check_folder
from dualalign.models.placing import placing
from dualalign.models.spec import adapter_config
from dualalign.questions import load_file
from dualalign.traces.imports import from_array_files, from_helm, from_lm_eval, from_logprobs, reading
from dualalign.traces.imports.missing import Choice, pick
from dualalign.traces.imports.pair import Answer, Run
from dualalign.traces.imports.spans import Echo, per_token
from dualalign.traces.shards import Shards


def refused(read, *paths, match=None) -> str:
    """The one line of a refusal, which names the first of the paths."""
    with pytest.raises(ValueError, match=match) as caught:
        read(*paths)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert str(paths[0]) in message
    assert len(message) < 1500
    return message


def test_a_thousand_broken_files_are_read_or_refused():
    seed = 0 if "CI" in os.environ else secrets.randbelow(10**6)
    counts, faults, _ = run(seed, range(1000))
    assert not faults, "replay one with python tests/fuzz_kit.py and\n" + "\n".join(faults)
    for kind in KINDS:  # the seeds are valid and the changes are felt
        assert counts[kind, "loaded"] > 5, kind
        assert counts[kind, "refused"] > 5, kind


# -- The fuzzing itself --------------------------------------------------------------------------------------------


def test_a_case_is_its_number():
    again = [[broken(KINDS[name], rng) for name, rng in [drawn(3, number)]] for number in [*range(60)] * 2]
    first, second = (
        [hashlib.sha256(repr(one).encode()).hexdigest() for one in half] for half in (again[:60], again[60:])
    )
    assert first == second
    assert len(set(first)) > 50


PLANTED = {
    "raise KeyError('x')": "KeyError",
    "raise ValueError('no file is named')": "the file is not named",
    "raise ValueError(f'{at}: one\\ntwo')": "more than one line",
    "raise ValueError(f'{at}: ' + 'x' * 9999)": "very long",
    "raise ValueError(f'{at}: {(at.parent / \"secret\").read_text()}')": "another file's content is told",
    "warnings.warn('beware')": "a warning: UserWarning: beware",
    "assert 1 == 2, 'no invariant'": "AssertionError: no invariant",
    "pickle.loads(b'N.')": "a pickle was read",
    "os.system('true')": "os.system",
    "b = bytearray(2**29); b[::4096] = b'x' * len(b[::4096])": "memory grew by",
    "bytearray(2**34)": "MemoryError",
    "exec('while True: pass')": "no end in sight",
    "os._exit(3)": "the process died",
}


def test_every_kind_of_fault_is_seen(tmp_path):
    """A worker whose readers do what no reader may."""
    body = "\n    ".join(f"if number == {i}:\n        {line}" for i, line in enumerate(PLANTED))
    script = f"""
import os, pickle, sys, warnings
sys.path.insert(0, {str(Path(__file__).parent)!r})
import fuzz_kit
def read(at, rng):
    number = rng
    {body}
fuzz_kit.CPU_SECONDS = 0.5
fuzz_kit.KINDS.clear()
fuzz_kit.KINDS["planted"] = fuzz_kit.Kind(lambda rng: {{"a": b""}}, read)
fuzz_kit.broken = lambda kind, rng: ({{"a": b""}}, "")
fuzz_kit.drawn = lambda seed, number: ("planted", number)
fuzz_kit.__file__ = __file__
if "--worker" in sys.argv:
    sys.exit(fuzz_kit.main())
for fault in fuzz_kit.run(0, range({len(PLANTED)}))[1]:
    print(fault.replace(chr(10), " "))
"""
    (tmp_path / "planted.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "planted.py"], capture_output=True, text=True, timeout=600)
    found = done.stdout.splitlines()
    assert len(found) == len(PLANTED), done.stderr[-2000:]
    for line, expected in zip(found, PLANTED.values(), strict=True):
        assert expected in line


# -- What it has found ---------------------------------------------------------------------------------------------


def test_what_never_ends_is_not_read(tmp_path):
    """A link to a device, a pipe, a file of the system that has no end: as JSON, at once."""
    part = tmp_path / "t.safetensors.part"
    part.mkdir()
    links = [lambda path, to=to: path.symlink_to(to) for to in ("/dev/zero", "/proc/self/mem", ".")]
    for i, make in enumerate([os.mkfifo, *links]):
        folder = tmp_path / f"m{i}"
        folder.mkdir()
        files = [tmp_path / f"{i}.json", folder / "model.safetensors.index.json", folder / "adapter_config.json"]
        for path in files:
            make(path)
        refused(lambda path: placing(str(path), None), files[0])
        refused(adapter_config, files[2].parent)
        files[2].unlink()
        for name in ("config.json", "a.safetensors"):
            (files[1].parent / name).write_text("{}")
        refused(check_folder, files[1].parent, match="not an index of weights")
        (part / "run.json").unlink(missing_ok=True)
        make(part / "run.json")
        refused(lambda path: Shards(path.with_suffix(""), RUN), part, match=r"run\.json: damaged")


DEEP = "[" * 5000 + "]" * 5000


def test_json_without_bottom_is_refused_in_folders(tmp_path):
    part = tmp_path / "t.safetensors.part"
    part.mkdir()
    for path in (part / "run.json", part / "plm.json", tmp_path / "adapter_config.json"):
        path.write_text(DEEP)
    refused(adapter_config, tmp_path)
    refused(lambda path: Shards(path.with_suffix(""), RUN), part, match=r"run\.json: damaged")
    (part / "run.json").unlink()
    shards = Shards(tmp_path / "t.safetensors", RUN)
    for content in (DEEP, '{"shared tokens": Infinity}', '{"shared tokens": -1}', '{"shared tokens": true}'):
        (part / "plm.json").write_text(content)
        refused(lambda path: shards.noted("plm"), part / "plm.json")


@pytest.mark.parametrize(
    "text", ["(" * 60, "{'descr': '<f4', 'shape': ('\\d',)}", "{'descr': '<f4', 'fortran_order': 1, 'shape': (2**9,"]
)
def test_a_batch_with_a_right_checksum_and_a_wrong_header_is_damaged(tmp_path, text):
    shards = Shards(tmp_path / "t.safetensors", RUN)
    path = shards.path("plm", 0)
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    path.write_bytes(array + hashlib.sha256(path.name.encode() + b"\n" + array).digest())
    refused(lambda path: shards.read("plm", 0, 1), path, match="damaged")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}'])
def test_a_generation_config_that_cannot_be_written_again_is_refused(tmp_path, text):
    path = tmp_path / "generation_config.json"
    path.write_text(text)
    refused(lambda path: read_config(path.parent, random.Random(0)), path, match="not a JSON object")
    assert path.read_text() == text


@pytest.mark.parametrize(("levels", "fine"), [(40, True), (70, False), (900, False)])
def test_a_config_is_as_deep_as_configs_are(tmp_path, levels, fine):
    path = tmp_path / "generation_config.json"
    path.write_text('{"a": [' + "[" * levels + "1" + "]" * levels + "]}")
    if fine:
        assert read_config(tmp_path, random.Random(0))["a"]
    else:
        refused(lambda path: read_config(path.parent, random.Random(0)), path, match="not a JSON object")


def parquet(path: Path, **changes) -> Path:
    pq.write_table(
        pa.table({name: [row.get(name) for row in rows()] for name in ("id", "question", "options")} | changes), path
    )
    return path


def test_parquet_that_spells_out_gigabytes_is_not_unpacked(tmp_path):
    """A file of some kilobytes: 300 MB of text in rows of their own, or one text of 270 MB."""
    path, n = tmp_path / "q.parquet", 600
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * 2**19]))
    options = pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * n + 1, 2, dtype=np.int32)), pa.array(["a", "b"] * n))
    pq.write_table(pa.table({"id": np.arange(n), "question": text, "options": options}), path, compression="zstd")
    assert path.stat().st_size < 2**20
    refused(load_file, path, match="spells out more than 256 MiB of text")
    pq.write_table(pa.table({"id": ["x" * (270 << 20)]}), path, compression="zstd")
    refused(load_file, path, match="far more than its size allows")


def test_parquet_of_other_types_is_one_line(tmp_path):
    bad = pa.array([b"\xff\xed\xa0\x80"] * 4, pa.binary())
    no_text = pa.StringArray.from_buffers(4, bad.buffers()[1], bad.buffers()[2])
    refused(load_file, parquet(tmp_path / "q.parquet", question=no_text), match="not a readable Parquet file")
    long = "x" * 10**5
    assert "answer is 'xxx" in refused(load_file, parquet(tmp_path / "q.parquet", answer=[long] * 4))
    refused(
        load_file,
        parquet(tmp_path / "q.parquet", question=["x" * 2**21] * 4),
        match="question has 2,097,152 characters",
    )
    kept = load_file(parquet(tmp_path / "q.parquet", other=bad))  # a column that no question has is not read
    assert [q.id for q in kept] == ["id0", "id1", "id2", "id3"]


def test_parquet_in_a_folder_of_partitions_is_the_file_alone(tmp_path):
    (tmp_path / "group=7").mkdir()
    assert load_file(parquet(tmp_path / "group=7/q.parquet"))[1].group == ""


def test_values_in_messages_about_questions_are_short(tmp_path):
    for change in (
        {"id": [["a"] * 9999]},
        {"options": ["a", {"b" * 9999: 1}]},
        {"answer": "y" * 9999},
        {"id": "i" * 9999},
    ):
        row = rows()[1] | change
        refused(load_file, write_jsonl(tmp_path / "q.jsonl", [row, row]))


def test_arrays_and_questions_that_do_not_fit_name_the_file(tmp_path):
    for name, content in array_files(random.Random(2)).items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "a.npy", np.zeros((4, 2, 3), np.float32))
    np.save(tmp_path / "none.npy", np.float32(0))
    questions = write_jsonl(tmp_path / "q.jsonl", rows(3))
    refused(from_array_files, *[tmp_path / "a.npy"] * 2, None, questions, match="3 questions for arrays of 4")
    refused(from_array_files, *[tmp_path / "none.npy"] * 2, None, questions, match="for arrays of no shape")
    with zipfile.ZipFile(tmp_path / "ids.npz", "w") as archive:
        archive.writestr("logits.npy", _npy(np.zeros((4, 3))))
    with pytest.raises(ValueError, match=r"ids\.npz: holds no array option_ids"):
        from_array_files(tmp_path / "a.npy", tmp_path / "a.npy", tmp_path / "ids.npz")


@pytest.mark.filterwarnings("error")
def test_numbers_that_overflow_warn_of_nothing_and_are_refused(tmp_path):
    arrays = {"residual": np.full((1, 1, 2), 3e38, np.float32), "unembed": np.full((3, 2), -3e38, np.float32)}
    np.savez(tmp_path / "a.npz", option_ids=np.array([0, 1]), **arrays)
    refused(from_array_files, *[tmp_path / "a.npz"] * 2, match="a logit must be finite")


def test_scores_beyond_single_precision_are_named(tmp_path):
    row = lm_eval_rows("base")[0]
    row["arguments"] = {f"gen_args_{i}": {"arg_0": "" if i > 1 else "x", "arg_1": " ab"[: 2 + i % 2]} for i in range(4)}
    row |= {"filtered_resps": [[2.9e38], [1.0], [-2.9e38], [1.0]], "target": "0"}
    path = write_jsonl(tmp_path / "x.jsonl", [row])
    refused(from_lm_eval, path, path, "pmi", match=r"row 1: the score of an option is 5\.8e\+38")


def test_runs_with_nothing_in_common_are_named(tmp_path):
    paths = [write_jsonl(tmp_path / f"{i}.jsonl", [lm_eval_rows("base")[i]]) for i in range(2)]
    refused(lambda *both: from_lm_eval(*both, unmatched="drop"), *paths, match="no question in common")


@pytest.mark.parametrize("n", [400, 40_000])
def test_more_options_than_any_question_has_are_refused_before_they_are_compared(tmp_path, n):
    row = {"question_id": "a", "options": [str(i) for i in range(n)], "logprobs": [{str(i): -1.0 for i in range(n)}]}
    path = write_jsonl(tmp_path / "x.jsonl", [row])
    refused(from_logprobs, path, path, match=f"row 1: {n} options")
    state = helm_state("base")
    state["request_states"][0]["instance"]["references"] = [{"output": {"text": "a"}, "tags": []}] * n
    (tmp_path / "scenario_state.json").write_text(json.dumps(state))
    refused(from_helm, tmp_path, tmp_path, match=f"{n} options")


def test_scores_of_many_tokens_take_one_look_at_each():
    """Linear in tokens: 300,000 of them would take minutes if each option, or each token, went over all."""
    tokens = [(f"t{i}", -9.0) for i in range(300_000)]
    options = tuple(f"t{i}" for i in range(256))
    assert pick(Run("m"), "a", Choice(options, tokens, "x"), "error") == (-9.0,) * 256
    echo = Echo(("a",) * 300_000, [-1.0] * 300_000)
    assert per_token(echo, "a" * 300_000, "x", "option 0") == -1.0


def test_text_behind_a_state_is_refused(tmp_path):
    (tmp_path / "scenario_state.json").write_bytes(json.dumps(helm_state("base")).encode() + b"\n%PDF-1.7")
    refused(from_helm, tmp_path, tmp_path, match="goes on behind its JSON object")


def test_a_key_of_several_lines_is_told_in_one(tmp_path):
    (tmp_path / "scenario_state.json").write_text('{"a\\nb": }')
    refused(from_helm, tmp_path, tmp_path, match="not JSON")


def test_ids_of_thousands_of_digits_are_refused(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [lm_eval_rows("base")[0] | {"doc_id": 10**4000}])
    refused(from_lm_eval, path, path, match="doc_id has 4,001 characters")


def test_a_name_too_long_for_a_file_is_a_missing_one(tmp_path):
    for name in ("config.json", "a.safetensors"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "w" * 5000}}))
    refused(check_folder, tmp_path, match="lacks www")
    refused(load_file, Path(f"{tmp_path}/{'q' * 300}.jsonl"), match="no such question file")


def test_a_score_is_a_number_that_single_precision_holds():
    run = Run("m")
    with pytest.raises(ValueError, match="x, row 1: the score of an option is nan"):
        run.add(Answer("a", ("b", "c"), (0.0, float("nan")), "x, row 1"))


def test_reading_leaves_what_is_right_alone(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((1, 1, 2), np.float32))
    (tmp_path / "a.npy").write_bytes(buffer.getvalue())
    assert len(from_array_files(tmp_path / "a.npy", tmp_path / "a.npy")) == 1
    assert [where for where, _ in reading.jsonl(write_jsonl(tmp_path / "x.jsonl", [{"a": 1}]))] == [
        f"{tmp_path / 'x.jsonl'}, row 1"
    ]


def test_a_file_that_says_nothing_of_its_size_is_not_read_to_the_limit(tmp_path, monkeypatch):
    """A file of the system may say that it is empty, and have no end: a gigabyte was read before that was noticed."""
    from dualalign import bounded

    path = tmp_path / "endless.json"
    path.write_bytes(b" " * 5000)
    monkeypatch.setattr(bounded, "_GROWTH", -4000)  # it holds more than it said
    with pytest.raises(ValueError, match="or no end"):
        bounded.content(path)
    monkeypatch.setattr(bounded, "_GROWTH", 1 << 20)
    assert len(bounded.content(path)) == 5000
    with pytest.raises(ValueError, match="has more than"):
        bounded.content(path, 4999)
