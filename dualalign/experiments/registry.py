"""The list of experiments. Each module holds one, as `EXPERIMENT`."""

from __future__ import annotations

from importlib import import_module

from .unit import Experiment

NAMES = (
    "main",
    "ablation",
    "size",
    "transfer",
    "premise",
    "decisions",
    "labels",
    "trust",
    "references",
    "claims",
    "factorial",
)


def get(name: str) -> Experiment:
    """Return an experiment by name, or raise a ValueError that lists them."""
    if name not in NAMES:
        raise ValueError(f"{name}: no such experiment; known are {', '.join(NAMES)}")
    return import_module(f"{__package__}.{name}").EXPERIMENT
