"""The shipped table of results: whole, and what the code of now computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dualalign.experiments import registry, run, table
from dualalign.experiments.unit import Name
from dualalign.traces import Traces

ROOT = Path(__file__).resolve().parent.parent
TRACES, FOLDER = ROOT / "data/traces", ROOT / "data/results/table"
# Quick units. Processors differ in the last bits, and a bin or a resample can turn on one.
QUICK = {"main": "sft4__csqa__choices", "ablation": "sft4__csqa__choices", "claims": "sft4__csqa__choices"}
TOLERANCE, TURNED = 1e-6, 0.01


@pytest.mark.parametrize("experiment", registry.NAMES)
def test_every_unit_is_there(experiment):
    wanted = registry.get(experiment).units(run.names_of(TRACES))
    assert table.read(FOLDER / f"{experiment}.parquet").keys() == wanted.keys()


@pytest.mark.parametrize("experiment", registry.NAMES)
def test_every_unit_is_current(experiment):
    """No trace and no line of code that decided a row has changed since; make results brings them up to date."""
    assert not [f"{job.unit}: {job.why}" for job in run.plan(experiment, TRACES, FOLDER) if job.why]


@pytest.mark.parametrize(("experiment", "unit"), QUICK.items())
def test_a_unit_computed_now_is_the_one_shipped(experiment, unit):
    shipped = table.read(FOLDER / f"{experiment}.parquet")[unit].rows
    read = {Name.parse(unit): Traces.load(TRACES / f"{unit}.safetensors")}
    now = table.frame({**row, "experiment": experiment} for row in registry.get(experiment).rows(unit, read))
    assert now[list(table.KEY)].equals(shipped[list(table.KEY)])
    off = ~np.isclose(now["value"], shipped["value"], rtol=TOLERANCE, atol=TOLERANCE)
    assert off.mean() <= TURNED, now[off]
