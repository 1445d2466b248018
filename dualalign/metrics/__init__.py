"""Metrics of calibration, pure functions of numpy arrays, with noise floor and interval. Imports no other room."""

from __future__ import annotations

from .binned import (
    adaptive_ece,
    bin_edges,
    debiased_ece,
    ece,
    equal_mass,
    equal_width,
    mce,
    reliability,
    wilson,
)
from .resampling import Difference, Interval, ece_floor, interval, noise_draws, noise_floor, paired_difference
from .scores import accuracy, auroc, brier, nll, top_label, top_label_brier
from .selective import aurc, risk_coverage
from .smooth import smooth_ece
from .splits import repeated_splits
from .summary import summary

__all__ = [
    "Difference",
    "Interval",
    "accuracy",
    "adaptive_ece",
    "aurc",
    "auroc",
    "bin_edges",
    "brier",
    "debiased_ece",
    "ece",
    "ece_floor",
    "equal_mass",
    "equal_width",
    "interval",
    "mce",
    "nll",
    "noise_draws",
    "noise_floor",
    "paired_difference",
    "reliability",
    "repeated_splits",
    "risk_coverage",
    "smooth_ece",
    "summary",
    "top_label",
    "top_label_brier",
    "wilson",
]
