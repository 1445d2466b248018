"""Several processes that trace one pair together, on one machine or on several that share a folder.

They are started by ``accelerate launch --multi_gpu --num_processes N``, without cards too, or by ``torchrun``. Each
takes its share of the same plan of batches and leaves its results in one folder; the first puts them together. In
float32, with as many threads a process, the file has the same bytes as that of one process. With other threads, devices
or types logits differ by their own rounding: within `TOLERANCE` of the largest one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

TOLERANCE = {"float32": 1e-5, "bfloat16": 3e-2, "float16": 4e-3, "int8": 3e-2}  # of the largest logit in size
PATIENCE = 1800.0  # seconds without a new batch of another process, after which the first gives up
_LOOK = 0.2  # seconds between two looks


@dataclass(frozen=True)
class Team:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Team:
        """The team of this process, from what its launcher says; a process by itself is a team of one.

        Raises
        ------
        ValueError
            If the launcher's words make no team.
        """
        rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
        if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
            raise ValueError(f"RANK={rank!r} and WORLD_SIZE={size!r} make no team; start with accelerate launch")
        return cls(int(rank), int(size))

    @property
    def leads(self) -> bool:
        """True for the process that prints, and that puts the parts together."""
        return self.rank == 0

    def share(self, batches: Iterable[int]) -> list[int]:
        """The batches that are this process's own, whoever else is at work."""
        return [batch for batch in batches if batch % self.size == self.rank]

    def gather(self) -> None:
        """Wait until every process has come this far."""
        if self.size > 1:
            import torch
            from accelerate import PartialState

            PartialState(cpu=not torch.cuda.is_available()).wait_for_everyone()

    def wait(self, missing: Callable[[], list], patience: float = PATIENCE) -> None:
        """Wait until nothing is missing any more.

        Raises
        ------
        ValueError
            If nothing new came for ``patience`` seconds.
        """
        left, since = missing(), time.monotonic()
        while left:
            if time.monotonic() - since > patience:
                raise ValueError(
                    f"{len(left)} batches of other processes are missing, first {left[0]}; is each of them still at "
                    f"work, and does it see the same folder? Give the same command again to go on"
                )
            time.sleep(_LOOK)
            now = missing()
            left, since = now, time.monotonic() if len(now) < len(left) else since
