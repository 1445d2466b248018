"""What post-training changed: against counting by hand, and properties that hold for any pair."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_traces as random_traces
from hypothesis import given
from hypothesis import strategies as st

from dualalign import Traces, change, drift, plots, protocol


def pair(plm, polm, labels):
    """Traces of two layers whose last one has these probabilities."""
    g, f = (np.log(np.asarray(p, float))[:, None, :].repeat(2, 1) for p in (plm, polm))
    n, _, k = g.shape
    return Traces(g, f, labels, [k] * n, tuple(f"q{i}" for i in range(n)))


FIVE = pair(
    [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]],
    [[0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]],
    [0, 1, 1, 0, 1],
)


def test_outcomes_by_hand():
    assert change.outcomes(FIVE).tolist() == list(change.OUTCOMES)


def test_inflation_by_hand():
    found = change.inflation(FIVE, draws=50)
    assert found["confidence"].value == pytest.approx(np.mean([0.3, -0.1, 0.3, 0.3, 0.2]))
    assert found["accuracy"].value == pytest.approx(0.0)  # one put right, one put wrong
    assert found["inflation"].value == pytest.approx(0.2)
    assert found["inflation"].low < found["inflation"].value < found["inflation"].high


def test_reversal_is_below_a_blind_guess():
    assert change.reversal(FIVE).tolist() == [False, False, True, True, True]
    assert not change.reversal(pair([[0.4, 0.35, 0.25]], [[0.1, 0.8, 0.1]], [0])).any()


@given(st.integers(0, 10_000))
def test_shares_sum_to_one_and_agreement_is_the_first_two(seed):
    traces = random_traces(n=30, layers=4, k=4, seed=seed, padded=True)
    row = change.of_pairs({"pair": traces}, draws=20).loc["pair"]
    assert row[list(change.OUTCOMES)].sum() == pytest.approx(1)
    assert row[list(change.OUTCOMES[:2])].sum() == pytest.approx(row["agreement"])
    assert row["agreement"] + row["reversed"] <= 1 + 1e-12
    assert row["inflation"] == pytest.approx(row["confidence"] - row["accuracy"])


def test_a_model_against_itself_changed_nothing():
    t = random_traces(n=20, layers=3, k=4, seed=1, padded=False)
    same = Traces(t.plm_logits, t.plm_logits, t.labels, t.n_options, t.question_ids)
    row = change.of_pairs({"same": same}, draws=20).loc["same"]
    assert row["agreement"] == row["same, surer"] == 1
    assert row["sharpening"] == row["inflation"] == row["reversed"] == 0
    assert np.isnan(row["jump"])


def test_regime_contrast_finds_a_known_difference_and_none():
    rng = np.random.default_rng(0)
    agree = rng.random(2000) < 0.5
    values = rng.normal(size=2000) + np.where(agree, 0, 0.5)
    found = change.regime_contrast(values, agree)
    assert found.low < 0.5 < found.high
    assert found.low > 0
    held = [change.regime_contrast(rng.normal(size=100), rng.random(100) < 0.5, 200) for _ in range(200)]
    assert 0.9 <= np.mean([d.low <= 0 <= d.high for d in held]) <= 0.99


def test_largest_jump_is_brute_force():
    t = random_traces(n=15, layers=5, k=3, seed=3, padded=True)
    steps = np.abs(np.diff(drift.layer_divergence(t), axis=1))
    np.testing.assert_allclose(change.largest_jump(t), steps.max(axis=1))


def test_figures_show_every_pair():
    pairs = {name: random_traces(n=40, layers=4, k=4, seed=0, padded=False) for name in ("first", "second")}
    table = change.of_pairs(pairs, draws=20)
    ax = plots.plot_outcomes(table)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["first", "second"]
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(len(change.OUTCOMES), 2)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    both = protocol.both_models(pairs, draws=20)
    assert plots.plot_premise(both[both.model == "PLM"]).get_xlim()[0] == 0
    axes = plots.plot_shift(both.assign(pair=both["set"], set="one"))
    labels = [t.get_text() for t in axes.flat[0].get_legend().get_texts()]
    assert labels == ["PLM", "first", "second"]
    assert [a.get_title(loc="left") for a in plots.plot_recipe_layers(pairs).flat] == ["first", "second"]
    assert len(plots.plot_contrasts(table, "inflation", "x").get_yticks()) == 2
    diagram = plots.prepare_reliability(np.array([0.3, 0.9]), np.array([True, False]), draws=5)
    assert [a.get_title(loc="left") for a in plots.plot_chain({"PLM": diagram, "sft": diagram})] == ["PLM", "sft"]
    line = plots.plot_layer_map(18, 30).lines[1]
    np.testing.assert_array_equal(line.get_ydata(), drift.match_layers(18, 30))
    plt.close("all")


def test_by_regime_by_hand():
    found = change.by_regime(FIVE, draws=50)
    assert found["n"].tolist() == [5, 2, 3]
    assert found["confidence"].tolist() == pytest.approx([0.5, 0.5, 0.5], abs=1e-6)
    assert found["accuracy"].tolist() == pytest.approx([2 / 5, 1 / 2, 1 / 3])
    assert found["gap"].tolist() == pytest.approx([0.1, 0.0, 1 / 6], abs=1e-6)  # logits are float32
    assert (found["gap_low"] <= found["gap"]).all()
    assert (found["gap"] <= found["gap_high"]).all()


@given(st.integers(0, 2**32 - 1))
def test_the_gaps_of_the_regimes_add_up_to_that_of_all(seed):
    found = change.by_regime(random_traces(n=40, seed=seed), draws=2)
    parts = found.drop(index="all")
    assert (parts["n"] * parts["gap"]).sum() == pytest.approx(found.loc["all", "n"] * found.loc["all", "gap"])


def test_by_regime_leaves_out_a_regime_without_questions():
    same = pair([[0.7, 0.3]], [[0.9, 0.1]], [0])
    assert change.by_regime(same, draws=5).index.tolist() == ["all", "agree"]


def test_regime_gaps_are_drawn_where_they_are():
    table = pd.concat({"a": change.by_regime(FIVE, draws=20)}, names=["pair"])
    ax = plots.plot_regime_gaps(table)
    drawn = {line.get_label(): line.get_xdata()[0] for line in ax.get_lines()}
    assert {n: drawn[n] for n in ("all", "agree", "disagree")} == table.droplevel(0)["gap"].to_dict()
    plt.close("all")
