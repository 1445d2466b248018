"""Questions as token ids for the two models of a pair, and the plan of their batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..questions import OptionClash, Question
from .tokens import SHOWN, Difference, is_spec, readings, tokenizer_of

MOST_TOKENS, MOST_QUESTIONS = 8192, 64  # of a batch that is cut by itself
MANY = 1000  # questions from which comparing two tokenizers is cheaper than asking both


@dataclass(frozen=True)
class Encoded:
    """N questions as one model reads them: prompt ids and option-token ids, one list a question."""

    prompts: list[list[int]]
    options: list[list[int]]

    def digest(self) -> str:
        """sha256 of all token ids."""
        return hashlib.sha256(json.dumps([self.prompts, self.options]).encode()).hexdigest()


def encode_pair(
    plm,
    polm,
    questions: Sequence[Question],
    style: str,
    wording: str = "",
    on_clash: str = "error",
    foreign: bool = False,
    chat: str = "none",
) -> tuple[list[Question], Encoded, Encoded]:
    """Tokenise questions for both models.

    Parameters
    ----------
    plm, polm : LoadedModel or ModelSpec
    on_clash : {"error", "skip"}
        What to do with a question whose options cannot be told apart by one token.
    foreign : bool
        True where the two models need not read the same token ids.
    chat : {"none", "polm", "both"}
        Who reads the question in its chat template. The two then answer different prompts: whatever differs between
        them, layer by layer and at the end, is drift of the weights and of the prompt together.

    Returns
    -------
    questions : list of Question
        Those that are kept.
    plm_encoded, polm_encoded : Encoded

    Raises
    ------
    ValueError
        Names the question: clashing options, two tokenizers that disagree, a prompt longer than a model's context.
    """
    tokenizers = [tokenizer_of(plm)] if _same_source(plm, polm) else [tokenizer_of(plm), tokenizer_of(polm)]
    if chat == "none" and len(questions) >= MANY and _alike(tokenizers):
        tokenizers = tokenizers[:1]
    found = list(readings((plm, polm), tokenizers, questions, style, wording, chat, compare=not foreign))
    if differ := [r.differs for r in found if r.differs]:
        raise ValueError(_mismatch(plm, polm, differ, len(questions)))
    clashes = [r.clash for r in found if r.clash]
    if clashes and on_clash == "error":
        raise OptionClash(_cannot_be_read(clashes, len(questions)))
    kept, rows = [r.question for r in found if r.sides], [r.sides for r in found if r.sides]
    if not kept:
        raise ValueError(f"style {style!r}: the options of all {len(questions)} questions clash; try another style")
    sides = [Encoded([r[i][0] for r in rows], [r[i][1] for r in rows]) for i in (0, -1)]
    for model, side in zip((plm, polm), sides, strict=True):
        _check_lengths(model, kept, side)
    return kept, *sides


def longer(one: Encoded, other: Encoded) -> Encoded:
    """The side with more tokens, by which batches are planned; the first where both have as many."""
    return max(one, other, key=lambda side: sum(map(len, side.prompts)))


def batch_plan(encoded: Encoded, batch_size: int | str = "auto") -> list[list[int]]:
    """Indices of each batch's questions, sorted by prompt length: questions and batch size decide it, no machine does.

    A batch is cut every ``batch_size`` questions; with "auto" where the next would make it larger than 8,192 tokens,
    padding included, or 64 questions.
    """
    order = sorted(range(len(encoded.prompts)), key=lambda i: (len(encoded.prompts[i]), i))
    if batch_size != "auto":
        return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    plan: list[list[int]] = [[]]
    for i in order:
        if len(plan[-1]) == MOST_QUESTIONS or (
            plan[-1] and (len(plan[-1]) + 1) * len(encoded.prompts[i]) > MOST_TOKENS
        ):
            plan.append([])
        plan[-1].append(i)
    return plan


def _same_source(plm, polm) -> bool:
    """True where both are one base, with adapters or without: then one tokenizer serves both, in half the time."""
    specs = [model if is_spec(model) else model.spec for model in (plm, polm)]
    return None not in specs and len({(str(spec.source), spec.revision) for spec in specs}) == 1


def _alike(tokenizers: list) -> bool:
    """True for fast tokenizers whose every rule is the same."""
    if not all(getattr(tokenizer, "is_fast", False) for tokenizer in tokenizers):
        return False
    rules = [(t.backend_tokenizer.to_str(), t.eos_token_id) for t in tokenizers]
    return all(rule == rules[0] for rule in rules)


def _mismatch(plm, polm, differ: list[Difference], asked: int) -> str:
    return (
        f"{len(differ)} of {asked} questions are split differently by the tokenizers of {plm.name} and {polm.name}, "
        f"{'; '.join(map(str, differ[:SHOWN]))}; are they of one family? Try another style, or for two families "
        f"foreign=True (--foreign)"
    )


def _cannot_be_read(clashes: list[str], asked: int) -> str:
    return (
        f"{clashes[0]}; so it is with {len(clashes)} of {asked} questions: leave them out (--skip-clashes, "
        f"on_clash='skip'), or try another style"
    )


def _check_lengths(model, questions: list[Question], encoded: Encoded) -> None:
    limit = model.context_length
    longest = max(range(len(questions)), key=lambda i: len(encoded.prompts[i]))
    n = len(encoded.prompts[longest])
    if limit is not None and n > limit:
        raise ValueError(
            f"question {questions[longest].id!r}: its prompt has {n} tokens, {model.name} reads {limit}; shorten it"
        )
