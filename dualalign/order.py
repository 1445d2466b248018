"""A question asked in several ways: which place is chosen, how often the answer stays, what the asking moves.

A permuted trace holds several rows of each question, one an order of its options (see `calibrators.permutations`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import drift, metrics, protocol
from .calibrators import METHODS, ContextualCalibration, PriDe, average_permutations
from .calibrators.permutations import log_place_priors
from .protocol import Answers
from .traces import Traces

if TYPE_CHECKING:
    import pandas as pd

MODELS = ("plm", "polm")
PLAIN = ("vanilla", "batch", "align-all", "daca", "dual-align", "basecal", "temperature-scaling")
AVERAGED = ("vanilla", "daca", "dual-align", "temperature-scaling")


def final_logits(traces: Traces, model: str) -> np.ndarray:
    """The option logits (N, K) of "plm" or "polm"."""
    return getattr(traces, f"{drift.one_of('model', model, MODELS)}_final")


def place_shares(traces: Traces, level: float = 0.95, draws: int = 1000) -> pd.DataFrame:
    """How often each model chooses each place, and how often it is right when the right option stands there.

    Each option of a question stands at each place equally often, so what the options say cancels: without a bias every
    place is chosen equally often. Questions with the commonest number of options K count; the others have other places.

    Parameters
    ----------
    traces : labelled, with `order`
    level, draws : of the bootstrap intervals, over questions and not over rows

    Returns
    -------
    DataFrame
        A row a (model, place from 1): ``n`` questions; ``chosen``, share of rows; ``right``, accuracy over the rows
        with the right option there; both with ``_low`` and ``_high``.

    Raises
    ------
    ValueError
        Where there is no order, or an option stands at one place more often than at another.
    """
    import pandas as pd

    log_place_priors(traces)  # refuses what is not balanced
    k = int(np.bincount(traces.n_options).argmax())
    traces = traces.select(traces.n_options == k)
    owner = np.unique(traces.question_ids, return_inverse=True)[1]
    rows = []
    for model in MODELS:
        place = final_logits(traces, model)[:, :k].argmax(axis=1)
        chosen = _by_question(np.eye(k)[place], owner)
        stands = np.eye(k)[traces.labels]
        hit = _by_question(stands * (place == traces.labels)[:, None], owner) / _by_question(stands, owner)
        for i in range(k):
            row = {"model": model, "place": i + 1, "n": len(chosen)}
            for name, values in (("chosen", chosen[:, i]), ("right", hit[:, i])):
                low, high = metrics.interval(np.mean, values, level=level, draws=draws)
                row |= {name: values.mean(), f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
    return pd.DataFrame(rows)


def as_written(traces: Traces) -> Traces:
    """The rows that show the options in their original order, one a question.

    Raises
    ------
    ValueError
        Where a question was not asked so, or twice.
    """
    if traces.order is None:
        raise ValueError("traces has no order; give a trace of permuted options, which names each place's option")
    places = np.arange(traces.order.shape[1])
    found = traces.select(((traces.order == places) | ~traces.mask).all(axis=1))
    questions = set(traces.question_ids)
    if len(found) != len(questions) or set(found.question_ids) != questions:
        raise ValueError(f"{len(questions)} questions have {len(found)} rows in the original order; give each one")
    return found


def votes(traces: Traces, model: str = "polm") -> Answers:
    """Consistency as a confidence: the share of a question's orders that name each original option.

    Returns
    -------
    Answers
        One row a question, in the order in which ids first appear: shares (questions, K), and the label.
    """
    if traces.order is None:
        raise ValueError("traces has no order; give a trace of permuted options, which names each place's option")
    place = np.stack([final_logits(traces, model).argmax(axis=1), traces.labels], axis=1)
    option = np.take_along_axis(traces.order, place, axis=1)  # (rows, 2): named, right
    questions = list(dict.fromkeys(traces.question_ids))
    number = {question: i for i, question in enumerate(questions)}
    owner = np.array([number[question] for question in traces.question_ids])
    labels = np.zeros(len(questions), dtype=np.int64)
    labels[owner] = option[:, 1]
    if (labels[owner] != option[:, 1]).any():
        raise ValueError("rows of one question differ in their label; give each question an id of its own")
    return Answers(tuple(questions), _by_question(np.eye(traces.order.shape[1])[option[:, 0]], owner), labels)


def by_order(traces: Traces) -> dict[tuple[int, ...], Traces]:
    """The traces of each order of the options, of the questions with the commonest number of options."""
    k = int(np.bincount(traces.n_options).argmax())
    traces = traces.select(traces.n_options == k)
    orders, number = np.unique(traces.order[:, :k], axis=0, return_inverse=True)
    return {tuple(order.tolist()): traces.select(number.ravel() == i) for i, order in enumerate(orders)}


def exchange(
    variants: Mapping[object, Traces], model: str = "polm", bins: int = 10, draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Does the way of asking move accuracy, mean confidence or ECE at all? A permutation test of their spread.

    Were the variants exchangeable, a question's answers could be dealt to them in any way. `expected` is the mean
    spread when they are dealt at random, question by question: the noise floor of a spread.

    Parameters
    ----------
    variants : of the same labelled questions in the same sequence
    model : "plm" or "polm"
    bins : of the ECE
    draws, seed : random deals

    Returns
    -------
    DataFrame
        Rows ``accuracy``, ``confidence``, ``ece``: ``low`` and ``high`` over the variants, their standard deviation
        ``spread``, the one ``expected``, and ``p``, the share of deals with a spread at least as large.

    Raises
    ------
    ValueError
        Where two variants hold different questions.
    """
    import pandas as pd

    asked = [traces.question_ids for traces in variants.values()]
    if any(ids != asked[0] for ids in asked):
        raise ValueError("the variants hold different questions; select those that all hold, in one sequence")
    log_p = [drift.log_softmax_options(final_logits(traces, model)) for traces in variants.values()]
    top = [metrics.top_label(np.exp(p), t.labels) for p, t in zip(log_p, variants.values(), strict=True)]
    confidence, right = (np.array(part, dtype=np.float64) for part in zip(*top, strict=True))  # (variants, questions)
    found, rng = _scores(confidence, right, bins), np.random.default_rng(seed)
    places = np.broadcast_to(np.arange(len(asked))[:, None], confidence.shape)
    dealt = np.empty((draws, 3))
    for i in range(draws):
        deal = rng.permuted(places, axis=0)
        mixed = (np.take_along_axis(a, deal, axis=0) for a in (confidence, right))
        dealt[i] = _scores(*mixed, bins).std(axis=1, ddof=1)
    spread = found.std(axis=1, ddof=1)
    # a deal that gives back the same values differs from them by rounding only
    p = (1 + (dealt >= spread * (1 - 1e-9)).sum(axis=0)) / (1 + draws)
    columns = {"low": found.min(axis=1), "high": found.max(axis=1), "spread": spread}
    index = pd.Index(("accuracy", "confidence", "ece"), name="quantity")
    return pd.DataFrame(columns | {"expected": dealt.mean(axis=0), "p": p}, index=index)


def held_out(
    permuted: Traces,
    plain: Iterable[str] = PLAIN,
    fraction: float = 0.3,
    seeds: Iterable[int] = range(5),
    content_free: Traces | None = None,
) -> dict[str, list[Answers]]:
    """Answers to the same held-out questions, one `Answers` a split and a row a question.

    Methods of `plain` are fitted on the questions as written and answer them as written, one run of the model each.
    ``pride`` learns the places' prior from all orders of the questions fitted on. ``cape`` averages a question's
    orders, and ``cape + NAME`` fits a method on averaged questions; ``consistency`` is `votes`. ``plm`` is the PLM.
    ``contextual`` is there where traces of questions without content are given.
    """
    out: dict[str, list[Answers]] = {}
    for fit, test in metrics.repeated_splits(permuted.question_ids, permuted.groups, fraction, seeds):
        fitting, testing = permuted.select(fit), permuted.select(test)
        one, asked = as_written(fitting), as_written(testing)
        mean, averaged = average_permutations(fitting), average_permutations(testing)
        found = {name: protocol.answers(METHODS[name]().fit(one), asked) for name in plain}
        found["pride"] = protocol.answers(PriDe(permuted=fitting).fit(one), asked)
        if content_free is not None:
            found["contextual"] = protocol.answers(ContextualCalibration(content_free).fit(one), asked)
        for name in AVERAGED:
            found[cape_name(name)] = protocol.answers(METHODS[name]().fit(mean), averaged)
        found["consistency"] = votes(testing)
        found["plm"] = Answers(asked.question_ids, np.exp(drift.log_softmax_options(asked.plm_final)), asked.labels)
        for name, answers in found.items():
            out.setdefault(name, []).append(answers)
    return out


def cape_name(method: str) -> str:
    """What `held_out` calls a method fitted on averaged orders; CAPE itself fits none."""
    return "cape" if method == "vanilla" else f"cape + {method}"


def _by_question(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Mean over each question's rows, (rows, ...) -> (questions, ...)."""
    total = np.zeros((owner.max() + 1, *values.shape[1:]))
    np.add.at(total, owner, values)
    return total / np.bincount(owner)[:, None]


def _scores(confidence: np.ndarray, right: np.ndarray, bins: int) -> np.ndarray:
    """Accuracy, mean confidence and ECE of each variant, (3, variants)."""
    return np.stack([right.mean(axis=1), confidence.mean(axis=1), metrics.ece.rows(confidence, right, bins=bins)])
