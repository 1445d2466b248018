"""A trace file written piece by piece, so that memory does not grow with the number of questions."""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from . import validate
from .artifact import SCHEMA, Traces, _joined_metadata
from .stream import TraceStream

_NAMES = {"float32": "F32", "float16": "F16", "int64": "I64"}
_LOGITS = ("plm_logits", "polm_logits")


class TraceFile:
    """A trace file in the making; it bears its name when it is whole. The bytes are those of `Traces.save`.

    Parameters
    ----------
    path : path of the file; its folder must exist
    n, k : int
        Questions, and the most options of one.
    depths : (L_g, L_f)
    ids, groups : sequences of str
        Of all questions; groups may be empty.
    metadata : mapping of str
    dtype : "float32" or "float16", how logits are stored
    permuted : bool
        Whether the trace has the tensor ``order``.
    """

    def __init__(
        self,
        path: Path,
        n: int,
        k: int,
        depths: tuple[int, int],
        ids: Sequence[str],
        groups: Sequence[str],
        metadata: Mapping[str, str],
        dtype: str = "float32",
        permuted: bool = False,
    ) -> None:
        validate.stored("logits", np.zeros(0, np.float32), dtype)  # refuses another type before anything is written
        self.path, self.dtype, self.k = Path(path), dtype, k
        shapes = {"labels": ("int64", (n,)), "n_options": ("int64", (n,))}
        shapes |= {"order": ("int64", (n, k))} if permuted else {}
        shapes |= {name: (dtype, (n, depth, k)) for name, depth in zip(_LOGITS, depths, strict=True)}
        lists = {"question_ids": ids, "groups": groups}
        strings = {name: json.dumps(list(value), ensure_ascii=False) for name, value in lists.items()}
        self.head, self.places, self.size = _laid_out(shapes, dict(metadata) | {"schema": SCHEMA} | strings)

    def __enter__(self) -> TraceFile:
        validate.check_target(self.path)
        self.sibling = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            self.file = os.open(self.sibling, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
            os.truncate(self.file, self.size)
            os.pwrite(self.file, self.head, 0)
        except OSError as error:
            raise self._refused(error) from None
        return self

    def write(self, rows: Sequence[int], part: Traces) -> None:
        """Put some questions, checked as `Traces`, into their rows."""
        arrays = {name: validate.stored(name, getattr(part, name), self.dtype) for name in _LOGITS}
        arrays |= {"labels": part.labels, "n_options": part.n_options}
        arrays |= {"order": part.order} if "order" in self.places else {}
        try:
            for name, values in arrays.items():
                self._write(name, rows, values)
        except OSError as error:
            raise self._refused(error) from None

    def _write(self, name: str, rows: Sequence[int], values: np.ndarray) -> None:
        start, step = self.places[name]
        short = [(0, 0)] * (values.ndim - 1) + [(0, self.k - values.shape[-1])] if values.ndim > 1 else []
        fill = -np.inf if values.dtype.kind == "f" else -1
        wide = np.pad(values, short, constant_values=fill) if short else values
        if wide[:1].nbytes != step:
            raise ValueError(f"{self.path}: {name} of shape {wide.shape[1:]} a question does not fit the others")
        if isinstance(rows, range):  # rows that lie side by side
            os.pwrite(self.file, wide.tobytes(), start + rows[0] * step)
            return
        for row, value in zip(rows, wide, strict=True):
            os.pwrite(self.file, value.tobytes(), start + row * step)

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                os.fsync(self.file)
            os.close(self.file)
            if kind is None:
                os.replace(self.sibling, self.path)
        except OSError as reason:
            raise self._refused(reason) from None
        finally:
            with contextlib.suppress(OSError):
                self.sibling.unlink()

    def _refused(self, error: OSError) -> ValueError:
        return ValueError(f"{self.path}: cannot be written ({error.strerror}); choose another place")


def _laid_out(shapes: dict, metadata: dict[str, str]) -> tuple[bytes, dict[str, tuple[int, int]], int]:
    """Return the file's head, where each tensor begins and how many bytes a row has, and the file's size.

    As safetensors lays them out: wide types first, then by name; the names of the whole numbers come first anyway.
    """
    header, places, end = {"__metadata__": metadata}, {}, 0
    for name, (dtype, shape) in sorted(shapes.items()):
        step = np.dtype(dtype).itemsize * math.prod(shape[1:])
        places[name] = (end, step)
        end += step * shape[0]
        header[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [places[name][0], end]}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the data must start at a multiple of 8
    head = struct.pack("<Q", len(text)) + text
    return head, {name: (start + len(head), step) for name, (start, step) in places.items()}, len(head) + end


def merge(paths: Sequence[str | Path], out: str | Path, dtype: str = "float32") -> Path:
    """Join trace files of one pair, asked in one style, about different questions, a block of rows at a time.

    Parameters
    ----------
    paths : of at least one trace file; the questions keep this order
    out : the file to write
    dtype : "float32" or "float16", how logits are stored

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        Names the file that is of another pair or style, has another depth, or repeats a question.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> from dualalign.traces.writing import merge
    >>> for name in ("one", "two"):
    ...     from_arrays(np.zeros((1, 3, 2)), np.zeros((1, 3, 2)), question_ids=[name]).save(f"{name}.safetensors")
    >>> da.Traces.load(merge(["one.safetensors", "two.safetensors"], "both.safetensors")).question_ids
    ('one', 'two')
    """
    out = Path(out)
    validate.check_target(out, paths)
    parts = [TraceStream(path) for path in paths]
    ids = [name for part in parts for name in part.question_ids]
    _check_joined(parts, ids)
    groups = [group for part in parts for group in part.groups or ("",) * len(part)]
    groups = groups if any(groups) else []
    n, k = sum(map(len, parts)), max(part.shapes["polm_logits"][2] for part in parts)
    *depths, permuted = _kind(parts[0])
    with TraceFile(out, n, k, depths, ids, groups, _joined_metadata(parts), dtype, permuted) as file:
        start = 0
        for part in parts:
            for rows, block in part.blocks():
                file.write(range(start + rows.start, start + rows.stop), block)
            start += len(part)
    return out


def _kind(part: TraceStream) -> tuple[int, int, bool]:
    """Depth of the PLM and of the PoLM, and whether options were permuted: what files must share to be joined."""
    return *(part.shapes[name][1] for name in _LOGITS), "order" in part.shapes


def _check_joined(parts: Sequence[TraceStream], ids: Sequence[str]) -> None:
    if not parts:
        raise ValueError("paths is empty; give at least one trace file to merge")
    for part in parts:
        for key in ("plm", "polm", "prompt", "variant", "dtype"):
            found, other = (one.metadata.get(key, "") for one in (part, parts[0]))
            if found != other:
                raise ValueError(
                    f"{part.path}: {key} is {found!r}, in the first file {other!r}; merge traces of one kind"
                )
        if _kind(part) != _kind(parts[0]):
            raise ValueError(f"{part.path}: layers or order differ from the first file; merge traces of one kind")
    seen: set[str] = set()
    for row, name in enumerate(ids) if "order" not in parts[0].shapes else ():  # a permuted trace repeats its questions
        if name in seen:
            raise ValueError(f"question {name!r} stands in two of the files (row {row} of all); merge each once")
        seen.add(name)
