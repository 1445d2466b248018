"""Traces of arrays in memory: logits of every layer, or residual streams with what unembeds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import __version__
from .. import validate
from ..artifact import Traces
from .pair import MAX_OPTIONS

_ROWS, _NUMBERS = 64, 2**24  # questions unembedded at a time, and numbers in their K rows of the unembedding


@dataclass(frozen=True)
class Unembedding:
    """What a model does behind its last block.

    Parameters
    ----------
    weight : (V, D), an array or a torch tensor, as all that follow
    bias : (V,) or None
    norm_weight, norm_bias : (D,) or None, the final norm; None where the stream has been normed already
    norm_mean : 1 for LayerNorm, which subtracts the mean; 0 for RMSNorm
    norm_eps, norm_offset : its epsilon, and what is added to norm_weight (1 in Gemma)
    logit_scale : factor of the logits
    softcap : c of c tanh(logit / c), 0 for none

    Examples
    --------
    >>> from dualalign.traces.imports import Unembedding
    >>> head = Unembedding(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))  # three tokens, a stream of width 2
    >>> head(np.array([[[5.0, 7.0]]]), np.array([[0, 2]])).tolist()  # one question, one layer; tokens 0 and 2
    [[[5.0, 12.0]]]
    """

    weight: np.ndarray
    bias: np.ndarray | None = None
    norm_weight: np.ndarray | None = None
    norm_bias: np.ndarray | None = None
    norm_mean: float = 0.0
    norm_eps: float = 1e-6
    norm_offset: float = 0.0
    logit_scale: float = 1.0
    softcap: float = 0.0

    def __post_init__(self) -> None:
        for name in ("weight", "bias", "norm_weight", "norm_bias"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_array(getattr(self, name), name))

    def __call__(self, stream: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Logits (N, L, K) of each question's own tokens, ids (N, K), from its stream (N, L, D); -1 gives any row."""
        step = min(_ROWS, max(1, _NUMBERS // max(1, ids.shape[1] * stream.shape[2])))
        parts = [self._some(stream[i : i + step], ids[i : i + step]) for i in range(0, len(stream), step)]
        return np.concatenate(parts) if parts else np.zeros((*stream.shape[:2], ids.shape[1]), np.float32)

    def _some(self, stream: np.ndarray, ids: np.ndarray) -> np.ndarray:
        rows = self.weight[ids].astype(np.float32)  # (B, K, D)
        logits = self._normed(stream.astype(np.float32)) @ rows.transpose(0, 2, 1)
        if self.bias is not None:
            logits += self.bias[ids][:, None, :]
        logits *= np.float32(self.logit_scale)
        return np.tanh(logits / self.softcap) * self.softcap if self.softcap else logits

    def _normed(self, stream: np.ndarray) -> np.ndarray:
        if self.norm_weight is None:
            return stream
        if self.norm_mean:
            stream = stream - stream.mean(axis=-1, keepdims=True)
        scale = np.sqrt(np.square(stream).mean(axis=-1, keepdims=True) + np.float32(self.norm_eps))
        normed = stream / scale * (self.norm_weight.astype(np.float32) + np.float32(self.norm_offset))
        return normed if self.norm_bias is None else normed + self.norm_bias.astype(np.float32)


@np.errstate(all="ignore")  # what is not finite is refused by name at the end
def from_arrays(
    plm: np.ndarray,
    polm: np.ndarray,
    option_ids: np.ndarray | Sequence | None = None,
    *,
    plm_head: Unembedding | None = None,
    polm_head: Unembedding | None = None,
    labels: np.ndarray | None = None,
    n_options: np.ndarray | None = None,
    question_ids: Sequence[str] | None = None,
    groups: Sequence[str] = (),
    metadata: dict[str, str] | None = None,
) -> Traces:
    """Make traces of arrays in memory; torch tensors are taken too.

    Parameters
    ----------
    plm, polm : logits (N, L, V) or (N, L, K); or residual streams (N, L, D), with ``plm_head`` and ``polm_head``
    option_ids : (K,) or (N, K) tokens of the options, -1 past the last; needed unless the logits are of options alone
        (an array whose last axis is as long as a row of ``option_ids`` counts as that)
    plm_head, polm_head : Unembedding, where the arrays are residual streams
    labels, n_options : (N,); labels are unknown by default; the number of options is that of the ids that are not -1,
        or of the columns before trailing -inf
    question_ids, groups : N texts; ids are "0", "1", ... by default
    metadata : free strings, `plm` and `polm` among them

    Raises
    ------
    ValueError
        One line that names the array and what is wrong.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> vocabulary = np.arange(24.0).reshape(1, 2, 12)  # one question, two layers, twelve tokens
    >>> traces = from_arrays(vocabulary, vocabulary, option_ids=[3, 4, -1], metadata={"plm": "base", "polm": "chat"})
    >>> traces
    Traces(1 questions, 2 layers, 3 options, base and chat)
    >>> traces.plm_logits.tolist()
    [[[3.0, 4.0, -inf], [15.0, 16.0, -inf]]]
    """
    given = [as_array(plm, "plm"), as_array(polm, "polm")]
    n = len(given[0]) if given[0].ndim else 0
    ids = None if option_ids is None else _ids(option_ids, n)
    g, f = (_option_logits(*one) for one in zip(("plm", "polm"), given, (ids, ids), (plm_head, polm_head), strict=True))
    counts = _counts(n_options, ids, g)
    gap = np.arange(g.shape[2])[None, None, :] >= counts[:, None, None]
    return Traces(
        plm_logits=np.where(gap, np.float32(-np.inf), g),
        polm_logits=np.where(gap, np.float32(-np.inf), f),
        labels=np.full(n, -1) if labels is None else validate.as_int64("labels", as_array(labels, "labels")),
        n_options=counts,
        question_ids=tuple(map(str, range(n))) if question_ids is None else tuple(question_ids),
        groups=tuple(groups),
        metadata={"created_by": f"dualalign {__version__}", **(metadata or {})},
    )


def as_array(values: object, name: str) -> np.ndarray:
    """Return an array of numbers; a torch tensor is taken off its graph and device, half precision made single.

    Raises
    ------
    ValueError
        Names the array, where it holds no numbers.

    Examples
    --------
    >>> from dualalign.traces.imports.arrays import as_array
    >>> as_array([1.0, 2.0], "plm").dtype
    dtype('float64')
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values.float() if values.is_floating_point() else values).numpy()
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{name} is an array of {values.dtype}; give numbers")
    return values


def _option_logits(side: str, values: np.ndarray, ids: np.ndarray | None, head: Unembedding | None) -> np.ndarray:
    """Logits of the options (N, L, K), from logits of the vocabulary or a stream."""
    if values.ndim != 3 or values.dtype.kind != "f":
        raise ValueError(f"{side} has shape {values.shape} of {values.dtype}; give floats (questions, layers, ...)")
    if head is not None:
        _check_head(side, values, ids, head)
        return head(values, ids)
    if ids is None and values.shape[2] > MAX_OPTIONS:
        raise ValueError(f"{side} has {values.shape[2]} columns; of a vocabulary, option_ids must name the options")
    if ids is None or values.shape[2] == ids.shape[1]:
        return values.astype(np.float32, copy=False)
    _check_tokens(side, ids, values.shape[2], len(values))
    return np.take_along_axis(values, np.broadcast_to(ids[:, None, :], (*values.shape[:2], ids.shape[1])), axis=2)


def _check_head(side: str, stream: np.ndarray, ids: np.ndarray | None, head: Unembedding) -> None:
    if ids is None:
        raise ValueError(f"{side}: a residual stream needs option_ids")
    shape, width = np.shape(head.weight), stream.shape[2]
    if len(shape) != 2 or shape[1] != width:
        raise ValueError(f"{side}: unembed has shape {shape}; give (vocabulary, {width}), as wide as the stream")
    for name, length in (("bias", shape[0]), ("norm_weight", width), ("norm_bias", width)):
        values = getattr(head, name)
        if values is not None and np.shape(values) != (length,):
            raise ValueError(f"{side}: {name} has shape {np.shape(values)}; give ({length},)")
    _check_tokens(side, ids, shape[0], len(stream))


def _check_tokens(side: str, ids: np.ndarray, vocabulary: int, n: int) -> None:
    if len(ids) != n:
        raise ValueError(f"option_ids has {len(ids)} rows, {side} {n} questions")
    if ids.size and ids.max() >= vocabulary:
        row = int(np.argmax(ids.max(axis=1)))
        raise ValueError(f"option_ids: row {row} holds token {ids.max()}, {side} has a vocabulary of {vocabulary}")


def _ids(option_ids: object, n: int) -> np.ndarray:
    """Token ids (N, K); a row for all questions is repeated."""
    ids = as_array(option_ids, "option_ids")
    if ids.ndim not in (1, 2) or ids.dtype.kind not in "iu" or not 2 <= ids.shape[-1] <= MAX_OPTIONS:
        raise ValueError(f"option_ids has shape {ids.shape} of {ids.dtype}; give 2 to {MAX_OPTIONS} tokens a question")
    if ids.size and (int(ids.min()) < -1 or int(ids.max()) > 2**31):
        raise ValueError("option_ids: a token is below -1 or above 2^31")
    ids = np.broadcast_to(ids.astype(np.int64), (n, ids.shape[0])) if ids.ndim == 1 else ids.astype(np.int64)
    ordered = np.sort(ids, axis=1)
    row = np.flatnonzero(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1))
    if row.size:
        raise ValueError(f"option_ids: two options of question {row[0]} are one token; it cannot tell them apart")
    return ids


def _counts(n_options: object, ids: np.ndarray | None, logits: np.ndarray) -> np.ndarray:
    """Options of each question: what is given, else ids that are not -1, else columns before trailing -inf."""
    if n_options is not None:
        counts = validate.as_int64("n_options", as_array(n_options, "n_options"))
        if counts.shape != (len(logits),):
            raise ValueError(f"n_options has shape {counts.shape} for {len(logits)} questions; give one a question")
        return counts
    real = ids >= 0 if ids is not None else ~np.isneginf(logits).all(axis=1)
    counts = real.sum(axis=1).astype(np.int64)
    row = np.flatnonzero((real != (np.arange(real.shape[1]) < counts[:, None])).any(axis=1))
    if row.size:
        raise ValueError(f"question {row[0]}: an option is missing before others; move -1 (or -inf) to the end")
    return counts
