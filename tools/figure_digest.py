"""What a figure looks like, in a kilobyte: a thumbnail with a cell for ten pixels, and how far a picture is from it.

A cell is a weighted mean of the pixels around it, so the noise of antialiasing and hinting averages out, while an edge
that moves by a pixel or two shows in every cell that it crosses. Another version of a font may shift a whole picture by
a pixel or two; one part of a picture that moves by as much is a change.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
from typing import Any

import numpy as np
from PIL import Image

CELL = 10  # pixels of the picture to a cell of the thumbnail
LEVEL = 8  # of 256 steps of brightness: what a stored cell is rounded to
TOLERANCE = 16  # of 256: how far a cell may be from the stored one; twice the rounding, and twice what noise does
SHIFT = 2  # pixels by which a whole picture may be shifted, and by which its size may differ

Digest = dict[str, Any]


def opaque(png: bytes) -> Image.Image:
    """Return a picture as a reader of the light page sees it: on white, without transparency."""
    image = Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def pixels_digest(image: Image.Image) -> str:
    """Hash the pixels alone: the file also names the version of what wrote it."""
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()[:16]


def cells(image: Image.Image) -> np.ndarray:
    """Return the thumbnail's cells, (rows, columns, 3), each from 0 to 255."""
    size = tuple(max(1, round(side / CELL)) for side in image.size)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float64)


def digest(image: Image.Image) -> Digest:
    """Return what is stored of a figure: size, hash of its pixels, thumbnail as PNG in base64."""
    rounded = np.minimum(np.round(cells(image) / LEVEL) * LEVEL, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(rounded).save(out, "PNG", optimize=True)
    thumbnail = base64.b64encode(out.getvalue()).decode()
    return {"size": list(image.size), "pixels": pixels_digest(image), "thumbnail": thumbnail}


def thumbnail(stored: Digest) -> Image.Image:
    """Return the stored thumbnail as a small picture."""
    return Image.open(io.BytesIO(base64.b64decode(stored["thumbnail"])), formats=["PNG"]).convert("RGB")


def distance(stored: Digest, image: Image.Image) -> float:
    """Return how far the worst cell is from the stored one, of 256; infinity where the sizes do not fit.

    Where the picture as it is lies beyond the tolerance, the whole is tried shifted by up to ``SHIFT`` pixels each way,
    and the nearest counts.
    """
    if stored["pixels"] == pixels_digest(image):
        return 0.0
    size = tuple(stored["size"])
    if any(abs(a - b) > SHIFT for a, b in zip(size, image.size, strict=True)):
        return float("inf")
    before = np.asarray(thumbnail(stored), dtype=np.float64)
    shifts = sorted(itertools.product(range(-SHIFT, SHIFT + 1), repeat=2), key=lambda shift: np.abs(shift).sum())
    best = float("inf")
    for shift in shifts:
        best = min(best, float(np.abs(cells(_placed(image, size, shift)) - before).max()))
        if best <= TOLERANCE:
            break
    return best


def _placed(image: Image.Image, size: tuple[int, ...], shift: tuple[int, int]) -> Image.Image:
    """Return the picture on a white sheet of the given size, shifted."""
    sheet = Image.new("RGB", size, "white")
    sheet.paste(image, shift)
    return sheet
