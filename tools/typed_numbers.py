"""No result is typed into a page: what a run computed is quoted by ``say`` and the roles, so that it cannot go stale.

A typed number looks like a result where it has a decimal point or a percent sign and more than one significant digit
(0.163, 8.4 %). Round ones (0.05, 95 %, half of the questions) are settings and conventions. What a page invents or
takes from a paper is listed in typed_numbers.json, page by page.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path

import glued

LISTED = Path(__file__).with_suffix(".json")
NUMBER = re.compile(r"(?<![\w.{/:−-])[-−]?(\d+\.\d+|\d+(?:\.\d+)?(?= ?%))(?![\w]|\.\d)")
# Code, formulas, roles, fields, targets of links, and what numbers a place in a text.
ELSEWHERE = re.compile(
    r"^(`{3,}|~{3,})(?!\{).*?^\1|(?:\{[\w:-]+\})?`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\{[^{}]*\}|\]\([^)]*\)|^:\w+:.*?$"
    r"|(?:Propositions?|[Ss]ections?|Dual-Align,|CC BY(?:-SA)?) \d+\.\d+(?:(?:,| and) \d+\.\d+)*",
    re.DOTALL | re.MULTILINE,
)


def invented() -> dict[str, list[str]]:
    """Return the numbers that a page may type: page -> numbers."""
    return json.loads(LISTED.read_text(encoding="utf-8"))


def faults(cells: list, invented: Collection[str] = ()) -> list[str]:
    """Report the results that are typed into the Markdown or the sentences of a page."""
    return [
        f"cell {number}: {found} is typed; quote it from the run, or list it in tools/{LISTED.name}"
        for number, cell in enumerate(cells, start=1)
        for text in texts(cell)
        for found in typed(text)
        if found not in invented
    ]


def texts(cell) -> Iterator[str]:
    """Yield what a reader reads of a cell: its Markdown, or the template of each ``say``."""
    if cell.cell_type == "markdown":
        yield cell.source
    elif cell.cell_type == "code":
        calls = (node for node in ast.walk(glued.syntax(cell.source)) if isinstance(node, ast.Call) and node.args)
        said = (call.args[0] for call in calls if getattr(call.func, "id", "") == "say")
        yield from (n.value for arg in said for n in ast.walk(arg) if isinstance(n, ast.Constant) and n.value)


def typed(text: str) -> list[str]:
    """Return the numbers of a text that look like results."""
    return [match.group(1) for match in NUMBER.finditer(ELSEWHERE.sub(" ", text)) if not is_round(match)]


def is_round(match: re.Match) -> bool:
    """Tell whether a number is one that people choose: one significant digit, or a percentage in fives."""
    number = Decimal(match.group(1))
    percent = match.string[match.end() :].lstrip().startswith("%")
    return len(number.normalize().as_tuple().digits) == 1 or (percent and number % 5 == 0)
