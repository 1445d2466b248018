"""Dumps of servers at the borders of what is taken: names, defaults, every refusal word by word."""

from __future__ import annotations

import json

import numpy as np
import pytest
from imports_kit import write_jsonl
from messages_kit import refusal
from test_imports_logprobs import LETTERS, TOP, completion

from dualalign.questions import Question
from dualalign.questions import save_file as save_questions
from dualalign.traces.imports import (
    from_logprobs,
)

# -- Dumps of servers ------------------------------------------------------------------------------------------------


def dumps(folder, *changes):
    rows = [{"id": f"q{i}", "options": LETTERS, "response": completion(top)} for i, top in enumerate(TOP)]
    plm = write_jsonl(folder / "plm.jsonl", rows)
    rows[0] = rows[0] | dict(*changes)
    return plm, write_jsonl(folder / "polm.jsonl", [{k: v for k, v in row.items() if v != "gone"} for row in rows])


def top_of(**values):
    return {"response": {"choices": [{"logprobs": values}]}}


def scored(**values):
    return {"option": 0, "prompt_token_ids": [1, 2], "prompt_logprobs": [None, {"2": {"logprob": -1.0}}], **values}


WRONG_LINES = {
    "an error": {"error": "x"},
    "a response that is none": {"response": 3},
    "a body that is none": {"response": {"body": 3}},
    "a long id": {"custom_id": "x" * 301},
    "an id of lists": {"question_id": [1]},
    "no id": {"id": None},
    "options that are none": {"options": 3},
    "an option that is none": {"options": [" A", 3]},
    "no options": {"options": None},
    "too many options": {"options": ["a"] * 257},
    "an answer that is none": {"answer": 9},
    "meta info without tokens": {"response": {"meta_info": {}}},
    "meta info of no list": {"response": {"meta_info": {"output_top_logprobs": [3]}}},
    "meta info of no triples": {"response": {"meta_info": {"output_top_logprobs": [[3]]}}},
    "meta info of pairs": {"response": {"meta_info": {"output_top_logprobs": [[[1, 2]]]}}},
    "no choices": {"response": {"choices": 3}},
    "a choice that is none": {"response": {"choices": [3]}},
    "no outputs": {"response": {"outputs": []}},
    "an output that is none": {"response": {"outputs": [3]}},
    "content of no list": top_of(content=3),
    "content of no object": top_of(content=[3]),
    "top tokens of no list": top_of(content=[{"top_logprobs": 3}]),
    "a top token of no object": top_of(content=[{"top_logprobs": [3]}]),
    "a top token without text": top_of(content=[{"top_logprobs": [{"logprob": -1}]}]),
    "a top token of numbers": top_of(content=[{"top_logprobs": [{"token": 5, "logprob": -1}]}]),
    "no list of top tokens": top_of(top_logprobs=3),
    "an echoed prompt": top_of(top_logprobs=[None]),
    "a first token of no object": top_of(top_logprobs=[3]),
    "a logprob of lists": top_of(top_logprobs=[{"t" * 99: [1]}]),
    "a logprob above 0": top_of(top_logprobs=[{"t" * 99: 1.1e-3}]),
    "an option of true": {"option": True},
    "an option below 0": {"option": -1},
    "an option of text": {"option": "1"},
    "scored choices of no list": scored(response={"choices": 3}),
    "a scored choice of no object": scored(response={"choices": [3]}),
    "no scored tokens": scored(response="gone", prompt_logprobs=None),
    "no token ids": scored(response="gone", prompt_token_ids=None),
    "a token id of lists": scored(response="gone", prompt_token_ids=[1, [2]]),
    "a token too few": scored(response="gone", prompt_token_ids=[1]),
    "a scored token of no object": scored(response="gone", prompt_logprobs=[None, 3]),
    "a scored token of another id": scored(response="gone", prompt_logprobs=[None, {"3": {"logprob": -1}}]),
    "one option scored": scored(response="gone"),
    "an option too few": scored(response="gone", options=[" A", " B"]),
    "an option that was skipped": scored(response="gone", option=2),
}


@pytest.mark.parametrize("case", WRONG_LINES)
def test_a_line_of_a_server_is_refused_word_by_word(case, tmp_path):
    files = dumps(tmp_path, WRONG_LINES[case])
    with refusal("logprobs_more", case, f"{tmp_path}/", match=r"polm\.jsonl, row 1"):
        from_logprobs(*files)


def test_half_a_character_in_a_prompt_is_told(tmp_path):
    plm, polm = dumps(tmp_path, {"prompt": "?"})
    polm.write_text(polm.read_text().replace('"?"', '"\\ud800"'))
    with pytest.raises(
        ValueError, match=r"row 1: prompt holds '\\ud800', with half a character in it; repair the text$"
    ):
        from_logprobs(plm, polm)
    plm.write_text(plm.read_text().replace('"tiny/base"', '"\\ud800"'))
    with pytest.raises(ValueError, match=r"/plm\.jsonl: model holds '\\ud800', with half a character in it; repair"):
        from_logprobs(plm, plm)


def test_a_response_that_names_no_model_has_the_files_name(tmp_path):
    rows = [{"id": f"q{i}", "object": "x", "options": LETTERS, "logprobs": [top]} for i, top in enumerate(TOP)]
    path = write_jsonl(tmp_path / "plain.jsonl", rows)  # "object" alone makes no bare response of a server
    assert from_logprobs(path, path).metadata["plm"] == "plain.jsonl"


def test_the_last_logprob_that_may_be_rounding(tmp_path):
    plm, polm = dumps(tmp_path, top_of(top_logprobs=[TOP[0] | {" A": 1e-3}]))
    assert from_logprobs(plm, polm).polm_final[0, 0] == np.float32(1e-3)


def test_what_is_said_of_dumps(tmp_path):
    plm, polm = dumps(tmp_path, {})
    traces = from_logprobs(plm, polm, polm_name="mine")
    said = {key: traces.metadata[key] for key in ("plm", "polm", "questions", "prompt", "imported")}
    assert said == {
        "plm": "tiny/base",
        "polm": "mine",
        "questions": "plm.jsonl",
        "prompt": "as asked of the server",
        "imported": "logprobs: plm.jsonl / polm.jsonl",
    }
    save_questions([Question(f"q{i}", "?", ("a", "b", "c"), i, "g") for i in range(2)], tmp_path / "asked.jsonl")
    traces = from_logprobs(plm, polm, tmp_path / "asked.jsonl", plm_name="base")
    assert (traces.metadata["plm"], traces.metadata["questions"]) == ("base", "asked.jsonl")
    assert traces.metadata["prompt"] == "as asked of the server, options as letters"
    assert (traces.labels.tolist(), traces.groups) == ([0, 1], ("g", "g"))


def test_a_line_has_the_last_word_on_its_answer_and_group(tmp_path):
    asked = [Question(f"q{i}", "?", ("a", "b", "c"), 0, "theirs") for i in range(2)]
    plm, polm = dumps(tmp_path, {"answer": 2, "group": "its own"})
    for files in ((polm, polm), (polm, plm)):
        labels = [2, 0]
        if files[1] == plm:
            with pytest.raises(ValueError, match="has the label 0, 2 in"):
                from_logprobs(*files, asked)
        else:
            traces = from_logprobs(*files, asked)
            assert (traces.labels.tolist(), traces.groups) == (labels, ("its own", "theirs"))


def test_prompts_are_compared_where_both_lines_have_one(tmp_path):
    plm, polm = dumps(tmp_path, {"prompt": "one"})
    assert from_logprobs(plm, polm).question_ids == ("q0", "q1")
    other = write_jsonl(
        tmp_path / "other.jsonl", [json.loads(line) | {"prompt": "two"} for line in polm.read_text().splitlines()]
    )
    with pytest.raises(ValueError, match=r"other\.jsonl, row 1: question 'q0' was asked in other words than in .*polm"):
        from_logprobs(polm, other)


def echoes(folder, name="echo.jsonl", **more):
    """A scored prompt of two options a question, under `choices` as a server answers."""
    rows = []
    for q in range(2):
        for i in range(2):
            given = [None, {"5": {"logprob": -1.0}}, {str(7 + i): -2.0 - i - q}]
            body = {"model": "m", "choices": [{"prompt_logprobs": given, "prompt_token_ids": [1, 5, 7 + i]}]}
            rows.append({"id": f"q{q}", "option": i, "response": body, **more})
    return write_jsonl(folder / name, rows)


def test_scored_prompts_of_a_server_and_their_options(tmp_path):
    path = echoes(tmp_path)
    traces = from_logprobs(path, path)
    assert traces.plm_final.tolist() == [[-2, -3], [-3, -4]]
    assert (traces.metadata["plm"], traces.metadata["scores"]) == (
        "m",
        "sum of log-probabilities over the tokens of an option",
    )
    asked = [Question(f"q{i}", "?", ("a", "b"), 1, "g") for i in range(2)]
    traces = from_logprobs(path, path, asked, "choices")
    assert (traces.labels.tolist(), traces.groups) == ([1, 1], ("g", "g"))
    given = echoes(tmp_path, options=["x", "y"], answer=0)
    assert from_logprobs(given, given).labels.tolist() == [0, 0]
    grouped = echoes(tmp_path, group="mine", options=["0", "1"])
    assert from_logprobs(echoes(tmp_path, name="plain.jsonl"), grouped).groups == ("mine", "mine")  # numbered options


def beside(row: dict) -> dict:
    """The ids of the tokens beside the response instead of in it."""
    return row | {"prompt_token_ids": row["response"]["choices"][0].pop("prompt_token_ids")}


def test_token_ids_may_stand_beside_the_response(tmp_path):
    path = echoes(tmp_path)
    plain = from_logprobs(path, path).plm_final
    write_jsonl(path, [beside(json.loads(line)) for line in path.read_text().splitlines()])
    assert np.array_equal(from_logprobs(path, path).plm_final, plain)


WRONG_ECHOES = {
    "three options of two": {"options": ["x", "y", "z"]},
    "options of numbers": {"options": [1, 2]},
    "an answer past the options": {"answer": 2},
    "an option that is no text of a server": {"option": 2},
    "no log-probability of a token": {
        "prompt_logprobs": [None, {"5": {"logprob": -1.0}}, None],
        "prompt_token_ids": [1, 5, 7],
    },
    "a long token": {"prompt_logprobs": [None, {}], "prompt_token_ids": [1, 10**30]},
}


@pytest.mark.parametrize("case", WRONG_ECHOES)
def test_a_scored_prompt_is_refused_word_by_word(case, tmp_path):
    path = echoes(tmp_path, name="good.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0] |= WRONG_ECHOES[case]
    if "prompt_logprobs" in rows[0]:
        del rows[0]["response"]
    with refusal("logprobs_more", case, f"{tmp_path}/", match=r"bad\.jsonl, row [12]: "):
        from_logprobs(path, write_jsonl(tmp_path / "bad.jsonl", rows))


def test_of_many_options_the_first_are_told(tmp_path):
    row = {"id": "q", "prompt_token_ids": [1, 2], "prompt_logprobs": [None, {"2": {"logprob": -1.0}}]}
    path = write_jsonl(tmp_path / "x.jsonl", [row | {"option": i} for i in range(1, 12)])
    with pytest.raises(
        ValueError, match=r"row 1: question 'q' has the options \[1, 2, 3, 4, 5, 6, \.\.\.\]; score each"
    ):
        from_logprobs(path, path)
