"""Which method should be used when: what the table of results says of each situation. Pure functions of that table.

A *setting* is one pair of models on one question set in one prompt style.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from .checks import AT_CHANCE, FAR_OFF, OFF

if TYPE_CHECKING:
    import pandas as pd

SETTING = ["pair", "set", "style"]
SITUATIONS = ("undecided", "at chance", "off", "calibrated")
LABEL_FREE = ("dual-align", "daca", "align-all", "basecal", "agreement")
SUPERVISED = "temperature-scaling"
NEEDS_LABELS = ("plm-above-chance", "plm-calibrated")  # of the conditions in `checks`


def situations(main: pd.DataFrame) -> pd.DataFrame:
    """Sort every setting by its PLM on all its questions; the first of `SITUATIONS` that fits counts.

    Returns
    -------
    DataFrame indexed by pair, set, style
        ``n``; ``chance``, ``agreement``; of the PLM ``accuracy``, ``confidence``, ``excess`` (ECE less its noise
        floor), ``gap`` (confidence less accuracy); and ``situation``: "undecided" where its mean confidence is less
        than 0.05 above 1/K, "at chance" where its accuracy is, "off" where the excess is above 0.05, and "calibrated"
        otherwise. The limits are those of `checks`.
    """
    rows = main[main["seed"] == -1]
    shared, plm = (_wide(rows[rows["method"] == method], "metric") for method in ("", "plm"))
    out = shared[["chance", "agreement"]].join(plm[["accuracy", "confidence"]])
    out.insert(0, "n", rows[rows["method"] == "plm"].groupby(SETTING)["n"].first())
    out["excess"], out["gap"] = plm["ece"] - plm["ece_floor"], plm["confidence"] - plm["accuracy"]
    found = [
        out["confidence"] - out["chance"] < AT_CHANCE,
        out["accuracy"] - out["chance"] < AT_CHANCE,
        out["excess"] > OFF,
    ]
    out["situation"] = np.select(found, SITUATIONS[:-1], SITUATIONS[-1])
    return out


def held_out(main: pd.DataFrame, metric: str = "ece") -> pd.DataFrame:
    """Return a metric of every method on the test questions, the mean over splits: settings by methods."""
    rows = main[(main["seed"] >= 0) & (main["metric"] == metric)]
    return _wide(rows, "method")


def by_situation(values: pd.DataFrame, situation: pd.Series) -> pd.DataFrame:
    """Average a table of settings over those of each situation, each counted once; in the order of `SITUATIONS`."""
    means = values.groupby(situation.loc[values.index].to_numpy()).mean()
    return means.loc[[name for name in SITUATIONS if name in means.index]]


def clear(main: pd.DataFrame, situation: pd.Series, level: float = 0.05) -> pd.DataFrame:
    """Count the settings on which Dual-Align's ECE is clearly below or above a rival's.

    Clear: the p-value of the paired difference, corrected after Holm over all settings of a rival, is below ``level``.

    Returns
    -------
    DataFrame indexed by situation and rival
        ``better``, ``worse``: Dual-Align's error clearly smaller, clearly larger; ``settings``.
    """
    import pandas as pd

    from .protocol import holm

    rows = main[(main["seed"] == -1) & main["metric"].isin(["ece_minus", "ece_minus_p"])]
    table = rows.pivot(index=[*SETTING, "reading"], columns="metric", values="value").reset_index("reading")
    table["p"] = table.groupby("reading")["ece_minus_p"].transform(holm)
    sure = table["p"] < level
    counted = pd.DataFrame({"better": sure & (table["ece_minus"] < 0), "worse": sure & (table["ece_minus"] > 0)})
    keys = [situation.loc[table.index].to_numpy(), table["reading"].to_numpy()]
    groups = counted.groupby(keys)
    return groups.sum().astype(int).assign(settings=groups.size()).rename_axis(["situation", "rival"])


def label_gaps(labels: pd.DataFrame, metric: str = "ece", rivals: Iterable[str] = LABEL_FREE) -> pd.DataFrame:
    """Temperature scaling on n labels less each label-free method on all questions of the same half.

    Returns
    -------
    DataFrame
        A row a (setting, rival, n): ``gap``, a mean over splits and draws; below 0 the labels win. The size that
        is all of a half is left out, since it differs from set to set.
    """
    import pandas as pd

    rows = labels[labels["metric"] == metric]
    mean = rows.groupby([*SETTING, "method", "n"])["value"].mean().reset_index()
    fitted = mean[mean["method"] == SUPERVISED]
    free = mean[mean["method"].isin(list(rivals))].rename(columns={"method": "rival"})
    joined = pd.merge(fitted, free, on=SETTING, suffixes=("", "_free"))
    joined = joined[joined["n"] < joined["n_free"]]
    joined["gap"] = joined["value"] - joined["value_free"]
    return joined[[*SETTING, "rival", "n", "gap"]].sort_values([*SETTING, "rival", "n"], ignore_index=True)


def labels_needed(gaps: pd.DataFrame) -> pd.Series:
    """Return the smallest number of labels from which on every larger one wins, inf where the largest one loses.

    Parameters
    ----------
    gaps : what `label_gaps` returns

    Returns
    -------
    Series indexed by pair, set, style, rival
    """
    return gaps.groupby([*SETTING, "rival"])[["n", "gap"]].apply(_from_here_on)


def _from_here_on(one: pd.DataFrame) -> float:
    one = one.sort_values("n")
    wins = (one["gap"] < 0).to_numpy()[::-1]
    count = int(wins.argmin()) if not wins.all() else len(wins)  # how many of the largest sizes win without a break
    return float(one["n"].to_numpy()[len(wins) - count]) if count else np.inf


def label_quantiles(gaps: pd.DataFrame, situation: pd.Series) -> pd.DataFrame:
    """Median and quartiles of `label_gaps` over the settings of each situation, and the share that the labels win.

    Returns
    -------
    DataFrame
        A row a (situation, rival, n): ``median``, ``low``, ``high``, ``wins``, ``settings``.
    """
    keyed = gaps.set_index(SETTING)
    keyed = keyed.assign(situation=situation.loc[keyed.index].to_numpy())
    groups = keyed.groupby(["situation", "rival", "n"])["gap"]
    table = groups.agg(median="median", low=lambda g: g.quantile(0.25), high=lambda g: g.quantile(0.75))
    table = table.assign(wins=groups.agg(lambda g: (g < 0).mean()), settings=groups.size())
    return table.loc[[name for name in SITUATIONS if name in table.index]].reset_index()


def enough_labels(gaps: pd.DataFrame, share: float = 0.75) -> float:
    """Return the number of labels from which on they win against every rival on a share of the settings, or inf."""
    wins = gaps.assign(wins=gaps["gap"] < 0).groupby(["n", "rival"])["wins"].mean().groupby("n").min()
    ends = wins.reset_index(name="gap").assign(gap=lambda table: share - table["gap"] - 1e-12)
    return _from_here_on(ends)


def few_questions(size: pd.DataFrame, methods: Iterable[str] = ("dual-align", "daca", "align-all")) -> pd.DataFrame:
    """What few questions do to label-free methods, from the experiment `size`.

    Returns
    -------
    DataFrame indexed by method and n
        ``spread``: ratio of the 97.5 % to the 2.5 % quantile of T over the draws; ``ece``: mean over the draws. Both
        are means over the traces, the first a geometric one. The size that is all of a half is left out.
    """
    import pandas as pd

    size = size[size["method"].isin(list(methods)) & (size["n"] < size.groupby(SETTING)["n"].transform("max"))]
    groups = [*SETTING, "method", "n"]
    t, ece = (size[size["metric"] == metric].groupby(groups)["value"] for metric in ("temperature", "ece"))
    each = pd.DataFrame({"spread": t.quantile(0.975) / t.quantile(0.025), "ece": ece.mean()})
    means = each.assign(spread=np.log(each["spread"])).groupby(["method", "n"]).mean()
    return means.assign(spread=np.exp(means["spread"]))


def warned(trust: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame:
    """What each condition of `checks` sorts: Dual-Align's held-out ECE less that of the supervised oracle.

    Returns
    -------
    DataFrame indexed by condition
        ``warned``: settings with a warning; ``over``, ``under``: the mean excess with and without it (NaN where there
        is no such setting). The last two rows take all conditions together, without those that need labels and with.
    """
    import pandas as pd

    states = _wide(trust, "metric") > 0
    ece = held_out(main)
    excess = (ece["dual-align"] - ece[SUPERVISED]).loc[states.index]
    free = states.drop(columns=[name for name in NEEDS_LABELS if name in states])
    together = states.assign(**{"any, no labels": free.any(axis=1), "any, with labels": states.any(axis=1)})
    rows = {n: (int(s.sum()), excess[s].mean(), excess[~s].mean()) for n, s in together.items()}
    return pd.DataFrame(rows, index=["warned", "over", "under"]).T


def caught(trust: pd.DataFrame, main: pd.DataFrame, far: float = FAR_OFF) -> dict[str, int]:
    """Of the settings with an excess of Dual-Align above ``far``: how many had a warning without labels, and with."""
    states, ece = _wide(trust, "metric") > 0, held_out(main)
    bad = (ece["dual-align"] - ece[SUPERVISED]).loc[states.index] > far
    free = states.drop(columns=[name for name in NEEDS_LABELS if name in states])
    counts = {"far": bad, "without_labels": bad & free.any(axis=1), "with_labels": bad & states.any(axis=1)}
    return {name: int(value.sum()) for name, value in counts.items()}


def _wide(rows: pd.DataFrame, columns: str) -> pd.DataFrame:
    return rows.groupby([*SETTING, columns])["value"].mean().unstack(columns)
