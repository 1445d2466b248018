"""The landing page: its figure starts at T = 1, its list is the table of contents, with the minutes of each box."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("yaml")
from book_landing import minutes, parts, slider
from book_terms import ROOT, page_order

TRACE = ROOT / "data" / "traces" / "sft4__arc-easy__choices.safetensors"


def test_the_figure_starts_uncalibrated_and_needs_no_script_to_be_seen():
    html = slider(TRACE)
    numbers = {name: float(value) for name, value in re.findall(r'data-text="(t|confidence|accuracy)">([\d.]+)<', html)}
    assert numbers["t"] == 1
    assert numbers["confidence"] > numbers["accuracy"] + 0.1
    assert "<circle" in html.split("<script>")[0]
    assert "Dual-Align, no labels" in html


def test_parts_hold_every_page_but_the_first():
    assert ["index", *(page for _, pages in parts() for page in pages)] == page_order()


def test_minutes_are_those_of_the_box(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.py").write_text("# %% [markdown]\n# # A\n#\n# | **Time** | 25 minutes |\n")
    assert minutes("notebooks/a", tmp_path) == 25
    assert minutes("notebooks/b", tmp_path) is None
