"""Where a formula is computed: the list in book/symbols.md names what there is, and leaves out no method or metric."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from book_public import exists

from dualalign import METHODS, metrics, models

TEXT = (Path(__file__).parents[1] / "book/symbols.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`([^`<]*) <(dualalign\.[\w.]+)>`", TEXT)))
FORMULAS = TEXT[TEXT.index("## Formulas") :]


@pytest.mark.parametrize(("shown", "full"), NAMES)
def test_what_the_list_names_is_there(shown, full):
    if full.startswith("dualalign.models."):  # torch need not be here
        assert full.removeprefix("dualalign.models.") in models.__all__
    else:
        assert exists(full)
    assert full.endswith(shown.rsplit(".", 1)[-1])


def test_every_method_and_every_metric_has_a_row():
    computed = set(re.findall(r"<dualalign\.[\w.]*?(\w+)>", FORMULAS))
    assert {method.__name__ for method in METHODS.values()} <= computed
    assert {name for name in metrics.__all__ if hasattr(getattr(metrics, name), "bounds")} <= computed


def test_every_row_has_its_cells():
    rows = [line for line in TEXT.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4, 6}  # three columns of formulas, five of symbols
