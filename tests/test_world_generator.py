"""The controlled world's documents: the exact posterior against the generating process, and what is held out."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dualalign.lab.world import generator as g
from dualalign.lab.world.generator import KEYS, MOST, Facts, K, World, draw, posterior
from dualalign.lab.world.studies import STUDIES

WITNESSES = len(g.RELIABILITIES)
ODD = World(added=0.25, reversed=0.5, knowledge=0.8, reliabilities=(0.95, 0.2, 0.4))  # 0.2: worse than a guess
WORLDS = [World(), World(added=0.5), World(reversed=0.25), ODD]
CHOICES = st.sampled_from(WORLDS)


def facts_of(rows: list[tuple[int, tuple[tuple[int, int], ...]]]) -> Facts:
    """Documents from (key, ((witness, report), ...)); what is not stated holds numbers that must not matter."""
    n = len(rows)
    witness, report = (np.random.default_rng(0).integers(0, high, (n, MOST)) for high in (WITNESSES, K))
    for i, (_, statements) in enumerate(rows):
        for j, (w, a) in enumerate(statements):
            witness[i, j], report[i, j] = w, a
    key, count = (np.array(part) for part in zip(*((k, len(s)) for k, s in rows), strict=True))
    return Facts(key, count, np.zeros(n, int), np.zeros(n, int), witness, report)


def every_document(count: int) -> list:
    statements = list(itertools.product(itertools.product(range(WITNESSES), range(K)), repeat=count))
    return [(key, s) for key in range(KEYS) for s in statements]


def joint(world: World, key: int, truth: int, statements) -> float:
    """P(key, truth, statements | their number), as the module's text tells how a document comes about."""
    said = key % K if key < world.added * KEYS else None  # what a told key says
    p = 1 / KEYS
    p *= 1 / K if said is None else world.knowledge if said == truth else (1 - world.knowledge) / (K - 1)
    for witness, report in statements:
        r = world.reliabilities[witness]
        p *= (r if report == truth else (1 - r) / (K - 1)) / WITNESSES
    return p


# -- The posterior -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS, ids=["plain", "told", "reversed", "odd"])
def test_posterior_is_that_of_the_enumerated_process(world):
    for count in range(3):
        documents = every_document(count)
        table = np.array([[joint(world, key, a, s) for a in range(K)] for key, s in documents])
        assert table.sum() == pytest.approx(1, abs=1e-12)  # these are all documents
        expected = table / table.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(posterior(world, facts_of(documents)), expected, rtol=1e-12)


def test_posterior_by_hand():
    statements = ((0, 2), (1, 2), (2, 1))  # 0.9 and 0.7 report option 2, 0.5 reports option 1
    odds = np.array([1, 0.5 / (0.5 / 3), 0.9 / (0.1 / 3) * 0.7 / (0.3 / 3), 1])
    np.testing.assert_allclose(posterior(World(), facts_of([(31, statements)]))[0], odds / odds.sum())
    odds[1] *= 0.9 / (0.1 / 3)  # key 5 tells option 1
    np.testing.assert_allclose(posterior(World(added=0.5), facts_of([(5, statements)]))[0], odds / odds.sum())


def test_a_reversed_key_says_nothing_of_the_truth():
    documents = facts_of(every_document(1))
    np.testing.assert_array_equal(posterior(World(reversed=1.0), documents), posterior(World(), documents))


@pytest.mark.parametrize("world", WORLDS, ids=["plain", "told", "reversed", "odd"])
@pytest.mark.parametrize("held_out", [False, True])
def test_answers_come_as_often_as_the_posterior_says(world, held_out):
    facts = draw(world, 60_000, np.random.default_rng(1), count=1, held_out=held_out)
    pi, answers = posterior(world, facts), np.eye(K)[facts.truth]
    cell = (facts.key * WITNESSES + facts.witness[:, 0]) * K + facts.report[:, 0]
    found, expected = np.zeros((2, KEYS * WITNESSES * K, K))
    np.add.at(found, cell, answers)
    np.add.at(expected, cell, pi)
    seen = expected.sum(axis=1) > 0
    assert seen.sum() == KEYS * WITNESSES * K * (0.25 if held_out else 0.75)
    squares = (found[seen] - expected[seen]) ** 2 / expected[seen]
    assert 1e-4 < stats.chi2.sf(squares.sum(), seen.sum() * (K - 1)) < 1 - 1e-4


@pytest.mark.parametrize("world", WORLDS, ids=["plain", "told", "reversed", "odd"])
def test_confidence_of_the_exact_reader_is_its_accuracy(world):
    facts = draw(world, 40_000, np.random.default_rng(2))
    pi = posterior(world, facts)
    right = pi.argmax(axis=1) == facts.truth
    noise = np.sqrt((pi.max(axis=1) * (1 - pi.max(axis=1))).sum()) / len(facts)
    assert abs(right.mean() - pi.max(axis=1).mean()) < 4 * noise
    loss = -np.log(pi[np.arange(len(facts)), facts.truth]).mean()
    assert loss == pytest.approx(-(pi * np.log(pi)).sum(axis=1).mean(), abs=0.02)  # log loss is the entropy


@given(world=CHOICES, data=st.data())
def test_posterior_does_not_mind_the_order_of_statements(world, data):
    statements = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=MOST))
    key, shuffled = data.draw(st.integers(0, KEYS - 1)), data.draw(st.permutations(statements))
    one, other = posterior(world, facts_of([(key, tuple(statements)), (key, tuple(shuffled))]))
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert one.sum() == pytest.approx(1)
    assert one.min() > 0


@given(world=CHOICES, data=st.data())
def test_renaming_the_options_renames_the_posterior(world, data):
    statements = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=MOST))
    key, names = data.draw(st.integers(0, KEYS - 1)), data.draw(st.permutations(range(K)))
    renamed = (key - key % K + names[key % K], tuple((w, names[a]) for w, a in statements))
    one, other = posterior(world, facts_of([(key, tuple(statements)), renamed]))
    np.testing.assert_allclose(other[names], one, rtol=1e-12)


@given(key=st.integers(0, KEYS - 1), report=st.integers(0, K - 1))
def test_a_witness_who_guesses_changes_nothing(key, report):
    world = World(added=0.5, reliabilities=(0.9, 0.7, 1 / K))
    without, with_guess = posterior(world, facts_of([(key, ((0, 1),)), (key, ((0, 1), (2, report)))]))
    np.testing.assert_allclose(with_guess, without, rtol=1e-12)


# -- Documents -----------------------------------------------------------------------------------------------------


def test_prompts_hold_the_topic_the_statements_and_the_token_that_asks():
    facts = facts_of([(3, ()), (31, ((0, 1), (2, 3)))])
    assert facts.prompts() == [
        (g.KEY + 3, g.ASK),
        (g.KEY + 31, g.WITNESS, g.OPTION + 1, g.WITNESS + 2, g.OPTION + 3, g.ASK),
    ]
    ids = {*g.OPTION_TOKENS, *range(g.WITNESS, g.WITNESS + WITNESSES), *range(g.KEY, g.KEY + KEYS), g.ASK, 0}
    assert ids == set(range(g.VOCABULARY))
    assert len(ids) == K + WITNESSES + KEYS + 2  # no two tokens share a number


def test_post_training_rewards_the_keys_option_on_reversed_keys_only():
    facts = draw(World(reversed=0.25), 5000, np.random.default_rng(3))
    last = facts.key >= 24
    assert (facts.rewarded[last] == facts.key[last] % K).all()
    assert (facts.rewarded[~last] == facts.truth[~last]).all()
    assert (facts.rewarded != facts.truth)[last].mean() == pytest.approx(0.75, abs=0.04)


def test_a_told_key_is_right_as_often_as_it_knows():
    facts = draw(World(added=0.5, knowledge=0.8), 20_000, np.random.default_rng(4))
    right = facts.truth == facts.key % K
    assert right[facts.key < 16].mean() == pytest.approx(0.8, abs=0.02)
    assert right[facts.key >= 16].mean() == pytest.approx(0.25, abs=0.02)


def test_the_number_of_statements_is_uniform_or_the_one_asked_for():
    some = draw(World(), 30_000, np.random.default_rng(5))
    assert stats.chisquare(np.bincount(some.count, minlength=MOST + 1)).pvalue > 1e-4
    for count in range(MOST + 1):
        assert set(draw(World(), 10, np.random.default_rng(5), count).count) == {count}


@given(world=CHOICES, n=st.integers(1, 60), seed=st.integers(0, 99), held_out=st.booleans())
def test_as_many_documents_as_asked_for_from_one_side(world, n, seed, held_out):
    facts, again = (draw(world, n, np.random.default_rng(seed), held_out=held_out) for _ in range(2))
    assert len(facts) == n
    assert (g.is_held_out(facts) == held_out).all()
    assert facts.prompts() == again.prompts()
    assert (facts.truth == again.truth).all()
    assert facts.prompts() != draw(world, n, np.random.default_rng(seed + 1), held_out=held_out).prompts()


# -- What is held out ----------------------------------------------------------------------------------------------


def test_no_prompt_stands_on_both_sides():
    sides = [draw(World(added=0.5), 30_000, np.random.default_rng(6), held_out=side) for side in (False, True)]
    shown, asked = (set(facts.prompts()) for facts in sides)
    assert not shown & asked
    assert min(len(shown), len(asked)) > 10_000


@given(data=st.data())
def test_the_side_of_a_prompt_is_decided_by_its_tokens(data):
    facts = draw(World(), 20, np.random.default_rng(data.draw(st.integers(0, 99))))
    other = np.random.default_rng(data.draw(st.integers(0, 99)))
    hidden = {
        "witness": np.where(facts.stated, facts.witness, other.integers(0, WITNESSES, (20, MOST))),
        "report": np.where(facts.stated, facts.report, other.integers(0, K, (20, MOST))),
        "truth": other.integers(0, K, 20),
        "rewarded": other.integers(0, K, 20),
    }
    changed = replace(facts, **hidden)
    assert changed.prompts() == facts.prompts()
    assert (g.is_held_out(changed) == g.is_held_out(facts)).all()
    np.testing.assert_array_equal(posterior(ODD, changed), posterior(ODD, facts))


def test_every_set_of_statements_has_one_key_in_four_held_out_with_each_option_told_alike():
    for count in range(4):
        facts = facts_of(every_document(count))
        held = g.is_held_out(facts).reshape(KEYS, -1)  # keys by sets of statements
        options = held.reshape(KEYS // K, K, -1).sum(axis=0)
        assert (options == 2).all()
        assert (held[:16].sum(axis=0) == 4).all()  # with half of the keys told, half of those held out are


def test_over_many_statements_every_block_of_keys_is_held_out_alike():
    facts = draw(World(), 40_000, np.random.default_rng(7), count=4, held_out=True)
    share = np.bincount(facts.key, minlength=KEYS) / len(facts)
    assert share == pytest.approx(1 / KEYS, abs=0.006)


# -- Bad input, and the studies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dials", "said"),
    [
        ({"added": 0.3}, "added is 0.3; give a multiple of 0.125 between 0 and 1"),
        ({"added": -0.125}, "added is -0.125"),
        ({"reversed": 1.125}, "reversed is 1.125"),
        ({"reversed": float("nan")}, "reversed is nan"),
        ({"added": 0.75, "reversed": 0.5}, "exceed all keys"),
        ({"knowledge": 1.0}, "strictly between 0 and 1"),
        ({"reliabilities": (0.9, 0.0, 0.5)}, "strictly between 0 and 1"),
        ({"reliabilities": (0.9, 0.7)}, "reliabilities holds 2 numbers; give 3"),
    ],
)
def test_bad_dials_are_refused(dials, said):
    with pytest.raises(ValueError, match=said):
        World(**dials)


@pytest.mark.parametrize(
    ("arguments", "said"), [({"n": 0}, "n is 0"), ({"count": 6}, "count is 6"), ({"count": -1}, "count is -1")]
)
def test_documents_that_cannot_be_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        draw(World(), **{"n": 3, "rng": np.random.default_rng(0)} | arguments)


def test_studies_that_share_a_model_or_questions_agree_on_them():
    for shared, what in (("trained", lambda s: (s.world, s.recipe)), ("questions", lambda s: s.asked)):
        for name in {getattr(s, shared) for s in STUDIES.values()}:
            assert len({what(s) for s in STUDIES.values() if getattr(s, shared) == name}) == 1, name
    assert all(name == study.name for name, study in STUDIES.items())


def test_every_recipe_takes_as_many_steps():
    assert len({s.recipe.questions * s.recipe.epochs for s in STUDIES.values()}) == 1


def test_the_premise_holds_where_neither_the_plm_nor_the_witnesses_were_changed():
    assert {s.name.partition("-")[0] for s in STUDIES.values() if not s.premise} == {"doubled", "changed"}
    assert STUDIES["reversed-sft"].asked == World()  # what was rewarded does not matter to those who ask
    assert STUDIES["mixed-sft"].asked == World(added=0.25)
