"""Every combination of Dual-Align's open readings at once: what varies with which factor, and what hindsight gains.

The experiment `factorial` takes every combination on the main pair; `readings` takes them one at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import ledger
from .calibrators import DualAlign
from .experiments.ablation import DEFAULT, OPTIONS
from .experiments.unit import MAIN

if TYPE_CHECKING:
    import pandas as pd

HALVES = ("0.0", "1.0")  # weights that leave one half of the objective only
SPLIT = "split"


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
    rows = values.rename("value").rename_axis("set").reset_index()
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
