"""What a model in training says: logits at the last prompt token, scores on examples, and the gain fitted to them."""

from __future__ import annotations

import math

from .pool import Example


def last_hidden(decoder, examples: list[Example]):
    """The decoder's normed state at the last prompt token: (batch, width), right padding."""
    import torch

    lengths = torch.tensor([len(e.prompt_ids) for e in examples])
    ids = torch.zeros(len(examples), int(lengths.max()), dtype=torch.long)
    for row, e in enumerate(examples):
        ids[row, : lengths[row]] = torch.tensor(e.prompt_ids)
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()
    hidden = decoder(input_ids=ids, attention_mask=mask, use_cache=False)[0]
    return hidden[torch.arange(len(examples)), lengths - 1]


def bare(model):
    """The transformers model inside a peft model, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def answer_logits(model, examples: list[Example]):
    """Logits over the whole vocabulary at the last prompt token, (batch, vocabulary) float32."""
    base = bare(model)
    return last_hidden(base.get_decoder(), examples) @ base.get_output_embeddings().weight.T


def option_scores(logits, examples: list[Example]) -> list[tuple[float, bool, float]]:
    """Per example: confidence of the restricted softmax, whether its prediction is right, and its loss in nats."""
    scores = []
    for row, e in zip(logits.detach().double(), examples, strict=True):
        log_p = row[list(e.option_ids)].log_softmax(0)
        scores.append((log_p.max().exp().item(), int(log_p.argmax()) == e.answer, -log_p[e.answer].item()))
    return scores


def option_rows(model, examples: list[Example], batch_size: int = 32):
    """Option logits and the right answer of every example: a list of (float64 tensor (K,), int)."""
    import torch

    ordered, rows = sorted(examples, key=lambda e: len(e.prompt_ids)), []
    with torch.no_grad():
        for i in range(0, len(ordered), batch_size):
            batch = ordered[i : i + batch_size]
            logits = answer_logits(model, batch).double()
            rows += [(z[list(e.option_ids)], e.answer) for z, e in zip(logits, batch, strict=True)]
    return rows


def evaluate(model, examples: list[Example]) -> dict[str, float]:
    """Mean accuracy, confidence and loss (nats) of the restricted softmax."""
    rows = [(z.log_softmax(0), answer) for z, answer in option_rows(model, examples)]
    n = len(rows)
    return {
        "n": n,
        "accuracy": sum(int(z.argmax()) == answer for z, answer in rows) / n,
        "confidence": sum(z.max().exp().item() for z, _ in rows) / n,
        "nll": sum(-z[answer].item() for z, answer in rows) / n,
    }


def set_gain(model, dev: list[Example]) -> float:
    """Fit one number by log loss on development questions, the gain of the final norm, and build it into the weights.

    It scales all logits alike, at every layer of the lens, and so changes no answer. Returns the gain.
    """
    import torch
    from scipy.optimize import minimize_scalar

    rows = option_rows(model, dev)

    def loss(log_gain: float) -> float:
        scores = [-(z * math.exp(log_gain)).log_softmax(0)[answer].item() for z, answer in rows]
        return sum(scores) / len(scores)

    gain = math.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x)
    weight = bare(model).get_decoder().norm.weight  # gemma's norm multiplies by 1 + weight
    with torch.no_grad():
        weight.copy_((1 + weight) * gain - 1)
    return gain
