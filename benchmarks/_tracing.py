"""What the benchmarks of tracing share: a pair of models, questions, the bare passes, how time and memory are taken."""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from dualalign.models import LoadedModel, load_model
from dualalign.models.batch import right_padded
from dualalign.models.lens import _option_table
from dualalign.questions import Question, load
from dualalign.traces.encode import batch_plan, encode_pair

WORDS = ["Question", ":", "Choices", ";", "Answer", ".", "?", *(f"w{i}" for i in range(2000))]


def parser(text: str, **defaults) -> argparse.ArgumentParser:
    """Options that say which pair reads which questions."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("plm", "polm", "plm-adapter", "polm-adapter", "mirror"):
        made.add_argument(f"--{name}")
    made.add_argument("--layers", type=int, default=12, help="of the random pair")
    made.add_argument("--width", type=int, default=512, help="of the random pair")
    made.add_argument("--vocabulary", type=int, default=32000, help="of the random pair")
    made.add_argument("--shots", type=int, default=0, help="worked examples before every random question")
    made.add_argument("--questions", default="arc-easy/test")
    made.add_argument("--style", default="choices")
    made.add_argument("--dtype", default="float32")
    made.add_argument("--device", default="cpu")
    made.add_argument("--limit", type=int, default=64)
    made.add_argument("--batch-size", type=int, default=16)
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--peak", help="print the peak memory of one of the things that are compared, and stop")
    made.set_defaults(**defaults)
    return made


def random_pair(args) -> list[LoadedModel]:
    """Two Llamas with random weights and a word tokenizer."""
    import tokenizers
    import transformers

    core = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="?"))
    core.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=core, unk_token="?", eos_token="?")
    size = {"hidden_size": args.width, "intermediate_size": args.width * 11 // 4, "num_hidden_layers": args.layers}
    config = transformers.LlamaConfig(vocab_size=args.vocabulary, num_attention_heads=8, **size)
    torch.manual_seed(0)
    models = [transformers.AutoModelForCausalLM.from_config(config).eval() for _ in range(2)]
    dtype = getattr(torch, args.dtype)
    return [LoadedModel(m.to(args.device, dtype), tokenizer, "random", args.dtype, args.device) for m in models]


def random_questions(n: int) -> list[Question]:
    """Questions of 30 to 120 words with four options."""
    rng = torch.Generator().manual_seed(0)
    lengths = torch.randint(30, 120, (n,), generator=rng).tolist()
    texts = [" ".join(f"w{j}" for j in torch.randint(0, 2000, (k,), generator=rng).tolist()) for k in lengths]
    return [Question(f"q{i}", t, tuple(f"w{(i + j) % 2000}" for j in range(4)), 0) for i, t in enumerate(texts)]


def shots(n: int) -> str:
    """Worked examples, each as long as a question: what stands before every question of a few-shot prompt."""
    from dualalign.questions import render

    return "\n\n".join(f"{render(q, 'choices')} {q.options[0]}" for q in random_questions(n))


def pair_and_questions(args) -> tuple[list[LoadedModel], list[Question]]:
    """The pair that is asked for, or the random one, and its questions."""
    if not args.plm:
        return random_pair(args), random_questions(args.limit)
    adapters = (args.plm_adapter, args.polm_adapter)
    sources = zip((args.plm, args.polm or args.plm), adapters, strict=True)
    pair = [load_model(source, adapter, args.dtype, args.device) for source, adapter in sources]
    return pair, load(args.questions, args.mirror)[: args.limit]


def batches_of(pair, questions, args, size: int | str | None = None) -> list[list[tuple]]:
    """The batches that `collect` makes, one list a model: prompts, option ids."""
    _, *sides = encode_pair(*pair, questions, args.style, shots(args.shots), on_clash="skip")
    plan = batch_plan(sides[0], size or args.batch_size)
    return [[([s.prompts[i] for i in rows], [s.options[i] for i in rows]) for rows in plan] for s in sides]


@torch.inference_mode()
def bare(pair: list[LoadedModel], batches: list[list[tuple]]) -> list[np.ndarray]:
    """Forward passes of both models, read at the last prompt token for the option tokens: (N, K) a model."""
    found = []
    for loaded, side in zip(pair, batches, strict=True):
        decoder, head, parts = loaded.model.get_decoder(), loaded.model.get_output_embeddings().weight, []
        for prompts, options in side:
            inputs, last = right_padded(prompts, head.device)
            hidden = decoder(**inputs, use_cache=False)[0][torch.arange(len(last)), last]
            rows = head[_option_table(options)[0].to(head.device)]
            parts.append((rows @ hidden[:, :, None])[..., 0].float().cpu().numpy())
        found.append(np.concatenate(parts))
    return found


def lens(pair: list[LoadedModel], batches: list[list[tuple]]) -> list[np.ndarray]:
    """The same batches through the lens of both models: (N, L, K) a model."""
    return [np.concatenate([m.lens(*batch) for batch in side]) for m, side in zip(pair, batches, strict=True)]


def seconds(work: Callable, device: str) -> float:
    """Seconds of one call: of the processor, which other processes disturb least, or of the clock beside a card."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    work()
    return clock() - start


def in_turns(works: dict[str, Callable], repeats: int, device: str, warm: bool = True) -> dict[str, list[float]]:
    """Seconds of each work in each turn; who begins a turn changes, and a first turn that warms up does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    names = list(works)
    for turn in range(-1 if warm else 0, repeats):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            spent = seconds(works[name], device)
            if turn >= 0:
                times[name].append(spent)
    return times


def ratio(over: list[float], under: list[float]) -> str:
    """The median of the turns' ratios, and their range."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def peaks(args, what: str) -> tuple[float, float]:
    """Peak memory of a fresh process that does one thing: in all, and on top of the loaded models; MB."""
    words = [sys.executable, sys.argv[0], "--peak", what]
    for name, value in vars(args).items():
        if name != "peak" and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    whole, above = map(float, printed.split())
    return whole, above


def print_peak(work: Callable, device: str) -> None:
    """Do one thing and print this process's peak memory, the card's where there is one: in all, and on top."""
    gc.collect()
    before = _reset(device)
    work()
    whole = _peak(device)
    print(whole, whole - before)


def _reset(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    else:
        try:
            with open("/proc/self/clear_refs", "w") as file:  # Linux: the peak begins anew
                file.write("5")
        except OSError:
            pass
    return _peak(device)


def _peak(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
