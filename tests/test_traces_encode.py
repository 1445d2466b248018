"""Questions as token ids: one tokenizer where it serves both models, and the plan of the batches."""

from __future__ import annotations

import pytest
from models_kit import WORDS, save_tiny, tiny_questions, tiny_tokenizer

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two models of one family in memory, and the folders they came from."""
    from dualalign.models import load_model

    root = tmp_path_factory.mktemp("pair")
    return [load_model(save_tiny(root / name, seed=seed)) for seed, name in enumerate(("base", "chat"))]


def test_one_base_with_two_adapters_is_tokenised_once(pair, monkeypatch):
    from dataclasses import replace

    from dualalign.models import ModelSpec
    from dualalign.traces.encode import encode_pair

    made, make = [], ModelSpec.tokenizer
    monkeypatch.setattr(ModelSpec, "tokenizer", lambda self: made.append(self.name) or make(self))
    one, other = pair[0].spec, pair[1].spec
    _, plm, polm = encode_pair(one, replace(one, label="adapted"), tiny_questions(), "choices")
    assert made == ["base"]
    assert plm == polm == encode_pair(one, other, tiny_questions(), "choices")[1]


def test_two_tokenizers_with_the_same_rules_are_asked_once_where_that_pays(pair, monkeypatch):
    from types import SimpleNamespace

    from dualalign.traces import encode, tokens

    def asked(words, **options):
        """Names of the models whose tokenizers were asked, and what came of it."""
        models = [SimpleNamespace(tokenizer=tiny_tokenizer(w), name=n, spec=None, context_length=None)
                  for n, w in zip(("base", "chat"), (WORDS, words), strict=True)]  # fmt: skip
        names, ask = set(), tokens.encode_question
        with monkeypatch.context() as patch:
            owner = {id(m.tokenizer): m.name for m in models}
            patch.setattr(tokens, "encode_question", lambda t, *a: names.add(owner[id(t)]) or ask(t, *a))
            return names, encode.encode_pair(*models, tiny_questions(), "choices", **options)[1:]

    both, (plm, polm) = asked(WORDS)
    assert both == {"base", "chat"}
    monkeypatch.setattr(encode, "MANY", 12)
    assert asked(WORDS) == ({"base"}, (plm, polm))
    with pytest.raises(
        ValueError, match=r"^12 of 12 questions are split differently by the tokenizers of base and chat"
    ):
        asked(WORDS[::-1])
    assert asked(WORDS[::-1], foreign=True)[0] == {"base", "chat"}


def test_the_plan_depends_on_questions_and_batch_size_alone(pair):
    from dualalign.traces.encode import batch_plan, encode_pair

    _, encoded, _ = encode_pair(*pair, tiny_questions(), "choices")
    plan = batch_plan(encoded, 5)
    assert sorted(i for rows in plan for i in rows) == list(range(12))
    assert [len(rows) for rows in plan] == [5, 5, 2]
    lengths = [len(encoded.prompts[i]) for rows in plan for i in rows]
    assert lengths == sorted(lengths)
