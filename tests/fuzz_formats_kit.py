"""Ways to break a file that a format knows: headers of safetensors and NumPy, members of a zip."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile

import numpy as np
from fuzz_changes_kit import BYTES, HTML, NPY, SIZES, Change, cut, flip, poke, polyglot, size_field
from fuzz_json_kit import bent, json_file, json_lines, recoded, written
from fuzz_parquet_kit import parquet_columns

# -- Safetensors ---------------------------------------------------------------------------------------------------


def safetensors_header(raw: bytes, rng: random.Random) -> bytes:
    """The header's tree changed: types, shapes, offsets, and the JSON inside of its metadata."""
    try:
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        tensors = [name for name in header if name != "__metadata__"]
        rng.choice((_tensor, _tensor, _inner, _any))(header, rng.choice(tensors), rng)
    except (ValueError, RecursionError, struct.error, KeyError, TypeError, IndexError, AttributeError):
        return size_field(raw, rng)
    text = written(header).encode("utf-8", "surrogatepass") + b" " * rng.choice((0, 0, 1, 7, 10**5))
    promised = len(text) + rng.choice((0, 0, 0, 0, 1, -1, 8))
    return struct.pack("<Q", max(promised, 0)) + text + raw[8 + length :]


def _tensor(header: dict, name: str, rng: random.Random) -> None:
    entry = header[name]
    n = rng.choice((*SIZES, -1, -(2**63), 2**64, 1.5, "3"))
    kind = rng.choice(("dtype", "shape", "shape", "data_offsets", "both", "copy"))
    if kind == "dtype":
        entry["dtype"] = rng.choice(
            ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "F4", "C64", "f32", 7)
        )
    elif kind == "shape":
        shape = entry["shape"]
        entry["shape"] = rng.choice(
            ([n, *shape[1:]], [*shape, 1], shape[:-1], shape[::-1], [], [0, *shape[1:]], [0, 2**40, 2**40], [n] * 40)
        )
    elif kind == "data_offsets":
        start, end = entry["data_offsets"]
        entry["data_offsets"] = rng.choice(
            ([start, n], [n, end], [end, start], [0, end], [start, end, end], [n, n], [0, 0])
        )
    elif kind == "both":  # consistent: fewer rows, or another reading of the same bytes
        start, end = entry["data_offsets"]
        entry |= {"dtype": "U8", "shape": [end - start]}
    else:
        header["more" if rng.random() < 0.5 else "a\nb"] = entry


def _inner(header: dict, name: str, rng: random.Random) -> None:
    """A metadata string, or the JSON inside of it."""
    strings = header.get("__metadata__") or {}
    key = rng.choice([*strings])
    if strings[key][:1] in "[{" and rng.random() < 0.7:
        strings[key] = written(bent(json.loads(strings[key]), rng))
    else:
        strings[key] = rng.choice(
            ("", "a\nb", "\ud800", "x" * 10**5, "\0", HTML.decode(), "[" * 10**5, "[1e999]", "9" * 10**4)
        )


def _any(header: dict, name: str, rng: random.Random) -> None:
    bent(header, rng)


def values(raw: bytes, rng: random.Random) -> bytes:
    """Numbers of the data part replaced: NaN, infinities, the largest and the smallest."""
    start = 8 + int.from_bytes(raw[:8], "little") if raw[8:9] == b"{" else 128
    out, special = bytearray(raw), (np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e-45, 0.0)
    for _ in range(rng.choice((1, 1, 3, 30)) if len(raw) > start + 8 else 0):
        at = start + rng.randrange((len(raw) - start) // 8) * 8
        whole = struct.pack("<q", rng.choice((-1, -2, 0, 5, 2**31, 2**63 - 1, -(2**63))))
        out[at : at + 8] = rng.choice((struct.pack("<f", rng.choice(special)) + bytes(out[at + 4 : at + 8]), whole))
    return bytes(out)


# -- NumPy and zip -------------------------------------------------------------------------------------------------


SHAPES = (
    (), (0,), (1,), (-1,), (-2, -2), (2**60,), (2**32, 2**32), (2**64,), (1,) * 65, (3.5,), ("1",), (True,),
    (0, 2**40, 2**40),
)  # fmt: skip
DTYPES = (
    "<f4", "<f8", "<f2", ">f4", "<i8", "<u8", "|b1", "|O", "<U3", "<U0", "|S0", "|V8", "<M8[s]", "<c8", "<f99",
    [("a", "<f4")], ("<f4", (2**31,)), "O", 7,
)  # fmt: skip


def npy_header(raw: bytes, rng: random.Random) -> bytes:
    if raw[:6] != b"\x93NUMPY" or len(raw) < 12:
        return size_field(raw, rng)
    length = int.from_bytes(raw[8:10], "little")
    shape = rng.choice(SHAPES)
    head = {"descr": rng.choice(DTYPES), "fortran_order": rng.choice((False, True, 1, None)), "shape": shape}
    keep = raw[10 : 10 + length].decode("latin-1")
    whole = rng.choice(
        (
            str(head),
            keep.replace("(", f"({rng.choice(SIZES)}, ", 1),
            keep.replace("'<f4'", repr(head["descr"])),
            keep.replace("False", "True"),
        )
    )
    text = rng.choice(
        (whole, whole, whole, whole.rstrip()[:-1], "(" * 3000, "__import__('os')", "{}", whole * 2, "'\\d'", "1" * 5000)
    )
    version = rng.choice((b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x00\x00", b"\x09\x09"))
    encoded = text.encode("latin-1", "replace") + b" " * (-len(text) % 64) + b"\n"
    size = struct.pack("<I" if version > b"\x01\xff" else "<H", len(encoded) & 0xFFFF)
    return b"\x93NUMPY" + version + size + encoded + raw[10 + length :]


def npz_members(raw: bytes, rng: random.Random) -> bytes:
    """A zip written anew: members changed, added, twice, packed otherwise, or promising what they do not hold."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # already broken
        return poke(raw, rng)
    at = rng.randrange(len(members)) if members else 0
    name, content = members[at] if members else ("logits.npy", b"")
    change = rng.choice((npy_header, npy_header, values, cut, flip, polyglot))
    more = rng.choice(
        (
            [(name, change(content, rng))],
            [(name, content), (name, content)],
            [
                (
                    rng.choice(("../x.npy", "/etc/x.npy", "a\nb.npy", "\ud800.npy", "x", "logits", "residual.npy", "")),
                    content,
                )
            ],
            [(f"{i}.npy", content) for i in range(70)],
            [(name, NPY)],
            [(name, content + bytes(rng.choice((10**6, 3 * 10**7))))],
            [],
        )
    )
    buffer = io.BytesIO()
    packed = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    try:
        with zipfile.ZipFile(buffer, "w", packed) as archive:
            for one, held in members[:at] + more + members[at + 1 :]:
                archive.writestr(zipfile.ZipInfo(one), held, packed)
    except (UnicodeEncodeError, ValueError):
        return cut(raw, rng)
    return size_field(buffer.getvalue(), rng) if rng.random() < 0.2 else buffer.getvalue()


BY_KIND: dict[str, tuple[Change, ...]] = {
    ".json": (json_file, json_file, json_file, recoded),
    ".jsonl": (json_lines, json_lines, json_lines, recoded),
    ".safetensors": (safetensors_header, safetensors_header, values),
    ".npy": (npy_header, values),
    ".npz": (npz_members,),
    ".parquet": (parquet_columns,),
}


def changed(name: str, raw: bytes, rng: random.Random) -> bytes:
    """A file changed once: two times in three by what its format knows."""
    suffix = name[name.rfind(".") :]
    known = BY_KIND.get(suffix, ()) if rng.random() < 0.67 else ()
    return rng.choice(known or BYTES)(raw, rng)
