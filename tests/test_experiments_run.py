"""The command: what is current does not run, what runs says why, a killed run goes on, jobs change no byte."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dualalign import experiments
from dualalign.experiments import cache, registry, run, table

ROOT = Path(__file__).resolve().parent.parent
UNITS = ["sft4__arc-easy__choices", "sft4__mmlu__choices", "dpo__arc-easy__choices", "dpo__mmlu__choices"]


def laid_out(random_traces, folder: Path) -> tuple[Path, Path]:
    """A folder of traces and one for the table."""
    traces = folder / "traces"
    traces.mkdir()
    for seed, name in enumerate(UNITS):
        random_traces(40, seed=seed).save(traces / f"{name}.safetensors")
    return traces, folder / "table"


@pytest.fixture
def folders(random_traces, tmp_path):
    return laid_out(random_traces, tmp_path)


def command(folders, *arguments, **environment):
    traces, folder = folders
    line = [sys.executable, "-m", "dualalign.experiments", "--traces", traces, "--table", folder, *arguments]
    return {"args": [str(a) for a in line], "cwd": ROOT, "text": True, "env": os.environ | environment}


def said(folders, *arguments, code=0, **environment):
    """Lines of a run, from stdout or, where it fails, from stderr."""
    done = subprocess.run(**command(folders, *arguments, **environment), capture_output=True)
    assert done.returncode == code, done.stderr
    return (done.stderr if code else done.stdout).splitlines()


def reasons(folders, experiment="size"):
    return {job.unit: job.why for job in run.plan(experiment, *folders)}


def worked(folders, experiment="size", **options):
    return list(run.run([experiment], *folders, **options))


@pytest.fixture(scope="module")
def made_once(random_traces, tmp_path_factory):
    folders = laid_out(random_traces, tmp_path_factory.mktemp("made"))
    worked(folders)
    return folders[0].parent


@pytest.fixture
def made(made_once, tmp_path):
    """Folders with a table, a copy for each test."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "traces", tmp_path / "table"


def test_first_run_makes_every_unit_and_the_second_none(folders):
    lines = said(folders, "size")
    assert lines[0] == "size: 4 of 4 units to run (no rows yet)"
    assert sorted(line.split(":")[0] for line in lines if "no rows yet;" in line) == sorted(f"size {u}" for u in UNITS)
    assert all(line.endswith("s of CPU") for line in lines if "no rows yet;" in line)
    assert not (folders[1] / "size.part").exists()
    before = (folders[1] / "size.parquet").stat().st_mtime_ns
    assert said(folders, "size") == ["size: current, 4 units"]
    assert (folders[1] / "size.parquet").stat().st_mtime_ns == before


def test_a_changed_trace_runs_its_unit_only(made, random_traces):
    before = {name: unit.rows for name, unit in table.read(made[1] / "size.parquet").items()}
    random_traces(40, seed=9).save(made[0] / f"{UNITS[0]}.safetensors")
    assert reasons(made) == dict.fromkeys(UNITS, "") | {UNITS[0]: f"{UNITS[0]}.safetensors changed"}
    assert f"size {UNITS[0]}: {UNITS[0]}.safetensors changed" in worked(made)[1]
    after = {name: unit.rows for name, unit in table.read(made[1] / "size.parquet").items()}
    assert {name for name in UNITS if not before[name].equals(after[name])} == {UNITS[0]}


def test_a_changed_module_runs_every_unit_that_imports_it(made, monkeypatch):
    digest = cache.code_digest
    changed = {"objective.py"}
    monkeypatch.setattr(cache, "code_digest", lambda path: "new" if path.name in changed else digest(path))
    assert set(reasons(made).values()) == {"calibrators/objective.py changed"}
    changed |= {"protocol.py", "validate.py"}
    assert set(reasons(made).values()) == {"calibrators/objective.py changed and 2 more"}
    changed -= changed
    changed |= {"transfer.py", "registry.py", "run.py", "collect.py", "style.py"}
    assert set(reasons(made).values()) == {""}


def test_a_trace_more_and_a_trace_less(made, random_traces):
    (made[0] / f"{UNITS[1]}.safetensors").unlink()
    random_traces(40).save(made[0] / "smollm2-sft4__mmlu__cloze.safetensors")
    assert [why for why in reasons(made).values() if why] == ["no rows yet"]
    worked(made)
    assert set(experiments.load(made[1])["pair"]) == {"sft4", "dpo", "smollm2-sft4"}
    (made[0] / f"{UNITS[0]}.safetensors").unlink()
    assert worked(made) == ["size: current, 3 units"]
    assert set(experiments.load(made[1])["pair"]) == {"dpo", "smollm2-sft4"}


def test_a_damaged_table_is_made_anew(made):
    path = made[1] / "size.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert set(reasons(made).values()) == {"size.parquet is damaged"}
    worked(made)
    assert path.read_bytes() == whole


def test_force_runs_what_is_current(made):
    whole = (made[1] / "size.parquet").read_bytes()
    assert sum("--force;" in line for line in worked(made, force=True)) == 4
    assert (made[1] / "size.parquet").read_bytes() == whole


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"""Another."""\n\n\ndef f(x):  # why\n    """And another."""\n    return x + 1\n', True),
        ("def f(x):\n\n    return x + 1\n", True),
        ('"""One."""\ndef f(x):\n    """Two."""\n    return x + 2\n', False),
        ('"""One."""\ndef f(x, y=0):\n    """Two."""\n    return x + 1\n', False),
        ('"""One."""\ndef f(x):\n    """Two."""\n    return "x + 1"\n', False),
    ],
)
def test_words_decide_no_row(tmp_path, text, same):
    (tmp_path / "a.py").write_text('"""One."""\ndef f(x):\n    """Two."""\n    return x + 1\n')
    (tmp_path / "b.py").write_text(text)
    assert (cache.code_digest(tmp_path / "a.py") == cache.code_digest(tmp_path / "b.py")) is same


def test_sources_follow_imports():
    main, ablation = cache.sources("main"), cache.sources("ablation")
    shared = {"drift.py", "protocol.py", "calibrators/objective.py", "metrics/binned.py", "metrics/_checks.py"}
    shared |= {"calibrators/__init__.py", "traces/artifact.py", "traces/validate.py", "experiments/unit.py"}
    assert shared | {"experiments/main.py"} <= main.keys()
    assert ablation.keys() == main.keys() | {"experiments/ablation.py"}
    assert not [n for n in main if n.startswith(("lab/", "models/", "plots/", "cli/", "__init__")) or "collect" in n]
    modules = {path.name for path in (ROOT / "dualalign/calibrators").glob("*.py")} - {"streaming.py"}  # none streams
    assert {f"calibrators/{name}" for name in modules} <= main.keys()


@pytest.mark.parametrize("jobs", [1, 3])
def test_jobs_and_threads_change_no_byte(made, tmp_path, jobs):
    again = (made[0], tmp_path / "again")
    said(again, "size", "--jobs", str(jobs), OMP_NUM_THREADS=str(jobs), OPENBLAS_NUM_THREADS=str(jobs))
    assert (again[1] / "size.parquet").read_bytes() == (made[1] / "size.parquet").read_bytes()


def test_kill_9_keeps_the_units_that_were_finished(folders, random_traces, tmp_path):
    for seed, name in enumerate(UNITS):
        random_traces(1200, seed=seed).save(folders[0] / f"{name}.safetensors")
    killed = subprocess.Popen(**command(folders, "size", "--jobs", "1"), stdout=subprocess.PIPE)
    try:
        assert any(": no rows yet;" in line for line in killed.stdout)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.stdout.close()
        killed.wait()
    part = folders[1] / "size.part"
    assert not (folders[1] / "size.parquet").exists()
    done = settled(part)
    assert 1 <= len(done) < 4
    lines = said(folders, "size")
    assert lines[0] == f"size: {4 - len(done)} of 4 units to run (no rows yet)"
    assert not [line for line in lines if any(f"size {unit}:" in line for unit in done)]
    assert not part.exists()
    whole = (folders[0], tmp_path / "whole")
    worked(whole)
    assert (whole[1] / "size.parquet").read_bytes() == (folders[1] / "size.parquet").read_bytes()


def settled(part: Path) -> list[str]:
    """The finished units once the worker of the killed command has ended: nothing is added any more."""
    before, found = None, sorted(path.stem for path in part.glob("*.parquet"))
    while before != found:
        time.sleep(2)
        before, found = found, sorted(path.stem for path in part.glob("*.parquet"))
    return found


def test_parts_of_other_inputs_are_not_taken(folders, random_traces):
    job = run.plan("size", *folders)[0]
    job.part.parent.mkdir(parents=True)
    run.work(job)
    assert reasons(folders)[job.unit] == ""
    run.work(replace(job, inputs=job.inputs | {"drift.py": "old"}))
    assert reasons(folders)[job.unit] == "no rows yet"
    job.part.write_bytes(b"half")
    assert reasons(folders)[job.unit] == "no rows yet"


def test_list_says_what_there_is_and_runs_nothing(folders, random_traces):
    for name in (
        "smollm2__csqa__cloze",
        "smollm2-sft4__csqa__cloze",
    ):  # `references` needs both, `size` takes the latter
        random_traces(40).save(folders[0] / f"{name}.safetensors")
    lines = said(folders, "--list")
    assert [line.split(":")[0] for line in lines] == list(registry.NAMES)
    assert "size: how many questions a fit needs (5 of 5 units to run (no rows yet))" in lines
    assert not folders[1].exists()


def test_by_default_all_but_the_experiments_that_run_alone():
    chosen = [name for name in registry.NAMES if not registry.get(name).alone]
    assert "factorial" in registry.NAMES
    assert chosen == [name for name in registry.NAMES if name != "factorial"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing: no such experiment; known are main, ablation"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
        (["--frobnicate"], "No such option"),
        (["--traces", "nowhere"], "nowhere: holds no trace; run this from the project's root"),
        (["--traces", "tests", "size"], "tests: holds no trace"),
        (["size", "--table", "README.md"], "README.md: cannot be made (File exists)"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(folders, arguments, message):
    (line,) = said(folders, *arguments, code=2)
    assert line.startswith("dualalign.experiments: ")
    assert message in line


def test_a_broken_trace_ends_the_run_in_one_line(folders):
    (folders[0] / f"{UNITS[0]}.safetensors").write_bytes(b"broken")
    (line,) = said(folders, "size", code=2)
    assert f"{UNITS[0]}.safetensors: " in line


def test_nothing_of_it_imports_torch(folders):
    code = "import sys; import dualalign.experiments.command as c, dualalign.experiments.run as r; "
    code += "[r.registry.get(n) for n in r.registry.NAMES]; assert not {'torch', 'transformers'} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code = "import sys, dualalign.experiments; assert not {'typer', 'pandas', 'pyarrow'} & sys.modules.keys()"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
