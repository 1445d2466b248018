"""Make everything a class uses from course/NN_topic.py, the only source of a lesson.

For each lesson: its executed copy in book/course where it is stale, the guide in book/teach, the slides in
_build/slides, and the committed notebooks in course/exercises and course/solutions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import check_site
import freshness
import lesson_guide
import lesson_notebooks
import lesson_slides
import nbformat
import run_notebooks
import yaml
from lesson import Lesson, faults, lessons, read

ROOT = Path(__file__).resolve().parent.parent


def committed(lesson: Lesson, root: Path, registry: dict) -> dict[Path, str]:
    """Return the notebooks of a lesson that are committed: path -> text."""
    address = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    source = lesson_notebooks.source_notebook(lesson, registry, address)
    made = {"solutions": source, "exercises": lesson_notebooks.released(source)}
    return {root / "course" / k / f"{lesson.stem}.ipynb": nbformat.writes(nb) + "\n" for k, nb in made.items()}


def unlisted(lesson: Lesson, root: Path) -> list[str]:
    """Report pages of a lesson that the table of contents lacks."""
    contents = (root / "book" / "_toc.yml").read_text(encoding="utf-8")
    wanted = (f"course/{lesson.stem}", f"teach/guide_{lesson.number:02d}")
    return [f"book/_toc.yml does not list {page}" for page in wanted if f"file: {page}\n" not in contents]


def stale(files: dict[Path, str]) -> list[Path]:
    """Return the files that do not hold what they should."""
    return [p for p, text in files.items() if not p.exists() or p.read_text(encoding="utf-8") != text]


def write(files: dict[Path, str | bytes]) -> None:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def pages(lesson: Lesson, root: Path, registry: dict) -> dict[Path, str | bytes]:
    """Return what the site needs of an executed lesson: path -> content."""
    executed = nbformat.read(root / "book" / "course" / f"{lesson.stem}.ipynb", as_version=4)
    slides, pictures = lesson_slides.slides_page(lesson, executed.cells, registry)
    folder = root / "_build" / "slides"
    return {
        root / "book" / "teach" / f"guide_{lesson.number:02d}.md": lesson_guide.guide_page(lesson, registry),
        folder / f"{lesson.stem}.html": slides,
        **{folder / name: content for name, content in pictures.items()},
    }


def execute(path: Path, root: Path, shared: dict[str, str], force: bool) -> list[str]:
    """Run a lesson if it must; return what is wrong with its executed copy."""
    source = path.with_suffix(".ipynb")
    if run_notebooks.run_one(source, root, shared, ({}, [{}]), force):
        return ["failed"]
    return check_site.notebook_faults(freshness.copy_of(source, root))


def remove_strays(root: Path, stems: set[str]) -> list[str]:
    """Remove built pages of lessons that are gone; return the committed notebooks that have no lesson."""
    numbers = {stem.split("_")[0] for stem in stems}
    built = [p for p in (root / "book/teach").glob("guide_*.md") if p.stem.split("_")[1] not in numbers]
    built += [p for p in (root / "_build/slides").glob("*") if p.stem.split("-")[0] not in stems]
    for path in built:
        path.unlink()
    kept = [p for folder in ("exercises", "solutions") for p in (root / "course" / folder).glob("*.ipynb")]
    return [f"course/{p.parent.name}/{p.name}: there is no such lesson" for p in kept if p.stem not in stems]


def make(path: Path, root: Path, registry: dict, options: argparse.Namespace, shared: dict[str, str]) -> list[str]:
    """Make what one lesson gives; return its faults."""
    lesson = read(path)
    if found := [*faults(lesson, registry), *unlisted(lesson, root)]:
        return found
    files = committed(lesson, root, registry)
    if options.check:
        return [f"course/{p.parent.name}/{p.name} differs from the lesson; run make course" for p in stale(files)]
    if not options.pages:
        write({p: files[p] for p in stale(files)})
    if not options.sources and not (found := execute(path, root, shared, options.force)):
        write(pages(lesson, root, registry))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="lessons (01_confidence); all of them by default")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="only compare the committed notebooks with the lessons")
    only.add_argument("--sources", action="store_true", help="only write the committed notebooks; run nothing")
    only.add_argument("--pages", action="store_true", help="only make guides and slides; leave what is committed")
    parser.add_argument("--force", action="store_true", help="run even what is unchanged")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    from dualalign import course

    root, registry = options.root.resolve(), course.exercises()
    found, known = lessons(root), {path.stem for path in lessons(root)}
    if missing := sorted(set(options.names) - known):
        print(f"{missing[0]}: no such lesson; known: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    wrong = remove_strays(root, known)
    shared = {} if options.check or options.sources else freshness.shared_inputs(root)
    for path in found:
        if not options.names or path.stem in options.names:
            wrong += [f"{path.stem}: {fault}" for fault in make(path, root, registry, options, shared)]
    print("\n".join(wrong) if wrong else f"course: {len(known)} lessons are in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
