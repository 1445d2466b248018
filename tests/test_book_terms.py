"""The words of the glossary are read as written, found in prose alone, and reported where they come too early."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml")
import book_terms
from book_terms import Term, load_terms, needs_too_early, page_order, pattern, prose, source, too_early, unexplained

TERMS = [
    Term("ECE", "An error.", "notebooks/02_b"),
    Term("confidence", "A probability.", "notebooks/01_a"),
    Term("confidence loss", "A loss.", "notebooks/02_b"),
    Term("noise floor", "A floor.", "notebooks/02_b"),
]
ORDER = ["index", "notebooks/01_a", "notebooks/02_b"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The ECE and two ECEs", ["ECE", "ECEs"]),
        ("an ece, the ece's", []),
        ("Confidence first, then confidences", ["Confidence", "confidences"]),
        ("the confidence loss falls", ["confidence loss"]),
        ("self-confidence, over-confidence-like, confidence_ and confidently", []),
        ("noise floors", ["noise floors"]),
    ],
)
def test_whole_words_the_longest_first(text, found):
    assert pattern(TERMS).findall(text) == found


def test_links_code_formulas_tables_and_headings_are_no_prose():
    page = "# The ECE\n\nAn `ECE`, $ECE$, [an ECE](a.md), {term}`ECE`.\n\n| ECE |\n\n```python\nECE\n```\n"
    assert not pattern(TERMS).findall(" ".join(rest for _, rest in prose(page)))


def test_prose_goes_on_after_a_block():
    assert [line for line, _ in prose("a\n```{note}\nb\n```\nc")] == ["a", "c"]


def test_a_word_that_comes_too_early_is_reported():
    found = too_early("notebooks/01_a", "The ECE is small, and confidence is high.", TERMS, ORDER)
    assert len(found) == 1
    assert "'ECE' is explained in notebooks/02_b" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "The {term}`ECE` is small. An ECE again.",
        "The ECE ([next chapter](02_b.ipynb)) is small.",
        "The ECE ({doc}`see <notebooks/02_b>`) is small.",
    ],
)
def test_a_link_to_the_glossary_or_to_the_page_that_explains_helps(text):
    assert too_early("notebooks/01_a", text, TERMS, ORDER) == []


def test_the_link_to_the_next_page_does_not_help():
    assert too_early("notebooks/01_a", "The ECE.\n\n**Next:** [b](02_b.ipynb)", TERMS, ORDER)


def test_a_box_that_asks_for_a_later_page_is_reported():
    box = "| You need | [b](02_b.ipynb) |\n|---|---|\n| **Helpful** | softmax |\n\n[b](02_b.ipynb)"
    assert needs_too_early("notebooks/01_a", box, ORDER) == ["notebooks/01_a: its box asks for 02_b, which comes later"]
    assert needs_too_early("notebooks/02_b", box.replace("02_b", "01_a"), ORDER) == []


def test_an_entry_without_a_page_is_refused(tmp_path):
    (tmp_path / "g.md").write_text("```{glossary}\nECE\n  An error.\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'ECE' does not say which page"):
        load_terms(tmp_path / "g.md")


def test_definitions_are_plain_text(tmp_path):
    (tmp_path / "g.md").write_text(
        "```{glossary}\n:sorted:\n\nECE\n  An {term}`error <x>`, a {term}`bin`.\n  Explained in {doc}`x <a/b>`.\n```\n"
    )
    assert load_terms(tmp_path / "g.md") == [Term("ECE", "An error, a bin.", "a/b")]


def test_every_word_of_the_book_is_explained_on_a_page_of_the_book_that_uses_it():
    assert unexplained(load_terms(), {page: source(page) for page in page_order()}) == []


def test_a_page_that_does_not_exist_or_is_silent_explains_nothing():
    found = unexplained(TERMS, {"notebooks/01_a": "No word of it."})
    assert "'ECE' is explained in notebooks/02_b, no page" in found[0]
    assert "'confidence' is explained in notebooks/01_a, which does not use the word" in found[-1]


def test_the_report_does_not_fail_unless_asked(monkeypatch, capsys):
    monkeypatch.setattr(book_terms, "load_terms", lambda: TERMS)
    monkeypatch.setattr(book_terms, "page_order", lambda: ORDER)
    texts = {"notebooks/01_a": "The ECE. A confidence.", "notebooks/02_b": "ECE, confidence loss, noise floor."}
    monkeypatch.setattr(book_terms, "source", lambda page: texts.get(page, ""))
    monkeypatch.setattr("sys.argv", ["book_terms.py"])
    assert book_terms.main() == 0
    assert "'ECE'" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["book_terms.py", "--strict"])
    assert book_terms.main() == 1
