"""Text from data in the interactive figures: whatever it says, the elements of the page are those of a harmless one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

from conftest import make_traces
from hypothesis import given, settings
from hypothesis import strategies as st

from dualalign import plots
from dualalign.questions import Question

ATTACKS = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "-->",
    "</title></svg><img src=x onerror=alert(1)>",
    '"></option></select><a href="javascript:alert(1)">',
    "'\"` onmouseover=alert(1) x=",
    "{id}{t}{0}{}",
    "${alert(1)}\\u003c/script\\u003e",
    "]]>&lt;&#60;&amp;",
    "\u2028\u2029\u202e\x00\x1b",
    "</style><style>*{display:none}",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.sampled_from(ATTACKS)


class Skeleton(HTMLParser):
    """Elements and the names of their attributes, and what stands in scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found, self.scripts, self.inside = [], "", False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append((tag, *sorted(name for name, _ in attrs)))
        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")
        self.inside = False

    def handle_data(self, data: str) -> None:
        self.scripts += data if self.inside else ""

    def handle_comment(self, data: str) -> None:
        self.found.append("a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment


def explorer(name: str, question: str, option: str) -> str:
    traces = make_traces(n=4, layers=3)
    ids = tuple(f"{name}{i}" for i in range(4))
    asked = [Question(i, question, (option, "b", "c", "d")) for i in ids]
    return plots.layer_explorer(replace(traces, question_ids=ids, groups=()), asked)


@cache
def harmless() -> list:
    return Skeleton(explorer("q", "What?", "a")).found


@settings(max_examples=25)
@given(TEXT, TEXT, TEXT)
def test_no_text_from_data_becomes_an_element_or_leaves_its_script(name, question, option):
    page = Skeleton(explorer(name, question, option))
    assert page.found == harmless()
    payload = re.search(r'getElementById\("[^"]+"\), (\{.*?\}), \(function', page.scripts, re.DOTALL).group(1)
    assert [row["id"] for row in json.loads(payload)["questions"]] == [f"{name}{i}" for i in range(4)]


def test_the_skeleton_notices_an_element_more():
    assert Skeleton("<p><b>x</b></p>").found != Skeleton("<p>&lt;b&gt;x</p>").found
    assert Skeleton("<p onclick=x>").found != Skeleton("<p>").found
    assert Skeleton("<p><!-- x --></p>").found != Skeleton("<p></p>").found
