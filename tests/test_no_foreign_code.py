"""No line of ours reads a pickle, runs text as code, or hands text to a shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("dualalign", "tools", "notebooks", "course", "examples", "benchmarks")
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if "node_modules" not in p.parts)
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load"}
METHODS = {"read_pickle", "to_pickle"}  # of whatever
WITHOUT = {"torch.load": "weights_only", "yaml.load": "Loader"}  # safe only with the argument named here
LOADERS = {"SafeLoader", "CSafeLoader", "BaseLoader"}
LITERAL_FALSE = {"allow_pickle", "shell"}


def dotted(node: ast.expr) -> str:
    """``torch.load`` of the expression torch.load; what is no chain of names begins with a question mark."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def faults(source: str) -> list[str]:
    """What a source does that can run foreign code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"import {name}" for name in names if name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.Call):
            found += call_faults(node)
    return found


def call_faults(node: ast.Call) -> list[str]:
    name, given = dotted(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
    found = [name] if name in CALLS or name.rpartition(".")[2] in METHODS else []
    if name in WITHOUT and not safe(given.get(WITHOUT[name])):
        found.append(name)
    found += [key for key in LITERAL_FALSE & given.keys() if not is_literal(given[key], False)]
    return found + [key for key in ("trust_remote_code",) if key in given and is_literal(given[key], True)]


def is_literal(value: ast.expr | None, expected: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is expected


def safe(value: ast.expr | None) -> bool:
    """Whether an argument is True, or one of the loaders of YAML that make plain data."""
    return is_literal(value, True) or (value is not None and dotted(value).rpartition(".")[2] in LOADERS)


def test_no_source_runs_foreign_code():
    assert len(SOURCES) > 300
    found = {p.relative_to(ROOT).as_posix(): faults(p.read_text(encoding="utf-8")) for p in SOURCES}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import joblib as j",
        "from dill import load",
        "import os, cloudpickle.x",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusted)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "pd.read_pickle(path)",
        "frame().to_pickle(path)",
        "eval(text)",
        "f(exec(text))",
        "os.system('ls ' + name)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=asked)",
        "load(name, trust_remote_code=True)",
    ],
)
def test_what_runs_foreign_code_is_found(line):
    assert len(faults(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "model().eval()",
        "re.compile(pattern)",
        "platform.system()",
        "np.load(path, allow_pickle=False)",
        "torch.load(path, weights_only=True)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "yaml.safe_load(text)",
        "load(name, trust_remote_code=asked)",
    ],
)
def test_what_does_not_is_left_alone(line):
    assert faults(line) == []
