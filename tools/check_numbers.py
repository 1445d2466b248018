"""Compare every glued number of the executed notebooks with book/numbers.json, which says what they were.

usage: python tools/check_numbers.py [--write | --report]. Exit code 1 where a number moved by more than the tolerance,
appeared or went away; --write accepts what is there; with --report a number that moved is named and no fault, for
another processor adds in another order. Notebooks that ran the models (make live) are not compared.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import freshness
import glued

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("book") / "numbers.json"
TOLERANCE = 1e-6  # of a number's size; the same digits on one machine, and far below what a page shows
SMALLEST = 1e-9  # differences below this are rounding, whatever the number's size
BY_NOTEBOOK: dict[str, float] = {}  # notebooks whose numbers may differ by more

Numbers = dict[str, dict[str, Any]]


def collect(root: Path) -> Numbers:
    """Read what the executed copies glued: notebook -> key -> number or text; live runs are left out."""
    found = {}
    for name, notebook in freshness.default_copies(root).items():
        values = glued.values(notebook.cells)
        found[name] = {key: plain(value) for key, value in sorted(values.items())}
    return found


def plain(value: Any) -> Any:
    """Return a value that JSON can hold: infinities and objects as text."""
    finite = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    return value if finite or isinstance(value, str) else str(value)


def moved(before: Numbers, now: Numbers) -> list[str]:
    """Return a line for each number that is another one than recorded."""
    found = []
    for name, values in now.items():
        old, tolerance = before.get(name, {}), BY_NOTEBOOK.get(name, TOLERANCE)
        for key in sorted(values.keys() & old.keys()):
            if by := by_how_much(old[key], values[key], tolerance):
                found.append(f"{name}: {key} was {old[key]!r}, is {values[key]!r}{by}")
    return found


def unrecorded(before: Numbers, now: Numbers) -> list[str]:
    """Return a line for each number that appeared or went away."""
    found = []
    for name, values in now.items():
        old = before.get(name, {})
        found += [f"{name}: {key} is new ({values[key]!r})" for key in sorted(values.keys() - old.keys())]
        found += [f"{name}: {key} is gone (it was {old[key]!r})" for key in sorted(old.keys() - values.keys())]
    return found


def by_how_much(old: Any, new: Any, tolerance: float) -> str:
    """Say by how much a value moved; empty when it did not, or by less than is allowed."""
    if old == new:
        return ""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new))
    if not numbers:
        return " (another word)"
    if math.isclose(old, new, rel_tol=tolerance, abs_tol=SMALLEST):
        return ""
    return f" ({abs(new - old) / max(abs(old), SMALLEST):.1e} of its size)"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="accept the numbers as they are now")
    parser.add_argument("--report", action="store_true", help="a number that moved is no fault")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    path = root / FILE
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    now = collect(root)
    changed, missing = moved(before, now), unrecorded(before, now)
    missing += [f"{n}: this notebook is gone" for n in before if not (root / f"{n}.ipynb").exists()]
    agreed = f"numbers: {sum(map(len, now.values()))} of {len(now)} notebooks, as recorded"
    print("\n".join([*missing, *changed]) or agreed)
    if not options.write:
        return 1 if missing or (changed and not options.report) else 0
    kept = {name: values for name, values in before.items() if (root / f"{name}.ipynb").exists()}
    path.write_text(json.dumps(kept | now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
