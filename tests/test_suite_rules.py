"""What holds of every test here, read from their syntax: each can fail, and none fails because the machine is busy."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
CLOCKS = {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time", "now"}
HANG = 300  # seconds: what only ends a test that would never end
CLAIMS = re.compile(r"\.assert_|(^|\.)(raises|warns|fail)$")  # what a test says besides `assert`


def functions(tree: ast.AST) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def can_fail(node: ast.AST, known: dict[str, ast.FunctionDef], seen: frozenset = frozenset()) -> bool:
    """Say whether a function asserts something that is not a constant, itself or through a function of its module."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            if not constant(part.test):
                return True
        elif isinstance(part, ast.Call):
            name = ast.unparse(part.func)
            helper = known.get(name) if name not in seen else None
            if CLAIMS.search(name) or (helper is not None and can_fail(helper, known, seen | {name})):
                return True
    return False


def constant(test: ast.expr) -> bool:
    """Say whether an assertion holds whatever the code does: ``True``, a text, a tuple, ``x or True``, ``x is x``."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(constant(value) for value in test.values)
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name | ast.Constant | ast.Attribute):
        return all(ast.dump(test.left) == ast.dump(other) for other in test.comparators)
    return isinstance(test, ast.Constant | ast.Tuple | ast.JoinedStr | ast.Lambda)


@cache
def of_kits() -> dict[str, ast.FunctionDef]:
    return {
        name: node
        for path in TESTS.glob("*_kit.py")
        for name, node in functions(ast.parse(path.read_text("utf-8"))).items()
    }


def without_claim(tree: ast.AST) -> list[str]:
    """Return the tests that assert nothing, themselves or through a function of their module or of a kit."""
    own = functions(tree)
    return [name for name, node in own.items() if name.startswith("test_") and not can_fail(node, of_kits() | own)]


def reads_clock(node: ast.AST) -> bool:
    calls = (ast.unparse(part.func) for part in ast.walk(node) if isinstance(part, ast.Call))
    return any(name.rpartition(".")[2] in CLOCKS for name in calls)


def clocked(tree: ast.AST) -> list[str]:
    """Return the assertions about what a clock said."""
    found = []
    for scope in functions(tree).values():
        timed = set()
        for part in ast.walk(scope):  # breadth first, and what is derived from a time is one as well
            if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and part.value is not None:
                if reads_clock(part.value) or names(part.value) & timed:
                    targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                    timed |= set().union(*map(names, targets))
            elif isinstance(part, ast.Assert) and (reads_clock(part.test) or names(part.test) & timed):
                found.append(f"line {part.lineno}: {ast.unparse(part.test)}")
    return found


def short_deadlines(tree: ast.AST) -> list[str]:
    """Return the deadlines that a busy machine may miss."""
    given = [part for part in ast.walk(tree) if isinstance(part, ast.keyword) and part.arg == "timeout"]
    short = [part.value for part in given if isinstance(part.value, ast.Constant) and (part.value.value or HANG) < HANG]
    return [f"line {value.lineno}: {value.value} s; {HANG} and more end a hang only" for value in short]


def names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


@pytest.mark.parametrize(
    ("check", "word"),
    [(without_claim, "def test_"), (clocked, r"(time|now|counter|monotonic)\w*\("), (short_deadlines, "timeout")],
)
def test_every_file_of_tests_keeps_the_rules(check, word):
    texts = {path.name: path.read_text("utf-8") for path in TESTS.glob("*.py")}
    texts = {name: text for name, text in texts.items() if re.search(word, text)}  # a tree takes a while
    assert len(texts) > 2
    found = {name: check(ast.parse(text)) for name, text in texts.items()}
    assert not {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize(
    "body",
    ["f()", "assert True", "assert 'said'", "assert (x, 'y')", "assert f() or True", "assert x == x", "helper()"],
)
def test_a_test_that_cannot_fail_is_found(body):
    tree = ast.parse(f"def helper():\n    f()\ndef test_it():\n    x = f()\n    {body}")
    assert without_claim(tree) == ["test_it"]


@pytest.mark.parametrize(
    "body",
    [
        "assert f()",
        "with pytest.raises(E):\n        f()",
        "np.testing.assert_allclose(a, b)",
        "helper()",
        "pytest.fail()",
    ],
)
def test_a_test_that_can_fail_is_not(body):
    assert not without_claim(ast.parse(f"def helper():\n    assert f()\ndef test_it():\n    {body}"))


@pytest.mark.parametrize(
    "body",
    [
        "start = time.perf_counter()\n    f()\n    assert time.perf_counter() - start < 1",
        "start = monotonic()\n    f()\n    took = monotonic() - start\n    assert took < 1",
        "assert f() - datetime.now() < 1",
    ],
)
def test_an_assertion_about_time_is_found(body):
    assert len(clocked(ast.parse(f"def test_it():\n    {body}"))) == 1


def test_a_short_deadline_is_found():
    assert (
        len(short_deadlines(ast.parse("run(['x'], timeout=60)\nrun(['x'], timeout=600)\nrun(['x'], timeout=None)")))
        == 1
    )


@pytest.mark.parametrize("body", ["t = time.time()\n    print(t)\n    assert f()", "process.wait(timeout=600)"])
def test_a_clock_that_decides_nothing_is_left_alone(body):
    assert not clocked(ast.parse(f"def test_it():\n    {body}"))
