"""What the benchmarks of tracing compare does the same work: each row finds the numbers of the lens."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.models
FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SMALL = [
    "--layers",
    "2",
    "--width",
    "32",
    "--vocabulary",
    "2100",
    "--limit",
    "5",
    "--batch-size",
    "2",
    "--repeats",
    "1",
]


@pytest.fixture(scope="module")
def rivals():
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("rivals", FOLDER / "rivals.py")
        module = sys.modules["rivals"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def case(rivals, tmp_path_factory):
    made = rivals.parser("", repeats=1)
    args = argparse.Namespace(**vars(made.parse_args(SMALL)), slow=2)
    return rivals.case_of(args, tmp_path_factory.mktemp("out") / "t.safetensors")


@pytest.mark.parametrize("name", ["bare", "collect", "recipe-last", "recipe-every", "lm-eval", "tuned-lens", "nnsight"])
def test_every_row_finds_the_numbers_of_the_lens(rivals, case, name):
    row = rivals.ROWS[name]
    if row.package:
        pytest.importorskip(row.package, reason=f"{row.package} lives in an environment of its own: make test-rivals")
    expected = rivals.lens(case.pair, case.batches)
    expected = [every[case.some] if row.slow else every for every in expected]
    found = row.call(case)
    assert [len(side) for side in found] == [len(side) for side in expected]
    assert found[0].shape[1] == (1 if name in ("bare", "lm-eval") else 2)
    assert rivals.difference(found, expected) < 1e-4
    shifted = [side + np.arange(side.shape[2]) for side in found]
    assert rivals.difference(shifted, expected) > 1


def test_the_table_has_every_row_and_says_why_one_is_empty(rivals, case, monkeypatch):
    def fails(case):
        raise KeyError("no such norm")

    monkeypatch.setattr(rivals, "peaks", lambda args, name: (30.0, 20.0 if name == "bare" else 30.0))
    row = rivals.ROWS["recipe-last"]
    monkeypatch.setitem(rivals.ROWS, "recipe-last", rivals.Row(row.text, fails, True))
    monkeypatch.setitem(rivals.ROWS, "nnsight", rivals.Row("nnsight", fails, True, "no_such_package"))
    lines = rivals.table(case).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [row.text for row in rivals.ROWS.values()]
    assert "| KeyError: 'no such norm' |" in next(line for line in lines if row.text in line)
    assert "| not installed |" in lines[-1]
    bare, collect = lines[2].split(" | "), lines[3].split(" | ")
    assert bare[2] == "1.00 (1.00 to 1.00)" == collect[3]
    assert (bare[4], collect[4]) == ("1.0", "1.5")


def test_turns_begin_with_another_each_time_and_do_not_count_the_first(rivals):
    called = []
    works = {name: lambda name=name: called.append(name) for name in "abc"}
    times = rivals.in_turns(works, 2, "cpu")
    assert {name: len(found) for name, found in times.items()} == {"a": 2, "b": 2, "c": 2}
    assert "".join(called) == "cababcbca"
    called.clear()
    rivals.in_turns(works, 2, "cpu", warm=False)
    assert "".join(called) == "abcbca"


def test_examples_stand_before_every_question(rivals, case):
    from _tracing import batches_of, shots

    few = argparse.Namespace(**vars(case.args) | {"shots": 5})
    plain, long = (batches_of(case.pair, case.questions, args)[0] for args in (case.args, few))
    whole = sum(len(p) for prompts, _ in plain for p in prompts)
    n = len(case.pair[0].tokenizer(shots(5))["input_ids"])
    assert sum(len(p) for prompts, _ in long for p in prompts) == whole + n * len(case.questions)
