"""A folder that should hold a model: what must lie in it, and what must not be named by it."""

from __future__ import annotations

import os
from pathlib import Path

from ..bounded import is_file, json_value, plain, shown

INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def check_folder(path: Path, prefix: str = "") -> str:
    """Return the path of a folder with configuration and safetensors.

    Parameters
    ----------
    path : Path
    prefix : str
        What an error message begins with.

    Raises
    ------
    ValueError
        One line: an adapter, no configuration, pickled weights or none, a file of weights that is missing or lies
        elsewhere.
    """
    if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        raise ValueError(
            f"{prefix}{path}: a LoRA adapter, not a model; give its base as the model and this folder as the adapter"
        )
    if not (path / "config.json").is_file():
        raise ValueError(f"{prefix}{path}: no config.json; expected a model saved by transformers' save_pretrained")
    if not any(map(is_file, path.glob("*.safetensors"))):
        pickles = any(f for pattern in PICKLES for f in path.glob(pattern))
        found = "holds pickled weights only, which can run code when read" if pickles else "holds no weights"
        raise ValueError(f"{prefix}{path}: {found}; expected .safetensors (save it with safe_serialization=True)")
    _check_index(path, prefix)
    _check_links(path, prefix)
    _check_entries(path, prefix)
    return str(path)


def _check_index(path: Path, prefix: str) -> None:
    """Raise ValueError where weights lie in several files and one is missing, or named outside of the folder."""
    index = path / INDEX
    if not os.path.lexists(index):
        return
    try:
        shards = sorted(set(json_value(index)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{prefix}{index}: not an index of weights; fetch the model again") from None
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise ValueError(
                f"{prefix}{index}: names {shown(shard)}, which is no file of this folder; fetch the model again"
            )
        if not is_file(path / shard):
            lacking = f"lacks {plain(shard, 80)}, one of {len(shards)} files of weights"
            raise ValueError(f"{prefix}{path}: {lacking}; fetch the model again")


def _check_links(path: Path, prefix: str) -> None:
    """Raise ValueError for weights that are a link out of the folder, save into the blobs of a hub's cache."""
    here = Path(os.path.realpath(path))  # of links that lead in a circle as well, which Path.resolve refuses
    inside = [here, here.parent.parent / "blobs"] if here.parent.name == "snapshots" else [here]
    for file in sorted(path.glob("*.safetensors")):
        if file.is_symlink() and Path(os.path.realpath(file)).parent not in inside:
            raise ValueError(
                f"{prefix}{path}: {plain(file.name)} is a link out of this folder; put the file itself there"
            )


def _check_entries(path: Path, prefix: str) -> None:
    """Raise ValueError for a pipe or a device, or a link to one: a loader that opens it may wait for ever."""
    for entry in sorted(path.iterdir()):
        if entry.exists() and not (entry.is_file() or entry.is_dir()):
            raise ValueError(f"{prefix}{path}: {plain(entry.name)} is no regular file; remove it")
