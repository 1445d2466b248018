"""The landing page: the problem as a figure to move, computed when the page is built, and the table of contents.

``landing-figure`` is the temperature slider of the first chapter on the same held-out questions. ``book-contents``
lists every page of the table of contents in its order, with the minutes of its box and one line from the page itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from book_terms import ROOT, source
from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

MINUTES = re.compile(r"^\| \*\*Time\*\* *\| *(\d+) minutes", re.MULTILINE)


def setup(app):
    app.add_directive("landing-figure", LandingFigure)
    app.add_directive("book-contents", BookContents)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class LandingFigure(SphinxDirective):
    """Show the slider of a trace at T = 1, with the temperatures found without and with labels."""

    required_arguments = 1  # path of the trace, from the root of the repository

    def run(self):
        path = ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        return [nodes.raw("", slider(path), format="html")]


def slider(path: Path) -> str:
    """Return the figure: fitted on the first split as in chapter 1, drawn on the questions held out."""
    import dualalign as da

    traces = da.Traces.load(path)
    fit, test = next(da.metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
    fitting = traces.select(fit)
    marks = {"As it comes": 1.0, "Dual-Align, no labels": da.DualAlign().fit(fitting).temperature_}
    marks["with labels"] = da.TemperatureScaling().fit(fitting).temperature_
    return da.plots.temperature_slider(traces.select(test), marks)


class BookContents(SphinxDirective):
    """List parts and pages; the content holds ``page: one line`` for those about which there is something to say.

    With the caption of a part as argument, the other pages of that part and nothing else.
    """

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        lines = dict(re.split(r":\s+", line, maxsplit=1) for line in self.content if line.strip())
        pages = {page for _, listed in parts() for page in listed}
        for page in sorted(set(lines) - pages):
            raise self.error(f"book-contents: {page} is no page of the table of contents")
        self.env.note_dependency(str(ROOT / "book" / "_toc.yml"))
        if self.arguments:
            listed = [page for page in dict(parts())[self.arguments[0]] if page != self.env.docname]
            return [self._list(listed, lines)]
        return [self._part(caption, listed, lines) for caption, listed in parts()]

    def _part(self, caption: str, pages: list[str], lines: dict[str, str]) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(f"part-{caption}")], names=[])
        total = sum(minutes(page) or 0 for page in pages)
        section += nodes.title("", caption)
        section += [_quiet(f"{total} minutes in all")] if total else []
        section += self._list(pages, lines)
        return section

    def _list(self, pages: list[str], lines: dict[str, str]) -> nodes.bullet_list:
        items = (self._item(page, lines.get(page, "")) for page in pages)
        return nodes.bullet_list("", *items, classes=["book-contents"])

    def _item(self, page: str, line: str) -> nodes.list_item:
        inner = nodes.inline("", "", classes=["doc"])
        link = addnodes.pending_xref(
            "", inner, refdomain="std", reftype="doc", reftarget=f"/{page}", refdoc=self.env.docname, refexplicit=False
        )
        time = [nodes.inline("", f" {minutes(page)} min", classes=["minutes"])] if minutes(page) else []
        words = [nodes.paragraph("", "", *self.state.inline_text(line, self.lineno)[0])] if line else []
        return nodes.list_item("", nodes.paragraph("", "", link, *time), *words)


def _quiet(text: str) -> nodes.paragraph:
    return nodes.paragraph("", text, classes=["minutes"])


def parts(root: Path = ROOT) -> list[tuple[str, list[str]]]:
    """Return the parts of the table of contents with their pages."""
    toc = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    return [
        (part["caption"], [entry["file"] for entry in part["chapters"] if "file" in entry]) for part in toc["parts"]
    ]


def minutes(page: str, root: Path = ROOT) -> int | None:
    """Return the minutes of a page's box."""
    found = MINUTES.search(source(page, root))
    return int(found.group(1)) if found else None
