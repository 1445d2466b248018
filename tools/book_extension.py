"""What the book needs of Sphinx beyond its settings: vendored scripts, true links behind the buttons, accessible roles.

The pages under ``notebooks/`` are built from executed copies that are not committed, so every button of the theme that
leads to the repository is pointed at the committed notebook (Colab, Binder) or at its reviewed source (edit).
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from freshness import digest
from image_sizes import with_sizes
from myst_nb.ext.glue.utils import PendingGlueReference

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK_URL = re.compile(r"book/notebooks/([\w-]+)\.ipynb")

THEME = (
    '({light: "light", dark: "dark"})[document.documentElement.dataset.mode] || '
    '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
)

# What the theme and its companions write into pages and an audit refuses; each line is one leftover.
MENDS = [
    # Live code is off, yet its style, its script and its settings stand on every page, with an address on the network.
    (re.compile(r"""<script[^>]*thebe[^>]*>.*?</script>|<link[^>]*thebe[^>]*>""", re.DOTALL), ""),
    (re.compile(r"<script>\s*const (THEBE_JS_URL|thebe_).*?</script>", re.DOTALL), ""),
    # Before the theme's last script ran, a page had the colours and sizes of neither scheme, and then moved.
    (re.compile(r'localStorage\.getItem\("theme"\) \|\| "auto"'), THEME),
    # A role that is deprecated; entries of a bibliography stand in a list.
    (re.compile('role="doc-biblioentry"'), 'role="listitem"'),
    # The visible words of these controls are their names.
    (re.compile('(<summary) aria-label="Toggle hidden content"'), r"\1"),
    (re.compile('(class="btn search-button-field[^"]*" title="Search") aria-label="Search"'), r"\1"),
    # The sidebar is a region of the page, so it says so.
    (re.compile('(id="pst-primary-sidebar")( class)'), r'\1 role="complementary" aria-label="Contents of the book"\2'),
    # The corner of a table of data is no heading.
    (re.compile('<th(?: class="head")?>(?:<p></p>)?</th>'), "<td></td>"),
    # Every exercise and every solution has the same id, so only one on a page could be meant.
    (re.compile('<section id="(?:exercise|solution)-content">'), "<section>"),
    # A wide table scrolls inside itself, so the keyboard must reach it.
    (re.compile('<table border="1" class="dataframe">'), '<table border="1" class="dataframe" tabindex="0">'),
    (re.compile('<table class="table">'), '<table class="table" tabindex="0">'),
]


def setup(app):
    """Register the handlers; those on html-page-context run after the theme's own (priority 501)."""
    app.connect("config-inited", relative_templates, priority=999)
    app.connect("builder-inited", add_vendored_scripts)
    app.connect("doctree-read", note_sources)
    app.connect("env-get-outdated", outdated_pages)
    app.connect("html-page-context", mend_buttons, priority=900)
    app.connect("html-page-context", stamp, priority=901)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def relative_templates(app, config):
    """Name folders of templates from the book's own: .buildinfo hashes them, and two clones shall give one site."""
    relative = (os.path.relpath(Path(app.confdir, path), app.confdir) for path in config.templates_path)
    config.templates_path = list(dict.fromkeys(relative))


def add_vendored_scripts(app):
    """Copy vendor/ into _static without a script tag on every page, which is what book/_static would get."""
    app.config.html_static_path.append(str(ROOT / "vendor"))


def note_sources(app, doctree):
    """Record what a page is made of: the bytes of its source, and the notebooks whose glued values it quotes."""
    page = app.env.docname
    quoted = {node.refdoc for node in doctree.findall(PendingGlueReference)}
    app.env.metadata[page].update(source_digest=digest(Path(app.env.doc2path(page))), quotes=sorted(quoted))


def outdated_pages(app, env, added, changed, removed):
    """Return the pages that quote a changed notebook: cross-page glue is no dependency that Sphinx records."""
    return sorted(page for page in env.found_docs - removed if changed & set(env.metadata[page].get("quotes", [])))


def stamp(app, pagename, templatename, context, doctree):
    """Write into a page which bytes it was built from, and remember that it was written."""
    if source := app.env.metadata.get(pagename, {}).get("source_digest"):
        context["metatags"] = f'{context.get("metatags", "")}\n<meta name="source-digest" content="{source}">'
    app.written_pages = {*getattr(app, "written_pages", ()), pagename}


def mend_buttons(app, pagename, templatename, context, doctree):
    """Point launch, edit and download buttons at files that exist in the repository or in the built site."""
    for button in _links(context.get("header_buttons", [])):
        suffix = ".py" if "/edit/" in button["url"] else ".ipynb"
        button["url"] = NOTEBOOK_URL.sub(rf"notebooks/\1{suffix}", button["url"])
    if pagename.startswith("notebooks/"):
        _add_source_download(context, pagename)


def _links(buttons):
    for button in buttons:
        yield from _links(button.get("buttons", []))
        if "url" in button:
            yield button


def _add_source_download(context, pagename):
    group = next((b for b in context.get("header_buttons", []) if b.get("label") == "download-buttons"), None)
    if group is None:
        return
    group["buttons"].insert(
        1,
        {
            "type": "link",
            "url": f"{context['pathto']('_sources', 1)}/{pagename}.py",
            "text": ".py",
            "icon": "fas fa-file-code",
            "tooltip": "Download source as a Python script",
            "label": "download-script-button",
        },
    )


def finish(app, exception):
    """Mend the pages written this time and put the notebooks' sources beside them."""
    if exception or app.builder.format != "html":
        return
    written = [Path(app.builder.get_outfilename(name)) for name in getattr(app, "written_pages", ())]
    for page in filter(Path.exists, written):
        html = mended(page.read_text(encoding="utf-8"))
        page.write_text(with_sizes(html, page.parent), encoding="utf-8")
    copy_sources(Path(app.srcdir).parent / "notebooks", Path(app.outdir) / "_sources" / "notebooks")


def mended(html: str) -> str:
    for pattern, replacement in MENDS:
        html = pattern.sub(replacement, html)
    return html


def copy_sources(notebooks: Path, target: Path):
    for source in sorted(notebooks.glob("*.py")):
        if (target / f"{source.stem}.ipynb").exists():
            shutil.copyfile(source, target / source.name)
