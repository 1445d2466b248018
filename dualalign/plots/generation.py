"""Beyond the last prompt token: temperatures over a whole vocabulary, sampled text, and other places to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTHS = ("entropy", "option_entropy", "mass", "nucleus")
SAMPLED = {
    "entropy": "Entropy (nats a token)",
    "nucleus": "Nucleus (tokens)",
    "option": "First token an option (share)",
    "distinct_2": "Distinct pairs of tokens (share)",
    "repetition": "Repeated tokens (share)",
    "logp_plm": "Log-probability by the PLM (nats)",
}


def prepare_widths(exact: pd.DataFrame) -> pd.DataFrame:
    """Average the PoLM's distributions behind the last prompt token over the questions, by temperature.

    Returns
    -------
    DataFrame
        Indexed by temperature: ``chosen_by`` and, for each of `WIDTHS`, its mean over questions, and ``_low`` and
        ``_high``, their 10 % and 90 % quantiles.
    """
    import pandas as pd

    groups = exact[exact["model"] == "PoLM"].groupby("temperature")
    columns = {"chosen_by": groups["chosen_by"].first()}
    for name in WIDTHS:
        ends = {f"{name}_low": groups[name].quantile(0.1), f"{name}_high": groups[name].quantile(0.9)}
        columns |= {name: groups[name].mean()} | ends
    return pd.DataFrame(columns)


def plot_widths(exact: pd.DataFrame, vocabulary: int, axes=None) -> np.ndarray:
    """Draw entropy, the options' probability and the nucleus by temperature; return the three axes.

    Parameters
    ----------
    exact : DataFrame
        A row a (model, temperature, question) with `WIDTHS` and ``chosen_by``.
    vocabulary : int
        Number of tokens, for the line of the uniform distribution.
    """
    table = prepare_widths(exact)
    axes = _loose_panels(3, 3.0) if axes is None else axes
    entropy, mass, nucleus = axes.flat[:3]
    _band(entropy, table, "entropy", style.POLM, "o-", "vocabulary")
    _band(entropy, table, "option_entropy", style.PLM, "s--", "options alone")
    entropy.axhline(np.log(vocabulary), color=style.QUIET, linestyle=":", linewidth=1)
    _band(mass, table, "mass", style.POLM, "o-")
    _band(nucleus, table, "nucleus", style.POLM, "o-")
    nucleus.axhline(vocabulary, color=style.QUIET, linestyle=":", linewidth=1)
    nucleus.set_yscale("log")
    names = ("Entropy (nats)", "Probability of the options", "Nucleus of 0.9 (tokens)")
    for ax, name in zip((entropy, mass, nucleus), names, strict=True):
        _temperature_axis(ax, table)
        style.label(ax, "Temperature", name)
    style.legend(entropy, loc="upper left", bbox_to_anchor=(0, 0.9))
    return axes


def _band(ax: Axes, table: pd.DataFrame, name: str, colour: str, line: str, label: str | None = None) -> None:
    ax.fill_between(table.index, table[f"{name}_low"], table[f"{name}_high"], color=colour, alpha=0.18, linewidth=0)
    ax.plot(table.index, table[name], line, color=colour, markersize=4, linewidth=1.4, label=label)


def _temperature_axis(ax: Axes, table: pd.DataFrame) -> None:
    """A logarithmic axis with whole numbers, and a line at each temperature that a method chose."""
    ax.set_xscale("log")
    ticks = [t for t in (1, 2, 4, 8) if table.index.min() <= t <= table.index.max()]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.set_xticks([], minor=True)
    for method in ("temperature-scaling", "dual-align"):
        for temperature in table.index[table["chosen_by"] == method]:
            ax.axvline(temperature, color=style.method_colour(method), linewidth=1, linestyle="--", zorder=0)


def plot_sampled(table: pd.DataFrame, names: Mapping[str, str], axes=None) -> np.ndarray:
    """Draw `continuations.by_setting`: a panel a figure of `SAMPLED`, intervals over questions; return the axes.

    Parameters
    ----------
    names : dict of str
        What to call each way of choosing the temperature, in the order to draw.
    """
    axes = _loose_panels(len(SAMPLED), 2.7) if axes is None else axes
    for ax, (column, title) in zip(axes.flat, SAMPLED.items(), strict=False):
        for i, (top_p, marker, shift) in enumerate(((1.0, "o", -0.12), (0.9, "s", 0.12))):
            rows = table.xs(top_p, level="top_p").droplevel("temperature").loc[list(names)]
            colour, x = (style.POLM, style.PLM)[i], np.arange(len(rows)) + shift
            ax.vlines(x, rows[f"{column}_low"], rows[f"{column}_high"], color=colour, linewidth=2)
            ax.plot(x, rows[column], marker, color=colour, markersize=5, label=f"top-p {top_p:g}")
        ax.set_xticks(np.arange(len(names)), list(names.values()))
        ax.set_xlim(-0.5, len(names) - 0.5)
        if column == "nucleus":
            ax.set_yscale("log")
        style.label(ax, "", "", title)
    style.legend(axes.flat[list(SAMPLED).index("option")], loc="best")
    return axes


def _loose_panels(n: int, height: float) -> np.ndarray:
    """Panels, three a row, whose scales are their own."""
    import matplotlib.pyplot as plt

    rows = -(-n // 3)
    axes = plt.subplots(rows, 3, figsize=(9.3, height * rows), layout="constrained", squeeze=False)[1]
    return style.panels(n, axes)


def prepare_offsets(models: pd.DataFrame, fits: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Put everything that is known of each place beside it.

    Parameters
    ----------
    models : DataFrame
        `protocol.both_models` of the places: ``set`` (an offset from the prompt's end, 0 the last token) and ``model``.
    fits : DataFrame
        A row a (reading, method, seed), readings ``offset-j``, with ``temperature``.
    layers : DataFrame
        A row a (reading, layer, regime) with ``divergence``.

    Returns
    -------
    DataFrame
        Indexed by offset: ``accuracy``, ``confidence``, ``ece``, ``ece_low``, ``ece_high`` and ``ece_floor`` of either
        model (``_PLM``, ``_PoLM``), ``agreement``, ``divergence`` (last layer, nats), and the median temperature of
        each method over its splits (``T_daca``, ...).
    """
    sides = models.pivot(index="set", columns="model")
    table = sides[["accuracy", "confidence", "ece", "ece_low", "ece_high", "ece_floor"]]
    table = table.set_axis(["_".join(pair) for pair in table.columns], axis=1).set_axis(table.index.astype(int))
    table["agreement"] = sides["agreement"]["PoLM"].to_numpy()
    layers = _at_offsets(layers[layers["regime"] == "all"])
    last = layers[layers["layer"] == layers["layer"].max()].set_index("offset")["divergence"]
    fits = _at_offsets(fits[fits["method"] != "vanilla"])
    medians = fits.groupby(["offset", "method"])["temperature"].median().unstack()
    return table.assign(divergence=last).join(medians.add_prefix("T_")).sort_index()


def _at_offsets(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of readings ``offset-j``, with j."""
    rows = table[table["reading"].str.startswith("offset-")]
    return rows.assign(offset=rows["reading"].str.removeprefix("offset-").astype(int))


def plot_offsets(table: pd.DataFrame, axes=None) -> np.ndarray:
    """Draw `prepare_offsets`: accuracy and confidence, ECE with interval and floor, agreement and divergence, and T."""
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(2, 2, figsize=(7.4, 5.6), layout="constrained", sharex=True)[1]
        style.panels(4, axes)
    where = table.index.to_numpy()
    for model in ("PLM", "PoLM"):
        look = {"color": style.MODEL[model], "marker": style.MARKER[model], "markersize": 5, "linewidth": 1.4}
        axes.flat[0].plot(where, table[f"accuracy_{model}"], linestyle="-", label=f"{model} accuracy", **look)
        open_look = look | {"markerfacecolor": "white"}
        axes.flat[0].plot(where, table[f"confidence_{model}"], linestyle="--", label=f"{model} confidence", **open_look)
        axes.flat[1].plot(where, table[f"ece_{model}"], linestyle=style.DASH[model], label=model, **look)
        axes.flat[1].vlines(where, table[f"ece_low_{model}"], table[f"ece_high_{model}"], color=look["color"], lw=2)
        axes.flat[1].plot(where, table[f"ece_floor_{model}"], ":", color=look["color"], linewidth=1.2)
    axes.flat[2].plot(where, table["agreement"], "o-", color=style.AGREE, markersize=5, label="agreement (share)")
    axes.flat[2].plot(where, table["divergence"], "^--", color=style.DISAGREE, markersize=5, label="divergence (nats)")
    for column in (c for c in table if c.startswith("T_")):
        name = column.removeprefix("T_")
        look = {"color": style.method_colour(name), "marker": style.METHOD_MARKER.get(name, "o"), "markersize": 5}
        axes.flat[3].plot(where, table[column], linewidth=1.4, label=name, **look)
    _whole_log_ticks(axes.flat[3])
    titles = ("Accuracy and confidence", "ECE (dotted: noise floor)", "The two models", "Temperature")
    low, high = axes.flat[0].get_ylim()
    axes.flat[0].set_ylim(low, high + 0.35 * (high - low))  # room for four lines' names
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_xticks(where)
        ax.set_xlim(where.max() + 0.4, where.min() - 0.4)  # the prompt's end on the right, as it is read
        style.label(ax, "", "", title)
        style.legend(ax, **({"loc": "upper center", "ncols": 2} if ax is axes.flat[0] else {"loc": "best"}))
    for ax in axes[1]:
        style.label(ax, "Tokens before the prompt's end", "", ax.get_title(loc="left"))
    return axes


def _whole_log_ticks(ax: Axes) -> None:
    """A logarithmic axis with whole numbers for its ticks."""
    low, high = ax.get_ylim()
    ax.set_yscale("log")
    ticks = [t for t in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100) if low <= t <= high]
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.set_yticks([], minor=True)


def plot_place_layers(layers: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the mean divergence of the two models by place and layer, as a map in nats."""
    rows = _at_offsets(layers[layers["regime"] == "all"])
    table = rows.pivot(index="layer", columns="offset", values="divergence")
    table = table[sorted(table.columns, reverse=True)]
    ax = style.canvas(ax, (5.4, 3.6))
    picture = ax.pcolormesh(np.arange(table.shape[1]), table.index, table.to_numpy(), cmap="cividis", shading="nearest")
    ax.set_xticks(np.arange(table.shape[1]), [str(c) for c in table.columns])
    bar = ax.figure.colorbar(picture, ax=ax)
    bar.set_label("Mean divergence (nats)", color=style.INK, fontsize=style.LABEL_SIZE)
    bar.ax.tick_params(colors=style.INK, labelsize=style.TICK_SIZE)
    return style.label(ax, "Tokens before the prompt's end", "Layer")
