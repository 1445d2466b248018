"""Summaries of the main comparison: settings, ranks, differences with intervals, and what a constant would score.

A *setting* is one pair on one question set in one prompt style. As in the ledger, pairs share questions and a PLM, so
the sets are the units: a difference is averaged over the pairs of a set, and tested over the sets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import ledger, protocol
from .experiments.table import frame

if TYPE_CHECKING:
    import pandas as pd

OURS = ledger.OURS
SETTING = ["pair", "style", "set"]
ORACLE = "temperature-scaling"  # sees labels
CONSTANTS = ("constant", "constant (labels)")  # rows of `constant`
CHANCE_MARGIN = 0.10  # accuracy above chance that a PLM worth copying has, as the lab asks of its pairs


def by_setting(table: pd.DataFrame, metric: str = "ece", statistic: str = "mean") -> pd.DataFrame:
    """A metric on held-out questions over the splits of each setting.

    Parameters
    ----------
    table : rows of the experiment `main`, as `experiments.load` returns them
    metric : any that has a row a split
    statistic : of the splits, "mean" or "std" (the spread)

    Returns
    -------
    DataFrame
        A row a setting (`SETTING`), a column a method. NaN where the method did not take every split: its mean would be
        over other questions.

    Raises
    ------
    ValueError
        Where the table holds no row of the metric.
    """
    rows = table[(table.experiment == "main") & (table.metric == metric) & (table.seed >= 0)]
    if rows.empty:
        held = ", ".join(sorted(table[(table.experiment == "main") & (table.seed >= 0)].metric.unique()))
        raise ValueError(f"metric {metric!r} has no row a split in the main comparison; it holds {held or 'nothing'}")
    splits = rows.groupby([*SETTING, "method"])["value"]
    most = splits.count().groupby(SETTING).transform("max")
    return splits.agg(statistic).where(splits.count() == most).unstack("method")


def difference(wide: pd.DataFrame, rivals: Iterable[str], ours: str = OURS) -> pd.DataFrame:
    """Of `by_setting`: one method less each rival, tested over the sets.

    Returns
    -------
    DataFrame
        A row a rival: `value`, `low`, `high` (95 %, Student's t over the sets, as in the ledger), `p` of the same test
        and `p_holm`, corrected over these rivals; `sets`. NaN where there are fewer than two sets.
    """
    import pandas as pd
    from scipy import stats

    found = {}
    for rival in rivals:
        values = (wide[ours] - wide[rival]).dropna().rename("value").reset_index()
        value, low, high, sets = ledger.over_sets(values)
        means = values.groupby("set")["value"].mean()
        p = float(stats.ttest_1samp(means, 0).pvalue) if sets > 1 else math.nan
        found[rival] = {"value": value, "low": low, "high": high, "p": p, "sets": sets}
    out = pd.DataFrame(found).T
    return out.assign(p_holm=protocol.holm(out["p"]), sets=out["sets"].astype(int))


def against(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """Dual-Align less each rival, setting by setting, by the paired bootstrap over questions.

    Returns
    -------
    DataFrame
        A row a rival and setting: `rival`, `SETTING`, `value`, `low`, `high` (95 %), `p`, and `p_holm`, corrected over
        the settings of the same rival: one family a rival. (With R resamples no p-value lies below 2 / (1 + R), so a
        family of all rivals and settings could find nothing at R = 10,000.)

    Raises
    ------
    ValueError
        Where the table holds no such differences.
    """
    rows = table[(table.experiment == "main") & (table.seed == -1) & (table.method == OURS)]
    wide = paired(rows, quantity, ["reading", *SETTING]).rename_axis(index={"reading": "rival"})
    return wide.assign(p_holm=wide.groupby("rival")["p"].transform(protocol.holm)).reset_index()


_ENDS = {"value": "", "low": "_low", "high": "_high", "p": "_p"}


def paired(rows: pd.DataFrame, quantity: str, index: list[str]) -> pd.DataFrame:
    """Arrange rows of ``ece_minus``, ``ece_minus_low``, ... as `value`, `low`, `high` and `p`, a row an index.

    Raises
    ------
    ValueError
        Where there is no such row.
    """
    names = {f"{quantity}_minus{end}": name for name, end in _ENDS.items()}
    found = rows[rows.metric.isin(names)]
    if found.empty:
        where = ", ".join(rows.experiment.unique()) or "table"
        raise ValueError(f"no differences of {quantity!r} in the {where}; there are {', '.join(protocol.QUANTITIES)}")
    wide = found.pivot(index=index, columns="metric", values="value").rename(columns=names)
    return wide.reindex(columns=list(_ENDS)).rename_axis(columns=None)


def verdict(low: float, high: float) -> str:
    """What an interval of a difference of errors, ours less a rival's, says of ours."""
    return "beats" if high < 0 else "loses to" if low > 0 else "cannot be told apart from"


def tally(differences: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Of `against`: in how many settings a rival was beaten or was better, after Holm's correction, and had a lower or
    higher value at all; a row a rival."""
    found = differences["p_holm"] <= level
    counts = {
        "lower": differences["value"] < 0,
        "lower, Holm": found & (differences["value"] < 0),
        "higher, Holm": found & (differences["value"] > 0),
        "higher": differences["value"] > 0,
    }
    out = differences[["rival"]].assign(**counts).groupby("rival").sum()
    return out.assign(settings=differences.groupby("rival").size())


def ranks(wide: pd.DataFrame, leave_out: Iterable[str] = (ORACLE, "plm")) -> pd.DataFrame:
    """Rank the methods of `by_setting` within each setting, 1 the smallest; ties share their mean rank.

    Returns
    -------
    DataFrame
        A row a method that is not left out: `rank` (mean over the settings), `best` (settings in which it is first),
        `settings`.
    """
    import pandas as pd

    left = wide.drop(columns=[name for name in leave_out if name in wide])
    within = left.rank(axis=1)
    return pd.DataFrame({"rank": within.mean(), "best": (within == 1).sum(), "settings": within.count()})


def premise(table: pd.DataFrame) -> pd.DataFrame:
    """The PLM of each setting on all questions: does it know anything, and is it calibrated?

    Returns
    -------
    DataFrame
        A row a setting: `above_chance`, `gap` (mean confidence less accuracy), `ece`, `floor`, and `holds`: at least
        `CHANCE_MARGIN` above chance, and an ECE within `ledger.CALIBRATED` of its floor.
    """
    rows = table[(table.experiment == "main") & (table.seed == -1) & table.method.isin(["plm", ""])]
    rows = rows[rows.metric.isin(["accuracy", "confidence", "ece", "ece_floor", "chance"])]
    wide = rows.pivot_table(index=SETTING, columns="metric", values="value").rename_axis(columns=None)
    out = wide.assign(above_chance=wide.accuracy - wide.chance, gap=wide.confidence - wide.accuracy)
    out = out.rename(columns={"ece_floor": "floor"})
    holds = (out.above_chance >= CHANCE_MARGIN) & (out.ece - out.floor <= ledger.CALIBRATED)
    return out[["above_chance", "gap", "ece", "floor"]].assign(holds=holds)


def constant(table: pd.DataFrame) -> pd.DataFrame:
    """What two models that are equally sure of every answer would score on the same splits: a warning.

    `constant` gives every answer the mean confidence of the PLM over the questions to fit on, and needs no label;
    `constant (labels)` gives the accuracy of the PoLM there. Both follow from the table: the mean over the questions
    to fit on is that over all, less that over the test questions.

    Returns
    -------
    DataFrame
        Rows like those of `table`, a metric each: `confidence`, `accuracy`, `ece`, `ece_floor`, `top_label_brier`,
        `auroc`, `aurc`.
    """
    import pandas as pd

    main = table[table.experiment == "main"]
    right = _means(main, "vanilla", "polm", "accuracy")
    guesses = dict(zip(CONSTANTS, (_means(main, "plm", "plm", "confidence").fit, right.fit), strict=True))
    found = []
    for name, guess in guesses.items():
        guess = guess.reindex(right.index)  # what follows goes by position
        scores = {
            "confidence": guess,
            "accuracy": right.test,
            "ece": (guess - right.test).abs(),  # one bin holds every answer
            "ece_floor": _mean_deviation(guess, right.n_test),
            "top_label_brier": right.test * (1 - guess) ** 2 + (1 - right.test) * guess**2,
            "auroc": 0.5 + 0 * guess,
            "aurc": 1 - right.test,
        }
        wide = pd.DataFrame(scores).set_index(right.n_test.rename("n"), append=True).rename_axis(columns="metric")
        found.append(wide.stack().rename("value").reset_index().assign(method=name, experiment="main"))
    return frame(pd.concat(found).to_dict("records"))


def _means(table: pd.DataFrame, method: str, model: str, metric: str) -> pd.DataFrame:
    """Means of one metric over test and fit questions, a row a setting and seed."""
    rows = table[table.metric == metric].set_index([*SETTING, "seed"])
    of_all = rows.index.get_level_values("seed") == -1
    test = rows[(rows.method == method) & ~of_all][["value", "n"]].rename(columns={"value": "test", "n": "n_test"})
    both = test.join(rows[(rows.method == model) & of_all].droplevel("seed")[["value", "n"]])
    fit = (both.value * both.n - both.test * both.n_test) / (both.n - both.n_test)
    return both[["test", "n_test"]].assign(fit=fit)


def _mean_deviation(chance: pd.Series, n: pd.Series) -> pd.Series:
    """Mean absolute difference between a share of n and its chance (de Moivre): the floor where one bin holds all."""
    from scipy import stats

    above = (n * chance).astype(int) + 1
    return 2 * above * (1 - chance) * stats.binom.pmf(above, n, chance) / n
