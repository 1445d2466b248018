"""Does a temperature travel? Summaries of the experiment `transfer`. Pure functions of its table.

Fitted on one set (the source), judged on the held-out questions of another (the target). Both sets of an ordered pair
enter many others, so intervals leave out whole sets, and tests exchange whole sets.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import protocol
from .results import paired

if TYPE_CHECKING:
    import pandas as pd

ALL, EACH = "one-for-all", "one-per-subject"
_FROM = "from="


class Mean(NamedTuple):
    """A mean over ordered pairs of sets, its 95 % interval and p-value."""

    value: float
    low: float
    high: float
    p: float


def matrix(table: pd.DataFrame, method: str, metric: str = "ece", statistic: str = "mean") -> pd.DataFrame:
    """A metric of one method over the splits: fitted on the row's set, judged on the column's.

    Raises
    ------
    ValueError
        Where the method was not carried, or refused a set.
    """
    rows = table[(table.experiment == "transfer") & (table.method == method) & (table.metric == metric)]
    rows = rows[rows.reading.str.startswith(_FROM)]
    if rows.empty:
        raise ValueError(f"no {metric} of method {method!r} between sets in the table")
    source = rows.reading.str.removeprefix(_FROM).rename("source")
    wide = rows.groupby([source, rows["set"].rename("target")])["value"].agg(statistic).unstack()
    if wide.isna().to_numpy().any() or list(wide.index) != list(wide.columns):
        raise ValueError(f"method {method!r} was not fitted on every set")
    return wide


def own(table: pd.DataFrame, method: str, metric: str = "ece", statistic: str = "mean") -> pd.Series:
    """A metric of one method fitted and judged on the same set (on different questions), by set."""
    import pandas as pd

    wide = matrix(table, method, metric, statistic)
    return pd.Series(np.diag(wide), wide.index, name=method)


def excess(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """ECE of the carried temperature less that of the target's own fit by the same method; the diagonal is 0."""
    wide = matrix(table, method)
    return wide - np.diag(wide)


def over_pairs(values: pd.DataFrame) -> Mean:
    """Average a matrix over its ordered pairs of different sets; the interval is the jackknife's, by sets.

    Leaving out a set takes its row and its column. Student's t with one degree of freedom less than there are sets.
    The jackknife of such means errs on the wide side (Efron and Stein 1981).

    Raises
    ------
    ValueError
        For fewer than three sets, or a matrix that is not square.
    """
    from scipy import stats

    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if x.shape != (n, n) or n < 3:
        raise ValueError(f"values has shape {x.shape}; give a square matrix of at least three sets")
    value = _off_diagonal(x).mean()
    left = np.array([_off_diagonal(np.delete(np.delete(x, i, 0), i, 1)).mean() for i in range(n)])
    error = math.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, n - 1) * error
    p = 2 * stats.t.sf(abs(value) / error, n - 1) if error else float(value == 0)
    return Mean(float(value), float(value - half), float(value + half), float(p))


def _off_diagonal(x: np.ndarray) -> np.ndarray:
    return x[~np.eye(len(x), dtype=bool)]


def distance(temperatures: pd.Series) -> pd.DataFrame:
    """|1/T - 1/T'| between sets: 1/T multiplies the logits, and an infinite T is no special case."""
    import pandas as pd

    beta = 1 / temperatures.to_numpy(float)
    return pd.DataFrame(np.abs(beta[:, None] - beta), temperatures.index, temperatures.index)


def mantel(first: pd.DataFrame, second: pd.DataFrame) -> tuple[float, float]:
    """Rank correlation of two matrices off their diagonals, and its one-sided exact p-value (Mantel 1967).

    The entries of a matrix are not independent. So whole sets are exchanged, rows and columns together, in every
    order; p is the share of orders with at least this correlation.

    Raises
    ------
    ValueError
        For more than eight sets, or different ones.
    """
    from scipy import stats

    if list(first.index) != list(second.index):
        raise ValueError("the two matrices are of different sets")
    n = len(first)
    if n > 8:
        raise ValueError(f"{n} sets have too many orders; give at most eight")
    off = ~np.eye(n, dtype=bool)
    ranks = stats.rankdata(first.to_numpy()[off])
    places = np.zeros((n, n))
    places[off] = stats.rankdata(second.to_numpy()[off])
    orders = np.array(list(permutations(range(n))))
    exchanged = places[orders[:, :, None], orders[:, None, :]][:, off]
    centred = exchanged - exchanged.mean(axis=1, keepdims=True)
    found = centred @ (ranks - ranks.mean()) / np.sqrt((centred[0] ** 2).sum() * ((ranks - ranks.mean()) ** 2).sum())
    return float(found[0]), float((found >= found[0] - 1e-12).mean())


def own_less_carried(table: pd.DataFrame, ours: str, theirs: str) -> pd.DataFrame:
    """ECE of `ours` fitted on the target (column) less that of `theirs` fitted on the row's set."""
    carried = matrix(table, theirs)
    return -carried + own(table, ours).loc[carried.columns].to_numpy()


def wins(table: pd.DataFrame, ours: str, theirs: str, holds: pd.Series) -> dict[str, tuple[int, int]]:
    """Count the foreign temperatures of `theirs` that give a larger ECE than `ours` on the target's own questions.

    Parameters
    ----------
    holds : by set, whether the premise holds there

    Returns
    -------
    dict
        ``holds``, ``fails``: how many of them, of how many, over the targets of each kind.
    """
    less, n = own_less_carried(table, ours, theirs), len(holds)
    won = ((less < 0) & ~np.eye(n, dtype=bool)).sum()
    groups = {"holds": holds.loc[won.index], "fails": ~holds.loc[won.index]}
    return {name: (int(won[chosen].sum()), int(chosen.sum()) * (n - 1)) for name, chosen in groups.items()}


def subjects(table: pd.DataFrame) -> pd.DataFrame:
    """One temperature a subject against one for all, by method.

    Returns
    -------
    DataFrame
        A row a (method, reading): means over splits of `ece` and its `floor` on all questions together, and of
        `subject_ece`, averaged over subjects, and its `subject_floor`; and `spread`, the standard deviation of `ece`
        over the splits.
    """
    rows = table[(table.experiment == "transfer") & table.reading.isin([ALL, EACH]) & (table.seed >= 0)]
    names = {"ece": "ece", "ece_floor": "floor", "subject_ece": "subject_ece", "subject_ece_floor": "subject_floor"}
    groups = rows[rows.metric.isin(names)].groupby(["method", "reading", "metric"])["value"]
    wide = groups.mean().unstack("metric")[list(names)].rename(columns=names).rename_axis(columns=None)
    return wide.assign(spread=groups.std().xs("ece", level="metric"))


def each_less_all(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """One temperature a subject less one for all, all questions together, by the paired bootstrap over questions.

    Returns
    -------
    DataFrame
        A row a method: `value`, `low`, `high` (95 %), `p`, and `p_holm`, corrected over the methods.
    """
    rows = table[(table.experiment == "transfer") & (table.reading == EACH) & (table.seed == -1)]
    wide = paired(rows[rows.method != "vanilla"], quantity, ["method"])
    return wide.assign(p_holm=protocol.holm(wide["p"]))


def subject_temperatures(table: pd.DataFrame) -> pd.DataFrame:
    """Temperatures of single subjects, all splits together, by method.

    Returns
    -------
    DataFrame
        `low`, `median`, `high` (quartiles), the `infinite` share, and `questions`, the median number fitted on.
    """
    rows = table[(table.experiment == "transfer") & table.reading.str.startswith("subject=")]
    rows = rows[(rows.metric == "temperature") & (rows.method != "vanilla")]
    groups = rows.groupby("method")["value"]
    shares = {"low": 0.25, "median": 0.5, "high": 0.75}
    found = {name: groups.agg(lambda v, q=q: np.quantile(v, q, method="nearest")) for name, q in shares.items()}
    found["infinite"] = groups.agg(lambda v: np.isinf(v).mean())
    found["questions"] = rows.groupby("method")["n"].median()
    return groups.size().to_frame("fits").assign(**found).drop(columns="fits")
