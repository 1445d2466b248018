"""What importing and helping cost: `import dualalign` above `import numpy` (aim: 0.1 s, no torch), and the help pages.

    python benchmarks/import_time.py

Each import runs in fresh interpreters; the least CPU time of five is taken, since a busy machine only adds.
"""

from __future__ import annotations

import subprocess
import sys
import time

LIMIT, HELP = 0.1, 0.4  # seconds
CODE = """
import sys, time
start = time.process_time()
import {module}
print(time.process_time() - start, "torch" in sys.modules)
"""


def import_seconds(module: str, runs: int = 5) -> tuple[float, bool]:
    """Return the least CPU seconds of `import module`, and whether torch came along."""
    command = [sys.executable, "-c", CODE.format(module=module)]
    output = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(runs)]
    return min(float(seconds) for seconds, _ in output), output[0][1] == "True"


def help_seconds(words: list[str], runs: int = 5) -> float:
    """Return the least seconds of the clock that a help page takes, from start to end of the process."""
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dualalign.cli", *words, "--help"], capture_output=True, check=True)
        spent.append(time.perf_counter() - start)
    return min(spent)


def main() -> None:
    numpy_seconds, _ = import_seconds("numpy")
    for module in ("dualalign", "dualalign.traces", "dualalign.calibrators"):
        spent, torch = import_seconds(f"numpy, {module}")
        above = spent - numpy_seconds
        print(f"import {module}: {above:+.3f} s above import numpy ({numpy_seconds:.3f} s); torch imported: {torch}")
    print(f"aim: at most {LIMIT} s")
    from dualalign.cli import app

    names = sorted(command.name or command.callback.__name__ for command in app.registered_commands)
    slowest = {name: help_seconds([name]) for name in names} | {"": help_seconds([])}
    for name, spent in slowest.items():
        print(f"dualalign {name} --help: {spent:.2f} s")
    print(f"aim: at most {HELP} s")


if __name__ == "__main__":
    main()
