"""Check the sources of the book before anything runs: figures, skeleton, exercises and their checkers.

Every figure states its message in an alt text that quotes a glued number; no result is typed; a page that shows a
calibration error shows its noise floor; every page has its parts; every exercise has a checker, every checker a page,
and no checker accepts an answer that is known to be wrong. Exit code 1 and a line for each fault.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import checkers
import exercises
import glued
import jupytext
import skeleton
import typed_numbers

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "course")
SPECIAL = {"guide", "slide-only"}  # cells of a lesson that are not on its page
SHOWS_ECE = re.compile(r"""metrics\.ece\b|["']ece["'](?=\s*[,\]])""")  # computed, or a column that is shown


def figure_faults(cells: list) -> list[str]:
    """Report figures without caption, name or an alt text that quotes a number of the run."""
    found = []
    for number, cell in enumerate(cells, start=1):
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            texts = {field: text for _, field, text in glued.templates(cell)}
            found += [f"cell {number}: a figure without {key}" for key in ("caption", "name") if not figure.get(key)]
            found += [f"cell {number}: {fault}" for fault in _alt_faults(texts.get("alt", ""))]
    return found


def _alt_faults(alt: str) -> list[str]:
    if not alt.strip():
        return ["a figure without an alt text (mystnb.image.alt)"]
    try:
        return [] if glued.placeholders(alt) else ["its alt text quotes no glued number: write {key:.2f}"]
    except ValueError as error:
        return [f"alt text: {error}"]


def on_page(cells: list) -> list:
    return [cell for cell in cells if not SPECIAL & set(cell.metadata.get("tags", []))]


def floor_faults(code: str) -> list[str]:
    """Report a page that shows a calibration error and nowhere what noise alone would show."""
    without = SHOWS_ECE.search(code) and "floor" not in code
    return ["shows a calibration error (ECE) without its noise floor (metrics.ece_floor)"] if without else []


def page_faults(cells: list, names: list[str], chapter: bool = True, invented: Collection[str] = ()) -> list[str]:
    """Return what is wrong with one page by itself; ``invented``: the numbers that it may type."""
    shown = on_page(cells)
    text, code = skeleton.prose(shown), "\n".join(cell.source for cell in shown if cell.cell_type == "code")
    return [
        *figure_faults(cells),
        *typed_numbers.faults(cells, invented),
        *floor_faults(code),
        *skeleton.faults(text, chapter),
        *exercises.page_faults(text, code, names),
    ]


def book_faults(pages: dict[str, list], names: list[str]) -> list[str]:
    """Return what is wrong between pages: labels and figure names that two share, checkers without a page."""
    labels = {name: exercises.labels(skeleton.prose(on_page(cells))) for name, cells in pages.items()}
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}).get("name") for p in pages.values() for cell in p]
    twice = [name for name, times in Counter(filter(None, figures)).items() if times > 1]
    return [*exercises.book_faults(labels, names), *(f"two figures are named {name}" for name in sorted(twice))]


def sources(root: Path) -> dict[str, list]:
    """Read every page's cells: "notebooks/01_a" -> cells."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).glob("[0-9]*_*.py"))]
    return {path.relative_to(root).with_suffix("").as_posix(): jupytext.read(path).cells for path in paths}


def faults(pages: dict[str, list], names: list[str]) -> list[str]:
    """Return what is wrong with each page and between them."""
    return each_fault(pages, names) + book_faults(pages, names)


def each_fault(pages: dict[str, list], names: list[str]) -> list[str]:
    """Return what is wrong with each page by itself."""
    invented = typed_numbers.invented()
    found = {n: page_faults(c, names, n.startswith("notebooks"), invented.get(n, ())) for n, c in pages.items()}
    return [f"{name}: {fault}" for name, page in found.items() for fault in page]


def main(arguments: list[str]) -> int:
    from dualalign import course

    pages, known = sources(ROOT), course.exercises()
    if arguments:
        pages = {name: cells for name, cells in pages.items() if Path(name).name in arguments}
        found = each_fault(pages, list(known))
    else:
        found = faults(pages, list(known)) + checkers.faults(ROOT, course)
    print("\n".join(found) if found else f"book: the sources of {len(pages)} pages are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
