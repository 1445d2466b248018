"""A temperature fitted on one set and used on another; and one for each subject against one for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from .. import metrics, protocol
from ..calibrators import METHODS, Calibrator
from ..traces import Traces
from .ablation import scores
from .main import measured, minus
from .unit import MAIN, Experiment, Name, Row, Units, fitted, tidy

CARRIED = ("vanilla", "dual-align", "daca", "align-all", "confidence-only", "agreement", "temperature-scaling")


def units(names: Sequence[Name]) -> Units:
    """All sets of the main pair at once, and the whole of MMLU."""
    sets = tuple(name for name in names if name.pair == MAIN and name.own_style)
    whole = tuple(name for name in names if (name.pair, name.set, name.variant) == (MAIN, "mmlu", "full"))
    return {unit: read for unit, read in (("sets", sets), ("subjects", whole)) if read}


def rows(unit: str, read: Mapping[Name, Traces], seeds: Iterable[int] = range(5), draws: int = 10_000) -> Iterator[Row]:
    """Rows of one unit; `set` is the one judged on, and `reading` says what the temperature was fitted on."""
    if unit == "sets":
        yield from _between_sets(read, seeds)
    else:
        ((name, traces),) = read.items()
        yield from _by_subject(name, traces, seeds, draws)


def _between_sets(read: Mapping[Name, Traces], seeds: Iterable[int]) -> Iterator[Row]:
    """Every ordered pair, a set with itself too: fitted on the one's 30 %, judged on the other's 70 %."""
    splits = {name: list(protocol.enumerate_splits(traces, 0.3, seeds)) for name, traces in read.items()}
    for source, traces in read.items():
        for split, (seed, (fit, _)) in enumerate(splits[source]):
            fitting = traces.select(fit)
            for method in CARRIED:
                calibrator, where = METHODS[method](), {"method": method, "reading": f"from={source.set}", "seed": seed}
                if not fitted(calibrator, fitting):
                    yield from tidy(source, {"refused": 1}, n=len(fit), **where)
                    continue
                for target in read:
                    testing = read[target].select(splits[target][split][1][1])
                    found = measured(protocol.answers(calibrator, testing), seed)
                    yield from tidy(target, {"temperature": calibrator.temperature_} | found, n=len(testing), **where)


def _by_subject(name: Name, traces: Traces, seeds: Iterable[int], draws: int) -> Iterator[Row]:
    """Readings `one-for-all` and `one-per-subject`, and `subject=...` with each subject's own temperature.

    A subject on which a method cannot be fitted keeps T = 1; `refused` counts them. With seed -1 stand the scores of
    one a subject less those of one for all, on all questions together, over `draws` resamples of them.
    """
    held_out: dict[str, dict[str, list[protocol.Answers]]] = {method: {} for method in CARRIED}
    for seed, (fit, test) in protocol.enumerate_splits(traces, 0.3, seeds):
        fitting, testing = _subjects(traces.select(fit)), _subjects(traces.select(test))
        for method in CARRIED:
            where = {"method": method, "seed": seed}
            one = METHODS[method]().fit(traces.select(fit))
            found, answered = _over_subjects(testing, dict.fromkeys(testing, one), seed)
            held_out[method].setdefault("one-for-all", []).append(answered)
            found |= {"temperature": one.temperature_}
            yield from tidy(name, found, reading="one-for-all", n=len(test), **where)
            own = {subject: METHODS[method]() for subject in testing}
            refused = [s for s, calibrator in own.items() if s not in fitting or not fitted(calibrator, fitting[s])]
            own |= {subject: METHODS["vanilla"]().fit(testing[subject]) for subject in refused}
            found, answered = _over_subjects(testing, own, seed)
            held_out[method].setdefault("one-per-subject", []).append(answered)
            found |= {"refused": len(refused)}
            yield from tidy(name, found, reading="one-per-subject", n=len(test), **where)
            for subject in sorted(own.keys() - set(refused)):
                columns = {"reading": f"subject={subject}", "n": len(fitting[subject])}
                yield from tidy(name, {"temperature": own[subject].temperature_}, **columns, **where)
    for method, found in held_out.items():
        drawn = protocol.bootstrap(found, draws=draws)
        differences = {
            q: protocol.difference(drawn["one-per-subject", q], drawn["one-for-all", q]) for q in protocol.QUANTITIES
        }
        n = len({question for one in found["one-for-all"] for question in one.questions})
        yield from tidy(name, minus(differences), method=method, reading="one-per-subject", n=n)


def _subjects(traces: Traces) -> dict[str, Traces]:
    groups = np.asarray(traces.groups)
    return {str(subject): traces.select(groups == subject) for subject in np.unique(groups)}


def _over_subjects(
    testing: Mapping[str, Traces], calibrators: Mapping[str, Calibrator], seed: int
) -> tuple[dict[str, float], protocol.Answers]:
    """Scores and answers of all questions together, and the ECE averaged over subjects as in [D]; each ECE's floor."""
    found = [protocol.answers(calibrators[subject], traces) for subject, traces in testing.items()]
    top = [metrics.top_label(one.values, one.outcomes) for one in found]
    by_subject = {
        "subject_ece": np.mean([metrics.ece(*pair) for pair in top]),
        "subject_ece_floor": np.mean([metrics.ece_floor(confidence, seed=seed) for confidence, _ in top]),
    }
    questions, values, outcomes = (list(part) for part in zip(*found, strict=True))
    pooled = protocol.Answers(sum(questions, ()), np.concatenate(values), np.concatenate(outcomes))
    confidence = metrics.top_label(pooled.values, pooled.outcomes)[0]
    return scores(pooled) | {"ece_floor": metrics.ece_floor(confidence, seed=seed)} | by_subject, pooled


EXPERIMENT = Experiment("transfer", "a temperature of one set or subject, used on another", units, rows)
