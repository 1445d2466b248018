"""Arguments and options that several commands share, and the calibrators they build."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..calibrators import Calibrator
    from ..traces import Traces

TracesPath = Annotated[str, typer.Argument(metavar="TRACES", help="Trace file (.safetensors).", show_default=False)]
TracesPaths = Annotated[
    list[str],
    typer.Argument(metavar="TRACES", help="Trace files; several of one model pair are joined.", show_default=False),
]
PlmName = Annotated[str | None, typer.Option(help="Name to write into the file for the pre-trained model.")]
PolmName = Annotated[str | None, typer.Option(help="Name to write into the file for the post-trained model.")]
Stored = Annotated[str, typer.Option("--dtype", help="How logits are stored: float32, or float16 at half the size.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Methods = Annotated[list[str], typer.Option("--method", help="Method by name; repeat for several, or 'all'.")]
Method = Annotated[str, typer.Option("--method", help="Method by name.")]
Aggregate = Annotated[
    str | None, typer.Option(help="Stability entropy over layers: mean-entropy (default), sum-entropy, entropy-mean.")
]
Tempered = Annotated[str | None, typer.Option(help="Layers the temperature divides: all (default) or last.")]
Weight = Annotated[
    str | None, typer.Option(help="Weight of a question: jsd (default), tv, hard, or a fixed number from 0 to 1.")
]
Process = Annotated[str | None, typer.Option(help="Process loss: squared-gap (default) or per-layer.")]
Kl = Annotated[str | None, typer.Option(help="Direction of the KL: plm-first (default) or polm-first.")]
Peak = Annotated[
    str | None, typer.Option(help="Peak divergence layer: max-jump (default), max-rise or max-divergence.")
]
Base = Annotated[str | None, typer.Option(help="Logarithm of the losses: e (default, nats) or 2 (bits).")]
Optimizer = Annotated[str | None, typer.Option(help="daca only: exact (default) or adam, the published protocol.")]
ContentFree = Annotated[
    str | None, typer.Option(metavar="TRACES", help="contextual only: traces of content-free questions.")
]
Permuted = Annotated[
    str | None, typer.Option(metavar="TRACES", help="pride only: traces of questions asked in several option orders.")
]
Bins = Annotated[int, typer.Option(help="Equal-width bins of the calibration error.")]
Draws = Annotated[int, typer.Option(help="Draws of the noise floor and of the interval.")]
Level = Annotated[float, typer.Option(help="Level of the interval, between 0 and 1.")]
Seed = Annotated[int, typer.Option(help="Seed of the draws.")]


def load_traces(paths: list[str]) -> Traces:
    """Load and join trace files."""
    from ..traces import Traces

    parts = [Traces.load(path) for path in paths]
    return parts[0] if len(parts) == 1 else Traces.concat(parts)


def given(**readings: str | None) -> dict[str, object]:
    """Keep the options that were given, checked, the weight as a number where it is one."""
    options: dict[str, object] = {name: value for name, value in readings.items() if value is not None}
    if "weight" in options:
        options["weight"] = _number_or_name(options["weight"])
    for name, value in options.items():
        _check(name, value)
    return options


def build(names: list[str], options: dict[str, object]) -> list[Calibrator]:
    """Return one calibrator a method name, each with those options that it has.

    Raises
    ------
    ValueError
        For an unknown method, or an option that none of the methods has.
    """
    from ..calibrators import METHODS

    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise ValueError(f"--method is {unknown[0]!r}; allowed are {', '.join(METHODS)}, or all")
    known = {name: {field.name for field in fields(METHODS[name])} for name in names}
    idle = [option for option in options if not any(option in has for has in known.values())]
    if idle:
        raise ValueError(f"--{idle[0].replace('_', '-')} has no effect on {', '.join(names)}; leave it out")
    return [METHODS[name](**{k: v for k, v in options.items() if k in known[name]}) for name in names]


def _number_or_name(weight: object) -> object:
    try:
        return float(weight)
    except ValueError:
        return weight


def _check(name: str, value: object) -> None:
    """Refuse a misspelt reading before any file is read."""
    from .. import drift
    from ..calibrators import alignment, objective

    allowed = {
        "aggregate": drift.AGGREGATES,
        "tempered": drift.TEMPERED,
        "peak": drift.PEAK_RULES,
        "base": tuple(drift.BASES),
        "weight": objective.WEIGHTS,
        "process": objective.PROCESSES,
        "kl": objective.KL_DIRECTIONS,
        "optimizer": alignment.OPTIMIZERS,
    }
    if name == "weight" and isinstance(value, float):
        if not 0 <= value <= 1:
            raise ValueError(f"--weight is {value:g}; a fixed weight lies in 0..1")
    elif name == "weight" and value not in allowed["weight"]:
        raise ValueError(f"--weight is {value!r}; allowed are {', '.join(allowed['weight'])} or a number in 0..1")
    elif name in allowed:
        drift.one_of(f"--{name}", value, allowed[name])
