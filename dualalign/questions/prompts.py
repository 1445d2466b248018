"""Prompt styles: how a question becomes a text that ends where the answer comes next.

Every style reads the model at the last token of the prompt and scores each option by the first token that would follow.
"""

from __future__ import annotations

from .schema import Question

STYLES = ("letters", "choices", "cloze", "p-true")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VERDICTS = ("Yes", "No")  # the two options of ``p-true``; an answer of 0 means that the proposed answer is right


class OptionClash(ValueError):
    """Two options, or an option and its style, cannot be told apart by one token."""


def render(question: Question, style: str, wording: str = "") -> str:
    """Write the prompt of ``question``.

    Parameters
    ----------
    question : Question
    style : {"letters", "choices", "cloze", "p-true"}
        ``letters`` lists the options behind letters and reads the letter; ``choices`` lists them in a row and reads the
        first token of the option's own text; ``cloze`` lists none; ``p-true`` asks whether
        ``question.proposed`` is right.
    wording : str
        An instruction to stand before the question; empty by default (zero-shot, no instruction).

    Returns
    -------
    str
        Ends in ``Answer:``, without a trailing blank: the blank belongs to the token that follows.

    Raises
    ------
    ValueError
        If the style is unknown, or ``p-true`` meets a question without a proposed answer.
    """
    _check_style(style)
    parts = [wording, question.context, f"Question: {question.question}", *_BODIES[style](question)]
    return "\n".join([p.strip() for p in parts if p.strip()] + ["Answer:"])


def targets(question: Question, style: str) -> tuple[str, ...]:
    """The continuations that are scored, one an option, each with its leading blank."""
    _check_style(style)
    if style == "letters":
        return tuple(f" {letter}" for letter in LETTERS[: len(question.options)])
    if style == "p-true":
        return tuple(f" {verdict}" for verdict in VERDICTS)
    return tuple(f" {option.strip()}" for option in question.options)


def option_tokens(tokenizer, prompt: str, continuations: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Tokenise a prompt, and find the first token of each continuation *in its place behind the prompt*.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    prompt : str
    continuations : tuple of str
        K continuations, from `targets`.

    Returns
    -------
    prompt_ids : list of int
        The whole prompt, with the special tokens that the tokenizer adds in front.
    token_ids : list of int
        K token ids, pairwise different.

    Raises
    ------
    OptionClash
        If a continuation merges with the prompt, or two continuations begin with the same token.
    """
    prompt_ids = _encode(tokenizer, prompt)
    firsts = [_first_token(tokenizer, prompt, prompt_ids, text) for text in continuations]
    for i, token in enumerate(firsts):
        if token in firsts[:i]:
            twin = continuations[firsts.index(token)]
            raise OptionClash(f"options {twin!r} and {continuations[i]!r} begin with the same token ({token})")
    return prompt_ids, firsts


def one_token_each(tokenizer, prompt: str, continuations: tuple[str, ...]) -> None:
    """Raise OptionClash where a continuation takes more than one token (a letter must be one)."""
    n_prompt = len(_encode(tokenizer, prompt))
    for text in continuations:
        n = len(_encode(tokenizer, prompt + text)) - n_prompt
        if n != 1:
            raise OptionClash(
                f"option {text!r} is {n} tokens for this tokenizer, expected one; use the style 'choices'"
            )


def encode_question(tokenizer, question: Question, style: str, wording: str = "") -> tuple[list[int], list[int]]:
    """Tokenise a question in a style: `render`, `targets`, `option_tokens`; a letter must be one token.

    Raises
    ------
    OptionClash
        Names the question.
    """
    prompt, continuations = render(question, style, wording), targets(question, style)
    try:
        _all_different(question.options)
        if style in ("letters", "p-true"):
            one_token_each(tokenizer, prompt, continuations)
        return option_tokens(tokenizer, prompt, continuations)
    except OptionClash as e:
        raise OptionClash(f"question {question.id!r}, style {style!r}: {e}") from None


def _all_different(options: tuple[str, ...]) -> None:
    for i, option in enumerate(options):
        if option.strip() in (o.strip() for o in options[:i]):
            raise OptionClash(f"two options read {option.strip()!r}; an answer cannot be told from its twin")


def _letters(q: Question) -> list[str]:
    return [f"{letter}. {option.strip()}" for letter, option in zip(LETTERS, q.options, strict=False)]


def _choices(q: Question) -> list[str]:
    return ["Choices: " + "; ".join(option.strip() for option in q.options)]


def _cloze(q: Question) -> list[str]:
    return []


def _p_true(q: Question) -> list[str]:
    if not q.proposed.strip():
        raise ValueError(f"question {q.id!r}: the style p-true needs a proposed answer; fill the field 'proposed'")
    return [f"Proposed answer: {q.proposed}", "Is the proposed answer right? Yes or No."]


_BODIES = {"letters": _letters, "choices": _choices, "cloze": _cloze, "p-true": _p_true}


def _check_style(style: str) -> None:
    if style not in _BODIES:
        raise ValueError(f"style: unknown prompt style {style!r}; expected one of {', '.join(STYLES)}")


def _encode(tokenizer, text: str) -> list[int]:
    ids = list(tokenizer(text, verbose=False)["input_ids"])
    if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:  # some tokenizers close every text; the answer comes before
        ids.pop()
    return ids


def _first_token(tokenizer, prompt: str, prompt_ids: list[int], continuation: str) -> int:
    ids = _encode(tokenizer, prompt + continuation)
    if ids[: len(prompt_ids)] != prompt_ids or len(ids) == len(prompt_ids):
        raise OptionClash(f"option {continuation!r} melts into the prompt's last token; end the prompt differently")
    return ids[len(prompt_ids)]
