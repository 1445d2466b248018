"""Figures of a report as inline SVG that takes its text colour from the page."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from dualalign.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (4.6, 3.3)  # inches; small, so that text stays readable on a phone


def svg_figure(draw: Callable[[Axes], object], alt: str, caption: str, size: tuple[float, float] = SIZE) -> str:
    """Return an HTML figure of what ``draw`` puts on an Axes; the same drawing gives the same bytes.

    Parameters
    ----------
    draw : callable
        Draws on the Axes it is given.
    alt, caption : str
        Text for those who do not see the figure, and for all; both are escaped.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dualalign"}):
        figure, out = Figure(size, layout="constrained"), io.StringIO()
        draw(figure.subplots())
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    drawing = _inlined(out.getvalue(), alt)
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _inlined(svg: str, alt: str) -> str:
    """Cut the XML head, keep only ids that are used (made unique by their content), and let the page colour the ink."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", body)
    prefix = f"f{_digest(body + alt)}-"
    body = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}", body)
    body = body.replace(style.INK, "currentColor")
    width = re.search(r'viewBox="0 0 ([\d.]+)', body)[1]
    head = f'<svg role="img" aria-label="{escape(alt)}" style="width:{width}pt" '
    return head + re.sub(r'^<svg|\s(?:width|height)="[\d.]+pt"', "", body, count=3).lstrip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
