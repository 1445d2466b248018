"""Batches that do not fit are halved until they do; and teams of processes, as far as one process can show them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign.traces import reader
from dualalign.traces.encode import MOST_QUESTIONS, MOST_TOKENS, Encoded, batch_plan
from dualalign.traces.reader import Reader, is_memory
from dualalign.traces.team import Team

MESSAGES = (
    "CUDA out of memory. Tried to allocate",
    "DefaultCPUAllocator: can't allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


@pytest.fixture(autouse=True)
def _no_torch(monkeypatch):
    monkeypatch.setattr(reader, "release", lambda: None)


def small(most: int, error: str = MESSAGES[0]):
    """A model whose memory holds so many tokens; its logits tell question and option, and `sizes` what it was asked."""
    sizes = []

    def lens(prompts, options):
        sizes.append(len(prompts))
        if len(prompts) * max(map(len, prompts)) > most:
            raise RuntimeError(error)
        k = max(map(len, options))
        rows = [
            [p[0] + o / 10 for o in row] + [-np.inf] * (k - len(row)) for p, row in zip(prompts, options, strict=True)
        ]
        return np.repeat(np.array(rows, np.float32)[:, None], 2, axis=1)

    return SimpleNamespace(lens=lens, name="tiny", sizes=sizes)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(9, 200))
def test_halves_give_what_the_whole_would(lengths, most):
    prompts = [[i] * n for i, n in enumerate(lengths)]
    options = [list(range(2 + i % 3)) for i in range(len(lengths))]
    whole, parts = (Reader(small(m))(prompts, options) for m in (10**9, most))
    np.testing.assert_array_equal(parts, whole)


def test_what_failed_once_is_cut_beforehand():
    loaded = small(20)
    read, batch = Reader(loaded), ([[1] * 4] * 8, [[0, 1]] * 8)
    read(*batch)
    assert loaded.sizes == [8, 4, 4]
    loaded.sizes.clear()
    read(*batch)
    assert loaded.sizes == [4, 4]


@pytest.mark.parametrize("message", MESSAGES)
def test_one_question_that_does_not_fit_is_one_line(message):
    with pytest.raises(
        ValueError, match="tiny: one question of 30 tokens does not fit into memory; take fewer bits"
    ) as e:
        Reader(small(20, message))([[1] * 3, [1] * 30], [[0, 1]] * 2)
    assert "\n" not in str(e.value)


def test_other_errors_are_no_matter_of_memory():
    loaded = small(1, "mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        Reader(loaded)([[1, 2]] * 4, [[0, 1]] * 4)
    assert loaded.sizes == [4]
    assert is_memory(MemoryError())


@given(st.lists(st.integers(1, 3 * MOST_TOKENS // 2), min_size=1, max_size=300))
def test_the_plan_by_length_keeps_its_bounds_and_loses_nobody(lengths):
    plan = batch_plan(Encoded([range(n) for n in lengths], [[]] * len(lengths)))
    assert sorted(i for rows in plan for i in rows) == list(range(len(lengths)))
    for rows in plan:
        assert len(rows) <= MOST_QUESTIONS
        assert len(rows) == 1 or len(rows) * max(lengths[i] for i in rows) <= MOST_TOKENS


@given(st.integers(1, 9), st.lists(st.integers(0, 99), unique=True))
def test_shares_are_disjoint_and_complete(size, batches):
    shares = [Team(rank, size).share(batches) for rank in range(size)]
    assert sorted(b for share in shares for b in share) == sorted(batches)


def test_a_team_is_what_the_launcher_says(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Team.here() == Team(0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert Team.here() == Team(2, 4)
    assert not Team.here().leads
    monkeypatch.setenv("RANK", "4")
    with pytest.raises(ValueError, match="RANK='4' and WORLD_SIZE='4' make no team"):
        Team.here()


def test_waiting_ends_when_nothing_is_missing_or_nothing_comes():
    left = [[3, 4], [4], []]
    Team(0, 2).wait(lambda: left.pop(0), patience=60)
    assert not left
    with pytest.raises(ValueError, match="1 batches of other processes are missing, first 7"):
        Team(0, 2).wait(lambda: [7], patience=0.0)
