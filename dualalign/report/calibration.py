"""Confidence and correctness: reliability where labels are, and what can and cannot be known where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import plots
from dualalign.calibrators import BaseCal, TemperatureScaling
from dualalign.checks import confidence_pairs, unlabelled
from dualalign.plots import style
from dualalign.report.figures import svg_figure

if TYPE_CHECKING:
    from dualalign.report.checks import Verdict
    from dualalign.traces import Traces


def calibration_section(traces: Traces, verdict: Verdict, slider: bool = True) -> str:
    """Return the HTML; with labels reliability diagrams, each error beside its floor and interval."""
    histogram = plots.prepare_confidence(traces)
    means = " and ".join(f"{mean:.2f} ({model})" for model, mean in histogram.groupby("model")["mean"].first().items())
    text = f"Confidence of both models before any calibration, with means {means}."
    figures = [svg_figure(lambda ax: plots.plot_confidence(histogram, ax), text, text)]
    if why := unlabelled(traces):
        return f"<h3>Calibration</h3>{_without_labels(traces, verdict, why)}{figures[0]}"
    t = verdict.temperature
    shown = [("PLM", traces.plm_final, 1.0, style.PLM), ("PoLM as it is", traces.polm_final, 1.0, style.POLM)]
    if t is not None:
        shown.append((f"PoLM at T = {t:.2f}", traces.polm_final, t, style.METHOD["dual-align"]))
    pairs = [(confidence_pairs(traces, logits, at), title, colour) for title, logits, at, colour in shown]
    figures += [reliability_figure(*one) for one in pairs]
    grid = f'<div class="grid">{"".join(figures)}</div>'
    return f"<h3>Calibration</h3>{LABELLED}{grid}{_slider(traces, verdict) if slider else ''}"


def reliability_figure(pairs: tuple[np.ndarray, np.ndarray], title: str, colour: str) -> str:
    """Draw a reliability diagram of confidences and correctness; every number is in its text too."""
    data = plots.prepare_reliability(*pairs)
    text = (
        f"Reliability of the {title}: ECE {data.ece:.3f}, 95 % interval {data.interval[0]:.3f} to "
        f"{data.interval[1]:.3f}, noise floor {data.floor:.3f}, mean confidence {data.mean_confidence:.2f}, "
        f"accuracy {data.mean_accuracy:.2f}."
    )
    return svg_figure(lambda ax: plots.plot_reliability(data, ax, colour, title), text, text, (3.5, 4.0))


def likely_right(traces: Traces) -> float:
    """Return how often the PoLM would be right if the PLM's probabilities were true: BaseCal's mean confidence."""
    return float(BaseCal().fit(traces).confidence(traces).mean())


def _slider(traces: Traces, verdict: Verdict) -> str:
    marks = (
        {"fitted with labels": TemperatureScaling().fit(traces).temperature_} if (traces.labels >= 0).sum() > 1 else {}
    )
    name = {"dual-align": "Dual-Align", "daca": "DACA"}.get(verdict.calibrator.name)
    marks = ({name: verdict.temperature} if verdict.temperature and name else {}) | marks
    return f"<h4>Try a temperature</h4>{plots.temperature_slider(traces, marks)}"


def _without_labels(traces: Traces, verdict: Verdict, why: str) -> str:
    moved = "" if verdict.temperature is None else KNOWN_AFTER.format(after=f"{verdict.after:.2f}")
    known = KNOWN.format(before=f"{verdict.before:.2f}", likely=f"{likely_right(traces):.2f}", moved=moved)
    return f"<p>Calibration {why}.</p>{known}{UNKNOWN}"


LABELLED = (
    "<p>A calibrated model is right as often as it says: its points lie on the diagonal. Noise alone makes the "
    "calibration error (ECE) positive: read each beside its noise floor, what a perfectly calibrated model with the "
    "same confidences would show.</p>"
)
KNOWN = (
    "<h4>What can be known without labels</h4><ul><li>How sure the PoLM is: {before} on average{moved}.</li>"
    "<li>Whether the fit is fragile: see the checks above.</li><li>What would follow <em>if</em> the PLM were "
    "calibrated on these questions: the PoLM would be right on a share of about {likely}.</li></ul>"
)
KNOWN_AFTER = ", and {after} at the temperature"
UNKNOWN = (
    "<h4>What cannot be known</h4><ul><li>Whether either model <strong>is</strong> calibrated here, and how often it "
    "is right.</li><li>Whether the temperature helps. It makes the PoLM as confident as the PLM where the two should "
    "agree, and that is right only as far as the PLM is.</li></ul><p>Labels on a few hundred of these questions would "
    "show both: put them into the question file's <code>answer</code>, trace and report again.</p>"
)
