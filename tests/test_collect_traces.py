"""Collecting traces: what stands in the file, resuming, and one clear line for everything that does not fit."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from models_kit import WORDS, save_tiny, tiny_model, tiny_questions, tiny_tokenizer

from dualalign import Traces
from dualalign.questions import Question, encode_question

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two models of one family in memory, and the folders they came from."""
    from dualalign.models import load_model

    root = tmp_path_factory.mktemp("pair")
    return [load_model(save_tiny(root / name, seed=seed)) for seed, name in enumerate(("base", "chat"))]


def run(pair, out, questions=None, style="choices", **options):
    from dualalign.traces.collect import collect

    questions = tiny_questions() if questions is None else questions
    return collect(*pair, questions, style, out, **({"batch_size": 3, "progress": False} | options))


def refused(match, *args, **options):
    with pytest.raises(ValueError, match=match) as e:
        run(*args, **options)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("style", ["letters", "choices", "cloze"])
def test_every_number_is_the_models_own(pair, tmp_path, style):
    import torch

    questions = tiny_questions()
    traces = Traces.load(run(pair, tmp_path / "t.safetensors", questions, style))
    assert traces.plm_logits.shape == (12, 3, 3)
    assert traces.question_ids == tuple(q.id for q in questions)
    assert traces.groups == tuple(q.group for q in questions)
    assert traces.labels.tolist() == [-1 if q.answer is None else q.answer for q in questions]
    assert traces.n_options.tolist() == [len(q.options) for q in questions]
    for model, logits in zip(pair, (traces.plm_final, traces.polm_final), strict=True):
        for question, row in zip(questions, logits, strict=True):
            prompt, ids = encode_question(model.tokenizer, question, style)
            with torch.no_grad():
                own = model.model(torch.tensor([prompt])).logits[0, -1].numpy()
            np.testing.assert_allclose(row[: len(ids)], own[ids], rtol=1e-5, atol=1e-5 * np.abs(own).max())
            assert np.isneginf(row[len(ids) :]).all()


def test_metadata_says_what_was_run(pair, tmp_path):
    options = {"set_name": "words, sha256 0", "wording": "the cat", "style": "letters"}
    metadata = Traces.load(run(pair, tmp_path / "t.safetensors", **options)).metadata
    created_by = metadata.pop("created_by")
    assert metadata == {
        "schema": "dualalign/traces/1",
        "plm": "base",
        "polm": "chat",
        "questions": "words, sha256 0",
        "prompt": "letters",
        "dtype": "float32",
        "device": "cpu",
        "softcap": "none",
        "variant": "the cat",
    }
    for package in ("dualalign", "torch", "transformers", "numpy"):
        assert f"{package} " in created_by


def test_models_may_be_loaded_one_after_the_other(pair, tmp_path):
    specs = [model.spec for model in pair]
    from_memory, from_specs = (run(p, tmp_path / name) for p, name in ((pair, "a"), (specs, "b")))
    assert from_memory.read_bytes() == from_specs.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_finished_batch_is_never_computed_again(pair, tmp_path, monkeypatch):
    from dualalign.models import Lens

    def dying(self, prompts, options, padding="right"):
        calls.append(len(prompts))
        if len(calls) == 6:  # in the second batch of the second model
            raise KeyboardInterrupt
        return call(self, prompts, options, padding)

    calls, call = [], Lens.__call__
    whole = run(pair, tmp_path / "whole").read_bytes()
    monkeypatch.setattr(Lens, "__call__", dying)
    out = tmp_path / "t.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(pair, out)
    assert not out.exists()
    assert run(pair, out).read_bytes() == whole
    assert len(calls) == 6 + 3  # 4 + 4 batches, one of them begun twice
    assert not out.with_name("t.safetensors.part").exists()


def stopped(pair, out, monkeypatch, **options):
    """Begin a run that stops when its weights are done and its file is to be written."""
    from dualalign.traces.writing import TraceFile

    with monkeypatch.context() as patch:
        patch.setattr(TraceFile, "__enter__", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(pair, out, **options)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("batch size", {"batch_size": 4}),
        ("prompts", {"style": "cloze"}),
        ("prompts, question ids", {"questions": tiny_questions(11)}),
    ],
)
def test_a_part_of_another_run_is_not_mixed_in(pair, tmp_path, monkeypatch, what, change):
    out = tmp_path / "t.safetensors"
    stopped(pair, out, monkeypatch)
    refused(
        rf"t.safetensors.part: belongs to another run \({what} differ\); delete it, or start over", pair, out, **change
    )
    assert run(pair, out, resume=False, **change).exists()


def test_other_weights_under_the_same_name_are_noticed(pair, tmp_path, monkeypatch):
    from dualalign.models import LoadedModel

    out = tmp_path / "t.safetensors"
    stopped(pair, out, monkeypatch)
    changed = LoadedModel(tiny_model(seed=9), pair[1].tokenizer, "chat")
    refused("polm differ", [pair[0], changed], out)


def test_damaged_parts_are_named(pair, tmp_path, monkeypatch):
    out = tmp_path / "t.safetensors"
    stopped(pair, out, monkeypatch)
    part = out.with_name("t.safetensors.part")
    (part / "polm-000001.npy").write_bytes(b"short")
    refused("polm-000001.npy: damaged; delete it and run again", pair, out)
    (part / "polm-000001.npy").unlink()
    (part / "run.json").write_text("[]")
    refused("run.json: damaged; delete the folder", pair, out)
    (part / "run.json").unlink()
    assert run(pair, out).exists()


@pytest.mark.parametrize("harm", ["a flipped bit", "another batch", "another depth", "cut", "no digest"])
def test_parts_that_are_not_what_was_written_are_named(pair, tmp_path, monkeypatch, harm):
    out = tmp_path / "t.safetensors"
    stopped(pair, out, monkeypatch)
    part = out.with_name("t.safetensors.part") / "plm-000001.npy"
    whole, size = part.read_bytes(), 32
    shallow = io.BytesIO()
    np.save(shallow, np.load(part)[:, :-1])
    flipped = bytearray(whole)
    flipped[-size - 2] ^= 0x10
    content = {
        "a flipped bit": bytes(flipped),
        "another batch": part.with_name("plm-000000.npy").read_bytes(),
        "another depth": shallow.getvalue() + whole[-size:],
        "cut": whole[:-1],
        "no digest": whole[:-size],
    }
    part.write_bytes(content[harm])
    refused(r"plm-000001\.npy: damaged; delete it and run again", pair, out)
    assert not out.exists()
    part.unlink()
    assert run(pair, out).read_bytes() == run(pair, tmp_path / "whole").read_bytes()


def test_who_comes_late_finds_the_work_done_and_the_folder_gone(tmp_path):
    from dualalign.traces.shards import Shards
    from dualalign.traces.team import Team

    first = Shards(tmp_path / "t", {})
    late = Shards(tmp_path / "t", {})
    late.team = Team(1, 2)  # set afterwards: a real team waits for its processes
    first.remove()
    assert late.missing("polm", 3) == []
    with pytest.raises(FileNotFoundError):
        first.missing("polm", 3)


def test_clashing_options_stop_the_run_or_are_left_out(pair, tmp_path):
    questions = [*tiny_questions(4), Question("twins", "is it ?", ("red cat", "red dog"), 0)]
    out = tmp_path / "t.safetensors"
    refused("question 'twins'.*begin with the same token", pair, out, questions)
    assert Traces.load(run(pair, out, questions, on_clash="skip")).question_ids == ("q0", "q1", "q2", "q3")
    refused("the options of all 1 questions clash", pair, out, questions[-1:], on_clash="skip")


def foreign_model(family="GPT2"):
    from dualalign.models import LoadedModel

    return LoadedModel(tiny_model(family, n_layer=5), tiny_tokenizer(WORDS[::-1]), "stranger")


def test_two_tokenizers_need_the_word_foreign(pair, tmp_path):
    out, strangers = tmp_path / "t.safetensors", [foreign_model(), pair[1]]
    refused(
        "12 of 12 questions are split differently by the tokenizers of stranger and chat, 'q0': prompt", strangers, out
    )
    traces = Traces.load(run(strangers, out, foreign=True))
    assert traces.plm_logits.shape == (12, 5, 3)
    assert traces.polm_logits.shape == (12, 3, 3)
    alone = Traces.load(run([pair[1], pair[1]], tmp_path / "alone"))
    np.testing.assert_allclose(traces.polm_final, alone.polm_final, rtol=1e-4, atol=1e-4)


def test_a_prompt_longer_than_the_context_is_refused(pair, tmp_path):
    long = Question("long", "is it " + "the " * 70 + "?", ("cat", "dog"), 0)
    refused(
        "question 'long': its prompt has 8. tokens, base reads 64", pair, tmp_path / "t", [*tiny_questions(2), long]
    )


def test_logits_that_are_not_finite_are_refused(pair, tmp_path):
    from dualalign.models import LoadedModel

    model = tiny_model()
    broken = LoadedModel(model, pair[0].tokenizer, "broken")
    assert broken.lens
    model.model.layers[1].mlp.up_proj.weight.data[0, 0] = float("nan")
    refused("broken: logits of question 'q.+' are not finite in float32", [broken, pair[1]], tmp_path / "t")


def test_arguments_are_checked(pair, tmp_path):
    refused("questions: none given", pair, tmp_path / "t", [])
    refused("batch_size: 0; give 'auto', or a whole number", pair, tmp_path / "t", batch_size=0)
    refused("batch_size: 'many'", pair, tmp_path / "t", batch_size="many")
    refused("on_clash: 'drop'", pair, tmp_path / "t", on_clash="drop")
    refused("unknown prompt style 'riddle'", pair, tmp_path / "t", style="riddle")
    refused("does not exist; give a file name in an existing folder", pair, tmp_path / "no" / "t")
    (tmp_path / "u.part").write_text("a file")
    refused("u.part: cannot keep finished batches here", pair, tmp_path / "u")


def test_memory_that_does_not_suffice_is_one_line(pair, tmp_path, monkeypatch):
    from dualalign.models import Lens

    def hungry(*args):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried\nto allocate much")

    assert all(model.lens for model in pair)
    monkeypatch.setattr(Lens, "__call__", hungry)
    refused("base: one question of .* tokens does not fit into memory; take fewer bits", pair, tmp_path / "t")


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(capsys, monkeypatch):
    from dualalign.traces import progress

    clock = iter([0.0, 10.0, 40.0, 50.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("plm base", 100, 20) as advance:
        for _ in range(3):
            advance(20)
    assert capsys.readouterr().err == "plm base: 60 of 100 questions, 1.0 a second, 40 s left\n"


def test_the_run_file_is_plain_json(pair, tmp_path, monkeypatch):
    out = tmp_path / "t.safetensors"
    stopped([m.spec for m in pair], out, monkeypatch)
    record = json.loads((tmp_path / "t.safetensors.part" / "run.json").read_text())
    assert record["batch size"] == 3
    assert record["plm"]["name"] == "base"


def test_a_finished_trace_stands_in_for_its_plm(pair, tmp_path):
    base, chat = pair
    plain = Traces.load(run(pair, tmp_path / "plain.safetensors"))
    swapped = Traces.load(run((chat, base), tmp_path / "swapped.safetensors"))
    again = Traces.load(run((swapped, chat), tmp_path / "again.safetensors", tiny_questions()[3:]))
    np.testing.assert_array_equal(again.plm_logits, swapped.plm_logits[3:])
    np.testing.assert_allclose(again.polm_logits, plain.polm_logits[3:], rtol=1e-5, atol=1e-6)
    assert again.metadata["plm"] == "chat"


def test_a_finished_trace_of_other_questions_or_another_style_is_refused(pair, tmp_path):
    first = Traces.load(run(pair, tmp_path / "first.safetensors", tiny_questions()[1:]))
    refused(r"plm: the finished trace has no question 'q0'", (first, pair[1]), tmp_path / "t.safetensors")
    refused(r"plm: the finished trace was asked as", (first, pair[1]), tmp_path / "t.safetensors", style="letters")
    assert not (tmp_path / "t.safetensors").exists()


def test_permuted_options_keep_their_order_beside_them(pair, tmp_path):
    from dualalign.lab.catalogue import permuted

    both = [p for q in tiny_questions()[:2] for p in permuted(q)]
    questions, orders = zip(*both, strict=True)
    traces = Traces.load(run(pair, tmp_path / "t.safetensors", list(questions), order=orders, stored="float16"))
    assert traces.order.shape == traces.mask.shape
    answers = {q.id: q.answer for q in tiny_questions()}
    for row, (question, order) in enumerate(both):
        assert tuple(traces.order[row][: len(order)]) == order
        assert traces.question_ids[row] == question.id
        assert traces.order[row][traces.labels[row]] == answers[question.id]


def test_memory_grows_with_the_questions_words_and_not_with_their_logits(pair, tmp_path):
    import tracemalloc

    from dualalign.models import LoadedModel

    def deep(prompts, options):
        rows = [[0.0] * len(row) + [-np.inf] * (max(map(len, options)) - len(row)) for row in options]
        return np.repeat(np.array(rows, np.float32)[:, None], 500, axis=1)

    models = [LoadedModel(model.model, model.tokenizer, model.name) for model in pair]
    for model in models:
        model.__dict__["lens"] = deep

    def peak(n: int) -> int:
        tracemalloc.start()
        run(models, tmp_path / str(n), tiny_questions(n), batch_size=20)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(100), peak(800)
    sizes = [(tmp_path / name).stat().st_size for name in ("100", "800")]
    assert many - few < (sizes[1] - sizes[0]) / 4
