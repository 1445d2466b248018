"""From a lesson: slides as one HTML page on reveal.js, with figures and tables of the executed copy.

A Markdown cell tagged `slide` or `slide-only` is a slide, its first heading the title. A code cell with such a tag puts
what it shows, never its code, on the slide before it, one key press later: a class predicts first. The first two
slides come from the lesson's first cell.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

from lesson import FENCE, HEADING, Lesson, tags
from lesson_notebooks import heading
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from plain_markdown import for_slides, plain

HERE = Path(__file__).parent
SHOWN = ("image/svg+xml", "image/png", "text/html", "text/markdown", "text/plain")
ENDING = {"image/svg+xml": "svg", "image/png": "png"}
PAGE = """<!doctype html>
<html lang="en" class="stacked">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{title} (slides)</title>
<link rel="stylesheet" href="{static}/reveal/reveal.css">
<style>{css}</style>
<script>document.documentElement.classList.add("waiting");</script>
</head>
<body>
<main><div class="reveal"><div class="slides">
{slides}
</div></div></main>
<script>
window.MathJax = {{options: {{enableMenu: false}}, startup: {{pageReady: function () {{
  return MathJax.startup.defaultPageReady().then(window.startSlides);
}}}}}};
</script>
<script src="{static}/mathjax/tex-svg-full.js"></script>
<script src="{static}/reveal/reveal.js"></script>
<script>{script}</script>
</body>
</html>
"""


@dataclass
class Slide:
    """A slide: its title, its text, and what code showed for it, all HTML."""

    title: str
    body: str
    shown: list[str] = field(default_factory=list)

    def html(self, level: int = 2) -> str:
        title = f"<h{level}>{self.title}</h{level}>"
        if not self.shown:
            return f"<section>{title}\n{self.body}\n</section>"
        beside = " class=beside" if len(re.sub(r"<[^>]*>", "", self.body)) > 80 else ""
        text = f"<div>{self.body}</div>" if self.body.strip() else ""
        shown = "\n".join(self.shown)
        return f'<section>{title}\n<div{beside}>{text}<div class="shown fragment">{shown}</div></div>\n</section>'


@cache
def markdown() -> MarkdownIt:
    """Return a renderer of CommonMark with tables and TeX, which MathJax sets."""
    return (
        MarkdownIt("commonmark")
        .enable("table")
        .use(dollarmath_plugin, allow_space=True, renderer=_tex, double_inline=True)
    )


def _tex(text: str, options: dict) -> str:
    marks = ("\\[", "\\]") if options["display_mode"] else ("\\(", "\\)")
    return marks[0] + escape(text) + marks[1]


def render(text: str) -> str:
    return markdown().render(text).replace("<th></th>", "<td></td>")  # the corner of a table is no heading


def inline(text: str) -> str:
    return markdown().renderInline(text)


def slides_page(lesson: Lesson, executed: Iterable, registry: dict, static: str = "../_static") -> tuple[str, dict]:
    """Return the page and its pictures by file name.

    Parameters
    ----------
    lesson : Lesson
    executed : iterable of cells
        Of the executed copy, in the order of the lesson's own.
    registry : dict of str to dualalign.course.Exercise
    static : str
        Where the vendored scripts lie, seen from the page.
    """
    slides, pictures = [_title(lesson), _goals(lesson)], {}
    for cell in executed:
        if not tags(cell) & {"slide", "slide-only"}:
            continue
        if cell.cell_type == "markdown":
            slides.append(text_slide(cell.source, registry))
        else:
            slides[-1].shown += _shown(cell, lesson.stem, pictures)
    html = "\n".join(slide.html(1 if place == 0 else 2) for place, slide in enumerate(slides))
    css, script = ((HERE / name).read_text(encoding="utf-8") for name in ("slides.css", "slides.js"))
    title = escape(f"Lesson {lesson.number}: {lesson.title}")
    fields = {"title": title, "static": static, "css": css, "script": script}
    return PAGE.format(slides=html, **fields), pictures


def _title(lesson: Lesson) -> Slide:
    links = (
        f'<p class=links><a href="../course/{lesson.stem}.html">The lesson</a> · '
        f'<a href="../teach/guide_{lesson.number:02d}.html">Instructor guide</a> · {lesson.minutes} minutes</p>'
    )
    opening = render(plain(lesson.opening, for_slides))
    return Slide(f"Lesson {lesson.number}: {inline(lesson.title)}", opening + links)


def _goals(lesson: Lesson) -> Slide:
    goals = "\n".join(f"- {plain(goal, for_slides)}" for goal in lesson.goals)
    return Slide("You will be able to", render(goals))


def text_slide(source: str, registry: dict) -> Slide:
    """Return a slide of a Markdown cell; an exercise is told with its minutes."""
    text = plain(source, for_slides, lambda match: heading(match, registry)) if FENCE.search(source) else source
    text = plain(text, for_slides)
    title = HEADING.search(text)
    return Slide(inline(title[1]), render(text[: title.start()] + text[title.end() :]))


def _shown(cell, stem: str, pictures: dict) -> list[str]:
    """Return what a cell's outputs show, pictures put aside under a name that follows from their bytes."""
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {"text/plain": output.get("text", "")})
        kind = next((kind for kind in SHOWN if kind in data), None)
        if kind in ENDING:
            found.append(_picture(data[kind], kind, alt, stem, pictures))
        elif kind:
            found.append(_words(data[kind], kind))
    return [html for html in found if html]


def _picture(data: str, kind: str, alt: str, stem: str, pictures: dict) -> str:
    content = data.encode() if kind.endswith("xml") else base64.b64decode(data)
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.{ENDING[kind]}"
    pictures[name] = content
    return f'<img src="{name}" alt="{escape(alt)}">'


def _words(data: str, kind: str) -> str:
    if kind == "text/html":
        return re.sub(r"<style scoped>.*?</style>", "", data, flags=re.S).replace("<th></th>", "<td></td>")
    return render(data) if kind == "text/markdown" else f"<pre>{escape(data.strip())}</pre>" if data.strip() else ""
