"""A tiny random model and examples that it can learn, for the tests of the lab; also run as a process of its own."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from dualalign.lab.pool import Example
from dualalign.lab.recipes import Recipe

RECIPE = Recipe(name="tiny", learning_rate=5e-3, batch_size=4, rank=2, tail=0.5, gain=True, epochs=3)
DPO = Recipe(name="tiny-dpo", method="dpo", learning_rate=5e-3, batch_size=4, rank=2, beta=0.5, epochs=3)
RLVR = Recipe(name="tiny-rlvr", method="rlvr", learning_rate=5e-3, batch_size=4, rank=2, epochs=3)
FULL = Recipe(name="tiny-full", full=True, learning_rate=3e-2, batch_size=4, epochs=3)
DIES_AT = 18  # of 24 steps; the last checkpoint then is that of step 15, and holds three steps of a tail


def tiny_model():
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, sliding_window=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return Gemma3ForCausalLM(config)


def examples(n: int = 32, start: int = 0) -> list[Example]:
    """The answer is told by the first token: something a model can learn."""
    return [
        Example(f"q{i}", "choices", (3 + i % 2, *(5 + (i * j) % 40 for j in range(1, 3 + i % 3))), (50, 51), i % 2)
        for i in range(start, start + n)
    ]


def train(recipe: Recipe, out: Path, **options) -> Path:
    """Train a fresh tiny model by the lab's loop, on 32 examples; 12 others develop where the recipe has a tail."""
    from dualalign.lab import train as loop

    return loop.train(tiny_model(), examples(), recipe, Path(out), examples(12 if recipe.tail else 0, 32), **options)


def load(folder: Path, name: str = "adapter_model.safetensors") -> dict:
    from safetensors.torch import load_file

    return load_file(Path(folder) / name)


def until_killed(recipe: Recipe, out: Path, how: str) -> None:
    """Train until step 18, or into the second checkpoint's file, and wait there for a SIGKILL."""
    import safetensors.torch

    from dualalign.lab import train as loop

    loop.SAVE_EVERY = 5
    advance, save = loop._Run.advance, safetensors.torch.save_file

    def stop(self, *arguments):
        if self.step == DIES_AT:
            wait()
        advance(self, *arguments)

    def half(tensors, path, metadata):
        save(tensors, path, metadata)
        if json.loads(metadata["meta"])["step"] == 10:
            os.truncate(path, 999)
            wait()

    loop._Run.advance = stop
    if how == "in-a-checkpoint":
        safetensors.torch.save_file = half
    train(recipe, out)


def wait() -> None:
    print("kill me", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    until_killed({"sft": RECIPE, "dpo": DPO}[sys.argv[1]], Path(sys.argv[2]), sys.argv[3])
