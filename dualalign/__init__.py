"""DualAlign: calibrate a post-trained language model against its pre-trained model, without labels.

The public calls, from a trace to a temperature::

    import dualalign as da

    traces = da.Traces.load("traces.safetensors")
    calibrator = da.DualAlign().fit(traces)
    calibrator.temperature_, calibrator.predict_proba(traces)

Everything is imported on first use, so that ``import dualalign`` is quick and never imports torch.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "1.0.0"

_ROOMS = (
    "book",
    "calibrators",
    "cli",
    "course",
    "drift",
    "exports",
    "lab",
    "metrics",
    "models",
    "plots",
    "questions",
    "report",
    "traces",
)
_HOMES = {
    "Traces": "traces",
    "Question": "questions",
    "METHODS": "calibrators",
    "Vanilla": "calibrators",
    "AlignAll": "calibrators",
    "DACA": "calibrators",
    "ConfidenceOnly": "calibrators",
    "ProcessOnly": "calibrators",
    "DualAlign": "calibrators",
    "BaseCal": "calibrators",
    "Agreement": "calibrators",
    "BatchCalibration": "calibrators",
    "ContextualCalibration": "calibrators",
    "PriDe": "calibrators",
    "CAPE": "calibrators",
    "VectorScaling": "calibrators",
    "MatrixScaling": "calibrators",
    "TemperatureScaling": "calibrators",
}

__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name: str) -> object:
    """Import a room, or a class from its room, when it is first asked for."""
    if name in _ROOMS:
        return import_module(f"dualalign.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"dualalign.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dualalign' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
