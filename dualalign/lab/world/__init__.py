"""The controlled world: documents whose true answer probabilities are known, a tiny transformer, and its drift made."""

from __future__ import annotations

from .generator import World, draw, posterior
from .run import Run, simulate
from .studies import STUDIES, Study

__all__ = ["STUDIES", "Run", "Study", "World", "draw", "posterior", "simulate"]
