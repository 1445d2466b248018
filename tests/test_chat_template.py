"""The chat template: what the model reads then, where the option is found, and who is told."""

from __future__ import annotations

import numpy as np
import pytest
from models_kit import WORDS, tiny_model, tiny_questions, tiny_tokenizer

from dualalign import Traces, checks
from dualalign.questions import OptionClash, Question, encode_question
from dualalign.questions.prompts import render_chat

pytestmark = pytest.mark.models
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<{{ message.role }}> {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<bot>{% if enable_thinking is defined and not enable_thinking %} <none>{% endif %}"
    "{{ '\n' }}{% endif %}"
)


def chatty(template: str | None = TEMPLATE, closes: bool = False):
    """A tokenizer that puts a token in front of every text, with a chat template that has it already."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer([*WORDS, "user", "bot", "none", "<", ">"])
    single = "<s> $A </s>" if closes else "<s> $A"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=single, special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer.chat_template = template
    return tokenizer


ASK = Question("q", "is it big ?", ("cat", "dog"), 1)


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize(("style", "answers"), [("cloze", ["cat", "dog"]), ("letters", ["A", "B"])])
def test_the_question_is_a_users_message_and_the_answer_the_models_first_token(style, answers, closes):
    tokenizer = chatty(closes=closes)
    prompt, options = encode_question(tokenizer, ASK, style, chat=True)
    words = tokenizer.convert_ids_to_tokens(prompt)
    assert words.count("<s>") == 1  # not once more by the tokenizer
    assert words[:4] == ["<s>", "<", "user", ">"]
    assert words[-6:] == ["<", "bot", ">", "<", "none", ">"]
    assert "Answer" not in words
    assert tokenizer.convert_ids_to_tokens(options) == answers
    assert encode_question(tokenizer, ASK, style)[0] != prompt


def test_the_text_is_that_of_the_template():
    assert render_chat(chatty(), ASK, "cloze", "the") == "<s><user> the\nQuestion: is it big ?\n<bot> <none>\n"


def test_what_has_no_template_or_a_failing_one_is_one_line():
    with pytest.raises(ValueError, match="its tokenizer has no chat template; leave out --chat-template"):
        encode_question(chatty(None), ASK, "cloze", chat=True)
    with pytest.raises(ValueError, match="question 'q': the chat template fails on it") as e:
        encode_question(chatty("{{ raise_exception('roles must\nalternate') }}"), ASK, "cloze", chat=True)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% for m in messages %}{{ m.content }}{% endfor %} <think>\n",
            "begins a thought, and no option can come next",
        ),
        (
            "{% for p in messages[0].content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}{% endfor %}",
            "its text out",
        ),
    ],
)
def test_a_template_behind_which_no_option_can_come_is_found_out(template, reason):
    with pytest.raises(ValueError, match=rf"^question 'q': the chat template .*{reason}"):
        encode_question(chatty(template), ASK, "cloze", chat=True)


def test_a_thought_in_the_question_or_closed_by_the_template_is_none():
    marked = Question("q", "is <think> big ?", ("cat", "dog"), 1)
    assert encode_question(chatty(), marked, "cloze", chat=True)
    closed = chatty("{{ messages[0].content }}\n<think>\n\n</think>\n\n")
    assert encode_question(closed, ASK, "cloze", chat=True)


def test_no_message_of_the_system_is_sent():
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    assert encode_question(chatty(refuses + TEMPLATE), ASK, "cloze", "the", chat=True)


def test_an_option_that_melts_into_the_template_is_found_out():
    tokenizer = chatty("{{ messages[0].content }} A")  # no break: `A` and `cat` become one word
    with pytest.raises(OptionClash, match=r"question 'q'.* melts into the prompt's last token"):
        encode_question(tokenizer, ASK, "cloze", chat=True)


@pytest.fixture(scope="module")
def pair():
    from dualalign.models import LoadedModel

    models = [tiny_model(vocab_size=80, max_position_embeddings=96, seed=seed) for seed in (0, 1)]
    return [LoadedModel(m, chatty(), name) for m, name in zip(models, ("base", "chat"), strict=True)]


def collected(pair, tmp_path, chat: str) -> Traces:
    from dualalign.traces.collect import collect

    return Traces.load(collect(*pair, tiny_questions(), "choices", tmp_path / chat, chat=chat, progress=False))


def test_only_those_who_are_named_read_the_template(pair, tmp_path):
    none, polm, both = (collected(pair, tmp_path, chat) for chat in ("none", "polm", "both"))
    np.testing.assert_allclose(polm.plm_logits, none.plm_logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(polm.polm_logits, both.polm_logits, rtol=1e-5, atol=1e-5)
    real = np.isfinite(none.plm_logits)
    assert np.abs(both.plm_logits[real] - none.plm_logits[real]).max() > 0.1


def test_the_trace_tells_that_the_two_were_read_differently(pair, tmp_path):
    polm = collected(pair, tmp_path, "polm")
    assert polm.metadata["prompt"] == "choices / choices in its chat template"
    found = checks.reading(polm)
    assert found.state == "note"
    assert "prompt choices / choices in its chat template" in found.found
    assert collected(pair, tmp_path, "both").metadata["prompt"] == "choices in its chat template"


def test_a_model_without_template_is_named(pair, tmp_path):
    from dualalign.models import LoadedModel

    plain = LoadedModel(pair[1].model, chatty(None), "plain")
    with pytest.raises(ValueError, match=r"^plain: its tokenizer has no chat template"):
        collected([pair[0], plain], tmp_path, "polm")
    with pytest.raises(ValueError, match="chat is 'plm'; give one of none, polm, both"):
        collected(pair, tmp_path, "plm")


def test_what_only_the_template_makes_unreadable_is_in_the_report_too(pair):
    from dualalign.models import LoadedModel
    from dualalign.traces.encode import encode_pair
    from dualalign.traces.tokens import tokenizer_report

    melting = LoadedModel(pair[1].model, chatty("{{ messages[0].content }} A"), "melting")
    ask = (pair[0], melting, tiny_questions(4), "choices")
    assert tokenizer_report(*ask).lines() == ["4 of 4 questions: the same tokens for both models"]
    found = tokenizer_report(*ask, chat="polm")
    assert (len(found.clashes), found.differ) == (4, ())
    assert found.clashes[0].startswith("melting: question 'q0'")
    with pytest.raises(OptionClash, match=r"melting: question 'q0'.*; so it is with 4 of 4 questions: leave them out"):
        encode_pair(*ask, chat="polm")
