"""What a release hands out: archives that are the same bytes each time, checksums that check, notes, the right tag."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
import release
import wheel_test

import dualalign as da

ROOT = Path(release.ROOT)
SECONDS = 1_700_000_001
CHANGELOG = "## 2.0.0 - 2027-01-02\n\nNew:\n\n- a\n\n## 1.0.0 - 2026-01-02\n\n- b\n\n## 0.1.0 (unreleased)\n\n- c\n"


@pytest.fixture
def small(tmp_path):
    """A repository with data of a few bytes, and a site of two files."""
    root = tmp_path / "repository"
    for name in (
        *release.LICENCES,
        "data/traces/b.safetensors",
        "data/traces/a.safetensors",
        "data/results/t/x.parquet",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "data/traces/mine.safetensors").write_text("not tracked")
    (root / "html/_static").mkdir(parents=True)
    (root / "html/index.html").write_text("<p>")
    (root / "html/_static/a.js").write_text("1")
    return root


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archived:
        return archived.namelist()


def test_trace_archive_holds_what_git_knows_and_the_licences(small, tmp_path):
    made = release.traces(tmp_path, SECONDS, small)
    top = f"dualalign-{da.__version__}/"
    expected = [*release.LICENCES, "data/traces/a.safetensors", "data/traces/b.safetensors", "data/results/t/x.parquet"]
    assert names(made) == sorted(top + name for name in expected)
    with zipfile.ZipFile(made) as archived:
        assert archived.testzip() is None
        assert archived.read(top + "data/traces/b.safetensors") == b"content of data/traces/b.safetensors"


def test_an_archive_is_the_same_bytes_at_another_time_with_other_rights(small, tmp_path):
    first = release.site(tmp_path, SECONDS, small / "html").read_bytes()
    copy = shutil.copytree(small / "html", tmp_path / "copy", copy_function=shutil.copyfile)
    os.utime(copy / "index.html", (0, 0))
    (copy / "_static/a.js").chmod(0o600)
    assert release.site(tmp_path, SECONDS, copy).read_bytes() == first
    assert release.site(tmp_path, SECONDS + 60, copy).read_bytes() != first


def test_an_archive_unpacks_with_its_time_and_readable(small, tmp_path):
    with zipfile.ZipFile(release.site(tmp_path, SECONDS, small / "html")) as archived:
        (page,) = (entry for entry in archived.infolist() if entry.filename.endswith("index.html"))
    assert page.date_time == (*time.gmtime(SECONDS)[:5], time.gmtime(SECONDS).tm_sec // 2 * 2)  # zip knows even seconds
    assert page.external_attr >> 16 & 0o777 == 0o644


def test_checksums_are_those_of_sha256sum(small, tmp_path):
    made = [release.site(tmp_path, SECONDS, small / "html"), release.traces(tmp_path, SECONDS, small)]
    sums = release.checksums(tmp_path, made)
    check = ["sha256sum", "--check", "--strict", sums.name]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    made[0].write_bytes(made[0].read_bytes() + b"x")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_notes_are_one_version_of_the_changelog():
    assert release.notes(CHANGELOG, "2.0.0") == "New:\n\n- a\n"
    assert release.notes(CHANGELOG, "1.0.0") == "- b\n"


@pytest.mark.parametrize("version", ["0.1.0", "1.0", "3.0.0"])
def test_an_undated_or_absent_version_has_no_notes(version):
    with pytest.raises(ValueError, match=re.escape(f"no '## {version} - YYYY-MM-DD'")):
        release.notes(CHANGELOG, version)


def test_this_version_can_be_released():
    assert release.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    release.check_tag(f"v{da.__version__}")
    with pytest.raises(ValueError, match="tag v0"):
        release.check_tag("v0.0.1")


def test_time_is_the_one_asked_for_and_never_before_zip_began(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert release.epoch() == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert time.gmtime(release.epoch()).tm_year == 1980


def test_a_fault_is_one_line_and_leaves_the_last_release(small, tmp_path, capsys):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/kept").write_text("")
    asked = ["--out", str(tmp_path / "dist"), "--site"]
    assert release.main([*asked, str(tmp_path / "none")]) == 1
    assert release.main([*asked, str(small / "html"), "--tag", "v9"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in said] == ["release", "release"]
    assert "run make book first" in said[0]
    assert (tmp_path / "dist/kept").exists()


def test_two_wheels_that_differ_are_refused(tmp_path, monkeypatch):
    calls = []

    def build(command, **options):
        out = Path(command[command.index("--outdir") + 1])
        (out / "x.whl").write_bytes(bytes([len(calls)]))
        calls.append(options["env"]["SOURCE_DATE_EPOCH"])

    monkeypatch.setattr(release.subprocess, "run", build)
    with pytest.raises(ValueError, match="built from the source archive it is another"):
        release.packages(tmp_path, SECONDS)
    assert calls == [str(SECONDS)] * 2


def test_the_five_lines_of_the_readme_run(capsys, monkeypatch):
    lines = wheel_test.five_lines((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(lines.splitlines()) == 5
    monkeypatch.chdir(ROOT)
    there = {}
    exec(lines, there)
    printed = float(capsys.readouterr().out)
    assert printed == da.DualAlign().fit(da.Traces.load(ROOT / wheel_test.TRACE)).temperature_
    assert there["probabilities"].shape == there["traces"].polm_logits.shape[::2]
    assert wheel_test.TRACE in lines
