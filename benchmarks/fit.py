"""How long do all methods take at their defaults, in passes of one float64 softmax-and-entropy over the same array?

    python benchmarks/fit.py [questions] [layers] [options]

Prints a method's CPU seconds (a busy machine disturbs the clock more) and passes, their sum (the aim: at most 30
passes together, of as many questions as MMLU has) and the peak memory of the process (the aim: below 2 GiB).
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dualalign import METHODS, Traces

LIMIT, MEMORY = 30, 2048  # passes, MiB


def random_traces(n: int, layers: int, k: int) -> Traces:
    """Logits of a PLM, and of a PoLM that is related and twice as sharp."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(n, 1, k)).astype(np.float32)
    plm, polm = (shared + rng.normal(size=(n, layers, k)).astype(np.float32) for _ in range(2))
    ids = tuple(map(str, range(n)))
    return Traces(plm, 2 * polm, rng.integers(0, k, n), np.full(n, k), question_ids=ids)


def rotated(traces: Traces) -> Traces:
    """The same rows, but for up to K - 1 at the end, as if each were a rotation of a question asked K times."""
    k = traces.mask.shape[1]
    traces = traces.select(slice(len(traces) // k * k))
    n = len(traces)
    order = (np.arange(k) + np.arange(n)[:, None]) % k
    ids = tuple(str(row // k) for row in range(n))
    return replace(traces, question_ids=ids, labels=np.full(n, -1), order=order)


def softmax_and_entropy(logits: np.ndarray) -> np.ndarray:
    """One plain float64 pass: softmax over the options, then entropy, (N, L, K) -> (N, L)."""
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)


def seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main(n: int = 14_042, layers: int = 80, k: int = 4) -> None:
    traces = random_traces(n, layers, k)
    logits = traces.polm_logits.astype(np.float64)
    one_pass = min(seconds(lambda: softmax_and_entropy(logits)) for _ in range(5))
    print(f"{n} questions x {layers} layers x {k} options; one pass: {one_pass:.3f} s")
    total = 0.0
    extra = {"content_free": traces, "permuted": rotated(traces)}
    for name, method in METHODS.items():
        calibrator = method(**{k: v for k, v in extra.items() if k in method.__dataclass_fields__})
        spent = seconds(lambda calibrator=calibrator: calibrator.fit(traces))
        total += spent
        print(f"{name:20s} {spent:7.3f} s {spent / one_pass:6.1f} passes   T = {calibrator.temperature_:.6f}")
    print(f"{'together':20s} {total:7.3f} s {total / one_pass:6.1f} passes   (aim: at most {LIMIT})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MiB (aim: below {MEMORY})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
