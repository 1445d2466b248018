"""The shape of a question, and the checks every question passes before it is used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ..bounded import shown

MAX_OPTIONS = 26
MAX_TEXT = 2**20  # characters of one text
FIELDS = ("id", "question", "options", "answer", "group", "context", "proposed")


@dataclass(frozen=True, slots=True)
class Question:
    """One multiple-choice question.

    Parameters
    ----------
    id : str
        Unique within its set.
    question : str
        The question itself, without its options.
    options : tuple of str
        2 to 26 answers to choose from.
    answer : int or None
        Index of the right option; ``None`` where it is unknown.
    group : str
        Subject, or empty.
    context : str
        A passage to read first, or empty.
    proposed : str
        A proposed answer to be judged (prompt style ``p-true`` only), or empty.

    Examples
    --------
    >>> question = da.Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> question.to_row()
    {'id': 'ice', 'question': 'What is ice?', 'options': ['hot', 'cold'], 'answer': 1}
    """

    id: str
    question: str
    options: tuple[str, ...]
    answer: int | None = None
    group: str = ""
    context: str = ""
    proposed: str = ""

    def to_row(self) -> dict:
        """Return the question as a JSON-ready row; empty optional fields are left out."""
        row = asdict(self) | {"options": list(self.options)}
        return {k: v for k, v in row.items() if k in FIELDS[:4] or v}


def question_from_row(row: dict, where: str) -> Question:
    """Build a `Question` from one row of a file.

    Parameters
    ----------
    row : dict
        Keys ``id``, ``question``, ``options``, ``answer`` and optionally ``group``, ``context``, ``proposed``.
    where : str
        File and row, used to begin every error message.

    Raises
    ------
    ValueError
        Names the file, the row, what was found and what to do.

    Examples
    --------
    >>> from dualalign.questions.schema import question_from_row
    >>> question_from_row({"id": 1, "question": "What is ice?", "options": ["hot", "cold"]}, "q.jsonl, row 1").id
    '1'
    """
    if not isinstance(row, dict):
        raise ValueError(f"{where}: a row must be an object with the keys id, question, options, answer")
    missing = [k for k in ("id", "question", "options") if row.get(k) is None]
    if missing:
        raise ValueError(f"{where}: missing {', '.join(missing)}; a row needs id, question, options and answer")
    options = _options(row["options"], where)
    return Question(
        id=_id(row["id"], where),
        question=_text(row, "question", where),
        options=options,
        answer=_answer(row.get("answer"), len(options), where),
        group=_text(row, "group", where),
        context=_text(row, "context", where),
        proposed=_text(row, "proposed", where),
    )


def _id(value, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"{where}: id is {shown(value)}, expected text or a whole number")
    return _whole(str(value), "id", where)


def _text(row: dict, key: str, where: str) -> str:
    value = row.get(key)
    if value is None or value != value:  # Parquet writes a missing string as NaN
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{where}: {key} is {type(value).__name__}, expected text")
    return _whole(value, key, where)


def _whole(text: str, what: str, where: str) -> str:
    """Refuse a text without end, and half a character (a lone surrogate, which JSON can spell): no file takes it."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"{where}: {what} has {len(text):,} characters, more than {MAX_TEXT:,}; shorten it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: {what} is {shown(text)}, with half a character in it; repair the text") from None
    return text


def _options(value, where: str) -> tuple[str, ...]:
    if isinstance(value, (str, dict)) or not hasattr(value, "__iter__"):
        raise ValueError(f"{where}: options is {type(value).__name__}, expected a list of 2 to {MAX_OPTIONS} strings")
    options = tuple(value)
    if not 2 <= len(options) <= MAX_OPTIONS:
        raise ValueError(f"{where}: {len(options)} options, expected 2 to {MAX_OPTIONS}")
    for i, option in enumerate(options):
        if not isinstance(option, str) or not option.strip():
            raise ValueError(f"{where}: option {i} is {shown(option)}, expected text; remove or repair it")
        _whole(option, f"option {i}", where)
    return options


def _answer(value, n_options: int, where: str) -> int | None:
    if value is None or value != value:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1 != 0:  # infinity % 1 is NaN
        raise ValueError(f"{where}: answer is {shown(value)}, expected an index from 0 to {n_options - 1}, or null")
    if not 0 <= value < n_options:
        raise ValueError(
            f"{where}: answer {shown(int(value))} does not point at one of {n_options} options (0 is the first)"
        )
    return int(value)


def check_unique(questions: Iterable[Question], where: str) -> list[Question]:
    """Return ``questions`` as a list; raise ValueError where there are none, and at the first id that stands twice."""
    found: dict[str, tuple[int, Question]] = {}
    for row, q in enumerate(questions, 1):
        if q.id in found:
            first = found[q.id][0]
            raise ValueError(f"{where}, row {row}: id {shown(q.id)} already stands in row {first}; ids must be unique")
        found[q.id] = row, q
    if not found:
        raise ValueError(f"{where}: no questions found; expected one row a question")
    return [q for _, q in found.values()]


def normalised(question: Question) -> str:
    """The question's text reduced to lower-case letters and digits, to compare questions across sets.

    Examples
    --------
    >>> from dualalign.questions import Question, normalised
    >>> question = Question("ice", "What is ice?", ("hot", "cold"), answer=1)
    >>> normalised(question)
    'what is ice'
    """
    text = unicodedata.normalize("NFKC", f"{question.context} {question.question}").casefold()
    return re.sub(r"\W+", " ", text).strip()
