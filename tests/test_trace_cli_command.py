"""The command ``dualalign trace``: a file from two folders, one line for every bad input, and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from models_kit import save_tiny, tiny_questions

from dualalign import Traces
from dualalign.cli import app
from dualalign.questions import save_file

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with two models and a question file."""
    desk = tmp_path_factory.mktemp("desk")
    for seed, name in enumerate(("base", "chat")):
        save_tiny(desk / name, seed=seed)
    save_file(tiny_questions(), desk / "questions.jsonl")
    return desk


def arguments(desk: Path, out: Path, /, **changes) -> list[str]:
    given = {"plm": desk / "base", "polm": desk / "chat", "questions": desk / "questions.jsonl", "out": out}
    given |= {"style": "choices", "device": "cpu", "batch_size": 2} | changes
    words = [(f"--{name.replace('_', '-')}", value) for name, value in given.items()]
    return ["trace", *(str(w) for pair in words for w in pair if w is not True)]


def invoke(args: list[str], capsys) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as e:
        app(args)
    captured = capsys.readouterr()
    return e.value.code, captured.out, captured.err


def test_two_folders_and_a_file_give_a_trace(desk, tmp_path, capsys):
    out = tmp_path / "t.safetensors"
    code, said, error = invoke(arguments(desk, out), capsys)
    assert (code, error) == (0, "")
    assert said == f"{out}: 12 questions, 3 layers, base and chat\n"
    traces = Traces.load(out)
    assert traces.metadata["questions"].startswith("questions.jsonl, sha256 ")
    assert traces.metadata["prompt"] == "choices"


def test_some_questions_can_be_taken(desk, tmp_path, capsys):
    out = tmp_path / "t.safetensors"
    assert invoke(arguments(desk, out, limit=3, plm_name="B"), capsys)[0] == 0
    first = Traces.load(out)
    assert first.question_ids == ("q0", "q1", "q2")
    assert first.metadata["plm"] == "B"
    assert ", first 3 of 12, sha256 " in first.metadata["questions"]
    assert invoke(arguments(desk, out, sample=5, seed=1), capsys)[0] == 0
    some = Traces.load(out)
    assert len(set(some.question_ids)) == 5
    assert list(some.question_ids) == sorted(some.question_ids, key=lambda i: int(i[1:]))
    assert ", 5 of 12 at random, seed 1, sha256 " in some.metadata["questions"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plm": "./nope"}, "./nope: no such model"),
        ({"polm": "/nope/model"}, "/nope/model: no such model"),
        ({"plm": "package:none"}, "package:none: no such packaged model"),
        ({"questions": "nope.jsonl"}, "nope.jsonl: no such question file"),
        ({"questions": "nope"}, "nope: no such question set"),
        ({"style": "riddle"}, "style: unknown prompt style 'riddle'"),
        ({"out": "/nope/t.safetensors"}, "/nope/t.safetensors: folder /nope does not exist"),
        ({"dtype": "int4"}, "dtype: 'int4' is unknown"),
        ({"device": "tpu9"}, "device: 'tpu9' cannot be used here"),
        ({"plm_adapter": "nope"}, "nope: no readable adapter_config.json"),
        ({"batch_size": 0}, "--batch-size"),
        ({"limit": 2, "sample": 2}, "--limit and --sample: give one of them"),
        ({"plm_revision": "v1"}, "a revision (v1) belongs to a hub id"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(desk, tmp_path, capsys, changes, words):
    code, said, error = invoke(arguments(desk, tmp_path / "t.safetensors", **changes), capsys)
    assert (code, said) == (2, "")
    assert words in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_question_file_is_never_overwritten(desk, tmp_path, capsys):
    file = tmp_path / "q.jsonl"
    file.write_text('{"id": "t", "question": "is it ?", "options": ["red", "blue"]}\n')
    before = file.read_bytes()
    code, _, error = invoke(arguments(desk, file, questions=file), capsys)
    assert code == 2
    assert "would be overwritten" in error
    assert file.read_bytes() == before


def test_weights_are_not_read_before_the_questions_are_checked(desk, tmp_path, capsys, monkeypatch):
    from dualalign.models import ModelSpec

    def never(self):
        raise AssertionError("weights were read")

    monkeypatch.setattr(ModelSpec, "load", never)
    (tmp_path / "twins.jsonl").write_text('{"id": "t", "question": "is it ?", "options": ["red cat", "red dog"]}\n')
    code, _, error = invoke(arguments(desk, tmp_path / "o", questions=tmp_path / "twins.jsonl"), capsys)
    assert code == 2
    assert "question 't'" in error


def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(desk, tmp_path, capsys, monkeypatch):
    import torch

    whole, out = tmp_path / "whole", tmp_path / "killed"
    assert invoke(arguments(desk, whole), capsys)[0] == 0
    part = tmp_path / "killed.part"
    command = [sys.executable, "-c", STUCK, *arguments(desk, out, quiet=True)]
    threads = str(torch.get_num_threads())  # bytes are promised for one number of threads only
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads})
    try:
        while process.poll() is None and len(list(part.glob("*.npy"))) < 8:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    (part / "polm-000002.tmp").write_bytes(b"what a kill in the middle of writing leaves")
    sizes = count_batches(monkeypatch)
    assert invoke(arguments(desk, out), capsys)[0] == 0
    assert out.read_bytes() == whole.read_bytes()
    assert sizes == [2] * 4  # of six batches of each model, eight were done
    assert not part.exists()


def count_batches(monkeypatch) -> list[int]:
    """Record the size of every batch of questions that is computed from now on."""
    from dualalign.traces.reader import Reader

    def counted(self, prompts, ids):
        sizes.append(len(prompts))
        return read(self, prompts, ids)

    sizes, read = [], Reader.__call__
    monkeypatch.setattr(Reader, "__call__", counted)
    return sizes


STUCK = """
import sys, time
from dualalign.cli import app
from dualalign.models import Lens
call, calls = Lens.__call__, []

def stuck(*args):
    calls.append(args)
    if len(calls) == 1 + 6 + 1 + 3:  # each lens checks itself once; then, in the second model's third batch
        time.sleep(600)
    return call(*args)

Lens.__call__ = stuck
app(sys.argv[1:])
"""
