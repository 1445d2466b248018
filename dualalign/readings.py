"""Which open readings of Dual-Align matter: one at a time around the default, and all of them at once.

The public record leaves several parts of the method open; `OPEN` lists them. The experiment `ablation` changes one at a
time on every setting (a pair on a set), the experiment `factorial` takes every combination on the main pair. As in the
ledger, the sets are the units of every interval: pairs share questions and a PLM.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import ledger, protocol
from .calibrators import AlignAll, DualAlign, ProcessOnly
from .drift import LN2
from .experiments.ablation import DEFAULT, OPTIONS
from .experiments.unit import MAIN
from .results import SETTING
from .traces import Traces

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 0.01  # a difference of ECE below which a choice is called small
HALVES = ("0.0", "1.0")  # weights that leave one half of the objective only
SPLIT = "split"
_ENDS = {"value": "", "low": "_low", "high": "_high", "p": "_p"}


class Open(NamedTuple):
    """One part that the record leaves open. Sources: [P] arXiv:2601.04277, [R] its reviews, [D] arXiv:2505.16690."""

    argument: str
    asks: str
    record: str
    options: tuple[str, ...] = ()  # of what is no argument of `DualAlign`; the default comes first


OPEN = (
    Open("aggregate", "how ISE runs over layers", "[P][R]: entropy from the peak layer to the last; leans to the mean"),
    Open("tempered", "which layers τ divides", "[R]: a mismatch of training and inference, so more than the last"),
    Open("process", "what is squared", "[R]: the gap of ISE; another review: along the reasoning process"),
    Open("weight", "w(x), the share of C", "[R]: a weight a question, more than sorting; the form is open"),
    Open("kl", "direction of C", "[R]: a KL; [D]: PLM first"),
    Open("base", "logarithm of C and S", "nothing"),
    Open("peak", "rule of the peak layer", "[P]: the largest jump; the other two are ours, to compare"),
    Open("vocabulary", "tokens of an inner layer", "[D]: K options at the output; inner layers open", ("K", "all")),
    Open("lens", "how an inner layer is read", "nothing", ("logit", "tuned")),
)


def open_readings() -> pd.DataFrame:
    """What is open, the options in the code, the default, and what the record says; a row a reading."""
    import pandas as pd

    rows = []
    for reading in OPEN:
        options = reading.options or OPTIONS[reading.argument]
        default = options[0] if reading.options else getattr(DualAlign(), reading.argument)
        others = ", ".join(str(option) for option in options if option != default)
        rows.append({"reading": reading.argument, "asks": reading.asks, "default": default, "others": others})
    return pd.DataFrame(rows).assign(record=[reading.record for reading in OPEN]).set_index("reading")


# -- One at a time -------------------------------------------------------------------------------------------------


def differences(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """Each option less the default, setting by setting, by the paired bootstrap over questions.

    Returns
    -------
    DataFrame
        A row an option and setting: `reading`, `SETTING`, `value`, `low`, `high` (95 %), `p`, and `p_holm`, corrected
        over the settings of the same option. (With R resamples no p-value lies below 2 / (1 + R): one family of all
        options and settings could find nothing at R = 10,000.)

    Raises
    ------
    ValueError
        Where the table holds no such differences.
    """
    names = {f"{quantity}_minus{end}": name for name, end in _ENDS.items()}
    rows = table[(table.experiment == "ablation") & (table.seed == -1) & table.metric.isin(names)]
    if rows.empty:
        raise ValueError(f"no differences of {quantity!r} in the ablation; there are {', '.join(protocol.QUANTITIES)}")
    wide = rows.pivot_table(index=["reading", *SETTING], columns="metric", values="value").rename(columns=names)
    wide = wide[list(_ENDS)].rename_axis(columns=None)
    return wide.assign(p_holm=wide.groupby("reading")["p"].transform(protocol.holm)).reset_index()


def effects(table: pd.DataFrame, quantity: str = "ece", level: float = 0.05) -> pd.DataFrame:
    """What each option changes, in the order of `OPTIONS`.

    Returns
    -------
    DataFrame
        A row an option. `value`, `low`, `high`: mean difference from the default over the sets, with its 95 % interval
        (Student's t over the sets); `p_holm` of the same test, corrected over the options; `moved`: mean size of a
        setting's difference, whatever its sign; `lower` and `higher`: settings in which the difference was found, after
        Holm over the settings of the option; `settings`; `ratio`, `ratio_low`, `ratio_high`: temperature over that of
        the default, a geometric mean with its interval over the sets.
    """
    import pandas as pd
    from scipy import stats

    each, ratios = differences(table, quantity), _log_ratios(table)
    rows = {}
    for reading in (r for r in _ordered() if r in set(each["reading"])):
        part = each[each["reading"] == reading]
        value, low, high, sets = ledger.over_sets(part)
        means = part.groupby("set")["value"].mean()
        found = part["p_holm"] <= level
        ratio = np.exp(ledger.over_sets(ratios[ratios["reading"] == reading])[:3])
        rows[reading] = {
            "value": value,
            "low": low,
            "high": high,
            "p": float(stats.ttest_1samp(means, 0).pvalue) if sets > 1 else math.nan,
            "moved": part["value"].abs().mean(),
            "lower": int((found & (part["value"] < 0)).sum()),
            "higher": int((found & (part["value"] > 0)).sum()),
            "settings": len(part),
        } | dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True))
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")
    return out.assign(p_holm=protocol.holm(out.pop("p")))


def verdicts(effects: pd.DataFrame, margin: float = MARGIN, level: float = 0.05) -> pd.Series:
    """Say of each option what it does to the error.

    "small": the whole interval lies within ±margin; else "lowers" or "raises" where the difference was found, after
    Holm's correction over the options; else "undecided".
    """
    import pandas as pd

    small = (effects["low"] > -margin) & (effects["high"] < margin)
    found = effects["p_holm"] <= level
    words = np.select([small, found & (effects["value"] < 0), found], ["small", "lowers", "raises"], "undecided")
    return pd.Series(words, effects.index, name="verdict")


def _ordered() -> list[str]:
    return [f"{argument}={option}" for argument, options in OPTIONS.items() for option in options]


def _log_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """log T of each option less that of the default, a mean over the splits, a row an option and setting."""
    rows = table[(table.experiment == "ablation") & (table.metric == "temperature")]
    wide = np.log(rows.pivot_table(index=[*SETTING, "seed"], columns="reading", values="value"))
    ratios = wide.sub(wide[DEFAULT], axis=0).groupby(SETTING).mean()
    long = ratios.drop(columns=DEFAULT).melt(ignore_index=False, var_name="reading", value_name="value").reset_index()
    return long.assign(low=math.nan, high=math.nan)


def equivalences(traces: Traces) -> pd.DataFrame:
    """Pairs of readings that are the same method, each fitted: the two temperatures of every pair.

    With a fixed weight w, base 2 divides C by ln 2 and S by its square, which is base e with the weight
    w / (w + (1 - w) / ln 2).
    """
    import pandas as pd

    again = 0.5 / (0.5 + 0.5 / LN2)
    pairs = {
        "weight=1, align-all": (DualAlign(weight=1.0), AlignAll()),
        "weight=0, process-only at weight 0": (DualAlign(weight=0.0), ProcessOnly(weight=0.0)),
        f"weight=0.5 base=2, weight={again:.3f}": (DualAlign(weight=0.5, base="2"), DualAlign(weight=again)),
        "weight=1 base=2, weight=1": (DualAlign(weight=1.0, base="2"), DualAlign(weight=1.0)),
        "weight=0 base=2, weight=0": (DualAlign(weight=0.0, base="2"), DualAlign(weight=0.0)),
        "weight=0 kl=polm-first, weight=0": (DualAlign(weight=0.0, kl="polm-first"), DualAlign(weight=0.0)),
        "weight=1 aggregate=sum-entropy, weight=1": (
            DualAlign(weight=1.0, aggregate="sum-entropy"),
            DualAlign(weight=1.0),
        ),
        "process=per-layer aggregate=sum-entropy, process=per-layer": (
            DualAlign(process="per-layer", aggregate="sum-entropy"),
            DualAlign(process="per-layer"),
        ),
    }
    found = {name: [method.fit(traces).temperature_ for method in two] for name, two in pairs.items()}
    return pd.DataFrame.from_dict(found, orient="index", columns=["first", "second"])


# -- All at once ---------------------------------------------------------------------------------------------------


class Cube(NamedTuple):
    """A metric of every combination: `values` has the axes set, one a factor, split."""

    factors: dict[str, tuple[str, ...]]
    sets: tuple[str, ...]
    values: np.ndarray

    @property
    def default(self) -> tuple[int, ...]:
        """Where the default reading stands, along the factors' axes."""
        return tuple(levels.index(str(_default(name))) for name, levels in self.factors.items())


PROCESS = "S"  # aggregate and process in one: gaps taken layer by layer know no aggregate


def _default(factor: str) -> object:
    return getattr(DualAlign(), "aggregate" if factor == PROCESS else factor)


def factors(halves: bool = True) -> dict[str, tuple[str, ...]]:
    """The factors of the full design and their levels; without `halves` those weights that leave both losses in."""
    others = {name: tuple(map(str, OPTIONS[name])) for name in OPTIONS if name not in ("aggregate", "process")}
    if not halves:
        others["weight"] = tuple(level for level in others["weight"] if level not in HALVES)
    return {PROCESS: (*OPTIONS["aggregate"], "per-layer")} | others


def cube(table: pd.DataFrame, metric: str = "ece", halves: bool = True) -> Cube:
    """Arrange the experiment `factorial` as a balanced design.

    Raises
    ------
    ValueError
        Where a combination has no row.
    """
    rows = table[(table.experiment == "factorial") & (table.metric == metric)]
    named = {reading: dict(part.split("=") for part in reading.split()) for reading in rows["reading"].unique()}
    levels = factors(halves)
    at = {reading: _index(options, levels) for reading, options in named.items()}
    sets, seeds = (tuple(rows[name].unique()) for name in ("set", "seed"))
    shape = (len(sets), *map(len, levels.values()), len(seeds))
    values = np.full(shape, np.nan)
    for name, reading, seed, value in rows[["set", "reading", "seed", "value"]].itertuples(index=False):
        if at[reading] is not None:
            values[(sets.index(name), *at[reading], seeds.index(seed))] = value
    if not values.size or np.isnan(values).any():
        raise ValueError(f"the factorial lacks {int(np.isnan(values).sum())} of {values.size} values of {metric!r}")
    return Cube(levels, sets, values)


def _index(options: Mapping[str, str], levels: Mapping[str, Sequence[str]]) -> tuple[int, ...] | None:
    chosen = dict(options) | {PROCESS: "per-layer" if options["process"] == "per-layer" else options["aggregate"]}
    if any(chosen[name] not in known for name, known in levels.items()):
        return None
    return tuple(known.index(chosen[name]) for name, known in levels.items())


def shares(values: np.ndarray) -> dict[tuple[int, ...], float]:
    """Analysis of variance of a full design with one value a cell.

    The value of a cell is the sum of a component for each set of factors: the grand mean, the main effects, the
    interactions of two, and so on. Along every axis a component is either the mean, or what is left of it. On a full
    design the components are orthogonal, so their mean squares add up to the variance.

    Parameters
    ----------
    values : an axis a factor

    Returns
    -------
    dict
        From the axes of a component to its share of the variance; they sum to 1. All 0 where nothing varies.
    """
    parts = {(): np.asarray(values, np.float64)}
    for axis in range(values.ndim):
        means = {axes: part.mean(axis=axis, keepdims=True) for axes, part in parts.items()}
        parts = means | {(*axes, axis): part - means[axes] for axes, part in parts.items()}
    squares = {axes: float((part**2).mean()) for axes, part in parts.items() if axes}
    total = sum(squares.values())
    return {axes: square / total if total > 0 else 0.0 for axes, square in squares.items()}


def variance(cube: Cube, log: bool = False) -> pd.DataFrame:
    """Shares of the variance of a cube, set by set, the splits being one more factor.

    Returns
    -------
    DataFrame
        A row a (set, term), the term like "weight" or "weight × kl"; `order` counts its factors and `share` is its
        share of the variance of that set's values.

    Raises
    ------
    ValueError
        Where a value is infinite.
    """
    import pandas as pd

    if not np.isfinite(cube.values).all():
        raise ValueError(f"{int((~np.isfinite(cube.values)).sum())} values are infinite; leave the halves out")
    names, rows = [*cube.factors, SPLIT], []
    for name, values in zip(cube.sets, np.log(cube.values) if log else cube.values, strict=True):
        for axes, share in shares(values).items():
            term = " × ".join(names[axis] for axis in axes)
            rows.append({"set": name, "term": term, "order": len(axes), "share": share})
    return pd.DataFrame(rows)


def by_factor(found: pd.DataFrame) -> pd.DataFrame:
    """Of `variance`, a row a factor: `main`, the mean over the sets of its own share, `total`, of all terms it is in,
    and `low`, `high`, the range of `total` over the sets."""
    import pandas as pd

    rows = {}
    for factor in found[found["order"] == 1]["term"].unique():
        total = found[[factor in term.split(" × ") for term in found["term"]]].groupby("set")["share"].sum()
        main = found[found["term"] == factor]["share"].mean()
        rows[factor] = {"main": main, "total": total.mean(), "low": total.min(), "high": total.max()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("factor")


def by_order(found: pd.DataFrame) -> pd.Series:
    """Of `variance`, the mean over the sets of the shares of main effects, of interactions, and of the splits."""
    split = [SPLIT in term.split(" × ") for term in found["term"]]
    kind = np.select([split, found["order"] == 1, found["order"] == 2], ["splits", "main effects", "of two"], "of more")
    return found.groupby([kind, "set"])["share"].sum().groupby(level=0).mean()


def hindsight(cube: Cube) -> pd.DataFrame:
    """What choosing the reading after the fact would gain, set by set; errors are means over the splits.

    Returns
    -------
    DataFrame
        A row a set. `default`; `spread`, its standard deviation over the splits; `best` and `worst` of all readings;
        `lower`, the share of readings below the default; `elsewhere`, the error of the reading that is best on the
        mean of the other sets; `gain` = default - best, `kept` = default - elsewhere, `optimism` = gain - kept.
    """
    import pandas as pd

    flat, default = _flat(cube)
    means = flat.mean(axis=2)
    others = (means.sum(axis=0) - means) / max(len(means) - 1, 1)
    chosen = others.argmin(axis=1)
    out = pd.DataFrame(
        {
            "default": means[:, default],
            "spread": flat[:, default].std(axis=1, ddof=1),
            "best": means.min(axis=1),
            "worst": means.max(axis=1),
            "lower": (means < means[:, [default]]).mean(axis=1),
            "elsewhere": means[np.arange(len(means)), chosen],
        },
        index=pd.Index(cube.sets, name="set"),
    )
    out = out.assign(gain=out["default"] - out["best"], kept=out["default"] - out["elsewhere"])
    return out.assign(optimism=out["gain"] - out["kept"])


def standing(cube: Cube) -> pd.DataFrame:
    """How each reading does over the sets; the lowest mean comes first.

    Returns
    -------
    DataFrame
        A row a reading, named by what differs from the default. `best`: in how many sets it has the lowest error (ties
        count); `beats`: in how many its error is below the default's; `error`: the mean.
    """
    import pandas as pd

    flat, default = _flat(cube)
    means = flat.mean(axis=2)
    names = [_named(cube, combination) for combination in itertools.product(*cube.factors.values())]
    best = np.isclose(means, means.min(axis=1, keepdims=True), rtol=0, atol=1e-12)
    found = {"best": best.sum(axis=0), "beats": (means < means[:, [default]]).sum(axis=0), "error": means.mean(axis=0)}
    return pd.DataFrame(found, index=pd.Index(names, name="reading")).sort_values("error", kind="stable")


def over_sets(values: pd.Series) -> tuple[float, float, float]:
    """Mean of a value a set, and its 95 % interval by Student's t over the sets."""
    rows = values.rename("value").rename_axis("set").reset_index().assign(low=math.nan, high=math.nan)
    return ledger.over_sets(rows)[:3]


def floors(table: pd.DataFrame, quantity: str = "ece") -> pd.Series:
    """Noise floor of the default on the main pair, set by set, from the main comparison; a mean over the splits.

    Empty for a quantity that has none, the Brier score for instance.
    """
    rows = table[(table.experiment == "main") & (table.metric == f"{quantity}_floor") & (table.method == ledger.OURS)]
    rows = rows[(rows.pair == MAIN) & (rows["style"] == "choices") & (rows.variant == "") & (rows.seed >= 0)]
    return rows.groupby("set")["value"].mean()


def _flat(cube: Cube) -> tuple[np.ndarray, int]:
    """Values (sets, readings, splits), and the number of the default among the readings."""
    sets, *shape, splits = cube.values.shape
    return cube.values.reshape(sets, -1, splits), int(np.ravel_multi_index(cube.default, shape))


def _named(cube: Cube, combination: Sequence[str]) -> str:
    """What a combination changes: "weight=tv kl=polm-first"."""
    changed = [f"{name}={v}" for name, v in zip(cube.factors, combination, strict=True) if v != str(_default(name))]
    return " ".join(changed) or DEFAULT
