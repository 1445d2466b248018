"""Check that the site shows the numbers of the executed notebooks, and these the present code, data and prose.

Four faults are named: an executed copy older than its inputs; a page built from other bytes than those on disk; a
``{glue:text}`` whose words on the page are not the value in the notebook; a key that one notebook glues twice with
different values. Exit code 1 and a line for each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path

import freshness
import glued
import nbformat
from check_book import on_page
from run_notebooks import parameters_for

ROOT = Path(__file__).resolve().parent.parent
ROLE = re.compile(r"(?<!`)\{glue:text\}`([^`]+)`(?!`)")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(.*)$")
IN_LINE = re.compile(r"(?<!`)(``+)(?!`).+?(?<!`)\1(?!`)")  # code that may hold a backtick
STAMP = re.compile(r'<meta name="source-digest" content="(\w+)"')
ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
SHOWN = re.compile(r'<span class="pasted-text">(.*?)</span>', re.DOTALL)


def stale_copies(root: Path) -> list[str]:
    """Report executed copies that are missing or older than code, module, data, lock or prose."""
    shared, found = freshness.shared_inputs(root), []
    for source in freshness.sources(root):
        record = freshness.read_record(freshness.copy_of(source, root))
        inputs = freshness.inputs_of(source, shared)
        reason = freshness.why_rerun(record, inputs, parameters_for(source, {}, live=False)[1])
        reason = reason or ("its prose changed" if record["prose"] != freshness.digest(source) else "")
        found += [f"{source.stem}: the executed copy is stale: {reason}; run tools/run_notebooks.py"] if reason else []
    return found


def pages(root: Path, site: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield (name, source, page) of every page of the site that has a source in book/."""
    for page in sorted(site.rglob("*.html")):
        base = root / "book" / page.relative_to(site).with_suffix("")
        sources = [base.with_suffix(suffix) for suffix in (".ipynb", ".md") if base.with_suffix(suffix).exists()]
        if sources:
            yield page.relative_to(site).with_suffix("").as_posix(), sources[0], page


def page_faults(name: str, source: Path, html: str, root: Path) -> list[str]:
    """Report a page built from other bytes, or the first quoted number that is not the notebook's."""
    stamp = STAMP.search(html)
    if not stamp or stamp.group(1) != freshness.digest(source):
        return [f"{name}: the page was built from another {source.name} than the one on disk; run make site"]
    article = ARTICLE.search(html)
    shown = [unescape(text) for text in SHOWN.findall(article.group() if article else html)]
    roles = ROLE.findall(without_code(prose(source)))
    if len(shown) != len(roles):
        return [f"{name}: {len(roles)} numbers are quoted in the source, {len(shown)} stand on the page"]
    for role, text in zip(roles, shown, strict=True):
        if (right := quoted(role, source, root)) != text:
            return [f"{name}: {role} stands as {text!r} on the page, the notebook has {right!r}"]
    return []


def without_code(text: str) -> str:
    """Return Markdown without its code, in blocks or between two backticks; what stands inside a directive stays."""
    kept, open_fences, code = [], [], ""
    for line in text.splitlines():
        mark, info = fence.groups() if (fence := FENCE.match(line)) else ("", "")
        if code:
            code = "" if mark.startswith(code) and not info else code
        elif mark and not info and open_fences and mark.startswith(open_fences[-1]):
            open_fences.pop()
        elif mark and info.startswith("{") and not info.startswith("{code"):
            open_fences.append(mark)
        elif mark:
            code = mark
        else:
            kept.append(IN_LINE.sub("", line))
    return "\n".join(kept)


def prose(source: Path) -> str:
    """Return a page's Markdown, that which its cells show included."""
    if source.suffix == ".md":
        return source.read_text(encoding="utf-8")
    cells = on_page(nbformat.read(source, as_version=4).cells)
    return "\n\n".join(text for cell in cells for text in _markdown(cell))


def _markdown(cell) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
    for output in cell.get("outputs", []):
        if "scrapbook" not in output.get("metadata", {}):
            yield output.get("data", {}).get("text/markdown", "")


def quoted(role: str, source: Path, root: Path) -> str:
    """Return what a role stands for now: "notebooks/01_a.ipynb::key:.3f" or "key:.3f"."""
    path, _, key = role.rpartition("::")
    key, _, form = key.partition(":")
    target = (source.parent / path).resolve() if path else source
    known = values_of(target, target.stat().st_mtime_ns) if target.exists() else {}
    return format(known[key], form) if key in known else f"nothing under {key!r}"


@cache
def values_of(path: Path, changed: int) -> dict[str, object]:
    """Read the values of an executed notebook once, as long as it does not change."""
    return glued.values(nbformat.read(path, as_version=4).cells)


def ambiguous_keys(path: Path) -> list[str]:
    """Report keys that stand for two values in one notebook."""
    seen: dict[str, object] = {}
    records = glued.records(nbformat.read(path, as_version=4).cells)
    found = {name for name, value in records if seen.setdefault(name, value) != value}
    return [f"{path.stem}: {name!r} is glued twice, with different values" for name in sorted(found)]


def faults(root: Path, site: Path) -> list[str]:
    found = stale_copies(root)
    for source in freshness.sources(root):
        if (copy := freshness.copy_of(source, root)).exists():
            found += ambiguous_keys(copy)
    for name, source, page in pages(root, site):
        found += page_faults(name, source, page.read_text(encoding="utf-8"), root)
    return found


def main() -> int:
    found = faults(ROOT, ROOT / "_build" / "html")
    print("\n".join(found) if found else "glue: every number on the site is the notebooks', every notebook is current")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
