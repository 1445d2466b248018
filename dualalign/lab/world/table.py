"""From a run to rows: each seed's PLM, each pair, each layer, and each method's temperature beside the true one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ... import drift
from ...calibrators import METHODS, PLAIN_METHODS, BaseCal, Calibrator
from . import measure
from .run import Run, beliefs
from .studies import STUDIES, Study

if TYPE_CHECKING:
    import pandas as pd

    from ...traces import Traces

KEY_KINDS = ("told", "reversed", "plain")


def seed_row(run: Run) -> dict[str, float]:
    """How near a seed's PLM is to the exact posterior on its held-out questions, and what the seed cost.

    ``error`` mean absolute probability; ``belief_error`` the same of the predicted option alone; ``calibration_error``;
    ``loss`` and ``least_loss`` exact, in nats; ``seconds_plm``, ``seconds`` processor time.
    """
    pi, p = run.pi["told-0"], beliefs(run.plm["told-0"])
    confidence, chance = p.max(axis=1), measure.chance_of(p.argmax(axis=1), pi)
    return {
        "seed": run.seed,
        "error": float(np.abs(p - pi).mean()),
        "belief_error": float(np.abs(confidence - chance).mean()),
        "calibration_error": measure.calibration_error(confidence, chance),
        "loss": measure.exact_loss(np.log(p), pi),
        "least_loss": measure.exact_loss(np.log(pi), pi),
        "accuracy": float(chance.mean()),
        "best_accuracy": float(pi.max(axis=1).mean()),
        "seconds_plm": run.seconds["plm"],
        "seconds": sum(run.seconds.values()),
    }


def pair_row(run: Run, study: Study) -> dict[str, float | str | bool]:
    """A pair against the truth: exact accuracy, mean confidence, exact errors of both models, and the true optima."""
    traces, pi = run.traces(study), run.pi[study.questions]
    row = {"seed": run.seed, "study": study.name, "premise": study.premise}
    for name, z in (("plm", traces.plm_final), ("polm", traces.polm_final)):
        p = np.exp(drift.log_softmax_options(z))
        chance = measure.chance_of(z.argmax(axis=1), pi)
        row |= {f"accuracy_{name}": float(chance.mean()), f"confidence_{name}": float(p.max(axis=1).mean())}
        row |= {f"calibration_error_{name}": measure.calibration_error(p.max(axis=1), chance)}
        row |= {f"error_{name}": float(np.abs(p - pi).mean())}
    best = measure.true_optimum(traces.polm_final, pi)
    return row | {
        "best_accuracy": float(pi.max(axis=1).mean()),
        "agreement": float(drift.agreement(traces).mean()),
        "t_true": best.temperature,
        "loss_true": best.objective,
        "t_calibration": measure.calibration_optimum(traces.polm_final, pi),
        "seconds": run.seconds[study.trained],
    }


def layer_rows(run: Run, study: Study) -> Iterator[dict[str, float | str]]:
    """Median layer divergence, in nats, and its quartiles, where the models agree and where they do not."""
    traces = run.traces(study)
    divergence, agree = drift.layer_divergence(traces), drift.agreement(traces)
    for regime, rows in (("agree", agree), ("disagree", ~agree)):
        if rows.any():
            for layer, (low, median, high) in enumerate(np.quantile(divergence[rows], [0.25, 0.5, 0.75], axis=0).T, 1):
                where = {"seed": run.seed, "study": study.name, "regime": regime, "layer": layer, "n": int(rows.sum())}
                yield where | {"median": median, "low": low, "high": high}


def method_rows(run: Run, study: Study) -> Iterator[dict[str, float | str]]:
    """Every method, fitted on the questions asked without their labels (but temperature-scaling), judged exactly.

    ``temperature`` is NaN for a method that has none; ``regret`` is the exact log loss less that of the true
    temperature, in nats; ``bias`` is mean confidence less mean chance of being right, above 0 where over-confident, and
    stands also for each kind of key and for agreement and disagreement.
    """
    traces, pi = run.traces(study), run.pi[study.questions]
    least = measure.true_optimum(traces.polm_final, pi).objective
    agree, kinds = drift.agreement(traces), np.array(traces.groups)
    parts = {"agree": agree, "disagree": ~agree} | {kind: kinds == kind for kind in KEY_KINDS}
    for name in PLAIN_METHODS:
        fitted = METHODS[name]().fit(traces)
        confidence, chance = fitted.confidence(traces), measure.chance_of(fitted.prediction(traces), pi)
        yield {
            "seed": run.seed,
            "study": study.name,
            "method": name,
            "temperature": fitted.temperature_ if fitted.has_temperature else math.nan,
            "calibration_error": measure.calibration_error(confidence, chance),
            "belief_error": float(np.abs(confidence - chance).mean()),
            "regret": _loss(fitted, traces, pi) - least,
            "bias": float((confidence - chance).mean()),
            **{f"bias_{part}": _mean((confidence - chance)[rows]) for part, rows in parts.items()},
            "reason": fitted.reason_,
        }


def _loss(fitted: Calibrator, traces: Traces, pi: np.ndarray) -> float:
    if isinstance(fitted, BaseCal):
        return math.nan
    if not fitted.has_temperature:
        return measure.exact_loss(np.log(fitted.predict_proba(traces)), pi)
    return measure.exact_loss(drift.log_softmax_options(traces.polm_final, fitted.temperature_), pi)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan


def rows_of(run: Run) -> dict[str, list[dict]]:
    """All four tables' rows of one seed: seeds, pairs, layers, methods."""
    studies = STUDIES.values()
    return {
        "seeds": [seed_row(run)],
        "pairs": [pair_row(run, study) for study in studies],
        "layers": [row for study in studies for row in layer_rows(run, study)],
        "methods": [row for study in studies for row in method_rows(run, study)],
    }


def against_truth(methods: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Every method's temperature over the true one, summarised over the seeds.

    Returns
    -------
    DataFrame
        A row a (study, method) that has a temperature: ``ratio`` the geometric mean of T / T* over the seeds whose T is
        finite, ``low`` and ``high`` its 95 % interval (Student's t, in the logarithm), ``least`` and ``most`` the
        extremes of T / T*, ``finite`` how many seeds are finite, of ``seeds``; and means over the seeds of
        ``calibration_error``, ``regret`` and ``bias``.
    """
    joined = methods.dropna(subset="temperature").merge(
        pairs[["seed", "study", "premise", "t_true"]], on=["seed", "study"]
    )
    joined["log_ratio"] = np.log(joined["temperature"] / joined["t_true"])
    groups = joined.groupby(["study", "method"], sort=False)
    means = groups[["calibration_error", "regret", "bias"]].mean()
    means = groups.agg(premise=("premise", "first"), seeds=("seed", "size")).join(means)
    return groups["log_ratio"].apply(_ratio).unstack().join(means).reset_index()


def _ratio(log_ratio: pd.Series) -> pd.Series:
    import pandas as pd
    from scipy import stats

    known = log_ratio[np.isfinite(log_ratio)]
    half = stats.t.ppf(0.975, len(known) - 1) * known.std() / math.sqrt(len(known)) if len(known) > 1 else math.nan
    ends = {"ratio": known.mean(), "low": known.mean() - half, "high": known.mean() + half}
    ends |= {"least": log_ratio.min(), "most": log_ratio.max()}
    return pd.Series({name: math.exp(value) for name, value in ends.items()} | {"finite": len(known)})
