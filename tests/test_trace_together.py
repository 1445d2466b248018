"""Real processes, started by `accelerate launch`: the bytes of one, a process that is killed, another number later."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from models_kit import save_tiny, tiny_questions
from no_network import python_path

from dualalign import Traces
from dualalign.cli import app
from dualalign.questions import save_file

pytestmark = pytest.mark.models
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
ROOT = str(Path(__file__).resolve().parent.parent)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with a pair, questions, and the trace of one process."""
    desk = tmp_path_factory.mktemp("desk")
    for seed, name in enumerate(("base", "chat")):
        save_tiny(desk / name, seed=seed)
    save_file(tiny_questions(13), desk / "questions.jsonl")
    alone(desk, "one")
    return desk


def alone(desk: Path, out: str) -> None:
    """Trace the desk's pair in this process, with the threads that the others have."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with contextlib.chdir(desk), pytest.raises(SystemExit) as end:
            app(words(out))
        assert end.value.code == 0
    finally:
        torch.set_num_threads(threads)


def words(out: str) -> list[str]:
    return ["trace", "--plm", "base", "--polm", "chat", "--questions", "questions.jsonl", "--style", "choices",
            "--batch-size", "2", "--device", "cpu", "--out", f"{out}.safetensors"]  # fmt: skip


def start(desk: Path, out: str, processes: int, program: tuple[str, ...] = ("-m", "dualalign.cli")) -> subprocess.Popen:
    """Start a trace of the desk's pair with so many processes."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes),
               "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
               "--main_process_port", "0", *program, *words(out)]  # fmt: skip
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": python_path(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=desk, env=environment, **pipes)


@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_several_processes_write_the_bytes_of_one(desk, processes):
    out = f"with-{processes}"
    done = start(desk, out, processes)
    printed, error = done.communicate(timeout=600)
    assert done.returncode == 0, error
    assert printed.count("13 questions") == 1  # one speaks for all
    assert (desk / f"{out}.safetensors").read_bytes() == (desk / "one.safetensors").read_bytes()
    assert not (desk / f"{out}.safetensors.part").exists()


DYING = """
import os, signal, sys
from dualalign.cli import main
from dualalign.traces.shards import Shards
write = Shards.write

def dying(self, side, batch, logits):
    if self.team.rank == 1 and side == "polm":
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, side, batch, logits)

Shards.write = dying
main()
"""


def test_a_killed_process_ends_the_others_and_one_process_goes_on(desk):
    (desk / "dying.py").write_text(DYING)
    killed = start(desk, "killed", 2, ("dying.py",))
    assert killed.wait(timeout=600) != 0
    part = desk / "killed.safetensors.part"
    assert not (desk / "killed.safetensors").exists()
    kept = {p.name: p.stat().st_mtime_ns for p in part.glob("*.npy")}
    assert {"plm-000000.npy", "plm-000001.npy"} <= kept.keys()
    alone(desk, "killed")
    assert (desk / "killed.safetensors").read_bytes() == (desk / "one.safetensors").read_bytes()
    assert len(Traces.load(desk / "killed.safetensors")) == 13
