"""What half precision on disk changes in the numbers that the book reports, and that files are stored as listed."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import dualalign as da
from dualalign.lab import catalogue, tracing

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [entry for entry in catalogue.CATALOGUE.values() if (ROOT / entry.path).exists()]

# Stated tolerances of float16 storage. A logit of 59 (the largest here) moves by at most 59 * 2^-11 = 0.029.
ACCURACY = 0.001  # two options may change places where their logits differ by less than the rounding
CONFIDENCE = 0.01  # of one question; its mean far less
MEAN_CONFIDENCE = 2e-4
ECE = 0.002  # of 1,390 questions
ECE_OF_FEW = 0.011  # of some 200 to 500: a confidence that crosses the edge of a bin takes its question along
SMOOTH_ECE = 0.001  # it has no bins, and follows the accuracy
DIVERGENCE = 0.01  # nats, of one question at one layer
MEAN_DIVERGENCE = 2e-4
ENTROPY = 0.02  # nats, of one question, where the peak layer stays the same
TEMPERATURE = 0.005  # relative


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The main trace as it is shipped, in float32, and after a round through float16."""
    whole = da.Traces.load(ROOT / "data/traces/sft4__arc-easy__choices.safetensors")
    path = tmp_path_factory.mktemp("half") / "half.safetensors"
    whole.save(path, "float16")
    return whole, da.Traces.load(path)


def final(traces):
    p = np.exp(da.drift.log_softmax_options(traces.polm_final))
    return p.max(1), p.argmax(1), p.argmax(1) == traces.labels


def test_accuracy_and_confidence_hardly_move(both):
    (before, answer, right), (after, other, still) = (final(t) for t in both)
    assert abs(right.mean() - still.mean()) < ACCURACY
    assert 0 < np.abs(before - after).max() < CONFIDENCE
    assert abs(before.mean() - after.mean()) < MEAN_CONFIDENCE
    assert abs(da.metrics.ece(before, right) - da.metrics.ece(after, still)) < ECE
    changed = np.flatnonzero(answer != other)
    first, second = np.sort(both[0].polm_final[changed], axis=1)[:, :-3:-1].T
    assert (first - second <= 2 * 2.0**-11 * np.abs(first)).all()  # no prediction changes that was not as good as a tie


@pytest.mark.parametrize("name", ["arc-challenge", "openbookqa", "csqa", "mmlu", "medmcqa"])
def test_errors_of_the_other_sets_hardly_move(name):
    whole = da.Traces.load(ROOT / f"data/traces/sft4__{name}__choices.safetensors")
    for z in (whole.plm_final, whole.polm_final):
        (c, r), (d, s) = (
            da.metrics.top_label(np.exp(da.drift.log_softmax_options(x)), whole.labels)
            for x in (z, z.astype(np.float16).astype(np.float32))
        )
        assert abs(da.metrics.ece(c, r) - da.metrics.ece(d, s)) < (ECE if len(c) > 1000 else ECE_OF_FEW)
        assert abs(da.metrics.smooth_ece(c, r) - da.metrics.smooth_ece(d, s)) < SMOOTH_ECE


def test_drift_hardly_moves(both):
    whole, half = (da.drift.layer_divergence(t) for t in both)
    assert 0 < np.abs(whole - half).max() < DIVERGENCE
    assert abs(whole.mean() - half.mean()) < MEAN_DIVERGENCE
    peak, other = (da.drift.peak_layer(t) for t in both)
    assert (peak == other).mean() > 0.995  # two jumps of nearly the same size may change places
    entropies = [da.drift.stability_entropy(t.polm_logits, peak) for t in both]
    assert 0 < np.abs(entropies[0] - entropies[1]).max() < ENTROPY


@pytest.mark.parametrize("method", ["DualAlign", "DACA", "AlignAll", "TemperatureScaling"])
def test_temperatures_hardly_move(method, both):
    whole, half = (getattr(da, method)().fit(t).temperature_ for t in both)
    assert np.isfinite(whole)
    assert half == pytest.approx(whole, rel=TEMPERATURE)


def test_the_rounding_stays_within_what_the_live_check_allows_for_it(both):
    """The allowance for float16, without the tolerance for processors, bounds the rounding of every row."""
    whole, half = both
    room = tracing.allowance(half, "float16", tolerance=0.0)
    moved = tracing.deviation(whole, half)
    assert (moved <= room).all()
    assert moved.max() > room.max() / 20
    assert (tracing.allowance(half, "float32", tolerance=0.5) == 0.5).all()


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_every_shipped_trace_is_stored_as_its_entry_says(entry):
    with (ROOT / entry.path).open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    stored = {header[name]["dtype"] for name in ("plm_logits", "polm_logits")}
    assert stored == {{"float32": "F32", "float16": "F16"}[entry.stored]}


def test_the_data_table_holds_every_trace_and_its_checksum():
    """`python tools/data_readme.py` after a trace has changed."""
    table = (ROOT / "data/README.md").read_text("utf-8")
    section = table[table.index("## Traces") : table.index("## Question sets")]
    rows = {row.split("|")[1].strip(" `"): row for row in section.splitlines() if ".safetensors`" in row}
    traces = {path.name: path for path in (ROOT / catalogue.TRACES).glob("*.safetensors")}
    assert rows.keys() == traces.keys() >= {entry.path.name for entry in SHIPPED}
    for name, path in traces.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() in rows[name], name
