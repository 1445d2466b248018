"""Arrays of lens libraries as traces: what they mean, by brute force, and files that are no arrays."""

from __future__ import annotations

import io
import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from messages_kit import refusal
from safetensors.numpy import save_file

import dualalign as da
from dualalign.questions import Question
from dualalign.traces.imports import (
    Unembedding,
    from_array_files,
    from_arrays,
    stack_layers,
    transformer_lens_layers,
    tuned_lens_logits,
)

N, L, D, V, K = 5, 3, 8, 20, 4
RNG = np.random.default_rng(0)
IDS = np.array([[3, 7, 11, 19], [2, 0, -1, -1], [5, 6, 7, -1], [1, 2, 3, 4], [9, 8, 7, 6]])
COUNTS = (IDS >= 0).sum(axis=1)
STREAM = RNG.normal(size=(N, L, D)).astype(np.float32)
FULL = RNG.normal(size=(N, L, V)).astype(np.float32)
HEAD = {
    "unembed": RNG.normal(size=(V, D)).astype(np.float32),
    "unembed_bias": RNG.normal(size=V).astype(np.float32),
    "norm_weight": RNG.normal(size=D).astype(np.float32),
    "norm_bias": RNG.normal(size=D).astype(np.float32),
    "norm_mean": np.float32(1),
    "norm_eps": np.float32(1e-3),
    "norm_offset": np.float32(1),
    "logit_scale": np.float32(0.5),
    "softcap": np.float32(2),
}


def picked(full: np.ndarray) -> np.ndarray:
    """Brute force: the option columns of every question, -inf where it has none."""
    out = np.full((N, L, K), -np.inf, np.float32)
    for n in range(N):
        for k in range(COUNTS[n]):
            out[n, :, k] = full[n, :, IDS[n, k]]
    return out


def unembedded() -> np.ndarray:
    """Brute force: LayerNorm, unembedding, scale and cap, in float64, of the whole vocabulary."""
    out = np.empty((N, L, V))
    for n in range(N):
        for layer in range(L):
            x = STREAM[n, layer].astype(float)
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-3) * (HEAD["norm_weight"].astype(float) + 1) + HEAD["norm_bias"]
            out[n, layer] = 2 * np.tanh(0.5 * (HEAD["unembed"].astype(float) @ x + HEAD["unembed_bias"]) / 2)
    return out


# -- In memory -----------------------------------------------------------------------------------------------------


def test_logits_of_the_vocabulary_give_the_options_columns():
    traces = from_arrays(FULL, FULL * 2, IDS, labels=np.zeros(N, int))
    assert np.array_equal(traces.plm_logits, picked(FULL))
    assert np.array_equal(traces.polm_logits, picked(FULL * 2))
    assert traces.n_options.tolist() == COUNTS.tolist()
    assert traces.question_ids == ("0", "1", "2", "3", "4")


def test_one_row_of_tokens_serves_all_questions():
    traces = from_arrays(FULL, FULL, IDS[0])
    assert np.array_equal(traces.plm_logits, FULL[:, :, IDS[0]])


def test_logits_of_the_options_alone_are_taken_as_they_are():
    plain = picked(FULL)
    assert np.array_equal(from_arrays(plain, plain, IDS).plm_logits, plain)
    traces = from_arrays(plain, plain)  # the number of options from trailing -inf
    assert np.array_equal(traces.plm_logits, plain)
    assert traces.n_options.tolist() == COUNTS.tolist()


def test_a_stream_is_unembedded_as_the_model_does():
    head = Unembedding(
        *(HEAD[name] for name in ("unembed", "unembed_bias", "norm_weight", "norm_bias")), 1, 1e-3, 1, 0.5, 2
    )
    traces = from_arrays(STREAM, FULL, IDS, plm_head=head)
    expected = picked(unembedded().astype(np.float32))
    real = np.isfinite(expected)
    assert np.array_equal(np.isfinite(traces.plm_logits), real)
    np.testing.assert_allclose(traces.plm_logits[real], expected[real], atol=1e-5)


def test_rms_norm_and_no_norm():
    x = STREAM.astype(float)
    rms = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * HEAD["norm_weight"]
    for head, stream in (
        (Unembedding(HEAD["unembed"], norm_weight=HEAD["norm_weight"]), rms),
        (Unembedding(HEAD["unembed"]), x),
    ):
        expected = stream @ HEAD["unembed"].T.astype(float)
        np.testing.assert_allclose(
            from_arrays(STREAM, FULL, IDS[0], plm_head=head).plm_logits, expected[:, :, IDS[0]], atol=1e-5
        )


def test_many_questions_are_unembedded_in_parts_alike():
    stream, ids = np.tile(STREAM, (40, 1, 1)), np.tile(IDS, (40, 1))
    whole = Unembedding(HEAD["unembed"])(stream, ids)
    assert np.array_equal(whole, np.tile(Unembedding(HEAD["unembed"])(STREAM, IDS), (40, 1, 1)))


@pytest.mark.models
def test_torch_tensors_are_taken_off_graph_and_half_precision():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(FULL, requires_grad=True).bfloat16()
    traces = from_arrays(tensor, tensor, torch.tensor(IDS))
    assert np.array_equal(traces.plm_logits, picked(tensor.detach().float().numpy()))
    weight = torch.nn.Parameter(torch.tensor(HEAD["unembed"])).bfloat16()
    plain = Unembedding(weight.detach().float().numpy(), norm_weight=HEAD["norm_weight"])
    own = Unembedding(weight, norm_weight=torch.nn.Parameter(torch.tensor(HEAD["norm_weight"])))
    assert np.array_equal(own(STREAM, IDS), plain(STREAM, IDS))


BAD = {
    "two axes": (lambda: from_arrays(FULL[0], FULL, IDS), "plm has shape"),
    "whole numbers": (lambda: from_arrays(FULL.astype(int), FULL, IDS), "plm has shape .* of int64; give floats"),
    "text": (lambda: from_arrays(FULL.astype(str), FULL, IDS), "plm is an array of <U32; give numbers"),
    "a token past the vocabulary": (
        lambda: from_arrays(FULL, FULL, IDS + (IDS >= 0)),
        "row 0 holds token 20, plm has a vocabulary of 20",
    ),
    "a token below -1": (lambda: from_arrays(FULL, FULL, IDS - 1), "a token is below -1"),
    "tokens of other questions": (lambda: from_arrays(FULL, FULL, IDS[1:]), "option_ids has 4 rows, plm 5 questions"),
    "a token twice": (
        lambda: from_arrays(FULL, FULL, [[1, 2], [3, 4], [5, 5], [6, 7], [8, 9]]),
        "option_ids: two options of question 2 are one token",
    ),
    "one token": (lambda: from_arrays(FULL, FULL, IDS[:, :1]), r"option_ids has shape \(5, 1\)"),
    "floats as tokens": (lambda: from_arrays(FULL, FULL, IDS * 1.0), "of float64; give 2 to 256 tokens"),
    "a gap": (lambda: from_arrays(FULL, FULL, IDS[:, ::-1]), "question 1: an option is missing before others"),
    "a vocabulary without tokens": (
        lambda: from_arrays(np.zeros((1, 1, 999), "f"), FULL),
        "has 999 columns; of a vocabulary",
    ),
    "a stream without tokens": (
        lambda: from_arrays(STREAM, STREAM, plm_head=Unembedding(HEAD["unembed"])),
        "needs option_ids",
    ),
    "a head of another width": (
        lambda: from_arrays(STREAM, FULL, IDS, plm_head=Unembedding(HEAD["unembed"][:, 1:])),
        "as wide as",
    ),
    "a norm of another width": (
        lambda: from_arrays(STREAM, FULL, IDS, plm_head=Unembedding(HEAD["unembed"], norm_weight=np.ones(3))),
        "norm_weight has shape",
    ),
    "NaN": (lambda: from_arrays(np.full_like(FULL, np.nan), FULL, IDS), "plm_logits is nan at question 0"),
    "too few questions": (lambda: from_arrays(FULL, FULL[1:], IDS[0]), "option_ids has 5 rows, polm 4 questions"),
    "counts of other questions": (lambda: from_arrays(FULL, FULL, IDS, n_options=[4]), r"n_options has shape \(1,\)"),
    "labels that are no numbers": (lambda: from_arrays(FULL, FULL, IDS, labels=["a"] * 5), "labels is an array of"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_do_not_fit_are_named(case):
    make, message = BAD[case]
    with refusal("arrays", case, match=message):
        make()


# -- Files ---------------------------------------------------------------------------------------------------------


def arrays(**more) -> dict[str, np.ndarray]:
    return {"logits": FULL, "option_ids": IDS, "labels": np.array([0, 1, 2, -1, 3]), **more}


def same(traces: da.Traces) -> None:
    assert np.array_equal(traces.plm_logits, picked(FULL))
    assert traces.labels.tolist() == [0, 1, 2, -1, 3]


def test_npz_and_safetensors_hold_the_same(tmp_path):
    np.savez(tmp_path / "g.npz", **arrays(question_ids=np.array(["ä", "b", "c", "d", "e"]), groups=np.arange(5)))
    np.savez_compressed(tmp_path / "f.npz", logits=FULL)
    save_file({"logits": FULL}, tmp_path / "f.safetensors")
    for other in ("f.npz", "f.safetensors"):
        traces = from_array_files(tmp_path / "g.npz", tmp_path / other)
        same(traces)
        assert traces.question_ids == ("ä", "b", "c", "d", "e")
        assert traces.groups == ("0", "1", "2", "3", "4")
        assert traces.metadata["imported"] == f"arrays: g.npz / {other}"
        assert (traces.metadata["plm"], traces.metadata["polm"]) == ("g.npz", other)


def test_ids_of_a_safetensors_file_stand_in_its_metadata(tmp_path):
    save_file(arrays(), tmp_path / "g.safetensors", {"question_ids": '["a", "b", "c", "d", "e"]'})
    save_file({"logits": FULL}, tmp_path / "f.safetensors")
    traces = from_array_files(tmp_path / "g.safetensors", tmp_path / "f.safetensors", plm_name="base", labels=False)
    assert traces.question_ids == ("a", "b", "c", "d", "e")
    assert traces.metadata["plm"] == "base"
    assert (traces.labels == -1).all()


def test_npy_holds_logits_and_the_rest_is_given_beside(tmp_path):
    np.save(tmp_path / "g.npy", FULL)
    np.save(tmp_path / "ids.npy", np.asfortranarray(IDS))
    asked = [Question(f"q{i}", "?", ("a", "b"), i % 2, "g") for i in range(N)]
    traces = from_array_files(tmp_path / "g.npy", tmp_path / "g.npy", tmp_path / "ids.npy", asked)
    assert np.array_equal(traces.plm_logits, picked(FULL))
    assert traces.question_ids == ("q0", "q1", "q2", "q3", "q4")
    assert traces.labels.tolist() == [0, 1, 0, 1, 0]
    assert traces.groups == ("g",) * 5
    with pytest.raises(ValueError, match="4 questions for arrays of 5"):
        from_array_files(tmp_path / "g.npy", tmp_path / "g.npy", tmp_path / "ids.npy", asked[1:])


def test_a_residual_file_is_unembedded(tmp_path):
    np.savez(tmp_path / "g.npz", residual=STREAM, option_ids=IDS, **HEAD)
    save_file({"residual": STREAM, **{k: np.atleast_1d(v) for k, v in HEAD.items()}}, tmp_path / "f.safetensors")
    traces = from_array_files(tmp_path / "g.npz", tmp_path / "f.safetensors")
    expected = picked(unembedded().astype(np.float32))
    real = np.isfinite(expected)
    np.testing.assert_allclose(traces.plm_logits[real], expected[real], atol=1e-5)
    assert np.array_equal(traces.plm_logits, traces.polm_logits)


def npz(**more):
    def write(path):
        np.savez(path, **{name: value for name, value in arrays(**more).items() if value is not None})

    return write


def objects(path):
    np.savez(path, logits=FULL, option_ids=np.array([{"a": 1}], dtype=object))


class Trap:
    def __reduce__(self):
        return pytest.fail, ("the file was unpickled",)


def pickled(path):
    path.write_bytes(pickle.dumps(Trap()))


def pickled_member(path):
    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("logits.npy", buffer.getvalue())


def header(shape, dtype="<f4", body=b"", fortran=False):
    text = f"{{'descr': {dtype!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + body


def member(content):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("logits.npy", content)

    return write


def twice(path):
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("logits.npy", header((1, 1, 1), body=bytes(4)))


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logits.npy", header((2**22, 1, 4), body=bytes(2**26)))


def crowd(path):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(65):
            archive.writestr(f"a{i}.npy", header((0,)))


def packed_with_lzma(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("logits.npy", header((1, 1, 1), body=bytes(4)))


BROKEN = {
    "objects": (objects, "not a whole .npz file of numbers"),
    "a pickle": (pickled, "not a whole .npz file"),
    "a pickle inside": (pickled_member, "holds object, expected numbers or text"),
    "empty": (lambda path: path.write_bytes(b""), "not a whole .npz file"),
    "a huge shape": (member(header((2**40, 2**40, 4))), "takes .* bytes, 0 are there"),
    "a negative shape": (member(header((-1, -1, 1), body=bytes(4))), r"shape \(-1, -1, 1\)"),
    "too short": (member(header((9, 9, 9), body=bytes(99))), "takes 2916 bytes, 99 are there"),
    "a header that is code": (member(header("__import__('os')")), "not a whole .npz file"),
    "a header of brackets": (member(header("(" * 60)), "not a whole .npz file"),
    "a date": (member(header((1,), "<M8[s]", bytes(8))), "expected numbers or text"),
    "a record": (member(header((1,), [("a", "<f4")], bytes(4))), "expected numbers or text"),
    "members alike": (twice, "two members are called 'logits'"),
    "a bomb": (bomb, "holds far more than its size allows"),
    "many members": (crowd, "65 members, expected at most 64"),
    "another compression": (packed_with_lzma, "compressed in a way that NumPy does not write"),
    "an unknown array": (npz(weights=FULL), "holds an unknown array 'weights'"),
    "no logits": (npz(logits=None), "give either logits or residual"),
    "logits and a stream": (npz(residual=STREAM), "give either logits or residual"),
    "a stream alone": (npz(logits=None, residual=STREAM), "residual needs unembed"),
    "a norm of no kind": (npz(norm_weight=np.ones(D)), "norm_weight needs norm_mean"),
    "a scalar that is none": (npz(softcap=np.ones(3)), r"softcap has shape \(3,\); give one finite number"),
    "a scalar of text": (npz(softcap=np.array("2")), "softcap has shape"),
    "a scalar that is NaN": (npz(softcap=np.float32(np.nan)), "softcap has shape"),
    "complex": (npz(logits=FULL * 1j), "expected numbers or text"),
    "ids alike": (
        npz(question_ids=np.array(["a", "a", "b", "c", "d"])),
        "'a' stands in rows 0 and 1; ids must be unique",
    ),
    "ids in two axes": (npz(question_ids=np.zeros((N, 1), int)), r"question_ids has shape \(5, 1\) of int64; give N"),
    "ids that are floats": (npz(question_ids=np.zeros(N)), "of float64; give N texts"),
    "ids that are no characters": (member(header((1,), "<U1", b"\xff" * 4)), "not a whole .npz file of numbers"),
    "too few ids": (npz(question_ids=np.array(["a"])), "question_ids holds 1 ids for 5"),
    "other tokens": (npz(option_ids=IDS * 0 + 1), "option_ids differs from that in"),
    "labels past the end": (npz(labels=np.full(N, 9)), "labels differs from"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_not_of_the_format_is_named_in_one_line(case, tmp_path):
    write, message = BROKEN[case]
    np.savez(tmp_path / "good.npz", **arrays())
    write(tmp_path / "bad.npz")
    with refusal("array_files", case, f"{tmp_path}/", match=message):
        from_array_files(tmp_path / "good.npz", tmp_path / "bad.npz")


def test_other_endings_and_places_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", FULL)
    (tmp_path / "a.pt").write_bytes(b"PK")
    for name, message in (("a.pt", "ends in .pt; give"), ("b.npz", "does not exist"), (".", "is a folder")):
        with pytest.raises(ValueError, match=message):
            from_array_files(tmp_path / "a.npy", tmp_path / name)


def test_npy_of_version_3_and_bad_magic_are_refused(tmp_path):
    for content in (
        b"\x93NUMPY\x03\x00" + bytes(40),
        b"\x93NUMPX\x01\x00" + bytes(40),
        header((1, 1, 2), body=bytes(8)) + b"more",
    ):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(ValueError, match=r"a.npy: not a whole .npy file of numbers"):
            from_array_files(tmp_path / "a.npy", tmp_path / "a.npy")


# -- What the libraries return -------------------------------------------------------------------------------------


def test_layers_are_stacked_at_the_last_prompt_token():
    blocks = [RNG.normal(size=(N, 6, D)) for _ in range(L)]
    stacked = stack_layers(blocks)
    assert stacked.shape == (N, L, D)
    assert np.array_equal(stacked[:, 1], blocks[1][:, -1])
    ends = [2, 5, 3, 0, 1]
    by_end = stack_layers([(block, None) for block in blocks], ends)
    assert all(np.array_equal(by_end[n, layer], blocks[layer][n, ends[n]]) for n in range(N) for layer in range(L))
    assert np.array_equal(stack_layers([block[:, 0] for block in blocks]), stack_layers(blocks, 0))


@pytest.mark.parametrize(
    ("blocks", "position", "message"),
    [
        ([], -1, "layers have the shapes"),
        ([np.zeros((2, 3, 4)), np.zeros((2, 3, 5))], -1, "layers have the shapes"),
        ([np.zeros(3)], -1, "layers have the shapes"),
        ([np.zeros((2, 3, 4))], 3, "give whole numbers below the 3 tokens"),
        ([np.zeros((2, 3, 4))], [0.5, 1], "give whole numbers below"),
    ],
)
def test_layers_that_do_not_fit_are_named(blocks, position, message):
    with pytest.raises(ValueError, match=message):
        stack_layers(blocks, position)


def test_the_embedding_and_the_middles_of_blocks_are_left_out():
    labels = ["0_pre", "0_mid", "1_pre", "1_mid", "2_pre", "2_mid", "final_post"]
    stack = RNG.normal(size=(len(labels), N, D))
    assert np.array_equal(transformer_lens_layers(stack, labels), stack[[2, 4, 6]].transpose(1, 0, 2))
    with pytest.raises(ValueError, match="give the whole stack, up to 'final_post'"):
        transformer_lens_layers(stack[:-1], labels[:-1])
    with pytest.raises(ValueError, match="labels names 7 entries of a stack of 6"):
        transformer_lens_layers(stack[:-1], labels)


def test_translator_l_reads_the_stream_after_block_l():
    hidden = [RNG.normal(size=(N, 4, D)) for _ in range(L + 1)]
    logits = RNG.normal(size=(N, 4, V))
    seen = []

    def lens(stream, idx):
        seen.append(idx)
        return stream @ HEAD["unembed"].T * (idx + 1)

    found = tuned_lens_logits(lens, hidden, logits, IDS[0], position=2)
    assert seen == [1, 2]
    assert found.shape == (N, L, K)
    np.testing.assert_allclose(found[:, 1], (hidden[2][:, 2] @ HEAD["unembed"].T * 3)[:, IDS[0]])
    assert np.array_equal(found[:, 2], logits[:, 2][:, IDS[0]])
    assert np.array_equal(from_arrays(found.astype("f"), found.astype("f"), IDS[0]).plm_logits, found.astype("f"))


def test_what_is_no_array_is_named():
    with pytest.raises(ValueError, match="plm is an array of object"):
        from_arrays(SimpleNamespace(), FULL, IDS)
