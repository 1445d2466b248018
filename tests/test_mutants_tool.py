"""The judge of mutants: what it reads of mutmut's results, what it counts, and what it says of survivors."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import mutant_copy
import mutants
import pytest

DIFF = """--- dualalign/drift.py
+++ dualalign/drift.py
@@ -1,3 +1,3 @@
 def entropy(logits):
-    return a + b
+    return a - b
"""
ADDED = ("dualalign.drift.entropy", "- return a + b\n+ return a - b")


def row(function: str, diff: str, reason: str = "the same number") -> dict[str, str]:
    return {"function": function, "diff": diff, "reason": reason}


def test_verdicts_come_from_every_file_of_the_copy(tmp_path):
    for name, codes in {
        "drift.py": {"dualalign.drift.x_f__mutmut_1": 1},
        "metrics/smooth.py": {"m": 0, "n": None},
    }.items():
        meta = tmp_path / "mutants" / "dualalign" / f"{name}.meta"
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.write_text(json.dumps({"exit_code_by_key": codes, "durations_by_key": {}}))
    drift, smooth = Path("dualalign/drift.py"), Path("dualalign/metrics/smooth.py")
    found = mutants.verdicts(tmp_path)
    assert found == {"dualalign.drift.x_f__mutmut_1": (drift, 1), "m": (smooth, 0), "n": (smooth, None)}


def test_a_time_limit_is_a_kill_and_no_test_is_not():
    counts = mutants.count([1, 1, 3, -24, 36, 0, 33, 5])
    assert counts == {"killed": 3, "timeouts": 2, "survived": 1, "no_test": 2, "all": 8, "score": 62.5}


@pytest.mark.parametrize("codes", [[], [1, None], [0, 2], [1, 4]], ids=["none", "not run", "stopped", "no such test"])
def test_a_run_that_did_not_end_has_no_score(codes):
    with pytest.raises(ValueError, match=r"run it again"):
        mutants.count(codes)


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("dualalign.drift.x_entropy__mutmut_12", "dualalign.drift.entropy"),
        ("dualalign.drift.x__js__mutmut_1", "dualalign.drift._js"),
        ("dualalign.calibrators.search.xǁ_ScanǁA__mutmut_3", "dualalign.calibrators.search._Scan.A"),
        ("dualalign.traces.artifact.xǁTracesǁ__len____mutmut_3", "dualalign.traces.artifact.Traces.__len__"),
        ("dualalign.traces.artifact.xǁTracesǁ_pad___mutmut_3", "dualalign.traces.artifact.Traces._pad_"),
    ],
)
def test_the_function_of_a_mutant(mutant, function):
    assert mutants.function_of(mutant) == function


def test_a_survivor_is_known_by_its_lines_wherever_they_stand():
    assert mutants.changed_lines(DIFF) == ADDED[1]
    assert (
        mutants.changed_lines(DIFF.replace("@@ -1,3", "@@ -90,3").replace("    return", "        return")) == ADDED[1]
    )


def test_survivors_are_compared_one_by_one():
    twice = Counter({ADDED: 2})
    assert mutants.compare(twice, [row(*ADDED), row(*ADDED)]) == (Counter(), Counter())
    assert mutants.compare(twice, [row(*ADDED)]) == (Counter({ADDED: 1}), Counter())
    assert mutants.compare(Counter(), [row(*ADDED)]) == (Counter(), Counter({ADDED: 1}))
    assert mutants.compare(Counter({ADDED: 1}), [row(*ADDED, reason="")]) == (Counter({ADDED: 1}), Counter())


def test_the_renewed_list_keeps_reasons_and_drops_what_is_killed():
    other = ("dualalign.drift._js", "- x\n+ y")
    rows = mutants.renewed(Counter({ADDED: 1, other: 1}), [row(*ADDED), row("dualalign.drift.gone", "- a\n+ b")])
    assert rows == [row(*other, reason=""), row(*ADDED)]


@pytest.mark.parametrize(
    ("score", "unlisted", "good"), [(85.0, {}, True), (84.99, {}, False), (99.0, {ADDED: 1}, False)]
)
def test_a_part_is_good_with_the_score_and_every_survivor_listed(score, unlisted, good, capsys):
    counts = {"killed": 8, "timeouts": 0, "survived": 1, "no_test": 1, "all": 10, "score": score}
    assert mutants.judge("drift", counts, Counter(unlisted), Counter()) is good
    said = capsys.readouterr().out
    assert "10 mutants, 8 killed, 0 timeouts, 1 survived, 1 no test" in said
    assert ("dualalign.drift.entropy" in said) == bool(unlisted)


def test_decorated_functions_are_written_so_that_mutmut_sees_them():
    source = """import functools

@functools.wraps(len)
@functools.lru_cache(
    maxsize=1,
)
def f(x):
    \"\"\"Doubles.\"\"\"
    return 2 * x

class A:
    @property
    def g(self):
        return 3

    @classmethod
    def h(cls):
        return 4
"""
    written = mutant_copy.undecorated(source)
    assert written.count("@") == 1
    names: dict = {}
    exec(compile(written, "written", "exec"), names)
    assert names["f"](4) == 8
    assert names["f"].__wrapped__ is len
    assert (names["A"]().g, names["A"].h()) == (3, 4)


def test_every_part_names_what_there_is():
    for name, part in mutants.PARTS.items():
        assert all(list(mutants.ROOT.glob(code)) for code in part.code), name
        assert all((mutants.ROOT / "tests" / test).is_file() for test in part.tests), name
        assert all((mutants.ROOT / path).exists() for path in part.beside), name


def test_the_list_names_functions_of_its_parts_in_order():
    rows = mutants.read_listed(mutants.ROOT / mutants.LISTED)
    assert all(set(row) == {"function", "diff", "reason"} and row["diff"] for row in rows)
    assert all(sum(mutants.belongs(row, part) for part in mutants.PARTS.values()) == 1 for row in rows)
    assert rows == mutants.in_order(rows)
