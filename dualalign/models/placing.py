"""Where a model's weights lie and in how many bits: one device, several, or parts of it in the machine's memory."""

from __future__ import annotations

import importlib.util
import logging
import re
from pathlib import Path

from ..bounded import json_value

MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
_SIZE = re.compile(r"(?P<device>cpu|\d+)=(?P<size>\d+(\.\d+)?(GB|GiB|MB|MiB))")


def check_placing(device_map: str | None, max_memory: str | None, dtype: str, adapter: str | None) -> None:
    """Raise ValueError, one line, for a placing that cannot be followed. Reads no weights."""
    if max_memory and not device_map:
        raise ValueError("max_memory: belongs to a device map; give one (--device-map auto)")
    if adapter and (device_map or dtype == "int8"):
        raise ValueError(
            f"{adapter}: an adapter is merged in float32 on one device; merge it once with "
            f"load_model(...).model.save_pretrained(FOLDER), and give that folder"
        )
    if dtype == "int8" and importlib.util.find_spec("bitsandbytes") is None:
        raise ValueError("dtype: 'int8' needs the package bitsandbytes; run: pip install bitsandbytes")
    placing(device_map, max_memory)


def placing(device_map: str | None, max_memory: str | None) -> dict:
    """Return the keyword arguments of ``from_pretrained`` for a device map; none for a single device.

    Raises
    ------
    ValueError
        If the map is neither a name of accelerate's nor a JSON file, or a size cannot be read.
    """
    if not device_map:
        return {}
    found = {"device_map": device_map if device_map in MAPS else _read_map(Path(device_map))}
    return found | ({"max_memory": _sizes(max_memory)} if max_memory else {})


def _read_map(path: Path) -> dict[str, int | str]:
    """A map from parts of the model to devices: a card's number, "cpu" or "disk"."""
    try:
        found = json_value(path)
    except ValueError:
        raise ValueError(f"device_map: {str(path)!r} is none of {', '.join(MAPS)}, and no JSON file") from None
    devices = found.values() if isinstance(found, dict) else [None]
    if not found or not all(isinstance(d, (int, str)) and not isinstance(d, bool) for d in devices):
        raise ValueError(f'{path}: not a device map; write {{"part of the model": 0 or "cpu", ...}}')
    return found


def _sizes(text: str) -> dict[int | str, str]:
    """Read ``0=20GiB,1=20GiB,cpu=100GiB``."""
    found = {}
    for part in text.replace(" ", "").split(","):
        match = _SIZE.fullmatch(part)
        if match is None:
            raise ValueError(f"max_memory: {part!r}; write DEVICE=SIZE, 0=20GiB,cpu=100GiB for example")
        device = match["device"]
        found[int(device) if device.isdecimal() else device] = match["size"]
    return found


def quantised(dtype: str) -> dict:
    """Return the keyword arguments of ``from_pretrained`` that an 8-bit model needs; none for other types."""
    if dtype != "int8":
        return {}
    from transformers import BitsAndBytesConfig

    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of its casts at every layer
    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
