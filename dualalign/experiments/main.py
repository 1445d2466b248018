"""The main comparison: every trace of the seven sets, every method, five splits, and Dual-Align against its rivals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .. import drift, protocol
from ..calibrators import METHODS
from ..traces import Traces
from .unit import Experiment, Name, Row, each, fitted, tidy

OURS = "dual-align"
AGAINST = (
    "vanilla",
    "align-all",
    "daca",
    "basecal",
    "agreement",
    "confidence-only",
    "process-only",
    "temperature-scaling",
)


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 10_000) -> Iterator[Row]:
    """All rows of one trace.

    Each split judges every method, and the PLM as `plm`, on its test questions. Rows of seed -1 are the two models on
    all questions (`plm`, `polm`), what they share (method ""), and the differences averaged over the splits:
    `ece_minus` with `_low`, `_high` and `_p` is Dual-Align's ECE less that of the method in `reading`.
    """
    ((name, traces),) = read.items()
    yield from _models(name, traces)
    held_out: dict[str, list[protocol.Answers]] = {}
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = traces.select(fit), traces.select(test)
        where = {"seed": seed, "n": len(test)}
        for method in protocol.DEFAULT_METHODS:
            calibrator = METHODS[method]()
            if not fitted(calibrator, fitting):
                yield from tidy(name, {"refused": 1}, method=method, **where)
                continue
            found = protocol.answers(calibrator, testing)
            held_out.setdefault(method, []).append(found)
            fit_row = {"temperature": calibrator.temperature_, "n_fit": calibrator.n_fit_}
            yield from tidy(name, fit_row | measured(found, seed), method=method, **where)
        yield from tidy(name, measured(answers_of(testing, testing.plm_final), seed), method="plm", **where)
    yield from _differences(name, held_out, draws)


def measured(found: protocol.Answers, seed: int = 0) -> dict[str, float]:
    """What `protocol.measure` returns, without the number of questions, which has its own column."""
    judged = protocol.measure(found, seed=seed)
    del judged["n"]
    return judged


def answers_of(traces: Traces, logits: np.ndarray) -> protocol.Answers:
    """A model as it comes."""
    return protocol.Answers(traces.question_ids, np.exp(drift.log_softmax_options(logits)), traces.labels)


def minus(differences: Mapping[str, protocol.Comparison]) -> dict[str, float]:
    """Metrics of differences: quantity -> `ece_minus`, `ece_minus_low`, `ece_minus_high`, `ece_minus_p`."""
    return {
        f"{quantity}_minus{'' if part == 'value' else f'_{part}'}": value
        for quantity, found in differences.items()
        for part, value in found._asdict().items()
    }


def _models(name: Name, traces: Traces) -> Iterator[Row]:
    shared = {"chance": float((1 / traces.n_options).mean()), "agreement": float(drift.agreement(traces).mean())}
    yield from tidy(name, shared, n=len(traces))
    for method, logits in (("plm", traces.plm_final), ("polm", traces.polm_final)):
        yield from tidy(name, measured(answers_of(traces, logits)), method=method, n=len(traces))


def _differences(name: Name, held_out: Mapping[str, list[protocol.Answers]], draws: int) -> Iterator[Row]:
    """Dual-Align less each rival that took every split."""
    most = max(map(len, held_out.values()))
    compared = {method: found for method, found in held_out.items() if len(found) == most}
    drawn = protocol.bootstrap({m: f for m, f in compared.items() if m in (OURS, *AGAINST)}, draws=draws)
    n = len({question for found in compared[OURS] for question in found.questions})
    for rival in (method for method in AGAINST if method in compared):
        quantities = [q for q in protocol.QUANTITIES if (rival, q) in drawn]
        found = {q: protocol.difference(drawn[OURS, q], drawn[rival, q]) for q in quantities}
        yield from tidy(name, minus(found), method=OURS, reading=rival, n=n)


EXPERIMENT = Experiment("main", "every method on every pair, set and style", each(lambda name: name.compared), rows)
