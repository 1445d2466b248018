"""Put the cell that fetches the project where it is missing into every notebook, right after the title.

usage: python tools/first_cell.py [--write]. Without --write it names the notebooks that lack the cell. The repository's
address comes from _config.yml; DUALALIGN_REPOSITORY in the environment overrides it where the cell runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "course")
HEAD = '# %% tags=["remove-cell"]'
FIRST_LINE = "# Where the project is missing (Colab, this file alone): fetch it, install it, go to its notebooks."
CELL = f"""{FIRST_LINE}
import os
import subprocess
import sys
from importlib import invalidate_caches, util
from pathlib import Path

if util.find_spec("dualalign") is None or not Path("../data/traces").is_dir():
    home = Path(".." if Path("../data/traces").is_dir() else "dualalign-book").resolve()
    address = os.environ.get("DUALALIGN_REPOSITORY", "ADDRESS")
    home.is_dir() or subprocess.run(["git", "clone", "--quiet", "--depth=1", address, home], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", home], check=True)
    os.chdir(home / "notebooks"), invalidate_caches()"""
OLD = re.compile(rf"^# %%[^\n]*\n{re.escape(FIRST_LINE)}\n.*?(?=^# %%|\Z)", re.DOTALL | re.MULTILINE)
CELL_START = re.compile(r"^# %%", re.MULTILINE)


def cell_source(root: Path = ROOT) -> str:
    """Return the cell with the repository's address."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return CELL.replace("ADDRESS", config["repository"]["url"])


def with_cell(text: str, source: str) -> str:
    """Return a percent script with the cell after its title cell, and nowhere else."""
    text = OLD.sub("", text)
    starts = [match.start() for match in CELL_START.finditer(text)]
    at = starts[1] if len(starts) > 1 else len(text)
    return f"{text[:at]}{HEAD}\n{source}\n\n{text[at:]}"


def fault(cells: list, source: str) -> str:
    """Say what is wrong with a notebook's second cell; empty when it is the cell."""
    second = cells[1] if len(cells) > 1 else None
    if second is None or second.source.strip() != source or second.metadata.get("tags") != ["remove-cell"]:
        return "the cell that fetches the project does not follow the title; run tools/first_cell.py --write"
    return ""


def main(arguments: list[str]) -> int:
    source = cell_source()
    scripts = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    lacking = [path for path in scripts if with_cell(path.read_text(encoding="utf-8"), source) != path.read_text()]
    for path in lacking:
        print(path.relative_to(ROOT))
        if "--write" in arguments:
            path.write_text(with_cell(path.read_text(encoding="utf-8"), source), encoding="utf-8")
    if lacking and "--write" in arguments:
        jupytext = Path(sys.executable).with_name("jupytext")
        subprocess.run([jupytext, "--quiet", "--to", "ipynb", "--update", *lacking], check=True)
        return 0
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
