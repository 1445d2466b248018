"""Which pages use which public object of the module: read from the chapters' code and the prose, nothing is run."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from glued import syntax

SOURCES = ("notebooks", "course")


def uses(root: Path) -> dict[str, list[str]]:
    """Return, for each full name such as ``dualalign.metrics.ece``, the pages whose code uses it."""
    found: dict[str, list[str]] = {}
    for source in SOURCES:
        for path in sorted((root / source).glob("[0-9]*.py")):
            for name in sorted(names_in(path.read_text(encoding="utf-8"))):
                found.setdefault(name, []).append(f"{source}/{path.stem}")
    return found


def linked(root: Path) -> set[str]:
    """Return the full names of the objects that the list of symbols and formulas leads to."""
    text = (root / "book/symbols.md").read_text(encoding="utf-8")
    return {name for name in map(_public, re.findall(r"`[^`<]*<(dualalign\.[\w.]+)>`", text)) if name}


def names_in(code: str) -> set[str]:
    """Return the full names of what a script takes from dualalign."""
    tree = syntax(code)
    known = dict(pair for node in ast.walk(tree) for pair in _imported(node))
    chains = (_chain(node) for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name)))
    dotted = (known[first] + rest for first, rest in chains if first in known)
    return {name for name in map(_public, dotted) if name}


def _imported(node: ast.AST) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        ours = [name for name in node.names if name.name.split(".")[0] == "dualalign"]
        return [(n.asname or "dualalign", n.name if n.asname else "dualalign") for n in ours]
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dualalign":
        return [(name.asname or name.name, f"{node.module}.{name.name}") for name in node.names]
    return []


def _chain(node: ast.AST) -> tuple[str, str]:
    """Return the first name of ``a.b.c`` and the rest of it, with its dots."""
    rest = ""
    while isinstance(node, ast.Attribute):
        node, rest = node.value, f".{node.attr}{rest}"
    return (node.id, rest) if isinstance(node, ast.Name) else ("", "")


def _public(dotted: str) -> str | None:
    """Return the name of the first object on the way that is no module: ``dualalign.Traces`` of ``…Traces.load``."""
    parts = dotted.split(".")
    value: object = import_module(parts[0])
    for number, part in enumerate(parts[1:], start=2):
        if not isinstance(value, ModuleType) or part.startswith("_"):
            return None
        value = _get(value, part)
        if value is None or not isinstance(value, ModuleType):
            return None if value is None else ".".join(parts[:number])
    return None


def _get(module: ModuleType, name: str) -> object | None:
    if hasattr(module, name):
        return getattr(module, name)
    try:
        return import_module(f"{module.__name__}.{name}")
    except ModuleNotFoundError:
        return None
