"""What must hold of files and forms, whatever is in them: round trips, and the same content in another shape."""

from __future__ import annotations

import json
import math
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imports_kit import helm_state, lm_eval_rows, write_helm, write_jsonl
from strategies_kit import few, frozen, full, permuted, reordered, same, seeds, some, traces
from test_exports import module
from test_imports_logprobs import chat, completion

import dualalign as da
from dualalign import exports, order, questions
from dualalign.questions import Question
from dualalign.traces import imports

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
OPTIONS = st.lists(TEXT, min_size=2, max_size=5, unique_by=str.strip)
QUESTIONS = st.builds(
    lambda text, options, context, group, known: Question(
        "q", text, tuple(options), 0 if known else None, group=group, context=context, proposed=options[0]
    ),
    *(TEXT, OPTIONS, st.just("") | TEXT, st.just("") | TEXT, st.booleans()),
)
folders = tempfile.TemporaryDirectory


# ---- questions


@given(QUESTIONS)
@some
def test_a_question_comes_back_from_its_row_and_from_any_file(question):
    row = json.loads(json.dumps(question.to_row()))
    assert Question(**row | {"options": tuple(row["options"])}) == question
    assert all(row[name] for name in row if name not in ("id", "question", "options", "answer"))
    with folders() as folder:
        path = questions.save_file([question], Path(folder) / "q.jsonl")
        assert questions.load(path) == questions.load_file(path) == [question]
        (Path(folder) / "arc_easy_test.jsonl").write_bytes(path.read_bytes())
        assert questions.load_hub("arc-easy/test", folder) == questions.load("arc-easy/test", folder) == [question]


@given(QUESTIONS, st.sampled_from(questions.STYLES), st.just("") | TEXT)
@some
def test_a_prompt_holds_what_its_style_lists(question, style, wording):
    prompt, scored = questions.render(question, style, wording), questions.targets(question, style)
    assert prompt == prompt.rstrip(" ")
    assert question.question.strip() in prompt
    assert wording.strip() in prompt
    assert question.context.strip() in prompt
    assert len(scored) == (2 if style == "p-true" else len(question.options))
    assert all(text.startswith(" ") for text in scored)
    assert len(set(scored)) == len(scored)
    if style in ("letters", "choices"):
        assert all(option.strip() in prompt for option in question.options)


@given(QUESTIONS, TEXT)
@some
def test_the_text_that_is_compared_ignores_case_marks_and_options(question, other):
    found = questions.normalised(question)
    louder = Question("x", f"  {question.question.upper()}!?", (other, "z"), None, context=question.context.upper())
    assert found == questions.normalised(Question("x", found, ("a", "b"), None))
    assert questions.normalised(louder) == questions.normalised(
        Question("x", question.question.upper(), ("a", "b"), None, context=question.context.upper())
    )
    assert not re.search(r"\s\s|[^\w\s]", found)


class Bytes:
    """A tokenizer of UTF-8 bytes, a start token in front."""

    eos_token_id = None

    def __call__(self, text, add_special_tokens=True, verbose=True):
        return {"input_ids": [256] * add_special_tokens + list(text.encode())}


@given(QUESTIONS)
@some
def test_options_are_read_at_the_token_that_parts_them(question):
    prompt, scored = questions.render(question, "cloze"), questions.targets(question, "cloze")
    firsts = [text.encode()[0] for text in scored]
    if len(set(firsts)) < len(firsts):  # each begins with a blank of its own, a token of bytes
        with pytest.raises(questions.OptionClash, match="begin with the same token"):
            questions.option_tokens(Bytes(), prompt, scored)
        with pytest.raises(questions.OptionClash, match="question 'q', style 'cloze'"):
            questions.encode_question(Bytes(), question, "cloze")
    bare = tuple(chr(ord("a") + i) + text for i, text in enumerate(scored))
    ids, tokens = questions.option_tokens(Bytes(), prompt, bare)
    assert bytes(ids[1:]).decode() == prompt
    assert [ids[0], *tokens] == [256, *(text.encode()[0] for text in bare)]


# ---- traces


@given(traces, seeds)
@few
def test_a_trace_comes_back_from_its_file_and_from_its_parts(given, seed):
    before = frozen(given)
    with folders() as folder:
        for name in ("a", "b"):
            given.save(Path(folder) / f"{name}.safetensors")
        back = da.Traces.load(Path(folder) / "a.safetensors")
        assert len({path.read_bytes() for path in Path(folder).iterdir()}) == 1
    assert frozen(back) == frozen(given) == before
    cut = 1 + seed % (len(given) - 1)
    again = da.Traces.concat([given.select(slice(0, cut)), given.select(slice(cut, None))])
    assert frozen(again) == before
    moved, rows = reordered(given, seed)
    assert frozen(moved.select(np.argsort(rows))) == before


@given(traces)
@few
def test_padding_and_depth_are_where_they_are_said_to_be(given):
    assert given.mask.sum(axis=1).tolist() == given.n_options.tolist()
    assert np.isfinite(given.polm_final[given.mask]).all()
    assert np.isneginf(given.polm_final[~given.mask]).all()
    assert given.n_layers == given.polm_logits.shape[1]
    assert np.array_equal(given.plm_final, given.plm_logits[:, -1])


# ---- imports

GIVEN = ("plm_logits", "polm_logits", "labels", "n_options")


def alike(one: da.Traces, other: da.Traces, *names: str) -> None:
    """Assert that these fields are the same, number by number."""
    same([getattr(one, name) for name in names], [getattr(other, name) for name in names], rel=0, at=0)


@given(traces)
@few
def test_arrays_and_files_of_arrays_give_the_trace_back(given):
    names = {"labels": given.labels, "question_ids": given.question_ids, "groups": given.groups}
    found = imports.from_arrays(given.plm_logits, given.polm_logits, n_options=given.n_options, **names)
    alike(found, given, *GIVEN, "question_ids", "groups")
    with folders() as folder:
        paths = [Path(folder) / f"{side}.npz" for side in ("plm", "polm")]
        for path, logits in zip(paths, (given.plm_logits, given.polm_logits), strict=True):
            np.savez(path, logits=logits, labels=given.labels, n_options=given.n_options)
        again = imports.from_array_files(*paths)
        alike(again, given, *GIVEN)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(2, 6), seeds)
@some
def test_stacks_keep_every_layer_where_it_was_saved(n, layers, tokens, width, seed):
    rng = np.random.default_rng(seed)
    saved = rng.normal(size=(layers, n, tokens, width)).astype(np.float32)
    at = rng.integers(0, tokens, n)
    found = imports.stack_layers(list(saved), at.tolist())
    for i in range(n):
        assert np.array_equal(found[i], saved[:, i, at[i]])
    assert np.array_equal(imports.stack_layers([(one,) for one in saved]), saved[:, :, -1].transpose(1, 0, 2))
    labels = ["0_pre", *(f"{i}_{place}" for i in range(1, layers) for place in ("mid", "pre")), "final_post"]
    noise = rng.normal(size=(len(labels), n, tokens, width)).astype(np.float32)
    kept = [i for i, label in enumerate(labels) if label != "0_pre" and not label.endswith("_mid")]
    noise[kept] = saved
    assert np.array_equal(imports.transformer_lens_layers(noise, labels, at.tolist()), found)


@given(st.integers(1, 4), st.integers(2, 4), st.integers(1, 3), seeds)
@some
def test_a_tuned_lens_is_asked_layer_by_layer_and_not_about_the_last(n, layers, tokens, seed):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(layers + 1, n, tokens, 5)).astype(np.float32)
    maps = rng.normal(size=(layers, 5, 7)).astype(np.float32)
    logits, ids = rng.normal(size=(n, tokens, 7)).astype(np.float32), rng.permutation(7)[:3]
    found = imports.tuned_lens_logits(lambda stream, idx: stream @ maps[idx], list(hidden), logits, ids)
    assert np.array_equal(found[:, -1], logits[:, -1][:, ids])
    for layer in range(layers - 1):
        np.testing.assert_allclose(found[:, layer], (hidden[layer + 1][:, -1] @ maps[layer + 1])[:, ids], atol=1e-5)


@given(st.permutations(range(4)), st.permutations(range(4)))
@few
def test_the_order_of_a_harness_rows_is_that_of_no_model(plm, polm):
    with folders() as folder:
        rows = {model: lm_eval_rows(model) for model in ("base", "chat")}
        plain = [write_jsonl(Path(folder) / f"{model}.jsonl", rows[model]) for model in rows]
        found = imports.from_lm_eval(*plain)
        orders = dict(zip(rows, (plm, polm), strict=True))
        mixed = [write_jsonl(Path(folder) / f"m-{m}.jsonl", [rows[m][i] for i in orders[m]]) for m in rows]
        again = imports.from_lm_eval(*mixed)
    ids = [again.question_ids.index(name.replace("base", "m-base")) for name in found.question_ids]
    alike(again.select(ids), found, *GIVEN)


@given(st.randoms(use_true_random=False))
@few
def test_the_order_of_helms_requests_is_that_of_no_model(random):
    with folders() as folder:
        (Path(folder) / "mixed").mkdir()
        shuffled = lambda state: random.shuffle(state["request_states"])  # noqa: E731
        found = imports.from_helm(*(write_helm(Path(folder), model) for model in ("base", "chat")))
        again = imports.from_helm(*(write_helm(Path(folder) / "mixed", m, shuffled) for m in ("base", "chat")))
    assert len(helm_state("base")["request_states"]) > 2
    ids = [again.question_ids.index(name) for name in found.question_ids]
    alike(again.select(ids), found, *GIVEN)


@given(st.integers(1, 5), st.integers(2, 4), seeds)
@few
def test_log_probabilities_come_back_from_either_shape_of_a_response(n, k, seed):
    rng = np.random.default_rng(seed)
    tokens, scores = [f" {letter}" for letter in "ABCD"[:k]], np.log(rng.dirichlet(np.ones(k + 2), (2, n)))
    asked = [Question(f"q{i}", f"Which? {i}", tuple("wxyz"[:k]), int(rng.integers(k))) for i in range(n)]
    with folders() as folder:
        paths = []
        for model, shape, rows in zip(("base", "chat"), (completion, chat), scores, strict=True):
            tops = [dict(zip([*tokens, "other", "another"], row.tolist(), strict=True)) for row in rows]
            lines = [{"id": q.id, "response": shape(top)} for q, top in zip(asked, tops, strict=True)]
            paths.append(write_jsonl(Path(folder) / f"{model}.jsonl", lines))
        found = imports.from_logprobs(*paths, asked)
    np.testing.assert_allclose(found.plm_final, scores[0][:, :k], rtol=1e-6)
    np.testing.assert_allclose(found.polm_final, scores[1][:, :k], rtol=1e-6)
    assert found.labels.tolist() == [q.answer for q in asked]


# ---- orders of the options


@given(full, seeds)
@few
def test_rows_are_parted_by_their_order(given, seed):
    rng, k = np.random.default_rng(seed), given.mask.shape[1]
    turned = [given, *(permuted(given, rng.permutation(k)) for _ in range(2))]
    whole = da.Traces.concat(turned)
    parts = order.by_order(whole)
    assert sum(map(len, parts.values())) == len(whole)
    for one, part in parts.items():
        assert (part.order == one).all()
    if len(parts) == 3:
        assert frozen(order.as_written(whole).plm_logits) == frozen(given.plm_logits)


@given(st.sampled_from(sorted(da.METHODS)))
@few
def test_a_method_on_averaged_orders_is_named_after_it(method):
    assert order.cape_name(method).startswith("cape")
    assert (method in order.cape_name(method)) == (method != "vanilla")


@given(full, seeds)
@few
def test_variants_that_are_the_same_are_spread_by_nothing(given, seed):
    table = order.exchange({"a": given, "b": given, "c": given}, draws=5, seed=seed)
    np.testing.assert_allclose(table["spread"], 0, atol=1e-15)
    assert (table["p"] == 1).all()
    with pytest.raises(ValueError, match="different questions"):
        order.exchange({"a": given, "b": given.select(np.arange(len(given))[::-1])})


# ---- exports


def facts(temperature: float, name: str) -> exports.Facts:
    source = {"plm": name, "polm": name, "questions": name, "prompt": "letters", "scores": "logits of single tokens"}
    return exports.Facts(temperature, "dual-align", 0.1, 80, "", source)


def run(text: str, folder: str):
    path = Path(folder) / "t.py"
    path.write_text(text, "utf-8")
    return module(path)


@pytest.mark.parametrize("format", exports.FORMATS)
@given(st.floats(0.01, 100), st.text(max_size=20))
@few
def test_every_format_holds_the_temperature_bit_by_bit(format, temperature, name):
    found = facts(temperature, name)
    assert found.beta * temperature == pytest.approx(1)
    assert f"T = {temperature:.6g}" in found.note
    content = json.loads(exports.render(found, format))
    assert content["temperature"] == temperature
    assert found.note in (content.get("note") or content["_dualalign"])
    with folders() as folder:
        loaded = run(exports.render(found, format, Path("t.py")), folder) if format != "generation-config" else None
    assert loaded is None or temperature == loaded.TEMPERATURE
    if format in ("json", "vllm", "sglang"):
        z = [0.0, -1.0, temperature]
        exact = [math.exp(one / temperature) for one in z]
        np.testing.assert_allclose(loaded.probabilities(z), np.array(exact) / sum(exact))


@given(traces, st.sampled_from(exports.FORMATS))
@few
def test_a_file_holds_the_facts_of_its_fit(given, format):
    fitted = da.AlignAll().fit(given)
    if not math.isfinite(fitted.temperature_):
        with pytest.raises(ValueError, match="nothing to export"):
            exports.facts(fitted, given)
        return
    found = exports.facts(fitted, given)
    assert (found.temperature, found.n, found.method) == (fitted.temperature_, len(given), "align-all")
    with folders() as folder:
        out = exports.export(fitted, given, Path(folder) / "t.json", format)
        assert out.read_text("utf-8") == exports.render(found, format)
        assert [path.name for path in Path(folder).iterdir()] == ["t.json"]


@pytest.mark.models
@given(st.floats(0.01, 100), seeds)
@few
def test_the_processor_divides_every_logit(temperature, seed):
    torch = pytest.importorskip("torch")
    scores = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 9)))
    found = exports.temperature_processor(temperature)(None, scores)
    np.testing.assert_allclose(found.numpy(), scores.numpy() / temperature)
