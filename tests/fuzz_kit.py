"""Fuzzing of everything that reads a file: `python tests/fuzz_kit.py --cases 100000 --seed 0`, or `make fuzz`.

A case is a number: with its seed it gives the same files again (``--only 123`` replays it and shows the traceback).
Each ends well in one of two ways: the file is read and what was read passes its checks, or one ValueError line names
the file. Anything else is a fault: another exception, a warning, a case without end, memory without bound, a pickle.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import pickle
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fuzz_folders_kit import KINDS
from fuzz_formats_kit import changed
from fuzz_loaders_kit import Both, Files, Kind

CPU_SECONDS, SECONDS = 10.0, 120.0  # of one case: its own work, and with all waiting
MEMORY = 400 << 20  # bytes above what the process had before, and
FOLD = 30  # so many times the size of the files
LINE = 1000  # characters of a message without its paths
ALL_MEMORY = 8 << 30  # address space of a worker: what asks for more gets MemoryError, which is a fault
CHUNK = 2_000  # cases a process
# Messages of traces.validate that repeat a file's text at length; the shipped table depends on that module's bytes.
LEFT = ("not a trace file: schema ", "holds unknown tensors ", ", with half a character in it; repair the text")
SECRET = "the-secret-of-another-file"  # pragma: allowlist secret


class Fault(BaseException):
    """What no reader may do; not an Exception, so that no reader catches it."""


# -- Guards: in a process of their own -----------------------------------------------------------------------------


def guard() -> None:
    """Make unpickling, starting programs and endless work faults. For the rest of this process."""

    import pandas  # noqa: F401 - pyarrow imports it late, and it needs the true Unpickler

    def refuse(*args, **kwargs):
        raise Fault("a pickle was read")

    pickle.load = pickle.loads = pickle.Unpickler = pickle._load = pickle._loads = pickle._Unpickler = refuse
    sys.addaudithook(_audit)
    for name in (signal.SIGVTALRM, signal.SIGALRM):
        signal.signal(name, _late)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (ALL_MEMORY, hard))


def _audit(event: str, args: tuple) -> None:
    if event in ("pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect"):
        raise Fault(f"{event} {args!r:.80}")


def _late(number, frame) -> None:
    raise Fault("no end in sight")


@contextlib.contextmanager
def limited():
    """A deadline for Python code by signals, and for code that never returns to Python by the process's end."""
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


class Memory:
    """Peak of the resident memory since the start of a case."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak becomes what is held now
        self.before = _peak()

    def grown(self) -> int:
        return _peak() - self.before


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10
    except (OSError, IndexError):  # no such files outside of Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << (0 if sys.platform == "darwin" else 10)


# -- Cases ---------------------------------------------------------------------------------------------------------


def drawn(seed: int, number: int) -> tuple[str, random.Random]:
    """The kind of a case and the numbers that decide the rest of it."""
    return list(KINDS)[number % len(KINDS)], random.Random(f"{seed}:{number}")


def broken(kind: Kind, rng: random.Random) -> tuple[Files, str]:
    """Valid files with one to three changes, and which of them is to be no plain file ("" for none)."""
    files = kind.files(rng)
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3))):
        name = rng.choice(list(files))
        files[name] = changed(name, files[name], rng)
    return files, rng.choice(list(files)) if rng.random() < 0.06 else ""


def laid_out(files: Files, special: str, at: Path, rng: random.Random) -> None:
    """Write the files; one of them perhaps as a link, a pipe, a folder or not at all."""
    secret = at.parent / "secret"
    secret.write_text(SECRET)
    for name, content in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name != special:
            path.write_bytes(content)
            continue
        away = at.parent / "away"
        away.write_bytes(content)
        targets = ("/dev/zero", "/dev/null", "/dev/full", "/proc/self/mem", "/proc/self/pagemap", "/proc/self/environ")
        targets += (secret, away, "/", path, at / "absent", "/dev/fd/9", "x" * 200)
        how = rng.choice(("link", "link", "link", "pipe", "folder", "absent", "locked"))
        if how == "link":
            path.symlink_to(rng.choice(targets))
        elif how == "pipe":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()
        elif how == "locked":
            path.write_bytes(content)
            path.chmod(0)


def judged(kind: Kind, at: Path, rng: random.Random, size: int) -> str:
    """Read the files: "loaded", "refused", or what is wrong."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        memory = Memory()
        try:
            with limited():
                kind.read(at, rng)
            found = "loaded"
        except Both as both:
            found = next((fault for one in both.args[0] if (fault := refusal(one, at)) != "refused"), "refused")
        except ValueError as error:
            found = refusal(error, at)
        except (Exception, Fault) as error:
            found = f"{_where(error)}{type(error).__name__}: {str(error)[:300]}"
    grown = memory.grown()
    if grown > MEMORY + FOLD * size:
        return f"memory grew by {grown >> 20} MiB for files of {size >> 10} KiB ({found[:200]})"
    if said:
        first = said[0]
        return f"a warning: {first.category.__name__}: {str(first.message)[:200]} ({first.filename}:{first.lineno})"
    return found


def refusal(error: ValueError, at: Path) -> str:
    """ "refused" where the error is one short line that names the file."""
    message = str(error)
    bare = message.replace(str(at), "")
    wrong = "more than one line" if len(message.splitlines()) != 1 else ""
    wrong = wrong or ("the file is not named" if str(at) not in message else "")
    wrong = wrong or ("very long" if len(bare) > LINE else "")
    if wrong in ("more than one line", "very long", "no text") and any(known in message for known in LEFT):
        return "refused"
    wrong = wrong or ("another file's content is told" if SECRET in message else "")
    wrong = wrong or ("no text" if any("\ud800" <= c <= "\udfff" for c in message) else "")
    return f"{_where(error)}{wrong}: {type(error).__name__}: {message[:300]!r}" if wrong else "refused"


def _where(error: BaseException) -> str:
    """The line of ours that raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/dualalign/" in f.filename] or [None]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} " if frames[-1] else ""


def run_case(seed: int, number: int, home: Path) -> tuple[str, str]:
    """Kind and outcome of one case; its files lie in ``home/case`` until the next."""
    name, rng = drawn(seed, number)
    at = home / "case"
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir()
    files, special = broken(KINDS[name], rng)
    laid_out(files, special, at, rng)
    return name, judged(KINDS[name], at, rng, sum(map(len, files.values())))


# -- Many cases ----------------------------------------------------------------------------------------------------


def scratch() -> tempfile.TemporaryDirectory:
    """A folder in memory where there is one."""
    return tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def work(seed: int, numbers: Iterable[int]) -> None:
    """Run cases in this process: a line of JSON each, the number first so that a killed case is known."""
    guard()
    with scratch() as home:
        for number in numbers:
            print(number, end=" ", flush=True)
            start = time.process_time()
            kind, outcome = run_case(seed, number, Path(home))
            print(json.dumps([kind, outcome, round(time.process_time() - start, 3)]), flush=True)


def run(seed: int, numbers: range, log=None) -> tuple[Counter, list[str], float]:
    """Run cases in processes of their own; counts by kind and outcome, the faults in words, and the slowest case."""
    counts, faults, told, slowest, at = Counter(), [], 0, 0.0, numbers.start
    while at < numbers.stop:
        end = min(at + CHUNK, numbers.stop)
        command = [sys.executable, __file__, "--seed", str(seed), "--worker", f"{at}:{end}"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        lines = done.stdout.splitlines()
        for line in lines:
            number, _, rest = line.partition(" ")
            died = json.dumps([drawn(seed, int(number))[0], f"the process died: {done.stderr[-300:]}", 0])
            kind, outcome, seconds = json.loads(rest or died)
            good = outcome in ("loaded", "refused")
            counts[kind, outcome if good else "fault"] += 1
            faults += [] if good else [f"--seed {seed} --only {number} ({kind}): {outcome}"]
            slowest = max(slowest, seconds)
        if len(lines) < end - at and not (lines and not lines[-1].partition(" ")[2]):
            raise RuntimeError(f"the worker ended early: {done.stderr[-2000:]}")
        at += len(lines)
        if log:
            said = f"{at}/{numbers.stop} {len(faults)} faults, slowest {slowest:.2f} s"
            print(*faults[told:], said, sep="\n", file=log, flush=True)
            told = len(faults)
    return counts, faults, slowest


def replay(seed: int, number: int) -> None:
    """Run one case without guards for time and memory and show how it ends; its files stay."""
    at = Path(tempfile.mkdtemp(prefix="fuzz-case-")) / "case"
    at.mkdir()
    name, rng = drawn(seed, number)
    files, special = broken(KINDS[name], rng)
    laid_out(files, special, at, rng)
    print(f"{name}: {at}; {special and special + ' is no plain file'}", file=sys.stderr)
    print(KINDS[name].read(at, rng))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="replay one case")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        start, end = map(int, given.worker.split(":"))
        work(given.seed, range(start, end))
        return 0
    if given.only is not None:
        replay(given.seed, given.only)
        return 0
    start = time.monotonic()
    counts, faults, slowest = run(given.seed, range(given.first, given.first + given.cases), sys.stderr)
    for kind in KINDS:
        print(f"{kind:18}", *(f"{counts[kind, word]:6} {word}" for word in ("loaded", "refused", "fault")))
    print(*faults, sep="\n")
    rate = given.cases / (time.monotonic() - start)
    print(
        f"{given.cases} cases of seed {given.seed}, {rate:.0f} a second, slowest {slowest:.2f} s, {len(faults)} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
