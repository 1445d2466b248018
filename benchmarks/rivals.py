"""Tracing beside other ways to the same numbers: on the same questions and weights, in the same process, in turns.

    make bench-rivals                                    in an environment of its own, where the other packages live
    python benchmarks/rivals.py --vocabulary 152000      with what is installed here

Every row reads both models. *bare* is the floor, see trace.py; *collect* is this project, from questions to the
finished trace file with every layer. The *recipe* asks transformers for `output_hidden_states` and puts each layer
through the final norm and the whole unembedding, one question at a time: of the last token only, or of every position,
as the logit-lens functions of public packages do. lm-evaluation-harness scores the options at the last layer alone, in
batches of the same size. What takes a question at a time reads every n-th question of the batches (--slow of them);
times are seconds a question, of the processor where there is no card.

The last column is the largest difference from this project's lens at the layers that the row reads, relative to the
largest logit; logits are taken from the first option on, since some rows give them as log-probabilities.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import logging
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from _tracing import bare, batches_of, in_turns, lens, pair_and_questions, parser, peaks, print_peak, ratio

from dualalign import Traces
from dualalign.models.quiet import first_line
from dualalign.questions import render, targets
from dualalign.traces.collect import collect
from dualalign.traces.encode import batch_plan, encode_pair

NORMS = ("norm", "final_layernorm", "final_layer_norm", "ln_f")  # names under which decoders keep their last norm


@dataclass
class Case:
    """Both models and what they are asked; questions in the order of the batches."""

    pair: list
    questions: list
    batches: list
    some: list[int]  # questions of the rows that take one at a time
    args: argparse.Namespace
    out: Path

    def one_by_one(self, side: int) -> Iterator[tuple[torch.Tensor, list[int]]]:
        """Prompt (1, T) and option ids of each of `some`."""
        rows = [row for prompts, options in self.batches[side] for row in zip(prompts, options, strict=True)]
        for i in self.some:
            yield torch.tensor([rows[i][0]], device=self.args.device), rows[i][1]


def case_of(args, out: Path) -> Case:
    """Load the pair and make the batches that `collect` makes."""
    pair, questions = pair_and_questions(args)
    kept, encoded, _ = encode_pair(*pair, questions, args.style, on_clash="skip")
    order = [i for rows in batch_plan(encoded, args.batch_size) for i in rows]
    some = list(range(0, len(order), max(len(order) // args.slow, 1)))
    return Case(pair, [kept[i] for i in order], batches_of(pair, questions, args), some, args, out)


def rows_bare(case: Case) -> list[np.ndarray]:
    """The last layer alone, by the bare passes: (N, 1, K) a model."""
    return [found[:, None] for found in bare(case.pair, case.batches)]


def rows_collect(case: Case) -> list[np.ndarray]:
    """Every layer, from the questions to the finished trace file: (N, L, K) a model."""
    options = {"batch_size": case.args.batch_size, "on_clash": "skip", "progress": False}
    traces = Traces.load(collect(*case.pair, case.questions, case.args.style, case.out, **options))
    return [traces.plm_logits, traces.polm_logits]


@torch.inference_mode()
def _recipe(case: Case, position: slice) -> list[np.ndarray]:
    """Every layer by `output_hidden_states`, final norm and whole unembedding, at some positions of a prompt."""
    found = []
    for side, loaded in enumerate(case.pair):
        decoder, head = loaded.model.get_decoder(), loaded.model.get_output_embeddings()
        norm = next(getattr(decoder, name) for name in NORMS if hasattr(decoder, name))
        rows = []
        for prompt, ids in case.one_by_one(side):
            out = loaded.model(prompt, output_hidden_states=True)
            layers = [head(norm(hidden[:, position]))[0, -1, ids] for hidden in out.hidden_states[1:-1]]
            rows.append(torch.stack([*layers, out.logits[0, -1, ids]]).float().cpu().numpy())
        found.append(np.stack(rows))
    return found


def rows_recipe_last(case: Case) -> list[np.ndarray]:
    """The recipe at the last token of `some`: (n, L, K) a model."""
    return _recipe(case, slice(-1, None))


def rows_recipe_every(case: Case) -> list[np.ndarray]:
    """The recipe at every position, of which the last is kept: (n, L, K) a model."""
    return _recipe(case, slice(None))


def rows_harness(case: Case) -> list[np.ndarray]:
    """The last layer's log-probabilities of the options' texts, by lm-evaluation-harness: (N, 1, K) a model."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    found, style = [], case.args.style
    for loaded in case.pair:
        harness = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=case.args.batch_size)
        asked = [
            Instance("loglikelihood", {}, (render(question, style), text), i)
            for i, question in enumerate(case.questions)
            for text in targets(question, style)
        ]
        scores = iter([score for score, _ in harness.loglikelihood(asked, disable_tqdm=True)])
        rows = [[next(scores) for _ in question.options] for question in case.questions]
        k = max(map(len, rows))
        found.append(np.array([[*row, *[-np.inf] * (k - len(row))] for row in rows])[:, None])
    return found


def rows_tuned_lens(case: Case) -> list[np.ndarray]:
    """Every layer's log-probabilities by tuned-lens, with the model's own head: (n, L, K) a model."""
    from tuned_lens.nn.lenses import LogitLens
    from tuned_lens.plotting import PredictionTrajectory

    found = []
    for side, loaded in enumerate(case.pair):
        reading, rows = LogitLens.from_model(loaded.model), []
        for prompt, ids in case.one_by_one(side):
            whole = PredictionTrajectory.from_lens_and_model(
                reading, loaded.model, input_ids=prompt[0].tolist(), tokenizer=loaded.tokenizer
            )
            rows.append(whole.log_probs[1:, -1, ids])  # the first is of the embeddings
        found.append(np.stack(rows))
    return found


def rows_nnsight(case: Case) -> list[np.ndarray]:
    """Every layer's logits by an nnsight trace, at the last token: (n, L, K) a model."""
    import nnsight

    found = []
    for side, loaded in enumerate(case.pair):
        seen, rows = nnsight.NNsight(loaded.model), []
        for prompt, ids in case.one_by_one(side):
            with torch.inference_mode(), seen.trace(prompt):
                saved = nnsight.save([])
                for layer in seen.model.layers:
                    saved.append(seen.lm_head(seen.model.norm(layer.output[:, -1:]))[0, -1])
            rows.append(torch.stack([logits[ids] for logits in saved]).float().cpu().numpy())
        found.append(np.stack(rows))
    return found


@dataclass(frozen=True)
class Row:
    """One way to the numbers: what to call, whether it takes a question at a time, the package that it needs."""

    text: str
    call: Callable[[Case], list[np.ndarray]]
    slow: bool = False
    package: str = ""

    @property
    def here(self) -> bool:
        """Whether its package is installed."""
        return not self.package or importlib.util.find_spec(self.package) is not None


ROWS = {
    "bare": Row("two bare passes (floor)", rows_bare),
    "collect": Row("**dualalign, every layer, to the file**", rows_collect),
    "recipe-last": Row("recipe, last token, whole vocabulary", rows_recipe_last, True),
    "recipe-every": Row("recipe, every position, whole vocabulary", rows_recipe_every, True),
    "lm-eval": Row("lm-evaluation-harness, last layer alone", rows_harness, package="lm_eval"),
    "tuned-lens": Row("tuned-lens, `PredictionTrajectory`", rows_tuned_lens, True, "tuned_lens"),
    "nnsight": Row("nnsight, last token, whole vocabulary", rows_nnsight, True, "nnsight"),
}


def difference(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Largest difference at the layers that were found, relative to the largest logit of these layers."""
    worst = 0.0
    for some, every in zip(found, expected, strict=True):
        every = every[:, -some.shape[1] :]
        real = np.isfinite(every)
        gap = np.abs(np.where(real, some - some[..., :1] - (every - every[..., :1]), 0)).max()
        worst = max(worst, float(gap / np.abs(every[real]).max()))
    return worst


def table(case: Case) -> str:
    """Run every row that can run here, in turns, and return the table."""
    expected, kept, fails = lens(case.pair, case.batches), {}, {}
    for name, row in ROWS.items():
        try:
            kept[name] = row.call(case)  # which warms up
        except Exception as e:  # other packages know other families; the table says which
            fails[name] = f"{type(e).__name__}: {first_line(e)}"[:80] if row.here else "not installed"
    here = {name: row for name, row in ROWS.items() if name in kept}
    works = {name: functools.partial(row.call, case) for name, row in here.items()}
    times = in_turns(works, case.args.repeats, case.args.device, warm=False)
    each = {n: [t / len(case.some if r.slow else case.questions) for t in times[n]] for n, r in here.items()}
    least = peaks(case.args, "bare")
    lines = ["| | s a question | times bare | times dualalign | memory on top of the models, times bare | differs by |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for name, row in ROWS.items():
        if name not in here:
            lines.append(f"| {row.text} | {fails[name]} | | | | |")
            continue
        over = [ratio(each[name], each[base]) for base in ("bare", "collect")]
        most = least if name == "bare" else peaks(case.args, name)
        gap = difference(kept[name], [every[case.some] if row.slow else every for every in expected])
        cells = [row.text, f"{statistics.median(each[name]):.3f}", *over, f"{most[1] / least[1]:.1f}", f"{gap:.0e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print."""
    made = parser(__doc__, limit=32, repeats=3)
    made.add_argument("--slow", type=int, default=8, help="questions of the rows that take one at a time")
    args = made.parse_args()
    for name in ("lm_eval", "lm_eval.models.huggingface", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        case = case_of(args, Path(folder) / "t.safetensors")
        if args.peak:
            for loaded in case.pair:
                loaded.lens  # noqa: B018 - built and checked beforehand
            print_peak(lambda: ROWS[args.peak].call(case), args.device)
            return
        packages = ["torch", "transformers", *(r.package for r in ROWS.values() if r.package and r.here)]
        print("; ".join(f"{name} {version(name)}" for name in packages))
        shape = f"{args.layers} layers x width {args.width}, {args.vocabulary} tokens of vocabulary"
        print(f"{len(case.questions)} questions, {args.dtype}, {args.plm or shape}")
        print(table(case))


if __name__ == "__main__":
    main()
