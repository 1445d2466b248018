"""Where the two models part: divergence by layer, peak layers, and the stability entropy behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift, plots
from dualalign.plots import style
from dualalign.report.figures import svg_figure
from dualalign.report.html import table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

ROWS = 2048  # questions whose entropies are computed at a time
COLUMNS = {
    "jump": "Jump",
    "final": "Final divergence",
    "plm": "ISE, PLM",
    "polm": "ISE, PoLM",
    "after": "ISE, PoLM at T",
}


def prepare_entropies(traces: Traces, temperature: float | None) -> pd.DataFrame:
    """Return the stability entropies of every question beside its peak.

    Returns
    -------
    DataFrame
        `plots.prepare_peaks` with ``plm``, ``polm`` and, where there is a temperature, ``after`` (the PoLM's at it):
        mean entropy from the peak layer to the last, in nats.
    """
    peaks = plots.prepare_peaks(traces)
    readings = {"plm": (drift.matched_plm(traces), 1.0), "polm": (traces.polm_logits, 1.0)}
    readings |= {"after": (traces.polm_logits, temperature)} if temperature else {}
    layer, starts = peaks["layer"].to_numpy(), range(0, len(traces), ROWS)

    def of(logits: np.ndarray, t: float) -> np.ndarray:
        blocks = (slice(start, start + ROWS) for start in starts)
        return np.concatenate([drift.stability_entropy(logits[rows], layer[rows], t) for rows in blocks])

    return peaks.assign(**{name: of(*reading) for name, reading in readings.items()})


def plot_entropies(entropies: pd.DataFrame, temperature: float | None, ax: Axes | None = None) -> Axes:
    """Draw `prepare_entropies`: a cumulative curve for each model, and for the PoLM at the temperature."""
    ax = style.canvas(ax)
    looks = {"plm": (style.PLM, "-"), "polm": (style.POLM, "--"), "after": (style.METHOD["dual-align"], "-.")}
    share = np.arange(1, len(entropies) + 1) / len(entropies)
    places = np.unique(np.linspace(0, len(share) - 1, 400).astype(int))  # 400 steps look like all of them
    for key, name in _named(temperature).items():
        colour, dash = looks[key]
        ax.step(np.sort(entropies[key])[places], share[places], dash, where="post", color=colour, label=name)
    ax.set(xlim=(0, None), ylim=(0, 1.02))
    style.label(ax, "Stability entropy (nats)", "Share of questions at or below")
    return style.legend(ax, loc="upper left")


def _named(temperature: float | None) -> dict[str, str]:
    return {"plm": "PLM", "polm": "PoLM"} | ({"after": f"PoLM at T = {temperature:.2f}"} if temperature else {})


def drift_section(traces: Traces, temperature: float | None, label: str) -> str:
    """Return the HTML of the drift; `label` tells its table from others on the page."""
    title = "<h3>Where the two models part</h3>"
    if traces.n_layers == 1:
        return title + LAST_ONLY.format(median=f"{np.median(drift.final_divergence(traces)):.3f}")
    entropies = prepare_entropies(traces, temperature)
    figures = [_divergence(traces), *_peaks(entropies, traces.n_layers), _entropies(entropies, temperature)]
    figures += [_gaps(traces)] if (traces.labels >= 0).sum() >= 2 else []
    kept = {key: name for key, name in COLUMNS.items() if key in entropies}
    rows = [_regime(name, part, list(kept)) for name, part in entropies.groupby("regime")]
    shown = table(("Models", "Questions", "Peak layer", *kept.values()), rows, f"Drift, {label}")
    return f'{title}{DRIFT}{shown}<div class="grid">{"".join(figures)}</div>'


def _regime(name: str, part: pd.DataFrame, keys: list[str]) -> list[object]:
    medians = [float(part[key].median()) for key in keys]
    return [f"they {name}", f"{len(part):,}", f"{part['layer'].median():g}", *medians]


def _divergence(traces: Traces) -> str:
    summary = plots.prepare_layer_divergence(traces)
    last = summary[summary["layer"] == traces.n_layers]
    ends = "; ".join(f"where they {row.regime} {row.median:.3f}" for row in last.itertuples())
    text = f"Divergence by layer, median and quartiles. At the last layer, in nats: {ends}."
    return svg_figure(lambda ax: plots.plot_layer_divergence(summary, ax), text, text)


def _peaks(peaks: pd.DataFrame, n_layers: int) -> list[str]:
    regimes = peaks.groupby("regime")
    modes = "; ".join(f"where they {name} {layer.mode()[0]}" for name, layer in regimes["layer"])
    jumps = "; ".join(f"where they {name} {jump:.3f}" for name, jump in regimes["jump"].median().items())
    where = f"Peak divergence layer (PDL), where the divergence jumps most. Commonest layer: {modes}."
    size = f"Size of that jump. Median, in nats: {jumps}."
    return [
        svg_figure(lambda ax: plots.plot_peak_layers(peaks, n_layers, ax), where, where),
        svg_figure(lambda ax: plots.plot_peak_jumps(peaks, ax), size, size),
    ]


def _entropies(entropies: pd.DataFrame, temperature: float | None) -> str:
    medians = [f"{name} {entropies[key].median():.3f}" for key, name in _named(temperature).items()]
    text = f"Stability entropy (ISE), from the peak layer to the last. Median, in nats: {', '.join(medians)}."
    return svg_figure(lambda ax: plot_entropies(entropies, temperature, ax), text, text)


def _gaps(traces: Traces) -> str:
    data = plots.prepare_stability(traces)
    known = "the same everywhere" if np.isnan(data.correlation) else f"correlation {data.correlation:+.2f}"
    text = f"Over-confidence against stability entropy, {len(data.gap):,} labelled questions: {known}."
    return svg_figure(lambda ax: plots.plot_stability(data, ax), text, text)


DRIFT = (
    "<p>At every layer both models are asked what they would answer there. The table gives medians, in nats; ISE is "
    "the mean entropy of those answers from the peak layer to the last, so a low one is an early, firm decision.</p>"
)
LAST_ONLY = (
    "<p>This trace holds the last layer only, so where the two models part cannot be seen: no divergence by layer, no "
    "peak layer (PDL), no stability entropy (ISE), and no Dual-Align. <code>dualalign trace</code> reads every layer. "
    "The median divergence of the two models' answers is {median} nats.</p>"
)
