"""Where a model may come from: many files, a GGUF file, code of its own; what each must be, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from models_kit import save_tiny, tiny_model, tiny_questions, tiny_tokenizer

pytestmark = pytest.mark.models
PROMPTS, IDS = [[3, 4, 5, 6], [7, 8]], [[5, 9, 33], [7, 8, 60]]


def load(*args, **options):
    from dualalign.models import load_model

    return load_model(*args, **options)


def refused(match, *args, **options):
    with pytest.raises(ValueError, match=match) as e:
        load(*args, **options)
    assert "\n" not in str(e.value)


@pytest.fixture
def sharded(tmp_path):
    """A model in several files."""
    tiny_model().save_pretrained(tmp_path / "many", max_shard_size="20KB")
    tiny_tokenizer().save_pretrained(tmp_path / "many")
    assert len(list((tmp_path / "many").glob("model-*.safetensors"))) > 2
    return tmp_path / "many"


def test_weights_in_many_files_are_those_of_one(sharded, tmp_path):
    one = load(save_tiny(tmp_path / "one"))
    assert np.array_equal(load(sharded).lens(PROMPTS, IDS), one.lens(PROMPTS, IDS))


def test_a_file_that_is_missing_is_named_before_any_is_read(sharded):
    lost = sorted(sharded.glob("model-*.safetensors"))[1]
    lost.unlink()
    refused(rf"many: lacks {lost.name}, one of \d+ files of weights", sharded)


@pytest.mark.parametrize("name", ["../one.safetensors", "/etc/passwd", "a/b.safetensors", 7, None])
def test_an_index_that_leaves_its_folder_is_refused(sharded, name):
    index = sharded / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["lm_head.weight"] = name
    index.write_text(json.dumps(content))
    refused(r"index.json: (names .*, which is no file of this folder|not an index of weights)", sharded)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}', "[" * 100_000])
def test_an_index_that_is_none_is_refused(sharded, text):
    (sharded / "model.safetensors.index.json").write_text(text)
    refused("index.json: not an index of weights", sharded)


def test_a_file_that_is_a_link_out_of_its_folder_is_refused(sharded, tmp_path):
    shard = sorted(sharded.glob("model-*.safetensors"))[1]
    shard.rename(tmp_path / "elsewhere.safetensors")
    shard.symlink_to(tmp_path / "elsewhere.safetensors")
    refused(rf"many: {shard.name} is a link out of this folder", sharded)
    shard.unlink()
    shard.symlink_to(tmp_path / "nowhere")
    refused(rf"many: lacks {shard.name}", sharded)


def test_a_snapshot_of_the_hubs_cache_is_links_and_can_be_named(tmp_path):
    snapshot, blobs = tmp_path / "models--some--base/snapshots/0123", tmp_path / "models--some--base/blobs"
    save_tiny(snapshot)
    blobs.mkdir()
    (snapshot / "model.safetensors").rename(blobs / "abc")
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs/abc"))
    assert np.array_equal(load(snapshot).lens(PROMPTS, IDS), load(save_tiny(tmp_path / "one")).lens(PROMPTS, IDS))


def write_gguf(path: Path, model, tokenizer, without: str = "") -> Path:
    """A Llama as llama.cpp would convert it: its names, its order of rotary dimensions."""
    gguf = pytest.importorskip("gguf")
    config, writer = model.config, gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    names = [word for word, _ in words] + [f"<{i}>" for i in range(len(words), config.vocab_size)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_types([1] * len(names))
    writer.add_token_scores([0.0] * len(names))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, weight in gguf_weights(model).items():
        if name != without:
            writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gguf_weights(model) -> dict[str, np.ndarray]:
    state = {name: weight.float().numpy() for name, weight in model.state_dict().items()}
    plain = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    found = {f"{ours}.weight": state[f"{theirs}.weight"] for ours, theirs in plain.items()}
    inner = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
             "ffn_norm": "post_attention_layernorm"}  # fmt: skip
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    for i in range(model.config.num_hidden_layers):
        for ours, theirs in inner.items():
            weight = state[f"model.layers.{i}.{theirs}.weight"]
            found[f"blk.{i}.{ours}.weight"] = paired(weight, heads[ours]) if ours in heads else weight
    return found


def paired(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a head from halves, as transformers rotates them, to pairs, as llama.cpp does."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def test_a_gguf_file_gives_the_weights_that_were_written(tmp_path, monkeypatch):
    import torch

    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    model = tiny_model().to(torch.bfloat16)  # in which it is kept
    path = write_gguf(tmp_path / "tiny.gguf", model, tiny_tokenizer())
    found, expected = load(path).model.state_dict(), model.float().state_dict()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(found[name].float(), weight, rtol=1e-2, atol=1e-3, msg=name)


def test_a_gguf_file_cut_short_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    path = write_gguf(tmp_path / "tiny.gguf", tiny_model(), tiny_tokenizer())
    whole = path.read_bytes()
    for length in (len(whole) // 2, 200):
        path.write_bytes(whole[:length])
        refused("tiny.gguf: not a GGUF model that transformers reads", path)
    assert not list((tmp_path / "cache").glob("*"))


def test_a_gguf_file_without_a_weight_is_not_filled_up_with_random_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    path = write_gguf(tmp_path / "tiny.gguf", tiny_model(), tiny_tokenizer(), without="blk.1.ffn_up.weight")
    refused("tiny.gguf: 1 weights are missing or misshapen, first model.layers.1.mlp.up_proj.weight", path)
    assert not list((tmp_path / "cache").glob("*"))


def test_a_gguf_file_without_an_unembedding_has_tied_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("DUALALIGN_CACHE", str(tmp_path / "cache"))
    path = write_gguf(tmp_path / "tied.gguf", tiny_model(), tiny_tokenizer(), without="output.weight")
    model = load(path).model
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM

Path(__file__).with_name("ran").touch()
Path("MARK").touch()


class OwnConfig(LlamaConfig):
    model_type = "own-kind"


class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.fixture
def own_code(tmp_path):
    """A model whose repository brings the code that builds it, and a file that appears when that code runs."""
    folder = save_tiny(tmp_path / "own")
    mark = tmp_path / "mark"
    (folder / "own.py").write_text(CODE.replace("MARK", str(mark)))
    config = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "own-kind", "auto_map": code}))
    return folder, mark


def test_code_of_a_repository_runs_only_where_it_is_allowed(own_code, monkeypatch, tmp_path):
    from dualalign import Traces
    from dualalign.traces.collect import collect

    folder, mark = own_code
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    refused(
        "own: is built by code of its own repository, which is not run; read that code, .*--trust-remote-code", folder
    )
    assert not mark.exists()
    loaded = load(folder, trust_remote_code=True)
    assert mark.exists()
    assert type(loaded.model).__name__ == "OwnModel"
    assert loaded.spec.fingerprint()["remote code"] is True
    plain = load(save_tiny(tmp_path / "plain"))
    assert np.array_equal(loaded.lens(PROMPTS, IDS), plain.lens(PROMPTS, IDS))
    traces = [
        Traces.load(collect(one, loaded, tiny_questions(3), "choices", tmp_path / "t", progress=False))
        for one in (plain, loaded)
    ]
    assert [t.metadata["remote_code"] for t in traces] == ["off / allowed", "allowed"]


def test_an_adapter_by_hub_id_is_fetched_by_revision(tmp_path, monkeypatch):
    import huggingface_hub
    import peft

    adapted = peft.get_peft_model(tiny_model(), peft.LoraConfig(r=2, target_modules=["q_proj"]))
    adapted.save_pretrained(tmp_path / "fetched")
    asked = []

    def snapshot(name, revision=None, allow_patterns=None):
        asked.append((name, revision))
        return str(tmp_path / "fetched")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    loaded = load(save_tiny(tmp_path / "base"), adapter="some/lora@v1")
    assert set(asked) == {("some/lora", "v1")}
    assert loaded.name == "base+some/lora@v1"


def test_an_adapter_that_the_hub_does_not_give_is_one_line(tmp_path, monkeypatch):
    import huggingface_hub

    def offline(*args, **options):
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    refused(
        "some/lora: no such folder here, and the hub did not give it", save_tiny(tmp_path / "b"), adapter="some/lora"
    )
    shutil.rmtree(tmp_path / "b")


def test_a_revision_may_stand_behind_the_hub_id():
    from dualalign.models import ModelSpec

    spec = ModelSpec("some/base@refs/pr/3")
    assert (spec.source, spec.revision, spec.name) == ("some/base", "refs/pr/3", "some/base@refs/pr/3")
    assert ModelSpec("some/base@v1", revision="v1") == ModelSpec("some/base", revision="v1")
    with pytest.raises(ValueError, match=r"^some/base@v1: and the revision v2; give one$"):
        ModelSpec("some/base@v1", revision="v2")
    with pytest.raises(ValueError, match=r"^some/base@: no revision behind the @"):
        ModelSpec("some/base@")


def test_a_folder_with_an_at_in_its_name_stays_a_folder(tmp_path, monkeypatch):
    from dualalign.models import ModelSpec

    monkeypatch.chdir(tmp_path)
    (tmp_path / "some/base@v1").mkdir(parents=True)
    assert ModelSpec("some/base@v1").source == "some/base@v1"
    assert ModelSpec("./some/other@v1").source == "./some/other@v1"
