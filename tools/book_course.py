"""What the course needs of Sphinx: lesson pages without the class's cells, quizzes in prose, slides in the site."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

NOT_ON_PAGE = {"guide", "slide-only"}
LESSON = re.compile(r"^course/\d\d_\w+$")
ADDRESS = re.compile(r"/(?P<kind>blob|edit|tree)(?P<branch>(?:/[\w.-]+)?)/book/course/(?P<stem>[\w-]+)\.ipynb")


def setup(app):
    """Register the directive and the handlers; buttons are mended after the theme's own handlers (priority 501)."""
    app.add_directive("quiz", QuizDirective)
    app.connect("source-read", without_class_cells)
    app.connect("html-page-context", mend_buttons, priority=901)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class QuizDirective(Directive):
    """``{quiz} name``: a quiz on a page of prose; the pages that it says to read are links."""

    required_arguments = 1

    def run(self):
        from dualalign.course import quiz
        from dualalign.course.quiz_html import quiz_html

        environment = self.state.document.settings.env
        depth = environment.docname.count("/")
        html = quiz_html(quiz(self.arguments[0]), lambda page: f"{'../' * depth}{page}.html")
        return [nodes.raw("", html, format="html")]


def without_class_cells(app, docname, source):
    """Leave out of a lesson's page what is for the class, and put the links to its material after the title."""
    if not LESSON.match(docname):
        return
    notebook = json.loads(source[0])
    cells = [c for c in notebook["cells"] if not NOT_ON_PAGE & set(c["metadata"].get("tags", []))]
    links = {"cell_type": "markdown", "id": "material", "metadata": {}, "source": material_line(docname.split("/")[1])}
    notebook["cells"] = [*cells[:1], links, *cells[1:]]
    source[0] = json.dumps(notebook)


def material_line(stem: str, page: bool = True) -> str:
    """Return a line of links to everything made from a lesson, for its page or for its guide."""
    guide = f"guide_{stem.split('_')[0]}"
    files = [
        f'<a href="../slides/{stem}.html">slides</a>',
        f"{{download}}`exercise notebook <../../course/exercises/{stem}.ipynb>`",
        f"{{download}}`solution notebook <../../course/solutions/{stem}.ipynb>`",
    ]
    other = f"[instructor guide](../teach/{guide}.md)" if page else f"[the lesson](../course/{stem}.ipynb)"
    return f"**With this lesson:** {', '.join([*files, other])}."


def mend_buttons(app, pagename, templatename, context, doctree):
    """Point the buttons of a page of the course at its source (edit) and at what is committed of it (Colab, Binder)."""
    if pagename.startswith("course/"):
        for button in _links(context.get("header_buttons", [])):
            button["url"] = ADDRESS.sub(_committed, button["url"])


def _committed(match: re.Match) -> str:
    """Return the file behind a button: the script, a lesson's exercises, or the notebook of another page."""
    folder = "exercises/" if LESSON.match(f"course/{match['stem']}") else ""
    name = f"{match['stem']}.py" if match["kind"] == "edit" else f"{folder}{match['stem']}.ipynb"
    return f"/{match['kind']}{match['branch']}/course/{name}"


def _links(buttons):
    for button in buttons:
        yield from _links(button.get("buttons", []))
        if "url" in button:
            yield button


def finish(app, exception):
    """Put the slides into the site, and the exercise notebooks behind the lessons' download buttons."""
    if exception or app.builder.format != "html":
        return
    root, out = Path(app.srcdir).parent, Path(app.outdir)
    if (root / "_build" / "slides").is_dir():
        shutil.copytree(root / "_build" / "slides", out / "slides", dirs_exist_ok=True)
    for notebook in (out / "_sources" / "course").glob("*.ipynb"):
        exercises = root / "course" / "exercises" / notebook.name
        if exercises.exists():
            shutil.copyfile(exercises, notebook)
