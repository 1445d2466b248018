"""`dualalign merge`: traces of one pair, made in parts, as one file."""

from __future__ import annotations

from typing import Annotated

import typer

from ..bounded import visible
from . import options as o

Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Trace file to write.", show_default=False)]


def merge(traces: o.TracesPaths, out: Out, dtype: o.Stored = "float32") -> None:
    """Join trace files of one pair about different questions; a block of rows is in memory at a time.

    Files of another pair, prompt style or depth are refused, and so is a question that stands in two of them.
    """
    from ..traces.writing import merge as join

    print(visible(str(join(traces, out, dtype))))
