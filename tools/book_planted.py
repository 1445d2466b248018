"""The tables of the page on checks (``{planted-faults}``): what was planted, which check found it and in what words.

They are made from tests/planted/faults.toml and book/planted.json, which tools/plant_faults.py writes.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from book_reproduced import code
from docutils import nodes
from docutils.parsers.rst import Directive
from plant_faults import LONGEST, RESULTS, Fault, read_faults

ROOT = Path(__file__).resolve().parent.parent


def setup(app):
    app.add_directive("planted-faults", PlantedFaults)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def lines(faults: list[Fault], stored: dict) -> list[str]:
    """Return the page's Markdown: how many were caught, then a table a part."""
    outcomes = {row["name"]: row for row in stored["faults"]}
    caught = sum(outcomes[fault.name]["caught"] for fault in faults)
    minutes = math.ceil(sum(row["seconds"] for row in outcomes.values()) / 60)
    python = ".".join(stored["python"].split(".")[:2])
    text = [
        f"**{caught} of {len(faults)} faults were caught**, in {minutes} minutes of one core (Python {python}).",
        "",
    ]
    for part in dict.fromkeys(fault.part for fault in faults):
        rows = [row(fault, outcomes[fault.name]) for fault in faults if fault.part == part]
        text += [f"**{part}**", "", "| planted | found by | in its words |", "|---|---|---|", *rows, ""]
    return text


def row(fault: Fault, outcome: dict) -> str:
    words = said(outcome["message"])
    shown = code(words) if words else "it fails" if outcome["caught"] else "**nothing: it got through**"
    return f"| {fault.what} | {check(fault)} | {shown} |"


def check(fault: Fault) -> str:
    """Return a tool with its arguments, or the sentence that a test's name is, and where it stands."""
    path, _, test = fault.check.partition("::test_")
    return f"{test.replace('_', ' ')} ({code(Path(path).name)})" if test else code(path)


def said(message: str) -> str:
    """Return what a check said; a test's own words follow its name, and may be none."""
    words = message.partition(" - ")[2] if message.startswith("FAILED") else message.removeprefix("E ")
    words = words.removeprefix("AssertionError:").strip()
    return "" if words == "assert False" else words + "…" * (len(message) == LONGEST)


class PlantedFaults(Directive):
    """The tables, or that nothing was planted yet."""

    def run(self):
        path = ROOT / RESULTS
        if not path.exists():
            return [nodes.paragraph("", "Nothing was planted yet: tools/plant_faults.py does it.")]
        holder = nodes.Element()
        text = lines(read_faults(), json.loads(path.read_text(encoding="utf-8")))
        self.state.nested_parse(text, self.content_offset, holder)
        return holder.children
