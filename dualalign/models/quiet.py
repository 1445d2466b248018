"""Keep the loaders' progress bars and notices off the terminal: a command prints its own words only."""

from __future__ import annotations

import logging as python_logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' and accelerate's notices, progress bars and Python warnings inside a block."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    placer = python_logging.getLogger("accelerate")  # it warns that offloaded weights are not in place
    level = placer.level
    placer.setLevel(python_logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        placer.setLevel(level)
        if bars:
            logging.enable_progress_bar()


def first_line(error: BaseException, width: int = 160) -> str:
    """The first line that says something in an error message, cut to ``width`` characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:width]
