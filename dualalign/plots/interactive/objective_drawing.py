"""The drawing of the objective explorer's first state; `objective.js` moves the same shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style
from dualalign.plots.interactive.widget import line, text

if TYPE_CHECKING:
    from dualalign.plots.interactive.objective import ObjectiveState

LOW, STEP, POINTS = -2.0, 1 / 32, 225  # of log2 T: 0.25 to 32, 2.2 % apart
BINS = 20
SIZE = (360, 436)
BOX = {"left": 48, "width": 296, "plot": [40, 220], "weights": [336, 62]}
PARTS = {  # the shape of each at the cursor
    "total": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    "confidence": "M-4 -4h8v8h-8z",
    "process": "M0 -5L5 4H-5z",
}
LINE = "fill:none;stroke-linejoin:round;stroke:"
RULES = {
    " output": "display:grid;grid-template-columns:1fr 1fr",
    " .total": f"{LINE}{style.METHOD['dual-align']};stroke-width:2.4",
    " .confidence": f"{LINE}{style.METHOD['confidence-only']};stroke-width:1.8;stroke-dasharray:7 4",
    " .process": f"{LINE}{style.METHOD['process-only']};stroke-width:1.8;stroke-dasharray:7 3 1.5 3",
    " .spot": "fill:currentColor;stroke-width:1.5;stroke-dasharray:none",
    " .cursor": "stroke:currentColor;stroke-width:1",
    " .mark": f"fill:{style.METHOD['dual-align']};stroke:currentColor",
    " .agree": f"fill:{style.AGREE};stroke:{style.AGREE}",
    " .disagree": f"fill:none;stroke:{style.DISAGREE};stroke-width:1.4",
}


def draw(state: ObjectiveState, top: float) -> str:
    """Return the SVG's content; ``top`` is the largest loss on the axis."""
    return _frame(top) + _curves(state, top) + _weights(state)


def _x(place: float) -> float:
    return BOX["left"] + place / (POINTS - 1) * BOX["width"]


def _y(value: float, top: float) -> float:
    return BOX["plot"][0] + (1 - value / top) * BOX["plot"][1]


def _frame(top: float) -> str:
    """Draw the key, the axes and their names."""
    left, width, (y0, height), key = BOX["left"], BOX["width"], BOX["plot"], ""
    for part, start in zip(PARTS, (left, left + 76, left + 188), strict=True):
        key += (
            f'<path class="{part}" d="M{start} 8h34"/>{_spot(part, start + 17, 8)}{text(start + 39, 12, part, "start")}'
        )
    axes = f'<path class="axis" d="M{left} {y0}v{height}h{width}"/>'
    axes += "".join(text(left - 5, _y(v, top) + 4, f"{v:g}", "end") for v in (0, top / 2, top))
    axes += "".join(text(_x((k - LOW) / STEP), y0 + height + 15, f"{2.0**k:g}") for k in range(-2, 6))
    names = text(left, 30, "Mean loss (nats)", "start")
    names += text(left + width / 2, y0 + height + 31, "Temperature T (log scale)")
    y1, high = BOX["weights"]
    axes += f'<path class="axis" d="M{left} {y1 + high}h{width}"/>'
    axes += "".join(text(left + w * width, y1 + high + 15, f"{w:g}") for w in (0, 0.5, 1))
    names += text(left, y1 - 8, "Questions by weight; filled: the models agree", "start")
    return key + axes + names + text(left + width / 2, y1 + high + 31, "Weight w of the confidence part")


def _spot(part: str, x: float, y: float, name: str = "") -> str:
    part_ = f' data-part="{name}"' if name else ""
    return f'<g{part_} transform="translate({x:.2f} {y:.2f})"><path class="{part} spot" d="{PARTS[part]}"/></g>'


def _curves(state: ObjectiveState, top: float) -> str:
    """Draw the three curves, cut off at the top of the axis, the lowest point, and the cursor with a shape a curve."""
    (y0, height), x = BOX["plot"], _x(round((np.log2(state.temperature) - LOW) / STEP))
    points = {part: [(_x(i), _y(v, top)) for i, v in enumerate(state.curves[part])] for part in reversed(PARTS)}
    paths = "".join(f'<path class="{p}" data-part="{p}" d="{line(xy)}"/>' for p, xy in points.items())
    spots = "".join(_spot(part, x, _y(getattr(state, part), top), f"at-{part}") for part in PARTS)
    t, found = state.lowest["total"], np.isfinite(state.value)
    place = (np.log2(t) - LOW) / STEP if found else 0.0
    hidden = "" if found else ' style="display:none"'
    lowest = (
        f'<g data-part="optimum" transform="translate({_x(place):.2f} {_y(state.value if found else 0.0, top):.2f})"'
        f'{hidden}><path class="mark" d="M0 -6L6 0L0 6L-6 0z"/>{text(0, -11, "lowest")}</g>'
    )
    return (
        f'<svg x="0" y="{y0}" width="{SIZE[0]}" height="{height}" viewBox="0 {y0} {SIZE[0]} {height}">{paths}'
        f'<line class="cursor" data-part="cursor" x1="{x:.2f}" x2="{x:.2f}" y1="{y0}" y2="{y0 + height}"/>'
        f"{spots}{lowest}</svg>"
    )


def _weights(state: ObjectiveState) -> str:
    """Draw the histogram of the weights: agreement filled, disagreement hollow on top of it."""
    (top, height), wide, most = BOX["weights"], BOX["width"] / BINS, state.histogram.sum(axis=0).max()
    agree, disagree = (state.histogram / most * height).tolist()
    bars = {"agree": (agree, [0.0] * BINS), "disagree": (disagree, agree)}
    return "".join(
        f'<path class="{kind}" data-part="{kind}" d="'
        + "".join(
            f"M{BOX['left'] + (i + 0.1) * wide:.2f} {top + height - b:.2f}v{-h:.2f}h{0.8 * wide:.2f}v{h:.2f}z"
            for i, (h, b) in enumerate(zip(*pair, strict=True))
        )
        + '"/>'
        for kind, pair in bars.items()
    )
