"""The search: our scorer is whole, and a page opened as a file fetches nothing."""

from __future__ import annotations

import re
from types import SimpleNamespace

import book_search


def test_the_scorer_names_all_that_the_search_asks_for():
    app = SimpleNamespace(config=SimpleNamespace())
    book_search.setup(app)
    with open(app.config.html_search_scorer, encoding="utf-8") as file:
        script = file.read()
    asked = {"score", "objNameMatch", "objPartialMatch", "objPrio", "objPrioDefault"}
    assert asked | {"title", "partialTitle", "term", "partialTerm"} <= set(
        re.findall(r"^  (\w+):", script, re.MULTILINE)
    )
    assert re.search(r'protocol === "file:".*SHOW_SEARCH_SUMMARY = false', script)
