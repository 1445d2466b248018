"""A small book built with the real tools: a prose edit rebuilds what it must, and every stale number is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("papermill")
pytest.importorskip("jupyter_book")
import build_site
import check_glue
import run_notebooks

ROOT = Path(__file__).resolve().parent.parent
QUOTE = "The value is {glue:text}`notebooks/01_a.ipynb::x:.2f`."
NOTEBOOK = [
    ("markdown", "# A chapter\n\nSome prose. Here it is {glue:text}`x:.1f`."),
    ("code", "from dualalign.book import glue\nx = 0.25\nglue('x', x)"),
]


def write_notebook(root, cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for number, (kind, source) in enumerate(cells):
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(new(source, id=f"cell-{number}"))
    nbformat.write(notebook, root / "notebooks/01_a.ipynb")


def put(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def new_prose(root):
    path = root / "notebooks/01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += " One word more."
    nbformat.write(notebook, path)


def update(root, prose=True):
    assert run_notebooks.main(["--root", str(root)]) == 0
    return build_site.main(["--root", str(root), *(["--prose"] if prose else [])])


def written(root):
    """Return when each page was written."""
    return {p.stem: p.stat().st_mtime_ns for p in (root / "_build/html").rglob("*.html") if "_static" not in p.parts}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("book")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["sphinx"]["local_extensions"] = {"book_extension": str(ROOT / "tools")}
    put(root, "_config.yml", yaml.safe_dump(config))
    put(root, "book/_toc.yml", "format: jb-book\nroot: index\nchapters:\n- file: notebooks/01_a\n- file: other\n")
    put(root, "book/index.md", f"# Book\n\n{QUOTE}\n")
    put(root, "book/other.md", "# Other\n\nNothing here.\n")
    put(root, "book/references.bib", "")
    put(root, "requirements.lock", "")
    (root / "notebooks").mkdir()
    write_notebook(root, NOTEBOOK)
    assert update(root) == 0
    return root


def test_the_small_book_is_in_order(built):
    assert check_glue.faults(built, built / "_build/html") == []
    assert '<span class="pasted-text">0.25</span>' in (built / "_build/html/index.html").read_text()


def test_a_prose_edit_rebuilds_its_page_alone(built, capfd):
    before = written(built)
    put(built, "book/other.md", "# Other\n\nA word.\n")
    assert update(built) == 0
    assert "site: changed pages only" in capfd.readouterr().out
    after = written(built)
    assert after["other"] > before["other"]
    assert after["01_a"] == before["01_a"], "the page beside it; the index is its parent and is written again"
    assert "A word." in (built / "_build/html/other.html").read_text()
    assert check_glue.faults(built, built / "_build/html") == []


def test_a_changed_number_reaches_the_page_that_quotes_it(built, capfd):
    new_prose(built)
    assert update(built) == 0
    assert "One word more" in (built / "_build/html/notebooks/01_a.html").read_text()
    before = written(built)
    write_notebook(built, [NOTEBOOK[0], ("code", NOTEBOOK[1][1].replace("0.25", "0.75"))])
    assert update(built) == 0
    assert "site: changed pages only" in capfd.readouterr().out
    assert '<span class="pasted-text">0.75</span>' in (built / "_build/html/index.html").read_text()
    assert written(built)["other"] == before["other"]
    assert check_glue.faults(built, built / "_build/html") == []


def test_a_new_title_or_a_failed_build_asks_for_the_whole(built, capfd):
    put(built, "book/other.md", "# Another\n\nNothing.\n")
    assert update(built) == 0
    assert "site: whole (book/other.md: outline changed)" in capfd.readouterr().out
    put(built, "book/other.md", "# Another\n\n{glue:text}`gone:.2f`\n")
    assert update(built) != 0
    put(built, "book/other.md", "# Another\n\nMended.\n")
    assert update(built) == 0
    assert "site: whole (no build that ended well)" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda r: put(r, "dualalign/a.py", "A = 2"), "01_a: the executed copy is stale: dualalign/a.py changed"),
        (new_prose, "the executed copy is stale: its prose"),
        (lambda r: (r / "book/notebooks/01_a.ipynb").unlink(), "01_a: the executed copy is stale: no executed copy"),
        (lambda r: put(r, "book/other.md", "# Other\n\nUnbuilt.\n"), "other: the page was built from another other.md"),
    ],
)
def test_what_is_stale_is_named(built, spoil, fault, tmp_path):
    root = tmp_path / "spoilt"
    shutil.copytree(built, root)
    spoil(root)
    found = check_glue.faults(root, root / "_build/html")
    assert any(fault in line for line in found), found


def test_a_number_that_is_not_the_notebooks_is_named(built, tmp_path):
    root = tmp_path / "spoilt"
    shutil.copytree(built, root)
    page = root / "_build/html/index.html"
    page.write_text(page.read_text().replace('pasted-text">0.', 'pasted-text">9.'))
    (found,) = check_glue.faults(root, root / "_build/html")
    assert "index: notebooks/01_a.ipynb::x:.2f stands as '9." in found


def test_a_key_that_is_glued_twice_is_named(tmp_path):
    from test_book_glued import record

    cells = [nbformat.v4.new_code_cell("", outputs=[record("x", "1"), record("y", "1"), record("x", "2")])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "01_a.ipynb")
    assert check_glue.ambiguous_keys(tmp_path / "01_a.ipynb") == ["01_a: 'x' is glued twice, with different values"]


def test_code_blocks_quote_nothing():
    text = "a\n````{grid}\n```{note}\nb\n```\nc\n````\nd\n```python\n{x}\n```\n```\ny\n```\ne\n```{code-block}\nz\n```"
    assert check_glue.without_code(text).split() == ["a", "b", "c", "d", "e"]
    line = "`` {glue:text}`a::x` `` or ```{glue:text}`b::x` ```, {glue:text}`c::x` and `d`"
    assert check_glue.ROLE.findall(check_glue.without_code(line)) == ["c::x"]
