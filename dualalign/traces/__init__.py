"""Traces: what two models said, layer by layer, about a set of questions (the artifact everything else reads)."""

from __future__ import annotations

from .artifact import SCHEMA, Traces

__all__ = ["SCHEMA", "Traces"]
