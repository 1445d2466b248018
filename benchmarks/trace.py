"""What tracing costs beside bare forward passes: time and peak memory, as ratios.

    python benchmarks/trace.py                                             two random Llamas, 12 layers, width 512
    python benchmarks/trace.py --plm DIR --polm DIR --questions NAME       a pair of your own

*Bare* is the least that reading an answer takes: for both models and the same batches, the embeddings, every block and
the final norm, then the product of the last prompt token with the K option rows. No vocabulary, no cache, no inner
layer, no tokenising, no files. *lens* adds what this project reads at every layer; *collect* is everything from
questions to the finished trace file (aim: at most 1.10 times bare). The three take turns, so that a busy machine
disturbs them alike; ratios are medians over the turns, of CPU seconds where there is no card.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from dualalign.models import LoadedModel, load_model
from dualalign.models.batch import right_padded
from dualalign.models.lens import _option_table
from dualalign.questions import Question, load
from dualalign.traces.collect import collect
from dualalign.traces.encode import batch_plan, encode_pair

WORDS = ["Question", ":", "Choices", ";", "Answer", ".", "?", *(f"w{i}" for i in range(2000))]


def random_pair(args) -> list[LoadedModel]:
    """Two Llamas with random weights and a word tokenizer."""
    import tokenizers
    import transformers

    core = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="?"))
    core.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=core, unk_token="?")
    size = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12, "num_attention_heads": 8}
    config = transformers.LlamaConfig(vocab_size=32000, **size)
    models = [transformers.AutoModelForCausalLM.from_config(config).eval() for _ in range(2)]
    dtype = getattr(torch, args.dtype)
    return [LoadedModel(m.to(args.device, dtype), tokenizer, "random", args.dtype, args.device) for m in models]


def random_questions(n: int) -> list[Question]:
    """Questions of 30 to 120 words with four options."""
    rng = torch.Generator().manual_seed(0)
    lengths = torch.randint(30, 120, (n,), generator=rng).tolist()
    texts = [" ".join(f"w{j}" for j in torch.randint(0, 2000, (k,), generator=rng).tolist()) for k in lengths]
    return [Question(f"q{i}", t, tuple(f"w{(i + j) % 2000}" for j in range(4)), 0) for i, t in enumerate(texts)]


def pair_and_questions(args) -> tuple[list[LoadedModel], list[Question]]:
    """The pair that is asked for, or the random one, and its questions."""
    if not args.plm:
        return random_pair(args), random_questions(args.limit)
    adapters = (args.plm_adapter, args.polm_adapter)
    sources = zip((args.plm, args.polm or args.plm), adapters, strict=True)
    pair = [load_model(source, adapter, args.dtype, args.device) for source, adapter in sources]
    return pair, load(args.questions, args.mirror)[: args.limit]


@torch.inference_mode()
def bare(pair: list[LoadedModel], batches: list[list[tuple]]) -> None:
    """Forward passes of both models, read at the last prompt token for the option tokens."""
    for loaded, side in zip(pair, batches, strict=True):
        decoder, head = loaded.model.get_decoder(), loaded.model.get_output_embeddings().weight
        for prompts, options in side:
            inputs, last = right_padded(prompts, head.device)
            hidden = decoder(**inputs, use_cache=False)[0][torch.arange(len(last)), last]
            rows = head[_option_table(options)[0].to(head.device)]
            (rows @ hidden[:, :, None]).float().cpu()


def lens(pair: list[LoadedModel], batches: list[list[tuple]]) -> None:
    """The same batches through the lens of both models."""
    for loaded, side in zip(pair, batches, strict=True):
        for prompts, options in side:
            loaded.lens(prompts, options)


def batches_of(pair, questions, args) -> list[list[tuple]]:
    """The batches that `collect` makes, one list a model."""
    _, *sides = encode_pair(*pair, questions, args.style, on_clash="skip")
    plan = batch_plan(sides[0], args.batch_size)
    return [[([s.prompts[i] for i in rows], [s.options[i] for i in rows]) for rows in plan] for s in sides]


def seconds(work, device: str) -> float:
    """Seconds of one call: of the processor, which other processes disturb least, or of the clock beside a card."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    work()
    return clock() - start


def peak_megabytes(args, what: str) -> float:
    """Peak resident memory of a fresh process that does one thing."""
    words = [sys.executable, __file__, "--peak", what]
    for name, value in vars(args).items():
        if name != "peak" and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def measure_peak(args) -> None:
    """Do one thing and print this process's peak memory (the card's, where there is one)."""
    pair, questions = pair_and_questions(args)
    work = {"bare": bare, "lens": lens}[args.peak]
    work(pair, batches_of(pair, questions, args))
    on_card = args.device.startswith("cuda")
    print(
        torch.cuda.max_memory_allocated() / 2**20
        if on_card
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )


def measure_time(args) -> None:
    """Take turns and print the ratios."""
    pair, questions = pair_and_questions(args)
    batches = batches_of(pair, questions, args)
    times: dict[str, list[float]] = {"bare": [], "lens": [], "collect": []}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "t.safetensors"
        options = {"batch_size": args.batch_size, "on_clash": "skip", "progress": False}
        works = {
            "bare": lambda: bare(pair, batches),
            "lens": lambda: lens(pair, batches),
            "collect": lambda: collect(*pair, questions, args.style, out, **options),
        }
        for turn in range(args.repeats + 1):
            for name, work in works.items():
                spent = seconds(work, args.device)
                if turn:  # the first turn warms up
                    times[name].append(spent)
    print(f"two bare forward passes: {statistics.median(times['bare']):.3f} s")
    for name in ("lens", "collect"):
        ratios = [t / b for t, b in zip(times[name], times["bare"], strict=True)]
        print(f"{name} / bare: {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("plm", "polm", "plm-adapter", "polm-adapter", "mirror"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--questions", default="arc-easy/test")
    parser.add_argument("--style", default="choices")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak", choices=("bare", "lens"), help="print the peak memory of one of them, and stop")
    args = parser.parse_args()
    if args.peak:
        measure_peak(args)
        return
    measure_time(args)
    peaks = {what: peak_megabytes(args, what) for what in ("bare", "lens")}
    print(
        f"peak memory, lens / bare: {peaks['lens'] / peaks['bare']:.3f} ({peaks['lens']:.0f} / {peaks['bare']:.0f} MB)"
    )


if __name__ == "__main__":
    main()
