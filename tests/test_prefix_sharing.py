"""A start that all prompts share, read once: the numbers of prompts that are read whole, and a run that remembers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models_kit import FAMILIES, NO_HEAD_DIM, SIZE, VOCABULARY, save_tiny, tiny_model, tiny_questions

from dualalign import Traces
from dualalign.traces.sharing import SHARE, SHORTEST, shared_start

pytestmark = pytest.mark.models
WORDING = " ".join(["the cat is red or blue . is it big ? yes", "one dog or two ?", "no . small"] * 2)
IDS = [[5, 9, 33], [7, 8], [60, 4, 5], [20, 21, 22], [3, 63]]
LONG_ROPE = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [3.0] * 4}
LONG_ROPE |= {"original_max_position_embeddings": 16}
UNSHARED = {  # a family that cannot share, or must not: its settings
    "Jamba": SIZE | {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 4, "mamba_dt_rank": 4},
    "Mamba": {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "MiniMax": SIZE,
    "Phi3": NO_HEAD_DIM | {"rope_parameters": LONG_ROPE, "original_max_position_embeddings": 16},
}


def prompts_behind(start: list[int], seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [start + rng.integers(3, VOCABULARY, n).tolist() for n in (1, 3, 8, 2, 17)]


def some_tokens(n: int) -> list[int]:
    return np.random.default_rng(7).integers(3, VOCABULARY, n).tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_reads_on_as_if_it_had_read_the_whole(family):
    from dualalign.models import Lens
    from dualalign.models.lens import relative_error
    from dualalign.models.prefix import Prefix, read_start

    lens = Lens(tiny_model(family), family)
    for length in (1, 3, 11):  # shorter and longer than a sliding window of 4
        prompts = prompts_behind(some_tokens(length))
        whole, prefix = lens(prompts, IDS), Prefix(lens, prompts[0][:length])
        for rows in ([0, 1, 2, 3, 4], [4], [0, 2]):  # batches of any size, one after the other
            found = lens([prompts[i] for i in rows], [IDS[i] for i in rows], start=prefix)
            k = found.shape[2]
            assert relative_error(found, whole[rows][:, :, :k]) <= 1e-5
    assert read_start(lens, prompts[0][:11], prompts[::4], IDS[::4]) is not None


@pytest.mark.parametrize("family", UNSHARED)
def test_what_keeps_more_than_keys_and_values_reads_prompts_whole(family):
    import torch
    import transformers

    from dualalign.models import Lens
    from dualalign.models.prefix import read_start

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**UNSHARED[family])
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    if family == "Phi3":
        for weight in model.parameters():
            weight.data.normal_(0, 0.3)  # so large that positions matter
    lens = Lens(model)
    prompts = prompts_behind(some_tokens(11))
    before = lens(prompts, IDS)
    assert read_start(lens, prompts[0][:11], prompts[::4], IDS[::4]) is None
    np.testing.assert_array_equal(lens(prompts, IDS), before)


def test_a_start_that_leads_elsewhere_is_found_out(monkeypatch):
    from dualalign.models import Lens
    from dualalign.models.prefix import Prefix, read_start

    lens, prompts = Lens(tiny_model()), prompts_behind(some_tokens(11))
    assert read_start(lens, prompts[0][:11], prompts, IDS) is not None
    inputs = Prefix.inputs
    monkeypatch.setattr(
        Prefix, "inputs", lambda self, ids: inputs(self, ids) | {"position_ids": inputs(self, ids)["position_ids"] + 1}
    )
    assert read_start(lens, prompts[0][:11], prompts, IDS) is None


def test_the_start_is_read_once_and_never_changed():
    from dualalign.models import Lens
    from dualalign.models.prefix import Prefix

    lens, prompts = Lens(tiny_model("Gemma3Text")), prompts_behind(some_tokens(11))
    read = []
    lens.model.model.embed_tokens.register_forward_hook(lambda _, args, __: read.append(tuple(args[0].shape)))
    prefix = Prefix(lens, prompts[0][:11])
    kept = [(layer.keys.clone(), layer.values.clone()) for layer in prefix._cache.layers]
    lens(prompts, IDS, start=prefix)
    assert read == [(1, 11), (5, 17), (5 * 3, 1)]  # the start, what stands behind it, the finish of every layer
    for layer, (keys, values) in zip(prefix._cache.layers, kept, strict=True):
        assert layer.keys.equal(keys)
        assert layer.values.equal(values)


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=30), min_size=1, max_size=4), st.integers(0, 40))
def test_the_length_of_the_start_against_counting(ends, n):
    prompts = [[5] * n + end for end in ends]
    found = shared_start(prompts)
    same = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, zip(*prompts, strict=False)))
    same = min(same, min(map(len, prompts)) - 1)
    worth = len(prompts) > 1 and same >= SHORTEST and same >= SHARE * np.mean([len(p) for p in prompts])
    assert found == (same if worth else 0)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    from dualalign.models import load_model

    root = tmp_path_factory.mktemp("pair")
    return [load_model(save_tiny(root / name, seed=seed)) for seed, name in enumerate(("base", "chat"))]


def run(pair, out, **options):
    from dualalign.traces.collect import collect

    options = {"batch_size": 3, "progress": False, "wording": WORDING} | options
    return collect(*pair, tiny_questions(), "choices", out, **options)


def start_of(pair) -> int:
    from dualalign.traces.encode import encode_pair

    return shared_start(encode_pair(*pair, tiny_questions(), "choices", WORDING)[1].prompts)


def test_a_trace_says_what_was_shared_and_has_the_same_numbers(pair, tmp_path):
    shared, whole = (Traces.load(run(pair, tmp_path / str(on), share_prefix=on)) for on in (True, False))
    assert shared.metadata.pop("shared_tokens") == str(start_of(pair))
    assert start_of(pair) > 30
    assert shared.metadata == whole.metadata
    for side in ("plm_logits", "polm_logits"):
        found, expected = getattr(shared, side), getattr(whole, side)
        np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
        np.testing.assert_allclose(*(np.nan_to_num(x, neginf=0) for x in (found, expected)), rtol=0, atol=1e-4)


def test_prompts_without_a_common_start_are_read_whole(pair, tmp_path, monkeypatch):
    from dualalign.models import prefix

    monkeypatch.delattr(prefix, "read_start")
    assert "shared_tokens" not in Traces.load(run(pair, tmp_path / "t", wording="")).metadata


@pytest.mark.parametrize("side", [0, 1])
def test_one_model_may_share_and_the_other_not(pair, tmp_path, monkeypatch, side):
    from dualalign.models import prefix

    read = prefix.read_start
    monkeypatch.setattr(prefix, "read_start", lambda lens, *a: None if lens is pair[side].lens else read(lens, *a))
    found = Traces.load(run(pair, tmp_path / "t"))
    n = start_of(pair)
    assert found.metadata["shared_tokens"] == (f"0 / {n}", f"{n} / 0")[side]
    whole = Traces.load(run(pair, tmp_path / "whole", share_prefix=False))
    name = ("plm_logits", "polm_logits")[side]
    np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def stopped(pair, out, monkeypatch, batch: int, **options):
    from dualalign.traces.shards import Shards

    write = Shards.write

    def dying(self, side, number, logits):
        if (side, number) == ("polm", batch):
            raise KeyboardInterrupt
        write(self, side, number, logits)

    with monkeypatch.context() as patch:
        patch.setattr(Shards, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            run(pair, out, **options)


@pytest.mark.parametrize("can", [True, False])
def test_a_run_that_goes_on_does_as_it_did_before(pair, tmp_path, monkeypatch, can):
    from dualalign.models import prefix

    read, out = prefix.read_start, tmp_path / "t.safetensors"
    if not can:
        monkeypatch.setattr(prefix, "read_start", lambda *a: None)
    whole = run(pair, tmp_path / "whole").read_bytes()
    stopped(pair, out, monkeypatch, 2)
    tried = []
    monkeypatch.setattr(prefix, "read_start", lambda *a: tried.append(list(a[2])) or read(*a))
    assert run(pair, out).read_bytes() == whole
    assert tried == ([[]] if can else [])  # read again, but not tried again


def test_a_run_that_shares_is_not_mixed_with_one_that_does_not(pair, tmp_path, monkeypatch):
    out = tmp_path / "t.safetensors"
    stopped(pair, out, monkeypatch, 0)
    with pytest.raises(ValueError, match=r"belongs to another run \(shared tokens differ\)"):
        run(pair, out, share_prefix=False)
    (tmp_path / "t.safetensors.part" / "plm.json").write_text('{"shared tokens": "many"}')
    with pytest.raises(ValueError, match=r"plm.json: damaged; start over with resume=False \(--restart\)$"):
        run(pair, out)


def test_the_command_tells_and_can_be_told_not_to(tmp_path, pair):
    from typer.testing import CliRunner

    from dualalign.cli import app
    from dualalign.questions import save_file

    save_file(tiny_questions(), tmp_path / "q.jsonl")
    words = ["trace", "--questions", str(tmp_path / "q.jsonl"), "--style", "choices", "--device", "cpu", "--quiet"]
    words += [w for side, m in zip(("--plm", "--polm"), pair, strict=True) for w in (side, str(m.spec.source))]
    words += ["--wording", WORDING]
    for extra, told in (([], True), (["--no-share-prefix"], False)):
        found = CliRunner().invoke(app, [*words, *extra, "--out", str(tmp_path / f"{told}.safetensors")])
        assert found.exit_code == 0, found.output
        assert (f", {start_of(pair)} tokens shared" in found.output) is told
