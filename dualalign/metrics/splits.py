"""Repeated splits into questions to fit on and questions to judge by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ._checks import check_share


def repeated_splits(
    questions: int | Sequence[str], groups: Sequence[str] = (), fraction: float = 0.3, seeds: Iterable[int] = range(5)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (fit, test) index pairs, one a seed; no question stands on both sides.

    Parameters
    ----------
    questions : a number of questions, or their ids (N,); rows with the same id (one question asked in two ways, say)
        stay together
    groups : (N,) or empty; each group gives its share of questions, to within one
    fraction : share of the questions to fit on
    seeds : one split each

    Yields
    ------
    fit, test : int64, sorted; together every row once

    Raises
    ------
    ValueError
        Where fewer than two questions, or a fraction that leaves a side empty, make no split.

    Examples
    --------
    >>> for fit, test in da.metrics.repeated_splits(["a", "b", "b", "c", "d"], fraction=0.5, seeds=[0, 1]):
    ...     print(len(fit), len(test), {1, 2} <= set(fit) or {1, 2} <= set(test))  # both rows of "b" on one side
    2 3 True
    3 2 True
    """
    ids = np.arange(questions) if isinstance(questions, (int, np.integer)) else np.asarray(questions)
    _, first, owner = np.unique(ids, return_index=True, return_inverse=True)
    taken = round(len(first) * check_share("fraction", fraction))
    if not 0 < taken < len(first):
        raise ValueError(
            f"fraction {fraction} of {len(first)} different questions leaves one side empty; give more questions"
        )
    group = _group_numbers(groups, len(ids))[first]
    for seed in seeds:
        chosen = _stratified(group, taken, np.random.default_rng(seed))[owner]
        yield np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _group_numbers(groups: Sequence[str], n: int) -> np.ndarray:
    if len(groups) == 0:
        return np.zeros(n, dtype=np.int64)
    if len(groups) != n:
        raise ValueError(f"groups has {len(groups)} entries for {n} questions; give one each, or none")
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def _stratified(group: np.ndarray, taken: int, rng: np.random.Generator) -> np.ndarray:
    """Lay the groups end to end, all in random order, and take every (n / taken)-th question."""
    n = len(group)
    order = np.lexsort((rng.random(n), rng.permutation(group.max() + 1)[group]))
    chosen = np.zeros(n, dtype=bool)
    chosen[order[((np.arange(taken) + 0.5) * n / taken).astype(np.int64)]] = True
    return chosen
