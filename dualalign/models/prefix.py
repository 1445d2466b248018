"""Prompts that start alike: their common start is computed once, and every batch goes on from its keys and values.

A few-shot wording of 500 tokens stands before each question of 80. Attention is causal: what a model makes of the 500
does not depend on what follows, and need not be computed again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from .lens import Lens, relative_error


def read_start(
    lens: Lens, start: Sequence[int], prompts: Sequence[list[int]] = (), options: Sequence[list[int]] = ()
) -> Prefix | None:
    """Let a model read the start of its prompts, and try it on some prompts against reading them whole.

    Returns
    -------
    Prefix or None
        None for a model that keeps no keys and values, or whose logits then differ by more than `lens.TOLERANCE`
        (where positions depend on the whole length, say): such a model reads its prompts whole.
    """
    try:
        prefix = Prefix(lens, start)
        if not prompts:
            return prefix
        error = relative_error(lens(prompts, options, start=prefix), lens(prompts, options))
        return prefix if error <= lens.tolerance else None
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError, NotImplementedError):
        return None  # each family has its own way to say that it cannot


class Prefix:
    """What one model keeps of a common start of prompts: the keys and values of P tokens.

    Raises
    ------
    ValueError
        If the model takes no cache, or keeps something else (a recurrent state, say).
    """

    def __init__(self, lens: Lens, tokens: Sequence[int]):
        self.length = len(tokens)
        self._name = next((name for name in ("cache", "past_key_values") if name in lens.accepted), "")
        self._cache = _Start(config=lens.model.config)
        lens.fill(tokens, {self._name: self._cache, "use_cache": True})
        self._cache.close()

    def inputs(self, ids: torch.Tensor) -> dict:
        """What the model is given besides the ids (B, T) of the tokens behind the start."""
        positions = torch.arange(self.length, self.length + ids.shape[1], device=ids.device)
        return {self._name: self._cache, "use_cache": True, "position_ids": positions.expand(len(ids), -1)}


class _Start(DynamicCache):
    """Keys and values that, once closed, batches of any size read and none changes or adds to."""

    closed = False

    def close(self) -> None:
        """Refuse all further change; raise ValueError where something else than keys and values is kept."""
        known = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in self.layers)
        if not known or not any(layer.is_initialized for layer in self.layers):
            raise ValueError("not a cache of keys and values alone")
        self.closed = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args, **kwargs):
        """Return the start's keys and values with the batch's behind them, (B, heads, P + T, width); keep none."""
        if not self.closed:
            return super().update(key_states, value_states, layer_idx, *args, **kwargs)
        layer = copy.copy(self.layers[layer_idx])
        layer.keys, layer.values = (x.expand(len(key_states), *x.shape[1:]) for x in (layer.keys, layer.values))
        return layer.update(key_states, value_states, *args, **kwargs)
