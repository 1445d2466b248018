"""Models on a hub: which commit is meant, what may be fetched, and whether what came is what was published."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..published import as_published, named_by_checksum
from .gguf import cache_folder
from .quiet import first_line, quiet

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_ADVICE = {
    "GatedRepoError": "access must be asked for on its page, then log in (hf auth login, or HF_TOKEN)",
    "RepositoryNotFoundError": "the hub knows no such name, or it is private: check the name, or log in",
    "RevisionNotFoundError": "it has no such revision: check branch, tag or commit",
}


class Found(NamedTuple):
    """A model's commit, and whether it is the hub that said so; else it is what lies in the local cache."""

    commit: str
    online: bool


@lru_cache
def on_hub(name: str, revision: str | None = None) -> Found:
    """Ask the hub, once, for a model's commit; where it cannot be asked, look into the local cache.

    Raises
    ------
    ValueError
        If it is neither there nor here, or holds no safetensors.
    """
    import huggingface_hub as hub

    try:
        info = hub.model_info(name, revision=revision, timeout=10)
    except Exception as e:  # no network, no such model, no permission
        cached = hub.try_to_load_from_cache(name, "config.json", revision=revision)
        if isinstance(cached, str) and type(e).__name__ not in _ADVICE:
            return Found(Path(cached).parent.name, False)
        raise ValueError(refusal(name, e)) from None
    if not any(f.rfilename.endswith(".safetensors") for f in info.siblings or []):
        raise ValueError(f"{name}: the hub holds no safetensors of it; pickled weights are refused")
    try:  # by the revision's name, so that the cache knows it when the hub cannot be asked
        hub.hf_hub_download(name, "config.json", revision=revision)
    except Exception as e:  # a gated model shows its page to everybody, and its files to those who have access
        if type(e).__name__ in _ADVICE:
            raise ValueError(refusal(name, e)) from None
    return Found(info.sha, True)


def refusal(name: str, error: Exception) -> str:
    """The one line for what a hub did not give."""
    kinds = [type(e).__name__ for e in (error, error.__cause__, error.__context__) if e is not None]
    advice = next((_ADVICE[kind] for kind in kinds if kind in _ADVICE), "check name and network")
    return f"{name}: no such folder here, and the hub did not give it ({kinds[0]}: {first_line(error)}); {advice}"


def pinned(name: str, revision: str | None = None) -> tuple[str, str | None]:
    """Split ``id@revision`` into a hub id and its revision; anything else comes back as it is.

    Raises
    ------
    ValueError
        If the name ends in one revision and ``revision`` is another.
    """
    found, at, own = name.partition("@")
    if not at or not _has_owner(found) or Path(name).exists():
        return name, revision
    if not own or (revision and revision != own):
        raise ValueError(f"{name}: {f'and the revision {revision}' if own else 'no revision behind the @'}; give one")
    return found, own


def adapter_folder(adapter: str | Path) -> Path:
    """Return the folder of an adapter; one on the hub, ``id`` or ``id@revision``, is fetched into the hub's cache.

    Raises
    ------
    ValueError
        If the hub does not give it, or what came is damaged.
    """
    name, revision = pinned(str(adapter))
    folder = Path(adapter).expanduser()
    return _fetched_adapter(name, revision) if _has_owner(name) and not folder.exists() else folder


def _has_owner(name: str) -> bool:
    """Whether a name has the form OWNER/MODEL of a hub, and not that of a path from here (``./x``) or the root."""
    return "/" in name and bool(HUB_ID.fullmatch(name)) and name[0] not in "./"


@lru_cache
def _fetched_adapter(name: str, revision: str | None) -> Path:
    """Fetched once, so that all parts of a run read the same commit."""
    import huggingface_hub as hub

    called = f"{name}@{revision}" if revision else name
    files = ["adapter_config.json", "adapter_model.safetensors"]
    try:
        with quiet():
            found = Path(hub.snapshot_download(name, revision=revision, allow_patterns=files))
    except Exception as e:  # no network, no such adapter, no permission
        raise ValueError(refusal(called, e)) from None
    verify(found, called)
    return found


def adapter_commit(adapter: str | Path | None) -> str:
    """The commit of an adapter on the hub; "" for one that lies in a folder here, and for none."""
    if not adapter or Path(adapter).expanduser().exists():
        return ""
    folder = adapter_folder(adapter)
    return folder.name if folder.parent.name == "snapshots" else ""


def snapshot(name: str, commit: str) -> Path | None:
    """The folder of the hub's cache that holds a commit of a model; None where there is none."""
    import huggingface_hub as hub

    config = hub.try_to_load_from_cache(name, "config.json", revision=commit)
    return Path(config).parent if isinstance(config, str) else None


def verify(folder: Path, name: str) -> None:
    """Compare every weight file of a snapshot with the sha256 that the hub published; once for each file.

    Raises
    ------
    ValueError
        Names the file that is not what was published.
    """
    for file in sorted(folder.glob("*.safetensors")):
        blob = file.resolve()
        if not named_by_checksum(blob) or _seen(blob).exists():
            continue
        if not as_published(blob):
            raise ValueError(
                f"{name}: {file.name} is not what the hub published (sha256); delete {blob}, fetch it again"
            )
        _seen(blob).parent.mkdir(parents=True, exist_ok=True)
        _seen(blob).touch()


def _seen(blob: Path) -> Path:
    """A mark that a file, as it is now, was compared before."""
    stat = blob.stat()
    return cache_folder() / "verified" / f"{blob.name}-{stat.st_size}-{stat.st_mtime_ns}"
