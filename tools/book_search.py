"""Search that works from a file: the scorer of tools/book_search.js goes into Sphinx's own search."""

from __future__ import annotations

from pathlib import Path


def setup(app):
    app.config.html_search_scorer = str(Path(__file__).with_suffix(".js"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
