"""What is fuzzed: for every kind of input its valid files, what reads them, and what must hold of what was read."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from imports_kit import HELM_RUN, SAMPLES, helm_state, lm_eval_rows

import dualalign as da
from dualalign.questions import Question, load_file, save_file
from dualalign.questions.hub import load_hub
from dualalign.traces import imports
from dualalign.traces.artifact import _serialised
from dualalign.traces.stream import TraceStream

Files = dict[str, bytes]
STATE = "scenario_state.json"


@dataclass(frozen=True)
class Kind:
    """A kind of input: `files` makes valid ones, `read` reads them from a folder and checks what it read."""

    files: Callable[[random.Random], Files]
    read: Callable[[Path, random.Random], object]


# -- Traces --------------------------------------------------------------------------------------------------------


def trace_files(rng: random.Random) -> Files:
    n, k, kind = rng.choice((1, 3, 6)), rng.choice((2, 4)), rng.choice((np.float32, np.float32, np.float16))
    draw = np.random.default_rng(rng.randrange(1000))
    tensors = {name: draw.normal(size=(n, 2, k)).astype(kind) for name in ("plm_logits", "polm_logits")}
    tensors |= {"labels": draw.integers(-1, 2, n), "n_options": np.full(n, k)}
    if rng.random() < 0.3:
        tensors["order"] = np.tile(np.arange(k), (n, 1))
    strings = {"question_ids": [f"q{i}" for i in range(n)], "groups": ["a", "é"][:1] * n}
    metadata = {name: json.dumps(value) for name, value in strings.items()}
    metadata |= {"schema": da.traces.SCHEMA, "plm": "a/b", "polm": "c", "prompt": "letters", "variant": ""}
    return {"t.safetensors": _serialised(tensors, metadata)}  # its header has one order


def read_trace(at: Path, rng: random.Random) -> object:
    """`Traces.load` and the stream read the same or refuse both."""
    path = at / "t.safetensors"
    found = [refused_or(da.Traces.load, path), refused_or(streamed, path)]
    errors = [one for one in found if isinstance(one, ValueError)]
    assert len(errors) != 1, f"one of load and stream refuses: {errors}"
    if errors:
        raise Both(errors)
    whole, parts = found
    check_traces(whole, at)
    for name in ("plm_logits", "polm_logits", "labels", "n_options"):
        values = [getattr(part, name) for part in parts]
        assert not values or np.array_equal(np.concatenate(values), getattr(whole, name)), name
    assert sum((part.question_ids for part in parts), ()) == whole.question_ids
    return whole


class Both(Exception):
    """Two readers refused; each of the refusals is judged."""


def refused_or(read: Callable, path: Path) -> object:
    try:
        return read(path)
    except ValueError as error:
        return error


def streamed(path: Path) -> list[da.Traces]:
    return [part for _, part in TraceStream(path, block_bytes=100).blocks()]


def check_traces(traces: da.Traces, at: Path) -> da.Traces:
    """Shapes and values by their definitions; saved and loaded, the same."""
    n, _, k = traces.polm_logits.shape
    assert traces.plm_logits.shape[::2] == (n, k)
    assert n == len(traces.question_ids) == len(traces.labels)
    for row in range(min(n, 50)):
        real = int(traces.n_options[row])
        assert 2 <= real <= k
        assert -1 <= traces.labels[row] < real
        for logits in (traces.plm_logits[row], traces.polm_logits[row]):
            assert np.isfinite(logits[:, :real]).all()
            assert (logits[:, real:] == -np.inf).all()
    out = at.parent / "again.safetensors"
    traces.save(out)
    again = da.Traces.load(out)
    assert again.question_ids == traces.question_ids
    assert again.metadata == traces.metadata
    assert np.array_equal(again.polm_logits, traces.polm_logits)
    return traces


# -- Questions -----------------------------------------------------------------------------------------------------


def rows(n: int = 4) -> list[dict]:
    found = [
        {"id": f"id{i}", "question": f"Is {i} big?\u2028", "options": ["yes", "no", "é"], "answer": i % 3}
        for i in range(n)
    ]
    found[0] |= {"answer": None, "group": "a", "context": "Once."}
    return found


def question_lines(rng: random.Random) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) + "\n" for row in rows(rng.choice((1, 4)))).encode()


@lru_cache
def question_table() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows()[:1] + rows()[1:]), buffer)
    return buffer.getvalue()


def read_questions(name: str) -> Callable[[Path, random.Random], object]:
    def read(at: Path, rng: random.Random) -> object:
        return check_questions(load_hub("arc-easy/test", at) if "arc" in name else load_file(at / name), at)

    return read


def check_questions(found: list[Question], at: Path) -> list[Question]:
    assert found
    assert len({q.id for q in found}) == len(found)
    for q in found[:50]:
        assert all(isinstance(one, str) for one in (q.id, q.question, q.group, q.context, q.proposed, *q.options))
        assert 2 <= len(q.options) <= 26
        assert q.answer is None or (type(q.answer) is int and 0 <= q.answer < len(q.options))
    if sum(len(one) for q in found for one in (q.question, q.context, q.proposed, *q.options)) < 10**6:
        assert load_file(save_file(found, at.parent / "again.jsonl")) == found
    return found


# -- Imports -------------------------------------------------------------------------------------------------------


def lm_eval_files(rng: random.Random) -> Files:
    found = {f"{m}/{SAMPLES}": lines(lm_eval_rows(m)) for m in ("base", "chat")}
    results = SAMPLES.replace("samples_tiny_cloze", "results").replace(".jsonl", ".json")
    return found | {f"{m}/{results}": b'{"model_name": "/a/tiny"}' for m in ("base", "chat")}


def lines(found: list[object]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found).encode()


def read_lm_eval(at: Path, rng: random.Random) -> object:
    paths = [at / m if rng.random() < 0.3 else at / m / SAMPLES for m in ("base", "chat")]
    score = rng.choice(("sum", "sum", "per-char", "per-byte", "pmi"))
    return check_traces(imports.from_lm_eval(*paths, score, **run_options(rng)), at)


def run_options(rng: random.Random) -> dict[str, object]:
    drop = rng.random() < 0.5
    return {"prompts": "any", "unmatched": "drop" if drop else "error", "labels": rng.random() < 0.7}


def helm_files(rng: random.Random) -> Files:
    found = {m: helm_state(m) for m in ("base", "chat")}
    if rng.random() < 0.3:
        for state in found.values():
            as_joint(state)
    return {f"{HELM_RUN.format(m)}/{STATE}": json.dumps(state).encode() for m, state in found.items()}


def as_joint(state: dict) -> None:
    """One request a question, with the letters' log-probabilities, as HELM 0.2.4 wrote them."""
    state["adapter_spec"]["method"] = "multiple_choice_joint"
    for one in state["request_states"]:
        one |= {"output_mapping": {" A": "x", " B": "y", " C": "z"}, "reference_index": None}
        one["instance"]["references"] = [{"output": {"text": t}, "tags": []} for t in "xyz"]
        one["result"]["completions"][0]["tokens"][0]["top_logprobs"] = {" A": -0.1, " B": -2.0, " C": -3.0}


def read_helm(at: Path, rng: random.Random) -> object:
    homes = [at / HELM_RUN.format(m) for m in ("base", "chat")]
    score = rng.choice(("sum", "sum", "per-token", "pmi"))
    missing = rng.choice(("error", "drop", "bound"))
    return check_traces(imports.from_helm(*homes, score, missing, **run_options(rng)), at)


def logprob_files(rng: random.Random) -> Files:
    shape = rng.choice((_chat, _completion, _vllm, _sglang, _scored))
    found = {f"{m}.jsonl": lines(shape(-0.3 if m == "base" else -0.2)) for m in ("base", "chat")}
    return found | {"q.jsonl": question_lines(rng)} if rng.random() < 0.3 else found


def _asked(i: int, **more) -> dict:
    return {"question_id": f"id{i}", "options": [" A", " B", " C"], "answer": i % 3, "group": "a", **more}


def _chat(top: float) -> list[dict]:
    tops = [{"token": t, "logprob": top - 2 * i, "bytes": [32]} for i, t in enumerate((" A", " B", " C", "\n"))]
    choice = {
        "index": 0,
        "message": {"content": " A"},
        "logprobs": {"content": [{"token": " A", "top_logprobs": tops}]},
    }
    return [_asked(i, response={"body": {"model": "tiny/a", "choices": [choice]}}) for i in range(3)]


def _completion(top: float) -> list[dict]:
    found = {"tokens": [" A"], "top_logprobs": [{" A": top, " B": -2.0, " C": -3.5, "A": -4.0}]}
    return [_asked(i, model="t", object="text_completion", choices=[{"logprobs": found}]) for i in range(3)]


def _vllm(top: float) -> list[dict]:
    first = {str(9 + i): {"logprob": top - i, "rank": i, "decoded_token": t} for i, t in enumerate((" A", " B", " C"))}
    return [_asked(i, outputs=[{"index": 0, "logprobs": [first]}]) for i in range(3)]


def _sglang(top: float) -> list[dict]:
    found = [[top, 5, " A"], [-2.0, 6, " B"], [-3.0, 7, " C"]]
    return [_asked(i, response={"text": " A", "meta_info": {"output_top_logprobs": [found]}}) for i in range(3)]


def _scored(top: float) -> list[dict]:
    ids = [[1, 2, 3 + k] for k in range(3)]
    steps = [[None, *({str(t): {"logprob": top * (t + 1)}} for t in one[1:])] for one in ids]
    return [_asked(i, option=k, prompt_token_ids=ids[k], prompt_logprobs=steps[k]) for i in range(2) for k in range(3)]


def read_logprobs(at: Path, rng: random.Random) -> object:
    asked = at / "q.jsonl"
    options = {"questions": asked} if asked.exists() or asked.is_symlink() else {}
    options |= {"missing": rng.choice(("error", "drop", "bound")), "match": rng.choice(("exact", "stripped"))}
    paths = [at / "base.jsonl", at / "chat.jsonl"]
    return check_traces(imports.from_logprobs(*paths, **options, **run_options(rng)), at)


def array_files(rng: random.Random) -> Files:
    ending = rng.choice((".npy", ".npz", ".npz", ".safetensors"))
    draw = np.random.default_rng(rng.randrange(1000))
    arrays = {"logits": draw.normal(size=(4, 3, 9)).astype(rng.choice((np.float32, np.float16, np.float64)))}
    arrays |= {"option_ids": np.array([[1, 2, 3], [4, 5, -1], [6, 7, 8], [0, 1, 2]])}
    if rng.random() < 0.4 and ending != ".npy":
        arrays |= {"residual": arrays.pop("logits"), "unembed": draw.normal(size=(9, 9)).astype(np.float32)}
        arrays |= {"norm_weight": np.ones(9, np.float32), "norm_mean": np.float32(0), "softcap": np.float32(3)}
    if rng.random() < 0.5:
        arrays |= {"labels": np.array([0, 1, -1, 2]), "n_options": np.array([3, 2, 3, 3])}
    found = {f"{m}{ending}": _array_file(arrays, ending) for m in ("base", "chat")}
    return found | {"ids.npy": _npy(arrays["option_ids"]), "q.jsonl": lines(rows(4))}


def _array_file(arrays: dict[str, np.ndarray], ending: str) -> bytes:
    if ending == ".safetensors":
        return _serialised(
            {k: np.array(v) for k, v in arrays.items()}, {"question_ids": json.dumps([f"q{i}" for i in range(4)])}
        )
    if ending == ".npy":
        return _npy(arrays["logits"])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, question_ids=np.array(["a", "b", "é", "d"]), **arrays)
    return buffer.getvalue()


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def read_arrays(at: Path, rng: random.Random) -> object:
    ending = next((path.suffix for path in sorted(at.iterdir()) if path.stem in ("base", "chat")), ".npy")
    ids = at / "ids.npy" if ending == ".npy" or rng.random() < 0.3 else None
    asked = at / "q.jsonl" if rng.random() < 0.3 else None
    paths = [at / f"base{ending}", at / f"chat{ending}"]
    return check_traces(imports.from_array_files(*paths, ids, asked, labels=rng.random() < 0.8), at)
