"""Figures of carried temperatures: what is drawn is what the tables hold."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dualalign import plots

matplotlib.use("Agg")
SETS = ["arc-easy", "mmlu", "piqa"]


pytestmark = pytest.mark.usefixtures("closed")


def square(seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).uniform(-0.2, 0.2, (3, 3))
    np.fill_diagonal(values, 0)
    return pd.DataFrame(values, SETS, SETS)


def test_heat_maps_leave_the_diagonal_and_say_the_sign_in_print():
    grids, order = {"daca": square(), "dual-align": square(1)}, SETS[::-1]
    grids["daca"].loc["mmlu", "piqa"], grids["dual-align"].loc["mmlu", "piqa"] = -0.004, 0.003  # no sign left in print
    axes = plots.plot_transfer(grids, order)
    for ax, (name, grid) in zip(axes, grids.items(), strict=True):
        assert ax.get_title(loc="left") == name
        drawn = {text.get_position()[::-1]: text.get_text() for text in ax.texts}
        expected = {
            (i, j): "0" if (s, t) == ("mmlu", "piqa") else f"{100 * grid.loc[s, t]:+.0f}".replace("-", "−")
            for i, s in enumerate(order)
            for j, t in enumerate(order)
            if s != t
        }
        assert drawn == expected
        low, high = ax.images[0].get_clim()
        assert low == -high
    assert [t.get_text() for t in axes[0].get_yticklabels()] == order
    assert not (np.diag(grids["daca"])).any()  # the table itself is left as it was


def test_points_are_ordered_pairs_of_different_sets():
    distance, excess = square(2).abs(), square(3)
    data = plots.prepare_distances(distance, excess)
    assert len(data) == 6
    for row in data.itertuples():
        assert row.source != row.target
        assert row.distance == distance.loc[row.source, row.target]
        assert row.excess == excess.loc[row.source, row.target]
    ax = plots.plot_distances({"daca": data}).flat[0]
    assert ax.lines[1].get_xydata().tolist() == data[["distance", "excess"]].to_numpy().tolist()
    with pytest.raises(ValueError, match="different sets"):
        plots.prepare_distances(distance.iloc[::-1, ::-1], excess)


def test_own_fits_beside_all_that_was_carried_from_elsewhere():
    own = pd.DataFrame({"dual-align": [0.1, 0.2, 0.3], "temperature-scaling": [0.05, 0.06, 0.07]}, SETS)
    carried, floor = square(4).abs() + 0.01, pd.Series([0.02, 0.03, 0.04], SETS)
    ax = plots.plot_carried_labels(own, carried, floor)
    lines = iter(ax.lines)
    for height, name in enumerate(SETS):
        others = carried[name].drop(name)
        assert sorted(next(lines).get_xdata()) == [others.min(), others.max()]
        assert next(lines).get_xdata().tolist() == others.tolist()
        assert next(lines).get_xdata() == [floor[name]]
        for method in own:
            mark = next(lines)
            assert (mark.get_xdata(), mark.get_ydata()) == ([own.loc[name, method]], [height])
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["temperature-scaling, carried", "noise floor", "dual-align, own", "temperature-scaling, own"]
