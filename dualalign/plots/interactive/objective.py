"""The objective explorer: Dual-Align's objective over the temperature, its two parts, and the weights of the questions.

The page holds curves on a grid of temperatures: the means of w C and (1 - w) S for the weights by name, and the plain
means of C and S, from which every fixed weight follows. The optimum is the vertex of a parabola, here as in the script.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots.interactive import widget
from dualalign.plots.interactive.objective_drawing import BINS, BOX, LOW, PARTS, POINTS, RULES, SIZE, STEP, draw

if TYPE_CHECKING:
    from dualalign.traces import Traces

NAMES = {"jsd": "1 − d/ln 2", "hard": "1 if they agree"}
TITLE = (
    "Dual-Align's objective over the temperature on {n} questions, weight {weight}, mean {mean_weight}. It is lowest "
    "at T = {lowest_total}; its confidence part alone at {lowest_confidence}, its process part at {lowest_process}. "
    "At T = {t} it is {total} nats: {confidence} from confidence and {process} from process."
)
CELLS = (
    "T = {t}",
    "weight: {weight}",
    "● total {total}",
    "lowest at T = {lowest_total}",
    "■ confidence {confidence}",
    "lowest at T = {lowest_confidence}",
    "▲ process {process}",
    "lowest at T = {lowest_process}",
)


@dataclass(frozen=True)
class ObjectiveState:
    """The objective at one temperature and weight, in nats; `lowest` is the temperature of each curve's lowest point.

    It is NaN where that point is not inside the range of 0.25 to 32. `histogram` counts the weights in 20 bins, first
    of the questions on which the models agree, then of the others.
    """

    temperature: float
    total: float
    confidence: float
    process: float
    mean_weight: float
    lowest: dict[str, float]
    value: float
    curves: dict[str, np.ndarray] = field(repr=False)
    histogram: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class ObjectiveData:
    """Curves on the grid by weight, "mean" the plain means; the mean weights; their histograms; and the questions."""

    curves: dict[str, dict[str, np.ndarray]]
    means: dict[str, float]
    histograms: dict[str, np.ndarray]
    n: int


def grid() -> np.ndarray:
    """Return the temperatures of the page."""
    return 2.0 ** (LOW + STEP * np.arange(POINTS))


def prepare_objective_grid(traces: Traces) -> ObjectiveData:
    """Evaluate both losses on the grid, in seven digits, for each weight by name and for none."""
    from dualalign.calibrators.objective import ConfidencePart, ProcessPart, confidence_weight

    weights = {name: confidence_weight(traces, name) for name in NAMES}
    sides = {name: (w, 1 - w) for name, w in weights.items()} | {"mean": (np.ones(len(traces)),) * 2}
    curves = {
        name: {"confidence": _curve(ConfidencePart(traces, c)), "process": _curve(ProcessPart(traces, s))}
        for name, (c, s) in sides.items()
    }
    agree, edges = drift.agreement(traces), np.linspace(0, 1, BINS + 1)
    counts = {n: np.array([np.histogram(w[rows], edges)[0] for rows in (agree, ~agree)]) for n, w in weights.items()}
    return ObjectiveData(curves, {name: float(w.mean()) for name, w in weights.items()}, counts, len(traces))


def _curve(part) -> np.ndarray:
    return np.array([float(f"{part(1 / t)[0]:.7g}") for t in grid()])


def objective_state(traces: Traces, temperature: float = 1.0, weight: str | float = "jsd") -> ObjectiveState:
    """Compute what the page shows at the grid's temperature nearest to this one.

    Parameters
    ----------
    traces : Traces
    weight : "jsd", "hard", or a number in 0..1, the same for every question
    """
    return _state(prepare_objective_grid(traces), temperature, weight)


def _state(data: ObjectiveData, temperature: float, weight: str | float) -> ObjectiveState:
    curves = dict(data.curves[weight] if isinstance(weight, str) else _fixed(data, weight))
    curves["total"] = curves["confidence"] + curves["process"]
    at = int(np.clip(round((np.log2(temperature) - LOW) / STEP), 0, POINTS - 1))
    lowest = {part: _lowest(curves[part]) for part in PARTS}
    values = {part: float(curves[part][at]) for part in PARTS}
    return ObjectiveState(
        temperature=float(grid()[at]),
        **values,
        mean_weight=data.means[weight] if isinstance(weight, str) else float(weight),
        lowest={part: t for part, (t, _) in lowest.items()},
        value=lowest["total"][1],
        curves=curves,
        histogram=data.histograms[weight] if isinstance(weight, str) else _one_bar(data, weight),
    )


def _fixed(data: ObjectiveData, weight: float) -> dict[str, np.ndarray]:
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}; a fixed weight lies in 0..1")
    mean = data.curves["mean"]
    return {"confidence": weight * mean["confidence"], "process": (1 - weight) * mean["process"]}


def _one_bar(data: ObjectiveData, weight: float) -> np.ndarray:
    totals = data.histograms["jsd"].sum(axis=1)
    place = min(BINS - 1, int(weight * BINS + 1e-9))
    return totals[:, None] * (np.arange(BINS) == place)


def _lowest(y: np.ndarray) -> tuple[float, float]:
    """Return temperature and value at the vertex of the parabola through the lowest point and its neighbours."""
    i = int(y.argmin())
    if i in (0, POINTS - 1):
        return float("nan"), float("nan")
    rise, bend = y[i - 1] - y[i + 1], y[i - 1] - 2 * y[i] + y[i + 1]
    shift = rise / (2 * bend) if bend > 0 else 0.0
    return float(2 ** (LOW + STEP * (i + shift))), float(y[i] - rise * shift / 4)


def objective_explorer(traces: Traces, name: str = "traces") -> str:
    """Return the interactive figure as one HTML string of under 100 kB, its cursor first at T = 2.

    ``name`` is what the traces are called in the lines of Python that a reader copies. In a notebook:
    ``IPython.display.HTML(objective_explorer(traces))``.
    """
    data = prepare_objective_grid(traces)
    state, top = _state(data, 2.0, "jsd"), _top(data)
    payload = _payload(data, top) | {
        "title": TITLE.replace("{n}", f"{data.n:,}"),
        "code": f"from dualalign import plots\nplots.objective_state({name}, {{t}}, {{code}})",
    }
    cells = "".join(f"<span>{cell}</span>" for cell in CELLS)
    note = "shown is T = 2 with Dual-Align's own weight."
    return widget.page(
        "objective", payload, _texts(state), draw(state, top), cells, _controls(widget.uid(payload)), note, SIZE, RULES
    )


def _payload(data: ObjectiveData, top: float) -> dict[str, object]:
    curves = {name: {part: y.tolist() for part, y in pair.items()} for name, pair in data.curves.items()}
    histograms = {name: counts.tolist() for name, counts in data.histograms.items()}
    first = {"at": round((1 - LOW) / STEP), "weight": "jsd"}
    content = {"low": LOW, "step": STEP, "points": POINTS, "top": top, "box": BOX, "names": NAMES, "first": first}
    return content | {"curves": curves, "means": data.means, "histograms": histograms}


def _top(data: ObjectiveData) -> float:
    """Return the top of the loss axis: a round number above every total within a factor of 2.5 of its lowest point."""
    most = 0.0
    for weight in (*NAMES, 0.0, 0.5, 1.0):
        total = _state(data, 1.0, weight).curves["total"]
        at, near = int(total.argmin()), round(np.log2(2.5) / STEP)
        most = max(most, float(total[max(0, at - near) : at + near + 1].max()))
    scale = 10.0 ** np.floor(np.log10(most or 1.0))
    return float(next(m for m in (1, 2, 4, 6, 10) if m * scale >= most) * scale)


def _texts(state: ObjectiveState) -> dict[str, str]:
    """Format the numbers of the first state as the script does."""
    found = {"t": widget.temperature_text(state.temperature), "weight": NAMES["jsd"], "code": '"jsd"'}
    found["mean_weight"] = f"{state.mean_weight:.3f}"
    for part in PARTS:
        found[part] = f"{getattr(state, part):.4f}"
        t = state.lowest[part]
        found[f"lowest_{part}"] = f"{t:.2f}" if np.isfinite(t) else "none"
    return found


def _controls(uid: str) -> str:
    slider = widget.slider(uid, "tau", "Temperature T", 0, POINTS - 1, 1, round((1 - LOW) / STEP), "T = 2.000")
    words = {"jsd": "w = 1 − d/ln 2", "hard": "w = 1 if the models agree, else 0", "fixed": "the same w for all"}
    options = "".join(f'<option value="{value}">{word}</option>' for value, word in words.items())
    label = f'<label for="{uid}-weight">Weight of the confidence part</label>'
    select = f'<select id="{uid}-weight" data-part="weight">{options}</select>'
    fixed = widget.slider(uid, "fixed", "The same w for every question", 0, 1, 0.05, 0.5, "not in use")
    return f'{slider}<div class="buttons">{widget.button("go", "To the lowest point")}</div>{label}{select}{fixed}'
