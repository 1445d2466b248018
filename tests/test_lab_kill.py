"""A run that is killed goes on to the same weights, and no half-written folder counts as finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import lab_kit as kit
import numpy as np
import pytest
from no_network import python_path

pytestmark = pytest.mark.models

ROOT = Path(__file__).resolve().parent.parent
KILLED = {"sft": "between-steps", "dpo": "in-a-checkpoint"}
RECIPES = {"sft": kit.RECIPE, "dpo": kit.DPO, "rlvr": kit.RLVR, "full": kit.FULL}
FILE = {True: "model.safetensors", False: "adapter_model.safetensors"}


def weights(folder, recipe) -> tuple[bytes, dict]:
    """The weights of a run, and its record but for the time it took."""
    record = json.loads((folder / "run.json").read_text())
    assert record.pop("seconds") > 0
    return (folder / FILE[recipe.full]).read_bytes(), record


@pytest.fixture(autouse=True)
def often(monkeypatch):
    from dualalign.lab import train as loop

    monkeypatch.setattr(loop, "SAVE_EVERY", 5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights and records of uninterrupted runs."""
    made = tmp_path_factory.mktemp("whole")
    return {name: weights(kit.train(recipe, made / name), recipe) for name, recipe in RECIPES.items()}


def test_sigkill_in_the_middle_ends_in_the_same_bytes(whole, tmp_path):
    """Real processes: one is killed between two steps, the other while it writes a checkpoint."""
    environment = os.environ | {"PYTHONPATH": python_path(ROOT, ROOT / "tests")}
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests/lab_kit.py")]
    runs = {
        method: subprocess.Popen(
            [*command, method, str(tmp_path / method), how], stdout=subprocess.PIPE, text=True, env=environment
        )
        for method, how in KILLED.items()
    }
    try:
        for run in runs.values():
            assert any("kill me" in line for line in run.stdout)
    finally:
        for run in runs.values():
            run.send_signal(signal.SIGKILL)
            run.stdout.close()
    assert [run.wait() for run in runs.values()] == [-signal.SIGKILL] * 2
    assert (tmp_path / "dpo.part/state.tmp").exists()
    for method in runs:
        assert not (tmp_path / method).exists()
        again = kit.train(RECIPES[method], tmp_path / method)
        assert weights(again, RECIPES[method]) == whole[method], method
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(f"{method}.")] == []


def interrupted(recipe, out, monkeypatch):
    """Train until `kit.DIES_AT` and raise there."""
    from dualalign.lab import train as loop

    advance, steps = loop._Run.advance, []

    def dies(self, *arguments):
        steps.append(self.step)
        if self.step == kit.DIES_AT and len(steps) == kit.DIES_AT + 1:
            raise KeyboardInterrupt
        advance(self, *arguments)

    monkeypatch.setattr(loop._Run, "advance", dies)
    with pytest.raises(KeyboardInterrupt):
        kit.train(recipe, out)
    return steps


@pytest.mark.parametrize("name", ["rlvr", "full"])
def test_the_other_methods_resume_to_the_same_bytes(name, whole, tmp_path, monkeypatch):
    steps = interrupted(RECIPES[name], tmp_path / name, monkeypatch)
    assert weights(kit.train(RECIPES[name], tmp_path / name), RECIPES[name]) == whole[name]
    assert steps == [*range(19), *range(15, 24)]


def test_dpo_takes_its_reference_from_the_start_even_after_a_resume(tmp_path, monkeypatch):
    from dualalign.lab import train as loop

    seen, reference = [], loop._Run._reference

    def remembered(self, examples):
        seen.append(reference(self, examples))
        return seen[-1]

    monkeypatch.setattr(loop._Run, "_reference", remembered)
    finish, used = loop._Run.finish, []
    monkeypatch.setattr(loop._Run, "finish", lambda self, choice: used.append(self.reference) or finish(self, choice))
    interrupted(kit.DPO, tmp_path / "dpo", monkeypatch)
    kit.train(kit.DPO, tmp_path / "dpo")
    assert used == seen  # taken once
    assert len(seen[0]) == 32


@pytest.mark.parametrize("recipe", [kit.RECIPE, kit.FULL], ids=["lora", "full"])
@pytest.mark.parametrize("before", ["the first file", "the weights"])
def test_killed_between_files_is_not_finished(recipe, before, tmp_path, monkeypatch):
    from dualalign.lab import weights as module

    replace, out = os.replace, tmp_path / "run"

    def dies(source, target):
        if Path(target).parent == out and (before == "the first file" or target.name in module.FILES):
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            kit.train(recipe, out)
    assert (out / "run.json").exists() == (before == "the weights")
    assert not module.finished(out)
    assert module.finished(kit.train(recipe, out))
    assert json.loads((out / "run.json").read_text())["sha256"] == module.sha256(out / FILE[recipe.full])


def test_force_starts_anew_and_an_unfinished_run_goes_on(tmp_path):
    from dualalign.lab.weights import FILES, finished, part_of, remove

    out = tmp_path / "run"
    for folder in (out, part_of(out)):
        folder.mkdir()
    (part_of(out) / "state.safetensors").write_bytes(b"half way")
    (out / "run.json").write_text("{}")
    remove(out)
    assert part_of(out).exists()
    for name in FILES:
        (out / name).write_bytes(b"x")
    assert finished(out)
    remove(out)
    assert not finished(out)
    assert not part_of(out).exists()
    assert (out / "run.json").exists()


def test_finished_weights_are_never_trained_over(tmp_path):
    out = kit.train(kit.RLVR, tmp_path / "run")
    with pytest.raises(ValueError, match="holds finished weights; remove them to train 'tiny-rlvr' anew"):
        kit.train(kit.RLVR, out)


def state_of(tmp_path, monkeypatch):
    interrupted(kit.RLVR, tmp_path / "run", monkeypatch)
    return tmp_path / "run.part/state.safetensors"


@pytest.mark.parametrize("damage", ["truncated", "empty", "pickle", "other tensors", "no metadata"])
def test_a_damaged_checkpoint_is_one_line(damage, tmp_path, monkeypatch):
    import torch
    from safetensors.torch import load_file, save_file

    state = state_of(tmp_path, monkeypatch)
    whole = state.read_bytes()
    if damage == "pickle":
        torch.save({"step": 1}, state)
    elif damage in ("truncated", "empty"):
        state.write_bytes(whole[: len(whole) // 2 if damage == "truncated" else 0])
    elif damage == "no metadata":
        save_file(load_file(state), state)
    else:
        from safetensors import safe_open

        with safe_open(state, "pt") as file:
            save_file({"weight/x": torch.zeros(2)}, state, file.metadata())
    with pytest.raises(
        ValueError, match=r"state.safetensors: damaged checkpoint .*; remove the folder .*run.part$"
    ) as e:
        kit.train(kit.RLVR, tmp_path / "run")
    assert "\n" not in str(e.value)


def test_a_pickled_checkpoint_is_refused_and_never_read(tmp_path):
    (tmp_path / "run.part").mkdir()
    (tmp_path / "run.part/state.pt").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    for recipe in (kit.RLVR, kit.DPO):
        with pytest.raises(ValueError, match=r"state.pt: a pickled checkpoint.*remove the folder .*run.part$"):
            kit.train(recipe, tmp_path / "run")


def test_a_checkpoint_of_other_examples_or_another_start_is_refused(tmp_path, monkeypatch):
    from dualalign.lab import train as loop

    state_of(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="belongs to another run of 'tiny-rlvr'; remove the folder"):
        loop.train(kit.tiny_model(), kit.examples(32, 1), kit.RLVR, tmp_path / "run")
    start = kit.train(kit.RECIPE, tmp_path / "start")
    with pytest.raises(ValueError, match="belongs to another run"):
        kit.train(kit.RLVR, tmp_path / "run", start=start)


def test_a_batch_of_a_trace_killed_while_it_is_written_is_done_again(tmp_path, monkeypatch):
    from dualalign.traces.shards import Shards

    def killed(descriptor):
        raise KeyboardInterrupt

    batch = np.zeros((2, 3, 4), np.float32)
    Shards(tmp_path / "t", {}).write("plm", 0, batch)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            Shards(tmp_path / "t", {}).write("plm", 1, batch)
    assert list((tmp_path / "t.part").glob("plm-000001*.tmp"))
    again = Shards(tmp_path / "t", {})
    assert again.missing("plm", 3) == [1, 2]
    again.write("plm", 1, batch + 1)
    assert [again.read("plm", b, 2)[0, 0, 0] for b in range(2)] == [0, 1]
