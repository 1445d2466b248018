"""Traces from what other programs wrote: runs of an evaluation harness, dumps of a server, arrays of a lens library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..artifact import Traces
from .array_files import from_array_files
from .arrays import Unembedding, from_arrays
from .helm import from_helm
from .lenses import stack_layers, transformer_lens_layers, tuned_lens_logits
from .lm_eval import from_lm_eval
from .logprobs import from_logprobs

__all__ = [
    "FORMATS",
    "Unembedding",
    "from_array_files",
    "from_arrays",
    "from_helm",
    "from_lm_eval",
    "from_logprobs",
    "stack_layers",
    "transformer_lens_layers",
    "tuned_lens_logits",
]


@dataclass(frozen=True)
class Format:
    """A format of `dualalign import`: what reads it, and which of the command's options it knows."""

    read: Callable[..., Traces]
    options: tuple[str, ...]


_RUNS = ("prompts", "unmatched", "labels", "plm_name", "polm_name")
FORMATS = {
    "lm-eval": Format(from_lm_eval, ("score", *_RUNS)),
    "helm": Format(from_helm, ("score", "missing", *_RUNS)),
    "logprobs": Format(from_logprobs, ("questions", "style", "missing", "match", *_RUNS)),
    "arrays": Format(from_array_files, ("option_ids", "questions", "labels", "plm_name", "polm_name")),
}
