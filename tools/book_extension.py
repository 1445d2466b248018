"""What the book needs of Sphinx beyond its settings: vendored scripts, true links behind the buttons, accessible roles.

The pages under ``notebooks/`` are built from executed copies that are not committed, so every button of the theme that
leads to the repository is pointed at the committed notebook (Colab, Binder) or at its reviewed source (edit).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK_URL = re.compile(r"book/notebooks/([\w-]+)\.ipynb")


def setup(app):
    """Register the handlers; those on html-page-context run after the theme's own (priority 501)."""
    app.connect("builder-inited", add_vendored_scripts)
    app.connect("env-get-outdated", outdated_pages)
    app.connect("html-page-context", mend_buttons, priority=900)
    app.connect("html-page-context", mend_body, priority=900)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_sources)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def add_vendored_scripts(app):
    """Copy vendor/ into _static without a script tag on every page, which is what book/_static would get."""
    app.config.html_static_path.append(str(ROOT / "vendor"))


def outdated_pages(app, env, added, changed, removed):
    """Return every page when a notebook changed: cross-page glue is no dependency that Sphinx records."""
    notebooks = [name for name in added | changed if name.startswith("notebooks/")]
    return sorted(env.found_docs - removed) if notebooks else []


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


def mend_body(app, pagename, templatename, context, doctree):
    """Give bibliography entries a role that stands in a list: doc-biblioentry is deprecated and fails the audit."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def drop_thebe(app, pagename, templatename, context, doctree):
    """Leave out the live-code script, which names an address on every page even when it is switched off."""
    kept = [
        script for script in context.get("script_files", []) if "thebe" not in str(getattr(script, "filename", script))
    ]
    context["script_files"] = [script for script in kept if "thebe" not in str(getattr(script, "attributes", ""))]


def copy_sources(app, exception):
    """Put the percent-format sources beside the notebooks that the download button offers."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_sources" / "notebooks"
    for source in sorted((Path(app.srcdir).parent / "notebooks").glob("*.py")):
        if (target / f"{source.stem}.ipynb").exists():
            shutil.copyfile(source, target / source.name)
