"""The figure of costs draws the table that it is given."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dualalign import plots


def test_a_line_a_model_on_logarithmic_axes():
    curves = pd.DataFrame({"small": [1.0, 2.0, 9.0], "large": [10.0, 20.0, 95.0]}, index=[10, 20, 80])
    ax = plots.plot_bill(curves, unit="euros")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.get_lines()} == curves.to_dict("list")
    assert np.array_equal(ax.get_lines()[0].get_xdata(), curves.index)
    assert "euros" in ax.get_ylabel()
    plt.close("all")
