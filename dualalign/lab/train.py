"""One training loop for every recipe, at the first token of the answer.

Why not a stock trainer: on a CPU, trl's unembed every position into a vocabulary of 262,144 rows, where only the last
position is scored, and read each prompt twice where chosen and rejected differ in one token only. benchmarks/README.md
says what that costs.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

from ..models.quiet import first_line
from . import losses
from .pool import Example
from .reading import answer_logits, evaluate, option_scores, set_gain
from .recipes import Recipe
from .weights import FILES, finished, part_of, pickles, prepare, sha256, write

SAVE_EVERY = 25  # steps between two checkpoints: what a kill -9 can cost
WARM_UP = 20


def batch_plan(examples: list[Example], recipe: Recipe) -> list[list[int]]:
    """Batches of example indices for all epochs: random order, similar lengths side by side (padding costs time)."""
    rng = random.Random(recipe.seed)
    plan, size = [], recipe.batch_size
    for _ in range(recipe.epochs):
        order = list(range(len(examples)))
        rng.shuffle(order)
        epoch = []
        for i in range(0, len(order), 16 * size):
            window = sorted(order[i : i + 16 * size], key=lambda j: (len(examples[j].prompt_ids), j))
            epoch.extend(window[k : k + size] for k in range(0, len(window), size))
        rng.shuffle(epoch)
        plan.extend(epoch)
    return plan


def train(
    model, examples: list[Example], recipe: Recipe, out: Path, dev: list[Example] = (), start: Path | None = None
):
    """Train, checkpoint, resume, and write the adapter with its record.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The recipe's base in float32.
    examples : list of Example
    recipe : Recipe
    out : Path
        Folder of the adapter; a sibling ``<out>.part`` holds the checkpoint until the run is whole.
    dev : list of Example
        Development questions; they choose between the last weights and the tail average, and are never trained on.
    start : Path, optional
        Adapter to go on from.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        If ``out`` holds finished weights, or the checkpoint beside it belongs to another run.
    """
    if finished(out):
        raise ValueError(f"{out}: holds finished weights; remove them to train {recipe.name!r} anew")
    run = _Run(model, examples, recipe, Path(out), start)
    plan = batch_plan(examples, recipe)
    while run.step < len(plan):
        run.advance([examples[i] for i in plan[run.step]], len(plan))
    choice = run.choose(list(dev))
    return run.finish(choice)


class _Run:
    """The state of a run: weights, optimiser, tail sum, curve. All of it survives a kill -9 in one file."""

    def __init__(self, model, examples, recipe, out, start):
        import torch

        torch.manual_seed(recipe.seed)
        self.recipe, self.out, self.part, self.n_examples = recipe, out, part_of(out), len(examples)
        self.inputs = _digest(examples, start)
        self.model = prepare(model, recipe, start)
        self.weights = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=recipe.learning_rate, weight_decay=0.0)
        self.tail = {n: torch.zeros_like(p) for n, p in self.weights.items()} if recipe.tail else {}
        self.step, self.n_tail, self.curve, self.seconds = 0, 0, [], 0.0
        self.reference = {}
        self._resume()
        if recipe.method == "dpo" and not self.reference:
            self.reference = self._reference(examples)

    def advance(self, batch: list[Example], total: int) -> None:
        """Take one step of AdamW on a batch, with the rate of the schedule out of `total` steps."""
        import torch

        began = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * _schedule(self.step, total)
        logits = answer_logits(self.model, batch)
        loss = self._loss(logits, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=False)
        self.step += 1
        if self.tail and self.step > total * (1 - self.recipe.tail):
            self.n_tail += 1
            for name, p in self.weights.items():
                self.tail[name] += p.detach()
        self.seconds += time.perf_counter() - began
        self._record(loss.item(), option_scores(logits, batch), batch, total)

    def _loss(self, logits, batch: list[Example]):
        if self.recipe.method == "dpo":
            return losses.dpo(logits, batch, self.reference, self.recipe.beta, self.recipe.seed)
        return {"sft": losses.sft, "rlvr": losses.rlvr}[self.recipe.method](logits, batch)

    def _reference(self, examples: list[Example]) -> dict[str, float]:
        """Margins of the weights that the run starts from; a checkpoint carries them along."""
        import torch

        found = {}
        with torch.no_grad():
            for batch in batch_plan(examples, replace(self.recipe, epochs=1, batch_size=32)):
                part = [examples[i] for i in batch]
                found |= losses.margins(answer_logits(self.model, part), part, self.recipe.seed)
        return found

    def _record(self, loss: float, scores, batch, total: int) -> None:
        row = {"step": self.step, "loss": loss, "seconds": round(self.seconds, 1)}
        row["questions"] = [
            [e.style, round(c, 4), int(r), round(n, 4)] for e, (c, r, n) in zip(batch, scores, strict=True)
        ]
        self.curve.append(row)
        if self.step % SAVE_EVERY == 0 or self.step == total:
            self._save()
            means = _means(self.curve[-SAVE_EVERY:], self.recipe.style)
            said = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            left = self.seconds / self.step * (total - self.step)
            print(
                f"{self.recipe.name} step {self.step}/{total}  {self.recipe.style}: {said}  "
                f"{self.seconds / self.step:.2f} s a step, {left / 60:.1f} min left",
                flush=True,
            )

    def choose(self, dev: list[Example]) -> dict:
        """Keep the last weights or the tail average, whichever the development questions prefer; set the gain."""
        if not (dev and self.n_tail):
            return {}
        last = {n: p.detach().clone() for n, p in self.weights.items()}
        average = {n: t / self.n_tail for n, t in self.tail.items()}
        report = {}
        for name, weights in (("last", last), ("tail-average", average)):
            self._load_weights(weights)
            report[name] = evaluate(self.model, dev)
        kept = min(report, key=lambda n: report[n]["nll"])
        self._load_weights(last if kept == "last" else average)
        choice = {"dev": report, "kept": kept}
        if self.recipe.gain:
            choice["gain"] = set_gain(self.model, dev)
            report["with gain"] = evaluate(self.model, dev)
        return choice

    def finish(self, choice: dict) -> Path:
        """Write the weights and the record of the run, remove the parts, and return the folder."""
        record = {"recipe": asdict(self.recipe), "questions": self.n_examples, "seconds": round(self.seconds, 1)}
        curve = _thin(self.curve, self.recipe.style)
        write(self.model, self.recipe, self.part / "whole", self.out, record | choice | {"curve": curve})
        shutil.rmtree(self.part)
        return self.out

    def _load_weights(self, weights) -> None:
        for name, p in self.weights.items():
            p.data.copy_(weights[name])

    def _save(self) -> None:
        from safetensors.torch import save_file

        tensors = {f"weight/{n}": p.detach() for n, p in self.weights.items()}
        tensors |= {f"tail/{n}": t for n, t in self.tail.items()}
        for n, p in self.weights.items():
            state = self.optimiser.state[p]
            tensors |= {f"m/{n}": state["exp_avg"], f"v/{n}": state["exp_avg_sq"]}
        meta = {"step": self.step, "n_tail": self.n_tail, "curve": self.curve, "seconds": self.seconds}
        meta |= {"recipe": asdict(self.recipe), "questions": self.n_examples, "inputs": self.inputs}
        meta |= {"reference": self.reference}
        self.part.mkdir(parents=True, exist_ok=True)
        partial = self.part / "state.tmp"
        save_file({n: t.contiguous() for n, t in tensors.items()}, partial, {"meta": json.dumps(meta)})
        os.replace(partial, self.part / "state.safetensors")

    def _resume(self) -> None:
        from safetensors import SafetensorError, safe_open

        path, advice = self.part / "state.safetensors", f"remove the folder {self.part}"
        if not path.exists():
            if found := pickles(self.part):
                raise ValueError(f"{found[0]}: a pickled checkpoint, which can run code when read; {advice}")
            return
        try:
            with safe_open(path, "pt") as file:
                meta = json.loads(file.metadata()["meta"])
                if not self._is_own(meta):
                    raise ValueError(f"{path}: belongs to another run of {self.recipe.name!r}; {advice}")
                self._restore(file, meta)
        except (SafetensorError, OSError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as e:
            raise ValueError(f"{path}: damaged checkpoint ({first_line(e)}); {advice}") from None

    def _is_own(self, meta: dict) -> bool:
        own = {"recipe": asdict(self.recipe), "questions": self.n_examples, "inputs": self.inputs}
        return meta.items() >= own.items()

    def _restore(self, file, meta: dict) -> None:
        import torch

        for n, p in self.weights.items():
            p.data.copy_(file.get_tensor(f"weight/{n}"))
            if self.tail:
                self.tail[n] = file.get_tensor(f"tail/{n}")
            moments = {"exp_avg": file.get_tensor(f"m/{n}"), "exp_avg_sq": file.get_tensor(f"v/{n}")}
            self.optimiser.state[p] = {"step": torch.tensor(float(meta["step"])), **moments}
        self.step, self.n_tail, self.curve, self.seconds = (meta[k] for k in ("step", "n_tail", "curve", "seconds"))
        self.reference = meta["reference"]


def _digest(examples: list[Example], start: Path | None) -> str:
    """Sha256 of all that a run trains on: every example, and the adapter that it starts from."""
    digest = hashlib.sha256(repr(examples).encode())
    if start is not None:
        digest.update(sha256(Path(start) / FILES[0]).encode())
    return digest.hexdigest()


def _schedule(step: int, total: int) -> float:
    return min((step + 1) / WARM_UP, 1.0) * (1 - step / total)


def _thin(curve: list[dict], style: str, points: int = 60) -> list[dict]:
    """Means over equal stretches of the run, what the book draws: the loss of all questions, the rest of one style."""
    size = max(1, -(-len(curve) // points))
    rows = []
    for i in range(0, len(curve), size):
        part = curve[i : i + size]
        means = {name: round(value, 4) for name, value in _means(part, style).items()}
        rows.append({"step": part[-1]["step"], "loss": round(sum(r["loss"] for r in part) / len(part), 4), **means})
    return rows


def _means(curve: list[dict], style: str) -> dict[str, float]:
    """Mean confidence, accuracy and loss of the questions asked in a style; empty where there is none."""
    scores = [scores for row in curve for asked, *scores in row["questions"] if asked == style]
    columns = zip(("confidence", "accuracy", "nll"), zip(*scores, strict=True), strict=False)
    return {name: sum(column) / len(column) for name, column in columns}
