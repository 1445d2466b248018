"""What tracing costs beside bare forward passes: time and peak memory, as ratios.

    python benchmarks/trace.py                                             two random Llamas, 12 layers, width 512
    python benchmarks/trace.py --layers 4 --width 128                      small ones: Python counts, too
    python benchmarks/trace.py --plm DIR --polm DIR --questions NAME       a pair of your own

*Bare* is the least that reading an answer takes: for both models and the same batches, the embeddings, every block and
the final norm, then the product of the last prompt token with the K option rows. No vocabulary, no cache, no inner
layer, no tokenising, no files. *lens* adds what this project reads at every layer; *collect* is everything from
questions to the finished trace file (aim: at most 1.05 times bare). They take turns, so that a busy machine disturbs
them alike; ratios are medians over the turns, of CPU seconds where there is no card.

The last line is about prompts that start with five worked examples: reading each whole, by reading the start once.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from _tracing import bare, batches_of, in_turns, lens, pair_and_questions, parser, peaks, print_peak, ratio, shots

from dualalign.traces.collect import collect

SHOTS = 5


def works_of(pair, questions, args, out: Path) -> dict:
    """What is compared, ready to be called."""
    batches = batches_of(pair, questions, args)
    for loaded in pair:
        loaded.lens  # noqa: B018 - built and checked once a model, whatever the number of questions
    options = {"batch_size": args.batch_size, "on_clash": "skip", "progress": False, "wording": shots(args.shots)}
    return {
        "bare": lambda: bare(pair, batches),
        "lens": lambda: lens(pair, batches),
        "collect": lambda: collect(*pair, questions, args.style, out, share_prefix=False, **options),
        "shared": lambda: collect(*pair, questions, args.style, out, **options),
    }


def measure_time(args, out: Path) -> None:
    """Take turns and print the ratios."""
    pair, questions = pair_and_questions(args)
    works = works_of(pair, questions, args, out)
    times = in_turns({name: works[name] for name in ("bare", "lens", "collect")}, args.repeats, args.device)
    print(f"two bare forward passes: {statistics.median(times['bare']):.3f} s")
    for name in ("lens", "collect"):
        print(f"{name} / bare: {ratio(times[name], times['bare'])}")
    few = argparse.Namespace(**vars(args) | {"shots": args.shots or SHOTS})
    works = works_of(pair, questions[: max(args.limit // 3, 2)], few, out)
    works = {name: works[name] for name in ("collect", "shared")}
    times = in_turns(works, max(args.repeats // 2, 1), args.device, warm=False)
    print(f"{few.shots} worked examples, read whole / start read once: {ratio(times['collect'], times['shared'])}")


def main() -> None:
    """Read the arguments, measure, print."""
    args = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "t.safetensors"
        if args.peak:
            print_peak(works_of(*pair_and_questions(args), args, out)[args.peak], args.device)
            return
        measure_time(args, out)
        least = peaks(args, "bare")
        for what in ("lens", "collect"):
            most = peaks(args, what)
            print(f"peak memory, {what} / bare: {most[0] / least[0]:.3f} ({most[0]:.0f} / {least[0]:.0f} MB); "
                  f"on top of the models {most[1] / least[1]:.3f} ({most[1]:.0f} / {least[1]:.0f} MB)")  # fmt: skip


if __name__ == "__main__":
    main()
