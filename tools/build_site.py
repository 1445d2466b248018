"""Build the site: from nothing, or with --prose only the pages that changed and those that quote a changed notebook.

A part of a site is rebuilt only upon a build that is known to be good: one that ended well, with the same settings, the
same set of pages, and the same titles, labels and captions, which other pages show. In any other case the whole site is
built, and the reason is said.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from freshness import digest

ROOT = Path(__file__).resolve().parent.parent
STAMP = "build.json"  # the one file of a site that is another one in each build
SETTINGS = (
    *(
        "_config.yml",
        "requirements.lock",
        "book/_toc.yml",
        "book/*.bib",
        "book/costs.json",
        "book/reproduced.json",
        "book/planted.json",
        "tests/planted/faults.toml",
        "book/glossary.md",
    ),
    *("book/_static/**/*", "vendor/**/*", "tools/*.*", "dualalign/**/*.py"),
)
# What another page may show of a page: its headings, labels and minutes, and names and captions of its blocks.
SHOWN_ELSEWHERE = re.compile(
    r"^(?:#+ .*|\| \*\*Time.*|\(.*\)=|\s*:(?:label|name|caption):.*|(?:`{3,}|:{3,})\{.*)$", re.MULTILINE
)


def settings(root: Path) -> dict[str, str]:
    """Hash what every page depends on."""
    files = sorted({path for pattern in SETTINGS for path in root.glob(pattern) if path.is_file()})
    return {p.relative_to(root).as_posix(): digest(p) for p in files if "__pycache__" not in p.parts}


def outlines(root: Path) -> dict[str, str]:
    """Hash what other pages may show of each page."""
    pages = [*(root / "book").rglob("*.md"), *(root / "book").rglob("[!.]*.ipynb")]
    texts = {path.relative_to(root).as_posix(): outline(path) for path in sorted(pages)}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()}


def outline(path: Path) -> str:
    if path.suffix == ".md":
        return "\n".join(SHOWN_ELSEWHERE.findall(path.read_text(encoding="utf-8")))
    cells = nbformat.read(path, as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in SHOWN_ELSEWHERE.findall(cell.source)]
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in cells]
    return "\n".join([*lines, json.dumps(figures, sort_keys=True)])


def why_whole(state: Path, now: dict[str, dict[str, str]]) -> str:
    """Say why a part would not do; empty when it would."""
    if not state.exists():
        return "no build that ended well"
    before = json.loads(state.read_text(encoding="utf-8"))
    for part, files in now.items():
        old = before.get(part, {})
        if changed := sorted(name for name in old.keys() | files.keys() if old.get(name) != files.get(name)):
            return f"{changed[0]}: {part} changed"
    return ""


def build(root: Path, prose: bool) -> int:
    """Build the site and return the exit code; a build that fails leaves nothing to build upon."""
    began = time.monotonic()
    output, state = root / "_build", root / "_build" / "site.json"
    now = {"settings": settings(root), "outline": outlines(root)}
    reason = why_whole(state, now) if prose else "asked for"
    state.unlink(missing_ok=True)
    print(f"site: {f'whole ({reason})' if reason else 'changed pages only'}", flush=True)
    if reason:  # a second build over the first would forgive what the first warned of
        for name in ("html", ".doctrees"):
            shutil.rmtree(output / name, ignore_errors=True)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "book", "--config", "_config.yml"]
    options = ["--path-output", ".", "-W", "-n", "--keep-going", *(["--all"] if reason else [])]
    code = subprocess.run([*command, *options], cwd=root, check=False).returncode
    if code == 0:
        (output / "html" / STAMP).write_text(json.dumps(stamp(root, time.monotonic() - began), indent=1) + "\n")
        state.write_text(json.dumps(now, indent=1), encoding="utf-8")
    return code


def stamp(root: Path, seconds: float) -> dict[str, object]:
    """Say what was built, when, on what, and how long Sphinx took; the commit is null outside a clone."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=False, capture_output=True, text=True)
    return {
        "commit": asked.stdout.strip() or None,
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "seconds": round(seconds, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prose", action="store_true", help="only what changed, where that is safe")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    return build(options.root.resolve(), options.prose)


if __name__ == "__main__":
    sys.exit(main())
