"""Check that every notebooks/NN_topic.py or course/NN_topic.py and its .ipynb hold the same cells, and no outputs.

jupytext has no such check: --test tests a round trip, --sync rewrites. Exit code 1 and a line for each fault.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import first_cell
import glued
import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "course")
KEPT = ("tags", "mystnb")
LONGEST_CELL = 15
MAY_FAIL = {"raises-exception", "skip-execution"}


def faults(folder: Path) -> list[str]:
    stems = sorted({p.stem for p in [*folder.glob("*.py"), *folder.glob("*.ipynb")]})
    return [f"{stem}: {fault}" for stem in stems for fault in pair_faults(folder, stem)]


def pair_faults(folder: Path, stem: str) -> list[str]:
    script, notebook = folder / f"{stem}.py", folder / f"{stem}.ipynb"
    missing = [p.name for p in (script, notebook) if not p.exists()]
    if missing:
        return [f"{missing[0]} is missing; run make pairs"]
    left, right = jupytext.read(script), nbformat.read(notebook, as_version=4)
    first = first_cell.fault(left.cells, first_cell.cell_source())
    return [
        *differences(left.cells, right.cells),
        *output_faults(right.cells),
        *style_faults(left.cells),
        *([first] if first else []),
    ]


def differences(left: list, right: list) -> list[str]:
    """Name the first cell that differs in kind, source, tags or figure metadata."""
    for number, (a, b) in enumerate(zip(left, right, strict=False), start=1):
        if essence(a) != essence(b):
            return [f"cell {number} differs between .py and .ipynb; run make pairs"]
    return [] if len(left) == len(right) else [f"{len(left)} cells in .py, {len(right)} in .ipynb; run make pairs"]


def essence(cell) -> tuple:
    metadata = {key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)}
    return cell.cell_type, cell.source.strip(), metadata


def output_faults(cells: list) -> list[str]:
    code = [cell for cell in cells if cell.cell_type == "code"]
    return ["the .ipynb holds outputs; run make pairs"] if any(c.outputs or c.execution_count for c in code) else []


def style_faults(cells: list) -> list[str]:
    """A title first, short cells that fail where something does, and definitions in solutions only."""
    found = [] if cells and cells[0].source.startswith("# ") else ["the first cell is no '# Title'"]
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type == "code":
            tags = cell.metadata.get("tags", [])
            found += [f"cell {number}: may fail ({tag}); the build would not see it" for tag in MAY_FAIL & set(tags)]
            found += [f"cell {number}: {fault}" for fault in code_faults(cell.source, "solution" in tags)]
    return found


def code_faults(source: str, solution: bool = False) -> list[str]:
    lines = [line for line in source.splitlines() if line.strip()]
    found = [f"{len(lines)} lines, at most {LONGEST_CELL}"] if len(lines) > LONGEST_CELL else []
    nodes = list(ast.walk(glued.syntax(source)))
    found += ["catches an error; a page must fail where a cell does"] if any(map(catches, nodes)) else []
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return found if solution else found + [f"defines {name}; put it in the module" for name in names]


def catches(node: ast.AST) -> bool:
    """Whether code goes on after an error; what a page shows on purpose is a command that fails (book.command)."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    return name == "suppress" or (isinstance(node, ast.Try | ast.TryStar) and bool(node.handlers))


def main() -> int:
    found = [fault for name in FOLDERS if (ROOT / name).is_dir() for fault in faults(ROOT / name)]
    print("\n".join(found) if found else "pairs: every .py and .ipynb agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
