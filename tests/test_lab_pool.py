"""The training pool and the evaluation sets never meet; examples are what they claim to be."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_questions_prompts import Words

from dualalign import Traces
from dualalign.lab import catalogue, pool
from dualalign.lab.recipes import RECIPES
from dualalign.questions import Question, load_file

DATA = Path(__file__).resolve().parent.parent / "data"
ASK = Question("q", "Which gas?", ("oxygen", "helium", "argon"), 1)


@pytest.fixture(scope="module")
def prints():
    return pd.read_parquet(DATA / "questions/fingerprints.parquet")


def test_no_evaluation_question_is_in_the_training_pool(prints):
    training, evaluation = (set(prints[prints.role == role].fingerprint) for role in ("pool", "evaluation"))
    assert len(training) > 10_000
    assert len(evaluation) > 20_000
    assert not training & evaluation


def test_no_set_trains_and_evaluates_and_the_fingerprints_are_of_these_sets(prints):
    assert not set(pool.TRAINING_SETS) & set(pool.EVALUATION_SETS)
    training, evaluation = (prints[prints.role == role] for role in ("pool", "evaluation"))
    assert set(training.id.str.split("|").str[0]) == set(pool.TRAINING_SETS)
    assert set(evaluation["set"]) == set(pool.EVALUATION_SETS)


def test_every_shipped_trace_holds_evaluation_questions_only(prints):
    known = set(prints[prints.role == "evaluation"].id) | {q.id for q in catalogue.content_free()}
    files = sorted((DATA / "traces").glob("*.safetensors"))
    assert files
    for file in files:
        assert set(Traces.load(file).question_ids) <= known, file.name


@pytest.mark.live
@pytest.mark.nightly
def test_the_shipped_fingerprints_are_those_of_the_sources(prints):
    """Recomputed where the sources can be had (the package, and a mirror folder or the hub)."""
    try:
        found = pool.fingerprints()
    except (ValueError, RuntimeError) as error:
        pytest.skip(f"sources are not here: {error}")
    pd.testing.assert_frame_equal(found, prints)


def test_overlap_sees_through_case_and_punctuation():
    twin = Question("t", "which GAS", ("a", "b"), 0)
    assert pool.overlap([ASK], [twin]) == ["q"]
    assert pool.overlap([ASK], [Question("t", "which gases", ("a", "b"), 0)]) == []


def test_development_questions_never_train():
    many = [Question(f"q{i}", f"Number {i}?", ("a", "b"), 0) for i in range(400)]
    training, dev = pool.split_dev(many)
    assert len(training) + len(dev) == 400
    assert not {q.id for q in training} & {q.id for q in dev}
    assert 5 < len(dev) < 40


def test_shuffling_keeps_the_answer():
    for seed in range(20):
        shuffled = pool.shuffle_options(ASK, random.Random(seed))
        assert shuffled.options[shuffled.answer] == "helium"
        assert sorted(shuffled.options) == sorted(ASK.options)


def test_a_judgement_is_right_exactly_when_the_right_option_is_proposed():
    for seed in range(20):
        judged = pool.as_judgement(ASK, random.Random(seed))
        assert (judged.answer == 0) == (judged.proposed == "helium")


def test_each_question_stands_once_and_the_same_seed_gives_the_same_examples():
    many = [Question(f"q{i}", f"Number {i}?", ("one", "two", "six"), i % 3) for i in range(60)]
    mix = {"choices": 0.5, "letters": 0.3}
    first, again = (pool.mixed_examples(Words(), many, mix, {}, 7) for _ in range(2))
    assert [(e.id, e.style) for e in first] == [(e.id, e.style) for e in again]
    assert len({e.id for e in first}) == len(first) < 60
    assert {e.style for e in first} == {"choices", "letters"}


def test_questions_that_choices_cannot_read_follow_the_other_mix():
    clash = Question("c", "Which?", ("red car", "red bus"), 0)
    (example,) = pool.mixed_examples(Words(), [clash], {"choices": 1.0}, {"letters": 1.0}, 0)
    assert example.style == "letters"
    assert pool.mixed_examples(Words(), [clash], {"choices": 1.0}, {}, 0) == []


def test_recipes_start_from_recipes_that_exist():
    assert all(not r.start or r.start in RECIPES for r in RECIPES.values())


def test_questions_without_content_put_every_option_at_every_place():
    questions = catalogue.content_free()
    assert load_file(DATA.parent / catalogue.CONTENT_FREE) == questions
    for content in {q.question for q in questions}:
        orders = np.array([q.options for q in questions if q.question == content])
        assert all(sorted(place) == sorted(orders[0]) for place in orders.T)
    assert all(q.answer is None for q in questions)
