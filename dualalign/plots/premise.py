"""The premise dial: temperature, gap and error of each method over the PLM's gap, and how much of it they inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import protocol
from dualalign.plots import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

PLAIN = "align-all"
RIVALS = ("daca", "dual-align")
_DASH = {"vanilla": ":", "agreement": "-.", "temperature-scaling": ":", "basecal": "--", "align-all": "-"}


# -- Numbers -------------------------------------------------------------------------------------------------------


def prepare_dial(table: pd.DataFrame, layers: str = "all") -> pd.DataFrame:
    """Average the experiment `premise` over its splits.

    Parameters
    ----------
    table : its rows, of any number of pairs and sets, as `dualalign.experiments.load` returns them
    layers : "all", or "last" for what was read where the PLM's last layer alone was multiplied

    Returns
    -------
    DataFrame
        A row a (pair, set, setting, method), the setting being "0.25" ... "4", "labels" or "labels-agree": ``scale``
        and ``plm_gap`` (of the PLM), ``temperature``, ``accuracy``, ``gap`` (mean confidence less accuracy), ``ece``,
        ``floor``, ``nll``; ``gap_spread`` and ``ece_spread``, standard deviations over the splits. The PLM itself is
        the method "plm". Sorted by the scale within a pair, set and method.

    Raises
    ------
    ValueError
        If the table holds no such row.
    """
    parts = table["reading"].str.extract(r"^s=(\S+?)(?: layers=(\S+))?$")
    chosen = (table["seed"] >= 0) & parts[0].notna() & ((parts[1].fillna("all") == layers) | (table["method"] == "plm"))
    chosen &= parts[1].isna() | (layers == "last")
    if not (chosen & (table["method"] != "plm")).any():
        raise ValueError(f"table holds no setting of the dial for layers={layers!r}; give the experiment 'premise'")
    rows = table[chosen].assign(setting=parts[0])
    wide = rows.pivot(index=["pair", "set", "setting", "method", "seed"], columns="metric", values="value")
    wide["gap"] = wide["confidence"] - wide["accuracy"]
    groups = wide.groupby(["pair", "set", "setting", "method"], sort=False)
    out = groups[["scale", "temperature", "accuracy", "gap", "ece", "ece_floor", "nll"]].mean()
    out = out.rename(columns={"ece_floor": "floor"}).join(groups[["gap", "ece"]].std().add_suffix("_spread"))
    plm = out.xs("plm", level="method")
    out = out.drop(columns="scale").join(plm[["scale"]]).join(plm[["gap"]].rename(columns={"gap": "plm_gap"}))
    return out.reset_index().sort_values(["pair", "set", "method", "scale"], kind="stable", ignore_index=True)


def on_grid(dial: pd.DataFrame) -> pd.DataFrame:
    """The settings of `prepare_dial` that no label chose."""
    return dial[~dial["setting"].str.startswith("labels")]


def prepare_inherited(table: pd.DataFrame) -> pd.DataFrame:
    """How much of a change of the PLM's gap each method's gap follows.

    Returns
    -------
    DataFrame
        A row a (pair, set, method): ``value``, ``low`` and ``high`` (95 % interval of a single split), ``least`` and
        ``most`` (range over the splits).
    """
    rows = table[table["metric"].str.startswith("inherited")]
    wide = rows.pivot(index=["pair", "set", "method"], columns="metric", values="value")
    return wide.rename(columns=lambda name: name.removeprefix("inherited").removeprefix("_") or "value").reset_index()


def prepare_crossings(table: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """Find from which gap of the PLM on aligning all questions gives the smaller ECE.

    Returns
    -------
    DataFrame
        A row a (pair, set, rival). ``crossing``: the least gap of the PLM above which `align-all` has the smaller ECE
        at every larger s of the grid, interpolated; -inf where it has it on the whole grid, NaN where not even at its
        end. ``opposite``: the same for the sum of the two gaps being positive, that is where one method is as
        over-confident as the other is under-confident. ``better`` and ``worse``: at how many of the ``settings`` the
        paired difference of ECE differs from 0, after Holm's correction over all settings and rivals of one pair and
        set.
    """
    import pandas as pd

    by = on_grid(prepare_dial(table)).set_index(["pair", "set", "method"]).sort_index()
    tests = _against(table)
    told, rows = tests[tests["holm"] < level], []
    for pair, name in dict.fromkeys(by.index.droplevel("method")):
        plain = by.loc[(pair, name, PLAIN)]
        for rival in (r for r in RIVALS if (pair, name, r) in by.index):
            other = by.loc[(pair, name, rival)]
            found = told[(told["pair"] == pair) & (told["set"] == name) & (told["rival"] == rival)]["value"]
            x, y, z = (plain["plm_gap"], plain["ece"].to_numpy() - other["ece"], plain["gap"].to_numpy() + other["gap"])
            row = {"pair": pair, "set": name, "rival": rival, "settings": len(plain)}
            row |= {"crossing": last_crossing(x.to_numpy(), y.to_numpy())}
            row |= {"opposite": last_crossing(x.to_numpy(), -z.to_numpy())}
            rows.append(row | {"better": (found < 0).sum(), "worse": (found > 0).sum()})
    return pd.DataFrame(rows)


def last_crossing(x: np.ndarray, y: np.ndarray) -> float:
    """Return the x, interpolated, above which y stays negative; -inf if it is never else, NaN if it ends otherwise."""
    if not y[-1] < 0:
        return float("nan")
    others = np.flatnonzero(~(y < 0))
    if not len(others):
        return float("-inf")
    i = others[-1]
    return float(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))


def _against(table: pd.DataFrame) -> pd.DataFrame:
    """Differences of align-all from its rivals on the grid: ``value``, ``p``, and ``holm`` over a pair and set."""
    parts = table["reading"].str.extract(r"^s=([\d.]+) against=(\S+)$")
    rows = table[parts[0].notna() & (table["method"] == PLAIN) & parts[1].isin(RIVALS)]
    rows = rows.assign(setting=parts[0], rival=parts[1])
    wide = rows.pivot(index=["pair", "set", "setting", "rival"], columns="metric", values="value").reset_index()
    return _corrected(wide)


def prepare_repaired(table: pd.DataFrame, setting: str = "labels") -> pd.DataFrame:
    """What is left between each method and the oracle at one setting.

    Returns
    -------
    DataFrame
        A row a (pair, set, method): ``value``, ``low``, ``high`` and ``p`` of its ECE less that of temperature scaling
        on the same splits, and ``holm``, p corrected over the methods of one pair and set.

    Raises
    ------
    ValueError
        If the table holds no such difference.
    """
    rows = table[table["reading"] == f"s={setting} against=temperature-scaling"]
    wide = rows.pivot(index=["pair", "set", "method"], columns="metric", values="value").reset_index()
    return _corrected(wide)


def _corrected(wide: pd.DataFrame) -> pd.DataFrame:
    if not len(wide):
        raise ValueError("table holds no difference of these methods; give the experiment 'premise'")
    wide = wide.rename(columns=lambda name: name.removeprefix("ece_minus").removeprefix("_") or "value")
    return wide.assign(holm=wide.groupby(["pair", "set"])["p"].transform(lambda p: protocol.holm(p.to_numpy())))


def prepare_natural_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """The PLM's gap and each method's, as they come, from the main comparison.

    Parameters
    ----------
    table : rows of the experiment `main`, of one style a pair

    Returns
    -------
    DataFrame
        A row a (pair, set, method): ``plm_gap`` and ``gap``, means over the splits' test sides.
    """
    rows = table[(table["seed"] >= 0) & table["metric"].isin(["confidence", "accuracy"]) & (table["reading"] == "")]
    wide = rows.groupby(["pair", "set", "method", "metric"])["value"].mean().unstack()
    gap = (wide["confidence"] - wide["accuracy"]).rename("gap").reset_index()
    plm = gap[gap["method"] == "plm"].set_index(["pair", "set"])["gap"].rename("plm_gap")
    return gap[gap["method"] != "plm"].join(plm, on=["pair", "set"]).reset_index(drop=True)


# -- Figures -------------------------------------------------------------------------------------------------------


def plot_dial(dial: pd.DataFrame, methods: Sequence[str], calibrated: float, axes=None) -> np.ndarray:
    """Draw one pair and set on two axes: each method's temperature over s, and its gap over the PLM's.

    Parameters
    ----------
    dial : `prepare_dial` of one pair and set
    methods : to draw
    calibrated : the s at which the PLM is calibrated, a vertical line
    """
    axes = style.beside(axes, 2, (8.4, 3.8))
    grid = on_grid(dial)
    for method, rows in _lines(grid, methods):
        _line(style.tidy(axes[0]), rows["scale"], rows["temperature"], method)
        _line(style.tidy(axes[1]), rows["plm_gap"], rows["gap"], method)
    axes[0].axvline(calibrated, color=style.PLM, linestyle=":", linewidth=1)
    axes[0].set_xscale("log", base=2)
    axes[0].set_yscale("log", base=2)
    for axis in (axes[0].xaxis, axes[0].yaxis):
        axis.set_major_formatter("{x:g}")
    ends = [grid["plm_gap"].min(), grid["plm_gap"].max()]
    axes[1].plot(ends, ends, color=style.QUIET, linewidth=4, alpha=0.35, label="all inherited")
    axes[1].axhline(0, color=style.QUIET, linestyle=":", linewidth=1)
    axes[1].axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    style.label(axes[0], "s, factor of the PLM's logits", "Temperature")
    style.label(axes[1], "Gap of the PLM", "Gap of the method")
    style.legend(axes[1], loc="center left", bbox_to_anchor=(1, 0.5))
    return axes


def plot_dial_errors(dial: pd.DataFrame, methods: Sequence[str], axes=None, columns: int = 3) -> np.ndarray:
    """Draw ECE over the PLM's gap, a panel a set of one pair, on one scale; the grey line is the largest noise floor.

    The bars are standard deviations over the splits; the vertical line is the PLM as it comes.
    """
    names = list(dict.fromkeys(dial["set"]))
    axes = style.panels(len(names), axes, height=2.9, columns=columns)
    for ax, name in zip(axes.flat, names, strict=False):
        rows = on_grid(dial[dial["set"] == name])
        for method, line in _lines(rows, methods):
            _line(ax, line["plm_gap"], line["ece"], method, line["ece_spread"])
        floor = rows[rows["method"].isin(methods)].groupby("plm_gap")["floor"].max()
        ax.plot(floor.index, floor, color=style.QUIET, linewidth=3, alpha=0.5, label="noise floor")
        ax.axvline(rows.loc[rows["setting"] == "1", "plm_gap"].iloc[0], color=style.PLM, linestyle=":", linewidth=1)
        style.label(ax, "Gap of the PLM", "ECE" if ax in axes[:, :1].flat else "", name)
    axes.flat[0].set_ylim(bottom=0)
    if not style.legend_in_free_panel(axes, len(names)):
        style.shared_legend(axes, "upper center")
    return axes


def plot_inherited(inherited: pd.DataFrame, methods: Sequence[str], sets: Sequence[str], axes=None) -> np.ndarray:
    """Draw `prepare_inherited`, a panel a set, a row a pair: value and interval of each method; lines at 0 and 1."""
    pairs = list(dict.fromkeys(inherited["pair"]))
    axes = style.panels(len(sets), axes, height=1.2 + 0.42 * len(pairs))
    for ax, name in zip(axes.flat, sets, strict=False):
        for line in (0, 1):
            ax.axvline(line, color=style.QUIET, linestyle=":", linewidth=1)
        for i, method in enumerate(methods):
            rows = inherited[(inherited["set"] == name) & (inherited["method"] == method)]
            heights = np.array([pairs.index(pair) for pair in rows["pair"]]) + 0.7 * ((i + 0.5) / len(methods) - 0.5)
            colour = style.method_colour(method)
            ax.hlines(heights, rows["low"], rows["high"], color=colour, linewidth=1.6)
            marker = style.METHOD_MARKER.get(method, "o")
            ax.plot(rows["value"], heights, marker, color=colour, markersize=4.5, label=method)
        ax.set_yticks(np.arange(len(pairs)), pairs)
        ax.set_ylim(len(pairs) - 0.5, -0.5)
        style.label(ax, "Inherited share", "", name)
    style.shared_legend(axes, "upper center", len(methods))
    return axes


def plot_natural_gaps(gaps: pd.DataFrame, methods: Sequence[str], marked: Sequence[str] = (), axes=None) -> np.ndarray:
    """Draw `prepare_natural_gaps`, a panel a method, a dot a pair and set; the grey line is a gap equal to the PLM's.

    Parameters
    ----------
    marked : pairs whose dots are open triangles, those of another reference say
    """
    axes = style.panels(len(methods), axes, height=2.9)
    ends = [gaps["plm_gap"].min(), gaps["plm_gap"].max()]
    for ax, method in zip(axes.flat, methods, strict=False):
        rows = gaps[gaps["method"] == method]
        apart = rows["pair"].isin(marked)
        ax.plot(ends, ends, color=style.QUIET, linewidth=4, alpha=0.35)
        for line in (ax.axhline, ax.axvline):
            line(0, color=style.QUIET, linestyle=":", linewidth=1)
        colour = style.method_colour(method)
        ax.plot(rows["plm_gap"][~apart], rows["gap"][~apart], "o", color=colour, markersize=3.5)
        ax.plot(rows["plm_gap"][apart], rows["gap"][apart], "^", color=colour, markersize=5, markerfacecolor="none")
        style.label(ax, "Gap of the PLM", "Gap of the method" if ax in axes[:, :1].flat else "", method)
    return axes


def _lines(rows: pd.DataFrame, methods: Sequence[str]):
    for method in methods:
        found = rows[rows["method"] == method]
        if len(found):
            yield method, found


def _line(ax: Axes, x, y, method: str, spread=None) -> None:
    look = {"color": style.method_colour(method), "linestyle": _DASH.get(method, "-"), "linewidth": 1.4}
    marker = style.METHOD_MARKER.get(method, "o")
    y = np.where(np.isfinite(y), y, np.nan)  # an infinite temperature has no place on the axis
    ax.errorbar(x, y, yerr=spread, marker=marker, markersize=4, elinewidth=0.8, label=method, **look)
