"""The tables of the page on reproduction (``{reproduced}``): what other Pythons, versions and thread counts gave.

They are read from book/reproduced.json, which tools/reproduce.py writes, and from the recorded numbers.
"""

from __future__ import annotations

import json
from pathlib import Path

from book_costs import where
from docutils import nodes
from docutils.parsers.rst import Directive

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"lock": "the lock", "newest": "the newest"}


def setup(app):
    app.add_directive("reproduced", Reproduced)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def configurations(runs: dict[str, dict]) -> list[str]:
    """Return the table of what was run: a row a configuration."""
    head = "| Python | versions | threads | numbers | identical | beyond tolerance | figures moved |"
    rows = [
        f"| {run['versions']['python']} | {NAMES[run['packages']]} | {run['threads']} | {run['numbers']} "
        f"| {run['identical']} | {run['beyond']} | {len(run['figures']['moved'])} of {run['figures']['total']} |"
        for run in runs.values()
    ]
    return [head, "|---|---|---:|---:|---:|---:|---:|", *rows]


def worst(runs: dict[str, dict]) -> list[str]:
    """Return the table of the largest deviations, largest first; one that several configurations share, once."""
    places: dict[tuple, tuple[dict, list[str]]] = {}
    for run in runs.values():
        for row in run["worst"]:
            key = row["notebook"], row["key"], row["found"]
            places.setdefault(key, (row, []))[1].append(f"{setting(run)}, {run['threads']}")
    if not places:
        return ["Every number was identical in each of them."]
    ordered = sorted(places.values(), key=lambda place: place[0]["share"] or 0, reverse=True)
    ordered.sort(key=lambda place: place[0]["share"] is not None)  # another word or count comes first
    rows = [
        f"| {link(row['notebook'])} | {code(row['key'])} | {shown(row['value'])} | {off(row['value'], row['found'])} "
        f"| {share(row['share'])} | {'; '.join(where_)} |"
        for row, where_ in ordered
    ]
    head = "| notebook | number | recorded | off by | share of its tolerance | Python, versions, threads |"
    return [head, "|---|---|---:|---:|---:|---|", *rows]


def setting(run: dict) -> str:
    return f"{'.'.join(run['versions']['python'].split('.')[:2])}, {NAMES[run['packages']]}"


def link(notebook: str) -> str:
    """Return a link to a notebook's page, its name where it is gone."""
    return f"{{doc}}`/{notebook}`" if (ROOT / f"{notebook}.ipynb").exists() else code(notebook)


def share(value: float | None) -> str:
    return "another word" if value is None else f"{value:.2g}"


def off(recorded, found) -> str:
    """Return by how much a number is off; what was found, where it is no number."""
    numbers = isinstance(recorded, float) and isinstance(found, float)
    return f"{abs(found - recorded):.1e}" if numbers else f"is {shown(found)}"


def shown(value) -> str:
    """Return a number to the digits that a reader compares; a word as code, for it is text from data."""
    return f"{value:.6g}" if isinstance(value, float) else code(str(value))


def code(text: str) -> str:
    """Return text as Markdown code that neither ends early nor splits a cell of a table."""
    return f"``` {text.replace('|', '/')} ```" if "`" in text else f"`{text.replace('|', '/')}`"


def packages(runs: dict[str, dict]) -> list[str]:
    """Return the table of versions: a column a configuration, those with the same versions once."""
    columns = {setting(run): run["versions"] for run in runs.values()}
    names = [name for name in next(iter(columns.values())) if name != "python"]
    rows = [f"| {name} | " + " | ".join(versions[name] for versions in columns.values()) + " |" for name in names]
    return [f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns), *rows]


def since(runs: dict[str, dict], now: dict[str, str]) -> list[str]:
    """Return a sentence that names the notebooks whose recorded numbers are others by now."""
    then = {name: digest for run in runs.values() for name, digest in run["recorded"].items()}
    old = {name for run in runs.values() for name, digest in run["recorded"].items() if now.get(name) != digest}
    others = sorted(old | (now.keys() - then.keys()))
    links = ", ".join(map(link, others))
    return ["", f"Recorded anew since these runs, so not compared yet: {links}."] if others else []


class Reproduced(Directive):
    """The tables, or that nothing was run yet."""

    def run(self):
        from check_numbers import recorded
        from reproduce import FILE, fingerprint

        path = ROOT / FILE
        if not path.exists():
            return [nodes.paragraph("", "Nothing was run yet: tools/reproduce.py does it.")]
        found = json.loads(path.read_text(encoding="utf-8"))
        runs, now = found["configurations"], {name: fingerprint(e) for name, e in recorded(ROOT).items()}
        caption = f"Run on {where(found['machine']).partition(' (')[0]}, one configuration after the other."
        lines = [*configurations(runs), "", caption, *since(runs, now), "", *worst(runs), "", *packages(runs)]
        return self.parse(lines)

    def parse(self, lines: list[str]) -> list[nodes.Node]:
        holder = nodes.Element()
        self.state.nested_parse(lines, self.content_offset, holder)
        return holder.children
