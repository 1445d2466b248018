"""Runs of lm-evaluation-harness and HELM as traces: recorded files of the real programs, and what must be refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from imports_kit import DATA, HELM_RUN, SAMPLES, helm_state, lm_eval_rows, softmax, write_helm, write_jsonl
from messages_kit import refusal

from dualalign.traces.imports import from_helm, from_lm_eval
from dualalign.traces.imports.spans import Echo, after_common_prefix, per_token

LM_EVAL = [DATA / "lm_eval" / model for model in ("base", "chat")]


# -- lm-evaluation-harness -----------------------------------------------------------------------------------------


def test_differences_of_log_likelihoods_are_those_of_the_traced_logits():
    traces = from_lm_eval(*LM_EVAL)
    traced = json.loads((DATA / "lm_eval/traced.json").read_text())  # dualalign trace, the same prompts and options
    for side, final in (("plm", traces.plm_final), ("polm", traces.polm_final)):
        for row, logits in zip(final, traced[side], strict=True):
            np.testing.assert_allclose(softmax(row[: len(logits)]), softmax(np.array(logits)), atol=1e-6)


def test_what_else_is_read_of_the_harness():
    traces = from_lm_eval(*LM_EVAL)
    assert traces.n_layers == 1
    assert traces.labels.tolist() == [0, 1, 0, -1]
    assert traces.n_options.tolist() == [2, 3, 2, 3]
    assert traces.question_ids == tuple(f"tiny_cloze/{i}" for i in range(4))
    assert traces.groups == ()
    assert (traces.metadata["plm"], traces.metadata["polm"]) == ("tiny/base", "tiny/chat")
    assert traces.metadata["imported"] == f"lm-eval: {SAMPLES} / {SAMPLES}"
    assert traces.metadata["layers"] == "the last only"
    assert from_lm_eval(*(folder / SAMPLES for folder in LM_EVAL)).question_ids == traces.question_ids


def test_normalised_scores_divide_by_the_options_length():
    sums = from_lm_eval(*LM_EVAL).plm_final
    lengths = [
        [len(argument["arg_1"].strip()) for argument in row["arguments"].values()] for row in lm_eval_rows("base")
    ]
    for score in ("per-char", "per-byte"):  # the same where every character is ASCII
        found = from_lm_eval(*LM_EVAL, score).plm_final
        for row, wanted, length in zip(found, sums, lengths, strict=True):
            np.testing.assert_allclose(row[: len(length)], wanted[: len(length)] / length, rtol=1e-6)


def test_bytes_and_characters_differ_where_they_should(tmp_path):
    files = []
    for model in ("base", "chat"):
        rows = lm_eval_rows(model)[:1]
        rows[0]["arguments"]["gen_args_0"]["arg_1"] = " née"
        files.append(write_jsonl(tmp_path / f"{model}.jsonl", rows))
    value = float(lm_eval_rows("base")[0]["filtered_resps"][0][0])
    assert from_lm_eval(*files, "per-char").plm_final[0, 0] == pytest.approx(value / 3)
    assert from_lm_eval(*files, "per-byte").plm_final[0, 0] == pytest.approx(value / 4)


def test_the_harness_own_accuracies_follow_from_the_scores():
    for score, metric in (("sum", "acc"), ("per-char", "acc_norm")):
        traces = from_lm_eval(*LM_EVAL, score)
        for final, model in ((traces.plm_final, "base"), (traces.polm_final, "chat")):
            for scores, label, row in zip(final, traces.labels, lm_eval_rows(model), strict=True):
                assert (scores.argmax() == label) == (row[metric] == 1)


def mutual_information(rows, strip=""):
    """What the harness adds for acc_mutual_info: every option once more, after nothing.

    Version 0.4.13 repeats the blank before an option there, older ones leave it out: that is, ``strip`` it.
    """
    for row in rows:
        k = len(row["arguments"])
        for i, given in enumerate(list(row["arguments"].values())):
            row["arguments"][f"gen_args_{k + i}"] = {"arg_0": "", "arg_1": given["arg_1"].lstrip(strip)}
            row["filtered_resps"].append([str(-1.0 - i), "False"])
    return rows


@pytest.mark.parametrize("strip", ["", " "])
def test_pmi_takes_off_the_unconditional_log_likelihood(tmp_path, strip):
    rows = {model: mutual_information(lm_eval_rows(model), strip) for model in ("base", "chat")}
    files = [write_jsonl(tmp_path / f"{model}.jsonl", rows[model]) for model in rows]
    plain, pmi = from_lm_eval(*files), from_lm_eval(*files, "pmi")
    assert np.array_equal(plain.plm_final, from_lm_eval(*LM_EVAL).plm_final)
    np.testing.assert_allclose(pmi.plm_final[1], plain.plm_final[1] + [1, 2, 3], rtol=1e-6)
    with pytest.raises(ValueError, match=r"row 1: holds no unconditional log-likelihoods"):
        from_lm_eval(*LM_EVAL, "pmi")


def test_older_files_hold_lists_and_numbers_and_no_hash(tmp_path):
    files = []
    for model in ("base", "chat"):
        rows = lm_eval_rows(model)
        for row in rows:
            row["arguments"] = [[pair["arg_0"], pair["arg_1"]] for pair in row["arguments"].values()]
            row["resps"] = [[[float(one[0]), False]] for one in row.pop("filtered_resps")]
            row["target"] = int(row["target"])
            del row["doc_hash"], row["prompt_hash"], row["target_hash"]
        files.append(write_jsonl(tmp_path / f"{model}.jsonl", rows))
    old, new = from_lm_eval(*files), from_lm_eval(*LM_EVAL)
    assert np.array_equal(old.polm_final, new.polm_final)
    assert np.array_equal(old.labels, new.labels)
    assert old.question_ids == ("0", "1", "2", "3")
    assert old.metadata["plm"] == "base.jsonl"


def test_a_folder_of_tasks_gives_a_group_each_and_the_newest_file(tmp_path):
    for model in ("base", "chat"):
        (tmp_path / model).mkdir()
        rows = lm_eval_rows(model)
        write_jsonl(tmp_path / model / "samples_first_2026-01-01T00-00-00.1.jsonl", rows[:2])
        write_jsonl(tmp_path / model / "samples_a_b_2025-01-01T00-00-00.1.jsonl", rows)
        write_jsonl(tmp_path / model / "samples_a_b_2026-01-01T00-00-00.1.jsonl", rows[2:])
    traces = from_lm_eval(tmp_path / "base", tmp_path / "chat")
    assert traces.question_ids == ("a_b/2", "a_b/3", "first/0", "first/1")
    assert traces.groups == ("a_b", "a_b", "first", "first")
    with pytest.raises(ValueError, match="runs of several models"):
        from_lm_eval(tmp_path, tmp_path)


def test_options_that_stand_in_the_context_are_told_apart(tmp_path):
    """winogrande: the blank filled in two ways, one ending."""
    files = []
    for model in ("base", "chat"):
        row = lm_eval_rows(model)[0]
        row["arguments"] = {
            f"gen_args_{i}": {"arg_0": f"it is {w}", "arg_1": " big"} for i, w in enumerate(("cat", "dog"))
        }
        files.append(write_jsonl(tmp_path / f"{model}.jsonl", [row]))
    assert from_lm_eval(*files).labels.tolist() == [0]
    with pytest.raises(ValueError, match="row 1: the options stand in the contexts, of unknown length; use the score"):
        from_lm_eval(*files, "per-char")
    for path in files:  # acc_mutual_info asks for the options themselves, after nothing
        row = json.loads(path.read_text())
        row["arguments"] |= {f"gen_args_{2 + i}": {"arg_0": "", "arg_1": f" {w}"} for i, w in enumerate(("cat", "dog"))}
        row["filtered_resps"] += [["-1", "False"], ["-2", "False"]]
        write_jsonl(path, [row])
    assert from_lm_eval(*files).n_options.tolist() == [2]


def test_the_tasks_named_are_those_that_both_runs_have(tmp_path):
    for model, tasks in (("base", ("cloze", "words")), ("chat", ("cloze", "other"))):
        (tmp_path / model).mkdir()
        for task in tasks:
            write_jsonl(tmp_path / model / SAMPLES.replace("tiny_cloze", task), lm_eval_rows(model))
    traces = from_lm_eval(tmp_path / "base", tmp_path / "chat", unmatched="drop")
    assert (len(traces), traces.metadata["questions"]) == (4, "lm-evaluation-harness: cloze")


@pytest.mark.parametrize(
    ("target", "options", "acc", "label"),
    [
        ("1", (" cat", " dog"), None, 1),
        ("dog", (" cat", " dog"), None, 1),
        (" dog", (" cat", " dog"), None, 1),
        (1, (" cat", " dog"), None, 1),
        (None, (" cat", " dog"), None, -1),
        ("-100", (" cat", " dog"), None, -1),
        ("0", (" 1", " 0"), 1.0, 0),  # an index and a text: the most likely is option 0, and acc says it is right
        ("0", (" 1", " 0"), 0.0, 1),
        ("0", (" 1", " 0"), None, 0),
    ],
)
def test_targets_are_indices_or_texts(tmp_path, target, options, acc, label):
    files = []
    for model in ("base", "chat"):
        row = lm_eval_rows("base")[0] | {"target": target, "acc": acc}
        row["arguments"] = {f"gen_args_{i}": {"arg_0": "q", "arg_1": one} for i, one in enumerate(options)}
        if acc is None:
            del row["acc"]
        files.append(write_jsonl(tmp_path / f"{model}.jsonl", [row]))
    assert from_lm_eval(*files).labels.tolist() == [label]


def changed(row, **values):
    return row | values


BROKEN_ROWS = {
    "another document": (
        lambda r: changed(r, doc_hash="0" * 64),
        r"row 2: question '1' is another document than in .*base",
    ),
    "another prompt": (
        lambda r: changed(r, arguments={k: v | {"arg_0": "hi"} for k, v in r["arguments"].items()}),
        r"row 2: question '1' was asked in other words .*--prompts any",
    ),
    "other options": (
        lambda r: changed(r, arguments={k: v | {"arg_1": v["arg_1"] + "s"} for k, v in r["arguments"].items()}),
        "has other options than in",
    ),
    "an option less": (
        lambda r: changed(
            r, arguments=dict(list(r["arguments"].items())[:2]), filtered_resps=r["filtered_resps"][:2], target="1"
        ),
        "has 2 options, 3 in",
    ),
    "another label": (lambda r: changed(r, target="0"), "has the label 0, 1 in .*--no-labels"),
    "an unknown label": (lambda r: changed(r, target="[0, 1]"), r"row 2: target '\[0, 1\]' names none of the 3"),
    "a label past the end": (lambda r: changed(r, target="3"), "row 2: target '3' names none"),
    "no id": (lambda r: changed(r, doc_id=None), "row 2: doc_id is missing, expected text or a whole number"),
    "an id that is a list": (lambda r: changed(r, doc_id=[1]), "row 2: doc_id is a list"),
    "an id without end": (lambda r: changed(r, doc_id="x" * 301), "row 2: doc_id has 301 characters, more than 300"),
    "an id twice": (lambda r: changed(r, doc_id=0), r"row 2: question '0' already stands in .*row 1"),
    "generated text": (
        lambda r: changed(r, filtered_resps=["a", "b", "c"]),
        "result of option 0 is text; is it a mult",
    ),
    "a result less": (lambda r: changed(r, filtered_resps=r["filtered_resps"][1:]), "row 2: 2 results for 3 options"),
    "no number": (
        lambda r: changed(r, filtered_resps=[["x", "False"]] * 3),
        "log-likelihood of option 0 is 'x', expected",
    ),
    "NaN": (lambda r: changed(r, filtered_resps=[["nan", "False"]] * 3), "log-likelihood of option 0 is 'nan'"),
    "beyond single precision": (lambda r: changed(r, filtered_resps=[["1e39", 0]] * 3), "option 0 is '1e39', expected"),
    "minus infinity": (
        lambda r: changed(r, filtered_resps=[[float("-inf"), 0]] * 3),
        "option 0 is -inf, expected a finite",
    ),
    "arguments of another kind": (lambda r: changed(r, arguments=3), "row 2: arguments is a number, expected a list"),
    "generation arguments": (
        lambda r: changed(r, arguments={"gen_args_0": {"arg_0": "q", "arg_1": {"until": []}}}),
        "is it a mult",
    ),
    "one option": (
        lambda r: changed(
            r,
            arguments={"gen_args_0": r["arguments"]["gen_args_0"]},
            filtered_resps=r["filtered_resps"][:1],
            target="0",
        ),
        "row 2: 1 options; a question has 2 to 256",
    ),
    "no object": (lambda r: [r], "row 2: the row is a list, expected an object"),
    "half a character": (
        lambda r: changed(r, arguments={k: v | {"arg_1": "\ud800"} for k, v in r["arguments"].items()}),
        "half a character",
    ),
}


@pytest.mark.parametrize("case", BROKEN_ROWS)
def test_a_row_that_does_not_fit_is_named_in_one_line(tmp_path, case):
    change, message = BROKEN_ROWS[case]
    rows = [*lm_eval_rows("chat")]
    rows[1] = change(rows[1])
    paths = [tmp_path / "base.jsonl", tmp_path / "chat.jsonl"]
    write_jsonl(paths[0], lm_eval_rows("base"))
    paths[1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    with refusal("lm_eval", case, f"{tmp_path}/", match=message):
        from_lm_eval(*paths)


def test_what_may_differ_when_it_is_said(tmp_path):
    rows = lm_eval_rows("chat")
    for argument in rows[1]["arguments"].values():
        argument["arg_0"] = "<|user|>" + argument["arg_0"]
    rows[0]["target"] = "1"
    files = [
        write_jsonl(tmp_path / "base.jsonl", lm_eval_rows("base")[:3]),
        write_jsonl(tmp_path / "chat.jsonl", rows[::-1]),
    ]
    with pytest.raises(
        ValueError, match=r"row 1: the pre-trained model's run has no question '3' \(1 stand in one run"
    ):
        from_lm_eval(*files)
    traces = from_lm_eval(*files, prompts="any", unmatched="drop", labels=False)
    assert traces.question_ids == ("0", "1", "2")
    assert (traces.labels == -1).all()
    assert traces.metadata["left_out"] == "1 questions: in one run only"
    assert " / " in traces.metadata["prompt"]
    assert np.array_equal(traces.polm_final, from_lm_eval(*LM_EVAL).polm_final[:3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"score": "mean"}, "--score is 'mean'; allowed for lm-eval are sum, per-char"),
        ({"prompts": "maybe"}, "--prompts is 'maybe'; allowed are same, any"),
        ({"unmatched": "keep"}, "--unmatched is 'keep'; allowed are error, drop"),
    ],
)
def test_unknown_choices_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_lm_eval(*LM_EVAL, **arguments)


# -- HELM ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def helm(tmp_path):
    return [write_helm(tmp_path, model) for model in ("base", "chat")]


@pytest.mark.parametrize("score", ["pmi", "per-token"])
def test_predictions_and_confidence_are_those_of_helms_own_metric(helm, score):
    traces = from_helm(*helm, score)
    says = json.loads((DATA / "helm/says.json").read_text())  # BasicReferenceMetric of crfm-helm 0.5.16
    for final, model in ((traces.plm_final, "base"), (traces.polm_final, "chat")):
        for scores, id in zip(final, traces.question_ids, strict=True):
            expected = says[model][score][id]
            assert softmax(scores).max() == pytest.approx(expected["max_prob"], abs=1e-7)
            assert scores.argmax() == expected["predicted_index"]


def test_a_sum_is_that_of_the_options_own_tokens(helm):
    traces = from_helm(*helm)
    states = [
        s
        for s in helm_state("base")["request_states"]
        if s["instance"]["id"] == "id1" and s["request_mode"] == "original"
    ]
    words = [
        len(state["instance"]["references"][state["reference_index"]]["output"]["text"].split()) for state in states
    ]
    assert words == [2, 2, 1]
    sums = [
        sum(t["logprob"] for t in s["result"]["completions"][0]["tokens"][-n:])
        for s, n in zip(states, words, strict=True)
    ]
    np.testing.assert_allclose(softmax(traces.plm_final[1]), softmax(np.array(sums)), atol=1e-7)


def test_what_else_is_read_of_helm(helm):
    traces = from_helm(*helm)
    assert traces.question_ids == ("id0", "id1")
    assert traces.labels.tolist() == [0, 1]
    assert traces.n_options.tolist() == [2, 3]
    assert (traces.metadata["plm"], traces.metadata["polm"]) == ("tiny/base", "tiny/chat")
    assert traces.metadata["questions"] == "HELM: tiny:subject=words,method=multiple_choice_separate_calibrated"


def repeats(state):
    """Perturbed instances, further trials and repeated requests, all with other log-probabilities."""
    extra = json.loads(json.dumps(state["request_states"]))
    for i, one in enumerate(extra):
        one["result"]["completions"][0]["tokens"][-1]["logprob"] = -99.0
        if i % 3 == 0:
            one["instance"]["perturbation"] = {"name": "typos", "robustness": True}
        elif i % 3 == 1:
            one["train_trial_index"] = 1
        else:
            one["request"]["random"] = "1"
    state["request_states"] += extra


def test_perturbed_and_repeated_requests_are_left_out(tmp_path, helm):
    (tmp_path / "more").mkdir()
    runs = [write_helm(tmp_path / "more", model, repeats) for model in ("base", "chat")]
    assert np.array_equal(from_helm(*runs).polm_final, from_helm(*helm).polm_final)


def joint(top):
    """A run of multiple_choice_joint as HELM 0.2.4 wrote it, with top_logprobs of the answer's first token."""

    def change(state):
        state["adapter_spec"]["method"] = "multiple_choice_joint"
        kept = [s for s in state["request_states"] if s["request_mode"] == "original" and s["reference_index"] == 0]
        for one in kept:
            del one["reference_index"], one["request_mode"]
            n = len(one["instance"]["references"])
            one["output_mapping"] = {"ABC"[i]: one["instance"]["references"][i]["output"]["text"] for i in range(n)}
            token = {"text": " A", "logprob": -0.5, "top_logprobs": top}
            one["result"]["completions"][0]["tokens"] = [token]
        state["request_states"] = kept

    return change


TOP = {" A": -0.5, " B": -1.5, "\n": -2.0, "C": -3.0, " C": -4.0}


def test_letters_of_a_joint_run_are_read_where_helm_wrote_them(tmp_path):
    runs = [write_helm(tmp_path, model, joint(TOP)) for model in ("base", "chat")]
    traces = from_helm(*runs)
    both = np.log(np.exp(-3.0) + np.exp(-4.0))
    np.testing.assert_allclose(traces.plm_final[1], [-0.5, -1.5, both], rtol=1e-6)
    assert traces.metadata["scores"].endswith("one token each")


def test_letters_that_are_not_there_are_not_guessed(tmp_path):
    top = {token: value for token, value in TOP.items() if "C" not in token}
    runs = [write_helm(tmp_path, model, joint(top)) for model in ("base", "chat")]
    with pytest.raises(ValueError, match=r"request_states\[1\]: question 'id1': option 2 'C' is not among the 3 most"):
        from_helm(*runs)
    assert from_helm(*runs, missing="drop").question_ids == ("id0",)
    with pytest.raises(
        ValueError, match=r"wrote no top_logprobs.*run the scenario with multiple_choice_separate_original"
    ):
        from_helm(*[write_helm(tmp_path, model, joint(None)) for model in ("base", "chat")])


def each_state(**values):
    return lambda state: [one.update(values) for one in state["request_states"]]


def last_token(**values):
    return lambda state: state["request_states"][2]["result"]["completions"][0]["tokens"][-1].update(values)


BROKEN_STATES = {
    "another method": (
        lambda s: s["adapter_spec"].update(method="generation"),
        "method 'generation' has no option to score",
    ),
    "no adapter": (lambda s: s.pop("adapter_spec"), "method '' has no option to score"),
    "two methods": (
        lambda s: s["adapter_spec"].update(method="multiple_choice_separate_original"),
        "method multiple_choice_separate_original, multiple_choice_separate_calibrated in",
    ),
    "a prompt that was cut": (each_state(prompt_truncated=True), "the prompt was cut to fit .*--missing drop"),
    "a failed request": (each_state(result={"success": False, "completions": []}), "the request has no result"),
    "no request of a reference": (
        lambda s: s["request_states"].pop(2),
        r"reference 1 of 2 has no request \(original\)",
    ),
    "fewer examples for one option": (
        lambda s: s["request_states"][2].update(num_train_instances=0),
        "after different numbers of examples",
    ),
    "no log-probability": (last_token(logprob=None), "a token of option 1 has no log-probability"),
    "NaN": (last_token(logprob=float("nan")), r"request_states\[2\]: logprob is nan"),
    "a token that is no text": (last_token(text=7), r"request_states\[2\]: token is a number, expected text"),
    "another question": (
        lambda s: [o["instance"]["input"].update(text="?") for o in s["request_states"]],
        "is another document than in",
    ),
    "no id": (lambda s: s["request_states"][1]["instance"].pop("id"), r"request_states\[1\]: instance.id is missing"),
    "no instance": (each_state(instance=3), r"request_states\[0\]: instance is a number"),
    "a reference that is no number": (each_state(reference_index="x"), "reference_index is text"),
    "examples that are no number": (lambda s: s["request_states"][2].update(num_train_instances=[]), "after different"),
    "a result that is none": (each_state(result=[1]), "the request has no result"),
    "no list": (lambda s: s.update(request_states={}), "the post-trained model's run has no question 'id0'"),
}


@pytest.mark.parametrize("case", BROKEN_STATES)
def test_a_request_that_does_not_fit_is_named_in_one_line(tmp_path, case):
    change, message = BROKEN_STATES[case]
    runs = [write_helm(tmp_path, "base"), write_helm(tmp_path, "chat", change)]
    with refusal("helm", case, f"{tmp_path}/{HELM_RUN.format('')}", match=message):
        from_helm(*runs)


def test_questions_with_a_cut_prompt_can_be_left_out(tmp_path):
    def cut(state):
        state["request_states"][0]["prompt_truncated"] = True

    traces = from_helm(write_helm(tmp_path, "base"), write_helm(tmp_path, "chat", cut), missing="drop")
    assert traces.question_ids == ("id1",)
    assert traces.metadata["left_out"] == "1 questions: the prompt was cut to fit the model's context"


def test_other_files_of_helm_say_where_the_log_probabilities_are(tmp_path):
    for name in ("display_predictions.json", "per_instance_stats.json"):
        (tmp_path / name).write_text("[]")
        with pytest.raises(ValueError, match=r"holds no log-probabilities; give scenario_state.json"):
            from_helm(tmp_path / name, tmp_path / name)
    with pytest.raises(ValueError, match=r"scenario_state.json: does not exist"):
        from_helm(tmp_path, tmp_path)


# -- Spans ---------------------------------------------------------------------------------------------------------


def test_options_whose_tokens_begin_alike_keep_their_difference():
    """p(cat food) / p(cat nap) = p(food | cat) / p(nap | cat): what both begin with cancels."""
    prompt, lp = ("the", "big"), (float("nan"), -2.0)
    echoes = [Echo((*prompt, "cat", "food"), (*lp, -1.0, -0.5)), Echo((*prompt, "cat", "nap"), (*lp, -1.0, -3.0))]
    found = after_common_prefix(echoes, "here")
    assert found[0] - found[1] == pytest.approx(2.5)
    shorter = [echoes[0], Echo((*prompt, "cat"), (*lp, -1.0))]
    assert after_common_prefix(shorter, "here") == (-0.5, 0.0)


def test_the_mean_runs_over_the_options_own_tokens():
    echo = Echo(("the", " ca", "t", " food"), (float("nan"), -1.0, -2.0, -3.0))
    assert per_token(echo, "cat food", "here", "option 0") == -2.0
    assert per_token(echo, "food", "here", "option 0") == -3.0
    with pytest.raises(ValueError, match="here: the tokens of option 0 do not end in its text"):
        per_token(echo, "dog", "here", "option 0")
