"""Reading batches with a lens: what does not fit into memory is halved, and later batches are cut beforehand."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable

import numpy as np

_SIGNS = ("out of memory", "can't allocate memory", "alloc_failed", "failed to allocate", "not enough memory")


class Reader:
    """A lens that recovers from memory that does not suffice.

    A batch that fails is read in halves, down to one question; the size that failed is remembered, so that later
    batches of that size are cut before they fail. Questions of a smaller batch are added in another order: logits then
    differ in their last digits, in float32 by about 1e-6 of their size, as between two processors.

    Parameters
    ----------
    loaded : LoadedModel
    lens : callable, optional
        How it reads a batch; its lens by default.
    """

    def __init__(self, loaded, lens: Callable | None = None) -> None:
        self.loaded, self.lens = loaded, lens or loaded.lens
        self.too_much = math.inf  # tokens (questions x longest prompt) that did not fit, the least seen

    def __call__(self, prompts: list[list[int]], options: list[list[int]]) -> np.ndarray:
        """Return the logits of a batch, float32 (B, L, K), -inf where a row has fewer than K options.

        Raises
        ------
        ValueError
            If a single question does not fit.
        """
        if len(prompts) == 1 or self._size(prompts) < self.too_much:
            try:
                return self.lens(prompts, options)
            except (RuntimeError, MemoryError) as error:
                if not is_memory(error):
                    raise
                self._note(prompts)  # halved outside of this block, which keeps the failed batch alive
        middle = (len(prompts) + 1) // 2
        halves = [self(prompts[part], options[part]) for part in (slice(middle), slice(middle, None))]
        return _joined(halves)

    def _size(self, prompts: list[list[int]]) -> int:
        return len(prompts) * max(map(len, prompts))

    def _note(self, prompts: list[list[int]]) -> None:
        if len(prompts) == 1:
            raise ValueError(
                f"{self.loaded.name}: one question of {len(prompts[0])} tokens does not fit into memory; "
                f"take fewer bits (--dtype), more devices (--device-map), or leave it out"
            ) from None
        self.too_much = min(self.too_much, self._size(prompts))
        release()


def is_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, on a card or in the machine."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS)


def release() -> None:
    """Give back what a failed batch held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Put the rows of parts below one another, filled up with -inf to the largest K."""
    k = max(part.shape[2] for part in parts)
    wide = [np.pad(p, [(0, 0), (0, 0), (0, k - p.shape[2])], constant_values=-np.inf) for p in parts]
    return np.concatenate(wide)
