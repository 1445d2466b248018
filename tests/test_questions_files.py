"""Question files: what is read, what is refused and in which words."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign.questions import Question, load, load_file, save_file
from dualalign.questions.schema import normalised

GOOD = {"id": "q1", "question": "Two and two?", "options": ["three", "four"], "answer": 1}


def write(path, *rows):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows), "utf-8")
    return path


def test_reads_what_the_format_promises(tmp_path):
    rows = [GOOD, {**GOOD, "id": "q2", "answer": None, "group": "sums", "context": "Count."}]
    first, second = load_file(write(tmp_path / "q.jsonl", *rows))
    assert first == Question("q1", "Two and two?", ("three", "four"), 1)
    assert (second.answer, second.group, second.context) == (None, "sums", "Count.")


def test_parquet_and_jsonl_give_the_same_questions(tmp_path):
    rows = [GOOD, {**GOOD, "id": "q2", "answer": None, "group": "sums"}]
    pd.DataFrame(rows).to_parquet(tmp_path / "q.parquet")
    assert load_file(tmp_path / "q.parquet") == load_file(write(tmp_path / "q.jsonl", *rows))


TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1).filter(str.strip)


@given(st.lists(TEXT, min_size=2, max_size=26), TEXT, st.booleans())
def test_saved_questions_come_back_unchanged(tmp_path_factory, options, text, known):
    question = Question("id", text, tuple(options), 0 if known else None, context=text)
    path = tmp_path_factory.mktemp("q") / "q.jsonl"
    assert load_file(save_file([question], path)) == [question]
    assert [p.name for p in path.parent.iterdir()] == ["q.jsonl"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "missing id"),
        ({"options": None}, "missing options"),
        ({"options": "A. one"}, "options is str"),
        ({"options": ["one"]}, "1 options, expected 2 to 26"),
        ({"options": [str(i) for i in range(27)]}, "27 options"),
        ({"options": ["one", " "]}, "option 1 is ' '"),
        ({"options": ["one", 2]}, "option 1 is 2"),
        ({"answer": 2}, "answer 2 does not point at one of 2 options"),
        ({"answer": -1}, "answer -1 does not point"),
        ({"answer": "B"}, "answer is 'B'"),
        ({"answer": True}, "answer is True"),
        ({"answer": 0.5}, "answer is 0.5"),
        ({"answer": float("inf")}, "answer is inf"),
        ({"question": 3}, "question is int"),
        ({"question": "\ud800"}, "half a character"),
        ({"options": {"A": "one", "B": "two"}}, "options is dict"),
        ({"options": ["one", "\ud83d"]}, "option 1 is '\\ud83d'"),
        ({"id": True}, "id is True"),
        ({"id": ["q2"]}, "id is ['q2']"),
        ({"id": float("nan")}, "id is nan"),
    ],
)
def test_a_bad_row_is_named(tmp_path, change, words):
    path = write(tmp_path / "q.jsonl", GOOD, {**GOOD, "id": "q2", **change})
    with pytest.raises(ValueError, match="row 2") as error:
        load_file(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no questions found"),
        ("{", "row 1: not JSON"),
        ("[1]", "a row must be an object"),
        ("\n\n", "no questions"),
        ("[" * 100_000, r"q\.jsonl, row 1: JSON beyond"),
        ("9" * 5_000, r"q\.jsonl, row 1: JSON beyond"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, words):
    with pytest.raises(ValueError, match=words):
        load_file(write(tmp_path / "q.jsonl", content))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "q.jsonl").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "q.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ValueError, match="not UTF-8"):
        load_file(tmp_path / "q.jsonl")
    with pytest.raises(ValueError, match="not a readable Parquet file"):
        load_file(tmp_path / "q.parquet")
    with pytest.raises(ValueError, match="no such question file"):
        load_file(tmp_path / "none.jsonl")


def test_the_ending_may_be_in_capitals(tmp_path):
    pd.DataFrame([GOOD]).to_parquet(tmp_path / "q.PARQUET")
    assert load(tmp_path / "q.PARQUET") == load(write(tmp_path / "q.JSONL", GOOD))


def test_questions_that_cannot_be_saved_leave_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="surrogates"):
        save_file([Question("q", "\ud800", ("x", "y"))], tmp_path / "q.jsonl")
    with pytest.raises(ValueError, match="cannot be written"):
        save_file([Question("q", "Q?", ("x", "y"))], tmp_path / "none" / "q.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_an_id_must_be_unique(tmp_path):
    with pytest.raises(ValueError, match="row 2: id 'q1' already stands in row 1"):
        load_file(write(tmp_path / "q.jsonl", GOOD, GOOD))


def test_an_unknown_set_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no such question set.*arc-easy/test.*medmcqa/validation"):
        load("arc-eazy/test")


def test_a_mirror_folder_stands_in_for_the_hub(tmp_path, monkeypatch):
    write(tmp_path / "arc_easy_test.jsonl", GOOD)
    assert [q.id for q in load("arc-easy/test", tmp_path)] == ["q1"]
    monkeypatch.setenv("DUALALIGN_MIRROR", str(tmp_path))
    assert [q.id for q in load("arc-easy/test")] == ["q1"]
    with pytest.raises(ValueError, match=r"mmlu_test\.jsonl: no such question file"):
        load("mmlu/test")


def test_normalised_text_ignores_case_width_and_punctuation():
    pair = [Question("a", t, ("x", "y")) for t in ("What is  H₂O?", "what is h2o")]
    assert normalised(pair[0]) == normalised(pair[1]) == "what is h2o"
