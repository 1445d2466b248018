"""Fits in blocks: the temperatures of fits in memory, whatever the blocks, in memory that no depth of layers sets."""

from __future__ import annotations

import json
import math
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualalign import METHODS, Traces, drift
from dualalign.calibrators.objective import ProcessPart
from dualalign.calibrators.streaming import LAST_LAYER, STREAMED, StreamedProcess, fit_stream
from dualalign.traces.stream import TraceStream


@pytest.fixture(scope="module")
def stored(random_traces, tmp_path_factory):
    """A trace in memory, and its file in blocks of about ten questions."""
    traces = random_traces(73, (4, 6), 5, seed=4, padded=True)
    path = tmp_path_factory.mktemp("t") / "t.safetensors"
    traces.save(path)
    return traces, lambda: TraceStream(path, block_bytes=10 * 4 * 10 * 5)


def test_blocks_are_the_rows_in_order(stored):
    traces, stream = stored
    parts = [block for _, block in stream().blocks()]
    assert len(parts) > 5
    whole = Traces.concat(parts)
    for name in ("plm_logits", "polm_logits", "labels", "n_options"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(traces, name))
    assert (whole.question_ids, whole.groups) == (traces.question_ids, traces.groups)
    np.testing.assert_array_equal(stream().last_layer().polm_final, traces.polm_final)


@pytest.mark.parametrize("name", STREAMED)
def test_a_streamed_fit_is_the_fit_in_memory(stored, name):
    traces, stream = stored
    whole, blocks = METHODS[name]().fit(traces), fit_stream(METHODS[name](), stream())
    assert blocks.temperature_ == pytest.approx(whole.temperature_, rel=1e-12)
    assert blocks.objective_ == pytest.approx(whole.objective_, rel=1e-12, nan_ok=True)
    assert (blocks.n_fit_, blocks.reason_) == (whole.n_fit_, whole.reason_)
    np.testing.assert_allclose(blocks.confidence(traces), whole.confidence(traces), rtol=1e-12)


@settings(max_examples=40)
@given(
    n=st.integers(2, 40),
    rows=st.integers(1, 9),
    options=st.fixed_dictionaries(
        {
            "aggregate": st.sampled_from(drift.AGGREGATES),
            "tempered": st.sampled_from(drift.TEMPERED),
            "peak": st.sampled_from(drift.PEAK_RULES),
            "process": st.sampled_from(("squared-gap", "per-layer")),
            "weight": st.sampled_from(("jsd", "tv", "hard", 0.3)),
            "base": st.sampled_from(("e", "2")),
        }
    ),
)
def test_whatever_the_blocks_and_the_readings(random_traces, tmp_path_factory, n, rows, options):
    traces = random_traces(n, 3, 3, seed=n)
    path = tmp_path_factory.mktemp("t") / "t"
    traces.save(path)
    stream = TraceStream(path, block_bytes=rows * 2 * 3 * 3 * 4)
    assert stream.rows == rows
    whole, blocks = METHODS["dual-align"](**options).fit(traces), fit_stream(METHODS["dual-align"](**options), stream)
    if np.isfinite(whole.temperature_):
        assert blocks.temperature_ == pytest.approx(whole.temperature_, rel=1e-6)
    assert blocks.objective_ == pytest.approx(whole.objective_, rel=1e-12, abs=1e-15)
    assert np.isinf(blocks.temperature_) == np.isinf(whole.temperature_)


def test_passes_are_few(stored):
    stream = stored[1]()
    fit_stream(METHODS["dual-align"](), stream)
    assert stream.passes <= 15  # the last layer, the grid, its turning points and a search in one valley
    stream = stored[1]()
    for name in LAST_LAYER:  # the last layer is read once for all of them
        fit_stream(METHODS[name](), stream)
    assert stream.passes == 1


def test_memory_does_not_grow_with_the_layers(random_traces, tmp_path):
    def peak(layers: int) -> int:
        random_traces(1500, layers, 4).save(tmp_path / str(layers))
        stream = TraceStream(tmp_path / str(layers), block_bytes=1 << 16)
        tracemalloc.start()
        fit_stream(METHODS["process-only"](), stream)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(48) < 1.5 * peak(6)


def test_what_cannot_be_streamed_says_so(stored):
    rest = [name for name in METHODS if name not in STREAMED]
    assert set(rest) == {"contextual", "pride", "cape"}
    words = f"^cape needs the whole trace in memory; leave out --stream, or take one of {', '.join(STREAMED)}$"
    with pytest.raises(ValueError, match=words):
        fit_stream(METHODS["cape"](), stored[1]())
    assert set(LAST_LAYER) < set(STREAMED)


def test_a_file_that_is_no_trace_is_one_line(stored, tmp_path, random_traces):
    def refused(match, name):
        with pytest.raises(ValueError, match=match) as e:
            for _ in TraceStream(tmp_path / name, block_bytes=400).blocks():
                pass
        assert str(e.value).startswith(f"{tmp_path / name}: ")
        assert "\n" not in str(e.value)

    refused("does not exist, or is no file", "none")
    (tmp_path / "text").write_text("no trace")
    refused("not a whole safetensors file", "text")
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros((2, 2))}, tmp_path / "other")
    refused("not a trace file: no schema in its metadata", "other")
    bad = random_traces(30, 3, 4)
    bad.save(tmp_path / "nan")
    content = bytearray((tmp_path / "nan").read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()  # the last logit of the last question
    (tmp_path / "nan").write_bytes(content)
    refused(r"rows \d+ to 29: polm_logits is nan at question", "nan")
    fewer = replace(bad, question_ids=tuple("ab") + bad.question_ids[2:])
    fewer.save(tmp_path / "fine")
    assert len(TraceStream(tmp_path / "fine")) == 30


def relabelled(raw: bytes, name: str, dtype: str, size: int, shape: tuple[int, ...]) -> bytes:
    """The file with one tensor of another type or shape, its bytes laid out anew, so that the header is sound."""
    (length,) = struct.unpack("<Q", raw[:8])
    header, body, data = json.loads(raw[8 : 8 + length]), raw[8 + length :], b""
    for key, entry in header.items():
        if key != "__metadata__":
            part = body[slice(*entry["data_offsets"])]
            if key == name:
                entry |= {"dtype": dtype, "shape": list(shape)}
                part = (part * 100)[: size * math.prod(shape)]
            entry["data_offsets"] = [len(data), len(data) + len(part)]
            data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize("name", ["labels", "n_options", "plm_logits", "polm_logits"])
@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("U8", 1), ("F64", 8)])
def test_a_type_that_a_trace_has_not_is_one_line(random_traces, tmp_path, name, dtype, size):
    path = tmp_path / "t"
    random_traces(12, 3, 4).save(path)
    shape = (12,) if name in ("labels", "n_options") else (12, 3, 4)
    path.write_bytes(relabelled(path.read_bytes(), name, dtype, size, shape))
    with pytest.raises(ValueError, match=str(path)) as error:
        TraceStream(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(), (12,), (36, 4), (6, 6, 4), (1, 12, 3, 4)])
@pytest.mark.parametrize("name", ["labels", "n_options", "plm_logits", "polm_logits"])
def test_a_shape_that_a_trace_has_not_is_one_line(random_traces, tmp_path, name, shape):
    path, whole = tmp_path / "t", name in ("plm_logits", "polm_logits")
    if shape == (12,) and not whole:
        shape = (12, 1)
    random_traces(12, 3, 4).save(path)
    raw = path.read_bytes()
    path.write_bytes(relabelled(raw, name, *(("F32", 4) if whole else ("I64", 8)), shape))
    with pytest.raises(ValueError, match=r"_logits has shape|labels has shape|n_options has shape"):
        fit_stream(METHODS["daca"](), TraceStream(path))


def test_fewer_orders_than_questions_are_not_filled_up_with_the_bytes_behind_them(random_traces, tmp_path):
    path = tmp_path / "t"
    traces = random_traces(12, 3, 4)
    replace(traces, order=np.tile(np.arange(4), (12, 1))).save(path)
    path.write_bytes(relabelled(path.read_bytes(), "order", "I64", 8, (6, 4)))
    with pytest.raises(ValueError, match=r"order has shape \(6, 4\); give one row a question"):
        TraceStream(path)


@pytest.fixture
def stream(random_traces, tmp_path):
    traces = random_traces(23, 5, 4, seed=3)
    traces.save(tmp_path / "t")
    return traces, lambda: TraceStream(tmp_path / "t", block_bytes=4 * 4 * 2 * 5 * 4)


@pytest.mark.parametrize("name", ["process-only", "dual-align"])
@pytest.mark.parametrize("weight", ["hard", 0.0, 0.4])
def test_a_streamed_fit_counts_as_the_one_in_memory(stream, name, weight):
    traces, opened = stream
    whole = METHODS[name](weight=weight).fit(traces)
    blocks = fit_stream(METHODS[name](weight=weight), opened())
    assert blocks.n_fit_ == whole.n_fit_
    assert blocks.temperature_ == pytest.approx(whole.temperature_, rel=1e-9)
    assert blocks.reason_ == whole.reason_


@pytest.mark.parametrize("kl", ["plm-first", "polm-first"])
def test_a_streamed_fit_reads_every_option(stream, kl):
    traces, opened = stream
    options = {"aggregate": "sum-entropy", "tempered": "last", "peak": "max-divergence", "weight": "tv", "base": "2"}
    for method in (METHODS["process-only"](**options), METHODS["dual-align"](**options, kl=kl)):
        whole, blocks = replace(method).fit(traces), fit_stream(method, opened())
        assert blocks.temperature_ == pytest.approx(whole.temperature_, rel=1e-9)
        assert blocks.objective_ == pytest.approx(whole.objective_, rel=1e-12)
    layered = METHODS["process-only"](process="per-layer", peak="max-rise")
    assert fit_stream(layered, opened()).objective_ == pytest.approx(replace(layered).fit(traces).objective_, rel=1e-12)


def test_a_stream_of_one_question_is_refused_and_of_two_is_fitted(random_traces, tmp_path):
    traces = random_traces(2, 5, 4)
    traces.select([0]).save(tmp_path / "one")
    with pytest.raises(ValueError, match=r"^traces holds 1 question; dual-align needs at least 2$"):
        fit_stream(METHODS["dual-align"](), TraceStream(tmp_path / "one"))
    traces.save(tmp_path / "two")
    assert fit_stream(METHODS["dual-align"](), TraceStream(tmp_path / "two")).n_fit_ == 2


def test_temperatures_of_the_grid_cost_one_pass_in_all(stream):
    traces, opened = stream
    source, weight = opened(), np.linspace(0, 1, 23)
    process, whole = StreamedProcess(METHODS["process-only"](), source, weight), ProcessPart(traces, weight)
    for beta in process.grid:
        assert process(beta) == pytest.approx(whole(beta), rel=1e-12)
    assert source.passes == 1
    assert process(0.123) == pytest.approx(whole(0.123), rel=1e-12)
    assert process(0.123) == process(0.123)
    assert source.passes == 2
    fresh = StreamedProcess(METHODS["process-only"](), opened(), weight)
    assert fresh(0.123) == pytest.approx(whole(0.123), rel=1e-12)  # off the grid, asked first
    assert set(fresh.known) == {*process.grid, 0.123}


@pytest.mark.parametrize("name", STREAMED)
def test_too_few_questions_are_refused_in_the_words_of_a_fit_in_memory(random_traces, tmp_path, name):
    traces = random_traces(1, 3, 4)
    traces.save(tmp_path / "t")

    def refusal(fit) -> str:
        try:
            fit()
        except ValueError as error:
            return str(error)
        return "took it"

    whole = refusal(lambda: METHODS[name]().fit(traces))
    assert refusal(lambda: fit_stream(METHODS[name](), TraceStream(tmp_path / "t"))) == whole
