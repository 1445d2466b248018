"""A temperature slider over a reliability diagram: one HTML string that needs no kernel and no network.

The page holds the gaps between each question's best logit and its others, rounded to 3 decimals, so the browser
recomputes every number exactly as `slider_state` does; the first state is drawn here, for readers without scripts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from dualalign import metrics
from dualalign.plots import style
from dualalign.plots.interactive import widget
from dualalign.plots.interactive.widget import STEP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dualalign.traces import Traces

SYMBOLS = "◆●★▲■▼"
LIMIT = 1500  # questions in one page: about 25 kB at four options
BOX = {"left": 48, "top": 62, "size": 300, "strip": 40, "stripBase": 54, "curve": 66, "curveBase": 498}
TITLE = (
    "Reliability diagram of {n} questions: at T = {t} the ECE is {ece}, the mean confidence {confidence} and the "
    "accuracy {accuracy}. Below it, the ECE over the temperature."
)
NUMBERS = "T = {t}, ECE {ece}, mean confidence {confidence}, accuracy {accuracy} on {n} questions"
RULES = {
    " .strip": f"fill:{style.POLM};opacity:.6",
    " .gap": f"stroke:{style.POLM};stroke-width:7;opacity:.3",
    " .interval": f"stroke:{style.POLM};stroke-width:1.6",
    " .point": f"fill:{style.POLM};stroke:currentColor",
    " .curve": f"fill:none;stroke:{style.POLM};stroke-width:2",
}


@dataclass(frozen=True)
class SliderData:
    """What the slider's page holds.

    Attributes
    ----------
    gaps : (M, K - 1) int array
        Best logit minus each other, in thousandths, ascending; -1 where a question has fewer options.
    correct : (M,) bool array
    edges : (B + 1,) array
        Bins [low, high) over [0, 1], the last one closed.
    marks : dict of str to float
        Named temperatures, each with its own button.
    total : int
        Labelled questions of the traces, of which the page holds M.
    """

    gaps: np.ndarray
    correct: np.ndarray
    edges: np.ndarray
    marks: dict[str, float]
    total: int


@dataclass(frozen=True)
class SliderState:
    """The diagram at one temperature: per bin the count, sum of confidences and number right; and the totals."""

    ece: float
    confidence: float
    accuracy: float
    count: np.ndarray = field(repr=False)
    confidence_sum: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)


def prepare_slider(
    traces: Traces, marks: Mapping[str, float] | None = None, bins: int = 10, limit: int = LIMIT, seed: int = 0
) -> SliderData:
    """Take what the slider needs from the labelled questions of a trace.

    Parameters
    ----------
    traces : Traces
    marks : mapping of str to float
        Named temperatures for the buttons; "T = 1" is added where no mark is 1, and those that are not finite are
        left out.
    bins : int
    limit : int
        Above this many labelled questions a seeded random sample of them is shown, and the page says so.

    Raises
    ------
    ValueError
        Where no question has a label, or a temperature is not positive.
    """
    known = np.flatnonzero(traces.labels >= 0)
    if not known.size:
        raise ValueError("traces hold no known label; a reliability diagram needs labelled questions")
    shown = np.sort(np.random.default_rng(seed).choice(known, limit, replace=False)) if known.size > limit else known
    logits = traces.polm_final[shown].astype(np.float64)
    gaps = np.sort(logits.max(axis=1, keepdims=True) - logits, axis=1)[:, 1:]
    whole = np.where(np.isfinite(gaps), np.rint(np.where(np.isfinite(gaps), gaps, 0) * 1000), -1).astype(np.int64)
    correct = logits.argmax(axis=1) == traces.labels[shown]
    return SliderData(whole, correct, metrics.bin_edges(bins), _marks(marks or {}), int(known.size))


def _marks(marks: Mapping[str, float]) -> dict[str, float]:
    wrong = [name for name, t in marks.items() if not t > 0]
    if wrong:
        raise ValueError(f"marks: {wrong[0]!r} is {marks[wrong[0]]}; a temperature is positive")
    finite = {name: float(widget.temperature_text(t)) or float(t) for name, t in marks.items() if np.isfinite(t)}
    return finite if 1.0 in finite.values() else {"T = 1": 1.0} | finite


def slider_state(data: SliderData, temperature: float) -> SliderState:
    """Compute what the page shows at one temperature."""
    others = np.where(data.gaps >= 0, np.exp(-np.maximum(data.gaps, 0) / 1000 / temperature), 0.0)
    confidence = 1 / (1 + others.sum(axis=1))
    bins = len(data.edges) - 1
    index = metrics.equal_width(confidence, bins)
    count = np.bincount(index, minlength=bins)
    total, right = np.bincount(index, confidence, bins), np.bincount(index, data.correct, bins)
    ece = float(np.abs(total - right).sum() / len(confidence))
    return SliderState(ece, float(confidence.mean()), float(data.correct.mean()), count, total, right)


def temperature_slider(
    traces: Traces,
    marks: Mapping[str, float] | None = None,
    bins: int = 10,
    limit: int = LIMIT,
    seed: int = 0,
    name: str = "traces",
) -> str:
    """Return the interactive figure as one HTML string of under 100 kB; parameters as `prepare_slider`.

    ``name`` is what the traces are called in the lines of Python that a reader copies. The same input gives the same
    bytes. In a notebook: ``IPython.display.HTML(temperature_slider(traces))``.
    """
    prepare = widget.call("plots.prepare_slider", name, bins=(bins, 10), limit=(limit, LIMIT), seed=(seed, 0))
    code = f"from dualalign import plots\nplots.slider_state({prepare}, {{t}})"
    return slider_html(prepare_slider(traces, marks, bins, limit, seed), code)


def slider_html(data: SliderData, code: str) -> str:
    """Return the page of `prepare_slider`'s data, with a template of the code that a reader copies."""
    low, high = _range(data)
    grid = np.linspace(low, high, 81)
    curve = np.array([slider_state(data, 2.0**g).ece for g in grid])
    payload = _payload(data, low, high, float(curve.max()) * 1.15 or 1.0) | {"title": TITLE, "code": code}
    state = slider_state(data, 1.0)
    texts = {"t": widget.temperature_text(1.0), "n": f"{len(data.correct):,}"}
    texts |= {name: f"{getattr(state, name):.3f}" for name in ("ece", "confidence", "accuracy")}
    sample = "" if len(data.correct) == data.total else f" (a random sample of {data.total:,})"
    svg = _frame() + _bins(state) + _curve(data, grid, curve, state.ece)
    controls, note = _controls(widget.uid(payload), data, low, high), "shown is T = 1."
    return widget.page("slider", payload, texts, svg, NUMBERS + sample, controls, note, (360, 540), RULES)


def _range(data: SliderData) -> tuple[float, float]:
    """Return the slider's range in log2 T: 1/4 to 16, widened to hold every mark."""
    values = list(data.marks.values())
    low, high = np.log2([min(0.25, min(values) / 1.25), max(16.0, max(values) * 1.25)])
    return float(np.floor(low / STEP) * STEP), float(np.ceil(high / STEP) * STEP)  # so that T = 1 is on a step


def _payload(data: SliderData, low: float, high: float, top: float) -> dict[str, object]:
    gaps = ";".join(",".join(str(gap) for gap in row if gap >= 0) for row in data.gaps)
    correct = "".join("1" if right else "0" for right in data.correct)
    content = {"gaps": gaps, "correct": correct, "edges": data.edges.tolist(), "low": low, "high": high}
    return content | {"curveTop": top, "box": BOX, "marks": data.marks}


def _px(value: float) -> str:
    return f"{BOX['left'] + value * BOX['size']:.2f}"


def _py(value: float) -> str:
    return f"{BOX['top'] + (1 - value) * BOX['size']:.2f}"


def _text(x: float | str, y: float | str, content: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{extra}>{content}</text>'


def _frame() -> str:
    """Draw the diagonal, the axes and their names."""
    left, bottom = BOX["left"], BOX["top"] + BOX["size"]
    lines = f'<path class="axis" d="M{left} {BOX["top"]}V{bottom}H{left + BOX["size"]}"/>'
    lines += f'<path class="quiet" d="M{_px(0)} {_py(0)}L{_px(1)} {_py(1)}"/>'
    ticks = "".join(_text(_px(v), bottom + 15, f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1))
    ticks += "".join(_text(left - 6, f"{float(_py(v)) + 4:.2f}", f"{v:g}", "end") for v in (0, 0.25, 0.5, 0.75, 1))
    middle = f"{float(_py(0.5)):.0f}"
    names = _text(_px(0.5), bottom + 32, "Confidence") + _text(_px(0), 10, "Questions per bin", "start")
    return lines + ticks + names + _text(12, middle, "Accuracy", extra=f' transform="rotate(-90 12 {middle})"')


def _bins(state: SliderState) -> str:
    """Draw one group a bin: its count, gap to the diagonal, interval and point; empty bins are hidden."""
    bins, most = len(state.count), state.count.max()
    low, high = metrics.wilson(state.right, state.count)
    groups = []
    for i, n in enumerate(state.count):
        height = n / most * BOX["strip"]
        share, mean = (state.right[i] / n, state.confidence_sum[i] / n) if n else (0.0, 0.0)
        ends = (low[i], high[i]) if n else (0.0, 0.0)
        hide = "" if n else ' style="display:none"'
        x, y = _px(mean), _py(share)
        groups.append(
            f'<g data-part="bin"><rect class="strip" x="{_px((i + 0.05) / bins)}" '
            f'width="{0.9 / bins * BOX["size"]:.2f}" '
            f'y="{BOX["stripBase"] - height:.2f}" height="{height:.2f}"/>'
            f'<line class="gap" x1="{x}" x2="{x}" y1="{y}" y2="{_py(mean)}"{hide}/>'
            f'<line class="interval" x1="{x}" x2="{x}" y1="{_py(ends[0])}" y2="{_py(ends[1])}"{hide}/>'
            f'<circle class="point" r="4.5" cx="{x}" cy="{y}"{hide}/></g>'
        )
    return "".join(groups)


def _curve(data: SliderData, grid: np.ndarray, curve: np.ndarray, ece: float) -> str:
    """Draw ECE over log T, a line a mark, and the cursor."""
    low, high, top = grid[0], grid[-1], float(curve.max()) * 1.15 or 1.0
    base, left = BOX["curveBase"], BOX["left"]

    def at(t: float) -> float:
        return (np.log2(t) - low) / (high - low)

    def height(e: float) -> str:
        return f"{base - e / top * BOX['curve']:.2f}"

    points = " ".join(f"{_px((g - low) / (high - low))},{height(e)}" for g, e in zip(grid, curve, strict=True))
    marks = "".join(
        f'<line class="quiet" x1="{_px(at(t))}" x2="{_px(at(t))}" y1="{base - BOX["curve"]}" y2="{base}"/>'
        + _text(_px(at(t)), base - BOX["curve"] - 4 - 11 * (place % 2), symbol)  # neighbours on two heights
        for place, (symbol, t) in enumerate(zip(SYMBOLS, data.marks.values(), strict=False))
    )
    ticks = "".join(_text(_px(at(t)), base + 15, f"{t:g}") for t in (0.25, 1, 4, 16))
    names = _text(_px(0.5), base + 31, "Temperature T (log scale)")
    names += _text(left - 6, base + 4, "0", "end") + _text(
        left - 6, f"{float(height(top / 1.15)) + 4:.2f}", f"{top / 1.15:.2f}", "end"
    )
    names += _text(12, base - 33, "ECE", extra=f' transform="rotate(-90 12 {base - 33})"')
    axis = f'<path class="axis" d="M{left} {base - BOX["curve"]}V{base}H{left + BOX["size"]}"/>'
    cursor = f'<circle data-part="cursor" class="point" r="5" cx="{_px(at(1.0))}" cy="{height(ece)}"/>'
    return axis + marks + f'<polyline class="curve" points="{points}"/>' + ticks + names + cursor


def _controls(uid: str, data: SliderData, low: float, high: float) -> str:
    buttons = "".join(
        widget.button(
            "mark", f"{symbol} {escape(name)}{'' if name == f'T = {t:g}' else f' (T = {t:.2f})'}", t, t == 1.0
        )
        for symbol, (name, t) in zip(SYMBOLS, data.marks.items(), strict=False)
    )
    slider = widget.slider(uid, "slider", "Temperature T", low, high, STEP, 0, "T = 1.000")
    return f'{slider}<div class="buttons">{buttons}</div>'
