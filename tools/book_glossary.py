"""The glossary in the chapters: the first use of each word is linked, and its meaning shows on hover, focus and touch.

The links are made in the document tree, in plain paragraphs only; without JavaScript they are plain links. Definitions
travel in one script with the site, so that nothing is fetched: a page opened as a file cannot fetch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from book_terms import GLOSSARY, NOT_THE_WORD, Term, by_form, load_terms, pattern
from docutils import nodes
from sphinx import addnodes

SCRIPT = Path(__file__).with_name("book_glossary.js")
NAME = "glossary-words.js"
# Pages that list words, or that a word should not lead away from.
BARE = ("glossary", "symbols", "references", "figures", "index", "api/")
# Where a link is wrong or would not be seen: inside these a word stays as it is.
CLOSED = (
    nodes.table,
    nodes.title,
    nodes.caption,
    nodes.figure,
    nodes.footnote,
    nodes.citation,
    nodes.rubric,
    nodes.sidebar,
    addnodes.glossary,
)
CLOSED_CLASSES = {"cell_output", "sd-card", "exercise", "solution", "no-terms"}


def setup(app):
    app.connect("builder-inited", write_script)
    app.connect("doctree-read", link_terms)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write_script(app):
    """Write the script with every definition into the site; remember the words for the pages to come."""
    app.book_terms = load_terms()
    if app.builder.format != "html":
        return
    words = {term.name: term.definition for term in app.book_terms}
    target = Path(app.outdir) / "_static" / NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(SCRIPT.read_text(encoding="utf-8").replace("{/* words */}", json.dumps(words)), encoding="utf-8")


def link_terms(app, doctree):
    """Link the first use of each word on a page that does not itself explain it."""
    page = app.env.docname
    if page.startswith(BARE):
        return
    app.env.note_dependency(str(GLOSSARY))
    link_first_uses(doctree, [term for term in app.book_terms if term.page != page], page)


def link_first_uses(doctree: nodes.document, terms: list[Term], page: str) -> list[str]:
    """Replace the first use of each word by a reference to the glossary; return the words that were linked."""
    linked = {node["reftarget"].lower() for node in doctree.findall(addnodes.pending_xref) if node["reftype"] == "term"}
    left = {form: term for form, term in by_form(terms).items() if term.name.lower() not in linked}
    words, done = pattern(terms), []
    for text in list(_open_texts(doctree)):
        found = _split(text, words, left, page)
        if found:
            text.parent.replace(text, found)
            done += [node["reftarget"] for node in found if isinstance(node, addnodes.pending_xref)]
    return done


def _open_texts(doctree: nodes.document) -> Iterator[nodes.Text]:
    """Yield the texts of plain paragraphs, those in emphasis among them."""
    for paragraph in doctree.findall(nodes.paragraph):
        if not _closed(paragraph):
            for text in paragraph.findall(nodes.Text):
                inside = text.parent
                if inside is paragraph or (
                    isinstance(inside, (nodes.emphasis, nodes.strong)) and inside.parent is paragraph
                ):
                    yield text


def _closed(node: nodes.Node) -> bool:
    while node is not None:
        if isinstance(node, CLOSED) or node.__class__.__name__ in ("exercise_node", "solution_node"):
            return True
        if isinstance(node, nodes.Element) and CLOSED_CLASSES & set(node.get("classes", [])):
            return True
        node = node.parent
    return False


def _split(text: nodes.Text, words: re.Pattern[str], left: dict[str, Term], page: str) -> list[nodes.Node]:
    """Return the pieces of a text with its new words as references, none if it holds no new word."""
    pieces, end, content = [], 0, text.astext()
    ambiguous = [match.span() for match in NOT_THE_WORD.finditer(content)]
    for match in words.finditer(content):
        term = left.get(match.group())
        if term and not any(start <= match.start() < stop for start, stop in ambiguous):
            pieces += [nodes.Text(content[end : match.start()]), _reference(match.group(), term, page, text.parent)]
            end = match.end()
            for form in [form for form, other in left.items() if other is term]:
                del left[form]
    return [*pieces, nodes.Text(content[end:])] if pieces else []


def _reference(written: str, term: Term, page: str, near: nodes.Element) -> addnodes.pending_xref:
    """Return what the role ``{term}`` makes."""
    inner = nodes.inline(written, written, classes=["xref", "std", "std-term"])
    reference = addnodes.pending_xref(
        "",
        inner,
        refdomain="std",
        reftype="term",
        reftarget=term.name,
        refdoc=page,
        refexplicit=True,
        refwarn=True,
    )
    reference.source, reference.line = near.source, near.line
    return reference


def add_script(app, pagename, templatename, context, doctree):
    """Load the script on the pages that hold a word of the glossary."""
    if doctree is not None and 'class="xref std std-term"' in context.get("body", ""):
        app.add_js_file(NAME, loading_method="defer")
