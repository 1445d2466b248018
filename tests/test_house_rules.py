"""Rules of the house that a reader could overlook: every draw has a seed, nothing unpickles or runs text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("dualalign", "notebooks", "course", "examples", "benchmarks", "tools")
CODE = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if "node_modules" not in p.parts)
SEEDED = {"default_rng", "Random", "RandomState", "SeedSequence", "manual_seed"}  # need a seed
DRAWS = {"rand", "randn", "random", "randint", "choice", "choices", "shuffle", "permutation", "uniform", "sample"}
UNSEEDED = {f"{home}.{name}" for home in ("np.random", "random") for name in DRAWS}
TORCH = {f"torch.{name}" for name in ("rand", "randn", "randint", "randperm", "normal", "multinomial", "bernoulli")}
UNSAFE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
UNSAFE |= {"torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
UNSAFE_METHODS = {"read_pickle", "to_pickle"}  # of whatever
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
OFF = {"allow_pickle", "shell"}  # nothing but a literal False
UNSAFE_SWITCHES = {"trust_remote_code": True, "weights_only": False}  # may be asked for, not written down
LOOKED_AT = ast.Call | ast.Import | ast.ImportFrom | ast.AnnAssign | ast.FunctionDef


def faults(rule, source: str) -> list[tuple[int, str]]:
    """Return (line, what) of all that breaks a rule."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, LOOKED_AT))
    return [(node.lineno, what) for node in nodes if (what := rule(node))]


def seedless(node) -> str:
    """Return the draw or the generator that has no seed."""
    if not isinstance(node, ast.Call):
        return ""
    name = ast.unparse(node.func).replace("numpy.", "np.")
    given = [*node.args, *(word.value for word in node.keywords)]
    nothing = not given or all(isinstance(value, ast.Constant) and value.value is None for value in given)
    alone = name in TORCH and "generator" not in {word.arg for word in node.keywords}
    return name if name in UNSEEDED or alone or (name.rsplit(".", 1)[-1] in SEEDED and nothing) else ""


def unsafe(node) -> str:
    """Return what could run code that stands in a file."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        return next((name for name in names if name.split(".")[0] in UNSAFE_MODULES), "")
    name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    if name in UNSAFE or name.rpartition(".")[2] in UNSAFE_METHODS:
        return name
    return next((f"{name}={ast.unparse(value)}" for name, value in switches(node) if is_on(name, value)), "")


def is_on(name: str | None, value: ast.expr) -> bool:
    literal = isinstance(value, ast.Constant)
    if name in OFF:
        return not (literal and value.value is False)
    return literal and name in UNSAFE_SWITCHES and value.value == UNSAFE_SWITCHES[name]


def switches(node):
    """Return (name, value) of what is set in a call, and of what a class's body or a default says literally."""
    if isinstance(node, ast.Call):
        return [(word.arg, word.value) for word in node.keywords]
    if isinstance(node, ast.AnnAssign):
        return [(getattr(node.target, "id", ""), node.value)] if isinstance(node.value, ast.Constant) else []
    plain, named = node.args.args[::-1], zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    defaults = zip(plain, node.args.defaults[::-1], strict=False)
    return [(argument.arg, value) for argument, value in (*defaults, *named) if isinstance(value, ast.Constant)]


def found(rule) -> list[str]:
    lines = ((path.relative_to(ROOT), *fault) for path in CODE for fault in faults(rule, path.read_text("utf-8")))
    return [f"{path}:{line}: {what}" for path, line, what in lines]


def test_all_code_of_ours_is_looked_at():
    assert len(CODE) > 300
    assert {path.relative_to(ROOT).parts[0] for path in CODE} == set(FOLDERS)


def test_every_draw_has_a_seed():
    assert found(seedless) == []


def test_no_file_is_unpickled_and_no_text_is_run():
    assert found(unsafe) == []


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (seedless, "np.random.default_rng()"),
        (seedless, "numpy.random.default_rng(None)"),
        (seedless, "np.random.rand(3)"),
        (seedless, "random.shuffle(rows)"),
        (seedless, "random.Random()"),
        (seedless, "torch.randn(3)"),
        (unsafe, "import pickle"),
        (unsafe, "import joblib as j"),
        (unsafe, "from dill import load"),
        (unsafe, "import os, cloudpickle.x"),
        (unsafe, "np.load(path, allow_pickle=True)"),
        (unsafe, "np.load(path, allow_pickle=trusted)"),
        (unsafe, "torch.load(path)"),
        (unsafe, "load(path, weights_only=False)"),
        (unsafe, "yaml.load(text)"),
        (unsafe, "yaml.unsafe_load(text)"),
        (unsafe, "pd.read_pickle(path)"),
        (unsafe, "frame().to_pickle(path)"),
        (unsafe, "eval(text)"),
        (unsafe, "f(exec(text))"),
        (unsafe, "os.system('ls ' + name)"),
        (unsafe, "subprocess.run(line, shell=True)"),
        (unsafe, "subprocess.run(line, shell=asked)"),
        (unsafe, "load(path, trust_remote_code=True)"),
        (unsafe, "trust_remote_code: bool = True"),
        (unsafe, "def load(a, trust_remote_code=True, b=0): pass"),
        (unsafe, "def load(a, *, allow_pickle: bool = True): pass"),
    ],
)
def test_what_breaks_a_rule_is_found_once(rule, line):
    assert len(faults(rule, line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np",
        "np.random.default_rng(seed)",
        "rng.random(3)",
        "random.Random(0).shuffle(a)",
        "torch.randn(3, generator=rng)",
        "model.eval()",
        "model().eval()",
        "re.compile(pattern)",
        "platform.system()",
        "np.load(path, allow_pickle=False)",
        "load(path, weights_only=True)",
        "yaml.safe_load(text)",
        "load(path, trust_remote_code=asked)",
        "def f(a, shell=False, *, b=True, allow_pickle=False): pass",
        "trust_remote_code: bool = False",
        "shell: bool",
        "shell: list = []",
    ],
)
def test_what_keeps_the_rules_is_left_alone(line):
    assert faults(seedless, line) == faults(unsafe, line) == []
