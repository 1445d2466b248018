"""A notebook runs alone: copied into an empty folder, in an environment with a kernel and nothing of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from no_network import python_path

nbformat = pytest.importorskip("nbformat")
ROOT = Path(__file__).resolve().parent.parent


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository to fetch: a clone of this checkout with what is not yet committed to it."""
    bare = tmp_path_factory.mktemp("repository") / "project.git"
    if run("git", "-C", ROOT, "rev-parse", "--is-inside-work-tree").stdout.strip() != "true":
        pytest.skip("not a git checkout")
    run("git", "clone", "--quiet", "--bare", ROOT, bare)
    return bare.as_uri()


@pytest.mark.live
@pytest.mark.nightly
@pytest.mark.parametrize("name", ["01_start_here", "02_reliability", "17_decisions"])
def test_a_notebook_runs_alone_in_a_fresh_environment(tmp_path, repository, name):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "--quiet", "ipykernel", "papermill")
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", alone)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    run(
        *(tmp_path / "venv/bin/papermill", "--kernel", "python3", "--no-progress-bar"),
        *(f"{name}.ipynb", "executed.ipynb"),
        cwd=alone,
        env={**clean, "DUALALIGN_REPOSITORY": repository},
    )
    executed = nbformat.read(alone / "executed.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code" and cell.source.strip())
    assert (alone / "dualalign-book/data/traces").is_dir()


def test_the_first_cell_does_nothing_where_the_project_is(tmp_path):
    import first_cell

    script = f"import subprocess\nsubprocess.run = None\n{first_cell.cell_source()}\nprint(os.getcwd())"
    environment = {**os.environ, "PYTHONPATH": python_path(ROOT)}
    shown = run(sys.executable, "-c", script, cwd=ROOT / "notebooks", env=environment).stdout
    assert shown.strip() == str(ROOT / "notebooks")
