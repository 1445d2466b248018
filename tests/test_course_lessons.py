"""What is made from a lesson: notebooks, guide, slides; and each fault of a lesson is named."""

from __future__ import annotations

import re
import shutil

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
pytest.importorskip("docutils")
jupytext = pytest.importorskip("jupytext")
import lesson
import lesson_guide
import lesson_notebooks
import plain_markdown
from lesson_kit import ADDRESS, LESSON

import course as course_tool
from dualalign import course

REGISTRY = course.exercises()


def sample(text: str = LESSON) -> lesson.Lesson:
    return lesson.Lesson("03_sample", jupytext.reads(text, fmt="py:percent").cells)


@pytest.fixture
def small(monkeypatch):
    """Let the sample be as small as it is."""
    monkeypatch.setattr(lesson, "FEWEST_EXERCISES", 1)
    monkeypatch.setattr(lesson, "SLIDES", (4, 20))


def test_a_lesson_in_order(small):
    it = sample()
    assert lesson.faults(it, REGISTRY) == []
    assert (it.number, it.title, it.minutes) == (3, "A sample?", 50)
    assert it.goals == ["say what a {term}`temperature` does,", "and what it does not."]
    assert it.opening == "Mira asks *one* question. Does $T$ matter?"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# # Lesson 3: A", "# # Lesson 4: A", "the title is not '# Lesson 3: …'"),
        ("| 50 minutes |", "| an hour |", "no row '| **Time** | N minutes |'"),
        ("# - and what it\n#   does not.", "#", "fewer than 2 bullets"),
        ('me = "reader"\n', "", "the parameters cell sets no 'me'"),
        ('folder = "../data/traces"\n', "", "the parameters cell sets no 'folder'"),
        ("# ## Board plan\n", "#\n", "the guide has no section '## Board plan'"),
        ("# 4. Four?\n", "", "the guide discusses 3 questions, at least 4"),
        ("# ## For the class alone\n", "#\n", "a slide without a title"),
        ('tags=["slide"]\n# ## A curve', "\n# ## A curve", "a figure before the first slide"),
        ("# :label: ex-halve\n", "", "an exercise without ':label: ex-NAME'"),
        ("# ```{solution-end}\n", "# ```{note}\n", "no {solution-start} ex-halve and {solution-end}"),
        ("{solution-start} ex-halve", "{solution-start} ex-other", "no {solution-start} ex-halve and {solution-end}"),
        ('course.task("halve", me)', "None", "no cell calls course.task('halve', me) before the solution"),
        ('# %% tags=["solution"]', "# %%", "the tag 'solution' on every cell"),
        ("task.check(factor * task.temperature)", "print(factor)", "does not end with task.check(answer)"),
        ("ex-halve", "ex-nowhere", "exercise nowhere"),
        ('course.quiz("pre")', "1", 'no quiz: a cell course.quiz("lN")'),
    ],
)
def test_each_fault_is_named(small, old, new, fault):
    assert LESSON.count(old)
    found = lesson.faults(sample(LESSON.replace(old, new)), REGISTRY)
    assert any(fault in line for line in found), found


def test_too_few_exercises_and_slides_are_faults():
    found = lesson.faults(sample(), REGISTRY)
    assert found == ["4 slides with title and goals, 12 to 20 are right", "1 exercises, at least 5"]


def test_a_solution_without_code_is_a_fault(small):
    code = LESSON[LESSON.index('# %% tags=["solution"]') : LESSON.index("# %% [markdown]\n# ```{solution-end}")]
    assert "its solution needs a code cell" in lesson.faults(sample(LESSON.replace(code, "")), REGISTRY)[0]


@pytest.fixture
def notebooks():
    source = lesson_notebooks.source_notebook(sample(), REGISTRY, ADDRESS)
    return source, lesson_notebooks.released(source)


def code(notebook):
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}


def text(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells)


def test_solutions_stand_between_the_marks(notebooks):
    assert code(notebooks[0])["halve-answer"].splitlines() == [
        "answer = ...  # your code here, as many lines as you need",
        "### BEGIN SOLUTION",
        "# Both grow by the same factor.",
        "#",
        "# It cancels.",
        "factor = task.factor",
        "answer = factor * task.temperature",
        "### END SOLUTION",
        "task.check(answer)",
    ]


def test_students_get_no_solution_and_no_class_cell(notebooks):
    released = notebooks[1]
    nbformat.validate(released)
    assert code(released)["halve-answer"].splitlines()[1:] == ["# ^ yours", "task.check(answer)"]
    assert code(released)["student"].splitlines()[1:] == ["# ^ yours"]
    assert not re.search("cancels|BEGIN|solution-|For the class alone|Board plan|reader", text(released))
    assert not any(cell.get("outputs") for cell in released.cells)
    assert "### Exercise: Louder (4 min, apply)\n\nThe data are" in text(released)
    assert "> **Note.**\n>\n> Take *care*." in text(released)
    assert "folder = course.traces_folder()" in text(released)
    assert "[chapter 1](../../notebooks/01_start_here.ipynb), or [lesson 4](04_drift.ipynb)" in text(released)


def test_the_check_is_locked_and_its_points_are_the_level(notebooks):
    mark = next(cell.metadata for cell in notebooks[1].cells if cell.id == "halve-test")
    assert mark["nbgrader"]["points"] == REGISTRY["halve"].level
    assert mark["nbgrader"]["grade"]
    assert mark["nbgrader"]["locked"]
    assert (mark["editable"], mark["deletable"]) == (False, False)
    assert code(notebooks[1])["halve-test"] == (
        'verdict = course.task("halve", me).check(answer)\nassert verdict, verdict'
    )


def test_a_changed_cell_changes_its_own_id_alone(notebooks):
    changed = lesson_notebooks.source_notebook(sample(LESSON.replace("Take *care*", "Beware")), REGISTRY, ADDRESS)
    pairs = zip(notebooks[0].cells, changed.cells, strict=True)
    assert sum(a.id != b.id for a, b in pairs) == 1


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("a {term}`trace` and {term}`logits <logit>`", "a trace and logits"),
        ("see {numref}`fig-a`, {eq}`one`", "see the figure, (the equation)"),
        ("so {cite:p}`guo2017` it is", "so it is"),
        ("the {math}`x^2`", "the $x^2$"),
        ("```{math}\n:label: one\nx\n```", "$$\nx\n$$"),
        ("(here)=\n## Title", "## Title"),
        ("[a](https://h/x) [b](#c)", "[a](https://h/x) [b](#c)"),
        ("[a](../glossary.md)", "[a](../../book/glossary.md)"),
    ],
)
def test_myst_becomes_plain(myst, plain):
    assert plain_markdown.plain(myst, plain_markdown.for_notebook) == plain


def test_links_of_slides_lead_to_built_pages():
    links = ["../notebooks/01_a.ipynb#b", "../glossary.md", "02_measuring.ipynb"]
    built = ["../notebooks/01_a.html#b", "../glossary.html", "../course/02_measuring.html"]
    assert [plain_markdown.for_slides(link) for link in links] == built


def test_guide_tells_what_every_checker_says():
    guide = lesson_guide.guide_page(sample(), REGISTRY)
    assert guide.startswith("# Guide to lesson 3: A sample?\n")
    for wrong in REGISTRY["halve"].wrong:
        assert wrong.misconception in guide
        assert wrong.hint in guide
    assert "| 1. Louder | 4 | apply | 2 |" in guide
    assert "## Board plan" in guide
    assert guide.count("\n# ") == 0


def run(root, monkeypatch, *arguments):
    monkeypatch.setattr(lesson, "FEWEST_EXERCISES", 1)
    monkeypatch.setattr(lesson, "SLIDES", (4, 20))
    return course_tool.main(["--root", str(root), *arguments])


def test_what_is_committed_is_held_to_the_lesson(sample_course, tmp_path, monkeypatch, capsys):
    shutil.copytree(sample_course, tmp_path / "copy", symlinks=True)
    copy = tmp_path / "copy"
    assert run(copy, monkeypatch, "--check") == 0
    notebook = copy / "course/exercises/03_sample.ipynb"
    notebook.write_text(notebook.read_text().replace("Take *care*", "Take *more care*"))
    shutil.copyfile(notebook, notebook.with_name("09_gone.ipynb"))
    assert run(copy, monkeypatch, "--check") == 1
    (copy / "book/_toc.yml").write_text("- file: course/03_sample\n")
    assert run(copy, monkeypatch, "--check") == 1
    out = capsys.readouterr().out
    assert "03_sample: course/exercises/03_sample.ipynb differs from the lesson; run make course" in out
    assert "course/exercises/09_gone.ipynb: there is no such lesson" in out
    assert "03_sample: book/_toc.yml does not list teach/guide_03" in out
    assert run(copy, monkeypatch, "nowhere") == 2


def test_a_second_run_changes_no_byte(sample_course, monkeypatch):
    files = sorted(p for p in sample_course.rglob("*") if p.is_file() and "site" not in p.parts)
    before = {p: p.read_bytes() for p in files}
    assert run(sample_course, monkeypatch) == 0
    assert {p: p.read_bytes() for p in files} == before


def test_options_of_the_command_exclude_each_other():
    with pytest.raises(SystemExit):
        course_tool.main(["--check", "--pages"])
