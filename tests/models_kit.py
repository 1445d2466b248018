"""Tiny random models of many families, a word tokenizer and a few questions, for the tests of models and traces."""

from __future__ import annotations

from pathlib import Path

from dualalign.questions import Question

TEXT = "Question : Choices ; Answer . ? yes no cat dog red blue one two big small is it the or A B C D Yes No"
WORDS = TEXT.split()
VOCABULARY = 64
SIZE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2_SIZE = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64}
GPT2_SIZE |= {"bos_token_id": 1, "eos_token_id": 2}
NO_HEAD_DIM = {key: value for key, value in SIZE.items() if key != "head_dim"}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8}
LATENT |= {"n_routed_experts": 4, "n_shared_experts": 1, "n_group": 2, "topk_group": 1, "num_key_value_heads": 4}
LATENT |= {"first_k_dense_replace": 1}
FAMILIES = {  # name of the configuration class: its settings
    "Llama": SIZE,
    "Qwen2": SIZE,
    "Qwen3": SIZE,
    "Mistral": SIZE | {"sliding_window": 4},
    "Gemma": SIZE,
    "Gemma2": SIZE | {"final_logit_softcapping": 5.0, "attn_logit_softcapping": 5.0, "sliding_window": 4},
    "Gemma3Text": SIZE | {"sliding_window": 4, "layer_types": ["sliding_attention"] * 2 + ["full_attention"]},
    "GPT2": GPT2_SIZE,
    "GPTNeoX": NO_HEAD_DIM,
    "Phi": SIZE,
    "Phi3": NO_HEAD_DIM,
    "Olmo2": SIZE,
    "Granite": SIZE | {"logits_scaling": 3.0, "residual_multiplier": 0.5, "embedding_multiplier": 2.0},
    "Cohere": SIZE | {"logit_scale": 0.25},
    "OPT": NO_HEAD_DIM | {"ffn_dim": 48, "word_embed_proj_dim": 16, "do_layer_norm_before": True},
    "Falcon": NO_HEAD_DIM,
    "StableLm": NO_HEAD_DIM,
    "Bloom": {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 3, "n_head": 4},
    "Qwen2Moe": SIZE | EXPERTS | {"shared_expert_intermediate_size": 16},
    "Qwen3Moe": SIZE | EXPERTS,
    "Mixtral": SIZE | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "Starcoder2": NO_HEAD_DIM | {"sliding_window": 4},
    "DeepseekV2": NO_HEAD_DIM | EXPERTS | LATENT,
    "DeepseekV3": NO_HEAD_DIM | EXPERTS | LATENT,
    "Glm": SIZE | {"partial_rotary_factor": 0.5},
    "Glm4": SIZE | {"partial_rotary_factor": 0.5},
    "Olmo": NO_HEAD_DIM,
    "Olmo3": NO_HEAD_DIM | {"sliding_window": 4},
    "Cohere2": SIZE | {"logit_scale": 0.25, "sliding_window": 4},
    "SmolLM3": SIZE,
    "Nemotron": SIZE,
    "GptOss": SIZE
    | {
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "sliding_window": 4,
    },
    "Exaone4": SIZE | {"sliding_window": 4},
    "GPTJ": GPT2_SIZE | {"rotary_dim": 4},
    "Mpt": {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": 3, "n_heads": 4, "max_seq_len": 64},
}


def tiny_model(family: str = "Llama", seed: int = 0, **changes):
    """A model of a family with random weights, large enough that every layer matters."""
    import torch
    import transformers

    torch.manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(**(FAMILIES[family] | changes))
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    for weight in model.parameters():
        weight.data.normal_(0, 0.3)
    return model


def tiny_tokenizer(words: list[str] = WORDS):
    """One token a word; unknown words share one token."""
    import tokenizers
    import transformers

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *words])}
    core = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def save_tiny(folder: Path, family: str = "Llama", seed: int = 0, words: list[str] = WORDS, **changes) -> Path:
    """Save a tiny model with its tokenizer. Returns the folder."""
    tiny_model(family, seed, **changes).save_pretrained(folder)
    tiny_tokenizer(words).save_pretrained(folder)
    return folder


def tiny_questions(n: int = 12) -> list[Question]:
    """Questions of different lengths with two or three options, in the tokenizer's words."""
    names = ("cat", "dog", "red", "blue", "one", "two")
    return [
        Question(
            id=f"q{i}",
            question="is it " + "the " * (i * 5 % 7) + "big or small ?",
            options=tuple(names[(i + j) % 6] for j in range(2 + i % 2)),
            answer=None if i == 3 else i % 2,
            group=("first", "second")[i % 2],
        )
        for i in range(n)
    ]
