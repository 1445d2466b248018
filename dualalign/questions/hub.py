"""Question sets by hub name, read with ``datasets``, or from a mirror folder where there is no network."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..published import as_published, named_by_checksum
from .files import load_file
from .schema import Question, check_unique, normalised, question_from_row

MIRROR = "DUALALIGN_MIRROR"


@dataclass(frozen=True)
class HubSet:
    """Where a set lives on the hub, and the set whose questions its train split must not repeat."""

    repo: str
    config: str
    split: str
    disjoint_from: str = ""

    @property
    def letters(self) -> bool:
        """True where answers are letters or digits that point into ``choices.label`` (ARC, OpenBookQA)."""
        return self.repo != "cais/mmlu"


HUB_SETS = {
    "arc-easy/train": HubSet("allenai/ai2_arc", "ARC-Easy", "train", "arc-easy/test"),
    "arc-easy/test": HubSet("allenai/ai2_arc", "ARC-Easy", "test"),
    "arc-challenge/train": HubSet("allenai/ai2_arc", "ARC-Challenge", "train", "arc-challenge/test"),
    "arc-challenge/test": HubSet("allenai/ai2_arc", "ARC-Challenge", "test"),
    "openbookqa/train": HubSet("allenai/openbookqa", "main", "train", "openbookqa/test"),
    "openbookqa/test": HubSet("allenai/openbookqa", "main", "test"),
    "mmlu/test": HubSet("cais/mmlu", "all", "test"),
}


def load_hub(name: str, mirror: str | os.PathLike | None = None) -> list[Question]:
    """Load a set by name, from ``mirror`` (or the folder in ``DUALALIGN_MIRROR``) where given, else from the hub.

    A mirror holds one file a set, ``arc_easy_test.jsonl`` for ``arc-easy/test``, in the format of `load_file`.

    Raises
    ------
    ValueError
        If the mirror lacks the file, or the hub cannot be reached.
    """
    mirror = mirror or os.environ.get(MIRROR)
    if mirror:
        return load_file(Path(mirror) / f"{_stem(name)}.jsonl")
    spec = HUB_SETS[name]
    questions = check_unique(
        [question_from_row(r, f"{name}, row {i}") for i, r in enumerate(_hub_rows(name, spec), 1)], name
    )
    if not spec.disjoint_from:
        return questions
    seen = {normalised(q) for q in load_hub(spec.disjoint_from)}
    return [q for q in questions if normalised(q) not in seen]


def _hub_rows(name: str, spec: HubSet):
    try:
        import datasets
    except ImportError:
        raise ValueError(f"{name}: needs the package datasets; run: pip install 'dualalign[models]'") from None
    try:
        rows = datasets.load_dataset(spec.repo, spec.config, split=spec.split)
        damaged = _damaged(rows, spec.repo)
    except Exception as e:  # the hub client raises many kinds; the reader needs one line
        raise ValueError(
            f"{name}: cannot load {spec.repo} from the hub ({type(e).__name__}); check the network or "
            "give --mirror FOLDER"
        ) from None
    if damaged:
        raise ValueError(f"{name}: {damaged}")
    return [_lettered(name, i, row) for i, row in enumerate(rows)] if spec.letters else _mmlu(rows)


def _damaged(rows, repo: str) -> str:
    """Name the first file of a set, in the hub's cache, that is not what was published, and what to do; "" for none."""
    made = getattr(rows, "cache_files", None)
    if not made:  # rows that were never on a disk
        return ""
    import huggingface_hub as hub

    folder = Path(made[0]["filename"]).parent  # what `datasets` made of the files; it bears the name of their commit
    try:
        fetched = hub.snapshot_download(repo, repo_type="dataset", revision=folder.name, local_files_only=True)
    except OSError:  # the cache of files was emptied since
        return ""
    for file in sorted(path for path in Path(fetched).rglob("*") if path.is_file()):
        blob = file.resolve()
        if named_by_checksum(blob) and not as_published(blob):
            return f"{file.name} is not what the hub published (sha256); delete {blob} and {folder}, try again"
    return ""


def _lettered(name: str, i: int, row: dict) -> dict:
    labels, key = row["choices"]["label"], row["answerKey"]
    return {
        "id": f"{_stem(name)}/{i}",
        "question": row.get("question") or row["question_stem"],
        "options": row["choices"]["text"],
        "answer": labels.index(key) if key in labels else None,
    }


def _mmlu(rows) -> list[dict]:
    place: Counter[str] = Counter()
    out = []
    for row in rows:
        subject = row["subject"]
        out.append(
            {
                "id": f"mmlu/{subject}/{place[subject]}",
                "question": row["question"],
                "options": row["choices"],
                "answer": int(row["answer"]),
                "group": subject,
            }
        )
        place[subject] += 1
    return out


def _stem(name: str) -> str:
    return name.replace("-", "_").replace("/", "_")
