"""The folder beside a trace in the making: one file a batch, so that a killed run loses at most the batch it was in."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import warnings
from pathlib import Path

import numpy as np

from ..bounded import content, json_value, shown
from .artifact import write_whole
from .team import Team

_SIZE = hashlib.sha256().digest_size
_MOST = 2**32  # bytes of a batch


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
    team : Team
        The processes that share the folder.

    Raises
    ------
    ValueError
        If the folder holds batches of another run, or several processes are to start over.
    """

    def __init__(self, out: Path, run: dict, resume: bool = True, team: Team = Team()):  # noqa: B008
        self.folder, self.team = out.with_name(f"{out.name}.part"), team
        if not resume and team.size > 1:
            raise ValueError(f"resume=False (--restart) is for one process; delete {self.folder} and leave it out")
        if not resume:
            self.remove()
            if os.path.lexists(
                self.folder
            ):  # a link, or a folder of somebody else's: its batches would be gone on with
                raise ValueError(f"{self.folder}: cannot be removed to start over; delete it")
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as e:
            raise ValueError(f"{self.folder}: cannot keep finished batches here ({e.strerror})") from None
        self._claim(json.loads(json.dumps(run)))
        team.gather()  # nobody may finish and tidy up before everybody has looked

    def _claim(self, run: dict) -> None:
        manifest = self.folder / "run.json"
        if not manifest.exists():
            write_whole(manifest, json.dumps(run, indent=1).encode())
            return
        try:
            other = json_value(manifest)
            changed = [key for key in run.keys() | other.keys() if run.get(key) != other.get(key)]
            changed = [key if key in run else shown(key) for key in changed]  # a key of the file may be anything
        except (ValueError, AttributeError):
            raise ValueError(
                f"{manifest}: damaged; delete the folder, or start over with resume=False (--restart)"
            ) from None
        if changed:
            raise ValueError(
                f"{self.folder}: belongs to another run ({', '.join(sorted(changed)[:9])} differ); "
                f"delete it, or start over with resume=False (--restart)"
            )

    def path(self, side: str, batch: int) -> Path:
        """File of one batch of one model."""
        return self.folder / f"{side}-{batch:06d}.npy"

    def missing(self, side: str, n_batches: int) -> list[int]:
        """Batches of one model that are still to do, by whatever process."""
        try:
            done = {entry.name for entry in os.scandir(self.folder)}
        except FileNotFoundError:
            if self.team.leads:
                raise
            return []  # the first process had everything, and has tidied up
        return [b for b in range(n_batches) if self.path(side, b).name not in done]

    def write(self, side: str, batch: int, logits: np.ndarray) -> None:
        """Keep the logits (B, L, K) of one batch; the file appears whole or not at all.

        Behind the array stands the sha256 of name and array: numpy reads the file as any other, `read` checks it.
        """
        path = self.path(side, batch)
        sibling = path.with_suffix(f".{self.team.rank}.tmp")
        array = io.BytesIO()
        np.save(array, logits, allow_pickle=False)
        with open(sibling, "wb") as file:
            file.write(array.getbuffer())
            file.write(_digest(path, array.getvalue()))
            file.flush()
            os.fsync(file.fileno())
        os.replace(sibling, path)

    def read(self, side: str, batch: int, n: int) -> np.ndarray:
        """Return the logits of one batch of n questions, float32 (n, L, K').

        Raises
        ------
        ValueError
            Names a file that is not what `write` wrote, or stands in the place of another.
        """
        path, part = self.path(side, batch), np.zeros(0)
        with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):  # headers end in many ways
            found = content(path, _MOST)
            if found[-_SIZE:] == _digest(path, found[:-_SIZE]):
                part = np.load(io.BytesIO(found), allow_pickle=False)
        if part.ndim != 3 or len(part) != n or part.dtype != np.float32:
            raise ValueError(f"{path}: damaged; delete it and run again")
        return part

    def note(self, side: str, shared: int) -> None:
        """Keep how many tokens at the start of its prompts a model reads once for all."""
        write_whole(self._note(side), json.dumps({"shared tokens": shared}).encode())

    def noted(self, side: str) -> int | None:
        """What `note` kept; None where nothing was.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        path = self._note(side)
        if not os.path.lexists(path):
            return None
        with contextlib.suppress(ValueError, TypeError, KeyError):
            shared = json_value(path)["shared tokens"]
            if type(shared) is int and 0 <= shared < 2**31:
                return shared
        raise ValueError(f"{path}: damaged; start over with resume=False (--restart)")

    def _note(self, side: str) -> Path:
        return self.folder / f"{side}.json"

    def wait(self, side: str, n_batches: int) -> None:
        """Wait until the other processes have left every batch of one model here."""
        self.team.wait(lambda: self.missing(side, n_batches))

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _digest(path: Path, array: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\n" + array).digest()
