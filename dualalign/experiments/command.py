"""The command `python -m dualalign.experiments`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import registry, run, table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_UsageError = typer.BadParameter.__base__  # typer carries its own copy of click from 0.26 on


@app.command()
def experiments(
    names: Annotated[
        list[str] | None, typer.Argument(help="Experiments; by default all but those that run alone.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Say what there is and what is current; run nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run what is current, too.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 2,
    traces: Annotated[Path, typer.Option(help="Folder of traces.")] = table.TRACES,
    folder: Annotated[Path, typer.Option("--table", help="Folder of the table of results.")] = table.FOLDER,
) -> None:
    """Run every experiment whose traces or modules changed, and write data/results/table/NAME.parquet."""
    if listed:
        for name in names or registry.NAMES:
            print(f"{name}: {registry.get(name).doc} ({run.state(run.plan(name, traces, folder, force))})")
        return
    chosen = names or [name for name in registry.NAMES if not registry.get(name).alone]
    for line in run.run(list(dict.fromkeys(chosen)), traces, folder, force, jobs):
        print(line, flush=True)


def main() -> None:
    """Run the command; bad input is one line on stderr and exit code 2."""
    try:
        sys.exit(app(prog_name="dualalign.experiments", standalone_mode=False))
    except _UsageError as error:
        message = error.format_message()
    except (ValueError, OSError) as error:
        message = str(error)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    print("dualalign.experiments: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
