"""Execute notebooks/*.ipynb with papermill into book/notebooks/, only those whose inputs changed, and say why.

A page's inputs are its notebook, the sources of the module, the data files, the lock and its parameters: their hashes
are kept in the executed copy. A page runs into a temporary file, so a failure leaves the last good copy in place. The
kernel cannot import torch, except under --live, which gives notebooks with a `live` parameter the value True.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import glued
import nbformat
import papermill
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ("dualalign/**/*.py", "data/**/*", "requirements.lock")
LOCAL_SOCKETS = Config({"KernelManager": {"transport": "ipc"}})  # no open ports, and no warning of them
NO_INPUT = re.compile(r"(^|/)\.|\.md$|__pycache__|\.part(/|$)")


def shared_inputs(root: Path) -> dict[str, str]:
    """Hash every file that all pages depend on: relative path -> first 16 hex digits of its sha256."""
    files = sorted(p for pattern in PATTERNS for p in root.glob(pattern) if p.is_file())
    names = {p.relative_to(root).as_posix(): p for p in files}
    return {name: digest(p) for name, p in names.items() if not NO_INPUT.search(name)}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def why_rerun(record: dict | None, inputs: dict[str, str], accepted: list[dict]) -> str:
    """Name the first thing that differs from the record in an executed copy; empty when the copy is current."""
    if record is None:
        return "no executed copy yet"
    if record["parameters"] not in accepted:
        return f"parameters were {record['parameters']}"
    old = record["inputs"]
    changed = sorted(name for name in old.keys() | inputs.keys() if old.get(name) != inputs.get(name))
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]} changed{more}" if changed else ""


def read_record(path: Path) -> dict | None:
    return nbformat.read(path, as_version=4).metadata.get("dualalign_run") if path.exists() else None


def parameters_for(source: Path, given: dict, live: bool) -> tuple[dict, list[dict]]:
    """Return the parameters to run with, and those under which an executed copy is as good (a live one always is)."""
    known = papermill.inspect_notebook(str(source))
    own = {name: value for name, value in given.items() if name in known}
    if "live" not in known:
        return own, [own]
    with_live = {**own, "live": True}
    return (with_live, [with_live]) if live else (own, [own, with_live])


def check_names(sources: list[Path], given: dict) -> None:
    """Raise ValueError for a parameter that no notebook has: papermill would only warn."""
    known = {name for source in sources for name in papermill.inspect_notebook(str(source))}
    if unknown := sorted(given.keys() - known):
        raise ValueError(
            f"-p {unknown[0]}: no notebook has this parameter; known: {', '.join(sorted(known)) or 'none'}"
        )


def execute(source: Path, target: Path, parameters: dict, inputs: dict[str, str]) -> None:
    """Run one notebook in its folder and put the copy in place only when every cell succeeded."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".run-") as folder:
        part = Path(folder) / target.name
        papermill.execute_notebook(
            str(source),
            str(part),
            parameters=parameters,
            cwd=str(source.parent),
            kernel_name="python3",
            progress_bar=False,
            config=LOCAL_SOCKETS,
        )
        notebook = strip(nbformat.read(part, as_version=4))
        glued.fill(notebook.cells, source.stem)
        notebook.metadata["dualalign_run"] = {"inputs": inputs, "parameters": parameters}
        nbformat.write(notebook, part)
        os.replace(part, target)


def strip(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what differs between two runs of the same thing: times and random ids."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
    return notebook


@contextmanager
def kernel_path(live: bool) -> Iterator[None]:
    """Let a kernel import this checkout, and block torch unless the page is to run the models."""
    before = os.environ.get("PYTHONPATH", "")
    blocked = [] if live else [str(ROOT / "tools" / "notorch")]
    os.environ["PYTHONPATH"] = os.pathsep.join([*blocked, str(ROOT), before]).rstrip(os.pathsep)
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = before


def run_all(root: Path, names: list[str], given: dict, live: bool, force: bool) -> int:
    sources = sorted((root / "notebooks").glob("*.ipynb"))
    check_names(sources, given)
    if missing := sorted(set(names) - {s.stem for s in sources}):
        raise ValueError(f"{missing[0]}: no such notebook; known: {', '.join(s.stem for s in sources)}")
    out = root / "book" / "notebooks"
    for stale in out.glob("*.ipynb"):
        if not (root / "notebooks" / stale.name).exists():
            stale.unlink()
    shared = shared_inputs(root)
    chosen = [s for s in sources if not names or s.stem in names]
    return sum(run_one(s, out / s.name, shared, parameters_for(s, given, live), force) for s in chosen)


def run_one(source: Path, target: Path, shared: dict[str, str], plan: tuple[dict, list[dict]], force: bool) -> int:
    """Run a page if it must; return 1 if it failed."""
    inputs = {f"notebooks/{source.name}": digest(source), **shared}
    parameters, accepted = plan
    reason = "--force" if force else why_rerun(read_record(target), inputs, accepted)
    print(f"{source.stem}: {f'runs ({reason})' if reason else 'unchanged'}", flush=True)
    if not reason:
        return 0
    try:
        with kernel_path(live=parameters.get("live", False)):
            execute(source, target, parameters, inputs)
    except (papermill.PapermillExecutionError, glued.TemplateError) as error:
        print(f"{source.stem}: failed\n{error}", file=sys.stderr)
        return 1
    return 0


def _value(text: str):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks to run (01_start_here); all of them by default")
    parser.add_argument("--live", action="store_true", help="run the real models where a notebook can")
    parser.add_argument("--force", action="store_true", help="run even what is unchanged")
    parser.add_argument("-p", dest="parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    given = {name: _value(text) for name, text in options.parameters}
    try:
        failed = run_all(options.root.resolve(), options.names, given, options.live, options.force)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
