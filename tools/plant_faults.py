"""Plant known faults one by one in a copy of the repository, and show which check catches each.

usage: python tools/plant_faults.py [--only NAME ...] [--force] [--write]. Each fault of tests/planted/faults.toml names
a change and the cheapest check that must find it, one that `make test` or `make book` runs. The check must pass on the
copy as it is and fail, for the stated reason, once the fault is in. What is done is kept in _build/planted, so an
interrupted run goes on. --write records all results for the book. Exit code 1 where a fault got through.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dualalign.traces.artifact import write_whole

ROOT = Path(__file__).resolve().parent.parent
FAULTS = Path("tests/planted/faults.toml")
RESULTS = Path("book/planted.json")
KEPT = Path("_build/planted")
LIMIT = 300  # seconds that a check may take
LONGEST = 220  # characters of a message that are kept
SMALL_CHAPTER = "notebooks/01_start_here"
PACKAGED = ("jupytext",)  # commands that are modules of packages
TEMPORARY = re.compile(rf"{re.escape(tempfile.gettempdir())}/\S*/")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
BROKEN = re.compile(r"\b(Syntax|Name|Attribute|Type|Import|ModuleNotFound)Error\b")


@dataclass(frozen=True)
class Fault:
    """A change and the check that must find it.

    Attributes
    ----------
    name, part, what : a short name, the part of the book's table it stands in, and the fault in words
    file : path of the file that is changed
    old, new : the text that is replaced, which stands there exactly once, and what replaces it
    flip : instead of both, the byte whose lowest bit is turned (negative: from the end)
    check : a test ("tests/test_a.py::test_b") or a tool with its arguments
    says : regular expression of the line in which a tool names the fault; a test must be among those that failed
    needs : "", "small-book" or "small-site", what is made before the check can run
    then : commands that somebody would run after such a change, and that the check must see through
    """

    name: str
    part: str
    what: str
    file: str
    check: str
    old: str = ""
    new: str = ""
    flip: int | None = None
    says: str = ""
    needs: str = ""
    then: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def is_test(self) -> bool:
        return self.check.startswith("tests/")


@dataclass(frozen=True)
class Outcome:
    """Whether the check failed for the stated reason, the line that says so, and how many processor seconds it took."""

    caught: bool
    message: str
    seconds: float


def read_faults(root: Path = ROOT) -> list[Fault]:
    """Read the list, in its order; TypeError for an unknown field."""
    table = tomllib.loads((root / FAULTS).read_text(encoding="utf-8"))["fault"]
    return [Fault(**row | {"then": tuple(row.get("then", ()))}) for row in table]


def planted(fault: Fault, content: bytes) -> bytes:
    """Return a file's content with the fault in it.

    ValueError where it does not apply exactly once, SyntaxError where it leaves no Python.
    """
    if fault.flip is not None:
        changed = bytearray(content)
        changed[fault.flip] ^= 1
        return bytes(changed)
    times = content.count(fault.old.encode())
    if not fault.old or times != 1:
        raise ValueError(f"{fault.name}: its text stands {times} times in {fault.file}; bring {FAULTS} up to date")
    changed = content.replace(fault.old.encode(), fault.new.encode())
    if fault.file.endswith(".py"):
        ast.parse(changed)
    return changed


# ---- the copy


def copy_tree(target: Path) -> str:
    """Copy every file that git does not ignore, and return a digest of all but the recorded results."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    whole = hashlib.sha256()
    for name in sorted(filter(None, set(listed.stdout.split("\0")))):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
            content = b"" if Path(name) == RESULTS else (ROOT / name).read_bytes()
            whole.update(f"{name}\n".encode() + hashlib.sha256(content).digest())
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=target, check=True, capture_output=True)
    return whole.hexdigest()[:16]


def restore(copy: Path) -> None:
    """Bring every file back and remove what was made."""
    for command in (["checkout", "-q", "--", "."], ["clean", "-fdqx"]):
        subprocess.run(["git", *command], cwd=copy, check=True, capture_output=True)


def environment(copy: Path) -> dict[str, str]:
    """Return the environment of .ci/run, with the module of the copy.

    Byte code is not written: Python takes a module for unchanged where its size and the second of its change are.
    """
    fixed = {"CI": "true", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    shown = {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    return os.environ | fixed | shown


def run(command: str, copy: Path) -> tuple[int, str]:
    """Run a test or a tool in the copy: its exit code and what it printed; a check without end counts as passed."""
    words = shlex.split(command)
    if command.startswith("tests/"):
        words = ["-m", "pytest", "-x", "-p", "no:cacheprovider", *words]
    elif words[0] in PACKAGED:
        words = ["-m", *words]
    options = {"cwd": copy, "env": environment(copy), "capture_output": True, "text": True, "timeout": LIMIT}
    try:
        done = subprocess.run([sys.executable, *words], **options, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return 0, f"no answer in {LIMIT} seconds"
    return done.returncode, COLOUR.sub("", done.stdout + done.stderr).replace(f"{copy}/", "")


# ---- what has to be there


def small_book(copy: Path) -> None:
    """Make a book of one chapter and one page, so that what checks a built book has one in seconds."""
    for folder in ("notebooks", "course"):
        for path in (copy / folder).glob("[0-9a-z]*.*"):
            if path.is_file() and path.with_suffix("") != copy / SMALL_CHAPTER:
                path.unlink()
    for name in ("numbers", "figures"):
        path = copy / f"book/{name}.json"
        stored = json.loads(path.read_text(encoding="utf-8"))
        own = {key: value for key, value in stored.items() if SMALL_CHAPTER in (key, value.get("notebook"))}
        path.write_text(json.dumps(own), encoding="utf-8")
    (copy / "book/_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    shutil.copy(copy / "tests/planted/page.md", copy / "book/index.md")
    config = (copy / "_config.yml").read_text(encoding="utf-8")  # 400 pages of the module take a minute
    (copy / "_config.yml").write_text(re.sub(r" +book_(api|reports): tools\n", "", config), encoding="utf-8")
    must("tools/run_notebooks.py", copy)


def small_site(copy: Path) -> None:
    """Build the site of the small book."""
    small_book(copy)
    must("tools/build_site.py", copy)


PREPARE = {"": lambda copy: None, "small-book": small_book, "small-site": small_site}


def must(command: str, copy: Path) -> None:
    """Run a command that has to succeed."""
    code, said = run(command, copy)
    if code:
        raise ValueError(f"{command} failed before any fault was planted:\n{said[-2000:]}")


# ---- one fault after the other


def try_fault(fault: Fault, copy: Path, clean: set[tuple[str, str]]) -> Outcome:
    """Show that the check passes on the copy as it is, plant the fault, and see what the check says then."""
    start = processor_seconds()
    restore(copy)
    PREPARE[fault.needs](copy)
    if (fault.needs, fault.check) not in clean:
        code, said = run(fault.check, copy)
        if code or (fault.is_test and not re.search(r"\d+ passed", said)):
            raise ValueError(f"{fault.name}: {fault.check} does not pass without the fault:\n{said[-2000:]}")
        clean.add((fault.needs, fault.check))
    path = copy / fault.file
    path.write_bytes(planted(fault, path.read_bytes()))
    for command in fault.then:
        must(command, copy)
    code, said = run(fault.check, copy)
    found = message(fault, said)
    return Outcome(bool(code and found), found if code else "", round(processor_seconds() - start, 1))


def processor_seconds() -> float:
    """Seconds that all commands took so far, on an idle machine with one core."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def message(fault: Fault, said: str) -> str:
    """Return the first line that names the fault; code that cannot even run shows nothing about its check."""
    pattern = fault.says or (f"^FAILED {re.escape(fault.check.split()[0])}" if fault.is_test else ".")
    lines = [" ".join(TEMPORARY.sub("", line).split()) for line in said.splitlines() if re.search(pattern, line)]
    return next((line[:LONGEST] for line in lines if not BROKEN.search(line)), "")


def results(faults: list[Fault], force: bool) -> Iterator[tuple[Fault, Outcome]]:
    """Yield each fault with its outcome: as kept, where neither the fault nor any file has changed since."""
    (ROOT / KEPT).mkdir(parents=True, exist_ok=True)
    clean: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder).resolve()
        tree = copy_tree(copy)
        for fault in faults:
            path, now = ROOT / KEPT / f"{fault.name}.json", {"fault": fault.digest, "tree": tree}
            kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            if force or not kept.items() >= now.items():
                try:
                    kept = now | {"outcome": asdict(try_fault(fault, copy, clean))}
                    path.write_text(json.dumps(kept), encoding="utf-8")
                except (ValueError, SyntaxError) as error:  # not kept: it says nothing about the check
                    print(error, file=sys.stderr)
                    kept = {"outcome": asdict(Outcome(False, str(error).partition("\n")[0], 0.0))}
            yield fault, Outcome(**kept["outcome"])


def report(done: list[tuple[Fault, Outcome]]) -> None:
    """Print a table of faults and checks."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=False)
    for name in ("fault", "caught", "check", "says", "s"):
        table.add_column(name, overflow="fold", justify="right" if name == "s" else "left")
    for fault, outcome in done:
        mark = "yes" if outcome.caught else "[bold red]NO[/]"
        table.add_row(fault.name, mark, fault.check, outcome.message.replace("[", "\\["), f"{outcome.seconds:.0f}")
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def write(done: list[tuple[Fault, Outcome]]) -> None:
    """Record what the book shows."""
    rows = [{"name": f.name, "digest": f.digest, **asdict(outcome)} for f, outcome in done]
    text = json.dumps({"python": sys.version.split()[0], "faults": rows}, indent=1, ensure_ascii=False)
    write_whole(ROOT / RESULTS, (text + "\n").encode())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults and no other")
    parser.add_argument("--force", action="store_true", help="try again what is done")
    parser.add_argument("--write", action="store_true", help=f"record the results in {RESULTS}")
    options = parser.parse_args(arguments)
    faults = read_faults()
    if unknown := sorted(set(options.only) - {fault.name for fault in faults}):
        parser.error(f"--only {unknown[0]}: no such fault; known: {', '.join(fault.name for fault in faults)}")
    done = []
    for fault, outcome in results([f for f in faults if not options.only or f.name in options.only], options.force):
        print(f"{fault.name}: {'caught' if outcome.caught else 'NOT CAUGHT'}, {outcome.seconds} s", flush=True)
        done.append((fault, outcome))
    report(done)
    if options.write and not options.only:
        write(done)
    missed = [fault.name for fault, outcome in done if not outcome.caught]
    print(
        f"faults: {len(done) - len(missed)} of {len(done)} caught{''.join(f'; {name} got through' for name in missed)}"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
