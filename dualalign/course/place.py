"""Where the recorded traces lie for a notebook that may have been copied anywhere."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "DUALALIGN_TRACES"


def traces_folder(start: str | Path = ".") -> str:
    """Return the folder of the traces: of the environment, of the nearest clone above, or of the installed one.

    Parameters
    ----------
    start : path
        Where the notebook runs.

    Raises
    ------
    FileNotFoundError
        Where there is none; the message says what to set.
    """
    if given := os.environ.get(VARIABLE):
        return given
    here = Path(start).resolve()
    homes = [home for folder in (here, *here.parents) for home in (folder, folder / "dualalign-book")]
    for home in [*homes, Path(__file__).resolve().parents[2]]:
        if (home / "data" / "traces").is_dir():
            return str(home / "data" / "traces")
    raise FileNotFoundError(f"no folder data/traces above {here}: set {VARIABLE} to the one of your clone")
