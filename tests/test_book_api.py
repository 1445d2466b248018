"""A page for every public object: what is public, what a page says, and that nothing of it needs torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from no_network import python_path

pytest.importorskip("sphinx")
pytest.importorskip("yaml")
import book_api
import book_uses
from book_api import escaped
from book_public import Entry, entries, exists, public_names, source_link, summary
from book_terms import ROOT

import dualalign
from dualalign import drift, metrics

REPOSITORY = "https://example.org/x"
LIGHT = {"": ["metrics", "drift", "protocol", "calibrators"]}


def test_public_is_what_a_module_says_or_defines():
    assert public_names(metrics) == sorted(metrics.__all__, key=lambda name: (name.lower(), name))
    assert {"layer_divergence", "peak_layer"} <= set(public_names(drift))
    assert "np" not in public_names(drift)


def test_every_class_of_the_top_has_a_page():
    there = {entry.name for entry in entries({"": ["traces", "questions", "calibrators"]})}
    assert {name for name in dualalign._HOMES} <= there


def test_no_two_pages_share_a_file_even_without_capitals():
    pages = [entry.page.lower() for entry in entries(LIGHT)]
    assert len(pages) == len(set(pages))
    assert "protocol/Answers-class" in {entry.page for entry in entries(LIGHT)}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("max |d_l - d_(l-1)|", r"max \|d_l - d_(l-1)\|"),
        ("a *basic* interval", "a *basic* interval"),
        ("metric(*first) - metric(*second)", r"metric(\*first) - metric(\*second)"),
        ("the layer l*(x)", r"the layer l\*(x)"),
        ("``a|b*c``", "``a|b*c``"),
        ("**bold** and 2 * 3", r"**bold** and 2 \* 3"),
    ],
)
def test_formulas_in_docstrings_stay_as_they_are(text, kept):
    assert escaped(text) == kept


def test_what_describes_a_parameter_is_not_taken_for_its_type():
    long = "rule : " + "word " * 20 + "so that"
    text = [
        "Do.",
        "",
        "Parameters",
        "----------",
        "x, y : (N,) what it is",
        "z : int",
        "    A number.",
        long,
        "    it ends",
    ]
    after = [
        *text[:4],
        "x, y",
        "    (N,) what it is",
        "z : int",
        "    A number.",
        "rule",
        f"    {long[7:]}",
        "    it ends",
    ]
    returned = ["", "Returns", "-------", "a, b : (N,)"]
    assert book_api.described([*text, *returned]) == [*after, *returned]
    assert book_api.described(["x : y"]) == ["x : y"]


def test_a_summary_is_the_first_sentence():
    assert summary(metrics.ece).startswith("Expected calibration error")
    assert "\n" not in summary(metrics.ece)


def test_the_source_is_where_the_lines_say():
    link = source_link(drift.layer_divergence, REPOSITORY)
    path, first = link.split("blob/main/")[1].split("#L")
    line = (ROOT / path).read_text(encoding="utf-8").splitlines()[int(first.split("-")[0]) - 1]
    assert line.startswith("def layer_divergence(")


def test_a_page_holds_the_object_its_source_and_its_uses():
    entry = Entry("dualalign.metrics", "ece", metrics.ece, "metrics/ece")
    page = book_api.object_page(entry, ["notebooks/a"], REPOSITORY)
    for part in ("metrics.ece\n===", ".. autofunction:: ece", "/blob/main/dualalign/metrics/", ":doc:`/notebooks/a`"):
        assert part in page


def test_names_of_ours_that_mean_nothing_are_told():
    assert exists("dualalign.metrics.ece")
    assert exists("dualalign.calibrators.base.Calibrator.fit")
    assert not exists("dualalign.metrics.gone")
    assert not exists("dualalign.gone.ece")


def test_uses_are_read_from_the_code():
    code = (
        "import dualalign as da\nfrom dualalign import metrics, plots as p\nfrom dualalign.traces import Traces\n"
        "%matplotlib inline\nda.Traces.load('x')\nmetrics.ece(a, b)\np.plot_reliability(x).set()\nda.metrics.mce\n"
    )
    names = {"dualalign.Traces", "dualalign.metrics.ece", "dualalign.plots.plot_reliability", "dualalign.metrics.mce"}
    assert names <= book_uses.names_in(code)
    assert "dualalign.metrics" not in book_uses.names_in(code)


def test_every_page_is_made_without_torch_and_twice_the_same():
    code = (
        "import sys, book_api\n"
        "first, second = (book_api.pages('https://example.org/x') for _ in range(2))\n"
        "assert first == second and 'torch' not in sys.modules\n"
        "assert {'index.rst', 'metrics/ece.rst', 'models/load_model.rst', 'course/index.rst'} <= set(first)\n"
        "assert len({name.lower() for name in first}) == len(first)\n"
    )
    paths = {"PYTHONPATH": python_path(ROOT, ROOT / "tools"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
