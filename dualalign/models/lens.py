"""The logit lens at the last prompt token, for the option tokens only, of any decoder that transformers loads.

The model's own code is its only description. The residual stream after every block is caught by hooks; then the model
runs once more with its blocks replaced by that stream, so that whatever it does behind its last block (final norm,
projection, unembedding, logit scale, soft-capping) is done to every layer alike, by its own lines. No case per family:
one that keeps to another plan is refused when its lens is first compared with its own logits.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from .batch import left_padded, right_padded
from .quiet import first_line

if TYPE_CHECKING:
    from .prefix import Prefix

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6, torch.bfloat16: 3e-2, torch.float16: 4e-3}


class Lens:
    """Reads option-token logits after every block of one model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model in evaluation mode.
    name : str
        Used in messages.

    Raises
    ------
    ValueError
        If the model has no stack of decoder blocks, or if the lens after its last block differs from the model's own
        logits on a probe, so that an unknown scheme is never silently wrong.
    """

    def __init__(self, model, name: str = ""):
        self.model = model
        self.name = name or type(model).__name__
        self.blocks = _blocks(model, self.name)
        self.head = model.get_output_embeddings()
        if getattr(self.head, "weight", None) is None or not self.head.weight.is_floating_point():
            raise ValueError(
                f"{self.name}: {type(model).__name__} has no plain unembedding matrix; the lens cannot read it"
            )
        self.accepted = inspect.signature(model.forward).parameters
        self._entry = _device(model.get_input_embeddings())
        self._check()

    @property
    def tolerance(self) -> float:
        """By how much two ways to the same logits may differ, relative to the largest."""
        return TOLERANCE.get(self.head.weight.dtype, 3e-2)

    @property
    def n_layers(self) -> int:
        """Number of decoder blocks, L."""
        return len(self.blocks)

    @torch.inference_mode()
    def __call__(
        self,
        prompts: Sequence[Sequence[int]],
        option_ids: Sequence[Sequence[int]],
        padding: str = "right",
        start: Prefix | None = None,
    ) -> np.ndarray:
        """Logits of each prompt's option tokens after every block.

        Parameters
        ----------
        prompts : B lists of token ids
        option_ids : B lists of up to K token ids
        padding : {"right", "left"}
            Where prompts of different length are filled up. On the right (the default) no mask is needed: a causal
            model's last prompt token never sees what follows it.
        start : Prefix, optional
            What the model has made of the first tokens of all prompts; goes with padding on the right.

        Returns
        -------
        ndarray, float32, (B, L, K)
            -inf where a row has fewer than K options.
        """
        device = self._entry
        behind = [p[start.length :] for p in prompts] if start else prompts
        inputs, last = {"right": right_padded, "left": left_padded}[padding](behind, device)
        inputs |= start.inputs(inputs["input_ids"]) if start else {}
        ids, real = _option_table(option_ids)
        residual, shell = self._residual(inputs, last.to(device))  # (B, L, d)
        logits = self._finish(residual, shell, ids.to(device))  # (B, L, K)
        return logits.cpu().masked_fill(~real[:, None, :], -torch.inf).numpy()

    @torch.inference_mode()
    def fill(self, tokens: Sequence[int], cache: dict) -> None:
        """Run the model over some tokens for what it leaves in a cache, given as its inputs; unembeds nothing."""
        inputs, last = right_padded([tokens], self._entry)
        self._residual(inputs | cache, last.to(self._entry))

    def _residual(self, inputs: dict, last: torch.Tensor) -> tuple[torch.Tensor, tuple]:
        """Run the blocks; return the stream after each at the last prompt token, (B, L, d), and their output's form."""
        caught: list[torch.Tensor] = []
        shell: list = []
        rows = torch.arange(len(last), device=last.device)

        def catch(_, __, output):
            hidden = output if isinstance(output, torch.Tensor) else output[0]
            if hidden.shape[:2] != inputs["input_ids"].shape:
                raise ValueError(
                    f"{self.name}: blocks pass on a tensor of shape {tuple(hidden.shape)}; the lens needs (B, T, d)"
                )
            caught.append(hidden[rows.to(hidden.device), last.to(hidden.device)])
            shell[:] = [() if isinstance(output, torch.Tensor) else (None,) * len(output)]

        with ExitStack() as stack:
            for block in self.blocks:
                stack.callback(block.register_forward_hook(catch).remove)
            stack.enter_context(_patched(self.head, lambda hidden, *_, **__: hidden[..., :1]))
            self._forward(inputs)
        if len(caught) != self.n_layers:
            raise ValueError(
                f"{self.name}: {self.n_layers} blocks ran {len(caught)} times; the lens needs each to run once"
            )
        return torch.stack([h.to(caught[-1].device) for h in caught], 1), shell[0]

    def _finish(self, residual: torch.Tensor, shell: tuple, ids: torch.Tensor) -> torch.Tensor:
        """Do to each layer's stream what the model does behind its last block, for K rows of the unembedding."""
        b, n_layers, width = residual.shape
        flat = residual.reshape(b * n_layers, 1, width)  # every (question, layer) is a sequence of one token

        def block(hidden, *_, **__):
            return (flat, *shell[1:]) if shell else flat

        def head(hidden, *_, **__):
            return self._option_rows(hidden.reshape(b, n_layers, -1), ids).reshape(b * n_layers, 1, -1)

        with ExitStack() as stack:
            for module in self.blocks:
                stack.enter_context(_patched(module, block))
            stack.enter_context(_patched(self.head, head))
            # any token will do: its embedding is replaced by the stream
            logits = self._forward({"input_ids": ids.new_zeros(b * n_layers, 1)})
        if logits.shape != (b * n_layers, 1, ids.shape[1]):
            raise ValueError(
                f"{self.name}: {type(self.model).__name__} does not use its unembedding module as it stands"
            )
        return logits.reshape(b, n_layers, -1).float()

    def _option_rows(self, hidden: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Unembed (B, L, d) with each question's own K rows, in float32: (B, L, K). Never the whole vocabulary."""
        with _in_place(self.head):
            weight, bias = self.head.weight, getattr(self.head, "bias", None)
            ids = ids.to(weight.device)
            rows = weight[ids].float()  # (B, K, d)
            logits = hidden.to(weight.device).float() @ rows.transpose(1, 2)
            return logits if bias is None else logits + bias[ids][:, None, :].float()

    def _forward(self, inputs: dict) -> torch.Tensor:
        given = {name: value for name, value in ({"use_cache": False} | inputs).items() if name in self.accepted}
        return self.model(**given).logits

    @torch.inference_mode()
    def _check(self) -> None:
        """Compare the lens after the last block with the model's own logits on two short prompts."""
        vocabulary = self.head.weight.shape[0]
        prompts = [[(7 * i + 3) % vocabulary for i in range(n)] for n in (5, 3)]
        ids = [[i % vocabulary for i in (1, 5, 9, 13)]] * 2
        try:
            lens = self(prompts, ids)[:, -1]
            own = np.stack([self._own(p)[i] for p, i in zip(prompts, ids, strict=True)])
        except (RuntimeError, TypeError, IndexError, KeyError, AttributeError) as e:
            reason = f"{type(e).__name__}: {first_line(e)}"
            raise ValueError(f"{self.name}: the lens cannot read {type(self.model).__name__} ({reason})") from e
        error = relative_error(lens, own)
        if not error <= self.tolerance:
            raise ValueError(
                f"{self.name}: the lens after the last block of {type(self.model).__name__} differs from the model's "
                f"own logits by {error:.1e} (relative); this family finishes in a way the lens does not know"
            )

    def _own(self, prompt: list[int]) -> np.ndarray:
        """The model's own logits over the vocabulary behind a prompt, (V,)."""
        return self._forward({"input_ids": torch.tensor([prompt], device=self._entry)})[0, -1].float().cpu().numpy()


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference by the largest size of what is expected; entries that are -inf in both count as equal."""
    real = ~(np.isneginf(found) & np.isneginf(expected))
    found, expected = found[real], expected[real]
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


def _blocks(model, name: str) -> list[torch.nn.Module]:
    """The decoder's stack: of all module lists in it, the one that holds most parameters."""
    lists = [m for m in model.get_decoder().modules() if isinstance(m, torch.nn.ModuleList) and len(m)]
    if not lists or model.get_output_embeddings() is None:
        raise ValueError(f"{name}: {type(model).__name__} is no decoder with a stack of blocks and an unembedding")
    return list(max(lists, key=lambda blocks: sum(p.numel() for p in blocks.parameters())))


def _option_table(option_ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (B, K), filled up with 0, and a mask that is True for real options."""
    k = max(map(len, option_ids))
    table = torch.tensor([[*row, *[0] * (k - len(row))] for row in option_ids])
    real = torch.arange(k) < torch.tensor([len(row) for row in option_ids])[:, None]
    return table, real


def _device(module: torch.nn.Module) -> torch.device:
    """Where a module computes: weights that accelerate keeps elsewhere lie on no device until then."""
    hook = getattr(module, "_hf_hook", None)
    return module.weight.device if module.weight.device.type != "meta" else torch.device(hook.execution_device)


@contextmanager
def _in_place(module: torch.nn.Module) -> Iterator[None]:
    """Let accelerate bring a module's weights where they compute, and away again."""
    hook = getattr(module, "_hf_hook", None)
    if hook is None:
        yield
        return
    hook.pre_forward(module)
    try:
        yield
    finally:
        hook.post_forward(module, torch.empty(0))


@contextmanager
def _patched(module: torch.nn.Module, forward) -> Iterator[None]:
    """Give a module another ``forward`` inside a block."""
    own = module.__dict__.get("forward")  # accelerate keeps one here
    module.forward = forward
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own
