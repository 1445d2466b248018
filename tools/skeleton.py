"""What every page has, in this order: a question, the box, what one will be able to do, a limit, a summary."""

from __future__ import annotations

import re
from itertools import pairwise

PARTS = (
    ("a question before the box", re.compile(r"\A# .+?\?.*?(?=^\| You need)", re.DOTALL | re.MULTILINE)),
    ("the box '| You need | ... |'", re.compile(r"^\| You need +\| *[^|\s].*\|$", re.MULTILINE)),
    ("its row '| **Time** | N minutes |'", re.compile(r"^\| \*\*Time\*\* +\|.*\d+ minutes.*\|$", re.MULTILINE)),
    ("'**You will be able to**'", re.compile(r"^\*\*You will be able to\*\*", re.MULTILINE)),
    ("a section '## What this page does not show'", re.compile(r"^## What this \w+ does not show$", re.MULTILINE)),
    (
        "a section '## Summary' with 3 to 5 bullets",
        re.compile(r"^## Summary$\n+(?:[^#*-].*\n+)*(?:[-*] )", re.MULTILINE),
    ),
)
NEXT = ("'**Next:**' with a link", re.compile(r"^\*\*Next:\*\*.*(\]\(|\{\w+\}`)", re.MULTILINE))
EXERCISE = ("an exercise", re.compile(r"^:label: ex-", re.MULTILINE))
BULLET = re.compile(r"^[-*] ", re.MULTILINE)


def prose(cells: list) -> str:
    """Return a page's Markdown, cell after cell."""
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown") + "\n"


def faults(text: str, chapter: bool = True) -> list[str]:
    """Name the parts that a page lacks, and the first that stands before the one it should follow."""
    found = [(name, pattern.search(text)) for name, pattern in PARTS]
    missing = [f"lacks {name}" for name, match in found if match is None]
    missing += [
        f"lacks {name}" for name, pattern in [EXERCISE, *([NEXT] if chapter else [])] if not pattern.search(text)
    ]
    starts = [(match.start(), name) for name, match in found if match]
    late = [name for (at, _), (after, name) in pairwise(starts) if after < at]
    return missing + [f"has {name} too early" for name in late[:1]] + summary_faults(text)


def summary_faults(text: str) -> list[str]:
    """The bullets of the summary: three to five."""
    section = re.search(r"^## Summary$(.*?)(?=^## |^\*\*Next:|^```|\Z)", text, re.DOTALL | re.MULTILINE)
    bullets = len(BULLET.findall(section.group(1))) if section else 3
    return [] if 3 <= bullets <= 5 else [f"has a summary of {bullets} bullets, 3 to 5 are right"]
