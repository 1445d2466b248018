"""The checks of the book's sources: each names the fault that is planted, and passes a page in order."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupytext")
import check_book
import checkers
import exercises
import skeleton
import typed_numbers

from dualalign import course

PAGE = """# A title

May a pupil rely on "90 %"?

| You need | [Start here](01_start_here.ipynb) |
|---|---|
| **Time** | 20 minutes |

**You will be able to** tell.

## A section

```{exercise} A question
:label: ex-halve
Halve it.
```

```{solution-start} ex-halve
:class: dropdown
```

```{solution-end}
```

## What this page does not show

Much.

## Summary

- One.
- Two.
- Three.

**Next:** [more](02_more.ipynb)
"""
CODE = 'task = course.task("halve", me)\ntask'


def page(prose=PAGE, code=CODE, alt="It falls by {drop:.0%}.", figure=None):
    drawn = nbformat.v4.new_code_cell("draw()")
    drawn.metadata["mystnb"] = {"figure": figure or {"caption": "c", "name": "fig-a"}, "image": {"alt": alt}}
    return [nbformat.v4.new_markdown_cell(prose), nbformat.v4.new_code_cell(code), drawn]


def test_a_page_in_order():
    assert check_book.page_faults(page(), ["halve"]) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('May a pupil rely on "90 %"?', "A pupil relies.", "lacks a question before the box"),
        ("| You need | [Start here](01_start_here.ipynb) |", "| You need | |", "lacks the box"),
        ("20 minutes", "long", "lacks its row '| **Time**"),
        ("**You will be able to**", "You will", "lacks '**You will be able to**'"),
        ("does not show", "shows", "lacks a section '## What this page does not show'"),
        ("## Summary", "## The end", "lacks a section '## Summary'"),
        ("- Two.\n- Three.\n", "", "has a summary of 1 bullets"),
        ("**Next:** [more](02_more.ipynb)", "**Next:** more", "lacks '**Next:**' with a link"),
        (":label: ex-halve\n", "", "exercise without a label"),
        ("{solution-start} ex-halve", "{note} x", "exercise ex-halve has no solution"),
    ],
)
def test_each_missing_part_of_a_page_is_named(old, new, fault):
    assert old in PAGE
    found = check_book.page_faults(page(PAGE.replace(old, new)), ["halve"])
    assert [f for f in found if f.startswith(fault)], found


def test_a_part_in_the_wrong_place_is_named():
    limits = PAGE[PAGE.index("## What this page") : PAGE.index("## Summary")]
    moved = PAGE.replace(limits, "") + limits
    assert skeleton.faults(moved) == ["has a section '## Summary' with 3 to 5 bullets too early"]


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ({"alt": ""}, "cell 3: a figure without an alt text (mystnb.image.alt)"),
        ({"alt": "A falling line."}, "cell 3: its alt text quotes no glued number: write {key:.2f}"),
        ({"alt": "It falls by {drop"}, "cell 3: alt text: expected '}' before end of string"),
        ({"figure": {"name": "fig-a"}}, "cell 3: a figure without caption"),
        ({"code": "x = 1"}, "exercise ex-halve: no cell calls course.task('halve', me)"),
    ],
)
def test_each_fault_of_a_figure_or_an_exercise_is_named(planted, fault):
    assert check_book.page_faults(page(**planted), ["halve"]) == [fault]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("The ECE falls from 0.163 to {after:.3f}.", ["0.163"]),
        ("Accuracy is 83 % (8.4 points more).", ["83", "8.4"]),
        ("Below -0.27, or −0.31.", ["0.27", "0.31"]),
        ("A target of 70 %, p below 0.05, 95 % intervals, tau = 0.5, weights from 0.6 to 0.7, 20.0 %", []),
        ("Propositions 3.2 and 3.3, section 4.2, CC BY-SA 4.0, Qwen2.5, version 1.0.4, [it](a.html#x-2.31)", []),
        ("`0.163`, $T = 1.43$, {glue:text}`a::b:.3f`, {before:.2f}\n```python\nx = 0.163\n```", []),
    ],
)
def test_a_result_that_is_typed_is_told_from_a_setting(text, typed):
    assert typed_numbers.typed(text) == typed


def test_a_typed_result_is_named_with_its_cell_unless_it_is_listed():
    cells = page(PAGE.replace("Much.", "The error is 0.163."), code=CODE + '\nsay("{n} of them, " "8.4 % in all", n=3)')
    found = check_book.page_faults(cells, ["halve"])
    assert [fault.split(";")[0] for fault in found] == ["cell 1: 0.163 is typed", "cell 2: 8.4 is typed"]
    assert check_book.page_faults(cells, ["halve"], invented=["0.163", "8.4"]) == []


def test_what_a_page_may_type_stands_on_it():
    pages = check_book.sources(check_book.ROOT)
    for name, numbers in typed_numbers.invented().items():
        assert len(numbers) == len(set(numbers))
        found = {n for cell in pages[name] for text in typed_numbers.texts(cell) for n in typed_numbers.typed(text)}
        assert set(numbers) <= found, name


def test_a_calibration_error_without_its_floor_is_named():
    (fault,) = check_book.page_faults(page(code=CODE + '\ntable[["accuracy", "ece"]]'), ["halve"])
    assert "without its noise floor" in fault
    assert check_book.page_faults(page(code=CODE + '\ntable[["ece", "ece_floor"]]'), ["halve"]) == []


def test_an_exercise_without_checker_and_a_checker_without_page():
    assert check_book.page_faults(page(), []) == ["exercise ex-halve has no checker in dualalign.course"]
    assert exercises.book_faults({"a": ["ex-halve"]}, ["halve", "lonely"]) == [
        "the checker 'lonely' of dualalign.course belongs to no page"
    ]


def test_what_two_pages_share_is_named():
    found = check_book.book_faults({"notebooks/01_a": page(), "notebooks/02_b": page()}, ["halve"])
    assert found == ["exercise ex-halve stands 2 times in the book", "two figures are named fig-a"]


def test_a_checker_that_accepts_a_known_wrong_answer_is_named():
    exercise = course.exercises()["halve"]
    other = dataclasses.replace(exercise.wrong[0], misconception="planted", answer=exercise.solve)
    broken = dataclasses.replace(exercise, wrong=(other, *exercise.wrong[1:]))
    assert "halve" in course.faults([broken])[0]


def test_every_page_is_asked():
    pages = {"notebooks/01_a": page(), "notebooks/02_b": page(PAGE.replace("ex-halve", "ex-b"), figure={"name": "b"})}
    assert "notebooks/02_b: cell 3: a figure without caption" in check_book.faults(pages, ["halve", "b"])


def test_cells_that_are_not_on_the_page_do_not_count():
    cells = page()
    aside = nbformat.v4.new_markdown_cell("```{exercise} Aside\n:label: ex-aside\n```")
    aside.metadata["tags"] = ["guide"]
    assert check_book.page_faults([*cells, aside], ["halve"]) == []


def test_checkers_are_asked_again_when_the_module_changed(tmp_path):
    (tmp_path / "dualalign").mkdir()
    (tmp_path / "dualalign/a.py").write_text("A = 1")
    asked = []

    def faults(found):
        asked.append(found)
        return found

    def course_with(*found):
        return SimpleNamespace(exercises=dict, faults=lambda _: faults(list(found)))

    assert checkers.faults(tmp_path, course_with("halve: accepts")) == ["dualalign.course: halve: accepts"]
    assert checkers.faults(tmp_path, course_with()) == checkers.faults(tmp_path, course_with("not asked")) == []
    (tmp_path / "dualalign/a.py").write_text("A = 2")
    assert checkers.faults(tmp_path, course_with("halve: accepts")) == ["dualalign.course: halve: accepts"]
    assert len(asked) == 3
