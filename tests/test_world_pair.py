"""The pair of the controlled world in words: its tokenizer gives the tokens of training, and its files agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dualalign import Traces, drift
from dualalign.lab.world import pair
from dualalign.questions import load_file, render

SHIPPED = Path(__file__).resolve().parent.parent / "data/pair"


def test_questions_tell_what_the_documents_state():
    facts, pi = pair.facts(n=50)
    for row, question in enumerate(pair.questions(facts, labelled=20)):
        words = question.context.replace(".", "").split()
        assert words[0] == f"Topic-{facts.key[row]}"
        assert words[1::3] == [pair.NAMES[w] for w in facts.witness[row, : facts.count[row]]]
        assert words[3::3] == [pair.LETTERS[o] for o in facts.report[row, : facts.count[row]]]
        assert question.answer == (facts.truth[row] if row < 20 else None)
    assert pi.shape == (50, 4)
    np.testing.assert_allclose(pi.sum(axis=1), 1)


def test_the_shipped_questions_are_those_of_the_seed():
    assert load_file(SHIPPED / "questions.jsonl") == pair.questions(pair.facts()[0])


def test_the_shipped_plm_knows_what_can_be_known_and_the_polm_is_too_sure():
    traces, pi = Traces.load(SHIPPED / "trace.safetensors"), pair.facts()[1]
    plm, polm = (np.exp(drift.log_softmax_options(z)) for z in (traces.plm_final, traces.polm_final))
    assert np.abs(plm - pi).mean() < 0.02
    assert polm.max(axis=1).mean() > pi.max(axis=1).mean() + 0.1


@pytest.mark.models
def test_the_tokenizer_gives_the_tokens_of_training():
    from dualalign.questions import encode_question

    tokenizer, (facts, _) = pair.tokenizer(), pair.facts(n=80)
    for prompt, question in zip(facts.prompts(), pair.questions(facts), strict=True):
        found, options = encode_question(tokenizer, question, "cloze")
        assert (found, tuple(options)) == (list(prompt), pair.transformer.OPTION_TOKENS), render(question, "cloze")


@pytest.mark.models
def test_the_shipped_pair_gives_the_shipped_trace(tmp_path):
    from dualalign.models import ModelSpec
    from dualalign.traces.collect import collect

    shipped = Traces.load(SHIPPED / "trace.safetensors").select(range(40))
    specs = [ModelSpec(str(SHIPPED / name)) for name in ("plm", "polm")]
    asked = load_file(SHIPPED / "questions.jsonl")[:40]
    found = Traces.load(collect(*specs, asked, "cloze", tmp_path / "t.safetensors", progress=False))
    assert found.question_ids == shipped.question_ids
    np.testing.assert_allclose(found.plm_logits, shipped.plm_logits, atol=1e-3)
    np.testing.assert_allclose(found.polm_logits, shipped.polm_logits, atol=1e-3)


@pytest.mark.models
def test_a_pair_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(pair, "QUESTIONS", 12)
    plan, recipe = pair.transformer.Pretraining(steps=3, batch_size=8), pair.STUDIES["sharpen-sft"]
    monkeypatch.setattr(pair.transformer.pretrain, "__defaults__", (plan, None))
    assert recipe.gain == 1
    folder = pair.write_pair(tmp_path / "new")
    assert sorted(p.name for p in folder.iterdir()) == ["plm", "polm", "questions.jsonl", "trace.safetensors"]
    assert (folder / "plm" / "model.safetensors").exists()
    with pytest.raises(ValueError, match=r"study: 'doubled-sharpen-sft'; give one of control, "):
        pair.write_pair(tmp_path, "doubled-sharpen-sft")
