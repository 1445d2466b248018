"""The start that all prompts share: how long, whether it pays to compute it once, and what came of it.

What a model makes of a prompt's first tokens does not depend on those behind them. Where every prompt begins with the
same instruction or the same worked examples, they are computed once a model instead of once a question.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from .encode import Encoded
from .shards import Shards

SHORTEST, SHARE = 16, 0.1  # tokens, and share of the average prompt, below which it is not worth a trial


def shared_start(prompts: Sequence[Sequence[int]]) -> int:
    """Number of tokens that all prompts start with, if they are worth sharing; 0 otherwise.

    At least one token of each prompt is left, the one that is read.
    """
    first, last = min(prompts), max(prompts)  # in the order of a dictionary: what these two share, all do
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    length = min(same, min(map(len, prompts)) - 1)
    average = sum(map(len, prompts)) / len(prompts)
    return length if len(prompts) > 1 and length >= max(SHORTEST, SHARE * average) else 0


def reading(loaded, tokens: Encoded, length: int, side: str, shards: Shards) -> tuple[Callable, int]:
    """How a model reads these prompts, and how many of their first tokens it reads once for all.

    The model is tried on the shortest and the longest prompt. The outcome is kept with the batches, so that a run that
    goes on does as it did before.
    """
    noted = shards.noted(side)
    if not length or noted == 0:
        return loaded.lens, 0
    from ..models.prefix import read_start

    by_length = sorted(range(len(tokens.prompts)), key=lambda i: len(tokens.prompts[i]))
    probe = [by_length[0], by_length[-1]] if noted is None else []
    some = [[rows[i] for i in probe] for rows in (tokens.prompts, tokens.options)]
    start = read_start(loaded.lens, tokens.prompts[0][:length], *some)
    if noted is None:
        shards.note(side, length if start else 0)
    return (functools.partial(loaded.lens, start=start), length) if start else (loaded.lens, 0)


def as_text(lengths: Sequence[int | None]) -> str:
    """The tokens that the two models shared, for the metadata; empty where neither did."""
    plm, polm = (n or 0 for n in lengths)
    return (str(plm) if plm == polm else f"{plm} / {polm}") if plm or polm else ""
