"""Every example in a docstring runs, and every public function of the rooms that need no model has one."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from book_public import entries

import dualalign

ROOMS = ("drift", "metrics", "calibrators", "traces", "questions", "exports")  # none of them imports torch
MODULES = [
    *("drift", "metrics", "traces", "traces.imports", "traces.stream", "traces.writing", "questions", "exports"),
    *("calibrators", "calibrators.objective", "calibrators.search", "calibrators.priors", "calibrators.permutations"),
    *("calibrators.scaling", "calibrators.adam", "calibrators.streaming"),
]
WITHOUT = {  # what an example of a few lines cannot show
    "load_hub": "asks a hub, or reads a mirror of it",
    "from_helm": "a run of HELM is a page of nested JSON",
    "temperature_processor": "needs transformers",
    "TraceFile": "what `merge` and `collect` write through",
    "OptionClash": "an error",
    "Interval": "a pair with names",
    "Difference": "three numbers with names",
    "Facts": "what `facts` returns",
}


def modules():
    """All modules of the rooms."""
    for room in ROOMS:
        module = import_module(f"dualalign.{room}")
        yield module
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"dualalign.{room}."):
            yield import_module(found.name)


def examples():
    finder = doctest.DocTestFinder()
    found = [test for module in modules() for test in finder.find(module, globs={})]
    return {test.name: test for test in found if test.examples}


EXAMPLES = examples()
PUBLIC = [entry for entry in entries({"": MODULES}) if entry.kind != "data"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_shows_what_comes_out(name, tmp_path, monkeypatch):
    """With nothing but `np` and `da` at hand, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    said = []
    test = EXAMPLES[name]
    test.globs = {"np": np, "da": dualalign, "__name__": "__main__"}
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


@pytest.mark.parametrize("entry", PUBLIC, ids=lambda entry: entry.full)
def test_what_is_public_has_an_example_that_runs(entry):
    shown = doctest.DocTestParser().get_examples(inspect.getdoc(entry.value) or "")
    runs = [one for one in shown if not one.options.get(doctest.SKIP)]
    assert bool(runs) is (entry.name not in WITHOUT), f"{entry.full}: an example, or a reason in WITHOUT"


def test_what_has_no_example_is_public():
    assert WITHOUT.keys() <= {entry.name for entry in PUBLIC}
