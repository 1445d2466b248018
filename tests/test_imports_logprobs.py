"""Dumps of servers as traces: each shape of a response, options that are not among the top tokens, scored prompts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from imports_kit import softmax, write_jsonl
from messages_kit import refusal

from dualalign.questions import Question
from dualalign.traces.imports import from_logprobs

TOP = [
    {" A": -0.2, " B": -2.5, "A": -4.0, " C": -4.5, "\n": -5.0},
    {" C": -0.9, " A": -1.1, " B": -2.0, "C": -3.0, "the": -6.0},
]
LETTERS = [" A", " B", " C"]


def chat(top, **more):
    """As ``openai.types.chat.ChatCompletion`` dumps it."""
    tops = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in top.items()]
    first = tops[0] | {"top_logprobs": tops}
    message = {"role": "assistant", "content": tops[0]["token"]}
    choice = {
        "index": 0,
        "finish_reason": "length",
        "message": message,
        "logprobs": {"content": [first], "refusal": None},
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny/chat",
        "choices": [choice],
        **more,
    }


def completion(top):
    """As ``openai.types.Completion`` dumps it."""
    token = next(iter(top))
    logprobs = {"tokens": [token], "token_logprobs": [top[token]], "top_logprobs": [top], "text_offset": [9]}
    choice = {"index": 0, "finish_reason": "length", "text": token, "logprobs": logprobs}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "tiny/base", "choices": [choice]}


def vllm(top):
    """``dataclasses.asdict`` of vLLM's outputs: token ids as keys, each a Logprob."""
    ranked = enumerate(top.items())
    entries = {str(100 + i): {"logprob": v, "rank": i + 1, "decoded_token": t} for i, (t, v) in ranked}
    return {"request_id": "0", "outputs": [{"index": 0, "token_ids": [100], "logprobs": [entries]}]}


def sglang(top):
    rows = [[value, 100 + i, token] for i, (token, value) in enumerate(top.items())]
    return {"text": " A", "meta_info": {"id": "x", "output_top_logprobs": [rows]}}


SHAPES = {
    "chat": lambda id, top: {"question_id": id, **chat(top)},
    "chat under response": lambda id, top: {"id": id, "response": chat(top)},
    "batch": lambda id, top: {
        "id": "b1",
        "custom_id": id,
        "response": {"status_code": 200, "body": chat(top)},
        "error": None,
    },
    "completion": lambda id, top: {"question_id": id, **completion(top)},
    "vllm": lambda id, top: {"question_id": id, **vllm(top)},
    "vllm, the list alone": lambda id, top: {"id": id, "logprobs": vllm(top)["outputs"][0]["logprobs"]},
    "token: logprob, the list alone": lambda id, top: {"id": id, "logprobs": [top]},
    "sglang": lambda id, top: {"id": id, **sglang(top)},
}


def dump(path, shape="completion", tops=TOP, **more):
    rows = [SHAPES[shape](f"q{i}", top) | {"options": LETTERS} | more for i, top in enumerate(tops)]
    return write_jsonl(path, rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_log_probabilities_of_the_options(shape, tmp_path):
    files = [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", shape, answer=1)]
    traces = from_logprobs(*files)
    expected = np.array([[top[letter] for letter in LETTERS] for top in TOP], np.float32)
    assert np.array_equal(traces.polm_final, expected)
    assert np.array_equal(traces.plm_final, expected)
    assert traces.question_ids == ("q0", "q1")
    assert traces.labels.tolist() == [1, 1]
    assert traces.metadata["plm"] == "tiny/base"
    assert traces.metadata["scores"].endswith("one token each")


@pytest.mark.parametrize("kind", ["ChatCompletion", "Completion"])
def test_the_shapes_are_those_of_the_openai_package(kind):
    types = pytest.importorskip("openai.types")
    made, model = (chat, types.chat.ChatCompletion) if kind == "ChatCompletion" else (completion, types.Completion)
    dumped = model.model_validate(made(TOP[0])).model_dump(mode="json")
    found = dumped["choices"][0]["logprobs"]
    assert found == made(TOP[0])["choices"][0]["logprobs"]


def test_questions_give_options_labels_and_groups(tmp_path):
    asked = [Question(f"q{i}", "?", ("one", "two", "three")[: 2 + i], i, "words") for i in range(2)]
    rows = [{"id": f"q{i}", "response": completion(top)} for i, top in enumerate(TOP)]
    files = [write_jsonl(tmp_path / name, rows) for name in ("plm.jsonl", "polm.jsonl")]
    traces = from_logprobs(*files, asked)
    assert traces.n_options.tolist() == [2, 3]
    assert traces.labels.tolist() == [0, 1]
    assert traces.groups == ("words", "words")
    np.testing.assert_array_equal(traces.plm_final[0], np.array([-0.2, -2.5, -np.inf], np.float32))
    with pytest.raises(
        ValueError, match=r"plm.jsonl, row 1: question 'q0' has no options; write them.*--questions FILE"
    ):
        from_logprobs(*files)


def test_blanks_around_tokens_are_ignored_on_request(tmp_path):
    bare = [
        {token.strip() or token: value for token, value in top.items() if token != "A" and token != "C"} for top in TOP
    ]
    files = [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", "chat", bare)]
    with pytest.raises(
        ValueError, match=r"row 1: question 'q0': option 0 ' A' is not among .*\('A' is: write.*--match strip"
    ):
        from_logprobs(*files)
    traces = from_logprobs(*files, match="stripped")
    assert traces.plm_final[0, 0] == pytest.approx(math.log(math.exp(-0.2) + math.exp(-4.0)))  # " A" and "A"
    np.testing.assert_allclose(traces.polm_final[0], [-0.2, -2.5, -4.5], rtol=1e-6)


@pytest.mark.parametrize("mark", ["▁", "Ġ", " "])
def test_tokenizers_spell_the_blank_in_their_own_way(mark, tmp_path):
    tops = [{token.replace(" ", mark): value for token, value in top.items()} for top in TOP]
    files = [dump(tmp_path / name, "vllm", tops) for name in ("plm.jsonl", "polm.jsonl")]
    found = from_logprobs(*files, match="stripped").plm_final
    assert found[1, 0] == np.float32(-1.1)
    assert found[1, 2] == pytest.approx(math.log(math.exp(-0.9) + math.exp(-3.0)))


# -- Options that are not there ------------------------------------------------------------------------------------


def without(*gone):
    return [{token: value for token, value in top.items() if token not in gone} for top in TOP]


@pytest.fixture
def cut(tmp_path):
    """The post-trained model's top tokens lack " C" for the first question."""
    return [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", "chat", [without(" C")[0], TOP[1]])]


def test_a_missing_option_is_an_error_that_names_the_row(cut):
    with pytest.raises(
        ValueError, match=r"polm.jsonl, row 1: question 'q0': option 2 ' C' is not among the 4 most likely"
    ):
        from_logprobs(*cut)


def test_dropping_leaves_the_question_out_of_both_runs_and_says_so(cut):
    traces = from_logprobs(*cut, missing="drop")
    assert traces.question_ids == ("q1",)
    assert traces.metadata["left_out"] == "1 questions: an option not among the top tokens"


def test_a_bound_is_the_largest_value_the_option_can_have(cut):
    traces = from_logprobs(*cut, missing="bound")
    kept = without(" C")[0]
    assert traces.polm_final[0, 2] == np.float32(min(kept.values()))  # -5; of the mass 0.07 are left
    assert traces.metadata["bounded"] == "1 options of 1 questions (post-trained) have an upper bound for their score"
    true = softmax(np.array([TOP[0][letter] for letter in LETTERS]))
    assert softmax(traces.polm_final[0]).max() != true.max()


def test_the_mass_that_is_left_can_be_the_tighter_bound(tmp_path):
    top = {" A": math.log(0.6), " B": math.log(0.399)}
    files = [dump(tmp_path / "plm.jsonl", tops=TOP[:1]), dump(tmp_path / "polm.jsonl", tops=[top])]
    assert from_logprobs(*files, missing="bound").polm_final[0, 2] == pytest.approx(math.log(0.001), rel=1e-5)
    full = {" A": math.log(0.6), " B": math.log(0.4) + 1e-9}
    files[1] = dump(tmp_path / "polm.jsonl", tops=[full])
    assert from_logprobs(*files, missing="bound").polm_final[0, 2] == pytest.approx(math.log(0.4))


def test_the_bound_never_raises_confidence(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(50):
        logp = np.log(softmax(rng.normal(size=8) * 2))
        tokens = [" A", " B", " C", "d", "e", "f", "g", "h"]
        kept = dict(sorted(zip(tokens, logp.tolist(), strict=True), key=lambda pair: -pair[1])[:4])
        if not any(letter in kept for letter in LETTERS):
            continue
        files = [dump(tmp_path / "plm.jsonl", tops=TOP[:1]), dump(tmp_path / "polm.jsonl", tops=[kept])]
        found = softmax(from_logprobs(*files, missing="bound").polm_final[0].astype(float))
        assert found.max() <= softmax(logp[:3]).max() + 1e-6


@pytest.mark.parametrize("missing", ["error", "bound"])
def test_where_no_option_is_there_nothing_is_bounded(missing, tmp_path):
    files = [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", tops=[{"x": -0.1}, TOP[1]])]
    with pytest.raises(ValueError, match="row 1: question 'q0': option 0 ' A' is not among the 1 most"):
        from_logprobs(*files, missing=missing)
    assert len(from_logprobs(*files, missing="drop")) == 1


def test_minus_9999_and_minus_infinity_mean_that_it_is_not_known(tmp_path):
    for value in (-9999.0, -math.inf):
        files = [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", tops=[TOP[0] | {" C": value}, TOP[1]])]
        with pytest.raises(ValueError, match="option 2 ' C' is not among the 4 most likely"):
            from_logprobs(*files)


def test_all_questions_left_out_is_an_error(tmp_path):
    files = [dump(tmp_path / "plm.jsonl"), dump(tmp_path / "polm.jsonl", tops=without(" C"))]
    with pytest.raises(ValueError, match=r"^\S+plm\.jsonl, \S+polm\.jsonl: no question in common that can be used"):
        from_logprobs(*files, missing="drop")


# -- Scored prompts ------------------------------------------------------------------------------------------------


def scored(path, seed, k=3, **more):
    """vLLM's prompt_logprobs, a line an option; returns the file and the log-probability of each option's tokens."""
    rng, rows, sums = np.random.default_rng(seed), [], []
    for q in range(2):
        prompt, shared = [1, 5, 6 + q], rng.normal(size=2) - 3
        for option in range(k):
            own, ids = (
                rng.normal(size=1 + option % 2) - 4,
                [*prompt, *range(20 + option * 3, 21 + option * 3 + option % 2)],
            )
            values = [*shared, *own]
            given = [None] + [
                {str(id): {"logprob": v, "rank": 9, "decoded_token": "x"}}
                for id, v in zip(ids[1:], values, strict=True)
            ]
            rows.append({"id": f"q{q}", "option": option, "prompt_token_ids": ids, "prompt_logprobs": given, **more})
            sums.append(own.sum())
    return write_jsonl(path, rows), np.array(sums).reshape(2, k)


def test_scored_prompts_give_the_sum_over_the_options_own_tokens(tmp_path):
    (plm, g), (polm, f) = scored(tmp_path / "plm.jsonl", 0), scored(tmp_path / "polm.jsonl", 1, answer=2)
    traces = from_logprobs(plm, polm)
    np.testing.assert_allclose(traces.plm_final, g, rtol=1e-6)
    np.testing.assert_allclose(traces.polm_final, f, rtol=1e-6)
    assert traces.labels.tolist() == [2, 2]
    assert traces.metadata["scores"].startswith("sum of log-probabilities")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"option": 7}, r"question 'q0' has the options \[1, 2, 7\]"),
        ({"option": 1}, "row 2: option 1 of question 'q0' already stands in .*row 1"),
        ({"option": "x"}, "row 1: option is text, expected the index"),
        ({"prompt_token_ids": [1]}, "prompt_logprobs for 1 prompt_token_ids"),
        ({"prompt_logprobs": None}, "row 1: prompt_logprobs is missing, expected a list"),
        ({"prompt_logprobs": [None, {}, {}, {}]}, "log-probability of the prompt's token 5 is missing"),
    ],
)
def test_a_scored_prompt_that_does_not_fit_is_named(change, message, tmp_path):
    import json

    plm, _ = scored(tmp_path / "plm.jsonl", 0)
    rows = [json.loads(line) for line in plm.read_text().splitlines()]
    rows[0] |= change
    with pytest.raises(ValueError, match=message):
        from_logprobs(plm, write_jsonl(tmp_path / "polm.jsonl", rows))


# -- Rows that do not fit ------------------------------------------------------------------------------------------

BROKEN = {
    "a failed request": ({"error": {"code": 500}}, "row 1: the request failed"),
    "no response": ({"response": None}, "row 1: the request failed"),
    "no id": ({"id": None}, "row 1: id is missing"),
    "an id that is no text": ({"id": 1.5}, "row 1: id is a number"),
    "no log-probabilities": (
        {"response": {"choices": [{"text": "A", "logprobs": None}]}},
        "logprobs is missing; ask for",
    ),
    "an echoed prompt": (
        {"response": {"choices": [{"logprobs": {"top_logprobs": [None]}}]}},
        "was echoed; ask without",
    ),
    "no choice": ({"response": {"choices": []}}, "row 1: choices is empty"),
    "no content": ({"response": {"choices": [{"logprobs": {"content": []}}]}}, "content is empty"),
    "no top": ({"response": {"choices": [{"logprobs": {"content": [{"token": "A"}]}}]}}, "top_logprobs is missing"),
    "logits": ({"response": {"logprobs": [{" A": 3.0}]}}, "log-probability of ' A' is 3, above 0; are these logits"),
    "NaN": ({"response": {"logprobs": [{" A": math.nan}]}}, "log-probability of ' A' is nan, expected"),
    "text": ({"response": {"logprobs": [{" A": "x"}]}}, "log-probability of ' A' is 'x'"),
    "no token": ({"response": {"logprobs": [{"5": {"logprob": -1}}]}}, "a token is missing, expected its text"),
    "sglang without text": (
        {"response": {"meta_info": {"output_top_logprobs": [[[-1, 5, None]]]}}},
        "dump the decoded",
    ),
    "sglang pairs": ({"response": {"meta_info": {"output_top_logprobs": [[[-1, 5]]]}}}, "holds 2 values for a token"),
    "options that are no list": ({"options": "ABC"}, "row 1: options is text, expected a list"),
    "an option that is no text": ({"options": [" A", 2]}, "row 1: option is a number"),
    "options alike": ({"options": [" A", " A"]}, "two options read ' A'; a token cannot"),
    "one option": ({"options": [" A"]}, "row 1: 1 options"),
    "a label past the end": ({"answer": 3}, "row 1: answer is 3, expected 0 to 2"),
    "a label of text": ({"answer": "A"}, "row 1: answer is text, expected 0 to 2"),
    "a huge label": ({"answer": 10**4000}, "row 1: answer is a number, expected 0 to 2"),
    "a group of numbers": ({"group": 3}, "row 1: group is a number"),
    "the same id": ({"id": "q1"}, "row 2: question 'q1' already stands in .*row 1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_row_that_does_not_fit_is_named_in_one_line(case, tmp_path):
    change, message = BROKEN[case]
    rows = [{"id": f"q{i}", "options": LETTERS, "response": completion(top)} for i, top in enumerate(TOP)]
    plm = write_jsonl(tmp_path / "plm.jsonl", rows)
    rows[0] = rows[0] | change
    with refusal("logprobs", case, f"{tmp_path}/", match=message):
        from_logprobs(plm, write_jsonl(tmp_path / "polm.jsonl", rows))


def test_a_bare_response_must_name_its_question(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [chat(TOP[0])])
    with pytest.raises(ValueError, match="row 1: names no question; write its id as question_id"):
        from_logprobs(path, path)


@pytest.mark.parametrize("name", ["missing", "match"])
def test_unknown_choices_are_refused(name, tmp_path):
    path = dump(tmp_path / "x.jsonl")
    with pytest.raises(ValueError, match=f"--{name} is 'guess'; allowed are"):
        from_logprobs(path, path, **{name: "guess"})
