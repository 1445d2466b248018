"""What the conditions for trusting Dual-Align say on every trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import checks
from ..traces import Traces
from .main import OURS
from .unit import Experiment, Name, Row, each, tidy

CODES = {"ok": 0, "care": 1, "fail": 2}  # "unknown" and "note" decide nothing and have no row


def rows(unit: str, read: Mapping[Name, Traces]) -> Iterator[Row]:
    """A row a condition: its name is the metric, its state the value, see `CODES`. Every question is looked at."""
    ((name, traces),) = read.items()
    found = {check.name: CODES[check.state] for check in checks.examine(traces) if check.state in CODES}
    yield from tidy(name, found, method=OURS, n=len(traces))


EXPERIMENT = Experiment("trust", "the conditions for trusting Dual-Align", each(lambda name: name.compared), rows)
