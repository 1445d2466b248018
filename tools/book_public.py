"""What the module offers to others: its public objects, each under one name, with its summary and its place."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
# Modules in the order of the way through the house: what holds the data, what reads it, what draws it, what teaches it.
MODULES = {
    "Data": ["traces", "traces.imports", "questions", "models"],
    "Methods": ["drift", "calibrators"],
    "Measuring, drawing, taking out": ["metrics", "protocol", "plots", "report", "exports"],
    "Of the chapters": [
        *("change", "align_all", "early_stopping", "readings", "all_readings", "few", "order", "carry", "travel"),
        *("references", "layer_maps", "judged", "decisions", "inner", "checks", "practice"),
    ],
    "Table of results": ["results", "ledger", "experiments"],
    "Teaching": ["course", "book"],
}


@dataclass(frozen=True)
class Entry:
    """A public object: its module's public name, its own, and the file of its page."""

    module: str
    name: str
    value: object
    page: str

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def kind(self) -> str:
        if inspect.isclass(self.value):
            return "class"
        return "function" if callable(self.value) else "data"


def public_names(module: ModuleType) -> list[str]:
    """Return what a module offers: its ``__all__``, or what it defines under a name without an underscore."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    names = getattr(module, "__all__", own)
    return sorted((name for name in names if not name.startswith("_")), key=lambda name: (name.lower(), name))


def identity(value: object) -> object:
    """Return what two names of one object share."""
    value = inspect.unwrap(value)
    named = inspect.isclass(value) or inspect.isfunction(value)
    return (value.__module__, value.__qualname__) if named else id(value)


def entries(modules: dict[str, list[str]] = MODULES, used: frozenset[str] = frozenset()) -> list[Entry]:
    """Return every public object once, under the first of its public names; ``used`` names more of them."""
    listed = [f"dualalign.{name}" for names in modules.values() for name in names]
    names = [(module, name) for module in listed for name in public_names(import_module(module))]
    names += [tuple(full.rsplit(".", 1)) for full in sorted(used)]
    found, seen = [], set()
    for module, name in names:
        value = getattr(import_module(module), name)
        if inspect.ismodule(value) or identity(value) in seen or (module, name) in seen:
            continue
        seen |= {identity(value), (module, name)}
        found.append((module, name, value))
    return _with_pages(found)


def _with_pages(found: list[tuple[str, str, object]]) -> list[Entry]:
    """Give each object a file that no other has, on a disk that cannot tell capitals either."""
    times = Counter((module, name.lower()) for module, name, _ in found)
    return [
        Entry(module, name, value, f"{folder(module)}/{name}{'-class' if _clashes(times, module, name) else ''}")
        for module, name, value in found
    ]


def _clashes(times: Counter, module: str, name: str) -> bool:
    return times[module, name.lower()] > 1 and name != name.lower()


def folder(module: str) -> str:
    return module.removeprefix("dualalign.").replace(".", "-")


def summary(value: object) -> str:
    """Return the first sentence of a docstring."""
    text = inspect.getdoc(value) or ""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    found = re.match(r".*?[.?!](?=\s|$)", paragraph)
    return found.group() if found else paragraph


def comment(entry: Entry) -> str:
    """Return the comment above the definition of a constant, or behind it."""
    for source in _homes(entry):
        lines = source.splitlines()
        for number, line in enumerate(lines):
            if re.match(rf"{entry.name}\b[^=]*=", line):
                above = []
                while number and lines[number - 1].startswith("#"):
                    number -= 1
                    above.insert(0, lines[number].lstrip("#: "))
                behind = re.search(r"  # (.+)$", line)
                return " ".join(above) or (behind.group(1) if behind else "")
    return ""


def _homes(entry: Entry) -> list[str]:
    """Return the sources of a module and of what it consists of."""
    path = Path(inspect.getfile(import_module(entry.module)))
    files = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
    return [file.read_text(encoding="utf-8") for file in files]


def source_link(value: object, repository: str) -> str:
    """Return a link to the lines of the repository that define an object."""
    defined = inspect.unwrap(value)
    lines, start = inspect.getsourcelines(defined)
    path = Path(inspect.getsourcefile(defined)).resolve().relative_to(ROOT).as_posix()
    return f"`{path} <{repository}/blob/main/{path}#L{start}-L{start + len(lines) - 1}>`__"


def exists(dotted: str) -> bool:
    """Say whether a full name of ours means something, a private base or a type without a page among them."""
    parts = dotted.split(".")
    for split in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        return all((value := getattr(value, part, None)) is not None for part in parts[split:])
    return False
