"""Answers that a model judges itself, Yes or No: is there a signal at all, and what can one temperature do with it?

In such a trace (prompt style ``p-true``) a row is a proposed answer; option 0 is Yes, and the label is 0 where the
answer is right. Several answers to one question share the question's id up to its last "/".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import drift
from .order import final_logits
from .protocol import Answers

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

VERDICTS = ("supported", "contradicted", "undecided")


class Signal(NamedTuple):
    """AUROC of P(True): the chance that a right answer gets more of it than a wrong one; interval over questions."""

    value: float
    low: float
    high: float


def by_question(traces: Traces) -> Traces:
    """Name each row by its question, without the answer's number: splits and resamples then keep a question whole."""
    return replace(traces, question_ids=tuple(name.rpartition("/")[0] or name for name in traces.question_ids))


def log_odds(traces: Traces, model: str) -> np.ndarray:
    """The logit of Yes less that of No, (N,) float64."""
    if not (traces.n_options == 2).all():
        raise ValueError("traces holds questions with more than two options; a judged trace has Yes and No only")
    logits = final_logits(traces, model).astype(np.float64)
    return logits[:, 0] - logits[:, 1]


def p_true(traces: Traces, model: str) -> np.ndarray:
    """The probability of Yes, (N,)."""
    log_odds(traces, model)  # refuses more than two options
    return np.exp(drift.log_softmax_options(final_logits(traces, model)))[:, 0]


def signal(traces: Traces, model: str, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Signal:
    """Does P(True) tell right answers from wrong ones? AUROC with a basic bootstrap interval over question ids.

    Parameters
    ----------
    traces : labelled; rows with the same id are drawn together
    model : "plm" or "polm"
    level, draws, seed : of the interval

    Raises
    ------
    ValueError
        Where no answer, or every answer, is right.
    """
    odds, right = log_odds(traces, model), traces.labels == 0
    if right.all() or not right.any():
        raise ValueError("labels are all alike; an AUROC needs right and wrong answers")
    above = odds[right][:, None] - odds[~right]
    wins = (above > 0) + 0.5 * (above == 0)  # (right answers, wrong answers)
    owner = np.unique(traces.question_ids, return_inverse=True)[1]
    n, rng = owner.max() + 1, np.random.default_rng(seed)
    counts = np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(draws)]).astype(np.float64)
    a, b = counts[:, owner[right]], counts[:, owner[~right]]
    with np.errstate(invalid="ignore"):  # a resample without a right, or a wrong, answer has no AUROC
        drawn = ((a @ wins) * b).sum(axis=1) / (a.sum(axis=1) * b.sum(axis=1))
    value, (low, high) = float(wins.mean()), np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Signal(value, 2 * value - float(high), 2 * value - float(low))


def as_p_true(found: Answers) -> Answers:
    """Turn verdicts (N, 2) into P(True) (N,) and whether the answer is right: another event to be calibrated for."""
    questions, values, outcomes = found
    if np.ndim(values) != 2 or np.shape(values)[1] != 2:
        raise ValueError("the answers have no probabilities of Yes and No; a confidence alone is not P(True)")
    return Answers(questions, np.asarray(values)[:, 0], np.asarray(outcomes) == 0)


def coin(sides: Sequence[Answers]) -> list[Answers]:
    """What a judge says that says 0.5 to everything: the yardstick of every method here."""
    return [Answers(side.questions, np.full((len(side.outcomes), 2), 0.5), side.outcomes) for side in sides]


def verdict(knows: Signal, compared: pd.DataFrame, baselines: Sequence[str], level: float = 0.05) -> str:
    """Claim 11 on one judged trace: one of `VERDICTS`.

    Undecided unless the PoLM's P(True) is above chance (the interval of `knows` above 0.5): a judge without a signal is
    calibrated by any flattening. Then supported where Dual-Align's error is below that of every baseline, contradicted
    where it is above that of the PoLM as it comes, each by its adjusted p-value; else undecided.

    Parameters
    ----------
    knows : `signal` of the PoLM
    compared : `carry.against`, by method, with ``minus`` (Dual-Align less the method) and the adjusted ``p``
    baselines : the rivals that it must beat, "vanilla" among them
    """
    if not knows.low > 0.5:
        return "undecided"
    found = compared.loc[list(baselines)]
    if ((found["minus"] < 0) & (found["p"] < level)).all():
        return "supported"
    vanilla = compared.loc["vanilla"]
    return "contradicted" if vanilla["minus"] > 0 and vanilla["p"] < level else "undecided"
