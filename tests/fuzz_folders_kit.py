"""More of what is fuzzed: folders of models and of finished batches, device maps, generation configs; and the list."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from fuzz_loaders_kit import (
    Files,
    Kind,
    _npy,
    array_files,
    helm_files,
    lm_eval_files,
    logprob_files,
    question_lines,
    question_table,
    read_arrays,
    read_helm,
    read_lm_eval,
    read_logprobs,
    read_questions,
    read_trace,
    trace_files,
)
from safetensors.numpy import save

from dualalign import exports
from dualalign.models import placing, spec
from dualalign.traces.shards import Shards

RUN = {"plm": {"name": "a", "files": [["x", 3, 4]]}, "questions": "0" * 16, "style": "letters", "batches": 1}


def shard_files(rng: random.Random) -> Files:
    logits = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    found = {"plm-000000.npy": _signed("plm-000000.npy", _npy(logits)), "plm.json": b'{"shared tokens": 7}'}
    return {f"t.safetensors.part/{k}": v for k, v in (found | {"run.json": json.dumps(RUN, indent=1).encode()}).items()}


def _signed(name: str, array: bytes) -> bytes:
    return array + hashlib.sha256(name.encode() + b"\n" + array).digest()


def read_shards(at: Path, rng: random.Random) -> object:
    """A batch whose checksum is right, whatever the array is, half of the time."""
    batch = at / "t.safetensors.part/plm-000000.npy"
    if batch.is_file() and not batch.is_symlink() and rng.random() < 0.5:
        batch.write_bytes(_signed(batch.name, batch.read_bytes()[:-32]))
    shards = Shards(at / "t.safetensors", RUN)
    assert shards.noted("plm") is None or 0 <= shards.noted("plm") < 2**31
    if shards.missing("plm", 1):
        return None
    part = shards.read("plm", 0, 3)
    assert part.dtype == np.float32
    assert part.shape[0] == 3
    return part


def model_files(rng: random.Random) -> Files:
    weights = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    index = {
        "metadata": {"total_size": 8},
        "weight_map": {f"layers.{i}.weight": name for i, name in enumerate(weights)},
    }
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 8}
    adapter = {
        "peft_type": "LORA",
        "base_model_name_or_path": "package:gemma3-270m",
        "r": 4,
        "target_modules": ["q_proj"],
    }
    found = {name: save({"a": np.zeros(1, np.float32)}) for name in (*weights, "adapter_model.safetensors")}
    texts = {"model.safetensors.index.json": index, "config.json": config, "adapter_config.json": adapter}
    return {f"m/{k}": v for k, v in (found | {k: json.dumps(v).encode() for k, v in texts.items()}).items()}


def read_model(at: Path, rng: random.Random) -> object:
    if rng.random() < 0.5:
        spec.check_base(at / "m", "package:gemma3-270m")
        found = spec.adapter_config(at / "m")
        assert found["peft_type"] == "LORA"
        return found
    found = spec.resolve(str(at / "m"))
    assert Path(found) == at / "m"
    return found


def map_files(rng: random.Random) -> Files:
    return {"map.json": b'{"model.embed_tokens": 0, "model.layers.0": "cpu", "model.norm": 1, "lm_head": "disk"}'}


def read_map(at: Path, rng: random.Random) -> object:
    found = placing.placing(str(at / "map.json"), rng.choice((None, "0=20GiB,cpu=100GiB")))["device_map"]
    assert isinstance(found, Mapping)
    assert found
    assert all(isinstance(one, (int, str)) for one in found.values())
    return found


def config_files(rng: random.Random) -> Files:
    config = {"bos_token_id": 2, "eos_token_id": [1, 106], "top_k": 64, "transformers_version": "5.0", "suppress": None}
    return {"generation_config.json": json.dumps(config, indent=2).encode()}


def read_config(at: Path, rng: random.Random) -> object:
    """Exported into: strict JSON with our temperature, and all that was there."""
    path = at / "generation_config.json"
    fitted = SimpleNamespace(temperature_=1.5, objective_=0.25, name="daca", reason_="", n_fit_=3, has_temperature=True)
    exports.export(fitted, SimpleNamespace(metadata={"polm": "b"}), path, "generation-config")
    found = json.loads(path.read_text("utf-8"), parse_constant=_no_json)
    assert found["temperature"] == 1.5
    return found


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} in a JSON file")


KINDS: dict[str, Kind] = {
    "traces": Kind(trace_files, read_trace),
    "questions": Kind(lambda rng: {"q.jsonl": question_lines(rng)}, read_questions("q.jsonl")),
    "parquet": Kind(lambda rng: {"q.parquet": question_table()}, read_questions("q.parquet")),
    "mirror": Kind(lambda rng: {"arc_easy_test.jsonl": question_lines(rng)}, read_questions("arc")),
    "lm-eval": Kind(lm_eval_files, read_lm_eval),
    "helm": Kind(helm_files, read_helm),
    "logprobs": Kind(logprob_files, read_logprobs),
    "arrays": Kind(array_files, read_arrays),
    "shards": Kind(shard_files, read_shards),
    "model": Kind(model_files, read_model),
    "device-map": Kind(map_files, read_map),
    "generation-config": Kind(config_files, read_config),
}
