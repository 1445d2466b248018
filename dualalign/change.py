"""What post-training changed, question by question: confidence, accuracy, answers, and the path through the layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import drift, metrics
from .metrics import Difference

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

OUTCOMES = ("same, surer", "same, less sure", "now right", "now wrong", "wrong otherwise")


def outcomes(traces: Traces) -> np.ndarray:
    """What became of each labelled question, (N,) of `OUTCOMES`.

    The first two keep the PLM's answer, with a confidence that did not fall, or fell. The others have a new answer:
    right where the PLM was wrong, wrong where it was right, or another wrong one.
    """
    g, f = (np.exp(drift.log_softmax_options(z)) for z in (traces.plm_final, traces.polm_final))
    same, surer = drift.agreement(traces), f.max(1) >= g.max(1)
    was, is_right = g.argmax(1) == traces.labels, f.argmax(1) == traces.labels
    return np.select([same & surer, same, is_right, was], OUTCOMES[:4], OUTCOMES[4])


def inflation(traces: Traces, draws: int = 1000, seed: int = 0) -> dict[str, Difference]:
    """How much confidence and accuracy rose from PLM to PoLM, and by how much confidence rose more (claim 1 of [P]).

    Returns
    -------
    dict
        ``confidence``, ``accuracy`` and ``inflation`` (the first less the second): means over the questions, in
        probability, each with a 95 % bootstrap interval over questions.
    """
    (c_g, a_g), (c_f, a_f) = (
        metrics.top_label(np.exp(drift.log_softmax_options(z)), traces.labels)
        for z in (traces.plm_final, traces.polm_final)
    )
    rises = {"confidence": c_f - c_g, "accuracy": a_f.astype(float) - a_g}
    rises["inflation"] = rises["confidence"] - rises["accuracy"]
    return {name: _mean(values, draws, seed) for name, values in rises.items()}


def reversal(traces: Traces) -> np.ndarray:
    """bool (N,): the PoLM chose an option that the PLM held less likely than a blind guess, 1/K."""
    g = np.exp(drift.log_softmax_options(traces.plm_final))
    chosen = g[np.arange(len(traces)), traces.polm_final.argmax(1)]
    return chosen < 1 / traces.n_options


def regime_contrast(values: np.ndarray, agree: np.ndarray, draws: int = 1000, seed: int = 0) -> Difference:
    """Median on disagreement less median on agreement, with a 95 % interval; NaN where either group is empty.

    Parameters
    ----------
    values : (N,) one number a question, the jump at the peak layer say
    agree : bool (N,)
    """
    values, rng = np.asarray(values, np.float64), np.random.default_rng(seed)
    a, d = values[agree], values[~np.asarray(agree)]
    if not (len(a) and len(d)):
        return Difference(np.nan, np.nan, np.nan)
    drawn = [np.median(rng.choice(d, (draws, len(d))), axis=1), np.median(rng.choice(a, (draws, len(a))), axis=1)]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    return Difference(float(np.median(d) - np.median(a)), float(low), float(high))


def of_pairs(pairs: Mapping[str, Traces], draws: int = 1000) -> pd.DataFrame:
    """One row a pair on one question set: what its post-training did.

    Returns
    -------
    DataFrame
        Indexed by pair: ``n``, ``agreement``, ``reversed`` (share, see `reversal`), a column for each share of
        `OUTCOMES`, ``confidence``, ``accuracy`` and ``inflation`` with ``_low`` and ``_high``, ``sharpening`` (mean
        rise of confidence where the answer stayed), ``jump`` with its interval (`regime_contrast` of the largest jump
        of the layer divergence, nats).
    """
    import pandas as pd

    rows = {name: _row(traces, draws) for name, traces in pairs.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("pair")


def _row(traces: Traces, draws: int) -> dict[str, float]:
    agree, found = drift.agreement(traces), outcomes(traces)
    row = {"n": len(traces), "agreement": agree.mean(), "reversed": reversal(traces).mean()}
    row |= {name: (found == name).mean() for name in OUTCOMES}
    g, f = (np.exp(drift.log_softmax_options(z)).max(1) for z in (traces.plm_final, traces.polm_final))
    row["sharpening"] = (f - g)[agree].mean() if agree.any() else np.nan
    measured = inflation(traces, draws) | {"jump": regime_contrast(largest_jump(traces), agree, draws)}
    for name, d in measured.items():
        row |= {name: d.value, f"{name}_low": d.low, f"{name}_high": d.high}
    return row


def by_regime(traces: Traces, draws: int = 1000) -> pd.DataFrame:
    """How calibrated the PLM is over all questions, where the PoLM agrees with it, and where it does not.

    Agreement is evidence that the answer is right, and the PLM's confidence has not seen it: so even a calibrated PLM
    is under-confident on agreement, and over-confident on disagreement by what makes up for it.

    Returns
    -------
    DataFrame
        Indexed by ``all``, ``agree`` and ``disagree``, less those without a question: ``n``; mean ``confidence`` and
        ``accuracy`` of the PLM; ``gap``, the first less the second, with ``gap_low`` and ``gap_high``, the 95 %
        bootstrap interval over questions.
    """
    import pandas as pd

    agree = drift.agreement(traces)
    confidence, right = metrics.top_label(np.exp(drift.log_softmax_options(traces.plm_final)), traces.labels)
    rows = {}
    for name, chosen in (("all", np.ones_like(agree)), ("agree", agree), ("disagree", ~agree)):
        if chosen.any():
            gap = _mean((confidence - right)[chosen], draws, 0)
            means = {"confidence": confidence[chosen].mean(), "accuracy": right[chosen].mean()}
            rows[name] = {"n": chosen.sum(), **means, "gap": gap.value, "gap_low": gap.low, "gap_high": gap.high}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("regime")


def largest_jump(traces: Traces) -> np.ndarray:
    """Change of the layer divergence at the peak layer, |d_l* - d_(l*-1)|, (N,) nats."""
    divergence, row = drift.layer_divergence(traces), np.arange(len(traces))
    layer = drift.peak_layer(divergence)
    return np.abs(divergence[row, layer - 1] - divergence[row, layer - 2])


def _mean(values: np.ndarray, draws: int, seed: int) -> Difference:
    return Difference(float(values.mean()), *metrics.interval(np.mean, values, draws=draws, seed=seed))
