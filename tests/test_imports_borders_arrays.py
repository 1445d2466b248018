"""Arrays and their files at the borders of what is taken: defaults, last allowed values, every refusal."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from messages_kit import refusal
from safetensors.numpy import save_file
from test_imports_arrays import FULL, HEAD, IDS, STREAM, D, K, L, N, V, header, picked

from dualalign.questions import Question
from dualalign.questions import save_file as save_questions
from dualalign.traces.imports import (
    Unembedding,
    arrays,
    from_array_files,
    from_arrays,
    stack_layers,
    transformer_lens_layers,
    tuned_lens_logits,
)
from dualalign.traces.imports.numpy_files import read_arrays

# -- Arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("numbers", "sizes"), [(2**24, [64, 64, 2]), (3 * K * D, [3] * 43 + [1]), (1, [1] * 130)])
def test_parts_of_an_unembedding_hold_so_many_questions(numbers, sizes, monkeypatch):
    found, some = [], Unembedding._some
    monkeypatch.setattr(arrays, "_NUMBERS", numbers)
    monkeypatch.setattr(Unembedding, "_some", lambda self, x, ids: found.append(len(x)) or some(self, x, ids))
    head, ids = Unembedding(HEAD["unembed"]), np.tile(IDS, (26, 1))
    assert head(np.tile(STREAM, (26, 1, 1)), ids).shape == (130, L, K)
    assert found == sizes
    nothing = head(STREAM[:0], IDS[:0])
    assert (nothing.shape, nothing.dtype) == ((0, L, K), np.float32)


def test_a_norm_has_its_epsilon_and_a_bias_is_each_tokens_own():
    stream = (STREAM * 1e-4).astype(np.float32)
    x = stream.astype(float)
    rms = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    head = Unembedding(HEAD["unembed"], HEAD["unembed_bias"], np.ones(D), logit_scale=3.0)
    expected = 3 * (rms @ HEAD["unembed"].T.astype(float) + HEAD["unembed_bias"])
    np.testing.assert_allclose(head(stream, IDS[[0] * N]), expected[:, :, IDS[0]], atol=1e-5)
    double = Unembedding(
        *(HEAD[name].astype(float) for name in ("unembed", "unembed_bias", "norm_weight", "norm_bias"))
    )
    assert double(STREAM.astype(float), IDS).dtype == np.float32


def test_what_is_given_is_kept_and_the_rest_has_defaults():
    given = {"labels": [0, 1, 0, -1, 3], "n_options": COUNTS, "question_ids": list("abcde"), "groups": list("xxyyz")}
    traces = from_arrays(picked(FULL).astype(float), picked(FULL), **given, metadata={"plm": "g", "created_by": "me"})
    assert traces.labels.tolist() == given["labels"]
    assert traces.n_options.tolist() == COUNTS
    assert (traces.question_ids, traces.groups) == (tuple("abcde"), tuple("xxyyz"))
    assert (traces.metadata["plm"], traces.metadata["created_by"]) == ("g", "me")
    bare = from_arrays(picked(FULL), FULL, IDS)
    assert (bare.labels.tolist(), bare.groups, bare.question_ids) == ([-1] * N, (), tuple("01234"))
    assert bare.metadata.keys() == {"created_by", "schema"}
    assert bare.metadata["created_by"].startswith("dualalign ")


COUNTS = (IDS >= 0).sum(axis=1).tolist()


def test_as_many_options_as_a_question_may_have():
    wide = np.zeros((1, 1, 256), np.float32)
    assert from_arrays(wide, wide).n_options.tolist() == [256]
    assert from_arrays(wide, wide, np.arange(256)).n_options.tolist() == [256]
    full = np.zeros((1, 1, 300), np.float32)
    assert from_arrays(full, full, [298, 299]).n_options.tolist() == [2]


def no_numbers(**names):
    return lambda: from_arrays(FULL, FULL, IDS, **names)


WRONG_ARRAYS = {
    "polm of two axes": lambda: from_arrays(FULL, FULL[0], IDS[0]),
    "polm of whole numbers": lambda: from_arrays(FULL, FULL.astype(int), IDS),
    "plm without axes": lambda: from_arrays(np.float32(1), FULL),
    "polm of text": lambda: from_arrays(FULL, FULL.astype(str), IDS),
    "a token past polm's vocabulary": lambda: from_arrays(FULL, FULL[:, :, :19], IDS),
    "257 columns": lambda: from_arrays(np.zeros((1, 1, 257), "f"), FULL),
    "257 tokens": lambda: from_arrays(FULL, FULL, np.arange(257)),
    "tokens in three axes": lambda: from_arrays(FULL, FULL, IDS[:, :, None]),
    "one token for all": lambda: from_arrays(FULL, FULL, [3]),
    "a token beyond 2^31": lambda: from_arrays(FULL, FULL, [3, 2**31 + 1]),
    "a token of 2^31": lambda: from_arrays(FULL, FULL, [3, 2**31]),
    "a token for the last two options": lambda: from_arrays(FULL, FULL, [0, 3, 3]),
    "a token for two options": lambda: from_arrays(FULL, FULL, [0, 3, 0]),
    "tokens of text": lambda: from_arrays(FULL, FULL, ["a", "b"]),
    "a gap in the ids": lambda: from_arrays(FULL, FULL, [[1, 2]] * 3 + [[-1, 4]] * 2),
    "a gap in the logits": lambda: from_arrays(*[np.where(np.arange(4) == 1, -np.inf, picked(FULL)[:1])] * 2),
    "counts in two axes": no_numbers(n_options=np.full((N, 1), 4)),
    "counts of floats": no_numbers(n_options=np.full(N, 4.0)),
    "counts of text": no_numbers(n_options=["4"] * N),
    "labels of floats": no_numbers(labels=np.zeros(N)),
    "labels of text": no_numbers(labels=["a"] * N),
    "a head of one axis": lambda: from_arrays(STREAM, FULL, IDS, plm_head=Unembedding(np.ones(D))),
    "polm's head of another width": lambda: from_arrays(
        FULL, STREAM, IDS, polm_head=Unembedding(HEAD["unembed"][:, 1:])
    ),
    "a bias of another length": lambda: from_arrays(
        STREAM, FULL, IDS, plm_head=Unembedding(HEAD["unembed"], np.ones(D))
    ),
    "a norm's bias of another width": lambda: from_arrays(
        STREAM, FULL, IDS, plm_head=Unembedding(HEAD["unembed"], None, np.ones(D), np.ones(V))
    ),
    "a head of text": lambda: Unembedding(np.array([["a"]])),
    "a norm of text": lambda: Unembedding(HEAD["unembed"], norm_weight=["a"]),
    "a token past the head's": lambda: from_arrays(STREAM, FULL, IDS, plm_head=Unembedding(HEAD["unembed"][:19])),
    "a token past the head's in row 3": lambda: from_arrays(STREAM, FULL, [[0, 1]] * 3 + [[0, 99]] * 2),
    "a row of tokens too few": lambda: from_arrays(STREAM, FULL, IDS[1:], plm_head=Unembedding(HEAD["unembed"])),
    "a stack of text": lambda: transformer_lens_layers(np.array(["a"]), ["final_post"]),
    "labels of another stack": lambda: transformer_lens_layers(np.zeros((5, 2, 3)), ["a", "b", "c", "d", "e"]),
    "fewer labels": lambda: transformer_lens_layers(np.zeros((2, 2, 3)), ["final_post"]),
    "a layer of text": lambda: stack_layers([np.zeros((2, 3)), np.array(["a"])]),
    "layers of four shapes": lambda: stack_layers([np.zeros((i, 3)) for i in (1, 2, 3, 4)]),
    "layers of four axes": lambda: stack_layers([np.zeros((1, 2, 3, 4))]),
    "a position before the start": lambda: stack_layers([np.zeros((2, 3, 4))], [-4, 0]),
    "a lens that says nothing": lambda: tuned_lens_logits(
        lambda *_: ["a"], [np.zeros((2, 3, 4))] * 3, np.zeros((2, 3, 9)), [0, 1]
    ),
}


@pytest.mark.parametrize("case", WRONG_ARRAYS)
def test_arrays_that_do_not_fit_are_told_word_by_word(case):
    with refusal("arrays_more", case):
        WRONG_ARRAYS[case]()


def test_positions_count_from_either_end():
    blocks = [np.arange(24.0).reshape(2, 3, 4) + 100 * i for i in range(2)]
    for given, own in ((-3, [0, 0]), (2, [2, 2]), ([-3, 2], [0, 2]), (np.uint8(1), [1, 1])):
        expected = np.stack([block[[0, 1], own] for block in blocks], axis=1)
        assert np.array_equal(stack_layers(blocks, given), expected)
        stack = np.stack([blocks[0] * 0, *blocks])
        assert np.array_equal(transformer_lens_layers(stack, ["0_pre", "1_pre", "final_post"], given), expected)


def test_an_option_that_is_not_there_reads_the_first_token():
    hidden, logits = [np.arange(6.0).reshape(1, 2, 3)] * 3, np.arange(10.0, 18.0).reshape(1, 2, 4)
    found = tuned_lens_logits(lambda x, idx: x * 2, hidden, logits, [[2, 1, -1]])
    assert found.tolist() == [[[10.0, 8.0, 6.0], [16.0, 15.0, 14.0]]]


# -- Files of arrays -------------------------------------------------------------------------------------------------


def test_questions_of_a_file_give_ids_labels_and_groups(tmp_path):
    np.savez(tmp_path / "g.npz", logits=FULL, option_ids=IDS, labels=np.ones(N, int), groups=np.array(["old"] * N))
    asked = [Question(f"q{i}", "?", ("a", "b"), None if i == 2 else i % 2, "") for i in range(N)]
    save_questions(asked, tmp_path / "asked.jsonl")
    traces = from_array_files(tmp_path / "g.npz", tmp_path / "g.npz", questions=tmp_path / "asked.jsonl", polm_name="p")
    assert traces.question_ids == tuple(f"q{i}" for i in range(N))
    assert (traces.labels.tolist(), traces.groups) == ([0, 1, -1, 1, 0], ())
    said = {key: traces.metadata[key] for key in ("plm", "polm", "questions", "imported")}
    assert said == {"plm": "g.npz", "polm": "p", "questions": "asked.jsonl", "imported": "arrays: g.npz / g.npz"}
    assert from_array_files(tmp_path / "g.npz", tmp_path / "g.npz", questions=asked).metadata["questions"] == ""
    assert from_array_files(tmp_path / "g.npz", tmp_path / "g.npz").groups == ("old",) * N
    assert from_array_files(tmp_path / "g.npz", tmp_path / "g.npz").metadata["questions"] == ""


def test_what_describes_the_questions_may_stand_in_the_second_file(tmp_path):
    np.savez(tmp_path / "g.npz", logits=picked(FULL))
    np.savez(
        tmp_path / "f.npz", logits=picked(FULL), n_options=COUNTS, question_ids=np.arange(N), labels=np.zeros(N, int)
    )
    traces = from_array_files(tmp_path / "g.npz", tmp_path / "f.npz")
    assert (traces.question_ids, traces.labels.tolist()) == (tuple("01234"), [0] * N)
    assert traces.n_options.tolist() == COUNTS


def test_a_stream_that_was_normed_needs_its_unembedding_alone(tmp_path):
    np.savez(tmp_path / "g.npz", residual=STREAM, unembed=HEAD["unembed"])
    np.save(tmp_path / "ids.npy", IDS[0])
    np.savez(tmp_path / "ids.npz", option_ids=IDS[0])
    for ids in ("ids.npy", "ids.npz"):
        traces = from_array_files(tmp_path / "g.npz", tmp_path / "g.npz", tmp_path / ids)
        np.testing.assert_allclose(traces.plm_logits, (STREAM @ HEAD["unembed"].T)[:, :, IDS[0]], atol=1e-5)


def npz(path, **more):
    np.savez(
        path,
        **{name: value for name, value in {"logits": FULL, "option_ids": IDS, **more}.items() if value is not None},
    )


def members(*contents: bytes, more: int = 0):
    """Write an archive of members of one long name, that says of the first that it has so many bytes more."""

    def write(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for content in contents:
                archive.writestr("x" * 99 + ".npy", content)
            archive.filelist[0].file_size += more

    return write


WRONG_FILES = {
    "a long name of too many bytes": members(header((1, 1, 4), body=bytes(8))),
    "a long name that ends early": members(header((1, 1, 4), body=bytes(8)), more=8),
    "a long name of version 3": members(b"\x93NUMPY\x03\x00" + bytes(40)),
    "two long names alike": members(header((0,)), header((0,))),
    "a long name": lambda path: npz(path, **{"x" * 99: FULL}),
    "two unknown names": lambda path: npz(path, zzz=FULL, aaa=FULL),
    "a norm's mean of two": lambda path: npz(path, norm_mean=np.ones(2)),
    "groups in two axes": lambda path: npz(path, groups=np.ones((N, 1), int)),
    "ids alike": lambda path: npz(path, question_ids=np.array([0, 1, 2, 3, 1])),
    "no axes": lambda path: npz(path, logits=np.float32(1)),
    "logits of two axes": lambda path: npz(path, logits=FULL[0]),
    "booleans": lambda path: npz(path, logits=FULL > 0),
    "a member with a long name": lambda path: npz(path, **{"x" * 99: np.array([None])}),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_file_of_arrays_is_refused_word_by_word(case, tmp_path):
    npz(tmp_path / "good.npz")
    WRONG_FILES[case](tmp_path / "bad.npz")
    with refusal("array_files_more", case, f"{tmp_path}/", match=r"bad\.npz"):
        from_array_files(tmp_path / "good.npz", tmp_path / "bad.npz")


WRONG_CALLS = {
    "questions for no axes": lambda folder: from_array_files(folder / "none.npz", folder / "g.npz", questions=ASKED),
    "a question less": lambda folder: from_array_files(folder / "g.npz", folder / "g.npz", questions=ASKED[1:]),
    "tokens that are none": lambda folder: from_array_files(folder / "g.npz", folder / "g.npz", folder / "g.npz"),
    "no file": lambda folder: from_array_files(folder / "g.npz", folder / "absent.npz"),
    "a file of too few bytes": lambda folder: read_arrays(folder / "short.npy"),
    "another ending": lambda folder: read_arrays(folder / "x.abcdefghijklmnopqrstuvwxyz"),
    "no ending": lambda folder: read_arrays(folder / "x"),
    "ids that are no list": lambda folder: read_arrays(folder / "ids.safetensors"),
    "no ids at all": lambda folder: from_array_files(folder / "empty.safetensors", folder / "g.npz"),
}
ASKED = [Question(f"q{i}", "?", ("a", "b"), 0) for i in range(N)]


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_call_that_does_not_fit_is_told_word_by_word(case, tmp_path):
    np.savez(tmp_path / "g.npz", logits=picked(FULL))
    np.savez(tmp_path / "none.npz", logits=np.float32(1))
    (tmp_path / "short.npy").write_bytes(header((1, 1, 4), body=bytes(8)))
    for name in ("x", "x.abcdefghijklmnopqrstuvwxyz"):
        (tmp_path / name).write_bytes(b"PK")
    save_file({"logits": FULL}, tmp_path / "ids.safetensors", {"question_ids": "q0, q1"})
    save_file({"logits": picked(FULL)}, tmp_path / "empty.safetensors", {"question_ids": "[]"})
    with refusal("array_calls", case, f"{tmp_path}/"):
        WRONG_CALLS[case](tmp_path)


def test_endings_in_capitals_and_both_versions_of_numpys_format(tmp_path):
    for version in ((1, 0), (2, 0)):
        with (tmp_path / "A.NPY").open("wb") as file:
            np.lib.format.write_array(file, FULL.astype(">f4"), version=version)
        assert np.array_equal(read_arrays(tmp_path / "A.NPY")["logits"], FULL)
    with (tmp_path / "b.NPZ").open("wb") as file:
        np.savez(file, a=FULL, b=np.array(["x", "é"]), c=np.arange(3) > 1)
    found = read_arrays(tmp_path / "b.NPZ")
    assert found["b"].tolist() == ["x", "é"]
    assert found["c"].tolist() == [False, False, True]


@pytest.mark.parametrize(("n", "held"), [(0, True), (1, False)])
def test_a_compressed_file_may_hold_so_many_times_its_size(n, held, tmp_path):
    """819,200 bytes are 200 times 4096, and the file itself is smaller than that."""
    text = header((204_768 + n,), body=bytes(4 * (204_768 + n)))
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logits.npy", text)
    assert (tmp_path / "x.npz").stat().st_size < 4096
    assert len(text) == 819_200 + 4 * n
    if held:
        assert len(read_arrays(tmp_path / "x.npz")["logits"]) == 204_768
    else:
        with pytest.raises(ValueError, match="holds far more than its size allows"):
            read_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize("n", [64, 65])
def test_an_archive_has_at_most_64_members(n, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for i in range(n):
            archive.writestr(f"a{i}.npy", header((0,)))
    if n == 64:
        assert len(read_arrays(tmp_path / "x.npz")) == 64
    else:
        with pytest.raises(ValueError, match="65 members, expected at most 64"):
            read_arrays(tmp_path / "x.npz")
