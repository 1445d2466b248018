"""Figures of the ledger and of the layers' factors: what is drawn is what the tables hold."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
import pytest

from dualalign import ledger, plots

pytestmark = pytest.mark.usefixtures("closed")


BOOK = pd.DataFrame(
    {"supported": [3, 0, 0], "undecided": [1, 0, 2], "contradicted": [0, 0, 2], "settings": [4, 0, 4],
     "verdict": ["supported", "undecided", "contradicted"]},
    index=["1", "7", "5"],
)  # fmt: skip


def test_bars_are_shares_of_the_settings_and_verdicts_stand_beside_them():
    ax = plots.plot_ledger(BOOK)
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    assert widths == {"supported": [0.75, 0, 0], "undecided": [0.25, 0, 0.5], "contradicted": [0, 0, 0.5]}
    assert [text.get_text() for text in ax.texts] == ["supported (4)", "undecided (0)", "contradicted (4)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "7", "5"]
    assert tuple(widths) == ledger.STATES


def test_factors_are_drawn_over_relative_depth():
    ax = plots.plot_layer_temperatures({"a": np.array([1.0, 2.0]), "b": np.array([1.0, np.nan, 4.0])})
    lines = {line.get_label(): line.get_xydata() for line in ax.get_lines() if not line.get_label().startswith("_")}
    assert lines["a"].tolist() == [[0.5, 1.0], [1.0, 2.0]]
    assert lines["b"][-1].tolist() == [1.0, 4.0]


def test_no_pair_is_refused():
    with pytest.raises(ValueError, match="at least one pair"):
        plots.plot_layer_temperatures({})
