"""Compare every glued number of the executed notebooks with book/numbers.json: what it was, and its tolerance.

usage: python tools/check_numbers.py [--write | --report]. Exit code 1 where a number moved by more than its tolerance,
appeared or went away; --write accepts what is there, and keeps tolerances; with --report a number that moved a little
is named and no fault, for another processor adds in another order. Notebooks that ran the models (make live) are not
compared.
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

from dualalign.traces.artifact import write_whole

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("book") / "numbers.json"
TOLERANCE = 1e-6  # of a number's size; the same digits on one machine, and far below what a page shows
SMALLEST = 1e-9  # differences below this are rounding, whatever the number's size
FAR = (
    1e-2  # of a number's size: more than another processor does, which moves last digits or turns one resample in 1000
)

Numbers = dict[str, dict[str, Any]]  # notebook -> key -> number or text
Recorded = dict[str, dict[str, dict[str, Any]]]  # notebook -> key -> value, tolerance, and a reason for a wider one


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


def recorded(root: Path) -> Recorded:
    path = root / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def entry(value: Any, old: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is recorded of a number: a tolerance that was there stays; a count or a word must be equal."""
    kept = {} if old is None else {key: old[key] for key in ("tolerance", "reason") if key in old}
    return {"value": value, "tolerance": TOLERANCE if isinstance(value, float) else 0, **kept}


def moved(before: Recorded, now: Numbers) -> list[str]:
    """Return a line for each number that is another one than recorded."""
    found = []
    for name, values in now.items():
        old = before.get(name, {})
        for key in sorted(values.keys() & old.keys()):
            if share(old[key], values[key]) > 1:
                by = by_how_much(old[key]["value"], values[key])
                found.append(f"{name}: {key} was {old[key]['value']!r}, is {values[key]!r} ({by})")
    return found


def unrecorded(before: Recorded, now: Numbers) -> list[str]:
    """Return a line for each number that appeared or went away."""
    found = []
    for name, values in now.items():
        old = before.get(name, {})
        found += [f"{name}: {key} is new ({values[key]!r})" for key in sorted(values.keys() - old.keys())]
        gone = sorted(old.keys() - values.keys())
        found += [f"{name}: {key} is gone (it was {old[key]['value']!r})" for key in gone]
    return found


def share(old: dict[str, Any], new: Any) -> float:
    """Return how much of its tolerance a number used: 0 where it is equal, above 1 where it moved too far."""
    value, tolerance = old["value"], old["tolerance"]
    if value == new:
        return 0.0
    if not (tolerance and number(value) and number(new)):
        return math.inf
    return abs(new - value) / max(tolerance * abs(value), SMALLEST)


def far(before: Recorded, now: Numbers) -> bool:
    """Tell whether a number moved further than another processor would move it; counts and words may turn on a tie."""
    pairs = [(old, now[n][key]) for n in now.keys() & before.keys() for key, old in before[n].items() if key in now[n]]
    floats = [(old, new) for old, new in pairs if old["tolerance"] and number(new) and share(old, new) > 1]
    return any(abs(new - old["value"]) > FAR * max(abs(old["value"]), 0.1) for old, new in floats)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def by_how_much(old: Any, new: Any) -> str:
    if not (number(old) and number(new)):
        return "another word"
    return f"{abs(new - old) / max(abs(old), SMALLEST):.1e} of its size"


def text(stored: Recorded) -> str:
    """Return the file's text: a line a number."""
    notebooks = []
    for name, values in stored.items():
        lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
        notebooks.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(notebooks) + "\n}\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="accept the numbers as they are now")
    parser.add_argument("--report", action="store_true", help="a number that moved a little is no fault")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    before = recorded(root)
    now = collect(root)
    changed, missing = moved(before, now), unrecorded(before, now)
    missing += [f"{n}: this notebook is gone" for n in before if not (root / f"{n}.ipynb").exists()]
    agreed = f"numbers: {sum(map(len, now.values()))} of {len(now)} notebooks, as recorded"
    print("\n".join([*missing, *changed]) or agreed)
    if not options.write:
        return 1 if missing or far(before, now) or (changed and not options.report) else 0
    kept = {name: values for name, values in before.items() if (root / f"{name}.ipynb").exists()}
    for name, values in now.items():
        kept[name] = {key: entry(value, before.get(name, {}).get(key)) for key, value in values.items()}
    write_whole(root / FILE, text(kept).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
