"""Slides in a browser: by keyboard, on paper, on a phone, without scripts; and what axe says of them."""

from __future__ import annotations

import re
import shutil

import pytest

pytest.importorskip("papermill")
pytest.importorskip("docutils")
pytest.importorskip("jupytext")
from browser_kit import AXE, CHROMIUM, Browser


def test_slides_hold_text_figures_and_no_network(sample_course):
    page = (sample_course / "_build/slides/03_sample.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 4
    assert "<h2>For the class alone</h2>" in page
    assert 'alt="A line that rises to 2.0 &amp; more."' in page
    assert re.search(r"\\\[\s*a &lt; b\.\s*\\\]", page)
    assert 'href="../notebooks/01_start_here.html"' in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    picture = re.search(r'<img src="(03_sample-\w+\.png)"', page)[1]
    assert (sample_course / "_build/slides" / picture).stat().st_size > 1000


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no chromium here: the slides were not tried in a browser")
    with Browser(tmp_path_factory.mktemp("slides") / "profile", 1280, 720) as browser:
        yield browser


TITLE = "document.querySelector('section.present :is(h1, h2)').textContent"


def test_slides_move_by_keyboard_and_set_their_formulas(browser, sample_course):
    browser.size(1280, 720)
    browser.open(sample_course / "site/slides/03_sample.html")
    browser.run("window.slidesReady")
    assert browser.run(TITLE) == "Lesson 3: A sample?"
    browser.press("ArrowRight", "ArrowRight")
    assert browser.run(TITLE) == "A curve"
    shown = "getComputedStyle(document.querySelector('section.present .shown')).visibility"
    assert browser.run(shown) == "hidden", "a class predicts before it sees"
    browser.press("ArrowRight")
    assert browser.run(shown) == "visible"
    assert browser.run("document.querySelectorAll('mjx-container').length") == 2
    browser.press("ArrowRight")
    assert browser.run(TITLE) == "For the class alone"
    assert not [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))]


def test_slides_print_one_page_each(browser, sample_course):
    browser.size(1280, 720)
    browser.open(sample_course / "site/slides/03_sample.html", query="?print-pdf")
    browser.run("window.slidesReady.then(() => new Promise(done => setTimeout(done, 500)))")
    assert browser.run("document.querySelectorAll('.pdf-page').length") == 4


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_and_without_scripts_slides_stand_below_each_other(browser, sample_course, scripts):
    browser.size(390, 844)
    browser.open(sample_course / "site/slides/03_sample.html", scripts=scripts)
    if scripts:
        browser.run("window.slidesReady")
    assert browser.run("Array.from(document.querySelectorAll('section')).every(s => s.offsetHeight > 60)")
    assert browser.run("document.documentElement.scrollWidth") <= 390


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed here: make check does it")
@pytest.mark.parametrize("size", [(390, 844), (1280, 720)])
def test_axe_finds_nothing_on_any_slide(browser, sample_course, size):
    browser.size(*size)
    browser.open(sample_course / "site/slides/03_sample.html")
    browser.run("window.slidesReady")
    for place in range(4 if size[0] > 600 else 1):
        browser.run(f"window.Reveal && Reveal.isReady() && Reveal.slide({place})")
        assert browser.violations() == []


def test_a_slide_that_is_too_tall_is_set_smaller(browser, sample_course, tmp_path):
    browser.size(1280, 720)
    page = (sample_course / "site/slides/03_sample.html").read_text(encoding="utf-8")
    tall = "<li>a line of a long list, told at length</li>" * 16
    shutil.copytree(sample_course / "site", tmp_path / "site", symlinks=True)
    (tmp_path / "site/slides/tall.html").write_text(page.replace("<li>a ", f"{tall}<li>a "), encoding="utf-8")
    browser.open(tmp_path / "site/slides/tall.html")
    browser.run("window.slidesReady")
    assert 0.6 <= float(browser.run("document.querySelectorAll('section')[3].dataset.scale")) < 1
    assert float(browser.run("document.querySelectorAll('section')[3].dataset.height")) <= 720
