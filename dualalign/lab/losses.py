"""The losses of the recipes, one function each, on the logits at the last prompt token.

The answer is one token, so a completion's log-probability is one entry of the log-softmax. That makes all three exact:
no sampling, no generation, and the same forward pass for chosen and rejected.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from .pool import Example

METHODS = ("sft", "dpo", "rlvr")


def sft(logits: torch.Tensor, examples: list[Example]) -> torch.Tensor:
    """Supervised fine-tuning: mean cross-entropy of the right token over the whole vocabulary, in nats."""
    import torch

    return torch.nn.functional.cross_entropy(logits, _tokens(examples, [e.answer for e in examples]))


def dpo(logits: torch.Tensor, examples: list[Example], reference: dict[str, float], beta: float, seed: int):
    """Direct preference optimisation (arXiv:2305.18290, eq. 7): right option chosen, one wrong option rejected.

    ``reference`` holds the start model's `margins`. The normaliser of the softmax cancels, so the difference of the two
    log-probabilities is that of their logits.
    """
    import torch

    gain = _margin(logits, examples, seed) - torch.tensor([reference[e.id] for e in examples])
    return -torch.nn.functional.logsigmoid(beta * gain).mean()


def rlvr(logits: torch.Tensor, examples: list[Example]) -> torch.Tensor:
    """Reinforcement learning with a verifiable reward, 1 for the right option: minus the *exact* expected reward.

    The policy is the softmax over the K options, so the expectation is the right option's probability: what the mean
    reward of a group of samples tends to as the group grows. No advantage is scaled and no KL term is added.
    """
    import torch

    own = [row[list(e.option_ids)].softmax(0)[e.answer] for row, e in zip(logits, examples, strict=True)]
    return -torch.stack(own).mean()


def rejected(example: Example, seed: int) -> int:
    """Index of the wrong option that DPO rejects: drawn at random, the same in every epoch."""
    wrong = [i for i in range(len(example.option_ids)) if i != example.answer]
    return random.Random(f"{seed}:{example.id}").choice(wrong)


def margins(logits: torch.Tensor, examples: list[Example], seed: int) -> dict[str, float]:
    """Log-probability of the chosen less that of the rejected option, by example id."""
    return dict(zip((e.id for e in examples), _margin(logits, examples, seed).tolist(), strict=True))


def _margin(logits, examples: list[Example], seed: int):
    chosen = _tokens(examples, [e.answer for e in examples])
    other = _tokens(examples, [rejected(e, seed) for e in examples])
    return (logits.gather(1, chosen[:, None]) - logits.gather(1, other[:, None]))[:, 0]


def _tokens(examples: list[Example], options: list[int]):
    import torch

    return torch.tensor([e.option_ids[i] for e, i in zip(examples, options, strict=True)])
