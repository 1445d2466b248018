"""`dualalign report`: one self-contained page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..bounded import visible

Traces = Annotated[
    list[str],
    typer.Argument(metavar="TRACES", help="Trace files; several are compared on one page.", show_default=False),
]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="HTML page to write.")]
Questions = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The questions that were traced, to show what was asked and answered."),
]


def report(traces: Traces, out: Out = "report.html", questions: Questions = None) -> None:
    """Write one self-contained HTML page: whether to use a temperature, the checks behind it, drift and all methods.

    Of several traces it also ranks the methods, as far as labels allow, and has a table of all to sort.
    """
    from ..report import write_report

    print(visible(str(write_report(traces, out, questions, _tell if sys.stderr.isatty() else lambda name: None))))


def _tell(name: str) -> None:
    print(visible(f"{name}: fitting every method"), file=sys.stderr)
