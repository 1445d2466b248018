"""What every interactive figure shares: one HTML string, its first state drawn here, its script and style inside.

A figure is a few texts (formatted numbers by name), an SVG, controls and data. The texts fill the title, the line of
numbers and the two lines of Python, here for the first state and in `widget.js` for every later one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path

from dualalign.plots import style

STEP = 0.05  # of log2 T: an arrow key changes T by 3.5 %
RULES = {
    "": "max-width:30rem;color:inherit;font-size:.9rem;line-height:1.4;font-variant-numeric:tabular-nums",
    ">svg": "width:100%;height:auto;display:block",
    " svg text": "fill:currentColor;font-size:11px;font-family:inherit",
    " .axis": "fill:none;stroke:currentColor",
    " .quiet": f"fill:none;stroke:{style.QUIET};stroke-dasharray:3 3",
    " .plm": f"fill:none;stroke:{style.PLM};stroke-width:1.6",
    " .polm": f"fill:none;stroke:{style.POLM};stroke-width:1.6;stroke-dasharray:5 3",
    " .dots": "stroke-width:5;stroke-dasharray:none;stroke-linecap:round",  # points of no length: round or square caps
    " .polm.dots": "stroke-linecap:square;stroke-width:4.5",
    " p": "margin:.4rem 0",
    " .item": "display:inline-block;margin-right:1.1em",
    " label": "display:block;font-weight:bold;margin-top:.4rem",
    " input,select": "width:100%;height:2.75rem;margin:0;font:inherit;accent-color:" + style.POLM,
    " select": "color:inherit;background:transparent;border:1px solid currentColor;border-radius:.3rem",
    " option": "color:#000;background:#fff",
    " .buttons": "display:flex;flex-wrap:wrap;gap:.4rem;margin:.3rem 0",
    " button": "font:inherit;color:inherit;background:transparent;"
    "border:1px solid currentColor;border-radius:.3rem;padding:.3rem .6rem;min-height:2.75rem;cursor:pointer",
    " button[aria-pressed=true]": "box-shadow:inset 0 0 0 2px currentColor",
    " pre": "white-space:pre-wrap;overflow-wrap:anywhere;color:inherit;background:transparent;"
    "border:1px solid currentColor;border-radius:.3rem;padding:.5rem;font-size:.8rem;"
    "line-height:1.4;min-height:4.2em;box-sizing:content-box;margin:.6rem 0",  # room for three lines, whatever they say
}


def temperature_text(t: float) -> str:
    """Write a temperature in five characters, as `ui.temperature` does."""
    return f"{t:.3f}" if t < 10 else f"{t:.2f}"


def call(function: str, name: str, **options: tuple[object, object]) -> str:
    """Write a call as code: ``function(name, option=value)``, options (value, default) only where they differ."""
    given = [f"{key}={value!r}" for key, (value, default) in options.items() if value != default]
    return f"{function}({', '.join([name, *given])})"


def uid(payload: Mapping[str, object]) -> str:
    """Return an id that is the same for the same content."""
    return "da" + hashlib.sha256(_json(payload).encode()).hexdigest()[:10]


def _json(payload: Mapping[str, object]) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def text(x: float, y: float, content: str, anchor: str = "middle", extra: str = "") -> str:
    """Return an SVG text."""
    return f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}"{extra}>{content}</text>'


def line(points: list[tuple[float, float]]) -> str:
    """Return the path through points."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def dots(points: list[tuple[float, float]]) -> str:
    """Return a path of points without length, which round or square line caps make visible."""
    return "".join(f"M{x:.2f} {y:.2f}h0" for x, y in points)


def slider(uid: str, part: str, label: str, low: float, high: float, step: float, value: float, shown: str) -> str:
    """Return a labelled range input; `shown` is what a screen reader says instead of the bare value."""
    return (
        f'<label for="{uid}-{part}">{label}</label><input id="{uid}-{part}" data-part="{part}" type="range" '
        f'min="{low:g}" max="{high:g}" step="{step:g}" value="{value:g}" aria-valuetext="{shown}">'
    )


def button(part: str, content: str, value: object = "", pressed: bool | None = None) -> str:
    """Return a button; `pressed` None is one that does not stay down."""
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    return f'<button type="button" data-part="{part}" data-value="{value}"{state}>{content}</button>'


def _numbers(template: str, texts: Mapping[str, str]) -> str:
    """Fill ``{name}`` by numbers that the script finds again."""
    marked = {name: f'<b data-text="{name}">{escape(value)}</b>' for name, value in texts.items()}
    return template.format(**marked)


def page(
    name: str,
    payload: Mapping[str, object],
    texts: Mapping[str, str],
    svg: str,
    numbers: str,
    controls: str,
    note: str,
    size: tuple[int, int],
    rules: Mapping[str, str] | None = None,
    above: str = "",
) -> str:
    """Return the figure as one HTML string.

    Parameters
    ----------
    name : the script beside this file, ``name.js``; the class is ``da-name``
    payload : what the script gets; holds the templates ``title`` and ``code``
    texts : the first state's formatted numbers, as the script makes them
    numbers : HTML template of the line of numbers; note : what is said without scripts; above : HTML over the SVG
    controls : HTML of the inputs, each with its label
    """
    key = uid(payload)
    scripts = [Path(__file__).with_name(f"{file}.js").read_text(encoding="utf-8").strip() for file in ("widget", name)]
    title, code = (escape(str(payload[part]).format(**texts), quote=False) for part in ("title", "code"))
    style_ = "".join(f"#{key}{selector}{{{rule}}}" for selector, rule in {**RULES, **(rules or {})}.items())
    drawn = (
        f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img" aria-labelledby="{key}-title">'
        f'<title id="{key}-title" data-part="title">{title}</title>{svg}</svg>'
    )
    hidden = f"@media print{{#{key} [data-part=controls],#{key} noscript{{display:none}}}}"
    return (
        f'<div id="{key}" class="da-figure da-{name}"><style>{style_}{hidden}</style>{above}{drawn}'
        f'<p><output aria-live="polite">{_numbers(numbers, texts)}</output></p>'
        f"<noscript><p>Moving it needs JavaScript; {note}</p></noscript>"
        f'<div data-part="controls" hidden>{controls}<pre data-part="code">{code}</pre>'
        f'<button type="button" data-part="copy">Copy as two lines of Python</button> '
        f'<span data-part="copied" role="status"></span></div>'
        f'<script>{scripts[0]}(document.getElementById("{key}"), {_json(payload)}, {scripts[1]});</script></div>'
    )
