"""Execute chapters and lessons with papermill into book/, only those whose code or inputs changed, and say why.

A page runs again when its code cells, the module, a data file, the lock or its parameters changed; where only its prose
changed, the new prose is put around the outputs that are there. A page runs into a temporary file, so a failure leaves
the last good copy in place. The kernel cannot import torch, except under --live, which gives notebooks with a `live`
parameter the value True.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import freshness
import glued
import nbformat
import papermill
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent


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
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".run-") as folder, tempfile.TemporaryDirectory() as own:
        part = Path(folder) / target.name
        papermill.execute_notebook(
            str(source),
            str(part),
            parameters=parameters,
            cwd=str(source.parent),
            kernel_name="python3",
            progress_bar=False,
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{own}/k"}}),  # no open ports; a kernel's own
        )
        ran = nbformat.read(part, as_version=4)
    write_copy(source, ran.cells, target, {"inputs": inputs, "parameters": parameters})


def write_copy(source: Path, ran: list, target: Path, record: dict) -> None:
    """Put the outputs of cells that ran into the notebook as it is now, fill its alt texts and captions, and write."""
    notebook = nbformat.read(source, as_version=4)
    notebook.cells = splice(notebook.cells, ran)
    glued.fill(notebook.cells, source.stem)
    notebook.metadata[freshness.RECORD] = {**record, "prose": freshness.digest(source)}
    part = target.with_name(f".{target.name}")
    nbformat.write(notebook, part)
    os.replace(part, target)


def splice(cells: list, ran: list) -> list:
    """Give the code cells of a notebook the outputs of the cells that ran, and put injected parameters back.

    Times and random ids stay out, so two runs of the same inputs give the same bytes.
    """
    code = iter([cell for cell in ran if cell.cell_type == "code" and not injected(cell)])
    parameters = [cell for cell in ran if injected(cell)]
    found = []
    for cell in cells:
        found.append(cell)
        if cell.cell_type == "code":
            done = next(code)
            cell.outputs, cell.execution_count = joined(done.outputs), done.execution_count
            if parameters and "parameters" in cell.metadata.get("tags", []):
                found.append(clean(parameters.pop()))
    return [clean(parameter) for parameter in parameters] + found


def joined(outputs: list) -> list:
    """Return the outputs with neighbouring pieces of one stream made one: where a kernel cuts is a matter of time."""
    found = []
    for output in outputs:
        last = found[-1] if found else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            found.append(output)
    return found


def injected(cell) -> bool:
    return "injected-parameters" in cell.metadata.get("tags", [])


def clean(cell):
    cell.id, cell.metadata = "injected-parameters", {"tags": cell.metadata["tags"]}
    return cell


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


def run_all(root: Path, names: list[str], given: dict, live: bool, force: bool, jobs: int) -> int:
    """Bring the executed copies up to date, several pages at a time; return how many failed."""
    sources = freshness.sources(root)
    check_names(sources, given)
    if missing := sorted(set(names) - {s.stem for s in sources}):
        raise ValueError(f"{missing[0]}: no such notebook; known: {', '.join(s.stem for s in sources)}")
    remove_orphans(root)
    shared = freshness.shared_inputs(root)
    chosen = [s for s in sources if not names or s.stem in names]
    steps = [step_of(s, root, shared, parameters_for(s, given, live), force) for s in chosen]
    to_run = [step for step in steps if step and step.reason]
    failed = sum(taken(step) for step in steps if step and not step.reason)
    if min(jobs, len(to_run)) < 2:
        return failed + sum(map(taken, to_run))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:  # a process has its kernel's path
        return failed + sum(pool.map(taken, to_run))


def remove_orphans(root: Path) -> None:
    """Remove executed copies whose notebook is gone."""
    for folder in freshness.FOLDERS:
        for copy in (root / "book" / folder).glob("*.ipynb"):
            if not (root / folder / copy.name).exists():
                copy.unlink()


class Step(NamedTuple):
    """What is to be done for one page: run it, for a reason, or ("") put its new prose around the outputs it has."""

    source: Path
    target: Path
    reason: str
    record: dict  # what the copy was made from


def step_of(
    source: Path, root: Path, shared: dict[str, str], plan: tuple[dict, list[dict]], force: bool
) -> Step | None:
    """Return what is to be done for a page; None, and said, where nothing is."""
    target, inputs = freshness.copy_of(source, root), freshness.inputs_of(source, shared)
    parameters, accepted = plan
    record = freshness.read_record(target)
    reason = "--force" if force else freshness.why_rerun(record, inputs, accepted)
    if reason:
        return Step(source, target, reason, {"inputs": inputs, "parameters": parameters})
    if record["prose"] != freshness.digest(source):
        return Step(source, target, "", record)
    print(f"{source.stem}: unchanged", flush=True)
    return None


def taken(step: Step) -> int:
    """Take a step, and say so; return 1 if it failed."""
    print(f"{step.source.stem}: {f'runs ({step.reason})' if step.reason else 'new prose'}", flush=True)
    try:
        if step.reason:
            with kernel_path(live=step.record["parameters"].get("live", False)):
                execute(step.source, step.target, **step.record)
        else:
            write_copy(step.source, nbformat.read(step.target, as_version=4).cells, step.target, step.record)
    except (papermill.PapermillExecutionError, glued.TemplateError) as error:
        print(f"{step.source.stem}: failed\n{error}", file=sys.stderr)
        return 1
    return 0


def run_one(source: Path, root: Path, shared: dict[str, str], plan: tuple[dict, list[dict]], force: bool) -> int:
    """Run a page if it must, or renew its prose; return 1 if it failed."""
    step = step_of(source, root, shared, plan, force)
    return taken(step) if step else 0


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
    parser.add_argument("--jobs", type=int, default=2, help="pages at a time (2)")
    parser.add_argument("-p", dest="parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    given = {name: _value(text) for name, text in options.parameters}
    try:
        failed = run_all(options.root.resolve(), options.names, given, options.live, options.force, options.jobs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
