"""The copy of the checkout in which a part of the code is mutated; see mutants.py."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VERDICTS = {
    "killed": (1, 3, -11),  # a failed test, a broken pytest, a crash
    "timeouts": (36, 24, -24, 152, -9),
    "survived": (0,),
    "no_test": (5, 33),
}
_NOT_READ = {"__pycache__", "mutants"}  # folders
_PLAIN = {"classmethod", "staticmethod"}  # the decorators that mutmut itself sees through


# pytest's two watchers of forgotten errors collect all garbage twice a run: three quarters of a quick run in a fork.
_QUICK = [part for name in ("unraisableexception", "threadexception", "cacheprovider") for part in ("-p", f"no:{name}")]


class Part(NamedTuple):
    """What is mutated, the tests (in tests/) that judge it, what else of the checkout they read, and tests left out.

    Left out is what takes seconds every time and looks at memory or at many random cases of what others look at.
    """

    code: tuple[str, ...]
    tests: tuple[str, ...]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


PARTS = {
    "drift": Part(("dualalign/drift.py",), ("test_drift_definitions.py",)),
    "metrics": Part(
        ("dualalign/metrics/*.py",),
        (
            "test_metrics_binned.py",
            "test_metrics_edges.py",
            "test_metrics_resampling.py",
            "test_metrics_scores.py",
            "test_metrics_selective.py",
            "test_metrics_smooth.py",
        ),
    ),
    "calibrators": Part(
        ("dualalign/calibrators/*.py",),
        (
            "test_calibrators_adam.py",
            "test_calibrators_baselines.py",
            "test_calibrators_edges.py",
            "test_calibrators_fit.py",
            "test_calibrators_losses.py",
            "test_calibrators_permutations.py",
            "test_calibrators_properties.py",
            "test_calibrators_scaling.py",
            "test_calibrators_scaling_edges.py",
            "test_calibrators_search.py",
            "test_calibrators_streaming.py",
        ),
        without=(
            "test_calibrators_streaming.py::test_whatever_the_blocks_and_the_readings",
            "test_calibrators_streaming.py::test_memory_does_not_grow_with_the_layers",
        ),
    ),
    "traces": Part(
        ("dualalign/traces/[!i]*.py",),  # all but the folder of imports
        (
            "test_collect_borders.py",
            "test_trace_progress.py",
            "test_traces_artifact.py",
            "test_traces_attacks.py",
            "test_traces_borders.py",
            "test_traces_reader.py",
            "test_traces_writing.py",
        ),
        without=(
            "test_traces_reader.py::test_halves_give_what_the_whole_would",
            "test_traces_writing.py::test_memory_does_not_grow_with_the_number_of_questions",
            "test_traces_writing.py::test_whatever_the_parts",
        ),
    ),
    "imports": Part(
        ("dualalign/traces/imports/*.py",),
        (
            "test_imports_arrays.py",
            "test_imports_attacks.py",
            "test_imports_borders_arrays.py",
            "test_imports_borders_runs.py",
            "test_imports_borders_servers.py",
            "test_imports_logprobs.py",
            "test_imports_pieces.py",
            "test_imports_runs.py",
        ),
        without=("test_imports_attacks.py::test_damaged_bytes_never_end_in_another_error",),
    ),
}


def undecorated(source: str) -> str:
    """Return the source with `@d def f` written as `def f`, `f = d(f)`: mutmut passes decorated functions by."""
    lines = source.splitlines()
    for node in sorted(_functions(ast.parse(source)), key=lambda node: -node.lineno):
        names = [ast.get_source_segment(source, decorator) for decorator in node.decorator_list]
        if not names or set(names) <= _PLAIN:
            continue
        called = node.name
        for name in reversed(names):
            called = f"{name}({called})"
        lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = {called}")
        del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n"


def _functions(tree: ast.Module) -> Iterable[ast.FunctionDef]:
    """Yield the functions of a module and the methods of its classes, the only ones that mutmut changes."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        yield from (child for child in inner if isinstance(child, ast.FunctionDef))


def inputs(part: Part) -> list[Path]:
    """Return the files that a part's run reads, relative to the checkout."""
    folders = [ROOT / name for name in ("dualalign", "tests", *part.beside)]
    within = [p for folder in folders for p in (folder.rglob("*") if folder.is_dir() else [folder]) if p.is_file()]
    own = {ROOT / "tests" / name for name in part.tests}
    found = [p for p in within if p in own or not (p.match("tests/test_*.py") or p.parent.name in _NOT_READ)]
    return sorted(p.relative_to(ROOT) for p in found)


def settings(part: Part) -> str:
    """Return the copy's pyproject.toml: the checkout's, and what mutmut is to do."""
    ours = {
        "source_paths": ["dualalign"],
        "only_mutate": list(part.code),
        "pytest_add_cli_args_test_selection": [f"tests/{name}" for name in part.tests],
        "pytest_add_cli_args": [*_QUICK, *(word for test in part.without for word in ("--deselect", f"tests/{test}"))],
        "also_copy": list(part.beside),
    }
    table = [f"{key} = {json.dumps(value)}" for key, value in ours.items()]
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return "\n".join([text, "[tool.mutmut]", *table, "use_git_change_detection = false", ""])


def prepare(part: Part, copy: Path, again: bool) -> None:
    """Make the copy, or leave it as it is where it holds the same; with `again` renew the tests in it alone."""
    files, text, stamp = inputs(part), settings(part), copy / "stamp"
    digest = hashlib.sha256(f"{sys.version} {version('mutmut')} {text}".encode())
    for path in files:
        digest.update(f"{path} {hashlib.sha256((ROOT / path).read_bytes()).hexdigest()}\n".encode())
    if not again and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest.hexdigest():
        return
    stamp.unlink(missing_ok=True)  # the next full run begins anew
    if again and (copy / "mutants").is_dir():
        _forget_survivors(copy)
        files = [path for path in files if path.parts[0] == "tests"]
    else:
        shutil.rmtree(copy, ignore_errors=True)
    for path in files:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy / path)
    for path in files:
        if path.parts[0] == "dualalign" and path.suffix == ".py":
            (copy / path).write_text(undecorated((ROOT / path).read_text(encoding="utf-8")), encoding="utf-8")
    (copy / "pyproject.toml").write_text(text, encoding="utf-8")
    if not again:
        stamp.write_text(digest.hexdigest(), encoding="utf-8")


def _forget_survivors(copy: Path) -> None:
    """Have mutmut judge anew what no test noticed, with times and tests by function measured anew."""
    (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in (copy / "mutants").rglob("*.py.meta"):
        meta = json.loads(path.read_text(encoding="utf-8"))
        codes = meta["exit_code_by_key"]
        noticed = VERDICTS["killed"] + VERDICTS["timeouts"]
        meta["exit_code_by_key"] = {name: code if code in noticed else None for name, code in codes.items()}
        path.write_text(json.dumps(meta), encoding="utf-8")
