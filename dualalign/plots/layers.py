"""Drift by layer: divergence by agreement, peak layers and jumps, a map of all questions, beliefs of one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces


def regime_names(traces: Traces) -> np.ndarray:
    """Return str (N,): "agree" where both models predict the same option, else "disagree"."""
    return np.where(drift.agreement(traces), "agree", "disagree")


def prepare_layer_divergence(traces: Traces) -> pd.DataFrame:
    """Summarise the layer divergence d_l by agreement of the two models.

    Returns
    -------
    DataFrame
        Columns ``layer`` (1-based), ``regime`` ("agree", "disagree"), ``median``, ``low``, ``high`` (quartiles), in
        nats, and ``n`` questions. A regime with no question has no rows.
    """
    import pandas as pd

    divergence, regime = drift.layer_divergence(traces), regime_names(traces)
    parts = []
    for name in np.unique(regime):
        low, median, high = np.quantile(divergence[regime == name], [0.25, 0.5, 0.75], axis=0)
        rows = {"layer": np.arange(1, traces.n_layers + 1), "regime": name, "median": median, "low": low, "high": high}
        parts.append(pd.DataFrame(rows | {"n": int((regime == name).sum())}))
    return pd.concat(parts, ignore_index=True)


def plot_layer_divergence(summary: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `prepare_layer_divergence`: median line and quartile band per regime, and the largest value, ln 2."""
    ax = style.canvas(ax)
    for name, rows in summary.groupby("regime"):
        colour = style.REGIME[name]
        ax.fill_between(rows["layer"], rows["low"], rows["high"], color=colour, alpha=0.18, linewidth=0)
        ax.plot(
            rows["layer"],
            rows["median"],
            style.DASH[name],
            color=colour,
            marker=style.MARKER[name],
            markersize=4,
            label=f"{name} (n = {rows['n'].iloc[0]:,})",
        )
    ax.axhline(drift.LN2, color=style.QUIET, linestyle=":", linewidth=1)
    ax.text(1, drift.LN2, "ln 2: as far apart as can be", va="bottom", color=style.INK, fontsize=style.TICK_SIZE)
    ax.set_ylim(0, drift.LN2 * 1.1)
    style.integer_ticks(ax)
    style.label(ax, "Layer", "Divergence of the two models (nats)")
    return style.legend(ax, loc="upper left", bbox_to_anchor=(0, 0.88))


def prepare_peaks(traces: Traces) -> pd.DataFrame:
    """Find the peak divergence layer of every question.

    Returns
    -------
    DataFrame
        A row a question: ``id``, ``regime``, ``layer`` (1-based l*), ``jump`` (|d_l* - d_(l*-1)|, nats), ``final``
        (d_L, nats). With a single layer there is no jump, and ``jump`` is d_L.
    """
    import pandas as pd

    divergence = drift.layer_divergence(traces)
    layer = drift.peak_layer(divergence, "max-jump" if traces.n_layers > 1 else "max-divergence")
    steps = np.diff(divergence, axis=1, prepend=0.0)
    return pd.DataFrame(
        {
            "id": list(traces.question_ids),
            "regime": regime_names(traces),
            "layer": layer,
            "jump": np.abs(np.take_along_axis(steps, layer[:, None] - 1, axis=1)[:, 0]),
            "final": divergence[:, -1],
        }
    )


def plot_peak_layers(peaks: pd.DataFrame, n_layers: int, ax: Axes | None = None) -> Axes:
    """Draw where the peaks of `prepare_peaks` lie: the share of each regime's questions per layer."""
    ax = style.canvas(ax)
    layers = np.arange(1, n_layers + 1)
    for place, (name, rows) in enumerate(peaks.groupby("regime")):
        share = np.bincount(rows["layer"], minlength=n_layers + 1)[1:] / len(rows)
        ax.bar(
            layers + 0.4 * place - 0.2,
            share,
            width=0.38,
            color=style.REGIME[name],
            hatch="" if name == "agree" else "////",
            edgecolor=style.HATCH_EDGE,
            linewidth=0,
            label=f"{name} (n = {len(rows):,})",
        )
    style.integer_ticks(ax)
    style.label(ax, "Peak divergence layer", "Share of questions")
    return style.legend(ax, loc="upper left")


def plot_peak_jumps(peaks: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how large the jumps of `prepare_peaks` are: one cumulative curve per regime, its median marked."""
    ax = style.canvas(ax)
    for name, rows in peaks.groupby("regime"):
        jump, colour = np.sort(rows["jump"]), style.REGIME[name]
        median = float(np.median(jump))
        share = np.arange(1, len(jump) + 1) / len(jump)
        ax.step(jump, share, where="post", color=colour, linestyle=style.DASH[name])
        ax.plot(median, 0.5, style.MARKER[name], color=colour, markersize=7, label=f"{name}: median {median:.2f}")
    ax.set(xlim=(0, None), ylim=(0, 1.02))
    style.label(ax, "Largest jump between neighbouring layers (nats)", "Share of questions at or below")
    return style.legend(ax, loc="lower right")


def prepare_beliefs(traces: Traces, index: int) -> pd.DataFrame:
    """Read both models' beliefs about one question at every layer, the PLM's at the layers matched with the PoLM's.

    Returns
    -------
    DataFrame
        Columns ``model`` ("PLM", "PoLM"), ``layer`` (1-based), ``option`` (0-based), ``probability``.

    Raises
    ------
    ValueError
        For an index outside the traces.
    """
    import pandas as pd

    if not -len(traces) <= index < len(traces):
        raise ValueError(f"index is {index}, but the traces hold {len(traces)} questions; give 0 to {len(traces) - 1}")
    one = traces.select([index % len(traces)])
    layers, options = one.n_layers, int(one.n_options[0])
    grid = {"layer": np.repeat(np.arange(1, layers + 1), options), "option": np.tile(np.arange(options), layers)}
    logits = {"PLM": drift.matched_plm(one)[0, :, :options], "PoLM": one.polm_logits[0, :, :options]}
    belief = {name: np.exp(drift.log_softmax_options(z)).ravel() for name, z in logits.items()}
    parts = [pd.DataFrame({"model": name, **grid, "probability": p}) for name, p in belief.items()]
    return pd.concat(parts, ignore_index=True)


def plot_beliefs(beliefs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw `prepare_beliefs`: an option has its colour, marker and letter (at the end); PLM solid, PoLM dashed."""
    ax = style.canvas(ax)
    for (model, option), rows in beliefs.groupby(["model", "option"]):
        look = {"color": style.OPTIONS[option % 8], "marker": style.OPTION_MARKER[option % 8], "markersize": 3.5}
        ax.plot(rows["layer"], rows["probability"], style.DASH[model], linewidth=1.4, **look)
    _letter_ends(ax, beliefs)
    for model in ("PLM", "PoLM"):
        ax.plot([], [], style.DASH[model], color=style.INK, label=model)
    ax.set_ylim(0, 1.02)
    style.integer_ticks(ax)
    style.label(ax, "Layer", "Probability of the option")
    return style.legend(ax, loc="upper left")


def plot_belief_strips(beliefs: pd.DataFrame, right: int, axes=None) -> np.ndarray:
    """Draw `prepare_beliefs` with a strip for each option, the `right` one named; PLM solid and round, PoLM dashed
    and square, so that the two can be told apart without colour."""
    options = int(beliefs["option"].max()) + 1
    axes = style.panels(options, axes, height=1.2, columns=1)
    for option, ax in enumerate(axes.flat[:options]):
        for model in ("PLM", "PoLM"):
            rows = beliefs[(beliefs["option"] == option) & (beliefs["model"] == model)]
            look = {"color": style.MODEL[model], "marker": style.MARKER[model], "markersize": 3.5, "linewidth": 1.3}
            ax.plot(rows["layer"], rows["probability"], style.DASH[model], label=model, **look)
        ax.set_ylim(0, 1.02)
        style.integer_ticks(ax)
        title = f"{chr(ord('A') + option)} (right)" if option == right else chr(ord("A") + option)
        style.label(ax, "Layer" if option == options - 1 else "", "", title)
    style.legend(axes.flat[0], loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)
    return axes


def _letter_ends(ax: Axes, beliefs: pd.DataFrame) -> None:
    """Write each option's letter beside the PoLM's last belief, moved apart where two would touch."""
    last = beliefs[(beliefs["layer"] == beliefs["layer"].max()) & (beliefs["model"] == "PoLM")]
    height = -np.inf
    for row in last.sort_values("probability").itertuples():
        height = max(row.probability, height + 0.055)
        colour = style.OPTIONS[row.option % len(style.OPTIONS)]
        ax.annotate(
            chr(ord("A") + row.option),
            (row.layer, height),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            fontsize=style.LABEL_SIZE,
            fontweight="bold",
            va="center",
        )
