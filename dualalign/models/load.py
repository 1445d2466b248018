"""Read a model's weights, merge its adapter, and fit it with a lens that is checked against its own logits."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .gguf import unread
from .hub import adapter_folder, snapshot, verify
from .placing import placing, quantised
from .quiet import first_line, quiet
from .spec import ModelSpec, adapter_config, context_length, find_device, softcap, unusable


@dataclass
class LoadedModel:
    """A model in memory, in evaluation mode.

    Attributes
    ----------
    model : transformers.PreTrainedModel
    tokenizer : transformers.PreTrainedTokenizerBase
    name : str
        What trace files call it.
    dtype, device : str
    spec : ModelSpec or None
        How it was loaded; None for a model that was built in memory.
    """

    model: Any
    tokenizer: Any
    name: str
    dtype: str = "float32"
    device: str = "cpu"
    spec: ModelSpec | None = field(default=None, repr=False)

    @cached_property
    def lens(self):
        """The `Lens` of the model, built and checked on first use."""
        from .lens import Lens

        return Lens(self.model, self.name)

    @property
    def context_length(self) -> int | None:
        """Longest prompt in tokens; None where unknown."""
        return context_length(self.model.config)

    @property
    def softcap(self) -> str:
        """Soft-capping of the final logits, ``none`` where there is none."""
        return softcap(self.model.config)


def load_model(
    source: str | Path,
    adapter: str | Path | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    revision: str | None = None,
    label: str | None = None,
    device_map: str | None = None,
    max_memory: str | None = None,
    trust_remote_code: bool = False,
) -> LoadedModel:
    """Load a causal language model and its tokenizer; parameters as in `ModelSpec`.

    Safetensors only, and no code from the model's repository unless it is allowed. An adapter is merged in float32,
    then all is cast to ``dtype``.

    Raises
    ------
    ValueError
        One line: no such model, a missing package, pickled weights, weights missing from the files, an adapter for
        another base, a device that is not there.
    """
    adapter = str(adapter) if adapter else None
    placed = {"device_map": device_map, "max_memory": max_memory, "trust_remote_code": trust_remote_code}
    return load_spec(ModelSpec(str(source), adapter, dtype, device, revision, label, **placed))


def load_spec(spec: ModelSpec) -> LoadedModel:
    """Load what a `ModelSpec` names."""
    import torch

    spec.check()
    tokenizer = spec.tokenizer()
    dtype = torch.bfloat16 if spec.dtype == "int8" else getattr(torch, spec.dtype)
    model = _weights(spec, torch.float32 if spec.adapter else dtype)
    if spec.adapter:
        model = merged(model, spec.adapter, spec.source)
        for weight in model.parameters():  # not the buffers: rotary frequencies lose their precision in bf16
            weight.data = weight.data.to(dtype)
    if not spec.device_map and spec.dtype != "int8":
        model = model.to(find_device(spec.device))
    model = model.eval().requires_grad_(False)
    return LoadedModel(model, tokenizer, spec.name, spec.dtype, spec.device_kind, spec)


def _weights(spec: ModelSpec, dtype):
    from transformers import AutoModelForCausalLM

    where = placing(spec.device_map, spec.max_memory) | quantised(spec.dtype)
    if spec.dtype == "int8" and not spec.device_map:
        where["device_map"] = {"": find_device(spec.device)}
    try:
        with quiet():
            model, info = AutoModelForCausalLM.from_pretrained(
                **spec.location(), **where, dtype=dtype, use_safetensors=True, output_loading_info=True
            )
    except Exception as e:  # hub, file system and parsers raise many kinds; the reader needs one line
        raise unusable(spec, "weights", e) from None
    folder = snapshot(str(spec.source), spec.commit) if spec.commit else None
    if folder is not None:
        verify(folder, str(spec.source))
    if lost := unread(info):
        raise ValueError(
            f"{spec.source}: {len(lost)} weights are missing or misshapen, first {lost[0]}; fetch the model again"
        )
    return model


def adapted(model, adapter: str | Path, source: str, trainable: bool = False):
    """Put a LoRA adapter on a model in memory.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Changed in place.
    adapter : str or path
    source : str
        What the model is called in error messages.
    trainable : bool
        Whether the adapter's weights ask for gradients.

    Returns
    -------
    peft.PeftModel

    Raises
    ------
    ValueError
        One line, where the adapter's weights are not exactly those that the model takes.
    """
    folder = adapter_folder(adapter)
    base = str(adapter_config(folder).get("base_model_name_or_path") or "unknown")
    try:
        with quiet(), warnings.catch_warnings():
            # peft only warns about adapter weights that are not in the file, and leaves them at zero
            warnings.filterwarnings("error", message=".*missing adapter keys.*")
            import peft

            found = peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
        _check_all_used(found, folder / "adapter_model.safetensors")
        return found
    except Exception as e:  # peft raises ValueError, KeyError, RuntimeError by cause
        raise ValueError(
            f"{adapter}: adapter does not fit {source} ({first_line(e)}); it was made for {Path(base).name}"
        ) from None


def merged(model, adapter: str | Path, source: str):
    """The model with a LoRA adapter added into its weights; parameters and errors as in `adapted`."""
    found = adapted(model, adapter, source)
    try:
        return found.merge_and_unload(safe_merge=True)
    except ValueError as e:  # numbers that are not finite
        raise ValueError(f"{adapter}: cannot be merged ({first_line(e)}); make the adapter again") from None


def _check_all_used(model, file: Path) -> None:
    """Raise ValueError where the file holds weights that the model has no place for: peft drops them in silence."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(file, "pt") as stored:
        spare = sorted(set(stored.keys()) - get_peft_model_state_dict(model, save_embedding_layers=False).keys())
    if spare:
        raise ValueError(f"no place for {len(spare)} of its weights, first {spare[0]}")
