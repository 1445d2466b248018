"""Borrowed references: layer maps, temperatures under them, two references of one PoLM, and predicted errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualalign import layer_maps, protocol
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

# (pair, reading) of the experiment -> what the book calls it; SFT is the further post-training of SmolLM2
CASES = {
    ("smollm2", "reference=plm"): "PLM → SmolLM2",
    ("smollm2-sft4", "reference=smollm2"): "SmolLM2 → SFT",
    ("smollm2-sft4", "reference=plm"): "PLM → SFT",
}
_CASE_MARKER = dict(zip(CASES.values(), "os^", strict=True))
_CASE_COLOUR = dict(zip(CASES.values(), (style.PLM, style.POLM, style.AGREE), strict=True))
_LOOK = {
    "relative-depth": (style.INK, "o"),
    "last-aligned": (style.PLM, "v"),
    "first-aligned": (style.POLM, "^"),
    "final-only": (style.QUIET, "|"),
    "nearest-divergence": (style.AGREE, "s"),
    "nearest-rank": (style.DISAGREE, "D"),
}


def prepare_references(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise the splits of the experiment `references`.

    Returns
    -------
    DataFrame
        A row a (``case``, ``layers``, ``set``, ``method``; the PLM is the method ``plm``): means over the splits of
        ``ece``, ``floor``, ``nll`` and ``confidence``, the ``spread`` (standard deviation) of the ECE, and the median
        ``temperature``. Sets in the order of their names.
    """
    rows = _named(table[(table["seed"] >= 0) & (table["method"] != "")])
    wide = rows.pivot_table(index=[*_WHERE, "method", "seed"], columns="metric", values="value")
    groups = wide.groupby([*_WHERE, "method"], observed=True)
    out = groups[["ece", "ece_floor", "nll", "confidence"]].mean().rename(columns={"ece_floor": "floor"})
    return out.assign(spread=groups["ece"].std(), temperature=groups["temperature"].median()).reset_index()


_WHERE = ["case", "layers", "set"]


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Take `reading` apart: `case`, `layers` (the map) and what the row is held `against`, "" where nothing."""
    import pandas as pd

    plain, against = table["reading"].str.partition(" against=").iloc[:, [0, 2]].T.to_numpy()
    found = table.assign(reading=plain, against=against)
    reference, of_map = found["reading"].str.partition(" map=").iloc[:, [0, 2]].T.to_numpy()
    names = [CASES[key] for key in zip(found["pair"], reference, strict=True)]
    case = pd.Categorical(names, list(CASES.values()), ordered=True)  # so that tables keep this order
    return found.assign(case=case, layers=np.where(of_map == "", layer_maps.DEFAULT, of_map))


def prepare_reference_differences(table: pd.DataFrame, family: str) -> pd.DataFrame:
    """Differences of ECE of the experiment `references`, paired over questions, in one family of tests.

    Parameters
    ----------
    table : rows of the experiment
    family : "methods", Dual-Align less each rival; "maps", Dual-Align under each map less the default; "references",
        the own reference less the borrowed one, method by method

    Returns
    -------
    DataFrame
        A row a difference: ``case``, ``layers``, ``set``, ``method``, ``against``, ``value``, ``low``, ``high`` (95 %),
        ``p`` and ``p_holm``, corrected over all rows of the family.
    """
    rows = table[(table["seed"] == -1) & table["metric"].str.startswith("ece_minus")]
    rows = _named(rows)
    kind = np.select(
        [rows["against"] == "default", rows["against"].str.startswith("reference=")], FAMILIES[1:], "methods"
    )
    rows = rows[(kind == family) & ((family != "maps") | (rows["method"] == "dual-align"))]
    names = {"ece_minus": "value", "ece_minus_low": "low", "ece_minus_high": "high", "ece_minus_p": "p"}
    wide = rows.pivot(index=[*_WHERE, "method", "against"], columns="metric", values="value").rename(columns=names)
    out = wide[list(names.values())].rename_axis(columns=None).reset_index()
    return out.assign(p_holm=protocol.holm(out["p"]))


FAMILIES = ("methods", "maps", "references")


def prepare_map_effects(table: pd.DataFrame) -> pd.DataFrame:
    """What each layer map changes, averaged over the sets.

    Returns
    -------
    DataFrame indexed by case and layers
        ``peak``, the median peak layer on the questions to fit on (mean over sets and splits), and ``moved``, the share
        of them with another peak layer than under the default map; ``T process`` and ``T dual``, temperature of
        process-only and Dual-Align over that of the default map (geometric mean over the sets of the ratio of medians);
        ``ece``, Dual-Align's ECE less that of the default map (mean), and in how many sets it is ``lower`` or
        ``higher`` by Holm's correction over all maps, cases and sets.
    """
    keys = ["case", "layers"]
    rows = _named(table[(table["seed"] >= 0) & table["metric"].isin(["peak", "peak_moved"])])
    out = rows.groupby([*keys, "metric"], observed=True)["value"].mean().unstack("metric")
    out = out.rename(columns={"peak_moved": "moved"}).rename_axis(columns=None)
    fits = prepare_references(table).set_index([*_WHERE, "method"])["temperature"]
    for method, column in (("process-only", "T process"), ("dual-align", "T dual")):
        logs = np.log(fits.xs(method, level="method")).unstack("layers")
        ratio = logs.sub(logs[layer_maps.DEFAULT], axis=0).groupby("case", observed=True).mean()
        out[column] = np.exp(ratio.stack()).reindex(out.index)
    found = prepare_reference_differences(table, "maps").assign(sure=lambda t: t["p_holm"] < 0.05)
    found = found.assign(lower=found["sure"] & (found["value"] < 0), higher=found["sure"] & (found["value"] > 0))
    effects = found.groupby(keys, observed=True).agg(
        ece=("value", "mean"), lower=("lower", "sum"), higher=("higher", "sum")
    )
    return out.join(effects).astype({"lower": "Int64", "higher": "Int64"})


def prepare_forces(table: pd.DataFrame) -> pd.DataFrame:
    """What `references.forces` found in each case and set: a column a force, with ``_low`` and ``_high``, and
    ``predicted`` = own + selection, the error that the reference's gap on agreement alone would make. NaN where a
    temperature is infinite, or no interval could be made."""
    rows = _named(table[table["metric"].str.startswith("force_")])
    rows = rows.assign(metric=rows["metric"].str.removeprefix("force_"))
    wide = rows.pivot(index=["case", "set"], columns="metric", values="value").rename_axis(columns=None)
    return wide.assign(predicted=wide["own"] + wide["selection"])


def prepare_signs(table: pd.DataFrame, case: Sequence[str], method: str) -> pd.DataFrame:
    """What two references show without labels on the questions to fit on, and the ECE of a method with each.

    Parameters
    ----------
    table : rows of the experiment `references`
    case : the two cases, of one PoLM
    method : whose ``ece`` on the test questions is put beside the signs

    Returns
    -------
    DataFrame indexed by set, seed and reference (the case), for `references.chosen`
    """
    rows = _named(table[(table["seed"] >= 0) & table["method"].isin(["", method])])
    rows = rows[rows["case"].isin(case) & (rows["layers"] == layer_maps.DEFAULT)]
    rows = rows[(rows["method"] == "") | (rows["metric"] == "ece")]
    wide = rows.pivot(index=["set", "seed", "case"], columns="metric", values="value").rename_axis(columns=None)
    return wide.rename_axis(index={"case": "reference"})


def prepare_layer_maps(traces: Traces, names: Iterable[str] = layer_maps.MAPS) -> pd.DataFrame:
    """The PLM layer for each PoLM layer, (L_f, maps); the index is the PoLM layer, 1-based."""
    import pandas as pd

    maps = {name: layer_maps.layer_map(traces, name) for name in names}
    return pd.DataFrame(maps, index=pd.RangeIndex(1, traces.n_layers + 1, name="layer"))


def plot_layer_maps(panels: dict[str, pd.DataFrame], axes=None) -> np.ndarray:
    """Draw `prepare_layer_maps`, a panel a pair of models; return the axes."""
    axes = style.beside(axes, len(panels), (7.6, 3.3))
    for ax, (title, maps) in zip(axes, panels.items(), strict=True):
        for name in maps:
            colour, marker = _LOOK[name]
            look = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 0.8, "alpha": 0.9}
            style.tidy(ax).plot(maps.index, maps[name], label=name, **look)
        style.integer_ticks(ax, both=True)
        style.label(ax, "Layer of the PoLM", "Layer of the PLM" if ax is axes[0] else "", title)
    style.legend(axes[-1], loc="lower right")
    return axes


def plot_map_temperatures(table: pd.DataFrame, methods: Sequence[str], axes=None) -> np.ndarray:
    """Draw how many times as high a temperature each map gives as the default map, a panel a method.

    Parameters
    ----------
    table : rows of `prepare_references` of one case
    methods : one panel each
    """
    axes = style.beside(axes, len(methods), (7.6, 3.2))
    sets = list(dict.fromkeys(table["set"]))
    for ax, method in zip(axes, methods, strict=True):
        wide = table[table["method"] == method].pivot(index="set", columns="layers", values="temperature").loc[sets]
        style.tidy(ax).axvline(1, color=style.QUIET, linestyle=":", linewidth=1)
        for name in [name for name in _LOOK if name in wide and name != layer_maps.DEFAULT]:
            colour, marker = _LOOK[name]
            look = {"color": colour, "markersize": 8 if marker == "|" else 5, "markeredgewidth": 2, "alpha": 0.85}
            ax.plot(wide[name] / wide[layer_maps.DEFAULT], range(len(sets)), marker, label=name, **look)
        ax.set_xscale("log")
        ax.set_yticks(range(len(sets)), sets if ax is axes[0] else [])
        ax.set_ylim(len(sets) - 0.5, -0.5)
        style.label(ax, "T over that of the default map", "", method)
    low, high = (f(ax.get_xlim()[end] for ax in axes) for f, end in ((min, 0), (max, 1)))
    for ax in axes:
        ax.set_xlim(low, high)
        style.plain_ticks(ax, (0.25, 0.5, 0.7, 1, 1.5, 2, 3, 5), *ax.get_xlim())
    style.shared_legend(axes, columns=5)
    return axes


def plot_two_references(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `prepare_reference_differences` of the family "references": a row a set, a mark a method.

    Filled marks are differences that Holm's correction leaves below 0.05.
    """
    sets, methods = (list(dict.fromkeys(table[column])) for column in ("set", "method"))
    ax = style.canvas(ax, (6.2, 1.0 + 0.5 * len(sets)))
    ax.axvline(0, color=style.QUIET, linestyle=":", linewidth=1)
    for i, method in enumerate(methods):
        rows, colour = table[table["method"] == method], style.method_colour(method)
        heights = np.array([sets.index(name) for name in rows["set"]]) + 0.18 * (i - (len(methods) - 1) / 2)
        ax.hlines(heights, rows["low"], rows["high"], color=colour, linewidth=2)
        marker = style.METHOD_MARKER.get(method, "o")
        ax.plot([], [], marker, color=colour, markersize=6, label=method)
        for height, row in zip(heights, rows.itertuples(), strict=True):
            face = colour if row.p_holm < 0.05 else "white"
            ax.plot(row.value, height, marker, color=colour, markerfacecolor=face, markersize=6)
    ax.set_yticks(range(len(sets)), sets)
    ax.set_ylim(len(sets) - 0.5, -0.5)
    style.label(ax, "ECE with the own reference less that with the borrowed one", "")
    return style.legend(ax, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=4)


def plot_temperature_parts(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw `prepare_forces`: DACA's error in ln T over what the reference's gap on agreement predicts, and over that
    plus the force of dropping disagreements; on the dotted line the prediction is right."""
    known = table[table["total"].notna()]
    axes = style.beside(axes, 2, (7.6, 3.5))
    predictions = {
        "The gap on agreement": known["predicted"],
        "... and dropping": known["predicted"] + known["dropping"],
    }
    ends = [f(min_max) for f, min_max in ((min, known["total"]), (max, known["total"]))]
    for ax, (name, predicted) in zip(axes, predictions.items(), strict=True):
        span = [min(ends[0], predicted.min()), max(ends[1], predicted.max())]
        style.tidy(ax).plot(span, span, color=style.QUIET, linestyle=":", linewidth=1)
        for case, rows in known.groupby("case", sort=False):
            x = predicted.loc[rows.index]
            ax.plot(x, rows["total"], _CASE_MARKER[case], color=_CASE_COLOUR[case], markersize=6, label=case)
        style.label(ax, f"{name} (ln T)", "ln of DACA's T over the oracle's" if ax is axes[0] else "")
    axes[1].set_ylim(axes[0].get_ylim())  # the same errors in both panels, at the same height
    style.legend(axes[0], loc="upper left")
    return axes
