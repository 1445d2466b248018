"""Drift between a PLM g and its PoLM f: layer divergence, peak layer, stability entropy. Pure functions of logits.

Letters follow Dual-Align [P] (arXiv:2601.04277): g is the pre-trained model, f the post-trained one. Entropies and
divergences are in nats unless `base` says otherwise. Options that a row does not have are -inf and count nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .traces import Traces

LN2 = float(np.log(2.0))
BASES = {"e": 1.0, "2": LN2}
PEAK_RULES = ("max-jump", "max-rise", "max-divergence")
AGGREGATES = ("mean-entropy", "sum-entropy", "entropy-mean")
TEMPERED = ("all", "last")
FLOOR = -1e150  # stands for -inf: a tiny beta times FLOOR still has no probability, and 0 * FLOOR**2 is 0, not NaN
_CHUNK_ROWS = 8192  # rows (questions x layers) at a time, so that temporary arrays stay in the processor's cache


def one_of(argument: str, value: object, allowed: tuple[str, ...] | dict[str, object]) -> object:
    """Return `value` if it is allowed, else raise a ValueError that names the argument and lists what is.

    Examples
    --------
    >>> da.drift.one_of("rule", "max-jump", da.drift.PEAK_RULES)
    'max-jump'
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{argument} is {value!r}; allowed are {', '.join(map(repr, allowed))}")
    return value


def log_softmax_options(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return float64 log-probabilities over the last axis; a padded option (-inf) keeps -inf.

    Parameters
    ----------
    logits : (..., K)
    temperature : positive float, else ValueError; `inf` gives the uniform distribution over the real options.

    Examples
    --------
    >>> logits = np.log([1.0, 3.0])  # odds of 1 to 3; halving the temperature squares them
    >>> np.exp(da.drift.log_softmax_options(logits)).round(3).tolist()
    [0.25, 0.75]
    >>> np.exp(da.drift.log_softmax_options(logits, temperature=0.5)).round(3).tolist()
    [0.1, 0.9]
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; give a positive number")
    logits = np.asarray(logits, dtype=np.float64)
    scaled = logits - logits.max(axis=-1, keepdims=True)
    if temperature != 1.0:
        real = np.isfinite(scaled)
        scaled = np.where(real, np.where(real, scaled, 0.0) / temperature, -np.inf)
    return scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))


def entropy(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return H(p) = -sum_k p_k ln p_k of p = softmax(logits / temperature) over the last axis, (...,), in nats.

    Examples
    --------
    >>> float(np.exp(da.drift.entropy(np.zeros(4))).round(3))  # four equal options: ln 4
    4.0
    """
    log_p = log_softmax_options(logits, temperature)
    return -_expected(np.exp(log_p), log_p)


def options_first(logits: np.ndarray) -> np.ndarray:
    """Return logits (..., K) as float64 (K, ...), the largest option of each row at 0 and padding at FLOOR, not -inf.

    Options come first because NumPy adds K long rows much faster than many short ones.

    Examples
    --------
    >>> da.drift.options_first(np.array([[1.0, 3.0, -np.inf]])).tolist()
    [[-2.0], [0.0], [-1e+150]]
    """
    first = np.ascontiguousarray(np.moveaxis(logits, -1, 0), dtype=np.float64)
    first -= first.max(axis=0)
    return np.maximum(first, FLOOR, out=first)


def js_divergence(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon divergence, H((p + q) / 2) - (H(p) + H(q)) / 2, over the last axis, 0 to ln 2 nats [P].

    Parameters
    ----------
    log_p, log_q : (..., K) log-probabilities, -inf where an option has none.

    Examples
    --------
    >>> yes, no, unsure = np.array([0.0, -np.inf]), np.array([-np.inf, 0.0]), np.log([0.5, 0.5])
    >>> [float(da.drift.js_divergence(yes, other).round(3)) for other in (yes, unsure, no)]  # the last is ln 2
    [0.0, 0.216, 0.693]
    """
    return _js(*(np.maximum(np.moveaxis(np.asarray(log), -1, 0), FLOOR) for log in (log_p, log_q)))


def _js(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """JSD over the first axis: mean of E_p[log(2p/(p+q))] and E_q[log(2q/(p+q))], exactly 0 where p is q."""
    ratio = log_q - log_p
    over_p = np.log1p(np.exp(-np.abs(ratio))) + np.maximum(ratio, 0.0)  # log((p+q)/p), without overflow
    divergence = np.exp(log_p) * (LN2 - over_p) + np.exp(log_q) * (LN2 + (ratio - over_p))
    return np.clip(divergence.sum(axis=0) / 2, 0.0, LN2)


def match_layers(n_plm: int, n_polm: int) -> np.ndarray:
    """Return int (L_f,): the 1-based PLM layer that each PoLM layer is compared with, max(1, round(l L_g / L_f)).

    Examples
    --------
    >>> da.drift.match_layers(6, 4).tolist()  # of 1.5, 3, 4.5 and 6; halves go to the even layer
    [2, 3, 4, 6]
    """
    layers = np.arange(1, n_polm + 1)
    return np.maximum(1, np.rint(layers * n_plm / n_polm)).astype(np.int64)


def matched_plm(traces: Traces) -> np.ndarray:
    """Return float32 (N, L_f, K): the PLM's logits at the layers matched with the PoLM's (a view at equal depth).

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.zeros((1, 6, 2)), np.zeros((1, 4, 2)))  # six layers and four
    >>> da.drift.matched_plm(traces).shape
    (1, 4, 2)
    """
    n_plm = traces.plm_logits.shape[1]
    if n_plm == traces.n_layers:
        return traces.plm_logits
    return traces.plm_logits[:, match_layers(n_plm, traces.n_layers) - 1]


def layer_divergence(traces: Traces, base: str = "e") -> np.ndarray:
    """Return d_l(x) = JSD(p_g^l || p_f^l) of every question and layer, (N, L_f) [P].

    `base` is "e" (nats, 0 to ln 2) or "2" (bits, 0 to 1); ValueError for another.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> g = [[[0.0, 0.0], [99.0, 0.0]]]  # one question, two layers, two options
    >>> f = [[[0.0, 0.0], [0.0, 99.0]]]
    >>> da.drift.layer_divergence(from_arrays(g, f)).round(3).tolist()  # at one, then opposed: 0, then ln 2
    [[0.0, 0.693]]
    """
    one_of("base", base, BASES)
    plm, out = matched_plm(traces), np.empty(traces.polm_logits.shape[:2])
    step = max(1, _CHUNK_ROWS // traces.n_layers)
    for start in range(0, len(traces), step):
        rows = slice(start, start + step)
        out[rows] = _js(log_softmax_first(plm[rows]), log_softmax_first(traces.polm_logits[rows]))
    return out / BASES[base]


def log_softmax_first(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities (K, ...) of logits (..., K), options first and FLOOR where padded.

    Examples
    --------
    >>> np.exp(da.drift.log_softmax_first(np.log([[1.0, 3.0]]))).round(3).tolist()
    [[0.25], [0.75]]
    """
    log_p = options_first(logits)
    log_p -= np.log(np.exp(log_p).sum(axis=0))
    return log_p


def final_divergence(traces: Traces) -> np.ndarray:
    """Return d_L(x), the divergence of the two models' answers, (N,), in nats [P].

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> da.drift.final_divergence(from_arrays([[[99.0, 0.0]]], [[[0.0, 99.0]]])).round(3).tolist()
    [0.693]
    """
    return js_divergence(log_softmax_options(traces.plm_final), log_softmax_options(traces.polm_final))


def peak_layer(traces: Traces | np.ndarray, rule: str = "max-jump") -> np.ndarray:
    """Return the peak divergence layer l*(x), 1-based, int (N,); the first such layer on ties [P].

    Parameters
    ----------
    traces : Traces, or their layer divergence (N, L)
    rule : "max-jump" argmax over l >= 2 of |d_l - d_(l-1)| [P]; "max-rise" the same without the absolute value, so that
        only a parting counts, not a coming together; "max-divergence" argmax over all l of d_l [O]. ValueError for
        another, and for a jump where there is one layer.

    Examples
    --------
    >>> divergence = np.array([[0.0, 0.3, 0.1, 0.6, 0.2]])  # jumps of 0.3, 0.2, 0.5, 0.4
    >>> da.drift.peak_layer(divergence).tolist()
    [4]
    """
    one_of("rule", rule, PEAK_RULES)
    divergence = traces if isinstance(traces, np.ndarray) else layer_divergence(traces)
    if rule == "max-divergence":
        return divergence.argmax(axis=1) + 1
    if divergence.shape[1] < 2:
        raise ValueError(f"traces has {divergence.shape[1]} layer; a jump between layers needs at least 2")
    jumps = np.diff(divergence, axis=1)
    return (np.abs(jumps) if rule == "max-jump" else jumps).argmax(axis=1) + 2


def stability_entropy(
    logits: np.ndarray,
    peak_layer: np.ndarray,
    temperature: float = 1.0,
    aggregate: str = "mean-entropy",
    tempered: str = "all",
) -> np.ndarray:
    """Return ISE(x; tau), the inferential stability entropy from the peak layer to the last, (N,), in nats [P].

    Parameters
    ----------
    logits : (N, L, K), -inf where padded
    peak_layer : int (N,), 1-based
    temperature : tau, divides the logits of the layers that `tempered` names
    aggregate : "mean-entropy" of H(softmax(z^l / tau)) over l >= l*, "sum-entropy" (no mean) or "entropy-mean" (entropy
        of the layers' mean distribution) [O]
    tempered : "all" layers from the peak on, or the "last" only [O]

    Raises
    ------
    ValueError
        For an unknown option value or a peak layer outside 1..L.

    Examples
    --------
    >>> logits = np.array([[[0.0, 0.0], [0.0, 0.0], [99.0, 0.0]]])  # unsure twice, then certain
    >>> da.drift.stability_entropy(logits, np.array([2])).round(3).tolist()  # the mean of ln 2 and 0
    [0.347]
    >>> da.drift.stability_entropy(logits, np.array([2]), aggregate="entropy-mean").round(3).tolist()  # H(3/4, 1/4)
    [0.562]
    """
    one_of("aggregate", aggregate, AGGREGATES)
    one_of("tempered", tempered, TEMPERED)
    logits, peak_layer = np.asarray(logits), np.asarray(peak_layer)
    n_layers = logits.shape[1]
    if peak_layer.size and not (peak_layer.min() >= 1 and peak_layer.max() <= n_layers):
        raise ValueError(f"peak_layer runs from {peak_layer.min()} to {peak_layer.max()}; it must lie in 1..{n_layers}")
    log_p = _tempered_log_softmax(logits, temperature, tempered)
    inside = np.arange(1, n_layers + 1) >= peak_layer[:, None]
    share = inside / inside.sum(axis=1, keepdims=True)
    if aggregate == "entropy-mean":
        mean = (np.exp(log_p) * share[:, :, None]).sum(axis=1)
        return -_expected(mean, np.log(np.where(mean > 0, mean, 1.0)))
    entropies = -_expected(np.exp(log_p), log_p)
    return (entropies * (share if aggregate == "mean-entropy" else inside)).sum(axis=1)


def agreement(traces: Traces) -> np.ndarray:
    """Return bool (N,): True where both models predict the same option (the first one on ties).

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> da.drift.agreement(from_arrays([[[1.0, 0.0]], [[1.0, 0.0]]], [[[9.0, 0.0]], [[0.0, 9.0]]])).tolist()
    [True, False]
    """
    return traces.plm_final.argmax(axis=1) == traces.polm_final.argmax(axis=1)


def regimes(traces: Traces) -> np.ndarray:
    """Return str (N,): "confidence-drift" where the two models agree, "process-drift" where they do not [P].

    The paper separates the two by the final answers; whether the paths then differ as it says is for the data to show.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> da.drift.regimes(from_arrays([[[1.0, 0.0]], [[1.0, 0.0]]], [[[9.0, 0.0]], [[0.0, 9.0]]])).tolist()
    ['confidence-drift', 'process-drift']
    """
    return np.where(agreement(traces), "confidence-drift", "process-drift")


def _tempered_log_softmax(logits: np.ndarray, temperature: float, tempered: str) -> np.ndarray:
    if tempered == "all":
        return log_softmax_options(logits, temperature)
    inner, last = log_softmax_options(logits[:, :-1]), log_softmax_options(logits[:, -1:], temperature)
    return np.concatenate([inner, last], axis=1)


def _expected(p: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sum of p * values over the last axis, where 0 * inf counts as 0."""
    return (p * np.where(p > 0, values, 0.0)).sum(axis=-1)
