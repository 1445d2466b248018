"""A model that goes on from its prompts: sampling, scoring whole texts, and reading the lens at several places.

Everything starts from `start`, one pass over a batch of prompts that keeps the model's cache. Prompts are filled up on
the left, so that their last tokens stand in the same columns.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..models import LoadedModel
from ..models.batch import left_padded
from .continuations import choose

MEASURED = ("entropy", "sampled_entropy", "nucleus", "log_p")


@dataclass
class State:
    """Where a batch of B texts stands.

    Attributes
    ----------
    cache : transformers.Cache
        Changed by every step.
    mask : int (B, T)
        1 for real tokens.
    logits : float32 (B, V)
        Behind each text's last token.
    """

    cache: Any
    mask: torch.Tensor
    logits: torch.Tensor


@torch.inference_mode()
def start(loaded: LoadedModel, prompts: Sequence[Sequence[int]], copies: int = 1) -> State:
    """Read B prompts; ``copies`` of each stand next to one another in the state."""
    inputs, _ = left_padded(prompts, loaded.device)
    mask = inputs["attention_mask"]
    last = torch.zeros_like(mask, dtype=torch.bool)
    last[:, -1] = True
    with _only(loaded.model, last):
        out = loaded.model(**inputs, use_cache=True)
    cache = out[_cache_name(loaded.model)]
    if copies > 1:
        cache.batch_repeat_interleave(copies)
    return State(cache, *(t.repeat_interleave(copies, 0) for t in (mask, out.logits[0].float())))


@torch.inference_mode()
def proceed(loaded: LoadedModel, state: State, tokens: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Append tokens (B, n), real ones first, to every text; return the logits behind each real one, (real, V)."""
    state.mask = torch.cat([state.mask, real.long()], 1)
    positions = (state.mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    options = {"attention_mask": state.mask, "position_ids": positions, _cache_name(loaded.model): state.cache}
    with _only(loaded.model, real):
        return loaded.model(input_ids=tokens, use_cache=True, **options).logits[0].float()


def _cache_name(model) -> str:
    """What this version of transformers calls the cache, of the input and of the output."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


@contextmanager
def _only(model, keep: torch.Tensor) -> Iterator[None]:
    """Unembed the places of a mask (B, n) alone, as one row (1, kept, V): a vocabulary is wide."""
    head = model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][keep][None],))
    try:
        yield
    finally:
        hook.remove()


def sample(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    temperature: float,
    top_p: float,
    uniforms: np.ndarray,
) -> dict[str, np.ndarray]:
    """Sample continuations of B prompts.

    Parameters
    ----------
    uniforms : (B, S, n)
        One number in [0, 1) for each token of each of S samples a prompt: the only chance that enters.

    Returns
    -------
    dict of (B, S, n)
        ``token``, ``entropy``, ``sampled_entropy``, ``nucleus`` and ``log_p`` as in `continuations.Choice`; token -1
        and NaN behind the end of a text.
    """
    b, s, n = uniforms.shape
    state, eos = start(loaded, prompts, s), loaded.tokenizer.eos_token_id
    u, going = uniforms.reshape(b * s, n), np.ones(b * s, bool)
    tokens, measured = np.full((b * s, n), -1), np.full((len(MEASURED), b * s, n), np.nan)
    for step in range(n):
        rows = state.logits.cpu().numpy()
        for i in np.flatnonzero(going):
            choice = choose(rows[i], temperature, top_p, u[i, step])
            tokens[i, step] = choice.token
            measured[:, i, step] = [getattr(choice, name) for name in MEASURED]
        said = torch.tensor(np.where(going, tokens[:, step], 0), device=loaded.device)[:, None]
        going &= tokens[:, step] != eos
        if not going.any() or step == n - 1:
            break
        state.logits = proceed(loaded, state, said, torch.ones_like(said, dtype=torch.bool))
    found = {"token": tokens} | dict(zip(MEASURED, measured, strict=True))
    return {name: values.reshape(b, s, n) for name, values in found.items()}


def token_log_probs(loaded: LoadedModel, state: State, texts: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Log-probability of every token of one text behind each of the state's B prompts, nats; the state is used up.

    Parameters
    ----------
    texts : B lists of at least one token id
    """
    first = [state.logits[i].log_softmax(-1)[text[0]].item() for i, text in enumerate(texts)]
    width = max(map(len, texts)) - 1
    if width == 0:
        return [np.array([value]) for value in first]
    real = torch.tensor([[j < len(text) - 1 for j in range(width)] for text in texts], device=loaded.device)
    fed = torch.tensor([[*text[:-1], *[0] * (width + 1 - len(text))] for text in texts], device=loaded.device)
    logits = proceed(loaded, state, fed, real)
    said = torch.tensor([token for text in texts for token in text[1:]], device=loaded.device)
    log_p = logits.gather(1, said[:, None])[:, 0] - logits.logsumexp(1)
    rest = np.split(log_p.cpu().numpy(), np.cumsum([len(text) - 1 for text in texts])[:-1])
    return [np.array([value, *tail], np.float64) for value, tail in zip(first, rest, strict=True)]


@dataclass
class Reading:
    """What one model says of a batch of questions.

    Attributes
    ----------
    places : float32 (B, P, L, K)
        The lens at the last P tokens, the last one first; -inf past a question's options.
    vocabulary : float32 (B, V)
        Logits over the whole vocabulary behind the last prompt token.
    texts : list of B lists of K arrays
        Log-probability of every token of every option's text, nats.
    """

    places: np.ndarray
    vocabulary: np.ndarray
    texts: list[list[np.ndarray]]


def read(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    options: Sequence[Sequence[int]],
    texts: Sequence[Sequence[Sequence[int]]],
    places: int,
) -> Reading:
    """Read B prompts at their last ``places`` tokens, and score the whole text of every option behind them.

    Raises
    ------
    ValueError
        If a prompt has fewer tokens than that.
    """
    shortest = min(map(len, prompts))
    if shortest < places:
        raise ValueError(f"places: {places}, but a prompt has {shortest} tokens; read at fewer places")
    k = max(map(len, options))
    with _stream(loaded, places) as stream:
        state = start(loaded, prompts, k)
    lens = _finished(loaded, stream, options)
    return Reading(lens, state.logits[::k].cpu().numpy(), _each_option(loaded, state, texts))


def score_texts(
    loaded: LoadedModel, prompts: Sequence[Sequence[int]], texts: Sequence[Sequence[Sequence[int]]]
) -> list[list[np.ndarray]]:
    """The part ``texts`` of `read` alone."""
    return _each_option(loaded, start(loaded, prompts, max(map(len, texts))), texts)


def _each_option(loaded: LoadedModel, state: State, texts: Sequence[Sequence[Sequence[int]]]) -> list[list[np.ndarray]]:
    """`token_log_probs` of the options of B questions, each of whose prompts stands K times in the state."""
    k = max(map(len, texts))
    filled = [text for row in texts for text in [*row, *[row[0]] * (k - len(row))]]
    scored = token_log_probs(loaded, state, filled)
    return [scored[i * k : i * k + len(row)] for i, row in enumerate(texts)]


@contextmanager
def _stream(loaded: LoadedModel, places: int) -> Iterator[list]:
    """Catch what every block passes on at the last ``places`` columns: L pairs of (B, P, d) and the output's form."""
    caught: list[tuple[torch.Tensor, tuple]] = []

    def catch(_, __, output):
        hidden = output if isinstance(output, torch.Tensor) else output[0]
        shell = () if isinstance(output, torch.Tensor) else (None,) * len(output)
        caught.append((hidden[:, -places:].flip(1), shell))

    with ExitStack() as stack:
        for block in loaded.lens.blocks:
            stack.callback(block.register_forward_hook(catch).remove)
        yield caught


@torch.inference_mode()
def _finished(loaded: LoadedModel, stream: list, options: Sequence[Sequence[int]]) -> np.ndarray:
    """Finish every layer of every place as the lens does at the last prompt token: float32 (B, P, L, K)."""
    residual = torch.stack([hidden for hidden, _ in stream], 2)  # (B, P, L, d)
    b, places, layers, width = residual.shape
    k = max(map(len, options))
    table = torch.tensor([[*row, *[row[0]] * (k - len(row))] for row in options], device=residual.device)
    rows = residual.reshape(b * places, layers, width)
    logits = loaded.lens._finish(rows, stream[0][1], table.repeat_interleave(places, 0))
    real = np.arange(k) < np.array([len(row) for row in options])[:, None]
    return np.where(real[:, None, None], logits.reshape(b, places, layers, k).cpu().numpy(), -np.inf)
