"""Figures of one question: what is marked is what is met, and the peak is where drift puts it."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from dualalign import drift, plots
from dualalign.course import maths

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("closed")


def test_marks_stand_where_each_is_equal():
    p, z = np.array([0.48, 0.40, 0.11, 0.01]), np.array([6.0, 3.0, 1.0, 0.0])
    data = plots.prepare_one_question(p, z)
    best = data.table.loc[data.table.kl.idxmin(), "temperature"]
    assert data.met["expected logits"] == pytest.approx(best, rel=0.03)
    assert maths.softmax(z, data.met["confidences"]).max() == pytest.approx(p.max())
    assert maths.entropy(maths.softmax(z, data.met["entropies"])) == pytest.approx(maths.entropy(p))
    left, right = plots.plot_one_question(data).flat
    marked = sorted(line.get_xdata()[0] for line in left.get_lines()[1:])
    np.testing.assert_allclose(marked, sorted(data.met.values()))
    np.testing.assert_array_equal(right.get_lines()[0].get_ydata(), data.table["expected"])


def test_decided_reads_the_layers_from_the_peak_on(random_traces):
    traces = random_traces(6, 5)
    data = plots.prepare_decided(traces, 2, 3.0)
    peak = drift.peak_layer(traces)[2]
    assert data[data.inside].layer.tolist() == list(range(peak, 6))
    plm = drift.stability_entropy(drift.matched_plm(traces), drift.peak_layer(traces))[2]
    polm = drift.stability_entropy(traces.polm_logits, drift.peak_layer(traces), 3.0)[2]
    assert data[data.inside][["PLM", "PoLM at T"]].mean().tolist() == pytest.approx([plm, polm])
    assert data.loc[~data.inside, "PoLM at T"].isna().all()
    ax = plots.plot_decided(data, 3.0)
    assert "PoLM at T = 3.00" in [text.get_text() for text in ax.get_legend().get_texts()]
