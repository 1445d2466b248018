"""Which public functions and methods a property test reaches: read from the tests' syntax, nothing is run.

A test under ``@given`` reaches what it names, in its body, in its decorators, and in the functions and tables of its
own module or of a kit that it names in turn. A name is followed through the module's imports to the object; a method is
reached where its name is an attribute of something and its class, or a subclass, or what makes one, is reached as well.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path

from book_public import entries, identity

import dualalign

TESTS = Path(__file__).resolve().parent


def public() -> dict[str, tuple]:
    """Return what identifies every public function, class with methods, and method, by its full name."""
    named = frozenset(f"dualalign.{name}" for name in dualalign.__all__ if name[0] != "_")
    found = {}
    for entry in entries(used=named):
        if entry.kind == "function":
            found[entry.full] = (identity(entry.value), None)
        elif entry.kind == "class":
            found |= {f"{entry.full}.{name}": (entry.value, name) for name in methods(entry.value)}
    return found


def methods(value: type) -> list[str]:
    """Return the public methods and properties that a class defines itself."""
    kinds = (classmethod, staticmethod, property)
    return sorted(k for k, v in vars(value).items() if k[0] != "_" and (inspect.isfunction(v) or isinstance(v, kinds)))


class Module:
    """A file of tests, by what it imports and what it defines at its top level."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text("utf-8"))
        self.imported, self.defined = {}, {}
        for node in tree.body:
            for name in _names(node):
                self.defined[name] = node
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    self.imported[one.asname or one.name.partition(".")[0]] = (
                        one.name if one.asname else one.name.partition(".")[0],
                        None,
                    )
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                self.imported |= {one.asname or one.name: (node.module, one.name) for one in node.names}

    def tests(self) -> list[ast.FunctionDef]:
        """Return the tests under ``@given``."""
        found = (node for node in self.defined.values() if isinstance(node, ast.FunctionDef))
        return [node for node in found if any("given" in ast.unparse(d).partition("(")[0] for d in node.decorator_list)]

    def value(self, node: ast.expr) -> object:
        """Return the object that a name or an attribute stands for; None where it is no import of ours."""
        if isinstance(node, ast.Name) and node.id in self.imported:
            module, name = self.imported[node.id]
            return _imported(module, name) if module.partition(".")[0] == "dualalign" else None
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            return getattr(owner, node.attr, None) if inspect.ismodule(owner) or inspect.isclass(owner) else None
        return None


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return [node.target.id] if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else []


def _imported(module: str, name: str | None) -> object:
    try:
        found = import_module(module)
        return found if name is None else getattr(found, name, None) or import_module(f"{module}.{name}")
    except ModuleNotFoundError:  # no torch here
        return None


@cache
def _methods() -> list[tuple[type, str]]:
    return [(owner, name) for owner, name in public().values() if name is not None]


@cache
def module(name: str) -> Module | None:
    """Return a file of tests by its module's name."""
    path = TESTS / f"{name}.py"
    return Module(path) if path.exists() else None


def reached() -> tuple[set, list[tuple[set, set]]]:
    """Return the functions that property tests reach, and test by test the classes and the attributes."""
    functions, methods_of = set(), []
    for path in sorted(TESTS.glob("test_*.py")):
        here = module(path.stem)
        for test in here.tests():
            objects, attributes = {}, set()
            _walk(here, test, objects, attributes, set())
            functions |= set(objects)
            methods_of.append((_made(set().union(*map(_kinds, objects.values())), attributes), attributes))
    return functions, methods_of


def _kinds(value: object) -> set[str]:
    """Return the names of the classes of which an object makes one: its own and its bases, or what it returns."""
    if inspect.isclass(value):
        return {base.__name__ for base in value.__mro__}
    return set(re.findall(r"\w+", str(getattr(value, "__annotations__", {}).get("return", ""))))


def _made(kinds: set[str], attributes: set[str]) -> set[str]:
    """Add the classes of what the named methods of known classes return."""
    while True:
        named = [(owner, name) for owner, name in _methods() if owner.__name__ in kinds and name in attributes]
        more = kinds.union(*(_kinds(getattr(owner, name)) for owner, name in named))
        if more == kinds:
            return kinds
        kinds = more


def _walk(here: Module, node: ast.AST, objects: dict, attributes: set, seen: set) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            attributes.add(part.attr)
        if isinstance(part, ast.Name | ast.Attribute):
            _add(here.value(part), objects)
        name = part.id if isinstance(part, ast.Name) else part.arg if isinstance(part, ast.arg) else None
        there = module(here.imported[name][0]) if name in here.imported else here
        there, name = (there, here.imported[name][1]) if name in here.imported else (there, name)
        if there is here and isinstance(part, ast.arg) and name not in here.defined:
            there = module("conftest")
        if there is not None and name in there.defined:
            _walk(there, there.defined[name], objects, attributes, seen)


def _add(value: object, objects: dict) -> None:
    """Take an object, what a table of objects holds, or the class of a record."""
    if isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            _add(one, objects)
    elif callable(value):
        objects[identity(value)] = value
    elif type(value).__module__.startswith("dualalign"):
        objects[identity(type(value))] = type(value)


def without() -> list[str]:
    """Return the public functions and methods that no property test reaches."""
    functions, tests = reached()
    return [name for name, wanted in public().items() if not _is_reached(wanted, functions, tests)]


def _is_reached(wanted: tuple, functions: set, tests: list) -> bool:
    owner, method = wanted
    if method is None:
        return owner in functions
    return any(method in names and owner.__name__ in kinds for kinds, names in tests)
