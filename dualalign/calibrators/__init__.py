"""Calibrators: from traces to a temperature, with or without labels. `objective.py` holds the paper's formulas."""

from __future__ import annotations

from .alignment import DACA, AlignAll, ConfidenceOnly, DualAlign, ProcessOnly
from .base import Calibrator
from .baselines import Agreement, BaseCal, TemperatureScaling, Vanilla
from .priors import BatchCalibration, ContextualCalibration

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
    TemperatureScaling,
)
METHODS: dict[str, type[Calibrator]] = {method.name: method for method in _CLASSES}

__all__ = ["METHODS", "Calibrator", *(method.__name__ for method in _CLASSES)]
