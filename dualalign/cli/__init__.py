"""The command `dualalign`. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from .diagnosis import diagnose, info
from .errors import OneLineErrors
from .exporting import export
from .fitting import fit
from .importing import import_
from .merging import merge
from .reporting import report
from .trace import trace

app = typer.Typer(
    cls=OneLineErrors,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _start(ctx: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False):
    """Calibrate a post-trained language model against its pre-trained model, without labels."""
    if version:
        from .. import __version__

        print(f"dualalign {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


for command in (trace, merge, import_, diagnose, fit, report, export, info):
    app.command(command.__name__.rstrip("_"))(command)


def main() -> None:
    """Run the command `dualalign`."""
    app()
