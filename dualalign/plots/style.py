"""Colours, markers and axes shared by every figure; nothing here touches matplotlib's global settings.

Each colour keeps a contrast of at least 3 : 1 against white and against a dark page (#121212), and colours that meet in
one figure also differ in marker or line style, so that a grey print stays readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#3b3b3b"  # text and frames; the report turns it into the page's own text colour
QUIET = "#808080"  # reference lines: diagonal, zero, noise floor
PLM = "#0072b2"
POLM = "#d55e00"
AGREE = "#1b9e77"
DISAGREE = "#9a60b4"

REGIME = {"agree": AGREE, "disagree": DISAGREE}
MODEL = {"PLM": PLM, "PoLM": POLM}
DASH = {"PLM": "-", "PoLM": "--", "agree": "-", "disagree": "--"}
MARKER = {"PLM": "o", "PoLM": "s", "agree": "o", "disagree": "^"}
OPTION_MARKER = ("o", "s", "^", "D", "v", "P", "X", "*")
OPTIONS = ("#0072b2", "#d55e00", "#1b9e77", "#9a60b4", "#a07000", "#c2387c", "#3c91a8", "#808080")

METHOD = {
    "vanilla": POLM,  # the PoLM as it is
    "align-all": "#a07000",
    "daca": "#3c91a8",
    "confidence-only": "#6a78d0",
    "process-only": "#b5596a",
    "dual-align": "#c2387c",
    "basecal": PLM,  # the PLM's own confidence
    "agreement": AGREE,
    "batch": "#8c6d5a",
    "contextual": "#7a8450",
    "pride": "#5f8f3a",
    "cape": "#8a6fd0",
    "vector-scaling": "#5a7fb0",
    "matrix-scaling": "#2f8f6f",
    "temperature-scaling": QUIET,
}
METHOD_MARKER = {"vanilla": "s", "dual-align": "D", "temperature-scaling": "*", "daca": "^", "align-all": "v"}
METHOD_MARKER |= {"pride": "P", "cape": "X", "vector-scaling": "<", "matrix-scaling": ">"}

HATCH_EDGE = "#ffffff80"
LABEL_SIZE = 9
TICK_SIZE = 8


def canvas(ax: Axes | None, size: tuple[float, float] = (4.8, 3.4)) -> Axes:
    """Return ``ax``, or the axes of a new figure of ``size`` inches where it is ``None``."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained")[1]
    return tidy(ax)


def tidy(ax: Axes) -> Axes:
    """Give one axes the house look: two spines, small outward ticks, ink text, transparent ground."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(colors=INK, labelsize=TICK_SIZE, length=3)
    ax.set_facecolor("none")
    return ax


def panels(n: int, axes=None, height: float = 2.6, columns: int = 3) -> np.ndarray:
    """Return axes for ``n`` panels, new ones where ``axes`` is None, ``columns`` a row; those left over are hidden."""
    if axes is None:
        import matplotlib.pyplot as plt

        rows, columns = -(-n // columns), min(n, columns)
        size = {"figsize": (3.1 * columns, height * rows), "squeeze": False, "sharex": True, "sharey": True}
        axes = plt.subplots(rows, columns, layout="constrained", **size)[1]
    for ax in axes.flat[:n]:
        tidy(ax).tick_params(labelbottom=True)  # a shared axis writes its numbers in the last row only
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    return axes


def beside(axes, n: int, size: tuple[float, float], **shared) -> np.ndarray:
    """Return ``n`` axes side by side, (n,): ``axes``, or those of a new figure of ``size`` inches where it is None."""
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(1, n, figsize=size, layout="constrained", squeeze=False, **shared)[1][0]
    return axes


def plain_ticks(ax: Axes, ticks: Sequence[float], low: float, high: float) -> None:
    """Write the plain numbers of ``ticks`` between ``low`` and ``high`` on a logarithmic x axis, and no others."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    ax.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def label(ax: Axes, x: str, y: str, title: str = "") -> Axes:
    """Name both axes, and the plot where ``title`` is given."""
    ax.set_xlabel(x, color=INK, fontsize=LABEL_SIZE)
    ax.set_ylabel(y, color=INK, fontsize=LABEL_SIZE)
    if title:
        ax.set_title(title, color=INK, fontsize=LABEL_SIZE + 1, loc="left")
    return ax


def legend(ax: Axes | Figure, **options) -> Axes | Figure:
    """Add a frameless legend in ink to axes or a figure, its marks opaque where the points are faint."""
    drawn = ax.legend(frameon=False, fontsize=TICK_SIZE, title_fontsize=TICK_SIZE, labelcolor=INK, **options)
    drawn.get_title().set_color(INK)
    for handle in drawn.legend_handles:
        if hasattr(handle, "get_offsets"):  # a scatter's
            handle.set_alpha(1)
    return ax


def shared_legend(axes: np.ndarray, place: str = "lower center", columns: int = 4) -> None:
    """Put the legend of the first axes outside all of them: "lower center" or "upper center" of the figure."""
    handles, labels = axes.flat[0].get_legend_handles_labels()
    legend(axes.flat[0].figure, handles=handles, labels=labels, loc=f"outside {place}", ncols=columns)


def legend_in_free_panel(axes: np.ndarray, used: int) -> bool:
    """Put the legend of the first axes into the first panel that is left over; False where there is none."""
    if used == axes.size:
        return False
    axes.flat[used].set_visible(True)
    axes.flat[used].set_axis_off()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    legend(axes.flat[used], handles=handles, labels=labels, loc="center")
    return True


def method_colour(name: str) -> str:
    """Return a method's colour; methods outside the list share the quiet grey."""
    return METHOD.get(name, QUIET)


def integer_ticks(ax: Axes, both: bool = False) -> Axes:
    """Put the ticks of the x axis (layers), or of both, on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis)[: 1 + both]:
        axis.set_major_locator(MaxNLocator(integer=True))
    return ax
