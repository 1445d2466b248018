"""Open an interactive figure in a headless browser, act on it, and read what it then shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=3000",
)
HEAD = '<!doctype html><html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><body>'
DRIVER = """<script>
var root = document.querySelector('.da-figure'), seen = [];
function part(name, i) { return root.querySelectorAll("[data-part='" + name + "']")[i || 0]; }
function move(name, value) { part(name).value = value; part(name).dispatchEvent(new Event('input')); keep(); }
function press(name, i) { part(name, i).click(); keep(); }
function keep() {
  seen.push({state: JSON.parse(root.dataset.state), text: root.querySelector('output').textContent,
             code: part('code').textContent, title: part('title').textContent, height: root.offsetHeight,
             svg: root.querySelector('svg').outerHTML, said: [].map.call(root.querySelectorAll('input'),
             function (input) { return input.getAttribute('aria-valuetext'); })});
}
keep();
%s
window.dispatchEvent(new Event('beforeprint')); keep();
window.dispatchEvent(new Event('afterprint')); keep();
var page = {seen: seen, wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
            small: [].filter.call(root.querySelectorAll('input,select,button'), function (node) {
              return node.offsetHeight < 44; }).length};
var out = document.createElement('pre'); out.id = 'seen'; out.textContent = JSON.stringify(page);
document.body.appendChild(out);
</script>"""


def browse(html: str, actions: str, folder) -> dict:
    """Return what the figure shows first, after each ``move(part, value)`` and ``press(part, i)``, printed, and last.

    ``seen`` is that list; ``wide``: the page scrolls sideways at 390 px; ``small`` counts controls under 44 px.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium here: the page's own numbers were not compared with Python's")
    (folder / "page.html").write_text(HEAD + html + DRIVER % actions, encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=390,900", "--dump-dom"]
    dom = subprocess.run(
        [*command, (folder / "page.html").as_uri()], capture_output=True, text=True, timeout=300
    ).stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)[1]
    return json.loads(re.sub(r"&lt;|&gt;|&amp;", lambda m: {"&lt;": "<", "&gt;": ">", "&amp;": "&"}[m[0]], found))


class Page(HTMLParser):
    """Collects tags; their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


def check_form(html: str) -> None:
    """Assert what every interactive figure promises about its HTML."""
    page = Page(html)
    assert len(html.encode()) < 100_000
    assert len(page.all("script")) == 1  # no text of the data became a tag
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labelled = {attrs["for"] for attrs in page.all("label")}
    assert labelled == {attrs["id"] for tag in ("input", "select") for attrs in page.all(tag)}
    assert all(attrs["aria-valuetext"] for attrs in page.all("input"))
    assert page.all("output")[0]["aria-live"] == "polite"
    assert page.all("svg")[0]["role"] == "img"
    assert page.all("title")[0]["id"] == page.all("svg")[0]["aria-labelledby"]
    assert page.all("noscript")
    assert not re.search(r"https?://|var\(--|\{\w+\}<", html)


def static_parts(html: str) -> tuple[str, str]:
    """Return the SVG and the line of numbers as Python wrote them."""
    svg = re.search(r"<svg .*?</svg>(?=<p>)", html, re.DOTALL)[0]
    return svg, re.sub("<.*?>", "", re.search(r"<output.*?</output>", html)[0])


def same_drawing(one: str, other: str) -> None:
    """Assert that two SVG texts differ by nothing but the rounding of coordinates."""
    number = r"-?\d+\.\d+"
    plain = [re.sub(r"\s*/>", ">", re.sub(r"></(path|rect|line|circle|polyline)>", ">", s)) for s in (one, other)]
    assert re.sub(number, "#", plain[0]) == re.sub(number, "#", plain[1])
    values = [[float(x) for x in re.findall(number, s)] for s in plain]
    assert values[0] == pytest.approx(values[1], abs=0.0101)


def run_code(code: str, **names: object) -> object:
    """Run two copied lines as a notebook would, and return the value of the last."""
    assert code.count("\n") == 1
    first, last = code.split("\n")
    exec(first, names)
    return eval(last, names)
