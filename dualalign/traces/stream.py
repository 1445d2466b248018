"""A trace file read in blocks of rows, for one that memory does not hold."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..bounded import plain
from . import validate
from .artifact import SCHEMA, Traces

BLOCK_BYTES = 16 << 20  # of logits in memory at a time, both models together


class TraceStream:
    """A trace file that stays on disk; each block is read, checked as `Traces`, and let go.

    Parameters
    ----------
    path : str or Path
    block_bytes : int
        Logits in memory at a time, as float32.

    Attributes
    ----------
    shapes : dict of tuple
        The shape of every tensor: ``plm_logits`` (N, L_g, K), ``polm_logits`` (N, L_f, K), ``labels`` (N,), ...
    labels, n_options, question_ids, groups : of all N questions, as in `Traces`
    rows : int
        Questions a block.
    passes : int
        How often all blocks were read.

    Raises
    ------
    ValueError
        One line that names the file: no trace, or a block that is not what a trace must be, when it is read.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> from dualalign.traces.stream import TraceStream
    >>> from_arrays(np.zeros((5, 3, 2)), np.zeros((5, 3, 2))).save("t.safetensors")
    >>> stream = TraceStream("t.safetensors", block_bytes=2 * 2 * 3 * 2 * 4)  # two questions of two models, in float32
    >>> len(stream), stream.n_layers, [len(block) for rows, block in stream.blocks()]
    (5, 3, [2, 2, 1])
    """

    def __init__(self, path: str | Path, block_bytes: int = BLOCK_BYTES) -> None:
        self.path, self.passes, self._last = Path(path), 0, None
        self._metadata, small, self.shapes, types = _head(path)
        try:
            self._check_head(types, small)
            self.question_ids = validate.json_strings("question_ids", self._metadata.pop("question_ids"))
            self.groups = validate.json_strings("groups", self._metadata.pop("groups", "[]"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        self.labels, self.n_options = small["labels"], small["n_options"]
        self._places = _places(self.path)
        row = 4 * sum(math.prod(self.shapes[name][1:]) for name in ("plm_logits", "polm_logits"))
        self.rows = max(1, block_bytes // max(row, 1))

    def _check_head(self, types: dict[str, str], small: dict[str, np.ndarray]) -> None:
        """Check what can be known before any logit is read, by the checks of `Traces.load`."""
        kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "F64": np.float64}
        heads = {name: np.zeros((0,) * len(self.shapes[name]), kinds.get(kind, object)) for name, kind in types.items()}
        validate.check_file(heads | small, self._metadata, SCHEMA)
        axes = {"plm_logits": 3, "polm_logits": 3, "labels": 1, "n_options": 1, "order": 2}
        for name in self.shapes:
            if self.shapes[name][:1] != self.shapes["plm_logits"][:1] or len(self.shapes[name]) != axes[name]:
                raise ValueError(f"{name} has shape {self.shapes[name]}; give one row a question: trace again")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_layers(self) -> int:
        """Depth of the PoLM, L_f."""
        return self.shapes["polm_logits"][1]

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own strings."""
        return self._metadata

    def blocks(self) -> Iterator[tuple[slice, Traces]]:
        """Yield the rows of each block and what they hold, in order: one pass over the file.

        Raises
        ------
        ValueError
            One line that names the file, and the rows of a block that is not what a trace must be.
        """
        self.passes += 1
        if len(self.question_ids) != len(self) or len(self.groups) not in (0, len(self)):
            raise ValueError(f"{self.path}: question_ids or groups do not fit {len(self)} questions; trace again")
        tensors = [name for name in self._places if name not in ("labels", "n_options")]
        with self.path.open("rb") as file:
            for start in range(0, len(self), self.rows):
                rows = slice(start, min(start + self.rows, len(self)))
                yield rows, self._block(rows, {name: self._read(file.fileno(), name, rows) for name in tensors})

    def _read(self, file: int, name: str, rows: slice) -> np.ndarray:
        """Rows of one tensor, by plain reading: pages of a mapped file would count as memory."""
        start, kind = self._places[name]
        shape = (rows.stop - rows.start, *self.shapes[name][1:])
        step = np.dtype(kind).itemsize * math.prod(shape[1:])
        content = os.pread(file, shape[0] * step, start + rows.start * step)
        if len(content) != shape[0] * step:
            raise ValueError(f"{self.path}: became shorter while it was read; copy or trace it again")
        return np.frombuffer(content, kind).reshape(shape)

    def _block(self, rows: slice, arrays: dict[str, np.ndarray]) -> Traces:
        try:
            return Traces(
                **arrays,
                labels=self.labels[rows],
                n_options=self.n_options[rows],
                question_ids=self.question_ids[rows],
                groups=self.groups[rows],
                metadata=self._metadata,
            )
        except ValueError as error:
            raise ValueError(f"{self.path}: rows {rows.start} to {rows.stop - 1}: {error}") from None

    def last_layer(self) -> Traces:
        """Return the last layer of all rows, in memory: L = 1, whatever the depth of the file. Read once and kept."""
        if self._last is None:
            self._last = self._read_last()
        return self._last

    def _read_last(self) -> Traces:
        n, k = len(self), self.shapes["polm_logits"][2]
        found = {name: np.empty((n, 1, k), np.float32) for name in ("plm_logits", "polm_logits")}
        for rows, part in self.blocks():
            for name, values in found.items():
                values[rows] = getattr(part, name)[:, -1:]
        fields = {"labels": self.labels, "n_options": self.n_options, "question_ids": self.question_ids}
        return Traces(**found, **fields, groups=self.groups, metadata=self._metadata)


def _places(path: Path) -> dict[str, tuple[int, str]]:
    """Where each tensor begins in a file whose header safetensors has checked, and its type."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    kinds = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    return {name: (8 + length + e["data_offsets"][0], kinds[e["dtype"]]) for name, e in tensors.items()}


def _head(path: str | Path) -> tuple[dict[str, str], dict[str, np.ndarray], dict[str, tuple], dict[str, str]]:
    """Metadata, labels and numbers of options, and every tensor's shape and type, of a file whose header is checked."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise ValueError(f"{path}: does not exist, or is no file; give the path of a trace file (.safetensors)")
    try:
        with safe_open(str(path), framework="np") as file:
            small = {name: file.get_tensor(name) for name in ("labels", "n_options") if name in file.keys()}  # noqa: SIM118
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            shapes = {name: tuple(one.get_shape()) for name, one in slices.items()}
            return dict(file.metadata() or {}), small, shapes, {name: one.get_dtype() for name, one in slices.items()}
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:  # a type that NumPy lacks
        raise ValueError(f"{path}: not a whole safetensors file ({plain(error)}); copy or trace it again") from None
