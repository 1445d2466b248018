"""The book on paper: one document with ids of its own, links inside it, and a PDF of it."""

from __future__ import annotations

import print_book
import pytest
import yaml

HEAD = """<head><link href="_static/a.css" rel="stylesheet"/>
<script>window.MathJax = {}</script><script>x</script></head>"""
FIRST = """<article class="bd-article"><h1 id="top">One</h1><a href="#top">up</a>
<a href="notebooks/02_b.html#part">on</a><a href="https://example.org/">out</a>
<img src="_images/a.png" alt="A line"></article>"""
SECOND = """<article class="bd-article"><style>#w rect { fill: #fff }</style>
<svg id="w" aria-labelledby="t d"><title id="t">T</title><rect clip-path="url(#t)"/></svg>
<script>move()</script><a href="../index.html">home</a><a href="01_a.ipynb" download>get</a>
<img src="../_images/b.png" alt="B"><label for="w">L</label><h2 id="part">Part</h2></article>"""
CONTENTS = {"root": "index", "parts": [{"chapters": [{"file": "notebooks/02_b", "sections": [{"file": "c"}]}]}]}


def page(article):
    return f"<html>{HEAD}<body>{article}</body></html>"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "index.html").write_text(page(FIRST), encoding="utf-8")
    (tmp_path / "notebooks/02_b.html").write_text(page(SECOND), encoding="utf-8")
    return tmp_path


def test_reading_order():
    assert print_book.order(CONTENTS) == ["index", "notebooks/02_b", "c"]
    assert print_book.order(yaml.safe_load("root: a\nchapters: [{file: b}]")) == ["a", "b"]


def test_one_document_of_all_pages(site):
    whole = print_book.document(site, ["index", "notebooks/02_b"])
    for kept in (
        '<h1 id="index--top">One</h1><a href="#index--top">up</a>',
        '<a href="#notebooks-02_b--part">on</a><a href="https://example.org/">out</a>',
        '<img src="_images/a.png"',
        "<style>#notebooks-02_b--w rect { fill: #fff }</style>",
        '<svg id="notebooks-02_b--w" aria-labelledby="notebooks-02_b--t notebooks-02_b--d">',
        'clip-path="url(#notebooks-02_b--t)"',
        '<a href="#index">home</a><a href="notebooks/01_a.ipynb" download>',
        '<img src="_images/b.png"',
        '<label for="notebooks-02_b--w">',
        "<script>window.MathJax = {}</script>",
    ):
        assert kept in whole
    assert "move()" not in whole
    assert whole.index("One") < whole.index("Part")


def test_a_pdf_of_it(site):
    try:
        print_book.browser()
    except FileNotFoundError:
        pytest.skip("no chromium here: nothing was printed")
    (site / "whole.html").write_text(print_book.document(site, ["index", "notebooks/02_b"]), encoding="utf-8")
    print_book.print_pdf(site / "whole.html", site / "book.pdf")
    assert (site / "book.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_site_it_says_what_to_do(tmp_path, capsys):
    assert print_book.main([str(tmp_path)]) == 1
    assert "run make book first" in capsys.readouterr().err
