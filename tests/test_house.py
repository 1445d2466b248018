"""The code as a house: who may import whom, how large things may be, and that no list is forgotten."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import dualalign as da
from dualalign.calibrators import PLAIN_METHODS, streaming
from dualalign.plots import style

PACKAGE = Path(da.__file__).resolve().parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
FEW_LINES, LONGEST_FUNCTION, LONGEST_FILE = 20, 45, 300

# The way through the house, one direction: each floor may use those before it.
FLOORS = (
    ("bounded", "published", "scale"),
    ("questions",),
    ("models",),
    ("traces",),
    ("drift", "metrics"),
    ("calibrators",),
    ("change", "checks", "decisions", "inner", "layer_maps", "protocol", "references"),  # what the chapters compute
    ("align_all", "carry", "early_stopping", "one_layer", "order", "practice"),
    ("judged",),
    ("experiments", "ledger"),
    ("all_readings", "results"),
    ("few", "readings", "travel"),
    ("course", "exports", "lab"),
    ("plots",),
    ("report",),
    ("cli",),
    ("__main__",),
)
# What is pure stays pure, whatever floor it is on.
HELPERS = {"bounded", "published"}
ONLY = {"drift": set(), "metrics": set(), "questions": HELPERS, "models": HELPERS, "calibrators": {"drift", "traces"}}
HEAVY = {"torch", "transformers", "peft", "accelerate", "datasets"}


def room(name: str) -> str:
    """The room of a file: its first folder, or the module itself."""
    return name.split("/")[0].removesuffix(".py")


def imported(name: str) -> Iterator[str]:
    """The rooms from which a file takes something, at its top or in a function; not those named for types only."""
    home = ["dualalign", *name.split("/")[:-1]]
    for node in running(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*home[: len(home) + 1 - node.level], node.module] if node.level else [node.module]
            base = [part for part in base if part]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield node
            yield from running(node)


def rooms_used(name: str) -> set[str]:
    """The other rooms of ours that a file uses."""
    parts = [full.split(".") for full in imported(name) if full.startswith("dualalign.")]
    return {part[1] for part in parts} - {room(name), "__version__"}


def test_every_import_goes_one_way():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    for name in FILES:
        up = {used for used in rooms_used(name) if floor.get(used, 99) >= floor.get(room(name), 99)}
        assert not up, f"{name} imports {', '.join(sorted(up))}, which stands above it"


def test_every_room_has_a_floor():
    assert {room(name) for name in FILES} - {"__init__", "book"} == {name for names in FLOORS for name in names}


@pytest.mark.parametrize("pure", ONLY)
def test_what_is_pure_takes_nothing_from_elsewhere(pure):
    assert {used for name in FILES if room(name) == pure for used in rooms_used(name)} <= ONLY[pure]


def test_the_model_libraries_wait_until_they_are_called():
    """Outside `models` and `lab`, no module imports them at its top."""
    for name, tree in TREES.items():
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        named = {alias.name for node in top for alias in node.names} | {getattr(node, "module", "") for node in top}
        assert room(name) in ("models", "lab") or not HEAVY & {(full or "").split(".")[0] for full in named}, name


def functions() -> Iterator[tuple[str, ast.FunctionDef, int]]:
    """Each function of the module with its place and its lines without the docstring."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                text = node.body[0] if ast.get_docstring(node) is not None else None
                words = text.end_lineno - text.lineno + 1 if text else 0
                yield f"{name}:{node.lineno} {node.name}", node, node.end_lineno - node.lineno + 1 - words


def test_functions_are_short():
    lengths = {place: lines for place, _, lines in functions()}
    assert {place: lines for place, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) <= 6
    assert sum(lines < FEW_LINES for lines in lengths.values()) > 0.9 * len(lengths)


def test_everything_public_says_what_it_is():
    """Modules, classes, functions and methods; what begins with an underscore or stands in a function may be silent."""
    silent = [name for name, tree in TREES.items() if not ast.get_docstring(tree)]
    for name, tree in TREES.items():
        for node in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
            public = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name[0] != "_"]
            silent += [f"{name}:{n.lineno} {n.name}" for n in public if not ast.get_docstring(n)]
    assert silent == []


def test_files_are_short():
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in FILES.items()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


@pytest.mark.parametrize("folder", ["benchmarks", "tools", "tests"])
def test_scripts_find_what_they_take_from_each_other(folder):
    """Within functions too, where only a run would tell."""
    trees = {path.stem: ast.parse(path.read_text("utf-8")) for path in (PACKAGE.parent / folder).glob("*.py")}
    for name, tree in trees.items():
        taken = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module in trees and not n.level]
        for node in taken:
            there = {n.id for n in ast.walk(trees[node.module]) if isinstance(n, ast.Name)}
            there |= {getattr(n, "name", "") for n in trees[node.module].body}
            there |= {a.name for n in trees[node.module].body if isinstance(n, ast.ImportFrom) for a in n.names}
            absent = {alias.name for alias in node.names} - there
            assert not absent, f"{folder}/{name}.py takes {', '.join(absent)} from {node.module}.py"


def test_a_method_is_in_every_list():
    """`book/contribute/method.md` says which these are."""
    for name, method in da.METHODS.items():
        assert getattr(da, method.__name__) is method, f"{name}: add {method.__name__} to _HOMES, dualalign/__init__.py"
        assert name in style.METHOD, f"{name}: give it a colour in METHOD, dualalign/plots/style.py"
    left = set(PLAIN_METHODS) - set(streaming.STREAMED)
    assert not left, f"{left}: LAST_LAYER of dualalign/calibrators/streaming.py, if the final logits are enough"
