"""The words of the glossary: what each means, which page explains it, and where a page uses one before it is explained.

``python tools/book_terms.py`` reports, for every page that comes before the explaining page in the order of the table
of contents, a word in the prose that no link explains there. Exit code 0 unless ``--strict`` is given and there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "book" / "glossary.md"

# What else a word is called, beside its plural.
FORMS = {
    "abstention": ["abstain", "abstains"],
    "bootstrap": ["bootstrapped"],
    "ECE": ["expected calibration error"],
    "held-out": ["held out"],
    "interval": ["confidence interval"],
    "ISE": ["inferential stability entropy", "stability entropy"],
    "JSD": ["Jensen-Shannon divergence"],
    "KL divergence": ["Kullback-Leibler divergence"],
    "mid-training": ["mid-trained"],
    "NLL": ["negative log-likelihood"],
    "over-confident": ["over-confidence", "overconfident"],
    "PDL": ["peak divergence layer"],
    "SFT": ["supervised fine-tuning"],
}
# The same letters in another sense.
NOT_THE_WORD = re.compile(r"\b(?:at the risk|risks? of|[Tt]race back|put to the test|excess on)\b")

# What is no prose: fenced blocks, tables, headings, directive options, comments of tools.
FENCE = re.compile(r"^(`{3,}|:{3,})")
LINK = re.compile(r"\[[^\]]*\]\([^)]*\)|\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|<[^>]+>")
HELPS = re.compile(r"\[[^\]]*\]\(([^)#]+)[^)]*\)|\{(?:doc|term|numref|ref)\}`(?:[^`<]*<)?([^`>]+)>?`")


@dataclass(frozen=True)
class Term:
    """A word of the glossary, its definition as plain text, and the page that explains it."""

    name: str
    definition: str
    page: str

    @property
    def forms(self) -> list[str]:
        """Return the word, its plural and its other names."""
        names = [self.name, *FORMS.get(self.name, [])]
        return names + [plural(name) for name in names if not name.endswith(("ed", "ent", "ing", "-out"))]


def plural(name: str) -> str:
    if name.endswith("y"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith("s") else "s")


def load_terms(path: Path = GLOSSARY) -> list[Term]:
    """Read the glossary's page."""
    text = path.read_text(encoding="utf-8").split("```{glossary}", 1)[1].split("```", 1)[0]
    entries = re.findall(r"^(\S.*)\n((?:  .*\n)+)", text, re.MULTILINE)
    return [_term(name.strip(), body) for name, body in entries if not name.startswith(":")]


def _term(name: str, body: str) -> Term:
    text = " ".join(body.split())
    definition, _, rest = text.rpartition("Explained in ")
    page = re.search(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", rest)
    if not page:
        raise ValueError(f"glossary: {name!r} does not say which page explains it")
    return Term(name, re.sub(r"\{\w+\}`([^`<]+)(?: <[^>]*>)?`", r"\1", definition).strip(), page.group(1))


def pattern(terms: list[Term]) -> re.Pattern[str]:
    """Return what finds any form of any word: whole, the longest first; names with capitals as they are written."""
    forms = {form for term in terms for form in _written(term)}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w-])")


def _written(term: Term) -> set[str]:
    """Return the forms with and without a capital in front, unless the word's own letters settle that."""
    forms = set(term.forms)
    return forms | {form[0].upper() + form[1:] for form in forms}


def by_form(terms: list[Term]) -> dict[str, Term]:
    return {form: term for term in terms for form in _written(term)}


def page_order(root: Path = ROOT) -> list[str]:
    """Return the pages as the table of contents lists them."""
    toc = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *_files(toc)]


def _files(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "file" in node:
            yield node["file"]
        for value in node.values():
            yield from _files(value)
    elif isinstance(node, list):
        for value in node:
            yield from _files(value)


def source(page: str, root: Path = ROOT) -> str:
    """Return a page's Markdown: a chapter's from its reviewed script, without its code."""
    for script in (root / f"{page}.py", root / "book" / f"{page}.py"):
        if script.exists():
            cells = re.split(r"^# %%", script.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
            texts = [cell.split("\n", 1)[1] for cell in cells if cell.startswith(" [markdown]")]
            return "\n\n".join(re.sub(r"^# ?", "", text, flags=re.MULTILINE) for text in texts)
    written = root / "book" / f"{page}.md"
    return written.read_text(encoding="utf-8") if written.exists() else ""


def prose(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield each line of prose with what is left of it once links, code and formulas are gone."""
    fence = None
    for line in markdown.splitlines():
        mark = FENCE.match(line.strip())
        if mark and fence is None:
            fence = mark.group(1)
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = None
        elif fence is None and not line.startswith(("#", "|", "$$")):
            yield line, NOT_THE_WORD.sub("", LINK.sub(" ", line))


def too_early(page: str, markdown: str, terms: list[Term], order: list[str]) -> list[str]:
    """Return the words that a page uses before the page that explains them, without a link to it or to the glossary."""
    place = {name: number for number, name in enumerate(order)}
    known, seen, helped = by_form(terms), {}, _helped(markdown)
    for line, rest in prose(markdown):
        for found in pattern(terms).findall(rest):
            seen.setdefault(known[found], line)
    return [
        f"{page}: {term.name!r} is explained in {term.page}, later on: {line.strip()[:90]}"
        for term, line in seen.items()
        if place.get(term.page, 0) > place[page] and not {term.name, term.page.rsplit("/", 1)[-1]} & helped
    ]


def needs_too_early(page: str, markdown: str, order: list[str]) -> list[str]:
    """Return the pages that a page's box asks for and that come only after it."""
    rows = "\n".join(re.findall(r"^\| (?:You need|\*\*Helpful\*\*) *\|.*$", markdown, re.MULTILINE))
    names = [name.rsplit("/", 1)[-1] for name in order]
    later = sorted(_helped(rows) & set(names[order.index(page) + 1 :]))
    return [f"{page}: its box asks for {name}, which comes later" for name in later]


def _helped(markdown: str) -> set[str]:
    """Return the words and the pages that a page links to; the link to the next page comes too late to help."""
    body = re.sub(r"^\*\*Next:\*\*.*$", "", markdown, flags=re.MULTILINE)
    targets = (first or second for first, second in HELPS.findall(body))
    return {Path(target).name.removesuffix(".ipynb").removesuffix(".md") for target in targets}


def unexplained(terms: list[Term], texts: dict[str, str]) -> list[str]:
    """Return the words whose page is no page of the book, or does not even use them."""
    missing = [f"glossary: {t.name!r} is explained in {t.page}, no page" for t in terms if t.page not in texts]
    there = [term for term in terms if term.page in texts]
    silent = [term for term in there if not pattern([term]).search(texts[term.page])]
    return missing + [f"glossary: {t.name!r} is explained in {t.page}, which does not use the word" for t in silent]


def main() -> int:
    terms, order = load_terms(), page_order()
    texts = {page: source(page) for page in order}
    missing = unexplained(terms, texts)
    early = [fault for page, text in texts.items() for fault in too_early(page, text, terms, order)]
    early += [fault for page, text in texts.items() for fault in needs_too_early(page, text, order)]
    print("\n".join(missing + early) if missing + early else "terms: nothing is used before it is explained")
    return 1 if missing or ("--strict" in sys.argv[1:] and early) else 0


if __name__ == "__main__":
    sys.exit(main())
