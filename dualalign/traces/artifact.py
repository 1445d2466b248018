"""The trace file: option-token logits per layer of a PLM and its PoLM, in one safetensors file."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import validate

SCHEMA = "dualalign/traces/1"
_LOGITS = ("plm_logits", "polm_logits")
_RESERVED = ("question_ids", "groups")  # metadata strings that are fields of their own in memory


@dataclass(frozen=True, eq=False)
class Traces:
    """What a PLM and its PoLM said about N questions, at every layer, for at most K option tokens.

    Parameters
    ----------
    plm_logits, polm_logits : float32 (N, L_g, K) and (N, L_f, K)
        Logit-lens logits of the option tokens at the last prompt token; the last layer holds the model's own logits.
        Rows with fewer than K options are padded with -inf.
    labels : int64 (N,)
        Index of the right option, -1 where unknown.
    n_options : int64 (N,)
        Number of options of each question, 2 to K.
    question_ids : tuple of str, length N
    groups : tuple of str, length N or empty
        A subject a question, say; empty where there are none.
    metadata : dict of str
        `plm`, `polm`, `questions`, `prompt`, `variant`, ...: free strings. `schema` is added.
    order : int64 (N, K), optional
        For a trace of permuted options: the original index of the option shown at each place.

    Raises
    ------
    ValueError
        One line that names the field, what was found and what to do.

    Examples
    --------
    >>> logits = np.array([[[0, 0, -np.inf], [1, 0, -np.inf]], [[0, 0, 0], [0, 1, 2]]], np.float32)
    >>> labels, n_options, metadata = np.array([0, 2]), np.array([2, 3]), {"plm": "base", "polm": "chat"}
    >>> traces = da.Traces(logits, 3 * logits, labels, n_options, ("one", "two"), metadata=metadata)
    >>> traces
    Traces(2 questions, 2 layers, 3 options, base and chat)
    >>> traces.mask.tolist()
    [[True, True, False], [True, True, True]]
    >>> da.Traces.concat([traces.select([1]), traces.select([0])]).question_ids
    ('two', 'one')
    >>> traces.save("t.safetensors")
    >>> bool((da.Traces.load("t.safetensors").polm_logits == traces.polm_logits).all())
    True
    """

    plm_logits: np.ndarray
    polm_logits: np.ndarray
    labels: np.ndarray
    n_options: np.ndarray
    question_ids: tuple[str, ...]
    groups: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    order: np.ndarray | None = None

    def __post_init__(self) -> None:
        fixed = {name: validate.as_float32(name, getattr(self, name)) for name in _LOGITS}
        fixed |= {name: validate.as_int64(name, getattr(self, name)) for name in ("labels", "n_options")}
        fixed["order"] = None if self.order is None else validate.as_int64("order", self.order)
        fixed |= {name: validate.as_strings(name, getattr(self, name)) for name in _RESERVED}
        fixed["metadata"] = validate.as_metadata(self.metadata) | {"schema": SCHEMA}
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        validate.check(self)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        names = " and ".join(self.metadata.get(key) or "unnamed" for key in ("plm", "polm"))
        return f"Traces({len(self)} questions, {self.n_layers} layers, {self.mask.shape[1]} options, {names})"

    @property
    def mask(self) -> np.ndarray:
        """bool (N, K): True where an option is real, False where the row is padded."""
        return np.arange(self.polm_logits.shape[2]) < self.n_options[:, None]

    @property
    def n_layers(self) -> int:
        """Depth of the PoLM, L_f: results have this depth."""
        return self.polm_logits.shape[1]

    @property
    def plm_final(self) -> np.ndarray:
        """float32 (N, K): the PLM's own logits for the options."""
        return self.plm_logits[:, -1]

    @property
    def polm_final(self) -> np.ndarray:
        """float32 (N, K): the PoLM's own logits for the options."""
        return self.polm_logits[:, -1]

    def select(self, index: np.ndarray | Sequence[int] | slice) -> Traces:
        """Return the traces of some questions: an integer index, a boolean mask (N,) or a slice."""
        rows = np.arange(len(self))[index if isinstance(index, slice) else _as_index(index)]
        return Traces(
            plm_logits=self.plm_logits[rows],
            polm_logits=self.polm_logits[rows],
            labels=self.labels[rows],
            n_options=self.n_options[rows],
            question_ids=tuple(self.question_ids[i] for i in rows),
            groups=tuple(self.groups[i] for i in rows) if self.groups else (),
            metadata=self.metadata,
            order=None if self.order is None else self.order[rows],
        )

    @classmethod
    def concat(cls, parts: Sequence[Traces]) -> Traces:
        """Join traces of the same two models; options are padded to the largest K.

        Metadata that differs is joined with " + "; a part without groups gets empty ones if another has them.
        """
        validate.check_parts(parts)
        width = max(part.mask.shape[1] for part in parts)
        has_groups, has_order = any(part.groups for part in parts), any(part.order is not None for part in parts)
        orders = [_widened(_order_or_identity(part), width, -1) for part in parts] if has_order else []
        return cls(
            plm_logits=np.concatenate([_widened(part.plm_logits, width, -np.inf) for part in parts]),
            polm_logits=np.concatenate([_widened(part.polm_logits, width, -np.inf) for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            n_options=np.concatenate([part.n_options for part in parts]),
            question_ids=sum((part.question_ids for part in parts), ()),
            groups=sum((part.groups or ("",) * len(part) for part in parts), ()) if has_groups else (),
            metadata=_joined_metadata(parts),
            order=np.concatenate(orders) if has_order else None,
        )

    @classmethod
    def load(cls, path: str | Path) -> Traces:
        """Read a trace file and check it.

        Raises
        ------
        ValueError
            One line that names the file, what was found and what to do.
        """
        tensors, metadata = validate.read_safetensors(path)
        try:
            validate.check_file(tensors, metadata, SCHEMA)
            lists = {name: validate.json_strings(name, metadata.pop(name, "[]")) for name in _RESERVED}
            return cls(**tensors, **lists, metadata=metadata)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def save(self, path: str | Path, dtype: str = "float32") -> None:
        """Write the trace file atomically: a reader sees the old file or the whole new one.

        The same content gives the same bytes. `dtype` is how logits are stored: "float32", or "float16" at half the
        size with about three significant digits.
        """
        path = Path(path)
        validate.check_target(path)
        tensors = {name: validate.stored(name, getattr(self, name), dtype) for name in _LOGITS}
        tensors |= {"labels": self.labels, "n_options": self.n_options}
        tensors |= {} if self.order is None else {"order": self.order}
        lists = {name: json.dumps(getattr(self, name), ensure_ascii=False) for name in _RESERVED}
        write_whole(path, _serialised(tensors, self.metadata | lists))


def _as_index(index: np.ndarray | Sequence[int]) -> np.ndarray:
    index = np.asarray(index)
    return index.astype(np.int64) if index.size == 0 and index.dtype != bool else index


def _widened(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    missing = [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])]
    return np.pad(values, missing, constant_values=fill)


def _order_or_identity(part: Traces) -> np.ndarray:
    return part.order if part.order is not None else np.where(part.mask, np.arange(part.mask.shape[1]), -1)


def _joined_metadata(parts: Sequence[Traces]) -> dict[str, str]:
    keys = dict.fromkeys(key for part in parts for key in part.metadata)
    values = {key: dict.fromkeys(part.metadata.get(key, "") for part in parts) for key in keys}
    return {key: " + ".join(value for value in found if value) for key, found in values.items()}


def _serialised(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> bytes:
    """Safetensors bytes with a sorted header (the library writes metadata in an order that changes from run to run)."""
    from safetensors.numpy import save

    raw = save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, metadata)
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.dumps(json.loads(raw[8 : 8 + length]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    encoded = header.encode()
    encoded += b" " * (-len(encoded) % 8)  # the data must start at a multiple of 8
    return struct.pack("<Q", len(encoded)) + encoded + raw[8 + length :]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a sibling first, then one rename.

    Raises
    ------
    ValueError
        Names the file and why it cannot be written (no space, no permission).

    Examples
    --------
    >>> from pathlib import Path
    >>> from dualalign.traces.artifact import write_whole
    >>> write_whole(Path("t.json"), b"{}")
    >>> [path.name for path in Path().iterdir()]
    ['t.json']
    """
    sibling = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(sibling, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(sibling, path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        with contextlib.suppress(OSError):
            sibling.unlink()
