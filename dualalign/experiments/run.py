"""Run what is not current, unit by unit, over a few processes; finished units outlive a killed run."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

from ..traces import Traces
from . import cache, registry, table
from .unit import Name

# One thread a process: the number of threads changes the last bits of a matrix product.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One unit of an experiment: the traces that it reads, the digests of its inputs, why it must run ("": current)."""

    experiment: str
    unit: str
    traces: tuple[Path, ...]
    inputs: dict[str, str]
    part: Path  # where its rows wait until every unit of the experiment is there
    why: str


def run(experiments: Sequence[str], traces: Path, folder: Path, force: bool = False, jobs: int = 2) -> Iterator[str]:
    """Bring experiments up to date and say, line by line, what ran, why and for how long.

    Raises
    ------
    ValueError
        For an unknown experiment, a folder without traces, or one that cannot be written.
    """
    plans = {name: plan(name, traces, folder, force) for name in experiments}
    for name, units in plans.items():
        yield f"{name}: {state(units)}"
    todo = [job for units in plans.values() for job in units if job.why]
    _make(folder, {job.part.parent for job in todo})
    begun, spent = time.perf_counter(), 0.0
    left = {name: sum(bool(job.why) for job in units) for name, units in plans.items()}
    for name in (name for name, count in left.items() if not count):
        _finish(name, plans[name], folder)
    for job, seconds in _worked(todo, jobs):
        yield f"{job.experiment} {job.unit}: {job.why}; {seconds:.1f} s of CPU"
        spent += seconds
        left[job.experiment] -= 1
        if not left[job.experiment]:
            yield f"{job.experiment}: {_finish(job.experiment, plans[job.experiment], folder)}"
    if todo:
        yield f"{len(todo)} units, {spent:.0f} s of CPU, {time.perf_counter() - begun:.0f} s"


def plan(experiment: str, traces: Path, folder: Path, force: bool = False) -> list[Job]:
    """All units of an experiment, each with the reason to run it.

    Raises
    ------
    ValueError
        For an unknown experiment, or a folder that holds no trace that it asks for.
    """
    units = registry.get(experiment).units(names_of(traces))
    sources, kept = cache.sources(experiment), _kept(folder / f"{experiment}.parquet")
    jobs = []
    for unit, read in sorted(units.items()):
        files = tuple(traces / f"{name}.safetensors" for name in read)
        inputs = {path.name: cache.digest(path) for path in files} | sources
        part = folder / f"{experiment}.part" / f"{unit}.parquet"
        job = Job(experiment, unit, files, inputs, part, "--force" if force else "")
        jobs.append(job if force else _explained(job, kept))
    if not jobs:
        raise ValueError(f"{traces}: holds no trace that {experiment} asks for; data/README.md says how to make them")
    return jobs


def state(jobs: Sequence[Job]) -> str:
    """How much of an experiment is current."""
    todo = [job.why for job in jobs if job.why]
    return f"{len(todo)} of {len(jobs)} units to run ({todo[0]})" if todo else f"current, {len(jobs)} units"


def names_of(traces: Path) -> list[Name]:
    """The traces in a folder.

    Raises
    ------
    ValueError
        Where there is none.
    """
    names = [Name.parse(path.stem) for path in sorted(traces.glob("*.safetensors"))]
    if not names:
        raise ValueError(f"{traces}: holds no trace; run this from the project's root, or name the folder by --traces")
    return names


def work(job: Job) -> float:
    """Run one unit and leave its rows in the folder of parts; return the seconds of CPU."""
    begun = time.process_time()
    read = {Name.parse(path.stem): Traces.load(path) for path in job.traces}
    rows = registry.get(job.experiment).rows(job.unit, read)
    unit = table.Unit(table.frame({**row, "experiment": job.experiment} for row in rows), job.inputs)
    table.write(job.part, {job.unit: unit})
    return time.process_time() - begun


def _kept(path: Path) -> dict[str, table.Unit] | None:
    """What a file holds; None where it is damaged."""
    try:
        return table.read(path) if path.exists() else {}
    except ValueError:
        return None


def _explained(job: Job, kept: dict[str, table.Unit] | None) -> Job:
    """Fill in why the unit must run: neither a finished run nor a killed one left rows of these inputs."""
    if _current(job, kept):
        return job
    known = (kept or {}).get(job.unit)
    why = f"{job.experiment}.parquet is damaged" if kept is None else cache.why(known and known.inputs, job.inputs)
    return Job(job.experiment, job.unit, job.traces, job.inputs, job.part, why)


def _current(job: Job, kept: dict[str, table.Unit] | None) -> table.Unit | None:
    for units in (_kept(job.part), kept):
        unit = (units or {}).get(job.unit)
        if unit and unit.inputs == job.inputs:
            return unit
    return None


def _finish(experiment: str, jobs: Sequence[Job], folder: Path) -> str:
    """Put the units together in one file, if that changes it, and drop the parts."""
    path, parts = folder / f"{experiment}.parquet", folder / f"{experiment}.part"
    kept = _kept(path)
    units = {job.unit: _current(job, kept) for job in jobs}
    if kept is None or parts.exists() or kept.keys() != units.keys():
        table.write(path, units)
    shutil.rmtree(parts, ignore_errors=True)
    return f"{sum(len(unit.rows) for unit in units.values())} rows in {path}, {path.stat().st_size / 1000:.0f} kB"


def _make(folder: Path, parts: set[Path]) -> None:
    try:
        for path in [folder, *parts]:
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be made ({error.strerror}); choose another --table") from None


def _worked(todo: Sequence[Job], jobs: int) -> Iterator[tuple[Job, float]]:
    """Run the jobs in processes of their own, and yield each when it is done."""
    if not todo:
        return
    with _single_threads():
        pool = ProcessPoolExecutor(min(jobs, len(todo)), get_context("spawn"), _end_with_parent)
        try:
            running = {pool.submit(work, job): job for job in todo}
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threads() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _end_with_parent() -> None:
    """Let a worker end when the command is killed: it would wait for work for ever."""

    def watch() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
