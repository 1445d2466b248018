"""Measure what a rerun costs: wall seconds, CPU seconds and peak memory of every notebook, into book/costs.json.

usage: python tools/costs.py [NAME ...]. The memory is that of the kernel and its children together, looked at twenty
times a second. Measure on a machine that does nothing else; the file says on which.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import threading
import time
from pathlib import Path

import freshness
import psutil
from run_notebooks import execute, kernel_path

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("book") / "costs.json"
PAUSE = 0.05


class Memory(threading.Thread):
    """Watches the memory of all children of this process and keeps the peak, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self):
        me = psutil.Process()
        while not self.done.wait(PAUSE):
            self.peak = max(self.peak, sum(resident(child) for child in me.children(recursive=True)))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it ended while we looked
        return 0


def machine() -> dict[str, object]:
    """Describe what the numbers were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cores": cores, "python": platform.python_version(), "system": platform.system()}


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(source: Path, root: Path, shared: dict[str, str]) -> dict[str, float]:
    """Run one notebook with its own parameters, renew its executed copy, and return its cost."""
    cpu, wall = children_cpu(), time.perf_counter()
    with kernel_path(live=False), Memory() as memory:
        execute(source, freshness.copy_of(source, root), {}, freshness.inputs_of(source, shared))
    seconds = {"wall_s": time.perf_counter() - wall, "cpu_s": children_cpu() - cpu}
    return {**{key: round(value, 1) for key, value in seconds.items()}, "memory_mb": round(memory.peak / 1e6)}


def read(root: Path) -> dict:
    path = root / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"machine": {}, "notebooks": {}}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks (01_start_here); all of them by default")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    shared, before = freshness.shared_inputs(root), read(root)["notebooks"]
    sources = {s.relative_to(root).with_suffix("").as_posix(): s for s in freshness.sources(root)}
    present = {name: before[name] for name in sources if name in before}
    for name, source in sources.items():
        if not options.names or source.stem in options.names:
            present[name] = measure(source, root, shared)
            print(name, present[name], flush=True)
    text = json.dumps({"machine": machine(), "notebooks": {n: present[n] for n in sources if n in present}}, indent=1)
    (root / FILE).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
