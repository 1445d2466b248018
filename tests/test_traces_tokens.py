"""Two tokenizers that do not read alike are found out over all questions, told in numbers, and never guessed away."""

from __future__ import annotations

import pytest
from models_kit import WORDS, save_tiny, tiny_questions, tiny_tokenizer

from dualalign.questions import Question, save_file

pytestmark = pytest.mark.models


class Bare:
    """A model of which only the tokenizer matters."""

    def __init__(self, name: str, words: list[str] = WORDS):
        self.name, self.tokenizer, self.spec, self.context_length = name, tiny_tokenizer(words), None, None


def report(plm, polm, questions=None, style="choices"):
    from dualalign.traces.tokens import tokenizer_report

    return tokenizer_report(plm, polm, tiny_questions() if questions is None else questions, style)


def test_alike_is_said_in_one_line():
    found = report(Bare("a"), Bare("b"))
    assert (found.asked, found.differ, found.clashes) == (12, (), ())
    assert found.lines() == ["12 of 12 questions: the same tokens for both models"]


def test_an_option_under_another_number_is_told_with_its_question():
    swapped = [{"cat": "dog", "dog": "cat"}.get(word, word) for word in WORDS]
    found = report(Bare("a"), Bare("b", swapped), style="cloze")
    with_pets = [q.id for q in tiny_questions() if {"cat", "dog"} & set(q.options)]
    assert [one.question for one in found.differ] == with_pets
    assert {one.what for one in found.differ} == {"options"}
    assert 0 < len(with_pets) < 12
    assert (
        found.lines()[1] == f"{len(with_pets)} of 12 questions: split differently (--foreign traces them all the same)"
    )


def test_a_prompt_is_shown_from_where_it_parts():
    fewer = [word for word in WORDS if word != "big"] + ["big"]
    (found, *_) = report(Bare("a"), Bare("b", fewer), [Question("q", "is it big ?", ("cat", "dog"), 0)]).differ
    assert (found.question, found.what) == ("q", "prompt")
    unknown = report(
        Bare("a"), Bare("b", [w for w in WORDS if w != "the"]), [Question("q", "is the ?", ("cat", "dog"), 0)]
    )
    assert unknown.differ[0].plm[0] == "the"
    assert unknown.differ[0].polm[0] == "<unk>"


def test_the_same_words_under_other_numbers_are_told_with_them():
    (found,) = report(Bare("a"), Bare("b", WORDS[::-1]), [Question("q", "is ?", ("cat", "dog"), 0)]).differ
    assert found.plm[0] == f"Question={4 + WORDS.index('Question')}"
    assert found.polm[0] == f"Question={4 + WORDS[::-1].index('Question')}"


def test_of_many_options_those_that_differ_are_shown():
    swapped = [{"one": "two", "two": "one"}.get(word, word) for word in WORDS]
    ask = [Question("q", "is it ?", ("cat", "dog", "red", "blue", "one"), 0)]
    (found,) = report(Bare("a"), Bare("b", swapped), ask, "cloze").differ
    assert found.what == "options"
    assert [side[0].split("=")[0] for side in (found.plm, found.polm)] == ["one", "one"]
    assert found.plm != found.polm


def test_the_error_of_a_clash_counts_them_all():
    from dualalign.traces.encode import encode_pair

    twins = [Question(name, "is it ?", ("red cat", "red dog"), 0) for name in ("first", "second")]
    with pytest.raises(
        ValueError, match=r"question 'first'.* token \(\d+\); so it is with 2 of 4 questions: .*--skip-cl"
    ):
        encode_pair(Bare("a"), Bare("b"), [*tiny_questions(2), *twins], "choices")


def test_what_cannot_be_read_is_counted_apart():
    twins = Question("twins", "is it ?", ("red cat", "red dog"), 0)
    found = report(Bare("a"), Bare("b"), [*tiny_questions(2), twins])
    assert len(found.clashes) == 1
    assert "twins" in found.clashes[0]
    assert "1 of 3 questions: cannot be read in this style" in found.lines()[1]


def test_the_error_of_a_trace_counts_them_all():
    from dualalign.traces.encode import encode_pair

    swapped = [{"cat": "dog", "dog": "cat"}.get(word, word) for word in WORDS]
    with pytest.raises(
        ValueError, match=r"^\d+ of 12 questions are split differently by the tokenizers of a and b, 'q"
    ) as e:
        encode_pair(Bare("a"), Bare("b", swapped), tiny_questions(), "cloze")
    assert "\n" not in str(e.value)
    assert encode_pair(Bare("a"), Bare("b", swapped), tiny_questions(), "cloze", foreign=True)


def test_the_command_reports_and_stops_before_any_weights(tmp_path, capsys, monkeypatch):
    from dualalign.cli import app
    from dualalign.models import load

    monkeypatch.setattr(load, "_weights", lambda *_: pytest.fail("weights were read"))
    for seed, name in enumerate(("base", "chat")):
        save_tiny(tmp_path / name, seed=seed, words=WORDS if name == "base" else WORDS[::-1])
    save_file(tiny_questions(), tmp_path / "q.jsonl")
    words = ["--plm", tmp_path / "base", "--polm", tmp_path / "chat", "--questions", tmp_path / "q.jsonl"]
    with pytest.raises(SystemExit) as e:
        app(
            [
                "trace",
                *map(str, words),
                "--style",
                "choices",
                "--check",
                "--out",
                str(tmp_path / "t"),
                "--device",
                "cpu",
            ]
        )
    assert e.value.code == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        "0 of 12 questions: the same tokens for both models",
        "12 of 12 questions: split differently (--foreign traces them all the same)",
    ]
    assert not list(tmp_path.glob("t*"))
