"""`dualalign report`: one self-contained page."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options as o

Out = Annotated[str, typer.Option("--out", metavar="FILE", help="HTML page to write.")]


def report(traces: o.TracesPaths, out: Out = "report.html") -> None:
    """Write one self-contained HTML page: drift, temperatures and calibration of a model pair."""
    from ..report import write_report

    print(write_report(traces, out))
