"""What the notebooks need of a book, and what must not break them outside one (Jupyter, Colab)."""

from __future__ import annotations

import math
from typing import Any

_PREFIX = "application/papermill.record/"


def glue(name: str, value: Any) -> None:
    """Store a value under a name, for the prose of any page to quote by the role ``glue:text`` as ``name:.3f``.

    Parameters
    ----------
    name
        Key of the value, unique in its notebook.
    value
        A number or a string is stored as it is (a numpy scalar as the Python number it holds, so that a format works);
        anything else, a figure for instance, as IPython would show it.

    Raises
    ------
    ValueError
        If the value is a float that no sentence can quote: NaN.
    """
    from IPython.core.formatters import format_display_data
    from IPython.display import display

    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, float) and math.isnan(plain):
        raise ValueError(f"glue({name!r}): the value is NaN; compute it before quoting it")
    data, metadata = format_display_data(plain)
    record = {"name": name, "mime_prefix": _PREFIX}
    display({_PREFIX + mime: v for mime, v in data.items()}, raw=True, metadata={"scrapbook": record, **metadata})


def say(template: str, **values: Any) -> None:
    """Show a sentence whose numbers were computed, and glue each of them.

    The sentence reads the same on the site, in Jupyter and in Colab; a role in a Markdown cell would not.

    Parameters
    ----------
    template
        Markdown with format fields, ``"T is {temperature:.2f}"``.
    values
        What the fields stand for; each is glued under its name.
    """
    from IPython.display import Markdown, display

    for name, value in values.items():
        glue(name, value)
    display(Markdown(template.format(**values)))
