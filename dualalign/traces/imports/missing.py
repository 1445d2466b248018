"""Options among the most likely tokens: which token is an option's, and what is done where none is.

A server returns the ``top_logprobs`` most likely tokens only. An option that is not among them is never guessed:

========  ==========================================================================================================
policy    what happens
========  ==========================================================================================================
error     one line that names row and option (the default)
drop      the question is left out of both runs, and the file says how many were
bound     where at least one option is there, the others get the largest log-probability they can have: that of the
          least likely token returned, or that of all mass which is left, if that is less. Their share is overstated,
          so confidence is at most understated; the file says how many options were bounded
========  ==========================================================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .pair import Run

POLICIES = ("error", "drop", "bound")
MATCHES = ("exact", "stripped")
NEVER = -9999.0  # what OpenAI's server writes for a token too unlikely to say
_BLANKS = " \t\n\r▁Ġ"  # how tokenizers spell the blank before a word


@dataclass(frozen=True)
class Choice:
    """The options of one question, and the most likely tokens with their log-probabilities.

    Parameters
    ----------
    options : K texts
    found : (token, log-probability) pairs; a token may stand twice (two token ids of one text)
    where : file and row
    match : "exact", an option is the token of the same text; "stripped", blanks around both are ignored and the
        probabilities of all tokens that then match are added
    """

    options: tuple[str, ...]
    found: list[tuple[str, float]]
    where: str
    match: str = "exact"


def pick(run: Run, id: str, choice: Choice, policy: str = "error") -> tuple[float, ...] | None:
    """Return the log-probability of each option, or None where the question is left out.

    Raises
    ------
    ValueError
        One line, for an option that is missing and the policy "error".
    """
    _check_options(choice)
    kept = [(token, value) for token, value in choice.found if value > NEVER]
    scores = _logprobs(choice.options, kept, choice.match)
    absent = [i for i, score in enumerate(scores) if score is None]
    if not absent:
        return tuple(scores)
    if policy != "bound" or len(absent) == len(scores):
        leave_out(run, id, _absent(choice, absent[0], kept), choice.where, policy, "an option not among the top tokens")
        return None
    most = _bound([value for _, value in kept])
    run.bounded[id] = len(absent)
    return tuple(most if score is None else score for score in scores)


def leave_out(run: Run, id: str, reason: str, where: str, policy: str, short: str = "") -> None:
    """Leave a question out where the policy is "drop", else raise ValueError."""
    if policy != "drop":
        hint = "ask for more top_logprobs, or give --missing drop (or bound)" if short else "give --missing drop"
        raise ValueError(f"{where}: question {id!r}: {reason}; {hint}")
    run.left_out[id] = short or reason


def _logprobs(options: tuple[str, ...], found: list[tuple[str, float]], match: str) -> list[float | None]:
    """Log-probability of each option; None where no token is its own."""
    blanks = _BLANKS if match == "stripped" else ""
    values: dict[str, list[float]] = {}
    for token, value in found:
        values.setdefault(token.strip(blanks), []).append(value)
    return [_total(values.get(option.strip(blanks))) for option in options]


def _total(same: list[float] | None) -> float | None:
    if not same:
        return None
    top = max(same)
    return top + math.log(sum(math.exp(value - top) for value in same))


def _bound(values: list[float]) -> float:
    """The largest log-probability of a token that was not returned."""
    left = 1.0 - sum(math.exp(min(value, 0.0)) for value in values)
    return min(min(values), math.log(left)) if left > 0 else min(values)


def _check_options(choice: Choice) -> None:
    shown = [option.strip(_BLANKS) if choice.match == "stripped" else option for option in choice.options]
    twice = [option for option in shown if shown.count(option) > 1]
    if twice:
        raise ValueError(f"{choice.where}: two options read {twice[0][:40]!r}; a token cannot tell them apart")


def _absent(choice: Choice, i: int, kept: list[tuple[str, float]]) -> str:
    option = choice.options[i]
    near = [token for token, _ in kept if token.strip(_BLANKS) == option.strip(_BLANKS)]
    near_by = f" ({near[0]!r} is: write the option so, or give --match stripped)" if near else ""
    return f"option {i} {option[:40]!r} is not among the {len(kept)} most likely tokens{near_by}"
