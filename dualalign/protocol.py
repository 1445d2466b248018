"""How methods are compared: repeated splits by question, fitted on one side, judged on the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import drift, metrics
from .calibrators import METHODS, PLAIN_METHODS, BaseCal, Calibrator

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces

DEFAULT_METHODS = PLAIN_METHODS


QUANTITIES = ("ece", "brier", "nll")  # what `bootstrap` resamples
_DRAWS_AT_ONCE = 500


class Answers(NamedTuple):
    """What a method says of questions: ids (N,), and probabilities (N, K) with labels (N,), or, where it has none
    (BaseCal), confidences (N,) with whether the prediction was right (N,)."""

    questions: Sequence[str]
    values: np.ndarray
    outcomes: np.ndarray


class Comparison(NamedTuple):
    """A difference (first less second), its confidence interval, and the two-sided p-value that goes with it."""

    value: float
    low: float
    high: float
    p: float


_KEPT = 1e-9  # share of probability that keeps a prediction where the temperature is infinite


def answers(calibrator: Calibrator, traces: Traces) -> Answers:
    """What a fitted method says of labelled traces."""
    if isinstance(calibrator, BaseCal):
        right = calibrator.prediction(traces) == traces.labels
        return Answers(traces.question_ids, calibrator.confidence(traces), right)
    if np.isinf(calibrator.temperature_):
        return at_temperature(traces, np.inf)
    return Answers(traces.question_ids, calibrator.predict_proba(traces), traces.labels)


def at_temperature(traces: Traces, temperature: float) -> Answers:
    """What the PoLM says of labelled traces at a temperature.

    No temperature changes a prediction, but an infinite one makes all options alike, and the first would be taken for
    it: so the PoLM's own option gets 1e-9 more than its share there.
    """
    proba = np.exp(drift.log_softmax_options(traces.polm_final, temperature))
    if np.isinf(temperature):
        own = np.eye(proba.shape[1])[traces.polm_final.argmax(axis=1)]
        proba = (1 - _KEPT) * proba + _KEPT * own
    return Answers(traces.question_ids, proba, traces.labels)


def measure(found: Answers, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """Every metric of answers; ECE beside its noise floor and a 95 % bootstrap interval.

    Without probabilities there is no proper score over options: `brier` and `nll` are NaN.
    """
    _, values, outcomes = found
    row = {"brier": np.nan, "nll": np.nan} | metrics.summary(values, outcomes, draws=draws, seed=seed)
    low, high = row.pop("ece_interval")
    return row | {"ece_low": low, "ece_high": high, "aurc": metrics.aurc(*_top_label(values, outcomes))}


def judge(calibrator: Calibrator, traces: Traces, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """What `measure` returns of a fitted method on labelled traces."""
    return measure(answers(calibrator, traces), draws, seed)


def compare(
    traces: Traces,
    methods: Iterable[str] | Mapping[str, Calibrator] = DEFAULT_METHODS,
    fraction: float = 0.3,
    seeds: Iterable[int] = range(5),
    draws: int = 1000,
) -> pd.DataFrame:
    """Fit every method on a share of the questions and judge it on the others, once a seed.

    Parameters
    ----------
    traces : Traces, all labelled (labels enter no fit but that of `temperature-scaling`)
    methods : names in `METHODS`, or a mapping of names to unfitted calibrators
    fraction : share of the questions to fit on; 0.3 after [D] (arXiv:2505.16690)
    seeds : one split each, the same for every method, so that differences are paired
    draws : of each noise floor and bootstrap interval

    Returns
    -------
    DataFrame
        One row a (method, seed): temperature, n_fit, reason, and what `judge` returns.
    """
    import pandas as pd

    named = methods if isinstance(methods, Mapping) else {name: METHODS[name]() for name in methods}
    rows = []
    for seed, (fit, test) in enumerate_splits(traces, fraction, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for name, calibrator in named.items():
            calibrator.fit(fitting)
            found = {"temperature": calibrator.temperature_, "n_fit": calibrator.n_fit_, "reason": calibrator.reason_}
            rows.append({"method": name, "seed": seed} | found | judge(calibrator, testing, draws, seed))
    return pd.DataFrame(rows)


def both_models(sets: Mapping[str, Traces], draws: int = 1000) -> pd.DataFrame:
    """Judge the PLM and the PoLM as they come, on every labelled set.

    Returns
    -------
    DataFrame
        A row a (set, model): chance (mean of 1/K), agreement of the two models, and what `judge` returns. `ece_p` is
        the share of perfectly calibrated models of the same confidences with an ECE at least as high.
    """
    import pandas as pd

    rows = []
    for name, traces in sets.items():
        shared = {"chance": float((1 / traces.n_options).mean()), "agreement": float(drift.agreement(traces).mean())}
        for model, logits in (("PLM", traces.plm_final), ("PoLM", traces.polm_final)):
            proba = np.exp(drift.log_softmax_options(logits))
            judged = measure(Answers(traces.question_ids, proba, traces.labels), draws)
            rows.append({"set": name, "model": model} | shared | judged)
    return pd.DataFrame(rows)


def enumerate_splits(traces: Traces, fraction: float, seeds: Iterable[int]):
    """Yield (seed, (fit, test)) for labelled questions, stratified by group."""
    seeds = list(seeds)
    return zip(seeds, metrics.repeated_splits(traces.question_ids, traces.groups, fraction, seeds), strict=True)


def averaged(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """Average `compare` over seeds for `plots.plot_methods`.

    Returns
    -------
    DataFrame
        A row a method: ``value``, ``low``, ``high``, ``floor`` (means over the splits; the interval and the floor are
        known for the ECE only and NaN for other quantities), ``temperature`` (median) and ``spread``, the standard
        deviation of the value over the splits.
    """
    groups = table.groupby("method", sort=False)
    out = groups[quantity].agg(value="mean", spread="std")
    bounds = {"low": "ece_low", "high": "ece_high", "floor": "ece_floor"}
    for name, column in bounds.items():
        out[name] = groups[column].mean() if quantity == "ece" else np.nan
    out["temperature"] = groups["temperature"].median()
    return out.reset_index()


def bootstrap(
    methods: Mapping[str, Sequence[Answers]],
    quantities: Iterable[str] = QUANTITIES,
    bins: int = 10,
    draws: int = 10_000,
    seed: int = 0,
) -> dict[tuple[str, str], np.ndarray]:
    """Resample questions, not answers: the metrics of methods averaged over repeated splits, on the same resamples.

    A question stands on the test side of several splits; a resample holds it equally often in all of them, so that the
    splits are not taken for independent data. The fits stay as they are.

    Parameters
    ----------
    methods : for each method its answers to the test questions, one `Answers` a split, the same questions in each
    quantities : of `QUANTITIES`; a method without probabilities has only the first
    bins : of the ECE
    draws, seed : resamples of the questions, and their seed

    Returns
    -------
    dict
        (method, quantity): (1 + draws,), the questions as they are and then the resamples; to be compared by
        `difference`. NaN in the resamples where a right answer had no probability at all.

    Raises
    ------
    ValueError
        Where two methods answered different questions.
    """
    asked = _asked(methods)
    ids, owners = np.unique(np.concatenate(asked), return_inverse=True)
    owner = np.split(owners, np.cumsum([len(side) for side in asked])[:-1])
    sums = {
        (name, quantity): _sums(sides, quantity, owner, len(ids), bins)
        for name, sides in methods.items()
        for quantity in quantities
        if quantity == "ece" or np.ndim(sides[0].values) == 2
    }
    present = np.stack([np.bincount(rows, minlength=len(ids)) for rows in owner], axis=1).astype(np.float64)
    parts = [_resampled(counts, sums, present) for counts in _counts(len(ids), draws, seed)]
    return {key: np.concatenate([part[key] for part in parts]) for key in sums}


def difference(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Comparison:
    """Compare two results of one `bootstrap`: first less second, with percentiles of the resamples as interval.

    The p-value is the least 1 - level at which the interval leaves out 0; it is never below 2 / (1 + draws).
    A resample adds noise to both calibration errors, more to the smaller one. So where one method is close to its
    noise floor the interval is drawn towards 0, and may even leave out the value itself: it is made not to find what
    is not there. A basic interval, which `metrics.interval` takes for one method, would: of two temperatures with
    nearly the same error, one too low and one too high, it finds one better in 36 of 120 simulated data sets of 300
    questions, these percentiles in 6.
    """
    drawn = np.asarray(first) - np.asarray(second)
    value, drawn = float(drawn[0]), drawn[1:][~np.isnan(drawn[1:])]
    if not (np.isfinite(value) and len(drawn)):
        return Comparison(value, np.nan, np.nan, np.nan)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    tail = 1 + min((drawn <= 0).sum(), (drawn >= 0).sum())
    return Comparison(value, float(low), float(high), min(1.0, 2 * float(tail) / (1 + len(drawn))))


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjust p-values of one family of tests, so that the chance of a single false finding stays (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1, ..., and none falls below one before it. NaN (no test was
    made) is not counted and stays.
    """
    p = np.asarray(p, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(p))
    made = made[np.argsort(p[made], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[made] = np.minimum(1.0, np.maximum.accumulate(np.arange(len(made), 0, -1) * p[made]))
    return adjusted


def _top_label(values: np.ndarray, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return metrics.top_label(values, outcomes) if np.ndim(values) == 2 else (values, outcomes)


def _asked(methods: Mapping[str, Sequence[Answers]]) -> list[np.ndarray]:
    """The questions of each split, the same for every method."""
    (reference, sides), *others = methods.items()
    asked = [np.asarray(side.questions) for side in sides]
    for name, other in others:
        same = len(other) == len(asked) and all(
            np.array_equal(q, side.questions) for q, side in zip(asked, other, strict=True)
        )
        if not same:
            raise ValueError(f"{reference} and {name} answered different questions; compare on the same splits")
    return asked


def _sums(sides: Sequence[Answers], quantity: str, owner: list[np.ndarray], n: int, bins: int) -> np.ndarray:
    """What each question adds to each bin of each split, (n, splits, bins); a mean has one bin."""
    drift.one_of("quantity", quantity, QUANTITIES)
    sums = np.zeros((n, len(sides), bins if quantity == "ece" else 1))
    for split, ((_, values, outcomes), rows) in enumerate(zip(sides, owner, strict=True)):
        if quantity == "ece":
            confidence, right = _top_label(values, outcomes)
            np.add.at(sums[:, split], (rows, metrics.equal_width(confidence, bins)), right - confidence)
        else:
            by_row = getattr(metrics, quantity).rows(values[:, None], np.asarray(outcomes)[:, None])
            np.add.at(sums[:, split, 0], rows, by_row)
    return sums


def _counts(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """How often each question is drawn, (rows, n) at a time; the very first row holds each once."""
    rng = np.random.default_rng(seed)
    yield np.ones((1, n))
    for start in range(0, draws, _DRAWS_AT_ONCE):
        rows = min(_DRAWS_AT_ONCE, draws - start)
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _resampled(counts: np.ndarray, sums: dict, present: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """For every (method, quantity) the mean over splits of sum over bins |sum| / size, (rows,)."""
    sizes, out = counts @ present, {}
    for key, added in sums.items():
        if np.isfinite(added).all():
            by_bin = (counts @ added.reshape(len(added), -1)).reshape(len(counts), *added.shape[1:])
            with np.errstate(invalid="ignore"):  # a split without a question has no value
                out[key] = (np.abs(by_bin).sum(axis=2) / sizes).mean(axis=1)
        else:
            out[key] = np.full(len(counts), np.inf if (counts == 1).all() else np.nan)
    return out
