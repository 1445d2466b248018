"""Trace files written piece by piece and joined: the bytes of `Traces.save`, and memory that does not grow with N."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import Traces
from dualalign.traces import writing
from dualalign.traces.stream import TraceStream
from dualalign.traces.writing import TraceFile, merge


def written(traces: Traces, path, parts: list[np.ndarray], dtype: str = "float32"):
    """Write a trace in parts of some rows each."""
    metadata = {k: v for k, v in traces.metadata.items() if k != "schema"}
    depths, k = (traces.plm_logits.shape[1], traces.n_layers), traces.mask.shape[1]
    permuted = traces.order is not None
    ids, groups = traces.question_ids, traces.groups
    with TraceFile(path, len(traces), k, depths, ids, groups, metadata, dtype, permuted) as file:
        for rows in parts:
            part = traces.select(rows)
            narrow = int(part.n_options.max())  # as a batch: no wider than its widest question
            order = None if part.order is None else part.order[:, :narrow]
            cut = Traces(part.plm_logits[..., :narrow], part.polm_logits[..., :narrow], part.labels, part.n_options,
                         part.question_ids, order=order)  # fmt: skip
            file.write(rows.tolist(), cut)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("layers", [5, (3, 5)])
def test_the_bytes_are_those_of_save(random_traces, tmp_path, dtype, layers):
    traces = random_traces(23, layers, 5, padded=True)
    rows = np.random.default_rng(0).permutation(23)
    written(traces, tmp_path / "parts", np.array_split(rows, 4), dtype)
    traces.save(tmp_path / "whole", dtype)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_orders_are_written_too(random_traces, tmp_path):
    from dataclasses import replace

    traces = random_traces(9, 2, 4, padded=True)
    order = np.where(traces.mask, np.arange(4), -1)
    traces = replace(traces, order=order)
    written(traces, tmp_path / "parts", [np.arange(9)[::-1]])
    traces.save(tmp_path / "whole")
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@given(st.data())
def test_whatever_the_parts(tmp_path_factory, random_traces, data):
    n = data.draw(st.integers(1, 12))
    traces = random_traces(n, data.draw(st.integers(1, 4)), data.draw(st.integers(2, 6)), padded=True)
    rows = np.array(data.draw(st.permutations(range(n))))
    cuts = sorted(data.draw(st.lists(st.integers(1, n), max_size=3, unique=True)))
    folder = tmp_path_factory.mktemp("t")
    written(traces, folder / "parts", [part for part in np.split(rows, cuts) if len(part)])
    traces.save(folder / "whole")
    assert (folder / "parts").read_bytes() == (folder / "whole").read_bytes()


def test_nothing_is_left_of_a_file_that_was_not_finished(random_traces, tmp_path):
    file = TraceFile(tmp_path / "t", 4, 4, (2, 2), list("abcd"), [], {})
    file.__enter__()
    file.write(range(2), random_traces(2, 2))
    assert [p.name for p in tmp_path.iterdir()] == [file.sibling.name]
    file.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not list(tmp_path.iterdir())


def test_a_part_of_another_depth_is_refused(random_traces, tmp_path):
    with (
        pytest.raises(ValueError, match=r"t: plm_logits of shape \(3, 4\) a question does not fit the others"),
        TraceFile(tmp_path / "t", 4, 4, (2, 2), list("abcd"), [], {}) as file,
    ):
        file.write(range(2), random_traces(2, 3))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_takes_no_file_is_one_line(random_traces, tmp_path):
    with pytest.raises(ValueError, match="does not exist; give a file name in an existing folder"):
        written(random_traces(2, 2), tmp_path / "no" / "t", [np.arange(2)])


def test_memory_does_not_grow_with_the_number_of_questions(random_traces, tmp_path):
    part = random_traces(50, 24, 4)

    def peak(n: int) -> int:
        tracemalloc.start()
        names = ["q"] * (50 * n)
        with TraceFile(tmp_path / str(n), 50 * n, 4, (24, 24), names, [], {}) as file:
            tracemalloc.reset_peak()
            for i in range(n):
                file.write(range(50 * i, 50 * i + 50), part)
            found = tracemalloc.get_traced_memory()[1] - tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return found

    assert peak(40) < 1.2 * peak(4)
    assert (tmp_path / "40").stat().st_size > 9 * (tmp_path / "4").stat().st_size


def parts_of(traces: Traces, tmp_path, *slices: slice):
    paths = []
    for i, rows in enumerate(slices):
        paths.append(tmp_path / f"{i}.safetensors")
        traces.select(rows).save(paths[-1])
    return paths


def test_merging_parts_gives_the_whole(random_traces, tmp_path):
    traces = random_traces(30, (3, 4), 5, padded=True)
    paths = parts_of(traces, tmp_path, slice(0, 11), slice(11, 12), slice(12, 30))
    traces.save(tmp_path / "whole")
    assert merge(paths, tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()


def test_merging_block_by_block_keeps_rows_and_orders(random_traces, tmp_path, monkeypatch):
    traces = random_traces(30, 3, 4)
    order = np.random.default_rng(1).permuted(np.tile(np.arange(4), (30, 1)), axis=1)
    traces = replace(traces, order=order, question_ids=tuple(f"q{i % 5}" for i in range(30)))
    paths = parts_of(traces, tmp_path, slice(0, 11), slice(11, 11), slice(11, 30))
    monkeypatch.setattr(writing, "TraceStream", partial(TraceStream, block_bytes=4 * 2 * 3 * 4 * 4))  # four rows each
    traces.save(tmp_path / "whole")
    assert merge(paths, tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()


def test_what_does_not_belong_together_is_not_merged(random_traces, tmp_path):
    traces = random_traces(6, 3)
    first, second = parts_of(traces, tmp_path, slice(0, 3), slice(2, 6))
    out = tmp_path / "out"

    def refused(match, *paths):
        with pytest.raises(ValueError, match=match) as caught:
            merge(paths, out)
        assert "\n" not in str(caught.value)
        assert not out.exists()

    refused("question 'q2' stands in two of the files", first, second)
    replace(traces, metadata=traces.metadata | {"polm": "other"}).save(tmp_path / "other")
    refused("other: polm is 'other', in the first file 'random-chat'", first, tmp_path / "other")
    random_traces(2, 4).save(tmp_path / "deep")
    refused("deep: layers or order differ from the first file", first, tmp_path / "deep")
    refused("paths is empty")
    with pytest.raises(ValueError, match="dtype is 'int9'; give 'float32' or 'float16'"):
        merge([first], out, "int9")
    with pytest.raises(ValueError, match="is also read here"):
        merge([first], first)
