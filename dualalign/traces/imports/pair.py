"""Two runs over the same questions, joined into one trace of the last layer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ... import __version__
from ..artifact import Traces
from .reading import LARGEST

UNMATCHED = ("error", "drop")
PROMPTS = ("same", "any")
LAST = "the last only"
ONE_TOKEN = "log-probabilities of the options' tokens, one token each"  # `exports.facts` knows its last words
MAX_OPTIONS = 256  # every question gets as many columns as the one with the most options


@dataclass(frozen=True)
class Answer:
    """One question as one model scored it.

    Parameters
    ----------
    id : unique within its run
    options, scores : K texts, and what the model gave each: a log-probability or a logit
    where : file and row, to begin an error message
    label : index of the right option, -1 where unknown
    group : subject, or ""
    prompt, document : what must agree between the two runs; "" where the file does not say
    """

    id: str
    options: tuple[str, ...]
    scores: tuple[float, ...]
    where: str
    label: int = -1
    group: str = ""
    prompt: str = ""
    document: str = ""


@dataclass
class Run:
    """All answers of one model, read from a file; by id why questions were left out, and how many options bounded."""

    model: str
    path: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    bounded: dict[str, int] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        """Add an answer; refuse a second one of the same id, fewer than two options, and what no float32 holds."""
        if answer.id in self.answers:
            first = self.answers[answer.id].where
            raise ValueError(f"{answer.where}: question {answer.id!r} already stands in {first}; ids must be unique")
        if not 2 <= len(answer.options) <= MAX_OPTIONS:
            raise ValueError(f"{answer.where}: {len(answer.options)} options; a question has 2 to {MAX_OPTIONS}")
        beyond = [score for score in answer.scores if not abs(score) < LARGEST]
        if beyond:
            raise ValueError(f"{answer.where}: the score of an option is {beyond[0]:.3g}, beyond single precision")
        self.answers[answer.id] = answer


def one_of(option: str, value: object, allowed: Iterable[str], whose: str = "") -> None:
    """Raise ValueError, one line, where an option of the command is none of the allowed ones (``whose``: of what)."""
    if value not in allowed:
        raise ValueError(f"{option} is {value!r}; allowed{whose and f' for {whose}'} are {', '.join(allowed)}")


def few(options: Iterable[str], where: str) -> tuple[str, ...]:
    """Return options as a tuple; refuse more than any question has, before they are compared one with another."""
    found = tuple(options)
    if len(found) > MAX_OPTIONS:
        raise ValueError(f"{where}: {len(found)} options; a question has 2 to {MAX_OPTIONS}")
    return found


def digest(parts: Iterable[str]) -> str:
    """First 16 hex digits of the sha256 of some texts in order, with the borders between them."""
    found = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        found.update(f"{len(raw)}:".encode() + raw)
    return found.hexdigest()[:16]


def join(
    plm: Run, polm: Run, metadata: dict[str, str], prompts: str = "same", unmatched: str = "error", labels: bool = True
) -> Traces:
    """Match two runs by the ids of their questions; the order is the PLM's.

    Parameters
    ----------
    plm, polm : Run
    metadata : what is known of the source; `plm`, `polm`, `created_by` and `layers` are added
    prompts : "same", or "any" where the two models were asked in different words (a chat template, say)
    unmatched : "error", or "drop" for questions that only one run has
    labels : False to leave the labels out

    Raises
    ------
    ValueError
        One line that names both rows, for questions, prompts, options or labels that do not agree.
    """
    one_of("--prompts", prompts, PROMPTS)
    one_of("--unmatched", unmatched, UNMATCHED)
    common, dropped = _common(plm, polm, unmatched)
    pairs = [(plm.answers[id], polm.answers[id]) for id in common]
    for g, f in pairs:
        _check_same(g, f, prompts)
    width = max(len(g.options) for g, _ in pairs)
    sides = [
        np.array([[*a.scores, *[-np.inf] * (width - len(a.scores))] for a in side]) for side in zip(*pairs, strict=True)
    ]
    groups = tuple(g.group or f.group for g, f in pairs)
    said = {"left_out": "; ".join(dropped), "bounded": _bounded(plm, polm, set(common))}
    known = {"plm": plm.model, "polm": polm.model, "created_by": f"dualalign {__version__}", "layers": LAST}
    return Traces(
        plm_logits=sides[0][:, None].astype(np.float32),
        polm_logits=sides[1][:, None].astype(np.float32),
        labels=np.array([max(g.label, f.label) if labels else -1 for g, f in pairs], np.int64),
        n_options=np.array([len(g.options) for g, _ in pairs], np.int64),
        question_ids=tuple(common),
        groups=groups if any(groups) else (),
        metadata=_asked(metadata, pairs) | known | {key: value for key, value in said.items() if value},
    )


def _common(plm: Run, polm: Run, unmatched: str) -> tuple[list[str], list[str]]:
    """Ids that both runs have, and what was dropped, in words."""
    left_out = plm.left_out | polm.left_out
    common = [id for id in plm.answers if id in polm.answers and id not in left_out]
    alone = [
        (answer, other)
        for run, other in ((plm, "post-trained"), (polm, "pre-trained"))
        for id, answer in run.answers.items()
        if id not in (polm if run is plm else plm).answers and id not in left_out
    ]
    if alone and unmatched == "error":
        answer, other = alone[0]
        raise ValueError(
            f"{answer.where}: the {other} model's run has no question {answer.id!r} ({len(alone)} stand in one run "
            "only); run both on the same questions, or leave them out with --unmatched drop"
        )
    if not common:
        raise ValueError(f"{plm.path}, {polm.path}: no question in common that can be used; are their ids of one set?")
    reasons: dict[str, int] = {}
    for reason in left_out.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    dropped = [f"{n} questions: {reason}" for reason, n in reasons.items()]
    return common, dropped + ([f"{len(alone)} questions: in one run only"] if alone else [])


def _bounded(plm: Run, polm: Run, used: set[str]) -> str:
    """How many options have an upper bound for a score, in words."""
    counts = [[n for id, n in run.bounded.items() if id in used] for run in (plm, polm)]
    names = ("pre-trained", "post-trained")
    said = [f"{sum(n)} options of {len(n)} questions ({name})" for n, name in zip(counts, names, strict=True) if n]
    return ", ".join(said) + " have an upper bound for their score" if said else ""


def _check_same(g: Answer, f: Answer, prompts: str) -> None:
    here = f"{f.where}: question {f.id!r}"
    if g.document and f.document and g.document != f.document:
        raise ValueError(f"{here} is another document than in {g.where}; run both models on the same task and data")
    if len(g.options) != len(f.options):
        raise ValueError(f"{here} has {len(f.options)} options, {len(g.options)} in {g.where}; run both on one set")
    if [one.strip() for one in g.options] != [one.strip() for one in f.options]:
        raise ValueError(f"{here} has other options than in {g.where}, or another order; run both on one set")
    if prompts == "same" and g.prompt and f.prompt and g.prompt != f.prompt:
        raise ValueError(
            f"{here} was asked in other words than in {g.where}; where that is meant (a chat template for one "
            "of them), give --prompts any"
        )
    if g.label != f.label and min(g.label, f.label) >= 0:
        raise ValueError(f"{here} has the label {f.label}, {g.label} in {g.where}; repair one, or give --no-labels")


def _asked(metadata: dict[str, str], pairs: list[tuple[Answer, Answer]]) -> dict[str, str]:
    """Say in `prompt` where the two models were asked in different words; " / " is what `checks.reading` looks for."""
    if all(g.prompt == f.prompt for g, f in pairs):
        return metadata
    said = metadata.get("prompt", "")
    return metadata | {"prompt": f"{said}, each model in its own words / not the same prompt"}


def named(path: Path, name: str | None, fallback: str = "") -> str:
    """What to call a model: the name that was given, else what the run says, else the file's name."""
    return name or fallback or path.name
