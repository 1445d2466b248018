"""What the notebooks need of a book, and what must not break them outside one (Jupyter, Colab)."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

_PREFIX = "application/papermill.record/"


def glue(name: str, value: Any) -> None:
    """Store a value under a name, for the prose of any page to quote by the role ``glue:text`` as ``name:.3f``.

    Parameters
    ----------
    name
        Key of the value, unique in its notebook.
    value
        A number or a string is stored as it is (a numpy scalar as the Python number it holds, so that a format works);
        anything else, a figure for instance, as IPython would show it.

    Raises
    ------
    ValueError
        If the value is a float that no sentence can quote: NaN.
    """
    from IPython.core.formatters import format_display_data
    from IPython.display import display

    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, float) and math.isnan(plain):
        raise ValueError(f"glue({name!r}): the value is NaN; compute it before quoting it")
    data, metadata = format_display_data(plain)
    record = {"name": name, "mime_prefix": _PREFIX}
    display({_PREFIX + mime: v for mime, v in data.items()}, raw=True, metadata={"scrapbook": record, **metadata})


def say(template: str, **values: Any) -> None:
    """Show a sentence whose numbers were computed, and glue each of them.

    The sentence reads the same on the site, in Jupyter and in Colab; a role in a Markdown cell would not.

    Parameters
    ----------
    template
        Markdown with format fields, ``"T is {temperature:.2f}"``.
    values
        What the fields stand for; each is glued under its name.
    """
    from IPython.display import Markdown, display

    for name, value in values.items():
        glue(name, value)
    display(Markdown(template.format(**values)))


def command(line: str, folder: str | Path = ".", fails: bool = False) -> None:
    """Run a ``dualalign`` command in a folder, with this Python, and print it with what it prints.

    Parameters
    ----------
    line
        As one types it: ``"dualalign fit my_pair.safetensors"``.
    folder
        Where it runs.
    fails
        Whether exit code 2 is what the page wants to show.

    Raises
    ------
    ValueError
        If the line begins otherwise, or the exit code is not the expected one.
    """
    program, *words = shlex.split(line)
    if program != "dualalign":
        raise ValueError(f"command({line!r}): only dualalign is run")
    path = os.pathsep.join([str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    environment |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONPATH": path.rstrip(os.pathsep)}
    run = [sys.executable, "-m", "dualalign.cli", *words]
    done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True)
    print(f"$ {line}\n{done.stdout}{done.stderr}".rstrip())
    if done.returncode != (2 if fails else 0):
        raise ValueError(f"{line}: exit code {done.returncode}; {done.stderr.strip()}")
