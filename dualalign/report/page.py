"""The HTML of a report. Every text that comes from a trace goes through `escape`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift, plots
from dualalign.checks import FEW_LABELS, confidence_pairs
from dualalign.plots import style
from dualalign.report.checks import Verdict, judge
from dualalign.report.figures import svg_figure
from dualalign.report.methods import side_by_side

if TYPE_CHECKING:
    import pandas as pd

    from dualalign.traces import Traces

LARGEST = 15  # questions in the table of the largest drift
MARKS = {"ok": "✓ holds", "care": "! care", "fail": "✗ fails", "unknown": "? unknown", "note": "i note"}


def page(named: Sequence[tuple[str, Traces]]) -> str:
    """Return the whole page for traces and their names."""
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>DualAlign report</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{Path(__file__).with_name('report.css').read_text(encoding='utf-8')}</style></head><body><main>"
    )
    body = "".join(_article(name, traces) for name, traces in named)
    return f"{head}<h1>Can this model's confidence be repaired?</h1>{body}{WORDS}</main></body></html>\n"


def _article(name: str, traces: Traces) -> str:
    try:
        verdict = judge(traces)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    parts = [_top(name, traces, verdict), _calibration(traces, verdict), _drift(traces), _questions(traces, verdict)]
    return f"<article>{''.join(parts)}{_methods(traces)}{_provenance(traces)}</article>"


def _top(name: str, traces: Traces, verdict: Verdict) -> str:
    about = f"{len(traces):,} questions, {int((traces.labels >= 0).sum()):,} of them labelled; "
    about += f"{traces.n_layers} layers" if traces.n_layers > 1 else "the last layer only"
    rows = [(c.condition, c.found, MARKS[c.state]) for c in verdict.checks]
    return (
        f"<h2>{escape(name)}</h2><p>{about}.</p>"
        f'<p class="verdict {verdict.state}"><strong>{escape(verdict.sentence)}</strong></p>'
        f"<h3>What this rests on</h3>{table(('Check', 'Found', 'State'), rows)}"
        "<p>A temperature divides the final logits, so no prediction and no accuracy changes.</p>"
    )


def _calibration(traces: Traces, verdict: Verdict) -> str:
    histogram = plots.prepare_confidence(traces)
    means = " and ".join(f"{mean:.2f} ({model})" for model, mean in histogram.groupby("model")["mean"].first().items())
    alt = f"Histogram of the confidence of both models, with means {means}."
    figures = [svg_figure(lambda ax: plots.plot_confidence(histogram, ax), alt, "Confidence before any calibration.")]
    if (traces.labels >= 0).sum() < FEW_LABELS:
        return f"<h3>Calibration</h3>{UNLABELLED}{''.join(figures)}"
    t = verdict.calibrator.temperature_
    shown = [("PLM", traces.plm_final, 1.0, style.PLM), ("PoLM as it is", traces.polm_final, 1.0, style.POLM)]
    if np.isfinite(t):
        shown.append((f"PoLM at T = {t:.2f}", traces.polm_final, t, style.METHOD["dual-align"]))
    pairs = [(confidence_pairs(traces, logits, at), title, colour) for title, logits, at, colour in shown]
    diagrams = "".join(_reliability(*one) for one in pairs)
    grid = f'{"".join(figures)}<div class="grid">{diagrams}</div>'
    return f"<h3>Calibration</h3>{LABELLED}{grid}{_slider(traces, t)}"


def _reliability(pairs: tuple[np.ndarray, np.ndarray], title: str, colour: str) -> str:
    data = plots.prepare_reliability(*pairs)
    alt = (
        f"Reliability diagram of the {title}: ECE {data.ece:.3f}, noise floor {data.floor:.3f}, "
        f"mean confidence {data.mean_confidence:.2f}, accuracy {data.mean_accuracy:.2f}."
    )
    return svg_figure(lambda ax: plots.plot_reliability(data, ax, colour, title), alt, alt, (3.8, 4.4))


def _slider(traces: Traces, temperature: float) -> str:
    from dualalign.calibrators import TemperatureScaling

    oracle = TemperatureScaling().fit(traces).temperature_
    marks = {"Dual-Align": temperature, "fitted with labels": oracle}
    return f"<h4>Try a temperature</h4>{plots.temperature_slider(traces, marks)}"


def _drift(traces: Traces) -> str:
    if traces.n_layers == 1:
        return f"<h3>Where the two models part</h3>{ONE_LAYER}"
    summary, peaks = plots.prepare_layer_divergence(traces), plots.prepare_peaks(traces)
    last = summary[summary["layer"] == traces.n_layers]
    ends = "; ".join(f"{row.regime} {row.median:.3f}" for row in last.itertuples())
    jumps = "; ".join(f"{name} {jump:.3f}" for name, jump in peaks.groupby("regime")["jump"].median().items())
    modes = "; ".join(f"{name} {layer.mode()[0]}" for name, layer in peaks.groupby("regime")["layer"])
    figures = (
        (plots.plot_layer_divergence, (summary,), f"Divergence by layer; median at the last layer, in nats: {ends}."),
        (
            plots.plot_peak_layers,
            (peaks, traces.n_layers),
            f"Where the divergence jumps most; commonest layer: {modes}.",
        ),
        (plots.plot_peak_jumps, (peaks,), f"Size of the largest jump; median, in nats: {jumps}."),
    )
    drawn = (svg_figure(lambda ax, p=plot, a=args: p(*a, ax=ax), text, text) for plot, args, text in figures)
    return f'<h3>Where the two models part</h3><div class="grid">{"".join(drawn)}</div>'


def _questions(traces: Traces, verdict: Verdict) -> str:
    peaks = plots.prepare_peaks(traces).assign(
        group=list(traces.groups) or "",
        plm=np.exp(drift.log_softmax_options(traces.plm_final)).max(axis=1),
        polm=np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1),
        after=verdict.calibrator.confidence(traces),
        right=np.where(traces.labels < 0, "", np.where(traces.polm_final.argmax(axis=1) == traces.labels, "yes", "no")),
    )
    largest = peaks.sort_values("jump", ascending=False, kind="stable").head(LARGEST)
    names = (
        "Question",
        "Group",
        "Models",
        "Peak layer",
        "Jump",
        "Final divergence",
        "PLM",
        "PoLM",
        "PoLM at T",
        "Right",
    )
    keys = ("id", "group", "regime", "layer", "jump", "final", "plm", "polm", "after", "right")
    rows = [[cell(row[key]) for key in keys] for row in largest.to_dict("records")]
    text = "Divergence and jump in nats; the columns PLM, PoLM and PoLM at T are confidences; right: the PoLM's answer."
    return f"<h3>The {len(rows)} questions with the largest drift</h3>{table(names, rows)}<p>{text}</p>"


def _methods(traces: Traces) -> str:
    results, how = side_by_side(traces)
    names = ("Method", "T", "Mean confidence", "ECE", "95 % interval", "Noise floor", "Brier", "NLL (nats)", "Note")
    rows = [_method_row(row) for row in results.to_dict("records")]
    kept = [i for i in range(len(names)) if any(row[i] for row in rows)]  # without labels most columns are empty
    names, rows = [names[i] for i in kept], [[row[i] for i in kept] for row in rows]
    judged = results.dropna(subset="value")
    figure = _methods_figure(judged) if len(judged) else ""
    return f"<h3>Methods side by side</h3><p>{how}</p>{figure}{table(names, rows)}"


def _method_row(row: dict) -> list[str]:
    span = "" if np.isnan(row["low"]) else f"{row['low']:.3f} to {row['high']:.3f}"
    numbers = [cell(row.get(key, np.nan)) for key in ("temperature", "confidence", "value")]
    return [
        row["method"],
        *numbers,
        span,
        *(cell(row.get(key, np.nan)) for key in ("floor", "brier", "nll")),
        row["note"],
    ]


def _methods_figure(judged: pd.DataFrame) -> str:
    ordered = plots.prepare_methods(judged)
    ends = "; ".join(f"{row.method} {row.value:.3f}" for row in ordered.itertuples())
    text = f"ECE with 95 % interval and noise floor: {ends}."
    size = (4.8, 0.8 + 0.3 * len(ordered))
    return svg_figure(lambda ax: plots.plot_methods(ordered, ax), text, text, size)


def _provenance(traces: Traces) -> str:
    rows = [(key, value) for key, value in sorted(traces.metadata.items()) if value]
    return f"<h3>Where this comes from</h3>{table(('Field of the trace', 'Value'), rows)}"


def cell(value: object) -> str:
    """Return a number with three decimals, nothing for NaN, and anything else as text."""
    if isinstance(value, float):
        return "" if np.isnan(value) else "no finite optimum" if np.isinf(value) else f"{value:.3f}"
    return str(value)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table that scrolls on its own where the page is narrow; every cell is escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" role="region" aria-label="Table: {escape(names[0])}" tabindex="0">{table}</div>'


ONE_LAYER = (
    "<p>This trace holds the last layer only, so where the two models part cannot be seen, and the methods that need "
    "the inner layers have no result. The jump of a question is then its final divergence.</p>"
)
LABELLED = (
    "<p>A calibrated model is right as often as it says. Noise alone makes the calibration error (ECE) positive: read "
    "each beside its noise floor, what a perfectly calibrated model with the same confidences would show.</p>"
)
UNLABELLED = (
    "<p>Without labels on these questions it <strong>cannot be known</strong> whether either model is calibrated, "
    "nor whether the temperature helps. It makes the PoLM as confident as the PLM where the two should agree, and that "
    "is calibrated only if the PLM is. Labels on a few hundred of these questions would show it.</p>"
)
WORDS = (
    "<details><summary>Words on this page</summary><dl>"
    "<dt>PLM, PoLM</dt><dd>The pre-trained language model, and the post-trained one made from it.</dd>"
    "<dt>Confidence</dt><dd>The probability that a model gives to the option "
    "it predicts.</dd>"
    "<dt>Temperature T</dt><dd>What the PoLM's logits are divided by; above 1 it lowers confidence.</dd>"
    "<dt>ECE</dt><dd>Expected calibration error: the mean gap between confidence and accuracy over ten bins. Its "
    "interval corrects for noise, so it may lie below the value itself.</dd>"
    "<dt>Divergence</dt><dd>Jensen-Shannon divergence of both models' beliefs at a layer, 0 to ln 2 = 0.693 nats.</dd>"
    "<dt>Peak layer</dt><dd>The layer at which the divergence changes most from the layer before.</dd>"
    "</dl></details>"
)
