"""The lab's loop on a tiny random model: it learns, it resumes to the same weights, and its gain changes no answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dualalign.lab.pool import Example
from dualalign.lab.recipes import Recipe

pytestmark = pytest.mark.models

RECIPE = Recipe(name="tiny", learning_rate=5e-3, batch_size=4, rank=2, tail=0.5, gain=True, epochs=3)


def tiny_model():
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, sliding_window=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return Gemma3ForCausalLM(config)


def examples(n=32, start=0):
    """The answer is told by the first token: something a model can learn."""
    return [
        Example(f"q{i}", "choices", (3 + i % 2, *(5 + (i * j) % 40 for j in range(1, 3 + i % 3))), (50, 51), i % 2)
        for i in range(start, start + n)
    ]


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from dualalign.lab.train import train

    return train(tiny_model(), examples(), RECIPE, tmp_path_factory.mktemp("run") / "tiny", examples(12, 32))


def test_it_learns_and_writes_its_record(trained):
    run = json.loads((trained / "run.json").read_text())
    assert run["recipe"]["name"] == "tiny"
    assert run["questions"] == 32
    assert run["curve"][-1]["nll"] < run["curve"][0]["nll"]
    assert run["kept"] in ("last", "tail-average")
    assert run["dev"]["with gain"]["nll"] <= run["dev"][run["kept"]]["nll"] + 1e-6
    assert run["dev"]["with gain"]["accuracy"] == run["dev"][run["kept"]]["accuracy"]
    assert [p.name for p in trained.parent.iterdir()] == ["tiny"]


def test_a_run_that_was_stopped_ends_in_the_same_weights(trained, tmp_path, monkeypatch):
    import torch

    from dualalign.lab import train as loop

    monkeypatch.setattr(loop, "SAVE_EVERY", 5)
    advance, calls = loop._Run.advance, []

    def dies_at_step_13(self, batch, total):
        calls.append(self.step)
        if self.step == 13:
            raise KeyboardInterrupt
        advance(self, batch, total)

    monkeypatch.setattr(loop._Run, "advance", dies_at_step_13)
    with pytest.raises(KeyboardInterrupt):
        loop.train(tiny_model(), examples(), RECIPE, tmp_path / "tiny", examples(12, 32))
    assert not (tmp_path / "tiny").exists()
    monkeypatch.setattr(loop._Run, "advance", advance)
    again = weights(loop.train(tiny_model(), examples(), RECIPE, tmp_path / "tiny", examples(12, 32)))
    assert calls[-1] == 13
    first = weights(trained)
    assert first.keys() == again.keys()
    assert all(torch.equal(first[k], again[k]) for k in first)


def test_a_checkpoint_of_another_run_is_refused(tmp_path, monkeypatch):
    from dualalign.lab import train as loop

    monkeypatch.setattr(loop._Run, "finish", lambda self, choice: self.out)
    loop.train(tiny_model(), examples(), RECIPE, tmp_path / "tiny")
    with pytest.raises(ValueError, match="belongs to another run of 'tiny'; remove the folder"):
        loop.train(tiny_model(), examples(), replace(RECIPE, seed=5), tmp_path / "tiny")


def test_a_later_run_starts_from_the_adapter_and_leaves_its_gain_alone(trained, tmp_path):
    import torch

    from dualalign.lab.train import train

    later = Recipe(name="later", start="tiny", learning_rate=5e-3, batch_size=4)
    before, after = weights(trained), weights(train(tiny_model(), examples(), later, tmp_path / "later", start=trained))
    norm = [k for k in before if "norm" in k]
    assert len(norm) == 1
    assert torch.equal(before[norm[0]], after[norm[0]])
    assert any(not torch.equal(before[k], after[k]) for k in before if "lora_B" in k)


def test_the_batch_plan_covers_every_question_once_an_epoch():
    from collections import Counter

    from dualalign.lab.train import batch_plan

    plan = batch_plan(examples(30), RECIPE)
    assert Counter(i for batch in plan for i in batch) == Counter({i: 3 for i in range(30)})
    assert plan == batch_plan(examples(30), RECIPE)
    assert plan != batch_plan(examples(30), replace(RECIPE, seed=1))
