"""What TransformerLens, nnsight and tuned-lens return, as arrays for `arrays.from_arrays`; none of them is imported.

=======================================================  ==========================================================
what you have                                            what to call
=======================================================  ==========================================================
TransformerLens: ``cache.logit_lens(positions=-1,        ``transformer_lens_layers(result.values, result.labels)``
vocab=ids)``
TransformerLens: ``cache.accumulated_resid(              ``transformer_lens_layers(stack, labels)``, with
apply_ln=True, return_labels=True)``                     ``Unembedding(model.W_U.T, model.b_U)``
nnsight: ``saved = list().save()``, in the trace a       ``stack_layers(saved)``, with an `Unembedding`
``saved.append(layer.output)`` a block
nnsight: logits of every layer, saved so                 ``stack_layers(saved)``
tuned-lens: ``TunedLens`` and the model's output         ``tuned_lens_logits(lens, out.hidden_states, out.logits,
                                                         option_ids)``
=======================================================  ==========================================================

Our layer l is the stream after block l, 1 to L; the embedding, which these libraries count as well, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .arrays import as_array

_EMBEDDING, _LAST = "0_pre", "final_post"


def transformer_lens_layers(values: object, labels: Sequence[str], position: int | Sequence[int] = -1) -> np.ndarray:
    """Return TransformerLens's stack as (N, L, ...): the embedding and the streams in the middle of blocks left out.

    Parameters
    ----------
    values : (entries, N, X) or (entries, N, T, X): a stack with logits or a stream of width X
    labels : of the entries: "0_pre", "1_pre", ..., "final_post"; "1_mid" and the like are left out
    position : of the last prompt token, where there is an axis of T tokens; one, or one a question

    Raises
    ------
    ValueError
        Where the labels are not those of a whole accumulated stack.

    Examples
    --------
    >>> from dualalign.traces.imports import transformer_lens_layers
    >>> stack = np.arange(4.0).reshape(4, 1, 1)  # four entries, one question, one option
    >>> transformer_lens_layers(stack, ["0_pre", "0_mid", "1_pre", "final_post"]).tolist()  # after block 1 and block 2
    [[[2.0], [3.0]]]
    """
    stack, labels = as_array(values, "values"), list(labels)
    if len(labels) != len(stack):
        raise ValueError(f"labels names {len(labels)} entries of a stack of {len(stack)}")
    places = [i for i, label in enumerate(labels) if label != _EMBEDDING and not label.endswith("_mid")]
    wanted = [f"{i}_pre" for i in range(1, len(places))] + [_LAST]
    if [labels[i] for i in places] != wanted:
        raise ValueError(f"labels are {labels[:3]} ... {labels[-1:]}; give the whole stack, up to {_LAST!r}")
    return stack_layers([stack[i] for i in places], position)


def stack_layers(saved: Sequence[object], position: int | Sequence[int] = -1) -> np.ndarray:
    """Return what was saved after every block, block 1 first, as (N, L, X).

    Parameters
    ----------
    saved : L tensors (N, T, X) or (N, X), or tuples that begin with one (what a block returns in some versions)
    position : of the last prompt token, where there is an axis of T tokens: -1 for prompts padded on the left or of
        one length, else one a question

    Raises
    ------
    ValueError
        For layers of different shapes, or a position past the end.

    Examples
    --------
    >>> from dualalign.traces.imports import stack_layers
    >>> saved = [np.zeros((1, 7, 4)), np.ones((1, 7, 4))]  # two layers, one question, seven tokens, width 4
    >>> stack_layers(saved).shape
    (1, 2, 4)
    """
    layers = [as_array(one[0] if isinstance(one, tuple) else one, f"layer {i + 1}") for i, one in enumerate(saved)]
    if not layers or len({layer.shape for layer in layers}) > 1 or layers[0].ndim not in (2, 3):
        raise ValueError(
            f"layers have the shapes {[layer.shape for layer in layers][:3]}; give (N, T, X) or (N, X) each"
        )
    if layers[0].ndim == 2:
        return np.stack(layers, axis=1)
    rows, tokens = _positions(layers[0].shape, position)
    return np.stack([layer[rows, tokens] for layer in layers], axis=1)


def tuned_lens_logits(
    lens: Callable,
    hidden_states: Sequence,
    logits: object,
    option_ids: Sequence[int] | np.ndarray,
    position: int | Sequence[int] = -1,
) -> np.ndarray:
    """Return (N, L, K): tuned-lens's reading of layers 1 to L - 1, and the model's own logits at L.

    Parameters
    ----------
    lens : tuned_lens TunedLens or LogitLens, called as ``lens(stream, idx)``
    hidden_states : the L + 1 of ``model(..., output_hidden_states=True)``, embedding first; translator l reads the
        stream after block l, as in tuned-lens itself, and the last entry, normed by some families, is not used
    logits : (N, T, V), the model's own, soft-capped and scaled as it does (tuned-lens's unembedding is neither)
    option_ids : (K,) or (N, K)
    position : of the last prompt token, as in `stack_layers`

    Examples
    --------
    >>> from dualalign.traces.imports import tuned_lens_logits
    >>> hidden = [np.full((1, 7, 4), l) for l in range(4)]  # embedding, then blocks 1 to 3; one question, seven tokens
    >>> own = np.full((1, 7, 9), 99.0)  # the model's logits, nine tokens in the vocabulary
    >>> tuned_lens_logits(lambda stream, l: np.full((1, 9), 10.0 * l), hidden, own, [3, 4]).tolist()
    [[[10.0, 10.0], [20.0, 20.0], [99.0, 99.0]]]
    """
    ids = np.asarray(option_ids)
    last = stack_layers([logits], position)  # (N, 1, V)
    ids = np.broadcast_to(ids, (len(last), ids.shape[-1]))[:, None, :]
    rows, tokens = _positions(tuple(logits.shape), position)
    read = [as_array(lens(hidden[rows, tokens], idx), "lens") for idx, hidden in list(enumerate(hidden_states))[1:-1]]
    picked = [np.take_along_axis(layer[:, None, :], np.maximum(ids, 0), axis=2) for layer in read]
    return np.concatenate([*picked, np.take_along_axis(last, np.maximum(ids, 0), axis=2)], axis=1)


def _positions(shape: tuple[int, ...], position: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    n, length = shape[:2]
    tokens = np.broadcast_to(np.asarray(position), (n,))
    if tokens.dtype.kind not in "iu" or (tokens < -length).any() or (tokens >= length).any():
        raise ValueError(f"position is {position}; give whole numbers below the {length} tokens there are")
    return np.arange(n), tokens.astype(np.int64)
