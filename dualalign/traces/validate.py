"""What a trace must look like. Every check raises one ValueError line: the field, what was found, what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .artifact import Traces

TENSORS = ("plm_logits", "polm_logits", "labels", "n_options")


def as_float32(name: str, values: np.ndarray) -> np.ndarray:
    """Return logits as float32; refuse anything that is not a floating-point array."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        raise ValueError(f"{name} is {values.dtype}, not floating point; give float32 logits")
    with np.errstate(over="ignore"):  # what overflows turns infinite and is refused by check()
        return values.astype(np.float32, copy=False)


def as_int64(name: str, values: np.ndarray) -> np.ndarray:
    """Return whole numbers as int64; refuse other types (an empty array of any type passes)."""
    values = np.asarray(values)
    if values.dtype.kind not in "iu" and values.size:
        raise ValueError(f"{name} is {values.dtype}, not integer; give int64 values")
    return values.astype(np.int64, copy=False)


def as_strings(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return a tuple of strings; refuse a lone string and entries of other types."""
    if (
        isinstance(values, str)
        or not isinstance(values, Iterable)
        or not all(isinstance(value, str) for value in values)
    ):
        raise ValueError(f"{name} must be a sequence of strings; convert each entry with str()")
    return tuple(whole_text(name, str(value)) for value in values)


def whole_text(name: str, text: str) -> str:
    """Return text that a file can hold; refuse half a character (a lone surrogate, which JSON can spell)."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{name} holds {text!r}, with half a character in it; repair the text")
    return text


def as_metadata(values: dict[str, str]) -> dict[str, str]:
    """Return a copy of the metadata; refuse values that are not strings."""
    if not isinstance(values, Mapping):
        raise ValueError(f"metadata is a {type(values).__name__}; give a dict of strings")
    for key, value in values.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise ValueError(f"metadata {key!r} is a {type(value).__name__}; metadata holds strings only")
        whole_text("metadata", key + value)
    return dict(values)


def check(traces: Traces) -> None:
    """Check shapes and values of a trace whose fields have their types already."""
    n, _, k = _check_shapes(traces)
    _check_lengths(traces, n)
    _check_counts(traces, k)
    for name in ("plm_logits", "polm_logits"):
        _check_logits(name, getattr(traces, name), traces)
    _check_labels(traces)
    if traces.order is not None:
        _check_order(traces, (n, k))


def _check_shapes(traces: Traces) -> tuple[int, int, int]:
    for name in ("plm_logits", "polm_logits"):
        shape = getattr(traces, name).shape
        if len(shape) != 3 or shape[1] < 1 or shape[2] < 2:
            raise ValueError(f"{name} has shape {shape}; give (questions, layers, options) with at least 2 options")
    g, f = traces.plm_logits.shape, traces.polm_logits.shape
    if (g[0], g[2]) != (f[0], f[2]):
        raise ValueError(f"plm_logits has shape {g} and polm_logits {f}; questions and options must match: trace again")
    return f


def _check_lengths(traces: Traces, n: int) -> None:
    for name in ("labels", "n_options"):
        shape = getattr(traces, name).shape
        if shape != (n,):
            raise ValueError(f"{name} has shape {shape} for {n} questions; give one value a question")
    if len(traces.question_ids) != n:
        raise ValueError(f"question_ids holds {len(traces.question_ids)} ids for {n} questions; give one a question")
    if len(traces.groups) not in (0, n):
        raise ValueError(f"groups holds {len(traces.groups)} names for {n} questions; give one a question, or none")


def _check_counts(traces: Traces, k: int) -> None:
    row = _first((traces.n_options < 2) | (traces.n_options > k))
    if row is not None:
        raise ValueError(f"n_options is {traces.n_options[row]} at {_at(traces, row)}; it must lie in 2..{k}")


def _check_logits(name: str, logits: np.ndarray, traces: Traces) -> None:
    finite = np.isfinite(logits)
    real = np.broadcast_to(traces.mask[:, None, :], logits.shape)
    if np.array_equal(finite, real) and (real.all() or (logits[~real] == -np.inf).all()):
        return
    row, layer, option = np.argwhere((finite != real) | (~real & (logits != -np.inf)))[0]
    value, place = logits[row, layer, option], f"{_at(traces, row)}, layer {layer + 1}, option {option}"
    if np.isnan(value) or traces.mask[row, option]:
        raise ValueError(f"{name} is {value} at {place}; a logit must be finite: trace or drop this question")
    raise ValueError(f"{name} is {value} at {place}, past its {traces.n_options[row]} options; pad with -inf")


def _check_labels(traces: Traces) -> None:
    row = _first((traces.labels < -1) | (traces.labels >= traces.n_options))
    if row is not None:
        found, last = traces.labels[row], traces.n_options[row] - 1
        raise ValueError(f"labels is {found} at {_at(traces, row)}; give 0..{last}, or -1 where unknown")


def _check_order(traces: Traces, shape: tuple[int, int]) -> None:
    if traces.order.shape != shape:
        raise ValueError(f"order has shape {traces.order.shape}; give one index an option, {shape}")
    ascending = np.sort(np.where(traces.mask, traces.order, shape[1]), axis=1)
    row = _first((np.where(traces.mask, ascending - np.arange(shape[1]), 0) != 0).any(axis=1))
    if row is not None:
        raise ValueError(f"order is no permutation of the options at {_at(traces, row)}; give each index once")


def _first(bad: np.ndarray) -> int | None:
    return int(np.argmax(bad)) if bad.any() else None


def _at(traces: Traces, row: int) -> str:
    return f"question {row} (id {traces.question_ids[row]!r})"


def check_parts(parts: Sequence[Traces]) -> None:
    """Check that traces can be joined: at least one, all of the same depths."""
    if not parts:
        raise ValueError("parts is empty; give at least one trace to join")
    depths = {(part.plm_logits.shape[1], part.polm_logits.shape[1]) for part in parts}
    if len(depths) > 1:
        raise ValueError(
            f"parts have different depths (PLM, PoLM) {sorted(depths)}; join traces of the same two models"
        )


def read_safetensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read tensors and metadata; the safetensors library checks header and offsets before any data is used."""
    from safetensors import SafetensorError, safe_open

    if not os.path.isfile(path):
        found = (
            "is a folder" if os.path.isdir(path) else "is no regular file" if os.path.exists(path) else "does not exist"
        )
        raise ValueError(f"{path}: {found}; give the path of a trace file (.safetensors)")
    try:
        with safe_open(str(path), framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        found = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: not a whole safetensors file ({found}); copy or trace it again") from None


def check_file(tensors: dict[str, np.ndarray], metadata: dict[str, str], schema: str) -> None:
    """Check that a safetensors file is a trace of this schema, before its values are looked at."""
    if metadata.get("schema") != schema:
        found = f"schema {metadata['schema']!r}" if "schema" in metadata else "no schema"
        raise ValueError(f"not a trace file: {found} in its metadata, not {schema!r}; write it with `dualalign trace`")
    missing = [name for name in TENSORS if name not in tensors] + ["question_ids"] * ("question_ids" not in metadata)
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}; write it with `dualalign trace` or Traces.save")
    extra = sorted(set(tensors) - {*TENSORS, "order"})
    if extra:
        raise ValueError(f"holds unknown tensors {', '.join(extra)}; a trace has {', '.join(TENSORS)} and maybe order")
    for name in ("plm_logits", "polm_logits"):
        if tensors[name].dtype not in (np.float16, np.float32):
            raise ValueError(f"{name} is {tensors[name].dtype}; store float32 or float16 logits")
    for name in sorted({"labels", "n_options", "order"} & set(tensors)):
        if tensors[name].dtype != np.int64:
            raise ValueError(f"{name} is {tensors[name].dtype}; store int64")


def json_strings(name: str, text: str) -> tuple[str, ...]:
    """Parse a metadata string that holds a JSON list of strings."""
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"metadata {name} is not JSON; give a JSON list of strings") from None
    if not isinstance(values, list):
        raise ValueError(f"metadata {name} is a JSON {type(values).__name__}; give a JSON list of strings")
    return as_strings(name, values)


def check_target(path: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Check that a file can be written there, and that it is none of the files that are read for it."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: is {'a folder' if path.is_dir() else 'no regular file'}; give a file name")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: folder {path.parent} does not exist; give a file name in an existing folder")
    if path.exists() and any(os.path.exists(one) and path.samefile(one) for one in inputs):
        raise ValueError(f"{path}: is also read here and would be overwritten; give another file name")


def stored(name: str, logits: np.ndarray, dtype: str) -> np.ndarray:
    """Return logits in the type they are stored in; refuse values that do not fit."""
    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype is {dtype!r}; give 'float32' or 'float16'")
    with np.errstate(over="ignore"):
        values = logits.astype(dtype, copy=False)
    if not np.array_equal(np.isfinite(values), np.isfinite(logits)):
        raise ValueError(f"{name} holds values beyond float16 (65504); store float32")
    return values
