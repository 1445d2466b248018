"""Width and height on the pictures of a page, so that nothing moves when they arrive."""

from __future__ import annotations

import re
import struct
from functools import partial
from pathlib import Path
from urllib.parse import unquote

PICTURE = re.compile(r'<img (?![^>]*\bwidth=)[^>]*?\bsrc="([^"]*_images/[^"]+\.png)"')


def with_sizes(html: str, folder: Path) -> str:
    """Give every PNG under _images/ that has no width its own pixels; folder is the page's."""
    return PICTURE.sub(partial(_sized, folder=folder), html)


def _sized(match: re.Match, folder: Path) -> str:
    path = folder / unquote(match.group(1))
    size = png_size(path.read_bytes()[:24]) if path.is_file() else None
    return f'{match.group()} width="{size[0]}" height="{size[1]}"' if size else match.group()


def png_size(head: bytes) -> tuple[int, int] | None:
    """Read width and height from the first 24 bytes of a PNG; None for anything else."""
    return struct.unpack(">II", head[16:24]) if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 24 else None
