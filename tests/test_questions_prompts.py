"""Prompt styles and option tokens, against a tokenizer whose tokens are known: one a word, with its leading blank."""

from __future__ import annotations

import re

import pytest

from dualalign.questions import OptionClash, Question, encode_question, option_tokens, render, targets

ASK = Question("q", "Which gas?", ("oxygen gas", "helium", "oxygen tank"), 1, context="Air.")


class Words:
    """A tokenizer of words and their leading blanks; optionally closes every text with an end token."""

    eos_token_id = 0

    def __init__(self, closes=False, merges=""):
        self.ids, self.closes, self.merges = {}, closes, merges

    def __call__(self, text, verbose=True):
        if self.merges:
            text = text.replace(self.merges, self.merges.replace(" ", ""))
        ids = [self.ids.setdefault(w, len(self.ids) + 1) for w in re.findall(r"\s?\S+|\s", text)]
        return {"input_ids": [*ids, 0] if self.closes else ids}


def test_letters_lists_options_and_ends_where_the_letter_comes():
    assert render(ASK, "letters") == "Air.\nQuestion: Which gas?\nA. oxygen gas\nB. helium\nC. oxygen tank\nAnswer:"
    assert targets(ASK, "letters") == (" A", " B", " C")


def test_choices_lists_options_in_a_row_and_cloze_lists_none():
    assert render(ASK, "choices", "Choose.").startswith(
        "Choose.\nAir.\nQuestion: Which gas?\nChoices: oxygen gas; helium;"
    )
    assert render(ASK, "cloze") == "Air.\nQuestion: Which gas?\nAnswer:"
    assert targets(ASK, "cloze") == (" oxygen gas", " helium", " oxygen tank")


def test_p_true_asks_for_a_verdict_on_the_proposed_answer():
    asked = Question("q", "Who?", ("Yes", "No"), 0, proposed="Ann")
    assert "Proposed answer: Ann" in render(asked, "p-true")
    assert targets(asked, "p-true") == (" Yes", " No")
    with pytest.raises(ValueError, match="needs a proposed answer"):
        render(ASK, "p-true")


def test_an_unknown_style_lists_the_known_ones():
    for call in (render, targets):
        with pytest.raises(ValueError, match="expected one of letters, choices, cloze, p-true"):
            call(ASK, "letter")


@pytest.mark.parametrize("closes", [False, True])
def test_tokens_are_found_behind_the_prompt(closes):
    words = Words(closes)
    prompt_ids, options = encode_question(words, ASK, "letters")
    assert prompt_ids == Words.__call__(words, render(ASK, "letters"))["input_ids"][: len(prompt_ids)]
    assert 0 not in prompt_ids
    assert options == [words.ids[" A"], words.ids[" B"], words.ids[" C"]]


def test_options_that_begin_alike_clash_and_the_question_is_named():
    with pytest.raises(OptionClash, match=r"question 'q', style 'choices'.*' oxygen gas' and ' oxygen tank'"):
        encode_question(Words(), ASK, "choices")


def test_equal_options_clash_in_every_style():
    twins = Question("q", "Which?", ("same", "other", "same "), 0)
    for style in ("letters", "choices", "cloze"):
        with pytest.raises(OptionClash, match="two options read 'same'"):
            encode_question(Words(), twins, style)


def test_an_option_that_melts_into_the_prompt_is_refused():
    with pytest.raises(OptionClash, match="melts into the prompt"):
        option_tokens(Words(merges=": A"), "Answer:", (" A", " B"))


def test_a_letter_of_two_tokens_is_refused():
    class Split(Words):
        def __call__(self, text, verbose=True):
            return super().__call__(text.replace("Answer: B", "Answer: B B"), verbose)

    with pytest.raises(OptionClash, match="' B' is 2 tokens"):
        encode_question(Split(), ASK, "letters")
