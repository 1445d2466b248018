"""What must hold of models read from a folder and of their lens, whatever the weights: tiny random ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_kit import once

torch = pytest.importorskip("torch")
from models_kit import save_tiny, tiny_model

from dualalign.models import Lens, ModelSpec, load_model

pytestmark = pytest.mark.models
families = st.sampled_from(["Llama", "Gemma3Text"])
tokens = st.lists(st.integers(4, 20), min_size=1, max_size=6)


@given(families, st.integers(0, 9))
@once
def test_a_saved_model_is_the_one_that_is_read_and_its_spec_says_so(family, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = save_tiny(Path(folder) / "tiny", family, seed)
        spec = ModelSpec(str(path))
        spec.check()
        loaded, again = load_model(path), spec.load()
        prompts, ids = [[3, 4, 5], [7, 8]], [[5, 9], [7, 8]]
        exact = Lens(tiny_model(family, seed))(prompts, ids)
        for one in (loaded, again):
            np.testing.assert_array_equal(one.lens(prompts, ids), exact)
            assert one.context_length == spec.context_length == spec.config().max_position_embeddings
            assert one.softcap == spec.softcap
        assert (spec.name, spec.device_kind, spec.commit, spec.commits, spec.found()) == ("tiny", "cpu", "", "", None)
        assert spec.location()["pretrained_model_name_or_path"] == str(path)
        assert spec.location()["trust_remote_code"] is False
        assert spec.tokenizer().convert_ids_to_tokens([0, 1, 2]) == ["<pad>", "<s>", "</s>"]
        before = spec.fingerprint()
        assert before == ModelSpec(str(path)).fingerprint()
        os.utime(path / "config.json", ns=(1, 1))
        assert spec.fingerprint() != before


@given(families, tokens, st.lists(tokens, min_size=1, max_size=3))
@settings(once, max_examples=3)
def test_a_prompt_is_read_alike_alone_among_others_and_behind_a_start(family, start, ends):
    from dualalign.models.prefix import Prefix

    lens = Lens(tiny_model(family))
    prompts, ids = [start + end for end in ends], [[5, 6, 7]] * len(ends)
    found = lens(prompts, ids)
    near = lens.tolerance * np.abs(found).max()
    assert found.shape == (len(ends), lens.n_layers, 3) == (len(ends), lens.model.config.num_hidden_layers, 3)
    for i, prompt in enumerate(prompts):
        np.testing.assert_allclose(lens([prompt], ids[:1])[0], found[i], atol=near)
    np.testing.assert_allclose(lens(prompts, ids, start=Prefix(lens, start)), found, atol=near)
    from transformers import DynamicCache

    cache = DynamicCache(config=lens.model.config)
    name = next(name for name in ("cache", "past_key_values") if name in lens.accepted)
    lens.fill(start, {name: cache, "use_cache": True})
    assert cache.get_seq_length() == len(start)
