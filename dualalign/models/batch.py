"""Prompts of different lengths in one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def right_padded(prompts: Sequence[Sequence[int]], device) -> tuple[dict, torch.Tensor]:
    """Return the model's inputs and the place of each last prompt token, (B,).

    Filled up with each prompt's own last token and sent without a mask: behind the last prompt token a causal model may
    compute what it likes, and positions count from 0 for every family.
    """
    width = max(map(len, prompts))
    rows = [[*p, *[p[-1]] * (width - len(p))] for p in prompts]
    return {"input_ids": torch.tensor(rows, device=device)}, torch.tensor([len(p) - 1 for p in prompts])


def left_padded(prompts: Sequence[Sequence[int]], device) -> tuple[dict, torch.Tensor]:
    """The same filled up on the left, with the mask and the positions that this needs."""
    width = max(map(len, prompts))
    rows = [[*[p[-1]] * (width - len(p)), *p] for p in prompts]
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    inputs = {"input_ids": torch.tensor(rows, device=device), "attention_mask": mask, "position_ids": positions}
    return inputs, torch.full((len(prompts),), width - 1)
