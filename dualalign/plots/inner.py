"""The factor by which post-training scaled each layer, see `dualalign.inner`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dualalign.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_layer_temperatures(factors: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Draw T_l of `inner.layer_temperatures` over relative depth, a line a pair; a large mark at the last layer.

    Parameters
    ----------
    factors : pair -> (L,); depths may differ, and NaN leaves a gap
    """
    if not factors:
        raise ValueError("factors is empty; give the layer temperatures of at least one pair")
    ax = style.canvas(ax, (6.4, 3.8))
    ax.axhline(1, color=style.QUIET, linestyle=":", linewidth=1)
    for i, (name, values) in enumerate(factors.items()):
        colour, marker = style.OPTIONS[i % len(style.OPTIONS)], "os^Dv*XP"[i % 8]
        depth = np.arange(1, len(values) + 1) / len(values)
        look = {"color": colour, "marker": marker, "linestyle": ("-", "-.", ":", "--")[i % 4]}
        ax.plot(depth, values, **look, markersize=4, linewidth=1, label=name)
        ax.plot(depth[-1], values[-1], marker, color=colour, markersize=8)
    ax.set_yscale("log", base=2)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    style.label(ax, "Relative depth of the layer", "Factor of the logits, T_l")
    return style.legend(ax, loc="upper left", ncols=2)
