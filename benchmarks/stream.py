"""Fit a trace that memory need not hold: seconds, passes over the file and peak memory, by number of questions.

    python benchmarks/stream.py [layers] [options] [questions ...]        default: 16 4 10000 100000 1000000

The files are made in a temporary folder and removed. Each fit runs in a process of its own: its peak is that of the
interpreter with its packages, of the last layer, and of one block.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dualalign import METHODS, Traces
from dualalign.calibrators.streaming import STREAMED, fit_stream
from dualalign.traces.stream import TraceStream
from dualalign.traces.writing import TraceFile

BLOCK = 20_000
METHODS_SHOWN = ("dual-align", "daca", "temperature-scaling")
LIMIT = 1024  # MiB


def write(path: Path, n: int, layers: int, k: int) -> None:
    """A trace of random logits, written block by block: a PLM, and a PoLM that is related and twice as sharp."""
    rng, ids = np.random.default_rng(0), [str(i) for i in range(n)]
    with TraceFile(path, n, k, (layers, layers), ids, [], {"plm": "g", "polm": "f"}) as file:
        for start in range(0, n, BLOCK):
            rows = range(start, min(start + BLOCK, n))
            size = len(rows)
            shared = rng.normal(size=(size, 1, k)).astype(np.float32)
            plm, polm = (shared + rng.standard_normal((size, layers, k), dtype=np.float32) for _ in range(2))
            labels = rng.integers(0, k, size)
            file.write(rows, Traces(plm, 2 * polm, labels, np.full(size, k), tuple(ids[start : start + size])))


def measure(path: str, method: str) -> dict:
    """Fit in this process, which does nothing else."""
    stream, start = TraceStream(path), time.perf_counter()
    calibrator = fit_stream(METHODS[method](), stream)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = time.perf_counter() - start
    return {"T": calibrator.temperature_, "seconds": spent, "passes": stream.passes, "peak": peak}


def main(layers: int = 16, k: int = 4, *questions: int) -> None:
    print(f"{layers} layers, {k} options; methods that stream: {', '.join(STREAMED)}")
    with tempfile.TemporaryDirectory() as folder:
        for n in questions or (10_000, 100_000, 1_000_000):
            path = Path(folder) / "t.safetensors"
            write(path, n, layers, k)
            for method in METHODS_SHOWN:
                command = [sys.executable, __file__, "--one", str(path), method]
                row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                size = f"{n:>9,} questions, {path.stat().st_size / 2**20:7,.0f} MiB"
                fit = f"T = {row['T']:.6f} {row['seconds']:6.1f} s {row['passes']:3d} passes"
                print(f"{size}  {method:20s} {fit}  peak {row['peak']:5.0f} MiB", flush=True)
    print(f"aim: at most {LIMIT} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(*sys.argv[2:4])))
    else:
        main(*map(int, sys.argv[1:]))
