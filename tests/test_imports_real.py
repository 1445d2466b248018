"""The real programs run here and now on tiny models, and their output imported; each test needs its own package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from imports_kit import softmax
from models_kit import save_tiny, tiny_model, tiny_questions, tiny_tokenizer

import dualalign as da
from dualalign.models import ModelSpec
from dualalign.questions import encode_question, render
from dualalign.traces.collect import collect
from dualalign.traces.imports import (
    Unembedding,
    from_arrays,
    from_lm_eval,
    stack_layers,
    transformer_lens_layers,
    tuned_lens_logits,
)

pytestmark = pytest.mark.models
QUESTIONS = tiny_questions(6)
TASK = """task: tiny_cloze
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{file}"}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: options
doc_to_target: answer
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [save_tiny(folder / name, "Llama", seed) for seed, name in enumerate(("base", "chat"))]


@pytest.fixture(scope="module")
def traced(pair, tmp_path_factory):
    out = tmp_path_factory.mktemp("traced") / "t.safetensors"
    return da.Traces.load(collect(*map(ModelSpec, map(str, pair)), QUESTIONS, "cloze", out, progress=False))


def close(found: da.Traces, expected: da.Traces, layers=slice(None)) -> None:
    """The same probabilities at the layers that both have."""
    for name in ("plm_logits", "polm_logits"):
        np.testing.assert_allclose(
            softmax(getattr(found, name)), softmax(getattr(expected, name)[:, layers]), atol=1e-5
        )


def tokens() -> tuple[list[list[int]], np.ndarray]:
    """Prompts, and the options' tokens (N, K), -1 past the last."""
    encoded = [encode_question(tiny_tokenizer(), question, "cloze") for question in QUESTIONS]
    width = max(len(options) for _, options in encoded)
    return [prompt for prompt, _ in encoded], np.array([[*o, *[-1] * (width - len(o))] for _, o in encoded])


def test_lm_evaluation_harness(pair, traced, tmp_path):
    pytest.importorskip("lm_eval")
    import json

    rows = [
        {"prompt": render(q, "cloze"), "options": q.options, "answer": -1 if q.answer is None else q.answer}
        for q in QUESTIONS
    ]
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "task.yaml").write_text(TASK.format(file=tmp_path / "docs.jsonl"))
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    for model in pair:
        command = [
            sys.executable,
            "-m",
            "lm_eval",
            "run",
            "--model",
            "hf",
            "--tasks",
            "tiny_cloze",
            "--include_path",
            tmp_path,
        ]
        command += ["--model_args", f"pretrained={model},dtype=float32", "--device", "cpu", "--batch_size", "4"]
        subprocess.run(
            [*map(str, command), "--log_samples", "--output_path", str(tmp_path / "out")], env=offline, check=True
        )
    runs = [
        next(path for path in (tmp_path / "out").iterdir() if path.name.endswith(name)) for name in ("base", "chat")
    ]
    found = from_lm_eval(*runs)
    close(found, traced, slice(-1, None))
    assert np.array_equal(found.labels, traced.labels)
    assert found.metadata["plm"] == "base"


def bridge_layers(model: Path):
    """Option logits of every layer by TransformerLens: by its logit lens, and by its stack and our unembedding."""
    from transformer_lens.model_bridge import TransformerBridge

    bridge, (prompts, ids) = TransformerBridge.boot_transformers(str(model), device="cpu"), tokens()
    lens, streams = [], []
    for prompt, options in zip(prompts, ids, strict=True):
        _, cache = bridge.run_with_cache(torch.tensor([prompt]))
        result = cache.logit_lens(positions=-1, vocab=np.maximum(options, 0).tolist())
        lens.append(transformer_lens_layers(result.values, result.labels))
        stack, labels = cache.accumulated_resid(apply_ln=True, return_labels=True)
        streams.append(transformer_lens_layers(stack, labels))
    head = Unembedding(bridge.W_U.detach().T.numpy())
    return np.concatenate(lens), np.concatenate(streams), head


def test_transformer_lens(pair, traced):
    pytest.importorskip("transformer_lens")
    (lens_g, stream_g, head_g), (lens_f, stream_f, head_f) = map(bridge_layers, pair)
    close(from_arrays(lens_g, lens_f, tokens()[1]), traced)
    close(from_arrays(stream_g, stream_f, tokens()[1], plm_head=head_g, polm_head=head_f), traced)


def nnsight_layers(model: Path):
    """The stream after every block by nnsight, and the unembedding of the model."""
    from nnsight import NNsight
    from transformers import AutoModelForCausalLM

    inner = AutoModelForCausalLM.from_pretrained(model).float().eval()
    wrapped, rows = NNsight(inner), []
    for prompt in tokens()[0]:
        with torch.no_grad(), wrapped.trace(torch.tensor([prompt])):
            saved = list().save()
            for layer in wrapped.model.layers:
                saved.append(layer.output)
        rows.append(stack_layers(saved))
    norm, head = inner.model.norm, inner.lm_head
    weights = [one.detach().numpy() for one in (head.weight, norm.weight)]
    return np.concatenate(rows), Unembedding(weights[0], norm_weight=weights[1], norm_eps=norm.variance_epsilon)


def test_nnsight(pair, traced):
    pytest.importorskip("nnsight")
    (g, head_g), (f, head_f) = map(nnsight_layers, pair)
    close(from_arrays(g, f, tokens()[1], plm_head=head_g, polm_head=head_f), traced)


def tuned_layers(seed: int, identity: bool) -> np.ndarray:
    """Option logits of every layer by tuned-lens; its translators start as the identity."""
    from tuned_lens.nn.lenses import TunedLens

    model, (prompts, ids) = tiny_model("Llama", seed), tokens()
    lens, rows = TunedLens.from_model(model), []
    if not identity:
        torch.manual_seed(7)
        for translator in lens.layer_translators:
            torch.nn.init.normal_(translator.weight, std=0.1)
    for prompt, options in zip(prompts, ids, strict=True):
        with torch.no_grad():
            out = model(torch.tensor([prompt]), output_hidden_states=True)
            rows.append(tuned_lens_logits(lens, out.hidden_states, out.logits, options[None]))
    return np.concatenate(rows)


def test_tuned_lens(traced):
    pytest.importorskip("tuned_lens")
    ids = tokens()[1]
    close(from_arrays(tuned_layers(0, True), tuned_layers(1, True), ids), traced)
    tuned = from_arrays(tuned_layers(0, False), tuned_layers(1, False), ids)
    close(tuned_last(tuned), tuned_last(traced))
    assert np.abs(softmax(tuned.plm_logits) - softmax(traced.plm_logits))[:, :-1].max() > 1e-3


def tuned_last(traces: da.Traces) -> da.Traces:
    from dataclasses import replace

    return replace(traces, plm_logits=traces.plm_logits[:, -1:], polm_logits=traces.polm_logits[:, -1:])
