"""The folder beside a trace in the making: one file a batch, so that a killed run loses at most the batch it was in."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np


class Shards:
    """Finished batches of one run, in ``OUT.part``.

    Parameters
    ----------
    out : Path
        The trace file to be made.
    run : dict
        Everything that decides the numbers; JSON-ready.
    resume : bool
        True to go on where a run of the same settings stopped; False to start over.

    Raises
    ------
    ValueError
        If the folder holds batches of another run.
    """

    def __init__(self, out: Path, run: dict, resume: bool = True):
        self.folder = out.with_name(f"{out.name}.part")
        if not resume:
            self.remove()
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as e:
            raise ValueError(f"{self.folder}: cannot keep finished batches here ({e.strerror})") from None
        self._claim(json.loads(json.dumps(run)))

    def _claim(self, run: dict) -> None:
        manifest = self.folder / "run.json"
        if not manifest.exists():
            _write(manifest, json.dumps(run, indent=1).encode())
            return
        try:
            other = json.loads(manifest.read_text("utf-8"))
            changed = [key for key in run.keys() | other.keys() if run.get(key) != other.get(key)]
        except (ValueError, AttributeError):
            changed = ["run.json is damaged"]
        if changed:
            raise ValueError(
                f"{self.folder}: belongs to another run ({', '.join(sorted(changed))} differ); "
                f"delete it, or start over with resume=False (--restart)"
            )

    def path(self, side: str, batch: int) -> Path:
        """File of one batch of one model."""
        return self.folder / f"{side}-{batch:06d}.npy"

    def missing(self, side: str, n_batches: int) -> list[int]:
        """Batches of one model that are still to do."""
        return [b for b in range(n_batches) if not self.path(side, b).exists()]

    def write(self, side: str, batch: int, logits: np.ndarray) -> None:
        """Keep the logits (B, L, K) of one batch; the file appears whole or not at all."""
        path = self.path(side, batch)
        sibling = path.with_suffix(".tmp")
        with open(sibling, "wb") as file:
            np.save(file, logits, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(sibling, path)

    def read(self, side: str, plan: list[list[int]], k: int) -> np.ndarray:
        """Put the batches of one model together in the order of the questions: float32 (N, L, K), padded with -inf."""
        parts = [self._read_one(side, batch, len(rows)) for batch, rows in enumerate(plan)]
        whole = np.full((sum(map(len, plan)), parts[0].shape[1], k), -np.inf, np.float32)
        for rows, part in zip(plan, parts, strict=True):
            whole[rows, :, : part.shape[2]] = part
        return whole

    def _read_one(self, side: str, batch: int, n: int) -> np.ndarray:
        path = self.path(side, batch)
        try:
            part = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            part = np.zeros(0)
        if part.ndim != 3 or len(part) != n:
            raise ValueError(f"{path}: damaged; delete it and run again")
        return part

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    sibling = path.with_suffix(".tmp")
    sibling.write_bytes(content)
    os.replace(sibling, path)
