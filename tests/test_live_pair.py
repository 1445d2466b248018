"""The real pair, where its package is installed: what was shipped is what the models say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dualalign import Traces, drift, questions

pytestmark = pytest.mark.live

DATA = Path(__file__).resolve().parent.parent / "data"
TOLERANCE = 0.02  # nats, of any option's log-probability at any layer: processors add in different orders


@pytest.fixture(scope="module")
def pair():
    from dualalign.models import load_model

    return [load_model("package:gemma3-270m", DATA / "adapters" / name, label=name) for name in ("plm", "sft4")]


@pytest.fixture(scope="module")
def sample():
    return questions.load_file(DATA / "questions/arc-easy.jsonl")[:8]


def test_the_shipped_trace_is_reproduced(pair, sample, tmp_path):
    from dualalign.traces.collect import collect

    live = Traces.load(collect(*pair, sample, "choices", tmp_path / "live.safetensors", progress=False))
    shipped = Traces.load(DATA / "traces/sft4__arc-easy__choices.safetensors")
    shipped = shipped.select([shipped.question_ids.index(q.id) for q in sample])
    k = live.mask.shape[1]  # the whole set holds questions with more options, and is padded to them
    assert (shipped.n_options <= k).all()
    for side in ("plm_logits", "polm_logits"):
        here, there = (drift.log_softmax_options(getattr(t, side)[:, :, :k]) for t in (live, shipped))
        np.testing.assert_allclose(here, there, atol=TOLERANCE)
    assert live.labels.tolist() == shipped.labels.tolist()


def test_the_lens_after_the_last_layer_is_the_models_own_logits(pair, sample):
    import torch

    for model in pair:
        prompt, options = questions.encode_question(model.tokenizer, sample[0], "choices")
        with torch.no_grad():
            own = model.model(torch.tensor([prompt])).logits[0, -1, options].numpy()
        np.testing.assert_allclose(model.lens([prompt], [options])[0, -1], own, rtol=1e-4, atol=1e-4)
