"""One training step of the lab beside the same step of trl's trainers: why the lab has a loop of its own.

    python benchmarks/train_step.py

Both see the same batch, the same LoRA update and the same weights in one run, and must find the same loss; a step is
the loss and its gradient. Prints the shortest and the longest of a few steps, and the ratio of the shortest. Needs the
lab's environment (`make lab`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable

import torch

from dualalign.lab import losses
from dualalign.lab.pool import Example
from dualalign.lab.reading import answer_logits
from dualalign.lab.recipes import RECIPES, Recipe
from dualalign.lab.weights import prepare
from dualalign.models import LoadedModel, load_model

LENGTH = 44  # tokens: the mean prompt of the training pool
REPEATS = 3


def random_batch(recipe: Recipe, length: int = LENGTH, vocabulary: int = 1000) -> list[Example]:
    """One batch of random prompts with four options each."""
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(14, vocabulary, (recipe.batch_size, length), generator=generator).tolist()
    return [Example(str(i), "choices", tuple(p), (10, 11, 12, 13), i % 4) for i, p in enumerate(prompts)]


def lab_loss(recipe: Recipe, model, batch: list[Example]) -> Callable[[], torch.Tensor]:
    """What `dualalign.lab.train` computes in a step; the DPO reference is known before the first."""
    if recipe.method == "sft":
        return lambda: losses.sft(answer_logits(model, batch), batch)
    with torch.no_grad():
        reference = losses.margins(answer_logits(model, batch), batch, recipe.seed)
    return lambda: losses.dpo(answer_logits(model, batch), batch, reference, recipe.beta, recipe.seed)


def trl_trainer(recipe: Recipe, model, tokenizer, batch: list[Example], folder: str):
    """trl's trainer of the recipe's method, and the batch as its own collator makes it."""
    import trl
    from datasets import Dataset

    settings = {"output_dir": folder, "use_cpu": True, "bf16": False, "report_to": "none"}
    settings |= {"gradient_checkpointing": False, "per_device_train_batch_size": len(batch)}
    if recipe.method == "sft":
        rows = [_labelled(e) for e in batch]
        args = trl.SFTConfig(**settings)
        trainer = trl.SFTTrainer(model, args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
    else:
        rows = [_preference(e, recipe.seed) for e in batch]
        text = Dataset.from_list([{"prompt": "a", "chosen": " b", "rejected": " c"}])  # tokenised rows it does not take
        args = trl.DPOConfig(beta=recipe.beta, **settings)
        trainer = trl.DPOTrainer(model, args=args, train_dataset=text, processing_class=tokenizer)
    return trainer, trainer.data_collator(rows)


def _labelled(e: Example) -> dict:
    right = e.option_ids[e.answer]
    return {"input_ids": [*e.prompt_ids, right], "labels": [*[-100] * len(e.prompt_ids), right]}


def _preference(e: Example, seed: int) -> dict:
    chosen, other = e.option_ids[e.answer], e.option_ids[losses.rejected(e, seed)]
    return {"prompt_ids": list(e.prompt_ids), "chosen_ids": [chosen], "rejected_ids": [other]}


def trl_losses(recipe: Recipe, trainer, inputs) -> dict[str, Callable[[], torch.Tensor]]:
    """The trainer's own loss; for DPO also with the reference known beforehand, a setting of the trainer."""
    cases = {recipe.method: lambda: trainer.compute_loss(trainer.model, dict(inputs))}
    if recipe.method == "dpo":
        with torch.no_grad():
            chosen, rejected = trainer.compute_ref_log_probs(trainer.model, dict(inputs))
        known = inputs | {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}

        def beforehand() -> torch.Tensor:
            trainer.precompute_ref_logps = True
            return trainer.compute_loss(trainer.model, dict(known))

        cases["dpo, reference beforehand"] = beforehand
    return cases


def seconds(loss: Callable[[], torch.Tensor]) -> tuple[float, list[float]]:
    """Loss, and the seconds of a few steps (forward and backward), shortest first."""
    times, value = [], 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        result = loss()
        result.backward()
        times.append(time.perf_counter() - began)
        value = result.item()
    return value, sorted(times)


def compare(recipe: Recipe, load: Callable[[], LoadedModel]) -> list[tuple[str, list[float], list[float]]]:
    """(case, seconds of the lab, seconds of trl) for a recipe; raises ValueError where the two losses differ."""
    batch, rows = random_batch(recipe), []
    value, own = seconds(lab_loss(recipe, fresh(recipe, load)[0], batch))
    with tempfile.TemporaryDirectory() as folder:
        trainer, inputs = trl_trainer(recipe, *fresh(recipe, load), batch, folder)
        trainer.model.train()
        for case, loss in trl_losses(recipe, trainer, inputs).items():
            other, theirs = seconds(loss)
            if abs(value - other) > 1e-3:
                raise ValueError(f"{case}: the lab's loss is {value}, trl's {other}; they compute different things")
            rows.append((case, own, theirs))
    return rows


def fresh(recipe: Recipe, load: Callable[[], LoadedModel]):
    """The base with a new LoRA update, and its tokenizer."""
    base = load()
    torch.manual_seed(recipe.seed)
    return prepare(base.model.requires_grad_(True), recipe, None), base.tokenizer


def main() -> None:
    import trl

    print(f"trl {trl.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name in ("sft1", "dpo"):
        recipe = RECIPES[name]
        for case, own, theirs in compare(recipe, lambda base=recipe.base: load_model(base)):
            ours, other = (f"{times[0]:.2f} to {times[-1]:.2f} s" for times in (own, theirs))
            print(f"{case}: lab {ours}, trl {other}; trl / lab {theirs[0] / own[0]:.2f}", flush=True)


if __name__ == "__main__":
    main()
