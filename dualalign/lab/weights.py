"""What a recipe trains, and how its weights are written: a LoRA adapter, or a whole model in full fine-tuning."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from ..models.folder import PICKLES
from ..models.load import adapted, merged
from .recipes import Recipe

FILES = ("adapter_model.safetensors", "model.safetensors")


def finished(folder: Path) -> bool:
    """True where a run has put its weights; a folder with the record alone is that of a run made elsewhere."""
    return any((Path(folder) / name).exists() for name in FILES)


def remove(folder: Path) -> None:
    """Delete finished weights and what is left of the run that made them, so that a run can make them anew.

    An unfinished run stays as it is: a forced run that was killed goes on, too.
    """
    if finished(folder):
        shutil.rmtree(part_of(folder), ignore_errors=True)
    for name in FILES:
        (Path(folder) / name).unlink(missing_ok=True)


def part_of(folder: Path) -> Path:
    """The folder beside ``folder`` that holds the checkpoint of a run."""
    return Path(folder).with_name(Path(folder).name + ".part")


def pickles(folder: Path) -> list[Path]:
    """Files in a folder that reading would execute."""
    return sorted(file for pattern in PICKLES for file in Path(folder).glob(pattern))


def prepare(model, recipe: Recipe, start: Path | None):
    """Return the model with exactly those weights asking for gradients, in float32, that the recipe trains."""
    import torch

    wrapped = _all_but_embeddings(model, recipe, start) if recipe.full else _lora(model, recipe, start)
    for name, p in wrapped.named_parameters():
        p.requires_grad_(p.requires_grad and (recipe.full or "lora_" in name))  # a gain of the start stays as it is
        if p.requires_grad:
            p.data = p.data.to(torch.float32)
    return wrapped


def _lora(model, recipe: Recipe, start: Path | None):
    """LoRA on every linear layer of the decoder, new or from the adapter in ``start``."""
    from peft import LoraConfig, get_peft_model

    if start is not None:
        return adapted(model, start, recipe.base, trainable=True)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        target_modules="all-linear",
        modules_to_save=["model.norm"] if recipe.gain else None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _all_but_embeddings(model, recipe: Recipe, start: Path | None):
    """The bare model, the start's adapter merged into it; embeddings and the unembedding tied to them stay."""
    if start is not None:
        model = merged(model, start, recipe.base)
    model.requires_grad_(True)
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        table.requires_grad_(False)
    return model


def write(model, recipe: Recipe, staged: Path, out: Path, record: dict) -> None:
    """Write bf16 weights and ``run.json`` with their sha256 to ``out``; the weights come last and mean done."""
    import torch

    shutil.rmtree(staged, ignore_errors=True)
    for p in model.parameters():
        p.data = p.data.to(torch.bfloat16)
    if not recipe.full:
        model.peft_config["default"].base_model_name_or_path = recipe.base
    model.save_pretrained(staged, **({} if recipe.full else {"save_embedding_layers": False}))
    (staged / "README.md").unlink(missing_ok=True)
    weights = next(staged / name for name in FILES if (staged / name).exists())
    record |= {"sha256": sha256(weights)}
    (staged / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    out.mkdir(parents=True, exist_ok=True)
    for file in sorted(staged.iterdir(), key=lambda f: f == weights):
        os.replace(file, out / file.name)


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
