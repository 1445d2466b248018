"""How far a run has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 30.0  # seconds between two lines
_UNITS = {86400: ("d", 3600, "h"), 3600: ("h", 60, "min"), 60: ("min", 1, "s")}  # seconds: name, the unit below it


@contextmanager
def progress(text: str, total: int, done: int = 0, show: bool = True) -> Iterator[Callable[[int], None]]:
    """Yield a function to be told how many questions were finished since it was last told, by whatever process.

    Parameters
    ----------
    total, done : int
        Questions in all, and those that an earlier run finished: the rate counts only what comes after them.
    """
    if not show:
        yield lambda n: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(text, total=total, completed=done, rate="")
            start = time.monotonic()
            first = done
            yield lambda n: _advance(bar, task, n, first, start)
    else:
        yield _Lines(text, total, done)


def _bar():
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def _advance(bar, task, n: int, first: int, start: float) -> None:
    bar.advance(task, n)
    rate = (bar.tasks[task].completed - first) / max(time.monotonic() - start, 1e-9)
    bar.update(task, rate=f"{per_second(rate)} questions/s")


class _Lines:
    """Print rate and time left to stderr every `EVERY` seconds."""

    def __init__(self, text: str, total: int, done: int):
        self.text, self.total, self.done, self.first = text, total, done, done
        self.start = self.last = time.monotonic()

    def __call__(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last < EVERY:
            return
        self.last = now
        rate = (self.done - self.first) / (now - self.start)
        left = duration((self.total - self.done) / rate) if rate else "unknown time"
        print(
            f"{self.text}: {self.done} of {self.total} questions, {per_second(rate)} a second, {left} left",
            file=sys.stderr,
        )


def duration(seconds: float) -> str:
    """Return a time for reading, in its two largest units: ``40 s``, ``3 min 20 s``, ``5 h 12 min``, ``2 d 3 h``."""
    whole = round(seconds)
    for unit, (name, smaller, part) in _UNITS.items():
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // smaller} {part}"
    return f"{whole} s"


def per_second(rate: float) -> str:
    """Return a rate for reading: one decimal, two digits where a large model takes seconds a question."""
    return f"{rate:.1f}" if rate >= 1 or not rate else f"{rate:.2g}"
