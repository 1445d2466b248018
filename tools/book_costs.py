"""What a rerun costs, on the pages: a line below each chapter's box, and a table of all (``{costs}``).

The numbers are read from book/costs.json, which tools/costs.py measures.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

TOTAL = "all of them"


def setup(app):
    app.add_directive("costs", Costs)
    app.connect("builder-inited", read)
    app.connect("doctree-read", add_line)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def read(app):
    path = Path(app.srcdir) / "costs.json"
    empty = {"machine": {"cores": 0, "python": ""}, "notebooks": {}}
    app.costs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else empty


def line(cost: dict, machine: dict) -> str:
    """Say what one page costs: whole seconds, memory rounded up to ten megabytes."""
    return f"To rerun: {seconds(cost)} s and {memory(cost)} MB on {where(machine)}"


def seconds(cost: dict) -> int:
    return math.ceil(cost["wall_s"])


def memory(cost: dict) -> int:
    return math.ceil(cost["memory_mb"] / 10) * 10


def where(machine: dict) -> str:
    cores = {1: "one core", 2: "two cores", 4: "four cores"}.get(machine["cores"], f"{machine['cores']} cores")
    return f"{cores} (Python {'.'.join(machine['python'].split('.')[:2])})"


def add_line(app, doctree):
    """Put the line after the first table of a page that was measured: its box."""
    cost = app.costs["notebooks"].get(app.env.docname)
    box = next(iter(doctree.findall(nodes.table)), None)
    if cost and box:
        text = line(cost, app.costs["machine"])
        box.parent.insert(box.parent.index(box) + 1, nodes.paragraph("", text, classes=["rerun-cost"]))


class Costs(Directive):
    """A table of every measured notebook with a link to its page, and their sum."""

    def run(self):
        env = self.state.document.settings.env
        costs = env.app.costs
        rows = [self.row(name, cost) for name, cost in costs["notebooks"].items()]
        cells = list(costs["notebooks"].values())
        if not cells:
            return [nodes.paragraph("", "Nothing is measured yet: tools/costs.py does it.")]
        total = {"wall_s": sum(c["wall_s"] for c in cells), "memory_mb": max(c["memory_mb"] for c in cells)}
        rows.append(f"| **{TOTAL}** | {seconds(total)} | {memory(total)} |")
        caption = f"Measured on {where(costs['machine'])}, one notebook after the other."
        text = ["| notebook | seconds | peak memory, MB |", "|---|---:|---:|", *rows, "", caption]
        return self.parse("\n".join(text))

    def row(self, name: str, cost: dict) -> str:
        return f"| {{doc}}`{name.rpartition('/')[2]} </{name}>` | {seconds(cost)} | {memory(cost)} |"

    def parse(self, text: str) -> list[nodes.Node]:
        holder = nodes.Element()
        self.state.nested_parse(text.splitlines(), self.content_offset, holder)
        return holder.children
