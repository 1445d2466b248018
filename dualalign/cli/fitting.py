"""`dualalign fit`: from traces to a temperature."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as o
from .printing import number, print_json, print_table

if TYPE_CHECKING:
    from ..calibrators import Calibrator
    from ..traces import Traces
    from ..traces.stream import TraceStream

LARGE = 2 << 30  # bytes of a file that is read in blocks without being told
Stream = Annotated[
    bool | None,
    typer.Option(help="Read one file in blocks, for a trace that memory does not hold; by itself above 2 GiB."),
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
    stream: Stream = None,
) -> None:
    """Fit a temperature for the post-trained model.

    The temperature divides its final logits; no prediction changes. Objectives are in nats unless --base 2.
    """
    readings = {"aggregate": aggregate, "tempered": tempered, "weight": weight, "process": process}
    readings |= {"kl": kl, "peak": peak, "base": base, "optimizer": optimizer}
    readings |= {"content_free": content_free, "permuted": permuted}
    rows, passes = _fit_all(traces, method, o.given(**readings), _streams(traces, stream))
    if as_json:
        print_json(rows[0] if len(method) == 1 and method != ["all"] else rows)
    else:
        _print_rows(rows)
        if passes:
            print(f"Read in blocks: {passes} {'pass' if passes == 1 else 'passes'} over the file.")


def _streams(paths: list[str], wanted: bool | None) -> bool:
    """Whether to read in blocks: as wanted, or where a single file is large."""
    if wanted and len(paths) > 1:
        raise ValueError("--stream reads one file; join several with dualalign merge first")
    return bool(wanted) or (wanted is None and len(paths) == 1 and _size(paths[0]) > LARGE)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.isfile(path) else 0


def fitted(calibrator: Calibrator, traces: Traces | TraceStream) -> Calibrator:
    """Fit; where the traces hold the last layer only, a method that needs more says so."""
    from ..calibrators.streaming import fit_stream
    from ..one_layer import check_layers
    from ..traces.stream import TraceStream

    check_layers(calibrator, traces)
    return fit_stream(calibrator, traces) if isinstance(traces, TraceStream) else calibrator.fit(traces)


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


def _fit_all(
    paths: list[str], method: list[str], readings: dict[str, object], in_blocks: bool = False
) -> tuple[list[dict[str, object]], int]:
    """Return a row a method, and the passes over the file where it was read in blocks, else 0."""
    from ..calibrators import METHODS
    from ..traces.stream import TraceStream

    everything = "all" in method
    names = [name for name in METHODS if METHODS[name].needs in ("", *readings)] if everything else method
    for name in {"content_free", "permuted"} & readings.keys():
        readings[name] = o.load_traces([readings[name]])
    calibrators = o.build(names, readings)
    loaded = TraceStream(paths[0]) if in_blocks else o.load_traces(paths)
    rows = [_attempt(one, loaded) if everything else result(fitted(one, loaded)) for one in calibrators]
    return rows, loaded.passes if in_blocks else 0


def _attempt(calibrator: Calibrator, traces: Traces) -> dict[str, object]:
    """Of all methods, those that these traces do not allow say why instead of ending the command."""
    try:
        return result(fitted(calibrator, traces))
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
