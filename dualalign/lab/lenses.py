"""``python -m dualalign.lab lenses``: the inner layers of the main pair through other lenses, on a sample of questions.

``options``     the book's: final norm and unembedding of the model itself, softmax over the K option tokens
``vocabulary``  the same over every token
``tuned``       as ``options``, behind an affine map that brings a layer's residual stream near the last layer's

At the last layer ``tuned`` is ``options``. A softmax over every token that is then renormalised over the K options is
``options`` too, so that it needs no line of its own. The weight of a question and its confidence loss stay on the
options: only the process is read anew.

`tuned_lens` fits the affine map, on prompts that are not read afterwards. No label enters.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from .. import drift, metrics
from ..calibrators.objective import ConfidencePart, ProcessPart, confidence_weight, stability_entropy
from ..calibrators.search import T_MAX, T_MIN, minimise
from ..questions import Question, encode_question, load_file
from ..traces import Traces
from ..traces.artifact import write_whole
from . import catalogue
from .tuned_lens import FOLD, tuned

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path("data/results")
QUESTIONS = Path("data/questions/arc-easy.jsonl")
PAIR, STYLE = "sft4", "choices"
SAMPLE = 60  # questions that are read, the first of the file; the map is fitted on the prompts of the others
LENSES = ("options", "vocabulary", "tuned")
LOG_T = np.linspace(math.log(T_MIN), math.log(T_MAX), 65)
_MEASURED = ("divergence", "plm_entropy", "polm_entropy", "plm_far", "polm_far")
_AT_INFINITY = 1e-30  # the beta of the rows whose temperature is infinite
_BATCH = 5  # questions of a whole vocabulary at a time: 0.2 GB for each float64 array


def lenses(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
    questions: Annotated[Path, typer.Option(help="Question file.")] = QUESTIONS,
) -> None:
    """Read inner layers over all tokens, and through a tuned lens: lenses.parquet and lenses_curves.parquet.

    Takes some 4 minutes of one core and 6 GB of memory.
    """
    plm, polm = (spec.load() for spec in catalogue.PAIRS[PAIR].specs())
    asked = load_file(questions)
    found = record(plm, polm, asked[:SAMPLE], asked[SAMPLE:])
    tables = dict(zip(("lenses", "lenses_curves"), found, strict=True))
    for name, table in tables.items():
        content = io.BytesIO()
        table.to_parquet(content, index=False, compression="zstd", compression_level=19)
        write_whole(out / f"{name}.parquet", content.getvalue())
    print(f"{out}: {', '.join(f'{name}.parquet ({len(table)} rows)' for name, table in tables.items())}")


def record(plm, polm, asked: Sequence[Question], tuning: Sequence[Question]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read questions through each lens.

    Parameters
    ----------
    plm, polm : LoadedModel
        Two models of the same tokens and depth.
    asked : questions to read
    tuning : others, whose prompts fit the tuned lens

    Returns
    -------
    DataFrame
        A row a (lens, question_id, layer): ``divergence`` of the two beliefs, ``plm_entropy``, ``polm_entropy``, and
        ``plm_far``, ``polm_far``: KL from the model's last belief to that of the layer, in the lens's own tokens. Nats.
    DataFrame
        A row a (lens, question_id, temperature): the PoLM's ``ise`` from the peak layer on, and its ``slope`` in 1 / T.

    Raises
    ------
    ValueError
        Where there are too few questions to fit on.
    """
    import pandas as pd

    if len(tuning) < FOLD:
        raise ValueError(
            f"{len(tuning)} questions to tune the lens on; give at least {FOLD} behind those that are read"
        )
    encoded, others = ([encode_question(polm.tokenizer, q, STYLE) for q in some] for some in (asked, tuning))
    maps = [tuned(loaded, [prompt for prompt, _ in others]) for loaded in (plm, polm)]
    layers, curves = [], []
    for first in range(0, len(asked), _BATCH):
        rows = slice(first, first + _BATCH)
        ids = tuple(q.id for q in asked[rows])
        read = [_through(*side, encoded[rows]) for side in zip((plm, polm), maps, strict=True)]
        for name in LENSES:
            traces = _traces(ids, *(found[name] for found in read))
            layers += [{"lens": name, **row} for row in layer_rows(traces)]
            curves += [{"lens": name, **row} for row in curve_rows(traces)]
    stored = {column: "float32" for column in (*_MEASURED, "ise", "slope")}  # seven digits, half the size
    return tuple(t.astype({c: d for c, d in stored.items() if c in t}) for t in map(pd.DataFrame, (layers, curves)))


def _through(loaded, maps, encoded: Sequence[tuple[list[int], list[int]]]) -> dict[str, np.ndarray]:
    """Logits of some questions by lens, float32 (B, L, K) or (B, L, V); -inf past a question's options."""
    from .streams import stream, unembed

    caught = [stream(loaded, prompt) for prompt, _ in encoded]
    plain = np.stack([s[0] for s, _ in caught])  # at the last prompt token
    mapped = plain.copy()
    for i, (w, b) in enumerate(maps):
        mapped[:, i] = plain[:, i] @ w + b
    options, form = [ids for _, ids in encoded], caught[0][1]
    return {
        "options": unembed(loaded, plain, form, options),
        "vocabulary": unembed(loaded, plain, form),
        "tuned": unembed(loaded, mapped, form, options),
    }


def _traces(ids: tuple[str, ...], plm: np.ndarray, polm: np.ndarray) -> Traces:
    """A trace whose options are whatever the lens reads: K tokens, or all."""
    n_options = np.isfinite(polm[:, -1]).sum(axis=-1)
    return Traces(plm, polm, np.full(len(ids), -1), n_options, ids)


def layer_rows(traces: Traces) -> Iterator[dict[str, object]]:
    """What `record` says of every layer."""
    sides = {"plm": drift.matched_plm(traces), "polm": traces.polm_logits}
    found = {"divergence": drift.layer_divergence(traces)}
    for side, logits in sides.items():
        log_p = drift.log_softmax_options(logits)
        last = log_p[:, -1:]
        real = np.isfinite(last)
        far = np.exp(last) * np.where(real, last - np.where(real, log_p, 0.0), 0.0)
        found |= {f"{side}_entropy": drift.entropy(logits), f"{side}_far": far.sum(axis=-1)}
    for i, name in enumerate(traces.question_ids):
        for layer in range(traces.n_layers):
            where = {"question_id": name, "layer": layer + 1}
            yield where | {column: float(values[i, layer]) for column, values in found.items()}


def curve_rows(traces: Traces) -> Iterator[dict[str, object]]:
    """The PoLM's ISE of every question over the temperature, with its exact slope."""
    ((path, _, _),) = ProcessPart(traces, np.ones(len(traces))).blocks
    for temperature in (*np.exp(LOG_T), math.inf):
        ise, slope = stability_entropy(path, max(1 / temperature, _AT_INFINITY), "mean-entropy")
        for name, *values in zip(traces.question_ids, ise, slope, strict=True):
            yield {"question_id": name, "temperature": float(temperature)} | dict(
                zip(("ise", "slope"), map(float, values), strict=True)
            )


# -- From the record to temperatures -------------------------------------------------------------------------------


def summary(layers: pd.DataFrame) -> pd.DataFrame:
    """Of the first table of `record`, a row a (lens, question_id): ``peak``, and both models' ISE at temperature 1.

    The peak is `drift.peak_layer`'s, the ISE the mean entropy from there on.
    """
    import pandas as pd

    rows = []
    for (lens, name), part in layers.sort_values("layer").groupby(["lens", "question_id"], sort=False):
        peak = int(drift.peak_layer(part["divergence"].to_numpy(float)[None])[0])
        behind = part[part["layer"] >= peak]
        ise = {f"ise_{side}": behind[f"{side}_entropy"].mean() for side in ("plm", "polm")}
        rows.append({"lens": lens, "question_id": name, "peak": peak} | ise)
    return pd.DataFrame(rows)


class Tabulated:
    """Mean over x of weight(x) S(x; T) from tabulated ISEs, as a function of beta = 1 / T: (value, slope).

    Between the temperatures of the table the cubic through values and slopes in log T stands in; beyond the largest one
    the gap to the limit is a beta^2 + b beta^3, as an entropy's nearly is, with the table's value and slope at its end.

    Parameters
    ----------
    ise, slope : (temperatures, n), the last row at an infinite temperature
    target : (n,), the PLM's ISE
    weight : (n,)
    """

    def __init__(self, temperatures: np.ndarray, ise: np.ndarray, slope: np.ndarray, target, weight) -> None:
        from scipy.interpolate import CubicHermiteSpline

        finite, beta = temperatures[:-1], 1 / temperatures[:-1, None]
        self.spline = CubicHermiteSpline(np.log(finite), ise[:-1], -beta * slope[:-1])
        self.rate = self.spline.derivative()
        self.edge, self.limit = float(finite[-1]), ise[-1]
        gap, tilt = (ise[-2] - ise[-1]) * self.edge**2, slope[-2] * self.edge
        self.square, self.cube = 3 * gap - tilt, (tilt - 2 * gap) * self.edge
        self.target, self.weight = target, weight / len(weight)

    def __call__(self, beta: float) -> tuple[float, float]:
        ise, slope = self.ise(beta)
        gap = ise - self.target
        return float(self.weight @ gap**2), float(self.weight @ (2 * gap * slope))

    def ise(self, beta: float) -> tuple[np.ndarray, np.ndarray]:
        """ISE of every question, and its slope in beta."""
        if beta * self.edge < 1:
            a, b = self.square, self.cube
            return self.limit + (a + b * beta) * beta**2, (2 * a + 3 * b * beta) * beta
        log_t = -math.log(beta)
        return self.spline(log_t), -self.rate(log_t) / beta


def temperatures(
    layers: pd.DataFrame, curves: pd.DataFrame, traces: Traces, draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The temperature under each lens, with a bootstrap over questions, and what it does on other questions.

    Parameters
    ----------
    layers, curves : of `record`
    traces : a trace of the same pair and style that holds the recorded questions, and labelled others to judge by

    Returns
    -------
    DataFrame
        A row a (lens, method), the method ``process-only`` or ``dual-align``: ``temperature``, ``low``, ``high`` (95 %
        percentiles), ``ratio`` to the lens ``options`` with ``ratio_low``, ``ratio_high`` (paired, on the same
        resamples), ``ece`` and ``floor`` on the questions of the trace that were not recorded.

    Raises
    ------
    ValueError
        Where the trace lacks a recorded question.
    """
    import pandas as pd

    used, others = _rows_of(traces, curves["question_id"].unique())
    weight = confidence_weight(traces)[used]
    target = summary(layers).pivot(index="question_id", columns="lens", values="ise_plm")
    target = target.loc[list(np.array(traces.question_ids)[used])]
    parts = {lens: _tabulated(part, target[lens]) for lens, part in curves.groupby("lens", sort=False)}
    rng, n = np.random.default_rng(seed), len(used)
    samples = [np.arange(n), *(rng.integers(0, n, n) for _ in range(draws))]
    found = {key: [] for key in ((lens, m) for lens in parts for m in ("process-only", "dual-align"))}
    for rows in samples:
        confidence = ConfidencePart(traces.select(used[rows]), weight[rows])
        for lens, part in parts.items():
            process = part(rows, 1 - weight[rows])
            found[lens, "process-only"].append(minimise(process).temperature)
            found[lens, "dual-align"].append(minimise(_sum(confidence, process)).temperature)
    out = []
    for (lens, method), values in found.items():
        values = np.array(values)
        ratio = values / np.array(found[LENSES[0], method])
        found_here = _with_range("temperature", values) | _with_range("ratio", ratio, "ratio_")
        out.append({"lens": lens, "method": method} | found_here | _judged(traces.select(others), values[0]))
    return pd.DataFrame(out)


def _tabulated(part: pd.DataFrame, target: pd.Series) -> Callable[[np.ndarray, np.ndarray], Tabulated]:
    """From rows of the questions and their weights to the process part."""
    wide = part.pivot(index="temperature", columns="question_id", values=["ise", "slope"])
    ise, slope, at = wide["ise"][target.index], wide["slope"][target.index], wide.index.to_numpy(float)
    ise, slope, wanted = ise.to_numpy(float), slope.to_numpy(float), target.to_numpy(float)
    return lambda rows, weight: Tabulated(at, ise[:, rows], slope[:, rows], wanted[rows], weight)


def _sum(*parts: Callable) -> Callable[[float], tuple[float, float]]:
    return lambda beta: tuple(map(sum, zip(*(part(beta) for part in parts), strict=True)))


def _with_range(name: str, values: np.ndarray, prefix: str = "") -> dict[str, float]:
    """The first value, and the 95 % percentiles of the others."""
    low, high = np.quantile(values[1:], (0.025, 0.975), method="closest_observation")  # no mean with an infinity
    return {name: float(values[0]), f"{prefix}low": float(low), f"{prefix}high": float(high)}


def _judged(traces: Traces, temperature: float) -> dict[str, float]:
    scored = metrics.top_label(np.exp(drift.log_softmax_options(traces.polm_final, temperature)), traces.labels)
    return {"ece": metrics.ece(*scored), "floor": metrics.ece_floor(scored[0])}


def _rows_of(traces: Traces, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a trace that some questions have, in their order, and the others that have a label."""
    at = {name: row for row, name in enumerate(traces.question_ids)}
    if absent := [name for name in ids if name not in at]:
        raise ValueError(f"the trace lacks question {absent[0]!r} of the record; give that of the pair {PAIR}, {STYLE}")
    used = np.array([at[name] for name in ids])
    others = np.setdiff1d(np.flatnonzero(np.asarray(traces.labels) >= 0), used)
    return used, others
