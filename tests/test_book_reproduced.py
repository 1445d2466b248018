"""Numbers of other configurations are compared with the recorded ones, and the page lists the worst."""

from __future__ import annotations

import json
import math
import subprocess

import pytest

pytest.importorskip("nbformat")
pytest.importorskip("papermill")
pytest.importorskip("sphinx")
import book_reproduced
import check_numbers
import reproduce

VALUES = {"ece": 0.25, "t": 2.0, "zero": 0.0, "n": 7, "who": "sft4"}
RECORDED = {"notebooks/01_a": {key: check_numbers.entry(value, None) for key, value in VALUES.items()}}
ENTRY = {
    "packages": "lock",
    "threads": 2,
    "versions": {"python": "3.12.1", "numpy": "2.4.6"},
    "figures": {"total": 3, "moved": []},
}


def compared(**changes):
    return reproduce.compared(RECORDED, {"notebooks/01_a": {**VALUES, **changes}})


def test_identical_within_and_beyond_are_counted():
    found = compared()
    assert (found["numbers"], found["identical"], found["beyond"], found["worst"]) == (5, 5, 0, [])
    found = compared(ece=0.25 + 1e-7, zero=5e-10, t=2.1)
    assert (found["identical"], found["beyond"]) == (2, 1)
    assert [row["key"] for row in found["worst"]] == ["t", "zero", "ece"]
    shares = [row["share"] for row in found["worst"]]
    assert shares == pytest.approx([0.1 / 2e-6, 0.5, 0.4], rel=0.01)


@pytest.mark.parametrize("change", [{"n": 8}, {"who": "sft1"}, {"ece": "inf"}])
def test_a_count_or_word_that_is_another_is_beyond(change):
    found = compared(**change)
    assert found["beyond"] == 1
    assert found["worst"][0]["share"] is None
    json.dumps(found, allow_nan=False)


def test_every_deviation_beyond_is_listed_and_otherwise_the_worst_few(monkeypatch):
    monkeypatch.setattr(reproduce, "SHOWN", 1)
    assert len(compared(ece=0.25 + 1e-8, t=2 + 1e-8)["worst"]) == 1
    assert len(compared(ece=0.3, t=3.0, n=9)["worst"]) == 3


def test_a_number_that_is_not_recorded_is_refused():
    with pytest.raises(ValueError, match="more is new"):
        compared(more=1)


def test_the_page_says_all_of_it_as_code():
    run = {**ENTRY, **compared(who="a|b `c`", t=2.1)}
    lines = book_reproduced.configurations({"3.12-lock-2": run})
    assert lines[-1] == "| 3.12.1 | the lock | 2 | 5 | 3 | 2 | 0 of 3 |"
    rows = book_reproduced.worst({"3.12-lock-2": run})[2:]
    assert rows[0] == "| `notebooks/01_a` | `who` | `sft4` | is ``` a/b `c` ``` | another word | 3.12, the lock, 2 |"
    assert rows[1] == "| `notebooks/01_a` | `t` | 2 | 1.0e-01 | 5e+04 | 3.12, the lock, 2 |"
    both = book_reproduced.worst({"3.12-lock-2": run, "3.12-lock-1": {**run, "threads": 1}})
    assert len(both) == 4
    assert both[3].endswith("| 3.12, the lock, 2; 3.12, the lock, 1 |")
    assert book_reproduced.packages({"3.12-lock-2": run})[-1] == "| numpy | 2.4.6 |"
    assert book_reproduced.worst({"3.12-lock-2": {**ENTRY, **compared()}}) == [
        "Every number was identical in each of them."
    ]


def test_the_page_names_what_was_recorded_anew_since():
    runs = {"3.12-lock-2": {**ENTRY, **compared()}}
    same = {name: reproduce.fingerprint(entries) for name, entries in RECORDED.items()}
    assert book_reproduced.since(runs, same) == []
    assert "notebooks/01_a" in book_reproduced.since(runs, {"notebooks/01_a": "another"})[1]
    assert "notebooks/02_b" in book_reproduced.since(runs, {**same, "notebooks/02_b": "new"})[1]


def test_the_record_keeps_the_other_configurations_in_their_order(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("3.13-lock-2", "3.11-lock-1", "3.13-lock-2"):
        reproduce.record(tmp_path, name, {**ENTRY, **compared()})
    stored = json.loads((tmp_path / reproduce.FILE).read_text())
    assert list(stored["configurations"]) == ["3.11-lock-1", "3.13-lock-2"]


def test_a_clone_follows_the_commit_and_keeps_what_was_executed(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=root, check=True)

    root, folder = tmp_path / "root", tmp_path / "place" / "clone"
    root.mkdir()
    git("init", "--quiet")
    for text in ("one", "two"):
        (root / "a.txt").write_text(text)
        git("add", "a.txt")
        git("commit", "--quiet", "-m", text)
        reproduce.clone(root, folder)
        assert (folder / "a.txt").read_text() == text
        (folder / "executed").touch()
    assert (folder / "executed").exists()


def test_an_interpreter_that_is_not_here_is_one_line():
    with pytest.raises(ValueError, match=r"^python2\.99: none on the path or under .*; install one"):
        reproduce.interpreter("2.99")


def test_threads_reach_every_library():
    environment = reproduce.threads(1)
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}


def test_the_record_of_the_book_is_within_every_tolerance():
    path = reproduce.ROOT / reproduce.FILE
    runs = json.loads(path.read_text(encoding="utf-8"))["configurations"]
    assert runs.keys() == reproduce.CONFIGURATIONS.keys()
    for name, run in runs.items():
        assert run["beyond"] == 0, name
        assert all(row["share"] is not None and math.isfinite(row["share"]) for row in run["worst"]), name
        assert run["figures"]["moved"] == [], name
