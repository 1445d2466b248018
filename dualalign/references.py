"""One PoLM with several references: traces joined, signs without labels, and the parts of a temperature's error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import drift, metrics
from .calibrators import DACA, TemperatureScaling
from .calibrators.search import T_MAX, T_MIN
from .metrics import Difference

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

# What a reference shows without labels -> whether more of it is taken for better.
SIGNS = {"agreement": True, "plm_confidence": True, "divergence": False}
FORCES = ("matching", "own", "selection", "dropping", "oracle")


def joined(plm_from: Traces, polm_from: Traces) -> Traces:
    """Return traces of the PLM of one file and the PoLM of another, on the questions that both hold.

    Parameters
    ----------
    plm_from, polm_from : traces of the same questions in the same order of options; ids are unique in each. Rows stand
        in the order of `polm_from`.

    Raises
    ------
    ValueError
        Where no question is shared, an id stands twice, or a shared question has another label or number of options.
    """
    for name, traces in (("plm_from", plm_from), ("polm_from", polm_from)):
        if len(set(traces.question_ids)) < len(traces):
            raise ValueError(f"{name} holds a question twice; join traces in which each id stands once")
        if traces.order is not None:
            raise ValueError(f"{name} has permuted options; join traces in their original order")
    row = {question: i for i, question in enumerate(plm_from.question_ids)}
    kept = [i for i, question in enumerate(polm_from.question_ids) if question in row]
    if not kept:
        raise ValueError("plm_from and polm_from share no question; join traces of the same set")
    g, f = plm_from.select([row[polm_from.question_ids[i]] for i in kept]), polm_from.select(kept)
    for field in ("labels", "n_options"):
        differ = np.flatnonzero(getattr(g, field) != getattr(f, field))
        if len(differ):
            raise ValueError(f"{field} differ for question {f.question_ids[differ[0]]!r}; join traces of the same set")
    width = f.mask.shape[1]
    plm = g.plm_logits[:, :, :width]  # beyond it there is padding only
    plm = np.pad(plm, [(0, 0), (0, 0), (0, width - plm.shape[2])], constant_values=-np.inf)
    return replace(f, plm_logits=plm, metadata=f.metadata | {"plm": g.metadata.get("plm", "")})


def signs(traces: Traces) -> dict[str, float]:
    """What a reference shows without labels: `agreement` with the PoLM, mean `plm_confidence`, mean final `divergence`
    (nats)."""
    confidence = np.exp(drift.log_softmax_options(traces.plm_final)).max(axis=1)
    return {
        "agreement": float(drift.agreement(traces).mean()),
        "plm_confidence": float(confidence.mean()),
        "divergence": float(drift.final_divergence(traces).mean()),
    }


def chosen(found: pd.DataFrame) -> pd.DataFrame:
    """Which of two references each sign would choose, and what the choice costs.

    Parameters
    ----------
    found : DataFrame
        Two rows a case (a set and split, say), one a reference. Index: the case's columns, last ``reference``. Columns:
        those of `SIGNS`, and ``ece``, the error that a method makes with the reference.

    Returns
    -------
    DataFrame
        Indexed by case and ``rule``: each sign, ``always`` each reference, and ``best`` (which saw labels);
        ``reference`` chosen, its ``ece`` and ``regret``, the ECE above that of the better reference. Ties go to the
        first reference.
    """
    import pandas as pd

    rows = []
    for case, part in found.groupby(level=list(range(found.index.nlevels - 1)), sort=False):
        part = part.droplevel(list(range(part.index.nlevels - 1)))
        rules = {sign: part[sign].idxmax() if more else part[sign].idxmin() for sign, more in SIGNS.items()}
        rules |= {f"always {name}": name for name in part.index} | {"best": part["ece"].idxmin()}
        case = case if isinstance(case, tuple) else (case,)
        for rule, name in rules.items():
            rows.append((*case, rule, name, part["ece"][name], part["ece"][name] - part["ece"].min()))
    names = [*found.index.names[:-1], "rule"]
    return pd.DataFrame(rows, columns=[*names, "reference", "ece", "regret"]).set_index(names)


def temperature_for(logits: np.ndarray, target: float) -> float:
    """Return the T at which the mean confidence of logits (N, K) is `target`; inf or 0 where none in 0.01..100 is.

    The mean confidence falls as T grows, from 1 (without ties) to the mean of 1/K.
    """
    from scipy.optimize import brentq

    def gap(log_t: float) -> float:
        return float(np.exp(drift.log_softmax_options(logits, math.exp(log_t))).max(axis=1).mean()) - target

    low, high = math.log(T_MIN), math.log(T_MAX)
    if gap(high) > 0:
        return math.inf
    return math.exp(brentq(gap, low, high, xtol=1e-10)) if gap(low) > 0 else 0.0


def forces(traces: Traces) -> dict[str, float]:
    """Take DACA's error apart: ln(T of DACA / T of the oracle) as a sum of five steps, on labelled traces.

    Each step goes from one temperature to the next, ln T_before - ln T_after; A are the agreeing questions, and a
    temperature "for" a value is the one at which the PoLM's mean confidence has it:

    - ``matching``: DACA's -> for the PLM's mean confidence on A (a KL is not a mean confidence);
    - ``own``: -> for the same less the PLM's gap over all questions (the reference's own miscalibration);
    - ``selection``: -> for the accuracy on A (agreement is evidence that the PLM's confidence has not seen);
    - ``dropping``: -> for the accuracy on all questions, on all questions (disagreements come back);
    - ``oracle``: -> the oracle's (a log loss is not a mean confidence).

    Returns
    -------
    dict
        `FORCES` and their sum ``total``; ``gap``, ``gap_agree``: mean confidence of the PLM less its accuracy on all
        questions and on A. NaN in every force where one of the temperatures is 0 or infinite.
    """
    agree = drift.agreement(traces)
    confidence, right = metrics.top_label(np.exp(drift.log_softmax_options(traces.plm_final)), traces.labels)
    gap = float((confidence - right).mean())
    out = {"gap": gap, "gap_agree": float((confidence - right)[agree].mean()) if agree.any() else math.nan}
    if not agree.any():
        return out | dict.fromkeys((*FORCES, "total"), math.nan)
    z, all_right = traces.polm_final, float((traces.polm_final.argmax(axis=1) == traces.labels).mean())
    copied = float(confidence[agree].mean())
    targets = (copied, copied - gap, float(right[agree].mean()))
    steps = [DACA().fit(traces).temperature_, *(temperature_for(z[agree], target) for target in targets)]
    steps += [temperature_for(z, all_right), TemperatureScaling().fit(traces).temperature_]
    finite = all(0 < t < math.inf for t in steps)
    logs = np.log(steps) if finite else np.full(len(steps), math.nan)
    return out | dict(zip(FORCES, (-np.diff(logs)).tolist(), strict=True)) | {"total": float(logs[0] - logs[-1])}


def forces_with_intervals(traces: Traces, draws: int = 200, seed: int = 0) -> Mapping[str, Difference]:
    """`forces` with a 95 % bootstrap interval each (basic, as `metrics.interval`) over questions.

    Resamples with a temperature that is 0 or infinite have no forces and do not count; NaN where more than one in
    twenty has none.
    """
    values, rng = forces(traces), np.random.default_rng(seed)
    drawn = [forces(traces.select(rng.integers(0, len(traces), len(traces)))) for _ in range(draws)]
    out = {}
    for name, value in values.items():
        found = np.array([one[name] for one in drawn])
        known = found[~np.isnan(found)]
        enough = len(known) >= 0.95 * draws and not math.isnan(value)
        low, high = np.quantile(known, [0.025, 0.975]) if enough else (math.nan, math.nan)
        out[name] = Difference(value, float(2 * value - high), float(2 * value - low))
    return out
