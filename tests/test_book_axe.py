"""The audit names what is planted: a pale text, a wide block, a script that fails, a page that moves, a deaf theme."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / "tools" / "axe"
PAGE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><title>T</title></head><body><main><h1>One</h1>
<div id="late"></div><p>Text that moves, a good deal of it.</p><p style="color:#aaa">pale</p>
<div style="width:700px">wide</div></main><script>
const later = (steps) => requestAnimationFrame(() => steps ? later(steps - 1)
  : document.getElementById("late").style.height = "600px");
later(2); throw new Error("planted")</script></body></html>"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    if not (shutil.which("node") and (AXE / "node_modules").is_dir()):
        pytest.skip("no node or no axe here: make check installs it")
    site = tmp_path_factory.mktemp("site")
    (site / "a.html").write_text(PAGE, encoding="utf-8")
    result = subprocess.run(["node", AXE / "check.mjs", site], capture_output=True, text=True, check=False)
    if "no Chromium" in result.stderr:
        pytest.skip("no chromium here: nothing was audited")
    assert result.returncode == 1, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "fault",
    [
        "a.html (light, 390 px): is 708 px wide on a screen of 390 px",
        "a.html (light, 768 px): script error: planted",
        "a.html (light, 390 px): moves by 0.",
        "a.html (dark, 1440 px): the theme is light",
        "a.html (dark, 768 px): color-contrast: ",
        "allowed.json: nothing needs the entry",
        "axe: 1 pages, light and dark, 390, 768, 1440 px: ",
    ],
)
def test_what_is_planted_is_named(said, fault):
    assert fault in said
