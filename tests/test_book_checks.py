"""Each check of the book finds the fault it is there for, and passes what is in order."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
jupytext = pytest.importorskip("jupytext")
import book_extension
import check_pairs
import check_site
import first_cell
import image_sizes

GOOD = (
    '<html lang="en"><body><h1 id="top">T</h1><a href="#top">up</a><img src="a.png" alt="A falling line"></body></html>'
)
BARE = "# %% [markdown]\n# # Title\n\n# %% tags=['parameters']\nn = 1\n"
SCRIPT = first_cell.with_cell(BARE, first_cell.cell_source())


def faults_of(tmp_path, body):
    (tmp_path / "a.png").write_bytes(b"png")
    (tmp_path / "index.html").write_text(body, encoding="utf-8")
    return check_site.site_faults(tmp_path)


def test_a_page_in_order(tmp_path):
    assert faults_of(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ('<a href="gone.html">x</a>', "broken link gone.html"),
        ('<a href="#nowhere">x</a>', "broken link #nowhere"),
        ('<img src="a.png">', "no real alt text (None)"),
        ('<img src="a.png" alt="_images/0a1b2c.png">', "no real alt text"),
        ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js from the network"),
        ('<link rel="preload stylesheet" href="//example.org/x.css">', "loads //example.org/x.css from the network"),
        (
            '<img alt="A curve" srcset="https://example.org/2.png 2x">',
            "loads https://example.org/2.png from the network",
        ),
        ("<style>@import 'https://example.org/x.css';</style>", "a style loads from the network"),
        ('<p id="top"></p>', "id top occurs twice"),
        ("<p>{glue:text}`x:.2f`</p>", "unresolved: {glue:text}"),
        ('<span class="problematic">x</span>', "unresolved"),
        ("<!--" + "x" * 1_000_001 + "-->", "weighs"),
    ],
)
def test_each_fault_of_a_page_is_found(tmp_path, wrong, fault):
    found = faults_of(tmp_path, GOOD.replace("</body>", wrong + "</body>"))
    assert len(found) == 1
    assert fault in found[0]


def test_a_role_that_a_page_explains_as_code_is_none(tmp_path):
    explained = "<p><code class='docutils'>{glue:text}`a::x`</code></p></body>"
    assert faults_of(tmp_path, GOOD.replace("</body>", explained)) == []


def test_an_empty_site_is_a_fault(tmp_path):
    assert "no page" in check_site.site_faults(tmp_path)[0]


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (nbformat.v4.new_output("error", ename="KeyError", evalue="x", traceback=[]), "KeyError"),
        (nbformat.v4.new_output("stream", name="stderr", text="Warning: x"), "Warning: x"),
    ],
)
def test_bad_outputs_are_found(tmp_path, output, fault):
    cell = nbformat.v4.new_code_cell("1", execution_count=1, outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    assert fault in check_site.notebook_faults(tmp_path / "x.ipynb")[0]


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "01_a.py").write_text(SCRIPT, encoding="utf-8")
    jupytext.write(jupytext.read(tmp_path / "01_a.py"), tmp_path / "01_a.ipynb")
    return tmp_path


def test_a_pair_in_order(pair):
    assert check_pairs.faults(pair) == []


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (SCRIPT.replace("n = 1", "n = 2"), "cell 3 differs"),
        (SCRIPT.replace("parameters", "other"), "cell 3 differs"),
        (SCRIPT + "\n# %%\nm = 1\n", "4 cells in .py, 3 in .ipynb"),
    ],
)
def test_a_pair_that_parted_is_found(pair, script, fault):
    (pair / "01_a.py").write_text(script, encoding="utf-8")
    assert fault in check_pairs.faults(pair)[0]


def test_a_notebook_without_the_cell_that_fetches_the_project_is_found(pair):
    (pair / "01_a.py").write_text(BARE, encoding="utf-8")
    jupytext.write(jupytext.read(pair / "01_a.py"), pair / "01_a.ipynb")
    assert check_pairs.faults(pair) == ["01_a: " + first_cell.fault([], "")]
    stale = first_cell.with_cell(BARE, first_cell.cell_source().replace("--depth=1", "--depth=2"))
    assert first_cell.with_cell(stale, first_cell.cell_source()) == SCRIPT


def test_missing_half_and_outputs_are_found(pair):
    notebook = nbformat.read(pair / "01_a.ipynb", as_version=4)
    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, pair / "01_a.ipynb")
    assert "holds outputs" in check_pairs.faults(pair)[0]
    (pair / "01_a.ipynb").unlink()
    assert check_pairs.faults(pair) == ["01_a: 01_a.ipynb is missing; run make pairs"]


def test_style_of_a_chapter():
    cells = jupytext.reads("# %%\nx = 1\n" + "x += 1\n" * 15 + "\n# %%\ndef f():\n    pass\n", fmt="py:percent").cells
    found = check_pairs.style_faults(cells)
    assert found == [
        "the first cell is no '# Title'",
        "cell 1: 16 lines, at most 15",
        "cell 2: defines f; put it in the module",
    ]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("# %%\ntry:\n    f()\nexcept ValueError:\n    pass\n", "catches an error"),
        ("# %%\nwith contextlib.suppress(ValueError):\n    f()\n", "catches an error"),
        ('# %% tags=["raises-exception"]\nf()\n', "may fail (raises-exception)"),
        ('# %% tags=["skip-execution"]\nf()\n', "may fail (skip-execution)"),
        ("# %%\ntry:\n    f()\nfinally:\n    g()\n", ""),
    ],
)
def test_a_cell_that_hides_its_failure_is_found(source, fault):
    cells = jupytext.reads("# %% [markdown]\n# # Title\n\n" + source, fmt="py:percent").cells
    found = check_pairs.style_faults(cells)
    assert (found == []) if not fault else (len(found) == 1 and found[0].startswith(f"cell 2: {fault}"))


def test_buttons_lead_to_committed_files():
    blob, edit = "https://h/blob/main/book/notebooks/01_a.ipynb", "https://h/edit/main/book/notebooks/01_a.ipynb"
    downloads = {"label": "download-buttons", "buttons": [{"url": "_sources/notebooks/01_a.ipynb"}]}
    context = {
        "header_buttons": [{"buttons": [{"url": blob}, {"url": edit}]}, downloads],
        "pathto": lambda name, _: name,
    }
    book_extension.mend_buttons(None, "notebooks/01_a", "page.html", context, None)
    urls = [button["url"] for group in context["header_buttons"] for button in group["buttons"]]
    assert urls == [
        "https://h/blob/main/notebooks/01_a.ipynb",
        "https://h/edit/main/notebooks/01_a.py",
        "_sources/notebooks/01_a.ipynb",
        "_sources/notebooks/01_a.py",
    ]


def test_leftovers_of_the_theme_are_mended():
    html = '<script>const THEBE_JS_URL = "https://h/x.js"; const thebe_selector = "x"</script><script>keep()</script>'
    assert book_extension.mended(html) == "<script>keep()</script>"
    assert book_extension.mended('<div role="doc-biblioentry">') == '<div role="listitem">'
    assert book_extension.mended("<tr><th></th><th>a</th></tr>") == "<tr><td></td><th>a</th></tr>"
    early = book_extension.mended('theme = localStorage.getItem("theme") || "auto";')
    assert early == f"theme = {book_extension.THEME};"
    corner = '<tr class="row-odd"><th class="head"><p></p></th>'
    assert book_extension.mended(corner) == '<tr class="row-odd"><td></td>'


def test_pictures_get_their_size(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images/a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4) + (480).to_bytes(4))
    (tmp_path / "_images/b.png").write_bytes(b"no picture")
    html = '<img alt="x" src="_images/a.png" />'
    sized = '<img alt="x" src="_images/a.png" width="640" height="480" />'
    assert image_sizes.with_sizes(html, tmp_path) == sized
    assert image_sizes.with_sizes(sized, tmp_path) == sized
    for other in ('<img src="_images/b.png">', '<img src="_images/c.png">', '<img src="logo.png">'):
        assert image_sizes.with_sizes(other, tmp_path) == other
