"""The lines to copy: what puts a temperature to use."""

from __future__ import annotations

import shlex
from html import escape
from typing import TYPE_CHECKING

from dualalign import exports
from dualalign.exports.servers import VLLM_MOST
from dualalign.report.html import clipped

if TYPE_CHECKING:
    from dualalign.report.checks import Verdict

OUT = {"generation-config": "generation_config.json", "logits-processor": "temperature.py"}


def serving_section(verdict: Verdict, trace: str) -> str:
    """Return the HTML of the lines to copy; none where the temperature should not be used.

    Parameters
    ----------
    verdict : Verdict
    trace : name of the trace file, as a shell would be given it
    """
    if verdict.state == "fail" or verdict.temperature is None:
        return f"<h3>What to do instead</h3>{INSTEAD}"
    value, method = f"{verdict.temperature:.6g}", verdict.calibrator.name
    lines = (
        ("Read confidence with it, in Python", f"probabilities = softmax(option_logits / {value})"),
        ("Write a file for the serving stack", export_line(trace, method, "generation-config")),
        ("Or set by hand in generation_config.json", f'"do_sample": true, "temperature": {value}'),
    )
    shown = "".join(f"<dt>{escape(what)}</dt><dd><pre data-copy>{escape(code)}</pre></dd>" for what, code in lines)
    formats = ", ".join(f"<code>{name}</code>" for name in exports.FORMATS)
    lines = f'<dl class="lines">{shown}</dl><p>Formats of <code>--format</code>: {formats}.</p>'
    return f"<h3>Use it</h3>{lines}{TOO_HOT if verdict.temperature > VLLM_MOST else ''}{CAREFUL}"


def export_line(trace: str, method: str, kind: str) -> str:
    """Return the command that writes a file of the format `kind`, safe in a shell whatever the file's name."""
    name = shlex.quote(clipped(trace, 1000))
    name = f"./{name}" if trace.startswith("-") else name
    return f"dualalign export {name} --method {method} --format {kind} --out {OUT.get(kind, 'temperature.json')}"


TOO_HOT = (
    f"<p>vLLM and OpenAI's API refuse temperatures above {VLLM_MOST:g}: there ask at 1 and divide the "
    "log-probabilities of the options by T, as the file of <code>--format vllm</code> says.</p>"
)
CAREFUL = (
    '<p class="small">The temperature was learned on the options\' tokens at the end of the prompt. Use it where a '
    "confidence is read there; no answer changes. A server that <em>samples text</em> with it divides the logits of "
    "every token, and a temperature well above 1 then takes probability from the options and makes the text wander.</p>"
)
INSTEAD = (
    "<p>There is no line to copy: the reasons above speak against this temperature. Leave the model as it is (T = 1) "
    "and do not read its confidence as a probability, or label a hundred questions or more and fit on the labels: "
    "<code>dualalign fit TRACES --method temperature-scaling</code>.</p>"
)
