"""The traces that the book ships: which pair, which questions, which style, how many."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from ..questions import Question, load

BASE = "package:gemma3-270m"
ADAPTERS = Path("data/adapters")
TRACES = Path("data/traces")
SEED = 0


@dataclass(frozen=True)
class Entry:
    """One trace file: ``data/traces/<pair>__<short>__<style>.safetensors``."""

    questions: str
    style: str
    per_group: int | None = None
    sample: int | None = None
    pair: str = "sft4"

    @property
    def short(self) -> str:
        """The set's name without its split."""
        return self.questions.split("/")[0]

    @property
    def path(self) -> Path:
        return TRACES / f"{self.pair}__{self.short}__{self.style}.safetensors"

    def select(self, mirror=None) -> list[Question]:
        """The questions to trace, in a seeded choice that no result has touched."""
        questions = load(self.questions, mirror)
        if self.per_group:
            questions = first_per_group(questions, self.per_group)
        if self.sample and self.sample < len(questions):
            keep = sorted(random.Random(SEED).sample(range(len(questions)), self.sample))
            questions = [questions[i] for i in keep]
        return questions


SETS = ("arc-easy/test", "arc-challenge/test", "openbookqa/test", "csqa/held-out", "mmlu/test", "medmcqa/validation")
FULL = [Entry(name, "choices", per_group=50 if name == "mmlu/test" else None) for name in SETS]
STYLES = [Entry(name, style, sample=500) for style in ("letters", "cloze") for name in SETS]
JUDGED = [Entry("nq-open/test", "p-true", sample=500)]
CATALOGUE = {entry.path.stem: entry for entry in [*FULL, *STYLES, *JUDGED]}


def first_per_group(questions: list[Question], n: int) -> list[Question]:
    """The first ``n`` questions of every group, in order."""
    kept: dict[str, int] = {}
    out = []
    for q in questions:
        kept[q.group] = kept.get(q.group, 0) + 1
        if kept[q.group] <= n:
            out.append(q)
    return out
