"""Borrowed references: one of another family and depth, an instruct model, and two of them for one PoLM.

`reading` names the reference: ``reference=plm`` is the PLM of the other pairs, ``reference=smollm2`` the model that was
trained further. For `smollm2-sft4` the first is joined from the traces of both pairs by question. ``map=...`` names a
layer map other than the default; only methods that read inner layers have such rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from .. import drift, layer_maps, protocol
from ..calibrators import METHODS
from ..references import forces_with_intervals, joined, signs
from ..traces import Traces
from .main import OURS, answers_of, minus
from .premise import scores
from .unit import SETS, Experiment, Name, Row, Units, fitted, tidy

FOREIGN, FURTHER, STYLE = "smollm2", "smollm2-sft4", "cloze"
BORROWED, OWN = "reference=plm", "reference=smollm2"
AGAINST = ("daca", "align-all", "basecal")  # what Dual-Align is compared with
MAPPED = ("process-only", OURS)  # the methods that read inner layers
SHARED = (OURS, *AGAINST)  # compared between the two references of one PoLM


def units(names: Sequence[Name]) -> Units:
    """One a question set that both pairs have."""
    pairs = {name: [Name(pair, name, STYLE) for pair in (FOREIGN, FURTHER)] for name in SETS}
    return {name: pair for name, pair in pairs.items() if set(pair) <= set(names)}


def settings(read: Mapping[Name, Traces]) -> dict[tuple[Name, str], Traces]:
    """The three pairs of one set: (name, reading) -> traces; the two of one PoLM hold the same questions in order.

    Raises
    ------
    ValueError
        Where the two files do not hold the same questions: a comparison of references would not be paired.
    """
    by_pair = {name.pair: (name, traces) for name, traces in read.items()}
    (foreign, plm_from), (further, polm_from) = by_pair[FOREIGN], by_pair[FURTHER]
    both = joined(plm_from, polm_from)
    if both.question_ids != polm_from.question_ids:
        raise ValueError(f"{foreign} lacks questions of {further}; collect both on the same questions")
    return {(foreign, BORROWED): plm_from, (further, OWN): polm_from, (further, BORROWED): both}


def rows(
    unit: str,
    read: Mapping[Name, Traces],
    seeds: Iterable[int] = range(5),
    draws: int = 10_000,
    refits: int = 200,
) -> Iterator[Row]:
    """All rows of one set. Those of seed -1 are differences over the splits, and `forces` on all questions."""
    seeds, held_out = list(seeds), {}
    for (name, reading), traces in settings(read).items():
        found = held_out[name, reading] = {}
        for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
            yield from _split(name, reading, seed, traces.select(fit), traces.select(test), found)
        parts = {key: d._asdict() for key, d in forces_with_intervals(traces, refits).items()}
        forces = {f"force_{key}{_END[end]}": value for key, d in parts.items() for end, value in d.items()}
        yield from tidy(name, forces, reading=reading, n=len(traces))
    yield from _differences(held_out, len(seeds), draws)


_END = {"value": "", "low": "_low", "high": "_high"}


def _split(name: Name, reading: str, seed: int, fitting: Traces, testing: Traces, held_out: dict) -> Iterator[Row]:
    where = {"seed": seed, "n": len(testing)}
    yield from tidy(name, signs(fitting), reading=reading, **where)
    own = scores(answers_of(testing, testing.plm_final), seed)
    yield from tidy(name, own, method="plm", reading=reading, **where)
    plain = drift.peak_layer(fitting)
    for layers, at, methods in _maps(fitting):
        sides = [fitting, testing] if layers is None else [layer_maps.rematched(t, layers) for t in (fitting, testing)]
        peak = drift.peak_layer(sides[0])
        found = {"peak": float(np.median(peak)), "peak_moved": float((peak != plain).mean())}
        yield from tidy(name, found, reading=reading + at, **where)
        for method in methods:
            calibrator = METHODS[method]()
            if not fitted(calibrator, sides[0]):
                yield from tidy(name, {"refused": 1}, method=method, reading=reading + at, **where)
                continue
            answers = protocol.answers(calibrator, sides[1])
            held_out.setdefault((method, at), []).append(answers)
            temperature = {"temperature": calibrator.temperature_} if calibrator.has_temperature else {}
            yield from tidy(name, temperature | scores(answers, seed), method=method, reading=reading + at, **where)


def _maps(fitting: Traces) -> Iterator[tuple[np.ndarray | None, str, Sequence[str]]]:
    """Layers (None: the default), their place in `reading`, and the methods; a map found on the questions to fit on."""
    yield None, "", protocol.DEFAULT_METHODS
    plain = layer_maps.layer_map(fitting)
    for name in layer_maps.MAPS:
        layers = layer_maps.layer_map(fitting, name)
        same = name in layer_maps.BY_DEPTH and np.array_equal(layers, plain)  # at equal depth
        if not same:
            yield layers, f" map={name}", MAPPED


def _differences(held_out: Mapping[tuple[Name, str], dict], splits: int, draws: int) -> Iterator[Row]:
    """Dual-Align less each rival, each map less the default, and one reference less the other: ECE, paired."""
    whole = {
        (*setting, *key): answers
        for setting, found in held_out.items()
        for key, answers in found.items()
        if len(answers) == splits
    }
    drawn = protocol.bootstrap(whole, ("ece",), draws=draws)
    n = len({question for answers in next(iter(whole.values())) for question in answers.questions})
    for first, second, columns in _compared(whole):
        if first in whole and second in whole:
            found = {"ece": protocol.difference(drawn[first, "ece"], drawn[second, "ece"])}
            yield from tidy(first[0], minus(found), n=n, **columns)


def _compared(keys: Iterable[tuple]) -> Iterator[tuple[tuple, tuple, dict[str, str]]]:
    """Pairs of keys (name, reading, method, map) and what the row of their difference says."""
    for name, reading in dict.fromkeys(key[:2] for key in keys):
        for rival in AGAINST:
            yield (name, reading, OURS, ""), (name, reading, rival, ""), _says(OURS, f"{reading} against={rival}")
    for name, reading, method, at in keys:
        if at:
            says = _says(method, f"{reading}{at} against=default")
            yield (name, reading, method, at), (name, reading, method, ""), says
    further = next(name for name, reading, *_ in keys if reading == OWN)
    for method in SHARED:
        says = _says(method, f"{OWN} against={BORROWED}")
        yield (further, OWN, method, ""), (further, BORROWED, method, ""), says


def _says(method: str, reading: str) -> dict[str, str]:
    return {"method": method, "reading": reading}


EXPERIMENT = Experiment("references", "another family, another depth, an instruct model as reference", units, rows)
