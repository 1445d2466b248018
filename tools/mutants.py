"""Mutation testing: change one thing of the code at a time, and see whether a test notices (mutmut).

usage: python tools/mutants.py [--jobs N] [--again] [--write] [PART ...]
Parts are drift, metrics, calibrators, traces and imports; all where none is named.
Exit code 1 where a part's score is below 85 %, a survivor is not in tests/mutants/survivors.jsonl, or has no reason.

Each part runs in a copy of its own, never in the checkout, and goes on where it was stopped unless the code or a test
changed. A full run writes its counts to tests/mutants/scores.json. While tests are written, --again puts the new
tests to the survivors alone (no counts are written), and --write brings the list of survivors up to date: what nobody
gave a reason for gets an empty one.

What the score counts. Every mutant, those that only change the wording of an error too: mutmut can leave out lines by
a pattern, but the lines that hold a message also hold the numbers it names and the condition it stands under, and a
wrong number in a message is a fault. Those that change words alone are in the list of survivors, with that reason.
mutmut changes bodies of functions only, and none of a decorated one; in the copy, `@d def f` is therefore written as
`def f` and `f = d(f)`, which is the same. A mutant that runs into the time limit is killed; one without a test is not.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

from mutant_copy import PARTS, ROOT, VERDICTS, Part, prepare

from dualalign.traces.artifact import write_whole

LISTED = Path("tests") / "mutants" / "survivors.jsonl"
SCORES = Path("tests") / "mutants" / "scores.json"
LEAST = 85.0  # per cent

Survivor = tuple[str, str]  # the function's dotted name, the changed lines


def mutate(copy: Path, jobs: int) -> None:
    """Run mutmut in the copy: the same examples every time, one thread, the mutated module also in child processes."""
    quiet = {"CI": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment = {**os.environ, **quiet, "PYTHONPATH": str(copy / "mutants")}
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)]
    log = copy / "mutmut.log"
    (copy / "mutants").mkdir(exist_ok=True)  # a path that is missing when Python starts is not looked at later
    with log.open("wb") as out:
        done = subprocess.run(command, cwd=copy, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(
            f"mutmut failed; the end of {log}:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
        )


def verdicts(copy: Path) -> dict[str, tuple[Path, int | None]]:
    """Read mutmut's results: name of the mutant -> (file of the code, exit code of its tests; None where not run)."""
    found = {}
    for path in sorted((copy / "mutants").rglob("*.py.meta")):
        source = path.relative_to(copy / "mutants").with_suffix("")
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        found |= {name: (source, code) for name, code in codes.items()}
    return found


def count(codes: Iterable[int | None]) -> dict[str, float]:
    """Return how many mutants there are by verdict, and the score in per cent.

    Raises
    ------
    ValueError
        Where a mutant has no verdict: the run was stopped, or its tests could not be run.
    """
    codes = list(codes)
    counts: dict[str, float] = {name: sum(code in known for code in codes) for name, known in VERDICTS.items()}
    if not codes or sum(counts.values()) < len(codes):
        raise ValueError(f"{len(codes) - sum(counts.values())} of {len(codes)} mutants have no verdict; run it again")
    return {**counts, "all": len(codes), "score": round(100 * (counts["killed"] + counts["timeouts"]) / len(codes), 2)}


def function_of(mutant: str) -> str:
    """Return the dotted name of the function that a mutant of mutmut changes."""
    module, _, name = mutant.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{name[2:].replace('ǁ', '.')}"  # x_function or xǁClassǁmethod


def changed_lines(diff: str) -> str:
    """Return the lines that a unified diff takes away and adds, each without its indentation."""
    changed = [line for line in diff.splitlines() if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)


def survivors(copy: Path, found: dict[str, tuple[Path, int | None]]) -> Counter[Survivor]:
    """Return what no test noticed."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    unnoticed = VERDICTS["survived"] + VERDICTS["no_test"]
    with contextlib.chdir(copy):
        return Counter(
            (function_of(name), changed_lines(get_diff_for_mutant(name, path=path)))
            for name, (path, code) in found.items()
            if code in unnoticed
        )


def read_listed(path: Path) -> list[dict[str, str]]:
    """Read the list of survivors with their reasons."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def belongs(row: dict[str, str], part: Part) -> bool:
    """Whether a listed survivor is of this part."""
    place = row["function"].replace(".", "/")
    return any(fnmatch(place, f"{code.removesuffix('.py')}/*") for code in part.code)


def compare(found: Counter[Survivor], rows: list[dict[str, str]]) -> tuple[Counter[Survivor], Counter[Survivor]]:
    """Return (survivors without a row that gives a reason, rows whose mutant no longer survives)."""
    reasoned = Counter((row["function"], row["diff"]) for row in rows if row["reason"])
    return found - reasoned, Counter((row["function"], row["diff"]) for row in rows) - found


def renewed(found: Counter[Survivor], rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of what survives, with the reasons that they had."""
    left, kept = found.copy(), []
    for row in rows:
        key = row["function"], row["diff"]
        if left[key] > 0:
            left[key] -= 1
            kept.append(row)
    new = [{"function": function, "diff": diff, "reason": ""} for function, diff in (+left).elements()]
    return in_order([*kept, *new])


def in_order(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: (row["function"], row["diff"]))


def judge(name: str, counts: dict[str, float], unlisted: Counter[Survivor], gone: Counter[Survivor]) -> bool:
    """Print a part's result, and return whether it is good."""
    words = ", ".join(f"{int(counts[key])} {key.replace('_', ' ')}" for key in VERDICTS)
    print(f"{name}: {counts['all']} mutants, {words}: score {counts['score']:.2f} %", flush=True)
    for title, which in (("survives without a reason", unlisted), ("listed, but noticed now", gone)):
        for function, diff in sorted(which.elements()):
            print(f"  {title}: {function}\n    " + diff.replace("\n", "\n    "))
    return counts["score"] >= LEAST and not unlisted


def run(name: str, copy: Path, jobs: int, again: bool, write: bool) -> bool:
    """Run one part, write what is asked for, and return whether it is good."""
    part = PARTS[name]
    prepare(part, copy, again)
    mutate(copy, jobs)
    found = verdicts(copy)
    counts = count(code for _, code in found.values())
    living, rows = survivors(copy, found), read_listed(ROOT / LISTED)
    ours = [row for row in rows if belongs(row, part)]
    if write:
        others = [row for row in rows if not belongs(row, part)]
        ours = renewed(living, ours)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in in_order([*others, *ours])]
        write_whole(ROOT / LISTED, "".join(lines).encode())
    if not again:
        write_scores(ROOT / SCORES, name, counts)
    return judge(name, counts, *compare(living, ours))


def write_scores(path: Path, name: str, counts: dict[str, float]) -> None:
    """Put a part's counts into the table of scores, the others as they are."""
    parts = json.loads(path.read_text(encoding="utf-8"))["parts"] if path.is_file() else {}
    parts[name] = counts
    table = {"mutmut": version("mutmut"), "parts": {part: parts[part] for part in PARTS if part in parts}}
    write_whole(path, (json.dumps(table, indent=1) + "\n").encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--jobs", type=int, default=1, help="mutants tested at a time")
    parser.add_argument("--again", action="store_true", help="only put the survivors to the tests as they are now")
    parser.add_argument("--write", action="store_true", help="bring the list of survivors up to date")
    parser.add_argument("--scratch", type=Path, default=Path("~/.cache/dualalign-mutants"), help="where the copies go")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    scratch = args.scratch.expanduser() / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    names = args.parts or list(PARTS)
    return 0 if all([run(name, scratch / name, args.jobs, args.again, args.write) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
