"""Do the two tokenizers of a pair read the questions alike? Found out from all of them, before any weights are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..questions import OptionClash, Question, encode_question

SHOWN = 3  # differences in a message


@dataclass(frozen=True)
class Difference:
    """One question that the two tokenizers split differently: what differs, and the tokens of either side there."""

    question: str
    what: str  # "prompt" or "options"
    plm: tuple[str, ...]
    polm: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.question!r}: {self.what} {' '.join(map(repr, self.plm))} and {' '.join(map(repr, self.polm))}"


@dataclass(frozen=True)
class TokenizerReport:
    """What `tokenizer_report` found: how many questions were asked, which differ, which cannot be read."""

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


def tokenizer_report(plm, polm, questions: Sequence[Question], style: str, wording: str = "") -> TokenizerReport:
    """Tokenise every question with both tokenizers and compare.

    Parameters
    ----------
    plm, polm : LoadedModel or ModelSpec
        Of a `ModelSpec` only the tokenizer is read.
    """
    from .encode import tokenizer_of

    pair = tokenizer_of(plm), tokenizer_of(polm)
    differ, clashes = [], []
    for question in questions:
        try:
            ours, theirs = (encode_question(tokenizer, question, style, wording) for tokenizer in pair)
        except OptionClash as e:
            clashes.append(str(e))
            continue
        if ours != theirs:
            differ.append(difference(question, ours, theirs, pair))
    return TokenizerReport(len(questions), tuple(differ), tuple(clashes))


def difference(question: Question, ours: tuple, theirs: tuple, pair: Sequence) -> Difference:
    """Where two encodings part: the tokens of the prompt from there on, or those of the options."""
    what, place = ("prompt", 0) if ours[0] != theirs[0] else ("options", 1)
    sides = [tokenizer.convert_ids_to_tokens(ids[place]) for tokenizer, ids in zip(pair, (ours, theirs), strict=True)]
    if what == "options" or sides[0] == sides[1]:  # the same words under other numbers
        return Difference(question.id, what, *(tuple(map(str, side[:SHOWN])) for side in sides))
    start = next((i for i, (a, b) in enumerate(zip(*sides, strict=False)) if a != b), min(map(len, sides)))
    return Difference(question.id, what, *(tuple(map(str, side[start : start + SHOWN])) for side in sides))
