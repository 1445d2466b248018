"""Why aligning on every question fails, and when it does not: what decides the temperature of align-all and of DACA.

Letters as in calibrators/objective.py: g = PLM, f = PoLM, beta = 1 / T, q = softmax(beta z_f), everything at the last
layer. The confidence loss of a question is convex in beta with the slope E_q[z_f] - E_{p_g}[z_f]; so a mean of logits
decides everything here. [D] is arXiv:2505.16690.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import change, drift, metrics, protocol
from .calibrators import AlignAll
from .calibrators.objective import moments
from .calibrators.search import minimise

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

FITS = ("agree", "all", "disagree")  # the questions that an alignment may be fitted on
OWN = (1e-3, 1e4)  # range of a single question's own temperature; the ends stand for what lies beyond


# -- The derivation: which mean logit is missing --------------------------------------------------------------------


def expected_logit(traces: Traces, belief: np.ndarray | None = None) -> np.ndarray:
    """E_belief[z_f], (N,), with the largest logit of each question taken as 0.

    Parameters
    ----------
    belief : (N, K) probabilities, 0 where padded; None for the labels, all of them known
    """
    z = np.where(traces.mask, traces.polm_final.astype(np.float64), 0.0)
    z = np.where(traces.mask, z - np.where(traces.mask, z, -np.inf).max(axis=1, keepdims=True), 0.0)
    if belief is None:
        if (traces.labels < 0).any():
            raise ValueError("labels are unknown (-1) for some questions; give a belief, or select the labelled ones")
        return z[np.arange(len(traces)), traces.labels]
    return (belief * z).sum(axis=1)


def plm_belief(traces: Traces) -> np.ndarray:
    """p_g of the last layer, (N, K)."""
    return np.exp(drift.log_softmax_options(traces.plm_final))


def forces(traces: Traces, truth: np.ndarray | None = None, draws: int = 1000) -> pd.DataFrame:
    """What pushes align-all and DACA off the true temperature T*, that of least log loss under the truth.

    At beta* = 1 / T* the mean of E_q[z_f] - E_truth[z_f] is 0. Hence the slope of align-all's loss there is the mean of
    E_truth[z_f] - E_{p_g}[z_f], what the PLM's belief lacks, and that of DACA's is what it lacks on agreement less what
    DACA leaves out: E_q[z_f] - E_truth[z_f] on disagreement. The loss is convex, so a positive slope means T above T*.

    Parameters
    ----------
    truth : (N, K) exact beliefs, or None for the labels
    draws : of each 95 % bootstrap interval over questions, with T* as it is

    Returns
    -------
    DataFrame
        Rows ``agree`` and ``disagree`` (what the PLM lacks there), ``left out``, ``align-all`` (the first two) and
        ``daca`` (the first less the third): ``value``, ``low`` and ``high``, a mean over every question of logits
        divided by T*. NaN where T* is infinite.
    """
    import pandas as pd

    z, right = drift.options_first(traces.polm_final), expected_logit(traces, truth)
    best = minimise(lambda beta: _log_loss(z, right, beta))
    beta, agree = 1 / best.temperature, drift.agreement(traces)
    lacking = right - expected_logit(traces, plm_belief(traces))
    over = moments(z, beta)[1] - right
    parts = {"agree": agree * lacking, "disagree": ~agree * lacking, "left out": ~agree * over}
    parts |= {"align-all": lacking, "daca": parts["agree"] - parts["left out"]}
    scale = beta if beta > 0 else np.nan
    rows = {n: [v.mean(), *metrics.interval(np.mean, v, draws=draws)] for n, v in parts.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"]) * scale


def _log_loss(z: np.ndarray, right: np.ndarray, beta: float) -> tuple[float, float]:
    log_total, mean, _ = moments(z, beta)
    return float((log_total - beta * right).mean()), float((mean - right).mean())


def on_disagreement(traces: Traces, draws: int = 1000) -> pd.DataFrame:
    """What the PLM believes where the two models disagree, and what is true, for either model's answer.

    Returns
    -------
    DataFrame
        Rows ``PLM's answer`` and ``PoLM's answer``: mean ``belief`` p_g of that answer, its ``accuracy``, ``gap`` (the
        first less the second) with ``low`` and ``high``, a 95 % bootstrap interval. NaN without a disagreement.
    """
    import pandas as pd

    apart = traces.select(~drift.agreement(traces))
    rows = {}
    for name, logits in (("PLM's answer", apart.plm_final), ("PoLM's answer", apart.polm_final)):
        answer = logits.argmax(axis=1) if len(apart) else np.zeros(0, dtype=int)
        belief, right = plm_belief(apart)[np.arange(len(apart)), answer], answer == apart.labels
        found = metrics.interval(np.mean, belief - right, draws=draws) if len(apart) else (np.nan, np.nan)
        means = [values.mean() if len(apart) else np.nan for values in (belief, right, belief - right)]
        rows[name] = [*means, *found]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["belief", "accuracy", "gap", "low", "high"])


# -- Proposition 3.3: when a question has a finite optimum of its own -----------------------------------------------


def has_finite_optimum(traces: Traces) -> np.ndarray:
    """bool (N,): E_{p_g}[z_f] exceeds the plain mean of z_f, so that the question's own loss is least at a finite T."""
    uniform = traces.mask / traces.n_options[:, None]
    return expected_logit(traces, plm_belief(traces)) > expected_logit(traces, uniform)


def own_temperature(traces: Traces) -> np.ndarray:
    """The T at which each question's own confidence loss is least, (N,): within `OWN`, or inf where there is none.

    Bisection on the slope in log beta: the slope rises with beta, and 80 halvings leave less than a float's precision.
    """
    z, target = drift.options_first(traces.polm_final), expected_logit(traces, plm_belief(traces))
    low, high = (np.full(len(traces), -np.log(t)) for t in reversed(OWN))
    for _ in range(80):
        middle = (low + high) / 2
        short = moments(z, np.exp(middle))[1] < target  # E_q[z_f] still too small: beta must grow
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(has_finite_optimum(traces), np.exp(-(low + high) / 2), np.inf)


def finite_optima(pairs: Mapping[str, Traces]) -> pd.DataFrame:
    """Hold [D]'s Proposition 3.3 (no finite optimum where p_g of the PoLM's favourite is below 1/K) against the truth.

    Returns
    -------
    DataFrame
        A row a pair. Of the disagreeing questions, shares: ``none`` (no finite optimum), ``rule`` (the proposition says
        so), ``false alarm`` (it says so wrongly), ``missed``; ``none, agree`` is the share of the agreeing questions
        without a finite optimum, ``n`` the number of disagreeing ones.
    """
    import pandas as pd

    rows = {}
    for name, traces in pairs.items():
        agree, none, rule = drift.agreement(traces), ~has_finite_optimum(traces), change.reversal(traces)
        shares = {"none": none, "rule": rule, "false alarm": rule & ~none, "missed": ~rule & none}
        row = {column: _share(values[~agree]) for column, values in shares.items()}
        rows[name] = {"n": int((~agree).sum()), **row, "none, agree": _share(none[agree])}
    return pd.DataFrame.from_dict(rows, orient="index")


def _share(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


# -- Claim 4: does aligning on disagreements make f under-confident? -------------------------------------------------


def aligned_gaps(
    traces: Traces, seeds: Iterable[int] = range(5), fraction: float = 0.3, draws: int = 2000
) -> pd.DataFrame:
    """Align on agreement, on all, or on disagreement alone; mean confidence less accuracy on the held-out questions.

    Returns
    -------
    DataFrame
        Rows `FITS`, then ``disagree - agree`` and ``all - agree`` (paired: the same resampled questions): ``value``,
        ``low``, ``high`` and ``p`` (against 0, `protocol.difference`), ``temperature`` (geometric mean over the splits,
        inf where a split has no finite optimum; of a difference, the ratio).
    """
    import pandas as pd

    ids, owner = np.unique(traces.question_ids, return_inverse=True)
    gaps, temperatures = {name: [] for name in FITS}, {name: [] for name in FITS}
    for _, (fit, test) in protocol.enumerate_splits(traces, fraction, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        agree = drift.agreement(fitting)
        for name, rows in zip(FITS, (agree, np.ones_like(agree), ~agree), strict=True):
            aligned = AlignAll().fit(fitting.select(rows))
            confidence, right = metrics.top_label(*protocol.answers(aligned, testing)[1:])
            gaps[name].append(np.bincount(owner[test], confidence - right, minlength=len(ids)))
            temperatures[name].append(np.log(aligned.temperature_))
    tests = [test for _, (_, test) in protocol.enumerate_splits(traces, fraction, seeds)]
    present = np.stack([np.bincount(owner[test], minlength=len(ids)) for test in tests], axis=1)
    drawn = {name: _resampled_means(np.stack(v, axis=1), present, draws) for name, v in gaps.items()}
    logs = {name: np.mean(v) for name, v in temperatures.items()}
    rows = {name: [*protocol.difference(drawn[name], np.zeros(1 + draws)), np.exp(logs[name])] for name in FITS}
    for name in ("disagree", "all"):
        against = protocol.difference(drawn[name], drawn["agree"])
        rows[f"{name} - agree"] = [*against, np.exp(logs[name] - logs["agree"])]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high", "p", "temperature"])


def _resampled_means(sums: np.ndarray, present: np.ndarray, draws: int, seed: int = 0) -> np.ndarray:
    """Mean over splits of (sum over questions / their number), as it is and on resampled questions, (1 + draws,)."""
    n = len(sums)
    counts = np.vstack([np.ones(n), np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)])
    return ((counts @ sums) / (counts @ present)).mean(axis=1)


def verdicts(table: pd.DataFrame, level: float = 0.05) -> pd.Series:
    """ "under", "over" or "undecided" for each row of ``value`` and ``p``: Holm's correction over the whole table."""
    import pandas as pd

    decided = protocol.holm(table["p"]) < level
    words = np.where(decided, np.where(table["value"] < 0, "under", "over"), "undecided")
    return pd.Series(words, index=table.index, name="verdict")
