"""HTML of a report: every text that comes from a trace or a question file passes through `said`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

LONG = 240  # characters of one text from data; what is cut off is counted
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")  # no HTML text may hold them


class Html(str):
    """Markup of our own, written into a table as it is; any other text is escaped."""

    __slots__ = ()


def said(text: str, limit: int = LONG) -> Html:
    """Return text from data as HTML: clipped, without control characters, escaped, apart from its surroundings' order.

    `bdi` keeps Arabic and Hebrew, and marks that turn the reading order, from moving what stands beside them.
    """
    return Html(f"<bdi>{escape(clipped(text, limit), quote=False)}</bdi>")


def clipped(text: str, limit: int = LONG) -> str:
    """Return at most `limit` characters and how many there were; control characters are replaced."""
    if len(text) > limit:
        return f"{clipped(text[:limit])}… ({len(text):,} characters in all)"
    return _CONTROL.sub("\ufffd", text)


def cell(value: object) -> str:
    """Return a number with three decimals, nothing for NaN and None, and anything else as text."""
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else "no finite optimum" if np.isinf(value) else f"{value:.3f}"
    return value if isinstance(value, Html) else "" if value is None else str(value)


def table(
    names: Sequence[str], rows: Iterable[Sequence[object]], label: str, sort: Iterable[Mapping[int, object]] = ()
) -> str:
    """Return an HTML table that scrolls on its own where the page is narrow; every cell but `Html` is escaped.

    Parameters
    ----------
    names : of the columns
    rows : of cells, each as `cell` takes it; the first one names its row
    label : what the table is called by a screen reader; no text from data
    sort : where given, a mapping of column to value for each row, by which a reader sorts where the text does not do
    """
    keys = list(sort)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(_row(row, keys[i] if keys else {}) for i, row in enumerate(rows))
    kind = ' class="sort"' if keys else ""
    inner = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" role="region" aria-label="{escape(label)}" tabindex="0">{inner}</div>'


def _row(row: Sequence[object], keys: Mapping[int, object]) -> str:
    cells = []
    for place, content in enumerate(map(cell, row)):
        key = f' data-value="{escape(cell_key(keys[place]))}"' if place in keys else ""
        number = ' class="n"' if re.fullmatch(r"[-+\d.,]+%?", content) else ""
        text = content if isinstance(content, Html) else said(content, 2 * LONG) if content else ""
        cells.append(f'<th scope="row"{key}>{text}</th>' if place == 0 else f"<td{number}{key}>{text}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def cell_key(value: float) -> str:
    """Return a number to sort by, whole; nothing where there is none, which sorts last."""
    return "" if np.isnan(value) else repr(float(value)).replace("inf", "Infinity")


def policy(scripts: Iterable[str]) -> str:
    """Return the content security policy of a page: these scripts, its own styles and drawings, and no request."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in dict.fromkeys(hashes)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
