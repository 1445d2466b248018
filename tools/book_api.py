"""A page for every public object, written from its docstring whenever the book is built.

Pages are made before Sphinx looks for sources, in ``book/api`` (ignored by git), and only where their text changed: the
same module gives the same bytes. ``sphinx.ext.autodoc`` and ``napoleon`` fill in signature, parameters, returns and
errors; this module adds the path of the source, the pages that use the object, and an index page a module.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

from book_public import (
    MODULES,
    ROOT,
    Entry,
    comment,
    entries,
    exists,
    folder,
    identity,
    public_names,
    source_link,
    summary,
)
from book_terms import page_order
from book_uses import linked, uses
from docutils import nodes
from sphinx.ext.autodoc.mock import mock

FOLDER = "api"
HEAVY = ["torch", "transformers", "peft", "gguf", "accelerate", "huggingface_hub", "datasets", "trl"]


def setup(app):
    for extension in ("sphinx.ext.autodoc", "sphinx.ext.napoleon"):
        app.setup_extension(extension)
    app.config.autodoc_mock_imports = HEAVY
    app.config.default_role = "py:obj"  # what a docstring puts between single backticks is a name
    app.config.napoleon_use_ivar = True  # attributes of a dataclass stand in its docstring, once
    app.config.autodoc_member_order = "bysource"
    app.connect("config-inited", write_pages, priority=900)
    app.connect("autodoc-process-docstring", plain_marks, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", plain_signature)
    app.connect("missing-reference", resolve, priority=900)
    app.connect("html-page-context", share_sidebar, priority=100)  # before the theme asks for it
    app.connect("html-page-context", mend_buttons, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


# ---- what a page says


def object_page(entry: Entry, used_on: list[str], repository: str) -> str:
    """Return the page of one object."""
    title = entry.full.removeprefix("dualalign.")
    head = f"{title}\n{'=' * len(title)}\n\nIn :doc:`{entry.module} <index>`."
    if entry.kind == "data":
        body = f".. py:data:: {entry.name}\n\n   {comment(entry)}\n\n   {_value(entry.value)}"
    else:
        options = "\n   :members:\n   :show-inheritance:" if entry.kind == "class" else ""
        body = f".. auto{entry.kind}:: {entry.name}{options}"
        head += f" Source: {source_link(entry.value, repository)}."
    foot = f".. rubric:: Used in\n\n{_list(used_on)}\n" if used_on else ""
    return f":orphan:\n\n{head}\n\n.. py:currentmodule:: {entry.module}\n\n{body}\n\n{foot}"


def _value(value: object) -> str:
    shown = f"Value: ``{value!r}``." if len(repr(value)) < 300 and "`" not in repr(value) else ""
    return shown or f"Type: ``{type(value).__name__}``, of {len(value)}." if hasattr(value, "__len__") else shown


def _list(pages: list[str]) -> str:
    return "\n".join(f"- :doc:`/{page}`" for page in pages)


def module_page(module: str, listed: list[Entry], others: list[tuple[str, Entry]]) -> str:
    """Return the index page of a module; ``others`` are its names for what is described elsewhere."""
    text = escaped((inspect.getdoc(import_module(module)) or "").strip())
    rows = [(f":doc:`{e.name} <{e.page.rsplit('/', 1)[-1]}>`", summary(e.value) or comment(e)) for e in listed]
    rows += [(f":doc:`{name} </{FOLDER}/{e.page}>`", f"See ``{e.full}``.") for name, e in others]
    return f":orphan:\n\n{module}\n{'=' * len(module)}\n\n.. py:module:: {module}\n\n{text}\n\n{_table(rows)}"


def _table(rows: list[tuple[str, str]]) -> str:
    lines = [f"   * - {left}\n     - {_plain(right)}\n" for left, right in rows]
    return ".. list-table::\n   :widths: 35 65\n\n" + "".join(lines)


def _plain(text: str) -> str:
    """Keep the summary a summary: what a docstring marks as a name is a name."""
    return escaped(re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)) or "(no description)"


def index_page(groups: dict[str, list[str]], extra: list[str]) -> str:
    """Return the first page."""
    head = (
        "The module, call by call\n========================\n\nEvery public class and function of ``dualalign``, from "
        "its docstring. ``import dualalign as da`` gives ``da.DualAlign`` and ``da.metrics``; examples begin with that "
        "and with ``import numpy as np``, and all of them are run. :ref:`Every formula <formulas>` has a list of its "
        "own, with the function that computes it.\n\n"
        "In brackets stands where a definition comes from: [P] the paper on Dual-Align, [D] the paper on DACA, [C] its "
        "public code, [R] the public reviews, [O] open: the record does not say, so every reading has a name.\n"
    )
    parts = [(name, [f"dualalign.{module}" for module in modules]) for name, modules in groups.items()]
    parts += [("Further in", extra)] if extra else []
    for name, modules in parts:
        rows = [(f":doc:`{module} <{folder(module)}/index>`", summary(import_module(module))) for module in modules]
        head += f"\n{name}\n{'-' * len(name)}\n\n{_table(rows)}"
    return head


# ---- writing


def pages(repository: str) -> dict[str, str]:
    """Return every page's text by its path below the folder; what runs models is imported without its libraries."""
    with mock(HEAVY):
        return _pages(repository)


def _pages(repository: str) -> dict[str, str]:
    there = set(page_order(ROOT))
    used_on = {name: [page for page in on if page in there] for name, on in uses(ROOT).items()}
    described = entries()
    listed = {entry.module for entry in described}
    deep = frozenset(full for full in {*used_on, *linked(ROOT)} if full.rsplit(".", 1)[0] not in {*listed, "dualalign"})
    described = entries(used=deep)
    home = {identity(entry.value): entry for entry in described}
    by_object = _by_object(used_on)
    made = {f"{e.page}.rst": object_page(e, by_object.get(identity(e.value), []), repository) for e in described}
    modules = {entry.module: [e for e in described if e.module == entry.module] for entry in described}
    for module, own in modules.items():
        names = {e.name for e in own}
        others = [(n, getattr(import_module(module), n)) for n in _offered(module, listed) if n not in names]
        pointed = [(name, home[identity(value)]) for name, value in others if identity(value) in home]
        made[f"{folder(module)}/index.rst"] = module_page(module, own, pointed)
    made["index.rst"] = index_page(MODULES, sorted(set(modules) - listed))
    return made


def _offered(module: str, listed: set[str]) -> list[str]:
    return public_names(import_module(module)) if module in listed else []


def _by_object(used_on: dict[str, list[str]]) -> dict[object, list[str]]:
    """Return the pages that use an object, whatever name they use."""
    found: dict[object, list[str]] = {}
    for full, pages_ in used_on.items():
        module, name = full.rsplit(".", 1)
        known = found.setdefault(identity(getattr(import_module(module), name)), [])
        known += [page for page in pages_ if page not in known]
    return {key: sorted(value) for key, value in found.items()}


def write_pages(app, config):
    """Write the pages that changed and remove those of objects that are gone."""
    # Only the first page is in the table of contents: hundreds of entries in every page's sidebar would cost minutes.
    config.exclude_patterns = [pattern for pattern in config.exclude_patterns if not pattern.startswith(f"{FOLDER}/")]
    target = Path(app.srcdir) / FOLDER
    made = {target / path: text for path, text in pages(repository_url(config)).items()}
    for old in set(target.rglob("*.rst")) - set(made):
        old.unlink()
    for path, text in made.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def repository_url(config) -> str:
    return config.html_theme_options["repository_url"].rstrip("/")


# ---- what Sphinx cannot know


# Code, roles and emphasis, which stay; every other bar or star is part of a formula.
MARKED = re.compile(r"(``.+?``|:\w+:`[^`]*`|(?<![\w*\\])(\*{1,2})(?=[^\s*])[^*]*?[^\s*(]\2(?![\w*]))")


def escaped(text: str) -> str:
    """Keep the bars and stars of formulas as they are: docstrings use no substitutions."""
    found, end = [], 0
    for match in MARKED.finditer(text):
        found += [_escape(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*found, _escape(text[end:])])


def _escape(text: str) -> str:
    return re.sub(r"(?<!\\)[|*]", r"\\\g<0>", text)


NAMED = re.compile(r"(?P<names>[\w*]+(?:, [\w*]+)*) : (?P<text>.+)")
FULL = 95  # characters from which a line was broken: what follows goes on with it


def described(lines: list[str]) -> list[str]:
    """Put what stands behind ``name :`` below it, unless it is a type with its description below: it is no type."""
    found, section = [], ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        section = line if below.startswith("---") else section
        named = NAMED.fullmatch(line) if section in ("Parameters", "Attributes") else None
        typed = below.startswith("    ") and len(line) < FULL
        found += [named["names"], f"    {named['text']}"] if named and not typed else [line]
    return found


def plain_marks(app, what, name, obj, options, lines):
    """Escape the lines of a docstring but for examples and blocks of code."""
    lines[:] = described(lines)
    block = False
    for number, line in enumerate(lines):
        block = (
            line.startswith("    ") or not line.strip() if block else lines[number - 1].endswith("::") and number > 0
        )
        if not block and not line.lstrip().startswith((">>>", "...")):
            lines[number] = escaped(line)


def plain_signature(app, what, name, obj, options, signature, returns):
    """Write what cannot be parsed, the default of a dataclass's field, as dots."""
    return (signature or "").replace("<factory>", "...").replace("~numpy.", "numpy."), returns


LINKED = ("class", "exception", "function")


def resolve(app, env, node, contnode):
    """Find the page of a name that a docstring mentions; what is none of ours stays text."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    objects = env.get_domain("py").objects
    last = target.rsplit(".", 1)[-1]
    found = [full for full, entry in objects.items() if full.rsplit(".", 1)[-1] == last and entry.objtype in LINKED]
    near = [full for full in found if full.rsplit(".", 1)[0] == node.get("py:module")] or found
    if len(near) == 1 and not target.startswith("dualalign."):
        entry = objects[near[0]]
        return _link(app, node, entry.docname, entry.node_id, contnode)
    return None if target.startswith("dualalign.") and not exists(target) else contnode


def _link(app, node, docname: str, anchor: str, contnode) -> nodes.reference:
    uri = app.builder.get_relative_uri(node["refdoc"], docname) + f"#{anchor}"
    return nodes.reference("", "", contnode, refuri=uri, internal=True)


def share_sidebar(app, pagename, templatename, context, doctree):
    """Make the sidebar once for all pages of objects: it is the same on each, and the dearest part of a small page."""
    if pagename.startswith(f"{FOLDER}/") and pagename.count("/") == 2:
        made, shared = context["toctree"], app.__dict__.setdefault("book_api_sidebar", {})

        def toctree(**options):
            key = tuple(sorted(options.items()))
            if key not in shared:
                shared[key] = made(**options)
            return shared[key]

        context["toctree"] = toctree


def mend_buttons(app, pagename, templatename, context, doctree):
    """A generated page has no source to edit and no file in the repository."""
    if pagename.startswith(f"{FOLDER}/"):
        for group in context.get("header_buttons", []):
            buttons = group.get("buttons", [])
            buttons[:] = [button for button in buttons if f"/book/{FOLDER}/" not in button.get("url", "")]
