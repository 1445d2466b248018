"""Make what a release hands out, in dist/: wheel, source archive, traces, site, their checksums and the notes.

One commit gives the same bytes each time: times are the commit's, names are sorted, and the wheel is built twice, from
the source archive and from the tree, and compared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
(__version__,) = re.findall(r'^__version__ = "(.+)"$', (ROOT / "dualalign/__init__.py").read_text(), re.MULTILINE)
LICENCES = ("LICENSE", "LICENSE-prose", "data/README.md", "data/adapters/NOTICE", "data/adapters/GEMMA_TERMS.txt")
TRACES = ("data/traces", "data/results", *LICENCES)
FIRST_YEAR = 315_532_800  # 1980, where the times of a zip archive begin


def epoch(root: Path = ROOT) -> int:
    """Seconds that every file of the release is dated with: SOURCE_DATE_EPOCH, else the commit's."""
    said = os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct")
    return max(int(said), FIRST_YEAR)


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout


def packages(out: Path, seconds: int, root: Path = ROOT) -> Path:
    """Build source archive and wheel; the wheel from the archive must be the wheel from the tree, byte for byte.

    Raises
    ------
    ValueError
        If the two wheels differ: the source archive lacks a file, or the build is not reproducible.
    """
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(seconds)}
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir"]
    with tempfile.TemporaryDirectory() as scratch:
        for words in ([scratch, "--wheel"], [out]):
            subprocess.run([*build, *words, root], env=environment, check=True, capture_output=True, text=True)
        (from_tree,) = Path(scratch).glob("*.whl")
        if from_tree.read_bytes() != (out / from_tree.name).read_bytes():
            raise ValueError(f"{from_tree.name}: built from the source archive it is another than from the tree")
    return out / from_tree.name


def archive(path: Path, files: Mapping[str, Path], seconds: int) -> Path:
    """Write a zip archive whose bytes depend on nothing but names, contents and one time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as written:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system
            written.writestr(entry, file.read_bytes())
    return path


def traces(out: Path, seconds: int, root: Path = ROOT) -> Path:
    """Archive the traces and results that git knows, with licences, in one folder with the paths of the repository."""
    listed = _git(root, "ls-files", "-z", *TRACES).split("\0")
    files = {f"dualalign-{__version__}/{name}": root / name for name in listed if name}
    return archive(out / f"dualalign-traces-{__version__}.zip", files, seconds)


def site(out: Path, seconds: int, html: Path) -> Path:
    """Archive the built site; it is read from its folder, without a server."""
    if not (html / "index.html").is_file():
        raise ValueError(f"{html}: no built site; run make book first")
    files = {f"dualalign-site/{p.relative_to(html).as_posix()}": p for p in html.rglob("*") if p.is_file()}
    return archive(out / f"dualalign-site-{__version__}.zip", files, seconds)


def checksums(out: Path, files: list[Path]) -> Path:
    """Write SHA256SUMS as ``sha256sum --check`` reads it."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files)]
    path = out / "SHA256SUMS"
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    return path


def notes(changelog: str, version: str = __version__) -> str:
    """What CHANGELOG.md says of a version, without its heading.

    Raises
    ------
    ValueError
        If it has no heading ``## VERSION - YYYY-MM-DD`` or nothing below it.
    """
    heading = rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md: no '## {version} - YYYY-MM-DD' with text below it")
    return found[1].strip() + "\n"


def check_tag(tag: str) -> None:
    """Refuse a tag that names another version; empty says that none is meant."""
    if tag and tag != f"v{__version__}":
        raise ValueError(f"tag {tag}: dualalign/__init__.py says {__version__}")


def make(out: Path, html: Path, tag: str) -> list[Path]:
    """Make everything in a folder beside ``out``, which takes its place when all of it is there."""
    check_tag(tag)
    said, seconds = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")), epoch()
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    made = [site(part, seconds, html), traces(part, seconds), packages(part, seconds), *part.glob("*.tar.gz")]
    checksums(part, made)
    (part / "NOTES.md").write_text(said, encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return sorted(out.iterdir())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--site", type=Path, default=ROOT / "_build/html")
    parser.add_argument("--tag", default="", help="the tag that is released, vVERSION")
    asked = parser.parse_args(arguments)
    try:
        made = make(asked.out, asked.site, asked.tag)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"release: {error}\n{getattr(error, 'stderr', '') or ''}".rstrip(), file=sys.stderr)
        return 1
    for file in made:
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
