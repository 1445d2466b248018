"""The index of figures: first sentences, in the order of the pages."""

from __future__ import annotations

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("yaml")
from book_figures import caption, first_sentence, section
from docutils import nodes
from docutils.utils import new_document


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("The ECE. What to see: it falls.", "The ECE."),
        ("A floor of 0.05 at 300 questions. More.", "A floor of 0.05 at 300 questions."),
        ("Intervals of 95 %. More.", "Intervals of 95 %."),
        ("No full stop", "No full stop"),
        ("Is it right? Hardly.", "Is it right?"),
    ],
)
def test_first_sentence(text, first):
    assert first_sentence(text) == first


class App:
    """What the index asks of Sphinx: two figures on one page, of which one has a number."""

    class env:
        toc_fignumbers = {"notebooks/a": {"figure": {"fig-x": (3,)}}}  # noqa: RUF012
        titles = {"notebooks/a": nodes.title("", "The page")}  # noqa: RUF012

        @staticmethod
        def get_doctree(page):
            document = new_document(page)
            document += nodes.figure("", nodes.caption("", "A curve. What to see: it falls."), ids=["fig-x"])
            document += nodes.figure("", nodes.caption("", "No number."), ids=["other"])
            return document

    class builder:
        @staticmethod
        def get_relative_uri(from_, to):
            return f"{to}.html"


def test_a_page_lists_its_numbered_figures_with_links():
    made = section(App, "figures", "notebooks/a")
    assert made.astext().split() == ["The", "page", "Figure", "3", "A", "curve."]
    assert [link["refuri"] for link in made.findall(nodes.reference)] == ["notebooks/a.html", "notebooks/a.html#fig-x"]


def test_a_figure_without_caption_has_none():
    assert caption(nodes.figure()) == ""
