"""Does the arithmetic of `dualalign.scale` hold? Random Llamas of growing size, read by the lens, beside what it says.

    python benchmarks/scale.py [--write]

For each size and type of weights: seconds a batch (the least of a few), operations a second that follow, and the peak
memory of a fresh process above its weights. Then what a shared start of all prompts saves, in seconds of the processor
and in operations by the sum; and how long one process takes with one thread and with two, and two with one each.
--write keeps everything in data/results/scale.json, which chapter 24 shows. Needs a quiet machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from dualalign import scale
from dualalign.models import Lens
from dualalign.traces.artifact import write_whole

OUT = Path(__file__).parent.parent / "data/results/scale.json"
SIZES = {"small": (12, 512), "middle": (16, 1024), "large": (24, 1536)}  # layers, width
BATCH, TOKENS, REPEATS = 16, 128, 3


def random_llama(layers: int, width: int, dtype: str):
    """A Llama of a size with random weights."""
    import transformers

    config = transformers.LlamaConfig(
        num_hidden_layers=layers, hidden_size=width, intermediate_size=int(2.75 * width), vocab_size=32_000,
        num_attention_heads=width // 64, num_key_value_heads=width // 128, head_dim=64, dtype=dtype,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).to(getattr(torch, dtype)).eval()


def measure(layers: int, width: int, dtype: str) -> dict:
    """Read batches with one model; this process does nothing else, so its peak is the model's."""
    model = random_llama(layers, width, dtype)
    lens = Lens(model)
    prompts = torch.randint(0, 32_000, (BATCH, TOKENS), generator=torch.Generator().manual_seed(0)).tolist()
    before, seconds = resident(), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        lens(prompts, [[1, 2, 3, 4]] * BATCH)
        seconds.append(time.perf_counter() - start)
    decoder = scale.Decoder.from_config(model.config.to_dict())
    operations = BATCH * decoder.operations(TOKENS)
    return {
        "layers": layers, "width": width, "dtype": dtype, "parameters": decoder.parameters, "seconds": min(seconds),
        "operations": operations, "speed": operations / min(seconds), "spread": max(seconds) / min(seconds),
        "working": resident(peak=True) - before, "said": decoder.working(BATCH, TOKENS, dtype),
    }  # fmt: skip


def shared_starts(lengths: tuple[int, ...] = (0, 128, 384)) -> list[dict]:
    """Seconds of the processor for a batch behind a start that is read each time, and once."""
    from dualalign.models.prefix import read_start

    layers, width = SIZES["small"]
    lens, rows = Lens(random_llama(layers, width, "float32")), []
    decoder = scale.Decoder.from_config(lens.model.config.to_dict())
    words = torch.randint(0, 32_000, (BATCH + 1, max(lengths) + TOKENS), generator=torch.Generator().manual_seed(1))
    options = [[1, 2, 3, 4]] * BATCH
    for length in lengths:
        start, tails = words[BATCH, :length].tolist(), [row[:TOKENS].tolist() for row in words[:BATCH]]
        prompts, prefix = [start + tail for tail in tails], read_start(lens, start) if length else None
        each = least(lambda p=prompts: lens(p, options))
        once = least(lambda p=prompts, s=prefix: lens(p, options, start=s)) if length else each
        own = decoder.operations(length + TOKENS) - decoder.operations(length)
        rows.append({"start": length, "each": each, "once": once, "said": decoder.operations(length + TOKENS) / own})
    return rows


def least(work: Callable[[], object]) -> float:
    """The least processor seconds of a few calls."""
    spent = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def together(questions: int = 192) -> list[dict]:
    """Seconds of the clock of `dualalign trace` on a random pair: one process with 1 and 2 threads, two with 1 each."""
    from _tracing import parser, random_pair, random_questions

    from dualalign.questions import save_file

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pair = random_pair(parser("").parse_args([]))
        for name, loaded in zip(("base", "chat"), pair, strict=True):
            loaded.model.save_pretrained(Path(folder) / name)
            loaded.tokenizer.save_pretrained(Path(folder) / name)
        save_file(random_questions(questions), Path(folder) / "q.jsonl")
        for processes, threads in ((1, 1), (1, 2), (2, 1)):
            seconds, digest = traced(folder, processes, threads)
            rows.append({"processes": processes, "threads": threads, "seconds": seconds, "sha256": digest})
    return rows


def traced(folder: str, processes: int, threads: int) -> tuple[float, str]:
    """Run the command; return its seconds and the digest of the file."""
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes),
              "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
              "--main_process_port", "0"]  # fmt: skip
    out = f"{processes}-{threads}.safetensors"
    words = ["-m", "dualalign.cli", "trace", "--plm", "base", "--polm", "chat", "--questions", "q.jsonl", "--style",
             "cloze", "--device", "cpu", "--quiet", "--skip-clashes", "--out", out]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    command, begun = [sys.executable, *(launch if processes > 1 else []), *words], time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    spent = time.perf_counter() - begun
    return spent, hashlib.sha256((Path(folder) / out).read_bytes()).hexdigest()[:16]


def resident(peak: bool = False) -> int:
    """Bytes of this process in memory: now, or at its peak."""
    if peak:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("LAYERS", "WIDTH", "DTYPE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(int(given.one[0]), int(given.one[1]), given.one[2])))
        return
    rows = []
    for dtype in ("float32", "bfloat16"):
        for name, (layers, width) in SIZES.items():
            command = [sys.executable, __file__, "--one", str(layers), str(width), dtype]
            row = {"size": name} | json.loads(
                subprocess.run(command, capture_output=True, text=True, check=True).stdout
            )
            print(f"{name:7s} {dtype:9s} {row['parameters'] / 1e6:6.0f} M  {row['seconds']:7.3f} s a batch  "
                  f"{row['speed'] / 1e9:7.1f} Gop/s  peak above weights {row['working'] / 1e6:6.0f} MB, "
                  f"said {row['said'] / 1e6:6.0f} MB", flush=True)  # fmt: skip
            rows.append(row)
    starts = shared_starts()
    for row in starts:
        print(f"start of {row['start']:4d} tokens: {row['each']:.3f} s each time, {row['once']:.3f} s once, "
              f"{row['each'] / row['once']:.2f} times as fast; by the sum {row['said']:.2f}", flush=True)  # fmt: skip
    processes = together()
    for row in processes:
        print(f"{row['processes']} processes x {row['threads']} threads: {row['seconds']:.1f} s, {row['sha256']}")
    if given.write:
        machine = {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
        kept = {"machine": machine, "batch": BATCH, "tokens": TOKENS, "rows": rows, "starts": starts}
        write_whole(OUT, json.dumps(kept | {"processes": processes}, indent=1).encode())


if __name__ == "__main__":
    main()
