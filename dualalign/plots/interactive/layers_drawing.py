"""The drawing of the layer explorer's first state; `layers.js` moves the same shapes.

One strip an option, both models in it: the PLM a full line with round points, the PoLM a dashed one with square points.
Below it the divergence, a bar a layer, and the entropies; the shade begins at the peak divergence layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import drift
from dualalign.plots import style
from dualalign.plots.interactive.widget import dots, line, text

if TYPE_CHECKING:
    from dualalign.plots.interactive.layers import LayerState

SIZE = (360, 500)
BOX = {"left": 40, "width": 290, "beliefs": [32, 236], "divergence": [310, 56], "entropy": [402, 56]}
RULES = {
    " .stack": "display:grid",
    " .stack>div": "grid-area:1/1;visibility:hidden",  # the tallest question sets the height, whichever is shown
    " .stack>.on": "visibility:visible",
    " .stack p": "font-weight:bold;margin:.2rem 0",
    " .stack ol": "margin:.2rem 0 .6rem;padding-left:1.6rem;list-style:upper-alpha",
    " .bar": f"fill:{style.QUIET};fill-opacity:.45;stroke:none",
    " .peak": "fill:currentColor;stroke:currentColor",
    " .region": "fill:currentColor;fill-opacity:.09",
    " .level": "stroke-width:3.5",
}


def draw(state: LayerState, right: int, most: int) -> str:
    """Return the SVG's content; ``most`` is the largest number of options among the questions of the page."""
    return _region(state) + _frame(len(state.plm)) + _options(state, right, most) + _bars(state) + _paths(state, most)


def _x(layer: float, layers: int) -> float:
    return BOX["left"] + (layer - 0.5) / layers * BOX["width"]


def _region(state: LayerState) -> str:
    start, end = _x(state.pdl - 0.5, len(state.plm)), BOX["left"] + BOX["width"]
    top, bottom = BOX["beliefs"][0], sum(BOX["entropy"])
    return (
        f'<rect class="region" data-part="region" x="{start:.2f}" y="{top}" width="{end - start:.2f}" '
        f'height="{bottom - top}"/>'
    )


def _frame(layers: int) -> str:
    """Draw the key, the names of the panels, the axes and the layers' numbers."""
    left, right, bottom = BOX["left"], BOX["left"] + BOX["width"], sum(BOX["entropy"])
    key = f'<path class="plm" d="M{left} 8h26"/><path class="plm dots" d="M{left + 13} 8h0"/>'
    key += f'<path class="polm" d="M{left + 80} 8h26"/><path class="polm dots" d="M{left + 93} 8h0"/>'
    key += text(left + 31, 12, "PLM", "start") + text(left + 111, 12, "PoLM", "start")
    key += text(right, 12, "shaded: from the PDL on", "end")
    names = text(left, 27, "Probability of each option, 0 to 1 in its strip", "start")
    names += text(left, BOX["divergence"][0] - 18, "Divergence of the two models (nats)", "start")
    names += text(left, BOX["entropy"][0] - 8, "Entropy (nats); thick: mean from the PDL on, the ISE", "start")
    axes = "".join(
        f'<path class="axis" d="M{left} {top}v{height}h{BOX["width"]}"/>'
        for top, height in (BOX["divergence"], BOX["entropy"])
    )
    top, height = BOX["divergence"]
    ends = text(left - 5, top + height + 3, "0", "end") + text(left - 5, top + 7, "ln 2", "end")
    step = next(s for s in (1, 2, 3, 4, 5, 10, 20, 50) if layers <= 9 * s)
    ticks = "".join(text(_x(n, layers), bottom + 15, str(n)) for n in range(step, layers + 1, step))
    return key + names + axes + ends + ticks + text(left + BOX["width"] / 2, bottom + 31, "Layer")


def _points(values: np.ndarray, base: float, height: float) -> list[tuple[float, float]]:
    return [(_x(i + 1, len(values)), base - float(v) * height) for i, v in enumerate(values)]


def _pair(model: str, points: list[tuple[float, float]]) -> str:
    return f'<path class="{model}" d="{line(points)}"/><path class="{model} dots" d="{dots(points)}"/>'


def _options(state: LayerState, right: int, most: int) -> str:
    """Draw a strip an option: its baseline, both beliefs, its letter, and who answers it; spare strips are hidden."""
    count, groups = state.plm.shape[1], []
    strip = BOX["beliefs"][1] / count
    for k in range(most):
        option, hide = min(k, count - 1), "" if k < count else ' style="display:none"'
        base, middle = BOX["beliefs"][0] + strip * (option + 1), BOX["beliefs"][0] + strip * (option + 0.5) + 4
        both = [_pair(m, _points(getattr(state, m)[:, option], base, strip - 8)) for m in ("plm", "polm")]
        letter = chr(ord("A") + k) + (" ✓" if k == right else "")
        answers = "●" * (k == state.plm_answer) + "■" * (k == state.polm_answer)
        groups.append(
            f'<g data-part="option"{hide}>'
            f'<path class="quiet" d="M{BOX["left"]} {base:.2f}h{BOX["width"]}"/>{"".join(both)}'
            f"{text(6, middle, letter, 'start')}{text(BOX['left'] + BOX['width'] + 4, middle, answers, 'start')}</g>"
        )
    return "".join(groups)


def _bars(state: LayerState) -> str:
    """Draw the divergence, a bar a layer, the peak's filled."""
    (top, height), layers = BOX["divergence"], len(state.divergence)
    base, wide, bars = top + height, BOX["width"] / layers * 0.7, []
    for i, d in enumerate(state.divergence):
        high = d / drift.LN2 * height
        bars.append(f"M{_x(i + 1, layers) - wide / 2:.2f} {base:.2f}v{-high:.2f}h{wide:.2f}v{high:.2f}z")
    label = text(_x(state.pdl, layers), top - 3, "PDL", extra=' data-part="pdl" font-weight="bold"')
    return (
        f'<path class="bar" data-part="bars" d="{"".join(bars)}"/>'
        f'<path class="peak" data-part="peak" d="{bars[state.pdl - 1]}"/>{label}'
    )


def _paths(state: LayerState, most: int) -> str:
    """Draw both entropies and, from the peak on, their means."""
    top, height = BOX["entropy"]
    base, scale, layers = top + height, height / float(np.log(most)), len(state.plm)
    start, end, groups = _x(state.pdl - 0.5, layers), BOX["left"] + BOX["width"], []
    for model, ise in (("plm", state.ise_plm), ("polm", state.ise_polm)):
        belief = getattr(state, model)
        points = _points(drift.entropy(np.log(np.maximum(belief, 1e-300))), base, scale)
        height = base - ise * scale
        level = f'<path class="{model} level" d="M{start:.2f} {height:.2f}H{end}"/>'
        sign = text(end + (4 if model == "plm" else 16), height + 4, "●" if model == "plm" else "■", "start")
        groups.append(f'<g data-part="entropy-{model}">{_pair(model, points)}{level}{sign}</g>')
    ends = text(BOX["left"] - 5, base + 3, "0", "end") + text(BOX["left"] - 5, top + 7, f"ln {most}", "end")
    return "".join(groups) + ends
