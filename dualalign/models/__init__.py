"""Models: load one by folder, hub id, GGUF or package, and read its logit lens. torch is imported only when called."""

from __future__ import annotations

import importlib

_HOME = {
    "LoadedModel": "load",
    "load_model": "load",
    "Lens": "lens",
    "ModelSpec": "spec",
    "cache_folder": "gguf",
}

__all__ = ["Lens", "LoadedModel", "ModelSpec", "cache_folder", "load_model"]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
