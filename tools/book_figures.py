"""The index of figures: every numbered figure of every page, in the order of the table of contents."""

from __future__ import annotations

import re

from book_terms import page_order
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FIRST_SENTENCE = re.compile(r".*?[^.\d][.?!](?=\s|$)", re.DOTALL)


class FigureIndexNode(nodes.General, nodes.Element):
    """Stands for the index until every page was read."""


class FigureIndex(SphinxDirective):
    """Put the index here."""

    def run(self):
        return [FigureIndexNode()]


def setup(app):
    app.add_node(FigureIndexNode)
    app.add_directive("figure-index", FigureIndex)
    app.connect("env-get-outdated", index_pages)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def index_pages(app, env, added, changed, removed):
    """Make the index anew whenever any page changed."""
    return [page for page in ("figures",) if page in env.found_docs and added | changed | removed]


def fill(app, doctree, docname):
    """Replace the placeholder by a heading and a list for each page that has figures."""
    for place in list(doctree.findall(FigureIndexNode)):
        sections = [
            section(app, docname, page) for page in page_order() if app.env.toc_fignumbers.get(page, {}).get("figure")
        ]
        place.replace_self(sections)


def section(app, docname: str, page: str) -> nodes.section:
    """Return one page's part of the index."""
    numbers = app.env.toc_fignumbers[page]["figure"]
    uri = app.builder.get_relative_uri(docname, page)
    made = nodes.section(ids=[nodes.make_id(f"figures-{page}")])
    link = nodes.reference("", app.env.titles[page].astext(), refuri=uri, internal=True)
    found = app.env.get_doctree(page).findall(nodes.figure)
    listed = [figure for figure in found if figure["ids"] and figure["ids"][0] in numbers]
    items = (_item(figure, numbers[figure["ids"][0]], uri) for figure in listed)
    made += [nodes.title("", "", link), nodes.bullet_list("", *items, classes=["figure-index"])]
    return made


def _item(figure: nodes.figure, number: tuple[int, ...], uri: str) -> nodes.list_item:
    label = f"Figure {'.'.join(map(str, number))}"
    link = nodes.reference("", label, refuri=f"{uri}#{figure['ids'][0]}", internal=True)
    return nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(f"  {first_sentence(caption(figure))}")))


def caption(figure: nodes.figure) -> str:
    found = next(iter(figure.findall(nodes.caption)), None)
    return found.astext() if found is not None else ""


def first_sentence(text: str) -> str:
    """Return what comes before the first full stop that ends a sentence: not the one of a number."""
    found = FIRST_SENTENCE.match(text)
    return found.group() if found else text
