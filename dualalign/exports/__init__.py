"""A fitted temperature in the form that another program reads; each round trip is tested with that program.

``temperature`` is always T, which divides logits. scikit-learn and netcal hold its inverse, 1/T. A file whose name ends
in ``.py`` gets a module that can be imported, any other name gets JSON (``generation-config`` always does).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import libraries, servers
from .facts import Facts, facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..calibrators import Calibrator
    from ..traces import Traces

__all__ = ["FORMATS", "Facts", "export", "facts", "render", "temperature_processor"]

Content = tuple[dict[str, object], str]  # as JSON, and as the lines of a module
_PLAIN: dict[str, Callable[[Facts], Content]] = {
    "json": libraries.plain,
    "vllm": servers.vllm,
    "sglang": servers.sglang,
    "logits-processor": libraries.logits_processor,
    "sklearn": libraries.sklearn,
    "netcal": libraries.netcal,
}
FORMATS = ("json", "generation-config", *list(_PLAIN)[1:])


def export(
    calibrator: Calibrator,
    traces: Traces,
    out: str | Path,
    format: str = "json",
    inputs: Iterable[str | Path] = (),
) -> Path:
    """Write the temperature of a fitted calibrator to a file, whole or not at all.

    Parameters
    ----------
    calibrator : Calibrator, fitted
    traces : what it was fitted on; their metadata become the note in the file
    out : the file to write; ``generation-config`` keeps what an existing file says
    format : one of `FORMATS`
    inputs : files that were read for it and must not be overwritten

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        For an unknown format, a calibrator without a finite temperature, or an ``out`` that cannot be written.

    Examples
    --------
    >>> from dualalign.exports import export
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.8, 0.2]], [[0.3, 0.7]]])
    >>> traces = from_arrays(g, 2 * g, metadata={"plm": "base", "polm": "chat"})
    >>> path = export(da.DACA().fit(traces), traces, "t.json", "sklearn")
    >>> import json
    >>> round(json.loads(path.read_text())["attributes"]["beta_"], 3)  # 1/T
    0.5
    """
    from ..traces.artifact import write_whole
    from ..traces.validate import check_target

    out = Path(out)
    check_format(format)
    check_target(out, inputs)
    write_whole(out, render(facts(calibrator, traces), format, out).encode())
    return out


def check_format(format: str) -> None:
    """Raise ValueError for an unknown format."""
    if format not in FORMATS:
        raise ValueError(f"--format is {format!r}; allowed are {', '.join(FORMATS)}")


def render(found: Facts, format: str, out: Path = Path("t.json")) -> str:
    """Return the text of a file in a format; the ending of ``out`` chooses between JSON and Python.

    Parameters
    ----------
    found : what `facts` returns
    format : one of `FORMATS`
    out : where it will be written; of ``generation-config`` what is there already is kept

    Raises
    ------
    ValueError
        Where an existing generation config cannot be read.

    Examples
    --------
    >>> from dualalign.exports import facts, render
    >>> from dualalign.traces.imports import from_arrays
    >>> g = np.log([[[0.8, 0.2]], [[0.3, 0.7]]])
    >>> traces = from_arrays(g, 2 * g, metadata={"plm": "base", "polm": "chat"})
    >>> import json
    >>> text = render(facts(da.DACA().fit(traces), traces), "json")
    >>> round(json.loads(text)["temperature"], 3)
    2.0
    """
    if format == "generation-config":
        content = servers.generation_config(found, out)
    else:
        content, module = _PLAIN[format](found)
        if out.suffix == ".py":
            return f"{_HEAD}\nNOTE = {found.note!r}\nTEMPERATURE = {found.temperature!r}\n\n\n{module}"
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def temperature_processor(temperature: float | Calibrator):
    """Return the transformers logits processor that divides every logit by T.

    Parameters
    ----------
    temperature : T, or a fitted calibrator

    Returns
    -------
    transformers.TemperatureLogitsWarper
        Pass it to ``generate(logits_processor=[...])``; leave ``temperature`` at 1 there, or it counts twice.

    Raises
    ------
    ValueError
        For what is not positive and finite.
    """
    from transformers import TemperatureLogitsWarper

    value = getattr(temperature, "temperature_", temperature)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(f"temperature is {value!r}; give a positive finite number, or a fitted calibrator")
    return TemperatureLogitsWarper(float(value))


_HEAD = '"""A temperature for the logits of a language model, written by dualalign. NOTE: what it was fitted on."""\n'
