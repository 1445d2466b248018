"""Every experiment of the book as one tidy table: ``python -m dualalign.experiments`` makes it, `load` reads it."""

from __future__ import annotations

from .table import COLUMNS, load

__all__ = ["COLUMNS", "load"]
