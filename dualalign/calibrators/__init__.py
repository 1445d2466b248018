"""Calibrators: from traces to a temperature, with or without labels. `objective.py` holds the paper's formulas."""

from __future__ import annotations

from .alignment import DACA, AlignAll, ConfidenceOnly, DualAlign, ProcessOnly
from .base import Calibrator
from .baselines import Agreement, BaseCal, TemperatureScaling, Vanilla
from .permutations import CAPE, PriDe, average_permutations
from .priors import BatchCalibration, ContextualCalibration
from .scaling import MatrixScaling, VectorScaling

_CLASSES = (
    Vanilla,
    AlignAll,
    DACA,
    ConfidenceOnly,
    ProcessOnly,
    DualAlign,
    BaseCal,
    Agreement,
    BatchCalibration,
    ContextualCalibration,
    PriDe,
    CAPE,
    VectorScaling,
    MatrixScaling,
    TemperatureScaling,
)
METHODS: dict[str, type[Calibrator]] = {method.name: method for method in _CLASSES}
PLAIN_METHODS = tuple(name for name, method in METHODS.items() if not method.needs)  # fitted on a plain trace alone

__all__ = ["METHODS", "PLAIN_METHODS", "Calibrator", "average_permutations", *(method.__name__ for method in _CLASSES)]
