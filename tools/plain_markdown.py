"""MyST Markdown for a reader without MyST: roles become words, directives become quotes, links lead elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

ROLE = re.compile(r"( ?)\{([\w:-]+)\}`([^`]+)`")
TARGETED = re.compile(r"^(.*?)\s*<[^<>]+>$", re.S)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\} *(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.S | re.M
)
OPTION = re.compile(r"^:[\w-]+:[^\n]*\n", re.M)
ANCHOR = re.compile(r"^\([\w-]+\)=\n", re.M)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
REFERENCES = {"numref": "the figure", "eq": "(the equation)"}


def plain(text: str, address: Callable[[str], str], heading: Callable[[re.Match], str] | None = None) -> str:
    """Return Markdown that Jupyter and a slide show as it is meant.

    Parameters
    ----------
    text : str
    address : callable
        From the relative address of a link to the one from where the text will stand.
    heading : callable
        From the match of an exercise's directive to the Markdown in its place.
    """

    def directive(match: re.Match) -> str:
        if match["name"] == "exercise" and heading:
            return heading(match)
        return _directive(match)

    text = ROLE.sub(_role, DIRECTIVE.sub(directive, ANCHOR.sub("", text)))
    return LINK.sub(lambda m: f"[{m[1]}]({m[2] if _absolute(m[2]) else address(m[2])})", text)


def _absolute(link: str) -> bool:
    return link.startswith(("#", "/", "mailto:")) or "://" in link


def _role(match: re.Match) -> str:
    space, name, content = match.groups()
    if name.startswith("cite"):
        return ""
    if name == "math":
        return f"{space}${content}$"
    shown = TARGETED.match(content)
    return space + (shown[1] if shown else REFERENCES.get(name, content))


def _directive(match: re.Match) -> str:
    body = OPTION.sub("", match["body"]).strip()
    if match["name"] == "math":
        return f"$$\n{body}\n$$"
    title = match["title"].strip() or match["name"].rpartition(":")[2].replace("-", " ").capitalize()
    return "\n".join(f"> {line}".rstrip() for line in [f"**{title}.**", "", *body.splitlines()])


def for_notebook(link: str) -> str:
    """Return a link of a lesson's page from course/exercises or course/solutions."""
    if not link.startswith("../"):
        return link
    inside = link.removeprefix("../")
    return f"../../{inside}" if inside.startswith("notebooks/") else f"../../book/{inside}"


def for_slides(link: str) -> str:
    """Return a link of a lesson's page from the slides of the built site."""
    page = re.sub(r"\.(ipynb|md)(?=#|$)", ".html", link)
    return page if page.startswith("../") else f"../course/{page}"
