"""Run every notebook under other Pythons, versions and thread counts, and compare each number with the recorded one.

usage: python tools/reproduce.py [NAME ...]. For each configuration the commit is cloned into .cache/reproduce/NAME with
an environment of its own, the notebooks are executed there as `make book` does it, and what came out is written into
book/reproduced.json, which a page of the book shows. A run that was killed goes on where it stopped; what is current in
a clone does not run again. Exit code 1 where a number lies beyond its tolerance or a notebook failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import check_numbers
import figures_diff
from costs import machine
from same_site import own_environment

from dualalign.traces.artifact import write_whole

ROOT = Path(__file__).resolve().parent.parent
FILE = Path("book") / "reproduced.json"
PLACE = Path(".cache") / "reproduce"
NAMED = ("numpy", "scipy", "pandas", "pyarrow", "matplotlib", "seaborn", "safetensors")
SHOWN = 5  # of a configuration's deviations, where fewer lie beyond their tolerance


@dataclass(frozen=True)
class Configuration:
    """A Python, the versions of the lock or the newest that fit, and how many threads the linear algebra may take."""

    python: str
    packages: str
    threads: int


CONFIGURATIONS = {
    f"{python}-{packages}-{threads}": Configuration(python, packages, threads)
    for python, packages, threads in (
        ("3.11", "lock", 1),
        ("3.11", "lock", 2),
        ("3.12", "lock", 2),
        ("3.13", "lock", 2),
        ("3.13", "newest", 2),
    )
}


def interpreter(version: str) -> str:
    """Return a Python of this version: on the path, or of pyenv; ValueError where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python3"))]
    for path in filter(None, found):
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    raise ValueError(f"python{version}: none on the path or under {pyenv}; install one, or name other configurations")


def clone(root: Path, folder: Path) -> None:
    """Bring a clone to the commit that is checked out; what was executed in it stays."""
    if not folder.exists():
        subprocess.run(["git", "clone", "--quiet", str(root), str(folder)], check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    subprocess.run(["git", "fetch", "--quiet", "origin", "HEAD"], cwd=folder, check=True)
    subprocess.run(["git", "reset", "--quiet", "--hard", commit.stdout.strip()], cwd=folder, check=True)


def environment(folder: Path, one: Configuration) -> Path:
    """Make the clone's environment where it is missing, and return its Python."""
    python, done = folder / ".venv" / "bin" / "python", folder / ".venv" / "newest.ok"
    if one.packages == "lock":
        make = ["make", "--silent", ".venv/book.ok", f"PYTHON={interpreter(one.python)}"]
        subprocess.run(make, cwd=folder, check=True, env=own_environment())
    elif not done.exists():
        subprocess.run([interpreter(one.python), "-m", "venv", ".venv"], cwd=folder, check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-e", ".[book]"], cwd=folder, check=True)
        done.touch()
    return python


def threads(count: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {**own_environment(), **dict.fromkeys(names, str(count))}


def versions(python: Path) -> dict[str, str]:
    """Return the version of Python and of what the numbers depend on."""
    ask = f"""import json, platform
from importlib.metadata import version
print(json.dumps({{"python": platform.python_version(), **{{name: version(name) for name in {NAMED!r}}}}}))"""
    done = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def run(root: Path, name: str) -> dict:
    """Execute the notebooks of one configuration and return what the page says of it."""
    one, folder = CONFIGURATIONS[name], root / PLACE / name
    clone(root, folder)
    python = environment(folder, one)
    done = subprocess.run([python, "tools/run_notebooks.py"], cwd=folder, env=threads(one.threads), check=False)
    if done.returncode:
        raise ValueError(f"{name}: a notebook failed; its folder is {folder}")
    before = check_numbers.recorded(folder)
    found = {"packages": one.packages, "threads": one.threads, "versions": versions(python)}
    return {**found, **compared(before, check_numbers.collect(folder)), "figures": moved_figures(folder)}


def compared(before: check_numbers.Recorded, now: check_numbers.Numbers) -> dict:
    """Count the numbers that are equal, within and beyond their tolerance, and list the worst."""
    if faults := check_numbers.unrecorded(before, now):
        raise ValueError(f"{faults[0]}; make numbers WRITE=1 records it")
    shares = [
        (check_numbers.share(before[notebook][key], value), notebook, key, value)
        for notebook, values in now.items()
        for key, value in values.items()
    ]
    beyond = sum(share > 1 for share, *_ in shares)
    worst = sorted((row for row in shares if row[0] > 0), key=lambda row: -row[0])[: max(SHOWN, beyond)]
    return {
        "numbers": len(shares),
        "identical": sum(share == 0 for share, *_ in shares),
        "beyond": beyond,
        "worst": [deviation(before[notebook][key], *row) for row in worst for notebook, key in [row[1:3]]],
        "recorded": {notebook: fingerprint(before[notebook]) for notebook in now},
    }


def deviation(entry: dict, share: float, notebook: str, key: str, value) -> dict:
    """Return a line of the page's table; a word that is another one has no share of a tolerance."""
    finite = float(f"{share:.3g}") if math.isfinite(share) else None
    return {"notebook": notebook, "key": key, "found": value, "share": finite, **entry}


def fingerprint(entries: dict) -> str:
    """Hash a notebook's recorded values, so that the page can say which are others since."""
    values = {key: entry["value"] for key, entry in entries.items()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def moved_figures(folder: Path) -> dict:
    """Count the figures that are drawn as accepted, and name those that moved by more than noise."""
    before, now = figures_diff.read(folder / figures_diff.FILE), figures_diff.figures(folder)
    return {"total": len(now), "moved": sorted(figures_diff.moved(before, now))}


def record(root: Path, name: str, entry: dict) -> None:
    path = root / FILE
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found = {**stored.get("configurations", {}), name: entry}
    ordered = {known: found[known] for known in CONFIGURATIONS if known in found}
    text = json.dumps({"machine": machine(), "configurations": ordered}, indent=1, ensure_ascii=False)
    write_whole(path, (text + "\n").encode())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CONFIGURATIONS)}; all of them by default")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in CONFIGURATIONS]:
        parser.error(f"{unknown[0]}: no such configuration; known: {', '.join(CONFIGURATIONS)}")
    failed = 0
    for name in options.names or CONFIGURATIONS:
        try:
            found = run(ROOT, name)
        except (ValueError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        record(ROOT, name, found)
        numbers, figures = found["numbers"], found["figures"]
        print(f"{name}: {found['identical']} of {numbers} numbers identical, {found['beyond']} beyond their tolerance")
        print(f"{name}: {len(figures['moved'])} of {figures['total']} figures moved", flush=True)
        failed |= found["beyond"] > 0 or bool(figures["moved"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
