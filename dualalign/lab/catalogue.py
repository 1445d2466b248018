"""The traces that the book ships: which pair, which questions, which style, how many."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from pathlib import Path

from ..questions import Question, load
from ..traces import Traces
from .recipes import RECIPES, SMOLLM2

BASE = "package:gemma3-270m"
ADAPTERS = Path("data/adapters")
TRACES = Path("data/traces")
SEED = 0


@dataclass(frozen=True)
class Pair:
    """A PLM and a PoLM, each named by its recipe, or by its package where nothing was trained.

    Parameters
    ----------
    polm : str
        Also the pair's name in file names.
    plm : str
    style : str
        The style in which the PoLM answered most development questions of the training pool rightly.
    foreign : bool
        True where the two are of different families and read the questions in their own tokens.
    shipped : bool
        Whether the adapters that it needs lie in the repository.
    """

    polm: str
    plm: str = "plm"
    style: str = "choices"
    foreign: bool = False
    shipped: bool = False

    @property
    def sides(self) -> tuple[str, str]:
        """Names of the PLM and of the PoLM."""
        return self.plm, self.polm

    def specs(self):
        """What `load_model` needs for the PLM and for the PoLM."""
        return tuple(_spec(name) for name in self.sides)


def _spec(name: str):
    from ..models import ModelSpec

    if name == "smollm2":
        return ModelSpec(SMOLLM2, label=name)
    recipe, folder = RECIPES[name], str(ADAPTERS / name)
    return ModelSpec(folder, label=name) if recipe.full else ModelSpec(recipe.base, folder, label=name)


_PAIRS = (
    Pair("sft4", shipped=True),
    Pair("sft1"),
    Pair("dpo"),
    Pair("rlvr"),
    Pair("sft1-dpo"),
    Pair("sft1-dpo-rlvr"),
    Pair("sft1-full"),
    Pair("smollm2", style="cloze", foreign=True, shipped=True),
    Pair("smollm2-sft4", plm="smollm2", style="cloze"),
    Pair("sft4-full"),
)
PAIRS = {pair.polm: pair for pair in _PAIRS}

# Said before every question of one trace each; written before any of them was tried.
WORDINGS = {
    "wording1": "Answer the question.",
    "wording2": "Choose the right answer to the question below.",
    "wording3": "The following is a question from a school science exam. Pick the correct choice.",
    "wording4": "You are a careful expert. Read the question and answer with one of the choices.",
    "wording5": "Quiz time! Which of the choices is right?",
}


@dataclass(frozen=True)
class Entry:
    """One trace file: ``data/traces/<pair>__<short>__<style>[__<variant>].safetensors``.

    Parameters
    ----------
    questions, style : str
    per_group, sample : int, optional
        The first so many of each group; then so many in all, drawn by seed.
    pair : str
    variant : str
        A key of `WORDINGS`; ``permutations``: every order of the options of every question, in one file; ``full``: the
        whole set; ``neutral``: questions without content or answer.
    within : str
        Name of another entry: only questions that its trace holds.
    plm_of : str
        Name of another entry whose trace gives the PLM's logits.
    short : str
        The set's name in the file name; by default that of ``questions`` without its split.
    stored : {"float32", "float16"}
    """

    questions: str
    style: str
    per_group: int | None = None
    sample: int | None = None
    pair: str = "sft4"
    variant: str = ""
    within: str = ""
    plm_of: str = ""
    short: str = ""
    stored: str = "float16"

    def __post_init__(self):
        object.__setattr__(self, "short", self.short or self.questions.split("/")[0])

    @property
    def name(self) -> str:
        """File name without its ending."""
        return "__".join(filter(None, (self.pair, self.short, self.style, self.variant)))

    @property
    def path(self) -> Path:
        """Return where the trace lies."""
        return TRACES / f"{self.name}.safetensors"

    @property
    def wording(self) -> str:
        """Return the instruction before every question, "" where there is none."""
        return WORDINGS.get(self.variant, "")

    def select(self, mirror=None) -> list[Question]:
        """The questions to trace, in a seeded choice that no result has touched."""
        questions = load(self.questions, mirror)
        if self.per_group:
            questions = first_per_group(questions, self.per_group)
        if self.within:
            known = set(Traces.load(TRACES / f"{self.within}.safetensors").question_ids)
            questions = [q for q in questions if q.id in known]
        if self.sample and self.sample < len(questions):
            keep = sorted(random.Random(SEED).sample(range(len(questions)), self.sample))
            questions = [questions[i] for i in keep]
        return questions


def first_per_group(questions: list[Question], n: int) -> list[Question]:
    """The first ``n`` questions of every group, in order."""
    kept: dict[str, int] = {}
    out = []
    for q in questions:
        kept[q.group] = kept.get(q.group, 0) + 1
        if kept[q.group] <= n:
            out.append(q)
    return out


def permuted(question: Question) -> list[tuple[Question, tuple[int, ...]]]:
    """The question with its options in every order, and the original index of the option at each place."""
    orders = list(itertools.permutations(range(len(question.options))))
    return [
        (replace(question, options=tuple(question.options[i] for i in o), answer=o.index(question.answer)), o)
        for o in orders
    ]


CONTENT_FREE = "data/questions/content-free.jsonl"


def content_free() -> list[Question]:
    """Questions without content, each with its empty options in every rotation: no option favours a place (for
    contextual calibration, arXiv:2102.09690)."""
    contents, options = ("N/A", "[MASK]", "nothing"), ("N/A", "none", "nothing", "unknown")
    return [
        Question(f"content-free/{content}/{k}", content, (*options[k:], *options[:k]), None)
        for content in contents
        for k in range(len(options))
    ]


SETS = (
    "arc-easy/test",
    "arc-challenge/test",
    "openbookqa/test",
    "csqa/held-out",
    "piqa/validation",
    "mmlu/test",
    "medmcqa/validation",
)
MAIN = "sft4"
FULL = [
    Entry(
        s,
        "choices",
        per_group=50 if s == "mmlu/test" else None,
        stored="float32" if s != "piqa/validation" else "float16",
    )
    for s in SETS
]
STYLES = [Entry(s, style, sample=500, stored="float32") for style in ("letters", "cloze") for s in SETS]
JUDGED = [Entry("nq-open/test", "p-true", sample=500, stored="float32")]
EMPTY = [Entry(CONTENT_FREE, "choices", short="content-free", variant="neutral", stored="float32")]
WITHIN = {entry.short: entry.name for entry in FULL}


def _of_pair(pair: Pair) -> list[Entry]:
    """The questions of the main pair's traces (1,000 of MedMCQA's), with its PLM's logits where they are the same."""
    entries = []
    for s in SETS:
        main = WITHIN[s.split("/")[0]]
        sample = 1000 if s.startswith("medmcqa") else None
        plm_of = main if (pair.plm, pair.style) == ("plm", "choices") else ""
        entries.append(Entry(s, pair.style, sample=sample, pair=pair.polm, within=main, plm_of=plm_of))
    return entries


OTHERS = [entry for pair in _PAIRS[1:] for entry in _of_pair(pair)]
_ARC = {"questions": "arc-easy/test", "style": "choices", "sample": 500, "within": WITHIN["arc-easy"]}
WORDED = [Entry(**_ARC, variant=variant) for variant in WORDINGS]
ORDERS = [Entry(**_ARC, variant="permutations")]
WHOLE = [Entry("mmlu/test", "choices", variant="full")]
CATALOGUE = {entry.name: entry for entry in [*FULL, *STYLES, *JUDGED, *EMPTY, *OTHERS, *WORDED, *ORDERS, *WHOLE]}
