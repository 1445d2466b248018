"""Report pages of `dualalign report` in the site, made when it is built: the book links to what the command writes."""

from __future__ import annotations

from pathlib import Path

PAGES = {  # page under reports/: the traces that it is about, and their questions
    "own_pair.html": (["data/pair/trace.safetensors"], "data/pair/questions.jsonl"),
    "several.html": (
        [f"data/traces/sft4__{name}__choices.safetensors" for name in ("arc-easy", "openbookqa", "csqa")],
        None,
    ),
}


def setup(app):
    """Write the pages when the rest of the site stands."""
    app.connect("build-finished", write_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app, exception):
    """Write every page that is missing or older than what it is made from."""
    if exception or app.builder.format != "html":
        return
    from dualalign.report import write_report

    root, folder = Path(app.srcdir).parent, Path(app.outdir) / "reports"
    folder.mkdir(exist_ok=True)
    module = [path for path in (root / "dualalign").rglob("*") if path.suffix in (".py", ".css", ".js")]
    for name, (traces, questions) in PAGES.items():
        paths, asked = [root / trace for trace in traces], root / questions if questions else None
        if stale(folder / name, [*paths, *module, *([asked] if asked else [])]):
            write_report(paths, folder / name, asked)


def stale(page: Path, sources: list[Path]) -> bool:
    """Return whether a page is missing, or older than one of the files that decide it."""
    return not page.exists() or page.stat().st_mtime < max(source.stat().st_mtime for source in sources)
