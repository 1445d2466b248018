"""Say which files of two built sites differ, and where first. Exit code 1 where any does.

usage: python tools/same_site.py [A B]. Without folders the commit is cloned twice, into folders whose names differ in
length, and `make book` builds each from nothing. One file may differ: build.json, which says what was built, when and
on what.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from build_site import STAMP

ROOT = Path(__file__).resolve().parent.parent
PLACE = Path(".cache") / "same-site"
NAMES = ("a", "a-folder-with-a-longer-name")
AROUND = 40  # bytes shown on each side of the first difference


def files(site: Path) -> dict[str, Path]:
    return {p.relative_to(site).as_posix(): p for p in sorted(site.rglob("*")) if p.is_file()}


def differences(first: Path, second: Path) -> list[str]:
    """Return a line for each file that only one site has, or that is another one."""
    one, other = files(first), files(second)
    if not one or not other:
        raise ValueError(f"{second if one else first}: no site; run make book first")
    found = []
    for name in sorted(one.keys() | other.keys()):
        if name == STAMP:
            continue
        if name not in one or name not in other:
            found.append(f"{name}: only in {first if name in one else second}")
        elif fault := first_difference(one[name].read_bytes(), other[name].read_bytes()):
            found.append(f"{name}: {fault}")
    return found


def first_difference(one: bytes, other: bytes) -> str:
    """Say where two contents begin to differ; empty where they are equal."""
    if one == other:
        return ""
    shorter = min(len(one), len(other))
    place = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    here, there = (content[max(0, place - AROUND) : place + AROUND] for content in (one, other))
    return f"from byte {place}: {here!r} and {there!r}"


def built(root: Path, name: str) -> Path:
    """Clone the commit into an empty folder, build its book, and return the site."""
    folder = root / PLACE / name
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], check=True)
    subprocess.run(["make", "book"], cwd=folder, check=True, env=own_environment())
    return folder / "_build" / "html"


def own_environment() -> dict[str, str]:
    """Return the variables for a command in a clone: nothing that leads back to this checkout or to another's."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "PYTHONPATH", "VENV")}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders", nargs="*", type=Path, help="two built sites (…/_build/html); without them, two builds"
    )
    options = parser.parse_args(arguments)
    if len(options.folders) not in (0, 2):
        parser.error("name two folders, or none")
    try:
        first, second = options.folders or [built(ROOT, name) for name in NAMES]
        found = differences(first, second)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(found) or f"the same site: {len(files(first))} files, byte for byte, but for {STAMP}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
