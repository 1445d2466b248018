"""The files around the code agree with each other: lock, environment, extras, licences, vendored scripts."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("packaging")
import lock
from packaging.requirements import Requirement
from packaging.version import Version

import dualalign

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_lock(text: str) -> dict[str, list[str]]:
    """Read the groups back: title -> pins."""
    blocks = [block.splitlines() for block in text.strip().split("\n\n")[1:]]
    return {title.removeprefix("# "): lines for title, *lines in blocks}


GROUPS = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
PINS = {line.split("==")[0]: line.split("==")[1] for lines in GROUPS.values() for line in lines}


def test_environment_file_is_made_from_the_lock():
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == lock.environment_text(GROUPS)


def test_environment_file_leaves_out_nothing_that_the_chapters_need():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert all(f"- {name}==" in text for name in ("numpy", "scipy", "papermill", "jupyter-book", "pytest"))
    assert "- torch==" not in text


def test_lock_reads_back_as_written():
    assert read_lock(lock.lock_text(GROUPS)) == GROUPS


def test_every_requirement_is_pinned_within_its_range():
    extras = PROJECT["optional-dependencies"]
    apart = ("course", "rivals")  # environments of their own
    extras = {name: group for name, group in extras.items() if name not in apart}
    requirements = [Requirement(r) for group in [PROJECT["dependencies"], *extras.values()] for r in group]
    for requirement in requirements:
        if requirement.name == PROJECT["name"]:
            continue
        pin = Version(PINS[lock.canonical(requirement.name)])
        assert requirement.specifier.contains(pin), f"{requirement} against the lock's {pin}"


def test_pins_name_no_local_build():
    assert not [pin for pin in PINS.values() if "+" in pin]
    assert PINS["torch"] == "2.13.0"


def test_extras_of_the_project():
    assert {"models", "book", "lab", "dev", "live"} <= PROJECT["optional-dependencies"].keys()


def test_core_needs_no_model_library():
    core = {Requirement(r).name for r in PROJECT["dependencies"]}
    assert not core & {"torch", "transformers", "datasets", "peft", "accelerate"}


def test_vendored_scripts_match_their_checksums():
    rows = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (ROOT / "vendor/README.md").read_text(), re.MULTILINE)
    assert rows
    for name, expected in rows:
        assert hashlib.sha256((ROOT / "vendor" / name).read_bytes()).hexdigest() == expected
    listed = {name for name, _ in rows}
    kinds = {".js", ".css"}
    scripts = {p.relative_to(ROOT / "vendor").as_posix() for p in (ROOT / "vendor").rglob("*.*") if p.suffix in kinds}
    assert scripts == listed


def test_packages_of_the_site_audit_are_pinned_by_their_content():
    packages = json.loads((ROOT / "tools/axe/package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = packages.pop("")["dependencies"]
    assert {name.removeprefix("node_modules/"): found["version"] for name, found in packages.items()} == wanted
    assert all(re.fullmatch(r"sha512-[\w+/]{86}==", found["integrity"]) for found in packages.values())


def test_commands_of_the_documents_exist():
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    documents = ["README.md", ".ci/run", ".github/workflows/checks.yml", "book/rerun.md", "benchmarks/README.md"]
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in documents)
    named = set(re.findall(r"(?:run: |`|^ *)make ([a-z][a-z-]*)\b", text, re.MULTILINE))
    assert {"book", "test", "live", "check", "test-core"} <= named
    assert named - targets <= {"make"}


def test_versions_agree():
    assert PROJECT["dynamic"] == ["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (released,) = re.findall(rf"^## {re.escape(dualalign.__version__)} - (\S+)$", changes, re.MULTILINE)
    assert f"version: {dualalign.__version__}\ndate-released: {released}\n" in citation


def test_tracked_text_names_no_registry_and_no_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert len(listed.stdout.splitlines()) > 100
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "download.pytorch" + ".org"]
    wrong = re.compile("|".join([*map(re.escape, hosts), "/wo" + "rk/", "/ro" + "ot/"]))
    suffixes = {".py", ".md", ".toml", ".yml", ".lock", ".json", ".mjs", ".ipynb", ".sh", ".cff", ""}
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in suffixes and path.is_file() and not name.startswith("vendor/"):
            found = wrong.search(path.read_text(encoding="utf-8", errors="ignore"))
            assert not found, f"{name} names {found.group()}"


def test_ci_script_parses_and_calls_the_commands():
    script = ROOT / ".ci/run"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert all(f"make {target}" in text for target in ("test", "book", "live", "check", "test-core"))
