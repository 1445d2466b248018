"""Runs of other programs: recorded ones (tests/data/imports), and how to write broken ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data/imports"
SAMPLES = "samples_tiny_cloze_2026-01-01T00-00-00.000000.jsonl"
HELM_RUN = "tiny:subject=words,method=multiple_choice_separate_calibrated,model=tiny_{}"


def lm_eval_rows(model: str) -> list[dict]:
    """Rows that lm-evaluation-harness 0.4.13 wrote for a tiny model, four questions with two or three options."""
    return [json.loads(line) for line in (DATA / "lm_eval" / model / SAMPLES).read_text().splitlines()]


def helm_state(model: str) -> dict:
    """A scenario state of HELM 0.5.16 for a tiny model: two questions, one example in context."""
    return json.loads((DATA / "helm" / f"{model}.json").read_text())


def write_jsonl(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def write_helm(folder: Path, model: str, change: Callable[[dict], object] = lambda state: None) -> Path:
    """Write a run's folder as HELM names it, changed or not."""
    state = helm_state(model)
    change(state)
    folder = folder / HELM_RUN.format(model)
    folder.mkdir(exist_ok=True)
    (folder / "scenario_state.json").write_text(json.dumps(state))
    return folder


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
