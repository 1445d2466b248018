"""Options that were scored one request at a time: prompt and option in one text, with a log-probability a token.

All options of a question share the prompt, so what stands before the first token in which they differ adds the same to
each and is left out: no tokenizer is needed, and no rounding of a long prompt's sum gets in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Echo:
    """The tokens of prompt and option, and the log-probability of each, NaN where there is none (at the first)."""

    tokens: tuple[object, ...]
    logprobs: Sequence[float]


def after_common_prefix(echoes: Sequence[Echo], where: str) -> tuple[float, ...]:
    """Return log p(option | prompt) of each option, up to a constant of the question.

    Raises
    ------
    ValueError
        Where a token that counts has no log-probability.
    """
    start = common_prefix([echo.tokens for echo in echoes])
    return tuple(_sum(echo.logprobs[start:], where, f"option {i}") for i, echo in enumerate(echoes))


def common_prefix(rows: Sequence[Sequence[object]]) -> int:
    """How many items all rows begin with."""
    for place, column in enumerate(zip(*rows, strict=False)):
        if any(item != column[0] for item in column):
            return place
    return min(map(len, rows), default=0)


def per_token(echo: Echo, option: str, where: str, what: str) -> float:
    """Return the mean log-probability of the option's own tokens, the last ones of its text.

    Raises
    ------
    ValueError
        Where the tokens do not end in the option's text (bytes that a tokenizer splits, say).
    """
    wanted, parts, n, length = _solid(option), [], 0, 0
    while length < len(wanted) and n < len(echo.tokens):
        n += 1
        parts.append(_solid(str(echo.tokens[-n])))
        length += len(parts[-1])
    if not wanted or not "".join(reversed(parts)).endswith(wanted):
        raise ValueError(f"{where}: the tokens of {what} do not end in its text; use the score sum")
    return _sum(echo.logprobs[-n:], where, what) / n


def _sum(logprobs: Sequence[float], where: str, what: str) -> float:
    total = float(sum(logprobs))
    if math.isnan(total):
        raise ValueError(f"{where}: a token of {what} has no log-probability")
    return total


def _solid(text: str) -> str:
    return "".join(text.split())
