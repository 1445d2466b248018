"""`dualalign fit` and `dualalign export`: from traces to a temperature, on screen or in a file that a server reads."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as o
from .printing import number, print_json, print_table, strict

if TYPE_CHECKING:
    from ..calibrators import Calibrator
    from ..traces import Traces

FORMATS = ("json", "generation-config")
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="File to write.", show_default=False)]
Format = Annotated[
    str,
    typer.Option(
        "--format", help="json (the fit and its source) or generation-config (what transformers and vLLM read)."
    ),
]


def fit(
    traces: o.TracesPaths,
    method: o.Methods = ["dual-align"],  # noqa: B006
    as_json: o.AsJson = False,
    aggregate: o.Aggregate = None,
    tempered: o.Tempered = None,
    weight: o.Weight = None,
    process: o.Process = None,
    kl: o.Kl = None,
    peak: o.Peak = None,
    base: o.Base = None,
    optimizer: o.Optimizer = None,
    content_free: o.ContentFree = None,
    permuted: o.Permuted = None,
) -> None:
    """Fit a temperature for the post-trained model.

    The temperature divides its final logits; no prediction changes. Objectives are in nats unless --base 2.
    """
    readings = {"aggregate": aggregate, "tempered": tempered, "weight": weight, "process": process}
    readings |= {"kl": kl, "peak": peak, "base": base, "optimizer": optimizer}
    readings |= {"content_free": content_free, "permuted": permuted}
    rows = _fit_all(traces, method, o.given(**readings))
    if as_json:
        print_json(rows[0] if len(method) == 1 and method != ["all"] else rows)
    else:
        _print_rows(rows)


def export(
    traces: o.TracesPaths,
    out: Out,
    format: Format = "json",
    method: o.Method = "dual-align",
    aggregate: o.Aggregate = None,
    tempered: o.Tempered = None,
    weight: o.Weight = None,
    process: o.Process = None,
    kl: o.Kl = None,
    peak: o.Peak = None,
    base: o.Base = None,
    optimizer: o.Optimizer = None,
) -> None:
    """Fit a temperature and write it to a file.

    generation-config keeps what an existing file holds and sets "temperature" and "do_sample". The temperature was
    fitted on option tokens at the last token of a prompt; used for sampling, it divides the logits of every token.
    """
    from ..traces.artifact import write_whole
    from ..traces.validate import check_target

    if format not in FORMATS:
        raise ValueError(f"--format is {format!r}; allowed are {', '.join(FORMATS)}")
    readings = {"aggregate": aggregate, "tempered": tempered, "weight": weight, "process": process}
    (calibrator,) = o.build([method], o.given(**readings, kl=kl, peak=peak, base=base, optimizer=optimizer))
    check_target(Path(out), traces)
    loaded = o.load_traces(traces)
    row = result(calibrator.fit(loaded))
    _require_temperature(row)
    content = _with_source(row, loaded) if format == "json" else _generation_config(row["temperature"], Path(out))
    text = json.dumps(strict(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(Path(out), text.encode())
    print(f"{out}: temperature {row['temperature']:.6g} ({method})")


def result(calibrator: Calibrator) -> dict[str, object]:
    """Return the five facts of a fit; a temperature that is not finite is None."""
    temperature, objective = float(calibrator.temperature_), float(calibrator.objective_)
    return {
        "method": calibrator.name,
        "temperature": temperature if math.isfinite(temperature) else None,
        "objective": objective if math.isfinite(objective) else None,
        "n": int(calibrator.n_fit_),
        "reason": calibrator.reason_,
    }


def _fit_all(paths: list[str], method: list[str], readings: dict[str, object]) -> list[dict[str, object]]:
    from ..calibrators import METHODS

    everything = "all" in method
    names = [name for name in METHODS if METHODS[name].needs in ("", *readings)] if everything else method
    for name in {"content_free", "permuted"} & readings.keys():
        readings[name] = o.load_traces([readings[name]])
    calibrators = o.build(names, readings)
    loaded = o.load_traces(paths)
    return [
        _attempt(calibrator, loaded) if everything else result(calibrator.fit(loaded)) for calibrator in calibrators
    ]


def _attempt(calibrator: Calibrator, traces: Traces) -> dict[str, object]:
    """Of all methods, those that these traces do not allow say why instead of ending the command."""
    try:
        return result(calibrator.fit(traces))
    except ValueError as error:
        return {"method": calibrator.name, "temperature": None, "objective": None, "n": 0, "reason": str(error)}


def _print_rows(rows: list[dict[str, object]]) -> None:
    columns = ("method", "temperature", "objective", "questions", "in words")
    print_table("", columns, ([*list(row.values())[:4], _words(row)] for row in rows))
    if len(rows) == 1 and rows[0]["temperature"] not in (None, 1.0):
        print(
            f"Divide the post-trained model's final logits by {number(rows[0]['temperature'])}; no prediction changes."
        )


def _words(row: dict[str, object]) -> str:
    if row["reason"]:
        return str(row["reason"])
    return "less confident" if row["temperature"] > 1 else "more confident"


def _require_temperature(row: dict[str, object]) -> None:
    from ..calibrators import METHODS

    if row["temperature"] is None:
        raise ValueError(f"{row['method']}: {row['reason']}; there is nothing to export")
    if not METHODS[row["method"]].has_temperature:
        raise ValueError(f"{row['method']} is not a temperature ({row['reason']}); export another method")


def _with_source(row: dict[str, object], traces: Traces) -> dict[str, object]:
    from .. import __version__

    source = {key: traces.metadata.get(key, "") for key in ("plm", "polm", "questions", "prompt")}
    return {**row, **source, "created_by": f"dualalign {__version__}"}


def _generation_config(temperature: float, path: Path) -> dict[str, object]:
    """Set the temperature in a generation config, keeping what the file already says (end tokens, say)."""
    config = {}
    if path.is_file():
        try:
            config = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict):
            raise ValueError(f"{path}: not a JSON object; give a generation_config.json or a new file name")
    return config | {"do_sample": True, "temperature": temperature}
