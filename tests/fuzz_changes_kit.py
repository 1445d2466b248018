"""Ways to break a file, each from a valid one: bytes that no format knows."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
from collections.abc import Callable

Change = Callable[[bytes, random.Random], bytes]


class Trap:
    """What a pickle of this would do: its guard ends the case."""

    def __reduce__(self):
        return eval, ("1",)


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF\n"
HTML = b"<!doctype html><script>alert(1)</script><img src=x onerror=alert(1)>\n"
PICKLE = pickle.dumps(Trap(), 4)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(13)
NPY = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n" + PICKLE
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def zipped() -> bytes:
    """A zip that holds a pickle, as torch writes them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), PICKLE)
        archive.writestr(zipfile.ZipInfo("../../escape.npy"), b"x")
    return buffer.getvalue()


FOREIGN = (
    PDF,
    HTML,
    PICKLE,
    PNG,
    NPY,
    GZIP,
    zipped(),
    b"PAR1",
    b"#!/bin/sh\nexit 1\n",
    b"\x80\x04.",
    b"GGUF\x03\x00\x00\x00",
)
SIZES = (
    0,
    1,
    7,
    127,
    128,
    255,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**60,
    2**63 - 1,
    2**63,
    2**64 - 1,
)


# -- Bytes ---------------------------------------------------------------------------------------------------------


def cut(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.choice((rng.randrange(len(raw) + 1), max(len(raw) - rng.randrange(1, 20), 0)))]


def flip(raw: bytes, rng: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if out else 0):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def poke(raw: bytes, rng: random.Random) -> bytes:
    """Bytes that mean something to one format or another, in place or between."""
    some = rng.choice(
        (
            b"\x00",
            b"\xff\xff",
            b'"',
            b"{",
            b"[",
            b"}",
            b"\n",
            b"\\",
            b"-",
            b"\r",
            b"\xe9",
            b"\xed\xa0\x80",
            b"\xef\xbb\xbf",
        )
    )
    at, width = rng.randrange(len(raw) + 1), rng.choice((0, len(some)))
    return raw[:at] + some + raw[at + width :]


def resize(raw: bytes, rng: random.Random) -> bytes:
    """Leave out, repeat or blank a stretch."""
    start, end = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    middle = rng.choice((b"", raw[start:end] * 2, bytes(end - start), raw[start:end][::-1]))
    return raw[:start] + middle + raw[end:]


def size_field(raw: bytes, rng: random.Random) -> bytes:
    """A number of 2, 4 or 8 bytes that promises much, at the start or anywhere."""
    width = rng.choice((2, 4, 8))
    at = rng.choice((0, rng.randrange(len(raw) + 1)))
    return raw[:at] + struct.pack("<Q", rng.choice(SIZES))[:width] + raw[at + width :]


def polyglot(raw: bytes, rng: random.Random) -> bytes:
    other = rng.choice(FOREIGN)
    return rng.choice((other + raw, raw + other, other, raw[:8] + other + raw[8:]))


def endless(raw: bytes, rng: random.Random) -> bytes:
    return raw + rng.choice((b"\x00", b" ", b"\n", b"[", b"a", b"\xff")) * rng.choice((1, 100, 10**4, 10**6))


def nothing(raw: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"", b"\n", b"\x00", b"{}", b"[]", b"null"))


BYTES: tuple[Change, ...] = (cut, cut, flip, flip, poke, poke, resize, size_field, polyglot, endless, nothing)
