"""How many questions a fit needs: summaries of the experiment `size`. Pure functions of its table.

A *setting* is one pair on one question set. Its fit half holds N questions; n of them are drawn again and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from . import ledger, protocol, results
from .calibrators.search import T_MAX, T_MIN

if TYPE_CHECKING:
    import pandas as pd

SETTING = results.SETTING
NEAR = 0.10  # relative distance from the temperature of all questions that still counts as near it
SMALL = 0.5  # share of the half up to which draws count as different ones: larger ones hold mostly the same questions


def draws(table: pd.DataFrame) -> pd.DataFrame:
    """A row a fit.

    Parameters
    ----------
    table : rows of the experiment `size`, as `experiments.table.load` returns them

    Returns
    -------
    DataFrame
        `SETTING`, `method`, `n`, `seed`; `temperature`, `ece`, `n_fit` (questions that entered) and `refused`;
        `half`, the N of the setting, and of the same method's fit on all of them `t_all`, `ece_all`, `floor`.

    Raises
    ------
    ValueError
        Where the table holds no row of that experiment.
    """
    rows = table[table.experiment == "size"]
    if rows.empty:
        raise ValueError("the table holds no row of the experiment size; load it with experiments=['size']")
    keys = [*SETTING, "method", "n", "seed"]
    wide = rows.pivot(index=keys, columns="metric", values="value").rename_axis(columns=None).reset_index()
    wide["refused"] = wide["refused"] == 1 if "refused" in wide else False
    wide["half"] = wide.groupby(SETTING)["n"].transform("max")
    names = {"temperature": "t_all", "ece": "ece_all", "ece_floor": "floor"}
    of_all = wide[wide["n"] == wide["half"]][[*SETTING, "method", *names]].rename(columns=names)
    return wide.drop(columns="ece_floor").merge(of_all, on=[*SETTING, "method"])


def by_size(found: pd.DataFrame) -> pd.DataFrame:
    """Of `draws`: what the draws of each setting, method and n have in common; all of a half is left out.

    Returns
    -------
    DataFrame
        A row a (setting, method, n): shares of the draws that `refused`, that gave an `infinite` temperature, one at
        an `edge` of the search, or one `near` that of all questions (`NEAR`; a refusal is not); `spread`, the standard
        deviation of ln T (inf where a draw has an infinite one); `used`, the mean share of questions that entered;
        `ece`, `ece_all`, `cost` (their difference; over the draws that were not refused); `small`, whether n is at
        most `SMALL` of the half.
    """
    few = found[found["n"] < found["half"]]
    t, of_all = few["temperature"], few["t_all"]
    with np.errstate(invalid="ignore"):
        near = (t == of_all) | ((t / of_all - 1).abs() <= NEAR)
    marked = few.assign(
        infinite=np.isinf(t), edge=t.isin([T_MIN, T_MAX]), near=near & ~few["refused"], used=few["n_fit"] / few["n"]
    )
    groups = marked.groupby([*SETTING, "method", "n"])
    out = groups[["refused", "infinite", "edge", "near", "used", "ece", "ece_all", "half"]].mean()
    out["spread"] = groups["temperature"].agg(_spread)
    out["cost"] = out["ece"] - out["ece_all"]
    out["small"] = out.index.get_level_values("n") <= SMALL * out["half"]
    return out.drop(columns="half").reset_index()


def _spread(temperatures: pd.Series) -> float:
    t = temperatures.dropna()
    if np.isinf(t).any():
        return math.inf
    return float(np.log(t).std())


def over_sets(sizes: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Of `by_size`: the mean over sets by method and n, with the ledger's 95 % interval (Student's t over the sets).

    Sizes that are not `small` in every setting are left out, so that each mean is over the same settings.
    """
    import pandas as pd

    kept = sizes[sizes.groupby("n")["small"].transform("all")]
    rows = {}
    for key, group in kept.groupby(["method", "n"]):
        settings = group[["set", quantity]].rename(columns={quantity: "value"})
        rows[key] = dict(zip(("value", "low", "high", "sets"), ledger.over_sets(settings), strict=True))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["method", "n"])


def compared(sizes: pd.DataFrame, quantity: str, rivals: Iterable[str], ours: str = ledger.OURS) -> pd.DataFrame:
    """Of `by_size`: one method less each rival at the same n, on the same draws, tested over the sets.

    Returns
    -------
    DataFrame
        A row a (rival, n), sizes as in `over_sets`: the columns of `results.difference`; `p_holm` corrects over all
        rows.
    """
    import pandas as pd

    kept = sizes[sizes.groupby("n")["small"].transform("all")]
    found = {
        n: results.difference(group.set_index([*SETTING, "method"])[quantity].unstack("method"), rivals, ours)
        for n, group in kept.groupby("n")
    }
    out = pd.concat(found, names=["n", "rival"]).swaplevel().sort_index(sort_remaining=True)
    return out.assign(p_holm=protocol.holm(out["p"]))


def thinned(sizes: pd.DataFrame) -> pd.DataFrame:
    """Does DACA scatter as a method that simply has fewer questions? Its loss is align-all's, on the agreeing ones.

    The standard deviation of a mean over a share a of the questions is 1 / sqrt(a) times that over all, where all are
    alike.

    Returns
    -------
    DataFrame
        A row a (setting, n) with finite spreads and n `small`: `used`, the share that agrees; `expected`, 1 / sqrt of
        it; `daca`, `confidence-only` and `dual-align`, their spread over that of align-all.
    """
    wide = sizes[sizes["small"]].set_index([*SETTING, "n", "method"])[["spread", "used"]].unstack("method")
    spread, used = wide["spread"], wide["used", "daca"]
    names = ["daca", "confidence-only", ledger.OURS]
    finite = np.isfinite(spread[[*names, "align-all"]]).all(axis=1)
    out = spread[names].div(spread["align-all"], axis=0).assign(used=used, expected=used**-0.5)
    return out[finite].rename_axis(columns=None).reset_index()
