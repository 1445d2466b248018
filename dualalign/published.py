"""Whether a file that was fetched from a hub is the one that was published: the hub's clients compare sizes only."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def named_by_checksum(blob: Path) -> bool:
    """True for a large file in the hub's cache, which bears the published sha256 of its content as its name."""
    return bool(_SHA256.fullmatch(blob.name))


def as_published(blob: Path) -> bool:
    """True where a file's content has the sha256 that is its name."""
    with blob.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == blob.name
