"""One training step of the lab against the stock one, same batch, same run: why the lab has a loop of its own.

The stock step is transformers' causal language model loss, which unembeds every position into the whole vocabulary.
Needs the package of the base model (`make live` installs it).
"""

from __future__ import annotations

import time

import torch

from dualalign.lab.catalogue import BASE
from dualalign.lab.pool import Example
from dualalign.lab.reading import answer_logits
from dualalign.lab.recipes import PLM
from dualalign.lab.train import wrap
from dualalign.models import load_model

LENGTH = 44  # tokens: the mean prompt of the training pool


def lab_step(model, batch: list[Example]) -> None:
    wanted = torch.tensor([e.option_ids[e.answer] for e in batch])
    torch.nn.functional.cross_entropy(answer_logits(model, batch), wanted).backward()


def stock_step(model, batch: list[Example]) -> None:
    ids = torch.tensor([e.prompt_ids for e in batch])
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()


def seconds(step, *arguments) -> float:
    began = time.perf_counter()
    step(*arguments)
    return time.perf_counter() - began


def main(repeats: int = 3) -> None:
    model = wrap(load_model(BASE).model.requires_grad_(True), PLM, None)
    prompts = torch.randint(5, 1000, (PLM.batch_size, LENGTH), generator=torch.Generator().manual_seed(0)).tolist()
    batch = [Example(str(i), "choices", tuple(p), (10, 11), 0) for i, p in enumerate(prompts)]
    times = {step.__name__: min(seconds(step, model, batch) for _ in range(repeats)) for step in (lab_step, stock_step)}
    print(
        " ".join(f"{name} {t:.2f} s" for name, t in times.items()),
        f"ratio {times['stock_step'] / times['lab_step']:.2f}",
    )


if __name__ == "__main__":
    main()
