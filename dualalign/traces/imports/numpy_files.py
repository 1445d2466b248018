"""NumPy's files, read without pickle and only after their headers have been held against their size."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...bounded import plain, regular_file
from .. import validate

INFLATION = 200  # a compressed file may hold so many times its size: no floats do, a bomb does
MEMBERS = 64
_NAMES = ("question_ids", "groups")


def read_arrays(path: Path, alone: str = "logits") -> dict[str, np.ndarray]:
    """Return the arrays of a ``.safetensors``, ``.npz`` or ``.npy`` file; that of a ``.npy`` is called ``alone``.

    Raises
    ------
    ValueError
        One line: the file, and what is wrong with it.
    """
    path = regular_file(path, "a .safetensors, .npz or .npy file")
    kind = path.suffix.lower()
    if kind == ".safetensors":
        return _safetensors(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # Python warns of what a hostile header spells
            if kind == ".npz":
                return _npz(path)
            if kind == ".npy":
                with path.open("rb") as file:
                    return {alone: _array(file, path.stat().st_size, alone)}
    except Exception as error:  # a hostile header can end in many ways: zlib, struct, tokenize, ...
        raise ValueError(f"{path}: not a whole {kind} file of numbers ({plain(error)})") from None
    raise ValueError(f"{path}: ends in {kind[:20] or 'nothing'}; give a .safetensors, .npz or .npy file")


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    tensors, metadata = validate.read_safetensors(path)
    try:
        lists = {name: validate.json_strings(name, metadata[name]) for name in _NAMES if name in metadata}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return tensors | {name: np.array(values, dtype=np.str_) for name, values in lists.items()}


def _npz(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MEMBERS:
            raise ValueError(f"{len(entries)} members, expected at most {MEMBERS}")
        if sum(entry.file_size for entry in entries) > INFLATION * max(path.stat().st_size, 4096):
            raise ValueError("holds far more than its size allows")
        found = {}
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("compressed in a way that NumPy does not write")
            name = entry.filename.removesuffix(".npy")
            if name in found:
                raise ValueError(f"two members are called {name[:40]!r}")
            with archive.open(entry) as file:
                found[name] = _array(file, entry.file_size, name)
        return found


def _array(file: BinaryIO, size: int, name: str) -> np.ndarray:
    """One array whose header promises as many bytes as there are; numbers or text, never objects."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{name[:40]}: version {version} of the format, expected 1.0 or 2.0")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_column, dtype = read(file)
    if dtype.hasobject or dtype.kind not in "fiuUb":
        raise ValueError(f"{name[:40]}: holds {dtype}, expected numbers or text")
    promised, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if promised != there or min(shape, default=0) < 0:
        raise ValueError(f"{name[:40]}: shape {shape} of {dtype} takes {promised} bytes, {there} are there")
    raw = file.read(promised)
    if len(raw) != promised:
        raise ValueError(f"{name[:40]}: ends early")
    values = np.frombuffer(raw, dtype).reshape(shape, order="F" if by_column else "C")
    if dtype.kind == "U":
        values.tolist()  # raises where a number is no character
    return values
