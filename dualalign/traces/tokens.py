"""Do the two tokenizers of a pair read the questions alike? Found out from all of them, before any weights are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..questions import OptionClash, Question, encode_question

CHATS = {"none": (False, False), "polm": (False, True), "both": (True, True)}  # who reads its chat template
SHOWN = 3  # differences in a message, and tokens of each


@dataclass(frozen=True)
class Difference:
    """One question that the two tokenizers split differently: what differs, and the tokens of either side there.

    Where both sides have the same words under other numbers, each token is followed by its number.
    """

    question: str
    what: str  # "prompt" or "options"
    plm: tuple[str, ...]
    polm: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.question!r}: {self.what} {' '.join(map(repr, self.plm))} and {' '.join(map(repr, self.polm))}"


class Reading(NamedTuple):
    """One question as the two models read it: prompt ids and option ids of either, or why that cannot be."""

    question: Question
    sides: tuple[tuple, ...] = ()
    differs: Difference | None = None
    clash: str = ""


@dataclass(frozen=True)
class TokenizerReport:
    """What `tokenizer_report` found.

    Attributes
    ----------
    asked : int
        Number of questions.
    differ : tuple of Difference
        Those that the two tokenizers split differently.
    clashes : tuple of str
        Those that one of the models cannot read in this style, each with its reason.
    """

    asked: int
    differ: tuple[Difference, ...]
    clashes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report in words, a line for each finding that matters."""
        alike = self.asked - len(self.clashes) - len(self.differ)
        found = [f"{alike} of {self.asked} questions: the same tokens for both models"]
        for count, text, examples in (
            (len(self.differ), "split differently (--foreign traces them all the same)", self.differ),
            (len(self.clashes), "cannot be read in this style (--skip-clashes leaves them out)", self.clashes),
        ):
            if count:
                found += [f"{count} of {self.asked} questions: {text}", *(f"  {one}" for one in examples[:SHOWN])]
        return found


def tokenizer_report(
    plm, polm, questions: Sequence[Question], style: str, wording: str = "", chat: str = "none"
) -> TokenizerReport:
    """Tokenise every question with both tokenizers and compare.

    Parameters
    ----------
    plm, polm : LoadedModel or ModelSpec
        Of a `ModelSpec` only the tokenizer is read.
    chat : {"none", "polm", "both"}
        Who reads the question in its chat template: what cannot be read there is among the clashes. The tokenizers are
        compared on the prompt without a template.

    Raises
    ------
    ValueError
        Where a model has no chat template, or it refuses a question.
    """
    pair = tokenizer_of(plm), tokenizer_of(polm)
    found = list(readings((plm, polm), pair, questions, style, wording, chat))
    differ, clashes = tuple(r.differs for r in found if r.differs), tuple(r.clash for r in found if r.clash)
    return TokenizerReport(len(questions), differ, clashes)


def readings(
    models: Sequence,
    tokenizers: Sequence,
    questions: Sequence[Question],
    style: str,
    wording: str,
    chat: str,
    compare: bool = True,
) -> Iterator[Reading]:
    """Read each question by one tokenizer, or by two that are compared; those in ``chat`` read their chat template."""
    if chat not in CHATS:
        raise ValueError(f"chat is {chat!r}; give one of {', '.join(CHATS)}")
    in_chat = CHATS[chat]
    asked = list(zip(models, (tokenizers[0], tokenizers[-1]), in_chat, strict=True))
    for question in questions:
        try:
            read, differs = [], None
            if not any(in_chat) or (compare and len(tokenizers) > 1):
                read = [encode_question(tokenizer, question, style, wording) for tokenizer in tokenizers]
            if compare and read and read[0] != read[-1]:
                differs = difference(question, *read, tokenizers)
            if any(in_chat):
                read = [_by(*one, question, style, wording) for one in asked]
        except OptionClash as e:
            yield Reading(question, clash=str(e))
        else:
            yield Reading(question, tuple(read), differs)


def _by(model, tokenizer, chat: bool, question: Question, style: str, wording: str) -> tuple:
    """Tokens of one question for one model, in its chat template or not; an error names the model."""
    try:
        return encode_question(tokenizer, question, style, wording, chat)
    except OptionClash as e:
        raise OptionClash(f"{model.name}: {e}") from None
    except ValueError as e:
        raise ValueError(f"{model.name}: {e}") from None


def difference(question: Question, ours: tuple, theirs: tuple, pair: Sequence) -> Difference:
    """Where two encodings part: the tokens from there on, of the prompt or of the options."""
    what, place = ("prompt", 0) if ours[0] != theirs[0] else ("options", 1)
    ids = ours[place], theirs[place]
    words = [tokenizer.convert_ids_to_tokens(side) for tokenizer, side in zip(pair, ids, strict=True)]
    if words[0] == words[1]:  # under other numbers
        words = [
            [f"{word}={number}" for word, number in zip(*side, strict=True)] for side in zip(words, ids, strict=True)
        ]
    start = next((i for i, (a, b) in enumerate(zip(*words, strict=False)) if a != b), min(map(len, words)))
    return Difference(question.id, what, *(tuple(map(str, side[start : start + SHOWN])) for side in words))


def is_spec(model) -> bool:
    """True for a `ModelSpec`, a model that is still to be loaded."""
    return callable(getattr(model, "load", None))


def tokenizer_of(model):
    """The tokenizer of a model, in memory or still to be loaded."""
    return model.tokenizer() if is_spec(model) else model.tokenizer
