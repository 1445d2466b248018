"""Open question A: why can a temperature that was learned on inner layers help, when only the last one is scaled?

Suppose post-training multiplied the PoLM's logits by one factor a at every layer from the peak on: z_f^l = a z_g^l.
Then tau = a makes every entropy of the PoLM that of the PLM, so the process loss is 0 there whatever the aggregate, and
a is also what the last layer needs. Inner layers are then further measurements of one number. Where the factor differs
from layer to layer, the process loss finds a compromise, and the last layer gets a share of the inner layers' factor.

`layer_temperatures` measures the factor layer by layer, so that both cases can be told apart.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from . import drift
from .calibrators.objective import Path, layer_entropies
from .calibrators.search import T_MAX, T_MIN
from .traces import Traces


def layer_temperatures(traces: Traces, rows: np.ndarray | None = None) -> np.ndarray:
    """T_l at which the PoLM's mean entropy at layer l is that of the PLM, (L,); NaN where no T in [0.01, 100] does.

    The mean entropy rises with T, so there is at most one.

    Parameters
    ----------
    rows : bool or int (N,), the questions that count; all by default
    """
    chosen = traces if rows is None else traces.select(np.asarray(rows))
    if len(chosen) == 0:
        return np.full(traces.n_layers, np.nan)
    matched = drift.matched_plm(chosen)
    return np.array([_same_entropy(chosen.polm_logits[:, i], matched[:, i]) for i in range(chosen.n_layers)])


def _same_entropy(z_f: np.ndarray, z_g: np.ndarray) -> float:
    """Solve mean H(softmax(z_f / T)) = mean H(softmax(z_g)), both (N, K)."""
    from scipy.optimize import brentq

    path_f, target = _path(z_f), mean_entropy(z_g)

    def gap(log_t: float) -> float:
        return float(layer_entropies(path_f, math.exp(-log_t))[0].mean()) - target

    low, high = math.log(T_MIN), math.log(T_MAX)
    if not gap(low) <= 0 <= gap(high):
        return math.nan
    return math.exp(brentq(gap, low, high, xtol=1e-10))


def mean_entropy(z: np.ndarray) -> float:
    """Mean entropy of softmax(z) over the rows of (N, K), in nats."""
    return float(layer_entropies(_path(z), 1.0)[0].mean())


def _path(z: np.ndarray) -> Path:
    return Path(drift.options_first(z), np.ones(len(z), dtype=np.int64))


def last_layer_only(traces: Traces) -> Traces:
    """The same questions as models of two equal layers, the last: the process loss then sees the last layer alone."""
    plm, polm = (z[:, -1:].repeat(2, axis=1) for z in (traces.plm_logits, traces.polm_logits))
    return replace(traces, plm_logits=plm, polm_logits=polm)


def inner_layers_only(traces: Traces) -> Traces:
    """The same questions without their last layer: the process loss then sees inner layers alone.

    The last logits, and with them weights and agreement, are those of the layer before.
    """
    if traces.n_layers < 3 or traces.plm_logits.shape[1] < 3:
        raise ValueError(f"traces has {traces.n_layers} layers; inner_layers_only needs at least 3 of each model")
    return replace(traces, plm_logits=traces.plm_logits[:, :-1], polm_logits=traces.polm_logits[:, :-1])
