"""Runs of lm-evaluation-harness and HELM at the borders of what is taken: names, defaults, every refusal."""

from __future__ import annotations

import json

import numpy as np
import pytest
from imports_kit import HELM_RUN, SAMPLES, lm_eval_rows, write_helm, write_jsonl
from messages_kit import refusal
from test_imports_runs import TOP as JOINT
from test_imports_runs import joint

from dualalign.traces.imports import (
    from_helm,
    from_lm_eval,
)

# -- lm-evaluation-harness -------------------------------------------------------------------------------------------


def harness(folder, change=lambda row: row, rows=None, names=("base.jsonl", "chat.jsonl")):
    """Two files of a run, every row changed."""
    pair = [lm_eval_rows(model) if rows is None else rows for model in ("base", "chat")]
    return [write_jsonl(folder / name, [change(row) for row in side]) for name, side in zip(names, pair, strict=True)]


@pytest.mark.parametrize(
    ("named", "found"),
    [("org/model", "org/model"), ("/home/me/model", "model"), ("./runs/model", "model"), ("~/model", "model")],
)
def test_a_folders_name_does_not_tell_where_it_lies(named, found, tmp_path):
    for model in ("base", "chat"):
        (tmp_path / model).mkdir()
        write_jsonl(tmp_path / model / SAMPLES, lm_eval_rows(model))
        results = SAMPLES.replace("samples_tiny_cloze", "results").replace(".jsonl", ".json")
        (tmp_path / model / results).write_text(json.dumps({"model_name": named}))
    traces = from_lm_eval(tmp_path / "base", tmp_path / "chat", polm_name="mine")
    assert (traces.metadata["plm"], traces.metadata["polm"]) == (found, "mine")
    assert from_lm_eval(tmp_path / "base", tmp_path / "chat", plm_name="mine").metadata["plm"] == "mine"


def test_a_folder_with_the_runs_folder_in_it_and_files_of_other_names(tmp_path):
    for model in ("base", "chat"):
        (tmp_path / model / "run").mkdir(parents=True)
        write_jsonl(tmp_path / model / "run" / "samples_x.jsonl", lm_eval_rows(model))
        write_jsonl(
            tmp_path / model / "run" / "samples_y.jsonl",
            [r | {"doc_id": f"y{r['doc_id']}"} for r in lm_eval_rows(model)],
        )
    traces = from_lm_eval(tmp_path / "base", tmp_path / "chat")
    assert traces.question_ids == ("0", "1", "2", "3", "y0", "y1", "y2", "y3")
    assert traces.groups == ()
    assert traces.metadata["questions"] == traces.metadata["prompt"] == "lm-evaluation-harness: samples_x, samples_y"
    assert traces.metadata["imported"] == "lm-eval: samples_x.jsonl, samples_y.jsonl / samples_x.jsonl, samples_y.jsonl"
    assert traces.metadata["plm"] == "samples_x.jsonl"
    assert traces.metadata["scores"] == "sum of log-probabilities over the tokens of an option"


def test_files_of_other_names_and_rows_without_a_hash(tmp_path):
    files = harness(tmp_path)
    assert from_lm_eval(*files).metadata["questions"] == "lm-evaluation-harness: base"
    bare = [{key: value for key, value in row.items() if key != "doc_hash"} for row in lm_eval_rows("chat")]
    assert len(from_lm_eval(files[0], write_jsonl(tmp_path / "bare.jsonl", bare))) == 4
    other = [row | {"doc_id": f"x{row['doc_id']}"} for row in lm_eval_rows("chat")]
    with pytest.raises(ValueError, match=r"^\S+base\.jsonl, \S+other\.jsonl: no question in common that can be used"):
        from_lm_eval(files[0], write_jsonl(tmp_path / "other.jsonl", other), unmatched="drop")


def test_a_row_without_results_of_a_filter_has_those_of_the_model(tmp_path):
    def change(row):
        return row | {"filtered_resps": None, "resps": [[one] for one in row["filtered_resps"]]}

    plain = from_lm_eval(*harness(tmp_path))
    assert np.array_equal(from_lm_eval(*harness(tmp_path, change)).polm_final, plain.polm_final)


@pytest.mark.parametrize(
    ("target", "label"),
    [("1", 1), ("01", 1), (" 1", "error"), ("00001", "error"), (True, "error"), ("None", -1), ("", -1), ("-1", -1)],
)
def test_which_targets_are_an_index(tmp_path, target, label):
    files = harness(tmp_path, lambda row: row | {"target": target}, [lm_eval_rows("base")[0]])
    if label == "error":
        with pytest.raises(ValueError, match="row 1: target "):
            from_lm_eval(*files)
    else:
        assert from_lm_eval(*files).labels.tolist() == [label]


def arguments(*pairs):
    return {f"gen_args_{i}": {"arg_0": context, "arg_1": text} for i, (context, text) in enumerate(pairs)}


def asked_again(*pairs, before="q"):
    """Two options of a row, and what was asked after them."""
    return {
        "arguments": arguments((before, " a"), (before, " b"), *pairs),
        "filtered_resps": [["-1", 0], ["-2", 0], ["-5", 0], ["-7", 0]],
    }


@pytest.mark.parametrize(
    ("pairs", "n"),
    [
        ((("", " a"), ("", " b")), 2),  # the options once more, after nothing
        ((("", "a"), ("", "b")), 2),
        ((("", "c"), ("", "d")), 2),
        ((("", " a"), ("q", " b")), 4),
        ((("q", " c"), ("q", " d")), 4),
    ],
)
def test_which_requests_are_options(tmp_path, pairs, n):
    files = harness(tmp_path, lambda row: row | {"target": "0"} | asked_again(*pairs), [lm_eval_rows("base")[0]])
    assert from_lm_eval(*files).n_options.tolist() == [n]
    if n == 2:
        assert from_lm_eval(*files, "pmi").plm_final.tolist() == [[4, 5]]


@pytest.mark.parametrize(("pairs", "n"), [((("", "a"), ("", " b")), 2), ((("", "c"), ("", "d")), 4)])
def test_requests_without_a_context_are_once_more_the_same_or_more_options(tmp_path, pairs, n):
    change = {"target": "0", **asked_again(*pairs, before="")}
    files = harness(tmp_path, lambda row: row | change, [lm_eval_rows("base")[0]])
    assert from_lm_eval(*files).n_options.tolist() == [n]


def test_an_option_may_be_one_letter_and_a_request_may_say_more(tmp_path):
    given = {"arguments": [["q", " a", 3], ["q", " bb", {}]], "filtered_resps": [["-1", 0], ["-4", 0]], "target": "0"}
    files = harness(tmp_path, lambda row: row | given, [lm_eval_rows("base")[0]])
    assert from_lm_eval(*files, "per-char").plm_final.tolist() == [[-1, -2]]


WRONG_ROWS = {
    "no results": {"filtered_resps": None, "resps": None},
    "results that are text": {"filtered_resps": None, "resps": "abc"},
    "results of no kind": {"filtered_resps": 3},
    "an empty result": {"filtered_resps": [[], []]},
    "an empty list of results": {"filtered_resps": None, "resps": [[], []]},
    "no arguments": {"arguments": None},
    "an argument that is none": {"arguments": {"gen_args_1": {"arg_0": "q", "arg_1": "a"}}},
    "an argument of one": {"arguments": [["q"], ["q", "b"]]},
    "a context that is none": {"arguments": arguments((None, " a"), ("q", " b"))},
    "a continuation of numbers": {"arguments": arguments(("q", " a"), ("q", 3))},
    "a hash of numbers": {"doc_hash": 3},
    "a target of lists": {"target": [1]},
    "a long target": {"target": "x" * 99},
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_a_row_of_the_harness_is_refused_word_by_word(case, tmp_path):
    files = harness(tmp_path, lambda row: row | WRONG_ROWS[case], [lm_eval_rows("base")[0]])
    with refusal("lm_eval_more", case, f"{tmp_path}/", match=r"base\.jsonl, row 1"):
        from_lm_eval(*files)


WRONG_SCORES = {
    "one option": ("per-char", arguments(("q", " a"))),
    "one option and again": ("sum", arguments(("q", " a"), ("", "a"))),
    "an empty option": ("per-char", arguments(("q", " a"), ("q", " "))),
    "an empty option in bytes": ("per-byte", arguments(("q", ""), ("q", " b"))),
    "no request without a question": ("pmi", arguments(("q", " a"), ("q", " b"))),
    "options in the contexts": ("per-char", arguments(("a", " x"), ("b", " x"))),
}


@pytest.mark.parametrize("case", WRONG_SCORES)
def test_a_score_that_a_row_does_not_have_is_told_word_by_word(case, tmp_path):
    score, given = WRONG_SCORES[case]
    results = lm_eval_rows("base")[0]["filtered_resps"][: len(given)]
    change = {"arguments": given, "target": "0", "filtered_resps": results}
    files = harness(tmp_path, lambda row: row | change, [lm_eval_rows("base")[0]])
    with refusal("lm_eval_more", case, f"{tmp_path}/", match=r"base\.jsonl, row 1"):
        from_lm_eval(*files, score)


def test_folders_and_files_without_rows_are_told_word_by_word(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "two").mkdir()
    for model in ("base", "chat"):
        (tmp_path / "two" / model).mkdir()
        write_jsonl(tmp_path / "two" / model / SAMPLES, lm_eval_rows(model))
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / SAMPLES).mkdir()
    for name in ("empty", "none.jsonl", "absent.jsonl", "two", "dead"):
        with refusal("lm_eval_more", name, f"{tmp_path}/", match=name):
            from_lm_eval(tmp_path / name, tmp_path / name)


# -- HELM ----------------------------------------------------------------------------------------------------------


def helm_runs(folder, change=lambda state: None, both=True):
    return [
        write_helm(folder, model, change if both or model == "base" else lambda state: None)
        for model in ("base", "chat")
    ]


def first(**values):
    """Change the first request of a run."""
    return lambda state: state["request_states"][0].update(values)


def instance(**values):
    return lambda state: state["request_states"][0]["instance"].update(values)


def completion_of(**values):
    return lambda state: state["request_states"][0]["result"]["completions"][0].update(values)


def letters(mapping, top=JOINT):
    def change(state):
        joint(top)(state)
        state["request_states"][0]["output_mapping"] = mapping

    return change


WRONG_STATES = {
    "a state that is no object": lambda s: s["request_states"].__setitem__(0, 3),
    "an adapter that is none": lambda s: s.update(adapter_spec=3),
    "a method that is no text": lambda s: s["adapter_spec"].update(method=3),
    "a model that is no text": lambda s: s["adapter_spec"].update(model=3),
    "a long method": lambda s: s["adapter_spec"].update(method="x" * 99),
    "an id that is none": instance(id=True),
    "a reference of true": first(reference_index=True),
    "a mode of numbers": first(request_mode=3),
    "no references": instance(references=None),
    "a reference that is none": instance(references=[3]),
    "no output": instance(references=[{"tags": []}]),
    "a reference without text": instance(references=[{"output": {"text": 3}, "tags": []}]),
    "tags that are none": instance(references=[{"output": {"text": "a"}, "tags": 3}]),
    "no input": instance(input=None),
    "an input of numbers": instance(input={"text": 3}),
    "no request": first(request=None),
    "a prompt of numbers": first(request={"prompt": 3}),
    "a mapping that is none": first(output_mapping=3),
    "completions that are none": first(result={"success": True, "completions": 3}),
    "a completion that is none": first(result={"success": True, "completions": [3]}),
    "tokens that are none": completion_of(tokens=3),
    "a token that is none": completion_of(tokens=[3]),
    "a token without text": completion_of(tokens=[{"logprob": -1}]),
    "a logprob of text": completion_of(tokens=[{"text": "a", "logprob": "x"}]),
    "top tokens that are none": completion_of(tokens=[{"text": "a", "top_logprobs": 3}]),
    "a top token of text": completion_of(tokens=[{"text": "a", "top_logprobs": {"t" * 99: "x"}}]),
    "too many references": instance(references=[{"output": {"text": "a"}, "tags": []}] * 257),
    "too many letters": letters({str(i): "a" for i in range(257)}),
    "letters of other options": letters({"A": "a"}),
    "no top tokens": letters({"A": "a", "B": "b"}, None),
    "no request without a question": lambda s: s.update(
        request_states=[one for one in s["request_states"] if one["request_mode"] != "calibration"]
    ),
    "a request without a question too few": lambda s: s["request_states"].pop(
        next(i for i, one in enumerate(s["request_states"]) if one["request_mode"] == "calibration")
    ),
}


@pytest.mark.parametrize("case", WRONG_STATES)
def test_a_request_of_helm_is_refused_word_by_word(case, tmp_path):
    runs = helm_runs(tmp_path, WRONG_STATES[case])
    with refusal("helm_more", case, f"{tmp_path}/{runs[0].name}/", match=r"scenario_state\.json"):
        from_helm(*runs, "pmi" if "without a question" in case else "sum")


def test_a_joint_run_has_one_score(tmp_path):
    runs = helm_runs(tmp_path, joint(JOINT))
    with refusal("helm_more", "a joint run", f"{tmp_path}/{runs[0].name}/", match=r"scenario_state\.json: "):
        from_helm(*runs, "per-token")
    for name in ("display_requests.json", "instances.json"):
        (tmp_path / name).write_text("[]")
        with pytest.raises(
            ValueError, match=f"^\\S+{name}: holds no log-probabilities; give scenario_state.json of the same run$"
        ):
            from_helm(tmp_path / name, tmp_path / name)
    with pytest.raises(
        ValueError, match=r"does not exist; give scenario_state.json of a HELM run, or the folder it is in$"
    ):
        from_helm(tmp_path, tmp_path)


def test_what_is_said_of_a_helm_run(tmp_path):
    traces = from_helm(*helm_runs(tmp_path), plm_name="mine")
    name = "tiny:subject=words,method=multiple_choice_separate_calibrated"
    said = {key: traces.metadata[key] for key in ("plm", "polm", "questions", "prompt", "scores", "imported")}
    assert said == {
        "plm": "mine",
        "polm": "tiny/chat",
        "questions": f"HELM: {name}",
        "prompt": "HELM: multiple_choice_separate_calibrated",
        "scores": "sum of log-probabilities over the tokens of an option",
        "imported": f"helm: {name},model=tiny_base / {name},model=tiny_chat",
    }
    assert from_helm(*helm_runs(tmp_path), "pmi", polm_name="mine").metadata["polm"] == "mine"


def test_prompts_and_tokens_of_helm_are_compared(tmp_path):
    base = write_helm(tmp_path, "base")

    def told(case: str, change, score: str = "sum") -> None:
        with refusal("helm_more", case, f"{tmp_path}/{HELM_RUN.format('')}", match=r"scenario_state\.json, "):
            from_helm(base, write_helm(tmp_path, "chat", change), score)

    told("another prompt", lambda state: state["request_states"][0]["request"].update(prompt="?"))
    for one in ("original", "calibration"):  # either of its requests
        told("another prompt", lambda state, one=one: [
            s["request"].update(prompt="?") for s in state["request_states"] if s["request_mode"] == one
        ])  # fmt: skip
    told("tokens of another text", last_token(2, text="?"), "per-token")


def last_token(i: int, **values):
    return lambda state: state["request_states"][i]["result"]["completions"][0]["tokens"][-1].update(values)


def test_what_a_helm_file_may_leave_out(tmp_path):
    def change(state):
        for one in state["request_states"]:
            one.pop("num_train_instances", None)
            one.pop("train_trial_index", None)
            one.pop("prompt_truncated", None)
            one["request"].pop("prompt", None)
            one["instance"]["input"].pop("text", None)
            if one["request_mode"] == "original":
                one["request_mode"] = None

    plain, bare = (from_helm(*helm_runs(tmp_path, what)) for what in (lambda state: None, change))
    assert np.array_equal(plain.polm_final, bare.polm_final)

    def right(state):
        for one in state["request_states"]:
            for reference in one["instance"]["references"]:
                reference["tags"] = ["correct"]

    assert from_helm(*helm_runs(tmp_path, right)).labels.tolist() == [-1, -1]
