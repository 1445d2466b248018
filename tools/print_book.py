"""Print the whole book: one document from the built pages, in the order of the contents, then a PDF through Chromium.

usage: python tools/print_book.py [SITE]. The pages are those of the site, so every number is the site's. Links between
pages become links within the document; scripts stay out (but for formulas), so interactive figures stand in their first
state. The style for paper, book/_static/print.css, is that of the pages, and opens what they fold away.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
NAME = "dualalign"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET = ("--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer")
PATIENCE = 600  # seconds; formulas take the most

ARTICLE = re.compile(r'<article class="bd-article">(.*)</article>', re.DOTALL)
HEAD = re.compile(r"<head>.*?</head>", re.DOTALL)
SCRIPT = re.compile(r"<script\b.*?</script>|<noscript>.*?</noscript>", re.DOTALL)
FORMULAS = re.compile(r"<script>window\.MathJax = .*?</script>|<script[^>]*mathjax/[^>]*></script>", re.DOTALL)
OWN_IDS = re.compile(r'(\s(?:id|for|name|aria-[a-z]+by|aria-controls|aria-details)=")([^"]*)(")')
STYLE = re.compile(r"<style\b.*?</style>", re.DOTALL)
IN_STYLE = re.compile(r"url\((&quot;|[\"']?)#")
TARGET = re.compile(r'(\s(?:xlink:)?(?:href|src)=")([^"]*)(")')


def order(contents: dict) -> list[str]:
    """Return the pages of a table of contents in reading order."""
    chapters = [entry for part in contents.get("parts", [contents]) for entry in part.get("chapters", [])]
    return [contents["root"], *(name for entry in chapters for name in names(entry))]


def names(entry: dict) -> list[str]:
    own = [entry["file"]] if "file" in entry else []
    return own + [name for section in entry.get("sections", []) for name in names(section)]


def anchor(page: str, fragment: str = "") -> str:
    """Return the id, unique in the document, of a page or of a place on it."""
    return f"{page}--{fragment}".replace("/", "-") if fragment else page.replace("/", "-")


def chapter(page: str, html: str, pages: set[str]) -> str:
    """Return a page's article with ids of its own and links within the document."""
    article = SCRIPT.sub("", ARTICLE.search(html).group(1))
    ids = {name for match in OWN_IDS.finditer(article) for name in match[2].split()}
    article = STYLE.sub(lambda m: re.sub(r"#([\w-]+)", partial(_renamed, page=page, ids=ids), m.group()), article)
    article = OWN_IDS.sub(lambda m: m[1] + " ".join(anchor(page, name) for name in m[2].split()) + m[3], article)
    article = IN_STYLE.sub(lambda m: f"url({m[1]}#{anchor(page)}--", article)
    article = TARGET.sub(partial(_moved, page=page, pages=pages), article)
    return f'<section class="chapter" id="{anchor(page)}">{article}</section>'


def _renamed(match: re.Match, page: str, ids: set[str]) -> str:
    """Rename an id in a rule of style; a colour like #fff is none."""
    return f"#{anchor(page, match[1])}" if match[1] in ids else match.group()


def _moved(match: re.Match, page: str, pages: set[str]) -> str:
    """Point a link at its place in the document, a file at its path from the site's root."""
    before, target, after = match.groups()
    parts = urlsplit(target)
    if parts.scheme or target.startswith("//"):
        return match.group()
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path)) if parts.path else f"{page}.html"
    name = path.removesuffix(".html")
    if name in pages:
        return f"{before}#{anchor(name, parts.fragment)}{after}"
    return f"{before}{path}{after}"


def document(site: Path, pages: list[str]) -> str:
    """Return the whole book as one page that lies at the root of the site."""
    first = (site / f"{pages[0]}.html").read_text(encoding="utf-8")
    head = HEAD.search(first).group()
    kept = "".join(FORMULAS.findall(head))
    head = SCRIPT.sub("", head).replace("</head>", f"{kept}</head>")
    chapters = [chapter(p, (site / f"{p}.html").read_text(encoding="utf-8"), set(pages)) for p in pages]
    body = f'<body class="whole-book"><main class="bd-article">{"".join(chapters)}</main></body>'
    return f'<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light">{head}{body}</html>'


def browser() -> str:
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    if not any(found):
        raise FileNotFoundError("no Chromium found: install Debian's chromium or set CHROMIUM to one")
    return next(filter(None, found))


def print_pdf(page: Path, target: Path) -> None:
    """Print a page when its formulas are set."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser(), *FLAGS, *QUIET, f"--user-data-dir={profile}", "--generate-pdf-document-outline"]
        command += [f"--virtual-time-budget={PATIENCE * 1000}", f"--timeout={PATIENCE * 1000}"]
        part = target.with_suffix(".part")
        subprocess.run(
            [*command, f"--print-to-pdf={part}", page.as_uri()], check=True, capture_output=True, timeout=PATIENCE
        )
        os.replace(part, target)


def main(arguments: list[str]) -> int:
    site = Path(arguments[0]).resolve() if arguments else ROOT / "_build" / "html"
    pages = order(yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")))
    if not (site / f"{pages[0]}.html").exists():
        print(f"{site}: no site; run make book first", file=sys.stderr)
        return 1
    whole, target = site / "_whole_book.html", site / f"{NAME}.pdf"
    try:
        whole.write_text(document(site, pages), encoding="utf-8")
        print_pdf(whole, target)
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        whole.unlink(missing_ok=True)
    print(f"{target}: {len(pages)} pages of the site, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
