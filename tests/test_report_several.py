"""The report of odd traces, of hostile text and of several traces: what it says, lets through, and how it sorts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from browser_kit import AXE, CHROMIUM, Browser
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs_kit import calibrated_pair
from test_report_page import Page

from dualalign import TemperatureScaling, Traces, exports, metrics
from dualalign.checks import confidence_pairs
from dualalign.plots import prepare_peaks
from dualalign.questions import Question
from dualalign.report import judge, write_report
from dualalign.report.article import article
from dualalign.report.html import clipped, policy, said
from dualalign.report.serving import serving_section
from dualalign.report.several import front, leaderboard
from dualalign.traces import artifact


def written(tmp_path: Path, *traces: Traces, questions=None) -> str:
    return write_report(traces, tmp_path / "r.html", questions).read_text(encoding="utf-8")


def last_layer(traces: Traces) -> Traces:
    return replace(traces, plm_logits=traces.plm_logits[:, -1:], polm_logits=traces.polm_logits[:, -1:])


def options(traces: Traces, k: int) -> Traces:
    """The same questions with k options, most of them hopeless."""
    more = [
        np.concatenate([z, np.full((*z.shape[:2], k - 4), -9.0)], axis=2)
        for z in (traces.plm_logits, traces.polm_logits)
    ]
    return replace(traces, plm_logits=more[0], polm_logits=more[1], n_options=np.full(len(traces), k))


GOOD = calibrated_pair(120)
ODD = {
    "one question": GOOD.select([0]),
    "two questions": GOOD.select([0, 1]),
    "no labels": calibrated_pair(90, labelled=False),
    "last layer": last_layer(GOOD),
    "last layer, no labels": last_layer(calibrated_pair(90, labelled=False)),
    "last layer, no agreement": replace(last_layer(GOOD), polm_logits=-last_layer(GOOD).plm_logits),
    "two layers": replace(GOOD, plm_logits=GOOD.plm_logits[:, -2:], polm_logits=GOOD.polm_logits[:, -2:]),
    "another depth": replace(GOOD, plm_logits=GOOD.plm_logits[:, ::2]),
    "no finite optimum": replace(GOOD, plm_logits=np.zeros_like(GOOD.plm_logits)),
    "all tied": replace(GOOD, plm_logits=np.zeros_like(GOOD.plm_logits), polm_logits=np.zeros_like(GOOD.polm_logits)),
    "26 options": options(GOOD, 26),
    "permuted": replace(GOOD, order=np.tile(np.arange(4), (120, 1))),
    "no groups": replace(GOOD, groups=()),
    "nothing in the metadata": replace(GOOD, metadata={}),
}


@pytest.mark.parametrize("case", ODD)
def test_every_kind_of_trace_has_a_page(case, tmp_path):
    page = Page(written(tmp_path, ODD[case]))
    assert not page.open
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert page.text.count("nan") == 0


def test_what_has_one_layer_rests_on_daca_and_says_what_is_missing(tmp_path):
    html = written(tmp_path, ODD["last layer"])
    assert judge(ODD["last layer"]).calibrator.name == "daca"
    assert "by daca, for the trace holds the last layer only" in html
    assert "This trace holds the last layer only, so where the two models part cannot be seen" in html
    assert "--method daca" in html


def test_what_cannot_be_fitted_is_not_to_be_used_and_has_no_line_to_copy(tmp_path):
    for case in ("one question", "no finite optimum", "all tied", "last layer, no agreement"):
        html = written(tmp_path, ODD[case])
        assert ">Do not use</p>" in html
        assert "dualalign export" not in html


def test_questions_are_shown_with_what_was_answered(tmp_path):
    names = GOOD.question_ids
    asked = [Question(name, f"What is <{i}>?", ("cat & dog", "b", "c", "d"), 0) for i, name in enumerate(names)]
    html = written(tmp_path, GOOD, questions=asked)
    assert html.count("What is &lt;") == 15
    assert "cat &amp; dog" in html
    assert "With <code>--questions FILE</code>" not in html
    assert "With <code>--questions FILE</code>" in written(tmp_path, GOOD)


def test_options_stand_in_the_order_shown_and_the_answer_is_the_one_chosen(tmp_path):
    traces = replace(GOOD, order=np.tile([2, 0, 1, 3], (len(GOOD), 1)))
    asked = [Question(name, "Which?", ("zero", "one", "two", "three")) for name in GOOD.question_ids]
    html = written(tmp_path, traces, questions=asked)
    first = html[html.index("<bdi>Which?</bdi>") :].split("</tr>")[0]
    words = re.findall("<bdi>(zero|one|two|three)</bdi>", first)
    row = prepare_peaks(traces)["jump"].to_numpy().argmax()
    chosen = [asked[0].options[traces.order[row, z[row].argmax()]] for z in (traces.plm_final, traces.polm_final)]
    assert words == ["two", "zero", "one", "three", *chosen]


def test_a_question_with_another_number_of_options_is_not_taken_for_the_one_asked(tmp_path):
    asked = [Question(name, "Which?", ("zero", "one")) for name in GOOD.question_ids]
    html = written(tmp_path, GOOD, questions=asked)
    assert "Which?" not in html
    assert html.count("with another number of options") == 15


def test_a_trace_without_a_question_is_one_line(tmp_path):
    GOOD.select([]).save(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match=r"none\.safetensors: holds no question"):
        write_report(tmp_path / "none.safetensors", tmp_path / "r.html")


def test_lines_to_copy_name_every_format_and_the_limit_of_servers():
    cool, hot = (replace(judge(GOOD), calibrator=TemperatureScaling().fit(GOOD), checks=()) for _ in range(2))
    cool.calibrator.temperature_, hot.calibrator.temperature_ = 1.5, 2.5
    low, high = serving_section(cool, "t.safetensors"), serving_section(hot, "t.safetensors")
    assert all(f"<code>{name}</code>" in low for name in exports.FORMATS)
    assert "refuse temperatures above 2" in high
    assert "refuse temperatures above 2" not in low
    assert "&quot;temperature&quot;: 1.5" in low


def skeleton(html: str) -> list[tuple]:
    """Every element with the names of its attributes, and classes: what text from data must not change."""
    return [(tag, sorted(attrs), attrs.get("class")) for tag, attrs in Page(html).tags]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onload="x', "]]>", "<!--",
     "javascript:alert(1)", "\u202eabc", "\x00\x1b[31m", "&amp;&#60;", "</style>", "a" * 3000]
)  # fmt: skip


SMALL = calibrated_pair(16, layers=2)


def hostile(folder: Path, texts: tuple[str, ...]) -> list[tuple]:
    """The skeleton of a page on two traces that hold these texts wherever a text from data can stand."""
    plm, polm, group, name, question, option = texts
    ids = tuple(f"{name}{i}" for i in range(16))
    strings = {"plm": plm or "p", "polm": polm or "f", "note": plm or "n"}
    traces = replace(SMALL, question_ids=ids, groups=(group or "g",) * 16, metadata=strings)
    asked = [Question(i, question or "?", (option or "a", "b", "c", "d"), 0) for i in ids]
    return skeleton(written(folder, traces, traces, questions=asked))


@cache
def harmless(folder: Path) -> list[tuple]:
    return hostile(folder, tuple("pfgnqo"))


@settings(max_examples=6)
@given(st.tuples(*[TEXTS] * 6))
def test_no_text_from_data_becomes_markup(tmp_path_factory, texts):
    folder = tmp_path_factory.getbasetemp()
    assert hostile(folder, texts) == harmless(folder)


def test_text_from_data_is_cut_and_freed_of_control_characters():
    assert clipped("a\x00b\x1bc") == "a\ufffdb\ufffdc"
    assert clipped("x" * 300).endswith("… (300 characters in all)")
    assert said('<b>"') == '<bdi>&lt;b&gt;"</bdi>'


def test_the_policy_allows_the_pages_own_scripts_only(tmp_path):
    html = written(tmp_path, GOOD, GOOD)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL)
    assert scripts
    (stated,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert stated == policy(scripts)
    assert "default-src 'none'" in stated
    assert "script-src 'none'" in policy([])


def test_the_board_ranks_by_error_on_the_traces_with_labels():
    articles = [article(f"t{i}", calibrated_pair(200, seed=i, labelled=i != 1), i) for i in range(3)]
    board = leaderboard(articles).set_index("method")
    judged = [a.results.set_index("method") for a in (articles[0], articles[2])]
    assert board.loc["daca", "value"] == pytest.approx(np.mean([one.loc["daca", "value"] for one in judged]))
    assert board["best"].sum() >= 2
    assert board["rank"].is_monotonic_increasing
    assert board.index[-1] == "vanilla" or board["value"].idxmax() == board.index[-1]
    html = front(articles)
    assert "2 of 3 traces carry labels; only those count here." in html
    assert "temperature-scaling (reads labels)" in html


def test_without_labels_there_is_no_ranking():
    html = front([article("a", calibrated_pair(90, labelled=False), i) for i in (1, 2)])
    assert "so there is no ranking" in html
    assert "Mean rank" not in html


def test_the_table_of_all_traces_holds_each_with_its_errors():
    articles = [article(f"t{i}.safetensors", calibrated_pair(150, seed=i), i) for i in (1, 2)]
    html = front(articles)
    for one in articles:
        before = metrics.ece(*confidence_pairs(one.traces, one.traces.polm_final))
        assert f'<a href="#trace-{one.place}"><bdi>t{one.place}</bdi></a>' in html
        assert f"{before:.3f}" in html


def test_a_page_of_the_largest_trace_stays_light(tmp_path):
    rng = np.random.default_rng(0)
    many = calibrated_pair(4000, layers=8)
    html = written(tmp_path, many.select(rng.integers(0, 4000, 14_042)))
    assert len(html.encode()) < 700_000


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_heading_sorts_by_key_and_click(tmp_path):
    names = ("few", "most", "some")
    sizes = (80, 300, 120)
    for name, n in zip(names, sizes, strict=True):
        calibrated_pair(n, seed=n).save(tmp_path / f"{name}.safetensors")
    write_report([tmp_path / f"{name}.safetensors" for name in names], tmp_path / "r.html")
    shown = "[...document.querySelector('table.sort').tBodies[0].rows].map(row => row.cells[0].textContent).join()"
    heading = "document.querySelector('table.sort thead').rows[0].cells[2]"
    with Browser(tmp_path / "profile", width=1440) as browser:
        browser.open(tmp_path / "r.html")
        assert browser.run(shown) == "few,most,some"
        browser.run(f"{heading}.firstChild.click()")
        assert browser.run(shown) == "most,some,few"
        assert browser.run(f"{heading}.getAttribute('aria-sort')") == "descending"
        browser.run(f"{heading}.firstChild.focus()")
        browser.press("Enter")
        assert browser.run(shown) == "few,some,most"
        assert browser.run(f"{heading}.getAttribute('aria-sort')") == "ascending"
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert all(request.startswith(("file:", "data:")) for request in browser.requests)
        if AXE.exists():
            assert browser.violations() == []


def test_the_old_page_stays_where_the_new_one_fails(tmp_path, monkeypatch):
    (tmp_path / "r.html").write_text("old")
    monkeypatch.setattr(
        artifact.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(ValueError, match=r"r\.html: cannot be written \(No space left on device\)"):
        write_report(GOOD, tmp_path / "r.html")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert (tmp_path / "r.html").read_text() == "old"
