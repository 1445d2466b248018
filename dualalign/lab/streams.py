"""The residual stream behind every block, at every token of a prompt, and its unembedding. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..models import LoadedModel
from . import decoding


def stream(loaded: LoadedModel, prompt: Sequence[int]) -> tuple[np.ndarray, tuple]:
    """Read one prompt.

    Returns
    -------
    ndarray
        Float32 (T, L, d), the last token first.
    tuple
        The form of a block's output, for `unembed`.
    """
    with decoding._stream(loaded, len(prompt)) as caught:
        decoding.start(loaded, [prompt])
    return torch.stack([hidden[0] for hidden, _ in caught], 1).float().cpu().numpy(), caught[0][1]


@torch.inference_mode()
def unembed(
    loaded: LoadedModel, residual: np.ndarray, form: tuple, options: Sequence[Sequence[int]] | None = None
) -> np.ndarray:
    """Do to streams (B, L, d) what the model does behind its last block.

    Parameters
    ----------
    form : as `stream` returns it
    options : B lists of up to K token ids; None for the whole vocabulary

    Returns
    -------
    ndarray
        Float32 (B, L, K) or (B, L, V); -inf past a row's options.
    """
    weight = loaded.lens.head.weight
    hidden = torch.from_numpy(residual).to(weight.device, weight.dtype)
    if options is None:  # one row of ids serves every question
        return loaded.lens._finish(hidden, form, torch.arange(len(weight), device=weight.device)[None]).cpu().numpy()
    k = max(map(len, options))
    table = torch.tensor([[*row, *[row[0]] * (k - len(row))] for row in options], device=weight.device)
    real = np.arange(k) < np.array([len(row) for row in options])[:, None]
    return np.where(real[:, None], loaded.lens._finish(hidden, form, table).cpu().numpy(), -np.inf).astype(np.float32)
