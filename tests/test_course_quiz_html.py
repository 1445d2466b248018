"""A quiz in a browser: answered by keyboard alone, its feedback read, its score; and what stands without scripts."""

from __future__ import annotations

import re

import pytest
from browser_kit import AXE, CHROMIUM, Browser

from dualalign.course import Item, Option, Quiz
from dualalign.course.quiz_html import page_label, quiz_html, shuffled

ITEMS = (
    ("What does `T = 2` change & what <b>not</b>?", "right one", "wrong one"),
    ("Which is larger?", "the first", "the second"),
)


def items(read: str = "") -> tuple[Item, ...]:
    def option(text: str, right: bool) -> Option:
        return Option(text, f"You chose {text}: a reason.", right)

    return tuple(
        Item(question, (option(yes, True), option(no, False), option("neither", False)), read)
        for question, yes, no in ITEMS
    )


QUIZ = Quiz("sample", "A sample", items())
TEST = Quiz("sample-test", "A test", items("notebooks/02_reliability"))
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
STYLE = (
    "<title>Quiz</title><style>@media (prefers-color-scheme: dark) {body {background: #121212; color: #ccc}}</style>"
)


def write(folder, *parts):
    page = folder / "page.html"
    page.write_text(f"{HEAD}{STYLE}<body><main><h1>Quiz</h1>{''.join(parts)}</main></body></html>", encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no chromium here: the quiz was not tried in a browser")
    with Browser(tmp_path_factory.mktemp("quiz") / "profile") as browser:
        yield browser


def ids(html):
    return re.findall(r'\bid="([^"]+)"', html)


def test_the_same_quiz_gives_the_same_bytes_and_ids_of_its_own():
    assert quiz_html(QUIZ) == quiz_html(QUIZ) == QUIZ._repr_html_()
    first, second = ids(quiz_html(QUIZ)), ids(quiz_html(TEST))
    assert len(set(first + second)) == len(first + second)
    assert not re.search(r"https?://|var\(--", quiz_html(QUIZ))


def test_text_is_text_and_backticks_are_code():
    html = quiz_html(QUIZ)
    assert "<legend>1. What does <code>T = 2</code> change &amp; what &lt;b&gt;not&lt;/b&gt;?</legend>" in html


def test_the_order_of_options_comes_from_the_name_and_moves_the_right_one():
    def place(name):
        order = shuffled(Quiz(name, "", QUIZ.items), 0)
        return [o.right for o in order].index(True)

    assert {place(f"quiz {n}") for n in range(12)} == {0, 1, 2}


def test_pages_have_names():
    names = {"course/02_measuring": "Lesson 2, measuring", "notebooks/11_how_many_questions": "Chapter 11, how many"}
    assert all(page_label(page).startswith(label) for page, label in names.items())
    assert page_label("glossary") == "glossary"


SAID = "Array.from(document.querySelectorAll('[data-part=said]'), e => e.innerText.trim())"
TOTAL = "document.querySelector('[data-part=total]').innerText"
FOCUS = "document.activeElement.closest('label, button, summary, a')?.innerText.trim() ?? ''"
VISIBLE = "Array.from(document.querySelectorAll('{}')).filter(e => e.offsetParent).length"


def choose(browser, text):
    """Reach an option of the item that has the focus with the arrow keys, as a reader does."""
    browser.press(" ")
    for _ in range(4):
        if browser.run(FOCUS) == text:
            return
        browser.press("ArrowDown")
    raise AssertionError(f"no option {text!r} within reach")


def test_answered_by_keyboard(browser, tmp_path):
    browser.open(write(tmp_path, quiz_html(QUIZ)))
    browser.press("Tab")
    choose(browser, "wrong one")
    browser.press("Tab", "Enter")
    assert browser.run(SAID) == ["✗ Not yet. You chose wrong one: a reason.", ""]
    assert browser.run("document.querySelector('[data-part=said]').getAttribute('role')") == "status"
    assert browser.run(TOTAL) == "", "no score before the last item"
    browser.press("Tab", "Enter")  # the second item: skip its options
    browser.press("Tab", "Enter")
    assert browser.run(SAID)[1] == "Choose an option first."
    browser.run("document.querySelectorAll('[data-part=item]')[1].querySelector('input').focus()")
    choose(browser, "the first")
    browser.press("Tab", "Enter")
    assert browser.run(SAID)[1] == "✓ Right. You chose the first: a reason."
    assert browser.run(TOTAL) == "1 of 2 right at the first try."
    assert not [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))]


def test_a_test_says_nothing_before_its_end_then_what_to_read(browser, tmp_path):
    browser.open(write(tmp_path, quiz_html(TEST, lambda page: f"../{page}.html")))
    browser.press("Tab")
    choose(browser, "right one")
    assert browser.run(SAID) == ["", ""]
    browser.run("document.querySelector('[data-part=score]').focus()")
    browser.press("Enter")
    said = browser.run(SAID)
    assert said[0] == "✓ Right. You chose right one: a reason."
    assert said[1].startswith("✗ No answer. The answer is the first.")
    assert re.sub(r"\s+", " ", browser.run(TOTAL)) == "1 of 2 right. To read: Chapter 2, reliability (item 2)"
    assert browser.run("document.querySelector('[data-part=total] a').getAttribute('href')").endswith(
        "reliability.html"
    )
    assert browser.run(VISIBLE.format("[data-part=check]")) == 0


def test_without_scripts_the_feedback_opens_below_each_item(browser, tmp_path):
    browser.open(write(tmp_path, quiz_html(QUIZ)), scripts=False)
    assert browser.run(VISIBLE.format("summary")) == 2
    assert browser.run(VISIBLE.format("button")) == 0
    assert "You chose neither: a reason." in browser.run("document.querySelector('details').textContent")


def test_two_on_a_page_are_apart_large_enough_and_not_too_wide(browser, tmp_path):
    browser.open(write(tmp_path, quiz_html(QUIZ), quiz_html(TEST)))
    low = "Math.min(...Array.from(document.querySelectorAll('label, button:not([hidden])'), e => e.offsetHeight))"
    assert browser.run(low) >= 44
    assert browser.run("document.documentElement.scrollWidth") <= browser.run("innerWidth")
    browser.run("document.querySelectorAll('.da-quiz')[1].querySelector('input').click()")
    assert browser.run("document.querySelectorAll('.da-quiz')[0].querySelectorAll('input:checked').length") == 0


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed here: make check does it")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(browser, tmp_path, dark):
    browser.dark(dark)
    browser.open(write(tmp_path, quiz_html(QUIZ), quiz_html(TEST, lambda page: f"../{page}.html")))
    browser.run("document.querySelectorAll('button').forEach(b => b.click())")
    assert browser.violations() == []
