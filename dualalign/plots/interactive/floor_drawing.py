"""The drawing of the noise-floor explorer's first state; `floor.js` moves the same shapes.

Left the errors over the number of questions, right their histogram at the chosen number, both on one log axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style
from dualalign.plots.interactive.widget import dots, line, text

if TYPE_CHECKING:
    from dualalign.plots.interactive.floor import FloorState

SIZES = (10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000)
LOW, HIGH, LEVELS = 0.002, 0.8, 36  # of the ECE axis, and bars of the histogram
SIZE = (360, 348)
BOX = {"left": 46, "fan": 208, "side": 270, "wide": 76, "top": 44, "height": 250}
DIAMOND = "M0 -6L6 0L0 6L-6 0z"
RULES = {
    " output": "display:grid;grid-template-columns:1fr 1fr",
    " output span:last-child": "grid-column:1/3",
    " .band": f"fill:{style.PLM};fill-opacity:.22",
    " .mean": f"fill:none;stroke:{style.PLM};stroke-width:2",
    " .floor": f"stroke:{style.PLM};stroke-width:2",
    " .bars": f"fill:{style.PLM};fill-opacity:.55",
    " .measured": "fill:none;stroke:currentColor;stroke-width:1.6;stroke-dasharray:6 4",
    " .cursor": "stroke:currentColor;stroke-width:1",
    " .draws": "stroke:currentColor;stroke-width:4;stroke-linecap:round;stroke-opacity:.45",
    " .last": f"fill:{style.POLM};stroke:currentColor",
}


def draw(state: FloorState) -> str:
    """Return the SVG's content."""
    return _frame(state.measured is not None) + _fan(state) + _side(state) + _measured(state)


def _x(n: float) -> float:
    return BOX["left"] + float(np.log10(n / 10)) / 3 * BOX["fan"]


def _y(error: float) -> float:
    part = np.log10(min(HIGH, max(LOW, error)) / LOW) / np.log10(HIGH / LOW)
    return float(BOX["top"] + (1 - part) * BOX["height"])


def _frame(known: bool) -> str:
    """Draw the key, the axes and their names."""
    left, top, height, side = BOX["left"], BOX["top"], BOX["height"], BOX["side"]
    key = f'<path class="mean" d="M{left} 8h22"/>{text(left + 26, 12, "perfect, mean", "start")}'
    key += f'<rect class="band" x="{left + 106}" y="2" width="20" height="12"/>'
    key += text(left + 130, 12, "90 % of draws", "start")
    if known:
        key += f'<path class="measured" d="M{left + 212} 8h22"/>{text(left + 238, 12, "measured", "start")}'
    axes = (
        f'<path class="axis" d="M{left} {top}v{height}h{BOX["fan"]}"/><path class="axis" d="M{side} {top}v{height}"/>'
    )
    axes += "".join(text(_x(n), top + height + 15, f"{n:,}") for n in (10, 100, 1000, 10_000))
    axes += "".join(text(left - 5, _y(e) + 4, f"{e:g}", "end") for e in (0.003, 0.01, 0.03, 0.1, 0.3))
    names = text(left, 34, "ECE (log scale)", "start") + text(left + BOX["fan"] / 2, top + height + 31, "Questions")
    names += text(side, 34, "Its draws here", "start")
    return key + axes + names + text(side + BOX["wide"] / 2, top + height + 31, "share of draws")


def _fan(state: FloorState) -> str:
    """Draw band and mean over all numbers of questions, the cursor, and the draws on it."""
    edges = [
        [(_x(n), _y(e)) for n, e in zip(SIZES, state.table[name], strict=True)] for name in ("high", "low", "mean")
    ]
    band, mean, x = line(edges[0] + edges[1][::-1]) + "z", line(edges[2]), _x(state.n)
    spots = dots([(x, _y(e)) for e in state.draws])
    return (
        f'<path class="band" data-part="band" d="{band}"/><path class="mean" data-part="mean" d="{mean}"/>'
        f'<line class="cursor" data-part="cursor" x1="{x:.2f}" x2="{x:.2f}" y1="{BOX["top"]}" '
        f'y2="{BOX["top"] + BOX["height"]}"/><path class="draws" data-part="draws" d="{spots}"/>'
        f"{_last(state, x, 'last')}"
    )


def _last(state: FloorState, x: float, part: str) -> str:
    place = f"translate({x:.2f} {_y(state.drawn):.2f})"
    return f'<g data-part="{part}" transform="{place}"><path class="last" d="{DIAMOND}"/></g>'


def _side(state: FloorState) -> str:
    """Draw the histogram of the draws at the chosen number of questions, their mean, and the last draw."""
    most, high, bars = state.histogram.max(), BOX["height"] / LEVELS, ""
    for i, count in enumerate(state.histogram):
        wide = count / most * BOX["wide"]
        y = BOX["top"] + BOX["height"] - (i + 0.9) * high
        bars += f"M{BOX['side']} {y:.2f}h{wide:.2f}v{0.8 * high:.2f}h{-wide:.2f}z"
    floor = _across("floor", state.floor, BOX["side"])
    return f'<path class="bars" data-part="bars" d="{bars}"/>{floor}{_last(state, BOX["side"] + 6, "side")}'


def _across(name: str, error: float, left: float) -> str:
    y, right = f"{_y(error):.2f}", BOX["side"] + BOX["wide"]
    return f'<line class="{name}" data-part="{name}" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'


def _measured(state: FloorState) -> str:
    """Draw the error that was measured, through both panels, where it is known."""
    if state.measured is None:
        return ""
    return _across("measured", state.measured, BOX["left"])
