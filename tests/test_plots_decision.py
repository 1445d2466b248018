"""The decision chart keeps its words apart, and the curves of labels are those of the table."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch

from dualalign import plots
from dualalign.plots import style

matplotlib.use("Agg")

STEPS = [
    ("Are there labels for 100 or more of these very questions?", "Temperature scaling on them"),
    ("Do they say that the PLM is less than five points above chance, or is it undecided?", "None without labels " * 4),
    ("Short?", "Yes"),
]


pytestmark = pytest.mark.usefixtures("closed")


def boxes(ax):
    ax.figure.canvas.draw()
    return {t.get_text(): t.get_bbox_patch().get_window_extent() for t in ax.texts if t.get_bbox_patch()}


def test_every_question_and_answer_stands_in_a_box_of_its_own():
    ax = plots.plot_decision(STEPS, "Dual-Align, on trust")
    found = boxes(ax)
    words = [" ".join(text.split()) for text in found]
    assert words == [" ".join(text.split()) for step in STEPS for text in step] + ["Dual-Align, on trust"]
    figure, drawn = ax.figure.bbox, list(found.values())
    for i, box in enumerate(drawn):
        assert figure.x0 <= box.x0 and box.x1 <= figure.x1 and figure.y0 <= box.y0 and box.y1 <= figure.y1  # noqa: PT018
        assert not any(box.overlaps(other) for other in drawn[i + 1 :])


def test_yes_leads_right_and_no_leads_down():
    ax = plots.plot_decision(STEPS, "Otherwise")
    ax.figure.canvas.draw()
    arrows = [(t.xyann, t.xy) for t in ax.texts if getattr(t, "arrow_patch", None)]
    assert all(isinstance(t.arrow_patch, FancyArrowPatch) for t in ax.texts if getattr(t, "arrow_patch", None))
    right = [(a, b) for a, b in arrows if a[1] == b[1]]
    down = [(a, b) for a, b in arrows if a[0] == b[0]]
    assert len(right) == len(down) == len(STEPS)
    assert len(arrows) == 2 * len(STEPS)
    assert all(b[0] > a[0] for a, b in right)
    assert all(b[1] > a[1] for a, b in down)  # the axis points down
    assert ax.yaxis_inverted()
    words = [t.get_text() for t in ax.texts if t.get_fontstyle() == "italic"]
    assert sorted(words) == ["no"] * 3 + ["yes"] * 3


def gaps():
    rows = [
        {"situation": s, "rival": r, "n": n, "median": m, "low": m - 0.01, "high": m + 0.02}
        for s, shift in (("at chance", -0.1), ("calibrated", 0.02))
        for r in ("dual-align", "daca", "align-all", "basecal")
        for n, m in ((5, shift), (50, shift - 0.02), (500, shift - 0.03))
    ]
    return pd.DataFrame(rows)


def test_curves_and_bands_are_those_of_the_table():
    table = gaps().sample(frac=1, random_state=0).sort_values("situation", kind="stable")
    axes = plots.plot_label_gaps(table)
    assert [ax.get_title("left") for ax in axes.flat] == ["PLM at chance", "PLM calibrated"]
    for ax, shift in zip(axes.flat, (-0.1, 0.02), strict=True):
        lines = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
        assert list(lines) == ["dual-align", "daca", "align-all"]
        assert lines["daca"].get_xydata().tolist() == pytest.approx(
            np.array([[5, shift], [50, shift - 0.02], [500, shift - 0.03]])
        )
        assert lines["daca"].get_color() == style.method_colour("daca")
        band = ax.collections[0].get_paths()[0].vertices
        assert band[:, 1].min() == pytest.approx(shift - 0.04)
        assert band[:, 1].max() == pytest.approx(shift + 0.02)
        assert [label.get_text() for label in ax.get_xticklabels()] == ["5", "50", "500"]
        assert ax.get_xscale() == "log"
