"""The first use of a word in plain prose is linked; no heading, code, formula, link, caption or table is touched."""

from __future__ import annotations

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("yaml")
from book_glossary import link_first_uses, write_script
from book_terms import Term
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

ECE = Term("ECE", "An error.", "b")
FLOOR = Term("noise floor", "A floor.", "b")
LOSS, CONFIDENCE = Term("confidence loss", "A loss.", "b"), Term("confidence", "A probability.", "b")
TERMS = [ECE, FLOOR, LOSS, CONFIDENCE]


def page(*children):
    document = new_document("page")
    document.extend(children)
    return document


def paragraph(*parts):
    made = nodes.paragraph()
    made.extend(nodes.Text(part) if isinstance(part, str) else part for part in parts)
    return made


def test_the_first_use_is_linked_and_the_text_stays():
    document = page(paragraph("An ECE, one more ECE."), paragraph("The ECE again."))
    before = document.astext()
    assert link_first_uses(document, TERMS, "a") == ["ECE"]
    assert document.astext() == before
    (link,) = document.findall(addnodes.pending_xref)
    assert (link["refdomain"], link["reftype"], link["reftarget"], link["refdoc"]) == ("std", "term", "ECE", "a")


def test_the_longest_word_wins_and_the_shorter_one_waits():
    document = page(paragraph("A confidence loss, then a confidence."))
    assert link_first_uses(document, TERMS, "a") == ["confidence loss", "confidence"]


def test_other_forms_are_linked_as_they_are_written():
    document = page(paragraph("Noise floors fall; so do Expected calibration errors and ECEs."))
    assert link_first_uses(document, TERMS, "a") == ["noise floor", "ECE"]
    assert [link.astext() for link in document.findall(addnodes.pending_xref)] == [
        "Noise floors",
        "Expected calibration errors",
    ]


def test_a_word_in_emphasis_is_linked():
    assert link_first_uses(page(paragraph("the ", nodes.strong("", "ECE"), " is")), TERMS, "a") == ["ECE"]


@pytest.mark.parametrize(
    "closed",
    [
        nodes.title("", "The ECE"),
        paragraph(nodes.literal("", "ECE")),
        paragraph(nodes.math("", "ECE")),
        paragraph(nodes.reference("", "ECE", refuri="x")),
        paragraph(addnodes.pending_xref("", nodes.inline("", "ECE"), reftype="doc")),
        nodes.figure("", nodes.caption("", "An ECE"), nodes.legend("", paragraph("An ECE"))),
        nodes.table("", nodes.entry("", paragraph("ECE"))),
        nodes.literal_block("", "ECE"),
        nodes.container("", paragraph("ECE"), classes=["cell_output"]),
        nodes.container("", paragraph("ECE"), classes=["sd-card"]),
        nodes.rubric("", "ECE"),
    ],
)
def test_these_stay_as_they_are(closed):
    document = page(closed)
    before = document.pformat()
    assert link_first_uses(document, TERMS, "a") == []
    assert document.pformat() == before


def test_a_link_written_by_hand_counts_as_the_first():
    by_hand = addnodes.pending_xref("", nodes.inline("", "ECE"), reftype="term", reftarget="ece")
    assert link_first_uses(page(paragraph("The ECE, "), paragraph(by_hand)), TERMS, "a") == []


def test_another_sense_is_no_use_of_the_word():
    risk = Term("risk", "A share.", "b")
    assert link_first_uses(page(paragraph("At the risk of boring you.")), [risk], "a") == []


def test_the_script_holds_every_definition(tmp_path):
    class App:
        builder = type("Builder", (), {"format": "html"})
        outdir = tmp_path

    write_script(App)
    script = (tmp_path / "_static" / "glossary-words.js").read_text(encoding="utf-8")
    assert all(term.name in script for term in App.book_terms)
    assert "{/* words */}" not in script
