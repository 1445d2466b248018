"""What may train and what only evaluates, and the check that the two never meet."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..questions import OptionClash, Question, encode_question, load, normalised
from ..questions.packaged import id_hash

if TYPE_CHECKING:
    import pandas as pd

TRAINING_SETS = ("arc-easy/train", "arc-challenge/train", "openbookqa/train", "csqa/train", "siqa/test", "boolq/train")
EVALUATION_SETS = (
    "arc-easy/test",
    "arc-challenge/test",
    "openbookqa/test",
    "csqa/held-out",
    "piqa/validation",
    "mmlu/test",
    "mmlu-sample/test",
    "medmcqa/validation",
    "nq-open/test",
)
FINGERPRINTS = Path("data/questions/fingerprints.parquet")
BOOLQ_LIMIT = 220  # characters of passage: longer ones cost more time than they teach


@dataclass(frozen=True)
class Example:
    """One training step's worth of a question: the prompt's tokens, the option tokens, and which one is right."""

    id: str
    style: str
    prompt_ids: tuple[int, ...]
    option_ids: tuple[int, ...]
    answer: int


def training_pool(mirror=None) -> list[Question]:
    """Every question that may train, in a fixed order, less those whose text stands in an evaluation set."""
    pool = [replace(q, id=f"{name}|{q.id}") for name in TRAINING_SETS for q in load(name, mirror) if _usable(q)]
    met = set(overlap(pool, (q for name in EVALUATION_SETS for q in load(name, mirror))))
    return [q for q in pool if q.id not in met]


def overlap(training: Iterable[Question], evaluation: Iterable[Question]) -> list[str]:
    """Ids of the training questions whose normalised text stands among the evaluation questions."""
    seen = {normalised(q) for q in evaluation}
    return [q.id for q in training if normalised(q) in seen]


def fingerprint(question: Question) -> str:
    """16 hex digits that stand for a question's normalised text, so that sets can be compared without being shipped."""
    return hashlib.sha256(normalised(question).encode()).hexdigest()[:16]


def fingerprints(mirror=None) -> pd.DataFrame:
    """One row for every question of the pool and of the evaluation sets: role, set, id, fingerprint."""
    import pandas as pd

    sets = {("pool", "training"): training_pool(mirror)}
    sets |= {("evaluation", name): load(name, mirror) for name in EVALUATION_SETS}
    rows = [(role, name, q.id, fingerprint(q)) for (role, name), questions in sets.items() for q in questions]
    return pd.DataFrame(rows, columns=["role", "set", "id", "fingerprint"])


def own_pool(path: str | Path, prints: Path = FINGERPRINTS) -> list[Question]:
    """Training questions of a file, once the shipped fingerprints have shown that none of them evaluates.

    Raises
    ------
    ValueError
        One line: a question without its answer, one that stands in an evaluation set, no fingerprints to compare with.
    """
    questions = load(path)
    for row, q in enumerate(questions, 1):
        if q.answer is None:
            raise ValueError(f"{path}, question {row} (id {q.id!r}): no answer; a training question needs its label")
    met = evaluated(questions, prints)
    if met:
        row, name = next(iter(met.items()))
        raise ValueError(
            f"{path}, question {row + 1} (id {questions[row].id!r}): stands in the evaluation set {name}; "
            f"remove it ({len(met)} of {len(questions)} questions stand in evaluation sets)"
        )
    return questions


def evaluated(questions: list[Question], prints: Path = FINGERPRINTS) -> dict[int, str]:
    """Which questions stand in an evaluation set, by normalised text: {index: name of the set}."""
    import pandas as pd

    if not Path(prints).is_file():
        raise ValueError(
            f"{prints}: missing, and without it no question is known to be free; go to the project's root, "
            f"or run: python -m dualalign.lab fingerprints"
        )
    table = pd.read_parquet(prints)
    table = table[table.role == "evaluation"]
    sets = dict(zip(table.fingerprint, table["set"], strict=True))
    return {i: sets[mark] for i, mark in enumerate(map(fingerprint, questions)) if mark in sets}


def split_dev(pool: list[Question], share: float = 0.05) -> tuple[list[Question], list[Question]]:
    """Split the pool into (training, development) by the hash of the id; development questions choose, never train."""
    dev = [q for q in pool if id_hash("dev:" + q.id) < share]
    held = {q.id for q in dev}
    return [q for q in pool if q.id not in held], dev


def shuffle_options(question: Question, rng: random.Random) -> Question:
    """The same question with its options in a random order, so that no position is favoured."""
    order = list(range(len(question.options)))
    rng.shuffle(order)
    return replace(question, options=tuple(question.options[i] for i in order), answer=order.index(question.answer))


def as_judgement(question: Question, rng: random.Random) -> Question:
    """Turn a multiple-choice question into a ``p-true`` one: propose the right option half of the time."""
    wrong = [i for i in range(len(question.options)) if i != question.answer]
    right = rng.random() < 0.5
    proposed = question.options[question.answer if right else rng.choice(wrong)]
    return replace(question, options=("Yes", "No"), answer=0 if right else 1, proposed=proposed)


def encode_example(tokenizer, question: Question, style: str, rng: random.Random) -> Example:
    """Shuffle, render and tokenise one labelled question. Raises OptionClash where the style cannot read it."""
    question = as_judgement(question, rng) if style == "p-true" else shuffle_options(question, rng)
    prompt_ids, option_ids = encode_question(tokenizer, question, style)
    return Example(question.id, style, tuple(prompt_ids), tuple(option_ids), question.answer)


def reads_choices(tokenizer, question: Question) -> bool:
    """Whether the style ``choices`` can read a question: no two options begin with the same token."""
    try:
        encode_question(tokenizer, question, "choices")
    except OptionClash:
        return False
    return True


def mixed_examples(tokenizer, pool: list[Question], mix: dict[str, float], clash_mix: dict[str, float], seed: int):
    """Each question once, in one style.

    Parameters
    ----------
    pool : list of Question
    mix, clash_mix : dict of style to probability
        For questions that ``choices`` can read, and for those it cannot (two options begin alike). Probabilities that
        sum to less than 1 leave the rest of the questions out.
    seed : int

    Returns
    -------
    list of Example
        In random order.
    """
    rng = random.Random(seed)
    examples = []
    for question in pool:
        style = _draw(mix if reads_choices(tokenizer, question) else clash_mix, rng)
        if style is not None:
            examples.extend(_try_encode(tokenizer, question, style, rng))
    rng.shuffle(examples)
    return examples


def _usable(q: Question) -> bool:
    return q.answer is not None and len(q.context) <= BOOLQ_LIMIT


def _draw(mix: dict[str, float], rng: random.Random) -> str | None:
    u = rng.random()
    for style, probability in mix.items():
        if u < probability:
            return style
        u -= probability
    return None


def _try_encode(tokenizer, question: Question, style: str, rng: random.Random) -> list[Example]:
    try:
        return [encode_example(tokenizer, question, style, rng)]
    except OptionClash:  # letters also clash where two options read alike
        return []
