"""The temperature slider: its numbers against the metrics, and the page's own numbers in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from dualalign import drift, metrics
from dualalign.plots import prepare_slider, slider_state, temperature_slider

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


@pytest.mark.parametrize("temperature", [0.01, 0.7, 1.0, 2.5, 100.0])
def test_state_equals_the_metrics_on_the_rounded_logits(random_traces, temperature):
    traces = random_traces(80, 3, 5, 1, True)
    state = slider_state(prepare_slider(traces), temperature)
    top = traces.polm_final.astype(float).max(axis=1, keepdims=True)
    rounded = -np.round(top - traces.polm_final, 3)
    confidence = np.exp(drift.log_softmax_options(rounded, temperature)).max(axis=1)
    correct = traces.polm_final.argmax(axis=1) == traces.labels
    assert state.ece == pytest.approx(metrics.ece(confidence, correct), abs=1e-12)
    assert state.confidence == pytest.approx(confidence.mean(), abs=1e-12)
    assert state.accuracy == correct.mean()
    assert state.count.sum() == len(traces)


def test_rounding_moves_no_confidence_by_more_than_it_can(random_traces):
    traces = random_traces(200, 3, 4, 2)
    exact = np.exp(drift.log_softmax_options(traces.polm_final)).max(axis=1).mean()
    assert abs(slider_state(prepare_slider(traces), 1.0).confidence - exact) < 2.5e-4  # half a thousandth in each gap


def test_only_labelled_questions_count_and_large_sets_are_sampled(random_traces):
    traces = random_traces(50, 3)
    labels = traces.labels.copy()
    labels[:20] = -1
    data = prepare_slider(replace(traces, labels=labels), limit=10)
    assert (len(data.correct), data.total) == (10, 30)
    assert "10 questions (a random sample of 30)" in temperature_slider(replace(traces, labels=labels), limit=10)


def test_bad_input_is_one_clear_line(random_traces):
    traces = random_traces(5, 3)
    with pytest.raises(ValueError, match="no known label"):
        prepare_slider(replace(traces, labels=np.full(5, -1)))
    with pytest.raises(ValueError, match=r"'x' is -1\.0; a temperature is positive"):
        prepare_slider(traces, {"x": -1.0})


def test_marks_that_are_not_finite_are_left_out_and_one_is_added(random_traces):
    assert prepare_slider(random_traces(5, 3), {"a": np.inf, "b": 2.0}).marks == {"T = 1": 1.0, "b": 2.0}
    assert prepare_slider(random_traces(5, 3), {"as it is": 1.0}).marks == {"as it is": 1.0}


class Page(HTMLParser):
    """Collects tags; their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_page_is_small_repeatable_and_accessible(random_traces):
    traces = random_traces(1500, 2, 5, 4)
    html = temperature_slider(traces, {"Dual-Align": 1.83, "<script>alert(1)</script>": 2.0})
    assert html == temperature_slider(traces, {"Dual-Align": 1.83, "<script>alert(1)</script>": 2.0})
    assert len(html.encode()) < 100_000
    tags = Page(html).tags
    assert [name for name, _ in tags].count("script") == 1  # the name of the mark is text
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    by_name = {name: attrs for name, attrs in tags}
    assert by_name["label"]["for"] == by_name["input"]["id"] == by_name["output"]["for"]
    assert by_name["output"]["aria-live"] == "polite"
    assert by_name["svg"]["role"] == "img"
    assert by_name["title"]["id"] == by_name["svg"]["aria-labelledby"]
    assert "noscript" in by_name
    assert not re.search(r"https?://|var\(--", html)


def test_two_figures_on_a_page_share_no_id(random_traces):
    pages = [temperature_slider(random_traces(20, 2, 4, seed)) for seed in (0, 1)]
    first, second = ({attrs["id"] for _, attrs in Page(page).tags if "id" in attrs} for page in pages)
    assert not first & second


DRIVER = """<script>
var root = document.querySelector('.da-slider'), slider = root.querySelector('input'), seen = [];
%s.forEach(function (t) {
  slider.value = Math.log2(t); slider.dispatchEvent(new Event('input'));
  seen.push(JSON.parse(root.dataset.state));
});
var code = root.querySelector('pre').textContent;
root.querySelectorAll('button')[1].click();
seen.push(JSON.parse(root.dataset.state));
var dots = [].map.call(root.querySelectorAll('[data-part=bin]'), function (g) {
  var c = g.querySelector('circle');
  return c.style.display === 'none' ? null : [+c.getAttribute('cx'), +c.getAttribute('cy')];
});
var page = {seen: seen, dots: dots, code: code, text: root.querySelector('output').textContent,
            wide: document.documentElement.scrollWidth > document.documentElement.clientWidth};
var out = document.createElement('pre'); out.id = 'seen'; out.textContent = JSON.stringify(page);
document.body.appendChild(out);
</script>"""


@pytest.fixture(scope="module")
def browsed(random_traces, tmp_path_factory):
    """What a browser shows: (traces, page), the slider moved, then the button of T = 1.83 pressed."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: the page's own numbers were not compared with Python's")
    folder, traces = tmp_path_factory.mktemp("slider"), random_traces(300, 3, 4, 7, True)
    head = '<!doctype html><html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><body>'
    html = head + temperature_slider(traces, {"Dual-Align": 1.83}) + DRIVER % "[0.3, 1, 2.2, 9.7]"
    (folder / "page.html").write_text(html, encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=390,900", "--dump-dom"]
    dom = subprocess.run(
        [*command, (folder / "page.html").as_uri()], capture_output=True, text=True, timeout=300
    ).stdout
    return traces, json.loads(re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)[1])


def test_browser_computes_what_python_computes(browsed):
    traces, page = browsed
    data = prepare_slider(traces, {"Dual-Align": 1.83})
    assert page["seen"][-1]["t"] == 1.83  # the button sets its exact temperature, not the slider's nearest step
    for seen in page["seen"]:
        state = slider_state(data, seen["t"])
        assert seen["count"] == state.count.tolist()
        expected = [state.ece, state.confidence, state.accuracy]
        assert [seen[key] for key in ("ece", "confidence", "accuracy")] == pytest.approx(expected, abs=1e-12)


def test_browser_draws_the_same_points_and_writes_the_same_numbers(browsed):
    traces, page = browsed
    data = prepare_slider(traces, {"Dual-Align": 1.83})
    state = slider_state(data, 1.83)
    for dot, n, total, right in zip(page["dots"], state.count, state.confidence_sum, state.right, strict=True):
        expected = None if n == 0 else pytest.approx([48 + 300 * total / n, 62 + 300 * (1 - right / n)], abs=0.006)
        assert dot == expected
    assert f"T = 1.830, ECE {state.ece:.3f}, mean confidence {state.confidence:.3f}" in page["text"]
    assert page["code"].count("\n") == 1
    assert not page["wide"]
