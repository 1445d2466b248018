"""Which PLM layer each PoLM layer is held against, for two models of different depth. Pure functions; no label enters.

`drift` matches by relative depth. Here are other maps, and `rematched`, which gives traces in which a map is in force:
their PLM has one layer for each of the PoLM's, so that everything that reads traces uses the map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import drift

if TYPE_CHECKING:
    from .traces import Traces

DEFAULT = "relative-depth"
BY_DEPTH = (DEFAULT, "last-aligned", "first-aligned", "final-only")  # need the two depths only
BY_BELIEF = ("nearest-divergence", "nearest-rank")  # look at what the layers say
MAPS = (*BY_DEPTH, *BY_BELIEF)


def layer_map(traces: Traces, name: str = DEFAULT) -> np.ndarray:
    """Return int (L_f,): the 1-based PLM layer for each PoLM layer. It never falls, and the last goes with the last.

    Parameters
    ----------
    traces : Traces
    name : one of `MAPS`.
        "relative-depth" as `drift.match_layers`;
        "last-aligned" counts from the end, max(1, l - L_f + L_g);
        "first-aligned" counts from the start, min(l, L_g), but for the last layer;
        "final-only" the PLM's last layer everywhere, a control: no path is left to compare with;
        "nearest-divergence" and "nearest-rank" the map with the least mean `divergence_cost` or `rank_cost`, among
        those that never fall.
    """
    drift.one_of("name", name, MAPS)
    n_plm, n_polm = traces.plm_logits.shape[1], traces.n_layers
    if name in BY_BELIEF:
        return nearest_in_order((divergence_cost if name == "nearest-divergence" else rank_cost)(traces))
    layers = np.arange(1, n_polm + 1)
    by_depth = {
        DEFAULT: drift.match_layers(n_plm, n_polm),
        "last-aligned": np.maximum(1, layers - n_polm + n_plm),
        "first-aligned": np.where(layers == n_polm, n_plm, np.minimum(layers, n_plm)),
        "final-only": np.full(n_polm, n_plm),
    }
    return by_depth[name]


def rematched(traces: Traces, layers: np.ndarray) -> Traces:
    """Return traces whose PLM has, at each of the PoLM's layers, the layer that a map gives.

    Parameters
    ----------
    traces : Traces
    layers : int (L_f,), 1-based PLM layers

    Raises
    ------
    ValueError
        For a map of another length, a layer that the PLM does not have, or a last layer that is not the PLM's last:
        the confidence loss compares the two answers.
    """
    from dataclasses import replace

    layers, n_plm = np.asarray(layers), traces.plm_logits.shape[1]
    if layers.shape != (traces.n_layers,) or not np.issubdtype(layers.dtype, np.integer):
        raise ValueError(f"layers is {layers.dtype} {layers.shape}; give {traces.n_layers} whole numbers, one a layer")
    if layers.min() < 1 or layers.max() > n_plm:
        raise ValueError(f"layers runs from {layers.min()} to {layers.max()}; the PLM has layers 1..{n_plm}")
    if layers[-1] != n_plm:
        raise ValueError(f"layers ends with {layers[-1]}; the last must be the PLM's last, {n_plm}")
    return replace(traces, plm_logits=traces.plm_logits[:, layers - 1])


def divergence_cost(traces: Traces) -> np.ndarray:
    """Return the mean JSD of the beliefs of each PoLM layer and each PLM layer, nats, (L_f, L_g)."""
    plm, polm = (drift.log_softmax_options(logits) for logits in (traces.plm_logits, traces.polm_logits))
    by_plm = [drift.js_divergence(plm[:, [i]], polm).mean(axis=0) for i in range(plm.shape[1])]
    return np.stack(by_plm, axis=1)


def rank_cost(traces: Traces) -> np.ndarray:
    """Return 1 less the mean rank correlation (Kendall, tau-a) of the options at each pair of layers, (L_f, L_g).

    A rank does not see how sharp a layer is: a temperature on either model leaves it as it is.
    """
    first, second = np.triu_indices(traces.mask.shape[1], 1)
    real = traces.mask[:, first] & traces.mask[:, second]
    share = real / real.sum(axis=1, keepdims=True)
    plm, polm = (_signs(logits, first, second, real) for logits in (traces.plm_logits, traces.polm_logits))
    return 1.0 - np.einsum("nfp,ngp,np->fg", polm, plm, share, optimize=True) / len(traces)


def _signs(logits: np.ndarray, first: np.ndarray, second: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Sign of each difference of two options, 0 where one of them is not real, (N, L, pairs)."""
    finite = np.where(np.isfinite(logits), logits, 0.0)
    return np.sign(finite[:, :, first] - finite[:, :, second]) * real[:, None]


def nearest_in_order(cost: np.ndarray) -> np.ndarray:
    """Return int (L_f,): the 1-based map of least total cost that never falls and ends at the last column.

    By dynamic programming; of equal maps, the one with the earlier layers.
    """
    n_rows, n_columns = cost.shape
    total, came_from = cost[0], np.zeros((n_rows, n_columns), dtype=np.int64)
    for row in range(1, n_rows):
        least = np.minimum.accumulate(total)
        came_from[row] = np.searchsorted(-least, -least)  # the first column at which the running minimum is reached
        total = cost[row] + least
    path = [n_columns - 1]
    for row in range(n_rows - 1, 0, -1):
        path.append(int(came_from[row, path[-1]]))
    return np.array(path[::-1]) + 1
