"""Fits of traces that memory does not hold, block by block: the same objectives, the same search, the same result.

A method that looks at the last layer only is fitted on that layer, which memory does hold. The process loss needs all
layers from the peak on: its blocks are read again for each set of temperatures. The search looks at a grid of them
first, which takes one pass in all; the few that it asks for afterwards take one each.
"""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np

from ..traces import Traces
from ..traces.stream import TraceStream
from .alignment import DualAlign, ProcessOnly
from .base import Calibrator
from .objective import ConfidencePart, ProcessPart, confidence_weight
from .search import _POINTS, T_MAX, T_MIN, Optimum, minimise

LAST_LAYER = (
    "vanilla", "align-all", "daca", "confidence-only", "basecal", "agreement", "batch", "vector-scaling",
    "matrix-scaling", "temperature-scaling",
)  # fmt: skip
_LAYERED = ("process-only", "dual-align")
STREAMED = (*LAST_LAYER, *_LAYERED)


def fit_stream(calibrator: Calibrator, stream: TraceStream) -> Calibrator:
    """Fit a calibrator on a trace file in blocks; it is then as `Calibrator.fit` on the whole would have left it.

    Raises
    ------
    ValueError
        One line: a method that cannot be fitted so, or what `fit` refuses.

    Examples
    --------
    >>> from dualalign.calibrators.streaming import fit_stream
    >>> from dualalign.traces.imports import from_arrays
    >>> from dualalign.traces.stream import TraceStream
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.3, 0.7]]])
    >>> from_arrays(g, 2 * g).save("two.safetensors")
    >>> round(fit_stream(da.DualAlign(), TraceStream("two.safetensors")).temperature_, 3)
    2.0
    """
    if calibrator.name not in STREAMED:
        raise ValueError(
            f"{calibrator.name} needs the whole trace in memory; leave out --stream, or take one of "
            f"{', '.join(STREAMED)}"
        )
    last = stream.last_layer()
    if calibrator.name in LAST_LAYER or len(stream) < calibrator.least:  # `fit` says what is too few
        return calibrator.fit(last)
    found, calibrator.n_fit_ = _fit(calibrator, stream, last)
    calibrator.temperature_, calibrator.objective_, calibrator.reason_ = (
        found.temperature,
        found.objective,
        found.reason,
    )
    return calibrator


def _fit(calibrator: DualAlign | ProcessOnly, stream: TraceStream, last: Traces) -> tuple[Optimum, int]:
    w = confidence_weight(last, calibrator.weight)
    process = StreamedProcess(calibrator, stream, 1.0 - w)
    if calibrator.name == "process-only":
        return minimise(process), int((w < 1).sum())
    confidence = ConfidencePart(last, w, calibrator.kl, calibrator.base)

    def objective(beta: float) -> tuple[float, float]:
        (c, c_slope), (s, s_slope) = confidence(beta), process(beta)
        return c + s, c_slope + s_slope

    return minimise(objective), len(stream)


class StreamedProcess:
    """`ProcessPart` over a stream: mean over x of weight(x) S(x; T), as a function of beta: (value, slope).

    Every beta of the search's grid is computed in the first pass; others when they are asked for.

    Examples
    --------
    >>> from dualalign.calibrators.streaming import StreamedProcess
    >>> from dualalign.traces.imports import from_arrays
    >>> from dualalign.traces.stream import TraceStream
    >>> g = np.log([[[0.5, 0.5], [0.8, 0.2]], [[0.5, 0.5], [0.3, 0.7]]])
    >>> from_arrays(g, 2 * g).save("two.safetensors")
    >>> abs(round(StreamedProcess(da.ProcessOnly(), TraceStream("two.safetensors"), np.ones(2))(0.5)[0], 6))
    0.0
    """

    def __init__(self, calibrator: DualAlign | ProcessOnly, stream: TraceStream, weight: np.ndarray) -> None:
        names = {field.name for field in fields(ProcessOnly)}
        self.options = {name: getattr(calibrator, name) for name in names - {"weight"}}
        self.stream, self.weight = stream, weight
        self.known: dict[float, tuple[float, float]] = {}
        self.grid = [math.exp(-s) for s in np.linspace(math.log(T_MIN), math.log(T_MAX), _POINTS)]

    def __call__(self, beta: float) -> tuple[float, float]:
        if beta not in self.known:
            self._compute(self.grid if not self.known else [beta])
            if beta not in self.known:
                self._compute([beta])
        return self.known[beta]

    def _compute(self, betas: list[float]) -> None:
        """One pass over the file; each block's part of the mean is its own mean times its share of the rows."""
        total = np.zeros((len(betas), 2))
        for rows, block in self.stream.blocks():
            part = ProcessPart(block, self.weight[rows], **self.options)
            share = (rows.stop - rows.start) / len(self.stream)
            total += share * np.array([part(beta) for beta in betas])
        self.known |= {beta: (float(value), float(slope)) for beta, (value, slope) in zip(betas, total, strict=True)}
