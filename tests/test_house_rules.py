"""Rules of the house that a reader could overlook: every draw has a seed, nothing unpickles or runs text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(
    p for folder in ("dualalign", "notebooks", "course", "benchmarks", "tools") for p in (ROOT / folder).rglob("*.py")
)
SEEDED = {"default_rng", "Random", "RandomState", "SeedSequence", "manual_seed"}  # need a seed
DRAWS = {"rand", "randn", "random", "randint", "choice", "choices", "shuffle", "permutation", "uniform", "sample"}
UNSEEDED = {f"{home}.{name}" for home in ("np.random", "random") for name in DRAWS}
TORCH = {f"torch.{name}" for name in ("rand", "randn", "randint", "randperm", "normal", "multinomial", "bernoulli")}
UNSAFE = {"torch.load", "pd.read_pickle", "yaml.load", "os.system", "eval", "exec"}
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
UNSAFE_SWITCHES = {"allow_pickle": {True}, "trust_remote_code": {True}, "weights_only": {False}, "shell": {True}}


LOOKED_AT = ast.Call | ast.Import | ast.ImportFrom | ast.AnnAssign | ast.FunctionDef


def calls(source: str):
    plain = "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.splitlines())
    return [node for node in ast.walk(ast.parse(plain)) if isinstance(node, LOOKED_AT)]


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
    if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in UNSAFE:
        return name
    on = [(name, value.value) for name, value in switches(node) if isinstance(value, ast.Constant)]
    return next((f"{name}={value}" for name, value in on if value in UNSAFE_SWITCHES.get(name, ())), "")


def switches(node):
    """Return (name, value) of what is set in a call, in a class's body, or by default."""
    if isinstance(node, ast.Call):
        return [(word.arg, word.value) for word in node.keywords]
    if isinstance(node, ast.AnnAssign):
        return [(getattr(node.target, "id", ""), node.value)]
    plain, named = node.args.args[::-1], zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    defaults = zip(plain, node.args.defaults[::-1], strict=False)
    return [(argument.arg, value) for argument, value in (*defaults, *named)]


def found(rule, paths):
    nodes = ((path, node) for path in paths for node in calls(path.read_text(encoding="utf-8")))
    return [f"{path.relative_to(ROOT)}:{node.lineno}: {what}" for path, node in nodes if (what := rule(node))]


def test_every_draw_has_a_seed():
    assert found(seedless, CODE) == []


def test_no_file_is_unpickled_and_no_text_is_run():
    assert found(unsafe, CODE) == []


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
        (unsafe, "from joblib import load"),
        (unsafe, "np.load(path, allow_pickle=True)"),
        (unsafe, "torch.load(path)"),
        (unsafe, "load(path, trust_remote_code=True)"),
        (unsafe, "subprocess.run(line, shell=True)"),
        (unsafe, "trust_remote_code: bool = True"),
        (unsafe, "def load(a, trust_remote_code=True, b=0): pass"),
        (unsafe, "def load(a, *, allow_pickle: bool = True): pass"),
    ],
)
def test_each_rule_is_told_from_what_keeps_it(rule, line):
    assert [rule(node) for node in calls(line)] != [""]
    kept = "import numpy as np\nnp.random.default_rng(seed)\nrng.random(3)\nrandom.Random(0).shuffle(a)\n"
    kept += "np.load(path, allow_pickle=False)\nload(path, trust_remote_code=trust)\ntorch.randn(3, generator=rng)\n"
    kept += "def f(a, shell=False, *, b=True, allow_pickle=False): pass\ntrust_remote_code: bool = False"
    assert not any(rule(node) for node in calls(kept))
