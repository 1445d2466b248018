"""Check the built site: links and ids resolve, images have alt text, nothing loads from the network, pages stay light.

It also refuses an executed notebook that holds an error or a warning, and a number that was not glued. Exit code 1 and
a line for each fault.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

ROOT = Path(__file__).resolve().parent.parent
HEAVIEST_PAGE = 1_000_000
LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
LOADING_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
POOR_ALT = re.compile(r"^(|image|figure|plot|_?images?/.*|.*\.(png|svg|jpe?g)|[0-9a-f]{16,}.*)$", re.IGNORECASE)
CSS_URL = re.compile(r"url\(\s*['\"]?(https?:)?//|@import\s+(url\()?['\"]?(https?:)?//")
CODE = re.compile(r"<code\b.*?</code>", re.DOTALL)
UNGLUED = re.compile(r"\{glue:?\w*\}|class=\"[^\"]*\b(problematic|system-message)\b")


class Page(HTMLParser):
    """What one page refers to: ids, links, what it loads, images with their alt text."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.images: list[tuple[str, str | None]] = []
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"])
        if tag == "a":
            self.links += [given["href"]] if given.get("href") else []
            self.ids += [given["name"]] if given.get("name") else []
        if tag == "img":
            self.images.append((given.get("src") or "", given.get("alt")))
        self._note_load(tag, given)

    def _note_load(self, tag, given):
        if tag == "link" and LOADING_RELATIONS & set((given.get("rel") or "").split()):
            self.loads.append(given.get("href") or "")
        elif given.get(LOADS.get(tag, "")):
            self.loads.append(given[LOADS[tag]])
        self.loads += [part.split()[0] for part in (given.get("srcset") or "").split(",") if part.strip()]


def remote(reference: str) -> bool:
    return reference.startswith("//") or urlsplit(reference).scheme in ("http", "https", "ws", "wss")


def link_faults(page: Page, pages: dict[Path, Page]) -> list[str]:
    """Report local references whose file or id does not exist."""
    return [f"broken link {link}" for link in {*page.links, *page.loads} if not resolves(link, page, pages)]


def resolves(link: str, page: Page, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or link.startswith("//"):
        return True
    target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if target in pages:
        return not parts.fragment or unquote(parts.fragment) in pages[target].ids
    return target.is_file()


def page_faults(page: Page) -> list[str]:
    found = [f"loads {load} from the network" for load in page.loads if remote(load)]
    found += ["a style loads from the network"] if CSS_URL.search(page.text) else []
    found += [f"image {src[:60]} has no real alt text ({alt!r})" for src, alt in page.images if poor_alt(src, alt)]
    found += [
        f"id {name} occurs twice" for name, times in Counter(page.ids).items() if times > 1 and not name.isdigit()
    ]
    found += [f"unresolved: {match.group()}" for match in UNGLUED.finditer(CODE.sub("", page.text))]
    return found + ([f"weighs {weight(page):,} bytes"] if weight(page) > HEAVIEST_PAGE else [])


def poor_alt(src: str, alt: str | None) -> bool:
    """The theme's own pictures (button logos) may be decorative: an empty alt is right there, none is not."""
    return alt is None if "_static/images/logo_" in src else POOR_ALT.match((alt or "").strip()) is not None


def weight(page: Page) -> int:
    """Bytes of a page with its own pictures; scripts and styles that all pages share are fetched once."""
    pictures = {(page.path.parent / unquote(src)).resolve() for src, _ in page.images if not remote(src)}
    return page.path.stat().st_size + sum(p.stat().st_size for p in pictures if p.is_file())


def notebook_faults(path: Path) -> list[str]:
    """Report cells that raised, wrote to stderr or were never run."""
    found = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
        if cell.cell_type != "code":
            continue
        bad = [o for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"]
        found += [f"cell {number}: {o.output_type} output {o.get('ename') or o.get('text', '')[:60]!r}" for o in bad]
        found += [f"cell {number} was never run"] if cell.source.strip() and not cell.execution_count else []
    return found


def style_faults(site: Path) -> list[str]:
    sheets = sorted(site.rglob("*.css"))
    return [
        f"{s.relative_to(site)}: loads from the network"
        for s in sheets
        if CSS_URL.search(s.read_text(encoding="utf-8"))
    ]


def site_faults(site: Path) -> list[str]:
    pages = {
        path.resolve(): Page(path.resolve()) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts
    }
    if not pages:
        return [f"{site}: no page; run make book first"]
    found = style_faults(site)
    for page in pages.values():
        name = page.path.relative_to(site.resolve())
        found += [f"{name}: {fault}" for fault in [*page_faults(page), *link_faults(page, pages)]]
    heaviest = max(pages.values(), key=weight)
    print(f"site: {len(pages)} pages, heaviest {heaviest.path.name} with {weight(heaviest):,} bytes")
    return found


def main() -> int:
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "html"
    executed = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "book" / "notebooks"
    found = site_faults(site)
    for path in sorted(executed.glob("*.ipynb")):
        found += [f"{path.name}: {fault}" for fault in notebook_faults(path)]
    print("\n".join(found) if found else "site: links, alt text, weight and outputs are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
