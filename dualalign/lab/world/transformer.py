"""The tiny transformer of the controlled world: pre-trained in one pass, then post-trained by the lab's own losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .. import losses
from ..pool import Example
from ..reading import answer_logits
from ..train import batch_plan
from .generator import ASK, KEY, MOST, OPTION, OPTION_TOKENS, VOCABULARY, WITNESS, Facts, World, draw

LAYERS, WIDTH, HEADS = 6, 32, 2


@dataclass(frozen=True)
class Pretraining:
    """One pass over ``steps * batch_size`` fresh documents.

    With 480 steps at a rate of 6e-3, one of 20 seeds ended 0.0218 from the exact posterior, above the bound of 0.02; so
    pre-training was made longer. Nothing else was changed after methods had been run.
    """

    steps: int = 720
    batch_size: int = 192
    learning_rate: float = 5e-3
    warm_up: int = 60


@dataclass(frozen=True)
class Recipe:
    """Post-training: a method of `losses`, on ``questions`` different documents, each seen ``epochs`` times.

    ``questions * epochs`` is the same for all recipes: they differ in what they repeat, not in how long they run.
    """

    method: str = "sft"
    questions: int = 320
    epochs: int = 16
    batch_size: int = 64
    learning_rate: float = 5e-3
    beta: float = 0.1
    seed: int = 0  # of the documents and their order


@contextmanager
def one_thread():
    """Run torch on one thread with deterministic kernels: the same machine then gives the same bytes."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def new_model(seed: int):
    """A GPT-2 of 6 layers and width 32 (54,000 parameters) with random weights, in float32.

    Its blocks have a third fewer operations than a Llama's, and at this size operations are what time goes into.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=WIDTH, n_inner=2 * WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=2 * MOST + 2,
        activation_function="relu", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.08,
        tie_word_embeddings=False, pad_token_id=None, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config).float()


def pretrain(model, seed: int, plan: Pretraining = Pretraining(), watch: Callable | None = None) -> list[float]:
    """Train on the log loss of the answer, every document fresh; return the loss of each step, in nats.

    A step's documents all have the same number of statements, and six steps go through all numbers: no padding, which
    would be half of the work. ``watch(step)`` is called after every step.
    """
    import torch

    rng, curve, order = np.random.default_rng([seed, 1]), [], []
    optimizer = _adamw(model)
    for step in range(plan.steps):
        order = order or rng.permutation(MOST + 1).tolist()
        facts = draw(World(), plan.batch_size, rng, count=order.pop())
        logits = model(input_ids=_rectangle(facts), use_cache=False, logits_to_keep=1).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(OPTION + facts.truth))
        rate = plan.learning_rate * _rate(step, plan.steps, plan.warm_up)
        curve.append(_update(model, optimizer, loss, rate))
        if watch:
            watch(step + 1)
    return curve


def _rectangle(facts: Facts):
    """Token ids of documents with equally many statements, (N, 2 count + 2)."""
    import torch

    count = int(facts.count[0])
    pairs = np.stack([WITNESS + facts.witness, OPTION + facts.report], axis=2)[:, :count].reshape(len(facts), -1)
    ends = np.full((len(facts), 1), ASK)
    return torch.from_numpy(np.concatenate([KEY + facts.key[:, None], pairs, ends], axis=1))


def posttrain(model, world: World, recipe: Recipe) -> list[float]:
    """Train on the rewarded options of a set of documents, over and over; return the loss of each step."""
    examples = _examples(draw(world, recipe.questions, np.random.default_rng([recipe.seed, 2])))
    reference = _reference(model, examples, recipe.seed) if recipe.method == "dpo" else {}
    optimizer, curve = _adamw(model), []
    plan = batch_plan(examples, recipe)
    for step, batch in enumerate(plan):
        chosen = [examples[i] for i in batch]
        loss = _loss(answer_logits(model, chosen), chosen, recipe, reference)
        rate = recipe.learning_rate * _rate(step, len(plan), 5)
        curve.append(_update(model, optimizer, loss, rate))
    return curve


def _loss(logits, examples: list[Example], recipe: Recipe, reference: dict[str, float]):
    if recipe.method == "dpo":
        return losses.dpo(logits, examples, reference, recipe.beta, recipe.seed)
    return {"sft": losses.sft, "rlvr": losses.rlvr}[recipe.method](logits, examples)


def _reference(model, examples: list[Example], seed: int) -> dict[str, float]:
    import torch

    with torch.no_grad():
        return losses.margins(answer_logits(model, examples), examples, seed)


def _examples(facts: Facts) -> list[Example]:
    rows = enumerate(zip(facts.prompts(), facts.rewarded.tolist(), strict=True))
    return [Example(str(i), "world", prompt, OPTION_TOKENS, answer) for i, (prompt, answer) in rows]


def _adamw(model):
    import torch

    return torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)


def _update(model, optimizer, loss, rate: float) -> float:
    import torch

    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _rate(step: int, steps: int, warm_up: int) -> float:
    """A rise over the first steps, then half a cosine down to 0."""
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))


def read(model, facts: Facts, rows: int = 500) -> np.ndarray:
    """Logits of the K options after every layer, by `dualalign.models.Lens`: float32 (N, L, K)."""
    from ...models import Lens

    lens, prompts = Lens(model.eval()), facts.prompts()
    parts = [prompts[i : i + rows] for i in range(0, len(prompts), rows)]
    return np.concatenate([lens(part, [OPTION_TOKENS] * len(part)) for part in parts])
