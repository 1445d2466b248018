"""A page that shows each figure that moved: before, after, and where they differ. One file, no network."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from figure_digest import CELL, Digest, thumbnail
from PIL import Image

STYLE = """
body { font-family: sans-serif; margin: 1rem auto; max-width: 100rem; padding: 0 1rem; color: #111; background: #fff }
.sides { display: flex; flex-wrap: wrap; gap: 1rem }
figure { flex: 1 1 20rem; margin: 0; min-width: 0 }
img { max-width: 100%; border: 1px solid #888 }
"""


def page(lines: dict[str, str], before: dict[str, Digest], shown: dict, images: dict) -> str:
    """Return the page.

    Parameters
    ----------
    lines : what is said of each figure: name -> line
    before : the stored digests; their thumbnails stand in where the last build's picture is not at hand
    shown, images : name -> picture of the last build, and of this one
    """
    parts = [section(name, line, before.get(name), shown.get(name), images.get(name)) for name, line in lines.items()]
    body = "\n".join(parts) or "<p>No figure moved by more than noise.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head><meta charset="utf-8"><title>Figures that moved</title>'
        f"<style>{STYLE}</style></head>\n<body><main><h1>Figures that moved</h1>\n{body}\n</main></body>\n</html>\n"
    )


def section(name: str, line: str, stored: Digest | None, old: Image.Image | None, new: Image.Image | None) -> str:
    if old is None and stored is not None:
        small = thumbnail(stored)
        old = small.resize((small.width * CELL, small.height * CELL), Image.Resampling.NEAREST)
    sides = {"before": old, "after": new, "difference": difference(old, new) if old and new else None}
    figures = "".join(_figure(name, side, image) for side, image in sides.items() if image is not None)
    return f'<h2>{html.escape(name)}</h2>\n<p>{html.escape(line)}</p>\n<div class="sides">{figures}</div>'


def difference(old: Image.Image, new: Image.Image) -> Image.Image:
    """Return a white picture that is the darker, the more the two differ there; one is cut to the other's place."""
    size = tuple(max(sides) for sides in zip(old.size, new.size, strict=True))
    first, second = (np.asarray(_on_white(image, size), dtype=np.int16) for image in (old, new))
    return Image.fromarray((255 - np.abs(first - second).max(axis=2)).astype(np.uint8))


def _on_white(image: Image.Image, size: tuple[int, ...]) -> Image.Image:
    sheet = Image.new("RGB", size, "white")
    sheet.paste(image)
    return sheet


def _figure(name: str, side: str, image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    return f'<figure><img src="{source}" alt="{html.escape(name)}, {side}"><figcaption>{side}</figcaption></figure>'
