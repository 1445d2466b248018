"""Compare every numbered figure of the executed notebooks with the last accepted build's, in book/figures.json.

usage: python tools/figures_diff.py [--write | --last FOLDER]. Exit code 1 where a figure moved, appeared or went away;
--write accepts what is there. FOLDER is another checkout whose book was built: its figures are the ones to compare
with. The pages of what moved, before and after, are in _build/figures/index.html. Notebooks that ran the models (make
live) are not compared, and noise of antialiasing is no move (figure_digest.py says what is).
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import figures_page
import freshness
from figure_digest import TOLERANCE, Digest, digest, distance, opaque
from PIL import Image

from dualalign.traces.artifact import write_whole

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("book") / "figures.json"
KEPT = Path("_build") / "figures"  # the pictures that agreed last, so that a page can show what was before

Figures = dict[str, tuple[str, bytes]]  # name -> notebook, PNG


def figures(root: Path) -> Figures:
    """Return every picture of the executed copies under its figure's name, in the order of the book."""
    return {
        name: (notebook, base64.b64decode(picture))
        for notebook, copy in freshness.default_copies(root).items()
        for number, cell in enumerate(copy.cells, start=1)
        for name, picture in named(cell, f"{Path(notebook).name}-cell-{number}")
    }


def named(cell, default: str) -> Iterator[tuple[str, str]]:
    """Yield (name, PNG in base64) of a cell's pictures; ValueError for a name that would be no file's name."""
    name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", default)
    pictures = [o.data["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    if pictures and not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"{default}: the figure's name {name!r} has other signs than letters, digits and dashes")
    for number, picture in enumerate(pictures, start=1):
        yield name if number == 1 else f"{name}-{number}", picture


def digests(found: Figures) -> dict[str, Digest]:
    return {name: {"notebook": notebook, **digest(opaque(png))} for name, (notebook, png) in found.items()}


def moved(before: dict[str, Digest], now: Figures) -> dict[str, str]:
    """Return a line for each figure that is another one than recorded: name -> line."""
    found = {}
    for name, (notebook, png) in now.items():
        if name not in before:
            found[name] = f"{notebook}: {name} is new"
            continue
        image = opaque(png)
        far = distance(before[name], image)
        if far == float("inf"):
            found[name] = f"{notebook}: {name} was {_size(before[name]['size'])} pixels, is {_size(image.size)}"
        elif far > TOLERANCE:
            found[name] = f"{notebook}: {name} moved (a cell by {far:.0f} of 256, allowed {TOLERANCE})"
    return found


def _size(size) -> str:
    return " x ".join(map(str, size))


def gone(before: dict[str, Digest], now: Figures, compared: set[str]) -> dict[str, str]:
    """Return a line for each recorded figure that a notebook compared now no longer has: name -> line."""
    missing = {name: old["notebook"] for name, old in before.items() if name not in now}
    return {name: f"{notebook}: {name} is gone" for name, notebook in missing.items() if notebook in compared}


def compared(root: Path, before: dict[str, Digest]) -> set[str]:
    """Return the notebooks that a record is held against: those that ran without models, and those that are gone."""
    ran = freshness.default_copies(root).keys()
    return ran | {old["notebook"] for old in before.values() if not (root / f"{old['notebook']}.ipynb").exists()}


def pictures(folder: Path, names) -> dict[str, Image.Image]:
    """Return the kept pictures of these figures."""
    return {name: opaque((folder / f"{name}.png").read_bytes()) for name in names if (folder / f"{name}.png").exists()}


def keep(folder: Path, now: Figures, names) -> None:
    """Keep the pictures that agree, for the page of a later build."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_whole(folder / f"{name}.png", now[name][1])


def read(path: Path) -> dict[str, Digest]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def accept(path: Path, before: dict[str, Digest], now: Figures, missing: dict[str, str]) -> None:
    """Record the figures as they are, a line each; the line of one that did not move stays as it is."""
    stays = before.keys() - moved(before, now).keys() - missing.keys()
    stored = digests(now) | {name: before[name] for name in stays}
    lines = [f"{json.dumps(name)}: {json.dumps(stored[name])}" for name in stored]
    write_whole(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--write", action="store_true", help="accept the figures as they are now")
    one.add_argument("--last", type=Path, metavar="FOLDER", help="compare with the figures of this built checkout")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        return compare(options.root.resolve(), options.last, options.write)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


def compare(root: Path, last: Path | None, accepted: bool) -> int:
    """Compare, write the page, and return the exit code."""
    now, folder = figures(root), root / KEPT
    other = figures(last.resolve()) if last else {}
    before = digests(other) if last else read(root / FILE)
    missing = gone(before, now, compared(root, before))
    changed = moved(before, now) | missing
    for line in changed.values():
        print(line)
    if accepted:
        accept(root / FILE, before, now, missing)
    shown = {name: opaque(png) for name, (_, png) in other.items()} or pictures(folder, changed)
    images = {name: opaque(now[name][1]) for name in changed if name in now}
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "index.html", figures_page.page(changed, before, shown, images).encode())
    if not last:
        keep(folder, now, now if accepted else now.keys() - changed.keys())
    where = f"before and after: {folder / 'index.html'}"
    print(where if changed else f"figures: {len(now)}, none moved by more than noise")
    return 1 if changed and not accepted else 0


if __name__ == "__main__":
    sys.exit(main())
