"""The PLM's confidence as a dial: its logits times s, from under- to over-confident, and what each method makes of it.

All layers are multiplied alike: that is a PLM whose unembedding is s times as large, which every lens reads. The peak
layer, the weights and the entropies of Dual-Align are computed anew for each s. The reading `layers=last` multiplies
the last layer only; for the methods that read no other it is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from .. import drift, metrics, protocol
from ..calibrators import METHODS, Calibrator, TemperatureScaling
from ..traces import Traces
from .main import OURS, answers_of, minus
from .unit import MAIN, Experiment, Name, Row, each, fitted, tidy

LAYERS = ("all", "last")
SCALES = tuple(2.0 ** (step / 2) for step in range(-4, 5))  # a quarter to four times the PLM's own logits
HALF, DOUBLE = SCALES[2], SCALES[6]  # the ends between which `inherited` is taken
REPAIRED, REPAIRED_AGREEING = "labels", "labels-agree"  # s by the labels of the fit side, all or where f agrees
DIALLED = ("align-all", "daca", "confidence-only", "process-only", OURS, "basecal")
CONTROLS = ("vanilla", "agreement", "temperature-scaling")  # which the dial cannot move
PLAIN, ORACLE = "align-all", "temperature-scaling"
RIVALS = ("daca", OURS)


def dialled(traces: Traces, scale: float, layers: str = "all") -> Traces:
    """Return the traces with the PLM's logits multiplied, at all layers or at the last only.

    Raises
    ------
    ValueError
        For a scale that is not positive and finite, or an unknown option.
    """
    drift.one_of("layers", layers, LAYERS)
    if not 0 < scale < np.inf:
        raise ValueError(f"scale is {scale}; give a positive, finite number")
    factor = np.full((traces.plm_logits.shape[1], 1), scale if layers == "all" else 1.0, dtype=np.float32)
    factor[-1] = scale
    return replace(traces, plm_logits=traces.plm_logits * factor)


def calibrating_scale(traces: Traces) -> float:
    """Return the s of the least log loss of the PLM on the labels, 1 / T of temperature scaling; 0 where T is inf."""
    return 1.0 / TemperatureScaling().fit(replace(traces, polm_logits=traces.plm_logits)).temperature_


def scales(traces: Traces) -> dict[str, float]:
    """Every setting of the dial by its name; labels of these traces enter the two repaired ones only."""
    agreeing = traces.select(drift.agreement(traces))
    repaired = {REPAIRED: traces} | ({REPAIRED_AGREEING: agreeing} if len(agreeing) > 1 else {})
    found = {f"{s:.3g}": s for s in SCALES} | {name: calibrating_scale(part) for name, part in repaired.items()}
    return {name: s for name, s in found.items() if s > 0}


def rows(
    unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 2000, refits: int = 200
) -> Iterator[Row]:
    """All rows of one trace; `reading` is ``s=2``, ``s=labels``, ..., with `` layers=last`` where that differs.

    Rows of seed -1 are differences of ECE averaged over the splits: align-all less `against=` a rival at every s, and
    a method less the oracle at s = 1 and with the PLM repaired; and `inherited`, see there.
    """
    ((name, traces),) = read.items()
    seeds = list(seeds)
    held_out: dict[str, dict[str, list[protocol.Answers]]] = {}
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        for setting, scale in scales(fitting).items():
            where = {"reading": f"s={setting}", "seed": seed, "n": len(test)}
            sides = [dialled(side, scale) for side in (fitting, testing)]
            own = scores(answers_of(sides[1], sides[1].plm_final), seed)
            yield from tidy(name, {"scale": scale} | own, method="plm", **where)
            for method in (*DIALLED, *CONTROLS):
                calibrator = METHODS[method]()
                if not fitted(calibrator, sides[0]):
                    yield from tidy(name, {"refused": 1}, method=method, **where)
                    continue
                found = protocol.answers(calibrator, sides[1])
                held_out.setdefault(setting, {}).setdefault(method, []).append(found)
                temperature = {"temperature": calibrator.temperature_} if calibrator.has_temperature else {}
                yield from tidy(name, temperature | scores(found, seed), method=method, **where)
            where["reading"] += " layers=last"
            for method in ("process-only", OURS):  # the others read no inner layer
                calibrator = METHODS[method]().fit(dialled(fitting, scale, "last"))
                found = scores(protocol.answers(calibrator, testing), seed)
                yield from tidy(name, {"temperature": calibrator.temperature_} | found, method=method, **where)
    yield from _differences(name, held_out, len(seeds), draws)
    for method, found in inherited(traces, seeds, refits).items():
        yield from tidy(name, found, method=method, n=len(traces))


def scores(found: protocol.Answers, seed: int) -> dict[str, float]:
    """Mean confidence, accuracy, log loss (NaN without probabilities), and ECE beside its noise floor."""
    values, outcomes = found.values, found.outcomes
    nll = metrics.nll(values, outcomes) if np.ndim(values) == 2 else np.nan
    confidence, right = metrics.top_label(values, outcomes) if np.ndim(values) == 2 else (values, outcomes)
    row = {"confidence": float(confidence.mean()), "accuracy": float(right.mean()), "nll": nll}
    return row | {"ece": metrics.ece(confidence, right), "ece_floor": metrics.ece_floor(confidence, 10, 200, seed)}


def _differences(name: Name, held_out: Mapping[str, dict], splits: int, draws: int) -> Iterator[Row]:
    for setting, methods in held_out.items():
        pairs = [(PLAIN, rival) for rival in RIVALS]
        if setting in ("1", REPAIRED, REPAIRED_AGREEING):
            pairs += [(method, ORACLE) for method in DIALLED]
        whole = {method for method, found in methods.items() if len(found) == splits}
        pairs = [pair for pair in pairs if whole.issuperset(pair)]
        compared = {method: methods[method] for method in dict.fromkeys(m for pair in pairs for m in pair)}
        drawn = protocol.bootstrap(compared, ("ece",), draws=draws) if pairs else {}
        n = len({question for sides in compared.values() for found in sides for question in found.questions})
        for method, rival in pairs:
            found = {"ece": protocol.difference(drawn[method, "ece"], drawn[rival, "ece"])}
            yield from tidy(name, minus(found), method=method, reading=f"s={setting} against={rival}", n=n)


def inherited(traces: Traces, seeds: Iterable[int] = range(5), refits: int = 200) -> dict[str, dict[str, float]]:
    """How much of a change of the PLM's gap each method's gap follows, from s = 1/2 to s = 2.

    The gap is mean confidence less accuracy on the test side. No dial changes an answer, so this is the rise of the
    method's mean confidence over that of the PLM: 1 inherits all of the PLM's error, 0 nothing.

    Returns
    -------
    dict
        method -> `inherited`, the mean over the splits; `_least` and `_most`, their range; `_low` and `_high`, a 95 %
        bootstrap interval (basic, as in `metrics.interval`) that resamples both sides of one split a draw and fits
        anew. It is that of a single split, so the mean of several is at least as certain. A method that refuses one
        of the fits has no entry.
    """
    splits = [split for _, split in protocol.enumerate_splits(traces, 0.3, seeds)]
    values = [_rises(traces, *split) for split in splits]
    drawn = []
    for draw in range(refits):
        rng = np.random.default_rng(draw)
        drawn.append(_rises(traces, *(rng.choice(side, len(side)) for side in splits[draw % len(splits)])))
    out = {}
    for method in (*DIALLED, *CONTROLS):
        own = np.array([found[method] for found in values])
        if np.isfinite(own).all():
            low, high = _quantiles([found[method] for found in drawn])
            parts = {"": own.mean(), "_least": own.min(), "_most": own.max()}
            parts |= {"_low": 2 * own.mean() - high, "_high": 2 * own.mean() - low}
            out[method] = {f"inherited{part}": float(value) for part, value in parts.items()}
    return out


def _quantiles(drawn: list[float]) -> tuple[float, float]:
    known = np.array(drawn)[np.isfinite(drawn)]
    return tuple(np.quantile(known, [0.025, 0.975])) if len(known) else (np.nan, np.nan)


def _rises(traces: Traces, fit: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """For every method, the rise of its mean confidence over that of the PLM; NaN where it cannot be fitted."""
    fitting, testing = traces.select(fit), traces.select(test)
    ends = []
    for scale in (HALF, DOUBLE):
        sides = [dialled(side, scale) for side in (fitting, testing)]
        plm = np.exp(drift.log_softmax_options(sides[1].plm_final)).max(axis=1).mean()
        found = {method: METHODS[method]() for method in (*DIALLED, *CONTROLS)}
        ends.append({"plm": plm} | {m: _confidence(calibrator, *sides) for m, calibrator in found.items()})
    low, high = ends
    return {method: (high[method] - low[method]) / (high["plm"] - low["plm"]) for method in low}


def _confidence(calibrator: Calibrator, fitting: Traces, testing: Traces) -> float:
    return float(calibrator.confidence(testing).mean()) if fitted(calibrator, fitting) else np.nan


def _wanted(name: Name) -> bool:
    return name.own_style and (name.pair == MAIN or name.set in ("arc-easy", "openbookqa", "mmlu"))


EXPERIMENT = Experiment("premise", "the PLM made under- or over-confident, or repaired by labels", each(_wanted), rows)
