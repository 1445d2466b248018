"""Prompt styles: how a question becomes a text that ends where the answer comes next.

Every style reads the model at the last token of the prompt and scores each option by the first token that would follow.
"""

from __future__ import annotations

from .schema import Question

STYLES = ("letters", "choices", "cloze", "p-true")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ENDING = "Answer:"
THOUGHTS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))  # as templates mark them
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
        Ends in `ENDING`, without a trailing blank: the blank belongs to the token that follows.

    Raises
    ------
    ValueError
        If the style is unknown, or ``p-true`` meets a question without a proposed answer.

    Examples
    --------
    >>> from dualalign.questions import Question, render
    >>> question = Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> print(render(question, "letters"))
    Question: What is ice?
    A. hot
    B. cold
    Answer:
    """
    _check_style(style)
    parts = [wording, question.context, f"Question: {question.question}", *_BODIES[style](question)]
    return "\n".join([p.strip() for p in parts if p.strip()] + [ENDING])


def render_chat(tokenizer, question: Question, style: str, wording: str = "") -> str:
    """Write ``question`` as a user's message in the tokenizer's chat template, up to where the model's turn begins.

    The message is `render`'s text without its last line; what follows is the first token of the model's turn, without a
    leading blank. No system message is sent. Where a template knows of thinking, it is told to leave that out.

    Raises
    ------
    ValueError
        If the tokenizer has no chat template, or the template refuses the message, leaves its text out, or begins a
        thought: the next token is then no answer.
    """
    message = {"role": "user", "content": render(question, style, wording).removesuffix(f"\n{ENDING}")}
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError("its tokenizer has no chat template; leave out --chat-template")
    try:
        text = tokenizer.apply_chat_template(
            [message], tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    except Exception as e:  # a template is a small program; whatever it raises, one line is enough
        reason = " ".join(f"{type(e).__name__}: {e}".split())[:160]
        raise ValueError(f"question {question.id!r}: the chat template fails on it ({reason})") from None
    _, found, turn = text.rpartition(message["content"].splitlines()[-1].strip())
    if not found:  # one written for messages in parts, of text and pictures, drops a message that is one text
        raise ValueError(f"question {question.id!r}: the chat template leaves its text out; leave out --chat-template")
    if any(turn.rfind(begin) > turn.rfind(end) for begin, end in THOUGHTS):
        raise ValueError(
            f"question {question.id!r}: the chat template begins a thought, and no option can come next; "
            "leave out --chat-template"
        )
    return text


def targets(question: Question, style: str) -> tuple[str, ...]:
    """The continuations that are scored, one an option, each with its leading blank.

    Examples
    --------
    >>> from dualalign.questions import Question, targets
    >>> question = Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> targets(question, "letters"), targets(question, "cloze")
    ((' A', ' B'), (' hot', ' cold'))
    """
    _check_style(style)
    if style == "letters":
        return tuple(f" {letter}" for letter in LETTERS[: len(question.options)])
    if style == "p-true":
        return tuple(f" {verdict}" for verdict in VERDICTS)
    return tuple(f" {option.strip()}" for option in question.options)


def option_tokens(
    tokenizer, prompt: str, continuations: tuple[str, ...], special: bool = True, whole: bool = False
) -> tuple[list[int], list[int]]:
    """Tokenise a prompt, and find the first token of each continuation *in its place behind the prompt*.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    prompt : str
    continuations : tuple of str
        K continuations, from `targets`.
    special : bool
        Whether the tokenizer adds its special tokens; False where the prompt holds them already.
    whole : bool
        Whether each continuation must be one token (a letter).

    Returns
    -------
    prompt_ids : list of int
        The whole prompt, with the special tokens in front.
    token_ids : list of int
        K token ids, pairwise different.

    Raises
    ------
    OptionClash
        If a continuation merges with the prompt, or two continuations begin with the same token.

    Examples
    --------
    >>> from dualalign.questions import option_tokens
    >>> def words(text, **_):  # stands for a tokenizer: a token a word
    ...     return {"input_ids": text.split()}
    >>> words.eos_token_id = None
    >>> option_tokens(words, "What is ice? Answer:", (" very hot", " cold"))
    (['What', 'is', 'ice?', 'Answer:'], ['very', 'cold'])
    """
    prompt_ids = _encode(tokenizer, prompt, special)
    longer = [_encode(tokenizer, prompt + text, special) for text in continuations]
    if whole:
        _one_token_each(continuations, [len(ids) - len(prompt_ids) for ids in longer])
    firsts = [_first_token(prompt_ids, ids, text) for ids, text in zip(longer, continuations, strict=True)]
    for i, token in enumerate(firsts):
        if token in firsts[:i]:
            twin = continuations[firsts.index(token)]
            raise OptionClash(f"options {twin!r} and {continuations[i]!r} begin with the same token ({token})")
    return prompt_ids, firsts


def _one_token_each(continuations: tuple[str, ...], sizes: list[int]) -> None:
    for text, n in zip(continuations, sizes, strict=True):
        if n != 1:
            raise OptionClash(
                f"option {text!r} is {n} tokens for this tokenizer, expected one; use the style 'choices'"
            )


def encode_question(
    tokenizer, question: Question, style: str, wording: str = "", chat: bool = False
) -> tuple[list[int], list[int]]:
    """Tokenise a question in a style: `render`, `targets`, `option_tokens`; a letter must be one token.

    With ``chat`` the question is put into the tokenizer's chat template, see `render_chat`.

    Raises
    ------
    OptionClash
        Names the question.
    ValueError
        Where there is no chat template, or it refuses the question.

    Examples
    --------
    >>> from dualalign.questions import Question, encode_question
    >>> def words(text, **_):  # stands for a tokenizer: a token a word
    ...     return {"input_ids": text.split()}
    >>> words.eos_token_id = None
    >>> prompt, options = encode_question(words, Question("ice", "What is ice?", ("hot", "cold")), "letters")
    >>> prompt[-1], options
    ('Answer:', ['A', 'B'])
    """
    continuations = targets(question, style)
    prompt = (render_chat if chat else _plain)(tokenizer, question, style, wording)
    if chat:
        continuations = tuple(text.removeprefix(" ") for text in continuations)
    try:
        _all_different(question.options)
        whole = style in ("letters", "p-true")
        return option_tokens(tokenizer, prompt, continuations, special=not chat, whole=whole)
    except OptionClash as e:
        raise OptionClash(f"question {question.id!r}, style {style!r}: {e}") from None


def _plain(tokenizer, question: Question, style: str, wording: str) -> str:
    return render(question, style, wording)


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


def _encode(tokenizer, text: str, special: bool = True) -> list[int]:
    plain = {} if special else {"add_special_tokens": False}
    ids = list(tokenizer(text, verbose=False, **plain)["input_ids"])
    if (
        special and len(ids) > 1 and ids[-1] == tokenizer.eos_token_id
    ):  # some tokenizers close every text; the answer comes before
        ids.pop()
    return ids


def _first_token(prompt_ids: list[int], ids: list[int], continuation: str) -> int:
    if ids[: len(prompt_ids)] != prompt_ids or len(ids) == len(prompt_ids):
        raise OptionClash(f"option {continuation!r} melts into the prompt's last token; end the prompt differently")
    return ids[len(prompt_ids)]
