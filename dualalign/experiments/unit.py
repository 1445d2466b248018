"""What an experiment is made of: traces by name, units of work, rows of the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..calibrators import Calibrator
from ..traces import Traces

MAIN = "sft4"  # the pair that has every style and variant
SETS = ("arc-easy", "arc-challenge", "openbookqa", "csqa", "piqa", "mmlu", "medmcqa")


@dataclass(frozen=True, order=True)
class Name:
    """A trace file's name, ``pair__set__style[__variant]``."""

    pair: str
    set: str
    style: str
    variant: str = ""

    @classmethod
    def parse(cls, stem: str) -> Name:
        """Take a file name without its ending apart; ValueError where it has not three parts or four."""
        parts = stem.split("__")
        if not 3 <= len(parts) <= 4:
            raise ValueError(
                f"{stem}: no name of a trace; it has the form pair__set__style or pair__set__style__variant"
            )
        return cls(*parts)

    def __str__(self) -> str:
        return "__".join(filter(None, (self.pair, self.set, self.style, self.variant)))

    @property
    def compared(self) -> bool:
        """Whether the main comparison holds it: one of the seven sets, in its ordinary wording and order."""
        return self.set in SETS and not self.variant

    @property
    def own_style(self) -> bool:
        """Whether it is compared and read in its pair's own style (the others have no second one)."""
        return self.compared and (self.pair != MAIN or self.style == "choices")


Row = Mapping[str, object]
Units = Mapping[str, Sequence[Name]]


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Parameters
    ----------
    name, doc : str
    units : from the traces that there are to the units of work, each with the traces that it reads
    rows : from a unit's name and its traces to rows of the table (without the column `experiment`)
    alone : bool
        True where it runs only when it is asked for by name.
    """

    name: str
    doc: str
    units: Callable[[Sequence[Name]], Units]
    rows: Callable[[str, Mapping[Name, Traces]], Iterator[Row]]
    alone: bool = False


def each(wanted: Callable[[Name], bool]) -> Callable[[Sequence[Name]], Units]:
    """Units of one trace each."""
    return lambda names: {str(name): (name,) for name in names if wanted(name)}


def tidy(name: Name, found: Mapping[str, float], **columns: object) -> Iterator[Row]:
    """A row for each metric of one trace; what does not exist (NaN) has no row."""
    where = {"pair": name.pair, "set": name.set, "style": name.style, "variant": name.variant}
    for metric, value in found.items():
        if not math.isnan(value):
            yield where | columns | {"metric": metric, "value": float(value)}


def fitted(calibrator: Calibrator, traces: Traces) -> bool:
    """Fit, and say whether the method took the traces (without an agreeing question DACA does not, say)."""
    try:
        calibrator.fit(traces)
    except ValueError:
        return False
    return True
