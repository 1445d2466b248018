"""Arithmetic of cost, against what transformers and torch count on real (tiny, or weightless) models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import Traces, scale

KNOWN = json.loads((Path(__file__).parent.parent / "data/results/decoders.json").read_text())


def count(name: str) -> scale.Decoder:
    return scale.Decoder.from_config(KNOWN[name])


@pytest.mark.models
@pytest.mark.parametrize("name", KNOWN)
def test_parameters_are_those_of_the_model(name):
    import torch
    import transformers

    config = transformers.AutoConfig.for_model(**KNOWN[name])
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    assert count(name).parameters == pytest.approx(model.num_parameters(), rel=1e-3)


@pytest.mark.models
@pytest.mark.parametrize("changes", [{}, {"num_key_value_heads": 4}, {"tie_word_embeddings": True}])
def test_operations_are_what_torch_counts(changes):
    import torch
    from models_kit import tiny_model
    from torch.utils.flop_counter import FlopCounterMode

    model = tiny_model("Llama", attn_implementation="eager", **changes)
    decoder = scale.Decoder.from_config(model.config.to_dict())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.model(torch.ones(1, 40, dtype=torch.long), use_cache=False)
    assert decoder.operations(40) == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_a_trace_is_as_large_as_said(random_traces, tmp_path):
    random_traces(500, 12, 4).save(tmp_path / "t")
    found, said = (tmp_path / "t").stat().st_size, scale.trace_bytes(500, 12, 4)
    assert said < found < 1.2 * said
    assert len(Traces.load(tmp_path / "t")) == 500


def test_int8_halves_the_blocks_only():
    decoder = count("Llama-3.1-70B")
    blocks = decoder.layers * decoder.block(1)
    assert decoder.weights("bfloat16") - decoder.weights("int8") == blocks


@given(tokens=st.integers(2, 4000), questions=st.integers(1, 10**6), share=st.floats(0, 0.99))
def test_sharing_a_start_saves_and_never_costs(tokens, questions, share):
    decoder, machine = count("Llama-3.1-8B"), scale.Machine("card", 1e14, 8e10, 2.0)
    whole, shared = (scale.cost(decoder, machine, questions, tokens, int(share * tokens) * on) for on in (0, 1))
    assert shared["operations"] <= whole["operations"]
    assert shared["money"] == pytest.approx(2.0 * shared["operations"] / 1e14 / 3600)


def test_what_cannot_be_counted_is_said():
    with pytest.raises(ValueError, match="config lacks hidden_size, intermediate_size"):
        scale.Decoder.from_config({"num_hidden_layers": 2, "vocab_size": 9, "num_attention_heads": 1})
    with pytest.raises(ValueError, match="shared is 10; give 0 to 9"):
        scale.cost(count("Llama-3.1-8B"), scale.Machine("m", 1, 1), 1, 10, 10)


def test_one_card_more_where_one_does_not_hold_it():
    decoder = count("Llama-3.1-70B")
    small, large = (scale.cost(decoder, scale.Machine("m", 1, m * 1e9), 10, 100) for m in (80, 160))
    assert (small["cards"], large["cards"]) == (2, 1)
