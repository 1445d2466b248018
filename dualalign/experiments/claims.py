"""The effects that the papers' claims are about, of each trace: drift, stability, accuracy, open answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .. import change, drift, judged, metrics, protocol
from ..calibrators import AlignAll, DualAlign
from ..metrics import Difference
from ..traces import Traces
from . import main
from .unit import MAIN, Experiment, Name, Row, Units, tidy

OPEN_ENDED = Name(MAIN, "nq-open", "p-true")


def units(names: Sequence[Name]) -> Units:
    """Every pair on every set in its own style, and the open-ended answers."""
    return {str(name): (name,) for name in names if name.own_style or name == OPEN_ENDED}


def rows(unit: str, read: Mapping[Name, Traces], draws: int = 2000) -> Iterator[Row]:
    """All rows of one trace; those of the open-ended answers are those of the main comparison, too."""
    ((name, traces),) = read.items()
    if name == OPEN_ENDED:
        traces = judged.by_question(traces)  # several answers to one question stay on one side of a split
    for effect, found in effects(traces, draws).items():
        parts = {"": found.value, "_low": found.low, "_high": found.high}
        yield from tidy(name, {f"{effect}{end}": value for end, value in parts.items()}, n=len(traces))
    yield from tidy(name, {"predictions_changed": predictions_changed(traces)}, method="dual-align", n=len(traces))
    if name == OPEN_ENDED:
        found = judged.signal(traces, "polm", draws=draws)
        parts = {"signal": found.value, "signal_low": found.low, "signal_high": found.high}
        yield from tidy(name, parts, method="polm", n=len(traces))
        yield from main.rows(unit, {name: traces})


def effects(traces: Traces, draws: int = 2000) -> dict[str, Difference]:
    """The effects of one labelled trace, each with a 95 % bootstrap interval over questions; the fits stay as they are.

    ``inflation`` claim 1: rise of confidence less rise of accuracy (probability). Claim 2, medians on disagreement less
    those on agreement: ``divergence`` of the last layer and ``jump`` at the peak layer (nats), ``jump_share`` of all
    the movement between neighbouring layers. ``ise_overconfidence`` claim 3: Pearson's correlation of the PoLM's
    stability entropy with its confidence less correctness; negative where low entropy goes with over-confidence.
    ``disagreement_gap`` claim 4: mean confidence less accuracy, of all questions, once the PoLM was aligned on the
    disagreeing ones alone; ``agreement_gap`` on the agreeing ones alone (DACA).
    """
    divergence, agree = drift.layer_divergence(traces), drift.agreement(traces)
    jump = change.largest_jump(traces)
    movement = np.abs(np.diff(divergence, axis=1)).sum(axis=1)
    share = np.divide(jump, movement, out=np.zeros_like(jump), where=movement > 0)
    contrasted = {"divergence": divergence[:, -1], "jump": jump, "jump_share": share}
    found = {name: change.regime_contrast(values, agree, draws) for name, values in contrasted.items()}
    return {
        "inflation": change.inflation(traces, draws)["inflation"],
        **found,
        "ise_overconfidence": stability_against_overconfidence(traces, draws),
        "disagreement_gap": gap_after_aligning(traces, ~agree, draws),
        "agreement_gap": gap_after_aligning(traces, agree, draws),
    }


def gap_after_aligning(traces: Traces, rows: np.ndarray, draws: int = 2000) -> Difference:
    """Mean confidence less accuracy over all questions, once the PoLM was aligned with the PLM on some rows alone."""
    if rows.sum() < AlignAll.least:
        return Difference(np.nan, np.nan, np.nan)
    found = protocol.answers(AlignAll().fit(traces.select(rows)), traces)
    confidence, correct = metrics.top_label(found.values, found.outcomes)
    gap = confidence - correct
    return Difference(float(gap.mean()), *metrics.interval(np.mean, gap, draws=draws))


def stability_against_overconfidence(traces: Traces, draws: int = 2000) -> Difference:
    """Correlation of ISE_f(x; 1) with the PoLM's confidence less its correctness, and its interval.

    Zero on average for a calibrated model, whose excess is zero whatever it says. A rank correlation is not: among the
    right answers as among the wrong ones the excess falls with the entropy.
    """
    entropy = drift.stability_entropy(traces.polm_logits, drift.peak_layer(traces))
    confidence, correct = metrics.top_label(np.exp(drift.log_softmax_options(traces.polm_final)), traces.labels)
    excess = confidence - correct
    low, high = metrics.interval(correlation, entropy, excess, draws=draws)
    return Difference(correlation(entropy, excess), low, high)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; NaN where one of the two is constant."""
    x, y = a - a.mean(), b - b.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else np.nan


def predictions_changed(traces: Traces) -> float:
    """Claim 9: the share of questions whose prediction differs once Dual-Align's temperature is applied."""
    calibrated = protocol.answers(DualAlign().fit(traces), traces).values
    return float((calibrated.argmax(axis=1) != traces.polm_final.argmax(axis=1)).mean())


EXPERIMENT = Experiment("claims", "the effects that the claims are about, on every pair and set", units, rows)
