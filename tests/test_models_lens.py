"""The lens against each model's own code: last layer, inner layers, padding and batches, for many families."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from models_kit import FAMILIES, VOCABULARY, tiny_model

pytestmark = pytest.mark.models
IDS = [[5, 9, 33], [7, 8], [60, 4, 5], [20, 21, 22], [3, 63]]


def some_prompts(n=5, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(3, VOCABULARY, 3 + (i * 4) % 11).tolist() for i in range(n)]


def own_logits(model, prompt):
    """The model's own logits over the vocabulary behind one unpadded prompt."""
    import torch

    with torch.no_grad():
        return model(torch.tensor([prompt])).logits[0, -1].numpy()


def assert_close(found, expected, tolerance=1e-5):
    scale = max(np.abs(expected).max(), 1e-12)
    assert np.abs(found - expected).max() <= tolerance * scale


@pytest.fixture(scope="module", params=[(name, tied) for name in FAMILIES for tied in (True, False)], ids=str)
def lens(request):
    from dualalign.models import Lens

    family, tied = request.param
    model = tiny_model(family, tie_word_embeddings=tied)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied
    return Lens(model, family)


def test_there_are_many_families():
    assert len(FAMILIES) >= 20


def test_last_layer_is_the_models_own_output(lens):
    prompts = some_prompts()
    logits = lens(prompts, IDS)
    assert logits.shape == (5, 3, 3)
    assert logits.dtype == np.float32
    for row, prompt, ids in zip(logits, prompts, IDS, strict=True):
        assert_close(row[-1, : len(ids)], own_logits(lens.model, prompt)[ids])
        assert np.isneginf(row[:, len(ids) :]).all()


def test_left_and_right_padding_agree(lens):
    right, left = (np.nan_to_num(lens(some_prompts(), IDS, padding), neginf=0) for padding in ("right", "left"))
    assert_close(left, right)


def test_batch_of_one_equals_batch_of_many(lens):
    prompts, ids = some_prompts(64, seed=1), [[4 + i % 50, 60, 61] for i in range(64)]
    together = lens(prompts, ids)
    for i in (0, 7, 63):
        assert_close(lens([prompts[i]], [ids[i]])[0], together[i])


def test_model_is_left_as_it_was(lens):
    before = own_logits(lens.model, [3, 4, 5])
    lens(some_prompts(), IDS)
    assert np.array_equal(own_logits(lens.model, [3, 4, 5]), before)
    assert not any("forward" in module.__dict__ or module._forward_hooks for module in lens.model.modules())


def cut(model, layers: int):
    """A copy of a model that ends after its first blocks: what the lens claims to read, by the model's own code."""
    import torch

    short = copy.deepcopy(model)
    for module in short.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.ModuleList) and len(child) == 3:
                setattr(module, name, child[:layers])
    short.config.num_hidden_layers = layers
    return short


@pytest.mark.parametrize("layers", [1, 2])
def test_an_inner_layer_is_the_model_cut_there(lens, layers):
    prompts = some_prompts(3)
    logits, short = lens(prompts, IDS[:3])[:, layers - 1], cut(lens.model, layers)
    for row, prompt, ids in zip(logits, prompts, IDS, strict=False):
        assert_close(row[: len(ids)], own_logits(short, prompt)[ids])


def test_the_vocabulary_is_never_unembedded(monkeypatch):
    import torch

    from dualalign.models import Lens

    lens = Lens(tiny_model(vocab_size=997))
    sizes = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear", lambda x, w, b=None: sizes.append(w.shape[0]) or linear(x, w, b))
    lens(some_prompts(), IDS)
    assert sizes
    assert 997 not in sizes


def test_bias_of_the_head_counts():
    from dualalign.models import Lens

    model = tiny_model("Phi")
    model.lm_head.bias.data += 3.0
    assert_close(Lens(model)([[3, 4]], [[5, 6]])[0, -1], own_logits(model, [3, 4])[[5, 6]])


def test_half_precision_gives_float32_logits_near_those_of_float32():
    import torch

    from dualalign.models import Lens

    prompts = some_prompts()
    exact = Lens(tiny_model("Gemma2"))(prompts, [[5, 9]] * 5)
    coarse = Lens(tiny_model("Gemma2").to(torch.bfloat16))(prompts, [[5, 9]] * 5)
    assert coarse.dtype == np.float32
    assert 0 < np.abs(coarse - exact).max() < 0.6


def test_a_model_that_finishes_in_its_own_way_is_refused():
    import torch

    from dualalign.models import Lens

    class Bent(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2.0

    model = tiny_model()
    head = Bent(32, VOCABULARY, bias=False)
    head.weight = model.lm_head.weight
    model.set_output_embeddings(head)
    with pytest.raises(ValueError, match=r"^odd: the lens after the last block of LlamaForCausalLM differs") as e:
        Lens(model, "odd")
    assert "\n" not in str(e.value)


def test_a_model_without_unembedding_is_refused():
    import transformers

    from dualalign.models import Lens

    model = transformers.AutoModel.from_config(tiny_model().config)
    with pytest.raises(ValueError, match="no decoder with a stack of blocks and an unembedding"):
        Lens(model, "bare")
