"""Which model is meant, and all that can be known about it before its weights are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..bounded import json_value, shown
from .folder import check_folder
from .gguf import PREFIX, gguf_folder, packaged_folder
from .hub import HUB_ID, Found, adapter_commit, adapter_folder, on_hub, pinned, snapshot
from .placing import check_placing
from .quiet import first_line, quiet

DTYPES = ("float32", "bfloat16", "float16", "int8")


@dataclass(frozen=True)
class ModelSpec:
    """A model by name; nothing is read until a method asks for it.

    Parameters
    ----------
    source : str or path
        A folder of safetensors, a ``.gguf`` file, ``package:gemma3-270m``, ``package:smollm2-135m-instruct``, a hub id
        (``id@revision`` pins it).
    adapter : str or path, optional
        A folder with a PEFT LoRA adapter, or a hub id (``id@revision`` pins it), merged into the weights.
    dtype : {"float32", "bfloat16", "float16", "int8"}
        Type of the weights; logits are float32 whatever it is. "int8" quantises the blocks (bitsandbytes) and
        leaves the rest in bfloat16.
    device : str
        ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``. Of several processes each takes its own card.
    revision : str, optional
        Branch, tag or commit of a hub id, where the id itself does not end in it.
    label : str, optional
        The name to write into trace files; by default what `name` makes of the source.
    device_map : str, optional
        For a model that one device cannot hold: ``auto``, ``balanced``, ``sequential`` (accelerate's), or a JSON file.
    max_memory : str, optional
        How much of each device a map may use: ``0=20GiB,cpu=100GiB``.
    trust_remote_code : bool
        Whether Python code of the model's own repository may run on this machine, where it can do whatever you can:
        read and send your files and keys. Off; read that code first, and pin its revision.
    """

    source: str
    adapter: str | None = None
    dtype: str = "float32"
    device: str = "cpu"
    revision: str | None = None
    label: str | None = None
    device_map: str | None = None
    max_memory: str | None = None
    trust_remote_code: bool = False

    def __post_init__(self):
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype: {self.dtype!r} is unknown; expected one of {', '.join(DTYPES)}")
        source, revision = pinned(str(self.source), self.revision)
        if source != str(self.source):
            object.__setattr__(self, "source", source)
            object.__setattr__(self, "revision", revision)

    @property
    def name(self) -> str:
        """Label, or source without the path of this machine, with adapter and revision where given."""
        if self.label:
            return self.label
        source = str(self.source)
        name = Path(source).resolve().name if _is_local(source) else source
        adapter = str(self.adapter or "")
        adapter = f"+{Path(adapter).resolve().name if _is_local(adapter) else adapter}" if adapter else ""
        return f"{name}{'@' + self.revision if self.revision else ''}{adapter}"

    def check(self) -> None:
        """Raise ValueError, one line, where source, adapter or device cannot be used. Reads no weights."""
        check_placing(self.device_map, self.max_memory, self.dtype, self.adapter)
        if self.adapter:
            check_base(self.adapter, self.source)
        self.config()
        find_device(self.device)

    def location(self) -> dict:
        """Keyword arguments for every ``from_pretrained``: remote code only where it is allowed."""
        found, where = self.found(), resolve(self.source, self.revision)
        here = snapshot(where, found.commit) if found and not found.online else None
        if here:  # without the hub the folder: no part of it is asked for
            check_folder(here, f"{where}: the hub cannot be asked, and the cache's copy is not whole: ")
        return {
            "pretrained_model_name_or_path": str(here or where),
            "revision": found.commit if found and not here else "main",
            "trust_remote_code": self.trust_remote_code,
            "local_files_only": here is not None,
        }

    def found(self) -> Found | None:
        """The commit of a model on the hub; None for one that lies in a folder here."""
        where = resolve(self.source, self.revision)
        return None if Path(where).is_dir() else on_hub(where, self.revision)

    @property
    def commit(self) -> str:
        """The commit of a model on the hub; "" for one that lies in a folder here."""
        found = self.found()
        return found.commit if found else ""

    @property
    def commits(self) -> str:
        """The commit of the model and that of its adapter, ``local`` for a folder; "" where both lie here."""
        found = [self.commit, *([adapter_commit(self.adapter)] if self.adapter else [])]
        return " + ".join(commit or "local" for commit in found) if any(found) else ""

    def config(self):
        """The model's own configuration."""
        from transformers import AutoConfig

        return _from_pretrained(AutoConfig, self)

    def tokenizer(self):
        """The model's own tokenizer."""
        from transformers import AutoTokenizer

        return _from_pretrained(AutoTokenizer, self)

    @property
    def context_length(self) -> int | None:
        """Longest prompt in tokens; None where unknown."""
        return context_length(self.config())

    @property
    def softcap(self) -> str:
        """Soft-capping of the final logits, ``none`` where there is none."""
        return softcap(self.config())

    def fingerprint(self) -> dict:
        """What identifies the weights without reading them: name, type, and size and date of every local file."""
        where = resolve(self.source, self.revision)
        places = (where, self.adapter and adapter_folder(self.adapter))
        folders = [Path(p) for p in places if p and Path(p).is_dir()]
        files = sorted(f for folder in folders for f in folder.iterdir() if f.suffix in (".safetensors", ".json"))
        stats = [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files]
        place = {"device": self.device_kind, "commit": self.commits, "files": stats}
        code = {"remote code": True} if self.trust_remote_code else {}
        return {"name": self.name, "dtype": self.dtype} | place | code

    @property
    def device_kind(self) -> str:
        """What computes, without its number: cpu, cuda, mps; or that a map spreads it."""
        return f"map {Path(self.device_map).name}" if self.device_map else find_device(self.device).split(":")[0]

    def load(self):
        """Read the weights. Returns a `LoadedModel`."""
        from .load import load_spec

        return load_spec(self)


def resolve(source: str, revision: str | None = None) -> str:
    """Turn a source into a folder of safetensors or a hub id.

    Raises
    ------
    ValueError
        If it is neither, or holds pickled weights only.
    """
    source = str(source)
    path = Path(source).expanduser()
    if revision and (_is_local(source) or source.startswith(PREFIX)):
        raise ValueError(f"{source}: a revision ({revision}) belongs to a hub id; leave it out for a local model")
    if source.startswith(PREFIX):
        with quiet():
            return str(packaged_folder(source))
    if path.is_file() and path.suffix == ".gguf":
        with quiet():
            return str(gguf_folder(path))
    if path.is_dir():
        return check_folder(path)
    if path.exists() or not HUB_ID.fullmatch(source) or source[0] in "./":
        raise ValueError(
            f"{source}: no such model; expected a folder of safetensors, a .gguf file, package:NAME or a hub id"
        )
    return source


def adapter_config(folder: str | Path) -> dict:
    """Read and check a LoRA adapter's configuration.

    Raises
    ------
    ValueError
        If the folder holds no LoRA adapter as safetensors.
    """
    folder = adapter_folder(folder)
    try:
        config = json_value(folder / "adapter_config.json")
        kind = config["peft_type"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{folder}: no readable adapter_config.json; expected a LoRA adapter saved by peft") from None
    if kind != "LORA":
        raise ValueError(f"{folder}: an adapter of type {shown(kind)}; only LORA is merged")
    if not (folder / "adapter_model.safetensors").is_file():
        raise ValueError(
            f"{folder}: no adapter_model.safetensors (pickled adapters are refused); save it with peft again"
        )
    return config


def check_base(adapter: str | Path, source: str) -> None:
    """Raise ValueError, one line, for what is no LoRA adapter, and for one of another package than ``source``.

    Names of hubs and folders say too little: there the shapes decide when the weights are read.
    """
    made_for = adapter_config(adapter).get("base_model_name_or_path")
    if not isinstance(made_for, str):
        return
    if made_for.startswith(PREFIX) and str(source).startswith(PREFIX) and made_for != str(source):
        raise ValueError(
            f"{adapter}: an adapter for {made_for[:80]}, not for {source}; give the base that it was made for"
        )


def find_device(device: str) -> str:
    """Turn ``auto`` into the best device here; raise ValueError for one that this machine lacks.

    Where a launcher started several processes on one machine, each gets the card of its number.
    """
    import torch

    if device in ("auto", "cuda") and torch.cuda.is_available():
        local = os.environ.get("LOCAL_RANK", "")
        return f"cuda:{int(local) % torch.cuda.device_count()}" if local.isdecimal() else "cuda"
    if device == "auto":
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as e:
        raise ValueError(f"device: {device!r} cannot be used here ({first_line(e)}); try cpu or auto") from None
    if torch.device(device).type == "meta":
        raise ValueError("device: 'meta' holds no numbers; try cpu or auto")
    return device


def context_length(config) -> int | None:
    """Longest prompt in tokens that the model was built for; None where its configuration does not say."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return length if isinstance(length, int) and length > 0 else None


def softcap(config) -> str:
    """The bound of the model's final logits as text, ``none`` where there is none."""
    return str(getattr(config.get_text_config(), "final_logit_softcapping", None) or "none")


def _is_local(source: str) -> bool:
    return Path(source).expanduser().exists()


def _from_pretrained(auto, spec: ModelSpec):
    where = spec.location()
    try:
        with quiet():
            return auto.from_pretrained(**where)
    except Exception as e:  # hub, file system and parsers raise many kinds; the reader needs one line
        raise unusable(spec, auto.__name__.removeprefix("Auto").lower(), e) from None


def unusable(spec: ModelSpec, what: str, error: Exception) -> ValueError:
    """The one line for a model that cannot be read."""
    if "trust_remote_code" in str(error):
        return ValueError(
            f"{spec.source}: is built by code of its own repository, which is not run; read that code, then allow it "
            f"with --trust-remote-code (trust_remote_code=True)"
        )
    local = _is_local(str(spec.source)) or str(spec.source).startswith(PREFIX)
    advice = "is it complete?" if local else "check network and permission"
    return ValueError(f"{spec.source}: cannot read the {what} ({type(error).__name__}: {first_line(error)}); {advice}")
