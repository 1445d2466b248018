"""How much longer does `import dualalign` take than `import numpy`? (aim: at most 0.3 s, and no torch)

    python benchmarks/import_time.py

Each import runs in fresh interpreters; the least CPU time of five is taken, since a busy machine only adds.
"""

from __future__ import annotations

import subprocess
import sys

LIMIT = 0.3
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


def main() -> None:
    numpy_seconds, _ = import_seconds("numpy")
    for module in ("dualalign", "dualalign.traces", "dualalign.calibrators"):
        spent, torch = import_seconds(f"numpy, {module}")
        above = spent - numpy_seconds
        print(f"import {module}: {above:+.3f} s above import numpy ({numpy_seconds:.3f} s); torch imported: {torch}")
    print(f"aim: at most {LIMIT} s")


if __name__ == "__main__":
    main()
