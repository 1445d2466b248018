"""The report: its verdict in every situation, its HTML, and how it is written."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from pairs_kit import calibrated_pair

from dualalign import metrics
from dualalign.calibrators import METHODS, PLAIN_METHODS
from dualalign.checks import confidence_pairs
from dualalign.report import judge, side_by_side, write_report
from dualalign.report.html import cell, table


def states(traces):
    return {check.name: check.state for check in judge(traces).checks}


def test_good_pair_is_used_with_its_temperature_and_means():
    traces = calibrated_pair()
    verdict = judge(traces)
    t = METHODS["dual-align"]().fit(traces).temperature_
    before, after = (confidence_pairs(traces, traces.polm_final, at)[0].mean() for at in (1.0, t))
    assert verdict.state == "ok"
    assert verdict.sentence == f"Use T = {t:.2f}: mean confidence falls from {before:.2f} to {after:.2f}."


def test_plm_that_is_not_calibrated_forbids_use():
    traces = calibrated_pair(plm_sharp=4.0, sharp=9.0)
    verdict = judge(traces)
    error = metrics.ece(*confidence_pairs(traces, traces.plm_final))
    assert verdict.state == "fail"
    assert verdict.sentence.startswith("Do not use: the PLM is not calibrated on these questions")
    assert f"ECE {error:.3f}" in verdict.sentence


def test_without_labels_the_premise_is_said_to_be_unknown():
    verdict = judge(calibrated_pair(labelled=False))
    unknown = {check.name for check in verdict.checks if check.state == "unknown"}
    assert unknown == {"plm-above-chance", "plm-calibrated", "error-falls"}
    assert verdict.sentence.endswith("It rests on the PLM's calibration, which cannot be known here.")


def test_no_finite_optimum_forbids_use():
    traces = calibrated_pair()
    verdict = judge(replace(traces, plm_logits=np.zeros_like(traces.plm_logits)))
    assert verdict.state == "fail"
    assert "no finite optimum" in verdict.sentence


def test_optimum_at_an_edge_forbids_use():
    traces = calibrated_pair(200)
    hot = replace(traces, polm_logits=(traces.plm_logits * 1000).astype(np.float32))  # the same beliefs, T = 1000
    assert "upper edge" in judge(hot).sentence or "no finite optimum" in judge(hot).sentence
    assert judge(hot).state == "fail"


def test_few_agreeing_questions_forbid_use():
    verdict = judge(calibrated_pair(25))
    assert "too few questions on which the two models agree" in verdict.sentence


def test_polm_less_confident_than_plm_asks_for_care():
    assert states(calibrated_pair(sharp=0.6))["direction"] == "care"


def test_side_by_side_judges_every_method_on_the_other_half():
    traces = calibrated_pair(200)
    results, how = side_by_side(traces)
    assert set(results["method"]) == set(PLAIN_METHODS)
    assert how == "Fitted on 100 questions drawn at random, judged on the other 100."
    fit, test = next(metrics.repeated_splits(traces.question_ids, traces.groups, fraction=0.5, seeds=[0]))
    fitted, judged = METHODS["daca"]().fit(traces.select(fit)), traces.select(test)
    row = results.set_index("method").loc["daca"]
    assert row["temperature"] == fitted.temperature_
    assert row["value"] == metrics.ece(fitted.confidence(judged), fitted.prediction(judged) == judged.labels)


def test_a_method_that_cannot_be_fitted_says_why():
    results, _ = side_by_side(calibrated_pair(60, labelled=False))
    row = results.set_index("method").loc["temperature-scaling"]
    assert "labels are all unknown" in row["note"]
    assert np.isnan(results["value"]).all()


class Page(HTMLParser):
    """Checks that elements nest and collects them."""

    VOID = ("meta", "input", "br", "path", "use", "line", "circle", "rect", "polyline", "image", "link")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if not self.open or self.open[-1] != "script" else ""


@pytest.fixture(scope="module", params=[True, False], ids=["labels", "no-labels"])
def html(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(calibrated_pair(150, labelled=request.param), out) == out
    return out.read_text(encoding="utf-8")


def test_page_escapes_every_text_of_the_trace(html):
    page = Page(html)
    assert not page.open
    scripts = [tag for tag, _ in page.tags].count("script")
    assert scripts == html.count('class="da-figure da-slider"')  # none but the slider's own
    assert "<script>alert(" not in html
    assert "<script>alert(" in page.text
    assert "<b>base</b>" not in html
    assert "g&amp;" in html


def test_page_is_self_contained_and_its_figures_have_text(html):
    addresses = [attrs[key] for _, attrs in Page(html).tags for key in ("src", "href", "xlink:href") if key in attrs]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert not re.search(r"url\((?!#)|@import|<link", html)
    pictures = [attrs for tag, attrs in Page(html).tags if tag == "svg"]
    assert len(pictures) >= 4
    assert all(p["role"] == "img" and (p.get("aria-label") or p.get("aria-labelledby")) for p in pictures)
    ids = [attrs["id"] for _, attrs in Page(html).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_page_says_what_cannot_be_known_exactly_where_there_are_no_labels(html):
    assert ("What cannot be known" in html) != ("Reliability of the PLM" in html)


def test_same_traces_give_the_same_bytes_and_several_make_one_page(tmp_path):
    traces = calibrated_pair(80)
    traces.save(tmp_path / "a.safetensors")
    first = write_report([tmp_path / "a.safetensors", traces], tmp_path / "one.html").read_bytes()
    second = write_report([str(tmp_path / "a.safetensors"), traces], tmp_path / "two.html").read_bytes()
    assert first == second
    assert first.count(b"<article ") == 2
    assert b"<h2><bdi>a.safetensors</bdi></h2>" in first


def test_bad_input_is_one_line_and_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match=r"missing\.safetensors"):
        write_report(tmp_path / "missing.safetensors", tmp_path / "r.html")
    with pytest.raises(ValueError, match="does not exist"):
        write_report(calibrated_pair(30), tmp_path / "nowhere" / "r.html")
    with pytest.raises(ValueError, match="traces is empty"):
        write_report([], tmp_path / "r.html")
    (tmp_path / "q.jsonl").write_text('{"id": "other", "question": "?", "options": ["a", "b"], "answer": 0}')
    with pytest.raises(ValueError, match=r"q\.jsonl: none of its questions stands in the traces"):
        write_report(calibrated_pair(30), tmp_path / "r.html", tmp_path / "q.jsonl")
    (tmp_path / "q.jsonl").unlink()
    assert list(tmp_path.iterdir()) == []


def test_cells_and_tables():
    assert [cell(v) for v in (0.12345, float("nan"), float("inf"), 7, "x")] == [
        "0.123",
        "",
        "no finite optimum",
        "7",
        "x",
    ]
    shown = table(("a", "b"), [("<i>", "<b>")], "Things")
    assert '<th scope="row"><bdi>&lt;i&gt;</bdi></th><td><bdi>&lt;b&gt;</bdi></td>' in shown
