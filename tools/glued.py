"""The values that an executed notebook glued, and the alt texts and captions that quote them.

``{key:.3f}`` in a cell's ``mystnb.image.alt`` or ``mystnb.figure.caption`` stands for the value glued under ``key``
anywhere in the same notebook; a literal brace is doubled. A template that cannot be filled fails the page.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter
from typing import Any

PREFIX = "application/papermill.record/"
TEMPLATES = (("figure", "caption"), ("image", "alt"))


class TemplateError(ValueError):
    """An alt text or a caption that cannot be filled: the notebook, the cell and the key are in the message."""


def syntax(code: str) -> ast.Module:
    """Parse a cell; its lines for IPython or the shell (% and !) say nothing."""
    lines = ("pass" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
    return ast.parse("\n".join(lines))


def values(cells: list) -> dict[str, Any]:
    """Return what the cells of an executed notebook glued: name -> number or text (its plain text for the rest)."""
    return dict(records(cells))


def records(cells: list) -> Iterator[tuple[str, Any]]:
    """Yield every glued name with its value, in the order of the notebook."""
    for cell in cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name and f"{PREFIX}text/plain" in output.data:
                yield name, _literal(output.data[f"{PREFIX}text/plain"])


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"inf": float("inf"), "-inf": float("-inf")}.get(text, text)


def templates(cell) -> Iterator[tuple[dict, str, str]]:
    """Yield (holder, field, text) of a cell's caption and alt text, those that it has."""
    for group, field in TEMPLATES:
        holder = cell.metadata.get("mystnb", {}).get(group, {})
        if isinstance(holder.get(field), str):
            yield holder, field, holder[field]


def placeholders(text: str) -> list[str]:
    """Return the keys that a template quotes; ValueError where its braces are unbalanced."""
    return [key for _, key, _, _ in Formatter().parse(text) if key is not None]


def fill(cells: list, notebook: str) -> None:
    """Replace every template of a notebook's alt texts and captions by its text, in place."""
    known = values(cells)
    for number, cell in enumerate(cells, start=1):
        for holder, field, text in templates(cell):
            holder[field] = _filled(text, known, f"{notebook}, cell {number}, {field}")


def _filled(text: str, known: dict[str, Any], where: str) -> str:
    try:
        for key in placeholders(text):
            if key not in known:
                raise TemplateError(f"{where}: nothing is glued as {key!r} (a literal brace is doubled)")
        return text.format(**known)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise TemplateError(f"{where}: {error}") from error
    except ValueError as error:
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"{where}: {_failing(text, known)}: {error}") from error


def _failing(text: str, known: dict[str, Any]) -> str:
    """Name the first field whose format does not fit its value."""
    try:
        fields = list(Formatter().parse(text))
    except ValueError:
        return "braces"
    for _, key, form, _ in fields:
        try:
            format(known[key] if key else "", form or "")
        except (TypeError, ValueError):
            return f"{{{key}:{form}}} for {known[key]!r}"
    return "format"
