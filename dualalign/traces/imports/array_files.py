"""Files of other lens libraries: logits of every layer, or residual streams with what unembeds them.

A file is ``.safetensors``, ``.npz`` or ``.npy`` (logits alone); pickles are never read. Its arrays, N questions, L
layers (the last is the model's own), V tokens, D the width of the stream, K options:

===================================  ==============================================================================
array                                meaning
===================================  ==============================================================================
logits (N, L, V) or (N, L, K)        of the whole vocabulary, or of the options alone
residual (N, L, D)                   instead: the stream after each block at the last prompt token
unembed (V, D), unembed_bias (V)     with residual
norm_weight (D), norm_bias (D)       with residual: the final norm; leave both out where it has been applied
norm_mean, norm_eps, norm_offset     scalars: 1 if the norm subtracts the mean (LayerNorm), 0 if not (RMSNorm);
                                     its epsilon; what is added to norm_weight (1 in Gemma, else 0)
logit_scale, softcap                 scalars: the logits' factor, and the cap c of c tanh(logit / c); leave out if none
option_ids (K) or (N, K)             tokens of the options, -1 where a question has fewer; needed with V columns
labels, n_options (N)                whole numbers; -1 where a label is unknown
question_ids, groups (N)             text or whole numbers (.npz), or JSON lists in the metadata (.safetensors)
===================================  ==============================================================================

What describes the questions may stand in either file, or in both if it is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...questions import Question, load_file
from ..artifact import Traces
from .arrays import Unembedding, from_arrays
from .numpy_files import read_arrays

_SHARED = ("option_ids", "labels", "n_options", "question_ids", "groups")
_SCALARS = ("norm_mean", "norm_eps", "norm_offset", "logit_scale", "softcap")
_ARRAYS = ("logits", "residual", "unembed", "unembed_bias", "norm_weight", "norm_bias")


def from_array_files(
    plm: str | Path,
    polm: str | Path,
    option_ids: str | Path | None = None,
    questions: str | Path | Sequence[Question] | None = None,
    *,
    labels: bool = True,
    plm_name: str | None = None,
    polm_name: str | None = None,
) -> Traces:
    """Import two files of arrays, one a model.

    Parameters
    ----------
    plm, polm : ``.safetensors``, ``.npz`` or ``.npy``, with the arrays that the module's text lists
    option_ids : a ``.npy`` file with the options' tokens, for files that have none
    questions : a question file in the order of the arrays, for ids, labels and groups
    labels : False to leave labels out
    plm_name, polm_name : names for the metadata; by default the files' names

    Raises
    ------
    ValueError
        One line that names the file and the array.

    Examples
    --------
    >>> from dualalign.traces.imports import from_array_files
    >>> np.savez("base.npz", logits=np.zeros((1, 2, 12)), option_ids=[3, 4])
    >>> np.savez("chat.npz", logits=np.ones((1, 2, 12)), option_ids=[3, 4])
    >>> from_array_files("base.npz", "chat.npz")
    Traces(1 questions, 2 layers, 2 options, base.npz and chat.npz)
    """
    paths = [Path(plm), Path(polm)]
    read = [_checked(path, read_arrays(path)) for path in paths]
    shared = _shared(paths, read)
    if option_ids is not None:
        shared["option_ids"] = _tokens(Path(option_ids))
    if questions is not None:
        shared |= _of_questions(questions, _main(read[0]).shape[:1], paths[0])
    if not labels:
        shared.pop("labels", None)
    metadata = {
        "plm": plm_name or paths[0].name,
        "polm": polm_name or paths[1].name,
        "questions": Path(questions).name if isinstance(questions, (str, Path)) else "",
        "imported": f"arrays: {paths[0].name} / {paths[1].name}",
    }
    try:
        heads = {"plm_head": _head(read[0]), "polm_head": _head(read[1])}
        return from_arrays(*map(_main, read), shared.pop("option_ids", None), **heads, **shared, metadata=metadata)
    except ValueError as error:
        raise ValueError(f"{paths[0]}, {paths[1]}: {error}") from None


def _checked(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Refuse a file that is not of the table above."""
    unknown = sorted(set(arrays) - {*_ARRAYS, *_SCALARS, *_SHARED})
    if unknown:
        raise ValueError(f"{path}: holds an unknown array {unknown[0][:40]!r}; see dualalign import --help")
    if ("logits" in arrays) == ("residual" in arrays):
        raise ValueError(f"{path}: give either logits or residual, an array (questions, layers, ...)")
    if "residual" in arrays and "unembed" not in arrays:
        raise ValueError(f"{path}: residual needs unembed, (vocabulary, width)")
    if "norm_weight" in arrays and "norm_mean" not in arrays:
        raise ValueError(f"{path}: norm_weight needs norm_mean: 1 for LayerNorm, 0 for RMSNorm")
    for name in {"question_ids", "groups"} & set(arrays):
        if arrays[name].ndim != 1 or arrays[name].dtype.kind not in "Uiu":
            raise ValueError(f"{path}: {name} has shape {arrays[name].shape} of {arrays[name].dtype}; give N texts")
    for name in set(_SCALARS) & set(arrays):
        if arrays[name].size != 1 or arrays[name].dtype.kind not in "fiu" or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{path}: {name} has shape {arrays[name].shape}; give one finite number")
    return arrays


def _main(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return arrays["logits"] if "logits" in arrays else arrays["residual"]


def _head(arrays: dict[str, np.ndarray]) -> Unembedding | None:
    if "residual" not in arrays:
        return None
    head = Unembedding(
        arrays["unembed"], arrays.get("unembed_bias"), arrays.get("norm_weight"), arrays.get("norm_bias")
    )
    return replace(head, **{name: float(arrays[name].reshape(())) for name in _SCALARS if name in arrays})


def _shared(paths: list[Path], read: list[dict[str, np.ndarray]]) -> dict[str, object]:
    """What describes the questions, from either file."""
    for name in _SHARED:
        both = [arrays[name] for arrays in read if name in arrays]
        if len(both) == 2 and not np.array_equal(*both):
            raise ValueError(f"{paths[1]}: {name} differs from that in {paths[0]}; give the same questions")
    found = {name: value for arrays in read for name, value in arrays.items() if name in _SHARED}
    texts = {name: tuple(map(str, found[name].tolist())) for name in ("question_ids", "groups") if name in found}
    for path, arrays in zip(paths, read, strict=True):
        _check_unique(arrays.get("question_ids", np.array([])).tolist(), path)
    return found | texts


def _tokens(path: Path) -> np.ndarray:
    found = read_arrays(path, alone="option_ids")
    if "option_ids" not in found:
        raise ValueError(f"{path}: holds no array option_ids; give a .npy file of tokens")
    return found["option_ids"]


def _of_questions(questions: str | Path | Sequence[Question], n: tuple[int, ...], path: Path) -> dict[str, object]:
    asked = load_file(questions) if isinstance(questions, (str, Path)) else list(questions)
    if (len(asked),) != n:
        held = n[0] if n else "no shape"
        said = f"{len(asked)} questions for arrays of {held}; give the questions of the arrays, in their order"
        raise ValueError(f"{path}: {said}")
    labels = np.array([-1 if question.answer is None else question.answer for question in asked], np.int64)
    groups = tuple(question.group for question in asked)
    ids = tuple(question.id for question in asked)
    return {"labels": labels, "question_ids": ids, "groups": groups if any(groups) else ()}


def _check_unique(ids: Sequence[object], path: Path) -> None:
    seen: dict[object, int] = {}
    for row, id in enumerate(ids):
        if id in seen:
            raise ValueError(f"{path}: question_ids: {id!r} stands in rows {seen[id]} and {row}; ids must be unique")
        seen[id] = row
