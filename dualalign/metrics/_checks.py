"""What every metric asks of its arrays, said in one line where they do not have it."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np

_ROUNDING = 1e-6  # float32 probabilities may overshoot 1 by a few ulps
_SUM_ROUNDING = 1e-4


def by_rows(kernel: Callable | None, low: float = 0.0, high: float = 1.0) -> Callable:
    """Attach to a metric its bounds, and the kernel that computes it for many resamples at once, from (draws, N)."""

    def attach(metric: Callable) -> Callable:
        metric.rows, metric.bounds = kernel, (low, high)
        return metric

    return attach


def check_confidence(confidence: np.ndarray) -> np.ndarray:
    """Return float64 (N,) probabilities of the predicted options, or raise ValueError."""
    confidence = _numbers("confidence", confidence)
    if confidence.ndim != 1 or not confidence.size:
        raise ValueError(
            f"confidence has shape {confidence.shape}; give one probability a question, shape (N,), N >= 1"
        )
    return _probabilities("confidence", confidence)


def check_correct(correct: np.ndarray) -> np.ndarray:
    """Return float64 (N,) of 0 and 1, or raise ValueError."""
    correct = _numbers("correct", correct)
    if correct.ndim != 1 or not correct.size:
        raise ValueError(f"correct has shape {correct.shape}; give one true or false a question, shape (N,), N >= 1")
    if not np.isin(correct, (0, 1)).all():
        raise ValueError("correct holds values other than 0 and 1; give whether each prediction was right")
    return correct


def check_pairs(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 (N,), or raise ValueError."""
    confidence, correct = check_confidence(confidence), check_correct(correct)
    if len(confidence) != len(correct):
        raise ValueError(
            f"confidence has {len(confidence)} entries, correct {len(correct)}; give one of each a question"
        )
    return confidence, correct


def check_proba(proba: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 (N, K) and int64 (N,), or raise ValueError."""
    proba = _numbers("proba", proba)
    if proba.ndim != 2 or proba.shape[1] < 2 or not len(proba):
        raise ValueError(f"proba has shape {proba.shape}; give (N, K) with N >= 1 questions and K >= 2 options")
    proba = _probabilities("proba", proba)
    off = np.abs(proba.sum(axis=1) - 1)
    if off.max() > _SUM_ROUNDING:
        raise ValueError(f"proba: row {off.argmax()} sums to {proba[off.argmax()].sum():.6g}; each row must sum to 1")
    return proba, _labels(labels, proba.shape)


def check_count(name: str, value: int, least: int = 1) -> int:
    """Return a whole number of at least `least`, or raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r}; give a whole number of at least {least}")
    return int(value)


def check_share(name: str, value: float) -> float:
    """Return a number strictly between 0 and 1, or raise ValueError."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} is {value!r}; give a number between 0 and 1")
    return float(value)


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not an array of numbers") from None
    if np.isnan(values).any():
        raise ValueError(f"{name} holds {np.isnan(values).sum()} NaN; remove or repair those questions")
    return values


def _probabilities(name: str, values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(f"{name} runs from {low:.6g} to {high:.6g}; give probabilities, from 0 to 1")
    return np.clip(values, 0.0, 1.0)


def _labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != shape[:1]:
        raise ValueError(f"labels has shape {labels.shape}, proba {shape}; give one label a row of proba")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels is of type {labels.dtype}; give the whole-number index of the right option")
    if (labels < 0).any():
        raise ValueError(
            f"labels: {(labels < 0).sum()} of {len(labels)} are negative (unknown); keep the labelled rows only"
        )
    if labels.max() >= shape[1]:
        raise ValueError(f"labels reach {labels.max()}, but proba has {shape[1]} options (0 is the first)")
    return labels.astype(np.int64)
