"""Does the arithmetic of `dualalign.scale` hold? Random Llamas of growing size, read by the lens, beside what it says.

    python benchmarks/scale.py [--write]

For each size and type of weights: seconds a batch (the least of a few), operations a second that follow, and the peak
memory of a fresh process above its weights. --write keeps the rows in data/results/scale.json, which chapter 24 shows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
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
    if given.write:
        machine = {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
        write_whole(
            OUT, json.dumps({"machine": machine, "batch": BATCH, "tokens": TOKENS, "rows": rows}, indent=1).encode()
        )


if __name__ == "__main__":
    main()
