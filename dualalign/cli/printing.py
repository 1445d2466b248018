"""What commands print: strict JSON, or small tables in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..bounded import visible

if TYPE_CHECKING:
    import numpy as np


def strict(value: object) -> object:
    """Return a value that is JSON: numpy turned into Python, NaN and infinity into null."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(value: object) -> None:
    """Print one line of strict JSON, in ASCII, so that it passes through any terminal's encoding."""
    print(json.dumps(strict(value), allow_nan=False))


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; the first column is text, numbers are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Text(visible(title)) if title else None  # a plain string would be read as markup
    table = Table(title=shown, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    cells = [[value if isinstance(value, str) else number(value) for value in row] for row in rows]
    for place, column in enumerate(columns):
        numeric = place > 0 and all(row[place][:1] in "-0123456789" for row in cells)
        table.add_column(
            Text(visible(column)), justify="right" if numeric else "left", overflow="fold", no_wrap=place == 0
        )
    for row in cells:
        table.add_row(*(Text(visible(text)) for text in row))
    Console(soft_wrap=False, highlight=False).print(table)


def number(value: float | int | np.floating | None) -> str:
    """Format a number for reading: three decimals, whole numbers whole, a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
