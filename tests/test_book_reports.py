"""The site's report pages are written when they are missing or older than what they are made from, else left alone."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx")
import book_reports


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A site that is being built from a small checkout; `calls` collects the pages that were written."""
    (tmp_path / "dualalign/report").mkdir(parents=True)
    (tmp_path / "dualalign/report/report.css").write_text("")
    (tmp_path / "t").write_text("trace")
    (tmp_path / "site").mkdir()
    calls = []

    def write(traces, out, *_, **__):
        calls.append(out.name)
        out.write_text("page")

    monkeypatch.setattr("dualalign.report.write_report", write)
    monkeypatch.setattr(book_reports, "PAGES", {"one.html": (["t"], None)})
    builder = SimpleNamespace(format="html")
    return SimpleNamespace(srcdir=tmp_path / "book", outdir=tmp_path / "site", builder=builder, calls=calls)


def test_a_page_is_written_once_and_again_when_its_trace_changes(app):
    for _ in range(2):
        book_reports.write_pages(app, None)
    assert app.calls == ["one.html"]
    later = (app.outdir / "reports/one.html").stat().st_mtime + 5
    os.utime(app.srcdir.parent / "t", (later, later))
    book_reports.write_pages(app, None)
    assert app.calls == ["one.html"] * 2


def test_a_failed_build_and_other_formats_write_nothing(app):
    book_reports.write_pages(app, RuntimeError())
    app.builder.format = "latex"
    book_reports.write_pages(app, None)
    assert not app.calls
