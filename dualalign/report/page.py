"""The report as one HTML page that makes no request; what its scripts may do is said in its policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dualalign.report.article import article
from dualalign.report.html import policy
from dualalign.report.several import front

if TYPE_CHECKING:
    from dualalign.questions import Question
    from dualalign.traces import Traces

_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
_HERE = Path(__file__)


def page(
    named: Sequence[tuple[str, Traces]],
    asked: Mapping[str, Question] | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> str:
    """Return the whole page.

    Parameters
    ----------
    named : traces with what each is called
    asked : questions by id, where their file is at hand
    tell : called with each trace's name before its slow part
    """
    articles = []
    for place, (name, traces) in enumerate(named, start=1):
        tell(name)
        articles.append(article(name, traces, place))
    several = len(articles) > 1
    body = (front(articles) if several else "") + "".join(one.html(asked) for one in articles)
    own = [_read("sort.js")] if several else []
    body += WORDS + "".join(f"<script>{script}</script>" for script in own)
    allowed = [script for one in articles for script in _SCRIPT.findall(one.calibration)] + own
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(allowed)}">'
        '<title>DualAlign report</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_read('report.css')}</style></head><body><main>"
    )
    return f"{head}<h1>Can this model's confidence be repaired?</h1>{body}</main></body></html>\n"


def _read(name: str) -> str:
    return _HERE.with_name(name).read_text(encoding="utf-8")


WORDS = (
    "<details><summary>Words on this page</summary><dl>"
    "<dt>PLM, PoLM</dt><dd>The pre-trained language model, and the post-trained one made from it.</dd>"
    "<dt>Confidence</dt><dd>The probability that a model gives to the option "
    "it predicts.</dd>"
    "<dt>Temperature T</dt><dd>What the PoLM's logits are divided by; above 1 it lowers confidence.</dd>"
    "<dt>ECE</dt><dd>Expected calibration error: the mean gap between confidence and accuracy over ten bins. Its "
    "interval corrects for noise, so it may lie below the value itself.</dd>"
    "<dt>Noise floor</dt><dd>The ECE that a perfectly calibrated model with the same confidences would show.</dd>"
    "<dt>Divergence</dt><dd>Jensen-Shannon divergence of both models' beliefs at a layer, 0 to ln 2 = 0.693 nats.</dd>"
    "<dt>Peak divergence layer (PDL)</dt><dd>The layer at which the divergence changes most from the layer before.</dd>"
    "<dt>Stability entropy (ISE)</dt><dd>Mean entropy of a model's answers from the peak layer to the last.</dd>"
    "</dl></details>"
)
