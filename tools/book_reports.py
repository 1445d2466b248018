"""Report pages of `dualalign report` in the site, made when it is built: the book links to what the command writes."""

from __future__ import annotations

from pathlib import Path

PAGES = {  # page under reports/: the traces that it is about, and their questions
    "own_pair.html": (["data/pair/trace.safetensors"], "data/pair/questions.jsonl"),
}


def setup(app):
    app.connect("build-finished", write_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app, exception):
    """Write every page that is missing or older than what it is made from."""
    if exception or app.builder.format != "html":
        return
    from dualalign.report import write_report

    root, folder = Path(app.srcdir).parent, Path(app.outdir) / "reports"
    folder.mkdir(exist_ok=True)
    for name, (traces, _questions) in PAGES.items():
        paths = [root / trace for trace in traces]
        if stale(folder / name, [*paths, *(root / "dualalign").rglob("*.py"), root / "dualalign/report/report.css"]):
            write_report(paths, folder / name)


def stale(page: Path, sources: list[Path]) -> bool:
    """Return whether a page is missing, or older than one of the files that decide it."""
    return not page.exists() or page.stat().st_mtime < max(source.stat().st_mtime for source in sources)
