"""What a unit's rows depend on: its traces, and every module of ours that its experiment imports."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def digest(path: Path) -> str:
    """First 16 hex digits of a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def code_digest(path: Path) -> str:
    """First 16 hex digits of the sha256 of a module's code: docstrings, comments and blank lines decide no row."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            lines[token.start[0] - 1] = token.line[: token.start[1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno
            lines[first - 1 : last] = [""] * (last - first + 1)
    code = "\n".join(line.rstrip() for line in lines if line.strip())
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def sources(experiment: str, package: Path = PACKAGE) -> dict[str, str]:
    """Digest of the experiment's module and of all that it imports from this package, directly or not."""
    todo, found = [f"experiments/{experiment}.py"], {}
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = code_digest(package / name)
            todo += imported(name, package)
    return dict(sorted(found.items()))


def imported(name: str, package: Path) -> Iterator[str]:
    """Files of this package that one of its files imports, wherever in it."""
    for node in ast.walk(ast.parse((package / name).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            home = (package / name).parents[node.level - 1]
            base = home.joinpath(*(node.module or "").split("."))
            for path in [base, *(base / alias.name for alias in node.names)]:
                yield from _file(path, package)


def _file(path: Path, package: Path) -> Iterator[str]:
    """The file of a module, or of a package; the package's own first page imports lazily and decides nothing."""
    for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
        if path != package and file.is_file():
            yield file.relative_to(package).as_posix()


def why(old: Mapping[str, str] | None, new: Mapping[str, str]) -> str:
    """Say what differs between the inputs of kept rows and those of now; empty when the rows are current."""
    if old is None:
        return "no rows yet"
    changed = [name for name in sorted(old.keys() | new.keys(), key=_traces_first) if old.get(name) != new.get(name)]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]} changed{more}" if changed else ""


def _traces_first(name: str) -> tuple[bool, str]:
    return not name.endswith(".safetensors"), name
