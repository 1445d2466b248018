"""`dualalign export`: a temperature in a file that another program reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..bounded import visible
from . import options as o
from .fitting import fitted

Out = Annotated[
    str, typer.Option("--out", metavar="FILE", help="File to write; .py gives a module, else JSON.", show_default=False)
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="json (the fit and its source), generation-config (what transformers and vLLM read), vllm, sglang, "
        "logits-processor (transformers), sklearn or netcal (these two hold 1/T).",
    ),
]


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
    from .. import exports
    from ..traces.validate import check_target

    exports.check_format(format)
    readings = {"aggregate": aggregate, "tempered": tempered, "weight": weight, "process": process}
    (calibrator,) = o.build([method], o.given(**readings, kl=kl, peak=peak, base=base, optimizer=optimizer))
    check_target(Path(out), traces)
    loaded = o.load_traces(traces)
    exports.export(fitted(calibrator, loaded), loaded, out, format, traces)
    print(visible(f"{out}: temperature {calibrator.temperature_:.6g} ({method})"))
