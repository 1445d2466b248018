"""What longer fuzzing has found: text shared by many rows inside of lists, and cases that were not their number."""

from __future__ import annotations

import json
import random
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz_loaders_kit import array_files

from dualalign.models.folder import check_folder
from dualalign.questions import load_file, schema


def test_options_that_share_one_long_text_are_not_spelled_out(tmp_path):
    """A dictionary within a list: Arrow counts the text once, Python would hold it for every option."""
    path, n = tmp_path / "q.parquet", 600
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2 * n, np.int32)), pa.array(["x" * 2**19]))
    options = pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * n + 1, 2, dtype=np.int32)), text)
    pq.write_table(pa.table({"id": np.arange(n), "question": ["a"] * n, "options": options}), path, compression="zstd")
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match=r"q\.parquet: .*spells out more than 256 MiB of text"):
        load_file(path)


def test_long_texts_are_looked_through_without_a_step_of_python_a_character():
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        schema.question_from_row({"id": "a", "question": "x" * 10**6, "options": ["a", "b"]}, "here")
    finally:
        sys.setprofile(None)
    assert steps < 1000
    with pytest.raises(ValueError, match="half a character"):
        schema.question_from_row({"id": "a", "question": "x\udfff", "options": ["a", "b"]}, "here")


@pytest.mark.parametrize("seed", range(12))
def test_valid_arrays_are_the_same_bytes_again(seed):
    assert array_files(random.Random(seed)) == array_files(random.Random(seed))


@pytest.mark.parametrize("name", ["a\nb.safetensors", "\u2028", "\x85\r"])
def test_a_file_of_weights_whose_name_breaks_lines_is_told_in_one(tmp_path, name):
    for file, content in {"config.json": {}, "model.safetensors.index.json": {"weight_map": {"a": name}}}.items():
        (tmp_path / file).write_text(json.dumps(content))
    (tmp_path / "b.safetensors").touch()
    with pytest.raises(ValueError, match=r"lacks .*one of 1 files of weights") as caught:
        check_folder(tmp_path)
    assert len(str(caught.value).splitlines()) == 1
