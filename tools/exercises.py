"""Every exercise of a page has a checker that does what it promises, and every checker has its exercise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

BLOCK = re.compile(r"^(`{3,}|:{3,})\{exercise\}[^\n]*\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
GATED = re.compile(r"^`{3,}\{exercise-start\}[^\n]*\n(.*?)^`{3,}\s*$", re.DOTALL | re.MULTILINE)
LABEL = re.compile(r"^:label: +(\S+)", re.MULTILINE)


def labels(text: str) -> list[str]:
    """Return the labels of a page's exercises, an empty one for an exercise without."""
    blocks = [match.group(2) for match in BLOCK.finditer(text)] + [match.group(1) for match in GATED.finditer(text)]
    found = [LABEL.search(block) for block in blocks]
    return [match.group(1) if match else "" for match in found]


def page_faults(prose: str, code: str, checkers: Iterable[str]) -> list[str]:
    """Report exercises of one page that nothing checks, or whose task or solution the page does not show."""
    return [fault for label in labels(prose) for fault in _label_faults(label, prose, code, set(checkers))]


def _label_faults(label: str, prose: str, code: str, checkers: set[str]) -> list[str]:
    if not label.startswith("ex-"):
        return [f"exercise {label or 'without a label'}: its label is ':label: ex-NAME'"]
    name = label.removeprefix("ex-")
    found = [] if name in checkers else [f"exercise {label} has no checker in dualalign.course"]
    if not re.search(rf"course\.task\(\s*[\"'](ex-)?{re.escape(name)}[\"']", code):
        found.append(f"exercise {label}: no cell calls course.task({name!r}, me)")
    if not re.search(rf"\{{solution(-start)?\}} {re.escape(label)}$", prose, re.MULTILINE):
        found.append(f"exercise {label} has no solution")
    return found


def book_faults(pages: Mapping[str, list[str]], checkers: Iterable[str]) -> list[str]:
    """Report labels that two pages share and checkers that no page uses; pages: name -> labels."""
    times = Counter(label for found in pages.values() for label in found if label)
    twice = [f"exercise {label} stands {n} times in the book" for label, n in sorted(times.items()) if n > 1]
    orphans = [name for name in checkers if f"ex-{name}" not in times]
    return twice + [f"the checker {name!r} of dualalign.course belongs to no page" for name in orphans]
