"""What an executed copy depends on, and whether it is still current.

The record in a copy holds two things apart: the inputs of its code (code cells and their tags, the module, the data,
the lock, its parameters), which make a page run again, and its prose (everything else of the notebook), which is only
put into the copy anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import nbformat

FOLDERS = ("notebooks", "course")
PATTERNS = ("dualalign/**/*.py", "dualalign/**/*.js", "data/**/*", "requirements.lock")
NO_INPUT = re.compile(r"(^|/)\.|\.md$|__pycache__|\.part(/|$)")
RECORD = "dualalign_run"


def digest(path: Path) -> str:
    """Return the first 16 hex digits of a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def shared_inputs(root: Path) -> dict[str, str]:
    """Hash every file that all pages depend on: relative path -> digest."""
    files = sorted(p for pattern in PATTERNS for p in root.glob(pattern) if p.is_file())
    names = {p.relative_to(root).as_posix(): p for p in files}
    return {name: digest(p) for name, p in names.items() if not NO_INPUT.search(name)}


def code_digest(source: Path) -> str:
    """Hash what of a notebook can change an output: its code cells, in order, with their tags."""
    cells = nbformat.read(source, as_version=4).cells
    code = [[cell.source, cell.metadata.get("tags", [])] for cell in cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def inputs_of(source: Path, shared: dict[str, str]) -> dict[str, str]:
    """Return the digests that an executed copy of this notebook must have been made from."""
    return {f"code of {source.name}": code_digest(source), **shared}


def read_record(path: Path) -> dict | None:
    """Return the record of an executed copy, None where there is no copy or no record that can be read."""
    record = nbformat.read(path, as_version=4).metadata.get(RECORD) if path.exists() else None
    return record if record and {"inputs", "parameters", "prose"} <= record.keys() else None


def why_rerun(record: dict | None, inputs: dict[str, str], accepted: list[dict]) -> str:
    """Name the first thing that differs from the record in an executed copy; empty when its code is current."""
    if record is None:
        return "no executed copy yet"
    if record["parameters"] not in accepted:
        return f"parameters were {record['parameters']}"
    old = record["inputs"]
    changed = sorted(name for name in old.keys() | inputs.keys() if old.get(name) != inputs.get(name))
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]} changed{more}" if changed else ""


def sources(root: Path) -> list[Path]:
    """Return the committed notebooks: chapters, then lessons."""
    return [path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb"))]


def copy_of(source: Path, root: Path) -> Path:
    """Return where a notebook's executed copy lies."""
    return root / "book" / source.relative_to(root)


def default_copies(root: Path) -> dict[str, nbformat.NotebookNode]:
    """Return the executed copies by name (notebooks/01_start_here), without those that ran the models themselves."""
    copies = {source.relative_to(root).with_suffix("").as_posix(): copy_of(source, root) for source in sources(root)}
    if missing := [name for name, path in copies.items() if not path.exists()]:
        raise ValueError(f"{missing[0]}: no executed copy; run make book first")
    read = {name: nbformat.read(path, as_version=4) for name, path in copies.items()}
    return {n: copy for n, copy in read.items() if not copy.metadata.get(RECORD, {}).get("parameters", {}).get("live")}
