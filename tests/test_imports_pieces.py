"""The pieces that importers are made of, each at its borders: values of a file, JSON, spans, tokens, pairs of runs."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest
from messages_kit import refusal

from dualalign.traces.imports import reading
from dualalign.traces.imports.missing import Choice, leave_out, pick
from dualalign.traces.imports.pair import MAX_OPTIONS, Answer, Run, digest, few, join, named, one_of
from dualalign.traces.imports.reading import index, kind, listed, mapping, members, name, number, text
from dualalign.traces.imports.spans import Echo, after_common_prefix, common_prefix, per_token

NAN = math.nan

# -- Values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"), [(2, 2.0), ("-4.03", -4.03), (2.9e38, 2.9e38), ("-2.9e38", -2.9e38), (0, 0.0)]
)
def test_numbers_and_text_that_spells_one(value, found):
    assert number(value, "here", "it") == found


@pytest.mark.parametrize(("value", "found"), [(None, -1), (0, 0), (2, 2), (-1, -1), (-7, -1)])
def test_labels(value, found):
    assert index(value, 3, "here", "it") == found


@pytest.mark.parametrize(("value", "found"), [("a", "a"), (0, "0"), (-3, "-3"), ("x" * 300, "x" * 300)])
def test_names(value, found):
    assert name(value, "here", "it") == found


def test_what_a_json_value_is_in_words():
    values = [{}, [], "", True, None, 1, 1.5]
    assert [kind(v) for v in values] == ["an object", "a list", "text", "true or false", "missing", *["a number"] * 2]
    assert mapping({"a": 1}, "here", "it") == {"a": 1}
    assert listed([1], "here", "it") == [1]
    assert text("a", "here", "it") == "a"


REFUSED_VALUES = {
    "true as a number": lambda: number(True, "here", "it"),
    "nothing as a number": lambda: number(None, "here", "it"),
    "a list as a number": lambda: number([1], "here", "it"),
    "a number without end": lambda: number(10**400, "here", "it"),
    "a number at the limit": lambda: number(-3e38, "here", "it"),
    "a text without end as a number": lambda: number("x" * 99, "here", "it"),
    "true as a label": lambda: index(True, 3, "here", "it"),
    "a label one too large": lambda: index(3, 3, "here", "it"),
    "a label of nine digits": lambda: index(10**9 - 1, 3, "here", "it"),
    "a label of ten digits": lambda: index(10**9, 3, "here", "it"),
    "a label of text": lambda: index("1", 3, "here", "it"),
    "true as a name": lambda: name(True, "here", "it"),
    "an empty name": lambda: name("", "here", "it"),
    "a long name": lambda: name("x" * 301, "here", "it"),
    "a long number as a name": lambda: name(10**1000, "here", "it"),
    "half a name": lambda: name("\ud800", "here", "it"),
    "a list as an object": lambda: mapping([], "here", "it"),
    "an object as a list": lambda: listed({}, "here", "it"),
    "nothing as text": lambda: text(None, "here", "it"),
}


@pytest.mark.parametrize("case", REFUSED_VALUES)
def test_a_value_that_does_not_fit_is_named(case):
    with refusal("values", case, match=r"^here: it "):
        REFUSED_VALUES[case]()


# -- A file that is one JSON object ----------------------------------------------------------------------------------


def test_members_are_read_in_order_and_one_list_piece_by_piece(tmp_path):
    value = {"a": [1, 2], "s": [{"x": 1}, 2, []], "b": {"s": [3]}, "s2": "", "c": None}
    expected = [
        ("a", [1, 2]),
        ("s[0]", {"x": 1}),
        ("s[1]", 2),
        ("s[2]", []),
        ("b", {"s": [3]}),
        ("s2", ""),
        ("c", None),
    ]
    (tmp_path / "x.json").write_text(" \n" + json.dumps(value, indent="\t\r\n ") + "\n ")
    assert list(members(tmp_path / "x.json", "s")) == expected
    (tmp_path / "x.json").write_text(json.dumps(value, separators=(",", ":")))
    assert list(members(tmp_path / "x.json", "s")) == expected
    (tmp_path / "x.json").write_text('{"s":[],"t":{}}')
    assert list(members(tmp_path / "x.json", "s")) == [("t", {})]
    (tmp_path / "x.json").write_text('{"s":{"a":1}}')
    assert list(members(tmp_path / "x.json", "s")) == [("s", {"a": 1})]
    (tmp_path / "x.json").write_text("{}")
    assert list(members(tmp_path / "x.json", "s")) == []


NO_OBJECT = {
    "a list": "[1]",
    "no colon": '{"a" 1}',
    "no comma": '{"a": 1 "b": 2}',
    "no end": '{"a": 1',
    "no key": "{3: 4}",
    "no value": '{"a": }',
    "more behind it": '{"a": 1} 2',
    "no comma in the list": '{"s": [1 2]}',
    "no end of the list": '{"s": [1, 2',
    "no value in the list": '{"s": [1, x]}',
    "a number of thousands of digits": '{"a": ' + "9" * 5000 + "}",
    "brackets thousands deep": '{"s": [' + "[" * 100_000,
    "a long key": '{"' + "k" * 200 + '": x}',
}


@pytest.mark.parametrize("case", NO_OBJECT)
def test_what_is_no_json_object_is_named_with_its_place(case, tmp_path):
    (tmp_path / "x.json").write_text(NO_OBJECT[case])
    with refusal("json", case, f"{tmp_path}/", match=r"x\.json"):
        list(members(tmp_path / "x.json", "s"))


def test_a_value_and_a_file_may_be_as_long_as_their_limits(tmp_path, monkeypatch):
    value = '"' + "x" * 98 + '"'
    (tmp_path / "x.json").write_text('{"a": ' + value + "}")
    monkeypatch.setattr(reading, "MAX_ROW", 100)
    monkeypatch.setattr(reading, "MAX_FILE", 107)
    assert len(dict(members(tmp_path / "x.json", "s"))["a"]) == 98
    monkeypatch.setattr(reading, "MAX_FILE", 106)
    with pytest.raises(ValueError, match=r"^\S*x.json: has 0 MiB, more than 0; split the run$"):
        list(members(tmp_path / "x.json", "s"))
    monkeypatch.setattr(reading, "MAX_FILE", 2**21)
    (tmp_path / "y.json").write_bytes(b" " * (3 << 20))
    with pytest.raises(ValueError, match=r"^\S*y.json: has 3 MiB, more than 2; split the run$"):
        list(members(tmp_path / "y.json", "s"))
    monkeypatch.setattr(reading, "MAX_ROW", 99)
    with pytest.raises(ValueError, match=r"^\S*x.json, 'a': longer than 0 MiB; expected one request$"):
        list(members(tmp_path / "x.json", "s"))


# -- Spans ---------------------------------------------------------------------------------------------------------


def test_the_common_prefix_counts_what_all_begin_with():
    rows = [([], 0), ([[1, 2]], 2), ([[1, 2], [1, 2, 3]], 2), ([[1, 2], [1, 3], [1, 2]], 1), ([[2], [1]], 0)]
    assert [common_prefix(given) for given, _ in rows] == [n for _, n in rows]


def test_a_token_without_a_log_probability_is_named():
    with pytest.raises(ValueError, match=r"^here: a token of option 1 has no log-probability$"):
        after_common_prefix([Echo(("a", "b"), (NAN, -1.0)), Echo(("a", "c"), (NAN, NAN))], "here")
    with pytest.raises(ValueError, match=r"^here: a token of it has no log-probability$"):
        per_token(Echo(("a", "b"), (NAN, -1.0)), "ab", "here", "it")


def test_the_tokens_of_an_option_are_taken_from_the_end_until_they_suffice():
    assert per_token(Echo(("x", "a", "b"), (-9.0, -1.0, -2.0)), "ab", "here", "it") == -1.5
    assert per_token(Echo(("a", " ", "b"), (-1.0, -2.0, -6.0)), " a b", "here", "it") == -3.0
    for option in ("xab", "", " "):  # longer than all tokens together, or nothing
        with pytest.raises(ValueError, match=r"^here: the tokens of it do not end in its text; use the score sum$"):
            per_token(Echo(("a", "b"), (-1.0, -2.0)), option, "here", "it")


# -- Options among the most likely tokens -------------------------------------------------------------------------


def test_exact_and_stripped_tokens():
    found = [(" A", -1.0), ("A", -2.0), ("\tB\n", -1.5), ("A", -3.0)]
    assert pick(Run("m"), "q", Choice(("A", " A"), found, "here")) == (
        pytest.approx(math.log(math.exp(-2) + math.exp(-3))),
        -1.0,
    )
    assert pick(Run("m"), "q", Choice(("X", "Y"), [("X", -1.0), ("XY", -2.0), ("Y", -3.0)], "here")) == (-1.0, -3.0)
    run = Run("m")
    assert pick(run, "q", Choice(("A", " B"), found, "here", "stripped")) == (
        pytest.approx(math.log(math.exp(-1) + math.exp(-2) + math.exp(-3))),
        -1.5,
    )
    assert (run.bounded, run.left_out) == ({}, {})


def test_bounds_are_counted_and_the_last_mass_is_the_tighter_one():
    run, found = Run("m"), [("A", math.log(0.5)), ("B", math.log(0.3))]
    assert pick(run, "q", Choice(("A", "C", "D"), found, "here"), "bound") == (
        math.log(0.5),
        *[pytest.approx(math.log(0.2))] * 2,
    )
    assert run.bounded == {"q": 2}
    assert pick(run, "t", Choice(("A", "C"), [("A", 0.0)], "here"), "bound") == (0.0, 0.0)  # all mass is gone
    above = [("A", 5e-4), ("B", -8.0)]  # rounded above 1: no mass is left
    assert pick(run, "q", Choice(("A", "C"), above, "here"), "bound") == (5e-4, -8.0)
    assert pick(run, "r", Choice(("A", "C"), found, "here"), "drop") is None
    leave_out(run, "s", "it failed", "here", "drop")
    assert run.left_out == {"r": "an option not among the top tokens", "s": "it failed"}


REFUSED_TOKENS = {
    "a reason without a short form": lambda run: leave_out(run, "q", "it failed", "here", "error"),
    "a reason with a short form": lambda run: leave_out(run, "q", "it failed", "here", "error", "failed"),
    "the first that is missing": lambda run: pick(run, "q", Choice(("A", "C", "D"), [("A", -1.0)], "here")),
    "none to bound by": lambda run: pick(run, "q", Choice(("C", "D"), [("A", -1.0)], "here"), "bound"),
    "one with a blank": lambda run: pick(run, "q", Choice(("C",), [("ĠC", -1.0), ("A", -2.0)], "here")),
    "one without its blank": lambda run: pick(run, "q", Choice(("▁C",), [("C", -1.0), ("A", -2.0)], "here")),
    "too unlikely to say": lambda run: pick(run, "q", Choice(("C",), [("C", -9999.0)], "here")),
    "a long one": lambda run: pick(run, "q", Choice(("C" * 99, "D"), [("D", -1.0)], "here")),
    "two pairs alike": lambda run: pick(run, "q", Choice(("A", "B", "B", "A"), [("A", -1.0)], "here")),
    "two alike but for the blank": lambda run: pick(run, "q", Choice(("▁A", " A"), [("A", -1.0)], "here", "stripped")),
    "two alike": lambda run: pick(run, "q", Choice(("A", "B", " B"), [("A", -1.0)], "here", "stripped")),
    "two long ones alike": lambda run: pick(run, "q", Choice(("C" * 99,) * 2, [("A", -1.0)], "here")),
}


@pytest.mark.parametrize("case", REFUSED_TOKENS)
def test_an_option_that_no_token_stands_for_is_named(case):
    with refusal("tokens", case, match=r"^here: "):
        REFUSED_TOKENS[case](Run("m"))


# -- Pairs of runs -------------------------------------------------------------------------------------------------


def answer(id: str = "q", **more) -> Answer:
    return Answer(id, **{"options": ("a", "b"), "scores": (-1.0, -2.0), "where": f"file, row {id}"} | more)


def runs(*pairs: tuple[Answer, Answer]) -> tuple[Run, Run]:
    plm, polm = Run("base", "g.jsonl"), Run("chat", "f.jsonl")
    for g, f in pairs:
        plm.add(g)
        polm.add(f)
    return plm, polm


def test_a_digest_is_of_texts_and_the_borders_between_them():
    assert digest(["ab", "é"]) == hashlib.sha256("2:ab2:é".encode()).hexdigest()[:16]
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(iter(["\ud800"])) == hashlib.sha256(b"3:\xed\xa0\x80").hexdigest()[:16]


def test_names_of_models(tmp_path):
    assert [named(tmp_path / "x.json", *given) for given in (("a", "b"), (None, "b"), (None, ""), (None,), ("",))] == [
        "a",
        "b",
        *["x.json"] * 3,
    ]


def test_as_many_options_as_a_question_may_have():
    options = tuple(map(str, range(MAX_OPTIONS)))
    assert few(iter(options), "here") == options
    run = Run("m")
    run.add(answer(options=options, scores=(2.9e38,) * MAX_OPTIONS))
    assert run.answers["q"].options == options


def test_what_is_joined_of_two_runs():
    plm, polm = runs(
        (answer("1", label=1, group="x"), answer("1")),
        (answer("2"), answer("2", label=0, group="y", scores=(0.5, -3.0))),
        (
            answer("3", options=("a", "b", "c"), scores=(1, 2, 3)),
            answer("3", options=(" a", "b ", "c"), scores=(3, 2, 1)),
        ),
    )
    traces = join(plm, polm, {"questions": "these"})
    assert traces.question_ids == ("1", "2", "3")
    assert traces.labels.tolist() == [1, 0, -1]
    assert traces.groups == ("x", "y", "")
    assert traces.n_options.tolist() == [2, 2, 3]
    np.testing.assert_array_equal(traces.polm_final, [[-1, -2, -np.inf], [0.5, -3, -np.inf], [3, 2, 1]])
    kept = {key: traces.metadata[key] for key in ("questions", "plm", "polm", "layers")}
    assert kept == {"questions": "these", "plm": "base", "polm": "chat", "layers": "the last only"}
    assert traces.metadata["created_by"].startswith("dualalign ")
    assert not {"left_out", "bounded", "prompt"} & traces.metadata.keys()
    assert join(plm, polm, {}, labels=False).labels.tolist() == [-1] * 3


def test_what_is_left_out_and_bounded_is_said():
    plm, polm = runs(*[(answer(str(i)), answer(str(i))) for i in range(5)])
    plm.left_out |= {"0": "too long"}
    polm.left_out |= {"1": "too long", "9": "cut"}
    plm.add(answer("alone"))
    polm.bounded |= {"2": 1, "3": 2, "0": 5}
    plm.bounded |= {"4": 1}
    traces = join(plm, polm, {}, unmatched="drop")
    assert traces.question_ids == ("2", "3", "4")
    assert traces.metadata["left_out"] == "2 questions: too long; 1 questions: cut; 1 questions: in one run only"
    assert traces.metadata["bounded"] == (
        "1 options of 1 questions (pre-trained), 3 options of 2 questions (post-trained) "
        "have an upper bound for their score"
    )
    del plm.answers["alone"], plm.bounded["4"]
    assert join(plm, polm, {}).metadata["left_out"] == "2 questions: too long; 1 questions: cut"
    assert join(plm, polm, {}).metadata["bounded"].startswith("3 options of 2 questions (post-trained) have")


@pytest.mark.parametrize("unknown", ["g", "f"])
@pytest.mark.parametrize("what", ["document", "prompt", "label"])
def test_what_one_run_does_not_say_cannot_disagree(what, unknown):
    said = {"document": "d", "prompt": "p", "label": 1}[what]
    g, f = ({} if side == unknown else {what: said} for side in "gf")
    traces = join(*runs((answer(**g), answer(**f))), {"prompt": "mine"})
    assert traces.labels.tolist() == [1 if what == "label" else -1]
    words = "mine, each model in its own words / not the same prompt" if what == "prompt" else "mine"
    assert traces.metadata["prompt"] == words


def twice() -> None:
    run = Run("m")
    run.add(answer())
    run.add(answer(where="file, row 9"))


def alone(of: int) -> None:
    pair = runs((answer("1"), answer("1")))
    pair[of].add(answer("2"))
    pair[of].add(answer("3"))
    join(*pair, {})


def apart() -> None:
    plm, polm = runs()
    plm.add(answer("1"))
    polm.add(answer("2"))
    join(plm, polm, {}, unmatched="drop")


REFUSED_RUNS = {
    "an id twice": twice,
    "too many options": lambda: few(map(str, range(MAX_OPTIONS + 1)), "here"),
    "too many options to add": lambda: Run("m").add(answer(options=("a",) * 257, scores=(0.0,) * 257)),
    "one option": lambda: Run("m").add(answer(options=("a",), scores=(0.0,))),
    "a score beyond single precision": lambda: Run("m").add(answer(scores=(0.0, -3e38))),
    "a score that is NaN": lambda: Run("m").add(answer(scores=(NAN, 0.0))),
    "not in the post-trained run": lambda: alone(0),
    "not in the pre-trained run": lambda: alone(1),
    "nothing in common": apart,
    "other documents": lambda: join(*runs((answer(document="a"), answer(document="b"))), {}),
    "an option more": lambda: join(*runs((answer(), answer(options=("a", "b", "c"), scores=(0.0, 0.0, 0.0)))), {}),
    "other options": lambda: join(*runs((answer(), answer(options=("b", "a")))), {}),
    "other prompts": lambda: join(*runs((answer(prompt="a"), answer(prompt="b"))), {}),
    "other labels": lambda: join(*runs((answer(label=0), answer(label=1))), {}),
    "an option of the command": lambda: one_of("--score", "mean", ("sum", "pmi"), "helm"),
    "an option of all": lambda: one_of("--missing", None, ("error", "drop")),
    "prompts": lambda: join(*runs((answer(), answer())), {}, prompts="none"),
    "unmatched": lambda: join(*runs((answer(), answer())), {}, unmatched="keep"),
}


@pytest.mark.parametrize("case", REFUSED_RUNS)
def test_runs_that_do_not_fit_are_named(case):
    with refusal("runs", case):
        REFUSED_RUNS[case]()


def test_other_prompts_and_labels_where_that_is_meant():
    pair = runs((answer(prompt="a", label=0), answer(prompt="b", label=0)))
    traces = join(*pair, {}, prompts="any")
    assert traces.metadata["prompt"] == ", each model in its own words / not the same prompt"
