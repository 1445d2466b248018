"""Two builds are compared byte for byte, and a difference is shown where it begins."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("nbformat")
import build_site
import same_site

PAGES = {"index.html": b"<p>a page</p>", "_images/a.png": bytes(range(256)), "build.json": b"{}"}


def site(folder, changes):
    for name, content in {**PAGES, **changes}.items():
        if content is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"index.html": b"<p>a Page</p>"}, "index.html: from byte 5: b'<p>a page</p>' and b'<p>a Page</p>'"),
        ({"index.html": b"<p>a page</p>\n"}, "index.html: from byte 13: "),
        ({"_images/a.png": bytes(range(255)) + b"\0"}, "_images/a.png: from byte 255: "),
        ({"_images/a.png": b""}, "_images/a.png: from byte 0: "),
        ({"more.html": b""}, "more.html: only in {second}"),
        ({"index.html": None}, "index.html: only in {first}"),
        ({"notebooks/build.json": b"{}"}, "notebooks/build.json: only in {second}"),
    ],
)
def test_a_difference_is_named(tmp_path, capsys, changes, line):
    first, second = site(tmp_path / "a", {}), site(tmp_path / "bb", changes)
    assert same_site.main([str(first), str(second)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1
    assert out[0].startswith(line.format(first=first, second=second))


def test_only_the_stamp_may_differ(tmp_path, capsys):
    first, second = site(tmp_path / "a", {}), site(tmp_path / "bb", {"build.json": b'{"commit": null}'})
    assert same_site.main([str(first), str(second)]) == 0
    assert capsys.readouterr().out == "the same site: 3 files, byte for byte, but for build.json\n"


def test_a_folder_without_a_site_is_one_line(tmp_path, capsys):
    assert same_site.main([str(site(tmp_path / "a", {})), str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: no site; run make book first\n"


def test_the_stamp_says_what_was_built(tmp_path):
    stamp = build_site.stamp(tmp_path, 12.34)
    assert stamp.keys() == {"commit", "built", "python", "system", "seconds"}
    assert json.loads(json.dumps(stamp))["seconds"] == 12.3
