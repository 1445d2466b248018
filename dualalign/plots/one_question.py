"""One question: the divergence from the PLM's belief over the temperature, and how decided both models are by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dualalign import drift
from dualalign.course import maths
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from dualalign.traces import Traces

EQUAL = {"confidences": ":", "entropies": "-.", "expected logits": "-"}  # what is equal, and the dash of its mark


class OneQuestion(NamedTuple):
    """Curves over the temperature (`temperature`, `kl`, `expected`, `confidence`, `entropy`), what the PLM's belief
    makes of the last three, and the temperature at which each of `EQUAL` is met."""

    table: pd.DataFrame
    plm: dict[str, float]
    met: dict[str, float]


def prepare_one_question(plm: np.ndarray, logits: np.ndarray, temperatures=None) -> OneQuestion:
    """Evaluate one question's divergence, and what is equal where.

    Parameters
    ----------
    plm : (K,) the PLM's belief, without zeros
    logits : (K,) the PoLM's logits
    temperatures : (M,) grid, by default 0.8 to 16
    """
    import pandas as pd

    plm, logits = np.asarray(plm, dtype=float), np.asarray(logits, dtype=float)
    grid = np.geomspace(0.8, 16, 120) if temperatures is None else np.asarray(temperatures, dtype=float)
    q = maths.softmax(logits / grid[:, None])
    columns = {"temperature": grid, "kl": maths.kl(plm, q), "expected": q @ logits}
    table = pd.DataFrame(columns | {"confidence": q.max(axis=1), "entropy": maths.entropy(q)})
    mine = {"expected": float(plm @ logits), "confidence": float(plm.max()), "entropy": float(maths.entropy(plm))}
    met = {
        "confidences": maths.crossing(lambda t: maths.softmax(logits, t).max() - mine["confidence"]),
        "entropies": maths.crossing(lambda t: mine["entropy"] - maths.entropy(maths.softmax(logits, t))),
        "expected logits": maths.aligned(logits[None], plm[None]),
    }
    return OneQuestion(table, mine, met)


def plot_one_question(data: OneQuestion, axes=None) -> np.ndarray:
    """Draw `prepare_one_question`: the divergence with three marks, and both models' mean of the PoLM's logits."""
    axes = _pair() if axes is None else style.panels(2, axes, columns=2)
    left, right = axes.flat[:2]
    left.plot(data.table["temperature"], data.table["kl"], color=style.POLM, lw=1.8)
    for (what, dash), colour in zip(EQUAL.items(), (style.QUIET, style.DISAGREE, style.PLM), strict=True):
        name, look = f"{what}: T = {data.met[what]:.2f}", {"linestyle": dash, "color": colour, "lw": 1.4}
        left.axvline(data.met[what], ymax=0.62, label=name, **look)
    style.legend(left, title="equal", loc="upper right")
    right.plot(data.table["temperature"], data.table["expected"], "--", color=style.POLM, lw=1.8, label="by the PoLM")
    right.axhline(data.plm["expected"], color=style.PLM, lw=1.4, label="by the PLM")
    right.axvline(data.met["expected logits"], color=style.PLM, lw=1.0)
    style.legend(right, loc="upper right")
    style.label(left, "Temperature", "KL from the PLM (nats)")
    style.label(right, "Temperature", "Expected logit of the PoLM")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
        ax.minorticks_off()
    return axes


def prepare_decided(traces: Traces, index: int, temperature: float) -> pd.DataFrame:
    """Read how decided both models are about one question at every layer.

    Returns
    -------
    DataFrame
        ``layer`` (1-based), ``inside`` (from the peak on), and the entropies ``PLM``, ``PoLM`` and ``PoLM at T``: the
        PoLM's logits divided by ``temperature`` from the peak on.
    """
    import pandas as pd

    one = traces.select([index])
    layer = np.arange(1, one.n_layers + 1)
    inside = layer >= drift.peak_layer(one)[0]
    plm, polm, heated = (
        drift.entropy(z[0], t)
        for z, t in ((drift.matched_plm(one), 1), (one.polm_logits, 1), (one.polm_logits, temperature))
    )
    heated = np.where(inside, heated, np.nan)
    return pd.DataFrame({"layer": layer, "inside": inside, "PLM": plm, "PoLM": polm, "PoLM at T": heated})


def plot_decided(data: pd.DataFrame, temperature: float, ax: Axes | None = None) -> Axes:
    """Draw `prepare_decided`: entropies by layer, the part from the peak on shaded, each mean there as a mark."""
    ax = style.canvas(ax, (5.6, 3.3))
    looks = {
        "PLM": (style.PLM, "-", "o"),
        "PoLM": (style.POLM, "--", "s"),
        "PoLM at T": (style.METHOD["dual-align"], "-.", "D"),
    }
    inside = data[data["inside"]]
    ax.axvspan(inside["layer"].min() - 0.5, inside["layer"].max() + 0.5, color=style.QUIET, alpha=0.15, lw=0)
    for name, (colour, dash, marker) in looks.items():
        said = f"PoLM at T = {temperature:.2f}" if name == "PoLM at T" else name
        ax.plot(data["layer"], data[name], dash, color=colour, lw=1.6, label=said)
        ax.plot(inside["layer"].max() + 1.2, inside[name].mean(), marker, color=colour, markeredgecolor=style.INK)
    style.label(ax, "Layer", "Entropy (nats)")
    return style.legend(style.integer_ticks(ax), loc="upper left", bbox_to_anchor=(0, 1.18), ncols=3)


def _pair() -> np.ndarray:
    import matplotlib.pyplot as plt

    axes = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained", squeeze=False)[1]
    return style.panels(2, axes, columns=2)
