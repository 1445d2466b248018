"""What inference servers read: generation_config.json, vLLM and SGLang.

vLLM returns log-probabilities from before the temperature unless it is started with ``--logprobs-mode
processed_logprobs``; SGLang returns those after it unless SGLANG_RETURN_ORIGINAL_LOGPROB is set. vLLM and OpenAI's API
refuse temperatures above 2; there the log-probabilities from before any temperature are divided by the reader.
Read in vLLM 0.33 and SGLang 0.5.23.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ..bounded import json_value
from .facts import Facts

_READ_BACK = '''
def probabilities(logprobs):
    """Calibrated probabilities of the options, from their log-probabilities or logits BEFORE any temperature."""
    import math

    scaled = [value / TEMPERATURE for value in logprobs]
    weights = [math.exp(value - max(scaled)) for value in scaled]
    return [weight / sum(weights) for weight in weights]
'''
VLLM_MOST = 2.0  # the largest temperature that vLLM and OpenAI's API take
_TOO_HOT = f"vLLM and OpenAI's API refuse temperatures above {VLLM_MOST:g}"
_VLLM = '''
def sampling_params(**others):
    """vLLM's SamplingParams at this temperature; others say the rest (max_tokens, logprobs, ...)."""
    from vllm import SamplingParams

    return SamplingParams(**{"temperature": TEMPERATURE, **others})
'''
_VLLM_HOT = '''
def sampling_params(**others):
    """Refuse: vLLM takes no such temperature. Ask at 1, and give raw log-probabilities to `probabilities`."""
    raise ValueError(f"vLLM takes temperatures up to 2, this is {TEMPERATURE}; ask at 1 and use probabilities()")
'''
_SGLANG = '''
def sampling_params(**others):
    """SGLang's sampling_params of a request at this temperature; others say the rest (max_new_tokens, ...)."""
    return {"temperature": TEMPERATURE, **others}
'''


def generation_config(found: Facts, path: Path) -> dict[str, object]:
    """Set the temperature in a generation config, keeping what the file already says (end tokens, say).

    Raises
    ------
    ValueError
        Where the file is there and holds no JSON object, or one deeper than any config.
    """
    config = {}
    if path.is_file():
        try:
            config = json_value(path)
            json.dumps(config, ensure_ascii=False, allow_nan=False).encode()  # what cannot be written again
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict) or _deep(config):
            raise ValueError(f"{path}: not a JSON object; give a generation_config.json or a new file name")
    hot = f" {_TOO_HOT}." if found.temperature > VLLM_MOST else ""
    return config | {"do_sample": True, "temperature": found.temperature, "_dualalign": found.note + hot}


def _deep(value: object, levels: int = 64) -> bool:
    """Whether JSON nests deeper than any config: written with indents, it would take its depth times its size."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not levels or any(_deep(one, levels - 1) for one in inner)


def vllm(found: Facts) -> tuple[dict[str, object], str]:
    """What starts vLLM with the temperature as its default, and what asks for it a request at a time."""
    if found.temperature > VLLM_MOST:
        return _vllm_hot(found)
    sampling = {"temperature": found.temperature}
    serve = f"vllm serve {_model(found)} --override-generation-config {shlex.quote(json.dumps(sampling))}"
    content = {
        **sampling,
        "serve": f"{serve} --logprobs-mode processed_logprobs",
        "override_generation_config": sampling,
        "sampling_params": sampling,
        "request": sampling | {"logprobs": True, "top_logprobs": 20},
        "logprobs": "After the temperature with --logprobs-mode processed_logprobs (top_p at 1, top_k off); before "
        "it by default: then divide by the temperature and normalise over the options yourself.",
        "note": found.note,
    }
    return content, f"SERVE = {content['serve']!r}\n\n{_VLLM}\n{_READ_BACK}"


def _vllm_hot(found: Facts) -> tuple[dict[str, object], str]:
    """A temperature that vLLM refuses: served at 1, divided by whoever reads the log-probabilities."""
    content = {
        "temperature": found.temperature,
        "serve": f"vllm serve {_model(found)} --logprobs-mode raw_logprobs",
        "request": {"temperature": 1.0, "logprobs": True, "top_logprobs": 20},
        "logprobs": f"{_TOO_HOT}. Ask at 1, divide the log-probabilities of the options by the temperature, and "
        "normalise over the options; text cannot be sampled at this temperature.",
        "note": found.note,
    }
    return content, f"SERVE = {content['serve']!r}\n\n{_VLLM_HOT}\n{_READ_BACK}"


def sglang(found: Facts) -> tuple[dict[str, object], str]:
    """What starts SGLang with the temperature as its default, and what asks for it a request at a time."""
    sampling = {"temperature": found.temperature}
    text = {"return_text_in_logprobs": True}  # `dualalign import logprobs` reads tokens by their text
    serve = f"python -m sglang.launch_server --model-path {_model(found)}"
    content = {
        **sampling,
        "serve": f"{serve} --preferred-sampling-params {shlex.quote(json.dumps(sampling))}",
        "sampling_params": sampling,
        "request": {"sampling_params": sampling, "return_logprob": True, "top_logprobs_num": 20, **text},
        "logprobs": "After the temperature by default; before it where the server runs with "
        "SGLANG_RETURN_ORIGINAL_LOGPROB=1: then divide by the temperature and normalise over the options yourself.",
        "note": found.note,
    }
    return content, f"SERVE = {content['serve']!r}\n\n{_SGLANG}\n{_READ_BACK}"


def _model(found: Facts) -> str:
    name = found.source["polm"] or "MODEL"
    return shlex.quote(f"./{name}" if name.startswith("-") else name)  # a name is never an option
