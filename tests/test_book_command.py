"""`dualalign.book.command` shows what a command prints, in plain text, and stops the page where it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualalign.book import command

TRACE = Path(__file__).resolve().parent.parent / "data/pair/trace.safetensors"


def test_the_line_and_its_output_are_printed_plain(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    command("dualalign info trace.safetensors", TRACE.parent)
    shown = capsys.readouterr().out
    assert shown.startswith("$ dualalign info trace.safetensors\n")
    assert "1,000" in shown
    assert "\x1b" not in shown


def test_a_failure_stops_the_page_unless_it_is_wanted(capsys, tmp_path):
    with pytest.raises(ValueError, match="exit code 2; dualalign: none: does not exist"):
        command("dualalign info none", tmp_path)
    command("dualalign info none", tmp_path, fails=True)
    assert "does not exist" in capsys.readouterr().out
    with pytest.raises(ValueError, match="exit code 0"):
        command("dualalign --version", tmp_path, fails=True)
    with pytest.raises(ValueError, match="only dualalign is run"):
        command("rm -r x", tmp_path)
