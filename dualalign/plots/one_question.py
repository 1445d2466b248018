"""One question, one temperature: the divergence from the PLM's belief, and what is equal where it is least."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dualalign.course import maths
from dualalign.plots import style

if TYPE_CHECKING:
    import pandas as pd

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
    axes = style.panels(2, axes, height=3.0, columns=2) if axes is not None else _pair()
    left, right = axes.flat[:2]
    left.plot(data.table["temperature"], data.table["kl"], color=style.POLM, lw=1.8)
    for (what, dash), colour in zip(EQUAL.items(), (style.QUIET, style.DISAGREE, style.PLM), strict=True):
        left.axvline(data.met[what], linestyle=dash, color=colour, lw=1.4, label=f"{what}: T = {data.met[what]:.2f}")
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


def _pair() -> np.ndarray:
    import matplotlib.pyplot as plt

    axes = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained", squeeze=False)[1]
    return style.panels(2, axes, columns=2)
