"""A temperature carried from one way of asking to another: fitted under each, judged under each, on other questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import metrics, protocol
from .calibrators import METHODS
from .protocol import Answers

if TYPE_CHECKING:
    import pandas as pd

    from .traces import Traces


class Carried(NamedTuple):
    """A method fitted on one variant (`source`) and what it says of another's (`target`) held-out questions."""

    method: str
    source: str
    target: str
    seed: int
    temperature: float
    answers: Answers


def shared_splits(
    variants: Mapping[str, Traces], fraction: float = 0.3, seeds: Iterable[int] = range(5)
) -> Iterator[tuple[int, dict[str, tuple[np.ndarray, np.ndarray]]]]:
    """Yield (seed, {variant: (fit, test)}): a question stands on the same side in all variants that hold it.

    Splits are drawn over the different ids of all variants together, stratified by group where there are groups.
    """
    groups: dict[str, str] = {}
    for traces in variants.values():
        groups |= dict(zip(traces.question_ids, traces.groups or [""] * len(traces), strict=True))
    ids = np.array(list(groups))
    for seed in seeds:
        ((fit, _),) = metrics.repeated_splits(ids, list(groups.values()), fraction, [seed])
        chosen = set(ids[fit].tolist())
        inside = {name: np.array([q in chosen for q in t.question_ids]) for name, t in variants.items()}
        yield seed, {name: (np.flatnonzero(side), np.flatnonzero(~side)) for name, side in inside.items()}


def carry(
    variants: Mapping[str, Traces],
    methods: Iterable[str],
    fraction: float = 0.3,
    seeds: Iterable[int] = range(5),
    across: bool = True,
) -> list[Carried]:
    """Fit every method under every variant and judge it under every variant, once a split.

    Parameters
    ----------
    variants : name -> labelled traces of one pair; the same question has the same id in each
    methods : names in `METHODS` that need a plain trace only
    fraction, seeds : of the splits by question, see `shared_splits`
    across : False judges each fit under its own variant only
    """
    out = []
    for seed, sides in shared_splits(variants, fraction, seeds):
        testing = {name: traces.select(sides[name][1]) for name, traces in variants.items()}
        for source, traces in variants.items():
            fitting = traces.select(sides[source][0])
            for method in methods:
                fitted = METHODS[method]().fit(fitting)
                for target in variants if across else [source]:
                    found = protocol.answers(fitted, testing[target])
                    out.append(Carried(method, source, target, seed, fitted.temperature_, found))
    return out


def errors(carried: Iterable[Carried], bins: int = 10, draws: int = 100) -> pd.DataFrame:
    """One row a `Carried`: method, source, target, seed, temperature, and its `ece` beside the `floor`."""
    import pandas as pd

    rows = []
    for *where, (_, values, outcomes) in carried:
        confidence, right = metrics.top_label(values, outcomes) if np.ndim(values) == 2 else (values, outcomes)
        floor = metrics.ece_floor(confidence, bins, draws)
        rows.append((*where, metrics.ece(confidence, right, bins), floor))
    return pd.DataFrame(rows, columns=[*Carried._fields[:-1], "ece", "floor"])


def excess(
    carried: Sequence[Carried], method: str, bins: int = 10, draws: int = 2000, seed: int = 0
) -> protocol.Comparison:
    """What a temperature of elsewhere costs: ECE under a target when fitted under another variant, less when its own.

    The mean over splits, sources and other targets, with a paired interval over questions (`protocol.bootstrap`).

    Raises
    ------
    ValueError
        Where the method was not carried to another variant.
    """
    found = {(c.source, c.target, c.seed): c.answers for c in carried if c.method == method}
    moved = [key for key in found if key[0] != key[1]]
    if not moved:
        raise ValueError(f"{method} was judged under no variant but its own; call carry(..., across=True)")
    sides = {
        "moved": [found[key] for key in moved],
        "own": [found[target, target, split] for _, target, split in moved],
    }
    drawn = protocol.bootstrap(sides, ["ece"], bins, draws, seed)
    return protocol.difference(drawn["moved", "ece"], drawn["own", "ece"])


def against(
    held_out: Mapping[str, Sequence[Answers]],
    ours: str = "dual-align",
    quantity: str = "ece",
    bins: int = 10,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Methods on the same held-out questions, each beside its floor, and one of them against all others.

    Parameters
    ----------
    held_out : method -> its answers, one `Answers` a split, all methods to the same questions
    ours : the method that the others are compared with
    quantity : one of `protocol.QUANTITIES`; a method without probabilities is left out of all but the ECE
    bins, draws, seed : as in `protocol.bootstrap`

    Returns
    -------
    DataFrame
        A row a method: ``value`` (mean over the splits) with ``low`` and ``high``, the basic 95 % interval over
        questions; ``floor`` (of the ECE; NaN otherwise); ``minus``, ``minus_low``, ``minus_high``, the value of `ours`
        less that of the row, paired; ``p`` adjusted by Holm over all rows. The row of `ours` has no difference.
    """
    import pandas as pd

    drawn = protocol.bootstrap(held_out, [quantity], bins, draws, seed)
    rows = {}
    for (method, _), values in drawn.items():
        low, high = 2 * values[0] - np.quantile(values[1:], [0.975, 0.025])  # as in metrics.interval
        row = {"value": values[0], "low": max(low, 0.0), "high": high, "floor": np.nan}
        if quantity == "ece":
            row["floor"] = np.mean([_floor(found, bins) for found in held_out[method]])
        if method != ours:
            found = protocol.difference(drawn[ours, quantity], values)
            row |= {"minus": found.value, "minus_low": found.low, "minus_high": found.high, "p": found.p}
        rows[method] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
    return table.assign(p=protocol.holm(table["p"]))


def _floor(found: Answers, bins: int, draws: int = 200) -> float:
    _, values, outcomes = found
    confidence = metrics.top_label(values, outcomes)[0] if np.ndim(values) == 2 else values
    return metrics.ece_floor(confidence, bins, draws)
