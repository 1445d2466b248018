"""Every public function and method has a property test; what has none is listed here, with its reason."""

from __future__ import annotations

import textwrap

import pytest

pytest.importorskip("docutils")  # what lists the public names belongs to the book's tools
import properties_kit

pytestmark = pytest.mark.models  # the names of a room that imports torch are among them
EXCEPTIONS = {
    "dualalign.course.Compare.read": "a protocol: no code; Number, Numbers, Choice and Function have theirs",
    "dualalign.course.Compare.same": "a protocol: no code; Number, Numbers, Choice and Function have theirs",
}


def test_every_public_function_has_a_property_test():
    lacking = set(properties_kit.without())
    assert sorted(lacking - set(EXCEPTIONS)) == []
    assert sorted(set(EXCEPTIONS) - lacking) == []  # a reason that is no longer needed
    assert len(properties_kit.public()) > 400


@pytest.fixture
def reached(tmp_path, monkeypatch):
    """What a file of tests reaches, by its text."""

    def read(text: str) -> list[str]:
        (tmp_path / "test_it.py").write_text(textwrap.dedent(text))
        monkeypatch.setattr(properties_kit, "TESTS", tmp_path)
        properties_kit.module.cache_clear()
        lacking = properties_kit.without()
        properties_kit.module.cache_clear()
        return [name for name in properties_kit.public() if name not in lacking]

    return read


HEAD = "from hypothesis import given\nimport dualalign as da\nfrom dualalign import metrics, drift\n"


@pytest.mark.parametrize(
    "body",
    [
        "@given(x)\ndef test_it(x):\n    assert metrics.ece(x) == 0",
        "@given(x)\ndef test_it(x):\n    assert da.metrics.ece(x) == 0",
        "def helper(x):\n    return metrics.ece(x)\n@given(x)\ndef test_it(x):\n    assert helper(x)",
        "TABLE = {'a': metrics.ece}\n@given(x)\ndef test_it(x):\n    assert TABLE['a'](x)",
    ],
)
def test_a_function_is_reached_by_name_by_helper_and_by_table(reached, body):
    assert reached(HEAD + body) == ["dualalign.metrics.ece"]


@pytest.mark.parametrize(
    "body",
    [
        "def test_it():\n    assert metrics.ece(x) == 0",
        "@given(x)\ndef test_it(x):\n    assert other.ece(x) == 0",
        "@given(x)\ndef test_it(x):\n    assert x.ece == 0",
        "@given(x)\ndef helper(x):\n    assert 'metrics.ece'",
    ],
)
def test_what_only_looks_like_it_is_not(reached, body):
    assert reached(HEAD + body) == []


def test_a_method_is_reached_through_what_makes_its_object(reached):
    found = reached(HEAD + "@given(x)\ndef test_it(x):\n    assert da.Traces.load(x).select(0).n_layers")
    assert {"dualalign.traces.Traces.load", "dualalign.traces.Traces.select"} <= set(found)
    assert "dualalign.traces.Traces.save" not in found
    assert reached(HEAD + "@given(x)\ndef test_it(x):\n    assert x.select(0)") == []
