"""Models spread over devices, with weights that lie elsewhere until they are needed: the same logits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from models_kit import save_tiny

pytestmark = pytest.mark.models
PROMPTS, IDS = [[3, 4, 5, 6], [7, 8]], [[5, 9, 33], [7, 8, 60]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model whose unembedding is not its embedding, and the logits of its plain self."""
    folder = save_tiny(tmp_path_factory.mktemp("models") / "tiny", tie_word_embeddings=False)
    return folder, load(folder).lens(PROMPTS, IDS)


def load(folder, **options):
    from dualalign.models import load_model

    return load_model(folder, **options)


def spread(tmp_path, **devices):
    """A device map in a file: everything on the processor, but for what `devices` says."""
    parts = [
        "model.embed_tokens",
        "model.norm",
        "model.rotary_emb",
        "lm_head",
        *(f"model.layers.{i}" for i in range(3)),
    ]
    (tmp_path / "map.json").write_text(json.dumps(dict.fromkeys(parts, "cpu") | devices))
    return str(tmp_path / "map.json")


@pytest.mark.parametrize(
    "away",
    [
        ["model.layers.1"],
        ["lm_head"],
        ["model.embed_tokens", "model.norm"],
        ["lm_head", "model.layers.0", "model.layers.2"],
    ],
)
def test_weights_on_disk_until_they_are_needed(folder, tmp_path, monkeypatch, away):
    monkeypatch.chdir(tmp_path)  # accelerate keeps an index of them
    loaded = load(folder[0], device_map=spread(tmp_path, **dict.fromkeys(away, "disk")))
    lying = {
        name.rpartition(".")[0] for name, weight in loaded.model.named_parameters() if weight.device.type == "meta"
    }
    assert all(any(place.startswith(part) for place in lying) for part in away)
    np.testing.assert_allclose(loaded.lens(PROMPTS, IDS), folder[1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded.lens(PROMPTS, IDS), folder[1], rtol=1e-6, atol=1e-6)  # and they can come again
    assert loaded.device == "map map.json"


def test_a_map_by_name_and_a_bound(folder):
    loaded = load(folder[0], device_map="auto", max_memory="cpu=1GiB")
    assert (loaded.device, loaded.dtype) == ("map auto", "float32")
    np.testing.assert_allclose(loaded.lens(PROMPTS, IDS), folder[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"device_map": "everywhere"},
            "device_map: 'everywhere' is none of auto, balanced, balanced_low_0, sequential",
        ),
        ({"max_memory": "0=1GiB"}, "max_memory: belongs to a device map"),
        ({"device_map": "auto", "max_memory": "0:1GiB"}, "max_memory: '0:1GiB'; write DEVICE=SIZE"),
        ({"device_map": "auto", "max_memory": "0=1"}, "max_memory: '0=1'; write DEVICE=SIZE"),
        ({"device_map": "auto", "adapter": "x"}, "x: an adapter is merged in float32 on one device"),
        ({"dtype": "int8", "adapter": "x"}, "x: an adapter is merged in float32 on one device"),
    ],
)
def test_what_cannot_be_placed_is_one_line(folder, options, words):
    with pytest.raises(ValueError, match=r".") as e:
        load(folder[0], **options)
    assert str(e.value).startswith(words)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": true}', '{"a": null}', '"auto"', "[" * 100_000])
def test_a_file_that_is_no_map_is_refused(folder, tmp_path, text):
    (tmp_path / "map.json").write_text(text)
    with pytest.raises(ValueError, match=r"no JSON file|not a device map"):
        load(folder[0], device_map=str(tmp_path / "map.json"))


def test_int8_needs_its_package(folder, monkeypatch):
    from dualalign.models import placing

    monkeypatch.setattr(placing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="dtype: 'int8' needs the package bitsandbytes; run: pip install bitsandbytes"):
        load(folder[0], dtype="int8")


def test_int8_reads_nearly_the_same(tmp_path):
    pytest.importorskip("bitsandbytes")
    folder = save_tiny(tmp_path / "wide", hidden_size=64, intermediate_size=128)
    exact, coarse = load(folder).lens(PROMPTS, IDS), load(folder, dtype="int8")
    assert coarse.dtype == "int8"
    found = coarse.lens(PROMPTS, IDS)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.parametrize("family", ["Llama", "Gemma2", "GPT2"])
def test_a_tied_head_on_disk_is_read_through_its_hook(tmp_path, monkeypatch, family):
    monkeypatch.chdir(tmp_path)
    folder = save_tiny(tmp_path / "tied", family, tie_word_embeddings=True)
    loaded = load(folder, device_map="auto", max_memory="cpu=0.02MB")
    assert {weight.device.type for weight in loaded.model.parameters()} == {"meta"}
    np.testing.assert_allclose(loaded.lens(PROMPTS, IDS), load(folder).lens(PROMPTS, IDS), rtol=1e-6, atol=1e-6)


def test_a_spread_model_is_loaded_without_words_of_others(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    load(folder[0], device_map=spread(tmp_path, **{"model.layers.1": "disk"}))
    assert not caplog.messages  # what stands on stderr without pytest


def test_int8_is_read_without_words_of_others(folder, caplog):
    pytest.importorskip("bitsandbytes")
    lens = load(folder[0], dtype="int8").lens
    caplog.clear()  # loading may tell of kernels that are not installed
    lens(PROMPTS, IDS)
    assert not caplog.messages
