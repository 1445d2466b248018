"""glue stores what myst-nb's own would, without myst-nb, and plain numbers that a format accepts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

display_module = pytest.importorskip("IPython.display")
from dualalign.book import glue

MIME = "application/papermill.record/text/plain"


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(display_module, "display", lambda *args, **kwargs: calls.append((args[0], kwargs)))
    return calls


@pytest.mark.parametrize("value", [0.25, np.float64(0.25), np.float32(0.25), np.array(0.25)])
def test_scalars_are_stored_as_python_numbers(shown, value):
    glue("quarter", value)
    (data, options), *more = shown
    assert data == {MIME: "0.25"}
    assert not more
    assert options["raw"] is True
    assert options["metadata"]["scrapbook"] == {"name": "quarter", "mime_prefix": "application/papermill.record/"}


def test_integers_and_text(shown):
    glue("n", np.int64(1234))
    glue("word", "sft4")
    assert [data[MIME] for data, _ in shown] == ["1234", "'sft4'"]


def test_nan_is_refused_by_name():
    with pytest.raises(ValueError, match=r"glue\('ece'\): the value is NaN"):
        glue("ece", float("nan"))


def test_same_record_as_myst_nb(shown, monkeypatch):
    theirs = pytest.importorskip("myst_nb.ext.glue")
    monkeypatch.setattr(theirs, "ipy_display", lambda *args, **kwargs: shown.append((args[0], kwargs)))
    glue("x", 0.5)
    theirs.glue("x", 0.5, display=False)
    assert shown[0] == shown[1]


def test_importing_it_needs_neither_ipython_nor_myst_nb():
    code = "import sys, dualalign.book; print(sorted({'IPython', 'myst_nb', 'sphinx'} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
