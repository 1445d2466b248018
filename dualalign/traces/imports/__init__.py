"""Traces from what other programs wrote: runs of an evaluation harness, dumps of a server, arrays of a lens library.

=========  ============================================================================================================
format     what is read
=========  ============================================================================================================
lm-eval    ``samples_TASK_DATE.jsonl`` of lm-evaluation-harness with ``--log_samples``, multiple-choice tasks
helm       ``scenario_state.json`` of a HELM run; methods multiple_choice_separate_original and ..._calibrated, and
           multiple_choice_joint where HELM still wrote ``top_logprobs``
logprobs   JSONL, a response of OpenAI's, vLLM's or SGLang's server a line, with the most likely first tokens; or vLLM's
           ``prompt_logprobs``, a line an option
arrays     logits (N, L, V) or (N, L, K) of every layer, or residual streams (N, L, D) with norm and unembedding
=========  ============================================================================================================

The first three hold the last layer only: one layer, which DACA and most methods can use, and Dual-Align cannot.
Log-probabilities are logits up to a constant of the question, which no softmax over options sees; a sum over several
tokens, or a normalised one, is a score of its own, and a temperature fitted on it belongs to that score.
"""

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
