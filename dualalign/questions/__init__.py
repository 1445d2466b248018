"""Questions: their schema, the loaders, and the prompt styles. Imports nothing of the other rooms."""

from __future__ import annotations

import os

from . import packaged
from .files import load_file, save_file
from .hub import HUB_SETS, load_hub
from .prompts import STYLES, OptionClash, encode_question, option_tokens, render, targets
from .schema import Question, normalised

__all__ = [
    "HUB_SETS",
    "PACKAGED_SETS",
    "STYLES",
    "OptionClash",
    "Question",
    "encode_question",
    "load",
    "load_file",
    "load_hub",
    "normalised",
    "option_tokens",
    "render",
    "save_file",
    "targets",
]

PACKAGED_SETS = {
    "medmcqa/validation": packaged.medmcqa,
    "mmlu-sample/test": packaged.mmlu_sample,
    "csqa/validation": packaged.commonsenseqa,
    "csqa/train": packaged.commonsenseqa_train,
    "csqa/held-out": packaged.commonsenseqa_held_out,
    "siqa/test": packaged.siqa,
    "piqa/validation": packaged.piqa,
    "boolq/train": packaged.boolq,
    "nq-open/test": packaged.nq_open,
}


def load(name: str | os.PathLike, mirror: str | os.PathLike | None = None) -> list[Question]:
    """Load questions from a file (``.jsonl``, ``.parquet``), a packaged set or a hub set, whichever ``name`` is.

    Raises
    ------
    ValueError
        If ``name`` is none of these; the message lists the known sets.

    Examples
    --------
    >>> from dualalign.questions import Question, load, save_file
    >>> path = save_file([Question("ice", "What is ice?", ("hot", "cold"), answer=1)], "q.jsonl")
    >>> load(path)[0].options
    ('hot', 'cold')
    """
    if str(name) in PACKAGED_SETS:
        return PACKAGED_SETS[str(name)]()
    if str(name) in HUB_SETS:
        return load_hub(str(name), mirror)
    if str(name).lower().endswith((".jsonl", ".parquet")):
        return load_file(name)
    known = ", ".join(sorted([*PACKAGED_SETS, *HUB_SETS]))
    raise ValueError(f"{name}: no such question set; give a .jsonl or .parquet file, or one of {known}")
