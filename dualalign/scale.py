"""What tracing a pair costs before anybody rents a machine: operations, memory, size of the trace, time and money.

Arithmetic only, from the sizes in a model's config.json. A multiplication and an addition count as two operations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
SCRATCH = 2  # kernels copy what they work on: benchmarks/scale.py finds about twice the arrays themselves


@dataclass(frozen=True)
class Decoder:
    """Sizes of a Llama-like decoder: gated MLP, grouped queries, dense or with experts.

    Parameters
    ----------
    layers, width, mlp, vocabulary : int
        L, d, the inner width of the MLP, and V.
    heads, kv_heads, head_width : int
        Of queries, of keys and values, and the width of one.
    experts, active : int
        MLPs a layer, and how many of them a token passes; 1 and 1 where there are none.
    tied : bool
        Whether embedding and unembedding are one matrix.
    """

    layers: int
    width: int
    mlp: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_width: int
    experts: int = 1
    active: int = 1
    tied: bool = False

    @classmethod
    def from_config(cls, config: Mapping) -> Decoder:
        """Read the sizes from a config.json.

        Raises
        ------
        ValueError
            If a size is missing: the config is of another kind of model.
        """
        missing = [name for name in _SIZES if not isinstance(config.get(name), int)]
        if missing:
            raise ValueError(f"config lacks {', '.join(missing)}; only Llama-like decoders can be counted")
        layers, width, mlp, vocabulary, heads = (config[name] for name in _SIZES)
        return cls(
            layers, width, mlp, vocabulary, heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_width=config.get("head_dim") or width // heads,
            experts=config.get("num_local_experts") or config.get("num_experts") or 1,
            active=config.get("num_experts_per_tok") or 1,
            tied=bool(config.get("tie_word_embeddings", False)),
        )  # fmt: skip

    def block(self, experts: int) -> int:
        """Weights of the matrices in one layer, with so many of its experts."""
        attention = self.width * self.head_width * 2 * (self.heads + self.kv_heads)
        router = self.width * self.experts if self.experts > 1 else 0
        return attention + router + experts * 3 * self.width * self.mlp

    @property
    def embeddings(self) -> int:
        """Weights of the embedding and the unembedding, counted once where they are one matrix."""
        return self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All matrices; norms and biases, less than one in a thousand, are left out."""
        return self.layers * self.block(self.experts) + self.embeddings

    def operations(self, tokens: int) -> int:
        """Operations of one forward pass over a prompt, read at its last token for a few options.

        Every token passes every matrix of its blocks; attention scores and their use take 4 d T^2 a layer, computed in
        full (kernels that skip the masked half save up to half of that). No token is unembedded into the vocabulary.
        """
        attention = 4 * self.layers * self.heads * self.head_width * tokens**2
        return 2 * self.layers * self.block(self.active) * tokens + attention

    def weights(self, dtype: str = "bfloat16") -> int:
        """Bytes of the weights in memory; with int8, embeddings and unembedding stay in two bytes."""
        if dtype == "int8":
            return (self.parameters - self.embeddings) * BYTES["int8"] + self.embeddings * BYTES["bfloat16"]
        return self.parameters * BYTES[dtype]

    def working(self, batch: int, tokens: int, dtype: str = "bfloat16") -> int:
        """Bytes at the peak of a batch, beside the weights: the stream twice, the MLP's three inner arrays, the lens.

        Times SCRATCH, a rule of thumb.
        """
        per_token = (2 * self.width + 3 * self.mlp * self.active) * BYTES[dtype if dtype != "int8" else "bfloat16"]
        lens = batch * self.layers * self.width * 4
        return SCRATCH * (batch * tokens * per_token + lens)


_SIZES = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size", "num_attention_heads")


@dataclass(frozen=True)
class Machine:
    """What computes.

    Parameters
    ----------
    speed : float
        Operations a second that are reached in such passes: the peak times a share, or measured.
    memory : float
        Bytes of one card, or of the machine.
    price : float
        Money an hour and card; 0 where it is yours.
    """

    name: str
    speed: float
    memory: float
    price: float = 0.0


def unembedding_bytes(decoder: Decoder, batch: int, tokens: int = 1, layers: int = 1) -> int:
    """Bytes of float32 logits over the vocabulary, for so many places of a prompt and layers: what the lens avoids."""
    return batch * tokens * layers * decoder.vocabulary * 4


def trace_bytes(questions: int, layers: int, options: int, dtype: str = "float32") -> int:
    """Bytes of the two arrays of logits in a trace file."""
    return 2 * questions * layers * options * BYTES[dtype]


def cost(
    decoder: Decoder,
    machine: Machine,
    questions: int,
    tokens: int,
    shared: int = 0,
    dtype: str = "bfloat16",
    batch: int = 16,
) -> dict[str, float]:
    """Estimate a pair: both models over all questions, one after the other.

    Parameters
    ----------
    tokens, shared : tokens of a prompt, and of the start that all prompts share, which is computed once a model

    Returns
    -------
    dict
        ``operations``, ``weights`` and ``peak`` (bytes, one model at a time), ``cards`` (that hold the peak), ``hours``
        of one card, ``money``.

    Raises
    ------
    ValueError
        If the shared start is not shorter than the prompt.
    """
    if not 0 <= shared < tokens:
        raise ValueError(f"shared is {shared}; give 0 to {tokens - 1}, less than the prompt's {tokens} tokens")
    own = decoder.operations(tokens) - decoder.operations(shared)
    operations = 2 * (questions * own + decoder.operations(shared))
    peak = decoder.weights(dtype) + decoder.working(batch, tokens, dtype)
    hours = operations / machine.speed / 3600
    return {
        "operations": operations,
        "weights": decoder.weights(dtype),
        "peak": peak,
        "cards": math.ceil(peak / machine.memory),
        "hours": hours,
        "money": hours * machine.price,
    }
