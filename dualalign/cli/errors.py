"""How the command ends: one line on stderr and exit code 2 for what a user can mend, never a traceback for it."""

from __future__ import annotations

import os
import sys

import typer
from typer.core import TyperGroup

from ..bounded import plain

_LONGEST = 2000  # characters of a message: a trace's own text may be among them
_UsageError = typer.BadParameter.__base__  # typer carries its own copy of click from 0.26 on


class OneLineErrors(TyperGroup):
    """A group of commands whose errors are one line."""

    def main(self, args=None, prog_name=None, complete_var=None, standalone_mode=True, **extra):
        """Run, then exit with 0, 2 (an error of the user's) or 130 (interrupted)."""
        _ready_to_print()
        try:
            code = super().main(args, "dualalign", complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except (BrokenPipeError, SystemExit):  # SystemExit is how typer and rich report a reader that has gone
            code = _hang_up()
        except (KeyboardInterrupt, typer.Abort):
            code = 130
        except (_UsageError, ValueError, OSError, MemoryError, ModuleNotFoundError) as error:
            code = _say(_message(error))
        sys.exit(code if isinstance(code, int) else 0)


def _ready_to_print() -> None:
    """Let output pass where it is closed (`>&-`), and spell out characters that the terminal's encoding lacks."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - stays open as long as the program
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _message(error: Exception) -> str:
    if isinstance(error, _UsageError):
        command = getattr(getattr(error, "ctx", None), "command_path", "dualalign")
        return f"{error.format_message().rstrip('.')}; see {command} --help"
    if isinstance(error, ModuleNotFoundError):
        if str(error.name).startswith("dualalign"):
            raise error
        return f"the Python module {error.name} is missing; install it, for models with pip install 'dualalign[models]'"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _say(message: str) -> int:
    rank = os.environ.get("RANK", "0")  # of several processes that a launcher started, see traces.team
    who = "dualalign: " if rank == "0" else f"dualalign, process {rank}: "
    print(who + plain(message, _LONGEST), file=sys.stderr)
    return 2


def _hang_up() -> int:
    """Let the interpreter flush into nothing where the reader of a pipe has gone (`dualalign ... | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0
